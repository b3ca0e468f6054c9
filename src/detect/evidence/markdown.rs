//! The evidence as a page for people. Everything in it comes from the document; nothing is said twice in
//! different words.

use serde_json::Value;

/// Text that came in from outside, safe in a table cell: no markup, no line breaks, no control characters.
fn plain(text: &str) -> String {
    let safe: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .flat_map(|letter| {
            let escape = r"\`*_{}[]()<>#|!~&".contains(letter).then_some('\\');
            escape.into_iter().chain([letter])
        })
        .collect();
    crate::text::terminal_safe(&safe).into_owned()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_u64() && !number.is_i64() => format!("{float:.4}"),
            _ => number.to_string(),
        },
        Value::Null => "not known".to_owned(),
        other => plain(&other.to_string()),
    }
}

/// The page of a document.
#[must_use]
pub fn markdown(document: &Value) -> String {
    let mut page = String::new();
    let at = |path: &str| shown(document.pointer(path).unwrap_or(&Value::Null));
    let mut line = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    line(format!("# Evidence: {}\n", at("/verdict")));
    line(format!(
        "{} accounts, {} requests, {} to {} ({} days, {}).\n",
        at("/counted/accounts"),
        at("/counted/events"),
        at("/window/first_day"),
        at("/window/last_day"),
        at("/window/days"),
        at("/window/clock")
    ));
    line(format!("Counted: {}; {}.\n", at("/counted/unit"), at("/counted/rule")));
    line("## Observed\n".to_owned());
    line("| family | strength (-log10 p) | observed | innocent twin |".to_owned());
    line("|---|---|---|---|".to_owned());
    for family in list(document, "/families") {
        let get = |key: &str| shown(family.get(key).unwrap_or(&Value::Null));
        line(format!(
            "| {} | {} | {} | {} |",
            get("family"),
            get("strength"),
            get("observed"),
            get("innocent_twin")
        ));
    }
    line("\n## Inferred\n".to_owned());
    line(format!(
        "Coordination {} where {} is asked for ({} groups tested, false rate q {}). Purpose: {} of the requests are \
         of the kind that extraction aims at, the platform's share is {}, {} of the accounts agree.\n",
        at("/threshold/coordination"),
        at("/threshold/asked"),
        at("/threshold/tests"),
        at("/threshold/q"),
        at("/extraction/target_share"),
        at("/extraction/platform_share"),
        at("/extraction/agreement")
    ));
    line("## If a part of the evidence is taken away\n".to_owned());
    for left in list(document, "/sensitivity") {
        let get = |key: &str| shown(left.get(key).unwrap_or(&Value::Null));
        line(format!(
            "- without {}: coordination {}, still passes: {}",
            get("without"),
            get("coordination"),
            get("still_passes")
        ));
    }
    page.push_str(&rest(document));
    page
}

/// What was checked, what is not shown, and the accounts.
fn rest(document: &Value) -> String {
    let mut page = String::new();
    let mut line = |text: String| {
        page.push_str(&text);
        page.push('\n');
    };
    for (title, path) in
        [("Innocent explanations checked", "/benign_explanations"), ("Not shown", "/not_shown")]
    {
        line(format!("\n## {title}\n"));
        for sentence in list(document, path) {
            line(format!("- {}", shown(sentence)));
        }
    }
    line("\n## Accounts\n".to_owned());
    line("| account | agrees in | requests | first seen |".to_owned());
    line("|---|---|---|---|".to_owned());
    for member in list(document, "/members") {
        let get = |key: &str| shown(member.get(key).unwrap_or(&Value::Null));
        let families = member.get("agrees_in").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let families: Vec<&str> = families.iter().filter_map(Value::as_str).collect();
        line(format!(
            "| {} | {} | {} | {} |",
            get("account"),
            families.join(" "),
            get("events"),
            get("first_seen")
        ));
    }
    line(format!(
        "\nLooked at and left out, because they agree in too few families: {}.",
        list(document, "/excluded").len()
    ));
    line("\nEvery figure, with its counts by stratum and its formula, is in evidence.json; `cahoots verify` computes them again.".to_owned());
    page
}

fn list<'a>(document: &'a Value, path: &str) -> &'a [Value] {
    document.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_from_outside_cannot_write_the_page() {
        let member = json!({"account": "a|b\n# guilty <img src=x>\u{1b}[31m", "agrees_in": ["NET"]});
        let page = markdown(&json!({"verdict": "coordinated_extraction", "members": [member]}));
        assert!(page.contains(r"a\|b \# guilty \<img src=x\>"), "{page}");
        assert!(!page.contains('\u{1b}'));
    }
}
