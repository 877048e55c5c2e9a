//! Envelope profiles: which field of a platform's message holds what.
//!
//! Detection in free text is half of it; the other half is knowing that `from` is a telephone number, `contact.name` a person
//! and `id` nobody. A profile is TOML: places of a document, and for each what it holds. The room reads profiles, picks
//! the one that fits a record, and tells of every field what it holds. It does not look at what is in a field; and what no
//! profile names is scanned, never skipped.
//!
//! ```toml
//! title  = "Telegram: an update of a bot"
//! source = "https://core.telegram.org/bots/api#update"
//!
//! [match]
//! all = ["/update_id"]
//! any = ["/message", "/callback_query"]
//!
//! [fields]
//! TELEGRAM_USER_ID = ["/message/from/id"]   # an entity: the whole field is one
//! PERSON           = ["/message/from/first_name"]
//! text             = ["/message/text"]      # is scanned
//! id               = ["/update_id"]         # nobody: is not scanned
//! time             = ["/message/date"]
//!
//! [record]
//! conversation = ["/message/chat/id"]
//! ```
//!
//! What begins with a slash is a JSON Pointer for exactly that place (`*`: any key or index). Anything else is the name of a
//! key at any depth, told by its letters and digits alone (`firstname` is `first_name` and `firstName`), or of a key below
//! a key (`contact/name`). Names of keys that every platform uses stand in the profile `generic`, which goes behind every
//! other.

mod load;
mod shape;

pub use load::{ProfileError, Source};

use crate::entity::Kind;
use crate::envelope::{Field, Fields, PlaceId, Places, Walked};
use crate::ids::{EntityId, RuleId};
use shape::{Shape, Shapes};

/// What a field holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holds {
    /// Text: it is scanned. So is what nobody knows.
    #[default]
    Text,
    /// The number or name of a thing, or a word of a closed list: not scanned.
    Id,
    /// A time of the message: not scanned.
    Time,
    /// A link to a file. What stands between its slashes is scanned; the link itself is no detection.
    File,
    /// The whole field is one of these.
    Entity(EntityId),
}

/// What a record says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The client that it is processed for.
    Tenant,
    /// The person it is about.
    Subject,
    /// The conversation it belongs to.
    Conversation,
    /// The country that its national numbers are of, or a telephone number of that country.
    Region,
    /// When it was sent.
    Time,
}

impl Mark {
    /// Every mark, in the order of [`Marks`].
    pub const ALL: [Self; 5] = [Self::Tenant, Self::Subject, Self::Conversation, Self::Region, Self::Time];

    /// Returns the name that profiles use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Subject => "subject",
            Self::Conversation => "conversation",
            Self::Region => "region",
            Self::Time => "time",
        }
    }
}

/// What is known of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Role {
    /// What it holds.
    pub holds: Holds,
    /// The profile that says so, as the rule of a detection; see [`Profiles::rule`].
    pub rule: RuleId,
}

impl Role {
    /// Of what nobody knows.
    pub const UNKNOWN: Self = Self { holds: Holds::Text, rule: RuleId(u16::MAX) };
}

/// Compiled profiles, ready to be asked about records.
///
/// # Example
/// ```
/// use efface::RuleSet;
/// use efface::profile::{Profiles, Source};
///
/// let rules = RuleSet::builtin()?;
/// let profiles = Profiles::auto(rules.entities())?;
/// assert!(profiles.names().any(|name| name == "whatsapp_cloud"));
/// let one = Profiles::fixed(&Source::builtin("telegram").ok_or("none")?, rules.entities())?;
/// assert_eq!(one.names().collect::<Vec<_>>(), ["telegram", "generic"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Profiles {
    /// The last is for names of keys that every platform uses.
    profiles: Vec<Profile>,
    choice: Choice,
    places: Places,
    /// By the number of the pointer.
    says: Vec<Say>,
    /// What labels look like that operators wrote.
    labels: Vec<Box<[u8]>>,
    /// By entity.
    kinds: Vec<Kind>,
}

/// Which profile a record gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// The one that fits it best.
    Best,
    /// The first.
    First,
}

#[derive(Debug)]
struct Profile {
    name: String,
    title: String,
    source: String,
    /// Bits of [`What::Needed`] that must be there.
    needs: u32,
    keys: Keys,
}

/// What a pointer says.
#[derive(Debug)]
struct Say {
    profile: u16,
    what: What,
}

#[derive(Clone, Debug)]
enum What {
    Holds(Holds),
    Mark(Mark),
    /// That the profile may be the one; where texts are listed, one of them must stand there.
    Needed {
        bit: u8,
        texts: Vec<String>,
    },
}

/// Names of keys, by their length; see [`folded`].
#[derive(Debug, Default)]
struct Keys {
    by_length: Vec<Vec<Key>>,
    /// Keys whose text names the value beside it, and keys of such values: `{"name":"phone","value":"…"}`.
    labels: Vec<Box<[u8]>>,
    values: Vec<Box<[u8]>>,
}

#[derive(Debug)]
struct Key {
    name: Box<[u8]>,
    /// Below which key, and what it is there; those with a key around them first.
    says: Vec<KeySays>,
}

/// The key that must be around a key, if any, and what is said of it there.
type KeySays = (Option<Box<[u8]>>, What);

/// What is known of the fields of records; used again.
#[derive(Debug, Default)]
pub struct Assigned {
    /// One for each field, by its number.
    roles: Vec<Role>,
    /// Values that another field names, and that field; by the number of the value.
    named_by: Vec<(u32, u32)>,
    /// The fields of the last record that tell its region.
    regions: Vec<u32>,
    /// The values of the last record that hold something else than text.
    telling: Vec<(u32, Role)>,
    /// The fields of the last record of which nothing is known but that they are text.
    open: Vec<u32>,
    nodes: Vec<PlaceId>,
    found: Vec<(u32, u32)>,
    shapes: Shapes,
    /// Whether what is said of the last record holds for all of its mould, and was said for the first time.
    settled: bool,
}

/// Where it is put what is said of a record.
struct Saying<'a> {
    roles: &'a mut Vec<Role>,
    named_by: &'a mut Vec<(u32, u32)>,
    regions: &'a mut Vec<u32>,
    marks: &'a mut Marks,
}

/// What a record says of itself: for each [`Mark`] the number of the field that says it.
pub type Marks = [Option<u32>; Mark::ALL.len()];

impl Assigned {
    /// Forgets all records.
    pub fn clear(&mut self) {
        self.roles.clear();
        self.named_by.clear();
    }

    /// Returns what is known of a field.
    #[inline]
    #[must_use]
    pub fn role(&self, field: u32) -> Role {
        self.roles.get(field as usize).copied().unwrap_or(Role::UNKNOWN)
    }

    /// Returns what is known of fields, one role for each; less where nothing is known of them.
    #[must_use]
    pub fn roles(&self, fields: std::ops::Range<u32>) -> &[Role] {
        self.roles.get(fields.start as usize..fields.end as usize).unwrap_or_default()
    }

    /// Takes note that nothing is known of more fields, up to that number.
    pub fn fill(&mut self, end: u32) {
        self.roles.resize(self.roles.len().max(end as usize), Role::UNKNOWN);
    }

    /// Replaces what a field holds by what it turned out to hold.
    pub fn set(&mut self, field: u32, holds: Holds) {
        if let Some(role) = self.roles.get_mut(field as usize) {
            role.holds = holds;
        }
    }

    /// Returns the fields of the last record that tell its region, in the order of the record.
    #[must_use]
    pub fn regions(&self) -> &[u32] {
        &self.regions
    }

    /// Returns the values of the last record that a profile says are something else than text, in the order of the record.
    #[must_use]
    pub fn telling(&self) -> &[(u32, Role)] {
        &self.telling
    }

    /// Returns the fields of the last record that hold text, as far as profiles know, keys among them; in the order of the
    /// record.
    #[must_use]
    pub fn open(&self) -> &[u32] {
        &self.open
    }

    /// Returns the field that names another, where it is not the key.
    #[inline]
    #[must_use]
    pub fn named_by(&self, field: u32) -> Option<u32> {
        if self.named_by.is_empty() {
            return None;
        }
        let at = self.named_by.binary_search_by_key(&field, |&(value, _)| value).ok()?;
        self.named_by.get(at).map(|&(_, label)| label)
    }
}

impl Profiles {
    /// Returns the names of the profiles, in the order in which they are asked; the last is `generic`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.iter().map(|profile| profile.name.as_str())
    }

    /// Returns whether a profile knows where a record says this of itself.
    #[must_use]
    pub fn tells(&self, mark: Mark) -> bool {
        let is = |what: &What| matches!(what, What::Mark(own) if *own == mark);
        let keys = || self.profiles.iter().flat_map(|profile| profile.keys.by_length.iter().flatten());
        self.says.iter().any(|say| is(&say.what)) || keys().any(|key| key.says.iter().any(|(_, what)| is(what)))
    }

    /// Returns title and source of a profile.
    #[must_use]
    pub fn about(&self, name: &str) -> Option<(&str, &str)> {
        let profile = self.profiles.iter().find(|profile| profile.name == name)?;
        Some((&profile.title, &profile.source))
    }

    /// Returns the id of the rule that stands for a profile, such as `profile.telegram`; nothing for rules of packs.
    #[must_use]
    pub fn rule(&self, rule: RuleId) -> Option<String> {
        let number = usize::from(FIRST_RULE.checked_sub(rule.0)?);
        self.profiles.get(number).map(|profile| format!("profile.{}", profile.name))
    }

    /// Returns whether it is the name of a key alone that says what a field holds, and no profile of its platform.
    #[must_use]
    pub fn is_generic(&self, rule: RuleId) -> bool {
        self.profiles.len().checked_sub(1).is_some_and(|last| rule == rule_of(last))
    }

    /// Returns the kind of an entity.
    #[must_use]
    pub fn kind(&self, entity: EntityId) -> Kind {
        self.kinds.get(usize::from(entity.0)).copied().unwrap_or(Kind::Other)
    }

    /// Returns whether a text is a label that an operator wrote, and nothing else.
    #[must_use]
    #[inline]
    pub fn is_label(&self, text: &[u8]) -> bool {
        text.first() == Some(&b'[') && self.is_label_in_brackets(text)
    }

    #[inline(never)]
    fn is_label_in_brackets(&self, text: &[u8]) -> bool {
        // One that tells more than its entity.
        if crate::label::telling_label_at(text) == Some(text.len()) {
            return true;
        }
        match text {
            [b'[', name @ .., b']'] => self.labels.binary_search_by(|label| (**label).cmp(name)).is_ok(),
            _ => false,
        }
    }

    /// Tells what the fields of a record hold, and where it says what of itself. `fields` is what the walk over `buffer`
    /// left; records are asked about in the order of their fields.
    ///
    /// Which profile speaks follows from the record alone: of those whose needs are met the one that names the most of its
    /// fields.
    ///
    /// # Cost
    /// Records of one stream look alike: of one that looks like an earlier one, its keys are compared and no more. Else some
    /// 20 ns a field, of which most is for keys that no profile names.
    pub fn assign(&self, buffer: &[u8], fields: &Fields, walked: Walked, assigned: &mut Assigned) -> Marks {
        let Assigned { roles, named_by, regions, telling, open, nodes, found, shapes, settled } = assigned;
        *settled = false;
        regions.clear();
        telling.clear();
        open.clear();
        let first = walked.fields().start;
        roles.resize(first as usize, Role::UNKNOWN);
        let shape = shapes.of(buffer, fields, walked, |shape| {
            self.places.walk(buffer, fields, walked, nodes, &mut shape.places);
            if self.choice == Choice::Best {
                self.tell(nodes, fields.all().get(first as usize..).unwrap_or_default(), shape);
            }
        });
        let chosen = match self.choice {
            Choice::First => Some(0),
            Choice::Best => self.best(buffer, fields, first, shape, found),
        };
        if let Some(said) = shape.said.as_ref().filter(|said| said.chosen == chosen) {
            roles.extend_from_slice(&said.roles);
            regions.extend(said.regions.iter().map(|at| first + at));
            telling.extend(said.telling.iter().map(|&(at, role)| (first + at, role)));
            open.extend(said.open.iter().map(|at| first + at));
            return said.marks.map(|mark| mark.map(|at| first + at));
        }
        let mut marks = Marks::default();
        let saying = Saying { roles, named_by, regions, marks: &mut marks };
        let labelled = self.say(buffer, fields, walked, chosen, &shape.places, saying);
        let own = roles.get(first as usize..).unwrap_or_default();
        let told = walked.fields().zip(own.iter().copied()).filter(|(_, role)| role.holds != Holds::Text);
        telling.extend(told.filter(|&(number, _)| fields.field(number).is_some_and(|field| !field.is_key())));
        let text = walked.fields().zip(own).filter(|(_, role)| role.holds == Holds::Text).map(|(number, _)| number);
        open.extend(text);
        // What a text names is another thing in the next record.
        shape.said = (!labelled && shape.stands_alone()).then(|| shape::Said {
            chosen,
            roles: own.into(),
            telling: telling.iter().map(|&(at, role)| (at - first, role)).collect(),
            open: open.iter().map(|at| at - first).collect(),
            marks: marks.map(|mark| mark.map(|at| at - first)),
            regions: regions.iter().map(|at| at - first).collect(),
        });
        *settled = shape.said.is_some() && (self.choice == Choice::First || shape.asks.is_empty());
        marks
    }

    /// Leaves out of later records like the last one the keys that nobody asks for: those that are known, and those that are
    /// `quiet`, in which nothing can be found. Of records that tell names of people only the former: a key may be one of them.
    /// For who asks for no more of a record than what is in it; see [`Fields::shorten`].
    pub fn shorten(
        &self,
        buffer: &[u8],
        fields: &mut Fields,
        walked: Walked,
        assigned: &mut Assigned,
        mut quiet: impl FnMut(&[u8]) -> bool,
    ) {
        if std::mem::take(&mut assigned.settled) {
            let is_person =
                |role: &Role| matches!(role.holds, Holds::Entity(entity) if self.kind(entity) == Kind::Person);
            let has_names = assigned.telling.iter().any(|(_, role)| is_person(role));
            assigned.shapes.shorten(buffer, fields, walked, |key| !has_names && quiet(key));
        }
    }

    /// Asks the chosen profile and the names of keys about every field; tells whether texts of fields had a say.
    fn say(
        &self,
        buffer: &[u8],
        fields: &Fields,
        walked: Walked,
        chosen: Option<usize>,
        places: &[PlaceId],
        saying: Saying<'_>,
    ) -> bool {
        let Saying { roles, named_by, regions, marks } = saying;
        let generic = self.profiles.len().saturating_sub(1);
        let of = |number: usize| self.profiles.get(number).map(|profile| (number, &profile.keys));
        let keys = [chosen.and_then(of), of(generic).filter(|_| chosen != Some(generic))];
        // The object that holds the last label, and the label.
        let mut label: Option<(u32, u32)> = None;
        let mut is_pair = false;
        for (number, &place) in walked.fields().zip(places.iter()) {
            let Some(field) = fields.field(number) else { break };
            if field.is_key() {
                // A key that a pointer names is no value.
                roles.push(if place == PlaceId::NOWHERE { Role::UNKNOWN } else { KNOWN_KEY });
                continue;
            }
            let mut role = Role::UNKNOWN;
            let mut named = false;
            for say in self.places.here(place).iter().filter_map(|&at| self.says.get(usize::from(at))) {
                if Some(usize::from(say.profile)) != chosen {
                    continue;
                }
                match say.what {
                    What::Holds(holds) if !named => {
                        role = Role { holds, rule: rule_of(usize::from(say.profile)) };
                        named = true;
                    }
                    What::Mark(mark) => set(marks, regions, mark, number),
                    _ => {}
                }
            }
            if !named && let Some(name) = fields.name(field) {
                let mut room = [0; KEY_BYTES];
                let key = fields.field(name).and_then(|key| folded(fields.text(buffer, key), &mut room));
                if let Some(key) = key {
                    let own = fields.node(field);
                    let mut told = false;
                    for (at, keys) in keys.iter().flatten() {
                        if let Some(known) = keys.get(key) {
                            told |= self.by_key(known, *at, buffer, fields, field, &mut role, marks, regions, number);
                        }
                        if told {
                            break;
                        }
                        if keys.labels.iter().any(|label| **label == *key) {
                            label = Some((own, number));
                        } else if let Some((object, label)) = label
                            && object == own
                            && keys.values.iter().any(|value| **value == *key)
                        {
                            is_pair = true;
                            named_by.push((number, label));
                            let mut room = [0; KEY_BYTES];
                            let text =
                                fields.field(label).and_then(|field| folded(fields.text(buffer, field), &mut room));
                            if let Some(known) = text.and_then(|text| keys.get(text)) {
                                self.by_key(known, *at, buffer, fields, field, &mut role, marks, regions, number);
                            }
                        }
                    }
                    if told && let Some(key) = roles.get_mut(name as usize) {
                        *key = KNOWN_KEY;
                    }
                }
            }
            roles.push(role);
        }
        is_pair
    }

    /// Lets the name of a key say what it says; returns whether it is one that says something here.
    #[expect(clippy::too_many_arguments, reason = "the parts of a record, borrowed one by one")]
    fn by_key(
        &self,
        known: &Key,
        profile: usize,
        buffer: &[u8],
        fields: &Fields,
        field: &Field,
        role: &mut Role,
        marks: &mut Marks,
        regions: &mut Vec<u32>,
        number: u32,
    ) -> bool {
        let mut told = false;
        let mut room = [0; KEY_BYTES];
        let mut around = None;
        for (below, what) in &known.says {
            if let Some(below) = below {
                let text = *around.get_or_insert_with(|| {
                    let key = fields.around(field).and_then(|key| fields.field(key));
                    key.and_then(|key| folded(fields.text(buffer, key), &mut room)).map_or(0, <[u8]>::len)
                });
                if room.get(..text) != Some(&**below) {
                    continue;
                }
            }
            match what {
                What::Holds(holds) if role.rule == Role::UNKNOWN.rule => {
                    *role = Role { holds: *holds, rule: rule_of(profile) };
                    told = true;
                }
                What::Mark(mark) => set(marks, regions, *mark, number),
                _ => {}
            }
        }
        told
    }

    /// Fills what the shape of a record says of the profiles: the needs that are met whatever its texts are, how many places
    /// each names, and which texts are to be asked.
    fn tell(&self, nodes: &[PlaceId], own: &[Field], shape: &mut Shape) {
        let Shape { places, met, asks, .. } = shape;
        met.clear();
        met.resize(self.profiles.len(), (0, 0));
        asks.clear();
        let numbered = (0..).zip(own).map(Some).zip(places.iter());
        for (field, &place) in nodes.iter().map(|place| (None, place)).chain(numbered) {
            if place == PlaceId::NOWHERE || field.is_some_and(|(_, field)| field.is_key()) {
                continue;
            }
            for &number in self.places.here(place) {
                let Some(say) = self.says.get(usize::from(number)) else { continue };
                let Some((met, n_named)) = met.get_mut(usize::from(say.profile)) else { continue };
                match &say.what {
                    What::Needed { bit, texts } if texts.is_empty() => *met |= 1 << bit,
                    What::Needed { .. } => asks.extend(field.map(|(at, _)| (at, number))),
                    What::Holds(_) => *n_named += 1,
                    What::Mark(_) => {}
                }
            }
        }
    }

    /// Returns the profile that fits a record best.
    fn best(
        &self,
        buffer: &[u8],
        fields: &Fields,
        first: u32,
        shape: &mut Shape,
        found: &mut Vec<(u32, u32)>,
    ) -> Option<usize> {
        let fits = |&(at, number): &(u32, u16)| match self.says.get(usize::from(number)).map(|say| &say.what) {
            Some(What::Needed { texts, .. }) => {
                let own = fields.field(first + at).map(|field| fields.text(buffer, field)).unwrap_or_default();
                texts.iter().any(|text| text.as_bytes() == own)
            }
            _ => false,
        };
        // One bit for each text, where they are not too many for that.
        let few = shape.asks.len() <= 64;
        let answers = if few { shape.asks.iter().fold(0, |bits, ask| bits << 1 | u64::from(fits(ask))) } else { 0 };
        if let Some((asked, chosen)) = shape.best
            && few
            && asked == answers
        {
            return chosen;
        }
        found.clear();
        found.extend_from_slice(&shape.met);
        for ask in shape.asks.iter().filter(|ask| fits(ask)) {
            if let Some(Say { profile, what: What::Needed { bit, .. } }) = self.says.get(usize::from(ask.1))
                && let Some((met, _)) = found.get_mut(usize::from(*profile))
            {
                *met |= 1 << bit;
            }
        }
        let fit = |(at, &(met, n_named)): (usize, &(u32, u32))| {
            let needs = self.profiles.get(at)?.needs;
            (needs != 0 && met & needs == needs).then_some((n_named, at))
        };
        // Of two that name as many, the first.
        let chosen = found
            .iter()
            .enumerate()
            .filter_map(fit)
            .max_by_key(|&(n_named, at)| (n_named, std::cmp::Reverse(at)))
            .map(|(_, at)| at);
        shape.best = Some((answers, chosen));
        chosen
    }
}

impl Keys {
    #[inline]
    fn get(&self, key: &[u8]) -> Option<&Key> {
        let of_length = self.by_length.get(key.len())?;
        let at = of_length.binary_search_by(|known| (*known.name).cmp(key)).ok()?;
        of_length.get(at)
    }
}

fn set(marks: &mut Marks, regions: &mut Vec<u32>, mark: Mark, field: u32) {
    if mark == Mark::Region {
        regions.push(field);
    }
    if let Some(place) = marks.get_mut(mark as usize) {
        place.get_or_insert(field);
    }
}

/// Reduces the name of a key to its letters and digits, in lower case: `firstName`, `first_name` and `First-Name` are one.
/// Nothing where it holds something beyond ASCII, or is long: then it is no name that a profile knows.
#[inline]
fn folded<'r>(key: &[u8], room: &'r mut [u8; KEY_BYTES]) -> Option<&'r [u8]> {
    let mut n = 0;
    for &byte in key {
        if byte.is_ascii_alphanumeric() {
            *room.get_mut(n)? = byte.to_ascii_lowercase();
            n += 1;
        } else if byte >= 0x80 {
            return None;
        }
    }
    room.get(..n).filter(|key| !key.is_empty())
}

/// Longest name of a key that a profile can know, in letters and digits.
const KEY_BYTES: usize = 40;

/// Of a key that a profile names.
const KNOWN_KEY: Role = Role { holds: Holds::Id, rule: RuleId(u16::MAX) };

/// The rule that stands for the first profile; those of the others go down from it. Rules of packs are counted from 0, and
/// the last number is that of no rule.
const FIRST_RULE: u16 = u16::MAX - 1;

fn rule_of(profile: usize) -> RuleId {
    RuleId(FIRST_RULE.saturating_sub(u16::try_from(profile).unwrap_or(0)))
}
