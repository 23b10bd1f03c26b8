#!/usr/bin/env python3
"""gensim's own tests of KeyedVectors, run against a server.

    pip install gensim==4.4.0
    WORDSPACE_BINARY=target/release/wordspace python gensim_own.py

`KeyedVectors(size)` makes a table, and files are imported with the counts that gensim makes up for words
which come without. Prints what does not pass; exits with 1 if that is more than what README.md lists.
"""

import itertools
import sys
import unittest

import gensim.models.keyedvectors
import gensim.test.test_keyedvectors as own
import support

import wordspace

# Looks for a count that was made up in what `vectors_for_all` returns.
KNOWN = {"test_vectors_for_all_without_copy_vecattrs"}
# Of what is gensim's alone: files that it pickled years ago, and functions that it calls within.
NOT_APPLICABLE = {"Gensim320Test", "LoadWord2VecFormatTest"}

NUMBERS = itertools.count()
GENSIM = gensim.models.keyedvectors.KeyedVectors


def table():
    return f"own-{next(NUMBERS)}"


class KeyedVectors:
    """In the place of gensim's."""

    def __new__(cls, vector_size):
        return support.client().create_table(table(), vector_size)

    @staticmethod
    def load_word2vec_format(fname, fvocab=None, **options):
        made = wordspace.load_word2vec_format(
            fname, fvocab, client=support.client(), table=table(), **options
        )
        if fvocab is None:
            keys = list(made.index_to_key)
            made.add_vectors(
                keys, made.vectors, {"count": list(range(len(keys), 0, -1))}, replace=True
            )
        return made


def main():
    support.client()
    own.KeyedVectors = gensim.models.KeyedVectors = KeyedVectors
    suite = unittest.TestSuite()
    left_out = []
    for test in itertools.chain(*unittest.defaultTestLoader.loadTestsFromModule(own)):
        if type(test).__name__ in NOT_APPLICABLE:
            left_out.append(test.id())
        else:
            suite.addTest(test)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    wrong = {test._testMethodName for test, _ in result.failures + result.errors}
    print(f"{result.testsRun - len(wrong)} of {result.testsRun} pass; not applicable: {left_out}")
    sys.exit(1 if wrong - KNOWN or result.skipped else 0)


if __name__ == "__main__":
    main()
