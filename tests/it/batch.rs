//! Questions of any kind in one call: each is answered as if it had come alone.

use std::time::{Duration, Instant};

use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_types::StatusExt as _;
use wordspace::proto as pb;
use wordspace::proto::batch_answer::Answer;
use wordspace::proto::batch_service_client::BatchServiceClient;
use wordspace::proto::question::Question;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::server::ServerConfig;

use crate::replicas::{follow, publish, put_request};
use crate::support::{SMALL, Server, header, import, reason, word};

fn batch(questions: Vec<Question>) -> pb::BatchRequest {
    let questions = questions.into_iter().map(|question| pb::Question { question: Some(question) });
    pb::BatchRequest { questions: questions.collect() }
}

fn client(channel: &Channel) -> BatchServiceClient<Channel> {
    BatchServiceClient::new(channel.clone()).max_decoding_message_size(64 << 20)
}

async fn ask(channel: &Channel, request: pb::BatchRequest) -> Vec<Answer> {
    let answers = client(channel).batch(request).await.unwrap().into_inner().answers;
    answers.into_iter().map(|answer| answer.answer.unwrap()).collect()
}

fn nearest(table: &str, asked: &str) -> pb::NearestRequest {
    let (table, positive) = (table.to_owned(), vec![word(asked)]);
    pb::NearestRequest { table, positive, k: Some(2), ..Default::default() }
}

fn lookup(table: &str, asked: &str) -> pb::LookupRequest {
    let (table, queries) = (table.to_owned(), vec![word(asked)]);
    pb::LookupRequest { table, queries, ..Default::default() }
}

#[tokio::test]
async fn each_question_has_its_own_answer_or_its_own_error() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    import(&channel, header("other"), b"king 0 1\nlion 1 1\n").await.unwrap();
    let pairs = vec![pb::similarity_request::Pair { a: Some(word("king")), b: Some(word("man")) }];
    let similarity = pb::SimilarityRequest { table: "en".to_owned(), pairs, ..Default::default() };
    let listed = pb::ListWordsRequest { table: "other".to_owned(), ..Default::default() };
    let counted = pb::CountWordsRequest { table: "en".to_owned(), filter: None };
    let mut questions = batch(vec![
        Question::Nearest(nearest("en", "king")),
        Question::Lookup(lookup("en", "no such word")),
        Question::Similarity(similarity.clone()),
        Question::Nearest(nearest("no-table", "king")),
        Question::ListWords(listed.clone()),
        Question::Nearest(pb::NearestRequest { k: Some(0), ..nearest("en", "king") }),
        Question::Lookup(lookup("other", "lion")),
        Question::CountWords(counted),
    ]);
    questions.questions.push(pb::Question { question: None });
    let answers = ask(&channel, questions).await;
    assert_eq!(answers.len(), 9);

    let (mut search, mut tables) =
        (SearchServiceClient::new(channel.clone()), TableServiceClient::new(channel.clone()));
    let alone = search.nearest(nearest("en", "king")).await.unwrap().into_inner();
    assert_eq!(answers[0], Answer::Nearest(alone));
    let alone = search.similarity(similarity).await.unwrap().into_inner();
    assert_eq!(answers[2], Answer::Similarity(alone));
    let alone = tables.list_words(listed).await.unwrap().into_inner();
    assert_eq!(answers[4], Answer::ListWords(alone));
    let alone = tables.lookup(lookup("other", "lion")).await.unwrap().into_inner();
    assert_eq!(answers[6], Answer::Lookup(alone));
    assert!(matches!(&answers[7], Answer::CountWords(counted) if counted.count == 8));

    // Errors are told as the statuses of calls of their own.
    let unknown = tables.lookup(lookup("en", "no such word")).await.unwrap_err();
    let no_table = search.nearest(nearest("no-table", "king")).await.unwrap_err();
    let no_k = pb::NearestRequest { k: Some(0), ..nearest("en", "king") };
    let no_k = search.nearest(no_k).await.unwrap_err();
    for (answer, status) in [(1, unknown), (3, no_table), (5, no_k)] {
        let Answer::Error(error) = &answers[answer] else { panic!("{:?}", answers[answer]) };
        assert_eq!((Code::from(error.code), error.reason.clone()), reason(&status));
        assert_eq!(error.message, status.message());
        let bad = status.get_details_bad_request().map(|bad| bad.field_violations);
        let bad: Vec<_> = bad.into_iter().flatten().map(|bad| bad.field).collect();
        let told: Vec<_> = error.violations.iter().map(|bad| bad.field.clone()).collect();
        assert_eq!(told, bad);
    }
    let Answer::Error(error) = &answers[8] else { panic!("{:?}", answers[8]) };
    assert_eq!((error.reason.as_str(), error.violations.len()), ("INVALID_FIELD", 1));
    drop((channel, search, tables));
    server.stop().await;
}

#[tokio::test]
async fn a_batch_is_bounded_and_ends_with_its_deadline() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    for count in [0, 1_001] {
        let questions = vec![Question::Nearest(nearest("en", "king")); count];
        let error = client(&channel).batch(batch(questions)).await.unwrap_err();
        assert_eq!(reason(&error), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
        let bad = error.get_details_bad_request().unwrap().field_violations;
        assert_eq!(bad[0].field, "questions");
    }
    // A question has no more room here than in a call of its own.
    let values = vec![0.5; 600_000];
    let vector = pb::Vector { values, ..Default::default() };
    let long =
        pb::WordOrVector { query: Some(pb::word_or_vector::Query::Vector(vector)), weight: None };
    let long = pb::NearestRequest { positive: vec![long], ..nearest("en", "king") };
    let questions = vec![Question::Nearest(long), Question::Nearest(nearest("en", "king"))];
    let answers = ask(&channel, batch(questions)).await;
    let Answer::Error(error) = &answers[0] else { panic!("an error") };
    assert_eq!(error.reason, "LIMIT_EXCEEDED", "{error:?}");
    assert!(matches!(answers[1], Answer::Nearest(_)));

    // Eight answers of 4 MiB have no room together; those that are smaller have.
    let large = pb::SimilarityMatrixRequest {
        table: "en".to_owned(),
        rows: vec![word("king"); 1_024],
        ..Default::default()
    };
    let mut questions = vec![Question::SimilarityMatrix(large); 8];
    questions.push(Question::Nearest(nearest("en", "king")));
    let answers = ask(&channel, batch(questions.clone())).await;
    let whole = answers.iter().filter(|answer| matches!(answer, Answer::SimilarityMatrix(_)));
    assert_eq!(whole.count(), 7);
    let Answer::Error(error) = &answers[7] else { panic!("an error") };
    assert_eq!(error.reason, "LIMIT_EXCEEDED", "{error:?}");
    assert!(matches!(answers[8], Answer::Nearest(_)));

    let mut request = Request::new(batch(questions));
    request.set_timeout(Duration::from_millis(1));
    let error = client(&channel).batch(request).await.unwrap_err();
    assert!(matches!(error.code(), Code::DeadlineExceeded | Code::Cancelled), "{error}");
    drop(channel);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_questions_of_a_batch_wait_for_a_write_once() {
    let place = tempfile::tempdir().unwrap();
    let location = place.path().to_str().unwrap();
    let publish = publish(location, Duration::from_millis(10), 0);
    let writer =
        Server::start_with(|config| ServerConfig { replication: Some(publish), ..config }).await;
    import(&writer.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut to = TableServiceClient::new(writer.channel().await);
    let put = async |to: &mut TableServiceClient<Channel>, word: &str| {
        to.put_vectors(put_request(word)).await.unwrap().into_inner()
    };
    let first = put(&mut to, "word0").await;
    let follow = follow(location);
    let reader =
        Server::start_with(|config| ServerConfig { replication: Some(follow), ..config }).await;
    let channel = reader.channel().await;
    let at_least = |words: &[&str], sequence: u64| {
        let questions = words.iter().map(|word| Question::Lookup(lookup("en", word))).collect();
        let mut request = Request::new(batch(questions));
        let sequence = sequence.to_string().parse().unwrap();
        request.metadata_mut().insert("wordspace-min-sequence", sequence);
        request
    };
    let answers = async |request| {
        let answers = client(&channel).batch(request).await.unwrap().into_inner().answers;
        answers.into_iter().map(|answer| answer.answer.unwrap()).collect::<Vec<_>>()
    };
    // Nothing is there when it begins.
    let is_found = |answer: &Answer| matches!(answer, Answer::Lookup(_));
    while !answers(at_least(&["word0"], first.sequence)).await.iter().all(is_found) {}
    for round in 1..6 {
        let name = format!("word{round}");
        let done = put(&mut to, &name).await;
        let found = answers(at_least(&[&name, "word0", &name], done.sequence)).await;
        assert!(found.iter().all(is_found), "their own write is seen: {found:?}");
    }
    // What was never written is waited for in vain: by all together half of their time, and not by each.
    let mut in_vain = at_least(&["word0"; 9], 99);
    in_vain.set_timeout(Duration::from_secs(1));
    let began = Instant::now();
    for answer in answers(in_vain).await {
        let Answer::Error(error) = answer else { panic!("{answer:?}") };
        assert_eq!(error.reason, "TABLE_BEHIND", "{error:?}");
    }
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
    drop((channel, to));
    reader.stop().await;
    writer.stop().await;
}
