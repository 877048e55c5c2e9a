//! Known names: through the scanner and through a record, without allocation, and once is as good as twice.

use crate::alloc::allocations;
use efface::RuleSet;
use efface::envelope::Format;
use efface::policy::{Policy, Source};
use efface::redact::{Options, Redactor};
use efface::scan::{Hints, NameBook, ScanConfig, Scanner, Text};
use efface::span::Span;
use efface::tally::Tally;
use proptest::prelude::*;
use std::sync::{Arc, OnceLock};

fn scanner() -> &'static Scanner {
    static SCANNER: OnceLock<Scanner> = OnceLock::new();
    SCANNER.get_or_init(|| Scanner::build(&RuleSet::builtin().unwrap(), ScanConfig::default()).unwrap())
}

fn redactor(name_fields: &[&str], book: &[&str]) -> Redactor {
    let rules = RuleSet::builtin().unwrap();
    let policy = Policy::compile(&Source::builtin("default").unwrap(), rules.entities()).unwrap();
    let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
    let mut options = Options::default();
    options.name_fields = name_fields.iter().map(|field| (*field).to_owned()).collect();
    options.book = (!book.is_empty()).then(|| Arc::new(NameBook::build(book).unwrap()));
    Redactor::build(scanner, &rules, vec![policy.lane("storage").unwrap().clone()], &options).unwrap()
}

fn run(redactor: &Redactor, format: Format, text: &str) -> String {
    let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
    redactor.redact_chunk(format, text.as_bytes(), &mut scratch, &mut tally);
    String::from_utf8(scratch.lane(0).to_vec()).unwrap()
}

#[test]
fn names_of_a_record() {
    let redactor = redactor(&["/contact/name", "/agents/*/name"], &[]);
    let check = |record: &str, want: &str| {
        assert_eq!(run(&redactor, Format::JsonLines, record), want);
        assert_eq!(run(&redactor, Format::JsonLines, want), want, "twice is once");
    };
    check(
        r#"{"contact":{"name":"Awa Ndiaye"},"text":"it is awa, tel +221 77 123 45 67, mail awa.ndiaye@example.org"}"#,
        r#"{"contact":{"name":"[PERSON]"},"text":"it is [PERSON], tel [PHONE_NUMBER], mail [EMAIL_ADDRESS]"}"#,
    );
    check(
        r#"{"text":"Regards, Zo\u00e9","agents":[{"name":"Moussa"},{"name":"Zo\u00e9 Hope"}],"cc":["moussa","we hope"]}"#,
        r#"{"text":"Regards, [PERSON]","agents":[{"name":"[PERSON]"},{"name":"[PERSON]"}],"cc":["[PERSON]","we hope"]}"#,
    );
    // The next record has other names.
    check(
        "{\"contact\":{\"name\":\"Awa\"},\"text\":\"awa\"}\n{\"contact\":{\"name\":\"Ali\"},\"text\":\"awa ali\"}\n",
        "{\"contact\":{\"name\":\"[PERSON]\"},\"text\":\"[PERSON]\"}\n{\"contact\":{\"name\":\"[PERSON]\"},\"text\":\"awa [PERSON]\"}\n",
    );
}

#[test]
fn names_of_a_tenant() {
    let redactor = redactor(&[], &["Awa Ndiaye", "José Hope Muñoz"]);
    let text = "bonjour Awa\nawa ndiaye, jose munoz et Awá\nwe hope\n";
    let want = "bonjour [PERSON]\n[PERSON], [PERSON] et [PERSON]\nwe hope\n";
    assert_eq!(run(&redactor, Format::Text, text), want);
    assert_eq!(run(&redactor, Format::Text, want), want);
}

/// Texts without anything else in them are looked at too, wherever they stand in a batch.
#[test]
fn batches() {
    let texts = ["awa", "call 112", "hello awa", "+221 77 123 45 67 awa", "nothing", "awa", "ＡＷＡ", "x"];
    let buffer = texts.join("\n");
    let with = Hints::default().names(&[b"Awa"]);
    let without = Hints::default();
    let mut spans = Vec::new();
    let mut at = 0;
    for text in texts {
        spans.push(Span::new(at, at + text.len() as u32));
        at += text.len() as u32 + 1;
    }
    let batch: Vec<_> = (spans.iter().enumerate())
        .map(|(n, &span)| Text { span, hints: if n == 5 { &without } else { &with } })
        .collect();
    let mut scratch = scanner().scratch();
    scanner().scan_batch(buffer.as_bytes(), &batch, &mut scratch);
    let found: Vec<_> = scratch.detections().iter().map(|d| (d.text, d.span.start)).collect();
    assert_eq!(found, [(0, 0), (2, 6), (3, 0), (3, 18), (6, 0)]);
}

#[test]
fn names_do_not_allocate() {
    let names: Vec<String> = (0..5000).map(|n| format!("Awa{} Ndiaye", "abcdefghij".repeat(n % 3))).collect();
    let book = NameBook::build(&names).unwrap();
    let own = ["Awa Ndiaye", "Zoé Hope", "王小明"].map(str::as_bytes);
    let hints = Hints::default().names(&own).book(Some(&book));
    let mut scratch = scanner().scratch();
    let mut scan = || {
        for text in ["merci Awa", "zoe, ndiaye awa and ＡＷＡ", "王小明 +221 77 123 45 67", "nothing here"] {
            scanner().scan(text.as_bytes(), &hints, &mut scratch).unwrap();
        }
    };
    scan();
    assert_eq!(allocations(|| (0..50).for_each(|_| scan())), 0);
}

/// What `docs` say of the memory of a book.
#[test]
fn a_large_book() {
    let names = (0..200_000_u32).map(|n| format!("{} {}", word(n), word(n.wrapping_mul(7_919))));
    let book = NameBook::build(names).unwrap();
    assert_eq!(book.len(), 200_000);
    assert!(book.bytes() < 200_000 * 96, "{} bytes", book.bytes());
}

fn word(mut n: u32) -> String {
    let mut word = String::from("X");
    for _ in 0..6 {
        word.push(char::from(b'a' + (n % 26) as u8));
        n /= 26;
    }
    word
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Redacting twice is redacting once, with names of the record and of the tenant.
    #[test]
    fn twice_is_once(
        name in "(Awa|Will|Hope|May|Jos[eé]|Ndiaye)( (Awa|Smith|May|Ndiaye))?",
        words in proptest::collection::vec("(awa|Awa|AWA|Will|will|Hope|hope|May|in|Ndiaye|Smith|the|\\.|,|\\+221771234567|a@example\\.org)", 0..12),
    ) {
        static REDACTOR: OnceLock<Redactor> = OnceLock::new();
        let redactor = REDACTOR.get_or_init(|| redactor(&["/name"], &["Hope Smith", "May Ndiaye"]));
        let record = format!(r#"{{"name":"{name}","text":"{}"}}"#, words.join(" "));
        let once = run(redactor, Format::JsonLines, &record);
        prop_assert_eq!(run(redactor, Format::JsonLines, &once), once);
    }
}
