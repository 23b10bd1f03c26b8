"""Makes wordings.json: what gensim answers on glove.50d.txt to questions in texts, with weights, within
a part of the vocabulary, and for the one that does not match.

Made with Python 3.11, gensim 4.4.0:

    python wordings.py

Where the reference is not followed: gensim's `most_similar_cosmul` ignores `restrict_vocab`, so its whole
list is asked for and cut here.
"""

import json
import pathlib
import re

from gensim.models import KeyedVectors

HERE = pathlib.Path(__file__).parent
kv = KeyedVectors.load_word2vec_format(HERE / "glove.50d.txt", binary=False, no_header=True)

TEXTS = [
    "the king and the queen of england",
    "a violin and a piano; a violin, a qzx",
    "cancer is a disease",
]
RESTRICTED = [("man", "king", "woman", 300), ("big", "bigger", "small", 250)]
WITHIN = [("king", 0.5), ("the", 0.7), ("violin", 0.6)]


def words(text):
    """As `unicode-words` cuts: signs are words of their own, and the table has some."""
    return re.findall(r"\w+|[^\w\s]", text)


def text(line):
    known = [word for word in words(line) if word in kv]
    near = kv.similar_by_vector(kv.get_mean_vector(known), topn=10 + len(set(known)))
    near = [[word, float(s)] for word, s in near if word not in known][:10]
    mean = kv.get_mean_vector(words(line), ignore_missing=True)
    return {"text": line, "mean": [float(x) for x in mean], "near": near}


def restricted(a, b, c, top):
    everything = kv.most_similar_cosmul(positive=[b, c], negative=[a], topn=len(kv))
    best = [[word, float(s)] for word, s in everything if kv.get_index(word) < top][:5]
    add = kv.most_similar(positive=[b, c], negative=[a], topn=5, restrict_vocab=top)
    return [a, b, c, top, best, [[word, float(s)] for word, s in add]]


golden = {
    "texts": [text(line) for line in TEXTS],
    "restricted": [restricted(*asked) for asked in RESTRICTED],
    "within": [
        [word, least, [w for w, s in kv.most_similar(word, topn=len(kv)) if s >= least]]
        for word, least in WITHIN
    ],
}
(HERE / "wordings.json").write_text(json.dumps(golden) + "\n", "utf-8")
