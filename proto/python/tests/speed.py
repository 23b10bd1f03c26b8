#!/usr/bin/env python3
"""How fast the client is on loopback: one JSON line a measurement.

    WORDSPACE_BINARY=target/release/wordspace python speed.py
    python speed.py http://127.0.0.1:50051
    WORDSPACE_BINARY=target/release/wordspace python speed.py memory 1000000

The first starts a server with the bundled vectors, of 20,000 words and 50 components; the second asks the
table `en` of one that runs. The last makes so many calls and tells what the process keeps of them.
"""

import functools
import json
import statistics
import sys
import time

import grpc
import numpy as np
import support

import wordspace
from wordspace.v1 import common_pb2, table_pb2


def tell(what, **figures):
    print(json.dumps({"what": what, **figures}), flush=True)


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


def median(call, rounds=5):
    """Seconds that a call takes, of some calls after a first one, and of these the seconds of this
    process's own work."""
    call()
    walls, works = [], []
    for _ in range(rounds):
        start, worked = time.perf_counter(), time.process_time()
        call()
        works.append(time.process_time() - worked)
        walls.append(time.perf_counter() - start)
    return statistics.median(walls), statistics.median(works)


# What people write who have the generated code alone: messages to an array.
PLAIN = {
    "a list of each vector, then an array": lambda found: np.array(
        [[x for x in one.vector.values] for one in found], dtype=np.float32
    ),
    "an array of each vector": lambda found: np.stack(
        [np.array(one.vector.values, dtype=np.float32) for one in found]
    ),
}


class Plain:
    """grpcio and the generated code alone, whose answers have numbers one by one."""

    def __init__(self, wv):
        # gRPC takes 4 MiB in one message where nothing else is said.
        self.channel = grpc.insecure_channel(wv.client.address)
        self.table = wv.table
        self.lookup = self.channel.unary_unary(
            "/wordspace.v1.TableService/Lookup",
            request_serializer=table_pb2.LookupRequest.SerializeToString,
            response_deserializer=table_pb2.LookupResponse.FromString,
        )

    def vectors(self, words, at_once, made_of):
        """`at_once` words are asked for in a call."""
        rows = []
        for start in range(0, len(words), at_once):
            piece = words[start : start + at_once]
            queries = [common_pb2.WordOrVector(word=word) for word in piece]
            answer = self.lookup(table_pb2.LookupRequest(table=self.table, queries=queries))
            rows.append(made_of(answer.vectors))
        return np.concatenate(rows)


def bulk(wv, words):
    """Vectors of many words, against grpcio alone."""
    wall, work = median(lambda: wv.get_vectors(words))
    tell(
        "get_vectors of 10,000 words",
        components=wv.vector_size,
        seconds=round(wall, 4),
        own_seconds=round(work, 4),
        vectors_per_second=round(len(words) / wall),
    )
    plain = Plain(wv)
    for at_once, some in ((2_500, words), (1, words[:1_000])):
        for what, made_of in PLAIN.items():
            call = functools.partial(plain.vectors, some, at_once, made_of)
            assert np.array_equal(call(), wv.get_vectors(some))
            slow, slow_work = median(call)
            each = len(words) / len(some)
            tell(
                f"grpcio alone, {at_once:,} a call, {what}",
                words=len(some),
                seconds=round(slow, 4),
                own_seconds=round(slow_work, 4),
                vectors_per_second=round(len(some) / slow),
                times_as_long=round(slow * each / wall, 1),
                times_the_own_work=round(slow_work * each / work, 1),
            )


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
    first = support.resident_bytes()
    tell("memory after 10,000 calls", resident_bytes=first)
    start = time.perf_counter()
    most = first
    for done in range(0, calls, 100_000):
        some(min(100_000, calls - done))
        most = max(most, support.resident_bytes())
        tell("memory", calls=min(done + 100_000, calls), resident_bytes=support.resident_bytes())
    tell(
        f"memory after {calls:,} more",
        resident_bytes=support.resident_bytes(),
        most_bytes=most,
        grown_bytes=support.resident_bytes() - first,
        calls_per_second=round(calls / (time.perf_counter() - start)),
    )


def main(server=None):
    if server is None:
        wv = support.client(build="wanted").load("en")
    else:
        wv = wordspace.load("en", server)
    keys = list(wv.index_to_key)
    # The neighbors of stored words are found in the background.
    for _ in range(6_000):
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
    bulk(wv, some)
    start = time.perf_counter()
    wv.refresh().vectors
    tell(f"vectors of {len(keys):,} words", seconds=round(time.perf_counter() - start, 3))
    start = time.perf_counter()
    wv.most_similar_batch(words)
    tell("most_similar_batch", per_second=round(len(words) / (time.perf_counter() - start)))
    before = support.resident_bytes()
    for round_ in range(5):
        for word in words:
            wv.most_similar(word)
        wv.get_vectors(some)
        wv.n_similarity(words[:50], words[50:100])
        if round_ == 0:
            before = support.resident_bytes()
    tell("memory after 12,000 more calls", grown_bytes=support.resident_bytes() - before)


if __name__ == "__main__":
    if sys.argv[1:2] == ["memory"]:
        memory(int(sys.argv[2]))
    else:
        main(*sys.argv[1:])
