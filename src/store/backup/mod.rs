//! Backups: tables, tokenizers and test sets as they are while others work, kept elsewhere.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `target.rs` | where backups are kept: a folder |
//! | `collect.rs` | what there is, and its parts put there; publications are collected so, too |
//! | `cloud.rs` | a bucket, with the feature `cloud` |
//! | `paced.rs` | either of them, so many bytes a second |
//! | `restore.rs` | a table of a backup, made a table of a store again |
//!
//! ```text
//! backups/00000017        a container: what there was, and of each part its length and BLAKE3
//! parts/ab/abcd...        each part once, under its BLAKE3, however many backups have it
//! ```
//!
//! A part that is there already is not sent again, so a backup costs what changed since the last one.
//! Each table is as it was at one moment, with every write that was acknowledged until then; two tables
//! need not be of the same moment. What is copied is compared with its digest on the way, in both
//! directions. A location belongs to one data folder: the backups of two would be counted together, and
//! removed together.

#[cfg(feature = "cloud")]
mod cloud;
mod collect;
mod paced;
mod restore;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Container, Kind, Writer};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::backup::collect::Fault;
use crate::store::check::GoOn;
use crate::store::generation::{Part, stopped};
use crate::store::{Shared, blob, fault, journal};
use crate::table::meta::{Meta, TableName};

pub(super) use collect::{Collector, Known, last_of};
pub use paced::paced;
pub(super) use restore::{each_write, is_part, read, table as restore};
pub use target::{Held, Target, Version, open};

const BACKUPS: &str = "backups/";
pub(super) const PARTS: &str = "parts/";
const ADVICE: &str = "take an earlier backup";
const LIST: Kind = Kind { name: "backup", version: 1, advice: ADVICE };
/// Writes since a generation's rows: for each its number u64, the length of its changes u32, and these.
pub(super) const WRITES: Kind = Kind { name: "writes", version: 1, advice: ADVICE };
/// Bytes that the list of one backup may have.
const LIST_BYTES_MAX: u64 = 1 << 30;

/// What a backup has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupList {
    /// When it was begun, in seconds since 1970-01-01 UTC.
    pub made_at: u64,
    /// The program that made it.
    pub version: String,
    pub(super) tables: BTreeMap<TableName, TableCopy>,
    /// The table that each alias stands for; every one is among the tables.
    #[serde(default)]
    pub(super) aliases: BTreeMap<TableName, TableName>,
    pub(super) shelf: Vec<ShelfCopy>,
}

/// A table in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableCopy {
    pub(super) meta: Meta,
    pub(super) tokenizer: Option<String>,
    pub(super) parts: BTreeMap<String, Part>,
    /// The last write, and the file of those since the rows.
    pub(super) writes: Option<(u64, Part)>,
    /// In a publication, the writes since the rows, in place of that one file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) segments: Vec<Segment>,
}

/// Writes of a table that follow each other, as a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) part: Part,
}

/// A tokenizer or a test set in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ShelfCopy {
    /// The folder of its sort.
    pub(super) sort: String,
    pub(super) name: TableName,
    pub(super) part: Part,
}

/// What a backup did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupReport {
    /// Its number.
    pub number: u64,
    /// Tables, and tokenizers and test sets.
    pub tables: usize,
    /// Bytes of all parts.
    pub bytes: u64,
    /// Bytes of those that were not there before.
    pub new_bytes: u64,
    /// Earlier backups that were removed.
    pub removed: usize,
    /// What could not be kept because it is damaged here, or which earlier backup is damaged, a sentence
    /// each. Then no earlier backup is removed.
    pub problems: Vec<String>,
}

/// A backup that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupStatus {
    /// Its number.
    pub number: u64,
    /// When it was begun, in seconds since 1970-01-01 UTC.
    pub made_at: u64,
    /// Its tables, and the rows of each without writes since its generation.
    pub tables: Vec<(TableName, u64)>,
    /// Bytes of all its parts.
    pub bytes: u64,
    /// Why it cannot be read, if it cannot.
    pub problem: Option<String>,
}

impl BackupList {
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        let tables = self.tables.values();
        let of_tables = tables.flat_map(|table| {
            let segments = table.segments.iter().map(|segment| &segment.part);
            table.parts.values().chain(table.writes.as_ref().map(|(_, part)| part)).chain(segments)
        });
        of_tables.chain(self.shelf.iter().map(|copy| &copy.part))
    }

    /// Its aliases, each with the table that it stood for.
    pub fn aliases(&self) -> &BTreeMap<TableName, TableName> {
        &self.aliases
    }

    /// The names of its tables.
    pub fn tables(&self) -> impl Iterator<Item = &TableName> {
        self.tables.keys()
    }

    /// The backup of this number.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if there is none, `Corrupt` if it is damaged, or if the target fails.
    pub fn read(target: &dyn Target, number: u64) -> Result<Self> {
        let name = name_of(number);
        let Some(file) = target.get(&name)? else {
            let problem = format!("there is no backup {number}");
            return Err(Error::invalid("backup", problem));
        };
        let mut bytes = Vec::new();
        let read = file.take(LIST_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|error| stopped(error, || format!("reading {name}")))?;
        let file = Container::open(Arc::new(bytes), format!("backup {number}"), LIST)?;
        let text = file.section("list")?.read()?;
        serde_json::from_slice(&text).map_err(|_| file.senseless())
    }

    fn keep(&self, target: &dyn Target, number: u64) -> Result<()> {
        let list = serde_json::to_vec_pretty(self)
            .map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        let mut out = Writer::new(Vec::new(), LIST, number)?;
        out.section("list", CHUNK_BYTES)?;
        out.write(&list)?;
        let (bytes, _) = out.finish()?;
        target.put(&name_of(number), &mut &bytes[..])
    }
}

fn name_of(number: u64) -> String {
    format!("{BACKUPS}{number:08}")
}

/// Where the part of a digest is; none if that is no digest.
pub(super) fn place_of(blake3: &str) -> Option<String> {
    let is_digest = blake3.len() == 64 && blake3.bytes().all(|c| c.is_ascii_hexdigit());
    is_digest.then(|| format!("{PARTS}{}/{blake3}", &blake3[..2]))
}

/// The numbers of all backups, the earliest first.
///
/// # Errors
///
/// If the target fails.
pub fn numbers(target: &dyn Target) -> Result<Vec<u64>> {
    let names = target.list(BACKUPS)?.into_keys();
    let mut numbers: Vec<u64> =
        names.filter_map(|name| name.strip_prefix(BACKUPS)?.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// All backups, the earliest first. One that is damaged tells why.
///
/// # Errors
///
/// If the target fails.
pub fn list(target: &dyn Target) -> Result<Vec<BackupStatus>> {
    let status = |number| match BackupList::read(target, number) {
        Ok(list) => Ok(BackupStatus {
            number,
            made_at: list.made_at,
            bytes: list.parts().map(|part| part.bytes).sum(),
            tables: list
                .tables
                .into_iter()
                .map(|(name, table)| (name, table.meta.row_count))
                .collect(),
            problem: None,
        }),
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => Ok(BackupStatus {
            number,
            made_at: 0,
            tables: Vec::new(),
            bytes: 0,
            problem: Some(error.to_string()),
        }),
        Err(error) => Err(error),
    };
    numbers(target)?.into_iter().map(status).collect()
}

/// Bytes that are compared with their length and digest as they are read: the end of others is an error.
pub(super) struct Verified<'a> {
    from: Box<dyn Read + 'a>,
    part: &'a Part,
    what: &'a str,
    hasher: blake3::Hasher,
    bytes: u64,
    go_on: GoOn<'a>,
    on_bytes: &'a mut dyn FnMut(u64),
    /// Why the source failed, if it did.
    pub(super) fault: Option<Error>,
}

impl<'a> Verified<'a> {
    pub(super) fn new(
        from: Box<dyn Read + 'a>,
        part: &'a Part,
        what: &'a str,
        go_on: GoOn<'a>,
        on_bytes: &'a mut dyn FnMut(u64),
    ) -> Self {
        let (hasher, fault) = (blake3::Hasher::new(), None);
        Self { from, part, what, hasher, bytes: 0, go_on, on_bytes, fault }
    }

    fn next(&mut self, buffer: &mut [u8]) -> Result<usize> {
        (self.go_on)()?;
        let count = loop {
            match self.from.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(|error| stopped(error, || self.what.to_owned()))?,
            }
        };
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        (self.on_bytes)(count as u64);
        let is_end = count == 0 && !buffer.is_empty();
        let is_wrong = self.bytes > self.part.bytes
            || (is_end
                && (self.bytes != self.part.bytes
                    || self.hasher.finalize().to_hex().as_str() != self.part.blake3));
        if is_wrong {
            return Err(Error::new(fault::damage(self.what.to_owned(), ADVICE)));
        }
        Ok(count)
    }
}

impl Read for Verified<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.next(buffer).map_err(|error| {
            self.fault = Some(Error::new(error.kind().clone()));
            io::Error::other(error)
        })
    }
}

/// Makes a backup, and removes the earliest but `keep` of them.
pub(super) fn back_up(
    shared: &Shared,
    target: &dyn Target,
    keep: Option<usize>,
    go_on: GoOn<'_>,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<BackupReport> {
    let number = numbers(target)?.last().copied().unwrap_or(0) + 1;
    let mut report = BackupReport { number, ..BackupReport::default() };
    let (mut done, total) = (0, shared.bytes_kept());
    let collector = Collector {
        shared,
        target,
        there: &mut target.list(PARTS)?,
        known: &mut Known::default(),
        last: None,
        go_on,
        new_bytes: &mut report.new_bytes,
        on_bytes: &mut |bytes| {
            done += bytes;
            on_progress(done, total);
        },
    };
    let (mut list, problems) = collector.collect()?;
    for table in list.tables.values_mut() {
        // Nothing was put before, so there is one with all of them.
        table.writes = table.segments.pop().map(|segment| (segment.last, segment.part));
    }
    report.problems = problems;
    report.tables = list.tables.len();
    report.bytes = list.parts().map(|part| part.bytes).sum();
    list.keep(target, number)?;
    if let Some(keep) = keep.filter(|_| report.problems.is_empty()) {
        match remove_but(target, keep.max(1), go_on).map_err(Fault::from) {
            Ok(removed) => report.removed = removed,
            // This backup is made; an earlier one is damaged.
            Err(Fault::Here(error)) => report.problems.push(error.to_string()),
            Err(Fault::Other(error)) => return Err(error),
        }
    }
    Ok(report)
}

/// Removes the earliest backups, and the parts that no other one has.
fn remove_but(target: &dyn Target, keep: usize, go_on: GoOn<'_>) -> Result<usize> {
    let numbers = numbers(target)?;
    let (removed, kept) = numbers.split_at(numbers.len().saturating_sub(keep));
    // If one cannot be read, nothing tells which parts it has.
    let mut needed = BTreeSet::new();
    for &number in kept {
        let list = BackupList::read(target, number).context(|| "removing earlier backups")?;
        needed.extend(list.parts().filter_map(|part| place_of(&part.blake3)));
    }
    for &number in removed {
        target.remove(&name_of(number))?;
    }
    for name in target.list(PARTS)?.into_keys() {
        go_on()?;
        if !needed.contains(&name) {
            target.remove(&name)?;
        }
    }
    Ok(removed.len())
}

/// Writes the writes of a table that have these numbers to a temporary file, which is gone once it is dropped.
pub(super) fn write_writes(
    shared: &Shared,
    meta: &Meta,
    numbers: RangeInclusive<u64>,
    go_on: GoOn<'_>,
) -> Result<(blob::Temporary, Part)> {
    let file = blob::Temporary::beside(&shared.folder.join("writes"));
    let written = blob::publish_container(file.path(), WRITES, 0, |out| {
        out.section("writes", CHUNK_BYTES)?;
        shared.catalog.read(|kv| {
            journal::each_write(kv, meta, numbers, |sequence, changes| {
                go_on()?;
                let body = journal::encode(&changes);
                let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
                out.write(&sequence.to_le_bytes())?;
                out.write(&length.to_le_bytes())?;
                out.write(&body)
            })
        })
    });
    Ok((file, Part::from(written?)))
}
