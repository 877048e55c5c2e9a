//! A bounded table from the hash of a value to the body of its token. Holds no value and no key.
//!
//! Sets of four lines of 64 bytes. Where the table is larger than the processor's caches a hit waits for memory and costs as
//! much as an `m` token made anew, 0.2 µs; an `s` token made anew costs 0.5 µs, a hit in a processor's cache 0.05 µs. So no
//! line is touched for nothing: a byte of each hash stands with the clock of its set, which every hit touches anyway, and
//! says which line may be the one. It is one for nothing once in 64 answers. Whole tags there would be another line.
//!
//! Within a set the clock decides who goes: a hit marks a line, and the hand passes marked lines once.

/// The table.
pub(super) struct Cache {
    sets: Box<[[Line; WAYS]]>,
    clocks: Box<[Clock]>,
}

/// One entry in one cache line.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line {
    tag: u128,
    len: u8,
    check: u8,
    body: [u8; BODY_BYTES],
}

/// Which lines of a set were hit since the hand passed, where the hand is, how many lines are in use, and a byte of the hash
/// of each.
#[derive(Clone, Copy, Default)]
#[repr(align(8))]
struct Clock {
    marks: u8,
    hand: u8,
    n_used: u8,
    prints: [u8; WAYS],
}

impl Cache {
    /// Makes a table for about `entries` bodies: rounded up to a power of two, at most [`MAX_ENTRIES`]. Zero makes one
    /// that holds nothing.
    pub(super) fn new(entries: usize) -> Self {
        let n_sets = match entries.min(MAX_ENTRIES).div_ceil(WAYS) {
            0 => 0,
            n => n.next_power_of_two(),
        };
        let empty = Line { tag: EMPTY, len: 0, check: 0, body: [0; BODY_BYTES] };
        Self { sets: vec![[empty; WAYS]; n_sets].into(), clocks: vec![Clock::default(); n_sets].into() }
    }

    /// Returns the body that was put in under `tag`, and its checksum, if it is still there.
    pub(super) fn get(&mut self, tag: u128) -> Option<(&[u8], u8)> {
        if tag == EMPTY {
            return None;
        }
        let at = self.set(tag);
        let (set, clock) = (self.sets.get(at)?, self.clocks.get_mut(at)?);
        let way = clock.ways(tag).find(|&way| set.get(way).is_some_and(|line| line.tag == tag))?;
        clock.marks |= 1 << way;
        let line = set.get(way)?;
        Some((line.body.get(..usize::from(line.len))?, line.check))
    }

    /// Reads the line that [`Cache::get`] would ask first, so that it is near when it is asked.
    pub(super) fn touch(&self, tag: u128) -> u8 {
        let at = self.set(tag);
        let line = self.clocks.get(at).and_then(|clock| self.sets.get(at)?.get(clock.ways(tag).next()?));
        line.map_or(0, |line| line.len)
    }

    /// Puts a body and its checksum in, and another out if its set is full. One too long for a line is left out.
    pub(super) fn put(&mut self, tag: u128, body: &[u8], check: u8) {
        let at = self.set(tag);
        let (Some(set), Some(clock), Ok(len)) =
            (self.sets.get_mut(at), self.clocks.get_mut(at), u8::try_from(body.len()))
        else {
            return;
        };
        if body.len() > BODY_BYTES || tag == EMPTY {
            return;
        }
        // Not before it is known that the body fits: a line in use has one.
        let way = clock.place();
        let (Some(line), Some(own)) = (set.get_mut(way), clock.prints.get_mut(way)) else { return };
        let Some(place) = line.body.get_mut(..body.len()) else { return };
        *own = print(tag);
        place.copy_from_slice(body);
        (line.tag, line.len, line.check) = (tag, len, check);
    }

    fn set(&self, tag: u128) -> usize {
        // Tags are hashes: their low bits are as good as any.
        tag as usize & self.sets.len().wrapping_sub(1)
    }
}

/// Returns the byte of a tag that stands with the clock: one that has no part in choosing the set.
const fn print(tag: u128) -> u8 {
    (tag >> 120) as u8
}

impl Clock {
    /// Yields the lines that may have a tag.
    fn ways(self, tag: u128) -> impl Iterator<Item = usize> {
        (0..WAYS).filter(move |&way| self.prints.get(way) == Some(&print(tag)))
    }

    /// Returns the line for what comes in.
    fn place(&mut self) -> usize {
        let free = usize::from(self.n_used);
        if free < WAYS {
            self.n_used += 1;
            return free;
        }
        self.turn()
    }

    /// Turns the hand to the first line that was not hit since it last passed, and past it.
    fn turn(&mut self) -> usize {
        loop {
            let way = self.hand;
            self.hand = (way + 1) % WAYS as u8;
            if self.marks & 1 << way == 0 {
                return usize::from(way);
            }
            self.marks &= !(1 << way);
        }
    }
}

/// Most entries: at 66 bytes each, 1.1 GB.
pub(super) const MAX_ENTRIES: usize = 1 << 24;

const WAYS: usize = 4;
/// What tag, length and checksum leave of a cache line: `s` tokens of values up to 30 bytes.
const BODY_BYTES: usize = 46;
/// A tag that no entry has. A hash is this once in 2^128, and is then not cached.
const EMPTY: u128 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cache: &mut Cache, tag: u128, want: Option<&[u8]>) {
        assert_eq!(cache.get(tag), want.map(|body| (body, 9)));
    }

    #[test]
    fn holds_and_forgets() {
        assert_eq!((size_of::<Line>(), size_of::<Clock>()), (64, 8));
        let mut cache = Cache::new(8);
        cache.put(2, b"two", 9);
        cache.put(3, b"three", 9);
        check(&mut cache, 2, Some(b"two"));
        check(&mut cache, 4, None);
        // More of the same set than it holds: the one that is asked for stays.
        for tag in [4, 6, 8, 10, 12] {
            cache.put(tag, b"other", 9);
            check(&mut cache, 2, Some(b"two"));
        }
        check(&mut cache, 3, Some(b"three"));
        assert_eq!([4, 6, 8, 10, 12].iter().filter(|&&tag| cache.get(tag).is_some()).count(), 3);
    }

    #[test]
    fn edges() {
        let mut none = Cache::new(0);
        none.put(7, b"x", 9);
        check(&mut none, 7, None);
        let mut cache = Cache::new(1);
        cache.put(EMPTY, b"x", 9);
        check(&mut cache, EMPTY, None);
        cache.put(1, &[5; BODY_BYTES], 9);
        check(&mut cache, 1, Some(&[5; BODY_BYTES]));
        cache.put(2, &[5; BODY_BYTES + 1], 9);
        cache.put(3, &[5; 300], 9);
        check(&mut cache, 2, None);
        check(&mut cache, 3, None);
    }
}
