//! What was seen where: counts of detections by entity, field and shape, bounded in number.

use crate::ids::EntityId;
use std::collections::HashMap;

/// Counts of detections by entity, field and shape.
///
/// # Security
/// Whoever notes a sighting sees to it that neither name nor shape tells a value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Entity, field and shape, joined by a byte that is in none of them.
    counts: HashMap<String, u64>,
    key: String,
}

/// One line of a census.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting<'c> {
    /// What was seen.
    pub entity: EntityId,
    /// The field that it stands in; empty for lines of text.
    pub field: &'c str,
    /// What it looks like; [`Census::OTHER`] for those that were too many to tell apart.
    pub shape: &'c str,
    /// How often.
    pub n: u64,
}

impl Census {
    /// So many combinations are told apart.
    pub const MOST: usize = 20_000;
    /// Stands for fields and shapes beyond that.
    pub const OTHER: &'static str = "(other)";

    /// Counts one detection.
    pub fn note(&mut self, entity: EntityId, field: &str, shape: &str) {
        let mut key = std::mem::take(&mut self.key);
        key.clear();
        let code = char::from_u32(u32::from(entity.0) + ENTITY).unwrap_or(BETWEEN);
        key.extend([code]);
        key.push_str(field);
        key.push(BETWEEN);
        key.push_str(shape);
        self.count(&key, 1);
        self.key = key;
    }

    /// Adds the counts of `other`.
    pub fn add(&mut self, other: Self) {
        if self.counts.is_empty() {
            self.counts = other.counts;
            return;
        }
        for (key, n) in other.counts {
            self.count(&key, n);
        }
    }

    /// Yields every combination with its count, in no order.
    pub fn sightings(&self) -> impl Iterator<Item = Sighting<'_>> {
        self.counts.iter().filter_map(|(key, &n)| {
            let mut letters = key.chars();
            let code = u32::from(letters.next()?).checked_sub(ENTITY)?;
            let (field, shape) = letters.as_str().split_once(BETWEEN)?;
            Some(Sighting { entity: EntityId(u16::try_from(code).ok()?), field, shape, n })
        })
    }

    /// Returns whether nothing was noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    fn count(&mut self, key: &str, n: u64) {
        if let Some(counted) = self.counts.get_mut(key) {
            *counted += n;
        } else if self.counts.len() < Self::MOST {
            self.counts.insert(key.to_owned(), n);
        } else {
            let entity: String = key.chars().take(1).collect();
            let other = format!("{entity}{}{BETWEEN}{}", Self::OTHER, Self::OTHER);
            *self.counts.entry(other).or_default() += n;
        }
    }
}

/// Stands between field and shape.
const BETWEEN: char = '\u{0}';
/// The first of a range of letters that is long enough for every entity.
const ENTITY: u32 = 0xf_0000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_bounds() {
        let mut census = Census::default();
        census.note(EntityId(2), "/a", "##");
        let mut other = Census::default();
        other.note(EntityId(2), "/a", "##");
        other.note(EntityId(700), "", "a");
        census.add(other);
        let mut seen: Vec<_> = census.sightings().map(|s| (s.entity.0, s.field, s.shape, s.n)).collect();
        seen.sort_unstable();
        assert_eq!(seen, [(2, "/a", "##", 2), (700, "", "a", 1)]);
        for n in 0..Census::MOST + 5 {
            census.note(EntityId(3), "/b", &format!("{n}"));
        }
        let n = census.sightings().count();
        assert_eq!(n, Census::MOST + 1);
        let rest = census.sightings().find(|s| s.shape == Census::OTHER).unwrap();
        assert_eq!((rest.field, rest.n), (Census::OTHER, 7));
    }
}
