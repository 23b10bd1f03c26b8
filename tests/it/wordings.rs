//! Questions in texts, pieces and forms over the wire; and odd questions of odd tables.

use tonic::transport::Channel;
use tonic::{Code, Status};
use wordspace::proto as pb;
use wordspace::proto::search_service_client::SearchServiceClient;
use wordspace::proto::table_service_client::TableServiceClient;
use wordspace::proto::text_service_client::TextServiceClient;
use wordspace::proto::word_or_vector::Query;

use crate::support::{SMALL, Server, header, import, reason, root, word};

fn text(text: &str) -> pb::WordOrVector {
    pb::WordOrVector { query: Some(Query::Text(text.to_owned())), weight: None }
}

fn vector(values: &[f32]) -> pb::WordOrVector {
    let query = Some(Query::Vector(pb::Vector { values: values.to_vec(), ..Default::default() }));
    pb::WordOrVector { query, weight: None }
}

fn nearest(table: &str, positive: Vec<pb::WordOrVector>) -> pb::NearestRequest {
    pb::NearestRequest { table: table.to_owned(), positive, ..Default::default() }
}

fn names(answer: &pb::NearestResponse) -> Vec<&str> {
    answer.neighbors.iter().map(|near| near.word.as_str()).collect()
}

async fn cut_by_pieces(channel: &Channel) {
    const VOCAB: &str = "[UNK]\nking\n##s\nman\nPar\n##is";
    let mut texts = TextServiceClient::new(channel.clone());
    let file = pb::TokenizerFile { name: "vocab.txt".to_owned(), content: VOCAB.into() };
    let spec = pb::TokenizerSpec { files: vec![file], ..Default::default() };
    let put = pb::PutTokenizerRequest { name: "bert".into(), spec: Some(spec), replace: false };
    texts.put_tokenizer(put).await.unwrap();
    let set = pb::SetDefaultTokenizerRequest { table: "en".into(), tokenizer: "bert".into() };
    texts.set_default_tokenizer(set).await.unwrap();
}

#[tokio::test]
async fn texts_and_pieces_ask_wherever_words_do() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut search = SearchServiceClient::new(channel.clone());

    let ask = nearest("en", vec![text("the king a man")]);
    let by_text = search.nearest(ask).await.unwrap().into_inner();
    let by_words = nearest("en", vec![word("king"), word("man")]);
    let by_words = search.nearest(by_words).await.unwrap().into_inner();
    assert_eq!(names(&by_text), names(&by_words));
    let used = by_text.answer.unwrap().texts.remove(0);
    assert_eq!((used.field.as_str(), used.used_count, used.token_count), ("positive[0]", 2, 4));
    assert_eq!(used.unknown_words, ["the", "a"]);

    let pair = pb::similarity_request::Pair { a: Some(text("king")), b: Some(word("king")) };
    let pairs = pb::SimilarityRequest { table: "en".into(), pairs: vec![pair], words: None };
    let got = search.similarity(pairs).await.unwrap().into_inner().similarities;
    assert!((got[0].similarity.unwrap() - 1.0).abs() < 1e-6);
    let analogy = pb::AnalogyRequest {
        table: "en".into(),
        a: Some(text("a man")),
        b: Some(text("a king")),
        c: Some(word("woman")),
        ..Default::default()
    };
    let got = search.analogy(analogy).await.unwrap().into_inner();
    assert_eq!((got.neighbors[0].word.as_str(), got.answer.unwrap().texts.len()), ("queen", 2));

    // Pieces: only once the table has a tokenizer, or the question names one.
    let pieces = |tokenizer: &str| {
        let oov = pb::OovPolicy::Tokenize.into();
        let tokenizer = tokenizer.to_owned();
        let words = pb::WordOptions { oov, tokenizer, ..Default::default() };
        pb::NearestRequest { words: Some(words), ..nearest("en", vec![word("kings")]) }
    };
    let status = search.nearest(pieces("")).await.unwrap_err();
    assert_eq!(reason(&status), (Code::FailedPrecondition, "UNSUITED_TABLE".to_owned()));
    let status = search.nearest(pieces("bert")).await.unwrap_err();
    assert_eq!(reason(&status), (Code::NotFound, "TOKENIZER_NOT_FOUND".to_owned()));
    cut_by_pieces(&channel).await;
    let made = search.nearest(pieces("")).await.unwrap().into_inner().answer.unwrap().made_words;
    assert_eq!((made[0].made_by(), made[0].pieces[0].row), (pb::OovPolicy::Tokenize, 0));
    assert_eq!(made[0].unknown_pieces, ["##s"]);
    let folder = server.stop().await;

    // The table's tokenizer is known after a restart, a replacement and a write alike.
    let server = Server::start_on(folder).await;
    let channel = server.channel().await;
    let mut search = SearchServiceClient::new(channel.clone());
    let mut tables = TableServiceClient::new(channel.clone());
    assert!(search.nearest(pieces("")).await.is_ok());
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    assert!(search.nearest(pieces("")).await.is_ok());
    let new = pb::put_vectors_request::WordToPut {
        word: "##s".to_owned(),
        vector: Some(pb::Vector { values: vec![0.0, 0.1, 0.0], ..Default::default() }),
        ..Default::default()
    };
    let put = pb::PutVectorsRequest { table: "en".into(), words: vec![new], ..Default::default() };
    tables.put_vectors(put).await.unwrap();
    let made = search.nearest(pieces("")).await.unwrap().into_inner().answer.unwrap().made_words;
    assert_eq!(made[0].pieces.len(), 2);

    // Where one row is wanted, a text has no sense.
    let lookup =
        pb::LookupRequest { table: "en".into(), queries: vec![text("king")], ..Default::default() };
    let status = tables.lookup(lookup).await.unwrap_err();
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    let delete = pb::DeleteWordsRequest {
        table: "en".into(),
        queries: vec![text("king")],
        oov: 0,
        ..Default::default()
    };
    let status = tables.delete_words(delete).await.unwrap_err();
    assert_eq!(reason(&status), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn words_are_listed_by_any_filter() {
    let server = Server::start().await;
    let channel = server.channel().await;
    import(&channel, header("en"), SMALL.as_bytes()).await.unwrap();
    let mut tables = TableServiceClient::new(channel);
    let mut page_token = String::new();
    let mut pages = Vec::new();
    loop {
        let filter = pb::Filter { regex: "an$|^\\p{Lu}".to_owned(), ..Default::default() };
        let ask = pb::ListWordsRequest {
            table: "en".to_owned(),
            page_size: Some(2),
            page_token,
            filter: Some(filter),
            ..Default::default()
        };
        let page = tables.list_words(ask).await.unwrap().into_inner();
        assert_eq!(page.answer.unwrap().allowed_rows, Some(3));
        pages.push(page.words.into_iter().map(|word| word.word).collect::<Vec<_>>());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [vec!["man", "woman"], vec!["Paris"]]);
    server.stop().await;
}

/// What a question comes to: how many neighbors, or the reason of its refusal.
fn outcome(answer: Result<tonic::Response<pb::NearestResponse>, Status>) -> String {
    match answer {
        Ok(answer) => answer.into_inner().neighbors.len().to_string(),
        Err(status) => reason(&status).1,
    }
}

#[tokio::test]
async fn odd_questions_of_odd_tables_have_an_answer_or_a_reason() {
    let server = Server::start().await;
    let channel = server.channel().await;
    for (name, file) in [
        ("one", "a 1 2\n"),
        ("two", "a 1 2\nb -1 -2\n"),
        ("same", "a 1 1\nb 1 1\nc 1 1\n"),
        ("zero", "a 0 0\nb 1 0\nc 0 1\n"),
    ] {
        let format = pb::Format::Glove.into();
        let header = pb::ImportHeader { format, ..header(name) };
        import(&channel, header, file.as_bytes()).await.unwrap();
    }
    let mut search = SearchServiceClient::new(channel);
    let a = || vec![word("a")];
    let weighted =
        |name: &str, weight: f32| pb::WordOrVector { weight: Some(weight), ..word(name) };
    let cases = [
        ("a table of one row", nearest("one", a()), "0"),
        (
            "which may answer",
            pb::NearestRequest { exclude_inputs: Some(false), ..nearest("one", a()) },
            "1",
        ),
        ("a vector of one's own", nearest("one", vec![vector(&[1.0, 0.0])]), "1"),
        ("the far one of two", nearest("two", a()), "1"),
        ("two that cancel out", nearest("two", vec![word("a"), word("b")]), "UNSUITED_TABLE"),
        (
            "weights that cancel out",
            nearest("same", vec![weighted("a", 2.0), weighted("b", -2.0)]),
            "UNSUITED_TABLE",
        ),
        (
            "weights that overflow a float",
            nearest("same", vec![weighted("a", f32::MAX), weighted("b", f32::MAX)]),
            "1",
        ),
        ("a weight of nothing", nearest("same", vec![weighted("a", 0.0)]), "INVALID_FIELD"),
        ("a weight that is none", nearest("same", vec![weighted("a", f32::NAN)]), "INVALID_FIELD"),
        ("a word twice", nearest("same", vec![word("a"), word("a")]), "2"),
        (
            "a word on both sides",
            pb::NearestRequest { negative: a(), ..nearest("same", a()) },
            "UNSUITED_TABLE",
        ),
        ("equal rows", nearest("same", a()), "2"),
        ("a row of zeros", nearest("zero", a()), "UNSUITED_TABLE"),
        ("a row of zeros among others", nearest("zero", vec![word("a"), word("b")]), "1"),
        ("zeros as an answer", nearest("zero", vec![word("b")]), "2"),
        ("nothing", nearest("same", vec![]), "INVALID_FIELD"),
        ("no word", nearest("same", vec![word("")]), "INVALID_FIELD"),
        ("a blank text", nearest("same", vec![text(" \t\n")]), "INVALID_FIELD"),
        ("a text of signs", nearest("same", vec![text("?!")]), "UNKNOWN_WORDS"),
        ("a text of strangers", nearest("same", vec![text("x y")]), "UNKNOWN_WORDS"),
        (
            "a text that is too long",
            nearest("same", vec![text(&"a ".repeat(600_000))]),
            "INVALID_FIELD",
        ),
        ("a long text", nearest("same", vec![text(&"a ".repeat(500_000))]), "2"),
        (
            "a row behind the last",
            nearest("same", vec![pb::WordOrVector { query: Some(Query::Row(3)), weight: None }]),
            "INVALID_FIELD",
        ),
        ("none wanted", pb::NearestRequest { k: Some(0), ..nearest("same", a()) }, "INVALID_FIELD"),
        ("all wanted", pb::NearestRequest { k: Some(10_000), ..nearest("same", a()) }, "2"),
        (
            "a radius of no number",
            pb::NearestRequest { min_similarity: Some(f32::NAN), ..nearest("same", a()) },
            "INVALID_FIELD",
        ),
        (
            "a radius of nothing",
            pb::NearestRequest { min_similarity: Some(f32::INFINITY), ..nearest("same", a()) },
            "0",
        ),
        (
            "a radius of everything",
            pb::NearestRequest { min_similarity: Some(f32::NEG_INFINITY), ..nearest("same", a()) },
            "2",
        ),
        (
            "no diversity",
            pb::NearestRequest { diversity: Some(f32::NAN), ..nearest("same", a()) },
            "INVALID_FIELD",
        ),
        ("all diverse", pb::NearestRequest { diversity: Some(1.0), ..nearest("same", a()) }, "2"),
        ("an expression that grows", filtered("(a{1000}){1000}"), "INVALID_FIELD"),
        ("an expression that is none", filtered("("), "INVALID_FIELD"),
        ("an expression that goes back", filtered("(a+)+$|(a|aa)+b"), "0"),
    ];
    for (name, ask, want) in cases {
        assert_eq!(outcome(search.nearest(ask).await), want, "{name}");
    }
    let sets = |a: &[&str], b: &[&str]| pb::SetSimilarityRequest {
        table: "two".to_owned(),
        a: a.iter().map(|one| word(one)).collect(),
        b: b.iter().map(|one| word(one)).collect(),
        ..Default::default()
    };
    for (ask, want) in [
        (sets(&[], &["a"]), "INVALID_FIELD"),
        (sets(&["a", "b"], &["a"]), "UNSUITED_TABLE"),
        (sets(&["x"], &["y"]), "UNKNOWN_WORDS"),
    ] {
        assert_eq!(reason(&search.set_similarity(ask).await.unwrap_err()).1, want);
    }
    let odd = |words: &[&str]| pb::OddOneOutRequest {
        table: "same".to_owned(),
        queries: words.iter().map(|one| word(one)).collect(),
        words: None,
    };
    assert_eq!(search.odd_one_out(odd(&["a", "b", "c"])).await.unwrap().into_inner().odd_index, 0);
    assert!(search.odd_one_out(odd(&["a", "b"])).await.is_err());
    server.stop().await;
}

fn filtered(regex: &str) -> pb::NearestRequest {
    let filter = pb::Filter { regex: regex.to_owned(), ..Default::default() };
    pb::NearestRequest { filter: Some(filter), ..nearest("same", vec![word("a")]) }
}

/// The notes' examples: two banks, two magazines.
#[tokio::test]
async fn sentences_part_into_the_senses_that_they_were_written_for() {
    let server = Server::start().await;
    let channel = server.channel().await;
    let file = std::fs::read(root().join("examples/data/glove.6B.50d.20k.txt.gz")).unwrap();
    import(&channel, header("en"), &file).await.unwrap();
    let mut search = SearchServiceClient::new(channel);
    for name in ["bank", "magazine"] {
        let file = root().join(format!("tests/data/contexts/{name}.txt"));
        let contexts: Vec<_> =
            std::fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect();
        let lowercase = pb::Preprocessor { lowercase: true, strip_accents: false };
        let preprocessors = vec![pb::Preprocessor::default(), lowercase];
        let ask = pb::InduceSensesRequest {
            table: "en".to_owned(),
            word: Some(word(name)),
            words: Some(pb::WordOptions { preprocessors, ..Default::default() }),
            contexts,
            ..Default::default()
        };
        let answer = search.induce_senses(ask).await.unwrap().into_inner();
        assert!(answer.left_out_contexts.is_empty());
        assert_eq!(answer.senses.len(), 2, "{name}: {:?}", answer.stabilities);
        let odd = answer.senses.iter().map(|sense| sense.contexts.iter().filter(|&i| i % 2 == 1));
        let odd: Vec<_> = odd.map(Iterator::count).collect();
        let even: Vec<_> = (0..2).map(|i| answer.senses[i].contexts.len() - odd[i]).collect();
        // One line of 48 is taken for the other sense.
        let wrong = (odd[0] + even[1]).min(even[0] + odd[1]);
        assert!(wrong <= usize::from(name == "bank"), "{name}: {odd:?} {even:?}");
        assert!(answer.pairs[0].homonyms, "{name}: {:?}", answer.pairs);
    }
    server.stop().await;
}
