//! Where results go: a file that appears only when it is whole, standard output, or nowhere.

use super::BatchError;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The place of one result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
    /// It is counted and not kept.
    Nowhere,
}

/// Files that are written and not whole yet. Whoever ends the process early has them removed first.
#[derive(Debug, Default)]
pub struct Unfinished(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    parts: BTreeSet<PathBuf>,
    closed: bool,
}

/// What becomes of files that are not whole when a run ends early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Leftover {
    /// They are removed.
    #[default]
    Removed,
    /// They stay under their unfinished name, for a run that goes on where this one stopped.
    Kept,
}

/// Whose a finished file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// That of whoever runs this.
    Own,
    /// That of the file that it replaces.
    Kept,
}

impl Unfinished {
    /// Removes every file that is not whole and lets nothing be finished or begun after that. Without returning to the run,
    /// the process may end then.
    pub fn close(&self, leftover: Leftover) {
        let mut open = self.open();
        open.closed = true;
        let parts = std::mem::take(&mut open.parts);
        if leftover == Leftover::Removed {
            for part in parts {
                // Nobody is there to be told; it holds redacted text, no clear text.
                let _ = std::fs::remove_file(part);
            }
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to files unless the run is being ended.
    fn during<T>(&self, act: impl FnOnce(&mut BTreeSet<PathBuf>) -> io::Result<T>) -> io::Result<T> {
        let mut open = self.open();
        if open.closed {
            return Err(io::ErrorKind::Interrupted.into());
        }
        act(&mut open.parts)
    }
}

/// A place to write to.
///
/// A regular file is written under another name beside it and takes its name at [`Output::finish`]; without that nothing
/// is left behind, but for what [`Leftover::Kept`] asks for.
pub(super) struct Output<'u> {
    sink: Sink,
    n_bytes: u64,
    part: Option<Part<'u>>,
}

enum Sink {
    Stdout(io::Stdout),
    File(File),
    Nowhere,
}

struct Part<'u> {
    from: PathBuf,
    to: PathBuf,
    unfinished: &'u Unfinished,
    leftover: Leftover,
}

impl<'u> Output<'u> {
    /// Begins to write, or goes on behind the first `at` bytes of what was begun earlier; makes the folders above a file.
    pub(super) fn open(
        slot: &Slot,
        at: u64,
        unfinished: &'u Unfinished,
        leftover: Leftover,
    ) -> Result<Self, BatchError> {
        let path = match slot {
            Slot::Stdout => return Ok(Self { sink: Sink::Stdout(io::stdout()), n_bytes: 0, part: None }),
            Slot::Nowhere => return Ok(Self { sink: Sink::Nowhere, n_bytes: 0, part: None }),
            Slot::File(path) => path,
        };
        let fault = |err: io::Error| {
            BatchError::new(path, "cannot be written", "give a place with -o that this user may write to").because(err)
        };
        // A device or a pipe is not replaced by a file.
        if path.metadata().is_ok_and(|metadata| !metadata.is_file()) {
            let file = File::options().write(true).open(path).map_err(fault)?;
            return Ok(Self { sink: Sink::File(file), n_bytes: 0, part: None });
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fault)?;
        }
        let from = part_name(path);
        let begun = unfinished.during(|parts| {
            parts.insert(from.clone());
            if at == 0 {
                return File::create(&from);
            }
            let mut file = File::options().write(true).open(&from)?;
            file.set_len(at)?;
            file.seek(SeekFrom::End(0))?;
            Ok(file)
        });
        let part = Part { from, to: path.clone(), unfinished, leftover };
        // Made first, so that it is taken from the list when the file cannot be opened.
        let mut output = Self { sink: Sink::Nowhere, n_bytes: at, part: Some(part) };
        output.sink = Sink::File(begun.map_err(fault)?);
        Ok(output)
    }

    /// Writes all of `bytes`.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.n_bytes += bytes.len() as u64;
        match &mut self.sink {
            Sink::Stdout(stdout) => stdout.write_all(bytes),
            Sink::File(file) => file.write_all(bytes),
            Sink::Nowhere => Ok(()),
        }
    }

    /// Returns how many bytes were written, those of an earlier run included.
    pub(super) const fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Gives the file its name, and lets those read it who may read the input; one that takes the place of its input keeps the
    /// owner too.
    pub(super) fn finish(mut self, like: Option<&Metadata>, owner: Owner) -> io::Result<()> {
        #[cfg(unix)]
        if let (Some(like), Some(part), Owner::Kept) = (like, &self.part, owner) {
            use std::os::unix::fs::MetadataExt;
            // Only the superuser can, and for others it is their own already.
            drop(std::os::unix::fs::chown(&part.from, Some(like.uid()), Some(like.gid())));
        }
        match (&mut self.sink, like.map(Metadata::permissions)) {
            (Sink::Stdout(stdout), _) => stdout.flush()?,
            // Not every file system knows permissions, and a file of ours is never more open than a new one.
            (Sink::File(file), Some(permissions)) if self.part.is_some() => drop(file.set_permissions(permissions)),
            _ => {}
        }
        self.sink = Sink::Nowhere;
        if let Some(part) = &self.part {
            part.unfinished.during(|parts| {
                std::fs::rename(&part.from, &part.to)?;
                parts.remove(&part.from);
                Ok(())
            })?;
        }
        self.part = None;
        Ok(())
    }

    /// Leaves nothing behind, whatever was asked for.
    pub(super) fn discard(mut self) {
        if let Some(part) = &mut self.part {
            part.leftover = Leftover::Removed;
        }
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let removed = self.unfinished.during(|parts| {
            if parts.remove(&self.from) && self.leftover == Leftover::Removed {
                std::fs::remove_file(&self.from)?;
            }
            Ok(())
        });
        // A leftover can only be told about by whoever dropped us; it holds redacted text, no clear text.
        drop(removed);
    }
}

/// Returns the name of a file while it is not whole.
pub(super) fn part_name(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(PART);
    path.with_file_name(name)
}

/// Returns whether a file is one of ours that is no result: one that is not whole, or a journal.
pub(super) fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.starts_with(b".") && (name.ends_with(PART.as_bytes()) || name.ends_with(JOURNAL.as_bytes()))
}

const PART: &str = ".efface-part";
/// How the name of a journal ends.
pub(super) const JOURNAL: &str = ".efface-journal";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let top = std::env::temp_dir().join(format!("efface-output-{}", std::process::id()));
        let path = top.join("deep/a.txt");
        let folder = path.parent().unwrap();
        let unfinished = Unfinished::default();
        let slot = Slot::File(path.clone());
        let n_files = || std::fs::read_dir(folder).unwrap().count();
        let open = |at, leftover| Output::open(&slot, at, &unfinished, leftover).unwrap();

        let mut output = open(0, Leftover::Removed);
        output.write(b"half").unwrap();
        drop(output);
        assert_eq!(n_files(), 0);

        let mut output = open(0, Leftover::Removed);
        output.write(b"whole").unwrap();
        assert!(!path.exists());
        output.finish(None, Owner::Own).unwrap();
        assert_eq!((std::fs::read(&path).unwrap().as_slice(), n_files()), (&b"whole"[..], 1));

        let mut output = open(0, Leftover::Kept);
        output.write(b"two halves and").unwrap();
        drop(output);
        assert!(is_ours(&part_name(&path)) && part_name(&path).exists());
        let mut output = open(3, Leftover::Kept);
        output.write(b" parts").unwrap();
        assert_eq!(output.n_bytes(), 9);
        output.finish(None, Owner::Own).unwrap();
        assert_eq!((std::fs::read(&path).unwrap().as_slice(), n_files()), (&b"two parts"[..], 1));

        let mut output = open(0, Leftover::Removed);
        output.write(b"x").unwrap();
        unfinished.close(Leftover::Removed);
        assert_eq!(n_files(), 1);
        assert!(output.finish(None, Owner::Own).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"two parts");
        std::fs::remove_dir_all(top).unwrap();
    }
}
