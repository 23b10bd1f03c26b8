"""How fast a place is reached: what publishing takes, when writes are seen, when an empty reader answers, what callers notice
of a swap, and what more readers bring."""

import json
import random
import shutil
import statistics
import subprocess
import threading
import time
from pathlib import Path

from fronts import Front, program
from processes import Refused, Server, Shares, talk, until

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "examples/data/glove.6B.50d.20k.txt.gz"
BATCH = 1000


def quarters(values):
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 3),
        "least": round(ordered[0], 3),
        "most": round(ordered[-1], 3),
        "rounds": len(ordered),
    }


class Bench:
    """A folder with the table, and servers on copies of it."""

    def __init__(self, arguments, place, root):
        self.arguments, self.place, self.root = arguments, place, Path(root)
        self.table, self.interval = arguments.table, arguments.interval
        self.root.mkdir(parents=True)
        self.folder, self.number = self.root / "table", 0
        self.running = []
        if arguments.data:
            shutil.copytree(arguments.data, self.folder)
        server = Server("table", arguments.binary, self.folder, [])
        server.start()
        try:
            if not arguments.data:
                server.run("import", BUNDLED, "--table", self.table)
            until(lambda: self.has_index(server), "the index is built", 300, 0.1)
            told = self.told(server)
            self.rows, self.dim = int(told["row_count"]), int(told["dim"])
            self.file = self.root / "rows.bin"
            server.run("export", self.table, self.file, "--format", "word2vec-binary")
        finally:
            server.end()
        talk(f"{self.rows} x {self.dim}, published in {place.about}")

    def told(self, server):
        return server.ask("TableService/GetTable", {"table": self.table})["table"]

    def has_index(self, server):
        try:
            return self.told(server)["index"]["state"] in ("INDEX_STATE_READY", "INDEX_STATE_NOT_NEEDED")
        except (OSError, Refused):
            return False

    def shows(self, server, generation):
        """Whether it answers from this generation, by its index."""
        try:
            return self.told(server)["generation"] == generation and self.has_index(server)
        except (OSError, Refused):
            return False

    def way(self, name, with_proxy=False):
        return self.place.way(name) if with_proxy or not self.place.has_faults else self.place.way(name, True)

    def server(self, name, role, folder=None, way=None):
        self.number += 1
        way = way or self.way(name)
        folder = folder or self.root / f"{name}-{self.number}"
        options = ["--replica-interval", str(self.interval), "--recall-sample", "0"]
        made = Server(name, self.arguments.binary, folder, [role, way.location], options, way.environment)
        self.running.append(made)
        return made

    def writer(self):
        """A writer with a copy of the table, at a place where nothing is published."""
        self.place.fresh()
        folder = self.root / f"writer-{self.number}"
        shutil.copytree(self.folder, folder)
        return self.server("writer", "--publish", folder)

    def readers(self, count):
        readers = [self.server(f"reader{number}", "--follow") for number in range(count)]
        for reader in readers:
            reader.start()
        for reader in readers:
            until(lambda: reader.is_serving() and self.has_index(reader), "a reader has its index", 120)
        return readers

    def published(self, writer):
        return bool(writer.metrics().get("ready"))

    def end(self):
        for server in self.running:
            server.kill()
        self.running = []

    def bench(self, address, ask, seconds, *options):
        command = [self.arguments.binary, "bench", self.table, "--server", address, "--ask", ask, "--json"]
        command += ["--duration", f"{seconds:.3f}", *map(str, options)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{command}: {done.stderr}")
        told = json.loads(done.stdout)
        if told["errors"]:
            raise SystemExit(f"questions failed: {told['errors']}")
        return told


def publish(bench):
    """From the writer's start, on a folder that has the table and its index, until all of it is published."""
    took = []
    for _ in range(bench.arguments.rounds):
        writer = bench.writer()
        began = time.monotonic()
        writer.start()
        until(lambda: bench.published(writer), "published", 120, 0.005)
        took.append(time.monotonic() - began)
        bench.end()
    return {"rows": bench.rows, "seconds": quarters(took), "target_seconds": 5}


def empty_reader(bench):
    """From the start of a reader with an empty folder until its health says that it serves, and until its index answers."""
    writer = bench.writer().start()
    until(lambda: bench.published(writer), "published", 120)
    serving, indexed = [], []
    for _ in range(bench.arguments.rounds):
        began = time.monotonic()
        reader = bench.server("reader", "--follow").begin()
        until(reader.is_serving, "an empty reader serves", 120, 0.005)
        serving.append(time.monotonic() - began)
        until(lambda: bench.has_index(reader), "its index answers", 120, 0.005)
        indexed.append(time.monotonic() - began)
        reader.kill()
    bench.end()
    return {"rows": bench.rows, "seconds": quarters(serving), "with_index": quarters(indexed), "target_seconds": 8}


def seen(bench):
    """From the answer to writes until every reader shows the last of them."""
    writer = bench.writer().start()
    until(lambda: bench.published(writer), "published", 120)
    readers, chance = bench.readers(3), random.Random(7)
    # Fewer than have the table rebuilt.
    rounds = 3 if bench.arguments.quick else 8

    def words(begin, count, number):
        values = [float(number)] * bench.dim
        return [{"word": f"written {word}", "vector": {"values": values}} for word in range(begin, begin + count)]

    def put(begin, count, number):
        answer = writer.ask("TableService/PutVectors", {"table": bench.table, "words": words(begin, count, number)}, timeout=30)
        return int(answer["generation"]), int(answer["sequence"])

    def wait(least):
        began, after = time.monotonic(), []
        message = {"table": bench.table, "queries": [{"word": f"written {BATCH - 1}"}]}

        def one(reader):
            while True:
                try:
                    reader.ask("TableService/Lookup", message, least, 30)
                    after.append(time.monotonic() - began)
                    return
                except Refused as refused:
                    if refused.reason not in ("TABLE_BEHIND", "UNKNOWN_WORDS") or time.monotonic() - began > 60:
                        raise

        threads = [threading.Thread(target=one, args=(reader,)) for reader in readers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if len(after) != len(readers):
            raise SystemExit("a reader does not show a write")
        return max(after)

    at_once, one_by_one = [], []
    for number in range(rounds):
        at_once.append(wait(put(0, BATCH, number + 1)))
        time.sleep(chance.random() * 2 * bench.interval / 1000)
    for number in range(rounds):
        lasts, places = [], list(range(BATCH))

        def some():
            while places:
                try:
                    place = places.pop()
                except IndexError:
                    return
                lasts.append(put(place, 1, number + 0.5))

        threads = [threading.Thread(target=some) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        one_by_one.append(wait(max(lasts)))
        time.sleep(chance.random() * 2 * bench.interval / 1000)
    bench.end()
    return {
        "writes": BATCH,
        "interval_ms": bench.interval,
        "in_one_call_seconds": quarters(at_once),
        "in_calls_of_one_word_seconds": quarters(one_by_one),
        "target_seconds": 2,
    }


def swap(bench):
    """p99 of questions while a reader brings a new generation of all rows and swaps it, beside p99 of as long a time without. The
    writer has done its work before, since it would be on another machine; each round has a reader that shows the earlier
    generation until a gate opens."""
    writer = bench.writer().start()
    until(lambda: bench.published(writer), "published", 120)
    way = bench.way("gated", True)
    way.freeze()
    first = gated(bench, way)
    writer.run("import", bench.file, "--table", bench.table, "--replace", "--normalize")
    # What is built in the background waits for all other work of the machine, and here nothing else is to be done.
    until(lambda: writer.hurry() or bench.has_index(writer), "the writer has its index", 300, 0.25)
    wanted = bench.told(writer)["generation"]
    until_quiet(writer, bench.interval)
    first.kill()
    writer.end()
    talk("both generations are published")
    rate = bench.arguments.rate
    options = ["--rate", rate, "--in-flight", 64, "--connections", 2, "--warm-up", "0.5"]
    told = {"rows": bench.rows, "rate": rate, "target_ratio": 1.5}
    for ask in ("nearest", "vector"):
        before, meanwhile, took = [], [], []
        length = 1.0
        for number in range(bench.arguments.rounds + 1):
            way.freeze()
            reader = gated(bench, way)
            if bench.told(reader)["generation"] == wanted:
                raise SystemExit("the gate is open")
            # The caches of a reader that has just begun are no matter of the swap.
            bench.bench(reader.address, ask, 1.0, *options)
            quiet = bench.bench(reader.address, ask, length, *options)["latency_us"]
            has = []

            def bring():
                # The load has to find its words, and to warm up.
                time.sleep(0.7)
                began = time.monotonic()
                way.freeze(False)
                until(lambda: bench.shows(reader, wanted), "the swap", 120, 0.02)
                has.append(time.monotonic() - began)

            thread = threading.Thread(target=bring)
            thread.start()
            busy = bench.bench(reader.address, ask, length, *options)["latency_us"]
            thread.join()
            reader.kill()
            # The first round tells how long the others are to look, with the pause before the copies.
            length = max(0.5, has[0] + 0.3) if number == 0 else length
            if number:
                before.append(quiet)
                meanwhile.append(busy)
                took.append(has[0])
        ratio = [after["p99"] / earlier["p99"] for after, earlier in zip(meanwhile, before)]
        told[ask] = {
            "looked_for_seconds": round(length, 2),
            "p99_before_us": quarters([one["p99"] for one in before]),
            "p99_during_the_swap_us": quarters([one["p99"] for one in meanwhile]),
            "longest_during_the_swap_us": quarters([one["max"] for one in meanwhile]),
            "ratio_p99": quarters(ratio),
            "ratio_of_medians": round(
                statistics.median(one["p99"] for one in meanwhile) / statistics.median(one["p99"] for one in before), 2
            ),
            "swap_seconds": quarters(took),
        }
        talk(f"{ask}: {told[ask]}")
    bench.end()
    return told


def gated(bench, way):
    """An empty reader that is ready."""
    reader = bench.server("reader", "--follow", way=way).start()
    until(lambda: reader.is_serving() and bench.has_index(reader), "a reader has its index", 120)
    return reader


def until_quiet(writer, interval):
    """Waits until nothing is left to publish."""
    last, since = None, time.monotonic()
    while time.monotonic() - since < max(3 * interval / 1000, 0.6):
        time.sleep(0.05)
        now = writer.metrics().get("publication")
        if now != last:
            last, since = now, time.monotonic()


def balanced(bench):
    """One reader, and three behind HAProxy, each with the same share of a core; and the processor time of a call."""
    if program("haproxy") is None:
        return {"left_out": "needs haproxy (Debian's package haproxy)"}
    writer = bench.writer().start()
    until(lambda: bench.published(writer), "published", 120)
    readers, share = bench.readers(3), bench.arguments.share
    writer.end()
    proxy = Front("haproxy", bench.root / "front", bench.arguments.binary, writer, readers).start()
    shares = Shares()
    told = {"share_of_a_core": share, "target_ratio": 2.2}
    seconds = bench.arguments.seconds
    try:
        told["limited"] = all([shares.limit(reader, share) for reader in readers])
        for ask in ("nearest", "vector"):
            one_load = ["--in-flight", 48, "--connections", 2, "--warm-up", "0.5"]
            # As many for each reader.
            options = ["--in-flight", 144, "--connections", 6, "--warm-up", "0.5"]
            alone, by_client, three, reader_us, proxy_us, each = [], [], [], [], [], []
            for _ in range(bench.arguments.rounds):
                alone.append(bench.bench(readers[0].address, ask, seconds, *one_load)["per_second"])
                by_client.append(sum_of_each(bench, readers, ask, seconds, one_load))
                before = [one.processor_seconds() for one in [proxy, *readers]]
                answer = bench.bench(proxy.address, ask, seconds, *options)
                took = [one.processor_seconds() - then for one, then in zip([proxy, *readers], before)]
                three.append(answer["per_second"])
                # The warm-up, whose calls are not counted, took its part of the time.
                calls = answer["per_second"] * (seconds + 0.5)
                proxy_us.append(took[0] * 1e6 / calls)
                reader_us.append(sum(took[1:]) * 1e6 / calls)
                each.append(max(took[1:]) / max(min(took[1:]), 1e-9))
            one, more = statistics.median(reader_us), statistics.median(proxy_us)
            told[ask] = {
                "one_reader_per_second": quarters(alone),
                "three_per_second": quarters(three),
                "ratio": round(statistics.median(three) / statistics.median(alone), 2),
                "three_balanced_by_the_callers_per_second": quarters(by_client),
                "ratio_by_the_callers": round(statistics.median(by_client) / statistics.median(alone), 2),
                "reader_cpu_us_a_call": round(one, 1),
                "haproxy_cpu_us_a_call": round(more, 1),
                "most_busy_reader_to_least": round(statistics.median(each), 2),
                # The model: readers and the proxy on machines of their own, of equally many cores.
                "readers_until_one_haproxy_is_full": round(one / more, 1),
                "modelled_ratio_of_three": round(min(3.0, one / more), 2),
            }
            talk(f"{ask}: {told[ask]}")
    finally:
        proxy.kill()
        bench.end()
        shares.end()
    return told


def sum_of_each(bench, readers, ask, seconds, options):
    """Answers a second where callers go to all readers in turn, as those of the Python client do."""
    rates = []

    def one(reader):
        rates.append(bench.bench(reader.address, ask, seconds, *options)["per_second"])

    threads = [threading.Thread(target=one, args=(reader,)) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(rates) != len(readers):
        raise SystemExit("a load ended early")
    return sum(rates)


FIGURES = {"publish": publish, "empty-reader": empty_reader, "seen": seen, "swap": swap, "balanced": balanced}
