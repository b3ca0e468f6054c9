//! How a template is named in a path: by its key, or by the name that the gateway gives it.

use crate::http::params::{Params, wrong};
use crate::http::route::RouteError;
use crate::ingest::template_key;
use crate::query::Request;

/// Before a name that would be taken for a key.
const NAMED: &str = "name:";

/// `GET /v1/templates/{template}`.
pub(super) fn template(text: &str, params: &Params<'_>) -> Result<Request, RouteError> {
    let (key, name) = identify(text)?;
    Ok(Request::Template { key, name, span: params.span()?, page: params.page()? })
}

fn identify(text: &str) -> Result<(u32, Option<String>), RouteError> {
    let named = |name: &str| Ok((template_key(name), Some(name.to_owned())));
    match text.strip_prefix(NAMED) {
        Some("") => Err(wrong("template", "there is no name behind name:")),
        Some(name) => named(name),
        None if text.bytes().all(|byte| byte.is_ascii_digit()) => match text.parse::<u32>() {
            Ok(key) if key != 0 && key != u32::MAX => Ok((key, None)),
            _ => {
                let reason = format!(
                    "a key is a whole number from 1 to {}; if it is the name of a template, write name:{}",
                    u32::MAX - 1,
                    text.chars().take(32).collect::<String>()
                );
                Err(wrong("template", &reason))
            }
        },
        None => named(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{identify, template_key};

    #[test]
    fn digits_are_a_key_and_all_else_is_a_name() {
        assert_eq!(identify("237818827"), Ok((237_818_827, None)));
        for (text, name) in [("tpl-7", "tpl-7"), ("name:17", "17"), ("-1", "-1"), ("name:name:x", "name:x")] {
            assert_eq!(identify(text), Ok((template_key(name), Some(name.to_owned()))), "{text}");
        }
        for wrong in ["0", "4294967295", "99999999999999999999", "name:"] {
            assert!(identify(wrong).is_err(), "{wrong}");
        }
    }
}
