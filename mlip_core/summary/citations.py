"""What to cite: the program, the paper it grew from, the models, the libraries that computed; as BibTeX."""

import re
from collections.abc import Sequence

from mlip_core.configuration import Configuration
from mlip_core.keys import package_version
from mlip_core.models.catalogue import entry

LIBRARIES = {
    "relaxation": "ase",
    "conservation": "ase",
    "phonons": "phonopy",
}
"""Calculation → library whose authors ask to be cited."""
_PAPERS = {
    "ase": "Larsen et al., J. Phys.: Condens. Matter 29, 273002 (2017), doi:10.1088/1361-648X/aa680e",
    "phonopy": "Togo, J. Phys. Soc. Jpn. 92, 012001 (2023), doi:10.7566/JPSJ.92.012001",
    "pbe": "Perdew, Burke, Ernzerhof, Phys. Rev. Lett. 77, 3865 (1996), doi:10.1103/PhysRevLett.77.3865",
}
_GROUND = "Bigi, Pegolo, Mazitov, Ceriotti, arXiv:2601.16195 (2026)"


def bibliography(members: Sequence[Configuration], kinds: Sequence[str], *, pbe: bool = False) -> str:
    """Write the references of a comparison.

    Parameters
    ----------
    members : sequence of Configuration
        The line-up.
    kinds : sequence of str
        Calculations that were made.
    pbe : bool
        Whether the PBE reference was compared with.

    Returns
    -------
    str
        BibTeX; each entry carries its DOI or arXiv number and the words of the catalogue in ``note``.
    """
    version = package_version("mlip-dashboard")
    program = f"@software{{mlip-dashboard,\n  title = {{mlip-dashboard}},\n  version = {{{version}}}\n}}\n"
    cited = {"unconstrained-models": _GROUND}
    for member in members:
        item = entry(member.model)
        if item.citation:
            cited[item.name] = item.citation
    for kind in kinds:
        if kind in LIBRARIES:
            cited[LIBRARIES[kind]] = _PAPERS[LIBRARIES[kind]]
    if pbe:
        cited["pbe"] = _PAPERS["pbe"]
    return "\n".join([program, *(_entry(key, text) for key, text in cited.items())])


def _entry(key: str, text: str) -> str:
    doi = re.search(r"doi:(10\.\S+?)(?=[,;\s]|$)", text)
    arxiv = re.search(r"arXiv:(\d{4}\.\d{4,5})", text)
    year = re.search(r"\((\d{4})\)", text)
    parts = [f"note = {{{text}}}"]
    if doi:
        parts.append(f"doi = {{{doi[1]}}}")
    elif arxiv:
        parts += [f"eprint = {{{arxiv[1]}}}", "archiveprefix = {arXiv}"]
    if year:
        parts.append(f"year = {{{year[1]}}}")
    return f"@article{{{key},\n  " + ",\n  ".join(parts) + "\n}\n"
