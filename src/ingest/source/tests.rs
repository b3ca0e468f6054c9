//! Sources as a whole: a flat record in, an event out.

use super::*;
use crate::ingest::Context;
use crate::privacy::{Privacy, Pseudonyms};

const PRIVACY: Privacy = Privacy::new([42; 32], Pseudonyms::NONE);
const CONTEXT: Context = Context::new(1, 1_800_000_000_000_000, PRIVACY);

fn taken(json: &str, envelope: Envelope<'_>) -> (Result<Kind, Wrong>, EventBatch) {
    let (flat, _) = Flat::from_json(json.as_bytes()).expect("valid");
    let mut batch = EventBatch::default();
    let mut scratch = Scratch::default();
    let mut sink = Sink { context: &CONTEXT, scratch: &mut scratch, batch: &mut batch, explained: None };
    let taken = event_of_flat(&flat, envelope, &mut sink);
    (taken, batch)
}

#[test]
fn a_flat_record_with_native_names_takes_time_and_id_from_its_envelope() {
    let envelope = Envelope { ts: Some(1_795_426_307_000_000), id: "req-1", ..Envelope::default() };
    let (kind, batch) = taken(r#"{"account":"alice","ip":"203.0.113.21"}"#, envelope);
    assert_eq!(kind, Ok(Kind::Native));
    let event = batch.iter().next().expect("an event");
    assert_eq!(
        (event.ts(), event.text(crate::event::Text::RequestId)),
        (1_795_426_307_000_000, &b"req-1"[..])
    );
}

#[test]
fn a_missing_account_is_named_with_the_places_where_it_was_looked_for() {
    let (kind, batch) =
        taken(r#"{"request":{"remote_ip":"192.0.2.1"},"ts":1795426307.5}"#, Envelope::default());
    let wrong = kind.expect_err("no account");
    assert_eq!((wrong.field, batch.len()), (Some("account"), 0));
    assert_eq!(
        wrong.reason,
        "account is missing: taken for caddy, where it is in account, user_id (or send account, or an id by which \
         it joins the record that has the account: x-request-id or traceparent, 16 characters or more)"
    );
}

#[test]
fn the_same_record_is_the_same_event_whatever_the_order_of_its_fields() {
    let one = r#"{"remote_addr":"192.0.2.1","account":"a","msec":1795426307.5,"bytes":1}"#;
    let other = r#"{"bytes":1,"msec":1795426307.5,"account":"a","remote_addr":"192.0.2.1"}"#;
    let third = r#"{"bytes":2,"msec":1795426307.5,"account":"a","remote_addr":"192.0.2.1"}"#;
    let identity = |json| taken(json, Envelope::default()).1.iter().next().map(crate::event::Event::identity);
    assert_eq!(identity(one), identity(other));
    assert_ne!(identity(one), identity(third));
}

#[test]
fn a_client_that_repeats_its_request_id_does_not_make_its_traffic_vanish() {
    let line = |uri: &str, name: &str| {
        format!(
            r#"{{"remote_addr":"192.0.2.1","account":"a","msec":1795426307.5,"uri":"{uri}","{name}":"same"}}"#
        )
    };
    let identity =
        |json: &str| taken(json, Envelope::default()).1.iter().next().map(crate::event::Event::identity);
    assert_ne!(identity(&line("/1", "http_x_request_id")), identity(&line("/2", "http_x_request_id")));
    assert_eq!(identity(&line("/1", "http_x_request_id")), identity(&line("/1", "http_x_request_id")));
    // The server's own id does not repeat.
    assert_eq!(identity(&line("/1", "request_id")), identity(&line("/2", "request_id")));
}

#[test]
fn customers_behind_one_master_key_of_litellm_are_not_one_account() {
    let account = |holder: &str| {
        let json = format!(
            r#"{{"litellm_call_id":"c","startTime":1795426307.5,"end_user":"alice","metadata":{{"user_api_key_user_id":"{holder}"}}}}"#
        );
        let (kind, batch) = taken(&json, Envelope::default());
        assert_eq!(kind, Ok(Kind::LiteLlm));
        let event = batch.iter().next().expect("an event");
        let account = crate::event::aspect_values(event.aspect_key(crate::event::Aspect::Subject)).next();
        String::from_utf8(account.expect("an account").to_vec()).expect("text")
    };
    assert_eq!(account("default_user_id"), "alice");
    assert_eq!(account("user-1"), "user-1");
}
