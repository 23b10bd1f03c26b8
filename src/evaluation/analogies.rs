//! Analogy questions by section: how many the vectors answer as people do.

use std::collections::HashMap;

use crate::error::Result;
use crate::evaluation::Lookup;
use crate::evaluation::file::{self, Line};
use crate::evaluation::products::{self, Question};
use crate::evaluation::vocabulary::Vocabulary;
use crate::query::GoOn;
use crate::query::analogy::AnalogyMethod;
use crate::table::view::View;
use crate::vector::top::Near;
use crate::vector::{RowId, scalar};

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
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FileSection {
    name: String,
    /// a, b and c, and what is right for d.
    questions: Vec<([String; 3], Vec<String>)>,
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
const BEST: usize = 5;
/// Rows kept beyond the answers: for inputs in other cases, and for what rounding puts in a wrong
/// place.
const SPARE: usize = 11;
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
        let mut pairs: Vec<(&str, Vec<String>)> = Vec::new();
        let mut count = 0;
        for (number, line) in file::lines(NAME, bytes)? {
            match line {
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
                            let question = ([a, b, c].map(str::to_owned), vec![d.to_owned()]);
                            if let Some(section) = sections.last_mut() {
                                section.questions.push(question);
                            }
                        }
                        [a, b] => pairs.push((a, b.split('/').map(str::to_owned).collect())),
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
        Ok(Self { sections })
    }
}

/// Makes questions of the pairs of a section.
fn cross(pairs: &mut Vec<(&str, Vec<String>)>, section: Option<&mut FileSection>) -> Result<usize> {
    let count = pairs.len() * pairs.len().saturating_sub(1);
    file::check_count(count)?;
    if let Some(section) = section {
        for (i, (a, b)) in pairs.iter().enumerate() {
            for (c, d) in pairs.iter().enumerate().filter(|&(j, _)| j != i).map(|(_, pair)| pair) {
                let question = [(*a).to_owned(), b[0].clone(), (*c).to_owned()];
                section.questions.push((question, d.clone()));
            }
        }
    }
    pairs.clear();
    Ok(count)
}

/// A question whose words are known.
struct Asked<'a> {
    section: usize,
    inputs: &'a [String; 3],
    right: &'a [String],
    rows: [RowId; 3],
}

/// Answers the questions whose words are known, by comparing every row that may answer; the best are
/// compared once more in double precision.
///
/// # Errors
///
/// Whatever `go_on` says.
pub fn analogies(table: &View, query: &AnalogiesQuery, go_on: GoOn<'_>) -> Result<AnalogiesAnswer> {
    let sections = &query.questions.sections;
    let each = || sections.iter().flat_map(|section| &section.questions);
    let words = || each().flat_map(|(inputs, right)| inputs.iter().chain(right));
    let vocabulary = Vocabulary::new(table, query.lookup, words().map(String::as_str));
    let mut unknown: Vec<String> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for word in words().filter(|word| vocabulary.row(word).is_none()) {
        if seen.insert(word.as_str()) && unknown.len() < UNKNOWN_TOLD {
            unknown.push(word.clone());
        }
    }
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
        for (inputs, right) in &from.questions {
            let rows = inputs.each_ref().map(|word| vocabulary.row(word));
            let [Some(a), Some(b), Some(c)] = rows else { continue };
            if right.iter().any(|word| vocabulary.row(word).is_some()) {
                scores[section].asked += 1;
                asked.push(Asked { section, inputs, right, rows: [a, b, c] });
            }
        }
    }
    let mut rest = &asked[..];
    while !rest.is_empty() {
        let (together, words) = together(rest);
        let (some, behind) = rest.split_at(together);
        answer(table, query.method, (some, &words), &vocabulary, &mut scores, go_on)?;
        rest = behind;
    }
    let total = scores.iter().fold(SectionScore::default(), SectionScore::and);
    let total = SectionScore { name: "total".to_owned(), ..total };
    Ok(AnalogiesAnswer { sections: scores, total, unknown, unknown_count: seen.len() })
}

/// How many of the next questions have few enough words, and those.
fn together(asked: &[Asked<'_>]) -> (usize, HashMap<RowId, usize>) {
    let mut words: HashMap<RowId, usize> = HashMap::new();
    for (i, question) in asked.iter().enumerate() {
        let new = question.rows.iter().filter(|row| !words.contains_key(row)).count();
        if i == QUESTIONS_TOGETHER || (i > 0 && words.len() + new > WORDS_TOGETHER) {
            return (i, words);
        }
        for &row in &question.rows {
            let next = words.len();
            words.entry(row).or_insert(next);
        }
    }
    (asked.len(), words)
}

fn answer(
    table: &View,
    method: AnalogyMethod,
    (asked, words): (&[Asked<'_>], &HashMap<RowId, usize>),
    vocabulary: &Vocabulary<'_>,
    scores: &mut [SectionScore],
    go_on: GoOn<'_>,
) -> Result<()> {
    let mut rows = vec![RowId(0); words.len()];
    for (&row, &place) in words {
        rows[place] = row;
    }
    let questions: Vec<Question> = asked
        .iter()
        .map(|asked| asked.rows.map(|row| words[&row]))
        .map(|[a, b, c]| Question { a, b, c })
        .collect();
    let keep = BEST + 3 + SPARE;
    let end = vocabulary.end();
    let best = products::best(table, end, (&rows, &questions), (method, keep), go_on)?;
    let mut units: HashMap<RowId, Vec<f64>> = HashMap::new();
    for &row in &rows {
        units.insert(row, unit(table, row));
    }
    for (asked, nears) in asked.iter().zip(best) {
        let terms = asked.rows.map(|row| &units[&row][..]);
        let mut nears: Vec<(RowId, f64)> = nears
            .iter()
            .map(|&Near { row, .. }| (row, exactly(method, table.vector(row), terms)))
            .collect();
        nears.sort_by(|x, y| y.1.total_cmp(&x.1).then(x.0.cmp(&y.0)));
        let is_right = |row: RowId| asked.right.iter().any(|word| vocabulary.is(row, word));
        let is_input = |row: RowId| asked.inputs.iter().any(|word| vocabulary.is(row, word));
        let hits = |rows: &mut dyn Iterator<Item = RowId>| {
            let place = rows.take(BEST).position(is_right);
            Hits { first: usize::from(place == Some(0)), top5: usize::from(place.is_some()) }
        };
        let score = &mut scores[asked.section];
        let rows = || nears.iter().map(|&(row, _)| row);
        score.right.add(hits(&mut rows().filter(|&row| !is_input(row))));
        score.right_with_inputs.add(hits(&mut rows()));
    }
    Ok(())
}

fn unit(table: &View, row: RowId) -> Vec<f64> {
    let vector = table.vector(row);
    let norm = scalar::norm(vector);
    let scale = if norm > 0.0 { 1.0 / norm } else { 0.0 };
    vector.iter().map(|&value| f64::from(value) * scale).collect()
}

fn exactly(method: AnalogyMethod, vector: &[f32], terms: [&[f64]; 3]) -> f64 {
    let norm = scalar::norm(vector);
    let [a, b, c] = terms.map(|term| {
        let dot: f64 = vector.iter().zip(term).map(|(&x, y)| f64::from(x) * y).sum();
        if norm > 0.0 { dot / norm } else { 0.0 }
    });
    match method {
        AnalogyMethod::CosMul => (1.0 + b) * (1.0 + c) / (1.0 + a + 2e-6),
        AnalogyMethod::CosAdd | AnalogyMethod::CosAvg | AnalogyMethod::PairDirection => b - a + c,
    }
}

impl Hits {
    fn add(&mut self, other: Self) {
        self.first += other.first;
        self.top5 += other.top5;
    }
}

impl SectionScore {
    fn and(mut self, other: &Self) -> Self {
        self.questions += other.questions;
        self.asked += other.asked;
        self.right.add(other.right);
        self.right_with_inputs.add(other.right_with_inputs);
        self
    }
}
