//! What is explained is what is scanned.

use efface::ids::Region;
use efface::rules::Want;
use efface::scan::{Edge, Explained, Explainer, Fate, Refusal, ScanConfig, Scratch, What};
use efface::{Hints, RuleSet, Scanner, Span};
use proptest::prelude::*;
use std::sync::OnceLock;

struct House {
    rules: RuleSet,
    scanner: Scanner,
}

fn house() -> &'static House {
    static HOUSE: OnceLock<House> = OnceLock::new();
    HOUSE.get_or_init(|| {
        let rules = RuleSet::builtin().expect("loads");
        let scanner = Scanner::build(&rules, ScanConfig::default()).expect("builds");
        House { rules, scanner }
    })
}

fn explainer() -> &'static Explainer<'static> {
    static EXPLAINER: OnceLock<Explainer<'static>> = OnceLock::new();
    EXPLAINER.get_or_init(|| Explainer::new(&house().scanner, &house().rules))
}

/// Asserts that what is told as reported is what is detected, and that evidence adds up.
#[track_caller]
fn same(text: &[u8], hints: &Hints<'_>, scratch: &mut Scratch) {
    let explained = explainer().explain(text, hints).expect("within limits");
    agrees(&explained, text, hints, scratch);
}

#[track_caller]
fn agrees(explained: &[Explained], text: &[u8], hints: &Hints<'_>, scratch: &mut Scratch) {
    let shown = || String::from_utf8_lossy(text).into_owned();
    let mut told: Vec<_> = (explained.iter())
        .filter_map(|of| match &of.fate {
            Fate::Reported { pieces, rival } => Some((of, pieces, *rival)),
            _ => None,
        })
        .flat_map(|(of, pieces, rival)| pieces.iter().map(move |&span| (span, of.rule, of.entity, of.score, rival)))
        .collect();
    // Two candidates of one rule may share a piece.
    told.sort_by_key(|told| (told.0, told.1));
    told.dedup();
    let found = house().scanner.scan(text, hints, scratch).expect("within limits");
    let found: Vec<_> = found.iter().map(|d| (d.span, d.rule, d.entity, d.score, d.rival)).collect();
    assert_eq!(told, found, "{}", shown());
    for of in explained {
        let sum: i16 = of.observations.iter().map(|o| o.worth).sum();
        assert_eq!(sum, of.evidence, "{}", shown());
        assert!(of.span.end as usize <= text.len(), "{}", shown());
    }
}

#[test]
fn what_is_reported_is_what_scan_finds_in_every_example() {
    let mut scratch = house().scanner.scratch();
    for rule in house().rules.rules() {
        let examples = &rule.examples;
        let regions = examples.region.as_slice();
        let words = rule.context.first().map_or("", String::as_str);
        let texts = (examples.valid.iter().cloned())
            .chain(examples.valid.iter().map(|text| format!("{words} {text}, ok?")))
            .chain(examples.invalid.iter().chain(&examples.near).map(|(text, _)| text.clone()))
            .chain(examples.inline.iter().map(|(text, _)| text.clone()));
        let hints = Hints::default().regions(regions);
        for text in texts {
            let explained = explainer().weighed(text.as_bytes(), &hints).expect("within limits");
            agrees(&explained, text.as_bytes(), &hints, &mut scratch);
        }
        // What did not get as far is looked for in one of them; that is dear.
        if let Some((text, _)) = examples.inline.first() {
            same(text.as_bytes(), &hints, &mut scratch);
        }
    }
}

/// Texts in which values, words and neighbours meet.
fn texts() -> impl Strategy<Value = (String, bool, Option<String>)> {
    let rules = house().rules.rules();
    let value = (0..rules.len(), 0..50_u64).prop_map(|(at, n)| {
        let rule = &house().rules.rules()[at];
        // Values are dear where only a hash decides.
        let examples = &rule.examples.valid;
        match examples.get(usize::try_from(n).unwrap() % examples.len().max(1)) {
            Some(example) => example.clone(),
            None => rule.sample(n, Want::Valid).unwrap_or_default(),
        }
    });
    let word = (0..rules.len(), 0..8_usize).prop_map(|(at, n)| {
        let words = &house().rules.rules()[at].context;
        words.get(n % words.len().max(1)).cloned().unwrap_or_default()
    });
    let filler = prop::sample::select(vec![
        " ",
        ", ",
        ". ",
        " - ",
        "/",
        ":",
        "no ",
        "tel ",
        "id ",
        "+221 77 123 45 67",
        "0612345678",
        "ana@example.org",
        "2026-05-14T12:23:34Z",
        "[US_SSN]",
        "12",
        "1",
        "x",
        "٠٧٧ ١٢٣",
        "電話",
        "…",
        "tok_ph_mbbb_xyz",
    ]);
    let piece = prop_oneof![3 => value, 2 => word, 4 => filler.prop_map(str::to_owned)];
    let field = prop::option::of(prop::sample::select(vec!["phone", "cpf", "taxNumber", "note", "card_no"]));
    (prop::collection::vec(piece, 1..9), any::<bool>(), field).prop_map(|(pieces, blanks, field)| {
        (pieces.join(if blanks { " " } else { "" }), blanks, field.map(str::to_owned))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn what_is_reported_is_what_scan_finds_in_any_text((text, home, field) in texts()) {
        let regions = [Region::new(b"SN").unwrap(), Region::new(b"US").unwrap()];
        let hints = Hints::default().regions(if home { &regions } else { &[] }).field(field.as_deref());
        same(text.as_bytes(), &hints, &mut house().scanner.scratch());
    }

    #[test]
    fn bytes_that_are_no_text_are_explained_too(text in prop::collection::vec(prop_oneof![any::<u8>(), b'0'..=b'9'], 0..60)) {
        same(&text, &Hints::default(), &mut house().scanner.scratch());
    }
}

fn told(text: &str, region: &str, rule: &str) -> Option<Explained> {
    let region = Region::new(region.as_bytes());
    let hints = Hints::default().regions(region.as_slice());
    let of = |explained: &Explained| house().rules.rule(explained.rule).is_some_and(|of| of.id == rule);
    explainer().explain(text.as_bytes(), &hints).expect("within limits").into_iter().find(of)
}

/// Asserts what became of the first candidate of a rule.
#[track_caller]
fn check(why: &str, text: &str, region: &str, rule: &str, place: (u32, u32), is: impl Fn(&Fate) -> bool) {
    let of = told(text, region, rule).unwrap_or_else(|| panic!("{why}: no candidate"));
    assert_eq!(of.span, Span::new(place.0, place.1), "{why}");
    assert!(is(&of.fate), "{why}: {:?}", of.fate);
}

#[test]
fn fates() {
    let reported = |fate: &Fate| matches!(fate, Fate::Reported { .. });
    let digit = |fate: &Fate| *fate == Fate::Refused(Refusal::CheckDigit);
    let never = |fate: &Fate| *fate == Fate::Refused(Refusal::NeverIssued);
    check("found", "meu cpf é 529.982.247-25", "", "br.cpf", (11, 25), reported);
    check("a wrong digit", "meu cpf é 529.982.247-26", "", "br.cpf", (11, 25), digit);
    check("never issued", "meu cpf é 111.111.111-11", "", "br.cpf", (11, 25), |fate| matches!(fate, Fate::Refused(_)));
    check("never issued, no check digit", "my ssn is 000-22-1234", "", "us.ssn", (10, 21), never);
    check("goes on", "cpf 529.982.247-251", "", "br.cpf", (4, 18), |fate| *fate == Fate::Guarded);
    check("other scripts' digits", "cpf ５29.982.247-26", "", "br.cpf", (4, 20), digit);
    check("no plan", "call 77 123 45 67", "", "phone", (5, 17), |fate| *fate == Fate::NoPlan);
    check("found where it is at home", "call 77 123 45 67", "SN", "phone", (5, 17), reported);
}

#[test]
fn words_are_told_with_their_places() {
    let of = told("my ssn is 536-22-1234", "", "us.ssn").expect("found");
    let words = of.observations.iter().find_map(|o| match &o.what {
        What::Context(words) => Some(words),
        _ => None,
    });
    let words = words.expect("a word beside it");
    assert!(words.iter().any(|word| word.phrase == "ssn" && word.span == Some(Span::new(3, 6))));
}

#[test]
fn who_beats_whom_and_why() {
    let text = "card 4111 1111 1111 1111";
    let explained = explainer().explain(text.as_bytes(), &Hints::default()).expect("within limits");
    for of in &explained {
        if let Fate::Beaten { edge, .. } = of.fate {
            assert!(matches!(edge, Edge::Evidence | Edge::Specific | Edge::Longer | Edge::Earlier | Edge::First));
        }
    }
    assert!(explained.iter().any(|of| matches!(of.fate, Fate::Reported { .. })));
}
