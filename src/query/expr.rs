//! The search language: text to a tree, with the byte where it stops making sense.
//!
//! ```text
//! expr    = term { "or" term }          term = factor { "and" factor }
//! factor  = "not" factor | "(" expr ")" | field test
//! test    = "=" value | "!=" value | [ "not" ] "in" ( network | range | "(" value { "," value } ")" )
//! value   = word | "quoted", a trailing * matches any ending          range = 500..599 | 5xx
//! ```
//!
//! What a name stands for in the database belongs to `resolve`.

use super::QueryError;
use crate::event::Dim;
use crate::limits::{EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX};
use crate::privacy::Network;
use std::fmt;

/// A search expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expr {
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    Leaf(Dim, Test),
}

/// What a field is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Test {
    OneOf(Vec<Pattern>),
    Within(Network),
    Between(u32, u32),
}

/// A value, or with `prefix` the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    pub(super) text: String,
    pub(super) prefix: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(Pattern),
    Quoted(Pattern),
    Open,
    Close,
    Comma,
    Equal,
    NotEqual,
}

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Expr, QueryError> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(wrong(EXPRESSION_BYTES_MAX, format!("it is longer than {EXPRESSION_BYTES_MAX} bytes")));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, end: text.len() };
    let expr = parser.expr(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expr),
        Some((at, _)) => Err(wrong(*at, "expected and, or, or the end".to_owned())),
    }
}

fn wrong(at: usize, reason: String) -> QueryError {
    QueryError::Expression { at, reason }
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, QueryError> {
    let mut tokens = Vec::new();
    let mut rest = text.char_indices().peekable();
    while let Some((at, char)) = rest.next() {
        let token = match char {
            _ if char.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            ',' => Token::Comma,
            '=' => Token::Equal,
            '!' if rest.next_if(|(_, next)| *next == '=').is_some() => Token::NotEqual,
            '!' => return Err(wrong(at, "expected = after !".to_owned())),
            '"' => Token::Quoted(quoted(at, &mut rest)?),
            _ => {
                let mut word = char.to_string();
                let goes_on = |c: char| !c.is_whitespace() && !"()=!,\"".contains(c);
                while let Some((_, next)) = rest.next_if(|(_, next)| goes_on(*next)) {
                    word.push(next);
                }
                Token::Word(unquoted(word))
            }
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}

/// A bare word: a last `*` matches any ending, a last `\*` is a star.
fn unquoted(mut word: String) -> Pattern {
    let prefix = word.ends_with('*') && !word.ends_with("\\*");
    if word.ends_with('*') {
        word.pop();
    }
    if !prefix && word.ends_with('\\') {
        word.pop();
        word.push('*');
    }
    Pattern { text: word, prefix }
}

/// The rest of a quoted value: `\"`, `\\` and `\*` stand for themselves, a last `*` matches any ending.
fn quoted(start: usize, rest: &mut impl Iterator<Item = (usize, char)>) -> Result<Pattern, QueryError> {
    let mut text = String::new();
    let mut prefix = false;
    while let Some((_, char)) = rest.next() {
        match char {
            '"' => {
                if prefix {
                    text.pop();
                }
                return Ok(Pattern { text, prefix });
            }
            '\\' => match rest.next() {
                Some((_, escaped @ ('"' | '\\' | '*'))) => text.push(escaped),
                Some((at, _)) => return Err(wrong(at, "only \\\", \\\\ and \\* are escapes".to_owned())),
                None => break,
            },
            _ => text.push(char),
        }
        prefix = char == '*';
    }
    Err(wrong(start, "the quote is not closed".to_owned()))
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    at: usize,
    end: usize,
}

impl Parser {
    fn here(&self) -> usize {
        self.tokens.get(self.at).map_or(self.end, |(at, _)| *at)
    }

    fn is_word(&self, word: &str) -> bool {
        let is_it = |found: &Pattern| !found.prefix && found.text.eq_ignore_ascii_case(word);
        matches!(self.tokens.get(self.at), Some((_, Token::Word(found))) if is_it(found))
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.at).is_some_and(|(_, found)| found == token);
        self.at += usize::from(found);
        found
    }

    fn expr(&mut self, depth: usize) -> Result<Expr, QueryError> {
        if depth > EXPRESSION_DEPTH_MAX {
            return Err(wrong(self.here(), format!("it is nested deeper than {EXPRESSION_DEPTH_MAX}")));
        }
        let mut terms = vec![self.term(depth)?];
        while self.take_word("or") {
            terms.push(self.term(depth)?);
        }
        Ok(joined(terms, Expr::Or))
    }

    fn term(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let mut factors = vec![self.factor(depth)?];
        while self.take_word("and") {
            factors.push(self.factor(depth)?);
        }
        Ok(joined(factors, Expr::And))
    }

    fn factor(&mut self, depth: usize) -> Result<Expr, QueryError> {
        let mut negated = false;
        while self.take_word("not") {
            negated = !negated;
        }
        let expr = if self.take(&Token::Open) {
            let inner = self.expr(depth + 1)?;
            if !self.take(&Token::Close) {
                return Err(wrong(self.here(), "expected )".to_owned()));
            }
            inner
        } else {
            self.comparison()?
        };
        Ok(if negated { Expr::Not(Box::new(expr)) } else { expr })
    }

    fn comparison(&mut self) -> Result<Expr, QueryError> {
        let at = self.here();
        let dim = match self.tokens.get(self.at) {
            Some((_, Token::Word(Pattern { text: name, prefix: false }))) => {
                let known = || Dim::ALL.map(Dim::name).join(", ");
                Dim::from_name(name)
                    .ok_or_else(|| wrong(at, format!("there is no field {name:?}, only {}", known())))?
            }
            _ => return Err(wrong(at, "expected a field, not or (".to_owned())),
        };
        self.at += 1;
        if self.take(&Token::Equal) {
            return Ok(Expr::Leaf(dim, Test::OneOf(vec![self.pattern()?])));
        }
        let negated = self.take(&Token::NotEqual);
        let leaf = if negated {
            Expr::Leaf(dim, Test::OneOf(vec![self.pattern()?]))
        } else {
            let negated = self.take_word("not");
            if !self.take_word("in") {
                return Err(wrong(self.here(), "expected =, != or in".to_owned()));
            }
            let leaf = Expr::Leaf(dim, self.set(dim)?);
            return Ok(if negated { Expr::Not(Box::new(leaf)) } else { leaf });
        };
        Ok(Expr::Not(Box::new(leaf)))
    }

    fn pattern(&mut self) -> Result<Pattern, QueryError> {
        let at = self.here();
        let pattern = match self.tokens.get(self.at) {
            Some((_, Token::Word(pattern) | Token::Quoted(pattern))) => pattern.clone(),
            _ => return Err(wrong(at, "expected a value".to_owned())),
        };
        self.at += 1;
        Ok(pattern)
    }

    fn set(&mut self, dim: Dim) -> Result<Test, QueryError> {
        if self.take(&Token::Open) {
            let mut values = vec![self.pattern()?];
            while self.take(&Token::Comma) {
                values.push(self.pattern()?);
            }
            if !self.take(&Token::Close) {
                return Err(wrong(self.here(), "expected , or )".to_owned()));
            }
            return Ok(Test::OneOf(values));
        }
        let at = self.here();
        let Pattern { text, prefix: false } = self.pattern()? else {
            return Err(wrong(at, "in takes a network, a range or a list: write = for a prefix".to_owned()));
        };
        let test = match dim {
            Dim::Ip if text.contains('/') => Network::parse(&text).map(Test::Within),
            Dim::Asn | Dim::Status => range(dim, &text),
            _ => None,
        };
        let expected = match dim {
            Dim::Ip => "expected a network such as 203.0.113.0/24, or a list (a, b)",
            Dim::Asn => "expected a range such as 64500..64510, or a list (a, b)",
            Dim::Status => "expected a range such as 500..599 or 5xx, or a list (a, b)",
            _ => "expected a list (a, b)",
        };
        test.ok_or_else(|| wrong(at, expected.to_owned()))
    }
}

/// `from..to` with both ends inside, from the lower to the higher; of a status also `5xx`.
fn range(dim: Dim, text: &str) -> Option<Test> {
    if let Some(hundred) = text.strip_suffix("xx").filter(|_| dim == Dim::Status) {
        let start = hundred.parse::<u32>().ok()?.checked_mul(100)?;
        return Some(Test::Between(start, start.checked_add(99)?));
    }
    let (from, to) = text.split_once("..")?;
    let (from, to) = (from.parse().ok()?, to.trim_start_matches('=').parse().ok()?);
    (from <= to).then_some(Test::Between(from, to))
}

fn joined(mut parts: Vec<Expr>, join: fn(Vec<Expr>) -> Expr) -> Expr {
    if parts.len() == 1 { parts.remove(0) } else { join(parts) }
}

impl fmt::Display for Expr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |out: &mut fmt::Formatter<'_>, parts: &[Expr], word: &str| {
            for (at, part) in parts.iter().enumerate() {
                let word = if at == 0 { "" } else { word };
                write!(out, "{word}({part})")?;
            }
            Ok(())
        };
        match self {
            Self::And(parts) => list(out, parts, " and "),
            Self::Or(parts) => list(out, parts, " or "),
            Self::Not(inner) => write!(out, "not ({inner})"),
            Self::Leaf(dim, Test::Within(net)) => write!(out, "{} in {net}", dim.name()),
            Self::Leaf(dim, Test::Between(from, to)) => write!(out, "{} in {from}..{to}", dim.name()),
            Self::Leaf(dim, Test::OneOf(patterns)) => {
                let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
                write!(out, "{} in ({})", dim.name(), patterns.join(", "))
            }
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.text.replace('\\', "\\\\").replace('"', "\\\"").replace('*', "\\*");
        write!(out, "\"{text}{}\"", if self.prefix { "*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop, prop_assert_eq, proptest};

    fn one(dim: Dim, text: &str) -> Expr {
        Expr::Leaf(dim, Test::OneOf(vec![Pattern { text: text.into(), prefix: false }]))
    }

    #[test]
    fn the_example_of_the_contract_reads_as_meant() {
        let expr = parse(r#"ip in 203.0.113.0/24 and fingerprint = "x" and not model = "m-small""#).unwrap();
        let net = Expr::Leaf(Dim::Ip, Test::Within(Network::parse("203.0.113.0/24").unwrap()));
        let not = Expr::Not(Box::new(one(Dim::Model, "m-small")));
        assert_eq!(expr, Expr::And(vec![net, one(Dim::Fingerprint, "x"), not]));
        assert_eq!(parse("model != m-small").unwrap(), Expr::Not(Box::new(one(Dim::Model, "m-small"))));
    }

    #[test]
    fn and_binds_tighter_than_or_and_parentheses_tighter_still() {
        let a = |n: &str| one(Dim::Account, n);
        let flat = parse("account=a or account=b and account=c").unwrap();
        assert_eq!(flat, Expr::Or(vec![a("a"), Expr::And(vec![a("b"), a("c")])]));
        let grouped = parse("(account=a or account=b) and account=c").unwrap();
        assert_eq!(grouped, Expr::And(vec![Expr::Or(vec![a("a"), a("b")]), a("c")]));
    }

    #[test]
    fn stars_ranges_and_lists() {
        let prefix =
            Expr::Leaf(Dim::Account, Test::OneOf(vec![Pattern { text: "acct-".into(), prefix: true }]));
        assert_eq!(parse("account = acct-*").unwrap(), prefix);
        assert_eq!(parse(r#"account = "acct-\*""#).unwrap(), one(Dim::Account, "acct-*"));
        assert_eq!(parse(r"account = acct-\*").unwrap(), one(Dim::Account, "acct-*"));
        assert_eq!(parse(r#"model = "a\*b\"c""#).unwrap(), one(Dim::Model, "a*b\"c"));
        let ends_in_backslash =
            Expr::Leaf(Dim::Model, Test::OneOf(vec![Pattern { text: "a\\".into(), prefix: true }]));
        assert_eq!(parse(r#"model = "a\\*""#).unwrap(), ends_in_backslash);
        assert_eq!(parse("status in 5xx").unwrap(), Expr::Leaf(Dim::Status, Test::Between(500, 599)));
        assert_eq!(parse("asn in 1..9").unwrap(), Expr::Leaf(Dim::Asn, Test::Between(1, 9)));
        assert!(matches!(parse("account not in (a, \"b\")").unwrap(), Expr::Not(_)));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        for (text, at, word) in [
            ("", 0, "expected a field"),
            ("colour = red", 0, "colour"),
            ("ip in (", 7, "expected a value"),
            ("ip in 300.0.0.0/8", 6, "network"),
            ("account = a account = b", 12, "expected and, or"),
            ("account = \"a", 10, "not closed"),
            ("account ! a", 8, "expected ="),
            ("(account = a", 12, "expected )"),
            ("model in fast", 9, "list"),
            ("status in 99999999xx", 10, "range"),
            ("status in 599..500", 10, "range"),
            ("asn in 5xx", 7, "64500..64510"),
            (r#"model = "a\n""#, 11, "escapes"),
            ("account* = a", 0, "expected a field"),
        ] {
            match parse(text) {
                Err(QueryError::Expression { at: found, reason }) => {
                    assert_eq!(found, at, "{text}: {reason}");
                    assert!(reason.contains(word), "{text}: {reason}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        let deep = "(".repeat(5_000);
        assert!(parse(&deep).is_err());
        assert!(parse(&format!("{}account=a", "not ".repeat(10_000))).is_ok(), "not needs no stack");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z ()=!,\"*\\\\./0-9]{0,60}") {
            let _read = parse(&text);
        }

        #[test]
        fn a_tree_written_and_read_again_is_the_same(
            values in prop::collection::vec(("[ -~]{0,6}[*\\\\]{0,3}", prop::bool::ANY), 2..6),
            negate in prop::bool::ANY,
        ) {
            let leaf = |(text, prefix): (String, bool)| {
                Expr::Leaf(Dim::UserAgent, Test::OneOf(vec![Pattern { text, prefix }]))
            };
            let tree = Expr::Or(values.into_iter().map(leaf).collect());
            let tree = if negate { Expr::Not(Box::new(tree)) } else { tree };
            prop_assert_eq!(parse(&tree.to_string()).unwrap(), tree);
        }
    }
}
