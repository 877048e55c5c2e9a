//! What is the lane's own: where a record goes, and what is stamped on it.

use super::config::Key;
use crate::crypt::LaneClass;
use siphasher::sip::SipHasher24;
use std::fmt::Write as _;
use std::hash::Hasher;

/// What an output tells of where its record came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Same partition, same time, and the source's coordinates in a header.
    Traced,
    /// A partition by the rewritten key, time to the hour, nothing of the source.
    Unlinked,
}

/// One output, ready for work.
#[derive(Clone, Debug)]
pub struct LanePlan {
    /// Its name.
    pub name: String,
    /// Its topic.
    pub topic: String,
    /// What it tells of the source.
    pub shape: Shape,
    /// What becomes of keys.
    pub key: Key,
    /// Headers that are passed on.
    pub headers: Vec<String>,
    /// Identifies the policy: 16 hexadecimal digits.
    pub policy_hash: String,
    /// What keys of tokens on it are for.
    pub class: LaneClass,
}

/// The header that names the policy.
pub const POLICY_HEADER: &str = "efface-policy";
/// The header that names the version.
pub const VERSION_HEADER: &str = "efface-version";
/// The header with the source's coordinates, `topic/partition/offset`.
pub const SOURCE_HEADER: &str = "efface-source";

impl LanePlan {
    /// Returns the partition that a record goes to. `key` is the rewritten one; records without a key stay together by
    /// their source partition, hashed.
    ///
    /// A fixed key is enough for the hash: it sees no personal value, but the token of one, or a label. Labels are the same
    /// for all persons, so personal keys without tokens gather in few partitions.
    #[must_use]
    pub fn partition(&self, source: i32, key: Option<&[u8]>, n_partitions: i32) -> i32 {
        if self.shape == Shape::Traced {
            return source;
        }
        let mut hasher = SipHasher24::new_with_keys(PARTITION_KEY.0, PARTITION_KEY.1);
        match key {
            Some(key) => hasher.write(key),
            None => hasher.write_i32(source),
        }
        i32::try_from(hasher.finish() % u64::from(n_partitions.max(1).unsigned_abs())).unwrap_or(0)
    }

    /// Returns the time that a record gets, in milliseconds since 1970.
    #[must_use]
    pub fn time_ms(&self, source_ms: i64) -> i64 {
        match self.shape {
            Shape::Traced => source_ms,
            // 0 would mean now.
            Shape::Unlinked => (source_ms - source_ms.rem_euclid(HOUR_MS)).max(1),
        }
    }
}

/// Writes the source's coordinates.
pub(super) fn source(topic: &str, partition: i32, offset: i64, into: &mut String) {
    into.clear();
    // Writing to a string does not fail.
    let _ = write!(into, "{topic}/{partition}/{offset}");
}

/// Writes the body of a quarantined record: coordinates and the reason, one word of a closed list.
pub(super) fn quarantine(topic: &str, partition: i32, offset: i64, reason: &str, into: &mut String) {
    into.clear();
    let _ = write!(
        into,
        "{{\"efface\":\"quarantined\",\"reason\":\"{reason}\",\"topic\":\"{topic}\",\"partition\":{partition},\"offset\":{offset}}}"
    );
}

const HOUR_MS: i64 = 3_600_000;
/// "efface, partition" in two numbers; changing it moves keys between partitions.
const PARTITION_KEY: (u64, u64) = (0x6566_6661_6365_2c20, 0x7061_7274_6974_696f);

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(shape: Shape) -> LanePlan {
        LanePlan {
            name: "a".to_owned(),
            topic: "a".to_owned(),
            shape,
            key: Key::Scan,
            headers: Vec::new(),
            policy_hash: String::new(),
            class: LaneClass::Storage,
        }
    }

    #[test]
    fn partitions_and_times() {
        let (traced, unlinked) = (plan(Shape::Traced), plan(Shape::Unlinked));
        assert_eq!(traced.partition(7, Some(b"k"), 24), 7);
        assert_eq!(unlinked.partition(7, Some(b"k"), 24), unlinked.partition(3, Some(b"k"), 24));
        let used: std::collections::BTreeSet<i32> =
            (0..1_000).map(|n: i32| unlinked.partition(0, Some(&n.to_le_bytes()), 24)).collect();
        assert_eq!(used.len(), 24, "every partition is used, and none beyond: {used:?}");
        assert_eq!(traced.time_ms(7_300_001), 7_300_001);
        assert_eq!(unlinked.time_ms(7_300_001), 7_200_000);
    }

    #[test]
    fn a_quarantined_record_tells_where_and_why() {
        let mut text = String::new();
        quarantine("chat.raw", 3, 77, "broken_json", &mut text);
        assert_eq!(
            text,
            r#"{"efface":"quarantined","reason":"broken_json","topic":"chat.raw","partition":3,"offset":77}"#
        );
    }
}
