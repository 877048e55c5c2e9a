//! What profiles say of records that look alike is said once.

use super::{Marks, Role};
use crate::envelope::{Fields, Mould, Outline, PlaceId, Walked};
use std::sync::Arc;

/// What follows from the look of a record.
#[derive(Debug, Default)]
pub(super) struct Shape {
    outline: Outline,
    /// One for each field.
    pub(super) places: Vec<PlaceId>,
    /// For each profile the needs that are met whatever the texts are, and how many places it names.
    pub(super) met: Vec<(u32, u32)>,
    /// Texts that are to be asked: which field, counted from the record's first, and the number of the pointer.
    pub(super) asks: Vec<(u32, u16)>,
    /// The profile of the last record: what its texts answered, and which one that makes.
    pub(super) best: Option<(u64, Option<usize>)>,
    pub(super) said: Option<Said>,
}

/// What is said of the fields; they are counted from the record's first.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) chosen: Option<usize>,
    pub(super) roles: Box<[Role]>,
    /// The values that hold something else than text.
    pub(super) telling: Box<[(u32, Role)]>,
    /// Those that hold text, keys among them.
    pub(super) open: Box<[u32]>,
    pub(super) marks: Marks,
    pub(super) regions: Box<[u32]>,
}

impl Shape {
    /// Whether nothing but the record's own keys and values has a say.
    pub(super) const fn stands_alone(&self) -> bool {
        !self.outline.has_foreign_names()
    }
}

/// The last look of every sort, by its number, and that of every mould.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    kept: Vec<Shape>,
    /// By the number of the mould. The mould itself stands here, so that no other can have its place.
    cast: Vec<Option<(Arc<Mould>, Shape)>>,
    /// Of a record that is too long to be kept in mind.
    large: Shape,
}

impl Shapes {
    /// Returns the shape of a record; what is not known yet is learned, and told by `tell`.
    pub(super) fn of(
        &mut self,
        buffer: &[u8],
        fields: &Fields,
        walked: Walked,
        tell: impl FnOnce(&mut Shape),
    ) -> &mut Shape {
        let Self { kept, cast, large } = self;
        if let Some((number, mould)) = fields.mould(walked) {
            if cast.len() <= number {
                cast.resize_with(number + 1, || None);
            }
            let Some(place) = cast.get_mut(number) else { return large };
            let known = place.as_ref().is_some_and(|(own, _)| Arc::ptr_eq(own, mould));
            debug_assert!(known || !mould.is_short(), "what is short was said");
            if !known {
                *place = None;
            }
            let shape = &mut place.get_or_insert_with(|| (Arc::clone(mould), Shape::default())).1;
            if !known {
                tell(shape);
            }
            return shape;
        }
        let number = usize::try_from(Outline::number(fields, walked) >> 32).unwrap_or(0) % MOST_SHAPES;
        let shape = if walked.fields().len() <= MOST_FIELDS {
            kept.resize_with(kept.len().max(number + 1), Shape::default);
            kept.get_mut(number).unwrap_or(large)
        } else {
            large
        };
        if shape.places.len() != walked.fields().len() || !shape.outline.is_of(buffer, fields, walked) {
            shape.outline.learn(buffer, fields, walked);
            (shape.best, shape.said) = (None, None);
            tell(shape);
        }
        shape
    }
}

impl Shapes {
    /// Shortens the mould of a record, of which all is said, and says the same of what is left: values, and keys that are scanned
    /// and not `quiet`.
    #[cold]
    pub(super) fn shorten(
        &mut self,
        buffer: &[u8],
        fields: &mut Fields,
        walked: Walked,
        mut quiet: impl FnMut(&[u8]) -> bool,
    ) {
        let number = fields.mould(walked).map(|(number, _)| number);
        let Some((_, shape)) = number.and_then(|number| self.cast.get(number)).and_then(Option::as_ref) else { return };
        let Some(said) = &shape.said else { return };
        let own = fields.all().get(walked.fields().start as usize..).unwrap_or_default();
        let key = |at: u32| own.get(at as usize).filter(|field| field.is_key()).map(|field| fields.text(buffer, field));
        let keeps: Vec<_> = said.open.iter().copied().filter(|&at| key(at).is_some_and(|key| !quiet(key))).collect();
        // The place of each field among those that stay.
        let mut n = 0;
        let places: Vec<_> = (0..)
            .zip(&said.roles)
            .map(|(at, _)| {
                let stays = key(at).is_none() || keeps.binary_search(&at).is_ok();
                n += u32::from(stays);
                stays.then(|| n - 1)
            })
            .collect();
        let place = |at: u32| places.get(at as usize).copied().flatten();
        let short = Said {
            chosen: said.chosen,
            roles: said.roles.iter().zip(&places).filter_map(|(role, place)| place.map(|_| *role)).collect(),
            telling: said.telling.iter().filter_map(|&(at, role)| Some((place(at)?, role))).collect(),
            open: said.open.iter().filter_map(|&at| place(at)).collect(),
            marks: said.marks.map(|mark| mark.and_then(place)),
            regions: said.regions.iter().filter_map(|&at| place(at)).collect(),
        };
        let best = shape.best;
        let Some((number, mould)) = fields.shorten(walked, |at| keeps.binary_search(&at).is_ok()) else { return };
        if self.cast.len() <= number {
            self.cast.resize_with(number + 1, || None);
        }
        if let Some(place) = self.cast.get_mut(number) {
            *place = Some((Arc::clone(mould), Shape { best, said: Some(short), ..Shape::default() }));
        }
    }
}

/// Shapes that are kept: more than one stream has.
const MOST_SHAPES: usize = 128;
/// Fields of a record whose shape is kept.
const MOST_FIELDS: usize = 256;
