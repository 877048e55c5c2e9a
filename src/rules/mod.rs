//! Rule packs: facts in TOML, read into a [`RuleSet`].
//!
//! One file is one pack. The format is described in `patterns/README.md`. Loading checks all that can be checked without
//! text to scan: unknown keys, checks and kinds, unbounded repeats, missing examples, duplicate ids. An error names file
//! and line and says what would be right.

mod load;
mod pack;
mod sample;
mod template;

pub use load::{RuleError, Source};
pub use sample::Want;

use crate::check::Check;
use crate::entity::{Entity, Kind};
use crate::ids::{EntityId, Region, RuleId};
use crate::tally::Category;

/// The rules and entities that a scanner is built from.
#[derive(Clone, Debug, Default)]
pub struct RuleSet {
    entities: Vec<Entity>,
    rules: Vec<Rule>,
    contexts: Vec<KindContext>,
    everyday: Vec<Everyday>,
    prohibited: Vec<Prohibited>,
    prose: Vec<String>,
}

/// One declarative description of how an entity looks.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Stable for ever, never reused.
    pub id: String,
    /// What it finds.
    pub entity: EntityId,
    /// For a reader.
    pub title: String,
    /// The authority that issues or defines the number.
    pub source: String,
    /// Which pack it stands in.
    pub pack: String,
    /// What the first pass looks for.
    pub sieve: Sieve,
    /// The shape, in the syntax of the `regex` crate; a whole candidate matches it.
    pub pattern: String,
    /// How the candidate goes on after the pattern.
    pub tail: Option<Tail>,
    /// What may stand next to a candidate.
    pub guard: Guard,
    /// The check that a candidate must pass.
    pub check: Option<&'static Check>,
    /// Words that make the entity more likely, lower case.
    pub context: Vec<String>,
    /// Words that do so only right before it, because they are everyday words of another language; lower case.
    pub labels: Vec<String>,
    /// Words that make it less likely, lower case.
    pub negative: Vec<String>,
    /// Whether context is required.
    pub gate: Gate,
    /// Where the country of a detection comes from.
    pub country: CountryFrom,
    /// What each observation is worth, in tenths of a bit.
    pub evidence: Evidence,
    /// Whether a rule for a narrower thing goes before this one.
    pub generic: bool,
    /// Whether a value of this shape is well formed. Not so where words make it a value, and nothing else.
    pub validates: bool,
    /// The rule's own test cases.
    pub examples: Examples,
}

impl Rule {
    /// Returns whether words for the rule's whole kind speak for it: `id` before any number says nothing of a rule that
    /// takes any number.
    #[must_use]
    pub fn hears_kind(&self) -> bool {
        let takes_any =
            self.gate == Gate::Context && self.check.is_none() && matches!(self.sieve, Sieve::Digits { .. });
        self.validates && !takes_any
    }

    /// Returns the first three bytes of all that the pattern takes; nothing where they are not letters that the pattern
    /// tells one by one.
    #[must_use]
    pub fn heads(&self) -> Option<Vec<[u8; 3]>> {
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&self.pattern).ok()?;
        heads(&hir)
    }
}

/// The first three bytes of all that a pattern takes.
fn heads(hir: &regex_syntax::hir::Hir) -> Option<Vec<[u8; 3]>> {
    let mut prefixes = regex_syntax::hir::literal::Extractor::new().extract(hir);
    prefixes.keep_first_bytes(3);
    prefixes.dedup();
    prefixes.literals()?.iter().map(|literal| literal.as_bytes().first_chunk().copied()).collect()
}

/// What the first pass looks for; decides where candidates begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sieve {
    /// A number: begins with a digit at the start of a word; the candidate holds so many digits, and may hold letters.
    Digits {
        /// Fewest digits.
        min: u8,
        /// Most digits.
        max: u8,
    },
    /// Four numbers with dots: begins with one to three digits at the start of a word, a dot and a digit.
    Quad,
    /// A token of letters and digits: begins at the start of a word that holds letters and digits, or of two words that one
    /// blank, dot, slash or hyphen parts: digits and then a word with a letter, or at most four letters and then a word
    /// with a digit; also of three words with dots, two of digits and then one with a letter.
    Token,
    /// Letters above ASCII before a number: begins at one to three of them right before a word that holds a digit, or with one
    /// blank or hyphen between, or at one or two digits right before these. Of scripts that put blanks between words it begins
    /// where a word begins.
    Script,
    /// A long token: begins at the start of a word inside a run of at least 16 of `A-Z a-z 0-9 _ -`.
    Long,
    /// Around an `@`: begins at the first byte of the run of local-part characters before it.
    At,
    /// Around `://`: begins at the scheme.
    Scheme,
    /// Begins at a `www.` at the start of a word.
    Www,
    /// A dot between a letter or digit and a letter: begins at the start of the run of host characters.
    Domain,
    /// A `:` at most five places after another; begins at the start of the run of hexadecimal digits and colons.
    Colon,
    /// Five hyphens.
    Dashes,
    /// A capital letter and a small one that begin a word: of a rule whose gate is open a word that its pattern begins with,
    /// of others one right behind a phrase that the rule names.
    Capital,
    /// A telephone number of any region, found by the numbering plans; such a rule has no pattern.
    Phone,
    /// A name that the record carries or a book holds; such a rule has no pattern.
    Name,
}

/// What may stand next to a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// No ASCII letter, digit or underscore on either side, and not a part of a longer number: no `.`, `,`, `-`, `/`, `:` that joins it to a digit.
    Number,
    /// No ASCII letter, digit or underscore on either side.
    Word,
    /// As [`Guard::Word`], and no `.` that joins it to a digit: an address that a port or a slash may follow.
    Dots,
    /// As [`Guard::Dots`], and no `:` that joins it to a hexadecimal digit or another `:`.
    Colons,
    /// As [`Guard::Word`], and no `-` that joins it to a letter or digit: a part of an identifier.
    Hyphens,
    /// Anything.
    None,
}

/// How a candidate goes on after its pattern: bytes of a class, without an automaton.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The bytes that may follow.
    pub class: ByteClass,
    /// Longest tail in bytes.
    pub max: u32,
    /// Bytes that do not end a value, such as a full stop after a link.
    pub trim: ByteClass,
    /// Bytes before which a tail that does not pass may be cut, the last of them first, [`Tail::CUTS`] times at most.
    pub cut: ByteClass,
    /// A literal that ends the value, itself included with the hyphens that follow it; without it in reach, the class decides.
    pub until: Option<String>,
}

impl Tail {
    /// How often a tail is cut at most.
    pub const CUTS: usize = 8;
}

/// A set of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByteClass(pub [u64; 4]);

impl ByteClass {
    /// Returns whether `byte` is in the set.
    #[must_use]
    #[expect(clippy::indexing_slicing, reason = "a byte shifted right by six is 0..=3")]
    pub const fn has(&self, byte: u8) -> bool {
        self.0[(byte >> 6) as usize] & (1 << (byte & 63)) != 0
    }

    /// Adds `byte`.
    #[expect(clippy::indexing_slicing, reason = "a byte shifted right by six is 0..=3")]
    pub const fn add(&mut self, byte: u8) {
        self.0[(byte >> 6) as usize] |= 1 << (byte & 63);
    }
}

/// Whether context is required for a detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// The score decides.
    Open,
    /// A context word before or after, or a telling field name.
    Context,
}

/// Where the country of a detection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CountryFrom {
    /// Nowhere.
    None,
    /// The entity is bound to it.
    Entity(Region),
    /// The value's first two letters.
    Prefix,
    /// The numbering plan.
    Plan,
}

/// What each observation is worth, in tenths of a bit of log odds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// How likely a thing of this shape is this entity, before anything else is known.
    pub shape: i16,
    /// A context word is near.
    pub context: i16,
    /// A word is near that speaks against it.
    pub negative: i16,
    /// The field's name holds a context word.
    pub field: i16,
    /// The candidate is written with its separators.
    pub separators: i16,
    /// A default region is the entity's country.
    pub region: i16,
}

/// Words that make a whole kind more or less likely, from `patterns/context/`.
#[derive(Clone, Debug)]
pub struct KindContext {
    /// Which kind.
    pub kind: Kind,
    /// Words for it, lower case.
    pub words: Vec<String>,
    /// Words against it, lower case.
    pub negative: Vec<String>,
}

/// Words of a language that are names and something else, from `patterns/lookup/`: what keeps known names from being found
/// where nobody is meant.
#[derive(Clone, Debug)]
pub struct Everyday {
    /// The language, for a reader.
    pub lang: String,
    /// Everyday words: `hope`, `will`.
    pub words: Vec<String>,
    /// Months, days and places, which have their capital letter in any case.
    pub proper: Vec<String>,
    /// Titles, relations, roles and particles: never a name alone.
    pub never: Vec<String>,
    /// Words before which a month, a day or a place is one: `in May`.
    pub before: Vec<String>,
}

/// Words of a language that speak of what clients promised not to send, from `patterns/lookup/`.
#[derive(Clone, Debug)]
pub struct Prohibited {
    /// The category.
    pub category: Category,
    /// The language, for a reader.
    pub lang: String,
    /// Phrases that speak of it.
    pub words: Vec<String>,
    /// Phrases before a number that make it an age: `i am`.
    pub before: Vec<String>,
    /// Phrases behind a number that make it an age: `years old`.
    pub after: Vec<String>,
    /// Words behind a number that is no age, whatever stands before it: `km`.
    pub units: Vec<String>,
}

/// A rule's own test cases.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// Whole values that are found.
    pub valid: Vec<String>,
    /// Whole values of the right shape that fail the check.
    pub invalid: Vec<(String, String)>,
    /// Text that looks like it and is not: nothing of this entity is found in it.
    pub near: Vec<(String, String)>,
    /// Text with values in it, and where, in bytes.
    pub inline: Vec<(String, Vec<(u32, u32)>)>,
    /// Default region for the examples.
    pub region: Option<Region>,
    /// Known names for the examples.
    pub names: Vec<String>,
}

impl RuleSet {
    /// Returns the rules that ship with efface.
    ///
    /// # Errors
    /// Never unless a bug of ours: the packs are embedded and tested.
    pub fn builtin() -> Result<Self, RuleError> {
        Self::from_sources(&pack::builtin())
    }

    /// Returns every entity.
    #[must_use]
    pub fn entities(&self) -> &[Entity] {
        &self.entities
    }

    /// Returns every rule.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Returns the words of whole kinds.
    #[must_use]
    pub fn contexts(&self) -> &[KindContext] {
        &self.contexts
    }

    /// Returns the words that speak of what clients promised not to send.
    #[must_use]
    pub fn prohibited(&self) -> &[Prohibited] {
        &self.prohibited
    }

    /// Returns the small words that are no part of an id where a blank parts them from it: one to four letters of ASCII, in lower
    /// case.
    #[must_use]
    pub fn prose(&self) -> &[String] {
        &self.prose
    }

    /// Returns the words that are names and something else.
    #[must_use]
    pub fn everyday(&self) -> &[Everyday] {
        &self.everyday
    }

    /// Returns the entity with that place.
    #[must_use]
    pub fn entity(&self, id: EntityId) -> Option<&Entity> {
        self.entities.get(usize::from(id.0))
    }

    /// Returns the entity of that name.
    #[must_use]
    pub fn entity_by_name(&self, name: &str) -> Option<EntityId> {
        let at = self.entities.iter().position(|entity| entity.name == name)?;
        u16::try_from(at).ok().map(EntityId)
    }

    /// Returns the rule with that place.
    #[must_use]
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.get(usize::from(id.0))
    }

    /// Returns a set whose rules are worth what `weigh` makes of it.
    #[must_use]
    pub fn reweigh(&self, mut weigh: impl FnMut(RuleId, &mut Evidence)) -> Self {
        let mut out = self.clone();
        for (at, rule) in (0..).zip(&mut out.rules) {
            weigh(RuleId(at), &mut rule.evidence);
        }
        out
    }

    /// Returns a set with only the rules that `keep` says; entities keep their places.
    #[must_use]
    pub fn select(&self, mut keep: impl FnMut(&Rule, &Entity) -> bool) -> Self {
        let rules = self
            .rules
            .iter()
            .filter(|rule| self.entity(rule.entity).is_some_and(|entity| keep(rule, entity)))
            .cloned()
            .collect();
        Self {
            entities: self.entities.clone(),
            rules,
            contexts: self.contexts.clone(),
            everyday: self.everyday.clone(),
            prohibited: self.prohibited.clone(),
            prose: self.prose.clone(),
        }
    }
}
