//! A regular expression over digits as a small program, and as a deterministic automaton.
//!
//! The program is what the table carries for prefixes (leftmost-first search with one capture); the automaton is an
//! intermediate form from which whole-number patterns are merged and minimised.

use anyhow::{Context, Result, bail};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};
use std::collections::{BTreeSet, HashMap};

/// One step of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Consumes one digit of a set (bit `d` for digit `d`).
    Digit(u16),
    /// Tries the first place, then the second.
    Split(u16, u16),
    /// Goes on elsewhere.
    Jump(u16),
    /// Notes the place: even slots open a group, odd ones close it.
    Save(u8),
    /// Holds at the end of the number only.
    End,
    /// Done.
    Match,
}

/// A compiled expression.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Program {
    pub steps: Vec<Step>,
    pub groups: u8,
}

impl Program {
    /// Compiles `pattern`; `open` lets any digits follow.
    pub fn compile(pattern: &str, open: bool) -> Result<Self> {
        let hir = ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(pattern)
            .with_context(|| format!("pattern {pattern}"))?;
        let mut steps = Vec::new();
        let mut groups = 0;
        emit(&hir, &mut steps, &mut groups)?;
        if open {
            let at = u16::try_from(steps.len())?;
            steps.push(Step::Split(at + 1, at + 3));
            steps.push(Step::Digit(0x3ff));
            steps.push(Step::Jump(at));
        }
        steps.push(Step::Match);
        Ok(Self { steps, groups })
    }

    fn close(&self, from: impl IntoIterator<Item = u16>) -> Vec<u16> {
        let mut seen = BTreeSet::new();
        let mut stack: Vec<u16> = from.into_iter().collect();
        while let Some(at) = stack.pop() {
            if !seen.insert(at) {
                continue;
            }
            match self.steps[at as usize] {
                Step::Split(a, b) => stack.extend([a, b]),
                Step::Jump(to) => stack.push(to),
                Step::Save(_) | Step::End => stack.push(at + 1),
                Step::Digit(_) | Step::Match => {}
            }
        }
        seen.into_iter()
            .filter(|&at| matches!(self.steps[at as usize], Step::Digit(_) | Step::Match))
            .collect()
    }
}

fn emit(hir: &Hir, steps: &mut Vec<Step>, groups: &mut u8) -> Result<()> {
    let here = |steps: &Vec<Step>| u16::try_from(steps.len());
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => {
            for &byte in literal.0.iter() {
                if !byte.is_ascii_digit() {
                    bail!("a literal that is no digit");
                }
                steps.push(Step::Digit(1 << (byte - b'0')));
            }
        }
        HirKind::Class(class) => {
            let mut set = 0u16;
            let mut add = |from: u32, to: u32| {
                for digit in 0..10u32 {
                    if (from..=to).contains(&(digit + 48)) {
                        set |= 1 << digit;
                    }
                }
            };
            match class {
                Class::Unicode(class) => {
                    class.ranges().iter().for_each(|range| add(range.start() as u32, range.end() as u32));
                }
                Class::Bytes(class) => {
                    class.ranges().iter().for_each(|range| add(range.start().into(), range.end().into()));
                }
            }
            steps.push(Step::Digit(set));
        }
        HirKind::Look(Look::End) => steps.push(Step::End),
        HirKind::Look(_) => bail!("an assertion other than the end"),
        HirKind::Capture(capture) => {
            let group = u8::try_from(capture.index)?;
            *groups = (*groups).max(group);
            steps.push(Step::Save(group * 2));
            emit(&capture.sub, steps, groups)?;
            steps.push(Step::Save(group * 2 + 1));
        }
        HirKind::Concat(parts) => {
            for part in parts {
                emit(part, steps, groups)?;
            }
        }
        HirKind::Alternation(parts) => {
            let mut jumps = Vec::new();
            for (i, part) in parts.iter().enumerate() {
                if i + 1 < parts.len() {
                    let split = steps.len();
                    steps.push(Step::Match);
                    emit(part, steps, groups)?;
                    jumps.push(steps.len());
                    steps.push(Step::Match);
                    steps[split] = Step::Split(u16::try_from(split)? + 1, here(steps)?);
                } else {
                    emit(part, steps, groups)?;
                }
            }
            let end = here(steps)?;
            for jump in jumps {
                steps[jump] = Step::Jump(end);
            }
        }
        HirKind::Repetition(repetition) => {
            let max = repetition.max.context("an unbounded repeat")?;
            for _ in 0..repetition.min {
                emit(&repetition.sub, steps, groups)?;
            }
            let mut splits = Vec::new();
            for _ in repetition.min..max {
                splits.push(steps.len());
                steps.push(Step::Match);
                emit(&repetition.sub, steps, groups)?;
            }
            let end = here(steps)?;
            for split in splits {
                let next = u16::try_from(split)? + 1;
                steps[split] = if repetition.greedy { Step::Split(next, end) } else { Step::Split(end, next) };
            }
        }
    }
    Ok(())
}

/// A deterministic automaton that is built as far as it is walked.
pub struct Automaton {
    program: Program,
    ids: HashMap<Vec<u16>, u16>,
    states: Vec<Vec<u16>>,
    next: Vec<[Option<u16>; 10]>,
}

impl Automaton {
    /// The state of no hope.
    pub const DEAD: u16 = 0;
    /// The first state.
    pub const START: u16 = 1;

    pub fn new(program: Program) -> Self {
        let start = program.close([0]);
        let mut automaton = Self { program, ids: HashMap::new(), states: Vec::new(), next: Vec::new() };
        automaton.intern(Vec::new());
        automaton.intern(start);
        automaton
    }

    fn intern(&mut self, state: Vec<u16>) -> u16 {
        if let Some(&id) = self.ids.get(&state) {
            return id;
        }
        let id = u16::try_from(self.states.len()).expect("fewer than 65,536 states");
        self.ids.insert(state.clone(), id);
        self.states.push(state);
        self.next.push([None; 10]);
        id
    }

    pub fn step(&mut self, from: u16, digit: u8) -> u16 {
        if let Some(to) = self.next[from as usize][digit as usize] {
            return to;
        }
        let targets: Vec<u16> = self.states[from as usize]
            .iter()
            .filter_map(|&at| match self.program.steps[at as usize] {
                Step::Digit(set) if set & (1 << digit) != 0 => Some(at + 1),
                _ => None,
            })
            .collect();
        let closed = self.program.close(targets);
        let to = self.intern(closed);
        self.next[from as usize][digit as usize] = Some(to);
        to
    }

    pub fn accepts(&self, state: u16) -> bool {
        self.states[state as usize].iter().any(|&at| self.program.steps[at as usize] == Step::Match)
    }
}
