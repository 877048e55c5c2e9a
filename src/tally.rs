//! Counts without values: how often which entity was seen and what became of it.

use crate::ids::EntityId;

/// Counts of one run or one file.
///
/// # Security
/// Holds numbers only; safe to print and to export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records seen, quarantined ones included.
    pub n_records: u64,
    /// Records that could not be handled.
    pub n_quarantined: u64,
    /// Places of raw input that looked like a token.
    pub n_token_like: u64,
    /// Detections, indexed by entity.
    per_entity: Vec<u64>,
}

impl Tally {
    /// Counts one detection of `entity`.
    pub fn count(&mut self, entity: EntityId) {
        self.count_many(entity, 1);
    }

    /// Counts `n` detections of `entity`.
    pub fn count_many(&mut self, entity: EntityId, n: u64) {
        let at = usize::from(entity.0);
        if self.per_entity.len() <= at {
            self.per_entity.resize(at + 1, 0);
        }
        if let Some(counted) = self.per_entity.get_mut(at) {
            *counted += n;
        }
    }

    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        self.n_records += other.n_records;
        self.n_quarantined += other.n_quarantined;
        self.n_token_like += other.n_token_like;
        if self.per_entity.len() < other.per_entity.len() {
            self.per_entity.resize(other.per_entity.len(), 0);
        }
        for (n, more) in self.per_entity.iter_mut().zip(&other.per_entity) {
            *n += more;
        }
    }

    /// Returns how many detections of `entity` were counted.
    #[must_use]
    pub fn of(&self, entity: EntityId) -> u64 {
        self.per_entity.get(usize::from(entity.0)).copied().unwrap_or(0)
    }

    /// Returns how many detections were counted.
    #[must_use]
    pub fn n_detections(&self) -> u64 {
        self.per_entity.iter().sum()
    }

    /// Yields every entity that was seen, with its count.
    pub fn entities(&self) -> impl Iterator<Item = (EntityId, u64)> + '_ {
        self.per_entity
            .iter()
            .enumerate()
            .filter(|&(_, &n)| n > 0)
            .filter_map(|(at, &n)| Some((EntityId(u16::try_from(at).ok()?), n)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up() {
        let mut a = Tally::default();
        a.count(EntityId(2));
        let mut b = Tally { n_records: 3, ..Tally::default() };
        b.count(EntityId(2));
        b.count(EntityId(5));
        a.add(&b);
        assert_eq!((a.of(EntityId(2)), a.of(EntityId(5)), a.n_detections(), a.n_records), (2, 1, 3, 3));
        assert_eq!(a.entities().count(), 2);
    }
}
