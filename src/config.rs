//! What was typed (flag, else environment, else TOML file, else default) to what is meant.
//!
//! Reading flags and variables belongs to `cli`; here a missing value is `None`, so that the layers
//! can be told apart. Nothing is guessed: an unknown key or a missing file is an error.

use crate::event::Join;
use crate::ingest::{Mapping, Mappings, Proxies};
use crate::privacy::Pseudonyms;
use serde::Deserialize;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Address that is listened on unless told otherwise.
pub const LISTEN_DEFAULT: &str = "127.0.0.1:7070";

/// Bytes of a token at the least, so that it cannot be guessed.
const TOKEN_BYTES_MIN: usize = 16;

/// What one layer says; `None` leaves it to the layer below.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Typed {
    /// Folder of the data file.
    pub data: Option<PathBuf>,
    /// Address and port.
    pub listen: Option<String>,
    /// File that holds the token.
    pub token_file: Option<PathBuf>,
    /// Whether unknown fields of events are kept.
    pub keep_extra: Option<bool>,
    /// What is kept under a pseudonym.
    pub pseudonymize: Option<Vec<String>>,
    /// Proxies that are trusted: networks, addresses, or `private`.
    pub trusted_proxies: Option<Vec<String>>,
    /// When events wait for an edge record: `off`, `auto` or `on`.
    pub join: Option<String>,
    /// Sources of logs that are not built in.
    pub source: Option<Vec<Mapping>>,
}

/// What the server is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Folder of the data file.
    pub data: PathBuf,
    /// Address and port.
    pub listen: SocketAddr,
    /// File that holds the token, wanted on every address but loopback.
    pub token_file: Option<PathBuf>,
    /// Whether unknown fields of events are kept.
    pub keep_extra: bool,
    /// Sources of logs that are not built in.
    pub sources: Mappings,
    /// What is kept under a pseudonym; none for what the database has.
    pub pseudonymize: Option<Pseudonyms>,
    /// Proxies that are trusted; none for those of private networks.
    pub proxies: Option<Arc<Proxies>>,
    /// When events wait for an edge record.
    pub join: Join,
}

/// Why a configuration means nothing.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was named cannot be read.
    #[error("{what} {path:?} cannot be read: {reason}")]
    Unreadable {
        /// What it was to be.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// A key that does not exist.
    #[error("{path:?}, line {line}: there is no key {key:?}; did you mean {near:?}?")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The key that was found.
        key: String,
        /// The right key most like it.
        near: String,
    },
    /// TOML that is none, or a value of the wrong type.
    #[error("{path:?}, line {line}: {reason}")]
    Toml {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// Sources that cannot be together.
    #[error("{0}")]
    Sources(String),
    /// Not an address with a port.
    #[error("listen is {0:?}: write an address and a port, such as {LISTEN_DEFAULT} or [::1]:7070")]
    Listen(String),
    /// Reachable from elsewhere, and open to everyone.
    #[error(
        "{0} can be reached from other machines, so it needs a token: add --token-file FILE, or listen on {LISTEN_DEFAULT}"
    )]
    OpenToAll(SocketAddr),
    /// Proxies that are none.
    #[error("trusted_proxies: {0}")]
    Proxies(String),
    /// Not a way to join.
    #[error("join is {0:?}: write off, auto or on")]
    Join(String),
    /// Neither told nor found.
    #[error("no folder for the data: neither STATE_DIRECTORY nor HOME is set, so say --data FOLDER")]
    NoFolder,
    /// Nothing that can have a pseudonym.
    #[error("pseudonymize holds {0:?}: it takes account and ip, or nothing")]
    Pseudonymize(String),
    /// A token that no client could send.
    #[error(
        "token file {0:?} must hold one line of at least 16 printable ASCII characters without spaces; make one with: head -c 24 /dev/urandom | base64"
    )]
    Token(PathBuf),
}

impl Typed {
    /// What a TOML file says.
    pub fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = read("config file", path)?;
        Self::from_toml(&text, path)
    }

    /// What TOML text says; `path` is for messages only.
    pub fn from_toml(text: &str, path: &Path) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or_default();
            let before = text.get(..span.start).unwrap_or_default();
            let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
            let path = path.to_owned();
            let key = text.get(span).unwrap_or_default().trim_matches(['"', '\'', '[', ']', ' ']).to_owned();
            if error.message().starts_with("unknown field") {
                let near = nearest(&key, error.message());
                return ConfigError::UnknownKey { path, line, key, near };
            }
            ConfigError::Toml { path, line, reason: error.message().replace('\n', " ") }
        })
    }

    /// This layer, and for what it leaves open the one below.
    #[must_use]
    pub fn or(self, below: Self) -> Self {
        Self {
            data: self.data.or(below.data),
            listen: self.listen.or(below.listen),
            token_file: self.token_file.or(below.token_file),
            keep_extra: self.keep_extra.or(below.keep_extra),
            source: self.source.or(below.source),
            pseudonymize: self.pseudonymize.or(below.pseudonymize),
            trusted_proxies: self.trusted_proxies.or(below.trusted_proxies),
            join: self.join.or(below.join),
        }
    }

    /// The sources, ready to be used. What it makes lives as long as the process.
    pub fn sources(&self) -> Result<Mappings, ConfigError> {
        Mappings::new(self.source.as_deref().unwrap_or_default()).map_err(ConfigError::Sources)
    }

    /// The proxies that are trusted. `None` for the usual ones.
    pub fn proxies(&self) -> Result<Option<Arc<Proxies>>, ConfigError> {
        let listed = self.trusted_proxies.as_deref().map(Proxies::listed).transpose();
        Ok(listed.map_err(ConfigError::Proxies)?.map(Arc::new))
    }
}

impl Config {
    /// What all layers together mean. `variable` reads the environment.
    pub fn resolve(typed: Typed, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ConfigError> {
        let (sources, proxies) = (typed.sources()?, typed.proxies()?);
        let listen = typed.listen.unwrap_or_else(|| LISTEN_DEFAULT.to_owned());
        let listen: SocketAddr = listen.parse().map_err(|_| ConfigError::Listen(listen))?;
        if !listen.ip().to_canonical().is_loopback() && typed.token_file.is_none() {
            return Err(ConfigError::OpenToAll(listen));
        }
        let data = match typed.data {
            Some(data) => data,
            None => state_folder(variable).ok_or(ConfigError::NoFolder)?,
        };
        let keep_extra = typed.keep_extra.unwrap_or(false);
        let words = |words: Vec<String>| {
            let words = words.iter().map(String::as_str).filter(|word| !word.trim().is_empty());
            Pseudonyms::from_words(words).map_err(ConfigError::Pseudonymize)
        };
        let pseudonymize = typed.pseudonymize.map(words).transpose()?;
        let join = match typed.join {
            Some(name) => Join::from_name(&name).ok_or(ConfigError::Join(name))?,
            None => Join::default(),
        };
        let token_file = typed.token_file;
        Ok(Self { data, listen, token_file, keep_extra, sources, pseudonymize, proxies, join })
    }

    /// The token, if there is a file for one.
    pub fn token(&self) -> Result<Option<String>, ConfigError> {
        self.token_file.as_deref().map(read_token).transpose()
    }
}

/// The platform's folder for what a program remembers. A variable that is set but empty counts as
/// not set, as XDG has it.
pub fn state_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let folder = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // systemd makes this folder for the unit, which may not write anywhere else.
    if let Some(given) = folder("STATE_DIRECTORY") {
        return Some(given);
    }
    if cfg!(target_os = "macos") {
        return Some(folder("HOME")?.join("Library/Application Support/cahoots"));
    }
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("cahoots"))
}

/// The token that a file holds.
pub fn read_token(path: &Path) -> Result<String, ConfigError> {
    let text = read("token file", path)?;
    let token = text.trim_end_matches(['\n', '\r']);
    // It travels in a header, where anything else would be changed or cut.
    if token.len() < TOKEN_BYTES_MIN || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ConfigError::Token(path.to_owned()));
    }
    Ok(token.to_owned())
}

fn read(what: &'static str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|reason| ConfigError::Unreadable {
        what,
        path: path.to_owned(),
        reason,
    })
}

/// Of the keys that a message lists as expected, each between backticks, the one most like a wrong one.
fn nearest(key: &str, message: &str) -> String {
    // The letters of a mistyped word are mostly the right ones: most pairs of letters in common wins, and
    // of those the shortest, which adds the least.
    let shared = |candidate: &str| {
        let pairs: Vec<&[u8]> = candidate.as_bytes().windows(2).collect();
        key.as_bytes().windows(2).filter(|pair| pairs.contains(pair)).count()
    };
    let expected = message.split_once("expected").map_or("", |(_, expected)| expected);
    let candidates = expected.split('`').skip(1).step_by(2);
    candidates.max_by_key(|word| (shared(word), std::cmp::Reverse(word.len()))).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Config, ConfigError, Join, LISTEN_DEFAULT, Pseudonyms, Typed, read_token, state_folder};
    use std::ffi::OsString;
    use std::path::{Path, PathBuf};

    fn home(name: &str) -> Option<OsString> {
        (name == "HOME").then(|| "/home/ann".into())
    }

    fn toml(text: &str) -> Result<Typed, ConfigError> {
        Typed::from_toml(text, Path::new("c.toml"))
    }

    #[test]
    fn nothing_typed_means_loopback_and_the_state_folder() {
        let config = Config::resolve(Typed::default(), home).expect("defaults");
        assert_eq!(config.listen.to_string(), LISTEN_DEFAULT);
        assert!(
            config.data.starts_with("/home/ann") && config.data.ends_with("cahoots"),
            "{:?}",
            config.data
        );
        assert!(!config.keep_extra && config.token_file.is_none());
        assert!(matches!(Config::resolve(Typed::default(), |_| None), Err(ConfigError::NoFolder)));
    }

    #[test]
    fn the_upper_layer_wins_key_by_key() {
        let flags = Typed { listen: Some("127.0.0.1:1".into()), ..Typed::default() };
        let file = toml("listen = '127.0.0.1:2'\nkeep_extra = true\ndata = '/d'").expect("toml");
        let config = Config::resolve(flags.or(file), home).expect("config");
        assert_eq!((config.listen.port(), config.keep_extra, config.data), (1, true, PathBuf::from("/d")));
    }

    #[test]
    fn pseudonyms_are_told_by_words_and_nothing_is_said_by_saying_nothing() {
        let of =
            |text: &str| Config::resolve(toml(text).expect("toml"), home).map(|config| config.pseudonymize);
        let both = Pseudonyms { accounts: true, ips: true };
        assert_eq!(of("pseudonymize = ['account', 'ip']").expect("words"), Some(both));
        assert_eq!(of("pseudonymize = []").expect("none"), Some(Pseudonyms::NONE));
        assert_eq!(of("").expect("nothing"), None);
        assert!(
            matches!(of("pseudonymize = ['ips']"), Err(ConfigError::Pseudonymize(word)) if word == "ips")
        );
    }

    #[test]
    fn a_wrong_key_is_named_with_its_line_and_the_nearest_right_one() {
        let error = toml("# hello\n\nlistne = '127.0.0.1:1'\n").expect_err("unknown key").to_string();
        assert_eq!(error, "\"c.toml\", line 3: there is no key \"listne\"; did you mean \"listen\"?");
        let error = toml("tokenfile = 'x'").expect_err("unknown key").to_string();
        assert!(error.ends_with("did you mean \"token_file\"?"), "{error}");
        let error = toml("data = '/d'\n[server]\nx = 1").expect_err("unknown table").to_string();
        assert!(error.contains("line 2: there is no key \"server\""), "{error}");
    }

    #[test]
    fn a_source_of_ones_own_is_checked_with_its_lines() {
        let mine = "listen = '127.0.0.1:1'\n[[source]]\nname = 'mine'\nts = 't'\naccount = 'user.id'\n";
        let sources = toml(mine).expect("toml").sources().expect("sources");
        assert!(sources.kind("mine").is_some() && sources.kind("yours").is_none());
        let error = toml(&format!("{mine}acount = 'x'\n")).expect_err("unknown").to_string();
        assert_eq!(error, "\"c.toml\", line 6: there is no key \"acount\"; did you mean \"account\"?");
        let error = toml(&format!("{mine}ip = 'a[0].b'\n")).expect_err("no path").to_string();
        assert_eq!(error, "\"c.toml\", line 6: ip = \"a[0].b\" is no path: write \"a.0.b\"");
        let error = toml(&format!("{mine}time = 'epoch'\n")).expect_err("no time").to_string();
        assert!(error.starts_with("\"c.toml\", line 2: source \"mine\": time is \"epoch\""), "{error}");
        let twice = toml(&format!("{mine}{}", &mine[mine.find('[').expect("a table")..])).expect("toml");
        assert!(matches!(Config::resolve(twice, home), Err(ConfigError::Sources(_))));
    }

    #[test]
    fn wrong_values_and_broken_toml_name_their_line() {
        for text in ["data = '/d'\nkeep_extra = 'yes'", "data = '/d'\nlisten 7"] {
            let error = toml(text).expect_err(text).to_string();
            assert!(error.starts_with("\"c.toml\", line 2: ") && !error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn events_wait_for_an_edge_record_as_it_is_said() {
        let join = |text: &str| Config::resolve(toml(text).expect("toml"), home).map(|config| config.join);
        assert_eq!(join("").ok(), Some(Join::Auto));
        assert_eq!(join("join = 'off'").ok(), Some(Join::Off));
        let error = join("join = 'maybe'").expect_err("no such way").to_string();
        assert_eq!(error, "join is \"maybe\": write off, auto or on");
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error() {
        let error = Typed::from_file(Path::new("/nonexistent/c.toml")).expect_err("missing").to_string();
        assert!(error.starts_with("config file \"/nonexistent/c.toml\" cannot be read"), "{error}");
    }

    #[test]
    fn only_loopback_may_be_open() {
        let listen = |listen: &str, token_file: Option<&str>| {
            let token_file = token_file.map(PathBuf::from);
            Config::resolve(Typed { listen: Some(listen.into()), token_file, ..Typed::default() }, home)
        };
        for open in ["0.0.0.0:7070", "[::]:7070", "192.0.2.1:80"] {
            let error = listen(open, None).expect_err(open).to_string();
            assert!(error.starts_with(open) && error.contains("--token-file"), "{error}");
            assert!(listen(open, Some("/t")).is_ok(), "{open}");
        }
        for local in ["127.0.0.1:0", "127.9.9.9:1", "[::1]:7070", "[::ffff:127.0.0.1]:7070"] {
            assert!(listen(local, None).is_ok(), "{local}");
        }
        for none in ["localhost", "7070", "127.0.0.1", "", "127.0.0.1:99999"] {
            assert!(matches!(listen(none, None), Err(ConfigError::Listen(_))), "{none}");
        }
    }

    #[test]
    fn the_state_folder_is_the_one_that_the_system_gives() {
        let from = |pairs: &[(&str, &str)]| {
            let find = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
            state_folder(find)
        };
        let given = from(&[("STATE_DIRECTORY", "/var/lib/cahoots"), ("HOME", "/root")]);
        assert_eq!(given, Some("/var/lib/cahoots".into()));
        if !cfg!(target_os = "macos") {
            assert_eq!(from(&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")]), Some("/x/cahoots".into()));
            let home = from(&[("XDG_STATE_HOME", ""), ("HOME", "/h")]);
            assert_eq!(home, Some("/h/.local/state/cahoots".into()));
        }
        assert_eq!(from(&[]), None);
    }

    #[test]
    fn a_token_is_one_printable_line() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("token");
        let long = "0123456789abcdef";
        for (content, token) in [
            ("0123456789abcdef\n", Some(long)),
            (long, Some(long)),
            ("\n", None),
            ("tooshort", None),
            ("0123456789 abcdef", None),
            ("0123456789abcdef\nx", None),
        ] {
            std::fs::write(&path, content).expect("write");
            assert_eq!(read_token(&path).ok().as_deref(), token, "{content:?}");
        }
        assert!(matches!(read_token(&folder.path().join("none")), Err(ConfigError::Unreadable { .. })));
    }
}
