"""What connectors to mailboxes share: what tools take, ask and give back, how a search is read, what is kept of drafts.

A connector adds how its provider describes a mail, and what is its own.
"""
