"""An outlier is one among its own kind: a hard subset is no mistake, and an easy one hides none."""

import numpy as np
import pandas as pd
import pytest

from mlip_core.calculations.force_errors.suspects import UNEXPLAINED, named_in_words

UNEXPLAINABLE = {"negated": 99.0, "rotated": 99.0, "swapped": 99.0, "one_atom": 99.0, "pair": "", "atom": "0",
    "atom_angle": 0.0, "atom_ratio": 1.0,
}  # fmt: skip


def named(rmse, **tags):
    rmse = pd.Series(rmse, dtype=float)
    table = pd.DataFrame([UNEXPLAINABLE] * len(rmse))
    return named_in_words(rmse, pd.Series(1.0, rmse.index), table, pd.DataFrame(tags, index=rmse.index))


@pytest.mark.parametrize(("n_easy", "n_hard"), [(12, 6), (6, 12)])
def test_each_subset_is_judged_by_its_own_median(n_easy, n_hard):
    easy, hard = np.full(n_easy, 0.01), np.full(n_hard, 0.1)
    easy[0], hard[0] = 0.05, 0.5
    kind = ["easy"] * n_easy + ["hard"] * n_hard
    found = named([*easy, *hard], kind=kind)
    assert [k for k, said in enumerate(found) if said] == [0, n_easy]
    assert found[0] == UNEXPLAINED


def test_a_subset_of_four_is_judged_with_all_others():
    rmse = [0.01] * 12 + [0.1] * 4
    assert [bool(said) for said in named(rmse, kind=["easy"] * 12 + ["hard"] * 4)] == [False] * 12 + [True] * 4
    assert not any(named([*rmse, 0.1], kind=["easy"] * 12 + ["hard"] * 5))


def test_of_several_subsets_the_smallest_counts():
    rmse = [0.01] * 9 + [0.1] * 6
    kind = ["easy"] * 9 + ["hard"] * 6
    assert not any(named(rmse, source=["one"] * 15, kind=kind, number=list(range(15))))


def test_without_tags_all_are_one_subset():
    assert [bool(said) for said in named([0.01] * 6 + [0.1])] == [False] * 6 + [True]
