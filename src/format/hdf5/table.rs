//! The table of a file: a data set with two dimensions.

use std::collections::VecDeque;

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
/// Groups within groups that are looked into; Keras has four.
const DEPTH_MAX: usize = 8;
/// Names that an error tells.
const LISTED: usize = 8;

/// The table of a file: the data set of this path, or else the one that is meant by its name.
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
    let names: Vec<String> = members.take(LISTED).map(|(name, _)| shown(name)).collect();
    names.join(", ")
}

/// `train`, or the only matrix there is; of several, the one that is named as an embedding and is no
/// state of training, as Keras writes them.
fn by_custom(file: &File, members: &Members) -> Result<Dataset> {
    let mut matrices = matrices(file, members);
    let is_embedding = |path: &str| {
        let path = path.to_ascii_lowercase();
        path.contains("embed") && !path.contains("optimizer")
    };
    let mut embeddings = matrices.iter().enumerate().filter(|(_, (path, _))| is_embedding(path));
    let train = matrices.iter().position(|(path, _)| path.as_bytes() == TRAIN);
    let found = match (train, embeddings.next(), embeddings.next()) {
        (Some(train), _, _) => Some(train),
        (None, Some((only, _)), None) => Some(only),
        _ => (matrices.len() == 1).then_some(0),
    };
    if let Some(found) = found {
        return Ok(matrices.swap_remove(found).1);
    }
    let problem = if matrices.is_empty() {
        format!("no data set has numbers in two dimensions; there are {}", listed(members.iter()))
    } else {
        let names: Vec<&str> =
            matrices.iter().take(LISTED).map(|(path, _)| path.as_str()).collect();
        let more = if matrices.len() > LISTED { ", ..." } else { "" };
        format!("choose one of the data sets {}{more} with --tensor NAME", names.join(", "))
    };
    Err(malformed(NAME, At::Byte(0), problem))
}

/// The data sets with two dimensions, by their paths. What else there is may be of any kind.
fn matrices(file: &File, members: &Members) -> Vec<(String, Dataset)> {
    let mut found = Vec::new();
    let under = |path: &str, (name, address): &(Vec<u8>, u64)| {
        let slash = if path.is_empty() { "" } else { "/" };
        (format!("{path}{slash}{}", shown(name)), *address)
    };
    let mut next: VecDeque<_> = members.iter().map(|member| (under("", member), 1)).collect();
    // A group may be a member of itself.
    for _ in 0..MEMBERS_MAX {
        let Some(((path, address), depth)) = next.pop_front() else { break };
        match Dataset::of(file, address) {
            Ok(Some(dataset)) if dataset.is_matrix() => found.push((path, dataset)),
            Ok(None) if depth < DEPTH_MAX => {
                let members = group::members(file, address).unwrap_or_default();
                let room = MEMBERS_MAX.saturating_sub(next.len());
                let below = members.iter().take(room).map(|member| under(&path, member));
                next.extend(below.map(|member| (member, depth + 1)));
            }
            Ok(_) | Err(_) => {}
        }
    }
    found
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
