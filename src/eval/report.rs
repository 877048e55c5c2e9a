//! The report: counts, the rates that follow from them, and how they look as a table. The JSON form is this structure.

use super::corpus::Corpus;
use super::peer::{LeftOut, Passed, PeerTallies, Sorts};
use super::score::{Counts, Failure, Found, Tallies, Went};
use super::select::Names;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// Everything that a run measured.
///
/// # Units
/// Rates are shares, `0..=1`, rounded to four places; nothing where there is nothing to divide by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version that measured.
    pub efface: String,
    /// Labelled sources.
    pub gold: Vec<CorpusReport>,
    /// Sources without labels.
    pub silent: Vec<SilentReport>,
    /// Cases of other detectors.
    pub peer: Option<PeerReport>,
    /// How fast; differs from run to run.
    pub speed: Speed,
}

/// One labelled source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorpusReport {
    /// Its name.
    pub source: String,
    /// Messages.
    pub messages: u64,
    /// Bytes of text.
    pub bytes: u64,
    /// Messages that were not scanned to their end; what they hold counts as missed.
    pub not_scanned: u64,
    /// Share of the characters of wanted spans that no detection covers.
    pub leak: Option<f64>,
    /// Share of the characters outside of labelled spans that a judged detection covers.
    pub over: Option<f64>,
    /// All kinds of this source together.
    pub all: Row,
    /// By kind.
    pub kinds: Vec<Row>,
    /// By entity.
    pub entities: Vec<Row>,
    /// By the key asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Row>,
    /// What went wrong, if asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
}

/// Counts and rates of one kind, entity or key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Of what.
    pub name: String,
    /// How many.
    #[serde(flatten)]
    pub counts: Counts,
    /// Hits of the wanted spans.
    pub recall: Option<f64>,
    /// Exact hits of the wanted spans.
    pub recall_exact: Option<f64>,
    /// Right ones of the detections that are right or wrong.
    pub precision: Option<f64>,
    /// Recall and precision in one, recall counting four times.
    pub f2: Option<f64>,
    /// Exact hits of the hits.
    pub exact_share: Option<f64>,
    /// Share of the characters that no detection covers.
    pub leak: Option<f64>,
}

/// One source without labels: what is detected in it is read by eye.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SilentReport {
    /// Its name.
    pub source: String,
    /// Messages.
    pub messages: u64,
    /// Bytes of text.
    pub bytes: u64,
    /// Messages that were not scanned to their end.
    pub not_scanned: u64,
    /// Detections.
    pub detections: u64,
    /// Detections per 1,000 messages.
    pub per_1000: Option<f64>,
    /// Share of the characters that a detection covers.
    pub over: Option<f64>,
    /// Detections by entity.
    pub entities: BTreeMap<String, u64>,
}

/// Cases of other detectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerReport {
    /// Cases read.
    pub cases: u64,
    /// Cases scored.
    pub scored: u64,
    /// Cases not scored, by reason.
    pub left_out: LeftOut,
    /// All entities together.
    pub all: PeerRow,
    /// Means over the entities with three or more cases of a sort.
    pub mean: Mean,
    /// Entities with three or more cases of which fewer than nine in ten pass.
    pub below: Vec<String>,
    /// By entity.
    pub entities: Vec<PeerRow>,
    /// Cases that failed, if asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
}

/// Cases of one entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerRow {
    /// Which.
    pub name: String,
    /// By sort.
    #[serde(flatten)]
    pub sorts: Sorts,
    /// Cases.
    pub n: u64,
    /// Cases passed.
    pub passed: u64,
    /// Share of the cases passed.
    pub rate: Option<f64>,
}

/// One rate for each sort of case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mean {
    /// Valid values that validate.
    pub validate_valid: Option<f64>,
    /// Values that are not valid and do not validate.
    pub validate_invalid: Option<f64>,
    /// Messages with the entity in them, found.
    pub detect_present: Option<f64>,
    /// The same, with the expected bounds.
    pub detect_exact: Option<f64>,
    /// Messages without the entity, nothing of it found.
    pub detect_absent: Option<f64>,
}

/// How fast texts were scanned: wall clock around the scanner, reading and scoring left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// Bytes scanned.
    pub bytes: u64,
    /// Messages scanned.
    pub messages: u64,
    /// Seconds.
    pub seconds: f64,
    /// Million bytes in a second, all threads together.
    pub mb_per_s: f64,
    /// Messages in a second, all threads together.
    pub messages_per_s: f64,
    /// Threads.
    pub threads: usize,
}

/// Cases that an entity must have to count in a mean or among those below.
const FEW_CASES: u64 = 3;
/// What an entity's cases must reach, not to be named.
const ENTITY_RATE: f64 = 0.9;

pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| rounded(part as f64 / whole as f64))
}

/// Four places: enough to see one span of ten thousand, few enough that reports can be compared as text.
fn rounded(rate: f64) -> f64 {
    (rate * 10_000.0).round() / 10_000.0
}

impl Row {
    /// Works out the rates.
    #[must_use]
    pub fn new(name: &str, counts: Counts) -> Self {
        let recall = share(counts.hits, counts.gold);
        let precision = share(counts.right, counts.right + counts.wrong);
        let f2 = match (recall, precision) {
            // Wanted and never found nor mistaken: no precision, and still as bad as can be.
            (Some(_), None) => Some(0.0),
            (Some(_), Some(_)) => {
                let recall = counts.hits as f64 / counts.gold as f64;
                let precision = counts.right as f64 / (counts.right + counts.wrong) as f64;
                let below = 4.0 * precision + recall;
                Some(if below > 0.0 { rounded(5.0 * precision * recall / below) } else { 0.0 })
            }
            (None, _) => None,
        };
        Self {
            name: name.to_owned(),
            counts,
            recall,
            recall_exact: share(counts.exact, counts.gold),
            // A kind that is wanted nowhere has nothing to be precise about; its false positives count in the row of all.
            precision: if counts.gold + counts.right > 0 { precision } else { None },
            f2,
            exact_share: share(counts.exact, counts.hits),
            leak: share(counts.leaked_chars, counts.gold_chars),
        }
    }
}

impl CorpusReport {
    pub(super) fn new(corpus: &Corpus, tallies: Tallies, not_scanned: u64) -> Self {
        let mut all = Counts::default();
        tallies.kinds.values().for_each(|counts| all.add(counts));
        let rows = |counts: &BTreeMap<String, Counts>| counts.iter().map(|(name, c)| Row::new(name, *c)).collect();
        Self {
            source: corpus.source.clone(),
            messages: corpus.records.len() as u64,
            bytes: corpus.records.iter().map(|record| record.text.len() as u64).sum(),
            not_scanned,
            leak: share(all.leaked_chars, all.gold_chars),
            over: share(tallies.over_chars, tallies.clean_chars),
            all: Row::new("all", all),
            kinds: tallies.kinds.iter().map(|(label, counts)| Row::new(label.name(), *counts)).collect(),
            entities: rows(&tallies.entities),
            by: rows(&tallies.by),
            failures: tallies.failures,
        }
    }
}

impl SilentReport {
    pub(super) fn new(corpus: &Corpus, found: &[Vec<Found>], names: &Names, not_scanned: u64) -> Self {
        let mut entities = BTreeMap::new();
        let (mut chars, mut over) = (0, 0);
        for (record, found) in corpus.records.iter().zip(found) {
            for found in found {
                *entities.entry(names.name(found.entity).to_owned()).or_insert(0) += 1;
                over += record.text.get(found.span.range()).map_or(0, |text| text.chars().count() as u64);
            }
            chars += record.text.chars().count() as u64;
        }
        let (messages, detections) = (corpus.records.len() as u64, entities.values().sum());
        Self {
            source: corpus.source.clone(),
            messages,
            bytes: corpus.records.iter().map(|record| record.text.len() as u64).sum(),
            not_scanned,
            detections,
            per_1000: share(detections * 1_000, messages),
            over: share(over, chars),
            entities,
        }
    }
}

impl PeerReport {
    pub(super) fn new(tallies: PeerTallies) -> Self {
        let row = |name: &str, sorts: Sorts| {
            let Passed { n, passed } = sorts.all();
            PeerRow { name: name.to_owned(), sorts, n, passed, rate: share(passed, n) }
        };
        let entities: Vec<PeerRow> = tallies.entities.iter().map(|(name, sorts)| row(name, *sorts)).collect();
        let mut all = Sorts::default();
        entities.iter().for_each(|entity| all.add(&entity.sorts));
        let mean = |sort: fn(&Sorts) -> Passed| {
            let rates: Vec<f64> = entities
                .iter()
                .map(|entity| sort(&entity.sorts))
                .filter(|passed| passed.n >= FEW_CASES)
                .map(|Passed { n, passed }| passed as f64 / n as f64)
                .collect();
            (!rates.is_empty()).then(|| rounded(rates.iter().sum::<f64>() / rates.len() as f64))
        };
        let low = |row: &&PeerRow| row.n >= FEW_CASES && (row.passed as f64) < ENTITY_RATE * row.n as f64;
        let all = row("all", all);
        Self {
            cases: tallies.n_cases,
            scored: all.n,
            left_out: tallies.left_out,
            mean: Mean {
                validate_valid: mean(|sorts| sorts.validate_valid),
                validate_invalid: mean(|sorts| sorts.validate_invalid),
                detect_present: mean(|sorts| sorts.detect_present),
                detect_exact: mean(|sorts| sorts.detect_exact),
                detect_absent: mean(|sorts| sorts.detect_absent),
            },
            below: entities.iter().filter(low).map(|row| row.name.clone()).collect(),
            all,
            entities,
            failures: tallies.failures,
        }
    }
}

impl Speed {
    pub(super) fn new(bytes: u64, messages: u64, took: Duration, threads: usize) -> Self {
        let seconds = took.as_secs_f64();
        let per_s = |n: f64| if seconds > 0.0 { n / seconds } else { 0.0 };
        let mb_per_s = (per_s(bytes as f64) / 1e4).round() / 100.0;
        Self {
            bytes,
            messages,
            seconds: rounded(seconds),
            mb_per_s,
            messages_per_s: per_s(messages as f64).round(),
            threads,
        }
    }
}

impl Report {
    pub(super) fn new() -> Self {
        Self {
            efface: env!("CARGO_PKG_VERSION").to_owned(),
            gold: Vec::new(),
            silent: Vec::new(),
            peer: None,
            speed: Speed::default(),
        }
    }

    /// Returns the JSON form, one figure a line.
    ///
    /// # Errors
    /// Never unless a bug of ours.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string_pretty(self)
    }

    /// Reads the JSON form of an earlier run.
    ///
    /// # Errors
    /// Not such a report.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// Returns the report as aligned tables for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        for corpus in &self.gold {
            corpus.write(&mut out);
        }
        for corpus in &self.silent {
            corpus.write(&mut out);
        }
        if let Some(peer) = &self.peer {
            peer.write(&mut out);
        }
        self.speed.write(&mut out);
        out
    }
}

/// Writing to a `String` cannot fail.
macro_rules! line {
    ($out:expr, $($arg:tt)*) => {{ let _ = writeln!($out, $($arg)*); }};
}

impl CorpusReport {
    fn write(&self, out: &mut String) {
        line!(
            out,
            "{}: {} messages, {} bytes, leak {}, over {}",
            self.source,
            grouped(self.messages),
            grouped(self.bytes),
            percent(self.leak),
            percent(self.over)
        );
        not_scanned(self.not_scanned, out);
        let rows = |title: &str, rows: &[Row], out: &mut String| {
            if rows.is_empty() {
                return;
            }
            let head = [
                title,
                "gold",
                "hits",
                "exact",
                "recall",
                "exact recall",
                "precision",
                "F2",
                "exact/hits",
                "wrong",
                "mistyped",
                "optional",
            ];
            table(&head, rows.iter().map(Row::cells), out);
        };
        let kinds: Vec<Row> = self.kinds.iter().chain([&self.all]).cloned().collect();
        rows("kind", &kinds, out);
        // Of entities and keys there are many; those that were neither wanted nor detected say nothing.
        let telling = |rows: &[Row]| -> Vec<Row> { rows.iter().filter(|row| row.says_something()).cloned().collect() };
        rows("entity", &telling(&self.entities), out);
        rows("by", &telling(&self.by), out);
        failures(&self.failures, out);
        out.push('\n');
    }
}

impl Row {
    fn says_something(&self) -> bool {
        let c = &self.counts;
        c.gold + c.right + c.wrong + c.mistyped > 0
    }

    fn cells(&self) -> Vec<String> {
        let c = &self.counts;
        vec![
            shown(&self.name),
            grouped(c.gold),
            grouped(c.hits),
            grouped(c.exact),
            rate(self.recall),
            rate(self.recall_exact),
            rate(self.precision),
            rate(self.f2),
            rate(self.exact_share),
            grouped(c.wrong),
            grouped(c.mistyped),
            grouped(c.optional),
        ]
    }
}

impl SilentReport {
    fn write(&self, out: &mut String) {
        line!(
            out,
            "{}: no labels, {} messages, {} bytes, {} detections, {} per 1,000 messages, {} of the characters",
            self.source,
            grouped(self.messages),
            grouped(self.bytes),
            grouped(self.detections),
            self.per_1000.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}")),
            percent(self.over)
        );
        not_scanned(self.not_scanned, out);
        if !self.entities.is_empty() {
            let cells = self.entities.iter().map(|(name, &n)| {
                vec![
                    name.clone(),
                    grouped(n),
                    share(n * 1_000, self.messages).map_or_else(String::new, |r| format!("{r:.2}")),
                ]
            });
            table(&["entity", "detections", "per 1,000"], cells, out);
        }
        out.push('\n');
    }
}

impl PeerReport {
    fn write(&self, out: &mut String) {
        let l = &self.left_out;
        line!(out, "cases of other detectors: {} read, {} scored", grouped(self.cases), grouped(self.scored));
        let reasons = [
            (l.unknown, "of entities without a rule"),
            (l.pseudo, "of no entity"),
            (l.contested, "contested"),
            (l.noisy, "noisy"),
            (l.weak, "weak"),
            (l.not_selected, "not selected"),
            (l.not_run, "to validate, without a validator"),
        ];
        let reasons: Vec<String> =
            reasons.iter().filter(|(n, _)| *n > 0).map(|(n, why)| format!("{} {why}", grouped(*n))).collect();
        if !reasons.is_empty() {
            line!(out, "  left out: {}", reasons.join(", "));
        }
        let head = ["entity", "cases", "rate", "validate +", "validate -", "detect +", "exact +", "detect -"];
        let cells = self.entities.iter().chain([&self.all]).map(PeerRow::cells);
        let m = &self.mean;
        let means = [m.validate_valid, m.validate_invalid, m.detect_present, m.detect_exact, m.detect_absent];
        let mean = ["mean of entities".to_owned(), String::new(), String::new()].into_iter().chain(means.map(rate));
        table(&head, cells.chain([mean.collect()]), out);
        if !self.below.is_empty() {
            line!(out, "  three or more cases and below {ENTITY_RATE}: {}", self.below.join(", "));
        }
        failures(&self.failures, out);
        out.push('\n');
    }
}

impl PeerRow {
    fn cells(&self) -> Vec<String> {
        let s = &self.sorts;
        let sorts = [s.validate_valid, s.validate_invalid, s.detect_present, s.detect_exact, s.detect_absent];
        let of = |Passed { n, passed }: Passed| if n == 0 { "-".to_owned() } else { format!("{passed}/{n}") };
        [self.name.clone(), grouped(self.n), rate(self.rate)].into_iter().chain(sorts.map(of)).collect()
    }
}

impl Speed {
    fn write(&self, out: &mut String) {
        line!(
            out,
            "scanned {} bytes, {} messages in {:.3} s: {:.2} MB/s, {} messages/s on {} {}",
            grouped(self.bytes),
            grouped(self.messages),
            self.seconds,
            self.mb_per_s,
            grouped(self.messages_per_s as u64),
            self.threads,
            if self.threads == 1 { "thread" } else { "threads" }
        );
    }
}

fn not_scanned(n: u64, out: &mut String) {
    if n > 0 {
        line!(out, "  {} messages were not scanned to their end: past a limit", grouped(n));
    }
}

fn failures(failures: &[Failure], out: &mut String) {
    for failure in failures {
        let what = match failure.what {
            Went::Missed => "missed",
            Went::Inexact => "other bounds",
            Went::Wrong => "wrong",
            Went::Mistyped => "mistyped",
            Went::Case => "failed",
        };
        let value = failure.value.as_ref().map_or_else(String::new, |value| format!("  {}", shown(value)));
        line!(out, "  {what}  {}  {} {}..{}{value}", shown(&failure.id), failure.name, failure.start, failure.end);
    }
}

/// Writes a table: the first column to the left, the others to the right, as wide as they need.
fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>, out: &mut String) {
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let rows: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let n_columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    for row in &rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column == 0 { write!(line, "  {cell:<width$}") } else { write!(line, "  {cell:>width$}") };
        }
        line!(out, "{}", line.trim_end());
    }
}

fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.3}"))
}

fn percent(rate: Option<f64>) -> String {
    rate.map_or_else(|| "-".to_owned(), |rate| format!("{:.2} %", rate * 100.0))
}

/// A number with its thousands set apart.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Text of a corpus for a terminal: what could move the cursor or turn the reading direction is escaped.
fn shown(text: &str) -> String {
    let unsafe_to_show = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if unsafe_to_show(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::corpus::{Ask, Case, Corpora};
    use super::super::score::{self, By, Keep, Values};
    use super::super::select::Selection;
    use super::super::{compare, peer};
    use super::*;
    use crate::entity::Kind;
    use crate::ids::EntityId;
    use crate::span::Span;

    fn names() -> Names {
        Names::by_hand(&[
            ("PHONE_NUMBER", Kind::PhoneNumber, ""),
            ("CREDIT_CARD", Kind::CreditCard, ""),
            ("GB_NINO", Kind::NationalId, "GB"),
        ])
    }

    fn found(entity: u16, start: u32, end: u32) -> Found {
        let kind = names().kind(EntityId(entity)).unwrap();
        Found { span: Span::new(start, end), entity: EntityId(entity), kind, country: None }
    }

    /// Three messages with labels, two without, five cases, and detections made by hand.
    pub(crate) fn by_hand(keep: Keep) -> Report {
        let lines = [
            r#"{"id":"m1","source":"sms","lang":"en","text":"call 020 7946 0018 now","spans":[{"start":5,"end":18,"type":"PHONE_NUMBER","country":"GB"}]}"#,
            r#"{"id":"m2","source":"sms","lang":"en","text":"nino QQ 12 34 56 C or 0123","spans":[{"start":5,"end":18,"type":"NATIONAL_ID","subtype":"NINO","country":"GB"},{"start":22,"end":26,"type":"PHONE_NUMBER","level":"optional"}]}"#,
            r#"{"id":"m3","source":"sms","lang":"sw","text":"piga 0700 000 000 au 4111","spans":[{"start":5,"end":17,"type":"PHONE_NUMBER","country":"KE"},{"start":21,"end":25,"type":"CREDIT_CARD"}]}"#,
        ];
        let corpora = Corpora::read_bytes("x", lines.join("\n").as_bytes()).unwrap();
        let corpus = &corpora.corpora[0];
        let detections =
            [vec![found(0, 5, 18)], vec![found(2, 8, 18), found(0, 22, 26)], vec![found(1, 5, 17), found(0, 0, 4)]];
        let by = By::new("lang");
        let tallies = score::judge(corpus, &detections, &Selection::default(), &names(), Some(&by), keep);
        let mut report = Report::new();
        report.efface = "0.0.0".to_owned();
        report.gold.push(CorpusReport::new(corpus, tallies, 1));
        let quiet = Corpora::read_bytes("chat.txt", b"hello\n0700 000 000 there\n").unwrap();
        report.silent.push(SilentReport::new(&quiet.corpora[0], &[vec![], vec![found(0, 0, 12)]], &names(), 0));
        let case = |id: &str, ask, expect: &[(u32, u32)], doubt| Case {
            id: id.to_owned(),
            peer: "hand".to_owned(),
            ask,
            entity: "GB_NINO".to_owned(),
            country: None,
            text: "QQ 12 34 56 C".to_owned(),
            expect: expect.iter().map(|&(start, end)| Span::new(start, end)).collect(),
            region: None,
            partial: false,
            doubt,
        };
        let cases = [
            case("c1", Ask::Detect, &[(0, 13)], None),
            case("c2", Ask::Detect, &[(0, 13)], None),
            case("c3", Ask::Detect, &[], None),
            case("c4", Ask::Validate, &[(0, 13)], None),
            case("c5", Ask::Validate, &[], Some(super::super::Doubt::Contested)),
        ];
        let detections = [vec![found(2, 0, 13)], vec![found(2, 0, 5)], vec![found(2, 0, 13)], vec![], vec![]];
        let valid: peer::Validate<'_> = &|_, _, _| Some(true);
        let tallies = peer::judge(&cases, &detections, Some(valid), None, &Selection::default(), &names(), keep);
        report.peer = Some(PeerReport::new(tallies));
        report.speed = Speed::new(123_456_789, 1_000_000, Duration::from_millis(500), 2);
        report
    }

    #[test]
    fn table_and_json() {
        let keep = Keep { n_failures: 1, values: Values::Hidden };
        let report = by_hand(keep);
        assert_eq!(report.table(), TABLE);
        let json = report.to_json().unwrap();
        assert_eq!(Report::from_json(&json).unwrap(), report, "reads back as it was written");
        let value: serde_json::Value = serde_json::from_str(&json).unwrap();
        #[track_caller]
        fn check(value: &serde_json::Value, pointer: &str, expected: serde_json::Value) {
            assert_eq!(value.pointer(pointer), Some(&expected), "{pointer}");
        }
        check(&value, "/gold/0/source", "sms".into());
        check(&value, "/gold/0/all/gold", 4.into());
        check(&value, "/gold/0/all/recall", 0.5.into());
        check(&value, "/gold/0/all/precision", 0.6667.into());
        check(&value, "/gold/0/kinds/0/name", "PHONE_NUMBER".into());
        check(&value, "/gold/0/kinds/0/recall", 0.5.into());
        check(&value, "/gold/0/kinds/0/wrong", 1.into());
        check(&value, "/gold/0/failures/0/what", "inexact".into());
        check(&value, "/silent/0/per_1000", 500.0.into());
        check(&value, "/peer/all/detect_present/passed", 2.into());
        check(&value, "/peer/mean/detect_exact", serde_json::Value::Null);
        check(&value, "/speed/mb_per_s", 246.91.into());
    }

    const TABLE: &str = "\
sms: 3 messages, 73 bytes, leak 16.67 %, over 14.81 %
  1 messages were not scanned to their end: past a limit
  kind          gold  hits  exact  recall  exact recall  precision     F2  exact/hits  wrong  mistyped  optional
  PHONE_NUMBER     2     1      1   0.500         0.500      0.500  0.500       1.000      1         0         1
  CREDIT_CARD      1     0      0   0.000         0.000          -  0.000           -      0         1         0
  NATIONAL_ID      1     1      0   1.000         0.000      1.000  1.000       0.000      0         0         0
  all              4     2      1   0.500         0.250      0.667  0.526       0.500      1         1         1
  entity        gold  hits  exact  recall  exact recall  precision     F2  exact/hits  wrong  mistyped  optional
  CREDIT_CARD      1     0      0   0.000         0.000          -  0.000           -      0         1         0
  GB_NINO          1     1      0   1.000         0.000      1.000  1.000       0.000      0         0         0
  PHONE_NUMBER     2     1      1   0.500         0.500      0.500  0.500       1.000      1         0         1
  by  gold  hits  exact  recall  exact recall  precision     F2  exact/hits  wrong  mistyped  optional
  en     2     2      1   1.000         0.500      1.000  1.000       0.500      0         0         1
  sw     2     0      0   0.000         0.000      0.000  0.000           -      1         1         0
  other bounds  m2  NATIONAL_ID 5..18
  missed  m3  PHONE_NUMBER 5..17
  mistyped  m3  CREDIT_CARD 5..17
  wrong  m3  PHONE_NUMBER 0..4

chat: no labels, 2 messages, 23 bytes, 1 detections, 500.0 per 1,000 messages, 52.17 % of the characters
  entity        detections  per 1,000
  PHONE_NUMBER           1     500.00

cases of other detectors: 5 read, 4 scored
  left out: 1 contested
  entity            cases   rate  validate +  validate -  detect +  exact +  detect -
  GB_NINO               4  0.750         1/1           -       2/2      1/2       0/1
  all                   4  0.750         1/1           -       2/2      1/2       0/1
  mean of entities                         -           -         -        -         -
  three or more cases and below 0.9: GB_NINO
  failed  c3  GB_NINO 0..13

scanned 123,456,789 bytes, 1,000,000 messages in 0.500 s: 246.91 MB/s, 2,000,000 messages/s on 2 threads
";

    #[test]
    fn the_same_report_has_no_changes() {
        let report = by_hand(Keep::default());
        assert_eq!(compare::changes(&report, &report), []);
    }

    #[test]
    fn rates() {
        #[track_caller]
        fn check(gold: u64, hits: u64, right: u64, wrong: u64, expected: [Option<f64>; 3]) {
            let row = Row::new("x", Counts { gold, hits, right, wrong, ..Counts::default() });
            assert_eq!([row.recall, row.precision, row.f2], expected);
        }
        check(0, 0, 0, 0, [None, None, None]);
        check(10, 0, 0, 0, [Some(0.0), None, Some(0.0)]);
        check(10, 0, 0, 5, [Some(0.0), Some(0.0), Some(0.0)]);
        check(10, 10, 10, 0, [Some(1.0), Some(1.0), Some(1.0)]);
        check(10, 8, 8, 8, [Some(0.8), Some(0.5), Some(0.7143)]);
        check(0, 0, 0, 5, [None, None, None]);
    }

    #[test]
    fn text_for_a_terminal() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(shown("a\u{1b}[2J\u{202e}é"), "a\\u{1b}[2J\\u{202e}é");
    }
}
