//! The definition of truth: one byte at a time.

use super::{BLOCK, Known, Letters, Masks};
use crate::scan::words::WordHash;

pub(super) fn classify(bytes: &[u8], out: &mut [Masks]) {
    for (block, masks) in bytes.chunks_exact(BLOCK).zip(out) {
        let mut m = Masks::default();
        for (n, &byte) in block.iter().enumerate() {
            let bit = 1 << n;
            if matches!(byte, b'0'..=b'9' | b' ' | b'(' | b')' | b'-' | b'.' | b'/' | b'~') {
                m.number |= bit;
            }
            match byte {
                b'0'..=b'9' => {
                    m.digit |= bit;
                    m.word |= bit;
                }
                b'A'..=b'Z' => {
                    m.upper |= bit;
                    m.word |= bit;
                }
                b'a'..=b'z' | b'_' => m.word |= bit,
                b'-' => m.dash |= bit,
                b'@' => m.at |= bit,
                b':' => m.colon |= bit,
                b'.' => m.dot |= bit,
                b'/' => m.slash |= bit,
                0xc2 | 0xcd | 0xd8.. => m.lead |= bit,
                _ => {}
            }
        }
        *masks = m;
    }
}

pub(super) fn letters(block: &[u8; BLOCK]) -> Letters {
    let mut letters = Letters::default();
    for (n, &byte) in block.iter().enumerate() {
        letters.ascii |= u64::from(byte.is_ascii_alphabetic()) << n;
        letters.high |= u64::from(byte >= 0x80) << n;
        letters.joint |= u64::from(byte == b'\'') << n;
        letters.mark |= u64::from(matches!(byte, b'[' | b'_')) << n;
    }
    letters
}

pub(super) fn pairs(block: &[u8; BLOCK + 1], pairs: &[(u8, u8)]) -> u64 {
    let mut places = 0;
    for (n, (byte, behind)) in block.iter().zip(block.iter().skip(1)).enumerate() {
        let is_one = |&(first, second): &(u8, u8)| byte | 0x20 == first && behind | 0x20 == second;
        places |= u64::from(pairs.iter().any(is_one)) << n;
    }
    places
}

/// Which of the words that begin at `starts`, all of which end in the block, are plain and not known.
pub(super) fn dismissed(bytes: &[u8], letters: &Letters, starts: u64, known: &Known<'_>) -> u64 {
    let all = letters.any();
    let mut dismissed = 0;
    let mut left = starts;
    while left != 0 {
        let at = left.trailing_zeros() as usize;
        left &= left - 1;
        let len = (all >> at).trailing_ones() as usize;
        let own = letters.high >> at & ((1 << len) - 1);
        let joints = (letters.joint << 1 | letters.joint >> len) >> at & 1;
        let is_plain = len <= 8 && own == 0 && joints == 0;
        if is_plain && !known.may_hold(WordHash::ascii(bytes, at, len)) {
            dismissed |= 1 << at;
        }
    }
    dismissed
}
