"""Reads every file of gensim's test data, and compares what comes with what gensim loads.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install gensim==4.4.0
    DATA=/tmp/venv/lib/python3.11/site-packages/gensim/test/test_data
    /tmp/venv/bin/python tests/data/formats/gensim_data.py target/debug/wordspace $DATA

Each file is converted to CSV, which carries words that are not UTF-8, and each word's vector compared: bit by
bit where the file has it, and to a relative 1e-6 of its length where it is a mean. Of a file of fastText,
neither "</s>" is compared, which has no n-grams in fastText and has some in gensim, nor words that are not
UTF-8, whose n-grams gensim takes from another spelling; nor an empty word. Prints a table in Markdown of
every file: equal, read though gensim loads no word vectors from it, or refused and with which sentence; and
the counts. Fails if a file is read otherwise than gensim does, or is refused though gensim loads word vectors
from it.
"""

import contextlib
import csv
import io
import pathlib
import signal
import subprocess
import sys
import tempfile
import warnings

import numpy as np

BINARY = pathlib.Path(sys.argv[1]).resolve()
FOLDER = pathlib.Path(sys.argv[2])
SECONDS = 30  # of the program, and of each call of gensim, some of which read on and on


def main():
    csv.field_size_limit(1 << 30)
    signal.signal(signal.SIGALRM, too_long)
    counts = {}
    print("| file | result | |\n| --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out.csv"
        for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
            result, detail = compare(path, out)
            counts[result] = counts.get(result, 0) + 1
            detail = detail.replace("|", "\\|")
            print(f"| {path.relative_to(FOLDER)} | {result} | {detail} |", flush=True)
    print("\n" + ", ".join(f"{count} {result}" for result, count in sorted(counts.items())))
    sys.exit(1 if any(result.isupper() for result in counts) else 0)


def compare(path, out):
    command = [BINARY, "convert", path, out, "--force", "--on-invalid", "skip"]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "BROKEN", f"no end after {SECONDS} seconds"
    theirs = loaded(path)
    if run.returncode != 0:
        sentence = (run.stderr.strip().splitlines() or ["no sentence"])[0].removeprefix("error: ")
        if run.returncode not in (1, 2) or "panicked" in run.stderr:
            return "BROKEN", sentence
        return ("REFUSED" if theirs is not None else "refused"), sentence
    mine = read(out)
    if theirs is None:
        return "read, not by gensim", f"{len(mine)} rows"
    how, theirs, is_computed = theirs
    theirs.pop("", None)
    if list(mine) != list(theirs):
        missing = [word for word in theirs if word not in mine][:3]
        return "DIFFERENT", f"{len(mine)} words, {how} has {len(theirs)}; without {missing}"
    for word, vector in theirs.items():
        if how == "load_facebook_vectors" and (word == "</s>" or "\\x" in word):
            continue
        if not near(mine[word], vector, is_computed):
            return "DIFFERENT", f"another vector of {word!r} than {how}"
    return "equal", f"{len(mine)} rows, {how}"


def near(mine, other, is_computed):
    if mine.shape != other.shape:
        return False
    if not is_computed:
        return np.array_equal(mine, other)
    return np.abs(mine - other).max(initial=0) <= 1e-6 * max(1e-30, np.linalg.norm(other))


def read(path):
    with open(path, encoding="utf-8", errors="backslashreplace", newline="") as lines:
        header, *records = csv.reader(lines)
    dim = sum(name.isdigit() for name in header[1:])
    return {word: np.array(fields[:dim], np.float32) for word, *fields in records}


def too_long(*_):
    raise TimeoutError


def loaded(path):
    """What gensim loads as word vectors, and by which call; none if nothing does."""
    from gensim.models import FastText, KeyedVectors, Word2Vec, fasttext
    from gensim.utils import unpickle

    def of_pickle():
        model = KeyedVectors.load(str(path))
        return getattr(model, "wv", getattr(model, "kv", model))

    def of_word2vec(binary):
        return KeyedVectors.load_word2vec_format(str(path), binary=binary, unicode_errors="backslashreplace")

    calls = [
        ("KeyedVectors.load", of_pickle),
        ("Word2Vec.load", lambda: Word2Vec.load(str(path)).wv),
        ("FastText.load", lambda: FastText.load(str(path)).wv),
        ("load_facebook_vectors", lambda: fasttext.load_facebook_vectors(str(path))),
        ("load_word2vec_format", lambda: of_word2vec(binary=False)),
        ("load_word2vec_format(binary=True)", lambda: of_word2vec(binary=True)),
    ]
    for name, call in calls:
        signal.alarm(SECONDS)
        try:
            with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
                warnings.simplefilter("ignore")
                vectors = call()
            words = [word if isinstance(word, str) else str(word) for word in vectors.index_to_key]
            rows = np.asarray(vectors.vectors, np.float32)
            if not words or len(words) > len(rows):
                continue
            return name, dict(zip(words, rows)), "Fast" in type(vectors).__name__
        except BaseException:  # whatever an old pickle does
            continue
        finally:
            signal.alarm(0)
    with contextlib.suppress(BaseException):
        model = unpickle(str(path))
        if isinstance(model, dict) and all(isinstance(value, np.ndarray) and value.ndim == 1 for value in model.values()):
            return "a dictionary", {str(word): np.asarray(row, np.float32) for word, row in model.items()}, False
    return None


if __name__ == "__main__":
    main()
