//! TableService: which tables there are, and what stands in them.

use std::sync::Arc;
use std::time::Duration;

use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::engine::write::PutAnswer;
use crate::engine::{Acknowledged, Answer, Ask, Engine, IndexState, IndexStatus, TableStatus};
use crate::error::{Error, ErrorKind, Result};
use crate::format::Format;
use crate::index::IndexKind;
use crate::index::built::BuiltKind;
use crate::limits;
use crate::proto as pb;
use crate::proto::table_service_server::TableService;
use crate::query::facets::{FacetsAnswer, FacetsQuery};
use crate::query::filter::Filter;
use crate::query::health::{
    DuplicateGroup, HealthAnswer, HealthQuery, Hubs, Isotropy, Named as Example, NormBand,
};
use crate::query::lookup::{Layout, LookupAnswer, LookupQuery, Matrix, WordVector};
use crate::query::map::{MapCluster, MapLayout, MapQuery, ROW_BYTES, TableMap};
use crate::query::words::{Listed, Order, SampleQuery, WordsAnswer, WordsQuery};
use crate::query::{AnsweredBy, Included, WordsUsed};
use crate::server::access::Grant;
use crate::server::arrange;
use crate::server::desk::{Desk, grant_of};
use crate::server::job::Replies;
use crate::server::life::{NewName, Tables, aliases, deleted, index_choice};
use crate::server::text::Answered;
use crate::server::wire::{self, Fields, Named, Nothing, named};
use crate::table::attributes::{AttributeValue, check_name};
use crate::table::input::Inputs;
use crate::table::meta::{IndexChoice, InputsMeta, Provenance, Residence, TableName};
use crate::vector::RowId;

/// Words on a page if the question names no number.
const PAGE_DEFAULT: usize = 1_000;
/// Words of a sample, and values of an attribute, likewise.
const SOME: usize = 10;
/// What is drawn from a table, and the neighbors of each word, if a call for its health says nothing.
const HEALTH_SAMPLE: usize = 10_000;
const HUB_QUERIES: usize = 1_000;
const HUB_NEIGHBORS: usize = 10;
/// How often a stream of writes looks whether they are taken again.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

#[async_trait]
impl TableService for Desk {
    type PutVectorsStreamStream = Answered<pb::PutVectorsResponse>;

    async fn get_table(
        &self,
        request: Request<pb::GetTableRequest>,
    ) -> Result<Response<pb::GetTableResponse>, Status> {
        self.answer(request, |engine, Named(name)| engine.table(name)).await
    }

    async fn list_tables(
        &self,
        request: Request<pb::ListTablesRequest>,
    ) -> Result<Response<pb::ListTablesResponse>, Status> {
        let grant = grant_of(&request)?;
        self.answer(request, move |engine, Nothing| Ok(listed(engine.tables(), &grant))).await
    }

    async fn delete_table(
        &self,
        request: Request<pb::DeleteTableRequest>,
    ) -> Result<Response<pb::DeleteTableResponse>, Status> {
        let delete = |engine: &Engine, Named(name): &Named| {
            let deleted = engine.delete(std::slice::from_ref(name))?.pop();
            deleted.ok_or_else(|| Error::new(ErrorKind::TableNotFound { name: name.to_string() }))
        };
        self.answer(request, delete).await
    }

    async fn delete_tables(
        &self,
        request: Request<pb::DeleteTablesRequest>,
    ) -> Result<Response<pb::DeleteTablesResponse>, Status> {
        self.answer(request, |engine, Tables(names)| engine.delete(names).map(deleted)).await
    }

    async fn create_table(
        &self,
        request: Request<pb::CreateTableRequest>,
    ) -> Result<Response<pb::CreateTableResponse>, Status> {
        self.answer(request, Engine::create).await
    }

    async fn copy_table(
        &self,
        request: Request<pb::CopyTableRequest>,
    ) -> Result<Response<pb::CopyTableResponse>, Status> {
        self.answer(request, |engine, NewName { of, name }| engine.copy(of, name)).await
    }

    async fn rename_table(
        &self,
        request: Request<pb::RenameTableRequest>,
    ) -> Result<Response<pb::RenameTableResponse>, Status> {
        self.answer(request, |engine, NewName { of, name }| engine.rename(of, name)).await
    }

    async fn set_alias(
        &self,
        request: Request<pb::SetAliasRequest>,
    ) -> Result<Response<pb::SetAliasResponse>, Status> {
        self.answer(request, |engine, NewName { of, name }| engine.set_alias(name, of)).await
    }

    async fn remove_alias(
        &self,
        request: Request<pb::RemoveAliasRequest>,
    ) -> Result<Response<pb::RemoveAliasResponse>, Status> {
        self.answer(request, |engine, Named(name)| engine.remove_alias(name)).await
    }

    async fn list_aliases(
        &self,
        request: Request<pb::ListAliasesRequest>,
    ) -> Result<Response<pb::ListAliasesResponse>, Status> {
        let grant = grant_of(&request)?;
        self.answer(request, move |engine, Nothing| {
            let seen = engine.aliases().into_iter().filter(|alias| grant.sees(alias.name.as_str()));
            Ok(aliases(seen.collect()))
        })
        .await
    }

    async fn lookup(
        &self,
        request: Request<pb::LookupRequest>,
    ) -> Result<Response<pb::LookupResponse>, Status> {
        self.answer_short(request, Engine::lookup).await
    }

    async fn health(
        &self,
        request: Request<pb::HealthRequest>,
    ) -> Result<Response<pb::HealthResponse>, Status> {
        self.answer_long(request, Engine::health).await
    }

    async fn map(
        &self,
        request: Request<pb::MapRequest>,
    ) -> Result<Response<pb::MapResponse>, Status> {
        self.answer(request, Engine::map).await
    }

    type ArrangeMapStream = Replies<pb::ArrangeMapResponse>;

    async fn arrange_map(
        &self,
        request: Request<pb::ArrangeMapRequest>,
    ) -> Result<Response<Self::ArrangeMapStream>, Status> {
        arrange::arrange(self, request)
    }

    async fn list_words(
        &self,
        request: Request<pb::ListWordsRequest>,
    ) -> Result<Response<pb::ListWordsResponse>, Status> {
        self.answer(request, Engine::words).await
    }

    async fn sample_words(
        &self,
        request: Request<pb::SampleWordsRequest>,
    ) -> Result<Response<pb::SampleWordsResponse>, Status> {
        self.answer(request, Engine::sample_words).await
    }

    async fn count_words(
        &self,
        request: Request<pb::CountWordsRequest>,
    ) -> Result<Response<pb::CountWordsResponse>, Status> {
        self.answer(request, Engine::count_words).await
    }

    async fn facets(
        &self,
        request: Request<pb::FacetsRequest>,
    ) -> Result<Response<pb::FacetsResponse>, Status> {
        self.answer(request, Engine::facets).await
    }

    async fn put_vectors(
        &self,
        request: Request<pb::PutVectorsRequest>,
    ) -> Result<Response<pb::PutVectorsResponse>, Status> {
        self.answer_write(request, |put| &put.table, Engine::begin_put).await
    }

    async fn put_vectors_stream(
        &self,
        request: Request<Streaming<pb::PutVectorsRequest>>,
    ) -> Result<Response<Self::PutVectorsStreamStream>, Status> {
        self.each(request, |desk, call, message| async move {
            let table = TableName::try_from(message.table.clone())?;
            desk.read_for(&call, table.clone()).await?;
            while !desk.engine.takes_writes(&table)? {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            let reserving = Arc::clone(&call);
            let made = move |done: Acknowledged<PutAnswer>| {
                let message = pb::PutVectorsResponse::from(done);
                let reservation = reserving.reserve(&message)?;
                Ok((message, reservation))
            };
            desk.write(&call, None, message, Engine::begin_awaited_put, made).await
        })
    }

    async fn delete_words(
        &self,
        request: Request<pb::DeleteWordsRequest>,
    ) -> Result<Response<pb::DeleteWordsResponse>, Status> {
        if request.get_ref().queries.is_empty() && request.get_ref().filter.is_some() {
            return self.delete_by_filter(request).await;
        }
        self.answer_write(request, |delete| &delete.table, Engine::begin_delete).await
    }

    async fn set_attributes(
        &self,
        request: Request<pb::SetAttributesRequest>,
    ) -> Result<Response<pb::SetAttributesResponse>, Status> {
        self.answer_write(request, |set| &set.table, Engine::begin_attributes).await
    }

    async fn get_index(
        &self,
        request: Request<pb::GetIndexRequest>,
    ) -> Result<Response<pb::GetIndexResponse>, Status> {
        self.answer(request, |engine, Named(name)| engine.table(name)).await
    }

    async fn build_index(
        &self,
        request: Request<pb::BuildIndexRequest>,
    ) -> Result<Response<pb::BuildIndexResponse>, Status> {
        self.answer(request, |engine, IndexOf(table, index)| engine.build_index(table, *index))
            .await
    }

    async fn cancel_build(
        &self,
        request: Request<pb::CancelBuildRequest>,
    ) -> Result<Response<pb::CancelBuildResponse>, Status> {
        self.answer(request, |engine, Named(name)| engine.cancel_build(name)).await
    }
}

named!(GetTableRequest, DeleteTableRequest, GetIndexRequest, CancelBuildRequest);

/// A table, and the index that it is to have.
struct IndexOf(TableName, Option<IndexChoice>);

impl TryFrom<pb::BuildIndexRequest> for IndexOf {
    type Error = Error;

    fn try_from(request: pb::BuildIndexRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let index = request.index.map(|index| index_choice(fields.choice("index", index)));
        fields.finish(|| Some(Self(table?, index)))
    }
}

impl TryFrom<pb::ListTablesRequest> for Nothing {
    type Error = Error;

    fn try_from(_: pb::ListTablesRequest) -> Result<Self> {
        Ok(Self)
    }
}

/// The tables that a caller may name, be it by an alias.
fn listed(tables: Vec<TableStatus>, grant: &Grant) -> pb::ListTablesResponse {
    let told = tables.into_iter().map(pb::Table::from).filter_map(|mut table| {
        table.aliases.retain(|alias| grant.sees(alias));
        (grant.sees(&table.name) || !table.aliases.is_empty()).then_some(table)
    });
    pb::ListTablesResponse { tables: told.collect() }
}

impl From<TableStatus> for pb::Table {
    fn from(table: TableStatus) -> Self {
        Self {
            name: table.meta.name.to_string(),
            generation: table.meta.generation,
            row_count: table.meta.row_count,
            dim: table.meta.dim,
            dtype: pb::Dtype::from(table.meta.dtype).into(),
            metric: pb::Metric::Cosine.into(),
            provenance: Some(table.meta.provenance.into()),
            subwords: table.meta.subwords.map(|subwords| pb::Subwords {
                min_n: wire::count(subwords.min_n),
                max_n: wire::count(subwords.max_n),
                bucket_count: subwords.rows,
                disk_bytes: subwords.bytes,
            }),
            inputs: table.meta.inputs.map(|meta| inputs(meta, &table.inputs)),
            index: Some(table.index.into()),
            memory_bytes: table.memory_bytes as u64,
            problem: table.problem.unwrap_or_default(),
            aliases: table.aliases.iter().map(ToString::to_string).collect(),
            on_disk: table.meta.residence == Residence::Disk,
            mapped_bytes: table.mapped_bytes as u64,
        }
    }
}

fn inputs(meta: InputsMeta, inputs: &Inputs) -> pb::InputTables {
    let mut told = pb::InputTables { disk_bytes: meta.bytes, ..pb::InputTables::default() };
    match inputs {
        Some(Ok(inputs)) => {
            told.position_count =
                inputs.positions.as_ref().map_or(0, |positions| wire::count(positions.len()));
            told.first_position = wire::count(inputs.first_position);
            told.segment_count = wire::count(inputs.segment_count());
            told.layer_norm_eps = inputs.norm.as_ref().map(|norm| norm.eps);
        }
        Some(Err(problem)) => told.problem = problem.to_string(),
        None => {}
    }
    told
}

impl From<Provenance> for pb::Provenance {
    fn from(provenance: Provenance) -> Self {
        let format = Format::from_name(&provenance.format);
        Self {
            source: provenance.source,
            format: format.map_or(pb::Format::Rows, pb::Format::from).into(),
            source_bytes: provenance.source_bytes,
            imported_at: wire::time(provenance.imported_at),
            sha256: provenance.sha256,
            options: provenance.options,
            license: provenance.license,
            rows_read: provenance.rows_read,
        }
    }
}

fn wire_kind(kind: BuiltKind) -> pb::IndexKind {
    match kind {
        BuiltKind::Hnsw => pb::IndexKind::Hnsw,
        BuiltKind::Partition => pb::IndexKind::Partition,
    }
}

impl From<IndexStatus> for pb::IndexStatus {
    fn from(index: IndexStatus) -> Self {
        let state = match index.state {
            IndexState::NotNeeded => pb::IndexState::NotNeeded,
            IndexState::Queued => pb::IndexState::Queued,
            IndexState::Building => pb::IndexState::Building,
            IndexState::Ready => pb::IndexState::Ready,
            IndexState::Failed => pb::IndexState::Failed,
            IndexState::Stopped => pb::IndexState::Stopped,
        };
        Self {
            state: state.into(),
            progress: index.progress,
            build_seconds: index.build_seconds,
            kind: index.kind.map_or(pb::IndexKind::Unspecified, wire_kind).into(),
            leaf_count: index.leaves.map_or(0, wire::count),
            memory_bytes: index.memory_bytes as u64,
            links_max: index.links_max.map_or(0, wire::count),
            ef_construction: index.params.map_or(0, |params| wire::count(params.ef_construction)),
            ef_search: index.ef_search.map_or(0, wire::count),
            problem: index.problem,
            written_row_count: index.written_rows as u64,
            deleted_row_count: index.deleted_rows as u64,
            rebuild: Some(index.rebuild.into()),
        }
    }
}

impl TryFrom<pb::LookupRequest> for Ask<LookupQuery> {
    type Error = Error;

    fn try_from(request: pb::LookupRequest) -> Result<Self> {
        use pb::word_or_vector::Query;
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let queries = if request.keys.is_empty() {
            fields.count("queries", request.queries.len(), 1..=limits::BATCH_MAX);
            for (i, query) in request.queries.iter().enumerate() {
                if matches!(query.query, Some(Query::Vector(_) | Query::Text(_))) {
                    fields.bad(format_args!("queries[{i}]"), "a look-up needs a word or a row");
                }
            }
            fields.queries("queries", request.queries)
        } else {
            if !request.queries.is_empty() {
                fields.bad("keys", "give queries, or keys, not both");
            }
            fields.count("keys", request.keys.len(), 1..=limits::BATCH_MAX);
            fields.keys("keys", request.keys)
        };
        let query = LookupQuery {
            queries,
            unit: request.unit,
            layout: match (request.matrix, request.packed) {
                (true, _) => Layout::Matrix,
                (false, true) => Layout::Packed,
                (false, false) => Layout::Values,
            },
            words: fields.words_of_one_form("words", request.words),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<LookupAnswer>> for pb::LookupResponse {
    fn from(mut answer: Answer<LookupAnswer>) -> Self {
        let words = std::mem::take(&mut answer.answer.words);
        let info = wire::info(&answer, AnsweredBy::EXACT, words);
        let LookupAnswer { vectors, matrix, layout, .. } = answer.answer;
        let vector = |found: WordVector| word_vector(found, layout == Layout::Packed);
        Self {
            vectors: vectors.into_iter().map(|row| row.map(vector).unwrap_or_default()).collect(),
            answer: Some(info),
            matrix: matrix.map(pb::VectorMatrix::from),
        }
    }
}

impl From<Matrix> for pb::VectorMatrix {
    fn from(Matrix { packed, dim, missing }: Matrix) -> Self {
        let missing = missing.into_iter().map(wire::count).collect();
        Self { packed, dim: wire::count(dim), missing }
    }
}

fn word_vector(found: WordVector, packed: bool) -> pb::WordVector {
    let (word, word_bytes) = wire::shown(found.word);
    pb::WordVector {
        word,
        row: found.row.map_or(0, |row| row.0),
        found: found.made_by.is_none(),
        made_by: found.made_by.map_or(pb::OovPolicy::Unspecified, wire::policy).into(),
        vector: Some(wire::vector(found.vector, packed)),
        norm: found.norm,
        word_bytes,
        attributes: wire::told(&found.attributes),
    }
}

impl TryFrom<pb::ListWordsRequest> for Ask<WordsQuery> {
    type Error = Error;

    fn try_from(request: pb::ListWordsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let page_size =
            fields.number("page_size", request.page_size, 1..=limits::PAGE_MAX, PAGE_DEFAULT);
        let order = request.order.map(|pb::WordOrder { attribute, descending }| {
            fields.check(check_name(&attribute, "order.attribute"));
            Order { attribute, is_descending: descending }
        });
        let query = WordsQuery {
            prefix: request.prefix.into_bytes(),
            page_size,
            page_token: request.page_token,
            filter: fields.filter(request.filter),
            offset: usize::try_from(request.offset).unwrap_or(usize::MAX),
            order,
            include: wire::include(request.include),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<WordsAnswer>> for pb::ListWordsResponse {
    fn from(answer: Answer<WordsAnswer>) -> Self {
        let mut info = wire::info(&answer, AnsweredBy::EXACT, WordsUsed::default());
        info.allowed_rows = answer.answer.allowed_rows.map(wire::count);
        Self {
            words: answer.answer.words.into_iter().map(word).collect(),
            next_page_token: answer.answer.next_page_token,
            answer: Some(info),
        }
    }
}

fn word(listed: Listed) -> pb::list_words_response::Word {
    let (word, word_bytes) = wire::shown(listed.word);
    let Included { attributes, vector, norm, packed } = listed.included;
    pb::list_words_response::Word {
        word,
        row: listed.row.0,
        word_bytes,
        attributes: wire::told(&attributes),
        vector: vector.map(|values| wire::vector(values, packed)),
        norm,
    }
}

impl TryFrom<pb::SampleWordsRequest> for Ask<SampleQuery> {
    type Error = Error;

    fn try_from(request: pb::SampleWordsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let query = SampleQuery {
            count: fields.number("count", request.count, 1..=limits::PAGE_MAX, SOME),
            seed: request.seed,
            filter: fields.filter(request.filter),
            include: wire::include(request.include),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<WordsAnswer>> for pb::SampleWordsResponse {
    fn from(answer: Answer<WordsAnswer>) -> Self {
        let pb::ListWordsResponse { words, answer, .. } = answer.into();
        Self { words, answer }
    }
}

impl TryFrom<pb::CountWordsRequest> for Ask<Option<Filter>> {
    type Error = Error;

    fn try_from(request: pb::CountWordsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let query = fields.filter(request.filter);
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<usize>> for pb::CountWordsResponse {
    fn from(answer: Answer<usize>) -> Self {
        let info = wire::info(&answer, AnsweredBy::EXACT, WordsUsed::default());
        Self { count: answer.answer as u64, answer: Some(info) }
    }
}

impl TryFrom<pb::FacetsRequest> for Ask<FacetsQuery> {
    type Error = Error;

    fn try_from(request: pb::FacetsRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        fields.check(check_name(&request.attribute, "attribute"));
        let query = FacetsQuery {
            attribute: request.attribute,
            limit: fields.number("limit", request.limit, 1..=limits::FACETS_MAX, SOME),
            filter: fields.filter(request.filter),
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<FacetsAnswer>> for pb::FacetsResponse {
    fn from(answer: Answer<FacetsAnswer>) -> Self {
        let info = wire::info(&answer, AnsweredBy::EXACT, WordsUsed::default());
        let FacetsAnswer { facets, distinct, having, rows } = answer.answer;
        let facet = |(value, count): (AttributeValue, usize)| pb::facets_response::Facet {
            value: Some(wire::told_value(&value)),
            count: count as u64,
        };
        Self {
            facets: facets.into_iter().map(facet).collect(),
            distinct_count: distinct as u64,
            having_count: having as u64,
            word_count: rows as u64,
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::HealthRequest> for Ask<HealthQuery> {
    type Error = Error;

    fn try_from(request: pb::HealthRequest) -> Result<Self> {
        use limits::{HEALTH_SAMPLE_MAX, HUB_NEIGHBORS_MAX, HUB_QUERIES_MAX};
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let mut number = |field, value, max, default| fields.number(field, value, 1..=max, default);
        let query = HealthQuery {
            sample: number("sample", request.sample, HEALTH_SAMPLE_MAX, HEALTH_SAMPLE),
            hub_queries: number("hub_queries", request.hub_queries, HUB_QUERIES_MAX, HUB_QUERIES),
            k: number("k", request.k, HUB_NEIGHBORS_MAX, HUB_NEIGHBORS),
            seed: request.seed,
            examples: limits::EXAMPLES_MAX,
        };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<HealthAnswer>> for pb::HealthResponse {
    fn from(answer: Answer<HealthAnswer>) -> Self {
        let kind = answer.answer.hubs.by.unwrap_or(IndexKind::Exact);
        let answered_by = AnsweredBy { kind, ef_search: None };
        let info = wire::info(&answer, answered_by, WordsUsed::default());
        let health = answer.answer;
        Self {
            row_count: health.row_count as u64,
            zero_count: health.zero_count as u64,
            zero_examples: health.zero_examples.into_iter().map(example).collect(),
            duplicate_count: health.duplicate_count as u64,
            duplicate_group_count: health.duplicate_group_count as u64,
            duplicates: health.duplicates.into_iter().map(group).collect(),
            norms: health.norms.into_iter().map(norm_band).collect(),
            isotropy: Some(isotropy(health.isotropy)),
            hubs: Some(hubs(health.hubs)),
            answer: Some(info),
        }
    }
}

impl TryFrom<pb::MapRequest> for Ask<MapQuery> {
    type Error = Error;

    fn try_from(request: pb::MapRequest) -> Result<Self> {
        let mut fields = Fields::default();
        let table = fields.table(request.table);
        let layout = match fields.choice("layout", request.layout) {
            pb::MapLayout::Unspecified | pb::MapLayout::Components => MapLayout::Components,
            pb::MapLayout::Neighbors => MapLayout::Neighbors,
        };
        let query = MapQuery { layout, places: !request.without_places };
        fields.finish(|| Some(Self { table: table?, query }))
    }
}

impl From<Answer<(Arc<TableMap>, bool)>> for pb::MapResponse {
    fn from(answer: Answer<(Arc<TableMap>, bool)>) -> Self {
        let info = wire::info(&answer, AnsweredBy::EXACT, WordsUsed::default());
        let (map, places) = answer.answer;
        Self {
            places: if places { map.places.clone() } else { Vec::new() },
            row_count: wire::count(map.places.len() / ROW_BYTES),
            placed_count: wire::count(map.placed_count),
            scale: map.scale,
            component_shares: map.component_shares.clone(),
            component_row_count: wire::count(map.component_row_count),
            length_max: map.length_max,
            clusters: map.clusters.iter().map(map_cluster).collect(),
            answer: Some(info),
        }
    }
}

fn map_cluster(MapCluster { row_count, words }: &MapCluster) -> pb::map_response::MapCluster {
    let word = |(word, row): &(Vec<u8>, RowId)| {
        let (word, _) = wire::shown(word.clone());
        pb::map_response::MapWord { word, row: row.0 }
    };
    let words = words.iter().map(word).collect();
    pb::map_response::MapCluster { row_count: wire::count(*row_count), words }
}

fn example(Example { word, row }: Example) -> pb::health_response::HealthWord {
    let (word, word_bytes) = wire::shown(word);
    pb::health_response::HealthWord { word, row: row.0, word_bytes, occurrence_count: 0 }
}

fn group(group: DuplicateGroup) -> pb::health_response::DuplicateGroup {
    pb::health_response::DuplicateGroup {
        row_count: wire::count(group.count),
        examples: group.examples.into_iter().map(example).collect(),
    }
}

fn norm_band(band: NormBand) -> pb::health_response::NormBand {
    pb::health_response::NormBand {
        start_row: wire::count(band.start),
        end_row: wire::count(band.end),
        row_count: wire::count(band.count),
        min: band.min,
        median: band.median,
        mean: band.mean,
        max: band.max,
    }
}

fn isotropy(isotropy: Isotropy) -> pb::health_response::Isotropy {
    pb::health_response::Isotropy {
        pair_count: wire::count(isotropy.pair_count),
        mean_similarity: isotropy.mean_similarity,
        mean_similarity_error: isotropy.mean_similarity_error,
        mean_length: isotropy.mean_length,
        component_row_count: wire::count(isotropy.component_row_count),
        component_shares: isotropy.component_shares,
    }
}

fn hubs(hubs: Hubs) -> pb::health_response::Hubs {
    let hub = |(named, count)| pb::health_response::HealthWord {
        occurrence_count: wire::count(count),
        ..example(named)
    };
    pb::health_response::Hubs {
        query_count: wire::count(hubs.query_count),
        k: wire::count(hubs.k),
        mean: hubs.mean,
        skewness: hubs.skewness,
        never_share: hubs.never_share,
        largest: hubs.largest.into_iter().map(hub).collect(),
    }
}
