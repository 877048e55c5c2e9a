//! The packs that ship with efface, embedded as text.
//!
//! A list and not a build script: a pack that is not listed fails the test `every_pack_is_embedded`, and nothing needs
//! to run before the compiler.

use super::Source;

macro_rules! packs {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../patterns/", $path)))),*]
    };
}

/// Path below `patterns/` and text of every pack.
const PACKS: &[(&str, &str)] = packs![
    "world/card.toml",
    "world/email.toml",
    "world/iban.toml",
    "world/imei.toml",
    "world/ip.toml",
    "world/mac.toml",
    "world/phone.toml",
    "world/url.toml",
    "country/br.toml",
    "country/de.toml",
    "country/es.toml",
    "country/fr.toml",
    "country/gb.toml",
    "country/in.toml",
    "country/ke.toml",
    "country/us.toml",
    "country/za.toml",
    "secrets/cloud.toml",
    "secrets/keys.toml",
    "secrets/messaging.toml",
    "secrets/payment.toml",
    "context/ar.toml",
    "context/de.toml",
    "context/en.toml",
    "context/es.toml",
    "context/fr.toml",
    "context/hi.toml",
    "context/id.toml",
    "context/it.toml",
    "context/nl.toml",
    "context/pl.toml",
    "context/pt.toml",
    "context/ru.toml",
    "context/sw.toml",
    "context/th.toml",
    "context/tr.toml",
    "context/vi.toml",
    "context/zh.toml",
];

pub(super) fn builtin() -> Vec<Source> {
    PACKS.iter().map(|&(name, text)| Source { name: format!("patterns/{name}"), text: text.to_owned() }).collect()
}
