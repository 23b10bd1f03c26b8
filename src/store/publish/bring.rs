//! A reader's side: tables, parts and writes of a publication brought into a data folder, under the numbers that
//! they have in the writer's.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Container, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::store::backup::{TableCopy, Target, WRITES, each_write, is_part, read};
use crate::store::check::GoOn;
use crate::store::fault::{self, PUBLISH_AGAIN};
use crate::store::generation::{INDEX_PARTS, Part};
use crate::store::publish::{Publication, digits, last_of};
use crate::store::shelf::{self, Sort};
use crate::store::{Brought, Store, blob, folder, staging};
use crate::table::change::Change;
use crate::table::meta::{Meta, TableName};

const MARK: Kind =
    Kind { name: "followed", version: 1, advice: "empty the folder: it holds only copies" };

/// What a folder that follows a location remembers of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The data folder that is followed.
    pub folder: String,
    /// The epoch and the number of the last publication that was brought.
    pub at: (u64, u64),
    /// When that was, in seconds since 1970-01-01 UTC; none before all of one was brought.
    pub whole_at: Option<u64>,
    /// Digests of what was brought to the shelves, by sort and name.
    pub shelf: BTreeMap<String, String>,
    /// Where the writer can be reached.
    pub address: String,
    /// What this reader is called where it holds what it brings.
    #[serde(default)]
    pub reader: String,
    /// Where tables come when they are asked: all that were published last, here or not.
    #[serde(default)]
    pub tables: Vec<KnownTable>,
    /// Likewise all aliases, each with its table.
    #[serde(default)]
    pub aliases: BTreeMap<TableName, TableName>,
    /// Whether the folder is to be one of its own, which holds all of a publication, and does not yet.
    #[serde(default)]
    pub is_recovery: bool,
}

/// What a folder remembers of a table that need not be there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTable {
    /// What was published of it.
    pub meta: Meta,
    /// Bytes of all its parts.
    pub bytes: u64,
}

/// What a publication says of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedTable {
    /// Its name.
    pub name: TableName,
    /// Its generation.
    pub generation: u64,
    /// The generation that was imported.
    pub lineage: u64,
    /// The last write.
    pub sequence: u64,
    /// The rows of its generation.
    pub row_count: u64,
    /// Bytes of all its parts.
    pub bytes: u64,
    /// The tokenizer that cuts its texts where none is named.
    pub tokenizer: Option<String>,
}

/// What of a table is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bring {
    /// All that is published, the index too.
    Whole,
    /// What exact answers need.
    Rows,
}

/// What stands on a shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// A tokenizer.
    Tokenizer,
    /// A test set.
    TestSet,
    /// A language model.
    Model,
}

impl Thing {
    const ALL: [Self; 3] = [Self::Tokenizer, Self::TestSet, Self::Model];

    fn sort(self) -> Sort {
        match self {
            Self::Tokenizer => shelf::TOKENIZERS,
            Self::TestSet => shelf::TEST_SETS,
            Self::Model => shelf::MODELS,
        }
    }

    /// What one of this name is called in a [`Mark`].
    pub fn key(self, name: &TableName) -> String {
        format!("{}/{name}", self.sort().folder)
    }
}

impl Mark {
    /// Of a folder that follows nothing yet, with a name that no other has.
    pub fn new() -> Self {
        Self { reader: digits(), ..Self::default() }
    }
}

impl PublishedTable {
    fn of(name: &TableName, copy: &TableCopy) -> Self {
        Self {
            name: name.clone(),
            generation: copy.meta.generation,
            lineage: copy.meta.lineage(),
            sequence: last_of(copy),
            row_count: copy.meta.row_count,
            bytes: bytes_of(copy),
            tokenizer: copy.tokenizer.clone(),
        }
    }
}

impl Publication {
    /// Its tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = PublishedTable> {
        self.list.tables.iter().map(|(name, copy)| PublishedTable::of(name, copy))
    }

    /// One of them.
    pub fn published(&self, name: &TableName) -> Option<PublishedTable> {
        self.list.tables.get(name).map(|copy| PublishedTable::of(name, copy))
    }

    /// What a folder remembers of each of them.
    pub fn known(&self) -> Vec<KnownTable> {
        let tables = self.list.tables.iter();
        let known = |(name, copy): (&TableName, &TableCopy)| {
            let meta = Meta { name: name.clone(), ..copy.meta.clone() };
            KnownTable { meta, bytes: bytes_of(copy) }
        };
        tables.map(known).collect()
    }

    /// What stands on its shelves, each with its digest.
    pub fn shelf(&self) -> impl Iterator<Item = (Thing, &TableName, &str)> {
        self.list.shelf.iter().filter_map(|copy| {
            let thing = Thing::ALL.into_iter().find(|thing| thing.sort().folder == copy.sort)?;
            Some((thing, &copy.name, &*copy.part.blake3))
        })
    }

    /// What is known of one of them.
    pub fn meta(&self, name: &TableName) -> Option<Meta> {
        let copy = self.list.tables.get(name)?;
        Some(Meta { name: name.clone(), ..copy.meta.clone() })
    }

    fn table(&self, name: &TableName) -> Result<&TableCopy> {
        let missing = || Error::new(fault::damage(self.what(name), PUBLISH_AGAIN));
        self.list.tables.get(name).ok_or_else(missing)
    }

    pub(super) fn what(&self, name: &TableName) -> String {
        format!("table \"{name}\" of publication {}", self.number)
    }
}

impl Store {
    /// What this folder remembers of the location that it follows; none if it follows none.
    ///
    /// # Errors
    ///
    /// If that is damaged, or if the disk fails.
    pub fn mark(&self) -> Result<Option<Mark>> {
        read_mark(&self.shared.folder)
    }

    /// Remembers it, or from now on follows none: then the folder is one like any other.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn set_mark(&self, mark: Option<&Mark>) -> Result<()> {
        let path = self.shared.folder.join(folder::FOLLOWED);
        let Some(mark) = mark else { return blob::remove(&path) };
        let json = serde_json::to_vec_pretty(mark);
        let json = json.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        blob::publish_container(&path, MARK, 0, |out| {
            out.section("followed", CHUNK_BYTES)?;
            out.write(&json)
        })
        .map(drop)
    }

    /// Brings the rows of a published table, with its index if that is wanted and published, under the generation
    /// that it has there; it is the table of its name once it is switched to. Its writes come with it where the table
    /// of its name has none of them: see [`Store::each_published_write`]. Every part is compared with its digest.
    ///
    /// # Errors
    ///
    /// That of `go_on`; if a part is damaged or missing, if a table has the generation, or if the target or the
    /// disk fails.
    pub fn bring(
        &self,
        target: &dyn Target,
        publication: &Publication,
        (name, what): (&TableName, Bring),
        go_on: GoOn<'_>,
    ) -> Result<Brought> {
        let copy = publication.table(name)?;
        let mut brought =
            Brought::begin_same(&self.shared, &copy.meta, name, copy.tokenizer.clone())?;
        let is_wanted = |(part, _): &(&String, &Part)| {
            what == Bring::Whole || !INDEX_PARTS.contains(&part.as_str())
        };
        for (part, known) in copy.parts.iter().filter(is_wanted) {
            let what = format!("{}, its part {part}", publication.what(name));
            let path = brought.folder().join(part);
            bring_part(target, (part, known), &what, &path, go_on)?;
            brought.has(part, known);
        }
        let record = self.shared.catalog.table(name);
        let own = record.and_then(|own| staging::lineage_of(&self.shared, own.generation));
        if own != Some(copy.meta.lineage()) {
            let after = (name, copy.meta.applied.sequence);
            let mut write = |_, changes: Vec<Change>| brought.write(&changes);
            self.each_published_write(target, publication, after, go_on, &mut write)?;
        }
        brought.seal()?;
        Ok(brought)
    }

    /// The parts of an index that a published table has and this folder's does not, those first that answer
    /// without the others.
    ///
    /// # Errors
    ///
    /// If the generation here is damaged, or if the disk fails.
    pub fn lacks(&self, publication: &Publication, name: &TableName) -> Result<Vec<String>> {
        let copy = publication.table(name)?;
        let own = self.shared.generation(copy.meta.generation)?;
        let is_lacking = |part: &&str| {
            copy.parts.get(*part).is_some_and(|known| {
                own.manifest.parts.get(*part).is_none_or(|own| own.blake3 != known.blake3)
            })
        };
        Ok(INDEX_PARTS.into_iter().filter(is_lacking).map(str::to_owned).collect())
    }

    /// Brings a part of an index to a generation that this folder has.
    ///
    /// # Errors
    ///
    /// As [`Store::bring`].
    pub fn bring_index_part(
        &self,
        target: &dyn Target,
        publication: &Publication,
        (name, part): (&TableName, &str),
        go_on: GoOn<'_>,
    ) -> Result<()> {
        self.ready()?;
        let copy = publication.table(name)?;
        let what = format!("{}, its part {part}", publication.what(name));
        let damaged = || Error::new(fault::damage(what.clone(), PUBLISH_AGAIN));
        let known = copy.parts.get(part).ok_or_else(damaged)?;
        let mut own = self.shared.generation(copy.meta.generation)?;
        bring_part(target, (part, known), &what, &own.folder.join(part), go_on)?;
        let of = Some(known.of.unwrap_or(copy.meta.generation));
        own.manifest.parts.insert(part.to_owned(), Part { of, ..known.clone() });
        own.seal()
    }

    /// Shows the writes of a published table after this one, in order, each with its number.
    ///
    /// # Errors
    ///
    /// That of `go_on` or `show`; if writes are damaged or missing, or if the target or the disk fails.
    pub fn each_published_write(
        &self,
        target: &dyn Target,
        publication: &Publication,
        (name, after): (&TableName, u64),
        go_on: GoOn<'_>,
        show: &mut dyn FnMut(u64, Vec<Change>) -> Result<()>,
    ) -> Result<()> {
        let copy = publication.table(name)?;
        let what = format!("{}, its journal", publication.what(name));
        let damaged = || Error::new(fault::damage(what.clone(), PUBLISH_AGAIN));
        let mut next = after.max(copy.meta.applied.sequence).saturating_add(1);
        for segment in &copy.segments {
            if segment.last < next {
                continue;
            }
            let file = blob::Temporary::beside(&self.shared.folder.join("writes"));
            blob::replace(file.path(), |mut out| {
                read(target, &segment.part, &what, go_on, &mut |_| {}, &mut out)?;
                Ok((out, ()))
            })?;
            let open = blob::open_container(file.path(), what.clone(), WRITES)?;
            let open: Container = open.ok_or_else(damaged)?;
            each_write(&open, |number, changes| {
                if number < next {
                    return Ok(());
                }
                if number > next {
                    return Err(damaged());
                }
                next += 1;
                go_on()?;
                show(number, changes)
            })?;
            if next != segment.last.saturating_add(1) {
                return Err(damaged());
            }
        }
        if next == last_of(copy).saturating_add(1) || after >= last_of(copy) {
            return Ok(());
        }
        Err(damaged())
    }
}

/// What a folder remembers of the location that it follows.
pub(super) fn read_mark(data: &Path) -> Result<Option<Mark>> {
    let path = data.join(folder::FOLLOWED);
    let Some(file) = blob::open_container(&path, path.display().to_string(), MARK)? else {
        return Ok(None);
    };
    let mark = serde_json::from_slice(&file.section("followed")?.read()?);
    mark.map(Some).map_err(|_| file.senseless())
}

fn bytes_of(copy: &TableCopy) -> u64 {
    let segments = copy.segments.iter().map(|segment| &segment.part);
    copy.parts.values().chain(segments).map(|part| part.bytes).sum()
}

fn bring_part(
    target: &dyn Target,
    (part, known): (&str, &Part),
    what: &str,
    path: &Path,
    go_on: GoOn<'_>,
) -> Result<()> {
    if !is_part(part) {
        return Err(Error::new(fault::damage(what.to_owned(), PUBLISH_AGAIN)));
    }
    blob::replace(path, |mut out| {
        read(target, known, what, go_on, &mut |_| {}, &mut out)?;
        Ok((out, ()))
    })
}
