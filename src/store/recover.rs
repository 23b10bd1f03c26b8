//! A new catalog, made of the generations that are whole, and a list of what could not be saved.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::store::catalog::{self, Imported, Known};
use crate::store::check::{GoOn, spared};
use crate::store::generation::{self, Generation, MANIFEST};
use crate::store::kv::{self, Kv, Trial};
use crate::store::ledger::{Found, Ledger};
use crate::store::{blob, folder, journal};
use crate::table::meta::TableName;

/// What became of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
/// All that is new is made in `recovery/`, and only then do names change, the key-value store's first and
/// last. Killed before, it begins anew; killed while they change, it goes on there.
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
    let has_begun = !data.join(folder::STORE).exists();
    let has_ended = !data.join(folder::RECOVERY).join(folder::STORE).exists();
    if (has_begun || has_ended)
        && let Some(plan) = Plan::read(data)?
    {
        return plan.carry_out(data);
    }
    forget(data)?;
    let plan = prepare(data, go_on)?;
    plan.write(data)?;
    plan.carry_out(data)
}

/// Forgets a recovery that ended before it changed a name: the old key-value store goes on.
pub(super) fn forget(data: &Path) -> Result<()> {
    // The plan first: without the rest it would be taken for one that was carried out.
    blob::remove(&Plan::path(data))?;
    blob::remove_folder(&data.join(folder::RECOVERY))
}

/// Makes the new key-value store and the new ledger beside the old ones, and plans the rest.
fn prepare(data: &Path, go_on: GoOn<'_>) -> Result<Plan> {
    let mut work = Work { data, go_on, plan: Plan::default() };
    work.move_away(Path::new(folder::STORE));
    let old = data.join(folder::STORE);
    let old = old.is_dir().then(|| Trial::open(&old, &data.join(folder::TRIAL)).ok()).flatten();
    let old = old.as_ref().map(Trial::kv);
    let known = match Ledger::read(&data.join(folder::LEDGER))? {
        Found::Whole(state) => Some(Known::of(&state)?),
        Found::Damaged | Found::Missing => old.and_then(|old| catalog::known_by(old).ok()),
    };
    if known.is_none() {
        let writes = if old.is_none() { "the writes since are lost, " } else { "" };
        let loss = format!(
            "neither ledger nor key-value store can be read: each table is its newest generation \
             that is whole, {writes}and its tokenizer is not known"
        );
        work.plan.done.losses.push(loss);
    }
    let chosen = work.choose(known.as_ref())?;
    let making = data.join(folder::RECOVERY);
    let (store, ledger) = (making.join(folder::STORE), making.join(folder::LEDGER));
    let kv = Kv::open(&store)?;
    for generation in chosen.values().map(|(generation, _)| generation) {
        work.save_writes(generation, old, known.as_ref(), &kv);
        let meta = &generation.manifest.meta;
        work.plan.done.tables.push((meta.name.to_string(), meta.row_count));
    }
    let last = folder::generations(data)?.last().copied().unwrap_or(0);
    let last = last.max(known.as_ref().map_or(0, Known::last_generation));
    let mut aliases = known.as_ref().map(Known::aliases).unwrap_or_default();
    for (alias, table) in aliases.extract_if(.., |_, table| !chosen.contains_key(table)) {
        let loss = format!("the alias {alias} of the table {table}, which is lost");
        work.plan.done.losses.push(loss);
    }
    let tables = chosen.into_iter().map(|(name, (generation, tokenizer))| {
        (name, generation.manifest.meta.generation, tokenizer)
    });
    let aliases = aliases.into_iter().collect();
    let imported = Imported { tables: tables.collect(), aliases, last_generation: last };
    let known = catalog::import(&kv, imported)?;
    kv.make_durable()?;
    kv.close()?;
    // Sled writes while it closes.
    kv::sync_closed(&store)?;
    folder::write_version(&store)?;
    Ledger::create(&ledger, &known.state()?)?;
    work.move_away(Path::new(folder::LEDGER));
    for name in [folder::LEDGER, folder::STORE] {
        work.plan.moves.push((Path::new(folder::RECOVERY).join(name), name.into()));
    }
    Ok(work.plan)
}

/// What is left to do once all that is new is made: names that change.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Plan {
    done: Recovered,
    /// From where to where below the data folder, in order.
    moves: Vec<(PathBuf, PathBuf)>,
}

impl Plan {
    /// The plan of a recovery that was not ended; none if there is none.
    fn read(data: &Path) -> Result<Option<Self>> {
        let path = Self::path(data);
        let Some(mut file) = blob::open(&path)? else { return Ok(None) };
        let mut text = Vec::new();
        let read = io::Read::read_to_end(&mut file, &mut text).map_err(Error::disk);
        read.context(|| format!("reading {}", path.display()))?;
        Ok(serde_json::from_slice(&text).ok())
    }

    fn write(&self, data: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)
            .map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
        blob::publish(&Self::path(data), &text)
    }

    fn path(data: &Path) -> PathBuf {
        data.join(folder::RECOVERY).join("plan")
    }

    /// Changes the names; those that a killed process had changed already are as they shall be.
    fn carry_out(self, data: &Path) -> Result<Recovered> {
        for (from, to) in &self.moves {
            let (from, to) = (data.join(from), data.join(to));
            if from.exists() && !to.exists() {
                blob::move_to(&from, &to)?;
            }
        }
        // The plan last: until then it tells what was done.
        for path in blob::list(&data.join(folder::RECOVERY))? {
            if path.is_dir() {
                blob::remove_folder(&path)?;
            }
        }
        blob::remove_folder(&data.join(folder::RECOVERY))?;
        Ok(self.done)
    }
}

/// The generation of each table, and its tokenizer.
type Chosen = BTreeMap<TableName, (Generation, Option<String>)>;

struct Work<'a> {
    data: &'a Path,
    go_on: GoOn<'a>,
    plan: Plan,
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
                (Ok(None), _) => self.move_generation(number),
                (Err(error), _) if matches!(error.kind(), ErrorKind::Corrupt { .. }) => {
                    self.plan.done.losses.push(error.to_string());
                    self.move_generation(number);
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
                    self.plan.done.losses.push(loss);
                    chosen.insert(name.clone(), (generation, tokenizer.clone()));
                }
                None => {
                    self.plan
                        .done
                        .losses
                        .push(format!("table {name}: generation {number} is lost"));
                }
            }
        }
        for (number, generation) in others.into_iter().rev() {
            let name = generation.manifest.meta.name.clone();
            if known.is_none() && !chosen.contains_key(&name) {
                chosen.insert(name, (generation, None));
            } else {
                self.move_generation(number);
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
            let is_index = generation::INDEX_PARTS.contains(&part.as_str());
            let told = match part.as_str() {
                generation::PLACES => "`wordspace map --layout neighbors` makes it again",
                _ if is_index => "it is built again",
                _ => "it is lost",
            };
            self.plan
                .done
                .losses
                .push(format!("{of}: its part {part} is damaged, {told} ({error})"));
        }
        let Some(spared) = spared(&damages) else { return Ok(None) };
        let number = meta.generation;
        let folder = Path::new(folder::GENERATIONS).join(number.to_string());
        for part in spared {
            self.move_away(&folder.join(&part));
            generation.manifest.parts.remove(&part);
            let meta = &mut generation.manifest.meta;
            match part.as_str() {
                "subwords" => meta.subwords = None,
                "inputs" => meta.inputs = None,
                "attributes" => meta.applied.attributed_rows = 0,
                _ => {}
            }
        }
        // The manifest without them, which takes the place of the old one.
        let made = Path::new(folder::RECOVERY).join(number.to_string());
        generation.seal_in(&self.data.join(&made))?;
        let manifest = folder.join(MANIFEST.name);
        self.move_away(&manifest);
        self.plan.moves.push((made.join(MANIFEST.name), manifest));
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
            self.plan.done.losses.push(loss);
        }
    }

    fn move_generation(&mut self, number: u64) {
        self.move_away(&Path::new(folder::GENERATIONS).join(number.to_string()));
    }

    /// Plans that what stands there below the data folder, if anything does, goes to `lost/`.
    fn move_away(&mut self, below: &Path) {
        if !self.data.join(below).exists() {
            return;
        }
        let name = below.file_name().unwrap_or_default().to_string_lossy();
        let free = (1_u64..).map(|number| Path::new(folder::LOST).join(format!("{name}.{number}")));
        let is_free = |to: &PathBuf| {
            !self.data.join(to).exists() && self.plan.moves.iter().all(|(_, taken)| taken != to)
        };
        let Some(to) = free.into_iter().find(is_free) else { return };
        self.plan.done.moved.push(self.data.join(&to).display().to_string());
        self.plan.moves.push((below.to_path_buf(), to));
    }
}
