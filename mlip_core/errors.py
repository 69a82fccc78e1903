"""The errors a person may meet. Each message says what was wrong and what to change.

MlipError
├── SettingsError      a setting that cannot be used as given
├── StructureError     not a structure, or one that no model should be asked about
├── DatasetError       labelled structures that cannot be read as declared
├── ModelError         a model that cannot be loaded, or cannot answer for this structure
├── CalculationError   a calculation that started and could not be finished
├── RecordError        a stored result that cannot be read
└── Cancelled          the person asked the calculation to stop
"""


class MlipError(Exception):
    """Base class of every error raised on purpose by this package."""


class SettingsError(MlipError, ValueError):
    """A setting that cannot be used as given."""


class StructureError(MlipError, ValueError):
    """The input is not a structure, or not one that can be computed."""


class DatasetError(MlipError, ValueError):
    """Labelled structures that cannot be read as declared."""


class ModelError(MlipError, RuntimeError):
    """A model that cannot be loaded or cannot answer for this structure."""


class CalculationError(MlipError, RuntimeError):
    """A calculation that started and could not be finished."""


class RecordError(MlipError, ValueError):
    """A stored result that cannot be read."""


class Cancelled(MlipError):
    """The person asked the calculation to stop."""
