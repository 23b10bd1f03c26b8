"""A table of texts: what the adapters to frameworks of texts share. A row is a text, its word is the text's
id, and its attributes are the text itself and what else is known of it."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np

from wordspace import _questions as q
from wordspace import errors
from wordspace.v1 import common_pb2, search_pb2, table_pb2

# A condition as text, some that all hold, values that attributes have, or a filter of the contract.
Filter = Union[str, Sequence[str], Mapping[str, Any], common_pb2.Filter]

# The server's limits (src/limits.rs), which never shrink.
_TEXT_BYTES_MAX = 4_096
_LIST_MAX = 256
_NAME_BYTES_MAX = 128

# Where metadata stand, as JSON, that are no attributes.
_OTHERS = "_json"
# Between the name of an attribute and the number of a further piece of its text.
_PIECE = "+"
# Texts that are looked up in one call: of the longest, an answer holds a few hundred.
_LOOKUP_TEXTS = 100
# Bytes of texts and vectors in one write.
_WRITE_BYTES = 8 << 20


class Text(NamedTuple):
    """A text of the table."""

    id: str
    text: str
    metadata: Dict[str, Any]
    similarity: float
    vector: Optional[np.ndarray]


class TextTable:
    """Texts with their vectors. The table is made when the first ones come, which say its dimension."""

    def __init__(self, client: Any, table: str, text_attribute: str) -> None:
        if not text_attribute or text_attribute == _OTHERS or _PIECE in text_attribute:
            raise ValueError(f"{text_attribute!r}: texts stand in an attribute of another name")
        self.client = client
        self.table = table
        self.text_attribute = text_attribute
        self._services = client.services

    def put(
        self,
        ids: Sequence[str],
        texts: Sequence[str],
        vectors: Any,
        metadatas: Sequence[Mapping[str, Any]],
    ) -> None:
        """Adds texts, or puts them in place of those with the same ids.

        Each piece of 8 MiB is durable, whole, when the next begins. What only the old text had is
        removed right after the new one is there.
        """
        if not len(ids) == len(texts) == len(vectors) == len(metadatas):
            raise ValueError(f"{len(ids)} ids need as many texts, vectors and metadata")
        # The last of an id that comes twice.
        places = {_checked(id_): place for place, id_ in enumerate(ids)}
        if not places:
            return
        rows = np.ascontiguousarray(vectors, dtype="<f4")
        if rows.ndim != 2:
            raise ValueError("vectors are lists of as many numbers each")
        attributes = {
            id_: self._attributes(texts[place], metadatas[place]) for id_, place in places.items()
        }
        self._make(rows.shape[1])
        stale = self._stale(attributes)
        for piece in _pieces(places, rows, attributes):
            self._services.TableService.PutVectors(
                table_pb2.PutVectorsRequest(table=self.table, words=piece)
            )
        for start in range(0, len(stale), q.BATCH_MAX // 2):
            self._services.TableService.SetAttributes(
                table_pb2.SetAttributesRequest(
                    table=self.table,
                    changes=stale[start : start + q.BATCH_MAX // 2],
                    # Deleted meanwhile.
                    oov=common_pb2.OOV_POLICY_SKIP,
                )
            )

    def get(self, ids: Sequence[str]) -> List[Text]:
        """Those of the texts that are there, each once, in the order asked."""
        return [self._text(one, 0.0) for one in self._found(list(dict.fromkeys(ids)))]

    def list(self, filter: Optional[Filter]) -> List[Text]:
        """The texts that a filter lets through, in the order in which they came."""
        found: List[Text] = []
        request = table_pb2.ListWordsRequest(
            table=self.table, filter=filter_of(filter), page_size=q.BATCH_MAX // 10
        )
        request.include.attributes = request.include.vectors = request.include.packed = True
        while True:
            try:
                page = self._services.TableService.ListWords(request)
            except errors.NotFound as error:
                return _nothing(error)
            found.extend(self._text(one, 0.0) for one in page.words)
            request.page_token = page.next_page_token
            if not request.page_token:
                return found

    def nearest(
        self,
        vector: Any,
        k: int,
        filter: Optional[Filter] = None,
        *,
        exact: bool = False,
        vectors: bool = False,
        **fields: Any,
    ) -> List[Text]:
        """The texts nearest to a vector, the nearest first; `vectors` brings theirs, and further
        arguments are fields of NearestRequest."""
        if k < 1:
            return []
        request = search_pb2.NearestRequest(
            table=self.table,
            positive=[common_pb2.WordOrVector(vector=q.packed(vector))],
            k=k,
            exact=exact,
            filter=filter_of(filter),
            **fields,
        )
        request.include.attributes = True
        request.include.vectors = request.include.packed = vectors
        try:
            answer = self._services.SearchService.Nearest(request)
        except errors.NotFound as error:
            return _nothing(error)
        return [self._text(one, one.similarity) for one in answer.neighbors]

    def delete(self, ids: Sequence[str]) -> int:
        """Deletes texts and says how many there were."""
        count = 0
        wanted = [id_ for id_ in dict.fromkeys(ids) if q.is_word(id_)]
        for piece in q.lookup_chunks(wanted, 1):
            request = table_pb2.DeleteWordsRequest(
                table=self.table,
                queries=[common_pb2.WordOrVector(word=str(id_)) for id_ in piece],
                oov=common_pb2.OOV_POLICY_SKIP,
            )
            try:
                count += self._services.TableService.DeleteWords(request).deleted_count
            except errors.NotFound as error:
                _nothing(error)
        return count

    def delete_where(self, filter: Filter) -> int:
        """Deletes what a filter lets through, and says how many there were."""
        count = 0
        request = table_pb2.DeleteWordsRequest(table=self.table, filter=filter_of(filter))
        while True:
            try:
                answer = self._services.TableService.DeleteWords(request)
            except errors.NotFound as error:
                _nothing(error)
                return count
            count += answer.deleted_count
            if not answer.left_count:
                return count

    def clear(self) -> None:
        """Deletes all texts, and the table: the next ones may have vectors of another dimension."""
        try:
            self.client.delete_table(self.table)
        except errors.NotFound as error:
            _nothing(error)

    def _make(self, dim: int) -> None:
        try:
            self.client.table(self.table)
        except errors.NotFound as error:
            _nothing(error)
            try:
                self.client.create_table(self.table, dim)
            except errors.AlreadyExists:
                # Another client made it meanwhile.
                pass

    def _found(self, ids: Sequence[str]) -> Iterator[table_pb2.WordVector]:
        """What the table has of some words."""
        skipping = common_pb2.WordOptions(oov=common_pb2.OOV_POLICY_SKIP)
        known = [id_ for id_ in ids if q.is_word(id_)]
        for start in range(0, len(known), _LOOKUP_TEXTS):
            request = table_pb2.LookupRequest(
                table=self.table,
                queries=[
                    common_pb2.WordOrVector(word=id_)
                    for id_ in known[start : start + _LOOKUP_TEXTS]
                ],
                words=skipping,
                packed=True,
            )
            try:
                answer = self._services.TableService.Lookup(request)
            except errors.NotFound as error:
                _nothing(error)
                return
            yield from (one for one in answer.vectors if one.found)

    def _stale(self, attributes: Mapping[str, Mapping[str, Any]]) -> List[Any]:
        """What the texts that are there have and the new ones have not."""
        changes = []
        for one in self._found(list(attributes)):
            gone = set(one.attributes) - set(attributes[one.word])
            if gone:
                query = common_pb2.WordOrVector(word=one.word)
                changes.append(
                    table_pb2.SetAttributesRequest.Change(query=query, remove=sorted(gone))
                )
        return changes

    def _attributes(self, text: str, metadata: Mapping[str, Any]) -> Dict[str, Any]:
        """The attributes of a text, as they stand on the wire."""
        made = _split(self.text_attribute, text)
        others = {}
        for name, value in metadata.items():
            attribute = self._attribute(name, value)
            if attribute is None:
                others[name] = value
            else:
                made[name] = attribute
        if others:
            try:
                made.update(_split(_OTHERS, json.dumps(others, ensure_ascii=False, allow_nan=False)))
            except (TypeError, ValueError) as error:
                raise TypeError(
                    f"metadata are texts, numbers, flags, dates, lists of such, and JSON: {error}"
                ) from None
        return made

    def _attribute(self, name: str, value: Any) -> Optional[common_pb2.AttributeValue]:
        """Metadata as an attribute, or None where the server has no kind or no room for it."""
        reserved = {self.text_attribute, _OTHERS}
        if not isinstance(name, str) or name.partition(_PIECE)[0] in reserved:
            return None
        if not 0 < len(name.encode()) <= _NAME_BYTES_MAX:
            return None
        try:
            made = q.attribute(value)
        except (TypeError, ValueError):
            return None
        values = made.list.values if made.HasField("list") else [made]
        kinds = {_KINDS.get(one.WhichOneof("value")) for one in values}
        size = sum(len(one.text.encode()) for one in values)
        is_kept = len(kinds) == 1 and None not in kinds and len(values) <= _LIST_MAX
        return made if is_kept and size <= _TEXT_BYTES_MAX else None

    def _text(self, one: Any, similarity: float) -> Text:
        """A text of a row of an answer."""
        attributes = dict(one.attributes)
        text = _joined(self.text_attribute, attributes)
        others = _joined(_OTHERS, attributes)
        metadata = {name: q.attribute_value(value) for name, value in attributes.items()}
        if others:
            metadata.update(json.loads(others))
        packed = one.vector.packed
        vector = np.frombuffer(packed, dtype="<f4") if packed else None
        return Text(one.word, text, metadata, float(similarity), vector)


# Kinds of values that may stand in one list.
_KINDS = {"text": 1, "number": 2, "integer": 2, "flag": 3, "date": 4}


def filter_of(given: Optional[Filter]) -> Optional[common_pb2.Filter]:
    """A filter as it stands on the wire."""
    if given is None or isinstance(given, common_pb2.Filter):
        return given
    if isinstance(given, str):
        return common_pb2.Filter(matching=[given])
    if isinstance(given, Mapping):
        return common_pb2.Filter(where=[_is(name, value) for name, value in given.items()])
    return common_pb2.Filter(matching=list(given))


def _is(name: str, value: Any) -> common_pb2.AttributeCondition:
    """What an attribute must be: a value, or one of a list."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return common_pb2.AttributeCondition(
            name=name,
            test=common_pb2.ATTRIBUTE_TEST_IN,
            values=[q.attribute(one) for one in value],
        )
    return common_pb2.AttributeCondition(
        name=name, test=common_pb2.ATTRIBUTE_TEST_EQ, value=q.attribute(value)
    )


def _checked(id_: Any) -> str:
    if not isinstance(id_, str) or not q.is_word(id_):
        raise ValueError(f"{id_!r:.80}: an id is a text of 1 to {q.WORD_BYTES_MAX:,} bytes")
    return id_


def _nothing(error: errors.NotFound) -> List[Any]:
    """A table that is not there yet has no texts; any other error is one."""
    if error.reason != "TABLE_NOT_FOUND":
        raise error
    return []


def _split(name: str, text: str) -> Dict[str, common_pb2.AttributeValue]:
    """A text as an attribute, and as further ones where it is longer than one may be."""
    data = text.encode("utf-8")
    made: Dict[str, common_pb2.AttributeValue] = {}
    start = 0
    while start < len(data) or not made:
        end = min(start + _TEXT_BYTES_MAX, len(data))
        # Not within a character.
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        piece = f"{name}{_PIECE}{len(made)}" if made else name
        made[piece] = common_pb2.AttributeValue(text=data[start:end].decode("utf-8"))
        start = end
    return made


def _joined(name: str, attributes: Dict[str, Any]) -> str:
    """And back; takes its attributes out."""
    parts = []
    piece = name
    while piece in attributes:
        parts.append(attributes.pop(piece).text)
        piece = f"{name}{_PIECE}{len(parts)}"
    return "".join(parts)


def _pieces(
    places: Mapping[str, int], rows: np.ndarray, attributes: Mapping[str, Mapping[str, Any]]
) -> Iterable[List[Any]]:
    """The words of each write."""
    words: List[Any] = []
    size = 0
    for id_, place in places.items():
        word = table_pb2.PutVectorsRequest.WordToPut(word=id_)
        word.vector.packed = rows[place].tobytes()
        for name, value in attributes[id_].items():
            word.attributes[name].CopyFrom(value)
        length = word.ByteSize()
        if words and (size + length > _WRITE_BYTES or len(words) >= q.BATCH_MAX // 2):
            yield words
            words, size = [], 0
        words.append(word)
        size += length
    yield words
