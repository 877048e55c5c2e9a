//! What a record looks like, but for its values: its keys, and how its arrays and objects stand in each other.
//!
//! Records of one stream look alike, so that what follows from the look alone need not be asked again for each.

use super::fields::{Field, FieldKind, Fields, NONE, Walked};

/// The look of a record, learned from one.
///
/// # Security
/// Holds the keys of that record, and a key may be somebody's number; its `Debug` tells only counts.
#[derive(Default)]
pub struct Outline {
    fields: Vec<Trait>,
    nodes: Vec<Hold>,
    /// All keys, one behind the other.
    keys: Vec<u8>,
    has_foreign_names: bool,
}

/// A field, but for its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trait {
    kind: FieldKind,
    at: Hold,
    /// The length of the key: of its own text, or of a name that stands outside of the record.
    key_len: u32,
}

/// What holds a field, an array or an object; counted from the record's own first field and node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Hold {
    node: u32,
    name: u32,
    index: u32,
}

/// In the place of a name's number: one that stands outside of the record, above a table.
const FOREIGN: u32 = NONE - 1;

impl std::fmt::Debug for Outline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Outline({} fields, {} arrays and objects)", self.fields.len(), self.nodes.len())
    }
}

impl Outline {
    /// Returns whether a record looks like this. `fields` is what the walk over `buffer` left.
    #[must_use]
    pub fn is_of(&self, buffer: &[u8], fields: &Fields, walked: Walked) -> bool {
        let (own, nodes) = parts(fields, walked);
        if own.len() != self.fields.len() || nodes.len() != self.nodes.len() {
            return false;
        }
        let mut keys = self.keys.as_slice();
        let same_fields = own.iter().zip(&self.fields).all(|(field, known)| {
            // A name that is as far from the record's first field as one of its own is one of its own.
            if known.at.name != FOREIGN && !field.is_key() {
                return hold(walked, field.node, field.name, field.index) == known.at && field.kind == known.kind;
            }
            let (is, key) = look(buffer, fields, walked, field);
            let (Some(known_key), Some(rest)) = (keys.get(..key.len()), keys.get(key.len()..)) else { return false };
            keys = rest;
            is == *known && same(key, known_key)
        });
        let same_node =
            |(node, known): (&super::fields::Node, &Hold)| hold(walked, node.node, node.name, node.index) == *known;
        same_fields && nodes.iter().zip(&self.nodes).all(same_node)
    }

    /// Becomes the look of a record.
    pub fn learn(&mut self, buffer: &[u8], fields: &Fields, walked: Walked) {
        let (own, nodes) = parts(fields, walked);
        self.fields.clear();
        self.keys.clear();
        for field in own {
            let (is, key) = look(buffer, fields, walked, field);
            self.fields.push(is);
            self.keys.extend_from_slice(key);
        }
        self.nodes.clear();
        self.nodes.extend(nodes.iter().map(|node| hold(walked, node.node, node.name, node.index)));
        self.has_foreign_names = self.fields.iter().any(|field| field.at.name == FOREIGN);
    }

    /// Returns whether names of fields stand outside of the record, as those of a table's columns do.
    #[must_use]
    pub const fn has_foreign_names(&self) -> bool {
        self.has_foreign_names
    }

    /// Returns a number that is the same for records that look alike, and mostly another for others.
    #[must_use]
    pub fn number(fields: &Fields, walked: Walked) -> u64 {
        let (own, nodes) = parts(fields, walked);
        let start = own.len() as u64 ^ (nodes.len() as u64) << 32;
        own.iter().filter(|field| field.is_key()).fold(start, |number, key| {
            (number ^ u64::from(key.text.end - key.text.start)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31)
        })
    }
}

fn parts(fields: &Fields, walked: Walked) -> (&[Field], &[super::fields::Node]) {
    (
        fields.fields.get(walked.first as usize..walked.last as usize).unwrap_or_default(),
        fields.nodes.get(walked.first_node as usize..walked.last_node as usize).unwrap_or_default(),
    )
}

#[inline]
fn look<'f>(buffer: &'f [u8], fields: &'f Fields, walked: Walked, field: &Field) -> (Trait, &'f [u8]) {
    let mut at = hold(walked, field.node, field.name, field.index);
    let mut key: &[u8] = &[];
    if field.is_key() {
        key = fields.text(buffer, field);
    } else if field.name != NONE && !(walked.first..walked.last).contains(&field.name) {
        at.name = FOREIGN;
        key = fields.field(field.name).map(|name| fields.text(buffer, name)).unwrap_or_default();
    }
    // A key is not longer than its buffer.
    (Trait { kind: field.kind, at, key_len: u32::try_from(key.len()).unwrap_or(u32::MAX) }, key)
}

#[inline]
const fn hold(walked: Walked, node: u32, name: u32, index: u32) -> Hold {
    let node = if node == NONE { NONE } else { node.wrapping_sub(walked.first_node) };
    let name = if name == NONE { NONE } else { name.wrapping_sub(walked.first) };
    Hold { node, name, index }
}

/// Compares keys of the same length; most are shorter than a call is worth.
#[inline]
fn same(a: &[u8], b: &[u8]) -> bool {
    let eight = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    let last = |bytes: &[u8]| bytes.last_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    match a.len() {
        8..=16 => eight(a) == eight(b) && last(a) == last(b),
        17.. => a == b,
        4..=7 => {
            let four = |bytes: &[u8]| bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            let last = |bytes: &[u8]| bytes.last_chunk().map(|bytes| u32::from_le_bytes(*bytes));
            four(a) == four(b) && last(a) == last(b)
        }
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Envelope, Format, Selectors};
    use super::*;
    use crate::limits::Limits;
    use crate::span::DocSpan;

    /// Whether the second record looks like the first.
    fn alike(first: &str, second: &str) -> bool {
        let envelope = Envelope::new(Limits::default(), Selectors::default());
        let buffer = format!("{first}\n{second}");
        let mut fields = Fields::default();
        let mut walk = |start: usize, end: usize| {
            let record = DocSpan::new(start as u32, end as u32);
            envelope.walk(Format::JsonLines, buffer.as_bytes(), record, &mut fields).unwrap()
        };
        let (one, two) = (walk(0, first.len()), walk(first.len() + 1, buffer.len()));
        let mut outline = Outline::default();
        outline.learn(buffer.as_bytes(), &fields, one);
        assert!(outline.is_of(buffer.as_bytes(), &fields, one), "{first}");
        assert!(!format!("{outline:?}").contains("contact"), "keys are not shown");
        let alike = outline.is_of(buffer.as_bytes(), &fields, two);
        assert!(!alike || Outline::number(&fields, one) == Outline::number(&fields, two), "{second}");
        alike
    }

    #[test]
    fn values_do_not_count_and_keys_do() {
        let first = r#"{"a":"x","contact_name":{"b":["c","d"]},"a_very_long_key_of_a_record":1}"#;
        let like = [
            first,
            r#"{"a":"other","contact_name":{"b":["","longer"]},"a_very_long_key_of_a_record":200}"#,
            r#" { "a" : "x" , "contact_name":{"b":["c","\n"]},"a_very_long_key_of_a_record":1}"#,
            r#"{"\u0061":"x","contact_name":{"b":["c","d"]},"a_very_long_key_of_a_record":1}"#,
        ];
        for other in like {
            assert!(alike(first, other), "{other}");
        }
        let unlike = [
            r#"{"b":"x","contact_name":{"b":["c","d"]},"a_very_long_key_of_a_record":1}"#,
            r#"{"a":1,"contact_name":{"b":["c","d"]},"a_very_long_key_of_a_record":1}"#,
            r#"{"a":"x","contact_namf":{"b":["c","d"]},"a_very_long_key_of_a_record":1}"#,
            r#"{"a":"x","contact_name":{"b":["c","d"]},"a_very_long_key_of_b_record":1}"#,
            r#"{"a":"x","contact_name":{"b":["c"]},"a_very_long_key_of_a_record":1}"#,
            r#"{"a":"x","contact_name":{"b":["c",["d"]]},"a_very_long_key_of_a_record":1}"#,
            r#"{"a":"x","contact_name":{"b":["c","d"],"a_very_long_key_of_a_record":1}}"#,
            r#"{"a":"x","contact_name":{"b":["c","d"]}}"#,
            r#"["a","x"]"#,
            "1",
        ];
        for other in unlike {
            assert!(!alike(first, other), "{other}");
        }
    }
}
