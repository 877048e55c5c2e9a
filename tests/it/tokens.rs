//! Tokens through the whole street: one value is one token, on one lane of one tenant and nowhere else.

use crate::alloc::{MESSAGES, allocations};
use efface::RuleSet;
use efface::crypt::{KeyConfig, Keys, RootKey, Shape, Tokenizer, TokenizerConfig, find_tokens};
use efface::entity::Kind;
use efface::envelope::Format;
use efface::ids::{Region, TenantId};
use efface::policy::{Policy, Source};
use efface::redact::{BuildError, Input, Options, Reason, Redactor, Tenant, TenantFault};
use efface::scan::{ScanConfig, Scanner};
use efface::tally::Tally;
use proptest::prelude::*;
use std::sync::{Arc, OnceLock};

const ANALYTICS: usize = 0;
const STORAGE: usize = 1;

fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| RuleSet::builtin().unwrap())
}

fn tokenizer() -> Arc<Tokenizer> {
    let root = RootKey::parse(b"c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef").unwrap();
    let config = TokenizerConfig { cache_entries: 64, ..TokenizerConfig::default() };
    Arc::new(Tokenizer::new(Keys::build(&root, KeyConfig::default()).unwrap(), config, [7; 16]))
}

fn policy(text: &str) -> Policy {
    let source = Source { name: "test".to_owned(), text: text.to_owned() };
    Policy::compile(&source, rules().entities()).unwrap_or_else(|err| panic!("{err}"))
}

fn pseudonyms() -> Policy {
    Policy::compile(&Source::builtin("pseudonyms").unwrap(), rules().entities()).unwrap_or_else(|err| panic!("{err}"))
}

fn options(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    options.tokenizer = Some(tokenizer());
    options.tenant = Tenant::Fixed("north".to_owned());
    change(&mut options);
    options
}

fn build(policy: &Policy, options: &Options) -> Result<Redactor, BuildError> {
    let scanner = Scanner::build(rules(), ScanConfig::default()).unwrap();
    Redactor::build(scanner, rules(), policy.lanes().to_vec(), options)
}

fn redactor(tenant: &str, regions: &str) -> Redactor {
    let regions = regions.split_whitespace().filter_map(|code| Region::new(code.as_bytes())).collect();
    let options = options(|options| {
        options.tenant = Tenant::Fixed(tenant.to_owned());
        options.regions = regions;
    });
    build(&pseudonyms(), &options).unwrap()
}

fn north() -> &'static Redactor {
    static NORTH: OnceLock<Redactor> = OnceLock::new();
    NORTH.get_or_init(|| redactor("north", ""))
}

/// Redacts a chunk and returns both lanes.
fn run(redactor: &Redactor, format: Format, chunk: &str) -> [String; 2] {
    let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
    redactor.redact_chunk(format, chunk.as_bytes(), &mut scratch, &mut tally);
    [0, 1].map(|lane| String::from_utf8_lossy(scratch.lane(lane)).into_owned())
}

fn tokens(text: &str) -> Vec<&str> {
    let found = find_tokens(text.as_bytes()).filter(|found| found.shape == Shape::WellFormed);
    found.map(|found| &text[found.span.range()]).collect()
}

fn open(tenant: &str, token: &str) -> Option<String> {
    let opened = tokenizer().open(TenantId::new(tenant).unwrap(), token.as_bytes()).ok()?;
    Some(String::from_utf8_lossy(opened.value().expose()).into_owned())
}

#[track_caller]
fn one_token(regions: &str, texts: &[&str], value: &str) {
    let redactor = redactor("north", regions);
    let mut all = [Vec::new(), Vec::new()];
    for text in texts {
        let lanes = run(&redactor, Format::Text, text);
        for (lane, all) in lanes.iter().zip(&mut all) {
            let found = tokens(lane);
            assert_eq!(found.len(), 1, "{text}: {lane}");
            all.push(found[0].to_owned());
        }
        assert_eq!(open("north", tokens(&lanes[STORAGE])[0]).as_deref(), Some(value), "{text}: {}", lanes[STORAGE]);
    }
    for all in &mut all {
        all.dedup();
        assert_eq!(all.len(), 1, "{texts:?}");
    }
}

#[test]
fn spellings_are_one_token() {
    let phones = [
        "+221 77 123 45 67",
        "call 00221771234567",
        "221771234567@s.whatsapp.net",
        "tel:+221771234567",
        "whatsapp:+221771234567",
        "https://wa.me/221771234567",
        "wa.me/221771234567?text=hi",
        "https://api.whatsapp.com/send?phone=221771234567&text=hi",
        "whatsapp://send?phone=221771234567",
        "sms:+221771234567?body=hi",
        "smsto:+221771234567:hi",
        "+٢٢١ ٧٧ ١٢٣ ٤٥ ٦٧",
        "my number is +221\u{a0}77\u{200b}1234567",
    ];
    one_token("", &phones, "+221771234567");
    one_token("SN", &phones, "+221771234567");
    one_token("SN", &["77 123 45 67", "+221771234567", "221771234567"], "+221771234567");
    one_token("FR", &phones, "+221771234567");
    one_token("GB", &["07400 123456", "+44 (0)7400 123456", "+447400123456", "447400123456@c.us"], "+447400123456");
    one_token("US", &["(202) 555-0143", "+1 202 555 0143"], "+12025550143");
    one_token("", &["Awa.Diop@Example.ORG", "mailto:awa.diop@example.org"], "awa.diop@example.org");
    one_token("", &["DE89 3704 0044 0532 0130 00", "DE89370400440532013000"], "DE89370400440532013000");
    one_token("", &["meu cpf é 529.982.247-25", "meu cpf é 52998224725"], "52998224725");
    one_token("", &["2001:DB8:0:0:0:0:0:1", "2001:db8::1"], "2001:db8::1");
    one_token("", &["00:00:5e:00:53:01", "00-00-5E-00-53-01"], "00005E005301");
}

/// What is remembered of a value is of how it is written and of all that its canonical form depends on.
#[test]
fn what_is_remembered_is_of_where_it_was_known() {
    let options = options(|options| {
        options.tenant = Tenant::Field("/tenant".to_owned());
        options.region_field = Some("/region".to_owned());
    });
    let redactor = build(&pseudonyms(), &options).unwrap();
    let mut warm = redactor.scratch();
    let mut all = Vec::new();
    for tenant in ["north", "south"] {
        for region in ["SN", "FR", "DE", "US", ""] {
            for text in [
                "call 06 12 34 56 78",
                "call 0612345678",
                "call 77 123 45 67",
                "4915112345678",
                "4915112345678@s.whatsapp.net",
                "wa.me/4915112345678",
                "call (202) 555-0143",
                "Awa.Diop@Example.ORG",
                "awa.diop@example.org",
                "+٢٢١ ٧٧ ١٢٣ ٤٥ ٦٧",
            ] {
                all.push(format!(r#"{{"tenant":"{tenant}","region":"{region}","text":"{text}"}}"#));
            }
        }
    }
    let mut n_tokens = 0;
    for line in all.iter().chain(&all).chain(all.iter().rev()) {
        let mut tally = Tally::default();
        let mut fresh = redactor.scratch();
        redactor.redact(Format::JsonLines, line.as_bytes(), &mut warm, &mut tally).unwrap();
        redactor.redact(Format::JsonLines, line.as_bytes(), &mut fresh, &mut tally).unwrap();
        for lane in [ANALYTICS, STORAGE] {
            let [warm, fresh] = [&warm, &fresh].map(|scratch| String::from_utf8_lossy(scratch.lane(lane)));
            assert_eq!(warm, fresh, "{line}");
            n_tokens += tokens(&warm).len();
        }
    }
    assert!(n_tokens > 300, "{n_tokens}");
}

#[test]
fn what_stands_around_stays() {
    let [_, storage] =
        run(north(), Format::Text, "see https://wa.me/221771234567?text=hi and 221771234567@s.whatsapp.net");
    let token = tokens(&storage)[0];
    assert_eq!(storage, format!("see [URL]{token}[URL] and {token}@s.whatsapp.net"));
}

#[test]
fn secrets_and_cards() {
    let text = "card 4111 1111 1111 1111 key AKIAIOSFODNN7EXAMPLE";
    let [analytics, storage] = run(north(), Format::Text, text);
    assert_eq!(storage, "card **** **** **** 1111 key [AWS_ACCESS_KEY]");
    assert!(analytics.starts_with("card tok_cd_mbbb_") && analytics.ends_with(" key [AWS_ACCESS_KEY]"), "{analytics}");
    // `*` is a token here, and secrets are labels all the same.
    let all = policy(
        "[lanes.storage]\n\"*\" = { operator = \"token\", mode = \"siv\" }\n[lanes.analytics]\n\"*\" = \"keep\"",
    );
    let redactor = build(&all, &options(|_| ())).unwrap();
    let [analytics, storage] = run(&redactor, Format::Text, text);
    assert_eq!(analytics, "card 4111 1111 1111 1111 key [AWS_ACCESS_KEY]");
    assert!(storage.starts_with("card tok_cd_sbbb_") && storage.ends_with(" key [AWS_ACCESS_KEY]"), "{storage}");
}

#[test]
fn fields_as_a_whole() {
    let policy = policy(
        r#"
        [lanes.storage]
        "*" = "redact"
        PHONE_NUMBER = { operator = "token", mode = "siv" }
        [lanes.analytics]
        "*" = "redact"
        PHONE_NUMBER = { operator = "token", mode = "mac" }
        [[fields]]
        at = "/urn"
        treat = "redact"
        entity = "PHONE_NUMBER"
        "#,
    );
    let redactor = build(&policy, &options(|options| options.region_field = Some("/region".to_owned()))).unwrap();
    let mut seen = Vec::new();
    for (urn, region) in [
        ("tel:+221771234567", ""),
        ("whatsapp:221771234567", ""),
        ("771234567", "SN"),
        ("221771234567@s.whatsapp.net", "FR"),
    ] {
        let lines = serde_json::json!({"urn": urn, "region": region, "text": "hi"}).to_string();
        let [_, storage] = run(&redactor, Format::JsonLines, &lines);
        let token = tokens(&storage)[0].to_owned();
        assert_eq!(storage, lines.replace(urn, &token));
        assert_eq!(open("north", &token).as_deref(), Some("+221771234567"), "{urn}");
        seen.push(token);
    }
    // What cannot have a token is a label.
    for urn in [String::new(), "x".repeat(5_000)] {
        let [_, storage] = run(&redactor, Format::JsonLines, &serde_json::json!({"urn": urn}).to_string());
        assert_eq!(storage, r#"{"urn":"[PHONE_NUMBER]"}"#);
    }
    let [_, storage] = run(&redactor, Format::JsonLines, r#"{"region":"SN","urn":771234567}"#);
    assert_eq!(storage, format!(r#"{{"region":"SN","urn":"{}"}}"#, seen[0]));
}

#[test]
fn a_start_without_key_or_tenant_is_refused() {
    let refused =
        |change: fn(&mut Options)| build(&pseudonyms(), &options(change)).map(|_| ()).unwrap_err().to_string();
    assert!(refused(|options| options.tokenizer = None).contains("there is no key\n  hint: name one: --key"));
    assert!(refused(|options| options.tenant = Tenant::None).contains("whose the records are\n  hint: --tenant"));
    assert!(refused(|options| options.tenant = Tenant::Fixed(String::new())).contains("tenant's name"));
    // Labels need neither.
    let labels = Policy::compile(&Source::builtin("default").unwrap(), rules().entities()).unwrap();
    assert!(build(&labels, &Options::default()).is_ok());
}

#[test]
fn records_name_their_tenant() {
    let options = options(|options| options.tenant = Tenant::Field("/tenant".to_owned()));
    let redactor = build(&pseudonyms(), &options).unwrap();
    let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
    let mut line = |line: &str| {
        let done = redactor.redact(Format::JsonLines, line.as_bytes(), &mut scratch, &mut tally);
        (done, String::from_utf8_lossy(scratch.lane(STORAGE)).into_owned())
    };
    let (_, a) = line(r#"{"tenant":"north","text":"awa@example.org"}"#);
    let (_, b) = line(r#"{"text":"awa@example.org","tenant":"south"}"#);
    let (_, c) = line(r#"{"text":"awa@example.org","tenant":42}"#);
    assert_eq!(open("north", tokens(&a)[0]).as_deref(), Some("awa@example.org"));
    assert_eq!(open("south", tokens(&b)[0]).as_deref(), Some("awa@example.org"));
    assert_eq!(open("42", tokens(&c)[0]).as_deref(), Some("awa@example.org"));
    assert_eq!((open("south", tokens(&a)[0]), open("north", tokens(&b)[0])), (None, None));
    for (text, fault, word) in [
        (r#"{"text":"awa@example.org"}"#, TenantFault::Missing, "tenant_missing"),
        (r#"{"text":"nothing"}"#, TenantFault::Missing, "tenant_missing"),
        (r#"{"text":"awa@example.org","tenant":null}"#, TenantFault::Missing, "tenant_missing"),
        (r#"{"text":"awa@example.org","tenant":{"tenant":"north"}}"#, TenantFault::Missing, "tenant_missing"),
        (r#"{"text":"awa@example.org","tenant":""}"#, TenantFault::Invalid, "tenant_invalid"),
        (r#"{"text":"awa@example.org","tenant":"a\nb"}"#, TenantFault::Invalid, "tenant_invalid"),
    ] {
        assert_eq!(
            line(text),
            (Err(Reason::Tenant(fault)), format!(r#"{{"efface":"quarantined","reason":"{word}"}}"#)),
            "{text}"
        );
    }
}

#[test]
fn lanes_with_equal_words_have_other_tokens() {
    let mac = r#""*" = { operator = "token", mode = "mac" }"#;
    let policy = policy(&format!("[lanes.analytics]\n{mac}\n[lanes.storage]\n{mac}\n[lanes.third]\n{mac}"));
    let redactor = build(&policy, &options(|_| ())).unwrap();
    let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
    redactor.redact(Format::Text, b"awa@example.org", &mut scratch, &mut tally).unwrap();
    assert_ne!(scratch.lane(ANALYTICS), scratch.lane(STORAGE));
    assert_eq!(scratch.lane(ANALYTICS), scratch.lane(2), "every lane but storage is analytics");
}

#[test]
fn raw_input_brings_no_tokens() {
    let [_, storage] = run(north(), Format::Text, "awa@example.org");
    let token = tokens(&storage)[0].to_owned();
    let forged = format!("{}x", &token[..token.len() - 1]);
    let raw = build(&pseudonyms(), &options(|options| options.input = Input::Raw)).unwrap();
    let check = |format, text: &str, want: &str| {
        let [analytics, storage] = run(&raw, format, text);
        assert_eq!((analytics.as_str(), storage.as_str()), (want, want), "{text}");
        let [_, again] = run(&raw, format, &storage);
        assert_eq!(again, storage);
    };
    check(Format::Text, &format!("it is {token}, or {forged}"), "it is [TOKEN-LIKE], or [TOKEN-LIKE]");
    check(Format::Text, "tok_ph_mbbb_bcd tok_ tok_ph", "[TOKEN-LIKE] tok_ tok_ph");
    let escaped = token.replace('_', "\\u005f");
    check(
        Format::JsonLines,
        &format!("{{\"{token}\":\"a {escaped}\",\"b\":[\"\\t{token}\"]}}"),
        "{\"[TOKEN-LIKE]\":\"a [TOKEN-LIKE]\",\"b\":[\"\\t[TOKEN-LIKE]\"]}",
    );
    // A detection that a token is a part of takes it in.
    let [short, _] = run(north(), Format::Text, "awa@example.org");
    let [_, storage] = run(&raw, Format::Text, &format!("{short}@example.org"));
    assert_eq!(open("north", &storage), Some(format!("{short}@example.org")));
    let [_, storage] = run(&raw, Format::Text, &format!("{token}@example.org"));
    assert_eq!(storage, "[TOKEN-LIKE]@example.org", "too long for an address");
    // Our own output comes in as it is.
    let [_, same] = run(north(), Format::Text, &format!("it is {token}"));
    assert_eq!(same, format!("it is {token}"));
    let (mut scratch, mut tally) = (raw.scratch(), Tally::default());
    raw.redact_chunk(Format::Text, format!("{token}\n{token} awa@example.org").as_bytes(), &mut scratch, &mut tally);
    assert_eq!((tally.n_token_like, tally.n_detections()), (2, 1));
}

#[test]
fn tokens_do_not_allocate() {
    let lines: String = (MESSAGES.iter())
        .map(|message| {
            format!(
                "{}\n",
                serde_json::json!({"tenant": "north", "region": "SN", "text": message, "urn": "tel:+221771234567"})
            )
        })
        .collect();
    for tenant in [Tenant::Fixed("north".to_owned()), Tenant::Field("/tenant".to_owned())] {
        for input in [Input::Processed, Input::Raw] {
            let options = options(|options| {
                options.region_field = Some("/region".to_owned());
                options.tenant = tenant.clone();
                options.input = input;
            });
            let redactor = build(&pseudonyms(), &options).unwrap();
            let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
            let mut all = || redactor.redact_chunk(Format::JsonLines, lines.as_bytes(), &mut scratch, &mut tally);
            all();
            assert_eq!(allocations(|| (0..20).for_each(|_| all())), 0);
        }
    }
}

/// Values and what may stand around them.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(MESSAGES.to_vec()).prop_map(str::to_owned),
        prop::sample::select(vec![
            "a@example.org",
            "A.b@EXAMPLE.org",
            "+221771234567",
            "77 123 45 67",
            "221771234567@s.whatsapp.net",
            "https://wa.me/221771234567",
            "tel:+221771234567",
            "4111 1111 1111 1111",
            "192.0.2.17",
            "DE89370400440532013000",
            "cpf 529.982.247-25",
            "078-05-1120",
            "id 900123456",
            "https://example.org/x",
            "[PHONE_NUMBER]",
            "tok_ph_mbbb_bcd",
            "call me",
            "id",
            "tel",
            "12",
            ",",
            "x",
        ])
        .prop_map(str::to_owned),
        "[a-z0-9@.+ -]{0,20}",
        "[0-9]{9,12}",
    ]
}

fn document(pieces: &[String], json: bool) -> (Format, String) {
    // Values stand apart here: of two that touch, or that one blank parts, the guards of one hide the other until it is a token.
    let text = pieces.join(" and ");
    if json {
        (Format::JsonLines, serde_json::json!({"text": text, "more": [pieces]}).to_string())
    } else {
        (Format::Text, text)
    }
}

/// Values that stand on their own, and what may stand around them.
fn plain_piece() -> impl Strategy<Value = String> {
    let values = prop::sample::select(vec![
        "221771234567@s.whatsapp.net",
        "https://wa.me/221771234567",
        "tel:+221771234567",
        "4111 1111 1111 1111",
        "2001:db8::17",
        "DE89370400440532013000",
        "cpf 529.982.247-25",
        "https://example.org/x",
        "AKIAIOSFODNN7EXAMPLE",
        "[PHONE_NUMBER]",
        "tok_ph_mbbb_bcd",
        "tok_ph_",
        "call me",
        "id",
        "ana",
        "\u{e9}t\u{e9}",
        "\"",
        "\n",
    ]);
    prop_oneof![values.prop_map(str::to_owned), "\\+22177[0-9]{7}", "[A-Za-z]{1,9}\\.[a-z]{1,9}@[a-z]{2,8}\\.(org|NET)"]
}

proptest! {
    /// Redacting twice is redacting once, on both lanes and for labels on top. Values speak for themselves here: one that a
    /// word near by made unlikely may be found when a longer token has moved the word away.
    #[test]
    fn twice_is_once(pieces in prop::collection::vec(plain_piece(), 0..8), json: bool) {
        let (format, text) = document(&pieces, json);
        let once = run(north(), format, &text);
        for (lane, text) in once.iter().enumerate() {
            prop_assert_eq!(&run(north(), format, text)[lane], text);
            static LABELS: OnceLock<Redactor> = OnceLock::new();
            let labels = LABELS.get_or_init(|| {
                let policy = Policy::compile(&Source::builtin("default").unwrap(), rules().entities()).unwrap();
                build(&policy, &Options::default()).unwrap()
            });
            if lane == ANALYTICS {
                prop_assert_eq!(&run(labels, format, text)[lane], text);
            }
        }
    }

    /// Two tenants, two tokens; two lanes, two tokens.
    #[test]
    fn tokens_of_others_are_others(pieces in prop::collection::vec(piece(), 0..8), json: bool) {
        static SOUTH: OnceLock<Redactor> = OnceLock::new();
        let south = SOUTH.get_or_init(|| redactor("south", ""));
        let (format, text) = document(&pieces, json);
        let text = text.replace("tok_", "tak_");
        let (north, south) = (run(north(), format, &text), run(south, format, &text));
        let all = [&north[0], &north[1], &south[0], &south[1]].map(|lane| tokens(lane));
        for (at, some) in all.iter().enumerate() {
            for other in all.iter().skip(at + 1) {
                prop_assert!(!some.iter().any(|token| other.contains(token)));
            }
        }
        prop_assert_eq!(all[0].len(), all[2].len());
        prop_assert_eq!(all[1].len(), all[3].len());
    }

    /// Every token of the storage lane opens to the canonical value of what it replaced, for its tenant alone.
    #[test]
    fn storage_opens_to_the_canonical_value(local in "[a-zA-Z][a-z0-9]{0,8}(\\.[a-z]{1,5})?", subscriber in 0_u32..10_000_000, blank: bool) {
        let email = format!("{local}@Example.org");
        let digits = format!("77{subscriber:07}");
        let phone = if blank { format!("+221 {} {} {}", &digits[..2], &digits[2..5], &digits[5..]) } else { format!("+221{digits}") };
        let [_, storage] = run(north(), Format::Text, &format!("write {email} or call {phone} now"));
        let opened: Vec<_> = tokens(&storage).into_iter().map(|token| open("north", token)).collect();
        prop_assert_eq!(opened, [Some(email.to_lowercase()), Some(format!("+221{digits}"))]);
        prop_assert!(tokens(&storage).into_iter().all(|token| open("south", token).is_none()));
    }

    /// A chunk comes out the same, however it is cut and whatever a worker did before: so for any number of threads.
    #[test]
    fn workers_agree(messages in prop::collection::vec(prop::collection::vec(piece(), 0..4), 1..8), cut in any::<prop::sample::Index>()) {
        let lines: Vec<String> = messages.iter().map(|pieces| format!("{}\n", serde_json::json!({"text": pieces.join(" ")}))).collect();
        let whole = run(north(), Format::JsonLines, &lines.concat());
        let (first, second) = lines.split_at(cut.index(lines.len()));
        let (first, second) = (run(north(), Format::JsonLines, &first.concat()), run(north(), Format::JsonLines, &second.concat()));
        for lane in [ANALYTICS, STORAGE] {
            prop_assert_eq!(&whole[lane], &format!("{}{}", first[lane], second[lane]));
        }
    }
}

#[test]
fn classes_follow_the_kind() {
    for (text, class) in
        [("awa@example.org", "em"), ("+221771234567", "ph"), ("DE89370400440532013000", "ac"), ("192.0.2.17", "ip")]
    {
        let [_, storage] = run(north(), Format::Text, text);
        assert!(storage.starts_with(&format!("tok_{class}_sbbb_")), "{storage}");
    }
    assert_eq!(Kind::PhoneNumber.token_class(), "ph");
}

/// The binary.
#[cfg(all(feature = "cli", unix))]
mod cli {
    use super::tokens;
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A folder with two keys, which is gone when the test is over.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let n = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("efface-tokens-{}-{n}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            let folder = Self(path);
            folder.file("a.key", "c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef\n", 0o600);
            folder.file("b.key", "d2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef\n", 0o600);
            folder
        }

        fn file(&self, name: &str, text: &str, mode: u32) -> String {
            let path = self.0.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            path.to_str().unwrap().to_owned()
        }

        /// Runs the binary in the folder; `args` are split at blanks.
        fn run(&self, args: &str, input: &str) -> (i32, String, String) {
            let mut child = Command::new(env!("CARGO_BIN_EXE_efface"))
                .args(args.split(' '))
                .current_dir(&self.0)
                .env("EFFACE_TEST_KEY", "c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef")
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdin = child.stdin.take().unwrap();
            let input = input.to_owned();
            let feeder = std::thread::spawn(move || stdin.write_all(input.as_bytes()).is_ok());
            let output = child.wait_with_output().unwrap();
            feeder.join().unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn redact_and_open() {
        let folder = Folder::new();
        let redact = |more: &str| {
            let (code, out, err) = folder
                .run(&format!("redact --policy pseudonyms {more}"), "call +221 77 123 45 67 or awa@example.org\n");
            assert_eq!(code, 0, "{err}");
            out
        };
        let out = redact("--key file:a.key --tenant north");
        let found = tokens(&out);
        assert_eq!(out, format!("call {} or {}\n", found[0], found[1]));
        assert_eq!(redact("--key env:EFFACE_TEST_KEY --tenant north"), out);
        for other in [
            "--key file:b.key --tenant north",
            "--key file:a.key",
            "--key file:a.key --tenant north --environment test",
        ] {
            assert_ne!(redact(other), out, "{other}");
        }
        assert!(!redact("--key file:a.key --lane analytics").contains("_sbbb_"));

        let (code, opened, err) =
            folder.run(&format!("token open --key file:a.key --tenant north {}", found.join(" ")), "");
        assert_eq!((code, opened.as_str()), (0, "+221771234567\nawa@example.org\n"), "{err}");
        assert!(err.contains("2 to open"), "{err}");
        let (code, opened, _) =
            folder.run("token open --key file:a.key --tenant north", &format!("{}\n{}\n", found[1], found[0]));
        assert_eq!((code, opened.as_str()), (0, "awa@example.org\n+221771234567\n"));
        // One error for whatever is wrong.
        let analytics = redact("--key file:a.key --tenant north --lane analytics");
        let damaged = found[0].replace("tok_ph", "tok_em");
        for (args, token) in [
            ("--key file:b.key --tenant north", found[0]),
            ("--key file:a.key --tenant south", found[0]),
            ("--key file:a.key", found[0]),
            ("--key file:a.key --tenant north --environment test", found[0]),
            ("--key file:a.key --tenant north", &damaged),
            ("--key file:a.key --tenant north", "hello"),
            ("--key file:a.key --tenant north", tokens(&analytics)[0]),
        ] {
            let told = folder.run(&format!("token open {args} {token}"), "");
            let want = "note: 1 to open; values are printed in clear\nunknown token: 1 of 1\n";
            assert_eq!(told, (1, "\n".to_owned(), want.to_owned()), "{args}");
        }
    }

    #[test]
    fn wrong_use() {
        let folder = Folder::new();
        folder.file("open.key", "c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef\n", 0o644);
        folder.file(
            "weak.toml",
            "[lanes.analytics]\n\"*\" = \"redact\"\nIBAN = { operator = \"token\", mode = \"siv\" }\n",
            0o600,
        );
        for (args, what, hint) in [
            (
                "redact --policy pseudonyms",
                "writes tokens on the lane storage, and there is no key",
                "hint: name one: --key",
            ),
            ("redact --policy pseudonyms --key file:open.key", "key file is open to others", "hint: chmod 600"),
            ("redact --policy pseudonyms --key file:none.key", "key file cannot be read: none.key", ""),
            ("redact --policy pseudonyms --key a.key", "no known sort", "hint: write `file:PATH`"),
            (
                "redact --policy weak.toml",
                "weak.toml:3: a siv token can be turned back",
                "hint: only the lane `storage`",
            ),
            ("policy check weak.toml", "weak.toml:3: a siv token can be turned back", "hint: only the lane `storage`"),
            (
                "redact --policy pseudonyms --key file:a.key --tenant-field tenant",
                "not a JSON Pointer",
                "--tenant-field /tenant",
            ),
            ("redact --policy pseudonyms --key file:a.key --tenant a --tenant-field /b", "cannot be used with", ""),
        ] {
            let (code, out, err) = folder.run(args, "+221771234567\n");
            assert_eq!((code, out.as_str()), (2, ""), "{args}: {err}");
            assert!(err.contains(what) && err.contains(hint), "{args}: {err}");
        }
    }

    #[test]
    fn tenants_and_threads() {
        let folder = Folder::new();
        let lines: String = (0..3_000)
            .map(|n| {
                format!("{{\"tenant\":\"t{}\",\"text\":\"call +22177{:07} or a{n}@example.org\"}}\n", n % 3, n * 997)
            })
            .collect();
        let run = |jobs: &str| {
            folder.run(
                &format!("redact --policy pseudonyms --key file:a.key --tenant-field /tenant --jobs {jobs}"),
                &lines,
            )
        };
        let (code, one, _) = run("1");
        assert_eq!((code, tokens(&one).len()), (0, 6_000));
        assert_eq!(run("4").1, one);
        let (code, out, err) = folder.run(
            "redact --format jsonl --policy pseudonyms --key file:a.key --tenant-field /tenant",
            "{\"text\":\"awa@example.org\"}\n{\"tenant\":\"\"}\n",
        );
        assert_eq!(code, 3);
        let want = "{\"efface\":\"quarantined\",\"reason\":\"tenant_missing\"}\n{\"efface\":\"quarantined\",\"reason\":\"tenant_invalid\"}\n";
        assert_eq!(out, want, "{err}");
    }

    #[test]
    fn raw_and_processed() {
        let folder = Folder::new();
        let run =
            |more: &str, text: &str| folder.run(&format!("redact --policy pseudonyms --key file:a.key{more}"), text);
        let (_, once, _) = run("", "awa@example.org\n");
        assert_eq!(run("", &once).1, once);
        let (code, out, err) = run(" --input raw", &once);
        assert_eq!((code, out.as_str()), (0, "[TOKEN-LIKE]\n"));
        assert!(err.contains("1  looked like a token"), "{err}");
    }

    #[test]
    fn policies_are_explained() {
        let folder = Folder::new();
        folder.file(
            "sample.json",
            r#"{"text":"call 77 123 45 67","key":"AKIAIOSFODNN7EXAMPLE","n":5,"ok":true,"a@example.org":[""]}"#,
            0o600,
        );
        let (code, out, err) = folder.run("policy explain --policy pseudonyms --region SN sample.json", "");
        assert_eq!(code, 0, "{err}");
        let want = "\
field             bytes         entity          analytics         storage
/a@example.org    0..13 of key  EMAIL_ADDRESS   token mac (entity)  token siv (entity)
";
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let (got, want) = (words(&out), words(want));
        assert_eq!(got[..want.len()], want, "{out}");
        assert!(
            out.contains("redact (*)") && out.contains("keep (literal)") && out.contains("keep (nothing)"),
            "{out}"
        );
        assert!(!out.contains("123 45"), "{out}");
        let (_, out, _) = folder.run("policy explain --json --policy pseudonyms --region SN sample.json", "");
        let rows: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let text = rows.iter().find(|row| row["field"] == "/text").unwrap();
        assert_eq!(text["lanes"]["storage"], serde_json::json!({"does": "token", "mode": "siv", "why": "entity"}));
        assert_eq!(
            (text["start"].as_u64(), text["end"].as_u64(), &text["entity"]),
            (Some(5), Some(17), &"PHONE_NUMBER".into())
        );
        let (code, out, _) = folder.run("policy check pseudonyms", "");
        assert_eq!(code, 0);
        assert!(out.contains("pseudonyms is sound") && out.contains("writes tokens, needs a key"), "{out}");
        let (code, out, err) = folder.run("policy explain --json -", "{");
        assert_eq!((code, out.as_str()), (3, ""), "{err}");
    }
}
