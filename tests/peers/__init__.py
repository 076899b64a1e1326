"""Real servers and one scripted model that the tests (and a developer) run the product against.

Every peer is a sync and an async context manager, listens on loopback alone and ends what it started:

    with Dovecot(users={"ada@home.example": "not-a-real-password"}) as imap: ...
    async with ModelServer(load_script("story")) as model: ...

`python -m tests.peers` starts all of them for trying the product by hand.
"""
