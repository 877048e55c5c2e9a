//! Which files: names, folders, globs and standard input, in an order that is the same everywhere.

use super::BatchError;
use globset::GlobBuilder;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use walkdir::WalkDir;

/// One thing to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where its bytes come from.
    pub place: Place,
    /// How messages and results call it: the path as it was given or found, or `-`.
    pub name: String,
    /// Where its counterpart stands below an output folder.
    pub below: PathBuf,
}

/// Where bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// What the arguments name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inputs {
    /// In the order of the arguments; below a folder in the order of the names.
    pub inputs: Vec<Input>,
    /// Folders that were walked.
    pub folders: Vec<PathBuf>,
    /// Links, sockets and devices below a folder; they are not read.
    pub n_skipped: usize,
}

impl Inputs {
    /// Finds what `args` name: files, folders (all files below), globs, `-` for standard input.
    ///
    /// # Errors
    /// A file or folder that is not there or cannot be read, a glob that is wrong or fits nothing.
    pub fn find(args: &[PathBuf]) -> Result<Self, BatchError> {
        let mut found = Self::default();
        let n_folders = args.iter().filter(|arg| arg.is_dir()).count();
        for arg in args {
            if arg.as_os_str() == "-" {
                found.inputs.push(Input { place: Place::Stdin, name: "-".to_owned(), below: PathBuf::from("stdin") });
            } else if arg.is_dir() {
                // Two folders keep their names, so that equal names below them do not meet.
                let top = match arg.file_name() {
                    Some(name) if n_folders > 1 => PathBuf::from(name),
                    _ => PathBuf::new(),
                };
                found.walk(arg, &top, |_| true)?;
                found.folders.push(arg.clone());
            } else if arg.exists() {
                let below = PathBuf::from(arg.file_name().unwrap_or(arg.as_os_str()));
                found.push(arg.clone(), below);
            } else if is_glob(arg.as_os_str()) {
                found.glob(arg)?;
            } else {
                return Err(BatchError::new(
                    arg,
                    "no such file or folder",
                    "give files, folders, globs, or - for standard input",
                ));
            }
        }
        if found.inputs.is_empty() {
            let first = args.first().map_or(Path::new("-"), PathBuf::as_path);
            return Err(BatchError::new(first, "no file to read", "the folder or glob names no regular file"));
        }
        Ok(found)
    }

    fn push(&mut self, path: PathBuf, below: PathBuf) {
        self.inputs.push(Input { name: path.display().to_string(), place: Place::File(path), below });
    }

    fn walk(&mut self, top: &Path, below: &Path, keep: impl Fn(&Path) -> bool) -> Result<(), BatchError> {
        for entry in WalkDir::new(top).follow_links(false).sort_by_file_name() {
            let entry = entry.map_err(|err| {
                let path = err.path().unwrap_or(top).to_owned();
                BatchError::new(&path, "cannot be read", "give folders that this user may read").because(err.into())
            })?;
            let relative = entry.path().strip_prefix(top).unwrap_or(entry.path());
            if entry.file_type().is_dir() || !keep(relative) {
                continue;
            }
            if entry.file_type().is_file() {
                self.push(entry.path().to_owned(), below.join(relative));
            } else {
                self.n_skipped += 1;
            }
        }
        Ok(())
    }

    /// Splits a glob into the folder before its first special part and the pattern below it.
    fn glob(&mut self, arg: &Path) -> Result<(), BatchError> {
        let parts: Vec<Component<'_>> = arg.components().collect();
        let n_plain = parts.iter().position(|part| is_glob(part.as_os_str())).unwrap_or(parts.len());
        let folder: PathBuf = parts.iter().take(n_plain).collect();
        let pattern: PathBuf = parts.iter().skip(n_plain).collect();
        let top = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        let wrong =
            |what: &str| BatchError::new(arg, what, "* and ? within a name, ** across folders, {a,b} for either");
        let glob = pattern.to_str().and_then(|text| GlobBuilder::new(text).literal_separator(true).build().ok());
        let matcher = glob.ok_or_else(|| wrong("not a glob"))?.compile_matcher();
        if !top.is_dir() {
            return Err(wrong("no such file or folder"));
        }
        let before = self.inputs.len();
        self.walk(top, Path::new(""), |relative| matcher.is_match(relative))?;
        if self.inputs.len() == before {
            return Err(wrong("no file fits this glob"));
        }
        Ok(())
    }
}

fn is_glob(text: &OsStr) -> bool {
    text.as_encoded_bytes().iter().any(|byte| matches!(byte, b'*' | b'?' | b'[' | b'{'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> PathBuf {
        let top = std::env::temp_dir().join(format!("efface-input-{}", std::process::id()));
        for name in ["a.txt", "sub/b.jsonl", "sub/c.log", "sub/deep/d.txt"] {
            let path = top.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, b"x\n").unwrap();
        }
        top
    }

    #[track_caller]
    fn check(args: &[&Path], want: &[&str]) {
        let args: Vec<PathBuf> = args.iter().map(|&arg| arg.to_owned()).collect();
        let found = Inputs::find(&args).unwrap();
        let below: Vec<_> = found.inputs.iter().map(|input| input.below.to_str().unwrap().to_owned()).collect();
        assert_eq!(below, want);
    }

    #[test]
    fn files_folders_globs() {
        let top = tree();
        check(&[&top], &["a.txt", "sub/b.jsonl", "sub/c.log", "sub/deep/d.txt"]);
        check(&[&top.join("sub/c.log"), &top.join("a.txt")], &["c.log", "a.txt"]);
        check(&[&top.join("*.txt")], &["a.txt"]);
        check(&[&top.join("**/*.txt")], &["a.txt", "sub/deep/d.txt"]);
        check(&[&top.join("sub/*.{log,jsonl}")], &["b.jsonl", "c.log"]);
        check(&[&top.join("s?b/*.log")], &["sub/c.log"]);
        check(
            &[&top.join("sub"), &top.join("sub/deep")],
            &["sub/b.jsonl", "sub/c.log", "sub/deep/d.txt", "deep/d.txt"],
        );
        for wrong in ["none", "*.none", "none/*.txt"] {
            assert!(Inputs::find(&[top.join(wrong)]).is_err(), "{wrong}");
        }
        std::fs::remove_dir_all(top).unwrap();
    }
}
