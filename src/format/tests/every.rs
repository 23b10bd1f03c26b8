//! Every format in one harness: what is written is read back, and no prefix and no flipped byte of a
//! small file is more than rows or an error.

use super::arrays::npz_file;
use super::vectors::{fasttext, finalfusion_file, ftz, gguf_file, magnitude_file};
use super::{binary, read_files, table, written, written_files};
use crate::error::ErrorKind;
use crate::format::{Compression, Format, Options};
use crate::table::view::View;

/// Words with what some formats stumble over.
fn small() -> View {
    table(&[
        (b"the", &[0.5, -1e-7]),
        (b"caf\xC3\xA9", &[1.0, 8.625]),
        (b"a \"b\", c", &[-3.25, f32::MAX]),
        (b"#", &[f32::MIN_POSITIVE, -0.0]),
    ])
}

/// Files by name.
type Source = Vec<(String, Vec<u8>)>;

fn borrowed(files: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    files.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect()
}

fn rows(table: &View) -> Vec<(Vec<u8>, Vec<u32>)> {
    let bits = |row| table.vector(row).iter().map(|value| value.to_bits()).collect();
    table.rows().map(|row| (table.word(row).to_vec(), bits(row))).collect()
}

/// A small good source of each format that is read.
fn good() -> Vec<(Format, Source)> {
    let mut sources = Vec::new();
    for format in Format::ALL {
        if format.is_written() && !matches!(format, Format::Projector | Format::Word2vecBinary) {
            sources.push((format, written_files(&small(), format, "small").unwrap()));
        }
    }
    let one = |format, name: &str, bytes| (format, vec![(name.to_owned(), bytes)]);
    let words = || ("small.words.txt".to_owned(), b"a\nb\n".to_vec());
    let plain = binary("2 2\n", &[(b"a", &[1.0, 2.0]), (b"b", &[3.0, 4.0])]);
    sources.push(one(Format::Word2vecBinary, "small.bin", plain));
    sources.push(one(Format::Fasttext, "small.bin", fasttext(Some(12), 1)));
    sources.push(one(Format::Fasttext, "small.bin", fasttext(None, 1)));
    sources.push(one(Format::Fasttext, "small.ftz", ftz()));
    sources.push(one(Format::Finalfusion, "small.fifu", finalfusion_file()));
    sources.push(one(Format::Gguf, "small.gguf", gguf_file(8)));
    sources.push(one(Format::Npz, "small.npz", npz_file()));
    sources.push(one(Format::Magnitude, "small.magnitude", magnitude_file()));
    for name in ["ann.hdf5", "new.hdf5"] {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/formats/").to_owned() + name;
        sources.push(one(Format::Hdf5, "small.hdf5", std::fs::read(path).unwrap()));
    }
    sources.push(one(Format::Gensim, "small.kv", super::pickle::KEYED_VECTORS.to_vec()));
    sources.push(one(Format::Gensim, "small.kv", super::pickle::FASTTEXT.to_vec()));
    let torch = [super::pickle::TORCH, super::pickle::OLD_TORCH].map(<[u8]>::to_vec);
    for file in torch {
        let words = ("small.words.txt".to_owned(), b"a\nb\nc\n".to_vec());
        sources.push((Format::Torch, vec![("small.pt".to_owned(), file), words]));
    }
    let fbin = [2_u32.to_le_bytes(), 1_u32.to_le_bytes(), [0; 4], [1; 4]].concat();
    sources.push((Format::Fbin, vec![("small.fbin".to_owned(), fbin), words()]));
    let floret = b"2 2 1 3 2 7 < >\n0 1.0 2.0\n1 0.5 0.25\n".to_vec();
    sources.push((Format::Floret, vec![("small.floret".to_owned(), floret), words()]));
    sources
}

/// `WORDSPACE_SEEDS=folder cargo test good_files` writes them, for `tests/fuzz/run` to begin with.
#[test]
#[expect(clippy::disallowed_methods, reason = "seeds for fuzzing are written for one use")]
fn good_files_of_every_format_are_told() {
    for (number, (format, files)) in good().into_iter().enumerate() {
        assert_eq!(read_files(&borrowed(&files), &Options::default()).unwrap().format, format);
        let Ok(folder) = std::env::var("WORDSPACE_SEEDS") else { continue };
        for folder in [format.name(), "told"].map(|name| format!("{folder}/{name}")) {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(format!("{folder}/{}-{number}", format.name()), &files[0].1).unwrap();
        }
    }
}

#[test]
fn what_is_written_is_read_back_and_told_by_its_content() {
    let table = small();
    for format in Format::ALL.into_iter().filter(|format| format.is_written()) {
        if matches!(format, Format::Projector | Format::Word2vecBinary) {
            continue;
        }
        // Neither name nor format helps.
        let files = written_files(&table, format, "small").unwrap();
        let contents = read_files(&borrowed(&files), &Options::default()).unwrap();
        assert_eq!(contents.format, format);
        assert_eq!(contents.rows, rows(&table), "{}", format.name());
        assert_eq!(contents.faults, [], "{}", format.name());
        assert_eq!(files, written_files(&table, format, "small").unwrap(), "the same bytes");
    }
}

#[test]
fn words_that_are_not_utf8_go_where_they_can() {
    let table = table(&[(b"\xFF\x00", &[0.5]), (b"a\nb", &[1.5]), (b"\r", &[2.5])]);
    for format in Format::ALL.into_iter().filter(|format| format.is_written()) {
        let can = matches!(
            format,
            Format::Safetensors
                | Format::Csv
                | Format::Tsv
                | Format::Parquet
                | Format::Arrow
                | Format::Wordspace
        );
        match written_files(&table, format, "odd") {
            Ok(files) => {
                assert!(can, "{}", format.name());
                let contents = read_files(&borrowed(&files), &Options::default()).unwrap();
                assert_eq!(contents.rows, rows(&table), "{}", format.name());
            }
            Err(error) => {
                assert!(!can, "{}: {error}", format.name());
                assert!(matches!(error.kind(), ErrorKind::Unsuited { .. }), "{error}");
            }
        }
    }
}

/// Every byte of an archive but those between its sections counts.
#[test]
fn an_archive_is_what_was_written_or_refused() {
    let table = table(&[(b"a", &[0.5, 1.0]), (b"b", &[2.0, -1.0])]);
    let files = written_files(&table, Format::Wordspace, "t.wordspace").unwrap();
    let (name, good) = &files[0];
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 1 << (at % 8);
        for bytes in [&bytes[..], &good[..at]] {
            match read_files(&[(name.as_str(), bytes)], &Options::default()) {
                Ok(contents) => assert_eq!(contents.rows, rows(&table), "byte {at}"),
                Err(error) => assert!(
                    matches!(
                        error.kind(),
                        ErrorKind::Malformed { .. } | ErrorKind::ForeignVersion { .. }
                    ),
                    "byte {at}: {error}"
                ),
            }
        }
    }
}

#[test]
fn the_projector_has_a_line_a_vector_and_a_line_a_word_without_a_header() {
    let table = table(&[(b"a", &[0.5, 1.0]), (b"b", &[2.0, -1.0])]);
    let files = written_files(&table, Format::Projector, "p.tsv").unwrap();
    let texts: Vec<_> = borrowed(&files);
    assert_eq!(texts[0], ("p.tsv", b"0.5\t1.0\n2.0\t-1.0\n".as_slice()));
    assert_eq!(texts[1], ("p.metadata.tsv", b"a\nb\n".as_slice()));
}

#[test]
fn every_compression_is_told_by_content() {
    let plain = written(&small(), Format::Csv, false).unwrap();
    let npy = written_files(&small(), Format::Npy, "small").unwrap();
    for (compression, suffix) in [(Compression::Zstd, ".zst"), (Compression::Bzip2, ".bz2")]
        .into_iter()
        .chain([(Compression::Xz, ".xz"), (Compression::Gzip, ".gz"), (Compression::Zip, ".zip")])
    {
        let name = format!("small.csv{suffix}");
        let packed = pack(&plain, compression);
        let contents = read_files(&[(&name, &packed)], &Options::default()).unwrap();
        assert_eq!((contents.compression, contents.rows), (compression, rows(&small())));
        let packed_npy = pack(&npy[0].1, compression);
        if compression != Compression::Zip {
            let files = [("small.npy.x", packed_npy.as_slice()), ("small.words.txt", &npy[1].1)];
            let contents = read_files(&files, &Options::default()).unwrap();
            assert_eq!((contents.format, contents.rows), (Format::Npy, rows(&small())));
        }
        for length in 0..packed.len() {
            // A shorter file may end between two streams, never with all rows.
            let read = read_files(&[(&name, &packed[..length])], &Options::default());
            assert!(!read.is_ok_and(|read| read.rows.len() == 4), "{name} cut to {length}");
        }
    }
}

fn pack(bytes: &[u8], compression: Compression) -> Vec<u8> {
    use std::io::{Cursor, Read as _, Write as _};
    let mut packed = Vec::new();
    match compression {
        Compression::None => packed = bytes.to_vec(),
        Compression::Gzip => packed = super::gzip(bytes),
        Compression::Bzip2 => {
            let level = bzip2::Compression::fast();
            bzip2::read::BzEncoder::new(bytes, level).read_to_end(&mut packed).unwrap();
        }
        Compression::Zstd => packed = zstd::encode_all(bytes, 0).unwrap(),
        Compression::Xz => {
            liblzma::read::XzEncoder::new(bytes, 0).read_to_end(&mut packed).unwrap();
        }
        Compression::Zip => {
            let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
            let options = zip::write::SimpleFileOptions::default();
            archive.start_file("../small.csv", options).unwrap();
            archive.write_all(bytes).unwrap();
            packed = archive.finish().unwrap().into_inner();
        }
    }
    packed
}

/// Reads a source told by itself and as its format; any outcome but rows and a known error fails.
fn try_all(files: &[(&str, &[u8])], format: Format) {
    for wanted in [None, Some(format)] {
        let options = Options { wanted, ..Options::default() };
        if let Err(error) = read_files(files, &options) {
            let known =
                matches!(error.kind(), ErrorKind::Malformed { .. } | ErrorKind::TooLarge { .. });
            assert!(known, "{}: {error}", format.name());
        }
    }
}

#[test]
fn every_prefix_and_every_flipped_byte_of_every_format() {
    for (format, files) in good() {
        for (file, (_, bytes)) in files.iter().enumerate() {
            let mut mutant = borrowed(&files);
            // A database is long and mostly empty.
            let step = if bytes.len() > 4_096 { 61 } else { 1 };
            for length in (0..bytes.len()).step_by(step) {
                mutant[file].1 = &bytes[..length];
                try_all(&mutant, format);
            }
            for i in (0..bytes.len()).step_by(step) {
                for flip in [0x01, 0x80, 0xFF] {
                    let mut flipped = bytes.clone();
                    flipped[i] ^= flip;
                    let mut mutant = borrowed(&files);
                    mutant[file].1 = &flipped;
                    try_all(&mutant, format);
                }
            }
        }
    }
}

/// Numbers that readers must not believe.
const CLAIMS: [&[u8]; 6] = [
    &[0xFF; 8],
    &[0, 0, 0, 0, 0, 0, 0, 0x10],
    &[0xFF, 0xFF, 0xFF, 0x7F],
    b"1152921504606846976",
    b"-1",
    b"1e308",
];

/// Files with parts cut out, doubled, moved, taken from another file, or claiming too much: each is
/// an error or rows, at once. `WORDSPACE_MUTANTS=500 cargo test mutants` is the long form, with so
/// many of each format; 20 is the short.
#[test]
fn mutants_of_every_format() {
    let mutants = std::env::var("WORDSPACE_MUTANTS").map_or(20, |count| count.parse().unwrap());
    let sources = good();
    let others: Vec<&[u8]> =
        sources.iter().flat_map(|(_, files)| files).map(|(_, bytes)| bytes.as_slice()).collect();
    let mut state = 7_u64;
    let mut below = |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % end.max(1)
    };
    for (format, files) in &sources {
        for _ in 0..mutants {
            let file = below(files.len());
            let mut bytes = files[file].1.clone();
            for _ in 0..=below(3) {
                let start = below(bytes.len());
                let end = (start + 1 + below(64)).min(bytes.len());
                let other = others[below(others.len())];
                let from = below(other.len());
                let put = match below(6) {
                    0 => Vec::new(),
                    1 => bytes[start..end].repeat(2),
                    2 => other[from..(from + 64).min(other.len())].to_vec(),
                    3 => CLAIMS[below(CLAIMS.len())].to_vec(),
                    4 => bytes[start..end].iter().rev().copied().collect(),
                    _ => vec![u8::try_from(below(256)).unwrap(); end - start],
                };
                let end = if put.len() < 20 { start + put.len() } else { end };
                bytes.splice(start..end.min(bytes.len()), put);
            }
            let mut mutant = borrowed(files);
            mutant[file].1 = &bytes;
            let began = std::time::Instant::now();
            try_all(&mutant, *format);
            assert!(began.elapsed().as_secs() < 5, "{}: {bytes:?}", format.name());
        }
    }
}
