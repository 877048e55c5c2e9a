//! Where the root key comes from, and what it may look like.
//!
//! Reading a key is the one thing in this room that touches the world, and it is for runners: [`KeySource::read`] opens
//! the file or runs the command that the operator named, once, at the start. The environment is not read here; the
//! caller hands in how to look a variable up. [`RootKey::parse`] is pure.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use zeroize::{Zeroize, Zeroizing};

/// The 32 bytes that all keys are derived from.
///
/// # Security
/// Wiped on drop; cannot be cloned, compared or printed.
pub struct RootKey(Box<Zeroizing<[u8; ROOT_KEY_BYTES]>>);

impl RootKey {
    /// Reads a key as it stands in a file: 64 hexadecimal digits, 44 characters of base64 (either alphabet, with `=`),
    /// or 32 raw bytes. One line end after it is allowed.
    ///
    /// # Errors
    /// [`KeyFault`]. 32 printable characters are refused: they are a password or half a key in hexadecimal digits far
    /// more often than a raw key (one random key in 10^13). So are keys of fewer than eight different bytes.
    ///
    /// # Security
    /// The caller wipes `text`.
    pub fn parse(text: &[u8]) -> Result<Self, KeyFault> {
        let line = text.strip_suffix(b"\n").map_or(text, |line| line.strip_suffix(b"\r").unwrap_or(line));
        let mut key = Self::zero();
        match (text.len(), line.len()) {
            // A raw key may end in a byte that is a line end.
            (ROOT_KEY_BYTES, _) => key.0.copy_from_slice(text),
            (_, ROOT_KEY_BYTES) => key.0.copy_from_slice(line),
            (_, HEX_DIGITS) => hex(line, &mut key.0).ok_or(KeyFault::Hex)?,
            (_, BASE64_CHARS) => base64(line, &mut key.0).ok_or(KeyFault::Base64)?,
            (_, len) => return Err(KeyFault::Length { len }),
        }
        if key.0.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return Err(KeyFault::Printable);
        }
        let mut sorted = key.0.clone();
        sorted.sort_unstable();
        if sorted.chunk_by(|a, b| a == b).count() < MIN_DIFFERENT_BYTES {
            return Err(KeyFault::Placeholder);
        }
        Ok(key)
    }

    /// Makes a key of randomness that the caller brings: `fill` is given 32 bytes to fill.
    ///
    /// # Errors
    /// Those of `fill`.
    ///
    /// # Security
    /// The key is as good as `fill`: the operating system's generator, and nothing else, outside of tests.
    pub fn generate<E>(fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut key = Self::zero();
        fill(&mut key.0[..]).map(|()| key)
    }

    /// Returns the bytes.
    pub(super) fn expose(&self) -> &[u8] {
        &self.0[..]
    }

    fn zero() -> Self {
        Self(Box::new(Zeroizing::new([0; ROOT_KEY_BYTES])))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey(..)")
    }
}

/// Where a root key is to be read, as it stands in a configuration.
///
/// # Security
/// Of a command, `Debug` tells the program only: an argument may be a password.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// `file:PATH`.
    File(PathBuf),
    /// `env:NAME`.
    Env(String),
    /// `command:PROGRAM ARGUMENT…`.
    Command {
        /// Looked up as the system does.
        program: String,
        /// Handed over one by one; no shell sees them.
        arguments: Vec<String>,
    },
}

impl KeySource {
    /// Reads `file:PATH`, `env:NAME` or `command:PROGRAM ARGUMENT…` (split at white space, no quotes, no shell).
    ///
    /// # Errors
    /// [`KeyError::Scheme`], [`KeyError::Nameless`], [`KeyError::KeyInPlace`]. None repeats the text: somebody may have
    /// written the key where its place belongs.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (scheme, rest) = match text.split_once(':') {
            Some(("file", rest)) => ("file", rest),
            Some(("env", rest)) => ("env", rest),
            Some(("command", rest)) => ("command", rest),
            _ => return Err(KeyError::Scheme),
        };
        if rest.split_whitespace().any(|word| matches!(word.len(), HEX_DIGITS | BASE64_CHARS) && is_key(word)) {
            return Err(KeyError::KeyInPlace);
        }
        let mut words = rest.split_whitespace().map(str::to_owned);
        match (scheme, words.next()) {
            ("file", Some(_)) => Ok(Self::File(PathBuf::from(rest))),
            ("env", Some(name)) if name == rest && !name.contains(['=', '\0']) => Ok(Self::Env(name)),
            ("command", Some(program)) => Ok(Self::Command { program, arguments: words.collect() }),
            _ => Err(KeyError::Nameless { scheme }),
        }
    }

    /// Reads the key, once, at the start. For runners.
    ///
    /// `env` looks a variable up, as `std::env::var_os` does. A command gets no input, its messages (stderr) go where
    /// ours go, and its output must be the key and nothing else.
    ///
    /// # Errors
    /// [`KeyError`], which tells where the key was looked for and what was wrong, never a byte of it.
    ///
    /// # Security
    /// On Unix a file that its group or others can read or write is refused. An environment variable can be read by every
    /// process of the same user for as long as this one runs, and is handed to every child: prefer a file.
    ///
    /// # Cost
    /// Waits for the command for as long as it runs: whoever needs a bound on that ends the process.
    pub fn read(&self, env: impl FnOnce(&str) -> Option<OsString>) -> Result<RootKey, KeyError> {
        let (origin, text) = match self {
            Self::File(path) => (path.display().to_string(), read_file(path)?),
            Self::Env(name) => {
                let value = env(name).ok_or_else(|| KeyError::NoVariable { name: name.clone() })?;
                (format!("environment variable {name}"), Zeroizing::new(value.into_encoded_bytes()))
            }
            Self::Command { program, arguments } => (format!("output of {program}"), run(program, arguments)?),
        };
        RootKey::parse(&text).map_err(|fault| KeyError::Format { origin, fault })
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Env(name) => f.debug_tuple("Env").field(name).finish(),
            Self::Command { program, .. } => {
                f.debug_struct("Command").field("program", program).finish_non_exhaustive()
            }
        }
    }
}

/// Why there is no root key, or none can be derived from it. An operator's to mend.
///
/// # Security
/// Holds no key material.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// None of the three.
    #[error("key source is of no known sort\n  hint: write `file:PATH`, `env:NAME` or `command:PROGRAM ARGUMENT`")]
    Scheme,
    /// Nothing follows the colon, or nothing that could be a name.
    #[error("key source names nothing that could be read after `{scheme}:`")]
    Nameless {
        /// What stands before the colon.
        scheme: &'static str,
    },
    /// A key stands where the place of a key belongs.
    #[error(
        "key source holds a key\n  hint: put the key into a file, write `file:PATH`, and make a new key: this one was seen"
    )]
    KeyInPlace,
    /// The file cannot be opened or read.
    #[error("key file cannot be read: {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder, a device, a pipe.
    #[error("key file is no regular file: {path}", path = path.display())]
    NotAFile {
        /// What was named.
        path: PathBuf,
    },
    /// Group or others have rights on the file.
    #[error("key file is open to others (mode {mode:o}): {path}\n  hint: chmod 600 {path}", path = path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The environment variable is not set.
    #[error("environment variable for the root key is not set: {name}")]
    NoVariable {
        /// Its name.
        name: String,
    },
    /// The command cannot be started, or its output not be read.
    #[error("key command cannot be run: {program}")]
    Command {
        /// The program, without its arguments.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The command failed.
    #[error("key command failed with exit code {code:?}: {program}", code = code.map_or("none".to_owned(), |c| c.to_string()))]
    CommandFailed {
        /// The program, without its arguments.
        program: String,
        /// Its exit code, unless a signal ended it.
        code: Option<i32>,
    },
    /// What was read is no key.
    #[error("no root key in {origin}: {fault}\n  hint: make one with `openssl rand -hex 32`")]
    Format {
        /// Where it was read.
        origin: String,
        /// What is wrong with it.
        fault: KeyFault,
    },
    /// The name of the environment is empty or too long.
    #[error("name of the environment must have 1 to {limit} bytes")]
    Environment {
        /// Longest name, in bytes.
        limit: usize,
    },
}

/// Why bytes are no root key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFault {
    /// Neither 64 hexadecimal digits, nor 44 characters of base64, nor 32 bytes.
    #[error("{len} bytes where 64 hexadecimal digits, 44 characters of base64 or 32 raw bytes are expected")]
    Length {
        /// Length without the line end; no more than was read.
        len: usize,
    },
    /// 64 characters, not all hexadecimal digits.
    #[error("64 characters, not all hexadecimal digits")]
    Hex,
    /// 44 characters that are not the base64 of 32 bytes.
    #[error("44 characters that are not the base64 of 32 bytes")]
    Base64,
    /// 32 printable characters.
    #[error("32 printable characters are a password or half a key, not 32 random bytes")]
    Printable,
    /// Too few different bytes.
    #[error("a placeholder, not 32 random bytes")]
    Placeholder,
}

fn read_file(path: &PathBuf) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let fault = |source| KeyError::File { path: path.clone(), source };
    // Before opening: opening a pipe waits for a writer. After opening: the file that is read is the one that is judged.
    if !std::fs::metadata(path).map_err(fault)?.is_file() {
        return Err(KeyError::NotAFile { path: path.clone() });
    }
    let mut file = File::open(path).map_err(fault)?;
    let metadata = file.metadata().map_err(fault)?;
    if !metadata.is_file() {
        return Err(KeyError::NotAFile { path: path.clone() });
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyError::OpenToOthers { path: path.clone(), mode });
        }
    }
    read_all(&mut file).map_err(fault)
}

fn run(program: &str, arguments: &[String]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let fault = |source| KeyError::Command { program: program.to_owned(), source };
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(fault)?;
    // Whatever is past the bound meets a closed pipe; the length then tells that it is no key.
    let text = child.stdout.take().map_or_else(|| Ok(Zeroizing::default()), |mut output| read_all(&mut output));
    let status = child.wait().map_err(fault)?;
    let text = text.map_err(fault)?;
    if !status.success() && text.len() <= MAX_TEXT_BYTES {
        return Err(KeyError::CommandFailed { program: program.to_owned(), code: status.code() });
    }
    Ok(text)
}

/// Reads to the end, or to one byte past the bound.
fn read_all(from: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // One piece from the start: a growing vector leaves copies behind.
    let mut text = Zeroizing::new(vec![0; MAX_TEXT_BYTES + 1]);
    let mut n = 0;
    while let Some(free) = text.get_mut(n..).filter(|free| !free.is_empty()) {
        match from.read(free) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
            Err(fault) => return Err(fault),
        }
    }
    text.truncate(n);
    Ok(text)
}

/// Returns whether text that stands in place of a name is a key.
fn is_key(text: &str) -> bool {
    !matches!(RootKey::parse(text.as_bytes()), Err(KeyFault::Length { .. } | KeyFault::Hex | KeyFault::Base64))
}

fn hex(digits: &[u8], out: &mut [u8; ROOT_KEY_BYTES]) -> Option<()> {
    let (pairs, _) = digits.as_chunks::<2>();
    for (byte, &[high, low]) in out.iter_mut().zip(pairs) {
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(())
}

/// Reads 43 characters and a `=`. The two bits that are over must be zero, so that one key has one text.
fn base64(chars: &[u8], out: &mut [u8; ROOT_KEY_BYTES]) -> Option<()> {
    let sextet = |c: u8| {
        Some(match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        })
    };
    let (quads, _) = chars.as_chunks::<4>();
    let (triples, rest) = out.as_chunks_mut::<3>();
    for (triple, quad) in triples.iter_mut().zip(quads) {
        let mut bits = 0_u32;
        for &c in quad {
            bits = bits << 6 | u32::from(sextet(c)?);
        }
        let [_, bytes @ ..] = bits.to_be_bytes();
        *triple = bytes;
        bits.zeroize();
    }
    let (&[a, b, c, b'='], [y, z]) = (quads.last()?, rest) else { return None };
    let [a, b, c] = [sextet(a)?, sextet(b)?, sextet(c)?];
    (*y, *z) = (a << 2 | b >> 4, b << 4 | c >> 2);
    (c & 3 == 0).then_some(())
}

const ROOT_KEY_BYTES: usize = 32;
const HEX_DIGITS: usize = 64;
const BASE64_CHARS: usize = 44;
/// Fewest different bytes of a key. A random one has fewer less than once in 10^30.
const MIN_DIFFERENT_BYTES: usize = 8;
/// Most that is read of a file or a command.
const MAX_TEXT_BYTES: usize = 4_096;

#[cfg(test)]
#[allow(clippy::string_slice, reason = "tests say so by failing")]
mod tests {
    use super::*;

    const HEX: &str = "c2a1f0b8d39e47561f20aa83b7c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5ef";
    const BASE64: &str = "wqHwuNOeR1YfIKqDt8TV5vcIGSo7TF1uf4CRorPE1e8=";
    const RAW: [u8; 32] = [
        0xc2, 0xa1, 0xf0, 0xb8, 0xd3, 0x9e, 0x47, 0x56, 0x1f, 0x20, 0xaa, 0x83, 0xb7, 0xc4, 0xd5, 0xe6, 0xf7, 0x08,
        0x19, 0x2a, 0x3b, 0x4c, 0x5d, 0x6e, 0x7f, 0x80, 0x91, 0xa2, 0xb3, 0xc4, 0xd5, 0xef,
    ];

    #[track_caller]
    fn check(text: &[u8], want: Result<&[u8], KeyFault>) {
        let got = RootKey::parse(text);
        assert_eq!(got.as_ref().map(RootKey::expose).map_err(|&fault| fault), want);
    }

    #[test]
    fn formats() {
        for text in [HEX.as_bytes(), HEX.to_uppercase().as_bytes(), BASE64.as_bytes(), &RAW] {
            for end in ["", "\n", "\r\n"] {
                check(&[text, end.as_bytes()].concat(), Ok(&RAW));
            }
            check(&[text, b"\n\n"].concat(), Err(KeyFault::Length { len: text.len() + 1 }));
        }
        check(BASE64.replace('+', "-").replace('/', "_").as_bytes(), Ok(&RAW));
        let mut ends_in_newline = RAW;
        ends_in_newline[31] = b'\n';
        check(&ends_in_newline, Ok(&ends_in_newline));
        check(b"", Err(KeyFault::Length { len: 0 }));
        check(&HEX.as_bytes()[..62], Err(KeyFault::Length { len: 62 }));
        check(HEX.replace('c', "g").as_bytes(), Err(KeyFault::Hex));
        check(BASE64.replace('=', "A").as_bytes(), Err(KeyFault::Base64));
        check(BASE64.replace("8=", "9=").as_bytes(), Err(KeyFault::Base64));
        check(BASE64.replacen('w', "=", 1).as_bytes(), Err(KeyFault::Base64));
        check(&HEX.as_bytes()[..32], Err(KeyFault::Printable));
        check(&[0; 32], Err(KeyFault::Placeholder));
        check("00".repeat(32).as_bytes(), Err(KeyFault::Placeholder));
        check("0123456789abcd0f".repeat(4).as_bytes(), Ok(&[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0x0f].repeat(4)));
    }

    #[test]
    fn generates() {
        let fill = |bytes: &mut [u8]| {
            bytes.copy_from_slice(&RAW);
            Ok::<(), &str>(())
        };
        assert_eq!(RootKey::generate(fill).unwrap().expose(), RAW);
        assert_eq!(RootKey::generate(|_| Err("dry")).err(), Some("dry"));
        assert_eq!(format!("{:?}", RootKey::generate(fill).unwrap()), "RootKey(..)");
    }

    #[track_caller]
    fn source(text: &str, want: &str) {
        let got = KeySource::parse(text).map_or_else(|fault| fault.to_string(), |source| format!("{source:?}"));
        assert!(got.starts_with(want), "{text}: {got}");
    }

    #[test]
    fn sources() {
        source("file:keys/root.key", "File(\"keys/root.key\")");
        source("file:a b", "File(\"a b\")");
        source("env:ROOT_KEY", "Env(\"ROOT_KEY\")");
        source("command:vault read  -field=key secret", "Command { program: \"vault\", .. }");
        source("root.key", "key source is of no known sort");
        source("vault:root", "key source is of no known sort");
        source("file:", "key source names nothing that could be read after `file:`");
        source("env:", "key source names nothing");
        source("env:A B", "key source names nothing");
        source("env:A=B", "key source names nothing");
        source("command: ", "key source names nothing");
        for scheme in ["env:", "file:", "command:cat "] {
            source(&format!("{scheme}{HEX}"), "key source holds a key");
            source(&format!("{scheme}{BASE64}"), "key source holds a key");
        }
        source(HEX, "key source is of no known sort");
    }

    #[test]
    fn no_fault_tells_the_key() {
        for bad in [HEX.replace('c', "g"), HEX[..60].to_owned(), HEX[..32].to_owned(), format!("{HEX} {HEX}")] {
            let fault = KeySource::Env("NAME".to_owned()).read(|_| Some(bad.clone().into())).unwrap_err();
            let told = format!("{fault} {fault:?}");
            assert!(!told.contains(&bad[8..24]), "{told}");
            assert!(told.starts_with("no root key in environment variable NAME: "), "{told}");
        }
        for bad in [HEX.to_owned(), format!("env:{HEX}"), format!("env={HEX}")] {
            let fault = KeySource::parse(&bad).unwrap_err();
            assert!(!format!("{fault} {fault:?}").contains(&HEX[..8]));
        }
    }

    #[test]
    fn bounded() {
        assert_eq!(read_all(&mut io::repeat(b'x')).unwrap().len(), MAX_TEXT_BYTES + 1);
        assert_eq!(read_all(&mut &b"abc"[..]).unwrap().as_slice(), b"abc");
    }
}
