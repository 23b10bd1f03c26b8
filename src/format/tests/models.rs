//! Models whose traps are their own, from files made by hand.

use super::{contents, open_all, read_files, refusal, with_tensor};
use crate::format::tests::arrays::le;
use crate::format::{Opened, Options, Reason, folder as folder_of, shard};
use crate::text::spec::Kind;

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
