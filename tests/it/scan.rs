//! The scanner through the front door.

use crate::oracle::Oracle;
use efface::rules::Source;
use efface::scan::simd::Level;
use efface::scan::{ScanConfig, Text};
use efface::{Hints, RuleSet, Scanner, Span};
use proptest::prelude::*;
use std::sync::OnceLock;

/// Rules of every sieve, small enough to see through.
const PACK: &str = r#"
[[rule]]
id = "t.number"
entity = "T_N1234"
kind = "OTHER_ID"
title = "Four to six digits, grouped or not"
source = "test"
sieve = "digits:4-6"
pattern = '\d{2}[ -]?\d{2}(?:[ -]?\d{1,2})?'
examples = { valid = ["1234", "12-34"], near = [{ text = "x", why = "no" }, { text = "y", why = "no" }], inline = [{ text = "a 1234", spans = [[2, 6]] }] }

[[rule]]
id = "t.letter"
entity = "T_LETTER"
kind = "OTHER_ID"
title = "Digits and a letter"
source = "test"
sieve = "digits:4"
pattern = '\d{4}-?[A-Z]'
examples = { valid = ["1234A", "1234-A"], near = [{ text = "x", why = "no" }, { text = "y", why = "no" }], inline = [{ text = "a 1234A", spans = [[2, 7]] }] }

[[rule]]
id = "t.token"
entity = "T_TOKEN"
kind = "OTHER_ID"
title = "Letters, then digits"
source = "test"
sieve = "token"
pattern = '[A-Z]{2} ?\d{2} ?[A-Z0-9]{0,3}'
examples = { valid = ["AB12", "AB 12"], near = [{ text = "x", why = "no" }, { text = "y", why = "no" }], inline = [{ text = "a AB12", spans = [[2, 6]] }] }

[[rule]]
id = "t.script"
entity = "T_SCRIPT"
kind = "OTHER_ID"
title = "Letters above ASCII, then digits"
source = "test"
sieve = "script"
pattern = '\d?(?:\xe0\xb8[\x81-\xae]|\xd0[\x90-\xaf]){1,3}[ -]?[A-Z]{0,2}\d{1,4}'
examples = { valid = ["กข 12", "1ДЖ12"], near = [{ text = "x", why = "no" }, { text = "y", why = "no" }], inline = [{ text = "a กข12", spans = [[2, 10]] }] }

[[rule]]
id = "t.long"
entity = "T_LONG"
kind = "API_KEY"
title = "A key"
source = "test"
sieve = "long"
pattern = 'A-?[a-zA-Z0-9]{8}'
tail = { class = '[A-Za-z0-9_-]', max = 40, trim = "-" }
examples = { valid = ["Aaaaaaaaaaaaaaaa", "A-aaaaaaaaaaaaaa"], near = [{ text = "x", why = "no" }, { text = "y", why = "no" }], inline = [{ text = "a Aaaaaaaaaaaaaaaa", spans = [[2, 18]] }] }

[[rule]]
id = "t.colon"
entity = "T_COLON"
kind = "MAC_ADDRESS"
title = "Hexadecimal and colons"
source = "test"
sieve = "colon"
pattern = '[0-9A-Fa-f]{1,2}(?::[0-9A-Fa-f]{1,2}){2,3}'
examples = { valid = ["a:b:c", "1:2:3"], near = [{ text = "x", why = "no" }, { text = "y", why = "no" }], inline = [{ text = "a a:b:c", spans = [[2, 7]] }] }

[[rule]]
id = "t.dashes"
entity = "T_DASHES"
kind = "API_KEY"
title = "Armour"
source = "test"
sieve = "dashes"
pattern = '-----A'
tail = { class = '[A-Za-z0-9 -]', max = 60, until = "-----Z" }
examples = { valid = ["-----A", "-----A -----Z"], near = [{ text = "x", why = "no" }, { text = "y", why = "no" }], inline = [{ text = "a -----A", spans = [[2, 8]] }] }

[[rule]]
id = "t.mail"
entity = "T_MAIL"
kind = "EMAIL_ADDRESS"
title = "Mail"
source = "test"
sieve = "at"
pattern = '[A-Za-z0-9._-]{1,20}@[a-z]{1,10}\.[a-z]{2,4}'
examples = { valid = ["a@b.cd", "1@b.cd"], near = [{ text = "x", why = "no" }, { text = "y", why = "no" }], inline = [{ text = "a a@b.cd", spans = [[2, 8]] }] }
"#;

fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| {
        RuleSet::from_sources(&[Source { name: "test.toml".to_owned(), text: PACK.to_owned() }]).expect("loads")
    })
}

fn everything() -> ScanConfig {
    ScanConfig { min_score: 0, ..ScanConfig::default() }
}

/// Text in which rules, guards and neighbours meet often.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let piece = proptest::sample::select(vec![
        "1",
        "12",
        "1234",
        "12 34",
        "12-34",
        "AB",
        "AB12",
        "AB 12 C",
        "A",
        "x",
        "zz",
        " ",
        " ",
        " ",
        "-",
        ".",
        ",",
        ":",
        "/",
        "+",
        "@",
        "a@b.cd",
        "://",
        "-----",
        "-----A",
        "-----Z",
        "a:b",
        "fe:1",
        "_",
        "Aaaaaaaaaaaaaaaa",
        "A-bbbbbbbbbbbbbbb",
        "tok_",
        "[T_NUMBER]",
        "[ISO11649_X]",
        "]",
        "[",
        "é",
        "ก",
        "กข",
        "Д",
        "1234A",
        "2026-05-14T12:23:34",
        "2026-05-14 12:23:34.567Z",
        "+0200",
        "2026-05-14 12:23:34",
        "Z",
        "12AB12CD-1234-1234-1234-12345678AB12",
        "12345678-1234-1234-1234-ABCDEF123456",
        "ABCDEFAB-1234-1234-1234-123456789012",
    ]);
    proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat().into_bytes())
}

fn is_plain(id: &str) -> bool {
    id != "t.mail"
}

/// What stands between two texts that are classified apart; none of it is text.
const FAR: &str = "\", 4111 1111 1111 1111 [+221771234567, \"a@b.example\", \"https://example.org/8\", 2001:db8::1, 536-22-1234, \
                   -----BEGIN, \"ghp_000000000000000000000000000000000000\"], \u{e9}\u{ff11} 10.1.2.3 \"";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_fast_scanner_finds_what_the_slow_one_finds(text in texts()) {
        static PARTS: OnceLock<(Vec<Scanner>, Oracle)> = OnceLock::new();
        let (scanners, oracle) = PARTS.get_or_init(|| {
            let levels = Level::available();
            let build = |&level: &Level| Scanner::build_for(rules(), everything(), level).expect("builds");
            (levels.iter().map(build).collect(), Oracle::new(rules()))
        });
        let slow = oracle.candidates(&text);
        for scanner in scanners {
            let fast = scanner.candidates(&text, &Hints::default(), &mut scanner.scratch());
            let fast: Vec<_> = fast.into_iter().filter(|(id, _)| is_plain(&rules().rule(*id).unwrap().id)).collect();
            prop_assert_eq!(&fast, &slow, "{:?}", String::from_utf8_lossy(&text));
        }
    }

    #[test]
    fn a_batch_is_so_many_times_one(texts in proptest::collection::vec(texts(), 0..12), gaps in proptest::collection::vec(
        proptest::sample::select(vec!["", "\n", "\"", "x", "1", "-", ":", "  \"key\": \"", FAR]), 12)) {
        let mut buffer = Vec::new();
        let mut spans = Vec::new();
        for (text, gap) in texts.iter().zip(&gaps) {
            buffer.extend_from_slice(gap.as_bytes());
            let start = u32::try_from(buffer.len()).unwrap();
            buffer.extend_from_slice(text);
            spans.push(Span::new(start, u32::try_from(buffer.len()).unwrap()));
        }
        let hints = Hints::default();
        let batch: Vec<Text> = spans.iter().map(|&span| Text { span, hints: &hints }).collect();
        for level in Level::available() {
            let scanner = Scanner::build_for(rules(), everything(), level).unwrap();
            let mut scratch = scanner.scratch();
            scanner.scan_batch(&buffer, &batch, &mut scratch);
            let together = scratch.detections().to_vec();
            let mut apart = Vec::new();
            for (n, text) in texts.iter().enumerate() {
                for &detection in scanner.scan(text, &hints, &mut scratch).unwrap() {
                    apart.push(efface::Detection { text: u32::try_from(n).unwrap(), ..detection });
                }
            }
            prop_assert_eq!(&together, &apart);
        }
    }

    #[test]
    fn detections_are_sorted_disjoint_and_on_character_boundaries(text in texts()) {
        let scanner = Scanner::build(rules(), everything()).unwrap();
        let mut scratch = scanner.scratch();
        let found = scanner.scan(&text, &Hints::default(), &mut scratch).unwrap();
        let string = std::str::from_utf8(&text).unwrap();
        for pair in found.windows(2) {
            prop_assert!(pair[0].span.end <= pair[1].span.start);
        }
        for d in found {
            prop_assert!(!d.span.is_empty());
            prop_assert!(string.is_char_boundary(d.span.start as usize) && string.is_char_boundary(d.span.end as usize));
        }
    }
}

/// Text made of the shipped rules' own examples, run together in ways that people and logs do.
fn shipped_texts() -> impl Strategy<Value = Vec<u8>> {
    let rules = RuleSet::builtin().unwrap();
    let examples = rules.rules().iter().flat_map(|rule| {
        let e = rule.examples.clone();
        e.valid.into_iter().chain(e.invalid.into_iter().map(|c| c.0)).chain(e.near.into_iter().map(|c| c.0))
    });
    let mut pieces: Vec<String> = examples.filter(|text| text.is_ascii() && text.len() < 80).collect();
    pieces.extend([" ", " ", " ", "-", ".", ":", "/", "1", "A", "x9"].map(str::to_owned));
    let uuids = [
        "d178f60e-4991-1866-5246-ae8eee9a70a3",
        "12345678-1234-5678-9012-AE8EEE9A70A3",
        "xoxb-12345678-1234-5678-9012-ae8eee9a70a3",
    ];
    pieces.extend((0..20).map(|n| uuids[n % 3].to_owned()));
    proptest::collection::vec((proptest::sample::select(pieces), any::<bool>()), 1..6).prop_map(|pieces| {
        pieces.into_iter().map(|(p, gap)| if gap { p + " " } else { p }).collect::<String>().into_bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_fast_scanner_finds_what_the_slow_one_finds_with_the_shipped_rules(text in shipped_texts()) {
        static PARTS: OnceLock<(Vec<Scanner>, Oracle)> = OnceLock::new();
        let (scanners, oracle) = PARTS.get_or_init(|| {
            let rules = RuleSet::builtin().unwrap().select(|rule, _| Oracle::knows(rule.sieve));
            let build = |&level: &Level| Scanner::build_for(&rules, ScanConfig::default(), level).expect("builds");
            (Level::available().iter().map(build).collect(), Oracle::new(&rules))
        });
        let slow = oracle.candidates(&text);
        for scanner in scanners {
            let fast = scanner.candidates(&text, &Hints::default(), &mut scanner.scratch());
            prop_assert_eq!(&fast, &slow, "{:?}", String::from_utf8_lossy(&text));
        }
    }
}

#[track_caller]
fn check(what: &str, text: &str, want: &[(&str, &str)]) {
    for level in Level::available() {
        let scanner = Scanner::build_for(rules(), everything(), level).unwrap();
        let mut scratch = scanner.scratch();
        let found = scanner.scan(text.as_bytes(), &Hints::default(), &mut scratch).unwrap();
        let found: Vec<_> =
            found.iter().map(|d| (rules().rule(d.rule).unwrap().id.as_str(), &text[d.span.range()])).collect();
        assert_eq!(found, want, "{what}, {level:?}: {text}");
    }
}

#[test]
fn starts_of_addresses() {
    check("plain", "mail a.b@cd.ef now", &[("t.mail", "a.b@cd.ef")]);
    check("after punctuation", "(..a@cd.ef)", &[("t.mail", "a@cd.ef")]);
    check("after a colon", "mailto:a@cd.ef", &[("t.mail", "a@cd.ef")]);
    check("at the start", "a@cd.ef", &[("t.mail", "a@cd.ef")]);
    check("after another script", "邮箱a@cd.ef", &[("t.mail", "a@cd.ef")]);
    check("two", "a@cd.ef,b@cd.ef", &[("t.mail", "a@cd.ef"), ("t.mail", "b@cd.ef")]);
    check("nothing before", "@cd.ef", &[]);
}

#[test]
fn letters_above_ascii_before_numbers() {
    check("a blank between", "a กข 12", &[("t.script", "กข 12")]);
    check("a digit before", "1Д12 x", &[("t.script", "1Д12")]);
    check("the last three of a script without blanks", "กกกข12", &[("t.script", "กกข12")]);
    check("a word too long", "ДДДД12", &[]);
    check("behind a word", "xД12", &[]);
    check("letters and digits behind", "ก AB12", &[("t.script", "ก AB12")]);
}

#[test]
fn folded() {
    check("Arabic-Indic digits", "رقم ١٢٣٤ ok", &[("t.number", "١٢٣٤")]);
    check("full width", "ａ＠ｃｄ．ｅｆ!", &[("t.mail", "ａ＠ｃｄ．ｅｆ")]);
    check("zero width inside", "12\u{200b}34", &[("t.number", "12\u{200b}34")]);
}

/// A date with a time hides nothing that is longer than its seconds.
#[test]
fn no_value_hides_in_a_time() {
    check("seconds", "2026-05-14 12:23:34 x", &[]);
    check("a number for seconds", "2026-05-14 12:23:AB12 x 1234", &[("t.token", "AB12"), ("t.number", "1234")]);
}

/// A value is found wherever it stands against the blocks of 64 bytes that the first pass reads.
#[test]
fn every_offset() {
    let rules = RuleSet::builtin().unwrap();
    let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
    let mut scratch = scanner.scratch();
    for rule in rules.rules().iter().filter(|rule| rule.sieve != efface::rules::Sieve::Phone) {
        let regions: Vec<_> = rule.examples.region.into_iter().collect();
        let hints = Hints::default().regions(&regions);
        for (text, _) in &rule.examples.inline {
            let alone: Vec<_> = scanner.scan(text.as_bytes(), &hints, &mut scratch).unwrap().to_vec();
            for before in 1..130 {
                let moved = format!("{}\n{text}", " ".repeat(before - 1));
                let found = scanner.scan(moved.as_bytes(), &hints, &mut scratch).unwrap();
                let spans = |d: &[efface::Detection], by: u32| {
                    d.iter().map(|d| (d.entity, d.span.start - by, d.span.end - by)).collect::<Vec<_>>()
                };
                let by = u32::try_from(before).unwrap();
                assert_eq!(spans(found, by), spans(&alone, 0), "{}: {text:?} after {before} bytes", rule.id);
            }
        }
    }
}

/// A character that nobody sees changes nothing, wherever in a value it stands.
#[test]
fn invisible_characters_hide_nothing() {
    let rules = RuleSet::builtin().unwrap();
    let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
    let mut scratch = scanner.scratch();
    for rule in rules.rules() {
        let regions: Vec<_> = rule.examples.region.into_iter().collect();
        let hints = Hints::default().regions(&regions);
        for (text, _) in &rule.examples.inline {
            let plain = scanner.scan(text.as_bytes(), &hints, &mut scratch).unwrap().to_vec();
            for (at, _) in text.char_indices().skip(1) {
                let invisible = if at % 2 == 0 { '\u{200b}' } else { '\u{ad}' };
                let written = format!("{}{invisible}{}", &text[..at], &text[at..]);
                let found = scanner.scan(written.as_bytes(), &hints, &mut scratch).unwrap();
                let values = |text: &str, found: &[efface::Detection]| {
                    let value = |span: efface::Span| text[span.range()].replace(['\u{200b}', '\u{ad}'], "");
                    found.iter().map(|d| (d.entity, value(d.span))).collect::<Vec<_>>()
                };
                assert_eq!(values(&written, found), values(text, &plain), "{}: {written:?}", rule.id);
            }
        }
    }
}

#[test]
fn labels_are_not_found_again() {
    check("label with digits", "[T_N1234]", &[]);
    check("a value in brackets", "[AB12] [1234]", &[("t.token", "AB12"), ("t.number", "1234")]);
    check("a bracket is not a label", "[1234 ]", &[("t.number", "1234")]);
}

#[test]
fn work_is_bounded() {
    let limits = efface::limits::Limits { detections: 3, candidates: 20, ..Default::default() };
    let scanner = Scanner::build(rules(), ScanConfig { min_score: 0, limits }).unwrap();
    let mut scratch = scanner.scratch();
    assert!(scanner.scan(b"1234 x 1234 x 1234", &Hints::default(), &mut scratch).is_ok());
    assert!(scanner.scan(b"1234 x 1234 x 1234 x 1234", &Hints::default(), &mut scratch).is_err());
    assert!(scanner.scan(&b"1234 ".repeat(30), &Hints::default(), &mut scratch).is_err());
    assert!(scanner.scan(b"nothing", &Hints::default(), &mut scratch).is_ok(), "a fault does not stick");
}
