"""The connector: what `tools.py` and the files of tools beside it are declared on."""

from openassistant.connector import Connector

__all__ = ["connector"]

connector = Connector(__file__)
