"""Words, vectors, writes and what is kept of them."""

import datetime
import pathlib
import pickle
import tempfile
import unittest

import numpy as np
import support

import wordspace
from wordspace import _questions


def small(name, words=("a", "b", "c"), dim=3):
    """A small table of its own."""
    wv = support.client().create_table(name, dim)
    wv.add_vectors(list(words), np.eye(len(words), dim) + 0.25)
    return wv


class Reading(unittest.TestCase):
    def test_words_and_vectors_come_in_row_order(self):
        wv = support.wv()
        self.assertEqual(wv.index_to_key[:3], ["the", ",", "."])
        self.assertEqual(wv.key_to_index["king"], wv.get_index("king"))
        self.assertEqual(wv.vectors.shape, (20_000, 50))
        self.assertEqual(wv.vectors.dtype, np.float32)
        self.assertIs(wv.vectors, wv.vectors)
        np.testing.assert_array_equal(wv.vectors[wv.get_index("king")], wv["king"])
        np.testing.assert_allclose(np.linalg.norm(wv.get_normed_vectors(), axis=1), 1, atol=1e-5)
        with self.assertRaises(ValueError):
            wv.vectors[0] = 0

    def test_many_vectors_come_in_several_calls(self):
        wv = support.wv()
        keys = wv.index_to_key[:10_000]
        np.testing.assert_array_equal(wv[keys], wv.vectors[:10_000])
        np.testing.assert_array_equal(wv[["king", 0]], np.stack([wv["king"], wv["the"]]))

    def test_one_unknown_word_among_many_is_named(self):
        wv = support.wv()
        keys = wv.index_to_key[:6_000] + ["no such word", "nor this"]
        with self.assertRaisesRegex(KeyError, "no such word") as raised:
            wv[keys]
        self.assertIsInstance(raised.exception, wordspace.UnknownWords)
        self.assertEqual(raised.exception.words, ["no such word", "nor this"])
        self.assertEqual(raised.exception.reason, "UNKNOWN_WORDS")

    def test_what_cannot_be_a_word_is_unknown(self):
        wv = support.wv()
        for key in ("", "\ud800", "x" * 70_000):
            self.assertNotIn(key, wv)
            with self.assertRaises(KeyError):
                wv[key]
        with self.assertRaises(TypeError):
            wv.most_similar([{"no": "key"}, 1][:1])

    def test_batches_answer_as_single_questions(self):
        wv = support.wv()
        keys = ["king", "paris", 7, np.array(wv["cat"])]
        for key, near in zip(keys, wv.most_similar_batch(keys, topn=4)):
            single = wv.most_similar([key], topn=4)
            self.assertEqual(near.words, single.words)
            np.testing.assert_allclose(
                [value for _, value in near], [value for _, value in single], atol=1e-6
            )
        pairs = [("cat", "dog"), (3, "king")]
        told = wv.similarities(pairs)
        np.testing.assert_array_equal(told, [wv.similarity(*pair) for pair in pairs])

    def test_more_neighbors_than_an_answer_holds(self):
        wv = support.wv()
        near = wv.most_similar("king", topn=15_000)
        self.assertEqual(len(near), 15_000)
        self.assertEqual(near.words[:50], wv.most_similar("king", topn=50).words)
        self.assertNotIn("king", near.words)
        self.assertEqual(len(wv.most_similar("king", topn=50_000)), 19_999)

    def test_wmdistance_needs_no_pot(self):
        wv = support.wv()
        near = wv.wmdistance("the president greets the press".split(), "a leader speaks to media".split())
        far = wv.wmdistance("the president greets the press".split(), "cats eat raw fish".split())
        self.assertLess(near, far)
        self.assertEqual(wv.wmdistance(["king"], ["king"]), 0.0)
        self.assertEqual(wv.wmdistance(["king"], ["no such word"]), float("inf"))
        self.assertEqual(wv.wmdistance([], ["king"]), float("inf"))
        one = wv.wmdistance(["king"], ["queen"])
        self.assertAlmostEqual(
            one, float(np.linalg.norm(wv.get_vector("king", True) - wv.get_vector("queen", True))), 5
        )
        raw = wv.wmdistance(["king"], ["queen"], norm=False)
        self.assertAlmostEqual(raw, float(np.linalg.norm(wv["king"] - wv["queen"])), 4)

    def test_neighbors_beyond_gensims_question(self):
        wv = support.wv()
        self.assertTrue(all(w.startswith("qu") for w in wv.nearest("king", 5, prefix="qu").words))
        near = wv.nearest("text:the violin and the cello", 3)
        self.assertIn("piano", wv.nearest("text:violin cello", 5).words)
        self.assertEqual(len(near), 3)
        self.assertTrue(all(v >= 0.8 for _, v in wv.nearest("king", 50, min_similarity=0.8)))

    def test_words_that_are_left_out_are_told_in_the_log(self):
        for use_norm in (True, False):
            with self.assertLogs("wordspace", "WARNING") as told:
                ranked = support.wv().rank_by_centrality(["cat", "no such word", "dog"], use_norm)
            self.assertIn("no such word", told.output[0])
            self.assertEqual(len(ranked), 2)

    def test_unknown_words_by_another_policy(self):
        zero = support.wv(oov="zero")
        self.assertEqual(zero["no such word"].tolist(), [0.0] * 50)
        self.assertEqual(zero.get_vectors(["no such word", "king"])[0].tolist(), [0.0] * 50)
        self.assertNotIn("no such word", zero)
        random = support.wv(oov="random")
        np.testing.assert_array_equal(random["no such word"], random["no such word"])
        self.assertEqual(len(random.most_similar("no such word")), 10)
        with self.assertRaises(wordspace.UnsuitedTable):
            support.wv(oov="subword")["no such word"]
        with self.assertRaises(ValueError):
            support.wv(oov="nonsense")

    def test_by_the_index_or_exact(self):
        exact, indexed = support.wv(), support.wv(exact=False)
        vector = np.array(exact["king"]) + np.float32(0.1)
        self.assertEqual(exact.most_similar([vector]).answered_by, "EXACT")
        self.assertEqual(len(indexed.most_similar([vector])), 10)

    def test_what_gensim_has_and_a_server_has_not_says_what_to_do(self):
        wv = support.wv()
        for name in ("save", "vocab", "sort_by_descending_frequency"):
            with self.assertRaisesRegex(AttributeError, "is not offered"):
                getattr(wv, name)
        with self.assertRaisesRegex(AttributeError, "no attribute nonsense"):
            wv.nonsense
        self.assertFalse(hasattr(wv, "index2word"))

    def test_a_pickle_connects_again(self):
        again = pickle.loads(pickle.dumps(support.wv()))
        self.assertEqual(again.most_similar("king"), support.wv().most_similar("king"))
        again.close()
        near = support.wv().most_similar("king", topn=3)
        restored = pickle.loads(pickle.dumps(near))
        self.assertEqual((restored, restored.answered_by), (near, near.answered_by))


class Writing(unittest.TestCase):
    def test_words_are_added_kept_and_replaced(self):
        wv = small("adding")
        self.assertEqual((len(wv), wv.index_to_key), (3, ["a", "b", "c"]))
        wv.add_vectors(["b", "d", "d"], np.full((3, 3), 7.0))
        self.assertEqual(wv.index_to_key, ["a", "b", "c", "d"])
        np.testing.assert_array_equal(wv["b"], np.float32([0.25, 1.25, 0.25]))
        wv.add_vectors(["b"], [[1.0, 2.0, 3.0]], replace=True)
        np.testing.assert_array_equal(wv["b"], [1, 2, 3])
        wv["e"] = np.array([4.0, 5.0, 6.0])
        self.assertEqual(wv.vectors[-1].tolist(), [4, 5, 6])
        self.assertEqual(wv.add_vector("f", [1, 1, 1]), 5)
        self.assertEqual(wv.add_vector("a", [9, 9, 9]), 0)
        self.assertEqual(wv["a"].tolist(), [1.25, 0.25, 0.25])
        self.assertEqual(len(wv), 6)

    def test_what_is_wrong_is_refused_and_changes_nothing(self):
        wv = small("refusing")
        for keys, weights, error in (
            (["x", "y"], np.eye(3), ValueError),
            (["x"], [[1.0, 2.0]], ValueError),
            (["x"], [[1.0, float("nan"), 2.0]], ValueError),
            ([7], [[1.0, 2.0, 3.0]], TypeError),
            ([""], [[1.0, 2.0, 3.0]], ValueError),
        ):
            with self.subTest(keys=keys), self.assertRaises(error):
                wv.add_vectors(keys, weights)
        with self.assertRaises(ValueError):
            wv.add_vectors(["x"], [[1, 2, 3]], extras={"count": [1, 2]})
        self.assertEqual(wv.index_to_key, ["a", "b", "c"])

    def test_attributes_come_back_as_they_were(self):
        wv = small("attributes")
        for value in (3, 2.5, "noun", True, np.int64(4), np.float32(0.5)):
            wv.set_vecattr("a", "x", value)
            told = wv.get_vecattr("a", "x")
            self.assertEqual(told, value)
            self.assertEqual(isinstance(told, str), isinstance(value, str))
        wv.add_vectors(["d", "e"], np.ones((2, 3)), extras={"count": np.array([5, 6])})
        self.assertEqual([wv.get_vecattr(key, "count") for key in ("d", "e")], [5, 6])
        with self.assertRaises(KeyError):
            wv.get_vecattr("a", "count")
        with self.assertRaises(KeyError):
            wv.set_vecattr("no such word", "x", 1)
        utc = datetime.timezone.utc
        noon = datetime.datetime(2024, 1, 31, 12, 0, 0, 250_000, utc)
        for value, back in (
            (2**53 + 1, 2**53 + 1),
            (-(2**63), -(2**63)),
            (3.0, 3.0),
            ([], []),
            (("a", "b"), ["a", "b"]),
            (np.array([1, 2**60]), [1, 2**60]),
            ([noon, noon], [noon, noon]),
            (noon, noon),
            (noon.astimezone(datetime.timezone(datetime.timedelta(hours=-5))), noon),
            (noon.replace(tzinfo=None), noon),
            (np.datetime64("2024-01-31T12:00:00.25"), noon),
            (datetime.date(2024, 1, 31), datetime.datetime(2024, 1, 31, tzinfo=utc)),
            (datetime.datetime.max.replace(tzinfo=utc), datetime.datetime.max.replace(tzinfo=utc)),
            (datetime.datetime(1, 1, 1, tzinfo=utc), datetime.datetime(1, 1, 1, tzinfo=utc)),
        ):
            wv.set_vecattr("a", "x", value)
            told = wv.get_vecattr("a", "x")
            self.assertEqual((told, type(told)), (back, type(back)))
        for value, error in (
            (2**63, ValueError),
            (np.datetime64("NaT"), ValueError),
            (np.datetime64("2024-01-31T12:00:00.000000001"), ValueError),
            ({"a": 1}, TypeError),
            (None, TypeError),
            ([[1]], wordspace.InvalidArgument),
            ([1, "a"], wordspace.InvalidArgument),
            ([1] * 257, wordspace.InvalidArgument),
        ):
            with self.subTest(value=value), self.assertRaises(error):
                wv.set_vecattr("a", "x", value)

    def test_positions_stay_true_after_deletions(self):
        from wordspace.v1 import common_pb2, table_pb2

        wv = small("deleting", words="abcdef", dim=6)
        request = table_pb2.DeleteWordsRequest(table="deleting")
        request.queries.append(common_pb2.WordOrVector(word="b"))
        support.client().services.TableService.DeleteWords(request)
        wv.refresh()
        self.assertEqual(wv.index_to_key, list("acdef"))
        self.assertEqual([wv.get_index(key) for key in "acdef"], [0, 1, 2, 3, 4])
        np.testing.assert_array_equal(wv[1], wv["c"])
        np.testing.assert_array_equal(wv.vectors[4], wv["f"])
        self.assertNotIn(5, wv)
        with self.assertRaises(KeyError):
            wv[5]
        self.assertEqual(sorted(wv.most_similar("a", clip_start=2, clip_end=4)), sorted(
            one for one in wv.most_similar("a") if one[0] in "de"
        ))

    def test_a_table_that_is_replaced_is_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "replaced.txt")
            file.write_text("a 1 0\nb 0 1\n")
            client = support.client()
            client.import_file(file, "replaced")
            wv = client["replaced"]
            self.assertEqual(wv.vectors.shape, (2, 2))
            file.write_text("x 1 0 2\ny 0 1 2\nz 3 3 3\n")
            client.import_file(file, "replaced", replace=True)
            self.assertEqual(wv.get_vector("x").tolist(), [1, 0, 2])
            self.assertEqual((wv.vector_size, wv.index_to_key), (3, ["x", "y", "z"]))
            self.assertEqual(wv.vectors.shape, (3, 3))

    def test_words_that_are_not_utf8_have_their_vectors(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "bytes.txt")
            file.write_bytes(b"caf\xe9 1 2\nplain 3 4\n")
            support.client().import_file(file, "bytes")
        wv = support.client()["bytes"]
        self.assertEqual(wv.index_to_key, ["caf\ufffd", "plain"])
        self.assertEqual(wv["caf\ufffd"].tolist(), [1, 2])
        self.assertEqual(wv.most_similar("caf\ufffd")[0][0], "plain")


class Files(unittest.TestCase):
    def test_word2vec_files_come_back_as_they_went(self):
        wv = small("saving")
        wv.set_vecattr("c", "count", 9)
        for binary in (False, True):
            with tempfile.TemporaryDirectory() as folder, self.subTest(binary=binary):
                file = pathlib.Path(folder, "saved.vec")
                wv.save_word2vec_format(file, binary=binary)
                again = wordspace.load_word2vec_format(
                    file, binary=binary, client=support.client(), table=f"saved-{binary}"
                )
                self.assertEqual(sorted(again.index_to_key), ["a", "b", "c"])
                for key in "abc":
                    np.testing.assert_array_equal(again[key], wv[key])
                exported = pathlib.Path(folder, "exported.npy")
                support.client().export_file("saving", exported, "NPY")
                np.testing.assert_array_equal(np.load(exported), wv.vectors)
                self.assertEqual(
                    pathlib.Path(folder, "exported.words.txt").read_text(), "a\nb\nc\n"
                )
                self.assertEqual(len(list(pathlib.Path(folder).iterdir())), 3)

    def test_files_with_wrong_bytes_and_counts(self):
        with tempfile.TemporaryDirectory() as folder:
            file, counts = pathlib.Path(folder, "x.txt"), pathlib.Path(folder, "x.vocab")
            file.write_bytes(b"2 2\ncaf\xe9 1 2\nplain 3 4\n")
            counts.write_bytes(b"caf\xe9 7\nplain 8\n")
            options = {"client": support.client()}
            with self.assertRaises(UnicodeDecodeError):
                wordspace.load_word2vec_format(file, table="x1", **options)
            for errors, word in (("replace", "caf\ufffd"), ("ignore", "caf")):
                wv = wordspace.load_word2vec_format(
                    file, counts, unicode_errors=errors, table=f"x-{errors}", **options
                )
                self.assertEqual(wv.index_to_key, [word, "plain"])
                self.assertEqual(wv.get_vecattr(word, "count"), 7)
            for wrong in ({"encoding": "latin1"}, {"datatype": np.float16}, {"unicode_errors": "x"}):
                with self.assertRaises(ValueError):
                    wordspace.load_word2vec_format(file, table="x2", **wrong, **options)
            with self.assertRaisesRegex(wordspace.InvalidArgument, "x.txt|line"):
                file.write_text("2 2\nplain 1 nonsense\nother 1 2\n")
                wordspace.load_word2vec_format(file, table="x3", **options)


class Batching(unittest.TestCase):
    def test_words_alone_go_as_they_are(self):
        self.assertTrue(_questions.words_alone(["a", "caf\u00e9", "\u738b", "x" * 125]))
        for other in (["a", ""], ["a", 3], ["a", "x" * 70_000], ["\ufffd"], ["\ud800"]):
            self.assertFalse(_questions.words_alone(other))

    def test_chunks_hold_what_a_message_may(self):
        chunks = list(_questions.lookup_chunks(["w"] * 6_000, 50))
        self.assertEqual([len(chunk) for chunk in chunks], [2_500, 2_500, 1_000])
        wide = list(_questions.lookup_chunks(["w"] * 100, 65_536))
        self.assertTrue(all(4 * 65_536 * len(chunk) <= _questions.VECTOR_BYTES for chunk in wide))
        long = list(_questions.lookup_chunks(["w" * 60_000] * 40, 50))
        self.assertTrue(all(60_000 * len(chunk) <= _questions.QUESTION_BYTES for chunk in long))
        self.assertEqual(sum(map(len, long)), 40)
        self.assertEqual(list(_questions.lookup_chunks([], 50)), [])


class Memory(unittest.TestCase):
    def test_calls_leave_nothing_behind(self):
        """A short form of `speed.py memory 1000000`."""
        if support.resident_bytes() is None:
            self.skipTest("this system does not tell how much memory a process has")
        wv = support.wv()
        words = wv.index_to_key[:500]

        def ask():
            for word in words:
                wv.get_vector(word)
                wv.similarity(word, "king")
            wv.get_vectors(words)

        for _ in range(3):
            ask()
        before = support.resident_bytes()
        for _ in range(6):
            ask()
        # 6,000 calls: half a kilobyte each would show.
        self.assertLess(support.resident_bytes() - before, 3 << 20)


if __name__ == "__main__":
    unittest.main()
