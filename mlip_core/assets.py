"""Where the files that travel with the package lie."""

from pathlib import Path

_HERE = Path(__file__).parent


def asset(*parts: str) -> Path:
    """Path of a file or folder under ``assets/``, in a checkout or in an installed wheel."""
    packaged = _HERE / "_assets"
    root = packaged if packaged.is_dir() else _HERE.parent / "assets"
    return root.joinpath(*parts)
