//! The metadata as it stands in the XML, read into plain values.

use anyhow::{Context, Result, bail};
use roxmltree::{Document, Node, ParsingOptions};

/// One territory.
#[derive(Debug, Default)]
pub struct Territory {
    pub id: String,
    pub country_code: u16,
    pub is_main: bool,
    pub leading_digits: Option<String>,
    pub national_prefix: Option<String>,
    pub prefix_for_parsing: Option<String>,
    pub transform: Option<String>,
    pub international_prefix: Option<String>,
    pub general: String,
    pub types: Vec<(Line, Type)>,
    pub formats: Vec<Format>,
}

/// What the metadata says of one type of line.
#[derive(Debug, Default)]
pub struct Type {
    pub pattern: String,
    pub lengths: u32,
    pub local_lengths: u32,
}

/// How numbers of some leading digits are grouped.
#[derive(Clone, Debug)]
pub struct Format {
    pub leading_digits: Option<String>,
    /// Fewest and most digits of each group.
    pub groups: Vec<(u8, u8)>,
    /// Whether the number is written with its national prefix, and always so.
    pub prefixed: bool,
}

/// Types of line, in the order in which libphonenumber asks for them; numbers are those of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Line {
    Fixed = 1,
    Mobile = 2,
    FixedOrMobile = 3,
    TollFree = 4,
    Premium = 5,
    SharedCost = 6,
    Voip = 7,
    Personal = 8,
    Pager = 9,
    Uan = 10,
    Voicemail = 11,
}

const TYPES: &[(&str, Line)] = &[
    ("premiumRate", Line::Premium),
    ("tollFree", Line::TollFree),
    ("sharedCost", Line::SharedCost),
    ("voip", Line::Voip),
    ("personalNumber", Line::Personal),
    ("pager", Line::Pager),
    ("uan", Line::Uan),
    ("voicemail", Line::Voicemail),
    ("fixedLine", Line::Fixed),
    ("mobile", Line::Mobile),
];

pub fn read(xml: &str) -> Result<Vec<Territory>> {
    let document = Document::parse_with_options(xml, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })?;
    let mut territories = Vec::new();
    for node in document.descendants().filter(|node| node.has_tag_name("territory")) {
        let id = node.attribute("id").context("territory without id")?;
        territories.push(territory(&node, id).with_context(|| format!("territory {id}"))?);
    }
    Ok(territories)
}

/// Reads the alternative formats: country code and format.
pub fn read_alternates(xml: &str) -> Result<Vec<(u16, Format)>> {
    let document = Document::parse_with_options(xml, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })?;
    let mut formats = Vec::new();
    for node in document.descendants().filter(|node| node.has_tag_name("territory")) {
        let code: u16 = node.attribute("countryCode").context("countryCode")?.parse()?;
        for format in node.descendants().filter(|node| node.has_tag_name("numberFormat")) {
            formats.extend(read_format(&format, &node)?.map(|format| (code, format)));
        }
    }
    Ok(formats)
}

fn territory(node: &Node, id: &str) -> Result<Territory> {
    let attribute = |name: &str| node.attribute(name).map(squeeze);
    let mut territory = Territory {
        id: id.to_owned(),
        country_code: node.attribute("countryCode").context("countryCode")?.parse()?,
        is_main: node.attribute("mainCountryForCode") == Some("true"),
        leading_digits: attribute("leadingDigits"),
        national_prefix: attribute("nationalPrefix"),
        prefix_for_parsing: attribute("nationalPrefixForParsing"),
        transform: attribute("nationalPrefixTransformRule"),
        international_prefix: attribute("internationalPrefix"),
        ..Territory::default()
    };
    if territory.prefix_for_parsing.is_none() {
        territory.prefix_for_parsing.clone_from(&territory.national_prefix);
    }
    let child = |name: &str| node.children().find(|child| child.has_tag_name(name));
    territory.general = pattern(&child("generalDesc").context("generalDesc")?)?;
    for &(name, line) in TYPES {
        if let Some(desc) = child(name) {
            let lengths = desc.children().find(|child| child.has_tag_name("possibleLengths")).context("lengths")?;
            territory.types.push((
                line,
                Type {
                    pattern: pattern(&desc)?,
                    lengths: length_set(lengths.attribute("national").context("national")?)?,
                    local_lengths: lengths.attribute("localOnly").map_or(Ok(0), length_set)?,
                },
            ));
        }
    }
    for format in node.descendants().filter(|node| node.has_tag_name("numberFormat")) {
        territory.formats.extend(read_format(&format, node)?);
    }
    Ok(territory)
}

/// Reads a format; one whose groups change their order says nothing of grouping and gives none.
fn read_format(node: &Node, territory: &Node) -> Result<Option<Format>> {
    // The format's own attribute goes before the territory's.
    let attribute = |name: &str| node.attribute(name).or_else(|| territory.attribute(name));
    let prefixed = attribute("nationalPrefixFormattingRule").is_some_and(|rule| rule.contains("$NP"))
        && attribute("nationalPrefixOptionalWhenFormatting") != Some("true");
    let text = |name: &str| {
        node.children().filter(|child| child.has_tag_name(name)).filter_map(|child| child.text()).map(squeeze).last()
    };
    let template = text("intlFormat").filter(|format| format != "NA").or_else(|| text("format")).context("format")?;
    let order: Vec<u32> =
        template.split('$').skip(1).filter_map(|part| part.chars().next()?.to_digit(10)).collect();
    let groups = groups(&squeeze(node.attribute("pattern").context("pattern")?))?;
    let in_order = order.iter().enumerate().all(|(i, &group)| group as usize == i + 1) && order.len() == groups.len();
    Ok(in_order.then_some(Format { leading_digits: text("leadingDigits"), groups, prefixed }))
}

/// Reads `(\d{2})(\d{3,4})` and the like.
fn groups(pattern: &str) -> Result<Vec<(u8, u8)>> {
    let mut groups = Vec::new();
    for part in pattern.split('(').skip(1) {
        let part = part.strip_suffix(')').context("group")?;
        let (_, count) = match part.strip_prefix("\\d") {
            Some(count) => ("", count),
            // A literal digit or a class stands for one digit; sequences such as `9\d` or `[2-9]\d{3}` add up.
            None => {
                let size = literal_size(part)?;
                groups.push(size);
                continue;
            }
        };
        groups.push(repeat(count)?);
    }
    Ok(groups)
}

fn repeat(count: &str) -> Result<(u8, u8)> {
    if count.is_empty() {
        return Ok((1, 1));
    }
    let inner = count.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
    let Some(inner) = inner else {
        return literal_size(&format!("\\d{count}"));
    };
    Ok(match inner.split_once(',') {
        Some((min, max)) => (min.parse()?, max.parse()?),
        None => (inner.parse()?, inner.parse()?),
    })
}

fn literal_size(part: &str) -> Result<(u8, u8)> {
    let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(part)?;
    let properties = hir.properties();
    match (properties.minimum_len(), properties.maximum_len()) {
        (Some(min), Some(max)) => Ok((u8::try_from(min)?, u8::try_from(max)?)),
        _ => bail!("group {part}"),
    }
}

fn pattern(node: &Node) -> Result<String> {
    node.children()
        .find(|child| child.has_tag_name("nationalNumberPattern"))
        .and_then(|child| child.text())
        .map(squeeze)
        .context("nationalNumberPattern")
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// Reads `6,[8-10]` into a set of bits.
fn length_set(text: &str) -> Result<u32> {
    let mut set = 0;
    for part in text.split(',') {
        let part = part.trim_matches(['[', ']']);
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        for length in from.parse::<u32>()?..=to.parse::<u32>()? {
            set |= 1 << length;
        }
    }
    Ok(set)
}
