from wordspace.v1 import common_pb2 as _common_pb2
from wordspace.v1 import text_pb2 as _text_pb2
from wordspace.v1 import transfer_pb2 as _transfer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TrainModel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAIN_MODEL_UNSPECIFIED: _ClassVar[TrainModel]
    TRAIN_MODEL_SKIP_GRAM: _ClassVar[TrainModel]
    TRAIN_MODEL_CBOW: _ClassVar[TrainModel]
    TRAIN_MODEL_GLOVE: _ClassVar[TrainModel]

class TrainLoss(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRAIN_LOSS_UNSPECIFIED: _ClassVar[TrainLoss]
    TRAIN_LOSS_NEGATIVE: _ClassVar[TrainLoss]
    TRAIN_LOSS_HIERARCHICAL: _ClassVar[TrainLoss]
    TRAIN_LOSS_SOFTMAX: _ClassVar[TrainLoss]
TRAIN_MODEL_UNSPECIFIED: TrainModel
TRAIN_MODEL_SKIP_GRAM: TrainModel
TRAIN_MODEL_CBOW: TrainModel
TRAIN_MODEL_GLOVE: TrainModel
TRAIN_LOSS_UNSPECIFIED: TrainLoss
TRAIN_LOSS_NEGATIVE: TrainLoss
TRAIN_LOSS_HIERARCHICAL: TrainLoss
TRAIN_LOSS_SOFTMAX: TrainLoss

class TrainTableRequest(_message.Message):
    __slots__ = ("header", "text")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    header: TrainTableHeader
    text: bytes
    def __init__(self, header: _Optional[_Union[TrainTableHeader, _Mapping]] = ..., text: _Optional[bytes] = ...) -> None: ...

class TrainSubwords(_message.Message):
    __slots__ = ("min_n", "max_n", "buckets")
    MIN_N_FIELD_NUMBER: _ClassVar[int]
    MAX_N_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    min_n: int
    max_n: int
    buckets: int
    def __init__(self, min_n: _Optional[int] = ..., max_n: _Optional[int] = ..., buckets: _Optional[int] = ...) -> None: ...

class TrainPhrases(_message.Message):
    __slots__ = ("passes", "threshold", "npmi")
    PASSES_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    NPMI_FIELD_NUMBER: _ClassVar[int]
    passes: int
    threshold: float
    npmi: bool
    def __init__(self, passes: _Optional[int] = ..., threshold: _Optional[float] = ..., npmi: _Optional[bool] = ...) -> None: ...

class TrainTableHeader(_message.Message):
    __slots__ = ("table", "if_exists", "detach", "source", "total_bytes", "model", "loss", "dim", "window", "negative", "ns_exponent", "sample", "min_count", "vocab_max", "epochs", "lr", "threads", "seed", "subwords", "phrases", "cutting", "from_table", "freeze", "resume", "checkpoint_seconds", "probes", "test_sets", "evaluate_seconds", "x_max", "power", "outputs_table", "position_weights", "resume_offset")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    IF_EXISTS_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    NEGATIVE_FIELD_NUMBER: _ClassVar[int]
    NS_EXPONENT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    MIN_COUNT_FIELD_NUMBER: _ClassVar[int]
    VOCAB_MAX_FIELD_NUMBER: _ClassVar[int]
    EPOCHS_FIELD_NUMBER: _ClassVar[int]
    LR_FIELD_NUMBER: _ClassVar[int]
    THREADS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SUBWORDS_FIELD_NUMBER: _ClassVar[int]
    PHRASES_FIELD_NUMBER: _ClassVar[int]
    CUTTING_FIELD_NUMBER: _ClassVar[int]
    FROM_TABLE_FIELD_NUMBER: _ClassVar[int]
    FREEZE_FIELD_NUMBER: _ClassVar[int]
    RESUME_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_SECONDS_FIELD_NUMBER: _ClassVar[int]
    PROBES_FIELD_NUMBER: _ClassVar[int]
    TEST_SETS_FIELD_NUMBER: _ClassVar[int]
    EVALUATE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    X_MAX_FIELD_NUMBER: _ClassVar[int]
    POWER_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_TABLE_FIELD_NUMBER: _ClassVar[int]
    POSITION_WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    RESUME_OFFSET_FIELD_NUMBER: _ClassVar[int]
    table: str
    if_exists: _transfer_pb2.IfExists
    detach: bool
    source: str
    total_bytes: int
    model: TrainModel
    loss: TrainLoss
    dim: int
    window: int
    negative: int
    ns_exponent: float
    sample: float
    min_count: int
    vocab_max: int
    epochs: int
    lr: float
    threads: int
    seed: int
    subwords: TrainSubwords
    phrases: TrainPhrases
    cutting: _text_pb2.Cutting
    from_table: str
    freeze: bool
    resume: bool
    checkpoint_seconds: float
    probes: _containers.RepeatedScalarFieldContainer[str]
    test_sets: _containers.RepeatedScalarFieldContainer[str]
    evaluate_seconds: float
    x_max: float
    power: float
    outputs_table: str
    position_weights: bool
    resume_offset: int
    def __init__(self, table: _Optional[str] = ..., if_exists: _Optional[_Union[_transfer_pb2.IfExists, str]] = ..., detach: _Optional[bool] = ..., source: _Optional[str] = ..., total_bytes: _Optional[int] = ..., model: _Optional[_Union[TrainModel, str]] = ..., loss: _Optional[_Union[TrainLoss, str]] = ..., dim: _Optional[int] = ..., window: _Optional[int] = ..., negative: _Optional[int] = ..., ns_exponent: _Optional[float] = ..., sample: _Optional[float] = ..., min_count: _Optional[int] = ..., vocab_max: _Optional[int] = ..., epochs: _Optional[int] = ..., lr: _Optional[float] = ..., threads: _Optional[int] = ..., seed: _Optional[int] = ..., subwords: _Optional[_Union[TrainSubwords, _Mapping]] = ..., phrases: _Optional[_Union[TrainPhrases, _Mapping]] = ..., cutting: _Optional[_Union[_text_pb2.Cutting, _Mapping]] = ..., from_table: _Optional[str] = ..., freeze: _Optional[bool] = ..., resume: _Optional[bool] = ..., checkpoint_seconds: _Optional[float] = ..., probes: _Optional[_Iterable[str]] = ..., test_sets: _Optional[_Iterable[str]] = ..., evaluate_seconds: _Optional[float] = ..., x_max: _Optional[float] = ..., power: _Optional[float] = ..., outputs_table: _Optional[str] = ..., position_weights: _Optional[bool] = ..., resume_offset: _Optional[int] = ...) -> None: ...

class TrainTableResponse(_message.Message):
    __slots__ = ("progress", "report", "job")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    progress: TrainTableProgress
    report: TrainTableReport
    job: _common_pb2.JobStarted
    def __init__(self, progress: _Optional[_Union[TrainTableProgress, _Mapping]] = ..., report: _Optional[_Union[TrainTableReport, _Mapping]] = ..., job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ...) -> None: ...

class TrainTableProgress(_message.Message):
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

class TrainTableReport(_message.Message):
    __slots__ = ("tokenizer", "token_count", "kept_token_count", "sentence_count", "rare_word_count", "too_long_count", "repaired_count", "phrase_counts", "carried_word_count", "losses", "memory_bytes", "read_seconds", "learn_seconds", "tokens_per_second", "ended_in_epoch", "resumed", "evaluations", "outputs")
    IMPORT_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    KEPT_TOKEN_COUNT_FIELD_NUMBER: _ClassVar[int]
    SENTENCE_COUNT_FIELD_NUMBER: _ClassVar[int]
    RARE_WORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    TOO_LONG_COUNT_FIELD_NUMBER: _ClassVar[int]
    REPAIRED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PHRASE_COUNTS_FIELD_NUMBER: _ClassVar[int]
    CARRIED_WORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    LOSSES_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    READ_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LEARN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TOKENS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    ENDED_IN_EPOCH_FIELD_NUMBER: _ClassVar[int]
    RESUMED_FIELD_NUMBER: _ClassVar[int]
    EVALUATIONS_FIELD_NUMBER: _ClassVar[int]
    OUTPUTS_FIELD_NUMBER: _ClassVar[int]
    tokenizer: str
    token_count: int
    kept_token_count: int
    sentence_count: int
    rare_word_count: int
    too_long_count: int
    repaired_count: int
    phrase_counts: _containers.RepeatedScalarFieldContainer[int]
    carried_word_count: int
    losses: _containers.RepeatedScalarFieldContainer[float]
    memory_bytes: int
    read_seconds: float
    learn_seconds: float
    tokens_per_second: float
    ended_in_epoch: int
    resumed: bool
    evaluations: _containers.RepeatedCompositeFieldContainer[_common_pb2.TrainEvaluation]
    outputs: _transfer_pb2.ImportReport
    def __init__(self, tokenizer: _Optional[str] = ..., token_count: _Optional[int] = ..., kept_token_count: _Optional[int] = ..., sentence_count: _Optional[int] = ..., rare_word_count: _Optional[int] = ..., too_long_count: _Optional[int] = ..., repaired_count: _Optional[int] = ..., phrase_counts: _Optional[_Iterable[int]] = ..., carried_word_count: _Optional[int] = ..., losses: _Optional[_Iterable[float]] = ..., memory_bytes: _Optional[int] = ..., read_seconds: _Optional[float] = ..., learn_seconds: _Optional[float] = ..., tokens_per_second: _Optional[float] = ..., ended_in_epoch: _Optional[int] = ..., resumed: _Optional[bool] = ..., evaluations: _Optional[_Iterable[_Union[_common_pb2.TrainEvaluation, _Mapping]]] = ..., outputs: _Optional[_Union[_transfer_pb2.ImportReport, _Mapping]] = ..., **kwargs) -> None: ...

class GetHuffmanPathRequest(_message.Message):
    __slots__ = ("table", "word")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    table: str
    word: str
    def __init__(self, table: _Optional[str] = ..., word: _Optional[str] = ...) -> None: ...

class GetHuffmanPathResponse(_message.Message):
    __slots__ = ("answer", "word", "count", "code", "nodes", "word_count")
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    WORD_COUNT_FIELD_NUMBER: _ClassVar[int]
    answer: _common_pb2.AnswerInfo
    word: str
    count: int
    code: str
    nodes: _containers.RepeatedScalarFieldContainer[int]
    word_count: int
    def __init__(self, answer: _Optional[_Union[_common_pb2.AnswerInfo, _Mapping]] = ..., word: _Optional[str] = ..., count: _Optional[int] = ..., code: _Optional[str] = ..., nodes: _Optional[_Iterable[int]] = ..., word_count: _Optional[int] = ...) -> None: ...
