//! `efface redact`: the same files without the personal data.

use super::keys::KeyArgs;
use super::selection::{Files, Selection};
use super::{DONE, Fault, Globals, QUARANTINED, summary};
use crate::batch::{self, Done, Piece, Target, Trace, Work};
use crate::entity::nearest;
use crate::policy::{Lane, Policy, Source};
use crate::redact::{Input, Redactor, Scratch};
use crate::tally::Tally;
use anyhow::Context;
use clap::ValueEnum;
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
    /// What a token in the input is: processed (ours, it stays) or raw (foreign) [default: processed]
    ///
    /// raw is for what people wrote: text that looks like a token becomes [TOKEN-LIKE], so that nobody has a token opened
    /// that was not made here. processed is for what went through efface before: redacting twice is redacting once.
    #[arg(long, value_enum, default_value_t = InputName::Processed, value_name = "SORT", hide_possible_values = true,
          hide_default_value = true)]
    input: InputName,
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
a broken JSON document gives no output. The exit code is then 3.

Examples:
  efface redact chat.txt                        to standard output
  efface redact logs/ -o clean/                 the same tree; .gz stays .gz
  efface redact --policy mine.toml --lane analytics export.jsonl -o export.clean.jsonl
  efface redact --policy pseudonyms --key file:root.key export.jsonl -o export.clean.jsonl
  zcat chat.log.gz | efface redact > clean.log";

/// Runs `efface redact`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let inputs = args.files.find()?;
    let target = Target::plan(&inputs, args.output.as_deref())?;
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
    let lane = policy.lane(&args.lane).ok_or_else(|| {
        let names: Vec<&str> = policy.lanes().iter().map(Lane::name).collect();
        Fault::new(format!("no such lane: {}", args.lane), format!("lanes of this policy: {}", names.join(", ")))
    })?;
    let config = args.files.config(selected.options.limits)?;
    args.keys.options(&mut selected.options)?;
    selected.options.alerts = policy.alerts().cloned();
    selected.options.input = match args.input {
        InputName::Processed => Input::Processed,
        InputName::Raw => Input::Raw,
    };
    let rules = selected.rules;
    let redactor = Redactor::build(selected.scanner, &rules, vec![lane.clone()], &selected.options)?;
    let summary = batch::run(&config, &inputs.inputs, &target, &Redact { redactor })?;
    summary::tell(&summary, &inputs, &rules);
    Ok(ExitCode::from(if summary.tally.n_quarantined > 0 { QUARANTINED } else { DONE }))
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

struct Redact {
    redactor: Redactor,
}

impl Work for Redact {
    type State = Scratch;

    fn state(&self) -> Scratch {
        self.redactor.scratch()
    }

    fn piece(&self, piece: &Piece<'_>, scratch: &mut Scratch, done: &mut Done) {
        let mut tally = Tally::default();
        self.redactor.redact_chunk(piece.format, piece.bytes, scratch, &mut tally);
        done.out.extend_from_slice(scratch.lane(0));
        for (number, record) in piece.numbered(scratch.found().records(), |record| record.record) {
            if let Err(reason) = record.walked {
                done.quarantine(number, reason.word());
            }
        }
        // Quarantined records were counted one by one.
        tally.n_quarantined = 0;
        done.tally.add(&tally);
    }

    fn trace(&self) -> Trace {
        Trace::Mark
    }
}
