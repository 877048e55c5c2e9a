//! Operators through the whole street: each takes away what it says, twice is once; and their table in the docs is theirs.

use efface::RuleSet;
use efface::crypt::{KeyConfig, Keys, LaneClass, RootKey, Tokenizer, TokenizerConfig};
use efface::entity::{Entity, Kind};
use efface::envelope::Format;
use efface::ids::TenantId;
use efface::operator::{Known, Minter, apply, canonical, generalise};
use efface::policy::{Form, Operator, Policy, Reversal, Source};
use efface::redact::{Options, Redactor, Tenant};
use efface::scan::{ScanConfig, Scanner};
use efface::sensitive::Sensitive;
use efface::tally::Tally;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

fn tokenizer() -> Arc<Tokenizer> {
    let root = RootKey::parse(b"c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef").unwrap();
    let config = TokenizerConfig { cache_entries: 64, ..TokenizerConfig::default() };
    Arc::new(Tokenizer::new(Keys::build(&root, KeyConfig::default()).unwrap(), config, [7; 16]))
}

fn redactor(storage: &str) -> Redactor {
    let rules = RuleSet::builtin().unwrap();
    let text = format!("title = \"t\"\n[lanes.storage]\n\"*\" = \"redact\"\n{storage}");
    let policy =
        Policy::compile(&Source { name: "t".to_owned(), text }, rules.entities()).unwrap_or_else(|err| panic!("{err}"));
    let mut options = Options::default();
    options.tokenizer = Some(tokenizer());
    options.tenant = Tenant::Fixed("north".to_owned());
    options.conversation_field = Some("/c".to_owned());
    options.name_fields = vec!["/name".to_owned()];
    options.region_field = Some("/r".to_owned());
    let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
    Redactor::build(scanner, &rules, policy.lanes().to_vec(), &options).unwrap()
}

fn run(redactor: &Redactor, record: &str) -> String {
    let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
    redactor.redact(Format::JsonLines, record.as_bytes(), &mut scratch, &mut tally).unwrap();
    String::from_utf8(scratch.lane(0).to_vec()).unwrap()
}

/// One for each operator that a text can meet.
fn all() -> &'static [(String, Redactor)] {
    static ALL: OnceLock<Vec<(String, Redactor)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let policies = [
            "CREDIT_CARD = { operator = \"mask\", show = \"first6_last4\" }\nPHONE_NUMBER = { operator = \"mask\", show = \"last4\" }",
            "PHONE_NUMBER = \"conv\"\nPERSON = \"conv\"\nEMAIL_ADDRESS = \"conv\"\nCREDIT_CARD = \"conv\"\nIP_ADDRESS = \"conv\"\nURL = \"conv\"",
            "PHONE_NUMBER = \"fake\"\nPERSON = \"fake\"\nEMAIL_ADDRESS = \"fake\"\nCREDIT_CARD = \"fake\"\nIP_ADDRESS = \"fake\"\nURL = \"fake\"\nMAC_ADDRESS = \"fake\"",
            "PHONE_NUMBER = \"generalise\"\nEMAIL_ADDRESS = \"generalise\"\nCREDIT_CARD = \"generalise\"\nIP_ADDRESS = \"generalise\"\nURL = \"generalise\"",
            "PHONE_NUMBER = \"generalise\"\nPHONE_BUSINESS = \"keep\"\nURL = { operator = \"generalise\", to = \"host\" }\nIP_ADDRESS = \"generalise\"",
        ];
        policies.map(|policy| (policy.to_owned(), redactor(policy))).into()
    })
}

const VALUES: &[&str] = &[
    "+221 77 123 45 67",
    "+1 202-555-0143",
    "221771234567@s.whatsapp.net",
    "tel:+12025550143",
    "ana@gmail.com",
    "Ana.B@shop.example.org",
    "4111 1111 1111 1111",
    "378282246310005",
    "203.0.113.77",
    "8.8.8.8",
    "10.1.2.3",
    "2001:db8:1:2::3",
    "https://bit.ly/3abc?x=1",
    "http://ana:pw@shop.example.net:80/u/7",
    "www.example.org/x",
    "00:1B:44:11:3A:B7",
    "Awa",
    "+1 800-555-0199",
    "[PERSON]",
    "card",
    "tel",
    "order",
    "12",
    "771234567",
    "is",
    "for example",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// Redacting twice is redacting once, whatever the operator.
    #[test]
    fn twice_is_once(values in proptest::collection::vec(0..VALUES.len(), 1..8)) {
        let text: Vec<&str> = values.iter().map(|&at| VALUES[at]).collect();
        let record = format!(r#"{{"c":"c1","name":"Awa Ndiaye","text":"{}"}}"#, text.join("; and then "));
        for (policy, redactor) in all() {
            let once = run(redactor, &record);
            prop_assert_eq!(run(redactor, &once), once, "{}", policy);
        }
    }

    /// Country and line of a number are told alike with and without its canonical form: a lane that tells businesses apart needs
    /// that, and where texts have escapes edits are written another way.
    #[test]
    fn ways_to_generalise_a_number_agree(
        region in "SN|GB|GG|US|JM|IT|RU|KZ|AR|FI|ZZ",
        numbers in proptest::collection::vec(
            ("(\\+|00|011|tel:\\+|wa\\.me/|)", "(221|44|447|1|1876|39|7|77|54|358|800|)", "[0-9]{3}( |-|)[0-9]{3,7}", "(@c\\.us|)"),
            1..6,
        ),
    ) {
        static BOTH: OnceLock<[Redactor; 2]> = OnceLock::new();
        let both = BOTH.get_or_init(|| {
            ["", "PHONE_BUSINESS = \"generalise\""].map(|more| redactor(&format!("PHONE_NUMBER = \"generalise\"\n{more}")))
        });
        let numbers = numbers.into_iter().map(|(before, code, rest, after)| format!("{before}{code}{rest}{after}"));
        let numbers: Vec<String> = numbers.collect();
        let record = format!(r#"{{"r":"{region}","tel":"{}","mobile":"call me: {}","e":"#, numbers[0], numbers.join(" or, phone: "));
        for end in ["\"-\"}", "\"\\n\"}"] {
            let record = format!("{record}{end}");
            let [ready, asked] = both.each_ref().map(|redactor| run(redactor, &record));
            prop_assert_eq!(ready, asked, "{}", record);
        }
        let [plain, escaped] = ["\"-\"}", "\"\\u0041+1 202 555 0143\"}"].map(|end| run(&both[0], &format!("{record}{end}")));
        let head = |text: String| text.rsplit_once(",\"e\":").map(|(head, _)| head.to_owned());
        prop_assert_eq!(head(plain), head(escaped));
    }
}

#[test]
fn values_are_gone() {
    let record = r#"{"c":"c1","name":"Awa Ndiaye","text":"awa: +221 77 123 45 67, ana@gmail.com, 4111 1111 1111 1234, 8.8.8.8"}"#;
    let want = [
        None,
        Some(r#"{"c":"c1","name":"[PERSON-"#),
        None,
        Some(
            r#"{"c":"c1","name":"[PERSON]","text":"[PERSON]: [PHONE_NUMBER +221 mobile], [EMAIL_ADDRESS free-mail], "#,
        ),
        None,
    ];
    for ((policy, redactor), want) in all().iter().zip(want) {
        let out = run(redactor, record);
        for value in ["Ndiaye", "771234567", "77 123 45", "ana@", "8.8.8.8"] {
            assert!(!out.contains(value), "{policy}: {out}");
        }
        assert!(want.is_none_or(|want| out.starts_with(want)), "{policy}: {out}");
    }
}

/// Without a conversation there is no code, only a label.
#[test]
fn no_conversation_no_code() {
    let (_, redactor) = &all()[1];
    assert_eq!(run(redactor, r#"{"text":"8.8.8.8"}"#), r#"{"text":"[IP_ADDRESS]"}"#);
}

#[test]
fn labels_with_a_sort_hide_nothing() {
    let (_, redactor) = &all()[3];
    let out =
        run(redactor, r#"{"c":"c","text":"[PHONE_NUMBER +221771234567] [URL ana@gmail.com] [IP_ADDRESS 8.8.8.8]"}"#);
    assert!(!out.contains("771234567") && !out.contains("ana@") && !out.contains("8.8.8.8"), "{out}");
}

/// What an operator makes of a sample, without a street.
fn example(operator: &Operator) -> String {
    let (kind, value) = match operator {
        Operator::MaskMiddle | Operator::Generalise { to: Form::BrandLen } => (Kind::CreditCard, "4111 1111 1111 1111"),
        Operator::Generalise { to: Form::DomainClass } => (Kind::EmailAddress, "ana@gmail.com"),
        Operator::Generalise { to: Form::Net } => (Kind::IpAddress, "203.0.113.77"),
        Operator::Generalise { to: Form::Grid } => (Kind::GeoCoordinate, "14.69371, -17.44406"),
        Operator::Generalise { to: Form::Month | Form::Year | Form::Shift { .. } } => (Kind::DateTime, "2026-04-17"),
        Operator::Generalise { to: Form::Host | Form::HostClass } => (Kind::Url, "https://wa.me/12025550143?text=x"),
        Operator::Generalise { to: Form::Bucket { .. } } => (Kind::Age, "17"),
        _ => (Kind::PhoneNumber, "+1 202-555-0143"),
    };
    let entity = Entity { name: kind.name().to_owned(), kind, country: None };
    let (tokenizer, mut out, mut form) = (tokenizer(), Vec::new(), Vec::new());
    let mut scratch = tokenizer.scratch();
    canonical(&entity, Sensitive::new(value.as_bytes()), &Known::default(), &mut form);
    let tenant = TenantId::new("north").unwrap();
    let lane = LaneClass::Storage;
    let mut minter = Minter { tokenizer: &tokenizer, scratch: &mut scratch, tenant, lane };
    let (value, form) = (Sensitive::new(value.as_bytes()), Sensitive::new(&form));
    match operator {
        Operator::Token { mode } => minter.token(*mode, &entity, form, &mut out).unwrap(),
        Operator::Conv => minter.conv(&entity, b"c1", form, &mut out).unwrap(),
        // A sample that is nobody's stays as it is.
        Operator::Fake => {
            assert!(minter.fake(&entity, Sensitive::new(b"x"), Sensitive::new(b"x"), &mut out).unwrap());
        }
        Operator::Generalise { to } => {
            let shift = minter.shift(&entity, b"subject", 30).ok();
            assert!(generalise(to, &entity, form, shift, &mut out));
        }
        other => apply(other, &entity, value, &mut out),
    }
    String::from_utf8(out).unwrap()
}

/// The table in the docs, made from the code.
fn table() -> String {
    let mut out =
        String::from("| operator | leaves | turned back | key | writes | example |\n|---|---|---|---|---|---|\n");
    for operator in Operator::all() {
        let name = operator
            .detail()
            .map_or_else(|| operator.name().to_owned(), |detail| format!("{} {detail}", operator.name()));
        let described = operator.describe();
        let back = match (operator.reversal(), &operator) {
            (_, Operator::Keep) => "is clear",
            (Reversal::Allowed, _) => "by the key",
            (Reversal::Never, _) => "never",
        };
        let key = if operator.is_keyed() { "yes" } else { "no" };
        let example = example(&operator);
        let example = if example.is_empty() { String::new() } else { format!("`{example}`") };
        writeln!(out, "| `{name}` | {} | {back} | {key} | {} | {example} |", described.leaves, described.shape)
            .unwrap();
    }
    out
}

#[test]
fn the_table_in_the_docs_is_that_of_the_code() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operators.md");
    let docs = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = docs.split_once("<!-- table -->\n").expect("a mark before the table");
    let (_, tail) = rest.split_once("<!-- end of table -->").expect("a mark behind the table");
    let want = format!("{head}<!-- table -->\n{}<!-- end of table -->{tail}", table());
    if std::env::var_os("EFFACE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &want).unwrap();
    }
    assert!(
        docs == want,
        "docs/operators.md is not what the code says; EFFACE_WRITE_DOCS=1 writes it anew:\n{}",
        table()
    );
}

#[track_caller]
fn refuses(lane: &str, line: &str, what: &str, hint: &str) {
    let rules = RuleSet::builtin().unwrap();
    let text = format!("[lanes.{lane}]\n\"*\" = \"redact\"\n{line}\n");
    let err = Policy::compile(&Source { name: "p.toml".to_owned(), text }, rules.entities()).expect_err(line);
    assert!(err.to_string().starts_with("p.toml:3: "), "{err}");
    assert!(err.what.contains(what) && err.hint.contains(hint), "{err}");
}

#[test]
fn weak_and_senseless_operators_do_not_load() {
    refuses("storage", "PHONE_NUMBER = { operator = 'token', mode = 'vault' }", "not there yet", "siv");
    refuses("storage", "PHONE_NUMBER = { operator = 'mask', show = 'first6_last4' }", "only a card", "last4");
    refuses("storage", "CREDIT_CARD = { operator = 'mask', show = 'first8_last4' }", "too much", "PCI DSS");
    refuses("storage", "CREDIT_CARD = { operator = 'mask', show = 'last4', keep_last = 2 }", "not both", "away");
    refuses("storage", "API_KEY = 'conv'", "opens something", "redact or drop");
    refuses("storage", "AGE = 'conv'", "too few values", "keep");
    refuses("storage", "IBAN = 'fake'", "no made-up values", "telephone");
    refuses("storage", "IBAN = 'generalise'", "cannot be generalised", "no general form");
    refuses(
        "storage",
        "PHONE_NUMBER = { operator = 'generalise', to = 'net' }",
        "cannot be generalised",
        "country_type",
    );
    refuses("storage", "PHONE_NUMBER = { operator = 'generalise', to = 'city' }", "unknown form", "country_type");
    refuses("storage", "AGE = { operator = 'generalise', bounds = [18, 13] }", "ascending", "1 to 32");
    refuses("storage", "AGE = { operator = 'generalise', days = 3 }", "no option of bucket", "shift");
    refuses("storage", "DATE_TIME = { operator = 'generalise', to = 'shift', days = 9999 }", "days is out", "3650");
    refuses("analytics", "PHONE_NUMBER = { operator = 'token', mode = 'siv' }", "turned back", "mac");
    refuses("analytics", "PHONE_NUMBER = 'hash'", "needs no key", "mac");
    refuses("storage", "PHONE_NUMBER = 'fak'", "unknown operator", "fake");
    let rules = RuleSet::builtin().unwrap();
    let load = |text: &str| {
        let source = Source { name: "p".to_owned(), text: text.to_owned() };
        Policy::compile(&source, rules.entities()).map(|_| ()).map_err(|err| err.what)
    };
    let two = "[lanes.storage]\n\"*\" = 'redact'\nCREDIT_CARD = { operator = 'mask', show = 'last4' }\n[lanes.analytics]\n\"*\" = 'redact'\nCREDIT_CARD = { operator = 'mask', show = 'first6_last4' }\n";
    assert!(load(two).unwrap_err().contains("different digits of one card"));
    assert_eq!(load(&two.replace("first6_last4", "last4")), Ok(()));
    let alerts = |alerts: &str| load(&format!("[alerts]\n{alerts}\n[lanes.storage]\n\"*\" = 'redact'\n"));
    assert_eq!(alerts("categories = ['minor']\nminor_age = 13"), Ok(()));
    assert!(alerts("categories = ['minors']").unwrap_err().contains("unknown category"));
    assert!(alerts("minor_age = 99").unwrap_err().contains("minor_age"));
}
