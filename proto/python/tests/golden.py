#!/usr/bin/env python3
"""Makes golden.json: what gensim's KeyedVectors answer about the bundled vectors.

    pip install gensim==4.4.0
    python golden.py

Each case is a method, its arguments and its answer. Long answers are told by their ends and
a sum. An argument {"vector": "king"} stands for the
vector of a word, and {"pair": [key, weight]} for a tuple.
"""

import json
import pathlib
import zlib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parents[2] / "examples" / "data" / "glove.6B.50d.20k.txt.gz"


def vector(word):
    return {"vector": word}


def pair(key, weight):
    return {"pair": [key, weight]}


CASES = [
    ("most_similar", ["king"], {}),
    ("most_similar", ["king"], {"topn": 1}),
    ("most_similar", ["king"], {"topn": 100}),
    ("most_similar", [["king"]], {"topn": 40}),
    ("most_similar", [7], {"topn": 5}),
    ("most_similar", [[7, "king"]], {"topn": 5}),
    ("most_similar", ["king", "man"], {"topn": 5}),
    ("most_similar", [["woman", "king"], ["man"]], {"topn": 12}),
    ("most_similar", [], {"positive": ["paris", "japan"], "negative": ["france"]}),
    ("most_similar", [], {"negative": ["king"], "topn": 5}),
    ("most_similar", [[pair("king", 0.5), "queen", pair("man", -0.25)]], {}),
    ("most_similar", [["king"], [pair("man", 0.5)]], {"topn": 5}),
    ("most_similar", [["king", pair("man", 0.0)]], {"topn": 5}),
    ("most_similar", [["king", "king"]], {"topn": 5}),
    ("most_similar", [vector("king")], {"topn": 5}),
    ("most_similar", [[vector("king")]], {"topn": 5}),
    ("most_similar", [[vector("king"), "queen"], ["man"]], {"topn": 8}),
    ("most_similar", [[pair(vector("king"), 0.1), pair("queen", 2.0)]], {"topn": 8}),
    ("most_similar", ["king"], {"restrict_vocab": 500}),
    ("most_similar", ["king"], {"restrict_vocab": 3, "topn": 10}),
    ("most_similar", ["king"], {"restrict_vocab": 500, "clip_start": 100, "clip_end": 200}),
    ("most_similar", ["king"], {"clip_start": 1000, "clip_end": 3000, "topn": 5}),
    ("most_similar", ["king"], {"clip_start": 19990, "topn": 50}),
    ("most_similar", [vector("king")], {"clip_end": 800, "topn": 5}),
    ("most_similar", ["king"], {"topn": 0}),
    ("most_similar", ["king"], {"topn": -1}),
    ("most_similar", ["king"], {"topn": None}),
    ("most_similar", ["king", "man"], {"topn": None, "restrict_vocab": 50}),
    ("most_similar", [["king", "queen"]], {"topn": None, "clip_start": 10, "clip_end": 20}),
    ("similar_by_word", ["piano"], {}),
    ("similar_by_word", ["piano", 3], {"restrict_vocab": 9000}),
    ("similar_by_key", ["piano"], {"topn": None}),
    ("similar_by_vector", [vector("piano")], {"topn": 4}),
    ("similar_by_vector", [vector("piano"), 4, 9000], {}),
    ("most_similar_cosmul", [["woman", "king"], ["man"]], {}),
    ("most_similar_cosmul", ["king"], {"topn": 5}),
    ("most_similar_cosmul", ["king", "man"], {"topn": 5}),
    ("most_similar_cosmul", [["woman", "king", "paris"], ["man", "london"]], {"topn": 5}),
    ("most_similar_cosmul", ["king"], {"topn": None}),
    ("similarity", ["cat", "dog"], {}),
    ("similarity", ["cat", "cat"], {}),
    ("similarity", [3, "dog"], {}),
    ("distance", ["cat", "dog"], {}),
    ("distances", ["cat", ["dog", "car", "cat"]], {}),
    ("distances", [vector("cat"), ["dog", 5]], {}),
    ("distances", ["cat"], {}),
    ("n_similarity", [["sushi", "shop"], ["japanese", "restaurant"]], {}),
    ("n_similarity", [["sushi", "no such word"], ["japanese"]], {}),
    ("n_similarity", [["no such word"], ["japanese"]], {}),
    ("doesnt_match", [["breakfast", "cereal", "dinner", "lunch"]], {}),
    ("doesnt_match", [["cat", "dog", "no such word", "democracy"]], {}),
    ("doesnt_match", [["cat", "dog"]], {}),
    ("doesnt_match", [["cat"]], {}),
    ("rank_by_centrality", [["breakfast", "cereal", "dinner", "lunch"]], {}),
    ("rank_by_centrality", [["breakfast", "cereal", "dinner"]], {"use_norm": False}),
    ("most_similar_to_given", ["music", ["water", "sound", "backpack", "mouse"]], {}),
    ("most_similar_to_given", ["music", ["water", "sound", "bag", "mouse"]], {}),
    ("closer_than", ["cat", "car"], {}),
    ("closer_than", ["cat", "tree"], {}),
    ("closer_than", ["cat", "cat"], {}),
    ("closer_than", ["cat", "democracy"], {}),
    ("rank", ["cat", "car"], {}),
    ("rank", ["cat", "dog"], {}),
    ("rank", ["cat", "cat"], {}),
    ("relative_cosine_similarity", ["good", "nice"], {}),
    ("relative_cosine_similarity", ["good", "worst"], {"topn": 20}),
    ("get_vector", ["king"], {}),
    ("get_vector", ["king"], {"norm": True}),
    ("get_vector", [11], {}),
    ("__getitem__", [["king", "queen", 3]], {}),
    ("get_mean_vector", [["king", "queen", "no such word"]], {}),
    ("get_mean_vector", [["king", "queen"]], {"pre_normalize": False}),
    ("get_mean_vector", [["king", "queen"], [1, -2]], {"post_normalize": True}),
    ("get_mean_vector", [[vector("king"), "queen"], [0.5, 2]], {}),
    ("get_index", ["king"], {}),
    ("get_index", ["no such word"], {"default": 5}),
    ("get_index", [12], {}),
    ("has_index_for", ["king"], {}),
    ("has_index_for", ["no such word"], {}),
    ("__contains__", [19999], {}),
    ("__contains__", [20000], {}),
    ("__contains__", [""], {}),
    ("__len__", [], {}),
    # Errors.
    ("most_similar", ["no such word"], {}),
    ("most_similar", [["king", "no such word"]], {}),
    ("most_similar", [], {}),
    ("most_similar_cosmul", [], {}),
    ("most_similar_cosmul", ["no such word"], {}),
    ("similarity", ["cat", "no such word"], {}),
    ("distances", ["no such word"], {}),
    ("distances", ["cat", ["no such word"]], {}),
    ("n_similarity", [[], ["cat"]], {}),
    ("doesnt_match", [["no such word"]], {}),
    ("doesnt_match", [[]], {}),
    ("rank", ["cat", "no such word"], {}),
    ("closer_than", ["no such word", "cat"], {}),
    ("get_vector", ["no such word"], {}),
    ("get_vector", [20000], {}),
    ("get_vector", [-1], {}),
    ("__getitem__", [["king", "no such word"]], {}),
    ("__getitem__", [""], {}),
    ("get_index", ["no such word"], {}),
    ("get_mean_vector", [["king", "no such word"]], {"ignore_missing": False}),
    ("get_mean_vector", [["king"], [1, 2]], {}),
    ("get_mean_vector", [[]], {}),
    ("get_vecattr", ["no such word", "count"], {}),
    ("get_vecattr", ["king", "no such attribute"], {}),
]

ANALOGIES = """: capitals
france paris japan tokyo
Germany Berlin Italy Rome
france paris nowhereland tokyo
one two
: family
man king woman queen
boy girl son daughter
father mother uncle aunt
cat dog car truck
cat dog car tokyo
"""
PAIRS = """# a comment
cat\tdog\t8.5
Tiger\tcat\t7.35
car\tautomobile\t8.94
king\tcabbage\t0.23
money\tcash\t9.08
computer\tkeyboard\t7.62
no such\tword\t5
one\ttwo
"""


def restored(wv, argument):
    """The argument that a JSON value stands for."""
    if isinstance(argument, dict) and "vector" in argument:
        return np.array(wv.get_vector(argument["vector"]))
    if isinstance(argument, dict) and "pair" in argument:
        return tuple(restored(wv, one) for one in argument["pair"])
    if isinstance(argument, list):
        return [restored(wv, one) for one in argument]
    return argument


def plain(answer):
    """An answer as JSON has it; a long array as its ends, its length and its sum."""
    if isinstance(answer, np.ndarray):
        if answer.ndim == 1 and len(answer) > 60:
            return {
                "len": len(answer),
                "head": plain(answer[:8]),
                "tail": plain(answer[-8:]),
                "sum": float(answer.sum(dtype=np.float64)),
            }
        return answer.astype(np.float64).round(7).tolist()
    if isinstance(answer, list) and len(answer) > 200:
        return {
            "len": len(answer),
            "head": plain(answer[:8]),
            "tail": plain(answer[-8:]),
            "crc32": zlib.crc32("\n".join(answer).encode()),
        }
    if isinstance(answer, (list, tuple)):
        return [plain(one) for one in answer]
    if isinstance(answer, (bool, np.bool_)):
        return bool(answer)
    if isinstance(answer, (float, np.floating)):
        return round(float(answer), 7)
    if isinstance(answer, np.integer):
        return int(answer)
    if isinstance(answer, dict):
        return {key: plain(value) for key, value in answer.items()}
    return answer


def asked(wv, method, args, kwargs):
    """The answer, or the error, of a call."""
    args = restored(wv, args)
    kwargs = {name: restored(wv, value) for name, value in kwargs.items()}
    try:
        return {"answer": plain(getattr(wv, method)(*args, **kwargs))}
    except Exception as error:
        kinds = (KeyError, ValueError, ZeroDivisionError, TypeError)
        kind = next(kind.__name__ for kind in kinds if isinstance(error, kind))
        return {"error": kind, "message": str(error.args[0])}


def evaluated(wv, folder):
    """The test sets above, by all their options."""
    analogies, pairs = folder / "analogies.txt", folder / "pairs.tsv"
    analogies.write_text(ANALOGIES)
    pairs.write_text(PAIRS)
    answers = {}
    for options in (
        {},
        {"case_insensitive": False},
        {"dummy4unknown": True},
        {"restrict_vocab": 6000},
    ):
        name = json.dumps(options)
        answers[f"analogies {name}"] = plain(wv.evaluate_word_analogies(str(analogies), **options))
        pearson, spearman, unknown = wv.evaluate_word_pairs(str(pairs), **options)
        answers[f"pairs {name}"] = plain([list(pearson), list(spearman), unknown])
    return answers


def main():
    import tempfile

    from gensim.models import KeyedVectors

    wv = KeyedVectors.load_word2vec_format(VECTORS, binary=False, no_header=True)
    cases = [
        {"method": method, "args": args, "kwargs": kwargs, **asked(wv, method, args, kwargs)}
        for method, args, kwargs in CASES
    ]
    with tempfile.TemporaryDirectory() as folder:
        evaluations = evaluated(wv, pathlib.Path(folder))
    lines = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases)
    text = f'{{"cases": [\n{lines}\n],\n"evaluations": {json.dumps(evaluations)}}}\n'
    (HERE / "golden.json").write_text(text)


if __name__ == "__main__":
    main()
