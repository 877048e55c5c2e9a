//! Faults of what is around: configurations, logs, scrapers, clocks, and topics that others change.

use crate::arena::{Arena, Setting};
use crate::{Args, flow, get, root, wait_for};
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

fn admin(arena: &Arena) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", &arena.servers).create().unwrap()
}

/// F17: a process is started again with a configuration that is wrong. It does not start and says why, the others go on.
pub(crate) fn bad_configurations(arena: &mut Arena, args: &Args) -> usize {
    let bad =
        ["in_flight_records = 0\n", "no_such_limit = 1\n", "threads = \"many\"\n", "[lanes.third]\ntopic = \"x\"\n"];
    let good = Setting::default();
    arena.set(2, &good);
    let n = args.kills.unwrap_or(4);
    for round in 0..n {
        flow(Duration::from_secs(2));
        arena.stop_well(1);
        let wrong = Setting { more: bad[round % bad.len()].to_owned(), ..good.clone() };
        arena.with(&wrong).restart(1);
        let code = arena.ends_by_itself(1, Duration::from_secs(10));
        assert_eq!(code, Some(2), "{:?} starts", wrong.more);
        assert!(arena.log(1).trim_end().lines().next_back().unwrap().contains("hint: "), "{}", arena.log(1));
        arena.catches_up(Duration::from_secs(20)).expect("the other does not go on");
        arena.with(&good).restart(1);
    }
    n
}

/// F18: there is no room for the log, and metrics are asked for by many at once, some of whom never finish asking.
pub(crate) fn no_room_for_logs(arena: &mut Arena, args: &Args) -> usize {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let at = format!("127.0.0.1:{port}");
    arena.set(
        1,
        &Setting { log: Some("/dev/full"), more: format!("[metrics]\nlisten = \"{at}\"\n"), ..Setting::default() },
    );
    flow(Duration::from_secs(5));
    let (is_over, n_scrapes) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut idle: Vec<TcpStream> = (0..200).filter_map(|_| TcpStream::connect(&at).ok()).collect();
    for stream in &mut idle {
        let _ = stream.write_all(b"GET /metr");
    }
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    assert_eq!(get(&at, "/metrics").0, 200);
                    n_scrapes.fetch_add(1, Relaxed);
                }
            });
        }
        flow(args.pause);
        let before = arena.n_committed();
        flow(Duration::from_secs(2));
        let after = arena.n_committed();
        is_over.store(true, Relaxed);
        assert!(after > before, "it does not go on");
    });
    let used = arena.usage(0).unwrap();
    arena.notes.push(format!(
        "{} scrapes, {} connections that say nothing, {used:?}",
        n_scrapes.into_inner(),
        idle.len()
    ));
    arena.catches_up(Duration::from_secs(20)).expect("it does not catch up");
    2
}

/// F19: the time of day jumps an hour forward and back again.
pub(crate) fn clock_jumps(arena: &mut Arena, args: &Args) -> usize {
    let library = root().join("target/faults/clock.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(root().join("tests/faults/clock.c")).arg("-ldl");
    assert!(compiler.status().unwrap().success());
    let clock = arena.dir.join("clock");
    std::fs::write(&clock, "0").unwrap();
    let env = vec![("LD_PRELOAD", library.display().to_string()), ("EFFACE_CLOCK", clock.display().to_string())];
    arena.set(2, &Setting { env, ..Setting::default() });
    flow(Duration::from_secs(4));
    let n = args.kills.unwrap_or(6);
    for round in 0..n {
        let off = ["3600", "-3600", "0"][round % 3];
        let fresh = arena.dir.join("clock.new");
        std::fs::write(&fresh, off).unwrap();
        std::fs::rename(&fresh, &clock).unwrap();
        flow(arena.random_ms(1_500, 4_000));
        arena.catches_up(Duration::from_secs(20)).expect("it does not go on");
    }
    let told: Vec<i64> = arena
        .log(0)
        .lines()
        .filter_map(|line| line.split("\"at_ms\":").nth(1)?.split(',').next()?.parse().ok())
        .collect();
    arena.notes.push(format!("the log jumps: {}", told.windows(2).any(|two| (two[1] - two[0]).abs() > 3_000_000)));
    n
}

/// F21: records that were not read yet are deleted, of a process that is away and of one that stands still. It ends and says
/// so, and goes on nowhere until somebody decides where.
pub(crate) fn truncated(arena: &mut Arena, _: &Args) -> usize {
    let setting = Setting { session_ms: Some(30_000), ..Setting::default() };
    arena.set(1, &setting);
    for is_away in [true, false] {
        flow(Duration::from_secs(4));
        if is_away {
            arena.stop_well(0);
        } else {
            arena.signal(0, "STOP");
        }
        flow(Duration::from_secs(3));
        // As much as is there, less a few.
        let ends = arena.ends("raw", -20);
        wait_for(admin(arena).delete_records(&ends, &AdminOptions::new())).unwrap();
        flow(Duration::from_secs(2));
        if is_away {
            arena.restart(0);
        } else {
            arena.signal(0, "CONT");
        }
        let code = arena.ends_by_itself(0, Duration::from_secs(30));
        assert_eq!(code, Some(2), "it goes on");
        assert!(arena.log(0).contains("does not have the offset any more"));
        arena.restart(0);
        assert_eq!(arena.ends_by_itself(0, Duration::from_secs(30)), Some(2), "it goes on the second time");
        arena.reset_to(&ends);
        arena.restart(0);
        arena.catches_up(Duration::from_secs(60)).expect("it does not go on after a reset");
    }
    2
}

/// F22: the input topic gets more partitions than the storage lane's has. It ends, says so, and goes on when that has as many.
pub(crate) fn topics_grow(arena: &mut Arena, args: &Args) -> usize {
    arena.set(2, &Setting::default());
    let n = args.kills.unwrap_or(1);
    let admin = admin(arena);
    let grow = |topic: String, n: usize| {
        wait_for(admin.create_partitions(&[NewPartitions::new(&topic, n)], &AdminOptions::new())).unwrap();
    };
    for round in 1..=n {
        flow(Duration::from_secs(4));
        let wider = arena.shape.n_partitions + round;
        grow(format!("{}.raw", arena.prefix), wider);
        let ended = arena.one_ends(Duration::from_secs(30)).expect("nobody sees it");
        assert!(arena.log(ended).contains("has none to go to"), "{}", arena.log(ended));
        // The other lanes' topics stay: with more partitions their keys would move, and lose their order.
        grow(format!("{}.storage", arena.prefix), wider);
        flow(Duration::from_secs(2));
        for at in 0..2 {
            arena.stop_somehow(at);
            arena.restart(at);
        }
        arena.catches_up(Duration::from_secs(60)).expect("it does not go on");
    }
    n
}
