"""Processes of the trials and figures: servers of wordspace, asked in JSON, and how much processor time they take."""

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
TIMEOUT = 5.0
# A message of gRPC without content, and the answer SERVING, both with their prefix of five bytes.
ASKED, SERVING = base64.b64encode(bytes(5)), base64.b64encode(b"\0\0\0\0\2\x08\1")


def talk(text):
    print(text, file=sys.stderr, flush=True)


def free_port(also=0):
    """A port that nobody listens at; with `also`, the one so much above it is free, too."""
    for _ in range(1000):
        with socket.socket() as probe, socket.socket() as other:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            try:
                if port + also > 65_535:
                    continue
                other.bind(("127.0.0.1", port + also if also else 0))
            except OSError:
                continue
            return port
    raise SystemExit("no free port")


def until(holds, what, seconds=60.0, pause=0.01):
    """Waits until `holds()` is true, and says how many seconds that took."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > seconds:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)
    return time.monotonic() - began


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status, told):
        super().__init__(f"{told.get('code')} {told.get('reason')}: {told.get('detail')}")
        self.status, self.code, self.reason = status, told.get("code"), told.get("reason")
        self.told = told


class Process:
    """A program that is started, killed, and started again; its output goes to a file."""

    def __init__(self, name, command, log, environment=()):
        self.name, self.command, self.log = name, [str(part) for part in command], Path(log)
        self.environment = dict(environment)
        self.process = None

    def spawn(self):
        with self.log.open("ab") as log:
            environment = {**os.environ, **self.environment}
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def end(self, how=signal.SIGTERM):
        if self.process is not None:
            if self.process.poll() is None:
                self.process.send_signal(how)
            self.process.wait()

    def kill(self):
        self.end(signal.SIGKILL)

    def processor_seconds(self):
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def hurry(self):
        """Its threads that give way to all other work do so no more, where this process may say that."""
        for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                os.setpriority(os.PRIO_PROCESS, int(thread.name), os.getpriority(os.PRIO_PROCESS, 0))
            except OSError:
                pass

    def last_words(self):
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""


class Server(Process):
    """`wordspace serve`, at the same ports whenever it is started."""

    def __init__(self, name, binary, folder, replication, options=(), environment=()):
        self.folder, self.binary = Path(folder), binary
        self.port, self.metrics_port = free_port(), free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        command = [binary, "serve", "--data", folder, "--listen", f"127.0.0.1:{self.port}"]
        command += ["--metrics-listen", f"127.0.0.1:{self.metrics_port}", *replication, *options]
        super().__init__(name, command, f"{folder}.log", environment)
        self.connections = threading.local()

    def begin(self):
        """Starts it without waiting for it."""
        self.spawn()
        return self

    def start(self, seconds=60.0):
        """Starts it, and waits until it takes calls."""
        self.spawn()
        until(lambda: self.listens() or not self.is_running, f"{self.name} listens", seconds)
        if not self.is_running:
            raise AssertionError(f"{self.name} does not start: {self.last_words()}")
        return self

    def listens(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def post(self, path, body, headers, timeout=TIMEOUT):
        """An answer's status and body, over a connection that this thread keeps."""
        kept = getattr(self.connections, "kept", None)
        connection = kept or http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        self.connections.kept = None
        try:
            connection.timeout = timeout
            if connection.sock is not None:
                connection.sock.settimeout(timeout)
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            # A connection that was kept may have ended with an earlier process.
            if kept is not None and not isinstance(error, TimeoutError):
                try:
                    return self.post(path, body, headers, timeout)
                except ConnectionRefusedError:
                    # Nobody is there now, and what became of the first call is not known.
                    raise OSError("a connection broke") from error
            if isinstance(error, OSError):
                raise
            raise OSError(type(error).__name__) from error
        self.connections.kept = connection
        return answer.status, told

    def ask(self, method, message, least=None, timeout=TIMEOUT):
        """The answer to a message, both as JSON; `least` is what the answer must have seen."""
        headers = {"content-type": "application/json", "grpc-timeout": f"{int(timeout * 1000)}m"}
        if least:
            headers["wordspace-min-generation"], headers["wordspace-min-sequence"] = map(str, least)
        status, told = self.post(f"/v1/{method}", json.dumps(message), headers, timeout)
        try:
            told = json.loads(told)
        except ValueError:
            raise OSError(f"an answer that is no JSON: {told[:80]}") from None
        if status != 200:
            raise Refused(status, told)
        return told

    def is_serving(self):
        """Whether gRPC's health says so."""
        headers = {"content-type": "application/grpc-web-text", "x-grpc-web": "1"}
        try:
            status, told = self.post("/grpc.health.v1.Health/Check", ASKED, headers, 2)
        except OSError:
            return False
        return status == 200 and told.startswith(SERVING)

    def metrics(self):
        """Those of replication, by name; none while it does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.metrics_port, timeout=TIMEOUT)
        try:
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
        except (OSError, http.client.HTTPException):
            return {}
        finally:
            connection.close()
        begins = "wordspace_replica_"
        told = (line.removeprefix(begins).rsplit(" ", 1) for line in lines if line.startswith(begins))
        return {name.split("{")[0]: float(value) for name, value in told}

    def run(self, *arguments):
        """What the command line prints when it asks this server."""
        environment = {**os.environ, "WORDSPACE_SERVER": self.address}
        command = [self.binary, *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(f"{arguments}: {done.stderr.strip()}")
        return done.stdout


class Shares:
    """Control groups of processor time, where this process may make them."""

    V1, V2 = Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup")
    PERIOD = 20_000

    def __init__(self):
        self.made = []
        self.is_v1 = (self.V1 / "cpu.cfs_quota_us").exists() or (self.V1 / "tasks").exists()

    def limit(self, process, cores):
        """From now on the process has so many cores; false where that cannot be had."""
        root = self.V1 if self.is_v1 else self.V2
        group = root / f"wordspace-{os.getpid()}-{len(self.made)}"
        try:
            group.mkdir()
            self.made.append(group)
            quota = int(cores * self.PERIOD)
            if self.is_v1:
                (group / "cpu.cfs_period_us").write_text(str(self.PERIOD))
                (group / "cpu.cfs_quota_us").write_text(str(quota))
            else:
                (group / "cpu.max").write_text(f"{quota} {self.PERIOD}")
            (group / "cgroup.procs").write_text(str(process.process.pid))
        except OSError as error:
            talk(f"no control group: {error}")
            return False
        return True

    def end(self):
        """After their processes."""
        for group in self.made:
            try:
                until(lambda: not (group / "cgroup.procs").read_text().strip(), "a group is empty", 5)
                group.rmdir()
            except (OSError, AssertionError) as error:
                talk(f"{group} stays: {error}")
