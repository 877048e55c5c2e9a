//! Does a partition stand still? Pure, over what is known of it from time to time.
//!
//! Client libraries have been seen to lose a wake-up and to leave one partition unread for days, while all others go on.
//! A partition stands still when it has more to read, and neither what is fetched nor what is taken moves.

use std::time::{Duration, Instant};

/// A partition, as it is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The offset after the last record taken; less than 0 before the first.
    pub(super) position: i64,
    /// The next offset to fetch; less than 0 where the library does not fetch.
    pub(super) next: i64,
    /// The offset after the last record that can be read.
    pub(super) end: i64,
    /// Records fetched and not taken.
    pub(super) n_queued: i64,
}

/// What was seen of a partition.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stall {
    last: Option<(View, Instant)>,
    n_found: u32,
}

/// How long it must stand.
const STANDS: Duration = Duration::from_secs(20);
/// How much longer for each other partition that has more to read: brokers answer with a few of them at a time, and it may only
/// not have had its turn.
const TURN: Duration = Duration::from_secs(1);

impl View {
    /// Returns whether there is more to read.
    pub(super) const fn has_more(self) -> bool {
        self.n_queued > 0 || (self.next >= 0 && self.next < self.end)
    }
}

impl Stall {
    /// Returns whether the partition stands still, once for each time that it has to stand. So many others have more to read.
    pub(super) fn look(&mut self, view: View, n_others: u32, now: Instant) -> bool {
        let Some((last, since)) = self.last else {
            self.last = Some((view, now));
            return false;
        };
        if !view.has_more() || view.position != last.position || view.next != last.next {
            *self = Self { last: Some((view, now)), n_found: 0 };
            return false;
        }
        if now.duration_since(since) < STANDS + TURN * n_others {
            return false;
        }
        self.last = Some((view, now));
        self.n_found += 1;
        true
    }

    /// Returns how often it was found standing since it last moved.
    pub(super) const fn n_found(&self) -> u32 {
        self.n_found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_still() {
        #[track_caller]
        fn check(what: &str, views: [(u64, i64, i64, i64, i64); 3], expected: bool) {
            check_among(what, 0, views, expected);
        }
        #[track_caller]
        fn check_among(what: &str, n_others: u32, views: [(u64, i64, i64, i64, i64); 3], expected: bool) {
            let began = Instant::now();
            let mut stall = Stall::default();
            let mut found = false;
            for (at_s, position, next, end, n_queued) in views {
                found = stall.look(View { position, next, end, n_queued }, n_others, began + Duration::from_secs(at_s));
            }
            assert_eq!(found, expected, "{what}");
        }
        check("all is read", [(0, 5, 5, 5, 0), (10, 5, 5, 5, 0), (30, 5, 5, 5, 0)], false);
        check("nothing is fetched", [(0, 5, 5, 9, 0), (10, 5, 5, 12, 0), (21, 5, 5, 15, 0)], true);
        check("not for long", [(0, 5, 5, 9, 0), (10, 5, 5, 12, 0), (19, 5, 5, 15, 0)], false);
        check("nothing is taken", [(0, 5, 9, 9, 4), (10, 5, 9, 12, 4), (21, 5, 9, 15, 4)], true);
        check("it moves", [(0, 5, 9, 9, 4), (10, 6, 9, 12, 3), (21, 7, 9, 15, 2)], false);
        check("aborted transactions only", [(0, 5, 9, 9, 0), (10, 5, 19, 19, 0), (21, 5, 29, 29, 0)], false);
        let waits = [(0, 5, 5, 9, 0), (10, 5, 5, 12, 0), (60, 5, 5, 15, 0)];
        check_among("499 others have their turn first", 499, waits, false);
        check_among("there are not that many others", 30, waits, true);
        check("never began to fetch", [(0, -1, -1, 9, 0), (10, -1, -1, 9, 0), (21, -1, -1, 9, 0)], false);
    }
}
