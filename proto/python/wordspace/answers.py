"""Answers that are the lists gensim gives, and show as tables in notebooks."""

from __future__ import annotations

import html
from typing import Any, Iterable, List, Sequence, Tuple

__all__ = ["Neighbors", "Correlation"]

# Rows that a notebook shows of a long answer.
SHOWN = 50


class Neighbors(List[Tuple[str, float]]):
    """Words with their similarities, the best first: a list of tuples, as gensim gives it.

    `answered_by` says what found them: EXACT, LIST, PARTITION or GRAPH (see AnsweredBy in
    common.proto), or LOCAL for what was computed here.
    """

    __slots__ = ("answered_by",)

    def __init__(self, pairs: Iterable[Tuple[str, float]] = (), answered_by: str = "LOCAL") -> None:
        super().__init__(pairs)
        self.answered_by = answered_by

    @property
    def words(self) -> List[str]:
        return [word for word, _ in self]

    def to_frame(self) -> Any:
        """A pandas.DataFrame with the columns `word` and `similarity`."""
        pandas = needed("pandas")
        return pandas.DataFrame(list(self), columns=["word", "similarity"])

    def _repr_html_(self) -> str:
        rows = [(word, f"{similarity:.4f}") for word, similarity in self[:SHOWN]]
        more = f"<p>and {len(self) - SHOWN:,} more</p>" if len(self) > SHOWN else ""
        return table_html(("word", "similarity"), rows) + more

    def __reduce__(self) -> Any:
        return (Neighbors, (list(self), self.answered_by))


class Correlation(Tuple[float, float]):
    """A correlation with its two-sided p-value, as scipy's results: a pair that has names."""

    __slots__ = ()

    def __new__(cls, statistic: float, pvalue: float) -> "Correlation":
        return super().__new__(cls, (statistic, pvalue))

    @property
    def statistic(self) -> float:
        return self[0]

    @property
    def correlation(self) -> float:
        return self[0]

    @property
    def pvalue(self) -> float:
        return self[1]

    def __repr__(self) -> str:
        return f"Correlation(statistic={self[0]!r}, pvalue={self[1]!r})"

    def __reduce__(self) -> Any:
        return (Correlation, tuple(self))


def table_html(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table for notebooks; every text is escaped."""
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


# Packages whose modules have another name.
PACKAGES = {
    "langchain_core": "langchain-core",
    "llama_index": "llama-index-core",
    "sklearn": "scikit-learn",
}


def needed(package: str, module: str = "") -> Any:
    """An optional package, or an ImportError that says how to get it."""
    import importlib

    try:
        return importlib.import_module(module or package)
    except ImportError as error:
        name = PACKAGES.get(package, package)
        raise ImportError(f"this needs {name}: pip install {name}") from error
