"""LangChain's embeddings and vector store. Needs langchain-core.

    from wordspace.langchain import WordspaceEmbeddings, WordspaceVectorStore

    client = wordspace.connect()
    embeddings = WordspaceEmbeddings(client["en"])
    store = WordspaceVectorStore(embeddings, "notes", client=client)
    store.add_texts(["The king spoke.", "Cats sleep."], [{"year": 1999}, {"year": 2020}])
    store.similarity_search("a queen", k=1, filter="year < 2000")
"""

from __future__ import annotations

import uuid
from typing import Any, Callable, Iterable, List, Optional, Sequence, Tuple

import numpy as np

from wordspace._texts import Filter, Text, TextTable
from wordspace.answers import needed

_documents = needed("langchain_core", "langchain_core.documents")
_embeddings = needed("langchain_core", "langchain_core.embeddings")
_stores = needed("langchain_core", "langchain_core.vectorstores")
_mmr = needed("langchain_core", "langchain_core.vectorstores.utils")

__all__ = ["WordspaceEmbeddings", "WordspaceVectorStore"]


class WordspaceEmbeddings(_embeddings.Embeddings):  # type: ignore[misc,name-defined]
    """Vectors of texts, made on the server of the vectors of their words.

    `vectors` is what `wordspace.load` returns; `pooling` is mean, sif, tfidf, max, min, sum or last;
    `options` are fields of EmbedOptions. A text of which no word is known has a vector of zeros.
    """

    def __init__(
        self,
        vectors: Any,
        *,
        pooling: str = "mean",
        lowercase: bool = False,
        tokenizer: str = "",
        options: Optional[dict] = None,
    ) -> None:
        self.vectors = vectors
        self.pooling = pooling
        self.lowercase = lowercase
        self.tokenizer = tokenizer
        self.options = options

    def embed_documents(self, texts: List[str]) -> List[List[float]]:
        made = self.vectors.embed(
            texts,
            self.pooling,
            tokenizer=self.tokenizer,
            lowercase=self.lowercase,
            **(self.options or {}),
        )
        return made.tolist()

    def embed_query(self, text: str) -> List[float]:
        return self.embed_documents([text])[0]


class WordspaceVectorStore(_stores.VectorStore):  # type: ignore[misc,name-defined]
    """A table of texts, whose metadata are attributes that the server filters by.

    The table is made by the first texts. It is asked through `client`, or a connection of its own to
    `server` (with the further arguments of `wordspace.connect`), which `close` ends. Neighbors come
    from the table's index where it has one, unless `exact`.

    A filter is a condition such as "year > 2000 and lang in (fr, en)", a list of such that all hold, a
    dict of values that attributes have (of a list: one of them), or a `Filter` of the contract.
    Metadata that are texts of at most 4,096 bytes, numbers, flags, dates, or lists of one of these,
    can be filtered by; other JSON comes back as it was, but no filter sees it. Scores are cosines.
    """

    def __init__(
        self,
        embedding: Any,
        table: str,
        *,
        client: Optional[Any] = None,
        server: Optional[str] = None,
        exact: bool = False,
        text_attribute: str = "text",
        **options: Any,
    ) -> None:
        self._embedding = embedding
        self._exact = exact
        self._is_own = client is None
        if client is None:
            from wordspace.client import connect

            client = connect(server, **options)
        elif server is not None or options:
            raise ValueError("either a client is given, or what makes one")
        self._texts = TextTable(client, table, text_attribute)

    @classmethod
    def from_texts(
        cls,
        texts: List[str],
        embedding: Any,
        metadatas: Optional[List[dict]] = None,
        *,
        table: str,
        ids: Optional[List[str]] = None,
        **options: Any,
    ) -> "WordspaceVectorStore":
        """A store with some texts; further arguments are those of the class."""
        made = cls(embedding, table, **options)
        made.add_texts(texts, metadatas, ids=ids)
        return made

    def close(self) -> None:
        """Ends the connection, if it is the store's own."""
        if self._is_own:
            self._texts.client.close()

    @property
    def embeddings(self) -> Any:
        return self._embedding

    # Writes.

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: Optional[List[dict]] = None,
        *,
        ids: Optional[Sequence[Optional[str]]] = None,
    ) -> List[str]:
        """Adds texts, or puts them in place of those with the same ids, and returns their ids.

        They are durable when this returns.
        """
        texts = list(texts)
        metadatas = metadatas or [{}] * len(texts)
        named = [id_ or str(uuid.uuid4()) for id_ in ids or [None] * len(texts)]
        if not len(named) == len(texts) == len(metadatas):
            raise ValueError(f"{len(texts)} texts need as many ids and metadata")
        if texts:
            vectors = self._embedding.embed_documents(texts)
            self._texts.put(named, texts, vectors, metadatas)
        return named

    def delete(self, ids: Optional[List[str]] = None, *, filter: Optional[Filter] = None) -> bool:
        """Deletes texts by their ids, or those that a filter lets through, or without either all."""
        if ids is not None and filter is not None:
            raise ValueError("texts are deleted by their ids or by a filter")
        if ids is not None:
            self._texts.delete(ids)
        elif filter is not None:
            self._texts.delete_where(filter)
        else:
            self._texts.clear()
        return True

    # Questions.

    def get_by_ids(self, ids: Sequence[str], /) -> List[Any]:
        return [_document(one) for one in self._texts.get(ids)]

    def similarity_search(
        self,
        query: str,
        k: int = 4,
        filter: Optional[Filter] = None,
        *,
        min_similarity: Optional[float] = None,
    ) -> List[Any]:
        """The documents nearest to a text; `min_similarity` leaves out what is farther."""
        found = self._nearest(self._embedding.embed_query(query), k, filter, min_similarity)
        return [_document(one) for one in found]

    def similarity_search_with_score(
        self,
        query: str,
        k: int = 4,
        filter: Optional[Filter] = None,
        *,
        min_similarity: Optional[float] = None,
    ) -> List[Tuple[Any, float]]:
        """The same with their cosines."""
        found = self._nearest(self._embedding.embed_query(query), k, filter, min_similarity)
        return [(_document(one), one.similarity) for one in found]

    def similarity_search_by_vector(
        self,
        embedding: List[float],
        k: int = 4,
        filter: Optional[Filter] = None,
        *,
        min_similarity: Optional[float] = None,
    ) -> List[Any]:
        return [_document(one) for one in self._nearest(embedding, k, filter, min_similarity)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Optional[Filter] = None,
    ) -> List[Any]:
        """Documents that differ among themselves, of the `fetch_k` nearest."""
        return self.max_marginal_relevance_search_by_vector(
            self._embedding.embed_query(query), k, fetch_k, lambda_mult, filter
        )

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: List[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        filter: Optional[Filter] = None,
    ) -> List[Any]:
        found = self._nearest(embedding, fetch_k, filter, None, vectors=True)
        chosen = _mmr.maximal_marginal_relevance(
            np.asarray(embedding, dtype=np.float32),
            [one.vector for one in found],
            lambda_mult=lambda_mult,
            k=k,
        )
        return [_document(found[place]) for place in chosen]

    def _nearest(
        self,
        vector: Any,
        k: int,
        filter: Optional[Filter],
        min_similarity: Optional[float],
        vectors: bool = False,
    ) -> List[Text]:
        return self._texts.nearest(
            vector, k, filter, exact=self._exact, vectors=vectors, min_similarity=min_similarity
        )

    def _select_relevance_score_fn(self) -> Callable[[float], float]:
        """Cosines of -1 to 1 as what LangChain compares with a threshold of 0 to 1."""
        return lambda similarity: (1.0 + similarity) / 2.0


def _document(one: Text) -> Any:
    return _documents.Document(id=one.id, page_content=one.text, metadata=one.metadata)
