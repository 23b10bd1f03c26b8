from wordspace.v1 import common_pb2 as _common_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Format(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FORMAT_UNSPECIFIED: _ClassVar[Format]
    FORMAT_ROWS: _ClassVar[Format]
    FORMAT_WORD2VEC_TEXT: _ClassVar[Format]
    FORMAT_WORD2VEC_BINARY: _ClassVar[Format]
    FORMAT_GLOVE: _ClassVar[Format]
    FORMAT_FASTTEXT: _ClassVar[Format]
    FORMAT_FLORET: _ClassVar[Format]
    FORMAT_FINALFUSION: _ClassVar[Format]
    FORMAT_NPY: _ClassVar[Format]
    FORMAT_NPZ: _ClassVar[Format]
    FORMAT_SAFETENSORS: _ClassVar[Format]
    FORMAT_GGUF: _ClassVar[Format]
    FORMAT_JSON_LINES: _ClassVar[Format]
    FORMAT_CSV: _ClassVar[Format]
    FORMAT_TSV: _ClassVar[Format]
    FORMAT_PARQUET: _ClassVar[Format]
    FORMAT_ARROW: _ClassVar[Format]
    FORMAT_MAGNITUDE: _ClassVar[Format]
    FORMAT_FBIN: _ClassVar[Format]
    FORMAT_PROJECTOR: _ClassVar[Format]
    FORMAT_HDF5: _ClassVar[Format]
    FORMAT_GENSIM: _ClassVar[Format]
    FORMAT_TORCH: _ClassVar[Format]
    FORMAT_WORDSPACE: _ClassVar[Format]

class OnDuplicate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_DUPLICATE_UNSPECIFIED: _ClassVar[OnDuplicate]
    ON_DUPLICATE_ERROR: _ClassVar[OnDuplicate]
    ON_DUPLICATE_FIRST: _ClassVar[OnDuplicate]
    ON_DUPLICATE_LAST: _ClassVar[OnDuplicate]
    ON_DUPLICATE_MEAN: _ClassVar[OnDuplicate]

class OnInvalid(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_INVALID_UNSPECIFIED: _ClassVar[OnInvalid]
    ON_INVALID_ERROR: _ClassVar[OnInvalid]
    ON_INVALID_SKIP: _ClassVar[OnInvalid]

class OnInvalidUtf8(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_INVALID_UTF8_UNSPECIFIED: _ClassVar[OnInvalidUtf8]
    ON_INVALID_UTF8_KEEP_BYTES: _ClassVar[OnInvalidUtf8]
    ON_INVALID_UTF8_REPLACE: _ClassVar[OnInvalidUtf8]
    ON_INVALID_UTF8_SKIP: _ClassVar[OnInvalidUtf8]
    ON_INVALID_UTF8_ERROR: _ClassVar[OnInvalidUtf8]

class IfExists(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IF_EXISTS_UNSPECIFIED: _ClassVar[IfExists]
    IF_EXISTS_ERROR: _ClassVar[IfExists]
    IF_EXISTS_REPLACE: _ClassVar[IfExists]
FORMAT_UNSPECIFIED: Format
FORMAT_ROWS: Format
FORMAT_WORD2VEC_TEXT: Format
FORMAT_WORD2VEC_BINARY: Format
FORMAT_GLOVE: Format
FORMAT_FASTTEXT: Format
FORMAT_FLORET: Format
FORMAT_FINALFUSION: Format
FORMAT_NPY: Format
FORMAT_NPZ: Format
FORMAT_SAFETENSORS: Format
FORMAT_GGUF: Format
FORMAT_JSON_LINES: Format
FORMAT_CSV: Format
FORMAT_TSV: Format
FORMAT_PARQUET: Format
FORMAT_ARROW: Format
FORMAT_MAGNITUDE: Format
FORMAT_FBIN: Format
FORMAT_PROJECTOR: Format
FORMAT_HDF5: Format
FORMAT_GENSIM: Format
FORMAT_TORCH: Format
FORMAT_WORDSPACE: Format
ON_DUPLICATE_UNSPECIFIED: OnDuplicate
ON_DUPLICATE_ERROR: OnDuplicate
ON_DUPLICATE_FIRST: OnDuplicate
ON_DUPLICATE_LAST: OnDuplicate
ON_DUPLICATE_MEAN: OnDuplicate
ON_INVALID_UNSPECIFIED: OnInvalid
ON_INVALID_ERROR: OnInvalid
ON_INVALID_SKIP: OnInvalid
ON_INVALID_UTF8_UNSPECIFIED: OnInvalidUtf8
ON_INVALID_UTF8_KEEP_BYTES: OnInvalidUtf8
ON_INVALID_UTF8_REPLACE: OnInvalidUtf8
ON_INVALID_UTF8_SKIP: OnInvalidUtf8
ON_INVALID_UTF8_ERROR: OnInvalidUtf8
IF_EXISTS_UNSPECIFIED: IfExists
IF_EXISTS_ERROR: IfExists
IF_EXISTS_REPLACE: IfExists

class ImportRequest(_message.Message):
    __slots__ = ("header", "chunk", "rows", "file")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    ROWS_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    header: ImportHeader
    chunk: bytes
    rows: ImportRows
    file: ImportFile
    def __init__(self, header: _Optional[_Union[ImportHeader, _Mapping]] = ..., chunk: _Optional[bytes] = ..., rows: _Optional[_Union[ImportRows, _Mapping]] = ..., file: _Optional[_Union[ImportFile, _Mapping]] = ...) -> None: ...

class ImportFile(_message.Message):
    __slots__ = ("name", "size_bytes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    size_bytes: int
    def __init__(self, name: _Optional[str] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class ImportHeader(_message.Message):
    __slots__ = ("table", "format", "source", "total_bytes", "on_duplicate", "on_invalid", "on_invalid_utf8", "if_exists", "limit", "tensor", "words", "dry_run", "word_changes", "normalize", "rank", "counts", "license", "resume_offset", "tokenizer", "no_tokenizer", "fields", "detach", "index", "append", "dtype", "on_disk")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    ON_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    ON_INVALID_FIELD_NUMBER: _ClassVar[int]
    ON_INVALID_UTF8_FIELD_NUMBER: _ClassVar[int]
    IF_EXISTS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    TENSOR_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    WORD_CHANGES_FIELD_NUMBER: _ClassVar[int]
    NORMALIZE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    RESUME_OFFSET_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    NO_TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    APPEND_FIELD_NUMBER: _ClassVar[int]
    DTYPE_FIELD_NUMBER: _ClassVar[int]
    ON_DISK_FIELD_NUMBER: _ClassVar[int]
    table: str
    format: Format
    source: str
    total_bytes: int
    on_duplicate: OnDuplicate
    on_invalid: OnInvalid
    on_invalid_utf8: OnInvalidUtf8
    if_exists: IfExists
    limit: int
    tensor: str
    words: str
    dry_run: bool
    word_changes: WordChanges
    normalize: bool
    rank: bool
    counts: str
    license: str
    resume_offset: int
    tokenizer: str
    no_tokenizer: bool
    fields: FieldLayout
    detach: bool
    index: _common_pb2.IndexKind
    append: bool
    dtype: _common_pb2.Dtype
    on_disk: bool
    def __init__(self, table: _Optional[str] = ..., format: _Optional[_Union[Format, str]] = ..., source: _Optional[str] = ..., total_bytes: _Optional[int] = ..., on_duplicate: _Optional[_Union[OnDuplicate, str]] = ..., on_invalid: _Optional[_Union[OnInvalid, str]] = ..., on_invalid_utf8: _Optional[_Union[OnInvalidUtf8, str]] = ..., if_exists: _Optional[_Union[IfExists, str]] = ..., limit: _Optional[int] = ..., tensor: _Optional[str] = ..., words: _Optional[str] = ..., dry_run: _Optional[bool] = ..., word_changes: _Optional[_Union[WordChanges, _Mapping]] = ..., normalize: _Optional[bool] = ..., rank: _Optional[bool] = ..., counts: _Optional[str] = ..., license: _Optional[str] = ..., resume_offset: _Optional[int] = ..., tokenizer: _Optional[str] = ..., no_tokenizer: _Optional[bool] = ..., fields: _Optional[_Union[FieldLayout, _Mapping]] = ..., detach: _Optional[bool] = ..., index: _Optional[_Union[_common_pb2.IndexKind, str]] = ..., append: _Optional[bool] = ..., dtype: _Optional[_Union[_common_pb2.Dtype, str]] = ..., on_disk: _Optional[bool] = ...) -> None: ...

class FieldLayout(_message.Message):
    __slots__ = ("delimiter", "decimal", "header")
    DELIMITER_FIELD_NUMBER: _ClassVar[int]
    DECIMAL_FIELD_NUMBER: _ClassVar[int]
    HEADER_FIELD_NUMBER: _ClassVar[int]
    delimiter: str
    decimal: str
    header: bool
    def __init__(self, delimiter: _Optional[str] = ..., decimal: _Optional[str] = ..., header: _Optional[bool] = ...) -> None: ...

class MergeTablesRequest(_message.Message):
    __slots__ = ("tables", "target", "on_duplicate", "if_exists", "detach")
    TABLES_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    ON_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    IF_EXISTS_FIELD_NUMBER: _ClassVar[int]
    DETACH_FIELD_NUMBER: _ClassVar[int]
    tables: _containers.RepeatedScalarFieldContainer[str]
    target: str
    on_duplicate: OnDuplicate
    if_exists: IfExists
    detach: bool
    def __init__(self, tables: _Optional[_Iterable[str]] = ..., target: _Optional[str] = ..., on_duplicate: _Optional[_Union[OnDuplicate, str]] = ..., if_exists: _Optional[_Union[IfExists, str]] = ..., detach: _Optional[bool] = ...) -> None: ...

class MergeTablesResponse(_message.Message):
    __slots__ = ("progress", "report", "job")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    progress: ImportProgress
    report: ImportReport
    job: _common_pb2.JobStarted
    def __init__(self, progress: _Optional[_Union[ImportProgress, _Mapping]] = ..., report: _Optional[_Union[ImportReport, _Mapping]] = ..., job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ...) -> None: ...

class GetUploadRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class GetUploadResponse(_message.Message):
    __slots__ = ("bytes", "crc32")
    BYTES_FIELD_NUMBER: _ClassVar[int]
    CRC32_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    crc32: int
    def __init__(self, bytes: _Optional[int] = ..., crc32: _Optional[int] = ...) -> None: ...

class ListUploadsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListUploadsResponse(_message.Message):
    __slots__ = ("uploads",)
    UPLOADS_FIELD_NUMBER: _ClassVar[int]
    uploads: _containers.RepeatedCompositeFieldContainer[Upload]
    def __init__(self, uploads: _Optional[_Iterable[_Union[Upload, _Mapping]]] = ...) -> None: ...

class Upload(_message.Message):
    __slots__ = ("table", "bytes", "changed_at")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    CHANGED_AT_FIELD_NUMBER: _ClassVar[int]
    table: str
    bytes: int
    changed_at: int
    def __init__(self, table: _Optional[str] = ..., bytes: _Optional[int] = ..., changed_at: _Optional[int] = ...) -> None: ...

class DeleteUploadRequest(_message.Message):
    __slots__ = ("table",)
    TABLE_FIELD_NUMBER: _ClassVar[int]
    table: str
    def __init__(self, table: _Optional[str] = ...) -> None: ...

class DeleteUploadResponse(_message.Message):
    __slots__ = ("bytes",)
    BYTES_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    def __init__(self, bytes: _Optional[int] = ...) -> None: ...

class WordChanges(_message.Message):
    __slots__ = ("rename", "strip_prefix", "lowercase", "add_prefix")
    class RenameEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    RENAME_FIELD_NUMBER: _ClassVar[int]
    STRIP_PREFIX_FIELD_NUMBER: _ClassVar[int]
    LOWERCASE_FIELD_NUMBER: _ClassVar[int]
    ADD_PREFIX_FIELD_NUMBER: _ClassVar[int]
    rename: _containers.ScalarMap[str, str]
    strip_prefix: str
    lowercase: bool
    add_prefix: str
    def __init__(self, rename: _Optional[_Mapping[str, str]] = ..., strip_prefix: _Optional[str] = ..., lowercase: _Optional[bool] = ..., add_prefix: _Optional[str] = ...) -> None: ...

class ImportRows(_message.Message):
    __slots__ = ("rows",)
    ROWS_FIELD_NUMBER: _ClassVar[int]
    rows: _containers.RepeatedCompositeFieldContainer[ImportRow]
    def __init__(self, rows: _Optional[_Iterable[_Union[ImportRow, _Mapping]]] = ...) -> None: ...

class ImportRow(_message.Message):
    __slots__ = ("word", "values")
    WORD_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    word: str
    values: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, word: _Optional[str] = ..., values: _Optional[_Iterable[float]] = ...) -> None: ...

class ImportResponse(_message.Message):
    __slots__ = ("progress", "report", "job")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    progress: ImportProgress
    report: ImportReport
    job: _common_pb2.JobStarted
    def __init__(self, progress: _Optional[_Union[ImportProgress, _Mapping]] = ..., report: _Optional[_Union[ImportReport, _Mapping]] = ..., job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ...) -> None: ...

class ImportProgress(_message.Message):
    __slots__ = ("bytes_read", "rows_read", "total_bytes")
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    ROWS_READ_FIELD_NUMBER: _ClassVar[int]
    TOTAL_BYTES_FIELD_NUMBER: _ClassVar[int]
    bytes_read: int
    rows_read: int
    total_bytes: int
    def __init__(self, bytes_read: _Optional[int] = ..., rows_read: _Optional[int] = ..., total_bytes: _Optional[int] = ...) -> None: ...

class ImportReport(_message.Message):
    __slots__ = ("table", "generation", "format", "gzip", "compression", "dim", "rows_read", "rows_kept", "bytes_read", "reasons", "read_seconds", "durable_seconds", "tokenizer")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    GZIP_FIELD_NUMBER: _ClassVar[int]
    COMPRESSION_FIELD_NUMBER: _ClassVar[int]
    DIM_FIELD_NUMBER: _ClassVar[int]
    ROWS_READ_FIELD_NUMBER: _ClassVar[int]
    ROWS_KEPT_FIELD_NUMBER: _ClassVar[int]
    BYTES_READ_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    READ_SECONDS_FIELD_NUMBER: _ClassVar[int]
    DURABLE_SECONDS_FIELD_NUMBER: _ClassVar[int]
    TOKENIZER_FIELD_NUMBER: _ClassVar[int]
    table: str
    generation: int
    format: Format
    gzip: bool
    compression: str
    dim: int
    rows_read: int
    rows_kept: int
    bytes_read: int
    reasons: _containers.RepeatedCompositeFieldContainer[ImportReason]
    read_seconds: float
    durable_seconds: float
    tokenizer: _common_pb2.TokenizerInfo
    def __init__(self, table: _Optional[str] = ..., generation: _Optional[int] = ..., format: _Optional[_Union[Format, str]] = ..., gzip: _Optional[bool] = ..., compression: _Optional[str] = ..., dim: _Optional[int] = ..., rows_read: _Optional[int] = ..., rows_kept: _Optional[int] = ..., bytes_read: _Optional[int] = ..., reasons: _Optional[_Iterable[_Union[ImportReason, _Mapping]]] = ..., read_seconds: _Optional[float] = ..., durable_seconds: _Optional[float] = ..., tokenizer: _Optional[_Union[_common_pb2.TokenizerInfo, _Mapping]] = ...) -> None: ...

class ImportReason(_message.Message):
    __slots__ = ("reason", "count", "rows_left_out", "done", "examples")
    REASON_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ROWS_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    EXAMPLES_FIELD_NUMBER: _ClassVar[int]
    reason: str
    count: int
    rows_left_out: bool
    done: str
    examples: _containers.RepeatedCompositeFieldContainer[ImportExample]
    def __init__(self, reason: _Optional[str] = ..., count: _Optional[int] = ..., rows_left_out: _Optional[bool] = ..., done: _Optional[str] = ..., examples: _Optional[_Iterable[_Union[ImportExample, _Mapping]]] = ...) -> None: ...

class ImportExample(_message.Message):
    __slots__ = ("at", "word")
    AT_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    at: str
    word: str
    def __init__(self, at: _Optional[str] = ..., word: _Optional[str] = ...) -> None: ...

class ExportRequest(_message.Message):
    __slots__ = ("table", "format", "gzip", "filter", "guard_formulas")
    TABLE_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    GZIP_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    GUARD_FORMULAS_FIELD_NUMBER: _ClassVar[int]
    table: str
    format: Format
    gzip: bool
    filter: _common_pb2.Filter
    guard_formulas: bool
    def __init__(self, table: _Optional[str] = ..., format: _Optional[_Union[Format, str]] = ..., gzip: _Optional[bool] = ..., filter: _Optional[_Union[_common_pb2.Filter, _Mapping]] = ..., guard_formulas: _Optional[bool] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("chunk", "companion", "job")
    CHUNK_FIELD_NUMBER: _ClassVar[int]
    COMPANION_FIELD_NUMBER: _ClassVar[int]
    JOB_FIELD_NUMBER: _ClassVar[int]
    chunk: bytes
    companion: str
    job: _common_pb2.JobStarted
    def __init__(self, chunk: _Optional[bytes] = ..., companion: _Optional[str] = ..., job: _Optional[_Union[_common_pb2.JobStarted, _Mapping]] = ...) -> None: ...

class ExportReport(_message.Message):
    __slots__ = ("bytes_sent",)
    BYTES_SENT_FIELD_NUMBER: _ClassVar[int]
    bytes_sent: int
    def __init__(self, bytes_sent: _Optional[int] = ...) -> None: ...
