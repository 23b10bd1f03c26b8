//! Texts cut every way over gRPC: what the notes on tokenizers show, by chance, and what is hostile.

use std::time::{Duration, Instant};

use tonic::{Code, Request, Status};
use wordspace::client::{Client, TrainHeader};
use wordspace::proto as pb;
use wordspace::proto::text_service_client::TextServiceClient;

use crate::support::{Server, reason};

type Text = TextServiceClient<tonic::transport::Channel>;

fn file(name: &str, content: &[u8]) -> pb::TokenizerFile {
    pb::TokenizerFile { name: name.to_owned(), content: content.to_vec() }
}

async fn put(text: &mut Text, name: &str, files: Vec<pb::TokenizerFile>) -> Result<(), Status> {
    let spec = Some(pb::TokenizerSpec { files, ..Default::default() });
    let put = pb::PutTokenizerRequest { name: name.to_owned(), spec, replace: true };
    text.put_tokenizer(put).await.map(drop)
}

async fn cut(text: &mut Text, tokenizer: &str, texts: &[&str]) -> Vec<pb::TokenizedText> {
    let ask = pb::TokenizeRequest {
        texts: texts.iter().map(|&text| text.to_owned()).collect(),
        cutting: Some(pb::Cutting {
            tokenizer: tokenizer.to_owned(),
            bare: true,
            ..Default::default()
        }),
        ..Default::default()
    };
    text.tokenize(ask).await.unwrap().into_inner().texts
}

/// Learns a tokenizer that knows the words of the notes.
async fn train(client: &Client, name: &str, kind: pb::TrainKind) {
    let header = TrainHeader {
        name: name.to_owned(),
        kind: kind.into(),
        vocab_size: Some(600),
        min_frequency: Some(1),
        ..TrainHeader::default()
    };
    let lines = "hello Hello HELLO say hello to 380 381 382 383 people, said 380\n".repeat(20);
    let reader: Box<dyn std::io::Read + Send> = Box::new(std::io::Cursor::new(lines));
    client.train_tokenizer(header, std::iter::once(Ok(reader)), |_| {}).await.unwrap();
}

const NOTES: [&str; 9] =
    ["hello", " Hello", "HELLO", "380", "381", "382", "383", "hello   ", "hello 380 "];

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_notes_are_cut_every_way() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let mut text = TextServiceClient::new(server.channel().await);
    for (name, kind) in [
        ("bpe", pb::TrainKind::Bpe),
        ("byte-level", pb::TrainKind::BpeByteLevel),
        ("pieces", pb::TrainKind::Wordpiece),
        ("unigram", pb::TrainKind::Unigram),
    ] {
        train(&client, name, kind).await;
    }
    let names = ["bpe", "byte-level", "pieces", "unigram", "rules", "whitespace"];
    for name in names {
        for (whole, cut) in NOTES.iter().zip(cut(&mut text, name, &NOTES).await) {
            // Pieces are what stands there, in order, and nothing but white space is lost.
            let mut at = 0;
            for token in &cut.tokens {
                let (start, end) = (token.byte_start as usize, token.byte_end as usize);
                assert_eq!(token.piece, whole[start..end], "{name} {whole:?}");
                assert!(whole[at..start.max(at)].trim().is_empty(), "{name} {whole:?}");
                at = at.max(end);
            }
            assert!(whole[at..].trim().is_empty(), "{name} {whole:?} {cut:?}");
        }
    }
    let ids = |cuts: &[pb::TokenizedText]| -> Vec<Vec<u32>> {
        let ids =
            |cut: &pb::TokenizedText| cut.tokens.iter().filter_map(|token| token.id).collect();
        cuts.iter().map(ids).collect()
    };
    // Case, and the space before a word, make other tokens; rules and white space see the words alone.
    let bytes = ids(&cut(&mut text, "byte-level", &NOTES).await);
    assert!(bytes[0] != bytes[1] && bytes[1] != bytes[2] && bytes[0] != bytes[2]);
    // Bytes lose nothing, trailing spaces neither.
    let texts = bytes.iter().map(|ids| pb::TokenIds { ids: ids.clone() }).collect();
    let ask = pb::DetokenizeRequest { tokenizer: "byte-level".into(), texts, skip_special: true };
    assert_eq!(text.detokenize(ask).await.unwrap().into_inner().texts, NOTES);
    for name in ["rules", "whitespace"] {
        let cuts = cut(&mut text, name, &NOTES).await;
        let pieces: Vec<Vec<&str>> = cuts
            .iter()
            .map(|cut| cut.tokens.iter().map(|token| token.piece.as_str()).collect())
            .collect();
        let want: [&[&str]; 9] = [
            &["hello"],
            &["Hello"],
            &["HELLO"],
            &["380"],
            &["381"],
            &["382"],
            &["383"],
            &["hello"],
            &["hello", "380"],
        ];
        assert_eq!(pieces, want, "{name}");
    }
    // Numbers that stood in the text are one token of WordPiece, and numbers told apart by all.
    for name in ["bpe", "byte-level", "pieces", "unigram"] {
        let ids = ids(&cut(&mut text, name, &NOTES[3..7]).await);
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "{name} {ids:?}");
    }
    let pieces = cut(&mut text, "pieces", &["hello   ", "hello"]).await;
    assert_eq!(ids(&pieces[..1]), ids(&pieces[1..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_cuts_by_chance_and_each_text_of_a_call_otherwise() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    train(&client, "byte-level", pb::TrainKind::BpeByteLevel).await;
    train(&client, "unigram", pb::TrainKind::Unigram).await;
    let ask = |tokenizer: &str, texts: usize, sampling: pb::Sampling| pb::TokenizeRequest {
        texts: vec!["say hello to 380 people".to_owned(); texts],
        cutting: Some(pb::Cutting {
            tokenizer: tokenizer.to_owned(),
            sampling: Some(sampling),
            ..Default::default()
        }),
        ids_only: true,
        ..Default::default()
    };
    let dropout = |seed| pb::Sampling { dropout: Some(0.4), seed, ..Default::default() };
    let alpha = |nbest, seed| pb::Sampling { alpha: Some(0.1), nbest, seed, ..Default::default() };
    for (name, sampling) in [
        ("byte-level", &dropout as &dyn Fn(u64) -> pb::Sampling),
        ("unigram", &|seed| alpha(None, seed)),
        ("unigram", &|seed| alpha(Some(16), seed)),
    ] {
        let many = client.tokenize(ask(name, 20, sampling(5))).await.unwrap().texts;
        let again = client.tokenize(ask(name, 20, sampling(5))).await.unwrap().texts;
        assert_eq!(many, again, "{name}");
        let different: std::collections::BTreeSet<_> = many.iter().map(|cut| &cut.ids).collect();
        assert!(different.len() > 5, "{name} {different:?}");
        // Text number 3 is cut as if it were alone with the seed + 3.
        let alone = client.tokenize(ask(name, 1, sampling(8))).await.unwrap().texts;
        assert_eq!(alone[0].ids, many[3].ids, "{name}");
        let texts = many.iter().map(|cut| pb::TokenIds { ids: cut.ids.clone() }).collect();
        let tokenizer = name.to_owned();
        let ask = pb::DetokenizeRequest { tokenizer, texts, skip_special: true };
        let joined = client.detokenize(ask).await.unwrap().texts;
        assert!(joined.iter().all(|text| text == "say hello to 380 people"), "{joined:?}");
    }
    let mut text = TextServiceClient::new(server.channel().await);
    for (name, sampling) in [
        ("rules", dropout(0)),
        ("unigram", dropout(0)),
        ("byte-level", alpha(None, 0)),
        ("unigram", alpha(Some(0), 0)),
        ("byte-level", pb::Sampling { dropout: Some(1.5), ..Default::default() }),
        ("byte-level", pb::Sampling { dropout: Some(f64::NAN), ..Default::default() }),
        ("unigram", pb::Sampling { alpha: Some(-1.0), ..Default::default() }),
        ("unigram", pb::Sampling { dropout: Some(0.1), alpha: Some(0.1), ..Default::default() }),
        ("unigram", pb::Sampling::default()),
        ("unigram", pb::Sampling { nbest: Some(4), ..Default::default() }),
    ] {
        let refused = text.tokenize(ask(name, 1, sampling)).await.unwrap_err();
        assert_eq!(reason(&refused).0, Code::InvalidArgument, "{name} {sampling:?}");
    }
    let chunks = pb::ChunkRequest {
        texts: vec!["say hello".to_owned()],
        cutting: ask("byte-level", 1, dropout(1)).cutting,
        max_tokens: 3,
        ..Default::default()
    };
    let refused = text.chunk(chunks).await.unwrap_err();
    assert_eq!(reason(&refused).0, Code::InvalidArgument);
}

/// A tokenizer.json around a model.
fn json(model: &str, before: &str) -> Vec<u8> {
    format!("{{\"version\": \"1.0\", \"pre_tokenizer\": {before}, \"model\": {model}}}")
        .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_tokenizers_are_refused_or_harmless_in_bounded_time() {
    let server = Server::start().await;
    let mut text = TextServiceClient::new(server.channel().await);
    let bpe = |vocab: &str, merges: &str| {
        json(&format!("{{\"type\": \"BPE\", \"vocab\": {vocab}, \"merges\": {merges}}}"), "null")
    };
    let letters = "{\"a\": 0, \"b\": 1, \"ab\": 2}";
    let split = |pattern: &str| {
        let pattern = serde_json::to_string(pattern).unwrap();
        let before = format!(
            "{{\"type\": \"Split\", \"pattern\": {{\"Regex\": {pattern}}}, \"behavior\": \"Isolated\", \
             \"invert\": false}}"
        );
        json(&format!("{{\"type\": \"BPE\", \"vocab\": {letters}, \"merges\": []}}"), &before)
    };
    let sentencepiece = {
        let path = crate::support::root().join("tests/data/text/unigram.model");
        std::fs::read(path).unwrap()
    };
    let began = Instant::now();
    let refused: Vec<(&str, Vec<u8>)> = vec![
        ("half a surrogate", bpe("{\"\\ud800\": 0}", "[]")),
        ("a merge of what is not there", bpe(letters, "[\"a c\"]")),
        ("a merge that makes what is not there", bpe("{\"a\": 0, \"b\": 1}", "[\"a b\"]")),
        ("a merge of itself", bpe("{\"a\": 0}", "[[\"a\", \"a\"]]")),
        ("a number out of range", bpe("{\"a\": 4294967296}", "[]")),
        ("the largest number", bpe("{\"a\": 4294967295}", "[]")),
        ("a number below zero", bpe("{\"a\": -1}", "[]")),
        ("a broken pattern", split("(a")),
        ("deep nesting", [b"{\"model\": ".to_vec(), b"[".repeat(100_000)].concat()),
        (
            "an unknown out of range",
            json("{\"type\": \"Unigram\", \"unk_id\": 7, \"vocab\": [[\"a\", 0.0]]}", "null"),
        ),
        ("no model", b"{}".to_vec()),
        ("half a model of sentencepiece", sentencepiece[..sentencepiece.len() / 2].to_vec()),
        ("a vocabulary without the unknown", b"king\nqueen\n".to_vec()),
        ("nothing", Vec::new()),
    ];
    for (what, content) in refused {
        let error = put(&mut text, "bad", vec![file("x", &content)]).await;
        let error = error.expect_err(what);
        assert_eq!(reason(&error).0, Code::InvalidArgument, "{what}: {error}");
        assert!(!error.message().is_empty(), "{what}");
    }
    // These open; what they do with a text is an answer or an error that says why, and no panic.
    let long = "a".repeat(30_000);
    let harmless: Vec<(&str, Vec<u8>)> = vec![
        ("two tokens of one number", bpe("{\"a\": 0, \"b\": 0}", "[]")),
        ("no token for the unknown", bpe("{\"b\": 0}", "[]")),
        (
            "pieces without the unknown",
            json(
                "{\"type\": \"WordPiece\", \"unk_token\": \"[UNK]\", \
            \"continuing_subword_prefix\": \"##\", \"max_input_chars_per_word\": 100, \"vocab\": {\"b\": 0}}",
                "null",
            ),
        ),
        (
            "a unigram model that knows nothing",
            json("{\"type\": \"Unigram\", \"unk_id\": null, \"vocab\": [[\"b\", 0.0]]}", "null"),
        ),
        ("a pattern that tracks back", split("(a|aa)+\\1$")),
        ("a pattern that looks ahead", split("(?=(a+)+b)a")),
        ("words that stand twice", b"[UNK]\na\na\n##a\n".to_vec()),
    ];
    for (what, content) in harmless {
        let stored = put(&mut text, "odd", vec![file("x", &content)]).await;
        if let Err(error) = stored {
            assert_eq!(reason(&error).0, Code::InvalidArgument, "{what}: {error}");
            continue;
        }
        for asked in ["", "a\0b", &long] {
            let cutting = pb::Cutting { tokenizer: "odd".to_owned(), ..Default::default() };
            let ask = pb::TokenizeRequest {
                texts: vec![asked.to_owned()],
                cutting: Some(cutting),
                ..Default::default()
            };
            if let Err(error) = text.tokenize(ask).await {
                assert_eq!(reason(&error).0, Code::InvalidArgument, "{what}: {error}");
            }
        }
        let page = pb::ListTokensRequest {
            tokenizer: "odd".to_owned(),
            start: Some(0),
            contains: "zz".to_owned(),
            ..Default::default()
        };
        assert!(text.list_tokens(page).await.unwrap().into_inner().tokens.is_empty(), "{what}");
    }
    assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
}

/// A request whose texts are bytes, as a client may send them that checks nothing.
#[derive(Clone, PartialEq, prost::Message)]
struct Raw {
    #[prost(bytes = "vec", repeated, tag = "1")]
    texts: Vec<Vec<u8>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_texts_are_refused_by_name_or_cut() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let mut text = TextServiceClient::new(channel.clone());
    let raw = async |texts: Vec<Vec<u8>>| {
        let mut grpc = tonic::client::Grpc::new(channel.clone());
        grpc.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::<Raw, pb::TokenizeResponse>::default();
        let path = "/wordspace.v1.TextService/Tokenize";
        let path = tonic::codegen::http::uri::PathAndQuery::from_static(path);
        grpc.unary(Request::new(Raw { texts }), path, codec).await.map(drop)
    };
    raw(vec![b"king".to_vec()]).await.unwrap();
    let error = raw(vec![b"king \xff".to_vec()]).await.unwrap_err();
    assert!(error.message().contains("UTF-8"), "{error}");
    // Over BATCH_BYTES_MAX no message is read; over 1 MiB no text.
    let error = raw(vec![vec![b'a'; 65 << 20]]).await.unwrap_err();
    assert!(error.message().contains("BATCH_BYTES_MAX"), "{error}");
    let ask = |texts: Vec<String>| pb::TokenizeRequest { texts, ..Default::default() };
    let error = text.tokenize(ask(vec!["a".repeat((1 << 20) + 1)])).await.unwrap_err();
    assert!(error.message().contains("texts[0]"), "{error}");
    assert_eq!(reason(&error).0, Code::InvalidArgument);
    let error = text.tokenize(ask(vec!["a ".repeat(1 << 19); 17])).await.unwrap_err();
    assert_eq!(reason(&error).0, Code::InvalidArgument);
    let cuts = cut(&mut text, "rules", &["", "\0", "a\0b", " \n"]).await;
    let counts: Vec<_> = cuts.iter().map(|cut| cut.token_count).collect();
    assert_eq!((counts[0], counts[3]), (0, 0));
    assert_eq!(cuts[2].tokens.iter().map(|token| token.piece.as_str()).collect::<String>(), "a\0b");
}
