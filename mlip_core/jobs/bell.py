"""A bell by which the web server wakes the dispatcher, so that nobody has to look again and again whether there is work."""

import contextlib
import select
import socket
from pathlib import Path

_FILE = "dispatcher.port"
_HOST = "127.0.0.1"


class Bell:
    """Hangs where one dispatcher can hear it: a datagram socket of this machine, its port written into the home folder.

    Parameters
    ----------
    home : path
        Folder of this person's data.
    """

    def __init__(self, home: str | Path) -> None:
        self._path = Path(home) / _FILE
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((_HOST, 0))
        self._socket.setblocking(False)
        self._path.write_text(str(self._socket.getsockname()[1]))

    def wait(self, seconds: float) -> bool:
        """Wait until somebody rings, at most so long; return whether somebody did."""
        ready, _, _ = select.select([self._socket], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while ready:
                self._socket.recv(16)
        return bool(ready)

    def ring(self, *_: object) -> None:
        """Ring it from this process, from any thread."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.sendto(b"!", self._socket.getsockname())

    def close(self) -> None:
        """Take it down."""
        self._path.unlink(missing_ok=True)
        self._socket.close()


def ring(home: str | Path) -> None:
    """Ring the bell of a home folder's dispatcher; nothing happens where none hangs."""
    with contextlib.suppress(OSError, ValueError):
        port = int((Path(home) / _FILE).read_text())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.sendto(b"!", (_HOST, port))
