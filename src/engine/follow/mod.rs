//! Following: tables that another engine publishes, brought here and answering here, while questions go on.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `mod.rs` | a look at the location, and what is new there brought here |
//! | `asked.rs` | tables that come when they are asked, where not all of them are to be here |
//! | `shelves.rs` | tokenizers, test sets and language models |

mod asked;
mod shelves;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;

use crate::engine::catalog::Entry;
use crate::engine::import::Turn;
use crate::engine::lineage::Lineage;
use crate::engine::standing::{Role, caught};
use crate::engine::{Engine, Least, build, open_table};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::Brought;
use crate::store::backup::Target;
use crate::store::publish::{self, Bring, Current, Holder, Mark, Publication, PublishedTable};
use crate::table::change::Change;
use crate::table::meta::TableName;

pub(super) use asked::check_has_all;

/// Writes that are made durable and shown at once.
const WRITES_AT_ONCE: u64 = 256;
/// How long until what is damaged there is looked at again, while nothing else changes.
const AGAIN: Duration = Duration::from_secs(30);

/// Brings what is published at a location to an engine, a step at a time.
#[derive(Debug)]
pub struct Following {
    engine: Engine,
    target: Arc<dyn Target>,
    mark: Mark,
    /// What is brought first of a table that is not here.
    first: Bring,
    /// The publication that could not be brought whole, with the problems, and when it is tried again.
    failed: Option<Failed>,
    /// The publication that this process has brought but for indexes, and whether it has those, too.
    brought: Option<(u64, u64)>,
    is_whole: bool,
    /// The last publication that was read, where tables of it are brought later.
    last: Option<Publication>,
    holder: Mutex<Holder>,
}

#[derive(Debug)]
struct Failed {
    at: (u64, u64),
    again: Instant,
    problems: Vec<String>,
}

/// What a step found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// The epoch and the number of the last publication.
    pub at: (u64, u64),
    /// Whether anything was brought.
    pub is_new: bool,
    /// What is damaged or missing there, a sentence each. What was brought of it before goes on answering.
    pub problems: Vec<String>,
}

impl Engine {
    /// What brings the tables that are published at a location. From here on nobody else writes to this engine,
    /// which must have been opened to follow.
    ///
    /// # Errors
    ///
    /// If the data folder has tables of its own, if nothing may be written, or if the disk fails.
    pub fn following(&self, target: Box<dyn Target>) -> Result<Following> {
        let shared = &self.shared;
        shared.store.ready()?;
        let mark = shared.store.mark()?;
        if !shared.follows || mark.is_none() && self.has_anything()? {
            let because = "the data folder has tables of its own; follow with an empty one";
            return Err(unsuited(because));
        }
        let mut mark = mark.unwrap_or_else(Mark::new);
        if mark.reader.is_empty() {
            mark.reader = Mark::new().reader;
        }
        self.know(&mut mark);
        shared.standing.begin(Role::Reader, mark.whole_at.map(|time| (mark.at, time)));
        self.fence(&mark.address);
        Ok(self.following_from(target.into(), mark, Bring::Rows))
    }

    /// `first`: what is brought of a table that is not here at all before any question of it.
    pub(super) fn following_from(
        &self,
        target: Arc<dyn Target>,
        mark: Mark,
        first: Bring,
    ) -> Following {
        let holder = Mutex::new(Holder::new(&mark.reader));
        let engine = self.clone();
        Following {
            engine,
            target,
            mark,
            first,
            failed: None,
            brought: None,
            is_whole: false,
            last: None,
            holder,
        }
    }

    /// Follows from now on, each time after a pause, until the engine closes.
    ///
    /// # Errors
    ///
    /// If the system has no thread for it.
    pub fn keep_following(&self, mut following: Following, every: Duration) -> Result<()> {
        let standing = &self.shared.standing;
        standing.start("follower", move || {
            let mut failures = 0;
            loop {
                match caught(|| following.step(Instant::now())) {
                    Ok(_) => failures = 0,
                    Err(error) if *error.kind() == ErrorKind::Closing => return,
                    Err(_) => failures += 1,
                }
                if !following.engine.shared.standing.pause(every, failures) {
                    return;
                }
            }
        })
    }

    /// Whether a table shows what a caller wants to see; true where that is not known without reading it.
    pub fn has_reached(&self, name: &TableName, least: Least) -> bool {
        let catalog = &self.shared.catalog;
        let Ok(entry) = catalog.entry(name) else { return false };
        entry.is_absent()
            || !catalog.is_read(name)
            || catalog.current(name).is_ok_and(|current| least.check(&current).is_ok())
    }

    fn has_anything(&self) -> Result<bool> {
        let store = &self.shared.store;
        Ok(!store.tables().is_empty()
            || !store.tokenizers()?.is_empty()
            || !store.test_sets()?.is_empty()
            || !store.models()?.is_empty())
    }

    fn fence(&self, address: &str) {
        let because = match address {
            "" => "these tables are copies of another server's; write to that one".to_owned(),
            address => format!("these tables are copies; write to {address}"),
        };
        self.shared.fence.close(ErrorKind::Unsuited { operation: "writing", because });
    }
}

fn unsuited(because: &str) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "following", because: because.to_owned() })
}

/// Whether an error is about what is published, and leaves the rest of it as it is.
fn is_of_one(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Corrupt { .. } | ErrorKind::ForeignVersion { .. } | ErrorKind::Unsuited { .. }
    )
}

/// How bringing an index went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Went {
    On,
    /// Something newer is published meanwhile, or a table is asked that is not here; that goes first.
    Late,
}

impl Following {
    /// Looks at the location, and brings what is new: each table is as it was before, or as it is there, and
    /// questions go on meanwhile. `now` is when that began.
    ///
    /// # Errors
    ///
    /// If nothing is published there yet; if it is another folder's than before, or older; if the location or
    /// the disk fails. What is here goes on answering.
    pub fn step(&mut self, now: Instant) -> Result<Followed> {
        let done = self.look(now);
        let standing = &self.engine.shared.standing;
        match &done {
            Ok(followed) if followed.problems.is_empty() => standing.is_done(followed.at, now),
            Ok(followed) => {
                let problem = followed.problems.join("; ");
                if followed.is_new {
                    tracing::error!(%problem, "not all that is published can be brought");
                }
                let is_ready = !self.engine.shared.catalog.entries().is_empty();
                standing.failed("following", &problem, is_ready);
            }
            Err(error) => {
                tracing::warn!(?error, "what is published is not looked at");
                standing.failed("following", &error.to_string(), false);
            }
        }
        standing.tell_news();
        if self.is_wanting(now) {
            // It had no room.
            standing.hurry();
        }
        done
    }

    fn look(&mut self, now: Instant) -> Result<Followed> {
        let (current, at) = self.current()?;
        self.forgive(now);
        let is_wanting = self.is_wanting(now);
        let failed = self.failed.as_ref().filter(|failed| failed.at == at && now < failed.again);
        let failed = failed.map(|failed| failed.problems.clone());
        let is_whole = self.brought == Some(at) && self.is_whole;
        if (failed.is_some() || is_whole) && !is_wanting {
            return Ok(Followed { at, is_new: false, problems: failed.unwrap_or_default() });
        }
        let publication = match self.read(&current) {
            Err(error) if is_of_one(&error) => {
                return Ok(self.failed(at, vec![error.to_string()], now));
            }
            read => read?,
        };
        let done = match failed {
            Some(problems) => {
                let asked = self.bring_asked(&publication);
                asked.map(|()| Followed { at, is_new: false, problems })
            }
            None => self.bring_all(&publication, now),
        };
        self.release();
        self.keep(publication);
        done
    }

    /// What is published there, if it may be followed from here, and the epoch and the number of that.
    fn current(&mut self) -> Result<(Current, (u64, u64))> {
        let nothing = || unsuited("nothing is published there yet");
        let current = publish::current(&*self.target)?.ok_or_else(nothing)?;
        let at = current.at().ok_or_else(nothing)?;
        if !self.mark.folder.is_empty() && current.folder != self.mark.folder {
            let because =
                "the location has what another data folder published; follow with an empty folder";
            return Err(unsuited(because));
        }
        if at < self.mark.at {
            let because = "the location has an earlier publication than was brought from it";
            return Err(unsuited(because));
        }
        if current.address != self.mark.address {
            self.mark.address.clone_from(&current.address);
            self.engine.fence(&current.address);
        }
        Ok((current, at))
    }

    fn read(&mut self, current: &Current) -> Result<Publication> {
        if let Some(last) = self.last.take_if(|last| Some(last.at()) == current.at()) {
            return Ok(last);
        }
        let nothing = || unsuited("nothing is published there yet");
        let read = Publication::read(&*self.target, current)?.ok_or_else(nothing)?;
        self.mark.folder.clone_from(&current.folder);
        Ok(read)
    }

    /// Brings every table so that it answers, which is told at once, and then what makes answers faster.
    fn bring_all(&mut self, publication: &Publication, now: Instant) -> Result<Followed> {
        let at = publication.at();
        let mut problems = if self.brought == Some(at) {
            self.bring_asked(publication)?;
            Vec::new()
        } else {
            self.bring_new(publication, now)?
        };
        problems.extend(self.indexes(publication)?);
        if !problems.is_empty() {
            return Ok(self.failed(at, problems, now));
        }
        self.failed = None;
        Ok(Followed { at, is_new: true, problems })
    }

    fn bring_new(&mut self, publication: &Publication, now: Instant) -> Result<Vec<String>> {
        let (engine, at) = (self.engine.clone(), publication.at());
        let (store, standing) = (&engine.shared.store, &engine.shared.standing);
        self.remember(publication);
        // Before anything else is here: from now on the folder holds copies.
        store.set_mark(Some(&self.mark))?;
        let problems = self.bring(publication)?;
        if problems.is_empty() {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            self.mark.at = at;
            self.mark.whole_at = Some(since.map_or(0, |since| since.as_secs()));
            self.brought = Some(at);
        }
        store.set_mark(Some(&self.mark))?;
        if problems.is_empty() {
            standing.is_done(at, now);
            standing.tell_news();
        }
        Ok(problems)
    }

    /// Brings what the indexes of tables lack, and ends early where there is something newer by then.
    fn indexes(&mut self, publication: &Publication) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        self.is_whole = false;
        for table in publication.tables() {
            match self.index(publication, &table) {
                Ok(Went::On) => {}
                Ok(Went::Late) => {
                    self.engine.shared.standing.hurry();
                    return Ok(problems);
                }
                Err(error) if is_of_one(&error) => problems.push(error.to_string()),
                Err(error) => return Err(error).context(|| format!("table {}", table.name)),
            }
        }
        self.is_whole = problems.is_empty();
        Ok(problems)
    }

    pub(super) fn release(&self) {
        self.holder.lock().release(&*self.target);
    }

    /// To be asked while something of a publication is brought, which is held meanwhile.
    fn holding(&self, publication: &Publication) -> Result<()> {
        self.holder.lock().hold(&*self.target, publication.at(), Instant::now());
        self.engine.go_on()
    }

    fn failed(&mut self, at: (u64, u64), problems: Vec<String>, now: Instant) -> Followed {
        self.failed = Some(Failed { at, again: now + AGAIN, problems: problems.clone() });
        Followed { at, is_new: true, problems }
    }

    /// Brings what is published and not here, and removes what is here alone; what of it is damaged there.
    pub(super) fn bring(&mut self, publication: &Publication) -> Result<Vec<String>> {
        let mut problems = Vec::new();
        self.shelf(publication, &mut problems)?;
        let engine = self.engine.clone();
        let wanted: BTreeMap<TableName, PublishedTable> =
            publication.tables().map(|table| (table.name.clone(), table)).collect();
        for alias in engine.aliases() {
            if wanted.contains_key(&alias.name) {
                self.remove_alias(&alias.name)?;
            }
        }
        self.rename(&wanted)?;
        self.begin_cache(publication)?;
        self.bring_asked(publication)?;
        for table in wanted.values() {
            // What is here may take long to replace.
            if engine.shared.catalog.here(&table.name).is_some() {
                self.bring_asked(publication)?;
            }
            match self.come(publication, table) {
                Err(error) if is_of_one(&error) => problems.push(error.to_string()),
                done => done.context(|| format!("bringing the table {}", table.name))?,
            }
        }
        let aliases = publication.list().aliases();
        let local = engine.shared.catalog.entries();
        let local = local.iter().map(|entry| entry.meta().name.clone());
        let unwanted = local.filter(|name| !wanted.contains_key(name));
        // What has the name of an alias makes room for it; the rest goes when no alias needs it any more.
        let (first, last): (Vec<_>, Vec<_>) = unwanted.partition(|name| aliases.contains_key(name));
        self.delete(&first)?;
        self.aliases(aliases)?;
        self.delete(&last)?;
        self.clear_shelves(publication)?;
        Ok(problems)
    }

    /// Gives tables that are here under another name the one that they have there.
    fn rename(&self, wanted: &BTreeMap<TableName, PublishedTable>) -> Result<()> {
        let engine = &self.engine;
        let by_generation: BTreeMap<u64, &TableName> =
            wanted.values().map(|table| (table.generation, &table.name)).collect();
        for entry in engine.shared.catalog.entries() {
            let meta = entry.meta();
            let Some(&new) = by_generation.get(&meta.generation) else { continue };
            // It may have made room for another one a moment ago.
            let is_there = engine.shared.catalog.here(&meta.name).is_some();
            if *new == meta.name || !is_there {
                continue;
            }
            if engine.shared.catalog.entry(new).is_ok() {
                // What is wanted of it under another name is brought again.
                self.delete(std::slice::from_ref(new))?;
            }
            engine.rename(&meta.name, new)?;
            if let Some(cache) = &engine.shared.cache {
                cache.renamed(&meta.name, new);
            }
        }
        Ok(())
    }

    /// Deletes tables with the aliases that stand for them.
    fn delete(&self, names: &[TableName]) -> Result<()> {
        let shared = &self.engine.shared;
        for alias in self.engine.aliases() {
            if names.contains(&alias.table) {
                self.remove_alias(&alias.name)?;
            }
        }
        let (here, elsewhere): (Vec<_>, Vec<_>) =
            names.iter().cloned().partition(|name| shared.catalog.here(name).is_some());
        shared.catalog.remove(&elsewhere);
        if here.is_empty() {
            return Ok(());
        }
        self.engine.delete(&here)?;
        if let Some(cache) = &shared.cache {
            for name in &here {
                cache.left(name);
            }
        }
        Ok(())
    }

    fn aliases(&self, wanted: &BTreeMap<TableName, TableName>) -> Result<()> {
        let engine = &self.engine;
        for alias in engine.aliases() {
            if !wanted.contains_key(&alias.name) {
                self.remove_alias(&alias.name)?;
            }
        }
        let there: BTreeMap<TableName, TableName> =
            engine.aliases().into_iter().map(|alias| (alias.name, alias.table)).collect();
        for (alias, table) in wanted {
            // One whose table is damaged there and was never here stands for nothing.
            let is_known = engine.shared.catalog.entry(table).is_ok();
            if is_known && there.get(alias) != Some(table) {
                self.set_alias(alias, table)?;
            }
        }
        Ok(())
    }

    /// Brings a table to what is published of it.
    fn table(&self, publication: &Publication, table: &PublishedTable) -> Result<()> {
        let (shared, name) = (&self.engine.shared, &table.name);
        let is_it = |entry: Arc<Entry>| entry.meta().generation == table.generation;
        let mut is_here = shared.catalog.here(name).is_some_and(is_it);
        if is_here && let Err(error) = shared.catalog.lineage(name) {
            if !is_of_one(&error) {
                return Err(error);
            }
            // The copy here is damaged.
            tracing::warn!(table = %name, ?error, "a damaged copy is brought again");
            self.delete(std::slice::from_ref(name))?;
            is_here = false;
        }
        if is_here {
            self.engine.set_default_tokenizer(name, self.usable(table))?;
        } else {
            // One that answers by its index goes on with that until the next one has its own.
            let is_cold = shared.catalog.here(name).is_none();
            let what = (name, if is_cold { self.first } else { Bring::Whole });
            let go_on = || self.holding(publication);
            go_on()?;
            let brought = shared.store.bring(&*self.target, publication, what, &go_on)?;
            self.switch(brought)?;
        }
        self.writes(publication, table)
    }

    fn usable<'t>(&self, table: &'t PublishedTable) -> Option<&'t str> {
        let name = table.tokenizer.as_deref()?;
        self.engine.check_tokenizer(name).is_ok().then_some(name)
    }

    /// Lets a generation that is here whole answer in place of the one before: its rows and its index are read
    /// first.
    fn switch(&self, brought: Brought) -> Result<()> {
        let shared = &self.engine.shared;
        let meta = brought.meta().clone();
        let name = meta.name.clone();
        let _turn = Turn::take(shared, &name)?;
        let lineage = open_table(shared, &meta)?;
        let _publishing = shared.publishing.lock();
        self.engine.go_on()?;
        shared.catalog.check_target(&name, true)?;
        let old = shared.catalog.entry(&name).ok();
        let closing = old.as_deref().map(Entry::closing);
        let _changing = shared.shelf.changing();
        let is_usable = |tokenizer: &str| self.engine.check_tokenizer(tokenizer).is_ok();
        let (replaced, tokenizer) = brought.switch(is_usable)?;
        shared.shelf.remember_default(&name, tokenizer.as_deref());
        shared.catalog.publish(&name, Entry::live(lineage));
        if let Some(closing) = closing {
            closing.done();
        }
        replaced.remove();
        tracing::info!(table = %name, generation = meta.generation, "brought a table");
        Ok(())
    }

    /// Brings what of a table's index is not here; a part that is late is the last one for now.
    fn index(&self, publication: &Publication, table: &PublishedTable) -> Result<Went> {
        let (shared, name) = (&self.engine.shared, &table.name);
        let is_it = |entry: Arc<Entry>| entry.meta().generation == table.generation;
        if !shared.catalog.here(name).is_some_and(is_it) {
            return Ok(Went::On);
        }
        for part in &shared.store.lacks(publication, name)? {
            let go_on = || self.holding(publication);
            let what = (name, part.as_str());
            shared.store.bring_index_part(&*self.target, publication, what, &go_on)?;
            build::join_index(shared, shared.catalog.current(name)?.generation());
            let now = publish::current(&*self.target)?;
            let is_late = now.and_then(|now| now.at()) != Some(publication.at());
            if is_late || self.is_wanting(Instant::now()) {
                return Ok(Went::Late);
            }
        }
        Ok(Went::On)
    }

    /// Makes the writes that the table here has not seen.
    fn writes(&self, publication: &Publication, table: &PublishedTable) -> Result<()> {
        let (shared, name) = (&self.engine.shared, &table.name);
        let lineage = shared.catalog.lineage(name)?;
        let after = lineage.current().view().sequence();
        if after >= table.sequence {
            return Ok(());
        }
        let mut unseen = None;
        let mut show = |number: u64, changes: Vec<Change>| {
            let epoch = self.write(&lineage, number, changes)?;
            unseen = Some((epoch, number));
            if number.is_multiple_of(WRITES_AT_ONCE)
                && let Some((epoch, number)) = unseen.take()
            {
                self.show(&lineage, epoch, number)?;
            }
            Ok(())
        };
        let go_on = || self.engine.go_on();
        let target = &*self.target;
        let written = shared.store.each_published_write(
            target,
            publication,
            (name, after),
            &go_on,
            &mut show,
        );
        if let Some((epoch, number)) = unseen {
            self.show(&lineage, epoch, number)?;
        }
        written
    }

    fn write(&self, lineage: &Lineage, number: u64, changes: Vec<Change>) -> Result<u64> {
        let store = &self.engine.shared.store;
        let mut writer = lineage.writer();
        let epoch = store.ready()?;
        lineage.follow(&mut writer, epoch, store.last_write(lineage.number()));
        if writer.head.sequence().saturating_add(1) != number {
            // What the disk refused meanwhile is brought again.
            return Err(Error::new(ErrorKind::Storage));
        }
        let what = || format!("table \"{}\", write {number} of its journal", lineage.name());
        let view = writer.head.after(&changes).map_err(|cause| {
            let advice = "what was brought before still answers";
            Error::caused(ErrorKind::Corrupt { what: what(), advice }, cause)
        })?;
        store.append(epoch, lineage.number(), number, &changes)?;
        writer.wrote(view, changes);
        Ok(epoch)
    }

    fn show(&self, lineage: &Lineage, epoch: u64, number: u64) -> Result<()> {
        self.engine.shared.store.make_durable(epoch)?;
        lineage.publish(&mut lineage.writer(), number);
        Ok(())
    }
}
