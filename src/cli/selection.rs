//! What to look for: the flags that `scan`, `redact` and others share, and the scanner that follows from them.

use super::{Fault, Globals, load_rules};
use crate::batch::{Config, Inputs};
use crate::entity::{Kind, nearest};
use crate::envelope::{Format, MAX_BUFFER};
use crate::ids::Region;
use crate::limits::Limits;
use crate::plan;
use crate::redact::Options;
use crate::rules::RuleSet;
use crate::scan::{NameBook, ScanConfig, Scanner};
use anyhow::Context;
use clap::ValueEnum;
use std::collections::HashSet;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is read.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Files {
    /// Files, folders or globs; - is standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How the input is laid out
    #[arg(long, value_enum, default_value_t = FormatName::Auto, value_name = "FORMAT", hide_possible_values = true,
          help = "auto, text, jsonl, json or log [default: auto]",
          long_help = "How the input is laid out. auto tells it by name, then by content; text and log: a line is a \
                       record; jsonl: a JSON value on every line; json: the whole input is one value. Input that is \
                       compressed with gzip is unpacked. [default: auto]",
          hide_default_value = true)]
    format: FormatName,
    /// Threads [default: one for each processor]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    jobs: Option<usize>,
    /// A bound on one record (repeatable): depth, record_bytes, field_bytes, fields, detections or candidates
    ///
    /// What is past a bound is quarantined. For example --limit record_bytes=67108864 --limit field_bytes=67108864
    #[arg(long, value_name = "NAME=N", hide_short_help = true)]
    limit: Vec<String>,
}

/// Names of formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// By name, then by content
    Auto,
    /// Lines
    Text,
    /// A JSON value on every line
    #[value(alias = "ndjson")]
    Jsonl,
    /// One JSON value
    Json,
    /// Lines of a program
    Log,
}

impl Files {
    /// Returns whether no input is named.
    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Finds the inputs; without any, standard input.
    pub(crate) fn find(&self) -> anyhow::Result<Inputs> {
        if self.files.is_empty() {
            if io::stdin().is_terminal() {
                return Err(Fault::new("no file to read", "name files or folders, or - for standard input").into());
            }
            return Ok(Inputs::find(&[PathBuf::from("-")])?);
        }
        Ok(Inputs::find(&self.files)?)
    }

    /// Returns the bounds on one record.
    pub(crate) fn limits(&self) -> anyhow::Result<Limits> {
        let mut limits = Limits::default();
        for limit in &self.limit {
            let (name, n) = limit.split_once('=').unwrap_or((limit, ""));
            let bound = match name {
                "depth" => &mut limits.depth,
                "record_bytes" => &mut limits.record_bytes,
                "field_bytes" => &mut limits.field_bytes,
                "fields" => &mut limits.fields,
                "detections" => &mut limits.detections,
                "candidates" => &mut limits.candidates,
                _ => {
                    let hint = "one of: depth, record_bytes, field_bytes, fields, detections, candidates";
                    return Err(Fault::new(format!("--limit: no such bound: {name}"), hint).into());
                }
            };
            *bound = match n.parse() {
                Ok(n) if (1..=MAX_BUFFER).contains(&n) => n,
                _ => {
                    let what = format!("--limit is out of bounds: {limit}");
                    return Err(Fault::new(what, format!("{name}=N with N from 1 to {MAX_BUFFER}")).into());
                }
            };
        }
        Ok(limits)
    }

    /// Returns how inputs are read.
    pub(crate) fn config(&self, limits: Limits) -> anyhow::Result<Config> {
        let n_jobs = jobs(self.jobs)?;
        let format = match self.format {
            FormatName::Auto => None,
            FormatName::Text => Some(Format::Text),
            FormatName::Jsonl => Some(Format::JsonLines),
            FormatName::Json => Some(Format::Json),
            FormatName::Log => Some(Format::Log),
        };
        Ok(Config { format, n_jobs, limits })
    }
}

/// What is looked for, and where in a record.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "What to look for")]
pub(crate) struct Selection {
    /// Only these entities or kinds, such as BR_CPF,PHONE_NUMBER
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    entities: Vec<String>,
    /// Only ids of these countries (and what has no country)
    #[arg(long, value_delimiter = ',', value_name = "SN,FR")]
    countries: Vec<String>,
    /// Countries whose phone numbers are written without prefix
    #[arg(long, value_delimiter = ',', value_name = "SN")]
    region: Vec<String>,
    /// Least score, 0 to 1 [default: 0.5]
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    min_score: Option<f64>,
    /// JSON: look only into this field, such as /text
    #[arg(long, value_name = "POINTER")]
    text_field: Option<String>,
    /// JSON: the field that holds each record's region
    #[arg(long, value_name = "POINTER")]
    region_field: Option<String>,
    /// JSON: a field that holds a person's name (repeatable)
    ///
    /// The name is looked for in all texts of its record, whole or by part. For example /contact/name
    #[arg(long, value_name = "POINTER", hide_short_help = true)]
    name_field: Vec<String>,
    /// JSON: the field that says which conversation a record is of, for codes of conversations
    #[arg(long, value_name = "POINTER", hide_short_help = true)]
    conversation_field: Option<String>,
    /// JSON: the field that says whom a record is about, for shifted dates
    #[arg(long, value_name = "POINTER", hide_short_help = true)]
    subject_field: Option<String>,
    /// Names to look for in every text, one on a line
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    names: Option<PathBuf>,
}

/// What follows from a selection.
pub(crate) struct Selected {
    /// Every entity, and the rules that were asked for.
    pub(crate) rules: RuleSet,
    /// Built from them.
    pub(crate) scanner: Scanner,
    /// Where it looks.
    pub(crate) options: Options,
}

impl Selection {
    /// Loads the rules, picks those that are asked for and builds the scanner; `least` is the score that holds when no
    /// flag names one.
    pub(crate) fn build(
        &self,
        globals: &Globals,
        limits: Limits,
        least: impl FnOnce(&RuleSet) -> anyhow::Result<Option<u16>>,
    ) -> anyhow::Result<Selected> {
        let all = load_rules(globals)?;
        let wanted = self.wanted(&all)?;
        let countries = regions(&self.countries, "--countries", &all)?;
        let rules = all.select(|_, entity| {
            let named =
                wanted.is_empty() || wanted.contains(entity.name.as_str()) || wanted.contains(entity.kind.name());
            let near = countries.is_empty() || entity.country.is_none_or(|country| countries.contains(&country));
            named && near
        });
        let default = ScanConfig::default();
        let min_score = match self.min_score {
            Some(score) => per_mille(score)?,
            None => least(&all)?.unwrap_or(default.min_score),
        };
        let config = ScanConfig { min_score, limits };
        let scanner = Scanner::build(&rules, config)?;
        if globals.verbose {
            super::talk(format_args!(
                "{} rules for {} entities, least score {:.3}, {:?}",
                rules.rules().len(),
                rules.entities().len(),
                f64::from(min_score) / 1000.0,
                scanner.level(),
            ));
        }
        let options = Options {
            regions: regions(&self.region, "--region", &all)?,
            text_field: pointer(self.text_field.as_ref(), "--text-field")?,
            region_field: pointer(self.region_field.as_ref(), "--region-field")?,
            conversation_field: pointer(self.conversation_field.as_ref(), "--conversation-field")?,
            subject_field: pointer(self.subject_field.as_ref(), "--subject-field")?,
            name_fields: (self.name_field.iter())
                .filter_map(|field| pointer(Some(field), "--name-field").transpose())
                .collect::<anyhow::Result<_>>()?,
            book: self.names.as_deref().map(|path| book(path, globals)).transpose()?,
            limits,
            ..Options::default()
        };
        Ok(Selected { rules, scanner, options })
    }

    fn wanted<'s>(&'s self, all: &RuleSet) -> anyhow::Result<HashSet<&'s str>> {
        for name in &self.entities {
            if all.entity_by_name(name).is_none() && Kind::from_name(name).is_none() {
                return Err(unknown_entity(all, name));
            }
        }
        Ok(self.entities.iter().map(String::as_str).collect())
    }
}

/// Reads a list of names.
fn book(path: &Path, globals: &Globals) -> anyhow::Result<Arc<NameBook>> {
    let name = path.display();
    let bytes = std::fs::read(path).with_context(|| format!("{name} cannot be read"))?;
    let text =
        String::from_utf8(bytes).map_err(|_| Fault::new(format!("{name} is not UTF-8"), "one name on a line"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let names = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let book = NameBook::build(names)
        .map_err(|err| Fault::new(format!("--names: {err}"), "the names of one tenant, or fewer of them"))?;
    if book.is_empty() {
        return Err(Fault::new(format!("no name in {name}"), "one name on a line").into());
    }
    if globals.verbose {
        super::talk(format_args!("{} names, {} KiB", book.len(), book.bytes() / 1024));
    }
    Ok(Arc::new(book))
}

/// Tells that nothing has this name, and what has nearly it.
pub(crate) fn unknown_entity(all: &RuleSet, name: &str) -> anyhow::Error {
    let entities = all.entities().iter().map(|entity| entity.name.as_str());
    let hint = match nearest(name, entities.chain(Kind::ALL.iter().map(|kind| kind.name()))) {
        Some(meant) => format!("did you mean {meant}?"),
        None => "`efface rules list` shows every entity and kind".to_owned(),
    };
    Fault::new(format!("unknown entity or kind: {name}"), hint).into()
}

/// Reads several, see [`region`].
pub(crate) fn regions(names: &[String], flag: &str, all: &RuleSet) -> anyhow::Result<Vec<Region>> {
    names.iter().map(|name| region(name, flag, all)).collect()
}

/// Reads a country: two letters that a numbering plan or an entity has. A code of nowhere would quietly find less.
pub(crate) fn region(name: &str, flag: &str, all: &RuleSet) -> anyhow::Result<Region> {
    let fault = |hint| Err(Fault::new(format!("{flag}: not a country: {name}"), hint).into());
    let Some(region) = Region::new(name.trim().as_bytes()) else {
        return fault("two letters of ISO 3166, such as SN");
    };
    let is_known = plan::country_code(region).is_some() || all.entities().iter().any(|e| e.country == Some(region));
    match region.as_str() {
        _ if is_known => Ok(region),
        "UK" => fault("the United Kingdom is GB"),
        _ => fault("two letters of ISO 3166, such as SN"),
    }
}

/// Returns the number of threads that was asked for, or one for each processor.
pub(crate) fn jobs(asked: Option<usize>) -> anyhow::Result<usize> {
    match asked {
        Some(n) if (1..=MOST_JOBS).contains(&n) => Ok(n),
        Some(n) => Err(Fault::new(format!("--jobs is out of bounds: {n}"), format!("1 to {MOST_JOBS}")).into()),
        None => Ok(std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_JOBS))),
    }
}

/// Reads a score.
pub(crate) fn per_mille(score: f64) -> anyhow::Result<u16> {
    if !(0.0..=1.0).contains(&score) {
        return Err(Fault::new(format!("--min-score is out of bounds: {score}"), "0 to 1, such as 0.5").into());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0.0..=1.0 was checked")]
    let score = (score * 1000.0).round() as u16;
    Ok(score)
}

pub(crate) fn pointer(text: Option<&String>, flag: &str) -> anyhow::Result<Option<String>> {
    match text {
        Some(text) if !text.starts_with('/') => {
            Err(Fault::new(format!("{flag}: not a JSON Pointer: {text}"), format!("with a slash: {flag} /{text}"))
                .into())
        }
        _ => Ok(text.cloned()),
    }
}

/// More threads than that only cost memory.
const MOST_JOBS: usize = 256;
