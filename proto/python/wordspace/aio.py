"""The main questions for asyncio.

    import wordspace.aio

    async with wordspace.aio.load("en") as wv:
        near = await wv.most_similar("king", topn=5)

Names, arguments and answers are those of RemoteKeyedVectors, as far as a single call answers them.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from wordspace import _questions as q
from wordspace import errors
from wordspace._connection import TIMEOUT, AsyncConnection
from wordspace._hedge import Hedge
from wordspace._questions import Key
from wordspace.answers import Neighbors
from wordspace.v1 import common_pb2, search_pb2, table_pb2

__all__ = ["AsyncKeyedVectors", "load"]


class AsyncKeyedVectors:
    """A table of a server, asked from coroutines. `services` has every method of the contract."""

    def __init__(self, services: AsyncConnection, table: str, *, exact: bool = True) -> None:
        self.services = services
        self.table = table
        self.exact = exact

    async def __aenter__(self) -> "AsyncKeyedVectors":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self.services.close()

    def __repr__(self) -> str:
        return f"AsyncKeyedVectors({self.table!r} at {self.services.address})"

    async def _ask(self, method: Any, request: Any, where: str = "") -> Any:
        try:
            return await method(request)
        except q.UNKNOWN as error:
            words = error.words
            raise q.unknown(words[0] if words else "", where, words) from None

    async def count(self) -> int:
        """How many words there are."""
        request = table_pb2.GetTableRequest(table=self.table)
        return int((await self.services.TableService.GetTable(request)).table.row_count)

    async def contains(self, key: str) -> bool:
        if not q.is_word(key):
            return False
        words = common_pb2.WordOptions(oov=common_pb2.OOV_POLICY_SKIP)
        request = table_pb2.LookupRequest(
            table=self.table, queries=[_query(key)], words=words, packed=True
        )
        return bool((await self.services.TableService.Lookup(request)).vectors[0].found)

    async def get_vector(self, key: Key, norm: bool = False) -> np.ndarray:
        return (await self.get_vectors([key], norm))[0]

    async def get_vectors(self, keys: Sequence[Key], norm: bool = False) -> np.ndarray:
        """The vectors of some words as one array; at most 10,000."""
        if not len(keys):
            raise ValueError("need at least one key")
        request = table_pb2.LookupRequest(
            table=self.table, queries=[_query(key) for key in keys], unit=norm, matrix=True
        )
        found = (await self._ask(self.services.TableService.Lookup, request)).matrix
        return np.frombuffer(found.packed, dtype="<f4").reshape(len(keys), found.dim)

    async def most_similar(
        self,
        positive: Any = None,
        negative: Any = None,
        topn: int = 10,
        restrict_vocab: Optional[int] = None,
    ) -> Neighbors:
        if q.wants_none(topn):
            return Neighbors()
        asked = q.inputs(positive, negative)
        if not asked.is_plain:
            raise ValueError(
                "several inputs are words here, of weights other than 0: RemoteKeyedVectors takes "
                "vectors among them"
            )
        sides: Dict[bool, List[Any]] = {True: [], False: []}
        for key, weight in zip(asked.keys, asked.weights):
            query = _query(key, " in vocabulary")
            if abs(weight) != 1.0:
                query.weight = abs(weight)
            sides[weight > 0].append(query)
        request = q.nearest_request(
            self.table, sides[True], sides[False], topn, False, None, None
        )
        if restrict_vocab:
            request.filter.top = restrict_vocab
        if self.exact and not (len(asked.keys) == 1 and topn <= q.LIST and not restrict_vocab):
            request.exact = True
        method = self.services.SearchService.Nearest
        answer = await self._ask(method, request, " in vocabulary")
        if self.exact and not q.is_exact(answer):
            request.exact = True
            answer = await self._ask(method, request, " in vocabulary")
        return q.neighbors(answer)

    async def similar_by_word(
        self, word: Key, topn: int = 10, restrict_vocab: Optional[int] = None
    ) -> Neighbors:
        return await self.most_similar([word], topn=topn, restrict_vocab=restrict_vocab)

    async def similar_by_vector(
        self, vector: Any, topn: int = 10, restrict_vocab: Optional[int] = None
    ) -> Neighbors:
        vector = np.asarray(vector)
        return await self.most_similar([vector], topn=topn, restrict_vocab=restrict_vocab)

    async def similarity(self, w1: Key, w2: Key) -> np.float32:
        return (await self.similarities([(w1, w2)]))[0]

    async def similarities(self, pairs: Sequence[Tuple[Key, Key]]) -> np.ndarray:
        """The cosines of some pairs; at most 10,000."""
        request = search_pb2.SimilarityRequest(
            table=self.table,
            pairs=[
                search_pb2.SimilarityRequest.Pair(a=_query(a), b=_query(b)) for a, b in pairs
            ],
        )
        answer = await self._ask(self.services.SearchService.Similarity, request)
        return np.array([one.similarity for one in answer.similarities], dtype=np.float32)

    async def rank(self, key1: Key, key2: Key) -> int:
        request = search_pb2.RankRequest(table=self.table, a=_query(key1), b=_query(key2))
        return int((await self._ask(self.services.SearchService.Rank, request)).rank)

    async def doesnt_match(self, words: Sequence[Key]) -> Key:
        words = list(words)
        request = search_pb2.RankByCentralityRequest(
            table=self.table,
            queries=[_query(word) for word in words],
            words=common_pb2.WordOptions(oov=common_pb2.OOV_POLICY_SKIP),
        )
        try:
            answer = await self._ask(self.services.SearchService.RankByCentrality, request)
        except (errors.InvalidArgument, errors.UnsuitedTable):
            raise ValueError("cannot select a word from an empty list") from None
        ranked = [(one.similarity, words[one.index]) for one in answer.ranked]
        if not ranked:
            raise ValueError("cannot select a word from an empty list")
        return min(ranked)[1]


def _query(key: Any, where: str = "") -> common_pb2.WordOrVector:
    if isinstance(key, str):
        if not q.is_word(key):
            raise q.unknown(key, where)
        return common_pb2.WordOrVector(word=key)
    if isinstance(key, (int, np.integer)):
        return common_pb2.WordOrVector(row=int(key))
    return common_pb2.WordOrVector(vector=q.packed(key))


def load(
    table: str,
    server: Optional[str] = None,
    *,
    exact: bool = True,
    timeout: Optional[float] = TIMEOUT,
    metadata: Optional[Dict[str, str]] = None,
    channel: Optional[Any] = None,
    hedge: Optional[Hedge] = None,
    **options: Any,
) -> AsyncKeyedVectors:
    """A table of a running server; see `wordspace.load` and `wordspace.connect`."""
    connection = AsyncConnection(
        server, timeout=timeout, metadata=metadata, channel=channel, hedge=hedge, **options
    )
    return AsyncKeyedVectors(connection, table, exact=exact)
