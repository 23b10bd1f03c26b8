//! Tokenizers: nothing is lost, and offsets are right in every script.

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::steps::GO;
use crate::text::chance::{Chance, Way};
use crate::text::fit::{Keep, Truncation};
use crate::text::spec::{File, Kind, Pattern, Spec};
use crate::text::special::{Role, SpecialText};
use crate::text::stream::Joiner;
use crate::text::tokenizer::{CutOptions, Tokenizer};
use crate::text::train::{Learned, TrainOptions, Trainer};
use crate::text::window::Windows;

fn cut(name: &str, text: &str) -> Vec<Token> {
    Tokenizer::named(name).unwrap().cut(text, &CutOptions::default(), None).unwrap()
}

fn pieces<'t>(name: &str, text: &'t str) -> Vec<&'t str> {
    cut(name, text).into_iter().map(|token| &text[token.bytes]).collect()
}

#[test]
fn rules_cut_english_as_glove_does() {
    let cut = |text: &str| pieces("rules", text).join(" ");
    for (text, tokens) in [
        ("I don't think it's 3.14, or 1,000!", "I do n't think it 's 3.14 , or 1,000 !"),
        ("They\u{2019}re here; she\u{2019}ll go.", "They \u{2019}re here ; she \u{2019}ll go ."),
        ("CAN'T WON'T I'D I'M WE'VE", "CA N'T WO N'T I 'D I 'M WE 'VE"),
        ("shouldn't've", "should n't 've"),
        ("We cannot, the dogs' and the '90s", "We cannot , the dogs ' and the ' 90s"),
        ("O'Brien's well-known long--dash", "O'Brien 's well-known long -- dash"),
        ("the U.S. at 10:30 a.m...", "the U.S. at 10:30 a.m. .."),
        ("J. Smith paid $1,234.50 (50%).", "J . Smith paid $ 1,234.50 ( 50 % ) ."),
        ("wait... what?!", "wait ... what ? !"),
        ("``quoted'' \u{201c}too\u{201d}", "`` quoted '' \u{201c} too \u{201d}"),
        ("new_york a@b.org and/or", "new_york a @ b . org and / or"),
        ("'n't n't 's", "' n't n't ' s"),
    ] {
        assert_eq!(cut(text), tokens, "{text}");
    }
}

#[test]
fn every_script_comes_out_whole() {
    let (rules, unicode_words, whitespace) = ("rules", "unicode-words", "whitespace");
    let chinese = "\u{4f60}\u{597d}\u{ff0c}\u{4e16}\u{754c}";
    assert_eq!(pieces(whitespace, chinese), [chinese]);
    assert_eq!(pieces(rules, chinese), ["\u{4f60}\u{597d}", "\u{ff0c}", "\u{4e16}\u{754c}"]);
    assert_eq!(pieces(unicode_words, chinese).len(), 5);
    // A family joined by ZWJ, a flag, a letter with a combining mark, Hebrew, Arabic digits.
    let family = "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}";
    let text = format!("hi{family}\u{1f1eb}\u{1f1f7}!");
    assert_eq!(pieces(rules, &text), ["hi", family, "\u{1f1eb}\u{1f1f7}", "!"]);
    assert_eq!(pieces(unicode_words, &text), ["hi", family, "\u{1f1eb}\u{1f1f7}", "!"]);
    assert_eq!(pieces(rules, "cafe\u{301}'s"), ["cafe\u{301}", "'s"]);
    assert_eq!(
        pieces(rules, "\u{5e9}\u{5dc}\u{5d5}\u{5dd}, "),
        ["\u{5e9}\u{5dc}\u{5d5}\u{5dd}", ","]
    );
    assert_eq!(pieces(rules, "\u{663}\u{66b}\u{661}"), ["\u{663}\u{66b}\u{661}"]);
    assert_eq!(pieces(unicode_words, "can't 3.14 a-b"), ["can't", "3.14", "a", "-", "b"]);
}

#[test]
fn offsets_count_bytes_and_code_points() {
    let text = "\u{4f60}\u{597d} \u{1f600}\u{3000}e\u{301}!";
    let tokens = cut("rules", text);
    let offsets: Vec<_> = tokens.iter().map(|t| (t.bytes.clone(), t.chars.clone())).collect();
    assert_eq!(offsets, [(0..6, 0..2), (7..11, 3..4), (14..17, 5..7), (17..18, 7..8)]);
}

/// Any text, with many of the characters that rules and scripts care about.
fn texts() -> impl Strategy<Value = String> {
    let special = prop::sample::select(vec![
        " ",
        "\t",
        "\r\n",
        "\u{a0}",
        "\u{3000}",
        "\u{202f}",
        "\u{200b}",
        "'",
        "\u{2019}",
        "n't",
        "-",
        ".",
        "..",
        ",",
        ":",
        "1",
        "42",
        "\u{301}",
        "\u{200d}",
        "\u{fe0f}",
        "\u{1f468}",
        "\u{1f1eb}",
        "\u{5d0}",
        "\u{633}",
        "\u{4f60}",
        "\u{ac00}",
        "\u{915}\u{94d}",
        "a",
        "U.S.",
        "_",
        "`",
    ]);
    let piece = prop_oneof![3 => special.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn nothing_is_lost_but_white_space(text in texts()) {
        for name in ["whitespace", "rules", "unicode-words", "characters"] {
            let (mut byte, mut char) = (0, 0);
            for token in cut(name, &text) {
                let piece = &text[token.bytes.clone()];
                prop_assert!(!piece.is_empty());
                let between = &text[byte..token.bytes.start];
                prop_assert!(between.chars().all(char::is_whitespace), "{:?} lost", between);
                prop_assert_eq!(token.chars.start, char + between.chars().count());
                prop_assert_eq!(token.chars.len(), piece.chars().count());
                (byte, char) = (token.bytes.end, token.chars.end);
            }
            prop_assert!(text[byte..].chars().all(char::is_whitespace));
        }
    }
}

/// What reference libraries answer: see `tests/data/text/make.py`.
fn golden() -> (serde_json::Value, Vec<String>) {
    let json: serde_json::Value = serde_json::from_slice(&data("golden.json")).unwrap();
    let texts = serde_json::from_value(json["texts"].clone()).unwrap();
    (json, texts)
}

fn data(name: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read(root.join("tests/data/text").join(name)).unwrap()
}

fn opened(kind: Kind, files: &[&[u8]]) -> crate::error::Result<Tokenizer> {
    let file = |bytes: &&[u8]| File { name: String::new(), bytes: bytes.to_vec() };
    let spec = Spec { kind, files: files.iter().map(file).collect() };
    Tokenizer::open(&spec, &|_| Err(Error::invalid("test", "nothing is stored")))
}

fn ranks(pattern: Pattern) -> Tokenizer {
    let kind = Kind::Tiktoken { pattern: Some(pattern), specials: Vec::new() };
    opened(kind, &[&data("ranks.tiktoken")]).unwrap()
}

fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
    let tokens = tokenizer.cut(text, &CutOptions::default(), None).unwrap();
    tokens.into_iter().filter_map(|token| token.id).collect()
}

#[test]
fn ranks_are_those_of_tiktoken_and_join_back() {
    let (golden, texts) = golden();
    for pattern in [Pattern::R50k, Pattern::Cl100k, Pattern::O200k] {
        let tokenizer = ranks(pattern);
        for (text, want) in texts.iter().zip(golden[pattern.name()].as_array().unwrap()) {
            let got = ids(&tokenizer, text);
            assert_eq!(&serde_json::json!(got), want, "{} {text:?}", pattern.name());
            assert_eq!(tokenizer.join(&got, false).unwrap(), *text);
        }
    }
}

#[test]
fn models_of_sentencepiece_cut_and_join_as_the_library() {
    let (golden, texts) = golden();
    for name in ["unigram", "bpe"] {
        let tokenizer = opened(Kind::SentencePiece, &[&data(&format!("{name}.model"))]).unwrap();
        let joined = golden[format!("{name}_text")].as_array().unwrap();
        let want = golden[name].as_array().unwrap().iter().zip(joined);
        for (text, (want, joined)) in texts.iter().zip(want) {
            let got = ids(&tokenizer, text);
            assert_eq!(&serde_json::json!(got), want, "{name} {text:?}");
            assert_eq!(&serde_json::json!(tokenizer.join(&got, true).unwrap()), joined, "{text:?}");
        }
    }
}

#[test]
fn tokens_joined_one_by_one_are_whole_characters_and_the_same_text() {
    let (_, texts) = golden();
    let bpe = opened(Kind::SentencePiece, &[&data("bpe.model")]).unwrap();
    let bytes = opened(Kind::Json, &[&trained(Learned::ByteLevelBytePairs)]).unwrap();
    for tokenizer in [bpe, ranks(Pattern::Cl100k), Tokenizer::named("bytes").unwrap(), bytes] {
        for text in texts.iter().filter(|text| !text.contains('\0')) {
            let ids = ids(&tokenizer, text);
            let mut joiner = Joiner::new(tokenizer.clone(), true);
            let mut joined = String::new();
            for id in &ids {
                let more = joiner.push(&[*id]).unwrap();
                assert!(!more.contains('\u{fffd}'), "{text:?}");
                joined.push_str(&more);
            }
            joined.push_str(&joiner.finish().unwrap());
            assert_eq!(joined, tokenizer.join(&ids, true).unwrap(), "{text:?}");
        }
    }
}

fn trained(kind: Learned) -> Vec<u8> {
    let options = TrainOptions {
        kind,
        vocab_size: 400,
        min_frequency: 1,
        specials: vec!["<pad>".to_owned()],
        lowercase: false,
    };
    let mut trainer = Trainer::new(options).unwrap();
    let texts: Vec<String> =
        (0..60).map(|i| format!("the king and queen number {i} walked to town\n")).collect();
    trainer.feed(&texts).unwrap();
    trainer.train().unwrap()
}

#[test]
fn what_is_learned_is_the_same_again_and_knows_its_text() {
    use Learned::{ByteLevelBytePairs, BytePairs, Unigram, WordLevel, WordPiece};
    for kind in [BytePairs, ByteLevelBytePairs, WordPiece, Unigram, WordLevel] {
        let json = trained(kind);
        assert!(json == trained(kind), "{kind:?}");
        let tokenizer = opened(Kind::Json, &[&json]).unwrap();
        assert!(tokenizer.id(b"<pad>").is_some(), "{kind:?}");
        let unknown = tokenizer.specials().of_role(Role::Unknown).map(|special| special.id);
        let ids = ids(&tokenizer, "the king walked");
        assert!(!ids.is_empty() && ids.iter().all(|id| Some(*id) != unknown), "{kind:?} {ids:?}");
    }
    let tokenizer = opened(Kind::Json, &[&trained(ByteLevelBytePairs)]).unwrap();
    let text = "anything: \u{4f60}\u{1f600}\u{0}";
    assert_eq!(tokenizer.join(&ids(&tokenizer, text), true).unwrap(), text);
}

fn by_chance(way: Way, seed: u64) -> CutOptions {
    CutOptions { chance: Some(Chance { way, seed }), ..CutOptions::default() }
}

#[test]
fn chance_cuts_otherwise_and_the_same_for_a_seed() {
    let text = "the king and queen walked to town";
    let model = |name: &str| opened(Kind::SentencePiece, &[&data(name)]).unwrap();
    let json = |kind| opened(Kind::Json, &[&trained(kind)]).unwrap();
    let pairs = [
        json(Learned::ByteLevelBytePairs),
        json(Learned::BytePairs),
        model("bpe.model"),
        ranks(Pattern::Cl100k),
    ];
    let likely = [json(Learned::Unigram), model("unigram.model")];
    let all = |alpha, best| Way::Cuts { alpha, best };
    let ways = [Way::Dropout(0.3), all(0.2, None), all(0.2, Some(8))];
    let of_pairs = pairs.iter().map(|tokenizer| (tokenizer, &ways[..1]));
    let of_likely = likely.iter().map(|tokenizer| (tokenizer, &ways[1..]));
    for (tokenizer, ways) in of_pairs.chain(of_likely) {
        let cut = |options: &CutOptions| tokenizer.cut(text, options, None).unwrap();
        let best = cut(&CutOptions::default());
        for &way in ways {
            let mut others = 0;
            for seed in 0..50 {
                let tokens = cut(&by_chance(way, seed));
                assert_eq!(tokens, cut(&by_chance(way, seed)));
                others += usize::from(tokens != best);
                let ids: Vec<u32> = tokens.iter().filter_map(|token| token.id).collect();
                assert_eq!(tokenizer.join(&ids, true).unwrap().trim_start(), text, "{way:?}");
                // Tokens of one character may each have all of its bytes.
                let ranges = tokens.windows(2).map(|pair| (&pair[0].bytes, &pair[1].bytes));
                assert!(ranges.into_iter().all(|(a, b)| a.start <= b.start && a.end <= b.end));
                assert_eq!(tokens.last().unwrap().bytes.end, text.len());
            }
            assert!(others > 25, "{} {way:?}: {others}", tokenizer.model_name());
        }
    }
    for tokenizer in &pairs {
        let cut = |options: &CutOptions| tokenizer.cut(text, options, None).unwrap();
        assert_eq!(cut(&by_chance(Way::Dropout(0.0), 1)), cut(&CutOptions::default()));
        let letters = cut(&by_chance(Way::Dropout(1.0), 1));
        assert!(letters.iter().all(|token| token.bytes.len() <= 1), "{letters:?}");
        assert!(tokenizer.cut(text, &by_chance(all(1.0, None), 1), None).is_err());
    }
    for tokenizer in &likely {
        let cut = |options: &CutOptions| tokenizer.cut(text, options, None).unwrap();
        assert_eq!(cut(&by_chance(all(0.0, Some(1)), 1)), cut(&CutOptions::default()));
        assert!(tokenizer.cut(text, &by_chance(Way::Dropout(0.5), 1), None).is_err());
    }
    let words = json(Learned::WordPiece);
    for tokenizer in [words, json(Learned::WordLevel), Tokenizer::named("rules").unwrap()] {
        for way in ways {
            assert!(tokenizer.cut(text, &by_chance(way, 1), None).is_err());
        }
    }
}

#[test]
fn dropout_that_stands_in_a_file_is_told_and_off() {
    let mut json: serde_json::Value = serde_json::from_slice(&trained(Learned::BytePairs)).unwrap();
    let plain = opened(Kind::Json, &[json.to_string().as_bytes()]).unwrap();
    json["model"]["dropout"] = serde_json::json!(0.5);
    let tokenizer = opened(Kind::Json, &[json.to_string().as_bytes()]).unwrap();
    assert!(tokenizer.hidden_limits()[0].contains("dropout"));
    for _ in 0..10 {
        assert_eq!(ids(&tokenizer, "the king walked"), ids(&plain, "the king walked"));
    }
}

#[test]
fn old_vocabularies_of_bert_become_pipelines() {
    let vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nking\nwalk\n##ing\n\u{4f60}\n";
    let tokenizer = opened(Kind::WordPiece { cased: false }, &[vocab.as_bytes()]).unwrap();
    let tokens = tokenizer.cut("King walking \u{4f60}x", &CutOptions::default(), None).unwrap();
    let told: Vec<_> =
        tokens.iter().map(|t| (t.id.unwrap(), t.bytes.clone(), t.is_special)).collect();
    let special = |id, at| (id, at..at, true);
    assert_eq!(
        told,
        [
            (2, 0..0, true),
            (4, 0..4, false),
            (5, 5..9, false),
            (6, 9..12, false),
            (7, 13..16, false),
            (1, 16..17, true),
            special(3, 0)
        ]
    );
    assert_eq!(tokens[4].chars, 13..14);
}

#[test]
fn special_tokens_in_a_text_are_refused_parsed_or_text() {
    let kind = Kind::Tiktoken {
        pattern: Some(Pattern::Cl100k),
        specials: vec![("<|end|>".to_owned(), 1_000)],
    };
    let tokenizer = opened(kind, &[&data("ranks.tiktoken")]).unwrap();
    let cut = |special_text, allowed: &[&str]| {
        let allowed_special = allowed.iter().map(|&token| token.to_owned()).collect();
        let options = CutOptions { special_text, allowed_special, ..CutOptions::default() };
        let tokens = tokenizer.cut("a<|end|>b", &options, None)?;
        Ok::<_, Error>(tokens.iter().filter(|token| token.is_special).count())
    };
    assert!(cut(SpecialText::Own, &[]).is_err());
    assert_eq!(cut(SpecialText::Own, &["<|end|>"]).unwrap(), 1);
    assert_eq!(cut(SpecialText::Parse, &[]).unwrap(), 1);
    assert_eq!(cut(SpecialText::Plain, &[]).unwrap(), 0);
}

/// tekken.json with the bytes and " th" as ranks, and one more than its size has room for.
fn tekken() -> Vec<u8> {
    let mut ranks: Vec<Vec<u8>> = (0..=u8::MAX).map(|byte| vec![byte]).collect();
    ranks.extend([b"th".to_vec(), b" th".to_vec(), b"in".to_vec()]);
    let token = |(rank, token): (usize, &Vec<u8>)| {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut bits = token.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte));
        bits <<= 8 * (3 - token.len());
        let digit = |at: usize| char::from(digits[(bits >> (18 - 6 * at) & 63) as usize]);
        let text: String = (0..=token.len()).map(digit).collect();
        serde_json::json!({"rank": rank, "token_bytes": format!("{text:=<4}"), "token_str": null})
    };
    let vocab: Vec<_> = ranks.iter().enumerate().map(token).collect();
    let special =
        |(rank, token)| serde_json::json!({"rank": rank, "token_str": token, "is_control": true});
    let specials: Vec<_> =
        [(0, "<unk>"), (1, "<s>"), (2, "</s>")].into_iter().map(special).collect();
    let pattern =
        r"[^\r\n\p{L}\p{N}]?[\p{L}]+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let file = serde_json::json!({
        "config": {"pattern": pattern, "num_vocab_tokens": 259, "default_vocab_size": 262,
            "default_num_special_tokens": 4, "version": "v3"},
        "vocab": vocab,
        "special_tokens": specials,
    });
    serde_json::to_vec(&file).unwrap()
}

#[test]
fn mistrals_tekken_has_its_special_tokens_first() {
    let file = tekken();
    let named = |bytes: &[u8]| File { name: "tekken.json".to_owned(), bytes: bytes.to_vec() };
    let kind = Kind::detect(&[named(&file)]).unwrap();
    let tokenizer = opened(kind, &[&file]).unwrap();
    let of = |byte: u8| u32::from(byte) + 4;
    // "in" is beyond the vocabulary, and of three spaces the last belongs to the word.
    let text = "th   thin\n";
    let want = [260, of(b' '), of(b' '), 261, of(b'i'), of(b'n'), of(b'\n')];
    assert_eq!(ids(&tokenizer, text), want);
    assert_eq!(tokenizer.join(&want, false).unwrap(), text);
    assert_eq!(ids(&tokenizer, "</s>").len(), 4, "special tokens in a text are text");
    assert_eq!((tokenizer.ids_end(), tokenizer.token(2)), (Some(262), Some(b"</s>".to_vec())));
}

#[test]
fn what_is_no_tokenizer_is_called_by_its_name() {
    let file = |bytes: &[u8]| [File { name: "x".to_owned(), bytes: bytes.to_vec() }];
    let error = |bytes: &[u8]| Kind::detect(&file(bytes)).unwrap_err().to_string();
    assert!(error(b"<!doctype html>\n").contains("x is a web page"));
    assert!(error(b"version https://git-lfs.github.com/spec/v1\n").contains("Git LFS"));
    let other = opened(Kind::Json, &[b"{\"architectures\": [\"A\"], \"b\": 1}"]).unwrap_err();
    assert!(other.to_string().contains("this is no tokenizer.json"), "{other}");
    let marked = "\u{feff}[PAD]\n[UNK]\na\n".as_bytes();
    let tokenizer = opened(Kind::detect(&file(marked)).unwrap(), &[marked]).unwrap();
    assert_eq!(tokenizer.token(0), Some(b"[PAD]".to_vec()));
}

#[test]
fn damaged_files_are_refused() {
    let vocab = b"king\nqueen\n";
    let bad = |kind: Kind, files: &[&[u8]]| assert!(opened(kind, files).is_err());
    bad(Kind::WordPiece { cased: true }, &[vocab]);
    bad(
        Kind::Json,
        &[b"{\"model\": {\"type\": \"BPE\", \"vocab\": {\"\\ud800\": 0}, \"merges\": []}}"],
    );
    bad(
        Kind::Json,
        &[b"{\"model\": {\"type\": \"Unigram\", \"unk_id\": 9, \"vocab\": [[\"a\", 0.0]]}}"],
    );
    bad(Kind::BytePairs, &[b"{\"a\": 0}", b"a b c\n"]);
    let kind = || Kind::Tiktoken { pattern: None, specials: Vec::new() };
    bad(kind(), &[b"YQ== 0\nYQ== 1\n"]);
    bad(kind(), &[b"not base64\n"]);
    for name in ["unigram.model", "bpe.model"] {
        let model = data(name);
        bad(Kind::SentencePiece, &[&model[..40]]);
        // Whatever a flipped byte makes of it, it is refused or it cuts.
        for at in (0..model.len()).step_by(37) {
            let mut flipped = model.clone();
            flipped[at] ^= 0x55;
            if let Ok(tokenizer) = opened(Kind::SentencePiece, &[&flipped]) {
                ids(&tokenizer, "the king \u{4f60}\u{1f600} caf\u{e9}");
            }
        }
    }
    let error = ranks(Pattern::R50k).join(&[1, 9_999, 50_000], true).unwrap_err().to_string();
    assert!(error.contains("ids[1]") && error.contains("ids[2]"), "{error}");
}

#[test]
fn chinese_is_cut_as_jieba_does() {
    let text =
        "\u{6211}\u{6765}\u{5230}\u{5317}\u{4eac}\u{6e05}\u{534e}\u{5927}\u{5b66} self.inner 3.5%";
    let told = [
        "\u{6211}",
        "\u{6765}\u{5230}",
        "\u{5317}\u{4eac}",
        "\u{6e05}\u{534e}\u{5927}\u{5b66}",
        "self",
        ".",
        "inner",
        "3.5%",
    ];
    assert_eq!(pieces("jieba", text), told);
}

#[test]
fn a_token_is_the_piece_that_stands_there() {
    let level =
        r#"{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true}"#;
    let json = format!(
        r#"{{"version":"1.0","truncation":null,"padding":null,
        "added_tokens":[{{"id":0,"content":"<m>","single_word":false,"lstrip":false,"rstrip":false,
        "normalized":false,"special":true}}],"normalizer":{{"type":"NFC"}},"pre_tokenizer":{level},
        "post_processor":{level},"decoder":{level},"model":{{"type":"WordLevel","unk_token":"<m>",
        "vocab":{{"<m>":0,"\u0120BMS":1,"\u0120x":2,"\u0120y":3,"\u0120caf\u00c3\u00a9":4}}}}}}"#
    );
    let tokenizer = opened(Kind::Json, &[json.as_bytes()]).unwrap();
    let text = "<m>BMS x<m>y cafe\u{301}<m>";
    let tokens = tokenizer.cut(text, &CutOptions::default(), None).unwrap();
    let pieces: Vec<&str> = tokens.iter().map(|token| &text[token.bytes.clone()]).collect();
    assert_eq!(pieces, ["<m>", "BMS", "x", "<m>", "y", "cafe\u{301}", "<m>"]);
    // What is put before a text stands nowhere in it.
    let text = "\u{56fd} ";
    let tokens = tokenizer.cut(text, &CutOptions::default(), None).unwrap();
    assert!(tokens.iter().all(|token| text.get(token.bytes.clone()).is_some()), "{tokens:?}");
    let windows = Windows { max_tokens: 2, overlap: 0, at_sentences: false };
    let windows = windows.cut(&tokenizer, "x <m>y", &CutOptions::default(), None, GO).unwrap();
    assert!(windows.iter().all(|window| !window.bytes.is_empty()), "{windows:?}");
}

proptest! {
    #[test]
    fn windows_join_back_and_keep_their_size(
        text in texts(),
        max_tokens in 1_usize..9,
        overlap in 0_usize..5,
        at_sentences: bool,
    ) {
        let windows = Windows { max_tokens, overlap: overlap.min(max_tokens / 2), at_sentences };
        let named = |name: &str| Tokenizer::named(name).unwrap();
        for tokenizer in [named("rules"), named("bytes"), ranks(Pattern::Cl100k)] {
            let cut = windows.cut(&tokenizer, &text, &CutOptions::default(), None, GO).unwrap();
            let whole = tokenizer.cut(&text, &CutOptions::default(), None).unwrap();
            let mut joined = String::new();
            for window in &cut {
                prop_assert!(window.bytes.end > window.bytes.start + window.overlap_bytes);
                joined.push_str(&text[window.bytes.start + window.overlap_bytes..window.bytes.end]);
                let part = &text[window.bytes.clone()];
                let count = tokenizer.count(part, &CutOptions::default(), None).unwrap();
                prop_assert_eq!(count, window.token_count);
                // A token of the text may be cut in more where it stands alone, and no window begins
                // inside a token or a character.
                let own = window.bytes.start + window.overlap_bytes..window.bytes.end;
                let is_place = |&place: &usize| {
                    let cuts = |token: &Token| token.bytes.start < place && place < token.bytes.end;
                    text.is_char_boundary(place) && !whole.iter().any(cuts)
                };
                let mut starts = whole.iter().map(|token| token.bytes.start);
                let is_least =
                    !starts.any(|start| own.start < start && start < own.end && is_place(&start));
                prop_assert!(count <= max_tokens || is_least, "{:?} {}", part, count);
                prop_assert!(count <= max_tokens || window.overlap_bytes == 0, "{:?}", part);
            }
            prop_assert_eq!(&joined, &text);
        }
    }

    #[test]
    fn truncation_keeps_what_it_says_and_no_half_characters(text in texts(), max in 1_usize..12) {
        let tokenizer = ranks(Pattern::Cl100k);
        let all = tokenizer.cut(&text, &CutOptions::default(), None).unwrap();
        for keep in [Keep::Head, Keep::Tail, Keep::Ends, Keep::Sample(5)] {
            let mut kept = all.clone();
            let dropped = Truncation { max, keep }.truncate(&mut kept).unwrap();
            prop_assert!(kept.len() <= max && kept.len() + dropped == all.len());
            let ids: Vec<u32> = kept.iter().filter_map(|token| token.id).collect();
            let joined = tokenizer.join(&ids, false).unwrap();
            let is_whole = !joined.contains('\u{fffd}') || text.contains('\u{fffd}');
            prop_assert!(is_whole);
            match keep {
                Keep::Head => prop_assert!(text.starts_with(&joined)),
                Keep::Tail => prop_assert!(text.ends_with(&joined)),
                Keep::Ends | Keep::Sample(_) => {}
            }
        }
    }
}
