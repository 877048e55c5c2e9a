//! Files in, files out: every format, compression, encoding and line end; lanes, kills, bad files and full disks.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("efface-batch-it-{}-{n}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// Every file below a folder, with what is in it.
    fn tree(&self, below: &str) -> BTreeMap<String, Vec<u8>> {
        fn walk(top: &Path, at: &Path, into: &mut BTreeMap<String, Vec<u8>>) {
            for entry in fs::read_dir(at).into_iter().flatten() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(top, &path, into);
                } else {
                    let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                    into.insert(name, fs::read(&path).unwrap());
                }
            }
        }
        let mut tree = BTreeMap::new();
        walk(&self.0.join(below), &self.0.join(below), &mut tree);
        tree
    }

    fn names(&self, below: &str) -> Vec<String> {
        self.tree(below).into_keys().collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn efface(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_efface"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

#[track_caller]
fn run(args: &[&str], code: i32) -> Output {
    let output = efface(args).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn pack(ending: &str, bytes: &[u8]) -> Vec<u8> {
    match ending {
        "gz" => {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(bytes).unwrap();
            gzip.finish().unwrap()
        }
        "zst" => zstd::encode_all(bytes, 1).unwrap(),
        "bz2" => {
            let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            bzip2.write_all(bytes).unwrap();
            bzip2.finish().unwrap()
        }
        "xz" => {
            let options = lzma_rust2::XzOptions::with_preset(0);
            let mut xz = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
            xz.write_all(bytes).unwrap();
            xz.finish().unwrap()
        }
        "lz4" => {
            let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
            lz4.write_all(bytes).unwrap();
            lz4.finish().unwrap()
        }
        _ => bytes.to_vec(),
    }
}

fn encode(encoding: &str, text: &str) -> Vec<u8> {
    match encoding {
        "utf-16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "latin1" => text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect(),
        _ => text.into(),
    }
}

const PACKINGS: [&str; 6] = ["", "gz", "zst", "bz2", "xz", "lz4"];
const ENCODINGS: [&str; 5] = ["utf-8", "utf-8-sig", "utf-16le", "utf-16be", "latin1"];
const FORMATS: [&str; 6] = ["txt", "log", "jsonl", "json", "csv", "tsv"];

/// What a file of a format holds; the value is planted three times and more. Cells of tables hold line breaks.
fn content(format: &str, end: &str, value: &str) -> String {
    let lines: &[&str] = match format {
        "jsonl" => &["{\"text\": \"caf\u{e9}, mail VALUE\", \"n\": 1.50}", "", "{\"a\":[\"VALUE\",\"VALUE\"]}"],
        "json" => &["{", "  \"text\": [\"caf\u{e9}, mail VALUE\", \"VALUE\"],", "  \"n\": {\"x\": \"VALUE\"}", "}"],
        "csv" => {
            &["name,mail", "caf\u{e9},VALUE", "\"VALUE\",x", "\"oneBREAKBREAKmail VALUE, \"\"two\"\"\",z", "y,VALUE"]
        }
        "tsv" => &["name\tmail", "caf\u{e9}\tVALUE", "VALUE\tx", "\"oneBREAKtwo\tVALUE\"\tz", "y\tVALUE"],
        _ => &["caf\u{e9}, mail VALUE today", "", "VALUE", "and VALUE"],
    };
    lines.iter().map(|line| format!("{}{end}", line.replace("VALUE", value).replace("BREAK", end))).collect()
}

/// Every format x compression x line end x encoding, unpacked and parsed by a reader that is not ours.
#[test]
fn round_trip() {
    let folder = Folder::new();
    let mut want = BTreeMap::new();
    for format in FORMATS {
        for encoding in ENCODINGS {
            for (end_name, end) in [("lf", "\n"), ("crlf", "\r\n")] {
                let mark = if encoding == "utf-8" || encoding == "latin1" { "" } else { "\u{feff}" };
                let text = format!("{mark}{}", content(format, end, "ana@example.org"));
                let after = format!("{mark}{}", content(format, end, "[EMAIL_ADDRESS]"));
                let (first, second) = text.split_at(text.find("mail").unwrap());
                for packing in PACKINGS {
                    let dot = if packing.is_empty() { "" } else { "." };
                    let name = format!("{encoding}-{end_name}.{format}{dot}{packing}");
                    // Two streams, one after the other.
                    let packed = [first, second].map(|part| pack(packing, &encode(encoding, part))).concat();
                    // JSON is UTF-8 by its standard; Latin-1 must be said.
                    let below = if encoding == "latin1" && format.starts_with("json") { "said" } else { "found" };
                    folder.file(&format!("{below}/{name}"), packed);
                    want.insert(name, after.clone());
                }
            }
        }
    }
    let [found, said, out] = ["found", "said", "out"].map(|name| folder.path(name));
    run(&["redact", "--quiet", &found, "-o", &out], 0);
    run(&["redact", "--quiet", "--encoding", "latin1", &said, "-o", &out], 0);
    assert!(folder.names("out").iter().eq(want.keys()), "{:?}", folder.names("out"));

    for (name, bytes) in folder.tree("out") {
        let is_packed = name.split('.').nth(2).is_some();
        let bytes = if is_packed { unpack(&name, &bytes) } else { bytes };
        let encoding = ENCODINGS.iter().rev().find(|encoding| name.starts_with(**encoding)).unwrap();
        assert!(bytes == encode(encoding, &want[&name]), "{name}");
    }
    let Some(python) = ["python3", "python"]
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success()))
    else {
        println!("skipped: no Python to read the outputs with");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/batch/read.py");
    let read = Command::new(python).arg(script).arg(&out).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let mut n = 0;
    for line in text(&read.stdout).lines() {
        let file: serde_json::Value = serde_json::from_str(line).unwrap();
        let name = file["name"].as_str().unwrap();
        if file["skipped"] == true {
            println!("skipped: no program to unpack {name}");
            continue;
        }
        assert_eq!(file["text"].as_str().unwrap(), want[name], "{name}");
        let n_records = if name.contains(".json") && !name.contains(".jsonl") { 1 } else { 2 };
        assert!(file["records"].as_array().unwrap().len() >= n_records, "{name}");
        n += 1;
    }
    assert!(n >= want.len() / 2, "{n} of {} files were read", want.len());
}

/// Unpacks with the crates, all streams.
fn unpack(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match name.rsplit('.').next().unwrap() {
        "gz" => drop(flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap()),
        "zst" => out = zstd::decode_all(bytes).unwrap(),
        "bz2" => drop(bzip2::read::MultiBzDecoder::new(bytes).read_to_end(&mut out).unwrap()),
        "xz" => drop(lzma_rust2::XzReader::new(bytes, true).read_to_end(&mut out).unwrap()),
        _ => {
            let mut rest = bytes;
            while !rest.is_empty() {
                let mut decoder = lz4_flex::frame::FrameDecoder::new(rest);
                decoder.read_to_end(&mut out).unwrap();
                rest = decoder.into_inner();
            }
        }
    }
    out
}

#[test]
fn lanes_go_to_trees_of_their_own() {
    let folder = Folder::new();
    let policy = folder.file("p.toml", "[lanes.storage]\n\"*\" = 'redact'\n[lanes.analytics]\n\"*\" = 'drop'\n");
    folder.file("in/a.txt", "mail ana@example.org\n");
    folder.file("in/sub/b.txt.gz", pack("gz", b"mail ana@example.org\n"));
    let input = folder.path("in");
    let lane = |name: &str, place: &str| format!("{name}={}", folder.path(place));
    let (storage, analytics) = (lane("storage", "s"), lane("analytics", "a"));
    run(&["redact", "--policy", &policy, "--lane", &storage, "--lane", &analytics, &input], 0);
    assert_eq!(text(&folder.tree("s")["a.txt"]), "mail [EMAIL_ADDRESS]\n");
    assert_eq!(text(&folder.tree("a")["a.txt"]), "mail \n");
    assert_eq!(unpack("gz", &folder.tree("a")["sub/b.txt.gz"]), b"mail \n");
    assert_eq!(folder.names("s"), ["a.txt", "sub/b.txt.gz"]);
    let fault = |args: &[&str], what: &str| {
        let args = [&["redact", "--policy", &policy, &input], args].concat();
        let err = run(&args, 2).stderr;
        assert!(text(&err).contains(what), "{}", text(&err));
    };
    fault(&["--lane", &storage, "--lane", "analytics"], "no place for the lane analytics");
    fault(&["--lane", &storage, "-o", &folder.path("x")], "lanes with places of their own");
    fault(&["--lane", &storage, "--lane", &lane("analytics", "s")], "two lanes have the same output");
    fault(&["--lane", &storage, "--lane", &lane("storage", "x")], "named twice");
    fault(&["--lane", &lane("lake", "x")], "no such lane: lake");
}

#[test]
fn in_place_only_when_asked() {
    let folder = Folder::new();
    let plain = folder.file("in/a.txt", "mail ana@example.org\n");
    folder.file("in/b.jsonl.xz", pack("xz", b"{\"a\":\"ana@example.org\"}\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        fs::set_permissions(&plain, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&plain, folder.path("link.txt")).unwrap();
    }
    let link = folder.path("link.txt");
    let args = if Path::new(&link).exists() { vec![link.as_str()] } else { vec![plain.as_str()] };
    run(&[&["redact", "--in-place"], args.as_slice()].concat(), 0);
    run(&["redact", "--in-place", &folder.path("in")], 0);
    let tree = folder.tree("in");
    assert_eq!(text(&tree["a.txt"]), "mail [EMAIL_ADDRESS]\n");
    assert_eq!(unpack("xz", &tree["b.jsonl.xz"]), b"{\"a\":\"[EMAIL_ADDRESS]\"}\n");
    assert_eq!(tree.len(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&plain).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
    let output = run(&["redact", "--in-place", "-"], 2);
    assert!(text(&output.stderr).contains("no file that could be replaced"));
}

#[test]
fn what_goes_where_is_plain() {
    let folder = Folder::new();
    folder.file("in/a.txt", "ana@example.org\n");
    folder.file("in/skip/b.txt", "ana@example.org\n");
    let (a, input) = (folder.path("in/a.txt"), folder.path("in"));
    let out = |name: &str| folder.path(&format!("out/{name}"));
    run(&["redact", &a, "-o", &out("a.clean")], 0);
    run(&["redact", &a, "-o", &out("packed.zst")], 0);
    run(&["redact", &a, "-o", &out("folder/")], 0);
    run(&["redact", &input, "--exclude", "skip", "-o", &out("tree")], 0);
    run(&["redact", &input, "-o", &out("odd.txt/")], 0);
    let output = run(&["redact", &input, "-o", &out("x.jsonl")], 2);
    assert!(text(&output.stderr).contains("end it in a slash"), "{}", text(&output.stderr));
    let names = ["a.clean", "folder/a.txt", "odd.txt/a.txt", "odd.txt/skip/b.txt", "packed.zst", "tree/a.txt"];
    assert_eq!(folder.names("out"), names);
    assert_eq!(unpack("zst", &folder.tree("out")["packed.zst"]), b"[EMAIL_ADDRESS]\n");
    let planned = run(&["redact", "--dry-run", &input, "-o", &out("new")], 0);
    let line = format!("{a} -> {}  text, none, utf-8: 1 records, 1 detections\n", out("new/a.txt"));
    assert!(text(&planned.stdout).starts_with(&line), "{}", text(&planned.stdout));
    assert_eq!(folder.names("out").len(), names.len(), "a dry run writes nothing");
}

#[test]
fn a_bad_file_is_told_and_the_rest_goes_on() {
    let folder = Folder::new();
    let gzip = pack("gz", "mail ana@example.org\n".repeat(9_000).as_bytes());
    folder.file("in/a.txt", "ana@example.org\n");
    folder.file("in/cut.txt.gz", &gzip[..gzip.len() / 2]);
    folder.file("in/odd.txt", b"\xff\xfea\0n");
    folder.file("in/archive.txt", b"PK\x03\x04");
    folder.file("in/broken.json", "{\"a\":");
    folder.file("in/z.jsonl", "{\"a\":1}\n{\"a\":\n");
    let output = run(&["redact", &folder.path("in"), "-o", &folder.path("out")], 3);
    assert_eq!(folder.names("out"), ["a.txt", "z.jsonl"]);
    let err = text(&output.stderr);
    for what in [
        "cut.txt.gz: cannot_be_unpacked",
        "odd.txt: not_in_its_encoding",
        "archive.txt: packed",
        "broken.json, record 1, byte 5: broken_json",
        "z.jsonl, record 2, byte 13: broken_json",
        "no output for 4 inputs",
    ] {
        assert!(err.contains(what), "{what}: {err}");
    }
    let scan = run(&["scan", &folder.path("in")], 3);
    assert!(!scan.stdout.is_empty());
    if Path::new("/dev/full").exists() {
        let output = run(&["redact", &folder.path("in/a.txt"), "-o", "/dev/full"], 2);
        assert!(text(&output.stderr).contains("cannot be written"), "{}", text(&output.stderr));
    }
}

/// `efface redact a.log >> a.log` ends: what is added while a file is read is not read.
#[test]
fn a_file_that_grows_has_an_end() {
    let folder = Folder::new();
    let before = "mail ana@example.org\n".repeat(60_000);
    let path = folder.file("a.log", &before);
    let grown = fs::File::options().append(true).open(&path).unwrap();
    let output = efface(&["redact", &path]).stdout(grown).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stderr).contains("grew while it was read"), "{}", text(&output.stderr));
    let after = before.replace("ana@example.org", "[EMAIL_ADDRESS]");
    assert!(folder.tree("")["a.log"] == [before, after].concat().as_bytes());
}

#[test]
fn many_files_come_in_order() {
    let folder = Folder::new();
    for n in 0..300 {
        let size = if n % 50 == 7 { 20_000 } else { 1 };
        folder.file(&format!("in/{n:03}.txt"), format!("user{n}@example.org\n").repeat(size));
    }
    let scan = |jobs: &str| run(&["scan", "--quiet", "--jobs", jobs, &folder.path("in")], 0).stdout;
    let one = scan("1");
    assert!(scan("4") == one);
    let mut sources: Vec<&str> = text(&one).lines().map(|line| &line[..line.find(",\"record\"").unwrap()]).collect();
    assert!(sources.is_sorted());
    sources.dedup();
    assert_eq!(sources.len(), 300);
}

/// Numbers that look random and are the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        // xorshift64, Marsaglia 2003.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

#[cfg(unix)]
#[test]
fn killed_at_any_moment_and_resumed_is_the_same() {
    let folder = Folder::new();
    let mut random = Random(0x5eed);
    let mut lines = |n: usize| -> String {
        let line = |random: &mut Random| match random.below(3) {
            0 => format!("{} write to user{}@example.org soon\n", random.below(99), random.below(9_999)),
            _ => format!("nothing to see in line {}\n", random.below(1 << 40)),
        };
        (0..n).map(|_| line(&mut random)).collect()
    };
    folder.file("in/big.txt", lines(40_000));
    folder.file("in/packed.log.gz", pack("gz", lines(30_000).as_bytes()));
    folder.file("in/wide.txt", encode("utf-16le", &format!("\u{feff}{}", lines(20_000))));
    folder.file("in/last.txt.zst", pack("zst", lines(20_000).as_bytes()));
    for n in 0..20 {
        folder.file(&format!("in/small/{n}.txt"), lines(3));
    }
    // Cells with line breaks, so that chunks and marks fall inside of rows that look like several.
    let table = lines(20_000);
    let rows = table.lines().enumerate().map(|(n, line)| match n % 3 {
        0 => format!("{n},\"{line}\nuser{n}@example.org\n\n{n},\"\"x\"\"\"\n"),
        _ => format!("{n},{line}\n"),
    });
    folder.file("in/table.csv", format!("n,text\n{}", rows.collect::<String>()));
    let input = folder.path("in");
    let whole = folder.path("whole");
    let common = ["redact", "--quiet", "--jobs", "2", "--mark-bytes", "300000", &input, "-o"];
    let start = Instant::now();
    run(&[&common[..], &[&whole]].concat(), 0);
    let micros = u64::try_from(start.elapsed().as_micros()).unwrap();
    let want = folder.tree("whole");
    assert_eq!(want.len(), 25);

    let (mut n_kills, mut n_trees) = (0, 0);
    while n_kills < 50 {
        let name = format!("out{n_trees}");
        let out = folder.path(&name);
        n_trees += 1;
        // A chain of runs, each killed at a moment of its own, then one that ends by itself.
        for _ in 0..random_chain(n_trees) {
            let child = efface(&[&common[..], &[&out, "--resume"]].concat()).spawn().unwrap();
            n_kills += u32::from(kill_after(child, Duration::from_micros(random.below(micros + micros / 10))));
        }
        run(&[&common[..], &[&out, "--resume"]].concat(), 0);
        let got = folder.tree(&name);
        assert!(got.keys().eq(want.keys()), "tree {n_trees}: {:?}", got.keys());
        for (name, bytes) in &want {
            assert!(got[name] == *bytes, "tree {n_trees}: {name} differs");
        }
        fs::remove_dir_all(&out).unwrap();
    }
    println!("{n_kills} kills, {n_trees} trees, {micros} us undisturbed");
}

fn random_chain(n: u32) -> u32 {
    1 + n % 6
}

/// Kills as `kill -9` does; tells whether there was something to kill.
fn kill_after(mut child: Child, delay: Duration) -> bool {
    std::thread::sleep(delay);
    let running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    child.wait().unwrap();
    running
}

#[test]
fn a_journal_of_another_run_is_refused() {
    let folder = Folder::new();
    let path = folder.file("in/a.txt", "mail ana@example.org\n".repeat(50_000));
    let out = folder.path("out/a.txt");
    let args = ["redact", "--mark-bytes", "1", &path, "-o", &out, "--resume"];
    // Whatever was there is begun anew when it is no journal.
    folder.file("out/.a.txt.efface-journal", "{\"efface_jou");
    run(&args, 0);
    folder.file("out/.a.txt.efface-journal", "{\"efface_journal\":1,\"run\":\"00\"}\n");
    let output = run(&args, 2);
    assert!(text(&output.stderr).contains("other rules, another policy"), "{}", text(&output.stderr));
    run(&args[..6], 0);
    assert_eq!(folder.names("out"), ["a.txt"]);
    let output = run(&["redact", &path, "--resume"], 2);
    assert!(text(&output.stderr).contains("nothing to go on with"), "{}", text(&output.stderr));
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_no_half_file() {
    let folder = Folder::new();
    for (flags, leaves_part) in [(&[][..], false), (&["--resume"], true)] {
        let out = folder.path(&format!("out{leaves_part}/a.txt"));
        let mut child = efface(&[&["redact", "--format", "text", "-", "-o", &out], flags].concat());
        let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // More than a chunk, so that the output is begun; the pipe stays open.
        stdin.write_all("mail ana@example.org\n".repeat(60_000).as_bytes()).unwrap();
        let part = folder.path(&format!("out{leaves_part}/.a.txt.efface-part"));
        let begun = Instant::now();
        while fs::metadata(&part).map_or(0, |part| part.len()) == 0 {
            assert!(begun.elapsed() < Duration::from_secs(60), "the output was not begun");
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(130));
        drop(stdin);
        assert_eq!(Path::new(&part).exists(), leaves_part);
        assert!(!Path::new(&out).exists());
    }
}

#[test]
fn a_report_tells_no_value() {
    let folder = Folder::new();
    let record = |n: u32| {
        format!(
            "{{\"at\":[{{\"text\":\"call +221 77 123 45 {:02}\"}}],\"ana{n}@example.org\":{{\"<b>\":\"+1 202 555 0143\"}}}}\n",
            60 + n
        )
    };
    folder.file("in/<i>x.jsonl", (0..20).map(record).collect::<String>());
    folder.file("in/chat with ana@example.org.txt", "mail bo@example.org\n");
    let (html, json, input) = (folder.path("r.html"), folder.path("r.json"), folder.path("in"));
    let scan = run(&["scan", "--summary", "--report", &html, &input], 0);
    let redact = run(&["redact", "--report", &json, &input, "-o", &folder.path("out")], 0);
    let page = fs::read_to_string(&html).unwrap();
    let report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    let table = text(&scan.stdout).to_owned();
    for told in [page.clone(), report.to_string(), table.clone()] {
        for value in ["77 123", "example.org", "ana", " 555", "bo@"] {
            assert!(!told.contains(value), "{value}: {told}");
        }
        for shape in
            ["+221 ## ### ## ##", "+1 ### ### ####", "a@a.a", "/at/*/text", "/*/*", "chat with [EMAIL_ADDRESS]"]
        {
            assert!(told.contains(shape), "{shape}: {told}");
        }
    }
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(!page.contains("<i>") && page.contains("&lt;i&gt;x.jsonl"));
    for outside in ["http://", "https://", "<script", "src=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(report["detections"], 61);
    let entities = report["entities"].as_array().unwrap();
    assert_eq!(entities.iter().map(|entity| entity["detections"].as_u64().unwrap()).sum::<u64>(), 61);
    assert_eq!(report["files"].as_array().unwrap().len(), 2);
    assert!(redact.stdout.is_empty());
    assert!(table.starts_with("entity "), "{table}");
    let output = run(&["scan", "--report", &folder.path("r.pdf"), &input], 2);
    assert!(text(&output.stderr).contains("ends in .json or .html"));
    let output = run(&["scan", "--report", &folder.path("in/a.json"), &folder.file("in/a.json", "{}")], 2);
    assert!(text(&output.stderr).contains("the report is an input"), "{}", text(&output.stderr));
}

#[test]
fn what_was_not_there_is_told() {
    let folder = Folder::new();
    let path = folder.file("a.jsonl", "{\"text\":\"ana@example.org\"}\n");
    for command in ["scan", "redact"] {
        let output = run(&[command, "--text-field", "/nope", &path], 0);
        assert!(text(&output.stderr).contains("no record has the field /nope"), "{}", text(&output.stderr));
        let output = run(&[command, "--text-field", "/text", &path], 0);
        assert!(!text(&output.stderr).contains("no record has"), "{}", text(&output.stderr));
    }
    let gold = "{\"id\":\"1\",\"text\":\"ana\",\"spans\":[{\"start\":0,\"end\":3,\"type\":\"EMAIL_ADRESS\"}]}\n";
    let output = run(&["eval", &folder.file("gold.jsonl", gold)], 0);
    assert!(text(&output.stderr).contains("EMAIL_ADRESS (1 labels); did you mean EMAIL_ADDRESS?"));
}

#[test]
fn shells_and_man_know_the_commands() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = run(&["completions", shell], 0);
        assert!(text(&output.stdout).contains("redact"), "{shell}");
    }
    assert!(text(&run(&["man"], 0).stdout).contains(".TH efface"));
    let folder = Folder::new();
    run(&["man", "-o", &folder.path("man")], 0);
    let names = folder.names("man");
    assert!(names.contains(&"efface-redact.1".to_owned()), "{names:?}");
}
