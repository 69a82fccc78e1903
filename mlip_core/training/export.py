"""From the last checkpoint to the file that ships."""

import subprocess
import sys
from pathlib import Path

from mlip_core.errors import CalculationError, SettingsError

LARGEST = 6_000_000
"""Largest size of an exported model, so that its download takes seconds, bytes."""


def export(checkpoint: Path, target: Path) -> Path:
    """Export a checkpoint with ``mtt export``, replacing ``target`` in one step.

    Parameters
    ----------
    checkpoint : path
        Best checkpoint of a stage.
    target : path
        ``.pt`` file to write.

    Returns
    -------
    path
        ``target``.

    Raises
    ------
    CalculationError
        If metatrain fails.
    SettingsError
        If the file is larger than :data:`LARGEST`.
    """
    part = target.with_name(f"{target.stem}.part.pt").resolve()
    command = [sys.executable, "-m", "metatrain", "export", str(checkpoint.resolve()), "-o", str(part)]
    done = subprocess.run(command, cwd=checkpoint.parent, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not part.exists():
        raise CalculationError(f"metatrain could not export {checkpoint}: {done.stderr.strip()[-500:]}")
    size = part.stat().st_size
    if size > LARGEST:
        part.unlink()
        raise SettingsError(
            f"{target.name} would be {size / 1e6:.1f} MB, more than {LARGEST / 1e6:.0f}; make the network smaller"
        )
    part.replace(target)
    return target
