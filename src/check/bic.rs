//! Codes of banks.

use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[Check { name: "bic", form: Form::Compact, worth: 15, run: bic }];

/// The second letters of the country codes that begin with `A`, `B` and so on to `Z`.
const SECOND: [&[u8]; 26] = [
    b"DEFGILMOQRSTUWXZ",
    b"ABDEFGHIJLMNOQRSTWYZ",
    b"ACDFGHIKLMNORUVWXYZ",
    b"EJKMOZ",
    b"CEGHRST",
    b"IJKMOR",
    b"ABDEFGHILMNPQRTUWY",
    b"KNRTU",
    b"DELMNOQRST",
    b"EMOP",
    b"EGHIMNPRWYZ",
    b"ABCIKRSTUVY",
    b"ACDEFGHKLMNOPQRSTUVWXYZ",
    b"ACEFGILOPRUZ",
    b"M",
    b"AEFGHKLMNRSTWY",
    b"A",
    b"EOSUW",
    b"ABCDEGHIKLMNORSTVXYZ",
    b"CDFGHJKLMNORTVWZ",
    b"AGSYZ",
    b"ACEGINU",
    b"FS",
    b"K",
    b"ET",
    b"AMW",
];

/// Returns whether `text` is a business identifier code: four letters, a country, two characters, and three of the branch.
/// Which banks there are is in a directory that is not asked.
///
/// # Source
/// ISO 9362; country codes of ISO 3166-1, and XK.
fn bic(text: &[u8]) -> bool {
    let (Some(party), Some(&[first, second]), Some(rest)) = (text.get(..4), text.get(4..6), text.get(6..)) else {
        return false;
    };
    let country = first.checked_sub(b'A').and_then(|at| SECOND.get(usize::from(at)));
    matches!(rest.len(), 2 | 5)
        && party.iter().all(u8::is_ascii_uppercase)
        && country.is_some_and(|letters| letters.contains(&second))
        && rest.iter().all(u8::is_ascii_alphanumeric)
}

#[cfg(test)]
mod tests {
    #[test]
    fn codes() {
        for (text, expected) in [
            ("DEUTDEFF", true),
            ("NWBKGB2LXXX", true),
            ("BNPAMQMX", true),
            ("DEUTD1FF", false),
            ("DEUTZZFF", false),
            ("DEUTDEFFX", false),
            ("", false),
        ] {
            assert_eq!(super::bic(text.as_bytes()), expected, "{text}");
        }
    }
}
