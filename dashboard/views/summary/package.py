"""The whole comparison as one ZIP: report, tables, structures, figures, references, and the program that repeats it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from ase import Atoms

from dashboard.views.summary.table import Row
from dashboard.widgets.download import settings_json, summaries, zipped
from dashboard.widgets.figure_page import Figures, file_name
from dashboard.widgets.pictures import NO_BROWSER, pictures
from dashboard.widgets.theme import Style
from mlip_core.calculations import CALCULATIONS
from mlip_core.calculations.export import files
from mlip_core.calculations.phonons.reference_bands import ReferenceBands, difference_to_reference
from mlip_core.configuration import Configuration
from mlip_core.jobs.task import Task
from mlip_core.structures import fingerprint, write_structure
from mlip_core.structures.symmetrised import symmetrised_cif
from mlip_core.summary.citations import bibliography
from mlip_core.summary.reproduce import program, stored_numbers
from mlip_core.summary.script import SHIPPED

SYMPREC = 1e-2
"""Tolerance with which the space group of a relaxed structure is found for its CIF, Å."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """One finished calculation."""

    task: Task
    """What was asked."""
    style: Style
    """How its configuration is drawn and called."""
    result: Any
    """Its record."""


@dataclass(frozen=True, kw_only=True)
class Package:
    """What the archive is made of."""

    name: str
    """What the visitor calls the structure."""
    structure: Atoms
    """The structure."""
    done: Sequence[Done]
    """Everything that is finished."""
    columns: Sequence[str]
    """Headings of the summary."""
    rows: Sequence[Row]
    """The summary."""
    figures: Figures
    """The figures behind it."""
    versions: Mapping[str, str]
    """What computed → version or hash."""
    report: str
    """The report, in HTML."""
    copies: Sequence[Atoms] = ()
    """Rattled copies on which forces were compared; none where the reference data were."""
    reference: ReferenceBands | None = None
    """PBE's bands on the path of the phonons."""


def archive(package: Package) -> bytes:
    """Pack everything.

    Parameters
    ----------
    package : Package

    Returns
    -------
    bytes
        A ZIP.
    """
    drawn = pictures(package.figures)
    found: dict[str, str | bytes] = {"report.html": package.report}
    found |= _structures(package) | _tables(package) | _results(package)
    tasks = [one.task for one in package.done]
    found["results.json"] = stored_numbers(tasks, [one.result for one in package.done])
    found["reproduce.py"] = program(tasks, *_sources(package))
    found["settings.json"] = settings_json([(one.style, one.result) for one in package.done])
    members = list(dict.fromkeys(task.configuration for task in tasks))
    found["citations.bib"] = bibliography(members, [task.kind for task in tasks], pbe=package.reference is not None)
    found |= {f"figures/{name}": content for name, content in drawn.items()}
    found["README.md"] = _readme(package, sorted(found), drawn=bool(drawn))
    return zipped(found)


def _structures(package: Package) -> dict[str, str]:
    files_of, _ = _sources(package)
    subjects = dict(_subjects(package).values())
    found = {
        file: write_structure(subjects[variable], "extxyz")
        for variable, file in files_of.items()
        if variable in subjects
    }
    found["structures/structure.extxyz"] = write_structure(package.structure, "extxyz")
    if package.copies:
        found["structures/rattled_copies.extxyz"] = "".join(
            write_structure(atoms, "extxyz") for atoms in package.copies
        )
    if package.structure.pbc.all():
        found["structures/structure.cif"] = symmetrised_cif(package.structure)
    for one in package.done:
        if one.task.kind == "relaxation" and package.structure.pbc.all():
            found[f"structures/relaxed_{file_name(one.style.label)}.cif"] = symmetrised_cif(
                one.result.structure, SYMPREC
            )
    return found


def _subjects(package: Package) -> dict[str, tuple[str, Atoms]]:
    """Content hash of each structure that was asked about → its variable in the program, and itself."""
    found = {fingerprint(package.structure): ("structure", package.structure)}
    for one in package.done:
        asked = [one.task.subject, one.task.reference, *(first.subject for first in one.task.before.values())]
        for atoms in asked:
            if isinstance(atoms, Atoms) and fingerprint(atoms) not in found:
                name = "standard_cell" if one.task.kind == "phonons" else "repeated"
                found[fingerprint(atoms)] = (name, atoms)
    return found


def _sources(package: Package) -> tuple[dict[str, str], dict[str, str]]:
    """Return variable → file of the archive, and content hash → variable, as the program needs them."""
    sources = {mark: variable for mark, (variable, _) in _subjects(package).items()}
    variables = {variable: f"structures/{variable}.extxyz" for variable in sources.values()}
    for one in package.done:
        subject = one.task.subject
        if not isinstance(subject, Atoms):
            shipped = subject.file.startswith(SHIPPED)
            sources[subject.sha256] = "reference_data" if shipped else "copies"
            if not shipped:
                variables["copies"] = "structures/rattled_copies.extxyz"
    return variables, sources


def _tables(package: Package) -> dict[str, str]:
    results = [(one.style, one.result) for one in package.done]
    found = {f"tables/{name}.csv": table.to_csv(index=False) for name, table in summaries(results).items()}
    rows = [
        {
            "configuration": row.style.label,
            **{
                title: f"{cell.headline}; {cell.small}".strip("; ")
                for title, cell in zip(package.columns, row.cells, strict=True)
            },
            "conclusion": row.conclusion,
        }
        for row in package.rows
    ]
    found["tables/summary.csv"] = pd.DataFrame(rows).to_csv(index=False)
    if package.reference is not None:
        found |= _reference_tables(package, package.reference)
    return found


def _reference_tables(package: Package, reference: ReferenceBands) -> dict[str, str]:
    bands = reference.bands
    columns: dict[str, object] = {"distance_per_A": bands.distances}
    columns |= {f"q{axis}": bands.qpoints[:, k] for k, axis in enumerate("abc")}
    columns |= {f"branch_{k + 1}_THz": bands.frequencies[:, k] for k in range(bands.frequencies.shape[1])}
    rows = []
    for one in package.done:
        if one.task.kind == "phonons":
            found = difference_to_reference(one.result.band_structure, reference)
            numbers = {"exact_mae": found.exact_mae, "exact_max": found.exact_max, "path_mae": found.path_mae}
            rows.append({"configuration": one.style.label, **{f"{key}_THz": value for key, value in numbers.items()}})
    return {
        "tables/pbe_bands.csv": pd.DataFrame(columns).to_csv(index=False),
        "tables/pbe_differences.csv": pd.DataFrame(rows).to_csv(index=False),
    }


def _results(package: Package) -> dict[str, str]:
    return {
        f"results/{one.task.kind}/{file_name(one.style.label)}/{name}": text
        for one in package.done
        for name, text in files(one.result).items()
    }


def _readme(package: Package, names: Sequence[str], *, drawn: bool) -> str:
    kinds = dict.fromkeys(CALCULATIONS[one.task.kind].title for one in package.done)
    members = dict.fromkeys(one.style.label for one in package.done)
    top = {name.partition("/")[0] + "/" * ("/" in name) for name in names}
    lines = [
        f"# {package.name}: interatomic potentials compared",
        "",
        f"Configurations: {', '.join(members)}.",
        f"Calculations: {', '.join(kinds)}.",
        "",
        "## What is what",
        "",
        *(f"- `{name}`: {text}" for name, text in CONTENTS.items() if name in top or name == "README.md"),
        *([] if drawn or not package.figures else ["", NO_BROWSER]),
        "",
        "Units stand in the heads of the tables: eV, Å, THz; column names end with them.",
        "",
        "## How to reproduce",
        "",
        "```sh",
        f"python3 -m pip install 'mlip-dashboard=={package.versions.get('mlip-dashboard', '')}'",
        "python3 reproduce.py",
        "```",
        "",
        "It computes everything again with the settings of `settings.json`, except times, and compares with `results.json`.",
        "",
        "## With what it was computed",
        "",
        *(f"- {what}: {version}" for what, version in package.versions.items()),
        "",
        "What to cite stands in `citations.bib`.",
        "",
    ]
    return "\n".join(lines)


CONTENTS = {
    "README.md": "this page",
    "report.html": "the summary and its figures on one page that needs no network; prints on A4",
    "reproduce.py": "the same in Python",
    "results.json": "the numbers that reproduce.py compares with",
    "settings.json": "settings of every calculation, by configuration",
    "citations.bib": "what to cite",
    "structures/": "the structure, its standard cell and its repetition as extended XYZ; structure and relaxed structures as CIF with their space group",
    "tables/": "the summary, one table a calculation with one row a configuration, and PBE's bands where there are any",
    "results/": "everything of each calculation and configuration: tables, structures, the files of phonopy",
    "figures/": "the figures as SVG and PNG",
}
"""What lies at the top of the archive."""


def versions(members: Sequence[Configuration]) -> dict[str, str]:
    """Return program, packages and the hashes of the weights that computed.

    Parameters
    ----------
    members : sequence of Configuration

    Returns
    -------
    dict of str to str
    """
    import platform

    from mlip_core.keys import package_version

    found = {"mlip-dashboard": package_version("mlip-dashboard"), "Python": platform.python_version()}
    found |= {name: package_version(name) for name in ("ase", "phonopy", "spglib", "numpy", "scipy")}
    for member in members:
        identity = member.identity()
        packages = identity["packages"]
        assert isinstance(packages, dict)
        found |= {name: str(version) for name, version in packages.items() if version}
        found[f"weights of {member.label}"] = f"SHA-256 {identity['weights']}"
    return found
