#!/usr/bin/env python3
"""How fast the client is on loopback: one JSON line a measurement.

    WORDSPACE_BINARY=target/release/wordspace python speed.py
"""

import json
import os
import pathlib
import statistics
import time

import support


def tell(what, **figures):
    print(json.dumps({"what": what, **figures}), flush=True)


def resident_bytes():
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) << 10


def each(call, arguments):
    """Milliseconds of single calls: the median, and that which 1 % pass."""
    taken = []
    for argument in arguments:
        start = time.perf_counter()
        call(argument)
        taken.append(1e3 * (time.perf_counter() - start))
    taken.sort()
    return {
        "calls": len(taken),
        "p50_ms": round(statistics.median(taken), 3),
        "p99_ms": round(taken[len(taken) * 99 // 100], 3),
    }


def main():
    wv = support.client(build="wanted").load("en")
    tell("server", binary=os.environ.get("WORDSPACE_BINARY", "wordspace"))
    keys = list(wv.index_to_key)
    # The neighbors of stored words are found in the background.
    for _ in range(600):
        if wv.most_similar("king").answered_by == "LIST":
            break
        time.sleep(0.1)
    words = keys[:3_000]
    each(wv.most_similar, words[:200])
    tell("most_similar of a word", **each(wv.most_similar, words))
    tell("most_similar of 2 - 1 words", **each(
        lambda word: wv.most_similar([word, "king"], ["man"]), words[:500]))
    tell("similarity", **each(lambda word: wv.similarity(word, "king"), words))
    tell("get_vector", **each(wv.get_vector, words))
    some = keys[:10_000]
    best = 1e9
    for _ in range(10):
        start = time.perf_counter()
        wv.get_vectors(some)
        best = min(best, time.perf_counter() - start)
    tell("get_vectors of 10,000 words", seconds=round(best, 4), vectors_per_second=round(10_000 / best))
    start = time.perf_counter()
    wv.refresh().vectors
    tell("vectors of 20,000 words", seconds=round(time.perf_counter() - start, 3))
    start = time.perf_counter()
    wv.most_similar_batch(words)
    tell("most_similar_batch", per_second=round(len(words) / (time.perf_counter() - start)))
    before = resident_bytes()
    for round_ in range(5):
        for word in words:
            wv.most_similar(word)
        wv.get_vectors(some)
        wv.n_similarity(words[:50], words[50:100])
        if round_ == 0:
            before = resident_bytes()
    tell("memory after 12,000 more calls", grown_bytes=resident_bytes() - before)


if __name__ == "__main__":
    main()
