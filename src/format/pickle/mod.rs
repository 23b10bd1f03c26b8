//! Python pickles: values are built, and no code is ever run. What a pickle would call is kept as the name
//! of it with its arguments, and a format that knows the name takes the data out of them.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `machine.rs` | the program of a pickle, step by step |
//! | `value.rs` | values, and ways through them |
//! | `array.rs` | arrays of `NumPy` |
//! | `gensim.rs` | models of gensim |
//! | `torch.rs` | tensors of `PyTorch` |

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most values of a pickle are not what is looked for"
)]

mod array;
pub(super) mod gensim;
mod machine;
pub(super) mod torch;
mod value;
