"""The house in a network where every packet that leaves is written down (make network-test)."""
