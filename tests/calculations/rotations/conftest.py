"""The potentials whose dependence on orientation is known in closed form."""

from tests.symmetry.conftest import anisotropic, cluster, legendre_potential, rattled

__all__ = ["anisotropic", "cluster", "legendre_potential", "rattled"]
