//! `wordspace senses`: which senses a word has, and which one is meant.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{Asking, TableArg};
use crate::cli::output::{Align, Grid, Output, answered, shown};
use crate::client::{
    Client, InduceSensesRequest, InduceSensesResponse, SensesRequest, SensesResponse,
};

/// Members of a sense that are shown.
const SHOWN: usize = 8;

/// Which senses a word has: its rows, such as bank|money and bank|river; or, with --induce, what its
/// neighbors part into
#[derive(Debug, Args)]
pub(super) struct Senses {
    #[command(flatten)]
    pub(super) asking: Asking,
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
    #[arg(long)]
    induce: bool,
    /// How many senses are induced [default: from 2 to 6, as is most stable]
    #[arg(short, value_name = "COUNT", requires = "induce")]
    k: Option<u32>,
    /// Neighbors that are parted
    #[arg(long, value_name = "COUNT", requires = "induce", default_value_t = 200)]
    neighbors: u32,
    /// Seed of the parting
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

impl Senses {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        if self.induce {
            let request = InduceSensesRequest {
                table: self.table.name.clone(),
                word: Some(self.word.as_str().into()),
                k: self.k,
                neighbors: Some(self.neighbors),
                context: self.context.clone(),
                seed: self.seed,
                words: None,
            };
            let answer = client.induce_senses(request).await?;
            output.answer(&answer, induced)?;
            output.footer(&answered(answer.answer.as_ref()));
            return Ok(());
        }
        let request = SensesRequest {
            table: self.table.name.clone(),
            word: self.word.clone(),
            separator: self.separator.clone(),
            context: self.context.clone(),
            homonyms_below: None,
            words: None,
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
    let pairs = answer.pairs.iter().map(|pair| {
        let kind = if pair.homonyms { "homonyms" } else { "polysemes" };
        let (first, second) = (word(pair.first), word(pair.second));
        format!("  {first} and {second}: {kind}, cosine {:.4}\n", pair.similarity)
    });
    let pairs: Vec<_> = pairs.collect();
    format!("{grid}{}", pairs.concat())
}

fn induced(answer: &InduceSensesResponse) -> String {
    let mut grid = Grid::titled(&[
        ("#", Align::Right),
        ("words", Align::Right),
        ("to the word", Align::Right),
        ("to the context", Align::Right),
    ]);
    let mut lists = Vec::new();
    for (place, sense) in (1_u64..).zip(&answer.senses) {
        grid.row([
            place.to_string(),
            sense.members.len().to_string(),
            figure(Some(sense.similarity)),
            figure(sense.context_similarity),
        ]);
        let members: Vec<_> =
            sense.members.iter().take(SHOWN).map(|near| shown(&near.word)).collect();
        lists.push(format!("  {place}: {}\n", members.join(", ")));
    }
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
