"""Compares what wordspace reads with what the tools say that wrote the files.

    python -m venv /tmp/venv && /tmp/venv/bin/pip install gensim==4.4.0 fasttext-wheel==0.9.2 \\
        floret==0.10.5 h5py==3.16.0 pyarrow==26.0.1 safetensors==0.8.0 gguf==0.19.0 model2vec==0.10.0
    /tmp/venv/bin/python tests/data/formats/real.py target/debug/wordspace [FOLDER...]

Files are written by those tools into a temporary folder, from a model that fastText trains on this
repository's documents; every file of a FOLDER that gensim or fastText can load as vectors is compared
too (such as gensim's test_data). For each file: `inspect` must tell as many rows, the same first and
last word with the same vectors, and `convert` to a format that is written, and back from there to
word2vec-text, must give what the tool gives, every row of it. Prints a table in Markdown, and fails if
anything differs. Vectors are compared bit by bit, but where a tool computes them itself (means,
norms, quantized numbers): there to a relative 1e-6 of the vector's length.

If the program `fasttext` is there (Debian: apt-get install fasttext), its vectors of unseen words
and its neighbors are compared as well.
"""

import contextlib
import json
import os
import pathlib
import shutil
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(sys.argv[1]).resolve()
FOLDERS = [pathlib.Path(folder) for folder in sys.argv[2:]]
UNSEEN = ["embeddingish", "caf\u00e9s", "unwordspaced", "\u8bcd"]
EXACT, COMPUTED = 0.0, 1e-6


def main():
    failed = 0
    print("| file | written by | format | rows x dim | first .. last word | equal | written back as | seconds |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for case in [*made(folder), *found()]:
            line, ok = compare(case, folder)
            print(line, flush=True)
            failed += not ok
        failed += not against_fasttext(folder)
    sys.exit(1 if failed else 0)


class Case:
    """A file, what its tool says is in it, and how near the numbers must be."""

    def __init__(self, path, tool, words, vectors, tolerance=EXACT, back="csv", options=()):
        self.path, self.tool, self.words = pathlib.Path(path), tool, list(words)
        self.vectors = np.asarray(vectors, dtype=np.float32)
        self.tolerance, self.back, self.options = tolerance, back, list(options)


def wordspace(*arguments):
    run = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stderr.strip().splitlines()[-1] if run.stderr.strip() else "failed")
    return run.stdout


def compare(case, folder):
    begin = time.monotonic()
    name = case.path.name
    try:
        told = json.loads(wordspace("inspect", case.path, "--json", *case.options))
        seconds = time.monotonic() - begin
        size = f"{told['rows_kept']} x {told['dim']}"
        ends = f"{told['first'][0]['word']!r} .. {told['last'][-1]['word']!r}".replace("|", "\\|")
        problems = []
        if told["rows_kept"] != len(case.words):
            problems.append(f"{len(case.words)} rows expected")
        for mine, word, vector in [
            (told["first"][0], case.words[0], case.vectors[0]),
            (told["last"][-1], case.words[-1], case.vectors[-1]),
        ]:
            if mine["word"] != word:
                problems.append(f"{word!r} expected")
            elif not near(np.array(mine["vector"], np.float32), vector, case.tolerance):
                problems.append(f"another vector of {word!r}")
        back = folder / f"back-{name}.{case.back}"
        again = folder / f"back-{name}.jsonl"
        wordspace("convert", case.path, back, "--force", *case.options)
        wordspace("convert", back, again, "--force")
        words, vectors = read_json(again)
        if words != case.words:
            problems.append("other words after writing")
        elif not all(near(a, b, case.tolerance) for a, b in zip(vectors, case.vectors)):
            problems.append("other vectors after writing")
        equal = "yes" if not problems else "NO: " + "; ".join(problems)
        return row(name, case.tool, told["format"], size, ends, equal, case.back, seconds), not problems
    except Exception as error:
        return row(name, case.tool, "", "", "", f"NO: {error}", case.back, time.monotonic() - begin), False


def row(name, tool, form, size, ends, equal, back, seconds):
    return f"| {name} | {tool} | {form} | {size} | {ends} | {equal} | {back} | {seconds:.2f} |"


def near(mine, other, tolerance):
    if tolerance == EXACT:
        return np.array_equal(mine, other)
    return np.abs(mine - other).max(initial=0) <= tolerance * max(1e-30, np.linalg.norm(other))


def read_json(path):
    words, vectors = [], []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            fields = json.loads(line)
            words.append(fields["word"])
            vectors.append(np.array(fields["vector"], np.float32))
    return words, vectors


def made(folder):
    """Files written here and now, each by its own tool."""
    import fasttext
    import floret
    import gensim
    import gguf
    import h5py
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet
    import safetensors.numpy
    from gensim.models import KeyedVectors

    corpus = folder / "corpus.txt"
    texts = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("*.md"))]
    corpus.write_text("\n".join(texts), encoding="utf-8")
    arguments = {"model": "skipgram", "dim": 24, "bucket": 2000, "minCount": 2, "epoch": 100, "lr": 0.1, "thread": 1}
    with quiet():
        model = fasttext.train_unsupervised(str(corpus), **arguments)
        model.save_model(str(folder / "fasttext.bin"))
        words = model.get_words()
        vectors = np.stack([model.get_word_vector(word) for word in words])
        yield Case(folder / "fasttext.bin", "fasttext-wheel 0.9.2", words, vectors, COMPUTED)
        labels = folder / "labels.txt"
        lines = [f"__label__{i % 3} {line}" for i, line in enumerate("\n".join(texts).splitlines()) if line]
        labels.write_text("\n".join(lines), encoding="utf-8")
        small = fasttext.train_supervised(str(labels), dim=24, bucket=1000, minn=2, maxn=4, epoch=3, thread=1)
        small.quantize(input=str(labels), retrain=False, qnorm=True)
        small.save_model(str(folder / "fasttext.ftz"))
        loaded = fasttext.load_model(str(folder / "fasttext.ftz"))
        quantized = np.stack([loaded.get_word_vector(word) for word in loaded.get_words()])
        yield Case(folder / "fasttext.ftz", "fasttext-wheel 0.9.2", loaded.get_words(), quantized, COMPUTED)
        buckets = floret.train_unsupervised(str(corpus), mode="floret", hashCount=2, **arguments)
        buckets.save_floret_vectors(str(folder / "floret.floret"))
        # The tool gives the end of a sentence no n-grams; spaCy, which uses these files, and we do.
        plain = [word for word in words if word != "</s>"]
        (folder / "floret.words.txt").write_text("\n".join(plain) + "\n", encoding="utf-8")
        made_of = np.stack([buckets.get_word_vector(word) for word in plain])
        # The file has five digits.
        yield Case(folder / "floret.floret", f"floret {version('floret')}", plain, made_of, 1e-3)

    keyed = KeyedVectors(24)
    keyed.add_vectors(words, vectors)
    tool = f"gensim {gensim.__version__}"
    keyed.save_word2vec_format(folder / "gensim.bin", binary=True)
    yield Case(folder / "gensim.bin", tool, words, vectors, back="safetensors")
    keyed.save_word2vec_format(folder / "gensim.txt", binary=False)
    yield Case(folder / "gensim.txt", tool, words, vectors, back="tsv")
    keyed.save_word2vec_format(folder / "gensim.txt.gz", binary=False)
    yield Case(folder / "gensim.txt.gz", tool, words, vectors, back="npy")
    keyed.save_word2vec_format(folder / "headless.txt", binary=False, write_header=False)
    yield Case(folder / "headless.txt", tool, words, vectors, back="fifu")

    tool = f"numpy {np.__version__}"
    for kind, array in [
        ("f4", vectors),
        ("fortran", np.asfortranarray(vectors)),
        ("big", vectors.astype(">f4")),
        ("f2", vectors.astype(np.float16)),
        ("f8", vectors.astype(np.float64)),
    ]:
        np.save(folder / f"numpy-{kind}.npy", array)
        (folder / f"numpy-{kind}.words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
        yield Case(folder / f"numpy-{kind}.npy", tool, words, array, back="parquet")
    np.savez_compressed(folder / "numpy.npz", vectors=vectors, words=np.array(words))
    yield Case(folder / "numpy.npz", tool, words, vectors, back="jsonl")

    tool = f"pyarrow {pa.__version__}"
    lists = pa.array(list(vectors), pa.list_(pa.float32()))
    fixed = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), 24)
    names = pa.array(words)
    for packed in ["none", "snappy", "zstd", "gzip"]:
        path = folder / f"pyarrow-{packed}.parquet"
        pa.parquet.write_table(pa.table({"word": names, "vector": lists}), path, compression=packed)
        yield Case(path, tool, words, vectors, back="arrow")
    dictionary = pa.table({"vector": fixed, "token": names.dictionary_encode()})
    with pa.ipc.new_file(folder / "pyarrow.arrow", dictionary.schema) as file:
        file.write_table(dictionary, max_chunksize=100)
    yield Case(folder / "pyarrow.arrow", tool, words, vectors)
    with pa.ipc.new_stream(folder / "pyarrow.arrows", dictionary.schema) as file:
        file.write_table(dictionary, max_chunksize=100)
    yield Case(folder / "pyarrow.arrows", tool, words, vectors)

    tool = f"safetensors {version('safetensors')}"
    safetensors.numpy.save_file({"embedding.weight": vectors}, folder / "table.safetensors")
    (folder / "table.vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    yield Case(folder / "table.safetensors", tool, words, vectors)
    yield from static_model(folder, words, vectors)

    tool = f"gguf {version('gguf')}"
    for kind in ["F32", "F16", "Q8_0", "Q4_0"]:
        path = folder / f"gguf-{kind}.gguf"
        wide = np.tile(vectors, (1, 4))[:, :64].astype(np.float32)
        quantized = gguf.quants.quantize(wide, gguf.GGMLQuantizationType[kind])
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_tokenizer_model("llama")
        writer.add_token_list(words)
        writer.add_tensor("token_embd.weight", quantized, raw_dtype=gguf.GGMLQuantizationType[kind])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        numbers = gguf.quants.dequantize(quantized, gguf.GGMLQuantizationType[kind])
        yield Case(path, tool, words, numbers, COMPUTED if kind.startswith("Q") else EXACT)

    tool = f"h5py {h5py.__version__}"
    for name, options in [("plain", {}), ("gzip", {"chunks": (64, 7), "compression": "gzip", "shuffle": True})]:
        with h5py.File(folder / f"h5py-{name}.hdf5", "w") as file:
            file.attrs["distance"] = "angular"
            file.create_dataset("train", data=vectors, **options)
        yield Case(folder / f"h5py-{name}.hdf5", tool, [str(i) for i in range(len(words))], vectors)
    with open(folder / "table.fbin", "wb") as file:
        file.write(struct.pack("<2I", *vectors.shape) + vectors.tobytes())
    (folder / "table.words.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    yield Case(folder / "table.fbin", "numpy, as big-ann-benchmarks", words, vectors)
    yield magnitude(folder, words, vectors)


def static_model(folder, words, vectors):
    """A folder as model2vec saves it, with a mapping and weights."""
    import tokenizers
    from model2vec import StaticModel

    vocabulary = {"[UNK]": 0, "[PAD]": 1, **{word: i + 2 for i, word in enumerate(dict.fromkeys(words))}}
    inner = tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(inner)
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    table = np.vstack([np.zeros((2, 24), np.float32), vectors])
    half = table[: len(table) // 2 + 1]
    mapping = np.arange(len(table)) % len(half)
    weights = np.linspace(0.5, 1.5, len(table)).astype(np.float32)
    model = StaticModel(half, tokenizer, weights=weights, token_mapping=mapping)
    model.save_pretrained(str(folder / "model2vec"))
    mine = half[mapping] * weights[:, None]
    yield Case(folder / "model2vec", f"model2vec {version('model2vec')}", list(vocabulary), mine, COMPUTED)


def magnitude(folder, words, vectors):
    """By the schema of pymagnitude, whose wheels no longer build."""
    path, precision = folder / "table.magnitude", 7
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    units = np.round(vectors / lengths[:, None] * 10**precision).astype(np.int64)
    columns = [f"dim_{i}" for i in range(vectors.shape[1])]
    with contextlib.closing(sqlite3.connect(path)) as base:
        base.execute("CREATE TABLE magnitude_format (key TEXT COLLATE NOCASE, value INTEGER)")
        facts = [("size", len(words)), ("dim", vectors.shape[1]), ("precision", precision), ("version", 1)]
        base.executemany("INSERT INTO magnitude_format VALUES (?, ?)", facts)
        numbers = ", ".join(f"{column} INTEGER" for column in columns)
        base.execute(f"CREATE TABLE magnitude (key TEXT COLLATE NOCASE, {numbers}, magnitude REAL)")
        marks = ", ".join("?" * (len(columns) + 2))
        rows = [(w, *map(int, u), float(n)) for w, u, n in zip(words, units, lengths)]
        base.executemany(f"INSERT INTO magnitude VALUES ({marks})", rows)
        base.commit()
    numbers = (units / 10.0**precision * lengths[:, None]).astype(np.float32)
    return Case(path, "its SQLite schema", words, numbers, COMPUTED)


def found():
    """What gensim or fastText can load of the given folders."""
    import fasttext
    import gensim
    from gensim.models import KeyedVectors

    tool = f"gensim {gensim.__version__}"
    for path in sorted(path for folder in FOLDERS for path in folder.iterdir() if path.is_file()):
        if path.stat().st_size > 50_000_000:
            continue
        head = path.open("rb").read(4)
        if head == struct.pack("<i", 793712314):
            with contextlib.suppress(Exception), quiet():
                model = fasttext.load_model(str(path))
                words = model.get_words(on_unicode_error="replace")
                raw = [word.encode("utf-8", "surrogateescape") for word in words]
                if any(b"\xef\xbf\xbd" in word for word in raw):
                    raise ValueError("its words are not UTF-8, which the tool cannot hold")
                # A row without a word is left out, and counted.
                words = [word for word in words if word]
                vectors = [model.get_word_vector(word) for word in words]
                yield Case(path, "fastText", words, vectors, COMPUTED)
            continue
        for binary in [False, True]:
            try:
                keyed = KeyedVectors.load_word2vec_format(path, binary=binary)
            except Exception:
                continue
            if len(keyed) and "\ufffd" not in "".join(keyed.index_to_key):
                yield Case(path, f"read by {tool}", keyed.index_to_key, keyed.vectors)
                break


def against_fasttext(folder):
    """Unseen words and neighbors, by the program."""
    program = shutil.which("fasttext")
    if program is None:
        print("\nThe program fasttext is not there: its vectors of unseen words were not compared.")
        return True
    model = folder / "fasttext.bin"
    asked = "".join(word + "\n" for word in UNSEEN)
    out = subprocess.run([program, "print-word-vectors", model], input=asked, capture_output=True, text=True)
    told = json.loads(wordspace("inspect", model, "--json", "--word", *UNSEEN))["words"]
    worst = 0.0
    for line, mine in zip(out.stdout.splitlines(), told):
        theirs = np.array(line.split()[-24:], dtype=np.float32)
        mine = np.array(mine["vector"], np.float32)
        worst = max(worst, float(np.abs(mine - theirs).max() / np.abs(theirs).max()))
    # The program prints five digits.
    ok = len(told) == len(UNSEEN) and worst < 1e-4
    print(f"\nVectors of {len(UNSEEN)} unseen words against the program fasttext: "
          f"they differ by {worst:.1e} of the largest component ({'yes' if ok else 'NO'}).")
    return neighbors(folder, program, model) and ok


def neighbors(folder, program, model):
    """Ten neighbors of ten words, from a server."""
    words = [row["word"] for row in json.loads(wordspace("inspect", model, "--json"))["first"]]
    with served(folder) as server:
        wordspace("import", model, "--table", "t", "--server", server)
        same = asked = 0
        for word in [*words, *UNSEEN[:2]]:
            out = subprocess.run([program, "nn", model, "10"], input=word + "\n", capture_output=True, text=True)
            text = out.stdout.replace("Query word? ", "")
            theirs = [line.rsplit(" ", 1) for line in text.splitlines() if " " in line]
            answer = wordspace("nearest", word, "--table", "t", "-k", 10, "--exact", "--oov", "subword",
                               "--json", "--server", server)
            mine = [(n["word"], n["similarity"]) for n in json.loads(answer.splitlines()[0])["neighbors"]]
            asked += 1
            # The program compares in single precision: what is nearer together may change places.
            theirs = {name: float(similarity) for name, similarity in theirs}
            last = min(theirs.values(), default=0.0) + 1e-5
            alike = all(abs(theirs.get(name, last) - value) < 2e-5 for name, value in mine)
            same += alike and len(mine) == len(theirs) == 10
    print(f"Ten neighbors of {asked} words, two of them unseen, against the program fasttext: "
          f"{same} lists are the same.")
    return same == asked


@contextlib.contextmanager
def served(folder):
    server = subprocess.Popen([BINARY, "serve", "--data", folder / "data", "--listen", "127.0.0.1:0"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        for line in server.stdout:
            if "127.0.0.1:" in line:
                port = line.split("127.0.0.1:")[1].split()[0].strip(".,;\"'")
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def quiet():
    """Tools that write to the terminal from C++."""
    with open(os.devnull, "w") as nothing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = os.dup(2)
        os.dup2(nothing.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def version(package):
    from importlib.metadata import version as told

    return told(package)


if __name__ == "__main__":
    main()
