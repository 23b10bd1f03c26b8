//! `wordspace senses`: which senses a word has, and which one is meant.

use std::path::PathBuf;

use clap::Args;

use crate::cli::failure::{Failure, Result};
use crate::cli::map::{self, Mark};
use crate::cli::options::{Oov, QUERIES_HELP, TableArg, WordArgs, query};
use crate::cli::output::{Align, Grid, Output, answered, shown};
use crate::cli::plot::DrawArgs;
use crate::cli::texts::lines_of;
use crate::client::{
    Client, InduceSensesRequest, InduceSensesResponse, OovPolicy, SensesRequest, SensesResponse,
    WordOptions, senses_response::SensePair,
};

/// Members of a sense that are shown.
const SHOWN: usize = 8;
/// Its contexts that are shown.
const SHOWN_CONTEXTS: usize = 3;

/// Neighbors of each sense that are drawn.
const DRAWN: usize = 20;

/// Which senses a word has: its rows, such as bank|money and bank|river
///
/// --induce clusters its neighbors; --contexts clusters the sentences it occurs in. --svg and --png
/// draw the word and the neighbors of each sense, in a color of their own.
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct Senses {
    #[command(flatten)]
    table: TableArg,
    /// The word
    word: String,
    /// Words near which it stands: they choose the sense
    #[arg(long, value_name = "WORD", num_args = 1..)]
    context: Vec<String>,
    /// What stands between a word and the name of its sense
    #[arg(long, default_value = "|")]
    separator: String,
    /// Part the neighbors of the word's one row
    #[arg(long, group = "parting")]
    induce: bool,
    /// Part the lines of a file, as far as the word stands in them (`-`: stdin); a sentence each, say
    #[arg(long, value_name = "FILE", group = "parting")]
    contexts: Option<PathBuf>,
    /// How many senses are induced [default: from 2 to 6, as is most stable]
    #[arg(short, value_name = "COUNT", requires = "parting")]
    k: Option<u32>,
    /// Neighbors that are parted
    #[arg(long, value_name = "COUNT", requires = "induce", default_value_t = 200)]
    neighbors: u32,
    /// Two senses whose cosine is below this are told as homonyms, others as polysemes [default: 0.5;
    /// of contexts 0.2]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    homonyms_below: Option<f64>,
    #[command(flatten)]
    drawn: DrawArgs,
    /// Seed of the parting
    #[arg(long, default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    looked_up: WordArgs,
}

impl Senses {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        // Unknown words of a context are left out, unless something else is said.
        let oov = self.looked_up.oov.unwrap_or(Oov::Skip);
        let words = WordOptions { oov: OovPolicy::from(oov).into(), ..self.looked_up.options() };
        let is_induced = self.induce || self.contexts.is_some();
        if self.drawn.is_asked() && !is_induced {
            let problem = "--svg and --png draw the senses that --induce or --contexts finds";
            return Err(Failure::Usage(problem.to_owned()));
        }
        if is_induced {
            let contexts = match &self.contexts {
                Some(path) => lines_of(path).await?,
                None => Vec::new(),
            };
            if self.contexts.is_some() && contexts.is_empty() {
                return Err(Failure::Local("the file of contexts has no line".to_owned()));
            }
            let request = InduceSensesRequest {
                table: self.table.name.clone(),
                word: Some(query(&self.word)),
                k: self.k,
                neighbors: Some(self.neighbors),
                context: self.context.clone(),
                seed: self.seed,
                words: Some(words),
                homonyms_below: self.homonyms_below,
                contexts: contexts.clone(),
            };
            let answer = client.induce_senses(request).await?;
            output.answer(&answer, |answer| induced(answer, &contexts))?;
            output.footer(&answered(answer.answer.as_ref()));
            if !self.drawn.is_asked() {
                return Ok(());
            }
            let asked = answer.answer.iter().flat_map(|answer| &answer.words).take(1);
            let asked = asked.map(|word| Mark { row: word.row, group: 0, is_asked: true });
            let members = (1..).zip(&answer.senses).flat_map(|(group, sense)| {
                let near = sense.members.iter().take(DRAWN);
                near.map(move |near| Mark { row: near.row, group, is_asked: false })
            });
            let marks: Vec<_> = asked.chain(members).collect();
            let title = format!("senses of {}", self.word);
            let drawn = (self.table.name.as_str(), marks.as_slice(), [].as_slice());
            return map::draw(&self.drawn, &title, drawn, (client, output)).await;
        }
        let request = SensesRequest {
            table: self.table.name.clone(),
            word: self.word.clone(),
            separator: self.separator.clone(),
            context: self.context.clone(),
            homonyms_below: self.homonyms_below,
            words: Some(words),
        };
        let answer = client.senses(request).await?;
        output.answer(&answer, stored)?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }
}

fn figure(value: Option<f32>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.4}"))
}

fn stored(answer: &SensesResponse) -> String {
    let mut grid = Grid::titled(&[
        ("word", Align::Left),
        ("sense", Align::Left),
        ("to the context", Align::Right),
    ]);
    for sense in &answer.senses {
        grid.row([sense.word.clone(), sense.name.clone(), figure(sense.context_similarity)]);
    }
    let word = |place: u32| {
        answer.senses.get(place as usize).map_or_else(String::new, |sense| shown(&sense.word))
    };
    format!("{grid}{}", pairs(&answer.pairs, word))
}

/// Pairs of senses, a line each.
fn pairs(pairs: &[SensePair], name: impl Fn(u32) -> String) -> String {
    let pairs = pairs.iter().map(|pair| {
        let kind = if pair.homonyms { "homonyms" } else { "polysemes" };
        let (first, second) = (name(pair.first), name(pair.second));
        format!("  {first} and {second}: {kind}, cosine {:.4}\n", pair.similarity)
    });
    pairs.collect::<Vec<_>>().concat()
}

fn induced(answer: &InduceSensesResponse, contexts: &[String]) -> String {
    let of_contexts = !contexts.is_empty();
    let mut grid = Grid::titled(&[
        ("#", Align::Right),
        (if of_contexts { "contexts" } else { "words" }, Align::Right),
        ("to the word", Align::Right),
        ("to the context", Align::Right),
    ]);
    let mut lists = Vec::new();
    for (place, sense) in (1_u64..).zip(&answer.senses) {
        grid.row([
            place.to_string(),
            if of_contexts { sense.contexts.len() } else { sense.members.len() }.to_string(),
            figure(Some(sense.similarity)),
            figure(sense.context_similarity),
        ]);
        let members: Vec<_> =
            sense.members.iter().take(SHOWN).map(|near| shown(&near.word)).collect();
        lists.push(format!("  {place}: {}\n", members.join(", ")));
        for &i in sense.contexts.iter().take(SHOWN_CONTEXTS) {
            let context = contexts.get(i as usize).map_or("", String::as_str);
            lists.push(format!("     {}\n", shown(context)));
        }
    }
    if !answer.left_out_contexts.is_empty() {
        let (left_out, all) = (answer.left_out_contexts.len(), contexts.len());
        lists.push(format!(
            "  {left_out} of {all} contexts left out: the word does not stand there, or alone\n"
        ));
    }
    lists.push(pairs(&answer.pairs, |place| (place + 1).to_string()));
    let stabilities: Vec<_> = answer
        .stabilities
        .iter()
        .map(|tried| format!("{} {:.2}", tried.k, tried.stability))
        .collect();
    format!(
        "{grid}{}  stability by number of senses (below 0.5 they are made up): {}\n",
        lists.concat(),
        stabilities.join(", ")
    )
}
