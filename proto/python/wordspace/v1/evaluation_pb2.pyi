from wordspace.v1 import common_pb2 as _common_pb2
from wordspace.v1 import search_pb2 as _search_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TestSetKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TEST_SET_KIND_UNSPECIFIED: _ClassVar[TestSetKind]
    TEST_SET_KIND_ANALOGIES: _ClassVar[TestSetKind]
    TEST_SET_KIND_WORD_PAIRS: _ClassVar[TestSetKind]
    TEST_SET_KIND_CATEGORIES: _ClassVar[TestSetKind]
    TEST_SET_KIND_OUTLIERS: _ClassVar[TestSetKind]
TEST_SET_KIND_UNSPECIFIED: TestSetKind
TEST_SET_KIND_ANALOGIES: TestSetKind
TEST_SET_KIND_WORD_PAIRS: TestSetKind
TEST_SET_KIND_CATEGORIES: TestSetKind
TEST_SET_KIND_OUTLIERS: TestSetKind

class PutTestSetRequest(_message.Message):
    __slots__ = ("name", "kind", "file", "source", "replace")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: TestSetKind
    file: bytes
    source: str
    replace: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[TestSetKind, str]] = ..., file: _Optional[bytes] = ..., source: _Optional[str] = ..., replace: _Optional[bool] = ...) -> None: ...

class PutTestSetResponse(_message.Message):
    __slots__ = ("test_set",)
    TEST_SET_FIELD_NUMBER: _ClassVar[int]
    test_set: TestSetInfo
    def __init__(self, test_set: _Optional[_Union[TestSetInfo, _Mapping]] = ...) -> None: ...

class GetTestSetRequest(_message.Message):
    __slots__ = ("name", "with_file")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WITH_FILE_FIELD_NUMBER: _ClassVar[int]
    name: str
    with_file: bool
    def __init__(self, name: _Optional[str] = ..., with_file: _Optional[bool] = ...) -> None: ...

class GetTestSetResponse(_message.Message):
    __slots__ = ("test_set", "file")
    TEST_SET_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    test_set: TestSetInfo
    file: bytes
    def __init__(self, test_set: _Optional[_Union[TestSetInfo, _Mapping]] = ..., file: _Optional[bytes] = ...) -> None: ...

class ListTestSetsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListTestSetsResponse(_message.Message):
    __slots__ = ("test_sets",)
    TEST_SETS_FIELD_NUMBER: _ClassVar[int]
    test_sets: _containers.RepeatedCompositeFieldContainer[TestSetInfo]
    def __init__(self, test_sets: _Optional[_Iterable[_Union[TestSetInfo, _Mapping]]] = ...) -> None: ...

class DeleteTestSetRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteTestSetResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TestSetInfo(_message.Message):
    __slots__ = ("name", "kind", "entry_count", "file_bytes", "source", "problem")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ENTRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    FILE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: TestSetKind
    entry_count: int
    file_bytes: int
    source: str
    problem: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[TestSetKind, str]] = ..., entry_count: _Optional[int] = ..., file_bytes: _Optional[int] = ..., source: _Optional[str] = ..., problem: _Optional[str] = ...) -> None: ...

class EvaluationLookup(_message.Message):
    __slots__ = ("restrict_vocab", "case_insensitive")
    RESTRICT_VOCAB_FIELD_NUMBER: _ClassVar[int]
    CASE_INSENSITIVE_FIELD_NUMBER: _ClassVar[int]
    restrict_vocab: int
    case_insensitive: bool
    def __init__(self, restrict_vocab: _Optional[int] = ..., case_insensitive: _Optional[bool] = ...) -> None: ...

class AnalogiesRequest(_message.Message):
    __slots__ = ("tables", "file", "method", "lookup", "test_set")
    TABLES_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    TEST_SET_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedScalarFieldContainer[str]
    file: bytes
    method: _search_pb2.AnalogyMethod
    lookup: EvaluationLookup
    test_set: str
    def __init__(self, tables: _Optional[_Iterable[str]] = ..., file: _Optional[bytes] = ..., method: _Optional[_Union[_search_pb2.AnalogyMethod, str]] = ..., lookup: _Optional[_Union[EvaluationLookup, _Mapping]] = ..., test_set: _Optional[str] = ...) -> None: ...

class AnalogiesResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableAnalogies]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableAnalogies, _Mapping]]] = ...) -> None: ...

class TableAnalogies(_message.Message):
    __slots__ = ("sections", "total", "unknown_words", "unknown_count", "seconds", "answer")
    SECTIONS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_WORDS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    sections: _containers.RepeatedCompositeFieldContainer[AnalogySection]
    total: AnalogySection
    unknown_words: _containers.RepeatedScalarFieldContainer[str]
    unknown_count: int
    seconds: float
    answer: _common_pb2.AnswerInfo
    def __init__(self, sections: _Optional[_Iterable[_Union[AnalogySection, _Mapping]]] = ..., total: _Optional[_Union[AnalogySection, _Mapping]] = ..., unknown_words: _Optional[_Iterable[str]] = ..., unknown_count: _Optional[int] = ..., seconds: _Optional[float] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class AnalogySection(_message.Message):
    __slots__ = ("name", "question_count", "asked_count", "right_count", "right_top5_count", "right_with_inputs_count", "right_with_inputs_top5_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    QUESTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    ASKED_COUNT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_COUNT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_TOP5_COUNT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_WITH_INPUTS_COUNT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_WITH_INPUTS_TOP5_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    question_count: int
    asked_count: int
    right_count: int
    right_top5_count: int
    right_with_inputs_count: int
    right_with_inputs_top5_count: int
    def __init__(self, name: _Optional[str] = ..., question_count: _Optional[int] = ..., asked_count: _Optional[int] = ..., right_count: _Optional[int] = ..., right_top5_count: _Optional[int] = ..., right_with_inputs_count: _Optional[int] = ..., right_with_inputs_top5_count: _Optional[int] = ...) -> None: ...

class WordPairsRequest(_message.Message):
    __slots__ = ("tables", "file", "lookup", "test_set")
    TABLES_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    TEST_SET_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedScalarFieldContainer[str]
    file: bytes
    lookup: EvaluationLookup
    test_set: str
    def __init__(self, tables: _Optional[_Iterable[str]] = ..., file: _Optional[bytes] = ..., lookup: _Optional[_Union[EvaluationLookup, _Mapping]] = ..., test_set: _Optional[str] = ...) -> None: ...

class WordPairsResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableWordPairs]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableWordPairs, _Mapping]]] = ...) -> None: ...

class TableWordPairs(_message.Message):
    __slots__ = ("pearson", "spearman", "spearman_low", "spearman_high", "pair_count", "known_count", "unknown_pairs", "has_header", "answer")
    PEARSON_FIELD_NUMBER: _ClassVar[int]
    SPEARMAN_FIELD_NUMBER: _ClassVar[int]
    SPEARMAN_LOW_FIELD_NUMBER: _ClassVar[int]
    SPEARMAN_HIGH_FIELD_NUMBER: _ClassVar[int]
    PAIR_COUNT_FIELD_NUMBER: _ClassVar[int]
    KNOWN_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_PAIRS_FIELD_NUMBER: _ClassVar[int]
    HAS_HEADER_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    pearson: float
    spearman: float
    spearman_low: float
    spearman_high: float
    pair_count: int
    known_count: int
    unknown_pairs: _containers.RepeatedScalarFieldContainer[str]
    has_header: bool
    answer: _common_pb2.AnswerInfo
    def __init__(self, pearson: _Optional[float] = ..., spearman: _Optional[float] = ..., spearman_low: _Optional[float] = ..., spearman_high: _Optional[float] = ..., pair_count: _Optional[int] = ..., known_count: _Optional[int] = ..., unknown_pairs: _Optional[_Iterable[str]] = ..., has_header: _Optional[bool] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class CategoriesRequest(_message.Message):
    __slots__ = ("tables", "file", "lookup", "seed", "test_set")
    TABLES_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TEST_SET_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedScalarFieldContainer[str]
    file: bytes
    lookup: EvaluationLookup
    seed: int
    test_set: str
    def __init__(self, tables: _Optional[_Iterable[str]] = ..., file: _Optional[bytes] = ..., lookup: _Optional[_Union[EvaluationLookup, _Mapping]] = ..., seed: _Optional[int] = ..., test_set: _Optional[str] = ...) -> None: ...

class CategoriesResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableCategories]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableCategories, _Mapping]]] = ...) -> None: ...

class TableCategories(_message.Message):
    __slots__ = ("purity", "baseline", "adjusted_rand", "clusters", "word_count", "known_count", "unknown_words", "answer")
    class Cluster(_message.Message):
        __slots__ = ("category", "hits", "size")
        CATEGORY_FIELD_NUMBER: _ClassVar[int]
        HITS_FIELD_NUMBER: _ClassVar[int]
        SIZE_FIELD_NUMBER: _ClassVar[int]
        category: str
        hits: int
        size: int
        def __init__(self, category: _Optional[str] = ..., hits: _Optional[int] = ..., size: _Optional[int] = ...) -> None: ...
    PURITY_FIELD_NUMBER: _ClassVar[int]
    BASELINE_FIELD_NUMBER: _ClassVar[int]
    ADJUSTED_RAND_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    WORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    KNOWN_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_WORDS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    purity: float
    baseline: float
    adjusted_rand: float
    clusters: _containers.RepeatedCompositeFieldContainer[TableCategories.Cluster]
    word_count: int
    known_count: int
    unknown_words: _containers.RepeatedScalarFieldContainer[str]
    answer: _common_pb2.AnswerInfo
    def __init__(self, purity: _Optional[float] = ..., baseline: _Optional[float] = ..., adjusted_rand: _Optional[float] = ..., clusters: _Optional[_Iterable[_Union[TableCategories.Cluster, _Mapping]]] = ..., word_count: _Optional[int] = ..., known_count: _Optional[int] = ..., unknown_words: _Optional[_Iterable[str]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class OutliersRequest(_message.Message):
    __slots__ = ("tables", "file", "lookup", "test_set")
    TABLES_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    LOOKUP_FIELD_NUMBER: _ClassVar[int]
    TEST_SET_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedScalarFieldContainer[str]
    file: bytes
    lookup: EvaluationLookup
    test_set: str
    def __init__(self, tables: _Optional[_Iterable[str]] = ..., file: _Optional[bytes] = ..., lookup: _Optional[_Union[EvaluationLookup, _Mapping]] = ..., test_set: _Optional[str] = ...) -> None: ...

class OutliersResponse(_message.Message):
    __slots__ = ("tables",)
    TABLES_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedCompositeFieldContainer[TableOutliers]
    def __init__(self, tables: _Optional[_Iterable[_Union[TableOutliers, _Mapping]]] = ...) -> None: ...

class TableOutliers(_message.Message):
    __slots__ = ("sets", "total", "unknown_words", "answer")
    SETS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_WORDS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    sets: _containers.RepeatedCompositeFieldContainer[OutlierSet]
    total: OutlierSet
    unknown_words: _containers.RepeatedScalarFieldContainer[str]
    answer: _common_pb2.AnswerInfo
    def __init__(self, sets: _Optional[_Iterable[_Union[OutlierSet, _Mapping]]] = ..., total: _Optional[_Union[OutlierSet, _Mapping]] = ..., unknown_words: _Optional[_Iterable[str]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class OutlierSet(_message.Message):
    __slots__ = ("name", "outlier_count", "asked_count", "accuracy", "position")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTLIER_COUNT_FIELD_NUMBER: _ClassVar[int]
    ASKED_COUNT_FIELD_NUMBER: _ClassVar[int]
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    name: str
    outlier_count: int
    asked_count: int
    accuracy: float
    position: float
    def __init__(self, name: _Optional[str] = ..., outlier_count: _Optional[int] = ..., asked_count: _Optional[int] = ..., accuracy: _Optional[float] = ..., position: _Optional[float] = ...) -> None: ...
