//! The table of all numbering plans, read in place.
//!
//! `tools/plans` writes `table.bin` from libphonenumber's metadata. All numbers little-endian:
//!
//! ```text
//! "EFPLANS1"  version, 16 bytes  five counts: nodes, plans, territories, formats, steps (u32 each)
//! nodes        24 bytes  ten children (u16, by digit; node 0 is the end of all hope), label (u16), tail (u16): where
//!                        just any digits follow, how many << 12 | the label that they end in, else 0
//! codes      1000 x u8   country calling code -> plan + 1
//! regions     676 x u16  two letters -> territory + 1
//! plans        12 bytes  country code, root node, first territory, territories, first format, formats (u16 each)
//! territories  28 bytes  letters (2), plan (u8), transform group (u8), lengths (u32), local lengths (u32), root of its
//!                        general pattern (u16), national prefix program (u16), international prefix program (u16),
//!                        transform literal (4), national prefix (4), whether the program is just the national prefix
//!                        (u8), unused (u8)
//! formats      10 bytes  program of leading digits (u16), six groups (fewest << 4 | most digits), national prefix is
//!                        always written (u16)
//! steps         3 bytes  operation (u8), operand (u16)
//! ```
//!
//! All plans share one minimised automaton. A label is `(territory + 1) << 4 | line`. The main territory of a plan is
//! its first one.

use super::LineType;
use crate::ids::Region;

static BYTES: &[u8] = include_bytes!("table.bin");

const NODE: usize = 24;
const PLAN: usize = 12;
const TERRITORY: usize = 28;
const FORMAT: usize = 10;
const STEP: usize = 3;

const AT_NODES: usize = 44;
const AT_CODES: usize = AT_NODES + count(0) * NODE;
const AT_REGIONS: usize = AT_CODES + 1000;
const AT_PLANS: usize = AT_REGIONS + 676 * 2;
const AT_TERRITORIES: usize = AT_PLANS + count(1) * PLAN;
const AT_FORMATS: usize = AT_TERRITORIES + count(2) * TERRITORY;
const AT_STEPS: usize = AT_FORMATS + count(3) * FORMAT;

/// Number of territories, the non-geographic ones included.
#[cfg(test)]
pub(super) const TERRITORIES: usize = count(2);

const _: () = assert!(AT_STEPS + count(4) * STEP == include_bytes!("table.bin").len(), "the table is whole");
const _: () =
    assert!(matches!(include_bytes!("table.bin").first_chunk(), Some(b"EFPLANS1")), "the table is of this layout");

const fn count(which: usize) -> usize {
    let bytes = include_bytes!("table.bin").split_at(24 + which * 4).1;
    match bytes.first_chunk() {
        Some(&chunk) => u32::from_le_bytes(chunk) as usize,
        None => 0,
    }
}

fn u16_at(at: usize) -> u16 {
    BYTES.get(at..at + 2).and_then(|bytes| bytes.first_chunk()).map_or(0, |&chunk| u16::from_le_bytes(chunk))
}

fn u32_at(at: usize) -> u32 {
    BYTES.get(at..at + 4).and_then(|bytes| bytes.first_chunk()).map_or(0, |&chunk| u32::from_le_bytes(chunk))
}

fn u8_at(at: usize) -> u8 {
    BYTES.get(at).copied().unwrap_or(0)
}

/// Returns the version of the metadata, such as `9.0.33`.
pub(super) fn version() -> &'static str {
    let field = BYTES.get(8..24).unwrap_or_default();
    let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
    field.get(..end).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
}

/// Walks from `root` along ASCII digits and returns the label of the last node. The digits of a subscriber, where any
/// will do, are counted and not walked.
fn walk(root: u16, digits: &[u8]) -> u16 {
    let mut node = AT_NODES + usize::from(root) * NODE;
    let mut rest = digits;
    loop {
        let tail = u16_at(node + 22);
        if tail != 0 {
            return if usize::from(tail >> 12) == rest.len() { tail & 0xfff } else { 0 };
        }
        let Some((&byte, further)) = rest.split_first() else { return u16_at(node + 20) };
        let child = u16_at(node + usize::from(byte & 15).min(9) * 2);
        if child == 0 {
            return 0;
        }
        node = AT_NODES + usize::from(child) * NODE;
        rest = further;
    }
}

/// A numbering plan: all that shares one country calling code.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan(u8);

impl Plan {
    /// Returns the plan whose country calling code `digits` begin with, and how many digits the code has.
    pub(super) fn of_digits(digits: &[u8]) -> Option<(Self, usize)> {
        let mut code = 0usize;
        for (i, &byte) in digits.iter().take(3).enumerate() {
            let digit = usize::from(byte.wrapping_sub(b'0'));
            if digit > 9 || (i == 0 && digit == 0) {
                return None;
            }
            code = code * 10 + digit;
            let plan = u8_at(AT_CODES + code);
            if plan != 0 {
                return Some((Self(plan - 1), i + 1));
            }
        }
        None
    }

    fn field(self, which: usize) -> u16 {
        u16_at(AT_PLANS + usize::from(self.0) * PLAN + which * 2)
    }

    /// Returns the country calling code.
    pub(super) fn country_code(self) -> u16 {
        self.field(0)
    }

    /// Returns the territory and line type of a national number; a line type of nothing is not a valid number.
    pub(super) fn classify(self, national: &[u8]) -> (Option<Territory>, Option<LineType>) {
        let label = walk(self.field(1), national);
        let territory = usize::from(label >> 4).checked_sub(1).map(Territory);
        (territory, LineType::from_table(label & 15))
    }

    /// Returns the territory that speaks for the whole plan.
    pub(super) fn main(self) -> Territory {
        Territory(usize::from(self.field(2)))
    }

    /// Returns whether there is but one territory.
    pub(super) fn is_single(self) -> bool {
        self.field(3) == 1
    }

    /// Yields the formats for numbers of this length; whether one [fits](Format::fits) is asked apart, for it costs more.
    pub(super) fn formats(self, length: usize) -> impl Iterator<Item = Format> {
        let first = usize::from(self.field(4));
        let end = first + usize::from(self.field(5));
        (first..end).filter_map(move |format| {
            let at = AT_FORMATS + format * FORMAT;
            let borders = group_borders(BYTES.get(at + 2..at + 8)?, length)?;
            Some(Format { at, borders })
        })
    }
}

/// How national numbers of some leading digits are usually written.
pub(super) struct Format {
    at: usize,
    /// Where its groups meet: bit `i` for a border before digit `i`.
    pub(super) borders: u32,
}

impl Format {
    /// Returns whether the format is for the leading digits of this number.
    pub(super) fn fits(&self, national: &[u8]) -> bool {
        let program = u16_at(self.at);
        program == 0 || run(program, national).is_some()
    }

    /// Returns whether the national prefix is always written.
    pub(super) fn is_prefixed(&self) -> bool {
        u16_at(self.at + 8) != 0
    }
}

/// Shares `length` digits out among groups, the first ones taking as many as they may.
fn group_borders(groups: &[u8], length: usize) -> Option<u32> {
    let least: usize = groups.iter().map(|group| usize::from(group >> 4)).sum();
    let mut spare = length.checked_sub(least)?;
    let (mut at, mut borders) = (0usize, 0u32);
    for group in groups {
        let (min, max) = (usize::from(group >> 4), usize::from(group & 15));
        let more = spare.min(max - min);
        spare -= more;
        at += min + more;
        if at < length {
            borders |= 1 << at;
        }
    }
    (spare == 0).then_some(borders)
}

/// A region within a plan, or a plan without regions (freephone, satellites).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Territory(usize);

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
    /// Returns the territory of a region.
    pub(super) fn of_region(region: Region) -> Option<Self> {
        let [a, b] = region.bytes();
        let at = usize::from(a.wrapping_sub(b'A')) * 26 + usize::from(b.wrapping_sub(b'A'));
        usize::from(u16_at(AT_REGIONS + at * 2)).checked_sub(1).map(Self)
    }

    fn at(self) -> usize {
        AT_TERRITORIES + self.0 * TERRITORY
    }

    /// Returns the region; a non-geographic plan has none.
    pub(super) fn region(self) -> Option<Region> {
        Region::new(BYTES.get(self.at()..self.at() + 2)?)
    }

    /// Returns the plan that it belongs to.
    pub(super) fn plan(self) -> Plan {
        Plan(u8_at(self.at() + 2))
    }

    /// Says what the length of a national number means here.
    pub(super) fn length(self, length: usize) -> Length {
        let (set, local) = (u32_at(self.at() + 4), u32_at(self.at() + 8));
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let bit = 1u32.checked_shl(length).unwrap_or(0);
        if local & bit != 0 {
            Length::LocalOnly
        } else if set & bit != 0 {
            Length::Possible
        } else if length < set.trailing_zeros() {
            Length::TooShort
        } else if length > set.checked_ilog2().unwrap_or(0) {
            Length::TooLong
        } else {
            Length::Between
        }
    }

    /// Returns whether the general pattern holds, whatever the length.
    pub(super) fn general(self, national: &[u8]) -> bool {
        walk(u16_at(self.at() + 12), national) != 0
    }

    /// Returns the national prefix, such as `0`; empty where there is none.
    pub(super) fn national_prefix(self) -> &'static [u8] {
        let field = BYTES.get(self.at() + 22..self.at() + 26).unwrap_or_default();
        let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        field.get(..end).unwrap_or_default()
    }

    /// Returns how many digits of an international prefix `digits` begin with.
    pub(super) fn international_prefix(self, digits: &[u8]) -> Option<usize> {
        let program = u16_at(self.at() + 16);
        if program == 0 { None } else { run(program, digits).map(|found| found.end) }
    }

    /// Removes a national prefix and a carrier's code, or moves digits as the plan's rule says.
    ///
    /// # Source
    /// libphonenumber, `maybeStripNationalPrefixAndCarrierCode`.
    pub(super) fn strip(self, digits: &super::Digits) -> super::Digits {
        let program = u16_at(self.at() + 14);
        if program == 0 || digits.is_empty() {
            return *digits;
        }
        if u8_at(self.at() + 26) != 0 {
            let Some(rest) = digits.strip_prefix(self.national_prefix()) else { return *digits };
            if self.general(digits) && !self.general(rest) {
                return *digits;
            }
            return digits.without(digits.len() - rest.len());
        }
        let Some(found) = run(program, digits) else { return *digits };
        let group = u8_at(self.at() + 3);
        let mut stripped = super::Digits::default();
        if group != 0
            && let Some(taken) = found.groups.get(usize::from(group)).copied().flatten()
        {
            let literal = BYTES.get(self.at() + 18..self.at() + 22).unwrap_or_default();
            stripped.extend(literal.iter().copied().take_while(|&byte| byte != 0));
            stripped.extend(digits.get(taken.0..taken.1).unwrap_or_default().iter().copied());
        }
        stripped.extend(digits.get(found.end..).unwrap_or_default().iter().copied());
        if self.general(digits) && !self.general(&stripped) { *digits } else { stripped }
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
        let place = AT_STEPS + usize::from(self.step) * STEP;
        let operand = u16_at(place + 1);
        let next = self.step + 1;
        match u8_at(place) {
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

/// Runs a program at the beginning of `digits`, trying choices in their order.
fn run(program: u16, digits: &[u8]) -> Option<Found> {
    let mut thread = Thread { step: program - 1, at: 0, slots: [u8::MAX; GROUPS * 2] };
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
