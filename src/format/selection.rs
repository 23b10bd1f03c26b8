//! `Selection`: rows of a table that are to be written, and how they are walked through.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::ops::Deref;

use crate::error::{Error, ErrorKind, Result};
use crate::table::view::View;
use crate::vector::row_set::RowSet;
use crate::vector::{Dtype, RowId};

/// Bytes that are gathered for one write.
const BLOCK: usize = 256 << 10;

/// Rows of a table that are to be written, and what the file tells of them.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// The table.
    pub view: &'a View,
    /// These rows of it; none: all.
    pub rows: Option<&'a RowSet>,
    /// Names and values for formats that have a place for them; the names are of letters and
    /// digits.
    pub metadata: &'a [(&'static str, String)],
    /// Whether words and texts that a spreadsheet would take for formulas get a `'` before them, in CSV
    /// and TSV.
    pub guards_formulas: bool,
}

impl<'a> Selection<'a> {
    /// All rows, and nothing told of them.
    pub fn all(view: &'a View) -> Self {
        Self { view, rows: None, metadata: &[], guards_formulas: false }
    }

    /// The rows, ascending.
    pub fn rows(&self) -> impl Iterator<Item = RowId> {
        let chosen = self.rows;
        self.view.rows().filter(move |&row| chosen.is_none_or(|chosen| chosen.has(row)))
    }

    /// The names of the attributes that any row has, ascending.
    pub(super) fn attribute_names(&self) -> Vec<String> {
        let kept = self.rows().flat_map(|row| self.view.attributes(row).iter());
        let names = kept.map(|(name, _)| name);
        names.collect::<BTreeSet<_>>().into_iter().map(str::to_owned).collect()
    }

    /// Rows of the selection.
    #[expect(clippy::len_without_is_empty, reason = "nothing is not written")]
    pub fn len(&self) -> usize {
        self.rows.map_or_else(|| self.view.len(), |_| self.rows().count())
    }
}

impl Deref for Selection<'_> {
    type Target = View;

    fn deref(&self) -> &View {
        self.view
    }
}

/// The vectors of a table as little-endian floats, row by row.
pub(super) fn vectors(table: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    stored(table, Dtype::F32, out)
}

/// The vectors of a table in the bytes of a dtype that holds them as they are, row by row.
pub(super) fn stored(table: &Selection<'_>, dtype: Dtype, out: &mut dyn Write) -> io::Result<()> {
    each_row(table, out, |row, bytes| {
        dtype.encode(&table.vector(row), bytes);
        Ok(())
    })
}

/// The words of a table, a line each.
pub(super) fn words(table: &Selection<'_>, out: &mut dyn Write) -> io::Result<()> {
    each_row(table, out, |row, bytes| {
        bytes.extend_from_slice(table.word(row));
        bytes.push(b'\n');
        Ok(())
    })
}

/// What `push` makes of each row, in large blocks.
pub(super) fn each_row(
    table: &Selection<'_>,
    out: &mut dyn Write,
    mut push: impl FnMut(RowId, &mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    let mut block = Vec::with_capacity(BLOCK);
    for row in table.rows() {
        push(row, &mut block)?;
        if block.len() >= BLOCK {
            out.write_all(&block)?;
            block.clear();
        }
    }
    out.write_all(&block)
}

/// Refuses the first word for which there is a reason.
pub(super) fn check_words(
    table: &Selection<'_>,
    operation: &'static str,
    refused: impl Fn(&[u8]) -> Option<&'static str>,
) -> Result<()> {
    let mut found = table.rows().filter_map(|row| Some((row, refused(table.word(row))?)));
    found.next().map_or(Ok(()), |(row, because)| Err(unsuited(table, row, operation, because)))
}

/// Whether no attribute has the name of a field that every row has.
pub(super) fn check_attributes(table: &Selection<'_>, operation: &'static str) -> Result<()> {
    let names = table.attribute_names();
    let taken = names.iter().find(|name| matches!(name.as_str(), "word" | "vector"));
    taken.map_or(Ok(()), |name| {
        let because =
            format!("an attribute is named \"{name}\", as a field of every row; csv can carry it");
        Err(Error::new(ErrorKind::Unsuited { operation, because }))
    })
}

pub(super) fn unsuited(
    table: &Selection<'_>,
    row: RowId,
    operation: &'static str,
    because: &str,
) -> Error {
    let because = format!("the word {:?} {because}", table.shown(row));
    Error::new(ErrorKind::Unsuited { operation, because })
}
