//! Which words does the table have? In row order, page by page.

use crate::error::{Error, Result};
use crate::query::answer_size::AnswerSize;
use crate::query::filter::Filter;
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::row_set::RowSet;

/// A page of words is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct WordsQuery {
    /// Only words that start with these bytes.
    pub prefix: Vec<u8>,
    /// Words on the page at most; not 0. A page of long words ends before, where a message is full.
    pub page_size: usize,
    /// Where the page starts: the token of the page before; empty for the first.
    pub page_token: String,
    /// Which words. Whoever asks hands over the rows that it lets through.
    pub filter: Option<Filter>,
}

/// A page of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordsAnswer {
    /// The words with their rows, in row order.
    pub words: Vec<(Vec<u8>, RowId)>,
    /// Asks for the next page; empty on the last.
    pub next_page_token: String,
    /// How many rows the filter lets through, if there is one.
    pub allowed_rows: Option<usize>,
}

/// The table's words from where the token says. Words that are added between two pages come behind
/// the others.
///
/// # Errors
///
/// If the token was not given by this generation of the table for this prefix and filter.
pub fn words(
    table: &View,
    generation: u64,
    query: &WordsQuery,
    allowed: Option<&RowSet>,
) -> Result<WordsAnswer> {
    let start = start_of(table, generation, query)?;
    let is_allowed = |row: &RowId| allowed.is_none_or(|allowed| allowed.has(*row));
    let rows = table.rows_from(start).filter(is_allowed);
    let mut matching = rows.filter(|&row| table.word(row).starts_with(&query.prefix));
    let mut words = Vec::new();
    let mut size = AnswerSize::default();
    let mut next = matching.next();
    while let Some(row) = next
        && words.len() < query.page_size
        && size.add_word(table.word(row)).is_ok()
    {
        words.push((table.word(row).to_vec(), row));
        next = matching.next();
    }
    let next_page_token = next.map_or_else(String::new, |row| token(generation, row, query));
    Ok(WordsAnswer { words, next_page_token, allowed_rows: allowed.map(RowSet::len) })
}

/// Generation, row, and a checksum of both with prefix and filter, in hexadecimal.
fn token(generation: u64, row: RowId, query: &WordsQuery) -> String {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&generation.to_le_bytes());
    hasher.update(&row.0.to_le_bytes());
    hasher.update(&query.prefix);
    if let Some(filter) = &query.filter {
        hasher.update(format!("{filter:?}").as_bytes());
    }
    format!("{generation:x}-{row:x}-{:x}", hasher.finalize(), row = row.0)
}

fn start_of(table: &View, generation: u64, query: &WordsQuery) -> Result<usize> {
    if query.page_token.is_empty() {
        return Ok(0);
    }
    let row = query.page_token.split('-').nth(1);
    let row = row.and_then(|row| u32::from_str_radix(row, 16).ok()).map(RowId);
    match row {
        Some(row)
            if row.index() < table.rows_end()
                && token(generation, row, query) == query.page_token =>
        {
            Ok(row.index())
        }
        Some(_) | None => {
            let problem = "not a token for this table, prefix and filter; the table may have been \
                           replaced or rebuilt: ask for the first page again";
            Err(Error::invalid("page_token", problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::builder::TableBuilder;

    fn table(words: &[&str]) -> View {
        let mut builder = TableBuilder::new(1).unwrap();
        for word in words {
            builder.push(word.as_bytes(), &[1.0]).unwrap();
        }
        builder.build().unwrap().into()
    }

    #[test]
    fn pages_join_to_the_whole_list() {
        let table = table(&["cat", "dog", "car", "cow", "cap", "bat"]);
        for page_size in 1..8 {
            let mut got = Vec::new();
            let mut page_token = String::new();
            loop {
                let prefix = b"ca".to_vec();
                let query = WordsQuery { prefix, page_size, page_token, filter: None };
                let page = words(&table, 7, &query, None).unwrap();
                got.extend(page.words);
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            let want = [("cat", 0), ("car", 2), ("cap", 4)];
            assert_eq!(got, want.map(|(word, row)| (word.as_bytes().to_vec(), RowId(row))));
        }
    }

    #[test]
    fn a_foreign_token_is_refused() {
        let table = table(&["cat", "car"]);
        let query = |prefix: &str, page_token: &str| WordsQuery {
            prefix: prefix.into(),
            page_size: 1,
            page_token: page_token.to_owned(),
            filter: None,
        };
        let token = words(&table, 7, &query("c", ""), None).unwrap().next_page_token;
        assert!(words(&table, 7, &query("c", &token), None).is_ok());
        let filter = Some(Filter { deny: vec!["x".to_owned()], ..Filter::default() });
        let filtered = WordsQuery { filter, ..query("c", &token) };
        assert!(words(&table, 7, &filtered, None).is_err(), "the token of another filter");
        for (generation, prefix, token) in
            [(8, "c", token.as_str()), (7, "ca", &token), (7, "c", "x"), (7, "c", "7-1-0")]
        {
            assert!(words(&table, generation, &query(prefix, token), None).is_err(), "{token}");
        }
    }
}
