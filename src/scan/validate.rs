//! Is this whole text a well-formed value of that entity?
//!
//! The same patterns, tails and checks as scanning, without sieve, guard, context and score: nothing stands around the
//! value, and how likely it is was decided by whoever names the entity.
//!
//! A validator forgives what people do to a value that they know to be one. Blanks at the edges are not a part of it. Where
//! the rule's check looks at letters and digits only and is worth [`STRICT_WORTH`], separators may stand elsewhere than the
//! pattern has them, letters may be small, and letters of the Cyrillic and Greek scripts may stand for the Latin ones that
//! look the same (`3056 930902 5904`, `no 26 7032 - 0516 038`, `МК4030123456786`): the check digits say that it is the value.
//! A word of the rule, or its country, may stand before a number (`ABN 51 824 753 556`, `MK 4030123456786`).
//! A slash stands between groups of few numbers only, so it is free where the pattern has one. Numbers without check
//! digits are held to their pattern, for their groups are all that tells them apart; where there are letters too, blanks may
//! be doubled or stand around a hyphen.

use super::phone;
use crate::check::{COMPACT_BYTES, Form};
use crate::entity::Kind;
use crate::ids::Region;
use crate::rules::{CountryFrom, Rule, RuleSet, Sieve, Tail};
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use std::collections::HashMap;

use super::BuildError;
use super::fold::{Shadow, needs_fold};

/// What a check must be worth for separators to be free, in tenths of a bit: of five wrong values four fail.
const STRICT_WORTH: i16 = 22;
/// Largest automaton of one rule.
const AUTOMATON_BYTES: usize = 32 << 20;

/// Decides whether whole texts are values of an entity.
pub struct Validator {
    entities: HashMap<String, Entity>,
}

struct Entity {
    kind: Kind,
    matchers: Vec<Matcher>,
}

struct Matcher {
    automaton: dense::DFA<Vec<u32>>,
    rule: Rule,
    /// Words and the code of the country that may stand before a number, in letters alone.
    labels: Vec<Vec<u8>>,
}

impl Validator {
    /// Compiles the rules of `rules`.
    ///
    /// # Errors
    /// A pattern that cannot be compiled within bounds.
    pub fn build(rules: &RuleSet) -> Result<Self, BuildError> {
        let mut entities = HashMap::new();
        for rule in rules.rules() {
            let is_asked = rule.validates && rule.sieve != Sieve::Name;
            let Some(entity) = rules.entity(rule.entity).filter(|_| is_asked) else { continue };
            let known = entities
                .entry(entity.name.clone())
                .or_insert_with(|| Entity { kind: entity.kind, matchers: Vec::new() });
            if rule.sieve != Sieve::Phone {
                known.matchers.push(Matcher { automaton: compile(rule)?, rule: rule.clone(), labels: labels(rule) });
            }
        }
        Ok(Self { entities })
    }

    /// Returns whether the whole of `text`, blanks at its edges aside, is a well-formed value of `entity`: the pattern of
    /// one of its rules matches it and the check passes. Nothing where no rule finds that entity.
    ///
    /// `region` is the region that a telephone number without a country code is read in; other entities do not need it.
    ///
    /// # Units
    /// UTF-8 or any bytes; digits of other scripts and full-width letters are read as in scanning.
    ///
    /// # Cost
    /// A few walks over the text for each rule of the entity.
    #[must_use]
    pub fn is_valid(&self, entity: &str, text: &[u8], region: Option<Region>) -> Option<bool> {
        let Entity { kind, matchers } = self.entities.get(entity)?;
        let mut shadow = Shadow::default();
        let text = if needs_fold(text) {
            shadow.fill(text);
            &shadow.bytes
        } else {
            text
        };
        let text = trim_blanks(text);
        if *kind == Kind::PhoneNumber && matchers.is_empty() {
            return Some(phone::whole(text, region.as_slice()).is_some());
        }
        if matchers.iter().any(|matcher| matcher.accepts(text)) {
            return Some(true);
        }
        let latin = latin(text);
        let text = latin.as_deref().unwrap_or(text);
        let tidy = tidy(text);
        let packed = pack(text);
        let accepts = |matcher: &Matcher| {
            packed.as_ref().is_some_and(|packed| {
                matcher.is_strict()
                    && (!packed.has_slash || matcher.has_slash())
                    && (matcher.accepts(&packed.bytes)
                        || matcher.after_label(packed).is_some_and(|n| matcher.accepts(n)))
            })
        };
        Some(matchers.iter().any(|matcher| {
            (latin.is_some() && matcher.accepts(text))
                || (!matcher.is_number() && tidy.iter().any(|tidy| matcher.accepts(tidy)))
                || accepts(matcher)
        }))
    }
}

impl Matcher {
    fn accepts(&self, text: &[u8]) -> bool {
        self.ends(text).any(|end| {
            text.get(end..).is_some_and(|rest| match &self.rule.tail {
                None => rest.is_empty(),
                Some(tail) => is_tail(tail, rest),
            })
        }) && self.passes(text)
    }

    /// Yields the lengths of all matches that begin with the text.
    fn ends(&self, text: &[u8]) -> impl Iterator<Item = usize> {
        let config = start::Config::new().anchored(Anchored::Yes);
        let mut state = self.automaton.start_state(&config).ok();
        // A match is known one byte late.
        let mut ends = Vec::new();
        for (at, &byte) in text.iter().enumerate() {
            state = state.map(|state| self.automaton.next_state(state, byte));
            match state {
                Some(state) if self.automaton.is_match_state(state) => ends.push(at),
                Some(state) if !self.automaton.is_dead_state(state) => {}
                _ => return ends.into_iter(),
            }
        }
        if state.is_some_and(|state| self.automaton.is_match_state(self.automaton.next_eoi_state(state))) {
            ends.push(text.len());
        }
        ends.into_iter()
    }

    fn passes(&self, text: &[u8]) -> bool {
        match self.rule.check {
            None => true,
            Some(check) if check.form == Form::Raw => (check.run)(text),
            Some(check) => {
                let compact: Vec<u8> =
                    text.iter().filter(|b| b.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase).collect();
                compact.len() <= COMPACT_BYTES && (check.run)(&compact)
            }
        }
    }

    /// Returns the number behind a word of the rule or the code of its country; numbers only, for letters are a part of others.
    fn after_label<'t>(&self, packed: &'t Packed) -> Option<&'t [u8]> {
        if !self.is_number() {
            return None;
        }
        let letters = packed.bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (label, rest) = packed.bytes.split_at_checked(letters).filter(|(label, _)| !label.is_empty())?;
        let is_label = |word: &[u8]| word.eq_ignore_ascii_case(label);
        (self.labels.iter().any(|word| is_label(word))).then_some(rest)
    }

    fn is_number(&self) -> bool {
        matches!(self.rule.sieve, Sieve::Digits { .. })
    }

    fn has_slash(&self) -> bool {
        self.rule.pattern.contains('/')
    }

    fn is_strict(&self) -> bool {
        self.rule.tail.is_none()
            && self.rule.check.is_some_and(|check| check.form == Form::Compact && check.worth >= STRICT_WORTH)
    }
}

fn labels(rule: &Rule) -> Vec<Vec<u8>> {
    let country = match rule.country {
        CountryFrom::Entity(region) => Some(region.as_str().as_bytes().to_vec()),
        _ => None,
    };
    let words = rule.context.iter().filter(|word| word.bytes().all(|b| b.is_ascii_alphabetic()));
    words.map(|word| word.as_bytes().to_vec()).chain(country).collect()
}

fn compile(rule: &Rule) -> Result<dense::DFA<Vec<u32>>, BuildError> {
    dense::Builder::new()
        .configure(
            dense::Config::new()
                .start_kind(StartKind::Anchored)
                .match_kind(MatchKind::All)
                .dfa_size_limit(Some(AUTOMATON_BYTES))
                .determinize_size_limit(Some(AUTOMATON_BYTES)),
        )
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(regex_automata::nfa::thompson::Config::new().utf8(false))
        .build(&rule.pattern)
        .map_err(|_| BuildError::TooLarge { rule: rule.id.clone() })
}

/// Returns whether all of `rest` is a tail.
fn is_tail(tail: &Tail, rest: &[u8]) -> bool {
    if rest.len() > tail.max as usize {
        return false;
    }
    if let Some(until) = &tail.until
        && let Some(at) = memchr::memmem::find(rest, until.as_bytes())
    {
        let after = rest.get(at + until.len()..).unwrap_or_default();
        return after.iter().all(|&byte| byte == b'-');
    }
    rest.iter().all(|&byte| tail.class.has(byte)) && !rest.last().is_some_and(|&last| tail.trim.has(last))
}

fn trim_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().take_while(|&&byte| byte == b' ').count();
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.iter().rev().take_while(|&&byte| byte == b' ').count();
    rest.get(..rest.len() - end).unwrap_or_default()
}

/// The letters and digits of a text, in upper case.
#[derive(Debug, PartialEq, Eq)]
struct Packed {
    bytes: Vec<u8>,
    /// Whether a slash stood between them.
    has_slash: bool,
}

/// Packs `text`, or nothing where more than blanks and one mark stands between two letters or digits, or a mark at an edge.
fn pack(text: &[u8]) -> Option<Packed> {
    let mut packed = Packed { bytes: Vec::with_capacity(text.len()), has_slash: false };
    let mut may_mark = false;
    let mut is_open = false;
    for &byte in text {
        match byte {
            b' ' | b'\t' => {}
            b'(' if !is_open => is_open = true,
            b')' if is_open => is_open = false,
            b'-' | b'.' | b',' | b':' | b'/' if may_mark => {
                may_mark = false;
                packed.has_slash |= byte == b'/';
            }
            _ if byte.is_ascii_alphanumeric() => {
                may_mark = true;
                packed.bytes.push(byte.to_ascii_uppercase());
            }
            _ => return None,
        }
    }
    (may_mark && !is_open).then_some(packed)
}

/// Returns `text` with single blanks, and once more without those around its hyphens; nothing where nothing changes.
fn tidy(text: &[u8]) -> Vec<Vec<u8>> {
    let mut single: Vec<u8> = Vec::with_capacity(text.len());
    for &byte in text {
        let byte = if byte == b'\t' { b' ' } else { byte };
        if !(byte == b' ' && single.last() == Some(&b' ')) {
            single.push(byte);
        }
    }
    let mut joined: Vec<u8> = Vec::with_capacity(single.len());
    for &byte in &single {
        match (joined.last(), byte) {
            (Some(b'-'), b' ') => {}
            (Some(b' '), b'-') => {
                joined.pop();
                joined.push(byte);
            }
            _ => joined.push(byte),
        }
    }
    let mut out = vec![single, joined];
    out.dedup();
    out.retain(|tidy| tidy != text);
    out
}

/// Returns `text` with the capitals of other scripts that look like Latin ones as those; nothing where there are none.
///
/// # Source
/// Unicode Technical Standard 39, `confusables.txt`, the capitals of Greek and Cyrillic that are drawn like Latin ones.
fn latin(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_ascii() {
        return None;
    }
    let text = std::str::from_utf8(text).ok()?;
    let mut has_other = false;
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        // Names may hold an Ñ, which stand in front of the digits.
        let is_late = matches!(c, 'Ñ' | 'ñ') && out.iter().any(u8::is_ascii_digit);
        let at = LOOK_ALIKES.iter().find_map(|(latin, others)| (others.contains(c) && !is_late).then_some(*latin));
        match at {
            Some(byte) => {
                has_other = true;
                out.push(byte);
            }
            None => {
                let mut bytes = [0; 4];
                out.extend_from_slice(c.encode_utf8(&mut bytes).as_bytes());
            }
        }
    }
    has_other.then_some(out)
}

/// Latin capitals, and the Cyrillic and Greek ones that look the same; the Spanish Ñ, which many systems write as N; dots in the middle, which part groups as hyphens do.
const LOOK_ALIKES: &[(u8, &str)] = &[
    (b'-', "·•∙・"),
    (b'A', "АΑ"),
    (b'B', "ВΒ"),
    (b'C', "С"),
    (b'E', "ЕΕ"),
    (b'H', "НΗ"),
    (b'I', "ІΙ"),
    (b'J', "Ј"),
    (b'K', "КΚ"),
    (b'M', "МΜ"),
    (b'N', "ΝÑñ"),
    (b'O', "ОΟ"),
    (b'P', "РΡ"),
    (b'S', "Ѕ"),
    (b'T', "ТΤ"),
    (b'X', "ХΧ"),
    (b'Y', "УΥ"),
    (b'Z', "Ζ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing() {
        for (text, expected) in [
            ("3056 930902 5904", Some(("30569309025904", false))),
            ("a-1.b/2", Some(("A1B2", true))),
            ("be (0)1, 2", Some(("BE012", false))),
            ("1  -  2", Some(("12", false))),
            ("12", Some(("12", false))),
            ("1--2", None),
            ("-12", None),
            ("12-", None),
            ("(12", None),
            ("1_2", None),
            ("", None),
        ] {
            let packed = pack(text.as_bytes());
            let expected = expected.map(|(bytes, has_slash)| Packed { bytes: bytes.into(), has_slash });
            assert_eq!(packed, expected, "{text}");
        }
    }

    #[test]
    fn tidying() {
        for (text, expected) in
            [("a  b", vec!["a b"]), ("a - 1", vec!["a-1"]), ("a  -  1", vec!["a - 1", "a-1"]), ("a-1", vec![])]
        {
            let expected: Vec<Vec<u8>> = expected.into_iter().map(|s| s.as_bytes().to_vec()).collect();
            assert_eq!(tidy(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn look_alikes() {
        for (text, expected) in [("МК 1", Some("MK 1")), ("ΜΕ1", Some("ME1")), ("Я1", None), ("MK", None)] {
            assert_eq!(latin(text.as_bytes()).as_deref(), expected.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn edges() {
        for (text, expected) in [("  a b ", "a b"), ("", ""), ("  ", ""), ("\ta", "\ta")] {
            assert_eq!(trim_blanks(text.as_bytes()), expected.as_bytes());
        }
    }
}
