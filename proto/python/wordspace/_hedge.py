"""Hedging: a question that takes longer than most is asked once more, and the first answer counts."""

from __future__ import annotations

import asyncio
import math
import queue
import threading
import time
from collections import deque
from typing import Any, Deque, Dict, List, NamedTuple, Optional, Tuple

import grpc

# Of a method's questions so many must have been answered before it is known what is slow.
KNOWN_MIN = 30
# So many of the last ones tell it, and each so many it is worked out again.
KNOWN_MAX = 500
EACH = 10
# Extra calls that may be made right after each other, however long none was needed.
BURST = 10.0
# With these another server, or the same one a moment later, may still have an answer.
_PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)


class _Fields(NamedTuple):
    after: Optional[float] = None
    quantile: float = 0.95
    share: float = 0.05


class Hedge(_Fields):
    """When a question is asked a second time: `wordspace.connect(..., hedge=Hedge())`.

    `after` is how many seconds it may take before. Without it that is the `quantile` of the last
    questions of its method, and the first 30 of each are not hedged. Of all questions at most
    `share` are asked twice, so that a server that is slow with everything does not get twice the work.
    """

    __slots__ = ()

    def __new__(
        cls, after: Optional[float] = None, quantile: float = 0.95, share: float = 0.05
    ) -> "Hedge":
        if after is not None and not (after > 0 and math.isfinite(after)):
            raise ValueError(f"after={after}: seconds, more than 0")
        if not 0 < quantile < 1:
            raise ValueError(f"quantile={quantile}: between 0 and 1, such as 0.95")
        if not 0 < share <= 1:
            raise ValueError(f"share={share}: more than 0, and 1 at most")
        return super().__new__(cls, after, quantile, share)


class Hedged(NamedTuple):
    """What became of hedging so far."""

    # Questions that could have been asked twice.
    asked: int
    # Those that were.
    twice: int
    # Those of them that the second call answered.
    won: int


class Hedging:
    """What a connection knows of how long its questions take, and what is left of its extra calls."""

    def __init__(self, hedge: Hedge) -> None:
        self._hedge = hedge
        self._lock = threading.Lock()
        self._left = 0.0
        self._took: Dict[str, Deque[float]] = {}
        # By method how many were told since the quantile was worked out, and what it was.
        self._slow: Dict[str, Tuple[int, Optional[float]]] = {}
        self._asked = self._twice = self._won = 0

    def told(self) -> Hedged:
        with self._lock:
            return Hedged(self._asked, self._twice, self._won)

    def _begin(self, method: str) -> Optional[float]:
        """A question begins: seconds until it is slow, or None while nobody knows."""
        with self._lock:
            self._asked += 1
            self._left = min(self._left + self._hedge.share, BURST)
            if self._hedge.after is not None:
                return self._hedge.after
            return self._slow.get(method, (0, None))[1]

    def _spend(self) -> bool:
        with self._lock:
            # A sum of twenty twentieths is a little less than 1.
            if self._left < 1.0 - 1e-9:
                return False
            self._left -= 1.0
            self._twice += 1
            return True

    def _answered(self, method: str, seconds: float, second: bool = False) -> None:
        """Of a question that was asked twice the first call would have taken longer: that it was slow is told all
        the same."""
        with self._lock:
            self._won += second
            if self._hedge.after is not None:
                return
            took = self._took.setdefault(method, deque(maxlen=KNOWN_MAX))
            took.append(seconds)
            since, slow = self._slow.get(method, (0, None))
            since += 1
            if len(took) >= KNOWN_MIN and (slow is None or since >= EACH):
                ordered = sorted(took)
                at = min(int(self._hedge.quantile * len(ordered)), len(ordered) - 1)
                since, slow = 0, ordered[at]
            self._slow[method] = (since, slow)

    def ask(self, call: Any, method: str, request: Any, timeout: Optional[float], metadata: Any) -> Any:
        """A question's answer, from whichever call has it first. Raises as the call does."""
        began = time.monotonic()
        slow = self._begin(method)
        if slow is None or (timeout is not None and slow >= timeout):
            answer = call(request, timeout=timeout, metadata=metadata)
            self._answered(method, time.monotonic() - began)
            return answer
        calls: List[Any] = [call.future(request, timeout=timeout, metadata=metadata)]
        try:
            try:
                answer, winner = calls[0].result(timeout=slow), calls[0]
            except grpc.FutureTimeoutError:
                if self._spend():
                    left = _left(timeout, began)
                    calls.append(call.future(request, timeout=left, metadata=metadata))
                answer, winner = _first(calls)
            self._answered(method, time.monotonic() - began, winner is not calls[0])
            return answer
        finally:
            for one in calls:
                one.cancel()

    async def ask_async(
        self, call: Any, method: str, request: Any, timeout: Optional[float], metadata: Any
    ) -> Any:
        """The same for asyncio."""
        began = time.monotonic()
        slow = self._begin(method)

        async def one(left: Optional[float]) -> Any:
            return await call(request, timeout=left, metadata=metadata)

        tasks = [asyncio.ensure_future(one(timeout))]
        try:
            done, _ = await asyncio.wait(tasks, timeout=slow)
            if not done and self._spend():
                tasks.append(asyncio.ensure_future(one(_left(timeout, began))))
            failed: Optional[BaseException] = None
            waiting = set(tasks)
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    error = task.exception()
                    if error is None:
                        second = task is not tasks[0]
                        self._answered(method, time.monotonic() - began, second)
                        return task.result()
                    failed = failed or error
                    if not _is_passing(error):
                        raise error
            assert failed is not None
            raise failed
        finally:
            for task in tasks:
                if not task.cancel() and not task.cancelled():
                    # Nobody else looks at how it failed.
                    task.exception()


def _left(timeout: Optional[float], began: float) -> Optional[float]:
    if timeout is None:
        return None
    return max(timeout - (time.monotonic() - began), 0.001)


def _is_passing(error: Any) -> bool:
    return isinstance(error, grpc.RpcError) and error.code() in _PASSING


def _first(calls: List[Any]) -> Tuple[Any, Any]:
    """The first answer of these calls, and which of them has it; where all fail, how the first one did that failed."""
    ended: "queue.SimpleQueue[Any]" = queue.SimpleQueue()
    for one in calls:
        one.add_done_callback(ended.put)
    failed: Optional[grpc.RpcError] = None
    for _ in calls:
        one = ended.get()
        try:
            return one.result(), one
        except grpc.RpcError as error:
            failed = failed or error
            if not _is_passing(error):
                raise
    assert failed is not None
    raise failed
