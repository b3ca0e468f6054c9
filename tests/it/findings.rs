//! Findings over HTTP: every route that tells of a campaign, in every format, and what is refused.

use crate::campaign::{self, events_by_day, planted};
use crate::harness::{Response, Server, run};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;

const FORMATS: [&str; 4] = ["json", "ndjson", "csv", "table"];

/// A server that has found the campaign.
struct Found<'s> {
    server: &'s Server,
    planted: BTreeSet<String>,
    id: String,
}

impl Found<'_> {
    fn get(&self, path: &str) -> Response {
        let answer = self.server.get(&path.replace("{id}", &self.id));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer
    }

    fn json(&self, path: &str) -> Value {
        self.get(path).json()
    }

    /// Rows of ndjson, and the last line.
    fn lines(&self, path: &str) -> (Vec<Value>, Value) {
        let text = self.get(path).text();
        let mut lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let end = lines.pop().expect("a last line");
        assert_eq!((&end["_end"], &end["rows"]), (&json!(true), &json!(lines.len())), "{path}");
        (lines, end)
    }

    /// Header and rows of csv.
    fn csv(&self, path: &str) -> (Vec<String>, Vec<Vec<String>>) {
        let text = self.get(path).text();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let record = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        let header = record(reader.headers().expect("a header"));
        (header, reader.records().map(|row| record(&row.expect("a row"))).collect())
    }

    fn refused(&self, path: &str, field: &str) {
        refused(self.server, "GET", &path.replace("{id}", &self.id), b"", (400, field));
    }

    fn two(&self) -> [&String; 2] {
        let mut planted = self.planted.iter();
        [planted.next().expect("sixty"), planted.next().expect("sixty")]
    }
}

/// Asks for what has to be refused; the problem names the field.
fn refused(server: &Server, method: &str, path: &str, body: &[u8], (status, field): (u16, &str)) {
    let answer = server.request(method, path, &[], body);
    assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    assert_eq!(answer.header("content-type"), Some("application/problem+json"), "{path}");
    let problem = answer.json();
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{problem}");
    if !field.is_empty() {
        assert_eq!(problem["field"], field, "{method} {path}: {problem}");
    }
}

#[test]
fn every_route_tells_of_a_campaign_in_every_format() {
    let world = campaign::world();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let log = campaign::send(&server, &world);
    let report = campaign::close(&server, campaign::DAYS);
    assert_eq!(report["abstained"], json!([]), "{report}");
    let list = server.get("/v1/clusters?verdict=coordinated_extraction").json();
    assert_eq!(list["clusters"].as_array().map(Vec::len), Some(1), "{list}");
    let id = list["clusters"][0]["id"].as_str().expect("an id").to_owned();
    let found = Found { server: &server, planted: planted(&world), id };
    the_list(&found);
    the_filters(&found);
    one_cluster(&found);
    its_members(&found);
    its_timeline(&found, &world);
    its_evidence(&found, &log);
    an_accounts_profile(&found, &world);
    what_two_share(&found);
    a_template(&found);
    answers_are_as_described(&found);
    unknown_ids(&found);
    bans_are_in_its_history(&found);
}

fn the_list(found: &Found<'_>) {
    let list = found.json("/v1/clusters");
    let clusters = list["clusters"].as_array().expect("a list");
    assert_eq!(list["total"], clusters.len());
    assert_eq!(clusters[0]["id"], found.id, "those that accuse come first");
    for cluster in clusters {
        assert!(["watch", "confirmed"].contains(&cluster["status"].as_str().unwrap()), "{cluster}");
        let events = cluster["events"].as_u64().unwrap();
        assert!(events >= cluster["accounts"].as_u64().unwrap() && cluster["q"].is_number(), "{cluster}");
        for time in ["first_seen", "flagged_at"] {
            let text = cluster[time].as_str().expect(time);
            assert!(text.starts_with("2026-0") && text.ends_with('Z'), "{cluster}");
        }
        for score in ["coordination", "extraction", "deception"] {
            assert!(cluster["scores"][score].is_number(), "{cluster}");
        }
        assert!(!cluster["families"].as_array().expect("families").is_empty(), "{cluster}");
    }
    assert_eq!(clusters[0]["accounts"], found.planted.len());
    assert_eq!(clusters[0]["status"], "confirmed");
    assert_eq!(list["analysis"]["day"], "2026-04-28T00:00:00Z");

    let (lines, end) = found.lines("/v1/clusters?format=ndjson");
    assert_eq!(&lines, clusters, "a line is what is in the document");
    assert!(end["notes"][0].as_str().unwrap().contains("groups tested"), "{end}");
    let (header, rows) = found.csv("/v1/clusters?format=csv");
    assert_eq!(rows.len(), clusters.len());
    for column in
        ["id", "status", "verdict", "accounts", "events", "first_seen", "flagged_at", "families", "q"]
    {
        assert!(header.iter().any(|name| name == column), "{header:?}");
    }
    let table = found.get("/v1/clusters?format=table").text();
    assert!(table.contains(&found.id) && table.contains("analysed up to 2026-04-28"), "{table}");
    assert!(table.lines().all(|line| line.len() < 250), "{table}");
    let (code, text, error) =
        run(&["clusters", "--status", "confirmed", "-o", "table", "--url", &url(found.server)]);
    assert!(code == Some(0) && text.contains(&found.id), "{text}{error}");
}

fn url(server: &Server) -> String {
    format!("http://{}", server.address)
}

fn the_filters(found: &Found<'_>) {
    let ids = |path: &str| -> Vec<String> {
        let list = found.json(path);
        let clusters = list["clusters"].as_array().expect("a list").clone();
        clusters.iter().map(|cluster| cluster["id"].as_str().unwrap().to_owned()).collect()
    };
    let all = ids("/v1/clusters");
    assert!(all.len() > 1, "something honest is coordinated as well");
    let (watch, confirmed) = (ids("/v1/clusters?status=watch"), ids("/v1/clusters?status=confirmed"));
    assert_eq!(watch.len() + confirmed.len(), all.len());
    assert!(confirmed.contains(&found.id));
    let flagged = found.json("/v1/clusters/{id}")["flagged_at"].as_str().unwrap().to_owned();
    assert!(ids(&format!("/v1/clusters?since={flagged}")).contains(&found.id), "since is inside");
    assert!(!ids(&format!("/v1/clusters?until={flagged}")).contains(&found.id), "until is outside");
    assert_eq!(ids("/v1/clusters?since=2027-01-01"), Vec::<String>::new());
    // Back from the newest event, whatever the wall clock says.
    assert!(ids("/v1/clusters?since=30d").contains(&found.id));
    // Pages follow each other; their cursors belong to their question.
    let (mut paged, mut next) = (Vec::new(), String::new());
    loop {
        let page = found.json(&format!("/v1/clusters?limit=1&cursor={next}"));
        paged.push(page["clusters"][0]["id"].as_str().expect("one a page").to_owned());
        let Some(cursor) = page["next"].as_str() else { break };
        cursor.clone_into(&mut next);
    }
    assert_eq!(paged, all);
    found.refused(&format!("/v1/clusters?status=confirmed&limit=1&cursor={next}"), "cursor");
    for (path, field) in [
        ("/v1/clusters?status=sure", "status"),
        ("/v1/clusters?verdict=guilty", "verdict"),
        ("/v1/clusters?since=soon", "since"),
        ("/v1/clusters?since=2026-05-01&until=2026-04-01", "until"),
        ("/v1/clusters?limit=0", "limit"),
        ("/v1/clusters?cursor=7", "cursor"),
        ("/v1/clusters?format=xml", "format"),
        ("/v1/clusters?colour=red", "colour"),
        ("/v1/clusters/{id}/members?excluded=perhaps", "excluded"),
        ("/v1/clusters/{id}/members?cursor=7", "cursor"),
        ("/v1/clusters/{id}/timeline?since=soon", "since"),
        ("/v1/clusters/{id}/evidence?format=pdf", "format"),
        ("/v1/clusters/{id}?since=7d", "since"),
    ] {
        found.refused(path, field);
    }
}

fn one_cluster(found: &Found<'_>) {
    let cluster = found.json("/v1/clusters/{id}");
    let says = cluster["says"].to_string();
    for part in ["Observed: 60 accounts", "Inferred: ", "Not shown: "] {
        assert!(says.contains(part), "{says}");
    }
    for strength in cluster["strengths"].as_array().expect("strengths") {
        assert!(strength["innocent_twin"].as_str().is_some_and(|twin| !twin.is_empty()), "{strength}");
    }
    assert!(cluster["benign_explanations"].as_array().is_some_and(|checked| checked.len() >= 4));
    let table = found.get("/v1/clusters/{id}?format=table").text();
    for figure in ["verdict", "coordination_asked", "says", "strength", "checked", "history"] {
        assert!(table.lines().any(|line| line.trim_start().starts_with(figure)), "{figure}: {table}");
    }
    let (_, rows) = found.csv("/v1/clusters/{id}?format=csv");
    assert!(rows.iter().any(|row| row[0] == "id" && row[1] == found.id));
    let (lines, _) = found.lines("/v1/clusters/{id}?format=ndjson");
    assert!(lines.iter().any(|line| line["figure"] == "accounts" && line["value"] == 60));
    let (code, text, _) = run(&["cluster", &found.id, "-o", "table", "--url", &url(found.server)]);
    assert!(code == Some(0) && text.contains("Not shown"), "{text}");
}

fn its_members(found: &Found<'_>) {
    // A line each unless another format is named.
    let (members, _) = found.lines("/v1/clusters/{id}/members");
    let accounts: BTreeSet<String> =
        members.iter().map(|member| member["account"].as_str().unwrap().to_owned()).collect();
    assert_eq!((accounts, members.len()), (found.planted.clone(), found.planted.len()));
    for member in &members {
        assert!(member["flagged_at"].as_str().unwrap().starts_with("2026-04-2"), "{member}");
        let agreements = member["agreements"].as_array().expect("families");
        assert!(agreements.len() >= 2 && agreements.contains(&json!("CONTENT")), "{member}");
    }
    let document = found.json("/v1/clusters/{id}/members?format=json&limit=1000");
    assert_eq!((&document["members"], &document["id"]), (&Value::from(members), &json!(found.id)));
    let (header, rows) = found.csv("/v1/clusters/{id}/members?format=csv");
    assert_eq!((rows.len(), header[0].as_str()), (found.planted.len(), "account"));
    assert!(rows[0][3].contains("CONTENT "), "families with spaces between: {:?}", rows[0]);
    let table = found.get("/v1/clusters/{id}/members?format=table&limit=2").text();
    assert!(table.contains("AGREEMENTS") && table.contains("more: add cursor="), "{table}");
    let first = found.json("/v1/clusters/{id}/members?format=json&limit=59");
    let cursor = first["next"].as_str().expect("one is left");
    let (last, end) = found.lines(&format!("/v1/clusters/{{id}}/members?limit=59&cursor={cursor}"));
    assert_eq!((last.len(), &end["next"]), (1, &Value::Null));
    let excluded = found.json("/v1/clusters/{id}/members?excluded=true&format=json");
    let total = found.json("/v1/clusters/{id}")["excluded"].clone();
    assert_eq!(excluded["total"], total);
    found.refused(&format!("/v1/clusters/{{id}}/members?excluded=true&cursor={cursor}"), "cursor");
}

fn its_timeline(found: &Found<'_>, world: &cahoots::drill::World) {
    let expected: Vec<u64> = events_by_day(world, &found.planted).into_values().collect();
    let timeline = found.json("/v1/clusters/{id}/timeline");
    let events = |days: &Value| -> Vec<u64> {
        days.as_array().expect("days").iter().map(|day| day["events"].as_u64().unwrap()).collect()
    };
    assert_eq!(events(&timeline["timeline"]), expected);
    let busiest =
        timeline["timeline"].as_array().unwrap().iter().map(|day| day["accounts"].as_u64().unwrap());
    assert_eq!(busiest.max(), Some(found.planted.len() as u64));
    let whole: u64 = expected.iter().sum();
    assert_eq!(found.json("/v1/clusters/{id}")["events"], whole, "the cluster has the same events");
    let (lines, _) = found.lines("/v1/clusters/{id}/timeline?format=ndjson");
    assert_eq!(events(&lines.into()), expected);
    let (_, rows) = found.csv("/v1/clusters/{id}/timeline?format=csv&since=2026-04-28");
    assert_eq!(rows.len(), 1);
    assert!(found.get("/v1/clusters/{id}/timeline?format=table").text().contains("ACCOUNTS"));
}

/// Computes every member's odds by hand, from what the document says.
fn odds_follow_from_the_rates(document: &Value) {
    let rule = &document["membership"];
    let rates = rule["families"].as_object().expect("families");
    for member in document["members"].as_array().expect("members") {
        let lists = |field: &str, family: &str| {
            member[field].as_array().is_some_and(|list| list.iter().any(|one| one == family))
        };
        let mut odds = rule["ln_prior"].as_f64().expect("a prior");
        for (family, rate) in rates.iter().filter(|(family, _)| !lists("cannot_say", family)) {
            let [inside, outside] = ["members", "others"].map(|of| rate[of].as_f64().expect("a rate"));
            let agrees = lists("agrees_in", family);
            odds += if agrees { (inside / outside).ln() } else { ((1.0 - inside) / (1.0 - outside)).ln() };
        }
        let claimed = member["ln_odds"].as_f64().expect("odds");
        assert!((odds - claimed).abs() < 1e-9 && odds >= rule["ln_odds_asked"].as_f64().unwrap(), "{member}");
    }
}

/// The same log as it lies about: in two files, compressed, the younger one first, and with a line that is none.
fn its_evidence_is_in_rotated_logs(pack: &str, log: &[u8], folder: &Path) {
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let (older, younger) = lines.split_at(lines.len() / 3);
    let files = [folder.join("log.1.gz"), folder.join("log")];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&older.concat()).unwrap();
    std::fs::write(&files[0], gzip.finish().unwrap()).unwrap();
    let younger = [&younger.concat()[..], b"neither event nor JSON\n"].concat();
    std::fs::write(&files[1], zstd::encode_all(&younger[..], 1).unwrap()).unwrap();
    let [older, younger] = [&files[0], &files[1]].map(|path| path.to_str().unwrap());
    let (code, text, error) = run(&["verify", pack, "--data", younger, older]);
    assert_eq!(code, Some(0), "{text}{error}");
    assert!(
        error.starts_with("1 record of the logs was not taken, the first ") && error.contains("/log:"),
        "{error}"
    );
    // Without a part of it the evidence does not hold, and each difference has a line of its own.
    let (code, text, error) = run(&["verify", pack, "--data", older]);
    assert_eq!(code, Some(1), "{text}{error}");
    assert!(text.lines().all(|line| line.contains(": the pack says ")) && !text.is_empty(), "{text}");
    assert!(
        error.contains("not agree") && error.contains("--key-of") && error.lines().count() == 1,
        "{error}"
    );
}

fn its_evidence(found: &Found<'_>, log: &[u8]) {
    let folder = tempfile::tempdir().unwrap();
    let (pack, path) = (folder.path().join("pack"), folder.path().join("log.ndjson"));
    std::fs::write(&path, log).unwrap();
    let [pack, path] = [&pack, &path].map(|path| path.to_str().unwrap());
    let (code, _, error) = run(&["evidence", &found.id, "-o", pack, "--url", &url(found.server)]);
    assert_eq!(code, Some(0), "{error}");
    let (code, text, error) = run(&["verify", pack, "--data", path]);
    assert_eq!(code, Some(0), "{text}{error}");
    its_evidence_is_in_rotated_logs(pack, log, folder.path());
    let page = std::fs::read_to_string(format!("{pack}/evidence.md")).unwrap();
    assert_eq!(found.get("/v1/clusters/{id}/evidence?format=table").text(), page);
    for part in [
        &format!("# Evidence on cluster {}", found.id),
        "## How it was counted",
        "one API request",
        "counts once",
        "## Observed",
        "60 of 60",
        "no indication",
        "## Inferred",
        "An accusation needs every one of these",
        "## If a part of the evidence is taken away",
        "everything from addresses",
        "the largest 5 % of accounts",
        "## Innocent explanations",
        "Ruled out",
        "Not ruled out",
        "## Not shown",
        "no identity follows from a log",
        "Intent is not shown",
        "Use for training is not shown",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("not known"), "every figure of the page is there: {page}");
    let document = found.json("/v1/clusters/{id}/evidence");
    odds_follow_from_the_rates(&document);
    assert_eq!(
        (&document["case"]["cluster"], &document["counted"]["accounts"]),
        (&json!(found.id), &json!(60))
    );
    let holds = |condition: &Value| condition["holds"] == true;
    assert!(document["verdict_rule"]["conditions"].as_array().unwrap().iter().all(holds));
    assert_eq!(
        document["counted"]["events"],
        found.json("/v1/clusters/{id}")["events"],
        "one number, one meaning"
    );
    let (lines, _) = found.lines("/v1/clusters/{id}/evidence?format=ndjson");
    for line in lines.iter().step_by(50) {
        let place = line["place"].as_str().unwrap();
        assert_eq!(document.pointer(place), Some(&line["value"]), "{place}");
    }
    assert!(found.csv("/v1/clusters/{id}/evidence?format=csv").1.len() > 300);
}

fn an_accounts_profile(found: &Found<'_>, world: &cahoots::drill::World) {
    let [account, _] = found.two();
    let profile = found.json(&format!("/v1/accounts/{account}"));
    let cluster = &profile["cluster"];
    assert_eq!((&cluster["id"], &cluster["status"]), (&json!(found.id), &json!("confirmed")), "{cluster}");
    assert_eq!(cluster["verdict"], "coordinated_extraction");
    assert!(cluster["flagged_at"].as_str().unwrap().starts_with("2026-04-2"), "{cluster}");
    assert!(cluster["agreements"].as_array().unwrap().contains(&json!("LIFE")), "{cluster}");
    for format in ["table", "csv", "ndjson"] {
        let text = found.get(&format!("/v1/accounts/{account}?format={format}")).text();
        assert!(text.contains(&found.id) && text.contains("agrees in"), "{format}: {text}");
    }
    let (code, text, _) = run(&["account", account, "-o", "table", "--url", &url(found.server)]);
    assert!(code == Some(0) && text.contains("confirmed: coordinated_extraction; member since"), "{text}");
    let clusters = found.json("/v1/clusters?limit=1000");
    let coordinated: BTreeSet<String> = clusters["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|cluster| {
            let path = format!("/v1/clusters/{}/members", cluster["id"].as_str().unwrap());
            found.lines(&path).0.into_iter().map(|member| member["account"].as_str().unwrap().to_owned())
        })
        .collect();
    let truth = world.truth();
    let seen = |account: &&String| found.server.get(&format!("/v1/accounts/{account}")).status == 200;
    let names = truth.iter().map(|truth| &truth.account);
    let honest = names.filter(|account| !coordinated.contains(*account)).find(seen).expect("most are honest");
    assert_eq!(found.json(&format!("/v1/accounts/{honest}"))["cluster"], Value::Null);
    assert!(found.get(&format!("/v1/accounts/{honest}?format=table")).text().contains("none"));
}

fn what_two_share(found: &Found<'_>) {
    let [a, b] = found.two();
    let path = format!("/v1/why?a={a}&b={b}");
    let why = found.json(&path);
    let shared = why["shared"].as_array().expect("a list");
    for thing in shared {
        assert!(thing["family"].as_str().is_some_and(|family| family.len() > 2), "{thing}");
        assert!(thing["weight"].as_f64().is_some_and(|weight| weight > 0.0 && weight < 1.0), "{thing}");
    }
    let of =
        |via: &str| shared.iter().find(|thing| thing["via"] == via).unwrap_or_else(|| panic!("{via}: {why}"));
    let template = of("template");
    assert_eq!(template["family"], "CONTENT");
    assert!(template["a"]["events"].as_u64().unwrap() > 0 && template["b"]["events"].as_u64().unwrap() > 0);
    assert!(template["accounts"].as_u64().unwrap() >= 2, "{template}");
    let families: BTreeSet<&str> =
        why["families"].as_array().unwrap().iter().map(|family| family["family"].as_str().unwrap()).collect();
    assert!(families.contains("CONTENT"), "{families:?}");
    let (lines, _) = found.lines(&format!("{path}&format=ndjson"));
    let (header, rows) = found.csv(&format!("{path}&format=csv"));
    let table = found.get(&format!("{path}&format=table")).text();
    assert_eq!((lines.len(), rows.len()), (shared.len(), shared.len()));
    assert_eq!((header[0].as_str(), header[4].as_str()), ("family", "weight"));
    assert!(lines.iter().any(|line| line["family"] == "CONTENT" && line["weight"].is_number()));
    assert!(table.contains("FAMILY") && table.contains("CONTENT"), "{table}");
    // Neighbors say the same of each thing.
    let path = format!("/v1/accounts/{a}/neighbors?via=fingerprint,user_agent,email_domain&limit=5");
    let neighbors = found.json(&path);
    let things = neighbors["neighbors"][0]["shared"].as_array().expect("things");
    assert!(!things.is_empty());
    for thing in things {
        assert!(["CLIENT", "LIFE"].contains(&thing["family"].as_str().unwrap()), "{thing}");
        assert!(thing["weight"].is_number() && thing["accounts"].is_number(), "{thing}");
    }
    let (lines, _) = found.lines(&format!("{path}&format=ndjson"));
    assert_eq!(lines[0], neighbors["neighbors"][0], "a line is what is in the document");
    for format in ["csv", "table"] {
        let text = found.get(&format!("{path}&format={format}")).text();
        assert!(text.contains("CLIENT user_agent ") || text.contains("CLIENT fingerprint "), "{text}");
        assert!(text.contains(" accounts, 0."), "{text}");
    }
}

fn a_template(found: &Found<'_>) {
    let [a, b] = found.two();
    let why = found.json(&format!("/v1/why?a={a}&b={b}"));
    let shared = why["shared"].as_array().unwrap();
    let thing = shared.iter().find(|thing| thing["via"] == "template").expect("a template");
    let key = thing["value"].as_str().unwrap();
    let path = format!("/v1/templates/{key}");
    let template = found.json(&format!("{path}?limit=100000"));
    let accounts = template["accounts"]["list"].as_array().expect("a list");
    assert_eq!(template["accounts"]["total"], thing["accounts"], "why and the other side agree");
    assert_eq!(accounts.len(), thing["accounts"].as_u64().unwrap() as usize);
    let of =
        |name: &String| accounts.iter().find(|one| one["account"] == name.as_str()).expect("both have it");
    assert_eq!(of(a)["cluster"], found.id);
    let sum = |list: &Value| -> u64 {
        list.as_array().unwrap().iter().map(|one| one["events"].as_u64().unwrap()).sum()
    };
    assert_eq!(template["events"], sum(&template["accounts"]["list"]));
    assert_eq!(template["events"], sum(&template["days"]));
    let first = accounts.iter().map(|one| one["first_seen"].as_str().unwrap()).min();
    assert_eq!(template["first_seen"].as_str(), first);
    assert!(template["clusters"].as_array().unwrap().iter().any(|one| one["id"] == found.id.as_str()));
    // A later window has less, one after the log nothing.
    let later = found.json(&format!("{path}?since=1d"));
    assert!(later["events"].as_u64() < template["events"].as_u64());
    assert_eq!(found.json(&format!("{path}?since=2027-01-01"))["events"], 0);
    // Pages join to the whole; every format has the accounts.
    let (lines, end) = found.lines(&format!("{path}?format=ndjson&limit=3"));
    assert_eq!(&lines[..], &accounts[..3]);
    let cursor = end["next"].as_str().expect("more");
    let (lines, _) = found.lines(&format!("{path}?format=ndjson&limit=3&cursor={cursor}"));
    assert_eq!(&lines[..], &accounts[3..6]);
    assert_eq!(found.csv(&format!("{path}?format=csv&limit=100000")).1.len(), accounts.len());
    let (code, text, _) = run(&["template", key, "-o", "table", "--url", &url(found.server)]);
    assert!(
        code == Some(0) && text.contains("CLUSTER") && text.contains(&format!("template {key}: ")),
        "{text}"
    );
    found.refused("/v1/templates/0", "template");
    found.refused("/v1/templates/4294967295", "template");
    found.refused(&format!("{path}?since=soon"), "since");
    let (code, ..) = run(&["template", "12345", "--url", &url(found.server)]);
    assert_eq!(code, Some(3), "a template that nobody sent is not found");
}

/// Every field of an answer is in the description of the interface, and the other way around.
fn answers_are_as_described(found: &Found<'_>) {
    let description = found.json("/openapi.json");
    let schemas = &description["components"]["schemas"];
    let fields = |name: &str| -> BTreeSet<String> {
        let own = &schemas[name];
        let all = own["allOf"].as_array().cloned().unwrap_or_else(|| vec![own.clone()]);
        let resolved = all.iter().map(|part| match part["$ref"].as_str() {
            Some(path) => schemas[path.rsplit('/').next().unwrap()].clone(),
            None => part.clone(),
        });
        resolved
            .flat_map(|part| {
                part["properties"].as_object().expect(name).clone().into_iter().map(|(key, _)| key)
            })
            .collect()
    };
    let keys = |value: &Value| -> BTreeSet<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    let [a, b] = found.two();
    let list = found.json("/v1/clusters");
    let why = found.json(&format!("/v1/why?a={a}&b={b}"));
    let things = why["shared"].as_array().unwrap();
    let thing = things.iter().find(|thing| thing["via"] == "template").expect("a template");
    let template = found.json(&format!("/v1/templates/{}", thing["value"].as_str().unwrap()));
    let near = found.json(&format!("/v1/accounts/{a}/neighbors?via=user_agent&limit=1"));
    for (schema, value) in [
        ("Cluster", &list["clusters"][0]),
        ("ClusterInFull", &found.json("/v1/clusters/{id}")),
        ("Member", &found.lines("/v1/clusters/{id}/members").0[0]),
        ("Membership", &found.json(&format!("/v1/accounts/{a}"))["cluster"]),
        ("Analysis", &list["analysis"]),
        ("DayCount", &found.json("/v1/clusters/{id}/timeline")["timeline"][0]),
        ("SharedThing", &near["neighbors"][0]["shared"][0]),
    ] {
        assert_eq!(fields(schema), keys(value), "{schema}");
    }
    // These have fields that depend on what there is to say.
    let mut expected = fields("SharedByTwo");
    let is_optional = expected.remove("also");
    assert!(is_optional && keys(thing).is_superset(&expected), "{thing}");
    let mut expected = fields("Template");
    expected.insert("window".to_owned());
    assert_eq!(expected, keys(&template));
}

fn unknown_ids(found: &Found<'_>) {
    for format in FORMATS {
        for path in [
            "/v1/clusters/c-000000000000",
            "/v1/clusters/c-000000000000/members",
            "/v1/clusters/c-000000000000/timeline",
            "/v1/clusters/c-000000000000/evidence",
            "/v1/accounts/nobody",
            "/v1/templates/12345",
            "/v1/templates/no-such-name",
        ] {
            refused(found.server, "GET", &format!("{path}?format={format}"), b"", (404, ""));
        }
        let path = format!("/v1/clusters/{}/members?format={format}", "x".repeat(600));
        refused(found.server, "GET", &path, b"", (400, "id"));
    }
    for path in ["/v1/clusters", "/v1/clusters/{id}/evidence", "/v1/templates/12345"] {
        refused(found.server, "POST", &path.replace("{id}", &found.id), b"", (405, ""));
    }
}

fn bans_are_in_its_history(found: &Found<'_>) {
    let [a, b] = found.two();
    let body = json!({"accounts": [a, b, a], "at": "2026-04-28T20:00:00Z"}).to_string();
    let answer = found.server.request("POST", "/v1/bans", &[], body.as_bytes());
    assert_eq!(answer.json(), json!({"banned": 2, "known_before": 0}), "the same name twice is one account");
    let again = found.server.request("POST", "/v1/bans", &[], body.as_bytes());
    assert_eq!(again.json(), json!({"banned": 0, "known_before": 2}));
    let cluster = found.json("/v1/clusters/{id}");
    let last = cluster["history"].as_array().and_then(|history| history.last()).expect("history").clone();
    assert_eq!((&last["what"], &last["accounts"]), (&json!("banned"), &json!(2)));
}

#[test]
fn an_honest_world_is_told_as_one_and_too_little_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let before = server.get("/v1/clusters").json();
    assert_eq!((&before["clusters"], &before["analysis"]), (&json!([]), &Value::Null));
    let table = server.get("/v1/clusters?format=table").text();
    assert!(table.contains("(nothing)") && table.contains("nothing is analysed yet"), "{table}");
    let plan = cahoots::drill::WorldPlan::honest(campaign::FIRST_DAY, 3, 60);
    campaign::send(&server, &cahoots::drill::World::new(plan, 5));
    let report = campaign::close(&server, 3);
    let why = "not enough to say";
    assert!(report["abstained"][0].as_str().unwrap().starts_with(why), "{report}");
    let list = server.get("/v1/clusters").json();
    assert_eq!((&list["clusters"], &list["total"]), (&json!([]), &json!(0)));
    assert_eq!(list["analysis"]["abstained"], report["abstained"]);
    let ndjson = server.get("/v1/clusters?format=ndjson").text();
    assert!(ndjson.lines().count() == 1 && ndjson.contains(why), "{ndjson}");
    assert_eq!(server.get("/v1/clusters?format=csv").text().lines().count(), 1, "a header and nothing else");
    let table = server.get("/v1/clusters?format=table").text();
    assert!(table.contains("(nothing)") && table.contains(why), "{table}");
    let status = server.get("/v1/status").json();
    assert_eq!(
        (&status["analysis"]["closed"], &status["analysis"]["clusters"]),
        (&json!("2026-04-24"), &json!(0))
    );
}

#[test]
fn bans_and_releases_are_taken_kept_and_refused_with_their_field() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let post = |server: &Server, path: &str, body: &str| server.request("POST", path, &[], body.as_bytes());
    let banned = post(&server, "/v1/bans", r#"{"accounts":["ann","bob"],"at":"2026-05-01T12:00:00Z"}"#);
    assert_eq!((banned.status, banned.json()), (200, json!({"banned": 2, "known_before": 0})));
    // Unknown accounts may be banned, and without an instant it is now.
    let more = post(&server, "/v1/bans", r#"{"accounts":["bob","eve"]}"#);
    assert_eq!(more.json(), json!({"banned": 1, "known_before": 1}));
    let release = post(&server, "/v1/releases", r#"{"model":"m-next","at":"2026-05-01T12:00:00+02:00"}"#);
    assert_eq!((release.status, release.json()), (200, json!({"noted": true})));
    server.kill();
    let server = Server::start(folder.path());
    let again = post(&server, "/v1/bans", r#"{"accounts":["ann","bob","eve"]}"#);
    assert_eq!(again.json(), json!({"banned": 0, "known_before": 3}), "a ban outlives kill -9");
    let long = "x".repeat(600);
    for (path, body, field) in [
        ("/v1/bans", "", ""),
        ("/v1/bans", "not json", ""),
        ("/v1/bans", "{}", ""),
        ("/v1/bans", r#"["ann"]"#, ""),
        ("/v1/bans", r#"{"accounts":"ann"}"#, ""),
        ("/v1/bans", r#"{"accounts":[7]}"#, ""),
        ("/v1/bans", r#"{"accounts":["ann"],"reason":"x"}"#, ""),
        ("/v1/bans", r#"{"accounts":[]}"#, "accounts"),
        ("/v1/bans", r#"{"accounts":["ann",""]}"#, "accounts"),
        ("/v1/bans", &format!(r#"{{"accounts":["{long}"]}}"#), "accounts"),
        ("/v1/bans", r#"{"accounts":["ann"],"at":"yesterday"}"#, "at"),
        ("/v1/bans", r#"{"accounts":["ann"],"at":"2026-05-01"}"#, "at"),
        ("/v1/bans?at=7", r#"{"accounts":["ann"]}"#, "at"),
        ("/v1/releases", "{}", ""),
        ("/v1/releases", r#"{"model":["m"]}"#, ""),
        ("/v1/releases", r#"{"model":""}"#, "model"),
        ("/v1/releases", &format!(r#"{{"model":"{long}{long}"}}"#), "model"),
        ("/v1/releases", r#"{"model":"m","at":"soon"}"#, "at"),
        ("/v1/analyze?until=soon", "", "until"),
        ("/v1/analyze?until=7d", "", "until"),
    ] {
        refused(&server, "POST", path, body.as_bytes(), (400, field));
    }
    let large = format!(r#"{{"accounts":["{}"]}}"#, "x".repeat(5 << 20));
    refused(&server, "POST", "/v1/bans", large.as_bytes(), (413, ""));
    for path in ["/v1/bans", "/v1/releases", "/v1/analyze"] {
        refused(&server, "GET", path, b"", (405, ""));
    }
}

#[test]
fn names_from_outside_are_harmless_in_every_answer_and_templates_go_by_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let nasty = ["=cmd|' /C calc'!A0", "\u{1b}[2J\u{202e}admin"];
    let event = |number: usize, account: &str, template: &str| {
        let ts = 1_776_816_000 + number;
        json!({"ts": ts, "account": account, "ip": "198.51.100.7", "request_id": format!("r{number}"),
            "fingerprint": "=fp", "template": template, "account_created_at": 1_776_000_000})
        .to_string()
    };
    let mut lines: Vec<String> = (0..6).map(|n| event(n, nasty[n % 2], "summarise-v3")).collect();
    lines.extend((6..9).map(|n| event(n, "carol", "17")));
    assert_eq!(server.ingest(lines.join("\n").as_bytes())["accepted"], 9);
    let named = server.get("/v1/templates/summarise-v3").json();
    assert_eq!(
        (&named["events"], &named["accounts"]["total"], &named["name"]),
        (&json!(6), &json!(2), &json!("summarise-v3"))
    );
    let key = named["template"].as_str().expect("a key").to_owned();
    let by_key = server.get(&format!("/v1/templates/{key}")).json();
    assert_eq!((&by_key["accounts"], &by_key["days"]), (&named["accounts"], &named["days"]));
    assert_eq!((&by_key["found_in"]["body"], &by_key["found_in"]["tail"]), (&json!(6), &json!(0)));
    assert_eq!(server.get("/v1/templates/name:17").json()["events"], 3);
    assert_eq!(server.get("/v1/templates/17").status, 404, "digits are a key");

    let escape = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    let [a, b] = nasty.map(escape);
    let why = format!("/v1/why?a={a}&b={b}");
    let things = server.get(&why).json();
    let vias: BTreeSet<&str> =
        things["shared"].as_array().unwrap().iter().map(|thing| thing["via"].as_str().unwrap()).collect();
    assert!(["ip", "fingerprint", "template", "created_on"].iter().all(|via| vias.contains(via)), "{vias:?}");
    let template = things["shared"].as_array().unwrap().iter().find(|thing| thing["via"] == "template");
    let template = template.expect("a template");
    assert_eq!(
        (&template["value"], &template["accounts"], &template["others"]),
        (&json!(key), &json!(2), &json!(0))
    );
    assert_eq!(
        (&template["a"]["events"], &template["a"]["sample_request_ids"][0]),
        (&json!(3), &json!("r4"))
    );
    for path in [
        format!("/v1/templates/{key}"),
        format!("/v1/accounts/{a}"),
        format!("/v1/accounts/{b}/neighbors"),
        why,
    ] {
        let format = |format: &str| {
            let answer =
                server.get(&format!("{path}{}format={format}", if path.contains('?') { "&" } else { "?" }));
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            answer.text()
        };
        let table = format("table");
        assert!(table.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{202e}')), "{table:?}");
        let text = format("csv");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        for record in reader.records() {
            for cell in &record.expect("a row") {
                let runs = cell.starts_with(['=', '+', '-', '@']);
                assert!(!runs || cell.parse::<f64>().is_ok(), "{cell}");
            }
        }
    }
}
