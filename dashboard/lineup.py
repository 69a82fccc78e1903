"""The line-up as an address carries it: its members in order, each with the place of its colour."""

from collections.abc import Iterable, Mapping

from mlip_core.configuration import Configuration

MAX_MEMBERS = 6
"""Colours that one figure can tell apart."""
Lineup = Mapping[Configuration, int]
"""Members in their order → place of the colour of each, 0 to 5."""


def read(text: str) -> tuple[dict[Configuration, int], tuple[str, ...]]:
    """Read ``pet-demo:direct,soap-demo~4``: the second member has the fifth colour, the first that of its place.

    Parameters
    ----------
    text : str
        As :func:`write` gives it, or made by hand.

    Returns
    -------
    members : dict of Configuration to int
        The first six that are known; a colour that is asked for twice goes to the first who asks.
    unknown : tuple of str
        What names no configuration of this program.
    """
    asked: dict[Configuration, str] = {}
    unknown = []
    for word in filter(None, (word.strip() for word in text.split(","))):
        code, _, place = word.partition("~")
        member = Configuration.from_code(code)
        if member is None:
            unknown.append(code)
        elif len(asked) < MAX_MEMBERS:
            asked.setdefault(member, place)
    wanted = {member: int(place) for member, place in asked.items() if place in map(str, range(MAX_MEMBERS))}
    return placed(asked, wanted), tuple(unknown)


def write(members: Lineup) -> str:
    """Name every member; its colour only where that is not the one of its place."""
    return ",".join(
        member.code if color == place else f"{member.code}~{color}"
        for place, (member, color) in enumerate(members.items())
    )


def placed(members: Iterable[Configuration], before: Lineup) -> dict[Configuration, int]:
    """Give every member a colour of its own: who had one keeps it, the others take that of their place or a free one."""
    order = list(dict.fromkeys(members))
    colors: dict[Configuration, int] = {}
    for member in order:
        if member in before and before[member] not in colors.values():
            colors[member] = before[member]
    for place, member in enumerate(order):
        if member not in colors:
            free = [color for color in range(MAX_MEMBERS) if color not in colors.values()]
            colors[member] = place if place in free else free[0]
    return {member: colors[member] for member in order}
