"""A proxy before an S3 server that does to its transfers what a fault says: refuses, cuts, changes, repeats, delays."""

import asyncio
import random
import threading

PIECE = 256 << 10
BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


class Fault:
    """What happens to one request; a fault without anything lets it pass."""

    def __init__(self, kind="", seconds=0.0, share=0.5, per_second=0, hook=None):
        self.kind, self.seconds, self.share = kind, seconds, share
        self.per_second, self.hook = per_second, hook

    def __str__(self):
        return self.kind


def chances(seed, *kinds):
    """Draws a fault for each request: `kinds` are chances with what makes the fault."""
    chance = random.Random(seed)

    def draw(method, path):
        drawn = chance.random()
        for share, make in kinds:
            drawn -= share
            if drawn < 0:
                return make(chance, method)
        return None

    return draw


class Closed(Exception):
    """A connection that ended, or was ended."""


class Proxy:
    """Listens at a port of its own. `rule` says of each request, by its method and path, which fault it meets."""

    loop = None

    def __init__(self, upstream, port):
        self.upstream, self.port = upstream, port
        self.rule = None
        self.requests, self.met = 0, {}
        # What CURRENT was, while readers are to see that in place of what it is.
        self.frozen, self.freezes = None, False
        if Proxy.loop is None:
            Proxy.loop = asyncio.new_event_loop()
            threading.Thread(target=Proxy.loop.run_forever, daemon=True).start()
        # The loop itself holds none of them.
        self.tasks = set()
        self.server = self.do(asyncio.start_server(self.serve, "127.0.0.1", port, limit=1 << 20))

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, Proxy.loop).result(30)

    def close(self):
        async def end():
            self.server.close()
            for task in list(self.tasks):
                task.cancel()

        self.do(end())

    async def serve(self, reader, writer):
        task = asyncio.current_task()
        self.tasks.add(task)
        try:
            while True:
                await self.one(reader, writer)
        except (OSError, EOFError, Closed, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()

    async def one(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        method, path = head.split(b" ", 2)[:2]
        method, path = method.decode(), path.decode()
        body = await self.body(reader, writer, head)
        self.requests += 1
        fault = self.rule(method, path) if self.rule else None
        fault = fault or Fault()
        self.met[fault.kind] = self.met.get(fault.kind, 0) + 1
        if fault.hook:
            # It may end the process that asks, before or after what it asks for is done.
            await asyncio.get_running_loop().run_in_executor(None, fault.hook, "before")
        if fault.kind == "busy":
            writer.write(b"HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\n")
            writer.write(b"content-length: %d\r\n\r\n" % len(BUSY) + BUSY)
            await writer.drain()
            return
        if fault.kind in ("late", "late again"):
            await asyncio.sleep(fault.seconds)
        if fault.kind == "half sent":
            await self.send(head, body[: int(len(body) * fault.share)], False)
            raise Closed
        request = (head, body)
        if fault.kind in ("again", "late again") or fault.kind == "first answer":
            seconds = fault.seconds if fault.kind == "late again" else 0
            again = asyncio.ensure_future(self.whole(*request, seconds))
            self.tasks.add(again)
            again.add_done_callback(self.tasks.discard)
            if fault.kind == "again":
                # The answer that counts is the second one's.
                await again
        freezes = self.freezes and method == "GET" and path.split("?")[0].endswith("/CURRENT")
        if freezes and self.frozen:
            writer.write(self.frozen)
            await writer.drain()
            return
        upstream = await self.send(head, body, True)
        try:
            await self.answer(upstream, writer, fault, method, freezes)
        finally:
            upstream[1].close()

    async def body(self, reader, writer, head):
        lower = head.lower()
        if b"expect: 100-continue" in lower:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = header(lower, b"content-length")
        if length is not None:
            return await reader.readexactly(int(length))
        if header(lower, b"transfer-encoding") is None:
            return b""
        raise Closed("an upload without a length")

    async def send(self, head, body, is_whole):
        host, port = self.upstream
        upstream = await asyncio.open_connection(host, port, limit=1 << 20)
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
        lines.insert(1, b"connection: close")
        upstream[1].write(b"\r\n".join(lines) + body)
        await upstream[1].drain()
        if not is_whole:
            upstream[1].close()
        return upstream

    async def whole(self, head, body, seconds):
        """Sends a request once more, and looks at no answer."""
        try:
            await asyncio.sleep(seconds)
            upstream = await self.send(head, body, True)
            try:
                while await upstream[0].read(PIECE):
                    pass
            finally:
                upstream[1].close()
        except OSError:
            pass

    async def answer(self, upstream, writer, fault, method, freezes):
        reader = upstream[0]
        head = await reader.readuntil(b"\r\n\r\n")
        lower = head.lower()
        length = header(lower, b"content-length")
        if fault.kind == "lost answer":
            while await reader.read(PIECE):
                pass
            raise Closed
        if fault.hook:
            hook = asyncio.get_running_loop().run_in_executor(None, fault.hook, "after")
            await hook
        if fault.kind in ("cut", "short", "changed") or freezes or length is None:
            has_body = method != "HEAD" and b" 204 " not in head[:20] and b" 304 " not in head[:20]
            body = await reader.read(-1) if has_body else b""
            if header(lower, b"transfer-encoding"):
                body = unchunked(body)
            await self.whole_answer(writer, head, body, fault, freezes, length if method == "HEAD" else None)
            return
        writer.write(head)
        left = 0 if method == "HEAD" else int(length)
        while left:
            piece = await reader.read(min(PIECE, left))
            if not piece:
                raise Closed
            writer.write(piece)
            await writer.drain()
            left -= len(piece)
            if fault.per_second:
                await asyncio.sleep(len(piece) / fault.per_second)
        await writer.drain()

    async def whole_answer(self, writer, head, body, fault, freezes, told_length):
        names = (b"content-length:", b"transfer-encoding:", b"connection:")
        lines = [line for line in head[:-4].split(b"\r\n") if not line.lower().startswith(names)]
        length = int(told_length) if told_length is not None else len(body)
        if fault.kind == "short":
            body = body[: int(len(body) * fault.share)]
            length = len(body)
        if fault.kind == "changed" and body:
            at = int(len(body) * fault.share)
            body = body[:at] + bytes([body[at] ^ 0x40]) + body[at + 1 :]
        told = b"\r\n".join(lines) + b"\r\ncontent-length: %d\r\n\r\n" % length
        if freezes and b" 200 " in head[:20]:
            self.frozen = told + body
        if fault.kind == "cut":
            writer.write(told + body[: int(len(body) * fault.share)])
            await writer.drain()
            raise Closed
        writer.write(told + body)
        await writer.drain()


def header(lower, name):
    for line in lower.split(b"\r\n")[1:]:
        if line.startswith(name + b":"):
            return line[len(name) + 1 :].strip()
    return None


def unchunked(body):
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        size = int(size.split(b";")[0] or b"0", 16)
        if not size:
            break
        whole, body = whole + body[:size], body[size + 2 :]
    return whole
