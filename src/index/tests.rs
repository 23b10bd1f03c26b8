//! Stories about the whole index, and what the tests of its files share.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::container::{Container, Writer};
use crate::error::ErrorKind;
use crate::index::codes::Codes;
use crate::index::equals::{self, Followers};
use crate::index::exact::Exact;
use crate::index::file;
use crate::index::graph::Graph;
use crate::index::hnsw::{self, BuildParams};
use crate::index::links::{Hierarchy, NONE};
use crate::index::partition;
use crate::index::{Index, IndexKind, Search, SearchParams, Watch};
use crate::table::Table;
use crate::table::builder::TableBuilder;
use crate::vector::row_set::RowSet;
use crate::vector::rows::Rows;
use crate::vector::top::Near;
use crate::vector::{Dtype, RowId, algebra};

/// Rows around a few centers, as words stand around topics; the same for the same seed.
pub(super) fn clustered(count: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
    let mut state = seed;
    let mut draw = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(state >> 48).unwrap()) / 32_768.0 - 1.0
    };
    let centers: Vec<Vec<f32>> =
        (0..count.div_ceil(50)).map(|_| (0..dim).map(|_| draw()).collect()).collect();
    (0..count)
        .map(|i| centers[i % centers.len()].iter().map(|center| center + 0.7 * draw()).collect())
        .collect()
}

pub(super) fn table_of(rows: &[Vec<f32>]) -> Table {
    coded(Dtype::F32, rows)
}

fn coded(dtype: Dtype, rows: &[Vec<f32>]) -> Table {
    let mut builder = TableBuilder::of(dtype, rows[0].len()).unwrap();
    for (i, row) in rows.iter().enumerate() {
        builder.push(format!("w{i}").as_bytes(), row).unwrap();
    }
    builder.build()
}

/// The same, whose vectors were let go and are lent.
fn elsewhere(dtype: Dtype, rows: &[Vec<f32>]) -> Table {
    let (dim, mut bytes) = (rows[0].len(), Vec::new());
    let mut builder = TableBuilder::of(dtype, dim).unwrap();
    for (i, row) in rows.iter().enumerate() {
        builder.push(format!("w{i}").as_bytes(), row).unwrap();
        if i % 300 == 299 {
            builder.vectors(i - 299..i + 1, &mut bytes);
            builder.let_go(i + 1);
        }
    }
    let rest = rows.len() - rows.len() % 300;
    builder.vectors(rest..rows.len(), &mut bytes);
    builder.build_over(Rows::lent(dtype, dim, Arc::new(bytes)).unwrap())
}

/// The answer by comparing every row in double precision.
pub(super) fn naive(table: &Table, query: &[f32], k: usize, exclude: &[RowId]) -> Vec<Near> {
    #[expect(clippy::cast_possible_truncation, reason = "as an index does")]
    let near = |row| Near { row, similarity: table.similarity(row, query) as f32 };
    let rows = (0..table.len()).map(|row| RowId::try_from(row).unwrap());
    let mut nears: Vec<Near> = rows.filter(|row| !exclude.contains(row)).map(near).collect();
    nears.sort_unstable();
    nears.truncate(k);
    nears
}

/// How many rows of the bottom layer a walk from the entry can reach, with those that follow them.
pub(super) fn reachable(hierarchy: &Hierarchy) -> usize {
    let followers = Followers::read(&hierarchy.bottom).unwrap();
    let mut seen = vec![false; hierarchy.bottom.len()];
    let mut waiting = vec![hierarchy.entry()];
    while let Some(row) = waiting.pop() {
        if !std::mem::replace(&mut seen[row as usize], true) {
            waiting.extend(hierarchy.bottom.of(row));
        }
    }
    (0..).zip(seen).filter(|&(_, seen)| seen).flat_map(|(row, _)| followers.with(row)).count()
}

pub(super) struct Unwatched;

impl Watch for Unwatched {
    fn progress(&self, _share: f32) {}

    fn is_cancelled(&self) -> bool {
        false
    }
}

fn build(rows: &[Vec<f32>], m: usize) -> (Arc<Table>, Graph) {
    let table = Arc::new(table_of(rows));
    let params = BuildParams { m, ef_construction: 3 * m, threads: 1 };
    let graph = hnsw::build(&table, params, &Unwatched).unwrap();
    (table, graph)
}

fn bytes_of(graph: &Graph) -> Vec<u8> {
    let mut out = Writer::new(Vec::new(), file::KIND, 5).unwrap();
    file::write(graph, &mut out).unwrap();
    out.finish().unwrap().0
}

fn container(bytes: &[u8]) -> crate::error::Result<Container> {
    Container::open(Arc::new(bytes.to_vec()), "the graph".to_owned(), file::KIND)
}

fn load(table: &Arc<Table>, bytes: &[u8]) -> crate::error::Result<Graph> {
    file::read(Arc::clone(table), &container(bytes)?)
}

#[test]
fn the_graph_finds_nearly_all_that_comparing_every_row_finds() {
    let (table, graph) = build(&clustered(5_000, 32, 1), 6);
    let exact = Exact::new(Arc::clone(&table));
    let mut found = 0;
    for row in (0..5_000).step_by(25).map(RowId) {
        let exclude = [row];
        let params = SearchParams { exclude: &exclude, ..SearchParams::new(10, 48) };
        let query = table.unit(row);
        let (found_by_graph, truth) =
            (graph.search(&query, &params), exact.search(&query, &params).nears);
        // The row itself is found, and its list proves the rest.
        assert!(matches!(found_by_graph.by, IndexKind::Graph | IndexKind::List));
        let answer = found_by_graph.nears;
        assert!(answer.len() == 10 && answer.is_sorted() && !answer.iter().any(|n| n.row == row));
        found += answer.iter().filter(|&near| truth.contains(near)).count();
    }
    assert!(found >= 1_960, "{found} of 2000 found");
}

#[test]
fn every_dtype_answers_as_a_table_of_what_its_rows_say() {
    let rows = clustered(600, 21, 9);
    for dtype in [Dtype::F16, Dtype::Bf16, Dtype::I8] {
        let kept = Arc::new(coded(dtype, &rows));
        let said: Vec<Vec<f32>> =
            (0..600).map(|row| kept.vector(RowId(row)).into_owned()).collect();
        assert!(said != rows, "the rows are rounded");
        let plain = Arc::new(table_of(&said));
        let lent = Arc::new(elsewhere(dtype, &rows));
        assert!(kept.memory_bytes() < plain.memory_bytes());
        assert!(lent.memory_bytes() < kept.memory_bytes() && lent.mapped_bytes() > 0);
        let indexes = |table: &Arc<Table>| -> Vec<Box<dyn Index>> {
            let codes = Arc::new(Codes::new(table).unwrap());
            let params = BuildParams { m: 6, ef_construction: 18, threads: 1 };
            // Builds take their time: one for each dtype is enough.
            let built: Box<dyn Index> = if dtype == Dtype::F16 {
                Box::new(hnsw::build(table, params, &Unwatched).unwrap())
            } else {
                Box::new(partition::build(table, 1, &Unwatched).unwrap())
            };
            let exact = Exact::new(Arc::clone(table));
            vec![Box::new(exact), Box::new(Exact::with_codes(Arc::clone(table), codes)), built]
        };
        let of_plain = indexes(&plain);
        for (index, plain_index) in
            indexes(&kept).iter().chain(&indexes(&lent)).zip(of_plain.iter().cycle())
        {
            for row in (0..600).step_by(70).map(RowId) {
                let query = algebra::unit(&rows[row.index()]).unwrap();
                let params = SearchParams::new(10, 48);
                let found = index.search(&query, &params);
                assert_eq!(found.nears, plain_index.search(&query, &params).nears);
                if found.by.is_exact() {
                    assert_eq!(found.nears, naive(&plain, &query, 10, &[]));
                }
                let within = index.within(&query, 0.6, &params);
                assert_eq!(within, plain_index.within(&query, 0.6, &params));
            }
        }
    }
}

#[test]
fn every_row_can_be_reached_even_among_duplicates_and_zeros() {
    let mut rows = clustered(1_500, 16, 6);
    for i in 0..1_500 {
        rows.push(if i % 3 == 0 { vec![0.0; 16] } else { rows[i % 2].clone() });
    }
    for rows in [&rows[..1], &rows[..2], &rows[..1_500], &rows] {
        let (_, graph) = build(rows, 4);
        assert_eq!(reachable(graph.hierarchy()), rows.len());
        for row in (0..).take(rows.len()) {
            let slots = graph.hierarchy().bottom.slots(row);
            assert!(slots.iter().all(|&link| link == NONE || (link as usize) < rows.len()));
            let follows = equals::leader(&graph.hierarchy().bottom, row).is_some();
            assert!(follows || !slots.contains(&row), "row {row} leads to itself");
        }
    }
}

#[test]
fn any_number_of_equal_rows_is_indexed_and_found() {
    let mut rows = clustered(3_000, 16, 6);
    let groups: Vec<Vec<f32>> = clustered(6, 16, 77);
    for (i, group) in groups.iter().enumerate() {
        // Some groups are equal, some scaled, some equal but for the last digits.
        let copy = |j: usize| -> Vec<f32> {
            let by = if i % 3 == 1 { 0.5 + j as f32 / 300.0 } else { 1.0 };
            let off = if i % 3 == 2 { (j % 17) as f32 * 1e-6 } else { 0.0 };
            group.iter().map(|value| (value + off) * by).collect()
        };
        rows.extend((0..[2_300, 600, 200][i % 3]).map(copy));
    }
    rows.extend((0..2_100).map(|_| vec![0.0; 16]));
    let table = Arc::new(table_of(&rows));
    let params = BuildParams { threads: 2, ..BuildParams::default() };
    let graph = hnsw::build(&table, params, &Unwatched).unwrap();
    assert_eq!(reachable(graph.hierarchy()), rows.len());
    let again = load(&table, &bytes_of(&graph)).unwrap();
    for graph in [&graph, &again] {
        for (i, group) in groups.iter().enumerate() {
            let query = algebra::unit(group).unwrap();
            for ef in [16, 64] {
                let found = graph.search(&query, &SearchParams::new(10, ef));
                assert_eq!(found.by, IndexKind::Graph);
                let truth = naive(&table, &query, 10, &[]);
                let similarities = |nears: &[Near]| -> Vec<f32> {
                    nears.iter().map(|near| near.similarity).collect()
                };
                if i % 3 == 2 {
                    assert!(found.nears.iter().all(|near| near.similarity > 0.999_99), "{i}");
                } else {
                    assert_eq!(similarities(&found.nears), similarities(&truth), "{i} {ef}");
                }
                if i % 3 == 0 {
                    assert_eq!(found.nears, truth, "the first of equal rows come first");
                }
            }
        }
    }
}

#[test]
fn a_table_of_nothing_but_equal_rows_is_indexed() {
    for row in [vec![1.0, 2.0, 3.0], vec![0.0; 3]] {
        let (table, graph) = build(&vec![row; 3_000], 4);
        let query = algebra::unit(&[3.0, 2.0, 1.0]).unwrap();
        let params = SearchParams::new(5, 16);
        assert_eq!(graph.search(&query, &params).nears, naive(&table, &query, 5, &[]));
    }
}

#[test]
fn as_many_rows_come_as_asked_whatever_is_excluded() {
    let (table, graph) = build(&clustered(3_000, 8, 9), 4);
    let query = table.unit(RowId(17));
    let nearest = naive(&table, &query, 60, &[]);
    let exclude: Vec<RowId> = nearest.iter().take(50).map(|near| near.row).collect();
    let search = |k, exclude: &[RowId]| {
        graph.search(&query, &SearchParams { exclude, ..SearchParams::new(k, 1) }).nears
    };
    assert_eq!(search(5, &exclude).len(), 5);
    assert!(search(5, &exclude).iter().all(|near| !exclude.contains(&near.row)));
    assert_eq!(search(0, &exclude), []);
    assert_eq!(search(3_000, &exclude), naive(&table, &query, 3_000, &exclude));
    assert_eq!(search(usize::MAX, &[]).len(), 3_000);
}

#[test]
fn many_questions_together_are_answered_as_each_alone() {
    let (table, graph) = build(&clustered(3_000, 70, 9), 6);
    let mut even = RowSet::none(3_000);
    (0..3_000).step_by(2).for_each(|row| _ = even.insert(RowId(row)));
    let exclude = [RowId(0), RowId(14)];
    let queries: Vec<Vec<f32>> =
        (0..).map(RowId).take(40).map(|row| mean(&table, row, RowId(2 * row.0 + 1))).collect();
    let search = |(i, query): (usize, _)| {
        let k = [10, 1, 0, 33, 4_000][i % 5];
        let params = SearchParams {
            exact: i % 3 > 0,
            allowed: (i % 4 == 0).then_some(&even),
            exclude: if i % 7 == 0 { &exclude } else { &[] },
            ..SearchParams::new(k, 64)
        };
        Search { query, params }
    };
    let mixed: Vec<Search<'_>> = (0..).zip(queries.iter().map(Vec::as_slice)).map(search).collect();
    let mut confined = mixed.clone();
    for search in &mut confined {
        search.params = SearchParams { exact: true, allowed: Some(&even), ..search.params };
    }
    for searches in [&mixed[..], &mixed[..3], &confined] {
        let alone: Vec<_> =
            searches.iter().map(|search| graph.search(search.query, &search.params)).collect();
        assert_eq!(graph.search_batch(searches), alone);
    }
    assert!(graph.search_batch(&confined).iter().any(|found| found.by == IndexKind::Exact));
}

fn mean(table: &Table, a: RowId, b: RowId) -> Vec<f32> {
    let sum: Vec<f32> = table.unit(a).iter().zip(table.unit(b)).map(|(a, b)| a + b).collect();
    algebra::unit(&sum).unwrap()
}

#[test]
fn the_same_rows_give_the_same_file_whatever_the_threads_and_the_file_the_same_graph() {
    let rows = clustered(2_500, 20, 4);
    let (table, graph) = build(&rows, 6);
    let bytes = bytes_of(&graph);
    let params = BuildParams { threads: 3, ..graph.params() };
    let by_three = hnsw::build(&table, params, &Unwatched).unwrap();
    assert!(bytes == bytes_of(&by_three), "a second build differs");
    let again = load(&table, &bytes).unwrap();
    assert!(bytes == bytes_of(&again), "the file read differs");
    assert_eq!((again.params().m, again.params().ef_construction), (6, 18));
    let params = SearchParams::new(5, 40);
    let query = table.unit(RowId(3));
    assert_eq!(again.search(&query, &params), graph.search(&query, &params));
}

#[test]
fn a_damaged_file_is_refused_and_never_believed() {
    let (table, graph) = build(&clustered(60, 3, 2), 2);
    let bytes = bytes_of(&graph);
    for end in 0..bytes.len() {
        let error = load(&table, &bytes[..end]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{end} bytes: {error}");
    }
    for at in 0..bytes.len() {
        for flip in [1, 0xff] {
            let mut flipped = bytes.clone();
            flipped[at] ^= flip;
            match load(&table, &flipped) {
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Corrupt { .. }), "{error}"),
                // Between sections nothing is read.
                Ok(graph) => assert!(bytes[at] == 0 && bytes_of(&graph) == bytes, "byte {at}"),
            }
        }
    }
    assert!(load(&table, &[&bytes[..], &[0]].concat()).is_err());
}

/// The same sections, a word of one of them changed; none if it has no such word.
fn forged(good: &Container, section: &str, at: usize, word: u32) -> Option<Vec<u8>> {
    let mut out = Writer::new(Vec::new(), file::KIND, 5).unwrap();
    for name in ["head", "bottom", "lists", "upper", "measures"] {
        let mut bytes = good.section(name).unwrap().read().unwrap();
        if name == section {
            bytes.get_mut(at..at + 4)?.copy_from_slice(&word.to_le_bytes());
        }
        out.section(name, 1 << 10).unwrap();
        out.write(&bytes).unwrap();
    }
    Some(out.finish().unwrap().0)
}

#[test]
fn a_file_with_right_checksums_and_wrong_numbers_is_refused() {
    let (table, graph) = build(&clustered(60, 3, 2), 2);
    let good = bytes_of(&graph);
    let good = container(&good).unwrap();
    let (mut accepted, mut tried) = (0, 0);
    for section in ["head", "bottom", "lists", "upper", "measures"] {
        for at in (0..).step_by(4) {
            for word in [0_u32, 1, 59, 60, u32::MAX - 1, u32::MAX] {
                let Some(bytes) = forged(&good, section, at, word) else { break };
                tried += 1;
                if let Ok(graph) = load(&table, &bytes) {
                    accepted += 1;
                    let params = SearchParams::new(3, 1);
                    assert_eq!(graph.search(&table.unit(RowId(0)), &params).nears.len(), 3);
                    let kept = bytes_of(&graph);
                    let kept = container(&kept).unwrap().section(section).unwrap().read().unwrap();
                    assert_eq!(kept[at..at + 4], word.to_le_bytes(), "{section} {at} was not kept");
                }
            }
            if forged(&good, section, at, 0).is_none() {
                break;
            }
        }
    }
    // Links to other rows are as good as those that were there; the checksums were right.
    assert!(accepted > tried / 8 && accepted < tried, "{accepted} of {tried} accepted");
}

#[test]
fn a_file_gives_the_same_graph() {
    let (table, graph) = build(&clustered(2_000, 20, 4), 6);
    let bytes = bytes_of(&graph);
    let again = load(&table, &bytes).unwrap();
    assert!(bytes == bytes_of(&again));
    let query = mean(&table, RowId(1), RowId(70));
    let params = SearchParams::new(10, 20);
    assert_eq!(again.search(&query, &params), graph.search(&query, &params));
    assert!(load(&Arc::new(table_of(&clustered(61, 3, 2))), &bytes).is_err());
    assert!(load(&Arc::new(table_of(&clustered(2_000, 4, 2))), &bytes).is_err());
}

#[test]
fn a_build_tells_its_progress_and_stops_when_told() {
    struct StopAfter {
        looks: usize,
        seen: AtomicUsize,
        last: Mutex<f32>,
    }
    impl Watch for StopAfter {
        fn progress(&self, share: f32) {
            let mut last = self.last.lock().unwrap();
            assert!((*last..=1.0).contains(&share), "{share} after {last}");
            *last = share;
        }

        fn is_cancelled(&self) -> bool {
            self.seen.fetch_add(1, Ordering::Relaxed) >= self.looks
        }
    }
    let table = Arc::new(table_of(&clustered(5_500, 4, 1)));
    let params = BuildParams { m: 3, ef_construction: 8, threads: 1 };
    let mut looks = 0;
    loop {
        let watch = StopAfter { looks, seen: AtomicUsize::new(0), last: Mutex::default() };
        if let Err(error) = hnsw::build(&table, params, &watch) {
            assert_eq!(error.kind(), &ErrorKind::Cancelled);
            // Every early moment, and ever fewer of the later ones.
            looks += 1 + looks / 2;
            continue;
        }
        assert!(*watch.last.lock().unwrap() > 0.99 && looks > 4, "stopped {looks} times");
        break;
    }
}

#[test]
fn parameters_out_of_range_are_refused() {
    let table = Arc::new(table_of(&clustered(10, 2, 1)));
    for (m, ef_construction) in [(0, 8), (1, 8), (8, 16), (65, 1_000), (8, 10_001)] {
        let params = BuildParams { m, ef_construction, threads: 1 };
        let error = hnsw::build(&table, params, &Unwatched).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::InvalidArgument { .. }), "{m} {ef_construction}");
    }
}
