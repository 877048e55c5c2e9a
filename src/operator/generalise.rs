//! Generalisation: what sort of value it is, and not which.
//!
//! The answer stands in a label ([`crate::label`]) but for links cut to their host, which are links still.

use crate::entity::{Entity, Kind};
use crate::ids::Region;
use crate::label::WORDS;
use crate::plan::{LineType, Number, NumberRange, parse_e164};
use crate::policy::Form;
use std::io::Write as _;
use std::net::{IpAddr, Ipv6Addr};

/// Appends what `form` leaves of a value. Tells whether there is an answer; where there is none, nothing was written.
///
/// # Units
/// `canonical` is the [`super::canonical()`] form of the value; `shift` is in days.
pub(super) fn generalise(
    form: &Form,
    entity: &Entity,
    canonical: &[u8],
    shift: Option<i64>,
    out: &mut Vec<u8>,
) -> bool {
    let start = out.len();
    let text = || std::str::from_utf8(canonical).unwrap_or_default();
    if *form == Form::Host {
        let done = host(text(), out);
        if !done {
            out.truncate(start);
        }
        return done;
    }
    out.push(b'[');
    out.extend_from_slice(entity.name.as_bytes());
    out.push(b' ');
    let done = match form {
        Form::CountryType => number(canonical).map(|number| PhoneClass::from(*number).write(out)),
        Form::DomainClass => text().rsplit_once('@').map(|(_, domain)| put(mail_class(domain), out)),
        Form::Net => net(text(), out),
        Form::Grid => grid(text(), out),
        Form::Month => date(text()).and_then(|date| date.month(out)),
        Form::Year => date(text()).map(|date| date.year(out)),
        Form::Shift { .. } => shift.zip(date(text())).and_then(|(days, date)| date.shifted(days, out)),
        Form::HostClass => {
            put(host_class(text()), out);
            Some(())
        }
        Form::Bucket { bounds } => bucket(text(), bounds, out),
        Form::BrandLen => (entity.kind == Kind::CreditCard).then(|| card(canonical, out)).flatten(),
        Form::Host => None,
    };
    out.push(b']');
    // What is not known again as a label would be looked at again. Of words alone, it is for the name to say.
    let label = out.get(start..).unwrap_or_default();
    let known = || match form {
        Form::CountryType | Form::DomainClass | Form::HostClass => {
            let known = crate::label::is_telling_name(entity.name.as_bytes());
            debug_assert_eq!(known, crate::label::label_at(label) == Some(label.len()));
            known
        }
        _ => crate::label::label_at(label) == Some(label.len()),
    };
    let done = done.is_some() && known();
    if !done {
        out.truncate(start);
    }
    done
}

fn put(word: &str, out: &mut Vec<u8>) {
    debug_assert!(WORDS.contains(&word));
    out.extend_from_slice(word.as_bytes());
}

/// What is left of a telephone number: `+221 mobile`; of a small country only the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhoneClass {
    /// The country code, or its first digit.
    code: u16,
    is_zone: bool,
    line: LineType,
}

impl From<NumberRange> for PhoneClass {
    fn from(range: NumberRange) -> Self {
        let (code, line) = (range.country_code(), range.line());
        let is_zone = code != 1 && range.region().is_some_and(is_small);
        Self { code: if is_zone { zone(code) } else { code }, is_zone, line }
    }
}

impl PhoneClass {
    /// Appends the label that tells it. `head` is what the label begins with, such as `[PHONE_NUMBER `.
    pub fn label(self, head: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(head);
        self.write(out);
        out.push(b']');
    }

    fn write(self, out: &mut Vec<u8>) {
        let code = self.code;
        out.push(b'+');
        // Country codes have up to three digits.
        for (digit, least) in [(code / 100, 100), (code / 10 % 10, 10), (code % 10, 0)] {
            if code >= least {
                out.push(b'0' + (digit % 10) as u8);
            }
        }
        out.extend_from_slice(if self.is_zone { b"x " } else { b" " });
        put(
            match self.line {
                LineType::Fixed => "fixed",
                LineType::Mobile => "mobile",
                LineType::FixedOrMobile => "fixed-or-mobile",
                LineType::TollFree => "toll-free",
                LineType::Premium => "premium",
                LineType::SharedCost => "shared-cost",
                LineType::Voip => "voip",
                LineType::Personal => "personal",
                LineType::Pager => "pager",
                LineType::Uan => "business",
                LineType::Unknown | LineType::Voicemail => "other",
            },
            out,
        );
    }
}

/// Returns what labels of an entity begin with that tell a [`PhoneClass`], such as `[PHONE_NUMBER `; nothing where such a label
/// would not be known again.
#[must_use]
pub fn phone_head(entity: &Entity) -> Option<Box<[u8]>> {
    let label = format!("[{} +1 mobile]", entity.name);
    let is_known = crate::label::label_at(label.as_bytes()) == Some(label.len());
    is_known.then(|| format!("[{} ", entity.name).into_bytes().into())
}

/// Reads a canonical number.
fn number(canonical: &[u8]) -> Option<Number> {
    parse_e164(canonical.strip_prefix(b"+")?)
}

/// Returns whether a number, in its canonical form, is that of a business: whoever calls it pays less or more than for a call,
/// or it is one for all of a country.
pub fn is_business(canonical: &[u8]) -> bool {
    number(canonical).is_some_and(|number| {
        number.is_valid()
            && matches!(number.line(), LineType::TollFree | LineType::Premium | LineType::SharedCost | LineType::Uan)
    })
}

/// The first digit of a country code.
const fn zone(code: u16) -> u16 {
    if code >= 100 {
        code / 100
    } else if code >= 10 {
        code / 10
    } else {
        code
    }
}

/// Regions with fewer than about a million mobile telephones: there a country code says too much.
const SMALL: &[&str] = &[
    "AC", "AD", "AI", "AG", "AW", "AX", "BB", "BL", "BM", "BQ", "BS", "BT", "BZ", "CC", "CK", "CV", "CW", "CX", "DM",
    "ER", "FK", "FM", "FO", "GD", "GF", "GG", "GI", "GL", "GP", "GQ", "GY", "IM", "IO", "IS", "JE", "KI", "KM", "KN",
    "KY", "LC", "LI", "LU", "MC", "MF", "MH", "MP", "MQ", "MS", "MV", "NC", "NF", "NR", "NU", "PF", "PM", "PW", "SB",
    "SC", "SH", "SJ", "SM", "SR", "ST", "SX", "TA", "TC", "TK", "TO", "TV", "VA", "VC", "VG", "VU", "WF", "WS", "YT",
];

/// Whether a region is one of those.
fn is_small(region: Region) -> bool {
    /// A bit for the second letter, by the first.
    #[expect(clippy::indexing_slicing, reason = "in a constant, what is out of bounds does not compile")]
    const BY_LETTER: [u32; 26] = {
        let mut by_letter = [0; 26];
        let mut rest = SMALL;
        while let [code, others @ ..] = rest {
            if let &[first, second] = code.as_bytes() {
                by_letter[(first - b'A') as usize] |= 1 << (second - b'A');
            }
            rest = others;
        }
        by_letter
    };
    let [first, second] = region.bytes();
    let seconds = BY_LETTER.get(usize::from(first.wrapping_sub(b'A'))).copied().unwrap_or_default();
    second.is_ascii_uppercase() && seconds >> (second - b'A') & 1 != 0
}

/// The sort of a mail domain. A domain of one's own is no sort, and a rare one a person: neither is written.
fn mail_class(domain: &str) -> &'static str {
    if let Some(class) = listed(MAIL, domain) {
        class
    } else if reserved(domain) {
        "example"
    } else if FREE_NAMES.contains(&first_label(domain)) {
        "free-mail"
    } else {
        institution(domain).unwrap_or("corporate")
    }
}

/// Looks for a domain, and for those that it stands below, in a list by length and name.
fn listed(list: &[(&str, &'static str)], domain: &str) -> Option<&'static str> {
    let mut rest = domain;
    // The last label alone is none of a list.
    while let Some((_, above)) = rest.split_once('.') {
        if let Ok(at) = list.binary_search_by_key(&(rest.len(), rest), |&(known, _)| (known.len(), known)) {
            return list.get(at).map(|(_, class)| *class);
        }
        rest = above;
    }
    None
}

fn institution(domain: &str) -> Option<&'static str> {
    let mut labels = domain.rsplit('.');
    let (last, second) = (labels.next()?, labels.next().unwrap_or_default());
    let national = last.len() == 2;
    match (last, second) {
        ("edu", _) => Some("education"),
        ("gov" | "mil", _) => Some("government"),
        (_, "edu" | "ac" | "sch" | "k12") if national => Some("education"),
        (_, "gov" | "gob" | "gouv" | "go" | "govt" | "mil") if national => Some("government"),
        _ => None,
    }
}

/// Domains that RFC 2606 and RFC 6761 keep for examples.
fn reserved(domain: &str) -> bool {
    ["example.org", "example.com", "example.net", "example", "test", "invalid"].iter().any(|known| below(domain, known))
}

/// Whether a domain is `known` or stands below it.
fn below(domain: &str, known: &str) -> bool {
    domain.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn first_label(domain: &str) -> &str {
    domain.split('.').next().unwrap_or_default()
}

/// Names under which providers have a domain in many countries.
const FREE_NAMES: &[&str] = &["yahoo", "hotmail", "outlook", "live", "gmx", "yandex", "aol"];
/// Domains of mail and their sorts, by length and name.
const MAIL: &[(&str, &str)] = &[
    ("bk.ru", "free-mail"),
    ("o2.pl", "free-mail"),
    ("pm.me", "free-mail"),
    ("wp.pl", "free-mail"),
    ("abv.bg", "free-mail"),
    ("me.com", "free-mail"),
    ("qq.com", "free-mail"),
    ("sfr.fr", "free-mail"),
    ("web.de", "free-mail"),
    ("126.com", "free-mail"),
    ("163.com", "free-mail"),
    ("att.net", "free-mail"),
    ("free.fr", "free-mail"),
    ("list.ru", "free-mail"),
    ("mac.com", "free-mail"),
    ("mail.ru", "free-mail"),
    ("msn.com", "free-mail"),
    ("onet.pl", "free-mail"),
    ("sky.com", "free-mail"),
    ("ukr.net", "free-mail"),
    ("daum.net", "free-mail"),
    ("inbox.ru", "free-mail"),
    ("mail.com", "free-mail"),
    ("sina.com", "free-mail"),
    ("ziggo.nl", "free-mail"),
    ("zoho.com", "free-mail"),
    ("email.com", "free-mail"),
    ("gmail.com", "free-mail"),
    ("ig.com.br", "free-mail"),
    ("libero.it", "free-mail"),
    ("moakt.com", "disposable"),
    ("naver.com", "free-mail"),
    ("orange.fr", "free-mail"),
    ("proton.me", "free-mail"),
    ("seznam.cz", "free-mail"),
    ("ymail.com", "free-mail"),
    ("bol.com.br", "free-mail"),
    ("freenet.de", "free-mail"),
    ("icloud.com", "free-mail"),
    ("interia.pl", "free-mail"),
    ("rambler.ru", "free-mail"),
    ("telenet.be", "free-mail"),
    ("uol.com.br", "free-mail"),
    ("wanadoo.fr", "free-mail"),
    ("bigpond.com", "free-mail"),
    ("comcast.net", "free-mail"),
    ("foxmail.com", "free-mail"),
    ("getnada.com", "disposable"),
    ("hanmail.net", "free-mail"),
    ("laposte.net", "free-mail"),
    ("maildrop.cc", "disposable"),
    ("t-online.de", "free-mail"),
    ("verizon.net", "free-mail"),
    ("virgilio.it", "free-mail"),
    ("yopmail.com", "disposable"),
    ("fastmail.com", "free-mail"),
    ("terra.com.br", "free-mail"),
    ("tutanota.com", "free-mail"),
    ("sbcglobal.net", "free-mail"),
    ("temp-mail.org", "disposable"),
    ("trashmail.com", "disposable"),
    ("btinternet.com", "free-mail"),
    ("googlemail.com", "free-mail"),
    ("mailinator.com", "disposable"),
    ("protonmail.com", "free-mail"),
    ("rediffmail.com", "free-mail"),
    ("rocketmail.com", "free-mail"),
    ("dispostable.com", "disposable"),
    ("sharklasers.com", "disposable"),
    ("10minutemail.com", "disposable"),
    ("guerrillamail.com", "disposable"),
    ("throwawaymail.com", "disposable"),
];

/// Network of an address; of one that is of no use outside, its sort.
fn net(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let address = text.split('/').next().unwrap_or_default();
    match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(four) => match four.octets() {
            [100, b, ..] if b & 0xc0 == 64 => put("shared", out),
            _ if four.is_private() => put("private", out),
            _ if four.is_loopback() => put("loopback", out),
            _ if four.is_link_local() => put("link-local", out),
            _ if four.is_multicast() => put("multicast", out),
            // As it is written, but for the last number.
            _ => {
                let (net, _) = address.rsplit_once('.')?;
                out.extend_from_slice(net.as_bytes());
                out.extend_from_slice(b".0/24");
            }
        },
        IpAddr::V6(six) => match six.segments() {
            [0xfe80..=0xfebf, ..] => put("link-local", out),
            [0xfc00..=0xfdff, ..] => put("private", out),
            [0xff00..=0xffff, ..] => put("multicast", out),
            _ if six.is_loopback() || six.is_unspecified() => put("loopback", out),
            [a, b, c, ..] => {
                let _ = write!(out, "{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0));
            }
        },
    }
    Some(())
}

/// Coordinates with two decimals, cut off.
fn grid(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let parts = text.split([',', ';', ' ']).filter(|part| !part.is_empty());
    let mut n = 0;
    for part in parts {
        let (sign, digits) =
            part.strip_prefix('-').map_or(("", part.strip_prefix('+').unwrap_or(part)), |rest| ("-", rest));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        n += 1;
        if n > 2 || whole.is_empty() || whole.len() > 3 || !plain(whole) || !plain(decimals) {
            return None;
        }
        let comma = if n > 1 { "," } else { "" };
        let _ = write!(out, "{comma}{sign}{whole}.{decimals:.2}");
    }
    (n > 0).then_some(())
}

/// A date as it was read; a month or day of which it is not known which is which is none.
struct Date {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
}

/// Reads `2026-04-17` and what follows it, `20260417`, `17.04.2026`, `17/04/2026`.
fn date(text: &str) -> Option<Date> {
    let mut numbers = [(0_i64, 0_usize); 3];
    let mut at = 0;
    let mut last_digit = false;
    for byte in text.bytes() {
        if byte.is_ascii_digit() {
            let place = numbers.get_mut(at)?;
            *place = (place.0 * 10 + i64::from(byte - b'0'), place.1 + 1);
            if place.1 > 8 {
                return None;
            }
        } else if last_digit {
            at += 1;
            if at == 3 || !matches!(byte, b'-' | b'/' | b'.') {
                break;
            }
        } else {
            return None;
        }
        last_digit = byte.is_ascii_digit();
    }
    let is_month = |n: i64| (1..=12).contains(&n);
    let is_day = |n: i64| (1..=31).contains(&n);
    let (year, month, day) = match numbers {
        [(packed, 8), (_, 0), _] => (packed / 10_000, Some(packed / 100 % 100), Some(packed % 100)),
        [(year, 4), (month, 1..=2), (day, 0..=2)] => (year, Some(month), Some(day).filter(|day| *day > 0)),
        [(a, 1..=2), (b, 1..=2), (year, 4)] => match (is_month(a), is_month(b)) {
            (true, true) if a != b => (year, None, None),
            (true, false) => (year, Some(a), Some(b)),
            _ => (year, Some(b), Some(a)),
        },
        _ => return None,
    };
    let fits = (1..=9999).contains(&year) && month.is_none_or(is_month) && day.is_none_or(is_day);
    fits.then_some(Date { year, month, day })
}

impl Date {
    fn year(&self, out: &mut Vec<u8>) {
        let _ = write!(out, "{:04}", self.year);
    }

    fn month(&self, out: &mut Vec<u8>) -> Option<()> {
        // Which of two numbers is the month is not known: the year is.
        let _ = match self.month {
            Some(month) => write!(out, "{:04}-{month:02}", self.year),
            None => write!(out, "{:04}", self.year),
        };
        Some(())
    }

    /// # Source
    /// Days of the proleptic Gregorian calendar by eras of 400 years, years that begin in March.
    fn shifted(&self, days: i64, out: &mut Vec<u8>) -> Option<()> {
        let (month, day) = (self.month?, self.day?);
        let year = if month <= 2 { self.year - 1 } else { self.year };
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let total = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year + days;
        let (era, left) = (total.div_euclid(146_097), total.rem_euclid(146_097));
        let of_era = (left - left / 1_460 + left / 36_524 - left / 146_096) / 365;
        let of_year = left - (365 * of_era + of_era / 4 - of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let (day, month) =
            (of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
        let year = of_era + era * 400 + i64::from(month <= 2);
        let _ = write!(out, "{year:04}-{month:02}-{day:02}");
        Some(())
    }
}

/// The two bounds that a number lies between, the lower one included.
fn bucket(text: &str, bounds: &[u32], out: &mut Vec<u8>) -> Option<()> {
    let digits = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    let number: u32 = digits.get(..len)?.parse().ok()?;
    // `1,200` and `1.200` are written in too many ways to guess.
    let joined = digits.as_bytes().get(len).is_some_and(|b| matches!(b, b',' | b'.' | b'\''))
        && digits.as_bytes().get(len + 1..len + 4).is_some_and(|next| next.iter().all(u8::is_ascii_digit));
    if joined {
        return None;
    }
    let above = bounds.partition_point(|bound| *bound <= number);
    match (above.checked_sub(1).and_then(|at| bounds.get(at)), bounds.get(above)) {
        (None, Some(high)) => {
            out.push(b'<');
            short(*high, out);
        }
        (Some(low), Some(high)) => {
            short(*low, out);
            out.push(b'-');
            short(*high, out);
        }
        (Some(low), None) => {
            short(*low, out);
            out.push(b'+');
        }
        (None, None) => return None,
    }
    Some(())
}

fn short(n: u32, out: &mut Vec<u8>) {
    let _ = match n {
        0..10_000 => write!(out, "{n}"),
        _ if n.is_multiple_of(1_000_000) => write!(out, "{}m", n / 1_000_000),
        _ => write!(out, "{}k", n / 1_000),
    };
}

/// Brand by issuer number, and how many digits.
///
/// # Source
/// ISO/IEC 7812 ranges as the card schemes publish them.
fn card(canonical: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let n = canonical.len();
    if !(12..=19).contains(&n) || !canonical.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let head = canonical.iter().take(4).fold(0_u32, |head, b| head * 10 + u32::from(b - b'0'));
    put(
        match head {
            3400..=3499 | 3700..=3799 => "amex",
            3000..=3059 | 3600..=3699 | 3800..=3999 => "diners",
            3528..=3589 => "jcb",
            4000..=4999 => "visa",
            5100..=5599 | 2221..=2720 => "mastercard",
            2200..=2204 => "mir",
            6011 | 6440..=6599 => "discover",
            6200..=6299 => "unionpay",
            5000..=5099 | 5600..=5899 | 6000..=6010 | 6012..=6199 | 6300..=6399 | 6700..=6799 => "maestro",
            _ => "other",
        },
        out,
    );
    out.extend_from_slice(b" /1");
    out.push(b'0' + (n % 10) as u8);
    Some(())
}

/// Scheme and host of a link, its user and port left out.
fn split(text: &str) -> (&str, &str) {
    let (scheme, rest) = text.split_once("://").map_or(("", text), |(scheme, rest)| (scheme, rest));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    (scheme, host)
}

fn host(text: &str, out: &mut Vec<u8>) -> bool {
    let (scheme, host) = split(text);
    let numeric = host.bytes().all(|b| !b.is_ascii_alphabetic()) || host.starts_with('[');
    // A name with a long number in it may be somebody's.
    let n_digits = host.bytes().filter(u8::is_ascii_digit).count();
    if numeric || n_digits > 4 || !host.contains('.') {
        return false;
    }
    // No slash behind it: what follows could then be read as a path (`https://a.example,https://b.example`), and a second
    // run would take it away.
    let _ = match scheme {
        "" => write!(out, "{host}"),
        scheme => write!(out, "{scheme}://{host}"),
    };
    true
}

fn host_class(text: &str) -> &'static str {
    let (_, host) = split(text);
    let host = host.strip_prefix("www.").unwrap_or(host);
    let numeric = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    if numeric || host == "localhost" || below(host, "local") || below(host, "internal") {
        return "local";
    }
    if reserved(host) {
        return "example";
    }
    // `amazon.` in any country.
    let named =
        || HOST_NAMES.iter().find(|(name, _)| host.split('.').any(|label| label == *name)).map(|(_, class)| *class);
    listed(HOSTS, host).or_else(named).or_else(|| institution(host)).unwrap_or("other")
}

/// Hosts and their sorts, by length and name.
const HOSTS: &[(&str, &str)] = &[
    ("m.me", "chat"),
    ("t.co", "short"),
    ("t.me", "chat"),
    ("fb.me", "social"),
    ("is.gd", "short"),
    ("ow.ly", "short"),
    ("rb.gy", "short"),
    ("wa.me", "chat"),
    ("x.com", "social"),
    ("bit.ly", "short"),
    ("fb.com", "social"),
    ("goo.gl", "short"),
    ("vk.com", "social"),
    ("1drv.ms", "files"),
    ("buff.ly", "short"),
    ("cutt.ly", "short"),
    ("line.me", "chat"),
    ("lnkd.in", "short"),
    ("tiny.cc", "short"),
    ("zoom.us", "chat"),
    ("bing.com", "search"),
    ("waze.com", "maps"),
    ("youtu.be", "video"),
    ("baidu.com", "search"),
    ("signal.me", "chat"),
    ("twitch.tv", "video"),
    ("viber.com", "chat"),
    ("vimeo.com", "video"),
    ("discord.gg", "chat"),
    ("reddit.com", "social"),
    ("tiktok.com", "social"),
    ("discord.com", "chat"),
    ("dropbox.com", "files"),
    ("netflix.com", "video"),
    ("shorturl.at", "short"),
    ("telegram.me", "chat"),
    ("threads.net", "social"),
    ("tinyurl.com", "short"),
    ("twitter.com", "social"),
    ("youtube.com", "video"),
    ("facebook.com", "social"),
    ("linkedin.com", "social"),
    ("snapchat.com", "social"),
    ("whatsapp.com", "chat"),
    ("amazonaws.com", "files"),
    ("instagram.com", "social"),
    ("mediafire.com", "files"),
    ("messenger.com", "chat"),
    ("duckduckgo.com", "search"),
    ("googleapis.com", "files"),
    ("maps.apple.com", "maps"),
    ("wetransfer.com", "files"),
    ("dailymotion.com", "video"),
    ("docs.google.com", "files"),
    ("maps.app.goo.gl", "maps"),
    ("maps.google.com", "maps"),
    ("drive.google.com", "files"),
    ("onedrive.live.com", "files"),
    ("openstreetmap.org", "maps"),
];
/// Names of hosts that are the same in all countries, and their sorts.
const HOST_NAMES: &[(&str, &str)] = &[
    ("pinterest", "social"),
    ("amazon", "shop"),
    ("ebay", "shop"),
    ("jumia", "shop"),
    ("mercadolibre", "shop"),
    ("mercadolivre", "shop"),
    ("aliexpress", "shop"),
    ("alibaba", "shop"),
    ("shopify", "shop"),
    ("flipkart", "shop"),
    ("etsy", "shop"),
    ("google", "search"),
    ("yandex", "search"),
];

/// Days that dates of a subject are shifted by, from a code of the subject: never none.
pub(super) fn days(code: u64, most: u16) -> i64 {
    let most = i64::from(most.max(1));
    // 64 bits are so many more than days that each comes as often as the others.
    let n = i64::try_from(code % u64::try_from(2 * most).unwrap_or(1)).unwrap_or(0);
    if n < most { n - most } else { n - most + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, form: &Form, canonical: &str, want: &str) {
        let entity = Entity { name: kind.name().to_owned(), kind, country: None };
        let mut out = b"x ".to_vec();
        let done = generalise(form, &entity, canonical.as_bytes(), Some(10), &mut out);
        let got = String::from_utf8(out).unwrap();
        assert_eq!((done, got.as_str()), (!want.is_empty(), format!("x {want}").as_str()), "{canonical}");
    }

    #[test]
    fn lists_are_in_order() {
        for list in [MAIL, HOSTS] {
            assert!(list.is_sorted_by(|a, b| (a.0.len(), a.0) < (b.0.len(), b.0)));
            assert!(list.iter().all(|(name, _)| name.contains('.')));
        }
    }

    #[test]
    fn telephone_numbers() {
        let form = Form::CountryType;
        check(Kind::PhoneNumber, &form, "+221771234567", "[PHONE_NUMBER +221 mobile]");
        check(Kind::PhoneNumber, &form, "+12025550143", "[PHONE_NUMBER +1 fixed-or-mobile]");
        check(Kind::PhoneNumber, &form, "+18005550199", "[PHONE_NUMBER +1 toll-free]");
        check(Kind::PhoneNumber, &form, "+68987123456", "[PHONE_NUMBER +6x mobile]");
        check(Kind::PhoneNumber, &form, "771234567", "");
    }

    #[test]
    fn addresses() {
        let form = Form::DomainClass;
        check(Kind::EmailAddress, &form, "ana@gmail.com", "[EMAIL_ADDRESS free-mail]");
        check(Kind::EmailAddress, &form, "ana@yahoo.fr", "[EMAIL_ADDRESS free-mail]");
        check(Kind::EmailAddress, &form, "ana@ana-diop.sn", "[EMAIL_ADDRESS corporate]");
        check(Kind::EmailAddress, &form, "ana@ucad.edu.sn", "[EMAIL_ADDRESS education]");
        check(Kind::EmailAddress, &form, "ana@finances.gouv.sn", "[EMAIL_ADDRESS government]");
        check(Kind::EmailAddress, &form, "ana@mail.example.org", "[EMAIL_ADDRESS example]");
        check(Kind::EmailAddress, &form, "ana", "");
        let form = Form::Net;
        check(Kind::IpAddress, &form, "203.0.113.77", "[IP_ADDRESS 203.0.113.0/24]");
        check(Kind::IpAddress, &form, "2001:db8:1:2::3", "[IP_ADDRESS 2001:db8:1::/48]");
        check(Kind::IpAddress, &form, "10.1.2.3", "[IP_ADDRESS private]");
        check(Kind::IpAddress, &form, "100.64.2.3", "[IP_ADDRESS shared]");
        check(Kind::IpAddress, &form, "fe80::1", "[IP_ADDRESS link-local]");
        check(Kind::IpAddress, &form, "::1", "[IP_ADDRESS loopback]");
    }

    #[test]
    fn numbers() {
        let ages = Form::of(Kind::Age).unwrap();
        check(Kind::Age, &ages, "12 ans", "[AGE <13]");
        check(Kind::Age, &ages, "13", "[AGE 13-16]");
        check(Kind::Age, &ages, "97 years", "[AGE 90+]");
        check(Kind::Age, &ages, "old", "");
        let amounts = Form::Bucket { bounds: vec![100, 10_000, 2_000_000] };
        check(Kind::Other, &amounts, "XOF 250000", "[OTHER 10k-2m]");
        check(Kind::Other, &amounts, "1,200", "");
        check(Kind::GeoCoordinate, &Form::Grid, "14.69371, -17.44406", "[GEO_COORDINATE 14.69,-17.44]");
        check(Kind::GeoCoordinate, &Form::Grid, "-0.1", "[GEO_COORDINATE -0.1]");
        check(Kind::GeoCoordinate, &Form::Grid, "14° N", "");
        check(Kind::CreditCard, &Form::BrandLen, "4111111111111111", "[CREDIT_CARD visa /16]");
    }

    #[test]
    fn dates() {
        for text in ["2026-04-17", "2026-04-17t10:00:00z", "20260417", "17.04.2026", "17/4/2026", "4/17/2026"] {
            check(Kind::DateTime, &Form::Month, text, "[DATE_TIME 2026-04]");
            check(Kind::DateTime, &Form::Year, text, "[DATE_TIME 2026]");
            check(Kind::DateTime, &Form::Shift { days: 30 }, text, "[DATE_TIME 2026-04-27]");
        }
        check(Kind::DateTime, &Form::Month, "03/04/2026", "[DATE_TIME 2026]");
        check(Kind::DateTime, &Form::Shift { days: 30 }, "03/04/2026", "");
        check(Kind::DateTime, &Form::Shift { days: 30 }, "2024-02-25", "[DATE_TIME 2024-03-06]");
        check(Kind::DateTime, &Form::Shift { days: 30 }, "1999-12-25", "[DATE_TIME 2000-01-04]");
        for text in ["2026-13-01", "x", "1", "17 april"] {
            check(Kind::DateTime, &Form::Month, text, "");
        }
        let shifts: Vec<i64> = (0..60).map(|code| days(code, 30)).collect();
        assert!(shifts.iter().all(|n| *n != 0 && n.abs() <= 30));
        assert_eq!(shifts.iter().collect::<std::collections::BTreeSet<_>>().len(), 60);
    }

    #[test]
    fn links() {
        let form = Form::HostClass;
        check(Kind::Url, &form, "https://wa.me/221771234567", "[URL chat]");
        check(Kind::Url, &form, "https://www.amazon.co.uk/x", "[URL shop]");
        check(Kind::Url, &form, "http://203.0.113.7:8080/x", "[URL local]");
        check(Kind::Url, &form, "https://ana-diop.sn", "[URL other]");
        check(Kind::Url, &form, "https://bit.ly/3abc", "[URL short]");
        let form = Form::Host;
        check(Kind::Url, &form, "https://ana:secret@shop.example.org:8443/u/7?q=1#x", "https://shop.example.org");
        check(Kind::Url, &form, "https://shop.example.org/", "https://shop.example.org");
        check(Kind::Url, &form, "https://shop.example.org:80", "https://shop.example.org");
        check(Kind::Url, &form, "www.example.org/x", "www.example.org");
        check(Kind::Url, &form, "https://203.0.113.7/x", "");
        check(Kind::Url, &form, "https://u221771234567.example.org/", "");
    }

    #[test]
    fn small_regions_are_sorted_out() {
        assert!(SMALL.iter().all(|code| Region::new(code.as_bytes()).is_some_and(is_small)));
        let pairs = (b'A'..=b'Z').flat_map(|a| (b'A'..=b'Z').map(move |b| [a, b]));
        assert_eq!(pairs.filter_map(|pair| Region::new(&pair)).filter(|region| is_small(*region)).count(), SMALL.len());
    }
}
