//! Numbering plans: which digit strings are telephone numbers, of which region and type of line.
//!
//! The plans of all regions come from libphonenumber's metadata, compiled by `tools/plans` into one minimised automaton
//! over ten digits that is embedded and read in place: no start-up work, no allocation, no regular expressions. What is
//! valid, which region and which type of line follow libphonenumber's `parse`, `isValidNumber`,
//! `getRegionCodeForNumber` and `getNumberType`.
//!
//! The room takes ASCII digits only. It does not look for numbers in text, knows no separators, extensions or letters,
//! and no short codes and emergency numbers: those are not persons.
//!
//! ```text
//! digits ─▶ country code ─▶ national prefix off ─▶ one walk through the automaton ─▶ region, line, validity
//! ```

#[expect(clippy::indexing_slicing, reason = "runs at compile time, where a wrong place is an error")]
mod layout;
mod table;

use crate::ids::Region;
use std::fmt;
use table::{Length, Plan, Territory};

/// Longest national number, in digits.
pub const MAX_NATIONAL: usize = 17;
/// Most digits that [`parse`] and its siblings read: country code, national number, prefixes.
pub const MAX_DIGITS: usize = 24;

/// A number that has a possible length for its plan.
///
/// # Security
/// `Debug` tells region, line and validity, never the digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Number {
    range: NumberRange,
    n_digits: u8,
    /// Zeros after the digits.
    digits: [u8; MAX_NATIONAL],
}

/// What its plan says of a number: the range that it is of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct NumberRange {
    plan: Plan,
    validity: Validity,
    line: LineType,
    region: Option<Region>,
}

/// What can be kept of a number that was read: all of it, or its range only, which costs less.
pub(crate) trait Keep: Sized {
    /// Keeps what is wanted.
    fn keep(range: NumberRange, national: &[u8]) -> Option<Self>;
    /// Returns the range.
    fn range(&self) -> &NumberRange;
}

impl Keep for NumberRange {
    #[inline]
    fn keep(range: NumberRange, _: &[u8]) -> Option<Self> {
        Some(range)
    }

    #[inline]
    fn range(&self) -> &Self {
        self
    }
}

impl Keep for Number {
    #[inline]
    fn keep(range: NumberRange, national: &[u8]) -> Option<Self> {
        let mut number = Self { range, n_digits: u8::try_from(national.len()).ok()?, digits: [0; MAX_NATIONAL] };
        match (national.first_chunk::<8>(), national.last_chunk::<8>()) {
            // Two copies that overlap are cheaper than one of any length.
            (Some(first), Some(last)) if national.len() <= 16 => {
                number.digits.first_chunk_mut().map(|to| *to = *first)?;
                number.digits.get_mut(national.len() - 8..national.len())?.copy_from_slice(last);
            }
            _ => number.digits.get_mut(..national.len())?.copy_from_slice(national),
        }
        Some(number)
    }

    #[inline]
    fn range(&self) -> &NumberRange {
        &self.range
    }
}

/// Whether a number is of a range that its plan assigns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validity {
    /// The length fits, the leading digits are not assigned.
    Possible,
    /// Length and leading digits are of an assigned range.
    Valid,
}

/// The type of line that a number's range is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LineType {
    /// Not known: the number is possible only.
    Unknown,
    /// A fixed line.
    Fixed,
    /// A mobile.
    Mobile,
    /// A fixed line or a mobile; the plan does not tell them apart.
    FixedOrMobile,
    /// Free for the caller.
    TollFree,
    /// The callee earns from the call.
    Premium,
    /// Caller and callee share the cost.
    SharedCost,
    /// Internet telephony.
    Voip,
    /// Follows a person from line to line.
    Personal,
    /// A pager.
    Pager,
    /// One number of a company for all of a country.
    Uan,
    /// Access to voicemail.
    Voicemail,
}

impl LineType {
    const fn from_table(line: u16) -> Option<Self> {
        Some(match line {
            1 => Self::Fixed,
            2 => Self::Mobile,
            3 => Self::FixedOrMobile,
            4 => Self::TollFree,
            5 => Self::Premium,
            6 => Self::SharedCost,
            7 => Self::Voip,
            8 => Self::Personal,
            9 => Self::Pager,
            10 => Self::Uan,
            11 => Self::Voicemail,
            _ => return None,
        })
    }
}

/// How a written grouping compares with the usual formats of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// As one of the formats has it.
    Usual,
    /// Every border is one of a format, but some are left out.
    Coarser,
    /// A border where no format has one.
    Odd,
}

impl NumberRange {
    /// Returns the country calling code.
    #[must_use]
    pub fn country_code(&self) -> u16 {
        self.plan.country_code()
    }

    /// Returns the region; a non-geographic number has none, nor has a number of a shared code that is possible only.
    #[must_use]
    pub const fn region(&self) -> Option<Region> {
        self.region
    }

    /// Returns the type of line.
    #[must_use]
    pub const fn line(&self) -> LineType {
        self.line
    }

    /// Returns whether the number's range is assigned.
    #[must_use]
    pub const fn validity(&self) -> Validity {
        self.validity
    }

    /// Returns whether the number's range is assigned.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.validity == Validity::Valid
    }
}

impl std::ops::Deref for Number {
    type Target = NumberRange;

    fn deref(&self) -> &NumberRange {
        &self.range
    }
}

impl Number {
    /// Returns the national significant number, in ASCII digits.
    #[must_use]
    pub fn national(&self) -> &[u8] {
        self.digits.get(..usize::from(self.n_digits)).unwrap_or_default()
    }

    /// Returns the canonical form `+` country code, national number.
    #[must_use]
    pub fn e164(&self) -> E164 {
        let mut text = E164 { bytes: [b'+'; E164_BYTES], len: 1 };
        let code = self.country_code();
        let digits = [code / 100, code / 10 % 10, code % 10];
        let leading = digits.iter().take_while(|&&digit| digit == 0).count();
        for &digit in digits.iter().skip(leading) {
            text.push(b'0' + (digit % 10) as u8);
        }
        for &digit in self.national() {
            text.push(digit);
        }
        text
    }

    /// Compares borders between written groups, bit `i` for one before digit `i` of the national number, with the
    /// formats of its plan.
    #[must_use]
    #[inline]
    pub fn grouping(&self, borders: u32) -> Grouping {
        let mut best = Grouping::Odd;
        for format in self.plan.formats(self.national().len()) {
            let like = if format.borders == borders {
                Grouping::Usual
            } else if borders & !format.borders == 0 && best == Grouping::Odd {
                Grouping::Coarser
            } else {
                continue;
            };
            if format.fits(self.national()) {
                best = like;
            }
            if best == Grouping::Usual {
                break;
            }
        }
        best
    }

    /// Returns whether the number is always written with its national prefix within its region.
    #[must_use]
    pub fn is_prefixed(&self) -> bool {
        self.plan.is_prefixed()
            && self
                .plan
                .formats(self.national().len())
                .find(|format| format.fits(self.national()))
                .is_some_and(|format| format.is_prefixed())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.range.debug("Number", f)
    }
}

impl fmt::Debug for NumberRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.debug("NumberRange", f)
    }
}

impl NumberRange {
    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("region", &self.region)
            .field("line", &self.line)
            .field("validity", &self.validity)
            .finish_non_exhaustive()
    }
}

/// The canonical form of a number, `+` and up to 20 digits, held inline.
///
/// # Security
/// `Debug` tells only the length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct E164 {
    bytes: [u8; E164_BYTES],
    len: u8,
}

const E164_BYTES: usize = 1 + 3 + MAX_NATIONAL;

impl E164 {
    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes.get(..usize::from(self.len)).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }

    fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(usize::from(self.len)) {
            *place = byte;
            self.len += 1;
        }
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "E164({} bytes)", self.len)
    }
}

/// Digits that a plan's rule has put together.
#[derive(Clone, Copy, Default)]
struct Digits {
    bytes: [u8; MAX_DIGITS],
    end: u8,
}

impl Digits {
    /// Adds digits; what does not fit is left out, and such a number is too long to be one.
    fn extend(&mut self, digits: impl Iterator<Item = u8>) {
        for digit in digits {
            if let Some(place) = self.bytes.get_mut(usize::from(self.end)) {
                *place = digit;
                self.end += 1;
            }
        }
    }
}

impl std::ops::Deref for Digits {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.end)).unwrap_or_default()
    }
}

/// Returns whether all bytes are ASCII digits, and not too many.
///
/// # Cost
/// Eight bytes at a time: a digit plus 6 stays below `0x40`, and `0x30..=0x3f` is the only block with just those bits.
#[inline]
pub(crate) fn are_digits(bytes: &[u8]) -> bool {
    const EIGHT: u64 = 0x0101_0101_0101_0101;
    let are_eight = |bytes: &[u8; 8]| {
        let bytes = u64::from_le_bytes(*bytes);
        (bytes & (0xf0 * EIGHT)) | ((bytes.wrapping_add(6 * EIGHT) & (0xf0 * EIGHT)) >> 4) == 0x33 * EIGHT
    };
    let (eights, rest) = bytes.as_chunks();
    bytes.len() <= MAX_DIGITS
        && eights.iter().all(are_eight)
        && match bytes.last_chunk() {
            Some(last) => are_eight(last),
            None => rest.iter().all(u8::is_ascii_digit),
        }
}

/// Returns the version of libphonenumber's metadata that the plans were compiled from.
#[must_use]
pub fn version() -> &'static str {
    table::version()
}

/// Returns the country calling code of a region.
#[must_use]
pub fn country_code(region: Region) -> Option<u16> {
    Territory::of_region(region).map(|territory| territory.plan().country_code())
}

/// Returns the digits that are dialled before a national number within a region, such as `0`; empty where there are
/// none or the region is not known.
#[must_use]
pub fn national_prefix(region: Region) -> &'static [u8] {
    Territory::of_region(region).map_or(&[], Territory::national_prefix)
}

/// Returns how many of the first digits are an international prefix as dialled in a region (`00`, `011`).
#[must_use]
pub fn international_prefix(digits: &[u8], region: Region) -> Option<usize> {
    let end = Territory::of_region(region)?.international_prefix(digits)?;
    // No country code begins with 0: `00` before a 0 is something else.
    (digits.get(end) != Some(&b'0')).then_some(end)
}

/// Reads the digits that follow a `+`: country code, then the national number (a national prefix between the two is
/// removed). Nothing where the code is not assigned or the length is not possible.
///
/// # Units
/// ASCII digits, at most [`MAX_DIGITS`].
///
/// # Cost
/// One walk of one step per digit; no allocation.
#[must_use]
pub fn parse_international(digits: &[u8]) -> Option<Number> {
    read_international(digits)
}

/// Does what [`parse_international`] does, and keeps what is wanted.
#[must_use]
pub(crate) fn read_international<R: Keep>(digits: &[u8]) -> Option<R> {
    if are_digits(digits) { after_plus(digits) } else { None }
}

/// Does what [`parse_international`] does, for what is known to be ASCII digits; other bytes are read as some digit.
#[must_use]
pub(crate) fn parse_digits(digits: &[u8]) -> Option<Number> {
    after_plus(digits)
}

#[inline]
fn after_plus<R: Keep>(digits: &[u8]) -> Option<R> {
    let (plan, code_digits) = Plan::of_digits(digits)?;
    finish(plan, plan.main()?, digits.get(code_digits..)?)
}

/// Reads the digits of a canonical form ([`Number::e164`]): country code, then the national number, of which nothing is taken
/// off.
///
/// # Units
/// ASCII digits, at most [`MAX_DIGITS`].
#[must_use]
pub fn parse_e164(digits: &[u8]) -> Option<Number> {
    if !are_digits(digits) {
        return None;
    }
    let (plan, code_digits) = Plan::of_digits(digits)?;
    look_up(plan, digits.get(code_digits..)?)
}

/// Reads a number as written within a region, with or without the national prefix, without a country code.
///
/// # Units
/// ASCII digits, at most [`MAX_DIGITS`].
#[must_use]
pub fn parse_national(digits: &[u8], region: Region) -> Option<Number> {
    let territory = Territory::of_region(region)?;
    if are_digits(digits) { finish(territory.plan(), territory, digits) } else { None }
}

/// Reads a number as dialled from a region: an international prefix first, else the region's own country code where
/// the number makes no sense without, else national.
///
/// # Units
/// ASCII digits, at most [`MAX_DIGITS`].
///
/// # Source
/// libphonenumber, `maybeExtractCountryCode`.
#[must_use]
pub fn parse(digits: &[u8], region: Region) -> Option<Number> {
    read(digits, region)
}

/// Does what [`parse`] does, and keeps what is wanted.
#[must_use]
pub(crate) fn read<R: Keep>(digits: &[u8], region: Region) -> Option<R> {
    match international_prefix(digits, region) {
        Some(end) => read_international(digits.get(end..)?),
        None if are_digits(digits) => domestic(digits, region),
        None => None,
    }
}

/// Does what [`parse`] does, for what is known to be ASCII digits without an international prefix.
#[must_use]
pub(crate) fn parse_domestic(digits: &[u8], region: Region) -> Option<Number> {
    domestic(digits, region)
}

#[inline]
fn domestic<R: Keep>(digits: &[u8], region: Region) -> Option<R> {
    let territory = Territory::of_region(region)?;
    let plan = territory.plan();
    if let Some((found, code_digits)) = Plan::of_digits(digits)
        && found == plan
    {
        let mut moved = Digits::default();
        let rest = territory.strip(digits.get(code_digits..)?, &mut moved);
        let better = !territory.general(digits) && territory.general(rest);
        if better || territory.length(digits.len()) == Length::TooLong {
            return finish(plan, plan.main()?, rest);
        }
    }
    finish(plan, territory, digits)
}

/// Takes a national prefix off and looks the number up.
#[inline]
fn finish<R: Keep>(plan: Plan, territory: Territory, digits: &[u8]) -> Option<R> {
    let mut moved = Digits::default();
    let stripped = territory.strip(digits, &mut moved);
    let national = match territory.length(stripped.len()) {
        Length::Possible | Length::TooLong => stripped,
        Length::LocalOnly | Length::TooShort | Length::Between => digits,
    };
    look_up(plan, national)
}

/// Looks a national number up.
#[inline]
fn look_up<R: Keep>(plan: Plan, national: &[u8]) -> Option<R> {
    // No walk ends at a line where the length is not one of the plan's.
    if national.len() < 2 || !plan.allows(national.len()) {
        return None;
    }
    let (owner, line) = plan.classify(national);
    let main = plan.main()?;
    let validity = match line {
        Some(_) => Validity::Valid,
        None if main.length(national.len()) == Length::Possible => Validity::Possible,
        None => return None,
    };
    let owner = owner.or_else(|| plan.is_single().then_some(main));
    let (line, region) = (line.unwrap_or(LineType::Unknown), owner.and_then(Territory::region));
    R::keep(NumberRange { plan, validity, line, region }, national)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(code: &str) -> Region {
        Region::new(code.as_bytes()).unwrap()
    }

    #[track_caller]
    fn check(digits: &str, home: &str, want: Option<(&str, &str, LineType)>) {
        let number = match digits.strip_prefix('+') {
            Some(digits) => parse_international(digits.as_bytes()),
            None => parse(digits.as_bytes(), region(home)),
        };
        let number = number.filter(|number| number.is_valid());
        let got = number
            .map(|n| (n.e164().as_str().to_owned(), n.region().map_or(String::new(), |r| r.to_string()), n.line()));
        assert_eq!(got, want.map(|(e164, region, line)| (e164.to_owned(), region.to_owned(), line)), "{digits} {home}");
    }

    #[test]
    fn numbers() {
        check("+221771234567", "", Some(("+221771234567", "SN", LineType::Mobile)));
        check("771234567", "SN", Some(("+221771234567", "SN", LineType::Mobile)));
        check("07400123456", "GB", Some(("+447400123456", "GB", LineType::Mobile)));
        check("+4407400123456", "", Some(("+447400123456", "GB", LineType::Mobile)));
        check("00447400123456", "FR", Some(("+447400123456", "GB", LineType::Mobile)));
        check("011447400123456", "US", Some(("+447400123456", "GB", LineType::Mobile)));
        check("2015550123", "US", Some(("+12015550123", "US", LineType::FixedOrMobile)));
        check("12015550123", "US", Some(("+12015550123", "US", LineType::FixedOrMobile)));
        check("+18762101234", "", Some(("+18762101234", "JM", LineType::Mobile)));
        // A Bermudian may leave the area code out; an Argentine mobile is dialled 15 after it, written 9 before it.
        check("3701234", "BM", Some(("+14413701234", "BM", LineType::Mobile)));
        check("01115 2345 6789".replace(' ', "").as_str(), "AR", Some(("+5491123456789", "AR", LineType::Mobile)));
        check("0 15 11 96123 4567".replace(' ', "").as_str(), "BR", Some(("+5511961234567", "BR", LineType::Mobile)));
        check("+80012345678", "", Some(("+80012345678", "", LineType::TollFree)));
        check("+390236618300", "", Some(("+390236618300", "IT", LineType::Fixed)));
        check("+77012345678", "", Some(("+77012345678", "KZ", LineType::Mobile)));
        check("08002986030", "GB", Some(("+448002986030", "GB", LineType::TollFree)));
        check("+22130101234", "", None);
        check("+999123456", "", None);
        check("", "GB", None);
        check("+", "", None);
        check("0", "GB", None);
        check("+12345678901234567890123", "", None);
        check("123456789012345678901234567890", "US", None);
    }

    proptest::proptest! {
        /// What is read once is read again from its canonical form, as the same, and nothing panics.
        #[test]
        fn canonical(digits in "[0-9]{0,26}", home in "AR|BR|BM|CI|DE|FI|GB|IT|MX|SM|UY|US|ZW") {
            let home = region(&home);
            for number in [parse(digits.as_bytes(), home), parse_national(digits.as_bytes(), home), parse_international(digits.as_bytes())] {
                let Some(number) = number else { continue };
                let canonical = number.e164();
                let canonical = canonical.as_str().get(1..).unwrap_or_default().as_bytes();
                proptest::prop_assert!(parse_e164(canonical) == Some(number));
                if !number.is_valid() {
                    continue;
                }
                let again = parse_international(canonical);
                let again = again.map(|again| again.is_valid());
                proptest::prop_assert_eq!(again, Some(true));
            }
        }
    }

    #[test]
    fn possible_is_not_valid() {
        let number = parse_national(b"2532222222", region("US")).map(|n| n.validity());
        assert_eq!(number, Some(Validity::Valid));
        let number = parse_national(b"2530000000", region("US")).map(|n| n.validity());
        assert_eq!(number, Some(Validity::Possible));
        assert_eq!(parse_national(b"25300000001", region("US")), None);
    }

    #[test]
    fn groupings() {
        let number = parse_international(b"447400123456").unwrap();
        assert_eq!(number.grouping(1 << 4), Grouping::Usual);
        assert_eq!(number.grouping(0), Grouping::Coarser);
        assert_eq!(number.grouping(1 << 2 | 1 << 5 | 1 << 9), Grouping::Odd);
    }

    #[test]
    fn nothing_personal_is_printed() {
        let number = parse_international(b"447400123456").unwrap();
        assert_eq!(format!("{:?}", *number), "NumberRange { region: Some(GB), line: Mobile, validity: Valid, .. }");
        assert_eq!(format!("{number:?}"), "Number { region: Some(GB), line: Mobile, validity: Valid, .. }");
        assert_eq!(format!("{:?}", number.e164()), "E164(13 bytes)");
    }

    #[test]
    fn every_territory_is_reachable() {
        const { assert!(table::N_TERRITORIES > 240) };
        assert_eq!(version(), "9.0.33");
        assert_eq!(country_code(region("SN")), Some(221));
        assert_eq!(country_code(region("ZZ")), None);
        assert_eq!(national_prefix(region("RU")), b"8");
    }
}
