"""What models exist: data, read from catalogue.yaml and the models folder.

Nothing here imports torch or a model package: a process that only shows models uses all of it.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from os import environ
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from ase.data import atomic_numbers, chemical_symbols

from mlip_core.assets import asset
from mlip_core.errors import ModelError, SettingsError
from mlip_core.home import models_folder
from mlip_core.keys import code_digest
from mlip_core.models.checkpoint import contents
from mlip_core.models.environments.environment import Environment
from mlip_core.models.environments.recipes import RECIPES
from mlip_core.models.files import hub_file, newest, sha256
from mlip_core.models.model import Claims, Forces

Weights = Literal["package", "bundled", "folder", "hub", "cache"]


class Family(NamedTuple):
    """Which adapter loads a family's models, and what else may change their predictions."""

    adapter: str
    """Where the adapter is, as ``module:class``."""
    packages: tuple[str, ...]
    """Distributions whose version may change a prediction."""
    package: str
    """Module that must be installed, and that holds the weights of ``weights: package``."""
    environment: str = ""
    """Name of the environment of its own in which all this is installed; "" where it is here."""


ELSEWHERE = "mlip_core.models.environments.client:EnvironmentModel"
FAMILIES = {
    "chgnet": Family("mlip_core.models.chgnet:ChgnetModel", ("chgnet", "pymatgen", "torch"), "chgnet"),
    "sevennet": Family("mlip_core.models.sevennet:SevennetModel", ("sevenn", "e3nn", "torch"), "sevenn"),
    "metatomic": Family(
        "mlip_core.models.metatomic:MetatomicModel", ("metatomic-torch", "vesin", "torch"), "metatomic"
    ),
    "upet": Family(
        "mlip_core.models.upet:UpetModel", ("upet", "metatrain", "metatomic-torch", "vesin", "torch"), "upet"
    ),
    "mace": Family(ELSEWHERE, ("mace-torch", "e3nn", "torch"), "mace", "mace"),
    "diep": Family(ELSEWHERE, ("diep", "torch-geometric", "torch"), "diep", "diep"),
    "orb": Family(ELSEWHERE, ("orb-models", "nvalchemi-toolkit-ops", "torch"), "orb_models", "orb"),
    "mattersim": Family(ELSEWHERE, ("mattersim", "torch-geometric", "torch"), "mattersim", "mattersim"),
}
SUFFIXES = {".pt": "metatomic", ".ckpt": "upet", ".model": "mace"}
OF_SUFFIX: dict[str, dict[str, Any]] = {
    ".model": {
        "forces": ("conservative",),
        "dtypes": ("float64", "float32"),
        "rotation": True,
        "inversion": True,
        "translation": True,
        "smooth": True,
    }
}
"""What every file of a family has in common, where that is known."""
CHECKPOINT = re.compile(r"(?P<name>pet-\w+-(?:xs|s|m|l|xl))-v?(?P<version>\d+\.\d+\.\d+)\.ckpt")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model as it can be chosen, loaded or not."""

    name: str
    """Name for :func:`mlip_core.load_model`: in the catalogue, or a file's name or path."""
    title: str
    """Name shown to people."""
    family: str
    """Name of its family, a key of :data:`FAMILIES`."""
    weights: Weights
    """Inside an installed package, bundled under assets/models, a file in a folder, on the hub, or downloaded by the
    family's own package into a cache of its own."""
    file: str = ""
    """Weights: relative to the package, to assets/models or to the person's cache; a path for ``folder``; "" for
    ``hub``, and for ``cache`` where the package alone knows."""
    modal: str = ""
    """Which of several levels of theory the weights answer for, as their makers name it; "" where they know one."""
    functional: str = "not stated"
    """Level of theory of the training data."""
    elements: tuple[str, ...] = ()
    """Symbols of the elements it covers; empty where the makers give no list."""
    licence: str = "not stated"
    """Licence of the weights."""
    citation: str = ""
    """What to cite."""
    forces: tuple[Forces, ...] = ("conservative", "direct")
    """Kinds of forces it offers, the default first."""
    dtypes: tuple[str, ...] = ("float32", "float64")
    """Precisions it offers, the default first."""
    rotation: bool | None = None
    """Whether rotations are exact by construction, as in :class:`Claims`."""
    inversion: bool | None = None
    """Whether inversion is exact by construction, as in :class:`Claims`."""
    translation: bool | None = None
    """Whether translations are exact by construction, as in :class:`Claims`."""
    smooth: bool | None = None
    """Whether the energy is smooth by construction, as in :class:`Claims`."""
    teaching: bool = False
    """Whether it was made for showing what can go wrong, not for research."""
    note: str = ""
    """One sentence more for people."""

    @property
    def default_forces(self) -> Forces:
        """Mode taken when none is asked for."""
        return self.forces[0]

    @property
    def default_dtype(self) -> str:
        """Precision taken when none is asked for."""
        return self.dtypes[0]

    def claims(self, forces: Forces | None = None) -> Claims:
        """What the model obeys by construction with these forces."""
        conservative = (forces or self.default_forces) == "conservative"
        return Claims(self.rotation, self.inversion, self.translation, conservative, self.smooth)

    def unknown(self, symbols: Iterable[str]) -> tuple[str, ...]:
        """Elements among these that it does not know, in alphabetical order; none where its makers give no list."""
        return tuple(sorted(set(symbols) - set(self.elements))) if self.elements else ()

    def settings(self, forces: Forces | None = None, dtype: str | None = None) -> tuple[Forces, str]:
        """Fill in the defaults.

        Returns
        -------
        tuple
            Forces and dtype.

        Raises
        ------
        SettingsError
            If the model does not offer what was asked for.
        """
        if forces is not None and forces not in self.forces:
            raise SettingsError(f"{self.title} has no {forces!r} forces; it offers {_quoted(self.forces)}.")
        if dtype is not None and dtype not in self.dtypes:
            raise SettingsError(f"{self.title} does not compute in {dtype!r}; it offers {_quoted(self.dtypes)}.")
        return forces or self.default_forces, dtype or self.default_dtype

    def path(self) -> Path | None:
        """Weights on this machine; None where they are not here."""
        path = _find[self.weights](self)
        return path if path is not None and path.is_file() else None

    @property
    def environment(self) -> Environment | None:
        """The environment of its own that its family lives in; None where it lives here."""
        name = FAMILIES[self.family].environment
        return Environment(RECIPES[name]) if name else None

    def available(self) -> bool:
        """Whether it can be loaded without a download or an installation."""
        return not self._uninstalled() and self.path() is not None

    def needs(self) -> str:
        """What is missing in a few words, for a list; "" where nothing is."""
        if self.available():
            return ""
        if self._uninstalled():
            return "to be installed"
        return "to be downloaded" if self.weights in ("hub", "cache") else "not here"

    def downloadable(self) -> bool:
        """Whether a download is all that it lacks."""
        return self.weights == "hub" and find_spec(FAMILIES[self.family].package) is not None and self.path() is None

    def missing(self) -> str:
        """What to do before it can be loaded; "" where nothing is missing."""
        if uninstalled := self._uninstalled():
            return uninstalled
        if self.path() is not None:
            return ""
        if self.weights == "cache":
            return f"{self.title} is not on this machine: its own package downloads it when it is first used."
        if self.weights == "hub":
            return (
                f"{self.title} is not on this machine: it is downloaded from the hub lab-cosmo/upet when first used. "
                f"Without the network, put {self.name}-v<version>.ckpt into {models_folder()}."
            )
        if self.weights == "bundled":
            return f"{self.title} is not in this installation: {asset('models', self.file)} is missing."
        return f"{self.title} has no weights: {self.file} is missing."

    def _uninstalled(self) -> str:
        """What is to be installed; "" where its family is."""
        if self.environment is not None:
            return self.environment.missing(self.title)
        package = FAMILIES[self.family].package
        return "" if find_spec(package) else f"{self.title} needs the Python package {package}: install it."

    def identity(self) -> dict[str, object]:
        """Everything that may change a prediction besides the settings.

        Returns
        -------
        dict
            JSON-able: family, code of the adapter, SHA-256 of the weights (the name while they are
            not here), which level of theory they answer for where they know several, versions of the packages that compute. A file's name and place do not count.
        """
        family, path = FAMILIES[self.family], self.path()
        identity: dict[str, object] = {
            "family": self.family,
            "adapter": code_digest(family.adapter.partition(":")[0]),
            "weights": f"{self.name}, not here" if path is None else sha256(path),
            **({"modal": self.modal} if self.modal else {}),
            "packages": self.packages(),
        }
        return identity if self.environment is None else identity | {"served": self.environment.code()}

    def packages(self) -> dict[str, str]:
        """Versions of the distributions that compute, where they are installed; "" of one that is not."""
        find = _version if self.environment is None else self.environment.version
        return {name: find(name) for name in FAMILIES[self.family].packages}


def catalogue() -> tuple[Entry, ...]:
    """Every model that can be named: the catalogue's, then what lies in the models folder.

    Returns
    -------
    tuple of Entry
    """
    files = sorted(path for path in models_folder().iterdir() if path.suffix in SUFFIXES)
    return *_known(), *(_of_file(path) for path in files)


def entry(name_or_path: str | Path) -> Entry:
    """Entry of a name in the catalogue, a file in the models folder, or a path.

    Parameters
    ----------
    name_or_path : str or path
        ``chgnet``, ``my-model.pt``, ``models/pet-mad-s-v1.5.0.ckpt``, …

    Returns
    -------
    Entry

    Raises
    ------
    ModelError
        If nothing has that name, or the file cannot be a model.
    """
    name = str(name_or_path)
    if (known := listed(name)) is not None:
        return known
    path = Path(name).expanduser()
    if path.suffix in SUFFIXES and path.is_file():
        return _of_file(path, name)
    if path.is_file():
        raise ModelError(f"{name} is not a model file: expected {_quoted(tuple(SUFFIXES))} at the end of its name.")
    names = [item.name for item in catalogue()]
    close = get_close_matches(name.lower(), names, n=3, cutoff=0.5) or names[:5]
    raise ModelError(f"No model is called {name!r}, and no such file exists. Did you mean {_quoted(tuple(close))}?")


def listed(name: str) -> Entry | None:
    """Entry with this name in the catalogue or the models folder, a path not among them; None where there is none."""
    known = _known_names().get(name)
    return known or next((item for item in catalogue() if item.name == name), None)


@lru_cache(maxsize=1)
def _known_names() -> dict[str, Entry]:
    return {item.name: item for item in _known()}


@lru_cache(maxsize=1)
def _known() -> tuple[Entry, ...]:
    groups = yaml.safe_load((Path(__file__).parent / "catalogue.yaml").read_text(encoding="utf-8"))
    return tuple(_of_data({**group["shared"], **model}) for group in groups for model in group["models"])


def _of_data(data: dict[str, Any]) -> Entry:
    lists = {key: tuple(data[key]) for key in ("forces", "dtypes")}
    return Entry(**{**data, **lists, "elements": tuple(_symbols(data["elements"] or ""))})


def _of_file(path: Path, name: str | None = None) -> Entry:
    """Entry of a model file; in the models folder one with a card is called as its file without the ending."""
    described = _described(path)
    if described is not None:
        return replace(described, name=name or path.stem)
    name = name or path.name
    known = {item.name: item for item in _known()}
    published = CHECKPOINT.fullmatch(path.name)
    item = known.get(published["name"]) if published else None
    if published and item:
        item = replace(item, title=f"{item.title} v{published['version']}")
    else:
        item = Entry(
            name=name,
            title=path.stem,
            family=SUFFIXES[path.suffix],
            weights="folder",
            note="A file of your own.",
            **OF_SUFFIX.get(path.suffix, {}),
        )
    return replace(item, name=name, weights="folder", file=str(path.absolute()), **_seen_in(path))


def _seen_in(path: Path) -> dict[str, Any]:
    """Forces and elements as a checkpoint itself tells them; nothing for other files."""
    seen = contents(path) if path.suffix == ".ckpt" else None
    if seen is None:
        return {}
    return {"forces": ("conservative", "direct") if seen.direct else ("conservative",), "elements": seen.elements}


def card_beside(path: Path) -> dict[str, Any] | None:
    """Return the card that lies beside a model file, ``<name>.yaml``; None where there is none, or it cannot be read."""
    card = path.with_suffix(".yaml")
    try:
        return _read_card(card, card.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return None


@lru_cache(maxsize=256)
def _read_card(card: Path, _changed: int) -> dict[str, Any] | None:
    found = yaml.safe_load(card.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else None


def _described(path: Path) -> Entry | None:
    """Entry of a model file whose card says what it is, under ``entry``, in the words of :class:`Entry`."""
    data = (card_beside(path) or {}).get("entry")
    if not isinstance(data, dict):
        return None
    lists = {key: tuple(value) for key, value in data.items() if isinstance(value, list)}
    place: dict[str, Any] = {"family": SUFFIXES[path.suffix], "weights": "folder", "file": str(path.absolute())}
    try:
        return Entry(**{**data, **lists, **place, "name": path.stem})
    except TypeError:
        return None


def _symbols(text: str) -> Iterator[str]:
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, _, last = part.partition("-")
        yield from chemical_symbols[atomic_numbers[first] : atomic_numbers[last or first] + 1]


def _in_package(item: Entry) -> Path | None:
    if item.environment is not None:
        folder = item.environment.module(FAMILIES[item.family].package)
        return folder and folder / item.file
    spec = find_spec(FAMILIES[item.family].package)
    return Path(spec.submodule_search_locations[0], item.file) if spec and spec.submodule_search_locations else None


def _on_hub(item: Entry) -> Path | None:
    pattern = f"{item.name}-v*.ckpt"
    return newest(models_folder().glob(pattern)) or newest(hub_file(pattern))


def _in_cache(item: Entry) -> Path:
    return Path(environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), Path(item.file).expanduser())


_find = {
    "package": _in_package,
    "bundled": lambda item: asset("models", item.file),
    "folder": lambda item: Path(item.file),
    "hub": _on_hub,
    "cache": _in_cache,
}


@lru_cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def _quoted(words: tuple[str, ...]) -> str:
    return ", ".join(repr(word) for word in words)
