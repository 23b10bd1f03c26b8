//! What a test set on its shelf says of itself.

use serde::{Deserialize, Serialize};

/// The head of a stored test set; its body is the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSetHead {
    /// What kind of test set it is, by the name of the kind.
    pub kind: String,
    /// Questions, pairs, words or outliers.
    pub entry_count: u64,
    /// Bytes of its file.
    pub file_bytes: u64,
    /// Where it comes from; may be empty.
    pub source: String,
}
