//! Texts as the rows of a table, and tokens as the rows of another: made, kept, and searched.

use tonic::Code;
use wordspace::client::{CallError, Client};
use wordspace::proto as pb;
use wordspace::proto::attribute_value::Value;
use wordspace::proto::import_request::Part;

use crate::support::{SMALL, Server, header, send, word};

/// Texts of bytes that come a few at once.
fn source(
    text: &[u8],
) -> impl Iterator<Item = std::io::Result<Box<dyn std::io::Read + Send>>> + use<> {
    // HTTP/2 ends connections that send thousands of small frames.
    let size = (text.len() / 100).max(7);
    let parts: Vec<Vec<u8>> = text.chunks(size).map(<[u8]>::to_vec).collect();
    parts.into_iter().map(|part| {
        let reader: Box<dyn std::io::Read + Send> = Box::new(std::io::Cursor::new(part));
        Ok(reader)
    })
}

fn texts(target: &str, layout: pb::TextLayout) -> pb::ImportTextsHeader {
    pb::ImportTextsHeader {
        table: "en".to_owned(),
        target: target.to_owned(),
        layout: layout.into(),
        on_invalid: pb::OnInvalid::Skip.into(),
        ..Default::default()
    }
}

fn counts(report: &pb::ImportReport) -> Vec<(&str, u64)> {
    report.reasons.iter().map(|reason| (reason.reason.as_str(), reason.count)).collect()
}

async fn lookup(client: &Client, table: &str, asked: &str) -> pb::WordVector {
    let queries = vec![word(asked)];
    let ask = pb::LookupRequest { table: table.to_owned(), queries, ..Default::default() };
    client.lookup(ask).await.unwrap().vectors.remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_become_rows_and_are_found_by_other_texts() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    crate::support::import(&server.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    let lines = b"king queen\napple and pear\r\n\n   \nxyzzy\nking queen\nnot \xff utf8\nman woman";
    let lines_of = pb::TextLayout::Lines;
    let report = client.import_texts(texts("lines", lines_of), source(lines), |_| {});
    let report = report.await.unwrap();
    assert_eq!(report.tokenizer, "unicode-words");
    let import = report.import.unwrap();
    assert_eq!((import.rows_read, import.rows_kept, import.dim), (8, 3, 3));
    assert_eq!(import.bytes_read, lines.len() as u64);
    let want =
        [("duplicate_word", 1), ("empty_text", 2), ("no_known_word", 1), ("unreadable_row", 1)];
    assert_eq!(counts(&import), want);
    assert_eq!(import.reasons[3].examples[0].at, "line 7");

    // A row is what Embed answers.
    let ask = pb::EmbedRequest {
        table: "en".to_owned(),
        texts: vec!["apple and pear".to_owned()],
        ..Default::default()
    };
    let embedded = client.embed(ask).await.unwrap().vectors.remove(0).values;
    let kept = lookup(&client, "lines", "apple and pear").await;
    assert_eq!(kept.vector.unwrap().values, embedded);

    let ids = b"1\tking queen\n2\tapple pear\nno tab\n\tno id\n3\t\n";
    let ids_of = pb::TextLayout::Ids;
    let report = client.import_texts(texts("ids", ids_of), source(ids), |_| {}).await.unwrap();
    let import = report.import.unwrap();
    let want = [("empty_text", 1), ("empty_word", 1), ("unreadable_row", 1)];
    assert_eq!((counts(&import), import.rows_kept), (want.to_vec(), 2));
    let json = concat!(
        "{\"id\": 7, \"text\": \"king queen\", \"lang\": \"en\", \"year\": 1611, \"ok\": true, \"no\": null, \"tags\": [\"a\", \"b\"]}\n",
        "{\"text\": \"apple pear\"}\n[1]\n{\"id\": \"8\"}\n{\"text\": \"king \\ud800\"}\n",
        "{\"text\": \"king\", \"list\": [[]]}\n{\"text\": \"pear\"",
    );
    let json_of = pb::TextLayout::JsonLines;
    let report = client.import_texts(texts("json", json_of), source(json.as_bytes()), |_| {});
    let import = report.await.unwrap().import.unwrap();
    assert_eq!((counts(&import), import.rows_kept), (vec![("unreadable_row", 5)], 2));

    // Rows and attributes are there after a restart, and where they came from.
    let folder = server.stop().await;
    let server = Server::start_on(folder).await;
    let client = Client::connect(&server.url).await.unwrap();
    let kept = lookup(&client, "json", "7").await.attributes;
    let value = |name: &str| kept[name].value.clone().unwrap();
    assert_eq!(value("text"), Value::Text("king queen".to_owned()));
    assert_eq!((value("year"), value("ok")), (Value::Integer(1611), Value::Flag(true)));
    let text = |text: &str| pb::AttributeValue { value: Some(Value::Text(text.to_owned())) };
    let tags = pb::AttributeList { values: ["a", "b"].map(text).to_vec() };
    assert_eq!(value("tags"), Value::List(tags));
    assert_eq!(kept.len(), 5);
    let ask = pb::GetTableRequest { table: "lines".to_owned() };
    let told = client.get_table(ask).await.unwrap().table.unwrap().provenance.unwrap().options;
    assert!(told.starts_with("vectors of table en, generation") && told.contains("mean"), "{told}");

    let near = |table: &str, in_table: &str| pb::NearestToTextRequest {
        table: table.to_owned(),
        in_table: in_table.to_owned(),
        text: "queen king".to_owned(),
        nearest: Some(pb::NearestRequest { k: Some(2), ..Default::default() }),
        ..Default::default()
    };
    let answer = client.nearest_to_text(near("en", "lines")).await.unwrap();
    assert_eq!(answer.neighbors[0].word, "king queen");
    assert!((answer.neighbors[0].similarity - 1.0).abs() < 1e-6);
    assert_eq!(answer.answer.unwrap().table, "lines");
    assert_eq!(client.nearest_to_text(near("en", "ids")).await.unwrap().neighbors[0].word, "1");
    assert!(client.nearest_to_text(near("en", "none")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_fail_change_nothing() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    crate::support::import(&server.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    let refused = async |header: pb::ImportTextsHeader, text: &[u8]| {
        let error = client.import_texts(header, source(text), |_| {}).await.unwrap_err();
        let CallError::Refused(refusal) = error else {
            panic!("{error}, for {} bytes", text.len());
        };
        (refusal.code, refusal.reason, refusal.message)
    };
    let lines = pb::TextLayout::Lines;
    let strict = |target: &str| pb::ImportTextsHeader { on_invalid: 0, ..texts(target, lines) };
    let (code, reason, message) = refused(strict("new"), b"king\n\xff\n").await;
    assert_eq!((code, reason.as_str()), (Code::InvalidArgument, "MALFORMED_FILE"));
    assert!(message.contains("line 2"), "{message}");
    let (_, reason, _) = refused(texts("en", lines), b"king\n").await;
    assert_eq!(reason, "INVALID_FIELD");
    let (_, reason, _) = refused(texts("new", lines), b"xyzzy\n").await;
    assert_eq!(reason, "MALFORMED_FILE");
    let words = Some(pb::WordOptions { oov: pb::OovPolicy::Error.into(), ..Default::default() });
    let (_, reason, message) =
        refused(pb::ImportTextsHeader { words, ..strict("new") }, b"king\nking xyzzy\n").await;
    assert!(reason == "UNKNOWN_WORDS" && message.contains("line 2"), "{message}");
    // A text that is its own word is no longer than a word.
    let long = "king ".repeat(20_000);
    let (_, _, message) = refused(strict("new"), long.as_bytes()).await;
    assert!(message.contains("WORD_BYTES_MAX"), "{message}");
    // A source that breaks off is no complete text.
    let broken = source(b"king\n").chain(std::iter::once(Err(std::io::Error::other("torn"))));
    let error = client.import_texts(texts("new", lines), broken, |_| {}).await.unwrap_err();
    assert!(matches!(error, CallError::Source(_)), "{error}");
    let tables = client.list_tables(pb::ListTablesRequest {}).await.unwrap().tables;
    assert_eq!(tables.len(), 1);
    let id = format!("1\t{long}");
    let header = texts("long", pb::TextLayout::Ids);
    let import = client.import_texts(header, source(id.as_bytes()), |_| {}).await.unwrap().import;
    // The row is there; its text is too long for an attribute, which is told.
    assert_eq!(
        (counts(&import.clone().unwrap()), import.unwrap().rows_kept),
        (vec![("attribute", 1)], 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_of_a_table_weigh_as_those_that_are_given() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let client = Client::connect(&server.url).await.unwrap();
    let with_counts = pb::ImportHeader { counts: "counts.txt".to_owned(), ..header("en") };
    let file = pb::ImportFile { name: "counts.txt".to_owned(), size_bytes: None };
    let parts = vec![
        Part::Header(with_counts),
        Part::Chunk(SMALL.as_bytes().to_vec()),
        Part::File(file),
        Part::Chunk(b"king 60\nqueen 30\nman 8\nwoman 2\n".to_vec()),
    ];
    send(&channel, parts).await.unwrap();
    let counted = [("king", 60.0), ("queen", 30.0), ("man", 8.0), ("woman", 2.0)];
    let ask = |pooling: pb::Pooling, is_given: bool| {
        let counts = counted.iter().filter(|_| is_given);
        let options = pb::EmbedOptions {
            pooling: pooling.into(),
            counts: counts.map(|(word, count)| ((*word).to_owned(), *count)).collect(),
            total_count: is_given.then_some(100.0),
            ..Default::default()
        };
        pb::EmbedRequest {
            table: "en".to_owned(),
            texts: vec!["king woman apple".to_owned(), "queen pear".to_owned()],
            options: Some(options),
            ..Default::default()
        }
    };
    for pooling in [pb::Pooling::Sif, pb::Pooling::Tfidf] {
        let own = client.embed(ask(pooling, false)).await.unwrap();
        let given = client.embed(ask(pooling, true)).await.unwrap();
        assert_eq!(own.vectors, given.vectors);
        let (own, given) = (own.frequencies.unwrap(), given.frequencies.unwrap());
        assert_eq!(own.source(), pb::FrequencySource::Attribute);
        assert_eq!(given.source(), pb::FrequencySource::Given);
        assert_eq!((own.counted_words, given.counted_words), (4, 4));
        assert!((own.total_count - 100.0).abs() < 1e-9);
    }
    assert_eq!(client.embed(ask(pb::Pooling::Mean, false)).await.unwrap().frequencies, None);
    crate::support::import(&channel, header("zipf"), SMALL.as_bytes()).await.unwrap();
    let zipf = pb::EmbedRequest { table: "zipf".to_owned(), ..ask(pb::Pooling::Sif, false) };
    let zipf = client.embed(zipf).await.unwrap().frequencies.unwrap();
    assert_eq!(zipf.source(), pb::FrequencySource::Zipf);
}

#[tokio::test(flavor = "multi_thread")]
async fn word_movers_distance_of_texts_is_that_of_their_words() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    crate::support::import(&server.channel().await, header("en"), SMALL.as_bytes()).await.unwrap();
    let texts = ["king queen man king apple", "woman prince pear pear"];
    let pair = pb::text_similarity_request::TextPair { a: texts[0].into(), b: texts[1].into() };
    let ask = pb::TextSimilarityRequest {
        table: "en".to_owned(),
        pairs: vec![pair],
        relaxed_wmd: true,
        exact_wmd: true,
        ..Default::default()
    };
    let alike = client.text_similarity(ask).await.unwrap().similarities.remove(0);
    let words = |text: &str| text.split(' ').map(str::to_owned).collect();
    let ask = pb::WordMoversRequest {
        table: "en".to_owned(),
        a: words(texts[0]),
        b: words(texts[1]),
        ..Default::default()
    };
    let want = client.word_movers(ask).await.unwrap();
    assert!((alike.exact_wmd() - want.distance.unwrap()).abs() < 1e-6);
    assert!(alike.relaxed_wmd() <= alike.exact_wmd() + 1e-9);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tokenizer_seeds_a_table_whose_rows_are_its_numbers() {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let vocab = b"[PAD]\n[UNK]\nking\nwalk\n##ing\nking\n".to_vec();
    let file = pb::TokenizerFile { name: "vocab.txt".to_owned(), content: vocab };
    let spec = pb::TokenizerSpec { files: vec![file], ..Default::default() };
    let put = pb::PutTokenizerRequest { name: "bert".into(), spec: Some(spec), replace: false };
    client.put_tokenizer(put).await.unwrap();
    let seed = |tokenizer: &str, table: &str, seed| pb::SeedTableRequest {
        tokenizer: tokenizer.to_owned(),
        table: table.to_owned(),
        dim: 8,
        seed,
        set_default: true,
        ..Default::default()
    };
    let report = client.seed_table(seed("bytes", "a", 7)).await.unwrap().report.unwrap();
    assert_eq!((report.rows_kept, report.dim, report.reasons.len()), (256, 8, 1));
    let report = client.seed_table(seed("bert", "b", 7)).await.unwrap().report.unwrap();
    // "king" is there twice: the library gives it its last number, and the first has no token.
    assert_eq!((report.rows_read, report.rows_kept), (6, 5));
    client.seed_table(seed("bert", "c", 7)).await.unwrap();
    client.seed_table(seed("bert", "d", 8)).await.unwrap();
    let of = async |table: &str| lookup(&client, table, "walk").await.vector.unwrap().values;
    let walk = of("b").await;
    assert_eq!(walk, of("c").await);
    assert_ne!(walk, of("d").await);
    assert!(walk.iter().all(|value| value.abs() <= 0.5 / 8.0) && walk[0].abs() > 0.0);
    let ask = pb::EmbedRequest {
        table: "b".to_owned(),
        texts: vec!["walking".to_owned()],
        ..Default::default()
    };
    let answer = client.embed(ask).await.unwrap();
    assert_eq!((answer.tokenizer.as_str(), answer.vectors[0].used_count), ("bert", 2));
    let refused = client.seed_table(seed("rules", "e", 7)).await;
    assert!(
        matches!(refused.unwrap_err(), CallError::Refused(refusal) if refusal.reason == "INVALID_FIELD")
    );
    let big = pb::SeedTableRequest { dim: 65_536, ..seed("characters", "e", 7) };
    let refused = client.seed_table(big).await;
    assert!(
        matches!(refused.unwrap_err(), CallError::Refused(refusal) if refusal.reason == "LIMIT_EXCEEDED")
    );
}
