//! Redacts standard input, a JSON document or a text on every line, with the library alone.
//!
//! ```sh
//! echo '{"text":"write to ana@example.org"}' | cargo run --example redact
//! ```

use efface::envelope::Format;
use efface::policy::{Policy, Source};
use efface::redact::Options;
use efface::scan::ScanConfig;
use efface::tally::Tally;
use efface::{Redactor, RuleSet, Scanner};
use std::io::{self, BufRead, Write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Dear and fallible, once.
    let rules = RuleSet::builtin()?;
    let scanner = Scanner::build(&rules, ScanConfig::default())?;
    let source = Source::builtin("default").ok_or("the default policy ships with the library")?;
    let policy = Policy::compile(&source, rules.entities())?;
    let redactor = Redactor::build(scanner, &rules, policy.lanes().to_vec(), &Options::default())?;

    // Cheap, for every message; one scratch for each thread.
    let mut scratch = redactor.scratch();
    let mut tally = Tally::default();
    let mut stdout = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        let format = if line.starts_with(b"{") { Format::JsonLines } else { Format::Text };
        // What cannot be handled is a mark in the output, never the input.
        if let Err(reason) = redactor.redact(format, &line, &mut scratch, &mut tally) {
            eprintln!("quarantined: {}", reason.word());
        }
        stdout.write_all(scratch.lane(0))?;
        stdout.write_all(b"\n")?;
    }
    for (entity, n) in tally.entities() {
        let name = rules.entity(entity).map_or("", |entity| &entity.name);
        eprintln!("{n:>8}  {name}");
    }
    Ok(())
}
