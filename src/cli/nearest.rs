//! `wordspace nearest`: the nearest words of one or more words.

use std::io::BufRead as _;

use clap::Args;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::cli::failure::{Failure, Result};
use crate::cli::map::{self, Mark};
use crate::cli::options::{
    FilterArgs, IncludeArgs, QUERIES_HELP, SearchArgs, TableArg, WordArgs, attributes_text, query,
};
use crate::cli::output::{Align, Grid, Output, answered, count, shown, similarity};
use crate::cli::plot::DrawArgs;
use crate::client::{
    Client, NearestRequest, NearestResponse, NearestResult, NearestStreamRequest, Neighbor,
    WordOrVector, nearest_result::Result as Outcome,
};

/// Lines of stdin that wait to be sent.
const LINES_WAITING: usize = 64;

/// The nearest words of a word, or of the mean of several
///
/// --svg and --png draw the words and their neighbors on their first two principal components.
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct Nearest {
    #[command(flatten)]
    table: TableArg,
    /// Words to be near to; several are one question: their mean. `-` reads words from stdin, a line
    /// each, and answers each with a line
    #[arg(value_name = "WORD", required_unless_present = "negative")]
    words: Vec<String>,
    /// Words to be far from
    #[arg(long, value_name = "WORD", num_args = 1..)]
    negative: Vec<String>,
    #[command(flatten)]
    search: SearchArgs,
    /// Let the question's own words stand in the answer
    #[arg(long)]
    include_inputs: bool,
    /// Leave out neighbors below this cosine similarity, from -1 to 1: with a large -k, all within a
    /// radius, of which none is missed
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    min_similarity: Option<f32>,
    /// How much each word counts, then each of --negative [default: 1 each]
    #[arg(long, value_name = "NUMBER", value_delimiter = ',', allow_negative_numbers = true)]
    weights: Vec<f32>,
    /// How much neighbors should differ among themselves, from 0 (nearest first) to 1
    #[arg(long, value_name = "X")]
    diversity: Option<f32>,
    #[command(flatten)]
    drawn: DrawArgs,
    #[command(flatten)]
    looked_up: WordArgs,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    included: IncludeArgs,
    /// Only the nearest word of each value of this attribute
    #[arg(long, value_name = "ATTRIBUTE", conflicts_with = "diversity")]
    group_by: Option<String>,
}

impl Nearest {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        if self.words == ["-"] {
            return self.ask_each(client, output).await;
        }
        let wanted = self.words.len() + self.negative.len();
        if !self.weights.is_empty() && self.weights.len() != wanted {
            let given = self.weights.len();
            return Err(Failure::Usage(format!("{given} weights for {wanted} words")));
        }
        let answer = client.nearest(self.request(&self.words)).await?;
        output.answer(&answer, |answer| {
            let told = answer.neighbors.len();
            let more = answer.within_count.filter(|&all| all as usize > told);
            let more = more.map(|all| {
                let all = count(all.into());
                format!("  {all} words are so near, and the nearest {told} are shown (-k)\n")
            });
            neighbors("cosine", &answer.neighbors) + &more.unwrap_or_default()
        })?;
        output.footer(&answered(answer.answer.as_ref()));
        if self.drawn.is_asked() { self.draw(&answer, client, output).await } else { Ok(()) }
    }

    /// Draws the question's words and their neighbors.
    async fn draw(
        &self,
        answer: &NearestResponse,
        client: &Client,
        output: &mut Output,
    ) -> Result<()> {
        let asked = answer.answer.iter().flat_map(|answer| &answer.words);
        let asked = asked.map(|word| Mark { row: word.row, group: 1, is_asked: true });
        let near = answer.neighbors.iter();
        let near = near.map(|near| Mark { row: near.row, group: 0, is_asked: false });
        let marks: Vec<_> = asked.chain(near).collect();
        let title = format!("around {}", self.words.join(", "));
        map::draw(&self.drawn, &title, (&self.table.name, &marks, &[]), (client, output)).await
    }

    /// A question for each line of stdin, answered while more are read.
    async fn ask_each(&self, client: &Client, output: &mut Output) -> Result<()> {
        let (sender, questions) = mpsc::channel(LINES_WAITING);
        let (asked, mut words) = mpsc::unbounded_channel();
        let table = self.table.name.clone();
        let question = NearestRequest { table: String::new(), ..self.request(&[]) };
        tokio::task::spawn_blocking(move || {
            for (id, line) in (0..).zip(std::io::stdin().lock().split(b'\n')) {
                let Ok(line) = line else { return };
                let word = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
                let positive = vec![WordOrVector::from(word.as_str())];
                let queries = vec![NearestRequest { positive, ..question.clone() }];
                let message = NearestStreamRequest { id, table: table.clone(), queries };
                if asked.send(word).is_err() || sender.blocking_send(message).is_err() {
                    return;
                }
            }
        });
        let mut answers = client.nearest_stream(ReceiverStream::new(questions)).await?;
        let (mut count, mut failed) = (0_u64, 0_u64);
        while let Some(answer) = answers.next_answer().await? {
            let word = words.recv().await.unwrap_or_default();
            for result in answer.results {
                count += 1;
                match &result.result {
                    Some(Outcome::Answer(answer)) => {
                        output.answer(answer, |answer| line(&word, &answer.neighbors))?;
                    }
                    Some(Outcome::Error(_)) | None => {
                        failed += 1;
                        output.answer(&result, |result| problem(&word, result))?;
                    }
                }
            }
        }
        if failed == 0 {
            return Ok(());
        }
        Err(Failure::Local(format!("{failed} of {count} questions have no answer")))
    }

    fn request(&self, words: &[String]) -> NearestRequest {
        let mut weights = self.weights.iter().copied();
        let mut queries = |words: &[String]| -> Vec<WordOrVector> {
            let weighted = |word: &String| WordOrVector { weight: weights.next(), ..query(word) };
            words.iter().map(weighted).collect()
        };
        NearestRequest {
            table: self.table.name.clone(),
            positive: queries(words),
            negative: queries(&self.negative),
            k: Some(self.search.k),
            exclude_inputs: Some(!self.include_inputs),
            exact: Some(self.search.exact),
            ef_search: self.search.ef,
            min_recall: self.search.min_recall,
            min_similarity: self.min_similarity,
            diversity: self.diversity,
            words: Some(self.looked_up.options()),
            filter: self.filter.filter(),
            include: self.included.include(),
            group_by: self.group_by.clone().unwrap_or_default(),
        }
    }
}

/// A word and its neighbors in one line.
fn line(word: &str, neighbors: &[Neighbor]) -> String {
    let near = |near: &Neighbor| format!("{} {}", shown(&near.word), similarity(near.similarity));
    let neighbors: Vec<_> = neighbors.iter().map(near).collect();
    format!("{}: {}", shown(word), neighbors.join(", "))
}

fn problem(word: &str, result: &NearestResult) -> String {
    let message = match &result.result {
        Some(Outcome::Error(error)) => error.message.as_str(),
        Some(Outcome::Answer(_)) | None => "no answer",
    };
    format!("{}: error: {}", shown(word), shown(message))
}

/// Neighbors as a table; `measure` says what their numbers are.
pub(super) fn neighbors(measure: &str, neighbors: &[Neighbor]) -> String {
    if neighbors.is_empty() {
        return "  no neighbors\n".to_owned();
    }
    let told = |is_told: fn(&Neighbor) -> bool, title| {
        if neighbors.iter().any(is_told) { title } else { "" }
    };
    let mut grid = Grid::titled(&[
        ("#", Align::Right),
        ("word", Align::Left),
        (measure, Align::Right),
        ("row", Align::Right),
        (told(|near| near.norm.is_some(), "norm"), Align::Right),
        (told(|near| !near.attributes.is_empty(), "attributes"), Align::Left),
        (told(|near| near.vector.is_some(), "vector"), Align::Left),
    ]);
    for (place, neighbor) in (1_u64..).zip(neighbors) {
        let vector = neighbor.vector.as_ref().map(|vector| {
            let values: Vec<_> = vector.values.iter().map(f32::to_string).collect();
            values.join(" ")
        });
        grid.row([
            place.to_string(),
            neighbor.word.clone(),
            similarity(neighbor.similarity),
            count(neighbor.row.into()),
            neighbor.norm.map_or_else(String::new, |norm| format!("{norm:.4}")),
            attributes_text(&neighbor.attributes),
            vector.unwrap_or_default(),
        ]);
    }
    grid.to_string()
}
