//! The house stands: a room imports from lower floors only, and what is confined to a place stays there.
//!
//! The test reads the source as text, without comments and strings, and so sees code behind features as well.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every room and its floor. A room that is not listed here does not exist; floor 0 holds words, which may use each other.
const ROOMS: &[(&str, u8)] = &[
    ("detection", 0),
    ("entity", 0),
    ("ids", 0),
    ("label", 0),
    ("limits", 0),
    ("sensitive", 0),
    ("span", 0),
    ("tally", 0),
    ("check", 1),
    ("crypt", 1),
    ("envelope", 1),
    ("metrics", 1),
    ("plan", 1),
    ("policy", 2),
    ("profile", 2),
    ("rules", 2),
    ("vault", 2),
    ("operator", 3),
    ("scan", 3),
    ("redact", 4),
    ("batch", 5),
    ("eval", 5),
    ("stream", 5),
    ("report", 6),
    ("cli", 7),
];

/// Words of the source that may stand in some places only: the word, and how the paths of those places begin.
const CONFINED: &[(&str, &[&str])] = &[
    ("rdkafka", &["stream/kafka.rs", "stream/kafka/", "stream/mock.rs"]),
    ("unsafe", &["scan/simd/", "scan/simd.rs"]),
];

/// The root: declares every room and re-exports from them.
const EXEMPT: &[&str] = &["lib.rs", "main.rs"];

#[test]
fn rooms_import_from_lower_floors_only() {
    let reexports = reexports(&code(&read(&src().join("lib.rs"))));
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let (Some(room), depth) = place(&path) else { continue };
        let Some(floor) = floor_of(&room) else { continue };
        for (line, import) in imports(&code(&text), depth) {
            let target = reexports.get(&import).unwrap_or(&import);
            if *target == room {
                continue;
            }
            match floor_of(target) {
                None => faults.push(format!("{path}:{line}: `{import}` is neither a room nor re-exported by lib.rs")),
                Some(below) if below < floor || (below == 0 && floor == 0) => {}
                Some(other) => {
                    faults.push(format!("{path}:{line}: {room} (floor {floor}) imports {target} (floor {other})"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "imports that do not go down:\n{}", faults.join("\n"));
}

#[test]
fn every_room_is_listed() {
    let found: BTreeSet<String> = sources().into_iter().filter_map(|(path, _)| place(&path).0).collect();
    let missing: Vec<_> = found.iter().filter(|room| floor_of(room).is_none()).collect();
    assert!(missing.is_empty(), "rooms without a floor; give each one in ROOMS and ARCHITECTURE.md: {missing:?}");
}

#[test]
fn confined_words_stay_in_their_places() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let code = code(&text);
        for (word, places) in CONFINED {
            if !places.iter().any(|place| path.starts_with(place)) {
                faults.extend(lines_with(&code, word).map(|line| format!("{path}:{line}: {word}")));
            }
        }
    }
    assert!(faults.is_empty(), "words outside of their places:\n{}", faults.join("\n"));
}

#[test]
fn reads_imports() {
    #[track_caller]
    fn check(text: &str, depth: usize, expected: &[&str]) {
        let found: Vec<String> = imports(&code(text), depth).into_iter().map(|(_, import)| import).collect();
        assert_eq!(found, expected, "{text}");
    }
    check("use crate::span::Span;", 1, &["span"]);
    check("use crate::{span::{Span, DocSpan}, ids::Region, tally};", 1, &["span", "ids", "tally"]);
    check("pub(in crate::scan) fn f(x: crate::ids::Region) {}", 2, &["scan", "ids"]);
    check("// use crate::cli;\n/* crate::cli::x /* nested */ crate::cli */ let s = \"crate::cli::y\";", 1, &[]);
    check(r##"let s = r#"crate::cli "quoted" "#; let c = '"'; use crate::ids::X; let l: &'a str;"##, 1, &["ids"]);
    check("use super::cli::x;", 1, &["cli"]);
    check("use super::cli::x; use super::super::eval::y;", 2, &["eval"]);
    check("use super::super::super::cli::x;", 2, &[]);
    check("use super::*; use super::{score, Selection};", 2, &[]);
    check("mod tests { use super::*; use super::super::cli::x; } use super::span::y;", 1, &["cli", "span"]);
    check("mod a; mod tests { fn f() { mod deep {} use super::super::report::x; } }", 2, &[]);
    check("use super::*;", 1, &[""]);
    check("use crate::{\n    ids::{EntityId, Region},\n    rules::RuleSet,\n};", 1, &["ids", "rules"]);
    check("my_crate::cli::x(); $crate::span::y!();", 1, &["span"]);
}

#[test]
fn reads_words() {
    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        assert_eq!(lines_with(&code(text), "unsafe").collect::<Vec<_>>(), expected, "{text}");
    }
    check("fn f() {}\nunsafe fn g() {}", &[2]);
    check("#![deny(unsafe_code)] // unsafe\n\"unsafe\"", &[]);
    check("let a = '\\'';\nunsafe {}", &[2]);
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
}

/// Path below `src/` with forward slashes, and text, of every source file that has a floor.
fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, into: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(dir).expect("src can be read") {
            let path = entry.expect("src can be read").path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let below = path.strip_prefix(src()).expect("walked below src");
                let name = below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
                if !EXEMPT.contains(&name.as_str()) {
                    into.push((name, read(&path)));
                }
            }
        }
    }
    let mut found = Vec::new();
    walk(&src(), &mut found);
    found.sort();
    assert!(found.len() > ROOMS.len() / 2, "the walk found {} files only", found.len());
    found
}

/// The room that a file belongs to, and how many modules deep the file is: `span.rs` and `scan/mod.rs` are one deep.
fn place(path: &str) -> (Option<String>, usize) {
    let parts: Vec<&str> = path.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
    (parts.first().map(|room| (*room).to_owned()), parts.len())
}

fn floor_of(room: &str) -> Option<u8> {
    ROOMS.iter().find(|(name, _)| *name == room).map(|&(_, floor)| floor)
}

/// Names that `lib.rs` re-exports, and the room that each comes from.
fn reexports(lib: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for rest in lib.split("pub use ").skip(1) {
        let path = rest.split(';').next().unwrap_or_default().trim().trim_start_matches("crate::");
        let Some((room, names)) = path.split_once("::") else { continue };
        for name in names.trim_matches(['{', '}']).split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let name = name.rsplit(" as ").next().unwrap_or(name).rsplit("::").next().unwrap_or(name);
            found.insert(name.to_owned(), room.to_owned());
        }
    }
    found
}

/// Line and first name after the crate root of every path that begins there.
///
/// A path begins at the root with `crate::`, or with as many `super::` as its place is deep: `file_depth` modules, and
/// those inside the file.
fn imports(code: &str, file_depth: usize) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, after) in occurrences(code, "crate") {
        if let Some(rest) = after.trim_start().strip_prefix("::") {
            found.extend(first_names(rest).into_iter().map(|name| (at, name)));
        }
    }
    let mut read_to = 0;
    for (at, mut after) in occurrences(code, "super") {
        let mut n_super = 1;
        while let Some(rest) = after.trim_start().strip_prefix("::") {
            let Some(next) = rest.trim_start().strip_prefix("super") else {
                if at >= read_to && n_super == file_depth + inner_depth(code, at) {
                    found.extend(first_names(rest).into_iter().map(|name| (at, name)));
                }
                break;
            };
            (n_super, after) = (n_super + 1, next);
        }
        read_to = read_to.max(code.len() - after.len());
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(at, name)| (line_of(code, at), name)).collect()
}

/// How many `mod name { … }` are open at a place.
fn inner_depth(code: &str, at: usize) -> usize {
    let before = &code[..at];
    let opens: Vec<usize> = occurrences(before, "mod")
        .filter_map(|(at, after)| {
            let name = after.trim_start();
            let rest = name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_').trim_start();
            let opens = rest.len() < name.len() && rest.starts_with('{');
            opens.then_some(at + "mod".len() + after.len() - rest.len())
        })
        .collect();
    let mut open = Vec::new();
    for (at, c) in before.char_indices() {
        match c {
            '{' => open.push(opens.contains(&at)),
            '}' => drop(open.pop()),
            _ => {}
        }
    }
    open.into_iter().filter(|is_mod| *is_mod).count()
}

/// The first segment of a path, or of every branch of a group `{a::b, c}`.
fn first_names(path: &str) -> Vec<String> {
    let ident =
        |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = path.trim_start().strip_prefix('{') else { return vec![ident(path)] };
    let (mut depth, mut names, mut begin) = (0_usize, Vec::new(), 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                names.push(ident(&group[begin..at]));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(ident(&group[begin..at]));
                begin = at + 1;
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// Where `word` stands as a whole word, and what follows it.
fn occurrences<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = (usize, &'c str)> {
    let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).filter_map(move |(at, _)| {
        let after = &code[at + word.len()..];
        let apart = !code[..at].ends_with(part_of_a_word) && !after.starts_with(part_of_a_word);
        apart.then_some((at, after))
    })
}

fn lines_with<'c>(code: &'c str, word: &'c str) -> impl Iterator<Item = usize> {
    occurrences(code, word).map(|(at, _)| line_of(code, at))
}

fn line_of(code: &str, at: usize) -> usize {
    1 + code[..at].matches('\n').count()
}

/// The source with comments and the content of strings and characters blanked; lines stay where they are.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(n, c)| chars.get(at + n) == Some(&c));
    while at < chars.len() {
        let end = if starts(at, "//") {
            (at..chars.len()).find(|&n| chars[n] == '\n').unwrap_or(chars.len())
        } else if starts(at, "/*") {
            let (mut n, mut depth) = (at + 2, 1);
            while n < chars.len() && depth > 0 {
                if starts(n, "/*") {
                    (depth, n) = (depth + 1, n + 2);
                } else if starts(n, "*/") {
                    (depth, n) = (depth - 1, n + 2);
                } else {
                    n += 1;
                }
            }
            n
        } else if let Some(end) = raw_string(&chars, at) {
            end
        } else if chars[at] == '"' {
            let mut n = at + 1;
            while n < chars.len() && chars[n] != '"' {
                n += if chars[n] == '\\' { 2 } else { 1 };
            }
            n + 1
        } else if chars[at] == '\'' && (chars.get(at + 1) == Some(&'\\') || chars.get(at + 2) == Some(&'\'')) {
            let from = at + if chars.get(at + 1) == Some(&'\\') { 3 } else { 2 };
            (from..chars.len()).find(|&n| chars[n] == '\'').map_or(chars.len(), |n| n + 1)
        } else {
            out.push(chars[at]);
            at += 1;
            continue;
        };
        let end = end.min(chars.len());
        out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    out
}

/// Where the raw string that begins at `at` ends.
fn raw_string(chars: &[char], at: usize) -> Option<usize> {
    let word_before =
        at.checked_sub(1).is_some_and(|n| chars[n].is_alphanumeric() && chars[n] != 'b' || chars[n] == '_');
    if chars[at] != 'r' || word_before {
        return None;
    }
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    if chars.get(at + 1 + hashes) != Some(&'"') {
        return None;
    }
    let begin = at + 2 + hashes;
    (begin..chars.len())
        .find(|&n| chars[n] == '"' && chars[n + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes)
        .map(|n| n + 1 + hashes)
}
