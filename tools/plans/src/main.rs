//! Compiles libphonenumber's `PhoneNumberMetadata.xml` into `src/plan/table.bin`.
//!
//! ```text
//! cargo run --manifest-path tools/plans/Cargo.toml                      # the XML that ships in the `phonenumber` crate
//! cargo run --manifest-path tools/plans/Cargo.toml -- FILE.xml VERSION OUT.bin
//! ```
//!
//! The XML is Apache-2.0, Copyright The Libphonenumber Authors. Same XML and version, same table, byte for byte.
//! The layout of the table is described where it is read, in `src/plan/table.rs`.

mod plan;
mod program;

use anyhow::{Context, Result, bail, ensure};
use plan::{Format, Line, Territory};
use program::{Automaton, Program, Step};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Longest national number, as in libphonenumber.
const MAX_NATIONAL: usize = 17;
const MAX_GROUPS: usize = 6;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let (xml, version, out) = match arguments.as_slice() {
        [] => {
            let (xml, version) = shipped(&root)?;
            (xml, version, root.join("src/plan/table.bin"))
        }
        [xml, version, out] => (PathBuf::from(xml), version.clone(), PathBuf::from(out)),
        _ => bail!("usage: plans [FILE.xml VERSION OUT.bin]"),
    };
    let territories = plan::read(&std::fs::read_to_string(&xml).with_context(|| xml.display().to_string())?)?;
    let beside = xml.with_file_name("PhoneNumberAlternateFormats.xml");
    let alternates = if beside.exists() { plan::read_alternates(&std::fs::read_to_string(beside)?)? } else { Vec::new() };
    let table = compile(territories, alternates, &version)?;
    std::fs::write(&out, &table)?;
    println!("{}: {} bytes, metadata {version}", out.file_name().unwrap_or_default().display(), table.len());
    Ok(())
}

/// Finds the XML in the source of the `phonenumber` crate, and the version that the crate's own version names.
fn shipped(root: &Path) -> Result<(PathBuf, String)> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--manifest-path"])
        .arg(root.join("Cargo.toml"))
        .output()?;
    ensure!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let package = metadata["packages"]
        .as_array()
        .context("packages")?
        .iter()
        .find(|package| package["name"] == "phonenumber")
        .context("the crate phonenumber is not a dependency")?;
    let version = package["version"].as_str().and_then(|version| version.split_once('+')).context("version")?.1;
    let manifest = Path::new(package["manifest_path"].as_str().context("manifest")?);
    Ok((manifest.with_file_name("assets").join("PhoneNumberMetadata.xml"), version.to_owned()))
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Node {
    children: [u16; 10],
    label: u16,
}

/// All nodes, each once.
struct Pool {
    nodes: Vec<Node>,
    ids: HashMap<Node, u16>,
}

impl Pool {
    fn intern(&mut self, node: Node) -> Result<u16> {
        if let Some(&id) = self.ids.get(&node) {
            return Ok(id);
        }
        let id = u16::try_from(self.nodes.len()).context("more than 65,535 nodes")?;
        self.nodes.push(node.clone());
        self.ids.insert(node, id);
        Ok(id)
    }
}

/// Many automata walked at once; the label says what their states mean together.
struct Product<'l> {
    automata: Vec<Automaton>,
    label: &'l dyn Fn(&[bool], usize) -> u16,
    memo: HashMap<(Vec<u16>, usize), u16>,
}

impl Product<'_> {
    fn root(mut self, pool: &mut Pool) -> Result<u16> {
        let start = vec![Automaton::START; self.automata.len()];
        self.node(start, 0, pool)
    }

    fn node(&mut self, states: Vec<u16>, length: usize, pool: &mut Pool) -> Result<u16> {
        if states.iter().all(|&state| state == Automaton::DEAD) {
            return Ok(0);
        }
        let key = (states, length);
        if let Some(&id) = self.memo.get(&key) {
            return Ok(id);
        }
        let accepting: Vec<bool> =
            key.0.iter().zip(&self.automata).map(|(&state, automaton)| automaton.accepts(state)).collect();
        let mut node = Node { label: (self.label)(&accepting, length), ..Node::default() };
        if length < MAX_NATIONAL {
            for digit in 0..10u8 {
                let next =
                    key.0.iter().zip(&mut self.automata).map(|(&state, automaton)| automaton.step(state, digit)).collect();
                node.children[usize::from(digit)] = self.node(next, length + 1, pool)?;
            }
        }
        let id = pool.intern(node)?;
        self.memo.insert(key, id);
        Ok(id)
    }
}

/// Programs behind one another, each once.
#[derive(Default)]
struct Code {
    bytes: Vec<u8>,
    ids: HashMap<Program, u16>,
}

const OP_MATCH: u8 = 0;
const OP_DIGIT: u8 = 1;
const OP_FIRST_NEXT: u8 = 2;
const OP_FIRST_AWAY: u8 = 3;
const OP_JUMP: u8 = 4;
const OP_SAVE: u8 = 5;
const OP_END: u8 = 6;

impl Code {
    /// Returns the number of the first step plus one; 0 stands for no program.
    fn add(&mut self, pattern: Option<&str>) -> Result<(u16, u8)> {
        let Some(pattern) = pattern else { return Ok((0, 0)) };
        let program = Program::compile(pattern, false)?;
        let groups = program.groups;
        if let Some(&id) = self.ids.get(&program) {
            return Ok((id, groups));
        }
        let base = u16::try_from(self.bytes.len() / 3)?;
        for (at, step) in (0u16..).zip(&program.steps) {
            let (op, operand) = match *step {
                Step::Match => (OP_MATCH, 0),
                Step::Digit(set) => (OP_DIGIT, set),
                Step::Split(a, b) if a == at + 1 => (OP_FIRST_NEXT, base + b),
                Step::Split(a, b) if b == at + 1 => (OP_FIRST_AWAY, base + a),
                Step::Split(..) => bail!("a split with two far ends"),
                Step::Jump(to) => (OP_JUMP, base + to),
                Step::Save(slot) => (OP_SAVE, u16::from(slot)),
                Step::End => (OP_END, 0),
            };
            self.bytes.push(op);
            self.bytes.extend(operand.to_le_bytes());
        }
        self.ids.insert(program, base + 1);
        Ok((base + 1, groups))
    }
}

fn compile(territories: Vec<Territory>, alternates: Vec<(u16, Format)>, version: &str) -> Result<Vec<u8>> {
    let mut plans: BTreeMap<u16, Vec<Territory>> = BTreeMap::new();
    for territory in territories {
        let plan = plans.entry(territory.country_code).or_default();
        if territory.is_main { plan.insert(0, territory) } else { plan.push(territory) }
    }
    let mut pool = Pool { nodes: Vec::new(), ids: HashMap::new() };
    pool.intern(Node::default())?;
    let mut code = Code::default();
    let mut codes = vec![0u8; 1000];
    let mut regions = vec![0u16; 26 * 26];
    let (mut plan_bytes, mut territory_bytes, mut format_bytes) = (Vec::new(), Vec::new(), Vec::new());
    let (mut n_territories, mut n_formats) = (0u16, 0u16);
    for (number, (&country_code, plan)) in (0u8..).zip(&plans) {
        codes[usize::from(country_code)] = number + 1;
        let root = number_root(plan, n_territories, &mut pool)?;
        let mut formats = Vec::new();
        for format in plan[0].formats.iter().chain(alternates.iter().filter(|a| a.0 == country_code).map(|a| &a.1)) {
            ensure!(format.groups.len() <= MAX_GROUPS, "{country_code}: too many groups");
            formats.push(format);
        }
        push_u16(&mut plan_bytes, &[country_code, root, n_territories, u16::try_from(plan.len())?, n_formats]);
        push_u16(&mut plan_bytes, &[u16::try_from(formats.len())?]);
        for format in &formats {
            let (program, _) = code.add(format.leading_digits.as_deref())?;
            push_u16(&mut format_bytes, &[program]);
            for i in 0..MAX_GROUPS {
                let (min, max) = format.groups.get(i).copied().unwrap_or((0, 0));
                ensure!(min < 16 && max < 16, "{country_code}: a group of {max}");
                format_bytes.push(min << 4 | max);
            }
            push_u16(&mut format_bytes, &[u16::from(format.prefixed)]);
            n_formats += 1;
        }
        for territory in plan {
            if let [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] = territory.id.as_bytes() {
                regions[usize::from(a - b'A') * 26 + usize::from(b - b'A')] = n_territories + 1;
            }
            territory_record(territory, number, &mut pool, &mut code, &mut territory_bytes)?;
            n_territories += 1;
        }
    }
    let mut table = b"EFPLANS1".to_vec();
    ensure!(version.len() <= 16, "version too long");
    table.extend(version.bytes().chain(std::iter::repeat(0)).take(16));
    let counts = [
        pool.nodes.len(),
        plans.len(),
        usize::from(n_territories),
        usize::from(n_formats),
        code.bytes.len() / 3,
    ];
    for count in counts {
        table.extend(u32::try_from(count)?.to_le_bytes());
    }
    println!("nodes {}, plans {}, territories {}, formats {}, steps {}", counts[0], counts[1], counts[2], counts[3], counts[4]);
    for (node, tail) in pool.nodes.iter().zip(tails(&pool.nodes)?) {
        push_u16(&mut table, &node.children);
        push_u16(&mut table, &[node.label, tail]);
    }
    table.extend(&codes);
    push_u16(&mut table, &regions);
    table.extend(&plan_bytes);
    table.extend(&territory_bytes);
    table.extend(&format_bytes);
    table.extend(&code.bytes);
    Ok(table)
}

/// Says of each node whether just any digits follow, how many, and what they end in: `digits << 12 | label`.
fn tails(nodes: &[Node]) -> Result<Vec<u16>> {
    let mut tails = vec![0u16; nodes.len()];
    // Children stand before their parents.
    for (at, node) in nodes.iter().enumerate().skip(1) {
        let [first, rest @ ..] = node.children;
        ensure!(node.label < 1 << 12, "a label of more than 12 bits");
        if rest.iter().any(|&child| child != first) {
            continue;
        }
        let below = &nodes[usize::from(first)];
        let ends = first != 0 && below.label != 0 && below.children == [0; 10];
        tails[at] = match tails[usize::from(first)] {
            _ if node.label != 0 || first == 0 => 0,
            _ if ends => 1 << 12 | below.label,
            0 => 0,
            tail if tail >> 12 < 15 => tail + (1 << 12),
            _ => 0,
        };
    }
    Ok(tails)
}

fn push_u16(bytes: &mut Vec<u8>, values: &[u16]) {
    values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
}

/// What an automaton of the product speaks of.
enum Part {
    Leading,
    General,
    Type(Line, u32),
}

/// Merges all patterns of a country calling code; the label of a number is its territory and type of line.
fn number_root(plan: &[Territory], first: u16, pool: &mut Pool) -> Result<u16> {
    let mut automata = Vec::new();
    let mut parts: Vec<Vec<(Part, usize)>> = Vec::new();
    for territory in plan {
        let mut own = Vec::new();
        let mut add = |part: Part, pattern: &str, open: bool| -> Result<()> {
            own.push((part, automata.len()));
            automata.push(Automaton::new(Program::compile(pattern, open)?));
            Ok(())
        };
        if plan.len() > 1 && let Some(leading) = &territory.leading_digits {
            add(Part::Leading, leading, true)?;
        }
        add(Part::General, &territory.general, false)?;
        for (line, desc) in &territory.types {
            add(Part::Type(*line, desc.lengths), &desc.pattern, false)?;
        }
        parts.push(own);
    }
    let label = |accepting: &[bool], length: usize| -> u16 {
        for ((territory, own), index) in plan.iter().zip(&parts).zip(first + 1..) {
            let line = line_of(territory, own, accepting, length);
            let leading = own.iter().find(|(part, _)| matches!(part, Part::Leading));
            if leading.map_or(line != 0, |&(_, at)| accepting[at]) {
                return index << 4 | line;
            }
        }
        0
    };
    Product { automata, label: &label, memo: HashMap::new() }.root(pool)
}

/// The order of questions is libphonenumber's `getNumberTypeHelper`.
fn line_of(territory: &Territory, parts: &[(Part, usize)], accepting: &[bool], length: usize) -> u16 {
    let general = parts.iter().any(|(part, at)| matches!(part, Part::General) && accepting[*at]);
    let lengths = territory.types.iter().fold(0, |set, (_, desc)| set | desc.lengths);
    if !general || lengths & 1 << length == 0 {
        return 0;
    }
    let (mut fixed, mut mobile) = (false, false);
    for (part, at) in parts {
        if let Part::Type(line, lengths) = part
            && accepting[*at]
            && lengths & 1 << length != 0
        {
            match line {
                Line::Fixed => fixed = true,
                Line::Mobile => mobile = true,
                other => return *other as u16,
            }
        }
    }
    let pattern = |wanted: Line| territory.types.iter().find(|(line, _)| *line == wanted).map(|(_, desc)| &desc.pattern);
    let same = pattern(Line::Fixed) == pattern(Line::Mobile);
    let line = match (fixed, mobile) {
        (true, mobile) if mobile || same => Line::FixedOrMobile,
        (true, _) => Line::Fixed,
        (false, true) if !same => Line::Mobile,
        _ => return 0,
    };
    line as u16
}

fn territory_record(
    territory: &Territory,
    plan: u8,
    pool: &mut Pool,
    code: &mut Code,
    bytes: &mut Vec<u8>,
) -> Result<()> {
    let general = Product {
        automata: vec![Automaton::new(Program::compile(&territory.general, false)?)],
        label: &|accepting, _| u16::from(accepting[0]),
        memo: HashMap::new(),
    }
    .root(pool)?;
    let lengths = territory.types.iter().fold(0u32, |set, (_, desc)| set | desc.lengths);
    let local = territory.types.iter().fold(0u32, |set, (_, desc)| set | desc.local_lengths) & !lengths;
    let (prefix, groups) = code.add(territory.prefix_for_parsing.as_deref())?;
    let (idd, _) = code.add(territory.international_prefix.as_deref())?;
    let (literal, group) = match &territory.transform {
        None => ("", 0),
        Some(rule) => {
            let (literal, group) = rule.split_once('$').context("transform without group")?;
            ensure!(group.parse::<u8>()? == groups, "transform of another group than the last");
            (literal, groups)
        }
    };
    let digits = |text: &str| -> Result<[u8; 4]> {
        ensure!(text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()), "not up to 4 digits: {text}");
        let mut field = [0; 4];
        field.iter_mut().zip(text.bytes()).for_each(|(to, from)| *to = from);
        Ok(field)
    };
    let start = bytes.len();
    let id: [u8; 2] = match territory.id.as_bytes() {
        [a @ b'A'..=b'Z', b @ b'A'..=b'Z'] => [*a, *b],
        _ => [0, 0],
    };
    bytes.extend(id);
    bytes.extend([plan, group]);
    bytes.extend(lengths.to_le_bytes());
    bytes.extend(local.to_le_bytes());
    push_u16(bytes, &[general, prefix, idd]);
    bytes.extend(digits(literal)?);
    bytes.extend(digits(territory.national_prefix.as_deref().unwrap_or(""))?);
    // Most plans strip just their national prefix: no program needs to run for that.
    let plain = territory.transform.is_none() && territory.prefix_for_parsing == territory.national_prefix;
    bytes.extend([u8::from(plain), 0]);
    ensure!(bytes.len() - start == 28, "a territory record is 28 bytes");
    Ok(())
}
