//! Is this number well formed? Pure functions over digits and letters, each named, so that a rule pack can ask for one.
//!
//! A check knows one scheme and its authority. It does not know where the number stood, what country the message came
//! from, or what else the number could be: that is evidence, and evidence belongs to the scanner.
//!
//! One file is one family: an algorithm that many schemes share (`luhn`, `verhoeff`, `iso7064`, `weighted`), a thing of the
//! network (`email`, `host`, `ip`, `mac`, `url`, `jwt`, `pem`), of banking (`card`, `iban`), or the schemes of a continent.
//! A scheme is a thin function over an algorithm: what is not issued, which digits, which remainder. To add one, write the
//! function with its authority and a published number, and name it in its file's `CHECKS`.

mod africa;
mod americas;
mod asia;
mod bic;
mod card;
mod date;
mod digits;
mod eastern;
mod email;
mod europe;
mod host;
mod iban;
mod ip;
mod iso7064;
mod jwt;
mod luhn;
mod mac;
mod password;
mod pem;
mod subscriber;
mod url;
mod vat;
mod vehicle;
mod verhoeff;
mod wallet;
mod weighted;
mod western;

/// A named check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// The name that packs use.
    pub name: &'static str,
    /// What the check looks at.
    pub form: Form,
    /// What a pass is worth, in tenths of a bit: `10 * log2(1 / share of random candidates that pass)`.
    pub worth: i16,
    /// The check itself.
    pub run: fn(&[u8]) -> bool,
}

/// What a check is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Letters in upper case and digits, everything else removed, up to [`COMPACT_BYTES`].
    Compact,
    /// The candidate as it stands.
    Raw,
}

/// Longest compact form that a check is given; a longer candidate does not pass.
pub const COMPACT_BYTES: usize = 64;

/// Returns the check of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Check> {
    all().find(|check| check.name == name)
}

/// Yields every check.
pub fn all() -> impl Iterator<Item = &'static Check> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// The groups of checks, one file each.
const GROUPS: &[&[Check]] = &[
    luhn::CHECKS,
    verhoeff::CHECKS,
    iso7064::CHECKS,
    card::CHECKS,
    iban::CHECKS,
    bic::CHECKS,
    email::CHECKS,
    ip::CHECKS,
    mac::CHECKS,
    url::CHECKS,
    jwt::CHECKS,
    pem::CHECKS,
    password::CHECKS,
    subscriber::CHECKS,
    date::CHECKS,
    vehicle::CHECKS,
    wallet::CHECKS,
    vat::CHECKS,
    europe::CHECKS,
    western::CHECKS,
    eastern::CHECKS,
    africa::CHECKS,
    americas::CHECKS,
    asia::CHECKS,
];
