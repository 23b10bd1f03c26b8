//! Magnitude's `.magnitude` files: an `SQLite` database.
//!
//! The table `magnitude` has a key, a whole number for each component (that of a vector at length 1,
//! times a power of ten), and the vector's length; `magnitude_format` has the power. What it holds for
//! finding neighbors and unknown words is not read.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB};

use crate::error::{At, Error, ErrorKind, Result};
use crate::format::entry::{Entry, Read, Told};
use crate::format::source::Bytes;
use crate::format::tensor::check_dim;
use crate::format::whole::Parts;
use crate::format::{Fault, Note, Reason, Row, RowReader, Step, malformed, shown};

const NAME: &str = "magnitude";

pub(super) const ENTRY: Entry = Entry {
    name: NAME,
    title: "Magnitude",
    about: "Magnitude's SQLite database",
    suffixes: &["magnitude"],
    begins: |head| Told::surely(head.bytes.starts_with(b"SQLite format 3\0")),
    read: Read::Whole(|whole| Ok(Parts::rows(MagnitudeReader::open(whole.bytes)?))),
    ..Entry::DEFAULT
};

/// Rows that are taken out of the database at once.
const PAGE: usize = 1_024;

/// The rows of a file.
struct MagnitudeReader {
    database: Connection,
    dim: usize,
    rows: u64,
    scale: f64,
    /// The last row taken.
    last: i64,
    page: std::vec::IntoIter<Found>,
    count: u64,
}

struct Found {
    word: Vec<u8>,
    vector: Result<Vec<f32>, String>,
}

impl MagnitudeReader {
    fn open(bytes: &Bytes) -> Result<Self> {
        let mut database = Connection::open_in_memory().map_err(failed)?;
        database
            .deserialize_read_exact(MAIN_DB, bytes.reader(), bytes.len(), true)
            .map_err(failed)?;
        database
            .execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")
            .map_err(failed)?;
        let count = |ask: &str| -> Result<usize> {
            let count: i64 = database.query_row(ask, [], |row| row.get(0)).map_err(failed)?;
            Ok(usize::try_from(count).unwrap_or(0))
        };
        for table in ["magnitude", "magnitude_format"] {
            // A view could compute without end, and so could a column.
            let plain = format!(
                "SELECT count(*) FROM sqlite_schema WHERE name = '{table}' AND type = 'table' AND \
                 sql LIKE 'CREATE TABLE%'"
            );
            if count(&plain)? == 0 {
                let problem = format!("there is no table named {table}");
                return Err(malformed(NAME, At::Byte(0), problem));
            }
            let made =
                format!("SELECT count(*) FROM pragma_table_xinfo('{table}') WHERE hidden > 0");
            if count(&made)? > 0 {
                let problem = format!("the table {table} has columns that are computed");
                return Err(malformed(NAME, At::Byte(0), problem));
            }
            check_tree(&database, table)?;
        }
        let number = |key: &str| -> Result<Option<i64>> {
            let mut statement = database
                .prepare("SELECT value FROM magnitude_format WHERE key = ?1")
                .map_err(failed)?;
            let mut rows = statement.query([key]).map_err(failed)?;
            let row = rows.next().map_err(failed)?;
            row.map(|row| row.get(0).map_err(failed)).transpose()
        };
        let precision = number("precision")?.unwrap_or(7);
        let precision = i32::try_from(precision).ok().filter(|power| (0..=18).contains(power));
        let precision = precision
            .ok_or_else(|| malformed(NAME, At::Byte(0), "the precision makes no sense"))?;
        let dim =
            count("SELECT count(*) FROM pragma_table_info('magnitude') WHERE name GLOB 'dim_*'")?;
        check_dim(dim, "the table magnitude")?;
        let rows = count("SELECT count(*) FROM magnitude")? as u64;
        let page = Vec::new().into_iter();
        let scale = 10_f64.powi(precision);
        Ok(Self { database, dim, rows, scale, last: i64::MIN, page, count: 0 })
    }

    fn next_page(&mut self) -> Result<()> {
        let columns: Vec<String> = (0..self.dim).map(|i| format!("\"dim_{i}\"")).collect();
        let ask = format!(
            "SELECT rowid, key, magnitude, {} FROM magnitude WHERE rowid > ?1 ORDER BY rowid LIMIT \
             {PAGE}",
            columns.join(", ")
        );
        let mut statement = self.database.prepare(&ask).map_err(failed)?;
        let mut rows = statement.query([self.last]).map_err(failed)?;
        let mut page = Vec::new();
        while let Some(row) = rows.next().map_err(failed)? {
            let id = row.get(0).map_err(failed)?;
            if id <= self.last && self.last > i64::MIN {
                return Err(malformed(NAME, At::Row(self.count), "the rows are not in order"));
            }
            self.last = id;
            let word = match row.get_ref(1).map_err(failed)? {
                ValueRef::Text(text) | ValueRef::Blob(text) => text.to_vec(),
                ValueRef::Null => Vec::new(),
                ValueRef::Integer(number) => number.to_string().into_bytes(),
                ValueRef::Real(number) => number.to_string().into_bytes(),
            };
            let length = number(row.get_ref(2).map_err(failed)?).unwrap_or(1.0);
            let mut vector = Ok(Vec::with_capacity(self.dim));
            for i in 0..self.dim {
                let value = number(row.get_ref(3 + i).map_err(failed)?);
                let Ok(numbers) = &mut vector else { break };
                #[expect(clippy::cast_possible_truncation, reason = "vectors are f32")]
                match value {
                    Some(value) => numbers.push((value / self.scale * length) as f32),
                    None => vector = Err(format!("component {} is no number", i + 1)),
                }
            }
            page.push(Found { word, vector });
        }
        self.page = page.into_iter();
        Ok(())
    }
}

/// A damaged table may lead to the same pages again and again: a few pages would have billions of rows.
fn check_tree(database: &Connection, table: &str) -> Result<()> {
    let ask = format!("PRAGMA quick_check('{table}')");
    let problem: String = database.query_row(&ask, [], |row| row.get(0)).map_err(failed)?;
    if problem == "ok" {
        return Ok(());
    }
    let problem = format!("the table {table} is damaged: {}", shown(problem.as_bytes()));
    Err(malformed(NAME, At::Byte(0), problem))
}

#[expect(clippy::cast_precision_loss, reason = "the format's numbers are small")]
fn number(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Integer(number) => Some(number as f64),
        ValueRef::Real(number) => Some(number),
        ValueRef::Null | ValueRef::Text(_) | ValueRef::Blob(_) => None,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn failed(error: rusqlite::Error) -> Error {
    let problem = format!("the database cannot be read: {error}");
    Error::new(ErrorKind::Malformed { format: NAME, at: At::Byte(0), problem })
}

impl RowReader for MagnitudeReader {
    fn dim(&self) -> usize {
        self.dim
    }

    fn claimed_rows(&self) -> Option<u64> {
        Some(self.rows)
    }

    fn read(&mut self, row: &mut Row) -> Result<Step> {
        let mut found = self.page.next();
        if found.is_none() {
            self.next_page()?;
            found = self.page.next();
        }
        let Some(found) = found else { return Ok(Step::End) };
        let at = At::Row(self.count);
        self.count += 1;
        let word = shown(&found.word);
        let fault = |reason, detail| Ok(Step::Fault(Fault { reason, at, word, detail }));
        match found.vector {
            Err(detail) => fault(Reason::UnreadableNumber, detail),
            Ok(_) if found.word.is_empty() => {
                fault(Reason::EmptyWord, "there is no word".to_owned())
            }
            Ok(vector) => {
                *row = Row { word: found.word, vector, at, ..Row::default() };
                Ok(Step::Row)
            }
        }
    }

    fn notes(&self) -> Vec<Note> {
        vec![Note {
            reason: "fixed_point",
            done: "each vector has its own length again",
            at: At::Row(0),
            detail: format!("the file's numbers are whole ones over {}", self.scale),
        }]
    }

    fn dtype(&self) -> &'static str {
        "fixed point"
    }
}
