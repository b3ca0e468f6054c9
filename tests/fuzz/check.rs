//! What must hold whatever bytes come as a body. Shared by the fuzz targets and the test over damaged captures.

use cahoots::event::{Aspect, EventBatch, Micros, aspect_values};
use cahoots::ingest::{Context, Decoder, Kind, Protocol, Push, Rejects};
use cahoots::limits::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, PUSH_MADE_BYTES_MAX};

/// 2026-11-24, a little after the captures were made.
const NOW: Micros = 1_795_500_000_000_000;

/// Decodes a body in every way that there is and checks what comes of it. Gives how many events that are.
pub(crate) fn check(protocol: Option<Protocol>, body: &[u8]) -> usize {
    match protocol {
        None => records(body),
        Some(protocol) => pushed(protocol, body),
    }
}

fn context(keep_extra: bool) -> Context {
    let privacy = cahoots::privacy::Privacy::new([42; 32], cahoots::privacy::Pseudonyms::NONE);
    Context { keep_extra, ..Context::new(42, NOW, privacy) }
}

/// What one decoding gives: time and account of each event, its line and identity, and how much was refused.
type Found = (Vec<(Micros, Vec<u8>, u64, u64)>, u64);

fn collect(batch: &EventBatch, found: &mut Found) {
    assert!(
        batch.len() <= BATCH_EVENTS_MAX + 1 || batch.bytes() < 2 * BATCH_BYTES_MAX,
        "a batch without bound"
    );
    for event in batch.iter() {
        let account = aspect_values(event.aspect_key(Aspect::Subject)).next().unwrap_or_default();
        assert!(!account.is_empty() && event.ts() > 0 && event.line() > 0, "an event without what it needs");
        assert!(!event.source().is_empty());
        found.0.push((event.ts(), account.to_vec(), event.line(), event.identity()));
    }
}

fn check_rejects(rejects: &Rejects) {
    assert!(rejects.count >= rejects.first.len() as u64);
    assert_eq!(rejects.refused.iter().map(|refused| refused.count).sum::<u64>(), rejects.count);
}

fn records(body: &[u8]) -> usize {
    let decode = |decoder: &mut Decoder, piece_len: usize| {
        let mut found = Found::default();
        for mut piece in body.chunks(piece_len.max(1)) {
            while !piece.is_empty() {
                let used = decoder.feed(piece);
                piece = &piece[used..];
                if decoder.batch_ready() {
                    collect(&decoder.take_batch(), &mut found);
                } else {
                    assert!(used > 0, "nothing was taken and no batch is ready");
                }
            }
        }
        while !decoder.finish() {
            collect(&decoder.take_batch(), &mut found);
        }
        collect(&decoder.take_batch(), &mut found);
        check_rejects(decoder.rejects());
        found.1 = decoder.rejects().count;
        found
    };
    let whole = decode(&mut Decoder::new(context(false)), body.len());
    assert_eq!(whole, decode(&mut Decoder::new(context(false)), 13), "pieces change what a body is");
    decode(&mut Decoder::new(context(true)), 4_096);
    let mut explaining = Decoder::new(context(false)).explaining();
    decode(&mut explaining, body.len());
    for explained in explaining.take_explained() {
        assert!(explained.to_string().bytes().all(|byte| byte == b'\n' || !byte.is_ascii_control()));
    }
    let kind = Kind::all().nth(body.len() % Kind::all().count());
    decode(&mut Decoder::new(context(false)).of_source(kind), body.len());
    whole.0.len()
}

fn pushed(protocol: Protocol, body: &[u8]) -> usize {
    let kind = Kind::all().nth(body.len() % Kind::all().count());
    let [found, _] = [None, kind].map(|kind| {
        let mut push = Push::new(protocol, context(false), kind);
        assert_eq!(push.feed(body), body.len());
        let (mut found, mut held) = (Found::default(), 0);
        while !push.finish() {
            held += collect_push(&mut push, &mut found);
        }
        held += collect_push(&mut push, &mut found);
        assert!(held <= PUSH_MADE_BYTES_MAX + BATCH_BYTES_MAX, "{held} bytes of events");
        check_rejects(push.rejects());
        let rejected = push.rejects().count;
        let summary = push.summary();
        assert!(summary.refused.len() as u64 <= rejected);
        assert!(summary.broken.is_none() || rejected > 0, "a broken body counts");
        if protocol == Protocol::Bulk {
            assert!(found.0.len() <= summary.items.len(), "every event has its place in the answer");
        }
        found
    });
    found.0.len()
}

fn collect_push(push: &mut Push, found: &mut Found) -> usize {
    let batch = push.take_batch();
    collect(&batch, found);
    batch.bytes()
}
