"""UPET: checkpoints (``.ckpt``) from the models folder, a path, or the hub."""

from typing import Any

from mlip_core.models.catalogue import Entry
from mlip_core.models.metatomic import MetatomicModel, open_model


class UpetModel(MetatomicModel):
    """A UPET checkpoint that is on this machine.

    Loading runs code from the file.
    """

    def _load(self, item: Entry) -> Any:
        from upet import get_upet

        return open_model(item, item.path(), lambda file: get_upet(checkpoint_path=file))
