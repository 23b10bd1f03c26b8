//! `wordspace tables`: which tables there are, or one in detail.

use clap::Args;

use crate::cli::failure::Result;
use crate::cli::options::format_name;
use crate::cli::output::{Align, Grid, Output, bytes, count, seconds, shown};
use crate::client::{
    Client, GetTableRequest, IndexKind, IndexState, IndexStatus, InputTables, ListTablesRequest,
    ListTablesResponse, Table,
};

/// The tables there are, or one of them in detail
#[derive(Debug, Args)]
pub(super) struct Tables {
    /// Only this table, in detail
    name: Option<String>,
    /// The same
    #[arg(long, value_name = "NAME", conflicts_with = "name")]
    table: Option<String>,
}

impl Tables {
    pub(super) async fn ask(&self, client: &Client, output: &mut Output) -> Result<()> {
        if let Some(name) = self.name.as_ref().or(self.table.as_ref()) {
            let answer = client.get_table(GetTableRequest { table: name.clone() }).await?;
            return output
                .answer(&answer, |answer| answer.table.as_ref().map_or(String::new(), details));
        }
        let answer = client.list_tables(ListTablesRequest {}).await?;
        output.answer(&answer, list)?;
        if answer.tables.is_empty() {
            output.footer("  no tables yet: `wordspace import FILE --table NAME` makes one");
        }
        Ok(())
    }
}

fn list(answer: &ListTablesResponse) -> String {
    let mut grid = Grid::titled(&[
        ("table", Align::Left),
        ("rows", Align::Right),
        ("dim", Align::Right),
        ("memory", Align::Right),
        ("generation", Align::Right),
        ("index", Align::Left),
    ]);
    for table in &answer.tables {
        grid.row([
            table.name.clone(),
            count(table.row_count),
            table.dim.to_string(),
            bytes(table.memory_bytes),
            table.generation.to_string(),
            state(table),
        ]);
    }
    grid.to_string()
}

fn details(table: &Table) -> String {
    let mut grid = Grid::plain(&[Align::Left, Align::Left]);
    let mut line = |name: &str, value: String| grid.row([name.to_owned(), value]);
    line("table", table.name.clone());
    if !table.aliases.is_empty() {
        line("aliases", table.aliases.join(", "));
    }
    line("generation", table.generation.to_string());
    line("rows", count(table.row_count));
    line("dim", format!("{} ({})", table.dim, short(table.dtype().as_str_name())));
    line("metric", short(table.metric().as_str_name()));
    line("memory", bytes(table.memory_bytes));
    if table.on_disk {
        let vectors = bytes(table.mapped_bytes);
        line("on disk", format!("{vectors} of vectors, mapped; words and index are in memory"));
    }
    if let Some(provenance) = &table.provenance {
        let format = format_name(provenance.format());
        let size = bytes(provenance.source_bytes);
        line("source", format!("{} ({format}, {size})", provenance.source));
        if let Some(time) = &provenance.imported_at {
            line("imported", time.to_string());
        }
    }
    if let Some(tables) = &table.inputs {
        line("inputs", inputs(tables));
    }
    if !table.problem.is_empty() {
        line("problem", table.problem.clone());
    }
    if let Some(status) = &table.index {
        line("index", index(status));
        let (written, deleted) = (status.written_row_count, status.deleted_row_count);
        if written + deleted > 0 {
            let (written, deleted) = (count(written), count(deleted));
            line("since", format!("{written} rows written, {deleted} deleted"));
        }
        if status.links_max > 0 {
            line(
                "graph",
                format!(
                    "{} links a row at most, ef construction {}, ef search {}",
                    status.links_max, status.ef_construction, status.ef_search
                ),
            );
        }
        if status.leaf_count > 0 {
            let leaves = count(status.leaf_count.into());
            line("partition", format!("{leaves} leaves, ef search {}", status.ef_search));
        }
        if status.memory_bytes > 0 {
            let a_row = status.memory_bytes / table.row_count.max(1);
            line("index memory", format!("{}, {a_row} bytes a row", bytes(status.memory_bytes)));
        }
    }
    grid.to_string()
}

/// What a transformer adds to the rows of tokens.
fn inputs(inputs: &InputTables) -> String {
    if !inputs.problem.is_empty() {
        return format!("cannot be used: {}", shown(&inputs.problem));
    }
    let mut parts = Vec::new();
    if inputs.position_count > 0 {
        let from = match inputs.first_position {
            0 => String::new(),
            first => format!(" from {first} on"),
        };
        parts.push(format!("{} positions{from}", count(inputs.position_count.into())));
    }
    if inputs.segment_count > 0 {
        parts.push(format!("{} segments", inputs.segment_count));
    }
    parts.extend(inputs.layer_norm_eps.map(|eps| format!("layer norm (eps {eps:e})")));
    parts.push(bytes(inputs.disk_bytes));
    parts.join(", ")
}

/// Why the table cannot answer, or the state of its index.
fn state(table: &Table) -> String {
    if table.problem.is_empty() {
        index(&table.index.clone().unwrap_or_default())
    } else {
        format!("cannot answer: {}", shown(&table.problem))
    }
}

/// The state of an index in a few words.
pub(super) fn index(status: &IndexStatus) -> String {
    match status.state() {
        IndexState::Unspecified => "unknown".to_owned(),
        IndexState::NotNeeded => "not needed: answers are exact".to_owned(),
        IndexState::Queued if status.kind() != IndexKind::Unspecified => {
            "answers; stored neighbors are queued".to_owned()
        }
        IndexState::Queued => "queued: answers are exact meanwhile".to_owned(),
        IndexState::Building if status.kind() != IndexKind::Unspecified => {
            format!("answers; finding stored neighbors, {:.0}%", status.progress * 100.0)
        }
        IndexState::Building => format!("building, {:.0}%", status.progress * 100.0),
        IndexState::Ready if status.build_seconds > 0.0 => {
            format!("ready, built in {}", seconds(status.build_seconds.into()))
        }
        IndexState::Ready => "ready, read from disk".to_owned(),
        IndexState::Failed if status.kind() != IndexKind::Unspecified => {
            format!("answers, without stored neighbors: {}", shown(&status.problem))
        }
        IndexState::Failed => format!("failed: {}", shown(&status.problem)),
        IndexState::Stopped if status.kind() != IndexKind::Unspecified => {
            "stopped: answers, without stored neighbors".to_owned()
        }
        IndexState::Stopped => "stopped: answers are exact".to_owned(),
    }
}

/// `METRIC_COSINE` as `cosine`.
fn short(enum_name: &str) -> String {
    enum_name.split_once('_').map_or(enum_name, |(_, value)| value).to_lowercase()
}
