"""What must hold whatever happens: processes that are killed at any moment, two writers, a place that is away or whose
transfers go wrong, clocks that are wrong. Each trial is bounded, draws by its seed, and tells what it counted."""

import glob
import json
import random
import shutil
import subprocess
import threading
import time
from pathlib import Path

from asked import asked
from faults import Fault, chances
from fronts import Front, program
from processes import Server, talk, until
from watch import TABLE, Broken, Reading, Writing, number_of, settle, vector

INTERVAL = ["--replica-interval", "100"]
LIBFAKETIME = "/usr/lib/*/faketime/libfaketimeMT.so.1"


class Story:
    """A writer and readers at a place that is empty at first."""

    def __init__(self, arguments, place, root, readers=3, environment=lambda name: {}, is_direct=False):
        self.arguments, self.place, self.root = arguments, place, Path(root)
        self.root.mkdir(parents=True)
        place.fresh()
        self.ways = {}
        self.is_direct = is_direct
        self.environment = environment
        self.writer = self.server("writer", "--publish")
        self.readers = [self.server(f"reader{number}", "--follow") for number in range(readers)]
        self.writing = Writing(self.writer, seed=arguments.seed)
        self.reading = None

    def server(self, name, role, folder=""):
        way = self.place.way(name)
        self.ways[name] = way
        environment = {**way.environment, **self.environment(name)}
        folder = self.root / (folder or name)
        return Server(name, self.arguments.binary, folder, [role, way.location], INTERVAL, environment)

    def begin(self):
        self.writer.start()
        self.writing.fill()
        for reader in self.readers:
            reader.start()
        for reader in self.readers:
            # The first publication may have been without the table.
            until(lambda: reader.is_serving() and number_of(reader), f"{reader.name} is ready")
        self.writing.start()
        self.reading = Reading(self.readers, self.writing.check, seed=self.arguments.seed)
        self.reading.least = lambda: self.writing.last_least
        self.reading.start()
        return self

    def settled(self, seconds=120):
        """No more writes; waits until readers show the last one, and checks that the writer has what they showed."""
        self.writing.rest()
        took = settle(self.writing, self.readers, seconds)
        shown, kept = self.reading.most(), number_of(self.writer)
        if kept is None or kept < max(shown, self.writing.last()):
            raise Broken(f"the writer has {kept} of {self.writing.last()}, and readers showed {shown}")
        return took

    def whole(self, seconds=120):
        """What holds at the end of each trial."""
        took = self.settled(seconds)
        empty = self.server("empty", "--follow").start()
        try:
            settle(self.writing, [empty], seconds)
        finally:
            empty.kill()
        self.writing.end()
        self.reading.end()
        counts = {
            "writes_acknowledged": len(self.writing.acknowledged),
            "writes_unanswered": len(self.writing.unknown),
            "rebuilds": self.writing.rebuilds,
            "publications": int(self.writer.metrics().get("publication", 0)),
            "seconds_to_the_last_write": round(took, 2),
            "lost_published_writes": 0,
            **self.reading.counts(),
        }
        if self.reading.broken or self.reading.failed:
            counts["broken"] = self.reading.broken[:5]
            counts["failed_twice"], counts["why"] = self.reading.twice[:5], self.reading.why
        return counts

    def end(self):
        self.writing.is_over = True
        if self.reading:
            self.reading.is_over = True
        for process in [self.writer, *self.readers]:
            process.kill()


def holds(counts):
    return not counts.get("broken") and not counts["failed_with_one_retry"]


class Moment:
    """A moment of a process's transfers at which it is killed."""

    def __init__(self, process, chance):
        # This one alone: what is started after it is another process.
        self.victim, self.came = process.process, threading.Event()
        self.left = chance.randrange(12)
        self.stage = chance.choice(["before", "half", "after"])
        self.lock = threading.Lock()
        self.what = "between transfers"

    def rule(self, method, path):
        with self.lock:
            if self.came.is_set() or self.what != "between transfers":
                return None
            self.left -= 1
            if self.left >= 0:
                return None
            name = path.split("?")[0].rsplit("/", 2)
            name = name[-1] if name[-1] == "CURRENT" else name[-2]
            self.what = f"{self.stage} {method} {name if name in ('CURRENT', 'publications') else 'parts'}"
        kind = {"half": "half sent" if method == "PUT" else "cut"}.get(self.stage, "")
        return Fault(kind, hook=self.hook)

    def hook(self, stage):
        if stage == ("after" if self.stage == "after" else "before") or self.what.startswith("half GET"):
            self.kill()

    def kill(self):
        self.victim.kill()
        self.victim.wait()
        self.came.set()

    def wait(self, seconds):
        if not self.came.wait(seconds):
            self.kill()


def kills(arguments, place, root):
    """Kills of any process, at moments of its transfers where the place shows them."""
    count = arguments.kills or (8 if arguments.quick else 100)
    chance = random.Random(arguments.seed)
    story = Story(arguments, place, root)
    killed, moments = {}, {}
    try:
        story.begin()
        for number in range(count):
            ended = [one.name for one in [story.writer, *story.readers] if not one.is_running]
            if ended:
                raise Broken(f"{ended} ended by themselves")
            parts = [part for part in place.parts if part is not getattr(place, "gateway", None)]
            drawn = chance.random()
            if parts and drawn < 0.25:
                which = chance.choice(parts)
                time.sleep(chance.random() * 0.3)
                which.kill()
                time.sleep(chance.random() * 0.5)
                which.spawn()
                until(place.is_well, "the store takes objects", 60, 0.2)
                # It hears of volumes that are back by their heartbeats.
                time.sleep(1.0)
            else:
                which = story.writer if drawn < 0.65 else chance.choice(story.readers)
                kill_one(story, which, chance, moments)
            killed[which.name.rstrip("0123456789")] = killed.get(which.name.rstrip("0123456789"), 0) + 1
            if story.reading.broken:
                break
            if (number + 1) % 10 == 0:
                talk(f"{number + 1} kills, {story.reading.asked} questions")
        counts = story.whole()
        return {"kills": sum(killed.values()), "killed": killed, "moments": dict(sorted(moments.items())), **counts}
    finally:
        story.end()


def kill_one(story, which, chance, moments):
    is_writer = which is story.writer
    published = story.reading.most()
    way = story.ways[which.name]
    if story.place.has_faults:
        if not is_writer and chance.random() < 0.3:
            # One that begins again with nothing, and is killed while it copies.
            which.kill()
            shutil.rmtree(which.folder)
            story.reading.is_new(which)
            which.begin()
        moment = Moment(which, chance)
        way.proxy.rule = moment.rule
        moment.wait(2.0)
        way.proxy.rule = None
        moments[moment.what] = moments.get(moment.what, 0) + 1
    else:
        time.sleep(chance.random() * 0.4)
        which.kill()
        if not is_writer and chance.random() < 0.3:
            shutil.rmtree(which.folder)
            story.reading.is_new(which)
    time.sleep(chance.random() * 0.2)
    which.start()
    if is_writer:
        kept = until_shown(which)
        if kept < published:
            raise Broken(f"readers showed {published}, and the writer has {kept}")
    else:
        until(which.is_serving, f"{which.name} is ready again")
        # Questions that failed here are asked once more of another one, which must not have died since.
        story.reading.pass_on()


def until_shown(server):
    found = []
    until(lambda: found.append(number_of(server)) or found[-1] is not None, f"{server.name} answers")
    return found[-1]


def two_writers(arguments, place, root):
    """Two processes with copies of one folder begin to publish at one place at once, again and again."""
    rounds = 2 if arguments.quick else 20
    chance = random.Random(arguments.seed)
    story = Story(arguments, place, root)
    reasons, totals = {}, {"rounds": 0, "winner_was_first": 0}
    mixed = []
    try:
        story.begin()
        for number in range(rounds):
            story.settled()
            story.writer.end()
            old = story.writing
            old.end()
            copy = story.root / f"copy{number}"
            shutil.copytree(story.writer.folder, copy)
            rivals = [story.writer, story.server(f"rival{number}", "--publish", copy.name)]
            story.reading.forget()
            first = old.number + 1
            writings = [Writing(rival, 2 * number + 2 + i, first, seed=number, imports=0.1) for i, rival in enumerate(rivals)]
            story.reading.check = by_tag([old, *writings])
            story.reading.least = lambda: None
            order = [0, 1] if chance.random() < 0.5 else [1, 0]
            rivals[order[0]].begin()
            time.sleep(chance.choice([0, 0.02, 0.1, 0.5]) * chance.random())
            rivals[order[1]].begin()
            for writing in writings:
                writing.start()
            winner = decided(rivals, writings, reasons)
            loser = 1 - winner
            # The loser goes on trying, and nobody sees anything of it.
            time.sleep(0.5)
            for writing in writings:
                writing.rest()
            settle(writings[winner], story.readers)
            tags = {tag for _, tag in story.reading.states} - {old.tag}
            if tags - {writings[winner].tag}:
                mixed.append(f"round {number}: readers saw {tags}, and {writings[winner].tag} won")
            totals["rounds"] += 1
            totals["winner_was_first"] += winner == order[0]
            rivals[loser].kill()
            writings[loser].end()
            story.writer, story.writing = rivals[winner], writings[winner]
            story.writer.name = "writer"
            story.ways["writer"] = story.ways.get(f"rival{number}") if winner else story.ways["writer"]
            shutil.rmtree(rivals[loser].folder, ignore_errors=True)
            story.reading.check = by_tag([old, story.writing])
            if mixed or story.reading.broken:
                break
            story.writing.rest(False)
        story.reading.check = by_tag([story.writing, old])
        counts = story.whole()
        totals |= {"refused_with": reasons, "rounds_mixed": len(mixed), **counts}
        if mixed:
            totals["broken"] = [*mixed, *totals.get("broken", [])]
        return totals
    finally:
        story.end()
        for rival in locals().get("rivals", []):
            rival.kill()


def by_tag(writings):
    by = {writing.tag: writing for writing in writings}

    def check(state, at, least):
        if state[1] not in by:
            return f"{state} was never written"
        return by[state[1]].check(state, at, least)

    return check


def decided(rivals, writings, reasons):
    """Which of two goes on: the other has ended, or refuses writes, or publishes nothing and says why."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for loser, rival in enumerate(rivals):
            winner = 1 - loser
            if not rivals[winner].metrics().get("ready") or rivals[winner].metrics().get("problem"):
                continue
            why = ""
            if not rival.is_running:
                why = "does not start"
            elif "superseded" in writings[loser].refusals:
                why = "refuses writes: superseded"
            elif rival.metrics().get("problem"):
                why = "publishes nothing, and says so"
            if why and writings[winner].last():
                reasons[why] = reasons.get(why, 0) + 1
                return winner
        time.sleep(0.05)
    told = [(rival.is_running, rival.metrics(), writing.refusals) for rival, writing in zip(rivals, writings)]
    raise Broken(f"neither of two writers has lost: {told}; {rivals[0].last_words()[-700:]} {rivals[1].last_words()[-700:]}")


def away(arguments, place, root):
    """The place cannot be reached for a while, or answers 503 to everything."""
    seconds = 3 if arguments.quick else 120
    story = Story(arguments, place, root)
    try:
        story.begin()
        time.sleep(1)
        for way in story.ways.values():
            way.close()
        began, asked = time.monotonic(), story.reading.asked
        while time.monotonic() - began < seconds:
            time.sleep(0.1)
        age = max(reader.metrics().get("age_seconds", 0) for reader in story.readers)
        if not seconds * 0.5 < age < seconds * 2 + 5:
            raise Broken(f"after {seconds} s readers tell the age {age}")
        asked = story.reading.asked - asked
        for way in story.ways.values():
            way.close(False)
        counts = story.whole(180)
        return {"seconds": seconds, "questions_meanwhile": asked, "age_told": round(age, 1), **counts}
    finally:
        story.end()


TRANSFERS = {
    "throttled": lambda seed: chances(seed, (0.4, lambda chance, method: Fault("busy"))),
    "cut": lambda seed: chances(
        seed,
        (0.2, lambda chance, method: Fault("half sent" if method == "PUT" else "cut", share=chance.random())),
    ),
    "too short": lambda seed: chances(
        seed, (0.2, lambda chance, method: Fault("short" if method == "GET" else "", share=chance.random()))
    ),
    "changed": lambda seed: chances(
        seed, (0.2, lambda chance, method: Fault("changed" if method == "GET" else "", share=chance.random()))
    ),
    "repeated": lambda seed: chances(
        seed,
        (0.4, lambda chance, method: Fault("again" if method != "GET" else "")),
        (0.4, lambda chance, method: Fault("first answer" if method != "GET" else "")),
    ),
    "reordered": lambda seed: chances(
        seed,
        (0.5, lambda chance, method: Fault("late", chance.random() * 0.4)),
        (0.4, lambda chance, method: Fault("late again" if method == "PUT" else "", chance.random() * 2)),
    ),
    "lost answers": lambda seed: chances(seed, (0.2, lambda chance, method: Fault("lost answer"))),
    "slow": lambda seed: chances(seed, (1.0, lambda chance, method: Fault("", per_second=400_000))),
}


def transfers(arguments, place, root):
    """Transfers that go wrong, each kind for a while, and then none."""
    if not place.has_faults:
        return {"left_out": "a folder has no transfers: give --weed or --endpoint"}
    seconds = 1 if arguments.quick else 20
    told = {}
    for number, (kind, rule) in enumerate(TRANSFERS.items()):
        story = Story(arguments, place, Path(root) / kind.replace(" ", "-"))
        try:
            story.begin()
            for i, way in enumerate(story.ways.values()):
                way.proxy.rule = rule(arguments.seed * 100 + number * 10 + i)
            time.sleep(seconds)
            before = story.reading.most()
            met = {}
            for way in story.ways.values():
                way.proxy.rule = None
                for fault, times in way.proxy.met.items():
                    met[fault] = met.get(fault, 0) + times
            counts = story.whole(180)
            met.pop("", None)
            told[kind] = {"seconds": seconds, "faults": met, "shown_meanwhile": before, **counts}
            talk(f"{kind}: {told[kind]}")
        finally:
            story.end()
    bad = {kind: counts for kind, counts in told.items() if not holds(counts)}
    return {
        "kinds": told,
        "failed_with_one_retry": sum(counts["failed_with_one_retry"] for counts in told.values()),
        **({"broken": sorted(bad)} if bad else {}),
    }


def clocks(arguments, place, root):
    """Clocks that are hours apart, and jump while the servers run."""
    found = glob.glob(LIBFAKETIME)
    if not found:
        return {"left_out": "needs libfaketime (Debian's package faketime)"}
    hours = {"writer": 5, "reader0": -7, "reader1": 11, "reader2": 0}
    files = {name: Path(root).parent / f"clock-{name}" for name in hours}
    chance = random.Random(arguments.seed)

    def set_clock(name, by):
        new = files[name].with_suffix(".new")
        new.write_text(f"{by:+d}h\n")
        new.replace(files[name])

    for name, by in hours.items():
        set_clock(name, by)

    def environment(name):
        if name not in files:
            return {}
        # Only the clock of the day is wrong, as on a machine; the one that counts on is not.
        return {
            "LD_PRELOAD": found[0],
            "FAKETIME_TIMESTAMP_FILE": str(files[name]),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    story = Story(arguments, place, root, environment=environment)
    try:
        story.begin()
        jumps = 3 if arguments.quick else 30
        for _ in range(jumps):
            set_clock(chance.choice(list(hours)), chance.randrange(-48, 48))
            time.sleep(0.2 if arguments.quick else 1.0)
            if chance.random() < 0.3:
                kill_one(story, chance.choice([story.writer, *story.readers]), chance, {})
        log = story.writer.last_words()
        counts = story.whole()
        return {"jumps": jumps, "hours_apart_at_first": 18, "clock_in_the_log": log.splitlines()[-1][:13] if log else "", **counts}
    finally:
        story.end()


def fronts(arguments, place, root):
    """Readers behind HAProxy and nginx are killed; callers ask the proxy, and ask nothing again."""
    told, count = {}, 1 if arguments.quick else 20
    for kind in ("haproxy", "nginx"):
        if program(kind) is None:
            told[kind] = {"left_out": f"needs {kind} (Debian's package {kind})"}
            continue
        chance = random.Random(arguments.seed)
        story = Story(arguments, place, Path(root) / kind)
        front = asked = None
        try:
            story.begin()
            front = Front(kind, Path(root) / f"front-{kind}", arguments.binary, story.writer, story.readers).start()
            asked = Reading([front.json], story.writing.check, 2, arguments.seed, goes_forward=False).start()
            load = grpc_load(arguments, front, count)
            killed = 0
            # The load finds its words first, and asks for them once.
            time.sleep(1.5)
            while load.poll() is None:
                which = chance.choice(story.readers)
                time.sleep(chance.random())
                which.kill()
                killed += 1
                time.sleep(chance.random())
                which.start()
                until(which.is_serving, f"{which.name} is ready again")
                # Until the proxy asks it again.
                time.sleep(2.2)
            told_by_load = load.communicate()[0]
            if not told_by_load:
                raise Broken(f"no load: {front.last_words()}")
            grpc = json.loads(told_by_load)
            written = write_by(front)
            asked.end()
            counts = story.whole()
            told[kind] = {
                "readers_killed": killed,
                "questions_in_json": asked.asked,
                "failed_in_json": asked.first_failed,
                "why": asked.why,
                "broken": asked.broken[:5],
                "questions_in_grpc": grpc["answers"] + sum(grpc["errors"].values()),
                "failed_in_grpc": grpc["errors"],
                "write_by_the_proxy": written,
                "holds": holds(counts),
            }
            talk(f"{kind}: {told[kind]}")
        finally:
            if asked:
                asked.is_over = True
            story.end()
            if front:
                front.kill()
    ran = [one for one in told.values() if "left_out" not in one]
    bad = any(not one["holds"] or one["broken"] or not one["write_by_the_proxy"] for one in ran)
    return {"behind": told, "failed_with_one_retry": 0, **({"broken": ["see behind"]} if bad else {})}


def grpc_load(arguments, front, count):
    """Questions by gRPC for as long as some readers can be killed and come back."""
    command = [arguments.binary, "bench", TABLE, "--server", front.address, "--ask", "lookup", "--json"]
    command += ["--rate", "200", "--in-flight", "8", "--connections", "2", "--words", "20", "--duration", str(count * 4 + 1)]
    with front.log.open("a") as log:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)


def write_by(front):
    """Whether a write that the proxy is given arrives at the writer, whom readers name when they refuse one."""
    words = [{"word": "by the proxy", "vector": {"values": vector(1, 1)}}]
    answer = front.json.ask("TableService/PutVectors", {"table": TABLE, "words": words})
    return "sequence" in answer


TRIALS = {
    "fronts": fronts, "kills": kills, "two-writers": two_writers, "away": away, "transfers": transfers, "clocks": clocks,
    "asked": asked,
}
