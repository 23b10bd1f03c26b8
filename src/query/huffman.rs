//! Where does a word stand in the Huffman tree over a table's words?

use std::cmp::Reverse;

use crate::error::{Error, ErrorKind, Result};
use crate::query::GoOn;
use crate::query::frequency::COUNT;
use crate::steps::watched;
use crate::table::view::View;
use crate::training::huffman::Huffman;
use crate::vector::RowId;

/// The way to a word is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HuffmanQuery {
    /// As it stands in the table.
    pub word: String,
}

/// The answer to a [`HuffmanQuery`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HuffmanPath {
    /// The word.
    pub word: String,
    /// How often it occurs.
    pub count: u64,
    /// 1 for each left child, which is the more frequent one, and 0 for each right one.
    pub code: String,
    /// The inner nodes on the way, the root first.
    pub nodes: Vec<u32>,
    /// Words of the tree.
    pub word_count: usize,
}

/// Finds the way to a word among those that have the attribute `count`. Equally frequent words stand in
/// the order of their rows.
///
/// # Errors
///
/// `UnknownWords` if the table lacks it; if it or all others have no count; whatever `go_on` says.
pub fn huffman_path(table: &View, query: &HuffmanQuery, go_on: GoOn<'_>) -> Result<HuffmanPath> {
    let word = &query.word;
    let row = table
        .row(word.as_bytes())
        .ok_or_else(|| Error::new(ErrorKind::UnknownWords { words: vec![word.clone()] }))?;
    let mut counted = Vec::new();
    for item in watched(table.held(COUNT).rows(), go_on) {
        let (row, value) = item?;
        counted.extend(value.count().map(|count| (count, row)));
    }
    counted.sort_unstable_by_key(|&(count, row): &(u64, RowId)| (Reverse(count), row.0));
    let place = counted.iter().position(|&(_, other)| other == row).ok_or_else(|| {
        let problem = format!(
            "{word:?} has no attribute \"{COUNT}\", by which the tree is built: trained tables have \
             it, and an import takes it by its counts"
        );
        Error::invalid("word", problem)
    })?;
    let counts: Vec<u64> = counted.iter().map(|&(count, _)| count).collect();
    go_on()?;
    let tree = Huffman::new(&counts)?;
    let path = tree.path(place);
    Ok(HuffmanPath {
        word: word.clone(),
        count: counts[place],
        code: path.code(),
        nodes: path.nodes.to_vec(),
        word_count: counts.len(),
    })
}
