//! Bytes as what a caller asks with: a filter's regular expression, a text to cut into words, a test
//! set.

use std::sync::LazyLock;

use wordspace::evaluation::{analogies, categories, outliers, word_pairs};
use wordspace::query::filter::Scan;
use wordspace::table::builder::TableBuilder;
use wordspace::table::view::View;
use wordspace::text::spec::Kind;
use wordspace::text::tokenizer::{CutOptions, Tokenizer};

static TABLE: LazyLock<Option<View>> = LazyLock::new(|| {
    let mut builder = TableBuilder::new(1).ok()?;
    for word in ["the", "caf\u{e9}", "aaaaaaaaaaaaaaaaaaaaaaaa", " "] {
        builder.push(word.as_bytes(), &[1.0]).ok()?;
    }
    Some(View::from(builder.build()))
});
pub fn test_set(bytes: &[u8]) {
    let _ = analogies::AnalogyFile::read(bytes);
    let _ = categories::CategoryFile::read(bytes);
    let _ = outliers::OutlierFile::read(bytes);
    let _ = word_pairs::PairFile::read(bytes);
}

pub fn regex(bytes: &[u8]) {
    let regex = String::from_utf8_lossy(bytes).into_owned();
    let scan = Scan { regex, ..Scan::default() };
    if let Some(table) = &*TABLE {
        let _ = scan.rows(table, &|| Ok(()));
    }
}

pub fn text(bytes: &[u8]) {
    cut(&String::from_utf8_lossy(bytes));
}

static TOKENIZERS: LazyLock<Vec<(&str, Tokenizer)>> = LazyLock::new(|| {
    Kind::NAMES.iter().filter_map(|&name| Some((name, Tokenizer::named(name)?))).collect()
});

fn cut(text: &str) {
    for (name, tokenizer) in &*TOKENIZERS {
        let Ok(tokens) = tokenizer.cut(text, &CutOptions::default(), None) else { continue };
        let mut begin = 0;
        for token in tokens {
            let bytes = token.bytes;
            assert!(begin <= bytes.start && bytes.end <= text.len(), "{name}: tokens in order");
            begin = bytes.start;
        }
    }
}
