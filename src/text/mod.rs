//! Words: the vocabulary of a table, and tokenizers that cut text into words.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `vocab.rs` | word to row and back |
//! | `whitespace.rs` `rules.rs` `unicode_words.rs` | a tokenizer each |

pub mod vocab;
