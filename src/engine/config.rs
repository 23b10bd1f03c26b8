//! `EngineConfig`: where the tables are, and what the engine may take.

use std::path::PathBuf;

/// How to open an [`Engine`](crate::engine::Engine).
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The data folder; made if missing.
    pub data: PathBuf,
    /// Threads that build a graph; 0 for one a core.
    pub index_threads: usize,
    /// Bytes of memory that imports and other jobs may take together; none: half of the machine's.
    pub job_memory: Option<u64>,
    /// Bytes of disk that temporary files, uploads and checkpoints of trainings may take together; none: half of what is free.
    pub spool_max: Option<u64>,
    /// Where backups are kept: a folder, or with the feature `cloud` a URL; none: nowhere.
    pub backups: Option<String>,
    /// Whether its tables are to be copies of those that another engine publishes: see
    /// [`Engine::following`](crate::engine::Engine::following). Then nothing is built here.
    pub follows: bool,
    /// Bytes that the copies may take: tables come when they are asked, and others leave. None: all of them come at
    /// once, and stay.
    pub follow_cache: Option<u64>,
}

impl EngineConfig {
    /// The usual way, with the tables of this folder.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            index_threads: 0,
            job_memory: None,
            spool_max: None,
            backups: None,
            follows: false,
            follow_cache: None,
        }
    }
}
