"""Messages between two processes, held against what was put in."""

import io
import json
import struct

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from mlip_core.models.environments.served import wire


def sent(header, arrays=None):
    stream = io.BytesIO()
    wire.write(stream, header, arrays)
    stream.seek(0)
    return wire.read(stream)


def test_numbers_arrive_to_the_last_bit_and_in_any_layout():
    arrays = {
        "reals": np.random.default_rng(0).normal(size=(3, 4, 5)).transpose(2, 0, 1),
        "single": np.float32([0.1, 1e-30]),
        "integers": np.arange(6, dtype=np.int32).reshape(2, 3),
        "truths": np.array([True, False]),
        "nothing": np.zeros((0, 3)),
        "odd": np.array([np.nan, np.inf, -0.0]),
    }
    header, found = sent({"do": "it", "words": "å ≤ 1"}, arrays)
    assert header == {"do": "it", "words": "å ≤ 1"}
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].flags.writeable


def test_structures_arrive_as_they_were():
    molecule = Atoms("CO2", np.random.default_rng(0).normal(size=(3, 3)), info={"charge": -2, "name": "not told"})
    slab = bulk("Cu", cubic=True)
    slab.pbc = [True, True, False]
    structures = [molecule, slab, bulk("Al")]
    header, arrays = wire.structures_to_message(structures)
    found = wire.message_to_structures(*sent(header, arrays))
    assert found == structures
    assert [atoms.info for atoms in found] == [{"charge": -2.0}, {}, {}]


def test_answers_arrive_with_and_without_stress():
    random = np.random.default_rng(0)
    answers = [(1.5, random.normal(size=(2, 3)), random.normal(size=(3, 3))), (-2.0, random.normal(size=(1, 3)), None)]
    _, arrays = sent({}, wire.answers_to_arrays(answers))
    for (energy, forces, stress), (e, f, s) in zip(wire.arrays_to_answers(arrays), answers, strict=True):
        assert energy == e
        np.testing.assert_array_equal(forces, f)
        assert (stress is None) == (s is None)
        assert s is None or np.array_equal(stress, s)


def message(header, rest=b""):
    text = json.dumps(header).encode()
    return io.BytesIO(struct.pack("<Q", len(text)) + text + rest)


def test_what_is_no_message_is_refused():
    with pytest.raises(ValueError, match="header"):
        wire.read(io.BytesIO(b"Traceback (most recent call last):"))
    with pytest.raises(ValueError, match="type"):
        wire.read(message({"arrays": [["x", "|O", [1]]]}, b"\0" * 8))


def test_a_pipe_that_closes_in_the_middle_is_noticed():
    with pytest.raises(EOFError):
        wire.read(io.BytesIO(b""))
    with pytest.raises(EOFError):
        wire.read(message({"arrays": [["x", "<f8", [2]]]}, b"\0" * 15))
