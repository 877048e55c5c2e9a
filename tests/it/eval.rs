//! Evaluation from files to report. What a detection is worth is tested beside the rules, with detections made by hand.

use efface::eval::{self, Corpora, CorpusError, Options, Report};
use efface::scan::ScanConfig;
use efface::{RuleSet, Scanner};
use std::path::{Path, PathBuf};

/// A folder of its own for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("efface-eval-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const GOLD: &str = r#"{"id":"a","source":"sms","lang":"en","text":"write to a@b.example","spans":[{"start":9,"end":20,"type":"EMAIL_ADDRESS","value":"a@b.example"}]}"#;
const QUIET: &str = r#"{"turn":1,"text":"nothing here"}"#;
const CASE: &str =
    r#"{"id":"c","peer":"p","kind":"detect","entity":"XX_NONE","country":null,"text":"x","expect":[],"note":""}"#;

fn measure(corpora: &Corpora) -> Report {
    let rules = RuleSet::builtin().unwrap();
    let scanner = Scanner::build(&rules, ScanConfig::default()).unwrap();
    eval::run(corpora, &rules, &scanner, None, &Options::default())
}

#[test]
fn folders_globs_and_files_are_read_once() {
    let folder = Folder::new("inputs");
    let gold = folder.write("a/gold.jsonl", GOLD);
    folder.write("a/README.md", "no corpus by its name");
    folder.write("a/values.jsonl", r#"{"value":"1","valid":true}"#);
    folder.write("b/chat.dev.jsonl", QUIET);
    folder.write("b/cases.jsonl", CASE);
    #[track_caller]
    fn check(inputs: &[PathBuf], messages: usize, cases: usize, skipped: usize) {
        let read = Corpora::read(inputs).unwrap();
        let n_messages: usize = read.corpora.iter().map(|corpus| corpus.records.len()).sum();
        assert_eq!((n_messages, read.cases.len(), read.skipped.len()), (messages, cases, skipped), "{inputs:?}");
    }
    let root = folder.0.clone();
    check(std::slice::from_ref(&root), 2, 1, 1);
    check(std::slice::from_ref(&gold), 1, 0, 0);
    check(&[gold.clone(), gold.clone(), root.join("a")], 1, 0, 1);
    check(&[root.join("*/*.jsonl")], 2, 1, 1);
    check(&[root.join("**/*.dev.jsonl")], 1, 0, 0);
    let nothing = Corpora::read(&[root.join("*.csv")]).unwrap_err();
    assert!(matches!(nothing, CorpusError::Nothing { .. }), "{nothing}");
    let absent = Corpora::read(&[root.join("absent.jsonl")]).unwrap_err();
    assert!(matches!(absent, CorpusError::Unreadable { .. }), "{absent}");
    let no_corpus = Corpora::read(&[root.join("a/values.jsonl")]).unwrap_err();
    assert!(matches!(no_corpus, CorpusError::Unknown { .. }), "{no_corpus}");
}

#[test]
fn a_source_without_labels_is_silent() {
    let read = Corpora::read_bytes("chat.jsonl", format!("{QUIET}\n{GOLD}").as_bytes()).unwrap();
    let report = measure(&read);
    let of = |sources: Vec<&str>| sources.join(" ");
    assert_eq!(of(report.gold.iter().map(|corpus| corpus.source.as_str()).collect()), "sms");
    assert_eq!(of(report.silent.iter().map(|corpus| corpus.source.as_str()).collect()), "chat");
    assert_eq!(report.gold[0].all.counts.gold, 1);
    assert_eq!(report.speed.messages, 2);
}

#[test]
fn the_report_does_not_depend_on_threads() {
    let lines: Vec<String> = (0..2_000).map(|n| GOLD.replace("\"a\",", &format!("\"{n}\","))).collect();
    let read = Corpora::read_bytes("gold.jsonl", lines.join("\n").as_bytes()).unwrap();
    let with = |n_threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let mut report = pool.install(|| measure(&read));
        report.speed = eval::Speed::default();
        report.to_json().unwrap()
    };
    assert_eq!(with(1), with(3));
}

/// The public corpora that figures are measured on are read whole, every offset checked.
#[test]
fn shared_corpora_are_read() {
    let shared = std::env::var_os("EFFACE_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join(shared);
    if !shared.join("corpora").is_dir() {
        println!("skipped: no shared corpora beside the project; EFFACE_SHARED names their folder");
        return;
    }
    let read = Corpora::read(&[shared.join("corpora"), shared.join("peercases")]).unwrap();
    let labelled: usize = read.corpora.iter().flat_map(|c| &c.records).filter(|r| !r.spans.is_empty()).count();
    assert!(labelled > 1_000 && read.cases.len() > 1_000, "{labelled} labelled messages, {} cases", read.cases.len());
}
