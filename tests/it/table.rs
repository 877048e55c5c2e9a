//! A generated table over all entities with a check digit: a valid value beside a word for it is found as that entity, the
//! same value with another last digit or letter is not.
//!
//! `cargo test --test it table:: -- --nocapture` prints the table and the shares.

use efface::entity::Kind;
use efface::ids::EntityId;
use efface::rules::{Rule, Want};
use efface::scan::{ScanConfig, Scratch};
use efface::{Hints, RuleSet, Scanner};

/// Values of each entity.
const VALUES: u64 = 5;
/// What a check is worth that knows at least one digit from the others: less than one in eight passes by chance.
const DIGIT_WORTH: i16 = 30;
/// Where fewer pass by chance, no value is found by drawing; the pack's examples stand in.
const DRAWN_WORTH: i16 = 150;
/// The share of entities that is wanted.
const WANTED: f64 = 0.97;

/// Entities whose last digit or letter is no check digit, and why: changed, it is another valid number.
const OTHER_LAST: &[(&str, &str)] = &[
    ("AE_EMIRATES_ID", "the rule for its check digit is not published"),
    ("AU_MEDICARE", "the last digit is the number of the issue"),
    ("AZ_VOEN", "the last digit is the sort of the taxpayer"),
    ("CA_RAMQ", "the rule for its check digit is not published"),
    ("CR_CR", "no check digit"),
    ("CZ_RC", "nine digits, until 1953, have no check digit"),
    ("CZ_VAT", "those of persons are CZ_RC"),
    ("DK_CPR", "none since 2007, when the numbers of some days were used up"),
    ("DO_CEDULA", "some were issued with a wrong one"),
    ("EC_RUC", "the last digits are the number of the establishment"),
    ("EG_NATIONAL_ID", "the rule for its check digit is not published"),
    ("ETHEREUM_ADDRESS", "in one case there are no check bits"),
    ("EU_OSS", "the rule for its check digit is not published"),
    ("EU_VAT", "the rule for its check digit is not published"),
    ("GB_DRIVING_LICENCE", "the rule for its check letters is not published"),
    ("GT_CUI", "the last digits are the municipality"),
    ("ID_NIK", "no check digit"),
    ("ID_NPWP", "the last digits are the branch"),
    ("IN_VEHICLE_PLATE", "no check digit"),
    ("IS_KENNITALA", "the last digit is the century"),
    ("KR_FRN", "drawn at random since 2020"),
    ("KR_RRN", "drawn at random since 2020"),
    ("KW_CIVIL_ID", "only the date is checked"),
    ("LV_PERSONAS_KODS", "none since 2017"),
    ("LY_NATIONAL_ID", "no check digit"),
    ("MX_ELECTOR_CODE", "no check digit"),
    ("MX_RFC", "many were issued with a wrong one"),
    ("MY_NRIC", "no check digit"),
    ("NA_NATIONAL_ID", "no check digit"),
    ("NG_BVN", "no check digit"),
    ("NI_CEDULA", "only the date is checked"),
    ("NL_VAT", "the last digits are the number of the business"),
    ("NZ_BANK_ACCOUNT", "the last digits are the suffix"),
    ("PE_CUI", "the check digit may be left out"),
    ("RW_NID", "the rule for its check digits is not published"),
    ("TZ_NIDA", "the rule for its check digits is not published"),
    ("UG_NIN", "no check digit"),
    ("US_ATIN", "no check digit"),
    ("US_MBI", "no check digit"),
    ("VIN", "it stands in the ninth place, and only in North America"),
    ("VN_MST", "the last digits are the branch"),
];

struct House {
    rules: RuleSet,
    scanner: Scanner,
}

impl House {
    /// The names of what is found in a text, with those that are as plausible.
    fn found(&self, text: &str, scratch: &mut Scratch) -> Vec<(EntityId, Option<EntityId>)> {
        let found = self.scanner.scan(text.as_bytes(), &Hints::default(), scratch).expect("within limits");
        found.iter().map(|d| (d.entity, d.rival)).collect()
    }

    fn name(&self, id: EntityId) -> &str {
        &self.rules.entity(id).expect("known").name
    }
}

/// What became of the values of one entity.
#[derive(Default)]
struct Row {
    entity: String,
    rule: String,
    n_values: usize,
    /// Found as the entity beside a word.
    found: usize,
    /// Found beside a word with the entity as the rival of what was reported.
    rival: usize,
    /// With another last character, not found as it.
    refused: usize,
    /// Found as the entity among other digits, without a word.
    bare: usize,
    /// What was found in its stead.
    instead: Vec<String>,
}

fn values(rule: &Rule) -> Vec<String> {
    if rule.check.is_some_and(|check| check.worth >= DRAWN_WORTH) {
        let examples = rule.examples.valid.iter();
        return examples.cycle().take(usize::try_from(VALUES).unwrap()).cloned().collect();
    }
    (0..VALUES).filter_map(|seed| rule.sample(seed, Want::Valid)).collect()
}

/// The value with another last digit or letter: the next one.
fn changed(value: &str) -> String {
    let mut bytes = value.as_bytes().to_vec();
    if let Some(last) = bytes.iter_mut().rev().find(|b| b.is_ascii_alphanumeric()) {
        *last = match *last {
            b'9' => b'0',
            b'z' => b'a',
            b'Z' => b'A',
            other => other + 1,
        };
    }
    String::from_utf8(bytes).expect("ASCII")
}

/// The first rule of every entity that has a check with a check digit.
fn checked(rules: &RuleSet) -> Vec<&Rule> {
    let mut out: Vec<&Rule> = Vec::new();
    for rule in rules.rules() {
        let is_checked = rule.check.is_some_and(|check| check.worth >= DIGIT_WORTH);
        let kind = rules.entity(rule.entity).map(|entity| entity.kind);
        // Links, addresses and keys have a check and no digit in it.
        let is_number =
            !matches!(kind, Some(Kind::Url | Kind::EmailAddress | Kind::IpAddress | Kind::MacAddress | Kind::ApiKey));
        if is_checked && is_number && !out.iter().any(|known| known.entity == rule.entity) {
            out.push(rule);
        }
    }
    out
}

fn table(house: &House) -> Vec<Row> {
    let mut scratch = house.scanner.scratch();
    let mut out = Vec::new();
    for rule in checked(&house.rules) {
        let kind = house.rules.entity(rule.entity).map(|entity| entity.kind);
        let of_kind = house.rules.contexts().iter().filter(|of| Some(of.kind) == kind).flat_map(|of| &of.words);
        let word = rule.context.iter().chain(of_kind).next().cloned().unwrap_or_default();
        let mut row = Row { entity: house.name(rule.entity).to_owned(), rule: rule.id.clone(), ..Row::default() };
        for (n, value) in values(rule).into_iter().enumerate() {
            row.n_values += 1;
            let found = house.found(&format!("{word}: {value}, ok?"), &mut scratch);
            if found.iter().any(|d| d.0 == rule.entity) {
                row.found += 1;
            } else {
                row.rival += usize::from(found.iter().any(|d| d.1 == Some(rule.entity)));
                let instead = found.first().map_or("nothing", |d| house.name(d.0));
                row.instead.push(instead.to_owned());
            }
            let found = house.found(&format!("{word}: {}, ok?", changed(&value)), &mut scratch);
            row.refused += usize::from(!found.iter().any(|d| d.0 == rule.entity));
            let found = house.found(&format!("{}{n} {value} {n}7", n + 3), &mut scratch);
            row.bare += usize::from(found.iter().any(|d| d.0 == rule.entity));
        }
        out.push(row);
    }
    out
}

#[test]
fn a_value_beside_a_word_is_found_and_one_with_another_last_digit_is_not() {
    let rules = RuleSet::builtin().expect("loads");
    let scanner = Scanner::build(&rules, ScanConfig::default()).expect("builds");
    let rows = table(&House { rules, scanner });
    println!("entity  rule  found  refused  bare  of values; found in its stead");
    let mut empty = Vec::new();
    let has_last = |row: &Row| !OTHER_LAST.iter().any(|(entity, _)| *entity == row.entity);
    for Row { entity, rule, n_values, found, rival, refused, bare, instead } in &rows {
        let mut instead = instead.clone();
        instead.sort();
        instead.dedup();
        println!("{entity}  {rule}  {found}  {refused}  {bare}  {n_values}  rival {rival}  {}", instead.join(" "));
        if *n_values == 0 {
            empty.push(entity.as_str());
        }
    }
    // An entity counts where more than half of its values do.
    let share = |of: &[&Row], is: fn(&Row) -> usize| {
        let n = of.iter().filter(|row| row.n_values > 0 && 2 * is(row) > row.n_values).count();
        n as f64 / of.len() as f64
    };
    let values = |of: &[&Row], is: fn(&Row) -> usize| {
        of.iter().map(|row| is(row)).sum::<usize>() as f64 / of.iter().map(|row| row.n_values).sum::<usize>() as f64
    };
    let all: Vec<&Row> = rows.iter().collect();
    let last: Vec<&Row> = rows.iter().filter(|row| has_last(row)).collect();
    let (found, refused) = (share(&all, |row| row.found), share(&last, |row| row.refused));
    println!("{} entities, {VALUES} values each; no value made: {}", all.len(), empty.join(" "));
    println!("found beside a word: {found:.3} of entities, {:.3} of values", values(&all, |row| row.found));
    println!("the same or a rival: {:.3} of values", values(&all, |row| row.found + row.rival));
    println!("bare among digits: {:.3} of entities", share(&all, |row| row.bare));
    println!(
        "another last character refused: {refused:.3} of the {} entities with a check digit there, {:.3} of values; {:.3} of all entities",
        last.len(),
        values(&last, |row| row.refused),
        share(&all, |row| row.refused)
    );
    // The list holds no entity that does not need it.
    for row in rows.iter().filter(|row| !has_last(row)) {
        assert!(row.refused < row.n_values, "{} refuses another last character", row.entity);
    }
    for (entity, _) in OTHER_LAST {
        assert!(rows.iter().any(|row| row.entity == *entity), "{entity} has no check");
    }
    assert!(found >= WANTED, "found as that entity: {found:.3}");
    assert!(refused >= WANTED, "not found with another last digit: {refused:.3}");
}
