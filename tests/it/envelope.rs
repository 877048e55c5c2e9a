//! Envelopes: what the walk lists is what a JSON parser sees, what is spliced is what was asked for, and the rest stays.

use efface::envelope::{
    Change, Edit, Envelope, EnvelopeFault, FieldKind, Fields, Format, JsonFault, LaneSelectors, Record, Records,
    Selector, Selectors, Spliced, Splicer, Treatment,
};
use efface::limits::Limits;
use efface::span::{DocSpan, Span};
use proptest::prelude::*;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

fn whole(doc: &[u8]) -> DocSpan {
    DocSpan::new(0, u32::try_from(doc.len()).unwrap())
}

fn limited(limits: Limits) -> Envelope {
    Envelope::new(limits, Selectors::default())
}

/// What the walk lists: pointer, kind, text.
type Listed = Vec<(String, FieldKind, String)>;

fn list(doc: &[u8]) -> Result<Listed, EnvelopeFault> {
    let mut fields = Fields::default();
    let walked = Envelope::default().walk(Format::Json, doc, whole(doc), &mut fields)?;
    assert_eq!(walked.fields(), 0..u32::try_from(fields.all().len()).unwrap());
    Ok(fields
        .all()
        .iter()
        .map(|field| {
            let mut pointer = String::new();
            assert!(fields.pointer(doc, field, &mut pointer));
            (pointer, field.kind, String::from_utf8(fields.text(doc, field).to_vec()).unwrap())
        })
        .collect())
}

/// Writes `doc` again with `edits` made of (field, span, new text), on `lane`.
fn write(envelope: &Envelope, format: Format, doc: &[u8], edits: &[(u32, Option<Span>, &str)], lane: usize) -> Vec<u8> {
    let mut fields = Fields::default();
    let walked = envelope.walk(format, doc, whole(doc), &mut fields).unwrap();
    let mut replacements = Vec::new();
    let edits: Vec<_> = edits
        .iter()
        .map(|&(field, span, text)| {
            let start = u32::try_from(replacements.len()).unwrap();
            replacements.extend_from_slice(text.as_bytes());
            let with = Span::new(start, u32::try_from(replacements.len()).unwrap());
            Edit { field, change: span.map_or(Change::Drop, |span| Change::Replace { span, with }) }
        })
        .collect();
    let mut out = b"before,".to_vec();
    let source = Spliced { fields: &fields, buffer: doc, walked, replacements: &replacements };
    Splicer::default().splice(&source, &edits, lane, &mut out);
    out.split_off(b"before,".len())
}

#[test]
fn fields_and_pointers() {
    use FieldKind::{Key, Number, Text};
    #[track_caller]
    fn check(doc: &str, expected: &[(&str, FieldKind, &str)]) {
        let expected: Listed = expected.iter().map(|&(p, k, t)| (p.to_owned(), k, t.to_owned())).collect();
        assert_eq!(list(doc.as_bytes()), Ok(expected), "{doc}");
    }
    check("", &[]);
    check(" \r\n\t", &[]);
    check("\u{feff}1", &[("", Number, "1")]);
    check("{}", &[]);
    check("[[],{},null,true,false]", &[]);
    check(r#""a""#, &[("", Text, "a")]);
    check(
        r#"{"a":"b","c":[1,"d"]}"#,
        &[("/a", Key, "a"), ("/a", Text, "b"), ("/c", Key, "c"), ("/c/0", Number, "1"), ("/c/1", Text, "d")],
    );
    check(r#"{"a/b~":{"":[["x"]]}}"#, &[("/a~1b~0", Key, "a/b~"), ("/a~1b~0/", Key, ""), ("/a~1b~0//0/0", Text, "x")]);
    check(r#"{"a":1,"a":2}"#, &[("/a", Key, "a"), ("/a", Number, "1"), ("/a", Key, "a"), ("/a", Number, "2")]);
    // Escapes hide nothing.
    check(r#"["a\u0040b\/\u0660\ud83d\ude00\n\"\\"]"#, &[("/0", Text, "a@b/\u{660}\u{1f600}\n\"\\")]);
    check(r#"{"\u0061":"x"}"#, &[("/a", Key, "a"), ("/a", Text, "x")]);
    // Neither do ways to write a number.
    check(
        "[254712345678.0,2.54712345678e11,-0,0.50,1E400]",
        &[
            ("/0", Number, "254712345678"),
            ("/1", Number, "254712345678"),
            ("/2", Number, "-0"),
            ("/3", Number, "0.50"),
            ("/4", Number, "1E400"),
        ],
    );
}

#[test]
fn names_are_the_nearest_key() {
    let doc = br#"{"phones":["a",["b"],{"home":"c"},"d"]}"#;
    let mut fields = Fields::default();
    Envelope::default().walk(Format::Json, doc, whole(doc), &mut fields).unwrap();
    let names: Vec<_> = fields
        .all()
        .iter()
        .map(|field| fields.name(field).and_then(|at| fields.field(at)).map(|key| fields.text(doc, key)))
        .map(|name| String::from_utf8_lossy(name.unwrap_or_default()).into_owned())
        .collect();
    assert_eq!(names, ["phones", "phones", "phones", "home", "home", "phones"]);
}

#[test]
fn faults() {
    use JsonFault::{
        Control, Ends, Escape, Literal, LoneSurrogate, NoColon, NoComma, NoKey, NoValue, Number, Trailing,
    };
    #[track_caller]
    fn check(doc: &[u8], at: usize, fault: JsonFault) {
        assert_eq!(list(doc), Err(EnvelopeFault::Json { at, fault }), "{}", String::from_utf8_lossy(doc));
    }
    check(b"{", 1, Ends);
    check(b"[1", 2, Ends);
    check(b"[1,", 3, Ends);
    check(b"{\"a", 3, Ends);
    check(b"{\"a\"", 4, Ends);
    check(b"{\"a\":", 5, Ends);
    check(b"{\"a\":1,", 7, Ends);
    check(b"\"\\", 1, Ends);
    check(b"\"\\u00", 1, Ends);
    check(b"\"\\ud83d", 1, Ends);
    check(b"tru", 3, Ends);
    check(b"-", 1, Ends);
    check(b"1.", 2, Ends);
    check(b"1e+", 3, Ends);
    check(b"[,1]", 1, NoValue);
    check(b"[1,]", 3, NoValue);
    check(b"{\"a\":}", 5, NoValue);
    check(b"[+1]", 1, NoValue);
    check(b"[.5]", 1, NoValue);
    check(b"['a']", 1, NoValue);
    check(b"[NaN]", 1, NoValue);
    check(b"[\0]", 1, NoValue);
    check(b"[1]\0", 3, Trailing);
    check(b"[1\0]", 2, NoComma);
    check(b"[1}", 2, NoComma);
    check(b"{\"a\":1]", 6, NoComma);
    check(b"{1:2}", 1, NoKey);
    check(b"{,}", 1, NoKey);
    check(b"{\"a\":1,}", 7, NoKey);
    check(b"{\"a\" 1}", 5, NoColon);
    check(b"{} {}", 3, Trailing);
    check(b"1 2", 2, Trailing);
    check(b"]", 0, NoValue);
    check(b"[01]", 2, Number);
    check(b"[-a]", 2, Number);
    check(b"[1.e5]", 3, Number);
    check(b"[1e]", 3, Number);
    check(b"[nulL]", 4, Literal);
    check(b"[\"\\x\"]", 2, Escape);
    check(b"[\"\\u00g0\"]", 2, Escape);
    check(b"[\"\\ud83d\"]", 2, LoneSurrogate);
    check(b"[\"\\ud83d\\n\"]", 2, LoneSurrogate);
    check(b"[\"\\ud83d\\u0041\"]", 2, LoneSurrogate);
    check(b"[\"\\ude00\"]", 2, LoneSurrogate);
    check(b"[\"a\nb\"]", 3, Control);
    check(b"[\"a\0b\"]", 3, Control);
    check(b"[\"\\n\x1f\"]", 4, Control);
    assert_eq!(list(b"[\"a\xff\"]"), Err(EnvelopeFault::NotUtf8 { at: 3 }));
    assert_eq!(list(b"\xff\xfe"), Err(EnvelopeFault::NotUtf8 { at: 0 }));
}

#[test]
fn limits_at_the_edge() {
    #[track_caller]
    fn check(limits: Limits, format: Format, at_limit: &[u8], past: &[u8], fault: EnvelopeFault) {
        let mut fields = Fields::default();
        let envelope = limited(limits);
        assert!(envelope.walk(format, at_limit, whole(at_limit), &mut fields).is_ok());
        let n_fields = fields.all().len();
        assert_eq!(envelope.walk(format, past, whole(past), &mut fields), Err(fault));
        assert_eq!(fields.all().len(), n_fields, "a faulty record leaves nothing behind");
    }
    let nested = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
    let limits = Limits::default();
    check(limits, Format::Json, &nested(64), &nested(65), EnvelopeFault::TooDeep { at: 64, limit: 64 });
    assert_eq!(list(&nested(5_000)), Err(EnvelopeFault::TooDeep { at: 64, limit: 64 }));
    assert_eq!(list(&vec![b'['; 1 << 20]), Err(EnvelopeFault::TooDeep { at: 64, limit: 64 }));

    let limits = Limits { record_bytes: 10, ..Limits::default() };
    let fault = EnvelopeFault::RecordTooLong { len: 11, limit: 10 };
    check(limits, Format::Json, b"[12345678]", b"[123456789]", fault);
    check(limits, Format::Text, b"0123456789", b"0123456789a", fault);

    let limits = Limits { field_bytes: 3, ..Limits::default() };
    let fault = |at| EnvelopeFault::FieldTooLong { at, len: 4, limit: 3 };
    check(limits, Format::Json, b"[\"abc\"]", b"[\"abcd\"]", fault(2));
    check(limits, Format::Json, b"[\"ab\\u0040\"]", b"[\"abc\\u0040\"]", fault(2));
    check(limits, Format::Json, b"[\n\"abc\"]", b"[\n\"abcd\"]", fault(3));
    check(limits, Format::Json, b"[123]", b"[1234]", fault(1));
    check(limits, Format::Json, b"[1.2]", b"[1.23]", fault(1));
    check(limits, Format::Log, b"abc", b"abcd", fault(0));

    let limits = Limits { fields: 3, ..Limits::default() };
    check(limits, Format::Json, b"[1,2,3]", b"[1,2,3,4]", EnvelopeFault::TooManyFields { at: 7, limit: 3 });
}

#[test]
fn a_long_line_is_a_fault_and_costs_one_look() {
    let line = vec![b'7'; 50 << 20];
    let mut fields = Fields::default();
    for format in [Format::Text, Format::JsonLines] {
        let body = Records::new(format, &line).unwrap().next().unwrap().body;
        let fault = EnvelopeFault::RecordTooLong { len: 50 << 20, limit: 16 << 20 };
        assert_eq!(Envelope::default().walk(format, &line, body, &mut fields), Err(fault));
    }
}

/// Field, place in its text or none to drop it, new text.
type Row<'r> = (u32, Option<(u32, u32)>, &'r str);

#[test]
fn splices() {
    #[track_caller]
    fn check(doc: &str, edits: &[Row], expected: &str) {
        let edits: Vec<_> =
            edits.iter().map(|&(f, span, with)| (f, span.map(|(a, b)| Span::new(a, b)), with)).collect();
        let out = write(&Envelope::default(), Format::Json, doc.as_bytes(), &edits, 0);
        assert_eq!(String::from_utf8_lossy(&out), expected, "{doc} {edits:?}");
        if !expected.is_empty() {
            assert!(serde_json::from_str::<Value>(expected).is_ok());
        }
    }
    // Strings.
    check(r#"["abcdef"]"#, &[(0, Some((1, 3)), "[X]"), (0, Some((4, 6)), "")], r#"["a[X]d"]"#);
    check(r#"["abc"]"#, &[(0, Some((0, 3)), "\"\\\n\u{1}é")], r#"["\"\\\n\u0001é"]"#);
    check(r#"["é"]"#, &[(0, Some((1, 2)), "x")], r#"["x"]"#);
    // An edit takes whole escapes.
    check(r#"["a\u0040b\/c"]"#, &[(0, Some((1, 2)), "x")], r#"["axb\/c"]"#);
    check(r#"["a\u0040b\/c"]"#, &[(0, Some((0, 4)), "x")], r#"["xc"]"#);
    check(r#"["\u0040\u0041\u0042"]"#, &[(0, Some((1, 2)), "x")], r#"["\u0040x\u0042"]"#);
    check(r#"["\u0660-"]"#, &[(0, Some((1, 2)), "x")], r#"["x-"]"#);
    check(r#"["\ud83d\ude00-"]"#, &[(0, Some((0, 4)), "x")], r#"["x-"]"#);
    check(r#"["\ta","\tb"]"#, &[(0, Some((1, 2)), "x"), (1, Some((0, 1)), "y")], r#"["\tx","yb"]"#);
    // Numbers and what stands around them.
    check("[ 12345 ]", &[(0, Some((1, 3)), "[X]")], r#"[ "[X]" ]"#);
    check("[1.5e3,-2.0]", &[(0, Some((0, 4)), "[X]"), (1, Some((0, 2)), "")], r#"["[X]",""]"#);
    check("7", &[(0, Some((0, 1)), "[X]")], r#""[X]""#);
    // Keys, told apart where they come out the same.
    check(r#"{"a":1,"b":2,"c":{"a":3}}"#, &[(0, Some((0, 1)), "K")], r#"{"K":1,"b":2,"c":{"a":3}}"#);
    let same = [(0, Some((0, 1)), "K"), (2, Some((0, 1)), "K"), (4, Some((0, 1)), "K"), (5, Some((0, 1)), "K")];
    check(r#"{"a":1,"b":2,"c":{"a":3}}"#, &same, r#"{"K":1,"K_2":2,"K_3":{"K":3}}"#);
    // Members and elements that go.
    check(r#"{"a":1, "b":2, "c":3}"#, &[(1, None, "")], r#"{"b":2, "c":3}"#);
    check(r#"{"a":1, "b":2, "c":3}"#, &[(3, None, "")], r#"{"a":1, "c":3}"#);
    check(r#"{"a":1, "b":2 , "c":3 }"#, &[(5, None, "")], r#"{"a":1, "b":2  }"#);
    check(r#"{"a":1, "b":2, "c":3}"#, &[(3, None, ""), (5, None, "")], r#"{"a":1}"#);
    check(r#"{"a":1, "b":2}"#, &[(1, None, ""), (3, None, "")], "{}");
    check(r#"["a" , "b"]"#, &[(0, None, "")], r#"["b"]"#);
    check(r#"["a" , "b"]"#, &[(1, None, "")], r#"["a" ]"#);
    check(r#"["a"]"#, &[(0, None, "")], "[]");
    check(r#""a""#, &[(0, None, "")], "null");
    check(r#"{"a":{"b":[1,"]"]},"c":2}"#, &[(0, None, ""), (2, Some((0, 1)), "x")], r#"{"c":2}"#);
    check(r#"{"a" : true ,"c":2}"#, &[(0, None, "")], r#"{"c":2}"#);
    check(r#"{"a":"\"}","c":2}"#, &[(0, None, "")], r#"{"c":2}"#);
    check(r#"{"a":1,"c":2}"#, &[(0, Some((0, 1)), "K"), (1, None, "")], r#"{"c":2}"#);
    check("", &[], "");
}

#[test]
fn lines_of_text() {
    let write =
        |doc: &[u8], edits: &[(u32, Option<Span>, &str)]| write(&Envelope::default(), Format::Text, doc, edits, 0);
    assert_eq!(write(b"", &[]), b"");
    assert_eq!(write(b"ab\xff\0\"c", &[]), b"ab\xff\0\"c");
    assert_eq!(write(b"ab\xff\0\"c", &[(0, Some(Span::new(1, 3)), "\"\n")]), b"a\"\n\0\"c");
    assert_eq!(write(b"abc", &[(0, None, "")]), b"");
}

#[test]
fn selectors_drop_and_operate() {
    let lane = |rows: &[(&str, Treatment)]| LaneSelectors {
        selectors: rows
            .iter()
            .map(|&(pointer, treatment)| Selector { pointer: pointer.to_owned(), treatment })
            .collect(),
        ..LaneSelectors::default()
    };
    #[track_caller]
    fn check(envelope: &Envelope, doc: &str, lane: usize, expected: &str) {
        let out = write(envelope, Format::Json, doc.as_bytes(), &[], lane);
        assert_eq!(String::from_utf8_lossy(&out), expected, "{doc}");
        assert!(serde_json::from_str::<Value>(expected).is_ok());
    }
    let first = [("/a", Treatment::Drop), ("/b/*/x", Treatment::Drop), ("/f", Treatment::Operator(3))];
    let second = [("/b", Treatment::Drop), ("/l/1", Treatment::Drop), ("/l/2", Treatment::Drop)];
    let selectors = Selectors::build(&[lane(&first), lane(&second), lane(&[])], &[]).unwrap();
    let envelope = Envelope::new(Limits::default(), selectors);
    let doc = r#"{"a":{"x":[1]}, "b":[{"x":null,"y":1},{"x":[{}]}], "l":[0,true,{"a":1}], "f":[true,null,1]}"#;
    check(&envelope, doc, 0, r#"{"b":[{"y":1},{}], "l":[0,true,{"a":1}], "f":[true,null,1]}"#);
    check(&envelope, doc, 1, r#"{"a":{"x":[1]}, "l":[0], "f":[true,null,1]}"#);
    check(&envelope, doc, 2, doc);
    check(&envelope, r#"{"\u0061":1}"#, 0, "{}");

    let mut fields = Fields::default();
    envelope.walk(Format::Json, doc.as_bytes(), whole(doc.as_bytes()), &mut fields).unwrap();
    let operated: Vec<_> = fields
        .all()
        .iter()
        .filter(|field| envelope.selectors().treatment(field.state, 0) == Treatment::Operator(3))
        .map(|field| (field.kind, fields.text(doc.as_bytes(), field)))
        .collect();
    let (key, literal, number) = (FieldKind::Key, FieldKind::Literal, FieldKind::Number);
    assert_eq!(operated, [(key, &b"f"[..]), (literal, &b"true"[..]), (number, &b"1"[..])]);
}

#[test]
fn records_of_one_buffer_share_one_list() {
    let lines = b"{\"a\":\"b\\tc\"}\n\nbroken\n{\"a\":\"\\u0064\"}\r\n[1]";
    let mut fields = Fields::default();
    let mut out = Vec::new();
    let mut walks = Vec::new();
    for Record { body, whole } in Records::new(Format::JsonLines, lines).unwrap() {
        walks.push((Envelope::default().walk(Format::JsonLines, lines, body, &mut fields), whole));
    }
    let n_faults = walks.iter().filter(|(walked, _)| walked.is_err()).count();
    assert_eq!((walks.len(), n_faults, fields.all().len()), (5, 1, 5));
    assert_eq!(fields.side(), b"b\tc\nd\n");
    assert_eq!(format!("{fields:?}"), "Fields(5 fields, 6 decoded bytes)");
    for (walked, whole) in walks {
        let Ok(walked) = walked else { continue };
        let source = Spliced { fields: &fields, buffer: lines, walked, replacements: b"" };
        Splicer::default().splice(&source, &[], 0, &mut out);
        out.extend_from_slice(&lines[walked.record.end as usize..whole.end as usize]);
    }
    assert_eq!(out, b"{\"a\":\"b\\tc\"}\n\n{\"a\":\"\\u0064\"}\r\n[1]");
}

/// A document as it is generated: the tree, written with some freedom.
#[derive(Clone, Debug)]
enum Doc {
    Word(&'static str),
    Number(String),
    Text(Vec<Piece>),
    Array(Vec<(Doc, &'static str)>),
    Object(Vec<(Vec<Piece>, Doc, &'static str)>),
}

/// A character, and how it is written.
#[derive(Clone, Debug)]
struct Piece {
    c: char,
    escaped: u8,
}

fn write_text(pieces: &[Piece], out: &mut String) {
    out.push('"');
    for &Piece { c, escaped } in pieces {
        let must = c < ' ' || c == '"' || c == '\\';
        match (c, escaped % 3) {
            ('/', 1) => out.push_str("\\/"),
            ('"', 0) => out.push_str("\\\""),
            ('\\', 0) => out.push_str("\\\\"),
            ('\n', 0) => out.push_str("\\n"),
            ('\u{8}', 0) => out.push_str("\\b"),
            (c, n) if must || n == 2 => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    *out += &if escaped % 2 == 0 { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
                }
            }
            (c, _) => out.push(c),
        }
    }
    out.push('"');
}

fn write_doc(doc: &Doc, out: &mut String) {
    match doc {
        Doc::Word(word) => out.push_str(word),
        Doc::Number(number) => out.push_str(number),
        Doc::Text(pieces) => write_text(pieces, out),
        Doc::Array(elements) => {
            out.push('[');
            for (n, (element, blank)) in elements.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                out.push_str(blank);
                write_doc(element, out);
                out.push_str(blank);
            }
            out.push(']');
        }
        Doc::Object(members) => {
            out.push('{');
            for (n, (key, value, blank)) in members.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                out.push_str(blank);
                write_text(key, out);
                out.push_str(blank);
                out.push(':');
                out.push_str(blank);
                write_doc(value, out);
                out.push_str(blank);
            }
            out.push('}');
        }
    }
}

fn text() -> impl Strategy<Value = Vec<Piece>> {
    let c = prop_oneof![
        4 => prop::char::range('a', 'f'),
        2 => prop::sample::select(vec!['"', '\\', '/', '\n', '\u{8}', '\u{0}', ' ', '~', '@', '\u{7f}']),
        1 => any::<char>(),
    ];
    prop::collection::vec((c, any::<u8>()).prop_map(|(c, escaped)| Piece { c, escaped }), 0..20)
}

fn document() -> impl Strategy<Value = String> {
    let blank = || prop::sample::select(vec!["", "", " ", "\n  ", "\t\r\n"]);
    let number = prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        "-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?",
    ];
    let leaf = prop_oneof![
        1 => prop::sample::select(vec!["true", "false", "null"]).prop_map(Doc::Word),
        2 => number.prop_map(Doc::Number),
        4 => text().prop_map(Doc::Text),
    ];
    let doc = leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec((inner.clone(), blank()), 0..5).prop_map(Doc::Array),
            prop::collection::vec((text(), inner, blank()), 0..5).prop_map(Doc::Object),
        ]
    });
    (doc, prop::sample::select(vec!["", " ", "\n"])).prop_map(|(doc, blank)| {
        let mut out = blank.to_owned();
        write_doc(&doc, &mut out);
        out + blank
    })
}

/// What a JSON parser sees, in the order in which it sees it. With `edits`, text is replaced on the way.
struct See<'s> {
    pointer: &'s mut String,
    seen: &'s mut Vec<(String, FieldKind, Option<String>)>,
}

impl<'de> DeserializeSeed<'de> for See<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for See<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.seen.push((self.pointer.clone(), FieldKind::Number, None));
        Ok(())
    }
    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        self.visit_i64(0)
    }
    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        self.visit_i64(0)
    }
    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.seen.push((self.pointer.clone(), FieldKind::Text, Some(text.to_owned())));
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let len = self.pointer.len();
        for index in 0.. {
            *self.pointer += &format!("/{index}");
            let more = seq.next_element_seed(See { pointer: self.pointer, seen: self.seen })?.is_some();
            self.pointer.truncate(len);
            if !more {
                break;
            }
        }
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let len = self.pointer.len();
        while let Some(key) = map.next_key::<String>()? {
            *self.pointer += &format!("/{}", key.replace('~', "~0").replace('/', "~1"));
            self.seen.push((self.pointer.clone(), FieldKind::Key, Some(key)));
            map.next_value_seed(See { pointer: self.pointer, seen: self.seen })?;
            self.pointer.truncate(len);
        }
        Ok(())
    }
}

fn see(doc: &[u8]) -> Result<Vec<(String, FieldKind, Option<String>)>, serde_json::Error> {
    let (mut pointer, mut seen) = (String::new(), Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(doc);
    See { pointer: &mut pointer, seen: &mut seen }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(seen)
}

/// The walk and the parser agree on what a document is, and on what is in it.
fn agree(doc: &[u8]) {
    let listed = list(doc);
    match (see(doc), listed) {
        (Ok(seen), Ok(listed)) => {
            let listed: Vec<_> = listed
                .into_iter()
                .map(|(pointer, kind, text)| (pointer, kind, (kind != FieldKind::Number).then_some(text)))
                .collect();
            assert_eq!(listed, seen);
        }
        (Ok(_), Err(fault)) => {
            assert!(matches!(fault, EnvelopeFault::TooDeep { .. }), "{fault}: {}", String::from_utf8_lossy(doc));
        }
        (Err(err), Ok(_)) => {
            let known = err.to_string();
            let empty = doc.trim_ascii().is_empty();
            let bom = doc.starts_with(b"\xef\xbb\xbf");
            assert!(known.contains("number out of range") || empty || bom, "{known}: {}", String::from_utf8_lossy(doc));
        }
        (Err(_), Err(_)) => {}
    }
}

proptest! {
    /// The walk lists what a parser sees, in the same order, under the same pointers.
    #[test]
    fn lists_what_a_parser_sees(doc in document()) {
        let seen = see(doc.as_bytes());
        prop_assume!(seen.is_ok());
        prop_assert!(list(doc.as_bytes()).is_ok());
        agree(doc.as_bytes());
    }

    /// Without edits the output is the input.
    #[test]
    fn no_edits_no_change(doc in document()) {
        prop_assert_eq!(write(&Envelope::default(), Format::Json, doc.as_bytes(), &[], 0), doc.as_bytes());
    }

    /// A broken document is a fault for both, or for neither.
    #[test]
    fn breaks_where_a_parser_breaks(doc in document(), cut in any::<prop::sample::Index>(), flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)) {
        let mut bytes = doc.into_bytes();
        bytes.truncate(cut.index(bytes.len() + 1));
        agree(&bytes);
        for (at, byte) in flips {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        agree(&bytes);
    }

    /// A parser sees in the output what it saw in the input, with the edits made; the bytes between fields are the same.
    #[test]
    fn edits_are_what_changes(
        doc in document(),
        choices in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), ".{0,6}"), 1..8),
    ) {
        let bytes = doc.as_bytes();
        prop_assume!(see(bytes).is_ok());
        let listed = list(bytes).unwrap();
        // One edit a field, on character boundaries; keys get texts that do not meet.
        let mut edits: Vec<(u32, Option<Span>, String)> = Vec::new();
        for (n, (field, (_, kind, text))) in listed.iter().enumerate().collect::<Vec<_>>().into_iter().enumerate() {
            let (a, b, with) = &choices[n % choices.len()];
            if (a.index(97) + n) % 3 > 0 {
                continue;
            }
            let bounds: Vec<u32> = text.char_indices().map(|(at, _)| at).chain([text.len()]).map(|at| u32::try_from(at).unwrap()).collect();
            let (start, end) = (bounds[a.index(bounds.len())], bounds[b.index(bounds.len())]);
            let with = if *kind == FieldKind::Key { format!("{with}#{n}#") } else { with.clone() };
            edits.push((u32::try_from(field).unwrap(), Some(Span::new(start.min(end), start.max(end))), with));
        }
        let borrowed: Vec<_> = edits.iter().map(|(field, span, with)| (*field, *span, with.as_str())).collect();
        let out = write(&Envelope::default(), Format::Json, bytes, &borrowed, 0);
        let got = list(&out).unwrap();
        prop_assert!(see(&out).is_ok());
        let mut expected: Vec<_> = listed.iter().map(|(_, kind, text)| (*kind, text.clone())).collect();
        for (field, span, with) in &edits {
            let (kind, text) = &mut expected[*field as usize];
            if *kind == FieldKind::Number {
                (*kind, *text) = (FieldKind::Text, with.clone());
            } else {
                text.replace_range(span.unwrap().range(), with);
            }
        }
        prop_assert_eq!(got.into_iter().map(|(_, kind, text)| (kind, text)).collect::<Vec<_>>(), expected);
        prop_assert_eq!(skeleton(&out), skeleton(bytes));
    }

    /// What is dropped is gone, the rest is as it was, and the output is a document.
    #[test]
    fn drops_drop(doc in document(), dice in prop::collection::vec(0..4_u8, 8), lane in 0..2_usize) {
        let bytes = doc.as_bytes();
        prop_assume!(see(bytes).is_ok());
        let listed = list(bytes).unwrap();
        let edits: Vec<_> = (0..listed.len()).filter(|n| dice[n % dice.len()] == 0).map(|n| (u32::try_from(n).unwrap(), None, "")).collect();
        let out = write(&Envelope::default(), Format::Json, bytes, &edits, lane);
        prop_assert!(out.trim_ascii() == b"null" || list(&out).is_ok(), "{}", String::from_utf8_lossy(&out));
        prop_assert!(list(&out).unwrap().len() <= listed.len() - edits.len());
    }

    /// Lines keep every byte, whatever they hold.
    #[test]
    fn lines_keep_every_byte(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..200)) {
        let mut out = Vec::new();
        for Record { body, whole } in Records::new(Format::Text, &bytes).unwrap() {
            let mut fields = Fields::default();
            let walked = Envelope::default().walk(Format::Text, &bytes, body, &mut fields).unwrap();
            let source = Spliced { fields: &fields, buffer: &bytes, walked, replacements: b"" };
            Splicer::default().splice(&source, &[], 0, &mut out);
            out.extend_from_slice(&bytes[body.end as usize..whole.end as usize]);
        }
        prop_assert_eq!(out, bytes);
    }
}

/// The bytes of a document that are in no field; a number and the quotes of a string count as field.
fn skeleton(doc: &[u8]) -> Vec<u8> {
    let mut fields = Fields::default();
    Envelope::default().walk(Format::Json, doc, whole(doc), &mut fields).unwrap();
    let mut out = Vec::new();
    let mut at = 0;
    for field in fields.all() {
        let quote = usize::from(field.kind != FieldKind::Number);
        out.extend_from_slice(&doc[at..field.raw.start as usize - quote]);
        out.push(b'_');
        at = field.raw.end as usize + quote;
    }
    out.extend_from_slice(&doc[at..]);
    out
}
