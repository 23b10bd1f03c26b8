//! Builds the hierarchy with `hnsw_rs` and hands its links over: the only file that names it.
//!
//! `hnsw_rs` sees row numbers in place of vectors, and distances between the rows' codes: it keeps no
//! copy of the table, and no value that a file holds can make it panic.

use std::cell::RefCell;
use std::sync::Arc;

use hnsw_rs::prelude::{Distance, Hnsw};
use rayon::ThreadPoolBuilder;

use crate::error::{Error, ErrorKind, Result};
use crate::index::codes::{Codes, QueryCode};
use crate::index::equals::{Equals, Followers};
use crate::index::graph::Graph;
use crate::index::links::{Hierarchy, Layer, Links};
use crate::index::lists::{self, LIST};
use crate::index::refine::Room;
use crate::index::{Watch, calibrate, knn, refine};
use crate::table::Table;
use crate::vector::RowId;

/// How a graph is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildParams {
    /// Links of a row in each upper layer; a row of the bottom layer has room for about ten times as
    /// many. From 2 to [`M_MAX`].
    pub m: usize,
    /// Width of the beam that looks for a new row's neighbors; more than twice `m`, at most
    /// [`EF_CONSTRUCTION_MAX`].
    pub ef_construction: usize,
    /// Threads that build; 0 stands for one on each core. One thread always builds the same graph.
    pub threads: usize,
}

impl Default for BuildParams {
    fn default() -> Self {
        Self { m: 6, ef_construction: 16, threads: 0 }
    }
}

/// Links of a row in an upper layer.
pub const M_MAX: usize = 64;
/// Width of the beam of a build.
pub const EF_CONSTRUCTION_MAX: usize = 10_000;

/// Layers that `hnsw_rs` can have.
const LAYERS_MAX: usize = 16;
/// Rows inserted one by one before threads insert side by side, which would leave the first unlinked.
const ROWS_FIRST: usize = 1_000;
/// Rows inserted between looks at the watch.
const ROWS_AT_ONCE: usize = 4_096;

/// Builds the graph of a table.
///
/// # Errors
///
/// If the parameters are out of range, if `watch` says that the build is cancelled, or if threads
/// cannot be started.
pub fn build(table: &Arc<Table>, params: BuildParams, watch: &dyn Watch) -> Result<Graph> {
    check(params)?;
    let threads = ThreadPoolBuilder::new().num_threads(params.threads).build();
    let threads = threads.map_err(|error| Error::caused(ErrorKind::Internal, error))?;
    threads.install(|| {
        let codes = Codes::watched(table, watch)?;
        let chosen = params.m * CHOSEN_FACTOR;
        let room = Room { chosen, slots: (chosen + 2 * params.m).next_multiple_of(SLOTS_STEP) };
        let equals = Equals::find(table, &codes);
        let rows: Vec<RowId> =
            (0..).take(table.len()).filter(|&row| equals.stands(row)).map(RowId).collect();
        let (mut hierarchy, lists) = if lists::pay(rows.len(), table.dim()) {
            let part = Part { watch, from: 0.0, to: 0.6 };
            let nearest = knn::nearest(table, &codes, &rows, (NEAREST, LIST), None, &part)?;
            let part = Part { watch, from: 0.6, to: 0.65 };
            let mut hierarchy = insert(&codes, params, (&rows, SAMPLE_STEP), &part)?;
            let part = Part { watch, from: 0.65, to: 0.95 };
            refine::refine((&codes, &equals), &mut hierarchy, Some(&nearest), room, &part)?;
            let lists = lists::proven(table, &equals, &nearest);
            (hierarchy, Some(lists))
        } else {
            let part = Part { watch, from: 0.0, to: 0.4 };
            let mut hierarchy = insert(&codes, params, (&rows, 1), &part)?;
            let part = Part { watch, from: 0.4, to: 0.95 };
            refine::refine((&codes, &equals), &mut hierarchy, None, room, &part)?;
            (hierarchy, None)
        };
        equals.mark(&mut hierarchy.bottom);
        let followers = Followers::read(&hierarchy.bottom);
        let followers = followers.ok_or_else(|| Error::new(ErrorKind::Internal))?;
        let parts = (hierarchy, followers);
        let mut graph = Graph::new(Arc::clone(table), params, codes, parts, lists);
        calibrate::calibrate(&mut graph, watch)?;
        watch.progress(1.0);
        Ok(graph)
    })
}

/// Nearest rows of a row that may become its links.
const NEAREST: usize = 64;
/// Where the nearest rows are known, `hnsw_rs` takes one row of so many for the layers above.
const SAMPLE_STEP: usize = 16;
/// Links that are chosen for a row of the bottom layer, for each of an upper one.
const CHOSEN_FACTOR: usize = 8;
/// Slots of a row are a multiple of this: one cache line.
const SLOTS_STEP: usize = 16;

fn check(params: BuildParams) -> Result<()> {
    if !(2..=M_MAX).contains(&params.m) {
        return Err(Error::invalid("m", format!("m is from 2 to {M_MAX}")));
    }
    // Below, hnsw_rs takes every candidate as a neighbor, and many rows become unreachable.
    if !(2 * params.m + 1..=EF_CONSTRUCTION_MAX).contains(&params.ef_construction) {
        let problem = format!("more than twice m and at most {EF_CONSTRUCTION_MAX}");
        return Err(Error::invalid("ef_construction", problem));
    }
    Ok(())
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

struct CodeDistance<'a> {
    codes: &'a Codes,
}

impl Distance<u32> for CodeDistance<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        QUERY.with_borrow_mut(|query| {
            self.codes.code_of_row(a[0], query);
            self.codes.distance(query, b[0])
        })
    }
}

thread_local! {
    static QUERY: RefCell<QueryCode> = RefCell::default();
}

type Builder<'a> = Hnsw<'a, u32, CodeDistance<'a>>;

/// Inserts one row of so many.
fn insert(
    codes: &Codes,
    params: BuildParams,
    (rows, step): (&[RowId], usize),
    watch: &dyn Watch,
) -> Result<Hierarchy> {
    let distance = CodeDistance { codes };
    let builder: Builder<'_> =
        Hnsw::new(params.m, codes.len(), LAYERS_MAX, params.ef_construction, distance);
    let rows: Vec<u32> = rows.iter().step_by(step).map(|row| row.0).collect();
    let tasks: Vec<(&[u32], usize)> =
        rows.chunks_exact(1).map(|row| (row, row[0] as usize)).collect();
    let (first, rest) = tasks.split_at(ROWS_FIRST.min(tasks.len()));
    for &task in first {
        builder.insert_slice(task);
    }
    for (i, tasks) in rest.chunks(ROWS_AT_ONCE).enumerate() {
        if watch.is_cancelled() {
            return Err(Error::new(ErrorKind::Cancelled));
        }
        watch.progress((i * ROWS_AT_ONCE) as f32 / rest.len() as f32);
        if step > 1 || rayon::current_num_threads() == 1 {
            for &task in tasks {
                builder.insert_slice(task);
            }
        } else {
            builder.parallel_insert_slice(&tasks.to_vec());
        }
    }
    Ok(freeze(&builder, codes.len(), params.m, step > 1))
}

/// Copies the links out.
fn freeze(builder: &Builder<'_>, rows: usize, m: usize, is_sample: bool) -> Hierarchy {
    let points = builder.get_point_indexation();
    let top = usize::from(builder.get_max_level_observed());
    // (row, links) of each layer, in no order yet.
    let mut layers: Vec<Vec<(u32, Vec<u32>)>> = vec![Vec::new(); top + 1];
    for level in 0..=top {
        for point in points.get_layer_iterator(level) {
            let row = row(point.get_origin_id(), rows);
            let linked = point.get_neighborhood_id().into_iter().take(level + 1);
            for (layer, linked) in layers.iter_mut().zip(linked) {
                let links = linked.iter().map(|link| self::row(link.d_id, rows));
                layer.push((row, links.filter(|&link| link != row).collect()));
            }
        }
    }
    let mut bottom = Links::new(rows, 2 * m);
    for (row, links) in &layers[0] {
        bottom.set(*row, links.iter().copied());
    }
    let mut upper: Vec<Layer> = Vec::new();
    for layer in layers.into_iter().skip(usize::from(!is_sample)) {
        let Some(layer) = freeze_layer(layer, 2 * m, upper.last()) else { break };
        upper.push(layer);
    }
    Hierarchy { bottom, upper }
}

/// An upper layer; some of `hnsw_rs`'s links lead to rows that are not in it: they are left out.
fn freeze_layer(mut layer: Vec<(u32, Vec<u32>)>, m: usize, lower: Option<&Layer>) -> Option<Layer> {
    layer.sort_unstable();
    let rows: Vec<u32> = layer.iter().map(|&(row, _)| row).collect();
    let mut links = Links::new(rows.len(), m);
    let slot = |row: &u32| rows.binary_search(row).ok().and_then(|slot| u32::try_from(slot).ok());
    for (from, (_, linked)) in (0..).zip(&layer) {
        links.set(from, linked.iter().filter_map(slot));
    }
    Layer::new(rows, links, lower)
}

fn row(id: usize, rows: usize) -> u32 {
    let row = u32::try_from(id).ok().filter(|_| id < rows);
    row.expect("hnsw_rs hands back the row numbers that it was given")
}
