//! For tests: a small part of `GloVe`, and what gensim and WEFE answer on it.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::index::{Found, Index, IndexKind, SearchParams};
use crate::table::builder::TableBuilder;
use crate::table::view::View;
use crate::vector::top::{Near, TopK};

fn read(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// The part of `GloVe` 6B 50d.
pub(crate) fn table() -> View {
    let mut builder = TableBuilder::new(50).unwrap();
    for line in read("glove.50d.txt").lines() {
        let (word, values) = line.split_once(' ').unwrap();
        let vector: Vec<f32> = values.split(' ').map(|value| value.parse().unwrap()).collect();
        builder.push(word.as_bytes(), &vector).unwrap();
    }
    builder.build().into()
}

/// One group of the answers.
pub(crate) fn answers(group: &str) -> Value {
    answers_in("golden.json", group)
}

/// One group of the answers in a file.
pub(crate) fn answers_in(file: &str, group: &str) -> Value {
    serde_json::from_str::<Value>(&read(file)).unwrap()[group].take()
}

/// The strings of a list.
pub(crate) fn strings(list: &Value) -> Vec<String> {
    serde_json::from_value(list.clone()).unwrap()
}

/// Whether two numbers agree as well as single precision lets them.
pub(crate) fn agree(ours: f64, theirs: &Value) -> bool {
    (ours - theirs.as_f64().unwrap()).abs() < 1e-5
}

/// Compares every row, as plainly as can be.
#[derive(Debug)]
pub(crate) struct Brute<'t>(pub(crate) &'t View);

impl Index for Brute<'_> {
    fn search(&self, query: &[f32], params: &SearchParams<'_>) -> Found {
        let mut top = TopK::new(params.k);
        for row in self.0.rows() {
            let is_allowed = params.allowed.is_none_or(|allowed| allowed.has(row));
            if is_allowed && !params.exclude.contains(&row) {
                #[expect(clippy::cast_possible_truncation, reason = "at most 1 in size")]
                let similarity = self.0.similarity(row, query) as f32;
                top.push(Near { row, similarity });
            }
        }
        Found { nears: top.into_sorted(), by: IndexKind::Exact }
    }

    fn memory_bytes(&self) -> usize {
        0
    }
}
