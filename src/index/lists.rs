//! The exact nearest rows of each row, stored: answers that need no search, and proofs of others.
//!
//! As a part of their own they have one section:
//!
//! | section | holds |
//! | --- | --- |
//! | `lists` | for each row its 32 nearest, nearest first, or 2^32 - 1 where that is not known, u32 |

pub use crate::index::links::LIST;

use std::io::Write;

use crate::container::{CHUNK_BYTES, Container, Kind, Writer};
use crate::error::Result;
use crate::index::codes::Codes;
use crate::index::equals::Equals;
use crate::index::links::{Links, NONE};
use crate::index::{SearchParams, Watch, knn, rescore};
use crate::table::Table;
use crate::vector::RowId;
use crate::vector::top::Near;

/// More than an angle between vectors in single precision can be wrong.
const ANGLE_ROUNDING: f64 = 1e-6;

/// Nearest rows that are looked for: one that is in the list may be proven only by those behind it.
pub(super) const KEPT: usize = LIST + 8;
/// Rows times rows times components up to which it pays to find them: 500,000 rows of 100 components,
/// 300,000 of 300.
const WORK_MAX: u64 = 27_000_000_000_000;
/// Lists converted at once.
const LISTS_AT_ONCE: usize = 512;

/// The lists of all rows of a table.
#[derive(Debug, PartialEq)]
pub struct Lists(pub(super) Links);

/// A container of lists.
pub const KIND: Kind =
    Kind { name: "lists", version: 1, advice: "the lists are made again from the table" };

/// Whether finding the exact nearest rows of every row pays: the work grows with the square.
pub(super) fn pay(rows: usize, dim: usize) -> bool {
    let rows = rows as u64;
    rows.saturating_mul(rows).saturating_mul(dim as u64) <= WORK_MAX
}

/// Finds the lists of all rows. `rows` are those that stand for themselves, in any order, and `floors` tells of
/// each of them how near [`KEPT`] others are at least.
///
/// # Errors
///
/// If `watch` says that the build is cancelled.
pub(super) fn find(
    table: &Table,
    codes: &Codes,
    (rows, floors): (&[RowId], &[f32]),
    watch: &dyn Watch,
) -> Result<Lists> {
    let equals = Equals::find(table, codes);
    let nearest = knn::nearest(table, codes, rows, (KEPT, LIST), Some(floors), watch)?;
    Ok(Lists(proven(table, &equals, &nearest)))
}

/// Of the nearest rows among those that stand for themselves, the lists that hold among all.
pub(super) fn proven(table: &Table, equals: &Equals, nearest: &Links) -> Links {
    let mut lists = Links::new(table.len(), LIST);
    for row in (0..).take(table.len()) {
        let near: Vec<u32> = nearest.of(row).collect();
        if equals.proves(table, row, &near) {
            lists.set(row, near.into_iter());
        }
    }
    lists
}

/// Writes lists.
///
/// # Errors
///
/// If the output fails.
pub fn write<W: Write>(lists: &Lists, out: &mut Writer<W>) -> Result<()> {
    out.section("lists", CHUNK_BYTES)?;
    lists.0.values().chunks(LIST * LISTS_AT_ONCE).try_for_each(|values| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        out.write(&bytes)
    })
}

/// The lists of a table of so many rows.
///
/// # Errors
///
/// If the container is damaged, or of other rows.
pub fn read(rows: usize, from: &Container) -> Result<Lists> {
    let values = from.section("lists")?.numbers(u32::from_le_bytes)?;
    let is_right = rows.checked_mul(LIST) == Some(values.len())
        && values.chunks_exact(LIST).all(|list| {
            let used = list.iter().take_while(|&&near| near != NONE).count();
            list[..used].iter().all(|&near| (near as usize) < rows)
                && list[used..].iter().all(|&near| near == NONE)
        });
    if is_right { Ok(Lists(Links::from_values(LIST, values))) } else { Err(from.senseless()) }
}

/// The exact nearest rows of a stored row, read from its list; none if the list does not reach so far.
pub(super) fn of_row(
    lists: &Links,
    table: &Table,
    row: RowId,
    query: &[f32],
    params: &SearchParams<'_>,
) -> Option<Vec<Near>> {
    let list = lists.slots(row.0);
    if params.k > lists.stride() || list.last() == Some(&NONE) {
        return None;
    }
    let own = params.may_answer(row).then_some(row);
    let wanted = params.k - usize::from(own.is_some()).min(params.k);
    let near = list.iter().map(|&near| RowId(near)).filter(|&near| params.may_answer(near));
    let near = own.into_iter().chain(near.take(wanted));
    let answer = rescore(table, query, params.k, near);
    (answer.len() == params.k).then_some(answer)
}

/// The exact nearest rows of a vector near a row, if that row's list proves them to be.
///
/// All rows that are not in the list are at an angle of at least the last one's from the row, and
/// so from the vector, less the angle between the two.
pub(super) fn prove(
    lists: &Links,
    table: &Table,
    row: RowId,
    query: &[f32],
    params: &SearchParams<'_>,
) -> Option<Vec<Near>> {
    let list = lists.slots(row.0);
    let last = RowId(*list.last().filter(|&&last| last != NONE)?);
    let angle = |similarity: f64| similarity.clamp(-1.0, 1.0).acos();
    let apart = angle(table.similarity(row, query));
    let reach = angle(table.similarity(last, &table.vector(row)));
    let near = list.iter().map(|&near| RowId(near)).chain([row]);
    let near = near.filter(|&near| params.may_answer(near));
    let answer = rescore(table, query, params.k, near);
    let farthest = angle(f64::from(answer.last()?.similarity));
    (answer.len() == params.k && farthest + apart + ANGLE_ROUNDING < reach).then_some(answer)
}
