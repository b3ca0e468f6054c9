//! What is kept of a prompt: a keyed hash. The text itself ends here and is in no error and no log.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The hash under which a prompt is kept, as 16 hex digits.
pub(super) fn hash(seed: u64, prompt: &str) -> [u8; 16] {
    let hash = xxh3_64_with_seed(prompt.as_bytes(), seed);
    std::array::from_fn(|digit| b"0123456789abcdef"[(hash >> (60 - 4 * digit)) as usize & 15])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_known_by_sixteen_hex_digits() {
        let text = hash(7, "hello");
        assert_eq!(std::str::from_utf8(&text).unwrap(), format!("{:016x}", xxh3_64_with_seed(b"hello", 7)));
    }
}
