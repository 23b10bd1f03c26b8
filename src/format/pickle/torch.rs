//! Tensors that `PyTorch` saved: a zip archive with a pickle of their names and a file for each storage;
//! before 2020, pickles one behind the other and the storages at the end.

use std::collections::HashMap;
use std::ops::Range;

use crate::error::{At, Error, Result};
use crate::format::checkpoint;
use crate::format::entry::{Beside, Entry, Read, Told};
use crate::format::malformed;
use crate::format::pickle::machine;
use crate::format::pickle::value::{Id, Value, Values};
use crate::format::safetensors::{File, Place};
use crate::format::source::archive::{MAGIC as ZIP, Zip};
use crate::format::whole::{Parts, Whole};

pub(in crate::format) const ENTRY: Entry = Entry {
    name: NAME,
    title: "PyTorch tensors",
    about: "Tensors that PyTorch saved (.pt, .pth, pytorch_model.bin); no code in them is run",
    suffixes: &["pt", "pth"],
    begins: |head| {
        let is_archive = head.members.iter().any(|name| name.ends_with(PICKLE));
        Told::surely(is_archive || head.bytes.starts_with(OLD))
    },
    read: Read::Whole(open),
    beside: Beside { words: true, ..Entry::DEFAULT.beside },
    // Of several files one has the table: `format::shard` finds it.
    in_folder: &["pytorch_model.bin", "pytorch_model.bin.index.json"],
    ..Entry::DEFAULT
};

const NAME: &str = "torch";
const PICKLE: &str = "data.pkl";
/// The pickle of the magic number.
const OLD: &[u8] = b"\x80\x02\x8A\x0A\x6C\xFC\x9C\x46\xF9\x20\x6A\xA8\x50\x19.";
/// Dictionaries within dictionaries.
const DEPTH_MAX: usize = 4;

fn wrong(problem: impl Into<String>) -> Error {
    malformed(NAME, At::Byte(0), problem)
}

fn open(whole: &Whole<'_>) -> Result<Parts> {
    let (values, storages) =
        if whole.bytes.starts_with(ZIP) { archive(whole)? } else { old(whole)? };
    let left = values.all.len();
    let mut found = Found { values: &values, storages, places: Vec::new(), left };
    found.walk(values.root, "", 0);
    if found.places.is_empty() {
        return Err(wrong("the pickle has no tensors of numbers"));
    }
    checkpoint::table(whole, File::of(found.places, whole.bytes.clone()))
}

/// Where the bytes of each storage stand in the file.
type Storages = HashMap<String, Range<usize>>;

fn archive(whole: &Whole<'_>) -> Result<(Values, Storages)> {
    let zip = Zip::open(whole.bytes)?;
    let names = zip.names();
    let pickle = names.iter().find(|name| name.ends_with(PICKLE));
    let pickle = *pickle.ok_or_else(|| wrong("the archive has no data.pkl"))?;
    let folder = format!("{}data/", &pickle[..pickle.len() - PICKLE.len()]);
    let values = machine::read(&zip.keep(pickle, &whole.choices.spool)?)?;
    let storages = names.iter().filter_map(|name| {
        let key = name.strip_prefix(&folder)?;
        Some((key.to_owned(), zip.place(name)?))
    });
    Ok((values, storages.collect()))
}

fn old(whole: &Whole<'_>) -> Result<(Values, Storages)> {
    let mut at = 0;
    let mut next = || -> Result<Values> {
        let rest = whole.bytes.slice(at..whole.bytes.len());
        let values = machine::read(&rest.ok_or_else(|| wrong("the file ends early"))?)?;
        at += values.end;
        Ok(values)
    };
    // The magic number, the version, and the machine that wrote it.
    for _ in 0..3 {
        next()?;
    }
    let (values, keys) = (next()?, next()?);
    let sizes = element_sizes(&values);
    let mut storages = Storages::new();
    for &key in keys.items(keys.root).unwrap_or_default() {
        let key = keys.text(key).ok_or_else(|| wrong("a storage has no name"))?.into_owned();
        let count = whole.bytes.get(at..).and_then(|rest| rest.first_chunk());
        let count = count.and_then(|count| usize::try_from(i64::from_le_bytes(*count)).ok());
        let size = sizes.get(&key).copied().unwrap_or(1);
        let end = count.and_then(|count| count.checked_mul(size)?.checked_add(at + 8));
        let end = end.filter(|&end| end <= whole.bytes.len());
        let end = end.ok_or_else(|| wrong("the file ends within a storage; it is not complete"))?;
        storages.insert(key, at + 8..end);
        at = end;
    }
    Ok((values, storages))
}

/// Bytes of a number of each storage.
fn element_sizes(values: &Values) -> HashMap<String, usize> {
    let storages = values.all.iter().filter_map(|value| match value {
        Value::Outside(id) => storage(values, *id),
        _ => None,
    });
    storages.map(|(key, class)| (key, size_of(&class))).collect()
}

fn size_of(class: &str) -> usize {
    match class {
        "DoubleStorage" | "LongStorage" | "ComplexFloatStorage" => 8,
        "FloatStorage" | "IntStorage" => 4,
        "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
        "ComplexDoubleStorage" => 16,
        _ => 1,
    }
}

/// The key and the class of a storage.
fn storage(values: &Values, id: Id) -> Option<(String, String)> {
    let &[kind, class, key, ..] = values.items(id)? else { return None };
    let Value::Global(class) = values.get(class) else { return None };
    let class = class.rsplit('.').next()?.to_owned();
    (values.text(kind)? == "storage").then_some((values.text(key)?.into_owned(), class))
}

struct Found<'v> {
    values: &'v Values,
    storages: Storages,
    places: Vec<Place>,
    /// Values that may still be looked at: those of a tree come once each.
    left: usize,
}

impl Found<'_> {
    /// The tensors of a value, named by the keys that lead to them.
    fn walk(&mut self, id: Id, name: &str, depth: usize) {
        if let Some(place) = self.tensor(id, name) {
            self.places.push(place);
            return;
        }
        if depth >= DEPTH_MAX || self.left == 0 {
            return;
        }
        self.left -= 1;
        for &(key, value) in self.values.entries(id).unwrap_or_default() {
            let Some(key) = self.values.text(key) else { continue };
            // What frameworks put around the tensors of a model.
            let is_frame =
                depth == 0 && matches!(&*key, "state_dict" | "model" | "model_state_dict");
            let inner = match (name, is_frame) {
                (_, true) => String::new(),
                ("", false) => key.into_owned(),
                (name, false) => format!("{name}.{key}"),
            };
            self.walk(value, &inner, depth + 1);
        }
    }

    fn tensor(&self, id: Id, name: &str) -> Option<Place> {
        let values = self.values;
        let Value::Made(made) = values.get(id) else { return None };
        let arguments = values.items(made.arguments?)?;
        match values.class(id)? {
            "torch._utils._rebuild_parameter" => {
                let inner = *arguments.first()?;
                // A parameter holds a tensor and no other parameter.
                if values.class(inner)? == "torch._utils._rebuild_parameter" {
                    return None;
                }
                self.tensor(inner, name)
            }
            "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor" => {
                let &[storage_of, offset, shape, strides, ..] = arguments else { return None };
                let Value::Outside(outside) = values.get(storage_of) else { return None };
                let (key, class) = storage(values, *outside)?;
                let dtype = match class.as_str() {
                    "DoubleStorage" => "F64",
                    "FloatStorage" => "F32",
                    "HalfStorage" => "F16",
                    "BFloat16Storage" => "BF16",
                    "CharStorage" => "I8",
                    "ByteStorage" => "U8",
                    _ => return None,
                };
                let sizes = |id| -> Option<Vec<usize>> {
                    values.items(id)?.iter().map(|&size| values.size(size)).collect()
                };
                let (shape, strides) = (sizes(shape)?, sizes(strides)?);
                let mut stride = 1_usize;
                for (&size, &own) in shape.iter().zip(&strides).rev() {
                    if own != stride && size > 1 {
                        return None;
                    }
                    stride = stride.checked_mul(size)?;
                }
                let range = self.storages.get(&key)?;
                let size = size_of(&class);
                let begin = values.size(offset)?.checked_mul(size)?.checked_add(range.start)?;
                let end = stride.checked_mul(size)?.checked_add(begin)?;
                let bytes = begin..end;
                (end <= range.end).then(|| Place { name: name.to_owned(), dtype, shape, bytes })
            }
            _ => None,
        }
    }
}
