"""MatterSim v1: two models by the names of its package. One structure after the other.

Not tested with real weights, which no package brings along.
"""

from .potential import Asked, Potential, check_device, need_network, one_by_one

NAMES = {"mattersim-v1-1m": "mattersim-v1.0.0-1M.pth", "mattersim-v1-5m": "mattersim-v1.0.0-5M.pth"}
"""Names in the catalogue, and what the package calls the same models."""
HOST = "https://raw.githubusercontent.com"


def load(asked: Asked) -> Potential:
    """Load weights, which the package downloads where they are not here."""
    check_device(asked.device)
    from mattersim.forcefield import MatterSimCalculator

    if asked.file is None:
        need_network(asked.name, HOST, f"put {NAMES[asked.name]} into ~/.local/mattersim/pretrained_models")
    calculator = MatterSimCalculator(load_path=NAMES[asked.name], device=asked.device, dtype=asked.dtype)
    return Potential(predict=one_by_one(calculator), cutoff=float(calculator.potential.model.model_args["cutoff"]))
