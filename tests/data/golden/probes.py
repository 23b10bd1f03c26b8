"""Makes probes.json: what WEFE measures on glove.50d.txt, and hard debiasing by its definition.

Made with Python 3.11, wefe 1.0.1, scikit-learn 1.5, gensim 4.4.0, numpy 1.26.4:

    python probes.py

Where WEFE is not followed: RNSB is asked without holdout, since its split is a matter of chance; our
RIPA and WEFE's are the mean over pairs, where the paper takes a principal component; p-values are ours
(WEFE draws permutations with replacement and without a seed). Direct and indirect bias, which WEFE
lacks, are computed here by the definitions of Bolukbasi et al. 2016.
"""

import json
import pathlib
import warnings

import numpy as np
from gensim.models import KeyedVectors
from wefe.metrics import ECT, MAC, RIPA, RND, RNSB
from wefe.query import Query
from wefe.word_embedding_model import WordEmbeddingModel

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).parent
kv = KeyedVectors.load_word2vec_format(HERE / "glove.50d.txt", binary=False, no_header=True)
model = WordEmbeddingModel(kv, "glove")
unit = {w: kv[w].astype(np.float64) / np.linalg.norm(kv[w].astype(np.float64)) for w in kv.index_to_key}

MALE = ["he", "man", "his", "father", "son", "boy"]
FEMALE = ["she", "woman", "her", "mother", "daughter", "girl"]
JOBS = ["doctor", "nurse", "engineer", "teacher", "king", "queen"]
GOOD = ["love", "peace", "friend", "honest", "lucky", "happy", "gift"]
BAD = ["murder", "death", "poison", "jail", "poverty", "prison", "agony"]
PEOPLE = ["john", "mary", "boy", "girl", "mother", "father"]

targets, names = [MALE, FEMALE], ["male", "female"]
jobs = Query(targets, [JOBS], names, ["jobs"])


def words(result, key):
    return [float(result[key][word]) for word in JOBS]


rnd = RND().run_query(jobs, model)
ect = ECT().run_query(jobs, model)
ripa = RIPA().run_query(jobs, model)
mac = MAC().run_query(Query([MALE, FEMALE], [GOOD, BAD], names, ["good", "bad"]), model)
rnsb = RNSB().run_query(
    Query([PEOPLE[:3], PEOPLE[3:]], [GOOD, BAD], ["a", "b"], ["good", "bad"]), model, holdout=False
)
halves = np.array([(unit[f] - unit[m]) / 2 for m, f in zip(MALE, FEMALE)])
_, singular, right = np.linalg.svd(halves, full_matrices=False)
axis = right[0] * np.sign((halves @ right[0]).sum())


def without(v):
    return v - (v @ axis) * axis


def indirect(w, v):
    a, b = without(unit[w]), without(unit[v])
    s = unit[w] @ unit[v]
    return float((s - a @ b / np.linalg.norm(a) / np.linalg.norm(b)) / s)


def hard(word):
    if word in MALE + FEMALE:
        i = (MALE if word in MALE else FEMALE).index(word)
        mu = (unit[MALE[i]] + unit[FEMALE[i]]) / 2
        nu = without(mu)
        part = (unit[word] @ axis) * axis - (mu @ axis) * axis
        return nu + np.sqrt(1 - nu @ nu) * part / np.linalg.norm(part)
    v = without(unit[word])
    return v / np.linalg.norm(v)


golden = {
    "male": MALE, "female": FEMALE, "jobs": JOBS, "good": GOOD, "bad": BAD, "people": PEOPLE,
    "rnd": float(rnd["result"]),
    "rnd_words": [float(rnd["distance_by_word"][word]) for word in JOBS],
    "ect": float(ect["result"]),
    "ripa": float(ripa["result"]),
    "ripa_words": [float(ripa["word_values"][word]["mean"]) for word in JOBS],
    "mac": float(mac["result"]),
    "rnsb": float(rnsb["result"]),
    "rnsb_words": [float(rnsb["negative_sentiment_probabilities"][word]) for word in PEOPLE],
    "direct_bias": float(np.mean([abs(unit[w] @ axis) for w in JOBS])),
    "explained": float(singular[0] ** 2 / (singular**2).sum()),
    "indirect": [[w, v, indirect(w, v)] for w, v in [("doctor", "engineer"), ("nurse", "teacher")]],
    "hard": [[w, [round(float(x), 7) for x in hard(w)]] for w in ["doctor", "nurse", "she", "father"]],
}
(HERE / "probes.json").write_text(json.dumps(golden, indent=1) + "\n", "utf-8")
print({k: golden[k] for k in ["rnd", "ect", "ripa", "mac", "rnsb", "direct_bias", "explained"]})
