//! Folding: text in other scripts' digits, full-width letters or with invisible characters gets an ASCII shadow with an
//! exact offset map, so that no form of writing hides a value. Detections are reported on the original bytes.
//!
//! Most text, also most text above ASCII, needs none of it and is scanned as it is.

/// What becomes of a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fold {
    Keep,
    Drop,
    To(u8),
}

/// First code points of the decimal digits of Unicode 16 (category Nd) above ASCII, ten in a row each.
///
/// # Source
/// The Unicode Character Database, `DerivedNumericType.txt`.
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50, 0xed0, 0xf20,
    0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0,
    0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40, 0x11066, 0x110f0, 0x11136, 0x111d0,
    0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da, 0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50,
    0x11d50, 0x11da0, 0x11f50, 0x16130, 0x16a60, 0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2,
    0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

fn fold(c: char) -> Fold {
    let code = u32::from(c);
    match code {
        // Soft hyphen, combining grapheme joiner, Arabic letter mark, Hangul fillers, Mongolian separators, zero-width
        // characters, bidirectional controls, invisible operators, variation selectors, byte order mark, keycap, tags.
        0xad
        | 0x34f
        | 0x61c
        | 0x115f
        | 0x1160
        | 0x17b4
        | 0x17b5
        | 0x180b..=0x180f
        | 0x200b..=0x200f
        | 0x202a..=0x202e
        | 0x2060..=0x206f
        | 0x20e3
        | 0x3164
        | 0xfe00..=0xfe0f
        | 0xfeff
        | 0xffa0
        | 0xe0000..=0xe0fff => Fold::Drop,
        0xa0 | 0x1680 | 0x2000..=0x200a | 0x202f | 0x205f | 0x3000 => Fold::To(b' '),
        0xb2 => Fold::To(b'2'),
        0xb3 => Fold::To(b'3'),
        0xb9 => Fold::To(b'1'),
        0x2070 | 0x2074..=0x2079 => digit(code - 0x2070),
        0x2080..=0x2089 => digit(code - 0x2080),
        0x2460..=0x2468 => digit(code - 0x245f),
        0x24ea => Fold::To(b'0'),
        0x2010..=0x2015 | 0x2043 | 0x2212 | 0xfe58 | 0xfe63 => Fold::To(b'-'),
        0x2024 | 0xfe52 => Fold::To(b'.'),
        0xfe6b => Fold::To(b'@'),
        0xfe55 => Fold::To(b':'),
        0xff01..=0xff5e if !(0xff10..=0xff19).contains(&code) => match u8::try_from(code - 0xfee0) {
            Ok(ascii) => Fold::To(ascii),
            Err(_) => Fold::Keep,
        },
        0x3002 | 0xff61 => Fold::Keep,
        // Mathematical alphanumerics: thirteen alphabets of 26 capitals and 26 small letters.
        0x1d400..=0x1d6a3 => match u8::try_from((code - 0x1d400) % 52) {
            Ok(n) if n < 26 => Fold::To(b'A' + n),
            Ok(n) => Fold::To(b'a' + (n - 26)),
            Err(_) => Fold::Keep,
        },
        _ => match ZEROS.partition_point(|&zero| zero <= code).checked_sub(1).and_then(|at| ZEROS.get(at)) {
            Some(&zero) if code - zero < 10 => digit(code - zero),
            _ => Fold::Keep,
        },
    }
}

fn digit(value: u32) -> Fold {
    u8::try_from(value).map_or(Fold::Keep, |value| Fold::To(b'0' + value))
}

/// Returns whether a character that begins with this byte may fold; the rest is skipped without decoding.
const fn may_fold(lead: u8) -> bool {
    matches!(lead, 0xc2 | 0xcd | 0xd8 | 0xd9 | 0xdb | 0xdf | 0xe0..=0xe3 | 0xea | 0xef | 0xf0 | 0xf3)
}

/// Returns whether `text` holds a character that folds.
pub(super) fn needs_fold(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&b| b >= 0x80) {
        let Some(tail) = rest.get(at..) else { return false };
        let (c, len) = decode(tail);
        if tail.first().is_some_and(|&lead| may_fold(lead)) && c.is_some_and(|c| fold(c) != Fold::Keep) {
            return true;
        }
        rest = tail.get(len..).unwrap_or_default();
    }
    false
}

/// Returns whether the character at the start of `text` folds; a byte in the middle of a character does not.
#[inline]
pub(super) fn begins_with_fold(text: &[u8]) -> bool {
    text.first().is_some_and(|&lead| may_fold(lead)) && decode(text).0.is_some_and(|c| fold(c) != Fold::Keep)
}

/// Decodes the character at the start of `bytes`; an invalid byte stands for itself.
fn decode(bytes: &[u8]) -> (Option<char>, usize) {
    let len = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => 1,
    };
    let c = bytes.get(..len).and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next());
    (c, if c.is_some() { len } else { 1 })
}

/// Appends `text` as the scanner reads it: digits of every script, full-width letters and signs in ASCII, without what is
/// not seen. Other characters and bytes that are no UTF-8 stay.
///
/// # Cost
/// One pass; one copy where the text is ASCII.
pub fn fold_into(text: &[u8], out: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let ascii = rest.iter().take_while(|&&b| b < 0x80).count();
        out.extend_from_slice(rest.get(..ascii).unwrap_or_default());
        let Some(rest) = rest.get(ascii..).filter(|rest| !rest.is_empty()) else { return };
        let (c, len) = decode(rest);
        match c.map_or(Fold::Keep, fold) {
            Fold::Drop => {}
            Fold::To(byte) => out.push(byte),
            Fold::Keep => out.extend_from_slice(rest.get(..len).unwrap_or_default()),
        }
        at += ascii + len;
    }
}

/// The shadow of a text, and where each of its bytes came from.
#[derive(Default)]
pub(super) struct Shadow {
    /// The folded text.
    pub(super) bytes: Vec<u8>,
    /// For every byte of the shadow where its character begins and ends in the original.
    places: Vec<(u32, u32)>,
}

impl Shadow {
    /// Folds `text`. Invalid UTF-8 stays as it is and separates.
    pub(super) fn fill(&mut self, text: &[u8]) {
        self.bytes.clear();
        self.places.clear();
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let ascii = rest.iter().take_while(|&&b| b < 0x80).count();
            for (n, &byte) in rest.iter().take(ascii).enumerate() {
                self.push(byte, at + n, at + n + 1);
            }
            at += ascii;
            let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { break };
            let (c, len) = decode(rest);
            match c.map_or(Fold::Keep, fold) {
                Fold::Drop => {}
                Fold::To(byte) => self.push(byte, at, at + len),
                Fold::Keep => {
                    for (n, &byte) in rest.iter().take(len).enumerate() {
                        self.push(byte, at + n, at + n + 1);
                    }
                }
            }
            at += len;
        }
    }

    fn push(&mut self, byte: u8, start: usize, end: usize) {
        // Texts are at most 4 GiB: the door checks.
        let place = (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX));
        self.bytes.push(byte);
        self.places.push(place);
    }

    /// Returns where `start..end` of the shadow stands in the original.
    pub(super) fn original(&self, start: u32, end: u32) -> (u32, u32) {
        let first = self.places.get(start as usize).map_or(0, |place| place.0);
        let last = (end as usize).checked_sub(1).and_then(|at| self.places.get(at)).map_or(first, |place| place.1);
        (first, last)
    }
}

#[cfg(test)]
mod tests {
    use super::super::simd::{BLOCK, Level, Masks};
    use super::*;

    #[track_caller]
    fn check(text: &str, shadow: &str) {
        let mut s = Shadow::default();
        s.fill(text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&s.bytes), shadow);
        let mut copy = Vec::new();
        fold_into(text.as_bytes(), &mut copy);
        assert_eq!(copy, s.bytes);
        assert_eq!(needs_fold(text.as_bytes()), text != shadow, "{text}");
    }

    #[test]
    fn folds() {
        check("plain", "plain");
        check("déjà vu", "déjà vu");
        check("Привет, 你好", "Привет, 你好");
        check("٠١٢٣٤٥٦٧٨٩", "0123456789");
        check("۰۱۲۳۴۵۶۷۸۹", "0123456789");
        check("०१२३४५६७८९", "0123456789");
        check("๐๑๒๓", "0123");
        check("１２３＠ｅｘａｍｐｌｅ．ｏｒｇ", "123@example.org");
        check("0\u{200b}1\u{2060}2\u{ad}3\u{202e}4", "01234");
        check("07\u{a0}71\u{2011}23", "07 71-23");
        check("𝟎𝟏𝟐", "012");
        check("1\u{fe0f}\u{20e3}2\u{fe0f}\u{20e3}", "12");
        check("²³¹", "231");
    }

    #[test]
    fn every_zero_begins_ten_digits() {
        for &zero in ZEROS {
            for n in 0..10_u8 {
                let c = char::from_u32(zero + u32::from(n)).expect("a character");
                assert_eq!(fold(c), Fold::To(b'0' + n), "{:x}", zero);
                assert!(may_fold(c.to_string().as_bytes()[0]), "{zero:x}");
            }
        }
        assert!(ZEROS.windows(2).all(|w| w[0] + 10 <= w[1]), "sorted and apart");
    }

    #[test]
    fn every_folding_character_begins_with_a_byte_that_may_fold() {
        for c in (0x80..=0x10_ffff).filter_map(char::from_u32) {
            if fold(c) != Fold::Keep {
                assert!(may_fold(c.to_string().as_bytes()[0]), "{:x}", u32::from(c));
            }
        }
    }

    #[test]
    fn every_byte_that_may_fold_is_an_anchor() {
        for lead in (0..=u8::MAX).filter(|&lead| may_fold(lead)) {
            let mut masks = [Masks::default()];
            Level::Scalar.classify(&[lead; BLOCK], &mut masks);
            assert_eq!(masks[0].lead, u64::MAX, "{lead:x}");
        }
    }

    #[test]
    fn places() {
        let mut s = Shadow::default();
        s.fill("a٠\u{200b}١b".as_bytes());
        assert_eq!(s.bytes, b"a01b");
        assert_eq!(s.original(1, 3), (1, 8), "covers the invisible character inside");
        assert_eq!(s.original(0, 4), (0, 9));
        s.fill(b"\xff\xd9\xa01");
        assert_eq!(s.bytes, b"\xff01");
        assert_eq!(s.original(1, 3), (1, 4));
    }
}
