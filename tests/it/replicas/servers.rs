//! Servers that publish and follow: health, calls that wait for a write, and what is published when one closes.

use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use wordspace::client::Client;
use wordspace::proto as pb;
use wordspace::proto::put_vectors_request::WordToPut;
use wordspace::server::{Replication, ServerConfig};

use super::*;
use crate::support::{SMALL, Server, header, import, reason, word};

pub(crate) fn put_request(word: &str) -> pb::PutVectorsRequest {
    let word = WordToPut {
        word: word.to_owned(),
        vector: Some(pb::Vector { values: vec![1.0, 2.0, 3.0], ..Default::default() }),
        ..WordToPut::default()
    };
    pb::PutVectorsRequest { table: "en".to_owned(), words: vec![word], ..Default::default() }
}

pub(crate) fn follow(location: &str) -> Replication {
    let (location, every) = (location.to_owned(), Duration::from_millis(10));
    Replication::Follow { location, every, rate: None, cache: None }
}

pub(crate) fn publish(location: &str, every: Duration, at_once: u64) -> Replication {
    let location = location.to_owned();
    Replication::Publish { location, address: None, every, at_once, rate: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_follows_shows_a_write_to_whoever_waits_for_it() {
    let place = tempfile::tempdir().unwrap();
    let location = place.path().to_str().unwrap();
    let follow = follow(location);
    let reader =
        Server::start_with(|config| ServerConfig { replication: Some(follow), ..config }).await;
    let mut health = HealthClient::new(reader.channel().await);
    let ask = HealthCheckRequest { service: "wordspace.v1.SearchService".to_owned() };
    let mut watch = health.watch(ask).await.unwrap().into_inner();
    let first = watch.message().await.unwrap().unwrap().status();
    assert_eq!(first, ServingStatus::NotServing, "it has brought nothing yet");

    let publish = publish(location, Duration::from_millis(10), 0);
    let writer =
        Server::start_with(|config| ServerConfig { replication: Some(publish), ..config }).await;
    import(&writer.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    while watch.message().await.unwrap().unwrap().status() != ServingStatus::Serving {}

    let (to, from) = (Client::connect(&writer.url).await.unwrap(), &reader.url);
    let from = Client::connect(from).await.unwrap();
    for round in 0..5 {
        let named = format!("word{round}");
        let done = to.put_vectors(put_request(&named)).await.unwrap();
        let lookup = pb::LookupRequest {
            table: "en".to_owned(),
            queries: vec![word(&named)],
            ..pb::LookupRequest::default()
        };
        let least = from.at_least(done.generation, done.sequence);
        let found = least.lookup(lookup).await.unwrap();
        assert_eq!(found.vectors.len(), 1, "its own write is seen");
        let age = found.answer.unwrap().age_seconds.unwrap();
        assert!((0.0..60.0).contains(&age), "{age}");
    }
    let mine = pb::LookupRequest { table: "en".to_owned(), ..pb::LookupRequest::default() };
    let mine = to.lookup(pb::LookupRequest { queries: vec![word("word0")], ..mine }).await.unwrap();
    assert_eq!(mine.answer.unwrap().age_seconds, None, "nothing is newer than the writer's");
    let mut tables = pb::table_service_client::TableServiceClient::new(reader.channel().await);
    let refused = tables.put_vectors(put_request("no")).await.unwrap_err();
    assert_eq!(reason(&refused), (Code::FailedPrecondition, "UNSUITED_TABLE".to_owned()));
    assert!(refused.message().contains(&writer.url), "{refused:?}");
    let refused = import(&reader.channel().await, header("de"), SMALL.as_bytes()).await;
    assert_eq!(refused.unwrap_err().code(), Code::FailedPrecondition);
    // What was never written is waited for in vain.
    let behind = tables.list_words(at_least("99")).await.unwrap_err();
    assert_eq!(reason(&behind), (Code::Aborted, "TABLE_BEHIND".to_owned()));
    writer.stop().await;
    let seen = from.get_status(pb::GetStatusRequest {}).await.unwrap();
    assert_eq!(seen.table_count, 1, "it goes on without the writer");
    let replica = seen.replica.unwrap();
    assert_eq!((replica.role(), replica.ready), (pb::replica::Role::Reader, true));
    assert!(replica.publication > 1 && replica.age_seconds.unwrap() < 60.0, "{replica:?}");
    assert_eq!(replica.problem, "");
    drop((watch, health, tables));
    reader.stop().await;
}

fn at_least(sequence: &str) -> tonic::Request<pb::ListWordsRequest> {
    let listing = pb::ListWordsRequest { table: "en".to_owned(), ..Default::default() };
    let mut request = tonic::Request::new(listing);
    request.metadata_mut().insert("wordspace-min-sequence", sequence.parse().unwrap());
    request.set_timeout(Duration::from_millis(400));
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn many_words_are_published_at_once_and_what_is_left_when_the_writer_closes() {
    let place = tempfile::tempdir().unwrap();
    let location = place.path().to_str().unwrap();
    let hour = Duration::from_hours(1);
    let publish = publish(location, hour, 5);
    let writer =
        Server::start_with(|config| ServerConfig { replication: Some(publish), ..config }).await;
    import(&writer.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    let to = Client::connect(&writer.url).await.unwrap();
    let put = |words: &[&str]| {
        let mut request = put_request(words[0]);
        request.words = words.iter().flat_map(|word| put_request(word).words).collect();
        to.put_vectors(request)
    };
    put(&["a", "b", "c"]).await.unwrap();
    let many = put(&["d", "e"]).await.unwrap();
    let follow = follow(location);
    let reader =
        Server::start_with(|config| ServerConfig { replication: Some(follow), ..config }).await;
    let from = Client::connect(&reader.url).await.unwrap();
    let shows = async |least: (u64, u64), name: &str| {
        loop {
            let queries = vec![word(name)];
            let lookup =
                pb::LookupRequest { table: "en".to_owned(), queries, ..Default::default() };
            match from.at_least(least.0, least.1).lookup(lookup).await {
                Ok(found) => return found.vectors.len(),
                // Nothing was published when it began, and a busy machine is slow.
                Err(error) => assert!(
                    error.to_string().contains("en"),
                    "it has not come yet, and that is all: {error}"
                ),
            }
        }
    };
    assert_eq!(shows((many.generation, many.sequence), "e").await, 1);
    let last = put(&["last"]).await.unwrap();
    writer.stop().await;
    assert_eq!(shows((last.generation, last.sequence), "last").await, 1);
    reader.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_who_wait_for_a_write_take_no_thread_and_keep_nobody() {
    const WAITING: usize = 200;
    let place = tempfile::tempdir().unwrap();
    let location = place.path().to_str().unwrap();
    let publish = publish(location, Duration::from_millis(10), 0);
    let writer =
        Server::start_with(|config| ServerConfig { replication: Some(publish), ..config }).await;
    import(&writer.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    let to = Client::connect(&writer.url).await.unwrap();
    let first = to.put_vectors(put_request("first")).await.unwrap();
    let follow = follow(location);
    let reader =
        Server::start_with(|config| ServerConfig { replication: Some(follow), ..config }).await;
    let lookup = |name: &str| {
        let queries = vec![word(name)];
        pb::LookupRequest { table: "en".to_owned(), queries, ..Default::default() }
    };
    let count = || {
        let regex = "^[a-z]+$".to_owned();
        let filter = pb::Filter { regex, ..Default::default() };
        pb::CountWordsRequest { table: "en".to_owned(), filter: Some(filter) }
    };
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(Client::connect(&reader.url).await.unwrap());
    }
    while clients[0].lookup(lookup("first")).await.is_err() {}

    let before = clients[0].count_words(count()).await.unwrap().count;
    let mut waiting = tokio::task::JoinSet::new();
    for i in 0..WAITING {
        let client = clients[i % clients.len()].clone();
        let least = client.at_least(first.generation, first.sequence + 1);
        waiting.spawn(async move {
            let mut behind = 0;
            loop {
                // For which there is not room for all of them at once.
                match least.count_words(count()).await {
                    Ok(found) => return (behind, found.count),
                    // A busy machine takes longer than they wait.
                    Err(error) => assert!(error.to_string().contains("has not reached"), "{error}"),
                }
                behind += 1;
            }
        });
    }
    let status = async || clients[0].get_status(pb::GetStatusRequest {}).await.unwrap();
    let mut told = status().await;
    while usize::try_from(told.call_count).unwrap() < WAITING {
        told = status().await;
    }
    // Nobody who waits is in front of anybody who asks.
    assert!(told.lanes.iter().all(|lane| lane.waiting_count == 0), "{:?}", told.lanes);
    let mut answered = 0;
    while answered < 50 {
        answered += clients[1].lookup(lookup("first")).await.unwrap().vectors.len();
    }
    assert!(waiting.len() == WAITING, "all of them still wait");
    to.put_vectors(put_request("next")).await.unwrap();
    let mut behind = 0;
    while let Some(done) = waiting.join_next().await {
        let (times, counted) = done.unwrap();
        assert_eq!(counted, before + 1);
        behind += times;
    }
    assert!(behind < 20 * WAITING, "{behind}");
    drop(clients);
    reader.stop().await;
    writer.stop().await;
}
