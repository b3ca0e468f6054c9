//! The evidence as a page for people who did not make it and may not believe it. Everything in it comes from the
//! document; what was observed, what is inferred and what is not shown stand apart.

use crate::detect::family::Family;
use serde_json::Value;
use std::fmt::Write as _;

/// Text that came in from outside, safe in a table cell: no markup, no line breaks, no control characters.
fn plain(text: &str) -> String {
    let safe: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .flat_map(|letter| {
            let escape = r"\`*_{}[]<>#|!~&".contains(letter).then_some('\\');
            escape.into_iter().chain([letter])
        })
        .collect();
    crate::text::terminal_safe(&safe).into_owned()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Number(number) => match number.as_f64() {
            Some(float) if !number.is_u64() && !number.is_i64() => decimal(float),
            _ => number.to_string(),
        },
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => "not known".to_owned(),
        other => plain(&other.to_string()),
    }
}

/// Two decimals, and of what is smaller two digits.
fn decimal(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e9 {
        return format!("{value:.0}");
    }
    if value.abs() >= 0.01 { format!("{value:.2}") } else { format!("{value:.1e}") }
}

/// A document, or a part of it, by which fields are looked up.
#[derive(Clone, Copy)]
struct Part<'d>(&'d Value);

impl<'d> Part<'d> {
    fn at(self, path: &str) -> &'d Value {
        self.0.pointer(path).unwrap_or(&Value::Null)
    }

    fn text(self, path: &str) -> String {
        shown(self.at(path))
    }

    /// A share as percent.
    fn percent(self, path: &str) -> String {
        self.at(path).as_f64().map_or("not known".to_owned(), |share| format!("{:.0} %", share * 100.0))
    }

    fn list(self, path: &str) -> impl Iterator<Item = Part<'d>> {
        self.at(path).as_array().map_or(&[][..], Vec::as_slice).iter().map(Part)
    }

    fn words(self, path: &str) -> String {
        self.list(path).map(|word| shown(word.0)).collect::<Vec<_>>().join(", ")
    }
}

/// The page of a document.
#[must_use]
pub fn markdown(document: &Value) -> String {
    let mut page = Page(String::new());
    let document = Part(document);
    head(&mut page, document);
    observed(&mut page, document);
    inferred(&mut page, document);
    taken_away(&mut page, document);
    for (title, path) in [("Innocent explanations", "/benign_explanations"), ("Not shown", "/not_shown")] {
        page.line(&format!("\n## {title}\n"));
        for sentence in document.list(path) {
            page.line(&format!("- {}", shown(sentence.0)));
        }
    }
    accounts(&mut page, document);
    page.line(
        "\n## Check it\n\nEvery figure, with its counts by stratum and its formula, is in evidence.json. `cahoots verify FOLDER --data \
         LOG` computes all of them again from the log and compares; only what the server noted (the first two lines of \
         this page) does not follow from the events of the window.",
    );
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn row(&mut self, cells: &[String]) {
        // Writing to a string cannot fail.
        let _written = writeln!(self.0, "| {} |", cells.join(" | "));
    }

    fn header(&mut self, columns: &[&str]) {
        self.row(&columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>());
        self.line(&format!("|{}", "---|".repeat(columns.len())));
    }
}

fn head(page: &mut Page, document: Part<'_>) {
    page.line(&format!("# Evidence on cluster {}\n", document.text("/case/cluster")));
    page.line(&format!(
        "Status {}, first flagged at {}, last found at {} (event time).\n",
        document.text("/case/status"),
        document.text("/case/flagged_at"),
        document.text("/case/last_found_at")
    ));
    page.line(&format!(
        "Verdict: **{}**, about {} accounts and their {} requests from {} to {}.\n",
        document.text("/verdict"),
        document.text("/counted/accounts"),
        document.text("/counted/events"),
        document.text("/window/first_day"),
        document.text("/window/last_day"),
    ));
    page.line("## How it was counted\n");
    page.line(&format!("- Unit: {}.", document.text("/counted/unit")));
    page.line(&format!("- Rule: {}.", document.text("/counted/rule")));
    page.line(&format!(
        "- Window: {} days, both ends included; {}.",
        document.text("/window/days"),
        document.text("/window/clock")
    ));
    page.line(&format!(
        "- Compared with: {} accounts, all that the log has in the window{}, each with accounts of the same kind of network \
         and the same fifth by volume.",
        document.text("/population/accounts"),
        if document.at("/population/only_established") == &Value::Bool(true) { " and that are established" } else { "" }
    ));
    page.line(&format!(
        "- Source: the provider's own log, read by {} {}.\n",
        document.text("/made_by/program"),
        document.text("/made_by/version")
    ));
}

fn observed(page: &mut Page, document: Part<'_>) {
    page.line("## Observed\n");
    page.line(
        "A strength of 20 means: among strangers of the same kind of network and volume so much likeness comes up by chance \
         with probability 10^-20 (300 stands for 300 and more).\n",
    );
    page.header(&["family", "strength", "counts", "observed", "looks the same"]);
    for family in document.list("/families") {
        let strength = family.at("/strength").as_f64().unwrap_or_default();
        page.row(&[
            family.text("/family"),
            // No minus before a zero.
            format!("{:.1}", strength + 0.0),
            family.text("/extreme"),
            format!("{} {}", family.text("/observed"), figures(family)),
            family.text("/innocent_twin"),
        ]);
    }
    page.line("");
    page.header(&["day", "requests", "accounts active"]);
    for day in document.list("/by_day") {
        page.row(&[day.text("/day"), day.text("/events"), day.text("/accounts")]);
    }
    meetings(page, document);
    page.line("\nSigns of hiding:\n");
    for (path, what) in [
        ("core_share", "of the accounts keep meeting as visitors at addresses where neither lives"),
        ("successions", "accounts took the place of banned ones"),
        ("handoffs", "conversations went on in another account of the cluster"),
        ("failovers", "refused requests were answered on another account of the cluster"),
    ] {
        let path = format!("/deception/{path}");
        let figure = document.at(&path);
        let amount = if figure.is_f64() { document.percent(&path) } else { document.text(&path) };
        let none = if figure.as_f64() == Some(0.0) { ": no indication" } else { "" };
        page.line(&format!("- {amount} {what}{none}."));
    }
}

/// Meetings that a page lists; the document has more.
const MEETINGS_LISTED: usize = 10;

fn meetings(page: &mut Page, document: Part<'_>) {
    if document.list("/meetings/first").next().is_none() {
        return;
    }
    page.line(&format!(
        "\n{} meetings of these accounts: {}. Some of them:\n",
        document.text("/meetings/count"),
        document.text("/meetings/they_are")
    ));
    page.header(&["address", "account", "there", "and", "there"]);
    for meeting in document.list("/meetings/first").take(MEETINGS_LISTED) {
        let side = |at: usize| {
            let of = |field: &str| meeting.text(&format!("/visitors/{at}/{field}"));
            [of("account"), format!("{} to {}", of("from"), of("to"))]
        };
        let ([one, there], [other, too]) = (side(0), side(1));
        page.row(&[meeting.text("/address"), one, there, other, too]);
    }
}

/// The figures of a family in a sentence.
fn figures(family: Part<'_>) -> String {
    let get = |name: &str| family.text(&format!("/figures/{name}"));
    let has = |name: &str| !family.at(&format!("/figures/{name}")).is_null();
    if has("created_from") {
        return format!(
            "{} of {} were created {} {}; {} would be expected.",
            get("k"),
            get("n"),
            if get("days") == "1" { "on".to_owned() } else { format!("within {} days from", get("days")) },
            get("created_from"),
            get("expected")
        );
    }
    if has("kind") {
        let thing = if get("kind") == "core" {
            "are in that core".to_owned()
        } else {
            format!("have the same {} {}", get("kind"), get("value"))
        };
        return format!(
            "{} of {} {thing}; {} would be expected to; in the whole log {} accounts do.",
            get("k"),
            get("n"),
            get("expected"),
            get("holders")
        );
    }
    if has("coefficient_of_variation") {
        return format!(
            "Requests a day of {} accounts deviate by {} from their mean; the usual deviation of established accounts is {} \
             (of the logarithm).",
            get("accounts"),
            family.percent("/figures/coefficient_of_variation"),
            get("usual_deviation")
        );
    }
    if has("variance_ratio") {
        return format!(
            "Over {} days their sum varies {} times as much as if each went its own way.",
            get("days"),
            get("variance_ratio")
        );
    }
    String::new()
}

fn inferred(page: &mut Page, document: Part<'_>) {
    page.line("\n## Inferred\n");
    page.line(&format!(
        "From the figures above, not seen. Coordination goes by the third strongest family, because the strongest may be what \
         the accounts were gathered by: its strength is {}, {} was asked after {} groups had been tested on the last day. With \
         the values of each family shuffled among accounts of the same kind, {} times, groups came up to {}; that makes a \
         false rate q of {} at this strength. Groups with more than {} were left out before anything was gathered.{}\n",
        document.text("/threshold/coordination"),
        document.text("/threshold/asked"),
        document.text("/threshold/tests"),
        document.text("/threshold/permutations"),
        document.text("/threshold/strongest_null"),
        document.text("/threshold/q"),
        document.text("/threshold/q_max"),
        doubts(document)
    ));
    page.line(&format!(
        "Purpose goes by {}: no prompt was read by anybody. {} of what the cluster asks is of that kind (no account counts for \
         more than three times the median), against {} for the mean of all other accounts.\n",
        document.text("/extraction/target_is"),
        document.percent("/extraction/target_share"),
        document.percent("/extraction/platform_share")
    ));
    page.line(&format!(
        "An accusation needs every one of these ({}):\n",
        match document.words("/verdict_rule/operator_families").as_str() {
            "" => "no family shows an operator".to_owned(),
            families => format!("an operator is looked for in {families}"),
        }
    ));
    page.header(&["condition", "measured", "asked", "holds"]);
    for condition in document.list("/verdict_rule/conditions") {
        page.row(&["/condition", "/measured", "/asked", "/holds"].map(|path| condition.text(path)));
    }
    page.line(&format!(
        "\nGathered from {} groups of accounts; the strongest: {} ({} accounts).",
        document.text("/groups_joined"),
        document.text("/groups/0/made_by"),
        document.text("/groups/0/accounts")
    ));
}

/// What speaks against the figures, in their own terms.
fn doubts(document: Part<'_>) -> String {
    let figure = |path: &str| document.at(path).as_f64().unwrap_or_default();
    let mut doubts = String::new();
    if figure("/threshold/strongest_null") > figure("/threshold/asked") {
        doubts.push_str(
            " Shuffled groups came out stronger than what was asked: others are coordinated too and are in the comparison, \
             which is why q has to be small as well.",
        );
    }
    if figure("/threshold/q") > figure("/threshold/q_max") {
        doubts.push_str(
            " For the cluster as a whole q is larger than that: groups in it are surer than the whole. Read it with care.",
        );
    }
    doubts
}

fn taken_away(page: &mut Page, document: Part<'_>) {
    page.line("\n## If a part of the evidence is taken away\n");
    page.header(&["without", "coordination", "as strong as asked", "verdict"]);
    for left in document.list("/sensitivity") {
        page.row(&["/without", "/coordination", "/still_passes", "/verdict"].map(|path| left.text(path)));
    }
}

fn accounts(page: &mut Page, document: Part<'_>) {
    page.line("\n## Accounts\n");
    page.line("Each was asked by itself whether it agrees with the others, itself left out.\n");
    page.header(&["family", "members who agree", "other accounts who do"]);
    for family in Family::ALL.map(Family::name) {
        let path = format!("/membership/families/{family}");
        if !document.at(&path).is_null() {
            let share = |of: &str| document.text(&format!("{path}/{of}"));
            page.row(&[family.to_owned(), share("members"), share("others")]);
        }
    }
    page.line(&format!(
        "\nFrom these its odds: {}. The prior is {}; {} was asked, which is a hundred to one.\n",
        document.text("/membership/formula"),
        document.text("/membership/ln_prior"),
        document.text("/membership/ln_odds_asked")
    ));
    page.header(&["account", "agrees in", "ln odds", "requests", "first seen"]);
    for member in document.list("/members") {
        page.row(&[
            member.text("/account"),
            member.words("/agrees_in"),
            member.text("/ln_odds"),
            member.text("/events"),
            member.text("/first_seen"),
        ]);
    }
    page.line(&format!(
        "\nLooked at and left out, because the odds are lower, they agree in too few families or ask for other things: {}.",
        document.text("/excluded/accounts")
    ));
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

    #[test]
    fn small_rates_keep_their_digits_and_what_is_missing_is_said() {
        assert_eq!(
            (decimal(0.000_347), decimal(0.0), decimal(148.345)),
            ("3.5e-4".into(), "0".into(), "148.34".into())
        );
        let page = markdown(&json!({"threshold": {"q": 0.000_347}}));
        assert!(
            page.contains("false rate q of 3.5e-4") && page.contains("first flagged at not known"),
            "{page}"
        );
    }

    #[test]
    fn every_kind_of_figure_is_a_sentence_with_its_counts() {
        let of = |figures: Value| super::figures(Part(&json!({ "figures": figures })));
        let held = json!({"kind": "template", "value": "7", "k": 9, "n": 10, "holders": 12, "expected": 0.5});
        assert!(
            of(held).starts_with(
                "9 of 10 have the same template 7; 0.50 would be expected to; in the whole log 12"
            )
        );
        let made = json!({"created_from": "2026-05-01", "days": 7, "k": 9, "n": 10, "expected": 0.5});
        assert!(of(made).starts_with("9 of 10 were created within 7 days from 2026-05-01"));
        assert!(of(json!({"coefficient_of_variation": 0.03, "accounts": 9})).contains("deviate by 3 %"));
        assert!(of(json!({"variance_ratio": 108.6, "days": 11})).contains("varies 108.60 times"));
    }
}
