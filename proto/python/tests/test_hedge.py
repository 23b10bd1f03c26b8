"""Hedging: which questions are asked twice, when, how often at most, and what becomes of their errors."""

import asyncio
import concurrent.futures
import pathlib
import pickle
import re
import threading
import unittest

import grpc
from test_channel import Scripted

import wordspace
import wordspace.aio
from wordspace import Hedge, Hedged, _connection, _hedge
from wordspace.v1 import table_pb2

SOON = Hedge(after=0.02, share=1.0)
OVERLOADED = (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 0.001)
UNKNOWN = (grpc.StatusCode.NOT_FOUND, "UNKNOWN_WORDS", None)


class Slow(Scripted):
    """A server that is told for each call whether it holds it, refuses it, or answers."""

    def __init__(self):
        super().__init__()
        self.steps, self.lock = [], threading.Lock()
        self.arrived, self.ended = threading.Semaphore(0), threading.Semaphore(0)
        self.release = threading.Event()

    def answer(self, method, context):
        with self.lock:
            step = self.steps.pop(0) if self.steps else "answer"
        if step == "hold":
            # Its caller gives up, or the test lets it go on.
            given_up = threading.Event()
            if not context.add_callback(given_up.set):
                # It had given up before this began.
                given_up.set()
            self.arrived.release()
            while not given_up.wait(0.005) and not self.release.is_set():
                pass
            if given_up.is_set():
                self.ended.release()
        elif step != "answer":
            with self.lock:
                self.refusals.append(step)
        return super().answer(method, context)


def serving(test, script):
    # More than the calls that a test holds.
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(24))
    server.add_generic_rpc_handlers((script,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    test.addCleanup(lambda: server.stop(0).wait())
    test.addCleanup(script.release.set)
    return f"127.0.0.1:{port}"


class Hedging(unittest.TestCase):
    def setUp(self):
        self.script = Slow()
        self.address = serving(self, self.script)

    def connect(self, hedge, address=None):
        client = wordspace.connect(address or self.address, timeout=10, hedge=hedge)
        self.addCleanup(client.close)
        wv = client.load("t")
        self.script.calls.clear()
        return client, wv

    def since(self, before, client):
        """How many questions were asked since then, and how many twice; a slow machine asks some before twice, too."""
        return tuple(now - then for now, then in zip(client.hedged[:2], before))

    def test_a_slow_question_is_asked_twice_and_the_slow_call_is_given_up(self):
        client, wv = self.connect(SOON)
        before = client.hedged
        self.script.steps = ["hold"]
        self.assertEqual(wv.most_similar("x"), [("near", 0.5)])
        self.assertTrue(self.script.ended.acquire(timeout=5))
        self.assertEqual(self.since(before, client), (1, 1))
        # And no more than twice: the first answers when the second is slow as well.
        self.script.steps = ["hold", "hold"]
        answers = []
        asking = threading.Thread(target=lambda: answers.append(wv.most_similar("x")))
        asking.start()
        for _ in range(3):
            self.assertTrue(self.script.arrived.acquire(timeout=5))
        self.script.release.set()
        asking.join(5)
        self.assertEqual(answers, [[("near", 0.5)]])
        self.assertEqual(self.since(before, client), (2, 2))

    def test_nothing_is_asked_twice_unless_that_is_wanted(self):
        client, wv = self.connect(None)
        self.script.steps = ["hold"]
        letting = threading.Timer(0.1, self.script.release.set)
        letting.start()
        wv.most_similar("x")
        self.assertEqual(self.script.calls, ["Nearest"])
        self.assertEqual(client.hedged, Hedged(0, 0, 0))

    def test_what_changes_something_is_never_made_twice(self):
        client, _ = self.connect(SOON)
        before = client.hedged
        services = client.services
        for call, request in (
            (services.TableService.PutVectors, table_pb2.PutVectorsRequest()),
            (services.TableService.DeleteWords, table_pb2.DeleteWordsRequest()),
            (services.TableService.SetAlias, table_pb2.SetAliasRequest()),
        ):
            self.script.calls.clear()
            self.script.release.clear()
            self.script.steps = ["hold"]
            letting = threading.Timer(0.1, self.script.release.set)
            letting.start()
            with self.subTest(call._name):
                call(request)
                # A question of a moment ago may come late, asked twice on a slow machine.
                self.assertEqual(self.script.calls.count(call._name.split("/")[-1]), 1)
        self.assertEqual(self.since(before, client), (0, 0))

    def test_a_server_that_is_slow_with_everything_gets_a_share_more(self):
        client, wv = self.connect(Hedge(after=0.001, share=0.1))
        client.services.timeout = 5.0
        for _ in range(6):
            self.script.steps = ["hold"] * 40
            self.script.release.clear()
            with concurrent.futures.ThreadPoolExecutor(8) as pool:
                asked = [pool.submit(wv.most_similar, "x") for _ in range(8)]
                for _ in asked:
                    self.assertTrue(self.script.arrived.acquire(timeout=5))
                self.script.release.set()
                for one in asked:
                    self.assertEqual(one.result(5), [("near", 0.5)])
        told = client.hedged
        self.assertEqual(told.asked, 49)
        self.assertLessEqual(told.twice, 4)
        self.assertGreater(told.twice, 0)
        self.assertLessEqual(len(self.script.calls), 48 + told.twice)

    def test_what_is_slow_is_told_by_the_questions_before(self):
        client, wv = self.connect(Hedge(share=1.0))
        hedging = client.services.hedging
        for number in range(_hedge.KNOWN_MIN - 1):
            hedging._answered("SearchService/Nearest", 0.001 * (number % 10))
        self.assertIsNone(hedging._begin("SearchService/Nearest"))
        wv.most_similar("x")
        known = hedging._begin("SearchService/Nearest")
        self.assertGreaterEqual(known, 0.008)
        self.assertIsNone(hedging._begin("SearchService/Rank"))
        self.script.steps = ["hold"]
        self.assertEqual(wv.most_similar("x"), [("near", 0.5)])
        self.assertEqual(client.hedged.twice, 1)
        # What was slow for long is what is normal.
        for _ in range(_hedge.KNOWN_MAX):
            hedging._answered("SearchService/Nearest", 3.0)
        self.assertEqual(hedging._begin("SearchService/Nearest"), 3.0)

    def test_refusals_are_asked_again_as_without(self):
        client, wv = self.connect(SOON)
        before = client.hedged
        # The second call is refused, and the first one answers.
        self.script.steps = ["hold", OVERLOADED]
        asking = threading.Timer(0.2, self.script.release.set)
        asking.start()
        self.assertEqual(wv.most_similar("x"), [("near", 0.5)])
        self.assertEqual(len(self.script.calls), 2)
        # Refused at once, and each time again.
        self.script.calls.clear()
        self.script.steps = [OVERLOADED] * 50
        with self.assertRaises(wordspace.Overloaded):
            wv.most_similar("x")
        self.assertEqual(len(self.script.calls), 6)
        # What asking again does not help is told though the first call is under way.
        self.script.calls.clear()
        self.script.release.clear()
        self.script.steps = ["hold", UNKNOWN]
        with self.assertRaises(KeyError):
            wv.most_similar("x")
        self.assertFalse(self.script.release.is_set())
        self.assertGreaterEqual(self.since(before, client)[1], 2)

    def test_the_deadline_is_that_of_the_question(self):
        client, wv = self.connect(SOON)
        before = client.hedged
        client.services.timeout = 0.5
        self.script.steps = ["hold", "hold"]
        with self.assertRaises(wordspace.DeadlineExceeded):
            wv.most_similar("x")
        self.assertEqual(self.since(before, client), (1, 1))
        for _ in range(2):
            self.assertTrue(self.script.ended.acquire(timeout=5))

    def test_the_second_call_goes_to_another_server(self):
        other = Slow()
        both = f"ipv4:{self.address},{serving(self, other)}"
        client, wv = self.connect(SOON, both)
        # In turn where nothing is slow, once both are connected.
        for _ in range(200):
            wv.most_similar("x")
            if len(other.calls) > 20 and len(self.script.calls) > 20:
                break
        self.assertGreater(len(other.calls), 20)
        self.assertGreater(len(self.script.calls), 20)
        self.script.steps = ["hold"] * 50
        for _ in range(10):
            self.assertEqual(wv.most_similar("x"), [("near", 0.5)])
        self.assertGreaterEqual(client.hedged.won, 4)

    def test_coroutines_hedge_as_well(self):
        async def ask():
            async with wordspace.aio.load("t", self.address, hedge=SOON) as wv:
                self.script.steps = ["hold"]
                self.assertEqual(await wv.most_similar("x"), [("near", 0.5)])
                self.assertEqual(wv.services.hedging.told()[:2], (1, 1))
                self.script.steps = ["hold", UNKNOWN]
                with self.assertRaises(KeyError):
                    await wv.most_similar("x")
                self.script.steps = [OVERLOADED, OVERLOADED]
                self.assertEqual(await wv.most_similar("x"), [("near", 0.5)])
                self.script.steps = ["hold", "hold"]
                task = asyncio.ensure_future(wv.most_similar("x"))
                for _ in range(4):
                    arrived = asyncio.to_thread(self.script.arrived.acquire, timeout=5)
                    self.assertTrue(await arrived)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task

        asyncio.run(ask())
        for _ in range(4):
            self.assertTrue(self.script.ended.acquire(timeout=5))

    def test_what_is_wanted_is_checked_and_kept_by_pickles(self):
        for wrong in ({"after": 0}, {"after": float("nan")}, {"quantile": 1}, {"share": 0}, {"share": 2}):
            with self.subTest(wrong), self.assertRaises(ValueError):
                Hedge(**wrong)
        client, wv = self.connect(Hedge(quantile=0.9))
        again = pickle.loads(pickle.dumps(wv))
        self.addCleanup(again.client.close)
        self.assertEqual(again.client.services.hedge, Hedge(quantile=0.9))
        self.assertIs(type(again.client.services.hedge), Hedge)


class Front(unittest.TestCase):
    def test_proxies_send_to_the_writer_what_is_no_question(self):
        """The configurations of packages/ and this client say of every method whether it changes something."""
        packages = pathlib.Path(__file__).resolve().parents[3] / "packages"
        for file, pattern in (
            ("haproxy.cfg", r"acl changes path_reg (-i )?(\S+)"),
            ("nginx.conf", r"location ~(\*)? (\S+) \{ # changes"),
        ):
            rules = [
                re.compile(rule, re.IGNORECASE if flag else 0)
                for flag, rule in re.findall(pattern, (packages / file).read_text())
            ]
            self.assertGreaterEqual(len(rules), 2, file)
            for service in _connection.SERVICES:
                for method in _connection._descriptor(service).methods:
                    # Exports read a table, and jobs are of the server that does them.
                    is_question = _connection.is_question(service, method.name)
                    is_question = is_question or method.name.startswith("Export")
                    is_own = service in ("AdminService", "JobService") or "Upload" in method.name
                    changes = not is_question or is_own
                    dashed = re.sub(r"(?<!^)([A-Z])", r"-\1", method.name).lower()
                    paths = [f"/wordspace.v1.{service}/{method.name}", f"/v1/{service}/{method.name}"]
                    if not is_own:
                        paths.append(f"/v1/tables/put-en/{dashed}")
                    for path in paths:
                        with self.subTest(f"{file}: {path}"):
                            self.assertEqual(any(rule.search(path) for rule in rules), changes)


if __name__ == "__main__":
    unittest.main()
