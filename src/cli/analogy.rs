//! `wordspace analogy`: a is to b as c is to ?

use clap::{Args, ValueEnum};

use crate::cli::failure::{Failure, Result};
use crate::cli::map::{self, Mark};
use crate::cli::nearest::neighbors;
use crate::cli::options::{FilterArgs, QUERIES_HELP, SearchArgs, TableArg, WordArgs, query};
use crate::cli::output::{Align, Grid, Output, answered, shown, similarity};
use crate::cli::plot::DrawArgs;
use crate::client::{
    AnalogyMethod, AnalogyPair, AnalogyParts, AnalogyRequest, AnalogyResponse, Client, Neighbor,
};

/// A is to B as C is to ? (`analogy man king woman` asks for king - man + woman)
///
/// --svg and --png draw A, B, C and the answers; A, B, C and the first answer are the corners of a
/// parallelogram where the analogy holds.
#[derive(Debug, Args)]
#[command(after_help = QUERIES_HELP)]
pub(super) struct Analogy {
    #[command(flatten)]
    table: TableArg,
    /// A in "A is to B as C is to ?", such as man
    a: String,
    /// B, such as king
    b: String,
    /// C, such as woman
    c: String,
    /// More pairs like A and B, one after the other; for cos-avg and pair-direction
    #[arg(long, value_name = "WORD", num_args = 2..)]
    examples: Vec<String>,
    /// Show what A, B and C each do for an answer
    #[arg(long)]
    explain: bool,
    /// How the answer is computed
    #[arg(long, value_enum, default_value_t = Method::CosAdd)]
    method: Method,
    /// Also give the list in which A, B and C may stand: often B itself is the nearest
    #[arg(long)]
    with_inputs: bool,
    #[command(flatten)]
    drawn: DrawArgs,
    #[command(flatten)]
    search: SearchArgs,
    #[command(flatten)]
    looked_up: WordArgs,
    #[command(flatten)]
    filter: FilterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// The nearest to b - a + c (3CosAdd)
    CosAdd,
    /// The largest product of similarities (3CosMul), over every row
    CosMul,
    /// The word x for which x - c points most as b - a does, over every row (`PairDirection`)
    PairDirection,
    /// The nearest to c plus the mean of b - a over several pairs (3CosAvg)
    CosAvg,
}

impl Analogy {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        if !self.examples.len().is_multiple_of(2) {
            let problem = "--examples are pairs: an even number of words".to_owned();
            return Err(Failure::Usage(problem));
        }
        let answer = client.analogy(self.request()).await?;
        output.answer(&answer, |answer| self.text(answer))?;
        output.footer(&answered(answer.answer.as_ref()));
        if !self.drawn.is_asked() {
            return Ok(());
        }
        let asked = answer.answer.iter().flat_map(|answer| &answer.words).take(3);
        let asked = asked.map(|word| Mark { row: word.row, group: 1, is_asked: true });
        let found = answer.neighbors.iter();
        let found = found.map(|near| Mark { row: near.row, group: 0, is_asked: false });
        let marks: Vec<_> = asked.chain(found).collect();
        let title = format!("{} is to {} as {} is to ?", self.a, self.b, self.c);
        let sides = [[0, 1], [2, 3], [0, 2], [1, 3]];
        let drawn = (self.table.name.as_str(), marks.as_slice(), sides.as_slice());
        map::draw(&self.drawn, &title, drawn, (client, output)).await
    }

    fn request(&self) -> AnalogyRequest {
        let method = match self.method {
            Method::CosAdd => AnalogyMethod::CosAdd,
            Method::CosMul => AnalogyMethod::CosMul,
            Method::PairDirection => AnalogyMethod::PairDirection,
            Method::CosAvg => AnalogyMethod::CosAvg,
        };
        let examples = self
            .examples
            .chunks_exact(2)
            .map(|pair| AnalogyPair { a: Some(query(&pair[0])), b: Some(query(&pair[1])) });
        let examples = examples.collect();
        AnalogyRequest {
            table: self.table.name.clone(),
            a: Some(query(&self.a)),
            b: Some(query(&self.b)),
            c: Some(query(&self.c)),
            method: method.into(),
            k: Some(self.search.k),
            exclude_inputs: Some(true),
            with_inputs: self.with_inputs,
            exact: Some(self.search.exact),
            ef_search: self.search.ef,
            min_recall: self.search.min_recall,
            words: Some(self.looked_up.options()),
            filter: self.filter.filter(),
            examples,
        }
    }

    fn text(&self, answer: &AnalogyResponse) -> String {
        let without = self.list(&answer.neighbors, &answer.parts);
        if !self.with_inputs {
            return without;
        }
        let with = self.list(&answer.neighbors_with_inputs, &answer.parts_with_inputs);
        format!("  without the inputs:\n{without}  with the inputs:\n{with}")
    }

    fn list(&self, found: &[Neighbor], parts: &[AnalogyParts]) -> String {
        let measure = match self.method {
            Method::CosAdd | Method::PairDirection | Method::CosAvg => "cosine",
            Method::CosMul => "product",
        };
        if !self.explain {
            return neighbors(measure, found);
        }
        let signs = if self.method == Method::CosMul { ["", "/ ", "* "] } else { ["", "- ", "+ "] };
        let titles = [(0, &self.b), (1, &self.a), (2, &self.c)]
            .map(|(i, word)| format!("{}{}", signs[i], shown(word)));
        let [b, a, c] = &titles;
        let mut grid = Grid::titled(&[
            ("word", Align::Left),
            (measure, Align::Right),
            (b, Align::Right),
            (a, Align::Right),
            (c, Align::Right),
        ]);
        let figure = |value: f32| format!("{value:+.4}");
        for (near, parts) in found.iter().zip(parts) {
            let parts = [parts.b, parts.a, parts.c].map(figure);
            let similarity = similarity(near.similarity);
            grid.cells([near.word.clone(), similarity].into_iter().chain(parts));
        }
        grid.to_string()
    }
}
