"""Questions as messages and answers as values: what the two clients, plain and asyncio, share."""

from __future__ import annotations

import datetime
from numbers import Integral
from typing import Any, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from wordspace import errors
from wordspace.answers import Neighbors
from wordspace.v1 import common_pb2, search_pb2, table_pb2

Key = Union[str, int, np.integer]
KEY_TYPES = (str, int, np.integer)

# The server's limits of the same names without _MAX (src/limits.rs), which never shrink.
NEIGHBORS_MAX = 10_000
QUERY_WORDS_MAX = 1_024
WORD_SET_MAX = 1_024
BATCH_MAX = 10_000
WORD_BYTES_MAX = 65_536
# Neighbors up to which a stored list may answer.
LIST = 32

# Bytes of words in one message, and of vectors in one message, either way.
QUESTION_BYTES = 1 << 20
VECTOR_BYTES = 8 << 20
# Vectors of one message: small enough that the next one is made while this one is read.
LOOKUP_WORDS = 2_500

UNKNOWN = errors.UnknownWords

OOV = {
    "error": common_pb2.OOV_POLICY_ERROR,
    "skip": common_pb2.OOV_POLICY_SKIP,
    "zero": common_pb2.OOV_POLICY_ZERO,
    "unk": common_pb2.OOV_POLICY_UNK,
    "subword": common_pb2.OOV_POLICY_SUBWORD,
    "random": common_pb2.OOV_POLICY_RANDOM,
    "tokenize": common_pb2.OOV_POLICY_TOKENIZE,
}


def unknown(key: Any, where: str = "", words: Optional[Sequence[str]] = None) -> Exception:
    """The KeyError that gensim raises, with the reason and the words of ours."""
    import json

    listed = list(words) if words is not None else [str(key)]
    return UNKNOWN(
        f"Key '{key}' not present{where}",
        reason="UNKNOWN_WORDS",
        code="NOT_FOUND",
        metadata={"words": json.dumps(listed)},
    )


def is_word(key: str) -> bool:
    """Whether a table can have it: what cannot be sent is unknown, as gensim would say."""
    if not key or len(key) > WORD_BYTES_MAX:
        return False
    try:
        return len(key.encode("utf-8")) <= WORD_BYTES_MAX
    except UnicodeEncodeError:
        return False


def is_vector(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 1


def packed(vector: Any) -> common_pb2.Vector:
    """A vector as bytes; a contiguous array of little-endian float32 is not converted."""
    return common_pb2.Vector(packed=np.ascontiguousarray(vector, dtype="<f4").tobytes())


def ensure_list(value: Any) -> List[Any]:
    """gensim takes one key or vector where a list may stand."""
    if value is None:
        return []
    if isinstance(value, KEY_TYPES) or is_vector(value):
        return [value]
    return list(value)


class Inputs(NamedTuple):
    """What a question for neighbors is near to, with signed weights."""

    keys: List[Any]
    weights: List[float]

    @property
    def own(self) -> List[Any]:
        """Those that are words or rows, which are no answers."""
        return [key for key in self.keys if isinstance(key, KEY_TYPES)]

    @property
    def is_plain(self) -> bool:
        """Whether the server's mean is gensim's: it brings words to length 1, but takes vectors as
        they are, so a vector may only stand alone."""
        if len(self.keys) > QUERY_WORDS_MAX:
            return False
        if any(weight == 0 or not np.isfinite(weight) for weight in self.weights):
            return False
        return len(self.keys) == 1 or all(isinstance(key, KEY_TYPES) for key in self.keys)


def inputs(positive: Any, negative: Any) -> Inputs:
    """Keys and weights of the arguments of gensim's most_similar."""
    keys: List[Any] = []
    weights: List[float] = []
    for items, default in ((ensure_list(positive), 1.0), (ensure_list(negative), -1.0)):
        for item in items:
            if isinstance(item, KEY_TYPES) or isinstance(item, np.ndarray):
                keys.append(item)
                weights.append(default)
            elif isinstance(item, (tuple, list)) and len(item) == 2:
                keys.append(item[0])
                weights.append(float(item[1]))
            else:
                raise TypeError(
                    "an input is a key, a vector, or a pair of one with its weight, and no "
                    f"{type(item).__name__}"
                )
    if not keys:
        raise ValueError("cannot compute mean with no input")
    return Inputs(keys, weights)


def clipped(
    clip_start: int, clip_end: Optional[int], restrict_vocab: Optional[int], count: int
) -> Optional[Tuple[int, int]]:
    """The positions that may answer, or None for all of them."""
    if restrict_vocab:
        clip_start, clip_end = 0, restrict_vocab
    if not clip_start and not clip_end:
        return None
    start, end, _ = slice(clip_start, clip_end or None).indices(count)
    return (start, max(start, end))


def wants_none(topn: Any) -> bool:
    return isinstance(topn, Integral) and topn < 1


def neighbors(answer: Any, topn: Optional[int] = None, own: Iterable[int] = ()) -> Neighbors:
    """The list of an answer, without the rows of the question."""
    own = frozenset(own)
    found = answer.neighbors
    pairs = [(one.word, one.similarity) for one in found if one.row not in own]
    by = common_pb2.AnsweredBy.Name(answer.answer.answered_by)
    return Neighbors(pairs[:topn], by[len("ANSWERED_BY_") :])


def is_exact(answer: Any) -> bool:
    return answer.answer.answered_by in (
        common_pb2.ANSWERED_BY_EXACT,
        common_pb2.ANSWERED_BY_LIST,
    )


def lookup_chunks(keys: Sequence[Key], dim: int) -> Iterable[Sequence[Key]]:
    """Keys in pieces whose questions and answers are small enough."""
    most = max(1, min(LOOKUP_WORDS, VECTOR_BYTES // (4 * max(dim, 1))))
    try:
        lengths = list(map(len, keys))  # type: ignore[arg-type]
    except TypeError:
        lengths = [len(key) if isinstance(key, str) else 4 for key in keys]
    start = 0
    while start < len(keys):
        end = min(start + most, len(keys))
        if sum(lengths[start:end]) > QUESTION_BYTES:
            size, end = lengths[start], start + 1
            while size + lengths[end] <= QUESTION_BYTES:
                size += lengths[end]
                end += 1
        yield keys[start:end]
        start = end


def words_alone(keys: Sequence[Key]) -> bool:
    """Whether all keys are words that go over the wire as they are; at least one key is needed."""
    try:
        joined = "".join(keys)  # type: ignore[arg-type]
        joined.encode("utf-8")
    except (TypeError, UnicodeEncodeError):
        return False
    # A character has four bytes at most.
    is_long = max(map(len, keys)) > WORD_BYTES_MAX // 4  # type: ignore[arg-type]
    return not is_long and "" not in keys and "\ufffd" not in joined


def matrix(vectors: Sequence[table_pb2.WordVector], dim: int) -> np.ndarray:
    """The rows of an answer as one array."""
    joined = b"".join([one.vector.packed for one in vectors])
    return np.frombuffer(joined, dtype="<f4").reshape(len(vectors), dim)


def unit(vector: np.ndarray) -> np.ndarray:
    """Of length 1; zeros stay."""
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def attribute(value: Any) -> common_pb2.AttributeValue:
    """A value of an attribute for the wire."""
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim == 1):
        made = common_pb2.AttributeValue()
        made.list.SetInParent()
        made.list.values.extend([attribute(one) for one in value])
        return made
    if isinstance(value, (bool, np.bool_)):
        return common_pb2.AttributeValue(flag=bool(value))
    if isinstance(value, str):
        return common_pb2.AttributeValue(text=str(value))
    if isinstance(value, (int, np.integer)):
        if not -(2**63) <= int(value) < 2**63:
            raise ValueError(f"{value}: attributes keep whole numbers of 64 bits with a sign")
        return common_pb2.AttributeValue(integer=int(value))
    if isinstance(value, (float, np.floating)):
        return common_pb2.AttributeValue(number=float(value))
    if isinstance(value, (datetime.date, np.datetime64)):
        return common_pb2.AttributeValue(date=_date_text(value))
    raise TypeError(
        "an attribute is a text, a number, a bool, a date, a datetime or a list of such, and no "
        f"{type(value).__name__}"
    )


def _date_text(value: Union[datetime.date, np.datetime64]) -> str:
    """A day, or a time in UTC; one without a time zone is taken for that."""
    if value != value:
        raise ValueError("NaT is no date")
    if isinstance(value, np.datetime64):
        micros = value.astype("datetime64[us]")
        if micros != value:
            raise ValueError(f"{value}: attributes keep dates to the microsecond")
        return str(micros)
    if not isinstance(value, datetime.datetime):
        return value.isoformat()
    # As pandas.Timestamp has.
    if getattr(value, "nanosecond", 0):
        raise ValueError(f"{value}: attributes keep dates to the microsecond")
    if value.tzinfo is not None:
        value = value.astimezone(datetime.timezone.utc)
    return value.replace(tzinfo=None).isoformat()


def _date(text: str) -> datetime.datetime:
    """The date of an answer, which is in UTC, and a day alone where it is the beginning of one."""
    day, _, time = text.rstrip("Z").partition("T")
    clock, _, decimals = time.partition(".")
    numbers = [int(part) for part in day.split("-") + (clock.split(":") if clock else [])]
    micros = int(decimals.ljust(6, "0")) if decimals else 0
    date = datetime.datetime(*numbers, tzinfo=datetime.timezone.utc)  # type: ignore[arg-type,misc]
    return date.replace(microsecond=micros)


def attribute_value(value: common_pb2.AttributeValue) -> Any:
    """And back: dates are datetimes in UTC."""
    kind = value.WhichOneof("value")
    if kind == "list":
        return [attribute_value(one) for one in value.list.values]
    if kind == "date":
        return _date(value.date)
    return getattr(value, kind) if kind else None


def nearest_request(
    table: str,
    positive: Sequence[common_pb2.WordOrVector],
    negative: Sequence[common_pb2.WordOrVector],
    k: int,
    exact: bool,
    options: Optional[common_pb2.WordOptions],
    rows: Optional[Tuple[int, int]],
) -> search_pb2.NearestRequest:
    request = search_pb2.NearestRequest(
        table=table, positive=positive, negative=negative, k=k, words=options
    )
    if exact:
        request.exact = True
    if rows is not None:
        request.filter.rows.start, request.filter.rows.end = rows
    return request
