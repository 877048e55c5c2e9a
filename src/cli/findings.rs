//! What a run counts while it works, and the report that it ends with.

use super::{Fault, summary, talk};
use crate::batch::{Census, Inputs, Piece, Place, Summary};
use crate::envelope::{FieldKind, Format, Treatment};
use crate::redact::{Finder, Found};
use crate::report::{FieldPlace, Report, field_name, shape};
use crate::rules::RuleSet;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// What is reported.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReportArgs {
    /// Write what was found, as counts and shapes: a .json or .html file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Html,
}

impl ReportArgs {
    /// Refuses what could not be written, before the work and not after it.
    pub(super) fn check(&self, inputs: &Inputs) -> anyhow::Result<()> {
        let Some(path) = &self.report else { return Ok(()) };
        form(path)?;
        let real = path.canonicalize().ok();
        let is_input =
            |place: &Place| matches!(place, Place::File(file) if real.is_some() && file.canonicalize().ok() == real);
        if inputs.inputs.iter().any(|input| is_input(&input.place)) {
            return Err(Fault::new(format!("{}: the report is an input", path.display()), "name another file").into());
        }
        Ok(())
    }

    /// Returns whether anything is to be counted.
    pub(super) fn is_wanted(&self) -> bool {
        self.report.is_some()
    }

    /// Writes the report.
    pub(super) fn write(&self, report: &Report) -> anyhow::Result<()> {
        let Some(path) = &self.report else { return Ok(()) };
        let text = match form(path)? {
            Form::Html => report.html(),
            Form::Json => serde_json::to_string_pretty(report)? + "\n",
        };
        let context = || format!("{} cannot be written", path.display());
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(context)?;
        }
        std::fs::write(path, text).with_context(context)
    }
}

fn form(path: &Path) -> Result<Form, Fault> {
    match path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase).as_deref() {
        Some("json") => Ok(Form::Json),
        Some("html" | "htm") => Ok(Form::Html),
        _ => {
            Err(Fault::new(format!("--report: no such form: {}", path.display()), "a name that ends in .json or .html"))
        }
    }
}

/// What a work notes of the records that it sees.
pub(super) struct Notes<'r> {
    rules: &'r RuleSet,
    counts: Counts,
    /// Whether a record had a field that is scanned.
    field_seen: AtomicBool,
}

/// Whether fields and shapes are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counts {
    /// For a report or a summary.
    Wanted,
    /// It would only cost.
    Unwanted,
}

impl<'r> Notes<'r> {
    pub(super) fn new(rules: &'r RuleSet, counts: Counts) -> Self {
        Self { rules, counts, field_seen: AtomicBool::new(false) }
    }

    /// Notes what was found in a piece.
    pub(super) fn take(&self, piece: &Piece<'_>, finder: &Finder, found: &Found, census: &mut Census) {
        if !self.field_seen.load(Ordering::Relaxed) {
            let is_scanned = |field| finder.treatment(field, 0) == Treatment::Scan && field.kind != FieldKind::Key;
            if found.fields().all().iter().any(is_scanned) {
                self.field_seen.store(true, Ordering::Relaxed);
            }
        }
        if self.counts == Counts::Unwanted {
            return;
        }
        let mut pointer = String::new();
        for record in found.records() {
            for detected in found.detections(record) {
                let fields = found.fields();
                let detection = &detected.detection;
                let (Some(field), Some(entity)) = (fields.field(detected.field), self.rules.entity(detection.entity))
                else {
                    continue;
                };
                pointer.clear();
                let has_pointer = fields.pointer(piece.bytes, field, &mut pointer);
                let place = if field.kind == FieldKind::Key { FieldPlace::Key } else { FieldPlace::Value };
                let name = field_name(has_pointer.then_some(pointer.as_str()), place);
                let value = detection.span.of(fields.text(piece.bytes, field)).unwrap_or_default();
                census.note(detection.entity, &name, &shape(entity.kind, &String::from_utf8_lossy(value)));
            }
        }
    }

    /// Says that a field that was asked for is in no record: nothing was scanned then, which looks like nothing found.
    pub(super) fn tell_missing(&self, text_field: Option<&str>, summary: &Summary) {
        let n_scanned = summary.tally.n_records - summary.tally.n_quarantined;
        if let Some(pointer) = text_field
            && n_scanned > 0
            && !self.field_seen.load(Ordering::Relaxed)
        {
            talk(format_args!("note: no record has the field {pointer}; nothing was scanned"));
        }
    }
}

/// Puts the report together; names of files that hold a value are shown without it.
pub(super) fn report(command: &'static str, summary: &Summary, rules: &RuleSet, finder: &Finder) -> Report {
    let mut found = finder.scratch();
    let layout = |file: &crate::batch::FileSummary| {
        let format = summary::format_name(file.format?);
        Some(match file.compression {
            crate::batch::Compression::None => format!("{format}, {}", file.encoding),
            compression => format!("{format}, {}, {}", compression.name(), file.encoding),
        })
    };
    Report::build(command, summary, rules, layout, |name| clean(name, rules, finder, &mut found))
}

fn clean(name: &str, rules: &RuleSet, finder: &Finder, found: &mut Found) -> String {
    let records = crate::envelope::Records::new(Format::Text, name.as_bytes());
    finder.find(Format::Text, name.as_bytes(), records.into_iter().flatten(), found);
    let mut out = String::new();
    let mut at = 0;
    for detected in found.records().iter().flat_map(|record| found.detections(record)) {
        let Some(field) = found.fields().field(detected.field) else { continue };
        let raw = found.fields().raw(name.as_bytes(), field, detected.detection.span).range();
        out.push_str(name.get(at..raw.start).unwrap_or_default());
        let label = rules.entity(detected.detection.entity).map_or("TOKEN-LIKE", |entity| entity.name.as_str());
        out.push_str(&format!("[{label}]"));
        at = raw.end;
    }
    out.push_str(name.get(at..).unwrap_or_default());
    out
}
