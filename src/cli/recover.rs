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
use crate::engine::recover::{self as published, Which};
use crate::store::backup::{self, Target};
use crate::store::publish;
use crate::store::recover::{self, Recovered};
use crate::table::meta::TableName;

/// Make a damaged data folder usable again with all that is whole in it
///
/// Makes a new catalog from the tables that are whole, and lists what could not be saved. Nothing is
/// deleted: what is damaged is moved to the folder `lost`. With --from a new folder is made of what a
/// server published (`serve --publish`), or tables of a backup are brought into the folder. No server may
/// have the folder open.
#[derive(Debug, Args)]
pub(super) struct Recover {
    /// The data folder
    data: PathBuf,
    /// Bring all that was published at this place into the folder, which must be new or empty, or tables of a backup
    /// that is kept there: a folder, or a URL such as <s3://bucket/prefix>
    #[arg(long, value_name = "PLACE")]
    from: Option<String>,
    /// Number of the backup [default: the latest]
    #[arg(long, value_name = "NUMBER", requires = "from",
          value_parser = clap::value_parser!(u64).range(1..))]
    backup: Option<u64>,
    /// Tables of the backup that are wanted [default: all, with all tokenizers and test sets]
    #[arg(long = "table", value_name = "NAME", requires = "from")]
    tables: Vec<String>,
    /// Of what was published take the newest that is whole, where the last is damaged; it has to be published
    /// elsewhere from then on
    #[arg(long, requires = "from", conflicts_with_all = ["backup", "tables"])]
    older: bool,
}

impl Recover {
    pub(super) fn run(&self, as_json: bool) -> Result<()> {
        if let Some(from) = &self.from {
            let place = backup::open(from)?;
            if self.older || publish::is_published(&*place)? {
                return self.salvage(place, as_json);
            }
            return self.restore(from, as_json);
        }
        if !self.data.is_dir() {
            return Err(Failure::Local(format!("{} is no folder", self.data.display())));
        }
        let recovered = recover::recover(&self.data, &|| Ok(()))?;
        let printed = if as_json { json(&recovered) } else { text(&recovered) };
        Output::standard(as_json).data(printed.as_bytes())
    }

    fn salvage(&self, place: Box<dyn Target>, as_json: bool) -> Result<()> {
        if self.backup.is_some() || !self.tables.is_empty() {
            let problem =
                "this place has no backups but what a server published, which is brought whole";
            return Err(Failure::Local(problem.to_owned()));
        }
        let which = if self.older { Which::Whole } else { Which::Last };
        let done = published::recover(&self.data, place, which)?;
        let (epoch, number) = done.at;
        let printed = if as_json {
            let tables = done.tables.iter();
            let tables = tables.map(|(name, rows)| json!({ "name": name, "rows": rows }));
            let tables: Vec<_> = tables.collect();
            let line = json!({
                "epoch": epoch, "publication": number, "tables": tables, "skipped": done.skipped,
                "goes_on": done.goes_on,
            });
            format!("{line}\n")
        } else {
            let mut text = String::new();
            for why in &done.skipped {
                let _ = writeln!(text, "not taken: {why}");
            }
            for (name, rows) in &done.tables {
                let _ = writeln!(text, "table {name}: {} rows", count(*rows));
            }
            let _ = writeln!(text, "from publication {number} of epoch {epoch}");
            text.push_str(if done.goes_on {
                "it goes on with `serve --publish` at the same place\n"
            } else {
                "readers may have seen more: publish it at another place, for readers with new folders\n"
            });
            text
        };
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
