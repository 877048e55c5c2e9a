//! What a stream costs: CPU of our process for each message, with scanning and two lanes, against the same program that
//! passes everything through to two topics. The cluster is another process, so that its work does not count.
//!
//! `cargo bench --bench stream` (`EFFACE_BENCH_MESSAGES`, 400,000 by default, of 330 bytes). Linux: reads /proc.
//!
//! `EFFACE_BROKER=1 cargo bench --bench stream` does the same on an Apache Kafka of its own, with 12 partitions, and measures
//! exactly-once as well; then how long a message takes from its writer to whoever reads the storage lane, at half of the
//! messages a second that were reached; and how long that takes while another topic has a backlog.
#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench that cannot go on has failed"
)]

use efface::RuleSet;
use efface::stream::mock::{Mock, Sink, Source, Traffic};
use efface::stream::sample::Random;
use efface::stream::{Config, Control, Event, Job, Tell};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const N_PARTITIONS: i32 = 66;
const N_BYTES: usize = 330;
const N_ROUNDS: usize = 3;

fn main() {
    match std::env::var("EFFACE_BENCH_ROLE").as_deref() {
        Ok("cluster") => cluster(),
        Ok(role) => member(role),
        Err(_) if std::env::args().any(|arg| arg == "--test") => {}
        Err(_) if std::env::var_os("EFFACE_BROKER").is_some_and(|on| on == "1") => compare_on_kafka(),
        Err(_) => compare(),
    }
}

/// All three ways over the same messages of the same brokers, each to topics of its own.
fn compare_on_kafka() {
    let n = std::env::var("EFFACE_BENCH_MESSAGES").map_or(400_000, |n| n.parse().unwrap());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (script, dir) = (root.join("tests/broker/kafka.sh"), root.join("target/kafka/bench"));
    let started = Command::new(&script).arg("start").arg(&dir).arg("1").env("KAFKA_PARTITIONS", "12").output().unwrap();
    assert!(started.status.success(), "no broker");
    let servers = String::from_utf8(started.stdout).unwrap().trim().to_owned();
    let source = Source::new(&servers).unwrap();
    let width = source.ensure("in").unwrap();
    let mut random = Random(11);
    for number in 0..n {
        let record = Traffic { partition: (number % width) as i32, ..message(number, &mut random) };
        source.write("in", &record).unwrap();
    }
    source.flush().unwrap();
    let mut ratios = Vec::new();
    let mut reached = Vec::new();
    for round in 1..=N_ROUNDS {
        let mut figures = Vec::new();
        for role in ["pass", "redact", "once"] {
            let prefix = format!("{role}-{round}-");
            for topic in ["one", "two", "quarantine"] {
                source.ensure(&format!("{prefix}{topic}")).unwrap();
            }
            let said = itself(
                role,
                &[
                    ("EFFACE_BENCH_SERVERS", &servers),
                    ("EFFACE_BENCH_MESSAGES", &n.to_string()),
                    ("EFFACE_BENCH_PREFIX", &prefix),
                ],
            )
            .wait_with_output()
            .unwrap();
            assert!(said.status.success());
            let said = String::from_utf8(said.stdout).unwrap();
            let both: Vec<f64> = said.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
            let mb_per_s = both[1] * N_BYTES as f64 / 1e6;
            println!(
                "round {round} {role:<7} {:>6.2} CPU us a message  {:>9.0} messages/s  {mb_per_s:>6.1} MB/s in",
                both[0], both[1]
            );
            figures.push((both[0], both[1]));
        }
        ratios.push((figures[1].0 / figures[0].0, figures[1].1 / figures[0].1, figures[2].1 / figures[1].1));
        reached.push((figures[1].1, figures[2].1));
    }
    let least = |pick: fn(&(f64, f64)) -> f64| reached.iter().map(pick).fold(f64::MAX, f64::min);
    for (role, per_s) in [("redact", least(|reached| reached.0)), ("once", least(|reached| reached.1))] {
        latency(&source, &servers, role, per_s / 2.0, "");
    }
    for role in ["redact", "once"] {
        latency(&source, &servers, role, 100.0, "in");
    }
    for (name, wanted, pick) in [
        ("CPU, redact to pass", "at most 1.6", (|ratio| ratio.0) as fn(&(f64, f64, f64)) -> f64),
        ("messages/s, redact to pass", "at least 0.75", |ratio| ratio.1),
        ("messages/s, exactly once to at least once", "at least 0.6", |ratio| ratio.2),
    ] {
        let mut all: Vec<f64> = ratios.iter().map(pick).collect();
        all.sort_by(f64::total_cmp);
        println!("{name}, median of {N_ROUNDS}: {:.2} (wanted: {wanted})", all[N_ROUNDS / 2]);
    }
    assert!(Command::new(&script).arg("stop").arg(&dir).status().unwrap().success());
}

/// Writes messages at a steady rate for ten seconds, or for three while `backlog`, a topic, is worked off beside, and tells
/// when they come out; the first fifth does not count.
fn latency(source: &Source, servers: &str, role: &str, per_s: f64, backlog: &str) {
    let seconds = if backlog.is_empty() { 10.0 } else { 3.0 };
    let (input, prefix) = (format!("{role}-live{backlog}"), format!("{role}-live{backlog}-"));
    let width = source.ensure(&input).unwrap();
    for topic in ["one", "two", "quarantine"] {
        source.ensure(&format!("{prefix}{topic}")).unwrap();
    }
    let n = (per_s * seconds) as usize;
    let n_behind: usize = std::env::var("EFFACE_BENCH_MESSAGES").map_or(400_000, |n| n.parse().unwrap());
    let n_behind = if backlog.is_empty() { 0 } else { n_behind };
    let mut sink = Sink::new(servers, &format!("{prefix}one")).unwrap();
    let now_ms = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    let mut random = Random(12);
    let mut write = |number: usize| {
        let key = Some(LIVE.to_vec());
        let partition = (number % width) as i32;
        let record = Traffic { partition, key, time_ms: Some(now_ms()), ..message(number, &mut random) };
        source.write(&input, &record).unwrap();
    };
    let topics = if backlog.is_empty() { input.clone() } else { format!("{input}\", \"{backlog}") };
    let member = itself(
        role,
        &[
            ("EFFACE_BENCH_SERVERS", servers),
            ("EFFACE_BENCH_MESSAGES", &(n + n_behind).to_string()),
            ("EFFACE_BENCH_PREFIX", &prefix),
            ("EFFACE_BENCH_INPUT", &topics),
        ],
    );
    // It runs when the first one came out.
    write(0);
    let mut is_live = |wait| sink.next(wait).map(|record| (record.key.as_deref() == Some(LIVE), record.time_ms));
    assert!(is_live(Duration::from_secs(60)).is_some());
    let mut took: Vec<i64> = std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut took = Vec::with_capacity(n);
            while took.len() < n - 1
                && let Some((is_live, time_ms)) = is_live(Duration::from_secs(30))
            {
                if is_live {
                    took.push(now_ms() - time_ms.unwrap());
                }
            }
            took
        });
        let began = Instant::now();
        for number in 1..n {
            let due = Duration::from_secs_f64(number as f64 / per_s);
            if let Some(wait) = due.checked_sub(began.elapsed()) {
                std::thread::sleep(wait.max(Duration::from_millis(1)));
            }
            write(number);
        }
        source.flush().unwrap();
        let written_s = began.elapsed().as_secs_f64();
        let took = reader.join().unwrap();
        let beside = if backlog.is_empty() { String::new() } else { format!(", {n_behind} wait in another topic") };
        println!("{role:<7} {:>9.0} messages/s written{beside}", n as f64 / written_s);
        took
    });
    assert!(member.wait_with_output().unwrap().status.success());
    assert!(took.len() + 1 >= n, "all come out");
    let mut took = took.split_off(n / 5);
    took.sort_unstable();
    let at = |share: f64| took[(took.len() as f64 * share) as usize];
    println!("{role:<7} from writer to reader of storage, ms: p50 {}, p99 {}, p99.9 {}", at(0.5), at(0.99), at(0.999));
}

/// The key of messages whose way is measured.
const LIVE: &[u8] = b"live";

fn compare() {
    let n = std::env::var("EFFACE_BENCH_MESSAGES").map_or(400_000, |n| n.parse().unwrap());
    let mut ratios = Vec::new();
    for round in 1..=N_ROUNDS {
        let mut costs = Vec::new();
        for role in ["pass", "redact"] {
            // A new cluster each time: it keeps 5 MiB a partition and drops the rest.
            let mut cluster = itself("cluster", &[("EFFACE_BENCH_MESSAGES", &n.to_string())]);
            let mut servers = String::new();
            BufReader::new(cluster.stdout.as_mut().unwrap()).read_line(&mut servers).unwrap();
            let mut member =
                itself(role, &[("EFFACE_BENCH_SERVERS", servers.trim()), ("EFFACE_BENCH_MESSAGES", &n.to_string())]);
            let mut said = String::new();
            member.stdout.take().unwrap().read_to_string(&mut said).unwrap();
            assert!(member.wait().unwrap().success());
            drop(cluster.stdin.take());
            cluster.wait().unwrap();
            let mut figures = said.split_whitespace().map(|figure| figure.parse::<f64>().unwrap());
            let (cpu_us, per_s) = (figures.next().unwrap(), figures.next().unwrap());
            println!("round {round} {role:<7} {cpu_us:>6.2} CPU us a message  {per_s:>9.0} messages/s");
            costs.push(cpu_us);
        }
        ratios.push(costs[1] / costs[0]);
        println!("round {round} ratio   {:>6.2}", ratios[round - 1]);
    }
    ratios.sort_by(f64::total_cmp);
    println!("ratio, median of {N_ROUNDS}: {:.2} (wanted: at most 1.6)", ratios[N_ROUNDS / 2]);
}

fn itself(role: &str, more: &[(&str, &str)]) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("EFFACE_BENCH_ROLE", role).envs(more.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// Holds a cluster with messages in it until its standard input ends.
fn cluster() {
    let n: usize = std::env::var("EFFACE_BENCH_MESSAGES").unwrap().parse().unwrap();
    let mock = Mock::start(3).unwrap();
    for topic in ["in", "one", "two", "quarantine"] {
        mock.topic(topic, N_PARTITIONS).unwrap();
    }
    let source = Source::new(&mock.bootstrap_servers()).unwrap();
    let mut random = Random(11);
    for number in 0..n {
        source.write("in", &message(number, &mut random)).unwrap();
    }
    source.flush().unwrap();
    println!("{}", mock.bootstrap_servers());
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// An envelope of 330 bytes; one in three holds a number or an address.
fn message(number: usize, random: &mut Random) -> Traffic {
    let text = match random.below(6) {
        0 => format!("please call me back on +1 202-555-01{:02} before five", random.below(100)),
        1 => format!("my address is now u{}@example.org, the old one is gone", random.below(100_000)),
        2 => "thanks, see you tomorrow at the clinic then".to_owned(),
        3 => "is the shop open on Sunday, and until when?".to_owned(),
        4 => "the parcel arrived, everything is fine with it".to_owned(),
        _ => "two tickets for Friday please, if there are any left".to_owned(),
    };
    let mut json = format!(
        "{{\"id\":\"m-{number:08}\",\"tenant\":\"north\",\"conversation\":\"c-{}\",\"channel\":{{\"type\":\"sms\",\"country\":\"US\"}},\"direction\":\"in\",\"text\":\"{text}\",\"labels\":[\"a\"],\"note\":\"",
        random.below(10_000)
    );
    while json.len() < N_BYTES - 2 {
        json.push_str("waiting for an answer from the desk ");
    }
    json.truncate(N_BYTES - 2);
    json.push_str("\"}");
    Traffic {
        partition: (number % N_PARTITIONS as usize) as i32,
        key: Some(format!("c-{}", random.below(10_000)).into_bytes()),
        value: Some(json.into_bytes()),
        ..Traffic::default()
    }
}

/// Works through everything; prints CPU microseconds a message, and messages a second.
fn member(role: &str) {
    let n: u64 = std::env::var("EFFACE_BENCH_MESSAGES").unwrap().parse().unwrap();
    let prefix = std::env::var("EFFACE_BENCH_PREFIX").unwrap_or_default();
    let input = std::env::var("EFFACE_BENCH_INPUT").unwrap_or_else(|_| "in".to_owned());
    let guarantee = if role == "once" { "exactly_once" } else { "at_least_once" };
    let text = format!(
        "[kafka]\nbootstrap_servers = \"{}\"\ngroup_id = \"{prefix}bench\"\nguarantee = \"{guarantee}\"\ninstance = \"i\"\n\
         [input]\ntopics = [\"{input}\"]\n[lanes.storage]\ntopic = \"{prefix}one\"\n\
         [lanes.analytics]\ntopic = \"{prefix}two\"\n[quarantine]\ntopic = \"{prefix}quarantine\"\n",
        std::env::var("EFFACE_BENCH_SERVERS").unwrap()
    );
    let config = Config::parse(&text, "bench", Path::new(".")).unwrap();
    let mut job = Job::build(config, &RuleSet::builtin().unwrap(), &|_| None).unwrap();
    if role == "pass" {
        job = job.pass_through_for_bench();
    }
    let control = Control::default();
    let tell: Tell = Arc::new(|_: &Event<'_>| {});
    std::thread::scope(|scope| {
        let runner = scope.spawn(|| job.run(&control, &tell));
        while control.n_done() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (began, cpu, first) = (Instant::now(), cpu_us(), control.n_done());
        while control.n_done() < n && began.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let (seconds, cpu, done) = (began.elapsed().as_secs_f64(), cpu_us() - cpu, control.n_done() - first);
        control.stop();
        assert!(runner.join().unwrap().unwrap().is_drained);
        assert_eq!(control.n_done(), n);
        println!("{} {}", cpu / done as f64, done as f64 / seconds);
    });
}

/// CPU time of this process, user and system. The clock of /proc ticks 100 times a second on every Linux that we know.
fn cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit(')').next().unwrap();
    let ticks: Vec<f64> = after.split_whitespace().skip(11).take(2).map(|n| n.parse().unwrap()).collect();
    (ticks[0] + ticks[1]) * 10_000.0
}
