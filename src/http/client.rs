//! The other end, for the command line: one connection, kept open, and errors that say what to do.
//!
//! Blocking, because its callers are. http:// only: TLS belongs to a proxy in front of the server.

use crate::limits::PIECE_BYTES;
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::Full;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{HeaderMap, Method, Request, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio::runtime::{self, Runtime};
use tokio::sync::mpsc;

/// Pieces of an upload that are read ahead.
const PIECES_AHEAD: usize = 4;

type Sending = SendRequest<BoxBody<Bytes, io::Error>>;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Not an address that this client can ask.
    #[error("{url} is no address of a server: write it as http://127.0.0.1:7070")]
    Url {
        /// What was given.
        url: String,
    },
    /// Nobody there.
    #[error("nothing listens at {url}: start it with `cahoots serve`")]
    NobodyThere {
        /// Where.
        url: String,
    },
    /// Could not connect for another reason.
    #[error("could not connect to {url}: {source}")]
    Connect {
        /// Where.
        url: String,
        /// Why.
        source: io::Error,
    },
    /// The token cannot be sent.
    #[error("the token has characters that cannot be sent in a header")]
    Token,
    /// What was to be sent could not be read.
    #[error("could not read what was to be sent: {0}")]
    Read(io::Error),
    /// The connection broke before there was an answer.
    #[error("{url} broke off the connection: {source}")]
    Broken {
        /// Where.
        url: String,
        /// How.
        source: hyper::Error,
    },
    /// No runtime on this machine.
    #[error("could not start the network: {0}")]
    Runtime(io::Error),
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
}

/// A client of one server.
pub struct Client {
    runtime: Runtime,
    url: String,
    host: String,
    address: String,
    /// Path in front of every path, for servers behind a proxy; empty for most.
    prefix: String,
    authorization: Option<HeaderValue>,
    connection: Option<Sending>,
}

impl Client {
    /// A client of the server at a URL. Does not connect yet. Not for use inside a runtime.
    pub fn new(base_url: &str, token: Option<&str>) -> Result<Self, ClientError> {
        let wrong = || ClientError::Url { url: base_url.to_owned() };
        let uri: Uri = base_url.parse().map_err(|_| wrong())?;
        let (Some("http"), Some(host), None) = (uri.scheme_str(), uri.authority(), uri.query()) else {
            return Err(wrong());
        };
        let host = host.as_str().to_owned();
        let address = if uri.port_u16().is_some() { host.clone() } else { format!("{host}:80") };
        let authorization = token.map(|token| {
            let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
            value.set_sensitive(true);
            Ok::<_, hyper::header::InvalidHeaderValue>(value)
        });
        Ok(Self {
            runtime: runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(ClientError::Runtime)?,
            url: base_url.trim_end_matches('/').to_owned(),
            host,
            address,
            prefix: uri.path().trim_end_matches('/').to_owned(),
            authorization: authorization.transpose().map_err(|_| ClientError::Token)?,
            connection: None,
        })
    }

    /// The URL of the server.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Asks for a path, in the format that `accept` names.
    pub fn get(&mut self, path_and_query: &str, accept: &str) -> Result<Response, ClientError> {
        let headers = HeaderValue::try_from(accept).map(|accept| (ACCEPT, accept)).into_iter().collect();
        self.send_again(&Method::GET, path_and_query, &headers, &Bytes::new())
    }

    /// Sends a small body.
    pub fn post(
        &mut self,
        path_and_query: &str,
        content_type: &str,
        body: impl Into<Bytes>,
    ) -> Result<Response, ClientError> {
        let headers =
            HeaderValue::try_from(content_type).map(|value| (CONTENT_TYPE, value)).into_iter().collect();
        self.send_again(&Method::POST, path_and_query, &headers, &body.into())
    }

    /// Sends what a reader gives, piece by piece, already encoded as `content_encoding` says.
    pub fn post_stream(
        &mut self,
        path_and_query: &str,
        content_encoding: Option<&str>,
        reader: impl Read + Send + 'static,
    ) -> Result<Response, ClientError> {
        let encoding = content_encoding.and_then(|encoding| HeaderValue::try_from(encoding).ok());
        let mut headers: HeaderMap =
            encoding.map(|encoding| (CONTENT_ENCODING, encoding)).into_iter().collect();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        let failed = Arc::new(Mutex::new(None));
        let (sender, pieces) = mpsc::channel(PIECES_AHEAD);
        let failure = Arc::clone(&failed);
        self.runtime.spawn_blocking(move || read_pieces(reader, &sender, &failure));
        let answer = self.send(&Method::POST, path_and_query, headers, Upload(pieces).boxed());
        let failure = failed.lock().ok().and_then(|mut failure| failure.take());
        failure.map_or(answer, |failure| Err(ClientError::Read(failure)))
    }

    /// Sends, and once more if the connection was an old one: the server may have closed it while
    /// the request was on its way. That is safe, because events that come twice count once.
    fn send_again(
        &mut self,
        method: &Method,
        path_and_query: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Response, ClientError> {
        let reused = self.connection.is_some();
        let mut send = || {
            let body = Full::new(body.clone()).map_err(|never| match never {}).boxed();
            self.send(method, path_and_query, headers.clone(), body)
        };
        match send() {
            Err(ClientError::Broken { .. }) if reused => send(),
            answer => answer,
        }
    }

    fn send(
        &mut self,
        method: &Method,
        path_and_query: &str,
        mut headers: HeaderMap,
        body: BoxBody<Bytes, io::Error>,
    ) -> Result<Response, ClientError> {
        let wrong = |url: &str| ClientError::Url { url: format!("{url}{path_and_query}") };
        let host = HeaderValue::try_from(&self.host).map_err(|_| wrong(&self.url))?;
        headers.insert(HOST, host);
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("cahoots/", env!("CARGO_PKG_VERSION"))));
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let request = Request::builder().method(method).uri(format!("{}{path_and_query}", self.prefix));
        let mut request = request.body(body).map_err(|_| wrong(&self.url))?;
        *request.headers_mut() = headers;
        let (url, address, kept) = (&self.url, &self.address, self.connection.take());
        let answer = self.runtime.block_on(async {
            let mut connection = connect(url, address, kept).await?;
            let broken = |source| ClientError::Broken { url: url.clone(), source };
            let answer = connection.send_request(request).await.map_err(broken)?;
            let answer = collect(answer).await.map_err(broken)?;
            Ok((answer, connection))
        });
        let (answer, connection) = answer?;
        self.connection = Some(connection);
        Ok(answer)
    }
}

/// The connection kept from the request before, or a new one.
async fn connect(url: &str, address: &str, kept: Option<Sending>) -> Result<Sending, ClientError> {
    if let Some(mut kept) = kept
        && kept.ready().await.is_ok()
    {
        return Ok(kept);
    }
    let stream = TcpStream::connect(address).await.map_err(|source| match source.kind() {
        io::ErrorKind::ConnectionRefused => ClientError::NobodyThere { url: url.to_owned() },
        _ => ClientError::Connect { url: url.to_owned(), source },
    })?;
    // Without it small requests may wait for the acknowledgement of the one before.
    stream.set_nodelay(true).map_err(|source| ClientError::Connect { url: url.to_owned(), source })?;
    let (sending, connection) = handshake(TokioIo::new(stream))
        .await
        .map_err(|source| ClientError::Broken { url: url.to_owned(), source })?;
    // Its errors come out of the request as well. It runs whenever this client waits for something.
    tokio::spawn(connection);
    Ok(sending)
}

async fn collect(answer: hyper::Response<Incoming>) -> Result<Response, hyper::Error> {
    let (head, body) = answer.into_parts();
    let body = body.collect().await?.to_bytes();
    Ok(Response { status: head.status, headers: head.headers, body })
}

/// Reads to the end, or until nobody wants more.
fn read_pieces(
    mut reader: impl Read,
    sender: &mpsc::Sender<io::Result<Bytes>>,
    failure: &Mutex<Option<io::Error>>,
) {
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        match reader.read(&mut piece) {
            Ok(0) => return,
            Ok(bytes) => {
                piece.truncate(bytes);
                if sender.blocking_send(Ok(piece.into())).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                // The body breaks off, so that the server does not take a part for the whole.
                let broken = io::Error::from(error.kind());
                if let Ok(mut failure) = failure.lock() {
                    *failure = Some(error);
                }
                // Nobody hears it if the connection is gone already.
                drop(sender.blocking_send(Err(broken)));
                return;
            }
        }
    }
}

/// A request body made of pieces that another thread reads.
struct Upload(mpsc::Receiver<io::Result<Bytes>>);

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Client, ClientError};

    #[test]
    fn only_plain_addresses_are_taken() {
        for url in ["http://127.0.0.1:7070", "http://[::1]:7070/", "http://logs.example.org/cahoots"] {
            assert!(Client::new(url, None).is_ok(), "{url}");
        }
        for url in ["https://127.0.0.1:7070", "127.0.0.1:7070", "http://", "", "http://h/?x=1"] {
            assert!(matches!(Client::new(url, None), Err(ClientError::Url { .. })), "{url}");
        }
        assert!(matches!(Client::new("http://h", Some("a\nb")), Err(ClientError::Token)));
    }

    #[test]
    fn a_port_where_nobody_listens_says_what_to_do() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        drop(listener);
        let error = Client::new(&url, None).expect("client").get("/healthz", "*/*").expect_err("nobody");
        assert_eq!(error.to_string(), format!("nothing listens at {url}: start it with `cahoots serve`"));
    }
}
