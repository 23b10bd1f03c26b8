//! `wordspace analogy`: a is to b as c is to ?

use clap::{Args, ValueEnum};

use crate::cli::failure::Result;
use crate::cli::nearest::neighbors;
use crate::cli::options::{Asking, FilterArgs, SearchArgs, TableArg, WordArgs};
use crate::cli::output::{Output, answered};
use crate::client::{AnalogyMethod, AnalogyRequest, AnalogyResponse, Client};

/// A is to B as C is to ? (`analogy man king woman` asks for king - man + woman)
#[derive(Debug, Args)]
pub(super) struct Analogy {
    #[command(flatten)]
    pub(super) asking: Asking,
    #[command(flatten)]
    table: TableArg,
    /// A in "A is to B as C is to ?", such as man
    a: String,
    /// B, such as king
    b: String,
    /// C, such as woman
    c: String,
    /// How the answer is computed
    #[arg(long, value_enum, default_value_t = Method::CosAdd)]
    method: Method,
    /// Also give the list in which A, B and C may stand: often B itself is the nearest
    #[arg(long)]
    with_inputs: bool,
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
}

impl Analogy {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let answer = client.analogy(self.request()).await?;
        output.answer(&answer, |answer| self.text(answer))?;
        output.footer(&answered(answer.answer.as_ref()));
        Ok(())
    }

    fn request(&self) -> AnalogyRequest {
        let method = match self.method {
            Method::CosAdd => AnalogyMethod::CosAdd,
            Method::CosMul => AnalogyMethod::CosMul,
        };
        AnalogyRequest {
            table: self.table.name.clone(),
            a: Some(self.a.as_str().into()),
            b: Some(self.b.as_str().into()),
            c: Some(self.c.as_str().into()),
            method: method.into(),
            k: Some(self.search.k),
            exclude_inputs: Some(true),
            with_inputs: self.with_inputs,
            exact: Some(self.search.exact),
            ef_search: self.search.ef,
            min_recall: self.search.min_recall,
            words: Some(self.looked_up.options()),
            filter: self.filter.filter(),
        }
    }

    fn text(&self, answer: &AnalogyResponse) -> String {
        let measure = match self.method {
            Method::CosAdd => "cosine",
            Method::CosMul => "product",
        };
        let without = neighbors(measure, &answer.neighbors);
        if !self.with_inputs {
            return without;
        }
        let with = neighbors(measure, &answer.neighbors_with_inputs);
        format!("  without the inputs:\n{without}  with the inputs:\n{with}")
    }
}
