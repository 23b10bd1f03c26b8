//! Language models: made of a text, asked, stored, replaced, kept elsewhere, and refused.

use std::io;

use tonic::Code;
use wordspace::client::{CallError, Client};
use wordspace::proto as pb;
use wordspace::server::ServerConfig;

use crate::support::Server;

const TEXT: &str = "the queen of england spoke\nthe king of england slept\nthe queen of france spoke\n\
                    the king of france spoke\nthe cat slept\na cat and a queen\n";

fn code<T>(answer: &Result<T, CallError>) -> Code {
    match answer {
        Ok(_) => Code::Ok,
        Err(CallError::Refused(refusal)) => refusal.code,
        Err(error) => panic!("{error}"),
    }
}

/// Parts that end anywhere.
fn parts(text: &str) -> impl Iterator<Item = io::Result<Box<dyn io::Read + Send>>> + Send + use<> {
    let parts: Vec<Vec<u8>> = text.as_bytes().chunks(17).map(<[u8]>::to_vec).collect();
    parts.into_iter().map(|part| Ok(Box::new(io::Cursor::new(part)) as Box<dyn io::Read + Send>))
}

fn header(model: &str) -> pb::TrainModelHeader {
    pb::TrainModelHeader {
        model: model.to_owned(),
        order: Some(3),
        smoothing: pb::Smoothing::WittenBell.into(),
        source: "a few lines".to_owned(),
        ..Default::default()
    }
}

async fn train(
    client: &Client,
    header: pb::TrainModelHeader,
) -> Result<pb::TrainModelReport, CallError> {
    client.train_model(header, parts(TEXT), |_| {}).await
}

fn score(model: &str, sentences: &[&str]) -> pb::ScoreRequest {
    let sentences = sentences.iter().map(|&sentence| sentence.to_owned()).collect();
    pb::ScoreRequest { model: model.to_owned(), sentences, ..Default::default() }
}

async fn arpa(client: &Client, model: &str) -> String {
    let request = pb::ExportModelRequest { model: model.to_owned(), begin_never: false };
    let mut answers = client.export_model(request).await.unwrap();
    let mut file = Vec::new();
    while let Some(part) = answers.next_answer().await.unwrap() {
        file.extend(part.chunk);
    }
    String::from_utf8(file).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_made_asked_and_there_after_a_restart() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let report = train(&client, header("news")).await.unwrap();
    let model = report.model.unwrap();
    assert_eq!((model.order, model.token_count, model.sentence_count), (3, 28, 6));
    assert_eq!(model.ngram_counts[0], model.word_count);
    assert_eq!(code(&train(&client, header("news")).await), Code::AlreadyExists);

    // Witten-Bell by hand: 13 words can come. Of 34 words "the" comes 5 times, and there are 12 different ones;
    // 5 of 6 sentences begin with it, and they begin with 2 different words.
    let scored = client.score(score("news", &["the queen of spain", ""])).await.unwrap();
    let [first, empty] = &scored.sentences[..] else { panic!("two sentences") };
    let alone = (5.0 + 12.0 / 13.0) / (34.0 + 12.0);
    let expected = (5.0 + 2.0 * alone) / (6.0 + 2.0);
    assert!((first.tokens[0].log10 - f64::log10(expected)).abs() < 2e-4, "{first:?}");
    let tokens: Vec<_> =
        first.tokens.iter().map(|t| (t.token.as_str(), t.order, t.unknown)).collect();
    let known = [
        ("the", 2, false),
        ("queen", 3, false),
        ("of", 3, false),
        ("spain", 1, true),
        ("</s>", 1, false),
    ];
    assert_eq!(tokens, known);
    let sum: f64 = first.tokens.iter().map(|token| token.log10).sum();
    assert!((first.log10 - sum).abs() < 1e-9 && first.unknown_count == 1 && first.token_count == 5);
    assert_eq!(empty.tokens.len(), 1);
    let sums = pb::ScoreRequest { totals_only: true, ..score("news", &["the queen of spain", ""]) };
    let sums = client.score(sums).await.unwrap().sentences;
    assert!((sums[0].log10 - first.log10).abs() < 1e-6 && sums[0].tokens.is_empty());

    // Word by word, each from the state before.
    let words = ["the", "queen", "of", "spain"].map(|word| score("news", &[word]));
    let (mut state, mut log10) = (Vec::new(), 0.0);
    for request in words {
        let request = pb::ScoreRequest { state, no_end: true, ..request };
        let answer = client.score(request).await.unwrap();
        log10 += answer.sentences[0].log10;
        state = answer.state;
    }
    let end = pb::ScoreRequest { state: state.clone(), ..score("news", &[""]) };
    log10 += client.score(end).await.unwrap().sentences[0].log10;
    assert!((log10 - first.log10).abs() < 1e-6);
    let stream =
        client.score_stream(tokio_stream::iter(vec![score("news", &["the queen of spain"]); 3]));
    let mut answers = stream.await.unwrap();
    for _ in 0..3 {
        assert_eq!(answers.next_answer().await.unwrap().unwrap().sentences[0], *first);
    }
    assert!(answers.next_answer().await.unwrap().is_none());

    let next = pb::NextWordsRequest { text: "the queen of".into(), k: Some(2), ..next_of("news") };
    let next = client.next_words(next).await.unwrap();
    let words: Vec<_> = next.words.iter().map(|word| (word.token.as_str(), word.order)).collect();
    assert_eq!(words, [("england", 3), ("france", 3)]);
    let all = pb::NextWordsRequest { k: Some(100), with_unknown: true, ..next_of("news") };
    let all: f64 = client.next_words(all).await.unwrap().words.iter().map(|w| w.probability).sum();
    assert!((all - 1.0).abs() < 1e-3, "{all}");

    let perplexity = perplexity(&client, "news", TEXT).await;
    assert_eq!(
        (perplexity.token_count, perplexity.unknown_count, perplexity.sentence_count),
        (34, 0, 6)
    );
    assert!(perplexity.perplexity > 1.0 && perplexity.perplexity < 10.0);

    let draw = pb::GenerateRequest { model: "news".into(), count: Some(5), ..Default::default() };
    let drawn = client.generate(draw.clone()).await.unwrap();
    assert_eq!(drawn, client.generate(draw).await.unwrap());
    assert_eq!(drawn.texts.iter().map(|text| text.seed).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);

    let server = Server::start_on(server.stop().await).await;
    let client = Client::connect(&server.url).await.unwrap();
    let listed = client.list_models(pb::ListModelsRequest {}).await.unwrap().models;
    assert_eq!(listed, [model]);
    assert_eq!(
        client.score(score("news", &["the queen of spain"])).await.unwrap().sentences[0],
        *first
    );
    let other = pb::ScoreRequest { state, ..score("news", &["cat"]) };
    assert_eq!(code(&client.score(other).await), Code::Ok);
    let delete = pb::DeleteModelRequest { model: "news".to_owned() };
    client.delete_model(delete.clone()).await.unwrap();
    assert_eq!(code(&client.delete_model(delete).await), Code::NotFound);
    assert_eq!(code(&client.score(score("news", &["cat"])).await), Code::NotFound);
    server.stop().await;
}

fn next_of(model: &str) -> pb::NextWordsRequest {
    pb::NextWordsRequest { model: model.to_owned(), ..Default::default() }
}

async fn perplexity(client: &Client, model: &str, text: &str) -> pb::PerplexityResponse {
    let request = pb::PerplexityRequest { model: model.to_owned(), text: text.as_bytes().to_vec() };
    client.perplexity(request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn arpa_goes_out_and_comes_in_and_replaces_while_others_ask() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    train(&client, header("news")).await.unwrap();
    let file = arpa(&client, "news").await;
    assert!(file.starts_with("\\data\\\nngram 1=") && file.ends_with("\n\\end\\\n"));
    let header = pb::ImportModelHeader { model: "copy".to_owned(), ..Default::default() };
    let report = client.import_model(header.clone(), parts(&file), |_| {}).await.unwrap();
    assert_eq!(report.model.unwrap().notes, Vec::<String>::new());
    let (own, copy) =
        (perplexity(&client, "news", TEXT).await, perplexity(&client, "copy", TEXT).await);
    assert!((own.perplexity - copy.perplexity).abs() < 1e-3, "{own:?} {copy:?}");

    let bad = file.replace("\\end\\", "");
    let replace = pb::ImportModelHeader { replace: true, ..header };
    let answer = client.import_model(replace.clone(), parts(&bad), |_| {}).await;
    let error = answer.as_ref().unwrap_err().to_string();
    assert!(
        code(&answer) == Code::InvalidArgument && error.contains("\\end\\ is missing"),
        "{error}"
    );
    assert_eq!(perplexity(&client, "copy", TEXT).await, copy, "the old one stays");
    let smaller = "\\data\\\nngram 1=3\n\\1-grams:\n-1 <unk>\n-1 </s>\n0 <s>\n\\end\\\n";
    client.import_model(replace, parts(smaller), |_| {}).await.unwrap();
    assert!((perplexity(&client, "copy", TEXT).await.perplexity - 10.0).abs() < 1e-6);

    // Together they know the text at least as well as the better one.
    let models = vec!["news".to_owned(), "copy".to_owned()];
    let request = pb::MixModelsRequest { models, text: TEXT.into(), weights: Vec::new() };
    let mixed = client.mix_models(request.clone()).await.unwrap();
    assert!(mixed.models[0].weight > 0.9, "{mixed:?}");
    assert!(mixed.mixture.unwrap().perplexity <= own.perplexity + 1e-6);
    let one = pb::MixModelsRequest { weights: vec![1.0], ..request };
    assert_eq!(code(&client.mix_models(one).await), Code::InvalidArgument);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_verified_backed_up_and_brought_back() {
    let backups = tempfile::tempdir().unwrap();
    let place = backups.path().to_str().unwrap().to_owned();
    let server =
        Server::start_with(|config| ServerConfig { backups: Some(place.clone()), ..config }).await;
    let client = Client::connect(&server.url).await.unwrap();
    train(&client, header("news")).await.unwrap();
    let before = perplexity(&client, "news", TEXT).await;
    client.backup(pb::BackupRequest::default(), |_| {}).await.unwrap();
    let verified = client.verify(pb::VerifyRequest::default(), |_| {}).await.unwrap();
    assert!(verified.damages.is_empty(), "{verified:?}");

    let file = server.data.path().join("shelf/models/news");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::remove_file(&file).unwrap();
    let mut damaged = std::fs::File::create(&file).unwrap();
    io::Write::write_all(&mut damaged, &bytes).unwrap();
    let verified = client.verify(pb::VerifyRequest::default(), |_| {}).await.unwrap();
    assert_eq!(verified.damages[0].part, "language model");
    // The one that is open is still the old file.
    assert_eq!(perplexity(&client, "news", TEXT).await, before);

    client.delete_model(pb::DeleteModelRequest { model: "news".to_owned() }).await.unwrap();
    let restored = client.restore(pb::RestoreRequest::default(), |_| {}).await.unwrap();
    assert_eq!(restored.models, ["news"]);
    assert_eq!(perplexity(&client, "news", TEXT).await, before);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn smoothings_are_compared_within_the_memory_of_jobs() {
    let server =
        Server::start_with(|config| ServerConfig { job_memory: Some(8 << 20), ..config }).await;
    let client = Client::connect(&server.url).await.unwrap();
    let text = TEXT.repeat(60);
    let asked = pb::CompareSmoothingsHeader { orders: vec![2, 3], ..Default::default() };
    let report = client.compare_smoothings(asked, parts(&text), |_| {}).await.unwrap();
    assert_eq!(report.models.len(), 20);
    for one in &report.models {
        let held_out = one.held_out.unwrap();
        assert!(held_out.perplexity > 1.0 && held_out.token_count > 0, "{one:?}");
    }
    // More text than the memory of jobs holds goes to files.
    let words = |line: u32| (0..10_u32).map(move |at| format!("w{} ", (line * 7 + at * at) % 997));
    let long: String = (0..3_000).flat_map(|line| words(line).chain(["\n".to_owned()])).collect();
    let asked = pb::TrainModelHeader { order: Some(2), ..header("long") };
    let whole = std::iter::once(Ok(Box::new(io::Cursor::new(long)) as Box<dyn io::Read + Send>));
    let report = client.train_model(asked, whole, |_| {}).await.unwrap();
    assert!(report.memory_bytes <= 4 << 20 && report.spilled_bytes > 0, "{report:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_is_refused_with_its_field() {
    type Header = pb::TrainModelHeader;
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    for (field, header) in [
        ("model", Header { model: "../x".to_owned(), ..header("x") }),
        ("order", Header { order: Some(8), ..header("x") }),
        ("k", Header { k: Some(1.0), ..header("x") }),
        ("k", Header { k: Some(0.0), smoothing: pb::Smoothing::AddK.into(), ..header("x") }),
        ("prune", Header { prune: vec![2, 1], ..header("x") }),
        ("held_out_share", Header { held_out_share: Some(0.9), ..header("x") }),
        ("held_out", Header { smoothing: pb::Smoothing::JelinekMercer.into(), ..header("x") }),
    ] {
        let answer = train(&client, header).await;
        let error = answer.as_ref().unwrap_err().to_string();
        assert!(
            code(&answer) == Code::InvalidArgument && error.contains(field),
            "{field}: {error}"
        );
    }
    let answer = client.train_model(header("x"), parts(""), |_| {}).await;
    assert!(answer.unwrap_err().to_string().contains("no words"));
    let answer = client.train_model(header("x"), parts("a <s> b\n"), |_| {}).await;
    assert!(answer.unwrap_err().to_string().contains("<s>"));
    assert!(client.list_models(pb::ListModelsRequest {}).await.unwrap().models.is_empty());
    let asked = header("x");
    let skipped = pb::TrainModelHeader { skip_special: true, ..asked };
    client.train_model(skipped, parts("a <s> b\n"), |_| {}).await.unwrap();
    let state = pb::ScoreRequest { state: vec![7; 40], ..score("x", &["a"]) };
    assert_eq!(code(&client.score(state).await), Code::InvalidArgument);
    assert_eq!(code(&client.score(score("x", &[])).await), Code::InvalidArgument);
    let draw = |top_p| pb::GenerateRequest { model: "x".into(), top_p, ..Default::default() };
    assert_eq!(code(&client.generate(draw(Some(0.0))).await), Code::InvalidArgument);
    server.stop().await;
}
