//! Programs from `PyPI` and Debian, unpacked below the build folder: nothing is installed on the machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// One installation at a time: tests run side by side.
static TURN: Mutex<()> = Mutex::new(());

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-clients");
    std::fs::create_dir_all(&folder).expect("folder");
    folder
}

fn must(command: &mut Command) {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Where the programs of some Python packages are, in an environment of their own.
pub(crate) fn python(name: &str, packages: &[&str]) -> PathBuf {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let venv = folder().join(name);
    let python = venv.join("bin/python");
    // pip comes last: without it the environment was left half made.
    if !venv.join("bin/pip").try_exists().expect("disk") {
        must(Command::new("python3").arg("-m").arg("venv").arg(&venv));
    }
    must(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages));
    venv.join("bin")
}

/// The root of some Debian packages.
pub(crate) fn debian(packages: &[&str]) -> PathBuf {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let folder = folder().join(packages[0]);
    let root = folder.join("root");
    if root.join("complete").try_exists().expect("disk") {
        return root;
    }
    std::fs::create_dir_all(&root).expect("folder");
    must(Command::new("apt-get").arg("update").arg("-qq"));
    must(Command::new("apt-get").args(["download", "-q"]).args(packages).current_dir(&folder));
    for entry in std::fs::read_dir(&folder).expect("folder") {
        let file = entry.expect("entry").path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            must(Command::new("dpkg").arg("-x").arg(file).arg(&root));
        }
    }
    std::fs::write(root.join("complete"), "").expect("disk");
    root
}

/// Where the libraries of unpacked packages are.
pub(crate) fn libraries(root: &Path) -> String {
    let multiarch = format!("{}-linux-gnu", std::env::consts::ARCH);
    ["usr/lib", "lib"].map(|lib| root.join(lib).join(&multiarch).display().to_string()).join(":")
        + ":"
        + &root.join("usr/lib/syslog-ng").display().to_string()
}

/// A recipe with some texts replaced, and the file that it was written to. Each text has to be there.
pub(crate) fn recipe(folder: &Path, name: &str, changes: &[(&str, &str)]) -> (String, PathBuf) {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/recipes").join(name);
    let mut text = std::fs::read_to_string(&from).expect("recipe");
    for (old, new) in changes {
        assert!(text.contains(old), "{name} has no {old}");
        text = text.replace(old, new);
    }
    let to = folder.join(name);
    std::fs::write(&to, &text).expect("disk");
    // A program stays one.
    let permissions = std::fs::metadata(&from).expect("recipe").permissions();
    std::fs::set_permissions(&to, permissions).expect("disk");
    (text, to)
}
