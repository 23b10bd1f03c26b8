//! How fast and how completely the nearest rows are found: one line of JSON for each measurement.
//!
//! Reads `vectors.f32`, `words.u32`, `analogies.f32` and `texts.f32` from `$WORDSPACE_DATA/bench` (default
//! `~/.cache/wordspace-data/bench`; unit rows of as many floats as `dim.u32` says, or 100; little-endian, no header) and the right answers
//! from `words.exact.u32` and so on, or else makes clustered rows. `WORDSPACE_BENCH_SET` names a folder below it: one of
//! those that `benches/peers.py` makes. The row of a word asked for counts as its
//! own neighbor. Where the words of an analogy are known, the search is also seeded with them, as
//! the server does it, with the three as answers and without.
//! `WORDSPACE_BENCH_ROWS` takes the first so many rows, or makes so many, of `_DIM` components;
//! `_DTYPE` is `f16`, `bf16` or `i8` to keep the rows so, and `_MAPPED` keeps them in a file that is mapped;
//! `_INDEX` is `hnsw` or `partition` for only one of them; `_M`, `_EFC` and `_THREADS` change the
//! build, and `_BATCH` the questions of a batch. Questions a second are of processor time.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use memmap2::Mmap;
use wordspace::container::{Container, Writer};
use wordspace::index::exact::Exact;
use wordspace::index::hnsw::{self, BuildParams};
use wordspace::index::partition::{self, Partition};
use wordspace::index::{Found, Index, Search, SearchParams, Watch, file, lists};
use wordspace::table::Table;
use wordspace::table::builder::TableBuilder;
use wordspace::vector::random::SplitMix64;
use wordspace::vector::row_set::RowSet;
use wordspace::vector::rows::{Bytes, Rows};
use wordspace::vector::{Dtype, RowId, algebra, kernel};

const K: usize = 10;
const DIM: usize = 100;
const ROWS_MADE: usize = 50_000;
const EFS: [usize; 11] = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384];
const FILTERED_EFS: [usize; 3] = [64, 128, 192];
const EXACT_QUERIES: usize = 200;
const REPEATS: usize = 5;
const TEXTS: usize = 2_000;

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
    let texts = questions.texts(&table);
    let analogies = questions.analogies.clone();
    let sets = [("words", words), ("analogies", analogies), ("texts", texts)];
    let sets = sets.map(|(name, queries)| {
        let rows = |query: &Vec<f32>| -> Vec<RowId> {
            exact
                .search(query, &SearchParams::new(K, 0))
                .nears
                .into_iter()
                .map(|near| near.row)
                .collect()
        };
        let is_known = questions.is_whole && dtype() == Dtype::F32;
        let known = is_known.then(|| truth(name)).flatten();
        let truth = known.unwrap_or_else(|| queries.iter().map(rows).collect());
        Set { name, queries, truth }
    });
    for set in &sets {
        measure("exact, f32", &exact, set, Plan::ef(0));
    }
    let wanted = std::env::var("WORDSPACE_BENCH_INDEX").unwrap_or_default();
    if wanted != "hnsw" {
        measure_partition(&table, &sets, &questions);
    }
    if wanted == "partition" {
        return;
    }
    let graph = build(&table);
    let [words, analogies, _] = &sets;
    for set in &sets {
        measure("exact, codes", &graph, set, Plan { exact: true, ..Plan::ef(0) });
        measure_batch("exact, codes, one batch", &graph, set, Plan { exact: true, ..Plan::ef(0) });
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

/// The partition: before its lists are there, and after.
fn measure_partition(table: &Arc<Table>, sets: &[Set; 3], questions: &Questions) {
    let threads = number("WORDSPACE_BENCH_THREADS").unwrap_or(0);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let partition = partition::build(table, threads, &Stages { start }).unwrap();
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let bytes = partition_bytes(&partition);
    let file_bytes = bytes.len();
    let start = Instant::now();
    let kind = partition::file::KIND;
    let container = Container::open(Arc::new(bytes), "a partition".to_owned(), kind).unwrap();
    let again = partition::file::read(Arc::clone(table), &container).unwrap();
    let load = start.elapsed().as_secs_f64();
    println!(
        r#"{{"partition_s":{seconds:.1},"partition_cpu_s":{cpu:.1},"leaves":{},"partition_bytes":{},"bytes_a_row":{:.1},"file_bytes":{file_bytes},"load_s":{load:.3},"peak_bytes":{}}}"#,
        partition.leaves(),
        partition.memory_bytes(),
        partition.memory_bytes() as f64 / table.len() as f64,
        peak_bytes(),
    );
    drop(again);
    for set in sets {
        measure("partition, exact", &partition, set, Plan { exact: true, ..Plan::ef(0) });
        let exact = Plan { exact: true, ..Plan::ef(0) };
        measure_batch("partition, exact, one batch", &partition, set, exact);
        for ef in EFS {
            measure("partition", &partition, set, Plan::ef(ef));
        }
        for ef in EFS {
            measure_batch("partition, one batch", &partition, set, Plan::ef(ef));
        }
    }
    measure_filters(table, &partition, &sets[1]);
    if std::env::var_os("WORDSPACE_BENCH_NO_LISTS").is_some() || !partition.wants_lists() {
        return;
    }
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let found = partition.find_lists(threads, &Stages { start }).unwrap();
    let (seconds, cpu) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let mut out = Writer::new(Vec::new(), lists::KIND, 1).unwrap();
    lists::write(&found, &mut out).unwrap();
    partition.join_lists(found);
    println!(
        r#"{{"lists_s":{seconds:.1},"lists_cpu_s":{cpu:.1},"lists_bytes":{},"peak_bytes":{}}}"#,
        out.finish().unwrap().0.len(),
        peak_bytes(),
    );
    let words = &sets[0];
    measure("partition, list", &partition, words, Plan { rows: &questions.words, ..Plan::ef(64) });
    for set in sets {
        for ef in EFS {
            measure("partition, lists beside", &partition, set, Plan::ef(ef));
        }
    }
}

fn partition_bytes(partition: &Partition) -> Vec<u8> {
    let mut out = Writer::new(Vec::new(), partition::file::KIND, 1).unwrap();
    partition::file::write(partition, &mut out).unwrap();
    out.finish().unwrap().0
}

/// Questions whose answers may be only some of the rows: drawn at random, or the rarest, or the most
/// frequent ones.
fn measure_filters(table: &Table, index: &dyn Index, set: &Set) {
    let rows = table.len();
    for part in [2, 10, 100, 1_000] {
        let count = rows / part;
        let random = (0..rows).filter(|row| ((row * 2_654_435_761) >> 7) % part == 0);
        let kinds: [(&str, Vec<usize>); 3] = [
            ("random", random.collect()),
            ("frequent", (0..count).collect()),
            ("rare", (rows - count..rows).collect()),
        ];
        for (kind, rows) in kinds {
            let mut allowed = RowSet::none(table.len());
            for row in rows {
                allowed.insert(RowId::try_from(row).unwrap());
            }
            for ef in FILTERED_EFS {
                measure_filter(index, set, (part, kind), &allowed, ef);
            }
        }
    }
}

fn measure_filter(
    index: &dyn Index,
    set: &Set,
    (part, kind): (usize, &str),
    allowed: &RowSet,
    ef: usize,
) {
    let params = SearchParams { allowed: Some(allowed), ..SearchParams::new(K, ef) };
    let queries = &set.queries[..set.queries.len().min(EXACT_QUERIES)];
    let truth: Vec<Found> = queries
        .iter()
        .map(|query| index.search(query, &SearchParams { exact: true, ..params }))
        .collect();
    let (mut best, mut found) = (f64::INFINITY, 0);
    for _ in 0..3 {
        let cpu = cpu_nanos();
        let answers: Vec<Found> =
            queries.iter().map(|query| index.search(query, &params)).collect();
        best = best.min((cpu_nanos() - cpu) / 1e9);
        let right = |(answer, truth): (&Found, &Found)| {
            answer.nears.iter().filter(|near| truth.nears.contains(near)).count()
        };
        found = answers.iter().zip(&truth).map(right).sum();
    }
    let wanted: usize = truth.iter().map(|truth| truth.nears.len()).sum();
    println!(
        r#"{{"engine":"wordspace, filter","queries":"{}","filter":"{kind}","one_of":{part},"ef":{ef},"recall":{:.4},"qps":{:.0}}}"#,
        set.name,
        found as f64 / wanted.max(1) as f64,
        queries.len() as f64 / best,
    );
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
    for _ in 0..REPEATS {
        times.clear();
        found = 0;
        let cpu = cpu_nanos();
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
        best = best.min((cpu_nanos() - cpu) / 1e9);
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
fn measure_batch(engine: &str, index: &dyn Index, set: &Set, plan: Plan<'_>) {
    let params = SearchParams { exact: plan.exact, ..SearchParams::new(K, plan.ef) };
    let searches: Vec<_> = set.queries.iter().map(|query| Search { query, params }).collect();
    let at_once = number("WORDSPACE_BENCH_BATCH").unwrap_or(searches.len());
    let mut seconds = f64::INFINITY;
    let mut found = 0;
    for _ in 0..REPEATS {
        let cpu = cpu_nanos();
        let answers: Vec<Found> =
            searches.chunks(at_once).flat_map(|searches| index.search_batch(searches)).collect();
        seconds = seconds.min((cpu_nanos() - cpu) / 1e9);
        let right = |(found, truth): (&Found, &Vec<RowId>)| {
            found.nears.iter().filter(|near| truth.contains(&near.row)).count()
        };
        found = answers.iter().zip(&set.truth).map(right).sum();
    }
    println!(
        r#"{{"engine":"wordspace {engine}","queries":"{}","parameter":{},"batch":{at_once},"recall":{:.4},"qps":{:.0}}}"#,
        set.name,
        plan.ef,
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

/// Nanoseconds that the processor worked for this thread so far: every search runs in the thread that asks.
fn cpu_nanos() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock's time is written to a place that is there.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(failed, 0, "a thread has a clock");
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
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

impl Questions {
    /// Means of 5 to 12 of the first 20,000 rows, the same in every run.
    fn texts(&self, table: &Table) -> Vec<Vec<f32>> {
        if let Some(texts) = floats("texts.f32").filter(|_| self.is_whole) {
            return texts;
        }
        let mut random = SplitMix64(302);
        let rows = table.len().min(20_000);
        let mut text = || {
            let mut sum = vec![0.0; table.dim()];
            for _ in 0..5 + random.index_below(8) {
                let row = RowId::try_from(random.index_below(rows)).unwrap();
                algebra::add(&mut sum, 1.0, &table.unit(row));
            }
            algebra::unit_sum(&sum).unwrap()
        };
        (0..TEXTS).map(|_| text()).collect()
    }
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
    let dim = numbers("dim.u32").and_then(|dim| Some(*dim.first()? as usize)).unwrap_or(DIM);
    Some(values.chunks_exact(dim).map(<[f32]>::to_vec).collect())
}

fn numbers(name: &str) -> Option<Vec<u32>> {
    let folder = std::env::var_os("WORDSPACE_DATA").map(PathBuf::from).or_else(|| {
        std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/wordspace-data"))
    });
    let set = std::env::var_os("WORDSPACE_BENCH_SET").unwrap_or_default();
    let bytes = std::fs::read(folder?.join("bench").join(set).join(name)).ok()?;
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
        algebra::unit(&row).unwrap()
    };
    let rows = (0..count).map(&mut near).collect();
    let words = (0..1_000).map(|i| RowId::try_from(i * 7_919 % count).unwrap()).collect();
    let analogies = (0..1_000).map(near).collect();
    Questions { rows, words, analogies, inputs: Vec::new(), is_whole: false }
}

fn table_of(rows: &[Vec<f32>]) -> Table {
    let (dtype, dim) = (dtype(), rows[0].len());
    let mut builder = TableBuilder::of(dtype, dim).unwrap();
    for (i, row) in rows.iter().enumerate() {
        builder.push(format!("w{i}").as_bytes(), row).unwrap();
    }
    if std::env::var_os("WORDSPACE_BENCH_MAPPED").is_none() {
        return builder.build();
    }
    let mut file = tempfile::tempfile().unwrap();
    let (mut kept, mut bytes) = (Rows::new(dtype, dim), Vec::new());
    for row in rows {
        kept.push(row);
    }
    kept.copy(0..kept.len(), &mut bytes);
    file.write_all(&bytes).unwrap();
    // SAFETY: nobody else knows the file.
    let mapped = unsafe { Mmap::map(&file) }.unwrap();
    builder.build_over(Rows::lent(dtype, dim, Arc::new(Mapped(mapped))).unwrap())
}

/// How rows are kept.
fn dtype() -> Dtype {
    match std::env::var("WORDSPACE_BENCH_DTYPE").as_deref() {
        Ok("f16") => Dtype::F16,
        Ok("bf16") => Dtype::Bf16,
        Ok("i8") => Dtype::I8,
        Ok(_) | Err(_) => Dtype::F32,
    }
}

struct Mapped(Mmap);

impl Bytes for Mapped {
    fn bytes(&self) -> &[u8] {
        &self.0
    }
}
