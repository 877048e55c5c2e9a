//! Reads what detection is measured against: labelled messages, plain messages, and other detectors' cases.
//!
//! The format of a file is told by its first line, compression by its first bytes. Everything is checked while it is read:
//! offsets, character boundaries, the value under a span. A fault names file and line, never what stands there.

use crate::entity::{Family, Kind};
use crate::ids::Region;
use crate::span::Span;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Corpora {
    /// Messages by source, in the order of their names.
    pub corpora: Vec<Corpus>,
    /// Cases of other detectors, in the order read.
    pub cases: Vec<Case>,
    /// Files met in a folder or by a glob that hold neither.
    pub skipped: Vec<PathBuf>,
}

/// The messages of one source.
#[derive(Debug, Default)]
pub struct Corpus {
    /// The record's `source`, or the first part of the file's name.
    pub source: String,
    /// In the order read.
    pub records: Vec<Record>,
}

/// One message and what is personal in it.
#[derive(Clone, Default)]
pub struct Record {
    /// As in the file, or the line's number.
    pub id: String,
    /// As in the file.
    pub lang: Option<String>,
    /// The message.
    pub text: String,
    /// What was labelled, in the order of the file.
    pub spans: Vec<Gold>,
    /// The record's own `region`.
    pub region: Option<Region>,
    /// As in the file.
    pub group: Option<String>,
    /// Words and numbers of `meta`, as text.
    pub meta: BTreeMap<String, String>,
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({}, {} bytes, {} spans)", self.id, self.text.len(), self.spans.len())
    }
}

/// One labelled span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gold {
    /// Where, in bytes of the message.
    pub span: Span,
    /// What the corpus calls it.
    pub label: Label,
    /// The narrower name, such as `PESEL`.
    pub subtype: Option<String>,
    /// The country that the label gives.
    pub country: Option<Region>,
    /// Whether a policy may leave it: neither a miss nor a false positive.
    pub optional: bool,
}

/// The type that a corpus gives to a span.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// A kind of ours.
    Kind(Kind),
    /// A type that no rule can have, such as `PROFESSION`.
    Foreign(String),
}

impl Label {
    /// Reads a type's name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Kind::from_name(name).map_or_else(|| Self::Foreign(name.to_owned()), Self::Kind)
    }

    /// Returns the name as it stands in corpora.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Kind(kind) => kind.name(),
            Self::Foreign(name) => name,
        }
    }

    /// Returns whether a detection of `kind` is right for this label: the same kind, or one of its family.
    #[must_use]
    pub fn matches(&self, kind: Kind) -> bool {
        match self {
            Self::Kind(own) => *own == kind || (own.family() != Family::Own && own.family() == kind.family()),
            Self::Foreign(_) => false,
        }
    }
}

/// What another detector's test asserts.
#[derive(Clone)]
pub struct Case {
    /// As in the file.
    pub id: String,
    /// Whose test it is.
    pub peer: String,
    /// What is asked.
    pub ask: Ask,
    /// The entity that it speaks of.
    pub entity: String,
    /// The country it is bound to.
    pub country: Option<Region>,
    /// A bare value, or a message.
    pub text: String,
    /// Where the entity stands; empty for "not valid" or "not here".
    pub expect: Vec<Span>,
    /// The default region that the expectation presumes.
    pub region: Option<Region>,
    /// Whether further detections of the entity are no fault.
    pub partial: bool,
    /// Why the expectation is not to be scored.
    pub doubt: Option<Doubt>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Case({}, {:?} {}, {} bytes)", self.id, self.ask, self.entity, self.text.len())
    }
}

/// What a case asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Is the whole text a well-formed value?
    Validate,
    /// Where in the text is the entity?
    Detect,
}

/// Why a case is left out of the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// No entity at all: a bare check-digit routine, a union of countries, a number that is not personal.
    Pseudo,
    /// The expectation is known to be wrong or disputed.
    Contested,
    /// A check fed with junk between the digits.
    Noisy,
    /// Matched by shape alone; silence is right too.
    Weak,
}

fn unreadable(why: io::ErrorKind) -> String {
    match why {
        // The system's own words for it are "entity not found".
        io::ErrorKind::NotFound => {
            "no such file or folder\n  hint: give files, folders, globs, or - for standard input".to_owned()
        }
        why => format!("cannot be read: {why}"),
    }
}

/// Why corpora could not be read. Holds no text of a message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// A file or folder cannot be read.
    #[error("{}: {}", file.display(), unreadable(*why))]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// What the system says.
        why: io::ErrorKind,
    },
    /// A line is wrong.
    #[error("{}:{line}: {fault}", file.display())]
    Line {
        /// Which file.
        file: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        fault: Fault,
    },
    /// The file is larger than can be held.
    #[error("{}: larger than {limit} bytes when unpacked", file.display())]
    TooLarge {
        /// Which file.
        file: PathBuf,
        /// In bytes.
        limit: u64,
    },
    /// A file that was named holds neither messages nor cases.
    #[error(
        "{}: neither labelled messages nor cases\n  hint: JSON Lines with \"text\" and \"spans\", or \"kind\", \"entity\", \"text\" and \"expect\"; plain lines in a .txt file",
        file.display()
    )]
    Unknown {
        /// Which file.
        file: PathBuf,
    },
    /// A glob cannot be read.
    #[error("bad glob: {glob}")]
    BadGlob {
        /// As given.
        glob: String,
    },
    /// Nothing to read was found.
    #[error(
        "no corpus found: {input}\n  hint: give files, folders or globs of .jsonl, .ndjson or .txt files, also .gz"
    )]
    Nothing {
        /// As given.
        input: String,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Not JSON.
    #[error("not JSON, at byte {at} of the line")]
    NotJson {
        /// Counted from 1.
        at: usize,
    },
    /// JSON, but not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// Bytes that are no text.
    #[error("not UTF-8, at byte {at} of the line")]
    NotUtf8 {
        /// Counted from 0.
        at: usize,
    },
    /// A key that must be there.
    #[error("no {0:?}")]
    Missing(&'static str),
    /// A key of another type than it must be.
    #[error("{0:?} is not of the right type")]
    WrongType(&'static str),
    /// A name that is no name.
    #[error("{0:?} is not a name: letters, digits and _ . : / - only")]
    BadName(&'static str),
    /// Offsets that do not fit the text.
    #[error(
        "span {start}..{end} is not in the text, empty, or cuts a character\n  hint: offsets count bytes of UTF-8, not characters; end is exclusive"
    )]
    BadSpan {
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
    /// The text under the span is not the value beside it.
    #[error(
        "the text at {start}..{end} is not the span's \"value\"\n  hint: offsets count bytes of UTF-8, not characters"
    )]
    OtherValue {
        /// First byte.
        start: u64,
        /// One past the last byte.
        end: u64,
    },
}

/// Longest file, in bytes after unpacking: 2 GiB. It keeps a small archive from filling the memory.
const FILE_BYTES: u64 = 2 << 30;
/// Longest name of a type, subtype, source or language, in bytes.
const NAME_BYTES: usize = 64;

impl Corpora {
    /// Reads files, folders (all files below), globs and `-` (standard input).
    ///
    /// # Errors
    /// The first input that cannot be read or is wrong. A file that is no corpus is an error when it was named, and is
    /// listed in [`Corpora::skipped`] when it was met in a folder or by a glob.
    pub fn read(inputs: &[PathBuf]) -> Result<Self, CorpusError> {
        let mut reader = Reader::default();
        for input in inputs {
            if input.as_os_str() == "-" {
                let bytes = unpack(Path::new("stdin"), Box::new(io::stdin().lock()))?;
                reader.file(Path::new("stdin"), &bytes, Named::Yes)?;
            } else if input.is_dir() {
                reader.below(input, input, None)?;
            } else if let Some((base, glob)) = glob_of(input)? {
                reader.below(input, &base, Some(&glob))?;
            } else {
                reader.path(input, Named::Yes)?;
            }
        }
        Ok(reader.done())
    }

    /// Reads the text of one file, as [`Corpora::read`] reads it from disk; `name` is for messages and for the source.
    ///
    /// # Errors
    /// As of [`Corpora::read`].
    pub fn read_bytes(name: &str, bytes: &[u8]) -> Result<Self, CorpusError> {
        let mut reader = Reader::default();
        reader.file(Path::new(name), bytes, Named::Yes)?;
        Ok(reader.done())
    }
}

/// Whether a file was named or met.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Yes,
    No,
}

#[derive(Default)]
struct Reader {
    corpora: BTreeMap<String, Vec<Record>>,
    cases: Vec<Case>,
    skipped: Vec<PathBuf>,
    seen: BTreeSet<PathBuf>,
}

/// What the first line of a file tells.
enum Format {
    Messages,
    Cases,
    Lines,
}

impl Reader {
    fn done(self) -> Corpora {
        let corpora = self.corpora.into_iter().map(|(source, records)| Corpus { source, records }).collect();
        Corpora { corpora, cases: self.cases, skipped: self.skipped }
    }

    fn below(&mut self, input: &Path, base: &Path, glob: Option<&globset::GlobMatcher>) -> Result<(), CorpusError> {
        let mut n_files = 0;
        for entry in walkdir::WalkDir::new(base).sort_by_file_name() {
            let entry = entry.map_err(|err| CorpusError::Unreadable {
                file: err.path().unwrap_or(base).to_path_buf(),
                why: err.io_error().map_or(io::ErrorKind::Other, io::Error::kind),
            })?;
            let path = entry.path();
            let wanted = glob.map_or_else(|| has_corpus_name(path), |glob| glob.is_match(path));
            if entry.file_type().is_file() && wanted {
                self.path(path, Named::No)?;
                n_files += 1;
            }
        }
        if n_files == 0 {
            return Err(CorpusError::Nothing { input: input.display().to_string() });
        }
        Ok(())
    }

    fn path(&mut self, path: &Path, named: Named) -> Result<(), CorpusError> {
        // Twice the same file would count every span twice.
        if !self.seen.insert(path.canonicalize().unwrap_or_else(|_| path.to_path_buf())) {
            return Ok(());
        }
        let file =
            File::open(path).map_err(|err| CorpusError::Unreadable { file: path.to_path_buf(), why: err.kind() })?;
        let bytes = unpack(path, Box::new(file))?;
        self.file(path, &bytes, named)
    }

    fn file(&mut self, path: &Path, bytes: &[u8], named: Named) -> Result<(), CorpusError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let Some(format) = format_of(path, bytes) else {
            if named == Named::Yes {
                return Err(CorpusError::Unknown { file: path.to_path_buf() });
            }
            self.skipped.push(path.to_path_buf());
            return Ok(());
        };
        let source = stem(path);
        for (at, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.line(&format, &source, at + 1, line).map_err(|fault| CorpusError::Line {
                file: path.to_path_buf(),
                line: at + 1,
                fault,
            })?;
        }
        Ok(())
    }

    fn line(&mut self, format: &Format, source: &str, number: usize, line: &[u8]) -> Result<(), Fault> {
        let text = std::str::from_utf8(line).map_err(|err| Fault::NotUtf8 { at: err.valid_up_to() })?;
        if matches!(format, Format::Lines) {
            let record = Record { id: number.to_string(), text: text.to_owned(), ..Record::default() };
            self.corpora.entry(source.to_owned()).or_default().push(record);
            return Ok(());
        }
        // The column is all that may be told of the parser's complaint: its words quote the value.
        let value: Value = serde_json::from_str(text).map_err(|err| Fault::NotJson { at: err.column() })?;
        let Value::Object(object) = value else { return Err(Fault::NotAnObject) };
        match format {
            Format::Cases => self.cases.push(case(&object)?),
            _ => {
                let source = name(&object, "source")?.unwrap_or(source).to_owned();
                let record = record(&object, number)?;
                self.corpora.entry(source).or_default().push(record);
            }
        }
        Ok(())
    }
}

/// Where to walk and what to take, when the input is no path but a glob.
fn glob_of(input: &Path) -> Result<Option<(PathBuf, globset::GlobMatcher)>, CorpusError> {
    let text = input.to_string_lossy();
    if input.exists() || !text.contains(['*', '?', '[', '{']) {
        return Ok(None);
    }
    let bad = || CorpusError::BadGlob { glob: text.clone().into_owned() };
    let text_from_here =
        if input.is_absolute() || text.starts_with('.') { text.clone() } else { format!("./{text}").into() };
    let glob = globset::GlobBuilder::new(&text_from_here).literal_separator(true).build().map_err(|_| bad())?;
    let is_plain = |part: &std::path::Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
    let base: PathBuf = Path::new(text_from_here.as_ref()).components().take_while(is_plain).collect();
    Ok(Some((if base.as_os_str().is_empty() { PathBuf::from(".") } else { base }, glob.compile_matcher())))
}

fn has_corpus_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    [".jsonl", ".ndjson", ".txt"].iter().any(|ending| name.ends_with(ending))
}

fn is_plain_text(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".txt") || name.ends_with(".log")
}

/// The file's name up to its first dot.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("unnamed").to_owned()
}

fn unpack(path: &Path, mut reader: Box<dyn Read + '_>) -> Result<Vec<u8>, CorpusError> {
    let unreadable = |err: io::Error| CorpusError::Unreadable { file: path.to_path_buf(), why: err.kind() };
    let mut first = Vec::new();
    reader.by_ref().take(2).read_to_end(&mut first).map_err(unreadable)?;
    let whole = io::Cursor::new(first.clone()).chain(reader);
    let mut bytes = Vec::new();
    if first == [0x1f, 0x8b] {
        flate2::read::MultiGzDecoder::new(whole).take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    } else {
        whole.take(FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    }
    if bytes.len() as u64 > FILE_BYTES {
        return Err(CorpusError::TooLarge { file: path.to_path_buf(), limit: FILE_BYTES });
    }
    Ok(bytes)
}

fn format_of(path: &Path, bytes: &[u8]) -> Option<Format> {
    let first = bytes.split(|&byte| byte == b'\n').find(|line| !line.iter().all(u8::is_ascii_whitespace))?;
    if let Ok(Value::Object(object)) = serde_json::from_slice(first) {
        if object.contains_key("expect") && object.contains_key("entity") && object.contains_key("kind") {
            return Some(Format::Cases);
        }
        // `id-vectors` and the like have no text: they are no messages.
        return object.get("text").is_some_and(Value::is_string).then_some(Format::Messages);
    }
    is_plain_text(path).then_some(Format::Lines)
}

fn record(object: &Map<String, Value>, number: usize) -> Result<Record, Fault> {
    let text = required(object, "text")?.to_owned();
    let spans = match object.get("spans") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(spans)) => spans.iter().map(|span| gold(span, &text)).collect::<Result<_, _>>()?,
        Some(_) => return Err(Fault::WrongType("spans")),
    };
    Ok(Record {
        id: id(object)?.unwrap_or_else(|| number.to_string()),
        lang: name(object, "lang")?.map(str::to_owned),
        text,
        spans,
        region: region(object, "region")?,
        group: object.get("group").and_then(plain),
        meta: match object.get("meta") {
            Some(Value::Object(meta)) => meta.iter().filter_map(|(k, v)| Some((k.clone(), plain(v)?))).collect(),
            _ => BTreeMap::new(),
        },
    })
}

fn gold(span: &Value, text: &str) -> Result<Gold, Fault> {
    let Value::Object(object) = span else { return Err(Fault::WrongType("spans")) };
    let subtype = name(object, "subtype")?.map(str::to_owned);
    let label = Label::new(name(object, "type")?.ok_or(Fault::Missing("type"))?);
    let (span, under) = place(object, text)?;
    if let Some(value) = string(object, "value")?
        && value != under
    {
        return Err(Fault::OtherValue { start: span.start.into(), end: span.end.into() });
    }
    Ok(Gold {
        span,
        label,
        // A misprint of the right shape: the corpus says it may go either way.
        optional: string(object, "level")? == Some("optional") || subtype.as_deref() == Some("MALFORMED"),
        country: region(object, "country")?,
        subtype,
    })
}

fn case(object: &Map<String, Value>) -> Result<Case, Fault> {
    let text = required(object, "text")?.to_owned();
    let Some(Value::Array(expect)) = object.get("expect") else { return Err(Fault::Missing("expect")) };
    let expect = expect
        .iter()
        .map(|span| match span {
            Value::Object(span) => Ok(place(span, &text)?.0),
            _ => Err(Fault::WrongType("expect")),
        })
        .collect::<Result<_, _>>()?;
    let entity = name(object, "entity")?.ok_or(Fault::Missing("entity"))?.to_owned();
    let none = Map::new();
    let meta = match object.get("meta") {
        Some(Value::Object(meta)) => meta,
        _ => &none,
    };
    let says = |key: &str| match meta.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Array(reasons)) => !reasons.is_empty(),
        Some(_) => true,
    };
    let pseudo = says("non_pii")
        || entity.starts_with("CHECKSUM_")
        || entity.ends_with("_ANY")
        || matches!(entity.as_str(), "CURRENCY" | "SHORT_CODE");
    let doubts = [
        (Doubt::Pseudo, pseudo),
        (Doubt::Contested, says("contested")),
        (Doubt::Noisy, says("noisy")),
        (Doubt::Weak, meta.get("strength").and_then(Value::as_str) == Some("weak")),
    ];
    Ok(Case {
        id: id(object)?.ok_or(Fault::Missing("id"))?,
        peer: name(object, "peer")?.unwrap_or("unnamed").to_owned(),
        ask: match required(object, "kind")? {
            "validate" => Ask::Validate,
            "detect" => Ask::Detect,
            _ => return Err(Fault::WrongType("kind")),
        },
        entity,
        country: region(object, "country")?,
        text,
        expect,
        // Without a region of its own a case presumes the country that it speaks of.
        region: region(meta, "region")?.or(region(object, "country")?),
        partial: says("partial"),
        doubt: doubts.into_iter().find(|(_, holds)| *holds).map(|(doubt, _)| doubt),
    })
}

/// Reads `start` and `end`, and returns what stands there.
fn place<'t>(object: &Map<String, Value>, text: &'t str) -> Result<(Span, &'t str), Fault> {
    let offset = |key: &'static str| match object.get(key) {
        None => Err(Fault::Missing(key)),
        Some(value) => value.as_u64().ok_or(Fault::WrongType(key)),
    };
    let (start, end) = (offset("start")?, offset("end")?);
    let bad = Fault::BadSpan { start, end };
    let (Ok(from), Ok(to)) = (u32::try_from(start), u32::try_from(end)) else { return Err(bad) };
    match text.get(from as usize..to as usize) {
        Some(under) if from < to => Ok((Span::new(from, to), under)),
        _ => Err(bad),
    }
}

fn string<'o>(object: &'o Map<String, Value>, key: &'static str) -> Result<Option<&'o str>, Fault> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Fault::WrongType(key)),
    }
}

fn required<'o>(object: &'o Map<String, Value>, key: &'static str) -> Result<&'o str, Fault> {
    string(object, key)?.ok_or(Fault::Missing(key))
}

/// Reads a name that will be printed. Anything that could be a sentence or a value is refused.
fn name<'o>(object: &'o Map<String, Value>, key: &'static str) -> Result<Option<&'o str>, Fault> {
    let name = string(object, key)?;
    let printable = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'/' | b'-');
    match name {
        Some(name) if name.is_empty() || name.len() > NAME_BYTES || !name.bytes().all(printable) => {
            Err(Fault::BadName(key))
        }
        _ => Ok(name),
    }
}

fn region(object: &Map<String, Value>, key: &'static str) -> Result<Option<Region>, Fault> {
    // An empty or longer code (`001`, a subdivision) is a country that we have no word for, not a fault of the file.
    Ok(string(object, key)?.and_then(|code| Region::new(code.as_bytes())))
}

fn id(object: &Map<String, Value>) -> Result<Option<String>, Fault> {
    match object.get("id") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => plain(value).map(Some).ok_or(Fault::WrongType("id")),
    }
}

/// A word, number or truth value as text.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLD: &str = r#"{"id":"a","source":"s","lang":"en","text":"é a@b.example","spans":[{"start":3,"end":14,"type":"EMAIL_ADDRESS","value":"a@b.example"}]}"#;

    #[test]
    fn formats_are_told_by_content() {
        #[track_caller]
        fn check(name: &str, text: &str, expected: (usize, usize)) {
            let read = Corpora::read_bytes(name, text.as_bytes()).unwrap();
            assert_eq!((read.corpora.iter().map(|c| c.records.len()).sum::<usize>(), read.cases.len()), expected);
        }
        check("x.jsonl", GOLD, (1, 0));
        check("x", &format!("\u{feff}{GOLD}\r\n\n{GOLD}"), (2, 0));
        check("taskmaster.jsonl", r#"{"turn":0,"text":"hello"}"#, (1, 0));
        check("chat.txt", "hello\n\nthere\n", (2, 0));
        let case = r#"{"id":"c","peer":"p","kind":"validate","entity":"IBAN","country":null,"text":"x","expect":[],"note":""}"#;
        check("x.jsonl", case, (0, 1));
    }

    #[test]
    fn what_is_no_corpus_is_refused_when_named() {
        for (name, text) in [("x.jsonl", r#"{"value":"1","valid":true}"#), ("x.jsonl", "hello"), ("x.jsonl", "")] {
            assert!(matches!(Corpora::read_bytes(name, text.as_bytes()), Err(CorpusError::Unknown { .. })), "{text}");
        }
    }

    #[test]
    fn faults_name_the_line_and_no_value() {
        #[track_caller]
        fn check(line: &str, expected: &str) {
            let err = Corpora::read_bytes("f.jsonl", format!("{GOLD}\n{line}").as_bytes()).unwrap_err().to_string();
            assert_eq!(err.lines().next(), Some(format!("f.jsonl:2: {expected}").as_str()));
            assert!(!err.contains("secret"), "{err}");
        }
        check(r#"{"text":"secret"#, "not JSON, at byte 15 of the line");
        check(r#"["secret"]"#, "not a JSON object");
        check(r#"{"id":"secret"}"#, "no \"text\"");
        check(r#"{"text":["secret"]}"#, "\"text\" is not of the right type");
        check(r#"{"text":"secret","spans":"secret"}"#, "\"spans\" is not of the right type");
        check(
            r#"{"text":"secret","source":"a secret"}"#,
            "\"source\" is not a name: letters, digits and _ . : / - only",
        );
        let span = |span: &str| format!(r#"{{"text":"é secret","spans":[{span}]}}"#);
        check(&span(r#"{"start":0,"end":2}"#), "no \"type\"");
        check(&span(r#"{"start":0,"type":"URL"}"#), "no \"end\"");
        check(&span(r#"{"start":-1,"end":2,"type":"URL"}"#), "\"start\" is not of the right type");
        let bad = |start: u64, end: u64| format!("span {start}..{end} is not in the text, empty, or cuts a character");
        check(&span(r#"{"start":1,"end":3,"type":"URL"}"#), &bad(1, 3));
        check(&span(r#"{"start":3,"end":3,"type":"URL"}"#), &bad(3, 3));
        check(&span(r#"{"start":3,"end":30,"type":"URL"}"#), &bad(3, 30));
        check(&span(r#"{"start":5000000000,"end":5000000001,"type":"URL"}"#), &bad(5_000_000_000, 5_000_000_001));
        check(
            &span(r#"{"start":3,"end":8,"type":"URL","value":"secret"}"#),
            "the text at 3..8 is not the span's \"value\"",
        );
    }

    #[test]
    fn packed_files_are_unpacked_by_their_first_bytes() {
        use std::io::Write;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(GOLD.as_bytes()).unwrap();
        let packed = packer.finish().unwrap();
        let unpacked = unpack(Path::new("x"), Box::new(packed.as_slice())).unwrap();
        assert_eq!(unpacked, GOLD.as_bytes());
        assert_eq!(unpack(Path::new("x"), Box::new(&b"h"[..])).unwrap(), b"h");
        let broken = packed.get(..packed.len() / 2).unwrap();
        assert!(matches!(unpack(Path::new("x"), Box::new(broken)), Err(CorpusError::Unreadable { .. })));
    }

    #[test]
    fn optional_spans() {
        #[track_caller]
        fn check(more: &str, expected: bool) {
            let line = format!(r#"{{"text":"ab","spans":[{{"start":0,"end":2,"type":"PHONE_NUMBER"{more}}}]}}"#);
            let read = Corpora::read_bytes("x", line.as_bytes()).unwrap();
            assert_eq!(read.corpora[0].records[0].spans[0].optional, expected, "{more}");
        }
        check("", false);
        check(r#","level":"optional""#, true);
        check(r#","level":"required""#, false);
        check(r#","subtype":"MALFORMED""#, true);
    }

    #[test]
    fn families_match() {
        #[track_caller]
        fn check(label: &str, kind: Kind, expected: bool) {
            assert_eq!(Label::new(label).matches(kind), expected, "{label} {kind}");
        }
        check("TAX_ID", Kind::NationalId, true);
        check("US_SSN", Kind::RoutingNumber, true);
        check("OTP_CODE", Kind::ApiKey, true);
        check("PHONE_NUMBER", Kind::PhoneNumber, true);
        check("PHONE_NUMBER", Kind::NationalId, false);
        check("IMEI", Kind::CreditCard, false);
        check("PASSWORD", Kind::TaxId, false);
        check("PROFESSION", Kind::Other, false);
    }

    #[test]
    fn doubts_of_cases() {
        #[track_caller]
        fn check(entity: &str, meta: &str, expected: Option<Doubt>) {
            let line = format!(
                r#"{{"id":"c","peer":"p","kind":"detect","entity":"{entity}","text":"x","expect":[],"meta":{meta}}}"#
            );
            let read = Corpora::read_bytes("x", line.as_bytes()).unwrap();
            assert_eq!(read.cases[0].doubt, expected, "{entity} {meta}");
        }
        check("IBAN", "{}", None);
        check("IBAN", r#"{"contested":["why"]}"#, Some(Doubt::Contested));
        check("IBAN", r#"{"contested":[]}"#, None);
        check("IBAN", r#"{"noisy":true}"#, Some(Doubt::Noisy));
        check("IBAN", r#"{"strength":"weak"}"#, Some(Doubt::Weak));
        check("IBAN", r#"{"strength":"strong"}"#, None);
        check("IBAN", r#"{"non_pii":true}"#, Some(Doubt::Pseudo));
        check("CHECKSUM_LUHN", "{}", Some(Doubt::Pseudo));
        check("NATIONAL_ID_ANY", "{}", Some(Doubt::Pseudo));
        check("SHORT_CODE", "{}", Some(Doubt::Pseudo));
    }
}
