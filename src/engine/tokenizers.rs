//! The shelf of tokenizers: what stands behind each name, opened when first used, swapped atomically.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, Weak};

use arc_swap::ArcSwap;
use parking_lot::{Mutex, MutexGuard};

use crate::engine::lineage::Name;
use crate::engine::{Engine, Shared};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::store::Store;
use crate::table::meta::TableName;
use crate::text::cutter::{Cutter, FALLBACK};
use crate::text::shipped;
use crate::text::spec::{Kind, Spec};
use crate::text::tokenizer::Tokenizer;

/// Stored tokenizers, and which one a table uses.
#[derive(Debug)]
pub(super) struct Shelf {
    entries: ArcSwap<BTreeMap<TableName, Arc<Entry>>>,
    defaults: ArcSwap<BTreeMap<TableName, String>>,
    /// Held while the store and the shelf are changed together.
    changing: Mutex<()>,
}

/// A stored tokenizer.
#[derive(Debug)]
struct Entry {
    stored_bytes: u64,
    opened: OnceLock<Result<Tokenizer, ErrorKind>>,
    /// Of all that it is made of, once somebody has asked.
    digest: OnceLock<Result<String, ErrorKind>>,
}

impl Entry {
    fn new(stored_bytes: u64) -> Arc<Self> {
        Arc::new(Self { stored_bytes, opened: OnceLock::new(), digest: OnceLock::new() })
    }
}

/// What is known of a tokenizer.
#[derive(Clone, Debug)]
pub struct TokenizerStatus {
    /// Its name.
    pub name: String,
    /// Itself; or why it cannot be used.
    pub tokenizer: Result<Tokenizer, ErrorKind>,
    /// Bytes on disk; none for one that is built in.
    pub stored_bytes: Option<u64>,
    /// Tables that use it where none is named.
    pub tables: Vec<String>,
}

impl Shelf {
    pub(super) fn open(store: &Store) -> Result<Self> {
        let entries =
            store.tokenizers()?.into_iter().map(|(name, bytes)| (name, Entry::new(bytes)));
        let defaults = store.default_tokenizers().into_iter().collect();
        Ok(Self {
            entries: ArcSwap::from_pointee(entries.collect()),
            defaults: ArcSwap::from_pointee(defaults),
            changing: Mutex::new(()),
        })
    }

    /// A table is gone: so is what it used.
    pub(super) fn forget_table(&self, table: &TableName) {
        self.remember_default(table, None);
    }

    /// Which tokenizer a table uses, as the store has it.
    pub(super) fn remember_default(&self, table: &TableName, name: Option<&str>) {
        self.update_defaults(|defaults| match name {
            Some(name) => drop(defaults.insert(table.clone(), name.to_owned())),
            None => drop(defaults.remove(table)),
        });
    }

    /// A table has another name; what it uses is found under both of them for a moment.
    pub(super) fn rename_table(&self, old: &TableName, new: &TableName, rename: impl FnOnce()) {
        let name = self.defaults.load().get(old).cloned();
        self.remember_default(new, name.as_deref());
        rename();
        self.remember_default(old, None);
    }

    /// Held while it must not change which tokenizers there are, and which table uses which.
    pub(super) fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock()
    }

    fn entry(&self, name: &str) -> Result<(TableName, Arc<Entry>)> {
        let not_found = || Error::new(ErrorKind::TokenizerNotFound { name: name.to_owned() });
        let name = TableName::try_from(name.to_owned()).map_err(|_| not_found())?;
        let entry = self.entries.load().get(&name).cloned().ok_or_else(not_found)?;
        Ok((name, entry))
    }

    /// A stored tokenizer, opened if nobody has used it yet.
    fn stored(&self, store: &Store, name: &str) -> Result<Tokenizer> {
        let (name, entry) = self.entry(name)?;
        let open = || self.read(store, &name).map_err(|error| error.kind().clone());
        let opened = entry.opened.get_or_init(open);
        opened.clone().map_err(Error::new).context(|| format!("tokenizer {name}"))
    }

    fn read(&self, store: &Store, name: &TableName) -> Result<Tokenizer> {
        let spec = store.tokenizer(name)?;
        let not_found = || Error::new(ErrorKind::TokenizerNotFound { name: name.to_string() });
        self.build(store, &spec.ok_or_else(not_found)?)
    }

    fn build(&self, store: &Store, spec: &Spec) -> Result<Tokenizer> {
        Tokenizer::open(spec, &|parts| {
            let (name, _) = self.entry(parts)?;
            // A hybrid in a hybrid could lead back to itself, so it is refused before it is opened.
            if store.tokenizer(&name)?.is_some_and(|spec| matches!(spec.kind, Kind::Hybrid { .. }))
            {
                let problem = format!("{name} is a hybrid tokenizer itself");
                return Err(Error::invalid("hybrid.parts", problem));
            }
            self.stored(store, parts)
        })
    }

    fn update(&self, change: impl Fn(&mut BTreeMap<TableName, Arc<Entry>>)) {
        self.entries.rcu(|entries| {
            let mut entries = BTreeMap::clone(entries);
            change(&mut entries);
            // A hybrid may hold what was changed: it is opened again.
            for entry in entries.values_mut() {
                let hybrid = entry
                    .opened
                    .get()
                    .is_some_and(|opened| opened.as_ref().is_ok_and(Tokenizer::needs_table));
                if hybrid {
                    *entry = Entry::new(entry.stored_bytes);
                }
            }
            entries
        });
    }

    fn update_defaults(&self, change: impl Fn(&mut BTreeMap<TableName, String>)) {
        self.defaults.rcu(|defaults| {
            let mut defaults = BTreeMap::clone(defaults);
            change(&mut defaults);
            defaults
        });
    }

    /// The tables that use a tokenizer where none is named.
    pub(super) fn tables_of(&self, name: &str) -> Vec<String> {
        let defaults = self.defaults.load();
        let tables = defaults.iter().filter(|(_, tokenizer)| *tokenizer == name);
        tables.map(|(table, _)| table.to_string()).collect()
    }
}

/// Tokenizers by name.
impl Engine {
    /// The tokenizer of a name, and the name; of none, that of the table, else Unicode words.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or if it is damaged.
    pub fn tokenizer(&self, name: &str, table: Option<&TableName>) -> Result<(String, Tokenizer)> {
        let named = self.shared.tokenizer(name, table)?;
        match named {
            Some(named) => Ok(named),
            None => self.tokenizer(FALLBACK, None),
        }
    }

    /// A digest of all that a stored tokenizer is made of; empty of one that is built in.
    pub(super) fn tokenizer_digest(&self, name: &str) -> Result<String> {
        if name.is_empty() || Tokenizer::named(name).is_some() {
            return Ok(String::new());
        }
        let (name, entry) = self.shared.shelf.entry(name)?;
        let digest = || {
            let digest = self.shared.store.tokenizer_digest(&name).map_err(|e| e.kind().clone())?;
            digest.ok_or_else(|| ErrorKind::TokenizerNotFound { name: name.to_string() })
        };
        entry.digest.get_or_init(digest).clone().map_err(Error::new)
    }

    /// Stores a tokenizer, in place of one of its name only if `replace`.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, if there is one of that name, or if the disk fails.
    pub fn put_tokenizer(
        &self,
        name: &TableName,
        spec: &Spec,
        replace: bool,
    ) -> Result<TokenizerStatus> {
        self.check_new_tokenizer(name, replace)?;
        let spec = &*shipped::complete(spec)?;
        // Opening may take long; only what follows must be alone.
        let tokenizer = self.open_tokenizer(spec)?;
        self.put_opened(name, spec, tokenizer, replace)
    }

    /// A tokenizer that is not stored, or not yet.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub(super) fn open_tokenizer(&self, spec: &Spec) -> Result<Tokenizer> {
        self.shared.shelf.build(&self.shared.store, spec)
    }

    /// As [`Engine::put_tokenizer`], for one that was opened.
    pub(super) fn put_opened(
        &self,
        name: &TableName,
        spec: &Spec,
        tokenizer: Tokenizer,
        replace: bool,
    ) -> Result<TokenizerStatus> {
        let store = &self.shared.store;
        let _changing = self.shared.shelf.changing.lock();
        self.check_new_tokenizer(name, replace)?;
        if tokenizer.needs_table() {
            self.check_unneeded(name)?;
        }
        name.check_case(self.shared.shelf.entries.load().keys())?;
        self.check_tokenizer_count()?;
        store.put_tokenizer(name, spec)?;
        let files = spec.files.iter().map(|file| file.bytes.len() as u64);
        let stored_bytes = files.sum();
        let opened = OnceLock::from(Ok(tokenizer));
        let entry = Arc::new(Entry { stored_bytes, opened, digest: OnceLock::new() });
        self.shared.shelf.update(|entries| drop(entries.insert(name.clone(), Arc::clone(&entry))));
        self.tokenizer_status(name.as_str())
    }

    /// Whether there is room for another tokenizer.
    ///
    /// # Errors
    ///
    /// If there is not.
    pub(super) fn check_tokenizer_count(&self) -> Result<()> {
        if self.shared.shelf.entries.load().len() < limits::TOKENIZERS_MAX {
            return Ok(());
        }
        let (limit, max) = ("TOKENIZERS_MAX", limits::TOKENIZERS_MAX as u64);
        Err(Error::new(ErrorKind::TooLarge { limit, max, got: max + 1 }))
    }

    /// Whether there is a tokenizer of this name.
    ///
    /// # Errors
    ///
    /// If there is not.
    pub(super) fn check_tokenizer(&self, name: &str) -> Result<()> {
        match Kind::of_name(name) {
            Some(_) => Ok(()),
            None => self.shared.shelf.entry(name).map(drop),
        }
    }

    /// Whether a tokenizer may be stored under a name.
    ///
    /// # Errors
    ///
    /// If the name is taken.
    pub fn check_new_tokenizer(&self, name: &TableName, replace: bool) -> Result<()> {
        if Kind::of_name(name.as_str()).is_some() {
            let problem = "this is the name of a tokenizer that is built in; take another";
            return Err(Error::invalid("name", problem));
        }
        if !replace && self.shared.shelf.entries.load().contains_key(name) {
            return Err(Error::new(ErrorKind::TokenizerExists { name: name.to_string() }));
        }
        Ok(())
    }

    /// What is known of a tokenizer.
    ///
    /// # Errors
    ///
    /// If there is none of that name.
    pub fn tokenizer_status(&self, name: &str) -> Result<TokenizerStatus> {
        let shelf = &self.shared.shelf;
        let tables = shelf.tables_of(name);
        if let Some(tokenizer) = Tokenizer::named(name) {
            let (name, tokenizer) = (name.to_owned(), Ok(tokenizer));
            return Ok(TokenizerStatus { name, tokenizer, stored_bytes: None, tables });
        }
        let (found, entry) = shelf.entry(name)?;
        let tokenizer = shelf.stored(&self.shared.store, name);
        Ok(TokenizerStatus {
            name: found.to_string(),
            tokenizer: tokenizer.map_err(|error| error.kind().clone()),
            stored_bytes: Some(entry.stored_bytes),
            tables,
        })
    }

    /// All tokenizers: the stored ones by name, then those that are built in.
    pub fn tokenizers(&self) -> Vec<TokenizerStatus> {
        let stored = self.shared.shelf.entries.load();
        let names = stored.keys().map(TableName::as_str).chain(Kind::NAMES);
        // One that was deleted meanwhile is none any more.
        names.filter_map(|name| self.tokenizer_status(name).ok()).collect()
    }

    /// What a stored tokenizer is made of.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or if it is damaged.
    pub fn tokenizer_spec(&self, name: &str) -> Result<Spec> {
        let (name, _) = self.shared.shelf.entry(name)?;
        let spec = self.shared.store.tokenizer(&name)?;
        spec.ok_or_else(|| Error::new(ErrorKind::TokenizerNotFound { name: name.to_string() }))
    }

    /// Deletes a stored tokenizer. Questions that have begun are still answered.
    ///
    /// # Errors
    ///
    /// If there is none of that name, if another or a table needs it, or if the disk fails.
    pub fn delete_tokenizer(&self, name: &str) -> Result<()> {
        let shelf = &self.shared.shelf;
        let _changing = shelf.changing.lock();
        let (name, _) = shelf.entry(name)?;
        let tables = shelf.tables_of(name.as_str());
        if !tables.is_empty() {
            return Err(needed(format!("it cuts the texts of the table {}", tables.join(", "))));
        }
        self.check_unneeded(&name)?;
        self.shared.store.delete_tokenizer(&name)?;
        shelf.update(|entries| drop(entries.remove(&name)));
        Ok(())
    }

    /// An error if a language model needs this one, or if a hybrid tokenizer is made of it.
    fn check_unneeded(&self, name: &TableName) -> Result<()> {
        let models = self.models_of_tokenizer(name)?;
        if let Some(model) = models.first() {
            return Err(needed(format!("it cuts the texts of the language model {model}")));
        }
        for other in self.shared.shelf.entries.load().keys().filter(|other| *other != name) {
            // A damaged one needs nothing.
            let spec = self.shared.store.tokenizer(other).ok().flatten();
            if let Some(Kind::Hybrid { parts, .. }) = spec.map(|spec| spec.kind)
                && parts == name.as_str()
            {
                return Err(needed(format!("the hybrid tokenizer {other} is made of it")));
            }
        }
        Ok(())
    }

    /// Says which tokenizer a table's texts are cut by where none is named; none for no one.
    ///
    /// # Errors
    ///
    /// If there is no such table or tokenizer, or if the disk fails.
    pub fn set_default_tokenizer(&self, table: &TableName, name: Option<&str>) -> Result<()> {
        if let Some(name) = name {
            // Opening may take long; only what follows must be alone.
            self.tokenizer(name, None)?;
        }
        let shelf = &self.shared.shelf;
        let _changing = shelf.changing();
        if let Some(name) = name {
            self.check_tokenizer(name)?;
        }
        let table = self.shared.catalog.table_of(table);
        self.shared.store.set_default_tokenizer(&table, name)?;
        shelf.remember_default(&table, name);
        Ok(())
    }
}

impl Shared {
    /// The tokenizer of a name, and the name; of none, that of the table, if it has one.
    fn tokenizer(
        &self,
        name: &str,
        table: Option<&TableName>,
    ) -> Result<Option<(String, Tokenizer)>> {
        let of_table = || self.shelf.defaults.load().get(table?).cloned();
        let name = if name.is_empty() { of_table() } else { Some(name.to_owned()) };
        let Some(name) = name else { return Ok(None) };
        let tokenizer = match Tokenizer::named(&name) {
            Some(tokenizer) => tokenizer,
            None => self.shelf.stored(&self.store, &name)?,
        };
        Ok(Some((name, tokenizer)))
    }

    /// Who cuts the texts of the table that has this name.
    pub(super) fn cutter(&self, table: &Arc<Name>) -> Arc<dyn Cutter> {
        Arc::new(CutterOf { shared: Weak::clone(&self.itself), table: Arc::clone(table) })
    }
}

/// Cuts the texts of a table by the tokenizer that it has when a question is asked.
#[derive(Debug)]
struct CutterOf {
    shared: Weak<Shared>,
    table: Arc<Name>,
}

impl Cutter for CutterOf {
    fn tokenizer(&self, name: &str) -> Result<Option<(String, Tokenizer)>> {
        // Whoever asks holds the engine.
        let shared = self.shared.upgrade().ok_or_else(|| Error::new(ErrorKind::Closing))?;
        shared.tokenizer(name, Some(&self.table.get()))
    }
}

fn needed(because: String) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "changing the tokenizer", because })
}
