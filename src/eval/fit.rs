//! What evidence should be worth: counts on labelled messages how often a candidate of a rule is right, with and without a
//! word beside it, and says which worths would tell that.
//!
//! ```text
//! odd records ─▶ explain ─▶ right | wrong, by rule and by what was seen ─▶ log odds ─▶ proposals
//! even records ────────────────────────────────────────────▶ before and after: precision, recall, F2
//! ```
//!
//! A rule's evidence is a sum, so what is fitted is its parts: `shape` from candidates beside no word, `context`, `field`
//! and `negative` from those beside one. The check's worth follows from its modulus and stays; what it says too much or too
//! little, `shape` takes up. Every share is drawn towards what the rule says today, as if [`PRIOR`] candidates had been seen
//! already: a rule is not changed by a handful of messages.

use super::corpus::{Corpora, Corpus, Record};
use super::run::{Options, region, run};
use super::score::{Found, Judge};
use super::select::Names;
use crate::entity::Kind;
use crate::ids::RuleId;
use crate::rules::{Evidence, Gate, RuleSet, Sieve};
use crate::scan::{BuildError, Explained, Explainer, Hints, ScanConfig, Scanner, What};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Candidates that today's evidence counts for.
const PRIOR: f64 = 20.0;
/// Fewest candidates that change a worth.
const FEWEST: u64 = 30;
/// Smallest change that is proposed, in tenths of a bit: less is noise.
const LEAST: i16 = 5;
/// Largest worth that is proposed, in tenths of a bit.
const MOST: i16 = 100;
/// Thresholds that are tried, in thousandths.
const THRESHOLDS: [u16; 9] = [300, 350, 400, 450, 500, 550, 600, 650, 700];

/// Right and wrong candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Over a label of its kind.
    pub right: u64,
    /// Over nothing that is labelled.
    pub wrong: u64,
}

impl Share {
    const fn n(self) -> u64 {
        self.right + self.wrong
    }

    /// The log odds in tenths of a bit, drawn towards `today`.
    fn odds(self, today: f64) -> f64 {
        let share = 1.0 / (1.0 + (-today / 10.0).exp2());
        let right = self.right as f64 + PRIOR * share;
        let wrong = self.wrong as f64 + PRIOR * (1.0 - share);
        (10.0 * (right / wrong).log2()).clamp(-f64::from(MOST), f64::from(MOST))
    }

    fn add(&mut self, other: Self) {
        self.right += other.right;
        self.wrong += other.wrong;
    }
}

/// What was seen beside a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Nothing,
    Context,
    Field,
    Negative,
}

/// What was counted of one rule.
#[derive(Clone, Debug, Default)]
struct Counted {
    /// Shares by what was seen, and the sum of what the rule said of them.
    by: BTreeMap<Seen, (Share, f64)>,
}

/// A worth that would fit better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Of which rule.
    pub rule: RuleId,
    /// Which worth: `shape`, `context`, `field` or `negative`.
    pub part: &'static str,
    /// Today, in tenths of a bit.
    pub old: i16,
    /// As it fits.
    pub new: i16,
    /// On what it rests.
    pub share: Share,
}

/// Figures of all labelled sources, each counting the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean F2.
    pub f2: f64,
}

/// One source before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// Which.
    pub source: String,
    /// With the weights of today.
    pub old: Figures,
    /// With the proposals.
    pub new: Figures,
}

/// What a fit comes to.
#[derive(Clone, Debug)]
pub struct Fit {
    /// What would change, on the records that were fitted on.
    pub proposals: Vec<Proposal>,
    /// Of these, the ones that helped there one after the other.
    pub kept: Vec<Proposal>,
    /// Candidates that were counted.
    pub n_candidates: u64,
    /// The kept ones on the records that were not fitted on, by source.
    pub effects: Vec<Effect>,
    /// The mean of these.
    pub old: Figures,
    /// The mean of these.
    pub new: Figures,
    /// Mean figures at thresholds, with the weights of today, on the records that were fitted on and on the others.
    pub thresholds: Vec<(u16, Figures, Figures)>,
}

impl Fit {
    /// Returns what a reader wants to see before anything is written. Names rules and counts, no text.
    #[must_use]
    pub fn table(&self, rules: &RuleSet) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "{} candidates on the odd records, {} worths would fit better, {} of them help there",
            self.n_candidates,
            self.proposals.len(),
            self.kept.len()
        );
        let _ = writeln!(
            out,
            "  {:28}  {:8}  {:>5}  {:>5}  {:>6}  {:>6}  helps",
            "rule", "worth", "old", "new", "right", "wrong"
        );
        for proposal in &self.proposals {
            let Proposal { rule, part, old, new, share } = proposal;
            let id = rules.rule(*rule).map_or("", |rule| &rule.id);
            let helps = if self.kept.contains(proposal) { "yes" } else { "no" };
            let Share { right, wrong } = share;
            let _ = writeln!(out, "  {id:28}  {part:8}  {old:>5}  {new:>5}  {right:>6}  {wrong:>6}  {helps}");
        }
        let _ = writeln!(out, "on the even records          precision          recall             F2");
        let means = Effect { source: "mean".to_owned(), old: self.old, new: self.new };
        for Effect { source, old, new } in self.effects.iter().chain([&means]) {
            let pair = |old: f64, new: f64| format!("{old:.4} -> {new:.4}");
            let _ = writeln!(
                out,
                "  {source:25}  {}  {}  {}",
                pair(old.precision, new.precision),
                pair(old.recall, new.recall),
                pair(old.f2, new.f2)
            );
        }
        let _ = writeln!(out, "least score, weights of today  F2 odd  F2 even  precision even  recall even");
        for (threshold, odd, even) in &self.thresholds {
            let score = f64::from(*threshold) / 1000.0;
            let _ = writeln!(
                out,
                "  {score:27.3}  {:8.4}  {:7.4}  {:14.4}  {:11.4}",
                odd.f2, even.f2, even.precision, even.recall
            );
        }
        out
    }
}

/// Returns the text of a pack in which a rule's worth is another one; nothing where the pack has no such rule or its
/// evidence is not on a line of its own.
#[must_use]
pub fn with_worth(pack: &str, id: &str, part: &str, worth: i16) -> Option<String> {
    let value = |line: &str, key: &str| {
        let rest = line.trim_start().strip_prefix(key)?.trim_start().strip_prefix('=')?;
        Some(rest.trim().to_owned())
    };
    let mut out: Vec<String> = pack.split('\n').map(str::to_owned).collect();
    let own = out.iter().position(|line| value(line, "id").is_some_and(|of| of.trim_matches(['"', '\'']) == id))?;
    let is_table = |line: &String| line.trim_start().starts_with('[');
    let end = out.iter().skip(own).position(is_table).map_or(out.len(), |n| own + n);
    let line = (own..end).find(|&at| out.get(at).is_some_and(|line| value(line, "evidence").is_some()));
    let mut table = toml::Table::new();
    let mut parts: Vec<String> = Vec::new();
    if let Some(line) = line.and_then(|at| out.get(at)) {
        table = toml::from_str(line).ok()?;
        // In the order in which they stand.
        let inside = line.split_once('{')?.1.split_once('}')?.0;
        parts = inside.split(',').filter_map(|pair| Some(pair.split_once('=')?.0.trim().to_owned())).collect();
    }
    let mut evidence = table.get("evidence").and_then(toml::Value::as_table).cloned().unwrap_or_default();
    evidence.insert(part.to_owned(), toml::Value::Integer(i64::from(worth)));
    if !parts.iter().any(|known| known == part) {
        parts.push(part.to_owned());
    }
    let pairs: Vec<String> =
        parts.iter().filter_map(|part| Some(format!("{part} = {}", evidence.get(part)?.as_integer()?))).collect();
    let text = format!("evidence = {{ {} }}", pairs.join(", "));
    match line.and_then(|at| out.get_mut(at)) {
        Some(line) => *line = text,
        None => {
            // Before the blank line that ends the rule's own keys.
            let blank = (own..end).find(|&at| out.get(at).is_some_and(|line| line.trim().is_empty()));
            out.insert(blank.unwrap_or(end), text);
        }
    }
    Some(out.join("\n"))
}

/// Fits the rules' evidence on the odd records of `corpora` and measures on the even ones.
///
/// # Errors
/// A scanner cannot be built.
///
/// # Cost
/// Explains half of the records, and scans that half once for every rule with a proposal.
pub fn fit(corpora: &Corpora, rules: &RuleSet, config: ScanConfig, options: &Options) -> Result<Fit, BuildError> {
    let (odd, even) = (half(corpora, 0), half(corpora, 1));
    let scanner = Scanner::build(rules, config)?;
    let counted = count(&odd, rules, &scanner, options);
    let n_candidates = counted.values().flat_map(|of| of.by.values()).map(|(share, _)| share.n()).sum();
    let proposals = propose(rules, &counted);
    let figures = |rules: &RuleSet, corpora: &Corpora, min_score: u16| -> Result<Vec<(String, Figures)>, BuildError> {
        let scanner = Scanner::build(rules, ScanConfig { min_score, ..config })?;
        let report = run(corpora, rules, &scanner, None, options);
        let figures = report.gold.iter().map(|gold| {
            let (precision, recall, f2) = (gold.all.precision, gold.all.recall, gold.all.f2);
            let of = |rate: Option<f64>| rate.unwrap_or(1.0);
            (gold.source.clone(), Figures { precision: of(precision), recall: of(recall), f2: of(f2) })
        });
        Ok(figures.collect())
    };
    // The worths of one rule belong together. Rule after rule, those that rest on most first; what does not help the
    // records it was fitted on is not kept.
    let mut kept: Vec<Proposal> = Vec::new();
    let mut best = mean(&figures(rules, &odd, config.min_score)?);
    for of_rule in proposals.chunk_by(|a, b| a.rule == b.rule) {
        let tried: Vec<Proposal> = kept.iter().chain(of_rule).cloned().collect();
        let now = mean(&figures(&reweighed(rules, &tried), &odd, config.min_score)?);
        if now.f2 > best.f2 {
            (kept, best) = (tried, now);
        }
    }
    let old = figures(rules, &even, config.min_score)?;
    let new = figures(&reweighed(rules, &kept), &even, config.min_score)?;
    let mut thresholds = Vec::new();
    for threshold in THRESHOLDS {
        let (odd, even) = (figures(rules, &odd, threshold)?, figures(rules, &even, threshold)?);
        thresholds.push((threshold, mean(&odd), mean(&even)));
    }
    Ok(Fit {
        proposals,
        n_candidates,
        old: mean(&old),
        new: mean(&new),
        effects: (old.into_iter().zip(new)).map(|((source, old), (_, new))| Effect { source, old, new }).collect(),
        kept,
        thresholds,
    })
}

/// Returns the rules with the proposed worths.
#[must_use]
pub fn reweighed(rules: &RuleSet, proposals: &[Proposal]) -> RuleSet {
    rules.reweigh(|id, evidence| {
        for proposal in proposals.iter().filter(|proposal| proposal.rule == id) {
            if let Some(part) = part(evidence, proposal.part) {
                *part = proposal.new;
            }
        }
    })
}

fn part<'e>(evidence: &'e mut Evidence, name: &str) -> Option<&'e mut i16> {
    match name {
        "shape" => Some(&mut evidence.shape),
        "context" => Some(&mut evidence.context),
        "field" => Some(&mut evidence.field),
        "negative" => Some(&mut evidence.negative),
        _ => None,
    }
}

/// Every second record, so that neighbours, which are often alike, fall into both halves.
fn half(corpora: &Corpora, rest: usize) -> Corpora {
    let of = |corpus: &Corpus| {
        let records =
            corpus.records.iter().enumerate().filter(|(n, _)| n % 2 == rest).map(|(_, record)| record.clone());
        Corpus { source: corpus.source.clone(), records: records.collect() }
    };
    let labelled = |corpus: &&Corpus| corpus.records.iter().any(|record| !record.spans.is_empty());
    Corpora { corpora: corpora.corpora.iter().filter(labelled).map(of).collect(), ..Corpora::default() }
}

fn mean(figures: &[(String, Figures)]) -> Figures {
    let n = figures.len().max(1) as f64;
    let of = |value: fn(&Figures) -> f64| figures.iter().map(|(_, figures)| value(figures)).sum::<f64>() / n;
    Figures { precision: of(|f| f.precision), recall: of(|f| f.recall), f2: of(|f| f.f2) }
}

fn count(corpora: &Corpora, rules: &RuleSet, scanner: &Scanner, options: &Options) -> BTreeMap<RuleId, Counted> {
    let names = Names::new(rules);
    let explainer = Explainer::new(scanner, rules);
    let mut out: BTreeMap<RuleId, Counted> = BTreeMap::new();
    for corpus in &corpora.corpora {
        let judge = Judge::new(corpus, &options.selection, &names);
        let counted: Vec<Vec<(RuleId, Seen, bool, i16)>> = (corpus.records.par_iter())
            .map(|record| of_record(corpus, record, rules, &explainer, &judge, options))
            .collect();
        for (rule, seen, is_right, evidence) in counted.into_iter().flatten() {
            let (share, said) = out.entry(rule).or_default().by.entry(seen).or_default();
            share.add(Share { right: is_right.into(), wrong: (!is_right).into() });
            *said += f64::from(evidence);
        }
    }
    out
}

/// The candidates of one record that can be judged: rule, what was seen beside it, whether it is right, what it was worth.
fn of_record(
    corpus: &Corpus,
    record: &Record,
    rules: &RuleSet,
    explainer: &Explainer<'_>,
    judge: &Judge<'_>,
    options: &Options,
) -> Vec<(RuleId, Seen, bool, i16)> {
    let region = region(corpus, record, options);
    let hints = Hints::default().regions(region.as_slice());
    let Ok(explained) = explainer.weighed(record.text.as_bytes(), &hints) else { return Vec::new() };
    let of = |of: &Explained| {
        let kind = rules.entity(of.entity).map_or(Kind::Other, |entity| entity.kind);
        let found = Found { span: of.span, entity: of.entity, kind, country: of.country };
        let is_right = judge.is_right(record, &found)?;
        let seen = |is: fn(&What) -> bool| of.observations.iter().any(|o| is(&o.what));
        let beside = match () {
            () if seen(|what| matches!(what, What::Negative(_))) => Seen::Negative,
            () if seen(|what| matches!(what, What::Context(_))) => Seen::Context,
            () if seen(|what| matches!(what, What::Field(_))) => Seen::Field,
            () => Seen::Nothing,
        };
        Some((of.rule, beside, is_right, of.evidence))
    };
    explained.iter().filter_map(of).collect()
}

/// The worths that would tell the counted shares, by how many candidates they rest on.
fn propose(rules: &RuleSet, counted: &BTreeMap<RuleId, Counted>) -> Vec<Proposal> {
    let mut out = Vec::new();
    for (&id, counted) in counted {
        let Some(rule) = rules.rule(id) else { continue };
        // What a number is worth follows from its plan, each reading by itself.
        let is_phone = rule.sieve == Sieve::Phone;
        let fitted = |seen: Seen| {
            let &(share, said) = counted.by.get(&seen)?;
            let today = said / share.n().max(1) as f64;
            (share.n() >= FEWEST).then(|| (share, share.odds(today) - today))
        };
        let mut push = |part: &'static str, old: i16, by: f64, share: Share| {
            // Both are within a few hundred.
            #[expect(clippy::cast_possible_truncation, reason = "a worth of at most three digits")]
            let new = (f64::from(old) + by).round().clamp(-200.0, 200.0) as i16;
            if (new - old).abs() >= LEAST {
                out.push(Proposal { rule: id, part, old, new, share });
            }
        };
        // A rule that asks for words says nothing of what stands without.
        let alone = fitted(Seen::Nothing).filter(|_| !is_phone && rule.gate == Gate::Open);
        if let Some((share, by)) = alone {
            push("shape", rule.evidence.shape, by, share);
        }
        let shift = alone.map_or(0.0, |(_, by)| by);
        for (seen, part, old) in [
            (Seen::Context, "context", rule.evidence.context),
            (Seen::Field, "field", rule.evidence.field),
            (Seen::Negative, "negative", rule.evidence.negative),
        ] {
            if let Some((share, by)) = fitted(seen) {
                push(part, old, by - shift, share);
            }
        }
    }
    let n_of = |rule: RuleId| out.iter().filter(|of| of.rule == rule).map(|of| of.share.n()).sum::<u64>();
    let weights: BTreeMap<RuleId, u64> = out.iter().map(|of| (of.rule, n_of(of.rule))).collect();
    out.sort_by_key(|of| (std::cmp::Reverse(weights.get(&of.rule).copied()), of.rule));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worth_is_written_where_it_stands() {
        let pack = "[[rule]]\nid = \"a.b\"\nevidence = { shape = -10, context = 50 }\n\n[rule.examples]\n\n[[rule]]\nid = 'a.c'\ncheck = \"x\"\n\n[rule.examples]\n";
        #[track_caller]
        fn check(pack: &str, id: &str, part: &str, expected: &str) {
            let is = with_worth(pack, id, part, 7).unwrap();
            let differs = is.lines().find(|line| !pack.lines().any(|known| known == *line));
            assert_eq!(differs, Some(expected), "{id} {part}");
            assert!(is.ends_with("[rule.examples]\n"));
        }
        check(pack, "a.b", "shape", "evidence = { shape = 7, context = 50 }");
        check(pack, "a.b", "field", "evidence = { shape = -10, context = 50, field = 7 }");
        check(pack, "a.c", "shape", "evidence = { shape = 7 }");
        assert_eq!(with_worth(pack, "a.d", "shape", 7), None);
    }

    #[test]
    fn few_candidates_hardly_move_what_the_rule_says() {
        #[track_caller]
        fn check(right: u64, wrong: u64, today: f64, low: f64, high: f64) {
            let odds = Share { right, wrong }.odds(today);
            assert!((low..=high).contains(&odds), "{right} {wrong} {today}: {odds}");
        }
        check(0, 0, 30.0, 29.99, 30.01);
        check(0, 0, -60.0, -60.01, -59.99);
        check(2, 0, 0.0, 0.5, 3.0);
        check(1_000, 1_000, 60.0, 0.0, 1.0);
        check(10_000, 0, 0.0, 80.0, 100.0);
        check(0, 10_000, 0.0, -100.0, -80.0);
    }
}
