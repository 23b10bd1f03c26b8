from wordspace.v1 import backup_pb2 as _backup_pb2
from wordspace.v1 import bias_pb2 as _bias_pb2
from wordspace.v1 import common_pb2 as _common_pb2
from wordspace.v1 import language_model_pb2 as _language_model_pb2
from wordspace.v1 import search_pb2 as _search_pb2
from wordspace.v1 import table_pb2 as _table_pb2
from wordspace.v1 import text_pb2 as _text_pb2
from wordspace.v1 import training_pb2 as _training_pb2
from wordspace.v1 import transfer_pb2 as _transfer_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class JobKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_KIND_UNSPECIFIED: _ClassVar[JobKind]
    JOB_KIND_IMPORT: _ClassVar[JobKind]
    JOB_KIND_EXPORT: _ClassVar[JobKind]
    JOB_KIND_IMPORT_TEXTS: _ClassVar[JobKind]
    JOB_KIND_TRAIN_TOKENIZER: _ClassVar[JobKind]
    JOB_KIND_DEBIAS: _ClassVar[JobKind]
    JOB_KIND_SEED_TABLE: _ClassVar[JobKind]
    JOB_KIND_VERIFY: _ClassVar[JobKind]
    JOB_KIND_BACKUP: _ClassVar[JobKind]
    JOB_KIND_RESTORE: _ClassVar[JobKind]
    JOB_KIND_TRAIN_TABLE: _ClassVar[JobKind]
    JOB_KIND_TRAIN_MODEL: _ClassVar[JobKind]
    JOB_KIND_IMPORT_MODEL: _ClassVar[JobKind]
    JOB_KIND_COMPARE_SMOOTHINGS: _ClassVar[JobKind]
    JOB_KIND_MERGE_TABLES: _ClassVar[JobKind]
    JOB_KIND_ARRANGE_MAP: _ClassVar[JobKind]

class JobState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    JOB_STATE_UNSPECIFIED: _ClassVar[JobState]
    JOB_STATE_WAITING: _ClassVar[JobState]
    JOB_STATE_RUNNING: _ClassVar[JobState]
    JOB_STATE_DONE: _ClassVar[JobState]
    JOB_STATE_FAILED: _ClassVar[JobState]
    JOB_STATE_CANCELLED: _ClassVar[JobState]
JOB_KIND_UNSPECIFIED: JobKind
JOB_KIND_IMPORT: JobKind
JOB_KIND_EXPORT: JobKind
JOB_KIND_IMPORT_TEXTS: JobKind
JOB_KIND_TRAIN_TOKENIZER: JobKind
JOB_KIND_DEBIAS: JobKind
JOB_KIND_SEED_TABLE: JobKind
JOB_KIND_VERIFY: JobKind
JOB_KIND_BACKUP: JobKind
JOB_KIND_RESTORE: JobKind
JOB_KIND_TRAIN_TABLE: JobKind
JOB_KIND_TRAIN_MODEL: JobKind
JOB_KIND_IMPORT_MODEL: JobKind
JOB_KIND_COMPARE_SMOOTHINGS: JobKind
JOB_KIND_MERGE_TABLES: JobKind
JOB_KIND_ARRANGE_MAP: JobKind
JOB_STATE_UNSPECIFIED: JobState
JOB_STATE_WAITING: JobState
JOB_STATE_RUNNING: JobState
JOB_STATE_DONE: JobState
JOB_STATE_FAILED: JobState
JOB_STATE_CANCELLED: JobState

class Job(_message.Message):
    __slots__ = ("id", "kind", "table", "owner", "state", "detached", "progress", "created_at", "started_at", "ended_at", "import_texts", "train", "debias", "export", "verify", "backup", "restore", "train_table", "train_model", "import_model", "compare_smoothings", "arrange_map", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DETACHED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_FIELD_NUMBER: _ClassVar[int]
    IMPORT_FIELD_NUMBER: _ClassVar[int]
    IMPORT_TEXTS_FIELD_NUMBER: _ClassVar[int]
    TRAIN_FIELD_NUMBER: _ClassVar[int]
    DEBIAS_FIELD_NUMBER: _ClassVar[int]
    EXPORT_FIELD_NUMBER: _ClassVar[int]
    VERIFY_FIELD_NUMBER: _ClassVar[int]
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    RESTORE_FIELD_NUMBER: _ClassVar[int]
    TRAIN_TABLE_FIELD_NUMBER: _ClassVar[int]
    TRAIN_MODEL_FIELD_NUMBER: _ClassVar[int]
    IMPORT_MODEL_FIELD_NUMBER: _ClassVar[int]
    COMPARE_SMOOTHINGS_FIELD_NUMBER: _ClassVar[int]
    ARRANGE_MAP_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: int
    kind: JobKind
    table: str
    owner: str
    state: JobState
    detached: bool
    progress: _common_pb2.JobProgress
    created_at: float
    started_at: float
    ended_at: float
    import_texts: _text_pb2.ImportTextsReport
    train: _text_pb2.TrainReport
    debias: _bias_pb2.DebiasReport
    export: _transfer_pb2.ExportReport
    verify: _backup_pb2.VerifyReport
    backup: _backup_pb2.BackupReport
    restore: _backup_pb2.RestoreReport
    train_table: _training_pb2.TrainTableReport
    train_model: _language_model_pb2.TrainModelReport
    import_model: _language_model_pb2.ImportModelReport
    compare_smoothings: _language_model_pb2.CompareSmoothingsReport
    arrange_map: _table_pb2.ArrangeMapReport
    error: _search_pb2.QueryError
    def __init__(self, id: _Optional[int] = ..., kind: _Optional[_Union[JobKind, str]] = ..., table: _Optional[str] = ..., owner: _Optional[str] = ..., state: _Optional[_Union[JobState, str]] = ..., detached: _Optional[bool] = ..., progress: _Optional[_Union[_common_pb2.JobProgress, _Mapping]] = ..., created_at: _Optional[float] = ..., started_at: _Optional[float] = ..., ended_at: _Optional[float] = ..., import_texts: _Optional[_Union[_text_pb2.ImportTextsReport, _Mapping]] = ..., train: _Optional[_Union[_text_pb2.TrainReport, _Mapping]] = ..., debias: _Optional[_Union[_bias_pb2.DebiasReport, _Mapping]] = ..., export: _Optional[_Union[_transfer_pb2.ExportReport, _Mapping]] = ..., verify: _Optional[_Union[_backup_pb2.VerifyReport, _Mapping]] = ..., backup: _Optional[_Union[_backup_pb2.BackupReport, _Mapping]] = ..., restore: _Optional[_Union[_backup_pb2.RestoreReport, _Mapping]] = ..., train_table: _Optional[_Union[_training_pb2.TrainTableReport, _Mapping]] = ..., train_model: _Optional[_Union[_language_model_pb2.TrainModelReport, _Mapping]] = ..., import_model: _Optional[_Union[_language_model_pb2.ImportModelReport, _Mapping]] = ..., compare_smoothings: _Optional[_Union[_language_model_pb2.CompareSmoothingsReport, _Mapping]] = ..., arrange_map: _Optional[_Union[_table_pb2.ArrangeMapReport, _Mapping]] = ..., error: _Optional[_Union[_search_pb2.QueryError, _Mapping]] = ..., **kwargs) -> None: ...

class ListJobsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListJobsResponse(_message.Message):
    __slots__ = ("jobs",)
    JOBS_FIELD_NUMBER: _ClassVar[int]
    jobs: _containers.RepeatedCompositeFieldContainer[Job]
    def __init__(self, jobs: _Optional[_Iterable[_Union[Job, _Mapping]]] = ...) -> None: ...

class GetJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class GetJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class WatchJobRequest(_message.Message):
    __slots__ = ("id",)
    ID_FIELD_NUMBER: _ClassVar[int]
    id: int
    def __init__(self, id: _Optional[int] = ...) -> None: ...

class WatchJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...

class CancelJobRequest(_message.Message):
    __slots__ = ("id", "keep")
    ID_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIELD_NUMBER: _ClassVar[int]
    id: int
    keep: bool
    def __init__(self, id: _Optional[int] = ..., keep: _Optional[bool] = ...) -> None: ...

class CancelJobResponse(_message.Message):
    __slots__ = ("job",)
    JOB_FIELD_NUMBER: _ClassVar[int]
    job: Job
    def __init__(self, job: _Optional[_Union[Job, _Mapping]] = ...) -> None: ...
