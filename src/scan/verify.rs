//! Verification: an anchored automaton at the candidate, then the guards, the tail and the check.
//!
//! A candidate of a rule that begins at `s` is any `s..e` that the pattern matches as a whole; of those that the guards
//! and the check let pass, the longest counts.

use super::automaton::{Automata, Automaton, Matching};
use super::build::Recognizer;
use super::gates::Open;
use crate::check::{COMPACT_BYTES, Check, Form};
use crate::entity::Kind;
use crate::rules::{Guard, Sieve, Tail};

/// A place that a rule's pattern, guards and check accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) recognizer: u16,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// `A-Z a-z 0-9 _`.
#[inline]
pub(super) const fn is_word(byte: u8) -> bool {
    const TABLE: [u64; 4] = {
        let mut table = [0; 4];
        let mut byte = 0_u8;
        while byte < 128 {
            if byte.is_ascii_alphanumeric() || byte == b'_' {
                #[expect(clippy::indexing_slicing, reason = "a byte shifted right by six is 0..=3")]
                {
                    table[(byte >> 6) as usize] |= 1 << (byte & 63);
                }
            }
            byte += 1;
        }
        table
    };
    #[expect(clippy::indexing_slicing, reason = "a byte shifted right by six is 0..=3")]
    let word = TABLE[(byte >> 6) as usize];
    word >> (byte & 63) & 1 != 0
}

/// Returns the byte `back` places before `at`.
#[inline]
pub(super) fn before(text: &[u8], at: usize, back: usize) -> Option<u8> {
    text.get(at.checked_sub(back)?).copied()
}

/// What verification asks of a rule first, side by side for all rules of an automaton.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) recognizer: u16,
    /// The bit of its guard among those of [`guards`].
    guard: u8,
    has_tail: bool,
    /// How many digits a candidate holds, where it begins with one.
    digits: Option<(u8, u8)>,
    check: Option<&'static Check>,
}

impl Entry {
    pub(super) fn of(recognizer: u16, of: &Recognizer) -> Self {
        Self {
            recognizer,
            guard: bit(of.guard),
            has_tail: of.tail.is_some(),
            digits: match of.sieve {
                Sieve::Digits { min, max } => Some((min, max)),
                _ => None,
            },
            check: of.check,
        }
    }
}

/// A set of rules, by their recognizers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules(Vec<u64>);

impl Rules {
    pub(super) fn add(&mut self, recognizer: u16) {
        let word = usize::from(recognizer / 64);
        self.0.resize(self.0.len().max(word + 1), 0);
        self.0.get_mut(word).into_iter().for_each(|bits| *bits |= 1 << (recognizer % 64));
    }

    pub(super) fn add_all(&mut self, others: &Self) {
        self.0.resize(self.0.len().max(others.0.len()), 0);
        self.0.iter_mut().zip(&others.0).for_each(|(bits, other)| *bits |= other);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    #[inline]
    pub(super) fn has(&self, recognizer: u16) -> bool {
        self.0.get(usize::from(recognizer / 64)).is_some_and(|bits| bits & 1 << (recognizer % 64) != 0)
    }

    pub(super) fn meets(&self, others: &Self) -> bool {
        self.0.iter().zip(&others.0).any(|(bits, other)| bits & other != 0)
    }
}

/// A set of kinds; a few share a bit, so that a set may hold one more than it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds(u32);

impl Kinds {
    pub(super) const ALL: Self = Self(u32::MAX);

    /// The set of one kind; of an entity that is not known all.
    pub(super) fn of(kind: Option<Kind>) -> Self {
        // More kinds than bits: what has rules takes the bit of one that no rule finds.
        let bit = |kind: Kind| match kind {
            Kind::Address => Kind::Username as u32,
            Kind::DateTime => Kind::UserId as u32,
            kind => kind as u32 % u32::BITS,
        };
        kind.map_or(Self::ALL, |kind| Self(1 << bit(kind)))
    }

    #[inline]
    pub(super) const fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }

    #[inline]
    pub(super) const fn meets(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    #[inline]
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One bit for each kind.
    #[inline]
    pub(super) const fn bits(self) -> u32 {
        self.0
    }
}

/// Whether what begins at `start` is the middle of a number: [`Guard::Number`] lets nothing begin there.
#[inline]
pub(super) fn is_inside(text: &[u8], start: usize) -> bool {
    match before(text, start, 1) {
        Some(b'+') => true,
        Some(b'.' | b',' | b'-' | b'/' | b':') => before(text, start, 2).is_some_and(|b| b.is_ascii_digit()),
        _ => false,
    }
}

/// Which rules of an automaton are asked.
#[derive(Clone, Copy)]
pub(super) enum Asked<'r> {
    All,
    /// Those that do not wait.
    Ready,
    /// Those that wait and are among these, where it is known which are open.
    Waiting(Option<&'r Open>),
}

/// What a first walk leaves to be done.
#[derive(Clone, Copy, Default)]
pub(super) struct Pending {
    /// What rules that wait and match look for.
    pub(super) kinds: Kinds,
    /// How long the longest of these matches is, in bytes.
    pub(super) len: usize,
}

/// Runs every automaton at `start` and appends to `out` what is accepted, one entry a rule. Returns how many candidates
/// it looked at closely: the work done.
pub(super) fn verify(
    automata: &Automata,
    recognizers: &[Recognizer],
    text: &[u8],
    start: usize,
    out: &mut Vec<Accepted>,
) -> usize {
    automata.all.iter().map(|automaton| walk(automaton, recognizers, Asked::All, text, start, out)).sum()
}

/// Runs one automaton at `start`, like [`verify`], for some of its rules.
#[inline]
pub(super) fn walk(
    automaton: &Automaton,
    recognizers: &[Recognizer],
    asked: Asked<'_>,
    text: &[u8],
    start: usize,
    out: &mut Vec<Accepted>,
) -> usize {
    let mut walk = Walk { automaton, recognizers, asked, text, start, compact: None };
    let mut n_candidates = 0;
    automaton.each_match(text, start, |matching, end| n_candidates += walk.matched(matching, end, out));
    n_candidates
}

/// Runs one automaton at `start` for its rules that do not wait, and takes note of what those that do would match, whatever
/// guards and checks say.
#[inline]
pub(super) fn first_walk(
    automaton: &Automaton,
    recognizers: &[Recognizer],
    text: &[u8],
    start: usize,
    out: &mut Vec<Accepted>,
    pending: &mut Pending,
) -> usize {
    let mut walk = Walk { automaton, recognizers, asked: Asked::Ready, text, start, compact: None };
    let mut n_candidates = 0;
    automaton.each_match(text, start, |matching, end| {
        if !matching.waiting.is_empty() {
            pending.kinds.add(matching.waiting);
            pending.len = pending.len.max(end - start);
        }
        if matching.is_ready() {
            n_candidates += walk.matched(matching, end, out);
        }
    });
    n_candidates
}

/// What is the same for all that matches at one place.
struct Walk<'w> {
    automaton: &'w Automaton,
    recognizers: &'w [Recognizer],
    asked: Asked<'w>,
    text: &'w [u8],
    start: usize,
    /// Made when the first rule asks for it; ends come in ascending order.
    compact: Option<Compact>,
}

impl Walk<'_> {
    /// Looks at the rules that match up to `end`. Returns the work done.
    #[inline(never)]
    fn matched(&mut self, matching: Matching, end: usize, out: &mut Vec<Accepted>) -> usize {
        let &mut Self { automaton, recognizers, asked, text, start, ref mut compact } = self;
        let open = if let Asked::Waiting(open) = asked { open } else { None };
        if open.is_some_and(|open| !open.meets(matching.waiting)) {
            return 0;
        }
        let mut n_candidates = 0;
        let mut free = None;
        let Some(candidate) = text.get(start..end) else { return 0 };
        let numbered = candidate.first().is_some_and(u8::is_ascii_digit);
        for entry in automaton.matched(matching, asked) {
            if open.is_some_and(|open| !open.rules.has(entry.recognizer)) {
                continue;
            }
            let mut end = end;
            if entry.has_tail {
                n_candidates += 1;
                let Some(recognizer) = recognizers.get(usize::from(entry.recognizer)) else { continue };
                let Some(tail) = &recognizer.tail else { continue };
                let Some(last) = passing(recognizer, tail, text, start, end) else { continue };
                end = last;
            } else {
                if *free.get_or_insert_with(|| guards(text, start, end)) & entry.guard == 0 {
                    continue;
                }
                n_candidates += 1;
                if let Some((min, max)) = entry.digits {
                    let n_digits = Compact::upto(compact, candidate).n_digits;
                    if !numbered || n_digits < usize::from(min) || n_digits > usize::from(max) {
                        continue;
                    }
                }
                if entry.check.is_some_and(|check| !passes(check, candidate, compact)) {
                    continue;
                }
            }
            let (Ok(start), Ok(end)) = (u32::try_from(start), u32::try_from(end)) else { continue };
            match out.iter_mut().rev().take_while(|a| a.start == start).find(|a| a.recognizer == entry.recognizer) {
                // Ends come in ascending order, so the last is the longest; a tail may end earlier than one before it.
                Some(known) => known.end = known.end.max(end),
                None => out.push(Accepted { recognizer: entry.recognizer, start, end }),
            }
        }
        n_candidates
    }
}

/// Returns where the longest candidate with a tail ends that guard and check let pass; the pattern's match ends at `from`.
fn passing(recognizer: &Recognizer, tail: &Tail, text: &[u8], start: usize, from: usize) -> Option<usize> {
    let mut end = extend(tail, text, from);
    for _ in 0..=Tail::CUTS {
        let candidate = text.get(start..end)?;
        if guarded(recognizer.guard, text, start, end) && accepts(recognizer, candidate, &mut None) {
            return Some(end);
        }
        let cut = text.get(from..end)?.iter().rposition(|&b| tail.cut.has(b))?;
        end = from + cut;
        while end > from && before(text, end, 1).is_some_and(|b| tail.trim.has(b)) {
            end -= 1;
        }
    }
    None
}

/// Returns where a tail that begins at `from` ends.
pub(super) fn extend(tail: &Tail, text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let rest = rest.get(..tail.max as usize).unwrap_or(rest);
    if let Some(until) = &tail.until
        && let Some(at) = memchr::memmem::find(rest, until.as_bytes())
    {
        let after = rest.get(at + until.len()..).unwrap_or_default();
        // The label of an armoured block and its closing hyphens belong to it.
        let label = after.iter().take_while(|b| b.is_ascii_uppercase() || **b == b' ' || b.is_ascii_digit()).count();
        let hyphens = after.iter().skip(label).take_while(|b| **b == b'-').count();
        return from + at + until.len() + if hyphens > 0 { label + hyphens } else { 0 };
    }
    let mut len = rest.iter().take_while(|&&b| tail.class.has(b)).count();
    while let Some(&last) = rest.get(..len).and_then(<[u8]>::last) {
        if !tail.trim.has(last) {
            break;
        }
        len -= 1;
    }
    from + len
}

const GUARDS: [Guard; 6] = [Guard::None, Guard::Word, Guard::Dots, Guard::Colons, Guard::Hyphens, Guard::Number];

/// The bit of a guard among those of [`guards`].
const fn bit(guard: Guard) -> u8 {
    match guard {
        Guard::None => 1,
        Guard::Word => 1 << 1,
        Guard::Dots => 1 << 2,
        Guard::Colons => 1 << 3,
        Guard::Hyphens => 1 << 4,
        Guard::Number => 1 << 5,
    }
}

/// Returns the bits of the guards that let `start..end` pass.
fn guards(text: &[u8], start: usize, end: usize) -> u8 {
    let left = before(text, start, 1);
    let right = text.get(end).copied();
    if left.is_some_and(is_word) || right.is_some_and(is_word) {
        return bit(Guard::None);
    }
    let joint = |b: u8| matches!(b, b'.' | b',' | b'-' | b'/' | b':' | b'+');
    if !left.is_some_and(joint) && !right.is_some_and(joint) {
        return u8::MAX;
    }
    GUARDS.into_iter().filter(|&guard| guarded(guard, text, start, end)).fold(0, |bits, guard| bits | bit(guard))
}

/// Returns whether the neighbours of `start..end` leave it alone.
#[inline]
pub(super) fn guarded(guard: Guard, text: &[u8], start: usize, end: usize) -> bool {
    let left = before(text, start, 1);
    let right = text.get(end).copied();
    let free = !left.is_some_and(is_word) && !right.is_some_and(is_word);
    match guard {
        Guard::None => true,
        Guard::Word => free,
        Guard::Dots | Guard::Colons => {
            let joins = |joint: Option<u8>, beyond: Option<u8>| match joint {
                Some(b'.') => beyond.is_some_and(|b| b.is_ascii_digit()),
                Some(b':') if guard == Guard::Colons => beyond.is_some_and(|b| b.is_ascii_hexdigit() || b == b':'),
                _ => false,
            };
            free && !joins(left, before(text, start, 2)) && !joins(right, text.get(end + 1).copied())
        }
        Guard::Hyphens => {
            let joins = |joint, beyond: Option<u8>| joint == Some(b'-') && beyond.is_some_and(is_word);
            free && !joins(left, before(text, start, 2)) && !joins(right, text.get(end + 1).copied())
        }
        Guard::Number => {
            if !free {
                return false;
            }
            let joins = |b: u8| matches!(b, b'.' | b',' | b'-' | b'/' | b':');
            let joined_right = right.is_some_and(joins) && text.get(end + 1).is_some_and(u8::is_ascii_digit);
            !is_inside(text, start) && !joined_right
        }
    }
}

/// The compact form of a candidate; it grows with it.
pub(super) struct Compact {
    bytes: [u8; COMPACT_BYTES],
    len: usize,
    pub(super) n_digits: usize,
    fits: bool,
    /// Bytes of the candidate that were read.
    n_read: usize,
}

impl Compact {
    /// Returns the compact form of `candidate`; `known` is nothing or that of a shorter candidate at the same place.
    #[inline]
    pub(super) fn upto<'c>(known: &'c mut Option<Self>, candidate: &[u8]) -> &'c Self {
        let compact =
            known.get_or_insert(Self { bytes: [0; COMPACT_BYTES], len: 0, n_digits: 0, fits: true, n_read: 0 });
        if compact.n_read < candidate.len() {
            compact.read(candidate);
        }
        compact
    }

    #[inline(never)]
    fn read(&mut self, candidate: &[u8]) {
        for &byte in candidate.get(self.n_read..).unwrap_or_default() {
            if !byte.is_ascii_alphanumeric() {
                continue;
            }
            self.n_digits += usize::from(byte.is_ascii_digit());
            match self.bytes.get_mut(self.len) {
                Some(place) => {
                    *place = byte.to_ascii_uppercase();
                    self.len += 1;
                }
                None => self.fits = false,
            }
        }
        self.n_read = candidate.len();
    }
}

/// Returns whether the digits are as many as the sieve says and the check passes.
pub(super) fn accepts(recognizer: &Recognizer, candidate: &[u8], compact: &mut Option<Compact>) -> bool {
    if let Sieve::Digits { min, max } = recognizer.sieve {
        let n_digits = Compact::upto(compact, candidate).n_digits;
        if n_digits < usize::from(min)
            || n_digits > usize::from(max)
            || !candidate.first().is_some_and(u8::is_ascii_digit)
        {
            return false;
        }
    }
    match recognizer.check {
        None => true,
        Some(check) => passes(check, candidate, compact),
    }
}

/// Gives a check what it looks at.
fn passes(check: &Check, candidate: &[u8], compact: &mut Option<Compact>) -> bool {
    match check.form {
        Form::Raw => (check.run)(candidate),
        Form::Compact => {
            let compact = Compact::upto(compact, candidate);
            compact.fits && compact.bytes.get(..compact.len).is_some_and(check.run)
        }
    }
}
