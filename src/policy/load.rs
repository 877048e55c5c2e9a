//! Reads policies. Everything that can be wrong with a policy is told here, with file, line and hint.

use super::form::{BOUND, BOUNDS, NAMES};
use super::{
    Alerts, Answer, FieldRule, Form, Guarded, KEEP_LAST, Lane, Operator, Policy, Reversal, SHIFT_DAYS, Treatment, Why,
    has_fake,
};
use crate::crypt::Mode;
use crate::entity::{Entity, Kind, nearest};
use crate::ids::EntityId;
use crate::tally::Category;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use toml::{Spanned, Value};

/// A policy before it is read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it comes from, for messages.
    pub name: String,
    /// TOML.
    pub text: String,
}

impl Source {
    /// Returns the policy of that name that ships with efface.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let &(name, text) = BUILTIN.iter().find(|(known, _)| *known == name)?;
        Some(Self { name: format!("patterns/policy/{name}.toml"), text: text.to_owned() })
    }

    /// Yields the names of the policies that ship with efface.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|&(name, _)| name)
    }
}

const BUILTIN: &[(&str, &str)] = &[
    ("default", include_str!("../../patterns/policy/default.toml")),
    ("pseudonyms", include_str!("../../patterns/policy/pseudonyms.toml")),
    ("analytics-strict", include_str!("../../patterns/policy/analytics-strict.toml")),
    ("rapidpro", include_str!("../../patterns/policy/rapidpro.toml")),
    ("harakaflow", include_str!("../../patterns/policy/harakaflow.toml")),
    ("respondio", include_str!("../../patterns/policy/respondio.toml")),
    ("messangi", include_str!("../../patterns/policy/messangi.toml")),
    ("wapikit", include_str!("../../patterns/policy/wapikit.toml")),
];

/// Kinds that have fewer than a million values, or so few that are in use.
const FEW: &[Kind] = &[Kind::Age, Kind::DateTime, Kind::PostalCode, Kind::Location, Kind::RoutingNumber];

/// Entities that are guarded although others of their kind are not.
const GUARDED: &[(&str, Guarded)] = &[
    ("CARD_CVV", Guarded::Secret),
    ("CARD_TRACK", Guarded::Secret),
    ("CARD_EXPIRY", Guarded::Few),
    ("PHONE_EXTENSION", Guarded::Few),
];

/// What no policy may do with what has this name or kind.
pub(super) fn guarded(name: &str, kind: Option<Kind>) -> Option<Guarded> {
    let of_kind = |kind: Kind| match kind {
        _ if kind.token_class() == Kind::ApiKey.token_class() => Some(Guarded::Secret),
        _ if FEW.contains(&kind) => Some(Guarded::Few),
        _ => None,
    };
    GUARDED.iter().find(|(known, _)| *known == name).map(|&(_, guarded)| guarded).or_else(|| of_kind(kind?))
}

/// What is wrong with a policy, where, and what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {what}\n  hint: {hint}")]
#[non_exhaustive]
pub struct PolicyError {
    /// The policy.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub hint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyToml {
    #[serde(default)]
    title: String,
    #[serde(default)]
    min_score: Option<Spanned<f64>>,
    #[serde(default)]
    lanes: BTreeMap<Spanned<String>, Spanned<LaneToml>>,
    #[serde(default)]
    fields: Vec<Spanned<FieldToml>>,
    #[serde(default)]
    alerts: Option<AlertsToml>,
}

/// What is counted because clients promised not to send it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertsToml {
    #[serde(default)]
    categories: Vec<Spanned<String>>,
    #[serde(default)]
    minor_age: Option<Spanned<i64>>,
}

/// Names of entities and kinds, and `*`; a name in lower case is a setting.
type LaneToml = BTreeMap<Spanned<String>, Spanned<Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldToml {
    at: Spanned<String>,
    treat: Spanned<String>,
    #[serde(default)]
    entity: Option<Spanned<String>>,
    #[serde(default)]
    lanes: Option<Spanned<Vec<Spanned<String>>>>,
}

/// Longest selector in bytes.
const SELECTOR_BYTES: usize = 1_024;
/// Most lanes of one policy.
const LANES: usize = 16;
/// Most field rules of one policy.
const FIELDS: usize = 4_096;

impl Policy {
    /// Reads a policy for these entities ([`crate::RuleSet::entities`]).
    ///
    /// # Errors
    /// The first fault found: file, line, what, hint. An entity without an answer is a fault.
    pub fn compile(source: &Source, entities: &[Entity]) -> Result<Self, PolicyError> {
        Reader { source, entities }.read()
    }
}

struct Reader<'r> {
    source: &'r Source,
    entities: &'r [Entity],
}

impl Reader<'_> {
    fn read(&self) -> Result<Policy, PolicyError> {
        let toml: PolicyToml = toml::from_str(&self.source.text).map_err(|err| {
            let at = err.span().map_or(0, |span| span.start);
            self.fault(at, err.message().to_owned(), "a policy has title, min_score, [lanes.NAME] and [[fields]]")
        })?;
        let min_score = toml.min_score.as_ref().map(|score| self.score(score)).transpose()?;
        if toml.lanes.is_empty() {
            return Err(self.fault(
                0,
                "the policy has no lane".to_owned(),
                "begin with:  [lanes.storage]  and below it  \"*\" = \"redact\"",
            ));
        }
        if let Some((name, _)) = toml.lanes.iter().nth(LANES) {
            return Err(self.fault(name.span().start, "too many lanes".to_owned(), &format!("at most {LANES}")));
        }
        if let Some(field) = toml.fields.get(FIELDS) {
            return Err(self.fault(field.span().start, "too many fields".to_owned(), &format!("at most {FIELDS}")));
        }
        let mut lanes: Vec<Lane> =
            toml.lanes.iter().map(|(name, lane)| self.lane(name, lane)).collect::<Result<_, _>>()?;
        for field in &toml.fields {
            let field = field.get_ref();
            let rule = self.field(field)?;
            for name in field.lanes.iter().flat_map(|names| names.get_ref()) {
                if !lanes.iter().any(|lane| lane.name == *name.get_ref()) {
                    let names: Vec<&str> = lanes.iter().map(Lane::name).collect();
                    return Err(self.fault(
                        name.span().start,
                        format!("no such lane: {}", name.get_ref()),
                        &format!("lanes of this policy: {}", names.join(", ")),
                    ));
                }
            }
            if let Some(names) = field.lanes.as_ref().filter(|names| names.get_ref().is_empty()) {
                return Err(self.fault(
                    names.span().start,
                    "lanes is empty".to_owned(),
                    "without lanes, a field is treated so on every lane",
                ));
            }
            for lane in &mut lanes {
                let named = |names: &Spanned<Vec<Spanned<String>>>| {
                    names.get_ref().iter().any(|name| *name.get_ref() == lane.name)
                };
                if field.lanes.as_ref().is_none_or(named) {
                    lane.fields.push(rule.clone());
                }
            }
        }
        self.one_card(&lanes, &toml)?;
        let alerts = toml.alerts.as_ref().map(|toml| alerts(self, toml)).transpose()?;
        Ok(Policy { title: toml.title, min_score, alerts, lanes })
    }

    /// Two truncations of one card are more than either: a policy has one.
    fn one_card(&self, lanes: &[Lane], toml: &PolicyToml) -> Result<(), PolicyError> {
        let cards = || {
            self.entities
                .iter()
                .enumerate()
                .filter(|(_, entity)| entity.kind == Kind::CreditCard)
                .filter_map(|(at, _)| u16::try_from(at).ok())
        };
        for at in cards() {
            let mut shown = lanes.iter().filter_map(|lane| match lane.decide(EntityId(at), None) {
                Operator::MaskMiddle => Some(u8::MAX),
                Operator::Mask { keep_last } if *keep_last > 0 => Some(*keep_last),
                _ => None,
            });
            let first = shown.next();
            if shown.any(|other| Some(other) != first) {
                let at = toml.lanes.keys().next_back().map_or(0, |name| name.span().start);
                return Err(self.fault(
                    at,
                    "lanes show different digits of one card: together they show more".to_owned(),
                    "one format on all lanes, such as { operator = \"mask\", show = \"last4\" }",
                ));
            }
        }
        Ok(())
    }

    fn lane(&self, name: &Spanned<String>, lane: &Spanned<LaneToml>) -> Result<Lane, PolicyError> {
        let text = name.get_ref();
        let well_formed = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if text.is_empty() || !well_formed {
            return Err(self.fault(
                name.span().start,
                format!("bad lane name: {text}"),
                "lower-case letters, digits and underscores: storage, analytics",
            ));
        }
        let reversal = if text == "storage" { Reversal::Allowed } else { Reversal::Never };
        let mut by_entity: HashMap<&str, Operator> = HashMap::new();
        let mut by_kind: HashMap<Kind, Operator> = HashMap::new();
        let (mut any, mut business) = (None, None);
        // In the order of the file, so that the first fault is the first one a reader meets.
        let mut entries: Vec<_> = lane.get_ref().iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let at = key.span().start;
            let word = key.get_ref().as_str();
            let known = self.entities.iter().find(|entity| entity.name == word);
            let kind = Kind::from_name(word);
            if word != "*" && word != BUSINESS && known.is_none() && kind.is_none() {
                return Err(self.unknown_name(at, word));
            }
            let kind_of_it =
                known.map(|entity| entity.kind).or(kind).or((word == BUSINESS).then_some(Kind::PhoneNumber));
            let operator = self.operator(value, word, kind_of_it)?;
            if reversal == Reversal::Never && operator.reversal() == Reversal::Allowed {
                return Err(self.fault(
                    value.span().start,
                    format!("{} can be turned back, and the lane {text} never is", shown(&operator)),
                    "only the lane `storage` takes it; here: { operator = \"token\", mode = \"mac\" }, redact, mask or drop",
                ));
            }
            match guarded(word, kind_of_it) {
                Some(Guarded::Secret) if operator.strictness() < Operator::Redact.strictness() => {
                    return Err(self.fault(
                        value.span().start,
                        format!("{word} opens something, and {} leaves too much of it", shown(&operator)),
                        "keys, passwords and codes take redact or drop",
                    ));
                }
                Some(Guarded::Few) if matches!(operator, Operator::Token { .. } | Operator::Conv) => {
                    return Err(self.fault(
                        value.span().start,
                        format!("{word} has too few values for a token: all of them can be tried"),
                        "it takes redact, drop, mask or keep",
                    ));
                }
                _ => {}
            }
            // One word may name both: `EMAIL_ADDRESS` is an entity and the kind of other entities.
            if let Some(entity) = known {
                by_entity.insert(&entity.name, operator.clone());
            }
            if let Some(kind) = kind {
                by_kind.insert(kind, operator.clone());
            }
            match word {
                "*" => any = Some(operator),
                BUSINESS => business = Some(operator),
                _ => {}
            }
        }
        let Some(any) = any else {
            return Err(self.fault(
                name.span().start,
                format!("the lane {text} has no answer for what it does not name"),
                "add the line:  \"*\" = \"redact\"",
            ));
        };
        let answer = |entity: &Entity| {
            let (operator, why) = match (by_entity.get(entity.name.as_str()), by_kind.get(&entity.kind)) {
                (Some(operator), _) => (operator, Why::Entity),
                (None, Some(operator)) => (operator, Why::Kind),
                (None, None) => (&any, Why::Any),
            };
            let too_weak = operator.strictness() < Operator::Redact.strictness();
            match Guarded::of(entity) {
                Some(Guarded::Secret) if too_weak => Answer { operator: Operator::Redact, why: Why::Secret },
                Some(Guarded::Few) if matches!(operator, Operator::Token { .. } | Operator::Conv) => {
                    Answer { operator: Operator::Redact, why: Why::Few }
                }
                _ => Answer { operator: operator.clone(), why },
            }
        };
        Ok(Lane {
            name: text.clone(),
            reversal,
            table: self.entities.iter().map(answer).collect(),
            unknown: Operator::Redact,
            business,
            fields: Vec::new(),
        })
    }

    /// Reads the operator that a lane has for `word`, of which `kind` is the kind where it names one.
    fn operator(&self, value: &Spanned<Value>, named: &str, kind: Option<Kind>) -> Result<Operator, PolicyError> {
        let at = value.span().start;
        let options = toml::Table::new();
        let (word, options) = match value.get_ref() {
            Value::String(word) => (word.as_str(), &options),
            Value::Table(table) => match table.get("operator") {
                Some(Value::String(word)) => (word.as_str(), table),
                _ => {
                    return Err(self.fault(
                        at,
                        "no operator is named".to_owned(),
                        "for example { operator = \"mask\", keep_last = 4 }",
                    ));
                }
            },
            _ => return Err(self.fault(at, "not an operator".to_owned(), OPERATORS)),
        };
        let allowed: &[&str] = match word {
            "mask" => &["operator", "keep_last", "show"],
            "token" => &["operator", "mode"],
            "generalise" => &["operator", "to", "bounds", "days"],
            _ => &["operator"],
        };
        if let Some(option) = options.keys().find(|key| !allowed.contains(&key.as_str())) {
            let hint = match allowed {
                [_, most @ ..] if !most.is_empty() => format!("{word} takes: {}", most.join(", ")),
                _ => format!("{word} takes no option"),
            };
            return Err(self.fault(at, format!("unknown option of {word}: {option}"), &hint));
        }
        match word {
            "keep" => Ok(Operator::Keep),
            "redact" => Ok(Operator::Redact),
            "drop" => Ok(Operator::Drop),
            "conv" => Ok(Operator::Conv),
            "fake" => match kind {
                Some(kind) if has_fake(kind) => Ok(Operator::Fake),
                _ => Err(self.fault(
                    at,
                    format!("no made-up values are known to be nobody's for {named}"),
                    "fake takes telephone numbers, mail and network addresses, cards, links, names and user names",
                )),
            },
            "generalise" => self.generalise(at, options, named, kind),
            "mask" if options.contains_key("show") => self.shown(at, options, kind),
            "mask" => {
                let keep_last = match options.get("keep_last") {
                    None => Some(0),
                    Some(value) => value.as_integer().and_then(|n| u8::try_from(n).ok()).filter(|n| *n <= KEEP_LAST),
                };
                let fault =
                    || self.fault(at, "keep_last is out of bounds".to_owned(), &format!("a number, 0 to {KEEP_LAST}"));
                Ok(Operator::Mask { keep_last: keep_last.ok_or_else(fault)? })
            }
            "token" => match options.get("mode").map(|mode| mode.as_str().unwrap_or_default()) {
                Some("siv") => Ok(Operator::Token { mode: Mode::Siv }),
                Some("mac") => Ok(Operator::Token { mode: Mode::Mac }),
                Some("vault") => Err(self.fault(
                    at,
                    "tokens of a vault are not there yet".to_owned(),
                    "until they are, mode = \"siv\" is what the holder of the key opens",
                )),
                None => Err(self.fault(at, "a token needs a mode".to_owned(), MODES)),
                // What is not text shows as nothing.
                Some(mode) => Err(self.fault(at, format!("unknown mode of token: {mode}"), MODES)),
            },
            _ if UNKEYED.contains(&word.to_ascii_lowercase().replace(['-', '_'], "").as_str()) => Err(self.fault(
                at,
                format!("{word} needs no key: whoever has it can try every number there is"),
                "write { operator = \"token\", mode = \"mac\" }, which needs one",
            )),
            _ => {
                let hint = match nearest(word, ALL_OPERATORS.iter().copied()) {
                    Some(meant) => format!("did you mean {meant}? {OPERATORS}"),
                    None => OPERATORS.to_owned(),
                };
                Err(self.fault(at, format!("unknown operator: {word}"), &hint))
            }
        }
    }

    fn generalise(
        &self,
        at: usize,
        options: &toml::Table,
        named: &str,
        kind: Option<Kind>,
    ) -> Result<Operator, PolicyError> {
        let hint = || match kind {
            Some(kind) => {
                let fits = NAMES.iter().filter(|name| Form::from_name(name).is_some_and(|form| form.fits(kind)));
                match fits.copied().collect::<Vec<_>>().join(", ") {
                    names if names.is_empty() => format!("{named} has no general form; redact, mask or drop it"),
                    names => format!("of {named}, to is one of: {names}"),
                }
            }
            None => "what an entity becomes depends on what it is: name entities or kinds".to_owned(),
        };
        let form = match options.get("to").map(|to| to.as_str().unwrap_or_default()) {
            None => kind.and_then(Form::of),
            Some(name) => match Form::from_name(name) {
                None => return Err(self.fault(at, format!("unknown form of a generalisation: {name}"), &hint())),
                form => form.filter(|form| kind.is_some_and(|kind| form.fits(kind))),
            },
        };
        let Some(mut form) = form else {
            return Err(self.fault(at, format!("{named} cannot be generalised so"), &hint()));
        };
        for (option, belongs) in
            [("bounds", matches!(form, Form::Bucket { .. })), ("days", matches!(form, Form::Shift { .. }))]
        {
            if options.contains_key(option) && !belongs {
                return Err(self.fault(
                    at,
                    format!("{option} is no option of {}", form.name()),
                    "bounds belongs to bucket, days to shift",
                ));
            }
        }
        if let (Form::Shift { days }, Some(value)) = (&mut form, options.get("days")) {
            let most = value.as_integer().and_then(|n| u16::try_from(n).ok()).filter(|n| (1..=SHIFT_DAYS).contains(n));
            *days = most.ok_or_else(|| {
                self.fault(at, "days is out of bounds".to_owned(), &format!("a number, 1 to {SHIFT_DAYS}"))
            })?;
        }
        if let (Form::Bucket { bounds }, Some(value)) = (&mut form, options.get("bounds")) {
            let number =
                |value: &Value| value.as_integer().and_then(|n| u32::try_from(n).ok()).filter(|n| is_bound(*n));
            let read: Option<Vec<u32>> = value.as_array().and_then(|values| values.iter().map(number).collect());
            *bounds = read
                .filter(|read| (1..=BOUNDS).contains(&read.len()) && read.is_sorted_by(|a, b| a < b))
                .ok_or_else(|| {
                    self.fault(
                        at,
                        "bounds are no ascending numbers that can be written short".to_owned(),
                        "1 to 32 of them, each below 10000 or so many thousands or millions: [13, 18, 65], [100, 1000, 50000]",
                    )
                })?;
        }
        Ok(Operator::Generalise { to: form })
    }

    /// What `show` of a mask means; no more of a card than PCI DSS lets anybody store.
    fn shown(&self, at: usize, options: &toml::Table, kind: Option<Kind>) -> Result<Operator, PolicyError> {
        if options.contains_key("keep_last") {
            return Err(self.fault(at, "a mask has show or keep_last, not both".to_owned(), "take one of them away"));
        }
        match options.get("show").and_then(Value::as_str) {
            Some("none") => Ok(Operator::Mask { keep_last: 0 }),
            Some("last4") => Ok(Operator::Mask { keep_last: KEEP_LAST }),
            Some("first6_last4") if kind == Some(Kind::CreditCard) => Ok(Operator::MaskMiddle),
            Some("first6_last4") => Err(self.fault(
                at,
                "only a card shows its first six digits".to_owned(),
                "for everything else: show = \"last4\", or none",
            )),
            _ => Err(self.fault(
                at,
                "a mask shows too much, or nothing that is known".to_owned(),
                "show = \"last4\", \"first6_last4\" (cards; the most that PCI DSS allows) or \"none\"",
            )),
        }
    }

    fn field(&self, field: &FieldToml) -> Result<FieldRule, PolicyError> {
        let at = field.at.get_ref();
        let begins = at.is_empty() || at.starts_with('/');
        if !begins || at.len() > SELECTOR_BYTES || !escapes_hold(at) {
            return Err(self.fault(
                field.at.span().start,
                format!("not a JSON Pointer: {at}"),
                "begins with `/`, one part for each level, `*` for any key or index, `~1` for a slash, `~0` for a tilde",
            ));
        }
        let treat = match (field.treat.get_ref().as_str(), &field.entity) {
            ("redact", Some(entity)) => Treatment::Redact(self.entity(entity)?),
            ("redact", None) => {
                return Err(self.fault(
                    field.treat.span().start,
                    "a field that is redacted needs an entity".to_owned(),
                    "say what it holds:  entity = \"PHONE_NUMBER\"",
                ));
            }
            ("scan" | "keep" | "drop", Some(entity)) => {
                return Err(self.fault(
                    entity.span().start,
                    format!("a field with treat = {:?} takes no entity", field.treat.get_ref()),
                    "only a field that is redacted as a whole needs one",
                ));
            }
            ("scan", None) => Treatment::Scan,
            ("keep", None) => Treatment::Keep,
            ("drop", None) if at.is_empty() => {
                return Err(self.fault(
                    field.at.span().start,
                    "the whole document would be dropped".to_owned(),
                    "name the places to drop, such as /contact",
                ));
            }
            ("drop", None) => Treatment::Drop,
            (other, _) => {
                return Err(self.fault(
                    field.treat.span().start,
                    format!("unknown treatment: {other}"),
                    "one of: scan, keep, drop, redact",
                ));
            }
        };
        Ok(FieldRule { at: at.clone(), treat })
    }

    /// A field's entity: an entity's name, or a kind's for its first entity.
    fn entity(&self, name: &Spanned<String>) -> Result<EntityId, PolicyError> {
        let word = name.get_ref().as_str();
        let at = self.entities.iter().position(|entity| entity.name == word);
        at.and_then(|at| u16::try_from(at).ok()).map(EntityId).ok_or_else(|| {
            match self.entities.iter().find(|entity| entity.kind.name() == word) {
                Some(entity) => self.fault(
                    name.span().start,
                    format!("a field holds an entity, and {word} is a kind"),
                    &format!("one of its entities, such as {}", entity.name),
                ),
                None => self.unknown_name(name.span().start, word),
            }
        })
    }

    fn score(&self, score: &Spanned<f64>) -> Result<u16, PolicyError> {
        let number = *score.get_ref();
        if !(0.0..=1.0).contains(&number) {
            return Err(self.fault(
                score.span().start,
                format!("min_score is out of bounds: {number}"),
                "0.0 to 1.0, such as 0.5",
            ));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0.0..=1.0 was checked")]
        let score = (number * 1000.0).round() as u16;
        Ok(score)
    }

    fn unknown_name(&self, at: usize, word: &str) -> PolicyError {
        if !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            let meant = word.to_ascii_uppercase();
            if !self.names().any(|name| name == meant) {
                return self.fault(
                    at,
                    format!("unknown setting of a lane: {word}"),
                    "a lane holds entities, kinds and \"*\", each with its operator",
                );
            }
        }
        let hint = match nearest(word, self.names()) {
            Some(meant) => format!("did you mean {meant}?"),
            None => "`efface rules list` shows every entity and kind; further packs come with --rules DIR".to_owned(),
        };
        self.fault(at, format!("unknown entity or kind: {word}"), &hint)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let kinds = Kind::ALL.iter().map(|kind| kind.name());
        self.entities.iter().map(|entity| entity.name.as_str()).chain(kinds)
    }

    fn fault(&self, at: usize, what: String, hint: &str) -> PolicyError {
        let before = self.source.text.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
        PolicyError { file: self.source.name.clone(), line, what, hint: hint.to_owned() }
    }
}

/// Returns whether every `~` begins `~0` or `~1` (RFC 6901, section 3).
fn escapes_hold(pointer: &str) -> bool {
    let mut parts = pointer.split('~');
    parts.next();
    parts.all(|part| part.starts_with(['0', '1']))
}

/// Names an operator for a message.
fn shown(operator: &Operator) -> &'static str {
    match operator {
        Operator::Token { mode: Mode::Siv } => "a siv token",
        Operator::Token { mode: Mode::Mac } => "a mac token",
        other => other.name(),
    }
}

/// Reads what a policy is told of besides lanes.
fn alerts(reader: &Reader<'_>, toml: &AlertsToml) -> Result<Alerts, PolicyError> {
    let mut alerts = Alerts::default();
    for name in &toml.categories {
        let category = Category::from_name(name.get_ref()).ok_or_else(|| {
            let names: Vec<_> = Category::ALL.iter().map(|category| category.name()).collect();
            reader.fault(
                name.span().start,
                format!("unknown category: {}", name.get_ref()),
                &format!("one of: {}", names.join(", ")),
            )
        })?;
        alerts.categories.push(category);
    }
    if let Some(age) = &toml.minor_age {
        alerts.minor_age = u8::try_from(*age.get_ref()).ok().filter(|age| (1..=21).contains(age)).ok_or_else(|| {
            reader.fault(
                age.span().start,
                format!("minor_age is out of bounds: {}", age.get_ref()),
                "1 to 21, such as 16",
            )
        })?;
    }
    Ok(alerts)
}

/// The name under which a lane says what it does with telephone numbers of businesses.
const BUSINESS: &str = "PHONE_BUSINESS";
/// Whether a bound can be written with four digits and `k` or `m`.
const fn is_bound(n: u32) -> bool {
    n <= BOUND && (n < 10_000 || (n.is_multiple_of(1_000) && n < 10_000_000) || n.is_multiple_of(1_000_000))
}

const ALL_OPERATORS: &[&str] = &["redact", "mask", "generalise", "conv", "fake", "token", "drop", "keep"];
const OPERATORS: &str = "one of: redact, mask, generalise, conv, fake, token, drop, keep";
const MODES: &str =
    "{ operator = \"token\", mode = \"siv\" }: the holder of the key opens it; mode = \"mac\": nobody does";
/// Operators that others have and that protect nothing: what has few values can be found by trying them all.
const UNKEYED: &[&str] = &[
    "hash", "md5", "sha", "sha1", "sha256", "sha512", "sha2", "sha3", "crc", "crc32", "blake2", "blake3", "murmur",
    "murmur2", "murmur3", "xxhash", "farmhash", "siphash", "fnv", "base64", "hex", "rot13",
];
