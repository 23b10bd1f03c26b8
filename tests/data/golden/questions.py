"""Makes questions.json: what gensim answers on glove.50d.txt to the questions about given words.

Made with Python 3.11, gensim 4.4.0, POT 0.9.7, numpy 1.26.4, scipy 1.12:

    python questions.py

Where the reference is not followed: gensim's `wmdistance` is asked for words of the table only, as
its answer for texts without one is infinity and ours an error; PairDirection and 3CosAvg are
computed here by their definitions, since gensim has neither.
"""

import json
import pathlib

import numpy as np
from gensim.models import KeyedVectors

HERE = pathlib.Path(__file__).parent
kv = KeyedVectors.load_word2vec_format(HERE / "glove.50d.txt", binary=False, no_header=True)
units = kv.vectors.astype(np.float64)
units /= np.linalg.norm(units, axis=1, keepdims=True)
unit = {word: units[i] for i, word in enumerate(kv.index_to_key)}


def best(scores, inputs, k=10):
    order = np.argsort(-scores, kind="stable")
    words = [kv.index_to_key[i] for i in order if kv.index_to_key[i] not in inputs]
    return [[word, float(scores[kv.get_index(word)])] for word in words[:k]]


def pair_direction(pairs, c):
    d = np.mean([unit[b] - unit[a] for a, b in pairs], axis=0)
    d /= np.linalg.norm(d)
    x = units - unit[c]
    n = np.linalg.norm(x, axis=1)
    return np.where(n > 1e-9, x @ d / np.maximum(n, 1e-9), 0.0)


def cos_avg(pairs, c):
    goal = unit[c] + np.mean([unit[b] - unit[a] for a, b in pairs], axis=0)
    return units @ (goal / np.linalg.norm(goal))


PAIRS = [("man", "king"), ("boy", "prince"), ("father", "king")]
GENDER = [("man", "woman"), ("he", "she"), ("father", "mother")]
TEXTS = [
    ("the king and the queen", "the prince and a princess"),
    ("cat dog kitten", "puppy pet dog dog"),
    ("paris france", "tokyo japan italy rome berlin"),
    ("he", "she"),
    ("walk walked big", "walk walked big"),
]
RANKS = [("king", "queen"), ("paris", "italy"), ("cat", "doctor"), ("big", "bigger")]
SETS = [(["cat", "dog"], ["king", "queen", "prince"]), (["paris"], ["rome"]), (["he", "man"], ["man"])]
CENTRAL = ["breakfast", "lunch", "dinner", "cereal", "king"]

inputs = {word for pair in PAIRS for word in pair} | {"woman"}
gender = {word for pair in GENDER for word in pair} | {"king"}
golden = {
    "pair_direction": [
        {"pairs": PAIRS, "c": "woman", "best": best(pair_direction(PAIRS, "woman"), inputs)},
        {"pairs": GENDER[:1], "c": "king", "best": best(pair_direction(GENDER[:1], "king"), {"man", "woman", "king"})},
    ],
    "cos_avg": [
        {"pairs": PAIRS, "c": "woman", "best": best(cos_avg(PAIRS, "woman"), inputs)},
        {"pairs": GENDER, "c": "king", "best": best(cos_avg(GENDER, "king"), gender)},
    ],
    "word_movers": [
        [a, b, kv.wmdistance(a.split(), b.split()), kv.wmdistance(a.split(), b.split(), norm=False)]
        for a, b in TEXTS
    ],
    "ranks": [[a, b, int(kv.rank(a, b)), sorted(kv.closer_than(a, b))] for a, b in RANKS],
    "n_similarity": [[a, b, float(kv.n_similarity(a, b))] for a, b in SETS],
    "relative_cosine": [
        [a, b, float(kv.relative_cosine_similarity(a, b, topn=10))] for a, b in RANKS
    ],
    "centrality": [[float(s), w] for s, w in kv.rank_by_centrality(CENTRAL)],
    "given": kv.most_similar_to_given("kitten", ["king", "cat", "dinner"]),
}
(HERE / "questions.json").write_text(json.dumps(golden, indent=1) + "\n", "utf-8")
