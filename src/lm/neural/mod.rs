//! Neural language models (Bengio et al. 2003): the vectors of the words before, side by side, a hidden layer, and a
//! softmax over all words.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `settings.rs` | what a network is told before it learns, and its bounds |
//! | `shape.rs` | how large its layers are |
//! | `net.rs` | how likely words are |
//! | `batch.rs` | cases that are learned from together, and the words they are compared with |
//! | `part.rs` | what some cases of a batch say |
//! | `shard.rs` | the weights that a thread changes |
//! | `change.rs` | how it changes them |
//! | `learn.rs` | epochs, threads, and when it is enough |
//! | `file.rs` | the mapped file, which answers |

mod batch;
mod change;
mod file;
mod learn;
mod net;
mod part;
mod settings;
mod shape;
mod shard;
#[cfg(test)]
mod tests;

pub use batch::Text;
pub(super) use file::SECTION;
pub use file::{NeuralModel, write};
pub use learn::{Epoch, GiveVector, Learned, Now, See, learn};
pub use settings::{NOISE, Settings, WHOLE_MAX};
pub use shape::Shape;
