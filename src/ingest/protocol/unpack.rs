//! Compression that no header names: snappy, in blocks and in frames, and gzip or zstd sent as they are.
//!
//! A claim of size is believed only as far as the format can expand.

use crate::limits::PUSH_BYTES_MAX;
use std::borrow::Cow;
use std::io::Read;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const SNAPPY_FRAMES: &[u8] = b"\xff\x06\x00\x00sNaPpY";

/// The most that snappy can expand: a copy of 64 bytes takes three.
const SNAPPY_RATIO_MAX: usize = 22;

/// The body behind what its first bytes show.
pub(super) fn unpack(body: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    if body.starts_with(GZIP) {
        return read(flate2::read::MultiGzDecoder::new(body), "gzip").map(Cow::Owned);
    }
    if body.starts_with(ZSTD) {
        let reader = zstd::stream::read::Decoder::new(body).map_err(|_| damaged("zstd"))?;
        return read(reader, "zstd").map(Cow::Owned);
    }
    if body.starts_with(SNAPPY_FRAMES) {
        return read(snap::read::FrameDecoder::new(body), "snappy").map(Cow::Owned);
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

fn damaged(format: &str) -> String {
    format!("the body begins like {format} but is damaged")
}

fn read(reader: impl Read, format: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    reader.take(PUSH_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|_| damaged(format))?;
    if bytes.len() > PUSH_BYTES_MAX {
        return Err(format!("a body of this protocol has at most {} MiB when decompressed", PUSH_BYTES_MAX >> 20));
    }
    Ok(bytes)
}
