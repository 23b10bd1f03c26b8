//! `Checkpoint`: a transformer's tensors in one file or in shards, what its config.json says of them,
//! and the tables beside that of its tokens.

use std::sync::Arc;

use crate::error::{At, Result};
use crate::format::entry::{Beside as BesideFiles, Entry, Read, Told, Writer};
use crate::format::safetensors::{self, File, Index};
use crate::format::source::Bytes;
use crate::format::tensor::{Matrix as _, Tensor};
use crate::format::whole::{Parts, Whole};
use crate::format::{Note, OtherTable, malformed, shown};
use crate::limits;
use crate::table::input::{InputTables, LayerNorm};
use crate::vector::matrix::Matrix;

pub(super) const ENTRY: Entry = Entry {
    name: "safetensors",
    title: "safetensors",
    about: "Tensors with a tokenizer, vocabulary or file of words",
    suffixes: &["safetensors"],
    begins: |head| Told::surely(safetensors::begins(head.bytes) || head.name.ends_with(SHARDS)),
    read: Read::Whole(open),
    write: Some(Writer { write: safetensors::write, has_inputs: true, ..Writer::DEFAULT }),
    beside: BesideFiles { words: true, named: shards, ..Entry::DEFAULT.beside },
    in_folder: &[
        "model.safetensors",
        "model.safetensors.index.json",
        "0_StaticEmbedding/model.safetensors",
    ],
    ..Entry::DEFAULT
};

/// How the list of a checkpoint's shards is named.
const SHARDS: &str = ".safetensors.index.json";

/// A checkpoint's table, and what stands beside it.
fn open(whole: &Whole<'_>) -> Result<Parts> {
    read(whole, &Checkpoint::open(whole.name, whole.bytes, whole.others)?)
}

/// The same of tensors that another format has.
pub(super) fn table(whole: &Whole<'_>, file: File) -> Result<Parts> {
    read(whole, &Checkpoint::of(Some(file), None, whole.others))
}

fn read(whole: &Whole<'_>, checkpoint: &Checkpoint<'_>) -> Result<Parts> {
    let (file, name) = checkpoint.table(whole.tensor())?;
    let matrix = file.adjusted(file.tensor(&name)?)?;
    let beside = checkpoint.beside(&name, matrix.dim())?;
    let own = file.own_words()?;
    let (tokenizer, mut notes) = whole.tokenizer(own.is_some(), true)?;
    notes.extend(beside.notes);
    let told = format!("\"{}\", {} x {}", shown(name.as_bytes()), matrix.rows(), matrix.dim());
    notes.push(Note { reason: "tensor", done: "read as the table", at: At::Row(0), detail: told });
    let reader = whole.paired(own, matrix, notes, true)?;
    Ok(Parts { inputs: beside.inputs, tables: beside.tables, tokenizer, ..Parts::rows(reader) })
}

/// The shards that a list of them needs.
fn shards(main: &[u8], tensor: Option<&str>) -> Result<Vec<String>> {
    if safetensors::begins(main) {
        return Ok(Vec::new());
    }
    let index = Index::parse(main)?;
    Ok(index.needed(tensor).into_iter().map(str::to_owned).collect())
}

const CONFIG: &str = "config.json";
/// What BERT's layer norm adds to the variance, where nothing else is said.
const EPS: f64 = 1e-12;
/// The names of token tables that have others beside them end so; what is before is common to all.
const STEMS: &[&str] =
    &["word_embeddings.weight", "token_embedding.weight", "wte.weight", "embeddings"];
const POSITIONS: &[&str] =
    &["position_embeddings.weight", "position_embedding.weight", "wpe.weight"];
const SEGMENTS: &[&str] = &["token_type_embeddings.weight"];
/// Weight and bias, as they are named today and were in 2018.
const NORMS: [(&str, &str); 2] =
    [("LayerNorm.weight", "LayerNorm.bias"), ("LayerNorm.gamma", "LayerNorm.beta")];
/// Models whose positions begin behind that of padding.
const PADDED: &[&str] = &[
    "roberta",
    "xlm-roberta",
    "camembert",
    "mpnet",
    "longformer",
    "ibert",
    "data2vec-text",
    "luke",
];
/// The place of padding in them, where nothing else is said.
const PADDING: u64 = 1;

/// A main file with its shards and its config.json.
struct Checkpoint<'a> {
    /// The only file; none if there are shards.
    whole: Option<File>,
    index: Option<Index>,
    others: &'a [(String, Bytes)],
    config: serde_json::Value,
    /// Why config.json could not be read.
    config_problem: Option<String>,
}

/// What stands beside a token table.
#[derive(Default)]
struct Beside {
    inputs: Option<Arc<InputTables>>,
    tables: Vec<OtherTable>,
    notes: Vec<Note>,
}

impl<'a> Checkpoint<'a> {
    fn open(name: &str, bytes: &Bytes, others: &'a [(String, Bytes)]) -> Result<Self> {
        let is_index = name.ends_with(SHARDS);
        let whole = (!is_index).then(|| File::open(bytes)).transpose()?;
        let index = is_index.then(|| Index::parse(bytes)).transpose()?;
        Ok(Self::of(whole, index, others))
    }

    fn of(whole: Option<File>, index: Option<Index>, others: &'a [(String, Bytes)]) -> Self {
        let below = |(name, _): &&(String, Bytes)| name.rsplit('/').next() == Some(CONFIG);
        let config = others.iter().find(below).map(|(_, bytes)| serde_json::from_slice(bytes));
        let (config, config_problem) = match config {
            None => (serde_json::Value::Null, None),
            Some(Ok(config)) => (config, None),
            Some(Err(error)) => (serde_json::Value::Null, Some(error.to_string())),
        };
        Self { whole, index, others, config, config_problem }
    }

    /// The file that has the token table of this name, or of a known one; and the name.
    fn table(&self, wanted: Option<&str>) -> Result<(File, String)> {
        match (&self.whole, &self.index) {
            (Some(file), _) => {
                let name = file.table_name(wanted)?;
                Ok((file.clone(), name.to_owned()))
            }
            (None, Some(index)) => {
                let (name, shard) = index.shard(wanted)?;
                let missing = || {
                    let problem = format!(
                        "the shard {}, which has the table, is not there",
                        shown(shard.as_bytes())
                    );
                    malformed(ENTRY.name, At::Byte(0), problem)
                };
                Ok((self.shard(shard)?.ok_or_else(missing)?, name.to_owned()))
            }
            (None, None) => Err(crate::error::Error::new(crate::error::ErrorKind::Internal)),
        }
    }

    fn shard(&self, name: &str) -> Result<Option<File>> {
        let found = self.others.iter().find(|(other, _)| other == name);
        found.map(|(_, bytes)| File::open(bytes)).transpose()
    }

    /// The file that has a tensor, if there is one and it was sent.
    fn file_of(&self, tensor: &str) -> Result<Option<File>> {
        match (&self.whole, &self.index) {
            (Some(file), _) => Ok(file.has(tensor).then(|| file.clone())),
            (None, Some(index)) => {
                let Some(shard) = index.file_of(tensor) else { return Ok(None) };
                Ok(self.shard(shard)?.filter(|file| file.has(tensor)))
            }
            (None, None) => Ok(None),
        }
    }

    /// The first of some names that the checkpoint has, whether it was sent or not.
    fn known(&self, stem: &str, ends: &[&str]) -> Option<String> {
        let names = ends.iter().map(|end| format!("{stem}{end}"));
        names.into_iter().find(|name| match (&self.whole, &self.index) {
            (Some(file), _) => file.has(name),
            (None, Some(index)) => index.file_of(name).is_some(),
            (None, None) => false,
        })
    }

    fn config(&self, field: &str) -> &serde_json::Value {
        let inner = &self.config["text_config"];
        let own = &self.config[field];
        if own.is_null() { &inner[field] } else { own }
    }

    /// What stands beside the token table of this name and dimension.
    fn beside(&self, table: &str, dim: usize) -> Result<Beside> {
        let mut beside = Beside::default();
        if let Some(problem) = &self.config_problem {
            let detail = format!("{CONFIG}: {problem}");
            beside.note("unreadable_config", "taken for one that says nothing", detail);
        }
        let kept = self.inputs(table, dim, &mut beside)?;
        self.model(table, &mut beside);
        for file in self.files()? {
            for (name, rows, dim, dtype) in file.all_tables() {
                let is_kept = kept.iter().any(|kept| kept == name);
                if name != table && (is_kept || safetensors::looks_like_table(name)) {
                    let (name, dtype) = (name.to_owned(), dtype.to_owned());
                    beside.tables.push(OtherTable { name, rows, dim, dtype, is_kept });
                }
            }
        }
        Ok(beside)
    }

    fn files(&self) -> Result<Vec<File>> {
        match (&self.whole, &self.index) {
            (Some(file), _) => Ok(vec![file.clone()]),
            (None, Some(index)) => {
                index.files().into_iter().filter_map(|name| self.shard(name).transpose()).collect()
            }
            (None, None) => Ok(Vec::new()),
        }
    }

    /// The names of the tensors of a transformer's input, which are kept.
    fn inputs(&self, table: &str, dim: usize, beside: &mut Beside) -> Result<Vec<String>> {
        let stem = STEMS.iter().find_map(|end| table.strip_suffix(end));
        let stem = stem.filter(|stem| stem.is_empty() || stem.ends_with('.'));
        let Some(stem) = stem else { return Ok(Vec::new()) };
        let mut positions = self.known(stem, POSITIONS);
        let kind = self.config("position_embedding_type").as_str().unwrap_or("absolute");
        if let Some(name) = positions.take_if(|_| kind != "absolute") {
            let detail =
                format!("{name}: {CONFIG} says that positions are {}", shown(kind.as_bytes()));
            beside.not_kept(detail);
        }
        let segments = self.known(stem, SEGMENTS);
        let norm = NORMS
            .into_iter()
            .find_map(|(weight, bias)| self.known(stem, &[weight]).zip(self.known(stem, &[bias])));
        let names = [positions.clone(), segments.clone()].into_iter().flatten();
        let names: Vec<String> =
            names.chain(norm.clone().map(|(a, b)| [a, b]).into_iter().flatten()).collect();
        if names.is_empty() {
            return Ok(names);
        }
        let mut read = Reading { checkpoint: self, dim, problem: None };
        let positions = positions.map(|name| read.matrix(&name)).transpose()?.flatten();
        let segments = segments.map(|name| read.matrix(&name)).transpose()?.flatten();
        let norm = norm.map(|(weight, bias)| read.norm(&weight, &bias)).transpose()?.flatten();
        if let Some(problem) = read.problem {
            beside.not_kept(problem);
            return Ok(Vec::new());
        }
        let norm = norm.map(|(weight, bias)| LayerNorm { weight, bias, eps: self.eps() });
        let mut inputs = InputTables { positions, first_position: 0, segments, norm };
        let last = inputs.positions.as_ref().map_or(0, |positions| positions.len() - 1);
        inputs.first_position = self.first_position(stem).min(last);
        beside.note("input_tables", "read: texts can be a transformer's input", told(&inputs));
        beside.inputs = Some(Arc::new(inputs));
        Ok(names)
    }

    fn eps(&self) -> f64 {
        let own =
            self.whole.as_ref().and_then(|file| file.metadata(safetensors::EPS)?.parse().ok());
        let eps = own.or_else(|| self.config("layer_norm_eps").as_f64());
        eps.filter(|eps| eps.is_finite() && *eps > 0.0).unwrap_or(EPS)
    }

    fn first_position(&self, stem: &str) -> usize {
        let own = self.whole.as_ref();
        let own = own.and_then(|file| file.metadata(safetensors::FIRST_POSITION)?.parse().ok());
        if let Some(own) = own {
            return own;
        }
        let is_padded = match self.config("model_type").as_str() {
            Some(model) => PADDED.contains(&model),
            None => stem.split('.').any(|part| PADDED.contains(&part.replace('_', "-").as_str())),
        };
        let padding = self.config("pad_token_id").as_u64().unwrap_or(PADDING);
        if is_padded { usize::try_from(padding + 1).unwrap_or(0) } else { 0 }
    }

    /// What a model does with its token table that rows do not tell.
    fn model(&self, table: &str, beside: &mut Beside) {
        let model = self.config("model_type").as_str().unwrap_or_default();
        if model.starts_with("gemma") {
            let detail = format!(
                "{} multiplies rows by the root of their components",
                shown(model.as_bytes())
            );
            beside.note("scaled_by_model", "kept as they stand in the file", detail);
        }
        let has_head = self.known("", safetensors::HEADS).filter(|head| head != table);
        let is_tied = self.config("tie_word_embeddings").as_bool();
        if let Some(head) = has_head {
            let detail = format!("{head} is another table; --tensor reads it");
            beside.note("output_table", "not read", detail);
        } else if is_tied == Some(true) || (is_tied.is_none() && safetensors::is_decoder(table)) {
            let detail = format!("{} is the output's table too", shown(table.as_bytes()));
            beside.note("tied_output", "read once", detail);
        }
    }
}

impl Beside {
    fn note(&mut self, reason: &'static str, done: &'static str, detail: String) {
        self.notes.push(Note { reason, done, at: At::Row(0), detail });
    }

    fn not_kept(&mut self, detail: String) {
        self.note("input_tables_left", "not kept", detail);
    }
}

/// In a clause, for the report.
fn told(inputs: &InputTables) -> String {
    let mut parts = Vec::new();
    if let Some(positions) = &inputs.positions {
        let from = inputs.first_position;
        let from = if from == 0 { String::new() } else { format!(" from {from} on") };
        parts.push(format!("{} positions{from}", positions.len()));
    }
    if let Some(segments) = &inputs.segments {
        parts.push(format!("{} segments", segments.len()));
    }
    if let Some(norm) = &inputs.norm {
        parts.push(format!("layer norm, eps {:e}", norm.eps));
    }
    parts.join(", ")
}

/// Reads tensors, and remembers the first that does not fit.
struct Reading<'a> {
    checkpoint: &'a Checkpoint<'a>,
    dim: usize,
    problem: Option<String>,
}

impl Reading<'_> {
    fn matrix(&mut self, name: &str) -> Result<Option<Matrix>> {
        let Some(file) = self.file(name)? else { return Ok(None) };
        let tensor = file.tensor(name)?;
        self.rows(name, tensor)
    }

    fn norm(&mut self, weight: &str, bias: &str) -> Result<Option<(Vec<f32>, Vec<f32>)>> {
        let mut list = |name: &str| -> Result<Option<Vec<f32>>> {
            let Some(file) = self.file(name)? else { return Ok(None) };
            let tensor = file.list(name)?;
            let rows = self.rows(name, tensor)?;
            Ok(rows.and_then(|matrix| matrix.rows().next().map(<[f32]>::to_vec)))
        };
        Ok(list(weight)?.zip(list(bias)?))
    }

    fn file(&mut self, name: &str) -> Result<Option<File>> {
        let file = self.checkpoint.file_of(name)?;
        if file.is_none() {
            self.wrong(name, "its shard is not there");
        }
        Ok(file)
    }

    fn rows(&mut self, name: &str, mut tensor: Tensor) -> Result<Option<Matrix>> {
        if tensor.dim != self.dim {
            let problem = format!("it has {} columns, the table {}", tensor.dim, self.dim);
            self.wrong(name, &problem);
            return Ok(None);
        }
        if tensor.rows == 0 || tensor.rows > limits::POSITIONS_MAX {
            let max = limits::POSITIONS_MAX;
            let problem =
                format!("it has {} rows, 1 to {max} (POSITIONS_MAX) are kept", tensor.rows);
            self.wrong(name, &problem);
            return Ok(None);
        }
        let mut matrix = Matrix::new(self.dim);
        let mut row = Vec::new();
        for number in 0..tensor.rows {
            tensor.row(number, &mut row)?;
            if row.iter().any(|value| !value.is_finite()) {
                self.wrong(name, "a value is NaN or infinite");
                return Ok(None);
            }
            matrix.push(&row);
        }
        Ok(Some(matrix))
    }

    fn wrong(&mut self, name: &str, problem: &str) {
        self.problem.get_or_insert_with(|| format!("{}: {problem}", shown(name.as_bytes())));
    }
}
