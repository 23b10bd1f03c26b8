"""What the server refuses, as exceptions with the stable reasons of the contract.

Each class is also the built-in error that callers already catch: an unknown word is a KeyError, a
wrong argument a ValueError, a passed deadline a TimeoutError.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Type

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, message_factory

__all__ = [
    "AlreadyExists",
    "DeadlineExceeded",
    "InvalidArgument",
    "NotFound",
    "Overloaded",
    "ServerNotStarted",
    "Unavailable",
    "UnknownWords",
    "UnsuitedTable",
    "Violation",
    "WordspaceError",
]


class Violation(NamedTuple):
    """A field of the request that is wrong."""

    field: str
    problem: str


class WordspaceError(Exception):
    """A call that failed.

    `reason` is one of those that proto/wordspace/v1/common.proto lists, and never changes its
    meaning; it is empty where the error did not come from a wordspace server.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        code: str = "",
        metadata: Optional[Dict[str, str]] = None,
        violations: Tuple[Violation, ...] = (),
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.code = code
        self.metadata = metadata or {}
        self.violations = violations
        # Seconds after which the server says that the call may be made again: nothing was done.
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Any:
        return (_restored, (type(self), self.message, self.__dict__))


def _restored(kind: Type[WordspaceError], message: str, state: Dict[str, Any]) -> WordspaceError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class UnknownWords(WordspaceError, KeyError):
    """Words that the table does not have: `words` has all of them."""

    @property
    def words(self) -> List[str]:
        try:
            return list(json.loads(self.metadata.get("words", "[]")))
        except ValueError:
            return []


class InvalidArgument(WordspaceError, ValueError):
    """The request is wrong whatever the state: `violations` names every bad field."""


class NotFound(WordspaceError, LookupError):
    """No table, alias, tokenizer, job or other thing of that name."""


class AlreadyExists(WordspaceError):
    """A table, a word or another thing of that name is there already."""


class UnsuitedTable(WordspaceError):
    """The call is right, but not for this table."""


class Overloaded(WordspaceError):
    """Too many calls at once, or a full disk."""


class DeadlineExceeded(WordspaceError, TimeoutError):
    """The call's deadline passed."""


class Unavailable(WordspaceError, ConnectionError):
    """No server answers there, or it is closing."""


class ServerNotStarted(WordspaceError):
    """`wordspace.open` could not start a server."""


_CLASSES: Dict[grpc.StatusCode, Type[WordspaceError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidArgument,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.ALREADY_EXISTS: AlreadyExists,
    grpc.StatusCode.FAILED_PRECONDITION: UnsuitedTable,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
}


def of(error: Any, address: str) -> WordspaceError:
    """The exception for an error of gRPC."""
    code = error.code()
    details = _Details()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            details = _details(value)
    text = error.details() or code.name
    if code == grpc.StatusCode.UNAVAILABLE and not details.reason:
        text = f"no wordspace server answers at {address} (`wordspace serve` starts one): {text}"
    kind = _CLASSES.get(code, WordspaceError)
    if details.reason == "UNKNOWN_WORDS":
        kind = UnknownWords
    return kind(
        text,
        reason=details.reason,
        code=code.name,
        metadata=details.metadata,
        violations=details.violations,
        retry_after=details.retry_after,
    )


class _Details(NamedTuple):
    reason: str = ""
    metadata: Dict[str, str] = {}
    violations: Tuple[Violation, ...] = ()
    retry_after: Optional[float] = None


def _details(packed: bytes) -> _Details:
    """Reads google.rpc.Status; what cannot be read tells nothing."""
    reason = ""
    metadata: Dict[str, str] = {}
    violations: Tuple[Violation, ...] = ()
    retry_after: Optional[float] = None
    try:
        for detail in _STATUS.FromString(packed).details:
            name = detail.type_url.rpartition(".")[2]
            if name == "ErrorInfo":
                info = _ERROR_INFO.FromString(detail.value)
                reason, metadata = info.reason, dict(info.metadata)
            elif name == "BadRequest":
                bad = _BAD_REQUEST.FromString(detail.value)
                violations = tuple(
                    Violation(one.field, one.description) for one in bad.field_violations
                )
            elif name == "RetryInfo":
                delay = _RETRY_INFO.FromString(detail.value).retry_delay
                retry_after = delay.seconds + delay.nanos / 1e9
    except Exception:  # noqa: BLE001 - a proxy may put anything there
        return _Details()
    return _Details(reason, metadata, violations, retry_after)


def _messages() -> Tuple[Any, Any, Any, Any]:
    """google.rpc's messages, as far as they are read, in a pool of their own: an application may
    have the package that brings them, or not."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="wordspace/details.proto", package="wordspace.details", syntax="proto3"
    )
    file.dependency.extend(["google/protobuf/any.proto", "google/protobuf/duration.proto"])

    def message(name: str, *fields: Tuple[str, int, str, bool]) -> Any:
        made = file.message_type.add(name=name)
        for field, number, kind, repeated in fields:
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            one = made.field.add(name=field, number=number, label=label)
            if kind == "string":
                one.type = kinds.TYPE_STRING
            elif kind == "int32":
                one.type = kinds.TYPE_INT32
            else:
                one.type, one.type_name = kinds.TYPE_MESSAGE, kind
        return made

    message(
        "Status",
        ("code", 1, "int32", False),
        ("message", 2, "string", False),
        ("details", 3, ".google.protobuf.Any", True),
    )
    info = message(
        "ErrorInfo",
        ("reason", 1, "string", False),
        ("domain", 2, "string", False),
        ("metadata", 3, ".wordspace.details.ErrorInfo.MetadataEntry", True),
    )
    entry = info.nested_type.add(name="MetadataEntry")
    entry.options.map_entry = True
    for number, name in enumerate(("key", "value"), 1):
        entry.field.add(
            name=name, number=number, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL
        )
    message("FieldViolation", ("field", 1, "string", False), ("description", 2, "string", False))
    message("BadRequest", ("field_violations", 1, ".wordspace.details.FieldViolation", True))
    message("RetryInfo", ("retry_delay", 1, ".google.protobuf.Duration", False))

    pool = descriptor_pool.DescriptorPool()
    for dependency in (any_pb2, duration_pb2):
        pool.AddSerializedFile(dependency.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    names = ("Status", "ErrorInfo", "BadRequest", "RetryInfo")
    found = (pool.FindMessageTypeByName(f"wordspace.details.{name}") for name in names)
    return tuple(message_factory.GetMessageClass(one) for one in found)  # type: ignore[return-value]


_STATUS, _ERROR_INFO, _BAD_REQUEST, _RETRY_INFO = _messages()
