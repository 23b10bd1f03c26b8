//! All that a data folder answers, as text: two folders that hold the same tell the same.

use std::fmt::Write as _;

use wordspace::engine::{Ask, Engine};
use wordspace::error::Result;
use wordspace::query::lookup::{Layout, LookupQuery};
use wordspace::query::nearest::NearestQuery;
use wordspace::query::tokenize::{Cutting, TokenizeQuery};
use wordspace::query::words::WordsQuery;
use wordspace::query::{Effort, Include, OovPolicy, Weighted, WordOptions, WordOrVector};
use wordspace::table::meta::TableName;
use wordspace::vector::RowId;
use wordspace::vector::matrix::Matrix;

/// Longer vectors are told by their checksum.
const SHOWN: usize = 8;

/// The names of tables, damaged ones too.
pub(crate) fn tables(engine: &Engine) -> Vec<TableName> {
    engine.tables().into_iter().map(|table| table.meta.name).collect()
}

/// A table: where it is from, its rows and what is asked of them.
pub(crate) fn table(engine: &Engine, table: &TableName) -> Result<String> {
    let rows = rows_of(engine, table)?;
    let status = engine.table(table)?;
    let mut told =
        format!("table {table}: {} rows of {}\n", status.meta.row_count, status.meta.dim);
    let from = status.meta.provenance;
    let _ = writeln!(
        told,
        "  from {:?}, {:?}, {} bytes, {} rows, at {}, {:?}, {:?}, {:?}",
        from.source,
        from.format,
        from.source_bytes,
        from.rows_read,
        from.imported_at,
        from.sha256,
        from.options,
        from.license
    );
    let queries: Vec<_> = rows.iter().copied().map(WordOrVector::Row).collect();
    for (row, found) in rows.iter().zip(looked_up(engine, table, &queries, OovPolicy::Error)?) {
        let (word, vector, attributes) = found.unwrap();
        let word = String::from_utf8(word.clone()).unwrap_or_else(|_| format!("{word:?}"));
        let _ = writeln!(told, "  {} {word} {vector} {attributes}", row.0);
    }
    if status.meta.subwords.is_some() {
        for word in ["ab", "za", "ba b"] {
            let asked = [WordOrVector::Word(word.to_owned())];
            let made = looked_up(engine, table, &asked, OovPolicy::Subword)?.remove(0).unwrap();
            let _ = writeln!(told, "  sub-words of {word}: {}", made.1);
        }
    }
    if let Some(inputs) = status.inputs {
        let inputs = inputs.map_err(wordspace::error::Error::new)?;
        let rows = |matrix: &Option<Matrix>| -> Vec<String> {
            matrix.iter().flat_map(Matrix::rows).map(values).collect()
        };
        let _ = writeln!(
            told,
            "  from position {}: {:?}",
            inputs.first_position,
            rows(&inputs.positions)
        );
        let _ = writeln!(told, "  segments {:?}", rows(&inputs.segments));
        if let Some(norm) = &inputs.norm {
            let _ = writeln!(told, "  norm {:?}, {:?}, {}", norm.weight, norm.bias, norm.eps);
        }
    }
    for (k, exact) in [(3, true), (10, false)] {
        let vector = (0..status.meta.dim).map(|i| (i % 3) as f32 - 0.75).collect();
        let near = nearest(engine, table, WordOrVector::Vector(vector), k, exact)?;
        let near: Vec<_> =
            near.iter().map(|(word, _, similarity)| format!("{word} {similarity:.4}")).collect();
        let _ = writeln!(told, "  nearest {near:?}");
    }
    Ok(told)
}

fn rows_of(engine: &Engine, table: &TableName) -> Result<Vec<RowId>> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let query = WordsQuery { page_size: 10_000, page_token, ..WordsQuery::default() };
        let page = engine.words(&Ask { table: table.clone(), query })?.answer;
        rows.extend(page.words.into_iter().map(|one| one.row));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(rows);
        }
    }
}

type Found = Option<(Vec<u8>, String, String)>;

fn looked_up(
    engine: &Engine,
    table: &TableName,
    queries: &[WordOrVector],
    oov: OovPolicy,
) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for queries in queries.chunks(1_000) {
        let words = WordOptions { oov, ..WordOptions::default() };
        let query = LookupQuery {
            queries: queries.to_vec(),
            unit: false,
            layout: Layout::default(),
            words,
        };
        let vectors = engine.lookup(&Ask { table: table.clone(), query })?.answer.vectors;
        found.extend(vectors.into_iter().map(|vector| {
            let vector = vector?;
            let attributes: Vec<_> = vector.attributes.iter().collect();
            Some((vector.word, values(&vector.vector), format!("{attributes:?}")))
        }));
    }
    Ok(found)
}

fn values(vector: &[f32]) -> String {
    if vector.len() <= SHOWN {
        return format!("{vector:?}");
    }
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    format!("[{} values, {:08x}]", vector.len(), crc32fast::hash(&bytes))
}

/// The nearest words with their similarities.
pub(crate) fn nearest(
    engine: &Engine,
    table: &TableName,
    to: WordOrVector,
    k: usize,
    exact: bool,
) -> Result<Vec<(String, RowId, f32)>> {
    let query = NearestQuery {
        positive: vec![Weighted { query: to, weight: 1.0 }],
        negative: Vec::new(),
        k,
        exclude_inputs: true,
        min_similarity: None,
        diversity: 0.0,
        effort: Effort { exact, ..Effort::default() },
        words: WordOptions::default(),
        filter: None,
        include: Include::default(),
        group_by: None,
    };
    let near = engine.nearest(&Ask { table: table.clone(), query })?.answer.neighbors;
    let word = |word: Vec<u8>| String::from_utf8_lossy(&word).into_owned();
    Ok(near.into_iter().map(|near| (word(near.word), near.row, near.similarity)).collect())
}

/// A stored tokenizer: who uses it, and how it cuts.
pub(crate) fn tokenizer(engine: &Engine, name: &str) -> Result<String> {
    let status = engine.tokenizer_status(name)?;
    let kind = status.tokenizer.map_err(wordspace::error::Error::new)?.kind_name();
    let query = TokenizeQuery {
        texts: vec!["king walking kings".to_owned()],
        cutting: Cutting { tokenizer: name.to_owned(), ..Cutting::default() },
        ..TokenizeQuery::default()
    };
    let tokens = engine.tokenize(None, &query)?.answer.remove(0).tokens;
    let tokens: Vec<_> = tokens.into_iter().map(|token| (token.piece, token.id)).collect();
    let spec = engine.tokenizer_spec(name)?;
    let files: Vec<_> = spec.files.iter().map(|file| (&file.name, file.bytes.len())).collect();
    Ok(format!("tokenizer {name}: {kind} {files:?} of {:?}: {tokens:?}\n", status.tables))
}

/// A stored test set with its file.
pub(crate) fn test_set(engine: &Engine, name: &TableName) -> Result<String> {
    let (head, file) = engine.test_set(name)?;
    Ok(format!("test set {name}: {head:?} {:?}\n", String::from_utf8_lossy(&file)))
}
