"""What connectors to drives share: a mirror of a tree of files, what is shown of a file, and what a person decides on.

A connector adds how its provider describes a file (`items.FileItem`), what it is asked, and what is its own.
"""
