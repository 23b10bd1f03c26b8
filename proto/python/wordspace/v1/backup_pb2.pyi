import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from wordspace.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VerifyRequest(_message.Message):
    __slots__ = ("detach",)
    DETACH_FIELD_NUMBER: _ClassVar[int]
    detach: bool
    def __init__(self, detach: _Optional[bool] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("job", "progress", "report")
    JOB_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    job: _common_pb2.JobStarted
    progress: _common_pb2.JobProgress
    report: VerifyReport
    def __init__(self, job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ..., progress: _Optional[_Union[_common_pb2.JobProgress, _Mapping]] = ..., report: _Optional[_Union[VerifyReport, _Mapping]] = ...) -> None: ...

class VerifyReport(_message.Message):
    __slots__ = ("bytes_read", "whole_tables", "damages")
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    WHOLE_TABLES_FIELD_NUMBER: _ClassVar[int]
    DAMAGES_FIELD_NUMBER: _ClassVar[int]
    bytes_read: int
    whole_tables: _containers.RepeatedScalarFieldContainer[str]
    damages: _containers.RepeatedCompositeFieldContainer[Damage]
    def __init__(self, bytes_read: _Optional[int] = ..., whole_tables: _Optional[_Iterable[str]] = ..., damages: _Optional[_Iterable[_Union[Damage, _Mapping]]] = ...) -> None: ...

class Damage(_message.Message):
    __slots__ = ("table", "part", "problem")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    table: str
    part: str
    problem: str
    def __init__(self, table: _Optional[str] = ..., part: _Optional[str] = ..., problem: _Optional[str] = ...) -> None: ...

class BackupRequest(_message.Message):
    __slots__ = ("keep", "detach")
    KEEP_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    keep: int
    detach: bool
    def __init__(self, keep: _Optional[int] = ..., detach: _Optional[bool] = ...) -> None: ...

class BackupResponse(_message.Message):
    __slots__ = ("job", "progress", "report")
    JOB_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    job: _common_pb2.JobStarted
    progress: _common_pb2.JobProgress
    report: BackupReport
    def __init__(self, job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ..., progress: _Optional[_Union[_common_pb2.JobProgress, _Mapping]] = ..., report: _Optional[_Union[BackupReport, _Mapping]] = ...) -> None: ...

class BackupReport(_message.Message):
    __slots__ = ("backup", "table_count", "bytes", "new_bytes", "removed_count", "problems", "seconds")
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    TABLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    NEW_BYTES_FIELD_NUMBER: _ClassVar[int]
    REMOVED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    backup: int
    table_count: int
    bytes: int
    new_bytes: int
    removed_count: int
    problems: _containers.RepeatedScalarFieldContainer[str]
    seconds: float
    def __init__(self, backup: _Optional[int] = ..., table_count: _Optional[int] = ..., bytes: _Optional[int] = ..., new_bytes: _Optional[int] = ..., removed_count: _Optional[int] = ..., problems: _Optional[_Iterable[str]] = ..., seconds: _Optional[float] = ...) -> None: ...

class ListBackupsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListBackupsResponse(_message.Message):
    __slots__ = ("backups",)
    BACKUPS_FIELD_NUMBER: _ClassVar[int]
    backups: _containers.RepeatedCompositeFieldContainer[Backup]
    def __init__(self, backups: _Optional[_Iterable[_Union[Backup, _Mapping]]] = ...) -> None: ...

class Backup(_message.Message):
    __slots__ = ("backup", "made_at", "tables", "bytes", "problem")
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    MADE_AT_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    backup: int
    made_at: _timestamp_pb2.Timestamp
    tables: _containers.RepeatedCompositeFieldContainer[BackedUpTable]
    bytes: int
    problem: str
    def __init__(self, backup: _Optional[int] = ..., made_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., tables: _Optional[_Iterable[_Union[BackedUpTable, _Mapping]]] = ..., bytes: _Optional[int] = ..., problem: _Optional[str] = ...) -> None: ...

class BackedUpTable(_message.Message):
    __slots__ = ("name", "row_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    row_count: int
    def __init__(self, name: _Optional[str] = ..., row_count: _Optional[int] = ...) -> None: ...

class RestoreRequest(_message.Message):
    __slots__ = ("backup", "tables", "new_name", "replace", "detach")
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    NEW_NAME_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    backup: int
    tables: _containers.RepeatedScalarFieldContainer[str]
    new_name: str
    replace: bool
    detach: bool
    def __init__(self, backup: _Optional[int] = ..., tables: _Optional[_Iterable[str]] = ..., new_name: _Optional[str] = ..., replace: _Optional[bool] = ..., detach: _Optional[bool] = ...) -> None: ...

class RestoreResponse(_message.Message):
    __slots__ = ("job", "progress", "report")
    JOB_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    job: _common_pb2.JobStarted
    progress: _common_pb2.JobProgress
    report: RestoreReport
    def __init__(self, job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ..., progress: _Optional[_Union[_common_pb2.JobProgress, _Mapping]] = ..., report: _Optional[_Union[RestoreReport, _Mapping]] = ...) -> None: ...

class RestoreReport(_message.Message):
    __slots__ = ("backup", "tables", "tokenizers", "test_sets", "bytes_read", "seconds", "models", "aliases")
    BACKUP_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    TOKENIZERS_FIELD_NUMBER: _ClassVar[int]
    TEST_SETS_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    backup: int
    tables: _containers.RepeatedCompositeFieldContainer[BackedUpTable]
    tokenizers: _containers.RepeatedScalarFieldContainer[str]
    test_sets: _containers.RepeatedScalarFieldContainer[str]
    bytes_read: int
    seconds: float
    models: _containers.RepeatedScalarFieldContainer[str]
    aliases: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, backup: _Optional[int] = ..., tables: _Optional[_Iterable[_Union[BackedUpTable, _Mapping]]] = ..., tokenizers: _Optional[_Iterable[str]] = ..., test_sets: _Optional[_Iterable[str]] = ..., bytes_read: _Optional[int] = ..., seconds: _Optional[float] = ..., models: _Optional[_Iterable[str]] = ..., aliases: _Optional[_Iterable[str]] = ...) -> None: ...
