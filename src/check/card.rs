//! Payment cards: which scheme issues a number that begins so, how long its numbers are, and the Luhn digit.

use super::digits::are_digits;
use super::luhn::luhn;
use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[
    // Luhn passes one number in ten, the table about a third of the rest.
    Check { name: "card", form: Form::Compact, worth: 50, run: card },
    Check { name: "card_uatp", form: Form::Compact, worth: 66, run: card_uatp },
];

/// One range of issuer identification numbers.
struct Range {
    /// First prefix of the range; `last` has the same number of digits.
    first: &'static str,
    last: &'static str,
    /// Shortest and longest number. Schemes that skip a length in between have two rows.
    shortest: usize,
    longest: usize,
}

const fn range(first: &'static str, last: &'static str, shortest: usize, longest: usize) -> Range {
    Range { first, last, shortest, longest }
}

/// Issuer ranges of the payment schemes. Ranges may overlap: co-branded cards carry the range of one of their schemes.
const RANGES: &[Range] = &[
    // Visa, with Visa Electron, V Pay, Carte Bancaire and the Visa side of Dankort (4571) and Elo.
    range("4", "4", 13, 13),
    range("4", "4", 16, 16),
    range("4", "4", 19, 19),
    // Mastercard, the second range since 2017; Diners Club of the United States and Canada is in 54 and 55.
    range("51", "55", 16, 16),
    range("2221", "2720", 16, 16),
    // American Express.
    range("34", "34", 15, 15),
    range("37", "37", 15, 15),
    // Discover.
    range("6011", "6011", 16, 19),
    range("644", "659", 16, 19),
    // Diners Club International: fourteen digits, since 2017 up to nineteen.
    range("300", "305", 14, 14),
    range("300", "305", 16, 19),
    range("3095", "3095", 14, 14),
    range("3095", "3095", 16, 19),
    range("36", "36", 14, 14),
    range("36", "36", 16, 19),
    range("38", "39", 14, 14),
    range("38", "39", 16, 19),
    // JCB; the two old ranges have fifteen digits. LankaPay (357111) lies inside.
    range("3528", "3589", 16, 19),
    range("2131", "2131", 15, 15),
    range("1800", "1800", 15, 15),
    // UnionPay.
    range("62", "62", 16, 19),
    range("810", "817", 16, 19),
    // Maestro, with Switch, Solo and Laser in their ranges.
    range("5018", "5018", 12, 19),
    range("5020", "5020", 12, 19),
    range("5038", "5038", 12, 19),
    range("56", "58", 12, 19),
    range("6304", "6304", 12, 19),
    range("6331", "6334", 16, 19),
    range("6390", "6390", 12, 19),
    range("670", "679", 12, 19),
    range("0604", "0604", 12, 19),
    // Mir, BORICA.
    range("2200", "2205", 16, 19),
    // RuPay.
    range("508500", "508999", 16, 16),
    range("606985", "608500", 16, 16),
    range("817200", "820199", 16, 16),
    range("353", "353", 16, 16),
    range("356", "356", 16, 16),
    // Verve.
    range("506099", "506198", 16, 19),
    range("507865", "507964", 16, 19),
    // Carnet, Cabal, Naranja.
    range("286900", "286900", 16, 16),
    range("502275", "502275", 16, 16),
    range("506199", "506299", 16, 16),
    range("603522", "604400", 16, 16),
    range("639484", "639484", 16, 16),
    range("639559", "639559", 16, 16),
    // Elo.
    range("504175", "504175", 16, 16),
    range("506699", "506778", 16, 16),
    range("509000", "509999", 16, 16),
    range("627780", "627780", 16, 16),
    range("636297", "636297", 16, 16),
    range("636368", "636368", 16, 16),
    // Hipercard.
    range("606282", "606282", 13, 19),
    range("384100", "384199", 13, 19),
    range("637095", "637095", 16, 16),
    range("637568", "637612", 16, 16),
    // InterPayment, InstaPayment.
    range("636", "636", 16, 19),
    range("637", "639", 16, 16),
    // Troy (9792; its 65 is a part of Discover's).
    range("9792", "9792", 16, 16),
    // Dankort; Meeza; Napas; UzCard; Humo.
    range("5019", "5019", 16, 16),
    range("507803", "507810", 16, 16),
    range("9704", "9704", 16, 19),
    range("8600", "8600", 16, 16),
    range("9860", "9860", 16, 16),
];

/// Returns whether `digits` is a payment card number: a known issuer range, a length that its scheme uses, Luhn.
///
/// Test numbers of the schemes pass: in a message they stand for a card.
///
/// # Units
/// ASCII digits, separators already removed.
///
/// # Cost
/// About sixty short comparisons and one pass; no allocation.
///
/// # Source
/// ISO/IEC 7812-1 (numbering, Luhn) and the issuer ranges that the schemes publish: Visa and Mastercard core rules,
/// American Express, Discover Global Network (Discover, Diners Club, co-branded UnionPay and RuPay), JCB, UnionPay, Mir,
/// RuPay, Verve, Elo, Troy, Nets (Dankort).
#[must_use]
pub(super) fn card(digits: &[u8]) -> bool {
    are_digits(digits) && has_issuer(digits) && luhn(digits)
}

/// Returns whether `digits` is a card of the Universal Air Travel Plan: 15 digits from 1, Luhn.
///
/// Kept apart from [`card`]: one digit of prefix says so little that a bare number needs context.
///
/// # Source
/// ISO/IEC 7812-1: major industry identifier 1, airlines; UATP numbers have fifteen digits.
#[must_use]
pub(super) fn card_uatp(digits: &[u8]) -> bool {
    digits.len() == 15 && digits.first() == Some(&b'1') && luhn(digits)
}

fn has_issuer(digits: &[u8]) -> bool {
    RANGES.iter().any(|range| {
        // Digits of equal length compare like numbers.
        (range.shortest..=range.longest).contains(&digits.len())
            && digits
                .get(..range.first.len())
                .is_some_and(|prefix| range.first.as_bytes() <= prefix && prefix <= range.last.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes() {
        // Test numbers that the schemes and their processors publish.
        for (name, text, expected) in [
            ("visa", "4111111111111111", true),
            ("visa of 13", "4222222222222", true),
            ("mastercard", "5555555555554444", true),
            ("mastercard 2-series", "2223003122003222", true),
            ("amex", "378282246310005", true),
            ("discover", "6011111111111117", true),
            ("diners", "30569309025904", true),
            ("diners 36", "36227206271667", true),
            ("jcb", "3566002020360505", true),
            ("unionpay", "6200000000000005", true),
            ("maestro", "6759649826438453", true),
            ("dankort", "5019717010103742", true),
            ("mir", "2200000000000004", true),
            ("uatp is apart", "122000000000003", false),
            ("luhn fails", "4111111111111112", false),
            ("visa has no 15 digits", "411111111111116", false),
            ("no issuer", "9999999999999995", false),
            ("zeros", "0000000000000000", false),
            ("empty", "", false),
            ("letters", "4111A11111111111", false),
        ] {
            assert_eq!(card(text.as_bytes()), expected, "{name}");
        }
        assert!(card_uatp(b"122000000000003") && !card_uatp(b"122000000000004"));
    }

    #[test]
    fn ranges_are_well_formed() {
        for range in RANGES {
            assert_eq!(range.first.len(), range.last.len(), "{}", range.first);
            assert!(range.first <= range.last && range.shortest <= range.longest, "{}", range.first);
        }
    }
}
