//! `Brought`: a table that comes from elsewhere, a backup or another table, in a generation of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::check::GoOn;
use crate::store::generation::{self, Generation, Manifest, Part};
use crate::store::ledger::Entry;
use crate::store::staging::{self, Replaced};
use crate::store::{Shared, blob, folder, journal};
use crate::table::change::Change;
use crate::table::meta::{Applied, Meta, TableName};

/// A table that is on the disk and not a table yet: that it is with [`Brought::switch`]. Dropped
/// without it, it is removed; after a crash, at the next open.
pub struct Brought {
    shared: Arc<Shared>,
    folder: PathBuf,
    meta: Meta,
    parts: BTreeMap<String, Part>,
    /// The generation from which it comes.
    from: u64,
    /// The tokenizer that the table had.
    tokenizer: Option<String>,
    /// The store's epoch in which its writes are written.
    epoch: u64,
    /// The last of them.
    sequence: u64,
    is_kept: bool,
}

impl Brought {
    /// Begins one that is to be the table `name`, of which this is known.
    pub(super) fn begin(
        shared: &Arc<Shared>,
        from: &Meta,
        name: &TableName,
        tokenizer: Option<String>,
    ) -> Result<Self> {
        let epoch = shared.catalog.ready()?;
        let generation = shared.next_generation();
        let folder = folder::generation(&shared.folder, generation);
        // Its writes have the numbers that they had, in a lineage of its own.
        let applied = Applied { lineage: None, ..from.applied };
        let meta = Meta { name: name.clone(), generation, applied, ..from.clone() };
        let (shared, sequence) = (Arc::clone(shared), applied.sequence);
        let (parts, from, is_kept) = (BTreeMap::new(), from.generation, false);
        let brought =
            Self { shared, folder, meta, parts, from, tokenizer, epoch, sequence, is_kept };
        let making = || format!("making {}", brought.folder.display());
        blob::make_folder(&brought.folder).map_err(Error::disk).context(making)?;
        Ok(brought)
    }

    /// Begins one that is to be the table that it was where it comes from, under the same generation and with
    /// the same writes behind it.
    pub(super) fn begin_same(
        shared: &Arc<Shared>,
        from: &Meta,
        name: &TableName,
        tokenizer: Option<String>,
    ) -> Result<Self> {
        let epoch = shared.catalog.ready()?;
        let generation = from.generation;
        let records = shared.catalog.tables();
        if let Some((has, _)) = records.iter().find(|(_, one)| one.generation == generation) {
            let because = format!("the table {has} has generation {generation} already");
            return Err(Error::new(ErrorKind::Unsuited { operation: "bringing", because }));
        }
        {
            let mut last = shared.last_generation.lock();
            *last = generation.max(*last);
        }
        // What an earlier attempt left.
        staging::remove_generation(shared, generation);
        let folder = folder::generation(&shared.folder, generation);
        let (meta, shared) = (Meta { name: name.clone(), ..from.clone() }, Arc::clone(shared));
        let sequence = meta.applied.sequence;
        let (parts, from, is_kept) = (BTreeMap::new(), generation, false);
        let brought =
            Self { shared, folder, meta, parts, from, tokenizer, epoch, sequence, is_kept };
        let making = || format!("making {}", brought.folder.display());
        blob::make_folder(&brought.folder).map_err(Error::disk).context(making)?;
        Ok(brought)
    }

    /// Where its parts are.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A part of it is there.
    pub(super) fn has(&mut self, name: &str, part: &Part) {
        let of = Some(part.of.unwrap_or(self.from));
        self.parts.insert(name.to_owned(), Part { of, ..part.clone() });
    }

    /// The number of the write that comes next.
    pub(super) fn next_write(&self) -> u64 {
        self.sequence.saturating_add(1)
    }

    /// Adds a write that its rows do not hold to the journal.
    pub(super) fn write(&mut self, changes: &[Change]) -> Result<()> {
        let (lineage, sequence) = (self.meta.lineage(), self.next_write());
        let entry = Entry::Wrote { lineage, sequence };
        let append = |kv: &_| journal::append(kv, lineage, sequence, changes);
        self.shared.catalog.write(self.epoch, [entry], append)?;
        self.sequence = sequence;
        Ok(())
    }

    /// Makes all of it durable: it is complete.
    pub(super) fn seal(&mut self) -> Result<()> {
        if self.sequence > self.meta.applied.sequence {
            self.shared.catalog.make_durable(self.epoch)?;
        }
        let parts = std::mem::take(&mut self.parts);
        let manifest = Manifest { meta: self.meta.clone(), parts };
        Generation { folder: self.folder.clone(), manifest }.seal()?;
        self.shared.sync_generations()
    }

    /// What is known of the table.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Makes it the table of its name, in place of the one that may be there, durably, with its
    /// tokenizer if that is usable. What it replaces is still on the disk, and to be removed.
    ///
    /// # Errors
    ///
    /// As [`Staging::switch`](crate::store::Staging::switch).
    pub fn switch(
        mut self,
        is_usable: impl FnOnce(&str) -> bool,
    ) -> Result<(Replaced, Option<String>)> {
        let tokenizer = self.tokenizer.take().filter(|name| is_usable(name));
        let generation = self.meta.generation;
        let record = |_: Option<&_>| Ok((generation, tokenizer.clone()));
        let set = self.shared.catalog.set(&self.meta.name, record);
        self.is_kept = set.is_ok() || staging::may_be_named(&self.shared, &self.meta);
        Ok((Replaced::new(Arc::clone(&self.shared), set?, self.meta.clone()), tokenizer))
    }
}

/// Takes a table over, as it is after a write, into a generation of its own.
pub(super) fn copy(
    shared: &Arc<Shared>,
    (of, last): (&Meta, u64),
    name: &TableName,
    go_on: GoOn<'_>,
) -> Result<Brought> {
    let from = shared.generation(of.generation)?;
    // By its generation: it may have got another name.
    let record = shared.catalog.tables().into_values().find(|now| now.generation == of.generation);
    let missing = || staging::missing(&shared.folder, of.generation);
    let tokenizer = record.ok_or_else(missing)?.tokenizer;
    let mut brought = Brought::begin(shared, &from.manifest.meta, name, tokenizer)?;
    for (part, known) in &from.manifest.parts {
        generation::link_part(&from.folder, &brought.folder, part, go_on)?;
        brought.has(part, known);
    }
    for sequence in brought.next_write()..=last {
        go_on()?;
        let mut changes = Vec::new();
        // One at a time: nothing is written while sled is read.
        shared.catalog.read(|kv| {
            journal::each_write(kv, &from.manifest.meta, sequence..=sequence, |_, write| {
                changes = write;
                Ok(())
            })
        })?;
        brought.write(&changes)?;
    }
    brought.seal()?;
    Ok(brought)
}

impl Drop for Brought {
    fn drop(&mut self) {
        if !self.is_kept {
            staging::remove_generation(&self.shared, self.meta.generation);
            if self.meta.lineage() == self.meta.generation {
                staging::remove_writes(&self.shared, self.meta.generation, u64::MAX);
            }
        }
    }
}

impl fmt::Debug for Brought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brought").field("meta", &self.meta).finish_non_exhaustive()
    }
}
