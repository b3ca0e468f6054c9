//! Mappings of an operator's own, ready to be used: told by their conditions before every other source, or
//! named by the request.
//!
//! A field with a path here is taken from there and nowhere else; the others go by their names in the
//! contract. Settings are read once, so that mappings live as long as the process.

use super::super::flat::Flat;
use super::super::value::Scalar;
use super::field::Field;
use super::map::{Mapped, Source, Table};
use super::way::{How, Unit, Way, way};
use super::written::{Mapping, TimeForm};
use super::{Kind, messages};
use crate::limits::OWN_SOURCES_MAX;
use std::borrow::Cow;

/// One mapping.
#[derive(Debug)]
pub struct Own {
    name: &'static str,
    when: Vec<(String, Option<String>)>,
    source: Source,
    table: Table,
    prompts: Vec<&'static str>,
    systems: Vec<&'static str>,
}

/// Names are each their own.
impl PartialEq for Own {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Own {}

/// All mappings of the settings, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mappings(&'static [Own]);

impl Mappings {
    /// Makes mappings ready.
    pub fn new(written: &[Mapping]) -> Result<Self, String> {
        if written.is_empty() {
            return Ok(Self::default());
        }
        if written.len() > OWN_SOURCES_MAX {
            return Err(format!("{} sources, at most {OWN_SOURCES_MAX} are taken", written.len()));
        }
        for (at, mapping) in written.iter().enumerate() {
            let name = &mapping.name;
            if Kind::from_name(name).is_some() {
                return Err(format!("source {name:?} has the name of a built-in one: choose another"));
            }
            if written.iter().take(at).any(|other| other.name == *name) {
                return Err(format!("two sources have the name {name:?}: choose another for one of them"));
            }
        }
        let ready: Vec<Own> = written.iter().map(Own::new).collect();
        Ok(Self(ready.leak()))
    }

    /// Whether there are none.
    pub(in crate::ingest) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The source of that name, own or built-in.
    #[must_use]
    pub fn kind(self, name: &str) -> Option<Kind> {
        let own = self.0.iter().find(|own| own.name == name).map(Kind::Own);
        own.or_else(|| Kind::from_name(name))
    }

    /// All names, for whoever gave another.
    #[must_use]
    pub fn names(self) -> String {
        let own = self.0.iter().map(Kind::Own);
        Kind::all().chain(own).map(Kind::name).collect::<Vec<_>>().join(", ")
    }

    /// The source whose shape a record has.
    pub(in crate::ingest) fn told(self, flat: &Flat<'_>) -> Option<Kind> {
        let own = self.0.iter().find(|own| own.is_told(flat));
        own.map(Kind::Own).or_else(|| Kind::of(flat))
    }

    /// Whether an object may be of one of these, by the beginnings of the paths that it would have: a look
    /// at the bytes, so that native lines need not be read twice.
    pub(in crate::ingest) fn may_tell(self, object: &[u8]) -> bool {
        self.0.iter().any(|own| {
            let has = |path: &str| {
                let first = path.split('.').next().unwrap_or_default();
                memchr::memmem::find_iter(object, first.as_bytes())
                    .any(|at| at.checked_sub(1).and_then(|before| object.get(before)) == Some(&b'"'))
            };
            !own.when.is_empty() && own.when.iter().all(|(path, _)| has(path))
        })
    }
}

impl Own {
    fn new(mapping: &Mapping) -> Self {
        let mut ways = Vec::new();
        let (mut prompts, mut systems) = (Vec::new(), Vec::new());
        for (field, paths) in &mapping.paths {
            for path in paths {
                let path = leaked(path);
                match field {
                    Field::Prompt => prompts.push(path),
                    Field::SystemPrompt => systems.push(path),
                    field => {
                        ways.extend(hows(*field, mapping).into_iter().map(|how| way(*field, path).by(how)));
                    }
                }
            }
        }
        let mapped: Vec<Field> = mapping.paths.iter().map(|(field, _)| *field).collect();
        let ways: &'static [Way] = ways.leak();
        let table = Table::new(ways.iter().map(|way| (way.field, way.path, way.how)), &mapped);
        let (name, when) = (leaked(&mapping.name), mapping.when.clone());
        Self { name, when, source: Source { ways, finish }, table, prompts, systems }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn source(&'static self) -> &'static Source {
        &self.source
    }

    pub(super) fn table(&'static self) -> &'static Table {
        &self.table
    }

    fn is_told(&self, flat: &Flat<'_>) -> bool {
        let holds = |(path, wanted): &(String, Option<String>)| {
            flat.get(path).is_some_and(|value| wanted.as_ref().is_none_or(|wanted| is(value, wanted)))
        };
        !self.when.is_empty() && self.when.iter().all(holds)
    }
}

fn leaked(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// Whether a value is written so.
fn is(value: &Scalar<'_>, wanted: &str) -> bool {
    match value {
        Scalar::Text(text) => text == wanted,
        Scalar::Whole(number) => number.to_string() == wanted,
        Scalar::Negative(number) => number.to_string() == wanted,
        Scalar::Double(number) => number.to_string() == wanted,
        Scalar::Bool(truth) => truth.to_string() == wanted,
        Scalar::Missing | Scalar::Nested => false,
    }
}

/// What may have to be done to a value, the likeliest first.
fn hows(field: Field, mapping: &Mapping) -> Vec<How> {
    let time = match &mapping.time {
        TimeForm::Any => How::Plain,
        TimeForm::Rfc3339 => How::Rfc3339,
        TimeForm::Epoch(unit) => How::Epoch(*unit),
        TimeForm::Pattern(pattern) => How::Pattern(Box::leak(Box::new(pattern.clone()))),
    };
    match field {
        Field::Ts => vec![time],
        // A date as a rule, whatever the form of the other times.
        Field::AccountCreatedAt => vec![How::Plain, time],
        Field::LatencyMs => vec![match mapping.latency {
            Unit::Seconds => How::Seconds,
            Unit::Millis => How::Plain,
            Unit::Micros => How::Micros,
            Unit::Nanos => How::Nanos,
        }],
        Field::Endpoint => vec![How::Path],
        Field::EmailDomain => vec![How::Domain, How::Plain],
        Field::UserAgent => vec![How::Header],
        _ => vec![How::Plain],
    }
}

/// Prompts may be a text, messages, or messages in a text.
fn finish(mapped: &mut Mapped<'_, '_>) {
    let Kind::Own(own) = mapped.kind else { return };
    for path in &own.prompts {
        let chat = messages::read(mapped.flat, path);
        mapped.compute(Field::Prompt, Scalar::Text(Cow::Owned(chat.prompt)), path);
        mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(chat.system)), path);
    }
    for path in &own.systems {
        let system = messages::all(mapped.flat, path);
        mapped.compute(Field::SystemPrompt, Scalar::Text(Cow::Owned(system)), path);
    }
}

#[cfg(test)]
mod tests {
    use crate::event::{Aspect, EventBatch, Number, aspect_values};
    use crate::ingest::{Context, Decoder, Mappings, Protocol, Push};
    use crate::privacy::{Privacy, Pseudonyms};

    const PRIVACY: Privacy = Privacy::new([1; 32], Pseudonyms::NONE);
    const CONTEXT: Context = Context::new(1, 1_800_000_000_000_000, PRIVACY);

    const MINE: &str = r#"
        name = "mine"
        when = { "event.kind" = "request", v = 2 }
        time = "%d.%m.%Y %H:%M:%S"
        time_offset = "+02:00"
        ts = "time.local"
        account = ["user.id", "user.mail"]
        ip = "from"
        endpoint = "url"
        latency_ms = "took"
        latency_unit = "us"
        prompt = "chat"
    "#;

    fn mine(toml: &str) -> Mappings {
        Mappings::new(&[toml::from_str(toml).expect(toml)]).expect("a mapping")
    }

    fn decoded(body: &str, own: Mappings, source: Option<&str>) -> (EventBatch, Vec<String>) {
        let source = source.map(|name| own.kind(name).expect("known"));
        let mut decoder = Decoder::new(CONTEXT).of_source(source).with_mappings(own);
        assert_eq!(decoder.feed(body.as_bytes()), body.len());
        assert!(decoder.finish());
        let reasons = decoder.rejects().first.iter().map(|reject| reject.reason.clone()).collect();
        (decoder.take_batch(), reasons)
    }

    fn accounts(batch: &EventBatch) -> Vec<String> {
        let account = |event: crate::event::Event<'_>| {
            aspect_values(event.aspect_key(Aspect::Subject)).next().unwrap_or_default().to_vec()
        };
        batch.iter().map(|event| String::from_utf8(account(event)).expect("text")).collect()
    }

    #[test]
    fn a_record_that_meets_the_conditions_is_read_by_its_paths() {
        let own = mine(MINE);
        let line = r#"{"event":{"kind":"request"},"v":2,"time":{"local":"23.11.2026 11:31:47"},
            "user":{"id":"ann"},"from":"203.0.113.7","url":"/v1/chat?key=secret","took":1500,
            "chat":[{"role":"system","content":"be brief"},{"role":"user","content":"hello"}]}"#;
        let (batch, reasons) = decoded(line, own, None);
        assert_eq!((accounts(&batch), reasons), (vec!["ann".to_owned()], vec![]));
        let event = batch.iter().next().expect("an event");
        assert_eq!(event.ts(), 1_795_426_307_000_000);
        assert_eq!(event.number_plus_one(Number::LatencyMs), 2 + 1);
        assert_eq!(event.number_plus_one(Number::PromptChars), 5 + 1);
        let endpoint = aspect_values(event.aspect_key(Aspect::Route)).nth(1);
        assert_eq!(endpoint, Some(&b"/v1/chat"[..]));
    }

    #[test]
    fn native_names_do_not_hide_a_record_that_meets_the_conditions() {
        let own = mine("name = 'mine'\nwhen = { kind = 'x' }\nts = 'at'\naccount = 'who'");
        let body = r#"{"kind":"x","at":1795426307,"who":"ann","account":"host-7","ts":1795426300}
                      {"kind":"y","at":1795426307,"who":"ann","account":"bob","ts":1795426300}
                      {"kind":"x","at":1795426307,"account":"host-7","ts":1795426300}"#;
        let (batch, reasons) = decoded(body, own, None);
        assert_eq!(accounts(&batch), ["ann", "bob"]);
        assert_eq!(reasons, ["account is missing: taken for mine, where it is in who (or send account)"]);
    }

    #[test]
    fn a_mapping_without_conditions_is_only_taken_by_name() {
        let own = mine("name = 'mine'\nts = 'at'\ntime = 's'\naccount = 'who'");
        let line = r#"{"at":"1795426307.5","who":"ann"}"#;
        assert_eq!(accounts(&decoded(line, own, Some("mine")).0), ["ann"]);
        assert_eq!(decoded(line, own, None).0.len(), 0);
        // Milliseconds are no seconds: the unit is not guessed any more.
        let (batch, reasons) = decoded(r#"{"at":1795426307000,"who":"ann"}"#, own, Some("mine"));
        assert!(batch.is_empty() && reasons.len() == 1, "{reasons:?}");
    }

    #[test]
    fn protocols_know_own_mappings_too() {
        let own = mine("name = 'mine'\nwhen = { kind = 'x' }\nts = 'at'\naccount = 'who'");
        let loki = br#"{"streams":[{"stream":{"kind":"x"},"values":[["1","{\"at\":1795426307,\"who\":\"ann\"}"]]}]}"#;
        let mut push = Push::new(Protocol::Loki, CONTEXT, None).with_mappings(own);
        push.feed(loki);
        assert!(push.finish());
        assert_eq!(accounts(&push.take_batch()), ["ann"]);
    }

    #[test]
    fn names_are_each_their_own() {
        let mapping = |name: &str| {
            toml::from_str(&format!("name = '{name}'\nts = 't'\naccount = 'a'")).expect("a mapping")
        };
        let twice = Mappings::new(&[mapping("mine"), mapping("mine")]).expect_err("twice");
        assert!(twice.contains("two sources have the name \"mine\""), "{twice}");
        let built_in = Mappings::new(&[mapping("caddy")]).expect_err("built in");
        assert!(built_in.contains("name of a built-in one"), "{built_in}");
        let own = Mappings::new(&[mapping("mine")]).expect("one");
        assert!(own.names().ends_with("langfuse, mine"), "{}", own.names());
    }
}
