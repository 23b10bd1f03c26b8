//! The table of a file: a data set with two dimensions.

use crate::error::{At, Result};
use crate::format::hdf5::dataset::Dataset;
use crate::format::hdf5::object::File;
use crate::format::hdf5::{MEMBERS_MAX, NAME, attribute, group};
use crate::format::paired::Paired;
use crate::format::source::Bytes;
use crate::format::tensor::Matrix;
use crate::format::whole::{Parts, Whole};
use crate::format::{Note, malformed, shown};

/// Of the benchmarks.
const TRAIN: &[u8] = b"train";
/// The table of a file: the data set of this path, or else `train`, or else the only matrix.
fn find(bytes: &Bytes, wanted: Option<&str>) -> Result<(Box<dyn Matrix>, Vec<Note>)> {
    let (file, root) = File::open(bytes)?;
    let members = group::members(&file, root)?;
    let dataset = match wanted {
        Some(path) => by_path(&file, members, path)?,
        None => by_custom(&file, &members)?,
    };
    let matrix = dataset.matrix(&file)?;
    let mut notes = Vec::new();
    let distance = attribute::text(&file, root, b"distance")?;
    if let Some(distance) = distance.filter(|distance| distance != b"angular") {
        notes.push(Note {
            reason: "distance",
            done: "vectors are compared by cosine",
            at: At::Byte(0),
            detail: format!("the file is made for the distance \"{}\"", shown(&distance)),
        });
    }
    Ok((matrix, notes))
}

type Members = Vec<(Vec<u8>, u64)>;

fn by_path(file: &File, mut members: Members, path: &str) -> Result<Dataset> {
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let found = members.iter().find(|(name, _)| name == part.as_bytes());
        let Some(&(_, address)) = found else { return Err(missing(part, &members)) };
        if parts.peek().is_some() {
            members = group::members(file, address)?;
            continue;
        }
        let dataset = Dataset::of(file, address)?;
        return dataset.ok_or_else(|| {
            malformed(NAME, At::Byte(address), format!("\"{part}\" is no array of numbers"))
        });
    }
    Err(missing(path, &members))
}

fn missing(part: &str, members: &Members) -> crate::error::Error {
    let problem = format!("there is no \"{part}\"; there are {}", listed(members.iter()));
    malformed(NAME, At::Byte(0), problem)
}

fn listed<'m>(members: impl Iterator<Item = &'m (Vec<u8>, u64)>) -> String {
    let names: Vec<String> = members.take(8).map(|(name, _)| shown(name)).collect();
    names.join(", ")
}

/// `train`, or the only matrix there is.
fn by_custom(file: &File, members: &Members) -> Result<Dataset> {
    let mut matrices = Vec::new();
    for member in members.iter().take(MEMBERS_MAX) {
        // What else there is may be of any kind.
        if let Ok(Some(dataset)) = Dataset::of(file, member.1)
            && dataset.is_matrix()
        {
            matrices.push((member, dataset));
        }
    }
    if let Some(train) = matrices.iter().position(|((name, _), _)| name == TRAIN) {
        return Ok(matrices.swap_remove(train).1);
    }
    if matrices.len() == 1 {
        return Ok(matrices.swap_remove(0).1);
    }
    let problem = if matrices.is_empty() {
        format!("no data set has numbers in two dimensions; there are {}", listed(members.iter()))
    } else {
        let names = listed(matrices.iter().map(|(member, _)| *member));
        format!("choose one of the data sets {names} with --tensor NAME")
    };
    Err(malformed(NAME, At::Byte(0), problem))
}

/// Benchmarks have no words: without a file of them, rows are named by their numbers.
pub(super) fn open(whole: &Whole<'_>) -> Result<Parts> {
    let (matrix, mut notes) = find(whole.bytes, whole.tensor())?;
    Ok(Parts::rows(match whole.words(matrix.rows(), false)? {
        Some(words) => {
            notes.push(whole.check(&words, matrix.rows(), false)?);
            Paired::new(words, matrix, notes)
        }
        None => Paired::numbered(matrix, notes),
    }))
}
