"""The whole product, started as a person starts it, on peers that others wrote."""
