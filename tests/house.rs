//! The house rules as a test: floors, homes of dependencies, sizes, and documents that must agree
//! with the code. It reads the sources as text; what the compiler or clippy can check is left to them.

#![expect(clippy::expect_used, clippy::panic, reason = "this is a test, its helpers included")]

use cahoots::config::{Config, Typed};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Lines of a file outside its tests.
const FILE_LINES_MAX: usize = 400;

/// Lines of a function, signature and closing brace included.
const FUNCTION_LINES_MAX: usize = 70;

/// Files over the bound, with their size today. May only shrink.
const LONG_FILES: &[(&str, usize)] = &[];

/// Functions over the bound, with their size today. May only shrink.
const LONG_FUNCTIONS: &[(&str, &str, usize)] = &[];

/// What each module of the crate may name. A module that is not listed is an error.
const FLOORS: &[(&str, &[&str])] = &[
    ("event", &[]),
    ("text", &[]),
    ("limits", &["event"]),
    ("privacy", &["event"]),
    ("clock", &["event"]),
    ("metrics", &["event", "limits", "clock"]),
    ("config", &["ingest", "event", "limits", "clock", "text", "privacy"]),
    ("store", &["privacy", "event", "limits", "clock", "text", "metrics"]),
    ("ingest", &["privacy", "store", "event", "limits", "clock", "text", "metrics"]),
    ("detect", &["privacy", "store", "event", "limits", "clock", "text"]),
    ("drill", &["event", "limits", "text"]),
    ("query", &["privacy", "detect", "store", "event", "limits", "clock", "text", "metrics"]),
    (
        "http",
        &["privacy", "ingest", "query", "detect", "store", "event", "limits", "clock", "text", "metrics"],
    ),
    (
        "app",
        &[
            "privacy", "config", "http", "ingest", "query", "detect", "store", "event", "limits", "clock",
            "text", "metrics",
        ],
    ),
    (
        "cli",
        &[
            "privacy", "app", "config", "http", "ingest", "query", "detect", "drill", "store", "event",
            "limits", "clock", "text",
        ],
    ),
];

/// Dependencies that have one home: (crate, folder or file under src).
const HOMES: &[(&str, &str)] = &[
    ("redb", "store/"),
    ("hyper", "http/"),
    ("hyper_util", "http/"),
    ("http_body_util", "http/"),
    ("matchit", "http/"),
    ("bincode", "store/codec.rs"),
    ("clap", "cli/"),
    ("indicatif", "cli/"),
];

/// Files that name a crate outside its home. May only shrink.
const STRAYS: &[(&str, &str)] = &[];

/// One source file.
struct Source {
    /// Path from the root of the repository, with slashes.
    path: String,
    text: String,
}

impl Source {
    /// The lines before the unit tests, comments blanked out.
    fn code(&self) -> Vec<&str> {
        let mut lines: Vec<&str> = self.text.lines().collect();
        if let Some(tests) = lines.windows(2).position(|pair| {
            pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
        }) {
            lines.truncate(tests);
        }
        for line in &mut lines {
            if line.trim_start().starts_with("//") {
                *line = "";
            }
        }
        lines
    }

    /// Whether the whole file is compiled for tests only.
    fn is_test(&self) -> bool {
        self.path.starts_with("tests/")
            || self.path.ends_with("/tests.rs")
            || self.path.ends_with("/testing.rs")
    }

    /// Path below `src/`, if it is there.
    fn below_src(&self) -> Option<&str> {
        self.path.strip_prefix("src/")
    }

    /// The top-level module that the file belongs to.
    fn module(&self) -> Option<&str> {
        self.below_src()?.split(['/', '.']).next().filter(|name| *name != "lib" && *name != "main")
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn text_of(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("folder entry").path();
        // A crate of its own, such as the fuzz targets, builds into itself.
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    for folder in ["src", "tests", "benches"] {
        collect(&root().join(folder), &mut paths);
    }
    paths.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
        Source { text: text_of(&name), path: name }
    };
    let sources: Vec<Source> = paths.into_iter().map(read).collect();
    assert!(sources.len() > 10, "the sources were not found");
    sources
}

fn assert_none(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings\n{}", findings.len(), findings.join("\n"));
}

/// The first identifiers after each `prefix` that begins a path, `use prefix{a, b}` included.
fn names_after(line: &str, prefix: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in line.match_indices(prefix) {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':') {
            continue;
        }
        let rest = &line[at + prefix.len()..];
        let ident =
            |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match rest.strip_prefix('{') {
            Some(list) => names.extend(list.split(',').map(|name| ident(name.trim()))),
            None => names.push(ident(rest)),
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Functions of some code: name, first line, lines. Relies on rustfmt's indentation.
fn functions<'a>(code: &[&'a str]) -> Vec<(&'a str, usize, usize)> {
    let mut found = Vec::new();
    for (start, line) in code.iter().enumerate() {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        let mut words = body.split_whitespace();
        let modifiers = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "extern"];
        if words.find(|word| !modifiers.contains(word)) != Some("fn") {
            continue;
        }
        let name = words.next().unwrap_or_default().split(['(', '<']).next().unwrap_or_default();
        let ends = |line: &str| {
            let body = line.trim_start();
            line.len() - body.len() == indent && (body == "}" || body.ends_with(';'))
        };
        // A body on one line, or a declaration without one.
        let one_line = line.ends_with('}') || line.ends_with(';');
        let length = if one_line {
            Some(0)
        } else {
            code[start + 1..].iter().position(|line| ends(line)).map(|at| at + 1)
        };
        found.push((name, start + 1, length.unwrap_or(code.len() - start) + 1));
    }
    found
}

#[test]
fn nothing_names_a_floor_above() {
    let mut findings = Vec::new();
    for source in sources() {
        let Some(module) = source.module() else { continue };
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == module) else {
            findings.push(format!("{}: module {module} has no floor in tests/house.rs", source.path));
            continue;
        };
        let depth = source.path.matches('/').count() - usize::from(source.path.ends_with("/mod.rs"));
        for (number, line) in source.code().iter().enumerate() {
            for name in names_after(line, "crate::") {
                if name != module && !allowed.contains(&name.as_str()) {
                    findings.push(format!("{}:{}: {module} may not name {name}", source.path, number + 1));
                }
            }
            if line.ends_with("crate::{") {
                findings.push(format!(
                    "{}:{}: write one use a module, it reads better",
                    source.path,
                    number + 1
                ));
            }
            if line.contains(&"super::".repeat(depth.max(1))) {
                findings.push(format!("{}:{}: leaves its module by super", source.path, number + 1));
            }
        }
    }
    assert_none(&findings);
}

#[test]
fn a_dependency_with_a_home_is_named_only_there() {
    let mut findings = Vec::new();
    let mut strays = BTreeSet::new();
    for source in sources() {
        let Some(below) = source.below_src() else { continue };
        for (name, home) in HOMES.iter().filter(|(_, home)| !below.starts_with(home)) {
            let known = STRAYS.iter().find(|(path, stray)| *path == source.path && stray == name);
            for (number, line) in source.code().iter().enumerate() {
                let whole = [format!("use {name};"), format!("use {name} as")];
                let named = !names_after(line, &format!("{name}::")).is_empty();
                if !named && !whole.iter().any(|text| line.contains(text)) {
                    continue;
                }
                match known {
                    Some(stray) => drop(strays.insert(stray)),
                    None => findings.push(format!(
                        "{}:{}: {name} is named only in src/{home}",
                        source.path,
                        number + 1
                    )),
                }
            }
        }
    }
    let gone = STRAYS.iter().filter(|stray| !strays.contains(stray));
    findings
        .extend(gone.map(|(path, name)| format!("{path}: no longer names {name}: take it from the strays")));
    assert_none(&findings);
}

#[test]
fn every_file_says_what_it_is_for_in_ascii() {
    let mut findings = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            findings.push(format!("{}: does not open with //!", source.path));
        }
        if let Some(line) = source.text.lines().position(|line| !line.is_ascii()) {
            findings.push(format!("{}:{}: not ASCII", source.path, line + 1));
        }
    }
    assert_none(&findings);
}

/// Judges a size against the bound and the list of known exceptions.
fn judge(what: &str, lines: usize, max: usize, known: Option<usize>) -> Option<String> {
    match known {
        None if lines > max => Some(format!("{what}: {lines} lines, at most {max}")),
        Some(size) if lines > size => Some(format!("{what}: grew from {size} to {lines} lines")),
        Some(size) if lines < size => {
            Some(format!("{what}: shrank to {lines} lines: write that in its exception"))
        }
        _ => None,
    }
}

#[test]
fn files_and_functions_stay_small() {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        let code = source.code();
        let known = LONG_FILES.iter().find(|(path, _)| *path == source.path).map(|(_, lines)| *lines);
        findings.extend(judge(&source.path, code.len(), FILE_LINES_MAX, known));
        for (name, start, lines) in functions(&code) {
            let is_known =
                |(path, function, _): &&(&str, &str, usize)| *path == source.path && *function == name;
            let known = LONG_FUNCTIONS.iter().find(is_known).map(|(_, _, lines)| *lines);
            findings.extend(judge(
                &format!("{}:{start}: fn {name}", source.path),
                lines,
                FUNCTION_LINES_MAX,
                known,
            ));
            seen.insert((source.path.clone(), name.to_owned()));
        }
        seen.insert((source.path.clone(), String::new()));
    }
    let listed = LONG_FILES
        .iter()
        .map(|(path, _)| (*path, ""))
        .chain(LONG_FUNCTIONS.iter().map(|known| (known.0, known.1)));
    for (path, name) in listed {
        if !seen.contains(&(path.to_owned(), name.to_owned())) {
            findings.push(format!("{path} {name}: is gone: take it from the exceptions"));
        }
    }
    assert_none(&findings);
}

#[test]
fn functions_are_measured_as_rustfmt_writes_them() {
    let code = [
        "impl X {",
        "    pub(crate) fn a(",
        "        b: u8,",
        "    ) -> u8 {",
        "        b",
        "    }",
        "",
        "    fn c() {}",
        "}",
    ];
    assert_eq!(functions(&code), [("a", 2, 5), ("c", 8, 1)]);
    assert_eq!(names_after("use crate::{a, b_c}; crate::d::e; mycrate::f", "crate::"), ["a", "b_c", "d"]);
}

#[test]
fn a_reader_sees_where_each_name_comes_from() {
    let mut findings = Vec::new();
    for source in sources().iter().filter(|source| !source.is_test()) {
        for (number, line) in source.code().iter().enumerate() {
            let line = line.trim_start();
            let imports = line.starts_with("use ")
                || line.starts_with("pub use ")
                || line.starts_with("pub(crate) use ");
            if imports && line.contains("::*") {
                findings.push(format!("{}:{}: glob import", source.path, number + 1));
            }
        }
    }
    assert_none(&findings);
}

/// Whether the macro call that begins in the first line ends with a semicolon of its own.
fn ends_as_statement(lines: &[&str]) -> bool {
    let mut open = 0_i32;
    for line in lines {
        let count = |letter| line.matches(letter).count() as i32;
        open += count('(') - count(')');
        if open <= 0 {
            return line.ends_with(");");
        }
    }
    false
}

#[test]
fn a_thrown_away_matches_is_told_from_one_that_is_an_answer() {
    assert!(ends_as_statement(&["matches!(x, Some(_));"]));
    assert!(ends_as_statement(&["    matches!(", "        x,", "    );", "}"]));
    assert!(!ends_as_statement(&["matches!(x, Some(_))", "}", "f();"]));
    assert!(!ends_as_statement(&["    matches!(x, A", "        | B)", "}"]));
}

#[test]
fn no_check_is_thrown_away_and_nothing_is_a_placeholder() {
    let words =
        [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("FIX", "ME"), concat!("TO", "DO")];
    let places = [concat!("/wo", "rk/"), concat!("/ro", "ot/.")];
    let mut findings = Vec::new();
    for source in sources() {
        let lines: Vec<&str> = source.text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            for word in words.iter().chain(&places).filter(|word| line.contains(**word)) {
                findings.push(format!("{}:{}: {word}", source.path, number + 1));
            }
            // A bare `matches!(..);` looks like an assertion and is none.
            let begins =
                number == 0 || lines[number - 1].is_empty() || lines[number - 1].ends_with([';', '{', '}']);
            if begins && line.trim_start().starts_with("matches!(") && ends_as_statement(&lines[number..]) {
                findings.push(format!("{}:{}: matches! whose answer nobody reads", source.path, number + 1));
            }
        }
    }
    for path in ["README.md", "packaging/CHANGELOG.md", "packaging/cahoots.toml", "Cargo.toml"] {
        let text = text_of(path);
        findings.extend(
            words
                .iter()
                .chain(&places)
                .filter(|word| text.contains(**word))
                .map(|word| format!("{path}: {word}")),
        );
    }
    assert_none(&findings);
}

#[test]
fn lib_declares_exactly_the_modules_that_are_there() {
    let lib = text_of("src/lib.rs");
    let declared: BTreeSet<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let sources = sources();
    let there: BTreeSet<&str> = sources.iter().filter_map(Source::module).collect();
    assert_eq!(declared, there);
}

#[test]
fn the_format_document_lists_the_tables_that_the_code_has() {
    let Ok(tables) = std::fs::read_to_string(root().join("src/store/tables.rs")) else {
        let uses_redb = sources().iter().any(|source| {
            source.below_src().is_some() && source.code().iter().any(|line| line.contains("redb::"))
        });
        assert!(!uses_redb, "redb is used, so src/store/tables.rs has to name its tables");
        return;
    };
    let in_code: BTreeSet<&str> = tables
        .split("TableDefinition::new(")
        .skip(1)
        .filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
        .collect();
    let format = text_of("src/store/FORMAT.md");
    let in_document: BTreeSet<&str> = format
        .lines()
        .skip_while(|line| !(line.starts_with('#') && line.to_lowercase().contains("tables")))
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect();
    assert!(!in_code.is_empty());
    assert_eq!(in_code, in_document, "rows `| `name` | ..` under the heading with the word tables");
}

#[test]
fn the_packaged_settings_are_the_defaults() {
    let home = |name: &str| (name == "HOME").then(|| OsString::from("/home/ann"));
    let path = root().join("packaging/cahoots.toml");
    let packaged = Config::resolve(Typed::from_file(&path).expect("packaging/cahoots.toml"), home);
    let defaults = Config::resolve(Typed::default(), home);
    assert_eq!(packaged.expect("packaged"), defaults.expect("defaults"));
}

#[test]
fn the_commented_settings_are_right_too() {
    let text = text_of("packaging/cahoots.toml")
        .replace("\n# data = ", "\ndata = ")
        .replace("\n# token_file = ", "\ntoken_file = ")
        .replace("\n# trusted_proxies = ", "\ntrusted_proxies = ");
    let (settings, source) = text.split_once("\n# [[source]]\n").expect("an example of a source");
    let source: String = source.lines().map(|line| line.trim_start_matches("# ").to_owned() + "\n").collect();
    let text = format!("{settings}\n[[source]]\n{source}");
    let typed = Typed::from_toml(&text, Path::new("cahoots.toml")).expect("every key exists");
    assert!(
        typed.data.is_some()
            && typed.token_file.is_some()
            && typed.listen.is_some()
            && typed.keep_extra.is_some()
            && typed.trusted_proxies.is_some()
            && typed.join.is_some()
    );
    assert!(typed.sources().expect("sources").kind("mine").is_some());
}

#[test]
fn the_readme_names_the_two_commands_and_every_route() {
    let readme = text_of("README.md");
    for command in ["cargo run --release -- demo", "cargo test"] {
        assert!(readme.contains(command), "README.md: {command}");
    }
    let routes = text_of("src/http/place.rs") + &text_of("src/http/push_routes.rs");
    let rows = routes.lines().filter(|line| line.contains("Place::") || line.contains("Push::"));
    let paths: Vec<&str> =
        rows.filter_map(|line| line.trim_start().strip_prefix("(\"/")?.split('"').next()).collect();
    assert!(paths.len() > 5, "the table of paths was not found");
    for path in paths {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.starts_with('{')).collect();
        let shown = readme.lines().any(|line| {
            let mut rest = line;
            parts.iter().all(|part| rest.find(part).map(|at| rest = &rest[at + part.len()..]).is_some())
        });
        assert!(shown, "README.md does not show /{path}");
    }
}
