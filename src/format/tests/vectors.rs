//! Files whose rows are not simply there: n-grams, codes, norms apart, blocks, rows of a database.

use super::{open_all, read, read_files, refusal};
use crate::format::tests::arrays::le;
use crate::format::{Format, Options};

/// A model with the words `a`, `</s>` and a word that is not UTF-8, and two buckets.
pub(super) fn fasttext(version: Option<i32>, model: i32) -> Vec<u8> {
    let mut file = Vec::new();
    if let Some(version) = version {
        file.extend(793_712_314_i32.to_le_bytes());
        file.extend(version.to_le_bytes());
    }
    for arg in [2, 5, 5, 1, 5, 1, 2, model, 2, 1, 3, 100] {
        file.extend(i32::to_le_bytes(arg));
    }
    file.extend(1e-4_f64.to_le_bytes());
    let words: [&[u8]; 3] = [b"a", b"</s>", b"\xFFz"];
    for count in [4, 3, 1] {
        file.extend(i32::to_le_bytes(count));
    }
    file.extend(9_i64.to_le_bytes());
    if version.is_some() {
        file.extend((-1_i64).to_le_bytes());
    }
    for (word, kind) in
        words.into_iter().map(|word| (word, 0)).chain([(b"__label__x".as_slice(), 1)])
    {
        file.extend(word);
        file.push(0);
        file.extend(3_i64.to_le_bytes());
        file.push(kind);
    }
    if version.is_some() {
        file.push(0);
    }
    file.extend(5_i64.to_le_bytes());
    file.extend(2_i64.to_le_bytes());
    file.extend(le(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 10.0, 20.0, 100.0, 200.0]));
    file
}

#[test]
fn a_fasttext_word_is_the_mean_of_its_row_and_its_n_grams() {
    for version in [Some(12), Some(11), None] {
        let file = fasttext(version, 1);
        let contents = read_files(&[("x.bin", &file)], &Options::default()).unwrap();
        assert_eq!(contents.format, Format::Fasttext);
        assert_eq!(contents.rows[2].0, b"\xFFz");
        assert_eq!(contents.values(1), [3.0, 4.0], "the end of a line has no n-grams");
        // `<a`, `<a>`, `a`, `a>`; the brackets alone do not count.
        let opened = open_all(&[("x.bin", &file)], &Options::default()).unwrap();
        let subwords = opened.subwords.unwrap();
        let mut buckets = Vec::new();
        subwords.each_bucket(b"a", |bucket| buckets.push(bucket));
        assert_eq!(buckets.len(), 4);
        let sum =
            buckets.iter().fold(1.0, |sum, &b| sum + [10.0, 100.0][usize::try_from(b).unwrap()]);
        let mean = sum * (1.0_f32 / 5.0);
        assert_eq!(contents.values(0)[0].to_bits(), mean.to_bits());
        assert_eq!(
            subwords.vector(b"").unwrap().map(|vector| vector.len()),
            Some(2),
            "`<>` has n-grams"
        );
    }
    let supervised = fasttext(Some(11), 3);
    let contents = read_files(&[("x.bin", &supervised)], &Options::default()).unwrap();
    assert_eq!(contents.values(0), [1.0, 2.0], "an old supervised model has no n-grams");
}

/// A quantized model: one part of two components, norms apart, and of two buckets one kept.
pub(super) fn ftz() -> Vec<u8> {
    let whole = fasttext(Some(12), 3);
    let matrix = whole.len() - (1 + 16 + 40);
    let mut file = whole[..matrix].to_vec();
    // The kept buckets: their count behind the counts, the pair behind the entries.
    let count = 8 + 48 + 8 + 12 + 8;
    file[count..count + 8].copy_from_slice(&1_i64.to_le_bytes());
    file.extend([1_i32.to_le_bytes(), 0_i32.to_le_bytes()].concat());
    file.extend([1, 1]);
    file.extend([4_i64.to_le_bytes(), 2_i64.to_le_bytes()].concat());
    file.extend(4_i32.to_le_bytes());
    file.extend([3, 2, 1, 0]);
    for int in [2, 1, 2, 2] {
        file.extend(i32::to_le_bytes(int));
    }
    file.extend((0_u16..256).flat_map(|i| le(&[f32::from(i), 1.0])));
    file.extend([0, 1, 0, 1]);
    for int in [1, 1, 1, 1] {
        file.extend(i32::to_le_bytes(int));
    }
    file.extend((0_u16..256).flat_map(|i| le(&[f32::from(i + 1)])));
    file
}

#[test]
fn a_quantized_model_has_norms_apart_and_only_kept_buckets() {
    let file = ftz();
    let contents = read_files(&[("x.ftz", &file)], &Options::default()).unwrap();
    assert_eq!(contents.values(1), [4.0, 2.0], "centroid 2 of the row, norm 2");
    let opened = open_all(&[("x.ftz", &file)], &Options::default()).unwrap();
    let subwords = opened.subwords.unwrap();
    let mut kept = 0;
    subwords.each_bucket(b"a", |bucket| kept += u16::from(bucket == 1));
    // Bucket 1 is row 0 behind the words: centroid 0, norm 2.
    let expected = [3.0, 1.0 + 2.0 * f32::from(kept)].map(|sum| sum / f32::from(1 + kept));
    let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
    assert!(contents.values(0).iter().zip(&expected).all(near), "{:?}", contents.values(0));
}

/// Words by finalfusion's hash with four buckets, and norms.
pub(super) fn finalfusion_file() -> Vec<u8> {
    let mut file = b"FiFu".to_vec();
    let u32s = |file: &mut Vec<u8>, numbers: &[u32]| {
        file.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
    };
    u32s(&mut file, &[0, 3, 3, 2, 6, 3]);
    file.extend(((8 + 12 + 5 + 6) as u64).to_le_bytes());
    file.extend(2_u64.to_le_bytes());
    u32s(&mut file, &[3, 6, 2, 1]);
    file.push(b'a');
    u32s(&mut file, &[2]);
    file.extend(b"\xC3\xA9");
    for (kind, rows, sizes, numbers) in [
        (2, 6_u64, vec![2, 10], vec![0.6, 0.8, 1.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]),
        (6, 2, vec![10], vec![10.0, 0.5]),
    ] {
        u32s(&mut file, &[kind]);
        let begin = file.len() + 8;
        let padding = 4 - (begin + 8 + 4 * sizes.len()) % 4;
        let length = 8 + 4 * sizes.len() + padding + 4 * numbers.len();
        file.extend((length as u64).to_le_bytes());
        file.extend(rows.to_le_bytes());
        u32s(&mut file, &sizes);
        file.extend(vec![0; padding]);
        file.extend(le(&numbers));
    }
    file
}

#[test]
fn finalfusion_vectors_have_their_own_length_again() {
    let file = finalfusion_file();
    let contents = read_files(&[("x", &file)], &Options::default()).unwrap();
    assert_eq!(contents.words(), ["a", "\u{e9}"]);
    assert_eq!((contents.values(0), contents.values(1)), (vec![6.0, 8.0], vec![0.5, 0.0]));
    let opened = open_all(&[("x", &file)], &Options::default()).unwrap();
    let unseen = opened.subwords.unwrap().vector(b"abc").unwrap().unwrap();
    assert!(unseen.iter().all(|value| (value - 0.5_f32.sqrt()).abs() < 1e-6), "{unseen:?}");
}

/// A table of two tokens, of one block each row, of this type.
pub(super) fn gguf_file(kind: u32) -> Vec<u8> {
    let mut file = b"GGUF".to_vec();
    let text = |file: &mut Vec<u8>, text: &str| {
        file.extend((text.len() as u64).to_le_bytes());
        file.extend(text.as_bytes());
    };
    file.extend(3_u32.to_le_bytes());
    file.extend([1_u64.to_le_bytes(), 2_u64.to_le_bytes()].concat());
    text(&mut file, "general.name");
    file.extend(8_u32.to_le_bytes());
    text(&mut file, "x");
    text(&mut file, "tokenizer.ggml.tokens");
    file.extend([9_u32.to_le_bytes(), 8_u32.to_le_bytes()].concat());
    file.extend(2_u64.to_le_bytes());
    text(&mut file, "a");
    text(&mut file, "<0x0A>");
    text(&mut file, "token_embd.weight");
    let (dim, size) = match kind {
        2 => (32_u64, 18),
        8 => (32, 34),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        _ => (1, 4),
    };
    file.extend(2_u32.to_le_bytes());
    file.extend([dim.to_le_bytes(), 2_u64.to_le_bytes()].concat());
    file.extend(kind.to_le_bytes());
    file.extend(0_u64.to_le_bytes());
    file.resize(file.len().next_multiple_of(32), 0);
    // Bytes whose scales are small numbers.
    file.extend(
        (0..2 * size)
            .map(|i: usize| if i % 2 == 1 { 0x2C } else { u8::try_from(i % 251).unwrap() }),
    );
    file
}

#[test]
fn gguf_blocks_become_rows_of_their_dimension() {
    for (kind, dim) in [(0, 1), (2, 32), (8, 32), (12, 256), (13, 256), (14, 256)] {
        let contents = read_files(&[("x.gguf", &gguf_file(kind))], &Options::default()).unwrap();
        assert_eq!((contents.dim, contents.words().join(" ")), (dim, "a <0x0A>".to_owned()));
    }
    let contents = read_files(&[("x.gguf", &gguf_file(8))], &Options::default()).unwrap();
    // A scale of 0x2C00, 1/16, and the bytes behind it.
    assert_eq!(contents.values(0)[..4], [0.125, 2.75, 0.25, 2.75]);
}

pub(super) fn magnitude_file() -> Vec<u8> {
    let mut database = rusqlite::Connection::open_in_memory().unwrap();
    database
        .execute_batch(
            "CREATE TABLE magnitude (key TEXT COLLATE NOCASE, dim_0 INTEGER, dim_1 INTEGER, magnitude \
             REAL);
             CREATE TABLE magnitude_format (key TEXT COLLATE NOCASE, value INTEGER);
             INSERT INTO magnitude_format VALUES ('size', 2), ('dim', 2), ('precision', 2);
             INSERT INTO magnitude VALUES ('The', 60, 80, 2.0), ('the', -100, 0, 0.5);",
        )
        .unwrap();
    database.serialize(rusqlite::MAIN_DB).unwrap().to_vec()
}

#[test]
fn magnitude_vectors_have_their_own_length_and_keys_keep_their_case() {
    let contents = read_files(&[("x.magnitude", &magnitude_file())], &Options::default()).unwrap();
    assert_eq!(contents.words(), ["The", "the"]);
    assert_eq!((contents.values(0), contents.values(1)), (vec![1.2, 1.6], vec![-0.5, 0.0]));
}

#[test]
fn a_magnitude_file_computes_nothing() {
    let facts = "CREATE TABLE magnitude_format (key, value)";
    let rows = "CREATE TABLE magnitude (key, dim_0, magnitude)";
    let tables = [
        (facts, "CREATE VIEW magnitude AS SELECT 'a' AS key, 1 AS dim_0, 1.0 AS magnitude"),
        (facts, "CREATE TABLE magnitude (key, dim_0, magnitude AS (hex(zeroblob(400000000))))"),
        (facts, "CREATE TABLE magnitude (key AS (hex(zeroblob(400000000))), dim_0, magnitude)"),
        (
            "CREATE VIEW magnitude_format AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 \
             FROM c) SELECT CAST(x AS TEXT) AS key, x AS value FROM c",
            rows,
        ),
    ];
    for (facts, rows) in tables {
        let mut database = rusqlite::Connection::open_in_memory().unwrap();
        database.execute_batch(facts).unwrap();
        database.execute_batch(rows).unwrap();
        let file = database.serialize(rusqlite::MAIN_DB).unwrap().to_vec();
        let text = refusal(file);
        assert!(text.contains("table named magnitude") || text.contains("are computed"), "{text}");
    }
}

/// Pages that lead to each other in circles or out of order would have rows without end.
#[test]
fn a_damaged_magnitude_file_ends() {
    let mut database = rusqlite::Connection::open_in_memory().unwrap();
    let tables = "CREATE TABLE magnitude_format (key, value);
        CREATE TABLE magnitude (key, dim_0, magnitude);
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 2000)
        INSERT INTO magnitude SELECT 'w' || x, 1, 1.0 FROM c;";
    database.execute_batch(tables).unwrap();
    let mut file = database.serialize(rusqlite::MAIN_DB).unwrap().to_vec();
    assert_eq!(read(&file).unwrap().rows.len(), 2000);
    // In a page that leads to others, the second entry leads where the first one does.
    let page = usize::from(u16::from_be_bytes([file[16], file[17]]));
    let inner = (page..file.len()).step_by(page).find(|&at| file[at] == 5).unwrap();
    let cell = |file: &[u8], i: usize| {
        let at = inner + 12 + 2 * i;
        inner + usize::from(u16::from_be_bytes([file[at], file[at + 1]]))
    };
    let first = cell(&file, 0);
    let child: [u8; 4] = file[first..first + 4].try_into().unwrap();
    let second = cell(&file, 1);
    file[second..second + 4].copy_from_slice(&child);
    let text = refusal(file);
    assert!(text.contains("the table magnitude is damaged"), "{text}");
}
