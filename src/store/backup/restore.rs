//! A table of a backup, made a table of a store again, under its name or another one.

use std::path::Path;
use std::sync::Arc;

use crate::container::Container;
use crate::error::{Error, Result};
use crate::store::backup::target::Target;
use crate::store::backup::{ADVICE, BackupList, PARTS, ShelfCopy, Verified, WRITES, place_of};
use crate::store::blob::Staged;
use crate::store::check::GoOn;
use crate::store::generation::{INDEX_PARTS, Part, copy, stopped};
use crate::store::shelf::{self, Shelf, Sort};
use crate::store::{Brought, Shared, TestSetHead, blob, fault, journal, specs};
use crate::table::change::Change;
use crate::table::meta::TableName;
use crate::table::part::{ATTRIBUTES, INPUTS, SUBWORDS, VECTORS, WORDS};
use crate::text::spec::Spec;

/// Bytes in front of the changes of a write: its number and their length.
const HEAD_BYTES: usize = 12;

impl BackupList {
    /// What of the backup is kept for a table: its rows, without the writes since, and the bytes of all.
    pub fn table_size(&self, name: &TableName) -> Option<(u64, u64)> {
        let table = self.tables.get(name)?;
        let parts = table.parts.values().chain(table.writes.as_ref().map(|(_, part)| part));
        Some((table.meta.row_count, parts.map(|part| part.bytes).sum()))
    }

    /// The tokenizer that cut a table's texts where none was named.
    pub fn tokenizer_of(&self, table: &TableName) -> Option<&str> {
        self.tables.get(table)?.tokenizer.as_deref()
    }

    /// The names of its tokenizers.
    pub fn tokenizers(&self) -> impl Iterator<Item = &TableName> {
        self.shelved(shelf::TOKENIZERS).map(|copy| &copy.name)
    }

    /// The names of its test sets.
    pub fn test_sets(&self) -> impl Iterator<Item = &TableName> {
        self.shelved(shelf::TEST_SETS).map(|copy| &copy.name)
    }

    /// One of its tokenizers.
    ///
    /// # Errors
    ///
    /// If there is none of that name, if it is damaged, or if the target fails.
    pub fn tokenizer(&self, target: &dyn Target, name: &TableName) -> Result<Spec> {
        specs::of(&self.thing(target, shelf::TOKENIZERS, name)?)
    }

    /// One of its test sets, with its file.
    ///
    /// # Errors
    ///
    /// If there is none of that name, if it is damaged, or if the target fails.
    pub fn test_set(
        &self,
        target: &dyn Target,
        name: &TableName,
    ) -> Result<(TestSetHead, Vec<u8>)> {
        shelf::read(&self.thing(target, shelf::TEST_SETS, name)?)
    }

    /// The names of its language models.
    pub fn models(&self) -> impl Iterator<Item = &TableName> {
        self.shelved(shelf::MODELS).map(|copy| &copy.name)
    }

    /// Writes one of its language models to a file that takes the place of another when the caller says so: they
    /// are too large for memory.
    pub(in crate::store) fn bring_model(
        &self,
        target: &dyn Target,
        name: &TableName,
        path: &Path,
        go_on: GoOn<'_>,
    ) -> Result<Staged> {
        let copy = self.shelved(shelf::MODELS).find(|copy| copy.name == *name);
        let what = format!("the {} \"{name}\" of the backup", shelf::MODELS.what);
        let copy = copy.ok_or_else(|| Error::new(fault::damage(what.clone(), ADVICE)))?;
        let staged = blob::stage(path, |mut out| {
            read(target, &copy.part, &what, go_on, &mut |_| {}, &mut out)?;
            Ok((out, ()))
        })?;
        Ok(staged.0)
    }

    fn shelved(&self, sort: Sort) -> impl Iterator<Item = &ShelfCopy> {
        self.shelf.iter().filter(move |copy| copy.sort == sort.folder)
    }

    fn thing(&self, target: &dyn Target, sort: Sort, name: &TableName) -> Result<Container> {
        let copy = self.shelved(sort).find(|copy| copy.name == *name);
        let what = format!("the {} \"{name}\" of the backup", sort.what);
        let copy = copy.ok_or_else(|| Error::new(fault::damage(what.clone(), ADVICE)))?;
        let (mut bytes, mut on_bytes) = (Vec::new(), |_| {});
        read(target, &copy.part, &what, &|| Ok(()), &mut on_bytes, &mut bytes)?;
        let file = Container::open(Arc::new(bytes), what, sort.kind)?;
        Shelf::check_name(&file, name)?;
        Ok(file)
    }
}

/// Whether a generation has parts of this name: a list is only a file, and does not choose where is written to.
pub(in crate::store) fn is_part(name: &str) -> bool {
    let kinds = [WORDS.name, VECTORS.name, ATTRIBUTES.name, SUBWORDS.name, INPUTS.name];
    kinds.iter().chain(&INDEX_PARTS).any(|kind| *kind == name)
}

/// Copies a part of a backup to `out`, and compares it with its digest.
pub(in crate::store) fn read(
    target: &dyn Target,
    part: &Part,
    what: &str,
    go_on: GoOn<'_>,
    on_bytes: &mut dyn FnMut(u64),
    out: &mut dyn std::io::Write,
) -> Result<()> {
    let damaged = || Error::new(fault::damage(what.to_owned(), ADVICE));
    let place = place_of(&part.blake3).ok_or_else(damaged)?;
    let missing = || {
        let what = format!("{what}, {PARTS}{}, is missing", part.blake3);
        Error::new(fault::damage(what, ADVICE))
    };
    let from = target.get(&place)?.ok_or_else(missing)?;
    let mut from = Verified::new(from, part, what, go_on, on_bytes);
    // What is read looks itself whether it is to go on.
    let copied = copy(&mut from, out, &|| Ok(()));
    copied.map(drop).map_err(|error| stopped(error, || what.to_owned()))
}

/// Writes a table of a backup into a generation of its own.
pub(in crate::store) fn table(
    shared: &Arc<Shared>,
    (target, list): (&dyn Target, &BackupList),
    (of, name): (&TableName, &TableName),
    go_on: GoOn<'_>,
    on_bytes: &mut dyn FnMut(u64),
) -> Result<Brought> {
    let what = format!("table \"{of}\" of the backup");
    let damaged = || Error::new(fault::damage(what.clone(), ADVICE));
    let table = list.tables.get(of).ok_or_else(damaged)?;
    let mut brought = Brought::begin(shared, &table.meta, name, table.tokenizer.clone())?;
    for (part, known) in &table.parts {
        if !is_part(part) {
            return Err(damaged());
        }
        let what = format!("{what}, its part {part}");
        blob::replace(&brought.folder().join(part), |mut out| {
            read(target, known, &what, go_on, on_bytes, &mut out)?;
            Ok((out, ()))
        })?;
        brought.has(part, known);
    }
    if let Some((last, part)) = &table.writes {
        let what = format!("{what}, its journal");
        let file = blob::Temporary::beside(&shared.folder.join("writes"));
        blob::replace(file.path(), |mut out| {
            read(target, part, &what, go_on, on_bytes, &mut out)?;
            Ok((out, ()))
        })?;
        let open = blob::open_container(file.path(), what, WRITES)?.ok_or_else(damaged)?;
        write(&mut brought, &open, *last)?;
    }
    brought.seal()?;
    Ok(brought)
}

/// Adds the writes of a backup to the journal.
fn write(brought: &mut Brought, file: &Container, last: u64) -> Result<()> {
    each_write(file, |number, changes| {
        if number != brought.next_write() {
            return Err(file.senseless());
        }
        brought.write(&changes)
    })?;
    let is_whole = brought.next_write() == last.saturating_add(1);
    if is_whole { Ok(()) } else { Err(file.senseless()) }
}

/// Shows the writes of a file, each with its number, as they stand there.
pub(in crate::store) fn each_write(
    file: &Container,
    mut show: impl FnMut(u64, Vec<Change>) -> Result<()>,
) -> Result<()> {
    let mut waiting: Vec<u8> = Vec::new();
    file.section("writes")?.each_chunk(|chunk| {
        waiting.extend_from_slice(chunk);
        let mut rest = &waiting[..];
        while let Some((head, after)) = rest.split_first_chunk::<HEAD_BYTES>() {
            let (number, length) = head.split_at(8);
            let number = number.try_into().map_or(0, u64::from_le_bytes);
            let length = length.try_into().map_or(0, u32::from_le_bytes) as usize;
            let Some((body, after)) = after.split_at_checked(length) else { break };
            show(number, journal::decode(body).ok_or_else(|| file.senseless())?)?;
            rest = after;
        }
        let used = waiting.len() - rest.len();
        waiting.drain(..used);
        Ok(())
    })?;
    if waiting.is_empty() { Ok(()) } else { Err(file.senseless()) }
}
