//! Records that nobody in good faith would write, by the bytes of the protocol: client libraries would refuse most.

use crate::arena::{Arena, Setting};
use crate::verify::is_raw;
use crate::{Args, get};
use efface::stream::mock::{Sink, Traffic};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

struct Hostile {
    what: &'static str,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

const MAIL: &str = "write to d@example.org please";

fn records() -> Vec<Hostile> {
    let of = |what, value: &[u8]| Hostile { what, key: None, value: Some(value.to_vec()), headers: Vec::new() };
    let with = |what, key: Option<&[u8]>, value: Option<&[u8]>, headers: Vec<(Vec<u8>, Option<Vec<u8>>)>| Hostile {
        what,
        key: key.map(<[u8]>::to_vec),
        value: value.map(<[u8]>::to_vec),
        headers,
    };
    let mail = MAIL.as_bytes();
    let json = format!("{{\"text\":\"{MAIL}\"}}");
    vec![
        with("null", None, None, Vec::new()),
        with("empty", Some(b""), Some(b""), Vec::new()),
        of("text that is not UTF-8", &[mail, b" \xff\xfe\xc3\x28 ", mail].concat()),
        of("JSON that is not UTF-8", b"{\"text\":\"\xff\xc3\x28\"}"),
        with("a key that is not UTF-8", Some(b"\xff\x80 d@example.org \xc0"), Some(mail), Vec::new()),
        with("a header's name that is not UTF-8", None, Some(mail), vec![(b"\xff\xfe".to_vec(), Some(mail.to_vec()))]),
        with("headers without name and value", None, Some(mail), vec![(Vec::new(), None), (b"tenant".to_vec(), None)]),
        with(
            "10,000 headers",
            None,
            Some(mail),
            (0..10_000).map(|n| (format!("h{n}").into_bytes(), Some(b"d@example.org".to_vec()))).collect(),
        ),
        of("what claims to be Avro", b"\x00\xff\xff\xff\xff\x02\x06abc\x80\x80\x80"),
        of("what claims to be gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff\xff"),
        of("900 KB of digits", "4111111111111111".repeat(56_250).as_bytes()),
        of("900 KB of digits in JSON", format!("{{\"text\":\"{}\"}}", "41 ".repeat(300_000)).as_bytes()),
        of("100,000 levels", "[".repeat(100_000).as_bytes()),
        of("100,000 levels, closed", format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).as_bytes()),
        of("50,000 fields", format!("{{{}\"z\":\"{MAIL}\"}}", "\"k\":\"d@example.org\",".repeat(40_000)).as_bytes()),
        of("backslashes", format!("{{\"text\":\"{}\"}}", "\\\\\\u0041".repeat(50_000)).as_bytes()),
        of("half a surrogate", br#"{"text":"\ud800 d@example.org \udc00"}"#),
        of("addresses that do not end", "a@b.c@d.".repeat(50_000).as_bytes()),
        of("a domain that does not end", format!("d@{}", "example.".repeat(50_000)).as_bytes()),
        of("nothing but NUL", &vec![0; 500_000]),
        of("nothing but 0xff", &vec![0xff; 500_000]),
        of("signs that combine", "e\u{301}\u{302}\u{303}".repeat(50_000).as_bytes()),
        of("JSON, and what follows", format!("{json}{json}").as_bytes()),
        of("two names", br#"{"text":"d@example.org","text":"e@example.org"}"#),
        of("a number that is too long", format!("{{\"n\":{}}}", "9".repeat(100_000)).as_bytes()),
    ]
}

/// F14: hostile records among ordinary ones. Each comes out on all lanes or is quarantined, nothing panics, nothing is in
/// clear.
pub(crate) fn records_among_others(arena: &mut Arena, args: &Args) -> usize {
    let times = args.kills.unwrap_or(4);
    let setting = Setting {
        more: "batch_records = 1\n[metrics]\nlisten = \"127.0.0.1:0\"\n".to_owned(),
        side: true,
        ..Setting::default()
    };
    for topic in ["raw", "storage", "analytics", "quarantine"] {
        arena.mock().create_topic(&format!("{}-side.{topic}", arena.prefix), 1, 1).unwrap();
    }
    arena.set(1, &Setting::default());
    arena.set(1, &setting);
    let records = records();
    let mut stream = TcpStream::connect(arena.servers.split(',').next().unwrap()).unwrap();
    let topic = format!("{}-side.raw", arena.prefix);
    let lanes = ["storage", "analytics", "quarantine"];
    let mut sinks = lanes.map(|lane| Sink::new(&arena.servers, &format!("{}-side.{lane}", arena.prefix)).unwrap());
    let mut seen: [BTreeSet<i64>; 3] = Default::default();
    let mut slowest = (Duration::ZERO, "");
    for at in 0..times * records.len() {
        let record = &records[at % records.len()];
        if at % records.len() == 0 {
            arena.feed(50);
        }
        produce(&mut stream, &topic, record);
        // One after the other: the cluster keeps 5 MiB of a partition.
        let (began, at) = (Instant::now(), at as i64);
        let is_out = |seen: &[BTreeSet<i64>; 3]| seen[0].contains(&at) && seen[1].len() == seen[0].len();
        while !is_out(&seen) && !seen[2].contains(&at) {
            assert!(began.elapsed() < Duration::from_secs(30), "neither out nor quarantined: {}", record.what);
            for (lane, sink) in sinks.iter_mut().enumerate() {
                while let Some(record) = sink.next(Duration::from_millis(1)) {
                    seen[lane].insert(source_of(&record, lanes[lane]));
                }
            }
        }
        if at >= records.len() as i64 {
            slowest = slowest.max((began.elapsed(), record.what));
        }
    }
    let n = times * records.len();
    assert!(seen[0].len() + seen[2].len() == n && seen[0].len() == seen[1].len(), "both out and quarantined");
    let log = arena.log(1);
    assert!(!log.contains("panicked"), "{log}");
    let text = get(&arena.listens_at(1), "/metrics").1;
    let scans = |le: &str| -> f64 {
        let found =
            text.lines().find_map(|line| line.strip_prefix("efface_scan_seconds_bucket{le=\"")?.strip_prefix(le));
        found.map_or(0.0, |rest| rest.trim_start_matches("\"} ").trim().parse().unwrap())
    };
    let all = scans("+Inf");
    let share = |le| 100.0 * scans(le) / all;
    arena.notes.push(format!(
        "{} on lanes, {} quarantined; slowest {} ms ({}); of {all} scans {:.0} % within 16 ms, {:.0} % within 64 ms, {:.0} % within 256 ms",
        seen[0].len(),
        seen[2].len(),
        slowest.0.as_millis(),
        slowest.1,
        share("0.016"),
        share("0.064"),
        share("0.256"),
    ));
    n
}

/// The offset of a record's source, or its own where nothing leads back. It must not be in clear.
fn source_of(record: &Traffic, lane: &str) -> i64 {
    let value = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default()).into_owned();
    let key = String::from_utf8_lossy(record.key.as_deref().unwrap_or_default()).into_owned();
    assert!(!is_raw(&format!("{value} {key}")), "in clear on {lane}");
    for (name, header) in &record.headers {
        assert!(!is_raw(&String::from_utf8_lossy(header.as_deref().unwrap_or_default())), "in clear in {name}");
    }
    match lane {
        "storage" => {
            let source = record.headers.iter().find(|(name, _)| name == "efface-source").unwrap();
            let source = String::from_utf8(source.1.clone().unwrap()).unwrap();
            source.rsplit('/').next().unwrap().parse().unwrap()
        }
        "quarantine" => value.split("\"offset\":").nth(1).unwrap().trim_end_matches('}').parse().unwrap(),
        _ => record.offset,
    }
}

/// Writes a record by hand: a request of version 3 with one batch of one record. The mock cluster looks at no checksum.
fn produce(stream: &mut TcpStream, topic: &str, record: &Hostile) {
    let mut body = vec![0];
    varint(&mut body, 0);
    varint(&mut body, 0);
    bytes(&mut body, record.key.as_deref());
    bytes(&mut body, record.value.as_deref());
    varint(&mut body, record.headers.len() as i64);
    for (name, value) in &record.headers {
        bytes(&mut body, Some(name));
        bytes(&mut body, value.as_deref());
    }
    let mut one = Vec::new();
    varint(&mut one, body.len() as i64);
    one.extend(body);
    // Leader epoch, magic, checksum, attributes, last offset, times, producer, epoch, sequence, count.
    let mut batch = (-1_i32).to_be_bytes().to_vec();
    batch.push(2);
    batch.extend([0; 4 + 2 + 4]);
    batch.extend(1_700_000_000_000_i64.to_be_bytes().repeat(2));
    batch.extend([0xff; 8 + 2 + 4]);
    batch.extend(1_i32.to_be_bytes());
    batch.extend(one);
    let mut records = 0_i64.to_be_bytes().to_vec();
    records.extend((batch.len() as i32).to_be_bytes());
    records.extend(batch);

    let name = |name: &str| [&(name.len() as i16).to_be_bytes()[..], name.as_bytes()].concat();
    let mut request = [0_i16.to_be_bytes(), 3_i16.to_be_bytes()].concat();
    request.extend(7_i32.to_be_bytes());
    request.extend(name("hostile"));
    request.extend((-1_i16).to_be_bytes());
    request.extend((-1_i16).to_be_bytes());
    request.extend(10_000_i32.to_be_bytes());
    request.extend(1_i32.to_be_bytes());
    request.extend(name(topic));
    request.extend(1_i32.to_be_bytes());
    request.extend(0_i32.to_be_bytes());
    request.extend((records.len() as i32).to_be_bytes());
    request.extend(records);
    stream.write_all(&(request.len() as i32).to_be_bytes()).unwrap();
    stream.write_all(&request).unwrap();

    let mut size = [0; 4];
    stream.read_exact(&mut size).unwrap();
    let mut answer = vec![0; i32::from_be_bytes(size) as usize];
    stream.read_exact(&mut answer).unwrap();
    // Number, topics, topic, partitions, partition, and then the error.
    let at = 4 + 4 + 2 + topic.len() + 4 + 4;
    assert_eq!(&answer[at..at + 2], &[0, 0], "{}: the cluster does not take it", record.what);
}

fn bytes(to: &mut Vec<u8>, bytes: Option<&[u8]>) {
    varint(to, bytes.map_or(-1, |bytes| bytes.len() as i64));
    to.extend(bytes.unwrap_or_default());
}

/// Zigzag, seven bits a byte.
fn varint(to: &mut Vec<u8>, n: i64) {
    let mut n = (n << 1 ^ n >> 63) as u64;
    while n >= 0x80 {
        to.push(n as u8 | 0x80);
        n >>= 7;
    }
    to.push(n as u8);
}
