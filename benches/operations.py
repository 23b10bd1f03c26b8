#!/usr/bin/env python3
"""What operating a server costs, measured with a program that is built already: keys, limits, the audit log, the log of slow
calls and metrics together; and how gRPC-Web and JSON compare with gRPC.

    cargo build --release
    python3 benches/operations.py                                   # target/release/wordspace, some five minutes
    python3 benches/operations.py --binary FILE --rounds 4 --seconds 1
    python3 benches/operations.py overhead --also=--traces=http://127.0.0.1:4317   # a program with the feature `otel`
    python3 benches/operations.py overhead --plain-binary FILE      # against another program, such as an earlier one

Both servers stand beside each other and are asked in turn, and which one is first changes (A B B A). The load comes from
`wordspace bench`, 64 calls in flight, closed loop. A rate swings by a fifth on a busy machine, so what is compared is the
server's processor time for a call (utime and stime of its process), which other work hardly changes. Told are the ratio of the
medians of all rounds, 95 % of what it is where rounds are drawn anew (bootstrap, fixed seed), and the quartiles of the ratios
of neighboring rounds. One JSON line a measurement; talk goes to stderr. Needs Linux and nothing but Python's own modules.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROWS, DIM = 32, 8
IN_FLIGHT = 64
TICKS = os.sysconf("SC_CLK_TCK")


def seeded():
    """Rows in GloVe's text format, the same ones as `cargo bench --bench load` asks."""
    state, lines = 0x9E3779B97F4A7C15, []
    for row in range(ROWS):
        values = []
        for _ in range(DIM):
            # Knuth's MMIX generator.
            state = (state * 6364136223846793005 + 1) % 2**64
            values.append(f"{(state >> 40) / 2**24 - 0.5:.4f}")
        lines.append(f"word{row} {' '.join(values)}\n")
    return "".join(lines)


class Server:
    """`wordspace serve` with a small table."""

    def __init__(self, binary, folder, options=(), key=""):
        self.binary, self.key = binary, key
        command = [binary, "serve", "--listen", "127.0.0.1:0", "--data", folder, *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.url = ""
        for line in self.process.stderr:
            if line.startswith("listening on "):
                self.url = line.split()[-1]
                break
        if not self.url:
            raise SystemExit(f"{command} does not listen")
        # Keep reading, or it would stop at a full pipe.
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as rows:
            rows.write(seeded())
            rows.flush()
            self.run("import", rows.name, "--table", "small")

    def run(self, *arguments):
        environment = {**os.environ, "WORDSPACE_KEY": self.key, "WORDSPACE_SERVER": self.url}
        done = subprocess.run(
            [self.binary, *arguments], env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{arguments}: {done.stderr}")
        return done.stdout

    def processor_seconds(self):
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def measure(self, seconds, over="grpc"):
        """Microseconds of the server's processor for a call, and calls a second."""
        options = ["--ask", "nearest", "--in-flight", str(IN_FLIGHT), "--warm-up", "0.001", "--json"]
        if over != "grpc":
            options += ["--over", over]
        before = self.processor_seconds()
        told = json.loads(self.run("bench", "small", "--duration", str(seconds), *options))
        took = self.processor_seconds() - before
        if told["errors"]:
            raise SystemExit(f"errors: {told['errors']}")
        return took * 1e6 / told["answers"], told["per_second"]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def ratio(above, below):
    """The ratio of two medians, with how sure it is."""
    chance = random.Random(7)
    drawn = sorted(
        statistics.median(chance.choices(above, k=len(above)))
        / statistics.median(chance.choices(below, k=len(below)))
        for _ in range(10_000)
    )
    pairs = sorted(a / b for a, b in zip(above, below))
    quarter = len(pairs) // 4
    return {
        "ratio_of_medians": round(statistics.median(above) / statistics.median(below), 4),
        "bootstrap_95": [round(drawn[250], 4), round(drawn[-251], 4)],
        "quartiles_of_pairs": [round(pairs[quarter], 4), round(pairs[-1 - quarter], 4)],
        "rounds": len(pairs),
    }


def tell(measured, **what):
    print(json.dumps({"measured": measured, **what}), flush=True)


def full(binary, folder, also):
    """A server with all that operators turn on."""
    key = subprocess.run(
        [binary, "key", "make", "load", "--role", "write", "--rate", "1000000", "--jobs", "9", "--data", folder],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    options = ["--metrics-listen", "127.0.0.1:0", "--audit-log", f"{folder}/audit.jsonl", *also]
    return Server(binary, folder, options, key)


def overhead(arguments):
    with tempfile.TemporaryDirectory() as a, tempfile.TemporaryDirectory() as b:
        other = arguments.plain_binary
        # Another program may have no log of slow calls.
        plain = Server(other or arguments.binary, a, [] if other else ["--slow-call", "0"])
        servers = [plain, full(arguments.binary, b, arguments.also)]
        try:
            micros, rates = [[], []], [[], []]
            for server in servers:
                server.measure(1)
            for turn in range(arguments.rounds):
                for which in (0, 1) if turn % 2 == 0 else (1, 0):
                    cost, rate = servers[which].measure(arguments.seconds)
                    micros[which].append(cost)
                    rates[which].append(rate)
                print(f"round {turn + 1}: {micros[0][-1]:.2f} and {micros[1][-1]:.2f} us", file=sys.stderr)
        finally:
            for server in servers:
                server.stop()
    without = "another program" if other else "without keys, metrics, audit log and slow log"
    tell(
        "overhead",
        of="keys, limits, metrics, audit log and slow log" + (f" and {' '.join(arguments.also)}" if arguments.also else ""),
        compared_with=without,
        server_cpu_us=[round(statistics.median(all), 2) for all in micros],
        processor_time=ratio(micros[1], micros[0]),
        per_second=[round(statistics.median(all)) for all in rates],
        rate=ratio(rates[1], rates[0]),
    )


def ways(arguments):
    """gRPC, gRPC-Web and JSON at one server, by one maker of load, in turn."""
    names = ["grpc", "grpc-web", "json"]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(arguments.binary, folder)
        try:
            micros, rates = {name: [] for name in names}, {name: [] for name in names}
            for name in names:
                server.measure(1, name)
            for turn in range(arguments.rounds):
                for name in names if turn % 2 == 0 else names[::-1]:
                    cost, rate = server.measure(arguments.seconds, name)
                    micros[name].append(cost)
                    rates[name].append(rate)
                told = ", ".join(f"{name} {rates[name][-1]:.0f}/s" for name in names)
                print(f"round {turn + 1}: {told}", file=sys.stderr)
        finally:
            server.stop()
    for name in names:
        tell(
            "way",
            over=name,
            per_second=round(statistics.median(rates[name])),
            server_cpu_us=round(statistics.median(micros[name]), 2),
            rate_beside_grpc=ratio(rates[name], rates["grpc"]),
            calls_for_the_same_processor_time=ratio(micros["grpc"], micros[name]),
        )


def main():
    root = Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["overhead", "ways", []], help="one of both; both if none is named")
    parser.add_argument("--binary", default=str(root / "target/release/wordspace"))
    parser.add_argument("--plain-binary", help="the program that has nothing of it, in place of the same one")
    parser.add_argument("--also", action="append", default=[], help="a further option of the server that has all")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each round")
    arguments = parser.parse_args()
    arguments.binary = str(Path(arguments.binary).resolve())
    for what in arguments.what or ["overhead", "ways"]:
        {"overhead": overhead, "ways": ways}[what](arguments)


if __name__ == "__main__":
    main()
