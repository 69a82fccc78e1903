"""What a person takes along: the tables and files of any result, as its calculation declares them."""

from pathlib import Path
from typing import Any

import pandas as pd

from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.declaration import Calculation
from mlip_core.errors import RecordError


def calculation_of(record: Any) -> Calculation:
    """Return the calculation whose result this is.

    Raises
    ------
    RecordError
        If it is no calculation's result.
    """
    found = next((item for item in CALCULATIONS.values() if item.record is type(record)), None)
    if found is None:
        raise RecordError(f"a {type(record).__name__} is not the result of a calculation")
    return found


def tables(record: Any) -> dict[str, pd.DataFrame]:
    """Tables of a result by their names; columns name their units.

    Parameters
    ----------
    record
        Result of any calculation: of ``relax``, ``phonons``, ``rotational_variance``, …

    Returns
    -------
    dict of str to pandas.DataFrame

    Raises
    ------
    RecordError
        If it is no calculation's result.
    """
    return dict(calculation_of(record).tables(record))


def files(record: Any) -> dict[str, str]:
    """Everything of a result that can be taken along, as text by the name of its file.

    Parameters
    ----------
    record
        Result of any calculation.

    Returns
    -------
    dict of str to str
        Its tables as CSV, and structures, force constants and the like.

    Raises
    ------
    RecordError
        If it is no calculation's result.
    """
    calculation = calculation_of(record)
    written = {f"{name}.csv": table.to_csv(index=False) for name, table in calculation.tables(record).items()}
    return written | dict(calculation.files(record))


def export(record: Any, folder: str | Path) -> list[Path]:
    """Write everything of a result that can be taken along into a folder.

    Parameters
    ----------
    record
        Result of any calculation.
    folder : path
        Made where it is missing; files of the same name are replaced.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    RecordError
        If it is no calculation's result.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in files(record).items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
