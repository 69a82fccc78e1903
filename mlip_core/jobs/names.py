"""Names that reach the file system: checked first, so that a link can never lead out of the folder."""

import re
import secrets

from mlip_core.errors import SettingsError

_HEX = re.compile(r"[0-9a-f]{8,64}")


def new_id() -> str:
    """Return a fresh id of a run: 16 hexadecimal digits."""
    return secrets.token_hex(8)


def checked(name: str, what: str) -> str:
    """Return ``name`` if it is 8 to 64 hexadecimal digits.

    Parameters
    ----------
    name : str
        Id of a run, key of a result or fingerprint of a structure.
    what : str
        What it should name, for the message.

    Raises
    ------
    SettingsError
        If it is anything else.
    """
    if not isinstance(name, str) or not _HEX.fullmatch(name):
        raise SettingsError(f"{name!r} does not name a {what}: 8 to 64 digits 0-9, a-f were expected.")
    return name
