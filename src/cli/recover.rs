//! `wordspace recover`: a new catalog, made of what is whole.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::failure::{Failure, Result};
use crate::cli::output::{Output, count};
use crate::engine::Engine;
use crate::engine::backup::RestoreOptions;
use crate::engine::config::EngineConfig;
use crate::store::recover::{self, Recovered};
use crate::table::meta::TableName;

/// Make a damaged data folder usable again with all that is whole in it
///
/// Makes a new catalog from the tables that are whole, and lists what could not be saved. Nothing is
/// deleted: what is damaged is moved to the folder `lost`. With --from tables of a backup are brought
/// into the folder instead. No server may have the folder open.
#[derive(Debug, Args)]
pub(super) struct Recover {
    /// The data folder
    data: PathBuf,
    /// Bring the tables of a backup into the folder, which may be new: where backups are kept
    #[arg(long, value_name = "BACKUPS")]
    from: Option<String>,
    /// Number of the backup [default: the latest]
    #[arg(long, value_name = "NUMBER", requires = "from",
          value_parser = clap::value_parser!(u64).range(1..))]
    backup: Option<u64>,
    /// Tables that are wanted [default: all, with all tokenizers and test sets]
    #[arg(long = "table", value_name = "NAME", requires = "from")]
    tables: Vec<String>,
}

impl Recover {
    pub(super) fn run(&self, as_json: bool) -> Result<()> {
        if let Some(from) = &self.from {
            return self.restore(from, as_json);
        }
        if !self.data.is_dir() {
            return Err(Failure::Local(format!("{} is no folder", self.data.display())));
        }
        let recovered = recover::recover(&self.data, &|| Ok(()))?;
        let printed = if as_json { json(&recovered) } else { text(&recovered) };
        Output::standard(as_json).data(printed.as_bytes())
    }

    fn restore(&self, from: &str, as_json: bool) -> Result<()> {
        let config =
            EngineConfig { backups: Some(from.to_owned()), ..EngineConfig::new(&self.data) };
        let tables = self.tables.iter().map(|table| TableName::try_from(table.clone()));
        let tables = tables.collect::<std::result::Result<_, _>>()?;
        let options = RestoreOptions { backup: self.backup, tables, ..RestoreOptions::default() };
        let engine = Engine::open(&config)?;
        let restored = engine.restore(&options, &mut |_, _| {});
        engine.close();
        let restored = restored?;
        let printed = if as_json {
            let tables = restored.tables.iter();
            let tables = tables.map(|(name, rows)| json!({ "name": name, "rows": rows }));
            let tables: Vec<_> = tables.collect();
            format!("{}\n", json!({ "backup": restored.backup, "tables": tables }))
        } else {
            let mut text = String::new();
            for (name, rows) in &restored.tables {
                let _ = writeln!(text, "table {name}: {} rows", count(*rows));
            }
            let _ = writeln!(text, "from backup {}", restored.backup);
            text
        };
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
        let _ = writeln!(text, "table {name}: {} rows", count(*rows));
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
