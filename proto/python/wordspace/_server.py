"""A server of one's own, for notebooks and tests: a process that ends with this one."""

from __future__ import annotations

import atexit
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
from typing import IO, List, Optional, Sequence, Union

from wordspace.errors import ServerNotStarted

BINARY_VARIABLE = "WORDSPACE_BINARY"

# Lines of the server's messages that are kept, to tell why it ended.
LINES_KEPT = 200

# Runs the server as a child, and ends it when standard input closes: then the process that started
# it is gone, however it went, SIGKILL included.
WATCHED = """
exec 3<&0 </dev/null
"$@" 3<&- & server=$!
echo "process $server" >&2
(read -r _ <&3; kill "$server") 2>/dev/null & watcher=$!
exec 3<&-
wait "$server"; code=$?
kill "$watcher" 2>/dev/null
exit "$code"
"""
SHELL = "/bin/sh"


def find_binary() -> str:
    """$WORDSPACE_BINARY, else `wordspace` beside this Python (the package wordspace-server puts it
    there), else on the PATH."""
    name = "wordspace.exe" if os.name == "nt" else "wordspace"
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise ServerNotStarted(f"{BINARY_VARIABLE} is {named}, which is no program")
        return named
    for folder in (sysconfig.get_path("scripts"), os.path.dirname(sys.executable)):
        if folder and os.access(os.path.join(folder, name), os.X_OK):
            return os.path.join(folder, name)
    found = shutil.which(name)
    if found is None:
        raise ServerNotStarted(
            "there is no wordspace program to start: pip install wordspace-server, put it on the "
            f"PATH (cargo install --path .), or name it in {BINARY_VARIABLE}"
        )
    return found


class Server:
    """A running server with its data folder, at a free port of this machine."""

    def __init__(
        self,
        folder: Union[str, "os.PathLike[str]", None] = None,
        *,
        binary: Optional[str] = None,
        arguments: Sequence[str] = (),
        start_seconds: float = 60.0,
    ) -> None:
        self._temporary: Optional[str] = None
        if folder is None:
            self._temporary = tempfile.mkdtemp(prefix="wordspace-")
            folder = os.path.join(self._temporary, "data")
        self.folder = pathlib.Path(folder)
        self.messages: List[str] = []
        # A URL.
        self.address = ""
        # The server's process.
        self.pid = 0
        self._heard = threading.Event()
        program = binary or find_binary()
        command = [program, "serve", "--data", str(self.folder), "--listen", "127.0.0.1:0"]
        command += arguments
        self._is_watched = os.access(SHELL, os.X_OK)
        if self._is_watched:
            command = [SHELL, "-c", WATCHED, "wordspace", *command]
        try:
            if not os.access(program, os.X_OK):
                raise FileNotFoundError("it is no program")
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if self._is_watched else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                # Ctrl-C in a notebook or a terminal stops the question and not the server.
                start_new_session=os.name != "nt",
            )
        except OSError as error:
            self._remove()
            raise ServerNotStarted(f"{program} cannot be started: {error}") from error
        atexit.register(self.close)
        if not self._is_watched:
            self.pid = self._process.pid
        assert self._process.stderr is not None
        threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True).start()
        self._heard.wait(start_seconds)
        if not self.address:
            told = "\n".join(self.messages) or f"nothing was heard for {start_seconds:g} s"
            self.close()
            raise ServerNotStarted(f"the server did not start on {self.folder}: {told}")

    def _listen(self, stream: IO[bytes]) -> None:
        """Reads what the server says, so that it never waits for a reader."""
        mark, process = "listening on ", "process "
        with stream:
            for line in stream:
                text = line.decode("utf-8", "replace").rstrip()
                if text.startswith(process) and not self.pid:
                    self.pid = int(text[len(process) :])
                    continue
                if text.startswith(mark):
                    self.address = text[len(mark) :]
                    self._heard.set()
                self.messages.append(text)
                del self.messages[:-LINES_KEPT]
        self._heard.set()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def close(self, seconds: float = 30.0) -> None:
        """Ends the server; what was acknowledged stays in its folder."""
        atexit.unregister(self.close)
        if self._process.poll() is None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            else:
                self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                if self._is_watched:
                    os.killpg(self._process.pid, signal.SIGKILL)
                else:
                    self._process.kill()
        elif self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()
        self._remove()

    def _remove(self) -> None:
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
