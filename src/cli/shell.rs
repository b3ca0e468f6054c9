//! Command lines for a shell: every word quoted so that it means itself.

use crate::cli::connect::Server;
use std::borrow::Cow;
use std::path::Path;

/// A word as a POSIX shell wants it.
pub(crate) fn quote(word: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return Cow::Borrowed(word);
    }
    // Between single quotes nothing has a meaning but the single quote.
    Cow::Owned(format!("'{}'", word.replace('\'', "'\\''")))
}

/// The beginning of a curl line. The token itself never stands in it: shells remember lines.
pub(crate) fn curl(server: &Server) -> String {
    let header =
        |file: &Path| format!(" -H \"Authorization: Bearer $(cat {})\"", quote(&file.to_string_lossy()));
    format!("curl -sS{}", server.token_file.as_deref().map(header).unwrap_or_default())
}

/// The URL of a path on the server.
pub(crate) fn url(server: &Server, path_and_query: &str) -> String {
    format!("{}{path_and_query}", server.url.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::{Server, curl, quote};
    use std::process::Command;

    #[test]
    fn a_quoted_word_comes_out_of_a_shell_as_it_went_in() {
        for word in
            ["a", "", "a b", "it's", "$(reboot)", "`x`", "\"q\"", "a\nb", "*", "\\", "!x", "a;b&c|d", "~"]
        {
            let output =
                Command::new("sh").arg("-c").arg(format!("printf %s {}", quote(word))).output().expect("sh");
            assert_eq!(String::from_utf8_lossy(&output.stdout), word);
        }
    }

    #[test]
    fn the_token_is_read_by_the_shell_and_not_shown() {
        let server = Server { url: "http://h".into(), token_file: Some("/a b/token".into()) };
        assert_eq!(curl(&server), "curl -sS -H \"Authorization: Bearer $(cat '/a b/token')\"");
    }
}
