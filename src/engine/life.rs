//! The life of a table beside its rows: made empty, copied, renamed, deleted; and its aliases.

use std::sync::Arc;

use crate::engine::catalog::Entry;
use crate::engine::generation::Generation;
use crate::engine::import::{self, Turn};
use crate::engine::lineage::{Lineage, Name};
use crate::engine::{Current, Engine, TableStatus};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::Brought;
use crate::table::builder::TableBuilder;
use crate::table::columns::Collected;
use crate::table::meta::{IndexChoice, Meta, Provenance, Residence, TableName};
use crate::vector::Dtype;

/// How often a copy is begun again of a table that is replaced while it is copied.
const TRIES: usize = 10;

/// An empty table that is to be made.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// The table, which must not be there.
    pub table: TableName,
    /// Components of each vector.
    pub dim: usize,
    /// How they are kept.
    pub dtype: Dtype,
    /// Where they are.
    pub residence: Residence,
    /// Which index it should have, once it has so many rows that it needs one.
    pub index: IndexChoice,
    /// The tokenizer that cuts its texts where none is named: a stored one, or one that is built in.
    pub tokenizer: Option<String>,
    /// The licence, kept as provenance.
    pub license: String,
    /// Seconds since 1970-01-01 UTC, kept as provenance.
    pub created_at: u64,
}

/// Another name of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Its name.
    pub name: TableName,
    /// The table that it stands for.
    pub table: TableName,
}

/// An alias that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasSet {
    /// What it is now.
    pub alias: Alias,
    /// The table that it stood for, if it was there.
    pub before: Option<TableName>,
}

/// Each is made whole or not at all; when it returns it survives a power cut. Each fails if the disk
/// does.
impl Engine {
    /// Makes an empty table, which answers at once, and is filled by writes.
    ///
    /// # Errors
    ///
    /// If a table or an alias has the name, if the dimension is 0 or over `DIM_MAX`, if there is no
    /// such tokenizer, or if an import into the table runs.
    pub fn create(&self, options: &CreateOptions) -> Result<TableStatus> {
        let (shared, table) = (&self.shared, &options.table);
        shared.catalog.check_target(table, false)?;
        let _turn = Turn::take(shared, table)?;
        let builder = TableBuilder::of(options.dtype, options.dim)?;
        let mut staging = shared.store.stage(options.dtype, options.dim)?;
        staging.end(&builder)?;
        staging.complete(&Collected::default())?;
        let meta = Meta {
            generation: staging.generation(),
            dim: u32::try_from(options.dim).unwrap_or(u32::MAX),
            dtype: options.dtype,
            provenance: Provenance {
                format: "rows".to_owned(),
                imported_at: options.created_at,
                license: options.license.clone(),
                ..Provenance::default()
            },
            index: options.index,
            residence: options.residence,
            ..Meta::unknown(table.clone(), 0)
        };
        let rows = Arc::new(staging.table(builder, options.residence)?);
        let _publishing = shared.publishing.lock();
        self.go_on()?;
        shared.catalog.check_target(table, false)?;
        import::publish(
            self,
            staging,
            meta,
            rows,
            Collected::default(),
            options.tokenizer.clone(),
        )?;
        self.table(table)
    }

    /// Makes a second table of one, with its rows, writes, attributes, index and tokenizer. The files
    /// are taken over without copying where the file system can, and the rows in memory are shared;
    /// what is written to one of them from then on the other does not see.
    ///
    /// # Errors
    ///
    /// If there is no such table or its rows are damaged, if a table or an alias has the new name, if
    /// an import into that runs, or if it is stopped.
    pub fn copy(&self, of: &TableName, name: &TableName) -> Result<TableStatus> {
        let shared = &self.shared;
        shared.catalog.check_target(name, false)?;
        let _turn = Turn::take(shared, name)?;
        for _ in 0..TRIES {
            let lineage = shared.catalog.lineage(of)?;
            let current = lineage.current();
            let (meta, sequence) = (current.generation().meta(), current.view().sequence());
            match shared.store.copy(&meta, sequence, name, &|| self.go_on()) {
                Ok(brought) => {
                    if let Some(status) = self.publish_copy(of, &current, brought)? {
                        return Ok(status);
                    }
                }
                // It was replaced, and its files went away.
                Err(_)
                    if !lineage.is_at(current.generation())
                        || !shared.catalog.is_current(&lineage) => {}
                Err(error) => return Err(error).context(|| format!("copying the table {of}")),
            }
        }
        Err(Error::new(ErrorKind::Conflict { table: of.to_string() }))
    }

    /// None if by now the name that was asked means another table.
    fn publish_copy(
        &self,
        of: &TableName,
        current: &Current,
        brought: Brought,
    ) -> Result<Option<TableStatus>> {
        let (shared, meta) = (&self.shared, brought.meta().clone());
        let _publishing = shared.publishing.lock();
        self.go_on()?;
        shared.catalog.check_target(&meta.name, false)?;
        if shared.catalog.entry(of)?.meta().lineage() != current.generation().lineage() {
            return Ok(None);
        }
        let _changing = shared.shelf.changing();
        let is_usable = |tokenizer: &str| self.check_tokenizer(tokenizer).is_ok();
        let (replaced, tokenizer) = brought.switch(is_usable)?;
        shared.shelf.remember_default(&meta.name, tokenizer.as_deref());
        let name = Name::new(meta.name.clone());
        let view = current.view().clone().with_cutter(Some(shared.cutter(&name)));
        let table = Arc::clone(current.generation().table());
        let generation = Arc::new(Generation::new(meta.clone(), name, table));
        let lineage = Arc::new(Lineage::new(generation, view));
        lineage.rebuild_if_due();
        shared.catalog.publish(&meta.name, Entry::live(Arc::clone(&lineage)));
        shared.queue.push(lineage);
        replaced.remove();
        self.table(&meta.name).map(Some)
    }

    /// Gives a table another name. Its tokenizer, its writes and the aliases that stand for it go along;
    /// questions and writes go on meanwhile.
    ///
    /// # Errors
    ///
    /// If there is no such table, if a table or an alias has the new name, or if an import into one of
    /// the names runs.
    pub fn rename(&self, old: &TableName, new: &TableName) -> Result<TableStatus> {
        let shared = &self.shared;
        let _publishing = shared.publishing.lock();
        let old = &shared.catalog.table_of(old);
        shared.catalog.check_target(new, false)?;
        let entry = shared.catalog.entry(old)?;
        let _turns = (Turn::take(shared, old)?, Turn::take(shared, new)?);
        let closing = entry.closing();
        let _changing = shared.shelf.changing();
        shared.store.rename(old, new).context(|| format!("renaming the table {old}"))?;
        shared.shelf.rename_table(old, new, || {
            if let Some(Ok(lineage)) = entry.opened() {
                lineage.rename(new);
            }
        });
        shared.catalog.rename(old, new, entry.named(new));
        closing.renamed();
        Ok(shared.status(&*shared.catalog.entry(new)?))
    }

    /// Deletes tables with their rows and indexes, all or none, and tells what they were. Questions that
    /// have begun are still answered.
    ///
    /// # Errors
    ///
    /// If there is no table of one of the names, or if an alias stands for one of them.
    pub fn delete(&self, names: &[TableName]) -> Result<Vec<TableStatus>> {
        let shared = &self.shared;
        // They may be read for this, which nobody else waits for.
        for name in names {
            shared.status(&*shared.catalog.entry(name)?);
        }
        let _publishing = shared.publishing.lock();
        let mut tables: Vec<TableName> =
            names.iter().map(|name| shared.catalog.table_of(name)).collect();
        tables.sort_unstable();
        tables.dedup();
        let entries = tables.iter().map(|name| shared.catalog.entry(name));
        let entries = entries.collect::<Result<Vec<_>>>()?;
        let statuses = entries.iter().map(|entry| entry.status()).collect();
        let closing: Vec<_> = entries.iter().map(|entry| entry.closing()).collect();
        // Nobody gives them a tokenizer meanwhile, which would be remembered behind their end.
        let _changing = shared.shelf.changing();
        let shown = || tables.iter().map(TableName::as_str).collect::<Vec<_>>().join(", ");
        shared.store.delete(&tables).context(|| format!("deleting {}", shown()))?;
        shared.catalog.remove(&tables);
        for table in &tables {
            shared.shelf.forget_table(table);
        }
        closing.into_iter().for_each(super::catalog::Closing::done);
        Ok(statuses)
    }

    /// The aliases of all tables, by their names.
    pub fn aliases(&self) -> Vec<Alias> {
        let aliases = self.shared.catalog.aliases(None).into_iter();
        aliases.map(|(name, table)| Alias { name, table }).collect()
    }

    /// Lets an alias stand for a table: from one moment to the next every call that names the alias
    /// means that table, and a question that has begun is answered by the one before. Told is also the
    /// table that it stood for. An alias that is named as the table stands for its table.
    ///
    /// # Errors
    ///
    /// If there is no such table, if a table has the alias's name or an import into such a table runs,
    /// or if there are more than `ALIASES_MAX`.
    pub fn set_alias(&self, name: &TableName, table: &TableName) -> Result<AliasSet> {
        let shared = &self.shared;
        let _publishing = shared.publishing.lock();
        let table = shared.catalog.table_of(table);
        let _turn = Turn::take(shared, name)?;
        let before = shared.store.set_alias(name, &table)?;
        shared.catalog.set_alias(name, &table);
        Ok(AliasSet { alias: Alias { name: name.clone(), table }, before })
    }

    /// Removes an alias, and tells what it was. The table stays.
    ///
    /// # Errors
    ///
    /// If there is no such alias.
    pub fn remove_alias(&self, name: &TableName) -> Result<Alias> {
        let shared = &self.shared;
        let _publishing = shared.publishing.lock();
        let table = shared.store.remove_alias(name)?;
        shared.catalog.remove_alias(name);
        Ok(Alias { name: name.clone(), table })
    }
}
