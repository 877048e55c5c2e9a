//! Overlaps: of candidates that share bytes the likelier wins, then the specific over the generic, then the longer, then
//! the earlier. Output is sorted and disjoint.

use super::Scanner;
use super::build::Recognizer;
use crate::detection::Detection;
use crate::ids::{EntityId, Region};
use crate::span::Span;

/// A verified place with its evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) span: Span,
    pub(super) recognizer: u16,
    /// What it is worth without anything around it, in tenths of a bit.
    pub(super) alone: i16,
    /// What it is worth with what stands around it, in tenths of a bit.
    pub(super) evidence: i16,
    pub(super) country: Option<Region>,
    /// Whether nothing around it is needed.
    pub(super) settled: bool,
    /// Whether the rule asks for context and there was none.
    pub(super) shut: bool,
}

impl Candidate {
    /// Returns what is reported of it; nothing below the least score.
    pub(super) fn detection(&self, scanner: &Scanner, text: u32, rival: Option<EntityId>) -> Option<Detection> {
        let of = scanner.recognizers.get(usize::from(self.recognizer))?;
        let score = scanner.scores.of(self.evidence);
        (score >= scanner.config.min_score).then_some(Detection {
            text,
            span: self.span,
            entity: of.entity,
            rule: of.rule,
            rival,
            country: self.country,
            score,
        })
    }
}

/// Merged spans of the candidates at which windows of context end.
#[derive(Default)]
pub(super) struct Barriers(Vec<Span>);

impl Barriers {
    /// Merges `spans`, which come in any order.
    pub(super) fn fill(&mut self, spans: impl Iterator<Item = Span>) {
        self.0.clear();
        self.0.extend(spans);
        self.0.sort_unstable();
        self.0.dedup_by(|next, last| {
            let joined = next.start < last.end;
            if joined {
                last.end = last.end.max(next.end);
            }
            joined
        });
    }

    /// Returns whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the merged span that holds `at`.
    pub(super) fn around(&self, at: u32) -> Option<Span> {
        let before = self.0.partition_point(|span| span.start <= at);
        self.0.get(before.checked_sub(1)?).copied().filter(|span| at < span.end)
    }

    /// Returns where the last barrier that ends at or before `at` ends, or 0.
    pub(super) fn end_before(&self, at: usize) -> usize {
        let n = self.0.partition_point(|span| span.end as usize <= at);
        n.checked_sub(1).and_then(|n| self.0.get(n)).map_or(0, |span| span.end as usize)
    }

    /// Returns where the barrier that ends at `end` begins.
    pub(super) fn start_of_end(&self, end: usize) -> usize {
        let n = self.0.partition_point(|span| (span.end as usize) < end);
        self.0.get(n).map_or(0, |span| span.start as usize)
    }

    /// Returns where the first barrier that begins at or after `at` begins.
    pub(super) fn start_after(&self, at: usize) -> Option<usize> {
        let n = self.0.partition_point(|span| (span.start as usize) < at);
        self.0.get(n).map(|span| span.start as usize)
    }

    /// Returns where the barrier that begins at `start` ends.
    pub(super) fn end_of_start(&self, start: usize) -> usize {
        let n = self.0.partition_point(|span| (span.start as usize) < start);
        self.0.get(n).map_or(start, |span| span.end as usize)
    }
}

/// How much less evidence a rival may have, in tenths of a bit, and still count as plausible.
pub(super) const RIVAL: i16 = 30;
/// Letters and digits that the rest of a loser must hold to be a detection of its own.
const REST: usize = 4;

/// Working memory of [`resolve`].
#[derive(Default)]
pub(super) struct Winners(Vec<(Candidate, Option<u16>)>);

/// Appends the winners of `candidates` to `out`.
pub(super) fn resolve(
    text_index: u32,
    text: &[u8],
    candidates: &mut Vec<Candidate>,
    scanner: &Scanner,
    winners: &mut Winners,
    out: &mut Vec<Detection>,
) {
    let recognizers = scanner.recognizers.as_slice();
    candidates.retain(|c| !c.shut && scanner.scores.of(c.evidence) >= scanner.config.min_score);
    let generic = |c: &Candidate| recognizers.get(usize::from(c.recognizer)).is_none_or(|r| r.generic);
    candidates.sort_unstable_by(|a, b| {
        (b.evidence.cmp(&a.evidence))
            .then(generic(a).cmp(&generic(b)))
            .then(b.span.len().cmp(&a.span.len()))
            .then(a.span.cmp(&b.span))
            .then(a.recognizer.cmp(&b.recognizer))
    });
    let won = &mut winners.0;
    won.clear();
    for &candidate in candidates.iter() {
        place(candidate, text, recognizers, won);
    }
    for &(candidate, rival) in won.iter() {
        let rival = rival.and_then(|at| recognizers.get(usize::from(at))).map(|r| r.entity);
        out.extend(candidate.detection(scanner, text_index, rival));
    }
}

/// Puts `candidate` among the winners where no better one stands; what a better one leaves of it stays if it is worth it.
fn place(candidate: Candidate, text: &[u8], recognizers: &[Recognizer], won: &mut Vec<(Candidate, Option<u16>)>) {
    let entity = |at: u16| recognizers.get(usize::from(at)).map(|r| r.entity);
    let mut from = candidate.span.start;
    // Winners are disjoint and sorted: those that overlap stand side by side.
    let mut at = won.partition_point(|(winner, _)| winner.span.end <= from);
    let mut whole = true;
    loop {
        let blocking = won.get_mut(at).filter(|(winner, _)| winner.span.start < candidate.span.end);
        let upto = blocking.as_ref().map_or(candidate.span.end, |(winner, _)| winner.span.start);
        let next = blocking.as_ref().map(|(winner, _)| winner.span.end);
        if let Some((winner, rival)) = blocking {
            whole = false;
            if rival.is_none()
                && winner.span == candidate.span
                && winner.evidence - candidate.evidence <= RIVAL
                && entity(winner.recognizer) != entity(candidate.recognizer)
            {
                *rival = Some(candidate.recognizer);
            }
        }
        if from < upto {
            let piece = Span::new(from, upto);
            let worth = |bytes: &[u8]| bytes.iter().filter(|b| b.is_ascii_alphanumeric()).count() >= REST;
            if (whole && next.is_none()) || piece.of(text).is_some_and(worth) {
                won.insert(at, (Candidate { span: piece, ..candidate }, None));
                at += 1;
            }
        }
        let Some(next) = next else { return };
        from = next;
        at += 1;
        if from >= candidate.span.end {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn barriers_merge() {
        let mut b = Barriers::default();
        b.fill([(10, 20), (2, 5), (15, 25), (25, 30)].into_iter().map(|(s, e)| Span::new(s, e)));
        assert_eq!(b.0, [Span::new(2, 5), Span::new(10, 25), Span::new(25, 30)]);
        assert_eq!((b.end_before(10), b.end_before(9), b.end_before(4)), (5, 5, 0));
        assert_eq!((b.start_of_end(25), b.start_after(3), b.start_after(26)), (10, Some(10), None));
        assert_eq!((b.end_of_start(10), b.around(24), b.around(7)), (25, Some(Span::new(10, 25)), None));
    }
}
