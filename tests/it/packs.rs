//! The packs that ship, and what the loader says about packs that are wrong.

use efface::check;
use efface::rules::{RuleSet, Sieve, Source};
use efface::scan::Validator;
use proptest::prelude::*;
use std::path::Path;

const RULE: &str = r#"[[rule]]
id       = "test.rule"
entity   = "TEST"
kind     = "OTHER_ID"
title    = "A rule of a test"
source   = "this test"
sieve    = "digits:4"
pattern  = '\d{4}'
[rule.examples]
valid  = ["1234", "5678"]
near   = [{ text = "12345", why = "five" }, { text = "x1234", why = "a letter" }]
inline = [{ text = "no 1234", spans = [[3, 7]] }]
"#;

/// Loads [`RULE`] with one line replaced (an empty key adds none) and compares the message.
#[track_caller]
fn refuses(name: &str, line: &str, instead: &str, expected: (usize, &str, &str)) {
    assert!(RULE.contains(line), "{name}: no such line");
    let text = RULE.replacen(line, instead, 1);
    let err = RuleSet::from_sources(&[Source { name: "a.toml".to_owned(), text }]).expect_err(name);
    let (at, what, hint) = expected;
    let message = err.to_string();
    assert!(message.starts_with(&format!("a.toml:{at}: ")), "{name}: {message}");
    assert!(err.what.contains(what), "{name}: {message}");
    assert!(err.hint.contains(hint), "{name}: {message}");
}

#[test]
fn loader_names_line_and_hint() {
    let pattern = r"pattern  = '\d{4}'";
    let sieve = r#"sieve    = "digits:4""#;
    RuleSet::from_sources(&[Source { name: "a.toml".to_owned(), text: RULE.to_owned() }]).unwrap();

    refuses("broken TOML", pattern, "pattern  = '", (8, "", "patterns/README.md"));
    refuses("unknown key", pattern, "patern = ''", (8, "unknown field `patern`", "patterns/README.md"));
    refuses("unknown evidence", sieve, "evidence = { shap = 1 }", (7, "unknown field `shap`", "README"));
    refuses("unknown kind", "OTHER_ID", "OTHER_IDS", (4, "unknown kind: OTHER_IDS", "one of: EMAIL_ADDRESS"));
    refuses("bad entity", "\"TEST\"", "\"Test\"", (3, "bad entity name: Test", "upper-case"));
    refuses("bad id", "test.rule", "Test rule", (2, "bad rule id: Test rule", "lower-case letters"));
    refuses("no source", "this test", " ", (6, "source is empty", "authority"));
    refuses("unknown sieve", "digits:4", "digit:4", (7, "unknown sieve: digit:4", "one of: digits:N"));
    refuses("sieve of none", "digits:4", "digits:0-4", (7, "unknown sieve", "digits:N-M"));
    refuses("no pattern", pattern, "", (1, "rule test.rule has no pattern", "add `pattern"));
    refuses("phone with a pattern", "digits:4", "phone", (8, "a phone rule has no pattern", "remove `pattern`"));
    refuses("unbounded *", r"\d{4}", r"\d*", (8, "unbounded repeat", "upper bound"));
    refuses("unbounded +", r"\d{4}", r"(?:ab)+", (8, "unbounded repeat", "`tail`"));
    refuses("unbounded {n,}", r"\d{4}", r"\d{4,}", (8, "unbounded repeat", "upper bound"));
    refuses("empty match", r"\d{4}", r"\d{0,4}", (8, "matches the empty text", "required"));
    refuses("too long", r"\d{4}", r"\d{300}", (8, "300 bytes, the limit is 256", "`tail`"));
    refuses("word boundary", r"\d{4}", r"\b\d{4}", (8, "looks around", "guard"));
    refuses("anchor", r"\d{4}", r"\d{4}$", (8, "looks around", "guard"));
    refuses("look-ahead", r"\d{4}", r"\d{4}(?=x)", (8, "pattern cannot be read", "no look-around"));
    refuses("unclosed group", r"\d{4}", r"(\d{4}", (8, "pattern cannot be read", "regex crate"));
    refuses("unknown check", sieve, &format!("{sieve}\ncheck = \"lun\""), (8, "unknown check: lun", "luhn"));
    refuses("unknown guard", sieve, &format!("{sieve}\nguard = \"wrod\""), (8, "unknown guard: wrod", "dots, colons"));
    refuses("unknown gate", sieve, &format!("{sieve}\ngate = \"word\""), (8, "unknown gate: word", "context"));
    refuses("gate, no words", sieve, &format!("{sieve}\ngate = \"context\""), (1, "asks for context", "add `context"));
    refuses("country", sieve, &format!("{sieve}\ncountry = \"GBR\""), (8, "not a country: GBR", "ISO 3166-1"));
    refuses(
        "upper-case word",
        sieve,
        &format!("{sieve}\ncontext = [\"Tel\"]"),
        (8, "bad context phrase: Tel", "lower"),
    );
    refuses(
        "long phrase",
        sieve,
        &format!("{sieve}\ncontext = [\"a b c d e f\"]"),
        (8, "bad context phrase", "one to 5"),
    );
    let tail = |tail: &str| format!("{pattern}\ntail = {tail}");
    refuses("tail of none", pattern, &tail("{ class = '[a-z]', max = 0 }"), (9, "tail max is out of bounds", "65536"));
    refuses("tail of two", pattern, &tail("{ class = '[a-z]b', max = 9 }"), (9, "not one character class", "[A-Za"));
    refuses("no examples", "[rule.examples]\n", "[rule.examples]\nnone = 1\n", (10, "unknown field `none`", "README"));
    refuses("few valid", ", \"5678\"", "", (9, "has 1 `valid` examples, needs 2", "2 valid"));
    refuses("few near", "near   =", "invalid =", (9, "has 0 `near` examples, needs 2", "2 near"));
    refuses("span outside", "[3, 7]", "[3, 8]", (12, "span 3..8 is not in the text", "bytes"));
    refuses("span in a character", "no 1234", "noé1234", (12, "cuts a character", "bytes"));
}

#[test]
fn loader_refuses_what_a_second_pack_may_not_do() {
    let again = |from: &str, to: &str| {
        let first = Source { name: "a.toml".to_owned(), text: RULE.to_owned() };
        let second = Source { name: "b.toml".to_owned(), text: RULE.replacen(from, to, 1) };
        RuleSet::from_sources(&[first, second]).map(|set| set.rules().len()).map_err(|err| err.to_string())
    };
    assert!(again("TEST", "TEST").unwrap_err().starts_with("b.toml:2: rule id is taken: test.rule"));
    let kind = RULE.replacen("test.rule", "test.other", 1).replacen("OTHER_ID", "TAX_ID", 1);
    assert!(again(RULE, &kind).unwrap_err().starts_with("b.toml:3: TEST is of kind OTHER_ID elsewhere"));
    assert_eq!(again("test.rule", "test.other"), Ok(2));
}

#[test]
fn checked_rules_need_more_examples() {
    let checked = RULE.replacen("sieve ", "check = \"luhn\"\nsieve ", 1);
    let err = RuleSet::from_sources(&[Source { name: "a.toml".to_owned(), text: checked }]).unwrap_err();
    assert!(err.what.contains("has 0 `invalid` examples, needs 2"), "{err}");
}

#[test]
fn every_pack_is_embedded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut on_disk = Vec::new();
    collect(&root.join("patterns"), &mut on_disk);
    // Policies are no rule packs; they are embedded by their own room.
    // So are profiles of envelopes.
    on_disk.retain(|path| !["policy", "envelope"].iter().any(|own| path.starts_with(root.join("patterns").join(own))));
    let set = RuleSet::builtin().unwrap();
    let mut from_disk = RuleSet::default();
    for path in &on_disk {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        from_disk.extend(&[Source { name, text }]).unwrap_or_else(|err| panic!("{err}"));
    }
    let facts = |set: &RuleSet| {
        let mut rules: Vec<_> = set.rules().iter().map(|rule| (rule.pack.clone(), rule.id.clone())).collect();
        let prohibited = set.prohibited().iter().map(|words| format!("{words:?}"));
        let everyday = set.everyday().iter().map(|words| format!("{words:?}")).chain(prohibited);
        let mut words: Vec<_> = set.contexts().iter().map(|words| format!("{words:?}")).chain(everyday).collect();
        rules.sort();
        words.sort();
        (rules, words)
    };
    assert_eq!(facts(&set), facts(&from_disk), "a pack below patterns/ is not listed in src/rules/pack.rs");
}

fn collect(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "toml") {
            files.push(path);
        }
    }
    files.sort();
}

#[test]
fn ids_begin_with_their_pack() {
    for rule in RuleSet::builtin().unwrap().rules() {
        let stem = Path::new(&rule.pack).file_stem().unwrap().to_str().unwrap();
        if rule.pack.contains("/country/") {
            assert!(rule.id.starts_with(&format!("{stem}.")), "{} in {}", rule.id, rule.pack);
        }
    }
}

#[test]
fn examples_validate() {
    let set = RuleSet::builtin().unwrap();
    let validator = Validator::build(&set).unwrap();
    let mut wrong = Vec::new();
    for rule in set.rules().iter().filter(|rule| rule.validates) {
        let entity = &set.entity(rule.entity).unwrap().name;
        // No text says of itself that it is somebody's name.
        if rule.sieve == Sieve::Name {
            assert_eq!(validator.is_valid(entity, rule.examples.valid[0].as_bytes(), None), None);
            continue;
        }
        let is_valid = |text: &str| validator.is_valid(entity, text.as_bytes(), rule.examples.region).unwrap();
        for text in rule.examples.valid.iter().filter(|text| !is_valid(text)) {
            wrong.push(format!("{}: not valid: {text}", rule.id));
        }
        for (text, why) in rule.examples.invalid.iter().filter(|(text, _)| is_valid(text)) {
            wrong.push(format!("{}: valid, though {why}: {text}", rule.id));
        }
        for (text, spans) in &rule.examples.inline {
            for &(start, end) in spans.iter().filter(|&&(start, end)| !is_valid(&text[start as usize..end as usize])) {
                wrong.push(format!("{}: not valid: {}", rule.id, &text[start as usize..end as usize]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn check_names_are_taken_once() {
    let mut names: Vec<_> = check::all().map(|check| check.name).collect();
    let n_names = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), n_names);
    assert!(check::by_name("luhn").is_some() && check::by_name("").is_none());
}

proptest! {
    /// No check panics, whatever it is given.
    #[test]
    fn checks_take_any_bytes(text in proptest::collection::vec(any::<u8>(), 0..80)) {
        for check in check::all() {
            let _ = (check.run)(&text);
        }
    }

    /// No check panics on what looks almost right.
    #[test]
    fn checks_take_any_compact_text(text in "[0-9A-Z:./@%-]{0,70}") {
        for check in check::all() {
            let _ = (check.run)(text.as_bytes());
        }
    }
}

/// Bytes that no scheme allows are refused by every check.
#[test]
fn checks_refuse_garbage() {
    for check in check::all() {
        for text in [&b""[..], b"\xff\xfe", b"\0", b"   ", b"\n\n\n\n\n\n\n\n\n\n\n", &[0xe9; 64], &[b'/'; 64]] {
            assert!(!(check.run)(text), "{}", check.name);
        }
    }
}
