//! `Ledger`: a small file of our own that tells what the key-value store must know, so that nothing it
//! forgets goes unseen.
//!
//! Sled takes a record whose checksum is wrong for the torn end of its log and drops all that follows.
//! The ledger holds every record of the catalog, the last write of each lineage, and, once the folder
//! was closed, digests of sled's files. It is synced after sled with each group of writes, so it never
//! claims what sled need not have; a removal alone is written here before.
//!
//! ```text
//! "wordspace ledger, format 1\n"
//! frames: length u32, crc32 of it and of what follows u32, then so many bytes: entries
//! zeros
//!
//! 1 record     key behind its length u32, value behind its length
//! 2 removed    key behind its length, revision u64
//! 3 wrote      lineage u64, sequence u64
//! 4 closed     number of sled's files u32, of each its name behind its length, its BLAKE3 (32 bytes)
//! 5 opened
//! ```
//!
//! The first frame is all that was known when the file was made, whole; each further one is a group of
//! entries that was appended and synced at once, so that a crash tears the last one only. When the
//! folder is opened, and when the file has grown, it is made anew.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crate::error::{Context as _, Error, Result};
use crate::store::blob;
use crate::table::part::{Fields, push_text, push_u32};

const MAGIC: &[u8] = b"wordspace ledger, format 1\n";
const FRAME_HEAD_BYTES: usize = 8;
/// Zeros that are written ahead, so that a sync need not write the file's size.
const AHEAD_BYTES: usize = 64 << 10;
/// Beyond so many bytes, and four times what it had when it was new, it is written anew.
const GROWN_BYTES: u64 = 1 << 20;

const RECORD: u8 = 1;
const REMOVED: u8 = 2;
const WROTE: u8 = 3;
const CLOSED: u8 = 4;
const OPENED: u8 = 5;

/// What the frames say together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// Records of the catalog.
    pub(super) records: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Revisions of records that were removed, or were to be.
    pub(super) removed: BTreeMap<Vec<u8>, u64>,
    /// The last acknowledged write of each lineage.
    pub(super) writes: BTreeMap<u64, u64>,
    /// Sled's files and their digests, if the folder was closed.
    pub(super) closed: Option<Digests>,
}

/// Names of files and their BLAKE3.
pub(super) type Digests = BTreeMap<String, [u8; 32]>;

/// What is appended.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Record { key: Vec<u8>, value: Vec<u8> },
    Removed { key: Vec<u8>, revision: u64 },
    Wrote { lineage: u64, sequence: u64 },
    Closed(Digests),
    Opened,
}

/// What was found at the path of a ledger.
#[derive(Debug)]
pub(super) enum Found {
    /// Whole, or with a torn end, as a crash leaves it.
    Whole(State),
    /// Changed since it was written.
    Damaged,
    Missing,
}

/// An open ledger.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    file: File,
    /// Where the next frame goes.
    at: u64,
    /// Where zeros end.
    ahead: u64,
    /// Bytes when it was written anew.
    new_bytes: u64,
}

impl Ledger {
    /// Reads what a ledger says.
    pub(super) fn read(path: &Path) -> Result<Found> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Found::Missing);
            }
            Err(error) => {
                return Err(Error::disk(error).context(format!("reading {}", path.display())));
            }
        };
        Ok(parse(&bytes).map_or(Found::Damaged, Found::Whole))
    }

    /// Writes a ledger that says this, in place of one that may be there, durably.
    pub(super) fn create(path: &Path, state: &State) -> Result<Self> {
        let records = state.records.iter();
        let records =
            records.map(|(key, value)| Entry::Record { key: key.clone(), value: value.clone() });
        let writes = state.writes.iter();
        let writes = writes.map(|(&lineage, &sequence)| Entry::Wrote { lineage, sequence });
        let entries: Vec<Entry> = records.chain(writes).chain([Entry::Opened]).collect();
        let mut bytes = [MAGIC, &frame_of(&entries)].concat();
        let at = bytes.len() as u64;
        bytes.resize(bytes.len() + AHEAD_BYTES, 0);
        let ahead = bytes.len() as u64;
        blob::publish(path, &bytes)?;
        let file = OpenOptions::new().write(true).open(path);
        let file = file.map_err(Error::disk).context(|| format!("opening {}", path.display()))?;
        Ok(Self { path: path.to_path_buf(), file, at, ahead, new_bytes: at })
    }

    /// Whether it is time to write it anew.
    pub(super) fn is_grown(&self) -> bool {
        self.at > GROWN_BYTES.max(4 * self.new_bytes)
    }

    /// Appends entries; once this returns they survive a power cut. After an error the ledger must be
    /// made anew.
    pub(super) fn append(&mut self, entries: &[Entry]) -> Result<()> {
        self.try_append(frame_of(entries))
            .map_err(Error::disk)
            .context(|| format!("writing {}", self.path.display()))
    }

    fn try_append(&mut self, mut bytes: Vec<u8>) -> std::io::Result<()> {
        let end = self.at + bytes.len() as u64;
        if end > self.ahead {
            bytes.resize(bytes.len() + AHEAD_BYTES, 0);
            self.ahead = self.at + bytes.len() as u64;
        }
        self.file.seek(SeekFrom::Start(self.at))?;
        self.file.write_all(&bytes)?;
        self.file.sync_data()?;
        self.at = end;
        Ok(())
    }
}

fn frame_of(entries: &[Entry]) -> Vec<u8> {
    let mut body = Vec::new();
    for entry in entries {
        match entry {
            Entry::Record { key, value } => {
                body.push(RECORD);
                push_text(&mut body, key);
                push_text(&mut body, value);
            }
            Entry::Removed { key, revision } => {
                body.push(REMOVED);
                push_text(&mut body, key);
                body.extend_from_slice(&revision.to_le_bytes());
            }
            Entry::Wrote { lineage, sequence } => {
                body.push(WROTE);
                body.extend_from_slice(&lineage.to_le_bytes());
                body.extend_from_slice(&sequence.to_le_bytes());
            }
            Entry::Closed(digests) => {
                body.push(CLOSED);
                push_u32(&mut body, digests.len());
                for (name, digest) in digests {
                    push_text(&mut body, name.as_bytes());
                    body.extend_from_slice(digest);
                }
            }
            Entry::Opened => body.push(OPENED),
        }
    }
    let mut frame = Vec::with_capacity(FRAME_HEAD_BYTES + body.len());
    push_u32(&mut frame, body.len());
    let checksum = checksum(&frame, &body);
    frame.extend_from_slice(&checksum.to_le_bytes());
    frame.extend_from_slice(&body);
    frame
}

fn checksum(length: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(length);
    hasher.update(body);
    hasher.finalize()
}

/// What the frames say; none if they are not as they were written.
fn parse(bytes: &[u8]) -> Option<State> {
    let mut state = State::default();
    let (first, mut rest) = frame(bytes.strip_prefix(MAGIC)?)?;
    state.take(first)?;
    while let Some((body, after)) = frame(rest) {
        state.take(body)?;
        rest = after;
    }
    // Behind a torn end there is no whole frame; one that is found there tells that what stands
    // before it was changed.
    let is_torn = (1..rest.len()).all(|at| frame(&rest[at..]).is_none());
    is_torn.then_some(state)
}

/// The body of the frame that comes next, and what follows it.
fn frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut fields = Fields::new(bytes);
    let (length, expected) = (fields.u32()?, fields.u32()?);
    let body = fields.take(usize::try_from(length).ok()?).filter(|body| !body.is_empty())?;
    (checksum(&bytes[..4], body) == expected).then_some((body, fields.rest()))
}

impl State {
    fn take(&mut self, body: &[u8]) -> Option<()> {
        let mut fields = Fields::new(body);
        while !fields.rest().is_empty() {
            let kind = fields.u8()?;
            if kind != CLOSED {
                self.closed = None;
            }
            match kind {
                RECORD => {
                    let (key, value) = (fields.text()?.to_vec(), fields.text()?.to_vec());
                    self.removed.remove(&key);
                    self.records.insert(key, value);
                }
                REMOVED => {
                    let (key, revision) = (fields.text()?.to_vec(), fields.u64()?);
                    self.records.remove(&key);
                    self.removed.insert(key, revision);
                }
                WROTE => _ = self.writes.insert(fields.u64()?, fields.u64()?),
                CLOSED => {
                    let mut digests = Digests::new();
                    for _ in 0..fields.u32()? {
                        let name = fields.utf8()?;
                        digests.insert(name, *fields.take(32)?.first_chunk()?);
                    }
                    self.closed = Some(digests);
                }
                OPENED => {}
                _ => return None,
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &Path) -> Option<State> {
        match Ledger::read(path).unwrap() {
            Found::Whole(state) => Some(state),
            Found::Damaged | Found::Missing => None,
        }
    }

    fn record(key: &str, value: &str) -> Entry {
        Entry::Record { key: key.into(), value: value.into() }
    }

    #[test]
    fn a_ledger_says_what_was_appended_and_a_torn_end_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        assert!(matches!(Ledger::read(&path).unwrap(), Found::Missing));
        let mut ledger = Ledger::create(&path, &State::default()).unwrap();
        ledger.append(&[record("en", "1"), Entry::Wrote { lineage: 1, sequence: 7 }]).unwrap();
        let before = said(&path).unwrap();
        let at = usize::try_from(ledger.at).unwrap();
        ledger.append(&[Entry::Removed { key: b"en".to_vec(), revision: 3 }]).unwrap();
        ledger.append(&[Entry::Closed([("db".to_owned(), [7; 32])].into())]).unwrap();
        let whole = said(&path).unwrap();
        assert_eq!((whole.records.len(), whole.removed[&b"en"[..]], whole.writes[&1]), (0, 3, 7));
        assert_eq!(whole.closed.as_ref().unwrap()["db"], [7; 32]);

        // Any part of the last appends that a crash leaves.
        let bytes = std::fs::read(&path).unwrap();
        for end in at..usize::try_from(ledger.at).unwrap() {
            let mut torn = bytes[..end].to_vec();
            torn.resize(bytes.len(), 0);
            let state = parse(&torn).unwrap();
            assert!(state == before || state.removed.len() == 1, "cut at {end}");
        }
        ledger.append(&[Entry::Opened]).unwrap();
        assert_eq!(said(&path).unwrap().closed, None);
        let new = Ledger::create(&path, &before).unwrap();
        assert_eq!(said(&path).unwrap(), before);
        assert!(!new.is_grown());
    }

    #[test]
    fn a_bit_that_changed_is_seen_or_takes_the_last_frame_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger");
        let mut ledger = Ledger::create(&path, &State::default()).unwrap();
        let entries = [record("en", "1"), record("de", "2"), Entry::Opened];
        for entry in &entries {
            ledger.append(std::slice::from_ref(entry)).unwrap();
        }
        let bytes = std::fs::read(&path).unwrap();
        let whole = parse(&bytes).unwrap();
        let last = usize::try_from(ledger.at).unwrap() - FRAME_HEAD_BYTES - 1;
        for at in 0..=last + FRAME_HEAD_BYTES {
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                let state = parse(&flipped);
                assert!(if at < last { state.is_none() } else { state == Some(whole.clone()) });
            }
        }
    }
}
