//! Modules import only from lower floors, files of one module in no circle, and every foreign crate has
//! one home.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::source_files;

/// Each module and its floor.
const FLOORS: &[(&str, u32)] = &[
    ("error", 0),
    ("limits", 0),
    // A crate of its own, in `proto/`.
    ("proto", 0),
    ("budget", 1),
    ("checksum", 1),
    ("arenas", 1),
    ("priority", 1),
    ("steps", 1),
    ("vector", 1),
    ("container", 1),
    ("text", 2),
    ("table", 3),
    ("training", 3),
    ("lm", 3),
    ("format", 4),
    ("index", 4),
    ("store", 4),
    ("query", 5),
    ("bias", 6),
    ("evaluation", 6),
    ("engine", 7),
    ("server", 8),
    ("client", 8),
    ("cli", 9),
];

/// A foreign crate, and the only file or folder that may name it.
const HOMES: &[(&str, &[&str])] = &[
    ("simsimd", &["vector/kernel/"]),
    ("hnsw_rs", &["index/hnsw.rs"]),
    ("libc", &["arenas.rs"]),
    ("rayon", &["index/", "text/model/train.rs"]),
    (
        "memmap2",
        &["index/pages.rs", "format/source/mod.rs", "training/rows.rs", "lm/", "store/mapped.rs"],
    ),
    ("regex", &["query/filter.rs", "text/ranks.rs", "text/special.rs"]),
    ("tokenizers", &["text/model/"]),
    ("tiktoken_rs", &["text/shipped.rs"]),
    ("ahash", &["text/model/train.rs"]),
    ("jieba_rs", &["text/words/jieba.rs"]),
    ("sled", &["store/"]),
    ("rpds", &["table/"]),
    ("blake3", &["container/", "lm/", "store/"]),
    ("flate2", &["format/", "server/explorer/"]),
    ("bzip2", &["format/source/unpack.rs", "format/tests/"]),
    ("liblzma", &["format/source/unpack.rs", "format/tests/"]),
    (
        "zstd",
        &["format/source/unpack.rs", "format/write.rs", "format/tests/", "text/words/jieba.rs"],
    ),
    ("zip", &["format/source/archive.rs", "format/tests/"]),
    ("half", &["format/tensor.rs", "format/gguf_blocks.rs", "vector/layout.rs"]),
    ("tempfile", &["format/source/mod.rs", "format/tests/"]),
    ("base64", &["server/json/", "server/transport/"]),
    ("hyper", &["server/metrics/", "server/transport/"]),
    ("hyper_util", &["server/metrics/", "server/transport/"]),
    ("bytes", &["format/columns/", "store/backup/cloud.rs"]),
    ("arrow_array", &["format/columns/"]),
    ("arrow_buffer", &["format/columns/"]),
    ("arrow_ipc", &["format/columns/"]),
    ("arrow_schema", &["format/columns/"]),
    ("parquet", &["format/columns/"]),
    ("rusqlite", &["format/magnitude.rs", "format/tests/"]),
    ("unicode_segmentation", &["text/"]),
    ("tokio_rustls", &["server/transport/"]),
    ("tonic", &["server/", "client/"]),
    ("tonic_types", &["server/status.rs", "server/json/problem.rs", "client/"]),
    ("tonic_health", &["server/mod.rs", "server/desk.rs", "server/replica.rs", "client/"]),
    ("tonic_reflection", &["server/desk.rs"]),
    ("h2", &["server/transport/"]),
    ("getrandom", &["server/access/keys.rs"]),
    ("http_body", &["server/metrics/", "server/transport/"]),
    ("rustix", &["budget.rs", "priority.rs", "server/transport/"]),
    ("tokio", &["server/", "client/", "cli/", "main.rs", "store/backup/cloud.rs"]),
    ("opentelemetry", &["server/spans/"]),
    ("opentelemetry_otlp", &["server/spans/"]),
    ("opentelemetry_sdk", &["server/spans/"]),
    ("object_store", &["store/backup/cloud.rs"]),
    ("futures_util", &["store/backup/cloud.rs"]),
    ("url", &["store/backup/cloud.rs"]),
    ("tokio_stream", &["server/", "client/", "cli/"]),
    ("prost_reflect", &["client/", "cli/"]),
    ("clap", &["cli/"]),
    ("toml", &["cli/settings.rs"]),
    ("resvg", &["cli/png/"]),
    ("rustyline", &["cli/shell/"]),
    ("clap_complete", &["cli/manual.rs"]),
    ("clap_mangen", &["cli/manual.rs"]),
    ("tracing_subscriber", &["cli/log.rs", "cli/mod.rs"]),
    ("wordspace_proto", &["lib.rs"]),
    ("indicatif", &["cli/"]),
    (
        "arc_swap",
        &["engine/catalog.rs", "engine/lineage.rs", "engine/standing.rs", "engine/tokenizers.rs"],
    ),
];

/// Files that import each other in a circle, each of which is to be cut; no new one joins them.
const CIRCLES: &[&[&str]] = &[
    &["engine/generation.rs", "engine/lineage.rs"],
    &["index/calibrate.rs", "index/graph.rs", "index/hnsw.rs"],
    &["query/embed.rs", "query/transformer.rs"],
    &["query/occurrences.rs", "query/senses.rs"],
    &["query/pieces.rs", "query/resolve.rs", "query/tokenize.rs"],
    &["server/bias.rs", "server/debias.rs"],
    &["server/search.rs", "server/stream.rs"],
    // A dispatcher and its kernels, which share constants: no fault.
    &[
        "vector/kernel/avx2.rs",
        "vector/kernel/avx512.rs",
        "vector/kernel/blocks.rs",
        "vector/kernel/nibbles.rs",
        "vector/kernel/products.rs",
        "vector/kernel/tile.rs",
    ],
];

fn module(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

fn floor(module: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|&(_, floor)| floor)
}

/// The text without its `#[cfg(test)]` part, doc comments and comments.
fn code(text: &str) -> String {
    let code = text.split("\nmod tests {").next().unwrap();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_import_goes_down() {
    let mut wrong = Vec::new();
    for (path, text) in source_files() {
        let from = module(&path);
        if matches!(from, "lib" | "main") || path.ends_with("tests.rs") {
            continue;
        }
        let above = floor(from).unwrap_or_else(|| panic!("src/{path} has no floor: add it here"));
        for part in code(&text).split("crate::").skip(1) {
            let to = part.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            let Some(below) = floor(to) else {
                wrong.push(format!("src/{path} imports crate::{to}, which has no floor"));
                continue;
            };
            let allowed = to == from || below < above;
            if !allowed {
                wrong.push(format!("src/{path} (floor {above}) imports crate::{to} ({below})"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A module's path, such as `["format", "csv", "record"]`.
fn module_path(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs");
    path.trim_end_matches("/mod").split('/').map(str::to_owned).collect()
}

/// The paths that a tree of `use` names: `a::{b, c::{d}}` names `a::b` and `a::c::d`.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.split(" as ").next().unwrap().trim();
    let Some((before, inner)) = tree.split_once('{') else { return vec![tree.to_owned()] };
    let inner = &inner[..inner.rfind('}').unwrap_or(inner.len())];
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in inner.chars() {
        depth += i32::from(c == '{') - i32::from(c == '}');
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().unwrap().push(c);
        }
    }
    let named = parts.iter().filter(|part| !part.trim().is_empty());
    named.flat_map(|part| expanded(&format!("{before}{}", part.trim()))).collect()
}

/// The paths that a file names from the crate's root down, and whether it hands them on.
fn named_paths(file: &str, code: &str, files: &BTreeSet<Vec<String>>) -> Vec<(Vec<String>, bool)> {
    let own = module_path(file);
    let mut paths = Vec::new();
    let mut rest = String::new();
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        let (before, first) = line.split_once("use ").unwrap_or((line, ""));
        let is_public = before.starts_with("pub") && !before.contains("fn");
        if first.is_empty() || !(before.is_empty() || is_public) {
            rest += line;
            rest += "\n";
            continue;
        }
        let mut tree = first.to_owned();
        while !tree.contains(';') {
            tree += lines.next().unwrap_or(";").trim();
        }
        let tree = tree.split(';').next().unwrap();
        paths.extend(expanded(tree).into_iter().map(|path| (path, is_public)));
    }
    let word = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let inline = rest.split("crate::").skip(1).map(|part| part.split(|c| !word(c)).next().unwrap());
    paths.extend(inline.map(|path| (format!("crate::{path}"), false)));
    let absolute = |path: &str| -> Option<Vec<String>> {
        let parts: Vec<String> = path.split("::").map(|part| part.trim().to_owned()).collect();
        let child = || [own.as_slice(), &parts[..1]].concat();
        match parts[0].as_str() {
            "crate" => Some(parts[1..].to_vec()),
            "super" => Some([&own[..own.len() - 1], &parts[1..]].concat()),
            "self" => Some([own.as_slice(), &parts[1..]].concat()),
            _ => files.contains(&child()).then(|| [own.as_slice(), &parts].concat()),
        }
    };
    paths.iter().filter_map(|(path, is_public)| Some((absolute(path)?, *is_public))).collect()
}

/// What a file imports, and what that imports, and so on.
fn reached<'f>(file: &'f str, below: &BTreeMap<&'f str, BTreeSet<&'f str>>) -> BTreeSet<&'f str> {
    let (mut seen, mut next) = (BTreeSet::new(), vec![file]);
    while let Some(file) = next.pop() {
        let more = below.get(file).into_iter().flatten();
        next.extend(more.filter(|&&file| seen.insert(file)));
    }
    seen
}

/// A `mod.rs` says what its folder is for and belongs to every file of it; circles are those of files
/// beside each other.
#[test]
fn no_new_files_import_each_other_in_a_circle() {
    let is_test = |path: &str| path.ends_with("tests.rs") || path.contains("/tests/");
    let sources: Vec<(String, String)> =
        source_files().into_iter().filter(|(path, _)| !is_test(path)).collect();
    let files: BTreeSet<Vec<String>> = sources.iter().map(|(path, _)| module_path(path)).collect();
    let mut handed_on = BTreeMap::new();
    let mut named = Vec::new();
    for (path, text) in &sources {
        let own = module_path(path);
        for (target, is_public) in named_paths(path, &code(text), &files) {
            if is_public {
                let name = [own.as_slice(), &target[target.len() - 1..]].concat();
                handed_on.insert(name, target.clone());
            }
            named.push((path.as_str(), target));
        }
    }
    let home = |target: &[String]| -> Option<Vec<String>> {
        let mut target = target.to_vec();
        for _ in 0..4 {
            let known = |length: &usize| handed_on.contains_key(&target[..*length]);
            let Some(length) = (1..=target.len()).rev().find(known) else { break };
            target = [&handed_on[&target[..length]], &target[length..]].concat();
        }
        let length = (1..=target.len()).rev().find(|&length| files.contains(&target[..length]))?;
        Some(target[..length].to_vec())
    };
    let by_path: BTreeMap<Vec<String>, &str> =
        sources.iter().map(|(path, _)| (module_path(path), path.as_str())).collect();
    let mut below: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (path, target) in named {
        let Some(&target) = home(&target).and_then(|home| by_path.get(&home)) else { continue };
        if target != path && !target.ends_with("mod.rs") && !path.ends_with("mod.rs") {
            below.entry(path).or_default().insert(target);
        }
    }
    let all: BTreeMap<&str, BTreeSet<&str>> =
        below.keys().map(|&file| (file, reached(file, &below))).collect();
    let in_circle = |file: &str| -> Vec<&str> {
        let mutual = |other: &&&str| all.get(**other).is_some_and(|reach| reach.contains(file));
        all[file].iter().filter(mutual).copied().collect()
    };
    let circles: BTreeSet<Vec<&str>> =
        all.keys().map(|file| in_circle(file)).filter(|circle| !circle.is_empty()).collect();
    let allowed: BTreeSet<Vec<&str>> = CIRCLES.iter().map(|circle| circle.to_vec()).collect();
    let new: Vec<_> = circles.difference(&allowed).collect();
    assert!(new.is_empty(), "files import each other in a circle: {new:?}");
    let gone: Vec<_> = allowed.difference(&circles).collect();
    assert!(gone.is_empty(), "these circles are gone, take them from the list: {gone:?}");
}

#[test]
fn the_wire_stays_at_the_edge() {
    for (path, text) in source_files() {
        let may = ["server/", "client/"].iter().any(|folder| path.starts_with(folder));
        let may = may || path == "lib.rs";
        assert!(
            may || !code(&text).contains("crate::proto"),
            "src/{path} imports the wire's types"
        );
    }
}

#[test]
fn every_foreign_crate_has_one_home() {
    let mut wrong = Vec::new();
    for (path, text) in source_files() {
        if path.ends_with("tests.rs") || path.contains("/tests/") {
            continue;
        }
        let code = code(&text);
        for (name, homes) in HOMES {
            let named = code.match_indices(&format!("{name}::")).any(|(at, _)| {
                let before = code[..at].chars().next_back().unwrap_or(' ');
                !before.is_alphanumeric() && before != '_' && before != ':'
            });
            let at_home = homes.iter().any(|home| path.starts_with(home));
            if named && !at_home {
                wrong.push(format!("src/{path} names {name}; its home is {homes:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_floor_table_of_the_documentation_is_this_one() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    for (module, floor) in FLOORS {
        let row = lib.lines().find(|line| line.starts_with(&format!("//! | {floor} |"))).unwrap();
        assert!(row.contains(&format!("[`{module}`]")), "lib.rs: {module} is on floor {floor}");
    }
}
