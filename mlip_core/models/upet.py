"""UPET: checkpoints (``.ckpt``) from the models folder, a path, or the hub."""

from typing import Any

from mlip_core.errors import ModelError
from mlip_core.models.catalogue import Entry
from mlip_core.models.metatomic import MetatomicModel, open_model


class UpetModel(MetatomicModel):
    """A UPET checkpoint, or a name downloaded from the hub when it is first used.

    Loading runs code from the file.
    """

    def _load(self, item: Entry) -> Any:
        from upet import get_upet

        path = item.path()
        if path is None and item.weights == "hub":
            return _download(item)
        return open_model(item, path, lambda file: get_upet(checkpoint_path=file))


def _download(item: Entry) -> Any:
    from upet import get_upet

    model, size = item.name.rsplit("-", 1)
    try:
        return get_upet(model=model, size=size)
    except Exception as error:
        raise ModelError(f"{item.missing()} The hub could not be reached or has no such file: {error}") from error
