//! Profiles of envelopes: every field of every platform's message is what its profile says, and nothing else changes.

use efface::RuleSet;
use efface::envelope::{FieldKind, Format};
use efface::policy::{Policy, Source};
use efface::profile::{self, Profiles};
use efface::redact::{Options, Redactor, Scratch};
use efface::scan::{ScanConfig, Scanner};
use efface::tally::Tally;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| RuleSet::builtin().unwrap())
}

/// Redacts with labels on both lanes; each envelope's redactor is built once.
fn redactor(envelope: &str) -> &'static Redactor {
    static BUILT: OnceLock<Mutex<HashMap<String, &'static Redactor>>> = OnceLock::new();
    let mut built = BUILT.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    built.entry(envelope.to_owned()).or_insert_with(|| Box::leak(Box::new(build(envelope))))
}

fn build(envelope: &str) -> Redactor {
    let entities = rules().entities();
    let profiles = match envelope {
        "none" => None,
        "auto" => Some(Profiles::auto(entities).unwrap_or_else(|err| panic!("{err}"))),
        name => Some(Profiles::fixed(&profile::Source::builtin(name).unwrap(), entities).unwrap()),
    };
    let mut options = Options::default();
    options.profiles = profiles.map(Arc::new);
    let policy = Policy::compile(&Source::builtin("default").unwrap(), entities).unwrap();
    let scanner = Scanner::build(rules(), ScanConfig::default()).unwrap();
    Redactor::build(scanner, rules(), policy.lanes().to_vec(), &options).unwrap()
}

/// One detection as tests speak of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    pointer: String,
    start: usize,
    end: usize,
    entity: String,
    value: String,
    rule: String,
    number: bool,
}

fn seen(envelope: &str, format: Format, doc: &[u8]) -> (Vec<Seen>, String, Scratch) {
    let redactor = redactor(envelope);
    let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
    redactor.redact(format, doc, &mut scratch, &mut tally).unwrap_or_else(|err| panic!("{envelope}: {err}"));
    let found = scratch.found();
    let mut all = Vec::new();
    for record in found.records() {
        for detected in found.detections(record) {
            let field = found.fields().field(detected.field).unwrap();
            let mut pointer = String::new();
            found.fields().pointer(doc, field, &mut pointer);
            if field.kind == FieldKind::Key {
                pointer.push_str(" (key)");
            }
            let text = found.fields().text(doc, field);
            let detection = &detected.detection;
            let rule = rules().rule(detection.rule).map(|rule| rule.id.clone());
            all.push(Seen {
                pointer,
                start: detection.span.start as usize,
                end: detection.span.end as usize,
                entity: rules().entity(detection.entity).unwrap().name.clone(),
                value: String::from_utf8_lossy(&text[detection.span.range()]).into_owned(),
                rule: rule.or_else(|| redactor.rule(detection.rule)).unwrap(),
                number: field.kind == FieldKind::Number,
            });
        }
    }
    let out = String::from_utf8(scratch.lane(0).to_vec()).unwrap();
    (all, out, scratch)
}

fn shared(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("EFFACE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = root.join(path);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: no {}", path.display());
    None
}

/// One line of the expectations: a place of a file, and what stands there.
struct Expected {
    pointer: String,
    whole_number: bool,
    spans: Vec<(usize, usize, String, String)>,
}

fn expectations(folder: &std::path::Path) -> BTreeMap<String, Vec<Expected>> {
    let mut by_file: BTreeMap<String, Vec<Expected>> = BTreeMap::new();
    for line in std::fs::read_to_string(folder.join("expected.dev.jsonl")).unwrap().lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let spans = line["spans"].as_array().unwrap().iter().map(|span| {
            let at = |name: &str| span[name].as_u64().unwrap_or(0) as usize;
            let text = |name: &str| span[name].as_str().unwrap().to_owned();
            (at("start"), at("end"), text("type"), text("value"))
        });
        by_file.entry(line["file"].as_str().unwrap().to_owned()).or_default().push(Expected {
            pointer: line["pointer"].as_str().unwrap().to_owned(),
            whole_number: line["whole_number"].as_bool().unwrap_or(false),
            spans: spans.collect(),
        });
    }
    by_file
}

/// The profile that a sample of the shared corpus is of, by how its name begins.
const BY_NAME: &[(&str, &str)] = &[
    ("twilio_sms", "twilio_sms"),
    ("twilio_whatsapp", "twilio_whatsapp"),
    ("whatsapp_cloud", "whatsapp_cloud"),
    ("rapidpro_api", "rapidpro_message"),
    ("rapidpro_task", "rapidpro_task"),
    ("courier", "courier_event"),
    ("telegram", "telegram"),
    ("messenger", "messenger"),
    ("messangi", "messangi"),
    ("infobip", "infobip"),
    ("africastalking", "africastalking"),
    ("inbox", "inbox"),
    ("debezium", "debezium"),
    ("log_line", "log"),
    ("generic", "generic"),
];

/// Kinds that are told apart in a policy and not in the question whether a value is covered.
fn same_kind(entity: &str, kind: &str) -> bool {
    let id = rules().entity_by_name(entity).unwrap();
    rules().entity(id).unwrap().kind.name() == kind
}

#[test]
fn shared_envelopes() {
    let Some(folder) = shared("corpora/envelopes") else { return };
    for mode in ["own", "auto"] {
        let (mut n, mut covered, mut typed, mut missed, mut more) = (0, 0, 0, Vec::new(), Vec::new());
        for (file, expected) in expectations(&folder) {
            let own = BY_NAME.iter().find(|(begin, _)| file.starts_with(begin)).unwrap().1;
            let doc = std::fs::read(folder.join(&file)).unwrap();
            let (found, out, _) = seen(if mode == "own" { own } else { "auto" }, Format::Json, &doc);
            let (before, after): (Value, Value) =
                (serde_json::from_slice(&doc).unwrap(), serde_json::from_str(&out).unwrap());
            let changed = changes(&before, &after);
            for place in &expected {
                let at: Vec<_> = found.iter().filter(|seen| seen.pointer == place.pointer).collect();
                for (start, end, kind, value) in &place.spans {
                    n += 1;
                    let by = at.iter().find(|seen| place.whole_number || (seen.start <= *start && seen.end >= *end));
                    match by {
                        Some(seen) => {
                            covered += 1;
                            typed += usize::from(same_kind(&seen.entity, kind));
                        }
                        None => missed.push(format!("{file} {} {kind}", place.pointer)),
                    }
                    let left =
                        after.pointer(&place.pointer).is_some_and(|now| now.to_string().contains(value.as_str()));
                    assert_eq!(left, by.is_none(), "{file} {}: covered and still there, or the reverse", place.pointer);
                }
            }
            for pointer in changed {
                if !expected.iter().any(|place| place.pointer == pointer) {
                    more.push(format!("{file} {pointer}"));
                }
            }
        }
        println!("envelopes, {mode}: {covered} of {n} covered, {typed} of their own kind; {} places more", more.len());
        println!("  missed: {missed:#?}\n  more: {more:#?}");
        // Names and addresses in free text are not the profiles' work.
        let free = ["PERSON", "ADDRESS", "BANK_ACCOUNT", "DATE_TIME"];
        let own: Vec<_> = missed.iter().filter(|miss| !free.iter().any(|kind| miss.ends_with(kind))).collect();
        assert!(own.is_empty(), "{mode}: {own:#?}");
        assert!(more.len() <= 2, "{mode}: {more:#?}");
    }
}

/// The pointers of the scalars that differ; panics where two documents differ in anything else.
fn changes(before: &Value, after: &Value) -> Vec<String> {
    fn walk(before: &Value, after: &Value, pointer: &str, out: &mut Vec<String>) {
        match (before, after) {
            (Value::Object(a), Value::Object(b)) => {
                assert!(a.keys().eq(b.keys()), "{pointer}: keys differ");
                for (key, a) in a {
                    walk(a, &b[key], &format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1")), out);
                }
            }
            (Value::Array(a), Value::Array(b)) => {
                assert_eq!(a.len(), b.len(), "{pointer}: lengths differ");
                for (at, (a, b)) in a.iter().zip(b).enumerate() {
                    walk(a, b, &format!("{pointer}/{at}"), out);
                }
            }
            (a, b) if a == b => {}
            (Value::String(_) | Value::Number(_), Value::String(_)) => out.push(pointer.to_owned()),
            _ => panic!("{pointer}: another kind of value"),
        }
    }
    let mut out = Vec::new();
    walk(before, after, "", &mut out);
    out
}

/// Checks all detections in a document, as `pointer entity value`, with its own profile and with `auto`.
#[track_caller]
fn check(profile: &str, doc: &str, expected: &[(&str, &str, &str)]) {
    for envelope in [profile, "auto"] {
        let (found, out, _) = seen(envelope, Format::Json, doc.as_bytes());
        let got: Vec<_> =
            found.iter().map(|seen| (seen.pointer.as_str(), seen.entity.as_str(), seen.value.as_str())).collect();
        assert_eq!(got, expected, "{envelope}: {doc}");
        // What a row holds is told by the names of its columns alone.
        if !["generic", "debezium"].contains(&profile) {
            let own = format!("profile.{profile}");
            assert!(found.iter().any(|seen| seen.rule == own), "{envelope}: {own} says nothing: {found:#?}");
        }
        let (again, twice, _) = seen(envelope, Format::Json, out.as_bytes());
        assert_eq!(twice, out, "{envelope}: redacted twice: {again:#?}");
        let (before, after): (Value, Value) = (serde_json::from_str(doc).unwrap(), serde_json::from_str(&out).unwrap());
        changes(&before, &after);
    }
}

#[test]
fn twilio() {
    check(
        "twilio_sms",
        r#"{"ToCountry":"SN","MessageSid":"SM00112233445566778899aabbccddeeff","NumMedia":"1","From":"+221771234567",
            "To":"+221338210000","Body":"call 77 765 43 21","AccountSid":"AC00112233445566778899aabbccddeeff",
            "FromCountry":"SN","FromZip":"","ApiVersion":"2010-04-01",
            "MediaUrl0":"https://api.twilio.com/2010-04-01/Accounts/AC00112233445566778899aabbccddeeff/Media/ME0"}"#,
        &[
            ("/From", "PHONE_NUMBER", "+221771234567"),
            ("/To", "PHONE_NUMBER", "+221338210000"),
            ("/Body", "PHONE_NUMBER", "77 765 43 21"),
            ("/AccountSid", "SECRET_TWILIO", "AC00112233445566778899aabbccddeeff"),
            ("/MediaUrl0", "SECRET_TWILIO", "AC00112233445566778899aabbccddeeff"),
        ],
    );
    check(
        "twilio_sms",
        r#"{"MessageSid":"SM00112233445566778899aabbccddeeff","From":"RAPIDPRO","To":"20880","Body":"",
            "AccountSid":"AC00112233445566778899aabbccddeeff"}"#,
        &[("/AccountSid", "SECRET_TWILIO", "AC00112233445566778899aabbccddeeff")],
    );
    check(
        "twilio_whatsapp",
        r#"{"SmsMessageSid":"SM00112233445566778899aabbccddeeff","From":"whatsapp:+221771234567","WaId":"221771234567",
            "To":"whatsapp:+14155550100","ProfileName":"Awa Diop","Latitude":"14.692","Longitude":"-17.446",
            "Address":"12 rue Carnot, Dakar","Body":"hi","AccountSid":"AC00112233445566778899aabbccddeeff"}"#,
        &[
            ("/From", "PHONE_NUMBER", "+221771234567"),
            ("/WaId", "PHONE_NUMBER", "221771234567"),
            ("/To", "PHONE_NUMBER", "+14155550100"),
            ("/ProfileName", "PERSON", "Awa Diop"),
            ("/Latitude", "GEO_COORDINATES", "14.692"),
            ("/Longitude", "GEO_COORDINATES", "-17.446"),
            ("/Address", "STREET_ADDRESS", "12 rue Carnot, Dakar"),
            ("/AccountSid", "SECRET_TWILIO", "AC00112233445566778899aabbccddeeff"),
        ],
    );
}

#[test]
fn whatsapp_cloud() {
    check(
        "whatsapp_cloud",
        r#"{"object":"whatsapp_business_account","entry":[{"id":"100200300400500","changes":[{"field":"messages","value":{
            "messaging_product":"whatsapp","metadata":{"display_phone_number":"221338210000","phone_number_id":"100200300400501"},
            "contacts":[{"profile":{"name":"Awa Diop"},"wa_id":"221771234567"}],
            "messages":[{"from":"221771234567","id":"wamid.HBgMMjIxNzcxMjM0NTY3FQIAEhgW","timestamp":"1772539200","type":"contacts",
              "context":{"from":"221338210000","id":"wamid.X"},
              "contacts":[{"name":{"formatted_name":"Moussa Fall","first_name":"Moussa"},"birthday":"1990-02-28",
                "phones":[{"phone":"+221 77 765 43 21","wa_id":"221777654321","type":"CELL"}],
                "emails":[{"email":"moussa@example.org","type":"WORK"}],
                "addresses":[{"street":"12 rue Carnot","zip":"10000","country_code":"sn","type":"HOME"}]}]},
             {"from":"221771234567","id":"wamid.Y","type":"location","location":{"latitude":14.692,"longitude":-17.446,"name":"Home"}},
             {"from":"221771234567","id":"wamid.Z","type":"text","text":{"body":"mail awa@example.org"}}]}}]}]}"#,
        &[
            ("/entry/0/changes/0/value/metadata/display_phone_number", "PHONE_NUMBER", "221338210000"),
            ("/entry/0/changes/0/value/contacts/0/profile/name", "PERSON", "Awa Diop"),
            ("/entry/0/changes/0/value/contacts/0/wa_id", "PHONE_NUMBER", "221771234567"),
            ("/entry/0/changes/0/value/messages/0/from", "PHONE_NUMBER", "221771234567"),
            ("/entry/0/changes/0/value/messages/0/context/from", "PHONE_NUMBER", "221338210000"),
            ("/entry/0/changes/0/value/messages/0/contacts/0/name/formatted_name", "PERSON", "Moussa Fall"),
            ("/entry/0/changes/0/value/messages/0/contacts/0/name/first_name", "PERSON", "Moussa"),
            ("/entry/0/changes/0/value/messages/0/contacts/0/birthday", "DATE_OF_BIRTH", "1990-02-28"),
            ("/entry/0/changes/0/value/messages/0/contacts/0/phones/0/phone", "PHONE_NUMBER", "+221 77 765 43 21"),
            ("/entry/0/changes/0/value/messages/0/contacts/0/phones/0/wa_id", "PHONE_NUMBER", "221777654321"),
            ("/entry/0/changes/0/value/messages/0/contacts/0/emails/0/email", "EMAIL_ADDRESS", "moussa@example.org"),
            ("/entry/0/changes/0/value/messages/0/contacts/0/addresses/0/street", "STREET_ADDRESS", "12 rue Carnot"),
            ("/entry/0/changes/0/value/messages/0/contacts/0/addresses/0/zip", "POSTAL_CODE", "10000"),
            ("/entry/0/changes/0/value/messages/1/from", "PHONE_NUMBER", "221771234567"),
            ("/entry/0/changes/0/value/messages/1/location/latitude", "GEO_COORDINATES", "14.692"),
            ("/entry/0/changes/0/value/messages/1/location/longitude", "GEO_COORDINATES", "-17.446"),
            ("/entry/0/changes/0/value/messages/2/from", "PHONE_NUMBER", "221771234567"),
            ("/entry/0/changes/0/value/messages/2/text/body", "EMAIL_ADDRESS", "awa@example.org"),
        ],
    );
}

#[test]
fn rapidpro() {
    check(
        "rapidpro_message",
        r#"{"uuid":"01990000-0000-7000-8000-000000000001","contact":{"uuid":"d33e9ad5-0000-414c-abd4-000000000002","name":"Awa Diop"},
            "urn":"tel:+221771234567","channel":{"uuid":"9a8b001e-0000-486c-80f4-000000000003","name":"Orange 8282"},"direction":"in",
            "text":"c'est le 77 765 43 21","attachments":[],"labels":[{"name":"Clinic","uuid":"5a4eb79e-0000-4ae3-8700-000000000004"}],
            "created_on":"2026-01-06T15:33:00.813162Z","sent_on":null}"#,
        &[
            ("/contact/name", "PERSON", "Awa Diop"),
            ("/urn", "PHONE_NUMBER", "+221771234567"),
            ("/text", "PHONE_NUMBER", "77 765 43 21"),
        ],
    );
    check(
        "rapidpro_task",
        r#"{"type":"msg_received","queued_on":"2026-03-03T12:00:00Z","task":{"channel_id":12,"contact_id":7,"urn_id":9912,
            "msg_uuid":"01990000-0000-7000-8000-000000000001","urn":"whatsapp:221771234567","text":"au 77 765 43 21","new_contact":false}}"#,
        &[("/task/urn", "PHONE_NUMBER", "221771234567"), ("/task/text", "PHONE_NUMBER", "77 765 43 21")],
    );
    check(
        "courier_event",
        r#"{"uuid":"01990000-0000-7000-8000-000000000001","channel_uuid":"9a8b001e-0000-486c-80f4-000000000003",
            "urn":"tel:+221771234567","contact_name":"Awa Diop","text":"ok","attachments":["geo:14.692,-17.446"],
            "auth_tokens":{"default":"q8Zt1mXw4Rk7Vb2N"},"external_id":"ext-1","sent_on":"2026-03-03T11:59:58Z"}"#,
        &[
            ("/urn", "PHONE_NUMBER", "+221771234567"),
            ("/contact_name", "PERSON", "Awa Diop"),
            ("/attachments/0", "GEO_COORDINATES", "14.692,-17.446"),
            ("/auth_tokens/default", "API_KEY", "q8Zt1mXw4Rk7Vb2N"),
        ],
    );
}

#[test]
fn chats() {
    check(
        "telegram",
        r#"{"update_id":174000001,"message":{"message_id":7,"date":1772539200,
            "from":{"id":5550001234,"is_bot":false,"first_name":"Awa","last_name":"Diop","username":"awadiop","language_code":"fr"},
            "chat":{"id":5550001234,"first_name":"Awa","type":"private"},
            "forward_from":{"id":5550009999,"first_name":"Moussa"},
            "contact":{"phone_number":"221777654321","first_name":"Moussa","user_id":5550009999},
            "location":{"latitude":14.692,"longitude":-17.446},"text":"@awadiop 77 765 43 21"}}"#,
        &[
            ("/message/from/id", "TELEGRAM_USER_ID", "5550001234"),
            ("/message/from/first_name", "PERSON", "Awa"),
            ("/message/from/last_name", "PERSON", "Diop"),
            ("/message/from/username", "USERNAME", "awadiop"),
            ("/message/chat/id", "TELEGRAM_USER_ID", "5550001234"),
            ("/message/chat/first_name", "PERSON", "Awa"),
            ("/message/forward_from/id", "TELEGRAM_USER_ID", "5550009999"),
            ("/message/forward_from/first_name", "PERSON", "Moussa"),
            ("/message/contact/phone_number", "PHONE_NUMBER", "221777654321"),
            ("/message/contact/first_name", "PERSON", "Moussa"),
            ("/message/contact/user_id", "TELEGRAM_USER_ID", "5550009999"),
            ("/message/location/latitude", "GEO_COORDINATES", "14.692"),
            ("/message/location/longitude", "GEO_COORDINATES", "-17.446"),
            ("/message/text", "PHONE_NUMBER", "77 765 43 21"),
        ],
    );
    check(
        "telegram",
        r#"{"update_id":174000002,"callback_query":{"id":"4382bfdwdsb323b2d9","data":"yes",
            "from":{"id":5550001234,"first_name":"Awa"},"message":{"message_id":8,"chat":{"id":-1005550001}}}}"#,
        &[
            ("/callback_query/from/id", "TELEGRAM_USER_ID", "5550001234"),
            ("/callback_query/from/first_name", "PERSON", "Awa"),
            ("/callback_query/message/chat/id", "TELEGRAM_USER_ID", "-1005550001"),
        ],
    );
    check(
        "messenger",
        r#"{"object":"page","entry":[{"id":"100200300400","time":1772539200123,"messaging":[{"sender":{"id":"6100200300400500"},
            "recipient":{"id":"100200300400"},"timestamp":1772539200000,
            "message":{"mid":"m_AG5Hz2Uq7tuwNEhXfYYKj8mJEM_QPpz5jdCK48PnKAjSdjfipqxqMvK8ma6AC8fplwlqLP_5cgXIbu7I3rBN0P","text":"awa@example.org"}}]}]}"#,
        &[
            ("/entry/0/messaging/0/sender/id", "FACEBOOK_PSID", "6100200300400500"),
            ("/entry/0/messaging/0/recipient/id", "FACEBOOK_PSID", "100200300400"),
            ("/entry/0/messaging/0/message/text", "EMAIL_ADDRESS", "awa@example.org"),
        ],
    );
}

#[test]
fn gateways() {
    check(
        "messangi",
        r#"{"mobile":"584120000001","mo":"escribe a awa@example.org","shortcode":"8090"}"#,
        &[("/mobile", "PHONE_NUMBER", "584120000001"), ("/mo", "EMAIL_ADDRESS", "awa@example.org")],
    );
    check("messangi", r#"{"mobile":584120000001,"mo":"hola"}"#, &[("/mobile", "PHONE_NUMBER", "584120000001")]);
    check(
        "infobip",
        r#"{"results":[{"messageId":"817790313235000001","from":"221771234567","to":"22880","text":"A 77 765 43 21","cleanText":"77 765 43 21",
            "keyword":"A","receivedAt":"2026-03-03T16:34:28.345+0000","smsCount":1,"price":{"pricePerMessage":0.0,"currency":"EUR"},
            "callbackData":"x"}],"messageCount":1,"pendingMessageCount":0}"#,
        &[
            ("/results/0/from", "PHONE_NUMBER", "221771234567"),
            ("/results/0/text", "PHONE_NUMBER", "77 765 43 21"),
            ("/results/0/cleanText", "PHONE_NUMBER", "77 765 43 21"),
        ],
    );
    check(
        "africastalking",
        r#"{"id":"28f1c0de-0000-4d0b-9f11-000000000001","date":"2026-03-03 12:00:00","from":"+254700000001","to":"20880",
            "text":"mail awa@example.org","linkId":"SampleLink","networkCode":"63902","cost":"None"}"#,
        &[("/from", "PHONE_NUMBER", "+254700000001"), ("/text", "EMAIL_ADDRESS", "awa@example.org")],
    );
    check(
        "inbox",
        r#"{"event_type":"message.received","event_id":"e7e2f0aa-0000-4c1b-b7de-000000000001",
            "contact":{"id":245000001,"firstName":"Awa","lastName":"Diop","phone":"+221771234567","email":"awa@example.org","countryCode":"SN",
              "profilePic":"https://cdn.example.org/p/245000001.png","assignee":{"id":8,"firstName":"Moussa","email":"moussa@example.org"},
              "custom_fields":[{"name":"Phone","value":"+221 77 765 43 21"},{"name":"Passport number","value":"A00000001"}]},
            "message":{"messageId":1772539200000000,"contactId":245000001,"channelId":3301,"traffic":"incoming",
              "message":{"type":"text","text":"au 77 765 43 22"},"timestamp":1772539200000},
            "channel":{"id":3301,"name":"WhatsApp SN","source":"whatsapp_cloud","meta":"{\"phone\":\"+221338210000\"}"}}"#,
        &[
            ("/contact/id", "USER_ID", "245000001"),
            ("/contact/firstName", "PERSON", "Awa"),
            ("/contact/lastName", "PERSON", "Diop"),
            ("/contact/phone", "PHONE_NUMBER", "+221771234567"),
            ("/contact/email", "EMAIL_ADDRESS", "awa@example.org"),
            ("/contact/assignee/firstName", "PERSON", "Moussa"),
            ("/contact/assignee/email", "EMAIL_ADDRESS", "moussa@example.org"),
            ("/contact/custom_fields/0/value", "PHONE_NUMBER", "+221 77 765 43 21"),
            ("/contact/custom_fields/1/value", "PASSPORT", "A00000001"),
            ("/message/contactId", "USER_ID", "245000001"),
            ("/message/message/text", "PHONE_NUMBER", "77 765 43 22"),
            ("/channel/meta", "PHONE_NUMBER", "+221338210000"),
        ],
    );
}

#[test]
fn rows_and_logs() {
    check(
        "debezium",
        r#"{"before":null,"after":{"id":1004,"first_name":"Awa","last_name":"Diop","email":"awa@example.org","msisdn":"+221771234567",
            "remark":"mail moussa@example.org"},"source":{"version":"2.7.0","connector":"postgresql","name":"crm","ts_ms":1772539200123,
            "snapshot":"false","db":"crm","sequence":"[\"24023119\",\"24023128\"]","schema":"public","table":"customers","txId":555,
            "lsn":24023128},"op":"c","ts_ms":1772539200456}"#,
        &[
            ("/after/first_name", "PERSON", "Awa"),
            ("/after/last_name", "PERSON", "Diop"),
            ("/after/email", "EMAIL_ADDRESS", "awa@example.org"),
            ("/after/msisdn", "PHONE_NUMBER", "+221771234567"),
            ("/after/remark", "EMAIL_ADDRESS", "moussa@example.org"),
        ],
    );
    check(
        "log",
        r#"{"level":"info","ts":"2026-03-03T12:00:00.123Z","msg":"GET /?from=+221771234567 200","remote_addr":"192.0.2.7:51244",
            "user":"awa@example.org","request_id":"a1b2c3d4e5f6"}"#,
        &[
            ("/msg", "PHONE_NUMBER", "+221771234567"),
            ("/remote_addr", "IP_ADDRESS", "192.0.2.7"),
            ("/user", "EMAIL_ADDRESS", "awa@example.org"),
        ],
    );
    check(
        "generic",
        r#"{"tenant":"acme","ts":1772539200123,"msg":{"id":"01HQZX3K8J4M5N6P7Q8R9S0T1V","from":"+221771234567","to":"15055","body":"hi"},
            "meta":{"ip":"192.0.2.7","device":{"imei":"490154203237518","gaid":"38400000-8cf0-11bd-b23e-10b96e40000d"},
            "api_key":"Zk3pQ9vT1xW7mB5nR2cL8dF4","lat":14.692,"lng":-17.446,"fullName":"Awa Diop","dob":"1990-02-28","password":"hunter2"},
            "user":{"name":"Moussa"},"channel":{"name":"SMS"}}"#,
        &[
            ("/msg/from", "PHONE_NUMBER", "+221771234567"),
            ("/meta/ip", "IP_ADDRESS", "192.0.2.7"),
            ("/meta/device/imei", "IMEI", "490154203237518"),
            ("/meta/device/gaid", "ADVERTISING_ID", "38400000-8cf0-11bd-b23e-10b96e40000d"),
            ("/meta/api_key", "API_KEY", "Zk3pQ9vT1xW7mB5nR2cL8dF4"),
            ("/meta/lat", "GEO_COORDINATES", "14.692"),
            ("/meta/lng", "GEO_COORDINATES", "-17.446"),
            ("/meta/fullName", "PERSON", "Awa Diop"),
            ("/meta/dob", "DATE_OF_BIRTH", "1990-02-28"),
            ("/meta/password", "PASSWORD", "hunter2"),
            ("/user/name", "PERSON", "Moussa"),
        ],
    );
}

/// Checks all detections in some lines, as `record field entity value`, and what is written, with `auto`.
#[track_caller]
fn check_lines(format: Format, text: &str, expected: &[(usize, &str, &str, &str)], out: &str) {
    let redactor = redactor("auto");
    let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
    redactor.redact_chunk(format, text.as_bytes(), &mut scratch, &mut tally);
    let found = scratch.found();
    let mut got = Vec::new();
    for (at, record) in found.records().iter().enumerate() {
        for detected in found.detections(record) {
            let field = found.fields().field(detected.field).unwrap();
            let mut pointer = String::new();
            found.fields().pointer(text.as_bytes(), field, &mut pointer);
            let value = detected.detection.span.of(found.fields().text(text.as_bytes(), field)).unwrap();
            let entity = rules().entity(detected.detection.entity).unwrap().name.clone();
            got.push((at + 1, pointer, entity, String::from_utf8_lossy(value).into_owned()));
        }
    }
    let got: Vec<_> = got.iter().map(|(at, a, b, c)| (*at, a.as_str(), b.as_str(), c.as_str())).collect();
    assert_eq!(got, expected, "{text}");
    let once = scratch.lane(0).to_vec();
    assert_eq!(String::from_utf8_lossy(&once), out, "{text}");
    redactor.redact_chunk(format, &once, &mut scratch, &mut tally);
    assert_eq!(String::from_utf8_lossy(scratch.lane(0)), out, "redacted twice");
}

#[test]
fn forms() {
    check_lines(
        Format::Form,
        "ToCountry=SN&MessageSid=SM00112233445566778899aabbccddeeff&Body=c%27est+le+77+765+43+21&To=20880&From=%2B221771234567&FromCountry=SN&AccountSid=x\n",
        &[
            (1, "/Body", "PHONE_NUMBER", "77 765 43 21"),
            (1, "/From", "PHONE_NUMBER", "+221771234567"),
            (1, "/AccountSid", "SECRET_TWILIO", "x"),
        ],
        "ToCountry=SN&MessageSid=SM00112233445566778899aabbccddeeff&Body=c%27est+le+%5BPHONE_NUMBER%5D&To=20880&From=%5BPHONE_NUMBER%5D&FromCountry=SN&AccountSid=%5BSECRET_TWILIO%5D\n",
    );
    check_lines(
        Format::Form,
        "mobile=584120000001&mo=escribe+a+awa%40example.org&x=%zz%4&&y\r\nfrom=%2B254700000001&to=20880&text=Jos%C3%A9&linkId=1&date=2026-03-03+12%3A00%3A00",
        &[
            (1, "/mobile", "PHONE_NUMBER", "584120000001"),
            (1, "/mo", "EMAIL_ADDRESS", "awa@example.org"),
            (2, "/from", "PHONE_NUMBER", "+254700000001"),
        ],
        "mobile=%5BPHONE_NUMBER%5D&mo=escribe+a+%5BEMAIL_ADDRESS%5D&x=%zz%4&&y\r\nfrom=%5BPHONE_NUMBER%5D&to=20880&text=Jos%C3%A9&linkId=1&date=2026-03-03+12%3A00%3A00",
    );
}

#[test]
fn tables() {
    check_lines(
        Format::Csv(b','),
        "id,First Name,phone,note\r\n1,Awa,+221771234567,\"said \"\"mail awa@example.org\"\"\nand left\"\r\n2,\"Fall, M.\",,=1+1\r\n",
        &[
            (2, "First Name", "PERSON", "Awa"),
            (2, "phone", "PHONE_NUMBER", "+221771234567"),
            (2, "note", "EMAIL_ADDRESS", "awa@example.org"),
            (3, "First Name", "PERSON", "Fall, M."),
        ],
        "id,First Name,phone,note\r\n1,[PERSON],[PHONE_NUMBER],\"said \"\"mail [EMAIL_ADDRESS]\"\"\nand left\"\r\n2,\"[PERSON]\",,=1+1\r\n",
    );
    // Without names of columns, cells are scanned by themselves.
    check_lines(
        Format::Csv(b';'),
        "+221771234567;x\nawa@example.org;y",
        &[(1, "1", "PHONE_NUMBER", "+221771234567"), (2, "1", "EMAIL_ADDRESS", "awa@example.org")],
        "[PHONE_NUMBER];x\n[EMAIL_ADDRESS];y",
    );
}

#[test]
fn chats_and_cards() {
    check_lines(
        Format::WhatsApp,
        "[03/03/2026, 12:00:00] Awa Diop: mail awa@example.org\nand more\n[03/03/2026, 12:01:00] +221 77 123 45 67: hi\n",
        &[
            (1, "", "PERSON", "Awa Diop"),
            (1, "", "EMAIL_ADDRESS", "awa@example.org"),
            (3, "", "PHONE_NUMBER", "+221 77 123 45 67"),
        ],
        "[03/03/2026, 12:00:00] [PERSON]: mail [EMAIL_ADDRESS]\nand more\n[03/03/2026, 12:01:00] [PHONE_NUMBER]: hi\n",
    );
    check_lines(
        Format::Vcard,
        "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Diop;Awa;;;\r\nFN:Awa Diop\r\nitem1.TEL;type=CELL;waid=221771234567:+221 77 123 45 67\r\nBDAY:1990-02-28\r\nEND:VCARD\r\n",
        &[
            (3, "", "PERSON", "Diop"),
            (3, "", "PERSON", "Awa"),
            (4, "", "PERSON", "Awa Diop"),
            (5, "", "PHONE_NUMBER", "221771234567"),
            (5, "", "PHONE_NUMBER", "+221 77 123 45 67"),
            (6, "", "DATE_OF_BIRTH", "1990-02-28"),
        ],
        "BEGIN:VCARD\r\nVERSION:3.0\r\nN:[PERSON];[PERSON];;;\r\nFN:[PERSON]\r\nitem1.TEL;type=CELL;waid=[PHONE_NUMBER]:[PHONE_NUMBER]\r\nBDAY:[DATE_OF_BIRTH]\r\nEND:VCARD\r\n",
    );
}

/// Redacts a document and compares what is written; twice is once.
#[track_caller]
fn writes(doc: &str, expected: &str) {
    let (_, out, _) = seen("auto", Format::Json, doc.as_bytes());
    assert_eq!(out, expected, "{doc}");
    assert_eq!(seen("auto", Format::Json, out.as_bytes()).1, expected, "redacted twice");
}

#[test]
fn documents_in_fields() {
    // JSON in a string: its fields are fields, its numbers are numbers, its escapes and those around it stay.
    writes(
        r#"{"raw":"{\"WaId\":\"221771234567\", \"ProfileName\":\"Jos\\u00e9 D\", \"n\":[1, {\"phone\":221771234567}], \"x\":\"\u00e9\/\"}"}"#,
        r#"{"raw":"{\"WaId\":\"[PHONE_NUMBER]\", \"ProfileName\":\"[PERSON]\", \"n\":[1, {\"phone\":\"[PHONE_NUMBER]\"}], \"x\":\"\u00e9\/\"}"}"#,
    );
    // What only begins like a document is text.
    writes(r#"{"a":"{\"mail\": awa@example.org}"}"#, r#"{"a":"{\"mail\": [EMAIL_ADDRESS]}"}"#);
    writes(r#"{"a":"[call awa@example.org]"}"#, r#"{"a":"[call [EMAIL_ADDRESS]]"}"#);
    // A card.
    writes(
        r#"{"update_id":1,"message":{"contact":{"vcard":"BEGIN:VCARD\nVERSION:3.0\nFN:Awa Diop\nTEL;CELL:+221 77 123 45 67\nEND:VCARD"}}}"#,
        r#"{"update_id":1,"message":{"contact":{"vcard":"BEGIN:VCARD\nVERSION:3.0\nFN:[PERSON]\nTEL;CELL:[PHONE_NUMBER]\nEND:VCARD"}}}"#,
    );
    // Base64 and quoted-printable are written again as they were; without a find they stay.
    writes(r#"{"b":"d3JpdGUgdG8gYXdhQGV4YW1wbGUub3Jn"}"#, r#"{"b":"d3JpdGUgdG8gW0VNQUlMX0FERFJFU1Nd"}"#);
    writes(r#"{"b":"d3JpdGUgdG8gbm9ib2R5IGF0IGFsbCwgb2s="}"#, r#"{"b":"d3JpdGUgdG8gbm9ib2R5IGF0IGFsbCwgb2s="}"#);
    writes(
        r#"{"b":"eyJuYW1lIjoieCIsInBob25lIjoiKzIyMTc3MTIzNDU2NyJ9"}"#,
        r#"{"b":"eyJuYW1lIjoieCIsInBob25lIjoiW1BIT05FX05VTUJFUl0ifQ=="}"#,
    );
    writes(r#"{"q":"caf=C3=A9 awa=2Ediop@example.org"}"#, r#"{"q":"caf=C3=A9 [EMAIL_ADDRESS]"}"#);
    // It stands before what the profile knows, and nothing is found in texts.
    writes(
        r#"{"raw":"{\"k\":\"+221771234567\"}","contact":{"name":"Awa Diop","phone":"+221771234568"}}"#,
        r#"{"raw":"{\"k\":\"[PHONE_NUMBER]\"}","contact":{"name":"[PERSON]","phone":"[PHONE_NUMBER]"}}"#,
    );
    // National numbers are those of the message around.
    writes(
        r#"{"from":"+221771234567","raw":"{\"body\":\"au 77 765 43 21\"}"}"#,
        r#"{"from":"[PHONE_NUMBER]","raw":"{\"body\":\"au [PHONE_NUMBER]\"}"}"#,
    );
}

/// Documents of every profile; `{entity:n}` is a value, the same for the same number.
const SHAPES: &[(&str, Format, &str)] = &[
    (
        "twilio_sms",
        Format::Json,
        r#"{"MessageSid":"SM00112233445566778899aabbccddeeff","From":"{phone:1}","To":"{phone:2}","Body":"{free:1}","AccountSid":"{secret:1}","FromZip":"{zip:1}","NumMedia":"0","{extra}":"{email:3}"}"#,
    ),
    (
        "twilio_sms",
        Format::Form,
        "MessageSid=SM00112233445566778899aabbccddeeff&From={phone:1}&To={phone:2}&Body={free:1}&AccountSid={secret:1}&{extra}={email:3}",
    ),
    (
        "twilio_whatsapp",
        Format::Json,
        r#"{"From":"whatsapp:{phone:1}","WaId":"{bare:1}","To":"whatsapp:{phone:2}","ProfileName":"{name:1}","Body":"{free:1}","Latitude":"{geo:1}","Longitude":"{geo:2}","Address":"{address:1}"}"#,
    ),
    (
        "whatsapp_cloud",
        Format::Json,
        r#"{"object":"whatsapp_business_account","entry":[{"id":"100200300","changes":[{"value":{"metadata":{"display_phone_number":"{bare:2}","phone_number_id":"100200301"},"contacts":[{"profile":{"name":"{name:1}"},"wa_id":"{bare:1}"}],"messages":[{"from":"{bare:1}","id":"wamid.X","timestamp":"1772539200","text":{"body":"{free:1}"}},{"from":"{bare:1}","location":{"latitude":{geo:1},"longitude":{geo:2},"address":"{address:1}"}},{"contacts":[{"name":{"formatted_name":"{name:2}"},"phones":[{"phone":"{phone:3}"}],"emails":[{"email":"{email:1}"}],"{extra}":"{email:2}"}]}]}}]}]}"#,
    ),
    (
        "rapidpro_message",
        Format::Json,
        r#"{"uuid":"01990000-0000-7000-8000-000000000001","contact":{"uuid":"d33e9ad5-0000-414c-abd4-000000000002","name":"{name:1}"},"urn":"tel:{phone:1}","direction":"in","text":"{free:1}","created_on":"2026-01-06T15:33:00.813162Z","{extra}":["{email:1}"]}"#,
    ),
    (
        "rapidpro_task",
        Format::Json,
        r#"{"type":"msg_received","queued_on":"2026-03-03T12:00:00Z","task":{"contact_id":7,"urn_id":9,"urn":"whatsapp:{bare:1}","text":"{free:1}","{extra}":"{email:1}"}}"#,
    ),
    (
        "courier_event",
        Format::Json,
        r#"{"channel_uuid":"9a8b001e-0000-486c-80f4-000000000003","urn":"tel:{phone:1}","contact_name":"{name:1}","text":"{free:1}","attachments":["geo:{geo:1},{geo:2}"],"auth_tokens":{"default":"{secret:1}"},"{extra}":"{email:1}"}"#,
    ),
    (
        "telegram",
        Format::Json,
        r#"{"update_id":174000001,"message":{"message_id":7,"date":1772539200,"from":{"id":{id:1},"first_name":"{name:1}","username":"{user:1}"},"chat":{"id":{id:1}},"contact":{"phone_number":"{bare:1}"},"text":"{free:1}","{extra}":"{email:1}"}}"#,
    ),
    (
        "messenger",
        Format::Json,
        r#"{"object":"page","entry":[{"id":"100200300","messaging":[{"sender":{"id":"{id:1}"},"recipient":{"id":"{id:2}"},"timestamp":1772539200000,"message":{"mid":"m_x","text":"{free:1}","{extra}":"{email:1}"}}]}]}"#,
    ),
    ("messangi", Format::Json, r#"{"mobile":{number:1},"mo":"{free:1}","{extra}":"{email:1}"}"#),
    ("messangi", Format::Form, "mobile={bare:1}&mo={free:1}&{extra}={email:1}"),
    (
        "infobip",
        Format::Json,
        r#"{"results":[{"messageId":"817790313235000001","from":"{bare:1}","to":"22880","text":"{free:1}","receivedAt":"2026-03-03T16:34:28.345+0000","{extra}":"{email:1}"}],"messageCount":1}"#,
    ),
    (
        "africastalking",
        Format::Json,
        r#"{"id":"28f1c0de-0000-4d0b-9f11-000000000001","date":"2026-03-03 12:00:00","from":"{phone:1}","to":"20880","text":"{free:1}","linkId":"x","{extra}":"{email:1}"}"#,
    ),
    (
        "africastalking",
        Format::Form,
        "from={phone:1}&to=20880&text={free:1}&linkId=x&date=2026-03-03+12%3A00%3A00&{extra}={email:1}",
    ),
    (
        "inbox",
        Format::Json,
        r#"{"event_type":"message.received","contact":{"id":{id:1},"firstName":"{name:1}","lastName":"{name:2}","phone":"{phone:1}","email":"{email:1}","custom_fields":[{"name":"Phone","value":"{phone:2}"}]},"message":{"contactId":{id:1},"message":{"text":"{free:1}"}},"{extra}":"{email:2}"}"#,
    ),
    (
        "debezium",
        Format::Json,
        r#"{"before":{"id":1,"email":"{email:1}"},"after":{"id":1,"first_name":"{name:1}","msisdn":"{phone:1}","ip":"{ip:1}","{extra}":"{email:2}"},"source":{"connector":"mysql","table":"t"},"op":"u","ts_ms":1772539200123}"#,
    ),
    (
        "log",
        Format::Json,
        r#"{"level":"info","ts":"2026-03-03T12:00:00Z","remote_addr":"{ip:1}:51244","user":"{email:1}","msg":"{free:1}","{extra}":"{email:2}"}"#,
    ),
    (
        "generic",
        Format::Json,
        r#"{"customer":{"name":"{name:1}","phone":"{phone:1}","dob":"1990-02-28","geo":{"lat":{geo:1},"lng":{geo:2}},"username":"{user:1}"},"api_key":"{secret:1}","body":"{free:1}","{extra}":"{email:1}"}"#,
    ),
    (
        "generic",
        Format::Csv(b','),
        "name,First Name,phone,note\r\nx,{name:1},{phone:1},{free:1}\r\ny,\"{name:2}\",\"{phone:2}\",{email:1}\r\n",
    ),
    ("generic", Format::Csv(b'\t'), "full_name\temail\tnote\n{name:1}\t{email:1}\t{free:1}\n"),
    (
        "log",
        Format::Log,
        "{ip:1} - {user:1} [03/Mar/2026:12:00:00 +0000] \"GET /a HTTP/1.1\" 200 512 \"-\" \"curl/8\"\ntime=2026-03-03T12:00:00Z level=info msg=\"{free:1}\" client_ip={ip:2} full_name=\"{name:1}\" email={email:1}\n",
    ),
    (
        "whatsapp_chat",
        Format::WhatsApp,
        "[03/03/2026, 12:00:00] {name:1}: {free:1}\n03/03/2026, 12:01 - {name:2}: mail {email:1}\n",
    ),
    (
        "vcard",
        Format::Vcard,
        "BEGIN:VCARD\nN:{name:1};{name:2};;;\nFN:{name:1}\nTEL;waid={bare:1}:{phone:1}\nEMAIL:{email:1}\nEND:VCARD\n",
    ),
];

/// SplitMix64.
struct Seeded(u64);

impl Seeded {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[(self.next() % all.len() as u64) as usize]
    }

    fn digits(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b'0' + (self.next() % 10) as u8)).collect()
    }

    fn word(&mut self, n: usize) -> String {
        (0..n).map(|_| char::from(b'a' + (self.next() % 26) as u8)).collect()
    }

    /// A value of a kind of placeholder.
    fn value(&mut self, kind: &str, phones: &mut BTreeMap<String, String>, number: &str) -> String {
        match kind {
            "phone" | "bare" | "number" => {
                let shape = self.of(&["221770", "221776", "254712", "55119876", "1415555", "447400"]);
                let n_rest = if shape.starts_with("55") {
                    5
                } else if shape.starts_with("1") {
                    4
                } else {
                    6
                };
                let fresh = format!("{shape}{}", self.digits(n_rest));
                let digits = phones.entry(number.to_owned()).or_insert(fresh).clone();
                if kind == "phone" { format!("+{digits}") } else { digits }
            }
            "name" => {
                let first = self.of(&["Awa", "Moussa", "José", "Nguyễn", "Олена", "Siti", "O'Neil", "Anne-Marie"]);
                format!("{first} {}", self.word(6))
            }
            "email" => format!("{}.{}@example.org", self.word(5), self.word(5)),
            "geo" => format!("-{}.{}", 10 + self.next() % 70, self.digits(5)),
            "address" => format!("{} rue {}", 1 + self.next() % 90, self.word(7)),
            "secret" => format!("{}{}", self.word(10), self.digits(10)),
            "id" => format!("7{}", self.digits(9)),
            "user" => self.word(9),
            "zip" => self.digits(5),
            "ip" => format!("192.0.2.{}", self.next() % 256),
            _ => unreachable!("{kind}"),
        }
    }
}

/// Fills a shape; returns the document and what was planted in it.
fn fill(shape: &str, format: Format, seed: u64) -> (String, Vec<String>) {
    let mut s = Seeded(seed);
    let (mut out, mut planted, mut phones) = (String::new(), Vec::new(), BTreeMap::new());
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let mut rest = shape;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let holder = after.find('}').map(|end| &after[1..end]);
        let known = holder.is_some_and(|holder| {
            holder == "extra"
                || holder
                    .split_once(':')
                    .is_some_and(|(kind, number)| kind.chars().all(|c| c.is_ascii_lowercase()) && number.len() == 1)
        });
        let Some(holder) = holder.filter(|_| known) else {
            out.push('{');
            rest = &after[1..];
            continue;
        };
        let value = match holder.split_once(':') {
            None => s
                .of(&["extra", "x_new", "other field", "zusatz"])
                .replace(' ', if format == Format::Form { "+" } else { " " }),
            Some(("free", _)) => {
                let mail = s.value("email", &mut phones, "0");
                planted.push(mail.clone());
                let free = format!("{} {mail} {}", s.word(4), s.of(&["ok?", "merci!", "…", "100%"]));
                coded(&free, format, &mut s)
            }
            Some((kind, number)) => {
                let value = match values.get(holder) {
                    Some(value) => value.clone(),
                    None => s.value(kind, &mut phones, number),
                };
                values.insert(holder.to_owned(), value.clone());
                planted.push(value.clone());
                coded(&value, format, &mut s)
            }
        };
        out.push_str(&value);
        rest = &after[holder.len() + 2..];
    }
    out.push_str(rest);
    (out, planted)
}

/// Writes a value as its format needs it, now and then with more escapes than that.
fn coded(value: &str, format: Format, s: &mut Seeded) -> String {
    let mut out = String::new();
    for c in value.chars() {
        match format {
            Format::Json
                if !c.is_ascii_digit()
                    && c != '-'
                    && c != '.'
                    && s.next().is_multiple_of(16)
                    && (c as u32) < 0x1_0000 =>
            {
                out.push_str(&format!("\\u{:04x}", c as u32));
            }
            Format::Form if c == ' ' => out.push('+'),
            Format::Form if !c.is_ascii_alphanumeric() || s.next().is_multiple_of(16) => {
                let mut utf8 = [0; 4];
                for byte in c.encode_utf8(&mut utf8).bytes() {
                    out.push_str(&format!("%{byte:02X}"));
                }
            }
            _ => out.push(c),
        }
    }
    out
}

/// Everything that the property says of one document.
#[track_caller]
fn holds(profile: &str, format: Format, doc: &str, planted: &[String]) {
    for envelope in [profile, "auto"] {
        let redactor = redactor(envelope);
        let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
        let doc = doc.as_bytes();
        redactor.redact_chunk(format, doc, &mut scratch, &mut tally);
        assert_eq!(tally.n_quarantined, 0, "{envelope}");
        let once = scratch.lane(0).to_vec();
        assert_eq!(once, scratch.lane(1), "{envelope}");

        // Bytes outside of detections are the same.
        let found = scratch.found();
        let (mut expected, mut at) = (Vec::new(), 0);
        for record in found.records() {
            for detected in found.detections(record) {
                let field = found.fields().field(detected.field).unwrap();
                let raw = found.fields().raw(doc, field, detected.detection.span);
                let label = format!("[{}]", rules().entity(detected.detection.entity).unwrap().name);
                let label = match field.kind {
                    FieldKind::Number => format!("\"{label}\""),
                    FieldKind::Param | FieldKind::ParamName => label.replace('[', "%5B").replace(']', "%5D"),
                    _ => label,
                };
                expected.extend_from_slice(&doc[at..raw.start as usize]);
                expected.extend_from_slice(label.as_bytes());
                at = raw.end as usize;
            }
        }
        expected.extend_from_slice(&doc[at..]);
        let shown = String::from_utf8_lossy(&once).into_owned();
        assert_eq!(shown, String::from_utf8_lossy(&expected), "{envelope}");

        // Nothing planted is left, however it is written.
        let plain = match format {
            Format::Json => serde_json::from_slice::<Value>(&once).unwrap().to_string(),
            _ => shown.clone(),
        };
        for value in planted.iter().filter(|value| value.chars().filter(|c| c.is_alphanumeric()).count() >= 5) {
            for text in [&plain, &shown] {
                assert!(!text.contains(value.as_str()), "{envelope}: {value} in {shown}");
            }
        }

        // Redacting twice is redacting once.
        redactor.redact_chunk(format, &once, &mut scratch, &mut tally);
        assert_eq!(String::from_utf8_lossy(scratch.lane(0)), shown, "{envelope}: redacted twice");
    }
}

#[test]
fn generated_documents() {
    for (number, (profile, format, shape)) in SHAPES.iter().enumerate() {
        for seed in 0..50 {
            let (doc, planted) = fill(shape, *format, seed * 1_000 + number as u64);
            assert!(planted.len() >= 3, "{shape}");
            holds(profile, *format, &doc, &planted);
        }
    }
    let used: std::collections::BTreeSet<_> = SHAPES.iter().map(|(profile, ..)| *profile).collect();
    let missing: Vec<_> = profile::Source::builtin_names().filter(|name| !used.contains(name)).collect();
    assert!(missing.is_empty(), "profiles without documents: {missing:?}");
}

/// What is said of a record is said again of those that look like it: with one working memory for all records, in any
/// order, the same comes out as with a new one for each.
#[test]
fn records_that_look_alike() {
    let mut docs: Vec<(Format, String)> = Vec::new();
    for seed in 0..6 {
        for (number, (_, format, shape)) in SHAPES.iter().enumerate() {
            docs.push((*format, fill(shape, *format, seed * 1_000 + number as u64).0));
        }
        // A text that decides which profile it is, and a text that names the value beside it.
        for object in ["whatsapp_business_account", "page", "else"] {
            let change = r#"{"value":{"messages":[{"from":"221771234567","text":{"body":"hi"}}]},"field":"messages"}"#;
            let doc = format!(r#"{{"object":"{object}","entry":[{{"id":"1","changes":[{change}]}}]}}"#);
            docs.push((Format::Json, doc));
        }
        // Keys that are values: of a country that a field tells, and of who wrote.
        for name in ["Awa Diop", "Moussa Ba"] {
            for urn in ["tel:+221771234567", "tel:+254712345678"] {
                docs.push((
                    Format::Json,
                    format!(r#"{{"urn":"{urn}","by":{{"77123456{seed}":1,"0712345678":2,"x9":3}}}}"#),
                ));
                docs.push((
                    Format::Json,
                    format!(r#"{{"contact":{{"name":"{name}"}},"by":{{"awa":1,"moussa":2,"all":{seed}}}}}"#),
                ));
            }
        }
        for name in ["phone", "colour", "email"] {
            docs.push((Format::Json, format!(r#"{{"fields":[{{"name":"{name}","value":"Awa 0612{seed}"}}]}}"#)));
        }
    }
    let write = |redactor: &Redactor, scratch: &mut Scratch, format: Format, doc: &str| {
        redactor.redact_chunk(format, doc.as_bytes(), scratch, &mut Tally::default());
        scratch.lane(0).to_vec()
    };
    // Of records that are known, keys that nobody asks for are left out.
    let is_short = |scratch: &Scratch| {
        let found = scratch.found();
        let walked = found.records().first().and_then(|record| record.walked.ok());
        walked.and_then(|walked| found.fields().mould(walked)).is_some_and(|(_, mould)| mould.is_short())
    };
    for envelope in ["auto", "none", "telegram", "whatsapp_cloud", "rapidpro_message"] {
        let redactor = redactor(envelope);
        let (mut warm, mut n_short) = (redactor.scratch(), 0);
        for (format, doc) in docs.iter().chain(docs.iter().rev()) {
            let cold = write(redactor, &mut redactor.scratch(), *format, doc);
            let warm_too = write(redactor, &mut warm, *format, doc);
            assert_eq!(String::from_utf8_lossy(&warm_too), String::from_utf8_lossy(&cold), "{envelope}: {doc}");
            n_short += u32::from(is_short(&warm));
        }
        assert!(n_short >= 10, "{envelope}: {n_short}");
    }
}

/// A profile that says little, to be broken in one line.
const SMALL: &str = r#"title  = "test"
source = "this test"
[match]
all = ["/a"]
[fields]
PHONE_NUMBER = ["/from"]
[record]
tenant = ["/tenant"]
"#;

#[track_caller]
fn refuses(line: &str, instead: &str, expected: (usize, &str, &str)) {
    assert!(SMALL.contains(line), "no such line: {line}");
    let source = profile::Source { name: "my.toml".to_owned(), text: SMALL.replacen(line, instead, 1) };
    let err = Profiles::fixed(&source, rules().entities()).expect_err(instead);
    assert!(err.to_string().starts_with(&format!("my.toml:{}: ", expected.0)), "{err}");
    assert!(err.what.contains(expected.1) && err.hint.contains(expected.2), "{err}");
}

#[test]
fn loader_names_line_and_hint() {
    let source = profile::Source { name: "x/my.toml".to_owned(), text: SMALL.to_owned() };
    assert_eq!(Profiles::fixed(&source, rules().entities()).unwrap().names().collect::<Vec<_>>(), ["my", "generic"]);
    refuses("source = \"this test\"", "source = \" \"", (2, "source is empty", "documents"));
    refuses("[match]", "[matches]", (3, "unknown field `matches`", "patterns/README.md"));
    refuses("[\"/a\"]", "[\"/a~\"]", (4, "not a JSON Pointer", "slash"));
    refuses("PHONE_NUMBER", "PHONE_NUMBR", (6, "unknown entity: PHONE_NUMBR", "did you mean PHONE_NUMBER?"));
    refuses("PHONE_NUMBER", "GEO_COORDINATE", (6, "is a kind", "GEO_COORDINATES"));
    refuses("[\"/from\"]", "[\"ключ\"]", (6, "not the name of a key", "letters and digits"));
    refuses("[\"/from\"]", "[\"from\"]\nid = [\"From\"]", (7, "named twice: From", "one thing"));
    refuses("tenant =", "tenants =", (8, "tenants", "one of: tenant, subject"));
}
