"""Correlations with their p-values, as scipy computes them."""

from __future__ import annotations

import math

import numpy as np

from wordspace.answers import Correlation


def pearson(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Pearson's correlation; NaN if one of the two is constant."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if len(x) != len(y) or len(x) < 2:
        raise ValueError("a correlation needs at least two pairs")
    x, y = x - x.mean(), y - y.mean()
    lengths = np.linalg.norm(x) * np.linalg.norm(y)
    if lengths == 0 or not np.isfinite(lengths):
        return Correlation(math.nan, math.nan)
    r = float(np.clip(np.dot(x, y) / lengths, -1.0, 1.0))
    if len(x) == 2:
        return Correlation(math.copysign(1.0, r), 1.0)
    return Correlation(r, _p_value(r, len(x)))


def spearman(x: np.ndarray, y: np.ndarray) -> Correlation:
    """Spearman's: Pearson's of the ranks, ties sharing the mean of theirs."""
    found = pearson(_ranks(x), _ranks(y))
    if len(x) == 2 and not math.isnan(found.statistic):
        # scipy has no degree of freedom left.
        return Correlation(found.statistic, math.nan)
    return found


def _ranks(values: np.ndarray) -> np.ndarray:
    _, group, counts = np.unique(
        np.asarray(values, dtype=np.float64), return_inverse=True, return_counts=True
    )
    ends = np.cumsum(counts)
    return (ends - (counts - 1) / 2)[group.reshape(-1)]


def _p_value(r: float, count: int) -> float:
    """Both sides of Student's t with `count` - 2 degrees of freedom."""
    rest = 1 - r * r
    if rest <= 0:
        return 0.0
    freedom = count - 2
    t_squared = r * r * freedom / rest
    return _incomplete_beta(freedom / 2, 0.5, freedom / (freedom + t_squared))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularized incomplete beta function, by its continued fraction (Lentz)."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    if x > (a + 1) / (a + b + 2):
        return 1.0 - _incomplete_beta(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + term * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + term / c
            c = c if abs(c) > tiny else tiny
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * value / a
