//! The questions that are timed, as the requests that curl would send.

pub(crate) mod sample;

use crate::rig::Failure;
use crate::rig::http::{Client, Reply};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sample::{Places, Sample, sample};
use std::path::Path;

/// Accounts in one timeline.
const TIMELINE_ACCOUNTS: usize = 2_000;
/// Accounts that timelines are drawn from.
const POOL_ACCOUNTS: usize = 3 * TIMELINE_ACCOUNTS;
/// Events that the question for the last ones asks for.
const LAST_EVENTS: usize = 100;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// Accounts that share an address with one, within seven days.
    SharedIp,
    /// Accounts within two steps by address or fingerprint, without hubs.
    TwoHops,
    /// An address, within seven days.
    Ip,
    /// A network, a fingerprint and not a model.
    Boolean,
    /// Pairs that share three or more addresses, without hubs.
    Pairs,
    /// Events by day of many accounts, all time, as other databases are asked.
    Timeline,
    /// Last events of an account.
    LastEvents,
    /// An account, all time.
    Account,
    /// What two accounts share.
    Why,
}

impl Question {
    /// All of them, the seven that other databases are asked too first.
    pub(crate) const ALL: [Self; 9] = [
        Self::SharedIp,
        Self::TwoHops,
        Self::Ip,
        Self::Boolean,
        Self::Pairs,
        Self::Timeline,
        Self::LastEvents,
        Self::Account,
        Self::Why,
    ];

    /// Its name in reports.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SharedIp => "shared_ip",
            Self::TwoHops => "two_hops",
            Self::Ip => "ip_profile",
            Self::Boolean => "boolean_cidr",
            Self::Pairs => "pairs_three_ips",
            Self::Timeline => "timeline_2000",
            Self::LastEvents => "last_100_events",
            Self::Account => "account_profile",
            Self::Why => "why",
        }
    }

    /// How many of `samples` it is asked: few, where one takes long.
    pub(crate) fn samples(self, samples: usize) -> usize {
        if self == Self::Pairs { samples.div_ceil(10) } else { samples }
    }
}

/// Where parameters come from and how wide questions are.
#[derive(Debug)]
pub(crate) struct Asker<'f> {
    file: &'f Path,
    places: Places,
    pool: Vec<String>,
    /// Accounts of an attribute past which it links nobody.
    hub_max: u32,
    /// Rows of an answer.
    limit: usize,
}

impl<'f> Asker<'f> {
    /// An asker that draws from a log.
    pub(crate) fn new(file: &'f Path, seed: u64, hub_max: u32, limit: usize) -> Result<Self, Failure> {
        let mut places = Places(seed);
        let mut pool = (0..POOL_ACCOUNTS)
            .map(|_| sample(file, &mut places).map(|sample| sample.account))
            .collect::<Result<Vec<_>, _>>()?;
        pool.sort_unstable();
        pool.dedup();
        Ok(Self { file, places, pool, hub_max, limit })
    }

    /// Draws the parameters of one question: its path, and its body if it has one.
    pub(crate) fn draw(&mut self, question: Question) -> Result<(String, Option<String>), Failure> {
        let drawn = sample(self.file, &mut self.places)?;
        let Sample { account, ip, fingerprint, model, window } = &drawn;
        let (account, hub_max, limit) = (escape(account), self.hub_max, self.limit);
        let path = match question {
            Question::SharedIp => {
                format!("/v1/accounts/{account}/neighbors?via=ip&{window}&limit={limit}")
            }
            Question::TwoHops => format!(
                "/v1/accounts/{account}/neighbors?via=ip,fingerprint&hops=2&hub_max={hub_max}&{window}&limit={limit}"
            ),
            Question::Ip => format!("/v1/ips/{}?{window}", escape(ip)),
            Question::Boolean => {
                let expression = format!(
                    "ip in {} and fingerprint = \"{fingerprint}\" and not model = \"{model}\"",
                    network(ip)
                );
                format!("/v1/search?where={}&select=accounts&{window}&limit={limit}", escape(&expression))
            }
            Question::Pairs => format!("/v1/pairs?via=ip&min=3&hub_max={hub_max}&{window}&limit={limit}"),
            Question::Timeline => {
                return Ok(("/v1/search?select=timeline".to_owned(), Some(self.many_accounts())));
            }
            Question::LastEvents => format!("/v1/accounts/{account}/events?limit={LAST_EVENTS}"),
            Question::Account => format!("/v1/accounts/{account}"),
            Question::Why => {
                let other = escape(&sample(self.file, &mut self.places)?.account);
                format!("/v1/why?a={account}&b={other}&{window}")
            }
        };
        Ok((path, None))
    }

    /// An expression that names accounts from a random part of the pool.
    fn many_accounts(&mut self) -> String {
        let start = self.places.next() as usize % self.pool.len();
        let names = self.pool.iter().cycle().skip(start).take(TIMELINE_ACCOUNTS.min(self.pool.len()));
        let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
        format!("account in ({})", names.join(","))
    }
}

/// Asks once.
pub(crate) fn ask(client: &mut Client, path: &str, body: Option<&str>) -> Result<Reply, Failure> {
    match body {
        None => client.get(path),
        Some(body) => client.post(path, body.as_bytes()),
    }
}

/// The /16 or /48 of an address.
fn network(ip: &str) -> String {
    if ip.contains(':') {
        let groups: Vec<&str> = ip.split(':').take(3).collect();
        return format!("{}::/48", groups.join(":"));
    }
    let bytes: Vec<&str> = ip.split('.').take(2).collect();
    format!("{}.0.0/16", bytes.join("."))
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
