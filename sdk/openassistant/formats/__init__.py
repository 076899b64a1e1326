"""What other programs write, taken apart and put together: charsets, markup, addresses, mails, guests, moments.

Pure functions over text and bytes, for connectors; nothing here reaches the network, a store or the bus.
"""
