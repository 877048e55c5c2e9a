//! `efface redact`: the same files without the personal data.

use super::found::{Finder, State};
use super::selection::{Files, Selection};
use super::{DONE, Fault, Globals, QUARANTINED, summary};
use crate::batch::{self, Done, Piece, Target, Trace, Work};
use crate::entity::nearest;
use crate::envelope::{Change, Edit, Records, Spliced, Splicer, Walked};
use crate::ids::EntityId;
use crate::operator;
use crate::policy::{Lane, Operator, Policy, Source};
use crate::rules::RuleSet;
use crate::sensitive::Sensitive;
use crate::span::Span;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `efface redact`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Inputs are never changed. Without -o the result goes to standard output.",
    after_long_help = EXAMPLES
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: Files,
    /// Where the result goes: a file, or a folder that mirrors the input
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// What becomes of what: a name or a file [default: labels for everything]
    #[arg(long, value_name = "NAME|FILE", default_value = "default", hide_default_value = true)]
    policy: String,
    /// Which of the policy's outputs: storage or analytics [default: storage]
    #[arg(long, value_name = "NAME", default_value = "storage", hide_default_value = true)]
    lane: String,
    #[command(flatten)]
    selection: Selection,
}

const EXAMPLES: &str = "What a policy does with a value:
  redact   writes the name of its entity in brackets: [PHONE_NUMBER]
  mask     replaces letters and digits by *, and may leave the last ones
  drop     removes it
  keep     leaves it

A policy is a TOML file:
  [lanes.storage]
  \"*\" = \"redact\"                                        # everything that is not named
  CREDIT_CARD = { operator = \"mask\", keep_last = 4 }    # an entity or a kind

What cannot be handled is never passed on: a broken JSON line becomes {\"efface\":\"quarantined\",...}, a line of text that
is too long [QUARANTINED]; a broken JSON document gives no output. The exit code is then 3.

Examples:
  efface redact chat.txt                        to standard output
  efface redact logs/ -o clean/                 the same tree; .gz stays .gz
  efface redact --policy mine.toml --lane analytics export.jsonl -o export.clean.jsonl
  zcat chat.log.gz | efface redact > clean.log";

/// Runs `efface redact`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let inputs = args.files.find()?;
    let target = Target::plan(&inputs, args.output.as_deref())?;
    let source = source(&args.policy)?;
    let mut policy = None;
    let selected = args.selection.build(globals, args.files.limits()?, |rules| {
        let policy = policy.insert(Policy::compile(&source, rules.entities())?);
        Ok(policy.min_score())
    })?;
    let policy = match policy {
        Some(policy) => policy,
        // The score came from a flag.
        None => Policy::compile(&source, selected.rules.entities())?,
    };
    let lane = policy.lane(&args.lane).ok_or_else(|| {
        let names: Vec<&str> = policy.lanes().iter().map(Lane::name).collect();
        Fault::new(format!("no such lane: {}", args.lane), format!("lanes of this policy: {}", names.join(", ")))
    })?;
    let config = args.files.config(selected.limits)?;
    let rules = selected.rules.clone();
    let work = Redact { finder: Finder::new(selected, lane.fields())?, rules: &rules, lane };
    let summary = batch::run(&config, &inputs.inputs, &target, &work)?;
    summary::tell(&summary, &inputs, &rules);
    Ok(ExitCode::from(if summary.tally.n_quarantined > 0 { QUARANTINED } else { DONE }))
}

/// Reads a policy by the name of one that ships with us, or by the name of its file.
fn source(name: &str) -> anyhow::Result<Source> {
    if let Some(source) = Source::builtin(name) {
        return Ok(source);
    }
    let path = Path::new(name);
    if !path.exists() {
        let names: Vec<&str> = Source::builtin_names().collect();
        let hint = match nearest(name, names.iter().copied()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => format!("a file, or one of: {}", names.join(", ")),
        };
        return Err(Fault::new(format!("no such policy: {name}"), hint).into());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
    Ok(Source { name: name.to_owned(), text })
}

struct Redact<'r> {
    finder: Finder,
    rules: &'r RuleSet,
    lane: &'r Lane,
}

/// The working memory of one thread.
struct Memory {
    found: State,
    splicer: Splicer,
    edits: Vec<Edit>,
    replacements: Vec<u8>,
}

impl Work for Redact<'_> {
    type State = Memory;

    fn state(&self) -> Memory {
        let found = self.finder.state();
        Memory { found, splicer: Splicer::default(), edits: Vec::new(), replacements: Vec::new() }
    }

    fn piece(&self, piece: &Piece<'_>, memory: &mut Memory, done: &mut Done) {
        self.finder.find(piece, &mut memory.found);
        let records = Records::new(piece.format, piece.bytes).into_iter().flatten();
        for (at, record) in records.enumerate() {
            done.tally.n_records += 1;
            let Some(&found) = memory.found.records.get(at) else { continue };
            match found.walked {
                Ok(walked) => self.rewrite(piece, walked, memory, done),
                Err(reason) => {
                    done.quarantine(found.number, reason);
                    batch::quarantine(piece.format, reason, &mut done.out);
                }
            }
            let end = piece.bytes.get(record.body.end as usize..record.whole.end as usize);
            done.out.extend_from_slice(end.unwrap_or_default());
        }
    }

    fn trace(&self) -> Trace {
        Trace::Mark
    }
}

impl Redact<'_> {
    fn rewrite(&self, piece: &Piece<'_>, walked: Walked, memory: &mut Memory, done: &mut Done) {
        memory.edits.clear();
        memory.replacements.clear();
        let fields = walked.fields();
        let from = memory.found.detections.partition_point(|(field, _)| *field < fields.start);
        let to = memory.found.detections.partition_point(|(field, _)| *field < fields.end);
        let mut detections = memory.found.detections.get(from..to).unwrap_or_default().iter().peekable();
        for number in fields {
            let Some(field) = memory.found.fields.field(number) else { continue };
            let text = memory.found.fields.text(piece.bytes, field);
            let mut edit = |entity: EntityId, rival, span: Span| {
                let (Some(known), Some(value)) = (self.rules.entity(entity), span.of(text)) else { return };
                let operator = self.lane.decide(entity, rival);
                done.tally.count(entity);
                if *operator == Operator::Keep {
                    return;
                }
                let start = memory.replacements.len();
                operator::apply(operator, known, Sensitive::new(value), &mut memory.replacements);
                let with = span_of(start, memory.replacements.len());
                memory.edits.push(Edit { field: number, change: Change::Replace { span, with } });
            };
            if let Some(entity) = self.finder.whole(field) {
                edit(entity, None, span_of(0, text.len()));
            }
            while let Some((_, detection)) = detections.next_if(|(own, _)| *own == number) {
                edit(detection.entity, detection.rival, detection.span);
            }
        }
        let spliced =
            Spliced { fields: &memory.found.fields, buffer: piece.bytes, walked, replacements: &memory.replacements };
        memory.splicer.splice(&spliced, &memory.edits, 0, &mut done.out);
    }
}

/// A record is far shorter than 4 GiB, and so is what replaces its parts.
fn span_of(start: usize, end: usize) -> Span {
    Span::new(u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX))
}
