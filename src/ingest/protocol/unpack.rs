//! Snappy, in blocks and in frames, told by the bytes. Other encodings are undone before (`http`).
//!
//! A claim of size is believed only as far as the format can expand.

use crate::limits::PUSH_BYTES_MAX;
use std::borrow::Cow;
use std::io::Read;

const SNAPPY_FRAMES: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// The most that snappy can expand: a copy of 64 bytes takes three.
const SNAPPY_RATIO_MAX: usize = 22;

/// The body behind what its first bytes show.
pub(super) fn unpack(body: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if body.starts_with(SNAPPY_FRAMES) {
        return frames(body).map(Cow::Owned);
    }
    Ok(Cow::Borrowed(body))
}

/// The body of a snappy block, if it is one.
pub(super) fn snappy_block(body: &[u8]) -> Option<Vec<u8>> {
    let claimed = snap::raw::decompress_len(body).ok()?;
    if claimed > PUSH_BYTES_MAX || claimed > body.len() * SNAPPY_RATIO_MAX {
        return None;
    }
    snap::raw::Decoder::new().decompress_vec(body).ok()
}

fn frames(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut reader = snap::read::FrameDecoder::new(body).take(PUSH_BYTES_MAX as u64 + 1);
    if reader.read_to_end(&mut bytes).is_err() {
        return Err("the body begins like snappy frames but is damaged".to_owned());
    }
    if bytes.len() > PUSH_BYTES_MAX {
        return Err(format!(
            "a body of this protocol has at most {} MiB when decompressed",
            PUSH_BYTES_MAX >> 20
        ));
    }
    Ok(bytes)
}
