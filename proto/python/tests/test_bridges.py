"""Bridges to other libraries. Those that are not installed are stood in for by what the bridge calls
of them; with `pip install wordspace[bridges]` the same tests take the real ones."""

import importlib.util
import json
import sys
import types
import unittest
from unittest import mock

import numpy as np
import support

import wordspace
from wordspace import bias
from wordspace.v1 import text_pb2, transfer_pb2


PACKAGES = ("gensim", "pandas", "sklearn", "spacy", "tokenizers", "torch", "tqdm")
THERE = {package for package in PACKAGES if importlib.util.find_spec(package) is not None}


def has(package):
    return package in THERE


def stand_ins():
    """Modules in place of the packages that are not there."""
    made = {}

    def module(name, **contents):
        made[name] = types.ModuleType(name)
        made[name].__dict__.update(contents)
        return made[name]

    if not has("pandas"):

        class DataFrame:
            def __init__(self, data, index=None, columns=None):
                self.values, self.index, self.columns = np.array(data, dtype=object), index, columns

            def __getitem__(self, column):
                return self.values[:, self.columns.index(column)]

            def __len__(self):
                return len(self.values)

        module("pandas", DataFrame=DataFrame)
    if not has("torch"):

        class Embedding:
            @classmethod
            def from_pretrained(cls, weights, freeze, **options):
                made = cls()
                made.weight, made.freeze, made.options = weights, freeze, options
                return made

        nn = module("torch.nn", Embedding=Embedding)
        module("torch", from_numpy=lambda array: array, nn=nn)
    if not has("spacy"):

        class Vectors:
            def __init__(self, *, strings, data, keys, name):
                self.rows = dict(zip(keys, data))

            def __getitem__(self, key):
                return self.rows[key]

        vectors = module("spacy.vectors", Vectors=Vectors)
        module("spacy", vectors=vectors)
    if not has("sklearn"):

        class BaseEstimator:
            pass

        class TransformerMixin:
            def fit_transform(self, X, y=None):
                return self.fit(X, y).transform(X)

        base = module("sklearn.base", BaseEstimator=BaseEstimator, TransformerMixin=TransformerMixin)
        module("sklearn", base=base)
    if not has("gensim"):

        class KeyedVectors:
            def __init__(self, vector_size):
                self.rows, self.attributes = {}, {}

            def add_vectors(self, keys, vectors):
                self.rows.update(zip(keys, vectors))

            def set_vecattr(self, key, name, value):
                self.attributes[key, name] = value

            def get_vecattr(self, key, name):
                return self.attributes[key, name]

            def __getitem__(self, key):
                return self.rows[key]

            def __len__(self):
                return len(self.rows)

        keyed = module("gensim.models.keyedvectors", KeyedVectors=KeyedVectors)
        models = module("gensim.models", keyedvectors=keyed)
        module("gensim", models=models)
    if not has("tokenizers"):

        class Tokenizer:
            def __init__(self, text):
                self.text = text

            @classmethod
            def from_str(cls, text):
                return cls(text)

            def to_str(self):
                return self.text

        module("tokenizers", Tokenizer=Tokenizer)
    if not has("tqdm"):

        class Bar:
            def __init__(self, desc, **options):
                self.n, self.total = 0, None

            def set_postfix(self, **options):
                self.postfix = options

            def update(self, count):
                self.n += count

            def close(self):
                pass

        auto = module("tqdm.auto", tqdm=Bar)
        module("tqdm", auto=auto)
    return made


class Bridges(unittest.TestCase):
    def stand_in(self, package):
        """Puts what stands in for a package in its place until the test ends, if it is not there:
        other packages look for it, too."""
        if has(package):
            return
        made = {name: one for name, one in stand_ins().items() if name.split(".")[0] == package}
        sys.modules.update(made)
        print(f"{package} is not installed: tested against a stand-in")
        for name in (*made, "wordspace.sklearn"):
            self.addCleanup(sys.modules.pop, name, None)

    def test_pandas(self):
        self.stand_in("pandas")
        wv = support.wv()
        near = wv.most_similar("king", topn=3)
        frame = near.to_frame()
        self.assertEqual(list(frame["word"]), near.words)
        self.assertEqual([float(v) for v in frame["similarity"]], [v for _, v in near])
        frame = wv.to_frame(["king", "queen"])
        self.assertEqual(list(frame.index), ["king", "queen"])
        np.testing.assert_array_equal(np.array(frame.values[1], dtype=np.float32), wv["queen"])
        self.assertEqual(len(wv.to_frame()), 20_000)

    def test_torch(self):
        self.stand_in("torch")
        wv = support.wv()
        embedding = wv.to_torch(freeze=False)
        weights = embedding.weight
        weights = weights.detach().numpy() if hasattr(weights, "detach") else weights
        np.testing.assert_array_equal(weights[wv.key_to_index["king"]], wv["king"])
        # What is learned does not change what was fetched.
        self.assertTrue(weights.flags.writeable)
        weights[0] = 0
        self.assertNotEqual(float(np.abs(wv.vectors[0]).sum()), 0.0)

    def test_spacy(self):
        self.stand_in("spacy")
        wv = support.wv()
        if has("spacy"):
            import spacy

            vocab = spacy.blank("en").vocab
        else:
            vocab = types.SimpleNamespace(strings=set(), vectors=None)
        wv.fill_spacy(vocab, ["king", "queen"])
        np.testing.assert_array_equal(vocab.vectors["queen"], wv["queen"])
        wv.fill_spacy(vocab)
        np.testing.assert_array_equal(vocab.vectors["piano"], wv["piano"])
        if has("spacy"):
            self.assertAlmostEqual(
                vocab["king"].similarity(vocab["queen"]), float(wv.similarity("king", "queen")), 5
            )

    def test_sklearn(self):
        self.stand_in("sklearn")
        from wordspace.sklearn import TextVectorizer

        wv = support.wv()
        texts = ["The king spoke", "no-such-word-at-all", "cats and dogs"]
        vectorizer = TextVectorizer(wv, lowercase=True)
        vectors = vectorizer.fit_transform(texts)
        self.assertEqual((vectors.shape, vectors.dtype), ((3, 50), np.float32))
        np.testing.assert_allclose(
            vectors[2], wv.get_mean_vector(["cats", "and", "dogs"]), atol=1e-6
        )
        np.testing.assert_allclose(vectors[0], wv.get_mean_vector(["the", "king", "spoke"]), atol=1e-6)
        sif = TextVectorizer(wv, pooling="sif", options={"sif_a": 0.01}).fit(texts).transform(texts)
        self.assertFalse(np.allclose(sif, vectors))
        self.assertEqual(len(vectorizer.get_feature_names_out()), 50)
        with self.assertRaises(ValueError):
            TextVectorizer().fit(texts)
        if has("sklearn"):
            import pickle

            from sklearn.base import clone
            from sklearn.linear_model import LogisticRegression
            from sklearn.model_selection import cross_val_score
            from sklearn.pipeline import make_pipeline

            animals = "dog cat horse cow pig sheep goat lion tiger bear".split()
            money = "bank money cash market stock price trade sales profit debt".split()
            pipeline = make_pipeline(TextVectorizer(wv), LogisticRegression())
            kinds = [0] * len(animals) + [1] * len(money)
            self.assertGreater(cross_val_score(pipeline, animals + money, kinds).mean(), 0.9)
            pipeline.fit(animals + money, kinds)
            again = pickle.loads(pickle.dumps(clone(pipeline).fit(animals + money, kinds)))
            self.assertEqual(list(again.predict(["wolf", "loan"])), [0, 1])

    def test_gensim(self):
        self.stand_in("gensim")
        wv = support.client().create_table("bridge", 2)
        wv.add_vectors(["a", "b"], [[1, 0], [0, 1]], extras={"count": [7, 8]})
        made = wv.to_gensim()
        self.assertEqual(len(made), 2)
        np.testing.assert_array_equal(made["b"], [0, 1])
        made = wv.vectors_for_all(["b", "no such word", "b"], copy_vecattrs=True)
        self.assertEqual((len(made), made.get_vecattr("b", "count")), (1, 8))
        self.assertEqual(len(wv.to_gensim(["a"], copy_vecattrs=True)), 1)
        with self.assertRaises(KeyError):
            wv.to_gensim(["no such word"])

    def test_tokenizers(self):
        self.stand_in("tokenizers")
        import tokenizers

        model = {"type": "WordLevel", "vocab": {"the": 0, "cat": 1, "[UNK]": 2}, "unk_token": "[UNK]"}
        text = json.dumps({"version": "1.0", "pre_tokenizer": {"type": "Whitespace"}, "model": model})
        made = tokenizers.Tokenizer.from_str(text)
        client = support.client()
        told = client.put_tokenizer("words", made)
        self.addCleanup(
            client.services.TextService.DeleteTokenizer,
            text_pb2.DeleteTokenizerRequest(name="words"),
        )
        self.assertEqual((told.vocab_size, told.stored), (3, True))
        request = text_pb2.TokenizeRequest(texts=["the cat sat"])
        request.cutting.tokenizer = "words"
        cut = client.services.TextService.Tokenize(request).texts[0]
        self.assertEqual([one.id for one in cut.tokens], [0, 1, 2])
        self.assertEqual(json.loads(client.get_tokenizer("words").to_str())["model"], model)
        # A fast one of transformers has it within.
        client.put_tokenizer("words", types.SimpleNamespace(backend_tokenizer=made), replace=True)
        with self.assertRaisesRegex(TypeError, "and no str"):
            client.put_tokenizer("other", "tokenizer.json")
        with self.assertRaisesRegex(ValueError, "UNICODE_WORDS"):
            client.get_tokenizer("unicode-words")

    def test_tqdm(self):
        self.stand_in("tqdm")
        client = support.client()
        shown = []
        with mock.patch.object(sys.modules[wordspace.Client.__module__]._Bar, "__call__", autospec=True,
                               side_effect=lambda bar, now: shown.append(now.bytes_read)):
            report = client.import_file(support.VECTORS, "bar", progress=True)
        self.assertEqual(report.rows_kept, 20_000)
        self.addCleanup(client.delete_table, "bar")
        bar = sys.modules[wordspace.Client.__module__]._Bar("words.txt")
        with bar:
            bar(transfer_pb2.ImportProgress(bytes_read=70, rows_read=3, total_bytes=100))
            bar(transfer_pb2.ImportProgress(bytes_read=100, rows_read=5, total_bytes=100))
            self.assertEqual((bar._bar.n, bar._bar.total), (100, 100))

    def test_what_is_not_installed_is_named(self):
        near = wordspace.Neighbors([("a", 1.0)])
        with mock.patch.dict(sys.modules, {"pandas": None}):
            with self.assertRaisesRegex(ImportError, "pip install pandas"):
                near.to_frame()


class Queries(unittest.TestCase):
    """Of wordspace.bias, against the formulas."""

    X = ["math", "physics", "science", "engineering", "chemistry", "mathematics"]
    Y = ["poetry", "art", "dance", "literature", "novel", "music"]
    A = ["male", "man", "boy", "brother", "he", "him"]
    B = ["female", "woman", "girl", "sister", "she", "her"]

    def query(self, x=None):
        return bias.Query(
            [x or self.X, self.Y], [self.A, self.B], ["Math", "Arts"], ["Male", "Female"]
        )

    def test_weat_is_the_formula(self):
        wv = support.wv()
        units = {
            name: wv.get_vectors(words, norm=True)
            for name, words in zip("xyab", (self.X, self.Y, self.A, self.B))
        }

        def association(targets):
            return (targets @ units["a"].T).mean(axis=1) - (targets @ units["b"].T).mean(axis=1)

        x, y = association(units["x"]), association(units["y"])
        told = bias.WEAT().run_query(self.query(), wv, calculate_p_value=True)
        self.assertEqual(told["query_name"], "Math and Arts wrt Male and Female")
        self.assertAlmostEqual(told["result"], float(x.sum() - y.sum()), places=5)
        self.assertEqual(told["weat"], told["result"])
        effect = float((x.mean() - y.mean()) / np.concatenate([x, y]).std())
        self.assertAlmostEqual(told["effect_size"], effect, places=5)
        self.assertTrue(0 < told["p_value"] < 0.05)
        sized = bias.WEAT().run_query(self.query(), wv, return_effect_size=True)
        self.assertEqual(sized["result"], told["effect_size"])
        self.assertTrue(np.isnan(sized["p_value"]))

    def test_other_metrics_are_asked_by_their_names(self):
        wv = support.wv()
        query = bias.Query([self.A, self.B], [self.X])
        vectors = [wv.get_vectors(words) for words in (self.A, self.B, self.X)]
        near, far, attributes = vectors[0].mean(axis=0), vectors[1].mean(axis=0), vectors[2]
        norms = np.linalg.norm(attributes - near, axis=1) - np.linalg.norm(attributes - far, axis=1)
        told = bias.RND().run_query(query, wv)
        self.assertAlmostEqual(told["rnd"], float(norms.mean()), places=4)
        self.assertEqual(set(told["distances_by_word"]), set(self.X))
        for metric in (bias.MAC, bias.ECT, bias.RIPA):
            told = metric().run_query(query, wv)
            self.assertTrue(np.isfinite(told["result"]), told)
            self.assertEqual(told[metric.metric_short_name.lower()], told["result"])
        told = bias.RNSB().run_query(self.query(), wv)
        self.assertGreaterEqual(told["rnsb"], 0)

    def test_lost_words_and_wrong_templates(self):
        wv = support.wv()
        lost = self.query(["math", "qqq", "xxqx", "zzqz"])
        with self.assertLogs("wordspace.bias", "WARNING"):
            self.assertTrue(np.isnan(bias.WEAT().run_query(lost, wv)["result"]))
        kept = bias.WEAT().run_query(lost, wv, lost_vocabulary_threshold=0.9)
        self.assertTrue(np.isfinite(kept["result"]))
        with self.assertRaisesRegex(ValueError, "takes 1 attribute sets, got 2"):
            bias.RND().run_query(self.query(), wv)
        with self.assertRaisesRegex(ValueError, "lists of words"):
            bias.Query(["words"], [["a"]])


class Notebooks(unittest.TestCase):
    def test_answers_show_as_tables(self):
        near = wordspace.Neighbors([("<script>", 0.5), ("b", 0.25)])
        told = near._repr_html_()
        self.assertIn("<td>&lt;script&gt;</td><td>0.5000</td>", told)
        self.assertNotIn("<script>", told)
        many = wordspace.Neighbors([("a", 0.5)] * 60)._repr_html_()
        self.assertIn("and 10 more", many)
        self.assertIn("<td>20,000</td>", support.wv()._repr_html_())
        self.assertIn("<td>en</td>", support.client()._repr_html_())

    def test_answers_are_plain_lists(self):
        near = wordspace.Neighbors([("a", 0.5)])
        self.assertEqual(near, [("a", 0.5)])
        self.assertEqual(repr(near), "[('a', 0.5)]")


if __name__ == "__main__":
    unittest.main()
