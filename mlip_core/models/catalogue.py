"""What models exist: data, read from catalogue.yaml and the models folder."""


def entry(name: str):  # type: ignore[no-untyped-def]
    raise NotImplementedError
