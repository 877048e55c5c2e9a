//! Holds a report against floors that it must reach, and against an earlier report.

use super::report::{PeerRow, Report, Row};
use serde::Deserialize;

/// What a report must reach.
///
/// ```toml
/// [[corpus]]
/// source = "uci-sms-spam"
/// row = "PHONE_NUMBER"        # a kind or an entity; without it, all kinds together
/// recall = 0.93
/// precision = 0.95
///
/// [[corpus]]
/// source = "uci-sms-spam"
/// over = 0.01                 # `leak` and `over` are ceilings
///
/// [[cases]]
/// entity = "IBAN"             # without it, all entities together
/// detect_present = 0.98
/// ```
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Floors {
    #[serde(default)]
    corpus: Vec<CorpusFloor>,
    #[serde(default)]
    cases: Vec<CaseFloor>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CorpusFloor {
    source: String,
    row: Option<String>,
    recall: Option<f64>,
    recall_exact: Option<f64>,
    precision: Option<f64>,
    f2: Option<f64>,
    exact_share: Option<f64>,
    leak: Option<f64>,
    over: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFloor {
    entity: Option<String>,
    validate_valid: Option<f64>,
    validate_invalid: Option<f64>,
    detect_present: Option<f64>,
    detect_exact: Option<f64>,
    detect_absent: Option<f64>,
    rate: Option<f64>,
}

/// A floor file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FloorError {
    /// Not TOML of this form.
    #[error(
        "line {line}: {what}\n  hint: tables [[corpus]] with source, row and figures, [[cases]] with entity and figures"
    )]
    Form {
        /// Counted from 1.
        line: usize,
        /// What the parser says; the file holds no personal data.
        what: String,
    },
    /// A table that asks for nothing.
    #[error("{table} {name}: no figure\n  hint: name at least one, such as recall = 0.9")]
    Empty {
        /// Which sort of table.
        table: &'static str,
        /// Its source or entity.
        name: String,
    },
}

/// A figure that is not reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Shortfall {
    /// Source and row, or entity.
    pub of: String,
    /// Which figure.
    pub figure: &'static str,
    /// What it must be, at least (`leak` and `over`: at most).
    pub wanted: f64,
    /// What it is; nothing where nothing was measured, which is not enough.
    pub is: Option<f64>,
}

/// One figure that differs between two reports.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Source and row, or entity.
    pub of: String,
    /// Which figure.
    pub figure: &'static str,
    /// In the earlier report.
    pub old: Option<f64>,
    /// In the later one.
    pub new: Option<f64>,
}

impl Floors {
    /// Reads TOML.
    ///
    /// # Errors
    /// Not of this form, or a table that asks for nothing.
    pub fn read(text: &str) -> Result<Self, FloorError> {
        let floors: Self = toml::from_str(text).map_err(|err| {
            let at = err.span().map_or(0, |span| span.start);
            let before = text.as_bytes().get(..at).unwrap_or_default();
            FloorError::Form {
                line: 1 + before.iter().filter(|&&b| b == b'\n').count(),
                what: err.message().to_owned(),
            }
        })?;
        for floor in &floors.corpus {
            if floor.figures(None, None).is_empty() {
                return Err(FloorError::Empty { table: "corpus", name: floor.source.clone() });
            }
        }
        for floor in &floors.cases {
            if floor.figures(None).is_empty() {
                return Err(FloorError::Empty { table: "cases", name: floor.entity.clone().unwrap_or_default() });
            }
        }
        Ok(floors)
    }

    /// Returns every figure of `report` that is not reached. A source that the report does not hold is not asked for; a
    /// row that its source does not hold was not measured, which is not enough.
    #[must_use]
    pub fn shortfalls(&self, report: &Report) -> Vec<Shortfall> {
        let mut found = Vec::new();
        for floor in &self.corpus {
            let Some(corpus) = report.gold.iter().find(|corpus| corpus.source == floor.source) else { continue };
            let row = match &floor.row {
                None => Some(&corpus.all),
                Some(name) => corpus.kinds.iter().chain(&corpus.entities).find(|row| row.name == *name),
            };
            let of = format!("{} {}", floor.source, floor.row.as_deref().unwrap_or("all"));
            found.extend(short(&of, &floor.figures(row, corpus.over)));
        }
        if let Some(peer) = &report.peer {
            for floor in &self.cases {
                let row = match &floor.entity {
                    None => Some(&peer.all),
                    Some(name) => peer.entities.iter().find(|row| row.name == *name),
                };
                found
                    .extend(short(&format!("cases {}", floor.entity.as_deref().unwrap_or("all")), &floor.figures(row)));
            }
        }
        found
    }

    /// Returns the sources that floors speak of and `report` does not hold.
    #[must_use]
    pub fn not_measured(&self, report: &Report) -> Vec<&str> {
        let held = |source: &str| report.gold.iter().any(|corpus| corpus.source == source);
        let mut absent: Vec<&str> = self.corpus.iter().map(|f| f.source.as_str()).filter(|s| !held(s)).collect();
        if !self.cases.is_empty() && report.peer.is_none() {
            absent.push("cases");
        }
        absent.dedup();
        absent
    }
}

/// Name of a figure, what it must be, what it is.
type Figure = (&'static str, f64, Option<f64>);

impl CorpusFloor {
    fn figures(&self, row: Option<&Row>, over: Option<f64>) -> Vec<Figure> {
        let of = |figure: fn(&Row) -> Option<f64>| row.and_then(figure);
        let all = [
            ("recall", self.recall, of(|row| row.recall)),
            ("recall_exact", self.recall_exact, of(|row| row.recall_exact)),
            ("precision", self.precision, of(|row| row.precision)),
            ("f2", self.f2, of(|row| row.f2)),
            ("exact_share", self.exact_share, of(|row| row.exact_share)),
            ("leak", self.leak, of(|row| row.leak)),
            ("over", self.over, over),
        ];
        all.into_iter().filter_map(|(name, wanted, is)| Some((name, wanted?, is))).collect()
    }
}

impl CaseFloor {
    fn figures(&self, row: Option<&PeerRow>) -> Vec<Figure> {
        let is = row.map(rates);
        let wanted = [
            self.validate_valid,
            self.validate_invalid,
            self.detect_present,
            self.detect_exact,
            self.detect_absent,
            self.rate,
        ];
        let is = is.unwrap_or(CASE_FIGURES.map(|name| (name, None)));
        wanted.into_iter().zip(is).filter_map(|(wanted, (name, is))| Some((name, wanted?, is))).collect()
    }
}

const CASE_FIGURES: [&str; 6] =
    ["validate_valid", "validate_invalid", "detect_present", "detect_exact", "detect_absent", "rate"];

fn rates(row: &PeerRow) -> [(&'static str, Option<f64>); 6] {
    let s = &row.sorts;
    let of = |passed: super::Passed| super::report::share(passed.passed, passed.n);
    let is = [
        of(s.validate_valid),
        of(s.validate_invalid),
        of(s.detect_present),
        of(s.detect_exact),
        of(s.detect_absent),
        row.rate,
    ];
    let mut is = is.into_iter();
    CASE_FIGURES.map(|name| (name, is.next().flatten()))
}

fn short(of: &str, figures: &[Figure]) -> Vec<Shortfall> {
    let reached = |name: &str, wanted: f64, is: f64| match name {
        "leak" | "over" => is <= wanted,
        _ => is >= wanted,
    };
    let missing = figures.iter().filter(|(name, wanted, is)| !is.is_some_and(|is| reached(name, *wanted, is)));
    missing.map(|&(figure, wanted, is)| Shortfall { of: of.to_owned(), figure, wanted, is }).collect()
}

/// Returns every rate that differs, in the order of the later report; then what only the earlier one has.
#[must_use]
pub fn changes(old: &Report, new: &Report) -> Vec<Change> {
    let (old, new) = (figures(old), figures(new));
    let before = |of: &str, figure: &str| old.iter().find(|(o, f, _)| o == of && *f == figure);
    let after = |of: &str, figure: &str| new.iter().any(|(o, f, _)| o == of && *f == figure);
    let mut found = Vec::new();
    for (of, figure, is) in &new {
        let was = before(of, figure).and_then(|(_, _, was)| *was);
        if was != *is {
            found.push(Change { of: of.clone(), figure, old: was, new: *is });
        }
    }
    for (of, figure, was) in &old {
        if was.is_some() && !after(of, figure) {
            found.push(Change { of: of.clone(), figure, old: *was, new: None });
        }
    }
    found
}

/// Every rate of a report with its name; speed is not among them.
fn figures(report: &Report) -> Vec<(String, &'static str, Option<f64>)> {
    let mut all = Vec::new();
    for corpus in &report.gold {
        let source = &corpus.source;
        all.push((source.clone(), "over", corpus.over));
        let rows = [&corpus.all]
            .into_iter()
            .chain(&corpus.kinds)
            .chain(&corpus.by)
            .map(|row| (row, format!("{source} {}", row.name)));
        let entities = corpus.entities.iter().map(|row| (row, format!("{source} entity {}", row.name)));
        for (row, of) in rows.chain(entities) {
            let rates = [
                ("recall", row.recall),
                ("exact recall", row.recall_exact),
                ("precision", row.precision),
                ("F2", row.f2),
                ("leak", row.leak),
            ];
            all.extend(rates.map(|(figure, rate)| (of.clone(), figure, rate)));
        }
    }
    for corpus in &report.silent {
        all.push((corpus.source.clone(), "per 1,000", corpus.per_1000));
    }
    if let Some(peer) = &report.peer {
        for row in [&peer.all].into_iter().chain(&peer.entities) {
            all.extend(rates(row).map(|(figure, rate)| (format!("cases {}", row.name), figure, rate)));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::by_hand;
    use super::super::score::Keep;
    use super::*;

    #[test]
    fn floors() {
        #[track_caller]
        fn check(toml: &str, expected: &[(&str, &str, Option<f64>)]) {
            let report = by_hand(Keep::default());
            let short = Floors::read(toml).unwrap().shortfalls(&report);
            let is: Vec<_> = short.iter().map(|s| (s.of.as_str(), s.figure, s.is)).collect();
            assert_eq!(is, expected, "{toml}");
        }
        check("", &[]);
        check("[[corpus]]\nsource = 'sms'\nrecall = 0.5", &[]);
        check("[[corpus]]\nsource = 'sms'\nrecall = 0.51", &[("sms all", "recall", Some(0.5))]);
        check(
            "[[corpus]]\nsource = 'sms'\nrow = 'CREDIT_CARD'\nrecall = 0.1",
            &[("sms CREDIT_CARD", "recall", Some(0.0))],
        );
        check("[[corpus]]\nsource = 'sms'\nrow = 'GB_NINO'\nrecall = 1", &[]);
        check("[[corpus]]\nsource = 'sms'\nrow = 'IBAN'\nrecall = 0", &[("sms IBAN", "recall", None)]);
        check("[[corpus]]\nsource = 'elsewhere'\nrecall = 1", &[]);
        check("[[corpus]]\nsource = 'sms'\nover = 0.5", &[]);
        check("[[cases]]\ndetect_present = 1\nvalidate_valid = 1", &[]);
        check("[[cases]]\ndetect_exact = 0.9", &[("cases all", "detect_exact", Some(0.5))]);
        check("[[cases]]\nentity = 'IBAN'\nrate = 0.9", &[("cases IBAN", "rate", None)]);
    }

    #[test]
    fn ceilings() {
        let report = by_hand(Keep::default());
        let floors = Floors::read("[[corpus]]\nsource = 'sms'\nover = 0.001\nleak = 0.001").unwrap();
        let figures: Vec<_> = floors.shortfalls(&report).iter().map(|short| short.figure).collect();
        assert_eq!(figures, ["leak", "over"]);
    }

    #[test]
    fn faults_of_floor_files() {
        #[track_caller]
        fn check(toml: &str, expected: &str) {
            let err = Floors::read(toml).unwrap_err().to_string();
            assert!(err.starts_with(expected), "{err}");
        }
        check("[[corpus]]\nsource = 'sms'\n", "corpus sms: no figure");
        check("[[cases]]\nentity = 'IBAN'\n", "cases IBAN: no figure");
        check("[[corpus]]\nsource = 'sms'\nrecal = 0.9\n", "line 3: unknown field `recal`");
    }

    #[test]
    fn what_is_not_measured_is_told() {
        let report = by_hand(Keep::default());
        let floors =
            Floors::read("[[corpus]]\nsource = 'a'\nrecall = 1\n[[corpus]]\nsource = 'sms'\nrecall = 0").unwrap();
        assert_eq!(floors.not_measured(&report), ["a"]);
    }

    #[test]
    fn changes_of_rates() {
        let old = by_hand(Keep::default());
        let mut new = old.clone();
        new.gold[0].all.recall = Some(0.75);
        new.gold[0].kinds.pop();
        let is: Vec<_> = changes(&old, &new).into_iter().map(|c| (c.of, c.figure, c.old, c.new)).collect();
        assert_eq!(is[0], ("sms all".to_owned(), "recall", Some(0.5), Some(0.75)));
        assert_eq!(is[1].0, "sms NATIONAL_ID");
        assert_eq!(is[1].3, None);
    }
}
