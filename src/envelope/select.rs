//! Selectors: which places of a document are scanned, kept, dropped or given to one operator.
//!
//! A selector is a JSON Pointer in which `*` stands for any key or index. The selectors of all lanes are compiled into
//! one automaton that steps once per key or index; the state that a field ends in tells its treatment on every lane, so
//! one walk serves all lanes. A selector speaks for everything below its place; the deepest selector wins, and of two
//! equally deep the later. Without selectors there is one state and nothing to step.

use std::collections::HashMap;

/// What becomes of a place in a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Treatment {
    /// Its text is scanned, and what is detected is rewritten.
    #[default]
    Scan,
    /// It stays as it is.
    Keep,
    /// The member or element is removed, whatever it holds.
    Drop,
    /// Every string, number, `true` and `false` goes to an operator as a whole. The number is the policy's own and comes
    /// back as it was given. Keys below such a place are scanned.
    Operator(u16),
}

/// A place, and what becomes of it and of all that is below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// A JSON Pointer (RFC 6901); a segment that is `*` stands for any key or index.
    pub pointer: String,
    /// What becomes of it.
    pub treatment: Treatment,
}

/// The selectors of one lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneSelectors {
    /// In order; of two that are equally deep the later wins.
    pub selectors: Vec<Selector>,
    /// What becomes of places that no selector names.
    pub other: Treatment,
}

/// A place that the caller wants to know again, such as the field that tells a record's region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// A JSON Pointer, as in [`Selector::pointer`]; it marks the field itself, not what is below it.
    pub pointer: String,
    /// Which bit of [`Selectors::marks`], `0..8`.
    pub bit: u8,
}

/// Why selectors do not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SelectorError {
    /// A pointer neither is empty nor begins with `/`, or holds a `~` without `0` or `1` after it.
    #[error(
        "not a JSON Pointer: {pointer:?}\n  hint: begin with a slash, as in /contact/name; write ~1 for a slash and ~0 for a tilde in a key"
    )]
    NotAPointer {
        /// The pointer as given.
        pointer: String,
    },
    /// The empty pointer is dropped: nothing would be left.
    #[error("drop of the whole document\n  hint: name the places to drop, or do not read the input at all")]
    DropsAll,
    /// More lanes than a lane mask holds.
    #[error("{lanes} lanes, limit is {limit}")]
    TooManyLanes {
        /// Lanes asked for.
        lanes: usize,
        /// The limit.
        limit: usize,
    },
    /// A mark's bit is out of range.
    #[error("mark bit is {bit}, limit is 7")]
    NoSuchMark {
        /// The bit asked for.
        bit: u8,
    },
    /// The automaton would be too large.
    #[error("selectors need more than {limit} states\n  hint: use fewer selectors with * in the middle")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
}

/// Compiled selectors.
///
/// # Cost
/// A step is a search among the keys that selectors name at that place; nothing where no selector can match any more.
#[derive(Clone, Debug)]
pub struct Selectors {
    states: Vec<State>,
    is_trivial: bool,
    scans_all: bool,
}

/// Where the automaton is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateId(u32);

#[derive(Clone, Debug, Default)]
struct State {
    /// Per lane.
    treatments: Vec<Treatment>,
    /// Whether a lane scans the place.
    scans: bool,
    /// Lanes on which the place is dropped.
    drops: u8,
    /// Whether a lane gives the place to an operator.
    operator: bool,
    /// The marks of exactly this place.
    marks: u8,
    /// Keys and indexes that lead elsewhere, sorted.
    named: Vec<(Box<[u8]>, StateId)>,
    /// Where every other key or index leads.
    other: StateId,
    /// Whether every step leads back here.
    ends: bool,
}

impl Default for Selectors {
    /// Scans everything, on up to [`MAX_LANES`] lanes.
    fn default() -> Self {
        let all = vec![Treatment::Scan; MAX_LANES];
        Self::of(vec![State { treatments: all, scans: true, ends: true, ..State::default() }])
    }
}

impl Selectors {
    fn of(states: Vec<State>) -> Self {
        let is_scan = |treatment: &Treatment| *treatment == Treatment::Scan;
        Self {
            is_trivial: states.len() == 1
                && states.iter().all(|state| state.marks == 0 && state.treatments.iter().all(is_scan)),
            scans_all: states.iter().all(|state| state.scans && !state.operator),
            states,
        }
    }

    /// Compiles the selectors of every lane, and the marks.
    ///
    /// # Errors
    /// A pointer is not one, drops everything, or there is too much of something.
    pub fn build(lanes: &[LaneSelectors], marks: &[Mark]) -> Result<Self, SelectorError> {
        if lanes.len() > MAX_LANES {
            return Err(SelectorError::TooManyLanes { lanes: lanes.len(), limit: MAX_LANES });
        }
        let mut paths = Vec::new();
        for (lane, selectors) in lanes.iter().enumerate() {
            if selectors.other == Treatment::Drop {
                return Err(SelectorError::DropsAll);
            }
            for selector in &selectors.selectors {
                let segments = segments(&selector.pointer)?;
                if segments.is_empty() && selector.treatment == Treatment::Drop {
                    return Err(SelectorError::DropsAll);
                }
                paths.push(Path { segments, says: Says::Treatment { lane, treatment: selector.treatment } });
            }
        }
        for mark in marks {
            if mark.bit > 7 {
                return Err(SelectorError::NoSuchMark { bit: mark.bit });
            }
            paths.push(Path { segments: segments(&mark.pointer)?, says: Says::Mark(1 << mark.bit) });
        }
        Builder { paths, states: Vec::new(), known: HashMap::new(), work: Vec::new() }.build(lanes)
    }

    /// Returns what becomes of a field on `lane`.
    #[must_use]
    pub fn treatment(&self, state: StateId, lane: usize) -> Treatment {
        self.state(state).and_then(|state| state.treatments.get(lane)).copied().unwrap_or_default()
    }

    /// Returns whether a lane scans the field.
    #[must_use]
    pub fn scans(&self, state: StateId) -> bool {
        self.state(state).is_none_or(|state| state.scans)
    }

    /// Returns whether a lane scans the key that leads to the place; beyond [`Selectors::scans`], keys of a place that goes
    /// to an operator are scanned.
    #[must_use]
    pub fn scans_key(&self, state: StateId) -> bool {
        self.state(state).is_none_or(|state| state.scans || state.operator)
    }

    /// Returns whether every place is scanned on a lane, keys too.
    #[inline]
    #[must_use]
    pub const fn scans_all(&self) -> bool {
        self.scans_all
    }

    /// Returns whether a place exists that is marked.
    #[must_use]
    pub fn has_marks(&self) -> bool {
        self.states.iter().any(|state| state.marks != 0)
    }

    /// Returns the marks of the field, one bit each.
    #[must_use]
    pub fn marks(&self, state: StateId) -> u8 {
        self.state(state).map_or(0, |state| state.marks)
    }

    /// Returns whether every place is scanned and none is marked.
    #[inline]
    #[must_use]
    pub const fn is_trivial(&self) -> bool {
        self.is_trivial
    }

    /// Returns the state of the whole document.
    pub(crate) const fn root(&self) -> StateId {
        StateId(0)
    }

    /// Returns the lanes on which the place is dropped, one bit each.
    #[inline]
    pub(super) fn drops(&self, state: StateId) -> u8 {
        self.state(state).map_or(0, |state| state.drops)
    }

    /// Returns whether a lane gives the place to an operator.
    pub(super) fn operates(&self, state: StateId) -> bool {
        self.state(state).is_some_and(|state| state.operator)
    }

    /// Steps into the member of an object.
    #[inline]
    pub(crate) fn key(&self, from: StateId, key: &[u8]) -> StateId {
        match self.state(from) {
            Some(state) if !state.ends => state.step(key),
            _ => from,
        }
    }

    /// Steps into the element of an array.
    #[inline]
    pub(crate) fn index(&self, from: StateId, index: u32) -> StateId {
        match self.state(from) {
            Some(state) if !state.ends => {
                if state.named.is_empty() {
                    return state.other;
                }
                let mut digits = [0; 10];
                state.step(decimal(index, &mut digits))
            }
            _ => from,
        }
    }

    #[inline]
    fn state(&self, state: StateId) -> Option<&State> {
        self.states.get(state.0 as usize)
    }
}

impl State {
    fn step(&self, segment: &[u8]) -> StateId {
        match self.named.binary_search_by(|(name, _)| (**name).cmp(segment)) {
            Ok(at) => self.named.get(at).map_or(self.other, |(_, to)| *to),
            Err(_) => self.other,
        }
    }
}

pub(super) fn decimal(mut index: u32, digits: &mut [u8; 10]) -> &[u8] {
    let mut n = 0;
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + (index % 10) as u8;
        index /= 10;
        n = at;
        if index == 0 {
            break;
        }
    }
    digits.get(n..).unwrap_or_default()
}

/// One selector or mark, taken apart.
struct Path {
    segments: Vec<Segment>,
    says: Says,
}

pub(super) enum Segment {
    Any,
    Named(Box<[u8]>),
}

#[derive(Clone, Copy)]
enum Says {
    Treatment { lane: usize, treatment: Treatment },
    Mark(u8),
}

pub(super) fn segments(pointer: &str) -> Result<Vec<Segment>, SelectorError> {
    let fault = || SelectorError::NotAPointer { pointer: pointer.to_owned() };
    if pointer.is_empty() {
        return Ok(Vec::new());
    }
    let rest = pointer.strip_prefix('/').ok_or_else(fault)?;
    rest.split('/')
        .map(|segment| if segment == "*" { Ok(Segment::Any) } else { unescape(segment).ok_or_else(fault) })
        .collect()
}

fn unescape(segment: &str) -> Option<Segment> {
    let mut name = String::with_capacity(segment.len());
    let mut rest = segment.chars();
    while let Some(c) = rest.next() {
        name.push(match c {
            '~' => match rest.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(Segment::Named(name.into_bytes().into_boxed_slice()))
}

/// A state before it is numbered: the paths that still match, how deep they are, and what was said on the way.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Subset {
    depth: usize,
    alive: Vec<usize>,
    said: Vec<Treatment>,
    marks: u8,
}

/// The subset construction, over paths that all advance one segment per step.
struct Builder {
    paths: Vec<Path>,
    states: Vec<State>,
    known: HashMap<Subset, StateId>,
    work: Vec<(StateId, Subset)>,
}

impl Builder {
    fn build(mut self, lanes: &[LaneSelectors]) -> Result<Selectors, SelectorError> {
        let said = lanes.iter().map(|lane| lane.other).collect();
        let alive = (0..self.paths.len()).collect();
        let root = self.arrive(0, alive, said);
        self.number(root)?;
        while let Some((id, from)) = self.work.pop() {
            let mut names: Vec<Box<[u8]>> = self.next(&from).filter_map(|segment| segment.1.cloned()).collect();
            names.sort_unstable();
            names.dedup();
            let other = self.step(&from, None);
            let other = self.number(other)?;
            let mut named = Vec::with_capacity(names.len());
            for name in names {
                let to = self.step(&from, Some(&name));
                named.push((name, self.number(to)?));
            }
            if let Some(state) = self.states.get_mut(id.0 as usize) {
                state.ends = named.is_empty() && other == id;
                state.named = named;
                state.other = other;
            }
        }
        Ok(Selectors::of(self.states))
    }

    /// Yields the paths that go on from a subset, each with the name it asks for, or none where it takes any.
    fn next<'s>(&'s self, from: &'s Subset) -> impl Iterator<Item = (usize, Option<&'s Box<[u8]>>)> {
        from.alive.iter().filter_map(|&at| match self.paths.get(at)?.segments.get(from.depth)? {
            Segment::Any => Some((at, None)),
            Segment::Named(name) => Some((at, Some(name))),
        })
    }

    fn step(&self, from: &Subset, name: Option<&[u8]>) -> Subset {
        let alive = self
            .next(from)
            .filter(|(_, asks)| asks.is_none_or(|asks| name.is_some_and(|name| **asks == *name)))
            .map(|(at, _)| at)
            .collect();
        self.arrive(from.depth + 1, alive, from.said.clone())
    }

    /// Lets the paths that end at this depth say what they say.
    fn arrive(&self, depth: usize, alive: Vec<usize>, mut said: Vec<Treatment>) -> Subset {
        let mut marks = 0;
        for path in alive.iter().filter_map(|&at| self.paths.get(at)).filter(|path| path.segments.len() == depth) {
            match path.says {
                Says::Mark(bit) => marks |= bit,
                Says::Treatment { lane, treatment } => {
                    // What is dropped is gone with everything below it.
                    if let Some(said) = said.get_mut(lane).filter(|said| depth == 0 || **said != Treatment::Drop) {
                        *said = treatment;
                    }
                }
            }
        }
        // Once no path goes on, the depth does not matter: all such places with the same treatment are one state.
        let goes_on = alive.iter().any(|&at| self.paths.get(at).is_some_and(|path| path.segments.len() > depth));
        if goes_on { Subset { depth, alive, said, marks } } else { Subset { depth: 0, alive: Vec::new(), said, marks } }
    }

    fn number(&mut self, subset: Subset) -> Result<StateId, SelectorError> {
        if let Some(&id) = self.known.get(&subset) {
            return Ok(id);
        }
        if self.states.len() >= MAX_STATES {
            return Err(SelectorError::TooLarge { limit: MAX_STATES });
        }
        let id = StateId(u32::try_from(self.states.len()).unwrap_or(u32::MAX));
        let drops = subset.said.iter().enumerate().filter(|(_, said)| **said == Treatment::Drop);
        self.states.push(State {
            treatments: subset.said.clone(),
            scans: subset.said.is_empty() || subset.said.contains(&Treatment::Scan),
            drops: drops.fold(0, |mask, (lane, _)| mask | 1 << lane),
            operator: subset.said.iter().any(|said| matches!(said, Treatment::Operator(_))),
            marks: subset.marks,
            named: Vec::new(),
            other: id,
            ends: true,
        });
        self.known.insert(subset.clone(), id);
        self.work.push((id, subset));
        Ok(id)
    }
}

/// Most lanes that one set of selectors serves.
pub const MAX_LANES: usize = 8;

/// Most states of the automaton; a policy with hundreds of selectors needs a few hundred.
const MAX_STATES: usize = 16_384;

#[cfg(test)]
mod tests {
    use super::*;
    use Treatment::{Drop, Keep, Operator, Scan};

    fn lane(other: Treatment, rows: &[(&str, Treatment)]) -> LaneSelectors {
        let selectors =
            rows.iter().map(|&(pointer, treatment)| Selector { pointer: pointer.to_owned(), treatment }).collect();
        LaneSelectors { selectors, other }
    }

    /// Walks `path` and checks the treatment on every lane.
    #[track_caller]
    fn check(selectors: &Selectors, path: &[&str], expected: &[Treatment]) {
        let state = path.iter().fold(selectors.root(), |state, segment| match segment.parse() {
            Ok(index) => selectors.index(state, index),
            Err(_) => selectors.key(state, segment.as_bytes()),
        });
        let got: Vec<_> = (0..expected.len()).map(|lane| selectors.treatment(state, lane)).collect();
        assert_eq!(got, expected, "{path:?}");
    }

    #[test]
    fn the_deepest_wins_then_the_later() {
        let rows = [
            ("/contact", Keep),
            ("/contact/name", Scan),
            ("/contact/*/note", Drop),
            ("/items/*/id", Keep),
            ("/items/0", Operator(7)),
            ("/a~1b/~0", Keep),
            ("/x/*", Keep),
            ("/x/y", Drop),
            ("/x/z", Drop),
            ("/x/*/", Keep),
        ];
        let selectors = Selectors::build(&[lane(Scan, &rows), lane(Keep, &[("/text", Scan)])], &[]).unwrap();
        check(&selectors, &[], &[Scan, Keep]);
        check(&selectors, &["text"], &[Scan, Scan]);
        check(&selectors, &["text", "deep", "0"], &[Scan, Scan]);
        check(&selectors, &["contact"], &[Keep, Keep]);
        check(&selectors, &["contact", "phone", "0"], &[Keep, Keep]);
        check(&selectors, &["contact", "name"], &[Scan, Keep]);
        check(&selectors, &["contact", "name", "note"], &[Drop, Keep]);
        check(&selectors, &["contact", "name", "first"], &[Scan, Keep]);
        check(&selectors, &["items", "1", "id"], &[Keep, Keep]);
        check(&selectors, &["items", "0", "id"], &[Keep, Keep]);
        check(&selectors, &["items", "0", "text"], &[Operator(7), Keep]);
        check(&selectors, &["a/b", "~"], &[Keep, Keep]);
        check(&selectors, &["x", "q"], &[Keep, Keep]);
        check(&selectors, &["x", "y"], &[Drop, Keep]);
        check(&selectors, &["x", "y", ""], &[Drop, Keep]);
        check(&selectors, &["x", "q", ""], &[Keep, Keep]);
    }

    #[test]
    fn nothing_selected_is_one_state() {
        assert!(Selectors::default().is_trivial());
        assert!(Selectors::build(&[lane(Scan, &[])], &[]).unwrap().is_trivial());
        assert!(!Selectors::build(&[lane(Keep, &[])], &[]).unwrap().is_trivial());
        assert!(!Selectors::build(&[lane(Scan, &[("/a", Scan)])], &[]).unwrap().is_trivial());
    }

    #[test]
    fn marks_mark_the_place_alone() {
        let mark = |pointer: &str, bit| Mark { pointer: pointer.to_owned(), bit };
        let selectors =
            Selectors::build(&[lane(Scan, &[])], &[mark("/region", 0), mark("/*", 3), mark("", 1)]).unwrap();
        let root = selectors.root();
        assert_eq!(selectors.marks(root), 0b10);
        let region = selectors.key(root, b"region");
        assert_eq!(selectors.marks(region), 0b1001);
        assert_eq!(selectors.marks(selectors.key(region, b"x")), 0);
        assert_eq!(selectors.marks(selectors.index(root, 4)), 0b1000);
    }

    #[test]
    fn faults() {
        let build = |rows: &[(&str, Treatment)]| Selectors::build(&[lane(Scan, rows)], &[]).map(|_| ());
        let not_a_pointer = |pointer: &str| Err(SelectorError::NotAPointer { pointer: pointer.to_owned() });
        assert_eq!(build(&[("a", Keep)]), not_a_pointer("a"));
        assert_eq!(build(&[("/a~", Keep)]), not_a_pointer("/a~"));
        assert_eq!(build(&[("/~2", Keep)]), not_a_pointer("/~2"));
        assert_eq!(build(&[("", Drop)]), Err(SelectorError::DropsAll));
        assert_eq!(build(&[("", Keep), ("/", Drop)]), Ok(()));
        let lanes = vec![LaneSelectors::default(); MAX_LANES + 1];
        assert!(matches!(Selectors::build(&lanes, &[]), Err(SelectorError::TooManyLanes { .. })));
        let mark = Mark { pointer: String::new(), bit: 8 };
        assert!(matches!(Selectors::build(&[], &[mark]), Err(SelectorError::NoSuchMark { bit: 8 })));
        // Every subset of 20 such selectors is a state of its own.
        let many: Vec<String> = (0..20).map(|n| format!("{}/k{n}{}", "/*".repeat(n), "/*".repeat(20 - n))).collect();
        let rows: Vec<_> = many.iter().map(|pointer| (pointer.as_str(), Keep)).collect();
        assert!(matches!(build(&rows), Err(SelectorError::TooLarge { .. })));
    }

    #[test]
    fn decimals() {
        for index in [0, 7, 10, 4_294_967_295] {
            assert_eq!(decimal(index, &mut [0; 10]), index.to_string().as_bytes());
        }
    }
}
