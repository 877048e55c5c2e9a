//! Canonical values: the one spelling that all spellings of a value share. Tokens are made of it, so that two spellings of
//! one telephone number are one token.
//!
//! ```text
//! +221 77 123 45 67   77 123 45 67 (in SN)   00221771234567   221771234567@s.whatsapp.net   tel:+221771234567
//!        └───────────────────┴─────────────────────┴──────────────────┴──────────────────────────┘
//!                                            +221771234567
//! ```
//!
//! Nothing is looked up and nothing is corrected: what is not well formed keeps its letters. A change of a rule here is a
//! change of every token of its kind, and so a breaking change.

use crate::entity::{Entity, Kind};
use crate::ids::Region;
use crate::plan::{self, MAX_DIGITS, Number, NumberRange};
use crate::sensitive::Sensitive;
use std::io::Write as _;
use std::net::IpAddr;
use unicode_normalization::UnicodeNormalization;

/// What is known about a value besides its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'k> {
    /// Regions whose national numbers the text may hold, most likely first.
    pub regions: &'k [Region],
    /// The country that its detection names.
    pub country: Option<Region>,
    /// How its digits are meant.
    pub digits: Digits,
}

/// How the digits of a telephone number are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Digits {
    /// As somebody dials them.
    #[default]
    Dialled,
    /// With their country code first, as in an account of WhatsApp.
    International,
}

impl Digits {
    /// Tells how digits are meant from what stands before and after them.
    #[must_use]
    pub fn between(before: &[u8], after: &[u8]) -> Self {
        let account = [&b"@s.whatsapp.net"[..], b"@c.us"].iter().any(|suffix| after.starts_with(suffix));
        let link = [&b"wa.me/"[..], b"whatsapp:"].iter().any(|prefix| {
            let start = before.len().checked_sub(prefix.len());
            start.and_then(|start| before.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(prefix))
        });
        if account || link { Self::International } else { Self::Dialled }
    }
}

/// Appends the canonical form of a value to `out`; nothing where nothing is left of it.
///
/// | kind | form |
/// |---|---|
/// | telephone number | E.164; where no plan knows it, its digits |
/// | e-mail address | lower case, the domain in Unicode, without `mailto:` |
/// | address of the internet | RFC 5952; of version 4 also where it is written inside version 6; no zone |
/// | link | scheme and host in lower case |
/// | user name | lower case, without `@` and the link before it |
/// | wallet | as it stands; where its alphabet has one case, in lower case |
/// | card, account, device, plate, id | letters in upper case and digits, nothing else |
/// | everything else | lower case, one blank for white space |
///
/// # Units
/// `text` is folded: digits of all scripts are ASCII digits ([`crate::scan::fold_into`]).
///
/// # Security
/// `out` holds the value in clear.
///
/// # Cost
/// One pass; 50 to 200 ns. Allocates nothing beyond `out`, but for characters that carry more marks than any language puts
/// on one.
///
/// # Source
/// ITU-T E.164; RFC 5321 §2.4 (only the host may tell cases of a local part apart; hardly any does, and people do not
/// either); RFC 3492 and RFC 5890 (domains); RFC 3986 §6.2.2.1; RFC 5952; Unicode Standard Annex 15 (NFKC).
pub fn canonical(entity: &Entity, text: Sensitive<'_>, known: &Known<'_>, out: &mut Vec<u8>) {
    let text = text.expose().trim_ascii();
    match entity.kind {
        Kind::PhoneNumber => phone(text, known, out),
        Kind::EmailAddress => email(text, out),
        Kind::IpAddress => address(text, out),
        Kind::Url => link(text, out),
        Kind::Username => user_name(text, out),
        Kind::CryptoAddress => wallet(text, out),
        // Some accounts are named like people: `ana@bank`.
        Kind::BankAccount | Kind::OtherId if text.contains(&b'@') => words(text, out),
        Kind::CreditCard
        | Kind::Iban
        | Kind::BankAccount
        | Kind::RoutingNumber
        | Kind::MacAddress
        | Kind::Imei
        | Kind::Imsi
        | Kind::Iccid
        | Kind::DeviceId
        | Kind::UsSsn
        | Kind::NationalId
        | Kind::TaxId
        | Kind::Passport
        | Kind::DriverLicense
        | Kind::LicensePlate
        | Kind::Vin
        | Kind::MedicalId
        | Kind::TransactionId
        | Kind::OtherId => compact(text, out),
        // Case may be all that tells two of these apart.
        Kind::UserId | Kind::ApiKey | Kind::Password | Kind::OtpCode => out.extend_from_slice(text),
        Kind::GeoCoordinate
        | Kind::Person
        | Kind::Location
        | Kind::Address
        | Kind::PostalCode
        | Kind::DateTime
        | Kind::Age
        | Kind::Organization
        | Kind::Other => words(text, out),
    }
}

/// Reads a telephone number, as [`canonical()`] does: the range that its canonical form is of. Nothing where no plan knows it.
///
/// # Units
/// As [`canonical()`].
#[must_use]
pub fn number_range(text: Sensitive<'_>, known: &Known<'_>) -> Option<NumberRange> {
    let mut room = [0; MAX_DIGITS];
    let written = written(text.expose().trim_ascii(), known, &mut room)?;
    read(written.digits, written.international, known)
}

fn phone(text: &[u8], known: &Known<'_>, out: &mut Vec<u8>) {
    let mut room = [0; MAX_DIGITS];
    let Some(written) = written(text, known, &mut room) else { return out.extend_from_slice(text) };
    match read::<Number>(written.digits, written.international, known) {
        Some(number) => out.extend_from_slice(number.e164().as_str().as_bytes()),
        None => {
            out.extend_from_slice(if written.plus { b"+" } else { b"" });
            out.extend_from_slice(written.digits);
        }
    }
}

/// The digits of a telephone number, and how they are meant.
struct Written<'t> {
    digits: &'t [u8],
    plus: bool,
    international: bool,
}

/// Finds the number that stands in `text`, which may be the whole of a field: `tel:+221771234567`,
/// `221771234567@s.whatsapp.net`. `room` is for digits that do not stand side by side.
fn written<'t>(text: &'t [u8], known: &Known<'_>, room: &'t mut [u8; MAX_DIGITS]) -> Option<Written<'t>> {
    let start = text.iter().position(|byte| byte.is_ascii_digit() || *byte == b'+')?;
    let (before, rest) = text.split_at_checked(start)?;
    let (rest, plus) = rest.strip_prefix(b"+").map_or((rest, false), |rest| (rest, true));
    let (digits, after) = if plan::are_digits(rest) {
        (rest, &b""[..])
    } else {
        // What a letter or a sign begins is no part of the number: an extension, parameters, the host of an account.
        let ends = |byte: &u8| byte.is_ascii_alphabetic() || b"@;?:=,&#+".contains(byte);
        let (number, after) = rest.split_at_checked(rest.iter().position(ends).unwrap_or(rest.len()))?;
        let mut n = 0;
        for &digit in number.iter().filter(|byte| byte.is_ascii_digit()) {
            // More digits than any plan has are no number, and may be anything else.
            *room.get_mut(n)? = digit;
            n += 1;
        }
        (room.get(..n)?, after)
    };
    let international =
        plus || known.digits == Digits::International || Digits::between(before, after) == Digits::International;
    (!digits.is_empty()).then_some(Written { digits, plus, international })
}

/// Reads digits in the ways that the scanner does, in its order, and takes the first that fits best: of the country that the
/// detection names, and of an assigned range.
fn read<R: plan::Keep>(digits: &[u8], international: bool, known: &Known<'_>) -> Option<R> {
    let mut best: Option<(u8, R)> = None;
    let mut offer = |number: Option<R>| {
        if let Some(number) = number {
            let near = known.country.is_some() && number.range().region() == known.country;
            let rank = 2 * u8::from(near) + u8::from(number.range().is_valid());
            if best.as_ref().is_none_or(|(other, _)| rank > *other) {
                best = Some((rank, number));
            }
        }
        best.as_ref().is_some_and(|&(rank, _)| rank == 3 || (rank == 1 && known.country.is_none()))
    };
    let bare = || plan::read_international(digits);
    let dialled = |prefix: &[u8]| plan::read_international(digits.strip_prefix(prefix)?);
    let _ = (international && offer(bare()))
        || known.regions.iter().any(|&region| offer(plan::read(digits, region)))
        || offer(dialled(b"00"))
        || offer(dialled(b"011"))
        || offer(bare())
        || known.country.is_some_and(|country| offer(plan::read(digits, country)));
    best.map(|(_, number)| number)
}

fn email(text: &[u8], out: &mut Vec<u8>) {
    let text = strip_scheme(text, b"mailto:");
    let text = text.split(|&byte| byte == b'?').next().unwrap_or_default();
    // Most are ASCII with nothing to take away.
    let is_plain = text.iter().all(u8::is_ascii_graphic)
        && text.last() != Some(&b'.')
        && text.contains(&b'@')
        && !text.windows(2).any(|two| matches!(two, b"--" | b"@@"));
    if is_plain { out.extend(text.iter().map(u8::to_ascii_lowercase)) } else { email_slowly(text, out) }
}

fn email_slowly(text: &[u8], out: &mut Vec<u8>) {
    let Some(at) = text.iter().rposition(|&byte| byte == b'@') else { return words(text, out) };
    let (local, domain) = text.split_at_checked(at).unwrap_or_default();
    words(local, out);
    out.push(b'@');
    let domain = domain.strip_prefix(b"@").unwrap_or(domain);
    let domain = domain.strip_suffix(b".").unwrap_or(domain);
    for (n, label) in domain.split(|&byte| byte == b'.').enumerate() {
        if n > 0 {
            out.push(b'.');
        }
        match label
            .split_at_checked(4)
            .and_then(|(head, tail)| head.eq_ignore_ascii_case(b"xn--").then(|| Label::decode(tail)).flatten())
        {
            Some(label) => lower(label.chars(), out),
            None => words(label, out),
        }
    }
}

fn address(text: &[u8], out: &mut Vec<u8>) {
    let (address, prefix) = match text.iter().position(|&byte| byte == b'/') {
        Some(at) => text.split_at_checked(at).unwrap_or_default(),
        None => (text, &b""[..]),
    };
    let address = address.split(|&byte| byte == b'%').next().unwrap_or_default();
    let address = address.strip_prefix(b"[").and_then(|inside| inside.strip_suffix(b"]")).unwrap_or(address);
    let parsed = std::str::from_utf8(address).ok().and_then(|address| address.parse::<IpAddr>().ok());
    let Some(parsed) = parsed else { return words(text, out) };
    let parsed = match parsed {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(parsed, IpAddr::V4),
        // Of version 4 there is one spelling.
        IpAddr::V4(_) => {
            out.extend_from_slice(address);
            return net(parsed, prefix, out);
        }
    };
    // Writing to memory does not fail.
    let _ = write!(out, "{parsed}");
    net(parsed, prefix, out);
}

/// Appends the prefix of a net.
fn net(address: IpAddr, prefix: &[u8], out: &mut Vec<u8>) {
    // Every address is a net of one address.
    let single: &[u8] = if address.is_ipv4() { b"/32" } else { b"/128" };
    if prefix != single {
        out.extend_from_slice(prefix);
    }
}

fn link(text: &[u8], out: &mut Vec<u8>) {
    let after_scheme = text.windows(3).position(|three| three == b"://").map_or(0, |at| at + 3);
    let rest = text.get(after_scheme..).unwrap_or_default();
    let host = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    let (head, tail) = text.split_at_checked(after_scheme + host).unwrap_or_default();
    words(head, out);
    // The root is the root, with its slash or without.
    if tail != b"/" {
        out.extend_from_slice(tail);
    }
}

fn user_name(text: &[u8], out: &mut Vec<u8>) {
    let text = text.split(|byte| b"?#".contains(byte)).next().unwrap_or_default();
    let text = text.strip_suffix(b"/").unwrap_or(text);
    let name = text.rsplit(|&byte| byte == b'/').next().unwrap_or(text);
    words(name.strip_prefix(b"@").unwrap_or(name), out);
}

fn wallet(text: &[u8], out: &mut Vec<u8>) {
    let has_prefix = |prefix: &[u8]| text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix));
    // Bech32 and hexadecimal digits say the same in both cases; base58 does not.
    if [&b"bc1"[..], b"tb1", b"ltc1", b"0x"].iter().any(|prefix| has_prefix(prefix)) {
        out.extend(text.iter().map(u8::to_ascii_lowercase));
    } else {
        out.extend_from_slice(text);
    }
}

/// Letters in upper case and digits.
fn compact(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_ascii() => {
            let upper = text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase);
            upper.for_each(|c| push(c, out));
        }
        _ => out.extend(text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_uppercase)),
    }
    if out.len() == start {
        out.extend_from_slice(text);
    }
}

/// Lower case, one blank for white space.
fn words(text: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_ascii() => lower(text.chars(), out),
        _ => {
            for (n, word) in text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).enumerate() {
                if n > 0 {
                    out.push(b' ');
                }
                out.extend(word.iter().map(u8::to_ascii_lowercase));
            }
        }
    }
}

fn lower(text: impl Iterator<Item = char>, out: &mut Vec<u8>) {
    let mut blank = false;
    let start = out.len();
    // Lower case first: a few capitals become two characters, which composition joins again.
    for c in text.flat_map(char::to_lowercase).nfkc() {
        if c.is_whitespace() {
            blank = out.len() > start;
            continue;
        }
        if std::mem::take(&mut blank) {
            out.push(b' ');
        }
        c.to_lowercase().for_each(|c| push(c, out));
    }
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn strip_scheme<'t>(text: &'t [u8], scheme: &[u8]) -> &'t [u8] {
    match text.split_at_checked(scheme.len()) {
        Some((head, rest)) if head.eq_ignore_ascii_case(scheme) => rest,
        _ => text,
    }
}

/// A label of a domain in Unicode.
struct Label {
    chars: [char; LABEL_CHARS],
    len: usize,
}

const BASE: u32 = 36;
const TMIN: u32 = 1;
const TMAX: u32 = 26;

/// RFC 3492 §6.1.
fn adapt(delta: u32, n_chars: u32, first: bool) -> u32 {
    let mut delta = delta / if first { 700 } else { 2 };
    delta += delta / n_chars;
    let mut k = 0;
    while delta > (BASE - TMIN) * TMAX / 2 {
        delta /= BASE - TMIN;
        k += BASE;
    }
    k + (BASE - TMIN + 1) * delta / (delta + 38)
}

/// A label in ASCII has at most 63 bytes, and each stands for at most one character.
const LABEL_CHARS: usize = 63;

impl Label {
    /// Decodes what follows `xn--`; nothing where it is broken.
    ///
    /// # Source
    /// RFC 3492 §6.2, with the parameters of §5.
    fn decode(text: &[u8]) -> Option<Self> {
        let mut label = Self { chars: ['\0'; LABEL_CHARS], len: 0 };
        let (plain, rest) = match text.iter().rposition(|&byte| byte == b'-') {
            Some(at) => (text.get(..at)?, text.get(at + 1..)?),
            None => (&b""[..], text),
        };
        for &byte in plain {
            label.insert(label.len, char::from(byte))?;
        }
        let (mut n, mut i, mut bias) = (0x80_u32, 0_u32, 72_u32);
        let mut rest = rest.iter();
        while !rest.as_slice().is_empty() {
            let (old, mut weight, mut k) = (i, 1_u32, BASE);
            loop {
                let digit = match *rest.next()? {
                    letter @ (b'a'..=b'z' | b'A'..=b'Z') => u32::from(letter.to_ascii_lowercase() - b'a'),
                    digit @ b'0'..=b'9' => u32::from(digit - b'0') + 26,
                    _ => return None,
                };
                i = i.checked_add(digit.checked_mul(weight)?)?;
                let threshold = k.saturating_sub(bias).clamp(TMIN, TMAX);
                if digit < threshold {
                    break;
                }
                weight = weight.checked_mul(BASE - threshold)?;
                k += BASE;
            }
            let n_chars = u32::try_from(label.len).ok()? + 1;
            bias = adapt(i - old, n_chars, old == 0);
            n = n.checked_add(i / n_chars)?;
            i %= n_chars;
            label.insert(usize::try_from(i).ok()?, char::from_u32(n)?)?;
            i += 1;
        }
        Some(label)
    }

    fn insert(&mut self, at: usize, c: char) -> Option<()> {
        let tail = self.chars.get_mut(at..=self.len)?;
        tail.rotate_right(1);
        *tail.first_mut()? = c;
        self.len += 1;
        Some(())
    }

    fn chars(&self) -> impl Iterator<Item = char> + '_ {
        self.chars.iter().take(self.len).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, texts: &[&str], want: &str) {
        let entity = Entity { name: kind.name().to_owned(), kind, country: None };
        for text in texts {
            let mut out = Vec::new();
            canonical(&entity, Sensitive::new(text.as_bytes()), &Known::default(), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), want, "{text}");
            let once = out.clone();
            out.clear();
            canonical(&entity, Sensitive::new(&once), &Known::default(), &mut out);
            assert_eq!(out, once, "the canonical form is its own");
        }
    }

    #[track_caller]
    fn dialled(regions: &str, country: &str, texts: &[&str], want: &str) {
        let entity = Entity { name: "PHONE_NUMBER".to_owned(), kind: Kind::PhoneNumber, country: None };
        let regions: Vec<Region> = regions.split_whitespace().filter_map(|code| Region::new(code.as_bytes())).collect();
        let known = Known { regions: &regions, country: Region::new(country.as_bytes()), digits: Digits::Dialled };
        for text in texts {
            let mut out = Vec::new();
            canonical(&entity, Sensitive::new(text.as_bytes()), &known, &mut out);
            assert_eq!(String::from_utf8_lossy(&out), want, "{text}");
        }
    }

    #[test]
    fn numbers() {
        let spellings = [
            "+221 77 123 45 67",
            "+221-77-123-45-67",
            "(+221) 771234567",
            "00221771234567",
            "011 221 77 123 45 67",
            "221771234567",
            "221771234567@s.whatsapp.net",
            "221771234567:12@s.whatsapp.net",
            "221771234567@c.us",
            "tel:+221771234567",
            "tel:+221-77-123-45-67;ext=5",
            "whatsapp:+221771234567",
            "whatsapp:221771234567",
            "https://wa.me/221771234567?text=hi",
            "+221 77 123 45 67 ext 5",
        ];
        dialled("", "", &spellings, "+221771234567");
        dialled("SN", "", &spellings, "+221771234567");
        dialled("SN", "SN", &spellings, "+221771234567");
        dialled("SN", "SN", &["77 123 45 67", "771234567", "tel:771234567"], "+221771234567");
        dialled("FR SN", "SN", &["77 123 45 67"], "+221771234567");
        dialled("US", "US", &["(202) 555-0143", "202.555.0143", "1 202 555 0143", "+12025550143"], "+12025550143");
        dialled("", "US", &["202-555-0143", "1-202-555-0143"], "+12025550143");
        dialled(
            "GB",
            "GB",
            &["07400 123456", "+44 (0)7400 123456", "447400123456", "0044 7400 123456"],
            "+447400123456",
        );
        // An account has its country code, also where the digits would be a number of the country as well.
        dialled("DE", "DE", &["4915112345678@s.whatsapp.net", "wa.me/4915112345678"], "+4915112345678");
    }

    #[test]
    fn what_no_plan_knows_keeps_its_digits() {
        dialled("SN", "", &["12345", "1-23 45"], "12345");
        dialled("", "", &["+999 12 34", "+9991234"], "+9991234");
        dialled("", "", &["unknown"], "unknown");
        dialled("", "", &["+"], "+");
        dialled("", "", &[""], "");
        dialled("", "", &["120363041234567890123456789@g.us"], "120363041234567890123456789@g.us");
    }

    #[test]
    fn other_kinds() {
        check(
            Kind::EmailAddress,
            &[
                "Awa.Diop@Example.ORG",
                "awa.diop@example.org",
                "mailto:awa.diop@example.org?subject=x",
                "awa.diop@example.org.",
            ],
            "awa.diop@example.org",
        );
        check(
            Kind::EmailAddress,
            &["Jürgen@BÜCHER.example", "jürgen@xn--bcher-kva.example", "ju\u{308}rgen@XN--BCHER-KVA.example"],
            "jürgen@bücher.example",
        );
        check(Kind::EmailAddress, &["a@例子.测试", "A@xn--fsqu00a.xn--0zwm56d"], "a@例子.测试");
        check(Kind::EmailAddress, &["a@xn--.example"], "a@.example");
        check(Kind::EmailAddress, &["a@xn--99999999.example"], "a@xn--99999999.example");
        check(Kind::Iban, &["de89 3704 0044 0532 0130 00", "DE89370400440532013000"], "DE89370400440532013000");
        check(Kind::CreditCard, &["4111 1111 1111 1111", "4111-1111-1111-1111"], "4111111111111111");
        check(Kind::NationalId, &["529.982.247-25", "52998224725"], "52998224725");
        check(Kind::TaxId, &["x-1234567-l", "X1234567L"], "X1234567L");
        check(Kind::LicensePlate, &["а 123 вс 77", "А123ВС77"], "А123ВС77");
        check(Kind::MacAddress, &["00:00:5e:00:53:01", "00-00-5E-00-53-01", "0000.5e00.5301"], "00005E005301");
        check(Kind::IpAddress, &["192.0.2.17", "::ffff:192.0.2.17", "192.0.2.17/32"], "192.0.2.17");
        check(
            Kind::IpAddress,
            &["2001:DB8:0:0:0:0:0:1", "2001:db8::1", "[2001:db8::1]", "2001:db8::1%eth0"],
            "2001:db8::1",
        );
        check(Kind::IpAddress, &["198.51.100.0/24"], "198.51.100.0/24");
        check(Kind::Url, &["HTTPS://Example.ORG/", "https://example.org"], "https://example.org");
        check(Kind::Url, &["https://EXAMPLE.org/A?b=C"], "https://example.org/A?b=C");
        check(Kind::Username, &["@Awa_Diop", "awa_diop", "https://t.me/awa_diop?x=1"], "awa_diop");
        check(Kind::Person, &["  Awa   DIOP ", "awa diop", "awa\u{a0}diop"], "awa diop");
        check(Kind::Person, &["ÉLISE", "e\u{301}lise"], "élise");
        check(Kind::CryptoAddress, &["0xAbC1", "0xabc1"], "0xabc1");
        check(Kind::CryptoAddress, &["1BoatSLRHtKNngkdXEeobR76b53LETtpyT"], "1BoatSLRHtKNngkdXEeobR76b53LETtpyT");
        check(Kind::BankAccount, &["Ana@Bank", "ana@bank"], "ana@bank");
        check(Kind::TaxId, &["---"], "---");
    }

    proptest::proptest! {
        #[test]
        fn plain_mail_is_mail(text in "[a-zA-Z0-9.@+_ -]{0,12}(@|@@|)[a-zXN.-]{0,4}(xn--e1a|--|)[a-zA-Z.é ]{0,8}") {
            let (mut plain, mut slow) = (Vec::new(), Vec::new());
            email(text.as_bytes(), &mut plain);
            email_slowly(text.as_bytes(), &mut slow);
            proptest::prop_assert_eq!(plain, slow);
        }

        /// Whatever the text: no panic, and something is left of what is not blank.
        #[test]
        fn of_anything(text in "\\PC{0,60}", at in 0..Kind::ALL.len()) {
            let entity = Entity { name: String::new(), kind: Kind::ALL[at], country: None };
            let mut out = Vec::new();
            canonical(&entity, Sensitive::new(text.as_bytes()), &Known::default(), &mut out);
            proptest::prop_assert!(out.len() <= 4 * text.len() + 1 || text.len() < 60);
        }
    }
}
