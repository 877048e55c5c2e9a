//! What a candidate can begin with: which automata are worth a walk, told by one look at its first two runs.
//!
//! Digits are taken for any digit and letters for any letter, so that a table of a few thousand places says for all
//! patterns together what most of them need several bytes to find out. It is made from the patterns, not from their
//! automata: the positions of a pattern, and which may follow which (V. M. Glushkov, *The abstract theory of automata*,
//! 1961).

use super::verify::{Kinds, is_inside, is_word};
use regex_syntax::hir::{Class, Hir, HirKind};

/// What a candidate begins with: two runs of digits or letters and what stands between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lead {
    place: usize,
    is_inside: bool,
    /// Whether a word ends with the second run.
    is_whole: bool,
}

/// What bytes are to a lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Digit,
    Upper,
    Lower,
    /// A blank, a hyphen, a full stop, a slash: what stands between runs of most patterns.
    Joint(u8),
    Other,
}

impl Sort {
    const fn of(byte: u8) -> Self {
        match byte {
            b'0'..=b'9' => Self::Digit,
            b'A'..=b'Z' => Self::Upper,
            b'a'..=b'z' => Self::Lower,
            b' ' => Self::Joint(0),
            b'-' => Self::Joint(1),
            b'.' => Self::Joint(2),
            b'/' => Self::Joint(3),
            _ => Self::Other,
        }
    }

    const fn number(self) -> usize {
        match self {
            Self::Digit => 0,
            Self::Upper => 1,
            Self::Lower => 2,
            Self::Joint(n) => 3 + n as usize,
            Self::Other => 3 + JOINTS as usize,
        }
    }

    /// Whether a run that begins with a byte of this sort goes on with one of the other.
    const fn goes_on(self, other: Self) -> bool {
        match self {
            Self::Digit => matches!(other, Self::Digit),
            _ => matches!(other, Self::Upper | Self::Lower),
        }
    }
}

/// What runs begin with.
const RUNS: [Sort; 3] = [Sort::Digit, Sort::Upper, Sort::Lower];
/// What any other byte is, by number.
const ELSE_SORT: usize = SORTS - 1;
/// Answers of [`Sort::number`].
const SORTS: usize = 4 + JOINTS as usize;
const JOINTS: u8 = 4;
/// Longer first runs count as runs of that length, of which nothing is known.
const FIRST: usize = 32;
/// Longer second runs count as runs of that length.
const SECOND: usize = 16;
/// What stands behind the first run: one of the joints, a run of the other kind at once, or anything else.
const BEHIND: usize = JOINTS as usize + 2;
const AT_ONCE: usize = JOINTS as usize;
const ELSE: usize = AT_ONCE + 1;
/// A second run of each length of each sort, or none.
const SECONDS: usize = (RUNS.len() + 1) * SECOND;

const fn row(run: usize, len: usize, behind: usize) -> usize {
    (run * FIRST + len) * BEHIND + behind
}

/// By byte the number of its sort.
const SORT: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u8;
    loop {
        #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
        {
            table[byte as usize] = Sort::of(byte).number() as u8;
        }
        if byte == u8::MAX {
            break table;
        }
        byte += 1;
    }
};

#[inline]
#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
fn sort(byte: u8) -> usize {
    usize::from(SORT[usize::from(byte)])
}

/// How long the run at the beginning of `text` is, which begins with a byte of this sort; of one longer than any that counts
/// only that.
#[inline]
fn run(text: &[u8], first: usize) -> usize {
    let rest = text.iter().take(FIRST);
    match first {
        0 => rest.take_while(|&&byte| byte.is_ascii_digit()).count(),
        _ => rest.take_while(|&&byte| byte.is_ascii_alphabetic()).count(),
    }
}

impl Lead {
    /// Looks at what begins at `start`.
    #[inline]
    pub(super) fn at(text: &[u8], start: usize) -> Self {
        let rest = text.get(start..).unwrap_or_default();
        let is_inside = is_inside(text, start);
        let first = rest.first().map_or(ELSE_SORT, |&byte| sort(byte));
        // What begins with no run has no place in the table.
        if first >= RUNS.len() {
            return Self { place: usize::MAX, is_inside, is_whole: false };
        }
        let len = run(rest, first);
        let rest = rest.get(len..).unwrap_or_default();
        let next = rest.first().map_or(ELSE_SORT, |&byte| sort(byte));
        let (behind, rest) = match next {
            ELSE_SORT if first == Sort::Digit.number() && rest.first() == Some(&b'_') => (AT_ONCE, &[][..]),
            ELSE_SORT => (ELSE, &[][..]),
            joint if joint >= RUNS.len() => (joint - RUNS.len(), rest.get(1..).unwrap_or_default()),
            _ => (AT_ONCE, rest),
        };
        let next = rest.first().map_or(ELSE_SORT, |&byte| sort(byte));
        let (second, is_whole) = if next < RUNS.len() {
            let len = run(rest, next);
            (next * SECOND + len.min(SECOND - 1), !rest.get(len).copied().is_some_and(is_word))
        } else {
            (RUNS.len() * SECOND, true)
        };
        let place = row(first, len.min(FIRST - 1), behind) * SECONDS + second;
        Self { place, is_inside, is_whole }
    }
}

/// What a lead tells of a list of automata.
pub(super) struct Leads {
    by_place: Box<[Begun]>,
    /// By the length of the word that a candidate begins with, the automata that may match.
    by_word: Box<[u64; WORDS]>,
    /// Those of which a candidate may follow a digit and a joint, as in the middle of a number.
    inside: u64,
    /// Those of which the rules wait.
    waiting: u64,
}

/// What may begin with a lead.
#[derive(Clone, Copy, Default)]
struct Begun {
    /// Which automata may match, one bit for each of the first 64; others always may.
    automata: u64,
    /// What rules that wait and may match look for.
    waiting: Kinds,
    /// The same of those that match two runs that look like these, but for which digits and letters they are.
    whole: Kinds,
}

/// Which of a list of automata are worth a walk.
#[derive(Clone, Copy)]
pub(super) struct Worth {
    /// One bit for each of the first 64 automata.
    pub(super) automata: u64,
    /// What rules that wait look for, where it needs no walk to say that some of them match; they may be fewer.
    pub(super) waiting: Kinds,
}

/// Longer words count as words of that length.
const WORDS: usize = 64;

impl Default for Leads {
    fn default() -> Self {
        Self { by_place: Box::default(), by_word: Box::new([0; WORDS]), inside: 0, waiting: 0 }
    }
}

impl Leads {
    /// Returns the automata that a candidate with this lead may be of; `word` is how long the word is that it begins with, in
    /// bytes, or 0 where no pattern minds. With `later` it is enough to know what rules that wait look for.
    #[inline]
    pub(super) fn of(&self, lead: &Lead, word: usize, later: bool) -> Worth {
        let (begun, automata) = self.begun(lead, word);
        // Most such places match some rule that waits, and each would have to be walked to tell which.
        if later && lead.is_whole && !begun.whole.is_empty() && automata & self.waiting != 0 {
            return Worth { automata: automata & !self.waiting, waiting: begun.waiting };
        }
        Worth { automata, waiting: Kinds::default() }
    }

    /// Does what [`Leads::of`] does, and leaves out the automata whose rules wait.
    #[inline]
    pub(super) fn ready(&self, lead: &Lead, word: usize) -> Worth {
        Worth { automata: self.begun(lead, word).1 & !self.waiting, waiting: Kinds::default() }
    }

    #[inline]
    fn begun(&self, lead: &Lead, word: usize) -> (Begun, u64) {
        let all = Begun { automata: u64::MAX, waiting: Kinds::ALL, whole: Kinds::default() };
        let begun = self.by_place.get(lead.place).copied().unwrap_or(all);
        let by_word = self.by_word.get(word.min(WORDS - 1)).copied().unwrap_or(u64::MAX);
        (begun, begun.automata & by_word & if lead.is_inside { self.inside } else { u64::MAX })
    }

    /// Adds the automaton number `at`: `rules` are how candidates of its rules begin and what those that wait look for,
    /// `first_word` is how long the longest word is that one can begin with, `inside` tells whether one may follow a digit and a
    /// joint.
    pub(super) fn add<'r>(
        &mut self,
        at: usize,
        rules: impl Iterator<Item = (&'r Beginning, Option<Kinds>)>,
        first_word: usize,
        inside: bool,
    ) {
        let Some(bit) = u32::try_from(at).ok().and_then(|at| 1_u64.checked_shl(at)) else { return };
        if self.by_place.is_empty() {
            self.by_place = vec![Begun::default(); row(RUNS.len(), 0, 0) * SECONDS].into();
        }
        for (rule, waits_for) in rules {
            if waits_for.is_some() {
                self.waiting |= bit;
            }
            for &Row { row, seconds, whole } in &rule.0 {
                let places = self.by_place.get_mut(usize::from(row) * SECONDS..).unwrap_or_default();
                for (second, place) in
                    places.iter_mut().take(SECONDS).enumerate().filter(|(second, _)| seconds >> second & 1 != 0)
                {
                    place.automata |= bit;
                    if let Some(kinds) = waits_for {
                        place.waiting.add(kinds);
                        if whole >> second & 1 != 0 {
                            place.whole.add(kinds);
                        }
                    }
                }
            }
        }
        // A word of unknown length is as long as the longest.
        let longest = if first_word >= WORDS { WORDS } else { first_word + 1 };
        self.by_word.iter_mut().take(longest).for_each(|mask| *mask |= bit);
        if inside {
            self.inside |= bit;
        }
    }
}

/// How candidates of a rule can begin.
#[derive(Clone, Debug, Default)]
pub(super) struct Beginning(Vec<Row>);

/// Which second runs can stand behind a first one.
#[derive(Clone, Copy, Debug)]
struct Row {
    row: u16,
    /// One bit for each.
    seconds: u64,
    /// Those of them with which, or before which, a candidate can end.
    whole: u64,
}

impl Beginning {
    /// Reads it from a pattern, of which nothing is known where there is none; with `open` a candidate may end where a word
    /// goes on.
    pub(super) fn of(pattern: Option<&Hir>, open: bool) -> Self {
        let mut positions = Positions::default();
        let whole = pattern.and_then(|pattern| positions.add(pattern));
        let mut out = Vec::new();
        let mut put = |run: Sort, len: usize, behind: usize, (seconds, whole): (u64, u64)| {
            if let (Ok(row), 1..) = (u16::try_from(row(run.number(), len, behind)), seconds) {
                out.push(Row { row, seconds, whole });
            }
        };
        for first in RUNS {
            let mut set = whole.as_ref().map_or(u128::MAX, |whole| whole.first & positions.of(first));
            let mut ended = whole.is_none();
            for len in 1..FIRST {
                let Some(whole) = whole.as_ref().filter(|_| !ended) else {
                    (0..BEHIND).for_each(|behind| put(first, len, behind, (u64::MAX, 0)));
                    continue;
                };
                if set == 0 {
                    break;
                }
                let accepts = set & whole.last != 0;
                ended = accepts && open || len == FIRST - 1;
                for behind in 0..BEHIND {
                    let seconds = match () {
                        () if ended => (u64::MAX, 0),
                        () if accepts && behind != AT_ONCE => (u64::MAX, u64::MAX),
                        () => positions.seconds(set, whole.last, first, behind, open),
                    };
                    put(first, len, behind, seconds);
                }
                let next = positions.next(set);
                set = RUNS
                    .into_iter()
                    .filter(|&sort| first.goes_on(sort))
                    .fold(0, |to, sort| to | next & positions.of(sort));
            }
        }
        Self(out)
    }
}

/// The positions of a pattern: each is one byte of a candidate.
#[derive(Default)]
struct Positions {
    /// By sort of byte those that take one of it.
    by_sort: [u128; SORTS],
    /// By position those that may follow it.
    follow: Vec<u128>,
}

/// A part of a pattern.
struct Part {
    first: u128,
    last: u128,
    /// Whether it may be nothing.
    empty: bool,
}

impl Part {
    const NOTHING: Self = Self { first: 0, last: 0, empty: true };
}

impl Positions {
    fn of(&self, sort: Sort) -> u128 {
        self.by_sort.get(sort.number()).copied().unwrap_or(u128::MAX)
    }

    /// The positions that may follow one of `set`.
    fn next(&self, set: u128) -> u128 {
        let mut left = set;
        let mut next = 0;
        while left != 0 {
            next |= self.follow.get(left.trailing_zeros() as usize).copied().unwrap_or(u128::MAX);
            left &= left - 1;
        }
        next
    }

    /// Which second runs may stand behind a first of which the last byte is one of `set`, and with which a candidate can end.
    fn seconds(&self, set: u128, last: u128, first: Sort, behind: usize, open: bool) -> (u64, u64) {
        let next = self.next(set);
        let none = 1_u64 << (RUNS.len() * SECOND);
        let (set, is_run) = match behind {
            ELSE => return if next & self.of(Sort::Other) != 0 { (u64::MAX, 0) } else { (0, 0) },
            AT_ONCE => (next, false),
            joint => {
                let joint = next & u8::try_from(joint).map_or(u128::MAX, |joint| self.of(Sort::Joint(joint)));
                if joint == 0 {
                    return (0, 0);
                }
                if open && joint & last != 0 {
                    return (u64::MAX, 0);
                }
                (self.next(joint), true)
            }
        };
        // No run: what follows the joint is not known, or an underscore stands behind digits.
        let mut seconds = if is_run || next & self.of(Sort::Other) != 0 { none } else { 0 };
        let mut whole = 0;
        for sort in RUNS.into_iter().filter(|&sort| is_run || !first.goes_on(sort)) {
            let mut set = set & self.of(sort);
            for len in 1..SECOND {
                if set == 0 {
                    break;
                }
                let next = self.next(set);
                let on = RUNS.into_iter().filter(|&on| sort.goes_on(on)).fold(0, |to, on| to | next & self.of(on));
                let off = (0..SORTS).filter(|&at| !RUNS.iter().any(|on| on.number() == at && sort.goes_on(*on)));
                let leaves = off.into_iter().any(|at| self.by_sort.get(at).is_none_or(|of| next & of != 0));
                let accepts = set & last != 0;
                if accepts && open {
                    // From here on anything may follow.
                    (len..SECOND).for_each(|len| seconds |= 1 << (sort.number() * SECOND + len));
                    break;
                }
                let bit = 1 << (sort.number() * SECOND + len);
                if accepts || leaves || len == SECOND - 1 {
                    seconds |= bit;
                }
                if accepts {
                    whole |= bit;
                }
                set = on;
            }
        }
        (seconds, whole)
    }

    /// Adds a pattern; nothing where it has more positions than fit.
    fn add(&mut self, hir: &Hir) -> Option<Part> {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Some(Part::NOTHING),
            HirKind::Literal(literal) => {
                let mut whole = Part::NOTHING;
                for &byte in &literal.0 {
                    let next = self.byte(|at| at == byte)?;
                    whole = self.chain(&whole, &next);
                }
                Some(whole)
            }
            HirKind::Class(Class::Bytes(class)) => {
                self.byte(|at| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(&at)))
            }
            // Patterns are of bytes.
            HirKind::Class(Class::Unicode(_)) => None,
            HirKind::Repetition(repetition) => {
                let mut whole = Part::NOTHING;
                for _ in 0..repetition.min {
                    let next = self.add(&repetition.sub)?;
                    whole = self.chain(&whole, &next);
                }
                match repetition.max {
                    Some(max) => {
                        for _ in repetition.min..max {
                            let next = Part { empty: true, ..self.add(&repetition.sub)? };
                            whole = self.chain(&whole, &next);
                        }
                    }
                    None => {
                        let next = Part { empty: true, ..self.add(&repetition.sub)? };
                        self.join(next.last, next.first);
                        whole = self.chain(&whole, &next);
                    }
                }
                Some(whole)
            }
            HirKind::Capture(capture) => self.add(&capture.sub),
            HirKind::Concat(parts) => {
                let mut whole = Part::NOTHING;
                for part in parts {
                    let next = self.add(part)?;
                    whole = self.chain(&whole, &next);
                }
                Some(whole)
            }
            HirKind::Alternation(parts) => {
                let mut whole = Part { first: 0, last: 0, empty: false };
                for part in parts {
                    let Part { first, last, empty } = self.add(part)?;
                    whole = Part { first: whole.first | first, last: whole.last | last, empty: whole.empty || empty };
                }
                Some(whole)
            }
        }
    }

    /// Adds a position that takes the bytes `is` tells.
    fn byte(&mut self, is: impl Fn(u8) -> bool) -> Option<Part> {
        let bit = 1_u128.checked_shl(u32::try_from(self.follow.len()).ok()?)?;
        self.follow.push(0);
        for byte in (0..=u8::MAX).filter(|&byte| is(byte)) {
            self.by_sort.get_mut(Sort::of(byte).number()).into_iter().for_each(|of| *of |= bit);
        }
        Some(Part { first: bit, last: bit, empty: false })
    }

    /// Lets `first` follow `last`.
    fn join(&mut self, last: u128, first: u128) {
        for (at, follow) in self.follow.iter_mut().enumerate() {
            if last >> at & 1 != 0 {
                *follow |= first;
            }
        }
    }

    fn chain(&mut self, a: &Part, b: &Part) -> Part {
        self.join(a.last, b.first);
        Part {
            first: a.first | if a.empty { b.first } else { 0 },
            last: b.last | if b.empty { a.last } else { 0 },
            empty: a.empty && b.empty,
        }
    }
}
