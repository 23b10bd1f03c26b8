//! What a call needs: the one table of methods, roles and what they reach.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::server::explorer::is_page;

/// What a key may do; each role may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Ask questions, and read tables, tokenizers, test sets and language models.
    Read,
    /// Make, change and delete them.
    Write,
    /// Back up, restore and verify the server.
    Admin,
}

impl Role {
    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// What a method reaches, for keys that may name some tables only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Reach {
    /// It needs no key.
    Open,
    /// The tables that its messages name, and what all may read.
    Named,
    /// Its questions name tables: its handler looks at each as if it came on a call of its own.
    Each,
    /// It tells of many tables: its handler leaves out those that the key may not name.
    Listed,
    /// What all share: only for keys of all tables.
    Shared,
}

/// What a method needs.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) struct Rule {
    pub(in crate::server) role: Role,
    pub(in crate::server) reach: Reach,
}

/// Every method there is. One without a line here is for nobody; a test looks for it.
const RULES: &[(Role, Reach, &str, &[&str])] = &[
    (Role::Read, Reach::Open, "grpc.health.v1.Health", &["Check", "Watch"]),
    // The contract is public, but who asks for it should be known.
    (Role::Read, Reach::Named, "grpc.reflection.v1.ServerReflection", &["ServerReflectionInfo"]),
    (
        Role::Read,
        Reach::Named,
        "grpc.reflection.v1alpha.ServerReflection",
        &["ServerReflectionInfo"],
    ),
    (
        Role::Read,
        Reach::Named,
        "wordspace.v1.SearchService",
        &[
            "Nearest",
            "NearestBatch",
            "NearestStream",
            "Analogy",
            "SimilarityMatrix",
            "SetSimilarity",
            "WordMovers",
            "Rank",
            "CloserThan",
            "MostSimilarToGiven",
            "RelativeCosine",
            "RankByCentrality",
            "Senses",
            "InduceSenses",
            "Compare",
            "Similarity",
            "Recall",
            "OddOneOut",
        ],
    ),
    (
        Role::Read,
        Reach::Named,
        "wordspace.v1.TableService",
        &[
            "GetTable",
            "Lookup",
            "ListWords",
            "SampleWords",
            "CountWords",
            "Facets",
            "Health",
            "Map",
            "GetIndex",
        ],
    ),
    (Role::Read, Reach::Listed, "wordspace.v1.TableService", &["ListTables", "ListAliases"]),
    (
        Role::Write,
        Reach::Named,
        "wordspace.v1.TableService",
        &[
            "CreateTable",
            "CopyTable",
            "RenameTable",
            "DeleteTable",
            "DeleteTables",
            "SetAlias",
            "RemoveAlias",
            "PutVectors",
            "PutVectorsStream",
            "DeleteWords",
            "SetAttributes",
            "BuildIndex",
            "CancelBuild",
            "ArrangeMap",
        ],
    ),
    (Role::Read, Reach::Named, "wordspace.v1.TransferService", &["Export"]),
    (
        Role::Write,
        Reach::Named,
        "wordspace.v1.TransferService",
        &["Import", "MergeTables", "GetUpload", "DeleteUpload"],
    ),
    (Role::Write, Reach::Listed, "wordspace.v1.TransferService", &["ListUploads"]),
    (
        Role::Read,
        Reach::Named,
        "wordspace.v1.TextService",
        &[
            "Tokenize",
            "TokenizeStream",
            "Detokenize",
            "DetokenizeStream",
            "CountTokens",
            "CompareTokenizers",
            "Chunk",
            "ListTokens",
            "Embed",
            "EmbedStream",
            "NearestToText",
            "TextSimilarity",
        ],
    ),
    (Role::Read, Reach::Listed, "wordspace.v1.TextService", &["GetTokenizer", "ListTokenizers"]),
    (
        Role::Write,
        Reach::Named,
        "wordspace.v1.TextService",
        &["SetDefaultTokenizer", "ImportTexts", "SeedTable"],
    ),
    (
        Role::Write,
        Reach::Shared,
        "wordspace.v1.TextService",
        &["PutTokenizer", "DeleteTokenizer", "TrainTokenizer"],
    ),
    (Role::Write, Reach::Named, "wordspace.v1.TrainingService", &["TrainTable"]),
    (Role::Read, Reach::Named, "wordspace.v1.TrainingService", &["GetHuffmanPath"]),
    (
        Role::Read,
        Reach::Named,
        "wordspace.v1.BiasService",
        &[
            "Weat",
            "SingleWeat",
            "WeatSuite",
            "ListSuites",
            "Probe",
            "GenerateAnalogies",
            "BiasedClusters",
            "Project",
        ],
    ),
    (Role::Write, Reach::Named, "wordspace.v1.BiasService", &["Debias"]),
    (
        Role::Read,
        Reach::Named,
        "wordspace.v1.EvaluationService",
        &["Analogies", "WordPairs", "Categories", "Outliers", "GetTestSet", "ListTestSets"],
    ),
    (
        Role::Write,
        Reach::Shared,
        "wordspace.v1.EvaluationService",
        &["PutTestSet", "DeleteTestSet"],
    ),
    (
        Role::Read,
        Reach::Named,
        "wordspace.v1.LanguageModelService",
        &[
            "ExportModel",
            "ListModels",
            "GetModel",
            "Score",
            "ScoreStream",
            "Perplexity",
            "NextWords",
            "Generate",
            "CompareSmoothings",
            "MixModels",
            "RankTexts",
            "OddWords",
        ],
    ),
    (
        Role::Write,
        Reach::Shared,
        "wordspace.v1.LanguageModelService",
        &["TrainModel", "ImportModel", "DeleteModel"],
    ),
    (Role::Read, Reach::Each, "wordspace.v1.BatchService", &["Batch"]),
    (Role::Read, Reach::Listed, "wordspace.v1.JobService", &["ListJobs", "GetJob", "WatchJob"]),
    (Role::Write, Reach::Listed, "wordspace.v1.JobService", &["CancelJob"]),
    // Its problems name tables.
    (Role::Read, Reach::Shared, "wordspace.v1.AdminService", &["GetStatus"]),
    (
        Role::Admin,
        Reach::Shared,
        "wordspace.v1.AdminService",
        &["Verify", "Backup", "ListBackups", "Restore"],
    ),
];

static BY_PATH: LazyLock<HashMap<String, Rule>> = LazyLock::new(|| {
    let of_service = |&(role, reach, service, methods): &(_, _, &'static str, &'static [&str])| {
        methods.iter().map(move |method| (format!("/{service}/{method}"), Rule { role, reach }))
    };
    RULES.iter().flat_map(of_service).collect()
});

/// The paths of all methods.
pub(in crate::server) fn paths() -> impl Iterator<Item = &'static str> {
    BY_PATH.keys().map(String::as_str)
}

/// Whether the method at this path changes what is stored. What stops a job, or tells of an upload, does not.
pub(in crate::server) fn changes(path: &str) -> bool {
    const CHANGE_NOTHING: [&str; 3] = ["/CancelJob", "/GetUpload", "/ListUploads"];
    let is_write = rule(path).is_some_and(|rule| rule.role == Role::Write);
    is_write && !CHANGE_NOTHING.iter().any(|method| path.ends_with(method))
        || path == "/wordspace.v1.AdminService/Restore"
}

/// The page for browsers holds nothing that needs a key; what it asks for does.
const PAGE: Rule = Rule { role: Role::Read, reach: Reach::Open };

/// What the method at this path needs; none if there is no such method.
pub(in crate::server) fn rule(path: &str) -> Option<Rule> {
    BY_PATH.get(path).copied().or_else(|| is_page(path).then_some(PAGE))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;
    use crate::proto::DESCRIPTORS;

    /// The paths of all methods that the server has, by its descriptors.
    fn methods() -> BTreeSet<String> {
        let sets = [
            DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let mut paths = BTreeSet::new();
        for file in sets.iter().flat_map(|set| FileDescriptorSet::decode(*set).unwrap().file) {
            for service in &file.service {
                let name = |method| format!("/{}.{}/{method}", file.package(), service.name());
                paths.extend(service.method.iter().map(|method| name(method.name())));
            }
        }
        paths
    }

    #[test]
    fn every_method_has_one_rule_and_every_rule_a_method() {
        let ruled = RULES.iter().flat_map(|(_, _, service, methods)| {
            methods.iter().map(move |method| format!("/{service}/{method}"))
        });
        let ruled: Vec<String> = ruled.collect();
        let once: BTreeSet<String> = ruled.iter().cloned().collect();
        assert_eq!(ruled.len(), once.len(), "a method has two rules");
        let all = methods();
        assert!(all.len() > 90, "{all:?}");
        assert_eq!(all.difference(&once).collect::<Vec<_>>(), [""; 0], "methods without a rule");
        assert_eq!(once.difference(&all).collect::<Vec<_>>(), [""; 0], "rules without a method");
    }
}
