//! The partition as a container, both ways. The codes as bytes are not stored: they follow from the table and
//! the rotation.
//!
//! | section | holds |
//! | --- | --- |
//! | `head` | rows u64, components u64, then u32: leaves, subspaces, head of the rotation |
//! | `turns` | f32: the rotation, for each component its part in each axis, none for more than 512 components; the same for the axes of residuals, none for more than 320; for each of these the components of 16 centers |
//! | `centers` | for each leaf the mean direction of its rows, turned, f32 |
//! | `leaves` | for each leaf how many rows stand in it, u32 |
//! | `slots` | for each leaf its rows, u32, and 2^32 - 1 up to the next multiple of 32 |
//! | `codes` | for each 32 slots their codes, as `Form::Pairs` has them |
//! | `equals` | u32: rows of large groups of equals, each with the one that stands for it |
//! | `measures` | f32, for each `ef_search` measured: how much worse a leaf may be, how much less similar a row may look, what is found; at last the gap of the floor |

use std::io::Write;
use std::sync::Arc;

use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::{ParallelSlice as _, ParallelSliceMut as _};

use crate::container::{CHUNK_BYTES, Container, Kind, Writer};
use crate::error::Result;
use crate::index::codes::Codes;
use crate::index::equals::Followers;
use crate::index::links::NONE;
use crate::index::pages::Pages;
use crate::index::partition::coder::Coder;
use crate::index::partition::leaves::{Centers, Leaf, Leaves};
use crate::index::partition::steps::{EFS, Level, Steps};
use crate::index::partition::{Partition, Parts};
use crate::table::Table;
use crate::vector::kernel::nibbles::{BLOCK, ENTRIES, Form, block_bytes};
use crate::vector::rotation::Rotation;

/// A partition's container.
pub const KIND: Kind =
    Kind { name: "partition", version: 2, advice: "the partition is built again from the table" };

/// Words converted at once.
const WORDS_AT_ONCE: usize = 16_384;
/// Blocks converted at once by one thread.
const BLOCKS_AT_ONCE: usize = 256;
/// Numbers of a step of the calibration.
const STEP_NUMBERS: usize = 3;

/// Writes a partition, without the lists that may have joined it.
///
/// # Errors
///
/// If the output fails.
pub fn write<W: Write>(partition: &Partition, out: &mut Writer<W>) -> Result<()> {
    let Partition { table, codes, followers, leaves, coder, steps, .. } = partition;
    let rotation = codes.rotation();
    out.section("head", CHUNK_BYTES)?;
    out.write(&(table.len() as u64).to_le_bytes())?;
    out.write(&(table.dim() as u64).to_le_bytes())?;
    let numbers = [leaves.leaves.len(), coder.subspaces(), rotation.head()].map(word);
    write_words(numbers.into_iter(), out)?;
    let (columns, books) = coder.parts();
    out.section("turns", CHUNK_BYTES)?;
    let turns = rotation.values().iter().chain(columns).chain(books.as_flattened());
    write_words(turns.map(|value| value.to_bits()), out)?;
    out.section("centers", CHUNK_BYTES)?;
    write_words(leaves.centers.means.iter().map(|value| value.to_bits()), out)?;
    out.section("leaves", CHUNK_BYTES)?;
    write_words(leaves.leaves.iter().map(|leaf| leaf.rows), out)?;
    out.section("slots", CHUNK_BYTES)?;
    write_words(leaves.slots.iter().copied(), out)?;
    out.section("codes", CHUNK_BYTES)?;
    let bytes = block_bytes(coder.subspaces());
    let blocks = &leaves.nibbles[..leaves.slots.len() / BLOCK * bytes];
    let mut pairs = Vec::new();
    for blocks in blocks.chunks(bytes * BLOCKS_AT_ONCE) {
        pairs.clear();
        pairs.resize(blocks.len(), 0);
        convert(blocks, leaves.form, &mut pairs, Form::Pairs, coder.subspaces());
        out.write(&pairs)?;
    }
    out.section("equals", CHUNK_BYTES)?;
    write_words(followers.pairs().into_iter().flat_map(|(row, leader)| [row, leader]), out)?;
    out.section("measures", CHUNK_BYTES)?;
    let measured = steps.levels.iter().zip(steps.recalls);
    let measured = measured.flat_map(|(level, recall)| [level.kappa, level.delta, recall]);
    write_words(measured.chain([steps.gap]).map(f32::to_bits), out)
}

fn write_words<W: Write>(words: impl Iterator<Item = u32>, out: &mut Writer<W>) -> Result<()> {
    let mut bytes = Vec::with_capacity(WORDS_AT_ONCE * size_of::<u32>());
    for word in words {
        bytes.extend_from_slice(&word.to_le_bytes());
        if bytes.len() == WORDS_AT_ONCE * size_of::<u32>() {
            out.write(&bytes)?;
            bytes.clear();
        }
    }
    out.write(&bytes)
}

/// Lays blocks out in another form.
fn convert(from: &[u8], form: Form, to: &mut [u8], wanted: Form, subspaces: usize) {
    if form == wanted {
        to.copy_from_slice(from);
        return;
    }
    let bytes = block_bytes(subspaces);
    let blocks = from.par_chunks(bytes).zip(to.par_chunks_mut(bytes));
    blocks.for_each_init(
        || vec![0; subspaces],
        |codes, (from, to)| {
            for slot in 0..BLOCK {
                form.get(from, slot, codes);
                wanted.set(to, slot, codes);
            }
        },
    );
}

/// The partition of this table. Its bytes are copied to memory: a mapped file that the disk cannot give
/// would end the process.
///
/// # Errors
///
/// If the container is damaged, or of other rows.
pub fn read(table: Arc<Table>, from: &Container) -> Result<Partition> {
    let senseless = || from.senseless();
    let header = Header::read(from)?;
    if header.rows != table.len() as u64 || header.dim != table.dim() as u64 {
        return Err(senseless());
    }
    let dim = table.dim();
    let words = |section: &str| from.section(section)?.numbers(u32::from_le_bytes);
    let floats = |section: &str| from.section(section)?.numbers(f32::from_le_bytes);
    let turns = floats("turns")?;
    let (rotation, coder) = turned(&turns, dim, header.turned).ok_or_else(senseless)?;
    let means = floats("centers")?;
    let counts = words("leaves")?;
    let is_right = header.subspaces == coder.subspaces()
        && counts.len() == header.leaves
        && Some(means.len()) == header.leaves.checked_mul(dim)
        && means.iter().all(|value| value.abs() <= 1.001);
    if !is_right {
        return Err(senseless());
    }
    let slots = words("slots")?;
    let leaves = leaves_of(&counts, &slots, table.len()).ok_or_else(senseless)?;
    let pairs = from.section("codes")?.read()?;
    let form = Form::suited();
    let bytes = block_bytes(header.subspaces);
    if pairs.len() != slots.len() / BLOCK * bytes {
        return Err(senseless());
    }
    let mut nibbles = Pages::filled(pairs.len().max(1), 0)?;
    convert(&pairs, Form::Pairs, &mut nibbles[..pairs.len()], form, header.subspaces);
    drop(pairs);
    let equals = words("equals")?;
    let (equals, rest) = equals.as_chunks::<2>();
    let followers =
        Followers::of_pairs(equals.iter().map(|&[row, leader]| (row, leader)), table.len());
    let followers = followers.filter(|_| rest.is_empty()).ok_or_else(senseless)?;
    if !has_every_row(&slots, equals, table.len(), leaves.len()) {
        return Err(senseless());
    }
    let steps = steps_of(&floats("measures")?).ok_or_else(senseless)?;
    let codes = Codes::turned(&table, rotation)?;
    let centers = Centers::new(&codes, means, &leaves);
    let leaves = Leaves { centers, leaves, slots, nibbles, form };
    let mut partition = Partition::new(table, Parts { codes, followers, leaves, coder });
    partition.steps = steps;
    Ok(partition)
}

struct Header {
    rows: u64,
    dim: u64,
    leaves: usize,
    subspaces: usize,
    turned: usize,
}

impl Header {
    fn read(from: &Container) -> Result<Self> {
        let bytes = from.section("head")?.read()?;
        Self::of(&bytes).ok_or_else(|| from.senseless())
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let (counts, numbers) = bytes.split_at_checked(16)?;
        let counts: &[[u8; 8]; 2] = counts.as_chunks().0.try_into().ok()?;
        let numbers: &[[u8; 4]; 3] =
            (numbers.len() == 12).then(|| numbers.as_chunks().0.try_into().ok())??;
        let [rows, dim] = counts.map(u64::from_le_bytes);
        let [leaves, subspaces, turned] = numbers.map(|word| u32::from_le_bytes(word) as usize);
        (leaves > 0).then_some(Self { rows, dim, leaves, subspaces, turned })
    }
}

fn turned(values: &[f32], dim: usize, head: usize) -> Option<(Rotation, Coder)> {
    let (rotation, rest) = values.split_at_checked(Rotation::values_count(dim))?;
    let (columns, books) = rest.split_at_checked(Coder::columns_count(dim))?;
    let (books, rest) = books.as_chunks::<ENTRIES>();
    let is_right = rest.is_empty() && rotation.iter().all(|value| value.abs() <= 1.001);
    let rotation = Rotation::from_parts(dim, head, rotation.to_vec()).filter(|_| is_right)?;
    Some((rotation, Coder::from_parts(dim, columns.to_vec(), books.to_vec())?))
}

/// The leaves of so many rows each; none if that is not what the slots hold.
fn leaves_of(counts: &[u32], slots: &[u32], rows: usize) -> Option<Vec<Leaf>> {
    let mut leaves = Vec::with_capacity(counts.len());
    let mut at = 0_usize;
    for &rows_of_leaf in counts {
        let leaf = Leaf { first: u32::try_from(at).ok()?, rows: rows_of_leaf };
        let end = at.checked_add(leaf.blocks() * BLOCK)?;
        let (own, fill) = slots.get(at..end)?.split_at(rows_of_leaf as usize);
        let is_right =
            own.iter().all(|&row| (row as usize) < rows) && fill.iter().all(|&row| row == NONE);
        if !is_right {
            return None;
        }
        leaves.push(leaf);
        at = end;
    }
    (at == slots.len()).then_some(leaves)
}

/// Whether every row stands in a leaf or two, and once if there is but one; and the rows that follow equal
/// ones, which stand before them, in none.
fn has_every_row(slots: &[u32], equals: &[[u32; 2]], rows: usize, leaves: usize) -> bool {
    let mut counts = vec![0_u8; rows];
    for &row in slots {
        if let Some(count) = counts.get_mut(row as usize) {
            *count = count.saturating_add(1);
        }
    }
    for &[row, leader] in equals {
        match counts.get_mut(row as usize) {
            Some(count) if *count == 0 && leader < row => *count = 1,
            _ => return false,
        }
    }
    let most = if leaves > 1 { 2 } else { 1 };
    counts.iter().all(|count| (1..=most).contains(count))
}

fn steps_of(values: &[f32]) -> Option<Steps> {
    let (steps, gap) = values.as_chunks::<STEP_NUMBERS>();
    let steps: &[[f32; STEP_NUMBERS]; EFS.len()] = steps.try_into().ok()?;
    let &[gap] = gap else { return None };
    let levels = steps.map(|[kappa, delta, _]| Level { kappa, delta });
    let recalls = steps.map(|[_, _, recall]| recall);
    let is_right = values.iter().all(|value| value.abs() <= 100.0)
        && levels.is_sorted_by(|a, b| a.kappa <= b.kappa && a.delta <= b.delta)
        && levels[0].delta >= 0.0
        && recalls.iter().all(|recall| (0.0..=1.0).contains(recall));
    is_right.then_some(Steps { levels, recalls, gap })
}

fn word(count: usize) -> u32 {
    u32::try_from(count).expect("rows, dimensions and leaves are below 2^32: limits.rs")
}
