"""Tests of the product, one folder per room, and the peers they talk to."""
