//! The command line as scripts use it: shapes, JSON Lines, exit codes.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::{SMALL, Server};

/// Runs `wordspace` against a server.
async fn run(server: &Server, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wordspace"));
    command.args(arguments).env("WORDSPACE_SERVER", &server.url);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// Its standard output as JSON Lines.
async fn json(server: &Server, arguments: &[&str]) -> Vec<Value> {
    let output = run(server, &[arguments, &["--json"]].concat()).await;
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn small() -> (Server, tempfile::TempDir) {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.txt");
    std::fs::File::create(&path).unwrap().write_all(SMALL.as_bytes()).unwrap();
    let path = path.to_str().unwrap();
    let report = json(&server, &["import", path, "--table", "en", "--wait-index"]).await;
    let report = &report[0];
    assert_eq!((&report["rows_kept"], &report["format"]), (&8.into(), &"FORMAT_GLOVE".into()));
    (server, folder)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test's own file, which nobody else reads")]
fn files_are_inspected_and_converted_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("a.txt"), "the 1 2\nof 3 4\nthe 5 6\nx 7\n").unwrap();
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_wordspace")).args(arguments).output().unwrap()
    };
    let talk = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let refused = run(&["convert", &path("a.txt"), &path("b.50d.npy")]);
    assert!(!refused.status.success() && talk(&refused).contains("line 4"), "{}", talk(&refused));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");
    let skip = ["--on-invalid", "skip"];
    let done = run(&[["convert", &path("a.txt"), &path("b.50d.npy")].as_slice(), &skip].concat());
    assert!(talk(&done).contains("4 read = 2 kept + 2 left out"), "{}", talk(&done));
    let done = run(&["convert", &path("b.50d.npy"), &path("c.csv.gz")]);
    assert!(done.status.success(), "{}", talk(&done));
    assert!(talk(&run(&["convert", &path("b.50d.npy"), &path("c.csv.gz")])).contains("--force"));
    let shown = run(&["inspect", &path("c.csv.gz"), "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!((&shown["format"], &shown["compression"]), (&"csv".into(), &"gzip".into()));
    assert_eq!((&shown["rows_kept"], &shown["dim"]), (&2.into(), &2.into()));
    assert_eq!(shown["last"][1]["word"], "of");
    assert_eq!(shown["last"][1]["vector"], serde_json::json!([3.0, 4.0]));
    let text = run(&["inspect", &path("a.txt")]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("line 3 \"the\"") && text.contains("duplicate word"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shapes_that_scripts_rely_on() {
    let (server, folder) = small().await;
    let answer = json(&server, &["nearest", "--table", "en", "king", "-k", "2", "--exact"]).await;
    let first = &answer[0]["neighbors"][0];
    assert_eq!((&first["word"], &first["row"]), (&"prince".into(), &4.into()));
    assert_eq!(answer[0]["answer"]["answered_by"], "ANSWERED_BY_EXACT");
    assert_eq!(answer[0]["neighbors"].as_array().unwrap().len(), 2);

    let answer = json(&server, &["analogy", "--table", "en", "man", "king", "woman"]).await;
    assert_eq!(answer[0]["neighbors"][0]["word"], "queen");
    let answer = json(&server, &["similarity", "--table", "en", "king", "queen"]).await;
    assert!((answer[0]["similarities"][0]["similarity"].as_f64().unwrap() - 0.6).abs() < 1e-6);
    let odd = ["odd-one-out", "--table", "en", "king", "queen", "pear"];
    assert_eq!(json(&server, &odd).await[0]["odd_index"], 2);
    let answer = json(&server, &["lookup", "--table", "en", "pear"]).await;
    assert_eq!(answer[0]["vectors"][0]["vector"]["values"].as_array().unwrap().len(), 3);
    let put = ["put", "--table", "en", "kong", "1", "-0.5", "1", "--set", "big=true"];
    assert_eq!(json(&server, &put).await[0]["added_count"], 1);
    let more = folder.path().join("more.txt");
    std::fs::File::create(&more).unwrap().write_all(b"new york 1 2 3\nkong 1 1 1\n").unwrap();
    let put = ["put", "--table", "en", "--file", more.to_str().unwrap()];
    assert_eq!(json(&server, &put).await[0]["overwritten_count"], 1);
    let answer = json(&server, &["lookup", "--table", "en", "kong", "new york"]).await;
    assert_eq!(answer[0]["vectors"][0]["attributes"]["big"]["flag"], true);
    let set = ["set-attributes", "--table", "en", "kong", "--remove", "big", "--set", "n=2"];
    assert_eq!(json(&server, &set).await[0]["changed_count"], 1);
    let delete = ["delete-words", "--table", "en", "kong", "new york", "no", "--oov", "skip"];
    assert_eq!(json(&server, &delete).await[0]["deleted_count"], 2);
    let index = json(&server, &["index", "--table", "en", "--build", "--wait"]).await;
    assert_eq!(index[0]["index"]["rebuild"]["phase"], "REBUILD_PHASE_IDLE");
    assert_eq!(index[0]["index"]["deleted_row_count"], 0);
    let answer = json(&server, &["tokenize", "--table", "en", "king kong"]).await;
    assert_eq!(answer[0]["texts"][0]["unknown_count"], 1);
    let weat = [
        "bias", "weat", "--table", "en", "--x", "king", "--y", "apple", "--a", "man", "--b",
        "woman",
    ];
    assert_eq!(json(&server, &weat).await[0]["p_value"], 0.5);
    let project = ["bias", "project", "--table", "en", "--from", "man", "--to", "woman", "queen"];
    assert!(json(&server, &project).await[0]["projections"][0]["similarity"].as_f64() > Some(0.0));
    assert_eq!(json(&server, &["tables"]).await.len(), 1);
    assert_eq!(json(&server, &["status"]).await[0]["table_count"], 1);

    let out = folder.path().join("out.txt");
    let out = out.to_str().unwrap();
    let export = ["export", "--table", "en", out, "--format", "glove"];
    assert!(run(&server, &export).await.status.success());
    assert_eq!(std::fs::read_to_string(out).unwrap(), SMALL);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_mean_something() {
    let (server, folder) = small().await;
    let code = async |arguments: &[&str]| {
        let output = run(&server, arguments).await;
        let error = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), error)
    };
    assert_eq!(code(&["nearest", "--table", "en", "king"]).await.0, 0);
    let (exit, error) = code(&["nearest", "--table", "en", "kong", "qing"]).await;
    assert_eq!(exit, 1);
    assert!(error.contains("kong") && error.contains("qing"), "{error}");
    assert_eq!(code(&["nearest", "--table", "fr", "king"]).await.0, 1);
    assert_eq!(code(&["nearest", "--table", "en"]).await.0, 2);
    assert_eq!(code(&["no-such-command"]).await.0, 2);
    let nowhere = ["nearest", "--server", "http://127.0.0.1:1", "--table", "en", "king"];
    let (exit, error) = code(&nowhere).await;
    assert_eq!(exit, 3);
    assert!(error.contains("wordspace serve"), "it says what to do next: {error}");
    let folder = folder.path().to_str().unwrap();
    assert_eq!(code(&["import", folder, "--table", "x"]).await.0, 1);
    assert_eq!(code(&["import", "/no/such/file", "--table", "x"]).await.0, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_can_come_through_a_pipe() {
    let server = Server::start().await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_wordspace"))
        .args(["import", "-", "--table", "piped", "--json", "--server", &server.url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(SMALL.as_bytes()).unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await;
    let report: Value = serde_json::from_slice(&output.unwrap().stdout).unwrap();
    assert_eq!(report["rows_kept"], 8);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_on_standard_input_are_answered_a_line_each() {
    let (server, _folder) = small().await;
    let mut child = Command::new(env!("CARGO_BIN_EXE_wordspace"))
        .args(["nearest", "-", "--table", "en", "--json", "-k", "1", "--server", &server.url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"king\nkong\r\napple").unwrap();
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await;
    let output = output.unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["neighbors"][0]["word"], "prince");
    assert_eq!(lines[1]["error"]["reason"], "UNKNOWN_WORDS");
    assert_eq!(lines[1]["error"]["metadata"]["words"], "[\"kong\"]");
    assert_eq!(lines[2]["neighbors"][0]["word"], "pear");
    assert_eq!((lines.len(), output.status.code()), (3, Some(1)));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detached_import_is_listed_and_watched_by_its_number() {
    let (server, folder) = small().await;
    let path = folder.path().join("small.txt");
    let path = path.to_str().unwrap();
    let started = json(&server, &["import", path, "--table", "apart", "--detach"]).await;
    let id = started[0]["id"].as_u64().unwrap();
    assert_eq!((id, &started[0]["may_leave"]), (2, &true.into()));
    let id = id.to_string();
    let watched = json(&server, &["jobs", "watch", &id]).await;
    let last = watched.last().unwrap();
    assert_eq!((&last["state"], &last["detached"]), (&"JOB_STATE_DONE".into(), &true.into()));
    assert_eq!(last["import"]["rows_kept"], 8);
    let jobs = json(&server, &["jobs"]).await;
    let kinds: Vec<_> =
        jobs[0]["jobs"].as_array().unwrap().iter().map(|job| &job["kind"]).collect();
    assert_eq!(kinds, ["JOB_KIND_IMPORT", "JOB_KIND_IMPORT"]);
    let shown = run(&server, &["jobs", "watch", &id]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("apart: 8 rows of 3 components"), "{shown}");
    let cancelled = run(&server, &["jobs", "cancel", &id]).await;
    assert!(String::from_utf8(cancelled.stdout).unwrap().contains("had ended: done"));
    let unknown = run(&server, &["jobs", "watch", "99"]).await;
    assert_eq!(unknown.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_type_is_understood_or_told() {
    let (server, folder) = small().await;
    let table = ["put", "en", "kong", "1", "-0.5", "1", "--set", "big = true", "--set", "n = 5"];
    assert_eq!(json(&server, &table).await[0]["added_count"], 1);
    let nearest = async |arguments: &[&str]| {
        let answer = json(&server, &[&["search"], arguments].concat()).await;
        let neighbors = answer[0]["neighbors"].as_array().cloned().unwrap_or_default();
        neighbors.iter().map(|near| near["word"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // The only table need not be named, and may stand first.
    let named = nearest(&["--table", "en", "king", "--topn", "3"]).await;
    assert_eq!(named.len(), 3);
    assert_eq!(nearest(&["king", "-n", "3"]).await, named);
    assert_eq!(nearest(&["en", "king", "-k", "3"]).await, named);
    for condition in ["n > 4", "big==true", "'n' = 5", "big"] {
        assert_eq!(nearest(&["king", "--where", condition]).await, ["kong"], "{condition}");
    }
    assert_eq!(nearest(&["vector:1,-0.5,1", "-k", "1"]).await, ["kong"]);
    assert_eq!(nearest(&["[1, -0.5, 1]", "-k", "1"]).await, ["kong"]);

    let told = async |arguments: &[&str]| {
        let output = run(&server, arguments).await;
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (arguments, hint) in [
        (["nearest", "en", "kign"].as_slice(), "did you mean \"king\""),
        (&["nearest", "--table", "em", "king"], "did you mean \"en\"?"),
        (&["nearest", "king", "--where", "size > 3"], "the attributes are big, n"),
        (&["nearest", "king", "--where", "n near 1"], "^ expected =, !="),
        (&["put", "en", "x", "1", "2", "3", "--set", "n"], "expected ="),
        (&["neerest", "en", "king"], "nearest"),
        (&["serve", "--data", "x", "--json"], "--json is for"),
    ] {
        let error = told(arguments).await;
        assert!(error.contains(hint), "{arguments:?}: {error}");
    }

    // Two tables have to be told apart; both go with one command.
    let path = folder.path().join("de.npy");
    let path = path.to_str().unwrap();
    assert!(run(&server, &["export", "en", path]).await.status.success());
    assert!(std::fs::read(path).unwrap().starts_with(b"\x93NUMPY"), "the suffix tells the format");
    let path = folder.path().join("small.txt");
    let path = path.to_str().unwrap();
    assert!(run(&server, &["import", path, "--table", "de"]).await.status.success());
    assert!(told(&["nearest", "king"]).await.contains("There are de, en"));
    assert!(told(&["rm", "de", "gone", "-y"]).await.contains("gone"));
    let deleted = json(&server, &["delete", "de", "en", "--yes"]).await;
    assert_eq!(deleted[0]["tables"].as_array().unwrap().len(), 2);
    assert!(told(&["nearest", "king"]).await.contains("no tables yet"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_runs_lines_from_a_pipe_to_the_last() {
    let (server, _folder) = small().await;
    let shell = |lines: &'static str, arguments: &[&str]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_wordspace"))
            .args(arguments)
            .env("WORDSPACE_SERVER", &server.url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        tokio::task::spawn_blocking(move || child.wait_with_output().unwrap())
    };
    let lines = "# words\nuse en\nlookup 'king'\n\nlookup kong\nrank king\nserve --data x\n\
                 wordspace similarity king queen\nexit\nlookup queen\n";
    let output = shell(lines, &["shell", "--json"]).await.unwrap();
    let (data, talk) = (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned());
    let data: Vec<Value> = String::from_utf8(data)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!((data.len(), output.status.code()), (2, Some(1)), "{talk}");
    assert_eq!(data[0]["vectors"][0]["word"], "king");
    assert!(data[1]["similarities"].is_array());
    for part in
        ["line 5: lookup kong", "\"kong\"", "<B>", "do not run within", "3 of 8 lines failed"]
    {
        assert!(talk.contains(part), "{part}: {talk}");
    }
    let output = shell("lookup en king\n", &["shell", "en"]).await.unwrap();
    assert!(output.status.success());
}

/// The notes' toy corpus in two dimensions: what stands beside the same words ends side by side.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "a test's own files, which nobody else reads")]
async fn a_toy_corpus_is_trained_and_drawn() {
    let server = Server::start().await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (text, drawing) = (path("toy.txt"), path("toy.svg"));
    std::fs::write(&text, "Troll 2 is great !\nGymkata is great !\n").unwrap();
    let told = "--table toy --loss softmax --dim 2 --window 1 --sample 0 --min-count 1 --epochs 600 --lr 0.1";
    let told: Vec<&str> = told.split(' ').collect();
    let train = [&["train", &text, "--svg", &drawing], &told[..]].concat();
    assert_eq!(json(&server, &train).await[0]["token_count"], 9);
    let drawing = std::fs::read_to_string(drawing).unwrap();
    let between = |text: &str, from: &str, to: &str| -> String {
        text.split_once(from).unwrap().1.split_once(to).unwrap().0.to_owned()
    };
    let points: Vec<(String, [f64; 2])> = drawing
        .split("<circle ")
        .skip(1)
        .map(|circle| {
            let at = |name: &str| between(circle, name, "\"").parse().unwrap();
            (between(circle, "<title>", "</title>"), [at("cx=\""), at("cy=\"")])
        })
        .collect();
    assert_eq!(points.len(), 6, "{drawing}");
    let of = |name: &str| points.iter().find(|(word, _)| word == name).unwrap().1;
    let film = of("Gymkata");
    let far = |[x, y]: [f64; 2]| (x - film[0]).hypot(y - film[1]);
    let others = points.iter().filter(|(word, _)| word != "Gymkata");
    let nearest = others.min_by(|(_, a), (_, b)| far(*a).total_cmp(&far(*b))).unwrap();
    assert_eq!(nearest.0, "2", "{points:?}");

    let one_hot =
        json(&server, &["embed", "toy", "great is great", "--one-hot", "--pooling", "sum"]).await;
    let sparse = &one_hot[0]["vectors"][0]["sparse"];
    assert_eq!(sparse["values"].as_array().unwrap().len(), 2, "{one_hot:?}");
    let output =
        run(&server, &["embed", "toy", "great is great", "--one-hot", "--pooling", "max"]).await;
    let line = String::from_utf8(output.stdout).unwrap();
    assert_eq!(line.trim().split(' ').filter(|pair| pair.ends_with(":1")).count(), 2, "{line}");
    let similar =
        ["text-similarity", "toy", "is great", "great is", "--one-hot", "--pooling", "sum"];
    let similar = json(&server, &similar).await;
    let cosine = similar[0]["similarities"][0]["cosine"].as_f64().unwrap();
    assert!((cosine - 1.0).abs() < 1e-9, "{similar:?}");
}
