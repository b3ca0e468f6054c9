//! Floor 3, read path: a question to an answer, pure over a [`Snapshot`].
//!
//! [`Request`] is the closed list of questions. Parsing them from a URL belongs to `http`, and so
//! does writing answers as bytes; here there is neither HTTP nor JSON text, only values.

mod clusters;
mod cursor;
mod events;
mod expr;
mod gather;
mod links;
mod neighbors;
mod newest;
mod pairs;
mod pivot;
mod profile;
mod render;
mod resolve;
mod scan;
mod search;
mod templates;
mod why;

#[cfg(test)]
mod template_tests;
#[cfg(test)]
mod tests;

pub use clusters::{ClusterRequest, clusters, find, report};
pub use pivot::SHAREABLE;

use crate::detect::Ledger;
use crate::event::{Dim, Micros, Window};
use crate::privacy::{Network, Privacy};
use crate::store::Snapshot;
use cursor::Pager;
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// One end of a window as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// An instant.
    At(Micros),
    /// This long before the newest event, so that an old log can be replayed.
    Ago(Micros),
}

/// The window that a question asks about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First instant inside; all of the past when missing.
    pub since: Option<Bound>,
    /// First instant after; no end when missing.
    pub until: Option<Bound>,
}

impl Span {
    /// The window, given the time of the newest event.
    #[must_use]
    pub fn window(self, newest: Micros) -> Window {
        let resolve = |bound: Bound| match bound {
            Bound::At(at) => at,
            Bound::Ago(ago) => newest.saturating_sub(ago),
        };
        Window {
            since: self.since.map_or(Micros::MIN, resolve),
            until: self.until.map_or(Micros::MAX, resolve),
        }
    }
}

/// What `search` gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// Accounts with their events in the window.
    Accounts,
    /// Addresses.
    Ips,
    /// Fingerprints.
    Fingerprints,
    /// Raw events, newest first.
    Events,
    /// One number.
    Count,
    /// Events by hour or day.
    Timeline,
}

/// How much of an answer to give, and from where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Rows at the most; `None` for all (streams only).
    pub limit: Option<usize>,
    /// Where the page before ended.
    pub cursor: Option<String>,
}

/// Every question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Profile of an account.
    Account {
        /// Name of the account.
        account: String,
        /// Window, by default all of time.
        span: Span,
    },
    /// Profile of an address or a network.
    Ip {
        /// A single address is a network of its full length.
        net: Network,
        /// Window, by default all of time.
        span: Span,
        /// How much of the list.
        page: Page,
    },
    /// Profile of a fingerprint.
    Fingerprint {
        /// The fingerprint as it was sent.
        fingerprint: String,
        /// Window, by default all of time.
        span: Span,
        /// How much of the list.
        page: Page,
    },
    /// Who sent prompts of one template, and when.
    Template {
        /// Its phrase key.
        key: u32,
        /// The gateway's name of it, if it was asked by that.
        name: Option<String>,
        /// Window, by default all of time.
        span: Span,
        /// How much of the list.
        page: Page,
    },
    /// Events of a cluster's members by day.
    ClusterTimeline {
        /// Id of the cluster.
        id: String,
        /// Window, by default all of time.
        span: Span,
    },
    /// Accounts that share attributes with one, ranked by rarity weight.
    Neighbors {
        /// Name of the account.
        account: String,
        /// What they may share.
        via: Vec<Dim>,
        /// Window, by default all of time.
        span: Span,
        /// 1 for direct neighbors, 2 for those of neighbors as well.
        hops: u8,
        /// A thing that more accounts share is skipped and said so.
        hub_max: Option<u64>,
        /// How much of the list.
        page: Page,
    },
    /// Pairs of accounts that share at least `min` values of one dimension.
    Pairs {
        /// What they may share.
        via: Dim,
        /// How many values at least.
        min: u32,
        /// A thing that more accounts share is skipped and said so.
        hub_max: Option<u64>,
        /// Window, by default all of time.
        span: Span,
        /// How much of the list.
        page: Page,
    },
    /// Everything that two accounts share.
    Why {
        /// One account.
        a: String,
        /// The other.
        b: String,
        /// Window, by default all of time.
        span: Span,
    },
    /// Raw events of one account, newest first.
    Events {
        /// Name of the account.
        account: String,
        /// Window, by default all of time.
        span: Span,
        /// How much of the list.
        page: Page,
    },
    /// Set algebra.
    Search {
        /// In the search language (`expr.rs`).
        expression: String,
        /// What to make of the rows.
        select: Select,
        /// Window, by default all of time.
        span: Span,
        /// How much of the list.
        page: Page,
    },
}

impl Request {
    /// The same question about what is kept: names and addresses as they came in become what stands in their place.
    fn kept(&self, privacy: &Privacy) -> Self {
        let mut kept = self.clone();
        let name = |dim: Dim, name: &mut String| *name = privacy.kept(dim, name).into_owned();
        match &mut kept {
            Self::Account { account, .. }
            | Self::Neighbors { account, .. }
            | Self::Events { account, .. } => {
                name(Dim::Account, account);
            }
            Self::Why { a, b, .. } => {
                name(Dim::Account, a);
                name(Dim::Account, b);
            }
            Self::Fingerprint { fingerprint, .. } => name(Dim::Fingerprint, fingerprint),
            Self::Ip { net, .. } => {
                let is_pseudonym = privacy.pseudonyms().ips;
                *net = Network { net: privacy.kept_network(*net), is_pseudonym };
            }
            Self::Pairs { .. }
            | Self::Search { .. }
            | Self::Template { .. }
            | Self::ClusterTimeline { .. } => {}
        }
        kept
    }
}

/// Rows of an answer under named columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Column names.
    pub columns: Vec<&'static str>,
    /// Cells, as many as columns in each row.
    pub rows: Vec<Vec<Value>>,
    /// The rows as objects, where a program is to get more than fits into cells; else empty.
    pub lines: Vec<Value>,
    /// What a reader of the rows has to know besides: said below a table, and in the last line of ndjson.
    pub notes: Vec<String>,
}

impl Table {
    /// A table of columns and rows.
    #[must_use]
    pub fn new(columns: Vec<&'static str>, rows: Vec<Vec<Value>>) -> Self {
        Self { columns, rows, ..Self::default() }
    }

    /// The rows as objects, made of columns and cells.
    #[must_use]
    pub fn objects(&self) -> Vec<Value> {
        let object = |row: &Vec<Value>| {
            let cells = self.columns.iter().zip(row);
            cells.map(|(column, cell)| ((*column).to_owned(), cell.clone())).collect::<Value>()
        };
        self.rows.iter().map(object).collect()
    }
}

/// An answer: a document for JSON, and the rows of its main list for ndjson, csv and table.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The whole answer.
    pub document: Value,
    /// Its main list.
    pub table: Table,
    /// Cursor of the next page, if there is one (also in the document as `next`).
    pub next: Option<String>,
}

/// What a query may still spend.
#[derive(Debug)]
pub struct Budget {
    deadline: Instant,
    cancelled: AtomicBool,
}

impl Budget {
    /// A budget that ends at an instant.
    #[must_use]
    pub fn until(deadline: Instant) -> Self {
        Self { deadline, cancelled: AtomicBool::new(false) }
    }

    /// Stops the query at its next check: its client has gone.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Checked once for each segment, day or thousand results.
    pub fn check(&self) -> Result<(), QueryError> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(QueryError::Cancelled);
        }
        if Instant::now() >= self.deadline {
            return Err(QueryError::TooLong);
        }
        Ok(())
    }
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The name is not in the database.
    #[error("no {what} named {name:?} has been seen")]
    NotFound {
        /// Account, ip, network or fingerprint.
        what: &'static str,
        /// As asked for.
        name: String,
    },
    /// The expression cannot be read; `at` is a byte offset.
    #[error("the expression is wrong at byte {at}: {reason}")]
    Expression {
        /// Byte offset.
        at: usize,
        /// What was expected there.
        reason: String,
    },
    /// A parameter has no meaning here.
    #[error("{field} is wrong: {reason}")]
    Parameter {
        /// Name of the parameter.
        field: &'static str,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// Ran past its time.
    #[error("the query took longer than {} s and was stopped: narrow it with since and until", crate::limits::QUERY_WAIT.as_secs())]
    TooLong,
    /// The client has gone.
    #[error("the client went away")]
    Cancelled,
    /// The store failed; never shown as an empty answer.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
}

/// Answers a question from the events, and from what the analysis knows.
pub fn run(
    snapshot: &Snapshot,
    ledger: &Ledger,
    request: &Request,
    budget: &Budget,
) -> Result<Answer, QueryError> {
    let request = &request.kept(snapshot.privacy());
    let pager = &Pager::new(request, snapshot.newest().unwrap_or(0))?;
    match request {
        Request::Account { account, .. } => profile::account(snapshot, ledger, account, pager.window, budget),
        Request::Template { key, name, .. } => {
            templates::answer(snapshot, ledger, (*key, name.as_deref()), pager, budget)
        }
        Request::ClusterTimeline { id, .. } => clusters::timeline(snapshot, ledger, id, pager.window, budget),
        Request::Ip { net, .. } => profile::ip(snapshot, *net, pager, budget),
        Request::Fingerprint { fingerprint, .. } => {
            profile::fingerprint(snapshot, fingerprint, pager, budget)
        }
        Request::Neighbors { account, via, hops, hub_max, .. } => {
            neighbors::answer(snapshot, account, via, (*hops, *hub_max), pager, budget)
        }
        Request::Pairs { via, min, hub_max, .. } => {
            pairs::answer(snapshot, *via, *min, *hub_max, pager, budget)
        }
        Request::Why { a, b, .. } => why::answer(snapshot, (a, b), pager.window, budget),
        Request::Events { account, .. } => events::answer(snapshot, account, pager, budget),
        Request::Search { expression, select, .. } => {
            search::answer(snapshot, expression, *select, pager, budget)
        }
    }
}
