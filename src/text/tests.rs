//! Tokenizers: nothing is lost, and offsets are right in every script.

use proptest::prelude::*;

use super::*;
use crate::text::tokenizer::{CutOptions, Tokenizer};

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
