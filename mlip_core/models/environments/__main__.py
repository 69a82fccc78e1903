"""The command ``mlip-dashboard models``: add, list and remove families that need an environment of their own."""

import argparse
import sys
from collections.abc import Sequence

from mlip_core.errors import MlipError
from mlip_core.models.catalogue import FAMILIES, catalogue
from mlip_core.models.environments.environment import Environment
from mlip_core.models.environments.making import add, remove
from mlip_core.models.environments.recipes import RECIPES


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after ``mlip-dashboard models``; those of the command line by default.
    """
    asked = _parser().parse_args(arguments)
    try:
        asked.run(asked)
    except MlipError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mlip-dashboard models",
        description="Model families that need an environment of their own, because their packages exclude those "
        "that are installed here or need another Python.",
    )
    commands = parser.add_subparsers(required=True, metavar="add | list | remove")
    adding = commands.add_parser("add", help="make a family's environment and install it there")
    adding.add_argument("family", choices=RECIPES, help=", ".join(RECIPES))
    adding.add_argument("--python", metavar="PATH", help="interpreter to take; this one's by default")
    adding.set_defaults(run=_add)
    listing = commands.add_parser("list", help="say which are here")
    listing.set_defaults(run=_list)
    removing = commands.add_parser("remove", help="remove a family's environment; results stay")
    removing.add_argument("family", choices=RECIPES, help=", ".join(RECIPES))
    removing.set_defaults(run=_remove)
    return parser


def _add(asked: argparse.Namespace) -> None:
    environment = add(asked.family, python=asked.python)
    names = [item.name for item in catalogue() if FAMILIES[item.family].environment == asked.family]
    print(f"\n{_line(environment)}\nIn the line-up now: {', '.join(names)}.")


def _list(_asked: argparse.Namespace) -> None:
    for recipe in RECIPES.values():
        print(_line(Environment(recipe)))


def _remove(asked: argparse.Namespace) -> None:
    remove(asked.family)
    print(f"The environment of {RECIPES[asked.family].title} is gone; results computed with it stay.")


def _line(environment: Environment) -> str:
    """One line of the list: name, title, and what is installed or what it takes."""
    recipe = environment.recipe
    packages = {name for family in FAMILIES.values() if family.environment == recipe.name for name in family.packages}
    versions = ", ".join(f"{name} {environment.version(name)}" for name in sorted(packages))
    oldest = ".".join(map(str, recipe.python))
    state = f"here: {versions}" if environment.here else f"not here; Python {oldest} or newer"
    return " ".join(filter(None, [f"{recipe.name:<10} {recipe.title:<10} {state}.", recipe.note]))


if __name__ == "__main__":
    sys.exit(main())
