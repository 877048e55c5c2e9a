//! Faults, thrown at real processes on a real Apache Kafka while messages flow, and a reader that looks at everything that
//! came out.
//!
//! ```sh
//! EFFACE_BROKER=1 cargo test --test faults                                  # the short run, minutes
//! EFFACE_BROKER=1 cargo test --release --test faults -- --fault F1 --kills 200 --messages 2000000 --seed 7
//! EFFACE_BROKER=1 cargo test --release --test faults -- --fault F1,F3,F11 --kills 20 --guarantee at_least_once
//! EFFACE_BROKER=1 cargo test --release --test faults -- --fault F12,F13 --pause 300     # outputs blocked for five minutes
//! EFFACE_BROKER=1 cargo test --release --test faults -- --fault F20 --kills 30 --every 60   # a soak
//! ```
//!
//! F6, F8, F9m and F14 are on the client library's own cluster, whose answers can be chosen, with at_least_once. F7 and F15 are
//! unit tests: `stream::kafka::clerk` and `stream::worker`.
//!
//! What is done is kept in `target/faults/SEED.jsonl`; `--resume` goes on after it. Without `EFFACE_BROKER=1` nothing runs.
//!
//! What must hold, for each fault: no record is lost (I1); with exactly_once none is repeated, with at_least_once no more than
//! the bound (I2); order per partition on storage, per key on analytics (I3); no planted value on any topic or in a log (I4);
//! every value is, to the byte, what it should be (I6); key, time and partition are kept (I7).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a suite that cannot go on has failed"
)]

mod arena;
mod hostile;
mod proxy;
mod requests;
mod verify;
mod weight;
mod world;

use arena::{Arena, Ground, Setting, guarantee};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use verify::Shape;

/// What to do.
#[derive(Clone, Debug)]
pub(crate) struct Args {
    pub(crate) seed: u64,
    /// Injections of each fault; none: few.
    pub(crate) kills: Option<usize>,
    /// Least messages of each fault.
    pub(crate) messages: usize,
    /// Messages written a second while faults go on.
    pub(crate) per_s: usize,
    pub(crate) faults: Vec<String>,
    pub(crate) guarantee: String,
    /// Length of a pause, and of bad weather.
    pub(crate) pause: Duration,
    /// Between the faults of a soak.
    pub(crate) every: Duration,
    pub(crate) session: Duration,
    pub(crate) shards: usize,
    pub(crate) resume: bool,
    /// Nothing was asked for: the run of `.ci/run`.
    pub(crate) is_short: bool,
}

/// Name, cluster, messages, and what it does; returns how many injections there were.
type Fault = (&'static str, Ground, Shape, fn(&mut Arena, &Args) -> usize);

const ONE: Ground = Ground::Kafka(1);
const MOCK: Ground = Ground::Mock(3);

const FAULTS: &[Fault] = &[
    ("F1", ONE, Shape::SMALL, kills),
    ("F2", ONE, Shape::SMALL, rolling_restarts),
    ("F3", ONE, Shape::SMALL, pauses),
    ("F4", Ground::Kafka(3), Shape::SMALL, brokers_die),
    ("F5", ONE, Shape::SMALL, storm),
    ("F5r", ONE, Shape::SMALL, storm),
    ("F6", MOCK, requests::FEW, requests::refused),
    ("F8", MOCK, requests::FEW, requests::leaders_move),
    ("F9", ONE, requests::SOME_TOO_LONG, requests::too_long),
    ("F9m", MOCK, requests::FEW, requests::denied),
    ("F10", ONE, Shape::SMALL, transactions_time_out),
    ("F11", ONE, Shape::SMALL, bad_weather),
    ("F12", ONE, Shape::SMALL, weight::outputs_blocked),
    ("F13", ONE, weight::GREAT, weight::outputs_blocked),
    ("F14", Ground::Mock(1), requests::FEW, hostile::records_among_others),
    ("F17", ONE, Shape::SMALL, world::bad_configurations),
    ("F18", ONE, Shape::SMALL, world::no_room_for_logs),
    ("F19", ONE, Shape::SMALL, world::clock_jumps),
    ("F20", ONE, weight::LONG, weight::soak),
    ("F21", ONE, Shape::SMALL, world::truncated),
    ("F22", ONE, Shape::SMALL, world::topics_grow),
    ("F24", ONE, Shape::SMALL, close_hangs),
    ("twins", ONE, Shape::SMALL, twins),
];

fn main() {
    let Some(args) = args() else { return };
    if std::env::var_os("EFFACE_BROKER").is_none_or(|on| on != "1") {
        println!("faults: skipped, EFFACE_BROKER is not 1; it starts an Apache Kafka with mvn and java");
        return;
    }
    let log = root().join(format!("target/faults/{}.jsonl", args.seed));
    std::fs::create_dir_all(log.parent().unwrap()).unwrap();
    let done = if args.resume { std::fs::read_to_string(&log).unwrap_or_default() } else { String::new() };
    let mut n_bad = 0;
    for (name, ground, shape, act) in FAULTS {
        if !args.faults.iter().any(|wanted| wanted == name) {
            continue;
        }
        let guarantee = guarantee(*ground, &args).to_owned();
        let id = format!("{{\"fault\":\"{name}\",\"guarantee\":\"{guarantee}\",\"seed\":{}", args.seed);
        if done.lines().any(|line| line.starts_with(&id) && line.contains("\"ok\":true")) {
            println!("{name}: done before");
            continue;
        }
        let began = Instant::now();
        let mut arena = Arena::start(name, *ground, *shape, &args);
        let n_faults = act(&mut arena, &args);
        let notes = std::mem::take(&mut arena.notes).join("; ");
        let verdict = arena.finish(&args);
        let is_ok = verdict.is_ok(&guarantee);
        n_bad += usize::from(!is_ok);
        let line = format!(
            "{id},\"injections\":{n_faults},{verdict},\"seconds\":{},\"notes\":{notes:?},\"ok\":{is_ok}}}",
            began.elapsed().as_secs()
        );
        println!("{line}");
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        writeln!(file, "{line}").unwrap();
    }
    assert_eq!(n_bad, 0, "{n_bad} faults broke a promise");
}

/// Reads the arguments; nothing where the test runner wants other tests.
fn args() -> Option<Args> {
    let mut args = Args {
        seed: 1,
        kills: None,
        messages: 20_000,
        per_s: 2_000,
        faults: Vec::new(),
        guarantee: "exactly_once".to_owned(),
        pause: Duration::from_secs(9),
        every: Duration::from_secs(15),
        session: Duration::from_secs(5),
        shards: 1,
        resume: false,
        is_short: true,
    };
    let mut rest = std::env::args().skip(1);
    while let Some(arg) = rest.next() {
        let mut value = || rest.next().unwrap_or_else(|| panic!("{arg} needs a value"));
        let number = |text: String| text.parse::<usize>().unwrap_or_else(|_| panic!("{arg}: not a number"));
        match arg.as_str() {
            "--seed" => args.seed = number(value()) as u64,
            "--kills" => args.kills = Some(number(value())),
            "--messages" => args.messages = number(value()),
            "--rate" => args.per_s = number(value()),
            "--fault" => args.faults = value().split(',').map(str::to_owned).collect(),
            "--guarantee" => args.guarantee = value(),
            "--pause" => args.pause = Duration::from_secs(number(value()) as u64),
            "--every" => args.every = Duration::from_secs(number(value()) as u64),
            "--session" => args.session = Duration::from_secs(number(value()) as u64),
            "--shards" => args.shards = number(value()),
            "--resume" => args.resume = true,
            "--list" => return None,
            // Of the usual test runner; a name of another test is not for us.
            other if other.starts_with('-') => {
                if matches!(other, "--test-threads" | "--skip" | "--format" | "--color") {
                    value();
                }
            }
            other if !other.contains("faults") => return None,
            _ => {}
        }
    }
    args.is_short = args.faults.is_empty();
    if args.is_short {
        args.faults = ["F1", "F3", "F14", "F21"].map(str::to_owned).to_vec();
        args.kills = args.kills.or(Some(3));
    }
    Some(args)
}

/// Lets messages flow for a while.
fn flow(time: Duration) {
    std::thread::sleep(time);
}

/// Asks for a path; returns code and body.
pub(crate) fn get(at: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(at).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let code = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (code, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
}

/// Waits for an answer of the library's administration, which comes on a thread of its own.
pub(crate) fn wait_for<T>(answer: impl Future<Output = T>) -> T {
    let mut answer = std::pin::pin!(answer);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
            return answer;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// F1: SIGKILL of ours at random moments.
fn kills(arena: &mut Arena, args: &Args) -> usize {
    arena.set(3, &Setting::default());
    let n = args.kills.unwrap_or(10);
    for _ in 0..n {
        flow(arena.random_ms(300, 2_500));
        let at = arena.pick();
        arena.kill(at);
        flow(arena.random_ms(0, 800));
        arena.restart(at);
    }
    n
}

/// F2: each in turn is asked to stop, and must do so in good order.
fn rolling_restarts(arena: &mut Arena, args: &Args) -> usize {
    arena.set(3, &Setting::default());
    let n = args.kills.unwrap_or(6);
    for round in 0..n {
        flow(arena.random_ms(500, 2_000));
        arena.stop_well(round % 3);
        arena.restart(round % 3);
    }
    n
}

/// F3: a process stands still for longer than its session, and then goes on as if nothing had happened.
fn pauses(arena: &mut Arena, args: &Args) -> usize {
    arena.set(3, &Setting::default());
    let n = args.kills.unwrap_or(3);
    for _ in 0..n {
        flow(arena.random_ms(1_000, 3_000));
        let at = arena.pick();
        arena.signal(at, "STOP");
        flow(args.pause);
        arena.signal(at, "CONT");
    }
    flow(Duration::from_secs(2));
    n
}

/// F4: brokers are killed, one at a time, and come back.
fn brokers_die(arena: &mut Arena, args: &Args) -> usize {
    arena.set(3, &Setting::default());
    let n = args.kills.unwrap_or(3);
    for _ in 0..n {
        flow(arena.random_ms(2_000, 5_000));
        let broker = 1 + arena.random.below(3) as u32;
        arena.kill_broker(broker);
        flow(arena.random_ms(500, 4_000));
        arena.start_broker(broker);
        // A broker that is not in step again cannot be done without.
        flow(Duration::from_secs(8));
    }
    n
}

/// F5: members come and go all the time.
fn storm(arena: &mut Arena, args: &Args) -> usize {
    let strategy = if arena.name == "F5r" { "range" } else { "cooperative-sticky" };
    arena.set(1, &Setting { strategy: Some(strategy), ..Setting::default() });
    let n = args.kills.unwrap_or(8);
    let mut n_changes = 0;
    for _ in 0..n {
        flow(arena.random_ms(1_000, 5_000));
        let wanted = 1 + arena.random.below(6) as usize;
        n_changes += arena.scale(wanted);
    }
    arena.scale(2);
    n_changes
}

/// F10: brokers give up a transaction whose process stands still, and the group does not.
fn transactions_time_out(arena: &mut Arena, args: &Args) -> usize {
    arena.set(2, &Setting { transaction_ms: Some(3_000), session_ms: Some(45_000), ..Setting::default() });
    let n = args.kills.unwrap_or(3);
    for _ in 0..n {
        flow(arena.random_ms(1_000, 2_500));
        let at = arena.pick();
        arena.signal(at, "STOP");
        flow(Duration::from_secs(7));
        arena.signal(at, "CONT");
    }
    flow(Duration::from_secs(2));
    n
}

/// F11: between us and the broker messages are late, connections break, go silent, are slow.
fn bad_weather(arena: &mut Arena, args: &Args) -> usize {
    arena.set(2, &Setting { through_proxy: true, ..Setting::default() });
    let n = args.kills.unwrap_or(4);
    for round in 0..n {
        flow(arena.random_ms(1_000, 2_000));
        arena.weather(round % 5);
        flow(args.pause);
        arena.weather(usize::MAX);
    }
    flow(Duration::from_secs(2));
    n
}

/// F24: the broker says nothing any more, and the end is asked for: the process ends all the same.
fn close_hangs(arena: &mut Arena, args: &Args) -> usize {
    let n = args.kills.unwrap_or(1);
    arena.set(1, &Setting { drain_ms: Some(2_000), ..Setting::default() });
    for _ in 0..n {
        flow(Duration::from_secs(4));
        arena.signal_broker(1, "STOP");
        let took = arena.stop_somehow(0);
        arena.signal_broker(1, "CONT");
        assert!(took < Duration::from_secs(30), "the process took {took:?} to end");
        arena.restart(0);
    }
    n
}

/// Two processes with one name: one of them ends and says why; nothing comes out twice.
fn twins(arena: &mut Arena, _: &Args) -> usize {
    arena.set(1, &Setting::default());
    flow(Duration::from_secs(3));
    arena.twin(0);
    flow(Duration::from_secs(12));
    let said = arena.ended_with(2, "another process uses the transactional id");
    assert!(said, "one of two with the same name ends");
    arena.revive();
    1
}
