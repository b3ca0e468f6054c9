//! The three questions of the demo, their answers as the server writes them, and a sentence for each.
//!
//! The sentences say what is shared and by how many. Whether accounts act together is not said: a
//! campus shares as much as a network does, and sharing is where a question begins.

use crate::cli::ask::fetch;
use crate::cli::demo::say;
use crate::cli::demo::world::{EXITS, RARE, SMALL, World};
use crate::cli::error::CliError;
use crate::cli::shell::quote;
use crate::cli::show::{Format, show};
use crate::cli::target::Target;
use crate::http::client::Client;
use serde_json::Value;
use std::collections::BTreeSet;

/// Rows of a table that are shown.
const ROWS_SHOWN: usize = 6;

/// Asks all three and checks the answers against what was made up.
pub(super) fn ask(client: &mut Client, world: &World) -> Result<(), CliError> {
    neighbors(client, world)?;
    why(client, world)?;
    search(client, world)
}

/// Question one, and beside it the innocent twin.
fn neighbors(client: &mut Client, world: &World) -> Result<(), CliError> {
    let account = &world.pair.0;
    say(&format!("1. Who shares addresses or clients with {account}?\n"))?;
    let found = rows(client, &neighbors_target(account))?;
    table(client, &neighbors_target(account))?;
    let others: BTreeSet<&str> = found.iter().filter_map(|row| row.get("account")?.as_str()).collect();
    let missing =
        world.planted.iter().filter(|name| *name != account && !others.contains(name.as_str())).count();
    expect(missing == 0, || format!("{missing} planted accounts are not among the neighbors of {account}"))?;
    let strongest = found.iter().take(world.planted.len() - 1);
    let strangers = strongest
        .filter_map(|row| row.get("account")?.as_str())
        .filter(|name| !world.planted.contains(*name));
    let strangers = strangers.count();
    expect(strangers == 0, || {
        format!("{strangers} strangers rank among the planted neighbors of {account}")
    })?;
    say(&format!(
        "The {} strongest are the accounts that were planted with it: they share a client that hardly\n\
         anybody else has. Coordinated? Not judged yet; this is what they share.\n",
        world.planted.len() - 1
    ))?;
    let student = &world.student;
    say(&format!("   The same for {student}, one of 300 students behind two addresses:\n"))?;
    let twin = rows(client, &neighbors_target(student))?;
    table(client, &neighbors_target(student))?;
    let weight =
        |rows: &[Value]| rows.first().and_then(|row| row.get("weight")?.as_f64()).unwrap_or_default();
    let (planted, innocent) = (weight(&found), weight(&twin));
    expect(planted > innocent && innocent > 0.0, || {
        format!("the strongest neighbor of {account} weighs {planted}, that of {student} {innocent}")
    })?;
    say(&format!(
        "{student} shares with hundreds of accounts too, but what it shares is common, so it weighs little:\n\
         its strongest neighbor weighs {innocent:.3}, against {planted:.3} above. Most sharing is innocent.\n"
    ))
}

fn neighbors_target(account: &str) -> Target {
    Target::new("/v1/accounts").name(account).then("neighbors").with("via", Some("ip,fingerprint"))
}

fn why(client: &mut Client, world: &World) -> Result<(), CliError> {
    let (a, b) = &world.pair;
    say(&format!("2. What exactly do {a} and {b} share?\n"))?;
    let target = Target::new("/v1/why").with("a", Some(a)).with("b", Some(b));
    let found = rows(client, &target)?;
    table(client, &target)?;
    for value in [RARE, "203.0.113.", "card-shared-"] {
        let named =
            |row: &Value| row.as_object().is_some_and(|row| row.values().any(|cell| holds(cell, value)));
        expect(found.iter().any(named), || format!("the answer for {a} and {b} does not name {value}"))?;
    }
    say("Several things at once, each with how many others share it: a rare client, addresses of one small\n\
         network, and one card. A family shares a card too; what weighs is all of it together.\n")
}

fn search(client: &mut Client, world: &World) -> Result<(), CliError> {
    let expression = expression();
    say(&format!("3. Which accounts match: {expression}\n"))?;
    let target = Target::new("/v1/search").with("where", Some(&expression)).with("select", Some("accounts"));
    let found = rows(client, &target)?;
    table(client, &target)?;
    let accounts: BTreeSet<String> =
        found.iter().filter_map(|row| Some(row.get("account")?.as_str()?.to_owned())).collect();
    expect(accounts == world.searched, || {
        format!("the search gives {} accounts instead of {}", accounts.len(), world.searched.len())
    })?;
    say(&format!(
        "{} accounts, all of them planted: network, client and model narrow it down to them. An expression\n\
         says who matches it, not what they intend.",
        accounts.len()
    ))
}

fn expression() -> String {
    format!("ip in {EXITS} and fingerprint = \"{RARE}\" and not model = \"{SMALL}\"")
}

/// Whether a cell holds a text.
fn holds(cell: &Value, text: &str) -> bool {
    match cell {
        Value::String(cell) => cell.contains(text),
        other => other.to_string().contains(text),
    }
}

fn expect(right: bool, wrong: impl FnOnce() -> String) -> Result<(), CliError> {
    if right { Ok(()) } else { Err(CliError::Failed(format!("a wrong answer: {}", wrong()))) }
}

/// All rows of an answer, without the trailer.
fn rows(client: &mut Client, target: &Target) -> Result<Vec<Value>, CliError> {
    let target = target.clone().with("limit", limit(target)).with("format", Some("ndjson"));
    let response = fetch(client, &target, None)?;
    let text = String::from_utf8_lossy(&response.body);
    let values = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>();
    let mut values = values.map_err(|error| CliError::Failed(format!("an answer is no NDJSON: {error}")))?;
    let trailer = values.pop().and_then(|last| last.get("_end")?.as_bool());
    expect(trailer == Some(true), || "an answer was cut off".to_owned())?;
    Ok(values)
}

/// `why` has no pages.
fn limit(target: &Target) -> Option<usize> {
    (!target.text().starts_with("/v1/why")).then_some(1_000)
}

/// The first rows of an answer as the server draws them.
fn table(client: &mut Client, target: &Target) -> Result<(), CliError> {
    let shown = limit(target).map(|_| ROWS_SHOWN);
    let target = target.clone().with("limit", shown).with("format", Some("table"));
    let response = fetch(client, &target, None)?;
    let text = String::from_utf8_lossy(&response.body);
    let mut drawn = String::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let line = if line.starts_with("more: ") { "..." } else { line };
        drawn.push_str("   ");
        drawn.push_str(&show(line, Format::Table, true));
        drawn.push('\n');
    }
    say(&drawn)
}

/// Lines to paste into a shell.
pub(super) fn curl_lines(url: &str, world: &World) -> String {
    let (a, b) = &world.pair;
    let search = Target::new("/v1/search").with("where", Some(expression())).with("format", Some("table"));
    let paths = [
        format!("/v1/accounts/{a}?format=table"),
        "/v1/ips/192.0.2.10?format=table".to_owned(),
        format!("/v1/accounts/{}/neighbors?format=table&limit=5", world.student),
        format!("/v1/why?a={a}&b={b}"),
        "/v1/why?a=agency-00&b=agency-01&format=table".to_owned(),
        search.text(),
        "/v1/status".to_owned(),
    ];
    paths.map(|path| format!("  curl {}", quote(&format!("{url}{path}")))).join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Client, Value, World, ask, curl_lines, expression};
    use crate::cli::demo::world;
    use crate::cli::testing::{answer, scripted};
    use crate::event::Day;
    use serde_json::json;

    fn neighbor(account: &str, weight: f64) -> Value {
        json!({ "account": account, "weight": weight })
    }

    /// What a right server answers to the rows of each question.
    fn right(world: &World) -> [Vec<Value>; 4] {
        let others = world.planted.iter().filter(|name| **name != world.pair.0);
        [
            others.map(|name| neighbor(name, 5.5)).chain([neighbor("student-001", 0.1)]).collect(),
            vec![neighbor("student-002", 0.5)],
            vec![
                json!({ "via": "fingerprint", "value": world::RARE }),
                json!({ "via": "ip", "value": "203.0.113.20" }),
                json!({ "via": "payment", "value": "card-shared-3" }),
            ],
            world.searched.iter().map(|name| json!({ "account": name })).collect(),
        ]
    }

    /// Asks a server that gives these rows, and says what came of it.
    fn outcome(world: &World, rows: &[Vec<Value>]) -> Result<(), String> {
        let ndjson = |rows: &Vec<Value>| {
            let lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
            let lines = lines.join("\n") + "\n";
            answer(200, "", &format!("{lines}{{\"_end\":true,\"rows\":{}}}\n", rows.len()))
        };
        let table = answer(200, "", " ACCOUNT\n x\u{1b}[2J\n\nmore: add cursor=x\n");
        let answers = rows.iter().flat_map(|rows| [ndjson(rows), table.clone()]).collect();
        let (url, served) = scripted(answers);
        let mut client = Client::new(&url, None).expect("client");
        let asked = ask(&mut client, world).map_err(|error| error.to_string());
        // The rest of the script is never asked for when an answer was wrong.
        if asked.is_ok() {
            served.join().expect("served");
        }
        asked
    }

    #[test]
    fn right_answers_pass_and_each_wrong_one_is_told() {
        let world = world::make(Day(20_000));
        outcome(&world, &right(&world)).expect("right");
        let wrong = |change: &dyn Fn(&mut [Vec<Value>; 4])| {
            let mut rows = right(&world);
            change(&mut rows);
            outcome(&world, &rows).expect_err("wrong")
        };
        assert!(wrong(&|rows| drop(rows[0].remove(3))).contains("1 planted accounts are not among"));
        assert!(wrong(&|rows| rows[0].insert(0, neighbor("home-001", 9.0))).contains("1 strangers rank"));
        assert!(wrong(&|rows| rows[1] = vec![neighbor("student-002", 7.0)]).contains("weighs 5.5"));
        assert!(wrong(&|rows| drop(rows[2].remove(2))).contains("does not name card-shared-"));
        assert!(wrong(&|rows| drop(rows[3].pop())).contains("the search gives"));
        assert!(wrong(&|rows| rows[3].push(json!({ "account": "home-001" }))).contains("the search gives"));
    }

    #[test]
    fn lines_to_try_can_be_pasted() {
        let lines = curl_lines("http://127.0.0.1:1", &world::make(Day(20_000)));
        assert!(
            lines.contains("  curl 'http://127.0.0.1:1/v1/accounts/planted-07?format=table'\n"),
            "{lines}"
        );
        assert!(lines.lines().all(|line| line.matches('\'').count().is_multiple_of(2)), "{lines}");
        assert!(expression().contains(" and not model = "));
    }
}
