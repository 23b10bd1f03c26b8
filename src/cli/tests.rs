//! The command lines that scripts rely on.

use clap::{CommandFactory as _, Parser as _};

use super::*;

fn parses(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(std::iter::once("wordspace").chain(line.split_whitespace()))
}

#[test]
fn the_arguments_are_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn the_documented_command_lines_about_texts_parse() {
    for line in [
        "tokenize text --tokenizer bpe --dropout 0.1 --cut-seed 7",
        "tokenize text --tokenizer unigram --alpha 0.2 --nbest 64",
        "embed --table NAME text --nearest 5 --in OTHER --pooling sif",
        "import-texts FILE FILE --table NAME --target OTHER --layout ids --lowercase --wait-index",
        "import-texts --table NAME --target OTHER --pooling sif --on-invalid skip --replace",
        "seed-table --tokenizer NAME --table NAME --dim 100 --distribution normal --seed 7",
        "text-similarity --table NAME text text --exact",
        "tokenizer add NAME --pattern cl100k_base",
    ] {
        assert!(parses(line).is_ok(), "{line}");
    }
    assert!(parses("tokenize text --dropout 0.1 --alpha 0.2").is_err());
    assert!(parses("tokenize text --nbest 3").is_err());
}

const DOCUMENTED: &[&str] = &[
    "serve --data DIR",
    "serve --data DIR --listen 127.0.0.1:0",
    "import FILE --table NAME",
    "import - --table NAME --wait-index --format glove --on-duplicate mean --on-invalid skip \
     --on-invalid-utf8 keep-bytes --replace --limit 10 --json",
    "export --table NAME FILE --format word2vec-binary --gzip --force",
    "export --table NAME - --format glove",
    "tables",
    "tables NAME --json",
    "delete NAME --yes",
    "delete NAME OTHER -y",
    "export --table NAME en.parquet",
    "nearest --table NAME vector:0.5,-1,2 --topn 3 --timeout 2.5",
    "put --table NAME WORD 0.5 -0.25 --insert-only --set pos=NN",
    "put --table NAME --file - --update-only",
    "delete-words --table NAME WORD WORD --oov skip",
    "delete-words --table NAME --row 3",
    "set-attributes --table NAME WORD --set pos=NN --set rank=3 --remove old --oov skip",
    "index --table NAME --build --wait",
    "index --table NAME --cancel --json",
    "lookup --table NAME WORD WORD --unit",
    "words --table NAME --prefix a --limit 3",
    "nearest --table NAME WORD",
    "nearest --table NAME WORD WORD -k 10 --exact --negative A B --include-inputs \
     --min-similarity -0.5 --lowercase --oov skip",
    "nearest --table NAME -",
    "nearest --table NAME WORD --ef 128 --server http://host:1",
    "nearest --table NAME WORD --top 30000 --prefix p --regex ^x+$ --deny a b --where lang=en \
     --where freq>=1e3 --where !seen --rows 0..10",
    "analogy --table NAME A B C --allow a b --where pos!=noun",
    "analogy --table NAME A B C --method cos-mul --with-inputs",
    "similarity --table NAME A B C D",
    "odd-one-out --table NAME A B C",
    "tokenize text --table NAME --tokenizer rules",
    "tokenize -",
    "tokenize",
    "bias weat --table NAME career-family",
    "bias --table NAME suite --json",
    "bias word --table NAME nurse --a he,man --b she,woman",
    "bias rnd --table NAME --x he,man --y she,woman nurse doctor",
    "bias rnsb --table NAME john mary --positive love --negative death",
    "bias mac --table NAME john --attributes love,peace --attributes death",
    "bias indirect --table NAME --x he --y she nurse doctor",
    "bias direct --table NAME --x he --y she nurse --strictness 0.5",
    "bias analogies --table NAME --from he --to she -k 5",
    "bias clusters --table NAME --original OTHER",
    "debias --table NAME --target NEW --from he --to she --method double-hard",
    "evaluate analogies FILE --table NAME OTHER --top 30000 --json",
    "evaluate pairs FILE --table NAME --case-sensitive",
    "senses --table NAME bank --context river water",
    "senses --table NAME bank --induce -k 3",
    "senses --table NAME bank --contexts FILE -k 2 --lowercase",
    "nearest --table NAME text:two_words --oov tokenize --cut-by bert --all-forms",
    "words --table NAME --regex ^a --where pos=NN",
    "compare --table NAME --with OTHER WORD",
    "word-movers --table NAME TEXT TEXT --relaxed",
    "similarity-matrix --table NAME A B --columns C D",
    "bias weat --table NAME --x a,b --y c,d --a e --b f --oov skip",
    "bias project --table NAME --from man --to woman WORD WORD --pca",
    "recall --table NAME",
    "recall --table NAME king queen -k 5 --ef 16 32 --json",
    "recall --table NAME --sample 50 --seed 3",
    "health --table NAME --sample 100 --hub-queries 50 -k 5 --seed 1",
    "status --json",
    "demo --data DIR --listen 127.0.0.1:0 --exit",
];

#[test]
fn the_documented_command_lines_parse() {
    for line in DOCUMENTED {
        if let Err(error) = parses(line) {
            panic!("{line}: {error}");
        }
    }
}

#[test]
fn wrong_arguments_are_refused_before_a_server_is_asked() {
    let lines = [
        "nearest --table NAME",
        "nearest WORD",
        "nearest --table NAME WORD --exact --ef 10",
        "nearest --table NAME WORD --rows 5",
        "nearest --table NAME WORD --where =5",
        "analogy --table NAME A B",
        "odd-one-out --table NAME A B",
        "bias weat --table NAME",
        "bias weat --table NAME career-family --x a",
        "bias weat --table NAME --x a --y b",
        "bias project --table NAME --from man WORD",
        "put --table NAME",
        "put --table NAME WORD 1 --insert-only --update-only",
        "put --table NAME WORD x",
        "delete-words --table NAME",
        "set-attributes --table NAME WORD",
        "set-attributes --table NAME WORD --set pos",
        "index --table NAME --build --cancel",
        "import FILE --table NAME --format word3vec",
        "tokenize text --lowercase",
        "senses --table NAME bank -k 3",
        "senses --table NAME bank --induce --contexts FILE",
    ];
    for line in lines {
        let error = parses(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
    }
}

#[test]
fn a_line_of_the_log_stays_one_line() {
    use std::fmt::Write as _;
    let mut line = String::new();
    let forged = "importing x\n2026-11-28T00:00:00Z  INFO wordspace: forged \u{1b}[31mred\u{2028}";
    write!(output::OneLine(&mut line), "{forged}").unwrap();
    let escaped =
        r"importing x\n2026-11-28T00:00:00Z  INFO wordspace: forged \u{1b}[31mred\u{2028}";
    assert_eq!(line, escaped);
}

#[test]
fn conditions_have_spaces_quotes_and_no_second_meaning() {
    use crate::cli::options::{attribute, attributes_text, conditions};
    use crate::client::{AttributeList, AttributeValue, attribute_value::Value};

    let text = |text: &str| Value::Text(text.to_owned());
    for written in ["freq > 5", " ! seen", "'my lang' != \"a b\" or lang in (fr,en)"] {
        assert_eq!(conditions(written), Ok(written.to_owned()));
    }
    let far = format!("{} and lang == = 5", "x".repeat(100));
    for (wrong, caret) in [
        ("lang in fr,en", 8),
        ("lang = \"fr", 7),
        ("= 5", 0),
        ("freq >", 6),
        ("a = b c", 6),
        // A character may take two columns.
        ("\u{8bcd} = b c", 7),
        (&far, 44),
    ] {
        let problem = conditions(wrong).expect_err(wrong);
        let line = problem.lines().nth(2).expect("a line with a caret");
        assert_eq!(line.find('^'), Some(caret + 2), "{problem}");
    }
    let set = |written| attribute(written).map(|(name, value)| (name, value.value.unwrap()));
    assert_eq!(set("n = 5"), Ok(("n".to_owned(), Value::Integer(5))));
    assert_eq!(set("n = 5.0"), Ok(("n".to_owned(), Value::Number(5.0))));
    assert_eq!(set("n=9007199254740993").unwrap().1, Value::Integer(9_007_199_254_740_993));
    assert_eq!(set("day = 2024-01-31").unwrap().1, Value::Date("2024-01-31".to_owned()));
    let moment = Value::Date("2024-01-31T09:30:00Z".to_owned());
    assert_eq!(set("day = 2024-01-31 10:30:00+01:00").unwrap().1, moment);
    assert_eq!(set("day='2024-01-31'").unwrap().1, text("2024-01-31"));
    let list = |values: Vec<Value>| {
        let values = values.into_iter().map(|value| AttributeValue { value: Some(value) });
        Value::List(AttributeList { values: values.collect() })
    };
    let tags = list(vec![text("fr"), text("a, b"), text("5")]);
    assert_eq!(set("tags = [fr, \"a, b\", '5']").unwrap().1, tags);
    assert_eq!(set("tags=[]").unwrap().1, list(vec![]));
    for wrong in
        ["a = [1, x]", "a = [1", "a = [1] x", "a = [[1]]", "day=2024-02-30", "a=[2024-13-01]"]
    {
        assert!(set(wrong).is_err(), "{wrong}");
    }
    let shown = [
        ("day", moment),
        ("note", text("2024-01-31")),
        ("tags", tags),
        ("word", text("[1]")),
        ("n", Value::Integer(-7)),
    ];
    let shown = shown.map(|(name, value)| (name.to_owned(), AttributeValue { value: Some(value) }));
    let told =
        "day=2024-01-31T09:30:00Z n=-7 note=\"2024-01-31\" tags=[fr, \"a, b\", \"5\"] word=\"[1]\"";
    assert_eq!(attributes_text(&shown.into_iter().collect()), told);
    assert_eq!(set("title=a b = c"), Ok(("title".to_owned(), text("a b = c"))));
    assert_eq!(set("n = \"5\""), Ok(("n".to_owned(), text("5"))));
    // Codes and identifiers that a number would change stay what they are, and are shown as texts.
    for code in ["010", "9223372036854775808", "+49"] {
        let read = attribute(&format!("n={code}")).unwrap().1;
        assert_eq!(read.value, Some(text(code)));
        let kept = [("n".to_owned(), AttributeValue { value: Some(text(code)) })];
        assert_eq!(attributes_text(&kept.into_iter().collect()), format!("n=\"{code}\""));
    }
    assert!(set("pos").is_err());
}
