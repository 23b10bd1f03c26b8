//! Builds the partition of a table.

use std::sync::Arc;

use rayon::ThreadPoolBuilder;
use rayon::iter::{IndexedParallelIterator as _, IntoParallelIterator as _, ParallelIterator as _};

use crate::error::{Error, ErrorKind, Result};
use crate::index::Watch;
use crate::index::codes::Codes;
use crate::index::equals::{Equals, Followers};
use crate::index::links::NONE;
use crate::index::pages::Pages;
use crate::index::partition::coder::Coder;
use crate::index::partition::leaves::{Centers, Leaf, Leaves};
use crate::index::partition::train::{self, Assigned};
use crate::index::partition::{Partition, Parts, calibrate};
use crate::table::Table;
use crate::vector::kernel::lanes::Choice;
use crate::vector::kernel::nibbles::{BLOCK, Form, block_bytes};

/// Leaves for each square root of the number of rows, and what their number is a multiple of.
const LEAVES_A_ROOT: f64 = 7.0;
const LEAVES_STEP: usize = 64;
/// The most leaves: comparing a question with all centers takes as long as looking through them.
const LEAVES_MAX: usize = 8_192;
/// Rows that a leaf has at least, on average.
const LEAF_ROWS_MIN: usize = 64;

/// Builds the partition of a table. The same rows give the same partition, whatever the machine and
/// the number of threads; 0 stands for one on each core.
///
/// # Errors
///
/// If `watch` says that the build is cancelled, if there is no memory, or if threads cannot be started.
pub fn build(table: &Arc<Table>, threads: usize, watch: &dyn Watch) -> Result<Partition> {
    let threads = ThreadPoolBuilder::new().num_threads(threads).build();
    let threads = threads.map_err(|error| Error::caused(ErrorKind::Internal, error))?;
    threads.install(|| {
        let codes = Codes::watched(table, watch)?;
        watch.progress(0.05);
        let equals = Equals::find(table, &codes);
        let rows: Vec<u32> = (0..).take(table.len()).filter(|&row| equals.stands(row)).collect();
        let followers = Followers::of_pairs(equals.pairs(), table.len());
        let followers = followers.ok_or_else(|| Error::new(ErrorKind::Internal))?;
        drop(equals);
        let part = Part { watch, from: 0.05, to: 0.7 };
        let assigned = train::assign(&codes, &rows, leaves_for(rows.len()), &part)?;
        let coder = Coder::train(&codes, &rows, &assigned);
        watch.progress(0.75);
        let leaves = lay_out(&codes, &rows, &assigned, &coder, watch)?;
        watch.progress(0.95);
        let parts = Parts { codes, followers, leaves, coder };
        let mut partition = Partition::new(Arc::clone(table), parts);
        calibrate::calibrate(&mut partition, watch)?;
        watch.progress(1.0);
        Ok(partition)
    })
}

/// How many leaves suit so many rows.
fn leaves_for(rows: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a square root of a count of rows, below 2^20"
    )]
    let leaves = (LEAVES_A_ROOT * (rows as f64).sqrt()) as usize;
    let leaves = leaves.min(rows / LEAF_ROWS_MIN).next_multiple_of(LEAVES_STEP);
    leaves.min(LEAVES_MAX).min(rows).max(1)
}

/// A part of the progress of a build.
struct Part<'a> {
    watch: &'a dyn Watch,
    from: f32,
    to: f32,
}

impl Watch for Part<'_> {
    fn progress(&self, share: f32) {
        self.watch.progress(self.from + (self.to - self.from) * share);
    }

    fn is_cancelled(&self) -> bool {
        self.watch.is_cancelled()
    }
}

/// Puts every row in its two leaves, and codes what its center misses of it.
fn lay_out(
    codes: &Codes,
    rows: &[u32],
    assigned: &Assigned,
    coder: &Coder,
    watch: &dyn Watch,
) -> Result<Leaves> {
    let dim = codes.rotation().dim();
    let count = assigned.means.len() / dim;
    // Both leaves of the first row, of the second one, and so on; one leaf has every row once.
    let copies = if count > 1 { 2 } else { 1 };
    let pairs = assigned.first.iter().zip(&assigned.second);
    let labels: Vec<u32> =
        pairs.flat_map(|(&first, &second)| [first, second].into_iter().take(copies)).collect();
    let (starts, order) = train::grouped(&labels, count);
    let (mut leaves, mut slots) = (Vec::with_capacity(count), Vec::new());
    for leaf in starts.windows(2) {
        let members = &order[leaf[0] as usize..leaf[1] as usize];
        let first = u32::try_from(slots.len()).map_err(|_| Error::new(ErrorKind::Internal))?;
        leaves.push(Leaf { first, rows: leaf[1] - leaf[0] });
        slots.extend(members.iter().map(|&place| rows[place as usize / copies]));
        slots.resize(slots.len().next_multiple_of(BLOCK), NONE);
    }
    let form = Form::suited();
    let bytes = block_bytes(coder.subspaces());
    let mut nibbles = Pages::filled((slots.len() / BLOCK * bytes).max(1), 0)?;
    let mut rest = &mut nibbles[..slots.len() / BLOCK * bytes];
    let mut parts = Vec::with_capacity(count);
    for leaf in &leaves {
        let (part, after) = rest.split_at_mut(leaf.blocks() * bytes);
        rest = after;
        parts.push(part);
    }
    parts.into_par_iter().zip(&leaves).enumerate().for_each(|(number, (part, leaf))| {
        if watch.is_cancelled() {
            return;
        }
        let mean = &assigned.means[number * dim..][..dim];
        let (mut center, mut direction, mut turned) =
            (vec![0.0; dim], vec![0.0; dim], vec![0.0; dim]);
        coder.turn(mean, &mut center);
        let (mut choice, mut chosen) = (Choice::default(), vec![0; coder.subspaces()]);
        let members = &slots[leaf.first as usize..][..leaf.rows as usize];
        for (slot, &row) in members.iter().enumerate() {
            codes.direction(row, &mut direction);
            coder.turn(&direction, &mut turned);
            for ((residual, &value), &center) in direction.iter_mut().zip(&turned).zip(&center) {
                *residual = value - center;
            }
            coder.encode(&direction, &turned, &mut choice, &mut chosen);
            form.set(&mut part[slot / BLOCK * bytes..][..bytes], slot % BLOCK, &chosen);
        }
    });
    if watch.is_cancelled() {
        return Err(Error::new(ErrorKind::Cancelled));
    }
    let centers = Centers::new(codes, assigned.means.clone(), &leaves);
    Ok(Leaves { centers, leaves, slots, nibbles, form })
}
