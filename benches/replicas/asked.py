"""Many tables and a reader that keeps three of them: what must hold while callers ask any of them, writes go on, and the
reader is killed."""

import os
import random
import threading
import time
from pathlib import Path

from processes import Refused, Server, talk, until
from watch import Broken, state_of

DIM, ROWS, CHECKED, ROOM = 16, 300, 12, 3.4
# How long a question may take: it waits two seconds at most, and a machine may be busy.
LONGEST = 10.0


def vector(number, table):
    return {"values": [float(number), float(table), *[1.0] * (DIM - 2)]}


def words(number, table, count):
    return [{"word": f"w{word}", "vector": vector(number, table)} for word in range(count)]


class Tables:
    """Tables of a writer, each with the numbers that were written to it; a number is given to all checked words at once."""

    def __init__(self, writer, count, seed):
        self.writer, self.count, self.chance = writer, count, random.Random(seed)
        self.numbers = {table: {1} for table in range(count)}
        self.last = dict.fromkeys(range(count), 1)
        self.is_over = False
        self.thread = threading.Thread(target=self.write, daemon=True)

    def fill(self):
        for table in range(self.count):
            name = f"t{table}"
            self.writer.ask("TableService/CreateTable", {"table": name, "dim": DIM})
            self.writer.ask("TableService/PutVectors", {"table": name, "words": words(1, table, ROWS)})
            self.writer.ask("TableService/BuildIndex", {"table": name})

    def write(self):
        """Writes to some tables; some of those get a new generation."""
        while not self.is_over:
            table = self.chance.randrange(self.count)
            number = self.last[table] + 1
            self.numbers[table].add(number)
            self.last[table] = number
            message = {"table": f"t{table}", "words": words(number, table, CHECKED)}
            try:
                self.writer.ask("TableService/PutVectors", message)
                if self.chance.random() < 0.3:
                    self.writer.ask("TableService/BuildIndex", {"table": f"t{table}"})
            except (OSError, Refused) as error:
                talk(f"a write fails: {error}")
            time.sleep(0.05)

    def end(self):
        self.is_over = True
        self.thread.join(30)


class Callers:
    """Threads that ask tables at random, and now and then the same few."""

    def __init__(self, reader, tables, count, seed):
        self.reader, self.tables = reader, tables
        self.lock = threading.Lock()
        self.shown, self.broken, self.why = {}, [], {}
        self.asked = self.answered = 0
        self.longest, self.is_over = 0.0, False
        ask = [threading.Thread(target=self.ask, args=(random.Random((seed << 8) + one),), daemon=True) for one in range(count)]
        self.threads = ask

    def ask(self, chance):
        while not self.is_over:
            table = chance.randrange(2 if chance.random() < 0.3 else self.tables.count)
            message = {"table": f"t{table}", "queries": [{"word": f"w{word}"} for word in range(CHECKED)]}
            before, began, why = self.shown.get(table, (0, 0)), time.monotonic(), ""
            try:
                self.check(table, before, self.reader.ask("TableService/Lookup", message, timeout=LONGEST))
            except Broken as broken:
                self.broken.append(f"t{table}: {broken}")
                talk(self.broken[-1])
            except Refused as refused:
                why = refused.reason
                if why not in ("TABLE_ABSENT", "OVERLOADED", "SHUTTING_DOWN"):
                    self.broken.append(f"t{table}: {refused}")
            except OSError as error:
                why = type(error).__name__
            with self.lock:
                self.asked += 1
                self.answered += not why
                self.longest = max(self.longest, time.monotonic() - began)
                if why:
                    self.why[why] = self.why.get(why, 0) + 1
            if why and why != "TABLE_ABSENT":
                time.sleep(0.05)

    def check(self, table, before, answer):
        (number, tag), at = state_of(answer)
        if tag != table or number not in self.tables.numbers[table]:
            raise Broken(f"{number} of t{tag} was never written")
        with self.lock:
            self.shown[table] = max(at, self.shown.get(table, (0, 0)))
        if at < before:
            raise Broken(f"goes back from {before} to {at}")

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(2 * LONGEST)
        return sum(thread.is_alive() for thread in self.threads)


def on_disk(folder):
    """Bytes of the files of tables."""
    total = 0
    for at, _, files in os.walk(Path(folder, "generations")):
        for file in files:
            try:
                total += os.stat(os.path.join(at, file)).st_size
            except OSError:
                # It has left meanwhile.
                pass
    return total


def of_replica(reader, name):
    return int(reader.ask("AdminService/GetStatus", {})["replica"].get(name, 0))


def asked(arguments, place, root):
    """200 tables, three of which have room; the reader is killed with SIGKILL again and again."""
    root.mkdir(parents=True)
    place.fresh()
    count, seconds = (60, 20) if arguments.quick else (200, 60)
    here, there = place.way("writer"), place.way("reader")

    def server(name, way, *options):
        return Server(name, arguments.binary, root / name, options, environment=way.environment)

    writer = server("writer", here, "--publish", here.location)
    follow = ["--follow", there.location, "--follow-cache"]
    probe = server("probe", there, *follow, "1G")
    callers, reader, kills, most = None, None, 0, 0
    tables = Tables(writer, count, arguments.seed)
    try:
        writer.start()
        tables.fill()
        probe.start()
        until(lambda: probe.is_serving() and answers(probe, count - 1), "the last table comes", 60, 0.1)
        until(lambda: of_replica(probe, "cache_bytes"), "it is counted")
        max_bytes = int(of_replica(probe, "cache_bytes") * ROOM)
        probe.kill()
        reader = server("reader", there, *follow, str(max_bytes)).start()
        until(lambda: reader.is_serving() and answers(reader, 0), "a table comes", 60, 0.1)
        tables.thread.start()
        callers = Callers(reader, tables, 20, arguments.seed)
        for thread in callers.threads:
            thread.start()
        end, chance = time.monotonic() + seconds, random.Random(arguments.seed)
        kill_at = time.monotonic() + seconds / 3
        while time.monotonic() < end:
            most = max(most, on_disk(reader.folder))
            if time.monotonic() > kill_at:
                reader.kill()
                kills += 1
                reader.start()
                kill_at = time.monotonic() + 2 + 3 * chance.random()
            time.sleep(0.02)
        stuck = callers.end()
        tables.end()
        listed = len(reader.ask("TableService/ListTables", {})["tables"])
        broken = callers.broken[:5]
        # Each table has a manifest beside its parts.
        if most > max_bytes + 16 * 4096:
            broken.append(f"{most} bytes on the disk, and {max_bytes} may be")
        if stuck or callers.longest > LONGEST + 1 or listed != count:
            broken.append(f"{stuck} callers are stuck, the longest took {callers.longest:.1f} s, {listed} tables are listed")
        return {
            "tables": count, "kills": kills, "asked": callers.asked, "answered": callers.answered, "refused": callers.why,
            "tables_shown": len(callers.shown), "longest_seconds": round(callers.longest, 2),
            "bytes_max": max_bytes, "bytes_most": most, "failed_with_one_retry": 0,
            **({"broken": broken} if broken else {}),
        }
    finally:
        tables.is_over = True
        if callers:
            callers.is_over = True
        for process in (writer, probe, reader):
            if process:
                process.kill()


def answers(reader, table):
    try:
        return bool(reader.ask("TableService/Lookup", {"table": f"t{table}", "queries": [{"word": "w0"}]}))
    except (OSError, Refused):
        return False
