//! Puts a scanner together: automata by sieve, tables of words, and for each rule what verification needs.

use super::automaton::{NUMBER_SEPARATORS, Until};
use super::compile::{FAMILY_RULES, Lists};
use super::context::{GroupId, Words};
use super::gates::Gates;
use super::leads::Beginning;
use super::openers::Openers;
use super::prose::Prose;
use super::verify::{Kinds, is_word};
use super::{BuildError, ScanConfig, Scanner, candidates, lookup, score, sieve, simd};
use crate::check::Check;
use crate::entity::Kind;
use crate::ids::{EntityId, RuleId};
use crate::rules::{CountryFrom, Evidence, Gate, Guard, Rule, RuleSet, Sieve, Tail};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// What verification needs of a rule.
#[derive(Clone, Debug)]
pub(super) struct Recognizer {
    pub(super) rule: RuleId,
    pub(super) entity: EntityId,
    pub(super) kinds: Kinds,
    /// Whether it is tried when it is known that a word or a default region opens it.
    pub(super) waits: bool,
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
    /// The group of words that are for it only right before a candidate, if there are any.
    pub(super) labels: Vec<GroupId>,
    /// Groups of words against it.
    pub(super) negative: Vec<GroupId>,
}

impl Recognizer {
    /// The most that a candidate is worth where nothing stands around it and no default region is its country.
    pub(super) fn most(&self) -> i16 {
        self.evidence.shape + self.check.map_or(0, |check| check.worth) + self.evidence.separators.max(0)
    }

    /// The group of words that the rule itself names.
    pub(super) fn own_words(&self) -> &[GroupId] {
        self.words.last_chunk::<1>().map_or(&[], <[GroupId; 1]>::as_slice)
    }
}

pub(super) fn build(
    rules: &RuleSet,
    config: ScanConfig,
    level: simd::Level,
    n_threads: usize,
) -> Result<Scanner, BuildError> {
    let mut words = Words::builder();
    // Words of all languages for and against a kind are one group each.
    let mut of_kinds: Vec<(Kind, Vec<String>, Vec<String>)> = Vec::new();
    for context in rules.contexts() {
        match of_kinds.iter_mut().find(|(kind, ..)| *kind == context.kind) {
            Some((_, positive, negative)) => {
                positive.extend_from_slice(&context.words);
                negative.extend_from_slice(&context.negative);
            }
            None => of_kinds.push((context.kind, context.words.clone(), context.negative.clone())),
        }
    }
    let kinds: Vec<_> = of_kinds
        .iter()
        .map(|(kind, positive, negative)| (*kind, words.group(positive), words.group(negative)))
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
        let labels: Vec<_> = (!rule.labels.is_empty()).then(|| words.group(&rule.labels)).into_iter().collect();
        positive.iter().chain(&labels).chain(&negative).for_each(|&group| words.ask(group, Kinds::of(kind)));
        recognizers.push(Recognizer {
            rule: RuleId(id),
            entity: rule.entity,
            kinds: Kinds::of(kind),
            waits: false,
            sieve: rule.sieve,
            guard: rule.guard,
            tail: rule.tail.clone(),
            check: rule.check,
            country: rule.country,
            evidence: rule.evidence,
            gate: rule.gate,
            generic: rule.generic,
            words: positive,
            labels,
            negative,
        });
    }
    let scores = score::Table::new();
    let enough = |evidence: i16| scores.of(evidence) >= config.min_score;
    let shapes: Vec<Shape> =
        rules.rules().iter().zip(&recognizers).map(|(rule, of)| Shape::of(rule, of, enough)).collect();
    for (of, shape) in recognizers.iter_mut().zip(&shapes) {
        of.waits = shape.waits;
    }
    let mut lists = Lists::new(rules, &shapes);
    // Digits and separators alone do not multiply states.
    let number = lists.list(usize::MAX, |_, shape| shape.plain_number);
    let code =
        lists.list(FAMILY_RULES, |rule, shape| matches!(rule.sieve, Sieve::Digits { .. }) && !shape.plain_number);
    let token = lists.list(FAMILY_RULES, |rule, shape| rule.sieve == Sieve::Token && shape.first_word <= WAITING_WORD);
    let is_long_token = |rule: &Rule, shape: &Shape| rule.sieve == Sieve::Token && shape.first_word > WAITING_WORD;
    lists.add(token, FAMILY_RULES, is_long_token);
    let at = lists.list(FAMILY_RULES, |rule, shape| rule.sieve == Sieve::At && !shape.wide);
    let at_wide = lists.list(FAMILY_RULES, |rule, shape| rule.sieve == Sieve::At && shape.wide);
    let host = lists.list(FAMILY_RULES, |rule, _| matches!(rule.sieve, Sieve::Www | Sieve::Domain));
    let [opened, introduced] = [Gate::Open, Gate::Context]
        .map(|gate| lists.list(FAMILY_RULES, move |rule, _| rule.sieve == Sieve::Capital && rule.gate == gate));
    let [quad, script, long, scheme, colon, dashes] =
        [Sieve::Quad, Sieve::Script, Sieve::Long, Sieve::Scheme, Sieve::Colon, Sieve::Dashes]
            .map(|sieve| lists.list(FAMILY_RULES, move |rule, _| rule.sieve == sieve));
    let mut compiled = lists.compile(&recognizers, n_threads)?;
    let mut of = |list: usize| compiled.get_mut(list).map(std::mem::take).unwrap_or_default();
    let (number, code) = (of(number), of(code));
    let phone = recognizers.iter().position(|r| r.sieve == Sieve::Phone);
    let name = (recognizers.iter().enumerate())
        .find(|(_, r)| r.sieve == Sieve::Name && lookup::is_sought(config, &scores, r.evidence.shape));
    let name = name.and_then(|(at, _)| u16::try_from(at).ok());
    let (number_digits, code_digits) = (number.fewest_digits(Until::Match), code.fewest_digits(Until::Letter));
    let words = words.build(level);
    // `usize::MAX` is what no rule asks for.
    let all = [number_digits, code_digits];
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
        quad: of(quad),
        token: of(token),
        script: of(script),
        long: of(long),
        at: of(at),
        at_wide: of(at_wide),
        scheme: of(scheme),
        host: of(host),
        colon: of(colon),
        dashes: of(dashes),
        gates: Gates::of(&recognizers, words.phrases(), enough),
        phone,
        opened: of(opened),
        introduced: of(introduced),
        openers: Openers::build(rules),
        name,
        everyday: lookup::Guards::build(rules),
        labels: rules
            .entities()
            .iter()
            .map(|entity| entity.name.clone())
            .filter(|name| name.len() >= sieve::LONG || name.bytes().any(|b| b.is_ascii_digit()))
            .collect(),
        words,
        prose: Prose::build(rules),
        scores,
        recognizers,
    })
}

/// Longest first word of a rule that waits, in bytes: ids and hashes are longer, and envelopes are full of them.
pub(super) const WAITING_WORD: usize = 20;

/// What the sieves need to know of a rule's pattern.
pub(super) struct Shape {
    /// The longest word that a candidate can begin with, in bytes. A candidate without a guard may part a word in two, and
    /// what it leaves is another word.
    pub(super) first_word: usize,
    /// Whether nothing counts without a word or a default region, and the rule can wait until these are known.
    pub(super) waits: bool,
    /// Whether candidates are digits and [`NUMBER_SEPARATORS`] only, and end where a word ends. Such a rule need not be
    /// tried where too few digits follow each other, nor at a word that holds letters.
    pub(super) plain_number: bool,
    /// Whether pattern or tail take bytes above ASCII.
    pub(super) wide: bool,
    /// Whether leads are asked for at its sieve.
    pub(super) is_led: bool,
    /// How candidates can begin where they are.
    pub(super) beginning: Beginning,
    /// The pattern.
    pub(super) hir: Option<Hir>,
}

impl Shape {
    fn of(rule: &Rule, of: &Recognizer, enough: impl Fn(i16) -> bool) -> Self {
        let parsed = ParserBuilder::new().unicode(false).utf8(false).build().parse(&rule.pattern).ok();
        let hir = parsed.as_ref();
        let first_word = if is_open(rule) { None } else { hir.map(|hir| first_word(hir).0) };
        let first_word = first_word.unwrap_or(usize::MAX);
        // What says its country itself may have the region that speaks for it in any text.
        let regional = of.evidence.region != 0 && of.country == CountryFrom::Prefix;
        let needs = rule.gate == Gate::Context || !regional && !enough(of.most());
        let is_number = matches!(rule.sieve, Sieve::Digits { .. }) && rule.guard != Guard::None && rule.tail.is_none();
        let wide_tail = rule.tail.as_ref().is_some_and(|tail| (0x80..=u8::MAX).any(|b| tail.class.has(b)));
        let is_led = matches!(rule.sieve, Sieve::Digits { .. } | Sieve::Token);
        Self {
            is_led,
            beginning: if is_led { Beginning::of(hir, is_open(rule)) } else { Beginning::default() },
            first_word,
            waits: needs && first_word <= WAITING_WORD && is_led,
            plain_number: is_number && hir.is_some_and(only_numbers),
            wide: rule.sieve == Sieve::At && (wide_tail || hir.is_some_and(takes_wide)),
            hir: parsed,
        }
    }
}

/// Returns whether a candidate of the rule may be followed by a letter or digit.
pub(super) fn is_open(rule: &Rule) -> bool {
    rule.guard == Guard::None || rule.tail.is_some()
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
