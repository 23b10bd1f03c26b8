"""Has a program of wordspace write a small data folder, and packs it: see README.md.

    python3 tests/data/folders/make.py target/debug/wordspace tests/data/folders/format-2.zip

Python 3 alone is enough. A part that a program does not know yet is told and left out.
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import zipfile

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "king", "walk", "##ing"]
# Every file of the archive has this date: the same folder makes the same archive.
DATE = (1980, 1, 1, 0, 0, 0)


def fasttext():
    """The words `a`, `</s>` and one that is not UTF-8, and two buckets."""
    args = struct.pack("<12i", 2, 5, 5, 1, 5, 1, 2, 1, 2, 1, 3, 100) + struct.pack("<d", 1e-4)
    entries = [(b"a", 0), (b"</s>", 0), (b"\xffz", 0), (b"__label__x", 1)]
    words = b"".join(word + b"\0" + struct.pack("<qB", 3, kind) for word, kind in entries)
    rows = [1, 2, 3, 4, 5, 6, 10, 20, 100, 200]
    return (
        struct.pack("<2i", 793712314, 12) + args + struct.pack("<3i2q", 4, 3, 1, 9, -1) + words
        + b"\0" + struct.pack("<2q", 5, 2) + struct.pack("<10f", *rows)
    )


def safetensors():
    """A checkpoint of BERT's with three components."""

    def numbers(seed, rows):
        return [(i * 7 + seed * 13) % 23 / 8 - 1 for i in range(rows * 3)]

    shapes = [
        ("word_embeddings.weight", [9, 3]),
        ("position_embeddings.weight", [9, 3]),
        ("token_type_embeddings.weight", [2, 3]),
        ("LayerNorm.weight", [3]),
        ("LayerNorm.bias", [3]),
    ]
    header, data = {}, b""
    for seed, (name, shape) in enumerate(shapes, 1):
        values = numbers(seed, shape[0] if len(shape) == 2 else 1)
        start = len(data)
        data += struct.pack(f"<{len(values)}f", *values)
        offsets = [start, len(data)]
        header["bert.embeddings." + name] = {"dtype": "F32", "shape": shape, "data_offsets": offsets}
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tokenizer():
    special = [
        {"id": i, "content": TOKENS[i], "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": True}
        for i in range(4)
    ]
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": special,
        "normalizer": None, "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]},
        "decoder": None,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {token: i for i, token in enumerate(TOKENS)}},
    }).encode()


def glove(words, dim):
    """Words and numbers that follow from their place."""
    lines = []
    for i in range(words):
        values = [((i * 31 + j * 17) % 101 - 50) / 16 for j in range(dim)]
        lines.append(f"w{i} " + " ".join(f"{value:.4f}" for value in values) + "\n")
    return "".join(lines).encode()


class Server:
    """A program on a folder."""

    def __init__(self, program, data):
        self.program = program
        self.process = subprocess.Popen(
            [program, "serve", "--data", data, "--listen", "127.0.0.1:0"],
            stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"})
        for line in self.process.stderr:
            if "http://" in line:
                self.url = "http://" + line.split("http://")[1].split()[0]
                return
        sys.exit("the server did not start")

    def ask(self, *args, may_fail=False):
        told = subprocess.run([self.program, *args, "--server", self.url], capture_output=True, text=True)
        if told.returncode and may_fail:
            print("left out:", " ".join(args), told.stderr.strip().splitlines()[:1])
        elif told.returncode:
            sys.exit(f"{args}: {told.stderr}")

    def stop(self):
        self.process.terminate()
        self.process.communicate()

    def kill(self):
        self.process.kill()
        self.process.communicate()


def main(program, archive):
    program = str(pathlib.Path(program).resolve())
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        data, files = work / "data", work / "files"
        files.mkdir()

        def file(name, content):
            path = files / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            return str(path)

        server = Server(program, str(data))
        ask = server.ask
        # A table as imported, with attributes of two rows; some rows of 300 components.
        ask("import", file("counted.txt", glove(30, 4)), "--table", "counted", "--license", "CC0-1.0",
            "--counts", file("counts.txt", b"w3 12\nw7 1\n"))
        ask("import", file("wide.txt", glove(20, 300)), "--table", "wide")
        # Sub-words; a tokenizer and tables of positions that come with a checkpoint.
        ask("import", file("small.bin", fasttext()), "--table", "subwords")
        file("bert/config.json", json.dumps({
            "model_type": "bert", "layer_norm_eps": 0.001, "pad_token_id": 0}).encode())
        file("bert/tokenizer.json", tokenizer())
        ask("import", str(pathlib.Path(file("bert/model.safetensors", safetensors())).parent),
            "--table", "bert")
        # Writes that stand in the journal, and writes that a rebuild took in, with some since.
        for table in ["written", "rebuilt"]:
            ask("import", file(f"{table}.txt", glove(25, 3)), "--table", table)
            ask("put", "--table", table, "new", "0.25", "-0", "1e-40", "--set", "pos=IN", "--set", "n=2.5")
            ask("put", "--table", table, "--file", file("more.txt", glove(40, 3)), "--set", "seen=true")
            ask("delete-words", "--table", table, "w3", "w30")
            ask("set-attributes", "--table", table, "new", "w4", "--set", "pos=N\u00e9", "--remove", "n")
        ask("index", "--table", "rebuilt", "--build", "--wait")
        ask("put", "--table", "rebuilt", "newer", "1", "2", "3", "--update-only", may_fail=True)
        ask("put", "--table", "rebuilt", "newer", "1", "2", "3")
        ask("delete-words", "--table", "rebuilt", "w0")
        # What was replaced and deleted must not come back.
        ask("import", file("old.txt", glove(9, 2)), "--table", "replaced")
        ask("import", file("new.txt", glove(5, 3)), "--table", "replaced", "--replace")
        ask("import", file("gone.txt", glove(9, 2)), "--table", "gone")
        ask("delete", "gone", "--yes")
        # Shelves.
        ask("tokenizer", "add", "vocab", file("vocab.txt", b"[UNK]\nking\nwalk\n##ing\n"))
        ask("tokenizer", "add", "gone", "--kind", "characters")
        ask("tokenizer", "remove", "gone")
        ask("tokenizer", "default", "--table", "written", "vocab", may_fail=True)
        ask("evaluate", "sets", "add", "pairs", file("pairs.txt", b"w1\tw2\t3.5\nw4\tw5\t9\n"),
            "--kind", "pairs", "--source", "a test", may_fail=True)
        server.stop()
        # Sled begins anew from a snapshot; what follows stands in its log alone, behind a kill.
        server = Server(program, str(data))
        server.ask("put", "--table", "written", "last", "3", "2", "1")
        server.ask("import", str(files / "new.txt"), "--table", "late")
        server.kill()

        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for path in sorted(data.rglob("*")):
                name = path.relative_to(data).as_posix()
                if path.is_file():
                    packed.writestr(zipfile.ZipInfo(name, DATE), path.read_bytes(), zipfile.ZIP_DEFLATED, 9)
                else:
                    packed.writestr(zipfile.ZipInfo(name + "/", DATE), b"")
    print(archive, pathlib.Path(archive).stat().st_size)


main(*sys.argv[1:])
