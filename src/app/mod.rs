//! Wiring: what was configured to a server that runs, and its end in the right order.
//!
//! What is done at each step belongs to the floors below; what was typed belongs to `config`.

mod analyst;
mod offline;
mod verify;

pub use offline::Offline;
pub use verify::{Log, Reading, Verified, VerifyFailure, verify_against_data, verify_against_logs};

use crate::clock::{Clock, SystemClock};
use crate::detect::{Ledger, Report, complete};
use crate::event::{Dim, EventBatch, Join, Micros};
use crate::http::auth::Guard;
use crate::http::engine::{AccountsNoted, Decode, Engine, Pending, Status};
use crate::http::serve;
use crate::ingest::{
    AccountRecords, Append, Budget as Room, Context, Decoder, Kind, Mappings, Outcome, Permit, Protocol,
    Proxies, Push, Refused, Reject, Writer,
};
use crate::limits::{ACCOUNTS_COMMIT_MAX, INFLIGHT_BYTES_MAX, INFLIGHT_WAIT};
use crate::privacy::Pseudonyms;
use crate::query::{self, Answer, Budget, QueryError, Request};
use crate::store::{Appended, Appender, Founding, Health, Shelf, Store, StoreError};
use analyst::Analyst;
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime;

/// What to serve, and where.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder of the data file.
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The token that requests have to show. Needed unless `listen` is a loopback address.
    pub token: Option<String>,
    /// Whether unknown fields of events are kept.
    pub keep_extra: bool,
    /// Sources of logs that are not built in.
    pub sources: Mappings,
    /// What is kept under a pseudonym; none for what the database has.
    pub pseudonymize: Option<Pseudonyms>,
    /// The proxies that are trusted; none for the usual ones.
    pub proxies: Option<Arc<Proxies>>,
    /// When events wait for an edge record.
    pub join: Join,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
}

impl Options {
    /// A folder and an address, and for the rest what is usual.
    #[must_use]
    pub fn new(data: PathBuf, listen: SocketAddr) -> Self {
        Self {
            data,
            listen,
            token: None,
            keep_extra: false,
            sources: Mappings::default(),
            pseudonymize: None,
            proxies: None,
            join: Join::default(),
            clock: Arc::new(SystemClock),
        }
    }
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// Open to others, but without a token.
    #[error(
        "{listen} can be reached from other machines: give a token with --token-file FILE, or listen on 127.0.0.1:{}",
        listen.port()
    )]
    Open {
        /// The address.
        listen: SocketAddr,
    },
    /// A token that anybody could guess, or that no client could send.
    #[error("the token file has to hold one line of at least 16 printable characters without spaces")]
    Token,
    /// The port is taken.
    #[error("{listen} is in use: stop what listens there, or choose another with --listen")]
    InUse {
        /// The address.
        listen: SocketAddr,
    },
    /// The address cannot be listened on for another reason.
    #[error("could not listen on {listen}: {source}")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The runtime did not start.
    #[error("could not start: {0}")]
    Runtime(io::Error),
    /// The data file did not open or close.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who may ask, by where the server listens.
pub fn guard(options: &Options) -> Result<Guard, AppError> {
    match &options.token {
        Some(token) if token.len() < 16 || !token.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err(AppError::Token)
        }
        Some(token) => Ok(Guard::Token(token.clone())),
        None if options.listen.ip().to_canonical().is_loopback() => Ok(Guard::LocalHost),
        None => Err(AppError::Open { listen: options.listen }),
    }
}

/// Opens the database and serves it until `shutdown` is done. `on_ready` hears the address once
/// connections are taken.
///
/// The end comes in this order: no new connections; what is in flight is answered; what is queued is
/// committed; the database is closed.
pub fn serve(
    options: &Options,
    shutdown: impl Future<Output = ()>,
    on_ready: impl FnOnce(SocketAddr),
) -> Result<(), AppError> {
    // Before the database is touched, which may take a while.
    guard(options)?;
    let engine = Arc::new(House::open(options)?);
    let served = serve_engine(options, Arc::<House>::clone(&engine), shutdown, on_ready);
    // The analyst first: it reads what the writer's last commits may still add.
    engine.analyst.close();
    let closed = engine.writer.close();
    served?;
    Ok(closed?)
}

/// Serves an engine until `shutdown` is done and what was in flight is answered.
fn serve_engine(
    options: &Options,
    engine: Arc<dyn Engine>,
    shutdown: impl Future<Output = ()>,
    on_ready: impl FnOnce(SocketAddr),
) -> Result<(), AppError> {
    let guard = guard(options)?;
    let listen = options.listen;
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().map_err(AppError::Runtime)?;
    // Dropping the runtime waits for queries that were cut off: they see their budget and end.
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => AppError::InUse { listen },
            _ => AppError::Listen { listen, source },
        })?;
        let address = listener.local_addr().map_err(|source| AppError::Listen { listen, source })?;
        tracing::info!("listening on http://{address}");
        on_ready(address);
        serve::serve(listener, engine, guard, shutdown).await;
        Ok(())
    })
}

/// Store and writer, as the HTTP floor asks for them.
struct House {
    store: Store,
    writer: Writer,
    analyst: Arc<Analyst>,
    room: Room,
    options: Options,
}

impl House {
    fn open(options: &Options) -> Result<Self, StoreError> {
        // Keyed with what the system gives as random; a database that exists keeps its own.
        let seed = RandomState::new().hash_one(std::process::id());
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| StoreError::Open(format!("the system gives no random numbers: {error}")))?;
        let founding = Founding { seed, key, pseudonyms: options.pseudonymize };
        let (store, mut appender) = Store::open_as(&options.data, &founding)?;
        appender.joining(options.join, Arc::clone(&options.clock));
        let analyst = Arc::new(Analyst::start(store.clone())?);
        let writer = Writer::start(Box::new(StoreAppender { appender, analyst: Arc::clone(&analyst) }))?;
        let room = Room::new(INFLIGHT_BYTES_MAX, INFLIGHT_WAIT);
        Ok(Self { store, writer, analyst, room, options: options.clone() })
    }
}

impl House {
    /// Now, by the log's own clock: that of the newest event.
    fn event_now(&self) -> Micros {
        self.store.status().newest.unwrap_or_else(|| self.options.clock.now())
    }
}

impl Engine for House {
    fn decoder(&self, protocol: Option<Protocol>, source: Option<Kind>) -> Box<dyn Decode> {
        let Options { keep_extra, sources, proxies, join, clock, .. } = &self.options;
        let (proxies, join) = (proxies.clone(), *join != Join::Off);
        let new = Context::new(self.store.seed(), clock.now(), *self.store.privacy());
        let context = Context { keep_extra: *keep_extra, proxies, join, ..new };
        match protocol {
            Some(protocol) => Box::new(Push::new(protocol, context, source).with_mappings(*sources)),
            None => Box::new(Decoder::new(context).of_source(source).with_mappings(*sources)),
        }
    }

    fn sources(&self) -> Mappings {
        self.options.sources
    }

    fn room(&self) -> &Room {
        &self.room
    }

    fn note_refused(&self, refused: &[Refused]) {
        self.store.note_refused(refused.iter().map(|refused| {
            let Refused { source, field, reason, count } = refused;
            (*source, *field, reason.as_str(), *count)
        }));
    }

    fn submit(&self, batch: EventBatch, permit: Permit) -> Pending<Result<Outcome, StoreError>> {
        Box::pin(self.writer.submit(batch, permit))
    }

    fn query(&self, request: &Request, budget: &Budget) -> Result<Answer, QueryError> {
        query::run(&self.store.snapshot()?, &self.ledger(), request, budget)
    }

    fn ledger(&self) -> Arc<Ledger> {
        self.analyst.ledger()
    }

    fn analyze(&self, until: Option<Micros>) -> Result<Report, StoreError> {
        // Whoever asks has sent what there is: nothing that was acknowledged may be left out.
        self.writer.release()?;
        let newest = self.store.snapshot()?.newest().unwrap_or(Micros::MIN);
        self.analyst.analyze(until.unwrap_or(newest.saturating_add(1)))
    }

    fn evidence(&self, id: &str) -> Result<Value, QueryError> {
        let ledger = self.ledger();
        let cluster = query::find(&ledger, id)?;
        let place = ledger.book.clusters.iter().position(|known| known.id == cluster.id);
        let kept: Option<String> = match place {
            Some(place) => self.store.kept(Shelf::Evidence, place as i32)?,
            None => None,
        };
        let document = kept.and_then(|text| serde_json::from_str(&text).ok());
        let document =
            document.ok_or_else(|| QueryError::NotFound { what: "evidence", name: id.to_owned() })?;
        Ok(complete(&self.store, &document, cluster)?)
    }

    fn ban(&self, accounts: Vec<String>, at: Option<Micros>) -> Result<usize, StoreError> {
        let privacy = self.store.privacy();
        let kept = accounts.iter().map(|account| privacy.kept(Dim::Account, account).into_owned()).collect();
        self.analyst.ban(kept, at.unwrap_or_else(|| self.event_now()))
    }

    fn release(&self, model: String, at: Option<Micros>) -> Result<(), StoreError> {
        self.analyst.release(model, at.unwrap_or_else(|| self.event_now()))
    }

    fn note_accounts(&self, body: &[u8]) -> Result<AccountsNoted, StoreError> {
        let AccountRecords { records, lines, mut rejects } = AccountRecords::read(body, self.store.privacy());
        let mut noted = AccountsNoted::default();
        for (records, lines) in records.chunks(ACCOUNTS_COMMIT_MAX).zip(lines.chunks(ACCOUNTS_COMMIT_MAX)) {
            let part = self.store.note_accounts(records)?;
            noted.new += part.new;
            noted.changed += part.changed;
            noted.same += part.same;
            for line in part.refused.into_iter().filter_map(|at| lines.get(at)) {
                let reason = "the database holds as many account records as it can".to_owned();
                rejects.push(Reject { line: *line, field: Some("account"), reason });
            }
        }
        rejects.first.sort_by_key(|reject| reject.line);
        Ok(AccountsNoted { rejects, ..noted })
    }

    fn status(&self) -> Result<Status, StoreError> {
        let status = self.store.status();
        let unwritable = match status.health {
            _ if self.writer.failed() => Some("the writer failed: restart the server".to_owned()),
            Health::Good => None,
            Health::Full => Some(StoreError::DiskFull.to_string()),
            // What exactly the disk said is in the log.
            Health::Failed(_) => Some("the disk failed and writing has stopped".to_owned()),
        };
        let [accounts, ips, fingerprints] = status.entities;
        let details = serde_json::json!({
            "accounts": accounts,
            "ips": ips,
            "fingerprints": fingerprints,
            "segments": status.segments,
            "day_runs": status.runs,
            "free_bytes": status.free_bytes,
            "catalog_bytes": status.catalog_bytes,
        });
        let coverage = self.store.coverage();
        let (rows, file_bytes, commits) = (status.rows, status.file_bytes, status.commits);
        let analysis = self.analyst.status();
        let (newest, joins) = (status.newest, status.joins);
        Ok(Status { rows, file_bytes, commits, newest, unwritable, coverage, joins, details, analysis })
    }
}

/// The store's appender, as the writer asks for it.
struct StoreAppender {
    appender: Appender,
    analyst: Arc<Analyst>,
}

impl Append for StoreAppender {
    fn append(&mut self, batches: &[EventBatch]) -> Result<Vec<Outcome>, StoreError> {
        let appended = self.appender.append(batches)?;
        self.analyst.look();
        Ok(appended.into_iter().map(outcome).collect())
    }

    fn idle(&mut self) -> Result<(), StoreError> {
        let before = self.appender.rows();
        self.appender.settle(false)?;
        // Events whose time to wait is up may end a day.
        if self.appender.rows() != before {
            self.analyst.look();
        }
        Ok(())
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.appender.release_events()
    }

    fn close(mut self: Box<Self>) -> Result<(), StoreError> {
        self.appender.settle(true)
    }
}

fn outcome(appended: Appended) -> Outcome {
    let rejected = appended.full.into_iter().map(|(line, dim)| {
        let reason = format!("the database holds as many different values of {} as it can", dim.name());
        Reject { line, field: Some(dim.name()), reason }
    });
    let rejected = rejected.collect();
    let Appended { accepted, duplicates, halves, .. } = appended;
    Outcome { accepted, duplicates, halves, rejected }
}

#[cfg(test)]
mod tests {
    use super::{AppError, Guard, Options, guard, serve};
    use crate::http::client::Client;
    use serde_json::Value;

    fn options(listen: &str, token: Option<&str>) -> Options {
        let listen = listen.parse().expect(listen);
        Options { token: token.map(str::to_owned), ..Options::new("data".into(), listen) }
    }

    #[test]
    fn an_address_that_others_reach_needs_a_token() {
        for listen in ["127.0.0.1:0", "127.9.9.9:7070", "[::1]:7070", "[::ffff:127.0.0.1]:7070"] {
            assert!(matches!(guard(&options(listen, None)), Ok(Guard::LocalHost)), "{listen}");
        }
        for listen in ["0.0.0.0:7070", "[::]:7070", "192.0.2.1:7070"] {
            let refused = guard(&options(listen, None)).expect_err(listen).to_string();
            assert!(refused.contains("--token-file FILE, or listen on 127.0.0.1:7070"), "{refused}");
            assert!(matches!(guard(&options(listen, Some("0123456789abcdef"))), Ok(Guard::Token(_))));
        }
        for token in ["", "short", "0123456789 abcdef", "0123456789abcdef\n"] {
            assert!(matches!(guard(&options("127.0.0.1:0", Some(token))), Err(AppError::Token)), "{token}");
        }
    }

    #[test]
    fn events_that_were_answered_are_there_after_a_restart() {
        let folder = tempfile::tempdir().expect("folder");
        let options = Options { data: folder.path().into(), ..options("127.0.0.1:0", None) };
        let event = r#"{"account":"a","ip":"192.0.2.1","ts":1772323200}"#;
        for (accepted, duplicates) in [(1, 0), (0, 1)] {
            let answer = while_serving(&options, |client| {
                client.post("/v1/events", "application/json", event).expect("answer").body
            });
            let answer: Value = serde_json::from_slice(&answer).expect("JSON");
            assert_eq!((&answer["accepted"], &answer["duplicates"]), (&accepted.into(), &duplicates.into()));
        }
        let status = while_serving(&options, |client| client.get("/v1/status", "*/*").expect("answer").body);
        let status: Value = serde_json::from_slice(&status).expect("JSON");
        assert_eq!((&status["events"], &status["store"]["accounts"]), (&1.into(), &1.into()));
    }

    #[test]
    fn a_port_in_use_is_named() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        let folder = tempfile::tempdir().expect("folder");
        let listen = taken.local_addr().expect("address").to_string();
        let options = Options { data: folder.path().into(), ..options(&listen, None) };
        let refused = serve(&options, std::future::ready(()), |_| panic!("ready")).expect_err("in use");
        assert_eq!(
            refused.to_string(),
            format!("{listen} is in use: stop what listens there, or choose another with --listen")
        );
    }

    /// Serves, asks on another thread, stops.
    fn while_serving<T: Send>(options: &Options, ask: impl FnOnce(&mut Client) -> T + Send) -> T {
        let (ready, address) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        std::thread::scope(|scope| {
            let server = scope.spawn(move || {
                let shutdown = async {
                    let _ = stopped.await;
                };
                serve(options, shutdown, |address| ready.send(address).expect("waited for"))
            });
            let address = address.recv().expect("ready");
            let answer = ask(&mut Client::new(&format!("http://{address}"), None).expect("client"));
            drop(stop);
            server.join().expect("no panic").expect("a clean end");
            answer
        })
    }
}
