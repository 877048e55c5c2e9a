//! Whole values of the entities that the packs define.

use efface::ids::Region;
use efface::rules::RuleSet;
use efface::scan::Validator;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[track_caller]
fn check(validator: &Validator, entity: &str, table: &[(&str, Option<bool>)]) {
    for &(text, expected) in table {
        assert_eq!(validator.is_valid(entity, text.as_bytes(), None), expected, "{entity}: {text}");
    }
}

#[test]
fn separators_are_free_where_check_digits_speak() {
    let validator = Validator::build(&RuleSet::builtin().unwrap()).unwrap();
    let (yes, no) = (Some(true), Some(false));
    check(
        &validator,
        "CREDIT_CARD",
        &[
            ("4111111111111111", yes),
            ("41 1111 1111 1111 11", yes),
            (" 4111-1111-1111-1111 ", yes),
            ("4111--1111-1111-1111", no),
            ("4111111111111111x", no),
            ("", no),
        ],
    );
    check(&validator, "IBAN", &[("NO 93 8601 1117 947", yes), ("no9386011117947", yes), ("NO93 8601 1117 948", no)]);
    check(&validator, "DE_IDNR", &[("86 095 742 719", yes), ("8 6 0 9 5 7 4 2 7 1 9", yes), ("86095742718", no)]);
    // No check digits: the groups are all that tells the number apart.
    check(&validator, "US_SSN", &[("536-22-8726", yes), ("536228726", yes), ("53-6228726", no), ("536-2287-26", no)]);
    check(&validator, "US_ITIN", &[("912-70-3456", yes), ("9127-03456", no)]);
    check(
        &validator,
        "EMAIL_ADDRESS",
        &[("ada@example.org", yes), ("ada@example.org\n", no), ("ada @example.org", no)],
    );
    check(&validator, "NO_SUCH_ENTITY", &[("1", None)]);
}

#[test]
fn phones_are_read_in_their_region() {
    let validator = Validator::build(&RuleSet::builtin().unwrap()).unwrap();
    for (text, region, expected) in [
        ("+1 202-555-0123", None, true),
        ("0161 496 0123", None, false),
        ("0161 496 0123", Some("GB"), true),
        ("0044 161 496 0123", Some("FR"), true),
        ("0044 161 496 0123", Some("US"), true),
        ("0099 161 496 0123", Some("US"), false),
        ("(020) 7946-0018", Some("GB"), true),
        ("0161 496 012", Some("GB"), false),
        ("+1 202-555-0123 x5", None, true),
        ("+1 202-555-0123;ext=45", None, true),
        ("+1 202-555-0123 ex5", None, false),
        ("٠١٦١ ٤٩٦ ٠١٢٣", Some("GB"), true),
        ("+", None, false),
        ("", Some("GB"), false),
    ] {
        let region = region.and_then(|code: &str| Region::new(code.as_bytes()));
        let valid = validator.is_valid("PHONE_NUMBER", text.as_bytes(), region);
        assert_eq!(valid, Some(expected), "{text}");
    }
}

/// Entities whose agreement with other projects' tests is measured; phones are measured where the plans are.
const MEASURED: &[&str] = &[
    "EMAIL_ADDRESS",
    "CREDIT_CARD",
    "IBAN",
    "IP_ADDRESS",
    "MAC_ADDRESS",
    "URL",
    "URL_CREDENTIALS",
    "IMEI",
    "US_SSN",
    "US_ITIN",
    "GB_NINO",
    "GB_NHS",
    "FR_NIR",
    "ES_NIF",
    "ES_NIE",
    "ES_DNI",
    "DE_IDNR",
    "BR_CPF",
    "IN_AADHAAR",
    "IN_PAN",
    "ZA_IDNR",
    "KE_PIN",
    "SECRET_TWILIO",
    "AWS_ACCESS_KEY",
    "SECRET_GITHUB",
    "SECRET_STRIPE",
    "SECRET_SLACK",
    "JWT",
    "SECRET_PEM",
    "PHONE_NUMBER",
];

/// Right answers and cases.
#[derive(Clone, Copy, Default)]
struct Score {
    right: usize,
    all: usize,
}

impl Score {
    fn count(&mut self, right: bool) {
        self.all += 1;
        self.right += usize::from(right);
    }

    fn share(self) -> f64 {
        if self.all == 0 { 1.0 } else { self.right as f64 / self.all as f64 }
    }
}

/// Agrees with what other detectors' own tests assert about whole values: valid and invalid ones each in 98 of 100 cases.
#[test]
fn agrees_with_peers() {
    let dir =
        PathBuf::from(std::env::var("EFFACE_SHARED").unwrap_or_else(|_| "../shared".to_owned())).join("peercases");
    if !dir.is_dir() {
        println!("skipped: no {}", dir.display());
        return;
    }
    let validator = Validator::build(&RuleSet::builtin().unwrap()).unwrap();
    let mut table: BTreeMap<String, [Score; 2]> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases(&dir) {
        let meta = &case["meta"];
        let entity = case["entity"].as_str().unwrap();
        let left_out = ["contested", "noisy", "non_pii"].iter().any(|flag| !meta[*flag].is_null())
            || meta["strength"] == "weak"
            || case["kind"] != "validate"
            || !MEASURED.contains(&entity);
        if left_out {
            continue;
        }
        let text = case["text"].as_str().unwrap();
        let region = meta["region"].as_str().or(case["country"].as_str()).and_then(|code| Region::new(code.as_bytes()));
        let expected = !case["expect"].as_array().unwrap().is_empty();
        let got = validator.is_valid(entity, text.as_bytes(), region) == Some(true);
        table.entry(entity.to_owned()).or_default()[usize::from(expected)].count(got == expected);
        if got != expected {
            wrong.push(format!("{entity} {} wants {expected}", case["id"].as_str().unwrap()));
        }
    }
    println!("{:<16} {:>12} {:>12}", "entity", "valid", "invalid");
    let mut total = [Score::default(); 2];
    for (entity, [invalid, valid]) in &table {
        println!(
            "{entity:<16} {:>12} {:>12}",
            format!("{}/{}", valid.right, valid.all),
            format!("{}/{}", invalid.right, invalid.all)
        );
        for (sum, part) in total.iter_mut().zip([invalid, valid]) {
            sum.right += part.right;
            sum.all += part.all;
        }
    }
    println!("all: valid {:.4}, invalid {:.4}", total[1].share(), total[0].share());
    println!("{}", wrong.join("\n"));
    assert!(total.iter().all(|score| score.share() >= 0.98));
    for (entity, [invalid, valid]) in &table {
        let both = Score { right: invalid.right + valid.right, all: invalid.all + valid.all };
        assert!(both.all < 3 || both.share() >= 0.9, "{entity}: {}/{}", both.right, both.all);
    }
}

fn cases(dir: &Path) -> Vec<serde_json::Value> {
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<_>>()
        })
        .collect()
}
