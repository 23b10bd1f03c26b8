//! What belongs together in a folder: the main file of a model, and the files beside a file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::entry::HEAD_BYTES;
use crate::format::registry::{FORMATS, Format};
use crate::format::safetensors::Index;
use crate::format::source::Bytes;
use crate::format::source::archive::{self, Zip};
use crate::format::source::input::Input;
use crate::format::{beside, shown, spacy, words};

/// The main file of a folder that holds a model.
///
/// # Errors
///
/// If the folder cannot be read, or no file of it is known to be a model's main one.
pub fn folder(folder: &Path) -> io::Result<PathBuf> {
    let mains = FORMATS.iter().flat_map(|entry| entry.in_folder);
    if let Some(main) = mains.map(|name| folder.join(name)).find(|path| path.is_file()) {
        return Ok(main);
    }
    let mut files: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.path().is_file() {
            files.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    files.sort();
    let is_part = |main: &String, other: &String| {
        main != other && FORMATS.iter().any(|entry| (entry.beside.parts)(main, other))
    };
    let is_told = |name: &String| {
        let told = told(&folder.join(name), name, None);
        matches!(told, Ok(Some(format)) if !format.is_streamed())
    };
    // What holds an array of another file is no model of its own, and what has such files is one whatever
    // its name.
    let known = |name: &&String| {
        let format = Format::of_suffix(name);
        let is_main = format.is_some_and(|format| !format.is_streamed())
            || (files.iter().any(|other| is_part(name, other)) && is_told(name));
        is_main && !files.iter().any(|main| is_part(main, name))
    };
    let mut mains: Vec<&String> = files.iter().filter(known).collect();
    if mains.is_empty() {
        mains = files.iter().filter(|name| is_told(name)).collect();
    }
    match mains.as_slice() {
        [only] => Ok(folder.join(only)),
        [] => Err(io::Error::other(format!(
            "the folder has no model.safetensors; name a file of it: {}",
            listed(&files.iter().collect::<Vec<_>>())
        ))),
        several => Err(io::Error::other(format!(
            "the folder has several files; name one of them: {}",
            listed(several)
        ))),
    }
}

/// The file itself; or the shard that has `tensor`, or else a known table, if the file is the index of
/// a model that `PyTorch` saved in several. Each of these is a whole file of its own.
///
/// # Errors
///
/// If the index cannot be read, or tells of no such tensor.
pub fn shard(main: PathBuf, tensor: Option<&str>) -> Result<PathBuf> {
    let name = main.file_name().unwrap_or_default().to_string_lossy();
    if !name.ends_with(TORCH_SHARDS) {
        return Ok(main);
    }
    let file = File::open(&main).map_err(Error::disk)?;
    let index = Index::parse(&Bytes::map(&file).map_err(Error::disk)?)?;
    let (_, shard) = index.shard(tensor)?;
    // A name with folders could lead anywhere.
    let shard = Path::new(shard).file_name().unwrap_or_default();
    Ok(main.with_file_name(shard))
}

/// How the index of shards is named that `PyTorch` saved.
const TORCH_SHARDS: &str = ".bin.index.json";

/// Names of files, the first of them.
fn listed(names: &[&String]) -> String {
    let mut shown: Vec<_> = names.iter().take(SHOWN).map(|name| shown(name.as_bytes())).collect();
    if names.len() > SHOWN {
        shown.push(format!("and {} more", names.len() - SHOWN));
    }
    shown.join(", ")
}

/// Names that an error lists.
const SHOWN: usize = 8;

/// The files beside `main` that may be needed to read it, with their names as a source has them. Of
/// a checkpoint's shards only those that have `tensor`, or a table.
///
/// # Errors
///
/// If the file or its folder cannot be read.
pub fn companions(
    main: &Path,
    wanted: Option<Format>,
    tensor: Option<&str>,
) -> Result<Vec<(String, PathBuf)>> {
    let name = main.file_name().unwrap_or_default().to_string_lossy();
    let Some(format) = told(main, &name, wanted)? else { return Ok(Vec::new()) };
    let entry = format.entry();
    let folder = match main.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let mut found: Vec<(String, PathBuf)> = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::disk)?.filter_map(std::result::Result::ok) {
        let other = entry.file_name().to_string_lossy().into_owned();
        if (format.entry().beside.parts)(&name, &other) {
            found.push((other, entry.path()));
        }
    }
    // spaCy has its words above the folder of its vectors where it is not told otherwise.
    let above = folder.parent().map(|above| above.join(spacy::STRINGS));
    if (format.entry().beside.parts)(&name, spacy::STRINGS)
        && found.iter().all(|(other, _)| other != spacy::STRINGS)
        && let Some(above) = above.filter(|above| above.is_file())
    {
        found.push((spacy::STRINGS.to_owned(), above));
    }
    found.sort();
    let stem = words::stem(&name);
    let places = words::PLACES.iter().chain(beside::PLACES);
    for place in places.filter(|_| entry.beside.words) {
        let name = place.replace('*', stem);
        // A model's tokenizer may stand above the folder of its table.
        let above = folder.parent().map(|above| above.join(&name));
        let here = folder.join(&name);
        if here.is_file() && here != main {
            found.push((name, here));
        } else if folder.ends_with("0_StaticEmbedding")
            && let Some(above) = above.filter(|above| above.is_file())
        {
            found.push((name, above));
        }
    }
    let file = File::open(main).map_err(Error::disk)?;
    let bytes = Bytes::map(&file).map_err(Error::disk)?;
    for part in (entry.beside.named)(&bytes, tensor)? {
        let path = folder.join(&part);
        // A name with folders could lead anywhere.
        if !part.contains(['/', '\\']) && path.is_file() {
            found.push((part, path));
        }
    }
    Ok(found)
}

/// The format of a file; none for those of lines.
fn told(main: &Path, name: &str, wanted: Option<Format>) -> Result<Option<Format>> {
    if wanted.is_some() {
        return Ok(wanted);
    }
    let file = File::open(main).map_err(Error::disk)?;
    let mut input = Input::open(Box::new(file.try_clone().map_err(Error::disk)?))?;
    input.fill_to(HEAD_BYTES)?;
    if !input.window().starts_with(archive::MAGIC) {
        return Ok(Format::told(input.window(), name));
    }
    let Ok(bytes) = Bytes::map(&file) else { return Ok(None) };
    let zip = Zip::open(&bytes)?;
    Ok(Format::told_archive(&bytes, &zip.names()))
}
