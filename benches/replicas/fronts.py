"""HAProxy and nginx before readers, with the configurations of packages/ at the addresses of servers that run here."""

import re
import shutil
from pathlib import Path

from processes import Process, Server, free_port, until

PACKAGES = Path(__file__).resolve().parents[2] / "packages"
PATH = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"


class Front(Process):
    """A proxy: `grpc` and `json` are where it is asked."""

    def __init__(self, kind, root, binary, writer, readers):
        root = Path(root)
        root.mkdir(parents=True, exist_ok=True)
        file, environment = root / f"{kind}.conf", {}
        self.grpc, self.json = (Server(f"{kind}-{way}", binary, root / way, []) for way in ("grpc", "json"))
        if kind == "haproxy":
            self.json.port = self.grpc.port
            environment = {"LISTEN": self.grpc.port, "STATS": free_port(), "WRITER": writer.port}
            environment |= {f"READER{number}": reader.port for number, reader in enumerate(readers, 1)}
            environment = {name: f"127.0.0.1:{port}" for name, port in environment.items()}
            command = [program(kind), "-db", "-f", PACKAGES / "haproxy.cfg"]
        else:
            file.write_text(nginx(self.grpc.port, self.json.port, writer, readers))
            own = f"daemon off; pid {root}/nginx.pid; error_log stderr warn;"
            command = [program(kind), "-p", root, "-c", file, "-g", own]
        super().__init__(kind, command, root / f"{kind}.log", environment)
        self.address = f"http://127.0.0.1:{self.grpc.port}"

    def start(self):
        self.spawn()
        until(lambda: self.json.is_serving() or not self.is_running, f"{self.name} answers", 20, 0.1)
        if not self.is_running:
            raise AssertionError(f"{self.name} does not start: {self.last_words()}")
        return self

    def kill(self):
        # Told to end, its processes go with it.
        self.end()


def program(kind):
    """Where it is installed, or None."""
    return shutil.which(kind, path=PATH)


def lines(prefix, readers, rest=""):
    return "".join(f"{prefix} 127.0.0.1:{reader.port}{rest}\n" for reader in readers)


def nginx(grpc, json, writer, readers):
    told = (PACKAGES / "nginx.conf").read_text()
    told = replaced(r"(?m)^( *)listen 50050 http2;$", f"listen 127.0.0.1:{grpc} http2;", told)
    told = replaced(r"listen 50080;", f"listen 127.0.0.1:{json};", told)
    rest = " max_fails=1 fail_timeout=2s;"
    told = replaced(r"(?m)(^ +server 127\.0\.0\.1:5005[2-9].*\n)+", lines("        server", readers, rest), told, 2)
    return replaced(r"server 127\.0\.0\.1:50051", f"server 127.0.0.1:{writer.port}", told, 2)


def replaced(pattern, new, told, wanted=1):
    """A configuration that has nothing of the kind is not the one that is meant."""
    told, times = re.subn(pattern, lambda _: new, told)
    if times != wanted:
        raise AssertionError(f"{pattern} is there {times} times")
    return told
