//! Questions to the table of all numbering plans: whose number, how long, what before it, how grouped.

use super::layout::{self, CODES, FORMATS, NODES, PLANS, Program, REGIONS, SHAPES, STEPS, TERRITORIES};
use super::{Digits, LineType};
use crate::ids::Region;

/// Number of territories, the non-geographic ones included.
#[cfg(test)]
pub(super) const N_TERRITORIES: usize = TERRITORIES.len();

/// Returns the version of the metadata, such as `9.0.33`.
pub(super) fn version() -> &'static str {
    let field = layout::VERSION;
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    field.get(..end).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
}

/// Returns the value of an ASCII digit; what is none counts as 9 at most, and was refused before.
#[inline]
fn value(digit: u8) -> usize {
    usize::from(digit & 15).min(9)
}

/// Walks from `root` along ASCII digits and returns the label of the last node. The digits of a subscriber, where any
/// will do, are counted and not walked.
///
/// # Cost
/// Fourteen instructions a digit.
#[inline]
#[expect(clippy::indexing_slicing, reason = "a digit is at most 9 and a node has ten children")]
fn walk(root: u16, digits: &[u8]) -> u16 {
    let mut at = root;
    let mut rest = digits.iter();
    while let Some(node) = NODES.get(usize::from(at)) {
        let tail = u16::from_le_bytes([node[22], node[23]]);
        if tail != 0 {
            return if usize::from(tail >> 12) == rest.len() { tail & 0xfff } else { 0 };
        }
        let Some(&digit) = rest.next() else { return u16::from_le_bytes([node[20], node[21]]) };
        let child = value(digit) * 2;
        at = u16::from_le_bytes([node[child], node[child + 1]]);
        if at == 0 {
            break;
        }
    }
    0
}

/// A numbering plan: all that shares one country calling code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan(u8);

impl Plan {
    /// Returns the plan whose country calling code `digits` begin with, and how many digits the code has. Nothing for
    /// fewer than three digits: no number is that short.
    #[inline]
    pub(super) fn of_digits(digits: &[u8]) -> Option<(Self, usize)> {
        let [a, b, c] = digits.first_chunk()?.map(value);
        let plan = Self(CODES.get(a * 100 + b * 10 + c)?.checked_sub(1)?);
        Some((plan, usize::from(plan.record()?.code_digits)))
    }

    #[inline]
    fn record(self) -> Option<&'static layout::Plan> {
        PLANS.get(usize::from(self.0))
    }

    /// Returns the country calling code.
    #[inline]
    pub(super) fn country_code(self) -> u16 {
        self.record().map_or(0, |plan| plan.country_code)
    }

    /// Returns whether a number of any of its territories can have this length.
    #[inline]
    pub(super) fn allows(self, length: usize) -> bool {
        self.record().is_some_and(|plan| has(plan.lengths, length))
    }

    /// Returns the territory and line type of a national number; a line type of nothing is not a valid number.
    #[inline]
    pub(super) fn classify(self, national: &[u8]) -> (Option<Territory>, Option<LineType>) {
        let label = self.record().map_or(0, |plan| walk(plan.root, national));
        (Territory::new(label >> 4), LineType::from_table(label & 15))
    }

    /// Returns the territory that speaks for the whole plan.
    #[inline]
    pub(super) fn main(self) -> Option<Territory> {
        Territory::new(self.record()?.main + 1)
    }

    /// Returns whether there is but one territory.
    #[inline]
    pub(super) fn is_single(self) -> bool {
        self.record().is_some_and(|plan| plan.is_single)
    }

    /// Returns whether some numbers are always written with their national prefix.
    #[inline]
    pub(super) fn is_prefixed(self) -> bool {
        self.record().is_some_and(|plan| plan.is_prefixed)
    }

    /// Yields the formats for numbers of this length; whether one [fits](Format::fits) is asked apart, for it can cost
    /// more.
    #[inline]
    pub(super) fn formats(self, length: usize) -> impl Iterator<Item = Format> {
        let shapes = self.record().and_then(|plan| {
            let [first, end] = *plan.shapes.get(length..)?.first_chunk()?;
            SHAPES.get(usize::from(first)..usize::from(end))
        });
        shapes.unwrap_or_default().iter().map(|shape| Format { borders: shape.borders, place: shape.format })
    }
}

/// How national numbers of some leading digits are usually written.
pub(super) struct Format {
    /// Where its groups meet: bit `i` for a border before digit `i`.
    pub(super) borders: u32,
    place: u16,
}

impl Format {
    #[inline]
    fn record(&self) -> Option<&'static layout::Format> {
        FORMATS.get(usize::from(self.place))
    }

    /// Returns whether the format is for the leading digits of this number.
    #[inline]
    pub(super) fn fits(&self, national: &[u8]) -> bool {
        self.record().is_some_and(|format| format.leading.start == 0 || format.leading.matches(national))
    }

    /// Returns whether the national prefix is always written.
    pub(super) fn is_prefixed(&self) -> bool {
        self.record().is_some_and(|format| format.is_prefixed)
    }
}

/// Returns whether a set of lengths, a bit each, holds this one.
#[inline]
fn has(lengths: u32, length: usize) -> bool {
    length < 32 && lengths >> length & 1 == 1
}

/// A region within a plan, or a plan without regions (freephone, satellites).
#[derive(Clone, Copy)]
pub(super) struct Territory(&'static layout::Territory);

/// What a length says of a national number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Possible,
    LocalOnly,
    TooShort,
    TooLong,
    Between,
}

impl Territory {
    /// Returns the territory of a number that counts from one.
    #[inline]
    fn new(number: u16) -> Option<Self> {
        TERRITORIES.get(usize::from(number).checked_sub(1)?).map(Self)
    }

    /// Returns the territory of a region.
    #[inline]
    pub(super) fn of_region(region: Region) -> Option<Self> {
        let [a, b] = region.bytes();
        let at = usize::from(a.wrapping_sub(b'A')) * 26 + usize::from(b.wrapping_sub(b'A'));
        Self::new(*REGIONS.get(at)?)
    }

    /// Returns the region; a non-geographic plan has none.
    #[inline]
    pub(super) fn region(self) -> Option<Region> {
        self.0.region
    }

    /// Returns the plan that it belongs to.
    #[inline]
    pub(super) fn plan(self) -> Plan {
        Plan(self.0.plan)
    }

    /// Says what the length of a national number means here.
    #[inline]
    pub(super) fn length(self, length: usize) -> Length {
        let set = self.0.lengths;
        if has(set, length) {
            Length::Possible
        } else if has(self.0.local_lengths, length) {
            Length::LocalOnly
        } else if length < set.trailing_zeros() as usize {
            Length::TooShort
        } else if length > set.checked_ilog2().unwrap_or(0) as usize {
            Length::TooLong
        } else {
            Length::Between
        }
    }

    /// Returns whether the general pattern holds, whatever the length.
    #[inline]
    pub(super) fn general(self, national: &[u8]) -> bool {
        walk(self.0.general, national) != 0
    }

    /// Returns the national prefix, such as `0`; empty where there is none.
    #[inline]
    pub(super) fn national_prefix(self) -> &'static [u8] {
        let (digits, n_digits) = &self.0.prefix;
        digits.get(..usize::from(*n_digits)).unwrap_or_default()
    }

    /// Returns how many digits of an international prefix `digits` begin with.
    #[inline]
    pub(super) fn international_prefix(self, digits: &[u8]) -> Option<usize> {
        self.0.international.run(digits).map(|found| found.end)
    }

    /// Removes a national prefix and a carrier's code, or moves digits as the plan's rule says; `moved` holds them then.
    ///
    /// # Source
    /// libphonenumber, `maybeStripNationalPrefixAndCarrierCode`.
    #[inline]
    pub(super) fn strip<'d>(self, digits: &'d [u8], moved: &'d mut Digits) -> &'d [u8] {
        if self.0.national.start == 0 {
            return digits;
        }
        let rest = match digits.split_first() {
            _ if self.0.is_plain => digits.strip_prefix(self.national_prefix()),
            Some((&first, rest)) if self.0.national.single >> value(first) & 1 == 1 => Some(rest),
            _ => self.strip_by_program(digits, moved),
        };
        match rest {
            Some(rest) if !self.general(digits) || self.general(rest) => rest,
            _ => digits,
        }
    }

    fn strip_by_program<'d>(self, digits: &'d [u8], moved: &'d mut Digits) -> Option<&'d [u8]> {
        let found = self.0.national.run(digits)?;
        let rest = digits.get(found.end..).unwrap_or_default();
        match found.groups.get(usize::from(self.0.transform_group)).copied().flatten() {
            Some((from, to)) if self.0.transform_group != 0 => {
                moved.extend(self.0.transform_literal.iter().copied().take_while(|&byte| byte != 0));
                moved.extend(digits.get(from..to).unwrap_or_default().iter().copied());
                moved.extend(rest.iter().copied());
                Some(moved)
            }
            _ => Some(rest),
        }
    }
}

impl Program {
    /// What the first two digits say: matches, does not match, or nothing.
    #[inline]
    fn decide(&self, digits: &[u8]) -> Option<bool> {
        let [first, second] = digits.first_chunk()?.map(value);
        if self.open.get(first)? >> second & 1 == 0 {
            return Some(false);
        }
        (self.sure.get(first)? >> second & 1 == 1).then_some(true)
    }

    /// Returns whether the program matches at the beginning of `digits`.
    #[inline]
    fn matches(&self, digits: &[u8]) -> bool {
        self.decide(digits).unwrap_or_else(|| run(self.start, digits).is_some())
    }

    /// Runs the program at the beginning of `digits`; finds nothing where there is no program.
    #[inline]
    fn run(&self, digits: &[u8]) -> Option<Found> {
        if self.start == 0 || self.decide(digits) == Some(false) { None } else { run(self.start, digits) }
    }
}

/// What a program found at the beginning of a number.
struct Found {
    end: usize,
    /// Group 0 is unused.
    groups: [Option<(usize, usize)>; GROUPS],
}

const GROUPS: usize = 3;
/// Choices not yet tried; no program keeps as many (the comparison with libphonenumber would show it).
const CHOICES: usize = 16;

/// A way through a program.
#[derive(Clone, Copy, Default)]
struct Thread {
    step: u16,
    at: u8,
    /// Beginnings and ends of groups.
    slots: [u8; GROUPS * 2],
}

/// What a step did to a thread.
enum Outcome {
    Held,
    Failed,
    Done,
    /// The other way goes on here.
    Choice(u16),
}

impl Thread {
    #[inline]
    fn advance(&mut self, digits: &[u8]) -> Outcome {
        let &[operation, low, high] = STEPS.get(usize::from(self.step)).unwrap_or(&[0; 3]);
        let operand = u16::from_le_bytes([low, high]);
        let next = self.step + 1;
        match operation {
            0 => return Outcome::Done,
            1 => match digits.get(usize::from(self.at)) {
                Some(byte) if operand >> (byte & 15) & 1 == 1 => self.at += 1,
                _ => return Outcome::Failed,
            },
            2 => {
                self.step = next;
                return Outcome::Choice(operand);
            }
            3 => {
                self.step = operand;
                return Outcome::Choice(next);
            }
            4 => {
                self.step = operand;
                return Outcome::Held;
            }
            5 => {
                if let Some(slot) = self.slots.get_mut(usize::from(operand)) {
                    *slot = self.at;
                }
            }
            _ if usize::from(self.at) != digits.len() => return Outcome::Failed,
            _ => {}
        }
        self.step = next;
        Outcome::Held
    }

    fn found(&self) -> Found {
        let mut groups = [None; GROUPS];
        for (group, slots) in groups.iter_mut().zip(self.slots.as_chunks::<2>().0) {
            *group = (slots[1] != u8::MAX).then_some((usize::from(slots[0]), usize::from(slots[1])));
        }
        Found { end: usize::from(self.at), groups }
    }
}

/// Runs the program whose first step is `start - 1` at the beginning of `digits`, trying choices in their order.
fn run(start: u16, digits: &[u8]) -> Option<Found> {
    let mut thread = Thread { step: start - 1, at: 0, slots: [u8::MAX; GROUPS * 2] };
    // Up to the first choice there is nothing to remember; most programs end before it.
    loop {
        match thread.advance(digits) {
            Outcome::Held => {}
            Outcome::Failed => return None,
            Outcome::Done => return Some(thread.found()),
            Outcome::Choice(step) => {
                let other = Thread { step, ..thread };
                return run_choices(thread, other, digits);
            }
        }
    }
}

fn run_choices(mut thread: Thread, other: Thread, digits: &[u8]) -> Option<Found> {
    let mut choices = [other; CHOICES];
    let mut n_choices = 1;
    loop {
        match thread.advance(digits) {
            Outcome::Held => {}
            Outcome::Done => return Some(thread.found()),
            Outcome::Choice(step) => {
                *choices.get_mut(n_choices)? = Thread { step, ..thread };
                n_choices += 1;
            }
            Outcome::Failed => {
                n_choices = n_choices.checked_sub(1)?;
                thread = *choices.get(n_choices)?;
            }
        }
    }
}
