//! Memory, threads and descriptors while outputs are blocked, messages are great, and faults go on for long.

use crate::arena::{Arena, Setting, Usage};
use crate::proxy::WRITER;
use crate::verify::Shape;
use crate::{Args, flow};
use std::time::{Duration, Instant};

/// Many partitions, and messages of nearly 1 MiB.
pub(crate) const GREAT: Shape =
    Shape { n_partitions: 500, n_padding: 980_000, messages: Some(1_200), per_s: Some(12), ..Shape::SMALL };

/// So many messages that brokers cannot keep them all.
pub(crate) const LONG: Shape = Shape { kept_bytes: Some(256 << 20), ..Shape::SMALL };

const MIB: usize = 1 << 20;
/// What is set (the defaults), and what `docs/operations.md` says follows from it for two lanes.
const CONSUMER: usize = 64 * MIB;
const IN_FLIGHT: usize = 64 * MIB;
const FIXED: usize = 30 * MIB;
const CAP: usize = CONSUMER + MIB + IN_FLIGHT + 2 * 2 * IN_FLIGHT + FIXED;

fn setting() -> Setting {
    Setting {
        through_proxy: true,
        producer: ", \"client.id\" = \"efface-writer\"",
        more: format!("consumer_bytes = {CONSUMER}\nin_flight_bytes = {IN_FLIGHT}\n"),
        ..Setting::default()
    }
}

/// F12, F13: the brokers take nothing of us for a while, and more comes in. Memory stays within its bounds, the group keeps us,
/// and what piled up is worked off soon.
pub(crate) fn outputs_blocked(arena: &mut Arena, args: &Args) -> usize {
    assert!(setting().producer.contains(WRITER));
    arena.set(1, &setting());
    let n = args.kills.unwrap_or(1);
    let mut seen = Vec::new();
    arena.watch(0, Duration::from_secs(10), &mut seen);
    assert!(arena.n_committed() > 0, "it never began");
    for _ in 0..n {
        arena.outputs_blocked(true);
        let before = arena.n_committed();
        arena.watch(0, args.pause, &mut seen);
        let behind = arena.n_fed() as i64 - arena.n_committed();
        arena.notes.push(format!("{} committed while blocked, {behind} behind", arena.n_committed() - before));
        arena.outputs_blocked(false);
        let took = arena.catches_up(Duration::from_secs(120));
        let took = took.expect("it does not catch up");
        arena.notes.push(format!("caught up after {:.1} s", took.as_secs_f64()));
        assert!(took < Duration::from_secs(60), "it took {took:?} to catch up");
        arena.watch(0, Duration::from_secs(2), &mut seen);
    }
    let peak = seen.iter().map(|usage| usage.rss_kb << 10).max().unwrap_or(0);
    arena.notes.push(format!("resident at most {} MiB, cap {} MiB", peak / MIB, CAP / MIB));
    let log = arena.log(0);
    assert_eq!(log.matches("\"event\":\"revoked\"").count(), 0, "it was put out of the group");
    assert!(log.matches("\"event\":\"assigned\"").count() > 0);
    assert!(peak <= CAP + CAP / 10, "resident memory was {peak}, and {CAP} is the cap");
    n
}

/// F20: for long, with a fault at times: a kill of another process, a pause, one more member and one less, bad weather. Of the
/// first process, which nobody kills, memory, threads and descriptors stay as they are.
pub(crate) fn soak(arena: &mut Arena, args: &Args) -> usize {
    arena.set(2, &Setting { session_ms: Some(6_000), ..setting() });
    let n = args.kills.unwrap_or(4);
    let mut seen: Vec<(Duration, Usage)> = Vec::new();
    let began = Instant::now();
    for round in 0..n {
        let mut quiet = Vec::new();
        arena.watch(0, args.every, &mut quiet);
        seen.extend(quiet.into_iter().map(|usage| (began.elapsed(), usage)));
        match round % 4 {
            0 => {
                arena.kill(1);
                flow(arena.random_ms(0, 3_000));
                arena.restart(1);
            }
            1 => {
                let at = arena.random.below(2) as usize;
                arena.signal(at, "STOP");
                flow(args.pause);
                arena.signal(at, "CONT");
            }
            2 => {
                arena.scale(4);
                flow(arena.random_ms(2_000, 5_000));
                arena.scale(2);
            }
            _ => {
                let kind = arena.random.below(5) as usize;
                arena.weather(kind);
                flow(args.pause);
                arena.weather(usize::MAX);
            }
        }
    }
    let took = arena.catches_up(Duration::from_secs(60)).expect("it does not catch up");
    // The first quarter warms up.
    let rest = seen.len() / 4;
    let part = |from: usize, to: usize, of: fn(&Usage) -> usize| -> usize {
        seen.get(from..to).unwrap_or_default().iter().map(|(_, usage)| of(usage)).max().unwrap_or(0)
    };
    let middle = rest + (seen.len() - rest) / 2;
    for (what, of) in [
        ("KiB resident", (|usage: &Usage| usage.rss_kb) as fn(&Usage) -> usize),
        ("threads", |usage| usage.n_threads),
        ("descriptors", |usage| usage.n_files),
    ] {
        let (first, second) = (part(rest, middle, of), part(middle, seen.len(), of));
        arena.notes.push(format!("{what}: at most {first}, then {second}"));
        assert!(second <= first + first / 4 + 4, "{what} grow: {first}, then {second}");
    }
    arena.notes.push(format!("{} s, caught up after {:.1} s", began.elapsed().as_secs(), took.as_secs_f64()));
    n
}
