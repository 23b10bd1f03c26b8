//! Chinese words by jieba's dictionary and its hidden Markov model: the only file that names jieba-rs.
//!
//! Texts are cut as jieba 0.42 does, in Python, also where jieba-rs differs (see `is_latin`). The
//! dictionary is that of jieba itself (`jieba.dict.txt.zst`, made with `zstd --ultra -22` of the file
//! `dict.txt` of jieba-rs; its licence is `jieba.LICENSE`). It is unpacked when the first Chinese text
//! comes, which takes about half a second, and then shared.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, LazyLock, OnceLock};

use jieba_rs::Jieba;
use serde::{Deserialize, Serialize};

/// How Chinese is cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChineseOptions {
    /// Words beside those of the dictionary; each is kept whole wherever it stands.
    pub words: Vec<String>,
    /// Long words are followed by the shorter ones inside of them, as search engines want it; tokens
    /// then overlap.
    pub search: bool,
    /// Without the model that joins characters to words the dictionary lacks.
    pub dictionary_only: bool,
}

/// Cuts Chinese.
#[derive(Clone)]
pub struct Chinese {
    options: ChineseOptions,
    /// With words of its own; else the shared one.
    own: Option<Arc<OnceLock<Jieba>>>,
}

const DICTIONARY: &[u8] = include_bytes!("jieba.dict.txt.zst");

static SHARED: LazyLock<Jieba> = LazyLock::new(|| {
    let lines = zstd::stream::read::Decoder::new(DICTIONARY);
    let read = lines.map(io::BufReader::new).map(|mut lines| Jieba::with_dict(&mut lines));
    match read {
        Ok(Ok(jieba)) => jieba,
        broken => unreachable!("the dictionary is part of the program: {:?}", broken.err()),
    }
});

impl Chinese {
    /// A cutter with these options.
    pub fn new(options: ChineseOptions) -> Self {
        let own = (!options.words.is_empty()).then(Arc::default);
        Self { options, own }
    }

    pub(super) fn cut(&self, text: &str, take: &mut dyn FnMut(Range<usize>)) {
        let jieba = self.jieba();
        let hmm = !self.options.dictionary_only;
        let tokens = if self.options.search {
            jieba.cut_for_search(text, hmm)
        } else {
            jieba.cut(text, hmm)
        };
        for token in tokens {
            if token.word.trim().is_empty() {
                continue;
            }
            let mut start = token.byte_start;
            if is_latin(token.word) && !jieba.has_word(token.word) {
                for end in latin_ends(token.word) {
                    take(start..token.byte_start + end);
                    start = token.byte_start + end;
                }
            } else {
                take(start..token.byte_end);
            }
        }
    }

    fn jieba(&self) -> &Jieba {
        let Some(own) = &self.own else { return &SHARED };
        own.get_or_init(|| {
            let mut jieba = SHARED.clone();
            for word in &self.options.words {
                jieba.add_word(word, None, None);
            }
            jieba
        })
    }
}

/// What jieba-rs keeps in one piece though jieba itself does not: `self.inner`, `UTF-8`.
fn is_latin(word: &str) -> bool {
    let in_block = |byte: u8| byte.is_ascii_alphanumeric() || b"+#&._%-".contains(&byte);
    word.len() > 1 && word.bytes().all(in_block)
}

/// Where jieba cuts it: behind each `[a-zA-Z0-9]+(\.\d+)?%?`, and what stands between them is a token
/// too.
fn latin_ends(word: &str) -> Vec<usize> {
    let bytes = word.as_bytes();
    let run = |from: usize, test: fn(&u8) -> bool| {
        from + bytes[from..].iter().take_while(|byte| test(byte)).count()
    };
    let (mut ends, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let mut end = run(at, u8::is_ascii_alphanumeric);
        if end == at {
            end = run(at, |byte| !byte.is_ascii_alphanumeric());
        } else {
            if bytes.get(end) == Some(&b'.') {
                let digits = run(end + 1, u8::is_ascii_digit);
                end = if digits > end + 1 { digits } else { end };
            }
            end += usize::from(bytes.get(end) == Some(&b'%'));
        }
        ends.push(end);
        at = end;
    }
    ends
}

impl fmt::Debug for Chinese {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
    }
}
