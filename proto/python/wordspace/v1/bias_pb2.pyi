from wordspace.v1 import common_pb2 as _common_pb2
from wordspace.v1 import evaluation_pb2 as _evaluation_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PValueMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    P_VALUE_METHOD_UNSPECIFIED: _ClassVar[PValueMethod]
    P_VALUE_METHOD_EXACT: _ClassVar[PValueMethod]
    P_VALUE_METHOD_BOUNDED: _ClassVar[PValueMethod]
    P_VALUE_METHOD_DRAWN: _ClassVar[PValueMethod]

class ProbeMetric(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROBE_METRIC_UNSPECIFIED: _ClassVar[ProbeMetric]
    PROBE_METRIC_RND: _ClassVar[ProbeMetric]
    PROBE_METRIC_RNSB: _ClassVar[ProbeMetric]
    PROBE_METRIC_MAC: _ClassVar[ProbeMetric]
    PROBE_METRIC_ECT: _ClassVar[ProbeMetric]
    PROBE_METRIC_RIPA: _ClassVar[ProbeMetric]
    PROBE_METRIC_DIRECT_BIAS: _ClassVar[ProbeMetric]
    PROBE_METRIC_INDIRECT_BIAS: _ClassVar[ProbeMetric]

class DebiasMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEBIAS_METHOD_UNSPECIFIED: _ClassVar[DebiasMethod]
    DEBIAS_METHOD_HARD: _ClassVar[DebiasMethod]
    DEBIAS_METHOD_MULTICLASS: _ClassVar[DebiasMethod]
    DEBIAS_METHOD_DOUBLE_HARD: _ClassVar[DebiasMethod]
    DEBIAS_METHOD_LINEAR_PROJECTION: _ClassVar[DebiasMethod]
    DEBIAS_METHOD_HALF_SIBLING: _ClassVar[DebiasMethod]

class AxisMethod(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AXIS_METHOD_UNSPECIFIED: _ClassVar[AxisMethod]
    AXIS_METHOD_MEAN_DIFFERENCE: _ClassVar[AxisMethod]
    AXIS_METHOD_PCA: _ClassVar[AxisMethod]
P_VALUE_METHOD_UNSPECIFIED: PValueMethod
P_VALUE_METHOD_EXACT: PValueMethod
P_VALUE_METHOD_BOUNDED: PValueMethod
P_VALUE_METHOD_DRAWN: PValueMethod
PROBE_METRIC_UNSPECIFIED: ProbeMetric
PROBE_METRIC_RND: ProbeMetric
PROBE_METRIC_RNSB: ProbeMetric
PROBE_METRIC_MAC: ProbeMetric
PROBE_METRIC_ECT: ProbeMetric
PROBE_METRIC_RIPA: ProbeMetric
PROBE_METRIC_DIRECT_BIAS: ProbeMetric
PROBE_METRIC_INDIRECT_BIAS: ProbeMetric
DEBIAS_METHOD_UNSPECIFIED: DebiasMethod
DEBIAS_METHOD_HARD: DebiasMethod
DEBIAS_METHOD_MULTICLASS: DebiasMethod
DEBIAS_METHOD_DOUBLE_HARD: DebiasMethod
DEBIAS_METHOD_LINEAR_PROJECTION: DebiasMethod
DEBIAS_METHOD_HALF_SIBLING: DebiasMethod
AXIS_METHOD_UNSPECIFIED: AxisMethod
AXIS_METHOD_MEAN_DIFFERENCE: AxisMethod
AXIS_METHOD_PCA: AxisMethod

class WordSet(_message.Message):
    __slots__ = ("name", "words")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    name: str
    words: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., words: _Optional[_Iterable[str]] = ...) -> None: ...

class WeatRequest(_message.Message):
    __slots__ = ("table", "suite", "x", "y", "a", "b", "words", "lost_threshold", "partitions_max", "seed", "draw")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    SUITE_FIELD_NUMBER: _ClassVar[int]
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    LOST_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_MAX_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DRAW_FIELD_NUMBER: _ClassVar[int]
    table: str
    suite: str
    x: WordSet
    y: WordSet
    a: WordSet
    b: WordSet
    words: _common_pb2.WordOptions
    lost_threshold: float
    partitions_max: int
    seed: int
    draw: bool
    def __init__(self, table: _Optional[str] = ..., suite: _Optional[str] = ..., x: _Optional[_Union[WordSet, _Mapping]] = ..., y: _Optional[_Union[WordSet, _Mapping]] = ..., a: _Optional[_Union[WordSet, _Mapping]] = ..., b: _Optional[_Union[WordSet, _Mapping]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., lost_threshold: _Optional[float] = ..., partitions_max: _Optional[int] = ..., seed: _Optional[int] = ..., draw: _Optional[bool] = ...) -> None: ...

class WeatResponse(_message.Message):
    __slots__ = ("statistic", "effect_size", "effect_size_ddof1", "p_value", "p_value_two_sided", "p_value_exact", "partition_count", "p_value_standard_error", "sets", "answer", "effect_size_interval", "warnings", "p_value_method", "p_value_error")
    STATISTIC_FIELD_NUMBER: _ClassVar[int]
    EFFECT_SIZE_FIELD_NUMBER: _ClassVar[int]
    EFFECT_SIZE_DDOF1_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_TWO_SIDED_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_EXACT_FIELD_NUMBER: _ClassVar[int]
    PARTITION_COUNT_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    EFFECT_SIZE_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_METHOD_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_ERROR_FIELD_NUMBER: _ClassVar[int]
    statistic: float
    effect_size: float
    effect_size_ddof1: float
    p_value: float
    p_value_two_sided: float
    p_value_exact: bool
    partition_count: int
    p_value_standard_error: float
    sets: _containers.RepeatedCompositeFieldContainer[WeatSet]
    answer: _common_pb2.AnswerInfo
    effect_size_interval: Interval
    warnings: _containers.RepeatedScalarFieldContainer[str]
    p_value_method: PValueMethod
    p_value_error: float
    def __init__(self, statistic: _Optional[float] = ..., effect_size: _Optional[float] = ..., effect_size_ddof1: _Optional[float] = ..., p_value: _Optional[float] = ..., p_value_two_sided: _Optional[float] = ..., p_value_exact: _Optional[bool] = ..., partition_count: _Optional[int] = ..., p_value_standard_error: _Optional[float] = ..., sets: _Optional[_Iterable[_Union[WeatSet, _Mapping]]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., effect_size_interval: _Optional[_Union[Interval, _Mapping]] = ..., warnings: _Optional[_Iterable[str]] = ..., p_value_method: _Optional[_Union[PValueMethod, str]] = ..., p_value_error: _Optional[float] = ...) -> None: ...

class Interval(_message.Message):
    __slots__ = ("low", "high")
    LOW_FIELD_NUMBER: _ClassVar[int]
    HIGH_FIELD_NUMBER: _ClassVar[int]
    low: float
    high: float
    def __init__(self, low: _Optional[float] = ..., high: _Optional[float] = ...) -> None: ...

class SingleWeatRequest(_message.Message):
    __slots__ = ("table", "words", "a", "b", "options", "lost_threshold", "partitions_max", "seed", "draw")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    A_FIELD_NUMBER: _ClassVar[int]
    B_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    LOST_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_MAX_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DRAW_FIELD_NUMBER: _ClassVar[int]
    table: str
    words: WordSet
    a: WordSet
    b: WordSet
    options: _common_pb2.WordOptions
    lost_threshold: float
    partitions_max: int
    seed: int
    draw: bool
    def __init__(self, table: _Optional[str] = ..., words: _Optional[_Union[WordSet, _Mapping]] = ..., a: _Optional[_Union[WordSet, _Mapping]] = ..., b: _Optional[_Union[WordSet, _Mapping]] = ..., options: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., lost_threshold: _Optional[float] = ..., partitions_max: _Optional[int] = ..., seed: _Optional[int] = ..., draw: _Optional[bool] = ...) -> None: ...

class SingleWeatResponse(_message.Message):
    __slots__ = ("words", "sets", "warnings", "answer")
    WORDS_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    words: _containers.RepeatedCompositeFieldContainer[SingleWeat]
    sets: _containers.RepeatedCompositeFieldContainer[WeatSet]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    answer: _common_pb2.AnswerInfo
    def __init__(self, words: _Optional[_Iterable[_Union[SingleWeat, _Mapping]]] = ..., sets: _Optional[_Iterable[_Union[WeatSet, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class SingleWeat(_message.Message):
    __slots__ = ("word", "association", "effect_size", "effect_size_ddof1", "p_value", "p_value_two_sided", "p_value_exact", "partition_count", "p_value_standard_error", "p_value_method", "p_value_error")
    WORD_FIELD_NUMBER: _ClassVar[int]
    ASSOCIATION_FIELD_NUMBER: _ClassVar[int]
    EFFECT_SIZE_FIELD_NUMBER: _ClassVar[int]
    EFFECT_SIZE_DDOF1_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_TWO_SIDED_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_EXACT_FIELD_NUMBER: _ClassVar[int]
    PARTITION_COUNT_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_STANDARD_ERROR_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_METHOD_FIELD_NUMBER: _ClassVar[int]
    P_VALUE_ERROR_FIELD_NUMBER: _ClassVar[int]
    word: str
    association: float
    effect_size: float
    effect_size_ddof1: float
    p_value: float
    p_value_two_sided: float
    p_value_exact: bool
    partition_count: int
    p_value_standard_error: float
    p_value_method: PValueMethod
    p_value_error: float
    def __init__(self, word: _Optional[str] = ..., association: _Optional[float] = ..., effect_size: _Optional[float] = ..., effect_size_ddof1: _Optional[float] = ..., p_value: _Optional[float] = ..., p_value_two_sided: _Optional[float] = ..., p_value_exact: _Optional[bool] = ..., partition_count: _Optional[int] = ..., p_value_standard_error: _Optional[float] = ..., p_value_method: _Optional[_Union[PValueMethod, str]] = ..., p_value_error: _Optional[float] = ...) -> None: ...

class WeatSuiteRequest(_message.Message):
    __slots__ = ("table", "words", "lost_threshold", "partitions_max", "seed", "draw", "language")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    LOST_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    PARTITIONS_MAX_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    DRAW_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    table: str
    words: _common_pb2.WordOptions
    lost_threshold: float
    partitions_max: int
    seed: int
    draw: bool
    language: str
    def __init__(self, table: _Optional[str] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., lost_threshold: _Optional[float] = ..., partitions_max: _Optional[int] = ..., seed: _Optional[int] = ..., draw: _Optional[bool] = ..., language: _Optional[str] = ...) -> None: ...

class ListSuitesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListSuitesResponse(_message.Message):
    __slots__ = ("suites",)
    class Suite(_message.Message):
        __slots__ = ("name", "language", "source", "sets")
        NAME_FIELD_NUMBER: _ClassVar[int]
        LANGUAGE_FIELD_NUMBER: _ClassVar[int]
        SOURCE_FIELD_NUMBER: _ClassVar[int]
        SETS_FIELD_NUMBER: _ClassVar[int]
        name: str
        language: str
        source: str
        sets: _containers.RepeatedCompositeFieldContainer[WordSet]
        def __init__(self, name: _Optional[str] = ..., language: _Optional[str] = ..., source: _Optional[str] = ..., sets: _Optional[_Iterable[_Union[WordSet, _Mapping]]] = ...) -> None: ...
    SUITES_FIELD_NUMBER: _ClassVar[int]
    suites: _containers.RepeatedCompositeFieldContainer[ListSuitesResponse.Suite]
    def __init__(self, suites: _Optional[_Iterable[_Union[ListSuitesResponse.Suite, _Mapping]]] = ...) -> None: ...

class WeatSuiteResponse(_message.Message):
    __slots__ = ("tests",)
    class Test(_message.Message):
        __slots__ = ("name", "weat", "problem")
        NAME_FIELD_NUMBER: _ClassVar[int]
        WEAT_FIELD_NUMBER: _ClassVar[int]
        PROBLEM_FIELD_NUMBER: _ClassVar[int]
        name: str
        weat: WeatResponse
        problem: str
        def __init__(self, name: _Optional[str] = ..., weat: _Optional[_Union[WeatResponse, _Mapping]] = ..., problem: _Optional[str] = ...) -> None: ...
    TESTS_FIELD_NUMBER: _ClassVar[int]
    tests: _containers.RepeatedCompositeFieldContainer[WeatSuiteResponse.Test]
    def __init__(self, tests: _Optional[_Iterable[_Union[WeatSuiteResponse.Test, _Mapping]]] = ...) -> None: ...

class ProbeRequest(_message.Message):
    __slots__ = ("table", "metric", "targets", "attributes", "unit", "strictness", "words", "lost_threshold", "seed")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    TARGETS_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    STRICTNESS_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    LOST_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    table: str
    metric: ProbeMetric
    targets: _containers.RepeatedCompositeFieldContainer[WordSet]
    attributes: _containers.RepeatedCompositeFieldContainer[WordSet]
    unit: bool
    strictness: float
    words: _common_pb2.WordOptions
    lost_threshold: float
    seed: int
    def __init__(self, table: _Optional[str] = ..., metric: _Optional[_Union[ProbeMetric, str]] = ..., targets: _Optional[_Iterable[_Union[WordSet, _Mapping]]] = ..., attributes: _Optional[_Iterable[_Union[WordSet, _Mapping]]] = ..., unit: _Optional[bool] = ..., strictness: _Optional[float] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., lost_threshold: _Optional[float] = ..., seed: _Optional[int] = ...) -> None: ...

class ProbeResponse(_message.Message):
    __slots__ = ("value", "interval", "words", "figures", "sets", "warnings", "answer")
    class FiguresEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class WordFigure(_message.Message):
        __slots__ = ("word", "value")
        WORD_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        word: str
        value: float
        def __init__(self, word: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    VALUE_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    value: float
    interval: Interval
    words: _containers.RepeatedCompositeFieldContainer[ProbeResponse.WordFigure]
    figures: _containers.ScalarMap[str, float]
    sets: _containers.RepeatedCompositeFieldContainer[WeatSet]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    answer: _common_pb2.AnswerInfo
    def __init__(self, value: _Optional[float] = ..., interval: _Optional[_Union[Interval, _Mapping]] = ..., words: _Optional[_Iterable[_Union[ProbeResponse.WordFigure, _Mapping]]] = ..., figures: _Optional[_Mapping[str, float]] = ..., sets: _Optional[_Iterable[_Union[WeatSet, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class GenerateAnalogiesRequest(_message.Message):
    __slots__ = ("table", "to", "top", "delta", "k", "words", "lost_threshold")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    LOST_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    table: str
    to: WordSet
    top: int
    delta: float
    k: int
    words: _common_pb2.WordOptions
    lost_threshold: float
    def __init__(self, table: _Optional[str] = ..., to: _Optional[_Union[WordSet, _Mapping]] = ..., top: _Optional[int] = ..., delta: _Optional[float] = ..., k: _Optional[int] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., lost_threshold: _Optional[float] = ..., **kwargs) -> None: ...

class GenerateAnalogiesResponse(_message.Message):
    __slots__ = ("pairs", "explained_variance", "sets", "warnings", "answer")
    class Pair(_message.Message):
        __slots__ = ("to", "similarity", "distance")
        FROM_FIELD_NUMBER: _ClassVar[int]
        TO_FIELD_NUMBER: _ClassVar[int]
        SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        DISTANCE_FIELD_NUMBER: _ClassVar[int]
        to: str
        similarity: float
        distance: float
        def __init__(self, to: _Optional[str] = ..., similarity: _Optional[float] = ..., distance: _Optional[float] = ..., **kwargs) -> None: ...
    PAIRS_FIELD_NUMBER: _ClassVar[int]
    EXPLAINED_VARIANCE_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    pairs: _containers.RepeatedCompositeFieldContainer[GenerateAnalogiesResponse.Pair]
    explained_variance: float
    sets: _containers.RepeatedCompositeFieldContainer[WeatSet]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    answer: _common_pb2.AnswerInfo
    def __init__(self, pairs: _Optional[_Iterable[_Union[GenerateAnalogiesResponse.Pair, _Mapping]]] = ..., explained_variance: _Optional[float] = ..., sets: _Optional[_Iterable[_Union[WeatSet, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class BiasedClustersRequest(_message.Message):
    __slots__ = ("table", "original", "to", "top", "count", "seed", "words", "lost_threshold")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TOP_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    LOST_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    table: str
    original: str
    to: WordSet
    top: int
    count: int
    seed: int
    words: _common_pb2.WordOptions
    lost_threshold: float
    def __init__(self, table: _Optional[str] = ..., original: _Optional[str] = ..., to: _Optional[_Union[WordSet, _Mapping]] = ..., top: _Optional[int] = ..., count: _Optional[int] = ..., seed: _Optional[int] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., lost_threshold: _Optional[float] = ..., **kwargs) -> None: ...

class BiasedClustersResponse(_message.Message):
    __slots__ = ("accuracy", "original_accuracy", "count", "from_examples", "to_examples", "sets", "warnings", "answer")
    ACCURACY_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_ACCURACY_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FROM_EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    TO_EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    accuracy: float
    original_accuracy: float
    count: int
    from_examples: _containers.RepeatedScalarFieldContainer[str]
    to_examples: _containers.RepeatedScalarFieldContainer[str]
    sets: _containers.RepeatedCompositeFieldContainer[WeatSet]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    answer: _common_pb2.AnswerInfo
    def __init__(self, accuracy: _Optional[float] = ..., original_accuracy: _Optional[float] = ..., count: _Optional[int] = ..., from_examples: _Optional[_Iterable[str]] = ..., to_examples: _Optional[_Iterable[str]] = ..., sets: _Optional[_Iterable[_Union[WeatSet, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...

class DebiasRequest(_message.Message):
    __slots__ = ("table", "target", "replace", "method", "to", "sets", "specific", "components", "words", "lost_threshold", "seed", "test_sets", "detach")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    SPECIFIC_FIELD_NUMBER: _ClassVar[int]
    COMPONENTS_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    LOST_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    TEST_SETS_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    table: str
    target: str
    replace: bool
    method: DebiasMethod
    to: WordSet
    sets: _containers.RepeatedCompositeFieldContainer[WordSet]
    specific: WordSet
    components: int
    words: _common_pb2.WordOptions
    lost_threshold: float
    seed: int
    test_sets: _containers.RepeatedCompositeFieldContainer[DebiasTestSet]
    detach: bool
    def __init__(self, table: _Optional[str] = ..., target: _Optional[str] = ..., replace: _Optional[bool] = ..., method: _Optional[_Union[DebiasMethod, str]] = ..., to: _Optional[_Union[WordSet, _Mapping]] = ..., sets: _Optional[_Iterable[_Union[WordSet, _Mapping]]] = ..., specific: _Optional[_Union[WordSet, _Mapping]] = ..., components: _Optional[int] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., lost_threshold: _Optional[float] = ..., seed: _Optional[int] = ..., test_sets: _Optional[_Iterable[_Union[DebiasTestSet, _Mapping]]] = ..., detach: _Optional[bool] = ..., **kwargs) -> None: ...

class DebiasTestSet(_message.Message):
    __slots__ = ("name", "kind", "file")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: _evaluation_pb2.TestSetKind
    file: bytes
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[_evaluation_pb2.TestSetKind, str]] = ..., file: _Optional[bytes] = ...) -> None: ...

class DebiasResponse(_message.Message):
    __slots__ = ("progress", "report", "job")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    progress: DebiasProgress
    report: DebiasReport
    job: _common_pb2.JobStarted
    def __init__(self, progress: _Optional[_Union[DebiasProgress, _Mapping]] = ..., report: _Optional[_Union[DebiasReport, _Mapping]] = ..., job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ...) -> None: ...

class DebiasProgress(_message.Message):
    __slots__ = ("rows_done", "row_count")
    ROWS_DONE_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    rows_done: int
    row_count: int
    def __init__(self, rows_done: _Optional[int] = ..., row_count: _Optional[int] = ...) -> None: ...

class DebiasReport(_message.Message):
    __slots__ = ("table", "generation", "lineage", "row_count", "attributed_row_count", "probes", "sets", "warnings", "seconds")
    class BeforeAfter(_message.Message):
        __slots__ = ("name", "before", "after")
        NAME_FIELD_NUMBER: _ClassVar[int]
        BEFORE_FIELD_NUMBER: _ClassVar[int]
        AFTER_FIELD_NUMBER: _ClassVar[int]
        name: str
        before: float
        after: float
        def __init__(self, name: _Optional[str] = ..., before: _Optional[float] = ..., after: _Optional[float] = ...) -> None: ...
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    LINEAGE_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTED_ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROBES_FIELD_NUMBER: _ClassVar[int]
    SETS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    lineage: str
    row_count: int
    attributed_row_count: int
    probes: _containers.RepeatedCompositeFieldContainer[DebiasReport.BeforeAfter]
    sets: _containers.RepeatedCompositeFieldContainer[WeatSet]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    seconds: float
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., lineage: _Optional[str] = ..., row_count: _Optional[int] = ..., attributed_row_count: _Optional[int] = ..., probes: _Optional[_Iterable[_Union[DebiasReport.BeforeAfter, _Mapping]]] = ..., sets: _Optional[_Iterable[_Union[WeatSet, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., seconds: _Optional[float] = ...) -> None: ...

class WeatSet(_message.Message):
    __slots__ = ("name", "words", "lost")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    name: str
    words: _containers.RepeatedCompositeFieldContainer[WordAssociation]
    lost: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., words: _Optional[_Iterable[_Union[WordAssociation, _Mapping]]] = ..., lost: _Optional[_Iterable[str]] = ...) -> None: ...

class WordAssociation(_message.Message):
    __slots__ = ("word", "association")
    WORD_FIELD_NUMBER: _ClassVar[int]
    ASSOCIATION_FIELD_NUMBER: _ClassVar[int]
    word: str
    association: float
    def __init__(self, word: _Optional[str] = ..., association: _Optional[float] = ...) -> None: ...

class ProjectRequest(_message.Message):
    __slots__ = ("table", "to", "queries", "method", "words")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    to: WordSet
    queries: _containers.RepeatedCompositeFieldContainer[_common_pb2.WordOrVector]
    method: AxisMethod
    words: _common_pb2.WordOptions
    def __init__(self, table: _Optional[str] = ..., to: _Optional[_Union[WordSet, _Mapping]] = ..., queries: _Optional[_Iterable[_Union[_common_pb2.WordOrVector, _Mapping]]] = ..., method: _Optional[_Union[AxisMethod, str]] = ..., words: _Optional[_Union[_common_pb2.WordOptions, _Mapping]] = ..., **kwargs) -> None: ...

class ProjectResponse(_message.Message):
    __slots__ = ("projections", "explained_variance", "answer")
    class Projection(_message.Message):
        __slots__ = ("index", "word", "similarity")
        INDEX_FIELD_NUMBER: _ClassVar[int]
        WORD_FIELD_NUMBER: _ClassVar[int]
        SIMILARITY_FIELD_NUMBER: _ClassVar[int]
        index: int
        word: str
        similarity: float
        def __init__(self, index: _Optional[int] = ..., word: _Optional[str] = ..., similarity: _Optional[float] = ...) -> None: ...
    PROJECTIONS_FIELD_NUMBER: _ClassVar[int]
    EXPLAINED_VARIANCE_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    projections: _containers.RepeatedCompositeFieldContainer[ProjectResponse.Projection]
    explained_variance: float
    answer: _common_pb2.AnswerInfo
    def __init__(self, projections: _Optional[_Iterable[_Union[ProjectResponse.Projection, _Mapping]]] = ..., explained_variance: _Optional[float] = ..., answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ...) -> None: ...
