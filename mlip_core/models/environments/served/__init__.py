"""What runs in an environment of its own: numpy, ASE and the model family, nothing else of this package.

Modules here import one another relatively: the other interpreter knows them as ``served``.
"""
