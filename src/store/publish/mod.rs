//! Publications: what a writer has, kept in a folder or a bucket where any number of readers follow it.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `publisher.rs` | `Publisher`: the writer's side |
//! | `bring.rs` | a reader's side: tables and writes of a publication brought into a data folder |
//! | `whole.rs` | a data folder made of a publication alone |
//! | `lease.rs` | what slow readers hold |
//!
//! ```text
//! CURRENT                         swapped: who publishes, in which epoch, and the last publication's digest
//! publications/00000003-00000017  a container: what there was, and of each part its length and BLAKE3
//! parts/ab/abcd...                each part once, under its BLAKE3: those of generations, writes, tokenizers
//! leases/0f3c...                  which publication a reader brings at this moment, while it brings rows
//! ```
//!
//! Of what readers see nothing but `CURRENT` ever changes, and that by compare and set: parts are put first, then the publication,
//! then `CURRENT` names it. A writer that ends in between leaves parts that nothing names.
//!
//! # One writer
//!
//! A location belongs to one data folder. Each process that begins to publish there takes the next *epoch* in
//! `CURRENT`. Whoever published in an earlier one finds that out by its next swap, or its next look, and never
//! publishes again. It may still remove parts that no publication of its own has needed for a while; so a new
//! epoch trusts no part to stay that an earlier publication has, unless the last one has it too.
//!
//! # Numbers
//!
//! Generations and writes keep the numbers that they have in the writer's folder, where no number is given out
//! twice. That holds for a folder, not for its copies: a folder remembers what it published last, and one that
//! finds something else there is refused as a writer.

mod bring;
mod lease;
mod publisher;
mod whole;

use std::hash::{BuildHasher as _, RandomState};
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Container, Kind, Writer};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::backup::{BackupList, Target, Verified, last_of};
use crate::store::fault::{self, PUBLISH_AGAIN};
use crate::store::generation::{Part, stopped};

pub use bring::{Bring, KnownTable, Mark, PublishedTable, Thing};
pub use lease::Holder;
pub use publisher::{Published, Publisher};
pub use whole::{check_finished, clear, is_unfinished, lacking};

const CURRENT_NAME: &str = "CURRENT";
const PUBLICATIONS: &str = "publications/";
const CURRENT: Kind = Kind { name: "current", version: 1, advice: PUBLISH_AGAIN };
const PUBLICATION: Kind = Kind { name: "publication", version: 1, advice: PUBLISH_AGAIN };
/// Bytes that one publication may have.
const PUBLICATION_BYTES_MAX: u64 = 1 << 30;

/// How long what no publication needs any more stays for readers that are still bringing it.
const KEEP: Duration = Duration::from_mins(10);

/// What `CURRENT` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Current {
    /// The data folder whose tables these are.
    pub folder: String,
    /// What the location is called, whatever leads to it.
    place: String,
    /// Grows with every process that begins to publish.
    pub epoch: u64,
    /// The process that has the epoch.
    process: String,
    /// Where the writer can be reached, for those who want to write.
    pub address: String,
    /// The last publication, once there is one.
    last: Option<Last>,
}

/// Which publication is the last one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Last {
    /// In which epoch it was made.
    epoch: u64,
    number: u64,
    part: Part,
}

impl Current {
    fn read(bytes: &[u8]) -> Result<Self> {
        let file = Container::open(Arc::new(bytes.to_vec()), CURRENT_NAME.to_owned(), CURRENT)?;
        serde_json::from_slice(&file.section("current")?.read()?).map_err(|_| file.senseless())
    }

    fn bytes(&self) -> Result<Vec<u8>> {
        sealed(CURRENT, "current", self)
    }

    /// The epoch and the number of the last publication; both only grow. None before the first one.
    pub fn at(&self) -> Option<(u64, u64)> {
        self.last.as_ref().map(|last| (last.epoch, last.number))
    }
}

/// What a location says now; none if nothing was ever published there.
///
/// # Errors
///
/// If what it says is damaged, or if the target fails.
pub fn current(target: &dyn Target) -> Result<Option<Current>> {
    target.held(CURRENT_NAME)?.map(|held| Current::read(&held.bytes)).transpose()
}

/// All that a writer had at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    epoch: u64,
    number: u64,
    list: BackupList,
    /// The highest number of a generation that the writer had given out.
    #[serde(default)]
    last_generation: u64,
}

/// Whether anything was ever published at a location, damaged or not.
///
/// # Errors
///
/// If the target fails.
pub fn is_published(target: &dyn Target) -> Result<bool> {
    let held = match target.held(CURRENT_NAME) {
        Err(error) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => true,
        held => held?.is_some(),
    };
    Ok(held || !all(target)?.is_empty())
}

/// Every publication that is there, by its epoch and number, the last one first. One that was put and that
/// `CURRENT` never named may be among them.
///
/// # Errors
///
/// If the target fails.
pub fn all(target: &dyn Target) -> Result<Vec<(u64, u64)>> {
    let at = |name: String| {
        let (epoch, number) = name.strip_prefix(PUBLICATIONS)?.split_once('-')?;
        Some((epoch.parse().ok()?, number.parse().ok()?))
    };
    let mut all: Vec<_> = target.list(PUBLICATIONS)?.into_keys().filter_map(at).collect();
    all.sort_unstable_by(|a, b| b.cmp(a));
    Ok(all)
}

impl Publication {
    /// The last publication; none before the first one.
    ///
    /// # Errors
    ///
    /// If it is damaged or missing, or if the target fails.
    pub fn read(target: &dyn Target, current: &Current) -> Result<Option<Self>> {
        let Some(last) = &current.last else { return Ok(None) };
        let name = name_of(last.epoch, last.number);
        let damaged = |what| Error::new(fault::damage(what, PUBLISH_AGAIN));
        if last.part.bytes > PUBLICATION_BYTES_MAX {
            return Err(damaged(format!("{name}, which is far too long,")));
        }
        let missing = || damaged(format!("{name}, which is missing,"));
        let from = target.get(&name)?.ok_or_else(missing)?;
        let (mut bytes, mut on_bytes, go_on) = (Vec::new(), |_| {}, || Ok(()));
        let from = Box::new(from.take(PUBLICATION_BYTES_MAX));
        let mut from = Verified::new(from, &last.part, &name, &go_on, &mut on_bytes);
        from.read_to_end(&mut bytes).map_err(|error| stopped(error, || name.clone()))?;
        let read = Self::of(bytes, name.clone())?;
        if (read.epoch, read.number) != (last.epoch, last.number) {
            return Err(damaged("CURRENT".to_owned()));
        }
        Ok(Some(read))
    }

    /// That of an epoch and a number; none if there is none. Only its own checksums vouch for it.
    ///
    /// # Errors
    ///
    /// If it is damaged, or if the target fails.
    pub fn numbered(target: &dyn Target, (epoch, number): (u64, u64)) -> Result<Option<Self>> {
        let name = name_of(epoch, number);
        let Some(file) = target.get(&name)? else { return Ok(None) };
        let mut bytes = Vec::new();
        let read = file.take(PUBLICATION_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|error| stopped(error, || format!("reading {name}")))?;
        let read = Self::of(bytes, name.clone())?;
        if (read.epoch, read.number) != (epoch, number) {
            return Err(Error::new(fault::damage(name, PUBLISH_AGAIN)));
        }
        Ok(Some(read))
    }

    fn of(bytes: Vec<u8>, name: String) -> Result<Self> {
        let file = Container::open(Arc::new(bytes), name, PUBLICATION)?;
        serde_json::from_slice(&file.section("publication")?.read()?).map_err(|_| file.senseless())
    }

    /// Its epoch and its number.
    pub fn at(&self) -> (u64, u64) {
        (self.epoch, self.number)
    }

    /// What it has, as of a backup.
    pub fn list(&self) -> &BackupList {
        &self.list
    }
}

fn name_of(epoch: u64, number: u64) -> String {
    format!("{PUBLICATIONS}{epoch:08}-{number:08}")
}

/// A container of one section, which holds JSON.
fn sealed(kind: Kind, section: &str, value: &impl Serialize) -> Result<Vec<u8>> {
    let json = serde_json::to_vec_pretty(value);
    let json = json.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    let mut out = Writer::new(Vec::new(), kind, 0)?;
    out.section(section, CHUNK_BYTES)?;
    out.write(&json)?;
    out.finish().map(|(bytes, _)| bytes).context(|| format!("writing {section}"))
}

/// Digits by chance, which nobody else has.
fn digits() -> String {
    let mut hasher = blake3::Hasher::new();
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    hasher.update(&since.as_nanos().to_le_bytes());
    hasher.update(&std::process::id().to_le_bytes());
    for of in 0..4 {
        hasher.update(&RandomState::new().hash_one(of).to_le_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}
