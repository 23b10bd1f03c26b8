//! Vectors learned from text over gRPC: models, sub-words, counts, the same bytes, and what cannot be.

use std::io::{Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tonic::Code;
use wordspace::client::{CallError, Client, TrainTableHeader, TrainTableReport};
use wordspace::proto as pb;
use wordspace::proto::training_service_client::TrainingServiceClient;
use wordspace::server::ServerConfig;

use crate::support::{Process, SMALL, Server, header, import, word};

/// The notes' toy corpus.
const TOY: &str = "Troll 2 is great !\nGymkata is great !\n";

/// Four kinds of words, each of which stands beside its own; those of kind 0 the most often.
fn kinds() -> String {
    let (mut text, mut seed) = (String::new(), 5_u64);
    let mut below = |n: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % n
    };
    for _ in 0..300 {
        let kind = below(5) % 4;
        for _ in 0..8 {
            text.extend(["kind", &kind.to_string(), "word", &below(6).to_string(), " "]);
        }
        text += "\n";
    }
    text
}

async fn train(
    client: &Client,
    header: TrainTableHeader,
    text: impl Into<Vec<u8>>,
) -> Result<TrainTableReport, CallError> {
    let reader: Box<dyn Read + Send> = Box::new(Cursor::new(text.into()));
    client.train_table(header, std::iter::once(Ok(reader)), |_| {}).await
}

fn small(table: &str) -> TrainTableHeader {
    TrainTableHeader {
        table: table.to_owned(),
        source: "a test".to_owned(),
        if_exists: pb::IfExists::Replace.into(),
        dim: Some(16),
        window: Some(3),
        sample: Some(0.0),
        min_count: Some(1),
        epochs: Some(8),
        lr: Some(0.1),
        ..TrainTableHeader::default()
    }
}

fn glove(table: &str) -> TrainTableHeader {
    TrainTableHeader { sample: None, model: pb::TrainModel::Glove.into(), ..small(table) }
}

async fn nearest(client: &Client, table: &str, of: &str, oov: pb::OovPolicy) -> String {
    let words = pb::WordOptions { oov: oov.into(), ..pb::WordOptions::default() };
    let request = pb::NearestRequest {
        table: table.to_owned(),
        positive: vec![word(of)],
        k: Some(1),
        words: Some(words),
        ..pb::NearestRequest::default()
    };
    client.nearest(request).await.unwrap().neighbors[0].word.clone()
}

async fn vectors(client: &Client, table: &str, words: &[&str]) -> Vec<pb::WordVector> {
    let queries = words.iter().map(|of| word(of)).collect();
    let request =
        pb::LookupRequest { table: table.to_owned(), queries, ..pb::LookupRequest::default() };
    client.lookup(request).await.unwrap().vectors
}

fn values(vectors: &[pb::WordVector]) -> Vec<Vec<u32>> {
    let of = |one: &pb::WordVector| one.vector.clone().unwrap().values;
    vectors.iter().map(|one| of(one).into_iter().map(f32::to_bits).collect()).collect()
}

fn count_of(vector: &pb::WordVector) -> Option<f64> {
    let value = vector.attributes.get("count")?.value.clone()?;
    let pb::attribute_value::Value::Integer(count) = value else { panic!("{value:?}") };
    Some(count as f64)
}

async fn has_table(client: &Client, table: &str) -> bool {
    let request = pb::GetTableRequest { table: table.to_owned() };
    client.get_table(request).await.is_ok()
}

fn refusal(error: CallError) -> (Code, String) {
    let CallError::Refused(refusal) = error else { panic!("{error:?}") };
    (refusal.code, format!("{refusal:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_stand_together_become_neighbors_in_every_model() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();

    let toy = TrainTableHeader {
        loss: pb::TrainLoss::Softmax.into(),
        dim: Some(2),
        window: Some(1),
        epochs: Some(600),
        ..small("toy")
    };
    let report = train(&client, toy.clone(), TOY).await.unwrap();
    assert_eq!((report.token_count, report.sentence_count, report.losses.len()), (9, 2, 600));
    let measured: Vec<f64> = report.losses.into_iter().filter(|&loss| loss > 0.0).collect();
    assert!(measured[measured.len() - 1] < measured[0] * 0.9 && report.memory_bytes > 0);
    let import = report.import.unwrap();
    assert_eq!((import.rows_kept, import.dim, import.bytes_read), (6, 2, TOY.len() as u64));
    let always = pb::OovPolicy::Unspecified;
    assert_eq!(nearest(&client, "toy", "Gymkata", always).await, "2");
    let words = vectors(&client, "toy", &["is", "Gymkata"]).await;
    assert_eq!(words.iter().map(count_of).collect::<Vec<_>>(), [Some(2.0), Some(1.0)]);
    let table = pb::GetTableRequest { table: "toy".to_owned() };
    let from = client.get_table(table).await.unwrap().table.unwrap().provenance.unwrap();
    assert_eq!((from.source.as_str(), from.sha256.len()), ("a test", 64));
    assert!(
        from.options.contains("skip-gram loss=softmax dim=2") && from.options.contains("seed=1")
    );
    train(&client, TrainTableHeader { table: "again".to_owned(), ..toy }, TOY).await.unwrap();
    let all = ["Troll", "2", "is", "great", "!", "Gymkata"];
    let bytes = values(&vectors(&client, "toy", &all).await);
    assert_eq!(bytes, values(&vectors(&client, "again", &all).await));

    // Every word's nearest is of its kind.
    let subwords = pb::TrainSubwords { min_n: Some(4), max_n: Some(5), buckets: Some(500) };
    let hierarchical = pb::TrainLoss::Hierarchical.into();
    let cbow = pb::TrainModel::Cbow.into();
    for header in [
        small("kinds"),
        TrainTableHeader { threads: Some(2), ..small("kinds") },
        TrainTableHeader { model: cbow, lr: Some(0.2), ..small("kinds") },
        TrainTableHeader { position_weights: true, model: cbow, lr: Some(0.2), ..small("kinds") },
        TrainTableHeader { loss: hierarchical, ..small("kinds") },
        TrainTableHeader { subwords: Some(subwords), ..small("parts") },
        TrainTableHeader { epochs: Some(30), ..glove("kinds") },
    ] {
        let shown = format!("{header:?}");
        let table = header.table.clone();
        let report = train(&client, header, kinds()).await.unwrap();
        assert_eq!(report.import.unwrap().rows_kept, 24, "{shown}");
        for kind in 0..4 {
            let of = format!("kind{kind}word1");
            let found = nearest(&client, &table, &of, always).await;
            assert_eq!(found[..5], of[..5], "{shown}: {of} {found}");
        }
    }
    // Output vectors are kept beside them: a word's own vector is near to those of words that stand beside it.
    for header in [small("in"), glove("in")] {
        let header = TrainTableHeader { outputs_table: "out".to_owned(), ..header };
        let report = train(&client, header, kinds()).await.unwrap();
        let outputs = report.outputs.unwrap();
        assert_eq!((outputs.table.as_str(), outputs.rows_kept, outputs.dim), ("out", 24, 16));
        let own = values(&vectors(&client, "in", &["kind1word1"]).await);
        let of = ["kind1word1", "kind1word2", "kind2word1"];
        let outputs = values(&vectors(&client, "out", &of).await);
        let product = |a: &[u32], b: &[u32]| -> f32 {
            a.iter().zip(b).map(|(&a, &b)| f32::from_bits(a) * f32::from_bits(b)).sum()
        };
        assert!(own[0] != outputs[0]);
        assert!(product(&own[0], &outputs[1]) > product(&own[0], &outputs[2]));
    }
    // A word that was never seen has a vector of its n-grams.
    let found = nearest(&client, "parts", "kind2words", pb::OovPolicy::Subword).await;
    assert!(found.starts_with("kind2"), "{found}");

    // Frequent words are nearer to the root, and no code begins another.
    let mut codes = Vec::new();
    for kind in 0..4 {
        for i in 0..6 {
            let word = format!("kind{kind}word{i}");
            let request = pb::GetHuffmanPathRequest { table: "kinds".to_owned(), word };
            let path = client.get_huffman_path(request).await.unwrap();
            assert_eq!((path.code.len(), path.word_count), (path.nodes.len(), 24));
            assert_eq!(path.nodes[0], 22, "the root is made last");
            codes.push((path.count, path.code));
        }
    }
    codes.sort();
    assert!(codes.is_sorted_by(|a, b| a.0 == b.0 || a.1.len() >= b.1.len()), "{codes:?}");
    let prefixes =
        |code: &String| codes.iter().filter(|(_, one)| one.starts_with(code.as_str())).count();
    assert!(codes.iter().all(|(_, code)| prefixes(code) == 1));
    let unknown = pb::GetHuffmanPathRequest { table: "toy".to_owned(), word: "x".to_owned() };
    let error = refusal(client.get_huffman_path(unknown).await.unwrap_err());
    assert_eq!(error.0, Code::NotFound);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn training_goes_on_from_a_table_cuts_as_told_and_joins_phrases() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let client = Client::connect(&server.url).await.unwrap();
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let text = "king and queen and king\nprince and queen\n".repeat(50);

    let from = |freeze| TrainTableHeader {
        dim: None,
        from_table: "en".to_owned(),
        freeze,
        ..small("more")
    };
    let report = train(&client, from(true), text.clone()).await.unwrap();
    assert_eq!(report.carried_word_count, 5);
    let import = report.import.unwrap();
    assert_eq!((import.rows_kept, import.dim), (9, 3));
    let words = ["king", "pear", "and"];
    let (before, after) =
        (vectors(&client, "en", &words[..2]).await, vectors(&client, "more", &words).await);
    assert_eq!(values(&before), values(&after[..2]));
    assert_eq!(after.iter().map(count_of).collect::<Vec<_>>(), [Some(100.0), None, Some(150.0)]);
    train(&client, from(false), text.clone()).await.unwrap();
    let moved = vectors(&client, "more", &words).await;
    assert!(values(&moved)[0] != values(&before)[0] && values(&moved)[1] == values(&before)[1]);
    let wrong = TrainTableHeader { dim: Some(4), ..from(false) };
    let (code, error) = refusal(train(&client, wrong, text).await.unwrap_err());
    assert!(code == Code::InvalidArgument && error.contains("have 3"), "{error}");

    let cutting = pb::Cutting { tokenizer: "unicode-words".to_owned(), ..pb::Cutting::default() };
    let header = TrainTableHeader { cutting: Some(cutting), ..small("cut") };
    let text = "new york, new york! it is (far) away\n".repeat(40);
    let report = train(&client, header.clone(), text.clone()).await.unwrap();
    assert_eq!((report.tokenizer.as_str(), report.token_count), ("unicode-words", 12 * 40));
    assert_eq!(vectors(&client, "cut", &["york", "("]).await.len(), 2);
    let phrases = pb::TrainPhrases { threshold: Some(5.9), ..pb::TrainPhrases::default() };
    let header = TrainTableHeader { phrases: Some(phrases), ..header };
    let report = train(&client, header, text).await.unwrap();
    assert!(report.phrase_counts[0] >= 1, "{report:?}");
    assert_eq!(count_of(&vectors(&client, "cut", &["new_york"]).await[0]), Some(80.0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_trained_says_why_and_leaves_nothing() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let with = |change: &dyn Fn(&mut TrainTableHeader)| {
        let mut header = small("none");
        change(&mut header);
        header
    };
    let softmax = pb::TrainLoss::Softmax.into();
    let hierarchical = pb::TrainLoss::Hierarchical.into();
    let cases: Vec<(TrainTableHeader, String, &str)> = vec![
        (small("none"), String::new(), "no tokens"),
        (small("none"), " \n\n ".to_owned(), "no tokens"),
        (small("none"), "one one one".to_owned(), "two words at least; it has 1"),
        (with(&|h| h.min_count = Some(9)), TOY.to_owned(), "the most frequent one occurs 2 times"),
        (with(&|h| h.dim = Some(0)), TOY.to_owned(), "dim"),
        (with(&|h| h.dim = Some(100_000)), TOY.to_owned(), "dim"),
        (with(&|h| h.vocab_max = Some(0)), TOY.to_owned(), "vocab_max"),
        (with(&|h| h.lr = Some(1e30)), TOY.to_owned(), "lower learning rate"),
        (with(&|h| (h.negative, h.loss) = (Some(5), softmax)), TOY.to_owned(), "negative"),
        (with(&|h| h.model = pb::TrainModel::Glove.into()), TOY.to_owned(), "sample"),
        (with(&|h| h.outputs_table = "none".to_owned()), TOY.to_owned(), "another name"),
        (
            with(&|h| (h.outputs_table, h.loss) = ("out".to_owned(), hierarchical)),
            TOY.to_owned(),
            "nodes of a tree",
        ),
        (with(&|h| h.power = Some(0.5)), TOY.to_owned(), "power"),
        (TrainTableHeader { x_max: Some(0.0), ..glove("none") }, TOY.to_owned(), "x_max"),
        (with(&|h| h.checkpoint_seconds = Some(-1.0)), TOY.to_owned(), "checkpoint_seconds"),
        (with(&|h| h.evaluate_seconds = Some(f64::NAN)), TOY.to_owned(), "evaluate_seconds"),
        (with(&|h| h.probes = vec!["w".to_owned(); 17]), TOY.to_owned(), "probes"),
        (with(&|h| h.freeze = true), TOY.to_owned(), "freeze"),
        (glove("none"), "a\nb\n".to_owned(), "no two of its words"),
    ];
    for (header, text, want) in cases {
        let (code, error) = refusal(train(&client, header, text).await.unwrap_err());
        assert!(code == Code::InvalidArgument && error.contains(want), "{want}: {error}");
    }
    let packed = b"\x1f\x8b\x08\x00\x00\x00\x00\x00".to_vec();
    let (_, error) = refusal(train(&client, small("none"), packed).await.unwrap_err());
    assert!(error.contains("packed with gzip"), "{error}");
    assert!(!has_table(&client, "none").await);

    // Bytes that are no characters are repaired and counted, and NUL is a character as any other.
    let report =
        train(&client, small("odd"), b"a b\xff\x00c a\nb\xff\x00c a".to_vec()).await.unwrap();
    assert_eq!((report.repaired_count, report.import.unwrap().rows_kept), (2, 2));
    let refused = TrainTableHeader { if_exists: 0, ..small("odd") };
    let (code, _) = refusal(train(&client, refused, TOY).await.unwrap_err());
    assert_eq!(code, Code::AlreadyExists);

    // While one learns, others are answered; a cancelled one leaves nothing.
    let long = TrainTableHeader { epochs: Some(10_000), ..small("none") };
    let (own, learns) = (client.clone(), AtomicBool::new(false));
    let training = async {
        let reader: Box<dyn Read + Send> = Box::new(Cursor::new(kinds().into_bytes()));
        let seen = |now: &pb::TrainTableProgress| {
            if let Some(learning) = &now.learning {
                assert_eq!((learning.epochs, now.word_count), (10_000, 24));
                learns.store(true, Ordering::SeqCst);
            }
        };
        own.train_table(long, std::iter::once(Ok(reader)), seen).await
    };
    let asking = async {
        while !learns.load(Ordering::SeqCst) {
            nearest(&client, "odd", "a", pb::OovPolicy::Unspecified).await;
        }
        let jobs = client.list_jobs(pb::ListJobsRequest {}).await.unwrap().jobs;
        let job = jobs.last().unwrap();
        assert_eq!((job.kind(), job.state()), (pb::JobKind::TrainTable, pb::JobState::Running));
        let now = job.progress.as_ref().unwrap();
        assert!(now.unit() == pb::JobUnit::Tokens && now.learning.is_some(), "{now:?}");
        client.cancel_job(pb::CancelJobRequest { id: job.id, keep: false }).await.unwrap();
        job.id
    };
    let (trained, id) = tokio::join!(training, asking);
    assert_eq!(refusal(trained.unwrap_err()).0, Code::Cancelled);
    assert!(!has_table(&client, "none").await);
    let job = client.get_job(pb::GetJobRequest { id }).await.unwrap().job.unwrap();
    assert_eq!(job.state(), pb::JobState::Cancelled);
    let status = client.get_status(pb::GetStatusRequest {}).await.unwrap();
    assert_eq!(status.job_memory_bytes, 0, "what it took was given back");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_goes_on_where_its_stream_broke_off() {
    let server = Server::start().await;
    let text = kinds();
    let first = &text.as_bytes()[..20_001];
    let kept = |table: &str, from| TrainTableHeader { resume_offset: Some(from), ..small(table) };
    // The client dies when the server has the first part, and the server starts again.
    let (url, runtime) = (server.url.clone(), tokio::runtime::Runtime::new().unwrap());
    let header = pb::train_table_request::Part::Header(kept("broken", 0));
    let parts = [header, pb::train_table_request::Part::Text(first.to_vec())];
    let begun = runtime.spawn(async move {
        let (sender, stream) = tokio::sync::mpsc::channel(4);
        for part in parts {
            sender.send(pb::TrainTableRequest { part: Some(part) }).await.unwrap();
        }
        let mut stub = TrainingServiceClient::connect(url).await.unwrap();
        let requests = tokio_stream::wrappers::ReceiverStream::new(stream);
        let mut replies = stub.train_table(requests).await.unwrap().into_inner();
        let is_progress = |part| matches!(part, Some(pb::train_table_response::Part::Progress(_)));
        while !is_progress(replies.message().await.unwrap().unwrap().part) {}
        (replies, sender)
    });
    let open = begun.await.unwrap();
    runtime.shutdown_background();
    drop(open);
    let server = Server::start_on(server.stop().await).await;
    let client = Client::connect(&server.url).await.unwrap();
    let offset = |of: &[u8]| client.resume_offset("broken", Cursor::new(of.to_vec()));
    assert_eq!(offset(text.as_bytes()).await.unwrap(), first.len() as u64);
    assert_eq!(offset(b"another text").await.unwrap(), 0, "it does not begin so");

    let (code, error) =
        refusal(train(&client, kept("broken", 20_000), text.as_str()).await.unwrap_err());
    assert!(code == Code::InvalidArgument && error.contains("20001 bytes are kept"), "{error}");
    train(&client, small("plain"), text.as_str()).await.unwrap();
    // The client passes over what the server has.
    let report = train(&client, kept("broken", 20_001), text.as_str()).await.unwrap();
    assert!(!report.resumed && report.token_count == 2_400, "{report:?}");
    let words: Vec<String> = (0..24).map(|i| format!("kind{}word{}", i / 6, i % 6)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let of = async |table| values(&vectors(&client, table, &words).await);
    assert_eq!(of("plain").await, of("broken").await);
    let status = client.get_status(pb::GetStatusRequest {}).await.unwrap();
    assert_eq!((status.spool_bytes, status.upload_bytes), (0, 0), "nothing of it stays");
    server.stop().await;
}

/// Interrupts a training when `is_due`, and goes on with it in another process.
async fn interrupt(
    checkpoint_seconds: f64,
    is_due: impl Fn(&pb::LearningProgress) -> bool + Send + 'static,
    end: impl FnOnce(Process),
) {
    let data = tempfile::tempdir().unwrap();
    // A server that stops waits for nobody.
    let process = Process::start_with(data.path(), &["--grace", "0"]).await;
    let client = Client::connect(&process.url).await.unwrap();
    // As many epochs as take a while, whatever the machine.
    let probe = train(&client, small("plain"), kinds()).await.unwrap();
    let learned = Duration::from_secs_f64(probe.learn_seconds).as_micros().max(1);
    let epochs = u32::try_from(8 * 2_000_000 / learned).unwrap_or(u32::MAX).clamp(16, 10_000);
    let header = |table: &str| TrainTableHeader { epochs: Some(epochs), ..small(table) };
    train(&client, header("plain"), kinds()).await.unwrap();
    let killed =
        TrainTableHeader { checkpoint_seconds: Some(checkpoint_seconds), ..header("killed") };
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let seen = move |now: &pb::TrainTableProgress| {
        if now.learning.as_ref().is_some_and(&is_due) {
            let _ = tell.send(());
        }
    };
    let reader: Box<dyn Read + Send> = Box::new(Cursor::new(kinds().into_bytes()));
    let training = client.train_table(killed, std::iter::once(Ok(reader)), seen);
    tokio::pin!(training);
    tokio::select! {
        ended = &mut training => panic!("it had to be killed before: {ended:?}"),
        _ = told.recv() => {}
    }
    let (ended, ()) =
        tokio::join!(training, async { tokio::task::block_in_place(|| end(process)) });
    assert!(ended.is_err());

    let process = Process::start(data.path()).await;
    let client = Client::connect(&process.url).await.unwrap();
    let status = client.get_status(pb::GetStatusRequest {}).await.unwrap();
    assert!(status.spool_bytes > 0 && !has_table(&client, "killed").await);
    let resume = |table: &str| TrainTableHeader {
        table: table.to_owned(),
        resume: true,
        ..TrainTableHeader::default()
    };
    let (code, error) = refusal(train(&client, resume("plain"), "").await.unwrap_err());
    assert!(code == Code::InvalidArgument && error.contains("those of killed"), "{error}");
    let more = TrainTableHeader { dim: Some(3), ..resume("killed") };
    let (_, error) = refusal(train(&client, more, "").await.unwrap_err());
    assert!(error.contains("only table and detach"), "{error}");
    let report = train(&client, resume("killed"), "").await.unwrap();
    assert!(report.resumed && report.token_count == 2_400, "{report:?}");
    let words: Vec<String> = (0..24).map(|i| format!("kind{}word{}", i / 6, i % 6)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let of = async |table| values(&vectors(&client, table, &words).await);
    assert_eq!(of("plain").await, of("killed").await);
    let status = client.get_status(pb::GetStatusRequest {}).await.unwrap();
    assert_eq!(status.spool_bytes, 0, "the checkpoint is gone");
    assert!(train(&client, resume("killed"), "").await.is_err());
    process.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_training_that_is_killed_goes_on_and_makes_the_same_bytes() {
    let is_written = |now: &pb::LearningProgress| {
        now.checkpoint.as_ref().is_some_and(|one| one.count > 0 && one.bytes > 0)
    };
    interrupt(1e-3, is_written, Process::kill).await;
}

/// A server that stops writes a checkpoint, however seldom they are due.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_training_whose_server_stops_goes_on_and_makes_the_same_bytes() {
    interrupt(86_400.0, |now| now.epoch > 1, Process::terminate).await;
}

/// A fastText model of the words `</s>`, `kind0word0` and `fig`, four components and twenty buckets.
fn fasttext() -> Vec<u8> {
    let mut file = Vec::new();
    for number in [793_712_314, 12, 4, 5, 5, 1, 5, 1, 2, 2, 20, 3, 4, 100] {
        file.extend(i32::to_le_bytes(number));
    }
    file.extend(1e-4_f64.to_le_bytes());
    for number in [3, 3, 0] {
        file.extend(i32::to_le_bytes(number));
    }
    file.extend(9_i64.to_le_bytes());
    file.extend((-1_i64).to_le_bytes());
    for word in ["</s>", "kind0word0", "fig"] {
        file.extend(word.as_bytes());
        file.push(0);
        file.extend(3_i64.to_le_bytes());
        file.push(0);
    }
    file.push(0);
    file.extend(23_i64.to_le_bytes());
    file.extend(4_i64.to_le_bytes());
    let value = |i: u16| f32::from(i * 37 % 101) / 100.0 - 0.5;
    file.extend((0..92).flat_map(|i| value(i).to_le_bytes()));
    file
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fasttext_model_is_trained_on_with_its_sub_words() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let client = Client::connect(&server.url).await.unwrap();
    import(&channel, header("model"), &fasttext()).await.unwrap();
    let on = |freeze| TrainTableHeader {
        dim: None,
        from_table: "model".to_owned(),
        freeze,
        subwords: Some(pb::TrainSubwords::default()),
        ..small("more")
    };
    let unseen = async |table: &str| {
        let words = pb::WordOptions { oov: pb::OovPolicy::Subword.into(), ..Default::default() };
        let queries = vec![word("kind9")];
        let (table, words) = (table.to_owned(), Some(words));
        let request = pb::LookupRequest { table, queries, words, ..Default::default() };
        values(&client.lookup(request).await.unwrap().vectors)
    };
    let text = kinds().replace('\n', "</s>\n");
    let both = ["</s>", "kind0word0"];
    let before = values(&vectors(&client, "model", &both).await);

    // Frozen, the model's words and n-grams stay to the last bit, and new words learn beside them.
    let report = train(&client, on(true), text.clone()).await.unwrap();
    assert_eq!((report.import.unwrap().rows_kept, report.carried_word_count), (26, 1));
    assert_eq!(values(&vectors(&client, "more", &both).await), before);
    assert_eq!(unseen("more").await, unseen("model").await);
    let fig = values(&vectors(&client, "model", &["fig"]).await);
    assert_eq!(values(&vectors(&client, "more", &["fig"]).await), fig);

    // Else both move, and a word that the text lacks moves with its n-grams.
    train(&client, on(false), text.clone()).await.unwrap();
    let after = values(&vectors(&client, "more", &both).await);
    assert!(after[0] != before[0] && after[1] != before[1]);
    assert_ne!(unseen("more").await, unseen("model").await);
    assert_ne!(values(&vectors(&client, "more", &["fig"]).await), fig);

    // What cannot go on says so.
    let other = pb::TrainSubwords { max_n: Some(6), ..pb::TrainSubwords::default() };
    let header = TrainTableHeader { subwords: Some(other), ..on(false) };
    let (code, error) = refusal(train(&client, header, text.clone()).await.unwrap_err());
    assert!(code == Code::InvalidArgument && error.contains("3 to 4 characters"), "{error}");
    import(&channel, self::header("plain"), SMALL.as_bytes()).await.unwrap();
    let header = TrainTableHeader { from_table: "plain".to_owned(), ..on(false) };
    let (_, error) = refusal(train(&client, header, text.clone()).await.unwrap_err());
    assert!(error.contains("no sub-words to go on with"), "{error}");
    let weights = TrainTableHeader { position_weights: true, ..small("more") };
    let (_, error) = refusal(train(&client, weights, text).await.unwrap_err());
    assert!(error.contains("position_weights"), "{error}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_test_sets_are_told_and_enough_is_kept() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let pairs = "kind0word1 kind0word2 9\nkind0word1 kind1word2 1\nkind2word1 kind2word2 8\n";
    let set = pb::PutTestSetRequest {
        name: "pairs".to_owned(),
        kind: pb::TestSetKind::WordPairs.into(),
        file: pairs.as_bytes().to_vec(),
        ..pb::PutTestSetRequest::default()
    };
    client.put_test_set(set).await.unwrap();
    let header = TrainTableHeader {
        epochs: Some(10_000),
        probes: vec!["kind3word3".to_owned(), "king".to_owned()],
        test_sets: vec!["pairs".to_owned()],
        evaluate_seconds: Some(0.05),
        checkpoint_seconds: Some(1e-3),
        ..small("kept")
    };
    let wrong = TrainTableHeader { test_sets: vec!["none".to_owned()], ..header.clone() };
    let (code, error) = refusal(train(&client, wrong, kinds()).await.unwrap_err());
    assert!(code == Code::NotFound && error.contains("none"), "{error}");

    // With `keep` the table is what it was by then; without, nothing is left, not even a checkpoint.
    for keep in [true, false] {
        let (own, seen) = (client.clone(), AtomicBool::new(false));
        let header = TrainTableHeader {
            table: if keep { "kept" } else { "dropped" }.to_owned(),
            ..header.clone()
        };
        let training = async {
            let reader: Box<dyn Read + Send> = Box::new(Cursor::new(kinds().into_bytes()));
            let look = |now: &pb::TrainTableProgress| {
                let Some(now) = &now.learning else { return };
                let all = now.evaluations.first().is_some_and(|one| !one.figures.is_empty())
                    && now.checkpoint.as_ref().is_some_and(|one| one.count > 0)
                    && now.epoch > 50;
                let probes = &now.probes;
                assert!(!probes[1].known && probes[1].neighbors.is_empty());
                if all && probes[0].neighbors.len() == 8 {
                    seen.store(true, Ordering::SeqCst);
                }
            };
            own.train_table(header, std::iter::once(Ok(reader)), look).await
        };
        let ending = async {
            while !seen.load(Ordering::SeqCst) {
                client.get_status(pb::GetStatusRequest {}).await.unwrap();
            }
            let id = client.list_jobs(pb::ListJobsRequest {}).await.unwrap().jobs;
            let id = id.last().unwrap().id;
            client.cancel_job(pb::CancelJobRequest { id, keep }).await.unwrap();
        };
        let (trained, ()) = tokio::join!(training, ending);
        if keep {
            let report = trained.unwrap();
            let epoch = report.ended_in_epoch.unwrap();
            assert!((50..10_000).contains(&epoch) && report.losses.len() == epoch as usize);
            let last = report.evaluations.last().unwrap();
            assert_eq!(
                (last.test_set.as_str(), last.figures[0].name.as_str()),
                ("pairs", "Spearman")
            );
            let found = nearest(&client, "kept", "kind1word1", pb::OovPolicy::Unspecified).await;
            assert!(found.starts_with("kind1"), "{found}");
        } else {
            assert_eq!(refusal(trained.unwrap_err()).0, Code::Cancelled);
        }
        let status = client.get_status(pb::GetStatusRequest {}).await.unwrap();
        assert_eq!(status.spool_bytes, 0, "keep {keep}");
    }
    assert!(!has_table(&client, "dropped").await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_told_before_and_never_passed() {
    let job_memory = Some(16 << 20);
    let server = Server::start_with(|config| ServerConfig { job_memory, ..config }).await;
    let client = Client::connect(&server.url).await.unwrap();
    let subwords = Some(pb::TrainSubwords::default());
    let large = TrainTableHeader { subwords, ..small("large") };
    let (code, error) = refusal(train(&client, large, TOY).await.unwrap_err());
    assert!(code == Code::InvalidArgument && error.contains("job-memory"), "{error}");
    let many: String = (0..400_000).map(|i| format!("w{i} ")).collect();
    let (code, error) = refusal(train(&client, small("many"), many).await.unwrap_err());
    assert!(code == Code::InvalidArgument && error.contains("job-memory"), "{error}");
    train(&client, small("toy"), TOY).await.unwrap();
    assert!(!has_table(&client, "large").await && !has_table(&client, "many").await);
    server.stop().await;
}
