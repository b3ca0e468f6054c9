//! `LiteLLM`'s proxy with the recipe as it is shipped, and calls of the model that it plays.

use crate::install::{python, recipe};
use crate::trial::{ACCOUNTS, Trial, ask_from};
use std::net::Ipv4Addr;
use std::ops::Range;
use std::process::{Child, Command, Stdio};

/// Starts it on a port, with where its calls are sent to.
pub(crate) fn start(trial: &Trial, port: u16, url: &str) -> Child {
    let folder = trial.folder();
    let _callback = recipe(folder, "litellm_cahoots.py", &[]);
    let key = "api_key: os.environ/OPENAI_API_KEY";
    let (_, config) =
        recipe(folder, "litellm.yaml", &[(key, "api_key: none\n      mock_response: Certainly.")]);
    Command::new(python("litellm", &["litellm[proxy]==1.106.2"]).join("litellm"))
        .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--config"])
        .arg(config)
        .env("HOME", folder)
        .env("CAHOOTS_URL", url)
        .env("CAHOOTS_SPOOL", folder.join("spool"))
        .env("LITELLM_MASTER_KEY", MASTER_KEY)
        .env("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("LiteLLM starts")
}

/// It takes none that is easy to guess.
const MASTER_KEY: &str = "sk-3f9c1be07a5d4426b8e0d1c79a64f25b";

/// Calls of a chat model with some numbers, each with the address of its account in a header.
pub(crate) fn chat(port: u16, numbers: Range<u64>) {
    for number in numbers {
        let named = format!("198.51.100.{}", number % ACCOUNTS);
        call(Ipv4Addr::LOCALHOST, port, number, &[("X-Forwarded-For", &named)]);
    }
}

/// One call from an address.
pub(crate) fn call(from: Ipv4Addr, port: u16, number: u64, headers: &[(&str, &str)]) {
    let authorization = format!("Bearer {MASTER_KEY}");
    let account = number % ACCOUNTS;
    let body = format!(
        r#"{{"model":"gpt-4o-mini","user":"account-{account}","messages":[{{"role":"user","content":"Question {number}"}}]}}"#
    );
    let own = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    ask_from(from, port, "POST /v1/chat/completions", &[&own, headers].concat(), &body);
}
