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
const PACKS: &[(&str, &str)] = packs![];

pub(super) fn builtin() -> Vec<Source> {
    PACKS.iter().map(|&(name, text)| Source { name: format!("patterns/{name}"), text: text.to_owned() }).collect()
}
