//! Places in bytes. Two texts, two types: an escaped JSON string shifts every offset, so a place in a decoded field and
//! a place in the raw document must not be mixed up.

use std::ops::Range;

macro_rules! span_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// # Offsets
        /// Half-open `start..end`, in bytes. `start <= end` always holds.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name {
            /// The first byte.
            pub start: u32,
            /// One past the last byte.
            pub end: u32,
        }

        impl $name {
            /// Makes a span; an `end` before `start` gives the empty span at `start`.
            #[must_use]
            pub const fn new(start: u32, end: u32) -> Self {
                Self { start, end: if end < start { start } else { end } }
            }

            /// Returns the length in bytes.
            #[must_use]
            pub const fn len(self) -> usize {
                (self.end - self.start) as usize
            }

            /// Returns whether the span covers no byte.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.start == self.end
            }

            /// Returns whether the two share at least one byte.
            #[must_use]
            pub const fn overlaps(self, other: Self) -> bool {
                self.start < other.end && other.start < self.end
            }

            /// Returns whether every byte of `other` is in this span.
            #[must_use]
            pub const fn covers(self, other: Self) -> bool {
                self.start <= other.start && other.end <= self.end
            }

            /// Returns the same place as a range for slicing.
            #[must_use]
            pub const fn range(self) -> Range<usize> {
                self.start as usize..self.end as usize
            }

            /// Returns the bytes at this place, or nothing where `text` is too short.
            #[must_use]
            pub fn of(self, text: &[u8]) -> Option<&[u8]> {
                text.get(self.range())
            }
        }
    };
}

span_type! {
    /// A place in the text that was scanned (a decoded field).
    Span
}

span_type! {
    /// A place in the raw document (a record as it came in).
    DocSpan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations() {
        let a = Span::new(2, 5);
        assert_eq!((a.len(), a.is_empty(), a.range()), (3, false, 2..5));
        assert_eq!(Span::new(5, 2), Span::new(5, 5));
        assert!(a.overlaps(Span::new(4, 9)) && !a.overlaps(Span::new(5, 9)));
        assert!(a.covers(Span::new(2, 5)) && !a.covers(Span::new(1, 3)));
        assert_eq!(a.of(b"abcdef"), Some(&b"cde"[..]));
        assert_eq!(a.of(b"abc"), None);
    }
}
