//! What opens rules that count for nothing alone: words of the text, the name of the field, a default region.

use super::build::Recognizer;
use super::context::GroupId;
use super::verify::{Kinds, Rules};
use crate::ids::Region;
use crate::rules::{CountryFrom, Gate};
use std::collections::{BTreeMap, HashMap};

/// What opens rules that wait or ask for words.
#[derive(Default)]
pub(super) struct Gates {
    /// By group of words, what it opens.
    by_group: Vec<Open>,
    /// By phrase, where in `by_phrases` stands what it opens: first nothing, as most only speak against something.
    phrases: Box<[u32]>,
    by_phrases: Vec<Open>,
    /// What a default region opens, by region.
    by_region: Vec<(Region, Open)>,
}

/// Rules that a text opens, and what they look for.
#[derive(Clone, Debug, Default)]
pub(super) struct Open {
    pub(super) rules: Rules,
    kinds: Kinds,
}

impl Open {
    pub(super) fn add(&mut self, recognizer: u16, kinds: Kinds) {
        self.rules.add(recognizer);
        self.kinds.add(kinds);
    }

    /// Holds no rule afterwards, and its memory.
    fn clear(&mut self) {
        self.rules.clear();
        self.kinds = Kinds::default();
    }

    const fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    fn add_all(&mut self, others: &Self) {
        self.rules.add_all(&others.rules);
        self.kinds.add(others.kinds);
    }

    /// Returns whether one of the rules may look for one of `kinds`.
    #[inline]
    pub(super) const fn meets(&self, kinds: Kinds) -> bool {
        self.kinds.meets(kinds)
    }

    /// Returns whether a rule is in both.
    #[inline]
    pub(super) fn meets_all(&self, others: &Self) -> bool {
        self.kinds.meets(others.kinds) && self.rules.meets(&others.rules)
    }
}

/// What the default regions of the last text open; those of the next are mostly the same.
#[derive(Default)]
pub(super) struct OpenByRegions {
    regions: Vec<Region>,
    open: Open,
}

impl Gates {
    /// Takes note of what opens which rule; `phrases` are whom each phrase speaks of, and `enough` tells whether evidence, in
    /// tenths of a bit, is enough to be reported.
    pub(super) fn of<'p>(
        recognizers: &[Recognizer],
        phrases: impl Iterator<Item = &'p [GroupId]>,
        enough: impl Fn(i16) -> bool,
    ) -> Self {
        let (mut by_group, mut by_region) = (Vec::new(), BTreeMap::<Region, Open>::new());
        for (at, of) in (0..).zip(recognizers).filter(|(_, of)| of.gate == Gate::Context || of.waits) {
            for group in of.words.iter().chain(&of.labels) {
                by_group.resize(by_group.len().max(group.number() + 1), Open::default());
                by_group.get_mut(group.number()).into_iter().for_each(|open| open.add(at, of.kinds));
            }
            if let CountryFrom::Entity(region) = of.country
                && of.gate == Gate::Open
                && enough(of.most() + of.evidence.region)
            {
                by_region.entry(region).or_default().add(at, of.kinds);
            }
        }
        // Many phrases speak of the same groups.
        let (mut known, mut by_phrases) = (HashMap::new(), vec![Open::default()]);
        let phrases = phrases.map(|groups| {
            let opening = |group: &GroupId| by_group.get(group.number()).is_some_and(|open: &Open| !open.is_empty());
            let mut groups: Vec<usize> =
                groups.iter().filter(|group| opening(group)).map(|group| group.number()).collect();
            groups.sort_unstable();
            if groups.is_empty() {
                return 0;
            }
            *known.entry(groups).or_insert_with_key(|groups| {
                let mut open = Open::default();
                groups.iter().filter_map(|&group| by_group.get(group)).for_each(|own| open.add_all(own));
                by_phrases.push(open);
                // Far fewer than that.
                u32::try_from(by_phrases.len() - 1).unwrap_or(u32::MAX)
            })
        });
        let phrases = phrases.collect();
        Self { by_group, phrases, by_phrases, by_region: by_region.into_iter().collect() }
    }

    /// Fills `open` with the rules that default regions open.
    pub(super) fn open_by_regions(&self, regions: &[Region], known: &mut OpenByRegions, open: &mut Open) {
        if known.regions != regions {
            known.regions.clear();
            known.regions.extend_from_slice(regions);
            known.open.clear();
            for region in regions {
                if let Ok(at) = self.by_region.binary_search_by_key(region, |(region, _)| *region) {
                    self.by_region.get(at).into_iter().for_each(|(_, own)| known.open.add_all(own));
                }
            }
        }
        open.clear();
        open.add_all(&known.open);
    }

    /// Adds the rules that a phrase opens, given by its number.
    #[inline]
    pub(super) fn open_by_phrase(&self, phrase: usize, open: &mut Open) {
        if let Some(&place @ 1..) = self.phrases.get(phrase) {
            self.by_phrases.get(place as usize).into_iter().for_each(|own| open.add_all(own));
        }
    }

    /// Adds the rules that words of a group open.
    pub(super) fn open_by_words(&self, group: GroupId, open: &mut Open) {
        self.by_group.get(group.number()).into_iter().for_each(|own| open.add_all(own));
    }
}
