"""Where a writer publishes and readers follow: a folder, a bucket of a server that runs, or one of a SeaweedFS of our own.
Each process comes to the place by a way of its own, which can be closed, frozen, or full of faults."""

import http.client
import os
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit

from faults import Fault, Proxy
from processes import Process, free_port, talk, until


class FolderWay:
    """A symbolic link to a folder; faults of transfers there are none."""

    def __init__(self, place, name):
        self.place, self.link = place, place.root / f"way-{name}"
        self.environment = {}
        self.point(place.folder)

    @property
    def location(self):
        return str(self.link)

    def point(self, at):
        new = self.link.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.symlink_to(at)
        os.replace(new, self.link)

    def close(self, is_closed=True):
        self.point(self.place.root / "nowhere" if is_closed else self.place.folder)

    def freeze(self, is_frozen=True):
        """A copy of the place, as it was at the first time, is looked at from now on."""
        copy = self.link.with_suffix(".frozen")
        if is_frozen and not copy.exists():
            shutil.copytree(self.place.folder, copy, copy_function=os.link)
        self.point(copy if is_frozen else self.place.folder)


class FolderPlace:
    """A folder of this machine."""

    about, has_faults = "a folder", False
    parts = ()

    def __init__(self, root):
        self.root = Path(root)
        self.number = 0
        self.fresh()

    def fresh(self):
        """Nothing is published there."""
        self.number += 1
        self.folder = self.root / f"place-{self.number}"
        self.folder.mkdir(parents=True)

    def way(self, name):
        return FolderWay(self, f"{self.number}-{name}")

    def end(self):
        pass


class BucketWay:
    """A proxy, or the server itself."""

    def __init__(self, place, is_direct):
        self.place, self.proxy = place, None
        url = place.endpoint
        if not is_direct:
            parts = urlsplit(place.endpoint)
            self.proxy = Proxy((parts.hostname, parts.port), free_port())
            place.proxies.append(self.proxy)
            url = self.proxy.url
        self.environment = {"AWS_ENDPOINT": url, "AWS_ALLOW_HTTP": "true"}
        self.environment["AWS_REGION"] = os.environ.get("AWS_REGION", "us-east-1")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            self.environment[name] = os.environ.get(name, "wordspace")

    @property
    def location(self):
        return f"s3://{self.place.bucket}/{self.place.prefix}"

    def close(self, is_closed=True):
        self.proxy.rule = (lambda method, path: Fault("busy")) if is_closed else None

    def freeze(self, is_frozen=True):
        """CURRENT is told from now on as it was when it was read the first time."""
        self.proxy.freezes = is_frozen


class Bucket:
    """A bucket that is there, of an S3 server."""

    about, has_faults = "a bucket", True
    parts = ()

    def __init__(self, endpoint, bucket, key=""):
        self.endpoint, self.bucket = endpoint.rstrip("/"), bucket
        self.run, self.number, self.proxies = key or f"{int(time.time())}-{os.getpid()}", 0, []
        self.fresh()

    def fresh(self):
        self.number += 1
        self.prefix = f"trials-{self.run}/{self.number}"

    def way(self, name, is_direct=False):
        return BucketWay(self, is_direct)

    def end(self):
        for proxy in self.proxies:
            proxy.close()


class Seaweed(Bucket):
    """SeaweedFS with three masters, three volume servers and every object twice, and a bucket in it."""

    about = "SeaweedFS: 3 masters, 3 volume servers, every object on two of them, one gateway"

    def __init__(self, weed, root):
        root = Path(root)
        self.weed, self.root = weed, root
        self.masters, self.volumes = [], []
        ports = [free_port(also=10_000) for _ in range(3)]
        peers = ",".join(f"127.0.0.1:{port}" for port in ports)
        for number, port in enumerate(ports):
            own = ["-port", port, "-mdir", self.folder(f"master{number}"), "-peers", peers]
            own += ["-defaultReplication", "001", "-volumeSizeLimitMB", 256, "-telemetry=false"]
            self.masters.append(self.process(f"master{number}", "master", own))
        for number in range(3):
            port = free_port(also=10_000)
            own = ["-port", port, "-dir", self.folder(f"volume{number}"), "-max", 60, "-master", peers]
            self.volumes.append(self.process(f"volume{number}", "volume", own))
        port, filer = free_port(also=10_000), free_port(also=10_000)
        own = ["-port", filer, "-master", peers, "-defaultStoreDir", self.folder("filer"), "-s3"]
        own += ["-s3.ip.bind", "127.0.0.1", "-s3.port", port, "-s3.port.grpc", free_port()]
        # Two gateways of one machine would both take their defaults.
        own += ["-s3.port.iceberg", free_port(), "-s3.port.lance", free_port()]
        self.gateway = self.process("filer", "filer", own)
        self.parts = [*self.masters, *self.volumes, self.gateway]
        super().__init__(f"http://127.0.0.1:{port}", "words")
        for part in self.parts:
            part.spawn()
        until(self.has_bucket, "SeaweedFS has a bucket", 90, 0.5)

    def folder(self, name):
        (self.root / name).mkdir(parents=True)
        return self.root / name

    def process(self, name, what, own):
        command = [self.weed, f"-logdir={self.folder(f'log-{name}')}", what, "-ip", "127.0.0.1", "-ip.bind", "127.0.0.1"]
        return Process(name, [*command, *own], self.root / f"{name}.log")

    def status(self, method, path, body=b""):
        parts = urlsplit(self.endpoint)
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
        try:
            connection.request(method, path, body)
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def has_bucket(self):
        self.status("PUT", f"/{self.bucket}")
        return self.is_well()

    def is_well(self):
        """Whether it takes objects."""
        return self.status("PUT", f"/{self.bucket}/well", b"well") == 200

    def end(self):
        super().end()
        for part in self.parts[::-1]:
            part.kill()


def place_of(arguments, root):
    """The place that the command line asks for."""
    if arguments.weed:
        talk("SeaweedFS begins")
        return Seaweed(arguments.weed, Path(root) / "weed")
    if arguments.endpoint:
        return Bucket(arguments.endpoint, arguments.bucket)
    (Path(root) / "places").mkdir()
    return FolderPlace(Path(root) / "places")
