//! What a value or the name of a field looks like, without telling it.

use crate::entity::Kind;
use crate::plan;

/// Returns the shape of a value: `+221 ## ### ## ##` of a telephone number, `a@a.a` of an address.
///
/// Digits become `#`, runs of letters `a`, `A` or `Aa`, short words of letters and digits in an id a class for each character,
/// and others `x`: where the digits stand in a key says something of the key. Blanks and the separators `+ - . / ( ) @ : _ ,`
/// stay; everything else is `?`. Of telephone numbers the country calling code stays, when it was written and is one.
///
/// # Security
/// What can be told is the number of digits, which separators there are and, of a telephone number, the country.
#[must_use]
pub fn shape(kind: Kind, value: &str) -> String {
    let mut out = String::new();
    let mut kept = if kind == Kind::PhoneNumber { calling_code_digits(value) } else { 0 };
    // Ids have a form that is worth seeing; of the others only the parts are.
    let mixed_shown = match kind {
        Kind::Url | Kind::EmailAddress | Kind::IpAddress | Kind::MacAddress => 0,
        Kind::ApiKey | Kind::Password | Kind::CryptoAddress => 0,
        _ => MIXED_SHOWN,
    };
    let mut rest = value;
    while let Some(first) = rest.chars().next() {
        if out.len() >= SHAPE_BYTES {
            out.push('…');
            break;
        }
        let is_word = |c: char| c.is_alphanumeric();
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if word.is_empty() {
            out.push(match first {
                '+' | '-' | '.' | '/' | '(' | ')' | '@' | ':' | '_' | ',' => first,
                c if c.is_whitespace() => ' ',
                _ => '?',
            });
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        }
        rest = behind;
        if word.chars().all(char::is_numeric) {
            let n = word.chars().count();
            let shown = kept.min(n);
            out.extend(word.chars().take(shown));
            kept -= shown;
            match n - shown {
                many if many > DIGITS_SHOWN => out.push_str(&format!("#x{many}")),
                few => out.extend(std::iter::repeat_n('#', few)),
            }
        } else if word.chars().all(|c| !c.is_numeric()) {
            out.push_str(letters(word));
        } else if word.chars().count() <= mixed_shown {
            out.extend(word.chars().map(|c| match c {
                c if c.is_numeric() => '#',
                c if c.is_uppercase() => 'A',
                _ => 'a',
            }));
        } else {
            out.push('x');
        }
    }
    out
}

fn letters(word: &str) -> &'static str {
    let mut chars = word.chars();
    let first_is_upper = chars.next().is_some_and(char::is_uppercase);
    let (any_upper, any_lower) =
        chars.fold((false, false), |(upper, lower), c| (upper || c.is_uppercase(), lower || !c.is_uppercase()));
    match (first_is_upper, any_upper, any_lower) {
        (true, _, false) => "A",
        (true, _, true) => "Aa",
        (false, ..) => "a",
    }
}

/// Counts the digits of the country calling code that `value` begins with, the prefix `00` included; none where the number
/// is not written with one.
fn calling_code_digits(value: &str) -> usize {
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    let (prefix, number) = match value.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '+') {
        text if text.starts_with('+') => (0, digits.as_str()),
        text if text.starts_with("00") => (2, digits.get(2..).unwrap_or_default()),
        _ => return 0,
    };
    match plan::parse_international(number.as_bytes()) {
        Some(number) => prefix + number.country_code().to_string().len(),
        None => 0,
    }
}

/// Returns the name of a field as a report shows it: steps into arrays are `*`, and so is what does not look like the name
/// of a field or a column, because they can hold values. `None` is a line of text.
#[must_use]
pub fn field_name(pointer: Option<&str>, place: FieldPlace) -> String {
    let Some(pointer) = pointer else { return "(text)".to_owned() };
    if pointer.is_empty() {
        return "(whole)".to_owned();
    }
    // A column or a parameter has a name and no way to it.
    if !pointer.starts_with('/') {
        return match place {
            FieldPlace::Key => "(key)".to_owned(),
            FieldPlace::Value if is_name(pointer) && is_plain_column(pointer) => pointer.to_owned(),
            FieldPlace::Value => "*".to_owned(),
        };
    }
    let n_steps = pointer.matches('/').count();
    let mut out = String::new();
    for (n, step) in pointer.split('/').skip(1).enumerate() {
        out.push('/');
        let is_last = n + 1 == n_steps;
        out.push_str(match place {
            FieldPlace::Key if is_last => "(key)",
            _ if is_name(step) => step,
            _ => "*",
        });
        if out.len() > SHAPE_BYTES {
            out.push_str("/…");
            break;
        }
    }
    out
}

/// Which part of a member a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldPlace {
    /// Its value.
    Value,
    /// Its key.
    Key,
}

/// A letter first, then few letters, digits, blanks and marks.
fn is_name(step: &str) -> bool {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | ' ' | '.');
    step.len() <= NAME_BYTES
        && step.chars().all(ok)
        && step.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && step.chars().filter(char::is_ascii_digit).count() <= NAME_DIGITS
        && step.matches(' ').count() <= 2
}

/// Whether a column's name looks made for machines: the first row of a table without a head may be people's names.
fn is_plain_column(name: &str) -> bool {
    !name.contains(' ') && !name.starts_with(|c: char| c.is_ascii_uppercase())
}

const SHAPE_BYTES: usize = 80;
const DIGITS_SHOWN: usize = 24;
const MIXED_SHOWN: usize = 12;
const NAME_BYTES: usize = 40;
const NAME_DIGITS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shapes() {
        #[track_caller]
        fn check(kind: Kind, value: &str, want: &str) {
            assert_eq!(shape(kind, value), want, "{value}");
        }
        check(Kind::PhoneNumber, "+221 77 123 45 67", "+221 ## ### ## ##");
        check(Kind::PhoneNumber, "00221771234567", "00221#########");
        check(Kind::PhoneNumber, "+1 (202) 555-0143", "+1 (###) ###-####");
        check(Kind::PhoneNumber, "(202) 555-0143", "(###) ###-####");
        check(Kind::PhoneNumber, "221771234567", "############");
        check(Kind::PhoneNumber, "+999 1", "+### #");
        check(Kind::EmailAddress, "ana.silva99@mail.example.org", "a.x@a.a.a");
        check(Kind::EmailAddress, "Ana@example.org", "Aa@a.a");
        check(Kind::CreditCard, "4111 1111 1111 1111", "#### #### #### ####");
        check(Kind::Iban, "GB29NWBK60161331926819", "x");
        check(Kind::NationalId, "AB123456C", "AA######A");
        check(Kind::ApiKey, "sk_live_abc", "a_a_a");
        check(Kind::NationalId, "529.982.247-25", "###.###.###-##");
        check(Kind::PhoneNumber, "+\u{662}\u{662}\u{661}", "+###");
        check(Kind::Person, "\u{410}\u{43d}\u{43d}\u{430}", "Aa");
        check(Kind::Other, "a\u{202e}b<c", "a?a?a");
        check(Kind::Other, &"1".repeat(30), "#x30");
        check(Kind::Other, "", "");
    }

    #[test]
    fn fields() {
        let value = |pointer| field_name(Some(pointer), FieldPlace::Value);
        assert_eq!(value("/messages/12/text"), "/messages/*/text");
        assert_eq!(value("/by mail/ana@example.org/n"), "/by mail/*/n");
        assert_eq!(value("/contacts/+221771234567"), "/contacts/*");
        assert_eq!(value("/k221771234567"), "/*");
        assert_eq!(value(""), "(whole)");
        assert_eq!(value("phone_number"), "phone_number");
        assert_eq!(value("+221771234567"), "*");
        assert_eq!(value("Awa Ndiaye"), "*");
        assert_eq!(field_name(Some("phone"), FieldPlace::Key), "(key)");
        assert_eq!(field_name(Some("/a/ana@example.org"), FieldPlace::Key), "/a/(key)");
        assert_eq!(field_name(None, FieldPlace::Value), "(text)");
    }

    proptest! {
        /// A shape tells no digit but those of a calling code, and no letter of the value.
        #[test]
        fn tells_nothing(value in "\\PC{0,60}") {
            let told = shape(Kind::Other, &value);
            let counts = |c: char| c.is_ascii_digit();
            prop_assert!(!told.contains(counts) || told.contains("#x"), "{told}");
            prop_assert!(told.chars().all(|c| c == 'x' || c == 'a' || c == 'A' || c == '…' || !c.is_alphabetic()), "{told}");
        }
    }
}
