//! What was staged becomes the table of a name, or rows of the one that is there.

use std::sync::Arc;

use crate::engine::Engine;
use crate::engine::catalog::Entry;
use crate::engine::generation::Generation;
use crate::engine::import::options::ImportOptions;
use crate::engine::lineage::{Current, Lineage, Name};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::limits;
use crate::store::{Replaced, Staging, TokenizerOf};
use crate::table::Table;
use crate::table::builder::TableBuilder;
use crate::table::columns::Collected;
use crate::table::meta::{Applied, Meta, Provenance, TableName};
use crate::table::view::View;

/// A table to which rows are added, in the state to which they are added. What is written to it from then
/// on stays in the journal.
pub(super) struct Appended {
    pub(super) lineage: Arc<Lineage>,
    pub(super) current: Arc<Current>,
}

impl Appended {
    pub(super) fn begin(lineage: Arc<Lineage>) -> Self {
        let mut writer = lineage.writer();
        let current = lineage.current();
        writer.kept_after = Some(current.view().sequence());
        drop(writer);
        Self { lineage, current }
    }
}

impl Drop for Appended {
    fn drop(&mut self) {
        self.lineage.writer().kept_after = None;
    }
}

/// An append whose rows are all staged.
pub(super) struct Appending<'a> {
    pub(super) engine: &'a Engine,
    pub(super) appended: Appended,
    pub(super) options: &'a ImportOptions,
    pub(super) staging: Staging,
}

impl Appending<'_> {
    /// Lets the rows with those that were added answer, after what was written meanwhile.
    pub(super) fn publish(
        mut self,
        added: Meta,
        builder: TableBuilder,
        attributes: Collected,
    ) -> Result<()> {
        let Appended { lineage, current } = &self.appended;
        let (shared, old) = (&self.engine.shared, current.generation().meta());
        let view = current.view();
        self.staging.complete(&attributes)?;
        let table = self.staging.table(builder, old.residence)?;
        let table = table.with_subwords(view.subwords().cloned());
        let table = Arc::new(table.with_inputs(view.inputs().clone()));
        let _publishing = shared.publishing.lock();
        self.engine.go_on()?;
        let now = shared.catalog.entry(&self.options.table)?;
        let mut writer = lineage.writer();
        if writer.is_closed || now.meta().lineage() != lineage.number() {
            return Err(Error::new(ErrorKind::Conflict { table: self.options.table.to_string() }));
        }
        // A rebuild may have made another generation of the same rows meanwhile.
        let answering = lineage.current();
        self.staging.inherit(answering.generation().number())?;
        let epoch = shared.store.ready()?;
        lineage.follow(&mut writer, epoch, shared.store.last_write(lineage.number()));
        shared.store.make_durable(epoch)?;
        let last = writer.head.sequence();
        lineage.publish(&mut writer, last);
        let meta = Meta {
            name: TableName::clone(&lineage.name()),
            generation: added.generation,
            row_count: added.row_count,
            provenance: joined(&old.provenance, added.provenance),
            applied: Applied {
                lineage: Some(lineage.number()),
                sequence: view.sequence(),
                attributed_rows: attributes.attributed() as u64,
            },
            ..old
        };
        let view = View::new(Arc::clone(&table), view.sequence());
        let mut view = view.with_attributes(attributes);
        shared.store.replay(&meta, &mut view).context(|| "what was written meanwhile")?;
        // Nothing that can fail follows the switch.
        let replaced = self.staging.switch(&meta, TokenizerOf::Same)?;
        let name = Arc::clone(answering.generation().name_cell());
        let generation = Arc::new(Generation::new(meta, name, table));
        lineage.switch(&mut writer, generation, view);
        drop(writer);
        shared.queue.push(Arc::clone(lineage));
        replaced.remove();
        Ok(())
    }
}

/// Where the rows of a table came from, and where those came from that were added.
fn joined(old: &Provenance, added: Provenance) -> Provenance {
    if old.source.is_empty() {
        return added;
    }
    let mut source = format!("{}, {}", old.source, added.source);
    source.truncate(source.floor_char_boundary(limits::SOURCE_BYTES_MAX));
    let license = if old.license.is_empty() { added.license } else { old.license.clone() };
    Provenance {
        source,
        license,
        format: old.format.clone(),
        source_bytes: old.source_bytes + added.source_bytes,
        // Of no file alone.
        sha256: String::new(),
        rows_read: old.rows_read + added.rows_read,
        ..added
    }
}

/// Makes what was staged the table of its name, which answers from then on, in place of the one that may
/// be there. Whoever calls keeps others from publishing.
pub(in crate::engine) fn publish(
    engine: &Engine,
    staging: Staging,
    meta: Meta,
    table: Arc<Table>,
    attributes: Collected,
    tokenizer: Option<String>,
) -> Result<()> {
    let shared = &engine.shared;
    let own = meta.name.clone();
    let old = shared.catalog.entry(&own).ok();
    let closing = old.as_deref().map(Entry::closing);
    // Nothing that can fail follows the switch.
    let replaced = switch(engine, staging, &meta, tokenizer)?;
    let name = Name::new(own.clone());
    let view = View::new(Arc::clone(&table), 0).with_attributes(attributes);
    let view = view.with_cutter(Some(shared.cutter(&name)));
    let generation = Arc::new(Generation::new(meta, name, table));
    let lineage = Arc::new(Lineage::new(generation, view));
    shared.catalog.publish(&own, Entry::live(Arc::clone(&lineage)));
    if let Some(closing) = closing {
        closing.done();
    }
    shared.queue.push(lineage);
    replaced.remove();
    Ok(())
}

/// Makes what was staged the table, with the tokenizer that came along, if one did.
fn switch(
    engine: &Engine,
    staging: Staging,
    meta: &Meta,
    tokenizer: Option<String>,
) -> Result<Replaced> {
    let (shelf, table) = (&engine.shared.shelf, &meta.name);
    let _changing = shelf.changing();
    let Some(name) = tokenizer else { return staging.switch(meta, TokenizerOf::Same) };
    engine.check_tokenizer(&name)?;
    let replaced = staging.switch(meta, TokenizerOf::This(name.clone()))?;
    shelf.remember_default(table, Some(&name));
    Ok(replaced)
}
