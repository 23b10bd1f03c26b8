//! How fast and how completely the nearest rows are found: one line of JSON for each measurement.
//!
//! Reads `vectors.f32`, `words.u32` and `analogies.f32` from `$WORDSPACE_DATA/bench` (unit rows of
//! 100 floats, little-endian, no header) and the right answers from `words.exact.u32` and
//! `analogies.exact.u32`, or else makes clustered rows. The row of a word asked for counts as its
//! own neighbor. Where the words of an analogy are known, the search is also seeded with them, as
//! the server does it, with the three as answers and without.
//! `WORDSPACE_BENCH_ROWS` takes the first so many rows, or makes so many, of `_DIM` components;
//! `_M`, `_EFC` and `_THREADS` change the build.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use wordspace::container::{Container, Writer};
use wordspace::index::exact::Exact;
use wordspace::index::hnsw::{self, BuildParams};
use wordspace::index::{Found, Index, Search, SearchParams, Watch, file};
use wordspace::table::Table;
use wordspace::table::builder::TableBuilder;
use wordspace::vector::{RowId, kernel};

const K: usize = 10;
const DIM: usize = 100;
const ROWS_MADE: usize = 50_000;
const EFS: [usize; 11] = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384];
const EXACT_QUERIES: usize = 200;

fn main() {
    let questions = read().unwrap_or_else(make);
    let table = Arc::new(table_of(&questions.rows));
    println!(
        r#"{{"rows":{},"dim":{},"kernels":"{}","table_bytes":{}}}"#,
        table.len(),
        table.dim(),
        kernel::name(),
        table.memory_bytes()
    );
    let exact = Exact::new(Arc::clone(&table));
    let words: Vec<Vec<f32>> = questions.words.iter().map(|&row| table.unit(row)).collect();
    let sets = [("words", words), ("analogies", questions.analogies)].map(|(name, queries)| {
        let rows = |query: &Vec<f32>| -> Vec<RowId> {
            exact
                .search(query, &SearchParams::new(K, 0))
                .nears
                .into_iter()
                .map(|near| near.row)
                .collect()
        };
        let known = questions.is_whole.then(|| truth(name)).flatten();
        let truth = known.unwrap_or_else(|| queries.iter().map(rows).collect());
        Set { name, queries, truth }
    });
    for set in &sets {
        measure("exact, f32", &exact, set, Plan::ef(0));
    }
    let graph = build(&table);
    let [words, analogies] = &sets;
    for set in &sets {
        measure("exact, codes", &graph, set, Plan { exact: true, ..Plan::ef(0) });
        measure_batch(&graph, set);
    }
    measure("list", &graph, words, Plan { rows: &questions.words, ..Plan::ef(64) });
    for set in &sets {
        for ef in EFS {
            measure("graph", &graph, set, Plan::ef(ef));
        }
    }
    if questions.inputs.is_empty() {
        return;
    }
    let without = without_inputs(&graph, analogies, &questions.inputs);
    for ef in EFS {
        let seeded = Plan { inputs: &questions.inputs, ..Plan::ef(ef) };
        measure("graph, seeded", &graph, analogies, seeded);
        let plan = Plan { excluded: true, ..seeded };
        measure("graph, seeded, inputs excluded", &graph, &without, plan);
    }
}

/// The analogies with their right answers among all rows but their own words.
fn without_inputs(graph: &dyn Index, analogies: &Set, inputs: &[[RowId; 3]]) -> Set {
    let searches: Vec<_> = analogies
        .queries
        .iter()
        .zip(inputs)
        .map(|(query, inputs)| {
            let params = SearchParams { exact: true, exclude: inputs, ..SearchParams::new(K, 0) };
            Search { query, params }
        })
        .collect();
    let rows = |found: Found| found.nears.into_iter().map(|near| near.row).collect();
    let truth = graph.search_batch(&searches).into_iter().map(rows).collect();
    Set { name: analogies.name, queries: analogies.queries.clone(), truth }
}

/// How questions are asked.
#[derive(Clone, Copy)]
struct Plan<'a> {
    ef: usize,
    exact: bool,
    /// The rows that the questions are, one each.
    rows: &'a [RowId],
    /// The words that the questions are made of, three each: the search begins at them.
    inputs: &'a [[RowId; 3]],
    /// Whether those are no answers.
    excluded: bool,
}

impl Plan<'_> {
    fn ef(ef: usize) -> Self {
        Self { ef, exact: false, rows: &[], inputs: &[], excluded: false }
    }
}

/// Questions and their right answers.
struct Set {
    name: &'static str,
    queries: Vec<Vec<f32>>,
    truth: Vec<Vec<RowId>>,
}

fn measure(engine: &str, index: &dyn Index, set: &Set, plan: Plan<'_>) {
    let queries = if plan.exact || plan.ef == 0 { EXACT_QUERIES } else { set.queries.len() };
    let mut best = f64::INFINITY;
    let mut times: Vec<u128> = Vec::new();
    let mut found = 0;
    for _ in 0..3 {
        times.clear();
        found = 0;
        let start = Instant::now();
        for (i, (query, truth)) in set.queries.iter().zip(&set.truth).take(queries).enumerate() {
            let seeds = plan.inputs.get(i).map_or(&[][..], |inputs| &inputs[..]);
            let exclude = if plan.excluded { seeds } else { &[] };
            let (exact, row) = (plan.exact, plan.rows.get(i).copied());
            let params =
                SearchParams { exact, row, seeds, exclude, ..SearchParams::new(K, plan.ef) };
            let start = Instant::now();
            let answer = index.search(query, &params).nears;
            times.push(start.elapsed().as_nanos());
            found += answer.iter().filter(|near| truth.contains(&near.row)).count();
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    times.sort_unstable();
    println!(
        r#"{{"engine":"wordspace {engine}","queries":"{}","parameter":{},"recall":{:.4},"qps":{:.0},"p50_us":{:.1}}}"#,
        set.name,
        plan.ef,
        found as f64 / (K * times.len()) as f64,
        times.len() as f64 / best,
        times[times.len() / 2] as f64 / 1e3,
    );
}

/// All questions of a set in one call.
fn measure_batch(index: &dyn Index, set: &Set) {
    let params = SearchParams { exact: true, ..SearchParams::new(K, 0) };
    let searches: Vec<_> = set.queries.iter().map(|query| Search { query, params }).collect();
    let mut seconds = f64::INFINITY;
    let mut found = 0;
    for _ in 0..3 {
        let start = Instant::now();
        let answers = index.search_batch(&searches);
        seconds = seconds.min(start.elapsed().as_secs_f64());
        let right = |(found, truth): (&Found, &Vec<RowId>)| {
            found.nears.iter().filter(|near| truth.contains(&near.row)).count()
        };
        found = answers.iter().zip(&set.truth).map(right).sum();
    }
    println!(
        r#"{{"engine":"wordspace exact, codes, one batch","queries":"{}","parameter":0,"recall":{:.4},"qps":{:.0}}}"#,
        set.name,
        found as f64 / (K * searches.len()) as f64,
        searches.len() as f64 / seconds,
    );
}

struct Stages {
    start: Instant,
}

impl Watch for Stages {
    fn progress(&self, share: f32) {
        if std::env::var_os("WORDSPACE_BENCH_STAGES").is_some() {
            let (seconds, cpu) = (self.start.elapsed().as_secs_f64(), cpu_seconds());
            println!(r#"{{"share":{share:.3},"seconds":{seconds:.1},"cpu_s":{cpu:.1}}}"#);
        }
    }

    fn is_cancelled(&self) -> bool {
        false
    }
}

fn build(table: &Arc<Table>) -> impl Index + use<> {
    let default = BuildParams::default();
    let params = BuildParams {
        m: number("WORDSPACE_BENCH_M").unwrap_or(default.m),
        ef_construction: number("WORDSPACE_BENCH_EFC").unwrap_or(default.ef_construction),
        threads: number("WORDSPACE_BENCH_THREADS").unwrap_or(default.threads),
    };
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let graph = hnsw::build(table, params, &Stages { start }).unwrap();
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let mut out = Writer::new(Vec::new(), file::KIND, 1).unwrap();
    file::write(&graph, &mut out).unwrap();
    let bytes = out.finish().unwrap().0;
    let file_bytes = bytes.len();
    let start = Instant::now();
    let container = Container::open(Arc::new(bytes), "a graph".to_owned(), file::KIND).unwrap();
    file::read(Arc::clone(table), &container).unwrap();
    println!(
        r#"{{"build_s":{seconds:.1},"build_cpu_s":{cpu:.1},"m":{},"ef_construction":{},"threads":{},"graph_bytes":{},"file_bytes":{},"load_s":{:.3},"peak_bytes":{}}}"#,
        params.m,
        params.ef_construction,
        params.threads,
        graph.memory_bytes(),
        file_bytes,
        start.elapsed().as_secs_f64(),
        peak_bytes(),
    );
    graph
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap())
}

/// Seconds that the processor worked for this process so far; 0 where the system does not tell.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.split(' ').skip(13).take(2).map(|field| field.parse::<f64>().unwrap_or(0.0));
    ticks.sum::<f64>() / 100.0
}

/// The most memory that this process had so far; 0 where the system does not tell.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1_024
}

struct Questions {
    rows: Vec<Vec<f32>>,
    words: Vec<RowId>,
    analogies: Vec<Vec<f32>>,
    /// a, b and c of each analogy; none for rows that were made.
    inputs: Vec<[RowId; 3]>,
    /// Whether the rows are all that the right answers on file were found among.
    is_whole: bool,
}

fn read() -> Option<Questions> {
    if std::env::var_os("WORDSPACE_BENCH_DIM").is_some() {
        return None;
    }
    let mut rows = floats("vectors.f32")?;
    let before = rows.len();
    rows.truncate(number("WORDSPACE_BENCH_ROWS").unwrap_or(usize::MAX));
    let count = u32::try_from(rows.len()).unwrap();
    let words = numbers("words.u32")?.into_iter().map(|row| RowId(row % count)).collect();
    let analogies = floats("analogies.f32")?;
    let abc = numbers("analogies.abc.u32")?;
    let inputs = abc.as_chunks().0.iter().map(|abc| abc.map(|row| RowId(row % count))).collect();
    Some(Questions { is_whole: rows.len() == before, rows, words, analogies, inputs })
}

fn truth(name: &str) -> Option<Vec<Vec<RowId>>> {
    let rows = numbers(&format!("{name}.exact.u32"))?;
    Some(rows.chunks_exact(K).map(|rows| rows.iter().copied().map(RowId).collect()).collect())
}

fn floats(name: &str) -> Option<Vec<Vec<f32>>> {
    let values: Vec<f32> = numbers(name)?.into_iter().map(f32::from_bits).collect();
    Some(values.chunks_exact(DIM).map(<[f32]>::to_vec).collect())
}

fn numbers(name: &str) -> Option<Vec<u32>> {
    let folder = std::env::var_os("WORDSPACE_DATA")?;
    let bytes = std::fs::read(Path::new(&folder).join("bench").join(name)).ok()?;
    Some(bytes.as_chunks().0.iter().map(|&word| u32::from_le_bytes(word)).collect())
}

/// Rows around centers, the same in every run.
fn make() -> Questions {
    println!(r#"{{"note":"rows are made, not learned, as without $WORDSPACE_DATA/bench"}}"#);
    let mut state = 1_u64;
    let mut draw = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f32::from(u16::try_from(state >> 48).unwrap()) / 32_768.0 - 1.0
    };
    let count = number("WORDSPACE_BENCH_ROWS").unwrap_or(ROWS_MADE);
    let dim = number("WORDSPACE_BENCH_DIM").unwrap_or(DIM);
    let centers: Vec<Vec<f32>> =
        (0..count.div_ceil(100)).map(|_| (0..dim).map(|_| draw()).collect()).collect();
    let mut near = |i: usize| -> Vec<f32> {
        let row: Vec<f32> =
            centers[i % centers.len()].iter().map(|center| center + draw()).collect();
        wordspace::vector::algebra::unit(&row).unwrap()
    };
    let rows = (0..count).map(&mut near).collect();
    let words = (0..1_000).map(|i| RowId::try_from(i * 7_919 % count).unwrap()).collect();
    let analogies = (0..1_000).map(near).collect();
    Questions { rows, words, analogies, inputs: Vec::new(), is_whole: false }
}

fn table_of(rows: &[Vec<f32>]) -> Table {
    let mut builder = TableBuilder::new(rows[0].len()).unwrap();
    for (i, row) in rows.iter().enumerate() {
        builder.push(format!("w{i}").as_bytes(), row).unwrap();
    }
    builder.build().unwrap()
}
