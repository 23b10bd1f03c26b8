import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from wordspace.v1 import common_pb2 as _common_pb2
from wordspace.v1 import transfer_pb2 as _transfer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IndexState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INDEX_STATE_UNSPECIFIED: _ClassVar[IndexState]
    INDEX_STATE_NOT_NEEDED: _ClassVar[IndexState]
    INDEX_STATE_QUEUED: _ClassVar[IndexState]
    INDEX_STATE_BUILDING: _ClassVar[IndexState]
    INDEX_STATE_READY: _ClassVar[IndexState]
    INDEX_STATE_FAILED: _ClassVar[IndexState]
    INDEX_STATE_STOPPED: _ClassVar[IndexState]

class RebuildPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REBUILD_PHASE_UNSPECIFIED: _ClassVar[RebuildPhase]
    REBUILD_PHASE_IDLE: _ClassVar[RebuildPhase]
    REBUILD_PHASE_QUEUED: _ClassVar[RebuildPhase]
    REBUILD_PHASE_COPYING: _ClassVar[RebuildPhase]
    REBUILD_PHASE_BUILDING: _ClassVar[RebuildPhase]
    REBUILD_PHASE_FAILED: _ClassVar[RebuildPhase]

class PutMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PUT_MODE_UNSPECIFIED: _ClassVar[PutMode]
    PUT_MODE_UPSERT: _ClassVar[PutMode]
    PUT_MODE_INSERT_ONLY: _ClassVar[PutMode]
    PUT_MODE_UPDATE_ONLY: _ClassVar[PutMode]

class MapLayout(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MAP_LAYOUT_UNSPECIFIED: _ClassVar[MapLayout]
    MAP_LAYOUT_COMPONENTS: _ClassVar[MapLayout]
    MAP_LAYOUT_NEIGHBORS: _ClassVar[MapLayout]
INDEX_STATE_UNSPECIFIED: IndexState
INDEX_STATE_NOT_NEEDED: IndexState
INDEX_STATE_QUEUED: IndexState
INDEX_STATE_BUILDING: IndexState
INDEX_STATE_READY: IndexState
INDEX_STATE_FAILED: IndexState
INDEX_STATE_STOPPED: IndexState
REBUILD_PHASE_UNSPECIFIED: RebuildPhase
REBUILD_PHASE_IDLE: RebuildPhase
REBUILD_PHASE_QUEUED: RebuildPhase
REBUILD_PHASE_COPYING: RebuildPhase
REBUILD_PHASE_BUILDING: RebuildPhase
REBUILD_PHASE_FAILED: RebuildPhase
PUT_MODE_UNSPECIFIED: PutMode
PUT_MODE_UPSERT: PutMode
PUT_MODE_INSERT_ONLY: PutMode
PUT_MODE_UPDATE_ONLY: PutMode
MAP_LAYOUT_UNSPECIFIED: MapLayout
MAP_LAYOUT_COMPONENTS: MapLayout
MAP_LAYOUT_NEIGHBORS: MapLayout

class Table(_message.Message):
    __slots__ = ("name", "generation", "row_count", "dim", "dtype", "metric", "provenance", "index", "memory_bytes", "problem", "subwords", "inputs", "aliases", "on_disk", "mapped_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    SUBWORDS_FIELD_NUMBER: _ClassVar[int]
    INPUTS_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    ON_DISK_FIELD_NUMBER: _ClassVar[int]
    MAPPED_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    generation: int
    row_count: int
    dim: int
    dtype: _common_pb2.Dtype
    metric: _common_pb2.Metric
    provenance: Provenance
    index: IndexStatus
    memory_bytes: int
    problem: str
    subwords: Subwords
    inputs: InputTables
    aliases: _containers.RepeatedScalarFieldContainer[str]
    on_disk: bool
    mapped_bytes: int
    def __init__(self, name: _Optional[str] = ..., generation: _Optional[int] = ..., row_count: _Optional[int] = ..., dim: _Optional[int] = ..., dtype: _Optional[_Union[_common_pb2.Dtype, str]] = ..., metric: _Optional[_Union[_common_pb2.Metric, str]] = ..., provenance: _Optional[_Union[Provenance, _Mapping]] = ..., index: _Optional[_Union[IndexStatus, _Mapping]] = ..., memory_bytes: _Optional[int] = ..., problem: _Optional[str] = ..., subwords: _Optional[_Union[Subwords, _Mapping]] = ..., inputs: _Optional[_Union[InputTables, _Mapping]] = ..., aliases: _Optional[_Iterable[str]] = ..., on_disk: _Optional[bool] = ..., mapped_bytes: _Optional[int] = ...) -> None: ...

class InputTables(_message.Message):
    __slots__ = ("position_count", "first_position", "segment_count", "layer_norm_eps", "disk_bytes", "problem")
    POSITION_COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_POSITION_FIELD_NUMBER: _ClassVar[int]
    SEGMENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAYER_NORM_EPS_FIELD_NUMBER: _ClassVar[int]
    DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    position_count: int
    first_position: int
    segment_count: int
    layer_norm_eps: float
    disk_bytes: int
    problem: str
    def __init__(self, position_count: _Optional[int] = ..., first_position: _Optional[int] = ..., segment_count: _Optional[int] = ..., layer_norm_eps: _Optional[float] = ..., disk_bytes: _Optional[int] = ..., problem: _Optional[str] = ...) -> None: ...

class Subwords(_message.Message):
    __slots__ = ("min_n", "max_n", "bucket_count", "disk_bytes")
    MIN_N_FIELD_NUMBER: _ClassVar[int]
    MAX_N_FIELD_NUMBER: _ClassVar[int]
    BUCKET_COUNT_FIELD_NUMBER: _ClassVar[int]
    DISK_BYTES_FIELD_NUMBER: _ClassVar[int]
    min_n: int
    max_n: int
    bucket_count: int
    disk_bytes: int
    def __init__(self, min_n: _Optional[int] = ..., max_n: _Optional[int] = ..., bucket_count: _Optional[int] = ..., disk_bytes: _Optional[int] = ...) -> None: ...

class Provenance(_message.Message):
    __slots__ = ("source", "format", "source_bytes", "imported_at", "sha256", "options", "license", "rows_read")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_BYTES_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_AT_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    ROWS_READ_FIELD_NUMBER: _ClassVar[int]
    source: str
    format: _transfer_pb2.Format
    source_bytes: int
    imported_at: _timestamp_pb2.Timestamp
    sha256: str
    options: str
    license: str
    rows_read: int
    def __init__(self, source: _Optional[str] = ..., format: _Optional[_Union[_transfer_pb2.Format, str]] = ..., source_bytes: _Optional[int] = ..., imported_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sha256: _Optional[str] = ..., options: _Optional[str] = ..., license: _Optional[str] = ..., rows_read: _Optional[int] = ...) -> None: ...

class Rebuild(_message.Message):
    __slots__ = ("phase", "progress", "seconds", "problem")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    phase: RebuildPhase
    progress: float
    seconds: float
    problem: str
    def __init__(self, phase: _Optional[_Union[RebuildPhase, str]] = ..., progress: _Optional[float] = ..., seconds: _Optional[float] = ..., problem: _Optional[str] = ...) -> None: ...

class IndexStatus(_message.Message):
    __slots__ = ("state", "progress", "build_seconds", "links_max", "ef_construction", "ef_search", "problem", "written_row_count", "deleted_row_count", "rebuild", "kind", "leaf_count", "memory_bytes")
    STATE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    BUILD_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LINKS_MAX_FIELD_NUMBER: _ClassVar[int]
    EF_CONSTRUCTION_FIELD_NUMBER: _ClassVar[int]
    EF_SEARCH_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    DELETED_ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    REBUILD_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LEAF_COUNT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    state: IndexState
    progress: float
    build_seconds: float
    links_max: int
    ef_construction: int
    ef_search: int
    problem: str
    written_row_count: int
    deleted_row_count: int
    rebuild: Rebuild
    kind: _common_pb2.IndexKind
    leaf_count: int
    memory_bytes: int
    def __init__(self, state: _Optional[_Union[IndexState, str]] = ..., progress: _Optional[float] = ..., build_seconds: _Optional[float] = ..., links_max: _Optional[int] = ..., ef_construction: _Optional[int] = ..., ef_search: _Optional[int] = ..., problem: _Optional[str] = ..., written_row_count: _Optional[int] = ..., deleted_row_count: _Optional[int] = ..., rebuild: _Optional[_Union[Rebuild, _Mapping]] = ..., kind: _Optional[_Union[_common_pb2.IndexKind, str]] = ..., leaf_count: _Optional[int] = ..., memory_bytes: _Optional[int] = ...) -> None: ...

class GetTableRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class GetTableResponse(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: Table
    def __init__(self, table: _Optional[_Union[Table, _Mapping]] = ...) -> None: ...

class ListTablesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTablesResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[Table]
    def __init__(self, tables: _Optional[_Iterable[_Union[Table, _Mapping]]] = ...) -> None: ...

class CreateTableRequest(_message.Message):
    __slots__ = ("table", "dim", "dtype", "index", "tokenizer", "license", "on_disk")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    ON_DISK_FIELD_NUMBER: _ClassVar[int]
    table: str
    dim: int
    dtype: _common_pb2.Dtype
    index: _common_pb2.IndexKind
    tokenizer: str
    license: str
    on_disk: bool
    def __init__(self, table: _Optional[str] = ..., dim: _Optional[int] = ..., dtype: _Optional[_Union[_common_pb2.Dtype, str]] = ..., index: _Optional[_Union[_common_pb2.IndexKind, str]] = ..., tokenizer: _Optional[str] = ..., license: _Optional[str] = ..., on_disk: _Optional[bool] = ...) -> None: ...

class CreateTableResponse(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: Table
    def __init__(self, table: _Optional[_Union[Table, _Mapping]] = ...) -> None: ...

class CopyTableRequest(_message.Message):
    __slots__ = ("table", "new_name")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    table: str
    new_name: str
    def __init__(self, table: _Optional[str] = ..., new_name: _Optional[str] = ...) -> None: ...

class CopyTableResponse(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: Table
    def __init__(self, table: _Optional[_Union[Table, _Mapping]] = ...) -> None: ...

class RenameTableRequest(_message.Message):
    __slots__ = ("table", "new_name")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    table: str
    new_name: str
    def __init__(self, table: _Optional[str] = ..., new_name: _Optional[str] = ...) -> None: ...

class RenameTableResponse(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: Table
    def __init__(self, table: _Optional[_Union[Table, _Mapping]] = ...) -> None: ...

class Alias(_message.Message):
    __slots__ = ("name", "table")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    table: str
    def __init__(self, name: _Optional[str] = ..., table: _Optional[str] = ...) -> None: ...

class SetAliasRequest(_message.Message):
    __slots__ = ("alias", "table")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    alias: str
    table: str
    def __init__(self, alias: _Optional[str] = ..., table: _Optional[str] = ...) -> None: ...

class SetAliasResponse(_message.Message):
    __slots__ = ("alias", "previous_table")
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    PREVIOUS_TABLE_FIELD_NUMBER: _ClassVar[int]
    alias: Alias
    previous_table: str
    def __init__(self, alias: _Optional[_Union[Alias, _Mapping]] = ..., previous_table: _Optional[str] = ...) -> None: ...

class RemoveAliasRequest(_message.Message):
    __slots__ = ("alias",)
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    alias: str
    def __init__(self, alias: _Optional[str] = ...) -> None: ...

class RemoveAliasResponse(_message.Message):
    __slots__ = ("alias",)
    ALIAS_FIELD_NUMBER: _ClassVar[int]
    alias: Alias
    def __init__(self, alias: _Optional[_Union[Alias, _Mapping]] = ...) -> None: ...

class ListAliasesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAliasesResponse(_message.Message):
    __slots__ = ("aliases",)
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    aliases: _containers.RepeatedCompositeFieldContainer[Alias]
    def __init__(self, aliases: _Optional[_Iterable[_Union[Alias, _Mapping]]] = ...) -> None: ...

class DeleteTablesRequest(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, tables: _Optional[_Iterable[str]] = ...) -> None: ...

class DeleteTablesResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[Table]
    def __init__(self, tables: _Optional[_Iterable[_Union[Table, _Mapping]]] = ...) -> None: ...

class DeleteTableRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class DeleteTableResponse(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: Table
    def __init__(self, table: _Optional[_Union[Table, _Mapping]] = ...) -> None: ...

class LookupRequest(_message.Message):
    __slots__ = ("table", "queries", "unit", "words", "packed", "keys", "matrix")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    PACKED_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    MATRIX_FIELD_NUMBER: _ClassVar[int]
    table: str
    queries: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    unit: bool
    words: _common_pb2.WordOptions
    packed: bool
    keys: _containers.RepeatedScalarFieldContainer[str]
    matrix: bool
    def __init__(self, table: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., unit: _Optional[bool] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., packed: _Optional[bool] = ..., keys: _Optional[_Iterable[str]] = ..., matrix: _Optional[bool] = ...) -> None: ...

class LookupResponse(_message.Message):
    __slots__ = ("vectors", "answer", "matrix")
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    MATRIX_FIELD_NUMBER: _ClassVar[int]
    vectors: _containers.RepeatedCompositeFieldContainer[WordVector]
    answer: _common_pb2.AnswerInfo
    matrix: VectorMatrix
    def __init__(self, vectors: _Optional[_Iterable[_Union[WordVector, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., matrix: _Optional[_Union[VectorMatrix, _Mapping]] = ...) -> None: ...

class VectorMatrix(_message.Message):
    __slots__ = ("packed", "dim", "missing")
    PACKED_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    packed: bytes
    dim: int
    missing: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, packed: _Optional[bytes] = ..., dim: _Optional[int] = ..., missing: _Optional[_Iterable[int]] = ...) -> None: ...

class WordVector(_message.Message):
    __slots__ = ("word", "row", "found", "vector", "norm", "word_bytes", "attributes", "made_by")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _common_pb2.AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_common_pb2.AttributeValue, _Mapping]] = ...) -> None: ...
    WORD_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    NORM_FIELD_NUMBER: _ClassVar[int]
    WORD_BYTES_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    word: str
    row: int
    found: bool
    vector: _common_pb2.Vector
    norm: float
    word_bytes: bytes
    attributes: _containers.MessageMap[str, _common_pb2.AttributeValue]
    made_by: _common_pb2.OovPolicy
    def __init__(self, word: _Optional[str] = ..., row: _Optional[int] = ..., found: _Optional[bool] = ..., vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., norm: _Optional[float] = ..., word_bytes: _Optional[bytes] = ..., attributes: _Optional[_Mapping[str, _common_pb2.AttributeValue]] = ..., made_by: _Optional[_Union[_common_pb2.OovPolicy, str]] = ...) -> None: ...

class ListWordsRequest(_message.Message):
    __slots__ = ("table", "prefix", "page_size", "page_token", "filter", "offset", "order", "include")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    table: str
    prefix: str
    page_size: int
    page_token: str
    filter: _common_pb2.Filter
    offset: int
    order: WordOrder
    include: _common_pb2.Include
    def __init__(self, table: _Optional[str] = ..., prefix: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., offset: _Optional[int] = ..., order: _Optional[_Union[WordOrder, _Mapping]] = ..., include: _Optional[_Union[_common_pb2.Include, _Mapping]] = ...) -> None: ...

class WordOrder(_message.Message):
    __slots__ = ("attribute", "descending")
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    DESCENDING_FIELD_NUMBER: _ClassVar[int]
    attribute: str
    descending: bool
    def __init__(self, attribute: _Optional[str] = ..., descending: _Optional[bool] = ...) -> None: ...

class ListWordsResponse(_message.Message):
    __slots__ = ("words", "next_page_token", "answer")
    class Word(_message.Message):
        __slots__ = ("word", "row", "word_bytes", "attributes", "vector", "norm")
        class AttributesEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: _common_pb2.AttributeValue
            def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_common_pb2.AttributeValue, _Mapping]] = ...) -> None: ...
        WORD_FIELD_NUMBER: _ClassVar[int]
        ROW_FIELD_NUMBER: _ClassVar[int]
        WORD_BYTES_FIELD_NUMBER: _ClassVar[int]
        ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
        VECTOR_FIELD_NUMBER: _ClassVar[int]
        NORM_FIELD_NUMBER: _ClassVar[int]
        word: str
        row: int
        word_bytes: bytes
        attributes: _containers.MessageMap[str, _common_pb2.AttributeValue]
        vector: _common_pb2.Vector
        norm: float
        def __init__(self, word: _Optional[str] = ..., row: _Optional[int] = ..., word_bytes: _Optional[bytes] = ..., attributes: _Optional[_Mapping[str, _common_pb2.AttributeValue]] = ..., vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., norm: _Optional[float] = ...) -> None: ...
    WORDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    words: _containers.RepeatedCompositeFieldContainer[ListWordsResponse.Word]
    next_page_token: str
    answer: _common_pb2.AnswerInfo
    def __init__(self, words: _Optional[_Iterable[_Union[ListWordsResponse.Word, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class SampleWordsRequest(_message.Message):
    __slots__ = ("table", "count", "seed", "filter", "include")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    table: str
    count: int
    seed: int
    filter: _common_pb2.Filter
    include: _common_pb2.Include
    def __init__(self, table: _Optional[str] = ..., count: _Optional[int] = ..., seed: _Optional[int] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., include: _Optional[_Union[_common_pb2.Include, _Mapping]] = ...) -> None: ...

class SampleWordsResponse(_message.Message):
    __slots__ = ("words", "answer")
    WORDS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    words: _containers.RepeatedCompositeFieldContainer[ListWordsResponse.Word]
    answer: _common_pb2.AnswerInfo
    def __init__(self, words: _Optional[_Iterable[_Union[ListWordsResponse.Word, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class CountWordsRequest(_message.Message):
    __slots__ = ("table", "filter")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    table: str
    filter: _common_pb2.Filter
    def __init__(self, table: _Optional[str] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ...) -> None: ...

class CountWordsResponse(_message.Message):
    __slots__ = ("count", "answer")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    count: int
    answer: _common_pb2.AnswerInfo
    def __init__(self, count: _Optional[int] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class FacetsRequest(_message.Message):
    __slots__ = ("table", "attribute", "limit", "filter")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    table: str
    attribute: str
    limit: int
    filter: _common_pb2.Filter
    def __init__(self, table: _Optional[str] = ..., attribute: _Optional[str] = ..., limit: _Optional[int] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ...) -> None: ...

class FacetsResponse(_message.Message):
    __slots__ = ("facets", "distinct_count", "having_count", "word_count", "answer")
    class Facet(_message.Message):
        __slots__ = ("value", "count")
        VALUE_FIELD_NUMBER: _ClassVar[int]
        COUNT_FIELD_NUMBER: _ClassVar[int]
        value: _common_pb2.AttributeValue
        count: int
        def __init__(self, value: _Optional[_Union[_common_pb2.AttributeValue, _Mapping]] = ..., count: _Optional[int] = ...) -> None: ...
    FACETS_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_COUNT_FIELD_NUMBER: _ClassVar[int]
    HAVING_COUNT_FIELD_NUMBER: _ClassVar[int]
    WORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    facets: _containers.RepeatedCompositeFieldContainer[FacetsResponse.Facet]
    distinct_count: int
    having_count: int
    word_count: int
    answer: _common_pb2.AnswerInfo
    def __init__(self, facets: _Optional[_Iterable[_Union[FacetsResponse.Facet, _Mapping]]] = ..., distinct_count: _Optional[int] = ..., having_count: _Optional[int] = ..., word_count: _Optional[int] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class PutVectorsRequest(_message.Message):
    __slots__ = ("table", "words", "mode")
    class WordToPut(_message.Message):
        __slots__ = ("word", "word_bytes", "vector", "attributes")
        class AttributesEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: _common_pb2.AttributeValue
            def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_common_pb2.AttributeValue, _Mapping]] = ...) -> None: ...
        WORD_FIELD_NUMBER: _ClassVar[int]
        WORD_BYTES_FIELD_NUMBER: _ClassVar[int]
        VECTOR_FIELD_NUMBER: _ClassVar[int]
        ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
        word: str
        word_bytes: bytes
        vector: _common_pb2.Vector
        attributes: _containers.MessageMap[str, _common_pb2.AttributeValue]
        def __init__(self, word: _Optional[str] = ..., word_bytes: _Optional[bytes] = ..., vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., attributes: _Optional[_Mapping[str, _common_pb2.AttributeValue]] = ...) -> None: ...
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    table: str
    words: _containers.RepeatedCompositeFieldContainer[PutVectorsRequest.WordToPut]
    mode: PutMode
    def __init__(self, table: _Optional[str] = ..., words: _Optional[_Iterable[_Union[PutVectorsRequest.WordToPut, _Mapping]]] = ..., mode: _Optional[_Union[PutMode, str]] = ...) -> None: ...

class PutVectorsResponse(_message.Message):
    __slots__ = ("table", "generation", "rows", "added_count", "overwritten_count", "sequence")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    ADDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    OVERWRITTEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    rows: _containers.RepeatedScalarFieldContainer[int]
    added_count: int
    overwritten_count: int
    sequence: int
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., rows: _Optional[_Iterable[int]] = ..., added_count: _Optional[int] = ..., overwritten_count: _Optional[int] = ..., sequence: _Optional[int] = ...) -> None: ...

class DeleteWordsRequest(_message.Message):
    __slots__ = ("table", "queries", "oov", "filter")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    OOV_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    table: str
    queries: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    oov: _common_pb2.OovPolicy
    filter: _common_pb2.Filter
    def __init__(self, table: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., oov: _Optional[_Union[_common_pb2.OovPolicy, str]] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ...) -> None: ...

class DeleteWordsResponse(_message.Message):
    __slots__ = ("table", "generation", "deleted_count", "unknown_words", "sequence", "left_count")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    DELETED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_WORDS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LEFT_COUNT_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    deleted_count: int
    unknown_words: _containers.RepeatedScalarFieldContainer[str]
    sequence: int
    left_count: int
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., deleted_count: _Optional[int] = ..., unknown_words: _Optional[_Iterable[str]] = ..., sequence: _Optional[int] = ..., left_count: _Optional[int] = ...) -> None: ...

class SetAttributesRequest(_message.Message):
    __slots__ = ("table", "changes", "oov")
    class Change(_message.Message):
        __slots__ = ("query", "set", "remove")
        class SetEntry(_message.Message):
            __slots__ = ("key", "value")
            KEY_FIELD_NUMBER: _ClassVar[int]
            VALUE_FIELD_NUMBER: _ClassVar[int]
            key: str
            value: _common_pb2.AttributeValue
            def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_common_pb2.AttributeValue, _Mapping]] = ...) -> None: ...
        QUERY_FIELD_NUMBER: _ClassVar[int]
        SET_FIELD_NUMBER: _ClassVar[int]
        REMOVE_FIELD_NUMBER: _ClassVar[int]
        query: _common_pb2.WordOrVector
        set: _containers.MessageMap[str, _common_pb2.AttributeValue]
        remove: _containers.RepeatedScalarFieldContainer[str]
        def __init__(self, query: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., set: _Optional[_Mapping[str, _common_pb2.AttributeValue]] = ..., remove: _Optional[_Iterable[str]] = ...) -> None: ...
    TABLE_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    OOV_FIELD_NUMBER: _ClassVar[int]
    table: str
    changes: _containers.RepeatedCompositeFieldContainer[SetAttributesRequest.Change]
    oov: _common_pb2.OovPolicy
    def __init__(self, table: _Optional[str] = ..., changes: _Optional[_Iterable[_Union[SetAttributesRequest.Change, _Mapping]]] = ..., oov: _Optional[_Union[_common_pb2.OovPolicy, str]] = ...) -> None: ...

class SetAttributesResponse(_message.Message):
    __slots__ = ("table", "generation", "changed_count", "unknown_words", "sequence")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_WORDS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    changed_count: int
    unknown_words: _containers.RepeatedScalarFieldContainer[str]
    sequence: int
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., changed_count: _Optional[int] = ..., unknown_words: _Optional[_Iterable[str]] = ..., sequence: _Optional[int] = ...) -> None: ...

class GetIndexRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class GetIndexResponse(_message.Message):
    __slots__ = ("table", "generation", "index")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    index: IndexStatus
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., index: _Optional[_Union[IndexStatus, _Mapping]] = ...) -> None: ...

class BuildIndexRequest(_message.Message):
    __slots__ = ("table", "index")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    table: str
    index: _common_pb2.IndexKind
    def __init__(self, table: _Optional[str] = ..., index: _Optional[_Union[_common_pb2.IndexKind, str]] = ...) -> None: ...

class BuildIndexResponse(_message.Message):
    __slots__ = ("table", "generation", "index")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    index: IndexStatus
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., index: _Optional[_Union[IndexStatus, _Mapping]] = ...) -> None: ...

class CancelBuildRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class CancelBuildResponse(_message.Message):
    __slots__ = ("table", "generation", "index")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    index: IndexStatus
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., index: _Optional[_Union[IndexStatus, _Mapping]] = ...) -> None: ...

class HealthRequest(_message.Message):
    __slots__ = ("table", "sample", "hub_queries", "k", "seed")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    HUB_QUERIES_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    table: str
    sample: int
    hub_queries: int
    k: int
    seed: int
    def __init__(self, table: _Optional[str] = ..., sample: _Optional[int] = ..., hub_queries: _Optional[int] = ..., k: _Optional[int] = ..., seed: _Optional[int] = ...) -> None: ...

class HealthResponse(_message.Message):
    __slots__ = ("row_count", "zero_count", "zero_examples", "duplicate_count", "duplicate_group_count", "duplicates", "norms", "isotropy", "hubs", "answer")
    class HealthWord(_message.Message):
        __slots__ = ("word", "row", "word_bytes", "occurrence_count")
        WORD_FIELD_NUMBER: _ClassVar[int]
        ROW_FIELD_NUMBER: _ClassVar[int]
        WORD_BYTES_FIELD_NUMBER: _ClassVar[int]
        OCCURRENCE_COUNT_FIELD_NUMBER: _ClassVar[int]
        word: str
        row: int
        word_bytes: bytes
        occurrence_count: int
        def __init__(self, word: _Optional[str] = ..., row: _Optional[int] = ..., word_bytes: _Optional[bytes] = ..., occurrence_count: _Optional[int] = ...) -> None: ...
    class DuplicateGroup(_message.Message):
        __slots__ = ("row_count", "examples")
        ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
        EXAMPLES_FIELD_NUMBER: _ClassVar[int]
        row_count: int
        examples: _containers.RepeatedCompositeFieldContainer[HealthResponse.HealthWord]
        def __init__(self, row_count: _Optional[int] = ..., examples: _Optional[_Iterable[_Union[HealthResponse.HealthWord, _Mapping]]] = ...) -> None: ...
    class NormBand(_message.Message):
        __slots__ = ("start_row", "end_row", "row_count", "min", "median", "mean", "max")
        START_ROW_FIELD_NUMBER: _ClassVar[int]
        END_ROW_FIELD_NUMBER: _ClassVar[int]
        ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
        MIN_FIELD_NUMBER: _ClassVar[int]
        MEDIAN_FIELD_NUMBER: _ClassVar[int]
        MEAN_FIELD_NUMBER: _ClassVar[int]
        MAX_FIELD_NUMBER: _ClassVar[int]
        start_row: int
        end_row: int
        row_count: int
        min: float
        median: float
        mean: float
        max: float
        def __init__(self, start_row: _Optional[int] = ..., end_row: _Optional[int] = ..., row_count: _Optional[int] = ..., min: _Optional[float] = ..., median: _Optional[float] = ..., mean: _Optional[float] = ..., max: _Optional[float] = ...) -> None: ...
    class Isotropy(_message.Message):
        __slots__ = ("pair_count", "mean_similarity", "mean_similarity_error", "mean_length", "component_row_count", "component_shares")
        PAIR_COUNT_FIELD_NUMBER: _ClassVar[int]
        MEAN_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        MEAN_SIMILARITY_ERROR_FIELD_NUMBER: _ClassVar[int]
        MEAN_LENGTH_FIELD_NUMBER: _ClassVar[int]
        COMPONENT_ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
        COMPONENT_SHARES_FIELD_NUMBER: _ClassVar[int]
        pair_count: int
        mean_similarity: float
        mean_similarity_error: float
        mean_length: float
        component_row_count: int
        component_shares: _containers.RepeatedScalarFieldContainer[float]
        def __init__(self, pair_count: _Optional[int] = ..., mean_similarity: _Optional[float] = ..., mean_similarity_error: _Optional[float] = ..., mean_length: _Optional[float] = ..., component_row_count: _Optional[int] = ..., component_shares: _Optional[_Iterable[float]] = ...) -> None: ...
    class Hubs(_message.Message):
        __slots__ = ("query_count", "k", "mean", "skewness", "never_share", "largest")
        QUERY_COUNT_FIELD_NUMBER: _ClassVar[int]
        K_FIELD_NUMBER: _ClassVar[int]
        MEAN_FIELD_NUMBER: _ClassVar[int]
        SKEWNESS_FIELD_NUMBER: _ClassVar[int]
        NEVER_SHARE_FIELD_NUMBER: _ClassVar[int]
        LARGEST_FIELD_NUMBER: _ClassVar[int]
        query_count: int
        k: int
        mean: float
        skewness: float
        never_share: float
        largest: _containers.RepeatedCompositeFieldContainer[HealthResponse.HealthWord]
        def __init__(self, query_count: _Optional[int] = ..., k: _Optional[int] = ..., mean: _Optional[float] = ..., skewness: _Optional[float] = ..., never_share: _Optional[float] = ..., largest: _Optional[_Iterable[_Union[HealthResponse.HealthWord, _Mapping]]] = ...) -> None: ...
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    ZERO_COUNT_FIELD_NUMBER: _ClassVar[int]
    ZERO_EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    DUPLICATE_GROUP_COUNT_FIELD_NUMBER: _ClassVar[int]
    DUPLICATES_FIELD_NUMBER: _ClassVar[int]
    NORMS_FIELD_NUMBER: _ClassVar[int]
    ISOTROPY_FIELD_NUMBER: _ClassVar[int]
    HUBS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    row_count: int
    zero_count: int
    zero_examples: _containers.RepeatedCompositeFieldContainer[HealthResponse.HealthWord]
    duplicate_count: int
    duplicate_group_count: int
    duplicates: _containers.RepeatedCompositeFieldContainer[HealthResponse.DuplicateGroup]
    norms: _containers.RepeatedCompositeFieldContainer[HealthResponse.NormBand]
    isotropy: HealthResponse.Isotropy
    hubs: HealthResponse.Hubs
    answer: _common_pb2.AnswerInfo
    def __init__(self, row_count: _Optional[int] = ..., zero_count: _Optional[int] = ..., zero_examples: _Optional[_Iterable[_Union[HealthResponse.HealthWord, _Mapping]]] = ..., duplicate_count: _Optional[int] = ..., duplicate_group_count: _Optional[int] = ..., duplicates: _Optional[_Iterable[_Union[HealthResponse.DuplicateGroup, _Mapping]]] = ..., norms: _Optional[_Iterable[_Union[HealthResponse.NormBand, _Mapping]]] = ..., isotropy: _Optional[_Union[HealthResponse.Isotropy, _Mapping]] = ..., hubs: _Optional[_Union[HealthResponse.Hubs, _Mapping]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class MapRequest(_message.Message):
    __slots__ = ("table", "without_places", "layout")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_PLACES_FIELD_NUMBER: _ClassVar[int]
    LAYOUT_FIELD_NUMBER: _ClassVar[int]
    table: str
    without_places: bool
    layout: MapLayout
    def __init__(self, table: _Optional[str] = ..., without_places: _Optional[bool] = ..., layout: _Optional[_Union[MapLayout, str]] = ...) -> None: ...

class ArrangeMapRequest(_message.Message):
    __slots__ = ("table", "seed", "detach", "again")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    AGAIN_FIELD_NUMBER: _ClassVar[int]
    table: str
    seed: int
    detach: bool
    again: bool
    def __init__(self, table: _Optional[str] = ..., seed: _Optional[int] = ..., detach: _Optional[bool] = ..., again: _Optional[bool] = ...) -> None: ...

class ArrangeMapResponse(_message.Message):
    __slots__ = ("progress", "report", "job")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    progress: _common_pb2.JobProgress
    report: ArrangeMapReport
    job: _common_pb2.JobStarted
    def __init__(self, progress: _Optional[_Union[_common_pb2.JobProgress, _Mapping]] = ..., report: _Optional[_Union[ArrangeMapReport, _Mapping]] = ..., job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ...) -> None: ...

class ArrangeMapReport(_message.Message):
    __slots__ = ("table", "generation", "sequence", "placed_count", "seed", "was_there", "seconds")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PLACED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    WAS_THERE_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    sequence: int
    placed_count: int
    seed: int
    was_there: bool
    seconds: float
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., sequence: _Optional[int] = ..., placed_count: _Optional[int] = ..., seed: _Optional[int] = ..., was_there: _Optional[bool] = ..., seconds: _Optional[float] = ...) -> None: ...

class MapResponse(_message.Message):
    __slots__ = ("places", "row_count", "placed_count", "scale", "component_shares", "component_row_count", "length_max", "clusters", "answer")
    class MapCluster(_message.Message):
        __slots__ = ("row_count", "words")
        ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
        WORDS_FIELD_NUMBER: _ClassVar[int]
        row_count: int
        words: _containers.RepeatedCompositeFieldContainer[MapResponse.MapWord]
        def __init__(self, row_count: _Optional[int] = ..., words: _Optional[_Iterable[_Union[MapResponse.MapWord, _Mapping]]] = ...) -> None: ...
    class MapWord(_message.Message):
        __slots__ = ("word", "row")
        WORD_FIELD_NUMBER: _ClassVar[int]
        ROW_FIELD_NUMBER: _ClassVar[int]
        word: str
        row: int
        def __init__(self, word: _Optional[str] = ..., row: _Optional[int] = ...) -> None: ...
    PLACES_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    PLACED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SCALE_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_SHARES_FIELD_NUMBER: _ClassVar[int]
    COMPONENT_ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    LENGTH_MAX_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    places: bytes
    row_count: int
    placed_count: int
    scale: float
    component_shares: _containers.RepeatedScalarFieldContainer[float]
    component_row_count: int
    length_max: float
    clusters: _containers.RepeatedCompositeFieldContainer[MapResponse.MapCluster]
    answer: _common_pb2.AnswerInfo
    def __init__(self, places: _Optional[bytes] = ..., row_count: _Optional[int] = ..., placed_count: _Optional[int] = ..., scale: _Optional[float] = ..., component_shares: _Optional[_Iterable[float]] = ..., component_row_count: _Optional[int] = ..., length_max: _Optional[float] = ..., clusters: _Optional[_Iterable[_Union[MapResponse.MapCluster, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...
