"""The second line of a frame of (extended) XYZ: from characters to keys and values."""

import json
import re
from typing import Any, NamedTuple

import numpy as np

from mlip_core.structures.words import depth_of, is_number

_KEY = re.compile(r"[^\s=,;\"'{}\[\]][^\s=,;\"'{}]*")
_ESSENTIAL = re.compile(r"(?<![\w-])(lattice|pbc|properties)\s*=\s*", re.IGNORECASE)
_EQUALS = re.compile(r"\s*=(?:\s+(?![^\s=\"']+\s*=))?")
_BARE = re.compile(r"\S*")
_BRACKETS = re.compile(r"[\[\]]")
_ESCAPED = re.compile(r"\\(.)")
_WORDS = re.compile(r"[^\s,;]+")
_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_NOT_FINITE = {"nan": np.nan, "inf": np.inf, "infinity": np.inf}
_CLOSING = {'"': '"', "'": "'", "{": "}"}
_DEEPEST = 20
TRUTH = {"t": True, "true": True, "f": False, "false": False}
"""Words for yes and no, in lower case."""


class HeaderEntry(NamedTuple):
    """One value of the line."""

    text: str
    """Without its quotes or brackets."""
    nested: bool
    """Whether it was written as a list in square brackets."""


class Header(NamedTuple):
    """What the line says; a key that is there twice counts once, the first time."""

    entries: dict[str, HeaderEntry]
    """Values by key as it is spelled."""
    flags: list[str]
    """Words without a value."""

    def get(self, *names: str) -> HeaderEntry | None:
        """Value of the first of these keys (lower case) that the line has, however it is spelled there."""
        lower = {key.lower(): entry for key, entry in reversed(self.entries.items())}
        return next((lower[name] for name in names if name in lower), None)


def header(line: str) -> Header:
    """Split the line; nothing in it is an error.

    Values stand bare, in double or single quotes (a backslash escapes the next
    character), in braces, or as nested lists in square brackets; there may be spaces
    around the sign =, but what follows a space and is a key itself is no value. A quotation mark or bracket that nothing closes is a character
    like any other.
    """
    entries: dict[str, HeaderEntry] = {}
    flags: list[str] = []
    closing, at = _Closing(line), 0
    while at < len(line):
        if line[at] in "\"'" and (end := closing.of(at)) is not None:
            key, at = _unescaped(line[at + 1 : end]), end + 1
        elif match := _KEY.match(line, at):
            key, at = match[0], match.end()
        else:
            at += 1
            continue
        equals = _EQUALS.match(line, at)
        if equals is None:
            flags.append(key)
            continue
        entry, at = _entry(line, equals.end(), closing)
        entries.setdefault(key, entry)
    if line.count('"') % 2:
        _rescue(line, entries, _Closing(line))
    return Header(entries, flags)


def _rescue(line: str, entries: dict[str, HeaderEntry], closing: "_Closing") -> None:
    """Find what makes the structure also where a quotation mark before it has no partner."""
    there = {key.lower() for key in entries}
    for match in _ESSENTIAL.finditer(line):
        if match[1].lower() not in there:
            there.add(match[1].lower())
            entries[match[1]] = _entry(line, match.end(), closing)[0]


class _Closing:
    """Where the quotes and brackets of a line close, each found in one pass over it."""

    def __init__(self, line: str) -> None:
        self._line, self._never = line, set[str]()
        self._pairs: dict[int, int] = {}
        opened: list[int] = []
        for match in _BRACKETS.finditer(line):
            if match[0] == "[":
                opened.append(match.start())
            elif opened:
                self._pairs[opened.pop()] = match.start()

    def of(self, at: int) -> int | None:
        """Place of what closes the character at ``at``; None where nothing does, or nothing opens."""
        mark = self._line[at : at + 1]
        if mark == "[":
            return self._pairs.get(at)
        if mark not in _CLOSING or mark in self._never:
            return None
        end = self._line.find(_CLOSING[mark], at + 1)
        while end > 0 and mark != "{" and _is_escaped(self._line, end):
            end = self._line.find(mark, end + 1)
        if end < 0:
            self._never.add(mark)
        return end if end > 0 else None


def _is_escaped(line: str, at: int) -> bool:
    before = line[max(0, at - 100) : at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], text) if "\\" in text else text


def _entry(line: str, at: int, closing: _Closing) -> tuple[HeaderEntry, int]:
    end = closing.of(at)
    if end is None:
        match = _BARE.match(line, at)
        text = match[0] if match else ""
        return HeaderEntry(text.rstrip(",;"), False), at + len(text)
    inner = line[at + 1 : end]
    if line[at] == "[":
        return HeaderEntry(inner, True), end + 1
    return HeaderEntry(_unescaped(inner) if line[at] in "\"'" else inner, False), end + 1


def words_of(entry: HeaderEntry) -> list[str]:
    """Return the words of a vector or matrix, row by row, however it is bracketed."""
    return [
        word for word in (word.strip("[]{}()\"'") for word in _WORDS.findall(_BRACKETS.sub(" ", entry.text))) if word
    ]


def value(entry: HeaderEntry) -> Any:
    """Return an int, float, bool, text, or an array of numbers or truths, as the specification types it."""
    if entry.text.startswith("_JSON "):
        return _json(entry.text[6:], entry.text)
    words = words_of(entry)
    typed = _typed(words)
    if typed is None:
        return f"[{entry.text}]" if entry.nested else entry.text
    if entry.nested:
        rows = entry.text.count("[")
        return typed.reshape(rows, -1) if rows and len(words) % rows == 0 else typed
    return typed[0].item() if len(words) == 1 else typed


def _typed(words: list[str]) -> np.ndarray | None:
    """Array of integers, floats or truths, the first that fits all; None for words."""
    if not words:
        return None
    if all(map(_INTEGER.fullmatch, words)):
        return np.array([int(word) for word in words])
    if all(is_number(word) or word.lower().lstrip("+-") in _NOT_FINITE for word in words):
        return np.array([float(word.lower().replace("d", "e") if is_number(word) else word) for word in words])
    if all(word.lower() in TRUTH and (len(word) > 1 or word.isupper()) for word in words):
        return np.array([TRUTH[word.lower()] for word in words])
    return None


def _json(text: str, otherwise: str) -> Any:
    """What ASE writes for lists of lists and dictionaries."""
    if depth_of(text) > _DEEPEST:
        return otherwise
    try:
        found = json.loads(text)
        array = np.array(found)
    except (ValueError, OverflowError, RecursionError):
        return otherwise
    return array if array.dtype.kind in "ifb" else found
