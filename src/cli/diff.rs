//! `efface policy diff`: what another policy changes, and whether it is weaker.

use super::redact::source;
use super::selection::{Files, Selection};
use super::{DONE, FOUND, Globals, plain, print, talk};
use crate::batch::{self, Done, Piece, Target, Trace, Watch, Work};
use crate::entity::Kind;
use crate::ids::EntityId;
use crate::policy::{FieldRule, Lane, Operator, Policy, Reversal, Treatment};
use crate::redact::{Finder, Found};
use crate::rules::RuleSet;
use crate::tally::Tally;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Arguments of `efface policy diff`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A name or a file: what holds now
    #[arg(value_name = "OLD")]
    old: String,
    /// A name or a file: what is to hold
    #[arg(value_name = "NEW")]
    new: String,
    /// Exit code 0 although something is weaker
    #[arg(long)]
    allow_weaker: bool,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    selection: Selection,
}

pub(super) const EXAMPLES: &str =
    "Every line is a change: the lane, what it is about, what was done, what is to be done. With a corpus behind the
policies, the number of detections there that it changes.

weaker      less is taken away, or somebody can turn it back who could not
stricter    more is taken away
other       as much, in another way

Exit codes:
  0 nothing is weaker   1 something is (0 with --allow-weaker)   2 wrong use or a file fault

Example:
  efface policy diff rapidpro mine.toml export.jsonl";

/// What a change does to whoever is in the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Weaker,
    Stricter,
    Other,
}

impl Verdict {
    const fn name(self) -> &'static str {
        match self {
            Self::Weaker => "weaker",
            Self::Stricter => "stricter",
            Self::Other => "other",
        }
    }
}

/// One line of the answer.
struct Change {
    lane: String,
    about: String,
    /// The entities that it is about.
    entities: Vec<EntityId>,
    from: String,
    to: String,
    verdict: Verdict,
}

/// Runs `efface policy diff`.
pub(crate) fn run(args: &Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let (old, new) = (source(&args.old)?, source(&args.new)?);
    let mut both = None;
    let selected = args.selection.build(globals, args.files.limits()?, |rules| {
        let old = Policy::compile(&old, rules.entities())?;
        let new = Policy::compile(&new, rules.entities())?;
        let least = old.min_score().into_iter().chain(new.min_score()).min();
        both = Some((old, new));
        Ok(least)
    })?;
    let (old, new) = match both {
        Some(both) => both,
        None => {
            let entities = selected.rules.entities();
            (Policy::compile(&old, entities)?, Policy::compile(&new, entities)?)
        }
    };
    let changes = changes(&old, &new, &selected.rules);
    let counts = if args.files.is_empty() {
        None
    } else {
        let inputs = args.files.find()?;
        let config = args.files.config(selected.options.limits)?;
        let finder = Finder::build(selected.scanner, [&[][..]], &selected.options)?;
        let summary = batch::run(&config, &inputs.inputs, &[Target::Nowhere], &Count { finder }, &Watch::default())?;
        if summary.tally.n_quarantined > 0 {
            talk(format_args!("{} records could not be read and are not counted", summary.tally.n_quarantined));
        }
        Some(summary.tally)
    };
    print(lines(&changes, counts.as_ref()).as_bytes())?;
    let n_weaker = changes.iter().filter(|change| change.verdict == Verdict::Weaker).count();
    if n_weaker == 0 {
        return Ok(ExitCode::from(DONE));
    }
    if args.allow_weaker {
        talk(format_args!("weaker in {n_weaker} places, which --allow-weaker allows"));
        return Ok(ExitCode::from(DONE));
    }
    talk(format_args!("weaker in {n_weaker} places\n  hint: --allow-weaker where that is meant"));
    Ok(ExitCode::from(FOUND))
}

fn lines(changes: &[Change], counts: Option<&Tally>) -> String {
    let mut out = String::new();
    for change in changes {
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "{:8}  {}  {}: {} -> {}",
            change.verdict.name(),
            change.lane,
            change.about,
            change.from,
            change.to
        );
        if let Some(counts) = counts.filter(|_| !change.entities.is_empty()) {
            let n: u64 = change.entities.iter().map(|&entity| counts.of(entity)).sum();
            let _ = write!(out, "  ({n} in the corpus)");
        }
        out.push('\n');
    }
    if changes.is_empty() {
        out.push_str("no difference\n");
    }
    out
}

/// Everything that differs, lane by lane.
fn changes(old: &Policy, new: &Policy, rules: &RuleSet) -> Vec<Change> {
    let mut out = Vec::new();
    let plain_change = |lane: &str, about: &str, from: String, to: String, verdict| Change {
        lane: lane.to_owned(),
        about: about.to_owned(),
        entities: Vec::new(),
        from,
        to,
        verdict,
    };
    let score = |policy: &Policy| policy.min_score().unwrap_or(crate::scan::ScanConfig::default().min_score);
    if score(old) != score(new) {
        let verdict = if score(new) > score(old) { Verdict::Weaker } else { Verdict::Stricter };
        let shown = |policy| format!("{:.3}", f64::from(score(policy)) / 1000.0);
        out.push(plain_change("all", "min_score", shown(old), shown(new), verdict));
    }
    if old.alerts() != new.alerts() {
        let names = |policy: &Policy| match policy.alerts() {
            None => "none".to_owned(),
            Some(alerts) => {
                let names: Vec<_> = alerts.categories.iter().map(|category| category.name()).collect();
                format!("{} below {}", names.join(" "), alerts.minor_age)
            }
        };
        let has =
            |policy: &Policy, category| policy.alerts().is_some_and(|alerts| alerts.categories.contains(category));
        let age = |policy: &Policy| policy.alerts().map_or(0, |alerts| alerts.minor_age);
        let lost = old.alerts().is_some_and(|alerts| alerts.categories.iter().any(|category| !has(new, category)));
        let verdict = if lost || age(new) < age(old) { Verdict::Weaker } else { Verdict::Stricter };
        out.push(plain_change("all", "alerts", names(old), names(new), verdict));
    }
    for lane in old.lanes() {
        match new.lane(lane.name()) {
            Some(other) => lane_changes(lane, other, rules, &mut out),
            None => {
                out.push(plain_change(lane.name(), "the lane", "there".to_owned(), "gone".to_owned(), Verdict::Other))
            }
        }
    }
    for lane in new.lanes().iter().filter(|lane| old.lane(lane.name()).is_none()) {
        // What nobody wrote before is written now.
        out.push(plain_change(lane.name(), "the lane", "not there".to_owned(), "there".to_owned(), Verdict::Weaker));
    }
    out
}

fn lane_changes(old: &Lane, new: &Lane, rules: &RuleSet, out: &mut Vec<Change>) {
    let entities = || (0..rules.entities().len()).filter_map(|at| u16::try_from(at).ok()).map(EntityId);
    let pair = |entity: EntityId| (old.decide(entity, None), new.decide(entity, None));
    let mut done: Vec<(Kind, &Operator, &Operator)> = Vec::new();
    for entity in entities() {
        let (from, to) = pair(entity);
        let Some(kind) = rules.entity(entity).map(|entity| entity.kind) else { continue };
        if from == to || done.contains(&(kind, from, to)) {
            continue;
        }
        done.push((kind, from, to));
        let of_kind = || entities().filter(|&other| rules.entity(other).is_some_and(|entity| entity.kind == kind));
        let alike: Vec<_> = of_kind().filter(|&other| pair(other) == (from, to)).collect();
        let names: Vec<_> = alike.iter().filter_map(|&other| Some(rules.entity(other)?.name.as_str())).collect();
        let about = if alike.len() == of_kind().count() { kind.name().to_owned() } else { names.join(" ") };
        let lane = old.name().to_owned();
        out.push(Change { lane, about, entities: alike, from: shown(from), to: shown(to), verdict: verdict(from, to) });
    }
    // Without an answer of its own a business is anybody.
    let phone = rules.entity_by_name("PHONE_NUMBER");
    let business = |lane: &Lane| lane.business().cloned().or_else(|| Some(lane.decide(phone?, None).clone()));
    if old.business() != new.business()
        && let (Some(from), Some(to)) = (business(old), business(new))
        && from != to
    {
        let (lane, about) = (old.name().to_owned(), "PHONE_BUSINESS".to_owned());
        let verdict = verdict(&from, &to);
        out.push(Change { lane, about, entities: Vec::new(), from: shown(&from), to: shown(&to), verdict });
    }
    field_changes(old, new, rules, out);
}

fn field_changes(old: &Lane, new: &Lane, rules: &RuleSet, out: &mut Vec<Change>) {
    // Of two rules for one place the later holds.
    let treat = |lane: &Lane, at: &str| {
        lane.fields().iter().rev().find(|rule| rule.at == at).map_or(Treatment::Scan, |rule| rule.treat)
    };
    let name = |treat: Treatment| match treat {
        Treatment::Scan => "scan".to_owned(),
        Treatment::Keep => "keep".to_owned(),
        Treatment::Drop => "drop".to_owned(),
        Treatment::Redact(entity) => format!("redact {}", rules.entity(entity).map_or("", |entity| &entity.name)),
    };
    let mut places: Vec<&str> =
        old.fields().iter().chain(new.fields()).map(|rule: &FieldRule| rule.at.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    for at in places {
        let (from, to) = (treat(old, at), treat(new, at));
        if from == to {
            continue;
        }
        let rank = |treat: Treatment, lane: &Lane| match treat {
            Treatment::Keep => 0,
            Treatment::Scan => 1,
            Treatment::Redact(entity) => 2 + u16::from(lane.decide(entity, None).strictness()),
            Treatment::Drop => 1_000,
        };
        let verdict = match rank(to, new).cmp(&rank(from, old)) {
            std::cmp::Ordering::Less => Verdict::Weaker,
            std::cmp::Ordering::Greater => Verdict::Stricter,
            std::cmp::Ordering::Equal => Verdict::Other,
        };
        let about = plain(&format!("field {at}")).to_string();
        out.push(Change {
            lane: old.name().to_owned(),
            about,
            entities: Vec::new(),
            from: name(from),
            to: name(to),
            verdict,
        });
    }
}

fn verdict(from: &Operator, to: &Operator) -> Verdict {
    let opened = from.reversal() == Reversal::Never && to.reversal() == Reversal::Allowed && *from != Operator::Keep;
    match to.strictness().cmp(&from.strictness()) {
        _ if opened => Verdict::Weaker,
        std::cmp::Ordering::Less => Verdict::Weaker,
        std::cmp::Ordering::Greater => Verdict::Stricter,
        std::cmp::Ordering::Equal => Verdict::Other,
    }
}

fn shown(operator: &Operator) -> String {
    match operator.detail() {
        Some(detail) => format!("{} {detail}", operator.name()),
        None => match operator {
            Operator::Mask { keep_last } => format!("mask {keep_last}"),
            other => other.name().to_owned(),
        },
    }
}

/// Counts detections, and writes nothing.
struct Count {
    finder: Finder,
}

impl Work for Count {
    type State = Found;

    fn state(&self) -> Found {
        self.finder.scratch()
    }

    fn piece(&self, piece: &Piece<'_>, found: &mut Found, done: &mut Done) {
        match crate::envelope::Records::new(piece.format, piece.bytes) {
            Ok(records) => self.finder.find(piece.format, piece.bytes, records, found),
            Err(fault) => {
                done.tally.n_records += 1;
                return done.quarantine(piece.first_record, piece.start, fault.reason());
            }
        }
        let mut tally = Tally::default();
        for (number, record) in piece.numbered(found.records(), |record| record.record) {
            tally.n_records += 1;
            if let Err(reason) = record.walked {
                done.quarantine(number, piece.start, reason.word());
            }
            found.detections(record).iter().for_each(|detected| tally.count(detected.detection.entity));
        }
        done.tally.add(&tally);
    }

    fn trace(&self) -> Trace {
        Trace::None
    }
}
