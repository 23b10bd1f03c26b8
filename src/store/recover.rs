//! A new catalog, made of the generations that are whole, and a list of what could not be saved.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::store::catalog::{self, Imported, Known};
use crate::store::check::{GoOn, spared};
use crate::store::generation::{self, Generation};
use crate::store::kv::{self, Kv};
use crate::store::ledger::{Found, Ledger};
use crate::store::{blob, folder, journal};
use crate::table::meta::TableName;

/// What became of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Each table that is there now, and its rows without writes since its generation.
    pub tables: Vec<(String, u64)>,
    /// What could not be saved, a sentence each.
    pub losses: Vec<String>,
    /// Where what is not used any more was moved.
    pub moved: Vec<String>,
}

/// Makes a new catalog for a folder that nobody has open. Nothing is removed: what is damaged, and what
/// is replaced, is moved to `lost/`.
///
/// A ledger that is whole tells which generation each name means; without it, it is the newest one
/// that is whole. Writes since are taken from the old key-value store as far as it can be read.
///
/// # Errors
///
/// If the folder is in use, is of an older format, or if the disk fails.
pub fn recover(data: &Path, go_on: GoOn<'_>) -> Result<Recovered> {
    let _lock = folder::Lock::take(data)?;
    if folder::version(data).is_ok_and(|known| known.is_some_and(|v| v < folder::VERSION)) {
        let because = "the folder is of an older format: start a server on it first".to_owned();
        return Err(Error::new(ErrorKind::Unsuited { operation: "recovering", because }));
    }
    let mut work = Work { data, go_on, done: Recovered::default() };
    let (store, ledger) = (data.join(folder::STORE), data.join(folder::LEDGER));
    let trial = data.join(folder::TRIAL);
    blob::remove_folder(&trial)?;
    let old = store.is_dir().then(|| kv::copy(&store, &trial).and_then(|()| Kv::open(&trial)));
    let old = old.and_then(Result::ok);
    let known = match Ledger::read(&ledger)? {
        Found::Whole(state) => Some(Known::of(&state)?),
        Found::Damaged | Found::Missing => old.as_ref().and_then(|old| catalog::known_by(old).ok()),
    };
    if known.is_none() {
        let loss = "neither ledger nor key-value store can be read: each table is its newest \
                    generation that is whole, and its tokenizer is not known";
        work.done.losses.push(loss.to_owned());
    }
    let chosen = work.choose(known.as_ref())?;
    work.move_away(&store)?;
    work.move_away(&ledger)?;
    catalog::make(data)?;
    let kv = Kv::open(&store)?;
    for generation in chosen.values().map(|(generation, _)| generation) {
        work.save_writes(generation, old.as_ref(), known.as_ref(), &kv);
        let meta = &generation.manifest.meta;
        work.done.tables.push((meta.name.to_string(), meta.row_count));
    }
    let last = folder::generations(data)?.last().copied().unwrap_or(0);
    let last = last.max(known.as_ref().map_or(0, Known::last_generation));
    let tables = chosen.into_iter().map(|(name, (generation, tokenizer))| {
        (name, generation.manifest.meta.generation, tokenizer)
    });
    let imported = Imported { tables: tables.collect(), last_generation: last };
    let known = catalog::import(&kv, imported)?;
    kv.make_durable()?;
    kv.close()?;
    if let Some(old) = old {
        old.close()?;
    }
    blob::remove_folder(&trial)?;
    Ledger::create(&ledger, &known.state()?)?;
    Ok(work.done)
}

/// The generation of each table, and its tokenizer.
type Chosen = BTreeMap<TableName, (Generation, Option<String>)>;

struct Work<'a> {
    data: &'a Path,
    go_on: GoOn<'a>,
    done: Recovered,
}

impl Work<'_> {
    /// What each name means; all other generations are moved away.
    fn choose(&mut self, known: Option<&Known>) -> Result<Chosen> {
        let mut chosen = Chosen::new();
        let mut others = BTreeMap::new();
        let named: BTreeMap<u64, (TableName, Option<String>)> =
            known.map(Known::named).unwrap_or_default();
        for (number, opened) in generation::all(self.data)? {
            let opened = opened.and_then(|opened| self.without_damage(opened));
            match (opened, named.get(&number)) {
                (Ok(Some(mut generation)), Some((name, tokenizer))) => {
                    generation.manifest.meta.name = name.clone();
                    chosen.insert(name.clone(), (generation, tokenizer.clone()));
                }
                (Ok(Some(generation)), None) => _ = others.insert(number, generation),
                (Ok(None), _) => self.move_generation(number)?,
                (Err(error), _) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => {
                    self.done.losses.push(error.to_string());
                    self.move_generation(number)?;
                }
                (Err(error), _) => return Err(error),
            }
        }
        for (number, (name, tokenizer)) in &named {
            if chosen.contains_key(name) {
                continue;
            }
            // An older generation of it may be there.
            let older = others.iter().rev().find(|(_, old)| old.manifest.meta.name == *name);
            match older.map(|(&number, _)| number).and_then(|number| others.remove(&number)) {
                Some(generation) => {
                    let old = generation.manifest.meta.generation;
                    let loss = format!(
                        "table {name}: generation {number} is lost; it is generation {old} again"
                    );
                    self.done.losses.push(loss);
                    chosen.insert(name.clone(), (generation, tokenizer.clone()));
                }
                None => self.done.losses.push(format!("table {name}: generation {number} is lost")),
            }
        }
        for (number, generation) in others.into_iter().rev() {
            let name = generation.manifest.meta.name.clone();
            if known.is_none() && !chosen.contains_key(&name) {
                chosen.insert(name, (generation, None));
            } else {
                self.move_generation(number)?;
            }
        }
        Ok(chosen)
    }

    /// The generation without the parts that are damaged and that it can do without; none if its
    /// words or vectors are damaged.
    fn without_damage(&mut self, mut generation: Generation) -> Result<Option<Generation>> {
        let damages = generation.damages(self.go_on)?;
        if damages.is_empty() {
            return Ok(Some(generation));
        }
        let meta = &generation.manifest.meta;
        let of = format!("table {}, generation {}", meta.name, meta.generation);
        for (part, error) in &damages {
            let told = if part == generation::GRAPH { "it is built again" } else { "it is lost" };
            self.done.losses.push(format!("{of}: its part {part} is damaged, {told} ({error})"));
        }
        let Some(spared) = spared(&damages) else { return Ok(None) };
        for part in spared {
            self.move_away(&generation.folder.join(&part))?;
            generation.manifest.parts.remove(&part);
            let meta = &mut generation.manifest.meta;
            match part.as_str() {
                "subwords" => meta.subwords = None,
                "inputs" => meta.inputs = None,
                "attributes" => meta.applied.attributed_rows = 0,
                _ => {}
            }
        }
        generation.seal()?;
        Ok(Some(generation))
    }

    /// Copies the writes since a generation from the old key-value store, as far as they are whole.
    fn save_writes(
        &mut self,
        generation: &Generation,
        old: Option<&Kv>,
        known: Option<&Known>,
        kv: &Kv,
    ) {
        let meta = &generation.manifest.meta;
        let first = meta.applied.sequence.saturating_add(1);
        let told = old.and_then(|old| journal::last_writes(old).ok()?.remove(&meta.lineage()));
        let last = known.map_or(0, |known| known.last_write(meta.lineage())).max(told.unwrap_or(0));
        if last < first {
            return;
        }
        let mut saved = meta.applied.sequence;
        let read = match old {
            Some(old) => journal::each_write(old, meta, first..=last, |sequence, changes| {
                journal::append(kv, meta.lineage(), sequence, &changes)?;
                saved = sequence;
                Ok(())
            }),
            None => Err(Error::new(ErrorKind::Storage)),
        };
        if saved < last {
            let why = read.err().map_or_else(String::new, |error| format!(" ({error})"));
            let name = &meta.name;
            let loss = format!("table {name}: its writes {} to {last} are lost{why}", saved + 1);
            self.done.losses.push(loss);
        }
    }

    fn move_generation(&mut self, number: u64) -> Result<()> {
        self.move_away(&folder::generation(self.data, number))
    }

    fn move_away(&mut self, path: &Path) -> Result<()> {
        let moved = blob::move_to_lost(&self.data.join(folder::LOST), path)?;
        self.done.moved.extend(moved.map(|path| path.display().to_string()));
        Ok(())
    }
}
