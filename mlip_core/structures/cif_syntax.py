"""CIF: from characters to tags and values, each with its line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from mlip_core.errors import StructureError
from mlip_core.structures.words import lines_of, shown

_TOKEN = re.compile(r"\s*(?:(#.*)|'(.*?)'(?=\s|$)|\"(.*?)\"(?=\s|$)|(\S+))")
_WANTED = ("_atom_site_", "_space_group_symop_", "_symmetry_equiv_", "_cell_")
"""Tags that make the structure: their loops must be whole, and none may be given twice."""
_FIRST_OF_RESERVED = frozenset("_dDlLsS")
_KEPT = (*_WANTED, "_space_group_", "_symmetry_", "_chemical_formula_")


class Value(NamedTuple):
    """One value of a tag."""

    text: str
    """Without quotes."""
    line: int
    """From 1."""
    known: bool
    """False for ``?`` and ``.``."""


class _Token(NamedTuple):
    text: str
    """The token without its quotes."""
    line: int
    """Line of the file, from 1."""
    bare: bool
    """Whether it stood without quotes, so that it may be a tag or a keyword."""


@dataclass(frozen=True)
class Block:
    """One data block."""

    where: str
    """Its place in the file."""
    tags: dict[str, list[Value]] = field(default_factory=dict)
    """Values by lower-case tag, with ``_`` for the dots of CIF 2."""

    def column(self, tag: str) -> list[Value]:
        """All values of a tag; empty where it is not there."""
        return self.tags.get(tag, [])

    def single(self, tag: str) -> Value | None:
        """The first value of a tag."""
        return next(iter(self.column(tag)), None)


def blocks_of(text: str) -> list[Block]:
    """Split a CIF into its data blocks.

    Parameters
    ----------
    text : str
        The file.

    Returns
    -------
    list of Block

    Raises
    ------
    StructureError
        Naming the line where the file stops to be a CIF.
    """
    tokens = _Tokens(lines_of(text))
    blocks: list[Block] = []
    while (token := tokens.take()) is not None:
        word = token.text.lower() if token.bare else ""
        if word.startswith("data_"):
            blocks.append(Block(f"data block of line {token.line}"))
        elif not blocks:
            raise StructureError(
                f"line {token.line}: expected data_ and a name before anything else, but found {shown(token.text)}."
            )
        elif word == "loop_":
            _loop(tokens, token.line, blocks[-1])
        elif word.startswith("_"):
            _pair(tokens, token, blocks[-1])
        elif not word.startswith("save_"):
            raise StructureError(
                f"line {token.line}: expected a tag that begins with _, or loop_, but found {shown(token.text)}."
            )
    if not blocks:
        raise StructureError("line 1: expected data_ and a name, but there is nothing but remarks.")
    return blocks


class _Tokens:
    """The tokens of a file one after the other, so that a long list of reflections is never held."""

    def __init__(self, lines: list[str]) -> None:
        self.rest = _tokens(lines)
        self.next = next(self.rest, None)
        """What :meth:`take` returns next."""

    def take(self) -> _Token | None:
        token, self.next = self.next, next(self.rest, None)
        return token


def _pair(tokens: _Tokens, name: _Token, block: Block) -> None:
    tag = _plain(name.text)
    if tokens.next is None or _reserved(tokens.next):
        raise StructureError(f"line {name.line}: expected a value after {shown(name.text)}, but there is none.")
    if tag in block.tags and tag.startswith(_WANTED):
        raise StructureError(f"line {name.line}: {shown(name.text)} is given twice in this data block.")
    block.tags.setdefault(tag, [_value(tokens.next)])
    tokens.take()


def _loop(tokens: _Tokens, start: int, block: Block) -> None:
    tags: list[str] = []
    while tokens.next is not None and tokens.next.bare and tokens.next.text.startswith("_"):
        tags.append(_plain(tokens.next.text))
        tokens.take()
    if not tags:
        raise StructureError(f"line {start}: expected tags after loop_, but there are none.")
    kept = any(tag.startswith(_KEPT) for tag in tags)
    values: list[_Token] = []
    while tokens.next is not None and not _reserved(tokens.next):
        if kept:
            values.append(tokens.next)
        tokens.next = next(tokens.rest, None)
    over = len(values) % len(tags)
    if over and any(tag.startswith(_WANTED) for tag in tags):
        raise StructureError(
            f"line {values[-1].line}: the loop of line {start} has {len(tags)} columns, but its last row has {over} values only "
            f"({len(values)} values in all)."
        )
    for k, tag in enumerate(tags if kept else []):
        if tag in block.tags and tag.startswith(_WANTED):
            raise StructureError(f"line {start}: {shown(tag)} is given twice in this data block.")
        block.tags.setdefault(tag, [_value(token) for token in values[k : len(values) - over : len(tags)]])


def _value(token: _Token) -> Value:
    return Value(token.text, token.line, not (token.bare and token.text in ("?", ".")))


def _plain(tag: str) -> str:
    return tag.lower().replace(".", "_")


def _reserved(token: _Token) -> bool:
    if not token.bare or token.text[:1] not in _FIRST_OF_RESERVED:
        return False
    word = token.text.lower()
    return word.startswith(("_", "data_", "save_")) or word == "loop_"


def _tokens(lines: list[str]) -> Iterator[_Token]:
    k = 0
    while k < len(lines):
        if lines[k].startswith(";"):
            end = next((j for j in range(k + 1, len(lines)) if lines[j].startswith(";")), None)
            if end is None:
                raise StructureError(
                    f"line {k + 1}: expected a second line that begins with ; to close this text, but there is none."
                )
            yield _Token("\n".join([lines[k][1:], *lines[k + 1 : end]]), k + 1, False)
            k = end
            yield from _words(lines[k][1:], k + 1)
        else:
            yield from _words(lines[k], k + 1)
        k += 1


def _words(line: str, k: int) -> Iterator[_Token]:
    if "'" not in line and '"' not in line and "#" not in line:
        yield from (_Token(word, k, True) for word in line.split())
        return
    for match in _TOKEN.finditer(line.rstrip()):
        remark, single, double, bare = match.groups()
        if bare is not None:
            if bare[0] in "'\"":
                raise StructureError(f"line {k}: expected the quotation mark that opens {shown(bare)} to be closed.")
            yield _Token(bare, k, True)
        elif remark is None:
            yield _Token(single if single is not None else double, k, False)
