//! Models whose traps are their own, from files made by hand.

use super::{contents, open_all, read, read_files, refusal, with_tensor};
use crate::format::words::Words;
use crate::format::{Choices, Format, Opened, Options, Reason, folder as folder_of, shard};
use crate::table::attributes::AttributeValue;
use crate::text::spec::Kind;

fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\0", length.as_slice(), header.as_bytes(), data].concat()
}

fn le(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

#[test]
fn numpy_arrays_of_both_orders_both_byte_orders_and_every_float() {
    let words = b"a\nb\n".as_slice();
    let be: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|n| n.to_be_bytes()).collect();
    let doubles: Vec<u8> = [1.0_f64, 2.0, 3.0, 4.0].iter().flat_map(|n| n.to_le_bytes()).collect();
    let halves = [0x3C00_u16, 0x4000, 0x4200, 0x4400].map(u16::to_le_bytes).concat();
    let cases = [
        ("<f4", "False", le(&[1.0, 2.0, 3.0, 4.0])),
        ("<f4", "True", le(&[1.0, 3.0, 2.0, 4.0])),
        (">f4", "False", be),
        ("<f8", "False", doubles),
        ("<f2", "False", halves),
        ("|i1", "False", vec![1, 2, 3, 4]),
    ];
    for (descr, fortran, data) in cases {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': (2, 2), }}\n");
        let file = npy(&header, &data);
        let files = [("x.npy", file.as_slice()), ("x.words.txt", words)];
        let contents = read_files(&files, &Options::default()).unwrap();
        assert_eq!((contents.values(0), contents.values(1)), (vec![1.0, 2.0], vec![3.0, 4.0]));
        assert_eq!(contents.words(), ["a", "b"]);
    }
    let object = npy("{'descr': '|O', 'fortran_order': False, 'shape': (2, 2), }", b"");
    let error = read_files(&[("x.npy", &object)], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("an array of objects is a Python pickle"), "{error}");
    let no_words = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }", &[0; 4]);
    let error = read_files(&[("x.npy", &no_words)], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("put x.words.txt, vocab.txt"), "{error}");
    let huge =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976, 2), }", b"");
    assert!(read_files(&[("x.npy", &huge)], &Options::default()).is_err());
}

/// `key2row` of spaCy: "apple" and "coffee" have one row, one word has none, one has no text; "number"
/// is a symbol.
fn key2row() -> Vec<u8> {
    let mut map = vec![0x85];
    let (apple, coffee, number) = (8_566_208_034_543_834_098_u64, 3_197_928_453_018_144_401, 432);
    for (key, row) in [(apple, 1), (coffee, 1), (7, 0), (8, 0xFF), (number, 0)] {
        map.push(0xCF);
        map.extend(key.to_be_bytes());
        map.push(row);
    }
    map
}

#[test]
fn vectors_of_spacy_have_the_words_whose_hashes_say_their_rows() {
    let array =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let (keys, strings) = (key2row(), b"[\"apple\", \"coffee\", \"tea\"]".as_slice());
    let files = [("vectors", array.as_slice()), ("key2row", &keys), ("strings.json", strings)];
    let opened = open_all(&files, &Options::default()).unwrap();
    let told = opened.reader.notes().remove(0).detail;
    assert_eq!(
        told,
        "3 words of strings.json, by their rows in key2row; 2 of its 5 keys have no text there"
    );
    let read = contents(opened).unwrap();
    assert_eq!(read.words(), ["number", "apple", "coffee"]);
    assert_eq!((read.values(0), read.values(1)), (vec![1.0], vec![2.0]));
    let choices = Choices { words: Some("strings.json".to_owned()), ..Choices::default() };
    let options = Options { choices, ..Options::default() };
    assert_eq!(read_files(&files, &options).unwrap().words(), ["number", "apple", "coffee"]);
    let error = read_files(&[files[0], files[2]], &options).unwrap_err().to_string();
    assert!(error.contains("put key2row beside"), "{error}");
    for length in 0..keys.len() {
        let files = [files[0], ("key2row", &keys[..length]), files[2]];
        assert!(read_files(&files, &Options::default()).is_err());
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a folder as spaCy leaves it")]
fn a_folder_has_one_model_if_all_others_are_parts_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    put("w.model", b"\x80\x04.");
    put("w.model.wv.vectors.npy", b"\x93NUMPY\x01\0");
    put("w.model.syn1neg.npy", b"\x93NUMPY\x01\0");
    assert_eq!(folder_of(folder.path()).unwrap(), folder.path().join("w.model"));
    put("b.npy", b"\x93NUMPY\x01\0");
    let error = folder_of(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("name one of them: b.npy, w.model"), "{error}");
    std::fs::create_dir(folder.path().join("vocab")).unwrap();
    put("vocab/vectors", b"\x93NUMPY\x01\0");
    put("strings.json", b"[]");
    let main = folder_of(folder.path()).unwrap();
    assert!(main.ends_with("vocab/vectors"));
    let found = crate::format::companions(&main, None, None).unwrap();
    assert_eq!(found, [("strings.json".to_owned(), folder.path().join("strings.json"))]);
}

#[test]
fn a_list_of_words_may_have_numbers() {
    let words = |text: &str| {
        let words = Words::from_lines(text.as_bytes());
        let number = |row| words.number(row).map(|(_, number)| number);
        let word = |row| String::from_utf8_lossy(words.get(row)).into_owned();
        (0..words.len()).map(|row| (word(row), number(row))).collect::<Vec<_>>()
    };
    let counted = [("the".to_owned(), Some(10.0)), ("of".to_owned(), Some(9.0))];
    for text in [
        "the 10\nof 9\n",
        "the\t10\nof\t9\n",
        "the,10\nof,9",
        "the 10 \r\nof 9 \r\n",
        "the 1e1\nof 9\n",
        "  10 the\n   9 of\n",
        "0\tthe\t10\n1\tof\t9\n",
    ] {
        assert_eq!(words(text), counted, "{text}");
    }
    assert_eq!(words("0\tthe\n1\tof\n"), [("the".to_owned(), None), ("of".to_owned(), None)]);
    let most = format!("{}a b\n", "w 1\n".repeat(9));
    assert_eq!(words(&most)[8..], [("w".to_owned(), Some(1.0)), ("a b".to_owned(), None)]);
    assert_eq!(words("a 1\nb\n"), [("a 1".to_owned(), None), ("b".to_owned(), None)]);
    assert_eq!(Words::from_lines(b"the\t10\tx\nof\t9\ty\n").tab_count(), 2);
}

fn safetensors(entries: &str, data: &[u8]) -> Vec<u8> {
    [(entries.len() as u64).to_le_bytes().as_slice(), entries.as_bytes(), data].concat()
}

#[test]
fn a_checkpoint_is_read_by_its_known_tensor_and_padded_rows_are_told() {
    let header = r#"{"embeddings.position_ids":{"dtype":"I64","shape":[1,1],"data_offsets":[0,8]},
        "bert.embeddings.word_embeddings.weight":{"dtype":"BF16","shape":[3,1],"data_offsets":[8,14]},
        "bert.embeddings.position_embeddings.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[14,22]}}"#;
    let mut data = vec![0; 8];
    data.extend([0x80, 0x3F, 0, 0x40, 0, 0]);
    data.extend(le(&[7.0, 9.0]));
    let file = safetensors(header, &data);
    let tokenizer =
        br#"{"added_tokens":[{"id":1,"content":"[X]"}],"model":{"type":"BPE","vocab":{"a":0}}}"#;
    let files = [("model.safetensors", file.as_slice()), ("tokenizer.json", tokenizer)];
    let contents = read_files(&files, &Options::default()).unwrap();
    assert_eq!(contents.words(), ["a", "[X]"]);
    assert_eq!((contents.values(0), contents.values(1)), (vec![1.0], vec![2.0]));
    assert_eq!(contents.reasons()[0].0, Reason::NoWord);
    let tensor = Some("bert.embeddings.position_embeddings.weight".to_owned());
    let options = with_tensor(tensor);
    assert_eq!(read_files(&files, &options).unwrap().values(0), [7.0]);
    let options = with_tensor(Some("nothing".to_owned()));
    let error = read_files(&files, &options).unwrap_err().to_string();
    assert!(error.contains("there is no tensor \"nothing\""), "{error}");

    let index = br#"{"metadata":{},"weight_map":{"lm_head.weight":"b.safetensors",
        "bert.embeddings.word_embeddings.weight":"a.safetensors"}}"#;
    let files = [
        ("model.safetensors.index.json", index.as_slice()),
        ("a.safetensors", &file),
        ("vocab.json", br#"{"a": 0, "c": 2}"#),
    ];
    let contents = read_files(&files, &Options::default()).unwrap();
    assert_eq!(contents.words(), ["a", "c"]);
}

/// A file of tensors of whole numbers, by name and shape.
fn tensors(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let (mut entries, mut data) = (Vec::new(), Vec::new());
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(le(values));
        let end = data.len();
        entries.push(format!(
            "\"{name}\":{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{start},{end}]}}"
        ));
    }
    safetensors(&format!("{{{}}}", entries.join(",")), &data)
}

/// What is odd: which tensor and which words were taken is always told.
fn noted(opened: &Opened) -> Vec<(&'static str, String)> {
    let notes = opened.reader.notes().into_iter();
    let odd = notes.filter(|note| !matches!(note.reason, "tensor" | "words"));
    odd.map(|note| (note.reason, note.detail)).collect()
}

#[test]
fn what_stands_beside_a_token_table_is_kept_or_told() {
    let vocab = br#"{"a": 0, "b": 1}"#.as_slice();
    let words = ("embeddings.word_embeddings.weight", [2, 1].as_slice(), [1.0, 2.0].as_slice());
    let positions =
        ("embeddings.position_embeddings.weight", [2, 1].as_slice(), [3.0, 4.0].as_slice());
    let norm = [
        ("embeddings.LayerNorm.gamma", [1].as_slice(), [5.0].as_slice()),
        ("embeddings.LayerNorm.beta", [1].as_slice(), [6.0].as_slice()),
    ];
    let open = |tensor_list: &[_], config: &str| {
        let file = tensors(tensor_list);
        let files = [
            ("x.safetensors", file.as_slice()),
            ("config.json", config.as_bytes()),
            ("vocab.json", vocab),
        ];
        open_all(&files, &Options::default()).unwrap()
    };
    let opened = open(&[words, positions, norm[0], norm[1]], "{}");
    let inputs = opened.inputs.as_ref().unwrap();
    assert_eq!((inputs.length_max(), inputs.segment_count()), (Some(2), 0));
    let norm = inputs.norm.as_ref().unwrap();
    assert_eq!((&norm.weight[..], &norm.bias[..]), (&[5.0][..], &[6.0][..]));
    assert!((norm.eps - 1e-12).abs() < 1e-20);
    let told = "2 positions, layer norm, eps 1e-12".to_owned();
    assert_eq!(noted(&opened), [("input_tables", told)]);
    let taken: Vec<String> = opened.reader.notes().into_iter().map(|note| note.detail).collect();
    assert!(
        taken.contains(&"\"embeddings.word_embeddings.weight\", 2 x 1".to_owned()),
        "{taken:?}"
    );
    assert!(taken.contains(&"2 words of vocab.json".to_owned()), "{taken:?}");
    assert_eq!((opened.tables.len(), opened.tables[0].is_kept), (1, true));

    let relative = open(&[words, positions], r#"{"position_embedding_type": "relative_key"}"#);
    assert_eq!((relative.inputs.is_none(), noted(&relative)[0].0), (true, "input_tables_left"));
    let nan = (positions.0, positions.1, [3.0, f32::NAN].as_slice());
    let wide = (positions.0, [1, 2].as_slice(), [3.0, 4.0].as_slice());
    for (bad, problem) in [(nan, "NaN"), (wide, "it has 2 columns, the table 1")] {
        let opened = open(&[words, bad], "{}");
        let (reason, detail) = noted(&opened).remove(0);
        assert_eq!((reason, opened.inputs.is_none()), ("input_tables_left", true));
        assert!(detail.contains(problem), "{detail}");
    }
    let gemma = ("model.embed_tokens.weight", words.1, words.2);
    let gemma = open(&[gemma], r#"{"model_type": "gemma3", "text_config": {"x": 1}}"#);
    let reasons: Vec<_> = noted(&gemma).into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(reasons, ["scaled_by_model", "tied_output"]);
    let head = ("lm_head.weight", words.1, words.2);
    let gpt = open(
        &[("wte.weight", words.1, words.2), ("wpe.weight", positions.1, positions.2), head],
        "{",
    );
    let reasons: Vec<_> = noted(&gpt).into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(reasons, ["unreadable_config", "input_tables", "output_table"]);
}

#[test]
fn shards_bring_what_stands_beside_or_say_that_it_is_missing() {
    let word = tensors(&[("wte.weight", &[1, 1], &[1.0])]);
    let place = tensors(&[("wpe.weight", &[1, 1], &[2.0])]);
    let index =
        br#"{"weight_map": {"wte.weight": "a.safetensors", "wpe.weight": "b.safetensors"}}"#;
    let files = [
        ("m.safetensors.index.json", index.as_slice()),
        ("a.safetensors", word.as_slice()),
        ("vocab.json", br#"{"a": 0}"#),
        ("b.safetensors", place.as_slice()),
    ];
    let opened = open_all(&files, &Options::default()).unwrap();
    assert_eq!(opened.inputs.as_ref().unwrap().length_max(), Some(1));
    let opened = open_all(&files[..3], &Options::default()).unwrap();
    assert!(opened.inputs.is_none());
    assert_eq!(noted(&opened)[0].1, "wpe.weight: its shard is not there");
}

#[test]
fn words_and_tokenizer_come_from_the_same_file() {
    let model = include_bytes!("../../../tests/data/text/unigram.model").as_slice();
    let open = |rows: usize, name: &str, companion: &[u8]| {
        let values: Vec<f32> = (0_u8..=255).cycle().map(f32::from).take(rows).collect();
        let file = tensors(&[("embedding.weight", &[rows, 1], &values)]);
        open_all(&[("model.safetensors", &file), (name, companion)], &Options::default())
    };
    let words = |opened: Opened| contents(opened).unwrap().words();
    let opened = open(1_000, "tokenizer.model", model).unwrap();
    let kind = opened.tokenizer.as_ref().map(|spec| spec.kind.clone());
    assert_eq!(kind, Some(Kind::SentencePiece));
    let pieces = words(opened);
    assert_eq!(pieces[..3], ["<unk>", "<s>", "</s>"]);
    // XLM-R's rows: four special tokens, the pieces from the fourth on, and one for the mask.
    let shifted = words(open(pieces.len() + 2, "sentencepiece.bpe.model", model).unwrap());
    assert_eq!(shifted[..5], ["<s>", "<pad>", "</s>", "<unk>", &pieces[3]]);
    assert_eq!(shifted.len(), pieces.len() + 2);
    let other = open(pieces.len() + 5, "sentencepiece.bpe.model", model).unwrap_err();
    assert!(other.to_string().contains("tokenizer.json"), "{other}");

    let unigram = br#"{"added_tokens": [], "model": {"type": "Unigram", "unk_id": 0,
        "vocab": [["<unk>", 0.0], ["\u2581a", -1.0], ["b", -2.5]]}}"#;
    let opened = open(3, "tokenizer.json", unigram).unwrap();
    assert_eq!(opened.tokenizer.as_ref().map(|spec| spec.kind.clone()), Some(Kind::Json));
    assert_eq!(words(opened), ["<unk>", "\u{2581}a", "b"]);
    let plain = open(3, "vocab.txt", b"a\nb\nc\n").unwrap();
    assert_eq!(plain.tokenizer, None, "a list of words cuts nothing");
    assert!(open(3, "tokenizer.model", b"\x0a\x00junk").is_err());
}

#[test]
fn tensors_that_overlap_are_refused() {
    let header = r#"{"embeddings":{"dtype":"F32","shape":[1,4],"data_offsets":[0,16]},
        "b":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]}}"#;
    let text = refusal(safetensors(header, &[0; 16]));
    assert!(text.contains("byte 8: the tensors \"embeddings\" and \"b\" overlap"), "{text}");
}

#[test]
fn a_static_model_goes_through_its_mapping_and_weights() {
    let header = r#"{"embeddings":{"dtype":"I8","shape":[2,2],"data_offsets":[0,4]},
        "mapping":{"dtype":"I64","shape":[3],"data_offsets":[4,28]},
        "weights":{"dtype":"F32","shape":[3],"data_offsets":[28,40]}}"#;
    let mut data = vec![1, 2, 0xFF, 4];
    data.extend([1_i64, 0, 1].iter().flat_map(|row| row.to_le_bytes()));
    data.extend(le(&[1.0, 2.0, 0.5]));
    let files =
        [("m.safetensors", safetensors(header, &data)), ("vocab.txt", b"a\nb\nc\n".to_vec())];
    let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    let contents = read_files(&files, &Options::default()).unwrap();
    let values: Vec<_> = (0..3).map(|row| contents.values(row)).collect();
    assert_eq!(values, [vec![-1.0, 4.0], vec![2.0, 4.0], vec![-0.5, 2.0]]);
}

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

/// An archive of two arrays, one of them the words.
pub(super) fn npz_file() -> Vec<u8> {
    let vectors =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let words: Vec<u8> = "a\0b\u{e9}".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let words = npy("{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }", &words);
    zip(&[("vectors.npy", vectors), ("words.npy", words)])
}

fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    use std::io::Write as _;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

#[test]
fn an_archive_holds_arrays_and_words_or_one_file() {
    let vectors =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let contents = read_files(&[("x.npz", &npz_file())], &Options::default()).unwrap();
    assert_eq!(
        (contents.format, contents.words()),
        (Format::Npz, vec!["a".to_owned(), "b\u{e9}".to_owned()])
    );
    let two = zip(&[("a.npy", vectors.clone()), ("b.npy", vectors)]);
    let error = read_files(&[("x.npz", &two)], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("choose one of the arrays a, b with --tensor NAME"), "{error}");
    let many = refusal(zip(&[("a.txt", vec![0]), ("b.txt", vec![0])]));
    let mut twice = zip(&[("a.npy", vec![0; 9]), ("b.npy", vec![0; 9])]);
    // In the second entry of the directory, where its file begins.
    let entry = twice.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    twice[entry + 42..entry + 46].fill(0);
    let twice = refusal(twice);
    assert!(twice.contains("\"a.npy\" and \"b.npy\" overlap"), "{twice}");
    assert!(many.contains("2 files; unpack it and name one: a.txt, b.txt"), "{many}");
}

#[test]
fn a_tar_archive_holds_one_file() {
    let member = |name: &str, kind: u8, bytes: &[u8]| {
        let mut block = vec![0; 512 + bytes.len().next_multiple_of(512)];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        block[156] = kind;
        block[257..262].copy_from_slice(b"ustar");
        block[512..512 + bytes.len()].copy_from_slice(bytes);
        block
    };
    let end = vec![0; 1024];
    let rows = b"word,0,1\na,0.5,1\nb,2,3\n";
    let begin =
        [member("x/", b'5', b""), member("x/._a.csv", b'0', b"?"), member("x/a.csv", b'0', rows)];
    let one = [begin.concat(), end.clone()].concat();
    for file in [one.clone(), super::gzip(&one)] {
        let contents = read_files(&[("x.tar.gz", &file)], &Options::default()).unwrap();
        assert_eq!(
            (contents.format, contents.words()),
            (Format::Csv, vec!["a".into(), "b".into()])
        );
    }
    let two = [begin.concat(), member("x/b.csv", b'0', rows), end].concat();
    let error = read_files(&[("x.tar", &two)], &Options::default()).unwrap_err().to_string();
    assert!(error.contains("several files; unpack it and name one: x/a.csv, x/b.csv"), "{error}");
    for length in 1..one.len() - 1024 {
        assert!(!read(&one[..length]).is_ok_and(|read| read.rows.len() == 2), "cut to {length}");
    }
}

#[test]
fn a_list_of_words_must_fit_the_rows_and_may_have_counts() {
    let array =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let read = |name: &str, words: &[u8]| {
        open_all(&[("x.npy", array.as_slice()), (name, words)], &Options::default())
    };
    for words in [b"a\n".as_slice(), b"a\nb\nc\n", b"word\tcount\na\t1\nb\t2\n"] {
        let error = read("x.words.txt", words).unwrap_err().to_string();
        assert!(error.contains("it is not the list of its words"), "{error}");
    }
    let error = read("x.vocab.json", br#"["a", "b", "c"]"#).unwrap_err().to_string();
    assert!(error.contains("x.vocab.json has 3 words and the table 2 rows"), "{error}");
    for (words, name, first) in [
        (b"the 1061396\nof 593677\n".as_slice(), "count", AttributeValue::Integer(1_061_396)),
        (b"the\t-3.5\nof\t0\n", "score", AttributeValue::Number(-3.5)),
    ] {
        let mut opened = read("x.vocab.txt", words).unwrap();
        let mut row = crate::format::Row::default();
        opened.reader.read(&mut row).unwrap();
        assert_eq!(row.word, b"the");
        assert_eq!(row.attributes.get(name), Some(&first));
    }
    let plain = contents(read("x.vocab.txt", b"route 66\nnew york\n").unwrap()).unwrap();
    assert_eq!(plain.words(), ["route 66", "new york"]);
}

#[test]
fn the_array_named_words_has_the_words() {
    let matrix =
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", &le(&[1.0, 2.0]));
    let texts = |text: &str| {
        npy("{'descr': '|S1', 'fortran_order': False, 'shape': (2,), }", text.as_bytes())
    };
    let archive = |names: [&str; 2]| {
        zip(&[("vectors.npy", matrix.clone()), (names[0], texts("ab")), (names[1], texts("xx"))])
    };
    let named = archive(["words.npy", "tags.npy"]);
    let contents = read_files(&[("w.npz", &named)], &Options::default()).unwrap();
    assert_eq!(contents.words(), ["a", "b"]);
    let error = refusal(archive(["left.npy", "tags.npy"]));
    assert!(
        error.contains("several arrays hold texts, left, tags, and none is named words"),
        "{error}"
    );
}

#[test]
fn tekken_beside_tensors_has_the_words_and_is_the_tokenizer() {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |at: usize| char::from(digits[at]);
    let token = |byte: usize| {
        let bytes = format!("{}{}==", digit(byte >> 2), digit((byte & 3) << 4));
        serde_json::json!({"rank": byte, "token_bytes": bytes, "token_str": null})
    };
    let specials = ["<unk>", "<s>"].into_iter().enumerate();
    let specials = specials.map(
        |(rank, token)| serde_json::json!({"rank": rank, "token_str": token, "is_control": true}),
    );
    let tekken = serde_json::to_vec(&serde_json::json!({
        "config": {"pattern": r"[^\s]+|\s+", "num_vocab_tokens": 256, "default_vocab_size": 258,
            "default_num_special_tokens": 2, "version": "v3"},
        "vocab": (0..256).map(token).collect::<Vec<_>>(),
        "special_tokens": specials.collect::<Vec<_>>(),
    }));
    let values: Vec<f32> = (0..258_u16).map(f32::from).collect();
    let header =
        r#"{"tok_embeddings.weight":{"dtype":"F32","shape":[258,1],"data_offsets":[0,1032]}}"#;
    let tensors = safetensors(header, &le(&values));
    let files = [("model.safetensors", tensors.as_slice()), ("tekken.json", &tekken.unwrap())];
    let opened = open_all(&files, &Options::default()).unwrap();
    assert!(opened.tokenizer.is_some());
    let read = contents(opened).unwrap();
    let place = read.words().iter().position(|word| word == "a").unwrap();
    assert_eq!((read.words()[1].as_str(), read.values(place)), ("<s>", vec![99.0]));
}

#[test]
fn shards_of_pytorch_are_found_by_their_index() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let mut file = std::fs::File::create(folder.path().join(name)).unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
    };
    put(
        "pytorch_model.bin.index.json",
        br#"{"metadata":{},"weight_map":{"a.bias":"m-1.bin","encoder.embed_tokens.weight":"m-2.bin"}}"#,
    );
    let main = folder_of(folder.path()).unwrap();
    let found = shard(main.clone(), None).unwrap();
    assert_eq!(found, folder.path().join("m-2.bin"));
    assert_eq!(shard(main.clone(), Some("a.bias")).unwrap(), folder.path().join("m-1.bin"));
    assert!(shard(main, Some("b")).unwrap_err().to_string().contains("no tensor \"b\""));
    let other = folder.path().join("m-2.bin");
    assert_eq!(shard(other.clone(), None).unwrap(), other);
}
