//! Entities are data (they come from rule packs); kinds are the closed list of generic types that entities belong to.

use crate::ids::Region;
use std::fmt;

/// One concrete type of personal data, such as `BR_CPF`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entity {
    /// Upper snake case, beginning with the ISO 3166 code where it is bound to a country.
    pub name: String,
    /// The generic type it belongs to.
    pub kind: Kind,
    /// The country it is bound to.
    pub country: Option<Region>,
}

macro_rules! kinds {
    ($($variant:ident $name:literal $class:literal $family:ident),+ $(,)?) => {
        /// The generic type of an entity; corpora are labelled with these.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs, reason = "the names are the documentation")]
        pub enum Kind { $($variant),+ }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the name as it stands in packs, policies and corpora.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Returns the two-letter class that a token of this kind carries.
            #[must_use]
            pub const fn token_class(self) -> &'static str {
                match self { $(Self::$variant => $class),+ }
            }

            /// Returns the family whose kinds count as one when a detection is compared with a label.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family),+ }
            }

            /// Reads a name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

/// Kinds that are near enough to count as one in an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Numbers that identify a person or a one-person business.
    Identification,
    /// Keys, passwords and codes.
    Secret,
    /// A kind that stands alone.
    Own,
}

kinds! {
    EmailAddress "EMAIL_ADDRESS" "em" Own,
    PhoneNumber "PHONE_NUMBER" "ph" Own,
    CreditCard "CREDIT_CARD" "cd" Own,
    Iban "IBAN" "ac" Own,
    BankAccount "BANK_ACCOUNT" "ac" Identification,
    RoutingNumber "ROUTING_NUMBER" "ac" Identification,
    IpAddress "IP_ADDRESS" "ip" Own,
    MacAddress "MAC_ADDRESS" "mc" Own,
    Imei "IMEI" "dv" Own,
    Imsi "IMSI" "dv" Own,
    Iccid "ICCID" "dv" Own,
    DeviceId "DEVICE_ID" "dv" Own,
    Url "URL" "ur" Own,
    UsSsn "US_SSN" "id" Identification,
    NationalId "NATIONAL_ID" "id" Identification,
    TaxId "TAX_ID" "tx" Identification,
    Passport "PASSPORT" "ps" Identification,
    DriverLicense "DRIVER_LICENSE" "dl" Identification,
    LicensePlate "LICENSE_PLATE" "lp" Own,
    Vin "VIN" "vn" Own,
    MedicalId "MEDICAL_ID" "hl" Identification,
    CryptoAddress "CRYPTO_ADDRESS" "cw" Own,
    ApiKey "API_KEY" "sc" Secret,
    Password "PASSWORD" "sc" Secret,
    OtpCode "OTP_CODE" "sc" Secret,
    Username "USERNAME" "hn" Own,
    UserId "USER_ID" "hn" Own,
    GeoCoordinate "GEO_COORDINATE" "ge" Own,
    TransactionId "TRANSACTION_ID" "ot" Own,
    OtherId "OTHER_ID" "ot" Identification,
    Person "PERSON" "nm" Own,
    Location "LOCATION" "ad" Own,
    Address "ADDRESS" "ad" Own,
    PostalCode "POSTAL_CODE" "ad" Own,
    DateTime "DATE_TIME" "dt" Own,
    Age "AGE" "dt" Own,
    Organization "ORGANIZATION" "nm" Own,
    Other "OTHER" "ot" Own,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns the name that `word` was probably meant to be: at most a third of its letters differ, case does not count.
#[must_use]
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    names
        .into_iter()
        .map(|name| (distance(word.as_bytes(), name.as_bytes()), name))
        .min()
        .filter(|&(away, name)| away * 3 <= name.len())
        .map(|(_, name)| name)
}

/// Counts the insertions, deletions and replacements that turn one word into the other.
///
/// # Source
/// Wagner and Fischer, "The String-to-String Correction Problem", Journal of the ACM 21 (1974).
fn distance(from: &[u8], to: &[u8]) -> usize {
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (n, a) in from.iter().enumerate() {
        let mut row = vec![n + 1];
        for ((b, &up), &diagonal) in to.iter().zip(above.iter().skip(1)).zip(&above) {
            let left = row.last().copied().unwrap_or(0);
            let replaced = diagonal + usize::from(!a.eq_ignore_ascii_case(b));
            row.push(replaced.min(up + 1).min(left + 1));
        }
        above = row;
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{Kind, nearest};

    #[test]
    fn names_round_trip() {
        for &kind in Kind::ALL {
            assert_eq!(Kind::from_name(kind.name()), Some(kind));
            assert_eq!(kind.token_class().len(), 2);
        }
        assert_eq!(Kind::from_name("email"), None);
    }

    #[test]
    fn near_names() {
        let names = || Kind::ALL.iter().map(|kind| kind.name());
        assert_eq!(nearest("EMAIL_ADRESS", names()), Some("EMAIL_ADDRESS"));
        assert_eq!(nearest("phone_numbr", names()), Some("PHONE_NUMBER"));
        assert_eq!(nearest("WEATHER_REPORT", names()), None);
        assert_eq!(nearest("", names()), None);
    }
}
