//! The layout of `table.bin`, and the small typed tables that the compiler makes from it.
//!
//! What is asked of every number is not read from the bytes: plans by the first three digits, the usual groupings of
//! each length, and by the first two digits whether a program can match at all. Only the automaton (nine tenths of the
//! bytes) and the programs are read in place. All functions here run at compile time; a wrong place does not compile.
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

use super::MAX_NATIONAL;
use crate::ids::Region;

static BYTES: &[u8] = include_bytes!("table.bin");

const PLAN: usize = 12;
const TERRITORY: usize = 28;
const FORMAT: usize = 10;
/// Groups of a format.
const GROUPS: usize = 6;
/// Two letters.
const LETTERS: usize = 26 * 26;

const AT_NODES: usize = 44;
const AT_CODES: usize = AT_NODES + count(0) * size_of::<Node>();
const AT_REGIONS: usize = AT_CODES + CODES.len();
const AT_PLANS: usize = AT_REGIONS + LETTERS * 2;
const AT_TERRITORIES: usize = AT_PLANS + PLANS.len() * PLAN;
const AT_FORMATS: usize = AT_TERRITORIES + TERRITORIES.len() * TERRITORY;
const AT_STEPS: usize = AT_FORMATS + FORMATS.len() * FORMAT;

const _: () = assert!(AT_STEPS + count(4) * size_of::<Step>() == BYTES.len(), "the table is whole");
const _: () = assert!(matches!(BYTES.first_chunk(), Some(b"EFPLANS1")), "the table is of this layout");

/// A state of the automaton: where each digit leads, label, tail.
pub(super) type Node = [u8; 24];
/// A step of a program: operation, operand.
pub(super) type Step = [u8; 3];

/// The version of the metadata, then zeros.
pub(super) static VERSION: &[u8] = BYTES.split_at(24).0.split_at(8).1;
/// The automaton, in place.
pub(super) static NODES: &[Node] = BYTES.split_at(AT_CODES).0.split_at(AT_NODES).1.as_chunks().0;
/// The programs, in place.
pub(super) static STEPS: &[Step] = BYTES.split_at(AT_STEPS).1.as_chunks().0;
/// The plan, plus one, of the country calling code that three digits begin with.
pub(super) static CODES: [u8; 1000] = codes();
/// The territory, plus one, of two letters.
pub(super) static REGIONS: [u16; LETTERS] = regions();
pub(super) static PLANS: [Plan; count(1)] = plans();
pub(super) static TERRITORIES: [Territory; count(2)] = territories();
pub(super) static FORMATS: [Format; count(3)] = formats();
pub(super) static SHAPES: [Shape; count_shapes()] = shapes();

/// All that shares one country calling code.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) country_code: u16,
    pub(super) code_digits: u8,
    pub(super) is_single: bool,
    /// Some format always has the national prefix.
    pub(super) is_prefixed: bool,
    /// The root of the automaton of its numbers.
    pub(super) root: u16,
    pub(super) main: u16,
    /// The lengths of numbers of any of its territories, a bit each.
    pub(super) lengths: u32,
    /// Where in [`SHAPES`] those of a length begin; they end where those of the next length begin.
    pub(super) shapes: [u16; MAX_NATIONAL + 2],
}

/// A region within a plan.
#[derive(Clone, Copy)]
pub(super) struct Territory {
    pub(super) region: Option<Region>,
    pub(super) plan: u8,
    /// The lengths of its numbers, a bit each.
    pub(super) lengths: u32,
    /// The lengths of numbers without area code that are not in `lengths`.
    pub(super) local_lengths: u32,
    /// The root of the automaton of its general pattern.
    pub(super) general: u16,
    /// What is dialled before a number of another country.
    pub(super) international: Program,
    /// What is dialled before a number of another area.
    pub(super) national: Program,
    /// The national prefix without carriers, and how many digits it has.
    pub(super) prefix: ([u8; 4], u8),
    /// The program for the national prefix is just that prefix.
    pub(super) is_plain: bool,
    /// The group of the program for the national prefix that stays; 0 for none.
    pub(super) transform_group: u8,
    /// What comes before that group.
    pub(super) transform_literal: [u8; 4],
}

/// How national numbers of some leading digits are usually written.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// The leading digits.
    pub(super) leading: Program,
    /// The national prefix is always written.
    pub(super) is_prefixed: bool,
}

/// A format as it applies to numbers of one length.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Where its groups meet: bit `i` for a border before digit `i`.
    pub(super) borders: u32,
    /// The place of the format.
    pub(super) format: u16,
}

/// A pattern for the beginning of a number, as steps to be tried.
#[derive(Clone, Copy)]
pub(super) struct Program {
    /// The place of its first step, plus one; 0 where there is no program.
    pub(super) start: u16,
    /// By the first digit, the second digits after which it matches whatever follows.
    pub(super) sure: [u16; 10],
    /// By the first digit, the second digits after which it can match.
    pub(super) open: [u16; 10],
    /// The first digits that are all it takes, whatever follows, and that no group holds.
    pub(super) single: u16,
}

/// Any digit.
const ANY: u16 = 0x3ff;
/// Choices of a program not yet followed.
const CHOICES: usize = 64;

impl Program {
    const EMPTY: Self = Self { start: 0, sure: [0; 10], open: [0; 10], single: 0 };

    /// Follows all ways through a program up to the second digit.
    const fn read(start: u16) -> Self {
        let mut program = Self { start, ..Self::EMPTY };
        if start == 0 {
            return program;
        }
        // Each way: the step, how many digits were read, the sets that the first and the second are from.
        let mut ways = [(0, 0, ANY, ANY); CHOICES];
        ways[0].0 = start as usize - 1;
        let mut n_ways = 1;
        // First digits of ways that end after them, and of ways that do anything else.
        let (mut ends, mut goes_on) = (0, 0);
        while n_ways > 0 {
            n_ways -= 1;
            let (step, n_digits, first, second) = ways[n_ways];
            let at = AT_STEPS + step * size_of::<Step>();
            let operand = u16_at(at + 1);
            let mut next = (step + 1, n_digits, first, second);
            match BYTES[at] {
                0 => {
                    program.add(first, second, true);
                    if n_digits == 1 {
                        ends |= first
                    } else {
                        goes_on |= first
                    }
                    continue;
                }
                1 => match n_digits {
                    0 => next = (step + 1, 1, operand, ANY),
                    1 => {
                        next = (step + 1, 2, first, operand);
                        goes_on |= first;
                    }
                    _ => {
                        program.add(first, second, false);
                        continue;
                    }
                },
                2 | 3 => {
                    ways[n_ways] = (operand as usize, n_digits, first, second);
                    n_ways += 1;
                }
                4 => next.0 = operand as usize,
                5 => goes_on |= first,
                _ => {
                    program.add(first, second, false);
                    goes_on |= first;
                    continue;
                }
            }
            ways[n_ways] = next;
            n_ways += 1;
        }
        program.single = ends & !goes_on;
        program
    }

    const fn add(&mut self, first: u16, second: u16, sure: bool) {
        let mut digit = 0;
        while digit < 10 {
            if first >> digit & 1 == 1 {
                self.open[digit] |= second;
                self.sure[digit] |= if sure { second } else { 0 };
            }
            digit += 1;
        }
    }
}

const fn count(which: usize) -> usize {
    u32_at(24 + which * 4) as usize
}

const fn u16_at(at: usize) -> u16 {
    u16::from_le_bytes([BYTES[at], BYTES[at + 1]])
}

const fn u32_at(at: usize) -> u32 {
    u32::from_le_bytes(four_at(at))
}

const fn four_at(at: usize) -> [u8; 4] {
    [BYTES[at], BYTES[at + 1], BYTES[at + 2], BYTES[at + 3]]
}

const fn codes() -> [u8; 1000] {
    let mut codes = [0; 1000];
    // No country calling code begins with 0.
    let mut digits = 100;
    while digits < codes.len() {
        let mut code = digits;
        while code > 0 {
            // The shortest code is the last one found.
            if BYTES[AT_CODES + code] != 0 {
                codes[digits] = BYTES[AT_CODES + code];
            }
            code /= 10;
        }
        digits += 1;
    }
    codes
}

const fn regions() -> [u16; LETTERS] {
    let mut regions = [0; LETTERS];
    let mut i = 0;
    while i < LETTERS {
        regions[i] = u16_at(AT_REGIONS + i * 2);
        i += 1;
    }
    regions
}

const fn plans() -> [Plan; count(1)] {
    let empty = Plan {
        country_code: 0,
        code_digits: 0,
        is_single: false,
        is_prefixed: false,
        root: 0,
        main: 0,
        lengths: 0,
        shapes: [0; MAX_NATIONAL + 2],
    };
    let mut plans = [empty; count(1)];
    let mut n_shapes = 0;
    let mut i = 0;
    while i < plans.len() {
        let at = AT_PLANS + i * PLAN;
        let plan = &mut plans[i];
        plan.country_code = u16_at(at);
        plan.code_digits = plan.country_code.ilog10() as u8 + 1;
        plan.root = u16_at(at + 2);
        plan.main = u16_at(at + 4);
        plan.is_single = u16_at(at + 6) == 1;
        let mut territory = 0;
        while territory < u16_at(at + 6) as usize {
            plan.lengths |= u32_at(AT_TERRITORIES + (plan.main as usize + territory) * TERRITORY + 4);
            territory += 1;
        }
        let mut format = 0;
        while format < u16_at(at + 10) {
            plan.is_prefixed |= u16_at(AT_FORMATS + (u16_at(at + 8) + format) as usize * FORMAT + 8) != 0;
            format += 1;
        }
        let mut length = 0;
        while length <= MAX_NATIONAL {
            plan.shapes[length] = n_shapes;
            format = 0;
            while format < u16_at(at + 10) {
                n_shapes += borders(u16_at(at + 8) + format, length).is_some() as u16;
                format += 1;
            }
            length += 1;
        }
        plan.shapes[length] = n_shapes;
        i += 1;
    }
    plans
}

const fn count_shapes() -> usize {
    let plans = plans();
    plans[plans.len() - 1].shapes[MAX_NATIONAL + 1] as usize
}

const fn shapes() -> [Shape; count_shapes()] {
    let mut shapes = [Shape { borders: 0, format: 0 }; count_shapes()];
    let mut n_shapes = 0;
    let mut plan = 0;
    while plan < PLANS.len() {
        let at = AT_PLANS + plan * PLAN;
        let mut length = 0;
        while length <= MAX_NATIONAL {
            let mut format = u16_at(at + 8);
            while format < u16_at(at + 8) + u16_at(at + 10) {
                if let Some(borders) = borders(format, length) {
                    shapes[n_shapes] = Shape { borders, format };
                    n_shapes += 1;
                }
                format += 1;
            }
            length += 1;
        }
        plan += 1;
    }
    shapes
}

/// Shares `length` digits out among the groups of a format, the first ones taking as many as they may.
const fn borders(format: u16, length: usize) -> Option<u32> {
    let groups = AT_FORMATS + format as usize * FORMAT + 2;
    let mut least = 0;
    let mut i = 0;
    while i < GROUPS {
        least += BYTES[groups + i] as usize >> 4;
        i += 1;
    }
    let Some(mut spare) = length.checked_sub(least) else { return None };
    let (mut at, mut borders) = (0, 0);
    i = 0;
    while i < GROUPS {
        let (min, max) = (BYTES[groups + i] as usize >> 4, BYTES[groups + i] as usize & 15);
        let more = if spare < max - min { spare } else { max - min };
        spare -= more;
        at += min + more;
        if at < length {
            borders |= 1 << at;
        }
        i += 1;
    }
    if spare == 0 { Some(borders) } else { None }
}

const fn territories() -> [Territory; count(2)] {
    let empty = Territory {
        region: None,
        plan: 0,
        lengths: 0,
        local_lengths: 0,
        general: 0,
        international: Program::EMPTY,
        national: Program::EMPTY,
        prefix: ([0; 4], 0),
        is_plain: false,
        transform_group: 0,
        transform_literal: [0; 4],
    };
    let mut territories = [empty; count(2)];
    let mut i = 0;
    while i < territories.len() {
        let at = AT_TERRITORIES + i * TERRITORY;
        let prefix = four_at(at + 22);
        let mut prefix_digits = 0;
        while prefix_digits < 4 && prefix[prefix_digits] != 0 {
            prefix_digits += 1;
        }
        territories[i] = Territory {
            region: Region::new(&[BYTES[at], BYTES[at + 1]]),
            plan: BYTES[at + 2],
            transform_group: BYTES[at + 3],
            lengths: u32_at(at + 4),
            local_lengths: u32_at(at + 8),
            general: u16_at(at + 12),
            national: Program::read(u16_at(at + 14)),
            international: Program::read(u16_at(at + 16)),
            transform_literal: four_at(at + 18),
            prefix: (prefix, prefix_digits as u8),
            is_plain: BYTES[at + 26] != 0,
        };
        i += 1;
    }
    territories
}

const fn formats() -> [Format; count(3)] {
    let mut formats = [Format { leading: Program::EMPTY, is_prefixed: false }; count(3)];
    let mut i = 0;
    while i < formats.len() {
        let at = AT_FORMATS + i * FORMAT;
        formats[i] = Format { leading: Program::read(u16_at(at)), is_prefixed: u16_at(at + 8) != 0 };
        i += 1;
    }
    formats
}
