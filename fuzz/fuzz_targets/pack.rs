//! Arbitrary text as a rule pack: it loads or is refused with a line and a hint, and what loads can be built and used.
#![no_main]

use efface::rules::Source;
use efface::scan::ScanConfig;
use efface::{Hints, RuleSet, Scanner};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = Source { name: "fuzz.toml".to_owned(), text: text.to_owned() };
    match RuleSet::from_sources(&[source]) {
        Err(err) => assert!(!err.hint.is_empty() && !err.what.is_empty()),
        Ok(rules) => {
            if let Ok(scanner) = Scanner::build(&rules, ScanConfig::default()) {
                let mut scratch = scanner.scratch();
                let _ = scanner.scan(text.as_bytes(), &Hints::default(), &mut scratch);
            }
        }
    }
});
