//! How long a table takes to become durable and to come back, on how much disk, with how much
//! memory: `cargo bench --bench store -- [GLOVE.TXT]`.
//!
//! Without a file, the rows are 341,479 x 100 from a seed, the shape of `GloVe` 6B 100d without
//! numbers. Every phase runs in a process of its own, so that its memory is its own.
//!
//! Vectors stand in a file of their own (`src/store/staging.rs`), as all parts of a table do. In sled,
//! as they were in format 1, they cost five to twelve times as much: a program that did nothing but
//! insert 137 MB took 0.31 s to 0.63 s of processor time and 0.48 s to 0.84 s until they were synced,
//! whatever the blocks (16 KiB to 1 MiB), segments (1 MiB to 16 MiB), flushes and cache, and up to
//! 318 MB of disk. Sled writes a record when it is inserted, and again when its page is consolidated
//! or split. The same bytes with their checksums in a plain file took 0.04 s to 0.06 s, and 0.1 s until
//! they were synced.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use wordspace::error::{Error, Result};
use wordspace::store::{Store, TokenizerOf};
use wordspace::table::builder::TableBuilder;
use wordspace::table::columns::Collected;
use wordspace::table::meta::{Applied, IndexChoice, Meta, Provenance, Residence, TableName};
use wordspace::vector::Dtype;

const ROWS: u32 = 341_479;
const DIM: usize = 100;
const REPLACEMENTS: usize = 4;

fn main() -> Result<()> {
    // `cargo bench` adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["write", end, folder, ref source @ ..] => write(end, Path::new(folder), source.first()),
        ["read", folder] => read(Path::new(folder)),
        ref source => phases(source),
    }
}

/// Runs every phase as a child, on one folder.
fn phases(source: &[&str]) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("wordspace-bench-{}", std::process::id()));
    println!("rows of {}", source.first().unwrap_or(&"a seed"));
    let run = |phase: &[&str]| {
        let child = std::env::current_exe().and_then(|program| {
            Command::new(program).args(phase).arg(&folder).args(source).status()
        });
        child.map_err(Error::disk)
    };
    // A child that is to be killed ends with a signal: what it printed tells how far it came.
    run(&["write", "drop"])?;
    read_in_child(&folder)?;
    run(&["write", "kill"])?;
    read_in_child(&folder)?;
    read_in_child(&folder)?;
    for _ in 0..REPLACEMENTS {
        run(&["write", "drop"])?;
    }
    read_in_child(&folder)?;
    std::fs::remove_dir_all(&folder).map_err(Error::disk)
}

fn read_in_child(folder: &Path) -> Result<()> {
    let child = std::env::current_exe()
        .and_then(|program| Command::new(program).arg("read").arg(folder).status());
    child.map(|_| ()).map_err(Error::disk)
}

fn write(end: &str, folder: &Path, source: Option<&&str>) -> Result<()> {
    let builder = match source {
        Some(file) => glove(Path::new(file))?,
        None => seeded()?,
    };
    let before = memory_mb("VmRSS");
    let began = Instant::now();
    let (store, _) = Store::open(folder)?;
    let opened = began.elapsed().as_secs_f64();
    let began = Instant::now();
    let mut staging = store.stage(Dtype::F32, builder.dim())?;
    staging.push(&builder)?;
    let pushed = began.elapsed().as_secs_f64();
    let meta = Meta {
        name: TableName::try_from("en".to_owned())?,
        generation: staging.generation(),
        row_count: builder.len() as u64,
        dim: u32::try_from(builder.dim()).unwrap_or(u32::MAX),
        dtype: builder.dtype(),
        provenance: Provenance {
            source: "bench".to_owned(),
            format: "glove".to_owned(),
            ..Provenance::default()
        },
        applied: Applied::default(),
        subwords: None,
        inputs: None,
        index: IndexChoice::Auto,
        residence: Residence::Memory,
    };
    staging.end(&builder)?;
    staging.complete(&Collected::default())?;
    staging.switch(&meta, TokenizerOf::Same)?.remove();
    let durable = began.elapsed().as_secs_f64();
    println!(
        "open {opened:.2} s, pushed {pushed:.2} s, durable {durable:.2} s, on disk {} MB, memory \
         beside the table {} MB, then {end}",
        store.bytes().store / 1_000_000,
        memory_mb("VmHWM").saturating_sub(before),
    );
    if end == "kill" {
        let _ = Command::new("kill").args(["-9", &std::process::id().to_string()]).status();
    }
    Ok(())
}

fn read(folder: &Path) -> Result<()> {
    let began = Instant::now();
    let (store, _) = Store::open(folder)?;
    let opened = began.elapsed().as_secs_f64();
    let (mut rows, mut bytes) = (0, 0);
    for listed in store.tables() {
        let table = store.read(&listed.meta)?;
        rows += table.len();
        bytes += table.memory_bytes();
    }
    println!(
        "    open {opened:.2} s, open and read {:.2} s: {rows} rows, {} MB; memory beside the table \
         {} MB now, {} MB at most",
        began.elapsed().as_secs_f64(),
        bytes / 1_000_000,
        memory_mb("VmRSS").saturating_sub(bytes as u64 / 1_000_000),
        memory_mb("VmHWM").saturating_sub(bytes as u64 / 1_000_000),
    );
    Ok(())
}

fn glove(path: &Path) -> Result<TableBuilder> {
    let mut lines = BufReader::new(File::open(path).map_err(Error::disk)?);
    let (mut line, mut vector) = (Vec::new(), Vec::new());
    let mut builder = None;
    while lines.read_until(b'\n', &mut line).map_err(Error::disk)? > 0 {
        let text = String::from_utf8_lossy(&line).into_owned();
        let mut parts = text.trim_end().split(' ');
        let word = parts.next().unwrap_or_default();
        vector.clear();
        vector.extend(parts.filter_map(|number| number.parse::<f32>().ok()));
        let builder = match &mut builder {
            Some(builder) => builder,
            None => builder.insert(TableBuilder::new(vector.len())?),
        };
        builder.push(word.as_bytes(), &vector)?;
        line.clear();
    }
    builder.ok_or_else(|| Error::invalid("file", "it has no line"))
}

fn seeded() -> Result<TableBuilder> {
    let mut builder = TableBuilder::new(DIM)?;
    let mut state = 2026_u32;
    for row in 0..ROWS {
        let mut value = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from_bits(0x3f80_0000 | (state >> 9)) - 1.5
        };
        let vector: [f32; DIM] = std::array::from_fn(|_| value());
        builder.push(format!("word{row}").as_bytes(), &vector)?;
    }
    Ok(builder)
}

/// A line of this process's status; 0 where there is none.
fn memory_mb(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024 / 1_000_000
}
