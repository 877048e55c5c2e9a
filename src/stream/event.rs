//! What a stream tells while it runs: typed, no text of messages, one line each.

use serde::Serialize;

/// Something worth a line in the log.
///
/// # Security
/// Names of topics, policies and lanes, coordinates, counts, and words of the client library about brokers. No value, key or
/// header of a record has a place here.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event<'e> {
    /// What will be done.
    Start(Start<'e>),
    /// Metrics and health are told here.
    Listening {
        /// Address and port.
        at: String,
    },
    /// Partitions came.
    Assigned {
        /// How many.
        n: usize,
    },
    /// Partitions went.
    Revoked {
        /// How many.
        n: usize,
        /// Whether everything that was under way there is out and committed.
        drained: bool,
    },
    /// An output was refused; its partition is read again from this offset.
    Rewound {
        /// Of the input.
        topic: &'e str,
        /// Of the input.
        partition: i32,
        /// Of the input.
        offset: i64,
    },
    /// A transaction cannot be committed.
    Aborting {
        /// The client library's word.
        why: &'e str,
    },
    /// A transaction was aborted; its records are read again.
    Aborted {
        /// It may be committed all the same; the cluster is asked.
        in_doubt: bool,
    },
    /// A partition has more to read and stands still; it is read again from there.
    Stalled {
        /// Of the input.
        topic: &'e str,
        /// Of the input.
        partition: i32,
        /// Of the input.
        offset: i64,
    },
    /// The producer was of no use any more; another takes its place.
    Rebuilt,
    /// Offsets could not be committed; a later commit will.
    CommitFailed {
        /// The client library's word.
        why: String,
    },
    /// The client library has something to say about brokers.
    Broker {
        /// Its words.
        text: &'e str,
    },
    /// The end was asked for.
    Stopping {
        /// Records under way.
        n_in_flight: usize,
    },
    /// The end.
    Stopped {
        /// Whether everything that was taken is out and committed.
        drained: bool,
        /// Records that are out on every lane.
        n_done: u64,
        /// Records in quarantine.
        n_quarantined: u64,
        /// Pieces of personal data found.
        n_detections: u64,
    },
}

/// What a stream will do.
#[derive(Clone, Debug, Serialize)]
pub struct Start<'e> {
    /// Of efface.
    pub version: &'static str,
    /// Where the brokers are.
    pub bootstrap_servers: &'e str,
    /// The consumer group.
    pub group_id: &'e str,
    /// What holds when the process is killed.
    pub guarantee: &'static str,
    /// What is read.
    pub topics: &'e [String],
    /// What fields hold, and how values are laid out.
    pub envelope: &'e str,
    /// What is written.
    pub lanes: Vec<StartLane<'e>>,
    /// Where goes what cannot be handled.
    pub quarantine: &'e str,
    /// Rules that look for personal data.
    pub n_rules: usize,
    /// Threads that scan.
    pub n_threads: usize,
    /// Most records that come out twice when the process is killed.
    pub replay_records: usize,
}

/// One output of a stream.
#[derive(Clone, Debug, Serialize)]
pub struct StartLane<'e> {
    /// Its name.
    pub lane: &'e str,
    /// Its topic.
    pub topic: &'e str,
    /// The policy.
    pub policy: &'e str,
    /// Identifies the policy's text.
    pub policy_hash: &'e str,
    /// What becomes of keys.
    pub key: &'static str,
}

impl Event<'_> {
    /// Returns how bad it is.
    #[must_use]
    pub const fn level(&self) -> &'static str {
        match self {
            Self::Aborting { .. } | Self::Aborted { .. } | Self::Stalled { .. } | Self::Rebuilt => "warn",
            Self::CommitFailed { .. } | Self::Rewound { .. } | Self::Broker { .. } => "warn",
            Self::Revoked { drained, .. } if !*drained => "warn",
            Self::Stopped { drained, .. } if !*drained => "error",
            _ => "info",
        }
    }
}
