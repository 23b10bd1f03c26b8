//! Formats of lines: a word and its numbers each, in text or in binary.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `line.rs` | one line |
//! | `detect.rs` | which of these formats a file has, by looking at its beginning |
//! | `text.rs` | rows of text |
//! | `word2vec_text.rs` `binary.rs` `glove.rs` | a format each |

pub(super) mod binary;
pub(super) mod detect;
pub(super) mod glove;
pub(super) mod line;
mod text;
pub(super) mod word2vec_text;
