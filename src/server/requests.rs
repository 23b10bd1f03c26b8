//! What each method's requests may have, and where they are worked on, by its path.

use crate::error::{Error, ErrorKind, Result};
use crate::limits;
use crate::server::pool::Lane;
use crate::server::shapes::Shape;

/// What is known of a method.
#[derive(Clone, Copy, Debug)]
pub(super) struct Method {
    /// Bytes of a message, at most.
    pub(super) bytes: usize,
    /// The limit's name.
    pub(super) limit: &'static str,
    /// Which of its fields are messages.
    pub(super) shape: Shape,
    /// Whether several messages may come.
    pub(super) is_stream: bool,
    /// Whether those are parts of what a job works on.
    pub(super) is_job: bool,
    /// Whether a call only watches the server, and is answered until it has ended.
    pub(super) is_watching: bool,
    /// Where its questions are worked on.
    pub(super) lane: Lane,
}

impl Method {
    /// Refuses a message of more bytes than it may have.
    pub(super) fn check(&self, bytes: usize) -> Result<()> {
        if bytes > self.bytes {
            let (limit, max, got) = (self.limit, self.bytes as u64, bytes as u64);
            return Err(Error::new(ErrorKind::TooLarge { limit, max, got }));
        }
        Ok(())
    }
}

/// The method at this path.
pub(super) fn method(path: &str) -> Method {
    let method = path.rsplit('/').next().unwrap_or_default();
    let (bytes, limit) = match method {
        "PutTokenizer" | "PutTestSet" | "Debias" => {
            (limits::MESSAGE_BYTES_MAX, "MESSAGE_BYTES_MAX")
        }
        "Import" | "ImportTexts" | "TrainTokenizer" | "TrainTable" | "TrainModel"
        | "ImportModel" | "CompareSmoothings" => (limits::PART_BYTES_MAX, "PART_BYTES_MAX"),
        "PutVectors" | "PutVectorsStream" | "SetAttributes" | "Weat" | "SingleWeat" | "Probe"
        | "NearestBatch" | "NearestStream" | "Batch" | "Similarity" | "SimilarityMatrix"
        | "Recall" | "MostSimilarToGiven" | "RankByCentrality" | "Project" | "Lookup"
        | "Analogies" | "WordPairs" | "Categories" | "Outliers" | "InduceSenses" | "Tokenize"
        | "TokenizeStream" | "Detokenize" | "DetokenizeStream" | "CountTokens"
        | "CompareTokenizers" | "Chunk" | "Embed" | "EmbedStream" | "TextSimilarity" | "Score"
        | "ScoreStream" | "Perplexity" | "MixModels" | "RankTexts" | "OddWords" => {
            (limits::BATCH_BYTES_MAX, "BATCH_BYTES_MAX")
        }
        _ => (limits::QUESTION_BYTES_MAX, "QUESTION_BYTES_MAX"),
    };
    let is_job = matches!(
        method,
        "Import"
            | "ImportTexts"
            | "TrainTokenizer"
            | "TrainTable"
            | "TrainModel"
            | "ImportModel"
            | "CompareSmoothings"
    );
    let is_stream = is_job || method.ends_with("Stream") || method == "ServerReflectionInfo";
    let is_watching = path.starts_with("/grpc.health.") || path.starts_with("/grpc.reflection.");
    let shape = Shape::of_request(path);
    Method { bytes, limit, shape, is_stream, is_job, is_watching, lane: lane(method) }
}

fn lane(method: &str) -> Lane {
    match method {
        "CancelBuild" | "Lookup" | "Similarity" | "SetSimilarity" | "OddOneOut"
        | "MostSimilarToGiven" | "Detokenize" | "ListSuites" | "ListJobs" | "GetJob" | "ListAliases" => {
            Lane::Short
        },
        "DeleteTable"
        | "DeleteTables"
        | "CreateTable"
        | "CopyTable"
        | "RenameTable"
        | "SetAlias"
        | "RemoveAlias"
        | "BuildIndex"
        | "PutTokenizer"
        | "GetTokenizer"
        | "DeleteTokenizer"
        | "SetDefaultTokenizer"
        | "PutTestSet"
        | "GetTestSet"
        | "DeleteTestSet"
        | "GetUpload"
        | "ListUploads"
        | "DeleteUpload"
        | "ListBackups"
        | "ListModels"
        | "GetModel"
        | "DeleteModel"
        // They read what was not read yet.
        | "GetStatus"
        | "GetTable"
        | "ListTables"
        | "GetIndex"
        | "ListTokenizers"
        | "ListTestSets" => Lane::Disk,
        _ => Lane::Heavy,
    }
}
