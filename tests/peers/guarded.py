"""An emulator's API behind a real OAuth provider: tokens that are checked, expire, and are swapped for others.

Emulators take any token, or one that never ends. Here a request is passed on only while the provider takes its token.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from tests.peers.front import Front, Passed
from tests.peers.oidc import OidcProvider

__all__ = ["Guarded"]

_REFUSED = b'{"error": {"code": 401, "message": "Invalid Credentials", "status": "UNAUTHENTICATED"}}'


class Guarded(Front):
    """Passes on to `target`, with `token` in the place of a token of `provider`; `token` may differ by subject.

    `refused` counts what came with a token that the provider does not take, `served` the requests of each subject;
    `taken` are the tokens that it took.
    """

    def __init__(
        self,
        target: str,
        provider: OidcProvider,
        token: str | Mapping[str, str],
        *,
        open_paths: tuple[str, ...] = (),
        over: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`open_paths`: beginnings of paths that are asked without a token, such as upload sessions.

        `over`: whether a token has ended although the provider would still take it.
        """
        super().__init__(target)
        self._provider, self._token, self._open, self._over = provider, token, open_paths, over
        self.refused, self.served = 0, Counter[str]()
        self.taken: set[str] = set()

    def is_over(self) -> bool:
        """Whether the provider takes none of the tokens any more that it took."""
        return bool(self.taken) and not any(self._provider.who(each) for each in self.taken)

    def passed(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Passed:
        """See `Front.passed`."""
        given = {name.lower(): value for name, value in headers.items()}
        if path.startswith(self._open) and "authorization" not in given:
            return super().passed(method, path, headers, body)
        scheme, _, bearer = given.pop("authorization", "").partition(" ")
        subject = self._provider.who(bearer) if scheme == "Bearer" and not self._over(bearer) else None
        if subject is None:
            self.refused += 1
            refused = {"www-authenticate": 'Bearer error="invalid_token"', "content-type": "application/json"}
            return Passed(method, path, body, refused, 401, _REFUSED)
        self.served[subject] += 1
        self.taken.add(bearer)
        token = self._token if isinstance(self._token, str) else self._token[subject]
        return super().passed(method, path, {**given, "authorization": f"Bearer {token}"}, body)
