"""The hub on which the UPET checkpoints are published: which are there, and their bytes from any place on."""

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from mlip_core.errors import ModelError
from mlip_core.models.files import newest

REPOSITORY = "lab-cosmo/upet"
FOLDER = "models"
"""Where in the repository the checkpoints lie."""
PATIENCE = 2.5
"""Seconds within which the hub must have answered a knock."""
SILENCE = 15.0
"""Seconds without a byte after which a connection counts as broken."""
PORTS = {"https": 443, "http": 80}
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Published:
    """One checkpoint as the hub offers it."""

    name: str
    """File name: ``pet-mad-s-v1.5.0.ckpt``."""
    size: int
    """Bytes."""
    sha256: str
    """Checksum of its content, 64 hexadecimal digits."""
    commit: str
    """State of the repository that this describes, 40 hexadecimal digits."""

    @property
    def version(self) -> str:
        """Version in its name: ``1.5.0``."""
        return self.name.removesuffix(".ckpt").rpartition("-v")[2]


def published(model: str) -> Published:
    """Ask the hub for the newest checkpoint of a model.

    Parameters
    ----------
    model : str
        Name as UPET spells it, with its size: ``pet-mad-s``.

    Returns
    -------
    Published

    Raises
    ------
    ModelError
        If the hub cannot be reached (said within three seconds), or has no such checkpoint.
    """
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url

    knock()
    listing = f"{constants.ENDPOINT}/api/models/{REPOSITORY}/tree/main/{FOLDER}"
    pattern = re.compile(re.escape(model) + r"-v\d+\.\d+\.\d+\.ckpt")
    names = [Path(row["path"]) for row in _told(lambda: _json(listing))]
    file = newest(path for path in names if pattern.fullmatch(path.name))
    if file is None:
        raise ModelError(f"The hub {hub()} has no checkpoint of {model} in {REPOSITORY}.")
    address = hf_hub_url(REPOSITORY, file.name, subfolder=FOLDER)
    about = _told(lambda: get_hf_file_metadata(address, timeout=SILENCE))
    size, sha256, commit = about.size, about.etag or "", about.commit_hash
    if not (size and commit and re.fullmatch("[0-9a-f]{64}", sha256)):
        raise ModelError(f"The hub {hub()} states no size or no checksum of {file.name}, so it is not downloaded.")
    return Published(name=file.name, size=size, sha256=sha256, commit=commit)


def stream(file: Published, start: int) -> Iterator[tuple[int, bytes]]:
    """Give the bytes of a checkpoint as they come.

    Parameters
    ----------
    file : Published
        Which.
    start : int
        Bytes that are here already.

    Yields
    ------
    tuple
        Place in the file, and the bytes that belong there. The place is 0 at first where the hub
        cannot send a part of a file.

    Raises
    ------
    ModelError
        If the hub cannot be reached, or the connection breaks.
    """
    from huggingface_hub import hf_hub_url
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    knock()
    address = hf_hub_url(REPOSITORY, file.name, subfolder=FOLDER, revision=file.commit)
    part = {"Range": f"bytes={start}-"} if start else {}
    headers = {**build_hf_headers(), "Accept-Encoding": "identity", **part}
    try:
        asked = get_session().stream("GET", address, headers=headers, timeout=SILENCE, follow_redirects=True)
        with asked as response:
            hf_raise_for_status(response)
            place = start if response.status_code == 206 else 0
            for chunk in response.iter_bytes():
                yield place, chunk
                place += len(chunk)
    except Exception as error:
        refused = f" ({_short(error)})" if hasattr(error, "response") else ""  # what else the library says is jargon
        raise ModelError(f"The connection to the hub {hub()} broke{refused}.") from error


def hub() -> str:
    """Name of the hub's host, or what stands in for it (``HF_ENDPOINT``)."""
    from huggingface_hub import constants

    return urlsplit(constants.ENDPOINT).netloc


def knock() -> None:
    """Raise ModelError unless the hub, or the proxy on the way to it, takes a connection soon.

    Looking a name up can hang for longer than any connection may, and cannot be given a time; so it
    happens in a thread of its own.
    """
    host, port = _first_stop()
    answer: Queue[OSError | None] = Queue()

    def try_it() -> None:
        try:
            socket.create_connection((host, port), PATIENCE).close()
            answer.put(None)
        except OSError as error:
            answer.put(error)

    threading.Thread(target=try_it, daemon=True).start()
    try:
        error = answer.get(timeout=PATIENCE)
    except Empty:
        error = TimeoutError(f"no answer within {PATIENCE:g} s")
    if error is not None:
        raise ModelError(f"The hub {hub()} cannot be reached ({_short(error)}).") from error


def _first_stop() -> tuple[str, int]:
    """Host and port of the hub, or of the proxy that stands before it."""
    from huggingface_hub import constants

    target = urlsplit(constants.ENDPOINT)
    proxies: Mapping[str, str] = {} if proxy_bypass(target.hostname or "") else getproxies()
    proxy = proxies.get(target.scheme) or proxies.get("all")
    stop = urlsplit(proxy if "://" in proxy else f"http://{proxy}") if proxy else target
    return stop.hostname or "", stop.port or PORTS.get(stop.scheme, 1080)


def _json(address: str) -> Any:
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    response = get_session().get(address, headers=build_hf_headers(), timeout=SILENCE)
    hf_raise_for_status(response)
    return response.json()


def _told(ask: Callable[[], T]) -> T:
    """Ask the hub; whatever goes wrong becomes a ModelError (whose kind depends on the hub package's HTTP library)."""
    try:
        return ask()
    except Exception as error:
        raise ModelError(f"The hub {hub()} did not answer as expected ({_short(error)}).") from error


def _short(error: Exception) -> str:
    """First line of what an error says, without its number."""
    said = getattr(error, "strerror", None) or str(error)
    return said.strip().partition("\n")[0] or type(error).__name__
