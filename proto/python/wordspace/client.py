"""A client of a server: its tables, and what makes them."""

from __future__ import annotations

import os
import pathlib
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterator,
    List,
    Optional,
    Sequence,
    Union,
)

from wordspace import errors
from wordspace._connection import TIMEOUT, Connection
from wordspace._hedge import Hedge, Hedged
from wordspace._server import Server
from wordspace.answers import needed, table_html
from wordspace.v1 import common_pb2, table_pb2, text_pb2, transfer_pb2

__all__ = ["Client", "connect", "load", "load_word2vec_format", "open"]

if TYPE_CHECKING:
    from wordspace.keyedvectors import RemoteKeyedVectors

TABLE_VARIABLE = "WORDSPACE_TABLE"
CHUNK_BYTES = 512 << 10

PathLike = Union[str, "os.PathLike[str]"]


class Client:
    """A connection to a server. It is a context manager, and may be shared by threads.

    Every method of the contract is there under its own name, with this client's deadline, retries
    and errors: `client.services.TextService.Tokenize(text_pb2.TokenizeRequest(...))`.
    """

    def __init__(self, connection: Connection, server: Optional[Server] = None) -> None:
        self.services = connection
        self.server = server

    @property
    def address(self) -> str:
        return self.services.address

    @property
    def hedged(self) -> Hedged:
        """How many questions were asked, were asked twice, and were answered by the second call; all 0
        without `hedge`."""
        hedging = self.services.hedging
        return Hedged(0, 0, 0) if hedging is None else hedging.told()

    def close(self) -> None:
        """Closes the connection, and ends the server if this client started it."""
        self.services.close()
        if self.server is not None:
            self.server.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.address!r})"

    def _repr_html_(self) -> str:
        rows = [(one.name, f"{one.row_count:,}", one.dim) for one in self.tables()]
        return table_html(("table", "words", "components"), rows)

    # Tables.

    def tables(self) -> List[table_pb2.Table]:
        """What is known of each table, by name."""
        answer = self.services.TableService.ListTables(table_pb2.ListTablesRequest())
        return list(answer.tables)

    def table(self, name: str) -> table_pb2.Table:
        """What is known of a table; `name` may be an alias."""
        request = table_pb2.GetTableRequest(table=name)
        return self.services.TableService.GetTable(request).table

    def load(
        self, table: Optional[str] = None, *, exact: bool = True, oov: str = "error"
    ) -> "RemoteKeyedVectors":
        """The words and vectors of a table, to be asked as gensim's KeyedVectors.

        Without a name it is $WORDSPACE_TABLE, or the only table there is. With `exact=False`
        questions for neighbors may be answered from the table's index, which is faster on large
        tables and may miss a neighbor. `oov` says what becomes of words that the table does not have:
        "subword" composes their vectors as fastText does, where the table has n-grams; see OovPolicy.
        """
        from wordspace.keyedvectors import RemoteKeyedVectors

        return RemoteKeyedVectors(self, table or self._only_table(), exact=exact, oov=oov)

    def __getitem__(self, table: str) -> "RemoteKeyedVectors":
        return self.load(table)

    def _only_table(self) -> str:
        named = os.environ.get(TABLE_VARIABLE)
        if named:
            return named
        names = [one.name for one in self.tables()]
        if len(names) == 1:
            return names[0]
        if not names:
            raise errors.NotFound(f"{self.address} has no tables: import one with import_file")
        raise ValueError(f"which table is meant? There are {', '.join(names)}")

    def create_table(self, name: str, dim: int, **options: Any) -> "RemoteKeyedVectors":
        """Makes an empty table, which `add_vectors` fills; further arguments are the fields of
        CreateTableRequest."""
        request = table_pb2.CreateTableRequest(table=name, dim=dim, **options)
        self.services.TableService.CreateTable(request)
        return self.load(name)

    def delete_table(self, name: str) -> None:
        """Deletes a table with its rows; this cannot be undone."""
        self.services.TableService.DeleteTable(table_pb2.DeleteTableRequest(table=name))

    def set_alias(self, alias: str, table: str) -> None:
        """Lets an alias stand for a table, in place of the one that it may stand for."""
        self.services.TableService.SetAlias(table_pb2.SetAliasRequest(alias=alias, table=table))

    # Tokenizers.

    def put_tokenizer(self, name: str, tokenizer: Any, *, replace: bool = False) -> Any:
        """Stores a tokenizer, which then cuts texts on the server: one of the library tokenizers, or a
        fast one of transformers. What is told of it is returned."""
        backend = getattr(tokenizer, "backend_tokenizer", tokenizer)
        if not hasattr(backend, "to_str"):
            raise TypeError(
                "a tokenizer is one of the library tokenizers, or a fast one of transformers, and no "
                f"{type(tokenizer).__name__}"
            )
        file = text_pb2.TokenizerFile(name="tokenizer.json", content=backend.to_str().encode())
        spec = text_pb2.TokenizerSpec(kind=common_pb2.TOKENIZER_KIND_JSON, files=[file])
        request = text_pb2.PutTokenizerRequest(name=name, spec=spec, replace=replace)
        return self.services.TextService.PutTokenizer(request).tokenizer

    def get_tokenizer(self, name: str) -> Any:
        """A stored tokenizer as one of the library tokenizers, which this needs."""
        request = text_pb2.GetTokenizerRequest(name=name, with_spec=True)
        answer = self.services.TextService.GetTokenizer(request)
        spec = answer.spec
        if answer.tokenizer.kind != common_pb2.TOKENIZER_KIND_JSON or len(spec.files) != 1:
            kind = common_pb2.TokenizerKind.Name(answer.tokenizer.kind)
            raise ValueError(f"{name} is no tokenizer of the library tokenizers, but {kind}")
        return needed("tokenizers").Tokenizer.from_str(spec.files[0].content.decode())

    # Files.

    def import_file(
        self,
        file: PathLike,
        table: str,
        *,
        replace: bool = False,
        companions: Sequence[PathLike] = (),
        transform: Optional[Callable[[bytes], bytes]] = None,
        progress: Union[bool, Callable[[transfer_pb2.ImportProgress], None]] = False,
        **options: Any,
    ) -> transfer_pb2.ImportReport:
        """Imports an embedding file of any format; returns when every row is on the server's disk.

        Further arguments are the fields of ImportHeader, such as `limit=50_000` or
        `normalize=True`; `companions` are files beside it, such as the words of a NumPy array.
        `transform` changes each line of it on the way. `progress` is called with each message of how
        far it is; True shows a bar, which needs tqdm. The report accounts for every row.
        """
        if progress is True:
            with _Bar(pathlib.Path(file).name) as bar:
                return self.import_file(
                    file,
                    table,
                    replace=replace,
                    companions=companions,
                    transform=transform,
                    progress=bar,
                    **options,
                )
        path = pathlib.Path(file)
        if replace:
            options["if_exists"] = transfer_pb2.IF_EXISTS_REPLACE
        header = transfer_pb2.ImportHeader(table=table, source=path.name, **options)
        if "limit" not in options and transform is None:
            header.total_bytes = path.stat().st_size
        beside = [pathlib.Path(one) for one in companions]
        parts = _import_parts(header, path, beside, transform)
        report = None
        for answer in self.services.TransferService.Import.stream(parts):
            if answer.WhichOneof("part") == "report":
                report = answer.report
            elif callable(progress) and answer.WhichOneof("part") == "progress":
                progress(answer.progress)
        if report is None:
            raise errors.WordspaceError("the import's stream ended without a report")
        return report

    def export_file(
        self,
        table: str,
        file: PathLike,
        format: str = "WORD2VEC_TEXT",
        **options: Any,
    ) -> None:
        """Writes a table as a file, which appears when it is complete; `format` is a value of
        Format in transfer.proto, such as "WORD2VEC_BINARY", and further arguments are the fields of
        ExportRequest."""
        name = format.upper().replace("-", "_")
        request = transfer_pb2.ExportRequest(table=table, format=f"FORMAT_{name}", **options)
        path = pathlib.Path(file)
        files: Dict[pathlib.Path, Any] = {}
        current = path
        try:
            for answer in self.services.TransferService.Export.stream(request):
                if answer.companion:
                    current = path.with_name(f"{path.stem}.{answer.companion}")
                if answer.companion or answer.chunk:
                    if current not in files:
                        files[current] = _partial(current).open("wb")
                    files[current].write(answer.chunk)
        except BaseException:
            for written, stream in files.items():
                stream.close()
                _partial(written).unlink()
            raise
        for written, stream in files.items():
            stream.close()
            _partial(written).replace(written)


class _Bar:
    """How far an import is, as a bar of tqdm: in a terminal as text, in a notebook as a widget."""

    def __init__(self, name: str) -> None:
        make = needed("tqdm", "tqdm.auto").tqdm
        self._bar = make(desc=name, unit="B", unit_scale=True, unit_divisor=1024)

    def __call__(self, now: transfer_pb2.ImportProgress) -> None:
        if now.HasField("total_bytes"):
            self._bar.total = now.total_bytes
        self._bar.set_postfix(rows=now.rows_read, refresh=False)
        self._bar.update(now.bytes_read - self._bar.n)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()


def _partial(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f"{path.name}.partial")


def _import_parts(
    header: transfer_pb2.ImportHeader,
    path: pathlib.Path,
    companions: List[pathlib.Path],
    transform: Optional[Callable[[bytes], bytes]],
) -> Iterator[transfer_pb2.ImportRequest]:
    yield transfer_pb2.ImportRequest(header=header)
    yield from _chunks(path, transform)
    for companion in companions:
        file = transfer_pb2.ImportFile(name=companion.name)
        if transform is None:
            file.size_bytes = companion.stat().st_size
        yield transfer_pb2.ImportRequest(file=file)
        yield from _chunks(companion, transform)


def _chunks(
    path: pathlib.Path, transform: Optional[Callable[[bytes], bytes]]
) -> Iterator[transfer_pb2.ImportRequest]:
    with path.open("rb") as stream:
        if transform is None:
            while chunk := stream.read(CHUNK_BYTES):
                yield transfer_pb2.ImportRequest(chunk=chunk)
            return
        lines = bytearray()
        for line in stream:
            lines += transform(line)
            if len(lines) >= CHUNK_BYTES:
                yield transfer_pb2.ImportRequest(chunk=bytes(lines))
                lines.clear()
        if lines:
            yield transfer_pb2.ImportRequest(chunk=bytes(lines))


def connect(
    server: Optional[str] = None,
    *,
    timeout: Optional[float] = TIMEOUT,
    metadata: Optional[Dict[str, str]] = None,
    channel: Optional[Any] = None,
    hedge: Optional[Hedge] = None,
    api_key: Optional[str] = None,
    ca: Optional[PathLike] = None,
    cert: Optional[PathLike] = None,
    key: Optional[PathLike] = None,
) -> Client:
    """A client of a running server.

    `server` is http://HOST:PORT or https://HOST:PORT; without it $WORDSPACE_SERVER, or
    http://127.0.0.1:50051. `timeout` is the deadline of each question in seconds, None for none;
    imports and exports have none. `metadata` goes with every call, such as
    {"wordspace-min-generation": "7"}. `channel` is a gRPC channel of one's own, such as one through
    a proxy. `hedge` has questions that are slow asked a second time, see `Hedge`; without it none is.

    Where the name of the server stands for several, or `server` lists them as
    ipv4:10.0.0.1:50051,10.0.0.2:50051, calls go to them in turn.

    `api_key` (else $WORDSPACE_KEY) goes with every call. `ca` is the file of the authorities that may
    prove the server, in place of those that gRPC trusts; `cert` and `key` are the files that prove
    the client (else $WORDSPACE_TLS_CA, $WORDSPACE_TLS_CERT and $WORDSPACE_TLS_KEY), all in PEM.
    """
    connection = Connection(
        server,
        timeout=timeout,
        metadata=metadata,
        channel=channel,
        hedge=hedge,
        api_key=api_key,
        ca=ca,
        cert=cert,
        key=key,
    )
    return Client(connection)


def load(
    table: Optional[str] = None,
    server: Optional[str] = None,
    *,
    exact: bool = True,
    oov: str = "error",
    timeout: Optional[float] = TIMEOUT,
    **options: Any,
) -> "RemoteKeyedVectors":
    """The words and vectors of a table of a running server: `wv = wordspace.load("en")`.

    See `Client.load` for `exact` and `oov`, and `connect` for the rest, such as `api_key`.
    """
    client = connect(server, timeout=timeout, **options)
    try:
        return client.load(table, exact=exact, oov=oov)
    except BaseException:
        client.close()
        raise


def open(  # noqa: A001 - as gzip.open
    folder: Optional[PathLike] = None,
    *,
    binary: Optional[str] = None,
    arguments: Sequence[str] = (),
    timeout: Optional[float] = TIMEOUT,
) -> Client:
    """Starts a private server on a data folder and connects to it.

    The folder is made if it is not there; without one it is temporary, and removed at the end.
    `close`, the end of a `with`, or that of this process ends the server. `arguments` are further
    ones of `wordspace serve`.
    """
    server = Server(folder, binary=binary, arguments=arguments)
    return Client(Connection(server.address, timeout=timeout), server)


def load_word2vec_format(
    fname: PathLike,
    fvocab: Optional[PathLike] = None,
    binary: bool = False,
    encoding: str = "utf8",
    unicode_errors: str = "strict",
    limit: Optional[int] = None,
    datatype: Any = None,
    no_header: bool = False,
    *,
    client: Optional[Client] = None,
    table: Optional[str] = None,
) -> "RemoteKeyedVectors":
    """gensim's KeyedVectors.load_word2vec_format: a file of word2vec or GloVe becomes a table.

    Without `client` it is a table of a private server on a temporary folder, which ends with
    `close()` or this process. Without `table` its name is that of the file. Vectors are kept as
    float32. Counts come from `fvocab` and are never made up.
    """
    import codecs

    if codecs.lookup(encoding).name != "utf-8":
        raise ValueError(f"{encoding}: words are UTF-8; convert the file first")
    if datatype is not None and str(getattr(datatype, "__name__", datatype)) != "float32":
        raise ValueError("vectors are kept as float32")
    if no_header and binary:
        raise NotImplementedError("no_header only available for text-format files")
    formats = transfer_pb2.Format
    options: Dict[str, Any] = {"on_duplicate": transfer_pb2.ON_DUPLICATE_FIRST}
    if binary:
        options["format"] = formats.Value("FORMAT_WORD2VEC_BINARY")
    else:
        options["format"] = formats.Value(
            "FORMAT_GLOVE" if no_header else "FORMAT_WORD2VEC_TEXT"
        )
    if limit is not None:
        options["limit"] = limit
    companions = []
    if fvocab is not None:
        companions.append(fvocab)
        options["counts"] = pathlib.Path(fvocab).name
    if unicode_errors not in ("strict", "replace", "ignore"):
        raise ValueError(f"{unicode_errors}: unicode_errors is strict, replace or ignore")
    options["on_invalid_utf8"] = transfer_pb2.ON_INVALID_UTF8_ERROR
    if unicode_errors == "replace" and binary:
        options["on_invalid_utf8"] = transfer_pb2.ON_INVALID_UTF8_REPLACE
    elif unicode_errors == "ignore" and binary:
        raise ValueError("unicode_errors='ignore' is for text: 'replace' reads binary files")
    elif unicode_errors != "strict":
        # In the lines of the counts, too, so that both have the same words.
        options["transform"] = lambda line: line.decode("utf-8", unicode_errors).encode("utf-8")
    name = table or _table_name(pathlib.Path(fname))
    own = client is None
    client = client or open()
    try:
        client.import_file(fname, name, replace=own, companions=companions, **options)
        return client.load(name)
    except BaseException as error:
        if own:
            client.close()
        is_text = isinstance(error, errors.InvalidArgument) and "UTF-8" in str(error)
        if is_text and unicode_errors == "strict":
            raise UnicodeDecodeError("utf-8", b"", 0, 0, str(error)) from None
        raise


def _table_name(path: pathlib.Path) -> str:
    """A name that a table may have, of a file's."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_-.") else "-" for c in path.stem)
    return kept.lstrip(".-")[:128] or "vectors"
