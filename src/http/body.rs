//! A request body as decoded pieces of at most `PIECE_BYTES`, with every bound on bodies: size,
//! decoded size, ratio, silence and drip.
//!
//! What the bytes mean is not known here.

use crate::http::error::Problem;
use crate::http::inflate::{Encoding, Inflate, InflateError, TAKEN};
use crate::limits::{
    BODY_BYTES_MAX, BODY_RATE_MIN, BODY_WAIT, DECODED_BYTES_MAX, DISCARD_BYTES_MAX, DISCARD_WAIT,
    PIECE_BYTES, RATIO_FREE_BYTES, RATIO_MAX, ZSTD_WINDOW_LOG_MAX,
};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use hyper::header::EXPECT;
use hyper::{HeaderMap, StatusCode};
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};

/// Why a body was not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// An encoding that is unknown, or more than one.
    #[error("Content-Encoding has to be one of {TAKEN}")]
    Encoding,
    /// zstd with too large a window.
    #[error("zstd windows are at most {} MiB: compress without --long", 1_u32 << (ZSTD_WINDOW_LOG_MAX - 20))]
    Window,
    /// More bytes than a body may have.
    #[error("a body has at most {} MiB: send it in several", BODY_BYTES_MAX >> 20)]
    TooLarge,
    /// More bytes after decoding than a body may have.
    #[error("a body has at most {} MiB when decompressed: send it in several", DECODED_BYTES_MAX >> 20)]
    DecodedTooLarge,
    /// A compression bomb.
    #[error("the body expands more than {RATIO_MAX} times: no real log does")]
    Bomb,
    /// Nothing came for too long, or too little.
    #[error("the body stood still for {} s or came slower than {BODY_RATE_MIN} bytes a second", BODY_WAIT.as_secs())]
    Slow,
    /// Ended in the middle of compressed data.
    #[error("the compressed body is cut off: what came before the cut was read")]
    Truncated,
    /// Does not decompress.
    #[error("the body is not what its Content-Encoding says, or it is damaged")]
    Damaged,
    /// The client went away, or broke the framing.
    #[error("the body ended before it was complete")]
    Gone,
}

impl From<BodyError> for Problem {
    fn from(error: BodyError) -> Self {
        let (status, code) = match error {
            BodyError::Encoding => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown-encoding"),
            BodyError::Window => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "large-window"),
            BodyError::TooLarge | BodyError::DecodedTooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large")
            }
            BodyError::Bomb => (StatusCode::PAYLOAD_TOO_LARGE, "bomb"),
            BodyError::Slow => (StatusCode::REQUEST_TIMEOUT, "slow-body"),
            BodyError::Truncated => (StatusCode::BAD_REQUEST, "body-cut-off"),
            BodyError::Damaged => (StatusCode::BAD_REQUEST, "body-damaged"),
            BodyError::Gone => (StatusCode::BAD_REQUEST, "body-incomplete"),
        };
        let problem = Self::new(status, code, error.to_string());
        match error {
            BodyError::Encoding => problem.field("content-encoding").header("accept-encoding", TAKEN),
            _ => problem,
        }
    }
}

/// The bounds of one body, apart so that tests can make them small.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub(crate) sent_bytes_max: u64,
    pub(crate) decoded_bytes_max: u64,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { sent_bytes_max: BODY_BYTES_MAX, decoded_bytes_max: DECODED_BYTES_MAX }
    }
}

/// A body that is being read.
pub(crate) struct Pieces<B> {
    body: B,
    limits: BodyLimits,
    inflate: Option<Inflate>,
    /// What came and is not decoded yet.
    input: Bytes,
    /// What is decoded: the first `made` bytes.
    output: Vec<u8>,
    made: usize,
    /// Whether the decoder may hold more without new input.
    full: bool,
    sent: u64,
    decoded: u64,
    /// Time spent waiting for the client, and since when it is being waited for now.
    waited: Duration,
    waiting_since: Option<Instant>,
    /// Whether the client waits for a 100 before it sends.
    expects: bool,
    ended: bool,
}

impl<B: Body<Data = Bytes> + Unpin> Pieces<B> {
    /// A reader of a body; refuses what the headers alone show to be unacceptable.
    pub(crate) fn new(body: B, headers: &HeaderMap, limits: BodyLimits) -> Result<Self, (B, BodyError)> {
        let Some(encoding) = Encoding::named(headers) else { return Err((body, BodyError::Encoding)) };
        if body.size_hint().lower() > limits.sent_bytes_max {
            return Err((body, BodyError::TooLarge));
        }
        let inflate = Inflate::new(encoding);
        let output = if inflate.is_some() { vec![0; PIECE_BYTES] } else { Vec::new() };
        Ok(Self {
            body,
            limits,
            inflate,
            input: Bytes::new(),
            output,
            made: 0,
            full: false,
            sent: 0,
            decoded: 0,
            waited: Duration::ZERO,
            waiting_since: None,
            expects: headers.contains_key(EXPECT),
            ended: false,
        })
    }

    /// Makes the next piece ready; `false` at the end. Nothing is lost when it is dropped half-way.
    pub(crate) async fn advance(&mut self) -> Result<bool, BodyError> {
        loop {
            if self.decode()? {
                return Ok(true);
            }
            if self.ended {
                let complete = self.inflate.as_ref().is_none_or(Inflate::complete);
                return if complete { Ok(false) } else { Err(BodyError::Truncated) };
            }
            self.receive().await?;
        }
    }

    /// The piece that `advance` made ready.
    pub(crate) fn piece(&self) -> &[u8] {
        let bytes = if self.inflate.is_some() { &self.output[..] } else { &self.input[..] };
        &bytes[..self.made]
    }

    /// Bytes of memory that decoding holds.
    pub(crate) fn held_bytes(&self) -> usize {
        // A window is memory only as far as it was written.
        let window = match self.inflate {
            Some(Inflate::Zstd { .. }) => self.decoded.min(1 << ZSTD_WINDOW_LOG_MAX) as usize,
            _ => 0,
        };
        self.output.len() + window + self.input.len()
    }

    /// Decodes the next piece out of what is here.
    fn decode(&mut self) -> Result<bool, BodyError> {
        let Some(inflate) = &mut self.inflate else {
            drop(self.input.split_to(self.made));
            self.made = self.input.len().min(PIECE_BYTES);
            return Ok(self.made > 0);
        };
        self.made = 0;
        while self.full || !self.input.is_empty() {
            let step = inflate.step(&self.input, &mut self.output).map_err(|error| match error {
                InflateError::Damaged => BodyError::Damaged,
                InflateError::Window => BodyError::Window,
            })?;
            drop(self.input.split_to(step.used));
            self.full = step.made == self.output.len();
            if step.used + step.made == 0 {
                // A decoder that neither takes nor gives with input before it will never do so.
                return if self.input.is_empty() { Ok(false) } else { Err(BodyError::Damaged) };
            }
            if step.made > 0 {
                self.made = step.made;
                return self.judge(step.made as u64);
            }
        }
        Ok(false)
    }

    fn judge(&mut self, made: u64) -> Result<bool, BodyError> {
        self.decoded += made;
        let used = self.sent - self.input.len() as u64;
        if self.decoded > self.limits.decoded_bytes_max {
            return Err(BodyError::DecodedTooLarge);
        }
        if self.decoded > RATIO_FREE_BYTES && self.decoded / RATIO_MAX > used {
            return Err(BodyError::Bomb);
        }
        Ok(true)
    }

    /// Goes by what the body is, where its first bytes show it: senders name no encoding, or a wrong one.
    fn believe(&mut self, first: &[u8]) {
        if let Some(shown) = Encoding::shown(first) {
            self.inflate = Inflate::new(shown);
            self.output = if self.inflate.is_some() { vec![0; PIECE_BYTES] } else { Vec::new() };
        }
    }

    /// Waits for more from the client.
    async fn receive(&mut self) -> Result<(), BodyError> {
        let since = *self.waiting_since.get_or_insert_with(Instant::now);
        // A drip keeps every single wait short; the sum of them gives it away.
        let earned = BODY_WAIT + Duration::from_secs(self.sent / BODY_RATE_MIN);
        let left = earned.saturating_sub(self.waited).min(BODY_WAIT);
        let frame = timeout_at(since + left, self.body.frame()).await.map_err(|_| BodyError::Slow)?;
        self.waited += since.elapsed();
        self.waiting_since = None;
        match frame {
            None => self.ended = true,
            Some(Err(_)) => {
                self.ended = true;
                return Err(BodyError::Gone);
            }
            Some(Ok(frame)) => {
                // Trailers say nothing that we want.
                if let Ok(data) = frame.into_data() {
                    if self.sent == 0 {
                        self.believe(&data);
                    }
                    self.sent += data.len() as u64;
                    self.input = data;
                }
            }
        }
        if self.sent > self.limits.sent_bytes_max { Err(BodyError::TooLarge) } else { Ok(()) }
    }

    /// Reads on a little after a refusal, so that a client in the middle of sending sees the answer
    /// instead of a reset. One that waits for a 100 sees it anyway.
    pub(crate) async fn discard(&mut self) {
        if !self.ended && (self.sent > 0 || !self.expects) {
            discard(&mut self.body).await;
        }
    }
}

/// Reads and drops what is left of a refused body, within bounds.
pub(crate) async fn discard<B: Body<Data = Bytes> + Unpin>(body: &mut B) {
    let read = async {
        let mut left = DISCARD_BYTES_MAX;
        while let Some(Ok(frame)) = body.frame().await {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(bytes) else { return };
            left = rest;
        }
    };
    // Past the time the connection is closed all the same.
    let _ = timeout(DISCARD_WAIT, read).await;
}

#[cfg(test)]
mod tests {
    use super::{BODY_WAIT, BodyError, BodyLimits, Bytes, HeaderMap, Pieces, StatusCode};
    use crate::http::error::Problem;
    use crate::http::testing::PiecesBody;
    use crate::limits::{PIECE_BYTES, RATIO_FREE_BYTES};
    use flate2::{Compression, write::GzEncoder};
    use hyper::header::CONTENT_ENCODING;
    use std::io::Write;
    use std::time::Duration;
    use tokio::time::Instant;

    fn headers(encoding: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_ENCODING, encoding.parse().expect("header"));
        headers
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).expect("write");
        encoder.finish().expect("finish")
    }

    async fn read(pieces: &mut Pieces<PiecesBody>) -> (Vec<u8>, Option<BodyError>) {
        let mut all = Vec::new();
        loop {
            match pieces.advance().await {
                Ok(true) => {
                    assert!(pieces.piece().len() <= PIECE_BYTES);
                    all.extend_from_slice(pieces.piece());
                }
                Ok(false) => return (all, None),
                Err(error) => return (all, Some(error)),
            }
        }
    }

    fn pieces(encoding: &'static str, bytes: &[u8], limits: BodyLimits) -> Pieces<PiecesBody> {
        let body = PiecesBody::new(bytes.chunks(1_000).map(Bytes::copy_from_slice));
        Pieces::new(body, &headers(encoding), limits).ok().expect("acceptable headers")
    }

    #[tokio::test]
    async fn a_body_comes_out_as_it_went_in() {
        let text: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for (encoding, sent) in [
            ("identity", text.clone()),
            ("gzip", gzip(&text)),
            ("zstd", zstd::encode_all(&text[..], 1).expect("zstd")),
        ] {
            let (read, error) = read(&mut pieces(encoding, &sent, BodyLimits::default())).await;
            assert_eq!((read == text, error), (true, None), "{encoding}");
        }
        let (read, error) = read(&mut pieces("gzip", &[], BodyLimits::default())).await;
        assert_eq!((read.len(), error), (0, None));
    }

    #[tokio::test]
    async fn what_came_before_a_cut_is_given() {
        let text = vec![b'x'; 100_000];
        let mut sent = gzip(&text);
        sent.truncate(sent.len() - 4);
        let (read, error) = read(&mut pieces("gzip", &sent, BodyLimits::default())).await;
        assert_eq!((read, error), (text, Some(BodyError::Truncated)));
    }

    #[tokio::test]
    async fn sizes_are_counted_before_and_after_decoding() {
        let limits = BodyLimits { sent_bytes_max: 5_000, decoded_bytes_max: 50_000 };
        let too_large = read(&mut pieces("identity", &[1; 5_001], limits)).await;
        assert_eq!((too_large.0.len(), too_large.1), (5_000, Some(BodyError::TooLarge)));
        let (_, error) = read(&mut pieces("gzip", &gzip(&vec![1; 50_001]), limits)).await;
        assert_eq!(error, Some(BodyError::DecodedTooLarge));
        assert_eq!(read(&mut pieces("gzip", &gzip(&vec![1; 50_000]), limits)).await.1, None);
    }

    #[tokio::test]
    async fn a_bomb_goes_off_in_bounded_memory() {
        for (encoding, sent) in [
            ("gzip", gzip(&vec![0; 64 << 20])),
            ("zstd", zstd::encode_all(&vec![0; 64 << 20][..], 3).expect("zstd")),
        ] {
            let mut pieces = pieces(encoding, &sent, BodyLimits::default());
            let (read, error) = read(&mut pieces).await;
            assert_eq!(error, Some(BodyError::Bomb), "{encoding}");
            assert!((read.len() as u64) < 2 * RATIO_FREE_BYTES, "{encoding}: {}", read.len());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_and_drips_end_a_body() {
        let start = Instant::now();
        let body = PiecesBody::new([Bytes::from_static(b"{")]).then_silent();
        let mut silent = Pieces::new(body, &HeaderMap::new(), BodyLimits::default()).ok().expect("pieces");
        assert_eq!(read(&mut silent).await, (b"{".to_vec(), Some(BodyError::Slow)));
        assert_eq!(start.elapsed().as_secs(), BODY_WAIT.as_secs());

        let start = Instant::now();
        let body = PiecesBody::new(std::iter::repeat_n(Bytes::from_static(b"x"), 1_000));
        let body = body.every(Duration::from_secs(10));
        let mut drip = Pieces::new(body, &HeaderMap::new(), BodyLimits::default()).ok().expect("pieces");
        assert_eq!(read(&mut drip).await.1, Some(BodyError::Slow));
        assert!(start.elapsed() <= BODY_WAIT + Duration::from_secs(1));
    }

    #[test]
    fn an_unknown_encoding_says_which_are_known() {
        let refused = Pieces::new(PiecesBody::new([]), &headers("br"), BodyLimits::default());
        let problem = Problem::from(refused.err().expect("refused").1);
        assert_eq!(problem.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert!(problem.detail.contains("gzip, zstd, deflate, identity"));
    }
}
