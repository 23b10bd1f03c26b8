//! Rules of the house that a program can check.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{root, source_files};

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in source_files() {
        let first = text.lines().next().unwrap_or("");
        assert!(first.starts_with("//! "), "src/{path}: line one is a sentence behind `//! `");
    }
}

#[test]
fn sources_are_ascii_and_leave_nothing_open() {
    for (path, text) in source_files() {
        for (i, line) in text.lines().enumerate() {
            assert!(line.is_ascii(), "src/{path}:{}: not ASCII", i + 1);
            for word in ["TODO", "FIXME", "XXX", "HACK"] {
                assert!(!line.contains(word), "src/{path}:{}: {word}", i + 1);
            }
        }
    }
}

/// A question that goes through a table looks at its stop flag on the way.
#[test]
fn loops_over_all_rows_are_watched() {
    for (path, text) in source_files() {
        let asks = ["query/", "bias/", "evaluation/"].iter().any(|folder| path.starts_with(folder));
        if !asks || path.ends_with("tests.rs") || path.ends_with("golden.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (i, line) in code.lines().enumerate() {
            let goes_through =
                ["table.rows()", "view.rows()", "original.rows()", "first.rows()", "second.rows()"]
                    .iter()
                    .any(|rows| line.contains(rows));
            assert!(
                !goes_through || line.contains("watched("),
                "src/{path}:{}: go through rows by `steps::watched`",
                i + 1
            );
        }
    }
}

#[test]
fn every_link_of_the_root_documents_leads_somewhere() {
    let mut wrong = Vec::new();
    for entry in fs::read_dir(root()).unwrap() {
        let document = entry.unwrap().path();
        if document.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        let text = fs::read_to_string(&document).unwrap();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap();
            if !file.contains("://") && !file.is_empty() && !root().join(file).exists() {
                wrong.push(format!("{}: {target}", document.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every path in a code span that looks like one of ours is there: documents go stale by names.
#[test]
fn every_path_that_the_root_documents_name_is_there() {
    let mut wrong = Vec::new();
    for name in ["README.md", "ARCHITECTURE.md", "DESIGN.md", "CONTRIBUTING.md"] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        for span in text.split('`').skip(1).step_by(2) {
            let ours = ["src/", "proto/", "tests/", "benches/", "examples/"];
            if ours.iter().any(|folder| span.starts_with(folder))
                && !span.contains([' ', '*', '<', '{'])
                && !root().join(span).exists()
            {
                wrong.push(format!("{name}: {span}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_service_has_its_file() {
    let protos = root().join("proto/wordspace/v1");
    for entry in fs::read_dir(protos).unwrap() {
        let name = PathBuf::from(entry.unwrap().file_name());
        let name = name.file_stem().unwrap().to_str().unwrap();
        let file = root().join(format!("src/server/{name}.rs"));
        // Messages that services share.
        if ["backup", "common"].contains(&name) {
            continue;
        }
        assert!(file.exists(), "{name}.proto has no {}", file.display());
    }
}

/// Only what stands on this list may come in two versions.
/// What tools fetch or pack does not belong beside the documents.
#[test]
fn the_root_has_only_text() {
    for entry in fs::read_dir(root()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(std::str::from_utf8(&bytes).is_ok(), "{}: not text", path.display());
        }
    }
}

#[test]
fn dependencies_come_once_and_from_the_registry() {
    const TWICE: &[&str] = &[
        // blake3 and zip.
        "constant_time_eq",
        // sled 0.34 is from 2021.
        "bitflags",
        "parking_lot",
        "parking_lot_core",
        "redox_syscall",
        // hnsw_rs and what it brings.
        "foldhash",
        "hashbrown",
        "thiserror",
        "thiserror-impl",
        // tokenizers, and proptest.
        "itertools",
        "rand",
        "rand_core",
        // tokenizers, and tiktoken-rs, which is optional.
        "fancy-regex",
        // resvg and what it brings, which is optional.
        "miniz_oxide",
        "roxmltree",
        // The arrow crates.
        "base64",
        "getrandom",
        "r-efi",
        // object_store, which is optional.
        "crypto-common",
        "digest",
        "windows-sys",
        "windows-targets",
        "windows_aarch64_gnullvm",
        "windows_aarch64_msvc",
        "windows_i686_gnu",
        "windows_i686_gnullvm",
        "windows_i686_msvc",
        "windows_x86_64_gnu",
        "windows_x86_64_gnullvm",
        "windows_x86_64_msvc",
        // Only while the contract's code is made: protox and tonic-prost-build.
        "prettyplease",
        "syn",
        "unicode-width",
    ];
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let mut names: Vec<&str> = Vec::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find(|line| line.starts_with(key))?;
            line.split('"').nth(1)
        };
        let name = value("name").unwrap();
        let registry = value("source").is_none_or(|source| source.starts_with("registry+"));
        assert!(registry, "{name} does not come from the registry");
        names.push(name);
    }
    names.sort_unstable();
    let twice: Vec<_> =
        names.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0]).collect();
    let unlisted: Vec<_> = twice.into_iter().filter(|name| !TWICE.contains(name)).collect();
    assert!(unlisted.is_empty(), "in two versions: {unlisted:?}");
}

#[test]
fn the_bundled_vectors_have_their_licence_and_stay_small() {
    let data = root().join("examples/data");
    let size = |path: &Path| fs::metadata(path).map(|metadata| metadata.len()).unwrap();
    assert!(size(&data.join("LICENSE")) > 0);
    assert!(size(&data.join("glove.6B.50d.20k.txt.gz")) <= 5_000_000);
}
