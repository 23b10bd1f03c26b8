//! What is asked of the learning of a network, and what it tells.

use crate::lm::neural::{Epoch, Settings};
use crate::table::meta::TableName;

/// How a network is made, beside what holds for all models.
#[derive(Clone, Debug)]
pub struct NeuralJob {
    /// How it learns. Its order is the model's.
    pub settings: Settings,
    /// The table whose vectors its words have at first.
    pub from: Option<TableName>,
    /// The table that its vectors become.
    pub table: Option<TableName>,
    /// Whether the dimension was asked for; else it is that of the table it begins with.
    pub has_dim: bool,
}

/// What came of the learning of a network.
#[derive(Clone, Debug)]
pub struct LearnedNetwork {
    /// Each epoch, the last one perhaps worse than the best.
    pub epochs: Vec<Epoch>,
    /// Words a second, while it learned.
    pub words_per_second: f64,
    /// The table that its vectors became, and the rows of that.
    pub table: Option<(TableName, u64)>,
    /// Words that began with the vector of a table.
    pub known_count: u64,
}
