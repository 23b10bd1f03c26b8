"""Makes evaluation.json: what gensim's evaluate_word_pairs says of some pairs on glove.50d.txt.

Made with Python 3.11, gensim 4.4.0, scipy 1.12:

    python evaluation.py
"""

import json
import pathlib
import tempfile

from gensim.models import KeyedVectors

HERE = pathlib.Path(__file__).parent
kv = KeyedVectors.load_word2vec_format(HERE / "glove.50d.txt", binary=False, no_header=True)
PAIRS = """King\tqueen\t8.5
cat\tdog\t7.5
cat\tking\t1.5
paris\tfrance\t8
doctor\tnurse\t7.5
breakfast\tlunch\t8
big\tsmall\t4
he\tshe\t7
walk\tswim\t5.5
teacher\tjapan\t1
boy\tgirl\t7.5
zzz\tcat\t9
"""
with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
    file.write(PAIRS)
    file.flush()
    pearson, spearman, oov = kv.evaluate_word_pairs(file.name)
golden = {
    "pairs_file": "word1\tword2\tscore\n" + PAIRS,
    "pearson": float(pearson[0]),
    "spearman": float(spearman[0]),
}
(HERE / "evaluation.json").write_text(json.dumps(golden, indent=1) + "\n", "utf-8")
print(golden, oov)
