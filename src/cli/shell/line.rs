//! A line as words: parted by spaces, held together by quotes.

use unicode_width::UnicodeWidthStr as _;

use crate::cli::failure::{Failure, Result};

/// The words of a line, none of a comment. Between single quotes everything stands for itself; a
/// backslash does so for the character behind it, between double quotes for `"` and `\` alone.
pub(super) fn words(line: &str) -> Result<Vec<String>> {
    let line = line.trim();
    if line.starts_with('#') {
        return Ok(Vec::new());
    }
    let (words, open) = parted(line);
    match open {
        None => Ok(words.into_iter().map(|(_, word)| word).collect()),
        Some(at) => Err(Failure::Usage(format!(
            "a quote is open\n  {line}\n  {}^ begins here",
            " ".repeat(line[..at].width())
        ))),
    }
}

/// The words before the end of a line, and where the word begins that is being typed there.
pub(super) fn begun(line: &str) -> (Vec<String>, usize) {
    let (mut words, open) = parted(line);
    let is_between = open.is_none() && line.ends_with(char::is_whitespace);
    let start = match words.last() {
        Some((start, _)) if !is_between => *start,
        _ => {
            words.push((line.len(), String::new()));
            line.len()
        }
    };
    (words.into_iter().map(|(_, word)| word).collect(), start)
}

/// A word as it is typed.
pub(super) fn typed(word: &str) -> String {
    let needs = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '\\');
    if !word.is_empty() && !word.contains(needs) && !word.starts_with('#') {
        return word.to_owned();
    }
    if !word.contains('\'') {
        return format!("'{word}'");
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The words, each with the place where it begins, and the place of a quote that is not closed.
fn parted(line: &str) -> (Vec<(usize, String)>, Option<usize>) {
    let mut words: Vec<(usize, String)> = Vec::new();
    let mut word: Option<(usize, String)> = None;
    let mut open: Option<(usize, char)> = None;
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if open.is_none() && c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let (_, text) = word.get_or_insert_with(|| (at, String::new()));
        match (open, c) {
            (Some((_, quote)), c) if c == quote => open = None,
            (None, '"' | '\'') => open = Some((at, c)),
            (None, '\\') => text.extend(chars.next().map(|(_, c)| c)),
            (Some((_, '"')), '\\') => {
                let escaped = chars.next_if(|(_, next)| matches!(next, '"' | '\\'));
                text.push(escaped.map_or('\\', |(_, c)| c));
            }
            (_, c) => text.push(c),
        }
    }
    words.extend(word);
    (words, open.map(|(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_words_together() {
        let cut = |line: &str| words(line).unwrap();
        assert_eq!(cut("  nearest en  king\t-k 5 "), ["nearest", "en", "king", "-k", "5"]);
        assert_eq!(
            cut(r#"a 'b c' "d \"e\" \n" f\ g h'i'"j" '' it\'s"#),
            ["a", "b c", r#"d "e" \n"#, "f g", "hij", "", "it's"]
        );
        assert_eq!(cut("# nearest king"), [""; 0]);
        assert_eq!(cut("lookup #metoo"), ["lookup", "#metoo"]);
        let open = words("nearest 'king").unwrap_err().to_string();
        assert!(open.ends_with("\n          ^ begins here"), "{open}");
        for word in ["king", "a b", "it's", "say \"it's\"", "\\", "", "#x", "\u{56fd} "] {
            assert_eq!(cut(&format!("get {}", typed(word))), ["get", word]);
        }
        let begun = |line| begun(line);
        assert_eq!(begun("nearest ki"), (vec!["nearest".to_owned(), "ki".to_owned()], 8));
        assert_eq!(begun("nearest "), (vec!["nearest".to_owned(), String::new()], 8));
        assert_eq!(begun("get 'New Y"), (vec!["get".to_owned(), "New Y".to_owned()], 4));
        assert_eq!(begun(""), (vec![String::new()], 0));
    }
}
