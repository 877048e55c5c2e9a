//! Keys and tokens: published vectors for the primitives, tokens computed elsewhere, and the laws.

use crate::alloc::allocations;
use efface::crypt::{
    Class, Epoch, Found, KeyConfig, KeyError, KeySource, Keys, LaneClass, MAX_CANONICAL_BYTES, Malformed, Mode,
    Purpose, RootKey, Scope, Shape, Token, TokenError, TokenScratch, Tokenizer, TokenizerConfig, encode, encoded_len,
    find_tokens, token_at,
};
use efface::entity::Kind;
use efface::ids::TenantId;
use efface::sensitive::Sensitive;
use proptest::prelude::*;
use std::convert::Infallible;

const ROOT: &str = "c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef";
const UNCACHED: TokenizerConfig = TokenizerConfig { cache_entries: 0, ready_tenants: 64 };

// ---- Primitives against published vectors ----

fn unhex(text: &str) -> Vec<u8> {
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn hmac_sha_256_as_in_rfc_4231() {
    use hmac::{Hmac, KeyInit, Mac};
    #[track_caller]
    fn check(key: &[u8], text: &[u8], want: &str) {
        let keyed = Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
        // A clone of a keyed state, as the tokenizer uses it.
        let got: Vec<Vec<u8>> =
            (0..2).map(|_| Hmac::clone(&keyed).chain_update(text).finalize().into_bytes().to_vec()).collect();
        assert_eq!(got, [unhex(want), unhex(want)]);
    }
    check(&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    check(b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    check(
        &[0xaa; 131],
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
}

#[test]
fn hkdf_sha_256_as_in_rfc_5869() {
    #[track_caller]
    fn check(salt: Option<&[u8]>, info: &[u8], want: &str) {
        let mut got = [0; 42];
        hkdf::Hkdf::<sha2::Sha256>::new(salt, &[0x0b; 22]).expand(info, &mut got).unwrap();
        assert_eq!(got.to_vec(), unhex(want));
    }
    let salt: Vec<u8> = (0..13).collect();
    let info: Vec<u8> = (0xf0..=0xf9).collect();
    check(Some(&salt), &info, "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    check(None, b"", "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

#[test]
fn aes_siv_as_in_rfc_5297_and_with_256_bit_keys() {
    use aes_siv::KeyInit;
    use aes_siv::siv::{Aes128Siv, Aes256Siv};
    let two_parts = [
        "00112233445566778899aabbccddeeffdeaddadadeaddadaffeeddccbbaa99887766554433221100",
        "102030405060708090a0",
        "09f911029d74e35bd84156c5635688c0",
    ]
    .map(unhex);
    let one_part = [unhex("101112131415161718191a1b1c1d1e1f2021222324252627")];
    let short = unhex("112233445566778899aabbccddee");
    let long = b"this is some plaintext to encrypt using SIV-AES";

    let siv = |key: &str, parts: &[Vec<u8>], text: &[u8]| {
        let (key, mut text) = (unhex(key), text.to_vec());
        let tag = match key.len() {
            32 => Aes128Siv::new_from_slice(&key).unwrap().encrypt_inout_detached(parts, text.as_mut_slice().into()),
            _ => Aes256Siv::new_from_slice(&key).unwrap().encrypt_inout_detached(parts, text.as_mut_slice().into()),
        };
        [tag.unwrap().as_slice(), &text].concat()
    };
    // RFC 5297 A.1 and A.2.
    assert_eq!(
        siv("fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", &one_part, &short),
        unhex("85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c")
    );
    assert_eq!(
        siv("7f7e7d7c7b7a79787776757473727170404142434445464748494a4b4c4d4e4f", &two_parts, long),
        unhex(
            "7bdb6e3b432667eb06f4d14bff2fbd0fcb900f2fddbe404326601965c889bf17dba77ceb094fa663b7a3f748ba8af829ea64ad544a27\
             2e9c485b62a3fd5c0d"
        )
    );
    // The RFC has none with 256-bit keys; these are the two that Miscreant's collection holds as NIST's.
    assert_eq!(
        siv(
            "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f06f6e6d6c6b6a69686766656463626160f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405\
             060708090a0b0c0d0e0f",
            &one_part,
            &short
        ),
        unhex("f125274c598065cfc26b0e71575029088b035217e380cac8919ee800c126")
    );
    assert_eq!(
        siv(
            "7f7e7d7c7b7a797877767574737271706f6e6d6c6b6a69686766656463626160404142434445464748494a4b4c4d4e4f505152535455\
             565758595a5b5b5d5e5f",
            &two_parts,
            long
        ),
        unhex(
            "85b8167310038db7dc4692c0281ca35868181b2762f3c24f2efa5fb80cb143516ce6c434b898a6fd8eb98a418842f51f66fc67de43ac\
             185a66dd72475bbb08"
        )
    );
}

// ---- Tokens ----

fn root(text: &str) -> RootKey {
    RootKey::parse(text.as_bytes()).unwrap()
}

fn tokenizer(root: &RootKey, environment: &str, epoch: &str, config: TokenizerConfig) -> Tokenizer {
    let epoch = Epoch::from_letters(epoch.as_bytes()).unwrap();
    let keys = Keys::build(root, KeyConfig { environment: environment.to_owned(), epoch }).unwrap();
    Tokenizer::new(keys, config, [7; 16])
}

fn plain() -> Tokenizer {
    tokenizer(&root(ROOT), "test", "bbb", UNCACHED)
}

fn scope<'t>(tenant: &'t str, class: &str, purpose: Purpose) -> Scope<'t> {
    Scope { tenant: TenantId::new(tenant).unwrap(), class: Class::new(class.as_bytes()).unwrap(), purpose }
}

fn token_with(tokenizer: &Tokenizer, scope: &Scope<'_>, value: &[u8], scratch: &mut TokenScratch) -> Vec<u8> {
    let mut out = b"before ".to_vec();
    tokenizer.token(scope, Sensitive::new(value), &mut out, scratch).unwrap();
    out.split_off(7)
}

fn token(tokenizer: &Tokenizer, scope: &Scope<'_>, value: &[u8]) -> Vec<u8> {
    token_with(tokenizer, scope, value, &mut tokenizer.scratch())
}

/// Tokens computed by another program: Python's `hmac` and `hashlib`, and AES-SIV of the `cryptography` package (OpenSSL).
#[test]
fn tokens_are_the_same_everywhere() {
    const COUNTING: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    #[track_caller]
    fn check(key: &str, environment: &str, epoch: &str, scope: &Scope<'_>, value: &str, want: &str) {
        let tokenizer = tokenizer(&root(key), environment, epoch, TokenizerConfig::default());
        let mut scratch = tokenizer.scratch();
        // The second comes from the cache.
        for _ in 0..2 {
            let got = token_with(&tokenizer, scope, value.as_bytes(), &mut scratch);
            assert_eq!(String::from_utf8(got).unwrap(), want);
        }
        if scope.purpose == Purpose::StorageSiv {
            let opened = tokenizer.open(scope.tenant, want.as_bytes()).unwrap();
            assert_eq!(opened.value().expose(), value.as_bytes());
            assert_eq!((opened.class(), opened.epoch()), (scope.class, tokenizer.epoch()));
        }
    }
    let phone = "+221771234567";
    check(
        COUNTING,
        "default",
        "bbb",
        &scope("north", "ph", Purpose::StorageSiv),
        phone,
        "tok_ph_sbbb_bsfdjgpqtqdtdvprksrdttdgkdpqgpmdmmqvfgvmfqmjrrmrtdkvmrnpfcgc",
    );
    check(
        COUNTING,
        "default",
        "bbb",
        &scope("north", "ph", Purpose::StorageMac),
        phone,
        "tok_ph_mbbb_nknpktqrhjvvjbvsqdkvrhmqqf",
    );
    check(
        COUNTING,
        "default",
        "bbb",
        &scope("north", "ph", Purpose::AnalyticsMac),
        phone,
        "tok_ph_mbbb_rctqdqddbcpmnnpgdtgqrskfhm",
    );
    let mail = "awa.diop@example.org";
    check(
        ROOT,
        "test",
        "vcd",
        &scope("south", "em", Purpose::StorageSiv),
        mail,
        "tok_em_svcd_jkdjvbvngktgdpdtvcnmthrvgrmhhkjtkbhqvqvqdcgcfnfspmkvrsfpgfhcdmtpgfvqcvfbkr",
    );
    check(
        ROOT,
        "test",
        "vcd",
        &scope("south", "em", Purpose::AnalyticsMac),
        mail,
        "tok_em_mvcd_qsqjpkhnvsvnpvrnsfvrcjbpfq",
    );
    check(
        ROOT,
        "test",
        "bbb",
        &scope("sœur", "nm", Purpose::StorageSiv),
        "Awa Diop, née Ndiaye",
        "tok_nm_sbbb_vvpmkqgcmmfnffjmsrbmhstqhkrjqcpsvqvjqshtvcdsgsdkvrrnhqjvjsscksbrhqmmrbcqrbsf",
    );
    check(
        ROOT,
        "test",
        "bbc",
        &scope(&"x".repeat(255), "cd", Purpose::StorageSiv),
        "4111111111111111",
        "tok_cd_sbbc_hqjrmtbsqpmjrchgjhnrscrfgnbsftsrgbjbgbjtkktjqmrvqftqdfctbhjfjntsgn",
    );
}

#[test]
fn what_has_no_token() {
    let tokenizer = plain();
    let mut scratch = tokenizer.scratch();
    let mut out = b"kept".to_vec();
    for purpose in Purpose::ALL {
        let scope = scope("north", "ad", purpose);
        let mut check = |value: &[u8], want| {
            assert_eq!(tokenizer.token(&scope, Sensitive::new(value), &mut out, &mut scratch), want);
        };
        check(b"", Err(TokenError::Empty));
        let (len, limit) = (MAX_CANONICAL_BYTES + 1, MAX_CANONICAL_BYTES);
        check(&vec![b'x'; len], Err(TokenError::TooLong { len, limit }));
    }
    assert_eq!(out, b"kept");
    let longest = vec![b'x'; MAX_CANONICAL_BYTES];
    let text = token(&tokenizer, &scope("north", "ad", Purpose::StorageSiv), &longest);
    assert_eq!(tokenizer.open(TenantId::new("north").unwrap(), &text).unwrap().value().expose(), longest);
}

#[test]
fn tokens_of_an_older_epoch_open() {
    let old = tokenizer(&root(ROOT), "test", "bbb", UNCACHED);
    let new = tokenizer(&root(ROOT), "test", "bbc", UNCACHED);
    let scope = scope("north", "ph", Purpose::StorageSiv);
    let text = token(&old, &scope, b"+447400123456");
    let opened = new.open(scope.tenant, &text).unwrap();
    assert_eq!((opened.value().expose(), opened.epoch()), (&b"+447400123456"[..], old.epoch()));
    assert_ne!(token(&new, &scope, b"+447400123456"), text);
}

#[test]
fn nothing_secret_is_printed() {
    let tokenizer = plain();
    let scope = scope("north", "ph", Purpose::StorageSiv);
    let text = token(&tokenizer, &scope, b"+447400123456");
    let opened = tokenizer.open(scope.tenant, &text).unwrap();
    assert_eq!(format!("{opened:?}"), "Opened { class: ph, epoch: bbb, value: Sensitive(13 bytes) }");
    assert_eq!(
        format!("{tokenizer:?}"),
        "Tokenizer { keys: Keys { environment: \"test\", epoch: bbb, .. }, config: TokenizerConfig { cache_entries: 0, \
         ready_tenants: 64 }, .. }"
    );
    assert_eq!(format!("{:?}", tokenizer.scratch()), "TokenScratch { ready_tenants: 0, .. }");
    assert_eq!(format!("{scope:?}"), "Scope { tenant: TenantId(5 bytes), class: ph, purpose: StorageSiv }");
}

#[test]
fn tokens_do_not_allocate() {
    for cache_entries in [0, 1 << 10] {
        let tokenizer = tokenizer(&root(ROOT), "test", "bbb", TokenizerConfig { cache_entries, ..UNCACHED });
        let mut scratch = tokenizer.scratch();
        let mut out = Vec::with_capacity(1 << 10);
        let mut round = || {
            for purpose in Purpose::ALL {
                for tenant in ["north", "south"] {
                    for value in ["+447400123456", "+221771234567"] {
                        out.clear();
                        let scope = scope(tenant, "ph", purpose);
                        tokenizer.token(&scope, Sensitive::new(value.as_bytes()), &mut out, &mut scratch).unwrap();
                    }
                }
            }
        };
        round();
        assert_eq!(allocations(|| (0..10).for_each(|_| round())), 0);
    }
}

#[test]
fn more_tenants_than_are_kept_ready() {
    let few = tokenizer(&root(ROOT), "test", "bbb", TokenizerConfig { cache_entries: 0, ready_tenants: 2 });
    let many = plain();
    let (mut few_scratch, mut many_scratch) = (few.scratch(), many.scratch());
    for n in 0..200 {
        let tenant = format!("tenant {}", n % 7);
        let scope = scope(&tenant, "ph", Purpose::ALL[n % 3]);
        let value = format!("value {}", n % 5);
        assert_eq!(
            token_with(&few, &scope, value.as_bytes(), &mut few_scratch),
            token_with(&many, &scope, value.as_bytes(), &mut many_scratch)
        );
    }
    assert_eq!(format!("{few_scratch:?}"), "TokenScratch { ready_tenants: 2, .. }");
}

#[test]
fn shared_by_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Tokenizer>();
    let tokenizer = plain();
    let run = || {
        let mut scratch = tokenizer.scratch();
        (0..100)
            .map(|n| token_with(&tokenizer, &scope("north", "ph", Purpose::ALL[n % 3]), &[n as u8; 9], &mut scratch))
            .collect::<Vec<_>>()
    };
    let alone = run();
    std::thread::scope(|threads| {
        let all: Vec<_> = (0..4).map(|_| threads.spawn(run)).collect();
        all.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), alone));
    });
}

/// Many values in two tenants on both lanes: no token twice.
#[test]
fn no_two_scopes_share_a_token() {
    let tokenizer = plain();
    let mut scratch = tokenizer.scratch();
    let mut all = std::collections::HashSet::new();
    for n in 0..10_000 {
        let value = format!("+44740{n:07}");
        for purpose in Purpose::ALL {
            for tenant in ["north", "south"] {
                let text = token_with(&tokenizer, &scope(tenant, "ph", purpose), value.as_bytes(), &mut scratch);
                // The body: all that is left once class, mode and epoch are known.
                assert!(all.insert(text[12..36].to_vec()), "{n}");
            }
        }
    }
}

// ---- Laws ----

fn values() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "\\+[1-9][0-9]{6,14}".prop_map(String::into_bytes),
        "[a-z.]{1,20}@[a-z]{1,12}\\.example".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 1..200),
    ]
}

fn classes() -> impl Strategy<Value = Class> {
    proptest::sample::select(Kind::ALL).prop_map(Class::of)
}

fn tenants() -> impl Strategy<Value = String> {
    "[a-zé\\-\\. ]{1,12}"
}

fn purposes() -> impl Strategy<Value = Purpose> {
    proptest::sample::select(&Purpose::ALL[..])
}

/// The tokens of two places; equal where and only where the places are.
fn compare(a: (&str, &str, &str, &str, Purpose), b: (&str, &str, &str, &str, Purpose), value: &[u8]) -> bool {
    let [first, second] = [a, b].map(|(environment, epoch, tenant, class, purpose)| {
        let tokenizer = tokenizer(&root(ROOT), environment, epoch, UNCACHED);
        let text = token(&tokenizer, &scope(tenant, class, purpose), value);
        text[12..].to_vec()
    });
    first == second
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_siv_made_opens(value in values(), tenant in tenants(), class in classes()) {
        let tokenizer = plain();
        let scope = Scope { tenant: TenantId::new(&tenant).unwrap(), class, purpose: Purpose::StorageSiv };
        let opened = tokenizer.open(scope.tenant, &token(&tokenizer, &scope, &value)).unwrap();
        prop_assert_eq!(opened.value().expose(), &value);
        prop_assert_eq!(opened.class(), class);
    }

    #[test]
    fn nothing_else_opens(value in values(), purpose in purposes(), tenant in tenants(), other in tenants()) {
        let tokenizer = plain();
        let text = token(&tokenizer, &scope(&tenant, "ph", purpose), &value);
        let opens = purpose == Purpose::StorageSiv && tenant == other;
        prop_assert_eq!(tokenizer.open(TenantId::new(&other).unwrap(), &text).is_ok(), opens);
        for (environment, key) in [("prod", ROOT.to_owned()), ("test", ROOT.replace("ef", "ee"))] {
            let stranger = self::tokenizer(&root(&key), environment, "bbb", UNCACHED);
            let fault = stranger.open(TenantId::new(&tenant).unwrap(), &text).unwrap_err();
            prop_assert_eq!(fault.to_string(), "unknown token");
        }
    }

    #[test]
    fn two_scopes_two_tokens(value in values(), purpose in purposes()) {
        let here = ("test", "bbb", "north", "ph", purpose);
        prop_assert!(compare(here, here, &value));
        prop_assert!(!compare(here, ("prod", "bbb", "north", "ph", purpose), &value));
        prop_assert!(!compare(here, ("test", "bbc", "north", "ph", purpose), &value));
        prop_assert!(!compare(here, ("test", "bbb", "south", "ph", purpose), &value));
        prop_assert!(!compare(here, ("test", "bbb", "north", "hn", purpose), &value));
        prop_assert!(!compare(
            ("test", "bbb", "north", "ph", Purpose::StorageMac),
            ("test", "bbb", "north", "ph", Purpose::AnalyticsMac),
            &value
        ));
        // Where one name ends and the next begins matters.
        prop_assert!(!compare(("ab", "bbb", "c", "ph", purpose), ("a", "bbb", "bc", "ph", purpose), &value));
    }

    #[test]
    fn two_values_two_tokens(a in values(), b in values(), purpose in purposes()) {
        let (tokenizer, scope) = (plain(), scope("north", "ph", purpose));
        prop_assert_eq!(token(&tokenizer, &scope, &a) == token(&tokenizer, &scope, &b), a == b);
    }

    #[test]
    fn tokens_are_made_of_their_letters(value in values(), class in classes(), purpose in purposes()) {
        let tokenizer = plain();
        let text = token(&tokenizer, &Scope { tenant: TenantId::new("north").unwrap(), class, purpose }, &value);
        prop_assert!(text.starts_with(b"tok_"));
        prop_assert!(text[7..].iter().all(|b| b"bcdfghjkmnpqrstv_".contains(b)));
        prop_assert!(!text.iter().any(u8::is_ascii_digit));
        let read = Token::parse(&text).unwrap();
        prop_assert_eq!((read.class(), read.mode(), read.epoch()), (class, purpose.mode(), tokenizer.epoch()));
        let want = if purpose.mode() == Mode::Siv { 16 + value.len() } else { 12 };
        prop_assert_eq!((read.body().len(), text.len()), (want, encoded_len(want)));
    }

    #[test]
    fn a_token_is_written_as_it_is_read(body in proptest::collection::vec(any::<u8>(), 17..300), class in classes(),
        epoch in 0..Epoch::COUNT) {
        let epoch = Epoch::new(epoch).unwrap();
        for (mode, body) in [(Mode::Siv, &body[..]), (Mode::Mac, &body[..12]), (Mode::Vault, &body[..12])] {
            let mut text = vec![0; encoded_len(body.len()) + 3];
            let len = encode(class, mode, epoch, body, &mut text).unwrap();
            let read = Token::parse(&text[..len]).unwrap();
            prop_assert_eq!(read.body().collect::<Vec<_>>(), body);
            prop_assert_eq!((read.class(), read.mode(), read.epoch()), (class, mode, epoch));
            prop_assert_eq!(Epoch::from_letters(&epoch.letters()), Some(epoch));
            prop_assert!(text[len..].iter().all(|&b| b == 0));
        }
    }

    #[test]
    fn the_cache_changes_nothing(picks in proptest::collection::vec((0..40_u8, 0..3_usize, 0..3_usize), 1..200),
        entries in proptest::sample::select(vec![1, 4, 16, 1 << 12])) {
        let cached = tokenizer(&root(ROOT), "test", "bbb", TokenizerConfig { cache_entries: entries, ..UNCACHED });
        let (uncached, mut warm) = (plain(), cached.scratch());
        let mut cold = uncached.scratch();
        for (value, purpose, tenant) in picks {
            // Lengths on both sides of what a line of the cache holds.
            let value = vec![value; usize::from(value) + 20];
            let scope = scope(["north", "south", "n"][tenant], "ph", Purpose::ALL[purpose]);
            prop_assert_eq!(
                token_with(&cached, &scope, &value, &mut warm),
                token_with(&uncached, &scope, &value, &mut cold)
            );
        }
    }

    #[test]
    fn one_letter_changed_is_seen(value in values(), purpose in purposes(), at in any::<prop::sample::Index>(),
        to in any::<u8>()) {
        let (tokenizer, scope) = (plain(), scope("north", "ph", purpose));
        let mut text = token(&tokenizer, &scope, &value);
        let at = at.index(text.len());
        prop_assume!(text[at] != to);
        text[at] = to;
        prop_assert!(Token::parse(&text).is_err());
        prop_assert!(tokenizer.open(scope.tenant, &text).is_err());
        let whole = Found { span: efface::Span::new(0, text.len() as u32), shape: Shape::WellFormed };
        prop_assert_ne!(token_at(&text, 0), Some(whole));
    }

    #[test]
    fn tokens_are_found_where_they_are(
        pieces in proptest::collection::vec((values(), purposes(), "[ -~é]{0,12}"), 0..6)) {
        let (tokenizer, mut text, mut want) = (plain(), Vec::new(), Vec::new());
        for (value, purpose, between) in &pieces {
            // What follows a token must not begin with letters of its alphabet: such a reading may be longer.
            text.extend_from_slice(format!("{between} ").as_bytes());
            let start = text.len();
            text.extend(token(&tokenizer, &scope("north", "ph", *purpose), value));
            want.push(start..text.len());
            text.push(b'.');
        }
        let found: Vec<_> = find_tokens(&text).collect();
        prop_assert!(found.iter().all(|found| found.shape == Shape::WellFormed));
        prop_assert_eq!(found.iter().map(|found| found.span.range()).collect::<Vec<_>>(), want);
    }

    #[test]
    fn any_text_can_be_searched(text in "(tok_|ph_|[sm]bbb_|[b-dtv]{0,9}|é|1)*", cut in any::<prop::sample::Index>()) {
        let text = text.as_bytes();
        let mut end = 0;
        for found in find_tokens(text) {
            let range = found.span.range();
            prop_assert!(end <= range.start && range.end <= text.len() && text[range.clone()].starts_with(b"tok_"));
            prop_assert_eq!(found.shape == Shape::WellFormed, Token::parse(&text[range.clone()]).is_ok());
            end = range.end;
        }
        let at = cut.index(text.len() + 1);
        prop_assert_eq!(token_at(text, at).is_some(), find_tokens(&text[at..]).next().is_some_and(|f| f.span.start == 0));
    }
}

/// Each bit of a token's text, and each bit of its body under check letters made anew.
#[test]
fn every_flipped_bit_is_refused() {
    let tokenizer = plain();
    let scope = scope("north", "em", Purpose::StorageSiv);
    for value in [&b"+447400123456"[..], b"a.rather.long.address@mail.example.org"] {
        let text = token(&tokenizer, &scope, value);
        for bit in 0..text.len() * 8 {
            let mut flipped = text.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(tokenizer.open(scope.tenant, &flipped).is_err(), "{bit}");
        }
        let body: Vec<u8> = Token::parse(&text).unwrap().body().collect();
        for bit in 0..body.len() * 8 {
            let mut forged = body.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let mut text = vec![0; encoded_len(body.len())];
            encode(scope.class, Mode::Siv, tokenizer.epoch(), &forged, &mut text).unwrap();
            assert!(Token::parse(&text).is_ok());
            assert!(tokenizer.open(scope.tenant, &text).is_err(), "{bit}");
        }
        // Another class, another epoch, cut shorter: check letters right, tag wrong.
        let mut out = vec![0; text.len()];
        for (class, epoch, n) in [("ph", 0, body.len()), ("em", 1, body.len()), ("em", 0, body.len() - 1)] {
            let class = Class::new(class.as_bytes()).unwrap();
            let len = encode(class, Mode::Siv, Epoch::new(epoch).unwrap(), &body[..n], &mut out).unwrap();
            assert!(tokenizer.open(scope.tenant, &out[..len]).is_err());
        }
    }
    assert_eq!(Token::parse(b"tok_em_sbbb_").unwrap_err(), Malformed::Body);
}

#[test]
fn analytics_has_no_reversible_token() {
    for &mode in &Mode::ALL {
        let purpose = Purpose::new(LaneClass::Analytics, mode);
        assert_eq!(purpose.is_some(), mode == Mode::Mac);
    }
}

// ---- Sources ----

#[cfg(unix)]
mod files {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("crypt-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn read(source: &str) -> Result<RootKey, KeyError> {
        KeySource::parse(source)?.read(|_| None)
    }

    #[test]
    fn only_the_owner_may_read_the_key() {
        let folder = folder("modes");
        let path = folder.join("root.key");
        fs::write(&path, format!("{ROOT}\n")).unwrap();
        let source = format!("file:{}", path.display());
        for (mode, closed) in
            [(0o600, true), (0o400, true), (0o640, false), (0o604, false), (0o620, false), (0o644, false)]
        {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            match read(&source) {
                Ok(_) => assert!(closed, "{mode:o}"),
                Err(fault) => {
                    assert!(!closed, "{mode:o}: {fault}");
                    let p = path.display();
                    let want = format!("key file is open to others (mode {mode:o}): {p}\n  hint: chmod 600 {p}");
                    assert_eq!(fault.to_string(), want);
                }
            }
        }
        // A link is as open as what it leads to.
        let link = folder.join("link.key");
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(read(&format!("file:{}", link.display())), Err(KeyError::OpenToOthers { .. })));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn faults() {
        let folder = folder("faults");
        let path = folder.join("root.key");
        fs::write(&path, &ROOT[..40]).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let at = |name: &str| format!("file:{}", folder.join(name).display());
        assert!(matches!(read(&at("root.key")), Err(KeyError::Format { .. })));
        assert!(matches!(read(&at("none.key")), Err(KeyError::File { .. })));
        assert!(matches!(read(&at("")), Err(KeyError::NotAFile { .. })));
        assert!(matches!(read("file:/dev/zero"), Err(KeyError::NotAFile { .. })));
        assert!(matches!(read("command:cat /dev/zero"), Err(KeyError::Format { .. })));
        assert!(matches!(read("command:false"), Err(KeyError::CommandFailed { code: Some(1), .. })));
        assert!(matches!(read("command:/nowhere/at/all"), Err(KeyError::Command { .. })));
        assert!(matches!(read("env:NAME"), Err(KeyError::NoVariable { .. })));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn all_sources_give_the_same_key() {
        let folder = folder("same");
        let path = folder.join("root.key");
        fs::write(&path, format!("{ROOT}\n")).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let want = token(&plain(), &scope("north", "ph", Purpose::StorageMac), b"value");
        let path = path.display();
        for source in [format!("file:{path}"), "env:KEY".to_owned(), format!("command:cat {path}")] {
            let key = KeySource::parse(&source).unwrap().read(|name| (name == "KEY").then(|| ROOT.into())).unwrap();
            let tokenizer = tokenizer(&key, "test", "bbb", UNCACHED);
            assert_eq!(token(&tokenizer, &scope("north", "ph", Purpose::StorageMac), b"value"), want);
        }
        fs::remove_dir_all(folder).unwrap();
    }
}

#[test]
fn a_generated_key_is_what_was_filled_in() {
    let bytes = unhex(ROOT);
    let key = RootKey::generate(|place| {
        place.copy_from_slice(&bytes);
        Ok::<(), Infallible>(())
    })
    .unwrap();
    let scope = scope("north", "ph", Purpose::StorageMac);
    assert_eq!(token(&tokenizer(&key, "test", "bbb", UNCACHED), &scope, b"value"), token(&plain(), &scope, b"value"));
}
