"""LlamaIndex's embeddings and vector store. Needs llama-index-core.

    from llama_index.core import Document, StorageContext, VectorStoreIndex
    from wordspace.llama_index import WordspaceEmbedding, WordspaceVectorStore

    client = wordspace.connect()
    storage = StorageContext.from_defaults(
        vector_store=WordspaceVectorStore("notes", client=client)
    )
    texts = [Document(text="The king spoke."), Document(text="Cats sleep.")]
    index = VectorStoreIndex.from_documents(
        texts, storage_context=storage, embed_model=WordspaceEmbedding(client["en"])
    )
    index.as_retriever(similarity_top_k=1).retrieve("a queen")
"""

from __future__ import annotations

import asyncio
from typing import Any, Dict, List, Optional, Sequence

from wordspace import _questions as q
from wordspace._texts import TextTable
from wordspace.answers import needed
from wordspace.v1 import common_pb2

_base = needed("llama_index", "llama_index.core.base.embeddings.base")
_pydantic = needed("llama_index", "llama_index.core.bridge.pydantic")
_types = needed("llama_index", "llama_index.core.vector_stores.types")
_utils = needed("llama_index", "llama_index.core.vector_stores.utils")

__all__ = ["WordspaceEmbedding", "WordspaceVectorStore"]

_Operator = _types.FilterOperator
_Mode = _types.VectorStoreQueryMode

_COMPARED = {
    _Operator.EQ: common_pb2.ATTRIBUTE_TEST_EQ,
    _Operator.NE: common_pb2.ATTRIBUTE_TEST_NE,
    _Operator.GT: common_pb2.ATTRIBUTE_TEST_GT,
    _Operator.GTE: common_pb2.ATTRIBUTE_TEST_GE,
    _Operator.LT: common_pb2.ATTRIBUTE_TEST_LT,
    _Operator.LTE: common_pb2.ATTRIBUTE_TEST_LE,
    _Operator.TEXT_MATCH: common_pb2.ATTRIBUTE_TEST_CONTAINS,
}


class WordspaceEmbedding(_base.BaseEmbedding):  # type: ignore[misc,name-defined]
    """Vectors of texts, made on the server of the vectors of their words.

    `vectors` is what `wordspace.load` returns; `pooling` is mean, sif, tfidf, max, min, sum or last;
    `options` are fields of EmbedOptions. A text of which no word is known has a vector of zeros.
    """

    pooling: str = "mean"
    lowercase: bool = False
    tokenizer: str = ""
    options: dict = _pydantic.Field(default_factory=dict)
    _vectors: Any = _pydantic.PrivateAttr()

    def __init__(self, vectors: Any, **fields: Any) -> None:
        fields.setdefault("model_name", f"wordspace:{vectors.table}")
        # What the server takes in one call.
        fields.setdefault("embed_batch_size", 500)
        super().__init__(**fields)
        self._vectors = vectors

    @classmethod
    def class_name(cls) -> str:
        return "WordspaceEmbedding"

    def _get_text_embeddings(self, texts: List[str]) -> List[List[float]]:
        made = self._vectors.embed(
            texts,
            self.pooling,
            tokenizer=self.tokenizer,
            lowercase=self.lowercase,
            **self.options,
        )
        return made.tolist()

    def _get_text_embedding(self, text: str) -> List[float]:
        return self._get_text_embeddings([text])[0]

    _get_query_embedding = _get_text_embedding

    async def _aget_text_embeddings(self, texts: List[str]) -> List[List[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)

    async def _aget_text_embedding(self, text: str) -> List[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    _aget_query_embedding = _aget_text_embedding


class WordspaceVectorStore(_types.BasePydanticVectorStore):  # type: ignore[misc,name-defined]
    """A table of nodes, whose metadata are attributes that the server filters by.

    The table is made by the first nodes. It is asked through `client`, or a connection of its own to
    `server` (with the further arguments of `wordspace.connect`), which `close` ends. Neighbors come
    from the table's index where it has one, unless `exact`. Similarities are cosines.

    Metadata that are texts of at most 4,096 bytes, numbers, flags, dates, or lists of one of these,
    can be filtered by; other JSON comes back as it was, but no filter sees it.
    """

    stores_text: bool = True
    is_embedding_query: bool = True
    exact: bool = False
    _is_own: bool = _pydantic.PrivateAttr()
    _texts: TextTable = _pydantic.PrivateAttr()

    def __init__(
        self,
        table: str,
        *,
        client: Optional[Any] = None,
        server: Optional[str] = None,
        exact: bool = False,
        text_attribute: str = "text",
        **options: Any,
    ) -> None:
        super().__init__(exact=exact)
        self._is_own = client is None
        if client is None:
            from wordspace.client import connect

            client = connect(server, **options)
        elif server is not None or options:
            raise ValueError("either a client is given, or what makes one")
        self._texts = TextTable(client, table, text_attribute)

    @classmethod
    def class_name(cls) -> str:
        return "WordspaceVectorStore"

    @property
    def client(self) -> Any:
        return self._texts.client

    def close(self) -> None:
        """Ends the connection, if it is the store's own."""
        if self._is_own:
            self._texts.client.close()

    # Writes. They are durable when they return.

    def add(self, nodes: Sequence[Any]) -> List[str]:
        """Adds nodes, or puts them in place of those with the same ids, and returns their ids."""
        ids = [node.node_id for node in nodes]
        self._texts.put(
            ids,
            [node.get_content(metadata_mode="none") or "" for node in nodes],
            [node.get_embedding() for node in nodes],
            [_utils.node_to_metadata_dict(node, remove_text=True) for node in nodes],
        )
        return ids

    def delete(self, ref_doc_id: str) -> None:
        """Deletes the nodes of a document."""
        self._texts.delete_where({"ref_doc_id": ref_doc_id})

    def delete_nodes(
        self, node_ids: Optional[List[str]] = None, filters: Optional[Any] = None
    ) -> None:
        """Deletes nodes by their ids, of those that the filters let through where there are any."""
        if node_ids is not None and filters is None:
            self._texts.delete(node_ids)
            return
        filter_ = _filter(node_ids, None, filters)
        if filter_ is None:
            raise ValueError("nodes are deleted by their ids or by filters; clear() deletes all")
        if node_ids != []:
            self._texts.delete_where(filter_)

    def clear(self) -> None:
        """Deletes all nodes, and the table."""
        self._texts.clear()

    # Questions.

    def get_nodes(
        self, node_ids: Optional[List[str]] = None, filters: Optional[Any] = None
    ) -> List[Any]:
        """The nodes of some ids, or that filters let through, or all, with their vectors."""
        if node_ids is not None and filters is None:
            found = self._texts.get(node_ids)
        elif node_ids == []:
            found = []
        else:
            found = self._texts.list(_filter(node_ids, None, filters))
        return [_node(one) for one in found]

    def query(self, query: Any) -> Any:
        """The nodes nearest to a vector; in the mode MMR those that also differ among themselves."""
        if query.mode not in (_Mode.DEFAULT, _Mode.MMR):
            raise NotImplementedError(f"{query.mode}: the modes are default and mmr")
        if query.output_fields or query.embedding_field:
            raise NotImplementedError("nodes come whole, and have one vector")
        if query.query_embedding is None:
            raise ValueError("the query has no vector")
        fields: Dict[str, Any] = {}
        if query.mode == _Mode.MMR:
            threshold = 0.5 if query.mmr_threshold is None else query.mmr_threshold
            fields["diversity"] = 1.0 - threshold
        found = self._texts.nearest(
            query.query_embedding,
            query.similarity_top_k,
            # An index that keeps its nodes in the store gives an empty list, and means all of them.
            _filter(query.node_ids, query.doc_ids, query.filters),
            exact=self.exact,
            **fields,
        )
        return _types.VectorStoreQueryResult(
            nodes=[_node(one) for one in found],
            similarities=[one.similarity for one in found],
            ids=[one.id for one in found],
        )

    # The same for asyncio, in threads.

    async def async_add(self, nodes: Sequence[Any]) -> List[str]:
        return await asyncio.to_thread(self.add, nodes)

    async def adelete(self, ref_doc_id: str) -> None:
        await asyncio.to_thread(self.delete, ref_doc_id)

    async def adelete_nodes(
        self, node_ids: Optional[List[str]] = None, filters: Optional[Any] = None
    ) -> None:
        await asyncio.to_thread(self.delete_nodes, node_ids, filters)

    async def aclear(self) -> None:
        await asyncio.to_thread(self.clear)

    async def aget_nodes(
        self, node_ids: Optional[List[str]] = None, filters: Optional[Any] = None
    ) -> List[Any]:
        return await asyncio.to_thread(self.get_nodes, node_ids, filters)

    async def aquery(self, query: Any) -> Any:
        return await asyncio.to_thread(self.query, query)


def _node(one: Any) -> Any:
    made = _utils.metadata_dict_to_node(one.metadata, text=one.text)
    if one.vector is not None:
        made.embedding = one.vector.tolist()
    return made


def _filter(
    node_ids: Optional[Sequence[str]], doc_ids: Optional[Sequence[str]], filters: Optional[Any]
) -> Optional[common_pb2.Filter]:
    """What may answer, as it stands on the wire."""
    made = common_pb2.Filter()
    if node_ids:
        made.allow.extend(node_ids)
    if doc_ids:
        made.where.add(
            name="ref_doc_id",
            test=common_pb2.ATTRIBUTE_TEST_IN,
            values=[q.attribute(one) for one in doc_ids],
        )
    if filters is not None and filters.filters:
        made.condition.CopyFrom(_joined(filters))
    return made if made.ByteSize() else None


def _joined(filters: Any) -> common_pb2.Condition:
    conditions = [
        _joined(one) if isinstance(one, _types.MetadataFilters) else _condition(one)
        for one in filters.filters
    ]
    if filters.condition == _types.FilterCondition.OR:
        return _any(conditions)
    if filters.condition == _types.FilterCondition.NOT:
        return _not(_any(conditions))
    return _all(conditions)


def _condition(one: Any) -> common_pb2.Condition:
    """A filter of LlamaIndex. A test of a list holds on the server if it holds for one of its values."""
    if one.operator in _COMPARED:
        return _test(one.key, _COMPARED[one.operator], one.value)
    values = one.value if isinstance(one.value, list) else [one.value]
    if one.operator in (_Operator.IN, _Operator.ANY):
        return _in(one.key, values)
    if one.operator == _Operator.NIN:
        return _not(_in(one.key, values))
    if one.operator == _Operator.ALL:
        return _all([_test(one.key, common_pb2.ATTRIBUTE_TEST_EQ, value) for value in values])
    if one.operator == _Operator.CONTAINS:
        # A value of a list.
        return _test(one.key, common_pb2.ATTRIBUTE_TEST_EQ, one.value)
    if one.operator == _Operator.IS_EMPTY:
        missing = common_pb2.AttributeCondition(
            name=one.key, test=common_pb2.ATTRIBUTE_TEST_MISSING
        )
        empty = _test(one.key, common_pb2.ATTRIBUTE_TEST_EQ, "")
        return _any([common_pb2.Condition(attribute=missing), empty])
    raise NotImplementedError(f"{one.operator}: the server has no such test")


def _test(name: str, test: Any, value: Any) -> common_pb2.Condition:
    attribute = common_pb2.AttributeCondition(name=name, test=test, value=q.attribute(value))
    return common_pb2.Condition(attribute=attribute)


def _in(name: str, values: Sequence[Any]) -> common_pb2.Condition:
    if not values:
        raise ValueError(f"{name}: one of which values?")
    attribute = common_pb2.AttributeCondition(
        name=name,
        test=common_pb2.ATTRIBUTE_TEST_IN,
        values=[q.attribute(value) for value in values],
    )
    return common_pb2.Condition(attribute=attribute)


def _all(conditions: Sequence[Any]) -> common_pb2.Condition:
    return common_pb2.Condition(all=common_pb2.Conditions(conditions=conditions))


def _any(conditions: Sequence[Any]) -> common_pb2.Condition:
    return common_pb2.Condition(any=common_pb2.Conditions(conditions=conditions))


def _not(condition: common_pb2.Condition) -> common_pb2.Condition:
    # `not` is a word of Python's.
    made = common_pb2.Condition()
    getattr(made, "not").CopyFrom(condition)
    return made
