//! `wordspace recover`: a new catalog, made of what is whole.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Output, count};
use crate::store::recover::{self, Recovered};

/// Make a damaged data folder usable again with all that is whole in it
///
/// Makes a new catalog from the tables that are whole, and lists what could not be saved. Nothing is
/// deleted: what is damaged is moved to the folder `lost`. No server may have the folder open.
#[derive(Debug, Args)]
pub(super) struct Recover {
    /// The data folder
    data: PathBuf,
}

impl Recover {
    pub(super) fn run(&self, as_json: bool) -> Result<()> {
        if !self.data.is_dir() {
            return Err(Failure::Local(format!("{} is no folder", self.data.display())));
        }
        let recovered = recover::recover(&self.data, &|| Ok(()))?;
        let printed = if as_json { json(&recovered) } else { text(&recovered) };
        Output::standard(as_json).data(printed.as_bytes())
    }
}

fn json(recovered: &Recovered) -> String {
    let tables = recovered.tables.iter().map(|(name, rows)| json!({ "name": name, "rows": rows }));
    let tables: Vec<_> = tables.collect();
    let line = json!({ "tables": tables, "losses": recovered.losses, "moved": recovered.moved });
    format!("{line}\n")
}

fn text(recovered: &Recovered) -> String {
    let mut text = String::new();
    for (name, rows) in &recovered.tables {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "table {name}: {} rows, and the writes since", count(*rows));
    }
    for loss in &recovered.losses {
        let _ = writeln!(text, "not saved: {loss}");
    }
    if recovered.losses.is_empty() {
        text.push_str("nothing was lost\n");
    }
    for path in &recovered.moved {
        let _ = writeln!(text, "moved to {path}");
    }
    text
}
