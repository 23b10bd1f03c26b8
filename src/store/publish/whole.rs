//! A data folder made of a publication alone: what is looked at before, and what is written behind.

use std::path::Path;

use crate::error::{Error, ErrorKind, Result};
use crate::store::backup::{PARTS, TableCopy, Target, place_of};
use crate::store::generation::Part;
use crate::store::publish::bring::read_mark;
use crate::store::publish::{Current, Publication, publisher};
use crate::store::{Store, blob, folder};

/// What of a publication is missing or has another length, a sentence each. What is in the parts is not looked
/// at.
///
/// # Errors
///
/// If the target fails.
pub fn lacking(target: &dyn Target, publication: &Publication) -> Result<Vec<String>> {
    let there = target.list(PARTS)?;
    let mut lacking = Vec::new();
    let mut look = |what: String, part: &Part| {
        let place = place_of(&part.blake3);
        let damage = match place.as_ref().and_then(|place| there.get(place)) {
            Some(bytes) if *bytes == part.bytes => return,
            Some(bytes) => format!("has {bytes} bytes in place of {}", part.bytes),
            None => "is missing".to_owned(),
        };
        lacking.push(format!("{what}, {PARTS}{}, {damage}", part.blake3));
    };
    for (name, copy) in &publication.list.tables {
        let TableCopy { parts, segments, .. } = copy;
        let of = publication.what(name);
        for (name, part) in parts {
            look(format!("{of}, its part {name}"), part);
        }
        for segment in segments {
            look(format!("{of}, its journal"), &segment.part);
        }
    }
    for copy in &publication.list.shelf {
        look(
            format!("{} \"{}\" of publication {}", copy.sort, copy.name, publication.number),
            &copy.part,
        );
    }
    Ok(lacking)
}

/// Whether a folder holds what a recovery left that did not end; none if there is nothing in it.
///
/// # Errors
///
/// If the disk fails.
pub fn is_unfinished(data: &Path) -> Result<Option<bool>> {
    if blob::list(data)?.is_empty() {
        return Ok(None);
    }
    Ok(Some(read_mark(data).is_ok_and(|mark| mark.is_some_and(|mark| mark.is_recovery))))
}

/// Refuses a folder that a recovery did not fill to its end: it looks like one that is whole.
///
/// # Errors
///
/// If it is one, or if the disk fails.
pub fn check_finished(data: &Path) -> Result<()> {
    if is_unfinished(data)? == Some(true) {
        let what = format!("{}, which a recovery did not fill to its end,", data.display());
        let advice = "run `wordspace recover` with --from again";
        return Err(Error::new(ErrorKind::Corrupt { what, advice }));
    }
    Ok(())
}

/// Removes all that a recovery brought to a folder, and what tells that it did last.
///
/// # Errors
///
/// If the disk fails.
pub fn clear(data: &Path) -> Result<()> {
    let mark = data.join(folder::FOLLOWED);
    for path in blob::list(data)?.into_iter().filter(|path| *path != mark) {
        if path.is_dir() { blob::remove_folder(&path)? } else { blob::remove(&path)? }
    }
    blob::remove(&mark)
}

impl Store {
    /// Ends a recovery: all of a publication is here, and the folder is one like any other. With `current` it is
    /// from now on the one that publishes there; without, numbers that were given out since are given out again,
    /// and it must not.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn recovered(&self, publication: &Publication, current: Option<&Current>) -> Result<()> {
        let shared = &self.shared;
        // Readers may know generations that no table has any more.
        let last = shared.catalog.keep_last_generation(publication.last_generation);
        last.map_err(|error: Error| error.context("remembering the last generation"))?;
        if let Some(current) = current {
            publisher::adopt(shared, current)?;
        }
        self.set_mark(None)
    }
}
