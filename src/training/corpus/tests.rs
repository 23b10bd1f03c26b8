//! Tests of the corpus.

use super::*;

fn bounds(ids_bytes: usize, words_bytes: usize) -> Bounds {
    Bounds { ids_bytes, words_bytes, spill: Box::new(|| tempfile::tempfile().map_err(Error::disk)) }
}

fn ids(corpus: &Corpus) -> Vec<u32> {
    let (mut all, mut block) = (Vec::new(), Vec::new());
    loop {
        corpus.read(all.len() as u64, 1_000, &mut block).unwrap();
        if block.is_empty() {
            return all;
        }
        all.append(&mut block);
    }
}

fn read(text: &[u8], threads: usize, bounds: Bounds, keep: Keep) -> Result<Corpus> {
    let mut encoder = Encoder::new(bounds);
    encoder.text(&mut &*text, threads, &|| Ok(()))?;
    encoder.finish(keep)
}

const ALL: Keep = Keep { min_count: 1, words_max: usize::MAX };
const MUCH: usize = usize::MAX;

#[test]
fn words_are_sorted_by_count_and_then_by_first_sight_and_sentences_end() {
    let text = b"the cat\tsat\n\n  on the mat \nb\xffad a\0b cat";
    let corpus = read(text, 1, bounds(MUCH, MUCH), ALL).unwrap();
    let words: Vec<&[u8]> =
        (0..corpus.words.len()).map(|id| corpus.words.word(row_id(id))).collect();
    let expected: [&[u8]; 7] = [b"the", b"cat", b"sat", b"on", b"mat", b"b\xffad", b"a\0b"];
    assert_eq!(words, expected);
    assert_eq!(corpus.counts(), [2, 2, 1, 1, 1, 1, 1]);
    assert_eq!(ids(&corpus), [0, 1, 2, END, 3, 0, 4, END, 5, 6, 1, END]);
    assert_eq!(corpus.sentence_from(1).unwrap(), 4);
    assert_eq!(corpus.sentence_from(4).unwrap(), 4);
    assert_eq!((corpus.totals().tokens, corpus.totals().sentences), (9, 3));
    let two = Keep { min_count: 2, words_max: usize::MAX };
    let corpus = read(text, 1, bounds(MUCH, MUCH), two).unwrap();
    assert_eq!(ids(&corpus), [0, 1, END, 0, END, 1, END]);
    assert_eq!((corpus.totals().rare_words, corpus.totals().rare_tokens), (5, 5));
    let one = Keep { min_count: 1, words_max: 1 };
    assert_eq!(read(text, 1, bounds(MUCH, MUCH), one).unwrap().counts(), [2]);
}

/// Several blocks of words of which the later ones are new, and a line longer than a block.
fn long_text() -> Vec<u8> {
    let mut text = Vec::new();
    for i in 0..60_000_u32 {
        let word = if i % 3 == 0 { i } else { i.wrapping_mul(7_919) % 500 };
        text.extend_from_slice(format!("w{word}").as_bytes());
        text.push(if i % 11 == 0 && i < 30_000 { b'\n' } else { b' ' });
    }
    text
}

#[test]
fn threads_and_files_change_nothing() {
    let text = long_text();
    let plain = read(&text, 1, bounds(MUCH, MUCH), ALL).unwrap();
    assert_eq!(plain.totals().tokens, 60_000);
    for (threads, memory) in [(2, MUCH), (3, 0), (1, 300_000)] {
        let other = read(&text, threads, bounds(memory, MUCH), ALL).unwrap();
        assert_eq!(other.counts(), plain.counts());
        assert_eq!(other.words.words(0..9_000), plain.words.words(0..9_000));
        assert!(ids(&other) == ids(&plain), "{threads} threads, {memory} bytes of memory");
    }
}

#[test]
fn a_corpus_is_the_same_in_a_file_and_a_changed_one_is_refused() {
    use std::sync::Arc;

    use crate::container::{Container, Kind, Writer};

    const KIND: Kind = Kind { name: "test", version: 1, advice: "" };
    let text = long_text();
    let plain = read(&text, 1, bounds(0, MUCH), ALL).unwrap();
    let mut out = Writer::new(Vec::new(), KIND, 0).unwrap();
    plain.write(&mut out).unwrap();
    let (file, sealed) = out.finish().unwrap();
    assert!(plain.file_bytes().abs_diff(sealed.bytes) < 4_096, "{}", sealed.bytes);
    let opened = |file: Vec<u8>, ids_bytes| {
        let file = Container::open(Arc::new(file), String::new(), KIND).unwrap();
        Corpus::open(&file, bounds(ids_bytes, MUCH))
    };
    for ids_bytes in [0, MUCH] {
        let other = opened(file.clone(), ids_bytes).unwrap();
        assert_eq!((other.counts(), other.totals()), (plain.counts(), plain.totals()));
        assert_eq!(other.words.words(0..9_000), plain.words.words(0..9_000));
        assert!(ids(&other) == ids(&plain));
    }
    // Numbers that are none of words, words twice, and too few counts are as wrong as a damaged byte.
    let written = |words: &[&[u8]], counts: &[u64], numbers: &[u32]| {
        let mut out = Writer::new(Vec::new(), KIND, 0).unwrap();
        out.section("totals", 64).unwrap();
        out.write(&serde_json::to_vec(&Totals::default()).unwrap()).unwrap();
        out.section("words", 64).unwrap();
        for word in words {
            out.write(&u32::try_from(word.len()).unwrap().to_le_bytes()).unwrap();
            out.write(word).unwrap();
        }
        out.section("counts", 64).unwrap();
        for count in counts {
            out.write(&count.to_le_bytes()).unwrap();
        }
        out.section("numbers", 64).unwrap();
        for number in numbers {
            out.write(&number.to_le_bytes()).unwrap();
        }
        opened(out.finish().unwrap().0, MUCH).is_ok()
    };
    assert!(written(&[b"a", b"b"], &[2, 1], &[0, 1, END, 0]));
    assert!(!written(&[b"a", b"b"], &[2, 1], &[0, 2]));
    assert!(!written(&[b"a", b"a"], &[2, 1], &[0]));
    assert!(!written(&[b"a", b""], &[2, 1], &[0]));
    assert!(!written(&[b"a", b"b"], &[2], &[0]));
    assert!(!written(&[b"a", b"b"], &[1, 2], &[0]));
}

#[test]
fn the_rarest_words_go_when_memory_ends_and_are_told() {
    let text = long_text();
    for threads in [1, 2] {
        let corpus = read(&text, threads, bounds(0, 100_000), ALL).unwrap();
        let totals = corpus.totals();
        assert!(totals.rare_words > 10_000, "{totals:?}");
        assert_eq!(totals.tokens, totals.rare_tokens + corpus.tokens());
        // The frequent ones kept every occurrence.
        assert!(corpus.counts()[..490].iter().all(|&count| count >= 70), "{totals:?}");
        let known = ids(&corpus).into_iter().filter(|&id| id != END).count();
        assert_eq!(known as u64, corpus.tokens());
    }
}

#[test]
fn bad_input_is_an_error_or_is_counted() {
    let empty = read(b" \n\n ", 2, bounds(MUCH, MUCH), ALL).unwrap_err();
    assert!(empty.to_string().contains("no tokens"), "{empty}");
    let five = Keep { min_count: 5, words_max: 10 };
    let rare = read(b"a a b", 1, bounds(MUCH, MUCH), five).unwrap_err().to_string();
    assert!(rare.contains("occurs 2 times, and min_count is 5"), "{rare}");
    let mut long = vec![b'x'; 3 * limits::WORD_BYTES_MAX];
    long.extend_from_slice(b" y ");
    let corpus = read(&long, 2, bounds(MUCH, MUCH), ALL).unwrap();
    assert_eq!((corpus.totals().too_long, corpus.totals().tokens), (1, 2));
    let mut encoder = Encoder::new(bounds(MUCH, MUCH));
    let stop = || Err(Error::new(crate::error::ErrorKind::Cancelled));
    assert!(encoder.text(&mut &*long, 1, &stop).is_err());
}
