"""Model files on this machine: where the hub keeps them, which is newest, what they contain."""

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

HUB_REPOSITORY = "models--lab-cosmo--upet"


def hub_cache() -> Path:
    """Where the hub's package keeps what it downloads from the UPET repository."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE, HUB_REPOSITORY)


def hub_file(pattern: str) -> Iterable[Path]:
    """Files of the UPET repository that were downloaded before."""
    return (hub_cache() / "snapshots").glob(f"*/models/{pattern}")


def newest(paths: Iterable[Path]) -> Path | None:
    """Return the path whose name ends in the highest version, None of none."""
    return max(
        paths, key=lambda path: ([int(number) for number in re.findall(r"\d+", path.name)], path.name), default=None
    )


def sha256(path: Path) -> str:
    """SHA-256 of a file, read again only when its size or time of change differ."""
    state = path.stat()
    return _sha256(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=256)
def _sha256(path: Path, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
