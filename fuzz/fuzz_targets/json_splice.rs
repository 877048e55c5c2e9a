//! Arbitrary bytes as a document: the walk never panics, takes what a parser takes, and what it writes with edits is a
//! document again, or with none the same bytes.
//!
//! The first byte chooses the edits, the rest is the document.
#![no_main]

use efface::envelope::{Change, Edit, Envelope, Fields, Format, Spliced, Splicer};
use efface::span::{DocSpan, Span};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, doc)) = input.split_first() else { return };
    let Ok(len) = u32::try_from(doc.len()) else { return };
    let mut fields = Fields::default();
    let walked = match Envelope::default().walk(Format::Json, doc, DocSpan::new(0, len), &mut fields) {
        Ok(walked) => walked,
        Err(fault) => {
            let parsed: Result<serde_json::Value, _> = serde_json::from_slice(doc);
            assert!(parsed.is_err() || fault.reason() != "broken_json" && fault.reason() != "not_utf8", "{fault}");
            return;
        }
    };
    let edits: Vec<Edit> = walked
        .fields()
        .filter(|field| choice != 0 && field % (u32::from(choice) % 5 + 1) == 0)
        .map(|field| match (u32::from(choice) + field) % 4 {
            0 => Edit { field, change: Change::Drop },
            n => Edit { field, change: Change::Replace { span: Span::new(n - 1, n * 3), with: Span::new(0, n) } },
        })
        .collect();
    let source = Spliced { fields: &fields, buffer: doc, walked, replacements: b"[\"]" };
    let mut out = Vec::new();
    Splicer::default().splice(&source, &edits, 0, &mut out);
    if edits.is_empty() {
        assert_eq!(out, doc);
    }
    let walked = Envelope::default().walk(Format::Json, &out, DocSpan::new(0, out.len() as u32), &mut Fields::default());
    assert!(walked.is_ok());
});
