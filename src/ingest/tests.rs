//! The decoder as its callers see it: what every kind of body, right and wrong, comes to.

use super::{Context, Decoder, Reject};
use crate::event::{Aspect, Dim, Event, Micros, Number, Text, aspect_values};
use crate::limits::{
    BATCH_EVENTS_MAX, ERRORS_LISTED_MAX, EXTRA_BYTES_MAX, LINE_BYTES_MAX, NESTING_MAX, VALUE_BYTES_MAX,
};
use crate::privacy::{Privacy, Pseudonyms};
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, proptest};
use std::fmt::Write;

const NOW: Micros = 1_795_500_000_000_000;
const PRIVACY: Privacy = Privacy::new([42; 32], Pseudonyms::NONE);
const CONTEXT: Context = Context::new(42, NOW, PRIVACY);

/// An event in a form that can be compared and searched.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    ts: Micros,
    identity: u64,
    line: u64,
    dims: Vec<(Dim, Vec<u8>)>,
    texts: [String; 4],
    numbers: [u32; Number::COUNT],
}

impl Seen {
    fn of(event: Event<'_>) -> Self {
        let dims = Aspect::ALL.into_iter().flat_map(|aspect| {
            aspect.dims().iter().copied().zip(aspect_values(event.aspect_key(aspect)).map(<[u8]>::to_vec))
        });
        Self {
            ts: event.ts(),
            identity: event.identity(),
            line: event.line(),
            dims: dims.filter(|(_, value)| !value.is_empty()).collect(),
            texts: Text::ALL.map(|text| String::from_utf8(event.text(text).to_vec()).unwrap()),
            numbers: Number::ALL.map(|number| event.number_plus_one(number)),
        }
    }

    fn dim(&self, dim: Dim) -> &[u8] {
        self.dims.iter().find(|(found, _)| *found == dim).map_or(&[], |(_, value)| value)
    }

    fn account(&self) -> &str {
        std::str::from_utf8(self.dim(Dim::Account)).unwrap()
    }
}

/// Everything that a body comes to.
#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    events: Vec<Seen>,
    count: u64,
    rejects: Vec<Reject>,
}

fn decode_pieces<'a>(context: Context, pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
    let mut decoder = Decoder::new(context);
    let mut events = Vec::new();
    let mut take = |decoder: &mut Decoder| events.extend(decoder.take_batch().iter().map(Seen::of));
    for mut piece in pieces {
        while !piece.is_empty() {
            let used = decoder.feed(piece);
            assert!(used > 0 || decoder.batch_ready(), "feeding goes on for ever");
            piece = &piece[used..];
            if decoder.batch_ready() {
                take(&mut decoder);
            }
        }
    }
    while !decoder.finish() {
        assert!(decoder.batch_ready(), "finishing goes on for ever");
        take(&mut decoder);
    }
    take(&mut decoder);
    let rejects = std::mem::take(decoder.rejects());
    Decoded { events, count: rejects.count, rejects: rejects.first }
}

fn decode(body: impl AsRef<[u8]>) -> Decoded {
    decode_pieces(CONTEXT, [body.as_ref()])
}

/// The one event of a body without errors.
fn event(body: impl AsRef<[u8]>) -> Seen {
    let decoded = decode(body);
    assert_eq!(decoded.rejects, []);
    assert_eq!(decoded.events.len(), 1);
    decoded.events.into_iter().next().unwrap()
}

/// The one reject of a body without events.
fn reject(body: impl AsRef<[u8]>) -> Reject {
    let decoded = decode(body);
    assert_eq!(decoded.events, []);
    assert_eq!(decoded.count, 1, "{:?}", decoded.rejects);
    decoded.rejects.into_iter().next().unwrap()
}

fn line(account: &str) -> String {
    format!(r#"{{"account":"{account}","ts":1795426307}}"#)
}

fn accounts_and_lines(body: impl AsRef<[u8]>) -> (Vec<(String, u64)>, Vec<u64>) {
    let decoded = decode(body);
    let events = decoded.events.iter().map(|event| (event.account().to_owned(), event.line)).collect();
    (events, decoded.rejects.iter().map(|reject| reject.line).collect())
}

#[test]
fn every_field_of_the_contract_arrives_where_it_belongs() {
    let seen = event(
        r#"{"ts":"2026-11-23T09:31:47.067Z","request_id":"req-1","account":"alice","api_key":"k1","ip":"203.0.113.21:99",
        "fingerprint":"fp","user_agent":"say \"hi\" \\ \u00e9","asn":"AS13335","country":"DE","model":"m","endpoint":"/v1/x","status":"200",
        "input_tokens":12,"output_tokens":"34","latency_ms":56.5,"payment":"card","account_created_at":"2026-01-02","email_domain":"example.com",
        "plan":"pro","session":"s1","topic":"law","prompt":"secret words","system_prompt":"more","unknown":{"a":[1,{"b":null}]}}"#,
    );
    assert_eq!((seen.ts, seen.line, seen.account()), (1_795_426_307_067_000, 1, "alice"));
    let texts = [
        (Dim::ApiKey, "k1"),
        (Dim::Fingerprint, "fp"),
        (Dim::UserAgent, "say \"hi\" \\ \u{e9}"),
        (Dim::Country, "DE"),
        (Dim::Model, "m"),
        (Dim::Endpoint, "/v1/x"),
        (Dim::Payment, "card"),
        (Dim::EmailDomain, "example.com"),
        (Dim::Plan, "pro"),
        (Dim::Topic, "law"),
    ];
    for (dim, text) in texts {
        assert_eq!(seen.dim(dim), text.as_bytes(), "{dim:?}");
    }
    assert_eq!(seen.dim(Dim::Ip), [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 203, 0, 113, 21]);
    assert_eq!(seen.dim(Dim::Asn), 13_335_u32.to_be_bytes());
    assert_eq!(seen.dim(Dim::Status), 200_u16.to_be_bytes());
    assert_eq!(seen.dim(Dim::Created), 1_767_312_000_000_000_i64.to_be_bytes());
    assert_eq!(seen.numbers[..3], [13, 35, 58]);
    assert_eq!(seen.texts[Text::RequestId.index()], "req-1");
    assert_eq!(seen.texts[Text::Session.index()], "s1");
    assert_eq!(seen.texts[Text::PromptHash.index()].len(), 16);
    assert_eq!(seen.texts[Text::Extra.index()], "");
    assert!(!format!("{seen:?}").contains("secret"));
}

#[test]
fn words_for_none_are_not_values() {
    for none in ["null", "\"\"", "\"-\"", "\"unknown\"", "\"REDACTED\"", "\"NA\""] {
        let seen = event(format!(
            r#"{{"account":"a","ts":1795426307,"ip":{none},"asn":{none},"status":{none},"input_tokens":{none},"latency_ms":{none},
            "user_agent":{none},"request_id":{none},"account_created_at":{none},"prompt":{none},"prompt_hash":{none},"session":{none}}}"#
        ));
        assert_eq!(seen.dims, [(Dim::Account, b"a".to_vec())], "{none}");
        assert_eq!((seen.numbers, seen.texts.concat().as_str()), ([0; Number::COUNT], ""), "{none}");
        assert!(
            reject(format!(r#"{{"account":{none},"ts":1795426307}}"#))
                .reason
                .starts_with("account is missing")
        );
        assert!(reject(format!(r#"{{"account":"a","ts":{none}}}"#)).reason.starts_with("ts is missing"));
    }
    assert_eq!(event(r#"{"account":"a","ts":1795426307,"country":"NA"}"#).dim(Dim::Country), b"NA");
    assert_eq!(event(r#"{"account":"a","ts":1795426307,"asn":0,"status":0}"#).dims.len(), 1);
}

#[test]
fn what_is_a_number_for_one_sender_is_a_text_for_another() {
    let seen = event(
        r#"{"account":12345,"ts":"1795426307","request_id":-7,"plan":true,"status":200.0,"asn":13335.0,"input_tokens":"12.0","output_tokens":1e3,"latency_ms":"0.4"}"#,
    );
    assert_eq!((seen.account(), seen.dim(Dim::Plan)), ("12345", &b"true"[..]));
    assert_eq!(seen.texts[Text::RequestId.index()], "-7");
    assert_eq!(seen.numbers[..3], [13, 1001, 1]);
    assert_eq!((seen.dim(Dim::Status), seen.dim(Dim::Asn)), (&[0, 200][..], &[0, 0, 0x34, 0x17][..]));
}

#[test]
fn a_value_that_makes_no_sense_rejects_its_line_and_names_field_and_fix() {
    let cases: &[(&str, &str, &str)] = &[
        ("ts", "-1", "ts is negative"),
        ("ts", "5", "before 2000-01-01"),
        ("ts", "\"2126-01-01T00:00:00Z\"", "s in the future"),
        ("ts", "99999999999999999999999", "is no time"),
        ("ts", "[]", "send RFC 3339"),
        ("ip", "\"999.1.1.1\"", "ip is no address: \"999.1.1.1\"; send IPv4 or IPv6"),
        ("ip", "\"203.0.113.21, unknown\"", "ip is a chain that leads to no client"),
        ("ip", "3405803797", "ip must be text"),
        ("ip", "[\"203.0.113.21\"]", "ip must be text"),
        ("asn", "\"ASx\"", "send 13335 or AS13335"),
        ("asn", "4294967296", "asn is over"),
        ("status", "99", "100 to 999"),
        ("status", "1000", "100 to 999"),
        ("status", "\"ok\"", "status is not a number: \"ok\""),
        ("input_tokens", "-1", "input_tokens is negative"),
        ("input_tokens", "1.5", "must be a whole number"),
        ("input_tokens", "4294967295", "input_tokens is over 4294967294"),
        ("output_tokens", "1e300", "output_tokens is over 4294967294"),
        ("output_tokens", "\"\\u001b[2J\"", "not a number: \"\\u{1b}[2J\""),
        ("latency_ms", "true", "latency_ms must be a number"),
        ("latency_ms", "\"inf\"", "latency_ms is not a number"),
        ("latency_ms", "-0.5", "latency_ms is negative"),
        ("account_created_at", "\"1969-01-01\"", "1970 to 2199"),
        ("user_agent", "[\"curl\"]", "user_agent must be text"),
        ("prompt", "[{\"role\":\"user\"}]", "prompt must be text"),
        ("request_id", "1e17", "too large to be kept exactly"),
    ];
    for (field, value, reason) in cases {
        let needed = if *field == "ts" { "\"account\":\"a\"" } else { "\"account\":\"a\",\"ts\":1795426307" };
        let found = reject(format!("{{{needed},\"{field}\":{value}}}\n"));
        assert_eq!((found.line, found.field), (1, Some(*field)), "{field} {value}: {}", found.reason);
        assert!(found.reason.contains(reason), "{field} {value}: {}", found.reason);
        assert!(found.reason.is_ascii() && !found.reason.contains('\x1b'));
    }
    let number = reject(r#"{"account":1e17,"ts":1795426307}"#);
    assert_eq!(number.field, Some("account"));
    assert!(number.reason.contains("send it as text"));
}

#[test]
fn a_record_of_where_a_request_came_from_is_half_of_an_event() {
    const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let halves = |context: Context, line: &str| {
        let mut decoder = Decoder::new(context);
        assert_eq!(decoder.feed(line.as_bytes()), line.len());
        assert!(decoder.finish());
        let batch = decoder.take_batch();
        (batch.edges().count(), batch.iter().count(), batch.has_halves(), decoder.rejects().count)
    };
    let edge = format!(r#"{{"ts":1795426307,"request_id":"{ID}","ip":"8.8.4.4"}}"#);
    let front = format!(r#"{{"remote_addr":"8.8.4.4","msec":1795426307,"request_id":"{ID}"}}"#);
    for line in [&edge, &front] {
        assert_eq!(halves(CONTEXT, line), (1, 0, true, 0), "{line}");
        assert_eq!(halves(Context { join: false, ..CONTEXT }, line), (0, 0, false, 1), "{line}");
    }
    let event =
        |more: &str| format!(r#"{{"ts":1795426307,"account":"a","model":"m","request_id":"{ID}"{more}}}"#);
    // An event that names its client needs nothing more; one that names a proxy or nobody does.
    for (more, is_half) in [("", true), (r#","ip":"172.17.0.1""#, true), (r#","ip":"8.8.4.4""#, false)] {
        assert_eq!(halves(CONTEXT, &event(more)), (0, 1, is_half, 0), "{more}");
        assert!(!halves(Context { join: false, ..CONTEXT }, &event(more)).2);
        // A line of an access log that has the account is whole, whatever its address.
        assert!(!halves(CONTEXT, &event(more).replace(r#""model":"m","#, "")).2);
    }
    // What was asked of a model belongs to an account: without one it is an error as ever, and so is half an
    // event without an id.
    for line in [
        edge.replace("\"ip\"", "\"model\":\"m\",\"ip\""),
        edge.replace(ID, "req-1"),
        edge.replace("\"ip\":\"8.8.4.4\"", "\"status\":200"),
        edge.replace("1795426307", "null"),
    ] {
        assert_eq!(halves(CONTEXT, &line), (0, 0, false, 1), "{line}");
    }
}

#[test]
fn names_are_never_cut_and_other_values_never_become_one() {
    let long = "a".repeat(513);
    assert_eq!(reject(line(&long)).reason, "account has 513 bytes, at most 512 are taken");
    assert_eq!(event(line(&long[1..])).account(), &long[1..]);
    assert_eq!(reject(line("a\\u0000b")).reason, "account holds a NUL byte");
    let found = reject(format!(r#"{{"account":"a","ts":1795426307,"request_id":"{long}"}}"#));
    assert_eq!(found.field, Some("request_id"));

    let agent = |end: &str| {
        let body =
            format!(r#"{{"account":"a","ts":1795426307,"user_agent":"{}{end}"}}"#, "\u{e9}".repeat(600));
        event(body).dim(Dim::UserAgent).to_vec()
    };
    let (one, other) = (agent("1"), agent("2"));
    assert_ne!(one, other);
    assert_eq!(one, agent("1"));
    assert!(one.len() <= VALUE_BYTES_MAX && std::str::from_utf8(&one).is_ok());
    assert_eq!(one[one.len() - 33], b'~');
}

#[test]
fn the_same_event_has_the_same_identity_and_no_other_has() {
    let identity = |body: &str| event(body).identity;
    let with_id = identity(r#"{"account":"a","ts":1795426307,"request_id":"r"}"#);
    assert_eq!(with_id, identity(r#"{"request_id":"r","ts":1795426399,"account":"a","status":200}"#));
    assert_ne!(with_id, identity(r#"{"account":"b","ts":1795426307,"request_id":"r"}"#));
    let without = identity(&line("a"));
    assert_eq!(without, identity(&format!("\n\n  {}  \r\n", line("a"))));
    assert_eq!(without, identity(&format!("[{}]", line("a"))));
    assert_ne!(without, identity(r#"{"account":"a","ts":1795426308}"#));
    let elsewhere = decode_pieces(Context { seed: 43, ..CONTEXT }, [line("a").as_bytes()]);
    assert_ne!(without, elsewhere.events[0].identity);
}

#[test]
fn a_prompt_is_hashed_and_never_repeated() {
    let hash = |body: &str| event(body).texts[Text::PromptHash.index()].clone();
    let one = hash(r#"{"account":"a","ts":1795426307,"prompt":"tell me"}"#);
    assert_eq!(one, hash(r#"{"account":"b","ts":1795426307,"prompt":"tell m\u0065"}"#));
    assert_ne!(one, hash(r#"{"account":"a","ts":1795426307,"prompt":"tell us"}"#));
    assert_eq!(hash(r#"{"account":"a","ts":1795426307,"prompt":"tell me","prompt_hash":"own"}"#), "own");
    let bodies = [
        r#"{"account":"a","ts":-1,"prompt":"secretsecret"}"#,
        r#"{"account":"a","ts":1795426307,"prompt":"secretsecret","prompt":"secretsecret"}"#,
        r#"{"account":"a","ts":1795426307,"prompt":"secretsecret" 1}"#,
        r#"{"account":"a","prompt":"secretsecret"}"#,
        "{\"account\":\"a\",\"prompt\":\"secretsecret\n",
        "\"secretsecret\"\n",
        "secretsecret\n",
        r#"{"account":"a","ts":1795426307,"prompt":{"secretsecret":"secretsecret"}}"#,
    ];
    for body in bodies {
        assert!(!reject(body).reason.contains("secret"), "{body}");
    }
}

#[test]
fn of_a_prompt_nothing_but_numbers_is_kept() {
    let canary = "Xyzzy tell me step by step of the plugh that canaries sing";
    let body = format!(
        r#"{{"account":"a","ts":1795426307,"prompt":"{canary}","system_prompt":"s {canary}","template":"t {canary}","prefix_hash":"p {canary}"}}"#
    );
    for context in [CONTEXT, Context { keep_extra: true, ..CONTEXT }] {
        let decoded = decode_pieces(context.clone(), [body.as_bytes()]);
        assert_eq!(decoded.rejects, []);
        let numbers = decoded.events[0].numbers;
        assert!(numbers[Number::Head.index()..].iter().all(|number| *number != 0), "{numbers:?}");
        let seen = format!("{decoded:?}").to_lowercase();
        assert!(!seen.contains("plugh") && !seen.contains("xyzzy"), "{seen}");
    }
    for wrong in [r#""ts":-1"#, r#""ts":1795426307,"status":7"#, r#""ts":1795426307,"template":[1]"#] {
        let line = body.replace(r#""ts":1795426307"#, wrong).replace(r#","template":"t"#, r#","x":"t"#);
        assert!(!reject(line).reason.to_lowercase().contains("plugh"), "{wrong}");
    }
}

#[test]
fn a_gateway_may_send_its_own_hashes() {
    let numbers = |fields: &str| event(format!(r#"{{"account":"a","ts":1795426307,{fields}}}"#)).numbers;
    let kept = |fields: &str| numbers(fields)[Number::Head.index()..].to_vec();
    let own = kept(r#""template":"17","prefix_hash":"ab","prompt_hash":"cd""#);
    let is_there: Vec<bool> = own.iter().map(|number| *number != 0).collect();
    // Head, tail, body, system, exact, prefix, marks, characters.
    assert_eq!(is_there, [true, false, true, false, true, true, false, false]);
    assert_eq!(own, kept(r#""template":17,"prefix_hash":"ab","prompt_hash":"cd""#));
    assert_ne!(own[0], kept(r#""template":18"#)[0]);
    assert_eq!(kept(r#""template":"-","prefix_hash":"","prompt_hash":null"#), [0; 8]);
    // What is public is the same in every database.
    let elsewhere = decode_pieces(
        Context { seed: 43, ..CONTEXT },
        [br#"{"account":"a","ts":1795426307,"template":"17","prefix_hash":"ab","prompt_hash":"cd"}"#
            .as_slice()],
    );
    assert_eq!(elsewhere.events[0].numbers[Number::Head.index()..], own);
    assert_eq!(reject(r#"{"account":"a","ts":1795426307,"template":{}}"#).field, Some("template"));
}

#[test]
fn a_field_given_twice_rejects_the_line() {
    for second in ["\"account\":\"b\"", "\"\\u0061ccount\":\"b\"", "\"account\":null"] {
        let decoded = decode(format!("[{{\"account\":\"a\",\"ts\":1795426307,{second}}}, {}]", line("c")));
        assert_eq!(decoded.rejects[0].reason, "account is given twice");
        assert_eq!(decoded.events[0].account(), "c");
    }
    assert_eq!(event(r#"{"account":"a","ts":1795426307,"x":1,"x":2}"#).account(), "a");
}

#[test]
fn unknown_fields_are_kept_as_they_are_when_asked_for() {
    let context = Context { keep_extra: true, ..CONTEXT };
    let body = r#"{"x":{"a": [1.50,"\u00e9"]},"account":"a","ts":1795426307,"say \"y\"":null}"#;
    let decoded = decode_pieces(context.clone(), [body.as_bytes()]);
    assert_eq!(
        decoded.events[0].texts[Text::Extra.index()],
        r#"{"x":{"a": [1.50,"\u00e9"]},"say \"y\"":null}"#
    );
    assert_eq!(event(body).texts[Text::Extra.index()], "");

    let big = "y".repeat(EXTRA_BYTES_MAX);
    let body = format!(r#"{{"account":"a","ts":1795426307,"big":"{big}","small":1}}"#);
    let decoded = decode_pieces(context.clone(), [body.as_bytes()]);
    assert_eq!(decoded.events[0].texts[Text::Extra.index()], r#"{"small":1}"#);

    for bad in [deep(NESTING_MAX), "1e999".to_owned()] {
        let body = format!("{{\"account\":\"a\",\"ts\":1795426307,\"x\":{bad}}}\n{}", line("b"));
        let decoded = decode_pieces(context.clone(), [body.as_bytes()]);
        assert_eq!((decoded.count, decoded.events.len()), (1, 1), "{bad}");
    }
}

fn deep(levels: usize) -> String {
    "[".repeat(levels) + &"]".repeat(levels)
}

#[test]
fn nesting_is_bounded_and_never_a_stack_overflow() {
    let with = |value: &str| format!("{{\"x\":{value},\"account\":\"a\",\"ts\":1795426307}}\n");
    // The object itself is the first level.
    assert_eq!(event(with(&deep(NESTING_MAX - 1))).account(), "a");
    assert!(reject(with(&deep(NESTING_MAX))).reason.contains("nested deeper than 64 levels"));
    let hostile = [
        with(&deep(200_000)),
        with(&"[".repeat(200_000)),
        with(&"{\"x\":".repeat(200_000)),
        with(&deep(200_000)).replacen("\"x\"", "\"ip\"", 1),
        deep(200_000) + "\n",
        "[".repeat(200_000) + "\n",
        "{\"x\":".repeat(200_000) + "\n",
    ];
    for (case, bad) in hostile.iter().enumerate() {
        for keep_extra in [false, true] {
            let body = format!("{}\n{bad}{}\n", line("before"), line("after"));
            let decoded = decode_pieces(Context { keep_extra, ..CONTEXT }, [body.as_bytes()]);
            let accounts: Vec<&str> = decoded.events.iter().map(Seen::account).collect();
            assert_eq!((accounts.as_slice(), decoded.count), (&["before", "after"][..], 1), "case {case}");
            assert_eq!(decoded.rejects[0].line, 2, "case {case}");
        }
    }
}

#[test]
fn a_line_that_is_too_long_costs_itself_and_little_memory() {
    let body = format!(
        "{}\n{{\"account\":\"a\",\"ts\":1795426307,\"x\":\"{}\"}}\n{}\n",
        line("before"),
        "y".repeat(10 << 20),
        line("after")
    );
    let mut decoder = Decoder::new(CONTEXT);
    let mut most = 0;
    for piece in body.as_bytes().chunks(60_000) {
        assert_eq!(decoder.feed(piece), piece.len());
        most = most.max(decoder.buffered_bytes());
    }
    assert!(decoder.finish());
    assert_eq!(decoder.take_batch().len(), 2);
    assert_eq!((decoder.rejects().count, decoder.rejects().first[0].line), (1, 2));
    assert!(decoder.rejects().first[0].reason.starts_with("over 4 MiB"));
    assert!(most < LINE_BYTES_MAX + (128 << 10), "{most}");

    let fits =
        format!("{{\"account\":\"a\",\"ts\":1795426307,\"x\":\"{}\"}}", "y".repeat(LINE_BYTES_MAX - 100));
    assert_eq!(event(fits).account(), "a");
}

#[test]
fn values_are_found_whatever_stands_between_them() {
    let (a, b, c) = (line("a"), line("b"), line("c"));
    let by_line = [("a", 1), ("b", 2), ("c", 3)].map(|(account, line)| (account.to_owned(), line)).to_vec();
    let bodies = [
        format!("{a}\n{b}\n{c}\n"),
        format!("{a}\n{b}\n{c}"),
        format!("{a}\r\n{b}\r\n{c}\r\n"),
        format!("\u{feff}{a}\n{b}\n{c}\n"),
        format!("{a}{b}{c}"),
        format!("{a} {b}\t{c}"),
        format!("{a},{b},{c}"),
        format!("{a},\n{b},\n{c},\n"),
        format!("\x1e{a}\n\x1e{b}\n\x1e{c}\n"),
        format!("[{a},{b},{c}]"),
        format!("  [\n  {a},\n  {b},\n  {c}\n]\n"),
        format!("[{a}]\n[{b},{c}]\n"),
        format!("[[]{a}]").replace("[]", "") + &b + &c,
        format!("{}\n{b}\n{c}", a.replace("\"ts\"", "\"ts\" ")),
    ];
    for body in &bodies {
        assert_eq!(accounts_and_lines(body), (by_line.clone(), vec![]), "{body}");
    }
    for nothing in ["", "\n\r\n  ", "[]", "\u{feff}", " [ ] \n"] {
        assert_eq!(accounts_and_lines(nothing), (vec![], vec![]), "{nothing:?}");
    }
}

#[test]
fn lines_are_numbered_as_an_editor_shows_them() {
    let (a, b) = (line("a"), line("b"));
    let numbered = accounts_and_lines(format!("\u{feff}{a}\r\n\r\nrubbish {b}\n{{\n\"x\":1\n}}\n{b}\n"));
    assert_eq!(numbered, (vec![("a".to_owned(), 1), ("b".to_owned(), 7)], vec![3, 4]));
    let shared = accounts_and_lines(format!("{a}{b}\n{a}\n12\n{b}"));
    let accounts = [("a", 1), ("b", 2), ("a", 3), ("b", 5)].map(|(account, line)| (account.to_owned(), line));
    assert_eq!(shared, (accounts.to_vec(), vec![4]));
}

#[test]
fn a_malformed_value_costs_only_itself() {
    let (a, b) = (line("a"), line("b"));
    let both = vec!["a".to_owned(), "b".to_owned()];
    let bad = [
        "{\"account\":\"x\",\"ts\":1795426307",
        "{\"account\":\"x",
        "{\"account\":",
        "{",
        "{]",
        "{{{",
        "{\"x\":[",
        "{\"x\":[1,",
        "{'account':'x'}",
        "{\"x\":01}",
        "{\"x\":1e999}",
        "{\"x\":nul}",
        "{\"x\":NaN}",
        "{\"x\":\"\\ud800\"}",
        "{\"x\":\"\\q\"}",
        "{\"x\":\"\ttab\"}",
        "{\"x\" 1}",
        "{1:2}",
        "12",
        "\"text\"",
        "null",
        "hello {}",
        "}",
        "]",
        "{\"account\":\"x\",}",
        "<13>Nov 23 host nginx: {\"account\":\"x\",\"ts\":1795426307}",
        "account=x ts=1",
        "\\",
        "\x00",
        "{\"x\":\x00}",
    ];
    for bad in bad {
        let decoded = decode(format!("{a}\n{bad}\n{b}\n"));
        let accounts: Vec<String> = decoded.events.iter().map(|event| event.account().to_owned()).collect();
        assert_eq!((accounts, decoded.count), (both.clone(), 1), "{bad}: {:?}", decoded.rejects);
        assert_eq!(decoded.rejects[0].line, 2, "{bad}");
        assert_eq!(decoded.events[1].line, 3, "{bad}");
    }
    // On one line an end can still be found where brackets match.
    let inside = [
        "{\"x\":01}",
        "{'y':1}",
        "{\"x\":\"\\q\"}",
        "{\"x\":[1 2]}",
        "12",
        "\"te,xt\"",
        "null",
        "[[1,{}],2]",
        "{}",
    ];
    for bad in inside {
        let decoded = decode(format!("[{a},{bad},{b}]"));
        let accounts: Vec<String> = decoded.events.iter().map(|event| event.account().to_owned()).collect();
        assert_eq!((accounts, decoded.count), (both.clone(), 1), "{bad}: {:?}", decoded.rejects);
        assert_eq!(decoded.rejects[0].line, 2, "{bad}");
    }
}

#[test]
fn invalid_utf_8_costs_its_own_event_only_even_in_an_array_on_one_line() {
    for field in ["user_agent", "unknown", "account"] {
        let mut body = format!("[{},{{\"ts\":1795426307,\"{field}\":\"", line("a")).into_bytes();
        body.extend_from_slice(b"\xFF\xFE evil\"},");
        body.extend_from_slice(line("b").as_bytes());
        body.push(b']');
        for keep_extra in [false, true] {
            let decoded = decode_pieces(Context { keep_extra, ..CONTEXT }, [body.as_slice()]);
            assert_eq!((decoded.events.len(), decoded.count), (2, 1), "{field}");
            assert!(decoded.rejects[0].reason.contains("UTF-8"), "{}", decoded.rejects[0].reason);
        }
    }
}

#[test]
fn a_body_that_ends_early_says_so() {
    let (a, b) = (line("a"), line("b"));
    let cut = decode(format!("{a}\n{}", &b[..b.len() - 1]));
    assert_eq!((cut.events.len(), cut.rejects[0].line), (1, 2));
    assert_eq!(cut.rejects[0].reason, "cut off: the body ends in the middle of this value");
    let open = decode(format!("[{a},{b}"));
    assert_eq!((open.events.len(), open.rejects[0].line), (2, 3));
    assert_eq!(open.rejects[0].reason, "the array is not closed: the body ends early");
    let both = decode(format!("[{a},{}", &b[..9]));
    assert_eq!((both.events.len(), both.count), (1, 1));
    // An unclosed bracket hides no later lines.
    let hidden = decode(format!("{{\"x\":[\n{a},\n{b},\n"));
    assert_eq!((hidden.events.len(), hidden.count), (2, 1));
}

#[test]
fn a_huge_piece_stops_at_a_full_batch() {
    let mut body = String::new();
    for number in 0..3 * BATCH_EVENTS_MAX {
        writeln!(body, "{}", line(&number.to_string())).unwrap();
    }
    let mut decoder = Decoder::new(CONTEXT);
    let used = decoder.feed(body.as_bytes());
    assert!(used < body.len() && decoder.batch_ready());
    assert_eq!(decoder.feed(&body.as_bytes()[used..]), 0);
    assert_eq!(decoder.take_batch().len(), BATCH_EVENTS_MAX);
    assert_eq!(decode(&body).events.len(), 3 * BATCH_EVENTS_MAX);
    // Text counts too.
    let wide =
        format!(r#"{{"account":"a","ts":1795426307,"session":"{}"}}"#, "s".repeat(1_000)).repeat(6_000);
    let mut decoder = Decoder::new(CONTEXT);
    assert!(decoder.feed(wide.as_bytes()) < wide.len());
    assert!(decoder.take_batch().len() < 5_000);
}

#[test]
fn a_finish_with_much_left_comes_in_batches_too() {
    // The unclosed bracket holds everything back until the end.
    let body = format!("{{\"x\":[\n{}", (line("a") + ",\n").repeat(3 * BATCH_EVENTS_MAX));
    let mut decoder = Decoder::new(CONTEXT);
    assert_eq!(decoder.feed(body.as_bytes()), body.len());
    assert!(!decoder.finish());
    assert_eq!(decoder.take_batch().len(), BATCH_EVENTS_MAX);
    assert_eq!(decode(body).events.len(), 3 * BATCH_EVENTS_MAX);
}

#[test]
fn errors_past_the_listed_ones_are_counted() {
    let decoded = decode("{}\n".repeat(1_000));
    assert_eq!((decoded.count, decoded.rejects.len()), (1_000, ERRORS_LISTED_MAX));
}

#[test]
fn a_value_in_tiny_pieces_is_read_in_linear_time() {
    // One byte at a time, a quadratic reader would read 8 TB here.
    let body = format!(
        "[{{\"account\":\"a\",\"ts\":1795426307,\"x\":[{}1]}}]",
        "1,".repeat(LINE_BYTES_MAX / 2 - 100)
    );
    let decoded = decode_pieces(CONTEXT, body.as_bytes().chunks(1));
    assert_eq!((decoded.events.len(), decoded.count), (1, 0));
}

/// Bodies as they might come: good and bad values with all kinds of separators, and damage.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let value = proptest::sample::select(vec![
        r#"{"account":"a","ts":1795426307,"request_id":"r1"}"#,
        r#"{"account":"b\u00e9","ts":"2026-11-23T09:31:47Z","ip":"10.0.0.1","x":{"y":[1,2,{}]}}"#,
        "{\n \"account\": \"c\",\n \"ts\": 1795426307.5\n}",
        r#"{"account":"d","ts":1795426307,"user_agent":"\ud83d\ude00 \"q\""}"#,
        r#"{"account":"e","ts":-1}"#,
        r#"{"litellm_call_id":"i","startTime":1795426307,"end_user":"u","response":["\ud800",{}]}"#,
        r#"{"call_type":"i","startTime":1795426307,"end_user":"u","y":1}"#,
        r#"{"time":1}"#,
        r#"{"account":"f","account":"g","ts":1795426307}"#,
        r#"{"account":"h","ts":17954263"#,
        r#"{"x":[[1,"#,
        "{\"x\":\"\u{e9}",
        "12.5e3",
        "nonsense {\"account\":\"n\",\"ts\":1795426307}",
        "\"a string, with ] and }\"",
        "[",
        "]",
        "\u{feff}",
    ]);
    let separator = proptest::sample::select(vec!["\n", "", ",", "\r\n", "\n\n", ", \n", "\u{feff}", "\t"]);
    let damage = (any::<proptest::sample::Index>(), any::<u8>(), 0_u8..4);
    (proptest::collection::vec((value, separator), 0..12), damage).prop_map(
        |(values, (place, byte, chance))| {
            let mut body: Vec<u8> =
                values.iter().flat_map(|(value, separator)| [*value, *separator]).collect::<String>().into();
            if chance == 0 && !body.is_empty() {
                let place = place.index(body.len());
                body[place] = byte;
            }
            body
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn how_a_body_is_cut_into_pieces_changes_nothing(
        body in bodies(),
        cuts in proptest::collection::vec(1_usize..40, 1..40),
        keep_extra in any::<bool>(),
    ) {
        let context = Context { keep_extra, ..CONTEXT };
        let whole = decode_pieces(context.clone(), [body.as_slice()]);
        prop_assert_eq!(&whole, &decode_pieces(context.clone(), body.chunks(1)));
        let mut pieces = Vec::new();
        let mut rest = body.as_slice();
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = after;
        }
        prop_assert_eq!(&whole, &decode_pieces(context.clone(), pieces));
    }

    #[test]
    fn an_array_lines_and_objects_in_a_row_are_the_same_body(
        fields in proptest::collection::vec((".{0,12}", -5_i64..2_000_000_000, any::<f64>()), 0..8),
    ) {
        let values: Vec<String> = fields.iter().map(|(account, ts, latency)| {
            serde_json::json!({"account": account, "ts": ts, "latency_ms": latency, "x": [account]}).to_string()
        }).collect();
        let lines = decode(values.join("\n"));
        prop_assert_eq!(lines.events.len() as u64 + lines.count, values.len() as u64);
        prop_assert_eq!(&lines, &decode(values.concat()));
        prop_assert_eq!(&lines, &decode(format!("[{}]", values.join(","))));
        prop_assert_eq!(&lines, &decode(values.join("\r\n") + "\r\n"));
    }

    #[test]
    fn random_bytes_never_panic(
        body in proptest::collection::vec(proptest::sample::select(&b"{}[]\",:\\\n 019-e.tnua\x00\xEF\xBB\xBF\xFF"[..]), 0..200),
        noise in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for bytes in [body, noise] {
            let whole = decode(&bytes);
            prop_assert!(whole.count >= whole.rejects.len() as u64);
            prop_assert_eq!(whole, decode_pieces(CONTEXT, bytes.chunks(3)));
        }
    }
}
