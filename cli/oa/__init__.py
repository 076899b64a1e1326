"""`oa`: Open Assistant from a terminal. A client of the gateway's HTTP API like any other; it holds no key."""

__version__ = "0.1.0"
