//! Starting: what is refused, each with one sentence that says what and how to mend it.

use crate::harness::{Server, line, run};
use std::net::TcpListener;

fn refused(arguments: &[&str]) -> String {
    let (code, _, error) = run(arguments);
    assert!(code.is_some_and(|code| code != 0), "{arguments:?} was not refused");
    error
}

#[test]
fn an_unknown_flag_is_named() {
    let error = refused(&["serve", "--dta", "x"]);
    assert!(error.contains("--dta") && error.contains("--data"), "{error}");
}

#[test]
fn an_unknown_key_of_the_configuration_is_named_with_its_line_and_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cahoots.toml");
    std::fs::write(&file, "# settings\nlissten = \"127.0.0.1:7070\"\n").unwrap();
    let error = refused(&["serve", "--config", file.to_str().unwrap()]);
    assert!(error.contains("lissten") && error.contains("line 2") && error.contains("listen"), "{error}");
    let error = refused(&["serve", "--config", "/nowhere/cahoots.toml"]);
    assert!(error.contains("/nowhere/cahoots.toml"), "{error}");
}

#[test]
fn a_folder_that_cannot_be_is_named() {
    let error = refused(&["serve", "--data", "/proc/cahoots", "--listen", "127.0.0.1:0"]);
    assert!(error.contains("/proc/cahoots") && error.contains("--data"), "{error}");
    let error = refused(&["check", "--data", "/nowhere"]);
    assert!(error.contains("/nowhere"), "{error}");
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = refused(&["serve", "--data", folder.path().to_str().unwrap(), "--listen", &address]);
    assert!(error.contains(&address) && error.contains("--listen"), "{error}");
}

#[test]
fn a_second_server_is_told_which_process_has_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let error = refused(&["serve", "--data", folder.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    assert!(error.contains(&format!("process {}", server.pid())), "{error}");
}

#[test]
fn other_machines_are_let_in_only_with_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let error = refused(&["serve", "--data", data.to_str().unwrap(), "--listen", "0.0.0.0:0"]);
    assert!(error.contains("--token-file"), "{error}");

    let token = "a-token-of-enough-letters";
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{token}\n")).unwrap();
    let mut command = std::process::Command::new(crate::harness::CAHOOTS);
    let server = Server::start_with(&data, &mut command, &["--token-file", file.to_str().unwrap()]);
    assert_eq!(server.get("/healthz").status, 200);
    for path in
        ["/v1/status", "/readyz", "/metrics", "/openapi.json", "/v1/accounts/x", "/v1/search?where=ip=::1"]
    {
        assert_eq!(server.get(path).status, 401, "{path}");
    }
    assert_eq!(server.request("POST", "/v1/events", &[], line(1).as_bytes()).status, 401);
    let server = server.with_token(token);
    assert_eq!(server.get("/v1/status").status, 200);
    assert_eq!(server.ingest(line(1).as_bytes())["accepted"], 1);
}

#[test]
fn a_graceful_stop_ends_with_zero_and_the_next_start_has_everything() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let body: String = (0..3_000).map(line).collect();
    server.ingest(body.as_bytes());
    assert_eq!(server.terminate(), Some(0));
    let server = Server::start(folder.path());
    assert_eq!(server.rows(), 3_000);
    assert_eq!(server.folder(), folder.path());
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn the_allocator_gives_memory_back_unless_somebody_has_chosen_otherwise() {
    let of_malloc = |server: &Server| -> Vec<String> {
        let all = std::fs::read(format!("/proc/{}/environ", server.pid())).unwrap();
        let all = String::from_utf8_lossy(&all).into_owned();
        all.split('\0').filter(|one| one.starts_with("MALLOC_")).map(str::to_owned).collect()
    };
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    assert!(of_malloc(&server).contains(&"MALLOC_ARENA_MAX=2".to_owned()), "{:?}", of_malloc(&server));
    drop(server);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_cahoots"));
    let server = Server::start_with(folder.path(), command.env("MALLOC_ARENA_MAX", "7"), &[]);
    assert_eq!(of_malloc(&server), ["MALLOC_ARENA_MAX=7"]);
}
