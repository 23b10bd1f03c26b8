"""Writes to a writer and questions to its readers, without pause, and what must be true of every answer.

Each write gives the same number to all of some words, in one call; an import gives it to every word of the table. So an answer
about several of them is of one state if and only if it has one number, and numbers only grow."""

import random
import tempfile
import threading
import time

from processes import Refused, talk, until

TABLE, WORDS, CHECKED, DIM = "t", 10_100, 24, 4
LOOKUP = {"table": TABLE, "queries": [{"word": f"w{word}"} for word in range(CHECKED)]}


def vector(number, tag):
    return [float(number), float(tag), 1.0, 2.0]


class Broken(AssertionError):
    """A promise that does not hold."""


class Writing(threading.Thread):
    """Writes one number after the other. Some replace the whole table, and sometimes it is indexed anew."""

    def __init__(self, writer, tag=1, first=1, pause=0.02, seed=0, imports=0.03):
        super().__init__(daemon=True)
        self.writer, self.tag, self.number, self.pause = writer, tag, first, pause
        self.chance, self.imports = random.Random(seed), imports
        self.lock = threading.Lock()
        # Numbers that were acknowledged; and those of calls that broke, which the table may have or not.
        self.acknowledged, self.unknown = set(), set()
        self.by_sequence, self.last_least = {}, None
        self.failed, self.rebuilds, self.refusals = 0, 0, {}
        self.is_over, self.is_paused = False, False
        self.idle = threading.Event()

    def fill(self):
        """Makes the table."""
        self.import_all()
        if not self.acknowledged:
            raise Broken("the first import fails")

    def run(self):
        while not self.is_over:
            if self.is_paused:
                self.idle.set()
                time.sleep(0.01)
                continue
            drawn = self.chance.random()
            if drawn < self.imports:
                self.import_all()
            elif drawn < 2 * self.imports:
                self.rebuild()
            else:
                self.put()
            time.sleep(self.pause * self.chance.random() * 2)
        self.idle.set()

    def begins(self):
        with self.lock:
            self.number += 1
            self.unknown.add(self.number)
            return self.number

    def done(self, number, answer=None):
        with self.lock:
            self.unknown.discard(number)
            self.acknowledged.add(number)
            if answer:
                self.last_least = (int(answer["generation"]), int(answer.get("sequence", 0)))
                self.by_sequence[self.last_least] = number

    def drop(self, number):
        with self.lock:
            self.unknown.discard(number)

    def put(self):
        number = self.begins()
        words = [{"word": f"w{word}", "vector": {"values": vector(number, self.tag)}} for word in range(CHECKED)]
        try:
            self.done(number, self.writer.ask("TableService/PutVectors", {"table": TABLE, "words": words}))
        except Refused as refused:
            # The reason is that of any other write at the same time; the words are not.
            is_superseded = "another server publishes" in str(refused)
            why = "superseded" if is_superseded else refused.reason
            self.refusals[why] = self.refusals.get(why, 0) + 1
        except ConnectionRefusedError:
            # Nobody was there to take it.
            self.drop(number)
        except OSError:
            self.failed += 1

    def import_all(self):
        number = self.begins()
        numbers = " ".join(map(str, vector(number, self.tag)))
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as rows:
            rows.writelines(f"w{word} {numbers}\n" for word in range(WORDS))
            rows.flush()
            try:
                self.writer.run("import", rows.name, "--table", TABLE, "--replace")
            except OSError:
                self.failed += 1
                return
        self.done(number)

    def rebuild(self):
        """Has the writes taken into a new generation, in the background."""
        try:
            self.writer.ask("TableService/BuildIndex", {"table": TABLE})
            self.rebuilds += 1
        except (OSError, Refused):
            pass

    def rest(self, is_paused=True):
        """Pauses, once no call is under way."""
        self.idle.clear()
        self.is_paused = is_paused
        if is_paused:
            self.idle.wait(30)

    def end(self):
        self.is_over = True
        self.join(60)

    def last(self):
        with self.lock:
            return max(self.acknowledged, default=0)

    def check(self, state, at, least):
        """That a state was acknowledged, or may have been."""
        number, tag = state
        with self.lock:
            if tag != self.tag or number not in self.acknowledged | self.unknown:
                return f"{state} was never written"
            known = self.by_sequence.get(at)
            if known is not None and known != number:
                return f"write {at} gave {known}, and {number} is shown"
            if least and at < least:
                return f"{at} is shown to who asks for {least}"
        return ""


def state_of(answer):
    """The number and tag that all words of an answer have, and its generation and sequence."""
    states = {tuple(one["vector"]["values"]) for one in answer["vectors"]}
    if len(states) != 1:
        raise Broken(f"torn: {sorted(states)}")
    number, tag = states.pop()[:2]
    at = answer["answer"]
    return (int(number), int(tag)), (int(at["generation"]), int(at.get("sequence", 0)))


class Reading:
    """Asks readers in turn, from some threads; each question that fails is asked once more, of the next reader."""

    def __init__(self, readers, check, threads=3, seed=0, pause=0.002, goes_forward=True):
        self.readers, self.check, self.pause, self.seed = readers, check, pause, seed
        # What is behind a proxy are several, and one may be behind another.
        self.goes_forward = goes_forward
        self.least = lambda: None
        self.lock = threading.Lock()
        # What each has shown last; and the most that any showed which has lost its folder since.
        self.shown, self.published = {}, 0
        self.asked = self.first_failed = self.failed = self.behind = self.waited = 0
        self.broken, self.twice, self.why, self.states = [], [], {}, set()
        self.is_over = False
        self.turns = [0] * threads
        self.threads = [threading.Thread(target=self.ask, args=(number,), daemon=True) for number in range(threads)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def end(self):
        self.is_over = True
        for thread in self.threads:
            thread.join(60)
        return self

    def forget(self):
        """A new story begins: what was shown before binds nobody."""
        with self.lock:
            self.shown, self.states, self.published = {}, set(), 0

    def pass_on(self):
        """Waits until no question is under way that began before: those that failed have asked their second reader."""
        before = list(self.turns)
        until(lambda: all(now > then for now, then in zip(self.turns, before)), "questions go on", 60)

    def is_new(self, reader):
        """A reader has lost its folder, and what it showed before."""
        with self.lock:
            self.published = max(self.published, self.shown.pop(reader.name, (None, 0))[1])

    def ask(self, number):
        chance = random.Random((self.seed << 8) + number)
        turn = number
        while not self.is_over:
            turn += 1
            self.turns[number] += 1
            least = self.least() if chance.random() < 0.05 else None
            self.asked += 1
            first, second = (self.readers[(turn + more) % len(self.readers)] for more in (0, 1))
            why = self.one(first, least)
            if why:
                self.first_failed += 1
                again = self.one(second, least)
                if again:
                    self.failed += 1
                    self.twice.append(f"{first.name}: {why}; {second.name}: {again}")
                    talk(f"a question failed twice: {self.twice[-1]}")
            time.sleep(self.pause)

    def one(self, reader, least):
        """Why a reader did not answer; nothing if it did."""
        before = self.shown.get(reader.name, ((-1, -1), -1))
        try:
            answer = reader.ask("TableService/Lookup", LOOKUP, least)
        except Refused as refused:
            if refused.reason == "TABLE_BEHIND":
                self.behind += 1
                return ""
            return self.fails(str(refused.reason))
        except OSError as error:
            return self.fails(type(error).__name__)
        try:
            state, at = state_of(answer)
            self.states.add(state)
            problem = self.check(state, at, least)
            is_back = at < before[0] or state[0] < before[1]
            if not problem and self.goes_forward and is_back:
                problem = f"{reader.name} goes back from {before} to {at} {state}"
            with self.lock:
                shown = self.shown.get(reader.name, ((-1, -1), -1))
                self.shown[reader.name] = max(shown, (at, state[0]))
        except Broken as torn:
            problem = str(torn)
        if least:
            self.waited += 1
        if problem:
            self.broken.append(f"{reader.name}: {problem}")
            talk(self.broken[-1])
        return ""

    def fails(self, why):
        self.why[why] = self.why.get(why, 0) + 1
        return why

    def most(self):
        """The greatest number that any reader has shown: it was published."""
        with self.lock:
            return max([self.published, *(number for _, number in self.shown.values())])

    def counts(self):
        torn = [one for one in self.broken if "torn" in one or "never" in one or " gave " in one]
        return {
            "questions": self.asked,
            "failed_at_first": self.first_failed,
            "failed_with_one_retry": self.failed,
            "answered_with_a_least_state": self.waited,
            "told_to_be_behind": self.behind,
            "torn": len(torn),
            "back_or_behind": len(self.broken) - len(torn),
            "states_shown": len(self.states),
        }


def number_of(server):
    """The number that a server shows, or None while it shows none."""
    try:
        return state_of(server.ask("TableService/Lookup", LOOKUP))[0][0]
    except (OSError, Refused, KeyError):
        return None


def settle(writing, readers, seconds=120):
    """Waits until all readers show the last write; how long that took."""
    last = writing.last()

    def have():
        numbers = [number_of(reader) for reader in readers]
        return all(number is not None and number >= last for number in numbers)

    try:
        return until(have, f"readers show {last}", seconds, 0.05)
    except AssertionError as error:
        raise Broken(f"{error}; they show {[number_of(reader) for reader in readers]}") from None
