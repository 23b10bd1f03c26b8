//! `wordspace facets`: how words are spread over the values of an attribute.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::{FilterArgs, TableArg, value_text};
use crate::cli::output::{Align, Grid, Output, count};
use crate::client::{Client, FacetsRequest, FacetsResponse};

/// How many words have each value of an attribute
#[derive(Debug, Args)]
pub(super) struct Facets {
    #[command(flatten)]
    table: TableArg,
    /// The attribute
    attribute: String,
    /// How many values, the most frequent
    #[arg(short, long = "limit", value_name = "COUNT", default_value_t = 10)]
    limit: u32,
    #[command(flatten)]
    filter: FilterArgs,
}

impl Facets {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        let request = FacetsRequest {
            table: self.table.name.clone(),
            attribute: self.attribute.clone(),
            limit: Some(self.limit),
            filter: self.filter.filter(),
        };
        output.answer(&client.facets(request).await?, text)
    }
}

fn text(answer: &FacetsResponse) -> String {
    let mut grid = Grid::titled(&[("value", Align::Left), ("words", Align::Right)]);
    for facet in &answer.facets {
        let value = facet.value.as_ref().map(value_text).unwrap_or_default();
        grid.row([value, count(facet.count)]);
    }
    let (distinct, having) = (count(answer.distinct_count), count(answer.having_count));
    format!("{grid}  {distinct} values; {having} of {} words have it\n", count(answer.word_count))
}
