//! The life of tables over gRPC: made empty, filled, copied, renamed, deleted; aliases, swapped under
//! questions; all of it there after kill -9.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic::Code;
use wordspace::client::{CallError, Client};
use wordspace::proto as pb;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::server::ServerConfig;

use crate::support::{Process, SMALL, Server, header, import, reason, word};

fn to_put(word: &str, values: [f32; 3]) -> pb::put_vectors_request::WordToPut {
    pb::put_vectors_request::WordToPut {
        word: word.to_owned(),
        vector: Some(pb::Vector { values: values.to_vec(), ..Default::default() }),
        ..Default::default()
    }
}

async fn put(client: &Client, table: &str, word: &str, values: [f32; 3]) {
    let words = vec![to_put(word, values)];
    let request = pb::PutVectorsRequest { table: table.to_owned(), words, ..Default::default() };
    client.put_vectors(request).await.unwrap();
}

fn create(table: &str) -> pb::CreateTableRequest {
    pb::CreateTableRequest { table: table.to_owned(), dim: 3, ..Default::default() }
}

fn copy(table: &str, new_name: &str) -> pb::CopyTableRequest {
    pb::CopyTableRequest { table: table.to_owned(), new_name: new_name.to_owned() }
}

fn rename(table: &str, new_name: &str) -> pb::RenameTableRequest {
    pb::RenameTableRequest { table: table.to_owned(), new_name: new_name.to_owned() }
}

fn alias(alias: &str, table: &str) -> pb::SetAliasRequest {
    pb::SetAliasRequest { alias: alias.to_owned(), table: table.to_owned() }
}

fn listing(table: &str) -> pb::ListWordsRequest {
    pb::ListWordsRequest { table: table.to_owned(), ..Default::default() }
}

/// The words of a table, and the table that told them.
async fn words(client: &Client, table: &str) -> (Vec<String>, String) {
    let answer = client.list_words(listing(table)).await.unwrap();
    let words = answer.words.into_iter().map(|word| word.word).collect();
    (words, answer.answer.unwrap().table)
}

fn refused<T: std::fmt::Debug>(answer: Result<T, CallError>) -> (Code, String) {
    let error = answer.unwrap_err();
    let CallError::Refused(refusal) = error else { panic!("{error}") };
    (refusal.code, refusal.reason)
}

fn vector() -> pb::WordOrVector {
    let vector = pb::Vector { values: vec![1.0, 2.0, 3.0], ..Default::default() };
    pb::WordOrVector { query: Some(pb::word_or_vector::Query::Vector(vector)), weight: None }
}

/// Every question that needs no word is answered; those that need one say which they lack.
async fn is_empty(client: &Client, table: &str) {
    let table = table.to_owned();
    let status = client.get_table(pb::GetTableRequest { table: table.clone() }).await.unwrap();
    let status = status.table.unwrap();
    assert_eq!((status.row_count, status.dim, status.problem.as_str()), (0, 3, ""));
    assert_eq!(words(client, &table).await.0, Vec::<String>::new());
    let nearest = pb::NearestRequest {
        table: table.clone(),
        positive: vec![vector()],
        k: Some(5),
        ..Default::default()
    };
    assert!(client.nearest(nearest.clone()).await.unwrap().neighbors.is_empty());
    let batch = pb::NearestBatchRequest {
        table: table.clone(),
        queries: vec![nearest.clone(), pb::NearestRequest { exact: Some(true), ..nearest.clone() }],
    };
    let answers = client.nearest_batch(batch).await.unwrap().answers;
    assert!(answers.iter().all(|answer| answer.neighbors.is_empty()));
    let filter = pb::Filter { prefix: "a".to_owned(), ..Default::default() };
    let filtered = pb::NearestRequest { filter: Some(filter), ..nearest.clone() };
    assert!(client.nearest(filtered).await.unwrap().neighbors.is_empty());
    let unknown = pb::NearestRequest { positive: vec![word("king")], ..nearest };
    assert_eq!(refused(client.nearest(unknown).await).1, "UNKNOWN_WORDS");
    let health = pb::HealthRequest { table: table.clone(), ..Default::default() };
    let health = client.health(health).await.unwrap();
    assert_eq!((health.row_count, health.hubs.unwrap().mean), (0, 0.0));
    let lookup = pb::LookupRequest {
        table: table.clone(),
        queries: vec![word("king")],
        words: Some(pb::WordOptions { oov: pb::OovPolicy::Zero.into(), ..Default::default() }),
        ..Default::default()
    };
    let made = client.lookup(lookup).await.unwrap().vectors.remove(0);
    assert_eq!(made.vector.unwrap().values, [0.0; 3]);
    let embed = pb::EmbedRequest {
        table: table.clone(),
        texts: vec!["the king".to_owned()],
        options: Some(pb::EmbedOptions { pooling: pb::Pooling::Sif.into(), ..Default::default() }),
        ..Default::default()
    };
    let embedded = client.embed(embed).await;
    assert!(embedded.is_ok_and(|answer| answer.vectors.len() == 1));
    let index = pb::BuildIndexRequest { table, index: None };
    client.build_index(index).await.unwrap();
}

#[tokio::test]
async fn a_table_is_made_empty_filled_emptied_copied_and_renamed() {
    let data = tempfile::tempdir().unwrap();
    let process = Process::start(data.path()).await;
    let client = Client::connect(&process.url).await.unwrap();
    assert_eq!(client.create_table(create("mine")).await.unwrap().table.unwrap().name, "mine");
    assert_eq!(refused(client.create_table(create("mine")).await).1, "TABLE_EXISTS");
    for dim in [0, 65_537] {
        let answer = client.create_table(pb::CreateTableRequest { dim, ..create("odd") }).await;
        assert_eq!(refused(answer), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    }
    is_empty(&client, "mine").await;
    put(&client, "mine", "king", [1.0, 0.0, 0.0]).await;
    assert_eq!(words(&client, "mine").await.0, ["king"]);
    let delete = pb::DeleteWordsRequest {
        table: "mine".to_owned(),
        queries: vec![word("king")],
        ..Default::default()
    };
    client.delete_words(delete.clone()).await.unwrap();
    is_empty(&client, "mine").await;
    put(&client, "mine", "queen", [0.0, 1.0, 0.0]).await;

    // The copy has the writes; what comes then each has alone.
    client.copy_table(copy("mine", "yours")).await.unwrap();
    put(&client, "mine", "man", [0.0, 0.0, 1.0]).await;
    put(&client, "yours", "woman", [0.0, 0.0, 1.0]).await;
    client.rename_table(rename("mine", "ours")).await.unwrap();
    put(&client, "ours", "pear", [1.0, 0.0, 1.0]).await;
    assert_eq!(refused(client.list_words(listing("mine")).await).1, "TABLE_NOT_FOUND");
    assert_eq!(refused(client.rename_table(rename("ours", "yours")).await).1, "TABLE_EXISTS");
    client.create_table(create("empty")).await.unwrap();
    process.kill();

    let process = Process::start(data.path()).await;
    let client = Client::connect(&process.url).await.unwrap();
    assert_eq!(words(&client, "ours").await.0, ["queen", "man", "pear"]);
    assert_eq!(words(&client, "yours").await.0, ["queen", "woman"]);
    is_empty(&client, "empty").await;
    let delete = |tables: &[&str]| pb::DeleteTablesRequest {
        tables: tables.iter().map(ToString::to_string).collect(),
    };
    let answer = client.delete_tables(delete(&["ours", "gone"])).await;
    assert_eq!(refused(answer).1, "TABLE_NOT_FOUND");
    let deleted = client.delete_tables(delete(&["ours", "yours", "ours"])).await.unwrap();
    let deleted: Vec<_> = deleted.tables.iter().map(|table| table.row_count).collect();
    assert_eq!(deleted, [3, 2], "all of them or none");
    process.kill();
    let process = Process::start(data.path()).await;
    let client = Client::connect(&process.url).await.unwrap();
    let tables = client.list_tables(pb::ListTablesRequest {}).await.unwrap().tables;
    assert_eq!(tables.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["empty"]);
    process.kill();
}

#[tokio::test]
async fn an_alias_stands_for_one_table_at_a_time_and_survives() {
    let backups = tempfile::tempdir().unwrap();
    let place = backups.path().to_str().unwrap().to_owned();
    let server =
        Server::start_with(|config| ServerConfig { backups: Some(place.clone()), ..config }).await;
    let client = Client::connect(&server.url).await.unwrap();
    for table in ["blue", "green"] {
        client.create_table(create(table)).await.unwrap();
        put(&client, table, table, [1.0, 0.0, 0.0]).await;
    }
    let set = client.set_alias(alias("live", "blue")).await.unwrap();
    assert_eq!(set.previous_table, "");
    assert_eq!(words(&client, "live").await, (vec!["blue".to_owned()], "blue".to_owned()));
    put(&client, "live", "sky", [0.0, 1.0, 0.0]).await;
    assert_eq!(words(&client, "blue").await.0, ["blue", "sky"]);
    // A page goes on with the table where it began, or not at all.
    let page = pb::ListWordsRequest { page_size: Some(1), ..listing("live") };
    let page_token = client.list_words(page.clone()).await.unwrap().next_page_token;
    let set = client.set_alias(alias("live", "green")).await.unwrap();
    assert_eq!(set.previous_table, "blue");
    let next = pb::ListWordsRequest { page_token, ..page };
    assert_eq!(refused(client.list_words(next).await).1, "INVALID_FIELD");

    // Neither name hides the other.
    assert_eq!(refused(client.create_table(create("live")).await).1, "ALIAS_EXISTS");
    assert_eq!(refused(client.rename_table(rename("blue", "live")).await).1, "ALIAS_EXISTS");
    assert_eq!(refused(client.copy_table(copy("blue", "live")).await).1, "ALIAS_EXISTS");
    assert_eq!(refused(client.set_alias(alias("blue", "green")).await).1, "TABLE_EXISTS");
    assert_eq!(refused(client.set_alias(alias("x", "gone")).await).1, "TABLE_NOT_FOUND");
    let channel = server.channel().await;
    let status = import(&channel, header("live"), SMALL.as_bytes()).await.unwrap_err();
    assert_eq!(reason(&status).1, "ALIAS_EXISTS");
    for name in ["green", "live"] {
        let delete = pb::DeleteTableRequest { table: name.to_owned() };
        assert_eq!(refused(client.delete_table(delete).await).1, "UNSUITED_TABLE");
    }

    // An alias of an alias is one of its table, and goes along when that is renamed.
    client.set_alias(alias("second", "live")).await.unwrap();
    let renamed = client.rename_table(rename("live", "leaf")).await.unwrap().table.unwrap();
    assert_eq!(
        (renamed.name.as_str(), renamed.aliases),
        ("leaf", vec!["live".into(), "second".into()])
    );
    assert_eq!(words(&client, "live").await.1, "leaf");
    client.backup(pb::BackupRequest::default(), |_| {}).await.unwrap();
    client.remove_alias(pb::RemoveAliasRequest { alias: "second".to_owned() }).await.unwrap();
    let gone = pb::RemoveAliasRequest { alias: "second".to_owned() };
    assert_eq!(refused(client.remove_alias(gone).await).1, "ALIAS_NOT_FOUND");
    client.set_alias(alias("live", "blue")).await.unwrap();
    let data = server.stop().await;

    let config = ServerConfig { backups: Some(place), ..ServerConfig::new(data.path()) };
    let server = Server::start_as(data, config).await;
    let client = Client::connect(&server.url).await.unwrap();
    let aliases = async || {
        let listed = client.list_aliases(pb::ListAliasesRequest {}).await.unwrap().aliases;
        listed
            .into_iter()
            .map(|alias| format!("{} {}", alias.name, alias.table))
            .collect::<Vec<_>>()
    };
    assert_eq!(aliases().await, ["live blue"]);
    let restore = pb::RestoreRequest { replace: true, ..Default::default() };
    client.restore(restore, |_| {}).await.unwrap();
    assert_eq!(aliases().await, ["live leaf", "second leaf"]);
    drop(server.stop().await);
}

/// Blue and green: an alias is swapped while clients ask, and no call fails or mixes two tables.
#[tokio::test]
async fn an_alias_is_swapped_under_clients() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    for (table, sign) in [("blue", 1.0), ("green", -1.0)] {
        client.create_table(create(table)).await.unwrap();
        for word in ["a", "b", "c"] {
            put(&client, table, word, [sign, sign, 0.0]).await;
        }
    }
    client.set_alias(alias("live", "blue")).await.unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let ask_on = |client: Client, is_over: Arc<AtomicBool>| async move {
        let request = pb::LookupRequest {
            table: "live".to_owned(),
            queries: ["a", "b", "c"].map(word).to_vec(),
            ..Default::default()
        };
        let mut seen = [0, 0];
        while !is_over.load(Ordering::Relaxed) {
            let answer = client.lookup(request.clone()).await.unwrap();
            let is_blue = answer.answer.unwrap().table == "blue";
            let sign = if is_blue { 1.0 } else { -1.0 };
            let vectors = answer.vectors.into_iter().filter_map(|found| found.vector);
            assert!(vectors.into_iter().all(|vector| vector.values == [sign, sign, 0.0]));
            seen[usize::from(is_blue)] += 1;
        }
        seen
    };
    let mut clients = Vec::new();
    for _ in 0..8 {
        let client = Client::connect(&server.url).await.unwrap();
        clients.push(tokio::spawn(ask_on(client, Arc::clone(&is_over))));
    }
    for swap in 0..50 {
        client.set_alias(alias("live", ["green", "blue"][swap % 2])).await.unwrap();
    }
    is_over.store(true, Ordering::Relaxed);
    let mut seen = [0, 0];
    for asked in clients {
        let one = asked.await.unwrap();
        seen = [seen[0] + one[0], seen[1] + one[1]];
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
    drop(server.stop().await);
}

async fn vector_of(client: &Client, table: &str, asked: &str) -> Vec<f32> {
    let request = pb::LookupRequest {
        table: table.to_owned(),
        queries: vec![word(asked)],
        ..Default::default()
    };
    client.lookup(request).await.unwrap().vectors.remove(0).vector.unwrap().values
}

#[tokio::test]
async fn a_file_is_added_to_a_table() {
    let server = Server::start().await;
    let (client, channel) = (Client::connect(&server.url).await.unwrap(), server.channel().await);
    let more = b"king 9.0 9.0 9.0\nplum 0.0 0.0 1.0\n";
    let adding = |policy: pb::OnDuplicate| pb::ImportHeader {
        on_duplicate: policy.into(),
        if_exists: pb::IfExists::Unspecified.into(),
        append: true,
        ..header("live")
    };
    for (policy, king) in [
        (pb::OnDuplicate::First, [2.0, 1.0, 0.0]),
        (pb::OnDuplicate::Last, [9.0; 3]),
        (pb::OnDuplicate::Mean, [5.5, 5.0, 4.5]),
    ] {
        import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
        client.set_alias(alias("live", "en")).await.unwrap();
        put(&client, "en", "monarch", [2.0, 0.9, 0.0]).await;
        let report = import(&channel, adding(policy), more).await.unwrap();
        assert_eq!((report.rows_read, report.rows_kept), (2, 1), "{report:?}");
        let (listed, table) = words(&client, "live").await;
        assert_eq!((listed.len(), table.as_str()), (10, "en"));
        assert_eq!(listed[8..], ["monarch", "plum"]);
        assert_eq!(vector_of(&client, "en", "king").await, king);
    }
    let status = client.get_table(pb::GetTableRequest { table: "en".to_owned() }).await.unwrap();
    assert_eq!(status.table.unwrap().provenance.unwrap().source, "test, test");

    // What is refused changes nothing.
    let error = |policy| import(&channel, adding(policy), more);
    let status = error(pb::OnDuplicate::Error).await.unwrap_err();
    assert_eq!(reason(&status).1, "MALFORMED_FILE");
    let status = import(&channel, adding(pb::OnDuplicate::First), b"x 1 2\n").await.unwrap_err();
    assert_eq!(reason(&status).1, "DIMENSION_MISMATCH");
    let absent = pb::ImportHeader { table: "gone".to_owned(), ..adding(pb::OnDuplicate::First) };
    let status = import(&channel, absent, more).await.unwrap_err();
    assert_eq!(reason(&status).1, "TABLE_NOT_FOUND");
    let both = pb::ImportHeader { append: true, ..header("en") };
    let status = import(&channel, both, more).await.unwrap_err();
    assert_eq!(reason(&status).1, "INVALID_FIELD");
    assert_eq!(words(&client, "en").await.0.len(), 10);
    client.create_table(create("fresh")).await.unwrap();
    let fresh = pb::ImportHeader { table: "fresh".to_owned(), ..adding(pb::OnDuplicate::First) };
    import(&channel, fresh, SMALL.as_bytes()).await.unwrap();
    assert_eq!(words(&client, "fresh").await.0.len(), 8);
    drop(server.stop().await);
}

#[tokio::test]
async fn a_reader_names_the_write_that_it_wants_to_see() {
    let server = Server::start().await;
    let (client, channel) = (Client::connect(&server.url).await.unwrap(), server.channel().await);
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let request = |word: &str| pb::PutVectorsRequest {
        table: "en".to_owned(),
        words: vec![to_put(word, [1.0, 2.0, 3.0])],
        ..Default::default()
    };
    let first = client.put_vectors(request("a")).await.unwrap();
    let second = client.put_vectors(request("b")).await.unwrap();
    assert_eq!((first.sequence, second.sequence), (1, 2));
    let generation = second.generation;
    for least in [(0, 2), (generation, 2), (generation, 0), (0, 0)] {
        client.at_least(least.0, least.1).list_words(listing("en")).await.unwrap();
    }
    for least in [(0, 3), (generation, 3), (generation + 1, 0)] {
        let answer = client.at_least(least.0, least.1).list_words(listing("en")).await;
        assert_eq!(refused(answer), (Code::Aborted, "TABLE_BEHIND".to_owned()), "{least:?}");
    }
    // A rebuild counts on; of a later import other writes are counted.
    client
        .build_index(pb::BuildIndexRequest { table: "en".to_owned(), index: None })
        .await
        .unwrap();
    client.at_least(generation, 2).list_words(listing("en")).await.unwrap();
    assert_eq!(client.put_vectors(request("c")).await.unwrap().sequence, 3);
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    client.at_least(generation, 3).list_words(listing("en")).await.unwrap();
    let mut odd = tonic::Request::new(listing("en"));
    odd.metadata_mut().insert("wordspace-min-sequence", "-1".parse().unwrap());
    let mut tables = TableServiceClient::new(channel);
    assert_eq!(reason(&tables.list_words(odd).await.unwrap_err()).1, "INVALID_FIELD");
    drop(server.stop().await);
}

#[tokio::test]
async fn tables_are_merged_under_a_policy() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    for (table, sign) in [("a", 1.0), ("b", -1.0)] {
        client.create_table(create(table)).await.unwrap();
        put(&client, table, "shared", [sign, 0.0, 0.0]).await;
        put(&client, table, table, [sign, 1.0, 0.0]).await;
    }
    client.set_alias(alias("live", "b")).await.unwrap();
    let merging = |policy: pb::OnDuplicate| pb::MergeTablesRequest {
        tables: vec!["a".to_owned(), "live".to_owned()],
        target: "c".to_owned(),
        on_duplicate: policy.into(),
        if_exists: pb::IfExists::Replace.into(),
        detach: false,
    };
    for (policy, sign) in [(pb::OnDuplicate::First, 1.0), (pb::OnDuplicate::Last, -1.0)] {
        let report = client.merge_tables(merging(policy), |_| {}).await.unwrap();
        assert_eq!((report.rows_read, report.rows_kept), (4, 3));
        assert_eq!(words(&client, "c").await.0, ["shared", "a", "b"]);
        assert_eq!(vector_of(&client, "c", "shared").await, [sign, 0.0, 0.0]);
    }
    let answer = client.merge_tables(merging(pb::OnDuplicate::Error), |_| {}).await;
    assert_eq!(refused(answer).1, "MALFORMED_FILE");
    let answer = |change: fn(&mut pb::MergeTablesRequest)| {
        let mut request = merging(pb::OnDuplicate::First);
        change(&mut request);
        let client = client.clone();
        async move { refused(client.merge_tables(request, |_| {}).await).1 }
    };
    assert_eq!(answer(|merge| merge.if_exists = 0).await, "TABLE_EXISTS");
    assert_eq!(answer(|merge| merge.target = "live".to_owned()).await, "ALIAS_EXISTS");
    assert_eq!(answer(|merge| merge.tables = vec!["a".to_owned()]).await, "INVALID_FIELD");
    assert_eq!(answer(|merge| merge.tables[1] = "gone".to_owned()).await, "TABLE_NOT_FOUND");
    let request = pb::CreateTableRequest { dim: 4, ..create("wide") };
    client.create_table(request).await.unwrap();
    assert_eq!(answer(|merge| merge.tables[1] = "wide".to_owned()).await, "DIMENSION_MISMATCH");
    drop(server.stop().await);
}
