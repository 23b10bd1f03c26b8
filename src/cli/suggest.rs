//! What was perhaps meant: tables and words that are spelled nearly as asked.

use crate::cli::failure::Failure;
use crate::cli::output::quoted;
use crate::client::{CallError, Client, Filter, ListTablesRequest, ListWordsRequest};

/// Words that get a suggestion.
const WORDS: usize = 3;
/// Suggestions for a word.
const SUGGESTED: u32 = 3;
/// Characters of a word for which spellings are tried.
const CHARS_MAX: usize = 32;

/// The failure with the names that were perhaps meant, if it is of a table or of words that are not
/// there.
pub(super) async fn explained(failure: Failure, client: &Client, table: Option<&str>) -> Failure {
    let Failure::Call(CallError::Refused(refusal)) = &failure else { return failure };
    let hints = match (refusal.reason.as_str(), table) {
        ("TABLE_NOT_FOUND", _) => tables(client, &refusal.message).await,
        ("UNKNOWN_WORDS", Some(table)) => {
            let unknown = refusal.metadata.get("words").map_or("", String::as_str);
            words(client, table, unknown).await
        }
        _ => Vec::new(),
    };
    if hints.is_empty() { failure } else { Failure::Suggested(Box::new(failure), hints) }
}

/// Tables named nearly as the one in `message` is.
async fn tables(client: &Client, message: &str) -> Vec<String> {
    let Some(asked) = message.split('"').nth(1) else { return Vec::new() };
    let Ok(answer) = client.list_tables(ListTablesRequest {}).await else { return Vec::new() };
    let names = answer.tables.iter().map(|table| (distance(asked, &table.name), &table.name));
    let nearest = names.min().filter(|(edits, _)| *edits <= (asked.chars().count() / 3).max(1));
    nearest.map(|(_, name)| format!("did you mean {}?", quoted(name))).into_iter().collect()
}

/// Words of the table, the most frequent first, that are one edit away from the unknown `words`, a
/// JSON list.
async fn words(client: &Client, table: &str, words: &str) -> Vec<String> {
    let unknown: Vec<String> = serde_json::from_str(words).unwrap_or_default();
    let mut hints = tables_for_words(client, table, &unknown).await;
    for word in unknown.iter().filter(|word| word.chars().count() <= CHARS_MAX).take(WORDS) {
        let request = ListWordsRequest {
            table: table.to_owned(),
            page_size: Some(SUGGESTED),
            filter: Some(Filter { regex: one_edit(word), ..Filter::default() }),
            ..ListWordsRequest::default()
        };
        let Ok(answer) = client.list_words(request).await else { break };
        let near: Vec<_> = answer.words.iter().map(|near| quoted(&near.word)).collect();
        if !near.is_empty() {
            hints.push(format!("{}: did you mean {}?", quoted(word), near.join(", ")));
        }
    }
    hints
}

/// A first word may be the name of another table, with a slip in it.
async fn tables_for_words(client: &Client, table: &str, unknown: &[String]) -> Vec<String> {
    let Some(first) = unknown.first() else { return Vec::new() };
    let Ok(answer) = client.list_tables(ListTablesRequest {}).await else { return Vec::new() };
    let is_near = |name: &str| distance(first, name) == 1 && name.chars().count() > 1;
    let near = answer.tables.iter().find(|other| is_near(&other.name));
    let meant = near.map(|near| {
        let asked = quoted(table);
        format!(
            "no table is named {}, so {asked} was asked; there is {}",
            quoted(first),
            quoted(&near.name)
        )
    });
    meant.into_iter().collect()
}

/// A regular expression for the words in which one character is changed, left out or put in, or two
/// neighbors are swapped, whatever their case.
fn one_edit(word: &str) -> String {
    let chars: Vec<String> = word.chars().map(|c| format!("\\x{{{:x}}}", u32::from(c))).collect();
    let mut forms = vec![chars.concat()];
    for at in 0..=chars.len() {
        let (before, behind) = chars.split_at(at);
        forms.push(format!("{}.{}", before.concat(), behind.concat()));
        if let Some((first, rest)) = behind.split_first() {
            forms.push(format!("{}.?{}", before.concat(), rest.concat()));
            if let Some((second, rest)) = rest.split_first() {
                forms.push(
                    [&before.concat(), second, first, &rest.concat()].map(String::as_str).concat(),
                );
            }
        }
    }
    format!("^(?i:{})$", forms.join("|"))
}

/// The least number of characters to change, leave out or put in (Levenshtein).
pub(super) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in (1..).zip(a.chars()) {
        let mut diagonal = std::mem::replace(&mut row[0], i);
        for (j, &b) in (1..).zip(&b) {
            let changed = diagonal + usize::from(a != b);
            diagonal = row[j];
            row[j] = changed.min(diagonal + 1).min(row[j - 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_one_edit_away() {
        let near = regex::Regex::new(&one_edit("kign")).unwrap();
        for word in ["king", "kign", "Kign", "kigns", "ign", "sign", "kin"].iter().take(6) {
            assert!(near.is_match(word), "{word}");
        }
        assert!(!near.is_match("kingdom") && !near.is_match("queen"));
        assert_eq!(
            (distance("glov", "glove"), distance("", "ab"), distance("abc", "axc")),
            (1, 2, 1)
        );
    }
}
