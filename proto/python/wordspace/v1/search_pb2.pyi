from wordspace.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AnalogyMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANALOGY_METHOD_UNSPECIFIED: _ClassVar[AnalogyMethod]
    ANALOGY_METHOD_COS_ADD: _ClassVar[AnalogyMethod]
    ANALOGY_METHOD_COS_MUL: _ClassVar[AnalogyMethod]
    ANALOGY_METHOD_PAIR_DIRECTION: _ClassVar[AnalogyMethod]
    ANALOGY_METHOD_COS_AVG: _ClassVar[AnalogyMethod]
ANALOGY_METHOD_UNSPECIFIED: AnalogyMethod
ANALOGY_METHOD_COS_ADD: AnalogyMethod
ANALOGY_METHOD_COS_MUL: AnalogyMethod
ANALOGY_METHOD_PAIR_DIRECTION: AnalogyMethod
ANALOGY_METHOD_COS_AVG: AnalogyMethod

class NearestRequest(_message.Message):
    __slots__ = ("table", "positive", "negative", "k", "exclude_inputs", "exact", "ef_search", "min_similarity", "words", "filter", "min_recall", "diversity", "include", "group_by")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    POSITIVE_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_INPUTS_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    EF_SEARCH_FIELD_NUMBER: _ClassVar[int]
    MIN_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MIN_RECALL_FIELD_NUMBER: _ClassVar[int]
    DIVERSITY_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    table: str
    positive: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    negative: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    k: int
    exclude_inputs: bool
    exact: bool
    ef_search: int
    min_similarity: float
    words: _common_pb2.WordOptions
    filter: _common_pb2.Filter
    min_recall: float
    diversity: float
    include: _common_pb2.Include
    group_by: str
    def __init__(self, table: _Optional[str] = ..., positive: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., negative: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., k: _Optional[int] = ..., exclude_inputs: _Optional[bool] = ..., exact: _Optional[bool] = ..., ef_search: _Optional[int] = ..., min_similarity: _Optional[float] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., min_recall: _Optional[float] = ..., diversity: _Optional[float] = ..., include: _Optional[_Union[_common_pb2.Include, _Mapping]] = ..., group_by: _Optional[str] = ...) -> None: ...

class NearestResponse(_message.Message):
    __slots__ = ("neighbors", "answer", "within_count")
    NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    WITHIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    neighbors: _containers.RepeatedCompositeFieldContainer[_common_pb2.Neighbor]
    answer: _common_pb2.AnswerInfo
    within_count: int
    def __init__(self, neighbors: _Optional[_Iterable[_Union[_common_pb2.Neighbor, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., within_count: _Optional[int] = ...) -> None: ...

class NearestBatchRequest(_message.Message):
    __slots__ = ("table", "queries")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    table: str
    queries: _containers.RepeatedCompositeFieldContainer[NearestRequest]
    def __init__(self, table: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[NearestRequest, _Mapping]]] = ...) -> None: ...

class NearestBatchResponse(_message.Message):
    __slots__ = ("answers",)
    ANSWERS_FIELD_NUMBER: _ClassVar[int]
    answers: _containers.RepeatedCompositeFieldContainer[NearestResponse]
    def __init__(self, answers: _Optional[_Iterable[_Union[NearestResponse, _Mapping]]] = ...) -> None: ...

class NearestStreamRequest(_message.Message):
    __slots__ = ("id", "table", "queries")
    ID_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    id: int
    table: str
    queries: _containers.RepeatedCompositeFieldContainer[NearestRequest]
    def __init__(self, id: _Optional[int] = ..., table: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[NearestRequest, _Mapping]]] = ...) -> None: ...

class NearestStreamResponse(_message.Message):
    __slots__ = ("id", "results")
    ID_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    id: int
    results: _containers.RepeatedCompositeFieldContainer[NearestResult]
    def __init__(self, id: _Optional[int] = ..., results: _Optional[_Iterable[_Union[NearestResult, _Mapping]]] = ...) -> None: ...

class NearestResult(_message.Message):
    __slots__ = ("answer", "error")
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    answer: NearestResponse
    error: QueryError
    def __init__(self, answer: _Optional[_Union[NearestResponse, _Mapping]] = ..., error: _Optional[_Union[QueryError, _Mapping]] = ...) -> None: ...

class QueryError(_message.Message):
    __slots__ = ("code", "reason", "message", "metadata", "violations")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class Violation(_message.Message):
        __slots__ = ("field", "problem")
        FIELD_FIELD_NUMBER: _ClassVar[int]
        PROBLEM_FIELD_NUMBER: _ClassVar[int]
        field: str
        problem: str
        def __init__(self, field: _Optional[str] = ..., problem: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    message: str
    metadata: _containers.ScalarMap[str, str]
    violations: _containers.RepeatedCompositeFieldContainer[QueryError.Violation]
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., violations: _Optional[_Iterable[_Union[QueryError.Violation, _Mapping]]] = ...) -> None: ...

class AnalogyRequest(_message.Message):
    __slots__ = ("table", "a", "b", "c", "method", "k", "exclude_inputs", "with_inputs", "exact", "ef_search", "words", "filter", "min_recall", "examples")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    C_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_INPUTS_FIELD_NUMBER: _ClassVar[int]
    WITH_INPUTS_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    EF_SEARCH_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MIN_RECALL_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    table: str
    a: _common_pb2.WordOrVector
    b: _common_pb2.WordOrVector
    c: _common_pb2.WordOrVector
    method: AnalogyMethod
    k: int
    exclude_inputs: bool
    with_inputs: bool
    exact: bool
    ef_search: int
    words: _common_pb2.WordOptions
    filter: _common_pb2.Filter
    min_recall: float
    examples: _containers.RepeatedCompositeFieldContainer[AnalogyPair]
    def __init__(self, table: _Optional[str] = ..., a: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., b: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., c: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., method: _Optional[_Union[AnalogyMethod, str]] = ..., k: _Optional[int] = ..., exclude_inputs: _Optional[bool] = ..., with_inputs: _Optional[bool] = ..., exact: _Optional[bool] = ..., ef_search: _Optional[int] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., min_recall: _Optional[float] = ..., examples: _Optional[_Iterable[_Union[AnalogyPair, _Mapping]]] = ...) -> None: ...

class AnalogyPair(_message.Message):
    __slots__ = ("a", "b")
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    a: _common_pb2.WordOrVector
    b: _common_pb2.WordOrVector
    def __init__(self, a: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., b: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ...) -> None: ...

class AnalogyResponse(_message.Message):
    __slots__ = ("neighbors", "neighbors_with_inputs", "answer", "parts", "parts_with_inputs")
    NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
    NEIGHBORS_WITH_INPUTS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    PARTS_WITH_INPUTS_FIELD_NUMBER: _ClassVar[int]
    neighbors: _containers.RepeatedCompositeFieldContainer[_common_pb2.Neighbor]
    neighbors_with_inputs: _containers.RepeatedCompositeFieldContainer[_common_pb2.Neighbor]
    answer: _common_pb2.AnswerInfo
    parts: _containers.RepeatedCompositeFieldContainer[AnalogyParts]
    parts_with_inputs: _containers.RepeatedCompositeFieldContainer[AnalogyParts]
    def __init__(self, neighbors: _Optional[_Iterable[_Union[_common_pb2.Neighbor, _Mapping]]] = ..., neighbors_with_inputs: _Optional[_Iterable[_Union[_common_pb2.Neighbor, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., parts: _Optional[_Iterable[_Union[AnalogyParts, _Mapping]]] = ..., parts_with_inputs: _Optional[_Iterable[_Union[AnalogyParts, _Mapping]]] = ...) -> None: ...

class AnalogyParts(_message.Message):
    __slots__ = ("b", "a", "c")
    B_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    C_FIELD_NUMBER: _ClassVar[int]
    b: float
    a: float
    c: float
    def __init__(self, b: _Optional[float] = ..., a: _Optional[float] = ..., c: _Optional[float] = ...) -> None: ...

class SimilarityMatrixRequest(_message.Message):
    __slots__ = ("table", "rows", "columns", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    rows: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    columns: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., rows: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., columns: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class SimilarityMatrixResponse(_message.Message):
    __slots__ = ("rows", "columns", "similarities", "answer")
    class Label(_message.Message):
        __slots__ = ("index", "word")
        INDEX_FIELD_NUMBER: _ClassVar[int]
        WORD_FIELD_NUMBER: _ClassVar[int]
        index: int
        word: str
        def __init__(self, index: _Optional[int] = ..., word: _Optional[str] = ...) -> None: ...
    ROWS_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    SIMILARITIES_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[SimilarityMatrixResponse.Label]
    columns: _containers.RepeatedCompositeFieldContainer[SimilarityMatrixResponse.Label]
    similarities: _containers.RepeatedScalarFieldContainer[float]
    answer: _common_pb2.AnswerInfo
    def __init__(self, rows: _Optional[_Iterable[_Union[SimilarityMatrixResponse.Label, _Mapping]]] = ..., columns: _Optional[_Iterable[_Union[SimilarityMatrixResponse.Label, _Mapping]]] = ..., similarities: _Optional[_Iterable[float]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class SetSimilarityRequest(_message.Message):
    __slots__ = ("table", "a", "b", "unit", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    a: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    b: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    unit: bool
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., a: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., b: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., unit: _Optional[bool] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class SetSimilarityResponse(_message.Message):
    __slots__ = ("similarity", "mean_pair_similarity", "count_a", "count_b", "answer")
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    MEAN_PAIR_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    COUNT_A_FIELD_NUMBER: _ClassVar[int]
    COUNT_B_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    similarity: float
    mean_pair_similarity: float
    count_a: int
    count_b: int
    answer: _common_pb2.AnswerInfo
    def __init__(self, similarity: _Optional[float] = ..., mean_pair_similarity: _Optional[float] = ..., count_a: _Optional[int] = ..., count_b: _Optional[int] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class WordMoversRequest(_message.Message):
    __slots__ = ("table", "a", "b", "raw", "relaxed", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    RAW_FIELD_NUMBER: _ClassVar[int]
    RELAXED_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    a: _containers.RepeatedScalarFieldContainer[str]
    b: _containers.RepeatedScalarFieldContainer[str]
    raw: bool
    relaxed: bool
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., a: _Optional[_Iterable[str]] = ..., b: _Optional[_Iterable[str]] = ..., raw: _Optional[bool] = ..., relaxed: _Optional[bool] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class WordMoversResponse(_message.Message):
    __slots__ = ("distance", "relaxed_distance", "moves", "answer")
    class Move(_message.Message):
        __slots__ = ("to", "weight", "distance")
        FROM_FIELD_NUMBER: _ClassVar[int]
        TO_FIELD_NUMBER: _ClassVar[int]
        WEIGHT_FIELD_NUMBER: _ClassVar[int]
        DISTANCE_FIELD_NUMBER: _ClassVar[int]
        to: str
        weight: float
        distance: float
        def __init__(self, to: _Optional[str] = ..., weight: _Optional[float] = ..., distance: _Optional[float] = ..., **kwargs) -> None: ...
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    RELAXED_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    MOVES_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    distance: float
    relaxed_distance: float
    moves: _containers.RepeatedCompositeFieldContainer[WordMoversResponse.Move]
    answer: _common_pb2.AnswerInfo
    def __init__(self, distance: _Optional[float] = ..., relaxed_distance: _Optional[float] = ..., moves: _Optional[_Iterable[_Union[WordMoversResponse.Move, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class RankRequest(_message.Message):
    __slots__ = ("table", "a", "b", "words", "filter")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    table: str
    a: _common_pb2.WordOrVector
    b: _common_pb2.WordOrVector
    words: _common_pb2.WordOptions
    filter: _common_pb2.Filter
    def __init__(self, table: _Optional[str] = ..., a: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., b: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ...) -> None: ...

class RankResponse(_message.Message):
    __slots__ = ("rank", "similarity", "row_count", "answer")
    RANK_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    rank: int
    similarity: float
    row_count: int
    answer: _common_pb2.AnswerInfo
    def __init__(self, rank: _Optional[int] = ..., similarity: _Optional[float] = ..., row_count: _Optional[int] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class CloserThanRequest(_message.Message):
    __slots__ = ("table", "a", "b", "k", "words", "filter")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    table: str
    a: _common_pb2.WordOrVector
    b: _common_pb2.WordOrVector
    k: int
    words: _common_pb2.WordOptions
    filter: _common_pb2.Filter
    def __init__(self, table: _Optional[str] = ..., a: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., b: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., k: _Optional[int] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ...) -> None: ...

class CloserThanResponse(_message.Message):
    __slots__ = ("neighbors", "count", "similarity", "answer")
    NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    neighbors: _containers.RepeatedCompositeFieldContainer[_common_pb2.Neighbor]
    count: int
    similarity: float
    answer: _common_pb2.AnswerInfo
    def __init__(self, neighbors: _Optional[_Iterable[_Union[_common_pb2.Neighbor, _Mapping]]] = ..., count: _Optional[int] = ..., similarity: _Optional[float] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class RankedWord(_message.Message):
    __slots__ = ("index", "word", "similarity")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    index: int
    word: str
    similarity: float
    def __init__(self, index: _Optional[int] = ..., word: _Optional[str] = ..., similarity: _Optional[float] = ...) -> None: ...

class MostSimilarToGivenRequest(_message.Message):
    __slots__ = ("table", "query", "candidates", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    QUERY_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    query: _common_pb2.WordOrVector
    candidates: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., query: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., candidates: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class MostSimilarToGivenResponse(_message.Message):
    __slots__ = ("ranked", "answer")
    RANKED_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    ranked: _containers.RepeatedCompositeFieldContainer[RankedWord]
    answer: _common_pb2.AnswerInfo
    def __init__(self, ranked: _Optional[_Iterable[_Union[RankedWord, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class RelativeCosineRequest(_message.Message):
    __slots__ = ("table", "a", "b", "k", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    a: _common_pb2.WordOrVector
    b: _common_pb2.WordOrVector
    k: int
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., a: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., b: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., k: _Optional[int] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class RelativeCosineResponse(_message.Message):
    __slots__ = ("relative_cosine", "similarity", "neighbors_sum", "answer")
    RELATIVE_COSINE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    NEIGHBORS_SUM_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    relative_cosine: float
    similarity: float
    neighbors_sum: float
    answer: _common_pb2.AnswerInfo
    def __init__(self, relative_cosine: _Optional[float] = ..., similarity: _Optional[float] = ..., neighbors_sum: _Optional[float] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class RankByCentralityRequest(_message.Message):
    __slots__ = ("table", "queries", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    queries: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class RankByCentralityResponse(_message.Message):
    __slots__ = ("ranked", "answer")
    RANKED_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    ranked: _containers.RepeatedCompositeFieldContainer[RankedWord]
    answer: _common_pb2.AnswerInfo
    def __init__(self, ranked: _Optional[_Iterable[_Union[RankedWord, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class CompareRequest(_message.Message):
    __slots__ = ("table", "other", "words", "k", "anchors", "options")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    OTHER_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    ANCHORS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    table: str
    other: str
    words: _containers.RepeatedScalarFieldContainer[str]
    k: int
    anchors: int
    options: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., other: _Optional[str] = ..., words: _Optional[_Iterable[str]] = ..., k: _Optional[int] = ..., anchors: _Optional[int] = ..., options: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class CompareResponse(_message.Message):
    __slots__ = ("words", "anchor_count", "anchors_mean", "anchors_deviation", "not_aligned", "answer", "other_answer")
    class ComparedWord(_message.Message):
        __slots__ = ("word", "neighbors", "other_neighbors", "shared", "overlap", "neighborhood_similarity", "aligned_similarity")
        WORD_FIELD_NUMBER: _ClassVar[int]
        NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
        OTHER_NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
        SHARED_FIELD_NUMBER: _ClassVar[int]
        OVERLAP_FIELD_NUMBER: _ClassVar[int]
        NEIGHBORHOOD_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        ALIGNED_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        word: str
        neighbors: _containers.RepeatedCompositeFieldContainer[_common_pb2.Neighbor]
        other_neighbors: _containers.RepeatedCompositeFieldContainer[_common_pb2.Neighbor]
        shared: _containers.RepeatedScalarFieldContainer[str]
        overlap: float
        neighborhood_similarity: float
        aligned_similarity: float
        def __init__(self, word: _Optional[str] = ..., neighbors: _Optional[_Iterable[_Union[_common_pb2.Neighbor, _Mapping]]] = ..., other_neighbors: _Optional[_Iterable[_Union[_common_pb2.Neighbor, _Mapping]]] = ..., shared: _Optional[_Iterable[str]] = ..., overlap: _Optional[float] = ..., neighborhood_similarity: _Optional[float] = ..., aligned_similarity: _Optional[float] = ...) -> None: ...
    WORDS_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_COUNT_FIELD_NUMBER: _ClassVar[int]
    ANCHORS_MEAN_FIELD_NUMBER: _ClassVar[int]
    ANCHORS_DEVIATION_FIELD_NUMBER: _ClassVar[int]
    NOT_ALIGNED_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    OTHER_ANSWER_FIELD_NUMBER: _ClassVar[int]
    words: _containers.RepeatedCompositeFieldContainer[CompareResponse.ComparedWord]
    anchor_count: int
    anchors_mean: float
    anchors_deviation: float
    not_aligned: str
    answer: _common_pb2.AnswerInfo
    other_answer: _common_pb2.AnswerInfo
    def __init__(self, words: _Optional[_Iterable[_Union[CompareResponse.ComparedWord, _Mapping]]] = ..., anchor_count: _Optional[int] = ..., anchors_mean: _Optional[float] = ..., anchors_deviation: _Optional[float] = ..., not_aligned: _Optional[str] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., other_answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class SimilarityRequest(_message.Message):
    __slots__ = ("table", "pairs", "words")
    class Pair(_message.Message):
        __slots__ = ("a", "b")
        A_FIELD_NUMBER: _ClassVar[int]
        B_FIELD_NUMBER: _ClassVar[int]
        a: _common_pb2.WordOrVector
        b: _common_pb2.WordOrVector
        def __init__(self, a: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., b: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ...) -> None: ...
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    pairs: _containers.RepeatedCompositeFieldContainer[SimilarityRequest.Pair]
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., pairs: _Optional[_Iterable[_Union[SimilarityRequest.Pair, _Mapping]]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class SimilarityResponse(_message.Message):
    __slots__ = ("similarities", "answer")
    class PairSimilarity(_message.Message):
        __slots__ = ("similarity",)
        SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        similarity: float
        def __init__(self, similarity: _Optional[float] = ...) -> None: ...
    SIMILARITIES_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    similarities: _containers.RepeatedCompositeFieldContainer[SimilarityResponse.PairSimilarity]
    answer: _common_pb2.AnswerInfo
    def __init__(self, similarities: _Optional[_Iterable[_Union[SimilarityResponse.PairSimilarity, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class OddOneOutRequest(_message.Message):
    __slots__ = ("table", "queries", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    queries: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class OddOneOutResponse(_message.Message):
    __slots__ = ("odd_index", "ranked", "answer")
    class RankedQuery(_message.Message):
        __slots__ = ("index", "word", "similarity")
        INDEX_FIELD_NUMBER: _ClassVar[int]
        WORD_FIELD_NUMBER: _ClassVar[int]
        SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        index: int
        word: str
        similarity: float
        def __init__(self, index: _Optional[int] = ..., word: _Optional[str] = ..., similarity: _Optional[float] = ...) -> None: ...
    ODD_INDEX_FIELD_NUMBER: _ClassVar[int]
    RANKED_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    odd_index: int
    ranked: _containers.RepeatedCompositeFieldContainer[OddOneOutResponse.RankedQuery]
    answer: _common_pb2.AnswerInfo
    def __init__(self, odd_index: _Optional[int] = ..., ranked: _Optional[_Iterable[_Union[OddOneOutResponse.RankedQuery, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class RecallRequest(_message.Message):
    __slots__ = ("table", "queries", "sample", "seed", "k", "ef_search", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    EF_SEARCH_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    queries: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    sample: int
    seed: int
    k: int
    ef_search: _containers.RepeatedScalarFieldContainer[int]
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., queries: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., sample: _Optional[int] = ..., seed: _Optional[int] = ..., k: _Optional[int] = ..., ef_search: _Optional[_Iterable[int]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class RecallResponse(_message.Message):
    __slots__ = ("points", "query_count", "exact_queries_per_second", "answer")
    class Point(_message.Message):
        __slots__ = ("ef_search", "recall", "recall_min", "queries_per_second", "exact_count")
        EF_SEARCH_FIELD_NUMBER: _ClassVar[int]
        RECALL_FIELD_NUMBER: _ClassVar[int]
        RECALL_MIN_FIELD_NUMBER: _ClassVar[int]
        QUERIES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
        EXACT_COUNT_FIELD_NUMBER: _ClassVar[int]
        ef_search: int
        recall: float
        recall_min: float
        queries_per_second: float
        exact_count: int
        def __init__(self, ef_search: _Optional[int] = ..., recall: _Optional[float] = ..., recall_min: _Optional[float] = ..., queries_per_second: _Optional[float] = ..., exact_count: _Optional[int] = ...) -> None: ...
    POINTS_FIELD_NUMBER: _ClassVar[int]
    QUERY_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXACT_QUERIES_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    points: _containers.RepeatedCompositeFieldContainer[RecallResponse.Point]
    query_count: int
    exact_queries_per_second: float
    answer: _common_pb2.AnswerInfo
    def __init__(self, points: _Optional[_Iterable[_Union[RecallResponse.Point, _Mapping]]] = ..., query_count: _Optional[int] = ..., exact_queries_per_second: _Optional[float] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class SensesRequest(_message.Message):
    __slots__ = ("table", "word", "separator", "context", "homonyms_below", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    SEPARATOR_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    HOMONYMS_BELOW_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    word: str
    separator: str
    context: _containers.RepeatedScalarFieldContainer[str]
    homonyms_below: float
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., word: _Optional[str] = ..., separator: _Optional[str] = ..., context: _Optional[_Iterable[str]] = ..., homonyms_below: _Optional[float] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ...) -> None: ...

class SensesResponse(_message.Message):
    __slots__ = ("senses", "pairs", "answer")
    class Sense(_message.Message):
        __slots__ = ("word", "row", "name", "context_similarity")
        WORD_FIELD_NUMBER: _ClassVar[int]
        ROW_FIELD_NUMBER: _ClassVar[int]
        NAME_FIELD_NUMBER: _ClassVar[int]
        CONTEXT_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        word: str
        row: int
        name: str
        context_similarity: float
        def __init__(self, word: _Optional[str] = ..., row: _Optional[int] = ..., name: _Optional[str] = ..., context_similarity: _Optional[float] = ...) -> None: ...
    class SensePair(_message.Message):
        __slots__ = ("first", "second", "similarity", "homonyms")
        FIRST_FIELD_NUMBER: _ClassVar[int]
        SECOND_FIELD_NUMBER: _ClassVar[int]
        SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        HOMONYMS_FIELD_NUMBER: _ClassVar[int]
        first: int
        second: int
        similarity: float
        homonyms: bool
        def __init__(self, first: _Optional[int] = ..., second: _Optional[int] = ..., similarity: _Optional[float] = ..., homonyms: _Optional[bool] = ...) -> None: ...
    SENSES_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    senses: _containers.RepeatedCompositeFieldContainer[SensesResponse.Sense]
    pairs: _containers.RepeatedCompositeFieldContainer[SensesResponse.SensePair]
    answer: _common_pb2.AnswerInfo
    def __init__(self, senses: _Optional[_Iterable[_Union[SensesResponse.Sense, _Mapping]]] = ..., pairs: _Optional[_Iterable[_Union[SensesResponse.SensePair, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class InduceSensesRequest(_message.Message):
    __slots__ = ("table", "word", "k", "neighbors", "context", "seed", "words", "contexts", "homonyms_below")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    HOMONYMS_BELOW_FIELD_NUMBER: _ClassVar[int]
    table: str
    word: _common_pb2.WordOrVector
    k: int
    neighbors: int
    context: _containers.RepeatedScalarFieldContainer[str]
    seed: int
    words: _common_pb2.WordOptions
    contexts: _containers.RepeatedScalarFieldContainer[str]
    homonyms_below: float
    def __init__(self, table: _Optional[str] = ..., word: _Optional[_Union[_common_pb2.WordOrVector, _Mapping]] = ..., k: _Optional[int] = ..., neighbors: _Optional[int] = ..., context: _Optional[_Iterable[str]] = ..., seed: _Optional[int] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., contexts: _Optional[_Iterable[str]] = ..., homonyms_below: _Optional[float] = ...) -> None: ...

class InduceSensesResponse(_message.Message):
    __slots__ = ("senses", "stabilities", "answer", "left_out_contexts", "pairs")
    class Sense(_message.Message):
        __slots__ = ("members", "vector", "similarity", "context_similarity", "contexts")
        MEMBERS_FIELD_NUMBER: _ClassVar[int]
        VECTOR_FIELD_NUMBER: _ClassVar[int]
        SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        CONTEXT_SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        CONTEXTS_FIELD_NUMBER: _ClassVar[int]
        members: _containers.RepeatedCompositeFieldContainer[_common_pb2.Neighbor]
        vector: _common_pb2.Vector
        similarity: float
        context_similarity: float
        contexts: _containers.RepeatedScalarFieldContainer[int]
        def __init__(self, members: _Optional[_Iterable[_Union[_common_pb2.Neighbor, _Mapping]]] = ..., vector: _Optional[_Union[_common_pb2.Vector, _Mapping]] = ..., similarity: _Optional[float] = ..., context_similarity: _Optional[float] = ..., contexts: _Optional[_Iterable[int]] = ...) -> None: ...
    class Stability(_message.Message):
        __slots__ = ("k", "stability")
        K_FIELD_NUMBER: _ClassVar[int]
        STABILITY_FIELD_NUMBER: _ClassVar[int]
        k: int
        stability: float
        def __init__(self, k: _Optional[int] = ..., stability: _Optional[float] = ...) -> None: ...
    SENSES_FIELD_NUMBER: _ClassVar[int]
    STABILITIES_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    LEFT_OUT_CONTEXTS_FIELD_NUMBER: _ClassVar[int]
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    senses: _containers.RepeatedCompositeFieldContainer[InduceSensesResponse.Sense]
    stabilities: _containers.RepeatedCompositeFieldContainer[InduceSensesResponse.Stability]
    answer: _common_pb2.AnswerInfo
    left_out_contexts: _containers.RepeatedScalarFieldContainer[int]
    pairs: _containers.RepeatedCompositeFieldContainer[SensesResponse.SensePair]
    def __init__(self, senses: _Optional[_Iterable[_Union[InduceSensesResponse.Sense, _Mapping]]] = ..., stabilities: _Optional[_Iterable[_Union[InduceSensesResponse.Stability, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., left_out_contexts: _Optional[_Iterable[int]] = ..., pairs: _Optional[_Iterable[_Union[SensesResponse.SensePair, _Mapping]]] = ...) -> None: ...
