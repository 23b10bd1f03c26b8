//! `Model`: a model of either kind, which answers the same questions.

use std::fs::File;

use crate::budget::Share;
use crate::container::{Container, Kind};
use crate::error::{Error, ErrorKind, Result};
use crate::lm::layout::KIND;
use crate::lm::neural::{self, NeuralModel};
use crate::lm::ngram::NgramModel;
use crate::lm::part::Mapped;
use crate::lm::state::{Scored, State};
use crate::steps::GoOn;

/// A model that answers.
#[derive(Debug)]
pub struct Model {
    sort: Sort,
    /// What a temporary file has of a budget.
    _held: Option<Share>,
}

#[derive(Debug)]
enum Sort {
    Ngrams(Box<NgramModel>),
    Neural(Box<NeuralModel>),
}

impl Model {
    /// Opens a file, mapped.
    ///
    /// # Errors
    ///
    /// If it is damaged, or no file of a model, or if the disk fails.
    pub fn open(file: &File, name: String) -> Result<Self> {
        let map = Mapped::file(file)?;
        let container = map.container(name, KIND)?;
        Self::new(&map, &container)
    }

    /// Opens a model that is a section of another file.
    ///
    /// # Errors
    ///
    /// As [`Model::open`].
    pub fn open_within(file: &File, name: String, kind: Kind, section: &str) -> Result<Self> {
        let map = Mapped::file(file)?;
        let container = map.container(name, kind)?.within(section, KIND)?;
        Self::new(&map, &container)
    }

    /// Opens bytes of a file, in memory of their own.
    ///
    /// # Errors
    ///
    /// As [`Model::open`], and if there is no memory.
    pub fn resident(bytes: &[u8], name: String) -> Result<Self> {
        let map = Mapped::resident(bytes)?;
        let container = map.container(name, KIND)?;
        Self::new(&map, &container)
    }

    fn new(map: &Mapped, container: &Container) -> Result<Self> {
        if cfg!(target_endian = "big") {
            let what = "reading a mapped model on a big-endian machine".to_owned();
            return Err(Error::new(ErrorKind::Unsupported { what }));
        }
        let sort = if container.has(neural::SECTION) {
            Sort::Neural(Box::new(NeuralModel::new(map, container)?))
        } else {
            Sort::Ngrams(Box::new(NgramModel::new(map, container)?))
        };
        Ok(Self { sort, _held: None })
    }

    /// The same, which gives a share of a budget back when it is dropped.
    pub(super) fn holding(self, share: Share) -> Self {
        Self { _held: Some(share), ..self }
    }

    /// Its n-grams; none of a network.
    pub fn ngrams(&self) -> Option<&NgramModel> {
        match &self.sort {
            Sort::Ngrams(model) => Some(model),
            Sort::Neural(_) => None,
        }
    }

    /// The highest order.
    pub fn order(&self) -> usize {
        match &self.sort {
            Sort::Ngrams(model) => model.order(),
            Sort::Neural(model) => model.order(),
        }
    }

    /// Words, with `<unk>`, `<s>` and `</s>`.
    pub fn word_count(&self) -> u32 {
        match &self.sort {
            Sort::Ngrams(model) => model.word_count(),
            Sort::Neural(model) => model.word_count(),
        }
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        match &self.sort {
            Sort::Ngrams(model) => model.bytes(),
            Sort::Neural(model) => model.bytes(),
        }
    }

    /// The number of a word; that of `<unk>` if the model does not know it.
    #[inline]
    pub fn number(&self, word: &[u8]) -> u32 {
        match &self.sort {
            Sort::Ngrams(model) => model.number(word),
            Sort::Neural(model) => model.number(word),
        }
    }

    /// Adds the numbers of a line's words, as [`plain`](crate::lm::plain) cuts it: faster than one by one.
    pub fn add_numbers(&self, line: &[u8], numbers: &mut Vec<u32>) {
        match &self.sort {
            Sort::Ngrams(model) => model.lexicon().add_numbers(line, numbers),
            Sort::Neural(model) => model.lexicon().add_numbers(line, numbers),
        }
    }

    /// A word of the model.
    pub fn word(&self, number: u32) -> &[u8] {
        match &self.sort {
            Sort::Ngrams(model) => model.word(number),
            Sort::Neural(model) => model.word(number),
        }
    }

    fn mark(&self) -> u64 {
        match &self.sort {
            Sort::Ngrams(model) => model.mark(),
            Sort::Neural(model) => model.mark(),
        }
    }

    /// A state as bytes, for whoever goes on from it later.
    pub fn told_state(&self, state: &State) -> Vec<u8> {
        state.told(self.mark())
    }

    /// The state of these bytes; none if they are not from this model.
    pub fn state_told(&self, told: &[u8]) -> Option<State> {
        State::of_told(told, self.mark(), self.order() - 1)
    }

    /// The state before any word.
    pub fn empty_state(&self) -> State {
        State::default()
    }

    /// The state before a sentence: behind `<s>`.
    pub fn begin_state(&self) -> State {
        match &self.sort {
            Sort::Ngrams(model) => model.begin_state(),
            Sort::Neural(model) => model.begin_state(),
        }
    }

    /// The state behind a next word.
    ///
    /// # Errors
    ///
    /// If the model's file is damaged.
    pub fn after(&self, state: &State, word: u32) -> Result<State> {
        match &self.sort {
            Sort::Ngrams(model) => Ok(model.next(state, word)?.1),
            Sort::Neural(model) => Ok(model.after(state, word)),
        }
    }

    /// How likely a next word is, and the state behind it.
    ///
    /// # Errors
    ///
    /// If the model's file is damaged.
    pub fn next(&self, state: &State, word: u32) -> Result<(Scored, State)> {
        match &self.sort {
            Sort::Ngrams(model) => model.next(state, word),
            Sort::Neural(model) => {
                let mut scored = Vec::new();
                model.score((&[word], &[1]), state, &mut scored, &|| Ok(()))?;
                let scored = scored.first().copied();
                let one = scored.unwrap_or(Scored { log10: f32::NEG_INFINITY, order: 1 });
                Ok((one, model.after(state, word)))
            }
        }
    }

    /// How likely each word of some sentences is. `ids` has the words of all, one behind the other, and each
    /// sentence ends where `ends` says; each begins in the state `from`.
    ///
    /// # Errors
    ///
    /// If the model's file is damaged, or if `go_on` says so.
    pub fn score(
        &self,
        sentences: (&[u32], &[usize]),
        from: &State,
        scored: &mut Vec<Scored>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        match &self.sort {
            Sort::Ngrams(model) => model.score(sentences, from, scored, go_on),
            Sort::Neural(model) => model.score(sentences, from, scored, go_on),
        }
    }

    /// How likely each word of the model is as the next one, by its number; `<s>` never is.
    ///
    /// # Errors
    ///
    /// As [`Model::score`].
    pub fn all(&self, state: &State, scored: &mut Vec<Scored>, go_on: GoOn<'_>) -> Result<()> {
        match &self.sort {
            Sort::Ngrams(model) => model.all(state, scored, go_on),
            Sort::Neural(model) => model.all(state, scored, go_on),
        }
    }
}
