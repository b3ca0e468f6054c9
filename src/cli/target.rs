//! Path and query string of a question, with every name from outside percent-encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What may stand for itself in a path segment or a value.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Also what addresses and networks are made of.
const NETWORK: &AsciiSet = &PLAIN.remove(b'/').remove(b':');

/// A path and its query string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    path: String,
    query: String,
}

impl Target {
    /// A fixed path.
    pub(crate) fn new(path: &str) -> Self {
        Self { path: path.to_owned(), query: String::new() }
    }

    /// Adds a name from outside as the next segment.
    pub(crate) fn name(mut self, name: &str) -> Self {
        self.path.push('/');
        // A lone dot or two would be taken for steps in the path by whatever stands between.
        match name {
            "." => self.path.push_str("%2E"),
            ".." => self.path.push_str("%2E%2E"),
            _ => self.path.extend(utf8_percent_encode(name, PLAIN)),
        }
        self
    }

    /// Adds an address or a network.
    pub(crate) fn network(mut self, net: &str) -> Self {
        self.path.push('/');
        self.path.extend(utf8_percent_encode(net, NETWORK));
        self
    }

    /// Adds a fixed segment.
    pub(crate) fn then(mut self, segment: &str) -> Self {
        self.path.push('/');
        self.path.push_str(segment);
        self
    }

    /// Adds a parameter, if it has a value.
    pub(crate) fn with(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.query.push(if self.query.is_empty() { '?' } else { '&' });
            self.query.push_str(name);
            self.query.push('=');
            self.query.extend(utf8_percent_encode(&value.to_string(), PLAIN));
        }
        self
    }

    /// Path and query string.
    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.path, self.query)
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn names_cannot_leave_their_segment() {
        let text =
            |name| Target::new("/v1/accounts").name(name).then("neighbors").with("limit", Some(3)).text();
        assert_eq!(text("a/b?c#d"), "/v1/accounts/a%2Fb%3Fc%23d/neighbors?limit=3");
        assert_eq!(text("\u{e9} \u{0}"), "/v1/accounts/%C3%A9%20%00/neighbors?limit=3");
        assert_eq!(text(".."), "/v1/accounts/%2E%2E/neighbors?limit=3");
    }

    #[test]
    fn parameters_without_a_value_are_left_out() {
        let target = Target::new("/v1/search").with("where", Some("a = \"b&c\"")).with("since", None::<&str>);
        assert_eq!(
            target.with("until", Some("7d")).text(),
            "/v1/search?where=a%20%3D%20%22b%26c%22&until=7d"
        );
    }

    #[test]
    fn networks_stay_readable() {
        assert_eq!(Target::new("/v1/ips").network("2001:db8::/48").text(), "/v1/ips/2001:db8::/48");
        assert_eq!(Target::new("/v1/ips").network("x y?").text(), "/v1/ips/x%20y%3F");
    }
}
