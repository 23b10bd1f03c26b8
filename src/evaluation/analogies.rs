//! Analogy questions by section: how many the vectors answer as people do.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Result;
use crate::evaluation::Lookup;
use crate::evaluation::file::{self, Line};
use crate::evaluation::products::{PLACES, Places, Question, Questions};
use crate::evaluation::vocabulary::{Form, Vocabulary};
use crate::query::GoOn;
use crate::query::analogy::AnalogyMethod;
use crate::table::view::View;
use crate::vector::RowId;

/// A file of analogy questions (Google's, Microsoft's, BATS).
#[derive(Clone, Debug, PartialEq)]
pub struct AnalogiesQuery {
    /// The questions.
    pub questions: AnalogyFile,
    /// How they are answered: 3CosAdd or 3CosMul.
    pub method: AnalogyMethod,
    /// Which words are known, and may answer.
    pub lookup: Lookup,
}

/// Questions by section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AnalogyFile {
    sections: Vec<FileSection>,
    /// Each word once.
    words: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FileSection {
    name: String,
    questions: Vec<FileQuestion>,
}

/// a, b and c, and what is right for d, by their places among the words.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FileQuestion {
    inputs: [usize; 3],
    right: Right,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Right {
    One(usize),
    /// Shared by the questions of a pair.
    AnyOf(Arc<[usize]>),
}

/// What became of the questions.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalogiesAnswer {
    /// In the order of the file.
    pub sections: Vec<SectionScore>,
    /// All of them together.
    pub total: SectionScore,
    /// Words of the file that are not known, in the order they come; the first some.
    pub unknown: Vec<String>,
    /// How many there are.
    pub unknown_count: usize,
}

/// How many questions are answered right.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SectionScore {
    /// The section's name.
    pub name: String,
    /// Questions of the file.
    pub questions: usize,
    /// Those whose four words are known: only they are asked.
    pub asked: usize,
    /// Answered right where a, b and c are no answers: first, and among the first five.
    pub right: Hits,
    /// Where they may answer.
    pub right_with_inputs: Hits,
}

/// Right answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The best answer is right.
    pub first: usize,
    /// One of the best five is.
    pub top5: usize,
}

const NAME: &str = "analogies";
/// Distinct words that are compared with every row together.
const WORDS_TOGETHER: usize = 1_024;
/// Questions that are answered together.
const QUESTIONS_TOGETHER: usize = 20_000;
/// Unknown words that are told.
const UNKNOWN_TOLD: usize = 100;

impl AnalogyFile {
    /// Reads `: section` lines and lines of four words; or of two, of which the second may be several
    /// with `/` between (BATS): then each pair asks of every other pair of its section.
    ///
    /// # Errors
    ///
    /// If a line has another number of words, there is no question, or a limit is passed.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let mut sections: Vec<FileSection> = Vec::new();
        let mut pairs: Vec<(usize, Arc<[usize]>)> = Vec::new();
        let mut words = Words::default();
        let mut count = 0;
        for (number, line) in file::lines(NAME, bytes)? {
            match Line::of(line) {
                Line::Empty => {}
                Line::Section(name) => {
                    count += cross(&mut pairs, sections.last_mut())?;
                    sections.push(FileSection { name: name.to_owned(), ..FileSection::default() });
                }
                Line::Text(text) => {
                    if sections.is_empty() {
                        sections.push(FileSection::default());
                    }
                    match file::fields(text)[..] {
                        [a, b, c, d] => {
                            count += 1;
                            let inputs = [a, b, c].map(|word| words.place(word));
                            let right = Right::One(words.place(d));
                            if let Some(section) = sections.last_mut() {
                                section.questions.push(FileQuestion { inputs, right });
                            }
                        }
                        [a, b] => {
                            let a = words.place(a);
                            pairs.push((a, b.split('/').map(|word| words.place(word)).collect()));
                        }
                        ref fields => {
                            let problem = format!("4 words, or a pair of 2, not {}", fields.len());
                            return Err(file::malformed(NAME, number, problem));
                        }
                    }
                    file::check_count(count + pairs.len())?;
                }
            }
        }
        count += cross(&mut pairs, sections.last_mut())?;
        if count == 0 {
            return Err(file::malformed(NAME, 1, "there is no question"));
        }
        file::check_count(count)?;
        Ok(Self { sections, words: words.all })
    }

    /// Questions of all sections.
    pub fn question_count(&self) -> usize {
        self.sections.iter().map(|section| section.questions.len()).sum()
    }
}

/// Words as they come, each once.
#[derive(Default)]
struct Words<'a> {
    all: Vec<String>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Words<'a> {
    fn place(&mut self, word: &'a str) -> usize {
        *self.places.entry(word).or_insert_with(|| {
            self.all.push(word.to_owned());
            self.all.len() - 1
        })
    }
}

/// Makes questions of the pairs of a section.
fn cross(
    pairs: &mut Vec<(usize, Arc<[usize]>)>,
    section: Option<&mut FileSection>,
) -> Result<usize> {
    let count = pairs.len() * pairs.len().saturating_sub(1);
    file::check_count(count)?;
    if let Some(section) = section {
        for (i, (a, b)) in pairs.iter().enumerate() {
            for (c, d) in pairs.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, pair)| pair) {
                let right = Right::AnyOf(Arc::clone(d));
                section.questions.push(FileQuestion { inputs: [*a, b[0], *c], right });
            }
        }
    }
    pairs.clear();
    Ok(count)
}

impl Right {
    fn words(&self) -> &[usize] {
        match self {
            Self::One(word) => std::slice::from_ref(word),
            Self::AnyOf(words) => words,
        }
    }
}

/// A question whose words are known.
struct Asked<'a> {
    section: usize,
    inputs: [Form; 3],
    rows: [RowId; 3],
    right: &'a Right,
}

/// Answers the questions whose words are known, by comparing every row that may answer; those that may
/// be better than the right one are compared once more in double precision.
///
/// # Errors
///
/// Whatever `go_on` says.
pub fn analogies(table: &View, query: &AnalogiesQuery, go_on: GoOn<'_>) -> Result<AnalogiesAnswer> {
    let AnalogyFile { sections, words } = &query.questions;
    let vocabulary = Vocabulary::new(table, query.lookup, words.iter().map(String::as_str), go_on)?;
    let forms: Vec<Option<Form>> = words
        .iter()
        .map(|word| vocabulary.form(word).filter(|&form| !vocabulary.rows(form).is_empty()))
        .collect();
    let unknown = words.iter().zip(&forms).filter(|(_, form)| form.is_none());
    let unknown_count = unknown.clone().count();
    let unknown = unknown.map(|(word, _)| word.clone()).take(UNKNOWN_TOLD).collect();
    let mut scores: Vec<SectionScore> = sections
        .iter()
        .map(|section| SectionScore {
            name: section.name.clone(),
            questions: section.questions.len(),
            ..SectionScore::default()
        })
        .collect();
    let mut asked = Vec::new();
    for (section, from) in sections.iter().enumerate() {
        for FileQuestion { inputs, right } in &from.questions {
            let [Some(a), Some(b), Some(c)] = inputs.map(|word| forms[word]) else { continue };
            if right.words().iter().any(|&word| forms[word].is_some()) {
                scores[section].asked += 1;
                let inputs = [a, b, c];
                let rows = inputs.map(|form| vocabulary.rows(form)[0]);
                asked.push(Asked { section, inputs, rows, right });
            }
        }
    }
    let mut rest = &asked[..];
    while !rest.is_empty() {
        let (together, words) = together(rest);
        let (some, behind) = rest.split_at(together);
        let each = some.iter().enumerate().map(|(id, asked)| Question {
            id,
            words: asked.rows.map(|row| words[&row]),
            right: right_rows(asked, &forms, &vocabulary),
        });
        let each = each.collect();
        let mut rows = vec![RowId(0); words.len()];
        for (&row, &place) in &words {
            rows[place as usize] = row;
        }
        let is_input = |question: &Question, row: RowId| {
            vocabulary.form_of(row).is_some_and(|form| some[question.id].inputs.contains(&form))
        };
        let end = vocabulary.end();
        let method = query.method;
        let work = Questions { table, end, method, words: rows, each, is_input: &is_input };
        for (asked, places) in some.iter().zip(work.places(go_on)?) {
            scores[asked.section].count(places);
        }
        rest = behind;
    }
    let total = scores.iter().fold(SectionScore::default(), SectionScore::and);
    let total = SectionScore { name: "total".to_owned(), ..total };
    Ok(AnalogiesAnswer { sections: scores, total, unknown, unknown_count })
}

/// How many of the next questions have few enough words, and those.
fn together(asked: &[Asked<'_>]) -> (usize, HashMap<RowId, u32>) {
    let mut words: HashMap<RowId, u32> = HashMap::new();
    for (i, question) in asked.iter().enumerate() {
        let new = question.rows.iter().filter(|row| !words.contains_key(row)).count();
        if i == QUESTIONS_TOGETHER || (i > 0 && words.len() + new > WORDS_TOGETHER) {
            return (i, words);
        }
        for &row in &question.rows {
            let next = u32::try_from(words.len()).unwrap_or(u32::MAX);
            words.entry(row).or_insert(next);
        }
    }
    (asked.len(), words)
}

fn right_rows(
    asked: &Asked<'_>,
    forms: &[Option<Form>],
    vocabulary: &Vocabulary<'_>,
) -> Vec<RowId> {
    let forms = asked.right.words().iter().filter_map(|&word| forms[word]);
    forms.flat_map(|form| vocabulary.rows(form)).copied().collect()
}

impl Hits {
    fn at(place: Option<usize>) -> Self {
        let top5 = place.is_some_and(|place| place < PLACES);
        Self { first: usize::from(place == Some(0)), top5: usize::from(top5) }
    }

    fn add(&mut self, other: Self) {
        self.first += other.first;
        self.top5 += other.top5;
    }
}

impl SectionScore {
    fn count(&mut self, places: Places) {
        self.right.add(Hits::at(places.without_inputs));
        self.right_with_inputs.add(Hits::at(places.with_inputs));
    }

    fn and(mut self, other: &Self) -> Self {
        self.questions += other.questions;
        self.asked += other.asked;
        self.right.add(other.right);
        self.right_with_inputs.add(other.right_with_inputs);
        self
    }
}
