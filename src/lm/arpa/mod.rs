//! ARPA files: n-grams with their back-offs as text, as all tools for language models exchange them.

mod read;
mod write;

pub use read::{ArpaOptions, ArpaReport, read};
pub use write::{ArpaForm, write};

/// As errors name the format.
const FORMAT: &str = "ARPA";
/// What files write for a probability of 0.
const NEVER: f32 = -99.0;
