//! Test sets, probes, debiased tables and senses, from the command line down to the disk.

use std::process::{Command, Output};

use serde_json::Value;
use tonic::Code;
use wordspace::client::{
    CallError, Client, DebiasMethod, DebiasRequest, EvaluationLookup, ImportHeader, WordSet, chunks,
};
use wordspace::proto as pb;

use crate::support::{Server, header, root};

async fn glove() -> (Server, Client) {
    let server = Server::start().await;
    let client = Client::connect(&server.url).await.unwrap();
    let file = std::fs::read(root().join("tests/data/golden/glove.50d.txt")).unwrap();
    let header = ImportHeader { source: "glove".to_owned(), ..header("glove") };
    client.import(header, chunks(std::io::Cursor::new(file)), |_| {}).await.unwrap();
    (server, client)
}

fn set(words: &[&str]) -> WordSet {
    let words = words.iter().map(|&word| word.to_owned()).collect();
    WordSet { name: String::new(), words }
}

async fn run(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordspace"));
    command.args(arguments).env("WORDSPACE_SERVER", &server.url);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn text(server: &Server, arguments: &[&str]) -> String {
    let output = run(server, arguments).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

async fn json(server: &Server, arguments: &[&str]) -> Value {
    let lines = text(server, &[arguments, &["--json"]].concat()).await;
    serde_json::from_str(lines.lines().next().unwrap()).unwrap()
}

fn hard(target: &str) -> DebiasRequest {
    DebiasRequest {
        table: "glove".to_owned(),
        target: target.to_owned(),
        method: DebiasMethod::Hard.into(),
        from: Some(set(&["he", "man", "father", "boy"])),
        to: Some(set(&["she", "woman", "mother", "girl"])),
        ..DebiasRequest::default()
    }
}

fn refusal(error: &CallError) -> (Code, String) {
    let CallError::Refused(refusal) = error else { panic!("{error}") };
    (refusal.code, refusal.reason.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debiased_table_is_a_new_one_with_its_lineage_and_survives() {
    let (server, client) = glove().await;
    let report = client.debias(hard("fair"), |_| {}).await.unwrap();
    assert!(
        report.lineage.contains("table glove, generation") && report.lineage.contains("he:she")
    );
    let probe = &report.probes[0];
    assert!(probe.after() < 0.5 * probe.before(), "{report:?}");
    assert!(report.probes.iter().any(|p| p.name.contains("career-family") && p.after.is_some()));

    let error = client.debias(hard("fair"), |_| {}).await.unwrap_err();
    assert_eq!(refusal(&error), (Code::AlreadyExists, "TABLE_EXISTS".to_owned()));
    let again = DebiasRequest { replace: true, ..hard("fair") };
    assert!(client.debias(again, |_| {}).await.unwrap().generation > report.generation);
    let error = client.debias(hard("glove"), |_| {}).await.unwrap_err();
    assert_eq!(refusal(&error), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));
    let uneven = DebiasRequest { to: Some(set(&["she"])), ..hard("other") };
    let error = client.debias(uneven, |_| {}).await.unwrap_err();
    assert_eq!(refusal(&error), (Code::InvalidArgument, "INVALID_FIELD".to_owned()));

    let server = Server::start_on(server.stop().await).await;
    let client = Client::connect(&server.url).await.unwrap();
    let request = pb::GetTableRequest { table: "fair".to_owned() };
    let table = client.get_table(request).await.unwrap().table.unwrap();
    assert!(format!("{table:?}").contains("debiased (hard)"), "{table:?}");
    let request = pb::CompareRequest {
        table: "glove".to_owned(),
        other: "fair".to_owned(),
        words: vec!["doctor".to_owned(), "king".to_owned()],
        ..pb::CompareRequest::default()
    };
    let compared = client.compare(request).await.unwrap();
    assert!(compared.anchor_count > 500 && compared.not_aligned.is_empty());
    assert!(compared.words[0].overlap > 0.2);
    let clusters = pb::BiasedClustersRequest {
        table: "fair".to_owned(),
        original: "glove".to_owned(),
        from: Some(set(&["he"])),
        to: Some(set(&["she"])),
        count: Some(50),
        ..pb::BiasedClustersRequest::default()
    };
    let clusters = client.biased_clusters(clusters).await.unwrap();
    assert!(clusters.accuracy >= 0.5 && clusters.warnings.len() == 2, "{clusters:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_tables_answer_one_test_set() {
    let (server, client) = glove().await;
    client.debias(hard("fair"), |_| {}).await.unwrap();
    let file = b": family\nking queen man woman\nzz queen man woman\n".to_vec();
    let tables = vec!["glove".to_owned(), "fair".to_owned()];
    let request = pb::AnalogiesRequest { tables: tables.clone(), file, ..Default::default() };
    let answer = client.analogies(request).await.unwrap();
    for table in &answer.tables {
        let total = table.total.as_ref().unwrap();
        assert_eq!((total.question_count, total.asked_count), (2, 1));
        assert_eq!(table.unknown_words, ["zz"]);
    }
    let request = pb::AnalogiesRequest { tables, file: b"a b c".to_vec(), ..Default::default() };
    let error = client.analogies(request).await.unwrap_err();
    assert_eq!(refusal(&error), (Code::InvalidArgument, "MALFORMED_FILE".to_owned()));
    let lookup = Some(EvaluationLookup { restrict_vocab: Some(0), case_insensitive: Some(false) });
    let request = pb::WordPairsRequest {
        tables: vec!["glove".to_owned(), "no".to_owned()],
        file: b"king queen 1\ncat dog 2\n".to_vec(),
        lookup,
        ..Default::default()
    };
    let error = client.word_pairs(request).await.unwrap_err();
    assert_eq!(refusal(&error), (Code::NotFound, "TABLE_NOT_FOUND".to_owned()));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "a test's own file, which nobody else reads")]
async fn people_ask_from_the_command_line() {
    let (server, client) = glove().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("pairs.txt"), "king queen 8\ncat dog 7\ncat king 1\nbig zz 3\n").unwrap();
    for (command, wanted) in [
        (&["evaluate", "pairs", &path("pairs.txt")][..], "75.0%"),
        (&["rank", "king", "queen"], "is number"),
        (&["closer-than", "cat", "king"], "dog"),
        (&["most-similar-to-given", "kitten", "king", "cat"], "cat"),
        (&["rank-by-centrality", "breakfast", "lunch", "king"], "lunch"),
        (&["relative-cosine", "king", "queen"], "suggests a synonym"),
        (&["similarity-matrix", "king", "queen", "cat"], "1.00"),
        (&["set-similarity", "king,queen", "--with", "man,woman"], "of the means"),
        (&["word-movers", "the king", "a queen"], "distance"),
        (&["analogy", "man", "king", "woman", "--explain", "--with-inputs"], "- man"),
        (
            &[
                "analogy",
                "man",
                "king",
                "woman",
                "--method",
                "cos-avg",
                "--examples",
                "boy",
                "prince",
            ],
            "queen",
        ),
        (&["nearest", "king", "--diversity", "0.5", "--weights", "2"], "prince"),
        (&["bias", "suite"], "career-family"),
        (&["bias", "tests"], "zh-math-arts"),
        (&["bias", "word", "nurse", "--a", "he,man", "--b", "she,woman"], "nurse"),
        (
            &["bias", "rnd", "--x", "he,man", "--y", "she,woman", "nurse", "doctor"],
            "nearer to first",
        ),
        (
            &["bias", "direct", "--x", "he,man", "--y", "she,woman", "nurse", "doctor"],
            "explained variance",
        ),
        (&["bias", "analogies", "--from", "he,man", "--to", "she,woman", "-k", "5"], "she"),
        (&["senses", "paris", "--induce", "--neighbors", "40", "-k", "2"], "stability"),
    ] {
        let printed = text(&server, &[command, &["--table", "glove"]].concat()).await;
        assert!(printed.contains(wanted), "{command:?}: {printed}");
    }
    let weat = ["bias", "weat", "career-family", "--table", "glove", "--svg", &path("weat.svg")];
    let weat = json(&server, &weat).await;
    assert!((weat["effect_size"].as_f64().unwrap() - 1.764).abs() < 1e-3);
    assert!(weat["effect_size_interval"]["low"].as_f64() > Some(1.0));
    let project = [
        "bias",
        "project",
        "--from",
        "man",
        "--to",
        "woman",
        "--and-from",
        "big",
        "--and-to",
        "small",
        "nurse",
        "doctor",
        "--table",
        "glove",
        "--svg",
        &path("axes.svg"),
    ];
    assert_eq!(text(&server, &project).await.matches("nurse").count(), 2);
    let map = ["nearest", "king", "--table", "glove", "--svg", &path("map.svg")];
    text(&server, &map).await;
    let poles = ["bias", "project", "--from", "man", "--to", "woman", "nurse", "doctor"];
    let drawn = ["--table", "glove", "--beside", "glove", "--svg", &path("axis.svg")];
    text(&server, &[poles.as_slice(), &drawn].concat()).await;
    for (file, part) in [
        ("weat.svg", "john"),
        ("axes.svg", "nurse"),
        ("map.svg", "queen"),
        ("axis.svg", "from man (left) to woman"),
    ] {
        let drawn = std::fs::read_to_string(path(file)).unwrap();
        assert!(drawn.to_lowercase().contains(part) && drawn.ends_with("</svg>\n"), "{file}");
    }
    let add = ["evaluate", "sets", "add", "mine", &path("pairs.txt"), "--kind", "pairs"];
    assert!(text(&server, &add).await.contains("mine"));
    assert!(text(&server, &["evaluate", "sets", "list"]).await.contains("pairs"));
    let by_name = text(&server, &["evaluate", "pairs", "mine", "--table", "glove"]).await;
    assert!(by_name.contains("75.0%"), "{by_name}");
    let show = ["evaluate", "sets", "show", "mine", "--output", &path("copy.txt")];
    text(&server, &show).await;
    let copy = std::fs::read(path("copy.txt")).unwrap();
    assert_eq!(copy, std::fs::read(path("pairs.txt")).unwrap());
    text(&server, &["evaluate", "sets", "remove", "mine"]).await;
    let gone = run(&server, &["evaluate", "pairs", "mine", "--table", "glove"]).await;
    assert_eq!(gone.status.code(), Some(1));
    // The only table need not be named.
    let alone = run(&server, &["bias", "suite"]).await;
    assert_eq!(alone.status.code(), Some(0));

    let vector = |values: &[f32]| {
        let mut all = vec![0.0; 50];
        all[..values.len()].copy_from_slice(values);
        Some(pb::Vector { values: all, ..Default::default() })
    };
    let put = |name: &str, values: &[f32]| pb::put_vectors_request::WordToPut {
        word: name.to_owned(),
        vector: vector(values),
        ..Default::default()
    };
    let words = vec![
        put("bank|money", &[1.0, 0.0]),
        put("bank|river", &[0.0, 1.0]),
        put("shore", &[0.1, 1.0]),
    ];
    let request = pb::PutVectorsRequest { table: "glove".to_owned(), words, ..Default::default() };
    client.put_vectors(request).await.unwrap();
    let request = pb::SensesRequest {
        table: "glove".to_owned(),
        word: "bank".to_owned(),
        context: vec!["shore".to_owned()],
        ..pb::SensesRequest::default()
    };
    let answer = client.senses(request).await.unwrap();
    assert_eq!((answer.senses[0].name.as_str(), answer.pairs[0].homonyms), ("river", true));
    server.stop().await;
}
