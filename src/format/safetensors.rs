//! safetensors: a Hugging Face checkpoint's word table, or a static model's.
//!
//! The header's length (u64), the header (JSON: for each tensor its dtype, shape, and where its
//! bytes begin and end behind the header), the tensors.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;

use serde::Deserialize;

use crate::error::{At, Error, Result};
use crate::format::selection::{Selection, stored};
use crate::format::source::Bytes;
use crate::format::source::bytes::Cursor;
use crate::format::tensor::{Dtype, Endian, Matrix, Order, Tensor};
use crate::format::words::Words;
use crate::format::{malformed, shown};
use crate::table::input::InputTables;
use crate::vector::Dtype as TableDtype;
use crate::vector::matrix::Matrix as Rows;

const NAME: &str = "safetensors";
/// The format's own limit.
const HEADER_BYTES_MAX: u64 = 100_000_000;

/// Names of word tables: exact ones, then ends, the likelier first.
const KNOWN: &[&str] = &[
    "embeddings",
    "embedding.weight",
    "embeddings.word_embeddings.weight",
    "bert.embeddings.word_embeddings.weight",
    "model.embed_tokens.weight",
    "transformer.wte.weight",
    "wte.weight",
    "shared.weight",
    "encoder.embed_tokens.weight",
    "embed_tokens.weight",
    "tok_embeddings.weight",
    "embed.weight",
    "word_embeddings.weight",
    "word_embedding.weight",
    "embeddings.weight",
    "token_embedding.weight",
];

/// Ends of names of other tables that a checkpoint may have.
const OTHERS: &[&str] = &[
    "lm_head.weight",
    "embed_out.weight",
    "position_embeddings.weight",
    "position_embedding.weight",
    "embed_positions.weight",
    "token_type_embeddings.weight",
    "wpe.weight",
];
/// Names of tables that a model's output has for itself.
pub(super) const HEADS: &[&str] = &["lm_head.weight", "output.weight", "embed_out.weight"];

/// A file's tensors. Cheap to clone.
#[derive(Clone)]
pub(super) struct File {
    entries: Arc<BTreeMap<String, Entry>>,
    metadata: Arc<BTreeMap<String, String>>,
    data: Bytes,
}

#[derive(Debug, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

/// Whether a file begins like one.
pub(super) fn begins(head: &[u8]) -> bool {
    matches!(head, [_, _, _, _, 0, 0, 0, 0, b'{', ..])
}

/// The format has each byte in one tensor.
fn check_places(entries: &BTreeMap<String, Entry>) -> Result<()> {
    let mut places: Vec<_> =
        entries.iter().map(|(name, entry)| (entry.data_offsets, name)).collect();
    places.sort_unstable();
    let overlap = places.windows(2).find(|pair| pair[1].0.0 < pair[0].0.1);
    overlap.map_or(Ok(()), |pair| {
        let [before, after] = [pair[0].1, pair[1].1].map(|name| shown(name.as_bytes()));
        let problem = format!("the tensors \"{before}\" and \"{after}\" overlap");
        Err(malformed(NAME, At::Byte(8), problem))
    })
}

/// A tensor in a file of another format: where its bytes are, and what they are.
pub(super) struct Place {
    pub(super) name: String,
    /// As safetensors would call it, such as `F32`.
    pub(super) dtype: &'static str,
    pub(super) shape: Vec<usize>,
    pub(super) bytes: std::ops::Range<usize>,
}

impl File {
    /// Tensors of another file, which may share their bytes.
    pub(super) fn of(places: Vec<Place>, data: Bytes) -> Self {
        let entry = |place: Place| {
            let Place { name, dtype, shape, bytes } = place;
            let data_offsets = (bytes.start, bytes.end);
            (name, Entry { dtype: dtype.to_owned(), shape, data_offsets })
        };
        let entries = Arc::new(places.into_iter().map(entry).collect());
        Self { entries, metadata: Arc::default(), data }
    }

    pub(super) fn open(bytes: &Bytes) -> Result<Self> {
        let mut cursor = Cursor::new(bytes, NAME);
        let length = cursor.u64("the header's length")?;
        if length > HEADER_BYTES_MAX {
            return Err(cursor.wrong(format!("the header claims {length} bytes")));
        }
        let length = cursor.count(length.into(), 1, "bytes of header")?;
        let header = cursor.take(length, "the header")?;
        let mut all: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header)
            .map_err(|error| malformed(NAME, At::Byte(8), format!("the header: {error}")))?;
        let metadata = all.remove("__metadata__").unwrap_or_default();
        let metadata = serde_json::from_value(metadata).unwrap_or_default();
        let entry = |(name, value): (String, serde_json::Value)| {
            let entry = serde_json::from_value(value).map_err(|error| {
                let shown = shown(name.as_bytes());
                malformed(NAME, At::Byte(8), format!("the tensor \"{shown}\": {error}"))
            })?;
            Ok((name, entry))
        };
        let entries: BTreeMap<_, _> = all.into_iter().map(entry).collect::<Result<_>>()?;
        check_places(&entries)?;
        let entries = Arc::new(entries);
        let data = cursor.part(cursor.left(), "the tensors")?;
        Ok(Self { entries, metadata: Arc::new(metadata), data })
    }

    /// What the file says under this name, beside its tensors.
    pub(super) fn metadata(&self, name: &str) -> Option<&str> {
        self.metadata.get(name).map(String::as_str)
    }

    /// Whether it has a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// All tensors with two dimensions: name, rows, components and type.
    pub(super) fn all_tables(&self) -> impl Iterator<Item = (&str, usize, usize, &str)> {
        self.entries.iter().filter_map(|(name, entry)| match entry.shape.as_slice() {
            &[rows, dim] => Some((name.as_str(), rows, dim, entry.dtype.as_str())),
            _ => None,
        })
    }

    /// The names of all tensors with two dimensions.
    pub(super) fn tables(&self) -> Vec<&str> {
        let two = |(_, entry): &(&String, &Entry)| entry.shape.len() == 2;
        self.entries.iter().filter(two).map(|(name, _)| name.as_str()).collect()
    }

    fn bytes(&self, name: &str) -> Result<(&Entry, Bytes)> {
        let entry = self.entries.get(name).ok_or_else(|| no_tensor(name, &self.tables()))?;
        let (start, end) = entry.data_offsets;
        let bytes = self.data.slice(start..end).ok_or_else(|| {
            let problem = format!(
                "the tensor \"{}\" ends behind the file's end; it is not complete",
                shown(name.as_bytes())
            );
            malformed(NAME, At::Byte(8), problem)
        })?;
        Ok((entry, bytes))
    }

    pub(super) fn tensor(&self, name: &str) -> Result<Tensor> {
        let (entry, _) = self.bytes(name)?;
        let &[rows, dim] = entry.shape.as_slice() else {
            let problem = format!("has {} dimensions, not two", entry.shape.len());
            return Err(wrong(name, &problem));
        };
        self.shaped(name, rows, dim)
    }

    /// A tensor of one dimension, as one row.
    pub(super) fn list(&self, name: &str) -> Result<Tensor> {
        let (entry, _) = self.bytes(name)?;
        let &[dim] = entry.shape.as_slice() else {
            let problem = format!("has {} dimensions, not one", entry.shape.len());
            return Err(wrong(name, &problem));
        };
        self.shaped(name, 1, dim)
    }

    fn shaped(&self, name: &str, rows: usize, dim: usize) -> Result<Tensor> {
        let (entry, bytes) = self.bytes(name)?;
        let dtype = match entry.dtype.as_str() {
            "F64" => Dtype::F64,
            "F32" => Dtype::F32,
            "F16" => Dtype::F16,
            "BF16" => Dtype::Bf16,
            "I8" => Dtype::I8,
            "U8" => Dtype::U8,
            other => {
                let problem = format!("has numbers of type {}", shown(other.as_bytes()));
                return Err(wrong(name, &problem));
            }
        };
        Tensor { bytes, dtype, endian: Endian::Little, order: Order::Rows, rows, dim }
            .check(NAME, &format!("the tensor \"{}\"", shown(name.as_bytes())))
    }

    /// The name of the word table: this one, or a known one.
    pub(super) fn table_name<'n>(&'n self, wanted: Option<&'n str>) -> Result<&'n str> {
        wanted.map_or_else(|| find(self.tables().into_iter()), Ok)
    }

    /// What a static model of model2vec does to its rows: token to row, and the weight of a token.
    pub(super) fn adjusted(&self, table: Tensor) -> Result<Box<dyn Matrix>> {
        let mapping = match self.entries.get("mapping") {
            Some(entry) => Some(self.whole_numbers("mapping", entry)?),
            None => None,
        };
        let weights = match self.entries.get("weights") {
            Some(entry) if entry.shape.len() == 1 => {
                let (entry, bytes) = self.bytes("weights")?;
                let dtype = match entry.dtype.as_str() {
                    "F64" => Dtype::F64,
                    "F32" => Dtype::F32,
                    "F16" => Dtype::F16,
                    _ => return Err(malformed(NAME, At::Byte(8), "the weights are no numbers")),
                };
                let (rows, endian) = (entry.shape[0], Endian::Little);
                let order = Order::Rows;
                Some(
                    Tensor { bytes, dtype, endian, order, rows, dim: 1 }
                        .check(NAME, "the weights")?,
                )
            }
            Some(_) | None => None,
        };
        if mapping.is_none() && weights.is_none() {
            return Ok(Box::new(table));
        }
        if let Some(mapping) = &mapping
            && let Some(row) = mapping.iter().find(|&&row| row >= table.rows)
        {
            let problem = format!("the mapping names row {row}, the table has {}", table.rows);
            return Err(malformed(NAME, At::Byte(8), problem));
        }
        let tokens = mapping.as_ref().map_or(table.rows, Vec::len);
        if let Some(weights) = weights.as_ref().filter(|weights| weights.rows != tokens) {
            let problem = format!("{} weights for {tokens} tokens", weights.rows);
            return Err(malformed(NAME, At::Byte(8), problem));
        }
        Ok(Box::new(Adjusted { table, mapping, weights, weight: Vec::new() }))
    }

    fn whole_numbers(&self, name: &str, entry: &Entry) -> Result<Vec<usize>> {
        let (_, bytes) = self.bytes(name)?;
        let wrong = || malformed(NAME, At::Byte(8), format!("{name} is no list of row numbers"));
        let size = match entry.dtype.as_str() {
            "I64" | "U64" => 8,
            "I32" | "U32" => 4,
            _ => return Err(wrong()),
        };
        if entry.shape.len() != 1 || entry.shape[0].checked_mul(size) != Some(bytes.len()) {
            return Err(wrong());
        }
        let number = |chunk: &[u8]| {
            let mut wide = [0; 8];
            wide[..size].copy_from_slice(chunk);
            usize::try_from(i64::from_le_bytes(wide)).map_err(|_| wrong())
        };
        bytes.chunks_exact(size).map(number).collect()
    }

    /// The words that [`write`] put beside the vectors.
    pub(super) fn own_words(&self) -> Result<Option<Words>> {
        if !self.entries.contains_key(WORD_BYTES) || !self.entries.contains_key(WORD_ENDS) {
            return Ok(None);
        }
        let (_, bytes) = self.bytes(WORD_BYTES)?;
        let ends = self.whole_numbers(WORD_ENDS, &self.entries[WORD_ENDS])?;
        let mut words = Words::default();
        let mut start = 0;
        for end in ends {
            let word = bytes.get(start..end).ok_or_else(|| {
                malformed(NAME, At::Byte(8), format!("{WORD_ENDS} and {WORD_BYTES} do not fit"))
            })?;
            words.push(word);
            start = end;
        }
        Ok(Some(words))
    }
}

fn wrong(name: &str, problem: &str) -> Error {
    malformed(NAME, At::Byte(8), format!("\"{}\" {problem}", shown(name.as_bytes())))
}

/// Whether a tensor of this name is a table of words, of positions or of segments.
pub(super) fn looks_like_table(name: &str) -> bool {
    let ends = |end: &&str| {
        let rest = name.strip_suffix(end);
        rest.is_some_and(|rest| rest.is_empty() || (rest.ends_with('.') && end.contains('.')))
    };
    KNOWN.iter().chain(OTHERS).any(ends)
}

/// Whether this is the token table of a model that writes texts, by its name.
pub(super) fn is_decoder(name: &str) -> bool {
    let ends =
        ["model.embed_tokens.weight", "wte.weight", "shared.weight", "tok_embeddings.weight"];
    ends.iter().any(|end| name.ends_with(end))
}

/// The word table among the names of tensors.
pub(super) fn find<'n>(names: impl Iterator<Item = &'n str> + Clone) -> Result<&'n str> {
    for known in KNOWN {
        let exact = names.clone().find(|name| name == known);
        let ends = |name: &&str| name.ends_with(known) && known.contains('.');
        let below = |name: &&str| name.strip_suffix(known).is_some_and(|rest| rest.ends_with('.'));
        let position = |name: &&str| name.contains("position") || name.contains("token_type");
        let found = exact
            .or_else(|| names.clone().find(|name| ends(name) && below(name) && !position(name)));
        if let Some(name) = found {
            return Ok(name);
        }
    }
    let names: Vec<&str> = names.collect();
    match names.as_slice() {
        [only] => Ok(only),
        _ => Err(no_tensor("", &names)),
    }
}

fn no_tensor(name: &str, names: &[&str]) -> Error {
    const SHOWN: usize = 8;
    let mut list: Vec<String> =
        names.iter().take(SHOWN).map(|name| shown(name.as_bytes())).collect();
    if names.len() > SHOWN {
        list.push(format!("{} more", names.len() - SHOWN));
    }
    let list = if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let wanted = if name.is_empty() {
        "no tensor is known to be a table of words".to_owned()
    } else {
        format!("there is no tensor \"{}\"", shown(name.as_bytes()))
    };
    let problem = format!("{wanted}; --tensor NAME chooses one of those of two dimensions: {list}");
    malformed(NAME, At::Byte(8), problem)
}

/// The list of shards of a checkpoint in several files.
#[derive(Deserialize)]
pub(super) struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Index {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(|error| {
            let problem = format!("the index of shards: {error}");
            malformed(NAME, At::Line(error.line() as u64), problem)
        })
    }

    /// The names of all shards.
    pub(super) fn files(&self) -> Vec<&str> {
        let mut files: Vec<&str> = self.weight_map.values().map(String::as_str).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// The names of the shards that have a tensor, or a table or the layer norm behind it.
    pub(super) fn needed(&self, tensor: Option<&str>) -> Vec<&str> {
        let is_needed = |name: &str| {
            let is_only = self.weight_map.len() == 1;
            let is_norm = name.contains("embeddings.LayerNorm.");
            tensor == Some(name) || looks_like_table(name) || is_norm || is_only
        };
        let needed = self.weight_map.iter().filter(|(name, _)| is_needed(name));
        let mut files: Vec<&str> = needed.map(|(_, file)| file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// The shard that has a tensor.
    pub(super) fn file_of(&self, tensor: &str) -> Option<&str> {
        self.weight_map.get(tensor).map(String::as_str)
    }

    /// The tensor to read, and the shard that has it.
    pub(super) fn shard(&self, wanted: Option<&str>) -> Result<(&str, &str)> {
        let names = self.weight_map.keys().map(String::as_str);
        let name = match wanted {
            Some(name) => name,
            None => find(names.clone())?,
        };
        let found = self.weight_map.get_key_value(name);
        let (name, file) = found.ok_or_else(|| no_tensor(name, &names.collect::<Vec<_>>()))?;
        Ok((name, file))
    }
}

/// A table whose rows are reached through a mapping, and weighted.
struct Adjusted {
    table: Tensor,
    mapping: Option<Vec<usize>>,
    weights: Option<Tensor>,
    weight: Vec<f32>,
}

impl Matrix for Adjusted {
    fn dim(&self) -> usize {
        self.table.dim
    }

    fn rows(&self) -> usize {
        self.mapping.as_ref().map_or(self.table.rows, Vec::len)
    }

    fn row(&mut self, row: usize, vector: &mut Vec<f32>) -> Result<()> {
        let place = self.mapping.as_ref().map_or(row, |mapping| mapping[row]);
        self.table.row(place, vector)?;
        if let Some(weights) = &mut self.weights {
            weights.row(row, &mut self.weight)?;
            for value in vector {
                *value *= self.weight[0];
            }
        }
        Ok(())
    }

    fn forget(&self) {
        self.table.forget();
    }

    fn dtype(&self) -> &'static str {
        self.table.dtype()
    }

    fn suits(&self) -> TableDtype {
        if self.weights.is_some() { TableDtype::F32 } else { self.table.suits() }
    }
}

const WORD_BYTES: &str = "word_bytes";
const WORD_ENDS: &str = "word_ends";
/// What the layer norm adds to the variance, beside the tensors.
pub(super) const EPS: &str = "layer_norm_eps";
/// The position of a text's first token, beside the tensors.
pub(super) const FIRST_POSITION: &str = "first_position";

/// A tensor to be written: its name, type and shape, and its bytes.
type Entries<'a> = Vec<(&'a str, &'a str, Vec<usize>, usize)>;

/// Writes a table as three tensors: `embeddings`, the bytes of all words, and where each ends; and
/// the tables of a transformer's input beside it, under BERT's names.
pub(super) fn write(table: &Selection<'_>, out: &mut (dyn Write + Send)) -> io::Result<()> {
    let inputs = match table.view.inputs() {
        Some(Ok(inputs)) => Some(&**inputs),
        Some(Err(damage)) => return Err(io::Error::other(Error::new(damage.clone()))),
        None => None,
    };
    let (rows, dim) = (table.len(), table.dim());
    let words: usize = table.rows().map(|row| table.word(row).len()).sum();
    let float = size_of::<f32>();
    let dtype = tensor_dtype(table.dtype());
    let (name, bytes) = (dtype.name().to_uppercase(), rows * dtype.row_bytes(dim));
    let embeddings = ("embeddings", name.as_str(), vec![rows, dim], bytes);
    let is_wide = dtype == TableDtype::F32;
    // Those with the widest numbers first, so that each is aligned.
    let mut entries: Entries<'_> = vec![(WORD_ENDS, "I64", vec![rows], rows * size_of::<i64>())];
    if is_wide {
        entries.push(embeddings.clone());
    }
    let matrix = |matrix: &Option<Rows>| matrix.as_ref().map(Rows::len);
    let positions = inputs.and_then(|inputs| matrix(&inputs.positions));
    let segments = inputs.and_then(|inputs| matrix(&inputs.segments));
    let tables =
        [("position_embeddings.weight", positions), ("token_type_embeddings.weight", segments)];
    for (name, rows) in tables {
        entries.extend(rows.map(|rows| (name, "F32", vec![rows, dim], rows * dim * float)));
    }
    let norm = inputs.and_then(|inputs| inputs.norm.as_ref());
    if norm.is_some() {
        for name in ["LayerNorm.weight", "LayerNorm.bias"] {
            entries.push((name, "F32", vec![dim], dim * float));
        }
    }
    if !is_wide {
        entries.push(embeddings);
    }
    entries.push((WORD_BYTES, "U8", vec![words], words));
    let header = header(&entries, &told(table, inputs))?;
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    let mut end = 0_i64;
    for row in table.rows() {
        end += i64::try_from(table.word(row).len()).map_err(io::Error::other)?;
        out.write_all(&end.to_le_bytes())?;
    }
    if is_wide {
        stored(table, dtype, out)?;
    }
    let matrices = inputs.into_iter().flat_map(|inputs| [&inputs.positions, &inputs.segments]);
    for row in matrices.flatten().flat_map(Rows::rows) {
        floats(row, out)?;
    }
    for row in norm.into_iter().flat_map(|norm| [&norm.weight, &norm.bias]) {
        floats(row, out)?;
    }
    if !is_wide {
        stored(table, dtype, out)?;
    }
    table.rows().try_for_each(|row| out.write_all(table.word(row)))
}

/// The type of a tensor that holds the rows of a table as they are.
fn tensor_dtype(dtype: TableDtype) -> TableDtype {
    match dtype {
        TableDtype::F32 | TableDtype::F16 | TableDtype::Bf16 => dtype,
        // A scale a row has no place in a tensor.
        TableDtype::I8 => TableDtype::F32,
    }
}

fn floats(row: &[f32], out: &mut dyn Write) -> io::Result<()> {
    row.iter().try_for_each(|value| out.write_all(&value.to_le_bytes()))
}

/// What the file says beside its tensors.
fn told(table: &Selection<'_>, inputs: Option<&InputTables>) -> BTreeMap<String, String> {
    let own = table.metadata.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    let mut told: BTreeMap<_, _> = own.collect();
    if let Some(inputs) = inputs {
        told.insert(FIRST_POSITION.to_owned(), inputs.first_position.to_string());
        told.extend(inputs.norm.as_ref().map(|norm| (EPS.to_owned(), norm.eps.to_string())));
    }
    told
}

fn header(entries: &Entries<'_>, told: &BTreeMap<String, String>) -> io::Result<String> {
    let mut header = "{".to_owned();
    if !told.is_empty() {
        let _ = write!(header, "\"__metadata__\":{},", serde_json::to_string(told)?);
    }
    let mut start = 0;
    for (i, (name, dtype, shape, bytes)) in entries.iter().enumerate() {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(
            header,
            "{comma}\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{},\"data_offsets\":[{start},{}]}}",
            serde_json::to_string(shape)?,
            start + bytes
        );
        start += bytes;
    }
    header.push('}');
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    Ok(header)
}
