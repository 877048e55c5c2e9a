//! Platforms' messages through the whole street, labels on two lanes, with and without profiles, next to a bare parse of the
//! same bytes into `serde_json::Value` in the same run.
//!
//! Their texts are dense, 30 in a hundred hold a value; in the groups named `chat`, 8 in a hundred hold a number.
//!
//! Every bench asserts its number of detections. Ratios are what counts; the machine is noisy.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a bench is no product")]

mod texts;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use efface::envelope::{Envelope, Fields, Format, Record, Records};
use efface::policy::{Policy, Source};
use efface::profile::{self, Assigned, Profiles};
use efface::redact::{Options, Redactor};
use efface::scan::ScanConfig;
use efface::{RuleSet, Scanner, tally::Tally};
use std::hint::black_box;
use std::sync::Arc;

const N_BYTES: usize = 4 << 20;
/// Bytes of a chunk.
const CHUNK: usize = 256 << 10;

/// Lane `analytics` masks cards, so that no lane is a copy of the other.
const TWO_LANES: &str = "title = \"two lanes\"\n[lanes.analytics]\n\"*\" = \"redact\"\nCREDIT_CARD = \"mask\"\n[lanes.storage]\n\"*\" = \"redact\"\n";

/// What can be made coarser is, on one lane.
const GENERALISED: &str = r#"title = "two lanes, one coarser"
[lanes.analytics]
"*" = "redact"
PHONE_NUMBER   = "generalise"
EMAIL_ADDRESS  = "generalise"
CREDIT_CARD    = "generalise"
IP_ADDRESS     = "generalise"
URL            = "generalise"
GEO_COORDINATE = "generalise"
AGE            = "generalise"
[lanes.storage]
"*" = "redact"
"#;

/// Messages of one platform, around lines of text.
fn documents(shape: &str, lines: &[u8]) -> Vec<u8> {
    let mut s = texts::Seeded(11);
    let mut out = Vec::with_capacity(N_BYTES + 4096);
    for text in lines.split(|&byte| byte == b'\n').cycle() {
        if out.len() >= N_BYTES {
            break;
        }
        let text = String::from_utf8_lossy(text).replace(['"', '\\'], " ");
        // Digits of the shape first, so that the text's own signs stay.
        let line = s.fill(shape).replace("TEXT", &text);
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
    }
    out
}

const SHAPES: &[(&str, &str)] = &[
    (
        "whatsapp_cloud",
        r#"{"object":"whatsapp_business_account","entry":[{"id":"10##########345","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"221338######","phone_number_id":"10##########988"},"contacts":[{"profile":{"name":"Awa Diop"},"wa_id":"22177#######"}],"messages":[{"from":"22177#######","id":"wamid.HBgL~~~~~~~~~~~~~~~~~~~~FQIAEhgg","timestamp":"17725#####","type":"text","text":{"body":"TEXT"}}]},"field":"messages"}]}]}"#,
    ),
    (
        "rapidpro_message",
        r#"{"uuid":"0199bb98-~~~~-7~~d-9dfc-~~~~~~~~~~~~","contact":{"uuid":"d33e9ad5-~~~~-4~~c-abd4-~~~~~~~~~~~~","name":"Awa Diop"},"urn":"tel:+22177#######","channel":{"uuid":"9a8b001e-~~~~-4~~c-80f4-~~~~~~~~~~~~","name":"Orange 8282"},"direction":"in","type":"text","status":"handled","visibility":"visible","text":"TEXT","attachments":[],"labels":[],"flow":null,"created_on":"2026-01-0#T15:33:00.###162Z","sent_on":null,"modified_on":"2026-01-0#T15:35:03.###716Z"}"#,
    ),
    (
        "telegram",
        r#"{"update_id":17411####,"message":{"message_id":4####,"from":{"id":35270#####,"is_bot":false,"first_name":"Awa","last_name":"Diop","username":"awadiop","language_code":"fr"},"chat":{"id":35270#####,"first_name":"Awa","last_name":"Diop","username":"awadiop","type":"private"},"date":17725#####,"text":"TEXT"}}"#,
    ),
];

fn profiles(c: &mut Criterion) {
    let rules = RuleSet::builtin().expect("packs load");
    let lanes = |policy: &str| {
        let source = Source { name: "bench".to_owned(), text: policy.to_owned() };
        Policy::compile(&source, rules.entities()).unwrap().lanes().to_vec()
    };
    let texts = [("", texts::dense(N_BYTES / 4)), ("_chat", texts::chat(N_BYTES / 4))];
    for ((more, lines), (name, shape)) in texts.iter().flat_map(|texts| SHAPES.iter().map(move |shape| (texts, shape)))
    {
        let text = documents(shape, lines);
        let mut chunks = Vec::new();
        let mut rest = &text[..];
        while !rest.is_empty() {
            let end = rest.iter().take(CHUNK).rposition(|&byte| byte == b'\n').map_or(rest.len(), |at| at + 1);
            let (chunk, after) = rest.split_at(end);
            chunks.push(chunk);
            rest = after;
        }
        let mut group = c.benchmark_group(format!("{name}{more}"));
        group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(20);
        group.bench_function("value", |b| {
            b.iter(|| {
                for line in black_box(&text).split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
                    black_box(serde_json::from_slice::<serde_json::Value>(line).unwrap());
                }
            });
        });
        group.bench_function("walk", |b| {
            let (envelope, mut fields) = (Envelope::default(), Fields::default());
            b.iter(|| {
                for chunk in &chunks {
                    fields.clear();
                    for Record { body, .. } in Records::new(Format::JsonLines, chunk).unwrap() {
                        envelope.walk(Format::JsonLines, chunk, body, &mut fields).unwrap();
                    }
                }
            });
        });
        group.bench_function("walk_assign", |b| {
            let (envelope, mut fields, mut assigned) = (Envelope::default(), Fields::default(), Assigned::default());
            let profiles = Profiles::auto(rules.entities()).unwrap();
            b.iter(|| {
                for chunk in &chunks {
                    fields.clear();
                    assigned.clear();
                    for Record { body, .. } in Records::new(Format::JsonLines, chunk).unwrap() {
                        let walked = envelope.walk(Format::JsonLines, chunk, body, &mut fields).unwrap();
                        black_box(profiles.assign(chunk, &fields, walked, &mut assigned));
                    }
                }
            });
        });
        for (envelope, policy) in
            [("none", TWO_LANES), ("auto", TWO_LANES), ("own", TWO_LANES), ("own_generalised", GENERALISED)]
        {
            let mut options = Options::default();
            options.profiles = match envelope {
                "none" => None,
                "auto" => Some(Profiles::auto(rules.entities()).unwrap()),
                _ => Some(Profiles::fixed(&profile::Source::builtin(name).unwrap(), rules.entities()).unwrap()),
            }
            .map(Arc::new);
            let scanner = Scanner::build(&rules, ScanConfig::default()).expect("packs compile");
            let redactor = Redactor::build(scanner, &rules, lanes(policy), &options).unwrap();
            let mut scratch = redactor.scratch();
            let mut run = || {
                let mut tally = Tally::default();
                for chunk in &chunks {
                    redactor.redact_chunk(Format::JsonLines, black_box(chunk), &mut scratch, &mut tally);
                }
                assert_eq!(tally.n_quarantined, 0);
                tally.n_detections()
            };
            let want = run();
            eprintln!("{name}{more} {envelope}: {} bytes, {want} detections", text.len());
            assert!(want > 0);
            group.bench_function(format!("two_lanes_{envelope}"), |b| b.iter(|| assert_eq!(run(), want)));
        }
        group.finish();
    }
}

criterion_group!(benches, profiles);
criterion_main!(benches);
