//! `wordspace alias`: other names of tables.

use clap::{Args, Subcommand};

use crate::cli::failure::Result;
use crate::cli::output::{Align, Grid, Output, quoted};
use crate::client::{
    Client, ListAliasesRequest, ListAliasesResponse, RemoveAliasRequest, RemoveAliasResponse,
    SetAliasRequest, SetAliasResponse,
};

/// Other names of tables: set, or swapped from one table to another at once, removed, listed
#[derive(Debug, Args)]
pub(super) struct Alias {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Let an alias stand for a table, in place of the one that it may stand for
    Set {
        /// The alias
        alias: String,
        /// The table
        #[arg(value_name = "NAME")]
        of: String,
    },
    /// Remove an alias; the table stays
    Remove {
        /// The alias
        alias: String,
    },
    /// All aliases, each with its table
    List,
}

impl Alias {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        match &self.what {
            What::Set { alias, of } => {
                let request = SetAliasRequest { alias: alias.clone(), table: of.clone() };
                output.answer(&client.set_alias(request).await?, set)
            }
            What::Remove { alias } => {
                let request = RemoveAliasRequest { alias: alias.clone() };
                output.answer(&client.remove_alias(request).await?, removed)
            }
            What::List => {
                let answer = client.list_aliases(ListAliasesRequest {}).await?;
                output.answer(&answer, list)?;
                if answer.aliases.is_empty() {
                    output.footer("  no aliases: `wordspace alias set ALIAS NAME` makes one");
                }
                Ok(())
            }
        }
    }
}

fn set(answer: &SetAliasResponse) -> String {
    let (name, table) = parts(answer.alias.as_ref());
    let before = match answer.previous_table.as_str() {
        "" => String::new(),
        before => format!(", no longer for {}", quoted(before)),
    };
    format!("{name} stands for {table}{before}\n")
}

fn removed(answer: &RemoveAliasResponse) -> String {
    let (name, table) = parts(answer.alias.as_ref());
    format!("removed the alias {name} of {table}\n")
}

fn parts(alias: Option<&crate::client::Alias>) -> (String, String) {
    alias.map_or_else(Default::default, |alias| (quoted(&alias.name), quoted(&alias.table)))
}

fn list(answer: &ListAliasesResponse) -> String {
    let mut grid = Grid::titled(&[("alias", Align::Left), ("table", Align::Left)]);
    for alias in &answer.aliases {
        grid.row([alias.name.clone(), alias.table.clone()]);
    }
    grid.to_string()
}
