//! VAT numbers with the prefix of their state, whichever it is.

use super::{Check, Form};

pub(super) const CHECKS: &[Check] = &[Check { name: "eu_vat", form: Form::Compact, worth: 60, run: eu_vat }];

/// Prefix and the name of the check of what follows it.
const STATES: &[(&[u8; 2], &str)] = &[
    (b"AT", "at_vat"),
    (b"BE", "be_vat"),
    (b"BG", "bg_vat"),
    (b"CY", "cy_vat"),
    (b"CZ", "cz_vat"),
    (b"DE", "de_vat"),
    (b"DK", "dk_cvr"),
    (b"EE", "ee_vat"),
    (b"EL", "gr_vat"),
    (b"ES", "es_vat"),
    (b"FI", "fi_ytunnus"),
    (b"FR", "fr_vat"),
    (b"HR", "hr_oib"),
    (b"HU", "hu_vat"),
    (b"IE", "ie_vat"),
    (b"IT", "it_vat"),
    (b"LT", "lt_vat"),
    (b"LU", "lu_vat"),
    (b"LV", "lv_vat"),
    (b"MT", "mt_vat"),
    (b"NL", "nl_vat"),
    (b"PL", "pl_nip"),
    (b"PT", "pt_nif"),
    (b"RO", "ro_cui"),
    (b"SE", "se_vat"),
    (b"SI", "si_vat"),
    (b"SK", "sk_vat"),
    (b"XI", "gb_vat"),
];

/// Returns whether `text` is the VAT number of a member state of the European Union or of Northern Ireland, with its prefix.
///
/// # Source
/// Council Directive 2006/112/EC article 215; European Commission, VIES, structure of VAT numbers; the states' own schemes.
fn eu_vat(text: &[u8]) -> bool {
    let Some(prefix) = text.first_chunk::<2>() else { return false };
    STATES
        .iter()
        .find(|(state, _)| *state == prefix)
        .and_then(|(_, name)| super::by_name(name))
        .is_some_and(|check| (check.run)(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        for (_, name) in STATES {
            assert!(super::super::by_name(name).is_some(), "{name}");
        }
        for (text, expected) in [
            ("DE136695976", true), // an example of the Bundeszentralamt für Steuern
            ("DE136695977", false),
            ("XX136695976", false),
            ("", false),
        ] {
            assert_eq!(eu_vat(text.as_bytes()), expected, "{text}");
        }
    }
}
