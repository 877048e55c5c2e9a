//! Policies: every entity has an answer, and every fault is told with file, line and hint.

use efface::crypt::Mode;
use efface::entity::{Entity, Kind};
use efface::ids::{EntityId, Region};
use efface::policy::{FieldRule, Operator, Policy, PolicyError, Reversal, Source, Treatment, Why};

const EMAIL: EntityId = EntityId(0);
const CARD: EntityId = EntityId(1);
const CVV: EntityId = EntityId(2);
const CPF: EntityId = EntityId(3);

fn entities() -> Vec<Entity> {
    let entity = |name: &str, kind, country: Option<&[u8]>| Entity {
        name: name.to_owned(),
        kind,
        country: country.and_then(Region::new),
    };
    vec![
        entity("EMAIL_ADDRESS", Kind::EmailAddress, None),
        entity("CREDIT_CARD", Kind::CreditCard, None),
        entity("CARD_CVV", Kind::CreditCard, None),
        entity("BR_CPF", Kind::TaxId, Some(b"BR")),
    ]
}

fn compile(text: &str) -> Result<Policy, PolicyError> {
    Policy::compile(&Source { name: "p.toml".to_owned(), text: text.to_owned() }, &entities())
}

#[track_caller]
fn check(what: &str, text: &str, want: &[(EntityId, Operator)]) {
    let policy = compile(text).unwrap_or_else(|err| panic!("{what}: {err}"));
    let lane = policy.lane("storage").unwrap();
    for (entity, operator) in want {
        assert_eq!(lane.decide(*entity, None), operator, "{what}: {entity:?}");
    }
}

#[test]
fn entity_beats_kind_beats_any() {
    let mask = |keep_last| Operator::Mask { keep_last };
    check("any", "[lanes.storage]\n\"*\" = 'drop'", &[(EMAIL, Operator::Drop), (CPF, Operator::Drop)]);
    check(
        "kind over any",
        "[lanes.storage]\n\"*\" = 'redact'\nTAX_ID = 'keep'",
        &[(CPF, Operator::Keep), (EMAIL, Operator::Redact)],
    );
    check("entity over kind", "[lanes.storage]\nBR_CPF = 'mask'\nTAX_ID = 'keep'\n\"*\" = 'redact'", &[(CPF, mask(0))]);
    check(
        "one word for an entity and for its kind",
        "[lanes.storage]\n\"*\" = 'redact'\nCREDIT_CARD = { operator = 'mask', keep_last = 4 }",
        &[(CARD, mask(4)), (CVV, Operator::Redact), (CPF, Operator::Redact)],
    );
    check(
        "the kind's word does not win over another entity's own",
        "[lanes.storage]\n\"*\" = 'keep'\nCREDIT_CARD = { operator = 'mask', keep_last = 4 }\nCARD_CVV = 'drop'",
        &[(CARD, mask(4)), (CVV, Operator::Drop)],
    );
}

#[test]
fn tokens() {
    let siv = Operator::Token { mode: Mode::Siv };
    let mac = Operator::Token { mode: Mode::Mac };
    check(
        "modes",
        "[lanes.storage]\n\"*\" = 'redact'\nTAX_ID = { operator = 'token', mode = 'siv' }\nEMAIL_ADDRESS = { operator = 'token', mode = 'mac' }",
        &[(CPF, siv.clone()), (EMAIL, mac.clone()), (CARD, Operator::Redact)],
    );
    let any = "\"*\" = { operator = 'token', mode = 'mac' }";
    check(
        "what opens something is a label",
        &format!("[lanes.storage]\n{any}"),
        &[(CPF, mac), (CVV, Operator::Redact)],
    );
    let policy =
        compile(&format!("[lanes.storage]\n\"*\" = 'redact'\nTAX_ID = 'keep'\n[lanes.analytics]\n{any}")).unwrap();
    let (analytics, storage) = (policy.lane("analytics").unwrap(), policy.lane("storage").unwrap());
    assert_eq!((analytics.has_tokens(), storage.has_tokens()), (true, false));
    assert_eq!((analytics.why(CVV), analytics.why(CPF)), (Why::Secret, Why::Any));
    assert_eq!((storage.why(CPF), storage.why(EntityId(99))), (Why::Kind, Why::Unknown));
}

#[test]
fn weak_tokens_are_refused() {
    let lane = |lane: &str, line: &str| format!("[lanes.{lane}]\n\"*\" = 'redact'\n{line}");
    let siv = "{ operator = 'token', mode = 'siv' }";
    let mac = "{ operator = 'token', mode = 'mac' }";
    let analytics = |line: &str, what: &str, hint: &str| fault(&lane("analytics", line), 3, what, hint);
    analytics(
        &format!("TAX_ID = {siv}"),
        "a siv token can be turned back, and the lane analytics never is",
        "mode = \"mac\"",
    );
    fault(&lane("lake", &format!("TAX_ID = {siv}")), 3, "the lane lake never is", "only the lane `storage`");
    for hash in ["hash", "sha256", "SHA-256", "md5", "murmur2"] {
        analytics(&format!("TAX_ID = '{hash}'"), &format!("{hash} needs no key"), "mode = \"mac\"");
        fault(&lane("storage", &format!("TAX_ID = {{ operator = '{hash}' }}")), 3, "needs no key", "mode = \"mac\"");
    }
    let storage = |line: &str, what: &str, hint: &str| fault(&lane("storage", line), 3, what, hint);
    storage("TAX_ID = 'token'", "a token needs a mode", "mode = \"siv\"");
    storage("TAX_ID = { operator = 'token', mode = 'vault' }", "tokens of a vault are not there yet", "mode = \"siv\"");
    storage("TAX_ID = { operator = 'token', mode = 5 }", "unknown mode of token", "mode = \"siv\"");
    storage("TAX_ID = { operator = 'token', mode = 'siv', epoch = 'bbc' }", "unknown option of token: epoch", "mode");
    storage("TAX_ID = { operator = 'redact', mode = 'siv' }", "unknown option of redact: mode", "takes no option");
    for secret in ["API_KEY", "PASSWORD", "OTP_CODE", "CARD_CVV"] {
        for operator in [siv, mac, "'keep'", "'mask'"] {
            storage(&format!("{secret} = {operator}"), &format!("{secret} opens something"), "redact or drop");
        }
        assert!(compile(&lane("storage", &format!("{secret} = 'drop'"))).is_ok());
    }
    for few in ["AGE", "DATE_TIME", "POSTAL_CODE", "LOCATION", "ROUTING_NUMBER"] {
        storage(&format!("{few} = {mac}"), &format!("{few} has too few values"), "redact");
        storage(&format!("{few} = {siv}"), "all of them can be tried", "redact");
        assert!(compile(&lane("storage", &format!("{few} = 'keep'"))).is_ok());
    }
}

#[test]
fn lanes_differ() {
    let policy =
        compile("min_score = 0.725\n[lanes.storage]\n\"*\" = 'mask'\n[lanes.analytics]\n\"*\" = 'drop'").unwrap();
    assert_eq!(policy.min_score(), Some(725));
    let names: Vec<_> = policy.lanes().iter().map(|lane| lane.name()).collect();
    assert_eq!(names, ["analytics", "storage"]);
    assert_eq!(policy.lane("analytics").unwrap().decide(CPF, Some(CARD)), &Operator::Drop);
    assert_eq!(policy.lane("analytics").unwrap().reversal(), Reversal::Never);
    assert!(policy.lane("other").is_none());
}

#[test]
fn fields_are_handed_on() {
    let policy = compile(
        r#"
        [lanes.storage]
        "*" = "redact"
        [[fields]]
        at = "/messages/*/id"
        treat = "keep"
        [[fields]]
        at = "/contact/e~1mail"
        treat = "redact"
        entity = "EMAIL_ADDRESS"
        lanes = ["storage"]
        [lanes.analytics]
        "*" = "redact"
        "#,
    )
    .unwrap();
    let want = [
        FieldRule { at: "/messages/*/id".to_owned(), treat: Treatment::Keep },
        FieldRule { at: "/contact/e~1mail".to_owned(), treat: Treatment::Redact(EMAIL) },
    ];
    assert_eq!(policy.lane("storage").unwrap().fields(), want);
    assert_eq!(policy.lane("analytics").unwrap().fields(), &want[..1]);
}

#[test]
fn every_shipped_policy_loads() {
    assert_eq!(Source::builtin_names().next(), Some("default"));
    for name in Source::builtin_names() {
        let policy = Policy::compile(&Source::builtin(name).unwrap(), &entities()).unwrap();
        assert!(!policy.title().is_empty(), "{name}");
        for lane in ["storage", "analytics"] {
            assert!(policy.lane(lane).is_some(), "{name}: {lane}");
        }
    }
    assert!(Source::builtin("none").is_none());
}

#[track_caller]
fn fault(text: &str, line: usize, what: &str, hint: &str) {
    let err = compile(text).map(|_| ()).expect_err(what);
    assert_eq!(err.line, line, "{err}");
    assert!(err.what.contains(what), "{err}");
    assert!(err.hint.contains(hint), "{err}");
    assert_eq!(err.to_string(), format!("p.toml:{line}: {}\n  hint: {}", err.what, err.hint));
}

#[test]
fn faults_are_told_with_line_and_hint() {
    fault("", 1, "no lane", "[lanes.storage]");
    fault("titel = 'x'", 1, "unknown field", "a policy has");
    fault("[lanes.storage]\nBR_CPF = 'redact'", 1, "no answer for what it does not name", "\"*\" = \"redact\"");
    fault("[lanes.storage]\n\"*\" = 'redact'\nBR_CFP = 'drop'", 3, "unknown entity or kind: BR_CFP", "BR_CPF");
    fault("[lanes.storage]\n\"*\" = 'redact'\nEMAIL = 'drop'", 3, "unknown entity or kind: EMAIL", "rules list");
    fault("[lanes.storage]\n\"*\" = 'redact'\nbr_cpf = 'drop'", 3, "unknown entity or kind: br_cpf", "BR_CPF");
    fault("[lanes.storage]\n\"*\" = 'redact'\nretain = 5", 3, "unknown setting of a lane: retain", "entities, kinds");
    fault("[lanes.storage]\n\"*\" = 'redcat'", 2, "unknown operator: redcat", "did you mean redact?");
    fault("[lanes.storage]\n\"*\" = 5", 2, "not an operator", "one of");
    fault("[lanes.storage]\n\"*\" = { keep_last = 2 }", 2, "no operator is named", "{ operator");
    fault("[lanes.storage]\n\"*\" = { operator = 'mask', keep = 2 }", 2, "unknown option of mask: keep", "keep_last");
    fault("[lanes.storage]\n\"*\" = { operator = 'drop', keep_last = 2 }", 2, "unknown option", "takes no option");
    fault("[lanes.storage]\n\"*\" = { operator = 'mask', keep_last = 5 }", 2, "out of bounds", "0 to 4");
    fault("[lanes.storage]\n\"*\" = { operator = 'mask', keep_last = -1 }", 2, "out of bounds", "0 to 4");
    fault("[lanes.Storage]\n\"*\" = 'redact'", 1, "bad lane name: Storage", "lower-case");
    fault("[lanes.storage]\n\"*\" = 'drop'\n\"*\" = 'keep'", 3, "duplicate", "a policy has");
    let any = "[lanes.storage]\n\"*\" = 'redact'\n[[fields]]\n";
    fault(&format!("{any}at = 'contact'\ntreat = 'keep'"), 4, "not a JSON Pointer", "begins with `/`");
    fault(&format!("{any}at = '/a~b'\ntreat = 'keep'"), 4, "not a JSON Pointer", "`~0` for a tilde");
    fault(&format!("{any}at = '/a'\ntreat = 'skip'"), 5, "unknown treatment: skip", "one of");
    fault(&format!("{any}at = '/a'\ntreat = 'redact'"), 5, "needs an entity", "entity =");
    fault(&format!("{any}at = '/a'\ntreat = 'keep'\nentity = 'BR_CPF'"), 6, "takes no entity", "redacted as a whole");
    fault(&format!("{any}at = '/a'\ntreat = 'redact'\nentity = 'TAX_ID'"), 6, "TAX_ID is a kind", "BR_CPF");
    fault(&format!("{any}at = ''\ntreat = 'drop'"), 4, "whole document", "name the places");
    fault(&format!("{any}at = '/a'\ntreat = 'keep'\nlanes = ['lake']"), 6, "no such lane: lake", "storage");
    fault(&format!("{any}at = '/a'\ntreat = 'keep'\nlanes = []"), 6, "lanes is empty", "every lane");
    fault("min_score = 1.5\n[lanes.storage]\n\"*\" = 'redact'", 1, "min_score is out of bounds", "0.0 to 1.0");
    fault("min_score = 500\n[lanes.storage]\n\"*\" = 'redact'", 1, "min_score is out of bounds", "0.0 to 1.0");
}
