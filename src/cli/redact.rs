//! `efface redact`: the same files without the personal data.

use super::findings::{self, Counts, Notes, ReportArgs};
use super::keys::KeyArgs;
use super::progress::{self, Progress, Talk};
use super::scan::fault_place;
use super::selection::{Files, Selection};
use super::{DONE, Fault, Globals, QUARANTINED, plain, print, summary};
use crate::batch::{self, Config, Done, Inputs, Leftover, Piece, Resume, Slot, Summary, Target, Trace, Work};
use crate::entity::nearest;
use crate::envelope::Format;
use crate::policy::{Lane, Policy, Source};
use crate::redact::{Input, Redactor, Scratch};
use crate::rules::RuleSet;
use crate::tally::Tally;
use anyhow::Context;
use clap::ValueEnum;
use sha2::{Digest, Sha256};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `efface redact`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Inputs are changed only with --in-place. Without -o the result goes to standard output.",
    after_long_help = EXAMPLES
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: Files,
    /// Where the result goes: a file, or a folder that mirrors the input
    #[arg(short, long, value_name = "FILE|DIR")]
    output: Option<PathBuf>,
    /// What becomes of what: a name or a file [default: labels]
    #[arg(long, value_name = "NAME|FILE", default_value = "default", hide_default_value = true)]
    policy: String,
    /// Lane of the policy; NAME=DIR for several [default: storage]
    ///
    /// --lane analytics -o clean/ writes one lane. --lane storage=a/ --lane analytics=b/ writes both and scans once.
    #[arg(long, value_name = "NAME[=FILE|DIR]")]
    lane: Vec<String>,
    /// Replace the inputs themselves
    #[arg(long, conflicts_with_all = ["output", "resume", "dry_run"])]
    in_place: bool,
    /// Go on where a run that was stopped left off
    ///
    /// A journal beside the output (.efface-journal in a folder) tells what is finished; it is removed when all is. What
    /// was begun with --resume keeps the part that is written when it is stopped. An input that changed since is done anew.
    #[arg(long)]
    resume: bool,
    /// Do everything but write
    #[arg(long, conflicts_with = "resume")]
    dry_run: bool,
    /// So many bytes of an input between two marks in the journal
    #[arg(long, value_name = "N", hide = true, default_value_t = Config::MARK_BYTES)]
    mark_bytes: u64,
    /// What a token in the input is: processed (ours, it stays) or raw (foreign) [default: processed]
    ///
    /// raw is for what people wrote: text that looks like a token becomes [TOKEN-LIKE], so that nobody has a token opened
    /// that was not made here. processed is for what went through efface before: redacting twice is redacting once.
    #[arg(long, value_enum, default_value_t = InputName::Processed, value_name = "SORT", hide_possible_values = true,
          hide_default_value = true, hide_short_help = true)]
    input: InputName,
    #[command(flatten)]
    report: ReportArgs,
    #[command(flatten)]
    keys: KeyArgs,
    #[command(flatten)]
    selection: Selection,
}

/// Names of what a token in the input is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum InputName {
    /// It went through efface before
    Processed,
    /// People wrote it
    Raw,
}

const EXAMPLES: &str = "What a policy does with a value:
  redact   writes the name of its entity in brackets: [PHONE_NUMBER]
  mask     replaces letters and digits by *, and may leave the last ones
  token    writes a pseudonym, the same for the same value; needs --key
  drop     removes it
  keep     leaves it

A policy is a TOML file:
  [lanes.storage]
  \"*\" = \"redact\"                                        # everything that is not named
  CREDIT_CARD = { operator = \"mask\", keep_last = 4 }    # an entity or a kind

What cannot be handled is never passed on. A broken JSON line becomes
{\"efface\":\"quarantined\",...}, a line of text that is too long [QUARANTINED];
a broken JSON document, an archive or a file that cannot be read gives no output
and the rest goes on. The exit code is then 3.

Where the result of -o goes:
  one file      a file of this name; in a folder that is there or ends in /, its own name
  several       a folder of the same shape (a new one that looks like a file ends in /)
A file is written under another name (.NAME.efface-part) and gets its own when it is
whole. -o NAME.gz (.zst .bz2 .xz .lz4) packs one result; a tree is packed as it was.

Examples:
  efface redact chat.txt                        to standard output
  efface redact logs/ -o clean/                 the same tree, formats and compression
  efface redact logs/ -o clean/ --resume        go on after a stop
  efface redact --policy mine.toml --lane analytics export.jsonl -o export.clean.jsonl
  efface redact --policy pseudonyms --key file:root.key export.jsonl -o export.clean.jsonl
  zcat chat.log.gz | efface redact > clean.log";

/// Runs `efface redact`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let inputs = args.files.find()?;
    let (names, targets) = lanes(&args, &inputs)?;
    let source = source(&args.policy)?;
    let mut policy = None;
    let mut selected = args.selection.build(globals, args.files.limits()?, |rules| {
        let policy = policy.insert(Policy::compile(&source, rules.entities())?);
        Ok(policy.min_score())
    })?;
    let policy = match policy {
        Some(policy) => policy,
        // The score came from a flag.
        None => Policy::compile(&source, selected.rules.entities())?,
    };
    let lanes = names.iter().map(|name| {
        policy.lane(name).cloned().ok_or_else(|| {
            let names: Vec<&str> = policy.lanes().iter().map(Lane::name).collect();
            Fault::new(format!("no such lane: {name}"), format!("lanes of this policy: {}", names.join(", ")))
        })
    });
    let lanes = lanes.collect::<Result<Vec<Lane>, Fault>>()?;
    let mut config = args.files.config(selected.options.limits)?;
    args.keys.options(&mut selected.options)?;
    selected.options.alerts = policy.alerts().cloned();
    selected.options.input = match args.input {
        InputName::Processed => Input::Processed,
        InputName::Raw => Input::Raw,
    };
    let rules = selected.rules;
    let redactor = Redactor::build(selected.scanner, &rules, lanes, &selected.options)?;
    args.report.check(&inputs)?;
    let counts = if args.report.is_wanted() { Counts::Wanted } else { Counts::Unwanted };
    let work = Redact { redactor, notes: Notes::new(&rules, counts) };
    config.mark_bytes = args.mark_bytes.max(1);
    config.resume = if args.dry_run || args.in_place { Resume::None } else { resume(&args, &rules, &source, &work)? };
    // A bar would be drawn over the text.
    let text_is_seen = targets.contains(&Target::Stdout) && std::io::stdout().is_terminal();
    let progress = Progress::start(&inputs, if text_is_seen { Talk::Quiet } else { args.files.talk() });
    if targets.iter().any(|target| !matches!(target, Target::Stdout | Target::Nowhere)) {
        let leftover = if args.resume { Leftover::Kept } else { Leftover::Removed };
        progress::end_on_signal(&progress.watch, leftover, config.resume != Resume::None)?;
    }
    let summary = batch::run(&config, &inputs.inputs, &targets, &work, &progress.watch);
    drop(progress);
    let summary = summary?;
    if args.dry_run {
        print(&planned(&args, &inputs, &summary)?)?;
    }
    if counts == Counts::Wanted {
        args.report.write(&findings::report("redact", &summary, &rules, work.redactor.finder()))?;
    }
    summary::tell(&summary, &inputs, &rules, args.files.talk());
    work.notes.tell_missing(selected.options.text_field.as_deref(), &summary);
    let all_well = summary.tally.n_quarantined == 0 && inputs.unread.is_empty();
    Ok(ExitCode::from(if all_well { DONE } else { QUARANTINED }))
}

/// Reads the lanes that are asked for, and where each goes.
fn lanes(args: &Args, inputs: &Inputs) -> anyhow::Result<(Vec<String>, Vec<Target>)> {
    let places: Vec<(&str, Option<&str>)> = match args.lane.as_slice() {
        [] => vec![("storage", None)],
        lanes => lanes
            .iter()
            .map(|lane| lane.split_once('=').map_or((lane.as_str(), None), |(name, place)| (name, Some(place))))
            .collect(),
    };
    let one = |output: Option<&Path>| {
        if args.dry_run {
            // What would be refused is refused, but for the place that is missing.
            output.map_or(Ok(()), |output| Target::plan(inputs, Some(output)).map(drop)).map(|()| Target::Nowhere)
        } else if args.in_place {
            Target::in_place(inputs)
        } else {
            Target::plan(inputs, output)
        }
    };
    if let [(name, None)] = places.as_slice() {
        return Ok((vec![(*name).to_owned()], vec![one(args.output.as_deref())?]));
    }
    if args.in_place || args.output.is_some() {
        let flag = if args.in_place { "--in-place" } else { "-o" };
        let hint = "either one lane and -o, or --lane storage=DIR --lane analytics=DIR";
        return Err(Fault::new(format!("{flag} and lanes with places of their own"), hint).into());
    }
    let (mut names, mut targets) = (Vec::new(), Vec::new());
    for (name, place) in places {
        let Some(place) = place.filter(|place| !place.is_empty()) else {
            let hint = format!("every one of several lanes has its own: --lane {name}=DIR");
            return Err(Fault::new(format!("no place for the lane {name}"), hint).into());
        };
        if names.iter().any(|other| other == name) {
            return Err(Fault::new(format!("the lane {name} is named twice"), "each lane has one place").into());
        }
        names.push(name.to_owned());
        targets.push(one(Some(Path::new(place)))?);
    }
    Target::refuse_shared(&targets, &inputs.inputs)?;
    Ok((names, targets))
}

/// Says what results depend on besides the inputs; two runs that differ in it do not go together.
fn resume(args: &Args, rules: &RuleSet, policy: &Source, work: &Redact<'_>) -> anyhow::Result<Resume> {
    let mut hash = Sha256::new();
    // What a token looks like tells the key without telling it, and the policy is seen at work.
    let mut tally = Tally::default();
    let mut scratch = work.redactor.scratch();
    work.redactor.redact_chunk(Format::Text, PROBE.as_bytes(), &mut scratch, &mut tally);
    let mut add = |part: &[u8]| {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for lane in 0..work.n_lanes() {
        add(scratch.lane(lane));
    }
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(policy.text.as_bytes());
    add(format!("{:?} {:?}", rules.contexts(), rules.prose()).as_bytes());
    for rule in rules.rules() {
        let found = (&rule.id, rule.entity, rule.sieve, &rule.pattern, &rule.tail, rule.guard);
        let judged =
            (rule.check.map(|check| check.name), &rule.context, &rule.labels, &rule.negative, rule.gate, rule.country);
        add(format!("{found:?} {judged:?} {:?} {}", rule.evidence, rule.generic).as_bytes());
    }
    let Args { files, lane, keys, selection, input, .. } = args;
    add(format!("{:?} {lane:?} {keys:?} {selection:?} {input:?}", files.bearing()).as_bytes());
    let run: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(if args.resume { Resume::GoOn(run) } else { Resume::Anew(run) })
}

/// Telephone numbers of those that are kept free for films, and an address of those for examples.
const PROBE: &str = "+1 202 555 0143 and ana@example.org\n";

/// Lists what a dry run would have written.
fn planned(args: &Args, inputs: &Inputs, summary: &Summary) -> anyhow::Result<Vec<u8>> {
    let mut out = Vec::new();
    let places: Vec<PathBuf> = match (&args.output, args.lane.as_slice()) {
        (Some(output), _) => vec![output.clone()],
        (None, lanes) => lanes.iter().filter_map(|lane| lane.split_once('=')).map(|(_, place)| place.into()).collect(),
    };
    let targets = places.iter().map(|place| Target::plan(inputs, Some(place))).collect::<Result<Vec<_>, _>>()?;
    for file in &summary.files {
        let Some(input) = inputs.inputs.get(file.input) else { continue };
        write!(out, "{}", plain(&input.name))?;
        for target in &targets {
            if let Slot::File(path) = target.slot(input) {
                write!(out, " -> {}", plain(&path.display().to_string()))?;
            }
        }
        match file.format.filter(|_| !file.refused) {
            Some(format) => writeln!(
                out,
                "  {}, {}, {}: {} records, {} detections",
                summary::format_name(format),
                file.compression.name(),
                file.encoding,
                file.tally.n_records,
                file.tally.n_detections(),
            )?,
            None => writeln!(out, "  no output")?,
        }
    }
    Ok(out)
}

/// Reads a policy by the name of one that ships with us, or by the name of its file.
pub(super) fn source(name: &str) -> anyhow::Result<Source> {
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
    redactor: Redactor,
    notes: Notes<'r>,
}

impl Work for Redact<'_> {
    type State = Scratch;

    fn state(&self) -> Scratch {
        self.redactor.scratch()
    }

    fn piece(&self, piece: &Piece<'_>, scratch: &mut Scratch, done: &mut Done) {
        let mut tally = Tally::default();
        scratch.set_head(piece.head);
        self.redactor.redact_chunk(piece.format, piece.bytes, scratch, &mut tally);
        self.notes.take(piece, self.redactor.finder(), scratch.found(), &mut done.census);
        for (lane, out) in done.lanes().enumerate() {
            scratch.give(lane, out);
        }
        if tally.n_quarantined > 0 {
            for (number, record) in piece.numbered(scratch.found().records(), |record| record.record) {
                if let Err(reason) = record.walked {
                    done.quarantine(number, fault_place(piece, record, &reason), reason.word());
                }
            }
        }
        // Quarantined records were counted one by one.
        tally.n_quarantined = 0;
        done.tally.add(&tally);
    }

    fn trace(&self) -> Trace {
        Trace::Mark
    }

    fn n_lanes(&self) -> usize {
        self.redactor.lanes().len()
    }
}
