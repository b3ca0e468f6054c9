//! Memory: a server gives back what a closing used.
//!
//! A closing takes hundreds of megabytes in a few large pieces, on several threads. glibc's allocator keeps a heap
//! for each thread, and after the first large piece it keeps others too: a server that is up for weeks then holds a
//! third more than it uses. glibc reads its settings from the environment before a program begins, so the program
//! begins once more with them. Other platforms' allocators are left as they are.

use crate::limits::{ALLOCATOR_HEAPS, ALLOCATOR_MAPPED_BYTES, ALLOCATOR_SPARE_BYTES};
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What glibc calls them.
const SETTINGS: [(&str, usize); 3] = [
    ("MALLOC_ARENA_MAX", ALLOCATOR_HEAPS),
    ("MALLOC_MMAP_THRESHOLD_", ALLOCATOR_MAPPED_BYTES),
    ("MALLOC_TRIM_THRESHOLD_", ALLOCATOR_SPARE_BYTES),
];

/// Begins this program again with the settings, unless it has them or somebody has chosen others. Comes back only
/// then, or if it cannot; the server works without them.
pub(super) fn settle() {
    let is_chosen = |name: &OsStr| {
        let name = name.to_string_lossy();
        name.starts_with("MALLOC_") || name == "GLIBC_TUNABLES"
    };
    if !cfg!(all(target_os = "linux", target_env = "gnu")) || std::env::vars_os().any(|(n, _)| is_chosen(&n))
    {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let mut arguments = std::env::args_os();
    let mut again = Command::new(&program);
    again.arg0(arguments.next().unwrap_or_else(|| program.into_os_string())).args(arguments);
    again.envs(SETTINGS.map(|(name, value)| (name, value.to_string())));
    let _error = again.exec();
}
