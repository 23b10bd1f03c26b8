#!/usr/bin/env python3
"""How fast the client is on loopback: one JSON line a measurement.

    WORDSPACE_BINARY=target/release/wordspace python speed.py
    WORDSPACE_BINARY=target/release/wordspace python speed.py memory 1000000

The second makes so many calls and tells what the process keeps of them.
"""

import json
import os
import pathlib
import statistics
import sys
import time

import grpc
import numpy as np
import support

from wordspace.v1 import common_pb2, table_pb2


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


def fastest(call, rounds):
    """Seconds of the fastest of some calls."""
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def plainly(wv, words, at_once):
    """Vectors as grpcio alone brings them: numbers one by one in messages, then an array of them.
    `at_once` words are asked for in a call."""
    with grpc.insecure_channel(wv.client.address) as channel:
        lookup = channel.unary_unary(
            "/wordspace.v1.TableService/Lookup",
            request_serializer=table_pb2.LookupRequest.SerializeToString,
            response_deserializer=table_pb2.LookupResponse.FromString,
        )
        rows = []
        for start in range(0, len(words), at_once):
            piece = words[start : start + at_once]
            queries = [common_pb2.WordOrVector(word=word) for word in piece]
            answer = lookup(table_pb2.LookupRequest(table=wv.table, queries=queries))
            rows.extend([[x for x in one.vector.values] for one in answer.vectors])
    return np.array(rows, dtype=np.float32)


def memory(calls):
    """What a process keeps of calls, from when all kinds of them were made."""
    wv = support.wv()
    keys = list(wv.index_to_key)
    words = keys[:5_000]

    def some(count):
        for i in range(count):
            word = words[i % len(words)]
            if i % 1_000 == 0:
                wv.get_vectors(words)
            elif i % 10 == 0:
                wv.most_similar(word)
            else:
                wv.get_vector(word)

    some(10_000)
    first = resident_bytes()
    tell("memory after 10,000 calls", resident_bytes=first)
    start = time.perf_counter()
    most = first
    for done in range(0, calls, 100_000):
        some(min(100_000, calls - done))
        most = max(most, resident_bytes())
    tell(
        f"memory after {calls:,} more",
        resident_bytes=resident_bytes(),
        most_bytes=most,
        grown_bytes=resident_bytes() - first,
        calls_per_second=round(calls / (time.perf_counter() - start)),
    )


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
    best = fastest(lambda: wv.get_vectors(some), 20)
    tell("get_vectors of 10,000 words", seconds=round(best, 4), vectors_per_second=round(10_000 / best))
    # gRPC takes 4 MiB in one message where nothing else is said: 2,500 words. Or one word a call.
    for at_once, rounds in ((2_500, 5), (1, 1)):
        assert np.array_equal(plainly(wv, some, at_once), wv.get_vectors(some))
        slow = fastest(lambda: plainly(wv, some, at_once), rounds)
        tell(
            f"the same with grpcio alone, {at_once:,} a call",
            seconds=round(slow, 4),
            vectors_per_second=round(10_000 / slow),
            times_as_long=round(slow / best, 1),
        )
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
    if sys.argv[1:2] == ["memory"]:
        memory(int(sys.argv[2]))
    else:
        main()
