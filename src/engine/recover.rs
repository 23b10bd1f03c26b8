//! A data folder made of what was published alone: the folder that published it is lost.

use std::path::Path;
use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::config::EngineConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::store::backup::Target;
use crate::store::publish::{self, Bring, Current, Mark, Publication};
use crate::table::meta::TableName;

/// Which publication is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The last one, or none.
    Last,
    /// The newest one that is whole.
    Whole,
}

/// What a folder was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Salvaged {
    /// The epoch and the number of the publication.
    pub at: (u64, u64),
    /// Its tables, each with the rows of its generation.
    pub tables: Vec<(TableName, u64)>,
    /// Why those after it were not taken, a sentence each.
    pub skipped: Vec<String>,
    /// Whether the folder goes on as the one that published there. It may only if it has all that any reader may
    /// have; else it has to be published elsewhere.
    pub goes_on: bool,
}

/// Makes a data folder of a publication, with every table, write, alias, tokenizer, test set and language model,
/// each compared with its digest. Where that fails nothing stays in the folder.
///
/// # Errors
///
/// If the folder holds anything but what an earlier recovery left that did not end; if nothing was published
/// there; if no publication that may be taken is whole: then every part that is damaged or missing is named; if
/// the location or the disk fails.
pub fn recover(data: &Path, target: Box<dyn Target>, which: Which) -> Result<Salvaged> {
    match publish::is_unfinished(data)? {
        None => {}
        Some(true) => publish::clear(data)?,
        Some(false) => {
            let because = format!("{} is not empty; name a new folder", data.display());
            return Err(unsuited(because));
        }
    }
    let work = Work { data, target: target.into() };
    let found = publish::current(&*work.target);
    if which == Which::Last {
        let current = found?.ok_or_else(nothing)?;
        let publication = Publication::read(&*work.target, &current)?.ok_or_else(nothing)?;
        let problems = work.lacking_or_brought(&publication, Some(&current))?;
        if problems.is_empty() {
            return Ok(work.salvaged(&publication, Vec::new(), true));
        }
        return Err(damaged(&problems));
    }
    work.newest(found)
}

struct Work<'a> {
    data: &'a Path,
    target: Arc<dyn Target>,
}

fn unsuited(because: String) -> Error {
    Error::new(ErrorKind::Unsuited { operation: "recovering", because })
}

fn nothing() -> Error {
    unsuited("nothing is published there".to_owned())
}

fn damaged(problems: &[String]) -> Error {
    let advice = "the newest publication that is whole is taken with --older";
    unsuited(format!("{}; {advice}", problems.join("; ")))
}

fn none_is_whole(skipped: &[String]) -> Error {
    unsuited(format!("no publication there is whole: {}", skipped.join("; ")))
}

fn is_damage(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Corrupt { .. } | ErrorKind::ForeignVersion { .. })
}

impl Work<'_> {
    fn newest(&self, found: Result<Option<Current>>) -> Result<Salvaged> {
        let mut skipped = Vec::new();
        let current = match found {
            Err(error) if is_damage(&error) => {
                skipped.push(error.to_string());
                None
            }
            found => found?,
        };
        let last = current.as_ref().and_then(Current::at);
        let all = publish::all(&*self.target)?;
        // What was put and never named is no state that anybody saw, as far as that can be told.
        for at in all.into_iter().filter(|at| last.is_none_or(|last| *at <= last)) {
            let current = current.as_ref().filter(|_| Some(at) == last);
            let read = match current {
                Some(current) => Publication::read(&*self.target, current),
                None => Publication::numbered(&*self.target, at),
            };
            let publication = match read {
                Ok(Some(publication)) => publication,
                Ok(None) => continue,
                Err(error) if is_damage(&error) => {
                    skipped.push(error.to_string());
                    continue;
                }
                Err(error) => return Err(error),
            };
            let problems = self.lacking_or_brought(&publication, current)?;
            if problems.is_empty() {
                return Ok(self.salvaged(&publication, skipped, current.is_some()));
            }
            skipped.extend(problems);
        }
        Err(if skipped.is_empty() { nothing() } else { none_is_whole(&skipped) })
    }

    fn salvaged(&self, from: &Publication, skipped: Vec<String>, goes_on: bool) -> Salvaged {
        let (at, tables) = (from.at(), from.tables().map(|table| (table.name, table.row_count)));
        tracing::info!(folder = %self.data.display(), ?at, "recovered what was published");
        Salvaged { at, tables: tables.collect(), skipped, goes_on }
    }

    /// What of it is damaged or missing, a sentence each; nothing is left in the folder then, and all of it
    /// otherwise.
    fn lacking_or_brought(
        &self,
        publication: &Publication,
        current: Option<&Current>,
    ) -> Result<Vec<String>> {
        // Before anything is copied in vain.
        let lacking = publish::lacking(&*self.target, publication)?;
        if !lacking.is_empty() {
            return Ok(lacking);
        }
        let brought = self.bring(publication, current);
        if !matches!(&brought, Ok(problems) if problems.is_empty()) {
            publish::clear(self.data)?;
        }
        brought
    }

    fn bring(&self, publication: &Publication, current: Option<&Current>) -> Result<Vec<String>> {
        let config =
            EngineConfig { follows: true, index_threads: 1, ..EngineConfig::new(self.data) };
        let engine = Engine::open(&config)?;
        let brought = self.bring_to(&engine, publication, current);
        engine.close();
        brought
    }

    fn bring_to(
        &self,
        engine: &Engine,
        publication: &Publication,
        current: Option<&Current>,
    ) -> Result<Vec<String>> {
        let store = &engine.shared.store;
        // Until all is there nobody takes the folder for one that is whole.
        let mark = Mark { is_recovery: true, ..Mark::new() };
        store.set_mark(Some(&mark))?;
        let target = Arc::clone(&self.target);
        let mut following = engine.following_from(target, mark, Bring::Whole);
        let problems = following.bring(publication);
        following.release();
        let problems = problems?;
        if problems.is_empty() {
            store.recovered(publication, current)?;
        }
        Ok(problems)
    }
}
