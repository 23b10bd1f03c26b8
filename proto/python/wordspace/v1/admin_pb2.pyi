from wordspace.v1 import backup_pb2 as _backup_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("version", "uptime_seconds", "table_count", "row_count", "resident_bytes", "resident_bytes_max", "store_bytes", "index_bytes", "kernel", "import_count", "build_count", "problems", "job_memory_bytes", "job_memory_bytes_max", "spool_bytes", "spool_bytes_max", "upload_bytes", "connection_count", "connection_count_max", "call_count", "calls", "part_seconds", "lanes", "replica")
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
    CONNECTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_COUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    CALL_COUNT_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    PART_SECONDS_FIELD_NUMBER: _ClassVar[int]
    LANES_FIELD_NUMBER: _ClassVar[int]
    REPLICA_FIELD_NUMBER: _ClassVar[int]
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
    connection_count: int
    connection_count_max: int
    call_count: int
    calls: _containers.RepeatedCompositeFieldContainer[MethodCalls]
    part_seconds: _containers.RepeatedScalarFieldContainer[float]
    lanes: _containers.RepeatedCompositeFieldContainer[Lane]
    replica: Replica
    def __init__(self, version: _Optional[str] = ..., uptime_seconds: _Optional[float] = ..., table_count: _Optional[int] = ..., row_count: _Optional[int] = ..., resident_bytes: _Optional[int] = ..., resident_bytes_max: _Optional[int] = ..., store_bytes: _Optional[int] = ..., index_bytes: _Optional[int] = ..., kernel: _Optional[str] = ..., import_count: _Optional[int] = ..., build_count: _Optional[int] = ..., problems: _Optional[_Iterable[str]] = ..., job_memory_bytes: _Optional[int] = ..., job_memory_bytes_max: _Optional[int] = ..., spool_bytes: _Optional[int] = ..., spool_bytes_max: _Optional[int] = ..., upload_bytes: _Optional[int] = ..., connection_count: _Optional[int] = ..., connection_count_max: _Optional[int] = ..., call_count: _Optional[int] = ..., calls: _Optional[_Iterable[_Union[MethodCalls, _Mapping]]] = ..., part_seconds: _Optional[_Iterable[float]] = ..., lanes: _Optional[_Iterable[_Union[Lane, _Mapping]]] = ..., replica: _Optional[_Union[Replica, _Mapping]] = ...) -> None: ...

class Replica(_message.Message):
    __slots__ = ("role", "ready", "age_seconds", "epoch", "publication", "problem", "cache_bytes", "cache_bytes_max")
    class Role(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ROLE_UNSPECIFIED: _ClassVar[Replica.Role]
        ROLE_WRITER: _ClassVar[Replica.Role]
        ROLE_READER: _ClassVar[Replica.Role]
    ROLE_UNSPECIFIED: Replica.Role
    ROLE_WRITER: Replica.Role
    ROLE_READER: Replica.Role
    ROLE_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    AGE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    PUBLICATION_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    CACHE_BYTES_FIELD_NUMBER: _ClassVar[int]
    CACHE_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    role: Replica.Role
    ready: bool
    age_seconds: float
    epoch: int
    publication: int
    problem: str
    cache_bytes: int
    cache_bytes_max: int
    def __init__(self, role: _Optional[_Union[Replica.Role, str]] = ..., ready: _Optional[bool] = ..., age_seconds: _Optional[float] = ..., epoch: _Optional[int] = ..., publication: _Optional[int] = ..., problem: _Optional[str] = ..., cache_bytes: _Optional[int] = ..., cache_bytes_max: _Optional[int] = ...) -> None: ...

class MethodCalls(_message.Message):
    __slots__ = ("method", "count", "error_count", "seconds", "counts")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ERROR_COUNT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    method: str
    count: int
    error_count: int
    seconds: float
    counts: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, method: _Optional[str] = ..., count: _Optional[int] = ..., error_count: _Optional[int] = ..., seconds: _Optional[float] = ..., counts: _Optional[_Iterable[int]] = ...) -> None: ...

class Lane(_message.Message):
    __slots__ = ("name", "thread_count", "waiting_count", "waiting_count_max")
    NAME_FIELD_NUMBER: _ClassVar[int]
    THREAD_COUNT_FIELD_NUMBER: _ClassVar[int]
    WAITING_COUNT_FIELD_NUMBER: _ClassVar[int]
    WAITING_COUNT_MAX_FIELD_NUMBER: _ClassVar[int]
    name: str
    thread_count: int
    waiting_count: int
    waiting_count_max: int
    def __init__(self, name: _Optional[str] = ..., thread_count: _Optional[int] = ..., waiting_count: _Optional[int] = ..., waiting_count_max: _Optional[int] = ...) -> None: ...
