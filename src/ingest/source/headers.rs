//! Request headers as gateways log them, and what they say of the client.

use super::super::flat::Flat;
use super::super::value::Scalar;
use super::Kind;
use super::map::is_blank;
use super::messages;

/// The headers that the SDKs of `OpenAI` and Anthropic send to say what they run on, without those that
/// change from call to call.
const SDK: [&str; 6] = ["lang", "package-version", "os", "arch", "runtime", "runtime-version"];

/// What the SDK says of its machine, as one fingerprint. Most clients share theirs with thousands of
/// others, which the weighing by rarity sees to.
pub(super) fn sdk(flat: &Flat<'_>, at: &str) -> Option<String> {
    let mut found = [""; SDK.len()];
    for (path, value) in flat.iter() {
        let Some(header) = messages::below(path, at) else { continue };
        // Caddy logs each header as an array of its values.
        let header = header.strip_suffix(".0").unwrap_or(header);
        let Some(name) = header.get(..12).filter(|start| start.eq_ignore_ascii_case("x-stainless-")) else {
            continue;
        };
        let place = SDK.iter().position(|known| known.eq_ignore_ascii_case(&header[name.len()..]));
        if let (Some(place), Scalar::Text(text)) = (place, value) {
            found[place] = text;
        }
    }
    (!found[0].is_empty()).then(|| format!("sdk {}", found.join("/")))
}

/// What stands before the name of a request's header in the records of a source. The first that fits counts.
pub(super) fn of_request(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Caddy | Kind::Kong | Kind::Portkey => &["request.headers."],
        Kind::Nginx => &["http_"],
        Kind::Envoy => &["http.request.header.", ""],
        Kind::Traefik => &["request_", "origin_"],
        Kind::LiteLlm => &["metadata.requester_custom_headers.", "metadata.requester_metadata.headers."],
        Kind::Otel => &["http.request.header."],
        Kind::Cloudflare => &["RequestHeaders."],
        Kind::Native | Kind::CloudflareAi | Kind::Helicone | Kind::Langfuse | Kind::Own(_) => &[],
    }
}

/// The same for headers of the answer.
pub(super) fn of_answer(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Caddy => &["resp_headers."],
        Kind::Kong | Kind::Portkey => &["response.headers."],
        Kind::Nginx => &["sent_http_", "upstream_http_"],
        Kind::Envoy | Kind::Otel => &["http.response.header."],
        Kind::Traefik => &["downstream_"],
        Kind::Cloudflare => &["ResponseHeaders."],
        Kind::Native
        | Kind::LiteLlm
        | Kind::CloudflareAi
        | Kind::Helicone
        | Kind::Langfuse
        | Kind::Own(_) => &[],
    }
}

/// Headers of a record.
pub(super) struct Headers<'f>(Vec<(&'f str, &'f str)>);

impl<'f> Headers<'f> {
    /// Those below any of the places, by one look at each path.
    pub(super) fn of(flat: &'f Flat<'_>, at: &[&str]) -> Self {
        let found = flat.iter().filter_map(|(path, value)| {
            let header = at.iter().find_map(|at| path.strip_prefix(at))?;
            match value {
                // Caddy and OpenTelemetry log each header as an array of its values.
                Scalar::Text(text) if !is_blank(value) => Some((without_number(header), text.as_ref())),
                _ => None,
            }
        });
        Self(found.collect())
    }

    /// The values of one, in order. A name is the same in capitals, and with `_` for `-`, as nginx writes it.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = &'f str> {
        let same = |(a, b): (u8, u8)| a.eq_ignore_ascii_case(&b) || (a == b'_' && b == b'-');
        let is_it =
            move |header: &str| header.len() == name.len() && header.bytes().zip(name.bytes()).all(same);
        self.0.iter().filter(move |(header, _)| is_it(header)).map(|(_, value)| *value)
    }
}

/// A path without the number of an element at its end.
fn without_number(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((before, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => before,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_sdk_says_of_its_machine_is_one_fingerprint() {
        let json = br#"{"h":{"x-stainless-lang":"python","x-stainless-os":"Linux","X-Stainless-Arch":["x64"],
            "x-stainless-retry-count":"1","x-stainless-runtime":"CPython"}}"#;
        let (flat, _) = Flat::from_json(json).expect("valid");
        assert_eq!(sdk(&flat, "h").as_deref(), Some("sdk python//Linux/x64/CPython/"));
        assert_eq!(sdk(&flat, "other"), None);
    }
}
