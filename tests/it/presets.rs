//! The presets: what each platform promises of personal data, as far as detection and operators can keep it. A test names the
//! document and section of the promise. Events are made up, the same for the same seed.

use efface::RuleSet;
use efface::crypt::{KeyConfig, Keys, RootKey, Tokenizer, TokenizerConfig};
use efface::entity::Kind;
use efface::envelope::Format;
use efface::ids::Region;
use efface::policy::{Operator, Policy, Source};
use efface::redact::{Options, Redactor, Tenant};
use efface::rules::{Gate, Sieve};
use efface::scan::{ScanConfig, Scanner};
use efface::tally::{Category, Tally};
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};

const PRESETS: [&str; 5] = ["rapidpro", "harakaflow", "respondio", "messangi", "wapikit"];
const ANALYTICS: usize = 0;
const STORAGE: usize = 1;

fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| RuleSet::builtin().unwrap())
}

fn policy(name: &str) -> Policy {
    Policy::compile(&Source::builtin(name).unwrap(), rules().entities()).unwrap_or_else(|err| panic!("{err}"))
}

fn options(policy: &Policy) -> Options {
    let root = RootKey::parse(b"c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef").unwrap();
    let config = TokenizerConfig { cache_entries: 64, ..TokenizerConfig::default() };
    let mut options = Options::default();
    options.tokenizer =
        Some(Arc::new(Tokenizer::new(Keys::build(&root, KeyConfig::default()).unwrap(), config, [7; 16])));
    options.tenant = Tenant::Field("/tenant".to_owned());
    options.region_field = Some("/region".to_owned());
    options.name_fields = ["/contact/name", "/agent/name", "/ProfileName", "/profile/name"].map(str::to_owned).to_vec();
    options.conversation_field = Some("/conversation".to_owned());
    options.alerts = policy.alerts().cloned();
    options
}

fn redactor(name: &str) -> Redactor {
    let policy = policy(name);
    let scanner = Scanner::build(rules(), ScanConfig::default()).unwrap();
    Redactor::build(scanner, rules(), policy.lanes().to_vec(), &options(&policy)).unwrap()
}

/// One redactor for each preset, built once.
fn preset(name: &str) -> &'static Redactor {
    static BUILT: OnceLock<Vec<Redactor>> = OnceLock::new();
    let built = BUILT.get_or_init(|| PRESETS.iter().map(|name| redactor(name)).collect());
    &built[PRESETS.iter().position(|known| *known == name).unwrap()]
}

fn run(redactor: &Redactor, record: &str) -> ([String; 2], Tally) {
    let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
    redactor.redact(Format::JsonLines, record.as_bytes(), &mut scratch, &mut tally).unwrap();
    ([0, 1].map(|lane| String::from_utf8(scratch.lane(lane).to_vec()).unwrap()), tally)
}

/// A text as a message of a conversation, on both lanes.
fn message(name: &str, region: &str, text: &str) -> [String; 2] {
    let record = json!({"tenant": "t1", "region": region, "conversation": "c1", "text": text}).to_string();
    run(preset(name), &record).0.map(|out| {
        let out: Value = serde_json::from_str(&out).unwrap();
        out["text"].as_str().unwrap().to_owned()
    })
}

fn alerts(name: &str, text: &str) -> Vec<Category> {
    let record = json!({"tenant": "t1", "region": "", "conversation": "c1", "text": text}).to_string();
    run(preset(name), &record).1.alerts().map(|(category, _)| category).collect()
}

/// Numbers that follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn pick<'p, T: ?Sized>(&mut self, list: &[&'p T]) -> &'p T {
        list[self.below(list.len())]
    }

    fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b'0' + self.below(10) as u8)).collect()
    }
}

/// An event, and what was planted in it: the value and what it is of.
struct Event {
    json: Value,
    planted: Vec<(String, Kind)>,
}

fn event(platform: &str, seed: u64) -> Event {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ platform.len() as u64);
    for _ in 0..4 {
        dice.below(2);
    }
    let phone = match dice.below(3) {
        0 => format!("+22177{}", dice.digits(7)),
        1 => format!("+9198{}", dice.digits(8)),
        _ => format!("+5511{}{}", 9, dice.digits(8)),
    };
    let first = dice.pick(&["Kadiatou", "Oumar", "Priyanka", "Joaquín", "Thandiwe", "Zoltán"]);
    let last = dice.pick(&["Tembolo", "Ndiayeva", "Okonjwe", "Rasmuskin", "Velázquiz"]);
    let email = format!("{}.{}@example.org", first.to_lowercase().replace('í', "i").replace('á', "a"), dice.digits(4));
    let password = format!("hunter{}", dice.digits(5));
    // A value in a form that the packs show, where they show it.
    let shown: Vec<_> = rules()
        .rules()
        .iter()
        .filter(|rule| {
            !matches!(rule.sieve, Sieve::Name) && rule.gate == Gate::Open && !rule.examples.inline.is_empty()
        })
        .collect();
    let rule = shown[dice.below(shown.len())];
    let (example, spans) = &rule.examples.inline[dice.below(rule.examples.inline.len())];
    let kind = rules().entity(rule.entity).unwrap().kind;
    let region = rule.examples.region.map_or(String::new(), |region: Region| region.to_string());
    let greeting = dice.pick(&["hello, here is", "bonjour, c'est", "hola, soy"]);
    let text = format!("{greeting} {first}. {example} . write to {email} or call {phone} please");
    let mut planted = vec![
        (phone.clone(), Kind::PhoneNumber),
        (email.clone(), Kind::EmailAddress),
        (first.to_owned(), Kind::Person),
        (last.to_owned(), Kind::Person),
        (password.clone(), Kind::Password),
    ];
    planted.extend(spans.iter().map(|&(start, end)| (example[start as usize..end as usize].to_owned(), kind)));
    let base = |mut more: Value| {
        let all = json!({"tenant": "t1", "region": region, "conversation": format!("c-{}", seed % 7)});
        more.as_object_mut().unwrap().extend(all.as_object().unwrap().clone());
        more
    };
    let name = format!("{first} {last}");
    let digits = phone.trim_start_matches('+').to_owned();
    let json = base(match platform {
        "rapidpro" => json!({
            "event": "msg_received", "contact": {"uuid": "6a6f", "name": name, "urn": format!("tel:{phone}"), "language": "fra"},
            "account": {"password": password}, "text": text, "created_on": "2026-03-02T08:19:03Z",
        }),
        "harakaflow" => json!({
            "type": "message", "from": format!("{digits}@s.whatsapp.net"), "profile": {"name": name}, "password": password,
            "message": {"conversation": text}, "ip": "203.0.113.77",
        }),
        "respondio" => json!({
            "contact": {"name": name, "phone": phone, "email": email}, "agent": {"name": "Regine Mbala"}, "auth_token": password,
            "message": {"type": "text", "text": text},
        }),
        "messangi" => json!({
            "ProfileName": name, "From": phone, "To": "22000", "Body": text, "user": {"password": password},
        }),
        _ => json!({
            "contact": {"name": name, "wa_id": digits, "lists": [{"phone": phone}]}, "pin": password, "chat": [{"text": text}],
        }),
    });
    Event { json, planted }
}

/// Letters and digits alone.
fn bare(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// All texts and keys of a document.
fn texts(value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| {
            out.push(key.clone());
            texts(value, out);
        }),
        Value::Array(values) => values.iter().for_each(|value| texts(value, out)),
        Value::Null => {}
        other => out.push(other.as_str().map_or_else(|| other.to_string(), str::to_owned)),
    }
}

#[test]
fn no_planted_value_survives() {
    let mut wrong = Vec::new();
    for platform in PRESETS {
        let policy = policy(platform);
        for seed in 0..240 {
            let event = event(platform, seed);
            let (lanes, _) = run(preset(platform), &event.json.to_string());
            for (at, lane) in policy.lanes().iter().enumerate() {
                let parsed: Value = serde_json::from_str(&lanes[at]).expect("output parses");
                let mut all = Vec::new();
                texts(&parsed, &mut all);
                let joined = all.iter().map(|text| bare(text)).collect::<Vec<_>>().join("|");
                for (value, kind) in &event.planted {
                    // A link that is nothing but its host stays one; a business keeps its number where the lane says so.
                    let kept = *kind == Kind::Url
                        || (*kind == Kind::PhoneNumber
                            && lane.business() == Some(&Operator::Keep)
                            && value.contains("800"));
                    let needle = bare(value);
                    if needle.chars().count() >= 5 && !kept && joined.contains(&needle) {
                        wrong.push(format!("{platform} {} {seed}: {kind} {value} in {}", lane.name(), lanes[at]));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} survive:\n{}", wrong.len(), wrong[..wrong.len().min(6)].join("\n"));
}

#[test]
fn twice_is_once() {
    for platform in PRESETS {
        for seed in 0..40 {
            let (once, _) = run(preset(platform), &event(platform, seed).json.to_string());
            for (lane, once) in once.iter().enumerate() {
                let (again, _) = run(preset(platform), once);
                assert_eq!(&again[lane], once, "{platform} {seed} lane {lane}");
            }
        }
    }
}

/// 000 Account; 001 Security; 003 Information You Share: a password never leaves, nor does anything that opens something.
#[test]
fn secrets_never_leave() {
    for name in PRESETS.into_iter().chain(["analytics-strict", "default", "pseudonyms"]) {
        let policy = policy(name);
        for lane in policy.lanes() {
            for (at, entity) in rules().entities().iter().enumerate() {
                if entity.kind.token_class() == "sc" || entity.name == "CARD_CVV" || entity.name == "CARD_TRACK" {
                    let operator = lane.decide(efface::ids::EntityId(at as u16), None);
                    assert!(
                        matches!(operator, Operator::Redact | Operator::Drop),
                        "{name} {} {}",
                        lane.name(),
                        entity.name
                    );
                }
            }
        }
    }
    for name in PRESETS {
        let record = json!({"tenant": "t1", "region": "", "conversation": "c", "password": "correct horse",
            "user": {"pin": 4711, "profile": {"api_key": "abc"}}, "text": "hi"});
        let (lanes, _) = run(preset(name), &record.to_string());
        for lane in lanes {
            assert!(!lane.contains("horse") && !lane.contains("4711") && !lane.contains("abc"), "{name}: {lane}");
        }
    }
}

/// 000 Account and Client Data: government ids in no output, on no lane as a token.
#[test]
fn government_ids_are_labels() {
    for name in ["rapidpro", "harakaflow", "respondio", "messangi"] {
        for out in message(name, "BR", "meu cpf é 529.982.247-25") {
            assert_eq!(out, "meu cpf é [BR_CPF]", "{name}");
        }
        assert_eq!(alerts(name, "my ssn is 536-22-1234"), [Category::GovId], "{name}");
    }
    // 004 Sales Data.
    for out in message("wapikit", "IN", "aadhaar 2345 6789 0124 ok") {
        assert!(!out.contains("2345"), "{out}");
    }
}

/// 000 Payment: last four digits and no more, one format on both lanes; 003: card.
#[test]
fn cards_keep_their_last_four() {
    for name in PRESETS {
        let [analytics, storage] = message(name, "", "card 4111 1111 1111 1111 thanks");
        assert_eq!(storage, "card **** **** **** 1111 thanks", "{name}");
        assert_eq!(analytics, "card [CREDIT_CARD visa /16] thanks", "{name}");
    }
}

/// 000 Client Data: the same contact is the same token in the event's address and in its text.
#[test]
fn one_contact_is_one_token() {
    for (name, urn) in [
        ("rapidpro", "tel:+221338247754"),
        ("harakaflow", "221338247754@s.whatsapp.net"),
        ("wapikit", "whatsapp:+221338247754"),
    ] {
        let record =
            json!({"tenant": "t1", "region": "SN", "conversation": "c", "urn": urn, "text": "call 33 824 77 54"});
        let (lanes, _) = run(preset(name), &record.to_string());
        let out: Value = serde_json::from_str(&lanes[STORAGE]).unwrap();
        let token = out["text"].as_str().unwrap().strip_prefix("call ").unwrap();
        assert!(token.starts_with("tok_ph_s"), "{name}: {token}");
        assert!(out["urn"].as_str().unwrap().contains(token), "{name}: {out}");
    }
}

/// 000 No Unauthorized Access, isolation; 004 Storage: nothing links two tenants, nor two lanes.
#[test]
fn tenants_have_nothing_in_common() {
    for name in PRESETS {
        let of = |tenant: &str| {
            let record = json!({"tenant": tenant, "region": "", "conversation": "c", "text": "+221338247754"});
            run(preset(name), &record.to_string())
                .0
                .map(|out| serde_json::from_str::<Value>(&out).unwrap()["text"].to_string())
        };
        let (a, b) = (of("a"), of("b"));
        assert_ne!(a[STORAGE], b[STORAGE], "{name}");
        assert_ne!(a[STORAGE], a[ANALYTICS], "{name}");
        if a[ANALYTICS].contains("tok_") || a[ANALYTICS].contains("R-") {
            assert_ne!(a[ANALYTICS], b[ANALYTICS], "{name}");
        }
    }
}

/// 000 Logs; 001 Technical: addresses of the network as nets, links without their query.
#[test]
fn logs_are_generalised() {
    for name in ["rapidpro", "harakaflow"] {
        let [analytics, storage] = message(name, "", "from 203.0.113.77 to https://shop.example.org/u/7?mail=x");
        assert_eq!(storage, "from [IP_ADDRESS 203.0.113.0/24] to https://shop.example.org", "{name}");
        assert_eq!(analytics, "from [IP_ADDRESS 203.0.113.0/24] to [URL example]", "{name}");
    }
}

/// 002 Personal Data in Conversations: who speaks stays readable inside one conversation and unknown across them; 004 Chat Logs.
#[test]
fn speakers_are_codes_of_one_conversation() {
    for name in ["respondio", "wapikit"] {
        let of = |conversation: &str| {
            let record = json!({"tenant": "t1", "region": "", "conversation": conversation, "text": "+221338247754 and +221338247754"});
            let (lanes, _) = run(preset(name), &record.to_string());
            serde_json::from_str::<Value>(&lanes[ANALYTICS]).unwrap()["text"].as_str().unwrap().to_owned()
        };
        let (one, other) = (of("c1"), of("c2"));
        let codes: Vec<&str> = one.split(" and ").collect();
        assert_eq!(codes[0], codes[1], "{one}");
        assert!(codes[0].starts_with("[PHONE_NUMBER-") && one != other, "{one} {other}");
        assert_eq!(one, of("c1"), "the same after a restart");
    }
}

/// 002 Agent: in a signature line and in the agent's field.
#[test]
fn agents_are_found_in_their_signature() {
    let record =
        json!({"tenant": "t1", "region": "", "conversation": "c", "agent": {"name": "Awa"}, "text": "Regards, Awa"});
    let (lanes, _) = run(preset("respondio"), &record.to_string());
    for lane in lanes {
        let out: Value = serde_json::from_str(&lane).unwrap();
        assert_eq!(out["text"].as_str().unwrap(), format!("Regards, {}", out["agent"]["name"].as_str().unwrap()));
        assert!(!lane.contains("Awa"), "{lane}");
    }
}

/// 003 How Messangi processes: a business's number is not personal, a person's is; short codes stay.
#[test]
fn businesses_keep_their_numbers() {
    let [analytics, storage] = message("messangi", "", "text 22000 or call +1 800-555-0199, not +221771234567");
    assert!(storage.starts_with("text 22000 or call +1 800-555-0199, not tok_ph_s"), "{storage}");
    assert!(analytics.starts_with("text 22000 or call [PHONE_NUMBER +1 toll-free], not tok_ph_m"), "{analytics}");
}

/// 003 Data about end users: names that a client gave to contacts, in their stop list or not.
#[test]
fn friendly_names() {
    let of = |name: &str, text: &str| {
        let record =
            json!({"tenant": "t1", "region": "", "conversation": "c", "contact": {"name": name}, "text": text});
        let (lanes, _) = run(preset("messangi"), &record.to_string());
        serde_json::from_str::<Value>(&lanes[ANALYTICS]).unwrap()["text"].as_str().unwrap().to_owned()
    };
    assert_eq!(of("Mum", "hi Mum"), "hi Mum");
    assert_eq!(of("Awa Ndiaye", "hi awa! Ndiaye here"), "hi [PERSON]! [PERSON] here");
}

/// 000 Sensitive Categories, Children; 001, 002, 003, 004 Children: counted by the age of the policy, without the value.
#[test]
fn prohibited_categories_are_counted() {
    for (name, below) in [("rapidpro", 16), ("harakaflow", 18), ("respondio", 16), ("messangi", 16), ("wapikit", 13)] {
        assert_eq!(alerts(name, &format!("I am {}", below - 1)), [Category::Minor], "{name}");
        assert_eq!(alerts(name, &format!("I am {below}")), [], "{name}");
        assert_eq!(alerts(name, &format!("j'ai {} ans", below - 1)), [Category::Minor], "{name}");
        assert_eq!(alerts(name, "she is HIV positive"), [Category::Health], "{name}");
        // The text itself is not touched for that.
        assert_eq!(message(name, "", "she is HIV positive")[STORAGE], "she is HIV positive");
    }
    assert_eq!(alerts("rapidpro", "send your fingerprint"), [Category::Biometric]);
    assert_eq!(alerts("rapidpro", "4111 1111 1111 1111"), [Category::Financial]);
}

/// Nothing on an analytics lane opens, and what promises no links writes no token and no code.
#[test]
fn analytics_never_opens() {
    for name in PRESETS.into_iter().chain(["analytics-strict"]) {
        let policy = policy(name);
        let lane = policy.lane("analytics").unwrap();
        assert_eq!(lane.reversal(), efface::policy::Reversal::Never);
        let keyed = lane.is_keyed();
        assert_eq!(keyed, !matches!(name, "harakaflow" | "analytics-strict"), "{name}");
    }
}
