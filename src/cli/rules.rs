//! `efface rules`: what can be found, how, and whether the rules keep their own promises.

use super::{DONE, FOUND, Fault, Globals, load_rules, print, talk};
use crate::entity::{Entity, Family, nearest};
use crate::ids::Region;
use crate::rules::{CountryFrom, Examples, Gate, Rule, RuleSet, Sieve, Source, Want};
use crate::scan::{Hints, ScanConfig, Scanner, Scratch, Validator};
use anyhow::Context;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Arguments of `efface rules`.
#[derive(Debug, clap::Args)]
#[command(after_help = "With --rules DIR your own packs are read on top of ours.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List every rule: id, entity, kind, country, sieve, check, title
    List {
        /// Print JSON Lines instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Print one rule as it stands in its pack
    Show {
        /// The rule's id, as `rules list` prints it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Make values that follow a rule, as JSON Lines: nobody's on purpose, for tests and examples
    Sample {
        /// The rule's id; all rules where none is given
        #[arg(value_name = "ID")]
        id: Option<String>,
        /// The same values for the same number
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,
        /// How many of each rule
        #[arg(long, value_name = "N", default_value_t = 3)]
        count: u64,
    },
    /// Run every rule's own examples, alone and together with all rules
    Test,
}

/// Runs `efface rules`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let rules = load_rules(globals)?;
    match args.command {
        Command::List { json: true } => list_json(&rules),
        Command::List { json: false } => list(&rules),
        Command::Show { id } => show(&rules, &id),
        Command::Sample { id, seed, count } => sample(&rules, id.as_deref(), seed, count),
        Command::Test => test(&rules),
    }
}

const HEADINGS: [&str; 7] = ["id", "entity", "kind", "country", "sieve", "check", "title"];

fn row(rules: &RuleSet, rule: &Rule) -> [String; 7] {
    let entity = rules.entity(rule.entity);
    let country = match (rule.country, entity.and_then(|entity| entity.country)) {
        (CountryFrom::Prefix, _) => "prefix".to_owned(),
        (CountryFrom::Plan, _) => "plan".to_owned(),
        (_, Some(region)) => region.to_string(),
        (_, None) => String::new(),
    };
    let sieve = match rule.sieve {
        Sieve::Digits { min, max } if min == max => format!("digits:{min}"),
        Sieve::Digits { min, max } => format!("digits:{min}-{max}"),
        other => format!("{other:?}").to_ascii_lowercase(),
    };
    [
        rule.id.clone(),
        entity.map(|entity| entity.name.clone()).unwrap_or_default(),
        entity.map(|entity| entity.kind.name().to_owned()).unwrap_or_default(),
        country,
        sieve,
        rule.check.map(|check| check.name.to_owned()).unwrap_or_default(),
        rule.title.clone(),
    ]
}

fn list(rules: &RuleSet) -> anyhow::Result<ExitCode> {
    let rows: Vec<[String; 7]> = rules.rules().iter().map(|rule| row(rules, rule)).collect();
    let mut widths = HEADINGS.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = String::new();
    for row in std::iter::once(&HEADINGS.map(str::to_owned)).chain(&rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let cell = if cell.is_empty() { "-" } else { cell };
            let _ = write!(line, "{cell:<width$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    print(out.as_bytes())?;
    talk(format_args!("{} rules, {} entities", rules.rules().len(), rules.entities().len()));
    Ok(ExitCode::from(DONE))
}

fn list_json(rules: &RuleSet) -> anyhow::Result<ExitCode> {
    let mut out = Vec::new();
    for rule in rules.rules() {
        let row = row(rules, rule);
        let mut object = String::from("{");
        for (n, (key, cell)) in HEADINGS.iter().zip(row).enumerate() {
            let value = if cell.is_empty() { "null".to_owned() } else { serde_json::to_string(&cell)? };
            let _ = write!(object, "{}\"{key}\":{value}", if n > 0 { "," } else { "" });
        }
        object.push_str("}\n");
        out.extend_from_slice(object.as_bytes());
    }
    print(&out)?;
    Ok(ExitCode::from(DONE))
}

fn sample(rules: &RuleSet, id: Option<&str>, seed: u64, count: u64) -> anyhow::Result<ExitCode> {
    if let Some(id) = id.filter(|id| !rules.rules().iter().any(|rule| rule.id == *id)) {
        return Err(no_such_rule(rules, id));
    }
    for rule in rules.rules().iter().filter(|rule| id.is_none_or(|id| rule.id == id)) {
        let entity = rules.entity(rule.entity).map_or("", |entity| &entity.name);
        for n in 0..count {
            for (want, valid) in [(Want::Valid, true), (Want::Invalid, false)] {
                let Some(value) = rule.sample(seed.wrapping_add(n), want) else { continue };
                let line = serde_json::json!({ "rule": rule.id, "entity": entity, "text": value, "valid": valid });
                print(format!("{line}\n").as_bytes())?;
            }
        }
    }
    Ok(ExitCode::from(DONE))
}

fn no_such_rule(rules: &RuleSet, id: &str) -> anyhow::Error {
    let hint = match nearest(id, rules.rules().iter().map(|rule| rule.id.as_str())) {
        Some(meant) => format!("did you mean {meant}?"),
        None => "`efface rules list` shows every id".to_owned(),
    };
    Fault::new(format!("no such rule: {id}"), hint).into()
}

fn show(rules: &RuleSet, id: &str) -> anyhow::Result<ExitCode> {
    let Some(rule) = rules.rules().iter().find(|rule| rule.id == id) else {
        return Err(no_such_rule(rules, id));
    };
    let text = match Source::builtin(&rule.pack) {
        Some(source) => source.text,
        None => std::fs::read_to_string(&rule.pack).with_context(|| format!("{} cannot be read", rule.pack))?,
    };
    let block = block(&text, id).unwrap_or(&text);
    print(format!("# {}\n{}\n", rule.pack, block.trim_end()).as_bytes())?;
    Ok(ExitCode::from(DONE))
}

/// Cuts the rule with that id out of its pack, as it was written.
fn block<'t>(text: &'t str, id: &str) -> Option<&'t str> {
    let mut rest = text;
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(line) = rest.split_inclusive('\n').next() {
        if line.trim_start().starts_with("[[rule]]") || line.trim_start().starts_with("[[words]]") {
            starts.push(at);
        }
        at += line.len();
        rest = rest.get(line.len()..).unwrap_or_default();
    }
    starts.push(text.len());
    starts.windows(2).find_map(|pair| {
        let &[from, to] = pair else { return None };
        let block = text.get(from..to)?;
        let own = block.lines().any(|line| {
            let value =
                line.trim_start().strip_prefix("id").map(str::trim_start).and_then(|rest| rest.strip_prefix('='));
            let value = value.map(|value| value.trim().trim_matches(['"', '\'']));
            value.is_some_and(|value| value == id || value.split(['"', '\'']).next() == Some(id))
        });
        own.then_some(block)
    })
}

/// One example that does not behave as its rule says.
struct Broken {
    rule: String,
    section: &'static str,
    n: usize,
    what: String,
}

fn test(rules: &RuleSet) -> anyhow::Result<ExitCode> {
    let together = Scanner::build_on(rules, ScanConfig::default(), super::selection::jobs(None)?)?;
    let mut broken = Vec::new();
    let mut n_examples = 0;
    for rule in rules.rules() {
        let Some(entity) = rules.entity(rule.entity) else { continue };
        let only = rules.select(|other, _| other.id == rule.id);
        let alone = Scanner::build(&only, ScanConfig::default())?;
        let validator = Validator::build(&only)?;
        let (alone, together) = (Side::new(rules, &alone), Side::new(rules, &together));
        Trial { rule, entity, validator, alone, together, broken: &mut broken }.run();
        let examples = &rule.examples;
        n_examples += examples.valid.len() + examples.invalid.len() + examples.near.len() + examples.inline.len();
    }
    let mut out = String::new();
    for Broken { rule, section, n, what } in &broken {
        let _ = writeln!(out, "{rule}: {section} example {n}: {what}");
    }
    print(out.as_bytes())?;
    talk(format_args!("{} rules, {n_examples} examples, {} broken", rules.rules().len(), broken.len()));
    Ok(ExitCode::from(if broken.is_empty() { DONE } else { FOUND }))
}

/// A scanner with its working memory.
struct Side<'s> {
    rules: &'s RuleSet,
    scanner: &'s Scanner,
    scratch: Scratch,
}

impl<'s> Side<'s> {
    fn new(rules: &'s RuleSet, scanner: &'s Scanner) -> Self {
        Self { rules, scanner, scratch: scanner.scratch() }
    }

    fn scan(&mut self, text: &str, region: Option<Region>, names: &[&[u8]]) -> Vec<(&'s Entity, Place)> {
        let regions = region.as_slice();
        let hints = Hints::default().regions(regions).names(names);
        let Ok(detections) = self.scanner.scan(text.as_bytes(), &hints, &mut self.scratch) else { return Vec::new() };
        let found = detections.iter();
        found.filter_map(|d| Some((self.rules.entity(d.entity)?, (d.span.start, d.span.end)))).collect()
    }
}

/// Start and end in bytes.
type Place = (u32, u32);

/// The examples of one rule, put to the proof.
struct Trial<'t> {
    rule: &'t Rule,
    entity: &'t Entity,
    validator: Validator,
    alone: Side<'t>,
    together: Side<'t>,
    broken: &'t mut Vec<Broken>,
}

impl<'t> Trial<'t> {
    fn names(&self) -> Vec<&'t [u8]> {
        self.rule.examples.names.iter().map(String::as_bytes).collect()
    }

    fn run(&mut self) {
        let Examples { valid, invalid, near, inline, .. } = &self.rule.examples;
        let names = self.names();
        for (n, text) in valid.iter().enumerate() {
            self.valid(n, text);
        }
        for (n, (text, why)) in invalid.iter().enumerate() {
            if self.validator.is_valid(&self.entity.name, text.as_bytes(), None) == Some(true) {
                self.tell("invalid", n, format!("accepted, though {why}"));
            }
        }
        for (n, (text, why)) in near.iter().enumerate() {
            // A near miss stands without the default region, which is evidence of its own.
            for (found, how) in
                [(self.alone.scan(text, None, &names), ALONE), (self.together.scan(text, None, &names), TOGETHER)]
            {
                if found.iter().any(|(entity, _)| *entity == self.entity) {
                    self.tell("near", n, format!("{how} it is detected, though {why}"));
                }
            }
        }
        for (n, (text, spans)) in inline.iter().enumerate() {
            self.inline(n, text, spans);
        }
    }

    fn valid(&mut self, n: usize, text: &str) {
        let region = self.rule.examples.region;
        let names = self.names();
        // Nothing says of a text alone that it is somebody's name.
        let validates = self.rule.validates && self.rule.sieve != Sieve::Name;
        if validates && self.validator.is_valid(&self.entity.name, text.as_bytes(), region) != Some(true) {
            self.tell("valid", n, "not accepted as a whole value".to_owned());
        }
        if !self.is_reported_bare(text) {
            return;
        }
        let whole = (0, u32::try_from(text.len()).unwrap_or(u32::MAX));
        if !self.alone.scan(text, region, &names).contains(&(self.entity, whole)) {
            self.tell("valid", n, format!("{ALONE} it is not detected"));
        }
        let found = self.together.scan(text, region, &names);
        if !found.iter().any(|(entity, place)| self.is_akin(entity) && *place == whole) {
            let what = match found.first() {
                Some((entity, (start, end))) => format!("{TOGETHER} {start}..{end} is taken for {}", entity.name),
                None => format!("{TOGETHER} it is not detected"),
            };
            self.tell("valid", n, what);
        }
    }

    fn inline(&mut self, n: usize, text: &str, spans: &[Place]) {
        let region = self.rule.examples.region;
        let names = self.names();
        let alone = self.alone.scan(text, region, &names);
        let alone: Vec<Place> =
            alone.iter().filter(|(entity, _)| *entity == self.entity).map(|&(_, place)| place).collect();
        if alone != spans {
            self.tell("inline", n, format!("{ALONE} it is detected at {alone:?}, not at {spans:?}"));
        }
        let together = self.together.scan(text, region, &names);
        for span in spans {
            if !together.iter().any(|(entity, place)| self.is_akin(entity) && place == span) {
                let (start, end) = span;
                self.tell("inline", n, format!("{TOGETHER} it is not detected at {start}..{end}"));
            }
        }
    }

    /// Whether the rule reports a value where nothing stands around it; many numbers need a word beside them.
    fn is_reported_bare(&self, text: &str) -> bool {
        let Rule { evidence, check, examples, .. } = self.rule;
        let separated = text.bytes().any(|byte| !byte.is_ascii_alphanumeric());
        let at_home = examples.region.is_some() && examples.region == self.entity.country;
        let total = evidence.shape
            + check.map_or(0, |check| check.worth)
            + if separated { evidence.separators } else { 0 }
            + if at_home { evidence.region } else { 0 };
        self.rule.gate == Gate::Open && (total >= 0 || self.rule.sieve == Sieve::Phone)
    }

    /// Whether a detection of that entity takes nothing from this rule: the same kind, or one of the same family.
    fn is_akin(&self, other: &Entity) -> bool {
        let (own, other) = (self.entity.kind, other.kind);
        own == other || (own.family() != Family::Own && own.family() == other.family())
    }

    fn tell(&mut self, section: &'static str, n: usize, what: String) {
        self.broken.push(Broken { rule: self.rule.id.clone(), section, n: n + 1, what });
    }
}

const ALONE: &str = "with this rule alone";
const TOGETHER: &str = "with all rules";

#[cfg(test)]
mod tests {
    use super::block;

    #[test]
    fn a_rule_is_cut_out_as_it_stands() {
        let text = "# pack\n[[rule]]\nid = \"a.b\"\nx = 1\n[rule.examples]\nvalid = []\n\n[[rule]]\nid   = 'a.c' # c\n[[words]]\nkind = 1\n";
        assert_eq!(block(text, "a.b"), Some("[[rule]]\nid = \"a.b\"\nx = 1\n[rule.examples]\nvalid = []\n\n"));
        assert_eq!(block(text, "a.c"), Some("[[rule]]\nid   = 'a.c' # c\n"));
        assert_eq!(block(text, "a"), None);
    }
}
