//! The published association tests by name (Caliskan, Bryson, Narayanan 2017, WEAT 1 to 10).

use crate::bias::WordSet;

/// The sets X, Y, A and B of a published test.
pub fn suite(name: &str) -> Option<[WordSet; 4]> {
    let (_, sets) = tests().find(|(test, _)| *test == name)?;
    let sets: Vec<_> = sets.lines().filter_map(word_set).collect();
    sets.try_into().ok()
}

/// The names of the published tests, in the order of the paper.
pub fn names() -> impl Iterator<Item = &'static str> {
    tests().map(|(name, _)| name)
}

/// Each test's name, and the lines of its sets.
fn tests() -> impl Iterator<Item = (&'static str, &'static str)> {
    // The first paragraph is a comment.
    include_str!("weat.txt").split("\n\n").skip(1).filter_map(|test| test.split_once('\n'))
}

fn word_set(line: &str) -> Option<WordSet> {
    let (name, words) = line.split_once(": ")?;
    let words = words.split(' ').map(str::to_owned).collect();
    Some(WordSet { name: name.to_owned(), words })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of words are those of the paper's table 1.
    #[test]
    fn every_published_test_is_whole() {
        let sizes = names().map(|name| {
            let sets = suite(name).unwrap();
            assert!(sets.iter().all(|set| set.words.iter().all(|word| !word.is_empty())), "{name}");
            (name, sets.map(|set| set.words.len()))
        });
        let expected = [
            ("flowers-insects", [25; 4]),
            ("instruments-weapons", [25; 4]),
            ("eu-afro-names", [32, 32, 25, 25]),
            ("eu-afro-names-market", [16, 16, 25, 25]),
            ("eu-afro-names-market-short", [16, 16, 8, 8]),
            ("career-family", [8; 4]),
            ("math-arts", [8; 4]),
            ("science-arts", [8; 4]),
            ("mental-physical", [6, 6, 7, 7]),
            ("young-old", [8; 4]),
        ];
        assert_eq!(sizes.collect::<Vec<_>>(), expected);
        assert_eq!(suite("career"), None);
    }
}
