//! Cases that other detectors' own tests assert: whole values through the validator, messages through the scanner.
//!
//! A case to detect passes when every expected span has a detection of the entity over it and, unless the case lists only
//! a part, no detection of the entity stands elsewhere. Another entity in the same text is no fault.

use super::corpus::{Ask, Case, Doubt};
use super::score::{Failure, Found, Keep, Went};
use super::select::{Names, Selection};
use crate::ids::Region;
use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Says whether the whole text is a well-formed value of the entity; nothing for an entity that it does not know.
pub type Validate<'v> = &'v (dyn Fn(&str, &[u8], Option<Region>) -> Option<bool> + Sync);

/// How many cases of one sort there are and how many passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// Cases.
    pub n: u64,
    /// Of these, passed.
    pub passed: u64,
}

impl Passed {
    fn count(&mut self, passed: bool) {
        self.n += 1;
        self.passed += u64::from(passed);
    }

    fn add(&mut self, other: Self) {
        self.n += other.n;
        self.passed += other.passed;
    }
}

/// The four sorts of case, and the first of two finer ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sorts {
    /// Valid values that validate.
    pub validate_valid: Passed,
    /// Values that are not valid and do not validate.
    pub validate_invalid: Passed,
    /// Messages with the entity in them, found.
    pub detect_present: Passed,
    /// The same, with the expected bounds.
    pub detect_exact: Passed,
    /// Messages without the entity, nothing of it found.
    pub detect_absent: Passed,
}

impl Sorts {
    /// Returns all four sorts in one.
    #[must_use]
    pub fn all(&self) -> Passed {
        let mut all = Passed::default();
        for sort in [self.validate_valid, self.validate_invalid, self.detect_present, self.detect_absent] {
            all.add(sort);
        }
        all
    }

    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        self.validate_valid.add(other.validate_valid);
        self.validate_invalid.add(other.validate_invalid);
        self.detect_present.add(other.detect_present);
        self.detect_exact.add(other.detect_exact);
        self.detect_absent.add(other.detect_absent);
    }
}

/// Cases that are not scored, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// No entity at all, or no personal data.
    pub pseudo: u64,
    /// The expectation is disputed.
    pub contested: u64,
    /// Junk between the digits.
    pub noisy: u64,
    /// By shape alone.
    pub weak: u64,
    /// No rule looks for the entity.
    pub unknown: u64,
    /// Outside of the selection.
    pub not_selected: u64,
    /// No validator was given.
    pub not_run: u64,
}

/// Everything counted over cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PeerTallies {
    /// Cases read.
    pub n_cases: u64,
    /// Cases not scored.
    pub left_out: LeftOut,
    /// By entity.
    pub entities: BTreeMap<String, Sorts>,
    /// Cases that failed, in the order read, as many as asked for.
    pub failures: Vec<Failure>,
}

/// Compares cases with what the scanner found and the validator says. `found` holds one list per case, in their order;
/// the lists of cases to validate are not read.
pub(super) fn judge(
    cases: &[Case],
    found: &[Vec<Found>],
    validate: Option<Validate<'_>>,
    default_region: Option<Region>,
    selection: &Selection,
    names: &Names,
    keep: Keep,
) -> PeerTallies {
    let mut tallies = PeerTallies { n_cases: cases.len() as u64, ..PeerTallies::default() };
    let left_out = &mut tallies.left_out;
    for (case, found) in cases.iter().zip(found) {
        let reason = match case.doubt {
            Some(Doubt::Pseudo) => Some(&mut left_out.pseudo),
            Some(Doubt::Contested) => Some(&mut left_out.contested),
            Some(Doubt::Noisy) => Some(&mut left_out.noisy),
            Some(Doubt::Weak) => Some(&mut left_out.weak),
            None if !names.has(&case.entity) => Some(&mut left_out.unknown),
            None if !selection.asks(case, names) => Some(&mut left_out.not_selected),
            None => None,
        };
        if let Some(reason) = reason {
            *reason += 1;
            continue;
        }
        let passed = match case.ask {
            Ask::Detect => {
                let (passed, exact) = detect(case, found, names);
                let sorts = tallies.entities.entry(case.entity.clone()).or_default();
                if case.expect.is_empty() {
                    sorts.detect_absent.count(passed);
                } else {
                    sorts.detect_present.count(passed);
                    sorts.detect_exact.count(exact);
                }
                passed
            }
            Ask::Validate => {
                let Some(validate) = validate else {
                    left_out.not_run += 1;
                    continue;
                };
                let region = case.region.or(default_region);
                let Some(valid) = validate(&case.entity, case.text.as_bytes(), region) else {
                    left_out.unknown += 1;
                    continue;
                };
                let sorts = tallies.entities.entry(case.entity.clone()).or_default();
                let passed = valid != case.expect.is_empty();
                let sort = if case.expect.is_empty() { &mut sorts.validate_invalid } else { &mut sorts.validate_valid };
                sort.count(passed);
                passed
            }
        };
        if !passed && tallies.failures.len() < keep.n_failures {
            let whole = Span::new(0, u32::try_from(case.text.len()).unwrap_or(u32::MAX));
            tallies.failures.push(Failure {
                id: case.id.clone(),
                what: Went::Case,
                name: case.entity.clone(),
                start: whole.start,
                end: whole.end,
                value: keep.values.of(&case.text, whole),
            });
        }
    }
    tallies
}

/// Returns whether the case passes, and whether with the expected bounds.
fn detect(case: &Case, found: &[Found], names: &Names) -> (bool, bool) {
    // Where the case names a kind (`URL`), an entity of that kind is right: rules may be finer than the case.
    let of_entity = |found: &&Found| names.name(found.entity) == case.entity || found.kind.name() == case.entity;
    let spans: Vec<Span> = found.iter().filter(of_entity).map(|found| found.span).collect();
    let elsewhere = spans.iter().any(|span| !case.expect.iter().any(|expected| expected.overlaps(*span)));
    let clean = case.partial && !case.expect.is_empty() || !elsewhere;
    let all = |same: fn(Span, Span) -> bool| case.expect.iter().all(|e| spans.iter().any(|span| same(*e, *span)));
    (clean && all(Span::overlaps), clean && all(|expected, span| expected == span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entity::Kind;
    use crate::ids::EntityId;

    fn names() -> Names {
        Names::by_hand(&[("IBAN", Kind::Iban, ""), ("URL", Kind::Url, ""), ("URL_CREDENTIALS", Kind::Url, "")])
    }

    fn case(entity: &str, ask: Ask, expect: &[(u32, u32)]) -> Case {
        Case {
            id: format!("{entity}-{}", expect.len()),
            peer: "hand".to_owned(),
            ask,
            entity: entity.to_owned(),
            country: None,
            text: "0123456789".to_owned(),
            expect: expect.iter().map(|&(start, end)| Span::new(start, end)).collect(),
            region: None,
            partial: false,
            doubt: None,
        }
    }

    fn found(entity: u16, start: u32, end: u32) -> Found {
        let kind = names().kind(EntityId(entity)).unwrap();
        Found { span: Span::new(start, end), entity: EntityId(entity), kind, country: None }
    }

    fn run(case: Case, found: &[Found], validate: Option<Validate<'_>>) -> PeerTallies {
        judge(&[case], &[found.to_vec()], validate, None, &Selection::default(), &names(), Keep::default())
    }

    #[test]
    fn cases_to_detect() {
        #[track_caller]
        fn check(rule: &str, entity: &str, expect: &[(u32, u32)], detections: &[Found], expected: (bool, bool)) {
            let case = case(entity, Ask::Detect, expect);
            assert_eq!(detect(&case, detections, &names()), expected, "{rule}");
            let partial = Case { partial: true, ..case };
            assert_eq!(detect(&partial, detections, &names()), expected, "{rule}, partial");
        }
        check("same bounds", "IBAN", &[(0, 5)], &[found(0, 0, 5)], (true, true));
        check("other bounds", "IBAN", &[(0, 5)], &[found(0, 0, 4)], (true, false));
        check("missed", "IBAN", &[(0, 5)], &[], (false, false));
        check("another entity", "IBAN", &[(0, 5)], &[found(1, 0, 5)], (false, false));
        check("one of two", "IBAN", &[(0, 5), (6, 8)], &[found(0, 0, 5)], (false, false));
        check("absent", "IBAN", &[], &[], (true, true));
        check("absent, and another entity", "IBAN", &[], &[found(1, 0, 5)], (true, true));
        check("absent, but found", "IBAN", &[], &[found(0, 0, 5)], (false, false));
        check("a finer entity of the kind", "URL", &[(0, 5)], &[found(2, 0, 5)], (true, true));
        let more = [found(0, 0, 5), found(0, 6, 8)];
        let whole = case("IBAN", Ask::Detect, &[(0, 5)]);
        assert_eq!(detect(&whole, &more, &names()), (false, false), "one too many");
        assert_eq!(detect(&Case { partial: true, ..whole }, &more, &names()), (true, true), "a part is listed");
    }

    #[test]
    fn cases_to_validate() {
        let yes: Validate<'_> = &|_, _, _| Some(true);
        let no: Validate<'_> = &|_, _, _| Some(false);
        let unknown: Validate<'_> = &|_, _, _| None;
        #[track_caller]
        fn check(expect: &[(u32, u32)], validate: Option<Validate<'_>>, sorts: [u64; 4], left_out: [u64; 2]) {
            let tallies = run(case("IBAN", Ask::Validate, expect), &[], validate);
            let is = tallies.entities.get("IBAN").copied().unwrap_or_default();
            let counts =
                [is.validate_valid.n, is.validate_valid.passed, is.validate_invalid.n, is.validate_invalid.passed];
            assert_eq!(counts, sorts);
            assert_eq!([tallies.left_out.unknown, tallies.left_out.not_run], left_out);
        }
        check(&[(0, 10)], Some(yes), [1, 1, 0, 0], [0, 0]);
        check(&[(0, 10)], Some(no), [1, 0, 0, 0], [0, 0]);
        check(&[], Some(no), [0, 0, 1, 1], [0, 0]);
        check(&[], Some(yes), [0, 0, 1, 0], [0, 0]);
        check(&[], Some(unknown), [0; 4], [1, 0]);
        check(&[], None, [0; 4], [0, 1]);
    }

    #[test]
    fn what_is_left_out_is_counted() {
        #[track_caller]
        fn check(case: Case, expected: LeftOut) {
            let tallies = run(case, &[], None);
            assert_eq!(tallies.left_out, expected);
            assert!(tallies.entities.is_empty());
        }
        let iban = || case("IBAN", Ask::Detect, &[]);
        let none = LeftOut::default();
        check(Case { doubt: Some(Doubt::Pseudo), ..iban() }, LeftOut { pseudo: 1, ..none });
        check(Case { doubt: Some(Doubt::Contested), ..iban() }, LeftOut { contested: 1, ..none });
        check(Case { doubt: Some(Doubt::Noisy), ..iban() }, LeftOut { noisy: 1, ..none });
        check(Case { doubt: Some(Doubt::Weak), ..iban() }, LeftOut { weak: 1, ..none });
        check(case("XX_NEW", Ask::Detect, &[]), LeftOut { unknown: 1, ..none });
    }
}
