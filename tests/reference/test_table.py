"""The table of the README is what the program prints."""

import re
from pathlib import Path

import pytest

from mlip_core.reference.__main__ import HEADER, LINEUP, table
from mlip_core.reference.pbe import reference_dataset

QUICK = [member for member in LINEUP if member.code in ("pet-demo:direct", "soap-demo")]
README = Path(__file__).parents[2] / "README.md"


def printed():
    text = README.read_text(encoding="utf-8")
    return re.search(r"<!-- table: .* -->\n(.*?)\n\n", text, re.DOTALL)[1].splitlines()


def test_the_readme_names_every_configuration():
    lines = printed()
    assert lines[:2] == list(HEADER)
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[2:]] == [member.label for member in LINEUP]


@pytest.mark.parametrize("member", QUICK, ids=lambda member: member.code)
def test_the_readme_says_what_the_bundled_models_do_today(member, tmp_path):
    dataset = reference_dataset(folder=tmp_path)
    (row,) = table(dataset, (member,), tmp_path)
    told = next(line for line in printed() if line.startswith(f"| {member.label} |"))
    for mine, theirs in zip(numbers(row), numbers(told), strict=True):
        assert mine == pytest.approx(theirs, abs=1.01 * 10 ** -decimals(theirs, told))


@pytest.mark.slow
@pytest.mark.parametrize("member", [member for member in LINEUP if member not in QUICK], ids=lambda member: member.code)
def test_the_readme_says_what_the_others_do(member, tmp_path):
    test_the_readme_says_what_the_bundled_models_do_today(member, tmp_path)


def numbers(row):
    return [float(number) for cell in row.split("|")[2:] for number in re.findall(r"\d+\.?\d*", cell)]


def decimals(number, row):
    return max(len(text.partition(".")[2]) for text in re.findall(r"\d+\.?\d*", row) if float(text) == number)
