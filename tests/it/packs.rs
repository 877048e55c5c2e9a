//! The packs that ship, and what the loader says about packs that are wrong.

use efface::check;
use efface::rules::{RuleSet, Sieve, Source};
use efface::scan::{Hints, ScanConfig, Scanner, Validator};
use proptest::prelude::*;
use std::path::Path;

const RULE: &str = r#"[[rule]]
id       = "test.rule"
entity   = "TEST"
kind     = "OTHER_ID"
title    = "A rule of a test"
source   = "this test"
sieve    = "digits:4"
pattern  = '\d{4}'
[rule.examples]
valid  = ["1234", "5678"]
near   = [{ text = "12345", why = "five" }, { text = "x1234", why = "a letter" }]
inline = [{ text = "no 1234", spans = [[3, 7]] }]
"#;

/// Loads [`RULE`] with one line replaced (an empty key adds none) and compares the message.
#[track_caller]
fn refuses(name: &str, line: &str, instead: &str, expected: (usize, &str, &str)) {
    assert!(RULE.contains(line), "{name}: no such line");
    let text = RULE.replacen(line, instead, 1);
    let err = RuleSet::from_sources(&[Source { name: "a.toml".to_owned(), text }]).expect_err(name);
    let (at, what, hint) = expected;
    let message = err.to_string();
    assert!(message.starts_with(&format!("a.toml:{at}: ")), "{name}: {message}");
    assert!(err.what.contains(what), "{name}: {message}");
    assert!(err.hint.contains(hint), "{name}: {message}");
}

#[test]
fn loader_names_line_and_hint() {
    let pattern = r"pattern  = '\d{4}'";
    let sieve = r#"sieve    = "digits:4""#;
    RuleSet::from_sources(&[Source { name: "a.toml".to_owned(), text: RULE.to_owned() }]).unwrap();

    refuses("broken TOML", pattern, "pattern  = '", (8, "", "patterns/README.md"));
    refuses("unknown key", pattern, "patern = ''", (8, "unknown field `patern`", "patterns/README.md"));
    refuses("unknown evidence", sieve, "evidence = { shap = 1 }", (7, "unknown field `shap`", "README"));
    refuses("unknown kind", "OTHER_ID", "OTHER_IDS", (4, "unknown kind: OTHER_IDS", "one of: EMAIL_ADDRESS"));
    refuses("bad entity", "\"TEST\"", "\"Test\"", (3, "bad entity name: Test", "upper-case"));
    refuses("bad id", "test.rule", "Test rule", (2, "bad rule id: Test rule", "lower-case letters"));
    refuses("no source", "this test", " ", (6, "source is empty", "authority"));
    refuses("unknown sieve", "digits:4", "digit:4", (7, "unknown sieve: digit:4", "one of: digits:N"));
    refuses("sieve of none", "digits:4", "digits:0-4", (7, "unknown sieve", "digits:N-M"));
    refuses("no pattern", pattern, "", (1, "rule test.rule has no pattern", "add `pattern"));
    refuses("phone with a pattern", "digits:4", "phone", (8, "a phone rule has no pattern", "remove `pattern`"));
    refuses("any capital", "digits:4", "capital", (8, "pattern begins with any word", "`gate = "));
    refuses("unbounded *", r"\d{4}", r"\d*", (8, "unbounded repeat", "upper bound"));
    refuses("unbounded +", r"\d{4}", r"(?:ab)+", (8, "unbounded repeat", "`tail`"));
    refuses("unbounded {n,}", r"\d{4}", r"\d{4,}", (8, "unbounded repeat", "upper bound"));
    refuses("empty match", r"\d{4}", r"\d{0,4}", (8, "matches the empty text", "required"));
    refuses("too long", r"\d{4}", r"\d{300}", (8, "300 bytes, the limit is 256", "`tail`"));
    refuses("word boundary", r"\d{4}", r"\b\d{4}", (8, "looks around", "guard"));
    refuses("anchor", r"\d{4}", r"\d{4}$", (8, "looks around", "guard"));
    refuses("look-ahead", r"\d{4}", r"\d{4}(?=x)", (8, "pattern cannot be read", "no look-around"));
    refuses("unclosed group", r"\d{4}", r"(\d{4}", (8, "pattern cannot be read", "regex crate"));
    refuses("unknown check", sieve, &format!("{sieve}\ncheck = \"lun\""), (8, "unknown check: lun", "luhn"));
    refuses("unknown guard", sieve, &format!("{sieve}\nguard = \"wrod\""), (8, "unknown guard: wrod", "dots, colons"));
    refuses("unknown gate", sieve, &format!("{sieve}\ngate = \"word\""), (8, "unknown gate: word", "context"));
    refuses("gate, no words", sieve, &format!("{sieve}\ngate = \"context\""), (1, "asks for context", "add `context"));
    refuses("country", sieve, &format!("{sieve}\ncountry = \"GBR\""), (8, "not a country: GBR", "ISO 3166-1"));
    refuses(
        "upper-case word",
        sieve,
        &format!("{sieve}\ncontext = [\"Tel\"]"),
        (8, "bad context phrase: Tel", "lower"),
    );
    refuses(
        "long phrase",
        sieve,
        &format!("{sieve}\ncontext = [\"a b c d e f\"]"),
        (8, "bad context phrase", "one to 5"),
    );
    refuses("label", sieve, &format!("{sieve}\nlabels = [\"ci no\"]"), (8, "bad label: ci no", "one word"));
    let tail = |tail: &str| format!("{pattern}\ntail = {tail}");
    refuses("tail of none", pattern, &tail("{ class = '[a-z]', max = 0 }"), (9, "tail max is out of bounds", "65536"));
    refuses("tail of two", pattern, &tail("{ class = '[a-z]b', max = 9 }"), (9, "not one character class", "[A-Za"));
    refuses("no examples", "[rule.examples]\n", "[rule.examples]\nnone = 1\n", (10, "unknown field `none`", "README"));
    refuses("few valid", ", \"5678\"", "", (9, "has 1 `valid` examples, needs 2", "2 valid"));
    refuses("few near", "near   =", "invalid =", (9, "has 0 `near` examples, needs 2", "2 near"));
    refuses("span outside", "[3, 7]", "[3, 8]", (12, "span 3..8 is not in the text", "bytes"));
    refuses("span in a character", "no 1234", "noé1234", (12, "cuts a character", "bytes"));
}

#[test]
fn loader_refuses_what_a_second_pack_may_not_do() {
    let again = |from: &str, to: &str| {
        let first = Source { name: "a.toml".to_owned(), text: RULE.to_owned() };
        let second = Source { name: "b.toml".to_owned(), text: RULE.replacen(from, to, 1) };
        RuleSet::from_sources(&[first, second]).map(|set| set.rules().len()).map_err(|err| err.to_string())
    };
    assert!(again("TEST", "TEST").unwrap_err().starts_with("b.toml:2: rule id is taken: test.rule"));
    let kind = RULE.replacen("test.rule", "test.other", 1).replacen("OTHER_ID", "TAX_ID", 1);
    assert!(again(RULE, &kind).unwrap_err().starts_with("b.toml:3: TEST is of kind OTHER_ID elsewhere"));
    assert_eq!(again("test.rule", "test.other"), Ok(2));
}

#[test]
fn checked_rules_need_more_examples() {
    let checked = RULE.replacen("sieve ", "check = \"luhn\"\nsieve ", 1);
    let err = RuleSet::from_sources(&[Source { name: "a.toml".to_owned(), text: checked }]).unwrap_err();
    assert!(err.what.contains("has 0 `invalid` examples, needs 2"), "{err}");
}

#[test]
fn every_pack_is_embedded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut on_disk = Vec::new();
    collect(&root.join("patterns"), &mut on_disk);
    // Policies are no rule packs; they are embedded by their own room.
    // So are profiles of envelopes.
    on_disk.retain(|path| !["policy", "envelope"].iter().any(|own| path.starts_with(root.join("patterns").join(own))));
    let set = RuleSet::builtin().unwrap();
    let mut from_disk = RuleSet::default();
    for path in &on_disk {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        from_disk.extend(&[Source { name, text }]).unwrap_or_else(|err| panic!("{err}"));
    }
    let facts = |set: &RuleSet| {
        let mut rules: Vec<_> = set.rules().iter().map(|rule| (rule.pack.clone(), rule.id.clone())).collect();
        let prohibited = set.prohibited().iter().map(|words| format!("{words:?}"));
        let everyday = set.everyday().iter().map(|words| format!("{words:?}")).chain(prohibited);
        let mut words: Vec<_> = set.contexts().iter().map(|words| format!("{words:?}")).chain(everyday).collect();
        rules.sort();
        words.sort();
        (rules, words)
    };
    assert_eq!(facts(&set), facts(&from_disk), "a pack below patterns/ is not listed in src/rules/pack.rs");
}

fn collect(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "toml") {
            files.push(path);
        }
    }
    files.sort();
}

#[test]
fn ids_begin_with_their_pack() {
    for rule in RuleSet::builtin().unwrap().rules() {
        let stem = Path::new(&rule.pack).file_stem().unwrap().to_str().unwrap();
        if rule.pack.contains("/country/") {
            assert!(rule.id.starts_with(&format!("{stem}.")), "{} in {}", rule.id, rule.pack);
        }
    }
}

#[test]
fn examples_validate() {
    let set = RuleSet::builtin().unwrap();
    let validator = Validator::build(&set).unwrap();
    let mut wrong = Vec::new();
    for rule in set.rules().iter().filter(|rule| rule.validates) {
        let entity = &set.entity(rule.entity).unwrap().name;
        // No text says of itself that it is somebody's name.
        if rule.sieve == Sieve::Name {
            assert_eq!(validator.is_valid(entity, rule.examples.valid[0].as_bytes(), None), None);
            continue;
        }
        let is_valid = |text: &str| validator.is_valid(entity, text.as_bytes(), rule.examples.region).unwrap();
        for text in rule.examples.valid.iter().filter(|text| !is_valid(text)) {
            wrong.push(format!("{}: not valid: {text}", rule.id));
        }
        for (text, why) in rule.examples.invalid.iter().filter(|(text, _)| is_valid(text)) {
            wrong.push(format!("{}: valid, though {why}: {text}", rule.id));
        }
        for (text, spans) in &rule.examples.inline {
            for &(start, end) in spans.iter().filter(|&&(start, end)| !is_valid(&text[start as usize..end as usize])) {
                wrong.push(format!("{}: not valid: {}", rule.id, &text[start as usize..end as usize]));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn check_names_are_taken_once() {
    let mut names: Vec<_> = check::all().map(|check| check.name).collect();
    let n_names = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), n_names);
    assert!(check::by_name("luhn").is_some() && check::by_name("").is_none());
}

proptest! {
    /// No check panics, whatever it is given.
    #[test]
    fn checks_take_any_bytes(text in proptest::collection::vec(any::<u8>(), 0..80)) {
        for check in check::all() {
            let _ = (check.run)(&text);
        }
    }

    /// No check panics on what looks almost right.
    #[test]
    fn checks_take_any_compact_text(text in "[0-9A-Z:./@%-]{0,70}") {
        for check in check::all() {
            let _ = (check.run)(text.as_bytes());
        }
    }
}

/// Bytes that no scheme allows are refused by every check.
#[test]
fn checks_refuse_garbage() {
    for check in check::all() {
        for text in [&b""[..], b"\xff\xfe", b"\0", b"   ", b"\n\n\n\n\n\n\n\n\n\n\n", &[0xe9; 64], &[b'/'; 64]] {
            assert!(!(check.run)(text), "{}", check.name);
        }
    }
}

/// Everyday words of languages that many messages are written in, without accents.
const EVERYDAY: &[(&str, &str)] = &[
    (
        "en",
        "the to and of in is it you that for on with be my me so at this have are not but we can your was do if \
         will just go get or know up all what out like no how one they now am when see by good he she want there an \
         about time more then here as think some need home today back too well them our make any him had who her \
         his us been has would which were their could take day only over after going come way new let yes please \
         thanks ok hi hello tomorrow tonight very still dont im its off where",
    ),
    (
        "es",
        "de la que el en los se del las un por con una para es lo no su al como mas pero sus le ya este si porque \
         esta entre cuando muy sin sobre tambien me hasta hay donde quien desde todo nos durante todos uno les ni \
         contra otros ese eso ante ellos esto mi antes algunos unos yo otro otras otra tanto esa estos mucho cual \
         poco ella estar estas algo nosotros tu te ti hola gracias bien vez fue soy eres son ha he ser hoy ayer \
         manana aqui alla solo tiene hacer puede vamos quiero favor dia dos tres casa",
    ),
    (
        "fr",
        "le la les et des du de est que qui dans pour pas sur je tu il elle on nous vous ils un une en au aux ce \
         cette ces ne se sa son ses mon ma mes ton ta tes leur par plus avec sans mais ou donc si tout tous bien \
         fait faire etre avoir suis es ai as avons avez ont va vais peux peut veux oui non merci bonjour salut ici \
         qu comme meme aussi tres trop encore deja quand comment quoi rien moi toi lui deux jour jours ca demain \
         soir voici voila car sous chez dit",
    ),
    (
        "pt",
        "os as de da do das dos em no na nos nas um uma que nao com por para se mais mas foi ao ele ela eu voce tu \
         me te lhe meu minha seu sua isso isto esta este esse essa ja so muito bem aqui la ser ter tem tenho estou \
         sou vai vou pode quero sim obrigado oi ola hoje amanha dia dois ate sem sobre como quando onde quem tudo \
         todos pra pro ne ta aos pelo pela entre depois antes mesmo agora ou nem",
    ),
    (
        "de",
        "der die das und in zu den ist von mit nicht sich des auf fur im dem ein eine einen einer es ich du er sie \
         wir ihr an auch als nach wie aus hat dass war noch nur oder aber vor zur bis mehr durch man so wenn sind \
         kann mir mich dir dich uns mein dein sein haben habe hast bin bist wird werden am um was wo ja nein bitte \
         danke hallo heute morgen schon dann da hier sehr gut mal jetzt doch immer zum ins tag uhr ohne uber unter \
         gegen alle alles wer",
    ),
    (
        "it",
        "di il la che non un per in una mi sono ho si lo ma ti ci con del da le ha al come se cosa me tu no bene \
         qui piu mio quando era nel della dei io solo te chi questo cosi li hai perche anche gli so su va dove sta \
         fare ne vuoi oggi domani ciao grazie prego ora sei tutto tutti molto poi mai loro lui lei noi voi due tre \
         suo sua mia tua alla dal dalla delle sul ogni senza fra tra",
    ),
    (
        "nl",
        "de het een en van ik te dat die in is je niet op aan met als voor zijn was maar om hem dan zou of wat mijn \
         men dit zo door over ze bij ook tot me na uit daar nog hij haar wel naar heb hoe heeft hebben deze want nu \
         zal geen iets meer had waar veel hier kan ons alles wil ben goed al er we wij ja nee dag hoi morgen \
         vandaag hun mij jij toch weer onder twee",
    ),
    (
        "id",
        "yang dan di ini itu ke dari saya ada tidak untuk dengan pada akan juga sudah bisa aku kamu anda kita kami \
         mereka dia ya tak nya lagi mau apa jadi kalau kalo gak ga nggak udah aja sama lah kok sih dong nih tapi \
         atau karena oleh dalam sebagai lebih semua satu dua hari jam pagi siang malam terima kasih tolong maaf pak \
         bu mas mbak kak bang sana sini mana siapa kapan bagaimana belum masih harus baru sekali banyak orang rumah \
         pergi datang boleh jangan",
    ),
    (
        "sw",
        "ya na wa kwa ni za la katika kuwa hii hiyo huyo yake yangu yako yao wetu wao mimi wewe yeye sisi nyinyi si \
         au pia lakini kama tu bado sana sasa leo kesho jana ndiyo hapana asante karibu habari nzuri sawa nani nini \
         wapi lini gani vipi hapa huko kila moja mbili tatu siku watu mtu mtoto baba mama pesa nyumba naomba \
         tafadhali ndani juu chini baada kabla cha vya pa ku hata bila ama",
    ),
    (
        "pl",
        "nie na sie do to ze co jest jak ale po tak za od go mi juz jestem ja ty on ona my wy czy tylko dla ma mam \
         masz ten ta te tego mnie cie jego jej ich sa byl byla bede bardzo dobrze dzis jutro teraz tu tam przez \
         przy bo lub oraz przed pod bez moze prosze dziekuje czesc dzien dobry jeszcze wiec gdy kiedy gdzie kto",
    ),
    (
        "tr",
        "bir ve bu da de icin ne ben sen biz siz ile cok daha gibi var yok mi mu ama ya kadar sonra en her hic evet \
         hayir tamam bugun yarin simdi burada orada kim nasil neden iyi olarak olan oldu olur onun benim senin bana \
         sana ki ise veya once iki gun saat",
    ),
    (
        "ro",
        "de la si in nu cu ca un pe mai din este sa se ce au pentru care al sunt am ai are fi dar sau daca era tot \
         asa da le lui ei el ea eu tu noi voi mi ti il va vom foarte bine azi maine acum aici unde cand cum cine \
         doi dupa fara sub prin pana",
    ),
    (
        "tl",
        "ang ng sa na mga ay at ako ko ka mo siya niya kami tayo sila si ni para may wala hindi oo po lang din rin \
         ba pa naman yung ito yan dito doon kung pero kasi ano sino saan kailan bakit paano bukas ngayon kahapon \
         salamat isa dalawa",
    ),
    (
        "ru",
        "не на что он как это то по но из за от мы ты вы они же бы так да нет мне меня тебя его ее их до для если \
         или уже еще был была было есть сегодня завтра вот там тут где когда кто при об со во ни чем",
    ),
];

/// Words of rules whose shape or check says enough, and one that people write before numbers more than anything else.
const FORGIVEN: &[(&str, &str)] = &[
    ("be.bis", "bis"),
    ("ee.person", "ik"),
    ("es.nie", "nie"),
    ("gb.nino", "ni"),
    ("gb.plate", "car"),
    ("iccid", "sim"),
    ("it.id_card", "cie"),
    ("phone", "wa"),
    ("PHONE_NUMBER", "wa"),
    ("th.plate", "car"),
    ("vin", "car"),
];

/// Words are compared without accents and in all languages, so that a rare word of one may be the article of another: `thẻ`.
/// Such words are labels, which count only where they touch a value.
#[test]
fn no_word_speaks_that_every_message_holds() {
    use unicode_normalization::UnicodeNormalization;
    let plain = |word: &str| -> String {
        let letters = word.nfd().filter(|c| !unicode_normalization::char::is_combining_mark(*c));
        letters.map(|c| if c == 'đ' { 'd' } else { c }).collect()
    };
    let rules = RuleSet::builtin().unwrap();
    let kinds = rules.contexts().iter().map(|of| (of.kind.to_string(), &of.words));
    let own = rules.rules().iter().map(|rule| (rule.id.clone(), &rule.context));
    let (mut found, mut forgiven) = (Vec::new(), Vec::new());
    for (whose, words) in kinds.chain(own) {
        for word in words.iter().map(|word| plain(word)) {
            let is_everyday = |(_, words): &&(&str, &str)| words.split(' ').any(|everyday| everyday == word);
            let Some((lang, _)) = EVERYDAY.iter().find(is_everyday) else { continue };
            match FORGIVEN.iter().find(|(id, known)| *id == whose && *known == word) {
                Some(known) => forgiven.push(known),
                None => found.push(format!("{whose}: {word} ({lang})")),
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
    let unused: Vec<_> = FORGIVEN.iter().filter(|known| !forgiven.contains(known)).collect();
    assert!(unused.is_empty(), "nothing to forgive: {unused:?}");
}

/// A rule that asks for a word may name labels alone.
#[test]
fn labels_are_words_enough() {
    let gated = RULE.replace("pattern ", "gate     = \"context\"\nlabels   = [\"mat\"]\npattern ");
    let rules = RuleSet::from_sources(&[Source { name: "a.toml".to_owned(), text: gated }]).unwrap();
    let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
    let mut scratch = scanner.scratch();
    for (text, expected) in [("Mat. no 1234", 0), ("mat: 1234", 1), ("mat 1234 and 5678", 1)] {
        assert_eq!(scanner.scan(text.as_bytes(), &Hints::default(), &mut scratch).unwrap().len(), expected, "{text}");
    }
}

/// A label counts where it touches a number, and nowhere else; the name of a field is one.
#[test]
fn labels_touch() {
    let rules = RuleSet::builtin().unwrap();
    let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
    let mut scratch = scanner.scratch();
    let mut found = |text: &str, field: Option<&str>| {
        let detections = scanner.scan(text.as_bytes(), &Hints::default().field(field), &mut scratch).unwrap();
        let names = detections.iter().map(|d| rules.entity(d.entity).unwrap().name.clone());
        names.collect::<Vec<_>>().join(" ")
    };
    for (text, expected) in [
        ("CI: 1234567", "BO_CI"),
        ("mi CI 1234567", "BO_CI"),
        ("ci vediamo domani, codice 1234567", ""),
        ("ci, 1234567", ""),
        ("ci\n1234567", ""),
        ("Luci 1234567", ""),
        ("à ci 1234567", "BO_CI"),
        ("x-ci 1234567", "BO_CI"),
        ("_ci 1234567", ""),
        ("ci     1234567", ""),
        ("Pas 12345678", "CZ_PASSPORT"),
        ("pas de souci pour le 12345678", ""),
        ("Guten Tag, bitte die 100 Euro zahlen", ""),
        ("tag ABC1234", "US_VEHICLE_PLATE"),
        ("llego sin avisar, pedido 12345678", ""),
        ("nie mam 12345678", ""),
        ("bir tane 123456789 var", ""),
        ("see you at the market 3519 0000 0000 0008", ""),
    ] {
        assert_eq!(found(text, None), expected, "{text}");
    }
    assert_eq!(found("1234567", Some("ci")), "BO_CI");
}

/// A date is somebody's birth date where a word right before it says so, or a document beside it that tells one.
#[test]
fn birth_dates_are_called_so() {
    let rules = RuleSet::builtin().unwrap();
    let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
    let mut scratch = scanner.scratch();
    for (text, expected) in [
        ("JOIN Uwase Divine 12/04/1996 irangamuntu 1199680012345678", "12/04/1996"),
        ("REG Ada Example 12.04.1990 kitambulisho 12345678", "12.04.1990"),
        ("cedula 1712345675, 12/04/1996", "12/04/1996"),
        ("DOB 12/04/1996 appointment 12/05/2024", "12/04/1996"),
        ("date of birth (dd/mm/yyyy): 12/04/1996", "12/04/1996"),
        ("12/04/1996 is my date of birth", "12/04/1996"),
        ("nasci em 3/4/90", "3/4/90"),
        ("doğum tarihi: 12.04.1996", "12.04.1996"),
        ("data urodzenia 12.04.1996 r.", "12.04.1996"),
        ("nilizaliwa tarehe 12 Machi 1990", "12 Machi 1990"),
        ("my birthday is 12th of April 1996", "12th of April 1996"),
        ("born on Dec 3rd, 1990", "Dec 3rd, 1990"),
        ("出生日期：1996-04-12", "1996-04-12"),
        ("تاريخ الميلاد ١٢/٠٤/١٩٩٦", "١٢/٠٤/١٩٩٦"),
        ("วันเกิด 12/04/2539", "12/04/2539"),
        // A known wrong answer: no candidate begins at a long name of a month.
        ("born on April 12, 1996", ""),
        ("irangamuntu 12/04/2024", ""),
        ("passport issued 12/04/2010", ""),
        ("12/04/1996", ""),
    ] {
        let found = scanner.scan(text.as_bytes(), &Hints::default(), &mut scratch).unwrap();
        let of_birth = found.iter().filter(|d| rules.entity(d.entity).unwrap().name == "DATE_OF_BIRTH");
        let found: Vec<_> = of_birth.map(|d| &text[d.span.range()]).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }
}

/// A password or a PIN is one where a label touches it or says what it is.
#[test]
fn passwords_are_called_so() {
    let rules = RuleSet::builtin().unwrap();
    let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
    let mut scratch = scanner.scratch();
    for (text, expected) in [
        ("password: hunter2", "PASSWORD hunter2"),
        ("my password is Tr0ub4dor&3.", "PASSWORD Tr0ub4dor&3"),
        ("user ada, password: \"Xy9$kkl!\"", "PASSWORD Xy9$kkl!"),
        ("pwd=abc123!", "PASSWORD abc123!"),
        ("contraseña: sol2024luna", "PASSWORD sol2024luna"),
        ("пароль: zima2024", "PASSWORD zima2024"),
        ("密码：abc12345", "PASSWORD abc12345"),
        ("كلمة السر: abc12345", "PASSWORD abc12345"),
        ("password yangu ni mambo2020", "PASSWORD mambo2020"),
        ("senha: 482193", "PASSWORD 482193"),
        ("PIN 4821", "PIN_CODE 4821"),
        ("your PIN is 4821", "PIN_CODE 4821"),
        ("M-PESA PIN: 1234", "PIN_CODE 1234"),
        ("namba ya siri 4821", "PIN_CODE 4821"),
        ("my UPI pin is 482193", "PIN_CODE 482193"),
        // Known wrong answers: no candidate begins at a word without a digit.
        ("password: sunshine", ""),
        ("password: P@ssw0rd", ""),
        ("password for room12345", ""),
        ("PIN 560001", ""),
        ("your PIN is blocked, call 4455", ""),
    ] {
        let found = scanner.scan(text.as_bytes(), &Hints::default(), &mut scratch).unwrap();
        let named =
            |d: &efface::Detection| format!("{} {}", rules.entity(d.entity).unwrap().name, &text[d.span.range()]);
        assert_eq!(found.iter().map(named).collect::<Vec<_>>().join(", "), expected, "{text}");
    }
}
