//! Backups, tables restored from them, and every byte read again: jobs that go over all that is stored.

use std::collections::BTreeSet;

use crate::engine::Engine;
use crate::engine::catalog::Entry;
use crate::engine::import::Turn;
use crate::engine::test_sets::NewTestSet;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::evaluation::test_set::TestSetKind;
use crate::store::backup::{self, BackupList, BackupReport, BackupStatus, Target};
use crate::store::check::Checked;
use crate::store::{Brought, Listed};
use crate::table::meta::TableName;
use crate::text::spec::Kind;

/// What to bring back.
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    /// The backup's number; none: the latest.
    pub backup: Option<u64>,
    /// Its tables that are wanted, with what they need; none: all, with all tokenizers, test sets and language models.
    pub tables: Vec<TableName>,
    /// The name that the table has from then on, if there is only one.
    pub new_name: Option<TableName>,
    /// Whether what has a name now may be replaced.
    pub replace: bool,
}

/// What was brought back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// The backup's number.
    pub backup: u64,
    /// Tables by their names now, and the rows of each without writes since its generation.
    pub tables: Vec<(TableName, u64)>,
    /// Aliases, of all tables together alone.
    pub aliases: Vec<TableName>,
    /// Tokenizers.
    pub tokenizers: Vec<TableName>,
    /// Test sets.
    pub test_sets: Vec<TableName>,
    /// Language models.
    pub models: Vec<TableName>,
    /// Bytes that were read.
    pub bytes: u64,
}

impl Engine {
    /// Reads every byte of every table again, and of what is stored beside them, while others work.
    /// `on_progress` is told bytes that are done, and how many there are, about.
    ///
    /// # Errors
    ///
    /// If it is stopped, or if the disk fails. Damage is no error.
    pub fn verify(&self, on_progress: &mut dyn FnMut(u64, u64)) -> Result<Checked> {
        self.shared.store.check(&|| self.go_on(), on_progress)
    }

    /// Keeps everything where this engine's backups are, as it is while others work, and removes the
    /// earliest but `keep` of them. `on_progress` is told as by [`Engine::verify`].
    ///
    /// # Errors
    ///
    /// If this engine has no place for backups or follows and need not have all tables, if it is stopped, or if the
    /// place or the disk fails. Tables that are damaged are told, and the others kept.
    pub fn back_up(
        &self,
        keep: Option<usize>,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<BackupReport> {
        if self.has_cache() {
            let because = "not all tables are here (--follow-cache); back up the writer".to_owned();
            return Err(Error::new(ErrorKind::Unsuited { operation: "backing up", because }));
        }
        self.shared.store.back_up(self.place()?, keep, &|| self.go_on(), on_progress)
    }

    /// All backups, the earliest first.
    ///
    /// # Errors
    ///
    /// If this engine has no place for backups, or if that fails.
    pub fn backups(&self) -> Result<Vec<BackupStatus>> {
        backup::list(self.place()?)
    }

    /// Brings tables of a backup back. Each is there when it is on the disk and compared with its
    /// digests; if one fails, those before it stay. `on_progress` is told as by [`Engine::verify`].
    ///
    /// # Errors
    ///
    /// If there is no such backup or it has no such table, if a name is taken and nothing may be
    /// replaced, if an import into the table runs, if what is read is not what was kept, or if the
    /// place or the disk fails.
    pub fn restore(
        &self,
        options: &RestoreOptions,
        on_progress: &mut dyn FnMut(u64, u64),
    ) -> Result<RestoreReport> {
        let place = self.place()?;
        let latest = || backup::numbers(place).map(|numbers| numbers.last().copied());
        let Some(number) = options.backup.map_or_else(latest, |number| Ok(Some(number)))? else {
            return Err(Error::invalid("backup", "there is no backup"));
        };
        let list = BackupList::read(place, number)?;
        let work = Work { engine: self, place, list: &list, options };
        let tables = work.tables()?;
        let total = tables.iter().filter_map(|(of, _)| Some(list.table_size(of)?.1)).sum();
        let mut report = RestoreReport { backup: number, ..RestoreReport::default() };
        work.shelf(&tables, &mut report)?;
        for (of, name) in tables {
            let mut on_bytes = |bytes| {
                report.bytes += bytes;
                on_progress(report.bytes, total);
            };
            work.table(&of, &name, &mut on_bytes)
                .context(|| format!("restoring the table {of}"))?;
            let rows = list.table_size(&of).map_or(0, |(rows, _)| rows);
            report.tables.push((name, rows));
        }
        report.aliases = work.aliases()?;
        Ok(report)
    }

    fn place(&self) -> Result<&dyn Target> {
        let because = "this server has no place for them; start it with --backups".to_owned();
        let missing = || Error::new(ErrorKind::Unsuited { operation: "backups", because });
        self.shared.backups.as_deref().ok_or_else(missing)
    }
}

struct Work<'a> {
    engine: &'a Engine,
    place: &'a dyn Target,
    list: &'a BackupList,
    options: &'a RestoreOptions,
}

impl Work<'_> {
    /// Which tables, and the name of each from then on.
    fn tables(&self) -> Result<Vec<(TableName, TableName)>> {
        let Self { engine, list, options, .. } = self;
        let asked: Vec<TableName> = match &options.tables[..] {
            [] => list.tables().cloned().collect(),
            some => some.iter().collect::<BTreeSet<_>>().into_iter().cloned().collect(),
        };
        if let Some(name) = asked.iter().find(|name| list.table_size(name).is_none()) {
            let problem = format!("the backup has no table {name}");
            return Err(Error::invalid("tables", problem));
        }
        if options.new_name.is_some() && asked.len() != 1 {
            return Err(Error::invalid("new_name", "a new name is for one table"));
        }
        let named = |of: TableName| (of.clone(), options.new_name.clone().unwrap_or(of));
        let tables: Vec<_> = asked.into_iter().map(named).collect();
        let catalog = &engine.shared.catalog;
        tables.iter().try_for_each(|(_, name)| catalog.check_target(name, options.replace))?;
        Ok(tables)
    }

    /// Brings back what stands on the shelves: all of it with all tables, else the tokenizers that the
    /// tables need. What is there already stays, unless it may be replaced.
    fn shelf(&self, tables: &[(TableName, TableName)], report: &mut RestoreReport) -> Result<()> {
        let Self { engine, place, list, options } = self;
        let is_all = options.tables.is_empty();
        let needed: BTreeSet<&str> =
            tables.iter().filter_map(|(of, _)| list.tokenizer_of(of)).collect();
        let mut hybrids = Vec::new();
        for name in list.tokenizers() {
            let is_wanted = is_all || needed.contains(name.as_str());
            let is_free = engine.check_new_tokenizer(name, options.replace && is_all).is_ok();
            if !is_wanted || !is_free {
                continue;
            }
            let spec = list.tokenizer(*place, name)?;
            if matches!(spec.kind, Kind::Hybrid { .. }) {
                hybrids.push((name.clone(), spec));
                continue;
            }
            engine.put_tokenizer(name, &spec, true)?;
            report.tokenizers.push(name.clone());
        }
        // After what they are made of.
        for (name, spec) in hybrids {
            if let Kind::Hybrid { parts, .. } = &spec.kind
                && let Some(parts) = list.tokenizers().find(|name| name.as_str() == parts)
                && engine.check_new_tokenizer(parts, false).is_ok()
            {
                engine.put_tokenizer(parts, &list.tokenizer(*place, parts)?, false)?;
                report.tokenizers.push(parts.clone());
            }
            engine.put_tokenizer(&name, &spec, true)?;
            report.tokenizers.push(name);
        }
        let there = engine.shared.store.test_sets()?;
        for wanted in list.test_sets().filter(|_| is_all) {
            if there.contains(wanted) && !options.replace {
                continue;
            }
            let (head, file) = list.test_set(*place, wanted)?;
            let kind = TestSetKind::of_name(&head.kind).ok_or_else(|| {
                let what = format!("test set {wanted}, of the kind {:?},", head.kind);
                Error::new(ErrorKind::Unsupported { what })
            })?;
            let (name, source) = (wanted.clone(), head.source);
            engine.put_test_set(&NewTestSet { name, kind, file, source, replace: true })?;
            report.test_sets.push(wanted.clone());
        }
        let there: Vec<TableName> =
            engine.shared.store.models()?.into_iter().map(|(name, _)| name).collect();
        for wanted in list.models().filter(|_| is_all) {
            if there.contains(wanted) && !options.replace {
                continue;
            }
            match engine.restore_model((*place, list), wanted, options.replace) {
                // It came meanwhile, and stays.
                Err(error) if matches!(error.kind(), ErrorKind::ModelExists { .. }) => continue,
                restored => restored?,
            }
            report.models.push(wanted.clone());
        }
        Ok(())
    }

    /// Brings the aliases back, with all tables. What stands for another table by now stays, unless it
    /// may be replaced.
    fn aliases(&self) -> Result<Vec<TableName>> {
        let Self { engine, list, options, .. } = self;
        let mut set = Vec::new();
        for (alias, table) in list.aliases().iter().filter(|_| options.tables.is_empty()) {
            let is_wanted = match engine.shared.catalog.check_target(alias, false) {
                Ok(()) => true,
                Err(error) => {
                    options.replace && matches!(error.kind(), ErrorKind::AliasExists { .. })
                }
            };
            if is_wanted {
                engine.set_alias(alias, table)?;
                set.push(alias.clone());
            }
        }
        Ok(set)
    }

    fn table(&self, of: &TableName, name: &TableName, on_bytes: &mut dyn FnMut(u64)) -> Result<()> {
        let shared = &self.engine.shared;
        let _turn = Turn::take(shared, name)?;
        let go_on = || self.engine.go_on();
        let restored =
            shared.store.restore((self.place, self.list), (of, name), &go_on, on_bytes)?;
        self.publish(name, restored)?;
        let entry = shared.catalog.entry(name)?;
        shared.catalog.open(&entry)
    }

    fn publish(&self, name: &TableName, restored: Brought) -> Result<()> {
        let shared = &self.engine.shared;
        let _publishing = shared.publishing.lock();
        self.engine.go_on()?;
        // It may have come while other tables were read.
        shared.catalog.check_target(name, self.options.replace)?;
        let old = shared.catalog.entry(name).ok();
        let closing = old.as_deref().map(Entry::closing);
        let meta = restored.meta().clone();
        let _changing = shared.shelf.changing();
        let is_usable = |tokenizer: &str| self.engine.check_tokenizer(tokenizer).is_ok();
        let (replaced, tokenizer) = restored.switch(is_usable)?;
        shared.shelf.remember_default(name, tokenizer.as_deref());
        shared.catalog.publish(name, Entry::closed(Listed { meta, problem: None }));
        if let Some(closing) = closing {
            closing.done();
        }
        replaced.remove();
        Ok(())
    }
}
