"""Queries for bias as WEFE asks them: sets of words, and metrics that are run on them.

    from wordspace.bias import WEAT, Query, run_queries

    query = Query([female, male], [family, career], ["Female", "Male"], ["Family", "Career"])
    WEAT().run_query(query, wv, return_effect_size=True, calculate_p_value=True)
    run_queries(WEAT, [query, ...], [("en", wv), ...])      # a table of pandas

The server computes them; names, arguments and results are WEFE's, as far as they are offered.
"""

from __future__ import annotations

import logging
from typing import Any, Dict, List, Optional, Sequence, Tuple, Type

from wordspace import errors
from wordspace.answers import needed
from wordspace.v1 import bias_pb2, common_pb2

__all__ = ["ECT", "MAC", "RIPA", "RND", "RNSB", "WEAT", "Query", "run_queries"]

logger = logging.getLogger(__name__)

_NAN = float("nan")


class Query:
    """Sets of target words and of attribute words, with their names."""

    def __init__(
        self,
        target_sets: Sequence[Sequence[str]],
        attribute_sets: Sequence[Sequence[str]],
        target_sets_names: Optional[Sequence[str]] = None,
        attribute_sets_names: Optional[Sequence[str]] = None,
    ) -> None:
        self.target_sets = _lists("target", target_sets)
        self.attribute_sets = _lists("attribute", attribute_sets)
        self.target_sets_names = _names("Target", self.target_sets, target_sets_names)
        self.attribute_sets_names = _names("Attribute", self.attribute_sets, attribute_sets_names)

    @property
    def template(self) -> Tuple[int, int]:
        """How many target sets there are, and how many attribute sets."""
        return (len(self.target_sets), len(self.attribute_sets))

    @property
    def query_name(self) -> str:
        targets, attributes = _listed(self.target_sets_names), _listed(self.attribute_sets_names)
        return f"{targets} wrt {attributes}" if attributes else targets

    def __repr__(self) -> str:
        return f"<Query: {self.query_name}>"


def _lists(kind: str, sets: Sequence[Sequence[str]]) -> List[List[str]]:
    if any(isinstance(words, str) or not len(words) for words in sets):
        raise ValueError(f"{kind} sets are lists of words, and none is empty")
    return [list(words) for words in sets]


def _names(
    kind: str, sets: List[List[str]], names: Optional[Sequence[str]]
) -> List[str]:
    if names is None:
        return [f"{kind} set {i}" for i in range(len(sets))]
    if len(names) != len(sets):
        raise ValueError(f"{len(sets)} {kind.lower()} sets need as many names, got {len(names)}")
    return list(names)


def _listed(names: List[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


class _Metric:
    """A metric, run by the server."""

    #: How many target sets and attribute sets it takes; None for one or more.
    metric_template: Tuple[Optional[int], Optional[int]] = (None, None)
    metric_name = ""
    metric_short_name = ""
    #: Of the figures by word in a result; none if WEFE tells none.
    _by_word = ""

    def run_query(
        self,
        query: Query,
        model: Any,
        lost_vocabulary_threshold: float = 0.2,
        preprocessors: Sequence[Dict[str, bool]] = ({},),
        strategy: str = "first",
        **options: Any,
    ) -> Dict[str, Any]:
        """Runs a query on a RemoteKeyedVectors.

        The result is NaN where a set loses more than `lost_vocabulary_threshold` of its words.
        `preprocessors` have `lowercase` and `strip_accents`. Under "result" stands the figure, and
        under the metric's short name, too.
        """
        for count, wanted, kind in zip(query.template, self.metric_template, ("target", "attribute")):
            if wanted is not None and count != wanted or count == 0:
                raise ValueError(f"{self.metric_short_name} takes {wanted or 'some'} {kind} sets, got {count}")
        strategies = {"first": common_pb2.STRATEGY_FIRST, "all": common_pb2.STRATEGY_ALL}
        words = common_pb2.WordOptions(
            oov=common_pb2.OOV_POLICY_SKIP,
            preprocessors=[common_pb2.Preprocessor(**one) for one in preprocessors],
            strategy=strategies[strategy],
        )
        told: Dict[str, Any] = {"query_name": query.query_name, "result": _NAN}
        told[self.metric_short_name.lower()] = _NAN
        try:
            told.update(self._asked(query, model, words, lost_vocabulary_threshold, **options))
        except errors.UnsuitedTable as error:
            logger.warning("%s on %s: %s", self.metric_short_name, query.query_name, error)
        return told

    def _asked(
        self,
        query: Query,
        model: Any,
        words: common_pb2.WordOptions,
        threshold: float,
        normalize: bool = False,
    ) -> Dict[str, Any]:
        request = bias_pb2.ProbeRequest(
            table=model.table,
            metric=f"PROBE_METRIC_{self.metric_short_name}",
            targets=_sets(query.target_sets_names, query.target_sets),
            attributes=_sets(query.attribute_sets_names, query.attribute_sets),
            unit=normalize,
            words=words,
            lost_threshold=threshold,
        )
        answer = model.client.services.BiasService.Probe(request)
        value = answer.value if answer.HasField("value") else _NAN
        told: Dict[str, Any] = {"result": value, self.metric_short_name.lower(): value}
        if self._by_word:
            told[self._by_word] = {one.word: one.value for one in answer.words}
        return told


class WEAT(_Metric):
    """Word Embedding Association Test (Caliskan et al. 2017)."""

    metric_template = (2, 2)
    metric_name = "Word Embedding Association Test"
    metric_short_name = "WEAT"

    def _asked(  # type: ignore[override]
        self,
        query: Query,
        model: Any,
        words: common_pb2.WordOptions,
        threshold: float,
        return_effect_size: bool = False,
        calculate_p_value: bool = False,
        p_value_test_type: str = "right-sided",
    ) -> Dict[str, Any]:
        if p_value_test_type not in ("right-sided", "two-sided"):
            raise ValueError("p_value_test_type is 'right-sided' or 'two-sided'")
        x, y = _sets(query.target_sets_names, query.target_sets)
        a, b = _sets(query.attribute_sets_names, query.attribute_sets)
        request = bias_pb2.WeatRequest(
            table=model.table, x=x, y=y, a=a, b=b, words=words, lost_threshold=threshold
        )
        answer = model.client.services.BiasService.Weat(request)
        is_right = p_value_test_type == "right-sided"
        p_value = answer.p_value if is_right else answer.p_value_two_sided
        return {
            "result": answer.effect_size if return_effect_size else answer.statistic,
            "weat": answer.statistic,
            "effect_size": answer.effect_size,
            "p_value": p_value if calculate_p_value else _NAN,
        }


class RND(_Metric):
    """Relative Norm Distance (Garg et al. 2018)."""

    metric_template = (2, 1)
    metric_name = "Relative Norm Distance"
    metric_short_name = "RND"
    _by_word = "distances_by_word"


class RNSB(_Metric):
    """Relative Negative Sentiment Bias (Sweeney and Najafian 2019)."""

    metric_template = (None, 2)
    metric_name = "Relative Negative Sentiment Bias"
    metric_short_name = "RNSB"
    _by_word = "negative_sentiment_distribution"


class MAC(_Metric):
    """Mean Average Cosine distance (Manzini et al. 2019)."""

    metric_name = "Mean Average Cosine Similarity"
    metric_short_name = "MAC"


class ECT(_Metric):
    """Embedding Coherence Test (Dev and Phillips 2019)."""

    metric_template = (2, 1)
    metric_name = "Embedding Coherence Test"
    metric_short_name = "ECT"


class RIPA(_Metric):
    """Relational Inner Product Association (Ethayarajh et al. 2019)."""

    metric_template = (2, 1)
    metric_name = "Relational Inner Product Association"
    metric_short_name = "RIPA"
    _by_word = "word_values"


def run_queries(
    metric: Type[_Metric],
    queries: Sequence[Query],
    models: Sequence[Tuple[str, Any]],
    **options: Any,
) -> Any:
    """A table of pandas: a row a model, a column a query. `options` go to `run_query`."""
    pandas = needed("pandas")
    rows = {
        name: {one.query_name: metric().run_query(one, model, **options)["result"] for one in queries}
        for name, model in models
    }
    table = pandas.DataFrame.from_dict(rows, orient="index")
    table.index.name = "model_name"
    return table


def _sets(names: Sequence[str], sets: Sequence[Sequence[str]]) -> List[bias_pb2.WordSet]:
    return [bias_pb2.WordSet(name=name, words=words) for name, words in zip(names, sets)]
