//! `wordspace check`: every byte of a data folder read again, without a server.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Output, bytes};
use crate::store::check::{self, Checked};

/// Read every byte of a data folder again, and name every damaged part
///
/// No server may have the folder open; nothing in it is changed. Exit code 0 if all is as it was
/// written, 1 if not.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The data folder
    data: PathBuf,
}

impl Check {
    pub(super) fn run(&self, as_json: bool) -> Result<()> {
        if !self.data.is_dir() {
            return Err(Failure::Local(format!("{} is no folder", self.data.display())));
        }
        let checked = check::check(&self.data, &|| Ok(()))?;
        let mut output = Output::standard(as_json);
        let printed = if as_json { json(&checked) } else { text(&checked) };
        output.data(printed.as_bytes())?;
        match checked.damages.len() {
            0 => Ok(()),
            count => {
                let data = self.data.display();
                let count =
                    if count == 1 { "1 part is".to_owned() } else { format!("{count} parts are") };
                Err(Failure::Local(format!(
                    "{count} damaged; `wordspace recover {data}` keeps what is whole"
                )))
            }
        }
    }
}

fn json(checked: &Checked) -> String {
    let damages = checked.damages.iter().map(
        |damage| json!({ "table": damage.table, "part": damage.part, "problem": damage.problem }),
    );
    let damages: Vec<_> = damages.collect();
    let line = json!({ "bytes": checked.bytes, "whole": checked.whole, "damages": damages });
    format!("{line}\n")
}

fn text(checked: &Checked) -> String {
    let mut text = String::new();
    for table in &checked.whole {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "table {table}: whole");
    }
    for damage in &checked.damages {
        let of = damage.table.as_ref().map_or_else(String::new, |table| format!("table {table}, "));
        let _ = writeln!(text, "{of}{}: {}", damage.part, damage.problem);
    }
    let _ = writeln!(text, "{} read", bytes(checked.bytes));
    text
}
