//! The other half of the demo: ten days of a provider's life with a network hidden in it, and how it is
//! found, explained and proved.

use super::say;
use crate::app::Reading;
use crate::cli::ask::fetch;
use crate::cli::error::CliError;
use crate::cli::evidence;
use crate::cli::target::Target;
use crate::drill::{World, WorldPlan, rung};
use crate::event::Day;
use crate::http::client::Client;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

/// Days of the log.
const DAYS: u32 = 10;

/// Honest accounts, about.
const HONEST: u32 = 1_500;

/// Accounts of the network.
const NETWORK: u32 = 120;

/// Bytes of one body.
const BODY_BYTES: usize = 4 << 20;

/// Days that end before a day, and the network in them.
pub(super) fn make(before: Day) -> Result<World, CliError> {
    let first = Day(before.0 - DAYS as i32);
    // One home address each, a popular client each: only what they do gives them away.
    let network = rung("E3", NETWORK).ok_or_else(|| CliError::Failed("there is no such rung".to_owned()))?;
    let network = crate::drill::CampaignPlan { first_day: 2, ..network };
    Ok(World::new(WorldPlan::honest(first, DAYS, HONEST).with(network), 7))
}

/// Sends the days; what was sent is also written to a log, to prove the evidence against.
pub(super) fn send(client: &mut Client, world: &World, log: &Path) -> Result<(), CliError> {
    let truth = world.truth();
    let hidden = truth.iter().filter(|truth| truth.campaign.is_some()).count();
    say(&format!(
        "and ten days of a provider with {} accounts, {hidden} of them one network: an address and a popular client \
         each, agents' work shared out evenly",
        truth.len()
    ))?;
    let began = Instant::now();
    let mut copy = File::create(log).map_err(CliError::Output)?;
    let (mut body, mut sent) = (Vec::new(), 0_u64);
    for day in 0..world.days() {
        for made in world.day(day) {
            world.write_json(&made, &mut body);
            sent += 1;
            if body.len() >= BODY_BYTES {
                post(client, &mut copy, std::mem::take(&mut body))?;
            }
        }
    }
    post(client, &mut copy, body)?;
    say(&format!("  {sent} requests on disk in {} ms\n", began.elapsed().as_millis()))
}

/// Notes a body in the log and sends it.
pub(super) fn post(client: &mut Client, copy: &mut File, body: Vec<u8>) -> Result<(), CliError> {
    copy.write_all(&body).map_err(CliError::Output)?;
    let response = client.post("/v1/events", "application/x-ndjson", body)?;
    if response.status.is_success() { Ok(()) } else { Err(CliError::refused(&response)) }
}

/// Finds the network, says why, and proves it.
pub(super) fn find(client: &mut Client, world: &World, log: &Path, scratch: &Path) -> Result<(), CliError> {
    say("which accounts are in cahoots? every day is analysed as it closes; the last one now")?;
    let began = Instant::now();
    let report = json(&fetch(client, &Target::new("/v1/analyze"), Some(""))?.body)?;
    let figure = |name: &str| report.get(name).cloned().unwrap_or_default();
    say(&format!(
        "  {} accounts, {} groups tested on the last day; done in {} ms\n",
        figure("accounts"),
        figure("groups"),
        began.elapsed().as_millis()
    ))?;
    let target = Target::new("/v1/clusters").with("verdict", Some("coordinated_extraction"));
    let list = json(&fetch(client, &target, None)?.body)?;
    let found = list.pointer("/clusters/0").cloned().unwrap_or_default();
    let Some(id) = found.get("id").and_then(Value::as_str) else {
        return Err(CliError::Failed(format!("the network was not found: {list}")));
    };
    let one = Target::new("/v1/clusters").name(id);
    let cluster = json(&fetch(client, &one, None)?.body)?;
    for sentence in cluster.get("says").and_then(Value::as_array).into_iter().flatten() {
        say(&format!("  {}", sentence.as_str().unwrap_or_default()))?;
    }
    say(&format!("  flagged at {}", found.get("flagged_at").and_then(Value::as_str).unwrap_or_default()))?;
    check(client, world, id)?;
    prove(client, id, log, scratch)
}

/// Compares the members with what is true of the made-up days.
fn check(client: &mut Client, world: &World, id: &str) -> Result<(), CliError> {
    let target = Target::new("/v1/clusters")
        .name(id)
        .then("members")
        .with("limit", Some(100_000))
        .with("format", Some("json"));
    let members = json(&fetch(client, &target, None)?.body)?;
    let members = members.get("members").and_then(Value::as_array).cloned().unwrap_or_default();
    let names: BTreeSet<&str> = members.iter().filter_map(|m| m.get("account")?.as_str()).collect();
    let truth = world.truth();
    let hidden: BTreeSet<&str> =
        truth.iter().filter(|t| t.campaign.is_some()).map(|t| t.account.as_str()).collect();
    let right = names.intersection(&hidden).count();
    say(&format!(
        "  {right} of the {} hidden accounts are in it, and {} others\n",
        hidden.len(),
        names.len() - right
    ))?;
    if right == hidden.len() && names.len() == right {
        return Ok(());
    }
    Err(CliError::Failed("that is not the network that was hidden".to_owned()))
}

/// Fetches the evidence and computes it again from the log alone.
fn prove(client: &mut Client, id: &str, log: &Path, scratch: &Path) -> Result<(), CliError> {
    say("can anybody check that? the evidence, computed again from the log alone")?;
    let target = Target::new("/v1/clusters").name(id).then("evidence");
    let document = fetch(client, &target, None)?.body;
    let pack = scratch.join("pack");
    evidence::write(&pack, &document)?;
    let agreed = evidence::verify(&pack, &[log.to_owned()], &Reading::default())?;
    say(&format!(
        "  {agreed} figures agree to one part in 10^9; the page for people is {}/evidence.md\n",
        pack.display()
    ))
}

fn json(bytes: &[u8]) -> Result<Value, CliError> {
    serde_json::from_slice(bytes).map_err(|error| CliError::Failed(format!("no JSON came: {error}")))
}
