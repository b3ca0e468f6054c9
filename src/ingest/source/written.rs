//! A mapping as an operator writes it: a `[[source]]` of the settings file, checked while it is read.
//!
//! ```toml
//! [[source]]
//! name = "mine"
//! when = { "event.kind" = "request" }
//! time = "ms"
//! ts = "time.epoch"
//! account = "user.id"
//! ip = ["client.ip", "peer"]
//! ```
//!
//! What is wrong names the key and the right one; the settings file (`config`) adds the line.

use super::super::reject::shown;
use super::field::Field;
use super::way::{Pattern, Unit};
use crate::limits::{FLAT_PATH_BYTES_MAX, NAME_BYTES_MAX, OWN_CONDITIONS_MAX, OWN_PATHS_MAX};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Letters of the name of a mapping, which is a label in figures and a parameter in a URL.
const NAME_LETTERS_MAX: usize = 32;

/// Every key of a mapping. The fields of the contract come after the mapping's own.
const KEYS: [&str; 31] = [
    "name",
    "when",
    "time",
    "time_offset",
    "latency_unit",
    "ts",
    "request_id",
    "account",
    "api_key",
    "ip",
    "fingerprint",
    "user_agent",
    "asn",
    "country",
    "model",
    "endpoint",
    "status",
    "input_tokens",
    "output_tokens",
    "latency_ms",
    "payment",
    "account_created_at",
    "email_domain",
    "plan",
    "session",
    "topic",
    "prompt",
    "system_prompt",
    "prompt_hash",
    "template",
    "prefix_hash",
];

/// How the time of an event is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum TimeForm {
    /// As in native lines: RFC 3339, or an epoch whose unit shows in its size.
    #[default]
    Any,
    Rfc3339,
    Epoch(Unit),
    Pattern(Pattern),
}

/// A mapping that an operator wrote, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    pub(super) name: String,
    /// Paths that a record of this kind has, and the text at each; `None` for any.
    pub(super) when: Vec<(String, Option<String>)>,
    pub(super) time: TimeForm,
    pub(super) latency: Unit,
    /// Paths of each field, best first.
    pub(super) paths: Vec<(Field, Vec<String>)>,
}

impl<'de> serde::Deserialize<'de> for Mapping {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MappingVisitor)
    }
}

struct MappingVisitor;

impl<'de> Visitor<'de> for MappingVisitor {
    type Value = Mapping;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a table with a name and the path of each field")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Mapping, A::Error> {
        let mut mapping = Mapping { latency: Unit::Millis, ..Mapping::default() };
        let (mut time, mut offset) = (None, None);
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match key {
                "name" => mapping.name = map.next_value_seed(Checked(name))?,
                "time" => time = Some(map.next_value::<String>()?),
                "time_offset" => offset = Some(map.next_value_seed(Checked(time_offset))?),
                "latency_unit" => mapping.latency = map.next_value_seed(Checked(latency_unit))?,
                "when" => map.next_value_seed(When { below: "", found: &mut mapping.when })?,
                key => {
                    let paths = map.next_value_seed(Paths(key))?;
                    // The other keys are fields, or the key would not have been taken.
                    mapping.paths.extend(Field::from_name(key).map(|field| (field, paths)));
                }
            }
        }
        if mapping.name.is_empty() {
            return Err(A::Error::custom("a source needs a name, such as name = \"mine\""));
        }
        let name = mapping.name.clone();
        let wrong = |reason: String| A::Error::custom(format!("source {name:?}: {reason}"));
        mapping.time = match (time, offset) {
            (Some(time), offset) => time_form(&time, offset).map_err(wrong)?,
            (None, None) => TimeForm::Any,
            (None, Some(_)) => return Err(wrong("time_offset belongs to a pattern in time".to_owned())),
        };
        for needed in [Field::Account, Field::Ts] {
            if !mapping.paths.iter().any(|(field, _)| *field == needed) {
                let name = needed.name();
                return Err(wrong(format!("{name} is missing: say where it is, such as {name} = \"path\"")));
            }
        }
        Ok(mapping)
    }
}

/// Reads a key, which has to be a known one.
struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = &'static str;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<&'static str, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = &'static str;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key of a source")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<&'static str, E> {
        KEYS.into_iter().find(|known| *known == key).ok_or_else(|| E::unknown_field(key, &KEYS))
    }
}

/// Reads a text and checks it while its place in the file is known.
struct Checked<T>(fn(&str) -> Result<T, String>);

impl<'de, T> DeserializeSeed<'de> for Checked<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T> Visitor<'_> for Checked<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

/// One path or several of a field.
struct Paths(&'static str);

impl<'de> DeserializeSeed<'de> for Paths {
    type Value = Vec<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<String>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Paths {
    type Value = Vec<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} = \"path\", or a list of paths, the best first", self.0)
    }

    fn visit_str<E: Error>(self, path: &str) -> Result<Vec<String>, E> {
        check_path(path).map_err(|reason| E::custom(format!("{} = {reason}", self.0)))?;
        Ok(vec![path.to_owned()])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let mut paths = Vec::new();
        while let Some(path) = list.next_element::<String>()? {
            check_path(&path).map_err(|reason| A::Error::custom(format!("{} = {reason}", self.0)))?;
            paths.push(path);
        }
        if paths.is_empty() || paths.len() > OWN_PATHS_MAX {
            return Err(A::Error::custom(format!("{} takes 1 to {OWN_PATHS_MAX} paths", self.0)));
        }
        Ok(paths)
    }
}

/// Conditions, whose paths may be nested tables: TOML makes those of `when.event.kind = "request"`.
struct When<'w> {
    below: &'w str,
    found: &'w mut Vec<(String, Option<String>)>,
}

impl<'de> DeserializeSeed<'de> for When<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl When<'_> {
    fn is<E: Error>(self, text: String) -> Result<(), E> {
        if self.below.is_empty() {
            return Err(E::custom(
                "when is a table of paths and texts, such as when = { \"event.kind\" = \"request\" }",
            ));
        }
        check_path(self.below).map_err(|reason| E::custom(format!("when: {reason}")))?;
        if self.found.len() >= OWN_CONDITIONS_MAX {
            return Err(E::custom(format!("when takes at most {OWN_CONDITIONS_MAX} conditions")));
        }
        self.found.push((self.below.to_owned(), (text != "*").then_some(text)));
        Ok(())
    }
}

impl<'de> Visitor<'de> for When<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the text, number or truth value at a path, or \"*\" for any")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.is(text.to_owned())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        self.is(number.to_string())
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<(), E> {
        self.is(truth.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let below = if self.below.is_empty() { key } else { format!("{}.{key}", self.below) };
            map.next_value_seed(When { below: &below, found: self.found })?;
        }
        Ok(())
    }
}

fn name(name: &str) -> Result<String, String> {
    let plain = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if name.is_empty() || name.len() > NAME_LETTERS_MAX || !name.chars().all(plain) {
        return Err(format!("name is {}: write 1 to {NAME_LETTERS_MAX} of a-z, 0-9 and -", shown(name)));
    }
    Ok(name.to_owned())
}

fn latency_unit(text: &str) -> Result<Unit, String> {
    Unit::from_name(text).ok_or_else(|| format!("latency_unit is {}: write s, ms, us or ns", shown(text)))
}

fn time_offset(text: &str) -> Result<jiff::tz::Offset, String> {
    let instant = format!("2000-01-01T00:00:00{text}");
    jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%:z", &instant)
        .ok()
        .and_then(|time| time.offset())
        .ok_or_else(|| format!("time_offset is {}: write it like +00:00 or -05:30", shown(text)))
}

/// Reads the form of times; a pattern is tried out.
fn time_form(text: &str, offset: Option<jiff::tz::Offset>) -> Result<TimeForm, String> {
    let form = match (text, Unit::from_name(text)) {
        ("rfc3339", _) => TimeForm::Rfc3339,
        (_, Some(unit)) => TimeForm::Epoch(unit),
        _ if text.contains('%') && text.len() <= NAME_BYTES_MAX => {
            return Pattern::new(text, offset).map(TimeForm::Pattern);
        }
        _ => {
            return Err(format!(
                "time is {}: write rfc3339, s, ms, us, ns, or a pattern such as %d/%b/%Y:%H:%M:%S %z",
                shown(text)
            ));
        }
    };
    match offset {
        None => Ok(form),
        Some(_) => Err(format!("time_offset belongs to a pattern in time, not to {text:?}")),
    }
}

/// Whether a path is one; if not, how it would be written right.
fn check_path(path: &str) -> Result<(), String> {
    if path.len() > FLAT_PATH_BYTES_MAX {
        return Err(format!("a path of over {FLAT_PATH_BYTES_MAX} bytes"));
    }
    let bracketed = path.split_once('[').is_some_and(|(_, rest)| rest.contains(']'));
    let right = !path.is_empty()
        && !path.starts_with(['$', '/'])
        && !bracketed
        && path.split('.').all(|step| !step.is_empty() && step.trim() == step);
    if right {
        return Ok(());
    }
    // What other tools call a path: $.a['b'][0], /a/b/0, .a.b
    let plain = path.trim_start_matches('$').replace(['[', ']', '/'], ".").replace(['\'', '"'], "");
    let steps: Vec<&str> = plain.split('.').map(str::trim).filter(|step| !step.is_empty()).collect();
    Err(match steps.join(".") {
        steps if steps.is_empty() => {
            format!(
                "{} is no path: write the steps to the value, such as user.id or messages.0.text",
                shown(path)
            )
        }
        steps => format!("{} is no path: write {steps:?}", shown(path)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(toml: &str) -> String {
        toml::from_str::<Mapping>(toml).expect_err(toml).message().to_owned()
    }

    #[test]
    fn every_field_of_the_contract_is_a_key() {
        assert_eq!(KEYS[5..], Field::ALL.map(Field::name));
    }

    #[test]
    fn a_few_lines_are_a_mapping() {
        let mapping: Mapping = toml::from_str(
            "name = 'mine'\nts = 'time.epoch'\ntime = 'ms'\naccount = 'user.id'\nip = ['a.b', 'c']\n\
             latency_ms = 'took'\nlatency_unit = 's'\nwhen.event.kind = 'request'\nwhen.'log.level' = '*'\nwhen.v = 2",
        )
        .expect("a mapping");
        assert_eq!((mapping.name.as_str(), mapping.latency), ("mine", Unit::Seconds));
        assert_eq!(mapping.time, TimeForm::Epoch(Unit::Millis));
        let when = |path: &str, text: Option<&str>| (path.to_owned(), text.map(str::to_owned));
        assert_eq!(
            mapping.when,
            [when("event.kind", Some("request")), when("log.level", None), when("v", Some("2"))]
        );
        assert!(mapping.paths.contains(&(Field::Ip, vec!["a.b".to_owned(), "c".to_owned()])));
    }

    #[test]
    fn what_is_wrong_names_the_key_and_the_right_one() {
        let whole = |line: &str| format!("name = 'mine'\naccount = 'a'\nts = 't'\n{line}");
        for (line, reason) in [
            ("acount = 'x'", "unknown field `acount`, expected one of `name`"),
            ("ip = '$.client.ip'", "ip = \"$.client.ip\" is no path: write \"client.ip\""),
            ("ip = ['a', 'b[0].c']", "ip = \"b[0].c\" is no path: write \"b.0.c\""),
            ("ip = '/client/ip'", "write \"client.ip\""),
            ("ip = 'client..ip'", "write \"client.ip\""),
            ("ip = ''", "ip = \"\" is no path: write the steps"),
            ("ip = []", "ip takes 1 to"),
            ("ip = 7", "expected ip = \"path\""),
            ("time = 'epoch'", "source \"mine\": time is \"epoch\": write rfc3339, s, ms"),
            ("time = '%d/%Q'", "source \"mine\": time is \"%d/%Q\""),
            ("time = '%Y-%m-%d %H:%M:%S'", "add time_offset = \"+00:00\""),
            ("time = 's'\ntime_offset = '+01:00'", "time_offset belongs to a pattern"),
            ("time = '%Y-%m-%d'\ntime_offset = 'CET'", "time_offset is \"CET\": write it like +00:00"),
            ("latency_unit = 'min'", "write s, ms, us or ns"),
            ("when = 'x'", "when is a table"),
            ("when = { 'a..b' = 'x' }", "when: \"a..b\" is no path: write \"a.b\""),
        ] {
            let found = wrong(&whole(line));
            assert!(found.contains(reason), "{line}: {found}");
        }
        assert!(wrong("name = 'mine'\nts = 't'").contains("account is missing: say where it is"));
        assert!(wrong("account = 'a'\nts = 't'").contains("a source needs a name"));
        assert!(wrong("name = 'Mine'\naccount = 'a'\nts = 't'").contains("a-z, 0-9 and -"));
    }
}
