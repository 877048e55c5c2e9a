//! Compiles rules: automata by sieve, tables of words, and for each rule what verification needs.

use super::context::{GroupId, Words};
use super::verify::{Asked, Entry, Kinds, Rules, is_inside, is_word};
use super::{BuildError, ScanConfig, Scanner, candidates, lookup, score, sieve, simd};
use crate::check::Check;
use crate::entity::Kind;
use crate::ids::{EntityId, Region, RuleId};
use crate::rules::{CountryFrom, Evidence, Gate, Guard, Rule, RuleSet, Sieve, Tail};
use regex_automata::dfa::{Automaton as _, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::syntax;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::collections::{BTreeMap, HashMap, VecDeque};

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

/// The rules of one sieve as anchored automata; mostly one.
#[derive(Default)]
pub(super) struct Automata(pub(super) Vec<Automaton>);

/// Many patterns in one anchored automaton that tells every length at which each of them matches.
pub(super) struct Automaton {
    pub(super) dfa: dense::DFA<Vec<u32>>,
    pub(super) start: StateID,
    /// What is asked first of each pattern's rule.
    pub(super) entries: Box<[Entry]>,
    /// Its rules that wait, and what they look for.
    waiting: Open,
    /// Who matches in a state, for the first states: no other is a state of a match.
    by_state: Box<[Matching]>,
    /// Places in `entries`, for `by_state`.
    matching: Box<[u16]>,
    /// Whether some candidate may be followed by a letter or digit: one without a guard, or with a tail.
    pub(super) open: bool,
    /// Longest word that a candidate can begin with, in bytes.
    pub(super) first_word: usize,
    /// By what follows the digits that a candidate begins with, how many these can be: bit `n` for `n` digits.
    leads: [u32; Behind::ALL],
    /// Whether a candidate may follow a digit and a joint, as in the middle of a number.
    inside: bool,
}

/// Who matches in a state of an automaton: first rules that do not wait, then those that do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Matching {
    first: u32,
    first_waiting: u32,
    end: u32,
    /// What rules that wait look for.
    pub(super) waiting: Kinds,
}

impl Matching {
    pub(super) const fn is_ready(&self) -> bool {
        self.first < self.first_waiting
    }
}

/// What opens rules that wait or ask for words.
#[derive(Default)]
pub(super) struct Gates {
    /// By group of words, what it opens.
    by_group: Vec<Open>,
    /// What a default region opens, by region.
    by_region: Vec<(Region, Open)>,
}

/// Rules that a text opens, and what they look for.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    pub(super) rules: Rules,
    kinds: Kinds,
}

impl Open {
    fn add(&mut self, recognizer: u16, kinds: Kinds) {
        self.rules.add(recognizer);
        self.kinds.add(kinds);
    }

    fn add_all(&mut self, others: &Self) {
        self.rules.add_all(&others.rules);
        self.kinds.add(others.kinds);
    }

    /// Returns whether one of the rules may look for one of `kinds`.
    #[inline]
    pub(super) const fn meets(&self, kinds: Kinds) -> bool {
        self.kinds.meets(kinds)
    }
}

/// What the default regions of the last text open; those of the next are mostly the same.
#[derive(Default)]
pub(super) struct OpenByRegions {
    regions: Vec<Region>,
    open: Open,
}

impl Gates {
    fn of(recognizers: &[Recognizer], enough: impl Fn(i16) -> bool) -> Self {
        let (mut by_group, mut by_region) = (Vec::new(), BTreeMap::<Region, Open>::new());
        for (at, of) in (0..).zip(recognizers).filter(|(_, of)| of.gate == Gate::Context || of.waits) {
            for group in &of.words {
                by_group.resize(by_group.len().max(group.number() + 1), Open::default());
                by_group.get_mut(group.number()).into_iter().for_each(|open| open.add(at, of.kinds));
            }
            if let CountryFrom::Entity(region) = of.country
                && of.gate == Gate::Open
                && enough(of.most() + of.evidence.region)
            {
                by_region.entry(region).or_default().add(at, of.kinds);
            }
        }
        Self { by_group, by_region: by_region.into_iter().collect() }
    }

    /// Fills `open` with the rules that default regions open.
    pub(super) fn open_by_regions(&self, regions: &[Region], known: &mut OpenByRegions, open: &mut Open) {
        if known.regions != regions {
            known.regions.clear();
            known.regions.extend_from_slice(regions);
            known.open = Open::default();
            for region in regions {
                if let Ok(at) = self.by_region.binary_search_by_key(region, |(region, _)| *region) {
                    self.by_region.get(at).into_iter().for_each(|(_, own)| known.open.add_all(own));
                }
            }
        }
        open.rules.clone_from(&known.open.rules);
        open.kinds = known.open.kinds;
    }

    /// Adds the rules that words open.
    #[inline]
    pub(super) fn open_by_words(&self, group: GroupId, open: &mut Open) {
        self.by_group.get(group.number()).into_iter().for_each(|own| open.add_all(own));
    }
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

/// What follows digits, as far as patterns differ.
struct Behind;

impl Behind {
    const ALL: usize = 6;

    #[inline]
    const fn of(byte: Option<u8>) -> usize {
        match byte {
            Some(b'A'..=b'Z' | b'a'..=b'z' | b'_') => 0,
            Some(b' ') => 1,
            Some(b'-') => 2,
            Some(b'.') => 3,
            Some(b'/') => 4,
            _ => 5,
        }
    }
}

impl Automaton {
    /// Returns whether a candidate can begin at `start` with so many digits; for what begins with a digit.
    #[inline]
    pub(super) fn may_begin(&self, text: &[u8], start: usize, n_digits: usize) -> bool {
        let behind = text.get(start + n_digits).copied();
        (n_digits >= 32 || self.leads.get(Behind::of(behind)).is_some_and(|leads| leads >> n_digits & 1 != 0))
            && (self.inside || !is_inside(text, start))
    }

    /// How many digits can stand at the start, by what follows.
    fn leads(dfa: &dense::DFA<Vec<u32>>, start: StateID) -> [u32; Behind::ALL] {
        let mut leads = [0; Behind::ALL];
        // One byte of each sort that the automaton and we tell apart.
        let mut sorts: Vec<(u8, usize, u8)> = (0..=u8::MAX)
            .filter(|b| !b.is_ascii_digit())
            .map(|b| (dfa.byte_classes().get(b), Behind::of(Some(b)), b))
            .collect();
        sorts.sort_unstable();
        sorts.dedup_by_key(|&mut (class, behind, _)| (class, behind));
        let mut digits: Vec<(u8, u8)> = (b'0'..=b'9').map(|b| (dfa.byte_classes().get(b), b)).collect();
        digits.dedup_by_key(|&mut (class, _)| class);
        let mut states = vec![start];
        for n in 1..32 {
            let step = |&from: &StateID| digits.iter().map(move |&(_, digit)| dfa.next_state(from, digit));
            let mut next: Vec<StateID> = states.iter().flat_map(step).filter(|&to| !dfa.is_dead_state(to)).collect();
            next.sort_unstable();
            next.dedup();
            states = next;
            for (behind, leads) in leads.iter_mut().enumerate() {
                let mut bytes = sorts.iter().filter(|sort| sort.1 == behind).map(|sort| sort.2);
                let goes_on = |byte: u8| states.iter().any(|&from| !dfa.is_dead_state(dfa.next_state(from, byte)));
                // At the end of the text, too.
                let ends = || states.iter().any(|&from| dfa.is_match_state(dfa.next_eoi_state(from)));
                if bytes.any(goes_on) || (behind == Behind::ALL - 1 && ends()) {
                    *leads |= 1 << n;
                }
            }
        }
        leads
    }

    /// Returns whether one of its rules that wait looks for one of `kinds`, as far as these are known to be its own.
    #[inline]
    pub(super) const fn waits_for(&self, kinds: Kinds) -> bool {
        self.waiting.meets(kinds)
    }

    /// Returns whether one of its rules that wait is open.
    #[inline]
    pub(super) fn is_open(&self, open: &Open) -> bool {
        open.meets(self.waiting.kinds) && self.waiting.rules.meets(&open.rules)
    }

    /// Returns who matches in a state.
    #[inline]
    pub(super) fn matching_at(&self, state: StateID) -> Matching {
        self.by_state.get(state.as_usize() >> self.dfa.stride2()).copied().unwrap_or_default()
    }

    /// Yields the entries of those of the rules that match in a state of which some are asked.
    #[inline]
    pub(super) fn matched(&self, matching: Matching, asked: Asked<'_>) -> impl Iterator<Item = &Entry> {
        let Matching { first, first_waiting, end, .. } = matching;
        let (from, to) = match asked {
            Asked::All => (first, end),
            Asked::Ready => (first, first_waiting),
            Asked::Waiting(_) => (first_waiting, end),
        };
        let places = self.matching.get(from as usize..to as usize).unwrap_or_default();
        places.iter().filter_map(|&at| self.entries.get(usize::from(at)))
    }

    /// Who matches in each of the first states. States that are more than a step on the way are numbered first.
    fn by_state(dfa: &dense::DFA<Vec<u32>>, entries: &[Entry], table: &[Recognizer]) -> (Box<[Matching]>, Box<[u16]>) {
        let mut places: Vec<u16> = Vec::new();
        // Far fewer than that.
        let place = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let waiting = |at: &u16| {
            let of = entries.get(usize::from(*at)).and_then(|entry| table.get(usize::from(entry.recognizer)));
            of.filter(|of| of.waits).map(|of| of.kinds)
        };
        let states = (0..).map_while(|at: usize| StateID::new(at << dfa.stride2()).ok());
        let special = states.take_while(|&state| dfa.is_special_state(state));
        let by_state = special.map(|state| {
            let n_patterns = if dfa.is_match_state(state) { dfa.match_len(state) } else { 0 };
            let patterns = (0..n_patterns).filter_map(|at| u16::try_from(dfa.match_pattern(state, at).as_usize()).ok());
            let first = place(places.len());
            places.extend(patterns);
            let own = places.get_mut(first as usize..).unwrap_or_default();
            own.sort_by_key(|at| waiting(at).is_some());
            let n_ready = own.partition_point(|at| waiting(at).is_none());
            let mut kinds = Kinds::default();
            own.iter().filter_map(waiting).for_each(|own| kinds.add(own));
            Matching { first, first_waiting: first + place(n_ready), end: place(places.len()), waiting: kinds }
        });
        let by_state = by_state.collect();
        (by_state, places.into())
    }

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
        positive.iter().chain(&negative).for_each(|&group| words.ask(group, Kinds::of(kind)));
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
    let automata_of = |wanted: &dyn Fn(&Rule, &Shape) -> bool, most: usize| -> Result<Automata, BuildError> {
        let all = (0_u16..).zip(rules.rules()).zip(&shapes);
        let chosen: Family<'_> = all
            .filter(|((_, rule), shape)| wanted(rule, shape) && !rule.pattern.is_empty())
            .map(|((at, rule), shape)| (at, rule, shape))
            .collect();
        let mut out = Automata::default();
        for family in families(rules, chosen, most) {
            compile(&family, &recognizers, &mut out)?;
        }
        Ok(out)
    };
    let automata = |wanted: &dyn Fn(&Rule, &Shape) -> bool| automata_of(wanted, FAMILY_RULES);
    // Digits and separators alone do not multiply states.
    let numbers = |wanted: &dyn Fn(&Rule, &Shape) -> bool| automata_of(wanted, usize::MAX);
    let of_sieve = |sieve: Sieve| automata(&|rule, _| rule.sieve == sieve);
    let is_code = |rule: &Rule, shape: &Shape| matches!(rule.sieve, Sieve::Digits { .. }) && !shape.plain_number;
    let is_token = |rule: &Rule| rule.sieve == Sieve::Token;
    let number = numbers(&|_, shape| shape.plain_number)?;
    let code = automata(&is_code)?;
    let mut token = automata(&|rule, shape| is_token(rule) && shape.first_word <= WAITING_WORD)?;
    token.0.extend(automata(&|rule, shape| is_token(rule) && shape.first_word > WAITING_WORD)?.0);
    let phone = recognizers.iter().position(|r| r.sieve == Sieve::Phone);
    let name = (recognizers.iter().enumerate())
        .find(|(_, r)| r.sieve == Sieve::Name && lookup::is_sought(config, &scores, r.evidence.shape));
    let name = name.and_then(|(at, _)| u16::try_from(at).ok()).map(|at| (at, lookup::Guards::build(rules)));
    let (number_digits, code_digits) = (number.fewest_digits(Until::Match), code.fewest_digits(Until::Letter));
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
        quad: of_sieve(Sieve::Quad)?,
        token,
        long: of_sieve(Sieve::Long)?,
        at: automata(&|rule, shape| rule.sieve == Sieve::At && !shape.wide)?,
        at_wide: automata(&|rule, shape| rule.sieve == Sieve::At && shape.wide)?,
        scheme: of_sieve(Sieve::Scheme)?,
        host: automata(&|rule, _| matches!(rule.sieve, Sieve::Www | Sieve::Domain))?,
        colon: of_sieve(Sieve::Colon)?,
        dashes: of_sieve(Sieve::Dashes)?,
        gates: Gates::of(&recognizers, enough),
        phone,
        name,
        labels: rules
            .entities()
            .iter()
            .map(|entity| entity.name.clone())
            .filter(|name| name.len() >= sieve::LONG || name.bytes().any(|b| b.is_ascii_digit()))
            .collect(),
        words: words.build(level),
        scores,
        recognizers,
    })
}

/// Longest first word of a rule that waits, in bytes: ids and hashes are longer, and envelopes are full of them.
pub(super) const WAITING_WORD: usize = 20;

/// What the sieves need to know of a rule's pattern.
struct Shape {
    /// The longest word that a candidate can begin with, in bytes. A candidate without a guard may part a word in two, and
    /// what it leaves is another word.
    first_word: usize,
    /// Whether nothing counts without a word or a default region, and the rule can wait until these are known.
    waits: bool,
    /// Whether candidates are digits and [`NUMBER_SEPARATORS`] only, and end where a word ends. Such a rule need not be
    /// tried where too few digits follow each other, nor at a word that holds letters.
    plain_number: bool,
    /// Whether pattern or tail take bytes above ASCII.
    wide: bool,
}

impl Shape {
    fn of(rule: &Rule, of: &Recognizer, enough: impl Fn(i16) -> bool) -> Self {
        let hir = ParserBuilder::new().unicode(false).utf8(false).build().parse(&rule.pattern).ok();
        let hir = hir.as_ref();
        let first_word = if is_open(rule) { None } else { hir.map(|hir| first_word(hir).0) };
        let first_word = first_word.unwrap_or(usize::MAX);
        // What says its country itself may have the region that speaks for it in any text.
        let regional = of.evidence.region != 0 && of.country == CountryFrom::Prefix;
        let needs = rule.gate == Gate::Context || !regional && !enough(of.most());
        let is_number = matches!(rule.sieve, Sieve::Digits { .. }) && rule.guard != Guard::None && rule.tail.is_none();
        let wide_tail = rule.tail.as_ref().is_some_and(|tail| (0x80..=u8::MAX).any(|b| tail.class.has(b)));
        Self {
            first_word,
            waits: needs && first_word <= WAITING_WORD && matches!(rule.sieve, Sieve::Digits { .. } | Sieve::Token),
            plain_number: is_number && hir.is_some_and(only_numbers),
            wide: rule.sieve == Sieve::At && (wide_tail || hir.is_some_and(takes_wide)),
        }
    }
}

/// Returns whether a candidate of the rule may be followed by a letter or digit.
fn is_open(rule: &Rule) -> bool {
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

/// Rules with their places in the table of recognizers.
type Family<'r> = Vec<(u16, &'r Rule, &'r Shape)>;

/// Parts rules into those that share an automaton. Patterns that are as loose as number plates multiply each other's states,
/// so rules of one kind go together; up to `most` rules are one family.
fn families<'r>(rules: &RuleSet, chosen: Family<'r>, most: usize) -> Vec<Family<'r>> {
    if chosen.len() <= most {
        return vec![chosen];
    }
    let mut by_kind: Vec<(Option<Kind>, Family<'r>)> = Vec::new();
    for member in chosen {
        let kind = rules.entity(member.1.entity).map(|entity| entity.kind);
        match by_kind.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, family)) => family.push(member),
            None => by_kind.push((kind, vec![member])),
        }
    }
    // Small families share what is left.
    let (large, small): (Vec<_>, Vec<_>) =
        by_kind.into_iter().map(|(_, f)| f).partition(|f| f.len() > FAMILY_RULES / 4);
    let small: Vec<_> = small.into_iter().flatten().collect();
    large.into_iter().chain((!small.is_empty()).then_some(small)).collect()
}

fn compile(rules: &[(u16, &Rule, &Shape)], table: &[Recognizer], out: &mut Automata) -> Result<(), BuildError> {
    if rules.is_empty() {
        return Ok(());
    }
    let patterns: Vec<&str> = rules.iter().map(|(_, rule, _)| rule.pattern.as_str()).collect();
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
            let mut entries = Vec::with_capacity(rules.len());
            let mut waiting = Open::default();
            for &(at, ..) in rules {
                let Some(of) = table.get(usize::from(at)) else { continue };
                entries.push(Entry::of(at, of));
                if of.waits {
                    waiting.add(at, of.kinds);
                }
            }
            let open = rules.iter().any(|(_, rule, _)| is_open(rule));
            let first_word = rules.iter().map(|(.., shape)| shape.first_word).max().unwrap_or(0);
            let (by_state, matching) = Automaton::by_state(&dfa, &entries, table);
            let entries = entries.into();
            // Only these are tried at digits wherever they stand.
            let at_digits = rules.iter().any(|(_, rule, _)| matches!(rule.sieve, Sieve::Digits { .. } | Sieve::Token));
            let leads = if at_digits { Automaton::leads(&dfa, start) } else { [u32::MAX; Behind::ALL] };
            let inside = rules.iter().any(|(_, rule, _)| rule.guard != Guard::Number);
            let automaton =
                Automaton { dfa, start, entries, waiting, by_state, matching, open, first_word, leads, inside };
            out.0.push(automaton);
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
