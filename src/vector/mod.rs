//! Numbers: metrics, rows of floats, kernels over them, and the best few of many.
//!
//! | file | responsibility |
//! | --- | --- |
//! | `kernel/` | dot products, through simsimd: the only folder that names it |
//! | `scalar.rs` | the same in plain Rust: the oracle of the tests |
//! | `cluster.rs` | clusters of directions |
//! | `layout.rs` | how a row lies in memory and in files: the dtypes |
//! | `matrix.rs` | rows of floats side by side |
//! | `algebra.rs` | unit vectors, means, principal components |
//! | `procrustes.rs` | the rotation that brings vectors nearest to others |
//! | `random.rs` | numbers from a seed |
//! | `rotation.rs` | turns vectors so that their first components matter most |
//! | `row_set.rs` | a set of rows |
//! | `rows.rs` | a table's rows side by side, in any dtype |
//! | `statistics.rs` | correlations, ranks and spreads |
//! | `top.rs` | the best k of many, in a total order |
//! | `transport.rs` | the cheapest way to move weights |

pub mod algebra;
pub mod cluster;
pub mod kernel;
mod layout;
pub mod matrix;
pub mod procrustes;
pub mod random;
pub mod rotation;
pub mod row_set;
pub mod rows;
pub mod scalar;
pub mod statistics;
pub mod top;
pub mod transport;

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the likeness of two vectors is measured; larger is nearer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metric {
    /// dot(a, b) / (|a| |b|), from -1 to 1; 0 if one of them is all zeros.
    #[default]
    Cosine,
}

/// How the components of a stored vector are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// IEEE 754 single precision.
    #[default]
    F32,
    /// IEEE 754 half precision: 11 significant bits, up to 65,504.
    F16,
    /// The upper half of single precision: 8 significant bits.
    Bf16,
    /// Whole numbers from -127 to 127, times a scale that the row has.
    I8,
}

/// A row of a table, counted from 0: a word's stable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowId(pub u32);

impl RowId {
    /// The row as an index into a slice.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl TryFrom<usize> for RowId {
    type Error = std::num::TryFromIntError;

    fn try_from(index: usize) -> Result<Self, Self::Error> {
        u32::try_from(index).map(Self)
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
