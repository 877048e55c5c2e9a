//! Decides which result goes where, before anything is written.

use super::compress::Compression;
use super::output::Slot;
use super::{BatchError, Input, Inputs, Place};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Where the results of one lane go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// All to standard output, one after the other.
    Stdout,
    /// The one input's result to this file, compressed as its name says.
    File(PathBuf),
    /// Every input's result to its place below this folder, compressed as the input is.
    Folder(PathBuf),
    /// Every input's result takes the place of the input.
    InPlace,
    /// Nothing is written.
    Nowhere,
}

impl Target {
    /// Decides where results go from what was asked for, and refuses what would overwrite an input.
    ///
    /// | inputs | `output` | |
    /// |---|---|---|
    /// | one | none, or `-` | standard output |
    /// | one file | a name | this file |
    /// | one file | a folder that is there, or a name that ends in `/` | a file of the same name in it |
    /// | a folder, or several | none | refused |
    /// | a folder, or several | a folder, or a name that is not there | a tree of the same shape below it |
    /// | a folder, or several | a name that is not there and looks like a file's (`out.jsonl`, without `/`) | refused |
    ///
    /// # Errors
    /// Several inputs without an output folder, two inputs with one place, an output that is an input.
    pub fn plan(inputs: &Inputs, output: Option<&Path>) -> Result<Self, BatchError> {
        let many = inputs.inputs.len() > 1 || !inputs.folders.is_empty();
        let Some(output) = output else {
            return if many {
                let names = match inputs.inputs.len() {
                    1 => "from a folder, and no place for its output".to_owned(),
                    n => format!("{n} inputs and no place for their output"),
                };
                let first = inputs.inputs.first().map_or("-", |input| &input.name);
                Err(BatchError::new(Path::new(first), &names, "name a folder: -o DIR"))
            } else {
                Ok(Self::Stdout)
            };
        };
        if output.as_os_str() == "-" {
            return Ok(Self::Stdout);
        }
        let ends_in_slash = output.as_os_str().as_encoded_bytes().last().is_some_and(|b| matches!(b, b'/' | b'\\'));
        let target = if many || output.is_dir() || ends_in_slash {
            let fault = |what, hint| Err(BatchError::new(output, what, hint));
            if output.exists() && !output.is_dir() {
                return fault("is a file, and there are several inputs", "name a folder: -o DIR");
            }
            if !output.exists() && !ends_in_slash && looks_like_a_file(output) {
                return fault(
                    "is the name of a file, and there are several inputs",
                    "for a folder of this name end it in a slash: -o DIR/",
                );
            }
            Self::Folder(output.to_owned())
        } else {
            Self::File(output.to_owned())
        };
        target.refuse_in_place(inputs, output)?;
        Ok(target)
    }

    /// Decides that every file takes the place of its input.
    ///
    /// # Errors
    /// One of the inputs is standard input, or no regular file.
    pub fn in_place(inputs: &Inputs) -> Result<Self, BatchError> {
        let is_file = |input: &&Input| match &input.place {
            Place::Stdin => false,
            Place::File(path) => path.is_file(),
        };
        match inputs.inputs.iter().find(|input| !is_file(input)) {
            Some(input) => Err(BatchError::new(
                Path::new(&input.name),
                "is no file that could be replaced",
                "without --in-place, its output can go to -o FILE",
            )),
            None => Ok(Self::InPlace),
        }
    }

    fn refuse_in_place(&self, inputs: &Inputs, output: &Path) -> Result<(), BatchError> {
        let real = |path: &Path| path.canonicalize().ok();
        // The part of the output that is there already; what is not there cannot be an input.
        let there = output.ancestors().find(|path| path.exists()).and_then(real).or_else(|| real(Path::new(".")));
        for folder in &inputs.folders {
            if let (Some(there), Some(folder)) = (&there, real(folder))
                && there.starts_with(&folder)
            {
                return Err(BatchError::new(
                    output,
                    "the output folder lies in an input folder",
                    "name a folder outside: the next run would read its own output",
                ));
            }
        }
        let files = inputs.inputs.iter().filter_map(|input| match &input.place {
            Place::File(path) => real(path),
            Place::Stdin => None,
        });
        let sources: HashSet<PathBuf> = files.collect();
        let mut taken = HashSet::new();
        for input in &inputs.inputs {
            let Slot::File(place) = self.slot(input) else { continue };
            if real(&place).is_some_and(|place| sources.contains(&place)) {
                return Err(BatchError::new(
                    &place,
                    "the output is an input",
                    "inputs are never changed; name another place with -o, or ask for it with --in-place",
                ));
            }
            if !taken.insert(place.clone()) {
                return Err(BatchError::new(
                    &place,
                    "two inputs have the same output",
                    "give their folders instead, or run twice",
                ));
            }
        }
        Ok(())
    }

    /// Refuses lanes that would write over each other.
    ///
    /// # Errors
    /// Two lanes have one place, or both go to standard output.
    pub fn refuse_shared(targets: &[Self], inputs: &[Input]) -> Result<(), BatchError> {
        let mut taken: HashSet<Slot> = HashSet::new();
        for target in targets {
            let own: HashSet<Slot> = inputs.iter().map(|input| target.slot(input)).collect();
            if let Some(slot) = own.iter().find(|&slot| *slot != Slot::Nowhere && taken.contains(slot)) {
                let place = if let Slot::File(path) = slot { path } else { Path::new("-") };
                return Err(BatchError::new(place, "two lanes have the same output", "give each lane its own place"));
            }
            taken.extend(own);
        }
        Ok(())
    }

    /// Returns the place of an input's result.
    #[must_use]
    pub fn slot(&self, input: &Input) -> Slot {
        match (self, &input.place) {
            (Self::Stdout, _) => Slot::Stdout,
            (Self::File(path), _) => Slot::File(path.clone()),
            (Self::Folder(folder), _) => Slot::File(folder.join(&input.below)),
            // A link stays one: what it points to is replaced.
            (Self::InPlace, Place::File(path)) => Slot::File(path.canonicalize().unwrap_or_else(|_| path.clone())),
            (Self::InPlace, Place::Stdin) | (Self::Nowhere, _) => Slot::Nowhere,
        }
    }

    /// Returns how the result of an input that is compressed like `input` is compressed.
    pub(super) fn compression(&self, input: Compression) -> Compression {
        match self {
            Self::File(path) => Compression::of_name(path),
            Self::Folder(_) | Self::InPlace => input,
            Self::Stdout | Self::Nowhere => Compression::None,
        }
    }
}

/// Whether a name has an ending of files that are read here.
fn looks_like_a_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_ascii_lowercase();
    let ending = |name: &str| name.rsplit_once('.').map(|(_, ending)| ending.to_owned()).unwrap_or_default();
    let known = ["txt", "text", "md", "log", "json", "jsonl", "ndjson", "csv", "tsv"];
    Compression::of_name(path) != Compression::None || known.contains(&ending(&name).as_str())
}
