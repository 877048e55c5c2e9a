//! Scans corpora on all threads and puts the report together. The report does not depend on the number of threads; only
//! its speed does.

use super::corpus::{Ask, Case, Corpora, Corpus, Record};
use super::peer::{self, Validate};
use super::report::{CorpusReport, PeerReport, Report, SilentReport, Speed};
use super::score::{self, By, Found, Keep};
use super::select::{Names, Selection};
use crate::entity::Kind;
use crate::ids::Region;
use crate::rules::RuleSet;
use crate::scan::{Hints, Scanner, Text};
use crate::span::Span;
use rayon::prelude::*;
use std::time::{Duration, Instant};

/// What a run is asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What is scored.
    pub selection: Selection,
    /// A key for further rows.
    pub by: Option<By>,
    /// The default region of messages that do not give their own, instead of the one known for their source.
    pub region: Option<Region>,
    /// Failures to list.
    pub keep: Keep,
}

/// Scans everything and compares it with the labels.
#[must_use]
pub fn run(
    corpora: &Corpora,
    rules: &RuleSet,
    scanner: &Scanner,
    validate: Option<Validate<'_>>,
    options: &Options,
) -> Report {
    let names = Names::new(rules);
    let mut report = Report::new();
    let mut speed = Clock::default();
    for corpus in &corpora.corpora {
        let texts: Vec<_> =
            corpus.records.iter().map(|record| (record.text.as_str(), region(corpus, record, options))).collect();
        let scanned = scan(&texts, rules, scanner);
        speed.count(&texts, scanned.took);
        if corpus.records.iter().all(|record| record.spans.is_empty()) {
            report.silent.push(SilentReport::new(corpus, &scanned.found, &names, scanned.n_faults));
        } else {
            let tallies =
                score::judge(corpus, &scanned.found, &options.selection, &names, options.by.as_ref(), options.keep);
            report.gold.push(CorpusReport::new(corpus, tallies, scanned.n_faults));
        }
    }
    if !corpora.cases.is_empty() {
        let found = scan_cases(&corpora.cases, rules, scanner, options.region, &mut speed);
        let tallies =
            peer::judge(&corpora.cases, &found, validate, options.region, &options.selection, &names, options.keep);
        report.peer = Some(PeerReport::new(tallies));
    }
    report.speed = speed.read();
    report
}

fn scan_cases(
    cases: &[Case],
    rules: &RuleSet,
    scanner: &Scanner,
    default: Option<Region>,
    speed: &mut Clock,
) -> Vec<Vec<Found>> {
    let texts: Vec<_> = cases
        .iter()
        .filter(|case| case.ask == Ask::Detect)
        .map(|case| (case.text.as_str(), case.region.or(default)))
        .collect();
    let scanned = scan(&texts, rules, scanner);
    speed.count(&texts, scanned.took);
    let mut found = scanned.found.into_iter();
    cases
        .iter()
        .map(|case| if case.ask == Ask::Detect { found.next().unwrap_or_default() } else { Vec::new() })
        .collect()
}

struct Scanned {
    found: Vec<Vec<Found>>,
    n_faults: u64,
    took: Duration,
}

/// Messages of one batch call: enough that the call costs nothing, few enough that all threads have work.
const BATCH: usize = 256;

fn scan(texts: &[(&str, Option<Region>)], rules: &RuleSet, scanner: &Scanner) -> Scanned {
    let began = Instant::now();
    let batches: Vec<(Vec<Vec<Found>>, u64)> = texts
        .par_chunks(BATCH)
        .map_init(
            || scanner.scratch(),
            |scratch, chunk| {
                let regions: Vec<Vec<Region>> =
                    chunk.iter().map(|(_, region)| region.iter().copied().collect()).collect();
                let hints: Vec<Hints<'_>> = regions.iter().map(|regions| Hints::default().regions(regions)).collect();
                let (mut buffer, mut spans) = (Vec::new(), Vec::with_capacity(chunk.len()));
                for (text, hints) in chunk.iter().zip(&hints) {
                    // A chunk past 4 GiB cannot be: a file is bounded to half of that.
                    let start = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
                    buffer.extend_from_slice(text.0.as_bytes());
                    let end = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
                    spans.push(Text { span: Span::new(start, end), hints });
                    buffer.push(b'\n');
                }
                scanner.scan_batch(&buffer, &spans, scratch);
                let mut found = vec![Vec::new(); chunk.len()];
                for detection in scratch.detections() {
                    let kind = rules.entity(detection.entity).map_or(Kind::Other, |entity| entity.kind);
                    if let Some(list) = found.get_mut(detection.text as usize) {
                        let (span, entity, country) = (detection.span, detection.entity, detection.country);
                        list.push(Found { span, entity, kind, country });
                    }
                }
                // Nothing found in a text that was not scanned to its end can be relied on.
                for &(text, _) in scratch.faults() {
                    if let Some(list) = found.get_mut(text as usize) {
                        list.clear();
                    }
                }
                (found, scratch.faults().len() as u64)
            },
        )
        .collect();
    let took = began.elapsed();
    let n_faults = batches.iter().map(|(_, n)| n).sum();
    Scanned { found: batches.into_iter().flat_map(|(found, _)| found).collect(), n_faults, took }
}

/// The default region of a message: its own, the country of its own telephone number, what the run says, or what is known
/// of its source.
pub(super) fn region(corpus: &Corpus, record: &Record, options: &Options) -> Option<Region> {
    let phone = |gold: &super::Gold| match gold.label {
        super::Label::Kind(Kind::PhoneNumber) => gold.country,
        _ => None,
    };
    let source = || SOURCES.iter().find(|(name, _)| *name == corpus.source).and_then(|(_, code)| Region::new(code));
    record.region.or_else(|| record.spans.iter().find_map(phone)).or(options.region).or_else(source)
}

/// Public corpora and the region that their messages come from.
const SOURCES: &[(&str, &[u8])] = &[
    ("lifebench-pii", b"CN"),
    ("meddocan", b"ES"),
    ("pl-pii-bench", b"PL"),
    ("planted-sms", b"GB"),
    ("presidio-research", b"US"),
    ("taskmaster4", b"US"),
    ("thai-pii-gold", b"TH"),
    ("uci-sms-spam", b"GB"),
];

#[derive(Default)]
struct Clock {
    bytes: u64,
    messages: u64,
    took: Duration,
}

impl Clock {
    fn count(&mut self, texts: &[(&str, Option<Region>)], took: Duration) {
        self.messages += texts.len() as u64;
        self.bytes += texts.iter().map(|(text, _)| text.len() as u64).sum::<u64>();
        self.took += took;
    }

    fn read(&self) -> Speed {
        Speed::new(self.bytes, self.messages, self.took, rayon::current_num_threads())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_regions() {
        #[track_caller]
        fn check(source: &str, more: &str, asked: Option<&str>, expected: Option<&str>) {
            let line = format!(r#"{{"source":"{source}","text":"0123"{more}}}"#);
            let read = Corpora::read_bytes("x", line.as_bytes()).unwrap();
            let options = Options { region: asked.and_then(|code| Region::new(code.as_bytes())), ..Options::default() };
            let is = region(&read.corpora[0], &read.corpora[0].records[0], &options);
            assert_eq!(is.map(|region| region.to_string()).as_deref(), expected);
        }
        let phone = r#","spans":[{"start":0,"end":4,"type":"PHONE_NUMBER","country":"KE"}]"#;
        let other = r#","spans":[{"start":0,"end":4,"type":"TAX_ID","country":"KE"}]"#;
        check("planted-sms", phone, None, Some("KE"));
        check("planted-sms", phone, Some("SN"), Some("KE"));
        check("planted-sms", other, None, Some("GB"));
        check("planted-sms", other, Some("SN"), Some("SN"));
        check("unheard-of", "", None, None);
        check("unheard-of", "", Some("SN"), Some("SN"));
        check("planted-sms", r#","region":"UG""#, Some("SN"), Some("UG"));
    }

    #[test]
    fn batches_keep_their_order() {
        let rules = RuleSet::default();
        let scanner = Scanner::build(&rules, crate::scan::ScanConfig::default()).unwrap();
        let texts = vec![("hello", None); BATCH * 2 + 3];
        assert_eq!(scan(&texts, &rules, &scanner).found.len(), texts.len());
    }
}
