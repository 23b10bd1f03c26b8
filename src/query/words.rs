//! Which words does the table have? Page by page, in row order or by an attribute; or some at random.

use crate::error::{Error, Result};
use crate::limits;
use crate::query::answer_size::AnswerSize;
use crate::query::filter::Filter;
use crate::query::{GoOn, Include, Included};
use crate::steps::watched;
use crate::table::attributes::{self, AttributeValue};
use crate::table::view::View;
use crate::vector::RowId;
use crate::vector::random::SplitMix64;
use crate::vector::row_set::RowSet;

/// A page of words is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordsQuery {
    /// Only words that start with these bytes.
    pub prefix: Vec<u8>,
    /// Words on the page at most; not 0. A page of long words ends before, where a message is full.
    pub page_size: usize,
    /// Where the page starts: the token of the page before; empty for the first.
    pub page_token: String,
    /// Which words. Whoever asks hands over the rows that it lets through.
    pub filter: Option<Filter>,
    /// Words that are passed over before the first page.
    pub offset: usize,
    /// In another order than that of rows.
    pub order: Option<Order>,
    /// What is asked of each beside the word.
    pub include: Include,
}

/// Words by an attribute, equal ones by row. Those that lack it are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The attribute's name.
    pub attribute: String,
    /// The largest first, in the order of all values; else the smallest.
    pub is_descending: bool,
}

/// Some words at random are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct SampleQuery {
    /// How many; all if there are fewer.
    pub count: usize,
    /// The same one draws the same rows.
    pub seed: u64,
    /// Of which words. Whoever asks hands over the rows that it lets through.
    pub filter: Option<Filter>,
    /// What is asked of each beside the word.
    pub include: Include,
}

/// A word of a page.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// Its bytes, which should be UTF-8.
    pub word: Vec<u8>,
    /// Its row.
    pub row: RowId,
    /// What was asked beside.
    pub included: Included,
}

/// A page of words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WordsAnswer {
    /// The words, in row order or in the one that was asked for.
    pub words: Vec<Listed>,
    /// Asks for the next page; empty on the last.
    pub next_page_token: String,
    /// How many rows the filter lets through, if there is one.
    pub allowed_rows: Option<usize>,
    /// Where the next page begins: a row, or a place in the order.
    next: Option<usize>,
}

/// The table's words from where the token says. Words that are added between two pages come behind
/// the others.
///
/// # Errors
///
/// If the token was not given by this generation of the table for this question, or if a page by an attribute lies
/// beyond `WORDS_ORDERED_MAX`; whatever `go_on` says.
pub fn words(
    table: &View,
    generation: u64,
    query: &WordsQuery,
    allowed: Option<&RowSet>,
    go_on: GoOn<'_>,
) -> Result<WordsAnswer> {
    let start = start_of(generation, query)?;
    let matches = |row: RowId| {
        allowed.is_none_or(|allowed| allowed.has(row)) && table.word(row).starts_with(&query.prefix)
    };
    let mut answer = match &query.order {
        None => by_row(table, query, start, matches, go_on)?,
        Some(order) => by_attribute(table, query, (order, start), matches, go_on)?,
    };
    answer.allowed_rows = allowed.map(RowSet::len);
    answer.next_page_token = match answer.next {
        Some(place) => token(generation, place, query),
        None => String::new(),
    };
    Ok(answer)
}

/// In row order, from the row `start` on.
fn by_row(
    table: &View,
    query: &WordsQuery,
    start: Option<usize>,
    matches: impl Fn(RowId) -> bool,
    go_on: GoOn<'_>,
) -> Result<WordsAnswer> {
    let (mut answer, mut size) = (WordsAnswer::default(), AnswerSize::default());
    let mut passed = if start.is_none() { query.offset } else { 0 };
    for row in watched(table.rows_from(start.unwrap_or(0)), go_on) {
        let row = row?;
        if !matches(row) {
            continue;
        }
        if passed > 0 {
            passed -= 1;
            continue;
        }
        if answer.words.len() == query.page_size
            || include(table, row, query.include, &mut size, &mut answer.words).is_err()
        {
            answer.next = Some(row.index());
            break;
        }
    }
    Ok(answer)
}

/// By an attribute, from the place `start` on.
fn by_attribute(
    table: &View,
    query: &WordsQuery,
    (order, start): (&Order, Option<usize>),
    matches: impl Fn(RowId) -> bool,
    go_on: GoOn<'_>,
) -> Result<WordsAnswer> {
    let start = start.unwrap_or(query.offset);
    let end = start.saturating_add(query.page_size);
    if end > limits::WORDS_ORDERED_MAX {
        let max = limits::WORDS_ORDERED_MAX;
        let problem = format!("the first {max} words by an attribute can be listed: filter by it");
        return Err(Error::invalid("offset", problem));
    }
    let compare = |a: &(&AttributeValue, RowId), b: &(&AttributeValue, RowId)| {
        let by_value = attributes::order(a.0, b.0);
        let by_value = if order.is_descending { by_value.reverse() } else { by_value };
        by_value.then(a.1.cmp(&b.1))
    };
    let (mut rows, mut found) = (Vec::new(), 0);
    for item in watched(table.held(&order.attribute).rows(), go_on) {
        let (row, value) = item?;
        if matches(row) {
            rows.push((value, row));
            found += 1;
            // No more than twice as many are held as can be on a page.
            if rows.len() > 2 * end {
                rows.select_nth_unstable_by(end, compare);
                rows.truncate(end);
            }
        }
    }
    rows.sort_unstable_by(compare);
    rows.truncate(end);
    let has_more = found > end;
    let (mut answer, mut size) = (WordsAnswer::default(), AnswerSize::default());
    for (place, &(_, row)) in rows.iter().enumerate().skip(start) {
        if include(table, row, query.include, &mut size, &mut answer.words).is_err() {
            answer.next = Some(place);
            return Ok(answer);
        }
    }
    answer.next = has_more.then_some(end);
    Ok(answer)
}

/// Some words at random, each as likely, in row order.
///
/// # Errors
///
/// If they have no room in a message; whatever `go_on` says.
pub fn sample(
    table: &View,
    query: &SampleQuery,
    allowed: Option<&RowSet>,
    go_on: GoOn<'_>,
) -> Result<WordsAnswer> {
    let count = allowed.map_or(table.len(), RowSet::len);
    let places = SplitMix64(query.seed).sample(count, query.count);
    let mut places = places.into_iter().peekable();
    let (mut answer, mut size) = (WordsAnswer::default(), AnswerSize::default());
    let mut place = 0;
    for row in watched(table.rows(), go_on) {
        let row = row?;
        if places.peek().is_none() {
            break;
        }
        if allowed.is_none_or(|allowed| allowed.has(row)) {
            if places.next_if_eq(&place).is_some() {
                include(table, row, query.include, &mut size, &mut answer.words)?;
            }
            place += 1;
        }
    }
    answer.allowed_rows = allowed.map(RowSet::len);
    Ok(answer)
}

/// Adds a row, if there is room for it.
fn include(
    table: &View,
    row: RowId,
    include: Include,
    size: &mut AnswerSize,
    words: &mut Vec<Listed>,
) -> Result<()> {
    let included = Included::of(table, row, include, size)?;
    words.push(Listed { word: table.word(row).to_vec(), row, included });
    Ok(())
}

/// Generation, place, and a checksum of both with the question, in hexadecimal.
fn token(generation: u64, place: usize, query: &WordsQuery) -> String {
    let mut hasher = crc32fast::Hasher::new();
    let WordsQuery { prefix, filter, offset, order, .. } = query;
    let asked = (generation, place, prefix, filter, offset, order);
    hasher.update(format!("{asked:?}").as_bytes());
    format!("{generation:x}-{place:x}-{:x}", hasher.finalize())
}

/// Where the page begins: a row, or a place in the order; none for the first page.
fn start_of(generation: u64, query: &WordsQuery) -> Result<Option<usize>> {
    if query.page_token.is_empty() {
        return Ok(None);
    }
    let place = query.page_token.split('-').nth(1);
    let place = place.and_then(|place| usize::from_str_radix(place, 16).ok());
    match place {
        Some(place) if token(generation, place, query) == query.page_token => Ok(Some(place)),
        Some(_) | None => {
            let problem = "not a token for this table, prefix, filter and order; the table may have been \
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
        builder.build().into()
    }

    #[test]
    fn pages_join_to_the_whole_list() {
        let table = table(&["cat", "dog", "car", "cow", "cap", "bat"]);
        for page_size in 1..8 {
            let mut got = Vec::new();
            let mut page_token = String::new();
            loop {
                let prefix = b"ca".to_vec();
                let query = WordsQuery { prefix, page_size, page_token, ..WordsQuery::default() };
                let page = words(&table, 7, &query, None, &|| Ok(())).unwrap();
                got.extend(page.words.into_iter().map(|one| (one.word, one.row)));
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
            ..WordsQuery::default()
        };
        let words = |table: &View, generation, query: &WordsQuery| {
            words(table, generation, query, None, &|| Ok(()))
        };
        let token = words(&table, 7, &query("c", "")).unwrap().next_page_token;
        assert!(words(&table, 7, &query("c", &token)).is_ok());
        let filter = Some(Filter { deny: vec!["x".to_owned()], ..Filter::default() });
        let filtered = WordsQuery { filter, ..query("c", &token) };
        assert!(words(&table, 7, &filtered).is_err(), "the token of another filter");
        for (generation, prefix, token) in
            [(8, "c", token.as_str()), (7, "ca", &token), (7, "c", "x"), (7, "c", "7-1-0")]
        {
            assert!(words(&table, generation, &query(prefix, token)).is_err(), "{token}");
        }
    }
    #[test]
    fn words_come_by_an_attribute_and_at_random() {
        let mut view = table(&["cat", "dog", "car", "cow", "cap", "bat"]);
        for (row, count) in [(0, 5.0), (1, 9.0), (3, 5.0), (4, 1.0), (5, 7.0)] {
            let count = ("count".to_owned(), AttributeValue::Number(count));
            view.give_attributes(RowId(row), [count].into_iter().collect());
        }
        let order = |is_descending| Some(Order { attribute: "count".to_owned(), is_descending });
        for (is_descending, offset, wanted) in [
            (false, 0, vec![4, 0, 3, 5, 1]),
            (true, 0, vec![1, 5, 0, 3, 4]),
            (true, 3, vec![3, 4]),
            (false, 9, vec![]),
        ] {
            for page_size in 1..7 {
                let mut query = WordsQuery {
                    page_size,
                    offset,
                    order: order(is_descending),
                    include: Include { norms: true, ..Include::default() },
                    ..WordsQuery::default()
                };
                let mut got = Vec::new();
                loop {
                    let page = words(&view, 7, &query, None, &|| Ok(())).unwrap();
                    assert!(page.words.iter().all(|one| one.included.norm == Some(1.0)));
                    got.extend(page.words.iter().map(|one| one.row.0));
                    query.page_token = page.next_page_token;
                    if query.page_token.is_empty() {
                        break;
                    }
                }
                assert_eq!(got, wanted, "{page_size}");
            }
        }
        let far = WordsQuery {
            offset: 1 << 40,
            page_size: 1,
            order: order(true),
            ..WordsQuery::default()
        };
        assert!(words(&view, 7, &far, None, &|| Ok(())).is_err());

        let mut met = [0; 6];
        for seed in 0..600 {
            let query =
                |count| SampleQuery { count, seed, filter: None, include: Include::default() };
            let two = sample(&view, &query(2), None, &|| Ok(())).unwrap().words;
            assert_eq!(sample(&view, &query(2), None, &|| Ok(())).unwrap().words, two);
            for one in &two {
                met[one.row.index()] += 1;
            }
            let all = sample(&view, &query(9), Some(&RowSet::range(2, 4)), &|| Ok(())).unwrap();
            assert_eq!(all.words.iter().map(|one| one.row.0).collect::<Vec<_>>(), [2, 3]);
        }
        assert!(met.iter().all(|&count| (150..250).contains(&count)), "{met:?}");
    }
}
