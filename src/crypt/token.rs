//! The text of a token: `tok_`, class, mode and epoch, body, check letters.
//!
//! ```text
//! tok_ph_sbbb_dfghjk…vtrq
//! ───┬──┬─┬──┬─────────┬─
//!    │  │ │  │         └ two check letters: CRC-8 of everything before, unkeyed
//!    │  │ │  └ body, two letters a byte: 12 bytes (v, m), 16 more than the value (s)
//!    │  │ └ mode and epoch
//!    │  └ class
//!    └ prefix
//! ```
//!
//! Mode, epoch, body and check are of 16 consonants: no digit, so that no token or piece of one reads as a phone, card
//! or date, and no vowel, so that none reads as a name. The check letters find slips and copies cut short. They
//! authenticate nothing: anybody can compute them.

use crate::entity::Kind;
use crate::span::Span;
use std::fmt;

/// The two letters that say what a token stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class([u8; 2]);

/// How a token was made, and so what can be done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// From a random secret that a vault keeps: reversible by the vault, erasable one by one.
    Vault,
    /// AES-256-SIV: reversible by the key.
    Siv,
    /// HMAC-SHA-256 cut to 96 bits: reversible by nobody, though whoever holds the key can try values.
    Mac,
}

/// Which generation of keys made a token: one of 4,096, written as three letters, `bbb` first.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u16);

/// A well-formed token, read in place. Whether a key opens it is another question.
///
/// # Security
/// `Debug` tells class, mode, epoch and length of the body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token<'t> {
    class: Class,
    mode: Mode,
    epoch: Epoch,
    letters: &'t [u8],
}

/// Why text is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It does not begin like one.
    #[error("no token begins here")]
    Head,
    /// It is too short, too long, or holds other letters.
    #[error("body is cut short, too long or damaged")]
    Body,
    /// The check letters are others.
    #[error("check letters do not match")]
    Check,
}

/// A place in text that is or looks like a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// From the prefix to the check letters, or to the last letter that could be of a token.
    pub span: Span,
    /// Whether it is one.
    pub shape: Shape,
}

/// Whether a place that begins like a token is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Length, letters and check are right.
    WellFormed,
    /// It begins like a token, and something is wrong with the rest.
    Broken,
}

impl Class {
    /// Returns the class of a kind.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "there is one for each kind")]
    pub const fn of(kind: Kind) -> Self {
        // Letters, and not texts that stand elsewhere.
        const CLASSES: [[u8; 2]; Kind::ALL.len()] = {
            let mut classes = [*b"ot"; Kind::ALL.len()];
            let mut rest = Kind::ALL;
            while let [kind, others @ ..] = rest {
                if let &[a, b] = kind.token_class().as_bytes() {
                    classes[*kind as usize] = [a, b];
                }
                rest = others;
            }
            classes
        };
        Self(CLASSES[kind as usize])
    }

    /// Reads two ASCII lower-case letters.
    #[must_use]
    pub const fn new(letters: &[u8]) -> Option<Self> {
        match letters {
            &[a, b] if a.is_ascii_lowercase() && b.is_ascii_lowercase() => Some(Self([a, b])),
            _ => None,
        }
    }

    /// Returns the letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns the letters as bytes.
    #[must_use]
    pub const fn bytes(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Debug for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 3] = [Self::Vault, Self::Siv, Self::Mac];

    /// Returns the letter that stands in a token.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Self::Vault => b'v',
            Self::Siv => b's',
            Self::Mac => b'm',
        }
    }

    /// Returns the name that policies use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vault => "vault",
            Self::Siv => "siv",
            Self::Mac => "mac",
        }
    }

    const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'v' => Some(Self::Vault),
            b's' => Some(Self::Siv),
            b'm' => Some(Self::Mac),
            _ => None,
        }
    }

    /// Returns whether a body of so many bytes can be of this mode.
    const fn fits(self, body_bytes: usize) -> bool {
        match self {
            Self::Vault | Self::Mac => body_bytes == SHORT_BODY_BYTES,
            Self::Siv => SIV_TAG_BYTES < body_bytes && body_bytes <= MAX_BODY_BYTES,
        }
    }
}

impl Epoch {
    /// How many there are.
    pub const COUNT: u16 = 1 << 12;

    /// Makes the epoch of a number below [`Epoch::COUNT`].
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number < Self::COUNT { Some(Self(number)) } else { None }
    }

    /// Reads three letters of the token alphabet.
    #[must_use]
    pub fn from_letters(letters: &[u8]) -> Option<Self> {
        let &[a, b, c] = letters else { return None };
        let [a, b, c] = [nibble(a)?, nibble(b)?, nibble(c)?].map(u16::from);
        Some(Self(a << 8 | b << 4 | c))
    }

    /// Returns the three letters.
    #[must_use]
    pub const fn letters(self) -> [u8; 3] {
        let [high, low] = self.0.to_be_bytes();
        let ([_, a], [b, c]) = (letter_pair(high), letter_pair(low));
        [a, b, c]
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.letters()).unwrap_or_default())
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl<'t> Token<'t> {
    /// Reads text that is one token and nothing else.
    ///
    /// # Errors
    /// [`Malformed`], which tells nothing of the text but where it stops being a token.
    ///
    /// # Cost
    /// One pass, no allocation. Takes as long as the text is, whatever the letters are.
    pub fn parse(text: &'t [u8]) -> Result<Self, Malformed> {
        let (class, mode, epoch) = head(text).ok_or(Malformed::Head)?;
        let (body, check) = text
            .get(HEAD_BYTES..)
            .and_then(|letters| letters.split_last_chunk::<CHECK_LETTERS>())
            .filter(|(body, _)| body.len().is_multiple_of(2) && mode.fits(body.len() / 2))
            .ok_or(Malformed::Body)?;
        if !body.iter().chain(check).all(|&letter| nibble(letter).is_some()) {
            return Err(Malformed::Body);
        }
        let before = text.get(..HEAD_BYTES + body.len()).unwrap_or_default();
        if letter_pair(crc8(0, before)) != *check {
            return Err(Malformed::Check);
        }
        Ok(Self { class, mode, epoch, letters: body })
    }

    /// Returns what it stands for.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// Returns how it was made.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns the generation of keys that made it.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Yields the bytes of the body.
    pub fn body(&self) -> impl ExactSizeIterator<Item = u8> + use<'t> {
        let (pairs, _) = self.letters.as_chunks::<2>();
        pairs.iter().map(|&[high, low]| nibble(high).unwrap_or_default() << 4 | nibble(low).unwrap_or_default())
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("class", &self.class)
            .field("mode", &self.mode)
            .field("epoch", &self.epoch)
            .field("body_bytes", &(self.letters.len() / 2))
            .finish()
    }
}

/// Returns how long the token of a body is, in bytes.
#[must_use]
pub const fn encoded_len(body_bytes: usize) -> usize {
    HEAD_BYTES + 2 * body_bytes + CHECK_LETTERS
}

/// Writes a token to the front of `out` and returns its length; nothing where `out` is shorter than [`encoded_len`] or
/// no token of this mode has such a body.
///
/// # Cost
/// One pass for the letters and one for the check. No allocation.
#[must_use]
pub fn encode(class: Class, mode: Mode, epoch: Epoch, body: &[u8], out: &mut [u8]) -> Option<usize> {
    write(class, mode, epoch, body, None, out).map(|_| encoded_len(body.len()))
}

/// Writes a token whose checksum may be known, as [`encode`] does, and returns the checksum.
pub(super) fn write(
    class: Class,
    mode: Mode,
    epoch: Epoch,
    body: &[u8],
    crc: Option<u8>,
    out: &mut [u8],
) -> Option<u8> {
    if !mode.fits(body.len()) {
        return None;
    }
    let (before, check) = out.get_mut(..encoded_len(body.len()))?.split_last_chunk_mut::<CHECK_LETTERS>()?;
    let (head, letters) = before.split_first_chunk_mut::<HEAD_BYTES>()?;
    let ([p0, p1, p2, p3], [c0, c1], [e0, e1, e2]) = (*PREFIX, class.0, epoch.letters());
    *head = [p0, p1, p2, p3, c0, c1, b'_', mode.letter(), e0, e1, e2, b'_'];
    let (pairs, _) = letters.as_chunks_mut::<2>();
    for (pair, &byte) in pairs.iter_mut().zip(body) {
        *pair = letter_pair(byte);
    }
    let crc = crc.unwrap_or_else(|| crc8(0, before));
    *check = letter_pair(crc);
    Some(crc)
}

/// Tells whether a token, or what looks like one, begins at byte `at` of `text`.
///
/// A token ends where its length and check letters say, so one that other letters follow at once (`…vtnow`) is still
/// found. The length of an `s` token is not written in it: the longest reading whose check letters match is taken, and
/// letters that follow at once match by chance one time in 256.
///
/// # Cost
/// One pass over the letters of the token. No allocation.
#[must_use]
pub fn token_at(text: &[u8], at: usize) -> Option<Found> {
    let rest = text.get(at..)?;
    let (_, mode, _) = head(rest)?;
    let (head, letters) = rest.split_first_chunk::<HEAD_BYTES>()?;
    let n_letters = letters.iter().take_while(|&&letter| nibble(letter).is_some()).count();
    let letters = letters.get(..n_letters).filter(|letters| !letters.is_empty())?;

    // The checksum runs along; wherever a body may end, the next two letters are asked.
    let mut crc = crc8(0, head);
    let mut end = None;
    for (n, &letter) in letters.iter().enumerate() {
        if n.is_multiple_of(2)
            && mode.fits(n / 2)
            && letters.get(n..n + CHECK_LETTERS) == Some(letter_pair(crc).as_slice())
        {
            end = Some(n + CHECK_LETTERS);
        }
        crc = crc8_step(crc, letter);
    }
    let (n_letters, shape) = end.map_or((letters.len(), Shape::Broken), |end| (end, Shape::WellFormed));
    let span = Span::new(u32::try_from(at).ok()?, u32::try_from(at + HEAD_BYTES + n_letters).ok()?);
    Some(Found { span, shape })
}

/// Yields what is or looks like a token in `text`, in order and disjoint.
///
/// Needs no border on the left: a token that was put right after a letter is one.
///
/// # Offsets
/// Bytes of `text`; what lies past 4 GiB is not looked at.
///
/// # Cost
/// One search for the prefix, then one pass over each token. Linear, whatever the text.
pub fn find_tokens(text: &[u8]) -> impl Iterator<Item = Found> + '_ {
    let finder = memchr::memmem::Finder::new(PREFIX);
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + finder.find(text.get(from..)?)?;
            match token_at(text, at) {
                Some(found) => {
                    from = found.span.range().end;
                    return Some(found);
                }
                None => from = at + PREFIX.len(),
            }
        }
    })
}

/// Reads what comes before the body.
fn head(text: &[u8]) -> Option<(Class, Mode, Epoch)> {
    let rest = text.strip_prefix(PREFIX)?;
    let &[c0, c1, b'_', mode, e0, e1, e2, b'_', ..] = rest else { return None };
    Some((Class::new(&[c0, c1])?, Mode::from_letter(mode)?, Epoch::from_letters(&[e0, e1, e2])?))
}

/// Returns the value of a letter of the alphabet.
#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
const fn nibble(letter: u8) -> Option<u8> {
    match NIBBLES[letter as usize] {
        NO_LETTER => None,
        nibble => Some(nibble),
    }
}

/// Returns the two letters of a byte, high half first.
#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
const fn letter_pair(byte: u8) -> [u8; 2] {
    PAIRS[byte as usize]
}

/// Goes on with a CRC-8: polynomial 0x07, nothing reflected, nothing inverted.
///
/// Eight bytes a step: one by one, each table load would wait for the last.
///
/// # Source
/// ITU-T I.432.1 §7.3.2.2 has the polynomial x^8 + x^2 + x + 1. Finds every change of up to eight bits in a row, hence
/// of one letter.
#[expect(clippy::indexing_slicing, reason = "tables are eight, a byte is below 256")]
fn crc8(crc: u8, bytes: &[u8]) -> u8 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let crc = eights.iter().fold(crc, |crc, &[a, b, c, d, e, f, g, h]| {
        CRC[7][usize::from(a ^ crc)]
            ^ CRC[6][usize::from(b)]
            ^ CRC[5][usize::from(c)]
            ^ CRC[4][usize::from(d)]
            ^ CRC[3][usize::from(e)]
            ^ CRC[2][usize::from(f)]
            ^ CRC[1][usize::from(g)]
            ^ CRC[0][usize::from(h)]
    });
    rest.iter().fold(crc, |crc, &byte| crc8_step(crc, byte))
}

#[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
const fn crc8_step(crc: u8, byte: u8) -> u8 {
    CRC[0][(crc ^ byte) as usize]
}

/// Longest body, in bytes: the tag and the longest canonical value.
pub const MAX_BODY_BYTES: usize = SIV_TAG_BYTES + 4_096;

/// Bytes of the synthetic initialization vector that begins the body of an `s` token.
pub(super) const SIV_TAG_BYTES: usize = 16;
/// Bytes of the body of `v` and `m` tokens: 96 bits.
pub(super) const SHORT_BODY_BYTES: usize = 12;

const PREFIX: &[u8; 4] = b"tok_";
const HEAD_BYTES: usize = 12;
const CHECK_LETTERS: usize = 2;
const ALPHABET: &[u8; 16] = b"bcdfghjkmnpqrstv";
const NO_LETTER: u8 = 0xff;

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const NIBBLES: [u8; 256] = {
    let mut table = [NO_LETTER; 256];
    let mut n = 0;
    while n < 16 {
        table[ALPHABET[n] as usize] = n as u8;
        n += 1;
    }
    table
};

#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const PAIRS: [[u8; 2]; 256] = {
    let mut table = [[0; 2]; 256];
    let mut n = 0;
    while n < 256 {
        table[n] = [ALPHABET[n >> 4], ALPHABET[n & 15]];
        n += 1;
    }
    table
};

/// `CRC[k][b]`: the checksum of byte `b` followed by `k` zero bytes.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const CRC: [[u8; 256]; 8] = {
    let mut table = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u8;
        let mut k = 0;
        while k < 8 {
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 };
                bit += 1;
            }
            table[k][byte] = crc;
            k += 1;
        }
        byte += 1;
    }
    table
};

#[cfg(test)]
#[allow(clippy::string_slice, reason = "tests say so by failing")]
mod tests {
    use super::*;

    fn token(mode: Mode, body: &[u8]) -> Vec<u8> {
        let mut out = vec![0; encoded_len(body.len())];
        assert_eq!(encode(Class::of(Kind::PhoneNumber), mode, Epoch::default(), body, &mut out), Some(out.len()));
        out
    }

    #[test]
    fn checksum() {
        // The check value of CRC-8 with this polynomial in the catalogues, and the definition bit by bit.
        assert_eq!(crc8(0, b"123456789"), 0xf4);
        let bits = |bytes: &[u8]| {
            bytes.iter().fold(0_u8, |crc, byte| {
                (0..8).fold(crc ^ byte, |crc, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 0x07 })
            })
        };
        let text: Vec<u8> = (0..=255).collect();
        for n in 0..text.len() {
            assert_eq!(crc8(0, &text[..n]), bits(&text[..n]), "{n}");
        }
    }

    #[test]
    fn letters() {
        let text = token(Mode::Mac, &[0x00, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xff, 0x10, 0x80]);
        assert_eq!(&text[..36], b"tok_ph_mbbb_bbbcdfghjkmnpqrstvvvcbmb");
        assert_eq!(text.len(), 38);
        assert_eq!(Epoch::from_letters(b"vvv"), Epoch::new(4_095));
        assert_eq!(Epoch::new(0x012).unwrap().letters(), *b"bcd");
        assert_eq!((Epoch::new(4_096), Epoch::from_letters(b"bba"), Epoch::from_letters(b"bb")), (None, None, None));
    }

    #[test]
    fn every_kind_has_a_class() {
        for &kind in Kind::ALL {
            assert_eq!(Class::new(kind.token_class().as_bytes()), Some(Class::of(kind)));
        }
    }

    #[track_caller]
    fn check(text: &[u8], want: Result<usize, Malformed>) {
        assert_eq!(Token::parse(text).map(|token| token.body().len()), want, "{}", String::from_utf8_lossy(text));
    }

    #[test]
    fn parses() {
        let mac = token(Mode::Mac, &[7; 12]);
        let siv = token(Mode::Siv, &[7; 17]);
        check(&mac, Ok(12));
        check(&siv, Ok(17));
        check(&token(Mode::Siv, &[9; MAX_BODY_BYTES]), Ok(MAX_BODY_BYTES));
        check(b"", Err(Malformed::Head));
        check(b"tok_", Err(Malformed::Head));
        check(&mac[..12], Err(Malformed::Body));
        check(&mac[..36], Err(Malformed::Body));
        check(&siv[..siv.len() - 1], Err(Malformed::Body));
        check(&[&mac[..], b"bb"].concat(), Err(Malformed::Body));
        check(&mac.to_ascii_uppercase(), Err(Malformed::Head));
        check(&[b"tok_ph_xbbb_", &mac[12..]].concat(), Err(Malformed::Head));
        check(&[b"tok_ph_mbba_", &mac[12..]].concat(), Err(Malformed::Head));
        check(&[b"tok_p1_mbbb_", &mac[12..]].concat(), Err(Malformed::Head));
        check(&[b"tok_em_mbbb_", &mac[12..]].concat(), Err(Malformed::Check));
        let mut damaged = mac.clone();
        damaged[20] = b'a';
        check(&damaged, Err(Malformed::Body));
        damaged[20] = if mac[20] == b'b' { b'c' } else { b'b' };
        check(&damaged, Err(Malformed::Check));
    }

    #[test]
    fn bodies_of_no_mode_are_not_written() {
        let class = Class::of(Kind::Iban);
        let mut out = vec![0; encoded_len(MAX_BODY_BYTES + 1)];
        for (mode, n) in [(Mode::Mac, 11), (Mode::Vault, 13), (Mode::Siv, 16), (Mode::Siv, MAX_BODY_BYTES + 1)] {
            assert_eq!(encode(class, mode, Epoch::default(), &vec![1; n], &mut out), None, "{mode:?} {n}");
        }
        assert_eq!(encode(class, Mode::Mac, Epoch::default(), &[1; 12], &mut out[..37]), None);
    }

    #[track_caller]
    fn found(text: &str, want: &[(std::ops::Range<u32>, Shape)]) {
        let got: Vec<_> = find_tokens(text.as_bytes()).map(|f| (f.span.start..f.span.end, f.shape)).collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn finds() {
        use Shape::{Broken, WellFormed};
        let mac = String::from_utf8(token(Mode::Mac, &[7; 12])).unwrap();
        let siv = String::from_utf8(token(Mode::Siv, &[7; 20])).unwrap();
        let (m, s) = (38, 54);
        found("nothing, tok_, tok_ph_, tok_ph_mbbb_, token", &[]);
        found(&format!("call {mac}, or {siv}."), &[(5..5 + m, WellFormed), (48..48 + s, WellFormed)]);
        found(
            &format!("{mac}{siv}{mac}"),
            &[(0..m, WellFormed), (m..m + s, WellFormed), (m + s..m + s + m, WellFormed)],
        );
        found(&format!("x{mac}now"), &[(1..1 + m, WellFormed)]);
        found(&format!("x{siv}now"), &[(1..1 + s, WellFormed)]);
        found(&mac[..30], &[(0..30, Broken)]);
        found(&siv[..40], &[(0..40, Broken)]);
        found("tok_ph_mbbb_b tok_zz_sbbb_bcdf1", &[(0..13, Broken), (14..30, Broken)]);
        found(&mac.replacen("ph", "em", 1), &[(0..m, Broken)]);
    }

    #[test]
    fn debug_holds_no_letters() {
        let text = token(Mode::Mac, &[7; 12]);
        let printed = format!("{:?}", Token::parse(&text).unwrap());
        assert_eq!(printed, "Token { class: ph, mode: Mac, epoch: bbb, body_bytes: 12 }");
    }
}
