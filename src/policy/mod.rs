//! Policies: which operator for which entity on which lane.
//!
//! A policy is TOML, compiled against the entities of a [`crate::RuleSet`] into one table per lane. It is total: every
//! entity has an answer on every lane, and a policy that leaves one out does not load. The room knows no text, no
//! document and no key; it says what is to be done, operators do it.
//!
//! ```toml
//! title = "Numbers keep their shape"
//! min_score = 0.5                       # optional
//!
//! [lanes.storage]
//! "*"         = "redact"                # every lane answers for everything
//! CREDIT_CARD = { operator = "mask", keep_last = 4 }
//! BR_CPF      = "drop"                  # an entity beats its kind, a kind beats `*`
//! PHONE_NUMBER = { operator = "token", mode = "siv" }    # opened by the key; `mac` by nobody
//!
//! [alerts]                              # optional: counted, see `tally`
//! categories = ["gov_id", "minor"]
//! minor_age  = 16
//!
//! [[fields]]                            # optional: whole fields, by JSON Pointer; `*` is any key or index
//! at    = "/contact/urn"
//! treat = "redact"                      # scan, keep, drop or redact
//! entity = "PHONE_NUMBER"               # what a redacted field holds
//! lanes = ["storage"]                   # optional: only there
//! ```

mod describe;
mod form;
mod load;

pub use describe::Description;
pub use form::{Form, SHIFT_DAYS, has_fake};
pub use load::{PolicyError, Source};

use crate::crypt::{LaneClass, Mode, Purpose};
use crate::entity::Entity;
use crate::ids::EntityId;
use crate::tally::Category;

/// Which operator for which entity on which lane.
///
/// # Example
/// ```
/// use efface::entity::{Entity, Kind};
/// use efface::ids::EntityId;
/// use efface::policy::{Operator, Policy, Source};
///
/// let entities = [Entity { name: "BR_CPF".to_owned(), kind: Kind::TaxId, country: None }];
/// let policy = Policy::compile(&Source::builtin("default").unwrap(), &entities)?;
/// let storage = policy.lane("storage").unwrap();
/// assert_eq!(storage.decide(EntityId(0), None), &Operator::Redact);
/// # Ok::<(), efface::policy::PolicyError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    title: String,
    min_score: Option<u16>,
    alerts: Option<Alerts>,
    lanes: Vec<Lane>,
}

/// What is counted because clients promised not to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alerts {
    /// The categories.
    pub categories: Vec<Category>,
    /// Who is younger is a minor.
    pub minor_age: u8,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { categories: Vec::new(), minor_age: 18 }
    }
}

/// What a policy says for one output.
#[derive(Clone, Debug)]
pub struct Lane {
    name: String,
    reversal: Reversal,
    /// Indexed by entity.
    table: Vec<Answer>,
    /// For an entity that the policy was not compiled against: the strictest there is.
    unknown: Operator,
    /// For telephone numbers of businesses, where the lane tells them apart.
    business: Option<Operator>,
    fields: Vec<FieldRule>,
}

/// What a lane does with an entity, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Answer {
    operator: Operator,
    why: Why,
}

/// Why a lane does what it does with an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The lane names the entity.
    Entity,
    /// The lane names its kind.
    Kind,
    /// The lane's `*`.
    Any,
    /// What its kind or `*` says is too weak: a secret, a code. See [`Guarded::Secret`].
    Secret,
    /// What its kind or `*` says is a token, and there are too few values. See [`Guarded::Few`].
    Few,
    /// The policy was compiled without this entity.
    Unknown,
}

/// What no policy may do with an entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guarded {
    /// It opens something: keys, passwords, codes, what is on the back and the stripe of a card. It is redacted or dropped.
    Secret,
    /// It has fewer than a million values: whoever sees tokens of it can guess them by how often they come, whoever holds the
    /// key by trying all. It gets no token.
    Few,
}

impl Guarded {
    /// Returns what no policy may do with `entity`.
    #[must_use]
    pub fn of(entity: &Entity) -> Option<Self> {
        load::guarded(&entity.name, Some(entity.kind))
    }
}

/// How a detected value is rewritten.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operator {
    /// Leaves the value as it is.
    Keep,
    /// Replaces every letter and digit by `*` and keeps the rest.
    Mask {
        /// So many of the last letters and digits stay, up to [`KEEP_LAST`] and never more than a third of them.
        keep_last: u8,
    },
    /// Replaces the digits of a card by `*`, but for the first six and the last four.
    MaskMiddle,
    /// Writes what sort of value it is, and not which.
    Generalise {
        /// How much is left.
        to: Form,
    },
    /// Writes a readable code of the value's canonical form: equal values, equal codes, within one conversation of one
    /// tenant and lane. Needs a key.
    Conv,
    /// Writes a made-up value of ranges that are nobody's: equal values, mostly equal made-up ones. Needs a key.
    Fake,
    /// Writes a token of the value's canonical form: equal values, equal tokens, within one tenant and lane. Needs a key.
    Token {
        /// Whether the holder of the key can open it.
        mode: Mode,
    },
    /// Writes the entity's name in brackets.
    Redact,
    /// Removes the value.
    Drop,
}

/// Most letters and digits that a mask may leave.
pub const KEEP_LAST: u8 = 4;

/// Whether a value may be turned back by somebody who holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversal {
    /// By the holder of the key.
    Allowed,
    /// By nobody.
    Never,
}

/// What to do with whole fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldRule {
    /// A JSON Pointer; `*` stands for any key or index, the empty pointer for the whole document.
    pub at: String,
    /// What to do.
    pub treat: Treatment,
}

/// What to do with a whole field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Detections in it are rewritten, as everywhere.
    Scan,
    /// It is not scanned and stays as it is.
    Keep,
    /// Its value is removed.
    Drop,
    /// Its whole value is of this entity; the lane's operator for it rewrites the field.
    Redact(EntityId),
}

impl Policy {
    /// Returns what the policy is for.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Returns the score below which the policy wants no detection, `0..=1000`.
    #[must_use]
    pub const fn min_score(&self) -> Option<u16> {
        self.min_score
    }

    /// Returns what is counted because clients promised not to send it.
    #[must_use]
    pub const fn alerts(&self) -> Option<&Alerts> {
        self.alerts.as_ref()
    }

    /// Returns every lane, in the order of their names.
    #[must_use]
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// Returns the lane of that name.
    #[must_use]
    pub fn lane(&self, name: &str) -> Option<&Lane> {
        self.lanes.iter().find(|lane| lane.name == name)
    }
}

impl Lane {
    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether a value on this lane may be turned back; on `analytics` never.
    #[must_use]
    pub const fn reversal(&self) -> Reversal {
        self.reversal
    }

    /// Returns the operator for a detection of `entity`; where `rival` is as plausible, the stricter of the two.
    #[must_use]
    pub fn decide(&self, entity: EntityId, rival: Option<EntityId>) -> &Operator {
        self.decided(entity, rival).1
    }

    /// Does what [`Lane::decide`] does, and tells which of the two entities the operator is of.
    #[must_use]
    pub fn decided(&self, entity: EntityId, rival: Option<EntityId>) -> (EntityId, &Operator) {
        let first = self.answer(entity);
        match rival.map(|rival| (rival, self.answer(rival))) {
            Some((rival, second)) if second.strictness() > first.strictness() => (rival, second),
            _ => (entity, first),
        }
    }

    /// Returns why the lane does what it does with `entity`.
    #[must_use]
    pub fn why(&self, entity: EntityId) -> Why {
        self.table.get(usize::from(entity.0)).map_or(Why::Unknown, |answer| answer.why)
    }

    /// Returns what the keys of the lane's tokens are for: `storage`, or analytics, which every other lane is.
    #[must_use]
    pub const fn class(&self) -> LaneClass {
        match self.reversal {
            Reversal::Allowed => LaneClass::Storage,
            Reversal::Never => LaneClass::Analytics,
        }
    }

    /// Returns what the key of a token of this mode is for; nothing where the lane has no such tokens.
    #[must_use]
    pub const fn purpose(&self, mode: Mode) -> Option<Purpose> {
        Purpose::new(self.class(), mode)
    }

    /// Returns whether the lane writes tokens, and so needs a key.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        self.table.iter().any(|answer| matches!(answer.operator, Operator::Token { .. }))
    }

    /// Returns whether something that the lane writes depends on a key.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.table.iter().map(|answer| &answer.operator).chain(&self.business).any(Operator::is_keyed)
    }

    /// Returns whether what the lane writes depends on more than the value: on the regions of its record, its tenant.
    #[must_use]
    pub fn needs_owner(&self) -> bool {
        let asks = |operator: &Operator| operator.is_keyed() || matches!(operator, Operator::Generalise { .. });
        self.business.is_some() || self.table.iter().any(|answer| asks(&answer.operator))
    }

    /// Returns the operator for telephone numbers of businesses, where the lane tells them apart.
    #[must_use]
    pub const fn business(&self) -> Option<&Operator> {
        self.business.as_ref()
    }

    /// Returns whether the lane writes codes of conversations.
    #[must_use]
    pub fn has_conv(&self) -> bool {
        self.table
            .iter()
            .map(|answer| &answer.operator)
            .chain(&self.business)
            .any(|operator| *operator == Operator::Conv)
    }

    /// Returns what to do with whole fields, in the order of the file. A rule speaks for all that is below its place; the
    /// deepest holds, and of two equally deep the later.
    #[must_use]
    pub fn fields(&self) -> &[FieldRule] {
        &self.fields
    }

    fn answer(&self, entity: EntityId) -> &Operator {
        self.table.get(usize::from(entity.0)).map_or(&self.unknown, |answer| &answer.operator)
    }
}

impl Operator {
    /// Returns how much an operator takes away, to compare two of them: keep, mask (the more it leaves, the weaker),
    /// token (one that can be opened is weaker), conv, generalise, fake, redact, drop. A token still tells which values are
    /// equal, a code only within one conversation, a label still tells the entity.
    #[must_use]
    pub const fn strictness(&self) -> u8 {
        match self {
            Self::Keep => 0,
            Self::MaskMiddle => 50,
            Self::Mask { keep_last } => 100 - if *keep_last > KEEP_LAST { KEEP_LAST } else { *keep_last },
            Self::Token { mode: Mode::Siv } => 120,
            Self::Token { mode: Mode::Vault } => 130,
            Self::Token { mode: Mode::Mac } => 140,
            Self::Generalise { to: Form::Shift { .. } } => 150,
            Self::Conv => 155,
            Self::Generalise { to: Form::Host } => 158,
            Self::Generalise { .. } => 160,
            Self::Fake => 170,
            Self::Redact => 200,
            Self::Drop => 255,
        }
    }

    /// Returns whether somebody who holds a key can turn the result back.
    #[must_use]
    pub const fn reversal(&self) -> Reversal {
        match self {
            Self::Token { mode: Mode::Siv | Mode::Vault } => Reversal::Allowed,
            Self::Keep
            | Self::Mask { .. }
            | Self::MaskMiddle
            | Self::Generalise { .. }
            | Self::Conv
            | Self::Fake
            | Self::Token { mode: Mode::Mac }
            | Self::Redact
            | Self::Drop => Reversal::Never,
        }
    }

    /// Returns whether what it writes depends on a key.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        match self {
            Self::Token { .. } | Self::Conv | Self::Fake => true,
            Self::Generalise { to } => to.is_keyed(),
            Self::Keep | Self::Mask { .. } | Self::MaskMiddle | Self::Redact | Self::Drop => false,
        }
    }

    /// Returns what the policy says besides the operator's name: the mode of a token, the form of a generalisation, what a
    /// mask leaves.
    #[must_use]
    pub const fn detail(&self) -> Option<&'static str> {
        match self {
            Self::Token { mode } => Some(mode.name()),
            Self::Generalise { to } => Some(to.name()),
            Self::MaskMiddle => Some("first6_last4"),
            Self::Mask { keep_last: 4 } => Some("last4"),
            _ => None,
        }
    }

    /// Returns the name that policies use.
    #[must_use]
    pub fn name(&self) -> &'static str {
        Self::NAMES.get(self.number()).copied().unwrap_or("redact")
    }

    /// Every name that [`Operator::name`] returns, in the order of [`Operator::number`].
    pub const NAMES: [&'static str; 8] = ["keep", "mask", "generalise", "conv", "fake", "token", "redact", "drop"];

    /// Returns the place of the operator's name among [`Operator::NAMES`], for counting.
    #[must_use]
    pub const fn number(&self) -> usize {
        match self {
            Self::Keep => 0,
            Self::Mask { .. } | Self::MaskMiddle => 1,
            Self::Generalise { .. } => 2,
            Self::Conv => 3,
            Self::Fake => 4,
            Self::Token { .. } => 5,
            Self::Redact => 6,
            Self::Drop => 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stricter_of_two() {
        let order = [
            Operator::Keep,
            Operator::MaskMiddle,
            Operator::Mask { keep_last: 4 },
            Operator::Mask { keep_last: 1 },
            Operator::Mask { keep_last: 0 },
            Operator::Token { mode: Mode::Siv },
            Operator::Token { mode: Mode::Mac },
            Operator::Generalise { to: Form::Shift { days: 3 } },
            Operator::Conv,
            Operator::Generalise { to: Form::Host },
            Operator::Generalise { to: Form::Net },
            Operator::Fake,
            Operator::Redact,
            Operator::Drop,
        ];
        assert!(order.iter().map(Operator::strictness).is_sorted_by(|a, b| a < b));
        let n = u16::try_from(order.len()).unwrap();
        let lane = Lane {
            name: "storage".to_owned(),
            reversal: Reversal::Allowed,
            table: order.iter().map(|operator| Answer { operator: operator.clone(), why: Why::Entity }).collect(),
            unknown: Operator::Redact,
            business: None,
            fields: Vec::new(),
        };
        for a in 0..n {
            for b in 0..n {
                let decided = lane.decide(EntityId(a), Some(EntityId(b)));
                assert_eq!(decided, lane.decide(EntityId(a.max(b)), None));
            }
        }
        assert_eq!(lane.decide(EntityId(n), None), &Operator::Redact, "an entity of other packs is never kept");
    }
}
