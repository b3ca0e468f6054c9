//! Protocols of log shippers that are not a stream of records: each takes a whole body apart into flat
//! records, and the sources (`source/`) make events of those.
//!
//! ```text
//! otlp      OpenTelemetry logs and spans, protobuf or JSON    bulk      Elasticsearch bulk
//! loki      Loki push, snappy protobuf or JSON                splunk    Splunk HTTP event collector
//! ```
//!
//! What a body is, is told by its bytes: senders name the wrong type, or none. Answers belong to `http`.

mod bulk;
mod each;
mod loki;
mod otlp;
mod otlp_json;
mod splunk;
mod unpack;
mod wire;

pub use bulk::Item;

use super::Context;
use super::flat::Flat;
use super::reject::{Rejects, Wrong};
use super::source::{Envelope, Kind, Mappings, Scratch, Sink, event_of_flat, line_fields};
use crate::event::{EventBatch, Micros};
use crate::limits::{
    BATCH_BYTES_MAX, BATCH_EVENTS_MAX, PUSH_BYTES_MAX, PUSH_FIELDS_MAX, PUSH_MADE_BYTES_MAX,
    PUSH_RECORD_FIELDS, PUSH_REFUSED_FIELDS,
};
use crate::privacy::withheld;
use otlp::Signal;
use std::collections::VecDeque;

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// OpenTelemetry log records.
    OtlpLogs,
    /// OpenTelemetry spans.
    OtlpTraces,
    /// Elasticsearch bulk requests.
    Bulk,
    /// Loki push requests.
    Loki,
    /// Splunk HTTP event collector.
    Splunk,
}

/// What became of a body besides its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Why the body as a whole could not be read.
    pub broken: Option<String>,
    /// Whether the body was protobuf, so that the answer is too.
    pub protobuf: bool,
    /// The requests of a bulk body, in their order.
    pub items: Vec<Item>,
    /// Lines of records that were refused.
    pub refused: Vec<u64>,
}

/// Decodes one body of a protocol. The body is collected, up to a bound, and taken apart at its end.
#[derive(Debug)]
pub struct Push {
    protocol: Protocol,
    body: Vec<u8>,
    too_long: bool,
    taken: bool,
    out: Out,
    ready: VecDeque<EventBatch>,
    /// Bytes of the batches that are ready.
    ready_bytes: usize,
}

/// Where records go.
#[derive(Debug)]
struct Out {
    context: Context,
    forced: Option<Kind>,
    own: Mappings,
    scratch: Scratch,
    batch: EventBatch,
    full: Vec<EventBatch>,
    /// Bytes of the full batches.
    full_bytes: usize,
    /// Fields that were looked at.
    fields: usize,
    rejects: Rejects,
    summary: Summary,
    line: u64,
}

impl Push {
    /// A decoder for one body.
    #[must_use]
    pub fn new(protocol: Protocol, context: Context, forced: Option<Kind>) -> Self {
        let out = Out {
            context,
            forced,
            own: Mappings::default(),
            scratch: Scratch::default(),
            batch: EventBatch::default(),
            full: Vec::new(),
            full_bytes: 0,
            fields: 0,
            rejects: Rejects::default(),
            summary: Summary::default(),
            line: 0,
        };
        let (ready, ready_bytes) = (VecDeque::new(), 0);
        Self { protocol, body: Vec::new(), too_long: false, taken: false, out, ready, ready_bytes }
    }

    /// Knows mappings of the operator's own too.
    #[must_use]
    pub fn with_mappings(mut self, own: Mappings) -> Self {
        self.out.own = own;
        self
    }

    /// Takes all bytes in; past `PUSH_BYTES_MAX` they are dropped, and the body is refused at its end.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        if self.body.len() + bytes.len() > PUSH_BYTES_MAX {
            self.too_long = true;
            self.body = Vec::new();
        }
        if !self.too_long {
            self.body.extend_from_slice(bytes);
        }
        bytes.len()
    }

    /// Takes the body apart. `false` when a batch is ready and others come after it.
    pub fn finish(&mut self) -> bool {
        if !self.taken {
            self.taken = true;
            let body = std::mem::take(&mut self.body);
            self.take_apart(&body);
        }
        self.ready.len() <= 1
    }

    fn take_apart(&mut self, body: &[u8]) {
        let too_long = || format!("a body of this protocol has at most {} MiB", PUSH_BYTES_MAX >> 20);
        let result = match unpack::unpack(body) {
            _ if self.too_long => Err(too_long()),
            Err(reason) => Err(reason),
            Ok(body) => match self.protocol {
                Protocol::OtlpLogs => otlp::request(Signal::Logs, &body, &mut self.out),
                Protocol::OtlpTraces => otlp::request(Signal::Traces, &body, &mut self.out),
                Protocol::Bulk => bulk::requests(&body, &mut self.out),
                Protocol::Loki => loki::push(&body, &mut self.out),
                Protocol::Splunk => splunk::events(&body, &mut self.out),
            },
        };
        if let Err(reason) = result.map_err(withheld) {
            Wrong::whole(reason.clone()).add_to(&mut self.out.rejects, self.out.line + 1);
            self.out.summary.broken = Some(reason);
        }
        self.ready = std::mem::take(&mut self.out.full).into();
        self.ready.push_back(std::mem::take(&mut self.out.batch));
        self.ready_bytes = self.ready.iter().map(EventBatch::bytes).sum();
    }

    /// Whether a batch is full. Never before the end of the body.
    #[must_use]
    pub fn batch_ready(&self) -> bool {
        false
    }

    /// The next batch; empty when there is none.
    pub fn take_batch(&mut self) -> EventBatch {
        let batch = self.ready.pop_front().unwrap_or_default();
        self.ready_bytes = self.ready_bytes.saturating_sub(batch.bytes());
        batch
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn buffered_bytes(&self) -> usize {
        self.body.len() + self.ready_bytes
    }

    /// What was refused so far.
    pub fn rejects(&mut self) -> &mut Rejects {
        &mut self.out.rejects
    }

    /// What became of the body besides its events.
    pub fn summary(&mut self) -> Summary {
        std::mem::take(&mut self.out.summary)
    }
}

impl Out {
    /// A name as it may be shown again.
    fn kept(&self, name: &str) -> String {
        self.context.privacy.without_secrets(name).into_owned()
    }

    /// Counts the next record. An error when those before it came to more than a body may: what all records
    /// share, such as labels, is written once and would be kept a million times.
    fn next(&mut self) -> Result<(), String> {
        self.line += 1;
        self.fields += PUSH_RECORD_FIELDS;
        if self.fields > PUSH_FIELDS_MAX || self.full_bytes + self.batch.bytes() > PUSH_MADE_BYTES_MAX {
            return Err(format!(
                "the {} records before it come to more than one body may hold: send fewer in one",
                self.line - 1
            ));
        }
        Ok(())
    }

    /// Adds the event of a record, or passes over one that is of no source, where such ones are normal.
    fn known_record(&mut self, flat: &Flat<'_>, ts: Option<Micros>, id: &str) {
        let told = self.forced.or_else(|| self.own.told(flat));
        match told {
            None => self.fields += flat.len(),
            // Told again as what may lie in a wrapper.
            Some(Kind::Native) => self.record_of(self.forced, flat, ts, id),
            told => self.record_of(told, flat, ts, id),
        }
    }

    /// Adds the event of a record.
    fn record(&mut self, flat: &Flat<'_>, ts: Option<Micros>, id: &str) {
        self.record_of(self.forced, flat, ts, id);
    }

    fn record_of(&mut self, forced: Option<Kind>, flat: &Flat<'_>, ts: Option<Micros>, id: &str) {
        self.fields += flat.len();
        let envelope = Envelope { line: self.line, ts, id, forced, own: self.own };
        let mut sink = Sink {
            context: &self.context,
            scratch: &mut self.scratch,
            batch: &mut self.batch,
            explained: None,
        };
        if let Err(wrong) = event_of_flat(flat, envelope, &mut sink) {
            self.refuse(wrong);
        }
        if self.batch.len() >= BATCH_EVENTS_MAX || self.batch.bytes() >= BATCH_BYTES_MAX {
            self.full_bytes += self.batch.bytes();
            self.full.push(std::mem::take(&mut self.batch));
        }
    }

    fn refuse(&mut self, wrong: Wrong) {
        self.fields += PUSH_REFUSED_FIELDS;
        self.summary.refused.push(self.line);
        wrong.add_to(&mut self.rejects, self.line);
    }
}

/// Adds the fields of a text that a shipper carries as a whole: a JSON object, a line of an access log, or
/// words, which are kept as `message`.
fn add_text<'a>(flat: &mut Flat<'a>, text: &'a str) {
    let trimmed = text.trim();
    if trimmed.starts_with('{') && flat.add_json("", trimmed.as_bytes()).is_ok() {
        return;
    }
    match line_fields(trimmed) {
        Some(fields) => fields.into_iter().for_each(|(path, value)| flat.push(&path, value)),
        None => flat.push("message", super::value::Scalar::Text(trimmed.into())),
    }
}

#[cfg(test)]
mod tests;
