//! Reads packs. Everything that can be wrong with a pack is told here, with file, line and hint.

use super::{
    ByteClass, CountryFrom, Everyday, Evidence, Examples, Gate, Guard, KindContext, Prohibited, Rule, RuleSet, Sieve,
    Tail, heads, template,
};
use crate::check;
use crate::entity::{Entity, Kind};
use crate::ids::{EntityId, Region};
use crate::tally::Category;
use regex_syntax::hir::{Class, Hir, HirKind};
use serde::Deserialize;
use std::collections::HashSet;
use std::path::Path;
use toml::Spanned;

/// A pack before it is read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it comes from, for messages.
    pub name: String,
    /// TOML.
    pub text: String,
}

impl Source {
    /// Returns the pack of that name ([`Rule::pack`]) that ships with efface.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        super::pack::builtin().into_iter().find(|source| source.name == name)
    }
}

/// What is wrong with a pack, where, and what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{file}{}: {what}\n  hint: {hint}", Some(line).filter(|line| **line > 0).map_or_else(String::new, |line| format!(":{line}")))]
#[non_exhaustive]
pub struct RuleError {
    /// The pack.
    pub file: String,
    /// Counted from 1; 0 where the file or folder as a whole is meant.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub hint: String,
}

impl RuleSet {
    /// Reads packs in the order given.
    ///
    /// # Errors
    /// The first fault found: file, line, what, hint.
    pub fn from_sources(sources: &[Source]) -> Result<Self, RuleError> {
        let mut set = Self::default();
        set.extend(sources)?;
        Ok(set)
    }

    /// Reads further packs on top of this set.
    ///
    /// # Errors
    /// The first fault found: file, line, what, hint.
    pub fn extend(&mut self, sources: &[Source]) -> Result<(), RuleError> {
        let mut ids: HashSet<String> = self.rules.iter().map(|rule| rule.id.clone()).collect();
        for source in sources {
            Reader { source, set: self, ids: &mut ids }.read()?;
        }
        Ok(())
    }

    /// Reads every `*.toml` below `dir`, in the order of their names, on top of this set.
    ///
    /// # Errors
    /// The folder or a file cannot be read, or a pack is wrong.
    pub fn extend_from_dir(&mut self, dir: &Path) -> Result<(), RuleError> {
        let mut sources = Vec::new();
        collect(dir, &mut sources)?;
        if sources.is_empty() {
            return Err(RuleError {
                file: dir.display().to_string(),
                line: 0,
                what: "no rule pack in this folder".to_owned(),
                hint: "packs are files that end in .toml; `efface rules show ID` prints one to start from".to_owned(),
            });
        }
        sources.sort_by(|a, b| a.name.cmp(&b.name));
        self.extend(&sources)
    }
}

fn collect(dir: &Path, sources: &mut Vec<Source>) -> Result<(), RuleError> {
    let fault = |path: &Path, err: &std::io::Error| RuleError {
        file: path.display().to_string(),
        line: 0,
        what: match err.kind() {
            std::io::ErrorKind::NotFound => "no such file or folder".to_owned(),
            kind => format!("cannot be read: {kind}"),
        },
        hint: "give a folder of rule packs that this user may read".to_owned(),
    };
    for entry in std::fs::read_dir(dir).map_err(|err| fault(dir, &err))? {
        let path = entry.map_err(|err| fault(dir, &err))?.path();
        if path.is_dir() {
            collect(&path, sources)?;
        } else if path.extension().is_some_and(|ext| ext == "toml") {
            let text = std::fs::read_to_string(&path).map_err(|err| fault(&path, &err))?;
            sources.push(Source { name: path.display().to_string(), text });
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackToml {
    #[serde(default, rename = "rule")]
    rules: Vec<Spanned<RuleToml>>,
    #[serde(default, rename = "words")]
    words: Vec<Spanned<WordsToml>>,
    #[serde(default, rename = "entity")]
    entities: Vec<EntityToml>,
    #[serde(default)]
    everyday: Vec<Spanned<EverydayToml>>,
    #[serde(default)]
    prohibited: Vec<Spanned<ProhibitedToml>>,
    #[serde(default)]
    prose: Vec<ProseToml>,
}

/// An entity that needs no rule: something other than a text's shape says that it is one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EntityToml {
    name: Spanned<String>,
    kind: Spanned<String>,
    #[expect(dead_code, reason = "for a reader of the pack")]
    title: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleToml {
    id: Spanned<String>,
    entity: Spanned<String>,
    kind: Spanned<String>,
    title: String,
    source: Spanned<String>,
    sieve: Spanned<String>,
    #[serde(default)]
    pattern: Option<Spanned<String>>,
    #[serde(default)]
    tail: Option<Spanned<TailToml>>,
    #[serde(default)]
    guard: Option<Spanned<String>>,
    #[serde(default)]
    check: Option<Spanned<String>>,
    #[serde(default)]
    context: Vec<Spanned<String>>,
    #[serde(default)]
    labels: Vec<Spanned<String>>,
    #[serde(default)]
    negative: Vec<Spanned<String>>,
    #[serde(default)]
    gate: Option<Spanned<String>>,
    #[serde(default)]
    country: Option<Spanned<String>>,
    #[serde(default)]
    evidence: EvidenceToml,
    #[serde(default)]
    generic: bool,
    #[serde(default = "yes")]
    validates: bool,
    examples: Spanned<ExamplesToml>,
}

const fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TailToml {
    class: Spanned<String>,
    max: Spanned<u32>,
    #[serde(default)]
    trim: String,
    #[serde(default)]
    cut: String,
    #[serde(default)]
    until: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceToml {
    shape: Option<i16>,
    context: Option<i16>,
    negative: Option<i16>,
    field: Option<i16>,
    separators: Option<i16>,
    region: Option<i16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExamplesToml {
    #[serde(default)]
    valid: Vec<String>,
    #[serde(default)]
    invalid: Vec<CaseToml>,
    #[serde(default)]
    near: Vec<CaseToml>,
    #[serde(default)]
    inline: Vec<Spanned<InlineToml>>,
    #[serde(default)]
    region: Option<Spanned<String>>,
    #[serde(default)]
    names: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseToml {
    text: String,
    why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InlineToml {
    text: String,
    spans: Vec<(u32, u32)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsToml {
    kind: Spanned<String>,
    #[serde(default)]
    words: Vec<Spanned<String>>,
    #[serde(default)]
    negative: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EverydayToml {
    lang: Spanned<String>,
    #[serde(default)]
    words: Vec<Spanned<String>>,
    #[serde(default)]
    proper: Vec<Spanned<String>>,
    #[serde(default)]
    never: Vec<Spanned<String>>,
    #[serde(default)]
    before: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProseToml {
    #[expect(dead_code, reason = "for a reader")]
    lang: String,
    words: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProhibitedToml {
    category: Spanned<String>,
    lang: Spanned<String>,
    #[serde(default)]
    words: Vec<Spanned<String>>,
    #[serde(default)]
    before: Vec<Spanned<String>>,
    #[serde(default)]
    after: Vec<Spanned<String>>,
    #[serde(default)]
    units: Vec<Spanned<String>>,
}

/// Longest pattern match in bytes; what is longer belongs in a tail.
const PATTERN_BYTES: usize = 256;
/// Longest tail in bytes.
const TAIL_BYTES: u32 = 65_536;
/// Most letters of a word of prose.
const PROSE_LETTERS: usize = 4;
/// Most words in a context phrase.
const PHRASE_WORDS: usize = 5;

struct Reader<'r> {
    source: &'r Source,
    set: &'r mut RuleSet,
    ids: &'r mut HashSet<String>,
}

impl Reader<'_> {
    fn read(&mut self) -> Result<(), RuleError> {
        let pack: PackToml = toml::from_str(&self.source.text).map_err(|err| {
            let at = err.span().map_or(0, |span| span.start);
            self.fault(at, err.message().to_owned(), "the format, field by field: patterns/README.md")
        })?;
        for entity in &pack.entities {
            self.entity(&entity.name, &entity.kind, CountryFrom::None)?;
        }
        for rule in pack.rules {
            let at = rule.span().start;
            self.rule(at, rule.into_inner())?;
        }
        for words in pack.words {
            let words = words.into_inner();
            let kind = self.kind(&words.kind)?;
            let context =
                KindContext { kind, words: self.phrases(words.words)?, negative: self.phrases(words.negative)? };
            self.set.contexts.push(context);
        }
        for everyday in pack.everyday {
            let EverydayToml { lang, words, proper, never, before } = everyday.into_inner();
            let everyday = Everyday {
                lang: lang.into_inner(),
                words: self.phrases(words)?,
                proper: self.phrases(proper)?,
                never: self.phrases(never)?,
                before: self.phrases(before)?,
            };
            self.set.everyday.push(everyday);
        }
        for prohibited in pack.prohibited {
            let ProhibitedToml { category, lang, words, before, after, units } = prohibited.into_inner();
            let category = Category::from_name(category.get_ref()).ok_or_else(|| {
                self.fault(
                    category.span().start,
                    format!("unknown category: {}", category.get_ref()),
                    &format!("one of: {}", Category::ALL.iter().map(|c| c.name()).collect::<Vec<_>>().join(", ")),
                )
            })?;
            let prohibited = Prohibited {
                category,
                lang: lang.into_inner(),
                words: self.phrases(words)?,
                before: self.phrases(before)?,
                after: self.phrases(after)?,
                units: self.phrases(units)?,
            };
            self.set.prohibited.push(prohibited);
        }
        for word in pack.prose.into_iter().flat_map(|prose| prose.words) {
            let own = word.get_ref();
            if !(1..=PROSE_LETTERS).contains(&own.len()) || !own.bytes().all(|b| b.is_ascii_lowercase()) {
                let hint = format!("one to {PROSE_LETTERS} letters of ASCII in lower case");
                return Err(self.fault(word.span().start, format!("bad word of prose: {own}"), &hint));
            }
            self.set.prose.push(word.into_inner());
        }
        Ok(())
    }

    fn rule(&mut self, at: usize, rule: RuleToml) -> Result<(), RuleError> {
        let id_at = rule.id.span().start;
        let id = rule.id.clone().into_inner();
        let well_formed = !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'));
        if !well_formed {
            return Err(self.fault(id_at, format!("bad rule id: {id}"), "lower-case letters, digits, dots: `br.cpf`"));
        }
        if !self.ids.insert(id.clone()) {
            return Err(self.fault(
                id_at,
                format!("rule id is taken: {id}"),
                "an id is stable for ever and never reused",
            ));
        }
        let sieve = self.sieve(&rule.sieve)?;
        let country = self.country(rule.country.as_ref())?;
        let entity = self.entity(&rule.entity, &rule.kind, country)?;
        if rule.source.get_ref().trim().is_empty() {
            return Err(self.fault(
                rule.source.span().start,
                "source is empty".to_owned(),
                "name the authority that issues or defines the number",
            ));
        }
        let pattern = match (&rule.pattern, sieve) {
            (None, Sieve::Phone | Sieve::Name) => String::new(),
            (Some(pattern), Sieve::Name) => {
                return Err(self.fault(
                    pattern.span().start,
                    "a rule for names has no pattern".to_owned(),
                    "names come with the record or in a book; remove `pattern`",
                ));
            }
            (Some(pattern), Sieve::Phone) => {
                return Err(self.fault(
                    pattern.span().start,
                    "a phone rule has no pattern".to_owned(),
                    "numbering plans decide; remove `pattern`",
                ));
            }
            (None, _) => {
                return Err(self.fault(at, format!("rule {id} has no pattern"), "add `pattern = '...'`"));
            }
            (Some(pattern), _) => {
                let hir = self.pattern(pattern)?;
                if sieve == Sieve::Capital && rule.gate.is_none() && heads(&hir).is_none() {
                    return Err(self.fault(
                        pattern.span().start,
                        "pattern begins with any word".to_owned(),
                        "begin it with words of three letters or more, a full stop or blank counted, or ask for a phrase: `gate = \"context\"`",
                    ));
                }
                pattern.get_ref().clone()
            }
        };
        let check = match &rule.check {
            None => None,
            Some(name) => Some(check::by_name(name.get_ref()).ok_or_else(|| {
                self.fault(
                    name.span().start,
                    format!("unknown check: {}", name.get_ref()),
                    &format!("one of: {}", check::all().map(|c| c.name).collect::<Vec<_>>().join(", ")),
                )
            })?),
        };
        let default_guard = match sieve {
            Sieve::Digits { .. } | Sieve::Phone => Guard::Number,
            Sieve::Dashes | Sieve::Scheme => Guard::None,
            _ => Guard::Word,
        };
        let guard = match rule.guard.as_ref().map(|g| (g.span().start, g.get_ref().as_str())) {
            None => default_guard,
            Some((_, "number")) => Guard::Number,
            Some((_, "word")) => Guard::Word,
            Some((_, "dots")) => Guard::Dots,
            Some((_, "colons")) => Guard::Colons,
            Some((_, "hyphens")) => Guard::Hyphens,
            Some((_, "none")) => Guard::None,
            Some((at, other)) => {
                return Err(self.fault(
                    at,
                    format!("unknown guard: {other}"),
                    "one of: number, word, dots, colons, hyphens, none",
                ));
            }
        };
        let gate = match rule.gate.as_ref().map(|g| (g.span().start, g.get_ref().as_str())) {
            None => Gate::Open,
            Some((_, "context")) => Gate::Context,
            Some((at, other)) => return Err(self.fault(at, format!("unknown gate: {other}"), "one of: context")),
        };
        let tail = rule.tail.as_ref().map(|tail| self.tail(tail)).transpose()?;
        let context = self.phrases(rule.context)?;
        if let Some(label) = rule.labels.iter().find(|label| label.get_ref().split_whitespace().count() > 1) {
            let what = format!("bad label: {}", label.get_ref());
            return Err(self.fault(label.span().start, what, "one word; phrases go to `context`"));
        }
        let labels = self.phrases(rule.labels)?;
        let negative = self.phrases(rule.negative)?;
        if gate == Gate::Context && context.is_empty() && labels.is_empty() {
            return Err(self.fault(at, format!("rule {id} asks for context and names none"), "add `context = [...]`"));
        }
        let worth = rule.evidence.context.unwrap_or(60);
        let evidence = Evidence {
            shape: rule.evidence.shape.unwrap_or(0),
            context: worth,
            negative: rule.evidence.negative.unwrap_or(-60),
            field: rule.evidence.field.unwrap_or(worth),
            separators: rule.evidence.separators.unwrap_or(0),
            region: rule.evidence.region.unwrap_or(20),
        };
        let examples = self.examples(&id, &rule.examples, check.is_some() || sieve == Sieve::Phone)?;
        self.set.rules.push(Rule {
            id,
            entity,
            title: rule.title,
            source: rule.source.into_inner(),
            pack: self.source.name.clone(),
            sieve,
            pattern,
            tail,
            guard,
            check,
            context,
            labels,
            negative,
            gate,
            country,
            evidence,
            generic: rule.generic,
            validates: rule.validates,
            examples,
        });
        Ok(())
    }

    fn examples(&self, id: &str, spanned: &Spanned<ExamplesToml>, checked: bool) -> Result<Examples, RuleError> {
        let toml = spanned.get_ref();
        let wanted: &[(&str, usize, usize)] = if checked {
            &[
                ("valid", toml.valid.len(), 2),
                ("invalid", toml.invalid.len(), 2),
                ("near", toml.near.len(), 3),
                ("inline", toml.inline.len(), 1),
            ]
        } else {
            &[("valid", toml.valid.len(), 2), ("near", toml.near.len(), 2), ("inline", toml.inline.len(), 1)]
        };
        for &(name, has, least) in wanted {
            if has < least {
                return Err(self.fault(
                    spanned.span().start,
                    format!("rule {id} has {has} `{name}` examples, needs {least}"),
                    "with a check: 2 valid, 2 invalid, 3 near, 1 inline; without: 2 valid, 2 near, 1 inline",
                ));
            }
        }
        let text = |n: usize, raw: &str| template::expand(raw, id, n);
        let mut inline = Vec::with_capacity(toml.inline.len());
        for (n, case) in toml.inline.iter().enumerate() {
            let expanded = text(100 + n, &case.get_ref().text);
            for &(start, end) in &case.get_ref().spans {
                if start >= end || expanded.get(start as usize..end as usize).is_none() {
                    return Err(self.fault(
                        case.span().start,
                        format!("span {start}..{end} is not in the text or cuts a character"),
                        "spans are half-open and count bytes, not characters",
                    ));
                }
            }
            inline.push((expanded, case.get_ref().spans.clone()));
        }
        let region = match &toml.region {
            None => None,
            Some(region) => Some(self.region(region)?),
        };
        Ok(Examples {
            valid: toml.valid.iter().enumerate().map(|(n, v)| text(n, v)).collect(),
            invalid: toml.invalid.iter().enumerate().map(|(n, c)| (text(20 + n, &c.text), c.why.clone())).collect(),
            near: toml.near.iter().enumerate().map(|(n, c)| (text(40 + n, &c.text), c.why.clone())).collect(),
            inline,
            region,
            names: toml.names.clone(),
        })
    }

    fn tail(&self, spanned: &Spanned<TailToml>) -> Result<Tail, RuleError> {
        let toml = spanned.get_ref();
        if *toml.max.get_ref() == 0 || *toml.max.get_ref() > TAIL_BYTES {
            return Err(self.fault(
                toml.max.span().start,
                format!("tail max is out of bounds: {}", toml.max.get_ref()),
                &format!("1 to {TAIL_BYTES} bytes"),
            ));
        }
        let hir = self.parse(&toml.class)?;
        let HirKind::Class(Class::Bytes(class)) = hir.kind() else {
            return Err(self.fault(
                toml.class.span().start,
                "tail class is not one character class".to_owned(),
                "a class of bytes, such as '[A-Za-z0-9_-]'",
            ));
        };
        let mut bytes = ByteClass::default();
        for range in class.ranges() {
            for byte in range.start()..=range.end() {
                bytes.add(byte);
            }
        }
        let set = |text: &str| {
            let mut set = ByteClass::default();
            text.bytes().for_each(|byte| set.add(byte));
            set
        };
        let (trim, cut) = (set(&toml.trim), set(&toml.cut));
        Ok(Tail { class: bytes, max: *toml.max.get_ref(), trim, cut, until: toml.until.clone() })
    }

    fn parse(&self, pattern: &Spanned<String>) -> Result<Hir, RuleError> {
        regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(pattern.get_ref()).map_err(|err| {
            self.fault(
                pattern.span().start,
                format!("pattern cannot be read: {}", err.to_string().lines().last().unwrap_or("").trim()),
                "the syntax is that of the regex crate, ASCII classes, no look-around",
            )
        })
    }

    fn pattern(&self, pattern: &Spanned<String>) -> Result<Hir, RuleError> {
        let at = pattern.span().start;
        let hir = self.parse(pattern)?;
        let properties = hir.properties();
        if !properties.look_set().is_empty() {
            return Err(self.fault(
                at,
                "pattern looks around (^, $ or \\b)".to_owned(),
                "the guard already keeps a value apart from its neighbours",
            ));
        }
        match (properties.minimum_len(), properties.maximum_len()) {
            (_, None) => Err(self.fault(
                at,
                "pattern has an unbounded repeat".to_owned(),
                "give every repeat an upper bound, or let a `tail` carry the rest",
            )),
            (Some(0) | None, _) => {
                Err(self.fault(at, "pattern matches the empty text".to_owned(), "make at least one part required"))
            }
            (_, Some(most)) if most > PATTERN_BYTES => Err(self.fault(
                at,
                format!("pattern can match {most} bytes, the limit is {PATTERN_BYTES}"),
                "let a `tail` carry what follows the telling part",
            )),
            _ => Ok(hir),
        }
    }

    fn sieve(&self, spanned: &Spanned<String>) -> Result<Sieve, RuleError> {
        let text = spanned.get_ref().as_str();
        let digits = |range: &str| -> Option<Sieve> {
            let (min, max) = range.split_once('-').unwrap_or((range, range));
            let (min, max) = (min.parse().ok()?, max.parse().ok()?);
            (1 <= min && min <= max && max <= 64).then_some(Sieve::Digits { min, max })
        };
        let found = match text {
            "quad" => Some(Sieve::Quad),
            "token" => Some(Sieve::Token),
            "script" => Some(Sieve::Script),
            "long" => Some(Sieve::Long),
            "at" => Some(Sieve::At),
            "scheme" => Some(Sieve::Scheme),
            "www" => Some(Sieve::Www),
            "domain" => Some(Sieve::Domain),
            "colon" => Some(Sieve::Colon),
            "dashes" => Some(Sieve::Dashes),
            "capital" => Some(Sieve::Capital),
            "phone" => Some(Sieve::Phone),
            "name" => Some(Sieve::Name),
            _ => text.strip_prefix("digits:").and_then(digits),
        };
        found.ok_or_else(|| {
            self.fault(
                spanned.span().start,
                format!("unknown sieve: {text}"),
                "one of: digits:N, digits:N-M, quad, token, script, long, at, scheme, www, domain, colon, dashes, capital, phone, name",
            )
        })
    }

    fn country(&self, spanned: Option<&Spanned<String>>) -> Result<CountryFrom, RuleError> {
        match spanned.map(|s| s.get_ref().as_str()) {
            None => Ok(CountryFrom::None),
            Some("prefix") => Ok(CountryFrom::Prefix),
            Some("plan") => Ok(CountryFrom::Plan),
            Some(_) => match spanned {
                Some(spanned) => self.region(spanned).map(CountryFrom::Entity),
                None => Ok(CountryFrom::None),
            },
        }
    }

    fn region(&self, spanned: &Spanned<String>) -> Result<Region, RuleError> {
        Region::new(spanned.get_ref().as_bytes()).ok_or_else(|| {
            self.fault(
                spanned.span().start,
                format!("not a country: {}", spanned.get_ref()),
                "two letters of ISO 3166-1, `prefix` or `plan`",
            )
        })
    }

    fn kind(&self, spanned: &Spanned<String>) -> Result<Kind, RuleError> {
        Kind::from_name(spanned.get_ref()).ok_or_else(|| {
            self.fault(
                spanned.span().start,
                format!("unknown kind: {}", spanned.get_ref()),
                &format!("one of: {}", Kind::ALL.iter().map(|k| k.name()).collect::<Vec<_>>().join(", ")),
            )
        })
    }

    fn entity(
        &mut self,
        name: &Spanned<String>,
        kind: &Spanned<String>,
        country: CountryFrom,
    ) -> Result<EntityId, RuleError> {
        let kind = self.kind(kind)?;
        let country = match country {
            CountryFrom::Entity(region) => Some(region),
            _ => None,
        };
        let text = name.get_ref();
        let well_formed = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_');
        if text.is_empty() || !well_formed {
            return Err(self.fault(
                name.span().start,
                format!("bad entity name: {text}"),
                "upper-case letters, digits and underscores: `BR_CPF`",
            ));
        }
        if let Some(id) = self.set.entity_by_name(text) {
            let known = self.set.entity(id);
            if known.is_some_and(|known| known.kind != kind) {
                return Err(self.fault(
                    name.span().start,
                    format!("{text} is of kind {} elsewhere", known.map_or("", |k| k.kind.name())),
                    "all rules of an entity agree on its kind",
                ));
            }
            return Ok(id);
        }
        let Ok(id) = u16::try_from(self.set.entities.len()) else {
            return Err(self.fault(name.span().start, "too many entities".to_owned(), "at most 65,536"));
        };
        self.set.entities.push(Entity { name: text.clone(), kind, country });
        Ok(EntityId(id))
    }

    fn phrases(&self, phrases: Vec<Spanned<String>>) -> Result<Vec<String>, RuleError> {
        phrases
            .into_iter()
            .map(|spanned| {
                let phrase = spanned.get_ref();
                let n_words = phrase.split_whitespace().count();
                let lower = phrase.to_lowercase();
                if n_words == 0 || n_words > PHRASE_WORDS || lower != *phrase {
                    return Err(self.fault(
                        spanned.span().start,
                        format!("bad context phrase: {phrase}"),
                        &format!("lower case, one to {PHRASE_WORDS} words"),
                    ));
                }
                Ok(lower)
            })
            .collect()
    }

    fn fault(&self, at: usize, what: String, hint: &str) -> RuleError {
        let before = self.source.text.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        RuleError { file: self.source.name.clone(), line, what, hint: hint.to_owned() }
    }
}
