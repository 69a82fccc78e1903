"""Model families that live in environments of their own: a recipe, a virtual environment, a process that answers.

Families exclude each other (mace-torch pins an e3nn that sevenn cannot use), and some need
another Python. The command ``mlip-dashboard models add mace`` makes an environment for one; the
adapter in ``client.py`` then keeps the contract of :class:`mlip_core.models.model.Model` by asking
a process there. What that process runs lies in ``served/``.
"""
