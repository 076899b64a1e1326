"""Open Assistant's SDK: what two rooms share, and all that a connector author needs.

A connector imports from `openassistant.connector`, `openassistant.errors` and `openassistant.testing`.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
