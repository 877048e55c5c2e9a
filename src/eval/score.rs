//! The scoring rules: what a detection is worth against the labels of one message, and how that adds up.
//!
//! ```text
//! a detection over …                                    is
//!   a wanted span of its kind, or of a kind of its family   right
//!   an optional span                                        excused: neither right nor wrong
//!   a wanted span of another kind                           mistyped, counted apart
//!   nothing, of a kind that the corpus labels               wrong: a false positive
//!   nothing, of a kind that the corpus never labels         not judged
//! ```
//!
//! "Over" means that the two share a byte. A span is *hit* by any right detection over it, and hit *exactly* by one with
//! the same bounds. Kinds of one family are one kind here, also when it is asked whether a corpus labels them: otherwise
//! a number called TAX_ID could never be a false positive in a corpus that says NATIONAL_ID.

use super::corpus::{Corpus, Gold, Label, Record};
use super::select::{Names, Selection};
use crate::entity::Kind;
use crate::ids::{EntityId, Region};
use crate::span::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A detection as it is compared with labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Where, in bytes of the message.
    pub span: Span,
    /// What.
    pub entity: EntityId,
    /// The entity's kind.
    pub kind: Kind,
    /// The value's country.
    pub country: Option<Region>,
}

/// What one detection is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Over the wanted span with that place in the record.
    Right(usize),
    Excused,
    Mistyped,
    Wrong,
    NotJudged,
}

/// What a row of the report is kept by, besides kind and entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// The record's language.
    Lang,
    /// The record's group.
    Group,
    /// The span's subtype. False positives have none.
    Subtype,
    /// The span's country. False positives have none.
    Country,
    /// A key of the record's `meta`.
    Meta(String),
}

impl By {
    /// Reads `lang`, `group`, `subtype`, `country`; any other word is a key of `meta`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        match name {
            "lang" => Self::Lang,
            "group" => Self::Group,
            "subtype" => Self::Subtype,
            "country" => Self::Country,
            key => Self::Meta(key.to_owned()),
        }
    }

    fn of_record(&self, record: &Record) -> Option<String> {
        match self {
            Self::Lang => record.lang.clone(),
            Self::Group => record.group.clone(),
            Self::Meta(key) => record.meta.get(key).cloned(),
            Self::Subtype | Self::Country => None,
        }
    }

    fn of_gold(&self, record: &Record, gold: &Gold) -> Option<String> {
        match self {
            Self::Subtype => gold.subtype.as_ref().map(|subtype| format!("{}/{subtype}", gold.label.name())),
            Self::Country => gold.country.map(|country| format!("{}/{country}", gold.label.name())),
            _ => self.of_record(record),
        }
    }
}

/// Counts of one row: a kind, an entity, a subtype, or all of a corpus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Wanted spans.
    pub gold: u64,
    /// Spans that may go either way.
    pub optional: u64,
    /// Wanted spans with a right detection over them.
    pub hits: u64,
    /// Wanted spans with a right detection of the same bounds.
    pub exact: u64,
    /// Wanted spans that are not hit and have a detection of another kind over them.
    pub misread: u64,
    /// Right detections.
    pub right: u64,
    /// Of these, the ones of another kind of the same family.
    pub kin: u64,
    /// False positives.
    pub wrong: u64,
    /// Detections over a span of another kind.
    pub mistyped: u64,
    /// Characters of wanted spans.
    pub gold_chars: u64,
    /// Of these, the ones under no detection of whatever kind.
    pub leaked_chars: u64,
}

impl Counts {
    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        self.gold += other.gold;
        self.optional += other.optional;
        self.hits += other.hits;
        self.exact += other.exact;
        self.misread += other.misread;
        self.right += other.right;
        self.kin += other.kin;
        self.wrong += other.wrong;
        self.mistyped += other.mistyped;
        self.gold_chars += other.gold_chars;
        self.leaked_chars += other.leaked_chars;
    }
}

/// Everything counted in one corpus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tallies {
    /// By label; a detection that is right counts for the label that it is over.
    pub kinds: BTreeMap<Label, Counts>,
    /// By the entity detected; wanted spans where the corpus is precise enough to mean one entity that a rule looks for.
    pub entities: BTreeMap<String, Counts>,
    /// By the key that was asked for.
    pub by: BTreeMap<String, Counts>,
    /// Characters outside of every labelled span.
    pub clean_chars: u64,
    /// Of these, the ones under a detection that was judged.
    pub over_chars: u64,
    /// What went wrong, in the order of the records, as many as asked for of each sort.
    pub failures: Vec<Failure>,
}

/// One span or detection that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The record.
    pub id: String,
    /// What happened.
    pub what: Went,
    /// The label that was missed, or the entity that was detected.
    pub name: String,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What stands there; only when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Went {
    /// A wanted span was not hit.
    Missed,
    /// A wanted span was hit with other bounds.
    Inexact,
    /// A detection over nothing.
    Wrong,
    /// A detection over a span of another kind.
    Mistyped,
    /// A case of another detector failed.
    Case,
}

/// How many failures are kept, and whether with their text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Of each sort, per corpus.
    pub n_failures: usize,
    /// Whether the text of a failure is kept.
    pub values: Values,
}

/// Whether text is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Values {
    /// Never.
    #[default]
    Hidden,
    /// On demand of whoever runs the evaluation.
    Shown,
}

impl Values {
    /// Returns the text under `span`, if values are shown.
    pub(super) fn of(self, text: &str, span: Span) -> Option<String> {
        match self {
            Self::Hidden => None,
            Self::Shown => text.get(span.range()).map(str::to_owned),
        }
    }
}

/// Compares the detections of a corpus with its labels. `found` holds one list per record, in the order of the records.
pub(super) fn judge(
    corpus: &Corpus,
    found: &[Vec<Found>],
    selection: &Selection,
    names: &Names,
    by: Option<&By>,
    keep: Keep,
) -> Tallies {
    let judge = Judge { by, keep, ..Judge::new(corpus, selection, names) };
    let mut tallies = Tallies::default();
    for (record, found) in corpus.records.iter().zip(found) {
        judge.record(record, found, &mut tallies);
    }
    tallies
}

/// Compares with the labels of one corpus.
pub(super) struct Judge<'j> {
    labelled: BTreeSet<&'j Label>,
    selection: &'j Selection,
    names: &'j Names,
    by: Option<&'j By>,
    keep: Keep,
}

impl<'j> Judge<'j> {
    pub(super) fn new(corpus: &'j Corpus, selection: &'j Selection, names: &'j Names) -> Self {
        let labelled = corpus.records.iter().flat_map(|record| &record.spans).map(|gold| &gold.label).collect();
        Judge { labelled, selection, names, by: None, keep: Keep::default() }
    }

    /// Returns whether something that is found is right or wrong; nothing where the labels do not say.
    pub(super) fn is_right(&self, record: &Record, found: &Found) -> Option<bool> {
        let wanted: Vec<bool> = record.spans.iter().map(|gold| self.selection.wants(gold, self.names)).collect();
        match self.verdict(record, &wanted, found) {
            Verdict::Right(_) => Some(true),
            Verdict::Wrong => Some(false),
            Verdict::Excused | Verdict::Mistyped | Verdict::NotJudged => None,
        }
    }

    fn record(&self, record: &Record, found: &[Found], tallies: &mut Tallies) {
        let wanted: Vec<bool> = record.spans.iter().map(|gold| self.selection.wants(gold, self.names)).collect();
        let verdicts: Vec<Verdict> = found.iter().map(|found| self.verdict(record, &wanted, found)).collect();
        for (gold, &wanted) in record.spans.iter().zip(&wanted) {
            self.span(record, gold, wanted, found, tallies);
        }
        for (found, &verdict) in found.iter().zip(&verdicts) {
            self.detection(record, found, verdict, tallies);
        }
        let judged = |verdict: Verdict| matches!(verdict, Verdict::Right(_) | Verdict::Wrong | Verdict::Mistyped);
        for (at, _) in record.text.char_indices() {
            let under = |span: Span| span.range().contains(&at);
            if !record.spans.iter().any(|gold| under(gold.span)) {
                tallies.clean_chars += 1;
                let over = found.iter().zip(&verdicts).any(|(found, &verdict)| under(found.span) && judged(verdict));
                tallies.over_chars += u64::from(over);
            }
        }
    }

    fn verdict(&self, record: &Record, wanted: &[bool], found: &Found) -> Verdict {
        let over = || record.spans.iter().zip(wanted).enumerate().filter(|(_, (g, _))| g.span.overlaps(found.span));
        let own = |label: &Label| *label == Label::Kind(found.kind);
        let right = || over().filter(|(_, (gold, wanted))| **wanted && gold.label.matches(found.kind));
        // Over two spans of one family, the one of its own kind.
        if let Some((at, _)) = right().find(|(_, (gold, _))| own(&gold.label)).or_else(|| right().next()) {
            return Verdict::Right(at);
        }
        let excused = over().any(|(_, (gold, wanted))| !wanted && gold.label.matches(found.kind));
        if !excused && over().any(|(_, (_, wanted))| *wanted) {
            return Verdict::Mistyped;
        }
        if over().next().is_some() {
            return Verdict::Excused;
        }
        let labelled = self.labelled.iter().any(|label| label.matches(found.kind));
        if labelled && self.selection.judges(found, self.names) { Verdict::Wrong } else { Verdict::NotJudged }
    }

    fn span(&self, record: &Record, gold: &Gold, wanted: bool, found: &[Found], tallies: &mut Tallies) {
        let mut counts = Counts::default();
        if wanted {
            let over = || found.iter().filter(|found| found.span.overlaps(gold.span));
            let right = || over().filter(|found| gold.label.matches(found.kind));
            let (hit, exact) = (right().next().is_some(), right().any(|found| found.span == gold.span));
            let text = record.text.get(gold.span.range()).unwrap_or_default();
            let covered = |at: usize| over().any(|found| found.span.range().contains(&(gold.span.range().start + at)));
            counts = Counts {
                gold: 1,
                hits: hit.into(),
                exact: exact.into(),
                misread: (!hit && over().next().is_some()).into(),
                gold_chars: text.chars().count() as u64,
                leaked_chars: text.char_indices().filter(|(at, _)| !covered(*at)).count() as u64,
                ..counts
            };
            if !exact {
                let what = if hit { Went::Inexact } else { Went::Missed };
                self.keep(record, what, gold.label.name(), gold.span, tallies);
            }
        } else {
            counts.optional = 1;
        }
        tallies.kinds.entry(gold.label.clone()).or_default().add(&counts);
        if let Some(entity) = self.names.of_gold(gold).filter(|entity| self.names.has(entity)) {
            tallies.entities.entry(entity).or_default().add(&counts);
        }
        if let Some(key) = self.by.and_then(|by| by.of_gold(record, gold)) {
            tallies.by.entry(key).or_default().add(&counts);
        }
    }

    fn detection(&self, record: &Record, found: &Found, verdict: Verdict, tallies: &mut Tallies) {
        let name = self.names.name(found.entity);
        let (mut counts, mut label, mut of) = (Counts::default(), Label::Kind(found.kind), None);
        match verdict {
            Verdict::Right(at) => {
                counts.right = 1;
                if let Some(gold) = record.spans.get(at) {
                    counts.kin = u64::from(gold.label != label);
                    label = gold.label.clone();
                    of = Some(gold);
                }
            }
            Verdict::Wrong => {
                counts.wrong = 1;
                self.keep(record, Went::Wrong, name, found.span, tallies);
            }
            Verdict::Mistyped => {
                counts.mistyped = 1;
                self.keep(record, Went::Mistyped, name, found.span, tallies);
            }
            Verdict::Excused | Verdict::NotJudged => return,
        }
        tallies.kinds.entry(label).or_default().add(&counts);
        tallies.entities.entry(name.to_owned()).or_default().add(&counts);
        let key = self.by.and_then(|by| match of {
            Some(gold) => by.of_gold(record, gold),
            None => by.of_record(record),
        });
        if let Some(key) = key {
            tallies.by.entry(key).or_default().add(&counts);
        }
    }

    fn keep(&self, record: &Record, what: Went, name: &str, span: Span, tallies: &mut Tallies) {
        if tallies.failures.iter().filter(|failure| failure.what == what).count() < self.keep.n_failures {
            tallies.failures.push(Failure {
                id: record.id.clone(),
                what,
                name: name.to_owned(),
                start: span.start,
                end: span.end,
                value: self.keep.values.of(&record.text, span),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: u16 = 0;
    const CARD: u16 = 1;
    const NINO: u16 = 2;
    const TAX: u16 = 3;
    const EMAIL: u16 = 4;

    fn names() -> Names {
        Names::by_hand(&[
            ("PHONE_NUMBER", Kind::PhoneNumber, ""),
            ("CREDIT_CARD", Kind::CreditCard, ""),
            ("GB_NINO", Kind::NationalId, "GB"),
            ("KE_PIN", Kind::TaxId, "KE"),
            ("EMAIL_ADDRESS", Kind::EmailAddress, ""),
        ])
    }

    fn found(entity: u16, start: u32, end: u32) -> Found {
        let kind = names().kind(EntityId(entity)).unwrap();
        Found { span: Span::new(start, end), entity: EntityId(entity), kind, country: None }
    }

    fn gold(label: &str, start: u32, end: u32) -> Gold {
        Gold { span: Span::new(start, end), label: Label::new(label), subtype: None, country: None, optional: false }
    }

    fn optional(label: &str, start: u32, end: u32) -> Gold {
        Gold { optional: true, ..gold(label, start, end) }
    }

    fn corpus(spans: &[Gold]) -> Corpus {
        let record = Record { text: "0123456789".repeat(4), spans: spans.to_vec(), ..Record::default() };
        Corpus { source: "hand".to_owned(), records: vec![record] }
    }

    fn score(spans: &[Gold], detections: &[Found], selection: &Selection) -> Tallies {
        judge(&corpus(spans), &[detections.to_vec()], selection, &names(), None, Keep::default())
    }

    fn all(tallies: &Tallies) -> Counts {
        let mut all = Counts::default();
        tallies.kinds.values().for_each(|counts| all.add(counts));
        all
    }

    /// `[gold, optional, hits, exact, misread, right, kin, wrong, mistyped]` over the whole corpus.
    #[track_caller]
    fn check(rule: &str, spans: &[Gold], detections: &[Found], expected: [u64; 9]) {
        let c = all(&score(spans, detections, &Selection::default()));
        let is = [c.gold, c.optional, c.hits, c.exact, c.misread, c.right, c.kin, c.wrong, c.mistyped];
        assert_eq!(is, expected, "{rule}");
    }

    #[test]
    fn rules() {
        let phone = || gold("PHONE_NUMBER", 5, 15);
        let nino = || gold("NATIONAL_ID", 5, 15);
        check("nothing labelled, nothing found", &[], &[], [0; 9]);
        check("same bounds: an exact hit", &[phone()], &[found(PHONE, 5, 15)], [1, 0, 1, 1, 0, 1, 0, 0, 0]);
        check("one shared byte: a hit", &[phone()], &[found(PHONE, 14, 20)], [1, 0, 1, 0, 0, 1, 0, 0, 0]);
        check("no shared byte: missed and wrong", &[phone()], &[found(PHONE, 15, 20)], [1, 0, 0, 0, 0, 0, 0, 1, 0]);
        check("no detection: missed", &[phone()], &[], [1, 0, 0, 0, 0, 0, 0, 0, 0]);
        check("another kind: mistyped", &[phone()], &[found(CARD, 5, 15)], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
        check("a kind never labelled", &[phone()], &[found(CARD, 20, 30)], [1, 0, 0, 0, 0, 0, 0, 0, 0]);
        check("a kind of the family: right", &[nino()], &[found(TAX, 5, 15)], [1, 0, 1, 1, 0, 1, 1, 0, 0]);
        check("a family is labelled as one", &[nino()], &[found(TAX, 20, 30)], [1, 0, 0, 0, 0, 0, 0, 1, 0]);
        check(
            "optional, found",
            &[optional("PHONE_NUMBER", 5, 15)],
            &[found(PHONE, 5, 9)],
            [0, 1, 0, 0, 0, 0, 0, 0, 0],
        );
        check("optional, not found", &[optional("PHONE_NUMBER", 5, 15)], &[], [0, 1, 0, 0, 0, 0, 0, 0, 0]);
        check(
            "optional, another kind",
            &[optional("PHONE_NUMBER", 5, 15)],
            &[found(CARD, 5, 15)],
            [0, 1, 0, 0, 0, 0, 0, 0, 0],
        );
        check(
            "a kind labelled as optional only is labelled",
            &[optional("PHONE_NUMBER", 5, 15)],
            &[found(PHONE, 20, 30)],
            [0, 1, 0, 0, 0, 0, 0, 1, 0],
        );
        check(
            "one detection over two spans hits both and is one",
            &[phone(), gold("PHONE_NUMBER", 16, 20)],
            &[found(PHONE, 5, 20)],
            [2, 0, 2, 0, 0, 1, 0, 0, 0],
        );
        check(
            "two detections in one span are two and hit it once",
            &[phone()],
            &[found(PHONE, 5, 9), found(PHONE, 10, 15)],
            [1, 0, 1, 0, 0, 2, 0, 0, 0],
        );
        check(
            "right goes before mistyped",
            &[phone(), gold("CREDIT_CARD", 16, 20)],
            &[found(PHONE, 5, 20)],
            [2, 0, 1, 0, 1, 1, 0, 0, 0],
        );
        check(
            "mistyped goes before excused by another kind",
            &[phone(), optional("CREDIT_CARD", 16, 20)],
            &[found(EMAIL, 10, 20)],
            [1, 1, 0, 0, 1, 0, 0, 0, 1],
        );
        check(
            "a foreign label is never hit",
            &[gold("PROFESSION", 5, 15)],
            &[found(PHONE, 5, 15)],
            [1, 0, 0, 0, 1, 0, 0, 0, 1],
        );
    }

    #[test]
    fn selections_make_the_rest_optional() {
        #[track_caller]
        fn check(selection: &Selection, detections: &[Found], gold: u64, optional: u64, wrong: u64) {
            let spans = [super::tests::gold("PHONE_NUMBER", 0, 5), super::tests::gold("CREDIT_CARD", 10, 15)];
            let c = all(&score(&spans, detections, selection));
            assert_eq!((c.gold, c.optional, c.wrong), (gold, optional, wrong));
        }
        let elsewhere = [found(PHONE, 20, 25), found(CARD, 26, 30)];
        check(&Selection::default(), &elsewhere, 2, 0, 2);
        let phones = Selection { kinds: vec![Kind::PhoneNumber], ..Selection::default() };
        check(&phones, &elsewhere, 1, 1, 1);
        check(&phones, &[found(CARD, 10, 15)], 1, 1, 0);
        let cards = Selection { entities: vec!["CREDIT_CARD".to_owned()], ..Selection::default() };
        check(&cards, &elsewhere, 1, 1, 1);
    }

    proptest::proptest! {
        #[test]
        fn detections_that_are_the_labels_are_perfect(gaps in proptest::collection::vec((0_u32..4, 1_u32..4, 0_u16..5), 1..8)) {
            let (mut spans, mut detections, mut at) = (Vec::new(), Vec::new(), 0);
            for (gap, len, entity) in gaps {
                let found = found(entity, at + gap, (at + gap + len).min(40));
                at = found.span.end;
                if !found.span.is_empty() {
                    spans.push(gold(found.kind.name(), found.span.start, found.span.end));
                    detections.push(found);
                }
            }
            let tallies = score(&spans, &detections, &Selection::default());
            let (c, n) = (all(&tallies), spans.len() as u64);
            proptest::prop_assert_eq!([c.gold, c.hits, c.exact, c.right, c.wrong + c.mistyped + c.misread], [n, n, n, n, 0]);
            proptest::prop_assert_eq!([c.leaked_chars, tallies.over_chars], [0, 0]);
        }
    }

    #[test]
    fn leak_and_over_count_characters() {
        #[track_caller]
        fn check(rule: &str, spans: &[Gold], detections: &[Found], expected: [u64; 4]) {
            let tallies = score(spans, detections, &Selection::default());
            let c = all(&tallies);
            assert_eq!([c.leaked_chars, c.gold_chars, tallies.over_chars, tallies.clean_chars], expected, "{rule}");
        }
        let phone = || gold("PHONE_NUMBER", 5, 15);
        check("all covered", &[phone()], &[found(PHONE, 5, 15)], [0, 10, 0, 30]);
        check("half covered", &[phone()], &[found(PHONE, 0, 10)], [5, 10, 5, 30]);
        check("covered by another kind", &[phone()], &[found(CARD, 5, 15)], [0, 10, 0, 30]);
        check("a kind never labelled covers nothing clean", &[phone()], &[found(CARD, 20, 30)], [10, 10, 0, 30]);
        check("wrong", &[phone()], &[found(PHONE, 20, 30)], [10, 10, 10, 30]);
        check("optional is neither gold nor clean", &[optional("PHONE_NUMBER", 5, 15)], &[], [0, 0, 0, 30]);
        // Characters, not bytes: three letters of two bytes each, of which the first is found.
        let record =
            Record { text: "aéééa".to_owned(), spans: vec![gold("PHONE_NUMBER", 1, 7)], ..Record::default() };
        let corpus = Corpus { source: "hand".to_owned(), records: vec![record] };
        let found = [vec![found(PHONE, 0, 3)]];
        let tallies = judge(&corpus, &found, &Selection::default(), &names(), None, Keep::default());
        let c = all(&tallies);
        assert_eq!((c.leaked_chars, c.gold_chars, tallies.over_chars, tallies.clean_chars), (2, 3, 1, 2));
    }

    #[test]
    fn rows_by_key() {
        #[track_caller]
        fn check(by: &str, expected: &[(&str, u64, u64, u64)]) {
            let mut spans = vec![gold("NATIONAL_ID", 0, 5), gold("PHONE_NUMBER", 10, 15)];
            spans[0].subtype = Some("NINO".to_owned());
            spans[0].country = Region::new(b"GB");
            let mut corpus = corpus(&spans);
            corpus.records[0].lang = Some("en".to_owned());
            corpus.records[0].meta.insert("template".to_owned(), "7".to_owned());
            let found = [vec![found(NINO, 0, 5), found(PHONE, 20, 25)]];
            let by = By::new(by);
            let tallies = judge(&corpus, &found, &Selection::default(), &names(), Some(&by), Keep::default());
            let rows: Vec<_> = tallies.by.iter().map(|(key, c)| (key.as_str(), c.gold, c.hits, c.wrong)).collect();
            assert_eq!(rows, expected);
        }
        check("lang", &[("en", 2, 1, 1)]);
        check("template", &[("7", 2, 1, 1)]);
        check("subtype", &[("NATIONAL_ID/NINO", 1, 1, 0)]);
        check("country", &[("NATIONAL_ID/GB", 1, 1, 0)]);
        check("absent", &[]);
    }

    #[test]
    fn failures_hold_no_text_unless_asked() {
        #[track_caller]
        fn check(keep: Keep, expected: &[(Went, &str, Option<&str>)]) {
            let corpus = corpus(&[gold("CREDIT_CARD", 0, 5), gold("CREDIT_CARD", 6, 8), gold("CREDIT_CARD", 10, 15)]);
            let found = [vec![found(CARD, 10, 12), found(CARD, 20, 22)]];
            let tallies = judge(&corpus, &found, &Selection::default(), &names(), None, keep);
            let is: Vec<_> = tallies.failures.iter().map(|f| (f.what, f.name.as_str(), f.value.as_deref())).collect();
            assert_eq!(is, expected);
        }
        check(Keep::default(), &[]);
        check(
            Keep { n_failures: 1, values: Values::Hidden },
            &[
                (Went::Missed, "CREDIT_CARD", None),
                (Went::Inexact, "CREDIT_CARD", None),
                (Went::Wrong, "CREDIT_CARD", None),
            ],
        );
        check(
            Keep { n_failures: 2, values: Values::Shown },
            &[
                (Went::Missed, "CREDIT_CARD", Some("01234")),
                (Went::Missed, "CREDIT_CARD", Some("67")),
                (Went::Inexact, "CREDIT_CARD", Some("01234")),
                (Went::Wrong, "CREDIT_CARD", Some("01")),
            ],
        );
    }
}
