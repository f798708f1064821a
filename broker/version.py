"""Which machiai this is."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("machiai")
except PackageNotFoundError:
    VERSION = "0+source"
