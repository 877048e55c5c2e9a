//! Every rule's own examples through the scanner: alone, together with all packs, in upper and lower case, inside JSON.

use efface::check::Form;
use efface::entity::{Family, Kind};
use efface::ids::Region;
use efface::rules::{Gate, Rule, RuleSet, Sieve};
use efface::scan::{Hints, ScanConfig, Scanner, Validator};

/// Entities and spans found in `text`, which is an example of `rule`.
fn found(
    scanner: &Scanner,
    set: &RuleSet,
    rule: &Rule,
    text: &str,
    region: Option<Region>,
) -> Vec<(String, Kind, u32, u32)> {
    let regions: Vec<Region> = region.into_iter().collect();
    let names: Vec<&[u8]> = rule.examples.names.iter().map(String::as_bytes).collect();
    let hints = Hints::default().regions(&regions).names(&names);
    let mut scratch = scanner.scratch();
    let detections = scanner.scan(text.as_bytes(), &hints, &mut scratch).unwrap();
    detections
        .iter()
        .map(|found| {
            let entity = set.entity(found.entity).unwrap();
            (entity.name.clone(), entity.kind, found.span.start, found.span.end)
        })
        .collect()
}

/// Whether the rule reports the value where nothing stands around it.
fn is_reported_bare(set: &RuleSet, rule: &Rule, text: &str) -> bool {
    let separated = text.bytes().any(|b| !b.is_ascii_alphanumeric());
    let country = set.entity(rule.entity).unwrap().country;
    let region =
        if rule.examples.region.is_some() && rule.examples.region == country { rule.evidence.region } else { 0 };
    let total = rule.evidence.shape
        + rule.check.map_or(0, |check| check.worth)
        + if separated { rule.evidence.separators } else { 0 }
        + region;
    rule.gate == Gate::Open && (total >= 0 || rule.sieve == Sieve::Phone)
}

/// Calls `check` with every rule, its entity's name and a scanner of that rule alone.
fn each_alone(mut check: impl FnMut(&RuleSet, &Rule, &str, &Scanner, &mut Vec<String>)) {
    let set = RuleSet::builtin().unwrap();
    let mut wrong = Vec::new();
    for rule in set.rules() {
        let alone = set.select(|other, _| other.id == rule.id);
        let scanner = Scanner::build(&alone, ScanConfig::default()).unwrap();
        let entity = &set.entity(rule.entity).unwrap().name;
        check(&set, rule, entity, &scanner, &mut wrong);
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn valid_alone() {
    each_alone(|set, rule, entity, scanner, wrong| {
        for text in rule.examples.valid.iter().filter(|text| is_reported_bare(set, rule, text)) {
            let found = found(scanner, set, rule, text, rule.examples.region);
            if !found.iter().any(|f| f.0 == *entity && (f.2, f.3) == (0, text.len() as u32)) {
                wrong.push(format!("{}: not found alone: {text:?}", rule.id));
            }
        }
    });
}

#[test]
fn invalid_and_near_alone() {
    each_alone(|set, rule, entity, scanner, wrong| {
        // A near miss stands without the default region: that is evidence of its own.
        for (text, why) in &rule.examples.near {
            if found(scanner, set, rule, text, None).iter().any(|f| f.0 == *entity) {
                wrong.push(format!("{}: found, though {why}: {text:?}", rule.id));
            }
        }
        // A part of what fails as a whole may be a value.
        for (text, why) in &rule.examples.invalid {
            if found(scanner, set, rule, text, None).iter().any(|f| f.0 == *entity && f.3 - f.2 == text.len() as u32) {
                wrong.push(format!("{}: found whole, though {why}: {text:?}", rule.id));
            }
        }
    });
}

#[test]
fn inline_alone() {
    each_alone(|set, rule, entity, scanner, wrong| {
        for (text, spans) in &rule.examples.inline {
            let found = found(scanner, set, rule, text, rule.examples.region);
            let got: Vec<_> = found.iter().filter(|f| f.0 == *entity).map(|f| (f.2, f.3)).collect();
            if &got != spans {
                wrong.push(format!("{}: {spans:?} expected, {got:?} found: {text:?}", rule.id));
            }
        }
    });
}

/// A rule that steals another rule's example fails, unless what it says is of the same family.
#[test]
fn all_packs_together() {
    let set = RuleSet::builtin().unwrap();
    let scanner = Scanner::build(&set, ScanConfig::default()).unwrap();
    let mut wrong = Vec::new();
    for rule in set.rules() {
        let entity = set.entity(rule.entity).unwrap();
        let same =
            |kind: Kind| kind == entity.kind || (kind.family() != Family::Own && kind.family() == entity.kind.family());
        for text in rule.examples.valid.iter().filter(|text| is_reported_bare(&set, rule, text)) {
            let found = found(&scanner, &set, rule, text, rule.examples.region);
            if !found.iter().any(|f| same(f.1) && (f.2, f.3) == (0, text.len() as u32)) {
                wrong.push(format!("{}: {text:?} is {found:?}", rule.id));
            }
        }
        for (text, spans) in &rule.examples.inline {
            let found = found(&scanner, &set, rule, text, rule.examples.region);
            for &(start, end) in spans {
                if !found.iter().any(|f| same(f.1) && (f.2, f.3) == (start, end)) {
                    wrong.push(format!("{}: {start}..{end} of {text:?}: {found:?}", rule.id));
                }
            }
        }
        for (text, why) in &rule.examples.near {
            if found(&scanner, &set, rule, text, None).iter().any(|f| f.0 == entity.name) {
                wrong.push(format!("{}: found with all packs, though {why}: {text:?}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// A value that is still one in another case is found in it, and JSON around it changes nothing.
#[test]
fn other_case_and_json() {
    let set = RuleSet::builtin().unwrap();
    let scanner = Scanner::build(&set, ScanConfig::default()).unwrap();
    let validator = Validator::build(&set).unwrap();
    let mut wrong = Vec::new();
    for rule in set.rules() {
        let entity = set.entity(rule.entity).unwrap();
        let same =
            |kind: Kind| kind == entity.kind || (kind.family() != Family::Own && kind.family() == entity.kind.family());
        for text in rule.examples.valid.iter().filter(|text| is_reported_bare(&set, rule, text)) {
            for text in [text.clone(), text.to_uppercase(), text.to_lowercase()] {
                // A validator forgives small letters where a check digit says that it is the value; a message does not.
                let is_as_written = rule.examples.valid.contains(&text) || rule.pattern.contains("(?i)");
                let is_forgiven = !is_as_written && rule.check.is_some_and(|check| check.form == Form::Compact);
                if is_forgiven || validator.is_valid(&entity.name, text.as_bytes(), rule.examples.region) != Some(true)
                {
                    continue;
                }
                for (before, after) in [("", ""), ("{\"a\":1,\"note\":\"", "\"}"), ("[\"", "\",\"b\"]"), ("x,", ",y")] {
                    // A comma can stand in a link.
                    if after == ",y" && rule.tail.is_some() {
                        continue;
                    }
                    let whole = format!("{before}{text}{after}");
                    let span = (before.len() as u32, (before.len() + text.len()) as u32);
                    let found = found(&scanner, &set, rule, &whole, rule.examples.region);
                    if !found.iter().any(|f| same(f.1) && (f.2, f.3) == span) {
                        wrong.push(format!("{}: {whole:?} is {found:?}", rule.id));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
