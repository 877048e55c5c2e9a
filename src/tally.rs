//! Counts without values: how often which entity was seen and what became of it.

use crate::ids::EntityId;

/// What clients promise not to send; counted when it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Numbers of documents that a state issues.
    GovId,
    /// Cards and bank accounts.
    Financial,
    /// Words of health, and numbers of patients.
    Health,
    /// Words of fingerprints, faces and the like.
    Biometric,
    /// Somebody who says to be, or is said to be, younger than the policy's age.
    Minor,
    /// A place with more than two decimals.
    PreciseGeo,
}

impl Category {
    /// Every category.
    pub const ALL: &'static [Self] =
        &[Self::GovId, Self::Financial, Self::Health, Self::Biometric, Self::Minor, Self::PreciseGeo];

    /// Returns the name as it stands in policies, packs and counts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GovId => "gov_id",
            Self::Financial => "financial",
            Self::Health => "health",
            Self::Biometric => "biometric",
            Self::Minor => "minor",
            Self::PreciseGeo => "precise_geo",
        }
    }

    /// Reads a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|category| category.name() == name)
    }
}

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
    /// What clients promised not to send, by category.
    alerts: [u64; Category::ALL.len()],
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

    /// Counts something of a category that clients promised not to send.
    pub fn alert(&mut self, category: Category) {
        self.alerts.get_mut(category as usize).into_iter().for_each(|n| *n += 1);
    }

    /// Yields every category of which something was counted.
    pub fn alerts(&self) -> impl Iterator<Item = (Category, u64)> + '_ {
        Category::ALL.iter().copied().zip(self.alerts).filter(|(_, n)| *n > 0)
    }

    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        self.n_records += other.n_records;
        self.n_quarantined += other.n_quarantined;
        self.n_token_like += other.n_token_like;
        if self.per_entity.len() < other.per_entity.len() {
            self.per_entity.resize(other.per_entity.len(), 0);
        }
        self.alerts.iter_mut().zip(other.alerts).for_each(|(n, more)| *n += more);
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
