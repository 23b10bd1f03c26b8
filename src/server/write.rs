//! Conversions of TableService's writes: words put and deleted, attributes, the index.

use std::collections::{HashMap, HashSet};

use crate::engine::write::{
    AttributesChange, AttributesQuery, DeleteQuery, DeletedAnswer, PutAnswer, PutMode, PutQuery,
    PutWord, WriteAnswer,
};
use crate::engine::{Acknowledged, Ask, RebuildPhase, RebuildStatus, TableStatus};
use crate::error::{Error, Result};
use crate::limits;
use crate::proto as pb;
use crate::query::filter::Filter;
use crate::query::{OovPolicy, WordOrVector};
use crate::server::wire::{self, Fields};
use crate::table::attributes::{Attributes, check_name};

impl TryFrom<pb::PutVectorsRequest> for Ask<PutQuery> {
    type Error = Error;

    fn try_from(request: pb::PutVectorsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let mode = match fields.choice("mode", request.mode) {
            pb::PutMode::Unspecified | pb::PutMode::Upsert => PutMode::Upsert,
            pb::PutMode::InsertOnly => PutMode::InsertOnly,
            pb::PutMode::UpdateOnly => PutMode::UpdateOnly,
        };
        fields.count("words", request.words.len(), 1..=limits::BATCH_MAX);
        let words: Vec<_> = request
            .words
            .into_iter()
            .enumerate()
            .map(|(i, word)| fields.within(&format!("words[{i}]"), |fields| put_word(fields, word)))
            .collect();
        let mut seen = HashSet::new();
        for (i, put) in words.iter().enumerate() {
            if !put.word.is_empty() && !seen.insert(put.word.as_slice()) {
                fields.bad(format_args!("words[{i}].word"), "the word comes again in this call");
            }
        }
        let bytes = |put: &PutWord| {
            put.word.len() + size_of_val(&put.vector[..]) + attribute_bytes(&put.attributes)
        };
        check_bytes(&mut fields, "words", words.iter().map(bytes).sum());
        fields.finish(|| Some(Self { table: table?, query: PutQuery { words, mode } }))
    }
}

fn put_word(fields: &mut Fields, put: pb::put_vectors_request::WordToPut) -> PutWord {
    let word = match (put.word.into_bytes(), put.word_bytes) {
        (word, bytes) if bytes.is_empty() => word,
        (word, bytes) => {
            if !word.is_empty() {
                fields.bad("word_bytes", "give the word as text or as bytes, not both");
            }
            bytes
        }
    };
    if word.is_empty() || word.len() > limits::WORD_BYTES_MAX {
        let max = limits::WORD_BYTES_MAX;
        fields.bad("word", format!("a word has 1 to {max} bytes (WORD_BYTES_MAX)"));
    }
    let vector = fields.vector("vector", put.vector.unwrap_or_default());
    if vector.is_empty() {
        fields.bad("vector", "a vector of the table's dimension is needed");
    }
    if let Some(at) = vector.iter().position(|value| !value.is_finite()) {
        fields.bad(format_args!("vector.values[{at}]"), "not a finite number (NaN or infinity)");
    }
    PutWord { word, vector, attributes: attributes(fields, "attributes", put.attributes) }
}

impl TryFrom<pb::DeleteWordsRequest> for Ask<DeleteQuery> {
    type Error = Error;

    fn try_from(request: pb::DeleteWordsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("queries", request.queries.len(), 1..=limits::BATCH_MAX);
        if request.filter.is_some() {
            fields.bad("filter", "give words or a filter, not both");
        }
        let oov = oov(&mut fields, request.oov);
        let queries = request.queries.into_iter().enumerate();
        let queries = queries.map(|(i, query)| row(&mut fields, &format!("queries[{i}]"), query));
        let query = DeleteQuery { queries: queries.collect(), oov };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl TryFrom<pb::DeleteWordsRequest> for Ask<Filter> {
    type Error = Error;

    fn try_from(request: pb::DeleteWordsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        if request.oov != 0 {
            fields.bad("oov", "a filter names no words that could be missing");
        }
        let filter = fields.filter(request.filter).filter(|filter| *filter != Filter::default());
        if filter.is_none() {
            fields.bad("filter", "it lets every word through; delete the table if that is meant");
        }
        fields.finish(|| Some(Self { table: table?, query: filter? }))
    }
}

impl TryFrom<pb::SetAttributesRequest> for Ask<AttributesQuery> {
    type Error = Error;

    fn try_from(request: pb::SetAttributesRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.count("changes", request.changes.len(), 1..=limits::BATCH_MAX);
        let oov = oov(&mut fields, request.oov);
        let mut bytes = 0;
        let changes = request.changes.into_iter().enumerate().map(|(i, change)| {
            fields.within(&format!("changes[{i}]"), |fields| {
                if change.set.is_empty() && change.remove.is_empty() {
                    fields.bad("set", "an attribute to set or to remove is needed");
                }
                fields.count("remove", change.remove.len(), 0..=limits::ATTRIBUTES_MAX);
                bytes += change.remove.iter().map(String::len).sum::<usize>();
                let set = attributes(fields, "set", change.set);
                bytes += attribute_bytes(&set);
                let query = row(fields, "query", change.query.unwrap_or_default());
                AttributesChange { query, remove: change.remove, set }
            })
        });
        let changes = changes.collect();
        check_bytes(&mut fields, "changes", bytes);
        fields.finish(|| Some(Self { table: table?, query: AttributesQuery { changes, oov } }))
    }
}

/// A word or row of the table.
fn row(fields: &mut Fields, field: &str, query: pb::WordOrVector) -> WordOrVector {
    use pb::word_or_vector::Query;
    if matches!(query.query, Some(Query::Vector(_) | Query::Text(_))) {
        fields.bad(field, "a write needs a word or a row");
    }
    fields.query(field, Some(query))
}

fn oov(fields: &mut Fields, oov: i32) -> OovPolicy {
    let policy = fields.oov(oov);
    if !matches!(policy, OovPolicy::Error | OovPolicy::Skip) {
        fields.bad("oov", "a write is about words of the table: ERROR or SKIP");
    }
    policy
}

fn check_bytes(fields: &mut Fields, field: &str, bytes: usize) {
    let max = limits::WRITE_BYTES_MAX;
    if bytes > max {
        fields.bad(
            field,
            format!("{bytes} bytes in one call, {max} allowed (WRITE_BYTES_MAX): make more calls"),
        );
    }
}

fn attribute_bytes(attributes: &Attributes) -> usize {
    attributes.iter().map(|(name, value)| name.len() + value.bytes()).sum()
}

fn attributes(
    fields: &mut Fields,
    field: &str,
    attributes: HashMap<String, pb::AttributeValue>,
) -> Attributes {
    fields.count(field, attributes.len(), 0..=limits::ATTRIBUTES_MAX);
    let mut read = Attributes::new();
    for (name, value) in attributes {
        let path = format!("{field}[{name:?}]");
        fields.check(check_name(&name, &path));
        let value = fields.attribute_value(&path, value);
        read.set(name, value);
    }
    read
}

impl From<Acknowledged<PutAnswer>> for pb::PutVectorsResponse {
    fn from(done: Acknowledged<PutAnswer>) -> Self {
        let Acknowledged { table, generation, sequence, answer } = done;
        Self {
            table: table.to_string(),
            generation,
            rows: answer.rows.into_iter().map(|row| row.0).collect(),
            added_count: wire::count(answer.added),
            overwritten_count: wire::count(answer.overwritten),
            sequence,
        }
    }
}

impl From<Acknowledged<WriteAnswer>> for pb::DeleteWordsResponse {
    fn from(done: Acknowledged<WriteAnswer>) -> Self {
        let Acknowledged { table, generation, sequence, answer } = done;
        let (deleted_count, unknown_words) = (wire::count(answer.count), answer.unknown);
        let (table, left_count) = (table.to_string(), 0);
        Self { table, generation, deleted_count, unknown_words, sequence, left_count }
    }
}

impl From<Acknowledged<DeletedAnswer>> for pb::DeleteWordsResponse {
    fn from(done: Acknowledged<DeletedAnswer>) -> Self {
        let Acknowledged { table, generation, sequence, answer } = done;
        let (deleted_count, left_count) = (wire::count(answer.count), wire::count(answer.left));
        let (table, unknown_words) = (table.to_string(), Vec::new());
        Self { table, generation, deleted_count, unknown_words, sequence, left_count }
    }
}

impl From<Acknowledged<WriteAnswer>> for pb::SetAttributesResponse {
    fn from(done: Acknowledged<WriteAnswer>) -> Self {
        let Acknowledged { table, generation, sequence, answer } = done;
        let (changed_count, unknown_words) = (wire::count(answer.count), answer.unknown);
        Self { table: table.to_string(), generation, changed_count, unknown_words, sequence }
    }
}

/// Answers that tell how far an index is.
macro_rules! tells_index {
    ($($response:ident),*) => {$(
        impl From<TableStatus> for pb::$response {
            fn from(status: TableStatus) -> Self {
                Self {
                    table: status.meta.name.to_string(),
                    generation: status.meta.generation,
                    index: Some(status.index.into()),
                }
            }
        }
    )*};
}

tells_index!(GetIndexResponse, BuildIndexResponse, CancelBuildResponse);

impl From<RebuildStatus> for pb::Rebuild {
    fn from(rebuild: RebuildStatus) -> Self {
        let phase = match rebuild.phase {
            RebuildPhase::Idle => pb::RebuildPhase::Idle,
            RebuildPhase::Queued => pb::RebuildPhase::Queued,
            RebuildPhase::Copying => pb::RebuildPhase::Copying,
            RebuildPhase::Building => pb::RebuildPhase::Building,
            RebuildPhase::Failed => pb::RebuildPhase::Failed,
        };
        Self {
            phase: phase.into(),
            progress: rebuild.progress,
            seconds: rebuild.seconds,
            problem: rebuild.problem,
        }
    }
}
