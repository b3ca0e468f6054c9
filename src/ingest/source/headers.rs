//! Request headers as gateways log them, and what they say of the client.

use super::super::flat::Flat;
use super::super::value::Scalar;

/// The headers that the SDKs of `OpenAI` and Anthropic send to say what they run on, without those that
/// change from call to call.
const SDK: [&str; 6] = ["lang", "package-version", "os", "arch", "runtime", "runtime-version"];

/// What the SDK says of its machine, as one fingerprint. Most clients share theirs with thousands of
/// others, which the weighing by rarity sees to.
pub(super) fn sdk(flat: &Flat<'_>, at: &str) -> Option<String> {
    let mut found = [""; SDK.len()];
    for (path, value) in flat.iter() {
        let Some(header) = path.strip_prefix(at).and_then(|rest| rest.strip_prefix('.')) else { continue };
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
