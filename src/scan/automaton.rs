//! Many patterns in one anchored automaton, and what tells at a glance that none of them can match.

use super::build::Recognizer;
use super::gates::Open;
use super::leads::{Leads, Worth};
use super::verify::{Asked, Entry, Kinds, is_word};
use regex_automata::Anchored;
use regex_automata::dfa::{Automaton as _, dense};
use regex_automata::util::primitives::StateID;
use std::collections::{HashMap, VecDeque};

/// What may stand between the digits of a plain number.
pub(super) const NUMBER_SEPARATORS: &[u8] = b" -./()~";

/// The rules of one sieve as anchored automata; mostly one.
#[derive(Default)]
pub(super) struct Automata {
    pub(super) all: Vec<Automaton>,
    /// Which of them are worth a walk, where that was asked for.
    pub(super) leads: Leads,
}

impl Automata {
    /// Yields those that are worth a walk, as a lead tells.
    #[inline]
    pub(super) fn worth(&self, worth: Worth) -> impl Iterator<Item = &Automaton> {
        let mut left = worth.automata;
        let first = std::iter::from_fn(move || {
            let at = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            self.all.get(at)
        });
        first.chain(self.all.iter().skip(u64::BITS as usize))
    }

    /// Returns the fewest digits that a candidate which begins with a digit holds before it can end or go on with
    /// anything but digits and [`NUMBER_SEPARATORS`].
    pub(super) fn fewest_digits(&self, until: Until) -> usize {
        self.all.iter().map(|automaton| automaton.fewest_digits(until)).min().unwrap_or(usize::MAX)
    }
}

/// Up to where digits are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// A match.
    Match,
    /// A match, or a byte that is no part of a plain number.
    Letter,
}

/// Many patterns in one anchored automaton that tells every length at which each of them matches.
pub(super) struct Automaton {
    /// The sort of every byte; the last sort is the end of the text.
    sorts: Box<[u8; 256]>,
    n_sorts: usize,
    /// By state and sort what follows: the place of the next state's row in units of [`UNIT`], [`DEAD`], or [`MATCH`] and the
    /// number of a state in which patterns match that ended before this byte. Small, because walks wait for memory.
    steps: Box<[u16]>,
    /// How long a row is, in units.
    row: u16,
    start: u16,
    /// Who matches, by state; states in which nothing matches have the numbers behind.
    by_state: Box<[Matching]>,
    /// Places in `entries`, for `by_state`.
    matching: Box<[u16]>,
    /// What is asked first of each pattern's rule.
    pub(super) entries: Box<[Entry]>,
    /// Its rules that wait, and what they look for.
    waiting: Open,
}

/// Marks a step behind a match.
const MATCH: u16 = 1 << 15;
/// A step after which nothing can match.
const DEAD: u16 = u16::MAX;
/// Steps that places of rows count in.
const UNIT: usize = 8;
/// A state that is dead, while an automaton is frozen.
const NO_STATE: u32 = u32::MAX;

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

impl Automaton {
    /// Freezes what was compiled. `open` tells whether some candidate may be followed by a letter or digit: one without a
    /// guard, or with a tail.
    ///
    /// Nothing where the automaton has no start, or too many states.
    pub(super) fn freeze(
        dfa: &dense::DFA<Vec<u32>>,
        entries: Vec<Entry>,
        table: &[Recognizer],
        open: bool,
    ) -> Option<Self> {
        let start = dfa.universal_start_state(Anchored::Yes)?;
        // Bytes that the automaton tells apart, and that we do: a match counts where no letter or digit follows.
        let mut sorts = Box::new([0_u8; 256]);
        let mut bytes: Vec<u8> = Vec::new();
        let mut known: HashMap<(u8, bool), u8> = HashMap::new();
        for (byte, sort) in (0..=u8::MAX).zip(sorts.iter_mut()) {
            let next = u8::try_from(known.len()).ok()?;
            *sort = *known.entry((dfa.byte_classes().get(byte), is_word(byte))).or_insert_with(|| {
                bytes.push(byte);
                next
            });
        }
        let n_sorts = bytes.len() + 1;
        // All states in the order in which they are reached, and what follows each.
        let mut states: Vec<StateID> = Vec::new();
        let mut numbers: Vec<u32> = Vec::new();
        let mut number = |state: StateID, states: &mut Vec<StateID>| {
            if dfa.is_dead_state(state) {
                return Some(NO_STATE);
            }
            let at = state.as_usize() >> dfa.stride2();
            numbers.resize(numbers.len().max(at + 1), NO_STATE);
            let number = numbers.get_mut(at)?;
            if *number == NO_STATE {
                *number = u32::try_from(states.len()).ok()?;
                states.push(state);
            }
            Some(*number)
        };
        number(start, &mut states)?;
        let mut next: Vec<u32> = Vec::new();
        let mut at = 0;
        while let Some(&state) = states.get(at) {
            for &byte in &bytes {
                next.push(number(dfa.next_state(state, byte), &mut states)?);
            }
            next.push(number(dfa.next_eoi_state(state), &mut states)?);
            at += 1;
        }
        // Those in which something matches come first, and among them those together that a walk goes through.
        let is_match: Vec<bool> = states.iter().map(|&state| dfa.is_match_state(state)).collect();
        let mut order = in_depth(&next, n_sorts);
        order.sort_by_key(|&at| !is_match.get(at).is_some_and(|&is| is));
        let mut places = vec![0_u32; states.len()];
        for (place, &at) in (0..).zip(&order) {
            *places.get_mut(at)? = place;
        }
        let ends =
            |at: u32| next.chunks(n_sorts).nth(at as usize).is_none_or(|row| row.iter().all(|&next| next == NO_STATE));
        let ended: Vec<bool> = (0..u32::try_from(states.len()).ok()?).map(ends).collect();
        let row = u16::try_from(n_sorts.div_ceil(UNIT)).ok()?;
        let mut steps = Vec::with_capacity(states.len() * usize::from(row) * UNIT);
        for &at in &order {
            let own = next.get(at * n_sorts..(at + 1) * n_sorts)?;
            for (sort, &next) in own.iter().enumerate() {
                let counts = bytes.get(sort).is_none_or(|&byte| open || !is_word(byte));
                let place = || places.get(next as usize).and_then(|&place| u16::try_from(place).ok());
                steps.push(match next {
                    NO_STATE => DEAD,
                    next if counts && *is_match.get(next as usize)? => MATCH | place().filter(|&at| at < !MATCH)?,
                    next if *ended.get(next as usize)? => DEAD,
                    _ => place()?.checked_mul(row).filter(|&at| at < MATCH)?,
                });
            }
            steps.resize(steps.len().next_multiple_of(UNIT), DEAD);
        }
        let matched = order.iter().filter_map(|&at| states.get(at)).filter(|&&state| dfa.is_match_state(state));
        let (by_state, matching) = by_state(dfa, matched.copied(), &entries, table);
        let mut waiting = Open::default();
        for entry in &entries {
            if let Some(of) = table.get(usize::from(entry.recognizer)).filter(|of| of.waits) {
                waiting.add(entry.recognizer, of.kinds);
            }
        }
        Some(Self {
            sorts,
            n_sorts,
            steps: steps.into(),
            row,
            start: u16::try_from(*places.first()?).ok()?.checked_mul(row).filter(|&at| at < MATCH)?,
            by_state,
            matching,
            entries: entries.into(),
            waiting,
        })
    }

    /// What follows a state at a byte, or at the end of the text.
    #[inline]
    fn step(&self, state: u16, sort: usize) -> u16 {
        self.steps.get(usize::from(state) * UNIT + sort).copied().unwrap_or(DEAD)
    }

    /// Calls `f` for every length at which some pattern matches at `start` and ends as its rule lets it: with who matches
    /// there and where that ends.
    ///
    /// # Cost
    /// About ten instructions a byte.
    #[inline]
    pub(super) fn each_match(&self, text: &[u8], start: usize, mut f: impl FnMut(Matching, usize)) {
        let (mut state, mut at) = (self.start, start);
        loop {
            let (step, end) = self.until_match(text, at, state);
            // Dead is no number of a state.
            let Some(&matching) = self.by_state.get((step & !MATCH) as usize) else { return };
            f(matching, end);
            if end >= text.len() {
                return;
            }
            (state, at) = ((step & !MATCH) * self.row, end + 1);
        }
    }

    /// Goes on from `at` until something matches or nothing can. Returns that step and where it was made.
    #[inline(never)]
    fn until_match(&self, text: &[u8], at: usize, state: u16) -> (u16, usize) {
        let (sorts, steps) = (&*self.sorts, &*self.steps);
        let mut state = state;
        let mut rest = text.get(at..).unwrap_or_default().iter();
        while let Some(&byte) = rest.next() {
            #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
            let sort = sorts[usize::from(byte)];
            let Some(&next) = steps.get(usize::from(state) * UNIT + usize::from(sort)) else { break };
            if next >= MATCH {
                return (next, text.len() - rest.len() - 1);
            }
            state = next;
        }
        (self.step(state, self.n_sorts - 1), text.len())
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    fn sort(&self, byte: u8) -> u8 {
        self.sorts[usize::from(byte)]
    }

    /// Returns whether one of its rules that wait may look for one of `kinds`.
    #[inline]
    pub(super) const fn waits_for(&self, kinds: Kinds) -> bool {
        self.waiting.meets(kinds)
    }

    /// Returns whether one of its rules that wait is open.
    #[inline]
    pub(super) fn is_open(&self, open: &Open) -> bool {
        open.meets_all(&self.waiting)
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

    /// A shortest-path search: a digit costs one, a separator nothing.
    fn fewest_digits(&self, until: Until) -> usize {
        let step = |from: u16, byte: u8| match self.step(from, usize::from(self.sort(byte))) {
            DEAD => None,
            to if to >= MATCH => Some((to & !MATCH) * self.row),
            to => Some(to),
        };
        let mut known: HashMap<u16, usize> = HashMap::new();
        let mut queue: VecDeque<(u16, usize)> = (b'0'..=b'9').filter_map(|d| Some((step(self.start, d)?, 1))).collect();
        while let Some((state, cost)) = queue.pop_front() {
            if known.get(&state).is_some_and(|&best| best <= cost) {
                continue;
            }
            known.insert(state, cost);
            // The automaton tells of a match one byte late, at whatever comes next.
            let ends = self.step(state, self.n_sorts - 1) != DEAD;
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

/// Returns the states in such an order that behind each stands one that follows it, as far as there is one that has no place
/// yet: walks wait less for what stands near.
fn in_depth(next: &[u32], n_sorts: usize) -> Vec<usize> {
    let n_states = next.len() / n_sorts;
    let (mut order, mut known, mut open) = (Vec::with_capacity(n_states), vec![false; n_states], vec![0]);
    while let Some(at) = open.pop() {
        match known.get_mut(at) {
            Some(known) if !*known => *known = true,
            _ => continue,
        }
        order.push(at);
        let own = next.get(at * n_sorts..(at + 1) * n_sorts).unwrap_or_default();
        open.extend(own.iter().rev().filter(|&&next| next != NO_STATE).map(|&next| next as usize));
    }
    order
}

/// Who matches in each of `states`.
fn by_state(
    dfa: &dense::DFA<Vec<u32>>,
    states: impl Iterator<Item = StateID>,
    entries: &[Entry],
    table: &[Recognizer],
) -> (Box<[Matching]>, Box<[u16]>) {
    let mut places: Vec<u16> = Vec::new();
    // Far fewer than that.
    let place = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    let waiting = |at: &u16| {
        let of = entries.get(usize::from(*at)).and_then(|entry| table.get(usize::from(entry.recognizer)));
        of.filter(|of| of.waits).map(|of| of.kinds)
    };
    let by_state = states.map(|state| {
        let patterns = (0..dfa.match_len(state)).map(|at| dfa.match_pattern(state, at).as_usize());
        let first = place(places.len());
        places.extend(patterns.filter_map(|at| u16::try_from(at).ok()));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;
    use crate::scan::leads::Lead;
    use crate::scan::{ScanConfig, Scanner};
    use proptest::prelude::*;
    use std::sync::LazyLock;

    static SCANNER: LazyLock<Scanner> =
        LazyLock::new(|| Scanner::build(&RuleSet::builtin().unwrap(), ScanConfig::default()).unwrap());

    fn matches(automaton: &Automaton, text: &[u8]) -> Vec<(usize, usize)> {
        let mut out = Vec::new();
        automaton.each_match(text, 0, |matching, end| {
            out.extend(automaton.matched(matching, Asked::All).map(|entry| (usize::from(entry.recognizer), end)));
        });
        out.sort_unstable();
        out
    }

    #[test]
    fn waiting_rules_and_others_are_all() {
        let automata = [&SCANNER.number, &SCANNER.code, &SCANNER.token].into_iter().flat_map(|automata| &automata.all);
        for automaton in automata {
            for &matching in &automaton.by_state {
                let count = |asked| automaton.matched(matching, asked).count();
                assert_eq!(count(Asked::Ready) + count(Asked::Waiting(None)), count(Asked::All));
                assert_eq!(matching.waiting.is_empty(), count(Asked::Waiting(None)) == 0);
                assert_eq!(matching.is_ready(), count(Asked::Ready) > 0);
            }
        }
    }

    /// Runs of digits and letters with what stands between them.
    const RUNS: &str = "([0-9]{1,12}|[A-Z]{1,6}|[a-z]{1,6}|[A-Za-z]|[0-9]{15,33}|[A-Z]{15,18}|[-./ _()]){1,6}";

    proptest! {
        #[test]
        fn nothing_matches_what_cannot_begin(text in RUNS) {
            let text = text.as_bytes();
            let word = text.iter().take_while(|&&b| is_word(b)).count();
            for (automata, word) in [(&SCANNER.number, 0), (&SCANNER.code, 0), (&SCANNER.token, word)] {
                let worth = automata.leads.of(&Lead::at(text, 0), word, false);
                let begun: Vec<*const Automaton> = automata.worth(worth).map(std::ptr::from_ref).collect();
                for automaton in automata.all.iter().filter(|automaton| !begun.contains(&std::ptr::from_ref(*automaton))) {
                    prop_assert_eq!(matches(automaton, text), []);
                }
            }
        }

        #[test]
        fn what_waits_is_known_without_a_walk(text in RUNS) {
            let text = text.as_bytes();
            let word = text.iter().take_while(|&&b| is_word(b)).count();
            for (automata, word) in [(&SCANNER.number, 0), (&SCANNER.code, 0), (&SCANNER.token, word)] {
                let worth = automata.leads.of(&Lead::at(text, 0), word, true);
                if worth.waiting.is_empty() {
                    continue;
                }
                let mut known = worth.waiting;
                for automaton in &automata.all {
                    automaton.each_match(text, 0, |matching, _| known.add(matching.waiting));
                }
                prop_assert_eq!(known, worth.waiting);
            }
        }
    }
}
