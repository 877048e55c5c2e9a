//! Reads profiles. Everything that can be wrong with one is told here, with file, line and hint.

use super::{Choice, Holds, KEY_BYTES, Key, KeySays, Keys, Mark, Profile, Profiles, Say, What, folded};
use crate::entity::{Entity, Kind, nearest};
use crate::envelope::Places;
use crate::ids::EntityId;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use toml::Spanned;

/// A profile before it is read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it comes from, for messages; the name of the profile is its last part without `.toml`.
    pub name: String,
    /// TOML.
    pub text: String,
}

impl Source {
    /// Returns the profile of that name that ships with efface.
    #[must_use]
    pub fn builtin(name: &str) -> Option<Self> {
        let &(name, text) = BUILTIN.iter().find(|(known, _)| *known == name)?;
        Some(Self { name: format!("patterns/envelope/{name}.toml"), text: text.to_owned() })
    }

    /// Yields the names of the profiles that ship with efface, in the order in which they are asked.
    pub fn builtin_names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|&(name, _)| name)
    }
}

macro_rules! builtin {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../patterns/envelope/", $name, ".toml")))),*]
    };
}

const BUILTIN: &[(&str, &str)] = builtin![
    "twilio_whatsapp",
    "twilio_sms",
    "whatsapp_cloud",
    "rapidpro_message",
    "rapidpro_task",
    "courier_event",
    "telegram",
    "messenger",
    "messangi",
    "infobip",
    "africastalking",
    "inbox",
    "debezium",
    "log",
    "whatsapp_chat",
    "vcard",
    "generic",
];

/// What is wrong with a profile, where, and what would be right.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}: {what}\n  hint: {hint}")]
#[non_exhaustive]
pub struct ProfileError {
    /// The profile.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub hint: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileToml {
    title: String,
    source: Spanned<String>,
    #[serde(default, rename = "match")]
    needs: Needs,
    #[serde(default)]
    fields: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    #[serde(default)]
    record: BTreeMap<Spanned<String>, Vec<Spanned<String>>>,
    #[serde(default)]
    pairs: Pairs,
}

/// What a record must have for the profile to be the one.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Needs {
    #[serde(default)]
    all: Vec<Spanned<String>>,
    #[serde(default)]
    any: Vec<Spanned<String>>,
    #[serde(default)]
    values: BTreeMap<Spanned<String>, Vec<String>>,
}

/// Objects that hold the name of a value beside the value.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pairs {
    #[serde(default)]
    label: Vec<Spanned<String>>,
    #[serde(default)]
    value: Vec<Spanned<String>>,
}

impl Profiles {
    /// Reads all profiles that ship with efface; each record gets the one that fits it best, or the names of its keys speak
    /// alone. `entities` are those of the rules ([`crate::RuleSet::entities`]).
    ///
    /// # Errors
    /// An entity that a profile names is not among `entities`; never with the rules that ship with efface.
    pub fn auto(entities: &[Entity]) -> Result<Self, ProfileError> {
        let sources: Vec<_> = Source::builtin_names().filter_map(Source::builtin).collect();
        compile(&sources, Choice::Best, entities)
    }

    /// Reads one profile for all records; the names of keys speak for what it does not name.
    ///
    /// # Errors
    /// The first fault found: file, line, what, hint.
    pub fn fixed(source: &Source, entities: &[Entity]) -> Result<Self, ProfileError> {
        let generic = Source::builtin(GENERIC).filter(|_| stem(&source.name) != GENERIC);
        let sources: Vec<_> = std::iter::once(source.clone()).chain(generic).collect();
        compile(&sources, Choice::First, entities)
    }

    /// Forgets that fields hold entities for which `wanted` says no; such fields are scanned.
    pub fn retain(&mut self, mut wanted: impl FnMut(EntityId) -> bool) {
        let mut ask = |what: &mut What| {
            if let What::Holds(Holds::Entity(entity)) = what
                && !wanted(*entity)
            {
                *what = What::Holds(Holds::Text);
            }
        };
        self.says.iter_mut().for_each(|say| ask(&mut say.what));
        for key in self.profiles.iter_mut().flat_map(|profile| profile.keys.by_length.iter_mut().flatten()) {
            key.says.iter_mut().for_each(|(_, what)| ask(what));
        }
    }
}

fn compile(sources: &[Source], choice: Choice, entities: &[Entity]) -> Result<Profiles, ProfileError> {
    let mut pointers: Vec<String> = Vec::new();
    let (mut profiles, mut says) = (Vec::new(), Vec::new());
    for (number, source) in (0..).zip(sources) {
        let reader = Reader { source, entities };
        profiles.push(reader.read(number, &mut pointers, &mut says)?);
    }
    let texts: Vec<&str> = pointers.iter().map(String::as_str).collect();
    let places = Places::build(&texts).map_err(|err| ProfileError {
        file: sources.first().map_or_else(String::new, |source| source.name.clone()),
        line: 1,
        what: err.to_string().lines().next().unwrap_or_default().to_owned(),
        hint: "name fewer places".to_owned(),
    })?;
    let others = ["TOKEN-LIKE", "QUARANTINED"].into_iter();
    let mut labels: Vec<Box<[u8]>> =
        entities.iter().map(|entity| entity.name.as_str()).chain(others).map(|name| name.as_bytes().into()).collect();
    labels.sort_unstable();
    let kinds = entities.iter().map(|entity| entity.kind).collect();
    Ok(Profiles { profiles, choice, places, says, labels, kinds })
}

struct Reader<'r> {
    source: &'r Source,
    entities: &'r [Entity],
}

impl Reader<'_> {
    fn read(&self, number: u16, pointers: &mut Vec<String>, says: &mut Vec<Say>) -> Result<Profile, ProfileError> {
        let toml: ProfileToml = toml::from_str(&self.source.text).map_err(|err| {
            let at = err.span().map_or(0, |span| span.start);
            let hint = "a profile has title, source, [match], [fields], [record] and [pairs]: patterns/README.md";
            self.fault(at, err.message().to_owned(), hint)
        })?;
        if toml.source.get_ref().trim().is_empty() {
            let hint = "say where the platform documents its messages";
            return Err(self.fault(toml.source.span().start, "source is empty".to_owned(), hint));
        }
        let mut needs = 0_u32;
        let mut need = |at: &Spanned<String>, bit: usize, texts: &[String]| {
            self.pointer(at)?;
            let bit = u8::try_from(bit).ok().filter(|bit| *bit < ANY_BIT).ok_or_else(|| {
                self.fault(at.span().start, "too many needs".to_owned(), &format!("at most {ANY_BIT}"))
            })?;
            needs |= 1 << bit;
            pointers.push(at.get_ref().clone());
            says.push(Say { profile: number, what: What::Needed { bit, texts: texts.to_vec() } });
            Ok(())
        };
        for (bit, at) in toml.needs.all.iter().enumerate() {
            need(at, bit, &[])?;
        }
        for (bit, (at, texts)) in (toml.needs.all.len()..).zip(&toml.needs.values) {
            need(at, bit, texts)?;
        }
        for at in &toml.needs.any {
            self.pointer(at)?;
            needs |= 1 << ANY_BIT;
            pointers.push(at.get_ref().clone());
            says.push(Say { profile: number, what: What::Needed { bit: ANY_BIT, texts: Vec::new() } });
        }
        let mut keys: HashMap<Box<[u8]>, Vec<KeySays>> = HashMap::new();
        let fields = toml.fields.iter().map(|(holds, at)| Ok((What::Holds(self.holds(holds)?), at)));
        let marks = toml.record.iter().map(|(mark, at)| Ok((What::Mark(self.mark(mark)?), at)));
        for said in fields.chain(marks) {
            let (what, places) = said?;
            for at in places {
                if at.get_ref().is_empty() || at.get_ref().starts_with('/') {
                    self.pointer(at)?;
                    pointers.push(at.get_ref().clone());
                    says.push(Say { profile: number, what: what.clone() });
                    continue;
                }
                let (around, key) = match at.get_ref().split_once('/') {
                    Some((around, key)) => (Some(self.key(around, at)?), self.key(key, at)?),
                    None => (None, self.key(at.get_ref(), at)?),
                };
                let known = keys.entry(key).or_default();
                // Two spellings of one name may stand side by side.
                let clash = |(other, said): &KeySays| match (said, &what) {
                    (What::Holds(said), What::Holds(own)) => *other == around && said != own,
                    _ => false,
                };
                if known.iter().any(clash) {
                    let hint = "one key holds one thing; letters and digits alone tell keys apart";
                    return Err(self.fault(at.span().start, format!("named twice: {}", at.get_ref()), hint));
                }
                known.push((around, what.clone()));
            }
        }
        let mut by_length: Vec<Vec<Key>> = (0..=KEY_BYTES).map(|_| Vec::new()).collect();
        for (name, mut says) in keys {
            // What asks for more goes first.
            says.sort_by_key(|(around, _)| around.is_none());
            if let Some(of_length) = by_length.get_mut(name.len()) {
                of_length.push(Key { name, says });
            }
        }
        by_length.iter_mut().for_each(|keys| keys.sort_unstable_by(|a, b| a.name.cmp(&b.name)));
        let fold = |names: &[Spanned<String>]| {
            names.iter().map(|name| self.key(name.get_ref(), name)).collect::<Result<Vec<_>, _>>()
        };
        let keys = Keys { by_length, labels: fold(&toml.pairs.label)?, values: fold(&toml.pairs.value)? };
        Ok(Profile {
            name: stem(&self.source.name).to_owned(),
            title: toml.title,
            source: toml.source.into_inner(),
            needs,
            keys,
        })
    }

    fn holds(&self, word: &Spanned<String>) -> Result<Holds, ProfileError> {
        match word.get_ref().as_str() {
            "text" => return Ok(Holds::Text),
            "id" => return Ok(Holds::Id),
            "time" => return Ok(Holds::Time),
            "file" => return Ok(Holds::File),
            _ => {}
        }
        let name = word.get_ref().as_str();
        let at = self.entities.iter().position(|entity| entity.name == name);
        at.and_then(|at| u16::try_from(at).ok()).map(|at| Holds::Entity(EntityId(at))).ok_or_else(|| {
            if let Some(entity) = self.entities.iter().find(|entity| entity.kind.name() == name) {
                let what = format!("a field holds an entity, and {name} is a kind");
                return self.fault(word.span().start, what, &format!("one of its entities, such as {}", entity.name));
            }
            let kinds = Kind::ALL.iter().map(|kind| kind.name());
            let names = self.entities.iter().map(|entity| entity.name.as_str()).chain(kinds);
            let hint = match nearest(name, names.chain(["text", "id", "time", "file"])) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "an entity (`efface rules list`), or one of: text, id, time, file".to_owned(),
            };
            self.fault(word.span().start, format!("unknown entity: {name}"), &hint)
        })
    }

    fn mark(&self, word: &Spanned<String>) -> Result<Mark, ProfileError> {
        Mark::ALL.into_iter().find(|mark| mark.name() == word.get_ref().as_str()).ok_or_else(|| {
            let names = Mark::ALL.map(Mark::name).join(", ");
            let what = format!("a record says nothing of this kind: {}", word.get_ref());
            self.fault(word.span().start, what, &format!("one of: {names}"))
        })
    }

    fn pointer(&self, at: &Spanned<String>) -> Result<(), ProfileError> {
        Places::build(&[at.get_ref()]).map(|_| ()).map_err(|err| {
            let text = err.to_string();
            let (what, hint) = text.split_once("\n  hint: ").unwrap_or((&text, "begin with a slash: /contact/name"));
            self.fault(at.span().start, what.to_owned(), hint)
        })
    }

    fn key(&self, text: &str, at: &Spanned<String>) -> Result<Box<[u8]>, ProfileError> {
        let mut room = [0; KEY_BYTES];
        folded(text.as_bytes(), &mut room).map(Box::from).ok_or_else(|| {
            let hint = format!("letters and digits, at most {KEY_BYTES}; a place begins with a slash");
            self.fault(at.span().start, format!("not the name of a key: {}", at.get_ref()), &hint)
        })
    }

    fn fault(&self, at: usize, what: String, hint: &str) -> ProfileError {
        let before = self.source.text.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
        ProfileError { file: self.source.name.clone(), line, what, hint: hint.to_owned() }
    }
}

/// Returns the name of a profile from that of its file.
fn stem(name: &str) -> &str {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    file.strip_suffix(".toml").unwrap_or(file)
}

/// The profile that knows the names of keys that every platform uses.
const GENERIC: &str = "generic";

/// The need that one of several places meets.
const ANY_BIT: u8 = 31;
