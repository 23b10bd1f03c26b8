"""A channel to a server: methods by their names in the contract, deadlines, retries, errors."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import random
import time
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple
from urllib.parse import urlsplit

import grpc
from google.protobuf import message_factory

from wordspace import errors
from wordspace._hedge import Hedge, Hedging

# Where `wordspace serve` listens, and the variable that its command line reads.
DEFAULT_SERVER = "http://127.0.0.1:50051"
SERVER_VARIABLE = "WORDSPACE_SERVER"
# What else the command line reads: a key, and files in PEM.
KEY_VARIABLE = "WORDSPACE_KEY"
TLS_VARIABLES = {"ca": "WORDSPACE_TLS_CA", "cert": "WORDSPACE_TLS_CERT", "key": "WORDSPACE_TLS_KEY"}

# Seconds that a question may take where nothing else is said.
TIMEOUT = 30.0
# How often a call is made at most that the server refused with "try again".
ATTEMPTS = 6
# Seconds to the next attempt, at most; each next one waits twice as long.
PAUSE_MAX = 5.0
# Calls of one asyncio client that are under way at once; more wait here. More would only wait in
# the server, which refuses what it cannot begin within 20 ms or so.
CALLS_AT_ONCE = 8

# The reasons with which a server refuses before it has done anything, so that any call may be made
# again.
RETRIED = frozenset(
    {"OVERLOADED", "SHUTTING_DOWN", "TABLE_BEHIND", "TABLE_ABSENT", "CONCURRENT_WRITE"}
)

# The modules of the contract by service.
SERVICES = {
    "AdminService": "admin",
    "BatchService": "batch",
    "BiasService": "bias",
    "EvaluationService": "evaluation",
    "JobService": "job_service",
    "LanguageModelService": "language_model",
    "SearchService": "search",
    "TableService": "table",
    "TextService": "text",
    "TrainingService": "training",
    "TransferService": "transfer",
}

# Questions by the beginnings of their names: to ask twice changes nothing.
_QUESTIONS = ("Batch", "Get", "List", "Lookup", "Sample", "Count", "Facets", "Health", "Map")
_CHANGES = (
    "Put", "Delete", "Set", "Create", "Copy", "Rename", "Remove", "Train", "Import", "Export",
    "Build", "Cancel", "Seed", "Debias", "Merge", "Backup", "Restore", "Verify", "Watch",
)  # fmt: skip


def target(server: Optional[str]) -> str:
    """The address for gRPC of what a user gives: a URL, HOST:PORT, or nothing."""
    given = server or os.environ.get(SERVER_VARIABLE) or DEFAULT_SERVER
    if "://" not in given:
        return given
    url = urlsplit(given)
    if url.scheme == "unix":
        return given
    if url.scheme not in ("http", "https") or not url.hostname or url.path not in ("", "/"):
        raise ValueError(f"{given}: a server has an address as http://HOST:PORT or https://HOST:PORT")
    return url.netloc if url.port else f"{url.netloc}:{443 if url.scheme == 'https' else 80}"


class Access(NamedTuple):
    """How a server is reached, and who says so: what a connection is made of beside its deadline.

    The key is no part of what is shown or pickled; another process takes $WORDSPACE_KEY.
    """

    # As a user gave it, with its scheme.
    server: str
    api_key: Optional[str] = None
    ca: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None

    def __repr__(self) -> str:
        return f"Access({self.server!r})"

    @property
    def address(self) -> str:
        return target(self.server)

    def credentials(self) -> Optional[grpc.ChannelCredentials]:
        """Those of TLS, or None where the server is asked in the clear."""
        if not self.server.startswith("https://"):
            return None
        parts = (self.ca, self.key, self.cert)
        return grpc.ssl_channel_credentials(*(part and _read(part) for part in parts))

    def metadata(self) -> Dict[str, str]:
        return {"authorization": f"Bearer {self.api_key}"} if self.api_key else {}


def access(
    server: Optional[str], api_key: Optional[str] = None, **files: Optional[Any]
) -> Access:
    """What the arguments say, and where they say nothing the variables of the command line."""
    given = server or os.environ.get(SERVER_VARIABLE) or DEFAULT_SERVER
    named = {name: os.fspath(file) for name, file in files.items() if file}
    if named and "://" not in given:
        given = f"https://{given}"
    if given.startswith("https://"):
        for name, variable in TLS_VARIABLES.items():
            if os.environ.get(variable):
                named.setdefault(name, os.environ[variable])
        if ("cert" in named) != ("key" in named):
            raise ValueError("a certificate needs its private key, and the key its certificate")
    elif named:
        raise ValueError(f"{given}: certificates were given, which only https:// uses")
    return Access(given, api_key or os.environ.get(KEY_VARIABLE) or None, **named)


def _read(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read()


def _descriptor(service: str) -> Any:
    module = importlib.import_module(f"wordspace.v1.{SERVICES[service]}_pb2")
    return module.DESCRIPTOR.services_by_name[service]


def is_question(service: str, method: str) -> bool:
    """Whether a call may be made again when nobody knows what became of it."""
    if service == "SearchService" or method.startswith(_QUESTIONS):
        return True
    return not method.startswith(_CHANGES)


def service_config() -> str:
    """Questions are asked again by gRPC itself when the connection breaks or cannot be made: the
    server restarts, or another takes its place. What changes something is not."""
    names = []
    for service in SERVICES:
        for method in _descriptor(service).methods:
            is_stream = method.client_streaming or method.server_streaming
            if not is_stream and is_question(service, method.name):
                names.append({"service": f"wordspace.v1.{service}", "method": method.name})
    policy = {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "2s",
        "backoffMultiplier": 3,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps(
        {
            # A name that stands for several servers: calls go to them in turn.
            "loadBalancingConfig": [{"round_robin": {}}],
            "methodConfig": [{"name": names, "retryPolicy": policy}],
        }
    )


def channel_options() -> List[Tuple[str, Any]]:
    from wordspace import __version__

    return [
        # The server bounds its answers to 64 MiB; gRPC's own bound of 4 MiB is for strangers.
        ("grpc.max_receive_message_length", 80 << 20),
        ("grpc.max_send_message_length", 80 << 20),
        ("grpc.service_config", service_config()),
        ("grpc.enable_retries", 1),
        # A server that comes back is found within a second or so.
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.primary_user_agent", f"wordspace-python/{__version__}"),
    ]


def pause(error: errors.WordspaceError, attempt: int, deadline: Optional[float]) -> Optional[float]:
    """Seconds until a call should be made again, or None if it should not."""
    if error.reason not in RETRIED or error.retry_after is None or attempt >= ATTEMPTS:
        return None
    # Callers that were refused together should not come back together.
    seconds = min(error.retry_after * 2 ** (attempt - 1), PAUSE_MAX) * random.uniform(0.5, 1.0)
    if deadline is not None and time.monotonic() + seconds >= deadline:
        return None
    return seconds


class _Unset:
    def __repr__(self) -> str:
        return "the connection's timeout"


UNSET: Any = _Unset()


class Method:
    """One method of a service: called with its request message."""

    __slots__ = ("_address", "_call", "_connection", "_hedging", "_name", "request", "response")

    def __init__(self, connection: "Connection", service: str, method: Any) -> None:
        self._connection = connection
        self._name = f"{service}/{method.name}"
        self._hedging = _hedging(connection, service, method)
        self._address = connection.address
        self.request = message_factory.GetMessageClass(method.input_type)
        self.response = message_factory.GetMessageClass(method.output_type)
        self._call = _stub(connection.channel, service, method, self)

    def __call__(self, request: Any, timeout: Any = UNSET) -> Any:
        if timeout is UNSET:
            timeout = self._connection.timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        metadata = self._connection.metadata
        attempt = 1
        while True:
            try:
                # What was refused once is asked again, and not twice at once.
                if self._hedging is not None and attempt == 1:
                    return self._hedging.ask(self._call, self._name, request, timeout, metadata)
                return self._call(request, timeout=timeout, metadata=metadata)
            except grpc.RpcError as refused:
                error = errors.of(refused, self._address)
            seconds = pause(error, attempt, deadline)
            if seconds is None:
                raise error
            time.sleep(seconds)
            attempt += 1
            if deadline is not None:
                timeout = max(deadline - time.monotonic(), 0.001)

    def future(self, request: Any) -> Callable[[], Any]:
        """Begins a call and returns what waits for its answer."""
        call = self._call.future(
            request, timeout=self._connection.timeout, metadata=self._connection.metadata
        )

        def answer() -> Any:
            try:
                return call.result()
            except grpc.RpcError as refused:
                error = errors.of(refused, self._address)
            if pause(error, 1, None) is None:
                raise error
            return self(request)

        return answer

    def stream(self, request: Any, timeout: Optional[float] = None) -> Iterator[Any]:
        """Answers of a method that streams them; `request` is an iterator if it takes a stream."""
        try:
            yield from self._call(request, timeout=timeout, metadata=self._connection.metadata)
        except grpc.RpcError as refused:
            raise errors.of(refused, self._address) from None


class AsyncMethod:
    """The same for asyncio."""

    __slots__ = ("_address", "_call", "_connection", "_hedging", "_name", "request", "response")

    def __init__(self, connection: "AsyncConnection", service: str, method: Any) -> None:
        self._connection = connection
        self._name = f"{service}/{method.name}"
        self._hedging = _hedging(connection, service, method)
        self._address = connection.address
        self.request = message_factory.GetMessageClass(method.input_type)
        self.response = message_factory.GetMessageClass(method.output_type)
        self._call = _stub(connection.channel, service, method, self)

    async def __call__(self, request: Any, timeout: Any = UNSET) -> Any:
        if timeout is UNSET:
            timeout = self._connection.timeout
        deadline = None if timeout is None else time.monotonic() + timeout
        metadata = self._connection.metadata
        attempt = 1
        while True:
            try:
                async with self._connection.turn():
                    if self._hedging is not None and attempt == 1:
                        return await self._hedging.ask_async(
                            self._call, self._name, request, timeout, metadata
                        )
                    return await self._call(request, timeout=timeout, metadata=metadata)
            except grpc.RpcError as refused:
                error = errors.of(refused, self._address)
            seconds = pause(error, attempt, deadline)
            if seconds is None:
                raise error
            await asyncio.sleep(seconds)
            attempt += 1
            if deadline is not None:
                timeout = max(deadline - time.monotonic(), 0.001)


def _hedging(connection: Any, service: str, method: Any) -> Optional[Hedging]:
    """That of the connection, for a question of one message with one answer."""
    is_stream = method.client_streaming or method.server_streaming
    return None if is_stream or not is_question(service, method.name) else connection.hedging


def _stub(channel: Any, service: str, method: Any, made: Any) -> Any:
    kinds = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }
    return kinds[method.client_streaming, method.server_streaming](
        f"/wordspace.v1.{service}/{method.name}",
        request_serializer=made.request.SerializeToString,
        response_deserializer=made.response.FromString,
    )


class Service:
    """The methods of a service as attributes."""

    def __init__(self, connection: Any, name: str, method: Any) -> None:
        self._connection = connection
        self._methods = _descriptor(name).methods_by_name
        self._name = name
        self._kind = method

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._methods:
            raise AttributeError(f"{self._name} has no method {name}")
        made = self._kind(self._connection, self._name, self._methods[name])
        # Found without this function from now on.
        setattr(self, name, made)
        return made

    def __dir__(self) -> List[str]:
        return sorted(self._methods)


class _Services:
    """The services as attributes: `connection.TableService.GetTable(request)`."""

    _method: Any = Method

    def __getattr__(self, name: str) -> Any:
        if name not in SERVICES:
            raise AttributeError(f"{type(self).__name__} has no attribute {name}")
        made = Service(self, name, self._method)
        self.__dict__[name] = made
        return made


def _channel(maker: Any, access: Access) -> Any:
    """A channel of grpc or grpc.aio."""
    credentials = access.credentials()
    if credentials is None:
        return maker.insecure_channel(access.address, options=channel_options())
    return maker.secure_channel(access.address, credentials, options=channel_options())


class Connection(_Services):
    """A channel, its deadline, and the metadata of every call."""

    def __init__(
        self,
        server: Optional[str] = None,
        *,
        timeout: Optional[float] = TIMEOUT,
        metadata: Optional[Dict[str, str]] = None,
        channel: Optional[grpc.Channel] = None,
        hedge: Optional[Hedge] = None,
        **options: Any,
    ) -> None:
        self.access = access(server, **options)
        self.address = self.access.address
        self.timeout = timeout
        self.hedge = hedge
        self.hedging = None if hedge is None else Hedging(hedge)
        self.metadata = tuple({**self.access.metadata(), **(metadata or {})}.items())
        self.is_own = channel is None
        self.channel = channel or _channel(grpc, self.access)

    def close(self) -> None:
        if self.is_own:
            self.channel.close()


class AsyncConnection(_Services):
    """The same for asyncio."""

    _method = AsyncMethod

    def __init__(
        self,
        server: Optional[str] = None,
        *,
        timeout: Optional[float] = TIMEOUT,
        metadata: Optional[Dict[str, str]] = None,
        channel: Optional[Any] = None,
        hedge: Optional[Hedge] = None,
        **options: Any,
    ) -> None:
        self.access = access(server, **options)
        self.address = self.access.address
        self.timeout = timeout
        self.hedge = hedge
        self.hedging = None if hedge is None else Hedging(hedge)
        self.metadata = tuple({**self.access.metadata(), **(metadata or {})}.items())
        self.is_own = channel is None
        self.channel = channel or _channel(grpc.aio, self.access)
        self._turns: Optional[asyncio.Semaphore] = None

    def turn(self) -> asyncio.Semaphore:
        """Waited for by each call. Made in the loop that calls."""
        if self._turns is None:
            self._turns = asyncio.Semaphore(CALLS_AT_ONCE)
        return self._turns

    async def close(self) -> None:
        if self.is_own:
            await self.channel.close()
