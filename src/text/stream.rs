//! Joins tokens as they come, and never hands out half a character.

use crate::error::Result;
use crate::text::tokenizer::Tokenizer;

/// Tokens that wait at most until they make whole characters; more are no text.
const WAITING_MAX: usize = 32;

/// Joins the tokens of one text.
#[derive(Debug)]
pub struct Joiner {
    tokenizer: Tokenizer,
    skip_special: bool,
    /// Bytes that are no whole character yet.
    tail: Vec<u8>,
    /// Whether anything was joined.
    has_begun: bool,
    /// Of a model: tokens told last and, behind them, those that wait.
    ids: Vec<u32>,
    /// How many of them were told, and what they are as text.
    told: usize,
    told_text: String,
}

impl Joiner {
    /// The beginning of a text.
    pub fn new(tokenizer: Tokenizer, skip_special: bool) -> Self {
        Self {
            tokenizer,
            skip_special,
            tail: Vec::new(),
            has_begun: false,
            ids: Vec::new(),
            told: 0,
            told_text: String::new(),
        }
    }

    /// What is known of the text after more tokens: whole characters behind those told before.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::join`].
    pub fn push(&mut self, ids: &[u32]) -> Result<String> {
        self.tokenizer.check_ids(ids)?;
        let mut text = String::new();
        for &id in ids {
            if self.tokenizer.joins_by_model() {
                self.ids.push(id);
                let waits = self.ids.len() - self.told;
                text.push_str(&self.tell(waits >= WAITING_MAX)?);
            } else {
                let (begun, tail) = (&mut self.has_begun, &mut self.tail);
                self.tokenizer.join_bytes(id, self.skip_special, begun, tail);
                text.push_str(&whole(&mut self.tail));
            }
        }
        Ok(text)
    }

    /// What is left: half characters are shown as U+FFFD.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::join`].
    pub fn finish(mut self) -> Result<String> {
        if self.tokenizer.joins_by_model() {
            return self.tell(true);
        }
        Ok(String::from_utf8_lossy(&self.tail).into_owned())
    }

    /// The text that tokens add to those before: joined together with some that were told, since a model
    /// may write the first token of a text otherwise.
    fn tell(&mut self, at_once: bool) -> Result<String> {
        let text = self.tokenizer.join(&self.ids, self.skip_special)?;
        let is_whole = text.len() > self.told_text.len() && !text.ends_with('\u{fffd}');
        if !is_whole && !at_once {
            return Ok(String::new());
        }
        let same = self.told_text.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count();
        let added = text[text.floor_char_boundary(same)..].to_owned();
        self.ids.drain(..self.told);
        self.told = self.ids.len();
        self.told_text = self.tokenizer.join(&self.ids, self.skip_special)?;
        Ok(added)
    }
}

/// Takes whole characters off the beginning; what can be none is shown as U+FFFD.
fn whole(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    loop {
        let (valid, bad) = match str::from_utf8(bytes) {
            Ok(_) => (bytes.len(), 0),
            Err(error) => (error.valid_up_to(), error.error_len().unwrap_or(0)),
        };
        text.push_str(&String::from_utf8_lossy(&bytes[..valid]));
        bytes.drain(..valid + bad);
        if bad == 0 {
            return text;
        }
        text.push('\u{fffd}');
    }
}
