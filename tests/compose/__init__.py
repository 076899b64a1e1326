"""The house in containers, with peers on the host."""
