import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from wordspace.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Smoothing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SMOOTHING_UNSPECIFIED: _ClassVar[Smoothing]
    SMOOTHING_MAXIMUM_LIKELIHOOD: _ClassVar[Smoothing]
    SMOOTHING_LAPLACE: _ClassVar[Smoothing]
    SMOOTHING_ADD_K: _ClassVar[Smoothing]
    SMOOTHING_GOOD_TURING: _ClassVar[Smoothing]
    SMOOTHING_KATZ: _ClassVar[Smoothing]
    SMOOTHING_WITTEN_BELL: _ClassVar[Smoothing]
    SMOOTHING_JELINEK_MERCER: _ClassVar[Smoothing]
    SMOOTHING_ABSOLUTE_DISCOUNTING: _ClassVar[Smoothing]
    SMOOTHING_KNESER_NEY: _ClassVar[Smoothing]
    SMOOTHING_MODIFIED_KNESER_NEY: _ClassVar[Smoothing]
SMOOTHING_UNSPECIFIED: Smoothing
SMOOTHING_MAXIMUM_LIKELIHOOD: Smoothing
SMOOTHING_LAPLACE: Smoothing
SMOOTHING_ADD_K: Smoothing
SMOOTHING_GOOD_TURING: Smoothing
SMOOTHING_KATZ: Smoothing
SMOOTHING_WITTEN_BELL: Smoothing
SMOOTHING_JELINEK_MERCER: Smoothing
SMOOTHING_ABSOLUTE_DISCOUNTING: Smoothing
SMOOTHING_KNESER_NEY: Smoothing
SMOOTHING_MODIFIED_KNESER_NEY: Smoothing

class LanguageModel(_message.Message):
    __slots__ = ("name", "order", "smoothing", "k", "word_count", "ngram_counts", "bytes", "tokenizer", "token_count", "sentence_count", "source", "sha256", "made_at", "notes", "problem", "neural", "compact")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    WORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    NGRAM_COUNTS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    NEURAL_FIELD_NUMBER: _ClassVar[int]
    COMPACT_FIELD_NUMBER: _ClassVar[int]
    name: str
    order: int
    smoothing: Smoothing
    k: float
    word_count: int
    ngram_counts: _containers.RepeatedScalarFieldContainer[int]
    bytes: int
    tokenizer: str
    token_count: int
    sentence_count: int
    source: str
    sha256: str
    made_at: _timestamp_pb2.Timestamp
    notes: _containers.RepeatedScalarFieldContainer[str]
    problem: str
    neural: NeuralModel
    compact: bool
    def __init__(self, name: _Optional[str] = ..., order: _Optional[int] = ..., smoothing: _Optional[_Union[Smoothing, str]] = ..., k: _Optional[float] = ..., word_count: _Optional[int] = ..., ngram_counts: _Optional[_Iterable[int]] = ..., bytes: _Optional[int] = ..., tokenizer: _Optional[str] = ..., token_count: _Optional[int] = ..., sentence_count: _Optional[int] = ..., source: _Optional[str] = ..., sha256: _Optional[str] = ..., made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., notes: _Optional[_Iterable[str]] = ..., problem: _Optional[str] = ..., neural: _Optional[_Union[NeuralModel, _Mapping]] = ..., compact: _Optional[bool] = ...) -> None: ...

class NeuralModel(_message.Message):
    __slots__ = ("dim", "hidden", "direct", "weight_count", "samples", "epochs", "from_table")
    DIM_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    DIRECT_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_COUNT_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    FROM_TABLE_FIELD_NUMBER: _ClassVar[int]
    dim: int
    hidden: int
    direct: bool
    weight_count: int
    samples: int
    epochs: int
    from_table: str
    def __init__(self, dim: _Optional[int] = ..., hidden: _Optional[int] = ..., direct: _Optional[bool] = ..., weight_count: _Optional[int] = ..., samples: _Optional[int] = ..., epochs: _Optional[int] = ..., from_table: _Optional[str] = ...) -> None: ...

class NeuralNetwork(_message.Message):
    __slots__ = ("dim", "hidden", "direct", "epochs", "samples", "rate", "decay", "dropout", "seed", "threads", "from_table", "table")
    DIM_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    DIRECT_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    SAMPLES_FIELD_NUMBER: _ClassVar[int]
    RATE_FIELD_NUMBER: _ClassVar[int]
    DECAY_FIELD_NUMBER: _ClassVar[int]
    DROPOUT_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    FROM_TABLE_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    dim: int
    hidden: int
    direct: bool
    epochs: int
    samples: int
    rate: float
    decay: float
    dropout: float
    seed: int
    threads: int
    from_table: str
    table: str
    def __init__(self, dim: _Optional[int] = ..., hidden: _Optional[int] = ..., direct: _Optional[bool] = ..., epochs: _Optional[int] = ..., samples: _Optional[int] = ..., rate: _Optional[float] = ..., decay: _Optional[float] = ..., dropout: _Optional[float] = ..., seed: _Optional[int] = ..., threads: _Optional[int] = ..., from_table: _Optional[str] = ..., table: _Optional[str] = ...) -> None: ...

class TrainModelRequest(_message.Message):
    __slots__ = ("header", "text")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    header: TrainModelHeader
    text: bytes
    def __init__(self, header: _Optional[_Union[TrainModelHeader, _Mapping]] = ..., text: _Optional[bytes] = ...) -> None: ...

class TrainModelHeader(_message.Message):
    __slots__ = ("model", "replace", "detach", "source", "total_bytes", "order", "smoothing", "k", "min_count", "vocab_max", "prune", "tokenizer", "skip_special", "held_out_share", "neural", "compact", "vocabulary")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    MIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    VOCAB_MAX_FIELD_NUMBER: _ClassVar[int]
    PRUNE_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    SKIP_SPECIAL_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_SHARE_FIELD_NUMBER: _ClassVar[int]
    NEURAL_FIELD_NUMBER: _ClassVar[int]
    COMPACT_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_FIELD_NUMBER: _ClassVar[int]
    model: str
    replace: bool
    detach: bool
    source: str
    total_bytes: int
    order: int
    smoothing: Smoothing
    k: float
    min_count: int
    vocab_max: int
    prune: _containers.RepeatedScalarFieldContainer[int]
    tokenizer: str
    skip_special: bool
    held_out_share: float
    neural: NeuralNetwork
    compact: bool
    vocabulary: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, model: _Optional[str] = ..., replace: _Optional[bool] = ..., detach: _Optional[bool] = ..., source: _Optional[str] = ..., total_bytes: _Optional[int] = ..., order: _Optional[int] = ..., smoothing: _Optional[_Union[Smoothing, str]] = ..., k: _Optional[float] = ..., min_count: _Optional[int] = ..., vocab_max: _Optional[int] = ..., prune: _Optional[_Iterable[int]] = ..., tokenizer: _Optional[str] = ..., skip_special: _Optional[bool] = ..., held_out_share: _Optional[float] = ..., neural: _Optional[_Union[NeuralNetwork, _Mapping]] = ..., compact: _Optional[bool] = ..., vocabulary: _Optional[_Iterable[str]] = ...) -> None: ...

class TrainModelResponse(_message.Message):
    __slots__ = ("job", "progress", "report")
    JOB_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    job: _common_pb2.JobStarted
    progress: ModelProgress
    report: TrainModelReport
    def __init__(self, job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ..., progress: _Optional[_Union[ModelProgress, _Mapping]] = ..., report: _Optional[_Union[TrainModelReport, _Mapping]] = ...) -> None: ...

class ModelProgress(_message.Message):
    __slots__ = ("bytes_read", "phase", "word_count", "learning")
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    WORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    LEARNING_FIELD_NUMBER: _ClassVar[int]
    bytes_read: int
    phase: str
    word_count: int
    learning: _common_pb2.LearningProgress
    def __init__(self, bytes_read: _Optional[int] = ..., phase: _Optional[str] = ..., word_count: _Optional[int] = ..., learning: _Optional[_Union[_common_pb2.LearningProgress, _Mapping]] = ...) -> None: ...

class TrainModelReport(_message.Message):
    __slots__ = ("model", "orders", "unknown_token_count", "skipped_token_count", "held_out", "memory_bytes", "spilled_bytes", "read_seconds", "make_seconds", "epochs", "words_per_second", "from_table_count", "table_row_count")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    SPILLED_BYTES_FIELD_NUMBER: _ClassVar[int]
    READ_SECONDS_FIELD_NUMBER: _ClassVar[int]
    MAKE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    WORDS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    FROM_TABLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TABLE_ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    model: LanguageModel
    orders: _containers.RepeatedCompositeFieldContainer[ModelOrder]
    unknown_token_count: int
    skipped_token_count: int
    held_out: PerplexityResponse
    memory_bytes: int
    spilled_bytes: int
    read_seconds: float
    make_seconds: float
    epochs: _containers.RepeatedCompositeFieldContainer[NeuralEpoch]
    words_per_second: float
    from_table_count: int
    table_row_count: int
    def __init__(self, model: _Optional[_Union[LanguageModel, _Mapping]] = ..., orders: _Optional[_Iterable[_Union[ModelOrder, _Mapping]]] = ..., unknown_token_count: _Optional[int] = ..., skipped_token_count: _Optional[int] = ..., held_out: _Optional[_Union[PerplexityResponse, _Mapping]] = ..., memory_bytes: _Optional[int] = ..., spilled_bytes: _Optional[int] = ..., read_seconds: _Optional[float] = ..., make_seconds: _Optional[float] = ..., epochs: _Optional[_Iterable[_Union[NeuralEpoch, _Mapping]]] = ..., words_per_second: _Optional[float] = ..., from_table_count: _Optional[int] = ..., table_row_count: _Optional[int] = ...) -> None: ...

class NeuralEpoch(_message.Message):
    __slots__ = ("held_out_perplexity", "seconds")
    HELD_OUT_PERPLEXITY_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    held_out_perplexity: float
    seconds: float
    def __init__(self, held_out_perplexity: _Optional[float] = ..., seconds: _Optional[float] = ...) -> None: ...

class ModelOrder(_message.Message):
    __slots__ = ("ngram_count", "pruned_count", "counts_of_counts", "discounts", "weight", "fallback")
    NGRAM_COUNT_FIELD_NUMBER: _ClassVar[int]
    PRUNED_COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNTS_OF_COUNTS_FIELD_NUMBER: _ClassVar[int]
    DISCOUNTS_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    FALLBACK_FIELD_NUMBER: _ClassVar[int]
    ngram_count: int
    pruned_count: int
    counts_of_counts: _containers.RepeatedScalarFieldContainer[int]
    discounts: _containers.RepeatedScalarFieldContainer[float]
    weight: float
    fallback: str
    def __init__(self, ngram_count: _Optional[int] = ..., pruned_count: _Optional[int] = ..., counts_of_counts: _Optional[_Iterable[int]] = ..., discounts: _Optional[_Iterable[float]] = ..., weight: _Optional[float] = ..., fallback: _Optional[str] = ...) -> None: ...

class ImportModelRequest(_message.Message):
    __slots__ = ("header", "chunk")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    header: ImportModelHeader
    chunk: bytes
    def __init__(self, header: _Optional[_Union[ImportModelHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ImportModelHeader(_message.Message):
    __slots__ = ("model", "replace", "detach", "source", "tokenizer", "clamp", "compact")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    CLAMP_FIELD_NUMBER: _ClassVar[int]
    COMPACT_FIELD_NUMBER: _ClassVar[int]
    model: str
    replace: bool
    detach: bool
    source: str
    tokenizer: str
    clamp: bool
    compact: bool
    def __init__(self, model: _Optional[str] = ..., replace: _Optional[bool] = ..., detach: _Optional[bool] = ..., source: _Optional[str] = ..., tokenizer: _Optional[str] = ..., clamp: _Optional[bool] = ..., compact: _Optional[bool] = ...) -> None: ...

class ImportModelResponse(_message.Message):
    __slots__ = ("job", "progress", "report")
    JOB_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    job: _common_pb2.JobStarted
    progress: ModelProgress
    report: ImportModelReport
    def __init__(self, job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ..., progress: _Optional[_Union[ModelProgress, _Mapping]] = ..., report: _Optional[_Union[ImportModelReport, _Mapping]] = ...) -> None: ...

class ImportModelReport(_message.Message):
    __slots__ = ("model", "seconds")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    model: LanguageModel
    seconds: float
    def __init__(self, model: _Optional[_Union[LanguageModel, _Mapping]] = ..., seconds: _Optional[float] = ...) -> None: ...

class ExportModelRequest(_message.Message):
    __slots__ = ("model", "begin_never")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    BEGIN_NEVER_FIELD_NUMBER: _ClassVar[int]
    model: str
    begin_never: bool
    def __init__(self, model: _Optional[str] = ..., begin_never: _Optional[bool] = ...) -> None: ...

class ExportModelResponse(_message.Message):
    __slots__ = ("job", "chunk")
    JOB_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    job: _common_pb2.JobStarted
    chunk: bytes
    def __init__(self, job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ..., chunk: _Optional[bytes] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[LanguageModel]
    def __init__(self, models: _Optional[_Iterable[_Union[LanguageModel, _Mapping]]] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: LanguageModel
    def __init__(self, model: _Optional[_Union[LanguageModel, _Mapping]] = ...) -> None: ...

class DeleteModelRequest(_message.Message):
    __slots__ = ("model",)
    MODEL_FIELD_NUMBER: _ClassVar[int]
    model: str
    def __init__(self, model: _Optional[str] = ...) -> None: ...

class DeleteModelResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ScoreRequest(_message.Message):
    __slots__ = ("model", "sentences", "no_begin", "no_end", "totals_only", "state")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    NO_BEGIN_FIELD_NUMBER: _ClassVar[int]
    NO_END_FIELD_NUMBER: _ClassVar[int]
    TOTALS_ONLY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    model: str
    sentences: _containers.RepeatedScalarFieldContainer[str]
    no_begin: bool
    no_end: bool
    totals_only: bool
    state: bytes
    def __init__(self, model: _Optional[str] = ..., sentences: _Optional[_Iterable[str]] = ..., no_begin: _Optional[bool] = ..., no_end: _Optional[bool] = ..., totals_only: _Optional[bool] = ..., state: _Optional[bytes] = ...) -> None: ...

class ScoreResponse(_message.Message):
    __slots__ = ("sentences", "state")
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    sentences: _containers.RepeatedCompositeFieldContainer[SentenceScore]
    state: bytes
    def __init__(self, sentences: _Optional[_Iterable[_Union[SentenceScore, _Mapping]]] = ..., state: _Optional[bytes] = ...) -> None: ...

class SentenceScore(_message.Message):
    __slots__ = ("log10", "tokens", "token_count", "unknown_count", "perplexity")
    LOG10_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_COUNT_FIELD_NUMBER: _ClassVar[int]
    PERPLEXITY_FIELD_NUMBER: _ClassVar[int]
    log10: float
    tokens: _containers.RepeatedCompositeFieldContainer[TokenScore]
    token_count: int
    unknown_count: int
    perplexity: float
    def __init__(self, log10: _Optional[float] = ..., tokens: _Optional[_Iterable[_Union[TokenScore, _Mapping]]] = ..., token_count: _Optional[int] = ..., unknown_count: _Optional[int] = ..., perplexity: _Optional[float] = ...) -> None: ...

class TokenScore(_message.Message):
    __slots__ = ("token", "log10", "order", "unknown")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOG10_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    token: str
    log10: float
    order: int
    unknown: bool
    def __init__(self, token: _Optional[str] = ..., log10: _Optional[float] = ..., order: _Optional[int] = ..., unknown: _Optional[bool] = ...) -> None: ...

class PerplexityRequest(_message.Message):
    __slots__ = ("model", "text")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    model: str
    text: bytes
    def __init__(self, model: _Optional[str] = ..., text: _Optional[bytes] = ...) -> None: ...

class PerplexityResponse(_message.Message):
    __slots__ = ("perplexity", "perplexity_without_unknown", "token_count", "unknown_count", "sentence_count", "log10", "log10_without_unknown", "impossible_count", "entropy")
    PERPLEXITY_FIELD_NUMBER: _ClassVar[int]
    PERPLEXITY_WITHOUT_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOG10_FIELD_NUMBER: _ClassVar[int]
    LOG10_WITHOUT_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    IMPOSSIBLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ENTROPY_FIELD_NUMBER: _ClassVar[int]
    perplexity: float
    perplexity_without_unknown: float
    token_count: int
    unknown_count: int
    sentence_count: int
    log10: float
    log10_without_unknown: float
    impossible_count: int
    entropy: float
    def __init__(self, perplexity: _Optional[float] = ..., perplexity_without_unknown: _Optional[float] = ..., token_count: _Optional[int] = ..., unknown_count: _Optional[int] = ..., sentence_count: _Optional[int] = ..., log10: _Optional[float] = ..., log10_without_unknown: _Optional[float] = ..., impossible_count: _Optional[int] = ..., entropy: _Optional[float] = ...) -> None: ...

class NextWordsRequest(_message.Message):
    __slots__ = ("model", "text", "state", "k", "without_end", "with_unknown")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_END_FIELD_NUMBER: _ClassVar[int]
    WITH_UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    model: str
    text: str
    state: bytes
    k: int
    without_end: bool
    with_unknown: bool
    def __init__(self, model: _Optional[str] = ..., text: _Optional[str] = ..., state: _Optional[bytes] = ..., k: _Optional[int] = ..., without_end: _Optional[bool] = ..., with_unknown: _Optional[bool] = ...) -> None: ...

class NextWordsResponse(_message.Message):
    __slots__ = ("words", "unknown_probability")
    WORDS_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    words: _containers.RepeatedCompositeFieldContainer[NextWord]
    unknown_probability: float
    def __init__(self, words: _Optional[_Iterable[_Union[NextWord, _Mapping]]] = ..., unknown_probability: _Optional[float] = ...) -> None: ...

class NextWord(_message.Message):
    __slots__ = ("token", "probability", "log10", "order")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    LOG10_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    token: str
    probability: float
    log10: float
    order: int
    def __init__(self, token: _Optional[str] = ..., probability: _Optional[float] = ..., log10: _Optional[float] = ..., order: _Optional[int] = ...) -> None: ...

class GenerateRequest(_message.Message):
    __slots__ = ("model", "text", "temperature", "top_k", "top_p", "max_tokens", "seed", "count")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_K_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    model: str
    text: str
    temperature: float
    top_k: int
    top_p: float
    max_tokens: int
    seed: int
    count: int
    def __init__(self, model: _Optional[str] = ..., text: _Optional[str] = ..., temperature: _Optional[float] = ..., top_k: _Optional[int] = ..., top_p: _Optional[float] = ..., max_tokens: _Optional[int] = ..., seed: _Optional[int] = ..., count: _Optional[int] = ...) -> None: ...

class GenerateResponse(_message.Message):
    __slots__ = ("texts",)
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    texts: _containers.RepeatedCompositeFieldContainer[GeneratedText]
    def __init__(self, texts: _Optional[_Iterable[_Union[GeneratedText, _Mapping]]] = ...) -> None: ...

class GeneratedText(_message.Message):
    __slots__ = ("text", "words", "ended", "unknown_max", "seed")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_MAX_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    text: str
    words: _containers.RepeatedCompositeFieldContainer[NextWord]
    ended: bool
    unknown_max: float
    seed: int
    def __init__(self, text: _Optional[str] = ..., words: _Optional[_Iterable[_Union[NextWord, _Mapping]]] = ..., ended: _Optional[bool] = ..., unknown_max: _Optional[float] = ..., seed: _Optional[int] = ...) -> None: ...

class CompareSmoothingsRequest(_message.Message):
    __slots__ = ("header", "text")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    header: CompareSmoothingsHeader
    text: bytes
    def __init__(self, header: _Optional[_Union[CompareSmoothingsHeader, _Mapping]] = ..., text: _Optional[bytes] = ...) -> None: ...

class CompareSmoothingsHeader(_message.Message):
    __slots__ = ("smoothings", "orders", "k", "min_count", "vocab_max", "tokenizer", "skip_special", "held_out_share", "detach")
    SMOOTHINGS_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    MIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    VOCAB_MAX_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    SKIP_SPECIAL_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_SHARE_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    smoothings: _containers.RepeatedScalarFieldContainer[Smoothing]
    orders: _containers.RepeatedScalarFieldContainer[int]
    k: float
    min_count: int
    vocab_max: int
    tokenizer: str
    skip_special: bool
    held_out_share: float
    detach: bool
    def __init__(self, smoothings: _Optional[_Iterable[_Union[Smoothing, str]]] = ..., orders: _Optional[_Iterable[int]] = ..., k: _Optional[float] = ..., min_count: _Optional[int] = ..., vocab_max: _Optional[int] = ..., tokenizer: _Optional[str] = ..., skip_special: _Optional[bool] = ..., held_out_share: _Optional[float] = ..., detach: _Optional[bool] = ...) -> None: ...

class CompareSmoothingsResponse(_message.Message):
    __slots__ = ("job", "progress", "report")
    JOB_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    job: _common_pb2.JobStarted
    progress: ModelProgress
    report: CompareSmoothingsReport
    def __init__(self, job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ..., progress: _Optional[_Union[ModelProgress, _Mapping]] = ..., report: _Optional[_Union[CompareSmoothingsReport, _Mapping]] = ...) -> None: ...

class CompareSmoothingsReport(_message.Message):
    __slots__ = ("models", "token_count", "held_out_sentence_count")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_SENTENCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ComparedSmoothing]
    token_count: int
    held_out_sentence_count: int
    def __init__(self, models: _Optional[_Iterable[_Union[ComparedSmoothing, _Mapping]]] = ..., token_count: _Optional[int] = ..., held_out_sentence_count: _Optional[int] = ...) -> None: ...

class ComparedSmoothing(_message.Message):
    __slots__ = ("smoothing", "order", "held_out", "ngram_counts", "bytes", "seconds", "notes")
    SMOOTHING_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    HELD_OUT_FIELD_NUMBER: _ClassVar[int]
    NGRAM_COUNTS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    smoothing: Smoothing
    order: int
    held_out: PerplexityResponse
    ngram_counts: _containers.RepeatedScalarFieldContainer[int]
    bytes: int
    seconds: float
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, smoothing: _Optional[_Union[Smoothing, str]] = ..., order: _Optional[int] = ..., held_out: _Optional[_Union[PerplexityResponse, _Mapping]] = ..., ngram_counts: _Optional[_Iterable[int]] = ..., bytes: _Optional[int] = ..., seconds: _Optional[float] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class MixModelsRequest(_message.Message):
    __slots__ = ("models", "weights", "text")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedScalarFieldContainer[str]
    weights: _containers.RepeatedScalarFieldContainer[float]
    text: bytes
    def __init__(self, models: _Optional[_Iterable[str]] = ..., weights: _Optional[_Iterable[float]] = ..., text: _Optional[bytes] = ...) -> None: ...

class MixModelsResponse(_message.Message):
    __slots__ = ("models", "mixture")
    MODELS_FIELD_NUMBER: _ClassVar[int]
    MIXTURE_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[MixedModel]
    mixture: PerplexityResponse
    def __init__(self, models: _Optional[_Iterable[_Union[MixedModel, _Mapping]]] = ..., mixture: _Optional[_Union[PerplexityResponse, _Mapping]] = ...) -> None: ...

class MixedModel(_message.Message):
    __slots__ = ("model", "weight", "alone")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    ALONE_FIELD_NUMBER: _ClassVar[int]
    model: str
    weight: float
    alone: PerplexityResponse
    def __init__(self, model: _Optional[str] = ..., weight: _Optional[float] = ..., alone: _Optional[_Union[PerplexityResponse, _Mapping]] = ...) -> None: ...

class RankTextsRequest(_message.Message):
    __slots__ = ("model", "candidates", "weight", "word_bonus", "no_begin", "no_end")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    WORD_BONUS_FIELD_NUMBER: _ClassVar[int]
    NO_BEGIN_FIELD_NUMBER: _ClassVar[int]
    NO_END_FIELD_NUMBER: _ClassVar[int]
    model: str
    candidates: _containers.RepeatedCompositeFieldContainer[CandidateText]
    weight: float
    word_bonus: float
    no_begin: bool
    no_end: bool
    def __init__(self, model: _Optional[str] = ..., candidates: _Optional[_Iterable[_Union[CandidateText, _Mapping]]] = ..., weight: _Optional[float] = ..., word_bonus: _Optional[float] = ..., no_begin: _Optional[bool] = ..., no_end: _Optional[bool] = ...) -> None: ...

class CandidateText(_message.Message):
    __slots__ = ("text", "acoustic_log10")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ACOUSTIC_LOG10_FIELD_NUMBER: _ClassVar[int]
    text: str
    acoustic_log10: float
    def __init__(self, text: _Optional[str] = ..., acoustic_log10: _Optional[float] = ...) -> None: ...

class RankTextsResponse(_message.Message):
    __slots__ = ("candidates",)
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    candidates: _containers.RepeatedCompositeFieldContainer[RankedText]
    def __init__(self, candidates: _Optional[_Iterable[_Union[RankedText, _Mapping]]] = ...) -> None: ...

class RankedText(_message.Message):
    __slots__ = ("index", "text", "acoustic_log10", "log10", "total", "share", "token_count", "unknown_count")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ACOUSTIC_LOG10_FIELD_NUMBER: _ClassVar[int]
    LOG10_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_COUNT_FIELD_NUMBER: _ClassVar[int]
    index: int
    text: str
    acoustic_log10: float
    log10: float
    total: float
    share: float
    token_count: int
    unknown_count: int
    def __init__(self, index: _Optional[int] = ..., text: _Optional[str] = ..., acoustic_log10: _Optional[float] = ..., log10: _Optional[float] = ..., total: _Optional[float] = ..., share: _Optional[float] = ..., token_count: _Optional[int] = ..., unknown_count: _Optional[int] = ...) -> None: ...

class OddWordsRequest(_message.Message):
    __slots__ = ("model", "sentences", "threshold")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    model: str
    sentences: _containers.RepeatedScalarFieldContainer[str]
    threshold: float
    def __init__(self, model: _Optional[str] = ..., sentences: _Optional[_Iterable[str]] = ..., threshold: _Optional[float] = ...) -> None: ...

class OddWordsResponse(_message.Message):
    __slots__ = ("sentences",)
    SENTENCES_FIELD_NUMBER: _ClassVar[int]
    sentences: _containers.RepeatedCompositeFieldContainer[OddSentence]
    def __init__(self, sentences: _Optional[_Iterable[_Union[OddSentence, _Mapping]]] = ...) -> None: ...

class OddSentence(_message.Message):
    __slots__ = ("words", "token_count")
    WORDS_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    words: _containers.RepeatedCompositeFieldContainer[OddWord]
    token_count: int
    def __init__(self, words: _Optional[_Iterable[_Union[OddWord, _Mapping]]] = ..., token_count: _Optional[int] = ...) -> None: ...

class OddWord(_message.Message):
    __slots__ = ("index", "token", "log10", "neighbors_log10", "unknown")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    LOG10_FIELD_NUMBER: _ClassVar[int]
    NEIGHBORS_LOG10_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_FIELD_NUMBER: _ClassVar[int]
    index: int
    token: str
    log10: float
    neighbors_log10: float
    unknown: bool
    def __init__(self, index: _Optional[int] = ..., token: _Optional[str] = ..., log10: _Optional[float] = ..., neighbors_log10: _Optional[float] = ..., unknown: _Optional[bool] = ...) -> None: ...
