//! VAT numbers with the prefix of their state, whichever it is.

use super::digits::{number, number_at};
use super::{Check, Form};

/// A number with its prefix: one prefix in 676 and a sum.
const fn of(name: &'static str, run: fn(&[u8]) -> bool) -> Check {
    Check { name, form: Form::Compact, worth: 120, run }
}

pub(super) const CHECKS: &[Check] = &[
    Check { name: "eu_vat", form: Form::Compact, worth: 80, run: eu_vat },
    Check { name: "eu_oss", form: Form::Compact, worth: 50, run: eu_oss },
    Check { name: "vatin", form: Form::Compact, worth: 60, run: vatin },
    of("at_vat_eu", |n| n.starts_with(b"AT") && eu_vat(n)),
    of("be_vat_eu", |n| n.starts_with(b"BE") && eu_vat(n)),
    of("bg_vat_eu", |n| n.starts_with(b"BG") && eu_vat(n)),
    of("cy_vat_eu", |n| n.starts_with(b"CY") && eu_vat(n)),
    of("cz_vat_eu", |n| n.starts_with(b"CZ") && eu_vat(n)),
    of("de_vat_eu", |n| n.starts_with(b"DE") && eu_vat(n)),
    of("dk_vat_eu", |n| n.starts_with(b"DK") && eu_vat(n)),
    of("ee_vat_eu", |n| n.starts_with(b"EE") && eu_vat(n)),
    of("gr_vat_eu", |n| n.starts_with(b"EL") && eu_vat(n)),
    of("es_vat_eu", |n| n.starts_with(b"ES") && eu_vat(n)),
    of("fi_vat_eu", |n| n.starts_with(b"FI") && eu_vat(n)),
    of("fr_vat_eu", |n| n.starts_with(b"FR") && eu_vat(n)),
    of("hr_vat_eu", |n| n.starts_with(b"HR") && eu_vat(n)),
    of("hu_vat_eu", |n| n.starts_with(b"HU") && eu_vat(n)),
    of("ie_vat_eu", |n| n.starts_with(b"IE") && eu_vat(n)),
    of("it_vat_eu", |n| n.starts_with(b"IT") && eu_vat(n)),
    of("lt_vat_eu", |n| n.starts_with(b"LT") && eu_vat(n)),
    of("lu_vat_eu", |n| n.starts_with(b"LU") && eu_vat(n)),
    of("lv_vat_eu", |n| n.starts_with(b"LV") && eu_vat(n)),
    of("mt_vat_eu", |n| n.starts_with(b"MT") && eu_vat(n)),
    of("nl_vat_eu", |n| n.starts_with(b"NL") && eu_vat(n)),
    of("pl_vat_eu", |n| n.starts_with(b"PL") && eu_vat(n)),
    of("pt_vat_eu", |n| n.starts_with(b"PT") && eu_vat(n)),
    of("ro_vat_eu", |n| n.starts_with(b"RO") && eu_vat(n)),
    of("se_vat_eu", |n| n.starts_with(b"SE") && eu_vat(n)),
    of("si_vat_eu", |n| n.starts_with(b"SI") && eu_vat(n)),
    of("sk_vat_eu", |n| n.starts_with(b"SK") && eu_vat(n)),
    of("gb_vat_eu", |n| {
        (n.starts_with(b"GB") || n.starts_with(b"XI")) && (super::by_name("gb_vat")).is_some_and(|check| (check.run)(n))
    }),
];

/// Numbers of states outside of the Union, written with the state in front: prefix and the name of the check.
const OTHERS: &[(&[u8], &str)] = &[
    (b"AU", "au_abn"),
    (b"BR", "br_cnpj"),
    (b"BY", "by_unp"),
    (b"CHE", "ch_uid"),
    (b"CL", "cl_rut"),
    (b"CO", "co_nit"),
    (b"EU", "eu_oss"),
    (b"GB", "gb_vat"),
    (b"IL", "il_idnr"),
    (b"IM", "eu_oss"),
    (b"IN", "in_gstin"),
    (b"MX", "mx_rfc"),
    (b"NO", "no_orgnr"),
    (b"PE", "pe_ruc"),
    (b"RS", "rs_pib"),
    (b"RU", "ru_inn"),
    (b"TR", "tr_vkn"),
    (b"UA", "ua_rntrc"),
    (b"ZA", "za_tin"),
];

/// The numbers of the member states in ISO 3166-1, and 900 for Northern Ireland.
const NUMERIC: &[u64] = &[
    40, 56, 100, 191, 196, 203, 208, 233, 246, 250, 276, 300, 348, 372, 380, 428, 440, 442, 470, 528, 616, 620, 642,
    703, 705, 724, 752, 900,
];

/// Returns whether `text` is the number of a taxable person who uses the non-Union scheme (`EU`) or the import scheme (`IM`).
///
/// # Source
/// Commission Implementing Regulation (EU) 2020/194; European Commission, Guide to the VAT One Stop Shop: three digits of the
/// state, five or six of the person, one to check, which is not published.
fn eu_oss(text: &[u8]) -> bool {
    let digits = match (text.first_chunk::<2>(), text.len()) {
        (Some(b"EU"), 11) | (Some(b"IM"), 12) => text.get(2..).unwrap_or_default(),
        _ => return false,
    };
    number(digits).is_some() && number_at(digits, 0, 3).is_some_and(|state| NUMERIC.contains(&state))
}

/// Returns whether `text` is the VAT number of a state, with that state in front.
///
/// # Source
/// OECD, Consumption Tax Trends: names of the numbers; the schemes are those of the states.
fn vatin(text: &[u8]) -> bool {
    let run = |name: &str, text: &[u8]| super::by_name(name).is_some_and(|check| (check.run)(text));
    eu_vat(text)
        || OTHERS.iter().any(|(prefix, name)| {
            text.strip_prefix(*prefix)
                .is_some_and(|rest| run(name, if prefix.starts_with(b"E") || *prefix == b"IM" { text } else { rest }))
        })
}

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
    (b"EU", "eu_oss"),
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
    (b"RO", "ro_vat"),
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
        for name in STATES.iter().map(|(_, name)| name).chain(OTHERS.iter().map(|(_, name)| name)) {
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
