"""What other tools need for what `benches/training.rs` measures; one JSON line a measurement.

    pip install gensim==4.4.0
    python benches/training_peers.py TEXT [NAME...]     # TEXT: lines of words; NAME: gensim-sg, fasttext-sub, glove-c, ...

TEXT should be what the bench learns from: the first 7,000,000 tokens of corpus/en-large.tok.txt. Everything runs on one
thread with the settings of the bench: 100 components, window 5, 5 negatives, sample 1e-3, min_count 5, 5 epochs. gensim is
measured in this process; `fasttext`, `word2vec` and the four programs of GloVe are taken from $PATH or $PEERS_BIN where they
are there. Time is processor time of learning alone: what the vocabulary takes is measured by itself and taken off. Quality,
by gensim's test sets and evaluation, analogies among the first 30,000 words, is told of gensim's own models;
WORDSPACE_TRAIN_SEEDS sets from how many seeds (1).
"""
import json, os, resource, shutil, subprocess, sys, tempfile, time

TEXT, NAMES = sys.argv[1], sys.argv[2:]
SEEDS = int(os.environ.get("WORDSPACE_TRAIN_SEEDS", "1"))
EPOCHS, DIM, WINDOW, NEGATIVE, SAMPLE, MIN_COUNT = 5, 100, 5, 5, 1e-3, 5
TOKENS = sum(len(line.split()) for line in open(TEXT, "rb"))
TEST_SETS = os.path.join(os.environ.get("WORDSPACE_DATA") or os.path.expanduser("~/.cache/wordspace-data"), "gensim")
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"


def tell(peer, seed, cpu, count, unit="tokens", vectors=None):
    told = {"peer": peer, "seed": seed, "cpu_seconds": cpu, "counted": unit, "a_cpu_second": count / cpu}
    if vectors is not None:
        told.update(quality(vectors))
    print(json.dumps(told), flush=True)


def quality(vectors):
    pairs = lambda name: float(vectors.evaluate_word_pairs(f"{TEST_SETS}/{name}")[1][0])
    analogies = vectors.evaluate_word_analogies(f"{TEST_SETS}/questions-words.txt", restrict_vocab=30_000)[0]
    return {"wordsim": pairs("wordsim353.tsv"), "simlex": pairs("simlex999.txt"), "analogies": analogies}


def gensim(kind):
    from gensim.models import FastText, Word2Vec

    for seed in range(1, SEEDS + 1):
        of = dict(vector_size=DIM, window=WINDOW, min_count=MIN_COUNT, sample=SAMPLE, workers=1, seed=seed, epochs=EPOCHS,
                  sg=int(kind != "cbow"), alpha=0.05 if kind == "cbow" else 0.025,
                  hs=int(kind == "hs"), negative=0 if kind == "hs" else NEGATIVE)
        model = FastText(min_n=3, max_n=6, bucket=2_000_000, **of) if kind == "sub" else Word2Vec(**of)
        model.build_vocab(corpus_file=TEXT)
        began = time.process_time()
        model.train(corpus_file=TEXT, total_examples=model.corpus_count, total_words=model.corpus_total_words, epochs=EPOCHS)
        tell(f"gensim-{kind}", seed, time.process_time() - began, TOKENS * EPOCHS, vectors=model.wv)


def run(command, **streams):
    """The processor time of a program."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(part) for part in command], check=True, stderr=subprocess.DEVNULL,
                   **{"stdout": subprocess.DEVNULL, **streams})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def program(name):
    return shutil.which(name, path=os.environ.get("PEERS_BIN", "") + os.pathsep + os.environ["PATH"])


def fasttext(kind):
    with tempfile.TemporaryDirectory() as folder:
        grams = [3, 6] if kind == "sub" else [0, 0]
        command = [program("fasttext"), "cbow" if kind == "cbow" else "skipgram", "-input", TEXT, "-output", f"{folder}/v",
                   "-dim", DIM, "-ws", WINDOW, "-neg", NEGATIVE, "-t", SAMPLE, "-minCount", MIN_COUNT, "-thread", 1,
                   "-lr", 0.05 if kind == "cbow" else 0.025, "-minn", grams[0], "-maxn", grams[1], "-verbose", 0]
        if kind != "sub":
            command += ["-bucket", 1]
        reading = run(command + ["-epoch", 0])
        tell(f"fasttext-{kind}", 1, run(command + ["-epoch", EPOCHS]) - reading, TOKENS * EPOCHS)


def word2vec(kind):
    with tempfile.TemporaryDirectory() as folder:
        command = [program("word2vec"), "-train", TEXT, "-size", DIM, "-window", WINDOW, "-sample", SAMPLE, "-threads", 1,
                   "-min-count", MIN_COUNT]
        reading = run(command + ["-save-vocab", f"{folder}/words"])
        hs = int(kind == "hs")
        command += ["-output", f"{folder}/v", "-iter", EPOCHS, "-cbow", int(kind == "cbow"), "-hs", hs, "-negative",
                    0 if hs else NEGATIVE, "-alpha", 0.05 if kind == "cbow" else 0.025]
        tell(f"word2vec-{kind}", 1, run(command) - reading, TOKENS * EPOCHS)


def glove():
    epochs = 15
    with tempfile.TemporaryDirectory() as folder:
        at = lambda name: f"{folder}/{name}"
        quiet = ["-verbose", 0]
        run([program("vocab_count"), "-min-count", MIN_COUNT] + quiet, stdin=open(TEXT), stdout=open(at("words"), "w"))
        run([program("cooccur"), "-vocab-file", at("words"), "-window-size", 10] + quiet, stdin=open(TEXT),
            stdout=open(at("cells"), "wb"), cwd=folder)
        run([program("shuffle")] + quiet, stdin=open(at("cells"), "rb"), stdout=open(at("shuffled"), "wb"), cwd=folder)
        cells = os.path.getsize(at("shuffled")) // 16
        cpu = run([program("glove"), "-save-file", at("v"), "-threads", 1, "-input-file", at("shuffled"), "-x-max", 10, "-iter",
                   epochs, "-vector-size", DIM, "-vocab-file", at("words")] + quiet)
        tell("glove-c", 1, cpu, cells * epochs, "cells")


PEERS = {f"gensim-{kind}": (None, lambda kind=kind: gensim(kind)) for kind in ("sg", "cbow", "hs", "sub")}
PEERS |= {f"fasttext-{kind}": ("fasttext", lambda kind=kind: fasttext(kind)) for kind in ("sg", "cbow", "sub")}
PEERS |= {f"word2vec-{kind}": ("word2vec", lambda kind=kind: word2vec(kind)) for kind in ("sg", "cbow", "hs")}
PEERS["glove-c"] = ("vocab_count", glove)
for name, (needed, measure) in PEERS.items():
    if NAMES and name not in NAMES:
        continue
    if needed and not program(needed):
        print(json.dumps({"peer": name, "missing": needed}), flush=True)
        continue
    measure()
