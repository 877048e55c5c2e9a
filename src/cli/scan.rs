//! `efface scan`: what personal data is in there, and where?

use super::found::{Finder, State};
use super::selection::{Files, Selection};
use super::{DONE, FOUND, Globals, QUARANTINED, summary, talk};
use crate::batch::{self, Done, Piece, Target, Trace, Work};
use crate::detection::Detection;
use crate::envelope::{Field, Walked};
use crate::rules::RuleSet;
use crate::span::DocSpan;
use std::io::Write;
use std::process::ExitCode;

/// Arguments of `efface scan`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Prints one JSON line per detection; the value itself only with --show-values.",
    after_long_help = EXAMPLES
)]
pub(crate) struct Args {
    #[command(flatten)]
    files: Files,
    /// Print the values too: personal data on your terminal
    #[arg(long)]
    show_values: bool,
    /// Exit code 1 when anything is found
    #[arg(long)]
    check: bool,
    #[command(flatten)]
    selection: Selection,
}

const EXAMPLES: &str = "Prints JSON Lines, one per detection:
  source, record        the input and the record in it, counted from 1; every line counts
  field                 a JSON Pointer, null for text
  start, end            bytes in the decoded text of the field
  raw_start, raw_end    bytes in the record as it stands in the input
  entity, kind, country what it is
  rule, score           which rule says so, and how surely (0.000 to 1.000)

Examples:
  efface scan examples/messages.txt
  efface scan --region SN --text-field /text export.jsonl.gz
  efface scan --entities EMAIL_ADDRESS,CREDIT_CARD logs/ 'more/**/*.log'
  efface scan --check config/ && echo clean

Exit codes:
  0 done   1 found (with --check)   2 wrong use or a file fault   3 some records could not be read";

/// Runs `efface scan`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let inputs = args.files.find()?;
    let selected = args.selection.build(globals, args.files.limits()?, |_| Ok(None))?;
    let config = args.files.config(selected.limits)?;
    if args.show_values {
        talk(format_args!("note: --show-values prints personal data in clear"));
    }
    let rules = selected.rules.clone();
    let finder = Finder::new(selected, &[])?;
    let values = if args.show_values { Values::Shown } else { Values::Hidden };
    let work = Scan { finder, rules: &rules, values };
    let summary = batch::run(&config, &inputs.inputs, &Target::Stdout, &work)?;
    summary::tell(&summary, &inputs, &rules);
    // What was asked for comes first: with --check, one detection is the answer, whatever else could not be read.
    Ok(ExitCode::from(if args.check && summary.tally.n_detections() > 0 {
        FOUND
    } else if summary.tally.n_quarantined > 0 {
        QUARANTINED
    } else {
        DONE
    }))
}

/// Whether values are printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    Shown,
    Hidden,
}

struct Scan<'r> {
    finder: Finder,
    rules: &'r RuleSet,
    values: Values,
}

/// A field of a record.
struct Place<'p> {
    number: u64,
    walked: Walked,
    field: &'p Field,
    pointer: Option<&'p str>,
}

impl Work for Scan<'_> {
    type State = State;

    fn state(&self) -> State {
        self.finder.state()
    }

    fn piece(&self, piece: &Piece<'_>, state: &mut State, done: &mut Done) {
        self.finder.find(piece, state);
        let mut rest = state.detections.as_slice();
        let mut pointer = String::new();
        for record in &state.records {
            done.tally.n_records += 1;
            let walked = match record.walked {
                Ok(walked) => walked,
                Err(reason) => {
                    done.quarantine(record.number, reason);
                    continue;
                }
            };
            // Detections of records that are quarantined stand before those of the next one that is not.
            let from = rest.partition_point(|(field, _)| *field < walked.fields().start);
            let to = rest.partition_point(|(field, _)| *field < walked.fields().end);
            for (number, detection) in rest.get(from..to).unwrap_or_default() {
                let Some(field) = state.fields.field(*number) else { continue };
                pointer.clear();
                let has_pointer = state.fields.pointer(piece.bytes, field, &mut pointer);
                let pointer = has_pointer.then_some(pointer.as_str());
                let place = Place { number: record.number, walked, field, pointer };
                if self.line(piece, state, &place, detection, &mut done.out).is_ok() {
                    done.tally.count(detection.entity);
                }
            }
            rest = rest.get(to..).unwrap_or_default();
        }
    }

    fn trace(&self) -> Trace {
        Trace::None
    }
}

impl Scan<'_> {
    /// Appends the line of one detection. Keys and their order are a contract.
    fn line(
        &self,
        piece: &Piece<'_>,
        state: &State,
        place: &Place<'_>,
        detection: &Detection,
        out: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        let Place { number, walked, field, pointer } = *place;
        let raw = state.fields.raw(piece.bytes, field, detection.span);
        let raw = DocSpan::new(raw.start - walked.record.start, raw.end - walked.record.start);
        let entity = self.rules.entity(detection.entity);
        let rule = self.rules.rule(detection.rule);
        write!(out, "{{\"source\":")?;
        serde_json::to_writer(&mut *out, piece.source)?;
        write!(out, ",\"record\":{number},\"field\":")?;
        serde_json::to_writer(&mut *out, &pointer)?;
        write!(
            out,
            ",\"start\":{},\"end\":{},\"raw_start\":{},\"raw_end\":{},\"entity\":\"{}\",\"kind\":\"{}\",\"country\":",
            detection.span.start,
            detection.span.end,
            raw.start,
            raw.end,
            entity.map_or("", |entity| &entity.name),
            entity.map_or("", |entity| entity.kind.name()),
        )?;
        serde_json::to_writer(&mut *out, &detection.country.as_ref().map(crate::ids::Region::as_str))?;
        write!(out, ",\"rule\":")?;
        serde_json::to_writer(&mut *out, rule.map_or("", |rule| &rule.id))?;
        write!(out, ",\"score\":{}.{:03}", detection.score / 1000, detection.score % 1000)?;
        if self.values == Values::Shown {
            let text = state.fields.text(piece.bytes, field);
            let value = detection.span.of(text).unwrap_or_default();
            write!(out, ",\"value\":")?;
            serde_json::to_writer(&mut *out, &String::from_utf8_lossy(value))?;
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }
}
