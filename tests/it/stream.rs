//! Streams end to end: on the mock cluster always, on a real Apache Kafka where `EFFACE_BROKER=1`.
//!
//! By hand, with other sizes than here:
//! ```sh
//! EFFACE_KILLS=20 EFFACE_KILL_MESSAGES=100000 cargo test --release --test it -- stream::kills_on_the_mock --nocapture
//! EFFACE_BROKER=1 EFFACE_KILLS=10 EFFACE_KILL_MESSAGES=200000 cargo test --release --test it -- stream::a_real_kafka --nocapture
//! ```

use efface::stream::mock::{Mock, Sink, Source, Traffic};
use efface::stream::sample::Random;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const EFFACE: &str = env!("CARGO_BIN_EXE_efface");
const N_PARTITIONS: i32 = 24;

/// Brokers, ours or real.
enum Cluster {
    Mock(Mock),
    Real { servers: String, dir: PathBuf },
}

impl Cluster {
    fn mock() -> Self {
        Self::Mock(Mock::start(1).unwrap())
    }

    fn real(n_brokers: u32) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let dir = root.join("target/kafka/test");
        let out = Command::new(root.join("tests/broker/kafka.sh"))
            .arg("start")
            .arg(&dir)
            .arg(n_brokers.to_string())
            .env("KAFKA_PARTITIONS", N_PARTITIONS.to_string())
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(out.status.success(), "no broker");
        Self::Real { servers: String::from_utf8(out.stdout).unwrap().trim().to_owned(), dir }
    }

    fn servers(&self) -> String {
        match self {
            Self::Mock(mock) => mock.bootstrap_servers(),
            Self::Real { servers, .. } => servers.clone(),
        }
    }

    /// Makes a topic; a real broker makes all alike.
    fn topic(&self, name: &str, n_partitions: i32) {
        match self {
            Self::Mock(mock) => mock.topic(name, n_partitions).unwrap(),
            Self::Real { servers, .. } => {
                Source::new(servers).unwrap().ensure(name).unwrap();
            }
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Self::Real { dir, .. } = self {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broker/kafka.sh");
            let _ = Command::new(script).arg("stop").arg(dir).status();
        }
    }
}

/// A stream's topics and configuration.
struct Rig {
    name: &'static str,
    servers: String,
    config: PathBuf,
}

impl Rig {
    /// Topics `NAME.raw` and so on; `more` is added to the configuration.
    fn new(cluster: &Cluster, name: &'static str, n_partitions: i32, more: &str) -> Self {
        for topic in ["raw", "storage", "analytics", "quarantine"] {
            cluster.topic(&format!("{name}.{topic}"), n_partitions);
        }
        Self::bare(cluster, name, more)
    }

    fn bare(cluster: &Cluster, name: &'static str, more: &str) -> Self {
        let servers = cluster.servers();
        let is_mock = matches!(cluster, Cluster::Mock(_));
        // A killed member is missed soon; the mock cluster also forgets one that waits longer than this to join, which takes 3 s.
        let session_ms = if is_mock { 5_000 } else { 2_000 };
        let text = format!(
            "[kafka]\nbootstrap_servers = \"{servers}\"\ngroup_id = \"{name}\"\n\
             properties = {{ \"topic.metadata.refresh.interval.ms\" = 1000 }}\n\
             consumer = {{ \"session.timeout.ms\" = {session_ms}, \"heartbeat.interval.ms\" = 300 }}\n\
             producer = {{ \"linger.ms\" = 5 }}\n\
             [input]\ntopics = [\"{name}.raw\"]\nregion = {{ default = \"US\" }}\n\
             [lanes.storage]\ntopic = \"{name}.storage\"\nheaders = [\"tenant\", \"note\"]\n\
             [lanes.analytics]\ntopic = \"{name}.analytics\"\nheaders = [\"tenant\"]\n\
             [quarantine]\ntopic = \"{name}.quarantine\"\n{more}"
        );
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stream");
        std::fs::create_dir_all(&dir).unwrap();
        let config = dir.join(format!("{name}-{}.toml", if is_mock { "mock" } else { "real" }));
        std::fs::write(&config, text).unwrap();
        Self { name, servers, config }
    }

    fn topic(&self, lane: &str) -> String {
        format!("{}.{lane}", self.name)
    }

    fn write(&self, records: impl IntoIterator<Item = Traffic>) {
        let source = Source::new(&self.servers).unwrap();
        for record in records {
            source.write(&self.topic("raw"), &record).unwrap();
        }
        source.flush().unwrap();
    }

    fn sink(&self, lane: &str) -> Sink {
        Sink::new(&self.servers, &self.topic(lane)).unwrap()
    }

    fn start(&self) -> Process {
        let mut command = Command::new(EFFACE);
        command.args(["stream", "--config"]).arg(&self.config).stderr(Stdio::piped()).stdout(Stdio::null());
        command.env("EFFACE_TEST_KEY", "c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6");
        Process(command.spawn().unwrap())
    }

    fn run(&self, args: &[&str]) -> Output {
        Command::new(EFFACE).arg("stream").args(args).arg("--config").arg(&self.config).output().unwrap()
    }
}

/// A stream in a process of its own, killed when the test fails.
struct Process(Child);

impl Process {
    /// Asks for the end and returns exit code and log.
    fn stop(mut self) -> (i32, String) {
        assert!(Command::new("kill").arg(self.0.id().to_string()).status().unwrap().success());
        let mut log = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.0.wait().unwrap().code().unwrap_or(-1), log)
    }

    /// Reads the log until it says where metrics are told.
    fn listens_at(&mut self) -> String {
        let stderr = self.0.stderr.as_mut().unwrap();
        let (mut log, mut byte) = (String::new(), [0]);
        while stderr.read(&mut byte).unwrap() == 1 {
            log.push(char::from(byte[0]));
            if let Some(at) = log.split("\"listening\",\"at\":\"").nth(1).filter(|at| at.contains('"')) {
                return at.trim_end_matches('"').to_owned();
            }
        }
        panic!("it listens nowhere: {log}");
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads until there are `n` records, or nothing comes for long.
fn read(sink: &mut Sink, n: usize) -> Vec<Traffic> {
    let mut found = Vec::new();
    while found.len() < n {
        match sink.next(Duration::from_secs(20)) {
            Some(record) => found.push(record),
            None => break,
        }
    }
    found
}

fn text(bytes: Option<&Vec<u8>>) -> String {
    bytes.map_or_else(|| "null".to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn header(record: &Traffic, name: &str) -> Option<String> {
    record.headers.iter().find(|(key, _)| key == name).map(|(_, value)| text(value.as_ref()))
}

#[test]
fn the_demo_ends_by_itself() {
    let began = Instant::now();
    let out = Command::new(EFFACE).arg("demo").output().unwrap();
    let shown = String::from_utf8(out.stdout).unwrap();
    assert_eq!(out.status.code(), Some(0), "{shown}{}", String::from_utf8_lossy(&out.stderr));
    let last = shown.lines().last().unwrap_or_default();
    // More is found when packs are added; what was planted is found in any case.
    let n_detections: usize = last.split(", ").nth(1).and_then(|part| part.split(' ').next()?.parse().ok()).unwrap();
    assert_eq!(
        last,
        format!("2000 messages, {n_detections} detections, 1995 on storage, 1995 on analytics, 5 quarantined")
    );
    assert!((682..700).contains(&n_detections), "{shown}");
    assert!(shown.contains(": 0 in clear"), "{shown}");
    assert!(began.elapsed() < Duration::from_secs(20), "the demo took {:?}", began.elapsed());
}

/// What each lane gets of each sort of record, in one run.
fn what_comes_out(cluster: &Cluster) {
    let rig = Rig::new(cluster, "sorts", N_PARTITIONS, "");
    let record = |partition, key: Option<&str>, value: Option<&str>, headers: &[(&str, &str)]| Traffic {
        partition,
        key: key.map(|key| key.as_bytes().to_vec()),
        value: value.map(|value| value.as_bytes().to_vec()),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), Some(value.as_bytes().to_vec()))).collect(),
        time_ms: Some(1_700_000_123_456),
        ..Traffic::default()
    };
    let sent = [
        record(3, Some("c-1"), Some(r#"{"text":"call +12025550143"}"#), &[("tenant", "north"), ("trace", "x")]),
        record(3, Some("+12025550143"), Some("call 202-555-0143"), &[("note", "or d@example.org")]),
        record(3, Some("c-2"), None, &[]),
        record(3, None, Some(""), &[]),
        record(3, Some("c-3"), Some(r#"{"text":"d@example.org"#), &[]),
        record(5, Some("c-1"), Some("nothing"), &[]),
    ];
    rig.write(sent);
    let process = rig.start();
    let (mut storage, mut analytics) = (rig.sink("storage"), rig.sink("analytics"));
    let (storage, analytics) = (read(&mut storage, 5), read(&mut analytics, 5));
    let quarantine = read(&mut rig.sink("quarantine"), 1);
    let (code, log) = process.stop();
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("\"event\":\"start\"") && log.contains("\"drained\":true"), "{log}");

    let seen: BTreeSet<(i32, String, String, String)> = storage
        .iter()
        .map(|record| {
            let source = header(record, "efface-source").unwrap();
            (record.partition, source, text(record.key.as_ref()), text(record.value.as_ref()))
        })
        .collect();
    let expected = [
        (3, "sorts.raw/3/0", "c-1", r#"{"text":"call [PHONE_NUMBER]"}"#),
        (3, "sorts.raw/3/1", "[PHONE_NUMBER]", "call [PHONE_NUMBER]"),
        (3, "sorts.raw/3/2", "c-2", "null"),
        (3, "sorts.raw/3/3", "null", ""),
        (5, "sorts.raw/5/0", "c-1", "nothing"),
    ];
    let own = |(partition, source, key, value): (i32, &str, &str, &str)| {
        (partition, source.to_owned(), key.to_owned(), value.to_owned())
    };
    assert_eq!(seen, expected.map(own).into());
    assert!(storage.iter().all(|record| record.time_ms == Some(1_700_000_123_456)));
    let first = storage.iter().find(|record| header(record, "efface-source").unwrap().ends_with("/3/0")).unwrap();
    assert_eq!(header(first, "tenant").as_deref(), Some("north"));
    assert_eq!(header(first, "trace"), None, "what is not named is not passed on");
    let second = storage.iter().find(|record| header(record, "efface-source").unwrap().ends_with("/3/1")).unwrap();
    assert_eq!(header(second, "note").as_deref(), Some("or [EMAIL_ADDRESS]"));
    assert_eq!(header(second, "efface-version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(header(second, "efface-policy").map(|hash| hash.len()), Some(16));

    assert_eq!(analytics.len(), 5);
    for record in &analytics {
        assert_eq!(header(record, "efface-source"), None, "nothing leads back to the source");
        assert_eq!(header(record, "note"), None);
        assert_eq!(record.time_ms, Some(1_699_999_200_000), "to the hour");
    }
    let of_one: BTreeSet<i32> = analytics
        .iter()
        .filter(|record| record.key.as_deref() == Some(b"c-1"))
        .map(|record| record.partition)
        .collect();
    assert_eq!(of_one.len(), 1, "a key stays together");

    assert_eq!(quarantine.len(), 1);
    assert_eq!(
        text(quarantine[0].value.as_ref()),
        r#"{"efface":"quarantined","reason":"broken_json","topic":"sorts.raw","partition":3,"offset":4}"#
    );
    assert_eq!(quarantine[0].key, None);
    let everything = [&storage[..], &analytics[..], &quarantine[..]].concat();
    assert!(!format!("{everything:?}{log}").contains("example.org"));
}

#[test]
fn sorts_of_records_on_the_mock() {
    what_comes_out(&Cluster::mock());
}

/// Tokens by tenant, on values, keys and headers; every process with the same key writes the same.
#[test]
fn tokens_by_tenant_on_the_mock() {
    let cluster = Cluster::mock();
    let rig = Rig::new(&cluster, "tokens", 4, "[keys]\nroot = \"env:EFFACE_TEST_KEY\"\n");
    let text = std::fs::read_to_string(&rig.config).unwrap();
    let text = text
        .replace("[input]", "[input]\ntenant = { header = \"tenant\" }")
        .replace("headers =", "policy = \"pseudonyms\"\nkey = \"token\"\nheaders =");
    std::fs::write(&rig.config, text).unwrap();
    let record = |tenant: Option<&str>, key: &str, value: &str| Traffic {
        key: Some(key.as_bytes().to_vec()),
        value: Some(value.as_bytes().to_vec()),
        headers: tenant.map(|name| ("tenant".to_owned(), Some(name.as_bytes().to_vec()))).into_iter().collect(),
        ..Traffic::default()
    };
    rig.write([
        record(Some("north"), "+12025550143", r#"{"text":"d@example.org"}"#),
        record(Some("north"), "+1 202 555 0143", "D@example.org"),
        record(Some("south"), "+12025550143", "d@example.org"),
        record(Some("south"), "c-17", "nothing"),
        record(None, "c-18", "d@example.org"),
    ]);
    let process = rig.start();
    let storage = read(&mut rig.sink("storage"), 4);
    let analytics = read(&mut rig.sink("analytics"), 4);
    let quarantine = read(&mut rig.sink("quarantine"), 1);
    let (code, log) = process.stop();
    assert_eq!(code, 0, "{log}");
    let token = |record: &Traffic| {
        let value = self::text(record.value.as_ref());
        value.trim_start_matches(r#"{"text":""#).trim_end_matches(r#""}"#).to_owned()
    };
    let key = |record: &Traffic| self::text(record.key.as_ref());
    assert!(token(&storage[0]).starts_with("tok_em_s") && key(&storage[0]).starts_with("tok_ph_s"), "{storage:?}");
    assert_eq!((token(&storage[0]), key(&storage[0])), (token(&storage[1]), key(&storage[1])), "one person, one token");
    assert_ne!(token(&storage[0]), token(&storage[2]), "two tenants, two tokens");
    assert_ne!(key(&storage[0]), key(&storage[2]));
    assert!(key(&storage[3]).starts_with("tok_"), "a key that is no value is a token too: {}", key(&storage[3]));
    let on_storage: BTreeSet<String> = storage.iter().flat_map(|record| [token(record), key(record)]).collect();
    for record in &analytics {
        assert!(key(record).starts_with("tok_") && !on_storage.contains(&key(record)), "{}", key(record));
        assert!(token(record) == "nothing" || !on_storage.contains(&token(record)));
    }
    let of_one: BTreeSet<(String, i32)> = analytics.iter().map(|record| (key(record), record.partition)).collect();
    assert_eq!(of_one.len(), 3, "the partition follows from the token");
    assert!(self::text(quarantine[0].value.as_ref()).contains("tenant_missing"));
}

#[test]
fn what_cannot_work_does_not_start() {
    let cluster = Cluster::mock();
    let Cluster::Mock(mock) = &cluster else { unreachable!() };
    let rig = Rig::bare(&cluster, "wrong", "");
    let check = |args: &[&str], expected: &str| {
        let out = rig.run(args);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert!(said.contains(expected) && said.contains("hint: "), "{said}");
    };
    check(&["check", "--connect"], "no such topic: wrong.raw");
    assert_eq!(rig.run(&["check"]).status.code(), Some(0), "offline all is well");
    mock.topic("wrong.raw", 3).unwrap();
    mock.topic("wrong.storage", 2).unwrap();
    mock.topic("wrong.analytics", 1).unwrap();
    check(&["check", "--connect"], "no such topic: wrong.quarantine");
    mock.topic("wrong.quarantine", 1).unwrap();
    check(&["check", "--connect"], "wrong.storage has 2 partitions, and its input wrong.raw has 3");
    check(&[], "wrong.storage has 2 partitions, and its input wrong.raw has 3");
}

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |n| n.parse().unwrap())
}

/// Kills the process again and again while it works through many messages, and looks at everything that came out.
fn kills(cluster: &Cluster, n_messages: usize, n_kills: usize) {
    let replay = 256;
    let limits = format!("[limits]\nin_flight_records = 64\nreplay_records = {replay}\nbatch_records = 32\n");
    let rig = Rig::new(cluster, "kills", N_PARTITIONS, &limits);
    let is_broken = |n: usize| n % 1_000 == 999;
    let raw = |n: usize| {
        let close = if is_broken(n) { "" } else { "}" };
        let planted = match n % 4 {
            0 => format!("u{n}@example.org"),
            1 => format!("+1 202-555-01{:02}", n % 100),
            2 => "4111 1111 1111 1111".to_owned(),
            _ => "nothing".to_owned(),
        };
        format!("{{\"n\":{n},\"text\":\"write to {planted} please, or to u{n}@example.org\"{close}")
    };
    let partition_of = |n: usize| (n % N_PARTITIONS as usize) as i32;
    let key_of = |n: usize| n % 97 * 24 + n % N_PARTITIONS as usize;
    rig.write((0..n_messages).map(|n| {
        let value = raw(n).into_bytes();
        assert!(value.len() <= 120);
        Traffic {
            partition: partition_of(n),
            key: Some(format!("c-{}", key_of(n)).into_bytes()),
            value: Some(value),
            ..Traffic::default()
        }
    }));
    let n_broken = (0..n_messages).filter(|n| is_broken(*n)).count();

    let mut random = Random(setting("EFFACE_KILL_SEED", 7) as u64);
    let mut sink = rig.sink("storage");
    let mut storage: Vec<Traffic> = Vec::new();
    let began = Instant::now();
    for life in 0..n_kills {
        let process = rig.start();
        // Somewhere in the stretch that is this life's share.
        let share = n_messages / (n_kills + 1);
        let target = storage.len() + share / 2 + random.below(share as u64) as usize;
        let until = Instant::now() + Duration::from_secs(60);
        while storage.len() < target && Instant::now() < until {
            storage.extend(sink.next(Duration::from_millis(100)));
        }
        assert!(storage.len() >= target, "life {life} gets nowhere");
        process.kill();
    }
    let process = rig.start();
    let number = |record: &Traffic| -> usize {
        let value = text(record.value.as_ref());
        let after = value.split("\"n\":").nth(1).unwrap_or_else(|| panic!("no number: {value}"));
        after.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
    };
    let whole = |sink: &mut Sink, found: &mut Vec<Traffic>, n: usize, name: &dyn Fn(&Traffic) -> String| {
        let mut names: BTreeSet<String> = found.iter().map(name).collect();
        while names.len() < n {
            let Some(record) = sink.next(Duration::from_secs(30)) else { break };
            names.insert(name(&record));
            found.push(record);
        }
        // What is repeated may still come.
        while let Some(record) = sink.next(Duration::from_millis(500)) {
            found.push(record);
        }
        assert_eq!(names.len(), n, "records are lost");
    };
    let by_number = |record: &Traffic| number(record).to_string();
    whole(&mut sink, &mut storage, n_messages - n_broken, &by_number);
    let mut analytics = Vec::new();
    whole(&mut rig.sink("analytics"), &mut analytics, n_messages - n_broken, &by_number);
    let mut quarantine = Vec::new();
    whole(&mut rig.sink("quarantine"), &mut quarantine, n_broken, &|record| text(record.value.as_ref()));
    let (code, log) = process.stop();
    assert_eq!(code, 0, "{log}");

    let mut offsets: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for record in &storage {
        let source = header(record, "efface-source").unwrap();
        let mut parts = source.split('/').skip(1).map(|part| part.parse::<i64>().unwrap());
        assert_eq!(parts.next(), Some(i64::from(record.partition)), "the same partition");
        offsets.entry(record.partition).or_default().push(parts.next().unwrap());
    }
    for (partition, offsets) in &offsets {
        in_order(offsets, &format!("partition {partition} of storage"));
    }
    let mut by_key: HashMap<Vec<u8>, Vec<i64>> = HashMap::new();
    for record in &analytics {
        by_key.entry(record.key.clone().unwrap()).or_default().push(number(record) as i64);
    }
    for (key, numbers) in &by_key {
        in_order(numbers, &format!("key {} of analytics", String::from_utf8_lossy(key)));
    }
    for record in storage.iter().chain(&analytics).chain(&quarantine) {
        let all = format!("{} {} {:?}", text(record.value.as_ref()), text(record.key.as_ref()), record.headers);
        assert!(
            !all.contains("@example.org") && !all.contains("555-01") && !all.contains("4111 1111"),
            "in clear: {all}"
        );
    }
    let repeats = |n: usize, all: usize| n - all;
    let (on_storage, on_analytics) =
        (repeats(storage.len(), n_messages - n_broken), repeats(analytics.len(), n_messages - n_broken));
    let bound = n_kills * replay;
    println!(
        "{n_messages} messages, {n_kills} kills, {} s: 0 lost, 0 out of order, 0 in clear; repeated {on_storage} on storage, \
         {on_analytics} on analytics, {} in quarantine (bound {bound})",
        began.elapsed().as_secs(),
        repeats(quarantine.len(), n_broken),
    );
    assert!(on_storage <= bound && on_analytics <= bound);
}

/// Both the first and the last of each record are in order: a stretch is repeated, nothing else.
#[track_caller]
fn in_order(numbers: &[i64], what: &str) {
    let mut seen = BTreeSet::new();
    let first: Vec<i64> = numbers.iter().copied().filter(|n| seen.insert(*n)).collect();
    assert!(first.is_sorted(), "{what}: first of each");
    seen.clear();
    let last: Vec<i64> = numbers.iter().rev().copied().filter(|n| seen.insert(*n)).collect();
    assert!(last.is_sorted_by(|a, b| a > b), "{what}: last of each");
}

#[test]
fn kills_on_the_mock() {
    kills(&Cluster::mock(), setting("EFFACE_KILL_MESSAGES", 3_000), setting("EFFACE_KILLS", 2));
}

#[test]
fn a_real_kafka() {
    if std::env::var_os("EFFACE_BROKER").is_none_or(|on| on != "1") {
        println!("skipped: EFFACE_BROKER is not 1; it starts an Apache Kafka with mvn and java");
        return;
    }
    let cluster = Cluster::real(1);
    what_comes_out(&cluster);
    kills(&cluster, setting("EFFACE_KILL_MESSAGES", 10_000), setting("EFFACE_KILLS", 3));
}

/// Scrapes while messages flow: nothing of a record is in it, and what is counted is what went through.
#[test]
fn metrics_under_load() {
    let cluster = Cluster::mock();
    let rig = Rig::new(&cluster, "metrics", 4, "[metrics]\nlisten = \"127.0.0.1:0\"\n");
    let planted = |n: usize| format!("u{n}@example.org");
    let write = |range: std::ops::Range<usize>| {
        rig.write(range.map(|n| Traffic {
            partition: (n % 4) as i32,
            key: Some(planted(n).into_bytes()),
            value: Some(format!("{{\"text\":\"write to {} or call +1 202-555-0143\"", planted(n)).into_bytes()).map(
                |mut value| {
                    if n % 100 != 99 {
                        value.push(b'}');
                    }
                    value
                },
            ),
            headers: vec![("note".to_owned(), Some(planted(n).into_bytes()))],
            ..Traffic::default()
        }));
    };
    write(0..500);
    let mut process = rig.start();
    let at = process.listens_at();
    let get = |path: &str| get(&at, path);
    assert_eq!(get("/livez").0, 200);
    assert_eq!(get("/startupz").0, get("/readyz").0);
    let until = Instant::now() + Duration::from_secs(30);
    let mut text = String::new();
    let mut n_scrapes = 0;
    let is_whole = |text: &str| {
        text.contains("efface_records_total{outcome=\"done\"} 990") && text.contains("efface_transactions_total{end")
    };
    while Instant::now() < until && !is_whole(&text) {
        if n_scrapes == 3 {
            write(500..1_000);
        }
        std::thread::sleep(Duration::from_millis(20));
        text = get("/metrics").1;
        n_scrapes += 1;
        assert!(!text.contains("example") && !text.contains("555"), "{text}");
    }
    for line in [
        "efface_records_total{outcome=\"quarantined\"} 10",
        "efface_quarantined_total{reason=\"broken_json\"} 10",
        // In the text, the key and the header of each that is not broken, and in keys and headers of those that are.
        "efface_detections_total{entity=\"EMAIL_ADDRESS\",lane=\"storage\",operator=\"redact\"}",
        "efface_partitions 4",
        "efface_transactions_total{end=\"committed\"}",
    ] {
        assert!(text.lines().any(|found| found.starts_with(line)), "{line} is not in {text}");
    }
    assert_eq!((get("/startupz").0, get("/readyz").0, get("/elsewhere").0), (200, 200, 404));
    let (code, log) = process.stop();
    assert_eq!(code, 0, "{log}");
    assert!(!log.contains("example.org"), "{log}");
}

/// A partition with a backlog takes the room from the others, is paused and read again, often: all of it is out, once and in
/// order, and so are the others.
#[test]
fn who_takes_the_room_is_held_back() {
    const HOT: usize = 40_000;
    const OTHERS: usize = 400;
    let cluster = Cluster::mock();
    let rig = Rig::new(&cluster, "hot", 4, "[metrics]\nlisten = \"127.0.0.1:0\"\n[limits]\nconsumer_bytes = 1048576\n");
    let text = std::fs::read_to_string(&rig.config).unwrap();
    let text = text.replace("consumer = {", "consumer = { \"statistics.interval.ms\" = 100,");
    std::fs::write(&rig.config, text).unwrap();
    let record = |partition, n: usize| Traffic {
        partition,
        value: Some(
            format!("message {n} says that nothing of interest is to be found in it, at some length").into_bytes(),
        ),
        ..Traffic::default()
    };
    rig.write((0..HOT).map(|n| record(0, n)).chain((0..OTHERS).map(|n| record(1 + (n % 3) as i32, n))));
    let mut process = rig.start();
    let at = process.listens_at();
    let storage = read(&mut rig.sink("storage"), HOT + OTHERS);
    let metrics = get(&at, "/metrics").1;
    let (code, log) = process.stop();
    assert_eq!(code, 0, "{log}");
    let mut seen: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for record in &storage {
        let source = header(record, "efface-source").unwrap();
        let offset = source.rsplit('/').next().unwrap().parse().unwrap();
        seen.entry(record.partition).or_default().push(offset);
    }
    assert_eq!(seen.values().map(Vec::len).sum::<usize>(), HOT + OTHERS);
    for (partition, offsets) in &seen {
        assert!(offsets.iter().copied().eq(0..offsets.len() as i64), "partition {partition} is not what was written");
    }
    let held = metrics.lines().find_map(|line| line.strip_prefix("efface_held_back_total ")?.parse::<u64>().ok());
    assert!(held > Some(0), "nobody was held back: {metrics}");
}

/// Asks for a path; returns code and body.
fn get(at: &str, path: &str) -> (u16, String) {
    let mut stream = std::net::TcpStream::connect(at).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (code, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

#[test]
fn exactly_once_is_not_for_a_mock_cluster() {
    let cluster = Cluster::mock();
    let rig = Rig::new(&cluster, "once", 2, "");
    let text = std::fs::read_to_string(&rig.config).unwrap();
    let with = |more: &str| {
        std::fs::write(&rig.config, text.replace("group_id =", &format!("{more}\ngroup_id ="))).unwrap();
        let out = rig.run(&[]);
        assert_eq!(out.status.code(), Some(2));
        String::from_utf8_lossy(&out.stderr).into_owned()
    };
    let said = with("guarantee = \"exactly_once\"");
    assert!(said.contains("needs a name for this process") && said.contains("hint: kafka.instance"), "{said}");
    let said = with("guarantee = \"exactly_once\"\ninstance = \"a b\"");
    assert!(said.contains("kafka.instance is no name") && !said.contains("a b"), "{said}");
    let said = with("guarantee = \"exactly_once\"\ninstance = \"i-0\"");
    assert!(said.contains("this is a mock cluster") && said.contains("hint: kafka.guarantee"), "{said}");
}

/// The client library quotes a value that it does not like, and it may be a secret.
#[test]
fn a_wrong_setting_is_not_quoted() {
    let cluster = Cluster::mock();
    let rig = Rig::new(&cluster, "secret", 2, "");
    let text = std::fs::read_to_string(&rig.config).unwrap();
    let check = |property: &str, expected: &str| {
        let text = text.replace("producer = { ", &format!("producer = {{ \"{property}\" = \"env:EFFACE_TEST_KEY\", "));
        std::fs::write(&rig.config, text).unwrap();
        let mut process = rig.start();
        let mut said = String::new();
        process.0.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!(process.0.wait().unwrap().code(), Some(2), "{said}");
        assert!(said.contains(expected) && said.contains("hint: "), "{said}");
        assert!(!said.contains("c2a1f0b8"), "{said}");
    };
    check("message.send.max.retries", "not a value of this setting: message.send.max.retries");
    check("no.such.setting", "no such setting: no.such.setting");
}
