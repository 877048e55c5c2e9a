//! `efface eval`: measures detection against labels.

use super::{Fault, Globals, load_rules, selection};
use crate::entity::{Kind, nearest};
use crate::eval::{self, By, Corpora, Floors, Keep, Label, Options, Proposal, Reach, Report, Selection, Values};
use crate::ids::Region;
use crate::rules::RuleSet;
use crate::scan::{ScanConfig, Scanner, Validator};
use anyhow::{Context, anyhow};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `efface eval`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:  efface eval messages.jsonl --by lang --failures 10    the format: --help",
    after_long_help = FORMATS
)]
pub(crate) struct Args {
    /// Files, folders or globs; - for standard input.
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,

    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,

    /// Add rows by: lang, group, subtype, country, or a key of "meta".
    #[arg(long, value_name = "KEY")]
    by: Option<String>,

    /// Score these kinds only; other labels become optional.
    #[arg(long, value_name = "KIND,…", value_delimiter = ',')]
    kinds: Vec<String>,

    /// Score these entities only.
    #[arg(long, value_name = "ENTITY,…", value_delimiter = ',')]
    entities: Vec<String>,

    /// Score these countries only, and what has none.
    #[arg(long, value_name = "CC,…", value_delimiter = ',')]
    countries: Vec<String>,

    /// Of labels with a subtype, score these only.
    #[arg(long, value_name = "SUBTYPE,…", value_delimiter = ',')]
    subtypes: Vec<String>,

    /// Score only labels that a rule looks for; names, addresses and dates without a subtype are none.
    #[arg(long)]
    covered: bool,

    /// Default region of messages that do not tell theirs.
    #[arg(long, value_name = "CC")]
    region: Option<String>,

    /// Report detections from this score on, 0 to 1.
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    min_score: Option<f64>,

    /// List up to N failures of each sort per source: ids and offsets.
    #[arg(long, value_name = "N", default_value_t = 0)]
    failures: usize,

    /// List failures with their text, which may be personal.
    #[arg(long, requires = "failures")]
    show_values: bool,

    /// Exit 1 when a figure is below the floors in this file.
    #[arg(long, value_name = "FILE")]
    floor: Option<PathBuf>,

    /// Print what changed since an earlier --json report.
    #[arg(long, value_name = "FILE")]
    diff: Option<PathBuf>,

    /// Fit what evidence is worth on the odd records, measure on the even ones, and show both; changes nothing.
    #[arg(long, conflicts_with_all = ["json", "by", "failures", "floor", "diff"])]
    fit: bool,

    /// Write the fitted worths that help into the packs below this folder.
    #[arg(long, value_name = "DIR", requires = "fit")]
    write: Option<PathBuf>,

    /// Threads [default: all].
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    jobs: Option<usize>,
}

const FORMATS: &str = "Labelled messages are JSON Lines, offsets in bytes of UTF-8, end exclusive:
  {\"id\":\"1\",\"source\":\"mine\",\"lang\":\"en\",\"text\":\"mail ana@example.org\",
   \"spans\":[{\"start\":5,\"end\":20,\"type\":\"EMAIL_ADDRESS\",\"value\":\"ana@example.org\"}]}
on one line each. Optional: \"region\"; in a span \"subtype\", \"country\",
\"level\":\"optional\". Cases of other detectors are JSON Lines too:
  {\"id\":\"1\",\"peer\":\"x\",\"kind\":\"validate|detect\",\"entity\":\"IBAN\",
   \"text\":\"...\",\"expect\":[{\"start\":0,\"end\":22}]}
Messages without spans, and the lines of .txt files, are scanned to see how much
is detected in them. The format is told by content; .gz is unpacked.

How it is counted:
  hit        a detection of the label's kind shares a byte with it; exact: both ends
  wrong      a detection where nothing is labelled
  mistyped   a detection over a label of another kind, neither hit nor wrong
  optional   neither asked for nor wrong
  leak       share of labelled characters that no detection covers
  over       share of the other characters that a detection covers
Identification numbers (NATIONAL_ID, TAX_ID, MEDICAL_ID, US_SSN, PASSPORT,
DRIVER_LICENSE, BANK_ACCOUNT, ROUTING_NUMBER, OTHER_ID) count as one kind, and so
do API_KEY, PASSWORD and OTP_CODE. A kind that a source never labels is not
scored on it.

Examples:
  efface eval messages.jsonl
  efface eval messages.jsonl --kinds PHONE_NUMBER --by lang --failures 10
  efface eval --json messages.jsonl > before.json    then, after a change:
  efface eval --diff before.json messages.jsonl
  efface eval --covered --fit corpora/*.jsonl            what would fit better
  efface eval --covered --fit --write patterns/ corpora/*.jsonl

Exit codes:
  0 done   1 below a floor (--floor)   2 wrong use, or a file that is no corpus";

/// Runs the command: 0 done, 1 below a floor.
///
/// # Errors
/// Operator faults: inputs that cannot be read, unknown names, a bad floor file.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let rules = load_rules(globals)?;
    let options = args.options(&rules)?;
    // Files that only judge the report are read first: a slip in them is told before the work, not after it.
    let floors = args.floor.as_deref().map(read_floors).transpose()?;
    let earlier = args.diff.as_deref().map(read_report).transpose()?;
    let mut config = ScanConfig::default();
    if let Some(score) = args.min_score {
        config.min_score = selection::per_mille(score)?;
    }
    let scanner = Scanner::build_on(&rules, config, selection::jobs(None)?)?;
    let corpora = Corpora::read(&args.inputs)?;
    for path in &corpora.skipped {
        eprintln!("not a corpus, skipped: {}", path.display());
    }
    tell_foreign(&corpora);
    if args.show_values {
        eprintln!("text of failures is shown; it may be personal");
    }
    if args.fit {
        return fit(&args, &corpora, &rules, config, &options);
    }
    let validator = Validator::build(&rules)?;
    let is_valid = |entity: &str, text: &[u8], region: Option<Region>| validator.is_valid(entity, text, region);
    let measure = || eval::run(&corpora, &rules, &scanner, Some(&is_valid), &options);
    let n_jobs = selection::jobs(args.jobs)?;
    let report = rayon::ThreadPoolBuilder::new().num_threads(n_jobs).build()?.install(measure);
    let mut out = if args.json { report.to_json()? + "\n" } else { report.table() };
    if let (Some(earlier), false) = (&earlier, args.json) {
        out.push_str(&changes(earlier, &report));
    }
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(out.as_bytes())?;
    stdout.flush()?;
    if let (Some(earlier), true) = (&earlier, args.json) {
        eprint!("{}", changes(earlier, &report));
    }
    Ok(floors.map_or(ExitCode::SUCCESS, |floors| hold(&floors, &report)))
}

fn fit(
    args: &Args,
    corpora: &Corpora,
    rules: &RuleSet,
    config: ScanConfig,
    options: &Options,
) -> anyhow::Result<ExitCode> {
    let n_jobs = selection::jobs(args.jobs)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(n_jobs).build()?;
    let fit = pool.install(|| eval::fit(corpora, rules, config, options))?;
    super::print(fit.table(rules).as_bytes())?;
    if let Some(folder) = &args.write {
        let mut by_pack: BTreeMap<&str, Vec<&Proposal>> = BTreeMap::new();
        for proposal in &fit.kept {
            let pack = rules.rule(proposal.rule).map_or("", |rule| rule.pack.as_str());
            by_pack.entry(pack).or_default().push(proposal);
        }
        eprintln!("{} worths in {} packs are written", fit.kept.len(), by_pack.len());
        for (pack, proposals) in by_pack {
            let path = folder.join(pack);
            let mut text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            for proposal in proposals {
                let id = rules.rule(proposal.rule).map_or("", |rule| rule.id.as_str());
                text = eval::with_worth(&text, id, proposal.part, proposal.new)
                    .ok_or_else(|| anyhow!("no place for evidence of rule {id} in {}", path.display()))?;
            }
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn options(&self, rules: &RuleSet) -> anyhow::Result<Options> {
        let kind = |name: &String| {
            Kind::from_name(name).ok_or_else(|| {
                let names = Kind::ALL.iter().map(|kind| kind.name());
                let hint = match nearest(name, names.clone()) {
                    Some(meant) => format!("did you mean {meant}?"),
                    None => format!("one of: {}", names.collect::<Vec<_>>().join(", ")),
                };
                Fault::new(format!("unknown kind: {name}"), hint)
            })
        };
        for name in &self.entities {
            if rules.entity_by_name(name).is_none() {
                return Err(selection::unknown_entity(rules, name));
            }
        }
        Ok(Options {
            selection: Selection {
                kinds: self.kinds.iter().map(kind).collect::<Result<_, _>>()?,
                entities: self.entities.clone(),
                countries: selection::regions(&self.countries, "--countries", rules)?,
                subtypes: self.subtypes.clone(),
                reach: if self.covered { Reach::Rules } else { Reach::Labels },
            },
            by: self.by.as_deref().map(By::new),
            region: self.region.as_ref().map(|name| selection::region(name, "--region", rules)).transpose()?,
            keep: Keep {
                n_failures: self.failures,
                values: if self.show_values { Values::Shown } else { Values::Hidden },
            },
        })
    }
}

/// Says which types of labels are no kind: nothing can be found for them, so they count for nothing.
fn tell_foreign(corpora: &Corpora) {
    let mut foreign: BTreeMap<&str, u64> = BTreeMap::new();
    let records = corpora.corpora.iter().flat_map(|corpus| &corpus.records);
    for gold in records.flat_map(|record| &record.spans) {
        if let Label::Foreign(name) = &gold.label {
            *foreign.entry(name).or_default() += 1;
        }
    }
    for (name, n) in foreign.iter().take(TYPES_SHOWN) {
        let meant = nearest(name, Kind::ALL.iter().map(|kind| kind.name()));
        let hint = meant.map_or_else(String::new, |meant| format!("; did you mean {meant}?"));
        eprintln!("no such kind: {} ({n} labels){hint}", super::plain(name));
    }
    if foreign.len() > TYPES_SHOWN {
        eprintln!("no such kind: {} more types", foreign.len() - TYPES_SHOWN);
    }
}

const TYPES_SHOWN: usize = 10;

fn read_floors(path: &Path) -> anyhow::Result<Floors> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read floors: {}", path.display()))?;
    Floors::read(&text).with_context(|| format!("bad floors: {}", path.display()))
}

fn read_report(path: &Path) -> anyhow::Result<Report> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read report: {}", path.display()))?;
    // The parser's words are not passed on: they quote what stands in the file, which may be any file.
    Report::from_json(&text).map_err(|err| {
        anyhow!("not a report: {}:{}\n  hint: give what `efface eval --json` printed", path.display(), err.line())
    })
}

fn changes(earlier: &Report, report: &Report) -> String {
    let changes = eval::changes(earlier, report);
    if changes.is_empty() {
        return "no figure changed\n".to_owned();
    }
    let rate = |rate: Option<f64>| rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.4}"));
    let mut out = format!("{} figures changed\n", changes.len());
    for change in changes {
        let by = match (change.old, change.new) {
            (Some(old), Some(new)) => format!("  {:+.4}", new - old),
            _ => String::new(),
        };
        out.push_str(&format!(
            "  {}, {}: {} -> {}{by}\n",
            change.of,
            change.figure,
            rate(change.old),
            rate(change.new)
        ));
    }
    out
}

fn hold(floors: &Floors, report: &Report) -> ExitCode {
    for source in floors.not_measured(report) {
        eprintln!("floor not measured, no such source in this run: {source}");
    }
    let short = floors.shortfalls(report);
    for shortfall in &short {
        let is = shortfall.is.map_or_else(|| "not measured".to_owned(), |is| format!("{is:.4}"));
        let bound = if matches!(shortfall.figure, "leak" | "over") { "above" } else { "below" };
        eprintln!("{bound} the floor {:.4}: {}, {}: {is}", shortfall.wanted, shortfall.of, shortfall.figure);
    }
    if short.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
