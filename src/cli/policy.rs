//! `efface policy`: what a policy does with a document, and why; whether a policy is sound.

use super::diff;
use super::redact::source;
use super::selection::Selection;
use super::{DONE, Fault, Globals, QUARANTINED, load_rules, plain, print, talk};
use crate::envelope::{Field, Format, Records, StateId, Treatment, detect};
use crate::ids::EntityId;
use crate::limits::Limits;
use crate::policy::{Lane, Operator, Policy, Why};
use crate::redact::{FieldDetection, Finder};
use crate::rules::RuleSet;
use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `efface policy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what becomes of each field of a sample document on each lane, and why
    #[command(after_long_help = EXAMPLES)]
    Explain(Box<Explain>),
    /// Say what another policy changes, and on a corpus how often
    #[command(after_long_help = diff::EXAMPLES)]
    Diff(Box<diff::Args>),
    /// Say whether a policy is sound
    Check {
        /// A name or a file
        #[arg(value_name = "NAME|FILE")]
        policy: String,
    },
}

#[derive(Debug, clap::Args)]
struct Explain {
    /// A document; of JSON Lines and text the first record. - is standard input
    #[arg(value_name = "SAMPLE")]
    sample: PathBuf,
    /// A name or a file [default: labels for everything]
    #[arg(long, value_name = "NAME|FILE", default_value = "default", hide_default_value = true)]
    policy: String,
    /// One JSON object for each line of the table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    selection: Selection,
}

const EXAMPLES: &str = "Needs no key, and prints no value. The words in brackets say why:
  entity     the lane names the entity           kind    the lane names its kind
  *          the lane names neither
  secret     it opens something: never weaker than redact
  few        it has too few values for a token
  field      a rule of [[fields]] names the place, or --text-field another one
  nothing    nothing was found there             literal true, false and null are not scanned

Example:
  efface policy explain --policy pseudonyms --region SN sample.json";

/// Runs `efface policy`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Explain(args) => explain(&args, globals),
        Command::Check { policy } => check(&policy, globals),
        Command::Diff(args) => diff::run(&args, globals),
    }
}

fn check(name: &str, globals: &Globals) -> anyhow::Result<ExitCode> {
    let rules = load_rules(globals)?;
    let policy = Policy::compile(&source(name)?, rules.entities())?;
    let mut out = format!("{name} is sound: {}\n", plain(policy.title()));
    for lane in policy.lanes() {
        let key = match (lane.has_tokens(), lane.is_keyed()) {
            (true, _) => "writes tokens, needs a key",
            (false, true) => "writes codes or made-up values, needs a key",
            _ => "needs no key",
        };
        let key = if lane.has_conv() { format!("{key} and --conversation-field") } else { key.to_owned() };
        writeln!(out, "  {:12} {key}", lane.name())?;
    }
    print(out.as_bytes())?;
    Ok(ExitCode::from(DONE))
}

/// What becomes of one place.
struct Row {
    /// A JSON Pointer, or nothing for a line of text.
    field: Option<String>,
    part: Part,
    /// One for each lane.
    lanes: Vec<Fate>,
}

/// Which part of a field.
enum Part {
    /// All of it.
    Whole,
    /// A detection, in the value or in the key.
    Detection { start: u32, end: u32, key: bool, entity: String, kind: &'static str, rule: String, score: u16 },
}

/// What becomes of a place on one lane.
struct Fate {
    does: &'static str,
    mode: Option<&'static str>,
    why: &'static str,
}

fn explain(args: &Explain, globals: &Globals) -> anyhow::Result<ExitCode> {
    let source = source(&args.policy)?;
    let mut policy = None;
    let selected = args.selection.build(globals, Limits::default(), |rules| {
        Ok(policy.insert(Policy::compile(&source, rules.entities())?).min_score())
    })?;
    let policy = match policy {
        Some(policy) => policy,
        None => Policy::compile(&source, selected.rules.entities())?,
    };
    let name = args.sample.display().to_string();
    let mut bytes = Vec::new();
    let limit = selected.options.limits.record_bytes as u64;
    if name == "-" {
        std::io::stdin().take(limit).read_to_end(&mut bytes).context("standard input cannot be read")?;
    } else {
        let file = std::fs::File::open(&args.sample).with_context(|| format!("{name} cannot be read"))?;
        file.take(limit).read_to_end(&mut bytes).with_context(|| format!("{name} cannot be read"))?;
    }
    let format = detect(Some(&name), &bytes).map_err(|fault| Fault::new(fault.to_string(), "a sample in UTF-8"))?;
    let not_blank = |body: &[u8]| !body.trim_ascii().is_empty();
    let record = Records::new(format, &bytes)
        .map_err(|fault| Fault::new(fault.to_string(), "a smaller sample"))?
        .find(|record| record.body.of(&bytes).is_some_and(not_blank))
        .ok_or_else(|| Fault::new("the sample is empty", "a document such as those that will come"))?;

    let finder = Finder::build(selected.scanner, policy.lanes().iter().map(Lane::fields), &selected.options)?;
    let mut found = finder.scratch();
    finder.find(format, &bytes, [record], &mut found);
    let Some(seen) = found.records().first() else { return Ok(ExitCode::from(DONE)) };
    if let Err(reason) = seen.walked {
        talk(format_args!("quarantined on every lane: {}", reason.word()));
        return Ok(ExitCode::from(QUARANTINED));
    }
    let explainer = Explainer { finder: &finder, rules: &selected.rules, lanes: policy.lanes() };
    let mut detections: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    let mut pointer = String::new();
    for detected in found.detections(seen) {
        let Some(field) = found.fields().field(detected.field) else { continue };
        pointer.clear();
        let has_pointer = found.fields().pointer(&bytes, field, &mut pointer);
        let row = explainer.detection(has_pointer.then(|| pointer.clone()), field, detected);
        detections.entry(pointer.clone()).or_default().push(row);
    }
    let mut rows = Vec::new();
    match format {
        Format::Text | Format::Log | Format::Csv(_) | Format::Form | Format::Vcard | Format::WhatsApp => {
            rows = detections.into_values().flatten().collect();
            if rows.is_empty() {
                let fate = || Fate { does: "keep", mode: None, why: "nothing" };
                rows.push(Row {
                    field: None,
                    part: Part::Whole,
                    lanes: policy.lanes().iter().map(|_| fate()).collect(),
                });
            }
        }
        Format::Json | Format::JsonLines => {
            let body = record.body.of(&bytes).unwrap_or_default();
            // The parser's own words may quote the text.
            let value: Value = serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
                .map_err(|_| Fault::new("the sample is deeper than can be explained", "a flatter one"))?;
            let mut pointer = String::new();
            explainer.walk(&value, finder.selectors().root(), &mut pointer, &mut detections, &mut rows);
        }
    }
    print(if args.json { lines(&rows, policy.lanes()) } else { table(&rows, policy.lanes())? }.as_bytes())?;
    Ok(ExitCode::from(DONE))
}

struct Explainer<'e> {
    finder: &'e Finder,
    rules: &'e RuleSet,
    lanes: &'e [Lane],
}

impl Explainer<'_> {
    fn detection(&self, pointer: Option<String>, field: &Field, detected: &FieldDetection) -> Row {
        let detection = &detected.detection;
        let entity = self.rules.entity(detection.entity);
        let lanes = (self.lanes.iter().enumerate())
            .map(|(at, lane)| match self.finder.treatment(field, at) {
                Treatment::Scan => {
                    let (owner, operator) = lane.decided(detection.entity, detection.rival);
                    fate(operator, why(lane.why(owner)))
                }
                Treatment::Keep => Fate { does: "keep", mode: None, why: "field" },
                Treatment::Drop => Fate { does: "drop", mode: None, why: "field" },
                Treatment::Operator(entity) => fate(lane.decide(EntityId(entity), None), "field"),
            })
            .collect();
        let part = Part::Detection {
            start: detection.span.start,
            end: detection.span.end,
            key: field.is_key(),
            entity: entity.map_or_else(String::new, |entity| entity.name.clone()),
            kind: entity.map_or("", |entity| entity.kind.name()),
            rule: (self.rules.rule(detection.rule).map(|rule| rule.id.clone()))
                .or_else(|| self.finder.rule(detection.rule))
                .unwrap_or_default(),
            score: detection.score,
        };
        Row { field: pointer, part, lanes }
    }

    /// Goes through every place of a document, whether it was scanned or not.
    fn walk(
        &self,
        value: &Value,
        state: StateId,
        pointer: &mut String,
        detections: &mut BTreeMap<String, Vec<Row>>,
        rows: &mut Vec<Row>,
    ) {
        let own = detections.remove(pointer.as_str()).unwrap_or_default();
        let (keys, values): (Vec<_>, Vec<_>) =
            own.into_iter().partition(|row| matches!(row.part, Part::Detection { key: true, .. }));
        rows.extend(keys);
        let length = pointer.len();
        let selectors = self.finder.selectors();
        match value {
            Value::Array(values) => {
                for (index, value) in (0..).zip(values) {
                    // Writing to a string does not fail.
                    let _ = write!(pointer, "/{index}");
                    self.walk(value, selectors.index(state, index), pointer, detections, rows);
                    pointer.truncate(length);
                }
            }
            Value::Object(members) => {
                for (key, value) in members {
                    pointer.push('/');
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                    self.walk(value, selectors.key(state, key.as_bytes()), pointer, detections, rows);
                    pointer.truncate(length);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                let scanned = !matches!(value, Value::Null | Value::Bool(_));
                let has_values = !values.is_empty();
                let lanes: Vec<_> = (self.lanes.iter().enumerate())
                    .map(|(at, lane)| match selectors.treatment(state, at) {
                        Treatment::Operator(entity) => fate(lane.decide(EntityId(entity), None), "field"),
                        Treatment::Drop => Fate { does: "drop", mode: None, why: "field" },
                        Treatment::Keep => Fate { does: "keep", mode: None, why: "field" },
                        Treatment::Scan if scanned => Fate { does: "keep", mode: None, why: "nothing" },
                        Treatment::Scan => Fate { does: "keep", mode: None, why: "literal" },
                    })
                    .collect();
                rows.extend(values);
                // Where all that a lane does follows from detections, they say it.
                if !has_values {
                    rows.push(Row { field: Some(pointer.clone()), part: Part::Whole, lanes });
                }
            }
        }
    }
}

fn fate(operator: &Operator, why: &'static str) -> Fate {
    Fate { does: operator.name(), mode: operator.detail(), why }
}

const fn why(why: Why) -> &'static str {
    match why {
        Why::Entity => "entity",
        Why::Kind => "kind",
        Why::Any => "*",
        Why::Secret => "secret",
        Why::Few => "few",
        Why::Unknown => "unknown",
    }
}

fn lines(rows: &[Row], lanes: &[Lane]) -> String {
    let mut out = String::new();
    for row in rows {
        let mut line = json!({ "field": row.field });
        if let Part::Detection { start, end, key, entity, kind, rule, score } = &row.part {
            line = json!({
                "field": row.field, "key": key, "start": start, "end": end, "entity": entity, "kind": kind, "rule": rule,
                "score": f64::from(*score) / 1000.0,
            });
        }
        let fates = lanes.iter().zip(&row.lanes).map(|(lane, fate)| {
            let fate = match fate.mode {
                Some(mode) => json!({ "does": fate.does, "mode": mode, "why": fate.why }),
                None => json!({ "does": fate.does, "why": fate.why }),
            };
            (lane.name().to_owned(), fate)
        });
        if let Some(line) = line.as_object_mut() {
            line.insert("lanes".to_owned(), Value::Object(fates.collect()));
        }
        out.push_str(&line.to_string());
        out.push('\n');
    }
    out
}

fn table(rows: &[Row], lanes: &[Lane]) -> anyhow::Result<String> {
    let mut cells = vec![vec!["field".to_owned(), "bytes".to_owned(), "entity".to_owned()]];
    if let Some(head) = cells.first_mut() {
        head.extend(lanes.iter().map(|lane| lane.name().to_owned()));
    }
    for row in rows {
        let field = row.field.as_deref().map_or_else(|| "(text)".to_owned(), |field| plain(field).replace('\n', "\\n"));
        let (place, entity) = match &row.part {
            Part::Whole => ("all".to_owned(), "-".to_owned()),
            Part::Detection { start, end, key, entity, .. } => {
                (format!("{start}..{end}{}", if *key { " of key" } else { "" }), entity.clone())
            }
        };
        let fates = row.lanes.iter().map(|fate| {
            let mode = fate.mode.map_or_else(String::new, |mode| format!(" {mode}"));
            format!("{}{mode} ({})", fate.does, fate.why)
        });
        cells.push([field, place, entity].into_iter().chain(fates).collect());
    }
    let n_columns = cells.first().map_or(0, Vec::len);
    let width = |column: usize| {
        cells.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..n_columns).map(width).collect();
    let mut out = String::new();
    for row in &cells {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "{cell:width$}  ")?;
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(out)
}
