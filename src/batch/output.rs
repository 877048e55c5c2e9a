//! Where results go: a file that appears only when it is whole, or standard output.

use super::BatchError;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A place to write to.
///
/// A regular file is written under another name beside it and takes its name at [`Output::finish`]; without that nothing
/// is left behind.
pub(super) struct Output {
    sink: Sink,
    /// The name while it is written, and the name it takes.
    unfinished: Option<(PathBuf, PathBuf)>,
}

enum Sink {
    Plain(BufWriter<Box<dyn Write + Send>>),
    Gzip(GzEncoder<BufWriter<Box<dyn Write + Send>>>),
    Gone,
}

impl Output {
    /// Writes to standard output.
    pub(super) fn stdout() -> Self {
        Self { sink: Sink::Plain(BufWriter::with_capacity(BUFFER_BYTES, Box::new(io::stdout()))), unfinished: None }
    }

    /// Writes to `path`, compressed when it ends in `.gz`; makes the folders above it.
    pub(super) fn file(path: &Path) -> Result<Self, BatchError> {
        let fault = |err: io::Error| {
            BatchError::new(path, "cannot be written", "give a place with -o that this user may write to").because(err)
        };
        // A device or a pipe is not replaced by a file.
        let special = path.metadata().is_ok_and(|metadata| !metadata.is_file());
        let (file, unfinished) = if special {
            (File::options().write(true).open(path).map_err(fault)?, None)
        } else {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder).map_err(fault)?;
            }
            let mut name = std::ffi::OsString::from(".");
            name.push(path.file_name().unwrap_or_default());
            name.push(format!(".{}.part", std::process::id()));
            let unfinished = path.with_file_name(name);
            (File::create(&unfinished).map_err(fault)?, Some((unfinished, path.to_owned())))
        };
        let plain: BufWriter<Box<dyn Write + Send>> = BufWriter::with_capacity(BUFFER_BYTES, Box::new(file));
        let gzip = path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("gz"));
        let sink = if gzip { Sink::Gzip(GzEncoder::new(plain, Compression::default())) } else { Sink::Plain(plain) };
        Ok(Self { sink, unfinished })
    }

    /// Writes what is held back and gives the file its name.
    pub(super) fn finish(mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.sink, Sink::Gone) {
            Sink::Plain(mut sink) => sink.flush()?,
            Sink::Gzip(sink) => sink.finish()?.flush()?,
            Sink::Gone => {}
        }
        if let Some((from, to)) = &self.unfinished {
            std::fs::rename(from, to)?;
        }
        self.unfinished = None;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.sink {
            Sink::Plain(sink) => sink.write(bytes),
            Sink::Gzip(sink) => sink.write(bytes),
            Sink::Gone => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.sink {
            Sink::Plain(sink) => sink.flush(),
            Sink::Gzip(sink) => sink.flush(),
            Sink::Gone => Ok(()),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((unfinished, _)) = &self.unfinished {
            // A leftover can only be told about by whoever dropped us; it holds redacted text, no clear text.
            let _ = std::fs::remove_file(unfinished);
        }
    }
}

const BUFFER_BYTES: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let top = std::env::temp_dir().join(format!("efface-output-{}", std::process::id()));
        let path = top.join("deep/a.txt");
        let mut output = Output::file(&path).unwrap();
        output.write_all(b"half").unwrap();
        drop(output);
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 0);

        let mut output = Output::file(&path).unwrap();
        output.write_all(b"whole").unwrap();
        assert!(!path.exists());
        output.finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");

        let zipped = top.join("a.txt.gz");
        let mut output = Output::file(&zipped).unwrap();
        output.write_all(b"whole").unwrap();
        output.finish().unwrap();
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(File::open(&zipped).unwrap()).read_to_string(&mut text).unwrap();
        assert_eq!(text, "whole");
        std::fs::remove_dir_all(top).unwrap();
    }
}
