"""The folder where runs, structures and added models are kept."""

import os
from pathlib import Path

import platformdirs


def home() -> Path:
    """Folder of this person's data: ``MLIP_DASHBOARD_HOME``, or the system's usual place.

    Returns
    -------
    Path
        An existing folder.
    """
    path = Path(os.environ.get("MLIP_DASHBOARD_HOME") or platformdirs.user_data_path("mlip-dashboard"))
    path.mkdir(parents=True, exist_ok=True)
    return path


def models_folder() -> Path:
    """Folder in which a person puts model files (``.pt``, ``.ckpt``).

    Returns
    -------
    Path
        An existing folder below :func:`home`.
    """
    path = home() / "models"
    path.mkdir(exist_ok=True)
    return path
