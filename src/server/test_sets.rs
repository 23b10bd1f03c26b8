//! EvaluationService's test sets: stored, listed, deleted, and named in place of a file.

use crate::engine::{Engine, NewTestSet, TestFile, TestSetStatus};
use crate::error::{Error, Result};
use crate::evaluation::test_set::TestSetKind;
use crate::limits;
use crate::proto as pb;
use crate::server::wire::Fields;
use crate::store::TestSetHead;
use crate::table::meta::TableName;

/// The kind of a test set; none if it is not said.
pub(super) fn kind(kind: pb::TestSetKind) -> Option<TestSetKind> {
    match kind {
        pb::TestSetKind::Unspecified => None,
        pb::TestSetKind::Analogies => Some(TestSetKind::Analogies),
        pb::TestSetKind::WordPairs => Some(TestSetKind::WordPairs),
        pb::TestSetKind::Categories => Some(TestSetKind::Categories),
        pb::TestSetKind::Outliers => Some(TestSetKind::Outliers),
    }
}

fn told(kind: TestSetKind) -> pb::TestSetKind {
    match kind {
        TestSetKind::Analogies => pb::TestSetKind::Analogies,
        TestSetKind::WordPairs => pb::TestSetKind::WordPairs,
        TestSetKind::Categories => pb::TestSetKind::Categories,
        TestSetKind::Outliers => pb::TestSetKind::Outliers,
    }
}

impl Fields {
    /// A file, or the name of a stored test set.
    pub(super) fn test_file(&mut self, file: Vec<u8>, name: String) -> Option<TestFile> {
        if name.is_empty() {
            return Some(TestFile::Own(file));
        }
        if !file.is_empty() {
            self.bad("test_set", "either a file or the name of a stored test set, and not both");
        }
        self.name_of("test set", "test_set", name).map(TestFile::Stored)
    }
}

impl TryFrom<pb::PutTestSetRequest> for NewTestSet {
    type Error = Error;

    fn try_from(request: pb::PutTestSetRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let name = fields.name_of("test set", "name", request.name);
        let kind = kind(fields.choice("kind", request.kind));
        if kind.is_none() {
            fields.bad("kind", "what is in the file");
        }
        fields.bytes("source", request.source.len(), limits::SOURCE_BYTES_MAX);
        let pb::PutTestSetRequest { file, source, replace, .. } = request;
        fields.finish(|| Some(Self { name: name?, kind: kind?, file, source, replace }))
    }
}

/// Which stored test set is asked for, and whether with its file.
pub(super) struct Get {
    name: TableName,
    with_file: bool,
}

impl Get {
    pub(super) fn answer(engine: &Engine, asked: &Self) -> Result<pb::GetTestSetResponse> {
        let (head, file) = engine.test_set(&asked.name)?;
        let status = TestSetStatus { name: asked.name.clone(), head: Ok(head) };
        let file = if asked.with_file { file } else { Vec::new() };
        Ok(pb::GetTestSetResponse { test_set: Some(status.into()), file })
    }
}

impl TryFrom<pb::GetTestSetRequest> for Get {
    type Error = Error;

    fn try_from(request: pb::GetTestSetRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let name = fields.name_of("test set", "name", request.name);
        fields.finish(|| Some(Self { name: name?, with_file: request.with_file }))
    }
}

/// All of them.
pub(super) struct List;

impl TryFrom<pb::ListTestSetsRequest> for List {
    type Error = Error;

    fn try_from(_: pb::ListTestSetsRequest) -> Result<Self> {
        Ok(Self)
    }
}

/// Which one is to be deleted.
pub(super) struct Delete(pub(super) TableName);

impl TryFrom<pb::DeleteTestSetRequest> for Delete {
    type Error = Error;

    fn try_from(request: pb::DeleteTestSetRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let name = fields.name_of("test set", "name", request.name);
        fields.finish(|| Some(Self(name?)))
    }
}

impl From<TestSetStatus> for pb::TestSetInfo {
    fn from(status: TestSetStatus) -> Self {
        let name = status.name.to_string();
        match status.head {
            Ok(TestSetHead { kind, entry_count, file_bytes, source }) => {
                let kind = TestSetKind::of_name(&kind).map(told).unwrap_or_default().into();
                Self { name, kind, entry_count, file_bytes, source, problem: String::new() }
            }
            Err(problem) => Self { name, problem: problem.to_string(), ..Self::default() },
        }
    }
}

impl From<TestSetStatus> for pb::PutTestSetResponse {
    fn from(status: TestSetStatus) -> Self {
        Self { test_set: Some(status.into()) }
    }
}

pub(super) fn listed(all: Vec<TestSetStatus>) -> pb::ListTestSetsResponse {
    pb::ListTestSetsResponse { test_sets: all.into_iter().map(pb::TestSetInfo::from).collect() }
}
