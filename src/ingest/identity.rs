//! When two events are the same one: a keyed hash that the store compares.
//!
//! Shippers send again whatever was not acknowledged, and some repeat lines within one body. An event
//! with a request id is known by account and request id, one without by its whole text.
//!
//! The account is part of it because clients can choose request ids (most gateways take over
//! `X-Request-Id`): with the id alone, one account could send another's ids first and so suppress
//! that account's events. The key is a secret of the database, so that nobody outside can construct
//! two events that collide.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The identity of an event with a request id. `scratch` saves an allocation for each event.
///
/// An account holds no NUL byte, so that account and id cannot run into each other, and valid JSON
/// holds none either, so that this never hashes the same bytes as [`of_text`].
pub(super) fn of_request(seed: u64, account: &str, request_id: &str, scratch: &mut Vec<u8>) -> u64 {
    scratch.clear();
    scratch.extend_from_slice(account.as_bytes());
    scratch.push(0);
    scratch.extend_from_slice(request_id.as_bytes());
    xxh3_64_with_seed(scratch, seed)
}

/// The identity of an event without a request id: its object as sent, from brace to brace.
pub(super) fn of_text(seed: u64, object: &[u8]) -> u64 {
    xxh3_64_with_seed(object, seed)
}

/// The hash under which a prompt is kept, as 16 hex digits.
pub(super) fn of_prompt(seed: u64, prompt: &str) -> [u8; 16] {
    let hash = xxh3_64_with_seed(prompt.as_bytes(), seed);
    std::array::from_fn(|digit| b"0123456789abcdef"[(hash >> (60 - 4 * digit)) as usize & 15])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_cannot_take_the_identity_of_anothers_request() {
        let mut scratch = Vec::new();
        let mine = of_request(7, "alice", "req-1", &mut scratch);
        assert_eq!(mine, of_request(7, "alice", "req-1", &mut scratch));
        assert_ne!(mine, of_request(7, "bob", "req-1", &mut scratch));
        assert_ne!(mine, of_request(8, "alice", "req-1", &mut scratch));
        assert_ne!(of_request(7, "ab", "c", &mut scratch), of_request(7, "a", "bc", &mut scratch));
    }

    #[test]
    fn a_prompt_is_known_by_sixteen_hex_digits() {
        let hash = of_prompt(7, "hello");
        assert_eq!(std::str::from_utf8(&hash).unwrap(), format!("{:016x}", xxh3_64_with_seed(b"hello", 7)));
    }
}
