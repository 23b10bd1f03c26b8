"""Writes the five-word table of this folder in every layout that is met in the wild.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install gensim==4.4.0 h5py==3.16.0
    /tmp/venv/bin/python tests/data/formats/make.py

Written by gensim 4.4.0 itself (KeyedVectors.save_word2vec_format): gensim.txt and gensim.bin;
gensim.txt.gz is the former without the time that gensim would pack with it. Laid out by this script, byte for byte as the C tools do: word2vec-c.txt and
word2vec-c.bin (word2vec.c: a space behind every number, a newline behind every row), glove.txt
(GloVe: no header), glove-two-members.txt.gz (the same, as two gzip files one behind the other),
tabs-crlf.txt (a header and rows with tabs, and CRLF).

Written by h5py 3.16.0: ann.hdf5, laid out as ann-benchmarks does (a data set in one piece, a text as
attribute), with the same array also packed in chunks, as doubles, and in a group; new.hdf5, with
the newest version of everything.

Every value is a multiple of 1/64, so that six decimals are exact. Little-endian, 10.0 has a byte
0x20 and 8.625 a byte 0x0A. The second word has a no-break space, the third is not UTF-8 (it was
cut within a character), and so gensim cannot write it: it gets another third word.
"""

import gzip
import pathlib
import struct

import gensim
import h5py
import numpy as np

FOLDER = pathlib.Path(__file__).parent
WORDS = [b"</s>", "caf\u00e9\u00a0noir".encode(), "\u3042\u308a".encode()[:-1], b"the", b"<unk>"]
VECTORS = [
    [0.5, -0.25, 10.0, 0.0],
    [8.625, 10.0, -8.625, 0.015625],
    [-1.5, 2.25, 3.0, -4.75],
    [0.125, 0.0, -0.0, 1.0],
    [-0.015625, 64.0, -128.5, 7.0],
]


def main():
    assert gensim.__version__ == "4.4.0", gensim.__version__
    keyed = gensim.models.KeyedVectors(4)
    words = [word.decode() if word != WORDS[2] else "\u3042\u308a" for word in WORDS]
    keyed.add_vectors(words, np.array(VECTORS, dtype=np.float32))
    text, binary = FOLDER / "gensim.txt", FOLDER / "gensim.bin"
    keyed.save_word2vec_format(text, binary=False, write_header=True, sort_attr=None)
    keyed.save_word2vec_format(binary, binary=True, write_header=True, sort_attr=None)
    pack("gensim.txt.gz", text.read_bytes())

    rows = list(zip(WORDS, VECTORS))
    write("word2vec-c.txt", b"5 4\n" + b"".join(w + b" " + c_text(v) + b"\n" for w, v in rows))
    packed = (w + b" " + struct.pack("<4f", *v) + b"\n" for w, v in rows)
    write("word2vec-c.bin", b"5 4\n" + b"".join(packed))
    lines = [w + b" " + c_text(v).rstrip() + b"\n" for w, v in rows]
    write("glove.txt", b"".join(lines))
    pack("glove-two-members.txt.gz", b"".join(lines[:2]), b"".join(lines[2:]))
    tabs = b"5\t4\r\n" + b"".join(line.replace(b" ", b"\t").replace(b"\n", b"\r\n") for line in lines)
    write("tabs-crlf.txt", tabs)
    hdf5()
    keras()


def keras():
    """The weights of a model, laid out as Keras 3 does, with the two states that Adam keeps of each."""
    table = numpy.arange(10, dtype="f4").reshape(5, 2)
    with h5py.File(FOLDER / "keras.weights.h5", "w") as file:
        file.create_group("_layer_checkpoint_dependencies")
        file["layers/embedding/vars/0"] = table
        file["layers/dense/vars/0"] = numpy.ones((2, 3), "f4")
        file["optimizer/vars/1"] = table * 0
        file["optimizer/vars/2"] = table * 0


def hdf5():
    array = np.array(VECTORS, dtype=np.float32)
    with h5py.File(FOLDER / "ann.hdf5", "w") as file:
        file.attrs["type"] = "dense"
        file.attrs["distance"] = "euclidean"
        file["train"] = array
        file["test"] = array[:2]
        file["neighbors"] = np.zeros((2, 3), dtype=np.int32)
        packed = {"chunks": (2, 3), "compression": "gzip", "shuffle": True, "fletcher32": True}
        file.create_dataset("packed", data=array, **packed)
        file["more/doubles"] = array.astype(">f8")
    with h5py.File(FOLDER / "new.hdf5", "w", libver="latest") as file:
        file.attrs["distance"] = "angular"
        file["vectors"] = array.astype(np.float16)


def c_text(vector):
    return b"".join(b"%f " % value for value in vector)


def write(name, data):
    (FOLDER / name).write_bytes(data)


def pack(name, *members):
    write(name, b"".join(gzip.compress(member, mtime=0) for member in members))


main()
