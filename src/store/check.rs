//! Every byte of a data folder read again, and compared with what was written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::store::catalog::{self, Known};
use crate::store::generation::{self, Generation};
use crate::store::kv::{self, Kv, Trial};
use crate::store::ledger::{Found, Ledger};
use crate::store::shelf::{SORTS, Shelf};
use crate::store::{Shared, TRIES, folder, journal};
use crate::table::meta::TableName;

/// Whether it is to go on: an error ends it.
pub type GoOn<'a> = &'a dyn Fn() -> Result<()>;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Bytes that were read.
    pub bytes: u64,
    /// Tables that are whole.
    pub whole: Vec<String>,
    /// What is not as it was written.
    pub damages: Vec<Damage>,
}

/// Something that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The table it belongs to; none if it belongs to all, or to none.
    pub table: Option<String>,
    /// The part: one of a generation, such as `vectors`; `manifest`, `journal`, `catalog`, `ledger`;
    /// `tokenizer` or `test set`.
    pub part: String,
    /// What is wrong.
    pub problem: String,
}

impl Checked {
    fn damage(&mut self, table: Option<&str>, part: &str, problem: impl Into<String>) {
        let table = table.map(ToOwned::to_owned);
        self.damages.push(Damage { table, part: part.to_owned(), problem: problem.into() });
    }
}

/// Checks a folder that nobody has open. What is kept there does not change; beside it stands a copy of the
/// key-value store for the time of the check.
///
/// # Errors
///
/// If the folder is in use, is of an older format, or cannot be read. Damage is no error.
pub fn check(data: &Path, go_on: GoOn<'_>) -> Result<Checked> {
    let _lock = folder::Lock::take(data)?;
    let mut checked = Checked::default();
    match folder::version(data) {
        Ok(Some(version)) if version < folder::VERSION => {
            let because = "the folder is of an older format: start a server on it first".to_owned();
            return Err(Error::new(ErrorKind::Unsuited { operation: "checking", because }));
        }
        Ok(Some(_)) => {}
        Ok(None) => checked.damage(None, "catalog", "store/format is missing"),
        Err(error) => checked.damage(None, "catalog", error.to_string()),
    }
    let (trial, known) = check_catalog(data, &mut checked)?;
    let named = known.as_ref().map(Known::named).unwrap_or_default();
    let named: BTreeMap<u64, String> =
        named.into_iter().map(|(number, (name, _))| (number, name.to_string())).collect();
    let all = generation::all(data)?;
    for (number, name) in &named {
        if !all.contains_key(number) {
            let problem = format!("generations/{number} is missing");
            checked.damage(Some(name), "manifest", problem);
        }
    }
    for (number, opened) in all {
        go_on()?;
        match opened {
            Ok(generation) => {
                let known = known.as_ref().filter(|_| named.contains_key(&number));
                let last =
                    known.map_or(0, |known| known.last_write(generation.manifest.meta.lineage()));
                check_generation(&generation, &mut checked, go_on, |show| match &trial {
                    Some(trial) => show(trial.kv(), last),
                    None if last > generation.manifest.meta.applied.sequence => {
                        Err(Error::new(ErrorKind::Storage))
                    }
                    None => Ok(()),
                })?;
            }
            Err(error) => {
                let table = named.get(&number).map(String::as_str);
                checked.damage(table, "manifest", error.to_string());
            }
        }
    }
    check_shelves(data, &mut checked, go_on)?;
    Ok(checked)
}

/// What the catalog says, and the key-value store, opened in a copy: opening changes files.
fn check_catalog(data: &Path, checked: &mut Checked) -> Result<(Option<Trial>, Option<Known>)> {
    let store = data.join(folder::STORE);
    let found = Ledger::read(&data.join(folder::LEDGER))?;
    let mut known = match &found {
        Found::Whole(state) => Some(Known::of(state)?),
        Found::Damaged => {
            checked.damage(None, "ledger", "it was changed");
            None
        }
        Found::Missing => {
            checked.damage(None, "ledger", "it is missing");
            None
        }
    };
    if let Found::Whole(state) = &found
        && let Some(closed) = &state.closed
        && let Some(file) = kv::changed(closed, &kv::digests(&store).unwrap_or_default())
    {
        checked.damage(None, "catalog", format!("store/{file} was changed or is missing"));
    }
    let trial = Trial::open(&store, &data.join(folder::TRIAL));
    let trial = trial.inspect_err(|error| checked.damage(None, "catalog", error.to_string())).ok();
    match (trial.as_ref().map(|trial| catalog::known_by(trial.kv())), &mut known) {
        (Some(Ok(told)), Some(known)) => {
            for key in known.forgotten(&told) {
                checked.damage(None, "catalog", format!("the key-value store forgot {key}"));
            }
        }
        (Some(Ok(told)), known) => *known = Some(told),
        (Some(Err(error)), _) => checked.damage(None, "catalog", error.to_string()),
        (None, _) => {}
    }
    for problem in known.as_ref().map(Known::dangling).unwrap_or_default() {
        checked.damage(None, "catalog", problem);
    }
    Ok((trial, known))
}

/// Checks what a server has open.
pub(super) fn check_open(
    shared: &Shared,
    go_on: GoOn<'_>,
    on_progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked> {
    let total = shared.bytes_kept();
    let mut checked = Checked::default();
    if let Some(problem) = shared.catalog.problem() {
        checked.damage(None, "catalog", problem);
    }
    for problem in shared.catalog.dangling() {
        checked.damage(None, "catalog", problem);
    }
    for name in shared.catalog.tables().into_keys() {
        go_on()?;
        on_progress(checked.bytes, total);
        check_table(shared, &name, &mut checked, go_on)?;
    }
    check_shelves(&shared.folder, &mut checked, go_on)?;
    Ok(checked)
}

/// Checks a table as it is now. One that is replaced while it is read loses its files, which is no damage:
/// it is begun again.
fn check_table(
    shared: &Shared,
    name: &TableName,
    checked: &mut Checked,
    go_on: GoOn<'_>,
) -> Result<()> {
    for _ in 0..TRIES {
        let Some(record) = shared.catalog.table(name) else { return Ok(()) };
        let found = shared.generation(record.generation);
        let mut now = Checked::default();
        match &found {
            Ok(generation) => {
                let mut generation = generation.clone();
                generation.manifest.meta.name = name.clone();
                let last = shared.catalog.last_write(generation.manifest.meta.lineage());
                // The parts are read without holding up whoever opens the store again.
                check_generation(&generation, &mut now, go_on, |show| {
                    shared.catalog.read(|kv| show(kv, last))
                })?;
            }
            Err(error) => now.damage(Some(name.as_str()), "manifest", error.to_string()),
        }
        checked.bytes += now.bytes;
        if now.damages.is_empty() || shared.is_still(name, &record, found.ok().as_ref()) {
            checked.whole.extend(now.whole);
            checked.damages.extend(now.damages);
            return Ok(());
        }
    }
    let problem = format!("it was replaced {TRIES} times while it was read, and is not checked");
    checked.damage(Some(name.as_str()), "manifest", problem);
    Ok(())
}

/// Checks the parts, and then the writes up to the last one, in the key-value store that `within` shows.
fn check_generation(
    generation: &Generation,
    checked: &mut Checked,
    go_on: GoOn<'_>,
    within: impl FnOnce(&dyn Fn(&Kv, u64) -> Result<()>) -> Result<()>,
) -> Result<()> {
    let meta = &generation.manifest.meta;
    let before = checked.damages.len();
    checked.bytes += generation.manifest.parts.values().map(|part| part.bytes).sum::<u64>();
    for (part, error) in generation.damages(go_on)? {
        checked.damage(Some(meta.name.as_str()), &part, error.to_string());
    }
    let first = meta.applied.sequence.saturating_add(1);
    let read = |kv: &Kv, last| {
        if last < first {
            return Ok(());
        }
        journal::each_write(kv, meta, first..=last, |_, _| go_on())
    };
    if let Err(error) = within(&read) {
        go_on()?;
        checked.damage(Some(meta.name.as_str()), "journal", error.to_string());
    }
    if checked.damages.len() == before {
        checked.whole.push(meta.name.to_string());
    }
    Ok(())
}

fn check_shelves(data: &Path, checked: &mut Checked, go_on: GoOn<'_>) -> Result<()> {
    for sort in SORTS {
        let shelf = Shelf::new(data, sort);
        for (name, bytes) in shelf.list()? {
            go_on()?;
            checked.bytes += bytes;
            let verified = shelf.container(&name).and_then(|file| match file {
                Some(file) => file.verify(),
                None => Ok(()),
            });
            if let Err(error) = verified {
                checked.damage(None, sort.what, error.to_string());
            }
        }
    }
    Ok(())
}

/// The names of the parts that a damaged generation can do without.
pub(super) fn spared(parts: &[(String, Error)]) -> Option<BTreeSet<String>> {
    let needed = [crate::table::part::WORDS.name, crate::table::part::VECTORS.name];
    let can = parts.iter().all(|(part, _)| !needed.contains(&part.as_str()));
    can.then(|| parts.iter().map(|(part, _)| part.clone()).collect())
}
