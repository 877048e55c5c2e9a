//! Lines that are no JSON: logs, exported chats, links to people; and ids that look like cards.

use efface::RuleSet;
use efface::envelope::Format;
use efface::policy::{Policy, Source};
use efface::profile::Profiles;
use efface::redact::{Options, Redactor};
use efface::scan::{ScanConfig, Scanner};
use efface::tally::Tally;
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};

/// Writes labels, and knows every profile.
fn redactor() -> &'static Redactor {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    REDACTOR.get_or_init(|| {
        let rules = RuleSet::builtin().unwrap();
        let mut options = Options::default();
        options.profiles = Some(Arc::new(Profiles::auto(rules.entities()).unwrap()));
        let policy = Policy::compile(&Source::builtin("default").unwrap(), rules.entities()).unwrap();
        let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
        Redactor::build(scanner, &rules, policy.lanes().to_vec(), &options).unwrap()
    })
}

fn redact(format: Format, text: &str) -> String {
    let (mut scratch, mut tally) = (redactor().scratch(), Tally::default());
    redactor().redact_chunk(format, text.as_bytes(), &mut scratch, &mut tally);
    String::from_utf8(scratch.lane(0).to_vec()).unwrap()
}

#[track_caller]
fn check(format: Format, text: &str, expected: &str) {
    let once = redact(format, text);
    assert_eq!(once, expected, "{text}");
    assert_eq!(redact(format, &once), once, "redacted twice");
}

#[test]
fn access_logs() {
    let check = |line: &str, expected: &str| check(Format::Log, line, expected);
    check(
        "192.0.2.7 - ana.lima [03/Mar/2026:12:00:00 +0000] \"GET /reset?mail=ana%40example.org&full_name=Awa+Ndiaye&n=5 HTTP/1.1\" 200 512 \
         \"-\" \"curl/8.4\"",
        "[IP_ADDRESS] - [USERNAME] [03/Mar/2026:12:00:00 +0000] \"GET /reset?mail=%5BEMAIL_ADDRESS%5D&full_name=%5BPERSON%5D&n=5 HTTP/1.1\" 200 512 \
         \"-\" \"curl/8.4\"",
    );
    // A telephone number, encoded and not; one in the path; an address of mail in the path, encoded.
    check(
        "2001:db8::7 - - [03/Mar/2026:12:00:00 +0000] \"POST /v1/+221771234567/a%40example.org?phone=+221771234567&to=%2B221771234567 HTTP/2.0\" 404 -",
        "[IP_ADDRESS] - - [03/Mar/2026:12:00:00 +0000] \"POST /v1/%5BPHONE_NUMBER%5D/%5BEMAIL_ADDRESS%5D?phone=%5BPHONE_NUMBER%5D&to=%5BPHONE_NUMBER%5D HTTP/2.0\" 404 -",
    );
    check(
        "192.0.2.7 - - [03/Mar/2026:12:00:00 +0000] \"GET /u/a%40example.org HTTP/1.1\" 200 1 \"-\" \"-\" \"198.51.100.3, 192.0.2.9\"",
        "[IP_ADDRESS] - - [03/Mar/2026:12:00:00 +0000] \"GET /u/%5BEMAIL_ADDRESS%5D HTTP/1.1\" 200 1 \"-\" \"-\" \"[IP_ADDRESS], [IP_ADDRESS]\"",
    );
    check(
        "shop.example.org:443 192.0.2.7 - - [03/Mar/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 304 0",
        "[URL]:443 [IP_ADDRESS] - - [03/Mar/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 304 0",
    );
    // The name of the user is known in the rest of its line no more than anywhere; what is no access log is text.
    check(
        "192.0.2.7 - - [today] \"GET /?mail=ana@example.org\"",
        "[IP_ADDRESS] - - [today] \"GET /?mail=[EMAIL_ADDRESS]\"",
    );
}

#[test]
fn pairs_and_syslog() {
    let check = |line: &str, expected: &str| check(Format::Log, line, expected);
    check(
        "time=2026-03-03T12:00:00Z level=info msg=\"hello Awa, it is done\" full_name=\"Awa Ndiaye\" ip=192.0.2.7 email=awa@example.org n=12",
        "time=2026-03-03T12:00:00Z level=info msg=\"hello [PERSON], it is done\" full_name=\"[PERSON]\" ip=[IP_ADDRESS] email=[EMAIL_ADDRESS] n=12",
    );
    check("INFO login username=ana, password=hunter2", "INFO login username=[USERNAME], password=[PASSWORD]");
    check(
        "<34>Mar  3 12:00:00 host app[77]: login username=ana client_ip=192.0.2.7",
        "<34>Mar  3 12:00:00 host app[77]: login username=[USERNAME] client_ip=[IP_ADDRESS]",
    );
    check(
        "<165>1 2026-03-03T12:00:00Z host app 77 ID - {\"msg\":\"mail awa\\u0040example.org\",\"first_name\":\"Awa\"}",
        "<165>1 2026-03-03T12:00:00Z host app 77 ID - {\"msg\":\"mail [EMAIL_ADDRESS]\",\"first_name\":\"[PERSON]\"}",
    );
    check(
        "{\"level\":\"info\",\"msg\":\"mail awa\\u0040example.org\",\"remote_addr\":\"192.0.2.7\"}",
        "{\"level\":\"info\",\"msg\":\"mail [EMAIL_ADDRESS]\",\"remote_addr\":\"[IP_ADDRESS]\"}",
    );
    // What is cut off is text, and so is what people write with blanks in it.
    check("{\"mail\":\"awa@example.org", "{\"mail\":\"[EMAIL_ADDRESS]");
    check("call to=+221 77 123 45 67 n=5", "call to=[PHONE_NUMBER] n=5");
    check("a=1 b=2", "a=1 b=2");
    // Each line for itself.
    check(
        "hello\nuser_email=awa@example.org n=1\n192.0.2.7 - - [03/Mar/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 200 1\r\n",
        "hello\nuser_email=[EMAIL_ADDRESS] n=1\n[IP_ADDRESS] - - [03/Mar/2026:12:00:00 +0000] \"GET / HTTP/1.1\" 200 1\r\n",
    );
}

/// A line of a log with values in it, and what stands between them.
fn line() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("planted@example.org".to_owned()),
        Just("planted%40example.org".to_owned()),
        "[a-z]{0,8}",
        "[0-9]{0,5}",
        "[ -~]{0,12}",
        "\\PC{0,6}",
    ];
    let key = prop::sample::select(vec!["user", "msg", "ip", "n", "email", "request_id", "a.b-c"]);
    let pair = (key, value.clone(), any::<bool>())
        .prop_map(|(key, value, quoted)| if quoted { format!("{key}=\"{value}\"") } else { format!("{key}={value}") });
    let head =
        prop::sample::select(vec!["", "<34>Mar  3 12:00:00 host app[77]: ", "2026-03-03 INFO ", "<165>1 - - - - - "]);
    let pairs =
        (head, prop::collection::vec(pair, 0..6)).prop_map(|(head, pairs)| format!("{head}{}", pairs.join(" ")));
    let access = (value.clone(), value.clone(), value.clone(), value.clone()).prop_map(|(user, path, query, agent)| {
        format!("192.0.2.7 - {user} [03/Mar/2026:12:00:00 +0000] \"GET /{path}?q={query}&r=1 HTTP/1.1\" 200 5 \"-\" \"{agent}\"")
    });
    prop_oneof![pairs, access, "[ -~]{0,60}"].prop_map(|line| line.replace(['\n', '\r'], " "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Nothing planted is left, a second run changes nothing, and without a label there is no change at all.
    #[test]
    fn any_line_of_a_log(line in line()) {
        let once = redact(Format::Log, &line);
        // Letters and digits that touch an address are a part of it.
        prop_assert!(!once.contains("planted@example.org"), "{line:?} {once:?}");
        prop_assert_eq!(redact(Format::Log, &once), once.clone());
        if !once.contains('[') && !once.contains("%5B") {
            prop_assert_eq!(once, line);
        }
    }
}

fn run(args: &[&str], input: &str) -> String {
    let mut child = Command::new(env!("CARGO_BIN_EXE_efface"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap();
    String::from_utf8(out.stdout).unwrap()
}

/// Whoever speaks in a chat is known all through it, before the first line of their own and some chunks later.
#[test]
fn speakers_are_known_in_all_of_the_chat() {
    let mut chat = "[03/03/2026, 12:00:00] Moussa Diop: has Akinyi come?\nshe said Akinyi would\n".to_owned();
    for n in 0..30_000 {
        let _ = writeln!(chat, "[03/03/2026, 12:00:01] Moussa Diop: line {n} of many, all of them quite long");
    }
    chat.push_str("[03/03/2026, 12:10:00] Akinyi Otieno: here, thanks Moussa\n");
    assert!(chat.len() > 2 << 20);
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lines");
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("_chat.txt");
    std::fs::write(&path, &chat).unwrap();
    let out = run(&["redact", path.to_str().unwrap(), "--jobs", "1"], "");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("[03/03/2026, 12:00:00] [PERSON]: has [PERSON] come?"));
    assert_eq!(lines.next(), Some("she said [PERSON] would"));
    assert_eq!(lines.next(), Some("[03/03/2026, 12:00:01] [PERSON]: line 0 of many, all of them quite long"));
    assert_eq!(lines.last(), Some("[03/03/2026, 12:10:00] [PERSON]: here, thanks [PERSON]"));
    assert_eq!(run(&["redact", path.to_str().unwrap(), "--jobs", "4"], ""), out, "on any number of threads");
    // Of what comes through a pipe a piece is known at a time; a short chat is one piece.
    let short = "[03/03/2026, 12:00:00] Moussa Diop: has Akinyi come?\n[03/03/2026, 12:10:00] Akinyi Otieno: here\n";
    let out = run(&["redact"], short);
    assert!(out.starts_with("[03/03/2026, 12:00:00] [PERSON]: has [PERSON] come?\n"), "{out}");
    // Without profiles nobody knows who speaks.
    assert_eq!(run(&["redact", "--envelope", "none"], short), short);
}

/// The number in a link to somebody is a telephone number; of the link, no digit of it is left.
#[test]
fn links_to_people() {
    for link in [
        "https://wa.me/221771234567",
        "https://wa.me/221771234567?text=hi",
        "https://wa.me/+221771234567",
        "wa.me/221771234567",
        "https://api.whatsapp.com/send?phone=221771234567&text=hi",
        "whatsapp://send?phone=221771234567&text=hi",
        "whatsapp://send?text=hi&phone=+221771234567",
        "whatsapp:+221771234567",
        "tel:+221771234567",
        "tel:+221-77-123-45-67",
        "tel:221771234567",
        "https://api.whatsapp.com/send?phone=%2B221771234567",
        "sms:+221771234567?body=hi",
        "sms:221771234567",
        "smsto:+221771234567:hi",
        "callto:+221771234567",
    ] {
        for text in [format!("see {link} now"), link.to_owned()] {
            let out = redact(Format::Text, &text);
            assert_eq!(out.matches("[PHONE_NUMBER]").count(), 1, "{text}: {out}");
            assert!(!out.contains(|c: char| c.is_ascii_digit()), "{text}: {out}");
            assert_eq!(redact(Format::Text, &out), out);
            let json = serde_json::json!({ "text": text }).to_string();
            assert_eq!(redact(Format::JsonLines, &json), serde_json::json!({ "text": out }).to_string());
        }
    }
    // A plus may be encoded.
    assert_eq!(redact(Format::Text, "urn=tel:%2B221771234567 ok"), "urn=tel:%2B[PHONE_NUMBER] ok");
    assert_eq!(redact(Format::Text, "sum%2B2217712"), "sum%2B2217712");
}

/// The name of a key alone keeps no card. Ids stay ids.
#[test]
fn cards_in_fields_for_ids() {
    let check = |line: &str, expected: &str| check(Format::JsonLines, line, expected);
    check(r#"{"message_id":"4111111111111111"}"#, r#"{"message_id":"[CREDIT_CARD]"}"#);
    check(r#"{"message_id":4111111111111111}"#, r#"{"message_id":"[CREDIT_CARD]"}"#);
    check(r#"{"event_id":"378282246310005"}"#, r#"{"event_id":"[CREDIT_CARD]"}"#);
    for id in
        ["4111111111111112", "1765432109876543210", "1772539200123456", "1772539200123", "900000000000000017", "77"]
    {
        let line = format!(r#"{{"message_id":"{id}","event_id":{id}}}"#);
        check(&line, &line);
    }
    // What a profile names is what it says.
    let update = r#"{"update_id":4111111111111111,"message":{"message_id":5,"text":"hi"}}"#;
    check(update, update);
    // Of 4,000 ids of sixteen random digits so many are rewritten.
    let mut state = 1_u64;
    let ids = (0..4_000).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        format!("{{\"message_id\":\"{:016}\"}}\n", (state >> 11) % 10_000_000_000_000_000)
    });
    let lines: String = ids.collect();
    let n = redact(Format::JsonLines, &lines).matches('[').count();
    assert!((100..240).contains(&n), "{n} of 4,000");
}
