//! `wordspace evaluate sets`: test sets that the server keeps.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::read;
use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Align, Grid, Output, bytes, count, shown};
use crate::client::{
    Client, DeleteTestSetRequest, GetTestSetRequest, ListTestSetsRequest, PutTestSetRequest,
    TestSetInfo, TestSetKind,
};

#[derive(Debug, Subcommand)]
pub(super) enum Sets {
    /// Store a test set under a name
    Add {
        /// Its name
        name: String,
        /// Its file
        file: PathBuf,
        /// What is in the file
        #[arg(long, value_enum)]
        kind: Kind,
        /// Where it comes from, for whoever reads the list
        #[arg(long, value_name = "TEXT", default_value = "")]
        source: String,
        /// Put it in place of one of that name
        #[arg(long)]
        replace: bool,
    },
    /// All stored test sets
    List,
    /// What is known of a stored test set
    Show {
        /// Its name
        name: String,
        /// Also write its file here, which must not be there yet
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Delete a stored test set
    Remove {
        /// Its name
        name: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Kind {
    /// Analogy questions
    Analogies,
    /// Pairs with their similarity
    Pairs,
    /// Words by category
    Categories,
    /// Sets with outliers
    Outliers,
}

impl Kind {
    /// As the server calls it.
    pub(in crate::cli) fn told(self) -> TestSetKind {
        match self {
            Self::Analogies => TestSetKind::Analogies,
            Self::Pairs => TestSetKind::WordPairs,
            Self::Categories => TestSetKind::Categories,
            Self::Outliers => TestSetKind::Outliers,
        }
    }
}

impl Sets {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        match self {
            Self::Add { name, file, kind, source, replace } => {
                let request = PutTestSetRequest {
                    name: name.clone(),
                    kind: kind.told().into(),
                    file: read(file)?,
                    source: source.clone(),
                    replace: *replace,
                };
                let answer = client.put_test_set(request).await?;
                output.answer(&answer, |answer| grid(answer.test_set.as_slice()))
            }
            Self::List => {
                let answer = client.list_test_sets(ListTestSetsRequest {}).await?;
                output.answer(&answer, |answer| grid(&answer.test_sets))
            }
            Self::Show { name, output: path } => {
                let request = GetTestSetRequest { name: name.clone(), with_file: path.is_some() };
                let mut answer = client.get_test_set(request).await?;
                if let Some(path) = path {
                    let file = std::mem::take(&mut answer.file);
                    let problem = |error| Failure::Local(format!("{}: {error}", path.display()));
                    let made = std::fs::File::create_new(path);
                    made.and_then(|mut made| made.write_all(&file)).map_err(problem)?;
                }
                output.answer(&answer, |answer| grid(answer.test_set.as_slice()))
            }
            Self::Remove { name } => {
                let request = DeleteTestSetRequest { name: name.clone() };
                let answer = client.delete_test_set(request).await?;
                output.answer(&answer, |_| format!("  deleted {}\n", shown(name)))
            }
        }
    }
}

fn grid(sets: &[TestSetInfo]) -> String {
    let mut grid = Grid::titled(&[
        ("name", Align::Left),
        ("kind", Align::Left),
        ("entries", Align::Right),
        ("file", Align::Right),
        ("source", Align::Left),
    ]);
    for set in sets {
        let kind = match set.kind() {
            TestSetKind::Unspecified => shown(&set.problem),
            TestSetKind::Analogies => "analogies".to_owned(),
            TestSetKind::WordPairs => "pairs".to_owned(),
            TestSetKind::Categories => "categories".to_owned(),
            TestSetKind::Outliers => "outliers".to_owned(),
        };
        let (entries, size) = (count(set.entry_count), bytes(set.file_bytes));
        grid.row([set.name.clone(), kind, entries, size, shown(&set.source)]);
    }
    grid.to_string()
}
