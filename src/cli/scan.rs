//! `efface scan`: what personal data is in there, and where?

use super::findings::{self, Counts, Notes, ReportArgs};
use super::progress::{Progress, Talk};
use super::selection::{Files, Selection};
use super::{DONE, FOUND, Globals, QUARANTINED, plain, print, summary, talk};
use crate::batch::{self, Done, Piece, Target, Trace, Work};
use crate::detection::Detection;
use crate::envelope::{Field, Fields, Records};
use crate::redact::{Finder, Found, FoundRecord, Reason};
use crate::rules::RuleSet;
use crate::span::DocSpan;
use std::io::{IsTerminal, Write};
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
    /// Print a table by entity, field and file, with shapes such as +221 ## ### ## ##, instead of lines
    #[arg(long, conflicts_with = "show_values")]
    summary: bool,
    #[command(flatten)]
    report: ReportArgs,
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
  efface scan --summary export/                 what is in there, and what does it look like?
  efface scan --summary --report found.html export/

Exit codes:
  0 done   1 found (with --check)   2 wrong use or a file fault   3 some records could not be read";

/// Runs `efface scan`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let inputs = args.files.find()?;
    let selected = args.selection.build(globals, args.files.limits()?, |_| Ok(None))?;
    let config = args.files.config(selected.options.limits)?;
    if args.show_values {
        talk(format_args!("note: --show-values prints personal data in clear"));
    }
    args.report.check(&inputs)?;
    let rules = selected.rules;
    let finder = Finder::build(selected.scanner, [&[][..]], &selected.options)?;
    let values = match (args.summary, args.show_values) {
        (true, _) => Lines::None,
        (false, true) => Lines::WithValues,
        (false, false) => Lines::WithoutValues,
    };
    let counts = if args.summary || args.report.is_wanted() { Counts::Wanted } else { Counts::Unwanted };
    let work = Scan { finder, rules: &rules, lines: values, notes: Notes::new(&rules, counts) };
    // A bar would be drawn over the lines.
    let lines_are_seen = values != Lines::None && std::io::stdout().is_terminal();
    let progress = Progress::start(&inputs, if lines_are_seen { Talk::Quiet } else { args.files.talk() });
    let summary = batch::run(&config, &inputs.inputs, &[Target::Stdout], &work, &progress.watch);
    drop(progress);
    let summary = summary?;
    if counts == Counts::Wanted {
        let report = findings::report("scan", &summary, &rules, &work.finder);
        if args.summary {
            print(plain(&report.table()).as_bytes())?;
        }
        args.report.write(&report)?;
    }
    summary::tell(&summary, &inputs, &rules, args.files.talk());
    work.notes.tell_missing(selected.options.text_field.as_deref(), &summary);
    // What was asked for comes first: with --check, one detection is the answer, whatever else could not be read.
    Ok(ExitCode::from(if args.check && summary.tally.n_detections() > 0 {
        FOUND
    } else if summary.tally.n_quarantined > 0 || !inputs.unread.is_empty() {
        QUARANTINED
    } else {
        DONE
    }))
}

/// Returns the byte of the input where the fault of a record is.
pub(super) fn fault_place(piece: &Piece<'_>, record: &FoundRecord, reason: &Reason) -> u64 {
    let within = match reason {
        Reason::Envelope(fault) => fault.at(),
        _ => 0,
    };
    piece.start + u64::from(record.record.whole.start) + within as u64
}

/// What is printed of a detection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lines {
    /// Nothing; it is counted.
    None,
    WithoutValues,
    WithValues,
}

struct Scan<'r> {
    finder: Finder,
    rules: &'r RuleSet,
    lines: Lines,
    notes: Notes<'r>,
}

/// A field of a record.
struct Place<'p> {
    /// The record's number.
    number: u64,
    /// Where the record begins.
    start: u32,
    fields: &'p Fields,
    field: &'p Field,
    pointer: Option<&'p str>,
}

impl Work for Scan<'_> {
    type State = Found;

    fn state(&self) -> Found {
        self.finder.scratch()
    }

    fn piece(&self, piece: &Piece<'_>, found: &mut Found, done: &mut Done) {
        let records = match Records::new(piece.format, piece.bytes) {
            Ok(records) => records,
            Err(fault) => {
                done.tally.n_records += 1;
                return done.quarantine(piece.first_record, piece.start, fault.reason());
            }
        };
        found.set_head(piece.head);
        self.finder.find(piece.format, piece.bytes, records, found);
        self.notes.take(piece, &self.finder, found, &mut done.census);
        let mut pointer = String::new();
        for (number, record) in piece.numbered(found.records(), |record| record.record) {
            done.tally.n_records += 1;
            if let Err(reason) = record.walked {
                done.quarantine(number, fault_place(piece, record, &reason), reason.word());
            }
            for detected in found.detections(record) {
                let fields = found.fields();
                let Some(field) = fields.field(detected.field) else { continue };
                if self.lines == Lines::None {
                    done.tally.count(detected.detection.entity);
                    continue;
                }
                pointer.clear();
                let has_pointer = fields.pointer(piece.bytes, field, &mut pointer);
                let pointer = has_pointer.then_some(pointer.as_str());
                let place = Place { number, start: record.record.body.start, fields, field, pointer };
                if self.line(piece, &place, &detected.detection, &mut done.out).is_ok() {
                    done.tally.count(detected.detection.entity);
                }
            }
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
        place: &Place<'_>,
        detection: &Detection,
        out: &mut Vec<u8>,
    ) -> anyhow::Result<()> {
        let Place { number, start, fields, field, pointer } = *place;
        let raw = fields.raw(piece.bytes, field, detection.span);
        let raw = DocSpan::new(raw.start - start, raw.end - start);
        let entity = self.rules.entity(detection.entity);
        let rule = self.rules.rule(detection.rule).map(|rule| rule.id.clone());
        let rule = rule.or_else(|| self.finder.rule(detection.rule)).unwrap_or_default();
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
        serde_json::to_writer(&mut *out, &rule)?;
        write!(out, ",\"score\":{}.{:03}", detection.score / 1000, detection.score % 1000)?;
        if self.lines == Lines::WithValues {
            let text = fields.text(piece.bytes, field);
            let value = detection.span.of(text).unwrap_or_default();
            write!(out, ",\"value\":")?;
            serde_json::to_writer(&mut *out, &String::from_utf8_lossy(value))?;
        }
        out.extend_from_slice(b"}\n");
        Ok(())
    }
}
