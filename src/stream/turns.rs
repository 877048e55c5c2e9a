//! Whose turn is it? Records that are fetched and not taken wait in lines, one for each partition. Pure.
//!
//! What a client library has fetched is one queue, and a tenant who sends very much at once would stand in it before all others.
//! Here the lines are served in turn by start-time fair queueing (P. Goyal, H. M. Vin, H. Cheng, "Start-time fair queueing: a
//! scheduling algorithm for integrated services packet switching networks", SIGCOMM 1996), all of the same weight. Where there is
//! no room for more, and some partitions are far behind and others are not, those that are far behind are *held back*:
//! they are not fetched until their lines are half as long, and what the others send gets in. Where all are behind alike,
//! as after a standstill, nobody is: what is fetched again would help nobody.

use super::machine::{Partition, Reading};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};

/// Bytes after which the next line is served.
const TURN: usize = 8 << 10;
/// What a record costs besides its bytes: time to whoever works on it, and memory of the client library.
const EACH: usize = 256;
/// For a partition that sent nothing for so long, in milliseconds, nobody is held back.
const QUIET_MS: u64 = 60_000;
/// A partition is far behind if it is so many records behind, and at least one part in `FAR` of whoever is farthest.
const FAR: i64 = 16;
const BACKLOG: i64 = 1_000;

/// Records of many partitions, waiting.
#[derive(Debug)]
pub(super) struct Turns<T> {
    lines: Vec<Line<T>>,
    by_partition: HashMap<Partition, usize>,
    /// The line that came last: records come in runs.
    last: Option<(Partition, usize)>,
    /// Lines with somebody in them and not being served, the one that had least first.
    next: BinaryHeap<Reverse<(u64, usize)>>,
    /// The line that is being served, and the bytes that it had in this turn.
    serving: Option<(usize, usize)>,
    /// What the line that is being served had when its turn began; who comes anew begins there.
    clock: u64,
    /// Bytes of all lines, and of those that are held back.
    n_bytes: usize,
    n_held: usize,
    most: usize,
}

#[derive(Debug)]
struct Line<T> {
    partition: Partition,
    records: VecDeque<Waiting<T>>,
    n_bytes: usize,
    /// Bytes that it had, or might have had while it was empty.
    served: u64,
    /// Held back until it is no longer than this.
    held_until: Option<usize>,
    seen_ms: u64,
}

/// A record that waits.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    /// The record.
    pub(super) record: T,
    /// As part of which reading of its partition it came.
    pub(super) reading: Reading,
    cost: usize,
}

impl<T> Turns<T> {
    /// Makes lines that have room for so many bytes, and for half as many more while some are held back.
    pub(super) fn new(most: usize) -> Self {
        Self {
            lines: Vec::new(),
            by_partition: HashMap::new(),
            last: None,
            next: BinaryHeap::new(),
            serving: None,
            clock: 0,
            n_bytes: 0,
            n_held: 0,
            most: most.max(1),
        }
    }

    /// Returns whether nobody waits.
    pub(super) const fn is_empty(&self) -> bool {
        self.n_bytes == 0
    }

    /// Returns whether one more may come. The last may be longer than the room that is left.
    pub(super) const fn has_room(&self) -> bool {
        self.n_bytes < self.most || (self.n_held > 0 && self.n_bytes - self.n_held < self.most / 2)
    }

    /// Puts a record at the end of its partition's line. Where that was held back, somebody has it fetched again: a
    /// rebalance, or the end of a pause of all.
    pub(super) fn push(&mut self, partition: Partition, reading: Reading, n_bytes: usize, record: T, now_ms: u64) {
        let at = match self.last {
            Some((last, at)) if last == partition => at,
            _ => self.line(partition),
        };
        self.last = Some((partition, at));
        let Some(line) = self.lines.get_mut(at) else { return };
        let cost = n_bytes + EACH;
        if line.records.is_empty() {
            line.served = line.served.max(self.clock);
            self.next.push(Reverse((line.served, at)));
        }
        if line.held_until.take().is_some() {
            self.n_held -= line.n_bytes;
        }
        line.records.push_back(Waiting { record, reading, cost });
        line.n_bytes += cost;
        line.seen_ms = now_ms;
        self.n_bytes += cost;
    }

    fn line(&mut self, partition: Partition) -> usize {
        let Self { lines, by_partition, .. } = self;
        *by_partition.entry(partition).or_insert_with(|| {
            let records = VecDeque::new();
            lines.push(Line { partition, records, n_bytes: 0, served: 0, held_until: None, seen_ms: 0 });
            lines.len() - 1
        })
    }

    /// Returns the next record, from the line whose turn it is.
    pub(super) fn pop(&mut self) -> Option<(Partition, Waiting<T>)> {
        let (at, had) = match self.serving {
            Some(serving) => serving,
            None => {
                let Reverse((served, at)) = self.next.pop()?;
                self.clock = served;
                (at, 0)
            }
        };
        let line = self.lines.get_mut(at)?;
        let waiting = line.records.pop_front()?;
        line.n_bytes -= waiting.cost;
        line.served += waiting.cost as u64;
        self.n_bytes -= waiting.cost;
        if line.held_until.is_some() {
            self.n_held -= waiting.cost;
        }
        let had = had + waiting.cost;
        self.serving = if line.records.is_empty() {
            None
        } else if had >= TURN {
            self.next.push(Reverse((line.served, at)));
            None
        } else {
            Some((at, had))
        };
        Some((line.partition, waiting))
    }

    /// Returns the partitions that are to be paused, where there is no room: those far behind, if others who sent something
    /// lately are not. `behind` tells how many records of a partition are yet to be taken, as far as that is known.
    pub(super) fn hold_back(&mut self, behind: impl Fn(Partition) -> i64, now_ms: u64) -> Vec<Partition> {
        let mut held = Vec::new();
        if self.has_room() {
            return held;
        }
        let most = self.lines.iter().map(|line| behind(line.partition)).max().unwrap_or(0);
        let far = (most / FAR).max(BACKLOG);
        let is_live = |line: &Line<T>| now_ms.saturating_sub(line.seen_ms) < QUIET_MS && behind(line.partition) < far;
        if most <= far || !self.lines.iter().any(is_live) {
            return held;
        }
        for line in &mut self.lines {
            if line.held_until.is_none() && !line.records.is_empty() && behind(line.partition) >= far {
                line.held_until = Some(line.n_bytes / 2);
                self.n_held += line.n_bytes;
                held.push(line.partition);
            }
        }
        held
    }

    /// Returns the partitions that are to be fetched again.
    pub(super) fn let_in(&mut self) -> Vec<Partition> {
        let mut free = Vec::new();
        if self.lines.iter().all(|line| line.held_until.is_none()) {
            return free;
        }
        for line in &mut self.lines {
            if line.held_until.is_some_and(|least| line.n_bytes <= least) {
                line.held_until = None;
                self.n_held -= line.n_bytes;
                free.push(line.partition);
            }
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Partition = Partition { topic: 0, number: 0 };
    const B: Partition = Partition { topic: 0, number: 1 };
    const C: Partition = Partition { topic: 1, number: 0 };

    fn push(turns: &mut Turns<u32>, partition: Partition, n_bytes: usize, n: u32) {
        for record in 0..n {
            turns.push(partition, Reading::default(), n_bytes, record, 0);
        }
    }

    fn pop(turns: &mut Turns<u32>, n: usize) -> Vec<(Partition, u32)> {
        std::iter::from_fn(|| turns.pop()).map(|(partition, waiting)| (partition, waiting.record)).take(n).collect()
    }

    fn count(popped: &[(Partition, u32)], partition: Partition) -> usize {
        popped.iter().filter(|(of, _)| *of == partition).count()
    }

    #[test]
    fn a_partition_keeps_its_order() {
        let mut turns = Turns::new(1 << 20);
        push(&mut turns, A, 300, 500);
        push(&mut turns, B, 30, 700);
        push(&mut turns, C, 3_000, 40);
        let mut popped = pop(&mut turns, 100);
        push(&mut turns, C, 3_000, 1);
        popped.extend(pop(&mut turns, 2_000));
        assert!(turns.is_empty());
        for (partition, n) in [(A, 500), (B, 700), (C, 41)] {
            let records: Vec<u32> =
                popped.iter().filter(|(of, _)| *of == partition).map(|(_, record)| *record).collect();
            let expected: Vec<u32> = if n == 41 { (0..40).chain([0]).collect() } else { (0..n).collect() };
            assert_eq!(records, expected);
        }
    }

    #[test]
    fn who_has_little_does_not_wait_for_who_has_much() {
        let mut turns = Turns::new(1 << 30);
        push(&mut turns, A, 244, 10_000);
        assert_eq!(count(&pop(&mut turns, 5_000), A), 5_000);
        push(&mut turns, B, 244, 2);
        // The turn that has begun, and no more.
        let popped = pop(&mut turns, TURN / 500 + 2);
        assert_eq!(count(&popped, B), 2, "{popped:?}");
    }

    #[test]
    fn lines_are_served_by_bytes() {
        let mut turns = Turns::new(1 << 30);
        push(&mut turns, A, 244, 60_000);
        push(&mut turns, B, 999_744, 20);
        let popped = pop(&mut turns, 22_000);
        let (a, b) = (count(&popped, A) * 500, count(&popped, B) * 1_000_000);
        assert!(a.abs_diff(b) <= 1_000_000 + 2 * TURN, "{a} bytes of A, {b} of B");
        // Having been quiet is no claim to more than the others afterwards.
        let mut turns = Turns::new(1 << 30);
        push(&mut turns, A, 244, 10_000);
        pop(&mut turns, 5_000);
        push(&mut turns, B, 244, 5_000);
        let popped = pop(&mut turns, 2_000);
        assert!(count(&popped, A).abs_diff(count(&popped, B)) <= 2 * TURN / 500);
    }

    #[test]
    fn who_takes_the_room_is_held_back() {
        let behind = |partition| if partition == A { 50_000 } else { 3 };
        let mut turns = Turns::new(100 * 500);
        push(&mut turns, B, 244, 1);
        push(&mut turns, A, 244, 98);
        assert!(turns.has_room());
        assert_eq!(turns.hold_back(behind, 0), [], "there is room");
        push(&mut turns, C, 244, 1);
        assert!(!turns.has_room());
        assert_eq!(turns.hold_back(behind, 0), [A]);
        assert_eq!(turns.hold_back(behind, 0), [], "once");
        assert!(turns.has_room(), "for the others");
        push(&mut turns, B, 244, 48);
        assert!(!turns.has_room());
        assert_eq!(turns.hold_back(behind, 0), [], "the others are not");
        assert_eq!(turns.let_in(), []);
        assert_eq!(pop(&mut turns, 100).len(), 100);
        assert_eq!(turns.let_in(), [A], "half of it is gone");
        assert!(turns.has_room());
        assert_eq!(turns.n_held, 0);
        pop(&mut turns, 100);
        assert!(turns.is_empty());
    }

    #[test]
    fn who_is_fetched_again_is_not_held_back() {
        let behind = |partition| if partition == A { 50_000 } else { 0 };
        let mut turns = Turns::new(100 * 500);
        push(&mut turns, B, 244, 1);
        push(&mut turns, A, 244, 99);
        assert_eq!(turns.hold_back(behind, 0), [A]);
        // After a rebalance, or a pause of all.
        push(&mut turns, A, 244, 1);
        assert_eq!(turns.n_held, 0);
        assert!(!turns.has_room());
        assert_eq!(turns.hold_back(behind, 0), [A], "but may be again");
    }

    #[test]
    fn nobody_is_held_back_for_nobody() {
        #[track_caller]
        fn check(what: &str, lines: [(u32, i64, u64); 3], expected: &[Partition]) {
            let mut turns = Turns::new(90 * 500);
            for (partition, (n, _, seen_ms)) in [A, B, C].into_iter().zip(lines) {
                for record in 0..n {
                    turns.push(partition, Reading::default(), 244, record, seen_ms);
                }
            }
            let behind = |partition| lines[[A, B, C].iter().position(|other| *other == partition).unwrap()].1;
            assert_eq!(turns.hold_back(behind, QUIET_MS), expected, "{what}");
        }
        check("all are behind alike", [(40, 9_000, 9), (40, 8_000, 9), (20, 3_000, 9)], &[]);
        check("one is not", [(40, 9_000, 9), (40, 8_000, 9), (20, 300, 9)], &[A, B]);
        check("one is behind a little", [(50, 900_000, 9), (40, 8_000, 9), (0, 0, 9)], &[A]);
        check("nobody else is there", [(100, 9_000, 9), (0, 0, 9), (0, 0, 9)], &[]);
        check("nobody is far behind", [(80, 900, 9), (10, 30, 9), (10, 30, 9)], &[]);
        check("nothing is known", [(100, 0, 9), (10, 0, 9), (10, 0, 9)], &[]);
        check("the others sent something lately", [(100, 9_000, 9), (1, 0, 9), (1, 0, 9)], &[A]);
        check("the others sent something long ago", [(100, 9_000, 9), (1, 0, 0), (1, 0, 0)], &[]);
    }
}
