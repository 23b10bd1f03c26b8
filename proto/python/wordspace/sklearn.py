"""A transformer for scikit-learn's pipelines: texts to vectors. Needs scikit-learn."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

import numpy as np

from wordspace.answers import needed

_base = needed("sklearn", "sklearn.base")

__all__ = ["TextVectorizer"]


class TextVectorizer(_base.TransformerMixin, _base.BaseEstimator):  # type: ignore[misc,name-defined]
    """Texts to the vectors that the server's Embed gives them.

    `vectors` is what `wordspace.load` returns; a pickle of the pipeline connects again. `pooling` is
    mean, sif, tfidf, max, min, sum or last. Nothing is learned: `fit` only looks at the table.
    """

    def __init__(
        self,
        vectors: Any = None,
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

    def fit(self, X: Sequence[str], y: Any = None) -> "TextVectorizer":
        if self.vectors is None:
            raise ValueError("TextVectorizer needs vectors: wordspace.load(table)")
        self.n_features_out_ = int(self.vectors.vector_size)
        return self

    def transform(self, X: Sequence[str]) -> np.ndarray:
        return self.vectors.embed(
            list(X),
            self.pooling,
            tokenizer=self.tokenizer,
            lowercase=self.lowercase,
            **(self.options or {}),
        )

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        names: List[str] = [f"component{i}" for i in range(int(self.vectors.vector_size))]
        return np.asarray(names, dtype=object)

    def __sklearn_clone__(self) -> "TextVectorizer":
        # A clone asks the same server over the same connection.
        return type(self)(
            self.vectors,
            pooling=self.pooling,
            lowercase=self.lowercase,
            tokenizer=self.tokenizer,
            options=self.options,
        )

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "n_features_out_")

    def _more_tags(self) -> dict:
        return {"X_types": ["string"], "stateless": True}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.requires_fit = False
        return tags
