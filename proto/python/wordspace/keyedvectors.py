"""A table of a server, asked as gensim's KeyedVectors are."""

from __future__ import annotations

import functools
import gzip
import io
import itertools
import logging
import os
from contextlib import contextmanager
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    NamedTuple,
    NoReturn,
    Optional,
    Sequence,
    Tuple,
    Union,
)

import numpy as np

from wordspace import _questions as q
from wordspace import _statistics, errors
from wordspace._questions import KEY_TYPES, Inputs, Key
from wordspace.answers import Correlation, Neighbors, needed, table_html
from wordspace.v1 import common_pb2, search_pb2, table_pb2, text_pb2

__all__ = ["RemoteKeyedVectors"]

logger = logging.getLogger(__name__)

_WRITE_BYTES = 8 << 20
_QUESTIONS_AT_ONCE = 500
# Calls under way at once, where many are needed for one question.
_AT_ONCE = 4

# What gensim has and a server has not, with what to do instead.
_NOT_OFFERED = {
    "expandos": "attributes stand on the server: get_vecattr and set_vecattr",
    "intersect_word2vec_format": "import the file and copy what both have with add_vectors",
    "load": "wordspace.load(table), or import_file for a file",
    "next_index": "rows are numbered by the server",
    "resize_vectors": "the server keeps rows as they are written",
    "save": "tables are on the server's disk; to_gensim().save(file) makes gensim's file",
    "sort_by_descending_frequency": "rows stand in the order of their import",
    "unit_normalize_all": "import_file(..., normalize=True) keeps vectors at length 1",
    "vectors_norm": "it was removed in gensim 4: get_normed_vectors()",
    "index2entity": "it was removed in gensim 4: index_to_key",
    "index2word": "it was removed in gensim 4: index_to_key",
    "vocab": "it was removed in gensim 4: key_to_index",
}


class _Words(NamedTuple):
    """The words in row order, as they were when they were listed."""

    keys: List[str]
    positions: Dict[str, int]
    # Row of each position.
    rows: np.ndarray


class RemoteKeyedVectors:
    """The words and vectors of a table, with the names, arguments, defaults, results and errors of
    gensim's KeyedVectors (4.x).

    Questions are worked out on the server. `vectors`, `index_to_key`, `key_to_index` and what needs
    a similarity with every word (`topn=None`, `distances(word)`) fetch the table once and compute
    here; what was fetched is kept until a write through this object, a new generation of the
    table, or `refresh()`.
    """

    def __init__(
        self, client: Any, table: str, *, exact: bool = True, oov: str = "error"
    ) -> None:
        if oov not in q.OOV:
            raise ValueError(f"oov is one of {', '.join(q.OOV)}")
        self.client = client
        self.table = table
        self.exact = exact
        self.oov = oov
        self._options = common_pb2.WordOptions(oov=q.OOV[oov]) if oov != "error" else None
        self._skipping = common_pb2.WordOptions(oov=common_pb2.OOV_POLICY_SKIP)
        self._nearest = client.services.SearchService.Nearest
        self._forget()
        self._info()

    # What is known of the table.

    def refresh(self) -> "RemoteKeyedVectors":
        """Forgets what was fetched, so that words that others wrote meanwhile are seen by
        `index_to_key`, `vectors` and what is computed from them. Questions that the server answers
        always see every write."""
        self._forget()
        self._info()
        return self

    def _forget(self) -> None:
        self._seen: Optional[Tuple[str, int]] = None
        self._has_holes = False
        self._words_kept: Optional[_Words] = None
        self._vectors_kept: Optional[np.ndarray] = None
        self._norms_kept: Optional[np.ndarray] = None

    def _info(self) -> table_pb2.Table:
        table = self.client.table(self.table)
        if table.problem:
            raise errors.UnsuitedTable(f"{table.name} cannot answer: {table.problem}")
        self._note(table.name, table.generation)
        self.vector_size = table.dim
        self._has_holes = table.index.deleted_row_count > 0
        self._count = table.row_count
        return table

    def _note(self, table: str, generation: int) -> None:
        """Forgets what was fetched of another generation, or of what an alias meant before."""
        if self._seen != (table, generation):
            is_first = self._seen is None
            if not is_first:
                self._forget()
            self._seen = (table, generation)
            if not is_first:
                self._info()

    def _answered(self, answer: Any) -> Any:
        told = answer.answer
        if self._seen != (told.table, told.generation):
            self._note(told.table, told.generation)
        return answer

    def __len__(self) -> int:
        return int(self._info().row_count)

    def __str__(self) -> str:
        return f"{type(self).__name__}<vector_size={self.vector_size}, {len(self)} keys>"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.table!r} at {self.client.address})"

    def _repr_html_(self) -> str:
        table = self._info()
        rows = [
            ("table", table.name),
            ("server", self.client.address),
            ("words", f"{table.row_count:,}"),
            ("components", table.dim),
            ("source", table.provenance.source or "-"),
        ]
        return table_html(("RemoteKeyedVectors", ""), rows)

    def __reduce__(self) -> Any:
        services = self.client.services
        return (
            _connected,
            (
                services.access._replace(api_key=None)._asdict(),
                services.timeout,
                self.table,
                self.exact,
                self.oov,
                services.hedge,
            ),
        )

    def close(self) -> None:
        """Closes the client; see Client.close."""
        self.client.close()

    def __enter__(self) -> "RemoteKeyedVectors":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> NoReturn:
        if name in _NOT_OFFERED:
            raise AttributeError(f"{name} is not offered: {_NOT_OFFERED[name]}")
        raise AttributeError(f"{type(self).__name__} has no attribute {name}")

    # Words and their rows.

    @property
    def index_to_key(self) -> List[str]:
        """The words in row order, fetched once."""
        return self._words().keys

    @property
    def key_to_index(self) -> Dict[str, int]:
        """The position of each word in `index_to_key`."""
        return self._words().positions

    @property
    def vectors(self) -> np.ndarray:
        """All vectors as one read-only array, fetched once; add_vectors changes them."""
        if self._vectors_kept is None:
            self._fetch(with_vectors=True)
        assert self._vectors_kept is not None
        return self._vectors_kept

    @property
    def norms(self) -> np.ndarray:
        """The length of each vector."""
        if self._norms_kept is None:
            self._norms_kept = np.linalg.norm(self.vectors, axis=1)
        return self._norms_kept

    def fill_norms(self, force: bool = False) -> None:
        """There as in gensim; norms are computed when they are asked for."""
        if force:
            self._norms_kept = None

    def init_sims(self, replace: bool = False) -> None:
        """There as in gensim, for `replace=False`."""
        if replace:
            raise NotImplementedError(_NOT_OFFERED["unit_normalize_all"])

    def get_normed_vectors(self) -> np.ndarray:
        return self.vectors / self.norms[..., np.newaxis]

    def _words(self) -> _Words:
        if self._words_kept is None:
            self._fetch(with_vectors=False)
        assert self._words_kept is not None
        return self._words_kept

    def _fetch(self, with_vectors: bool) -> None:
        """Lists the words, maybe with their vectors; again if the table was replaced meanwhile."""
        for _ in range(3):
            try:
                return self._fetch_once(with_vectors)
            except errors.InvalidArgument as error:
                if all(one.field != "page_token" for one in error.violations):
                    raise
                self._info()
        raise errors.UnsuitedTable(f"{self.table} is replaced faster than it can be read")

    def _fetch_once(self, with_vectors: bool) -> None:
        count, dim = int(self._info().row_count), self.vector_size
        vectors = np.empty((count if with_vectors else 0, dim), dtype=np.float32)
        keys: List[str] = []
        rows: List[int] = []
        request = table_pb2.ListWordsRequest(table=self.table, page_size=q.BATCH_MAX)
        request.include.vectors = request.include.packed = with_vectors
        while True:
            page = self.client.services.TableService.ListWords(request)
            if with_vectors and page.words:
                start, end = len(keys), len(keys) + len(page.words)
                if end > len(vectors):
                    # Words were added meanwhile.
                    vectors = np.concatenate(
                        [vectors[:start], np.empty((end - start, dim), dtype=np.float32)]
                    )
                vectors[start:end] = q.matrix(page.words, dim)
            keys.extend([one.word for one in page.words])
            rows.extend([one.row for one in page.words])
            request.page_token = page.next_page_token
            if not request.page_token:
                break
        self._seen = (page.answer.table, page.answer.generation)
        kept_rows = np.asarray(rows, dtype=np.int64)
        self._has_holes = bool(len(rows)) and rows[-1] != len(rows) - 1
        self._count = len(keys)
        index: Dict[str, int] = {}
        for position, key in enumerate(keys):
            # Two words of bytes that are not UTF-8 may look the same; the first is meant.
            index.setdefault(key, position)
        self._words_kept = _Words(keys, index, kept_rows)
        if with_vectors:
            vectors = vectors[: len(keys)]
            vectors.flags.writeable = False
            self._vectors_kept, self._norms_kept = vectors, None

    def _position(self, row: int) -> int:
        """The position of a row among those that are there."""
        if not self._has_holes:
            return row
        return int(np.searchsorted(self._words().rows, row))

    def _row(self, position: int) -> int:
        """The row at a position; KeyError beyond the last."""
        if not self._has_holes:
            if not 0 <= position < self._count and not 0 <= position < len(self):
                raise q.unknown(position)
            return int(position)
        rows = self._words().rows
        if not 0 <= position < len(rows):
            raise q.unknown(position)
        return int(rows[position])

    def _query(self, key: Any, where: str = "") -> common_pb2.WordOrVector:
        """A key or a vector for the wire."""
        if isinstance(key, str):
            if not q.is_word(key):
                raise q.unknown(key, where)
            if "\ufffd" in key:
                # A word of bytes that are not UTF-8 is shown with U+FFFD: its row is asked.
                position = self._words().positions.get(key)
                if position is not None:
                    return common_pb2.WordOrVector(row=int(self._words().rows[position]))
            return common_pb2.WordOrVector(word=key)
        if isinstance(key, (int, np.integer)):
            return common_pb2.WordOrVector(row=self._row(int(key)))
        vector = np.asarray(key)
        if vector.ndim != 1 or vector.dtype.kind not in "fiu":
            raise TypeError(f"a key is a str or an int, and no {type(key).__name__}")
        return common_pb2.WordOrVector(vector=q.packed(vector))

    def _ask(self, method: Any, request: Any, where: str = "") -> Any:
        """Asks, and raises KeyError as gensim does."""
        try:
            return self._answered(method(request))
        except q.UNKNOWN as error:
            words = error.words
            raise q.unknown(words[0] if words else "", where, words) from None

    def _lookup(
        self, keys: Sequence[Any], *, unit: bool = False, skip: bool = False
    ) -> List[table_pb2.WordVector]:
        """Looks words and rows up. Under `skip` unknown ones come back as not found."""
        nothing = table_pb2.WordVector()
        found: List[table_pb2.WordVector] = []
        for chunk, places, answer in self._looked_up(keys, unit, skip):
            if len(places) == len(chunk):
                found.extend(answer.vectors)
                continue
            whole = [nothing] * len(chunk)
            for place, vector in zip(places, answer.vectors):
                whole[place] = vector
            found.extend(whole)
        return found

    def _looked_up(
        self, keys: Sequence[Any], unit: bool, skip: bool, matrix: bool = False
    ) -> Iterator[Tuple[Sequence[Any], Sequence[int], table_pb2.LookupResponse]]:
        """The keys in pieces, which of each piece were asked, and the answers. The next calls are
        under way while an answer is read."""
        options = self._skipping if skip else self._options
        lookup = self.client.services.TableService.Lookup
        under_way: List[Tuple[Sequence[Any], Sequence[int], Callable[[], Any]]] = []

        def first() -> Tuple[Sequence[Any], Sequence[int], table_pb2.LookupResponse]:
            chunk, places, answer = under_way.pop(0)
            if not places:
                return chunk, places, table_pb2.LookupResponse()
            try:
                return chunk, places, self._answered(answer())
            except q.UNKNOWN as error:
                words = error.words
                raise q.unknown(words[0] if words else chunk[0], "", words) from None

        for chunk in q.lookup_chunks(keys, self.vector_size):
            request = table_pb2.LookupRequest(
                table=self.table, unit=unit, packed=True, matrix=matrix, words=options
            )
            places: Sequence[int] = range(len(chunk))
            if q.words_alone(chunk):
                request.keys.extend(chunk)
            else:
                queries, places = self._queries(chunk, skip)
                request.queries.extend(queries)
            if len(chunk) == len(keys):
                under_way.append((chunk, places, functools.partial(lookup, request)))
            else:
                begun = lookup.future(request) if places else table_pb2.LookupResponse
                under_way.append((chunk, places, begun))
            if len(under_way) >= _AT_ONCE:
                yield first()
        while under_way:
            yield first()

    def _queries(
        self, keys: Sequence[Any], skip: bool
    ) -> Tuple[List[common_pb2.WordOrVector], List[int]]:
        """Keys for the wire, and which they are: under `skip` what can be no word is left out."""
        queries, places = [], []
        for place, key in enumerate(keys):
            try:
                queries.append(self._query(key))
                places.append(place)
            except KeyError:
                if not skip:
                    raise
        return queries, places

    def get_index(self, key: Key, default: Optional[int] = None) -> int:
        """The position of a word's vector in `vectors`."""
        if isinstance(key, str):
            found = self._lookup([key], skip=True)[0]
            if found.found:
                return self._position(found.row)
        elif isinstance(key, (int, np.integer)):
            if 0 <= key < self._count or 0 <= key < len(self):
                return int(key)
        if default is not None:
            return default
        raise q.unknown(key)

    def has_index_for(self, key: Key) -> bool:
        return self.get_index(key, -1) >= 0

    def __contains__(self, key: Key) -> bool:
        return self.has_index_for(key)

    # Vectors.

    def __getitem__(self, key_or_keys: Union[Key, Iterable[Key]]) -> np.ndarray:
        if isinstance(key_or_keys, KEY_TYPES):
            return self.get_vector(key_or_keys)
        keys = list(key_or_keys)
        if not keys:
            raise ValueError("need at least one key")
        return self.get_vectors(keys)

    def get_vector(self, key: Key, norm: bool = False) -> np.ndarray:
        """The vector of a word, read-only."""
        request = table_pb2.LookupRequest(
            table=self.table,
            queries=[self._query(key)],
            unit=norm,
            words=self._options,
            packed=True,
        )
        found = self._ask(self.client.services.TableService.Lookup, request).vectors
        if not found[0].vector.packed:
            raise q.unknown(key)
        return np.frombuffer(found[0].vector.packed, dtype="<f4")

    word_vec = get_vector

    def get_vectors(self, keys: Sequence[Key], norm: bool = False) -> np.ndarray:
        """The vectors of many words as one array, in few calls."""
        parts: List[bytes] = []
        for chunk, _, answer in self._looked_up(keys, norm, False, matrix=True):
            missing = answer.matrix.missing
            if missing:
                raise q.unknown(chunk[missing[0]])
            parts.append(answer.matrix.packed)
        # One part becomes the array as it is.
        joined = parts[0] if len(parts) == 1 else b"".join(parts)
        return np.frombuffer(joined, dtype="<f4").reshape(len(keys), self.vector_size)

    def get_mean_vector(
        self,
        keys: Sequence[Any],
        weights: Any = None,
        pre_normalize: bool = True,
        post_normalize: bool = False,
        ignore_missing: bool = True,
    ) -> np.ndarray:
        """The weighted mean of the vectors of words, and of vectors, which are taken as they are."""
        if len(keys) == 0:
            raise ValueError("cannot compute mean with no input")
        if weights is None:
            weights = np.ones(len(keys), dtype=np.float32)
        elif isinstance(weights, (list, tuple)):
            weights = np.array(weights, dtype=np.float32)
        if len(keys) != weights.shape[0]:
            raise ValueError("keys and weights array must have same number of elements")
        named = [key for key in keys if not isinstance(key, np.ndarray)]
        looked_up = iter(self._lookup(named, unit=pre_normalize, skip=self.oov == "error"))
        mean = np.zeros(self.vector_size, dtype=np.float32)
        total = 0.0
        for key, weight in zip(keys, weights):
            if isinstance(key, np.ndarray):
                vector = key
            else:
                found = next(looked_up)
                if not found.vector.packed:
                    if not ignore_missing:
                        raise q.unknown(key, " in vocabulary")
                    continue
                vector = np.frombuffer(found.vector.packed, dtype="<f4")
            mean += weight * vector
            total += abs(weight)
        if total > 0:
            mean = mean / total
        if post_normalize:
            mean = q.unit(mean).astype(np.float32)
        return mean

    def vectors_for_all(
        self, keys: Iterable[Key], allow_inference: bool = True, copy_vecattrs: bool = False
    ) -> Any:
        """gensim's KeyedVectors of those of the words that are there; needs gensim."""
        wanted = list(dict.fromkeys(keys))
        found = self._lookup(wanted, skip=not (allow_inference and self.oov != "error"))
        there = [(key, one) for key, one in zip(wanted, found) if one.vector.packed]
        return self._gensim(there, copy_vecattrs)

    # Neighbors.

    def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: Optional[int] = 10,
        clip_start: int = 0,
        clip_end: Optional[int] = None,
        restrict_vocab: Optional[int] = None,
        indexer: Any = None,
    ) -> Union[Neighbors, np.ndarray]:
        """The words nearest to the mean of words and vectors, the nearest first.

        `positive` and `negative` are keys, vectors, or pairs of one of these with its weight, or lists
        of them. With `topn=None` the similarities with all words come as an array.
        """
        if q.wants_none(topn):
            return Neighbors()
        asked = q.inputs(positive, negative)
        # A clip needs to know how many words there are.
        clips = bool(clip_start or clip_end or restrict_vocab)
        clip = q.clipped(clip_start, clip_end, restrict_vocab, len(self)) if clips else None
        if topn is None:
            return self._similarities(asked, clip)
        if indexer is not None and isinstance(topn, int):
            return indexer.most_similar(self._mean(asked), topn)
        if clip is not None and clip[0] >= clip[1]:
            return Neighbors()
        if not asked.is_plain:
            return self._most_similar_to_mean(asked, topn, clip)
        if topn + len(asked.keys) > q.NEIGHBORS_MAX:
            return self._ranked(asked, topn, clip)
        positive_queries, negative_queries = self._sides(asked)
        request = q.nearest_request(
            self.table,
            positive_queries,
            negative_queries,
            int(topn),
            False,
            self._options,
            self._clipped_rows(clip),
        )
        # A stored list has a word's neighbors exactly; what else the index knows it may not know all.
        may_be_listed = len(asked.keys) == 1 and topn <= q.LIST and clip is None
        if self.exact and not may_be_listed:
            request.exact = True
        answer = self._ask(self._nearest, request, " in vocabulary")
        if self.exact and not q.is_exact(answer):
            request.exact = True
            answer = self._ask(self._nearest, request, " in vocabulary")
        return q.neighbors(answer)

    def similar_by_word(
        self, word: Key, topn: Optional[int] = 10, restrict_vocab: Optional[int] = None
    ) -> Union[Neighbors, np.ndarray]:
        return self.similar_by_key(word, topn, restrict_vocab)

    def similar_by_key(
        self, key: Key, topn: Optional[int] = 10, restrict_vocab: Optional[int] = None
    ) -> Union[Neighbors, np.ndarray]:
        return self.most_similar(positive=[key], topn=topn, restrict_vocab=restrict_vocab)

    def similar_by_vector(
        self, vector: Any, topn: Optional[int] = 10, restrict_vocab: Optional[int] = None
    ) -> Union[Neighbors, np.ndarray]:
        return self.most_similar(
            positive=[np.asarray(vector)], topn=topn, restrict_vocab=restrict_vocab
        )

    def most_similar_batch(self, keys: Sequence[Any], topn: int = 10) -> List[Neighbors]:
        """The neighbors of many keys or vectors, in few calls."""
        if q.wants_none(topn):
            return [Neighbors() for _ in keys]
        requests = [
            q.nearest_request("", [self._query(key)], [], topn, self.exact, self._options, None)
            for key in keys
        ]
        return [q.neighbors(answer) for answer in self._nearest_batch(requests, topn)]

    def nearest(
        self,
        query: Any,
        k: int = 10,
        *,
        where: Union[str, Sequence[str]] = (),
        prefix: str = "",
        regex: str = "",
        min_similarity: Optional[float] = None,
        **fields: Any,
    ) -> Neighbors:
        """Neighbors as the server's own question for them gives them, beyond what gensim asks.

        `query` is a key, a vector, a list of these, or "text:...", whose words' mean is meant. `where`
        is a condition on attributes such as "freq > 5 and lang in (fr, en)". Further arguments are
        fields of NearestRequest, such as `diversity=0.3`.
        """
        queries = []
        for one in q.ensure_list(query):
            if isinstance(one, str) and one.startswith("text:"):
                queries.append(common_pb2.WordOrVector(text=one[len("text:") :]))
            else:
                queries.append(self._query(one))
        request = search_pb2.NearestRequest(
            table=self.table, positive=queries, k=k, words=self._options, **fields
        )
        if self.exact and "exact" not in fields:
            request.exact = True
        if min_similarity is not None:
            request.min_similarity = min_similarity
        conditions = [where] if isinstance(where, str) else list(where)
        if conditions or prefix or regex:
            request.filter.matching.extend(conditions)
            request.filter.prefix, request.filter.regex = prefix, regex
        return q.neighbors(self._ask(self._nearest, request, " in vocabulary"))

    def most_similar_cosmul(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: Optional[int] = 10,
        restrict_vocab: Optional[int] = None,
    ) -> Union[Neighbors, np.ndarray]:
        """The same by the product of similarities (Levy and Goldberg 2014).

        `restrict_vocab` restricts, which gensim's does not. Two positive words and a negative one are
        asked of the server; other numbers of them are computed here.
        """
        if q.wants_none(topn):
            return Neighbors()
        positive, negative = q.ensure_list(positive), q.ensure_list(negative)
        if not positive:
            raise ValueError("cannot compute similarity with no input")
        keys = positive + negative
        clip = q.clipped(0, None, restrict_vocab, len(self)) if restrict_vocab else None
        is_analogy = len(positive) == 2 and len(negative) == 1
        is_named = all(isinstance(key, KEY_TYPES) for key in keys)
        if topn is not None and is_analogy and is_named and topn <= q.NEIGHBORS_MAX:
            b, c, a = (self._query(key) for key in keys)
            request = search_pb2.AnalogyRequest(
                table=self.table,
                a=a,
                b=b,
                c=c,
                method=search_pb2.ANALOGY_METHOD_COS_MUL,
                k=topn,
                words=self._options,
            )
            rows = self._clipped_rows(clip)
            if rows is not None:
                request.filter.rows.start, request.filter.rows.end = rows
            return q.neighbors(self._ask(self.client.services.SearchService.Analogy, request))
        named = [key for key in keys if isinstance(key, KEY_TYPES)]
        looked_up = iter(self.get_vectors(named, norm=True) if named else ())
        terms = [next(looked_up) if isinstance(key, KEY_TYPES) else np.asarray(key) for key in keys]
        shares = [(1 + np.dot(self.vectors, term) / self.norms) / 2 for term in terms]
        above, below = shares[: len(positive)], shares[len(positive) :]
        products = np.prod(above, axis=0) / (np.prod(below, axis=0) + 0.000001)
        if topn is None:
            return products if clip is None else products[clip[0] : clip[1]]
        return self._best(products, topn, [self.get_index(key) for key in named], clip)

    def _sides(self, asked: Inputs) -> Tuple[List[Any], List[Any]]:
        """What is to be near and what far, for the wire, where weights tell how much."""
        positive: List[Any] = []
        negative: List[Any] = []
        for key, weight in zip(asked.keys, asked.weights):
            query = self._query(key, " in vocabulary")
            if abs(weight) != 1.0:
                query.weight = abs(weight)
            (positive if weight > 0 else negative).append(query)
        return positive, negative

    def _clipped_rows(self, clip: Optional[Tuple[int, int]]) -> Optional[Tuple[int, int]]:
        if clip is None or not self._has_holes:
            return clip
        rows = self._words().rows
        return (int(rows[clip[0]]), int(rows[clip[1] - 1]) + 1)

    def _mean(self, asked: Inputs) -> np.ndarray:
        weights = np.array(asked.weights)
        return self.get_mean_vector(
            asked.keys, weights, pre_normalize=True, post_normalize=True, ignore_missing=False
        )

    def _own(self, asked: Inputs) -> List[int]:
        """Positions of the question's words."""
        found = self._lookup(asked.own, skip=True)
        return [self._position(one.row) for one in found if one.found]

    def _most_similar_to_mean(
        self, asked: Inputs, topn: int, clip: Optional[Tuple[int, int]]
    ) -> Neighbors:
        """Neighbors of a mean that is computed here, by the server."""
        k = topn + len(asked.own)
        if k > q.NEIGHBORS_MAX:
            return self._ranked(asked, topn, clip)
        vector = common_pb2.WordOrVector(vector=q.packed(self._mean(asked)))
        rows = self._clipped_rows(clip)
        request = q.nearest_request(self.table, [vector], [], k, self.exact, None, rows)
        own = self._lookup(asked.own, skip=True)
        answer = self._ask(self._nearest, request)
        return q.neighbors(answer, topn, [one.row for one in own if one.found])

    def _similarities(self, asked: Inputs, clip: Optional[Tuple[int, int]]) -> np.ndarray:
        """Those with all words, computed here."""
        mean = self._mean(asked)
        start, end = clip or (0, len(self.vectors))
        return np.dot(self.vectors[start:end], mean) / self.norms[start:end]

    def _ranked(self, asked: Inputs, topn: int, clip: Optional[Tuple[int, int]]) -> Neighbors:
        """More neighbors than the server tells in one answer, computed here."""
        similarities = self._similarities(asked, None)
        return self._best(similarities, topn, self._own(asked), clip)

    def _best(
        self,
        values: np.ndarray,
        topn: int,
        own: Iterable[int],
        clip: Optional[Tuple[int, int]],
    ) -> Neighbors:
        """The largest first; ties in row order."""
        start, end = clip or (0, len(values))
        order = np.argsort(-values[start:end], kind="stable") + start
        order = order[~np.isin(order, list(own))][:topn]
        keys = self._words().keys
        return Neighbors((keys[i], float(values[i])) for i in order)

    def _nearest_batch(
        self, requests: Sequence[search_pb2.NearestRequest], k: int
    ) -> Iterator[search_pb2.NearestResponse]:
        size = max(1, min(_QUESTIONS_AT_ONCE, 1_000_000 // max(k, 1)))
        batch = self.client.services.SearchService.NearestBatch
        for start in range(0, len(requests), size):
            queries = requests[start : start + size]
            request = search_pb2.NearestBatchRequest(table=self.table, queries=queries)
            answers = self._ask_batch(batch, request)
            yield from answers.answers

    def _ask_batch(self, method: Any, request: Any) -> Any:
        try:
            return method(request)
        except q.UNKNOWN as error:
            words = error.words
            raise q.unknown(words[0] if words else "", " in vocabulary", words) from None

    # Similarities.

    def similarity(self, w1: Key, w2: Key) -> np.float32:
        """The cosine of two words."""
        request = search_pb2.SimilarityRequest(table=self.table, words=self._options)
        pair = request.pairs.add()
        pair.a.CopyFrom(self._query(w1))
        pair.b.CopyFrom(self._query(w2))
        answer = self._ask(self.client.services.SearchService.Similarity, request)
        return np.float32(answer.similarities[0].similarity)

    def similarities(self, pairs: Sequence[Tuple[Key, Key]]) -> np.ndarray:
        """The cosines of many pairs, in few calls."""
        method = self.client.services.SearchService.Similarity
        values: List[float] = []
        for start in range(0, len(pairs), q.BATCH_MAX // 2):
            request = search_pb2.SimilarityRequest(
                table=self.table,
                pairs=[
                    search_pb2.SimilarityRequest.Pair(a=self._query(a), b=self._query(b))
                    for a, b in pairs[start : start + q.BATCH_MAX // 2]
                ],
                words=self._options,
            )
            answer = self._ask(method, request)
            values.extend([one.similarity for one in answer.similarities])
        return np.array(values, dtype=np.float32)

    def distance(self, w1: Key, w2: Key) -> np.float32:
        """1 less the similarity."""
        return np.float32(1 - self.similarity(w1, w2))

    @staticmethod
    def cosine_similarities(vector_1: np.ndarray, vectors_all: np.ndarray) -> np.ndarray:
        """The cosines of a vector with the rows of an array."""
        lengths = np.linalg.norm(vector_1) * np.linalg.norm(vectors_all, axis=1)
        return np.dot(vectors_all, vector_1) / lengths

    def distances(self, word_or_vector: Any, other_words: Iterable[Key] = ()) -> np.ndarray:
        """The distances of a word or vector from some words, or from all of them."""
        others = list(other_words) if other_words is not None else []
        is_key = isinstance(word_or_vector, KEY_TYPES)
        if others:
            keys = [word_or_vector, *others] if is_key else others
            found = self.get_vectors(keys)
            vector, vectors = (found[0], found[1:]) if is_key else (word_or_vector, found)
        else:
            vector = self.get_vector(word_or_vector) if is_key else word_or_vector
            vectors = self.vectors
        return 1 - self.cosine_similarities(np.asarray(vector), vectors)

    def n_similarity(self, ws1: Sequence[Key], ws2: Sequence[Key]) -> np.float32:
        """The cosine of the means of two lists of words; unknown ones are left out."""
        if not (len(ws1) and len(ws2)):
            raise ZeroDivisionError("At least one of the passed list is empty.")
        # One call for both, as gensim's own means: it leaves unknown words out, and takes any number.
        ws1, ws2 = list(ws1), list(ws2)
        found = self._lookup([*ws1, *ws2], skip=self.oov == "error")
        means = []
        for part in (found[: len(ws1)], found[len(ws1) :]):
            there = [one for one in part if one.vector.packed]
            mean = q.matrix(there, self.vector_size).mean(axis=0) if there else np.zeros(1)
            means.append(q.unit(mean))
        if means[0].shape != means[1].shape:
            return np.float32(0.0)
        return np.float32(np.dot(means[0], means[1]))

    def most_similar_to_given(self, key1: Key, keys_list: Sequence[Key]) -> Key:
        """That of some words which is nearest to a word."""
        if not len(keys_list):
            raise ValueError("attempt to get the nearest of an empty list")
        request = search_pb2.MostSimilarToGivenRequest(
            table=self.table,
            query=self._query(key1),
            candidates=[self._query(key) for key in keys_list],
            words=self._options,
        )
        method = self.client.services.SearchService.MostSimilarToGiven
        return keys_list[self._ask(method, request).ranked[0].index]

    def closer_than(self, key1: Key, key2: Key) -> List[str]:
        """The words that are nearer to one word than another is, in row order."""
        request = search_pb2.CloserThanRequest(
            table=self.table,
            a=self._query(key1),
            b=self._query(key2),
            k=q.NEIGHBORS_MAX,
            words=self._options,
        )
        answer = self._ask(self.client.services.SearchService.CloserThan, request)
        if answer.count <= len(answer.neighbors):
            return [one.word for one in sorted(answer.neighbors, key=lambda one: one.row)]
        # More than an answer holds.
        distances = self.distances(key1)
        first, second = self.get_index(key1), self.get_index(key2)
        closer = np.flatnonzero(distances < distances[second])
        return [self._words().keys[i] for i in closer if i != first]

    words_closer_than = closer_than

    def rank(self, key1: Key, key2: Key) -> int:
        """The place of a word among those near to another, from 1."""
        request = search_pb2.RankRequest(
            table=self.table, a=self._query(key1), b=self._query(key2), words=self._options
        )
        return int(self._ask(self.client.services.SearchService.Rank, request).rank)

    def rank_by_centrality(
        self, words: Sequence[Key], use_norm: bool = True
    ) -> List[Tuple[np.float32, Key]]:
        """Words by their similarity to the mean of all of them, the nearest first; unknown ones are
        left out, with a warning in the log."""
        words = list(words)
        is_asked = use_norm and 0 < len(words) <= q.WORD_SET_MAX
        if is_asked and all(isinstance(word, str) and q.is_word(word) for word in words):
            request = search_pb2.RankByCentralityRequest(
                table=self.table,
                queries=[self._query(word) for word in words],
                words=self._skipping if self.oov == "error" else self._options,
            )
            method = self.client.services.SearchService.RankByCentrality
            try:
                answer = self._ask(method, request)
            except errors.UnsuitedTable:
                # None is known, or they cancel out.
                return self._rank_by_centrality(words, use_norm)
            used = {one.index for one in answer.ranked}
            self._warn_of_unknown(words, used)
            ranked = [(np.float32(one.similarity), words[one.index]) for one in answer.ranked]
            if not ranked:
                raise ValueError("cannot select a word from an empty list")
            return sorted(ranked, reverse=True)
        return self._rank_by_centrality(words, use_norm)

    def _rank_by_centrality(
        self, words: List[Key], use_norm: bool
    ) -> List[Tuple[np.float32, Key]]:
        found = self._lookup(words, unit=use_norm, skip=self.oov == "error")
        used = [i for i, one in enumerate(found) if one.vector.packed]
        self._warn_of_unknown(words, set(used))
        if not used:
            raise ValueError("cannot select a word from an empty list")
        vectors = q.matrix([found[i] for i in used], self.vector_size)
        mean = q.unit(vectors.mean(axis=0))
        return sorted(zip(np.dot(vectors, mean), [words[i] for i in used]), reverse=True)

    def _warn_of_unknown(self, words: List[Key], used: "set[int]") -> None:
        ignored = {word for i, word in enumerate(words) if i not in used}
        if ignored:
            logger.warning(
                "vectors for words %s are not present in the model, ignoring these words", ignored
            )

    def doesnt_match(self, words: Sequence[Key]) -> Key:
        """The word that is least like the others."""
        return self.rank_by_centrality(words)[-1][1]

    def relative_cosine_similarity(self, wa: Key, wb: Key, topn: int = 10) -> float:
        """The similarity of two words over the sum of those of the nearest (Leeuwenberg et al. 2016)."""
        if topn < 1:
            raise ValueError(
                "Cannot calculate relative cosine similarity without any similar words."
            )
        request = search_pb2.RelativeCosineRequest(
            table=self.table, a=self._query(wa), b=self._query(wb), k=topn, words=self._options
        )
        method = self.client.services.SearchService.RelativeCosine
        return float(self._ask(method, request).relative_cosine)

    def wmdistance(
        self, document1: Sequence[str], document2: Sequence[str], norm: bool = True
    ) -> float:
        """Word Mover's Distance of two lists of words, solved exactly by the server: POT is not
        needed. Unknown words are left out; infinite if none is left."""
        request = search_pb2.WordMoversRequest(
            table=self.table,
            a=[word for word in document1 if q.is_word(word)],
            b=[word for word in document2 if q.is_word(word)],
            raw=not norm,
            words=self._skipping if self.oov == "error" else self._options,
        )
        if not request.a or not request.b:
            return float("inf")
        try:
            answer = self._ask(self.client.services.SearchService.WordMovers, request)
        except errors.UnsuitedTable:
            known = [
                any(one.found for one in self._lookup(list(words), skip=True))
                for words in (request.a, request.b)
            ]
            if all(known):
                raise
            logger.warning("At least one of the documents had no words that were in the vocabulary.")
            return float("inf")
        return float(answer.distance)

    # Evaluation.

    def evaluate_word_analogies(
        self,
        analogies: Any,
        restrict_vocab: Optional[int] = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
        similarity_function: str = "most_similar",
    ) -> Tuple[float, List[Dict[str, Any]]]:
        """The share of the questions of a file that are answered right, and the questions of each
        section, answered right and wrong. The server answers them, thousands in a call."""
        ok = self._ok_words(restrict_vocab, case_insensitive)
        sections: List[Dict[str, Any]] = []
        # In the order of the file: the section, the four words, and whether they are known.
        questions: List[Tuple[Dict[str, Any], Tuple[str, ...], bool]] = []
        count = unknown_count = 0
        with _opened(analogies) as lines:
            for number, raw in enumerate(lines):
                line = raw.decode("utf-8") if isinstance(raw, bytes) else raw
                if line.startswith(": "):
                    name = line.lstrip(": ").strip()
                    sections.append({"section": name, "correct": [], "incorrect": []})
                    continue
                if not sections:
                    raise ValueError(f"Missing section header before line #{number} in {analogies}")
                words = tuple((line.upper() if case_insensitive else line).split())
                if len(words) != 4:
                    logger.info("Skipping invalid line #%i in %s", number, analogies)
                    continue
                count += 1
                is_known = all(word in ok for word in words)
                unknown_count += not is_known
                if is_known or dummy4unknown:
                    questions.append((sections[-1], words, is_known))
        if not count:
            raise ValueError(f"no analogies found in {analogies}")
        asked = [words for _, words, is_known in questions if is_known]
        answers = self._analogy_answers(asked, ok, restrict_vocab, similarity_function)
        for section, words, is_known in questions:
            predicted = None
            for word, _ in next(answers) if is_known else ():
                predicted = word.upper() if case_insensitive else word
                if predicted in ok and predicted not in words[:3]:
                    break
            section["correct" if predicted == words[3] else "incorrect"].append(words)
        total: Dict[str, Any] = {"section": "Total accuracy"}
        for kind in ("correct", "incorrect"):
            total[kind] = list(itertools.chain.from_iterable(one[kind] for one in sections))
        logger.info("Quadruplets with out-of-vocabulary words: %.1f%%", 100 * unknown_count / count)
        scores = [self._log_section(section) for section in (*sections, total)]
        return scores[-1], [*sections, total]

    @staticmethod
    def _log_section(section: Mapping[str, Any]) -> float:
        right, wrong = len(section["correct"]), len(section["incorrect"])
        if right + wrong == 0:
            return 0.0
        score = right / (right + wrong)
        name = section["section"]
        logger.info("%s: %.1f%% (%i/%i)", name, 100.0 * score, right, right + wrong)
        return score

    def _ok_words(self, restrict_vocab: Optional[int], case_insensitive: bool) -> Dict[str, int]:
        """The positions of the words that count; of several that fold to one the first is meant."""
        keys = self._words().keys[:restrict_vocab]
        ok: Dict[str, int] = {}
        for position, key in enumerate(keys):
            ok.setdefault(key.upper() if case_insensitive else key, position)
        return ok

    def _analogy_answers(
        self,
        questions: Sequence[Tuple[str, ...]],
        ok: Mapping[str, int],
        restrict_vocab: Optional[int],
        function: str,
    ) -> Iterator[Iterable[Tuple[str, float]]]:
        if function != "most_similar":
            ask = getattr(self, function)
            for a, b, c, _ in questions:
                positive, negative = [ok[b], ok[c]], [ok[a]]
                yield ask(positive=positive, negative=negative, topn=5, restrict_vocab=restrict_vocab)
            return
        rows = self._words().rows
        clip = q.clipped(0, None, restrict_vocab, len(rows)) if restrict_vocab else None
        clip_rows = self._clipped_rows(clip)

        def row(word: str) -> common_pb2.WordOrVector:
            return common_pb2.WordOrVector(row=int(rows[ok[word]]))

        requests = [
            q.nearest_request("", [row(b), row(c)], [row(a)], 5, self.exact, None, clip_rows)
            for a, b, c, _ in questions
        ]
        for answer in self._nearest_batch(requests, 5):
            yield q.neighbors(answer)

    def evaluate_word_pairs(
        self,
        pairs: Any,
        delimiter: str = "\t",
        encoding: str = "utf8",
        restrict_vocab: Optional[int] = 300_000,
        case_insensitive: bool = True,
        dummy4unknown: bool = False,
    ) -> Tuple[Correlation, Correlation, float]:
        """Pearson's and Spearman's correlation with the similarities that people gave to pairs, with
        their p-values, and the percentage of pairs with unknown words."""
        ok = self._ok_words(restrict_vocab, case_insensitive)
        gold: List[float] = []
        places: List[Optional[Tuple[int, int]]] = []
        unknown_count = 0
        with _opened(pairs) as lines:
            for number, raw in enumerate(lines):
                line = raw.decode(encoding) if isinstance(raw, bytes) else raw
                if not line or line.startswith("#"):
                    continue
                try:
                    a, b, value = (line.upper() if case_insensitive else line).split(delimiter)
                    similarity = float(value)
                except ValueError:
                    logger.info("Skipping invalid line #%d in %s", number, pairs)
                    continue
                if a in ok and b in ok:
                    gold.append(similarity)
                    places.append((ok[a], ok[b]))
                    continue
                unknown_count += 1
                if dummy4unknown:
                    gold.append(similarity)
                    places.append(None)
        if not gold:
            raise ValueError(
                f"No valid similarity judgements found in {pairs}: either invalid format or "
                f"all are out-of-vocabulary in {self}"
            )
        known = iter(self.similarities([one for one in places if one is not None]))
        model = np.array([0.0 if one is None else next(known) for one in places])
        pearson = _statistics.pearson(np.array(gold), model)
        spearman = _statistics.spearman(np.array(gold), model)
        all_count = len(gold) if dummy4unknown else len(gold) + unknown_count
        ratio = 100.0 * unknown_count / all_count
        logger.info("Pearson correlation coefficient against %s: %.4f", pairs, pearson[0])
        logger.info("Spearman rank-order correlation coefficient against %s: %.4f", pairs, spearman[0])
        logger.info("Pairs with unknown words ratio: %.1f%%", ratio)
        return pearson, spearman, ratio

    # Writes. Each is durable when it returns, and seen by every question that begins then.

    def add_vector(self, key: str, vector: Any) -> int:
        """Adds a word and returns its position; a word that is there keeps its vector."""
        self.add_vectors([key], [vector])
        return self.get_index(key)

    def add_vectors(
        self,
        keys: Union[str, Sequence[str]],
        weights: Any,
        extras: Optional[Mapping[str, Any]] = None,
        replace: bool = False,
    ) -> None:
        """Adds words with their vectors; one that is there keeps its vector unless `replace`.

        `extras` are attributes by name, with as many values as there are words.
        """
        if isinstance(keys, KEY_TYPES):
            keys = [keys]  # type: ignore[list-item]
            weights = np.asarray(weights).reshape(1, -1)
        vectors = np.ascontiguousarray(weights, dtype="<f4")
        if vectors.ndim != 2 or len(vectors) != len(keys):
            raise ValueError(f"{len(keys)} keys need as many vectors, got shape {vectors.shape}")
        extras = dict(extras or {})
        for name, values in extras.items():
            if len(values) != len(keys):
                raise ValueError(f"{len(keys)} keys need as many values of {name}")
        for key in keys:
            if not isinstance(key, str):
                raise TypeError(f"the words of a table are str, and no {type(key).__name__}")
        # The first of a word that comes twice; of `replace` the last.
        places: Dict[str, int] = {}
        for place, key in enumerate(keys):
            if replace or key not in places:
                places[key] = place
        if not replace:
            found = self._lookup(list(places), skip=True)
            places = {
                key: place for (key, place), one in zip(places.items(), found) if not one.found
            }
        try:
            self._put(places, vectors, extras)
        finally:
            self._forget()
        self._info()

    def __setitem__(self, keys: Union[str, Sequence[str]], weights: Any) -> None:
        if not isinstance(keys, (list, tuple, np.ndarray)):
            keys, weights = [keys], np.asarray(weights).reshape(1, -1)  # type: ignore[list-item]
        self.add_vectors(list(keys), weights, replace=True)

    def _put(
        self, places: Mapping[str, int], vectors: np.ndarray, extras: Mapping[str, Any]
    ) -> None:
        put = self.client.services.TableService.PutVectors
        request = table_pb2.PutVectorsRequest(table=self.table)
        size = 0
        for key, place in places.items():
            word = request.words.add(word=key)
            word.vector.packed = vectors[place].tobytes()
            for name, values in extras.items():
                word.attributes[name].CopyFrom(q.attribute(values[place]))
            size += word.ByteSize()
            if size >= _WRITE_BYTES or len(request.words) >= q.BATCH_MAX // 2:
                put(request)
                request = table_pb2.PutVectorsRequest(table=self.table)
                size = 0
        if request.words:
            put(request)

    def set_vecattr(self, key: Key, attr: str, val: Any) -> None:
        """Sets an attribute of a word: a text, a number, a bool, a date, or a list of such.

        A datetime without a time zone is one of UTC.
        """
        request = table_pb2.SetAttributesRequest(table=self.table)
        change = request.changes.add()
        change.query.CopyFrom(self._query(key))
        change.set[attr].CopyFrom(q.attribute(val))
        try:
            self.client.services.TableService.SetAttributes(request)
        except q.UNKNOWN:
            raise q.unknown(key) from None

    def get_vecattr(self, key: Key, attr: str) -> Any:
        """An attribute of a word; KeyError if it has none of that name."""
        found = self._lookup([key], skip=True)[0]
        if not found.found:
            raise q.unknown(key)
        if attr not in found.attributes:
            raise KeyError(attr)
        return q.attribute_value(found.attributes[attr])

    # Texts.

    def embed(
        self,
        texts: Sequence[str],
        pooling: str = "mean",
        *,
        tokenizer: str = "",
        lowercase: bool = False,
        **options: Any,
    ) -> np.ndarray:
        """A vector for each text; zeros for one of which no word is known. `pooling` is a value of
        Pooling in text.proto, such as "sif"; further arguments are fields of EmbedOptions."""
        if isinstance(texts, str):
            raise TypeError("texts are a list of str")
        texts = list(texts)
        settings = text_pb2.EmbedOptions(
            pooling=f"POOLING_{pooling.upper()}", **options
        )
        words = common_pb2.WordOptions(oov=common_pb2.OOV_POLICY_SKIP, tokenizer=tokenizer)
        if self.oov != "error":
            words.oov = q.OOV[self.oov]
        if lowercase:
            words.preprocessors.add()
            words.preprocessors.add(lowercase=True)
        made = np.zeros((len(texts), self.vector_size), dtype=np.float32)
        start = 0
        while start < len(texts):
            end, size = start, 0
            while end < len(texts) and end - start < 500 and (end == start or size < 4 << 20):
                size += 4 * len(texts[end])
                end += 1
            request = text_pb2.EmbedRequest(
                table=self.table, texts=texts[start:end], words=words, options=settings
            )
            answer = self.client.services.TextService.Embed(request)
            for place, vector in enumerate(answer.vectors, start):
                if vector.values:
                    made[place] = vector.values
            start = end
        return made

    # Bridges to other libraries, each of which is only needed for its own.

    def to_frame(self, keys: Optional[Sequence[str]] = None) -> Any:
        """A pandas.DataFrame: a row a word, a column a component."""
        pandas = needed("pandas")
        if keys is None:
            vectors = self.vectors
            return pandas.DataFrame(vectors, index=list(self.index_to_key))
        return pandas.DataFrame(self.get_vectors(keys), index=list(keys))

    def to_torch(self, freeze: bool = True, **options: Any) -> Any:
        """A torch.nn.Embedding of all vectors, whose numbers are those of `key_to_index`; further
        arguments are those of Embedding.from_pretrained."""
        torch = needed("torch")
        # Its own memory: torch writes to it when it learns.
        weights = torch.from_numpy(np.array(self.vectors))
        return torch.nn.Embedding.from_pretrained(weights, freeze=freeze, **options)

    def to_gensim(self, keys: Optional[Iterable[str]] = None, copy_vecattrs: bool = False) -> Any:
        """gensim's own KeyedVectors of all words, or of some, in memory."""
        if keys is None and not copy_vecattrs:
            gensim = needed("gensim", "gensim.models.keyedvectors")
            vectors = self.vectors
            made = gensim.KeyedVectors(self.vector_size)
            made.add_vectors(list(self.index_to_key), np.array(vectors))
            return made
        wanted = list(self.index_to_key if keys is None else dict.fromkeys(keys))
        return self._gensim(list(zip(wanted, self._lookup(wanted))), copy_vecattrs)

    def _gensim(self, found: Sequence[Tuple[Key, table_pb2.WordVector]], attributes: bool) -> Any:
        gensim = needed("gensim", "gensim.models.keyedvectors")
        made = gensim.KeyedVectors(self.vector_size)
        if found:
            vectors = np.array(q.matrix([one for _, one in found], self.vector_size))
            made.add_vectors([key for key, _ in found], vectors)
        if attributes:
            for key, one in found:
                for name, value in one.attributes.items():
                    made.set_vecattr(key, name, q.attribute_value(value))
        return made

    def fill_spacy(self, vocab: Any, keys: Optional[Sequence[str]] = None) -> None:
        """Gives a spaCy vocabulary (`nlp.vocab`) the vectors of this table, in place of its own."""
        spacy_vectors = needed("spacy", "spacy.vectors")
        if keys is None:
            vectors, keys = self.vectors, self.index_to_key
        else:
            vectors = self.get_vectors(keys)
        for key in keys:
            vocab.strings.add(key)
        vocab.vectors = spacy_vectors.Vectors(
            strings=vocab.strings, data=np.array(vectors), keys=list(keys), name=self.table
        )

    # Files.

    def save_word2vec_format(
        self,
        fname: Any,
        fvocab: Any = None,
        binary: bool = False,
        total_vec: Optional[int] = None,
        write_header: bool = True,
        prefix: str = "",
        append: bool = False,
        sort_attr: str = "count",
    ) -> None:
        """Writes the format of word2vec.c, as gensim does: by falling `sort_attr` where words have it.
        Client.export_file has the other formats, and is faster."""
        vectors, keys = self.vectors, self.index_to_key
        order = list(range(len(keys)))
        values: Dict[int, Any] = {}
        found = self._lookup(order[:1])
        if found and sort_attr in found[0].attributes:
            for position, one in enumerate(self._lookup(order)):
                value = one.attributes[sort_attr] if sort_attr in one.attributes else None
                values[position] = 0 if value is None else q.attribute_value(value)
            order.sort(key=lambda position: -values[position])
        elif fvocab is not None:
            raise ValueError(
                f"Cannot store vocabulary with '{sort_attr}' because that attribute does not exist"
            )
        mode = "ab" if append else "wb"
        if fvocab is not None:
            with _written(fvocab, mode) as stream:
                for position in order:
                    stream.write(f"{prefix}{keys[position]} {values[position]}\n".encode())
        with _written(fname, mode) as stream:
            if write_header:
                count = len(keys) if total_vec is None else total_vec
                stream.write(f"{count} {self.vector_size}\n".encode())
            for position in order:
                head = f"{prefix}{keys[position]} ".encode()
                if binary:
                    stream.write(head + vectors[position].tobytes())
                else:
                    stream.write(head + " ".join(map(str, vectors[position])).encode() + b"\n")


def _connected(
    access: Dict[str, Any],
    timeout: Optional[float],
    table: str,
    exact: bool,
    oov: str,
    hedge: Any = None,
) -> RemoteKeyedVectors:
    """What a pickle becomes: a connection of its own to the same server, with the key that
    $WORDSPACE_KEY names where it becomes that."""
    from wordspace.client import connect

    client = connect(timeout=timeout, hedge=hedge, **access)
    return RemoteKeyedVectors(client, table, exact=exact, oov=oov)


@contextmanager
def _opened(source: Any) -> Iterator[Iterable[Any]]:
    """The lines of a file, maybe of gzip, or of what is open already."""
    if not isinstance(source, (str, os.PathLike)):
        yield source
        return
    path = os.fspath(source)
    stream: Any = gzip.open(path, "rb") if path.endswith(".gz") else io.open(path, "rb")
    with stream:
        yield stream


@contextmanager
def _written(target: Any, mode: str) -> Iterator[Any]:
    if not isinstance(target, (str, os.PathLike)):
        yield target
        return
    path = os.fspath(target)
    stream: Any = gzip.open(path, mode) if path.endswith(".gz") else io.open(path, mode)
    with stream:
        yield stream
