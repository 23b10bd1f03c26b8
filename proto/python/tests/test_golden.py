"""Answers equal gensim's: order equal, values within 1e-5. golden.py made them."""

import json
import math
import pathlib
import tempfile
import unittest

import golden
import numpy as np
import support

GOLDEN = json.loads((support.HERE / "golden.json").read_text())

CLOSE = 1e-5


def close(told, wanted):
    """Whether two answers are equal, numbers nearly."""
    if isinstance(wanted, dict) and "sum" in wanted:
        scale = CLOSE * wanted["len"]
        return (
            told["len"] == wanted["len"]
            and abs(told["sum"] - wanted["sum"]) <= scale
            and all(close(told[end], wanted[end]) for end in ("head", "tail"))
        )
    if isinstance(wanted, dict):
        return told.keys() == wanted.keys() and all(close(told[k], wanted[k]) for k in wanted)
    if isinstance(wanted, list):
        return len(told) == len(wanted) and all(map(close, told, wanted))
    if isinstance(wanted, float) and math.isnan(wanted):
        return math.isnan(told)
    if isinstance(wanted, float):
        return abs(told - wanted) <= CLOSE
    return told == wanted and type(told) is type(wanted)


class Golden(unittest.TestCase):
    def test_every_answer_and_error_is_gensims(self):
        wv = support.wv()
        for case in GOLDEN["cases"]:
            method, args, kwargs = case["method"], case["args"], case["kwargs"]
            with self.subTest(method=method, args=args, **kwargs):
                told = golden.asked(wv, method, args, kwargs)
                wanted = {name: case[name] for name in ("answer", "error", "message") if name in case}
                self.assertEqual(told.keys(), wanted.keys(), told)
                self.assertTrue(close(told, wanted), f"\n  told {told}\nwanted {wanted}")

    def test_the_golden_cases_are_those_that_the_script_has(self):
        there = [[one["method"], one["args"], one["kwargs"]] for one in GOLDEN["cases"]]
        self.assertEqual(there, json.loads(json.dumps(golden.CASES)))

    def test_evaluations_are_gensims(self):
        with tempfile.TemporaryDirectory() as folder:
            told = golden.evaluated(support.wv(), pathlib.Path(folder))
        for name, wanted in GOLDEN["evaluations"].items():
            with self.subTest(name):
                self.assertTrue(close(told[name], wanted), f"\n  told {told[name]}\nwanted {wanted}")

    def test_results_have_the_types_of_gensims(self):
        wv = support.wv()
        self.assertIs(type(wv.similarity("cat", "dog")), np.float32)
        self.assertIs(type(wv.rank("cat", "dog")), int)
        self.assertEqual(wv.get_vector("cat").dtype, np.float32)
        self.assertFalse(wv.get_vector("cat").flags.writeable)
        word, similarity = wv.most_similar("cat")[0]
        self.assertIs(type(word), str)
        self.assertIs(type(similarity), float)
        self.assertIsInstance(wv.most_similar("cat"), list)


if __name__ == "__main__":
    unittest.main()
