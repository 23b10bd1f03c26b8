//! `Built`: what finds the nearest rows of a table, of whichever kind it is; and which kind suits a table.

use std::io::Write;
use std::sync::Arc;

use crate::container::{Container, Kind, Writer};
use crate::error::Result;
use crate::index::graph::Graph;
use crate::index::hnsw::{self, BuildParams};
use crate::index::lists::{self, Lists};
use crate::index::partition::{self, Partition};
use crate::index::{Index, Watch, file};
use crate::table::Table;
use crate::table::meta::IndexChoice;

/// Rows shorter than this have no use for codes of four bits: a graph finds them in fewer steps.
const PARTITION_DIM_MIN: usize = 8;

/// The part that a partition is of the work on it and its lists.
const PARTITION_SHARE: f32 = 0.3;

/// The kinds of indexes that are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltKind {
    /// A graph that `hnsw_rs` builds.
    Hnsw,
    /// Leaves of rows that look alike.
    Partition,
}

impl BuiltKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Partition, Self::Hnsw];

    /// The kind that a table of such vectors has, by what was chosen for it. Where nothing was, short
    /// vectors have a graph, and all others a partition.
    pub fn of(choice: IndexChoice, dim: usize) -> Self {
        match choice {
            IndexChoice::Hnsw => Self::Hnsw,
            IndexChoice::Auto if dim < PARTITION_DIM_MIN => Self::Hnsw,
            IndexChoice::Auto | IndexChoice::Partition | IndexChoice::None => Self::Partition,
        }
    }

    /// Its part of a generation.
    pub fn part(self) -> Kind {
        match self {
            Self::Hnsw => file::KIND,
            Self::Partition => partition::file::KIND,
        }
    }

    /// The part of all work after which it answers; the rest finds lists.
    pub fn first_share(self, table: &Table) -> f32 {
        match self {
            Self::Partition if lists::pay(table.len(), table.dim()) => PARTITION_SHARE,
            Self::Partition | Self::Hnsw => 1.0,
        }
    }

    /// Builds one. A partition's lists are found afterward: see [`Partition::wants_lists`].
    ///
    /// # Errors
    ///
    /// If `watch` says that the build is cancelled, if there is no memory, or if threads cannot be started.
    pub fn build(self, table: &Arc<Table>, threads: usize, watch: &dyn Watch) -> Result<Built> {
        match self {
            Self::Hnsw => {
                let params = BuildParams { threads, ..BuildParams::default() };
                hnsw::build(table, params, watch).map(|graph| Built::Graph(Box::new(graph)))
            }
            Self::Partition => partition::build(table, threads, watch)
                .map(|partition| Built::Partition(Box::new(partition))),
        }
    }

    /// Reads one from its part.
    ///
    /// # Errors
    ///
    /// If the part is damaged, or of other rows.
    pub fn read(self, table: Arc<Table>, part: &Container) -> Result<Built> {
        match self {
            Self::Hnsw => file::read(table, part).map(|graph| Built::Graph(Box::new(graph))),
            Self::Partition => partition::file::read(table, part)
                .map(|partition| Built::Partition(Box::new(partition))),
        }
    }
}

/// An index that was built, or read.
#[derive(Debug)]
pub enum Built {
    /// A graph.
    Graph(Box<Graph>),
    /// A partition.
    Partition(Box<Partition>),
}

impl Built {
    /// What it is.
    pub fn kind(&self) -> BuiltKind {
        match self {
            Self::Graph(_) => BuiltKind::Hnsw,
            Self::Partition(_) => BuiltKind::Partition,
        }
    }

    /// What answers.
    pub fn index(&self) -> &dyn Index {
        match self {
            Self::Graph(graph) => &**graph,
            Self::Partition(partition) => &**partition,
        }
    }

    /// Writes it as its part.
    ///
    /// # Errors
    ///
    /// If the output fails.
    pub fn write<W: Write>(&self, out: &mut Writer<W>) -> Result<()> {
        match self {
            Self::Graph(graph) => file::write(graph, out),
            Self::Partition(partition) => partition::file::write(partition, out),
        }
    }

    /// How a graph was built.
    pub fn params(&self) -> Option<BuildParams> {
        match self {
            Self::Graph(graph) => Some(graph.params()),
            Self::Partition(_) => None,
        }
    }

    /// The most links that a row of a graph has in the bottom layer.
    pub fn links_max(&self) -> Option<usize> {
        match self {
            Self::Graph(graph) => Some(graph.links_max()),
            Self::Partition(_) => None,
        }
    }

    /// How many leaves a partition has.
    pub fn leaves(&self) -> Option<usize> {
        match self {
            Self::Graph(_) => None,
            Self::Partition(partition) => Some(partition.leaves()),
        }
    }

    /// `ef_search` of a question that asks for none.
    pub fn default_ef_search(&self) -> usize {
        match self {
            Self::Graph(graph) => graph.default_ef_search(),
            Self::Partition(partition) => partition.default_ef_search(),
        }
    }

    /// The least `ef_search` that finds this share of the 10 nearest rows, as measured when it was built;
    /// none if even the largest measured does not.
    pub fn ef_search_for(&self, recall: f32) -> Option<usize> {
        match self {
            Self::Graph(graph) => graph.ef_search_for(recall),
            Self::Partition(partition) => partition.ef_search_for(recall),
        }
    }

    /// Whether the exact nearest rows of each row are stored.
    pub fn has_lists(&self) -> bool {
        match self {
            Self::Graph(graph) => graph.has_lists(),
            Self::Partition(partition) => partition.has_lists(),
        }
    }

    /// Whether there could be such lists, which are not there yet.
    pub fn wants_lists(&self) -> bool {
        match self {
            Self::Graph(_) => false,
            Self::Partition(partition) => partition.wants_lists(),
        }
    }

    /// Finds the lists that it wants; none if it wants none.
    ///
    /// # Errors
    ///
    /// If `watch` says that the build is cancelled, or if threads cannot be started.
    pub fn find_lists(&self, threads: usize, watch: &dyn Watch) -> Result<Option<Lists>> {
        match self {
            Self::Partition(partition) if partition.wants_lists() => {
                partition.find_lists(threads, watch).map(Some)
            }
            Self::Graph(_) | Self::Partition(_) => Ok(None),
        }
    }

    /// From here on it reads these lists.
    pub fn join_lists(&self, lists: Lists) {
        if let Self::Partition(partition) = self {
            partition.join_lists(lists);
        }
    }

    /// About how many nanoseconds a question of this `ef_search` takes.
    pub fn nanos(&self, ef_search: usize) -> usize {
        match self {
            Self::Graph(_) => ef_search.saturating_mul(NANOS_A_STEP),
            Self::Partition(partition) => partition.nanos(ef_search),
        }
    }
}

/// About what a step of a graph's beam takes.
const NANOS_A_STEP: usize = 900;
