//! How fast files of each format become a durable table: `cargo bench --bench import` prints one line
//! of JSON for each.
//!
//! The vectors are those of `glove.6B.100d.txt` in `$WORDSPACE_DATA` (default
//! `~/.cache/wordspace-data`), or else the bundled ones; with `WORDSPACE_BENCH_ROWS`, so many made
//! ones of `WORDSPACE_BENCH_DIM` components (300). `wordspace convert` writes them in each format, and
//! the real program in a process of its own imports them over loopback. Time runs from the call to
//! its acknowledgement: everything is on disk then. Of three rounds the median is told; processor
//! time of server and client beside it holds on a busy machine as well.
#![expect(clippy::print_stdout, reason = "measurements are told on standard output")]
#![expect(clippy::unwrap_used, reason = "a measurement that cannot be taken stops")]

#[expect(dead_code, reason = "no index is waited for here")]
mod support;

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;
use wordspace::client::{DeleteTableRequest, ImportHeader};
use wordspace::format::companions;

use support::Server;

const ROUNDS: usize = 3;
const TABLE: &str = "bench";
const DIM: usize = 300;
/// Suffixes of the formats, the one that the others are made of not among them.
const SUFFIXES: &[&str] = &["bin", "npy", "safetensors", "parquet", "arrow", "fifu"];

// Two threads: one feeds the call, one answers for the connection.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let source = source(folder.path());
    let mut files = vec![source.clone()];
    for suffix in SUFFIXES {
        let file = folder.path().join("vectors").with_extension(suffix);
        if file != source {
            convert(&source, &file);
            files.push(file);
        }
    }
    for file in files {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            rounds.push(import(&file).await);
        }
        rounds.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let median = &rounds[ROUNDS / 2];
        let mb = |bytes: u64| (bytes as f64 / 1e5).round() / 10.0;
        println!(
            "{}",
            json!({"measured": "import", "format": median.format, "mb": mb(median.bytes),
                "rows": median.rows, "dim": median.dim,
                "acknowledged_s": median.seconds,
                "mb_per_s": (median.bytes as f64 / 1e6 / median.seconds).round(),
                "least_s": rounds[0].seconds,
                "server_cpu_s": median.server_cpu, "client_cpu_s": median.client_cpu,
                "server_peak_mb": mb(median.peak), "vectors_mb": mb(median.vectors)})
        );
    }
}

/// One import.
struct Round {
    format: String,
    bytes: u64,
    rows: u64,
    dim: u32,
    seconds: f64,
    server_cpu: f64,
    client_cpu: f64,
    /// Memory of the server at most.
    peak: u64,
    vectors: u64,
}

/// Imports into a new data folder of a new server.
async fn import(file: &Path) -> Round {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).await;
    let others = companions(file, None, None).unwrap();
    let others: Vec<(String, PathBuf)> = others.into_iter().collect();
    let size = |path: &Path| path.metadata().unwrap().len();
    let bytes = size(file) + others.iter().map(|(_, path)| size(path)).sum::<u64>();
    let id = server.child.id().to_string();
    let before = (processor_seconds(&id), processor_seconds("self"));
    let began = Instant::now();
    let header = ImportHeader { table: TABLE.to_owned(), ..ImportHeader::default() };
    let report = server.client.import_files(header, file, others, |_| {}).await.unwrap();
    let seconds = began.elapsed().as_secs_f64();
    let after = (processor_seconds(&id), processor_seconds("self"));
    let peak = status_bytes(&id, "VmHWM");
    // Ends the build of its graph.
    let delete = DeleteTableRequest { table: TABLE.to_owned() };
    server.client.delete_table(delete).await.unwrap();
    Round {
        format: report.format().as_str_name().trim_start_matches("FORMAT_").to_lowercase(),
        bytes,
        rows: report.rows_kept,
        dim: report.dim,
        seconds,
        server_cpu: after.0 - before.0,
        client_cpu: after.1 - before.1,
        peak,
        vectors: report.rows_kept * u64::from(report.dim) * 4,
    }
}

fn source(folder: &Path) -> PathBuf {
    if let Some(rows) = setting("WORDSPACE_BENCH_ROWS") {
        let file = folder.join("vectors.bin");
        made(&file, rows, setting("WORDSPACE_BENCH_DIM").unwrap_or(DIM));
        return file;
    }
    let bundled = || {
        let file = folder.join("bundled.txt");
        let packed = "examples/data/glove.6B.50d.20k.txt.gz";
        convert(&Path::new(env!("CARGO_MANIFEST_DIR")).join(packed), &file);
        file
    };
    let real = support::glove().filter(|_| std::env::var_os("WORDSPACE_BENCH_QUICK").is_none());
    real.unwrap_or_else(bundled)
}

fn setting(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

/// Writes word2vec binary with values from a seed.
fn made(file: &Path, rows: usize, dim: usize) {
    let mut out = BufWriter::new(File::create(file).unwrap());
    writeln!(out, "{rows} {dim}").unwrap();
    let mut state = 2026_u32;
    for row in 0..rows {
        write!(out, "word{row} ").unwrap();
        for _ in 0..dim {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = f32::from_bits(0x3f80_0000 | (state >> 9)) - 1.5;
            out.write_all(&value.to_le_bytes()).unwrap();
        }
    }
    out.flush().unwrap();
}

fn convert(from: &Path, to: &Path) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_wordspace"));
    program.arg("convert").arg(from).arg(to);
    // A suffix that two formats have.
    match to.extension().and_then(|suffix| suffix.to_str()) {
        Some("bin") => _ = program.args(["--to", "word2vec-binary"]),
        Some("txt") => _ = program.args(["--to", "glove"]),
        Some(_) | None => {}
    }
    assert!(program.stdout(Stdio::null()).status().unwrap().success());
}

/// Of a process, by /proc; 0 where there is none.
fn processor_seconds(id: &str) -> f64 {
    /// What the kernel counts in, on every Linux.
    const TICKS: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // Behind the name, which may hold anything: user time is the 12th word, system time the next.
    let behind = stat.rsplit(") ").next().unwrap_or_default();
    behind.split(' ').skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>()
        / TICKS
}

fn status_bytes(id: &str, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
