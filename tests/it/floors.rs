//! Modules import only from lower floors, and every foreign crate has one home.

use std::fs;
use std::path::Path;

use crate::support::source_files;

/// Each module and its floor.
const FLOORS: &[(&str, u32)] = &[
    ("error", 0),
    ("limits", 0),
    // A crate of its own, in `proto/`.
    ("proto", 0),
    ("vector", 1),
    ("container", 1),
    ("text", 2),
    ("table", 3),
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
    ("rayon", &["index/", "text/model/train.rs"]),
    ("memmap2", &["index/codes.rs", "format/source.rs"]),
    ("regex", &["query/filter.rs", "text/ranks.rs", "text/special.rs"]),
    ("tokenizers", &["text/model/"]),
    ("tiktoken_rs", &["text/shipped.rs"]),
    ("ahash", &["text/model/train.rs"]),
    ("jieba_rs", &["text/words/jieba.rs"]),
    ("sled", &["store/"]),
    ("rpds", &["table/"]),
    ("blake3", &["container.rs", "store/"]),
    ("flate2", &["format/"]),
    ("bzip2", &["format/unpack.rs", "format/tests/"]),
    ("liblzma", &["format/unpack.rs", "format/tests/"]),
    ("zstd", &["format/unpack.rs", "format/write.rs", "format/tests/"]),
    ("zip", &["format/archive.rs", "format/tests/"]),
    ("half", &["format/tensor.rs", "format/gguf_blocks.rs"]),
    ("tempfile", &["format/source.rs"]),
    ("bytes", &["format/columns/"]),
    ("arrow_array", &["format/columns/"]),
    ("arrow_buffer", &["format/columns/"]),
    ("arrow_ipc", &["format/columns/"]),
    ("arrow_schema", &["format/columns/"]),
    ("parquet", &["format/columns/"]),
    ("rusqlite", &["format/magnitude.rs", "format/tests/"]),
    ("unicode_segmentation", &["text/"]),
    ("tonic", &["server/", "client.rs"]),
    ("tonic_types", &["server/status.rs", "client.rs"]),
    ("tonic_health", &["server/mod.rs"]),
    ("tonic_reflection", &["server/mod.rs"]),
    ("tower", &["server/mod.rs", "server/front.rs"]),
    ("http_body_util", &["server/mod.rs"]),
    ("tokio", &["server/", "client.rs", "cli/", "main.rs"]),
    ("tokio_stream", &["server/", "client.rs", "cli/"]),
    ("prost_reflect", &["client.rs", "cli/"]),
    ("clap", &["cli/"]),
    ("clap_complete", &["cli/manual.rs"]),
    ("clap_mangen", &["cli/manual.rs"]),
    ("tracing_subscriber", &["cli/mod.rs"]),
    ("wordspace_proto", &["lib.rs"]),
    ("indicatif", &["cli/"]),
    ("arc_swap", &["engine/catalog.rs", "engine/lineage.rs", "engine/tokenizers.rs"]),
];

fn module(path: &str) -> &str {
    path.split('/').next().unwrap().trim_end_matches(".rs")
}

fn floor(module: &str) -> Option<u32> {
    FLOORS.iter().find(|(name, _)| *name == module).map(|&(_, floor)| floor)
}

/// The text without its `#[cfg(test)]` part, doc comments and comments.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
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

#[test]
fn the_wire_stays_at_the_edge() {
    for (path, text) in source_files() {
        let may = path.starts_with("server/") || ["client.rs", "lib.rs"].contains(&path.as_str());
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
