//! Arbitrary ASCII text: the fast scanner finds the same candidates as the slow one, on every vector level.
#![no_main]

#[path = "../../tests/it/oracle.rs"]
mod oracle;

use efface::scan::ScanConfig;
use efface::scan::simd::Level;
use efface::{Hints, RuleSet, Scanner};
use libfuzzer_sys::fuzz_target;
use oracle::Oracle;
use std::sync::OnceLock;

static PARTS: OnceLock<(RuleSet, Vec<Scanner>, Oracle)> = OnceLock::new();

fuzz_target!(|text: &[u8]| {
    // The oracle tries every start and every end of every rule; other scripts are folded, which it does not do.
    if text.len() > 160 || !text.is_ascii() {
        return;
    }
    let (rules, scanners, oracle) = PARTS.get_or_init(|| {
        let rules = RuleSet::builtin().unwrap().select(|rule, _| Oracle::knows(rule.sieve));
        let build = |&level: &Level| Scanner::build_for(&rules, ScanConfig::default(), level).unwrap();
        let scanners = Level::available().iter().map(build).collect();
        let oracle = Oracle::new(&rules);
        (rules, scanners, oracle)
    });
    let slow = oracle.candidates(text);
    for scanner in scanners {
        let fast = scanner.candidates(text, &Hints::default(), &mut scanner.scratch());
        assert_eq!(fast, slow, "{} rules", rules.rules().len());
    }
});
