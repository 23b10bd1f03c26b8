//! Neural language models over gRPC: learned, asked, mixed, stopped, and refused; candidates, odd words, and texts that
//! weigh by surprise; the compact form of n-grams.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic::Code;
use wordspace::client::{CallError, Client};
use wordspace::proto as pb;
use wordspace::proto::text_service_client::TextServiceClient;

use crate::support::{SMALL, Server, header as table_header, import};

const TEXT: &str = "the queen of england spoke\nthe king of england slept\nthe queen of france spoke\n\
                    the king of france spoke\nthe cat slept\na cat and a queen\n";

fn refused<T>(answer: Result<T, CallError>) -> (Code, String) {
    match answer {
        Ok(_) => (Code::Ok, String::new()),
        Err(CallError::Refused(refusal)) => (refusal.code, refusal.to_string()),
        Err(error) => panic!("{error}"),
    }
}

fn whole(text: &str) -> impl Iterator<Item = io::Result<Box<dyn io::Read + Send>>> + Send + use<> {
    let text = io::Cursor::new(text.as_bytes().to_vec());
    std::iter::once(Ok(Box::new(text) as Box<dyn io::Read + Send>))
}

fn network() -> pb::NeuralNetwork {
    pb::NeuralNetwork {
        dim: Some(8),
        hidden: Some(12),
        epochs: Some(120),
        rate: Some(0.1),
        dropout: Some(0.0),
        ..Default::default()
    }
}

fn header(model: &str, network: pb::NeuralNetwork) -> pb::TrainModelHeader {
    pb::TrainModelHeader {
        model: model.to_owned(),
        order: Some(3),
        neural: Some(network),
        ..Default::default()
    }
}

async fn train(
    client: &Client,
    header: pb::TrainModelHeader,
) -> Result<pb::TrainModelReport, CallError> {
    client.train_model(header, whole(TEXT), |_| {}).await
}

async fn ngrams(client: &Client, model: &str) {
    let header = pb::TrainModelHeader {
        model: model.to_owned(),
        order: Some(3),
        smoothing: pb::Smoothing::WittenBell.into(),
        ..Default::default()
    };
    train(client, header).await.unwrap();
}

fn score(model: &str, sentence: &str) -> pb::ScoreRequest {
    let sentences = vec![sentence.to_owned()];
    pb::ScoreRequest { model: model.to_owned(), sentences, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_learned_from_a_table_and_leaves_one_and_answers_as_n_grams_do() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    import(&server.channel().await, table_header("en"), SMALL.as_bytes()).await.unwrap();
    let dim = client.get_table(pb::GetTableRequest { table: "en".into() }).await.unwrap();
    let dim = dim.table.unwrap().dim;
    let from = pb::NeuralNetwork {
        dim: None,
        from_table: "en".to_owned(),
        table: "net-words".to_owned(),
        threads: Some(2),
        direct: true,
        ..network()
    };
    let report = train(&client, header("net", from.clone())).await.unwrap();
    let model = report.model.clone().unwrap();
    let neural = model.neural.clone().unwrap();
    assert_eq!((model.order, neural.dim, neural.hidden, neural.direct), (3, dim, 12, true));
    assert_eq!(
        (model.token_count, model.sentence_count, neural.from_table.as_str()),
        (28, 6, "en")
    );
    // Two words of the text have a row.
    assert_eq!((report.from_table_count, report.epochs.len()), (2, 120));
    assert_eq!(report.table_row_count, model.word_count);
    let table = client.get_table(pb::GetTableRequest { table: "net-words".into() }).await.unwrap();
    assert_eq!(
        (table.table.as_ref().unwrap().dim, table.table.unwrap().row_count),
        (dim, model.word_count)
    );
    assert_eq!(refused(train(&client, header("net", from.clone())).await).0, Code::AlreadyExists);
    let (code, _) = refused(train(&client, header("other", from)).await);
    assert_eq!(code, Code::AlreadyExists, "the table is there");

    let scored = client.score(score("net", "the queen of england spoke")).await.unwrap();
    let first = &scored.sentences[0];
    let sum: f64 = first.tokens.iter().map(|token| token.log10).sum();
    assert!((first.log10 - sum).abs() < 1e-6 && first.tokens.len() == 6);
    // Word by word, each from the state before.
    let (mut state, mut log10) = (Vec::new(), 0.0);
    for word in ["the", "queen", "of", "england", "spoke"] {
        let request = pb::ScoreRequest { state, no_end: true, ..score("net", word) };
        let answer = client.score(request).await.unwrap();
        log10 += answer.sentences[0].log10;
        state = answer.state;
    }
    let end = pb::ScoreRequest { state, ..score("net", "") };
    log10 += client.score(end).await.unwrap().sentences[0].log10;
    assert!((log10 - first.log10).abs() < 1e-4, "{log10} {}", first.log10);
    let next = pb::NextWordsRequest {
        model: "net".into(),
        text: "the queen of".into(),
        k: Some(2),
        ..Default::default()
    };
    let next = client.next_words(next).await.unwrap();
    let mut words: Vec<_> = next.words.iter().map(|word| word.token.as_str()).collect();
    words.sort_unstable();
    assert_eq!(words, ["england", "france"]);
    let draw = pb::GenerateRequest { model: "net".into(), count: Some(3), ..Default::default() };
    let drawn = client.generate(draw.clone()).await.unwrap();
    assert_eq!(drawn, client.generate(draw).await.unwrap());
    ngrams(&client, "news").await;
    let models = vec!["net".to_owned(), "news".to_owned()];
    let mix = pb::MixModelsRequest { models, text: TEXT.into(), weights: Vec::new() };
    let mixed = client.mix_models(mix).await.unwrap();
    let least =
        mixed.models.iter().map(|model| model.alone.unwrap().perplexity).fold(f64::MAX, f64::min);
    assert!(mixed.mixture.unwrap().perplexity < least * 1.0001, "{mixed:?}");
    let export = pb::ExportModelRequest { model: "net".to_owned(), begin_never: false };
    let mut answers = client.export_model(export).await.unwrap();
    let error = loop {
        match answers.next_answer().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a network has no n-grams"),
            Err(error) => break error.to_string(),
        }
    };
    assert!(error.contains("no n-grams"), "{error}");

    let server = Server::start_on(server.stop().await).await;
    let client = Client::connect(&server.url).await.unwrap();
    let got = client.get_model(pb::GetModelRequest { model: "net".into() }).await.unwrap();
    assert_eq!(got.model.unwrap(), model);
    let again = client.score(score("net", "the queen of england spoke")).await.unwrap();
    assert_eq!(again.sentences[0], *first);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_learns_is_watched_and_cancelled_and_leaves_nothing() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let text = TEXT.repeat(50);
    let long = pb::TrainModelHeader {
        held_out_share: Some(0.1),
        ..header(
            "none",
            pb::NeuralNetwork {
                epochs: Some(10_000),
                table: "none".into(),
                rate: Some(1e-5),
                ..network()
            },
        )
    };
    let learns = AtomicBool::new(false);
    let training = client.train_model(long, whole(&text), |now| {
        if let Some(learning) = &now.learning {
            assert_eq!((learning.epochs, now.phase.as_str()), (10_000, "learning"));
            // The held-out lines are judged behind each epoch.
            let held_out = learning.evaluations.first();
            if held_out
                .is_some_and(|one| one.test_set == "held-out" && one.figures[0].value() > 1.0)
            {
                learns.store(true, Ordering::SeqCst);
            }
        }
    });
    let asking = async {
        while !learns.load(Ordering::SeqCst) {
            client.list_models(pb::ListModelsRequest {}).await.unwrap();
        }
        let jobs = client.list_jobs(pb::ListJobsRequest {}).await.unwrap().jobs;
        let job = jobs.last().unwrap();
        assert_eq!((job.kind(), job.state()), (pb::JobKind::TrainModel, pb::JobState::Running));
        client.cancel_job(pb::CancelJobRequest { id: job.id, keep: false }).await.unwrap();
    };
    let (trained, ()) = tokio::join!(training, asking);
    assert_eq!(refused(trained).0, Code::Cancelled);
    assert!(client.list_models(pb::ListModelsRequest {}).await.unwrap().models.is_empty());
    let table = client.get_table(pb::GetTableRequest { table: "none".into() }).await;
    assert_eq!(refused(table).0, Code::NotFound);
    let status = client.get_status(pb::GetStatusRequest {}).await.unwrap();
    assert_eq!(status.job_memory_bytes, 0, "what it took was given back");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_network_is_refused_with_its_field() {
    type Network = pb::NeuralNetwork;
    let server = Server::start_with(|config| wordspace::server::ServerConfig {
        job_memory: Some(64 << 20),
        ..config
    })
    .await;
    let client = Client::connect(&server.url).await.unwrap();
    for (field, network) in [
        ("neural.dim", Network { dim: Some(0), ..network() }),
        ("neural.hidden", Network { hidden: Some(100_000), ..network() }),
        ("neural.epochs", Network { epochs: Some(0), ..network() }),
        ("neural.samples", Network { samples: Some(0), ..network() }),
        ("neural.threads", Network { threads: Some(100_000), ..network() }),
        ("rate", Network { rate: Some(f64::NAN), ..network() }),
        ("dropout", Network { dropout: Some(1.0), ..network() }),
        ("decay", Network { decay: Some(-1.0), ..network() }),
        ("neural.table", Network { table: "../x".into(), ..network() }),
    ] {
        let (code, error) = refused(train(&client, header("x", network)).await);
        assert!(code == Code::InvalidArgument && error.contains(field), "{field}: {error}");
    }
    let base = header("x", network());
    for (field, header) in [
        ("order", pb::TrainModelHeader { order: Some(1), ..base.clone() }),
        ("neural", pb::TrainModelHeader { prune: vec![1], ..base.clone() }),
        ("neural", pb::TrainModelHeader { smoothing: 5, ..base.clone() }),
        ("compact", pb::TrainModelHeader { compact: true, ..base.clone() }),
    ] {
        let (code, error) = refused(train(&client, header).await);
        assert!(code == Code::InvalidArgument && error.contains(field), "{field}: {error}");
    }
    let from = header("x", Network { from_table: "none".into(), ..network() });
    assert_eq!(refused(train(&client, from).await).0, Code::NotFound);
    // More than jobs have.
    let large = header("x", Network { dim: Some(1_024), hidden: Some(4_096), ..network() });
    let (code, error) = refused(train(&client, large).await);
    assert!(code == Code::InvalidArgument && error.contains("job-memory"), "{error}");
    let wild =
        header("x", Network { rate: Some(10.0), hidden: Some(64), epochs: Some(3), ..network() });
    // Whatever comes of it, it is a model or an error.
    let _ = refused(train(&client, wild).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_are_ranked_by_both_and_odd_words_are_found() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    ngrams(&client, "news").await;
    let candidate =
        |text: &str, acoustic_log10| pb::CandidateText { text: text.into(), acoustic_log10 };
    let request = pb::RankTextsRequest {
        model: "news".into(),
        candidates: vec![
            candidate("queen the of england", -4.0),
            candidate("the queen of england spoke", -4.5),
        ],
        ..Default::default()
    };
    let ranked = client.rank_texts(request.clone()).await.unwrap().candidates;
    assert_eq!(ranked.iter().map(|one| one.index).collect::<Vec<_>>(), [1, 0]);
    let best = client.score(score("news", "the queen of england spoke")).await.unwrap();
    assert!((ranked[0].log10 - best.sentences[0].log10).abs() < 1e-6);
    assert!((ranked[0].total - (ranked[0].log10 - 4.5)).abs() < 1e-9);
    assert!((ranked.iter().map(|one| one.share).sum::<f64>() - 1.0).abs() < 1e-9);
    // Without the model only what was heard counts; with a bonus long texts win.
    let deaf = pb::RankTextsRequest { weight: Some(0.0), ..request.clone() };
    assert_eq!(client.rank_texts(deaf).await.unwrap().candidates[0].index, 0);
    let long = pb::RankTextsRequest { weight: Some(0.0), word_bonus: Some(1.0), ..request.clone() };
    assert_eq!(client.rank_texts(long).await.unwrap().candidates[0].index, 1);
    for (field, request) in [
        ("candidates", pb::RankTextsRequest { candidates: Vec::new(), ..request.clone() }),
        (
            "acoustic_log10",
            pb::RankTextsRequest { candidates: vec![candidate("a", f64::NAN)], ..request.clone() },
        ),
        ("weight", pb::RankTextsRequest { weight: Some(-1.0), ..request.clone() }),
        ("word_bonus", pb::RankTextsRequest { word_bonus: Some(f64::INFINITY), ..request }),
    ] {
        let (code, error) = refused(client.rank_texts(request).await);
        assert!(code == Code::InvalidArgument && error.contains(field), "{field}: {error}");
    }

    let odd = |sentence: &str, threshold| pb::OddWordsRequest {
        model: "news".into(),
        sentences: vec![sentence.to_owned(), String::new()],
        threshold,
    };
    let found = client.odd_words(odd("the queen of zebra spoke", Some(1.5))).await.unwrap();
    let words: Vec<_> = found.sentences[0].words.iter().map(|word| word.token.as_str()).collect();
    assert_eq!(words, ["zebra"], "{found:?}");
    let zebra = &found.sentences[0].words[0];
    assert!(zebra.index == 3 && zebra.unknown && zebra.log10 < zebra.neighbors_log10 - 1.5);
    assert_eq!((found.sentences[0].token_count, found.sentences[1].token_count), (5, 0));
    let none = client.odd_words(odd("the queen of england spoke", None)).await.unwrap();
    assert!(none.sentences[0].words.is_empty());
    let (code, _) = refused(client.odd_words(odd("a", Some(f64::NAN))).await);
    assert_eq!(code, Code::InvalidArgument);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_weigh_their_words_by_surprise() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    import(&server.channel().await, table_header("en"), SMALL.as_bytes()).await.unwrap();
    ngrams(&client, "news").await;
    let ask = |text: &str, pooling: pb::Pooling, model: &str| pb::EmbedRequest {
        table: "en".into(),
        texts: vec![text.to_owned()],
        cutting: Some(pb::Cutting { tokenizer: "whitespace".into(), ..Default::default() }),
        options: Some(pb::EmbedOptions {
            pooling: pooling.into(),
            pre_normalize: Some(false),
            model: model.to_owned(),
            ..Default::default()
        }),
        words: Some(pb::WordOptions { oov: pb::OovPolicy::Skip.into(), ..Default::default() }),
        ..Default::default()
    };
    let text = "the queen of england\nking";
    let got = client.embed(ask(text, pb::Pooling::Surprise, "news")).await.unwrap();
    let mut weights = Vec::new();
    for line in text.lines() {
        let scored = client.score(score("news", line)).await.unwrap();
        let words = scored.sentences[0].tokens.iter().filter(|token| token.token != "</s>");
        weights.extend(words.map(|token| (token.token.clone(), -token.log10)));
    }
    let rows: Vec<Vec<f32>> = {
        let words = ["queen", "king"].map(|word| ask(word, pb::Pooling::Sum, ""));
        let mut rows = Vec::new();
        for word in words {
            rows.push(client.embed(word).await.unwrap().vectors[0].values.clone());
        }
        rows
    };
    let weight = |word: &str| weights.iter().find(|(one, _)| one == word).unwrap().1;
    let (queen, king) = (weight("queen"), weight("king"));
    for (at, value) in got.vectors[0].values.iter().enumerate() {
        let expected =
            (queen * f64::from(rows[0][at]) + king * f64::from(rows[1][at])) / (queen + king);
        assert!((f64::from(*value) - expected).abs() < 1e-4, "{value} {expected}");
    }
    let mut texts = TextServiceClient::new(server.channel().await);
    for (field, request) in [
        ("model", ask("king", pb::Pooling::Surprise, "")),
        ("model", ask("king", pb::Pooling::Mean, "news")),
    ] {
        let error = texts.embed(request).await.unwrap_err();
        assert!(
            error.code() == Code::InvalidArgument && error.message().contains(field),
            "{error}"
        );
    }
    let error = texts.embed(ask("king", pb::Pooling::Surprise, "never")).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compact_model_says_the_same_and_models_are_closed_for_others() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let header = |model: &str, compact| pb::TrainModelHeader {
        model: model.to_owned(),
        order: Some(3),
        compact,
        ..Default::default()
    };
    train(&client, header("fast", false)).await.unwrap();
    let small = train(&client, header("small", true)).await.unwrap().model.unwrap();
    assert!(small.compact && small.ngram_counts.len() == 3);
    let sentence = "the queen of france slept never";
    let fast = client.score(score("fast", sentence)).await.unwrap().sentences[0].clone();
    let compact = client.score(score("small", sentence)).await.unwrap().sentences[0].clone();
    for (one, two) in fast.tokens.iter().zip(&compact.tokens) {
        assert!((one.log10 - two.log10).abs() < 2e-4 && one.order == two.order, "{one:?} {two:?}");
    }
    // More than may be open at once; each answers all the same.
    for number in 0..wordspace::limits::LM_OPEN_MAX + 3 {
        let model = format!("m{number}");
        train(&client, pb::TrainModelHeader { order: Some(1), ..header(&model, false) })
            .await
            .unwrap();
        client.score(score(&model, "the")).await.unwrap();
    }
    let again = client.score(score("fast", sentence)).await.unwrap().sentences[0].clone();
    assert_eq!(again, fast);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_tells_its_tokenizer_from_another_of_that_name() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let put = |vocabulary: &str| {
        let content = vocabulary.as_bytes().to_vec();
        let file = pb::TokenizerFile { name: "vocab.txt".to_owned(), content };
        let spec = Some(pb::TokenizerSpec { files: vec![file], ..Default::default() });
        pb::PutTokenizerRequest { name: "own".to_owned(), spec, replace: true }
    };
    let mut texts = TextServiceClient::new(server.channel().await);
    texts.put_tokenizer(put("[UNK]\nthe\nqueen\n")).await.unwrap();
    let cut = pb::TrainModelHeader {
        model: "cut".to_owned(),
        order: Some(2),
        tokenizer: "own".to_owned(),
        ..Default::default()
    };
    train(&client, cut).await.unwrap();
    client.score(score("cut", "the queen")).await.unwrap();
    texts.put_tokenizer(put("[UNK]\nthe\nqu\n##een\n")).await.unwrap();
    let (code, error) = refused(client.score(score("cut", "the queen")).await);
    assert!(code == Code::FailedPrecondition && error.contains("another"), "{code:?}: {error}");
    texts.put_tokenizer(put("[UNK]\nthe\nqueen\n")).await.unwrap();
    client.score(score("cut", "the queen")).await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_too_many_words_is_refused_unless_only_sums_are_asked() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    ngrams(&client, "news").await;
    let sentences = vec!["a ".repeat(400_000); 3];
    let wide = pb::ScoreRequest { sentences, ..score("news", "") };
    let (code, error) = refused(client.score(wide.clone()).await);
    assert!(code == Code::InvalidArgument && error.contains("LM_WORDS_ASKED_MAX"), "{error}");
    let sums = client.score(pb::ScoreRequest { totals_only: true, ..wide }).await.unwrap();
    assert_eq!(sums.sentences[0].token_count, 400_001);
    server.stop().await;
}
