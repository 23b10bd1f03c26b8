"""Makes glove.50d.txt and golden.json: answers of gensim and WEFE on a small part of GloVe 6B 50d.

GloVe's vectors (https://nlp.stanford.edu/projects/glove/) are public domain (PDDL 1.0). The part
holds the words of the questions, of the published association tests in lower case, and the most
frequent words. Made with Python 3.11, gensim 4.4.0, wefe 1.0.1, numpy 1.26.4.

    python make.py glove.6B.50d.txt ../../../src/bias/weat.txt

writes both files beside this script. The first argument may also be an .npy of the vectors with a
file of words, one a line, beside it (same name, suffix .words).
"""

import itertools
import json
import math
import pathlib
import sys

import gensim
import numpy as np
import wefe
from gensim.models import KeyedVectors
from wefe.metrics import WEAT
from wefe.query import Query
from wefe.word_embedding_model import WordEmbeddingModel

HERE = pathlib.Path(__file__).parent
FREQUENT = 120
QUESTIONS = """king man woman queen prince princess royal boy girl father mother paris france london
england rome italy berlin germany tokyo japan big bigger biggest small smaller smallest large
largest doctor nurse cat dog kitten puppy pet breakfast lunch dinner cereal walk walked swim swam
teacher engineer programmer homemaker he she him her his hers himself herself son daughter male
female john mary caf\u00e9 cafe""".split()


def read(path):
    if path.suffix == ".npy":
        words = path.with_suffix(".words").read_text("utf-8").split("\n")
        return dict(zip(words, np.load(path)))
    lines = (line.rstrip("\n").split(" ") for line in open(path, encoding="utf-8"))
    return {line[0]: np.array(line[1:], dtype=np.float32) for line in lines}


def read_suites(path):
    suites = {}
    for paragraph in path.read_text().strip().split("\n\n")[1:]:
        name, *sets = paragraph.split("\n")
        suites[name] = [line.split(": ")[1].split(" ") for line in sets]
    return suites


def neighbors(found):
    return [[word, float(similarity)] for word, similarity in found]


def nearest(vectors):
    questions = [
        ([["king", 1.0]], []),
        ([["king", 1.0], ["woman", 1.0]], [["man", 1.0]]),
        ([["paris", 1.0], ["germany", 1.0]], [["france", 1.0]]),
        ([["cat", 0.5], ["dog", 2.0]], [["pet", 0.25], ["king", 1.5]]),
        ([], [["king", 1.0]]),
    ]
    for positive, negative in questions:
        found = vectors.most_similar(
            positive=[tuple(term) for term in positive],
            negative=[(word, -weight) for word, weight in negative],
            topn=15,
        )
        yield {"positive": positive, "negative": negative, "neighbors": neighbors(found)}


def analogies(vectors):
    questions = "man king woman, france paris germany, big biggest small, walk walked swim"
    for question in questions.split(", "):
        a, b, c = question.split(" ")
        cos_add = vectors.most_similar(positive=[b, c], negative=[a], topn=10)
        cos_mul = vectors.most_similar_cosmul(positive=[b, c], negative=[a], topn=10)
        # gensim leaves inputs out; a vector in place of words does not.
        goal = vectors.get_vector(b, norm=True) - vectors.get_vector(a, norm=True)
        goal = goal + vectors.get_vector(c, norm=True)
        yield {
            "question": [a, b, c],
            "cos_add": neighbors(cos_add),
            "cos_mul": neighbors(cos_mul),
            "cos_add_with_inputs": neighbors(vectors.similar_by_vector(goal, topn=10)),
        }


def odd_ones(vectors):
    for words in ["breakfast cereal dinner lunch", "cat dog puppy king", "paris london tokyo france"]:
        words = words.split(" ")
        ranked = vectors.rank_by_centrality(words)[::-1]
        yield {
            "words": words,
            "odd": vectors.doesnt_match(words),
            "ranked": [[word, float(similarity)] for similarity, word in ranked],
        }


def similarities(vectors):
    for pair in ["cat dog", "king queen", "doctor nurse", "paris breakfast", "he he"]:
        a, b = pair.split(" ")
        yield [a, b, float(vectors.similarity(a, b))]


def unit(vectors, words):
    return np.array([vectors.get_vector(word) for word in words], dtype=np.float64) / np.array(
        [[np.linalg.norm(vectors.get_vector(word).astype(np.float64))] for word in words]
    )


def weats(vectors, suites):
    model = WordEmbeddingModel(vectors, "glove-50d")
    for name, (x, y, a, b) in suites.items():
        query = Query([x, y], [a, b], ["x", "y"], ["a", "b"])
        run = lambda **options: WEAT().run_query(
            query, model, preprocessors=[{"lowercase": True}], lost_vocabulary_threshold=1.0, **options
        )
        known = [[w.lower() for w in words if w.lower() in vectors] for words in (x, y, a, b)]
        lost = [[w for w in words if w.lower() not in vectors] for words in (x, y, a, b)]
        yield {
            "suite": name,
            "statistic": float(run()["weat"]),
            "effect_size": float(run(return_effect_size=True)["effect_size"]),
            "lost": lost,
            **exact_p(vectors, *known),
        }


def exact_p(vectors, x, y, a, b):
    """Every partition, in plain Python: WEFE draws, and with replacement."""
    if math.comb(len(x) + len(y), len(x)) > 200_000:
        return {}
    targets = unit(vectors, x + y)
    s = (targets @ unit(vectors, a).T).mean(1) - (targets @ unit(vectors, b).T).mean(1)
    parts = [list(part) for part in itertools.combinations(range(len(s)), len(x))]
    firsts = s[np.array(parts)].sum(1)
    differences = firsts / len(x) - (s.sum() - firsts) / len(y)
    observed = differences[0]
    return {
        "partitions": len(parts),
        "one_sided": int((differences >= observed - 1e-12).sum()),
        "two_sided": int((abs(differences) >= abs(observed) - 1e-12).sum()),
    }


def projections(vectors):
    pairs = ["he she", "man woman", "king queen", "father mother", "john mary", "his her"]
    start, end = zip(*(pair.split(" ") for pair in pairs))
    words = "doctor nurse engineer homemaker programmer teacher boy girl".split(" ")
    start_units, end_units, units = (unit(vectors, words) for words in (start, end, words))
    mean = end_units.mean(0) - start_units.mean(0)
    centers = (start_units + end_units) / 2
    rows = np.concatenate([start_units - centers, end_units - centers])
    _, singular, components = np.linalg.svd(rows, full_matrices=False)
    principal = components[0] * np.sign(((end_units - start_units) @ components[0]).sum())
    return {
        "from": start,
        "to": end,
        "queries": words,
        "mean_difference": (units @ mean / np.linalg.norm(mean)).tolist(),
        "pca": (units @ principal).tolist(),
        "explained_variance": float(singular[0] ** 2 / (singular**2).sum()),
    }


def main(glove, weat):
    full = read(pathlib.Path(glove))
    suites = read_suites(pathlib.Path(weat))
    wanted = dict.fromkeys(list(full)[:FREQUENT] + QUESTIONS)
    for sets in suites.values():
        wanted.update(dict.fromkeys(word.lower() for words in sets for word in words))
    part = [word for word in full if word in wanted]
    text = "".join(f"{w} {' '.join(np.format_float_positional(v, trim='-') for v in full[w])}\n" for w in part)
    (HERE / "glove.50d.txt").write_text(text, "utf-8")
    vectors = KeyedVectors(50)
    vectors.add_vectors(part, np.array([full[word] for word in part], dtype=np.float32))
    golden = {
        "made_with": {"gensim": gensim.__version__, "wefe": wefe.__version__, "numpy": np.__version__},
        "nearest": list(nearest(vectors)),
        "analogies": list(analogies(vectors)),
        "odd_ones": list(odd_ones(vectors)),
        "similarities": list(similarities(vectors)),
        "weats": list(weats(vectors, suites)),
        "projection": projections(vectors),
    }
    (HERE / "golden.json").write_text(json.dumps(golden, indent=1, ensure_ascii=True) + "\n")


main(*sys.argv[1:])
