//! Which files: names, folders, globs and standard input, in an order that is the same everywhere.

use super::BatchError;
use super::output::is_ours;
use globset::{GlobBuilder, GlobMatcher};
use std::ffi::OsStr;
use std::io;
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
    /// Links, sockets and devices below a folder; they are not read. A loop of links is therefore none.
    pub n_skipped: usize,
    /// Files and folders that were left out because somebody asked for it.
    pub n_excluded: usize,
    /// Folders below those that were named that cannot be read, and why.
    pub unread: Vec<(String, io::ErrorKind)>,
}

/// What is left out below folders and globs.
struct Excluded {
    /// Of names anywhere.
    names: Vec<GlobMatcher>,
    /// Of paths below the folder.
    paths: Vec<GlobMatcher>,
}

impl Excluded {
    fn build(globs: &[String]) -> Result<Self, BatchError> {
        let mut excluded = Self { names: Vec::new(), paths: Vec::new() };
        for glob in globs {
            let text = glob.trim_end_matches('/').trim_start_matches("./");
            let built = GlobBuilder::new(text).literal_separator(true).build();
            let Ok(built) = built else {
                return Err(BatchError::new(Path::new(glob), "not a glob", GLOB_HINT));
            };
            let list = if text.contains('/') { &mut excluded.paths } else { &mut excluded.names };
            list.push(built.compile_matcher());
        }
        Ok(excluded)
    }

    fn fits(&self, relative: &Path) -> bool {
        let name = relative.file_name().unwrap_or_default();
        self.names.iter().any(|glob| glob.is_match(name)) || self.paths.iter().any(|glob| glob.is_match(relative))
    }
}

const GLOB_HINT: &str = "* and ? within a name, ** across folders, {a,b} for either";

impl Inputs {
    /// Finds what `args` name: files, folders (all files below), globs, `-` for standard input. What is below a folder and
    /// fits one of the globs in `exclude` is left out: by its name, or by its path where the glob has a slash.
    ///
    /// # Errors
    /// A file or folder that is not there, a glob that is wrong or fits nothing.
    pub fn find(args: &[PathBuf], exclude: &[String]) -> Result<Self, BatchError> {
        let mut found = Self::default();
        let exclude = &Excluded::build(exclude)?;
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
                found.walk(arg, &top, exclude, |_| true)?;
                found.folders.push(arg.clone());
            } else if arg.exists() {
                let below = PathBuf::from(arg.file_name().unwrap_or(arg.as_os_str()));
                found.push(arg.clone(), below);
            } else if is_glob(arg.as_os_str()) {
                found.glob(arg, exclude)?;
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

    fn walk(
        &mut self,
        top: &Path,
        below: &Path,
        exclude: &Excluded,
        keep: impl Fn(&Path) -> bool,
    ) -> Result<(), BatchError> {
        let mut entries = WalkDir::new(top).follow_links(false).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(err) if err.depth() == 0 => {
                    let hint = "give folders that this user may read";
                    return Err(BatchError::new(top, "cannot be read", hint).because(err.into()));
                }
                Err(err) => {
                    let name = err.path().unwrap_or(top).display().to_string();
                    let kind = err.io_error().map_or(io::ErrorKind::Other, io::Error::kind);
                    self.unread.push((name, kind));
                    continue;
                }
            };
            let relative = entry.path().strip_prefix(top).unwrap_or(entry.path());
            if entry.depth() > 0 && exclude.fits(relative) {
                self.n_excluded += 1;
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
                continue;
            }
            if entry.file_type().is_dir() || is_ours(relative) || !keep(relative) {
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
    fn glob(&mut self, arg: &Path, exclude: &Excluded) -> Result<(), BatchError> {
        let parts: Vec<Component<'_>> = arg.components().collect();
        let n_plain = parts.iter().position(|part| is_glob(part.as_os_str())).unwrap_or(parts.len());
        let folder: PathBuf = parts.iter().take(n_plain).collect();
        let pattern: PathBuf = parts.iter().skip(n_plain).collect();
        let top = if folder.as_os_str().is_empty() { Path::new(".") } else { &folder };
        let wrong = |what: &str| BatchError::new(arg, what, GLOB_HINT);
        let glob = pattern.to_str().and_then(|text| GlobBuilder::new(text).literal_separator(true).build().ok());
        let matcher = glob.ok_or_else(|| wrong("not a glob"))?.compile_matcher();
        if !top.is_dir() {
            return Err(wrong("no such file or folder"));
        }
        let before = self.inputs.len();
        self.walk(top, Path::new(""), exclude, |relative| matcher.is_match(relative))?;
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
        check_without(args, &[], want);
    }

    #[track_caller]
    fn check_without(args: &[&Path], exclude: &[&str], want: &[&str]) {
        let args: Vec<PathBuf> = args.iter().map(|&arg| arg.to_owned()).collect();
        let exclude: Vec<String> = exclude.iter().map(|&glob| glob.to_owned()).collect();
        let found = Inputs::find(&args, &exclude).unwrap();
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
            assert!(Inputs::find(&[top.join(wrong)], &[]).is_err(), "{wrong}");
        }
        assert!(Inputs::find(std::slice::from_ref(&top), &["[".to_owned()]).is_err());
        check_without(&[&top], &["*.txt"], &["sub/b.jsonl", "sub/c.log"]);
        check_without(&[&top], &["deep", "b.*"], &["a.txt", "sub/c.log"]);
        check_without(&[&top], &["sub/"], &["a.txt"]);
        check_without(&[&top], &["sub/*.log", "./sub/deep"], &["a.txt", "sub/b.jsonl"]);
        check_without(&[&top.join("**/*.txt")], &["a.*"], &["sub/deep/d.txt"]);
        check_without(&[&top.join("a.txt")], &["a.*"], &["a.txt"]);
        // What a run leaves when it is killed is no input of the next.
        std::fs::write(top.join(".a.txt.efface-part"), b"").unwrap();
        std::fs::write(top.join(".efface-journal"), b"").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&top, top.join("loop")).unwrap();
        check(&[&top], &["a.txt", "sub/b.jsonl", "sub/c.log", "sub/deep/d.txt"]);
        std::fs::remove_dir_all(top).unwrap();
    }
}
