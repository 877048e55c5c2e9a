//! `efface explain`: why was a thing found, or not?

use super::redact::source;
use super::selection::Selection;
use super::{DONE, Fault, Globals, QUARANTINED, plain, print, talk};
use crate::entity::Entity;
use crate::envelope::{Format, Records};
use crate::limits::Limits;
use crate::plan::LineType;
use crate::policy::{Lane, Policy};
use crate::redact::Finder;
use crate::rules::{Rule, RuleSet, Sieve};
use crate::scan::{Edge, Explained, Explainer, Fate, Hints, Mention, Observation, Owner, Refusal, Trait, What};
use crate::span::Span;
use anyhow::Context;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::process::ExitCode;

/// Arguments of `efface explain`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Prints offsets and shapes (N a digit, a a letter); the value itself only with --show-values.",
    after_long_help = EXAMPLES
)]
pub(crate) struct Args {
    /// The text; - is standard input
    #[arg(value_name = "TEXT")]
    text: String,
    /// The text is a JSON record: walk its fields as scan does
    #[arg(long)]
    record: bool,
    /// The name of the field that the text stands in
    #[arg(long, value_name = "NAME", conflicts_with = "record")]
    field: Option<String>,
    /// A name or a file: what it does where two entities stay plausible [default: default]
    #[arg(long, value_name = "NAME|FILE", default_value = "default", hide_default_value = true)]
    policy: String,
    /// Every rule that was tried, not only the first few of each fate
    #[arg(long)]
    all: bool,
    /// Print values too: personal data on your terminal
    #[arg(long)]
    show_values: bool,
    /// One JSON object for every candidate
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    selection: Selection,
}

const EXAMPLES: &str = "Every place that a rule's pattern takes is a candidate. Evidence is in tenths of a
bit: 10 double the odds, 0 is as likely as not, which is score 0.500. What becomes
of a candidate:
  reported   it is found                 beaten    another candidate holds its bytes
  too low    its score is below the one that is asked for
  no word    its rule asks for a word beside it, or in the name of the field
  refused    its check fails             no plan   a telephone number of no plan
  digits     it has too few or too many  longer    it is a part of something longer
  not tried  it stands in something known: a telephone number, a date, a label
Words in quotes are the packs' own; a place behind one says where it stands.

Examples:
  efface explain 'my ssn is 536-22-1234'
  efface explain --region FR 'appelle le 06 39 98 12 34'
  efface explain --entities BR_CPF 'cpf 529.982.247-26'
  efface explain --record '{\"phone\":\"77 123 45 67\"}' --region SN
  grep m-0006 examples/messages.jsonl | efface explain --record --json -";

/// Most rules of one fate that are told of at one place.
const FEW: usize = 3;
/// Most phrases that are told of.
const PHRASES: usize = 4;
/// Longest shape or value, in characters.
const SHAPE: usize = 48;

/// Runs `efface explain`.
pub(crate) fn run(args: Args, globals: &Globals) -> anyhow::Result<ExitCode> {
    let source = source(&args.policy)?;
    let mut policy = None;
    let selected = args.selection.build(globals, Limits::default(), |rules| {
        Ok(policy.insert(Policy::compile(&source, rules.entities())?).min_score())
    })?;
    let policy = match policy {
        Some(policy) => policy,
        None => Policy::compile(&source, selected.rules.entities())?,
    };
    let mut text = args.text.into_bytes();
    if text == b"-" {
        text.clear();
        let limit = selected.options.limits.record_bytes as u64;
        std::io::stdin().take(limit).read_to_end(&mut text).context("standard input cannot be read")?;
        text.truncate(text.trim_ascii_end().len());
    }
    if args.show_values {
        talk(format_args!("note: --show-values prints personal data in clear"));
    }
    let rules = &selected.rules;
    let teller = |explainer| Teller { rules, explainer, policy: &policy, all: args.all, values: args.show_values };
    let mut out = String::new();
    let mut n_found = 0;
    let mut tell = |teller: &Teller<'_>, field: Option<&str>, text: &[u8], hints: &Hints<'_>| {
        let Ok(explained) = teller.explainer.explain(text, hints) else { return false };
        n_found += explained.iter().filter(|of| matches!(of.fate, Fate::Reported { .. })).count();
        match args.json {
            true => teller.json(&mut out, field, text, &explained),
            false => teller.human(&mut out, field, text, hints, &explained),
        }
        true
    };
    let mut is_whole = true;
    if args.record {
        let finder = Finder::build(selected.scanner, policy.lanes().iter().map(Lane::fields), &selected.options)?;
        let record = Records::new(Format::JsonLines, &text)
            .map_err(|fault| Fault::new(fault.to_string(), "a smaller record"))?
            .find(|record| record.body.of(&text).is_some_and(|body| !body.trim_ascii().is_empty()))
            .ok_or_else(|| Fault::new("the record is empty", "a JSON object on one line"))?;
        let mut found = finder.scratch();
        finder.find(Format::JsonLines, &text, [record], &mut found);
        let Some(seen) = found.records().first() else { return Ok(ExitCode::from(DONE)) };
        let walked = match seen.walked {
            Ok(walked) => walked,
            Err(reason) => {
                talk(format_args!("quarantined: {}", reason.word()));
                return Ok(ExitCode::from(QUARANTINED));
            }
        };
        let teller = teller(Explainer::new(finder.scanner(), rules));
        let mut pointer = String::new();
        for number in walked.fields() {
            let Some(field) = found.fields().field(number) else { continue };
            let Some(hints) = finder.hints(&text, &found, seen, field) else { continue };
            pointer.clear();
            found.fields().pointer(&text, field, &mut pointer);
            is_whole &= tell(&teller, Some(&pointer), found.fields().text(&text, field), &hints);
        }
    } else {
        let hints = Hints::default().regions(&selected.options.regions).field(args.field.as_deref());
        is_whole = tell(&teller(Explainer::new(&selected.scanner, rules)), None, &text, &hints);
    }
    if !is_whole {
        talk(format_args!("quarantined: past a limit"));
        return Ok(ExitCode::from(QUARANTINED));
    }
    print(out.as_bytes())?;
    if !args.json {
        talk(format_args!(
            "{n_found} reported, least score {:.3}; evidence is in tenths of a bit, see --help",
            f64::from(selected.min_score) / 1000.0
        ));
    }
    Ok(ExitCode::from(DONE))
}

/// Writes down what was explained.
struct Teller<'t> {
    rules: &'t RuleSet,
    explainer: Explainer<'t>,
    policy: &'t Policy,
    all: bool,
    values: bool,
}

impl Teller<'_> {
    fn rule(&self, of: &Explained) -> Option<&Rule> {
        self.rules.rule(of.rule)
    }

    fn entity(&self, of: &Explained) -> Option<&Entity> {
        self.rules.entity(of.entity)
    }

    /// Some words that would open a rule's gate or speak for it, its own before those of its kind.
    fn phrases(&self, of: &Explained) -> Vec<&str> {
        let Some(rule) = self.rule(of) else { return Vec::new() };
        let mut phrases: Vec<&str> = Vec::new();
        for (phrase, _) in self.explainer.words(rule) {
            if !phrases.contains(&phrase) {
                phrases.push(phrase);
            }
            if phrases.len() == PHRASES {
                break;
            }
        }
        phrases
    }

    fn human(&self, out: &mut String, field: Option<&str>, text: &[u8], hints: &Hints<'_>, explained: &[Explained]) {
        if explained.is_empty() && field.is_none() {
            out.push_str("nothing here has the shape of anything that is looked for\n");
        }
        if explained.is_empty() {
            return;
        }
        if let Some(field) = field {
            let _ = writeln!(out, "field {}", plain(if field.is_empty() { "(all)" } else { field }));
        }
        let (shown, mut hidden): (Vec<_>, Vec<_>) =
            explained.iter().partition(|of| self.all || is_telling(of, hints, explained));
        for place in places(&shown) {
            let Some(&first) = place.iter().min_by_key(|of| (order(&of.fate), std::cmp::Reverse(of.span.len()))) else {
                continue;
            };
            let _ = writeln!(out, "{}..{}  {}", first.span.start, first.span.end, shape(text, first.span, self.values));
            let around = first.span;
            let mut place = place;
            place.sort_by_key(|of| {
                (
                    order(&of.fate),
                    !is_named(of),
                    !is_told(of),
                    !is_home(of, hints),
                    std::cmp::Reverse(of.span.len()),
                    -of.evidence,
                )
            });
            let mut told: BTreeMap<usize, usize> = BTreeMap::new();
            for of in place {
                let n = told.entry(order(&of.fate)).or_default();
                *n += 1;
                if self.all || *n <= FEW || matches!(of.fate, Fate::Reported { .. }) {
                    self.line(out, text, around, hints, of);
                } else {
                    hidden.push(of);
                }
            }
        }
        if !hidden.is_empty() {
            let mut counts: BTreeMap<usize, (usize, &str)> = BTreeMap::new();
            for of in &hidden {
                counts.entry(order(&of.fate)).or_insert((0, word(&of.fate))).0 += 1;
            }
            let counts: Vec<String> = counts.values().map(|(n, word)| format!("{n} {word}")).collect();
            let _ = writeln!(out, "and {} more candidates that --all tells of: {}", hidden.len(), counts.join(", "));
        }
    }

    fn line(&self, out: &mut String, text: &[u8], around: Span, hints: &Hints<'_>, of: &Explained) {
        let entity = self.entity(of).map_or("", |entity| &entity.name);
        let rule = self.rule(of).map_or("", |rule| &rule.id);
        let mut line = format!("  {:9}  {entity}", word(&of.fate));
        if is_weighed(of) {
            let _ = write!(line, "  {}.{:03}", of.score / 1000, of.score % 1000);
        }
        if !matches!(of.fate, Fate::NoPlan) {
            let _ = write!(line, "  rule {rule}");
        }
        if of.span != around {
            let _ = write!(line, "  at {}..{}  {}", of.span.start, of.span.end, shape(text, of.span, self.values));
        }
        out.push_str(&line);
        out.push('\n');
        let reason = self.reason(of, hints);
        if !reason.is_empty() {
            let _ = writeln!(out, "             {reason}");
        }
        if is_weighed(of) || (self.all && !matches!(of.fate, Fate::NoPlan)) {
            let parts: Vec<String> = of.observations.iter().filter(|o| is_worth(o)).map(|o| self.part(o)).collect();
            let _ = writeln!(out, "             {} = {}", parts.join(", "), of.evidence);
        }
    }

    /// Says in words why a candidate met its fate.
    fn reason(&self, of: &Explained, hints: &Hints<'_>) -> String {
        let quoted = |phrases: Vec<&str>| phrases.iter().map(|p| format!("\"{p}\"")).collect::<Vec<_>>().join(", ");
        match &of.fate {
            Fate::Reported { pieces, rival } => {
                let mut out = String::new();
                if !pieces.contains(&of.span) {
                    let pieces: Vec<String> = pieces.iter().map(|s| format!("{}..{}", s.start, s.end)).collect();
                    let _ = write!(out, "only {}: the rest belongs to others", pieces.join(", "));
                }
                if let Some(other) = rival.and_then(|rival| self.rules.entity(rival)) {
                    let lanes: Vec<String> = (self.policy.lanes().iter())
                        .map(|lane| {
                            let (owner, operator) = lane.decided(of.entity, *rival);
                            let owner = self.rules.entity(owner).map_or("", |entity| &entity.name);
                            format!("{} {} as {owner}", lane.name(), operator.name())
                        })
                        .collect();
                    let gap = if out.is_empty() { "" } else { "; " };
                    let _ = write!(
                        out,
                        "{gap}{} is as plausible, the stricter operator holds: {}",
                        other.name,
                        lanes.join(", ")
                    );
                }
                out
            }
            Fate::Beaten { by, edge, rival } => {
                let by = self.rules.rule(*by).map_or("", |rule| &rule.id);
                let edge = match edge {
                    Edge::Evidence => "which has more evidence",
                    Edge::Specific => "a rule for a narrower thing",
                    Edge::Longer => "which is longer",
                    Edge::Earlier => "which begins earlier",
                    Edge::First => "whose rule stands first",
                };
                let both = if *rival { "; both stay plausible" } else { "" };
                format!("by {by}, {edge}{both}")
            }
            Fate::Below => {
                let told = of.observations.iter().any(|o| matches!(o.what, What::Context(_) | What::Field(_)));
                let phrases = self.phrases(of);
                match told || phrases.is_empty() {
                    true => "what speaks for it does not suffice".to_owned(),
                    false => format!("a word beside it would help, such as {}", quoted(phrases)),
                }
            }
            Fate::Shut => format!("asks for a word beside it, such as {}", quoted(self.phrases(of))),
            Fate::Guarded => "a letter or digit that is joined to it makes it a part of something longer".to_owned(),
            Fate::Refused(refusal) => {
                let check = self.rule(of).and_then(|rule| rule.check).map_or("", |check| check.name);
                match refusal {
                    Refusal::CheckDigit => format!("the shape fits, the check digit is wrong (check {check})"),
                    Refusal::NeverIssued => {
                        format!("the shape fits, but none like it is issued: its date, range or digits (check {check})")
                    }
                }
            }
            Fate::Digits { n_digits } => match self.rule(of).map(|rule| rule.sieve) {
                Some(Sieve::Digits { min, max }) if min == max => format!("{n_digits} digits, the rule asks for {min}"),
                Some(Sieve::Digits { min, max }) => format!("{n_digits} digits, the rule asks for {min} to {max}"),
                _ => String::new(),
            },
            Fate::NoPlan if hints.regions.is_empty() => {
                "no numbering plan has it with a country code; a national number needs --region".to_owned()
            }
            Fate::NoPlan => {
                "no numbering plan of the regions that were named has it, nor any with a country code".to_owned()
            }
            _ => String::new(),
        }
    }

    fn part(&self, of: &Observation) -> String {
        let worth = of.worth;
        match &of.what {
            What::Context(words) => format!("beside it {} {worth:+}", mentions(words)),
            What::Label(words) => format!("right before it {} {worth:+}", mentions(words)),
            What::Field(words) if worth == 0 => format!("field name {} counts no more", mentions(words)),
            What::Field(words) => format!("field name {} {worth:+}", mentions(words)),
            What::Negative(words) => format!("against it {} {worth:+}", mentions(words)),
            what => format!("{} {worth:+}", observed(what)),
        }
    }

    /// Appends a JSON object for every candidate. Keys are a contract.
    fn json(&self, out: &mut String, field: Option<&str>, text: &[u8], explained: &[Explained]) {
        for of in explained {
            let entity = self.entity(of);
            let mut line = json!({
                "field": field,
                "start": of.span.start,
                "end": of.span.end,
                "shape": shape(text, of.span, false),
                "entity": entity.map(|entity| &entity.name),
                "kind": entity.map(|entity| entity.kind.name()),
                "country": of.country.map(|country| country.to_string()),
                "rule": self.rule(of).map(|rule| &rule.id),
                "score": f64::from(of.score) / 1000.0,
                "evidence": of.evidence,
                "observations": of.observations.iter().filter(|o| is_worth(o)).map(observation).collect::<Vec<_>>(),
                "fate": word(&of.fate),
            });
            let Some(object) = line.as_object_mut() else { continue };
            let mut put = |key: &str, value: Value| object.insert(key.to_owned(), value);
            match &of.fate {
                Fate::Reported { pieces, rival } => {
                    let pieces: Vec<_> = pieces.iter().map(|s| json!({ "start": s.start, "end": s.end })).collect();
                    put("reported", json!(pieces));
                    put("rival", json!(rival.and_then(|rival| self.rules.entity(rival)).map(|entity| &entity.name)));
                    let lanes = self.policy.lanes().iter().map(|lane| {
                        let (owner, operator) = lane.decided(of.entity, *rival);
                        let owner = self.rules.entity(owner).map(|entity| &entity.name);
                        (lane.name().to_owned(), json!({ "does": operator.name(), "as": owner }))
                    });
                    put("lanes", Value::Object(lanes.collect()));
                }
                Fate::Beaten { by, edge, rival } => {
                    let edge = match edge {
                        Edge::Evidence => "evidence",
                        Edge::Specific => "specific",
                        Edge::Longer => "longer",
                        Edge::Earlier => "earlier",
                        Edge::First => "first",
                    };
                    put("by", json!(self.rules.rule(*by).map(|rule| &rule.id)));
                    put("because", json!(edge));
                    put("plausible", json!(rival));
                }
                Fate::Shut | Fate::Below => {
                    put("words", json!(self.phrases(of)));
                }
                Fate::Refused(refusal) => {
                    let because = match refusal {
                        Refusal::CheckDigit => "check_digit",
                        Refusal::NeverIssued => "never_issued",
                    };
                    put("because", json!(because));
                    put("check", json!(self.rule(of).and_then(|rule| rule.check).map(|check| check.name)));
                }
                Fate::Digits { n_digits } => {
                    put("digits", json!(n_digits));
                }
                _ => {}
            }
            if self.values {
                let value = of.span.of(text).unwrap_or_default();
                put("value", json!(String::from_utf8_lossy(value)));
            }
            out.push_str(&line.to_string());
            out.push('\n');
        }
    }
}

/// What the bytes look like: digits as N, letters as a and A; or the bytes themselves where they were asked for.
fn shape(text: &[u8], span: Span, values: bool) -> String {
    let value = String::from_utf8_lossy(span.of(text).unwrap_or_default()).into_owned();
    let shown = |c: char| match c {
        c if values => c,
        'A'..='Z' => 'A',
        c if c.is_numeric() => 'N',
        c if c.is_alphabetic() => 'a',
        c => c,
    };
    let mut shape: String = value.chars().take(SHAPE).map(shown).collect();
    if value.chars().count() > SHAPE {
        shape.push('…');
    }
    plain(&shape).replace('\n', "\\n")
}

/// Whether a candidate got so far that its score decided.
const fn is_weighed(of: &Explained) -> bool {
    matches!(of.fate, Fate::Reported { .. } | Fate::Beaten { .. } | Fate::Below)
}

/// Whether the rule's own words speak for it, not only those of its kind.
fn is_named(of: &Explained) -> bool {
    of.observations.iter().any(|o| match &o.what {
        What::Context(words) | What::Field(words) => words.iter().any(|word| word.owner == Owner::Rule),
        _ => false,
    })
}

/// Whether words speak for it.
fn is_told(of: &Explained) -> bool {
    of.observations.iter().any(|o| matches!(o.what, What::Context(_) | What::Field(_)))
}

/// Whether a region that was named is its country.
fn is_home(of: &Explained, hints: &Hints<'_>) -> bool {
    of.country.is_some_and(|country| hints.regions.contains(&country))
}

/// Whether somebody who asks why a thing was found or not wants to hear of a candidate: of what was weighed, and of the
/// widest of what was not, where nothing is found.
fn is_telling(of: &Explained, hints: &Hints<'_>, all: &[Explained]) -> bool {
    if is_weighed(of) {
        return true;
    }
    let overlaps = |other: &&Explained| other.span.start < of.span.end && of.span.start < other.span.end;
    let mut others = all.iter().filter(overlaps);
    match of.fate {
        // Every two words with a digit between them have the shape of some plate.
        Fate::Shut if of.n_digits < 2 => false,
        Fate::Guarded => is_named(of) && !others.any(|other| other.entity == of.entity && other.fate != Fate::Guarded),
        // A word beside one thing is hardly ever a question about another.
        _ if others.clone().any(|other| matches!(other.fate, Fate::Reported { .. })) => {
            is_told(of) && matches!(of.fate, Fate::Refused(_)) && is_home(of, hints)
        }
        _ if is_told(of) || is_home(of, hints) => true,
        _ => !others.any(|other| {
            let near = is_told(other) || is_weighed(other);
            let wider = other.span.len() > of.span.len() && !matches!(other.fate, Fate::Guarded | Fate::PassedOver);
            near || wider
        }),
    }
}

/// Parts candidates, which are sorted by place, into those that overlap.
fn places<'e>(explained: &[&'e Explained]) -> Vec<Vec<&'e Explained>> {
    let mut out: Vec<Vec<&Explained>> = Vec::new();
    let mut end = 0;
    for &of in explained {
        match out.last_mut().filter(|_| of.span.start < end) {
            Some(place) => place.push(of),
            None => out.push(vec![of]),
        }
        end = end.max(of.span.end);
    }
    out
}

/// In which order fates are told.
const fn order(fate: &Fate) -> usize {
    match fate {
        Fate::Reported { .. } => 0,
        Fate::Beaten { .. } => 1,
        Fate::Below => 2,
        Fate::Refused(_) => 3,
        Fate::Shut => 4,
        Fate::NoPlan => 5,
        Fate::Digits { .. } => 6,
        Fate::PassedOver => 7,
        _ => 8,
    }
}

const fn word(fate: &Fate) -> &'static str {
    match fate {
        Fate::Reported { .. } => "reported",
        Fate::Beaten { .. } => "beaten",
        Fate::Below => "too low",
        Fate::Shut => "no word",
        Fate::Refused(_) => "refused",
        Fate::NoPlan => "no plan",
        Fate::Digits { .. } => "digits",
        Fate::PassedOver => "not tried",
        _ => "longer",
    }
}

/// Whether an observation says anything: words do also where they add nothing.
const fn is_worth(of: &Observation) -> bool {
    of.worth != 0 || matches!(of.what, What::Context(_) | What::Field(_) | What::Plan { .. })
}

/// Says what was observed, words apart.
fn observed(what: &What) -> String {
    match what {
        What::Shape => "shape".to_owned(),
        What::Check(name) => format!("check {name} passed"),
        What::Separators => "separators".to_owned(),
        What::Region(region) => format!("region {region}"),
        What::Epoch => "reads as milliseconds since 1970".to_owned(),
        What::GoesOn => "a group like its own follows".to_owned(),
        What::Prose => "a part of the sentence around it".to_owned(),
        What::Everyday => "an everyday word, a month or a place".to_owned(),
        What::Plan { region, line, assigned } => {
            let of = region.map_or_else(|| "no one country".to_owned(), |region| region.to_string());
            match assigned {
                true => format!("{} number of {of}", line_name(*line)),
                false => format!("possible number of {of}, not assigned"),
            }
        }
        What::Phone(of) => match of {
            Trait::Usual => "grouped as usual there",
            Trait::Coarser => "grouped coarser than usual",
            Trait::Odd => "oddly grouped",
            Trait::Thousands => "dots as in an amount",
            Trait::Ip => "reads as an IP address",
            Trait::Short => "few digits",
            Trait::Day => "reads as a date",
            Trait::Repeated => "one digit all over",
            Trait::Before => "what stands right before it",
            Trait::After => "what stands right after it",
            Trait::Reading => "reading",
        }
        .to_owned(),
        _ => String::new(),
    }
}

const fn line_name(line: LineType) -> &'static str {
    match line {
        LineType::Fixed => "fixed-line",
        LineType::Mobile => "mobile",
        LineType::FixedOrMobile => "fixed or mobile",
        LineType::TollFree => "toll-free",
        LineType::Premium => "premium-rate",
        LineType::SharedCost => "shared-cost",
        LineType::Voip => "internet",
        LineType::Personal => "personal",
        LineType::Pager => "pager",
        LineType::Uan => "company",
        _ => "telephone",
    }
}

fn mentions(words: &[Mention]) -> String {
    let told = words.iter().take(PHRASES).map(|word| {
        let place = word.span.map_or_else(String::new, |span| format!(" at {}..{}", span.start, span.end));
        let owner = if word.owner == Owner::Kind { " (of its kind)" } else { "" };
        format!("\"{}\"{place}{owner}", word.phrase)
    });
    let mut out = told.collect::<Vec<_>>().join(" ");
    if words.len() > PHRASES {
        out.push_str(" …");
    }
    out
}

fn observation(of: &Observation) -> Value {
    let (what, detail) = match &of.what {
        What::Shape => ("shape", Value::Null),
        What::Check(name) => ("check", json!(name)),
        What::Separators => ("separators", Value::Null),
        What::Region(region) => ("region", json!(region.to_string())),
        What::Epoch => ("epoch", Value::Null),
        What::GoesOn => ("goes_on", Value::Null),
        What::Prose => ("prose", Value::Null),
        What::Everyday => ("everyday", Value::Null),
        What::Label(words) => ("label", json!(words.iter().map(mention).collect::<Vec<_>>())),
        What::Plan { .. } => ("plan", json!(observed(&of.what))),
        What::Phone(_) => ("phone", json!(observed(&of.what))),
        What::Context(words) => ("context", json!(words.iter().map(mention).collect::<Vec<_>>())),
        What::Field(words) => ("field", json!(words.iter().map(mention).collect::<Vec<_>>())),
        What::Negative(words) => ("negative", json!(words.iter().map(mention).collect::<Vec<_>>())),
    };
    json!({ "what": what, "detail": detail, "worth": of.worth })
}

fn mention(word: &Mention) -> Value {
    json!({
        "phrase": word.phrase,
        "of": if word.owner == Owner::Kind { "kind" } else { "rule" },
        "start": word.span.map(|span| span.start),
        "end": word.span.map(|span| span.end),
    })
}
