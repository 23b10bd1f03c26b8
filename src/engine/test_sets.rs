//! Stored test sets, and the files of those that are asked for.

use crate::engine::Engine;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::evaluation::test_set::TestSetKind;
use crate::limits;
use crate::store::TestSetHead;
use crate::table::meta::TableName;

/// A test set that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestFile {
    /// The caller's own file.
    Own(Vec<u8>),
    /// A stored one.
    Stored(TableName),
}

/// A test set that is to be stored.
#[derive(Clone, Debug)]
pub struct NewTestSet {
    /// Its name.
    pub name: TableName,
    /// Its kind.
    pub kind: TestSetKind,
    /// Its file.
    pub file: Vec<u8>,
    /// Where it comes from; may be empty.
    pub source: String,
    /// Whether it may replace one.
    pub replace: bool,
}

/// What is known of a stored test set.
#[derive(Clone, Debug)]
pub struct TestSetStatus {
    /// Its name.
    pub name: TableName,
    /// What it says of itself; or why it cannot be used.
    pub head: Result<TestSetHead, ErrorKind>,
}

impl Engine {
    /// Stores a test set.
    ///
    /// # Errors
    ///
    /// If its file is none of its kind, if there is one of that name and it is not to be replaced, if
    /// there are too many, or if the disk fails.
    pub fn put_test_set(&self, set: &NewTestSet) -> Result<TestSetStatus> {
        let entry_count = set.kind.count(&set.file)? as u64;
        let head = TestSetHead {
            kind: set.kind.name().to_owned(),
            entry_count,
            file_bytes: set.file.len() as u64,
            source: set.source.clone(),
        };
        let _changing = self.shared.test_sets.lock();
        let names = self.shared.store.test_sets()?;
        set.name.check_case(names.iter())?;
        let is_there = names.contains(&set.name);
        if is_there && !set.replace {
            return Err(Error::new(ErrorKind::TestSetExists { name: set.name.to_string() }));
        }
        if !is_there && names.len() >= limits::TEST_SETS_MAX {
            let (limit, max) = ("TEST_SETS_MAX", limits::TEST_SETS_MAX as u64);
            return Err(Error::new(ErrorKind::TooLarge { limit, max, got: max + 1 }));
        }
        self.shared.store.put_test_set(&set.name, &head, &set.file)?;
        Ok(TestSetStatus { name: set.name.clone(), head: Ok(head) })
    }

    /// All stored test sets, by name.
    ///
    /// # Errors
    ///
    /// If the disk fails.
    pub fn test_sets(&self) -> Result<Vec<TestSetStatus>> {
        let names = self.shared.store.test_sets()?.into_iter();
        let status = |name: TableName| {
            let head = self.shared.store.test_set_head(&name).map_err(|error| error.kind().clone());
            // One that was deleted meanwhile is none any more.
            Some(TestSetStatus { head: head.transpose()?, name })
        };
        Ok(names.filter_map(status).collect())
    }

    /// A stored test set with its file.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or if it is damaged.
    pub fn test_set(&self, name: &TableName) -> Result<(TestSetHead, Vec<u8>)> {
        self.shared.store.test_set(name)?.ok_or_else(|| not_found(name))
    }

    /// Deletes a stored test set.
    ///
    /// # Errors
    ///
    /// If there is none of that name, or if the disk fails.
    pub fn delete_test_set(&self, name: &TableName) -> Result<()> {
        let _changing = self.shared.test_sets.lock();
        if self.shared.store.delete_test_set(name)? { Ok(()) } else { Err(not_found(name)) }
    }

    /// Reads the file of a test set of this kind.
    pub(super) fn read_test_set<T>(
        &self,
        file: &TestFile,
        kind: TestSetKind,
        read: impl Fn(&[u8]) -> Result<T>,
    ) -> Result<T> {
        match file {
            TestFile::Own(bytes) => read(bytes),
            TestFile::Stored(name) => {
                let (head, bytes) = self.test_set(name)?;
                kind.check(name.as_str(), &head.kind)?;
                read(&bytes).context(|| format!("test set {name}"))
            }
        }
    }
}

fn not_found(name: &TableName) -> Error {
    Error::new(ErrorKind::TestSetNotFound { name: name.to_string() })
}
