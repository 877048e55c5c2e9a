//! Compiles rules: automata by sieve, tables of words, and for each rule what verification needs.

use super::context::{Gates, GroupId, Groups, Words};
use super::verify::is_word;
use super::{BuildError, ScanConfig, Scanner, candidates, lookup, score, sieve, simd};
use crate::check::Check;
use crate::entity::Kind;
use crate::ids::{EntityId, RuleId};
use crate::rules::{CountryFrom, Evidence, Gate, Guard, Rule, RuleSet, Sieve, Tail};
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::collections::{HashMap, VecDeque};

/// What verification needs of a rule.
#[derive(Clone, Debug)]
pub(super) struct Recognizer {
    pub(super) rule: RuleId,
    pub(super) entity: EntityId,
    pub(super) sieve: Sieve,
    pub(super) guard: Guard,
    pub(super) tail: Option<Tail>,
    pub(super) check: Option<&'static Check>,
    pub(super) country: CountryFrom,
    pub(super) evidence: Evidence,
    pub(super) gate: Gate,
    pub(super) generic: bool,
    /// Groups of words for it; the rule's own are the last.
    pub(super) words: Vec<GroupId>,
    /// Groups of words against it.
    pub(super) negative: Vec<GroupId>,
}

impl Recognizer {
    /// The group of words that the rule itself names.
    pub(super) fn own_words(&self) -> &[GroupId] {
        self.words.last_chunk::<1>().map_or(&[], <[GroupId; 1]>::as_slice)
    }
}

/// The rules of one sieve as anchored automata; mostly one.
#[derive(Default)]
pub(super) struct Automata(pub(super) Vec<Automaton>);

/// Many patterns in one anchored automaton that tells every length at which each of them matches.
pub(super) struct Automaton {
    pub(super) dfa: dense::DFA<Vec<u32>>,
    pub(super) start: StateID,
    /// Pattern to recognizer.
    pub(super) recognizers: Box<[u16]>,
    /// Whether some candidate may be followed by a letter or digit: one without a guard, or with a tail.
    pub(super) open: bool,
    /// Longest word that a candidate can begin with, in bytes.
    pub(super) first_word: usize,
    /// Words of which one must stand in the text for any of its rules to count; none where a rule asks for none.
    pub(super) gate: Gates,
}

/// Automata of rules that ask for words: they are walked when the text is known to hold one.
#[derive(Default)]
pub(super) struct Gated {
    pub(super) number: Automata,
    pub(super) code: Automata,
    pub(super) token: Automata,
    /// By group of words, the automata that it opens, counted through `number`, `code` and `token`.
    doors: Vec<u128>,
    /// As in [`Scanner`], of the rules in here.
    pub(super) number_digits: usize,
    pub(super) code_digits: usize,
}

impl Gated {
    /// Takes note of which words open which automaton.
    fn hang(&mut self) {
        let all = self.number.0.iter().chain(&self.code.0).chain(&self.token.0);
        let mut doors = Vec::new();
        for (at, automaton) in all.enumerate() {
            for group in automaton.gate.each() {
                doors.resize(doors.len().max(group.number() + 1), 0);
                doors.get_mut(group.number()).into_iter().for_each(|doors| *doors |= door(at));
            }
        }
        self.doors = doors;
    }

    /// Returns the automata that these words open.
    pub(super) fn open(&self, groups: &Groups) -> u128 {
        groups.each().filter_map(|group| self.doors.get(group.number())).fold(0, |open, doors| open | doors)
    }
}

/// The bit of an automaton; the last is shared.
pub(super) fn door(at: usize) -> u128 {
    1 << at.min(127)
}

/// Up to where digits are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    /// A match.
    Match,
    /// A match, or a byte that is no part of a plain number.
    Letter,
}

impl Automata {
    /// Returns the fewest digits that a candidate which begins with a digit holds before it can end or go on with
    /// anything but digits and [`NUMBER_SEPARATORS`].
    fn fewest_digits(&self, until: Until) -> usize {
        self.0.iter().map(|automaton| automaton.fewest_digits(until)).min().unwrap_or(usize::MAX)
    }
}

impl Automaton {
    /// A shortest-path search: a digit costs one, a separator nothing.
    fn fewest_digits(&self, until: Until) -> usize {
        let dfa = &self.dfa;
        let step = |from: StateID, byte: u8| {
            Some(dfa.next_state(from, byte)).filter(|&to| !dfa.is_dead_state(to) && !dfa.is_quit_state(to))
        };
        let mut known: HashMap<StateID, usize> = HashMap::new();
        let mut queue: VecDeque<(StateID, usize)> =
            (b'0'..=b'9').filter_map(|d| Some((step(self.start, d)?, 1))).collect();
        while let Some((state, cost)) = queue.pop_front() {
            if known.get(&state).is_some_and(|&best| best <= cost) {
                continue;
            }
            known.insert(state, cost);
            // The automaton tells of a match one byte late, at whatever comes next.
            let ends = dfa.is_match_state(dfa.next_eoi_state(state));
            let plain = |byte: u8| byte.is_ascii_digit() || NUMBER_SEPARATORS.contains(&byte);
            if ends || (until == Until::Letter && (0..=u8::MAX).any(|b| !plain(b) && step(state, b).is_some())) {
                return cost;
            }
            for byte in (0..=u8::MAX).filter(|&b| plain(b)) {
                match step(state, byte) {
                    Some(to) if byte.is_ascii_digit() => queue.push_back((to, cost + 1)),
                    Some(to) => queue.push_front((to, cost)),
                    None => {}
                }
            }
        }
        usize::MAX
    }
}

/// What may stand between the digits of a plain number.
pub(super) const NUMBER_SEPARATORS: &[u8] = b" -./()~";

/// Rules that share an automaton whatever they are.
const FAMILY_RULES: usize = 40;

/// Bytes that one automaton may take, and its construction; larger sets are split in two.
const AUTOMATON_BYTES: usize = 4 << 20;

pub(super) fn build(rules: &RuleSet, config: ScanConfig, level: simd::Level) -> Result<Scanner, BuildError> {
    let mut words = Words::builder();
    let kinds: Vec<_> = rules
        .contexts()
        .iter()
        .map(|context| (context.kind, words.group(&context.words), words.group(&context.negative)))
        .collect();
    let mut recognizers = Vec::with_capacity(rules.rules().len());
    for (at, rule) in rules.rules().iter().enumerate() {
        let Ok(id) = u16::try_from(at) else {
            return Err(BuildError::TooMany { n_rules: rules.rules().len() });
        };
        let kind = rules.entity(rule.entity).map(|entity| entity.kind);
        let of_kind = || kinds.iter().filter(|group| Some(group.0) == kind);
        let mut positive: Vec<_> = of_kind().filter(|_| rule.hears_kind()).map(|group| group.1).collect();
        let mut negative: Vec<_> = of_kind().map(|group| group.2).collect();
        positive.push(words.group(&rule.context));
        negative.push(words.group(&rule.negative));
        recognizers.push(Recognizer {
            rule: RuleId(id),
            entity: rule.entity,
            sieve: rule.sieve,
            guard: rule.guard,
            tail: rule.tail.clone(),
            check: rule.check,
            country: rule.country,
            evidence: rule.evidence,
            gate: rule.gate,
            generic: rule.generic,
            words: positive,
            negative,
        });
    }
    let automata = |wanted: &dyn Fn(&Rule) -> bool| -> Result<Automata, BuildError> {
        let chosen: Vec<(u16, &Rule)> =
            (0_u16..).zip(rules.rules()).filter(|(_, rule)| wanted(rule) && !rule.pattern.is_empty()).collect();
        let mut out = Automata::default();
        for family in families(rules, chosen) {
            compile(&family, &recognizers, &mut out)?;
        }
        Ok(out)
    };
    let is_code = |rule: &Rule| matches!(rule.sieve, Sieve::Digits { .. }) && !is_plain_number(rule);
    let is_token = |rule: &Rule| rule.sieve == Sieve::Token;
    let number = automata(&|rule| !waits(rule) && is_plain_number(rule))?;
    let code = automata(&|rule| !waits(rule) && is_code(rule))?;
    let mut gated = Gated {
        number: automata(&|rule| waits(rule) && is_plain_number(rule))?,
        code: automata(&|rule| waits(rule) && is_code(rule))?,
        token: automata(&|rule| waits(rule) && is_token(rule))?,
        ..Gated::default()
    };
    (gated.number_digits, gated.code_digits) =
        (gated.number.fewest_digits(Until::Match), gated.code.fewest_digits(Until::Letter));
    gated.hang();
    let mut gates = Gates::default();
    let asking = recognizers.iter().filter(|r| r.gate == Gate::Context);
    asking.flat_map(|r| &r.words).for_each(|&group| gates.add(group));
    let phone = recognizers.iter().position(|r| r.sieve == Sieve::Phone);
    let scores = score::Table::new();
    let name = (recognizers.iter().enumerate())
        .find(|(_, r)| r.sieve == Sieve::Name && lookup::is_sought(config, &scores, r.evidence.shape));
    let name = name.and_then(|(at, _)| u16::try_from(at).ok()).map(|at| (at, lookup::Guards::build(rules)));
    let (number_digits, code_digits) = (number.fewest_digits(Until::Match), code.fewest_digits(Until::Letter));
    // `usize::MAX` is what no rule asks for.
    let all = [number_digits, code_digits, gated.number_digits, gated.code_digits];
    let fewest = all.into_iter().min().unwrap_or(usize::MAX);
    let greediest = all.into_iter().filter(|&n| n < usize::MAX).max();
    Ok(Scanner {
        config,
        level,
        number_digits,
        fewest_digits: fewest.min(candidates::PHONE_DIGITS),
        fewest_enough: greediest.unwrap_or(0).max(candidates::PHONE_DIGITS),
        number,
        code_digits,
        code,
        quad: automata(&|rule| rule.sieve == Sieve::Quad)?,
        token: automata(&|rule| !waits(rule) && is_token(rule))?,
        long: automata(&|rule| rule.sieve == Sieve::Long)?,
        at: automata(&|rule| rule.sieve == Sieve::At && !is_wide(rule))?,
        at_wide: automata(&|rule| rule.sieve == Sieve::At && is_wide(rule))?,
        scheme: automata(&|rule| rule.sieve == Sieve::Scheme)?,
        host: automata(&|rule| matches!(rule.sieve, Sieve::Www | Sieve::Domain))?,
        colon: automata(&|rule| rule.sieve == Sieve::Colon)?,
        dashes: automata(&|rule| rule.sieve == Sieve::Dashes)?,
        gated,
        phone,
        name,
        labels: rules
            .entities()
            .iter()
            .map(|entity| entity.name.clone())
            .filter(|name| name.len() >= sieve::LONG || name.bytes().any(|b| b.is_ascii_digit()))
            .collect(),
        words: words.build(level, &gates),
        scores,
        recognizers,
    })
}

/// Longest first word of a rule that waits, in bytes: ids and hashes are longer, and envelopes are full of them.
pub(super) const WAITING_WORD: usize = 20;

/// Returns whether the rule can wait until the words of the text are known. A candidate without a guard may part a word in
/// two, and what it leaves is another word.
fn waits(rule: &Rule) -> bool {
    rule.gate == Gate::Context && longest_first_word(rule) <= WAITING_WORD
}

/// Returns whether a candidate of the rule may be followed by a letter or digit.
fn is_open(rule: &Rule) -> bool {
    rule.guard == Guard::None || rule.tail.is_some()
}

/// Returns the length of the longest word that a candidate of the rule can begin with, in bytes.
fn longest_first_word(rule: &Rule) -> usize {
    if is_open(rule) {
        return usize::MAX;
    }
    let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(&rule.pattern);
    hir.map_or(usize::MAX, |hir| first_word(&hir).0)
}

/// Returns how many letters and digits a match begins with at most, and whether it may hold nothing else.
fn first_word(hir: &Hir) -> (usize, bool) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => (0, true),
        HirKind::Literal(literal) => {
            let len = literal.0.iter().take_while(|&&b| is_word(b)).count();
            (len, len == literal.0.len())
        }
        HirKind::Class(class) => {
            let word = match class {
                Class::Bytes(class) => class.ranges().iter().any(|r| (r.start()..=r.end()).any(is_word)),
                Class::Unicode(class) => {
                    class.ranges().iter().any(|r| (r.start()..=r.end()).any(|c| u8::try_from(c).is_ok_and(is_word)))
                }
            };
            (usize::from(word), word)
        }
        HirKind::Repetition(repetition) => {
            let (len, whole) = first_word(&repetition.sub);
            let times = if whole { repetition.max.map_or(usize::MAX, |max| max as usize) } else { 1 };
            (len.saturating_mul(times), whole || repetition.min == 0)
        }
        HirKind::Capture(capture) => first_word(&capture.sub),
        HirKind::Concat(parts) => {
            let mut sum = 0_usize;
            for part in parts {
                let (len, whole) = first_word(part);
                sum = sum.saturating_add(len);
                if !whole {
                    return (sum, false);
                }
            }
            (sum, true)
        }
        HirKind::Alternation(parts) => {
            let all = parts.iter().map(first_word);
            all.fold((0, false), |(most, any), (len, whole)| (most.max(len), any || whole))
        }
    }
}

/// Returns whether the rule's candidates are digits and [`NUMBER_SEPARATORS`] only, and end where a word ends. Such a rule
/// need not be tried where too few digits follow each other, nor at a word that holds letters.
fn is_plain_number(rule: &Rule) -> bool {
    let plain_bytes = || {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(&rule.pattern);
        hir.is_ok_and(|hir| only_numbers(&hir))
    };
    matches!(rule.sieve, Sieve::Digits { .. }) && rule.guard != Guard::None && rule.tail.is_none() && plain_bytes()
}

/// Returns whether the rule's pattern or tail takes bytes above ASCII.
fn is_wide(rule: &Rule) -> bool {
    let wide_tail = rule.tail.as_ref().is_some_and(|tail| (0x80..=u8::MAX).any(|b| tail.class.has(b)));
    let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(&rule.pattern);
    wide_tail || hir.is_ok_and(|hir| takes_wide(&hir))
}

fn takes_wide(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => false,
        HirKind::Literal(literal) => !literal.0.is_ascii(),
        HirKind::Class(Class::Bytes(class)) => class.ranges().iter().any(|r| r.end() >= 0x80),
        HirKind::Class(Class::Unicode(class)) => class.ranges().iter().any(|r| !r.end().is_ascii()),
        HirKind::Repetition(repetition) => takes_wide(&repetition.sub),
        HirKind::Capture(capture) => takes_wide(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().any(takes_wide),
    }
}

fn only_numbers(hir: &Hir) -> bool {
    let plain = |byte: u8| byte.is_ascii_digit() || NUMBER_SEPARATORS.contains(&byte);
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(literal) => literal.0.iter().copied().all(plain),
        HirKind::Class(Class::Bytes(class)) => class.ranges().iter().all(|r| (r.start()..=r.end()).all(plain)),
        HirKind::Class(Class::Unicode(class)) => {
            class.ranges().iter().all(|r| (r.start()..=r.end()).all(|c| u8::try_from(c).is_ok_and(plain)))
        }
        HirKind::Repetition(repetition) => only_numbers(&repetition.sub),
        HirKind::Capture(capture) => only_numbers(&capture.sub),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().all(only_numbers),
    }
}

/// Rules with their places in the table of recognizers.
type Family<'r> = Vec<(u16, &'r Rule)>;

/// Parts rules into those that share an automaton. Patterns that are as loose as number plates multiply each other's states,
/// so rules of one kind go together; few rules are one family.
fn families<'r>(rules: &RuleSet, chosen: Family<'r>) -> Vec<Family<'r>> {
    if chosen.len() <= FAMILY_RULES {
        return vec![chosen];
    }
    let mut by_kind: Vec<(Option<Kind>, Family<'r>)> = Vec::new();
    for (at, rule) in chosen {
        let kind = rules.entity(rule.entity).map(|entity| entity.kind);
        match by_kind.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, family)) => family.push((at, rule)),
            None => by_kind.push((kind, vec![(at, rule)])),
        }
    }
    // Small families share what is left.
    let (large, small): (Vec<_>, Vec<_>) =
        by_kind.into_iter().map(|(_, f)| f).partition(|f| f.len() > FAMILY_RULES / 4);
    let small: Vec<_> = small.into_iter().flatten().collect();
    large.into_iter().chain((!small.is_empty()).then_some(small)).collect()
}

fn compile(rules: &[(u16, &Rule)], table: &[Recognizer], out: &mut Automata) -> Result<(), BuildError> {
    if rules.is_empty() {
        return Ok(());
    }
    let patterns: Vec<&str> = rules.iter().map(|(_, rule)| rule.pattern.as_str()).collect();
    let built = dense::Builder::new()
        .configure(
            dense::Config::new()
                .match_kind(MatchKind::All)
                .start_kind(StartKind::Anchored)
                .minimize(false)
                .dfa_size_limit(Some(AUTOMATON_BYTES))
                .determinize_size_limit(Some(4 * AUTOMATON_BYTES)),
        )
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .thompson(thompson::Config::new().utf8(false).shrink(false))
        .build_many(&patterns);
    match built {
        Ok(dfa) => {
            let Some(start) = dfa.universal_start_state(Anchored::Yes) else {
                return Err(BuildError::TooLarge { rule: rules.first().map(|r| r.1.id.clone()).unwrap_or_default() });
            };
            let recognizers = rules.iter().map(|&(at, _)| at).collect();
            let open = rules.iter().any(|(_, rule)| is_open(rule));
            let first_word = rules.iter().map(|(_, rule)| longest_first_word(rule)).max().unwrap_or(0);
            let mut gate = Gates::default();
            let words = rules.iter().filter_map(|&(at, _)| table.get(usize::from(at))).flat_map(|r| &r.words);
            words.for_each(|&group| gate.add(group));
            out.0.push(Automaton { dfa, start, recognizers, open, first_word, gate });
            Ok(())
        }
        Err(_) if rules.len() > 1 => {
            let (a, b) = rules.split_at(rules.len() / 2);
            compile(a, table, out)?;
            compile(b, table, out)
        }
        Err(_) => Err(BuildError::TooLarge { rule: rules.first().map(|r| r.1.id.clone()).unwrap_or_default() }),
    }
}
