//! One message through the whole street: found, decided, rewritten on every lane, or quarantined.

use crate::alloc::{MESSAGES, allocations};
use efface::RuleSet;
use efface::envelope::Format;
use efface::ids::Region;
use efface::limits::Limits;
use efface::policy::{Policy, Source};
use efface::redact::{Options, Reason, Redactor, Scratch};
use efface::scan::{ScanConfig, Scanner};
use efface::tally::Tally;
use proptest::prelude::*;
use std::sync::OnceLock;

const LABELS: &str = r#"
title = "labels"
[lanes.analytics]
"*" = "redact"
[lanes.storage]
"*" = "redact"
"#;

/// Storage masks cards and treats some fields apart; analytics has labels and drops a field.
const MIXED: &str = r#"
title = "mixed"
[lanes.analytics]
"*" = "redact"
[lanes.storage]
"*" = "redact"
CREDIT_CARD = { operator = "mask", keep_last = 4 }
IP_ADDRESS = "keep"
[[fields]]
at = "/id"
treat = "keep"
[[fields]]
at = "/urn"
treat = "redact"
entity = "PHONE_NUMBER"
lanes = ["storage"]
[[fields]]
at = "/urn"
treat = "drop"
lanes = ["analytics"]
"#;

fn redactor(policy: &str, options: &Options) -> Redactor {
    let rules = RuleSet::builtin().unwrap();
    let source = Source { name: "test".to_owned(), text: policy.to_owned() };
    let policy = Policy::compile(&source, rules.entities()).unwrap_or_else(|err| panic!("{err}"));
    let config = ScanConfig { limits: options.limits, ..ScanConfig::default() };
    let scanner = Scanner::build(&rules, config).unwrap();
    Redactor::build(scanner, &rules, policy.lanes().to_vec(), options).unwrap()
}

fn labels() -> &'static Redactor {
    static LABELS_REDACTOR: OnceLock<Redactor> = OnceLock::new();
    LABELS_REDACTOR.get_or_init(|| redactor(LABELS, &Options::default()))
}

fn with(change: impl FnOnce(&mut Options)) -> Options {
    let mut options = Options::default();
    change(&mut options);
    options
}

/// Redacts a chunk and returns every lane.
fn run(redactor: &Redactor, format: Format, chunk: &[u8]) -> (Vec<Vec<u8>>, Tally, Scratch) {
    let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
    redactor.redact_chunk(format, chunk, &mut scratch, &mut tally);
    let lanes = (0..redactor.lanes().len()).map(|lane| scratch.lane(lane).to_vec()).collect();
    (lanes, tally, scratch)
}

#[track_caller]
fn check(redactor: &Redactor, format: Format, chunk: &str, expected: &[&str]) {
    let (lanes, _, _) = run(redactor, format, chunk.as_bytes());
    let lanes: Vec<_> = lanes.iter().map(|lane| String::from_utf8_lossy(lane)).collect();
    assert_eq!(lanes, expected, "{chunk}");
}

#[test]
fn labels_on_two_lanes() {
    let both = |format, chunk: &str, expected: &str| check(labels(), format, chunk, &[expected, expected]);
    both(Format::Text, "", "");
    both(Format::Text, "mail awa@example.org ok\r\nno", "mail [EMAIL_ADDRESS] ok\r\nno");
    both(Format::Log, "card 4111 1111 1111 1111\n\n", "card [CREDIT_CARD]\n\n");
    both(
        Format::JsonLines,
        "{\"text\":\"mail awa\\u0040example.org\\nok\"}\n\n{\"awa@example.org\" : 4111111111111111}\n",
        "{\"text\":\"mail [EMAIL_ADDRESS]\\nok\"}\n\n{\"[EMAIL_ADDRESS]\" : \"[CREDIT_CARD]\"}\n",
    );
    both(Format::JsonLines, "[4.111111111111111e15,4111111111111111.0]", "[\"[CREDIT_CARD]\",\"[CREDIT_CARD]\"]");
    both(
        Format::Json,
        "{\n  \"a@example.org\": 1,\n  \"b@example.org\": 2\n}\n",
        "{\n  \"[EMAIL_ADDRESS]\": 1,\n  \"[EMAIL_ADDRESS]_2\": 2\n}\n",
    );
    // Escaped and plain fields mixed, in the order of the record.
    both(
        Format::JsonLines,
        r#"["\ta@example.org","b@example.org","\tc@example.org",["d@example.org"]]"#,
        r#"["\t[EMAIL_ADDRESS]","[EMAIL_ADDRESS]","\t[EMAIL_ADDRESS]",["[EMAIL_ADDRESS]"]]"#,
    );
}

#[test]
fn bytes_that_are_not_text_stay() {
    let (lanes, _, _) = run(labels(), Format::Text, b"\xff\0 awa@example.org \xc3\n");
    assert_eq!(lanes[0], b"\xff\0 [EMAIL_ADDRESS] \xc3\n");
}

#[test]
fn lanes_differ_where_their_policy_does() {
    let redactor = redactor(MIXED, &Options::default());
    let names: Vec<_> = redactor.lanes().map(|lane| lane.name().to_owned()).collect();
    assert_eq!(names, ["analytics", "storage"]);
    let chunk = r#"{"id":"awa@example.org","urn":"anything","text":"4111 1111 1111 1111 from 192.0.2.17"}"#;
    let analytics = r#"{"id":"awa@example.org","text":"[CREDIT_CARD] from [IP_ADDRESS]"}"#;
    let storage = r#"{"id":"awa@example.org","urn":"[PHONE_NUMBER]","text":"**** **** **** 1111 from 192.0.2.17"}"#;
    check(&redactor, Format::JsonLines, chunk, &[analytics, storage]);
    check(
        &redactor,
        Format::JsonLines,
        r#"{"urn":[1,true,null]}"#,
        &["{}", r#"{"urn":["[PHONE_NUMBER]","[PHONE_NUMBER]",null]}"#],
    );
}

/// A lane that says the same as another of what is in a record has what the other wrote; it must be what it writes alone.
#[test]
fn lanes_write_what_they_write_alone() {
    let lanes = [
        ("a", "\"*\" = \"redact\"\nIP_ADDRESS = \"keep\""),
        ("b", "\"*\" = \"redact\"\nCREDIT_CARD = \"mask\"\nIP_ADDRESS = \"keep\""),
        ("c", "\"*\" = \"mask\"\nEMAIL_ADDRESS = \"redact\""),
        (
            "d",
            "\"*\" = \"drop\"\nPHONE_NUMBER = \"redact\"\nDATE_OF_BIRTH = { operator = \"generalise\", to = \"year\" }",
        ),
    ];
    let policy = |lanes: &[(&str, &str)]| {
        lanes.iter().fold("title = \"test\"\n".to_owned(), |all, (name, says)| format!("{all}[lanes.{name}]\n{says}\n"))
    };
    let all = redactor(&policy(&lanes), &Options::default());
    let chunk = r#"{"text":"mail awa@example.org","n":4111111111111111}
{"text":"mail awa@example.org and \u0061wa@example.org from 192.0.2.17"}
{"text":"nothing"}
{"text":"+221 77 123 45 67 or 4111 1111 1111 1111, awa@example.org"}
{"broken
{"text":"{\"mail\":\"awa@example.org\"}","awa@example.org":"x","bwa@example.org":"y"}
{"text":"born 12/03/1985, 192.0.2.17"}"#;
    let (together, _, scratch) = run(&all, Format::JsonLines, chunk.as_bytes());
    for (at, lane) in lanes.iter().enumerate() {
        let alone = redactor(&policy(&[*lane]), &Options::default());
        let (own, _, own_scratch) = run(&alone, Format::JsonLines, chunk.as_bytes());
        assert_eq!(String::from_utf8_lossy(&together[at]), String::from_utf8_lossy(&own[0]), "{lane:?}");
        let sorted = |scratch: &Scratch, lane| {
            let mut applied: Vec<_> = scratch.applied(lane).collect();
            applied.sort_unstable();
            applied
        };
        assert_eq!(sorted(&scratch, at), sorted(&own_scratch, 0), "{lane:?}");
        for record in 0..7 {
            assert_eq!(scratch.record(record, at), own_scratch.record(record, 0), "{lane:?}");
        }
    }
}

#[test]
fn text_field_and_region_field() {
    let text = redactor(LABELS, &with(|options| options.text_field = Some("/text".to_owned())));
    let out = r#"{"a@example.org":"a@example.org","text":["[EMAIL_ADDRESS]"]}"#;
    check(&text, Format::JsonLines, r#"{"a@example.org":"a@example.org","text":["a@example.org"]}"#, &[out; 2]);
    check(&text, Format::Text, "a@example.org", &["[EMAIL_ADDRESS]"; 2]);

    let region = redactor(
        LABELS,
        &with(|options| {
            options.region_field = Some("/region".to_owned());
            options.regions = vec![Region::new(b"SN").unwrap()];
        }),
    );
    let (lanes, _, _) = run(
        &region,
        Format::JsonLines,
        concat!(
            "{\"phone\":\"77 123 45 67\"}\n",
            "{\"phone\":\"77 123 45 67\",\"region\":\"SN\"}\n",
            "{\"phone\":\"77 123 45 67\",\"region\":\"\"}\n",
        )
        .as_bytes(),
    );
    let out = String::from_utf8(lanes[0].clone()).unwrap();
    let found: Vec<_> = out.lines().map(|line| line.contains("[PHONE_NUMBER]")).collect();
    assert_eq!(found[..2], [true, true], "{out}");
}

#[test]
fn quarantine() {
    #[track_caller]
    fn check(options: &Options, format: Format, chunk: &[u8], expected: &str, n_quarantined: u64) {
        let (lanes, tally, scratch) = run(&redactor(LABELS, options), format, chunk);
        for lane in lanes {
            assert_eq!(String::from_utf8_lossy(&lane), expected);
        }
        assert_eq!(tally.n_quarantined, n_quarantined);
        assert_eq!(scratch.found().records().iter().filter(|r| r.walked.is_err()).count() as u64, n_quarantined);
    }
    let line = |reason: &str| format!("{{\"efface\":\"quarantined\",\"reason\":\"{reason}\"}}\n");
    let default = Options::default();
    let clear = b"[\"a@example.org\"\n[\"b@example.org\"]\r\n";
    check(&default, Format::JsonLines, clear, &(line("broken_json") + "[\"[EMAIL_ADDRESS]\"]\r\n"), 1);
    check(&default, Format::JsonLines, b"[\"a@example.org\xff\"]\n", &line("not_utf8"), 1);
    check(&default, Format::JsonLines, b"[\"a@example.org\0\"]\n", &line("broken_json"), 1);
    let deep = [vec![b'['; 5_000], b"\"a@example.org\"".to_vec(), vec![b']'; 5_000], b"\n".to_vec()].concat();
    check(&default, Format::JsonLines, &deep, &line("too_deep"), 1);
    check(&default, Format::Json, clear, "", 1);
    check(&default, Format::Json, b"{\"a@example.org\"", "", 1);
    check(&default, Format::Json, b"", "", 0);

    let short = with(|options| options.limits = Limits { record_bytes: 16, ..Limits::default() });
    check(&short, Format::Text, b"see a@example.org\na@example.org\n", "[QUARANTINED]\n[EMAIL_ADDRESS]\n", 1);
    check(&short, Format::Text, b"see a@example.org", "[QUARANTINED]", 1);

    // Detections are counted over the whole record, not a field.
    let few = with(|options| options.limits = Limits { detections: 2, ..Limits::default() });
    let two = "[\"a@example.org\",\"b\\u0040example.org\"]\n";
    let three = "[\"a@example.org\",\"b\\u0040example.org\",\"c@example.org\"]\n";
    let out =
        line("too_many_detections") + "[\"[EMAIL_ADDRESS]\",\"[EMAIL_ADDRESS]\"]\n" + &line("too_many_detections");
    check(&few, Format::JsonLines, [three, two, three].concat().as_bytes(), &out, 2);
}

#[test]
fn one_message() {
    let (mut scratch, mut tally) = (labels().scratch(), Tally::default());
    let mut redact = |format, record: &[u8]| {
        let done = labels().redact(format, record, &mut scratch, &mut tally);
        (done, String::from_utf8(scratch.lane(1).to_vec()).unwrap())
    };
    assert_eq!(
        redact(Format::Text, b"a@example.org\nb@example.org"),
        (Ok(()), "[EMAIL_ADDRESS]\n[EMAIL_ADDRESS]".to_owned())
    );
    let (done, out) = redact(Format::JsonLines, b"{");
    assert!(matches!(done, Err(Reason::Envelope(_))) && !out.contains("{\n"), "{out}");
    assert_eq!(done.unwrap_err().to_string(), "JSON is broken at byte 1: it ends too early");
    assert_eq!((tally.n_records, tally.n_quarantined, tally.n_detections()), (2, 1, 2));
}

#[test]
fn outputs_of_single_records() {
    let chunk = b"a@example.org\nplain\n\nb";
    let (_, _, scratch) = run(labels(), Format::Text, chunk);
    let records: Vec<_> = (0..5).map(|at| String::from_utf8_lossy(scratch.record(at, 1)).into_owned()).collect();
    assert_eq!(records, ["[EMAIL_ADDRESS]\n", "plain\n", "\n", "b", ""]);
}

#[test]
fn redacting_does_not_allocate() {
    let mut lines = String::new();
    for message in MESSAGES {
        lines += &serde_json::json!({"id": 4_711, "from": {"name": "x", "urn": "tel:+221771234567"}, "text": message})
            .to_string();
        lines += "\n";
        lines += &serde_json::json!({"text": format!("\t{message}\n"), "a@example.org": [message]}).to_string();
        lines += "\nbroken\n";
    }
    for policy in [LABELS, MIXED] {
        let redactor = redactor(policy, &with(|options| options.region_field = Some("/id".to_owned())));
        let (mut scratch, mut tally) = (redactor.scratch(), Tally::default());
        let mut all = || {
            redactor.redact_chunk(Format::JsonLines, lines.as_bytes(), &mut scratch, &mut tally);
            redactor.redact_chunk(Format::Text, lines.as_bytes(), &mut scratch, &mut tally);
            for line in lines.lines() {
                let _ = redactor.redact(Format::JsonLines, line.as_bytes(), &mut scratch, &mut tally);
            }
        };
        all();
        assert_eq!(allocations(|| (0..20).for_each(|_| all())), 0);
    }
}

/// Pieces of messages: clean ones, values, and what may stand around them.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(MESSAGES.to_vec()).prop_map(str::to_owned),
        prop::sample::select(vec![
            "a@example.org",
            "+221771234567",
            "77 123 45 67",
            "4111 1111 1111 1111",
            "192.0.2.17",
            "DE89370400440532013000",
            "https://example.org/x",
            "[PHONE_NUMBER]",
            "\"",
            "\\",
            "\n",
            "call me",
            " ",
            ",",
            "x",
        ])
        .prop_map(str::to_owned),
        "[a-z0-9@.+ -]{0,20}",
    ]
}

proptest! {
    /// Redacting twice is redacting once. Values stand apart here: of two that touch, the guards of one hide the other until
    /// it is a label.
    #[test]
    fn twice_is_once(pieces in prop::collection::vec(piece(), 0..8), json in any::<bool>()) {
        let text = pieces.join(" ");
        let (format, chunk) = if json {
            let half = pieces.len() / 2;
            (Format::JsonLines, serde_json::json!({"text": text, "more": [pieces[..half].join(" ")]}).to_string())
        } else {
            (Format::Text, text)
        };
        let once = run(labels(), format, chunk.as_bytes()).0;
        let twice = run(labels(), format, &once[0]).0;
        prop_assert_eq!(String::from_utf8_lossy(&twice[0]), String::from_utf8_lossy(&once[0]));
        prop_assert_eq!(&once[0], &once[1]);
    }

    /// A chunk of records comes out like its records one by one.
    #[test]
    fn a_chunk_is_its_records(messages in prop::collection::vec(prop::collection::vec(piece(), 0..4), 0..8)) {
        let lines: Vec<String> = messages.iter().map(|pieces| serde_json::json!({"text": pieces.concat(), "n": pieces.len()}).to_string()).collect();
        let chunk = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        let (lanes, _, scratch) = run(labels(), Format::JsonLines, chunk.as_bytes());
        for (at, line) in lines.iter().enumerate() {
            let alone = run(labels(), Format::JsonLines, line.as_bytes()).0;
            prop_assert_eq!(String::from_utf8_lossy(scratch.record(at, 0)), format!("{}\n", String::from_utf8_lossy(&alone[0])));
        }
        prop_assert_eq!(lanes[0].iter().filter(|&&byte| byte == b'\n').count(), lines.len());
    }

    /// Whatever the bytes, there is no panic, and a document that cannot be handled gives nothing.
    #[test]
    fn no_clear_text_from_broken_documents(pieces in prop::collection::vec(piece(), 0..5), cut in any::<prop::sample::Index>(), flip in any::<u8>()) {
        let mut doc = serde_json::json!({"text": pieces.concat(), "list": pieces}).to_string().into_bytes();
        let at = cut.index(doc.len());
        doc[at] = flip;
        doc.truncate(at + usize::from(flip));
        let (lanes, tally, _) = run(labels(), Format::Json, &doc);
        // Nothing is no record.
        if tally.n_quarantined > 0 || doc.is_empty() {
            prop_assert!(lanes.iter().all(Vec::is_empty));
        } else {
            prop_assert!(serde_json::from_slice::<serde_json::Value>(&lanes[0]).is_ok());
        }
    }
}
