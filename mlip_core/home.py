"""The folder where runs, structures and added models are kept."""

import os
from pathlib import Path

import platformdirs

from mlip_core.errors import SettingsError


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


def data_folder() -> Path:
    """Folder in which whoever runs the server puts data sets that are too large to be uploaded.

    Returns
    -------
    Path
        An existing folder below :func:`home`.
    """
    path = home() / "data"
    path.mkdir(exist_ok=True)
    return path


def upload_limit_mb() -> int:
    """Largest file that is taken from a browser, MB: ``MLIP_DASHBOARD_UPLOAD_MB``, or 200.

    Raises
    ------
    SettingsError
        If the variable is no whole number from 1 on.
    """
    text = os.environ.get("MLIP_DASHBOARD_UPLOAD_MB") or "200"
    if not (text.isascii() and text.isdecimal() and int(text) >= 1):
        raise SettingsError(f"MLIP_DASHBOARD_UPLOAD_MB is {text!r}; expected a whole number of megabytes, such as 200.")
    return int(text)
