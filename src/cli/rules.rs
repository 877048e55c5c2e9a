//! `efface rules`: what can be found, how, and whether the rules keep their own promises.

use super::{DONE, FOUND, Fault, Globals, load_rules, print, talk};
use crate::entity::nearest;
use crate::ids::{EntityId, Region, RuleId};
use crate::rules::{CountryFrom, Rule, RuleSet, Sieve, Source};
use crate::scan::{Hints, ScanConfig, Scanner, Scratch};
use crate::span::Span;
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

fn show(rules: &RuleSet, id: &str) -> anyhow::Result<ExitCode> {
    let Some(rule) = rules.rules().iter().find(|rule| rule.id == id) else {
        let hint = match nearest(id, rules.rules().iter().map(|rule| rule.id.as_str())) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "`efface rules list` shows every id".to_owned(),
        };
        return Err(Fault::new(format!("no such rule: {id}"), hint).into());
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
    let together = Scanner::build(rules, ScanConfig::default())?;
    let mut broken = Vec::new();
    let mut n_examples = 0;
    for (at, rule) in rules.rules().iter().enumerate() {
        let Ok(id) = u16::try_from(at).map(RuleId) else { break };
        let alone = Scanner::build(&rules.select(|other, _| other.id == rule.id), ScanConfig::default())?;
        let mut bench =
            Bench { rules, rule, id, alone: Side::new(&alone), together: Side::new(&together), broken: &mut broken };
        bench.run();
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
    scanner: &'s Scanner,
    scratch: Scratch,
}

impl<'s> Side<'s> {
    fn new(scanner: &'s Scanner) -> Self {
        Self { scanner, scratch: scanner.scratch() }
    }

    fn scan(&mut self, text: &str, hints: &Hints<'_>) -> Vec<(EntityId, Option<EntityId>, Span)> {
        match self.scanner.scan(text.as_bytes(), hints, &mut self.scratch) {
            Ok(detections) => detections.iter().map(|d| (d.entity, d.rival, d.span)).collect(),
            Err(_) => Vec::new(),
        }
    }
}

/// The examples of one rule.
struct Bench<'b> {
    rules: &'b RuleSet,
    rule: &'b Rule,
    id: RuleId,
    alone: Side<'b>,
    together: Side<'b>,
    broken: &'b mut Vec<Broken>,
}

impl Bench<'_> {
    fn run(&mut self) {
        let rule = self.rule;
        let regions: Vec<Region> = rule.examples.region.into_iter().collect();
        let hints = Hints::default().regions(&regions);
        for (n, text) in rule.examples.valid.iter().enumerate() {
            if !self.accepts(text, &hints) {
                self.tell("valid", n, "not accepted as a whole value");
            }
            let whole = Span::new(0, u32::try_from(text.len()).unwrap_or(u32::MAX));
            let found = self.together.scan(text, &hints);
            let taken = found.iter().find(|(entity, rival, span)| {
                span.overlaps(whole) && *entity != rule.entity && *rival != Some(rule.entity)
            });
            if let Some(&(entity, ..)) = taken {
                let name = self.rules.entity(entity).map_or("", |entity| &entity.name);
                self.tell("valid", n, &format!("together with all rules it is taken for {name}"));
            }
        }
        for (n, (text, why)) in rule.examples.invalid.iter().enumerate() {
            if self.accepts(text, &hints) {
                self.tell("invalid", n, &format!("accepted although: {why}"));
            }
        }
        for (n, (text, why)) in rule.examples.near.iter().enumerate() {
            for (found, how) in
                [(self.alone.scan(text, &hints), "alone"), (self.together.scan(text, &hints), "together")]
            {
                if found.iter().any(|(entity, ..)| *entity == rule.entity) {
                    self.tell("near", n, &format!("detected ({how}) although: {why}"));
                }
            }
        }
        for (n, (text, spans)) in rule.examples.inline.iter().enumerate() {
            let want: Vec<Span> = spans.iter().map(|&(start, end)| Span::new(start, end)).collect();
            for (found, how) in
                [(self.alone.scan(text, &hints), "alone"), (self.together.scan(text, &hints), "together")]
            {
                let own = |(entity, rival, span): &(EntityId, Option<EntityId>, Span)| {
                    (*entity == rule.entity || *rival == Some(rule.entity)).then_some((span.start, span.end))
                };
                let got: Vec<(u32, u32)> = found.iter().filter_map(own).collect();
                let want: Vec<(u32, u32)> = want.iter().map(|span| (span.start, span.end)).collect();
                if got != want {
                    self.tell("inline", n, &format!("{how}: expected {want:?}, detected {got:?}"));
                }
            }
        }
    }

    /// Whether pattern, guards and check accept the whole text; context and score apart.
    fn accepts(&mut self, text: &str, hints: &Hints<'_>) -> bool {
        let whole = Span::new(0, u32::try_from(text.len()).unwrap_or(u32::MAX));
        if self.rule.sieve == Sieve::Phone {
            return self.alone.scan(text, hints).iter().any(|&(.., span)| span == whole);
        }
        let Side { scanner, scratch } = &mut self.alone;
        scanner.candidates(text.as_bytes(), hints, scratch).iter().any(|&(_, span)| span == whole)
    }

    fn tell(&mut self, section: &'static str, n: usize, what: &str) {
        let rule = self.rules.rule(self.id).map(|rule| rule.id.clone()).unwrap_or_default();
        self.broken.push(Broken { rule, section, n: n + 1, what: what.to_owned() });
    }
}

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
