//! What is scored: kinds, entities, countries and subtypes that a run asks for, and which labels the rules speak of at all.

use super::corpus::{Case, Gold, Label};
use super::score::Found;
use crate::entity::Kind;
use crate::ids::{EntityId, Region};
use crate::rules::{RuleSet, Sieve};

/// What of the labels is scored. Everything outside counts as optional: neither a miss nor a false positive.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// These kinds only; empty for all.
    pub kinds: Vec<Kind>,
    /// These entities only; empty for all.
    pub entities: Vec<String>,
    /// These countries only, and what has none; empty for all.
    pub countries: Vec<Region>,
    /// Of the spans that have a subtype, these only; empty for all.
    pub subtypes: Vec<String>,
    /// Only what the rules have an entity for, or everything.
    pub reach: Reach,
}

/// Whether labels that no rule speaks of are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Everything that is labelled is looked for: what no rule speaks of is a miss.
    #[default]
    Labels,
    /// Only labels that a rule has an entity for.
    Rules,
}

/// The entities that rules speak of, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// By id.
    entities: Vec<Name>,
}

#[derive(Clone, Debug)]
struct Name {
    id: EntityId,
    name: String,
    kind: Kind,
    country: Option<Region>,
}

impl Names {
    /// Takes the entities that at least one rule of `rules` looks for in a text of which nothing is known: nobody tells the
    /// names of people in it.
    pub(super) fn new(rules: &RuleSet) -> Self {
        let looks = rules.rules().iter().filter(|rule| rule.sieve != Sieve::Name);
        let mut ids: Vec<EntityId> = looks.map(|rule| rule.entity).collect();
        ids.sort_unstable();
        ids.dedup();
        let named = |id: EntityId| {
            let entity = rules.entity(id)?;
            Some(Name { id, name: entity.name.clone(), kind: entity.kind, country: entity.country })
        };
        Self { entities: ids.into_iter().filter_map(named).collect() }
    }

    /// Makes the list by hand: each entity's place is its number.
    #[cfg(test)]
    pub(super) fn by_hand(entities: &[(&str, Kind, &str)]) -> Self {
        let named = |(n, (name, kind, country)): (usize, &(&str, Kind, &str))| Name {
            id: EntityId(u16::try_from(n).unwrap_or(0)),
            name: (*name).to_owned(),
            kind: *kind,
            country: Region::new(country.as_bytes()),
        };
        Self { entities: entities.iter().enumerate().map(named).collect() }
    }

    /// Returns the name of an entity.
    pub(super) fn name(&self, id: EntityId) -> &str {
        self.at(id).map_or("UNKNOWN", |entity| &entity.name)
    }

    /// Returns the kind of an entity.
    #[cfg(test)]
    pub(super) fn kind(&self, id: EntityId) -> Option<Kind> {
        self.at(id).map(|entity| entity.kind)
    }

    fn at(&self, id: EntityId) -> Option<&Name> {
        self.entities.binary_search_by_key(&id, |entity| entity.id).ok().and_then(|at| self.entities.get(at))
    }

    /// Returns whether a rule looks for the entity of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entities.iter().any(|entity| entity.name == name)
    }

    /// Returns the entity that a label means, where the corpus is that precise. Several names are in use for one entity:
    /// the one that rules have goes first.
    pub(super) fn of_gold(&self, gold: &Gold) -> Option<String> {
        let Label::Kind(kind) = gold.label else { return None };
        let Some(subtype) = gold.subtype.as_deref() else {
            return self.has(kind.name()).then(|| kind.name().to_owned());
        };
        let key = match gold.country {
            Some(country) if !subtype.starts_with(&format!("{country}_")) => format!("{country}_{subtype}"),
            _ => subtype.to_owned(),
        };
        let other = ALIASES.iter().find(|(label, _)| *label == key).map_or(&[][..], |(_, names)| *names);
        let mut names = std::iter::once(key.as_str()).chain(other.iter().copied());
        names.find(|name| self.has(name)).map(str::to_owned).or(Some(key))
    }

    /// Returns whether a rule looks for what the label means.
    pub(super) fn cover(&self, gold: &Gold) -> bool {
        let Label::Kind(kind) = gold.label else { return false };
        // A subtype that names no entity of its own (a fax number, an IPv6 address) is as good as none.
        let fine = gold.subtype.is_some() && (gold.country.is_some() || kind.family() != crate::entity::Family::Own);
        if IN_PART.contains(&kind) {
            return gold.subtype.is_some() && self.of_gold(gold).is_some_and(|name| self.has(&name));
        }
        if fine {
            return self.of_gold(gold).is_some_and(|name| self.has(&name));
        }
        self.entities.iter().any(|entity| {
            entity.kind == kind
                && (gold.country.is_none() || entity.country.is_none() || entity.country == gold.country)
        })
    }
}

impl Selection {
    /// Returns whether a miss of this span counts.
    pub(super) fn wants(&self, gold: &Gold, names: &Names) -> bool {
        !gold.optional && self.asks_for(gold, names) && (self.reach == Reach::Labels || names.cover(gold))
    }

    fn asks_for(&self, gold: &Gold, names: &Names) -> bool {
        let kind = match gold.label {
            Label::Kind(kind) => Some(kind),
            Label::Foreign(_) => None,
        };
        let kinds = self.kinds.is_empty() || kind.is_some_and(|kind| self.kinds.contains(&kind));
        let countries = self.countries.is_empty() || gold.country.is_none_or(|c| self.countries.contains(&c));
        let subtypes = self.subtypes.is_empty() || gold.subtype.as_ref().is_none_or(|s| self.subtypes.contains(s));
        // A label without a subtype may be any entity of its kind.
        let entities = self.entities.is_empty()
            || match names.of_gold(gold) {
                Some(name) => self.entities.contains(&name),
                None => names.entities.iter().any(|e| Some(e.kind) == kind && self.entities.contains(&e.name)),
            };
        kinds && countries && subtypes && entities
    }

    /// Returns whether a false detection counts. What it means that a corpus labels its kind is not asked here.
    pub(super) fn judges(&self, found: &Found, names: &Names) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&found.kind))
            && (self.entities.is_empty() || self.entities.iter().any(|name| name == names.name(found.entity)))
            && (self.countries.is_empty() || found.country.is_none_or(|c| self.countries.contains(&c)))
    }

    /// Returns whether a case is scored.
    pub(super) fn asks(&self, case: &Case, names: &Names) -> bool {
        let entity = names.entities.iter().find(|entity| entity.name == case.entity);
        (self.kinds.is_empty() || entity.is_some_and(|entity| self.kinds.contains(&entity.kind)))
            && (self.entities.is_empty() || self.entities.contains(&case.entity))
            && (self.countries.is_empty() || case.country.is_none_or(|c| self.countries.contains(&c)))
    }
}

/// Kinds of which rules find what words lead to, and no more: who says a name, a street with its number, a birth date. A label
/// without a subtype may be any of the kind.
const IN_PART: [Kind; 3] = [Kind::Person, Kind::Address, Kind::DateTime];

/// What corpora call an entity (`COUNTRY_SUBTYPE`, or the subtype alone), and what the entity may be called here.
const ALIASES: &[(&str, &[&str])] = &[
    ("AWS", &["AWS_ACCESS_KEY"]),
    ("BTC", &["BITCOIN_ADDRESS"]),
    ("DOB", &["DATE_OF_BIRTH"]),
    ("DOMAIN", &["HOSTNAME", "URL"]),
    ("EC_CEDULA", &["EC_CI"]),
    ("EG_ID", &["EG_NATIONAL_ID"]),
    ("ES_DNI", &["ES_NIF"]),
    ("ES_NASS", &["ES_NUSS"]),
    ("ETH", &["ETHEREUM_ADDRESS"]),
    ("FAX", &["PHONE_NUMBER"]),
    ("GH_GHANA_CARD", &["GH_CARD"]),
    ("GITHUB", &["SECRET_GITHUB"]),
    ("HEX", &["API_KEY"]),
    ("IN_VOTER_ID", &["IN_VOTER"]),
    ("IPV6", &["IP_ADDRESS"]),
    ("KE_ID", &["KE_NATIONAL_ID"]),
    ("KE_KRA_PIN", &["KE_PIN"]),
    ("MY_MYKAD", &["MY_NRIC"]),
    ("PL_DOWOD", &["PL_ID_CARD"]),
    ("RW_ID", &["RW_NID"]),
    ("SERVICE_LINE", &["PHONE_NUMBER"]),
    ("SLACK", &["SECRET_SLACK"]),
    ("STRIPE", &["SECRET_STRIPE"]),
    ("TELEGRAM", &["SECRET_TELEGRAM"]),
    ("TH_ID", &["TH_PIN"]),
    ("TH_THAI_ID", &["TH_PIN"]),
    ("TRON", &["TRON_ADDRESS"]),
    ("TR_TC_KIMLIK", &["TR_TCKIMLIK"]),
    ("TWILIO_SID", &["SECRET_TWILIO"]),
    ("ZA_ID", &["ZA_IDNR"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::span::Span;

    fn names() -> Names {
        Names::by_hand(&[
            ("GB_NINO", Kind::NationalId, "GB"),
            ("ZA_IDNR", Kind::NationalId, "ZA"),
            ("ES_NIF", Kind::NationalId, "ES"),
            ("IP_ADDRESS", Kind::IpAddress, ""),
            ("PHONE_NUMBER", Kind::PhoneNumber, ""),
            ("PERSON", Kind::Person, ""),
            ("DATE_OF_BIRTH", Kind::DateTime, ""),
            ("JWT", Kind::ApiKey, ""),
        ])
    }

    fn gold(label: &str, subtype: &str, country: &str) -> Gold {
        Gold {
            span: Span::new(0, 1),
            label: Label::new(label),
            subtype: (!subtype.is_empty()).then(|| subtype.to_owned()),
            country: Region::new(country.as_bytes()),
            optional: false,
        }
    }

    #[test]
    fn labels_mean_entities() {
        #[track_caller]
        fn check(label: &str, subtype: &str, country: &str, entity: Option<&str>, covered: bool) {
            let gold = gold(label, subtype, country);
            assert_eq!(names().of_gold(&gold).as_deref(), entity);
            assert_eq!(names().cover(&gold), covered);
        }
        check("NATIONAL_ID", "NINO", "GB", Some("GB_NINO"), true);
        check("NATIONAL_ID", "ZA_ID", "ZA", Some("ZA_IDNR"), true);
        check("NATIONAL_ID", "DNI", "ES", Some("ES_NIF"), true);
        check("NATIONAL_ID", "BVN", "NG", Some("NG_BVN"), false);
        check("NATIONAL_ID", "", "", None, true);
        check("NATIONAL_ID", "", "FR", None, false);
        check("IP_ADDRESS", "", "", Some("IP_ADDRESS"), true);
        check("IP_ADDRESS", "IPV6", "", Some("IP_ADDRESS"), true);
        check("PHONE_NUMBER", "FAX", "", Some("PHONE_NUMBER"), true);
        check("PHONE_NUMBER", "", "KE", Some("PHONE_NUMBER"), true);
        check("API_KEY", "JWT", "", Some("JWT"), true);
        check("API_KEY", "STRIPE", "", Some("STRIPE"), false);
        check("PASSWORD", "", "", None, false);
        check("PERSON", "", "", Some("PERSON"), false);
        check("DATE_TIME", "", "", None, false);
        check("DATE_TIME", "DOB", "", Some("DATE_OF_BIRTH"), true);
        check("PROFESSION", "", "", None, false);
    }

    #[test]
    fn selections() {
        #[track_caller]
        fn check(selection: &Selection, label: &str, subtype: &str, country: &str, expected: bool) {
            assert_eq!(selection.wants(&gold(label, subtype, country), &names()), expected);
        }
        let all = Selection::default();
        check(&all, "PROFESSION", "", "", true);
        let kinds = Selection { kinds: vec![Kind::NationalId], ..Selection::default() };
        check(&kinds, "NATIONAL_ID", "BVN", "NG", true);
        check(&kinds, "TAX_ID", "", "", false);
        check(&kinds, "PROFESSION", "", "", false);
        let entities = Selection { entities: vec!["GB_NINO".to_owned()], ..Selection::default() };
        check(&entities, "NATIONAL_ID", "NINO", "GB", true);
        check(&entities, "NATIONAL_ID", "", "", true);
        check(&entities, "NATIONAL_ID", "ZA_ID", "ZA", false);
        check(&entities, "PHONE_NUMBER", "", "", false);
        let countries = Selection { countries: vec![Region::new(b"GB").unwrap()], ..Selection::default() };
        check(&countries, "PHONE_NUMBER", "", "GB", true);
        check(&countries, "PHONE_NUMBER", "", "", true);
        check(&countries, "PHONE_NUMBER", "", "KE", false);
        let subtypes = Selection { subtypes: vec!["NINO".to_owned()], ..Selection::default() };
        check(&subtypes, "NATIONAL_ID", "NINO", "GB", true);
        check(&subtypes, "NATIONAL_ID", "BVN", "NG", false);
        check(&subtypes, "PHONE_NUMBER", "", "", true);
        let reach = Selection { reach: Reach::Rules, ..Selection::default() };
        check(&reach, "NATIONAL_ID", "BVN", "NG", false);
        check(&reach, "NATIONAL_ID", "NINO", "GB", true);
        check(&reach, "PROFESSION", "", "", false);
        let optional = Gold { optional: true, ..gold("PHONE_NUMBER", "", "") };
        assert!(!all.wants(&optional, &names()));
    }
}
