//! What was found, as counts: by entity, field and file, with shapes instead of values. As a table for a terminal, as JSON,
//! and as one HTML page that needs nothing but itself.
//!
//! The room counts and writes. It sees no text: shapes and names of fields come ready-made from [`shape`] and
//! [`field_name`], and names of files as the caller wants them shown.

mod html;
mod shape;

pub use shape::{FieldPlace, field_name, shape};

use crate::batch::{FileSummary, Sighting, Summary};
use crate::rules::RuleSet;
use crate::tally::Tally;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

/// Everything that a run found, without a value. Serialised, this is the JSON form.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The version that counted.
    pub efface: &'static str,
    /// What was run: `scan` or `redact`.
    pub command: &'static str,
    /// Inputs read.
    pub inputs: usize,
    /// Inputs that an earlier run had finished; fields and shapes of theirs are not counted here.
    pub resumed: usize,
    /// Inputs without output.
    pub refused: usize,
    /// Records, quarantined ones included.
    pub records: u64,
    /// Records that could not be handled.
    pub quarantined: u64,
    /// Bytes of unpacked UTF-8.
    pub bytes: u64,
    /// All detections.
    pub detections: u64,
    /// By entity, most frequent first.
    pub entities: Vec<EntityReport>,
    /// By field, most frequent first.
    pub fields: Vec<FieldReport>,
    /// By file, in the order of the inputs; at most [`Summary::FILES_KEPT`].
    pub files: Vec<FileReport>,
}

/// One entity.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EntityReport {
    /// Its name.
    pub entity: String,
    /// Its kind.
    pub kind: &'static str,
    /// Its country, where it has one.
    pub country: Option<String>,
    /// Detections.
    pub detections: u64,
    /// Where, most frequent first.
    pub fields: Vec<Counted>,
    /// What they look like, most frequent first.
    pub shapes: Vec<Counted>,
}

/// A name or shape and how often it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// The name of a field or entity, or a shape.
    pub what: String,
    /// Detections.
    pub detections: u64,
}

/// One field.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldReport {
    /// A JSON Pointer with `*` for any key or index, a column, or `(text)`.
    pub field: String,
    /// Detections.
    pub detections: u64,
    /// Which, most frequent first.
    pub entities: Vec<Counted>,
}

/// One file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FileReport {
    /// Its name, as it may be shown.
    pub file: String,
    /// How it is laid out, compressed and encoded; nothing where it could not be told.
    pub layout: Option<String>,
    /// Bytes of unpacked UTF-8.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// Records that could not be handled.
    pub quarantined: u64,
    /// Whether it gave no output.
    pub refused: bool,
    /// Detections.
    pub detections: u64,
    /// Which, most frequent first.
    pub entities: Vec<Counted>,
}

impl Report {
    /// Counts what a run found. `layout` tells how a file is laid out, `name` how it may be called in public.
    pub fn build(
        command: &'static str,
        summary: &Summary,
        rules: &RuleSet,
        layout: impl Fn(&FileSummary) -> Option<String>,
        mut name: impl FnMut(&str) -> String,
    ) -> Self {
        let entity_name = |id| rules.entity(id).map_or_else(String::new, |entity| entity.name.clone());
        let of_tally = |tally: &Tally| most_first(tally.entities().map(|(id, n)| (entity_name(id), n)));
        let mut by_entity: HashMap<_, Vec<Sighting<'_>>> = HashMap::new();
        let mut by_field: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
        for sighting in summary.census.sightings() {
            by_entity.entry(sighting.entity).or_default().push(sighting);
            *by_field.entry(sighting.field).or_default().entry(entity_name(sighting.entity)).or_default() += sighting.n;
        }
        let mut entities: Vec<EntityReport> = summary
            .tally
            .entities()
            .filter_map(|(id, n)| {
                let entity = rules.entity(id)?;
                let seen = by_entity.remove(&id).unwrap_or_default();
                Some(EntityReport {
                    entity: entity.name.clone(),
                    kind: entity.kind.name(),
                    country: entity.country.as_ref().map(|country| country.as_str().to_owned()),
                    detections: n,
                    fields: most_first(seen.iter().map(|s| (s.field.to_owned(), s.n))),
                    shapes: most_first(seen.iter().map(|s| (s.shape.to_owned(), s.n))),
                })
            })
            .collect();
        entities.sort_by(|a, b| b.detections.cmp(&a.detections).then_with(|| a.entity.cmp(&b.entity)));
        let mut fields: Vec<FieldReport> = by_field
            .into_iter()
            .map(|(field, entities)| {
                let detections = entities.values().sum();
                FieldReport { field: field.to_owned(), detections, entities: most_first(entities) }
            })
            .collect();
        fields.sort_by(|a, b| b.detections.cmp(&a.detections).then_with(|| a.field.cmp(&b.field)));
        let files = summary
            .files
            .iter()
            .map(|file| FileReport {
                file: name(&file.source),
                layout: layout(file),
                bytes: file.n_bytes,
                records: file.tally.n_records,
                quarantined: file.tally.n_quarantined,
                refused: file.refused,
                detections: file.tally.n_detections(),
                entities: of_tally(&file.tally),
            })
            .collect();
        Self {
            efface: env!("CARGO_PKG_VERSION"),
            command,
            inputs: summary.n_inputs,
            resumed: summary.n_resumed,
            refused: summary.n_refused,
            records: summary.tally.n_records,
            quarantined: summary.tally.n_quarantined,
            bytes: summary.n_bytes,
            detections: summary.tally.n_detections(),
            entities,
            fields,
            files,
        }
    }

    /// Returns the report as one HTML page.
    #[must_use]
    pub fn html(&self) -> String {
        html::page(self)
    }

    /// Returns the report as tables for a terminal.
    #[must_use]
    pub fn table(&self) -> String {
        let mut out = String::new();
        let mut rows = vec![["entity", "detections", "shape", "of them"].map(str::to_owned)];
        for entity in &self.entities {
            let mut first = [entity.entity.clone(), entity.detections.to_string()];
            for shape in entity.shapes.iter().take(SHAPES_SHOWN) {
                let [name, n] = std::mem::take(&mut first);
                rows.push([name, n, shape.what.clone(), shape.detections.to_string()]);
            }
            if entity.shapes.len() > SHAPES_SHOWN {
                let rest: u64 = entity.shapes.iter().skip(SHAPES_SHOWN).map(|shape| shape.detections).sum();
                let n = entity.shapes.len() - SHAPES_SHOWN;
                rows.push([String::new(), String::new(), format!("({n} more)"), rest.to_string()]);
            }
        }
        aligned(&rows, &mut out);
        let listed = |counted: &[Counted]| {
            let shown = counted.iter().take(NAMES_SHOWN).map(|c| format!("{} {}", c.what, c.detections));
            let mut text = shown.collect::<Vec<_>>().join(", ");
            if counted.len() > NAMES_SHOWN {
                let _ = write!(text, ", {} more", counted.len() - NAMES_SHOWN);
            }
            text
        };
        let mut rows = vec![["field", "detections", "entities"].map(str::to_owned)];
        rows.extend(
            self.fields
                .iter()
                .take(ROWS_SHOWN)
                .map(|field| [field.field.clone(), field.detections.to_string(), listed(&field.entities)]),
        );
        out.push('\n');
        aligned(&rows, &mut out);
        more(self.fields.len(), &mut out);
        let mut rows = vec![["file", "records", "detections", "entities"].map(str::to_owned)];
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|file| std::cmp::Reverse(file.detections));
        rows.extend(files.iter().take(ROWS_SHOWN).map(|file| {
            [file.file.clone(), file.records.to_string(), file.detections.to_string(), listed(&file.entities)]
        }));
        out.push('\n');
        aligned(&rows, &mut out);
        more(self.files.len(), &mut out);
        out
    }
}

/// Adds up what is called the same, most frequent first, then by name.
fn most_first(counts: impl IntoIterator<Item = (String, u64)>) -> Vec<Counted> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (what, n) in counts {
        *sums.entry(what).or_default() += n;
    }
    let mut counted: Vec<_> = sums.into_iter().map(|(what, detections)| Counted { what, detections }).collect();
    counted.sort_by_key(|counted| std::cmp::Reverse(counted.detections));
    counted
}

/// Writes columns; those that hold numbers end at the same place.
fn aligned<const N: usize>(rows: &[[String; N]], out: &mut String) {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = if at == 0 { "" } else { "  " };
            let is_number = rows
                .iter()
                .skip(1)
                .all(|row| row.get(at).is_some_and(|cell| cell.bytes().all(|byte| byte.is_ascii_digit())));
            let _ = if is_number { write!(line, "{gap}{cell:>width$}") } else { write!(line, "{gap}{cell:<width$}") };
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

fn more(n: usize, out: &mut String) {
    if n > ROWS_SHOWN {
        let _ = writeln!(out, "({} more; --report FILE.html has them)", n - ROWS_SHOWN);
    }
}

const SHAPES_SHOWN: usize = 5;
const NAMES_SHOWN: usize = 6;
const ROWS_SHOWN: usize = 30;
