//! Encodings of text: inputs are turned into UTF-8 before they are scanned, outputs back into what the input was.
//!
//! Both ways are without loss, byte for byte: an input that is not what its encoding allows is refused as a whole. Text
//! that was not replaced therefore comes out as it was.
//!
//! Which encoding an input is in, when nobody says:
//!
//! 1. A byte order mark of UTF-8 or UTF-16 decides. It is kept.
//! 2. UTF-16 without a mark: in the first 64 KiB, of bytes at even places or of those at odd places at least a third is
//!    zero, and of the others not one in a hundred.
//! 3. Text (not JSON, which is UTF-8 by RFC 8259) with a byte that is not UTF-8, without a single letter beyond ASCII that
//!    is, and without control characters: Latin-1, read as windows-1252, which has the same letters and more.
//! 4. Everything else is UTF-8. In lines of text, bytes that are not stay as they are.

use encoding_rs::{Encoding as Known, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::io::{self, Read};
use std::sync::Arc;

/// How text is written as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with a byte order mark or without.
    Utf8,
    /// Two bytes a unit, the low one first.
    Utf16Le,
    /// Two bytes a unit, the high one first.
    Utf16Be,
    /// One byte a letter.
    Single(Arc<Table>),
}

/// An encoding of one byte a letter.
#[derive(PartialEq, Eq)]
pub struct Table {
    name: &'static str,
    /// The letter of each byte.
    letters: [Option<char>; 256],
    /// The byte of each letter beyond ASCII, in order of the letters.
    bytes: Vec<(char, u8)>,
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl Encoding {
    /// Returns the encoding of a name such as `utf-16le`, `latin1` or `windows-1251`; of those that take several bytes a
    /// letter, only UTF-8 and UTF-16 go back without loss.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let known = Known::for_label(name.trim().as_bytes())?;
        match known {
            _ if known == UTF_8 => Some(Self::Utf8),
            _ if known == UTF_16LE => Some(Self::Utf16Le),
            _ if known == UTF_16BE => Some(Self::Utf16Be),
            _ => Table::new(known).map(|table| Self::Single(Arc::new(table))),
        }
    }

    /// Returns its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Single(table) => table.name,
        }
    }

    /// Tells UTF-8 and UTF-16 by the first bytes of an input.
    pub(super) fn wide(head: &[u8]) -> Option<Self> {
        match head {
            [0xff, 0xfe, ..] => return Some(Self::Utf16Le),
            [0xfe, 0xff, ..] => return Some(Self::Utf16Be),
            [0xef, 0xbb, 0xbf, ..] => return Some(Self::Utf8),
            _ => {}
        }
        let n_zero = |from: usize| head.iter().skip(from).step_by(2).filter(|&&byte| byte == 0).count();
        let (even, odd, half) = (n_zero(0), n_zero(1), head.len() / 2);
        match () {
            () if half < 2 => None,
            () if odd * 3 >= half && even * 100 <= half => Some(Self::Utf16Le),
            () if even * 3 >= half && odd * 100 <= half => Some(Self::Utf16Be),
            () => None,
        }
    }

    /// Tells Latin-1 by the first bytes of a text.
    pub(super) fn narrow(head: &[u8]) -> Option<Self> {
        // Something must be wrong, and more than a letter of UTF-8 that the head ends in.
        std::str::from_utf8(head).err()?.error_len()?;
        let is_control = |byte: u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
        if head.utf8_chunks().any(|chunk| !chunk.valid().is_ascii() || chunk.valid().bytes().any(is_control)) {
            return None;
        }
        let table = Table::new(WINDOWS_1252)?;
        Some(Self::Single(Arc::new(table)))
    }

    /// Reads `raw` as UTF-8.
    pub(super) fn decode(&self, raw: Box<dyn Read + Send>) -> Box<dyn Read + Send> {
        match self {
            Self::Utf8 => raw,
            _ => Box::new(Decoder {
                encoding: self.clone(),
                raw,
                held: Vec::new(),
                out: Vec::new(),
                at: 0,
                ended: false,
            }),
        }
    }

    /// Writes UTF-8 in this encoding.
    ///
    /// # Errors
    /// A letter that the encoding does not have, or bytes that are not UTF-8. Neither can come from an input in this
    /// encoding.
    pub(super) fn encode(&self, text: Vec<u8>) -> io::Result<Vec<u8>> {
        if *self == Self::Utf8 {
            return Ok(text);
        }
        let foreign = || io::Error::new(io::ErrorKind::InvalidData, Unfit);
        let text = std::str::from_utf8(&text).map_err(|_| foreign())?;
        let mut out = Vec::with_capacity(text.len() * 2);
        match self {
            Self::Utf8 => {}
            Self::Utf16Le => out.extend(text.encode_utf16().flat_map(u16::to_le_bytes)),
            Self::Utf16Be => out.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
            Self::Single(table) => {
                for letter in text.chars() {
                    out.push(table.byte(letter).ok_or_else(foreign)?);
                }
            }
        }
        Ok(out)
    }

    /// Appends the UTF-8 of `bytes`; returns how many of them were used, all but the parts of a letter at the end.
    fn decode_into(&self, bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Unfit> {
        let mut push = |letter: char| out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        match self {
            Self::Utf8 => out.extend_from_slice(bytes),
            Self::Single(table) => {
                for &byte in bytes {
                    push(table.letter(byte).ok_or(Unfit)?);
                }
            }
            Self::Utf16Le | Self::Utf16Be => {
                let unit = |pair: &[u8]| match *pair {
                    [a, b] if *self == Self::Utf16Le => u16::from_le_bytes([a, b]),
                    [a, b] => u16::from_be_bytes([a, b]),
                    _ => 0,
                };
                let mut used = bytes.len() & !1;
                let last = bytes.get(used.saturating_sub(2)..used).map(unit);
                if last.is_some_and(|last| (0xd800..0xdc00).contains(&last)) {
                    used -= 2;
                }
                let units = bytes.get(..used).unwrap_or_default().chunks_exact(2).map(unit);
                for letter in char::decode_utf16(units) {
                    push(letter.map_err(|_| Unfit)?);
                }
                return Ok(used);
            }
        }
        Ok(bytes.len())
    }
}

impl Table {
    fn new(known: &'static Known) -> Option<Self> {
        if !known.is_single_byte() {
            return None;
        }
        let mut letters = [None; 256];
        let mut bytes = Vec::new();
        for (letter, byte) in letters.iter_mut().zip(0..=u8::MAX) {
            let text = known.decode_without_bom_handling_and_without_replacement(std::slice::from_ref(&byte));
            *letter = text.as_deref().and_then(|text| text.chars().next());
            if let Some(letter) = *letter {
                bytes.push((letter, byte));
            }
        }
        bytes.sort_unstable();
        let two_of_one = bytes.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a == b));
        // All formats are told apart by ASCII.
        let ascii = letters.iter().zip(0..128_u8).all(|(letter, byte)| *letter == Some(char::from(byte)));
        (!two_of_one && ascii).then_some(Self { name: known.name(), letters, bytes })
    }

    fn letter(&self, byte: u8) -> Option<char> {
        self.letters.get(usize::from(byte)).copied().flatten()
    }

    fn byte(&self, letter: char) -> Option<u8> {
        if letter.is_ascii() {
            return u8::try_from(letter).ok();
        }
        let at = self.bytes.binary_search_by_key(&letter, |&(letter, _)| letter).ok()?;
        self.bytes.get(at).map(|&(_, byte)| byte)
    }
}

/// What is not in its encoding.
#[derive(Debug, thiserror::Error)]
#[error("text that is not in its encoding")]
pub(super) struct Unfit;

struct Decoder {
    encoding: Encoding,
    raw: Box<dyn Read + Send>,
    held: Vec<u8>,
    out: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Decoder {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.out.len() {
            if self.ended {
                return Ok(0);
            }
            (self.at, self.ended) = (0, (&mut self.raw).take(READ_BYTES).read_to_end(&mut self.held)? == 0);
            self.out.clear();
            let unfit = |unfit| io::Error::new(io::ErrorKind::InvalidData, unfit);
            let used = self.encoding.decode_into(&self.held, &mut self.out).map_err(unfit)?;
            self.held.drain(..used);
            if self.ended && !self.held.is_empty() {
                return Err(unfit(Unfit));
            }
        }
        let rest = self.out.get(self.at..).unwrap_or_default();
        let n = rest.len().min(into.len());
        if let (Some(into), Some(rest)) = (into.get_mut(..n), rest.get(..n)) {
            into.copy_from_slice(rest);
        }
        self.at += n;
        Ok(n)
    }
}

const READ_BYTES: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn name(encoding: Option<Encoding>) -> &'static str {
        encoding.map_or("-", |encoding| encoding.name())
    }

    fn decode(name: &str, bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        let raw = Box::new(io::Cursor::new(bytes.to_vec()));
        Encoding::from_name(name).unwrap().decode(raw).read_to_end(&mut out).map(|_| out)
    }

    #[test]
    fn there_and_back() {
        let text = format!("\u{feff}caf\u{e9} \u{20ac} \u{1f44d}\r\n{}", "\u{1f44d}x".repeat(70_000));
        for label in ["utf-8", "utf-16le", "utf-16be"] {
            let encoding = Encoding::from_name(label).unwrap();
            let bytes = encoding.encode(text.clone().into_bytes()).unwrap();
            assert!(decode(label, &bytes).unwrap() == text.as_bytes(), "{label}");
            assert_eq!(name(Encoding::wide(&bytes)), label);
        }
        let every: Vec<u8> = (0..=255).collect();
        for label in ["latin1", "iso-8859-1", "windows-1252", "iso-8859-15", "koi8-r", "windows-1251"] {
            let encoding = Encoding::from_name(label).unwrap();
            assert_eq!(encoding.encode(decode(label, &every).unwrap()).unwrap(), every, "{label}");
        }
        assert_eq!(decode("latin1", b"caf\xe9").unwrap(), "caf\u{e9}".as_bytes());
        // Several bytes a letter, or none of its own.
        for label in ["shift_jis", "gb18030", "utf-7", "nonsense"] {
            assert_eq!(Encoding::from_name(label), None, "{label}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for bytes in [&b"h\0i"[..], b"\0\xd8h\0", b"\0\xdc", b"h\0\0\xd8"] {
            assert!(decode("utf-16le", bytes).is_err(), "{bytes:?}");
        }
        assert!(decode("windows-1253", b"\xaa").is_err());
        assert!(Encoding::from_name("latin1").unwrap().encode("\u{440}".into()).is_err());
    }

    #[test]
    fn told_by_content() {
        #[track_caller]
        fn check(head: &[u8], wide: &str, narrow: &str) {
            assert_eq!((name(Encoding::wide(head)), name(Encoding::narrow(head))), (wide, narrow), "{head:?}");
        }
        check(b"", "-", "-");
        check(b"hello", "-", "-");
        check(b"h\0e\0l\0l\0o\0", "utf-16le", "-");
        check(b"\0h\0e\0l\0l\0o", "utf-16be", "-");
        check(b"caf\xe9 au lait", "-", "windows-1252");
        check("caf\u{e9}".as_bytes(), "-", "-");
        check(b"caf\xc3\xa9 caf\xe9", "-", "-");
        check(b"cut here \xc3", "-", "-");
        check(b"bytes \x01\x02 \xff", "-", "-");
        check(b"\xe9t\xe9", "-", "windows-1252");
    }
}
