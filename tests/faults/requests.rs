//! Requests that brokers refuse, leaders that move, outputs that are refused after they were taken.

use crate::arena::{Arena, Setting};
use crate::verify::{Shape, TOO_LONG};
use crate::{Args, flow};
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::mocking::MockCoordinator;
use rdkafka::types::{RDKafkaApiKey as Api, RDKafkaRespErr as Code};
use std::time::Duration;

/// Few at a time: what is refused must not be what we write ourselves.
pub(crate) const FEW: Shape = Shape { messages: Some(0), on_demand: true, ..Shape::SMALL };
/// One in 200 is too long for the storage lane's topic.
pub(crate) const SOME_TOO_LONG: Shape =
    Shape { too_long: 200, messages: Some(10_000), per_s: Some(500), ..Shape::SMALL };

/// Longest time for a refusal to be got over.
const OVER: Duration = Duration::from_secs(60);

/// Which requests are refused with what, and how often in a row.
const REFUSALS: &[(Api, Code, &[usize])] = {
    use Api as A;
    use Code as C;
    const ALL: &[usize] = &[1, 5, 100];
    const FEW: &[usize] = &[1, 5];
    &[
        (A::Produce, C::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, ALL),
        (A::Produce, C::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, ALL),
        (A::Produce, C::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND, ALL),
        (A::Produce, C::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, ALL),
        (A::Produce, C::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, FEW),
        (A::Produce, C::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, FEW),
        (A::Produce, C::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, ALL),
        (A::Produce, C::RD_KAFKA_RESP_ERR__TRANSPORT, ALL),
        (A::Fetch, C::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, ALL),
        (A::Fetch, C::RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, ALL),
        (A::Fetch, C::RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, FEW),
        (A::Fetch, C::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, ALL),
        (A::Fetch, C::RD_KAFKA_RESP_ERR__TRANSPORT, ALL),
        (A::OffsetCommit, C::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, FEW),
        (A::OffsetCommit, C::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, ALL),
        (A::OffsetCommit, C::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, FEW),
        (A::OffsetCommit, C::RD_KAFKA_RESP_ERR_NOT_COORDINATOR, ALL),
        (A::OffsetCommit, C::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, ALL),
        (A::OffsetCommit, C::RD_KAFKA_RESP_ERR__TRANSPORT, FEW),
        (A::Heartbeat, C::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, FEW),
        (A::Heartbeat, C::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, FEW),
        (A::Heartbeat, C::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, &[1]),
        (A::Heartbeat, C::RD_KAFKA_RESP_ERR_NOT_COORDINATOR, FEW),
        (A::JoinGroup, C::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, FEW),
        (A::JoinGroup, C::RD_KAFKA_RESP_ERR_NOT_COORDINATOR, FEW),
        (A::SyncGroup, C::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, FEW),
        (A::SyncGroup, C::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, &[1]),
        (A::OffsetFetch, C::RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, FEW),
        (A::OffsetFetch, C::RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, FEW),
        (A::FindCoordinator, C::RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, FEW),
        (A::FindCoordinator, C::RD_KAFKA_RESP_ERR__TRANSPORT, FEW),
        (A::Metadata, C::RD_KAFKA_RESP_ERR__TRANSPORT, FEW),
        (A::ListOffsets, C::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, FEW),
    ]
};

fn eager() -> Setting {
    Setting {
        properties: ", \"retry.backoff.ms\" = 20, \"retry.backoff.max.ms\" = 100",
        more: "commit_interval_ms = 50\nin_flight_records = 512\nbatch_records = 64\n".to_owned(),
        ..Setting::default()
    }
}

/// Starts so many processes, and waits until they work.
fn begin(arena: &mut Arena, n: usize) {
    arena.set(n, &eager());
    arena.feed(60);
    assert!(arena.is_out(OVER).1, "it never began");
}

/// F6: brokers refuse requests of each sort, once and many times in a row; what cannot be got over ends the process, which
/// says so and is started again.
pub(crate) fn refused(arena: &mut Arena, args: &Args) -> usize {
    begin(arena, 1);
    let all: Vec<(Api, Code, usize)> =
        REFUSALS.iter().flat_map(|&(api, code, often)| often.iter().map(move |n| (api, code, *n))).collect();
    // All of them unless fewer were asked for; then from all over the table.
    let step = args.kills.map_or(1, |n| all.len().div_ceil(n.max(1)));
    let mut n = 0;
    for (api, code, often) in all.into_iter().step_by(step) {
        arena.signal(0, "STOP");
        arena.feed(60);
        arena.mock().request_errors(api, &vec![code; often]);
        if matches!(api, Api::JoinGroup | Api::SyncGroup | Api::OffsetFetch | Api::FindCoordinator) {
            // Otherwise nobody asks.
            arena.mock().request_errors(Api::Heartbeat, &[Code::RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID]);
        }
        arena.signal(0, "CONT");
        // The process is to meet them, and not who looks after it.
        flow(Duration::from_millis(1_000));
        let (n_ended, came) = arena.is_out(OVER);
        arena.mock().clear_request_errors(api);
        arena.mock().clear_request_errors(Api::Heartbeat);
        if n_ended > 0 || !came {
            arena.notes.push(format!("{api:?} {code:?} x {often}: {n_ended} ended, went on: {came}"));
        }
        if !came {
            assert!(arena.is_out(OVER).1, "{api:?} {code:?} x {often}: it does not go on");
        }
        n += often;
    }
    n
}

/// F8: leaders and the coordinator move, nobody leads, connections break, answers are late.
pub(crate) fn leaders_move(arena: &mut Arena, args: &Args) -> usize {
    // From the next version of these requests on, this cluster names the new leader in its refusal, and dies where there is none.
    for (api, most) in [(Api::Produce, 9), (Api::Fetch, 15)] {
        arena.mock().apiversion(api, Some(0), Some(most)).unwrap();
    }
    begin(arena, 2);
    let n = args.kills.unwrap_or(30);
    let width = arena.shape.n_partitions as i32;
    let lead = |arena: &Arena, to: &dyn Fn(i32) -> i32| {
        for topic in ["raw", "storage", "analytics", "quarantine"] {
            for partition in 0..width {
                let topic = format!("{}.{topic}", arena.prefix);
                arena.mock().partition_leader(&topic, partition, Some(to(partition))).unwrap();
            }
        }
    };
    for round in 0..n {
        for at in 0..2 {
            arena.signal(at, "STOP");
        }
        arena.feed(120);
        let broker = 1 + arena.random.below(3) as i32;
        let next = broker % 3 + 1;
        match round % 5 {
            0 => lead(arena, &|partition| (partition + broker) % 3 + 1),
            1 => arena.mock().coordinator(MockCoordinator::Group(arena.prefix.clone()), broker).unwrap(),
            2 => {
                arena.mock().coordinator(MockCoordinator::Group(arena.prefix.clone()), next).unwrap();
                lead(arena, &|_| next);
                // Connections break as well. A broker of this cluster that is made to go down may take the others with it.
                arena.mock().request_errors(Api::Fetch, &[Code::RD_KAFKA_RESP_ERR__TRANSPORT; 3]);
                arena.mock().request_errors(Api::Produce, &[Code::RD_KAFKA_RESP_ERR__TRANSPORT; 3]);
            }
            // Nobody leads for a while.
            3 => {
                let topic = format!("{}.storage", arena.prefix);
                for partition in 0..width {
                    arena.mock().partition_leader(&topic, partition, None).unwrap();
                }
            }
            _ => arena.mock().broker_round_trip_time(-1, Duration::from_millis(500)).unwrap(),
        }
        for at in 0..2 {
            arena.signal(at, "CONT");
        }
        flow(arena.random_ms(500, 2_500));
        arena.mock().broker_round_trip_time(-1, Duration::ZERO).unwrap();
        if round % 5 == 3 {
            lead(arena, &|partition| partition % 3 + 1);
        }
        let (n_ended, came) = arena.is_out(OVER);
        assert!(came, "round {round}: it does not go on");
        if n_ended > 0 {
            arena.notes.push(format!("round {round}: {n_ended} ended"));
        }
    }
    n
}

/// F9: the storage lane's topic takes shorter records than others. What is too long is quarantined and nothing else.
pub(crate) fn too_long(arena: &mut Arena, _: &Args) -> usize {
    let topic = format!("{}.storage", arena.prefix);
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", &arena.servers).create().unwrap();
    // Compressed, in a batch of its own, what is too long still is.
    let most = (TOO_LONG / 2).to_string();
    let change = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", &most);
    crate::wait_for(admin.alter_configs([&change], &AdminOptions::new())).unwrap()[0].as_ref().unwrap();
    arena.set(2, &Setting::default());
    flow(Duration::from_secs(20));
    arena.shape.messages.unwrap_or(0) / arena.shape.too_long
}

/// F9 on the mock cluster: an output is refused for good. Its offset is not passed: the process ends and says so, and goes on
/// there when started again.
pub(crate) fn denied(arena: &mut Arena, args: &Args) -> usize {
    let n = args.kills.unwrap_or(3);
    begin(arena, 1);
    for _ in 0..n {
        arena.signal(0, "STOP");
        arena.feed(60);
        let denied = vec![Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 10_000];
        arena.mock().request_errors(Api::Produce, &denied);
        arena.signal(0, "CONT");
        let code = arena.ends_by_itself(0, Duration::from_secs(90));
        arena.mock().clear_request_errors(Api::Produce);
        assert_eq!(code, Some(2), "it goes on without its outputs");
        assert!(arena.log(0).contains("an output is refused again and again"));
        arena.restart(0);
        assert!(arena.is_out(OVER).1, "it does not go on");
    }
    n
}
