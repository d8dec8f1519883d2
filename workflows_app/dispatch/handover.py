"""How a cluster's pusher hands tasks to its workers, and these their results to the monitor: queues without locks.

multiprocessing's queue guards the reading end of a pipe with a lock that all readers share, and an idle one waits with
that lock in its hand. Killed there, it takes the lock along and its whole cluster hangs (pitfalls Q6). Here each
message is a packet: the kernel gives it whole to one of those who wait, and nobody holds anything.
"""

from __future__ import annotations

import fcntl
import os
import pickle
import select
import socket
import struct
import termios
import time
from collections.abc import Callable
from typing import Any, ClassVar

STOP = "STOP"  # what django-q2 puts for each worker that shall end
LARGEST_MESSAGE = 200_000
LOOK_SECONDS = 0.05


class Exit:
    """Has this process's `get` return STOP from now on, whatever lies in the queue. Settable from any thread."""

    def __init__(self) -> None:
        self.reader, self._writer = os.pipe()

    def request(self) -> None:
        os.write(self._writer, b"x")


class Handover:
    """One message waits at most where `while_full` is given. A process inherits it by being forked.

    It is called again and again while a message waits for its taker; where it returns False, the next
    message is dropped.
    """

    exit: ClassVar[Exit | None] = None  # the worker process's own

    def __init__(self, while_full: Callable[[], bool] | None = None) -> None:
        self._while_full = while_full
        self._sender, self._receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._receiver.setblocking(False)

    def put(self, message: Any) -> None:
        """Raises ValueError for a message over 200 kB."""
        while self._while_full is not None and message != STOP and not self.empty():
            if not self._while_full():
                return
            time.sleep(LOOK_SECONDS)
        packet = pickle.dumps(message)
        if len(packet) > LARGEST_MESSAGE:
            raise ValueError(f"A message of {len(packet)} bytes is too large to hand over.")
        self._sender.send(packet)

    def get(self) -> Any:
        """The next message for this process, waiting for it as long as it takes."""
        poll = select.poll()
        poll.register(self._receiver, select.POLLIN)
        if self.exit is not None:
            poll.register(self.exit.reader, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll()}
            if self.exit is not None and self.exit.reader in ready:
                return STOP
            try:
                packet = self._receiver.recv(LARGEST_MESSAGE)
            except BlockingIOError:
                continue  # another worker was faster
            return pickle.loads(packet) if packet else STOP

    def empty(self) -> bool:
        return self.qsize() == 0

    def qsize(self) -> int:
        """Whether something waits, as the kernel counts it for the sending end: 0 or 1."""
        unread = fcntl.ioctl(self._sender, termios.TIOCOUTQ, struct.pack("i", 0))
        return 1 if struct.unpack("i", unread)[0] else 0

    def close(self) -> None:
        """django-q2 calls it before the workers have taken what waits, so nothing is closed."""

    def join_thread(self) -> None:
        """There is no thread that writes."""


class Results(Handover):
    """What workers have done. A result that is too large is not kept; nobody here waits for one."""

    def put(self, message: Any) -> None:
        try:
            super().put(message)
        except ValueError:
            super().put({**message, "args": (), "kwargs": {}, "result": "The result was too large to keep."})
