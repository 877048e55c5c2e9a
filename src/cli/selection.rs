//! What to look for: the flags that `scan`, `redact` and others share, and the scanner that follows from them.

use super::progress::Talk;
use super::{Fault, Globals, load_rules};
use crate::batch::{Config, Encoding, Inputs};
use crate::entity::{Entity, Kind, nearest};
use crate::envelope::{Format, MAX_BUFFER};
use crate::ids::Region;
use crate::limits::Limits;
use crate::plan;
use crate::profile::{self, Profiles};
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
          help = "auto, text, jsonl, json, csv and others [default: auto]",
          long_help = "How the input is laid out. auto tells it by name, then by content; text and log: a line is a \
                       record; jsonl: a JSON value on every line; json: the whole input is one value; csv and tsv: tables \
                       whose first row names the columns; form: a form body or query string on every line; vcard: cards of \
                       contacts; whatsapp: an exported chat. Input that is \
                       compressed with gzip, zstd, bzip2, xz or lz4 is unpacked. [default: auto]",
          hide_default_value = true)]
    format: FormatName,
    /// Leave out what fits below folders, such as *.bak (repeatable)
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// How letters are written [default: auto]
    ///
    /// auto tells UTF-8 and UTF-16 by a byte order mark or by zeros between the letters; text (not JSON) with bytes that are
    /// not UTF-8 and no letter beyond ASCII that is, is Latin-1; everything else is UTF-8. Else a name: utf-8, utf-16le,
    /// utf-16be, latin1, windows-1251 and others of one byte a letter. Output is written as the input is.
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    encoding: Option<String>,
    /// Memory to use, at most about so much [default: 256MB]
    ///
    /// Fewer threads work when it is short: each takes about 12 MB, and a record up to eight times its length.
    #[arg(long, value_name = "SIZE", hide_short_help = true)]
    memory: Option<String>,
    /// Say nothing on standard error but what went wrong
    #[arg(short, long)]
    quiet: bool,
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
    /// A table with commas
    Csv,
    /// A table with tabs
    Tsv,
    /// Form bodies
    Form,
    /// Cards of contacts
    Vcard,
    /// An exported chat
    Whatsapp,
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
            return Ok(Inputs::find(&[PathBuf::from("-")], &[])?);
        }
        Ok(Inputs::find(&self.files, &self.exclude)?)
    }

    /// Returns what results depend on.
    pub(crate) fn bearing(&self) -> impl std::fmt::Debug {
        (self.format, self.encoding.clone(), self.limit.clone())
    }

    /// Returns how much is said.
    pub(crate) fn talk(&self) -> Talk {
        if self.quiet { Talk::Quiet } else { Talk::Normal }
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
            FormatName::Csv => Some(Format::Csv(b',')),
            FormatName::Tsv => Some(Format::Csv(b'\t')),
            FormatName::Form => Some(Format::Form),
            FormatName::Vcard => Some(Format::Vcard),
            FormatName::Whatsapp => Some(Format::WhatsApp),
        };
        let encoding = match self.encoding.as_deref() {
            None | Some("auto") => None,
            Some(name) => Some(Encoding::from_name(name).ok_or_else(|| {
                let hint = "auto, utf-8, utf-16le, utf-16be, latin1 or another one of one byte a letter";
                Fault::new(format!("--encoding: no such encoding: {name}"), hint)
            })?),
        };
        let memory = self.memory.as_deref().map_or(Ok(Config::MEMORY), size)?;
        Ok(Config { format, encoding, n_jobs, memory, limits, ..Config::default() })
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
    #[arg(long, value_name = "POINTER", hide_short_help = true)]
    text_field: Option<String>,
    /// JSON: the field that holds each record's region
    #[arg(long, value_name = "POINTER", hide_short_help = true)]
    region_field: Option<String>,
    /// What fields hold: auto, none, the name of a profile or a file [default: auto]
    ///
    /// A profile knows the messages of one platform: which field is a telephone number or a name, and which is nobody. auto takes
    /// for each record the profile that fits it best, and behind it the names of keys that every platform uses (phone, email, lat);
    /// none scans all text alike.
    #[arg(long, value_name = "NAME|FILE", default_value = "auto", hide_default_value = true)]
    envelope: String,
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
    /// The least score that is reported.
    pub(crate) min_score: u16,
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
        let is_wanted = |entity: &Entity| {
            let named =
                wanted.is_empty() || wanted.contains(entity.name.as_str()) || wanted.contains(entity.kind.name());
            let near = countries.is_empty() || entity.country.is_none_or(|country| countries.contains(&country));
            named && near
        };
        let rules = all.select(|_, entity| is_wanted(entity));
        let mut profiles = profiles(&self.envelope, &all)?;
        if let Some(profiles) = &mut profiles {
            profiles.retain(|entity| all.entity(entity).is_some_and(is_wanted));
        }
        let default = ScanConfig::default();
        let min_score = match self.min_score {
            Some(score) => per_mille(score)?,
            None => least(&all)?.unwrap_or(default.min_score),
        };
        let config = ScanConfig { min_score, limits };
        let scanner = Scanner::build_on(&rules, config, jobs(None)?)?;
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
            profiles: profiles.map(Arc::new),
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
        Ok(Selected { rules, scanner, options, min_score })
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

/// Reads what `--envelope` names.
pub(crate) fn profiles(name: &str, all: &RuleSet) -> anyhow::Result<Option<Profiles>> {
    match name {
        "none" => return Ok(None),
        "auto" => return Ok(Some(Profiles::auto(all.entities())?)),
        _ => {}
    }
    let source = match profile::Source::builtin(name) {
        Some(source) => source,
        None => {
            let path = Path::new(name);
            if !path.exists() {
                let names = || profile::Source::builtin_names().chain(["auto", "none"]);
                let hint = match nearest(name, names()) {
                    Some(meant) => format!("did you mean {meant}?"),
                    None => format!("a file, or one of: {}", names().collect::<Vec<_>>().join(", ")),
                };
                return Err(Fault::new(format!("no such envelope: {name}"), hint).into());
            }
            let text = std::fs::read_to_string(path).with_context(|| format!("{name} cannot be read"))?;
            profile::Source { name: name.to_owned(), text }
        }
    };
    Ok(Some(Profiles::fixed(&source, all.entities())?))
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

/// Reads an amount of memory, such as 512MB.
fn size(text: &str) -> anyhow::Result<usize> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text.trim_start_matches(|c: char| c.is_ascii_digit()).to_ascii_uppercase().as_str() {
        "MB" | "M" => Some(1_000_000),
        "GB" | "G" => Some(1_000_000_000),
        "MIB" => Some(1 << 20),
        "GIB" => Some(1 << 30),
        _ => None,
    };
    let bytes = digits.parse::<usize>().ok().zip(unit).and_then(|(n, unit)| n.checked_mul(unit));
    bytes.filter(|&bytes| bytes >= Config::LEAST_MEMORY).ok_or_else(|| {
        let hint = format!("a number with MB or GB, at least {}MB", Config::LEAST_MEMORY / 1_000_000);
        Fault::new(format!("--memory is out of bounds: {text}"), hint).into()
    })
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
