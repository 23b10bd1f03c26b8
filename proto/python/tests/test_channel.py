"""Retries, deadlines, errors, private servers and asyncio."""

import asyncio
import concurrent.futures
import json
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock

import grpc
import numpy as np
import support

import wordspace
import wordspace.aio
from wordspace import _connection, _server, errors
from wordspace.v1 import search_pb2, table_pb2

TLS = support.HERE.parents[2] / "tests" / "data" / "tls"


def details(reason, retry=None):
    """The packed google.rpc.Status of an error."""
    status = errors._STATUS(code=1, message=reason)
    info = errors._ERROR_INFO(reason=reason, domain="wordspace", metadata={"words": '["x"]'})
    any_ = status.details.add(type_url="type.googleapis.com/google.rpc.ErrorInfo")
    any_.value = info.SerializeToString()
    if retry is not None:
        again = errors._RETRY_INFO()
        again.retry_delay.seconds, again.retry_delay.nanos = int(retry), int(retry % 1 * 1e9)
        any_ = status.details.add(type_url="type.googleapis.com/google.rpc.RetryInfo")
        any_.value = again.SerializeToString()
    return status.SerializeToString()


class Scripted(grpc.GenericRpcHandler):
    """A server that refuses as often as it is told, then answers."""

    def __init__(self):
        self.refusals = []
        self.calls = []
        self.metadata = ()
        self.hold = None

    def service(self, handler):
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self.answer(handler.method, context)
        )

    def answer(self, method, context):
        self.calls.append(method.rpartition("/")[2])
        self.metadata = context.invocation_metadata()
        if self.hold is not None:
            self.hold.wait(5)
        if self.refusals:
            code, reason, retry = self.refusals.pop(0)
            if reason:
                context.set_trailing_metadata(
                    (("grpc-status-details-bin", details(reason, retry)),)
                )
            context.abort(code, f"refused: {reason}")
        if method.endswith("GetTable"):
            return table_pb2.GetTableResponse(
                table=table_pb2.Table(name="t", generation=1, dim=2, row_count=3)
            ).SerializeToString()
        answer = search_pb2.NearestResponse()
        answer.answer.table, answer.answer.generation, answer.answer.answered_by = "t", 1, 1
        answer.neighbors.add(word="near", similarity=0.5)
        return answer.SerializeToString()


class Refused(unittest.TestCase):
    def setUp(self):
        self.script = Scripted()
        # The server closes each connection's idle streams by itself; two threads are enough.
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        self.server.add_generic_rpc_handlers((self.script,))
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.address = f"127.0.0.1:{port}"
        self.client = wordspace.connect(self.address, timeout=10)
        self.addCleanup(lambda: self.server.stop(0))
        self.addCleanup(self.client.close)
        self.wv = self.client.load("t")
        self.script.calls.clear()

    def refuse(self, code, reason="", retry=None, times=1):
        self.script.refusals = [(getattr(grpc.StatusCode, code), reason, retry)] * times

    def test_what_was_refused_for_a_moment_is_asked_again(self):
        for code, reason in (
            ("RESOURCE_EXHAUSTED", "OVERLOADED"),
            ("ABORTED", "TABLE_BEHIND"),
            ("UNAVAILABLE", "TABLE_ABSENT"),
            ("ABORTED", "CONCURRENT_WRITE"),
            ("UNAVAILABLE", "SHUTTING_DOWN"),
        ):
            self.script.calls.clear()
            self.refuse(code, reason, 0.001, times=2)
            with self.subTest(reason):
                self.assertEqual(self.wv.most_similar("x"), [("near", 0.5)])
                self.assertEqual(self.script.calls, ["Nearest"] * 3)

    def test_not_more_often_than_six_times(self):
        self.refuse("RESOURCE_EXHAUSTED", "OVERLOADED", 0.001, times=50)
        with self.assertRaises(wordspace.Overloaded) as raised:
            self.wv.most_similar("x")
        self.assertEqual(raised.exception.reason, "OVERLOADED")
        self.assertEqual(len(self.script.calls), 6)

    def test_not_beyond_the_deadline(self):
        self.client.services.timeout = 0.5
        self.refuse("RESOURCE_EXHAUSTED", "OVERLOADED", 60.0)
        with self.assertRaises(wordspace.Overloaded):
            self.wv.most_similar("x")
        self.assertEqual(len(self.script.calls), 1)

    def test_what_asking_again_does_not_help_is_told_at_once(self):
        for code, reason, kind, builtin in (
            ("INVALID_ARGUMENT", "INVALID_FIELD", wordspace.InvalidArgument, ValueError),
            ("NOT_FOUND", "TABLE_NOT_FOUND", wordspace.NotFound, LookupError),
            ("NOT_FOUND", "UNKNOWN_WORDS", wordspace.UnknownWords, KeyError),
            ("ALREADY_EXISTS", "TABLE_EXISTS", wordspace.AlreadyExists, Exception),
            ("FAILED_PRECONDITION", "UNSUITED_TABLE", wordspace.UnsuitedTable, Exception),
            ("RESOURCE_EXHAUSTED", "DISK_FULL", wordspace.Overloaded, Exception),
            ("DATA_LOSS", "CORRUPT", wordspace.WordspaceError, Exception),
            ("INTERNAL", "", wordspace.WordspaceError, Exception),
        ):
            self.script.calls.clear()
            self.refuse(code, reason)
            with self.subTest(reason), self.assertRaises(kind) as raised:
                self.client.services.SearchService.Nearest(search_pb2.NearestRequest())
            self.assertIsInstance(raised.exception, builtin)
            self.assertEqual((raised.exception.reason, raised.exception.code), (reason, code))
            self.assertEqual(len(self.script.calls), 1)
            again = pickle.loads(pickle.dumps(raised.exception))
            self.assertEqual((type(again), str(again), again.reason), (kind, str(raised.exception), reason))

    def test_questions_outlive_a_broken_connection_and_changes_do_not(self):
        self.refuse("UNAVAILABLE")
        self.assertEqual(self.wv.most_similar("x"), [("near", 0.5)])
        self.assertEqual(len(self.script.calls), 2)
        self.script.calls.clear()
        self.refuse("UNAVAILABLE")
        with self.assertRaises(wordspace.Unavailable):
            self.client.services.TableService.PutVectors(table_pb2.PutVectorsRequest())
        self.assertEqual(len(self.script.calls), 1)

    def test_every_method_of_the_contract_is_a_question_or_a_change(self):
        config = json.loads(_connection.service_config())["methodConfig"][0]["name"]
        retried = {f"{one['service'].rpartition('.')[2]}.{one['method']}" for one in config}
        for name in ("SearchService.Nearest", "TableService.Lookup", "TextService.Embed"):
            self.assertIn(name, retried)
        for name in ("TableService.PutVectors", "TableService.DeleteTable", "TableService.SetAlias",
                     "TextService.PutTokenizer", "JobService.CancelJob", "TransferService.Import",
                     "BiasService.Debias", "TextService.SeedTable"):  # fmt: skip
            self.assertNotIn(name, retried)

    def test_a_deadline_ends_the_wait(self):
        self.script.hold = threading.Event()
        self.addCleanup(self.script.hold.set)
        self.client.services.timeout = 0.2
        with self.assertRaises(TimeoutError) as raised:
            self.wv.most_similar("x")
        self.assertIsInstance(raised.exception, wordspace.DeadlineExceeded)

    def test_details_that_are_no_message_tell_nothing(self):
        for packed in (b"", b"\xff\xff\xff", b"\x1a\x05hello"):
            self.assertEqual(errors._details(packed), errors._Details())

    def test_metadata_goes_with_every_call(self):
        client = wordspace.connect(self.address, metadata={"wordspace-min-generation": "7"})
        self.addCleanup(client.close)
        client.table("t")
        self.assertIn(("wordspace-min-generation", "7"), [tuple(one) for one in self.script.metadata])


class Addresses(unittest.TestCase):
    def test_addresses_are_those_of_the_command_line(self):
        target = _connection.target
        self.assertEqual(target("http://127.0.0.1:7"), "127.0.0.1:7")
        self.assertEqual(target("host:7"), "host:7")
        self.assertEqual(target("http://[::1]:7/"), "[::1]:7")
        with mock.patch.dict(os.environ, {"WORDSPACE_SERVER": "http://other:9"}):
            self.assertEqual(target(None), "other:9")
        with mock.patch.dict(os.environ):
            os.environ.pop("WORDSPACE_SERVER", None)
            self.assertEqual(target(None), "127.0.0.1:50051")
        self.assertEqual(target("https://host"), "host:443")
        for wrong in ("ftp://host:7", "http://", "http://host/path"):
            with self.assertRaises(ValueError):
                target(wrong)

    def test_tls_and_keys_are_those_of_the_command_line(self):
        files = {name: str(TLS / name) for name in ("ca.pem", "server.pem", "server.key")}
        own = {"cert": TLS / "app.pem", "key": TLS / "app.key"}
        with tempfile.TemporaryDirectory() as folder:
            made = subprocess.run(
                [_server.find_binary(), "key", "make", "app", "--data", folder, "--role", "write"],
                check=True,
                capture_output=True,
                text=True,
            )
            key = next(word for word in made.stdout.split() if word.startswith("ws_"))
            started = _server.Server(
                folder,
                arguments=["--tls-cert", files["server.pem"], "--tls-key", files["server.key"]]
                + ["--client-ca", files["ca.pem"]],
            )
            self.addCleanup(started.close)
            self.assertTrue(started.address.startswith("https://"), started.address)
            with wordspace.connect(
                started.address, api_key=key, ca=TLS / "ca.pem", **own
            ) as client:
                wv = client.create_table("t", 2)
                wv.add_vectors(["a"], [[1, 2]])
                self.assertNotIn(key, repr(client.services.access))
                pickled = pickle.dumps(wv)
                self.assertNotIn(key.encode(), pickled)
            variables = {"WORDSPACE_KEY": key, "WORDSPACE_TLS_CA": files["ca.pem"]}
            with mock.patch.dict(os.environ, variables), pickle.loads(pickled) as again:
                self.assertEqual(list(again["a"]), [1, 2])
            with self.assertRaises(errors.WordspaceError) as refused:
                wordspace.load("t", started.address, ca=TLS / "ca.pem", api_key="ws_no", **own)
            self.assertEqual(refused.exception.reason, "UNAUTHENTICATED")
            # Whoever is not proven is not asked, and who does not prove itself not answered.
            for wrong in ({"ca": TLS / "other-ca.pem", **own}, {"ca": TLS / "ca.pem"}):
                with self.assertRaises(ConnectionError):
                    wordspace.load("t", started.address, api_key=key, timeout=5, **wrong)

            async def asked():
                async with wordspace.aio.load(
                    "t", started.address, api_key=key, ca=TLS / "ca.pem", **own
                ) as wv:
                    return await wv.count()

            self.assertEqual(asyncio.run(asked()), 1)
        with self.assertRaisesRegex(ValueError, "only https"):
            wordspace.connect("http://host:7", ca="ca.pem")
        with self.assertRaisesRegex(ValueError, "private key"):
            wordspace.connect("https://host:7", cert="app.pem")

    def test_no_server_is_told_with_what_to_do(self):
        with self.assertRaisesRegex(ConnectionError, "wordspace serve"):
            wordspace.load("en", "127.0.0.1:1", timeout=20)

    def test_which_table_is_meant(self):
        client = support.client()
        with mock.patch.dict(os.environ, {"WORDSPACE_TABLE": "en"}):
            self.assertEqual(client.load().table, "en")
        with self.assertRaises(wordspace.NotFound):
            client.load("no-such-table")


class Private(unittest.TestCase):
    def test_a_server_of_ones_own_keeps_its_folder(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder, "words")
            with wordspace.open(data) as client:
                wv = client.create_table("t", 2)
                wv.add_vectors(["a", "b"], [[1, 0], [0, 1]])
                process = client.server._process
            self.assertEqual(process.poll(), 0)
            with wordspace.open(data) as client:
                self.assertEqual(client.load().index_to_key, ["a", "b"])

    def test_a_temporary_folder_goes_with_its_server(self):
        client = wordspace.open()
        folder = client.server.folder.parent
        self.assertTrue(folder.exists())
        client.close()
        self.assertFalse(folder.exists())

    def test_a_killed_server_is_told(self):
        client = wordspace.open()
        self.addCleanup(client.close)
        os.kill(client.server.pid, signal.SIGKILL)
        client.server._process.wait()
        self.assertFalse(client.server.is_running)
        with self.assertRaises(wordspace.Unavailable):
            client.tables()

    def test_what_cannot_start_says_why(self):
        with self.assertRaisesRegex(wordspace.ServerNotStarted, "--no-such-option"):
            wordspace.open(arguments=["--no-such-option"])
        with self.assertRaisesRegex(wordspace.ServerNotStarted, "cannot be started"):
            wordspace.open(binary="/no/such/program")
        with mock.patch.dict(os.environ, {"WORDSPACE_BINARY": "/no/such/program"}):
            with self.assertRaisesRegex(wordspace.ServerNotStarted, "WORDSPACE_BINARY"):
                _server.find_binary()
        with mock.patch.dict(os.environ, {"PATH": ""}):
            os.environ.pop("WORDSPACE_BINARY")
            with mock.patch.object(_server.sysconfig, "get_path", return_value=None):
                with mock.patch.object(_server.sys, "executable", ""):
                    with self.assertRaisesRegex(wordspace.ServerNotStarted, "pip install"):
                        _server.find_binary()

    def test_it_ends_with_its_process(self):
        code = (
            "import wordspace; c = wordspace.open(); "
            "print(c.server.pid, c.server.folder, flush=True)"
        )
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        pid, folder = told.stdout.split()
        with self.assertRaises(ProcessLookupError):
            os.kill(int(pid), 0)
        self.assertFalse(pathlib.Path(folder).exists())

    @unittest.skipUnless(os.path.exists(_server.SHELL), "no shell")
    def test_it_ends_with_its_process_even_if_that_is_killed(self):
        code = (
            "import os, wordspace; c = wordspace.open(); print(c.server.pid, c.server.folder, "
            "flush=True); os.kill(os.getpid(), 9)"
        )
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        pid, folder = told.stdout.split()
        self.addCleanup(shutil.rmtree, pathlib.Path(folder).parent)
        # It holds its folder until it has ended.
        for attempt in range(200):
            try:
                lock = wordspace.open(folder)
                break
            except wordspace.ServerNotStarted:
                self.assertLess(attempt, 199)
        self.assertEqual(lock.tables(), [])
        lock.close()
        with self.assertRaises(ProcessLookupError):
            os.kill(int(pid), 0)


class Asyncio(unittest.TestCase):
    def test_the_main_questions(self):
        wv = support.wv()

        async def ask():
            async with wordspace.aio.load("en", support.client().address) as remote:
                self.assertEqual(await remote.count(), 20_000)
                self.assertTrue(await remote.contains("king"))
                self.assertFalse(await remote.contains("no such word"))
                self.assertFalse(await remote.contains(""))
                np.testing.assert_array_equal(await remote.get_vector("king"), wv["king"])
                near = await asyncio.gather(
                    remote.most_similar("king"),
                    remote.most_similar(["woman", "king"], ["man"], topn=3),
                    remote.similar_by_word("king", restrict_vocab=500),
                    remote.similar_by_vector(np.array(wv["king"]), 4),
                )
                self.assertEqual(near[0], wv.most_similar("king"))
                self.assertEqual(near[1], wv.most_similar(["woman", "king"], ["man"], topn=3))
                self.assertEqual(near[2], wv.similar_by_word("king", restrict_vocab=500))
                self.assertEqual(near[3], wv.similar_by_vector(wv["king"], 4))
                self.assertEqual(await remote.similarity("cat", "dog"), wv.similarity("cat", "dog"))
                self.assertEqual(await remote.rank("cat", "car"), wv.rank("cat", "car"))
                words = "breakfast cereal dinner lunch nosuchword".split()
                self.assertEqual(await remote.doesnt_match(words), wv.doesnt_match(words))
                for wrong in (remote.most_similar("no such word"), remote.get_vector("")):
                    with self.assertRaises(KeyError):
                        await wrong
                for wrong in (remote.doesnt_match([]), remote.most_similar(["a", wv["a"]])):
                    with self.assertRaises(ValueError):
                        await wrong
                await asyncio.gather(*(remote.most_similar(word) for word in wv.index_to_key[:60]))

        asyncio.run(ask())

    def test_refusals_are_asked_again(self):
        script = Scripted()
        server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((script,))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        self.addCleanup(lambda: server.stop(0))
        script.refusals = [(grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED", 0.001)] * 2

        async def ask():
            async with wordspace.aio.load("t", f"127.0.0.1:{port}") as wv:
                self.assertEqual(await wv.most_similar("x"), [("near", 0.5)])

        asyncio.run(ask())
        self.assertEqual(script.calls, ["Nearest"] * 3)


if __name__ == "__main__":
    unittest.main()
