//! Redacts lines of standard input with the library alone: rules, a scanner, a policy, operators.
//!
//! ```sh
//! echo 'write to ana@example.org' | cargo run --example redact
//! ```

use efface::policy::{Policy, Source};
use efface::scan::{Hints, ScanConfig, Scanner};
use efface::sensitive::Sensitive;
use efface::{RuleSet, operator};
use std::io::{self, BufRead, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Dear and fallible, once.
    let rules = RuleSet::builtin()?;
    let scanner = Scanner::build(&rules, ScanConfig::default())?;
    let source = Source::builtin("default").ok_or("the default policy ships with the library")?;
    let policy = Policy::compile(&source, rules.entities())?;
    let lane = policy.lane("storage").ok_or("the default policy has a storage lane")?;

    // Cheap, for every text; one scratch for each thread.
    let mut scratch = scanner.scratch();
    let mut out = Vec::new();
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        out.clear();
        let mut done = 0;
        // A text that was not scanned to its end is never passed on.
        match scanner.scan(&line, &Hints::default(), &mut scratch) {
            Ok(detections) => {
                for detection in detections {
                    let place = detection.span.range();
                    out.extend_from_slice(&line[done..place.start]);
                    done = place.end;
                    let Some(entity) = rules.entity(detection.entity) else { continue };
                    let operator = lane.decide(detection.entity, detection.rival);
                    operator::apply(operator, entity, Sensitive::new(&line[place]), &mut out);
                }
                out.extend_from_slice(&line[done..]);
            }
            Err(_) => out.extend_from_slice(b"[QUARANTINED]"),
        }
        out.push(b'\n');
        io::stdout().write_all(&out)?;
    }
    Ok(())
}
