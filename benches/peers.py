#!/usr/bin/env python3
"""Measure peer engines on the vectors, questions and core that `cargo bench --bench search` uses.

    python3 benches/peers.py                    # fetch, prepare, measure hnswlib and faiss
    python3 benches/peers.py scann hnswlib      # these engines: hnswlib faiss faiss-ivf filter scann svs
    WORDSPACE_BENCH_SET=glove50 ...             # another table: glove50, minilm or made (250,000 x 300)
    WORDSPACE_BENCH_ROWS=50000 ...              # the first so many rows of one

Needs about 2 GB below $WORDSPACE_DATA (default ~/.cache/wordspace-data): GloVe 6B 100d (Pennington et
al. 2014, Public Domain Dedication and License), a Python environment of its own, and in `bench/`, or
`bench/NAME/` for another table, the files that the benchmark reads, little-endian and without header:

    dim.u32              components of a row
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
SET = os.environ.get("WORDSPACE_BENCH_SET", "")
ROWS = int(os.environ.get("WORDSPACE_BENCH_ROWS", "0"))
BENCH = DATA / "bench" / (f"{SET or 'glove100'}-{ROWS}" if ROWS else SET)
PYTHON = DATA / "bench" / "peers" / "bin" / "python"
PACKAGES = ["numpy", "hnswlib==0.8.0", "faiss-cpu==1.15.1", "scalable-vs==0.5.0", "scann==1.4.2"]
GLOVE = "https://nlp.stanford.edu/data/glove.6B.zip"
MINILM = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2/resolve/main/model.safetensors"
K, QUESTIONS = 10, 2_000
EFS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768]
# Leaves that are searched, and rows whose distance is taken again.
SCANN_STEPS = [(12, 80), (16, 80), (24, 100), (32, 120), (48, 150), (64, 200), (96, 250), (128, 300), (192, 400), (256, 500)]


def environment():
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", PYTHON.parent.parent], check=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    if pathlib.Path(sys.prefix).resolve() != PYTHON.parent.parent.resolve():
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = "1"
        os.execv(PYTHON, [str(PYTHON), *sys.argv])


def glove(dim):
    text = DATA / f"glove.6B.{dim}d.txt"
    if not text.exists():
        archive = DATA / "glove.6B.zip"
        if not archive.exists():
            print(f"fetching {GLOVE} (862 MB)", file=sys.stderr)
            urllib.request.urlretrieve(GLOVE, archive)
        with zipfile.ZipFile(archive) as files:
            files.extract(text.name, DATA)
    with open(text, encoding="utf-8") as lines:
        return [line.rstrip("\n").rsplit(" ", dim)[1:] for line in lines]


def read_rows(np):
    """The rows of the table as they are, the most frequent words first where they are words."""
    if SET == "":
        return np.array(glove(100), "<f4")
    if SET == "glove50":
        kept = DATA / "glove.6B.50d.npy"
        return np.load(kept).astype("<f4") if kept.exists() else np.array(glove(50), "<f4")
    if SET == "minilm":
        file = DATA / "minilm" / "model.safetensors"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            urllib.request.urlretrieve(MINILM, file)
        with open(file, "rb") as content:
            header = json.loads(content.read(int.from_bytes(content.read(8), "little")))
            tensor = header["embeddings.word_embeddings.weight"]
            begin, end = tensor["data_offsets"]
            content.seek(begin, os.SEEK_CUR)
            return np.frombuffer(content.read(end - begin), "<f4").reshape(tensor["shape"])
    if SET == "made":
        # Clusters of 1 to 1,000 rows, of several widths.
        draw = np.random.default_rng(5)
        sizes = np.clip(draw.zipf(1.6, size=25_000), 1, 1_000)
        centers = draw.standard_normal((len(sizes), 300))
        widths = draw.uniform(0.3, 1.0, size=len(sizes))
        of = np.repeat(np.arange(len(sizes)), sizes)
        of = draw.permutation(np.resize(of, 250_000))
        return (centers[of] + widths[of, None] * draw.standard_normal((len(of), 300))).astype("<f4")
    sys.exit(f"no such table: {SET}\n\n{__doc__}")


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
    rows = read_rows(np).copy()
    if ROWS:
        rows = rows[:ROWS]
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    rows /= np.where(norms > 0, norms, 1)
    few = min(20_000, len(rows))
    words = np.random.default_rng(7).choice(len(rows), QUESTIONS, replace=False)
    abc = np.random.default_rng(11).integers(0, few, size=(QUESTIONS, 3))
    analogies = rows[abc[:, 1]] - rows[abc[:, 0]] + rows[abc[:, 2]]
    analogies /= np.linalg.norm(analogies, axis=1, keepdims=True)
    draw = np.random.default_rng(302)
    texts = [rows[draw.integers(0, few, size=draw.integers(5, 13))].sum(0) for _ in range(QUESTIONS)]
    texts = np.array(texts) / np.linalg.norm(texts, axis=1, keepdims=True)
    files = {
        "dim.u32": np.array([rows.shape[1]], "<u4"),
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
    index = hnswlib.Index("ip", rows.shape[1])
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
    index = faiss.IndexFlatIP(rows.shape[1])
    index.add(rows)
    few = {name: (questions[:100], truth) for name, (questions, truth) in sets.items()}

    def one_by_one(questions, _):
        return np.concatenate([index.search(question[None], K)[1] for question in questions])

    sweep(np, "faiss flat, one by one", few, one_by_one, [0])
    sweep(np, "faiss flat, one batch", sets, lambda q, _: index.search(q, K)[1], [0])


def ivf(np, rows, kind):
    import faiss

    faiss.omp_set_num_threads(1)
    began = time.process_time()
    index = faiss.index_factory(rows.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add(rows)
    tell(engine=f"faiss {kind}", build_cpu_s=round(time.process_time() - began, 1))
    return index


def faiss_ivf(np, rows, sets):
    import faiss

    leaves = max(64, int(2 * len(rows) ** 0.5))
    kind = f"IVF{leaves},PQ{rows.shape[1] // 2}x4fs,RFlat"
    index = ivf(np, rows, kind)

    def options(step):
        nprobe, reordered = step
        inner = faiss.SearchParametersIVF(nprobe=nprobe)
        return faiss.IndexRefineSearchParameters(k_factor=reordered / K, base_index_params=inner)

    def one_by_one(questions, step):
        params = options(step)
        return np.concatenate([index.search(one[None], K, params=params)[1] for one in questions])

    def together(questions, step):
        return index.search(questions, K, params=options(step))[1]

    sweep(np, f"faiss {kind}, one by one", sets, one_by_one, SCANN_STEPS)
    sweep(np, f"faiss {kind}, one batch", sets, together, SCANN_STEPS)


def filter(np, rows, sets):
    """The nearest of those rows that a filter lets through, the filters of the benchmark."""
    import faiss

    index = ivf(np, rows, f"IVF{max(64, int(2 * len(rows) ** 0.5))},Flat")
    graph = ivf(np, rows, "HNSW16,Flat")
    questions = sets["analogies"][0][:200]
    numbers = np.arange(len(rows), dtype=np.uint64)
    for part in (2, 10, 100, 1_000):
        count = len(rows) // part
        kinds = {
            "random": ((numbers * np.uint64(2_654_435_761)) >> np.uint64(7)) % np.uint64(part) == 0,
            "frequent": numbers < count,
            "rare": numbers >= len(rows) - count,
        }
        for kind, allowed in kinds.items():
            places = np.flatnonzero(allowed).astype("<u4")
            truth = places[nearest(np, rows[places], questions)]
            chosen = faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))

            def by_leaves(questions, nprobe):
                params = faiss.SearchParametersIVF(sel=chosen, nprobe=nprobe)
                return np.concatenate([index.search(q[None], K, params=params)[1] for q in questions])

            def by_graph(questions, ef):
                params = faiss.SearchParametersHNSW(sel=chosen, efSearch=ef)
                return np.concatenate([graph.search(q[None], K, params=params)[1] for q in questions])

            of = {f"analogies, {kind}, one of {part}": (questions, truth)}
            sweep(np, "faiss IVF,Flat", of, by_leaves, [16, 32, 64, 128, 256, 512])
            sweep(np, "faiss HNSW16", of, by_graph, [32, 64, 128, 256, 512])


def scann(np, rows, sets):
    import scann

    began = time.process_time()
    tree = dict(num_leaves=min(1_000, len(rows) // 30), num_leaves_to_search=50, training_sample_size=250_000)
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
    loader = svs.VectorDataLoader(file, svs.DataType.float32, dims=rows.shape[1])
    parameters = svs.VamanaBuildParameters(graph_max_degree=32, window_size=200, alpha=0.95)
    index = svs.Vamana.build(parameters, loader, svs.DistanceType.MIP, num_threads=1)
    tell(engine="svs Vamana R32 w200 f32", build_cpu_s=round(time.process_time() - began, 1))
    index.num_threads = 1

    def search(questions, window):
        index.search_window_size = window
        return index.search(questions, K)[0].astype(np.int64)

    sweep(np, "svs Vamana R32 w200 f32", sets, search, EFS)


def main():
    engines = {
        "hnswlib": hnswlib,
        "faiss": faiss,
        "faiss-ivf": faiss_ivf,
        "filter": filter,
        "scann": scann,
        "svs": svs,
    }
    wanted = sys.argv[1:] or ["hnswlib", "faiss"]
    if unknown := [name for name in wanted if name not in engines]:
        sys.exit(f"no such engine: {', '.join(unknown)}\n\n{__doc__}")
    BENCH.mkdir(parents=True, exist_ok=True)
    environment()
    import numpy as np

    prepare(np)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(os.environ.get("CORE", "0"))})
    dim = int(np.fromfile(BENCH / "dim.u32", "<u4")[0])
    rows = np.fromfile(BENCH / "vectors.f32", "<f4").reshape(-1, dim)
    words = rows[np.fromfile(BENCH / "words.u32", "<u4")]
    analogies = np.fromfile(BENCH / "analogies.f32", "<f4").reshape(-1, dim)
    texts = np.fromfile(BENCH / "texts.f32", "<f4").reshape(-1, dim)
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
