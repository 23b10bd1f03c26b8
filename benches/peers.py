#!/usr/bin/env python3
"""Measure peer engines on the vectors, questions and core that `cargo bench --bench search` uses.

    python3 benches/peers.py                    # fetch, prepare, measure hnswlib and faiss
    python3 benches/peers.py scann hnswlib      # these engines: hnswlib faiss scann svs

Needs about 2 GB below $WORDSPACE_DATA (default ~/.cache/wordspace-data): GloVe 6B 100d (Pennington et
al. 2014, Public Domain Dedication and License), a Python environment of its own, and in `bench/` the
files that the benchmark reads, little-endian and without header:

    vectors.f32          rows at length 1          words.u32             2,000 rows as questions
    analogies.f32        2,000 b - a + c, length 1 analogies.abc.u32     their rows
    texts.f32            2,000 means of 5 to 12 of the first 20,000 rows, length 1
    *.exact.u32          the 10 nearest rows of each question

One line of JSON a measurement, one thread, questions per second of processor time, best of 3.
"""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request
import zipfile

DATA = pathlib.Path(os.environ.get("WORDSPACE_DATA", pathlib.Path.home() / ".cache/wordspace-data"))
BENCH = DATA / "bench"
PYTHON = BENCH / "peers" / "bin" / "python"
PACKAGES = ["numpy", "hnswlib==0.8.0", "faiss-cpu==1.15.1", "scalable-vs==0.5.0", "scann==1.4.2"]
GLOVE = "https://nlp.stanford.edu/data/glove.6B.zip"
DIM, K, QUESTIONS = 100, 10, 2_000
EFS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
# Leaves that are searched, and rows whose distance is taken again.
SCANN_STEPS = [(12, 80), (16, 80), (24, 100), (32, 120), (48, 150), (64, 200), (96, 250), (128, 300)]


def environment():
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", PYTHON.parent.parent], check=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    if pathlib.Path(sys.prefix).resolve() != PYTHON.parent.parent.resolve():
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = "1"
        os.execv(PYTHON, [str(PYTHON), *sys.argv])


def fetch():
    text = DATA / "glove.6B.100d.txt"
    if not text.exists():
        archive = DATA / "glove.6B.zip"
        if not archive.exists():
            print(f"fetching {GLOVE} (862 MB)", file=sys.stderr)
            urllib.request.urlretrieve(GLOVE, archive)
        with zipfile.ZipFile(archive) as files:
            files.extract(text.name, DATA)
    return text


def nearest(np, rows, questions):
    found = []
    for start in range(0, len(questions), 100):
        similarity = questions[start : start + 100] @ rows.T
        top = np.argpartition(-similarity, K, axis=1)[:, :K]
        order = np.argsort(-np.take_along_axis(similarity, top, 1), axis=1, kind="stable")
        found.append(np.take_along_axis(top, order, 1))
    return np.concatenate(found).astype("<u4")


def prepare(np):
    if (BENCH / "texts.exact.u32").exists():
        return
    with open(fetch(), encoding="utf-8") as text:
        rows = np.array([line.rstrip("\n").rsplit(" ", DIM)[1:] for line in text], "<f4")
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    words = np.random.default_rng(7).choice(len(rows), QUESTIONS, replace=False)
    abc = np.random.default_rng(11).integers(0, 20_000, size=(QUESTIONS, 3))
    analogies = rows[abc[:, 1]] - rows[abc[:, 0]] + rows[abc[:, 2]]
    analogies /= np.linalg.norm(analogies, axis=1, keepdims=True)
    draw = np.random.default_rng(302)
    texts = [rows[draw.integers(0, 20_000, size=draw.integers(5, 13))].sum(0) for _ in range(QUESTIONS)]
    texts = np.array(texts) / np.linalg.norm(texts, axis=1, keepdims=True)
    files = {
        "vectors.f32": rows,
        "words.u32": words.astype("<u4"),
        "analogies.f32": analogies,
        "analogies.abc.u32": abc.astype("<u4"),
        "words.exact.u32": nearest(np, rows, rows[words]),
        "analogies.exact.u32": nearest(np, rows, analogies),
        "texts.f32": texts.astype("<f4"),
        "texts.exact.u32": nearest(np, rows, texts.astype("<f4")),
    }
    for name, values in files.items():
        values.tofile(BENCH / name)


def tell(**line):
    print(json.dumps(line), flush=True)


def sweep(np, engine, sets, search, parameters):
    for name, (questions, truth) in sets.items():
        for parameter in parameters:
            search(questions[:100], parameter)
            best = float("inf")
            for _ in range(3):
                began = time.process_time()
                found = np.asarray(search(questions, parameter))
                best = min(best, time.process_time() - began)
            recall = float((found[:, :, None] == truth[: len(questions), None, :]).any(1).mean())
            qps = round(len(questions) / best)
            tell(engine=engine, queries=name, parameter=parameter, recall=round(recall, 4), qps=qps)
            if recall > 0.995:
                break


def hnswlib(np, rows, sets):
    import hnswlib

    began = time.process_time()
    index = hnswlib.Index("ip", DIM)
    index.init_index(len(rows), ef_construction=200, M=16, random_seed=1)
    index.add_items(rows, num_threads=1)
    tell(engine="hnswlib M16 efc200", build_cpu_s=round(time.process_time() - began, 1))

    def search(questions, ef):
        index.set_ef(ef)
        return index.knn_query(questions, K, num_threads=1)[0]

    sweep(np, "hnswlib M16 efc200", sets, search, EFS)


def faiss(np, rows, sets):
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(DIM)
    index.add(rows)
    few = {name: (questions[:100], truth) for name, (questions, truth) in sets.items()}

    def one_by_one(questions, _):
        return np.concatenate([index.search(question[None], K)[1] for question in questions])

    sweep(np, "faiss flat, one by one", few, one_by_one, [0])
    sweep(np, "faiss flat, one batch", sets, lambda q, _: index.search(q, K)[1], [0])


def scann(np, rows, sets):
    import scann

    began = time.process_time()
    tree = dict(num_leaves=1_000, num_leaves_to_search=50, training_sample_size=250_000)
    builder = scann.scann_ops_pybind.builder(rows, K, "dot_product").tree(**tree)
    builder = builder.score_ah(2, anisotropic_quantization_threshold=0.2).reorder(100)
    index = builder.set_n_training_threads(1).build()
    tell(engine="scann 1000 leaves", build_cpu_s=round(time.process_time() - began, 1))

    def options(step):
        leaves, reordered = step
        return dict(
            final_num_neighbors=K, leaves_to_search=leaves, pre_reorder_num_neighbors=reordered
        )

    def one_by_one(questions, step):
        return [index.search(question, **options(step))[0] for question in questions]

    def together(questions, step):
        return index.search_batched(questions, **options(step))[0]

    sweep(np, "scann, one by one", sets, one_by_one, SCANN_STEPS)
    sweep(np, "scann, one batch", sets, together, SCANN_STEPS)


def svs(np, rows, sets):
    import svs

    began = time.process_time()
    file = str(BENCH / "vectors.fvecs")
    svs.write_vecs(rows, file)
    loader = svs.VectorDataLoader(file, svs.DataType.float32, dims=DIM)
    parameters = svs.VamanaBuildParameters(graph_max_degree=32, window_size=200, alpha=0.95)
    index = svs.Vamana.build(parameters, loader, svs.DistanceType.MIP, num_threads=1)
    tell(engine="svs Vamana R32 w200 f32", build_cpu_s=round(time.process_time() - began, 1))
    index.num_threads = 1

    def search(questions, window):
        index.search_window_size = window
        return index.search(questions, K)[0].astype(np.int64)

    sweep(np, "svs Vamana R32 w200 f32", sets, search, EFS)


def main():
    engines = {"hnswlib": hnswlib, "faiss": faiss, "scann": scann, "svs": svs}
    wanted = sys.argv[1:] or ["hnswlib", "faiss"]
    if unknown := [name for name in wanted if name not in engines]:
        sys.exit(f"no such engine: {', '.join(unknown)}\n\n{__doc__}")
    BENCH.mkdir(parents=True, exist_ok=True)
    environment()
    import numpy as np

    prepare(np)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(os.environ.get("CORE", "0"))})
    rows = np.fromfile(BENCH / "vectors.f32", "<f4").reshape(-1, DIM)
    words = rows[np.fromfile(BENCH / "words.u32", "<u4")]
    analogies = np.fromfile(BENCH / "analogies.f32", "<f4").reshape(-1, DIM)
    texts = np.fromfile(BENCH / "texts.f32", "<f4").reshape(-1, DIM)
    truth = {
        name: np.fromfile(BENCH / f"{name}.exact.u32", "<u4").reshape(-1, K)
        for name in ("words", "analogies", "texts")
    }
    questions = {"words": words, "analogies": analogies, "texts": texts}
    sets = {name: (questions[name], truth[name]) for name in questions}
    for name in wanted:
        engines[name](np, rows, sets)


if __name__ == "__main__":
    main()
