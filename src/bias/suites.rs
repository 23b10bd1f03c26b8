//! The published association tests by name: WEAT 1 to 10 (Caliskan, Bryson, Narayanan 2017), and six of
//! them in Chinese (Mukherjee, Raj, Zhu, Anastasopoulos 2023).

use crate::bias::WordSet;

/// In which language the words of a test are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// The paper's own.
    #[default]
    English,
    /// As native speakers translated them.
    Chinese,
}

/// A published test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its name.
    pub name: &'static str,
    /// The language of its words.
    pub language: Language,
    /// X, Y, A and B.
    pub sets: [WordSet; 4],
}

impl Language {
    const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The language of a code such as `en`.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// Its code of two letters (ISO 639-1).
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// The paper that its tests are of.
    pub fn source(self) -> &'static str {
        match self {
            Self::English => "Caliskan, Bryson and Narayanan 2017",
            Self::Chinese => "Mukherjee, Raj, Zhu and Anastasopoulos 2023 (WEATHub, CC BY 4.0)",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::English => include_str!("weat.txt"),
            Self::Chinese => include_str!("weat-zh.txt"),
        }
    }
}

/// The sets X, Y, A and B of a published test.
pub fn suite(name: &str) -> Option<[WordSet; 4]> {
    all().find(|test| test.name == name).map(|test| test.sets)
}

/// The published tests in a language, in the order of their paper.
pub fn in_language(language: Language) -> impl Iterator<Item = Published> {
    // The first paragraph is a comment.
    let tests = language.text().split("\n\n").skip(1);
    tests.filter_map(move |test| {
        let (name, sets) = test.split_once('\n')?;
        let sets: Vec<_> = sets.lines().filter_map(word_set).collect();
        Some(Published { name, language, sets: sets.try_into().ok()? })
    })
}

/// All published tests, by language.
pub fn all() -> impl Iterator<Item = Published> {
    Language::ALL.into_iter().flat_map(in_language)
}

fn word_set(line: &str) -> Option<WordSet> {
    let (name, words) = line.split_once(": ")?;
    let words = words.split(' ').map(str::to_owned).collect();
    Some(WordSet { name: name.to_owned(), words })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers of English words are those of the paper's table 1; of the Chinese ones those of the
    /// lists less the words that stand twice in them.
    #[test]
    fn every_published_test_is_whole() {
        let sizes = all().map(|test| {
            for set in &test.sets {
                let distinct: std::collections::HashSet<_> = set.words.iter().collect();
                assert_eq!(distinct.len(), set.words.len(), "{}: {}", test.name, set.name);
                assert!(set.words.iter().all(|word| !word.is_empty()), "{}", test.name);
            }
            (test.name, test.sets.map(|set| set.words.len()))
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
            ("zh-flowers-insects", [24; 4]),
            ("zh-instruments-weapons", [24; 4]),
            ("zh-career-family", [8; 4]),
            ("zh-math-arts", [8, 8, 7, 7]),
            ("zh-science-arts", [8, 8, 7, 7]),
            ("zh-mental-physical", [6, 5, 7, 7]),
        ];
        assert_eq!(sizes.collect::<Vec<_>>(), expected);
        assert_eq!(suite("career"), None);
        assert_eq!(Language::of_code("zh"), Some(Language::Chinese));
        assert_eq!(Language::of_code("xx"), None);
    }
}
