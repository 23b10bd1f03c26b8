//! Where trainings stand: under the name of each table that is being trained its corpus, and the newest state
//! of its vectors.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::budget::Budget;
use crate::container::{Container, Kind, Sealed};
use crate::error::{Context as _, Result};
use crate::store::blob::{self, FileWriter};
use crate::store::upload::{escaped, unescaped};
use crate::table::meta::TableName;

/// How long one waits for being gone on with.
const KEPT: Duration = Duration::from_hours(7 * 24);
const ADVICE: &str = "train again from the text";

/// A file of a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckpointFile {
    /// What is trained, and of which text; written once.
    Corpus,
    /// The vectors as they were last.
    State,
}

impl CheckpointFile {
    fn name(self) -> &'static str {
        match self {
            Self::Corpus => "corpus",
            Self::State => "state",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Corpus => Kind { name: "training-corpus", version: 1, advice: ADVICE },
            Self::State => Kind { name: "training-state", version: 1, advice: ADVICE },
        }
    }
}

/// Where the training of a table stands.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    folder: PathBuf,
    budget: Arc<Budget>,
}

/// What is known of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointStatus {
    /// The table's name.
    pub table: TableName,
    /// Bytes of its files.
    pub bytes: u64,
    /// When the state was written, or the corpus if there is no state yet.
    pub changed_at: SystemTime,
}

impl Checkpoint {
    /// That of a table, whose bytes are taken of a budget.
    pub(super) fn new(trainings: &Path, table: &TableName, budget: Arc<Budget>) -> Self {
        Self { folder: trainings.join(escaped(table)), budget }
    }

    /// Writes a file in place of the one that may be there, durably; `bytes` is about what it will have, and
    /// `owner` tells states of other corpora apart. How many bytes it has.
    ///
    /// # Errors
    ///
    /// If the budget has no room for both, if `write` fails, or the disk: then the old one is still there.
    pub fn write(
        &self,
        (file, owner): (CheckpointFile, u64),
        bytes: u64,
        write: impl FnOnce(&mut FileWriter) -> Result<()>,
    ) -> Result<u64> {
        let path = self.folder.join(file.name());
        self.budget.take(bytes).context(|| "keeping where a training stands")?;
        let before = bytes_of(&path);
        let written = blob::publish_container(&path, file.kind(), owner, write);
        self.budget.give(bytes);
        let Sealed { bytes, .. } = written?;
        self.budget.give(before);
        self.budget.add(bytes);
        Ok(bytes)
    }

    /// A file, with its owner; none if it is not there.
    ///
    /// # Errors
    ///
    /// If it is damaged, or if the disk fails.
    pub fn open(&self, file: CheckpointFile) -> Result<Option<Container>> {
        let path = self.folder.join(file.name());
        blob::open_container(&path, path.display().to_string(), file.kind())
    }

    /// Whether there is a corpus: training goes on from its state, or begins with it.
    pub fn is_there(&self) -> bool {
        self.folder.join(CheckpointFile::Corpus.name()).exists()
    }

    /// Removes it, if it is there.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn remove(&self) -> Result<()> {
        let bytes = blob::bytes(&self.folder);
        blob::remove_folder(&self.folder)?;
        self.budget.give(bytes);
        Ok(())
    }
}

fn bytes_of(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Those that are kept, by the tables' names.
pub(super) fn list(trainings: &Path) -> Result<Vec<CheckpointStatus>> {
    let status = |folder: &PathBuf| {
        let table = unescaped(folder.file_name()?.to_str()?)?;
        let changed_at = changed_at(folder)?;
        Some(CheckpointStatus { table, bytes: blob::bytes(folder), changed_at })
    };
    Ok(blob::list(trainings)?.iter().filter_map(status).collect())
}

/// When one was written last; none if its corpus is not there.
fn changed_at(folder: &Path) -> Option<SystemTime> {
    let written = |file: CheckpointFile| {
        fs::metadata(folder.join(file.name())).and_then(|file| file.modified()).ok()
    };
    let corpus = written(CheckpointFile::Corpus)?;
    Some(written(CheckpointFile::State).map_or(corpus, |state| state.max(corpus)))
}

/// Removes what was never completed, and what nobody went on with for a week.
pub(super) fn sweep(trainings: &Path) {
    for folder in blob::list(trainings).unwrap_or_default() {
        blob::sweep(&folder);
        let changed = changed_at(&folder);
        // A clock that was set back tells no age.
        let is_kept = changed.is_some_and(|at| at.elapsed().map_or(true, |age| age <= KEPT));
        if !is_kept && let Err(error) = blob::remove_folder(&folder) {
            tracing::warn!(?error, "what is left of a training stays");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_bounded_replaced_listed_and_swept() {
        let folder = tempfile::tempdir().unwrap();
        let budget = Arc::new(Budget::new("spool-max", 3_000));
        let name = TableName::try_from("GPT".to_owned()).unwrap();
        let one = Checkpoint::new(folder.path(), &name, Arc::clone(&budget));
        let write = |file, text: &str| {
            one.write((file, 7), text.len() as u64, |out| {
                out.section("text", 100)?;
                out.write(text.as_bytes())
            })
        };
        let corpus = write(CheckpointFile::Corpus, "some").unwrap();
        assert!(one.is_there() && list(folder.path()).unwrap()[0].bytes == corpus);
        write(CheckpointFile::State, "first").unwrap();
        let state = write(CheckpointFile::State, "second").unwrap();
        assert_eq!(budget.used(), corpus + state);
        let error = write(CheckpointFile::State, &"x".repeat(3_000)).unwrap_err();
        assert!(error.to_string().contains("spool-max"), "{error}");
        let file = one.open(CheckpointFile::State).unwrap().unwrap();
        assert_eq!(
            (file.owner(), file.section("text").unwrap().read().unwrap()),
            (7, b"second".to_vec())
        );
        let kept = list(folder.path()).unwrap();
        assert_eq!((kept[0].table.clone(), kept[0].bytes), (name, corpus + state));
        sweep(folder.path());
        assert!(one.is_there());
        fs::remove_file(one.folder.join("corpus")).unwrap();
        sweep(folder.path());
        assert!(!one.folder.exists());
        write(CheckpointFile::State, "third").unwrap();
        one.remove().unwrap();
        one.remove().unwrap();
        assert!(one.open(CheckpointFile::State).unwrap().is_none());
    }
}
