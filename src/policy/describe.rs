//! What an operator leaves of a value and what it writes, in words: for `docs/operators.md`, which a test holds against this.

use super::{Form, KEEP_LAST, Operator};
use crate::crypt::Mode;

/// What an operator leaves and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Description {
    /// What a reader still learns of the value.
    pub leaves: &'static str,
    /// What stands in the place of the value.
    pub shape: &'static str,
}

impl Operator {
    /// Returns every operator, each as a policy has it, from the one that takes the least away to the one that takes the most.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = vec![
            Self::Keep,
            Self::MaskMiddle,
            Self::Mask { keep_last: KEEP_LAST },
            Self::Mask { keep_last: 0 },
            Self::Token { mode: Mode::Siv },
            Self::Token { mode: Mode::Mac },
            Self::Conv,
            Self::Fake,
            Self::Redact,
            Self::Drop,
        ];
        all.extend(Form::all().into_iter().map(|to| Self::Generalise { to }));
        // Of equals the order above holds.
        all.sort_by_key(Self::strictness);
        all
    }

    /// Returns what the operator leaves of a value and what it writes.
    #[must_use]
    pub const fn describe(&self) -> Description {
        let (leaves, shape) = match self {
            Self::Keep => ("everything", "the value"),
            Self::MaskMiddle => (
                "issuer and last four digits of a card; with a token of the same card, the rest in 100,000 guesses",
                "its own, `*` for digits",
            ),
            Self::Mask { keep_last: 0 } => ("length and punctuation", "its own, `*` for letters and digits"),
            Self::Mask { .. } => (
                "length, punctuation and the last four letters or digits, a third of them at most",
                "its own, `*` for letters and digits",
            ),
            Self::Token { mode: Mode::Siv } => (
                "which values of a tenant are equal, and how long they are; to the holder of the key everything",
                "a word, `tok_`",
            ),
            Self::Token { mode: Mode::Mac } => (
                "which values of a tenant are equal; the holder of the key can try values",
                "a word, `tok_`, 38 letters",
            ),
            Self::Token { mode: Mode::Vault } => {
                ("which values of a tenant are equal, until the person is erased", "a word, `tok_`")
            }
            Self::Conv => (
                "which values of one conversation are equal; the holder of the key can try values",
                "a label with a code of six letters",
            ),
            Self::Fake => (
                "which values are equal, mostly: there are few made-up ones; the holder of the key can try values",
                "a value of the same kind that is nobody's",
            ),
            Self::Redact => ("which entity it was", "a label"),
            Self::Drop => ("that something may have stood there", "nothing"),
            Self::Generalise { to } => match to {
                Form::CountryType => ("country and type of line; of small countries the zone", "a label with a sort"),
                Form::DomainClass => ("the sort of the domain, never the domain", "a label with a sort"),
                Form::Net => (
                    "the network of 256 addresses, or of 48 bits; of private addresses that they are",
                    "a label with a sort",
                ),
                Form::Grid => ("a cell of about 1.1 km", "a label with two decimals"),
                Form::Month => {
                    ("year and month; where the order of day and month is not known, the year", "a label with a month")
                }
                Form::Year => ("the year", "a label with a year"),
                Form::Shift { .. } => (
                    "how far dates of one subject are apart, and the date within the days; the holder of the key knows it",
                    "a label with a date",
                ),
                Form::HostClass => ("the sort of the host", "a label with a sort"),
                Form::Host => ("scheme and host: a host of one's own is a person", "a link"),
                Form::Bucket { .. } => ("between which two bounds it lies", "a label with the bounds"),
                Form::BrandLen => ("brand and number of digits", "a label with a sort"),
            },
        };
        Description { leaves, shape }
    }
}
