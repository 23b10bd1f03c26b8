from wordspace.v1 import backup_pb2 as _backup_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("version", "uptime_seconds", "table_count", "row_count", "resident_bytes", "resident_bytes_max", "store_bytes", "index_bytes", "kernel", "import_count", "build_count", "problems", "job_memory_bytes", "job_memory_bytes_max", "spool_bytes", "spool_bytes_max", "upload_bytes")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPTIME_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TABLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    STORE_BYTES_FIELD_NUMBER: _ClassVar[int]
    INDEX_BYTES_FIELD_NUMBER: _ClassVar[int]
    KERNEL_FIELD_NUMBER: _ClassVar[int]
    IMPORT_COUNT_FIELD_NUMBER: _ClassVar[int]
    BUILD_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    JOB_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    JOB_MEMORY_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    SPOOL_BYTES_FIELD_NUMBER: _ClassVar[int]
    SPOOL_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    UPLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    version: str
    uptime_seconds: float
    table_count: int
    row_count: int
    resident_bytes: int
    resident_bytes_max: int
    store_bytes: int
    index_bytes: int
    kernel: str
    import_count: int
    build_count: int
    problems: _containers.RepeatedScalarFieldContainer[str]
    job_memory_bytes: int
    job_memory_bytes_max: int
    spool_bytes: int
    spool_bytes_max: int
    upload_bytes: int
    def __init__(self, version: _Optional[str] = ..., uptime_seconds: _Optional[float] = ..., table_count: _Optional[int] = ..., row_count: _Optional[int] = ..., resident_bytes: _Optional[int] = ..., resident_bytes_max: _Optional[int] = ..., store_bytes: _Optional[int] = ..., index_bytes: _Optional[int] = ..., kernel: _Optional[str] = ..., import_count: _Optional[int] = ..., build_count: _Optional[int] = ..., problems: _Optional[_Iterable[str]] = ..., job_memory_bytes: _Optional[int] = ..., job_memory_bytes_max: _Optional[int] = ..., spool_bytes: _Optional[int] = ..., spool_bytes_max: _Optional[int] = ..., upload_bytes: _Optional[int] = ...) -> None: ...
