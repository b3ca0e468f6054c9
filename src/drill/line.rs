//! An event as a line of the native contract.

use super::benign::POPULAR;
use super::dice::Dice;
use super::person::Voice;
use super::words;
use super::world::{Made, World};
use crate::event::{Day, MICROS_A_SECOND};
use std::io::Write as _;

impl World {
    /// Appends an event as one line of NDJSON.
    pub fn write_json(&self, event: &Made, out: &mut Vec<u8>) {
        let Some(person) = self.people.get(event.person as usize) else { return };
        let start = self.plan.first_day.start() / MICROS_A_SECOND;
        let name = self.name(event.person);
        let mut dice = Dice::of(event.text, &[u64::from(event.person)]);
        let mut put = |field: &str, bytes: &[u8]| {
            out.extend_from_slice(field.as_bytes());
            out.extend_from_slice(bytes);
        };
        let millis = start * 1_000 + event.millis;
        let mut number = Number::default();
        put("{\"ts\":", number.of(millis));
        put(",\"request_id\":\"", &hex(event.text ^ u64::from(event.person)));
        put("\",\"account\":\"", name);
        put("\",\"api_key\":\"k-", name);
        if self.plan.ips {
            let [a, b, c, d] = event.ip.to_be_bytes();
            put("\",\"ip\":\"", number.of(a.into()));
            put(".", number.of(b.into()));
            put(".", number.of(c.into()));
            put(".", number.of(d.into()));
            put("\",\"asn\":", number.of(person.asn.into()));
            put(",\"country\":\"", person.country.as_bytes());
        }
        if let (Some((fingerprint, agent)), POPULAR) = (&self.plan.popular, person.client) {
            // Quoted by the library, because they come from a log.
            put("\",\"fingerprint\":", serde_json::json!(fingerprint).to_string().as_bytes());
            put(",\"user_agent\":", serde_json::json!(agent).to_string().as_bytes());
        } else {
            put("\",\"fingerprint\":\"fp-", number.of(person.client.into()));
            put("\",\"user_agent\":\"sdk/", number.of(i64::from(person.client % 7)));
            put("\"", b"");
        }
        put(",\"model\":\"", if event.pivoted { b"m-next" } else { b"m-large" });
        put("\",\"endpoint\":\"/v1/messages\",\"status\":", if event.refused { b"429" } else { b"200" });
        let is_target = dice.chance(person.voice.target);
        let length = 60 + dice.below(400);
        put(",\"input_tokens\":", number.of(length as i64));
        let answer = length * if is_target { 4 } else { 1 } + dice.below(300);
        put(",\"output_tokens\":", number.of(answer as i64));
        put(",\"latency_ms\":", number.of(200 + dice.below(4_000) as i64));
        if let Some(card) = person.payment {
            put(",\"payment\":\"pay-", &hex(Dice::of(self.seed, &[0xca4d, card]).next()));
            put("\"", b"");
        }
        let created = Day(self.plan.first_day.0 + person.created).start() / MICROS_A_SECOND;
        put(",\"account_created_at\":", number.of(created));
        put(",\"email_domain\":\"mail-", number.of(person.domain.into()));
        put(".example\",\"plan\":\"paid\"", b"");
        if self.plan.prompts {
            self.write_prompt(event, &person.voice, is_target, &mut dice, out);
        }
        out.extend_from_slice(b"}\n");
    }

    fn write_prompt(&self, event: &Made, voice: &Voice, is_target: bool, dice: &mut Dice, out: &mut Vec<u8>) {
        // Labels are wrong now and then.
        let labelled = if dice.chance(0.12) { !is_target } else { is_target };
        let topics: &[&str] = if labelled { &words::TARGET_TOPICS } else { &words::OTHER_TOPICS };
        out.extend_from_slice(b",\"topic\":\"");
        out.extend_from_slice(dice.pick(topics).unwrap_or("chat").as_bytes());
        out.extend_from_slice(b"\",\"prompt\":\"");
        if let Some((conversation, turn)) = event.continues {
            words::fixed(self.seed, conversation, 700 + u64::from(turn) * 20, out);
        } else if dice.chance(voice.dataset) {
            let item = voice.datasets.0 * 10_000 + dice.below(voice.datasets.1);
            words::fixed(self.seed, 1 << 40 | item, 40, out);
        } else {
            if dice.chance(voice.template) {
                let template = voice.templates.0 + dice.below(voice.templates.1);
                if dice.chance(voice.paraphrase) {
                    words::words(dice, 18, out);
                } else {
                    words::fixed(self.seed, template, 18, out);
                }
                out.push(b' ');
            }
            if is_target {
                words::target(dice, out);
                out.push(b' ');
            }
            let count = 14 + dice.below(24);
            words::words(dice, count, out);
        }
        out.push(b'"');
    }
}

/// Decimal digits without an allocation.
#[derive(Default)]
struct Number([u8; 20], usize);

impl Number {
    fn of(&mut self, value: i64) -> &[u8] {
        let room = self.0.len();
        let mut left = self.0.as_mut_slice();
        // Twenty bytes hold every i64.
        let _written = write!(left, "{value}");
        self.1 = room - left.len();
        &self.0[..self.1]
    }
}

fn hex(value: u64) -> [u8; 16] {
    std::array::from_fn(|digit| b"0123456789abcdef"[(value >> (60 - 4 * digit)) as usize & 15])
}
