//! `wordspace demo`: a server with real vectors inside, and 19 questions to it.

mod questions;

use std::fmt::Write as _;
use std::io::Cursor;
use std::path::PathBuf;

use clap::{Args, Parser as _};
use tokio::sync::oneshot;

use crate::cli::demo::questions::{QUESTIONS, Telling};
use crate::cli::failure::{Failure, Result};
use crate::cli::import::report_text;
use crate::cli::output::{Output, count, quoted, shown};
use crate::cli::reach::LISTEN;
use crate::cli::serve::{answering, bind, signals};
use crate::cli::{Cli, Command};
use crate::client::{Client, ImportHeader, ImportReport, ListTablesRequest, Table, chunks};
use crate::server::{ServerConfig, serve};

/// The 20,000 most frequent words of GloVe 6B with 50 components, public domain (PDDL 1.0):
/// `examples/data/LICENSE`.
const VECTORS: &[u8] = include_bytes!("../../../examples/data/glove.6B.50d.20k.txt.gz");
const SOURCE: &str = "glove.6B.50d.20k.txt.gz";
const TABLE: &str = "glove";

/// Try wordspace: a server with 20,000 real word vectors, and 19 questions to it
///
/// Imports the vectors that this program carries (GloVe 6B, 50 components) into a folder, serves
/// them, and asks over gRPC, showing each question with the command that asks the same. Then it
/// keeps serving until Ctrl-C. A second run finds the table in the folder.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Folder of the demo's table; made if it is not there
    #[arg(long, value_name = "DIR", default_value = "wordspace-demo")]
    data: PathBuf,
    /// Address to listen at; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = LISTEN)]
    listen: String,
    /// End after the last question
    #[arg(long)]
    exit: bool,
}

impl Demo {
    pub(super) async fn run(&self) -> Result<()> {
        let listener = bind(&self.listen).await?;
        let address = listener.local_addr().map_err(|e| Failure::Local(e.to_string()))?;
        let mut output = Output::together();
        let (first, second) = signals()?;
        let mut second = std::pin::pin!(second);
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async {
            tokio::select! {
                () = first => {}
                _ = stopped => {}
            }
        };
        let config = ServerConfig::new(&self.data);
        let mut server = std::pin::pin!(serve(config, listener, shutdown));
        let show = async {
            let (client, _) = answering(address).await?;
            self.show(&client, &mut output).await
        };
        let shown = tokio::select! {
            ended = &mut server => return Ok(ended?),
            () = &mut second => return Err(Failure::Interrupted),
            shown = show => shown,
        };
        if self.exit || shown.is_err() {
            drop(stop);
        } else {
            output.say("");
            output.heading(&format!("Still serving at http://{address}; press Ctrl-C to stop."));
            output.say(&how_to_ask(&address.to_string()));
        }
        tokio::select! {
            ended = &mut server => ended?,
            () = &mut second => return Err(Failure::Interrupted),
        }
        shown
    }

    async fn show(&self, client: &Client, output: &mut Output) -> Result<()> {
        let folder = self.data.display();
        output.heading(&format!("wordspace serves {folder} at {}", client.url()));
        output.say("(--data DIR chooses another folder, --listen ADDRESS another address)\n");
        let tables = client.list_tables(ListTablesRequest {}).await?.tables;
        match tables.iter().find(|table| table.name == TABLE) {
            Some(table) => found(table, output)?,
            None => import(client, output).await?,
        }
        for (number, telling) in (1..).zip(QUESTIONS) {
            ask(number, telling, client, output).await?;
        }
        Ok(())
    }
}

/// The table of an earlier run; another table of its name is not touched.
fn found(table: &Table, output: &mut Output) -> Result<()> {
    let source = table.provenance.as_ref().map_or("", |provenance| &provenance.source);
    if source != SOURCE {
        return Err(Failure::Local(format!(
            "the folder has a table {} from {}, which is not the demo's; choose another folder \
             with --data DIR",
            quoted(TABLE),
            quoted(source)
        )));
    }
    let (name, rows) = (shown(&table.name), count(table.row_count));
    output.say(&format!("The table {name} is there from an earlier run: {rows} rows."));
    Ok(())
}

async fn import(client: &Client, output: &mut Output) -> Result<()> {
    output.say("Importing 20,000 words of GloVe 6B (Pennington, Socher and Manning 2014):\n");
    let header = ImportHeader {
        table: TABLE.to_owned(),
        source: SOURCE.to_owned(),
        total_bytes: Some(VECTORS.len() as u64),
        ..ImportHeader::default()
    };
    let report: ImportReport = client.import(header, chunks(Cursor::new(VECTORS)), |_| {}).await?;
    output.answer(&report, report_text)?;
    output.say("  index   built in the background; until it is ready, every row is compared");
    Ok(())
}

async fn ask(number: usize, telling: &Telling, client: &Client, output: &mut Output) -> Result<()> {
    output.say("");
    output.heading(&format!("{number}. {}", telling.question));
    output.say(&format!("  $ wordspace {}\n", telling.command_line()));
    let arguments = ["wordspace"].iter().chain(telling.arguments);
    let cli = Cli::try_parse_from(arguments).map_err(|error| Failure::Usage(error.to_string()))?;
    if let Command::Question(question) = cli.command {
        // Nested as deep as the demo itself: the compiler wants it on the heap.
        Box::pin(question.ask(client, output)).await?;
    }
    for line in telling.remark.lines() {
        output.say(&format!("  {line}"));
    }
    Ok(())
}

fn how_to_ask(address: &str) -> String {
    let mut text = String::from("Ask it more from another terminal:\n");
    if address != LISTEN {
        let _ = writeln!(text, "  export WORDSPACE_SERVER=http://{address}");
    }
    text.push_str(
        "  wordspace nearest --table glove YOUR WORDS\n  \
         wordspace import FILE --table NAME      (your own vectors)\n  \
         wordspace --help",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_asks_nothing_that_a_user_could_not_type() {
        for telling in QUESTIONS {
            let line = std::iter::once("wordspace").chain(telling.arguments.iter().copied());
            let cli = Cli::try_parse_from(line).unwrap();
            assert!(matches!(cli.command, Command::Question(_)), "{}", telling.command_line());
        }
    }
}
