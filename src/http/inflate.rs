//! Content encodings, undone a bounded piece at a time: a bomb never expands in memory, because
//! nothing is decoded before there is room for it.
//!
//! Bounds on whole bodies belong to `body`.

use crate::limits::ZSTD_WINDOW_LOG_MAX;
use flate2::{Decompress, FlushDecompress, Status};
use hyper::HeaderMap;
use hyper::header::CONTENT_ENCODING;
use zstd::stream::raw::{DParameter, Decoder, Operation};

/// The encodings taken, as in an Accept-Encoding header.
pub(crate) const TAKEN: &str = "gzip, zstd, deflate, identity";

/// How a body is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Zstd,
    Deflate,
}

impl Encoding {
    /// The encoding that the headers name; `None` for one that is unknown or for more than one.
    pub(crate) fn named(headers: &HeaderMap) -> Option<Self> {
        let mut encoding = Self::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.to_str().ok()?.split(',') {
                let next = match name.trim().to_ascii_lowercase().as_str() {
                    // Snappy is undone where the protocol is known, and told by the bytes there.
                    "" | "identity" | "snappy" | "x-snappy-framed" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "zstd" => Self::Zstd,
                    "deflate" => Self::Deflate,
                    _ => return None,
                };
                if encoding != Self::Identity {
                    return None;
                }
                encoding = next;
            }
        }
        Some(encoding)
    }

    /// What the first bytes of a body show, whatever its sender called it: `None` if it is neither compressed
    /// nor plain JSON for certain.
    pub(crate) fn shown(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, 8, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'{' | b'[', ..] => Some(Self::Identity),
            _ => None,
        }
    }
}

/// Why a body cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InflateError {
    /// Not what the header says.
    Damaged,
    /// A zstd window larger than we give.
    Window,
}

/// Bytes that one step used and made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) used: usize,
    pub(crate) made: usize,
}

/// A decoder of one body.
pub(crate) enum Inflate {
    /// gzip, with as many members as come.
    Gzip { member: Decompress, open: bool },
    /// deflate: zlib by the letter of the standard, raw as some send it; told by the first byte.
    Deflate { stream: Option<Decompress>, open: bool },
    /// zstd, with as many frames as come.
    Zstd { frames: Decoder<'static>, open: bool },
}

impl Inflate {
    /// A decoder for the encoding; `None` for identity, which needs none.
    pub(crate) fn new(encoding: Encoding) -> Option<Self> {
        match encoding {
            Encoding::Identity => None,
            Encoding::Gzip => Some(Self::Gzip { member: Decompress::new_gzip(15), open: false }),
            Encoding::Deflate => Some(Self::Deflate { stream: None, open: false }),
            Encoding::Zstd => {
                let mut frames = Decoder::new().ok()?;
                frames.set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX)).ok()?;
                Some(Self::Zstd { frames, open: false })
            }
        }
    }

    /// Decodes some of `input` into `output`. When nothing was used and nothing made, it needs more
    /// input.
    pub(crate) fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, InflateError> {
        match self {
            Self::Gzip { member, open } => {
                if !*open && input.is_empty() {
                    return Ok(Step::default());
                }
                let (step, ended) = inflate(member, input, output)?;
                *open = !ended;
                if ended {
                    *member = Decompress::new_gzip(15);
                }
                Ok(step)
            }
            Self::Deflate { stream, open } => {
                let Some(first) = input.first() else {
                    return stream.as_mut().filter(|_| *open).map_or(Ok(Step::default()), |stream| {
                        inflate(stream, input, output).map(|(step, _)| step)
                    });
                };
                if !*open && stream.is_some() {
                    return Err(InflateError::Damaged);
                }
                // The low half of zlib's first byte is 8; as raw deflate it would be a stored or
                // reserved block that no compressor starts with.
                let stream = stream.get_or_insert_with(|| Decompress::new(first & 0x0f == 8));
                let (step, ended) = inflate(stream, input, output)?;
                *open = !ended;
                Ok(step)
            }
            Self::Zstd { frames, open } => {
                if !*open && input.is_empty() {
                    return Ok(Step::default());
                }
                let status = frames.run_on_buffers(input, output).map_err(|error| zstd_error(&error))?;
                *open = status.remaining != 0;
                Ok(Step { used: status.bytes_read, made: status.bytes_written })
            }
        }
    }

    /// Whether the body may end here.
    pub(crate) fn complete(&self) -> bool {
        match self {
            Self::Gzip { open, .. } | Self::Deflate { open, .. } | Self::Zstd { open, .. } => !open,
        }
    }
}

fn inflate(stream: &mut Decompress, input: &[u8], output: &mut [u8]) -> Result<(Step, bool), InflateError> {
    let (used_before, made_before) = (stream.total_in(), stream.total_out());
    let status =
        stream.decompress(input, output, FlushDecompress::None).map_err(|_| InflateError::Damaged)?;
    let step = Step {
        used: (stream.total_in() - used_before) as usize,
        made: (stream.total_out() - made_before) as usize,
    };
    Ok((step, status == Status::StreamEnd))
}

fn zstd_error(error: &std::io::Error) -> InflateError {
    // zstd-safe gives the library's message and no code.
    if error.to_string().contains("too much memory") { InflateError::Window } else { InflateError::Damaged }
}

#[cfg(test)]
mod tests {
    use super::{CONTENT_ENCODING, Encoding, HeaderMap, Inflate, InflateError};
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    const TEXT: &[u8] = b"{\"account\":\"a\",\"ts\":1}\n{\"account\":\"b\",\"ts\":2}\n";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("write");
        encoder.finish().expect("finish")
    }

    /// Decodes with input and output pieces of the given sizes; says whether the end was clean.
    fn decode(
        encoding: Encoding,
        bytes: &[u8],
        input: usize,
        output: usize,
    ) -> Result<(Vec<u8>, bool), InflateError> {
        let mut inflate = Inflate::new(encoding).expect("not identity");
        let (mut all, mut buffer) = (Vec::new(), vec![0; output]);
        for piece in bytes.chunks(input) {
            let mut rest = piece;
            loop {
                let step = inflate.step(rest, &mut buffer)?;
                all.extend_from_slice(&buffer[..step.made]);
                rest = &rest[step.used..];
                if rest.is_empty() && step.made < output {
                    break;
                }
                assert!(step.used + step.made > 0, "stuck");
            }
        }
        Ok((all, inflate.complete()))
    }

    fn samples() -> Vec<(Encoding, Vec<u8>)> {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(TEXT).expect("write");
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::default());
        raw.write_all(TEXT).expect("write");
        let (first, second) = TEXT.split_at(20);
        let zstd = |bytes| zstd::encode_all(bytes, 3).expect("zstd");
        vec![
            (Encoding::Gzip, gzip(TEXT)),
            (Encoding::Gzip, [gzip(first), gzip(second)].concat()),
            (Encoding::Deflate, zlib.finish().expect("finish")),
            (Encoding::Deflate, raw.finish().expect("finish")),
            (Encoding::Zstd, zstd(TEXT)),
            (Encoding::Zstd, [zstd(first), zstd(second)].concat()),
        ]
    }

    #[test]
    fn every_encoding_comes_out_whole_whatever_the_pieces() {
        for (encoding, bytes) in samples() {
            for (input, output) in [(1, 1), (3, 7), (1_000, 5), (1_000, 1_000)] {
                let decoded = decode(encoding, &bytes, input, output);
                assert_eq!(decoded, Ok((TEXT.to_vec(), true)), "{encoding:?} {input} {output}");
            }
        }
    }

    #[test]
    fn a_body_that_is_cut_is_not_complete() {
        for (encoding, bytes) in samples() {
            let cut = &bytes[..bytes.len() - 1];
            assert!(!decode(encoding, cut, 1_000, 1_000).expect("no damage").1, "{encoding:?}");
        }
    }

    #[test]
    fn damage_is_told() {
        let mut gzip = gzip(TEXT);
        let checksum = gzip.len() - 6;
        gzip[checksum] ^= 1;
        for (encoding, bytes) in [
            (Encoding::Gzip, gzip),
            (Encoding::Gzip, TEXT.to_vec()),
            (Encoding::Deflate, vec![0xff; 20]),
            (Encoding::Deflate, [samples()[2].1.clone(), b"more".to_vec()].concat()),
            (Encoding::Zstd, TEXT.to_vec()),
        ] {
            assert_eq!(decode(encoding, &bytes, 1_000, 1_000), Err(InflateError::Damaged), "{encoding:?}");
        }
    }

    #[test]
    fn a_zstd_window_past_the_bound_is_told_apart() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).expect("encoder");
        encoder.window_log(27).expect("window");
        encoder.write_all(TEXT).expect("write");
        encoder.flush().expect("flush");
        encoder.write_all(TEXT).expect("write");
        let bytes = encoder.finish().expect("finish");
        assert_eq!(decode(Encoding::Zstd, &bytes, 1_000, 1_000), Err(InflateError::Window));
    }

    #[test]
    fn one_known_encoding_is_taken() {
        for (value, encoding) in [
            ("gzip", Some(Encoding::Gzip)),
            ("X-GZIP", Some(Encoding::Gzip)),
            ("identity, zstd", Some(Encoding::Zstd)),
            ("deflate", Some(Encoding::Deflate)),
            ("", Some(Encoding::Identity)),
            ("gzip, gzip", None),
            ("br", None),
            ("snappy", Some(Encoding::Identity)),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_ENCODING, value.parse().expect("header"));
            assert_eq!(Encoding::named(&headers), encoding, "{value}");
        }
        assert_eq!(Encoding::named(&HeaderMap::new()), Some(Encoding::Identity));
    }
}
