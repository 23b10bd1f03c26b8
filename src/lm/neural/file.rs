//! `NeuralModel`: the mapped file of a network, and how likely words are by it.
//!
//! The file has the sections of the words, as that of an n-gram model, and these:
//!
//! | section | what it holds |
//! | --- | --- |
//! | `neural` | [`Params`], as JSON |
//! | `vectors` | for each word its vector |
//! | `hidden` | for each hidden unit its weights, then its bias |
//! | `output` | for each word its direct connections, its bias, its weights |
//!
//! All are in single precision.

use std::fmt;
use std::io::Write;

use serde::{Deserialize, Serialize};

use crate::container::{CHUNK_BYTES, Container, Writer};
use crate::error::{Error, ErrorKind, Result};
use crate::lm::count::ORDER_MAX;
use crate::lm::layout::KIND;
use crate::lm::lexicon::{self, Lexicon};
use crate::lm::neural::learn::Learned;
use crate::lm::neural::net::{NOTHING, Weights};
use crate::lm::neural::shape::{CASES, Shape};
use crate::lm::ngram::mark;
use crate::lm::part::{Mapped, Part};
use crate::lm::state::{Scored, State};
use crate::lm::words::{BEGIN, Words};
use crate::steps::{GoOn, watched};
use crate::vector::kernel::dense::Kind;

/// The section that tells such a file from one of n-grams.
pub(in crate::lm) const SECTION: &str = "neural";
/// Words that are scored before the next ones are looked at.
const TOGETHER: usize = 16 * CASES;

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    shape: Shape,
    /// Of the words' hashes.
    seed: u64,
}

/// A network that answers.
pub struct NeuralModel {
    shape: Shape,
    lexicon: Lexicon,
    vectors: Part,
    hidden: Part,
    output: Part,
    kind: Kind,
    bytes: u64,
    /// Tells this model from others.
    mark: u64,
}

/// Writes the file of a network over these words.
///
/// # Errors
///
/// If the output fails, or if `go_on` says so.
pub fn write<W: Write>(
    learned: &Learned,
    words: Words,
    out: &mut Writer<W>,
    go_on: GoOn<'_>,
) -> Result<()> {
    let seed = lexicon::write(words, out)?;
    let sections =
        [("vectors", &learned.vectors), ("hidden", &learned.hidden), ("output", &learned.output)];
    for (name, floats) in sections {
        out.section(name, CHUNK_BYTES)?;
        for part in watched(floats.chunks(1 << 12), go_on) {
            out.write(&part?.iter().flat_map(|float| float.to_le_bytes()).collect::<Vec<_>>())?;
        }
    }
    let params = serde_json::to_vec(&Params { shape: learned.shape, seed });
    let params = params.map_err(|cause| Error::caused(ErrorKind::Internal, cause))?;
    out.section(SECTION, CHUNK_BYTES)?;
    out.write(&params)
}

impl NeuralModel {
    /// Opens a model that lies in a mapped file, and verifies it.
    ///
    /// # Errors
    ///
    /// If it is damaged, or no file of such a model, or if the disk fails.
    pub(in crate::lm) fn new(map: &Mapped, container: &Container) -> Result<Self> {
        let params = container.section(SECTION)?.read()?;
        let params = serde_json::from_slice(&params).map_err(|_| container.senseless())?;
        let Params { shape, seed } = params;
        let is_right = (2..=ORDER_MAX).contains(&shape.order) && shape.dim > 0 && shape.hidden > 0;
        // Lengths of sections, as far as numbers go.
        let lengths = is_right.then(|| {
            let input = shape.context().checked_mul(shape.dim)?;
            let output = input.checked_add(1)?.checked_add(shape.hidden)?;
            Some([
                shape.words.checked_mul(shape.dim)?,
                shape.hidden.checked_mul(input.checked_add(1)?)?,
                shape.words.checked_mul(if shape.direct { output } else { shape.hidden + 1 })?,
            ])
        });
        let Some(lengths) = lengths.flatten() else { return Err(container.senseless()) };
        let whole = |name: &str| Part::verified(map, container, name, KIND);
        let own = [SECTION, "vectors", "hidden", "output"].map(str::to_owned);
        let model = Self {
            lexicon: Lexicon::open(map, container, (shape.words as u64, seed))?,
            vectors: whole("vectors")?,
            hidden: whole("hidden")?,
            output: whole("output")?,
            shape,
            kind: Kind::here(),
            bytes: container.bytes(),
            mark: mark(container, &own)?,
        };
        let found = [&model.vectors, &model.hidden, &model.output].map(|part| part.floats().len());
        if found == lengths { Ok(model) } else { Err(container.senseless()) }
    }

    fn weights(&self) -> Weights<'_> {
        Weights {
            shape: self.shape,
            vectors: self.vectors.floats(),
            hidden: self.hidden.floats(),
            output: self.output.floats(),
        }
    }

    /// Its layers.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    pub(in crate::lm) fn order(&self) -> usize {
        self.shape.order
    }

    pub(in crate::lm) fn word_count(&self) -> u32 {
        u32::try_from(self.shape.words).unwrap_or(u32::MAX)
    }

    pub(in crate::lm) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(in crate::lm) fn mark(&self) -> u64 {
        self.mark
    }

    pub(in crate::lm) fn lexicon(&self) -> &Lexicon {
        &self.lexicon
    }

    pub(in crate::lm) fn number(&self, word: &[u8]) -> u32 {
        self.lexicon.number(word)
    }

    pub(in crate::lm) fn word(&self, number: u32) -> &[u8] {
        self.lexicon.word(number)
    }

    /// Before a sentence stands `<s>`, as often as is looked at.
    pub(in crate::lm) fn begin_state(&self) -> State {
        let mut state = State::default();
        for slot in state.slots.iter_mut().take(self.shape.context()) {
            *slot = BEGIN;
        }
        let words = u8::try_from(self.shape.context()).unwrap_or(0);
        State { len: words, words, ..state }
    }

    pub(in crate::lm) fn after(&self, state: &State, word: u32) -> State {
        if word == BEGIN {
            return self.begin_state();
        }
        let mut next = State::default();
        let words = (usize::from(state.words) + 1).min(self.shape.context());
        next.slots[1..].copy_from_slice(&state.slots[..state.slots.len() - 1]);
        next.slots[0] = word;
        next.slots[words..].fill(0);
        let words = u8::try_from(words).unwrap_or(0);
        State { len: words, words, ..next }
    }

    /// The words of a state, the nearest first.
    fn add_context(&self, state: &State, contexts: &mut Vec<u32>) {
        let known = usize::from(state.words);
        let words = state.slots.iter().enumerate().take(self.shape.context());
        contexts.extend(words.map(|(at, &word)| if at < known { word } else { NOTHING }));
    }

    pub(in crate::lm) fn score(
        &self,
        (ids, ends): (&[u32], &[usize]),
        from: &State,
        scored: &mut Vec<Scored>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        scored.clear();
        let mut state = *from;
        let (mut contexts, mut logs) = (Vec::new(), Vec::new());
        let mut ends = ends.iter().copied().peekable();
        for (part, words) in ids.chunks(TOGETHER).enumerate() {
            contexts.clear();
            for (at, &word) in (part * TOGETHER..).zip(words) {
                while ends.next_if(|&end| end <= at).is_some() {
                    state = *from;
                }
                self.add_context(&state, &mut contexts);
                state = self.after(&state, word);
            }
            logs.clear();
            self.weights().score(self.kind, (&contexts, words), &mut logs, go_on)?;
            scored.extend(logs.iter().map(|&log| self.scored(log)));
        }
        Ok(())
    }

    pub(in crate::lm) fn all(
        &self,
        state: &State,
        scored: &mut Vec<Scored>,
        go_on: GoOn<'_>,
    ) -> Result<()> {
        let (mut context, mut logs) = (Vec::new(), Vec::new());
        self.add_context(state, &mut context);
        self.weights().all(self.kind, &context, &mut logs, go_on)?;
        scored.clear();
        scored.extend(logs.iter().map(|&log| self.scored(log)));
        Ok(())
    }

    /// A natural logarithm as one to base 10. The network looks at all of its context, whatever the words.
    fn scored(&self, log: f32) -> Scored {
        let order = u8::try_from(self.shape.order).unwrap_or(u8::MAX);
        Scored { log10: log * std::f32::consts::LOG10_E, order }
    }
}

impl fmt::Debug for NeuralModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NeuralModel").field("shape", &self.shape).finish_non_exhaustive()
    }
}
