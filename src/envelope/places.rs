//! Many JSON Pointers at once, each for one place and not for what is below it: which of them name a field?
//!
//! The pointers become one automaton that steps once per key or index, like that of [`super::Selectors`]; but it is asked
//! after the walk, so that what a document looks like can say which pointers count.

use super::fields::{FieldKind, Fields, MEMBER, ROOT, Walked};
use super::select::{Segment, SelectorError, decimal, segments};
use std::collections::HashMap;

/// Compiled pointers. A segment that is `*` stands for any key or index.
#[derive(Clone, Debug, Default)]
pub struct Places {
    states: Vec<State>,
}

/// Where the automaton is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaceId(u32);

#[derive(Clone, Debug, Default)]
struct State {
    /// The numbers of the pointers that name exactly this place; those with fewer `*` first, then the later.
    here: Box<[u16]>,
    /// Keys and indexes that lead elsewhere, sorted.
    named: Box<[(Box<[u8]>, PlaceId)]>,
    /// Where every other key or index leads.
    other: PlaceId,
    /// Whether a pointer names the key that leads here.
    by_name: bool,
}

impl PlaceId {
    /// The place that no pointer names, nor anything below it.
    pub const NOWHERE: Self = Self(0);
}

impl Places {
    /// Compiles pointers; each has the number of its place in the list.
    ///
    /// # Errors
    /// A pointer is not one, or there are too many.
    pub fn build(pointers: &[&str]) -> Result<Self, SelectorError> {
        if pointers.len() > MAX_POINTERS {
            return Err(SelectorError::TooLarge { limit: MAX_POINTERS });
        }
        let paths = pointers.iter().map(|pointer| segments(pointer)).collect::<Result<Vec<_>, _>>()?;
        let mut builder = Builder { paths, states: vec![State::default()], known: HashMap::new(), work: Vec::new() };
        builder.known.insert((0, Vec::new()), PlaceId::NOWHERE);
        let all = (0..builder.paths.len()).collect();
        builder.number(0, all)?;
        builder.run()?;
        Ok(Self { states: builder.states })
    }

    /// Returns the place of the whole document.
    #[must_use]
    pub fn root(&self) -> PlaceId {
        if self.states.len() > 1 { PlaceId(1) } else { PlaceId::NOWHERE }
    }

    /// Returns the numbers of the pointers that name exactly this place, the most telling first: fewest `*`, then latest.
    #[inline]
    #[must_use]
    pub fn here(&self, place: PlaceId) -> &[u16] {
        self.states.get(place.0 as usize).map(|state| &*state.here).unwrap_or_default()
    }

    /// Steps into the member of an object.
    #[inline]
    #[must_use]
    pub fn key(&self, from: PlaceId, key: &[u8]) -> PlaceId {
        match self.states.get(from.0 as usize) {
            Some(state) if from != PlaceId::NOWHERE => state.step(key),
            _ => PlaceId::NOWHERE,
        }
    }

    /// Steps into the element of an array.
    #[inline]
    #[must_use]
    pub fn index(&self, from: PlaceId, index: u32) -> PlaceId {
        match self.states.get(from.0 as usize) {
            Some(state) if from != PlaceId::NOWHERE && state.named.is_empty() => state.other,
            Some(state) if from != PlaceId::NOWHERE => state.step(decimal(index, &mut [0; 10])),
            _ => PlaceId::NOWHERE,
        }
    }

    /// Fills `nodes` with the places of a record's arrays and objects, and `places` with those of its fields. A key that a
    /// pointer names has the place of its member, which may be no field; any other key is nowhere.
    ///
    /// # Cost
    /// A search among the keys that pointers name there, for each field whose array or object is somewhere.
    pub fn walk(
        &self,
        buffer: &[u8],
        fields: &Fields,
        walked: Walked,
        nodes: &mut Vec<PlaceId>,
        places: &mut Vec<PlaceId>,
    ) {
        nodes.clear();
        places.clear();
        let step = |nodes: &[PlaceId], node: u32, name: u32, index: u32| {
            let from = match node.checked_sub(walked.first_node).and_then(|at| nodes.get(at as usize)) {
                Some(&from) => from,
                None => self.root(),
            };
            match index {
                _ if from == PlaceId::NOWHERE => from,
                ROOT => from,
                MEMBER => {
                    let key = fields.field(name).map(|key| fields.text(buffer, key)).unwrap_or_default();
                    self.key(from, key)
                }
                index => self.index(from, index),
            }
        };
        for node in fields.nodes.get(walked.first_node as usize..walked.last_node as usize).unwrap_or_default() {
            let place = step(nodes, node.node, node.name, node.index);
            nodes.push(place);
        }
        let own = fields.fields.get(walked.first as usize..walked.last as usize).unwrap_or_default();
        places.resize(own.len(), PlaceId::NOWHERE);
        let key = |places: &mut [PlaceId], name: u32, index: u32, place: PlaceId| {
            if index == MEMBER
                && self.states.get(place.0 as usize).is_some_and(|state| state.by_name)
                && let Some(key) = name.checked_sub(walked.first).and_then(|at| places.get_mut(at as usize))
            {
                *key = place;
            }
        };
        for (at, field) in own.iter().enumerate() {
            if !field.is_key() {
                let place = step(nodes, field.node, field.name, field.index);
                key(places, field.name, field.index, place);
                if let Some(own) = places.get_mut(at) {
                    *own = place;
                }
            }
        }
        let inner = fields.nodes.get(walked.first_node as usize..walked.last_node as usize).unwrap_or_default();
        for (node, &place) in inner.iter().zip(nodes.iter()) {
            key(places, node.name, node.index, place);
        }
        // A key may be all that there is of a member: of `null` and `true` there is no field.
        for (at, field) in (walked.first..).zip(own) {
            if field.kind == FieldKind::Key && places.get((at - walked.first) as usize) == Some(&PlaceId::NOWHERE) {
                key(places, at, MEMBER, step(nodes, field.node, at, MEMBER));
            }
        }
    }
}

impl State {
    #[inline]
    fn step(&self, segment: &[u8]) -> PlaceId {
        match self.named.binary_search_by(|(name, _)| (**name).cmp(segment)) {
            Ok(at) => self.named.get(at).map_or(self.other, |(_, to)| *to),
            Err(_) => self.other,
        }
    }
}

/// The subset construction; all paths advance one segment per step.
struct Builder {
    paths: Vec<Vec<Segment>>,
    states: Vec<State>,
    known: HashMap<(usize, Vec<usize>), PlaceId>,
    work: Vec<(PlaceId, usize, Vec<usize>)>,
}

impl Builder {
    fn run(&mut self) -> Result<(), SelectorError> {
        while let Some((id, depth, alive)) = self.work.pop() {
            let segment = |path: usize| self.paths.get(path).and_then(|path| path.get(depth));
            let mut names: Vec<Box<[u8]>> = Vec::new();
            for &path in &alive {
                if let Some(Segment::Named(name)) = segment(path) {
                    names.push(name.clone());
                }
            }
            names.sort_unstable();
            names.dedup();
            let through = |name: Option<&[u8]>| -> Vec<usize> {
                let takes = |path: &usize| match segment(*path) {
                    Some(Segment::Any) => true,
                    Some(Segment::Named(own)) => name == Some(own),
                    None => false,
                };
                alive.iter().copied().filter(takes).collect()
            };
            let other = through(None);
            let next: Vec<_> = names.into_iter().map(|name| (through(Some(&name)), name)).collect();
            let other = self.number(depth + 1, other)?;
            let mut named = Vec::with_capacity(next.len());
            for (alive, name) in next {
                named.push((name, self.number(depth + 1, alive)?));
            }
            if let Some(state) = self.states.get_mut(id.0 as usize) {
                state.named = named.into_boxed_slice();
                state.other = other;
            }
        }
        Ok(())
    }

    fn number(&mut self, depth: usize, alive: Vec<usize>) -> Result<PlaceId, SelectorError> {
        if alive.is_empty() {
            return Ok(PlaceId::NOWHERE);
        }
        if let Some(&id) = self.known.get(&(depth, alive.clone())) {
            return Ok(id);
        }
        if self.states.len() >= MAX_STATES {
            return Err(SelectorError::TooLarge { limit: MAX_STATES });
        }
        let id = PlaceId(u32::try_from(self.states.len()).unwrap_or(0));
        let mut here: Vec<(usize, u16)> = Vec::new();
        for &at in &alive {
            if let Some(path) = self.paths.get(at).filter(|path| path.len() == depth) {
                let n_any = path.iter().filter(|segment| matches!(segment, Segment::Any)).count();
                here.push((n_any, u16::try_from(at).unwrap_or(u16::MAX)));
            }
        }
        here.sort_unstable_by_key(|&(n_any, at)| (n_any, std::cmp::Reverse(at)));
        let here = here.into_iter().map(|(_, at)| at).collect();
        // All of them took the same step, so that it is one or the other for everybody who comes here.
        let by_name = depth.checked_sub(1).is_some_and(|last| {
            let step = |path: &usize| self.paths.get(*path).and_then(|path| path.get(last));
            alive.iter().any(|path| matches!(step(path), Some(Segment::Named(_))))
        });
        self.states.push(State { here, named: Box::default(), other: PlaceId::NOWHERE, by_name });
        self.known.insert((depth, alive.clone()), id);
        self.work.push((id, depth, alive));
        Ok(id)
    }
}

/// Most pointers; they are numbered with 16 bits.
const MAX_POINTERS: usize = 32_768;

/// Most states of the automaton.
const MAX_STATES: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Envelope, Format};
    use crate::span::DocSpan;

    #[test]
    fn places_are_named_exactly() {
        let pointers = ["/from", "/a/*/from", "/a/0/from", "", "/*", "/from"];
        let places = Places::build(&pointers).unwrap();
        let walk = |path: &[&str]| {
            path.iter().fold(places.root(), |place, segment| match segment.parse() {
                Ok(index) => places.index(place, index),
                Err(_) => places.key(place, segment.as_bytes()),
            })
        };
        let check = |path: &[&str], expected: &[u16]| assert_eq!(places.here(walk(path)), expected, "{path:?}");
        check(&[], &[3]);
        check(&["from"], &[5, 0, 4]);
        check(&["x"], &[4]);
        check(&["x", "from"], &[]);
        check(&["a", "0", "from"], &[2, 1]);
        check(&["a", "7", "from"], &[1]);
        check(&["a", "7", "from", "from"], &[]);
        assert!(Places::build(&["a"]).is_err());
        let none = Places::build(&[]).unwrap();
        assert_eq!(none.here(none.key(none.root(), b"a")), &[] as &[u16]);
    }

    #[test]
    fn a_key_is_named_whatever_its_member_is() {
        let places = Places::build(&["/sent", "/of/at", "/list"]).unwrap();
        let doc = br#"{"sent":null,"of":{"at":true,"x":null},"list":[],"other":null,"none":{"at":1}}"#;
        let (mut fields, mut nodes, mut found) = (Fields::default(), Vec::new(), Vec::new());
        let body = DocSpan::new(0, u32::try_from(doc.len()).unwrap());
        let walked = Envelope::default().walk(Format::JsonLines, doc, body, &mut fields).unwrap();
        places.walk(doc, &fields, walked, &mut nodes, &mut found);
        let own = walked.fields().filter_map(|at| fields.field(at)).zip(&found);
        let named = own.filter(|(field, place)| field.is_key() && **place != PlaceId::NOWHERE);
        let named: Vec<&[u8]> = named.map(|(field, _)| fields.text(doc, field)).collect();
        assert_eq!(named, [&b"sent"[..], b"of", b"at", b"list"]);
    }
}
