//! Families of rules become automata, several at a time.

use super::BuildError;
use super::automaton::{Automata, Automaton};
use super::build::{Recognizer, Shape, is_open};
use super::verify::{Entry, Kinds};
use crate::entity::Kind;
use crate::rules::{Guard, Rule, RuleSet};
use regex_automata::MatchKind;
use regex_automata::dfa::{StartKind, dense};
use regex_automata::nfa::thompson;
use regex_syntax::hir::Hir;
use std::cmp::Reverse;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Rules that share an automaton whatever they are.
pub(super) const FAMILY_RULES: usize = 40;

/// Kinds whose values hold words: with codes in one automaton they multiply each other's states.
const WORDY: [Kind; 3] = [Kind::Address, Kind::DateTime, Kind::Password];

/// Bytes that one automaton may take, and its construction; larger sets are split in two.
const AUTOMATON_BYTES: usize = 4 << 20;

/// Threads that compile at the same time, at most: a few families are most of the work.
const MOST_THREADS: usize = 4;

/// A rule with its place in the table of recognizers.
type Member<'r> = (u16, &'r Rule, &'r Shape);
type Family<'r> = Vec<Member<'r>>;

/// Which rules are tried at which sieve, before they are compiled.
pub(super) struct Lists<'r> {
    rules: &'r RuleSet,
    shapes: &'r [Shape],
    /// The families, each with the number of its list.
    families: Vec<(usize, Family<'r>)>,
    n_lists: usize,
}

impl<'r> Lists<'r> {
    pub(super) const fn new(rules: &'r RuleSet, shapes: &'r [Shape]) -> Self {
        Self { rules, shapes, families: Vec::new(), n_lists: 0 }
    }

    /// Makes a list of the rules that are `wanted`, in families of up to `most`; returns its number.
    pub(super) fn list(&mut self, most: usize, wanted: impl Fn(&Rule, &Shape) -> bool) -> usize {
        let list = self.n_lists;
        self.n_lists += 1;
        self.add(list, most, wanted);
        list
    }

    /// Adds the rules that are `wanted` to a list, in families of their own.
    pub(super) fn add(&mut self, list: usize, most: usize, wanted: impl Fn(&Rule, &Shape) -> bool) {
        let all = (0_u16..).zip(self.rules.rules()).zip(self.shapes);
        let chosen: Family<'_> = all
            .filter(|((_, rule), shape)| wanted(rule, shape) && !rule.pattern.is_empty())
            .map(|((at, rule), shape)| (at, rule, shape))
            .collect();
        // Rules that wait share states with those that do not, but multiply them, too: to build both together takes longer
        // than two walks are worth.
        let (waiting, ready): (Family<'_>, Family<'_>) = chosen.into_iter().partition(|(.., shape)| shape.waits);
        for part in [ready, waiting] {
            let families = families(self.rules, part, most).into_iter().filter(|family| !family.is_empty());
            self.families.extend(families.map(|family| (list, family)));
        }
    }

    /// Compiles all families on up to `n_threads` threads; yields the lists by their numbers.
    ///
    /// # Errors
    /// A rule whose automaton would be too large.
    pub(super) fn compile(self, table: &[Recognizer], n_threads: usize) -> Result<Vec<Automata>, BuildError> {
        let Self { families, n_lists, .. } = self;
        // What takes long comes first, so that no thread is left with it at the end.
        let mut order: Vec<_> = families.iter().enumerate().collect();
        order.sort_by_key(|(_, (_, family))| {
            Reverse(family.iter().map(|(_, rule, _)| rule.pattern.len()).sum::<usize>())
        });
        let mut done = side_by_side(&order, n_threads, |(at, (list, family))| {
            let mut out = Vec::new();
            compile(family, table, &mut out).map(|()| (*at, *list, out))
        })
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
        done.sort_by_key(|&(at, ..)| at);
        let mut lists: Vec<_> = (0..n_lists).map(|_| Automata::default()).collect();
        for (_, list, compiled) in done {
            let Some(out) = lists.get_mut(list) else { continue };
            compiled.into_iter().for_each(|compiled| put(compiled, table, out));
        }
        Ok(lists)
    }
}

/// Parts rules into those that share an automaton. Patterns that are as loose as number plates multiply each other's states,
/// so rules of one kind go together; up to `most` rules are one family.
fn families<'r>(rules: &RuleSet, chosen: Family<'r>, most: usize) -> Vec<Family<'r>> {
    let wordy =
        |member: &(u16, &Rule, &Shape)| rules.entity(member.1.entity).is_some_and(|of| WORDY.contains(&of.kind));
    if chosen.len() <= most && !chosen.iter().any(wordy) || most == usize::MAX {
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
    let (alone, small): (Vec<_>, Vec<_>) = by_kind
        .into_iter()
        .partition(|(kind, family)| family.len() > FAMILY_RULES / 4 || kind.is_some_and(|kind| WORDY.contains(&kind)));
    let small: Family<'_> = small.into_iter().flat_map(|(_, family)| family).collect();
    alone.into_iter().map(|(_, family)| family).chain((!small.is_empty()).then_some(small)).collect()
}

/// One automaton, and what leads are told of its rules.
struct Compiled<'r> {
    automaton: Automaton,
    rules: Family<'r>,
}

/// Compiles a family, in parts where one automaton would be too large.
fn compile<'r>(rules: &[Member<'r>], table: &[Recognizer], out: &mut Vec<Compiled<'r>>) -> Result<(), BuildError> {
    let too_large = || BuildError::TooLarge { rule: rules.first().map(|r| r.1.id.clone()).unwrap_or_default() };
    let patterns: Option<Vec<&Hir>> = rules.iter().map(|(.., shape)| shape.hir.as_ref()).collect();
    // One that cannot be parsed was refused when its pack was loaded.
    let patterns = patterns.ok_or_else(too_large)?;
    let nfa = thompson::Compiler::new()
        .configure(thompson::Config::new().utf8(false).shrink(false))
        .build_many_from_hir(&patterns);
    let dfa = dense::Config::new()
        .match_kind(MatchKind::All)
        .start_kind(StartKind::Anchored)
        .minimize(false)
        .dfa_size_limit(Some(AUTOMATON_BYTES))
        .determinize_size_limit(Some(4 * AUTOMATON_BYTES));
    match nfa.ok().and_then(|nfa| dense::Builder::new().configure(dfa).build_from_nfa(&nfa).ok()) {
        Some(dfa) => {
            let entry = |&(at, ..): &Member<'_>| Some(Entry::of(at, table.get(usize::from(at))?));
            let entries = rules.iter().filter_map(entry).collect();
            let open = rules.iter().any(|(_, rule, _)| is_open(rule));
            let automaton = Automaton::freeze(&dfa, entries, table, open).ok_or_else(too_large)?;
            out.push(Compiled { automaton, rules: rules.to_vec() });
            Ok(())
        }
        None if rules.len() > 1 => {
            let (a, b) = rules.split_at(rules.len() / 2);
            compile(a, table, out)?;
            compile(b, table, out)
        }
        None => Err(too_large()),
    }
}

/// Puts a compiled family behind the others of its list.
fn put(compiled: Compiled<'_>, table: &[Recognizer], out: &mut Automata) {
    let Compiled { automaton, rules } = compiled;
    let first_word = rules.iter().map(|(.., shape)| shape.first_word).max().unwrap_or(0);
    let inside = rules.iter().any(|(_, rule, _)| rule.guard != Guard::Number);
    let kinds = |at: u16| table.get(usize::from(at)).map_or(Kinds::ALL, |of| of.kinds);
    let beginnings = rules.iter().map(|&(at, _, shape)| (&shape.beginning, shape.waits.then(|| kinds(at))));
    if rules.iter().any(|(.., shape)| shape.is_led) {
        out.leads.add(out.all.len(), beginnings, first_word, inside);
    }
    out.all.push(automaton);
}

/// Does `work` for each of `tasks` on this thread and others, up to `n_threads` in all; the answers are in the order of the tasks.
fn side_by_side<T: Sync, R: Send>(tasks: &[T], n_threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let some = || {
        let task = || {
            let at = next.fetch_add(1, Ordering::Relaxed);
            Some((at, work(tasks.get(at)?)))
        };
        std::iter::from_fn(task).collect::<Vec<_>>()
    };
    if n_threads <= 1 {
        return some().into_iter().map(|(_, answer)| answer).collect();
    }
    let n_threads = n_threads.min(MOST_THREADS).min(tasks.len());
    let mut done = thread::scope(|scope| {
        // Where there is no thread to be had, this one does it all.
        let others: Vec<_> =
            (1..n_threads).filter_map(|_| thread::Builder::new().spawn_scoped(scope, some).ok()).collect();
        let mut done = some();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|&(at, _)| at);
    done.into_iter().map(|(_, answer)| answer).collect()
}
