//! What is finished, written beside the output, so that a run that was stopped can go on where it was.
//!
//! A journal is JSON Lines: what the run is, then what happened, in the order that it happened. A line is added after the
//! files that it speaks of were written, so a run that is killed at any moment has told at most too little; a last line that
//! is cut is not read. It speaks of names, lengths and counts, never of values. A run that comes to its end removes it.
//!
//! A kill of the process is covered. After a power cut files may be shorter or emptier than they were said to be; lengths are
//! compared, contents are not.

use super::output::{JOURNAL, Slot};
use super::{BatchError, Target};
use crate::ids::EntityId;
use crate::tally::Tally;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::UNIX_EPOCH;

/// The journal of a run.
pub(super) struct Journal {
    path: PathBuf,
    file: Mutex<File>,
    before: HashMap<String, Line>,
}

/// One event.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    /// How the input is called, and where its first result goes.
    name: String,
    place: String,
    /// What the input was like.
    in_bytes: u64,
    in_modified: u64,
    /// Bytes of the unpacked input that are worked off, and the number of the next record.
    pub(super) at: u64,
    pub(super) record: u64,
    /// Bytes that were written, by lane.
    pub(super) out: Vec<u64>,
    /// Whether it is all.
    pub(super) whole: bool,
    counts: Counts,
}

/// A [`Tally`] that can be written.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Counts {
    records: u64,
    quarantined: u64,
    token_like: u64,
    entities: Vec<(u16, u64)>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    efface_journal: u32,
    run: String,
}

const VERSION: u32 = 1;

impl Line {
    /// Returns what was counted.
    pub(super) fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        (tally.n_records, tally.n_quarantined) = (self.counts.records, self.counts.quarantined);
        tally.n_token_like = self.counts.token_like;
        for &(entity, n) in &self.counts.entities {
            tally.count_many(EntityId(entity), n);
        }
        tally
    }
}

/// The input and outputs that lines are about.
pub(super) struct About<'a> {
    pub(super) name: &'a str,
    pub(super) slots: &'a [Slot],
    pub(super) metadata: &'a std::fs::Metadata,
}

impl About<'_> {
    /// What a journal calls it; none of names that cannot be told apart as text.
    fn key(&self) -> Option<String> {
        match self.slots.first()? {
            Slot::File(path) => path.to_str().map(str::to_owned),
            Slot::Stdout | Slot::Nowhere => None,
        }
    }

    fn modified(&self) -> u64 {
        let since = self.metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
    }
}

/// Where a file stands.
#[derive(Clone, Copy)]
pub(super) struct Mark<'m> {
    pub(super) at: u64,
    pub(super) record: u64,
    pub(super) out: &'m [u64],
    pub(super) whole: bool,
}

impl Journal {
    /// Returns where the journal of a run is: beside the results of the first lane.
    pub(super) fn path(target: &Target) -> Option<PathBuf> {
        match target {
            Target::Folder(folder) => Some(folder.join(JOURNAL)),
            Target::File(path) if !path.metadata().is_ok_and(|metadata| !metadata.is_file()) => {
                let mut name = std::ffi::OsString::from(".");
                name.push(path.file_name().unwrap_or_default());
                name.push(JOURNAL);
                Some(path.with_file_name(name))
            }
            Target::File(_) | Target::Stdout | Target::InPlace | Target::Nowhere => None,
        }
    }

    /// Begins a journal; `run` says what the results depend on besides the inputs.
    pub(super) fn begin(path: PathBuf, run: &str) -> Result<Self, BatchError> {
        let fault = |err| write_fault(&path, err);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fault)?;
        }
        let mut file = File::create(&path).map_err(fault)?;
        let head = Head { efface_journal: VERSION, run: run.to_owned() };
        write_line(&mut file, &head).map_err(fault)?;
        Ok(Self { path, file: Mutex::new(file), before: HashMap::new() })
    }

    /// Goes on with a journal, or begins one where there is none.
    ///
    /// # Errors
    /// The journal is of a run with other rules, another policy or other options: its results and ours do not go together.
    pub(super) fn resume(path: PathBuf, run: &str) -> Result<Self, BatchError> {
        let fault = |err| BatchError::new(&path, "cannot be read", "remove it to begin anew").because(err);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Self::begin(path, run),
            Err(err) => return Err(fault(err)),
        };
        let mut lines = BufReader::new(file).split(b'\n');
        let head = lines.next().transpose().map_err(fault)?.unwrap_or_default();
        match serde_json::from_slice::<Head>(&head) {
            Ok(head) if head.efface_journal == VERSION && head.run == run => {}
            // Killed before the first line was whole: nothing was written then.
            Err(_) => return Self::begin(path, run),
            Ok(_) => {
                return Err(BatchError::new(
                    &path,
                    "is of a run with other rules, another policy, key or options",
                    "resume with what the run began with, or run without --resume to begin anew",
                ));
            }
        }
        let mut before = HashMap::new();
        let mut whole = head.len() + 1;
        for line in lines {
            let bytes = line.map_err(fault)?;
            let Ok(line) = serde_json::from_slice::<Line>(&bytes) else { break };
            whole += bytes.len() + 1;
            before.insert(line.place.clone(), line);
        }
        // What follows a line that was cut would be read as a part of it.
        let mut file = File::options().append(true).open(&path).map_err(fault)?;
        let there = file.metadata().map_err(fault)?.len();
        if (whole as u64) < there {
            file.set_len(whole as u64).map_err(fault)?;
        } else if whole as u64 > there {
            file.write_all(b"\n").map_err(fault)?;
        }
        Ok(Self { path, file: Mutex::new(file), before })
    }

    /// Returns how far an earlier run came with this input; nothing when the input is another now.
    pub(super) fn before(&self, about: &About<'_>) -> Option<&Line> {
        let line = self.before.get(&about.key()?)?;
        let same = line.name == about.name
            && line.in_bytes == about.metadata.len()
            && line.in_modified == about.modified()
            && line.out.len() == about.slots.len();
        same.then_some(line)
    }

    /// Tells how far an input is.
    pub(super) fn tell(&self, about: &About<'_>, mark: Mark<'_>, tally: &Tally) -> Result<(), BatchError> {
        let Some(place) = about.key() else { return Ok(()) };
        let line = Line {
            name: about.name.to_owned(),
            place,
            in_bytes: about.metadata.len(),
            in_modified: about.modified(),
            at: mark.at,
            record: mark.record,
            out: mark.out.to_vec(),
            whole: mark.whole,
            counts: Counts {
                records: tally.n_records,
                quarantined: tally.n_quarantined,
                token_like: tally.n_token_like,
                entities: tally.entities().map(|(entity, n)| (entity.0, n)).collect(),
            },
        };
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        write_line(&mut file, &line).map_err(|err| write_fault(&self.path, err))
    }

    /// Removes the journal: all is done.
    pub(super) fn end(self) {
        // One that stays is found by the next run, which compares and goes on; it takes room and does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// One call of the system for one line, so that a kill leaves whole lines and at most one that is cut.
fn write_line(file: &mut File, line: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    file.write_all(&bytes)
}

fn write_fault(path: &Path, err: io::Error) -> BatchError {
    BatchError::new(path, "cannot be written", "is there room, and may this user write there?").because(err)
}
