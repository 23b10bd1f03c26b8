//! Texts over gRPC: tokenizers stored, trained and kept over a restart; texts to vectors.

use tonic::Code;
use wordspace::client::{Client, TrainHeader};
use wordspace::proto as pb;
use wordspace::proto::text_service_client::TextServiceClient;

use crate::support::{SMALL, Server, header, import, reason};

const VOCAB: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nking\nwalk\n##ing\n";

fn put(name: &str, spec: pb::TokenizerSpec) -> pb::PutTokenizerRequest {
    pb::PutTokenizerRequest { name: name.to_owned(), spec: Some(spec), replace: false }
}

fn bert() -> pb::TokenizerSpec {
    let file = pb::TokenizerFile { name: "vocab.txt".to_owned(), content: VOCAB.into() };
    pb::TokenizerSpec { files: vec![file], ..pb::TokenizerSpec::default() }
}

fn by(tokenizer: &str) -> pb::Cutting {
    pb::Cutting { tokenizer: tokenizer.to_owned(), ..pb::Cutting::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn tokenizers_are_stored_trained_used_and_survive_a_restart() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut text = TextServiceClient::new(channel);

    let info = text.put_tokenizer(put("bert", bert())).await.unwrap().into_inner().tokenizer;
    let info = info.unwrap();
    assert_eq!((info.kind(), info.vocab_size), (pb::TokenizerKind::Wordpiece, Some(7)));
    let again = text.put_tokenizer(put("bert", bert())).await.unwrap_err();
    assert_eq!(reason(&again), (Code::AlreadyExists, "TOKENIZER_EXISTS".to_owned()));
    let rules = text.put_tokenizer(put("rules", bert())).await.unwrap_err();
    assert_eq!(reason(&rules), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));

    let hybrid = pb::tokenizer_spec::Hybrid { parts: "bert".to_owned(), ..Default::default() };
    let kind = pb::TokenizerKind::Hybrid.into();
    let hybrid = pb::TokenizerSpec { kind, hybrid: Some(hybrid), ..Default::default() };
    text.put_tokenizer(put("mixed", hybrid)).await.unwrap();
    let ask = pb::TokenizeRequest {
        texts: vec!["queen walking".to_owned()],
        table: "en".to_owned(),
        cutting: Some(by("mixed")),
        ..Default::default()
    };
    let cut = text.tokenize(ask).await.unwrap().into_inner().texts.remove(0);
    let told: Vec<_> = cut.tokens.iter().map(|t| (t.piece.as_str(), t.id, t.known())).collect();
    assert_eq!(told, [("queen", None, true), ("walk", Some(5), false), ("ing", Some(6), false)]);
    let needed = pb::DeleteTokenizerRequest { name: "bert".to_owned() };
    let needed = text.delete_tokenizer(needed).await.unwrap_err();
    assert_eq!(needed.code(), Code::FailedPrecondition);

    let client = Client::connect(&server.url).await.unwrap();
    let train = |name: &str| TrainHeader {
        name: name.to_owned(),
        vocab_size: Some(300),
        special_tokens: vec!["<pad>".to_owned()],
        ..TrainHeader::default()
    };
    let lines = "king and queen walk to town\n".repeat(50);
    let source = || {
        let reader: Box<dyn std::io::Read + Send> = Box::new(std::io::Cursor::new(lines.clone()));
        std::iter::once(Ok(reader))
    };
    let report = client.train_tokenizer(train("own"), source(), |_| {}).await.unwrap();
    assert_eq!((report.bytes_read, report.word_count), (lines.len() as u64, 7));
    let set = pb::SetDefaultTokenizerRequest { table: "en".into(), tokenizer: "own".into() };
    text.set_default_tokenizer(set).await.unwrap();

    let folder = server.stop().await;
    let server = Server::start_on(folder).await;
    let mut text = TextServiceClient::new(server.channel().await);
    let listed = text.list_tokenizers(pb::ListTokenizersRequest {}).await.unwrap().into_inner();
    let stored: Vec<_> = listed.tokenizers.iter().filter(|info| info.stored).collect();
    let names: Vec<_> = stored.iter().map(|info| info.name.as_str()).collect();
    assert_eq!(names, ["bert", "mixed", "own"]);
    assert_eq!(stored[2].tables, ["en"]);

    // The table's tokenizer cuts where none is named; padding and truncation count.
    let ask = pb::TokenizeRequest {
        texts: vec!["king and queen \u{1f600}".to_owned(), "king".to_owned()],
        table: "en".to_owned(),
        truncation: Some(pb::Truncation { max_tokens: 4, ..Default::default() }),
        padding: Some(pb::Padding::default()),
        ids_only: true,
        ..Default::default()
    };
    let answer = text.tokenize(ask).await.unwrap().into_inner();
    assert_eq!(answer.tokenizer, "own");
    assert!(answer.texts[0].dropped_count > 0 && answer.texts[1].padding_count > 0);
    assert_eq!(answer.texts[0].ids.len(), answer.texts[1].ids.len());

    let ask = pb::CountTokensRequest { texts: vec!["a b".into()], ..Default::default() };
    assert_eq!(text.count_tokens(ask).await.unwrap().into_inner().counts, [2]);
    let ask = pb::CompareTokenizersRequest {
        texts: vec!["hello".into(), " Hello".into()],
        tokenizers: vec!["own".into(), "bytes".into(), "bert".into()],
        ..Default::default()
    };
    let cuts = text.compare_tokenizers(ask).await.unwrap().into_inner().cuts;
    assert_eq!(cuts.len(), 6);
    assert_eq!(cuts[4].text.as_ref().unwrap().token_count, 6);
    let ask = pb::ListTokensRequest {
        tokenizer: "bert".into(),
        tokens: vec!["king".into(), "kong".into()],
        ids: vec![6],
        contains: "[".into(),
        ..Default::default()
    };
    let tokens = text.list_tokens(ask).await.unwrap().into_inner().tokens;
    let told: Vec<_> = tokens.iter().map(|t| (t.token.as_str(), t.id)).collect();
    let want = [("king", Some(4)), ("kong", None), ("##ing", Some(6)), ("[PAD]", Some(0))];
    assert_eq!(told[..4], want);
    assert_eq!((tokens.len(), tokens[3].role()), (7, pb::TokenRole::Pad));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_become_vectors_and_are_compared() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut text = TextServiceClient::new(channel);
    let embed = |texts: &[&str], options: pb::EmbedOptions| pb::EmbedRequest {
        table: "en".to_owned(),
        texts: texts.iter().map(|&text| text.to_owned()).collect(),
        options: Some(options),
        ..Default::default()
    };
    let raw = |pooling: pb::Pooling| pb::EmbedOptions {
        pooling: pooling.into(),
        pre_normalize: Some(false),
        ..Default::default()
    };
    for (pooling, want) in [
        (pb::Pooling::Mean, [1.1, 0.0, 0.0]),
        (pb::Pooling::Sum, [2.2, 0.0, 0.0]),
        (pb::Pooling::Max, [2.0, 1.0, 0.0]),
        (pb::Pooling::Min, [0.2, -1.0, 0.0]),
        (pb::Pooling::Last, [0.2, -1.0, 0.0]),
    ] {
        let ask = embed(&["king xyzzy woman", "nothing here"], raw(pooling));
        let vectors = text.embed(ask).await.unwrap().into_inner().vectors;
        let near = vectors[0].values.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near, "{pooling:?} {:?}", vectors[0]);
        assert_eq!(
            (vectors[0].used_count, &vectors[0].skipped[..]),
            (2, &["xyzzy".to_owned()][..])
        );
        assert_eq!((vectors[1].values.len(), vectors[1].skipped.len()), (0, 2));
    }
    // gensim's get_mean_vector brings words to length 1 first.
    let ask = embed(&["king woman"], pb::EmbedOptions::default());
    let mean = text.embed(ask).await.unwrap().into_inner().vectors.remove(0).values;
    let (king, woman) = (5.0_f32.sqrt(), 1.04_f32.sqrt());
    assert!((mean[0] - f32::midpoint(2.0 / king, 0.2 / woman)).abs() < 1e-6);

    // SIF: the same again, and nothing is left along the common direction.
    let sif = || raw(pb::Pooling::Sif);
    let texts = ["king queen", "apple pear", "man"];
    let first = text.embed(embed(&texts, sif())).await.unwrap().into_inner().vectors;
    let second = text.embed(embed(&texts, sif())).await.unwrap().into_inner().vectors;
    assert_eq!(first, second);
    let kept = pb::EmbedOptions { keep_common: true, ..sif() };
    let kept = text.embed(embed(&texts, kept)).await.unwrap().into_inner().vectors;
    let removed: Vec<Vec<f32>> = first
        .iter()
        .zip(&kept)
        .map(|(a, b)| b.values.iter().zip(&a.values).map(|(x, y)| x - y).collect())
        .collect();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    assert!(first.iter().all(|vector| dot(&vector.values, &removed[0]).abs() < 1e-5));

    let tokens = raw(pb::Pooling::Tokens);
    let tokens = text.embed(embed(&["the king"], tokens)).await.unwrap().into_inner().vectors;
    assert_eq!((tokens[0].tokens[0].word.as_str(), tokens[0].tokens[0].byte_start), ("king", 4));
    let bad = pb::EmbedOptions { sif_a: Some(-1.0), total_count: Some(3.0), ..Default::default() };
    let bad = text.embed(embed(&["a"], bad)).await.unwrap_err();
    assert_eq!(reason(&bad), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));

    let near = pb::NearestToTextRequest {
        table: "en".to_owned(),
        text: "apple pear".to_owned(),
        nearest: Some(pb::NearestRequest { k: Some(2), ..Default::default() }),
        ..Default::default()
    };
    let near = text.nearest_to_text(near).await.unwrap().into_inner();
    let words: Vec<_> = near.neighbors.iter().map(|neighbor| neighbor.word.as_str()).collect();
    assert_eq!((words, near.text.unwrap().used_count), (vec!["apple", "pear"], 2));

    let pair =
        |a: &str, b: &str| pb::text_similarity_request::TextPair { a: a.into(), b: b.into() };
    let ask = pb::TextSimilarityRequest {
        table: "en".to_owned(),
        pairs: vec![pair("king man", "man king"), pair("king", "apple"), pair("king", "what")],
        relaxed_wmd: true,
        ..Default::default()
    };
    let alike = text.text_similarity(ask).await.unwrap().into_inner().similarities;
    assert!((alike[0].cosine() - 1.0).abs() < 1e-6 && alike[0].relaxed_wmd().abs() < 1e-9);
    // Unit vectors at cosine c are sqrt(2 - 2 c) apart.
    let want = (2.0 - 2.0 * alike[1].cosine()).sqrt();
    assert!((alike[1].relaxed_wmd() - want).abs() < 1e-6);
    assert_eq!((alike[2].cosine, alike[2].relaxed_wmd), (None, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_hot_vectors_become_bags_of_words_and_are_compared() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut text = TextServiceClient::new(channel);
    let options = |pooling: pb::Pooling| pb::EmbedOptions {
        pooling: pooling.into(),
        one_hot: true,
        ..Default::default()
    };
    let embed = |options: pb::EmbedOptions| pb::EmbedRequest {
        table: "en".to_owned(),
        texts: vec!["queen king xyzzy queen".to_owned(), "nothing here".to_owned()],
        options: Some(options),
        ..Default::default()
    };
    // king is row 0, queen row 1, of eight; Zipf's law gives row r the frequency 1 / ((r + 1) H).
    let harmonic: f32 = (1..=8_u8).map(|rank| 1.0 / f32::from(rank)).sum();
    for (pooling, want) in [
        (pb::Pooling::Max, [1.0, 1.0]),
        (pb::Pooling::Sum, [1.0, 2.0]),
        (pb::Pooling::Mean, [1.0 / 3.0, 2.0 / 3.0]),
        (pb::Pooling::Tfidf, [harmonic.ln(), 2.0 * (2.0 * harmonic).ln()]),
    ] {
        let answer = text.embed(embed(options(pooling))).await.unwrap().into_inner();
        let [first, second] = &answer.vectors[..] else { panic!("{answer:?}") };
        let sparse = first.sparse.as_ref().unwrap();
        assert_eq!((&sparse.rows[..], sparse.size), (&[0, 1][..], 8), "{pooling:?}");
        let near = sparse.values.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-6);
        assert!(near && first.values.is_empty(), "{pooling:?} {sparse:?}");
        assert_eq!((first.used_count, second.sparse.as_ref().unwrap().rows.len()), (3, 0));
    }
    let weights = [("king".to_owned(), 0.0)].into();
    let weighed = pb::EmbedOptions { weights, post_normalize: true, ..options(pb::Pooling::Sum) };
    let answer = text.embed(embed(weighed)).await.unwrap().into_inner();
    let sparse = answer.vectors[0].sparse.clone().unwrap();
    assert_eq!((sparse.rows, sparse.values), (vec![1], vec![1.0]));
    let tokens = text.embed(embed(options(pb::Pooling::Tokens))).await.unwrap().into_inner();
    let tokens = &tokens.vectors[0].tokens;
    assert_eq!(tokens.iter().map(|token| token.row).collect::<Vec<_>>(), [1, 0, 1]);
    assert!(tokens.iter().all(|token| token.values.is_empty()));

    let pair =
        |a: &str, b: &str| pb::text_similarity_request::TextPair { a: a.into(), b: b.into() };
    let ask = pb::TextSimilarityRequest {
        table: "en".to_owned(),
        pairs: vec![
            pair("king queen queen", "queen king queen"),
            pair("king queen queen", "king apple"),
            pair("king", "apple"),
            pair("king", "what"),
        ],
        options: Some(options(pb::Pooling::Sum)),
        ..Default::default()
    };
    let alike = text.text_similarity(ask).await.unwrap().into_inner().similarities;
    let cosines: Vec<_> = alike.iter().map(|pair| pair.cosine).collect();
    let [Some(same), Some(some), Some(none), None] = cosines[..] else { panic!("{cosines:?}") };
    assert!((same - 1.0).abs() < 1e-9 && none.abs() < 1e-9);
    assert!((some - 1.0 / 10.0_f64.sqrt()).abs() < 1e-9, "{some}");

    for bad in [
        options(pb::Pooling::Sif),
        options(pb::Pooling::Min),
        pb::EmbedOptions { chunk_tokens: Some(9), ..options(pb::Pooling::Sum) },
        pb::EmbedOptions { transformer_input: true, ..options(pb::Pooling::Sum) },
    ] {
        let refused = text.embed(embed(bad)).await.unwrap_err();
        assert_eq!(reason(&refused), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    }
    let near = pb::NearestToTextRequest {
        table: "en".to_owned(),
        text: "apple".to_owned(),
        options: Some(options(pb::Pooling::Sum)),
        ..Default::default()
    };
    let refused = text.nearest_to_text(near).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_answer_in_order_and_never_half_a_character() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let texts = ["\u{4f60}\u{1f600}", "b c"];
    let message = |text: &str| pb::TokenizeRequest {
        texts: vec![text.to_owned()],
        cutting: Some(by("bytes")),
        ids_only: true,
        ..Default::default()
    };
    let messages: Vec<_> = texts.iter().map(|text| message(text)).collect();
    let mut answers = client.tokenize_stream(tokio_stream::iter(messages)).await.unwrap();
    let mut all = Vec::new();
    while let Some(mut answer) = answers.next_answer().await.unwrap() {
        all.push(answer.texts.remove(0).ids);
    }
    assert_eq!((all.len(), &all[1][..]), (2, &[98, 32, 99][..]));

    let part = |id: &u32| pb::DetokenizeStreamRequest {
        tokenizer: "bytes".to_owned(),
        ids: vec![*id],
        ..Default::default()
    };
    let parts: Vec<_> = all[0].iter().map(part).collect();
    let mut answers = client.detokenize_stream(tokio_stream::iter(parts)).await.unwrap();
    let mut joined = Vec::new();
    while let Some(answer) = answers.next_answer().await.unwrap() {
        joined.push(answer.text);
    }
    assert_eq!((joined[2].as_str(), joined[6].as_str()), ("\u{4f60}", "\u{1f600}"));
    assert_eq!(joined.concat(), texts[0]);
}
