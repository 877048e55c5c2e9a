//! Telephone numbers in text: where one begins and ends, how it is written, and how much speaks for it.
//!
//! [`find`] looks at one place, the start of a run of digits. It collects the groups of digits that separators of
//! telephone numbers hold together, then reads every prefix of them that ends at a group as an international number
//! (`+`, `00`, `011`, the prefix of a default region), as a national number of the default regions, and as an
//! international number without a `+`. The reading with the most evidence wins, the longer where two are equal.
//!
//! ```text
//! (0845) 281 4032 5 pm      groups 0845 281 4032 5; 0845 281 4032 is valid in GB, one digit more is not
//! ```
//!
//! Evidence is in tenths of a bit and knows no context words: a phone word near adds to it (60 by convention), and what
//! comes to less than 0 is not a telephone number. What each observation is worth stands in the table `worth` below. So:
//! a valid number with `+` needs nothing else; a valid mobile without `+` but with its country code stands at 0; a
//! number of possible length whose range is not assigned needs a phone word.
//!
//! What is refused: fewer than seven digits (short codes and emergency numbers are not persons), dates, IP addresses,
//! cards in groups of four, amounts of money, digits in the middle of a longer number, of a word or of an e-mail address.
//!
//! # Offsets
//! The span covers the `+` and the brackets that belong to the number. It leaves out an extension, `tel:`, the rest of a
//! link (`wa.me/`), and what follows the digits in a WhatsApp address (`@s.whatsapp.net`).

use crate::ids::Region;
use crate::label::label_before;
use crate::plan::{self, Grouping, LineType, Number};
use crate::span::Span;

/// A telephone number in text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phone {
    /// Where it stands.
    pub(crate) span: Span,
    /// What it is.
    pub(crate) number: Number,
    /// What speaks for it, in tenths of a bit, without context words.
    pub(crate) evidence: i16,
}

/// A number as it was read, and what speaks for that reading.
type Reading = (Number, i16);

/// What observations are worth, in tenths of a bit.
mod worth {
    /// A `+` before a number of an assigned range; hardly anything else looks so.
    pub(super) const PLUS: i16 = 80;
    /// A `+` before a number of possible length only.
    pub(super) const PLUS_POSSIBLE: i16 = -25;
    /// The link or address takes only telephone numbers.
    pub(super) const ADDRESS: i16 = 90;
    /// The international prefix of a default region.
    pub(super) const DIALLED: i16 = 60;
    /// `00` or `011` where no default region says so.
    pub(super) const DIALLED_ELSEWHERE: i16 = 30;
    /// A valid national number with the prefix that it is always written with.
    pub(super) const NATIONAL_PREFIXED: i16 = 25;
    /// A valid national number of a plan or range that is written without a prefix.
    pub(super) const NATIONAL_PLAIN: i16 = 8;
    /// A valid national number that lacks its usual prefix.
    pub(super) const NATIONAL_UNPREFIXED: i16 = -15;
    /// A valid national number that starts with its own country code.
    pub(super) const OWN_CODE: i16 = 20;
    /// A national number of possible length only.
    pub(super) const NATIONAL_POSSIBLE: i16 = -50;
    /// A shape that names its plan without a default region: `415-555-0132`.
    pub(super) const SHAPE: i16 = 5;
    /// A valid mobile with country code and without `+`: as likely as not.
    pub(super) const BARE_MOBILE: i16 = 0;
    /// Another valid number with country code and without `+`.
    pub(super) const BARE: i16 = -25;
    /// The range is for mobiles: what people write most.
    pub(super) const MOBILE: i16 = 8;
    /// Grouped as the plan's formats have it.
    pub(super) const USUAL: i16 = 20;
    /// Grouped as the formats, with fewer borders.
    pub(super) const COARSER: i16 = 10;
    /// Grouped as nobody groups.
    pub(super) const ODD: i16 = -15;
    /// Eight digits or fewer: much else is that short.
    pub(super) const EIGHT: i16 = -8;
    /// Seven digits.
    pub(super) const SEVEN: i16 = -20;
    /// Six digits.
    pub(super) const SIX: i16 = -45;
    /// Milliseconds since 1970.
    pub(super) const EPOCH: i16 = -60;
    /// One digit all over.
    pub(super) const REPEATED: i16 = -50;
    /// A letter stands right before it.
    pub(super) const GLUED_LEFT: i16 = -35;
    /// A letter stands right after it: a price or an age, where a prefix makes the number plain.
    pub(super) const GLUED_RIGHT: i16 = -8;
    /// A letter stands right after a number without any prefix.
    pub(super) const GLUED_PLAIN: i16 = -40;
    /// A `=` joins it to a word before it, as in a log.
    pub(super) const EQUALS_LEFT: i16 = -18;
    /// A `-` joins it to a word before it, as in a reference.
    pub(super) const HYPHEN_LEFT: i16 = -30;
    /// A `/` or the like joins it to a word before it, as in a link.
    pub(super) const JOINED_LEFT: i16 = -45;
    /// Further digits stand before it, one blank away, too few to be a number of their own: this is rather their rest.
    pub(super) const NEIGHBOUR: i16 = -60;
    /// Further digits stand after it, one blank away, too few to be a number of their own.
    pub(super) const TRAILER: i16 = -20;
    /// What a number that leaves such digits out must have ahead of one that takes them in.
    pub(super) const LEAVES_OUT: i16 = 20;
    /// So, but one or two digits after a whole number: an hour, an amount.
    pub(super) const SMALL_NEIGHBOUR: i16 = -4;
    /// Dots every three digits, as in an amount.
    pub(super) const THOUSANDS: i16 = -25;
    /// Reads as an IP address; a few plans write their numbers so, a phone word decides.
    pub(super) const IP: i16 = -40;
    /// Reads as year, month, day.
    pub(super) const DAY: i16 = -30;
    /// With so much, a number is taken as it stands.
    pub(super) const PLAIN: i16 = 30;
    /// Not the first default region.
    pub(super) const LATER_REGION: i16 = -3;
}

/// Fewest digits of a number, prefixes and country code included.
const MIN_DIGITS: usize = 7;
/// Fewest digits of a number in groups: some islands have no more, and a short code is not written so.
const MIN_GROUPED: usize = 6;
/// Most digits of a number without `+`: what E.164 allows.
const MAX_BARE: usize = 15;
/// Most digits: a prefix of up to four, a country code and a national number add up to 15 by E.164, a few plans go past.
const MAX_DIGITS: usize = 20;
/// Room for digits of which eight are written at once.
const DIGITS_ROOM: usize = MAX_DIGITS + 8;
/// Most groups of digits.
const MAX_GROUPS: usize = 12;
/// Longest separator in bytes.
const MAX_SEPARATOR: usize = 7;

/// What a byte can be between and in the groups of a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Digit,
    /// A separator of one byte.
    Separator,
    /// A bracket, or the first byte of a longer separator.
    Part,
    /// Ends the number.
    Other,
}

static CLASSES: [Class; 256] = {
    let mut classes = [Class::Other; 256];
    let mut byte = 0u8;
    while let Some(class) = classes.split_at_mut(byte as usize).1.first_mut() {
        *class = match byte {
            b'0'..=b'9' => Class::Digit,
            b' ' | b'-' | b'.' | b'/' => Class::Separator,
            b'(' | b')' | b'~' | 0xC2 | 0xE2 | 0xE3 | 0xEF => Class::Part,
            _ => Class::Other,
        };
        let Some(next) = byte.checked_add(1) else { break };
        byte = next;
    }
    classes
};

impl Class {
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    fn of(byte: u8) -> Self {
        CLASSES[usize::from(byte)]
    }

    /// Returns the class of the first byte; the end of the text ends a number.
    #[inline]
    fn first(text: &[u8]) -> Self {
        text.first().map_or(Self::Other, |&byte| Self::of(byte))
    }
}

/// A one in each of eight bytes.
const EACH: u64 = 0x0101_0101_0101_0101;

/// Marks each of eight bytes that is no ASCII digit by its highest bit. A byte of `0xba` or more marks the one after it,
/// too; up to the first mark all is right.
#[inline]
fn non_digits(bytes: [u8; 8]) -> u64 {
    let values = u64::from_le_bytes(bytes) ^ (0x30 * EACH);
    // A value of 10 or more grows into the highest bit; one that has it, keeps it.
    (values.wrapping_add(0x76 * EACH) | values) & (0x80 * EACH)
}

/// Marks each of eight bytes that is an ASCII character after the digits: letters, `:`, `_`, braces.
#[inline]
fn letters(bytes: [u8; 8]) -> u64 {
    let bytes = u64::from_le_bytes(bytes);
    ((bytes & (0x7f * EACH)) + 0x46 * EACH) & !bytes & (0x80 * EACH)
}

/// A run of digits within a number. Places count from the first digit of the number, which keeps them in a byte: a
/// number has at most [`MAX_DIGITS`] digits and [`MAX_GROUPS`] separators of [`MAX_SEPARATOR`] bytes.
#[derive(Clone, Copy, Default)]
struct Group {
    /// One past the last byte.
    end: u8,
    /// How many digits it has.
    length: u8,
    /// How many digits stand before the group's end.
    digits: u8,
    /// Brackets open after the group: 0 or 1.
    open: u8,
    /// A bracket was closed before the group.
    closed: bool,
    /// The separator before the group; a blank, `-`, `.`, `/`, `~` or 0.
    separator: u8,
}

impl Group {
    #[inline]
    fn end(&self) -> usize {
        usize::from(self.end)
    }

    #[inline]
    fn length(&self) -> usize {
        usize::from(self.length)
    }

    #[inline]
    fn digits(&self) -> usize {
        usize::from(self.digits)
    }
}

/// The digits from one place on, with what holds them together.
#[derive(Default)]
struct Run {
    groups: [Group; MAX_GROUPS],
    n_groups: usize,
    /// Room for eight bytes after each digit, which are written at once; what they are is undefined.
    digits: [u8; DIGITS_ROOM],
    n_digits: usize,
    /// Where groups begin: bit `i` for one that begins with digit `i`.
    borders: u32,
    /// The last group goes on past the digits that were kept.
    cut: bool,
}

impl Run {
    /// Walks right from `at`. `open` is 1 after a bracket.
    ///
    /// # Cost
    /// About 60 instructions a group of up to seven digits with a separator of one byte.
    #[inline]
    fn read(text: &[u8], at: usize, open: u8) -> Self {
        let mut run = Self::default();
        run.fill(text, at, open);
        run
    }

    /// Reads into what is empty, for a run is too large to be moved about.
    fn fill(&mut self, text: &[u8], at: usize, open: u8) {
        let text = text.get(at..).unwrap_or_default();
        let (mut place, mut open, mut closed, mut separator) = (0, open, false, 0);
        let (mut n_groups, mut n_digits, mut borders) = (0, 0, 0u32);
        for slot in &mut self.groups {
            let Stretch { length, next, after } = copy_digits(text, place, &mut self.digits, n_digits);
            if n_digits + length > MAX_DIGITS {
                // What does not fit is not a part of the last whole group.
                self.cut = true;
                break;
            }
            borders |= 1 << n_digits;
            n_digits += length;
            place += length;
            // All three are small: see the type.
            let (end, length, digits) = (place as u8, length as u8, n_digits as u8);
            *slot = Group { end, length, digits, open, closed, separator };
            n_groups += 1;
            match (Class::of(next), Class::of(after)) {
                (Class::Separator, Class::Digit) => (place, separator) = (place + 1, next),
                (Class::Other, _) | (Class::Separator, Class::Other) => break,
                _ => {
                    let rest = text.get(place..).unwrap_or_default();
                    let Some(gap) = Gap::read(rest, open) else { break };
                    (open, separator) = (gap.open, gap.mark);
                    closed |= gap.closed;
                    place += gap.length;
                }
            }
        }
        (self.n_groups, self.n_digits, self.borders) = (n_groups, n_digits, borders);
    }

    #[inline]
    fn groups(&self) -> &[Group] {
        self.groups.get(..self.n_groups).unwrap_or_default()
    }

    #[inline]
    fn digits(&self, from: usize, to: usize) -> &[u8] {
        self.digits.get(from..to).unwrap_or_default()
    }

    /// Returns the lengths of the first four groups, 0 where there is none.
    #[inline]
    fn lengths(&self) -> [u8; 4] {
        let [one, two, three, four, ..] = &self.groups;
        [one.length, two.length, three.length, four.length]
    }

    /// Reads a group as a number.
    fn value(&self, group: usize) -> Option<u32> {
        let group = self.groups().get(group)?;
        let digits = self.digits(group.digits() - (group.length()), group.digits());
        (digits.len() <= 4).then(|| digits.iter().fold(0, |value, &digit| value * 10 + u32::from(digit & 15)))
    }
}

/// Digits in a row, and the two bytes after them; 0 behind the end of the text.
struct Stretch {
    length: usize,
    next: u8,
    after: u8,
}

/// Copies the digits that stand at `from` in `text` to place `at`. Where they do not fit, no matter what is copied, and
/// counting stops early.
#[inline]
#[expect(clippy::indexing_slicing, reason = "the place of a byte among eight, and the one after it, are below nine")]
fn copy_digits(text: &[u8], from: usize, to: &mut [u8; DIGITS_ROOM], at: usize) -> Stretch {
    if let Some(window) = text.get(from..from + 9).and_then(|window| window.first_chunk::<9>())
        && let Some((&eight, _)) = window.split_first_chunk()
        && let Some(room) = to.get_mut(at..at + 8)
    {
        room.copy_from_slice(&eight);
        let marks = non_digits(eight);
        if marks != 0 {
            let length = marks.trailing_zeros() as usize / 8;
            return Stretch { length, next: window[length & 7], after: window[(length & 7) + 1] };
        }
    }
    copy_more_digits(text, from, to, at)
}

/// The same, digit by digit: for the last bytes of a text, and for long groups.
#[inline(never)]
fn copy_more_digits(text: &[u8], from: usize, to: &mut [u8; DIGITS_ROOM], at: usize) -> Stretch {
    let text = text.get(from..).unwrap_or_default();
    let mut length = 0;
    for (to, &digit) in to.iter_mut().skip(at).zip(text) {
        if !digit.is_ascii_digit() {
            break;
        }
        *to = digit;
        length += 1;
    }
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    Stretch { length, next: byte(length), after: byte(length + 1) }
}

/// What stands between two groups of one number.
struct Gap {
    length: usize,
    open: u8,
    closed: bool,
    mark: u8,
}

impl Gap {
    /// Reads a separator of any kind that ends at a digit: blanks, at most one of `-`, `.`, `/`, `~`, and brackets that
    /// match.
    ///
    /// # Source
    /// libphonenumber, `VALID_PUNCTUATION`, without the square brackets, which are those of labels here.
    #[inline(never)]
    fn read(text: &[u8], open: u8) -> Option<Self> {
        let mut gap = Self { length: 0, open, closed: false, mark: 0 };
        let (mut blanks, mut marks) = (0, 0);
        loop {
            let rest = text.get(gap.length..)?;
            let width = match *rest {
                [b'0'..=b'9', ..] => return (gap.length > 0).then_some(gap),
                // A full stop and a blank end a sentence.
                [b'.', b' ', ..] => return None,
                [mark @ (b'-' | b'.' | b'/' | b'~'), ..] => {
                    marks += 1;
                    gap.mark = mark;
                    1
                }
                [b' ', ..] => 1,
                [b'(', ..] if gap.open == 0 => {
                    gap.open = 1;
                    1
                }
                [b')', ..] if gap.open == 1 => {
                    gap.open = 0;
                    gap.closed = true;
                    1
                }
                [0xC2, 0xA0, ..] => 2,
                // Dashes U+2010..=U+2015 and U+2212, narrow and ideographic blanks.
                [0xE2, 0x80, 0x90..=0x95, ..] | [0xE2, 0x88, 0x92, ..] | [0xEF, 0xBC, 0x8D, ..] => {
                    marks += 1;
                    gap.mark = b'-';
                    3
                }
                [0xE2, 0x80, 0xAF, ..] | [0xE3, 0x80, 0x80, ..] => 3,
                _ => return None,
            };
            if matches!(*rest, [b' ' | 0xC2 | 0xE3, ..] | [0xE2, 0x80, 0xAF, ..]) {
                blanks += 1;
                gap.mark = if gap.mark == 0 { b' ' } else { gap.mark };
            }
            gap.length += width;
            if blanks > 3 || marks > 1 || gap.length > MAX_SEPARATOR {
                return None;
            }
        }
    }
}

/// The marks that belong to a number and stand before its digits.
struct Lead<'t> {
    /// Where a `+` stands.
    plus: Option<usize>,
    /// Where a bracket stands that opens before the digits.
    bracket: Option<usize>,
    /// What stands before them.
    rest: &'t [u8],
}

impl<'t> Lead<'t> {
    fn read(text: &'t [u8], at: usize, floor: usize) -> Option<Self> {
        let mut lead = Self { plus: None, bracket: None, rest: text.get(floor..at)? };
        while let Some((&last, head)) = lead.rest.split_last() {
            let before = match (last, head) {
                // Twice by a slip of the finger.
                (b'+', head) if lead.plus.is_none_or(|plus| plus == floor + lead.rest.len()) => {
                    lead.plus = Some(floor + head.len());
                    head
                }
                (0x8B, [head @ .., 0xEF, 0xBC]) | (b' ', [head @ .., b'+']) if lead.plus.is_none() => {
                    lead.plus = Some(floor + head.len());
                    head
                }
                (b'B' | b'b', [head @ .., b'%', b'2']) if lead.plus.is_none() => {
                    lead.plus = Some(at);
                    head
                }
                (b'(', head) if lead.bracket.is_none() => {
                    lead.bracket = Some(floor + head.len());
                    head
                }
                _ => break,
            };
            lead.rest = before;
        }
        Some(lead)
    }
}

/// What stands before the number.
struct Left {
    plus: Option<usize>,
    bracket: Option<usize>,
    /// The number is the value of an address: `tel:`, `wa.me/`.
    address: bool,
    /// What the neighbours on the left are worth.
    evidence: i16,
}

impl Left {
    /// Weighs what stands on the left; nothing where it forbids a number.
    fn read(lead: &Lead<'_>) -> Option<Self> {
        let &Lead { plus, bracket, rest } = lead;
        let address = matches!(rest, [.., b':' | b'/' | b'=']) && is_address_before(rest);
        let evidence = if address { 0 } else { weigh_left(rest, plus.is_some(), bracket.is_some())? };
        Some(Self { plus, bracket, address, evidence })
    }
}

/// Weighs what stands before a number and its marks; nothing where it forbids a number.
///
/// A character of more bytes is a letter of another script, punctuation or a picture: no script but the Latin writes
/// words and numbers without a gap and means one thing.
fn weigh_left(rest: &[u8], has_plus: bool, has_bracket: bool) -> Option<i16> {
    let Some((&last, head)) = rest.split_last() else { return Some(0) };
    let worth = match (last, head) {
        (b'0'..=b'9', _) if !has_plus => return None,
        (b'_' | b'@' | b'%' | b'$' | b'*', _) => return None,
        (0xA0..=0xBF, [.., 0xE2, 0x82]) | (0xA3 | 0xA5, [.., 0xC2]) => return None,
        // Digits go on to the left: this is the middle of a number, a date, an amount.
        // A path or a field ends before a plus: `/v1/+221…`.
        (b'/' | b':', [.., b'0'..=b'9']) if has_plus => 0,
        (b'.' | b',' | b'-' | b'/' | b':', [.., b'0'..=b'9']) => return None,
        (b'-' | b'.', [.., b'0'..=b'9', b'-' | b'.']) => return None,
        _ if has_plus => 0,
        (b'a'..=b'z' | b'A'..=b'Z', _) if !has_bracket => worth::GLUED_LEFT,
        (b'=', _) => worth::EQUALS_LEFT,
        (b'-', _) => worth::HYPHEN_LEFT,
        (b'/' | b'#' | b'&' | b'\\', _) => worth::JOINED_LEFT,
        (b' ', [.., b'0'..=b'9' | b')']) => neighbour_left(rest)?,
        (b' ', [.., b']']) if was_digits(head) => worth::NEIGHBOUR,
        _ => 0,
    };
    Some(worth)
}

/// Weighs a group of digits that stands one blank before the number; nothing where the groups before begin with a `+`
/// and so have their own number, of which this would be the rest.
fn neighbour_left(rest: &[u8]) -> Option<i16> {
    let near = rest.get(rest.len().saturating_sub(24)..).unwrap_or_default();
    let grouped = near.iter().rev().take_while(|byte| byte.is_ascii_digit() || b" -()".contains(byte)).count();
    if near.get(..near.len() - grouped).is_some_and(|before| before.ends_with(b"+")) {
        return None;
    }
    let rest = rest.trim_ascii_end();
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    Some(match rest.get(..rest.len() - digits) {
        // The end of a date, a time or an amount, or a number of its own, is no part of this one.
        Some([.., b'0'..=b'9', b'.' | b',' | b'/' | b':' | b'-']) => worth::SMALL_NEIGHBOUR,
        _ if digits <= 2 || digits >= MIN_DIGITS => worth::SMALL_NEIGHBOUR,
        _ => worth::NEIGHBOUR,
    })
}

/// Whether `head` ends with a label that may stand in the place of digits, as they stood there before they were redacted:
/// what was the rest of a number then is one now.
fn was_digits(head: &[u8]) -> bool {
    let label = label_before(head, head.len()).and_then(|start| head.get(start..)).unwrap_or_default();
    DIGIT_LABELS.iter().any(|name| label.get(1..).is_some_and(|label| label.starts_with(name)))
}

/// Of what is written in groups of digits, the labels.
const DIGIT_LABELS: [&[u8]; 3] = [b"CREDIT_CARD", b"PHONE_NUMBER", b"IBAN"];

/// What stands after the digits.
enum Right {
    /// Nothing that matters, or something that is worth so much.
    Open(i16),
    /// A letter.
    Glued,
    /// The digits are the name of a WhatsApp account.
    Account,
    /// The number goes on, or it is something else.
    Closed,
}

impl Right {
    fn read(text: &[u8], end: usize) -> Self {
        let rest = text.get(end..).unwrap_or_default();
        let Some((&first, next)) = rest.split_first() else { return Self::Open(0) };
        match (first, next) {
            (b'@', host) | (b':', [_, b'@', host @ ..] | [_, _, b'@', host @ ..]) => {
                if [&b"s.whatsapp.net"[..], b"c.us"].iter().any(|name| host.starts_with(name)) {
                    Self::Account
                } else {
                    Self::Closed
                }
            }
            (b'_' | b'%' | b'$' | b'*', _) => Self::Closed,
            // A price follows; else what precedes the currency is the price.
            (0xC2, [0xA3 | 0xA5, b'0'..=b'9', ..]) => Self::Open(worth::GLUED_RIGHT),
            (0xE2, [0x82, 0xA0..=0xBF, ..]) | (b' ', [0xE2, 0x82, 0xA0..=0xBF, ..]) => Self::Closed,
            (0xC2, [0xA3 | 0xA5 | 0xB0, ..]) => Self::Closed,
            // `/` and `,` may part two numbers; any other mark with a digit behind it means that the number goes on.
            (b'/' | b',', [b'0'..=b'9', ..]) if begins_number(next) => Self::Open(0),
            (b'.' | b',' | b'-' | b'/' | b':', [b'0'..=b'9', ..]) | (b'-', [b'-', b'0'..=b'9', ..]) => Self::Closed,
            // An extension.
            (b'x' | b'X', [b'0'..=b'9', ..]) => Self::Open(0),
            (b'a'..=b'z' | b'A'..=b'Z', _) => Self::Glued,
            (b' ', [b'0'..=b'9', ..]) => {
                let digits = next.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let small = digits <= 2 || begins_number(next);
                Self::Open(if small { worth::SMALL_NEIGHBOUR } else { worth::TRAILER })
            }
            _ => Self::Open(0),
        }
    }
}

/// Returns whether a group of at least four digits, or a group and another one, follows: enough to be a number.
fn begins_number(text: &[u8]) -> bool {
    let Some(0..=9) = text.first().map(|byte| byte.wrapping_sub(b'0')) else { return false };
    Run::read(text, 0, 0).n_digits >= MIN_DIGITS
}

/// Returns whether `rest` ends in what takes a telephone number only: a scheme, a WhatsApp link.
fn is_address_before(rest: &[u8]) -> bool {
    ends_with_any(rest, &[b"wa.me/", b"tel:", b"whatsapp:", b"callto:", b"sms:", b"smsto:"])
        || (ends_with_any(rest, &[b"?phone=", b"&phone="]) && has(rest, b"whatsapp"))
}

fn ends_with_any(text: &[u8], tails: &[&[u8]]) -> bool {
    tails.iter().any(|tail| {
        text.len()
            .checked_sub(tail.len())
            .and_then(|from| text.get(from..))
            .is_some_and(|found| found.eq_ignore_ascii_case(tail))
    })
}

/// Returns whether `word` stands in the last 48 bytes of `text`.
fn has(text: &[u8], word: &[u8]) -> bool {
    let from = text.len().saturating_sub(48);
    text.get(from..).unwrap_or_default().windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// Returns whether a look at the first bytes says that no number begins there: too few digits, or a date such as
/// `2024-05-12` with no `+` and no address before it.
///
/// # Cost
/// About 30 instructions, 120 for a date. Half of what [`find`] is asked for ends here.
#[inline]
fn is_plainly_other(text: &[u8], at: usize, floor: usize) -> bool {
    let (Some(rest), Some(before)) = (text.get(at..), text.get(floor..at)) else { return true };
    let Some((&head, rest)) = rest.split_first_chunk() else { return rest.len() < MIN_DIGITS };
    // With a letter among the first seven bytes there are fewer than seven digits, or fewer than six in groups.
    const FIRST_SEVEN: u64 = u64::MAX >> 8;
    if letters(head) & FIRST_SEVEN != 0 && !head.contains(&b'~') {
        return true;
    }
    let marks = non_digits(head);
    let n_digits = marks.trailing_zeros() as usize / 8;
    if n_digits < MIN_DIGITS && head.get(n_digits).is_some_and(|&next| Class::of(next) == Class::Other) {
        return true;
    }
    // Four digits, a mark, two digits, a mark.
    const YEAR_MONTH: u64 = 0x80 << (4 * 8) | 0x80 << (7 * 8);
    marks == YEAR_MONTH && is_day(head, rest) && !is_signed(before)
}

/// Returns whether digits such as `2024-05-` and what follows them are a date with no further group that could make
/// them something else.
#[inline]
fn is_day(head: [u8; 8], rest: &[u8]) -> bool {
    let [c, y, _, _, mark, m, n, second] = head;
    let &[d, e, ref rest @ ..] = rest else { return false };
    let two = |tens: u8, unit: u8| (tens & 15) * 10 + (unit & 15);
    mark == second
        && matches!(mark, b'-' | b'/' | b'.')
        && matches!([c, y], [b'1', b'9'] | [b'2', b'0'])
        && matches!(two(m, n), 1..=12)
        && d.is_ascii_digit()
        && e.is_ascii_digit()
        && matches!(two(d, e), 1..=31)
        && match rest {
            [b' ', rest @ ..] => matches!(Class::first(rest), Class::Digit | Class::Other),
            rest => Class::first(rest) == Class::Other,
        }
}

/// Returns whether what stands before digits may make them a number: a `+` in one of its forms, the end of an address.
#[inline]
fn is_signed(before: &[u8]) -> bool {
    matches!(before, [.., b'+', b' '] | [.., b'+' | b'(' | b'B' | b'b' | 0x8B | b':' | b'/' | b'='])
}

/// Reads a telephone number at `at`, the first digit of a run of digits; `floor` is the first byte that may be used on
/// the left, and digits before it are not seen. Default regions go in the order of their likelihood.
///
/// # Cost
/// By callgrind, in instructions: 30 for a few digits, 120 for a date, 1,000 to 1,200 for a number with `+`, 1,400 to
/// 1,600 for a national one of one default region. No allocation.
#[must_use]
#[inline]
pub(crate) fn find(text: &[u8], at: usize, floor: usize, regions: &[Region]) -> Option<Phone> {
    if is_plainly_other(text, at, floor) { None } else { find_number(text, at, floor, regions) }
}

fn find_number(text: &[u8], at: usize, floor: usize, regions: &[Region]) -> Option<Phone> {
    let lead = Lead::read(text, at, floor)?;
    let mut run = Run::default();
    run.fill(text, at, u8::from(lead.bracket.is_some()));
    if run.n_digits < MIN_DIGITS && (run.n_digits < MIN_GROUPED || run.n_groups < 2) {
        return None;
    }
    let left = Left::read(&lead)?;
    if left.plus.is_none() && !left.address && is_other(&run) {
        return None;
    }
    if left.plus.is_some() {
        return best(text, at, &left, &run, |candidate| candidate.international());
    }
    best(text, at, &left, &run, |candidate| match candidate.account {
        true => candidate.international(),
        false => candidate.read(regions),
    })
    .or_else(|| find_before_suffix(text, at, &left, &run, regions))
}

/// Reads the groups up to each, from the last one on, and returns the number that most speaks for.
#[inline(always)]
fn best(
    text: &[u8],
    at: usize,
    left: &Left,
    run: &Run,
    read: impl Fn(&Candidate<'_>) -> Option<Reading>,
) -> Option<Phone> {
    let mut best: Option<Phone> = None;
    for (last, group) in run.groups().iter().enumerate().rev() {
        if group.digits() < MIN_DIGITS && (group.digits() < MIN_GROUPED || last == 0) {
            break;
        }
        let Some((start, end)) = bounds(text, at, left, run, last) else { continue };
        let right = Right::read(text, end);
        if matches!(right, Right::Closed) {
            continue;
        }
        let digits = run.digits(0, group.digits());
        let candidate = Candidate { run, last, digits, left, account: matches!(right, Right::Account) };
        let Some((number, evidence)) = read(&candidate) else { continue };
        let beside = weigh_right(&right, left, &number, digits);
        let span = Span::new(u32::try_from(start).ok()?, u32::try_from(end).ok()?);
        let epoch = left.plus.is_none() && !left.address && last == 0 && super::candidates::is_epoch(digits);
        let other = if epoch { worth::EPOCH } else { 0 };
        let phone = Phone { span, number, evidence: evidence + left.evidence + beside + other };
        let is_valid = phone.number.is_valid();
        let ahead = if beside == worth::TRAILER { worth::LEAVES_OUT } else { 0 };
        let is_beaten = |best: &Phone| (is_valid && !best.number.is_valid()) || phone.evidence > best.evidence + ahead;
        if best.as_ref().is_none_or(is_beaten) {
            // A plainly written number needs no rival; shorter ones would leave digits out.
            if is_valid && phone.evidence >= worth::PLAIN {
                return Some(phone);
            }
            best = Some(phone);
        }
    }
    best
}

/// Weighs what stands after a number.
#[inline(always)]
fn weigh_right(right: &Right, left: &Left, number: &Number, digits: &[u8]) -> i16 {
    match right {
        Right::Open(evidence) => *evidence,
        Right::Glued if left.plus.is_some() || number.national().len() < digits.len() => worth::GLUED_RIGHT,
        Right::Glued => worth::GLUED_PLAIN,
        Right::Account | Right::Closed => 0,
    }
}

/// Returns where a number that ends with group `last` begins and ends; nothing where its brackets do not match.
fn bounds(text: &[u8], at: usize, left: &Left, run: &Run, last: usize) -> Option<(usize, usize)> {
    let group = run.groups().get(last)?;
    let mut start = left.plus.unwrap_or(at);
    let mut end = at + group.end();
    match left.bracket {
        // The first bracket closed within the number.
        Some(bracket) if group.closed => start = start.min(bracket),
        // It did not: it stands around the number, and only so may it be open.
        Some(bracket) if left.plus.is_some_and(|plus| plus < bracket) => {
            (text.get(end) == Some(&b')')).then(|| end += 1)?;
            start = start.min(bracket);
        }
        Some(_) => return Some((start, end)),
        None => {}
    }
    if group.open == 1 {
        (text.get(end) == Some(&b')')).then(|| end += 1)?;
    }
    Some((start, end))
}

/// Returns whether the groups are a date or a card.
fn is_other(run: &Run) -> bool {
    let groups = run.groups();
    let lengths = run.lengths();
    // Cards: 4-4-4-4, the last group of one to seven digits more or fewer, and 4-6-4, 4-6-5.
    if matches!(lengths, [4, 4, 4, 4] | [4, 6, 4 | 5, _]) {
        return run.value(0).is_some_and(|first| first >= 1000);
    }
    let [_, second, third, rest @ ..] = groups else { return false };
    if second.separator != third.separator || !matches!(second.separator, b'-' | b'/' | b'.') {
        return false;
    }
    let fourth = rest.first().map_or(0, |group| group.separator);
    let values = (run.value(0), run.value(1), run.value(2));
    if fourth != second.separator
        && let (Some(first), Some(middle), Some(last)) = values
    {
        let is_day = |day: u32| (1..=31).contains(&day);
        let is_month = |month: u32| (1..=12).contains(&month);
        let is_year = |year: u32| (1900..=2099).contains(&year);
        let day_month = (is_day(first) && is_month(middle)) || (is_month(first) && is_day(middle));
        return match lengths {
            [4, 1 | 2, 1 | 2, _] => is_year(first) && is_month(middle) && is_day(last),
            [1 | 2, 1 | 2, 4, _] => day_month && is_year(last),
            [1 | 2, 1 | 2, 2, _] => day_month,
            _ => false,
        };
    }
    false
}

/// Returns whether the groups are an IP address: four numbers of a byte, none with a zero before it.
fn is_address(run: &Run) -> bool {
    let byte = |group: usize| run.value(group).is_some_and(|value| value <= 255);
    run.n_groups == 4
        && run.groups().iter().skip(1).all(|group| group.separator == b'.')
        && run.groups().iter().all(|group| {
            group.length() == 1 || run.digits(group.digits() - (group.length()), group.digits()).first() != Some(&b'0')
        })
        && (0..4).all(byte)
}

/// The groups up to `last`, to be read as one number.
struct Candidate<'c> {
    run: &'c Run,
    last: usize,
    digits: &'c [u8],
    left: &'c Left,
    account: bool,
}

impl Candidate<'_> {
    /// Reads the digits as they follow a `+`.
    #[inline]
    fn international(&self) -> Option<Reading> {
        let number = plan::parse_digits(self.digits)?;
        let evidence = match (number.is_valid(), self.account || self.left.address) {
            (true, true) => worth::ADDRESS,
            (true, false) => worth::PLUS + self.written(&number),
            (false, true) => worth::ADDRESS / 2,
            (false, false) => worth::PLUS_POSSIBLE + self.written(&number),
        };
        Some((number, evidence))
    }

    /// Reads the digits in every way that the surroundings allow, and returns the one that most speaks for.
    fn read(&self, regions: &[Region]) -> Option<Reading> {
        let digits = self.digits;
        let mut best = None;
        let mut offer = |reading: Option<Reading>| {
            if let Some(reading) = reading
                && best.is_none_or(|(_, evidence)| reading.1 > evidence)
            {
                best = Some(reading);
            }
        };
        if self.left.address {
            offer(plan::parse_digits(digits).map(|number| (number, worth::ADDRESS)));
        }
        for (&region, order) in regions.iter().zip(0..) {
            offer(self.in_region(region, digits).map(|(number, evidence)| {
                let address = if self.left.address { worth::ADDRESS } else { 0 };
                (number, evidence + address + order * worth::LATER_REGION)
            }));
        }
        if best.is_none_or(|(number, evidence)| !number.is_valid() || evidence < 0)
            && let Some(reading) = self.bare(digits, regions)
            && best.is_none_or(|(number, evidence)| !number.is_valid() || reading.1 > evidence)
        {
            best = Some(reading);
        }
        best
    }

    /// Reads the digits as dialled within a region.
    fn in_region(&self, region: Region, digits: &[u8]) -> Option<Reading> {
        let dialled = plan::international_prefix(digits, region);
        let number = match dialled {
            Some(end) => plan::parse_digits(digits.get(end..)?),
            None if digits.len() <= MAX_BARE => plan::parse_domestic(digits, region),
            None => None,
        }?;
        if dialled.is_some() && number.is_valid() {
            return Some((number, worth::DIALLED + self.written(&number)));
        }
        if digits.len() > MAX_BARE {
            return None;
        }
        if !number.is_valid() {
            // A few digits too many after a country code are not to be taken for a possible number.
            return Some((number, worth::NATIONAL_POSSIBLE + self.written(&number).min(0)));
        }
        let prefix = plan::national_prefix(region);
        let national = number.national().len();
        let code_digits = code_digits(number.country_code());
        let evidence = if prefixed_twice(digits, &number) {
            worth::NATIONAL_UNPREFIXED
        } else if digits.len() == national + code_digits && ends_national(digits, &number) && has_code(digits, &number)
        {
            worth::OWN_CODE
        } else if digits.len() > national && !prefix.is_empty() && digits.starts_with(prefix) {
            worth::NATIONAL_PREFIXED
        } else if digits.len() == national && number.is_prefixed() {
            worth::NATIONAL_UNPREFIXED
        } else {
            worth::NATIONAL_PLAIN
        };
        Some((number, evidence + self.written(&number) + self.mobile(&number)))
    }

    /// Reads the digits without any help of a region.
    fn bare(&self, digits: &[u8], regions: &[Region]) -> Option<Reading> {
        for prefix in [&b"00"[..], b"011"] {
            if let Some(rest) = digits.strip_prefix(prefix)
                && rest.len() > MIN_DIGITS
                && let Some(number) = plan::parse_digits(rest)
                && number.is_valid()
            {
                return Some((number, worth::DIALLED_ELSEWHERE + self.written(&number)));
            }
        }
        if regions.is_empty() && self.is_american() {
            let number = plan::parse(digits, Region::new(b"US")?)?;
            let evidence = if number.is_valid() { worth::SHAPE + worth::USUAL } else { worth::NATIONAL_POSSIBLE };
            return Some((number, evidence));
        }
        if digits.len() <= 8 || digits.len() > MAX_BARE || self.is_fraction() {
            return None;
        }
        let number = plan::parse_digits(digits).filter(|number| number.is_valid())?;
        let base = match number.line() {
            LineType::Mobile | LineType::FixedOrMobile => worth::BARE_MOBILE,
            _ => worth::BARE,
        };
        Some((number, base + self.written(&number)))
    }

    /// Returns whether the groups are those of North America, marked as such: `(415) 555-0132`, `415-555-0132`.
    fn is_american(&self) -> bool {
        let groups = self.run.groups().get(..=self.last).unwrap_or_default();
        let groups = match groups {
            [one, rest @ ..] if one.digits() == 1 => rest,
            groups => groups,
        };
        let [area, exchange, line] = groups else { return false };
        let length = |group: &Group| group.length();
        (length(area), length(exchange), length(line)) == (3, 3, 4)
            && (line.separator == b'-' || line.separator == b'.')
            && (exchange.closed || exchange.separator == line.separator)
    }

    /// Returns whether the groups are two with a dot between them, as in `77019.620000`.
    fn is_fraction(&self) -> bool {
        matches!(self.run.groups().get(..=self.last), Some([_, second]) if second.separator == b'.')
    }

    fn mobile(&self, number: &Number) -> i16 {
        if matches!(number.line(), LineType::Mobile | LineType::FixedOrMobile) { worth::MOBILE } else { 0 }
    }

    /// Weighs how the number is written: grouping, length, digits that look made up.
    #[inline]
    fn written(&self, number: &Number) -> i16 {
        let mut evidence = 0;
        self.each_written(number, |_, worth| evidence += worth);
        evidence
    }

    /// Calls `tell` with all that is observed of how the number is written, and its worth.
    #[inline(always)]
    fn each_written(&self, number: &Number, mut tell: impl FnMut(Trait, i16)) {
        let groups = self.run.groups().get(..=self.last).unwrap_or_default();
        let digits = self.digits;
        if let [first, rest @ ..] = groups
            && !rest.is_empty()
        {
            let before = digits.len().saturating_sub(number.national().len());
            // A border before the first digit of the national number is not one of its own.
            let borders = (self.run.borders & !(u32::MAX << digits.len())) >> before & !1;
            match number.grouping(borders) {
                Grouping::Usual => tell(Trait::Usual, worth::USUAL),
                Grouping::Coarser => tell(Trait::Coarser, worth::COARSER),
                Grouping::Odd => tell(Trait::Odd, worth::ODD),
            }
            let thousands = first.digits() <= 3
                && self.left.plus.is_none()
                && digits.first() != Some(&b'0')
                && rest.iter().all(|group| group.separator == b'.' && group.length() == 3);
            if thousands {
                tell(Trait::Thousands, worth::THOUSANDS);
            }
        }
        if self.left.plus.is_none() {
            if is_address(self.run) {
                tell(Trait::Ip, worth::IP);
            }
            match digits.len() {
                6 => tell(Trait::Short, worth::SIX),
                7 => tell(Trait::Short, worth::SEVEN),
                8 => tell(Trait::Short, worth::EIGHT),
                _ => {}
            }
            if let &[b'1' | b'2', b'9' | b'0', _, _, month @ (b'0' | b'1'), unit, day @ b'0'..=b'3', _] = digits
                && groups.len() == 1
                && (month, unit) <= (b'1', b'2')
                && day <= b'3'
            {
                tell(Trait::Day, worth::DAY);
            }
        }
        let national = number.national();
        if national.iter().skip(1).all(|digit| national.get(1) == Some(digit)) {
            tell(Trait::Repeated, worth::REPEATED);
        }
    }
}

/// Whether digits that read as a number of North America begin with both its country code and its prefix, which are the same
/// digit, or with the prefix before a company's number of seven digits, which is dialled without: nobody writes either.
fn prefixed_twice(digits: &[u8], number: &Number) -> bool {
    let n_ahead = digits.len().saturating_sub(number.national().len());
    number.country_code() == 1 && (n_ahead > 1 || n_ahead == 1 && number.line() == LineType::Uan)
}

/// What is observed of a telephone number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trait {
    /// How it reads by the numbering plans: with `+`, as dialled in a region, or as it stands.
    Reading,
    /// Grouped as the formats of its plan have it.
    Usual,
    /// Grouped so, with fewer borders.
    Coarser,
    /// Grouped as nobody groups.
    Odd,
    /// Dots every three digits, as in an amount.
    Thousands,
    /// Reads as an IP address.
    Ip,
    /// Few digits: much else is that short.
    Short,
    /// Reads as year, month, day.
    Day,
    /// One digit all over.
    Repeated,
    /// What stands right before it.
    Before,
    /// What stands right after it.
    After,
}

/// Takes apart what [`find`] returns for the same arguments: every observation that is worth something, and its worth.
/// They add up to the number's evidence.
pub(super) fn observations(text: &[u8], at: usize, floor: usize, found: &Phone) -> Vec<(Trait, i16)> {
    let mut out = Vec::new();
    let mut rest = found.evidence;
    let mut tell = |what, worth| {
        rest -= worth;
        out.push((what, worth));
    };
    let lead = Lead::read(text, at, floor);
    if let Some(lead) = lead
        && let Some(left) = Left::read(&lead)
    {
        tell(Trait::Before, left.evidence);
        let run = Run::read(text, at, u8::from(lead.bracket.is_some()));
        let place = Some((found.span.start as usize, found.span.end as usize));
        if let Some(last) = (0..run.n_groups).find(|&last| bounds(text, at, &left, &run, last) == place)
            && let Some(group) = run.groups().get(last)
        {
            let digits = run.digits(0, group.digits());
            let right = Right::read(text, found.span.end as usize);
            let candidate =
                Candidate { run: &run, last, digits, left: &left, account: matches!(right, Right::Account) };
            tell(Trait::After, weigh_right(&right, &left, &found.number, digits));
            // How it is written does not count where an address takes nothing but numbers, and of a possible number only
            // against it, which stays with the reading.
            let counts = !left.address && !candidate.account && (found.number.is_valid() || left.plus.is_some());
            if counts {
                candidate.each_written(&found.number, &mut tell);
            }
        } else {
            tell(Trait::After, worth::GLUED_RIGHT);
        }
    }
    out.insert(0, (Trait::Reading, rest));
    out.retain(|&(what, worth)| worth != 0 || what == Trait::Reading);
    out
}

fn code_digits(country_code: u16) -> usize {
    match country_code {
        0..=9 => 1,
        10..=99 => 2,
        _ => 3,
    }
}

fn ends_national(digits: &[u8], number: &Number) -> bool {
    digits.ends_with(number.national())
}

fn has_code(digits: &[u8], number: &Number) -> bool {
    let code = digits
        .iter()
        .take(code_digits(number.country_code()))
        .fold(0u16, |value, digit| value * 10 + u16::from(digit & 15));
    code == number.country_code()
}

/// Reads a number whose last digits belong to a price, a time or an age that is glued to it: `08718727270150ppm`. Only a
/// national number of a plan whose length is fixed ends there: with its prefix, valid at one length alone.
fn find_before_suffix(text: &[u8], at: usize, left: &Left, run: &Run, regions: &[Region]) -> Option<Phone> {
    let [group, ..] = run.groups() else { return None };
    if left.plus.is_some() || !begins_suffix(text.get(at + group.end()..)?) {
        return None;
    }
    for &region in regions {
        let prefix = plan::national_prefix(region);
        let digits = run.digits(0, group.digits());
        if prefix.is_empty() || !digits.starts_with(prefix) {
            continue;
        }
        let mut found = None;
        for spare in 1..=4 {
            let Some(end) = digits.len().checked_sub(spare).filter(|&end| end >= MIN_DIGITS) else { break };
            let number = digits.get(..end).and_then(|digits| plan::parse_national(digits, region));
            if let Some(number) = number.filter(|number| number.is_valid() && number.national().len() < end) {
                if found.is_some() {
                    return None;
                }
                found = Some((end, number));
            }
        }
        if let Some((end, number)) = found {
            return Some(Phone {
                span: Span::new(u32::try_from(at).ok()?, u32::try_from(at + end).ok()?),
                number,
                evidence: worth::NATIONAL_PREFIXED + worth::GLUED_RIGHT + left.evidence,
            });
        }
    }
    None
}

/// Returns whether the text goes on as a price, a time or an age does after its first digits: `ppm`, `p/min`, `+`,
/// `.50gbp`, ` £`.
fn begins_suffix(text: &[u8]) -> bool {
    match *text {
        [b'a'..=b'z' | b'A'..=b'Z' | b'+', ..] | [0xC2, 0xA3, ..] | [b' ', 0xC2, 0xA3, ..] => true,
        [b'.', ref decimals @ ..] => {
            let digits = decimals.iter().take_while(|byte| byte.is_ascii_digit()).count();
            digits == 2 && decimals.get(2).is_some_and(u8::is_ascii_alphabetic)
        }
        _ => false,
    }
}

/// Reads a whole text as one telephone number: blanks around it, `tel:` before it and an extension after it are allowed,
/// and nothing else.
#[must_use]
pub(crate) fn whole(text: &[u8], regions: &[Region]) -> Option<Number> {
    let text = text.trim_ascii();
    let text = match text.split_at_checked(4) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(b"tel:") => rest.trim_ascii(),
        _ => text,
    };
    let at = text.iter().position(u8::is_ascii_digit)?;
    let mut open = 0u8;
    let mut plus = false;
    let mut head = text.get(..at)?;
    while !head.is_empty() {
        head = match *head {
            [b'+', ref rest @ ..] | [0xEF, 0xBC, 0x8B, ref rest @ ..] => {
                plus = true;
                rest
            }
            [b'(', ref rest @ ..] if open == 0 => {
                open = 1;
                rest
            }
            [b' ', ref rest @ ..] if plus => rest,
            _ => return None,
        };
    }
    let run = Run::read(text, at, open);
    let group = run.groups().last()?;
    let rest = text.get(at + group.end()..)?;
    let rest = rest.strip_prefix(b")").unwrap_or(rest);
    if run.cut || !is_extension(rest) {
        return None;
    }
    let digits = run.digits(0, group.digits());
    let valid = |number: Option<Number>| number.filter(|number| number.is_valid());
    if plus {
        return valid(plan::parse_international(digits));
    }
    if regions.is_empty() {
        return valid(plan::parse_international(digits.strip_prefix(b"00").unwrap_or(digits)));
    }
    let dialled = regions.iter().find_map(|&region| valid(plan::parse(digits, region)));
    // The prefix that ITU-T E.164 recommends is written everywhere, also where another one is dialled.
    dialled.or_else(|| valid(plan::parse_international(digits.strip_prefix(b"00")?)))
}

/// Returns whether the text is nothing, or `x 12`, `ext. 12`, `#12`, `;ext=12` and the like.
fn is_extension(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let mark = text.get(..text.len() - digits).unwrap_or_default().trim_ascii();
    let mark = mark.strip_prefix(b",").or_else(|| mark.strip_prefix(b"/")).unwrap_or(mark).trim_ascii();
    let mark = mark.strip_suffix(b".").or_else(|| mark.strip_suffix(b":")).unwrap_or(mark);
    text.is_empty()
        || ((1..=20).contains(&digits) && EXTENSIONS.iter().any(|name| mark.eq_ignore_ascii_case(name.as_bytes())))
}

/// Words before an extension.
const EXTENSIONS: &[&str] =
    &["x", "ext", ";ext=", "extn", "xtn", "extension", "extensi\u{f3}n", "int", "anexo", "\u{434}\u{43e}\u{431}", "#"];

#[cfg(test)]
mod tests {
    use super::*;

    /// What a scanner adds for a phone word within 24 bytes before a candidate.
    const CONTEXT: i16 = 60;
    const WORDS: &[&str] = &[
        "call",
        "phone",
        "tel",
        "mobile",
        "mob",
        "cell",
        "number",
        "nmbr",
        "num",
        "no",
        "no.",
        "text",
        "txt",
        "sms",
        "whatsapp",
        "fax",
        "contact",
        "dial",
        "ring",
        "line",
        "hotline",
        "landline",
        "numéro",
        "numero",
        "número",
        "llámame",
        "appelle",
        "namba",
        "voicemail",
        "nr",
        "celular",
        "telefon",
        "telefono",
        "teléfono",
        "anruf",
        "numer",
        "رقمي",
        "नंबर",
        "电话",
        "拨打",
        "电话号码是",
    ];

    fn regions(names: &str) -> Vec<Region> {
        names.split(' ').filter_map(|name| Region::new(name.as_bytes())).collect()
    }

    /// Runs the finder over a text as a scanner does.
    fn scan(text: &[u8], regions: &[Region]) -> Vec<Phone> {
        let (mut at, mut floor, mut found) = (0, 0, Vec::new());
        while at < text.len() {
            if !text[at].is_ascii_digit() {
                at += 1;
                continue;
            }
            let phone = find(text, at, floor, regions);
            if let Some(phone) = phone
                && phone.evidence + context(&text[..phone.span.start as usize]) >= 0
            {
                at = phone.span.end as usize;
                floor = at;
                found.push(phone);
            } else {
                while text.get(at).is_some_and(u8::is_ascii_digit) {
                    at += 1;
                }
            }
        }
        found
    }

    fn context(before: &[u8]) -> i16 {
        let near = String::from_utf8_lossy(&before[before.len().saturating_sub(24)..]).to_lowercase();
        let is_word = |word: &str| WORDS.contains(&word);
        let plain = near
            .split(|c: char| !c.is_alphanumeric() && c != '.')
            .any(|word| is_word(word) || is_word(word.trim_end_matches('.')));
        let other = WORDS.iter().filter(|word| !word.is_ascii()).any(|word| near.contains(word));
        if plain || other { CONTEXT } else { 0 }
    }

    #[track_caller]
    fn check(text: &str, home: &str, want: &[&str]) {
        let found = scan(text.as_bytes(), &regions(home));
        let got: Vec<&str> = found.iter().filter_map(|phone| text.get(phone.span.range())).collect();
        assert_eq!(got, want, "{text} ({home})");
    }

    #[test]
    fn international() {
        check("ring +44 7400 123456.", "", &["+44 7400 123456"]);
        check("(+44) 7400 123456", "", &["(+44) 7400 123456"]);
        check("(+44 7400 123456)", "", &["+44 7400 123456"]);
        check("+44 (0)7400 123456", "", &["+44 (0)7400 123456"]);
        check("+(221) 77 123 45 67", "", &["+(221) 77 123 45 67"]);
        check("+ 221 77 123 45 67 merci", "", &["+ 221 77 123 45 67"]);
        check("0044 7400 123456", "FR", &["0044 7400 123456"]);
        check("011 44 7400 123456", "US", &["011 44 7400 123456"]);
        check("add+221771234567", "", &["+221771234567"]);
        check("+44~7400~123456", "", &["+44~7400~123456"]);
        check("0~0 44 7400 123456", "", &["0~0 44 7400 123456"]);
        check("~7 km, ~44 7400", "", &[]);
    }

    #[test]
    fn national() {
        check("77 123 45 67", "SN", &["77 123 45 67"]);
        check("771234567", "SN", &["771234567"]);
        check("my no 07712 345678 5 pm", "GB", &["07712 345678"]);
        check("0771234567 12", "LK", &["0771234567"]);
        check("(415) 555-0132 ext. 12", "US", &["(415) 555-0132"]);
        check("415-555-0132x123", "US", &["415-555-0132"]);
        check("415-555-0132", "", &["415-555-0132"]);
        check("(0121) 496 0415", "GB", &["(0121) 496 0415"]);
        check("07712345678", "", &[]);
        check("call 7712345678", "GB", &["7712345678"]);
        check("415-555-0132 100 people", "US", &["415-555-0132"]);
        check("+39 02 3661 8300 12 Uhr", "", &["+39 02 3661 8300"]);
        check("+39 02-36618 300", "", &["+39 02-36618 300"]);
        check("+52 1 33 1234-5678", "MX", &[]);
        check("call 0771234567/0772345678", "LK", &["0771234567", "0772345678"]);
        check("0845 2814032, 0800 1956669", "GB", &["0845 2814032", "0800 1956669"]);
        check("0845 2814032 0800 1956669", "GB", &["0845 2814032", "0800 1956669"]);
    }

    #[test]
    fn glued() {
        check("call 08712345678150ppm", "GB", &["08712345678"]);
        check("0871234567810p/min", "GB", &["08712345678"]);
        check("08452345675over18's", "GB", &["08452345675"]);
        check("Call08712345678 now", "GB", &["08712345678"]);
        check("stop 08712345678150p a day", "GB", &["08712345678"]);
        check("stop 087123456781.50gbp", "GB", &["08712345678"]);
        check("stop 0871234567816+", "GB", &["08712345678"]);
        check("a08712345678", "GB", &[]);
        check("AB-08712345678", "GB", &[]);
        check("www.example.org/08712345678", "GB", &[]);
        check("mail 08712345678@example.org", "GB", &[]);
        check("108712345678", "GB", &[]);
        check("0.08712345678", "GB", &[]);
        check("08712345678.5", "GB", &[]);
        check("08712345678_1", "GB", &[]);
    }

    #[test]
    fn addresses() {
        check("221771234567@s.whatsapp.net", "", &["221771234567"]);
        check("221771234567:12@s.whatsapp.net", "", &["221771234567"]);
        check("221771234567@c.us", "", &["221771234567"]);
        check("tel:+221771234567", "", &["+221771234567"]);
        check("tel:771234567", "SN", &["771234567"]);
        check("POST /v1/+221771234567", "", &["+221771234567"]);

        check("whatsapp:+221771234567", "", &["+221771234567"]);
        check("https://wa.me/221771234567?text=hi", "", &["221771234567"]);
        check("https://api.whatsapp.com/send?phone=221771234567&text=hi", "", &["221771234567"]);
        check("https://api.whatsapp.com/send?phone=%2B221771234567", "", &["221771234567"]);
        check("https://example.org/status/221771234567", "", &[]);
    }

    #[test]
    fn bare() {
        check("221771234567", "", &["221771234567"]);
        check("447911123456", "US", &["447911123456"]);
        check("pls add 2348012345678", "", &["2348012345678"]);
        // A fixed line with country code needs a word.
        check("221338212345", "", &[]);
        check("tel 221338212345", "", &["221338212345"]);
    }

    #[test]
    fn possible_needs_a_word() {
        check("0100 200 3000", "GB", &[]);
        check("phone 0100 200 3000", "GB", &["0100 200 3000"]);
        check("call 253-000-0000", "US", &["253-000-0000"]);
        check("113100040 and 13100040", "US", &[]);
        check("+221300001234", "", &[]);
        check("tel +221300001234", "", &["+221300001234"]);
    }

    #[test]
    fn other_things() {
        for home in ["US", "GB", "SN", "DE", "SG", "NO", "BR", ""] {
            check("2024-05-12", home, &[]);
            check("12/05/2024", home, &[]);
            check("12.05.2024 10:30", home, &[]);
            check("20240512 08:00", home, &[]);
            check("192.168.100.120", home, &[]);
            check("10:30:15", home, &[]);
            check("12.50", home, &[]);
            check("1,250,000", home, &[]);
            check("$20800123", home, &[]);
            check("4111 1111 1111 1111", home, &[]);
            check("4111-1111-1111-1111", home, &[]);
            check("3782 822463 10005", home, &[]);
            check("text STOP to 80800", home, &[]);
            check("call 999 or 112", home, &[]);
        }
    }

    proptest::proptest! {
        /// Whatever the bytes, a number begins and ends within them, with a digit in it, and nothing panics.
        #[test]
        fn any_bytes(text in r"([0-9]{1,6}|[ ()+./,:x@-]|tel:|wa\.me/|[\u{a0}\u{ff0b}\u{2013}£€%]|[a-c]){0,24}", home in "US|GB|AR|BR|DE|SN|") {
            let text = text.as_bytes();
            for phone in scan(text, &regions(&home)) {
                let found = phone.span.of(text).unwrap();
                assert!(found.iter().filter(|byte| byte.is_ascii_digit()).count() >= MIN_GROUPED);
                assert!(found.last().is_some_and(|byte| byte.is_ascii_digit() || *byte == b')'));
            }
            let _ = whole(text, &regions(&home));
        }
    }

    #[test]
    fn whole_texts() {
        let valid = |text: &str, home: &str| whole(text.as_bytes(), &regions(home)).is_some();
        assert!(valid("+221 77 123 45 67", "") && valid("77 123 45 67", "SN") && valid("tel:+221771234567", ""));
        assert!(valid("(415) 555-0132 ext. 12", "US") && valid("221771234567", ""));
        assert!(!valid("+221 77 123 45 6", "") && !valid("call 77 123 45 67", "SN") && !valid("12345", "US"));
        assert!(!valid("01+221771234567", "SN") && !valid("", "SN"));
    }

    // Corpora are packed, which the library alone does not read.
    #[cfg(feature = "cli")]
    mod measured {
        //! Recall and precision on the shared corpora; nothing of them is kept here.
        use super::*;
        use serde_json::Value;
        use std::collections::BTreeMap;
        use std::io::Read;
        use std::path::PathBuf;

        fn shared() -> Option<PathBuf> {
            let path = PathBuf::from(std::env::var("EFFACE_SHARED").unwrap_or_else(|_| "../shared".to_owned()));
            let found = path.join("peercases").is_dir();
            if !found {
                println!("skipped: no shared corpora at {}", path.display());
            }
            found.then_some(path)
        }

        fn records(path: &std::path::Path) -> Vec<Value> {
            let bytes = std::fs::read(path).unwrap();
            let mut text = String::new();
            if path.extension().is_some_and(|ext| ext == "gz") {
                flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut text).unwrap();
            } else {
                text = String::from_utf8(bytes).unwrap();
            }
            let plain = path.to_string_lossy().contains(".txt");
            let read = |line: &str| {
                if plain { serde_json::json!({ "text": line }) } else { serde_json::from_str(line).unwrap() }
            };
            text.lines().map(read).collect()
        }

        /// Folds digits and marks of other scripts, as the scanner's first stage does, with the place of each byte.
        fn fold(text: &str) -> (Vec<u8>, Vec<usize>) {
            let (mut folded, mut places) = (Vec::new(), Vec::new());
            for (at, c) in text.char_indices() {
                let plain = match c {
                    '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
                    '\u{3000}' => Some(' '),
                    '\u{660}'..='\u{669}' => char::from_digit(c as u32 - 0x660, 10),
                    '\u{6f0}'..='\u{6f9}' => char::from_digit(c as u32 - 0x6f0, 10),
                    '\u{966}'..='\u{96f}' => char::from_digit(c as u32 - 0x966, 10),
                    '\u{9e6}'..='\u{9ef}' => char::from_digit(c as u32 - 0x9e6, 10),
                    _ => None,
                };
                let mut buffer = [0; 4];
                for byte in plain.unwrap_or(c).encode_utf8(&mut buffer).bytes() {
                    folded.push(byte);
                    places.push(at);
                }
            }
            places.push(text.len());
            (folded, places)
        }

        fn spans(text: &str, home: &str) -> Vec<(u64, u64)> {
            let (folded, places) = fold(text);
            scan(&folded, &regions(home))
                .iter()
                .map(|phone| (places[phone.span.start as usize] as u64, places[phone.span.end as usize] as u64))
                .collect()
        }

        fn show(class: &str) -> bool {
            std::env::var("EFFACE_SHOW").is_ok_and(|wanted| class.starts_with(&wanted))
        }

        #[test]
        fn peercases() {
            let Some(shared) = shared() else { return };
            let mut classes: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
            for peer in ["ddsds", "faker", "libphonenumber", "phileas", "presidio", "stdnum", "validatorjs"] {
                for case in records(&shared.join(format!("peercases/{peer}.jsonl"))) {
                    let meta = &case["meta"];
                    let skipped =
                        ["contested", "noisy"].iter().any(|key| !meta[key].is_null()) || meta["strength"] == "weak";
                    if case["entity"] != "PHONE_NUMBER" || skipped {
                        continue;
                    }
                    let text = case["text"].as_str().unwrap();
                    let home = meta["region"].as_str().unwrap_or("");
                    let expect: Vec<(u64, u64)> = case["expect"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|span| (span["start"].as_u64().unwrap(), span["end"].as_u64().unwrap()))
                        .collect();
                    let kind = case["kind"].as_str().unwrap();
                    let sign = if expect.is_empty() { "-" } else { "+" };
                    let (loose, exact, got) = if kind == "validate" {
                        let home = if home.is_empty() { case["country"].as_str().unwrap_or("") } else { home };
                        let valid = whole(&fold(text).0, &regions(home)).is_some();
                        (valid != expect.is_empty(), valid != expect.is_empty(), vec![])
                    } else {
                        let got = spans(text, home);
                        let partial = !meta["partial"].is_null();
                        let overlaps = |a: &(u64, u64), b: &(u64, u64)| a.0 < b.1 && b.0 < a.1;
                        let loose = expect.iter().all(|want| got.iter().any(|span| overlaps(want, span)))
                            && (partial || got.iter().all(|span| expect.iter().any(|want| overlaps(want, span))));
                        let exact =
                            expect.iter().all(|want| got.contains(want)) && (partial || got.len() == expect.len());
                        (loose, exact, got)
                    };
                    for class in [format!("{kind}{sign}"), format!("{kind}{sign} {peer}")] {
                        let entry = classes.entry(class).or_default();
                        entry.0 += 1;
                        entry.1 += usize::from(loose);
                        entry.2 += usize::from(exact);
                    }
                    if !loose && show(&format!("{kind}{sign} {peer}"))
                        || (!exact && show(&format!("exact {kind}{sign} {peer}")))
                    {
                        println!(
                            "{kind}{sign} {text:?} {home} want {expect:?} got {got:?} country {}",
                            case["country"]
                        );
                    }
                }
            }
            for (class, (n, loose, exact)) in &classes {
                let share = |part: usize| 100.0 * part as f64 / *n as f64;
                println!("{class:<28} {n:>5}  right {:>6.2} %  exact {:>6.2} %", share(*loose), share(*exact));
            }
            for class in ["detect+", "detect-", "validate+", "validate-"] {
                let (n, right, _) = classes[class];
                assert!(right * 100 >= n * 98, "{class}: {right} of {n}");
            }
        }

        #[test]
        fn corpora() {
            let Some(shared) = shared() else { return };
            for (name, floor_recall, floor_precision) in [
                ("uci-sms-spam", 0.93, 0.95),
                ("planted-sms", 0.0, 0.0),
                ("synth-messages", 0.0, 0.0),
                ("presidio-research", 0.0, 0.0),
                ("meddocan", 0.0, 0.0),
                ("pl-pii-bench", 0.0, 0.0),
                ("thai-pii-gold", 0.0, 0.0),
                ("taskmaster4", 0.0, 0.0),
                ("irc-ubuntu", 0.0, 0.0),
            ] {
                let mut paths: Vec<_> = std::fs::read_dir(shared.join("corpora").join(name))
                    .unwrap()
                    .map(|e| e.unwrap().path())
                    .filter(|p| ["jsonl", ".txt"].iter().any(|part| p.to_string_lossy().contains(part)))
                    .collect();
                paths.sort();
                let fallback = match name {
                    "pl-pii-bench" => "PL",
                    "thai-pii-gold" => "TH",
                    "meddocan" => "ES",
                    "presidio-research" | "taskmaster4" => "US",
                    "lifebench-pii" => "CN",
                    "irc-ubuntu" | "synth-messages" => "",
                    _ => "GB",
                };
                let (mut gold, mut hit, mut exact, mut wrong, mut other) =
                    (0usize, 0usize, 0usize, 0usize, BTreeMap::<String, usize>::new());
                for record in paths.iter().flat_map(|path| records(path)) {
                    let text = record["text"].as_str().unwrap();
                    let all = record["spans"].as_array().cloned().unwrap_or_default();
                    let home = all
                        .iter()
                        .filter(|span| span["type"] == "PHONE_NUMBER")
                        .find_map(|span| span["country"].as_str())
                        .unwrap_or(fallback);
                    let got = spans(text, home);
                    let place = |span: &Value| (span["start"].as_u64().unwrap(), span["end"].as_u64().unwrap());
                    let overlaps = |a: &(u64, u64), b: &(u64, u64)| a.0 < b.1 && b.0 < a.1;
                    let optional = |span: &Value| span["level"] == "optional" || span["subtype"] == "MALFORMED";
                    for span in all.iter().filter(|span| span["type"] == "PHONE_NUMBER" && !optional(span)) {
                        gold += 1;
                        let found = got.iter().any(|one| overlaps(one, &place(span)));
                        hit += usize::from(found);
                        exact += usize::from(got.contains(&place(span)));
                        if !found && show(&format!("miss {name}")) {
                            println!("miss {home} {} in {text:?}", span["value"]);
                        }
                        if found && !got.contains(&place(span)) && show(&format!("edge {name}")) {
                            println!("edge {home} {} got {:?} in {text:?}", span["value"], got);
                        }
                    }
                    for one in &got {
                        let under: Vec<&Value> = all.iter().filter(|span| overlaps(one, &place(span))).collect();
                        if under.iter().any(|span| span["type"] == "PHONE_NUMBER") {
                            continue;
                        }
                        if let Some(span) = under.first() {
                            *other.entry(span["type"].as_str().unwrap().to_owned()).or_default() += 1;
                            if show(&format!("other {name}")) {
                                println!(
                                    "other {home} {} {} got {:?}",
                                    span["type"],
                                    span["value"],
                                    text.get(one.0 as usize..one.1 as usize)
                                );
                            }
                            continue;
                        }
                        wrong += 1;
                        if show(&format!("wrong {name}")) {
                            println!("wrong {home} {:?} in {text:?}", text.get(one.0 as usize..one.1 as usize));
                        }
                    }
                }
                let recall = hit as f64 / gold.max(1) as f64;
                let precision = hit as f64 / (hit + wrong).max(1) as f64;
                println!(
                    "{name:<18} gold {gold:>4} recall {recall:.3} exact {:.3} precision {precision:.3} wrong {wrong} over other kinds {other:?}",
                    exact as f64 / hit.max(1) as f64
                );
                assert!(recall >= floor_recall && precision >= floor_precision, "{name} is below its floor");
            }
        }
    }
}
