//! Is this whole text a well-formed value of that entity?
//!
//! The same patterns, tails and checks as scanning, without sieve, guard, context and score: nothing stands around the
//! value, and how likely it is was decided by whoever names the entity.
//!
//! A validator forgives what people do to a value that they know to be one. Blanks at the edges are not a part of it. Where
//! the rule's check looks at letters and digits only and is worth [`STRICT_WORTH`], single separators may stand elsewhere
//! than the pattern has them (`3056 930902 5904`, `NO 26 7032 0516 038`): the check digits say that it is the value. Numbers
//! without check digits are held to their pattern: their groups are all that tells them apart.

use super::phone;
use crate::check::{COMPACT_BYTES, Form};
use crate::entity::Kind;
use crate::ids::Region;
use crate::rules::{Rule, RuleSet, Sieve, Tail};
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::{start, syntax};
use regex_automata::{Anchored, MatchKind};
use std::collections::HashMap;

use super::BuildError;
use super::fold::{Shadow, needs_fold};

/// What a check must be worth for separators to be free, in tenths of a bit: more than one in eight fail by chance.
const STRICT_WORTH: i16 = 30;
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
                known.matchers.push(Matcher { automaton: compile(rule)?, rule: rule.clone() });
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
        let packed = pack(text);
        let packed = packed.as_deref();
        Some(matchers.iter().any(|matcher| {
            matcher.accepts(text) || (matcher.is_strict() && packed.is_some_and(|packed| matcher.accepts(packed)))
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

    fn is_strict(&self) -> bool {
        self.rule.tail.is_none()
            && self.rule.check.is_some_and(|check| check.form == Form::Compact && check.worth >= STRICT_WORTH)
    }
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

/// Returns the letters and digits of `text`, or nothing where there is something else than single separators between them.
fn pack(text: &[u8]) -> Option<Vec<u8>> {
    let separated = |byte: u8| matches!(byte, b' ' | b'-' | b'.' | b'/');
    let mut packed = Vec::with_capacity(text.len());
    let mut last_separates = true;
    for &byte in text {
        let separates = separated(byte);
        if !(byte.is_ascii_alphanumeric() || separates) || (separates && last_separates) {
            return None;
        }
        last_separates = separates;
        if !separates {
            packed.push(byte);
        }
    }
    (!last_separates && packed.len() < text.len()).then_some(packed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packing() {
        for (text, expected) in [
            ("3056 930902 5904", Some("30569309025904")),
            ("a-1.b/2", Some("a1b2")),
            ("12", None),
            ("1--2", None),
            ("-12", None),
            ("12-", None),
            ("1_2", None),
            ("", None),
        ] {
            assert_eq!(pack(text.as_bytes()).as_deref(), expected.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn edges() {
        for (text, expected) in [("  a b ", "a b"), ("", ""), ("  ", ""), ("\ta", "\ta")] {
            assert_eq!(trim_blanks(text.as_bytes()), expected.as_bytes());
        }
    }
}
