//! Splits at Unicode white space and cuts nothing else.

use crate::text::{Cutter, Token, Tokenizer, stretches};

pub(super) struct Whitespace;

impl Tokenizer for Whitespace {
    fn tokenize<'t>(&self, text: &'t str) -> Vec<Token<'t>> {
        let mut cutter = Cutter::new(text);
        stretches(text).for_each(|stretch| cutter.cut(stretch));
        cutter.finish()
    }
}
