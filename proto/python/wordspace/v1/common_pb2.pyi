from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Metric(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    METRIC_UNSPECIFIED: _ClassVar[Metric]
    METRIC_COSINE: _ClassVar[Metric]

class Dtype(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DTYPE_UNSPECIFIED: _ClassVar[Dtype]
    DTYPE_F32: _ClassVar[Dtype]
    DTYPE_F16: _ClassVar[Dtype]
    DTYPE_BF16: _ClassVar[Dtype]
    DTYPE_I8: _ClassVar[Dtype]

class AnsweredBy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ANSWERED_BY_UNSPECIFIED: _ClassVar[AnsweredBy]
    ANSWERED_BY_EXACT: _ClassVar[AnsweredBy]
    ANSWERED_BY_GRAPH: _ClassVar[AnsweredBy]
    ANSWERED_BY_LIST: _ClassVar[AnsweredBy]
    ANSWERED_BY_PARTITION: _ClassVar[AnsweredBy]

class IndexKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    INDEX_KIND_UNSPECIFIED: _ClassVar[IndexKind]
    INDEX_KIND_HNSW: _ClassVar[IndexKind]
    INDEX_KIND_PARTITION: _ClassVar[IndexKind]
    INDEX_KIND_NONE: _ClassVar[IndexKind]

class OovPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OOV_POLICY_UNSPECIFIED: _ClassVar[OovPolicy]
    OOV_POLICY_ERROR: _ClassVar[OovPolicy]
    OOV_POLICY_SKIP: _ClassVar[OovPolicy]
    OOV_POLICY_ZERO: _ClassVar[OovPolicy]
    OOV_POLICY_UNK: _ClassVar[OovPolicy]
    OOV_POLICY_SUBWORD: _ClassVar[OovPolicy]
    OOV_POLICY_RANDOM: _ClassVar[OovPolicy]
    OOV_POLICY_TOKENIZE: _ClassVar[OovPolicy]

class Strategy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STRATEGY_UNSPECIFIED: _ClassVar[Strategy]
    STRATEGY_FIRST: _ClassVar[Strategy]
    STRATEGY_ALL: _ClassVar[Strategy]

class AttributeTest(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ATTRIBUTE_TEST_UNSPECIFIED: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_EQ: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_NE: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_LT: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_LE: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_GT: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_GE: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_EXISTS: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_MISSING: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_IN: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_CONTAINS: _ClassVar[AttributeTest]
    ATTRIBUTE_TEST_STARTS_WITH: _ClassVar[AttributeTest]

class TokenizerKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKENIZER_KIND_UNSPECIFIED: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_WHITESPACE: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_RULES: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_UNICODE_WORDS: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_CHARACTERS: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_BYTES: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_JIEBA: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_HYBRID: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_JSON: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_WORDPIECE: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_BPE: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_TIKTOKEN: _ClassVar[TokenizerKind]
    TOKENIZER_KIND_SENTENCEPIECE: _ClassVar[TokenizerKind]

class TokenRole(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TOKEN_ROLE_UNSPECIFIED: _ClassVar[TokenRole]
    TOKEN_ROLE_UNKNOWN: _ClassVar[TokenRole]
    TOKEN_ROLE_BEGIN: _ClassVar[TokenRole]
    TOKEN_ROLE_END: _ClassVar[TokenRole]
    TOKEN_ROLE_PAD: _ClassVar[TokenRole]
    TOKEN_ROLE_MASK: _ClassVar[TokenRole]
    TOKEN_ROLE_CLASS: _ClassVar[TokenRole]
    TOKEN_ROLE_SEPARATOR: _ClassVar[TokenRole]

class JobUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_UNIT_UNSPECIFIED: _ClassVar[JobUnit]
    JOB_UNIT_BYTES: _ClassVar[JobUnit]
    JOB_UNIT_ROWS: _ClassVar[JobUnit]
    JOB_UNIT_TOKENS: _ClassVar[JobUnit]
METRIC_UNSPECIFIED: Metric
METRIC_COSINE: Metric
DTYPE_UNSPECIFIED: Dtype
DTYPE_F32: Dtype
DTYPE_F16: Dtype
DTYPE_BF16: Dtype
DTYPE_I8: Dtype
ANSWERED_BY_UNSPECIFIED: AnsweredBy
ANSWERED_BY_EXACT: AnsweredBy
ANSWERED_BY_GRAPH: AnsweredBy
ANSWERED_BY_LIST: AnsweredBy
ANSWERED_BY_PARTITION: AnsweredBy
INDEX_KIND_UNSPECIFIED: IndexKind
INDEX_KIND_HNSW: IndexKind
INDEX_KIND_PARTITION: IndexKind
INDEX_KIND_NONE: IndexKind
OOV_POLICY_UNSPECIFIED: OovPolicy
OOV_POLICY_ERROR: OovPolicy
OOV_POLICY_SKIP: OovPolicy
OOV_POLICY_ZERO: OovPolicy
OOV_POLICY_UNK: OovPolicy
OOV_POLICY_SUBWORD: OovPolicy
OOV_POLICY_RANDOM: OovPolicy
OOV_POLICY_TOKENIZE: OovPolicy
STRATEGY_UNSPECIFIED: Strategy
STRATEGY_FIRST: Strategy
STRATEGY_ALL: Strategy
ATTRIBUTE_TEST_UNSPECIFIED: AttributeTest
ATTRIBUTE_TEST_EQ: AttributeTest
ATTRIBUTE_TEST_NE: AttributeTest
ATTRIBUTE_TEST_LT: AttributeTest
ATTRIBUTE_TEST_LE: AttributeTest
ATTRIBUTE_TEST_GT: AttributeTest
ATTRIBUTE_TEST_GE: AttributeTest
ATTRIBUTE_TEST_EXISTS: AttributeTest
ATTRIBUTE_TEST_MISSING: AttributeTest
ATTRIBUTE_TEST_IN: AttributeTest
ATTRIBUTE_TEST_CONTAINS: AttributeTest
ATTRIBUTE_TEST_STARTS_WITH: AttributeTest
TOKENIZER_KIND_UNSPECIFIED: TokenizerKind
TOKENIZER_KIND_WHITESPACE: TokenizerKind
TOKENIZER_KIND_RULES: TokenizerKind
TOKENIZER_KIND_UNICODE_WORDS: TokenizerKind
TOKENIZER_KIND_CHARACTERS: TokenizerKind
TOKENIZER_KIND_BYTES: TokenizerKind
TOKENIZER_KIND_JIEBA: TokenizerKind
TOKENIZER_KIND_HYBRID: TokenizerKind
TOKENIZER_KIND_JSON: TokenizerKind
TOKENIZER_KIND_WORDPIECE: TokenizerKind
TOKENIZER_KIND_BPE: TokenizerKind
TOKENIZER_KIND_TIKTOKEN: TokenizerKind
TOKENIZER_KIND_SENTENCEPIECE: TokenizerKind
TOKEN_ROLE_UNSPECIFIED: TokenRole
TOKEN_ROLE_UNKNOWN: TokenRole
TOKEN_ROLE_BEGIN: TokenRole
TOKEN_ROLE_END: TokenRole
TOKEN_ROLE_PAD: TokenRole
TOKEN_ROLE_MASK: TokenRole
TOKEN_ROLE_CLASS: TokenRole
TOKEN_ROLE_SEPARATOR: TokenRole
JOB_UNIT_UNSPECIFIED: JobUnit
JOB_UNIT_BYTES: JobUnit
JOB_UNIT_ROWS: JobUnit
JOB_UNIT_TOKENS: JobUnit

class MadeWord(_message.Message):
    __slots__ = ("asked", "made_by", "row", "pieces", "unknown_pieces")
    ASKED_FIELD_NUMBER: _ClassVar[int]
    MADE_BY_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    PIECES_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_PIECES_FIELD_NUMBER: _ClassVar[int]
    asked: str
    made_by: OovPolicy
    row: int
    pieces: _containers.RepeatedCompositeFieldContainer[ResolvedWord]
    unknown_pieces: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, asked: _Optional[str] = ..., made_by: _Optional[_Union[OovPolicy, str]] = ..., row: _Optional[int] = ..., pieces: _Optional[_Iterable[_Union[ResolvedWord, _Mapping]]] = ..., unknown_pieces: _Optional[_Iterable[str]] = ...) -> None: ...

class Preprocessor(_message.Message):
    __slots__ = ("lowercase", "strip_accents")
    LOWERCASE_FIELD_NUMBER: _ClassVar[int]
    STRIP_ACCENTS_FIELD_NUMBER: _ClassVar[int]
    lowercase: bool
    strip_accents: bool
    def __init__(self, lowercase: _Optional[bool] = ..., strip_accents: _Optional[bool] = ...) -> None: ...

class WordOptions(_message.Message):
    __slots__ = ("oov", "preprocessors", "strategy", "tokenizer")
    OOV_FIELD_NUMBER: _ClassVar[int]
    PREPROCESSORS_FIELD_NUMBER: _ClassVar[int]
    STRATEGY_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    oov: OovPolicy
    preprocessors: _containers.RepeatedCompositeFieldContainer[Preprocessor]
    strategy: Strategy
    tokenizer: str
    def __init__(self, oov: _Optional[_Union[OovPolicy, str]] = ..., preprocessors: _Optional[_Iterable[_Union[Preprocessor, _Mapping]]] = ..., strategy: _Optional[_Union[Strategy, str]] = ..., tokenizer: _Optional[str] = ...) -> None: ...

class Vector(_message.Message):
    __slots__ = ("values", "packed")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    PACKED_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    packed: bytes
    def __init__(self, values: _Optional[_Iterable[float]] = ..., packed: _Optional[bytes] = ...) -> None: ...

class Include(_message.Message):
    __slots__ = ("attributes", "vectors", "packed", "norms")
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    PACKED_FIELD_NUMBER: _ClassVar[int]
    NORMS_FIELD_NUMBER: _ClassVar[int]
    attributes: bool
    vectors: bool
    packed: bool
    norms: bool
    def __init__(self, attributes: _Optional[bool] = ..., vectors: _Optional[bool] = ..., packed: _Optional[bool] = ..., norms: _Optional[bool] = ...) -> None: ...

class WordOrVector(_message.Message):
    __slots__ = ("word", "row", "vector", "text", "weight")
    WORD_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    word: str
    row: int
    vector: Vector
    text: str
    weight: float
    def __init__(self, word: _Optional[str] = ..., row: _Optional[int] = ..., vector: _Optional[_Union[Vector, _Mapping]] = ..., text: _Optional[str] = ..., weight: _Optional[float] = ...) -> None: ...

class Filter(_message.Message):
    __slots__ = ("top", "rows", "prefix", "regex", "allow", "deny", "where", "matching", "condition")
    TOP_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    REGEX_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FIELD_NUMBER: _ClassVar[int]
    DENY_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    MATCHING_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    top: int
    rows: RowRange
    prefix: str
    regex: str
    allow: _containers.RepeatedScalarFieldContainer[str]
    deny: _containers.RepeatedScalarFieldContainer[str]
    where: _containers.RepeatedCompositeFieldContainer[AttributeCondition]
    matching: _containers.RepeatedScalarFieldContainer[str]
    condition: Condition
    def __init__(self, top: _Optional[int] = ..., rows: _Optional[_Union[RowRange, _Mapping]] = ..., prefix: _Optional[str] = ..., regex: _Optional[str] = ..., allow: _Optional[_Iterable[str]] = ..., deny: _Optional[_Iterable[str]] = ..., where: _Optional[_Iterable[_Union[AttributeCondition, _Mapping]]] = ..., matching: _Optional[_Iterable[str]] = ..., condition: _Optional[_Union[Condition, _Mapping]] = ...) -> None: ...

class Condition(_message.Message):
    __slots__ = ("attribute", "all", "any")
    ATTRIBUTE_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    ANY_FIELD_NUMBER: _ClassVar[int]
    NOT_FIELD_NUMBER: _ClassVar[int]
    attribute: AttributeCondition
    all: Conditions
    any: Conditions
    def __init__(self, attribute: _Optional[_Union[AttributeCondition, _Mapping]] = ..., all: _Optional[_Union[Conditions, _Mapping]] = ..., any: _Optional[_Union[Conditions, _Mapping]] = ..., **kwargs) -> None: ...

class Conditions(_message.Message):
    __slots__ = ("conditions",)
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    conditions: _containers.RepeatedCompositeFieldContainer[Condition]
    def __init__(self, conditions: _Optional[_Iterable[_Union[Condition, _Mapping]]] = ...) -> None: ...

class RowRange(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: int
    end: int
    def __init__(self, start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class AttributeCondition(_message.Message):
    __slots__ = ("name", "test", "value", "values")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEST_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    name: str
    test: AttributeTest
    value: AttributeValue
    values: _containers.RepeatedCompositeFieldContainer[AttributeValue]
    def __init__(self, name: _Optional[str] = ..., test: _Optional[_Union[AttributeTest, str]] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ..., values: _Optional[_Iterable[_Union[AttributeValue, _Mapping]]] = ...) -> None: ...

class AttributeValue(_message.Message):
    __slots__ = ("text", "number", "flag", "integer", "date", "list")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    FLAG_FIELD_NUMBER: _ClassVar[int]
    INTEGER_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    LIST_FIELD_NUMBER: _ClassVar[int]
    text: str
    number: float
    flag: bool
    integer: int
    date: str
    list: AttributeList
    def __init__(self, text: _Optional[str] = ..., number: _Optional[float] = ..., flag: _Optional[bool] = ..., integer: _Optional[int] = ..., date: _Optional[str] = ..., list: _Optional[_Union[AttributeList, _Mapping]] = ...) -> None: ...

class AttributeList(_message.Message):
    __slots__ = ("values",)
    VALUES_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedCompositeFieldContainer[AttributeValue]
    def __init__(self, values: _Optional[_Iterable[_Union[AttributeValue, _Mapping]]] = ...) -> None: ...

class Neighbor(_message.Message):
    __slots__ = ("word", "row", "similarity", "word_bytes", "attributes", "vector", "norm")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: AttributeValue
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[AttributeValue, _Mapping]] = ...) -> None: ...
    WORD_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    WORD_BYTES_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    NORM_FIELD_NUMBER: _ClassVar[int]
    word: str
    row: int
    similarity: float
    word_bytes: bytes
    attributes: _containers.MessageMap[str, AttributeValue]
    vector: Vector
    norm: float
    def __init__(self, word: _Optional[str] = ..., row: _Optional[int] = ..., similarity: _Optional[float] = ..., word_bytes: _Optional[bytes] = ..., attributes: _Optional[_Mapping[str, AttributeValue]] = ..., vector: _Optional[_Union[Vector, _Mapping]] = ..., norm: _Optional[float] = ...) -> None: ...

class ResolvedWord(_message.Message):
    __slots__ = ("asked", "found", "row")
    ASKED_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    ROW_FIELD_NUMBER: _ClassVar[int]
    asked: str
    found: str
    row: int
    def __init__(self, asked: _Optional[str] = ..., found: _Optional[str] = ..., row: _Optional[int] = ...) -> None: ...

class AnswerInfo(_message.Message):
    __slots__ = ("table", "generation", "answered_by", "ef_search", "words", "unknown_words", "allowed_rows", "made_words", "texts", "sequence", "age_seconds")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_BY_FIELD_NUMBER: _ClassVar[int]
    EF_SEARCH_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_WORDS_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_ROWS_FIELD_NUMBER: _ClassVar[int]
    MADE_WORDS_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    answered_by: AnsweredBy
    ef_search: int
    words: _containers.RepeatedCompositeFieldContainer[ResolvedWord]
    unknown_words: _containers.RepeatedScalarFieldContainer[str]
    allowed_rows: int
    made_words: _containers.RepeatedCompositeFieldContainer[MadeWord]
    texts: _containers.RepeatedCompositeFieldContainer[UsedText]
    sequence: int
    age_seconds: float
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., answered_by: _Optional[_Union[AnsweredBy, str]] = ..., ef_search: _Optional[int] = ..., words: _Optional[_Iterable[_Union[ResolvedWord, _Mapping]]] = ..., unknown_words: _Optional[_Iterable[str]] = ..., allowed_rows: _Optional[int] = ..., made_words: _Optional[_Iterable[_Union[MadeWord, _Mapping]]] = ..., texts: _Optional[_Iterable[_Union[UsedText, _Mapping]]] = ..., sequence: _Optional[int] = ..., age_seconds: _Optional[float] = ...) -> None: ...

class UsedText(_message.Message):
    __slots__ = ("field", "tokenizer", "words", "unknown_words", "token_count", "used_count")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_WORDS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    USED_COUNT_FIELD_NUMBER: _ClassVar[int]
    field: str
    tokenizer: str
    words: _containers.RepeatedCompositeFieldContainer[ResolvedWord]
    unknown_words: _containers.RepeatedScalarFieldContainer[str]
    token_count: int
    used_count: int
    def __init__(self, field: _Optional[str] = ..., tokenizer: _Optional[str] = ..., words: _Optional[_Iterable[_Union[ResolvedWord, _Mapping]]] = ..., unknown_words: _Optional[_Iterable[str]] = ..., token_count: _Optional[int] = ..., used_count: _Optional[int] = ...) -> None: ...

class TokenizerInfo(_message.Message):
    __slots__ = ("name", "kind", "model", "vocab_size", "special_tokens", "hidden_limits", "stored", "stored_bytes", "tables", "problem")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VOCAB_SIZE_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_TOKENS_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_LIMITS_FIELD_NUMBER: _ClassVar[int]
    STORED_FIELD_NUMBER: _ClassVar[int]
    STORED_BYTES_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: TokenizerKind
    model: str
    vocab_size: int
    special_tokens: _containers.RepeatedCompositeFieldContainer[VocabToken]
    hidden_limits: _containers.RepeatedScalarFieldContainer[str]
    stored: bool
    stored_bytes: int
    tables: _containers.RepeatedScalarFieldContainer[str]
    problem: str
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[_Union[TokenizerKind, str]] = ..., model: _Optional[str] = ..., vocab_size: _Optional[int] = ..., special_tokens: _Optional[_Iterable[_Union[VocabToken, _Mapping]]] = ..., hidden_limits: _Optional[_Iterable[str]] = ..., stored: _Optional[bool] = ..., stored_bytes: _Optional[int] = ..., tables: _Optional[_Iterable[str]] = ..., problem: _Optional[str] = ...) -> None: ...

class VocabToken(_message.Message):
    __slots__ = ("token", "id", "special", "role", "token_bytes", "found")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    SPECIAL_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_BYTES_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    token: str
    id: int
    special: bool
    role: TokenRole
    token_bytes: bytes
    found: bool
    def __init__(self, token: _Optional[str] = ..., id: _Optional[int] = ..., special: _Optional[bool] = ..., role: _Optional[_Union[TokenRole, str]] = ..., token_bytes: _Optional[bytes] = ..., found: _Optional[bool] = ...) -> None: ...

class JobStarted(_message.Message):
    __slots__ = ("id", "may_leave")
    ID_FIELD_NUMBER: _ClassVar[int]
    MAY_LEAVE_FIELD_NUMBER: _ClassVar[int]
    id: int
    may_leave: bool
    def __init__(self, id: _Optional[int] = ..., may_leave: _Optional[bool] = ...) -> None: ...

class JobProgress(_message.Message):
    __slots__ = ("unit", "done", "total", "rate", "seconds_left", "seconds", "phase", "learning")
    UNIT_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    SECONDS_LEFT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    LEARNING_FIELD_NUMBER: _ClassVar[int]
    unit: JobUnit
    done: int
    total: int
    rate: float
    seconds_left: float
    seconds: float
    phase: str
    learning: LearningProgress
    def __init__(self, unit: _Optional[_Union[JobUnit, str]] = ..., done: _Optional[int] = ..., total: _Optional[int] = ..., rate: _Optional[float] = ..., seconds_left: _Optional[float] = ..., seconds: _Optional[float] = ..., phase: _Optional[str] = ..., learning: _Optional[_Union[LearningProgress, _Mapping]] = ...) -> None: ...

class LearningProgress(_message.Message):
    __slots__ = ("epoch", "epochs", "tokens", "tokens_total", "tokens_per_second", "loss", "lr", "seconds_left", "checkpoint", "probes", "evaluations")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_TOTAL_FIELD_NUMBER: _ClassVar[int]
    TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    LR_FIELD_NUMBER: _ClassVar[int]
    SECONDS_LEFT_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    PROBES_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    epoch: int
    epochs: int
    tokens: int
    tokens_total: int
    tokens_per_second: float
    loss: float
    lr: float
    seconds_left: float
    checkpoint: TrainCheckpoint
    probes: _containers.RepeatedCompositeFieldContainer[TrainProbe]
    evaluations: _containers.RepeatedCompositeFieldContainer[TrainEvaluation]
    def __init__(self, epoch: _Optional[int] = ..., epochs: _Optional[int] = ..., tokens: _Optional[int] = ..., tokens_total: _Optional[int] = ..., tokens_per_second: _Optional[float] = ..., loss: _Optional[float] = ..., lr: _Optional[float] = ..., seconds_left: _Optional[float] = ..., checkpoint: _Optional[_Union[TrainCheckpoint, _Mapping]] = ..., probes: _Optional[_Iterable[_Union[TrainProbe, _Mapping]]] = ..., evaluations: _Optional[_Iterable[_Union[TrainEvaluation, _Mapping]]] = ...) -> None: ...

class TrainCheckpoint(_message.Message):
    __slots__ = ("count", "bytes", "tokens", "seconds", "problem")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    count: int
    bytes: int
    tokens: int
    seconds: float
    problem: str
    def __init__(self, count: _Optional[int] = ..., bytes: _Optional[int] = ..., tokens: _Optional[int] = ..., seconds: _Optional[float] = ..., problem: _Optional[str] = ...) -> None: ...

class TrainProbe(_message.Message):
    __slots__ = ("word", "known", "tokens", "neighbors")
    WORD_FIELD_NUMBER: _ClassVar[int]
    KNOWN_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    NEIGHBORS_FIELD_NUMBER: _ClassVar[int]
    word: str
    known: bool
    tokens: int
    neighbors: _containers.RepeatedCompositeFieldContainer[TrainNeighbor]
    def __init__(self, word: _Optional[str] = ..., known: _Optional[bool] = ..., tokens: _Optional[int] = ..., neighbors: _Optional[_Iterable[_Union[TrainNeighbor, _Mapping]]] = ...) -> None: ...

class TrainNeighbor(_message.Message):
    __slots__ = ("word", "similarity")
    WORD_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    word: str
    similarity: float
    def __init__(self, word: _Optional[str] = ..., similarity: _Optional[float] = ...) -> None: ...

class TrainEvaluation(_message.Message):
    __slots__ = ("test_set", "tokens", "figures", "problem")
    TEST_SET_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    FIGURES_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    test_set: str
    tokens: int
    figures: _containers.RepeatedCompositeFieldContainer[TrainFigure]
    problem: str
    def __init__(self, test_set: _Optional[str] = ..., tokens: _Optional[int] = ..., figures: _Optional[_Iterable[_Union[TrainFigure, _Mapping]]] = ..., problem: _Optional[str] = ...) -> None: ...

class TrainFigure(_message.Message):
    __slots__ = ("name", "value")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    name: str
    value: float
    def __init__(self, name: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
