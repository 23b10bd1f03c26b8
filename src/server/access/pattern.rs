//! `Pattern`: the tables that a key may name, such as `en-*`.

use crate::error::{Error, Result};
use crate::limits;

/// A pattern of table names: `*` stands for any characters, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern(Box<[u8]>);

impl Pattern {
    /// Reads a pattern; one that no table's name can fit is an error.
    pub(super) fn read(text: &str) -> Result<Self> {
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '*' | '?');
        let fits = (1..=limits::TABLE_NAME_CHARS_MAX).contains(&text.len());
        if !fits || !text.chars().all(legal) {
            let problem = format!(
                "\"{text}\" fits no table: 1 to {} characters of A-Z a-z 0-9 _ - . and * (any \
                 characters) or ? (one)",
                limits::TABLE_NAME_CHARS_MAX
            );
            return Err(Error::invalid("tables", problem));
        }
        Ok(Self(text.as_bytes().into()))
    }

    /// Whether a name fits. Takes at most the product of both lengths.
    pub(super) fn fits(&self, name: &[u8]) -> bool {
        let (pattern, mut at, mut of) = (&self.0, 0, 0);
        // Where the last star stands, and how much of the name it takes so far.
        let mut star = None;
        while at < name.len() {
            match pattern.get(of) {
                Some(b'*') => {
                    star = Some((of, at));
                    of += 1;
                }
                Some(&expected) if expected == b'?' || expected == name[at] => {
                    at += 1;
                    of += 1;
                }
                _ => {
                    let Some((place, taken)) = star else { return false };
                    star = Some((place, taken + 1));
                    (of, at) = (place + 1, taken + 1);
                }
            }
        }
        pattern[of..].iter().all(|&rest| rest == b'*')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_as_in_a_shell() {
        let fits =
            |pattern: &str, name: &str| Pattern::read(pattern).unwrap().fits(name.as_bytes());
        for (pattern, name) in [
            ("en", "en"),
            ("*", "x"),
            ("en-*", "en-"),
            ("en-*", "en-2024"),
            ("*-en", "a-en-en"),
            ("?n*4", "en-2024"),
            ("a*b*c", "a-b-bc-c"),
            ("**", "en"),
        ] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("en", "EN"),
            ("en", "en2"),
            ("en", "ben"),
            ("en-*", "en"),
            ("?", ""),
            ("?", "ab"),
            ("a*b*c", "a-b-bc-cd"),
            ("*en", "en-x"),
            ("e.", "en"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        let long = "*a".repeat(60) + "*b";
        assert!(!fits(&long, &"a".repeat(128)), "and that takes no time");
        for nonsense in ["", "a b", "[ab]", "{a,b}", "a/b", "a,b", "\u{e9}*", &"a".repeat(129)] {
            Pattern::read(nonsense).unwrap_err();
        }
    }
}
