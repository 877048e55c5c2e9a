//! Forms: how much of a value a generalisation leaves.

use crate::entity::Kind;

/// What is left of a value that is generalised.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Of a telephone number the country code and the type of line; of a small country only the zone.
    CountryType,
    /// Of a mail address the sort of its domain.
    DomainClass,
    /// Of an address of the internet its net of 24 bits, or 48 in version 6; of a private one its sort.
    Net,
    /// Of a coordinate two decimals, cut off.
    Grid,
    /// Of a date its month; of a date of birth its year is what to ask for.
    Month,
    /// Of a date its year.
    Year,
    /// A date some days earlier or later, the same number for all dates of a subject. Needs a key.
    Shift {
        /// At most so many days.
        days: u16,
    },
    /// Of a link the sort of its host.
    HostClass,
    /// Of a link its scheme and host.
    Host,
    /// Of a number the bounds it lies between.
    Bucket {
        /// Ascending.
        bounds: Vec<u32>,
    },
    /// Of a card its brand and how many digits it has.
    BrandLen,
}

/// Most days that a date is shifted.
pub const SHIFT_DAYS: u16 = 3_650;
/// Days that a date is shifted by where a policy names none.
const USUAL_DAYS: u16 = 30;
/// Bounds of ages where a policy names none.
const AGES: &[u32] = &[13, 16, 18, 25, 35, 45, 55, 65, 75, 90];
/// Most bounds.
pub(super) const BOUNDS: usize = 32;
/// Largest bound.
pub(super) const BOUND: u32 = 4_000_000_000;

impl Form {
    /// Returns the form that a kind has where a policy names none; nothing where there is none for it.
    #[must_use]
    pub fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::PhoneNumber => Self::CountryType,
            Kind::EmailAddress => Self::DomainClass,
            Kind::IpAddress => Self::Net,
            Kind::GeoCoordinate => Self::Grid,
            Kind::DateTime => Self::Month,
            Kind::Url => Self::HostClass,
            Kind::Age => Self::Bucket { bounds: AGES.to_vec() },
            Kind::CreditCard => Self::BrandLen,
            _ => return None,
        })
    }

    /// Reads the name that policies use.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "country_type" => Self::CountryType,
            "domain_class" => Self::DomainClass,
            "net" => Self::Net,
            "grid" => Self::Grid,
            "month" => Self::Month,
            "year" => Self::Year,
            "shift" => Self::Shift { days: USUAL_DAYS },
            "host_class" => Self::HostClass,
            "host" => Self::Host,
            "bucket" => Self::Bucket { bounds: AGES.to_vec() },
            "brand_len" => Self::BrandLen,
            _ => return None,
        })
    }

    /// Returns the name that policies use.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CountryType => "country_type",
            Self::DomainClass => "domain_class",
            Self::Net => "net",
            Self::Grid => "grid",
            Self::Month => "month",
            Self::Year => "year",
            Self::Shift { .. } => "shift",
            Self::HostClass => "host_class",
            Self::Host => "host",
            Self::Bucket { .. } => "bucket",
            Self::BrandLen => "brand_len",
        }
    }

    /// Every form, as a policy has it that says no more.
    #[must_use]
    pub fn all() -> Vec<Self> {
        NAMES.iter().filter_map(|name| Self::from_name(name)).collect()
    }

    /// Returns whether values of a kind have this form.
    #[must_use]
    pub const fn fits(&self, kind: Kind) -> bool {
        match self {
            Self::CountryType => matches!(kind, Kind::PhoneNumber),
            Self::DomainClass => matches!(kind, Kind::EmailAddress),
            Self::Net => matches!(kind, Kind::IpAddress),
            Self::Grid => matches!(kind, Kind::GeoCoordinate),
            Self::Month | Self::Year | Self::Shift { .. } => matches!(kind, Kind::DateTime),
            Self::HostClass | Self::Host => matches!(kind, Kind::Url),
            Self::Bucket { .. } => matches!(kind, Kind::Age | Kind::Other),
            Self::BrandLen => matches!(kind, Kind::CreditCard),
        }
    }

    /// Returns whether a key is needed.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        matches!(self, Self::Shift { .. })
    }
}

/// The names of all forms.
pub(super) const NAMES: &[&str] = &[
    "country_type",
    "domain_class",
    "net",
    "grid",
    "month",
    "year",
    "shift",
    "host_class",
    "host",
    "bucket",
    "brand_len",
];

/// Kinds of which made-up values are known to be nobody's.
#[must_use]
pub const fn has_fake(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::PhoneNumber
            | Kind::EmailAddress
            | Kind::CreditCard
            | Kind::IpAddress
            | Kind::MacAddress
            | Kind::Url
            | Kind::Person
            | Kind::Username
    )
}
