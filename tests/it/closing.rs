//! Closings under way: a server that is killed in one goes on where it was, and nobody waits for one.

use crate::campaign::{self, DAYS, lines, planted};
use crate::harness::{Server, line};

/// Everything that a server tells of its clusters, byte for byte.
fn told(server: &Server) -> Vec<(String, Vec<u8>)> {
    let list = server.get("/v1/clusters?limit=1000");
    let clusters = list.json()["clusters"].as_array().expect("clusters").clone();
    let mut told = vec![("/v1/clusters?limit=1000".to_owned(), list.body)];
    for cluster in clusters {
        let id = cluster["id"].as_str().expect("an id");
        for part in ["", "/members", "/timeline", "/evidence"] {
            let path = format!("/v1/clusters/{id}{part}");
            let answer = server.get(&path);
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            told.push((path, answer.body));
        }
    }
    told
}

/// Which days were closed last and are being closed, from 0; none is -1.
fn days(server: &Server) -> (i64, i64) {
    let status = server.get("/v1/status").json();
    let day = |name: &str| {
        let Some(date) = status["analysis"][name].as_str() else { return -1 };
        let known = (0..DAYS).position(|day| format!("2026-04-{}", 22 + day) == date);
        known.unwrap_or_else(|| panic!("{name} {date} is no day of the log")) as i64
    };
    (day("closed"), day("closing"))
}

/// Lets the log pass a day's end, and waits until that day is being closed. False if it was too quick to be seen.
fn open_closing(server: &Server, world: &cahoots::drill::World, day: u32) -> bool {
    assert_eq!(server.ingest(&campaign::first_past_the_end(world, day))["accepted"], 1);
    // Every look is a request and its answer, so the loop waits on the server and on nothing else.
    loop {
        let (closed, closing) = days(server);
        if closing == i64::from(day) {
            return true;
        }
        if closed >= i64::from(day) {
            return false;
        }
    }
}

fn send(server: &Server, world: &cahoots::drill::World, day: u32) {
    assert_eq!(server.ingest(&lines(world, day))["rejected"], 0);
}

#[test]
fn killed_in_the_middle_of_closings_it_ends_where_an_undisturbed_one_does() {
    let world = campaign::world();
    let (calm, shaken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let undisturbed = Server::start(calm.path());
    campaign::send(&undisturbed, &world);
    campaign::close(&undisturbed, DAYS);
    let expected = told(&undisturbed);
    assert!(expected.len() > 5, "there is something to compare");
    drop(undisturbed);

    let mut server = Server::start(shaken.path());
    let (mut kills, mut lost) = (0, 0);
    for day in 0..DAYS {
        send(&server, &world, day);
        if day + 1 == DAYS || !open_closing(&server, &world, day) {
            continue;
        }
        server.kill();
        kills += 1;
        server = Server::start(shaken.path());
        let (closed, _) = days(&server);
        let day = i64::from(day);
        assert!(closed == day || closed == day - 1, "killed when closing {day}, it knows only of {closed}");
        lost += u32::from(closed == day - 1);
    }
    assert!(kills >= 3 && lost >= 1, "{kills} kills, {lost} of them before the closing was kept");
    campaign::close(&server, DAYS);
    let found = told(&server);
    assert_eq!(found.len(), expected.len());
    for ((path, expected), (other, found)) in expected.iter().zip(&found) {
        assert_eq!(path, other);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        assert!(expected == found, "{path} differs:\n{}\n{}", text(expected), text(found));
    }
}

/// A request and its name.
type Named<'a> = (&'static str, Box<dyn Fn() + 'a>);

#[test]
fn ingest_and_questions_are_answered_while_a_day_is_closed() {
    let world = campaign::world();
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let account = planted(&world).pop_first().expect("an account");
    let number = std::cell::Cell::new(0);
    let ingest = || {
        // Of days before the log's, so that nothing closes because of them.
        let first = number.replace(number.get() + 500);
        let body: String = (first..first + 500).map(line).collect();
        assert_eq!(server.ingest(body.as_bytes())["accepted"], 500);
    };
    let get = |path: &str| assert_eq!(server.get(path).status, 200, "{path}");
    let profile = format!("/v1/accounts/{account}");
    let mut unproven: Vec<Named<'_>> = vec![
        ("ingest", Box::new(ingest)),
        ("a profile", Box::new(|| get(&profile))),
        ("a search", Box::new(|| get("/v1/search?where=country%20%3D%20DE&select=count"))),
        ("clusters", Box::new(|| get("/v1/clusters"))),
    ];
    for day in 0..DAYS {
        send(&server, &world, day);
        // On the first day a closing has little to do, and the campaign is not there yet.
        if day < 2 || day + 1 == DAYS || !open_closing(&server, &world, day) {
            continue;
        }
        // One after the other, as long as the closing that was under way before is so afterwards.
        while let Some((_, request)) = unproven.last() {
            request();
            if days(&server).1 != i64::from(day) {
                break;
            }
            unproven.pop();
        }
    }
    let names: Vec<&str> = unproven.iter().map(|(name, _)| *name).collect();
    assert!(names.is_empty(), "answered only when no day was being closed: {names:?}");
}
