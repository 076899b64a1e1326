"""An account that signs in at its provider, from a terminal, in a house that no provider can name."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from tests.e2e.stack import OWNER, OWNER_PASSWORD, Stack, until
from tests.e2e.stranger import Stranger
from tests.e2e.test_sign_in import MANIFEST, TOOLS
from tests.e2e.test_terminal import Terminal
from tests.peers.oidc import OidcProvider

pytestmark = pytest.mark.e2e

HOST = "127.0.0.2"


class NearStack(Stack):
    """The house under an address that is not the browser's own machine."""

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def stack() -> Iterator[NearStack]:
    with NearStack(env={"OA_HOST": HOST, "OA_ALLOWED_HOSTS": HOST, "OA_CONNECTORS": "caldav"}) as stack:
        yield stack


@pytest.fixture(scope="module")
def parcels(tmp_path_factory: pytest.TempPathFactory, stack: NearStack, provider: OidcProvider) -> Iterator[Stranger]:
    """A connector that signs in at the provider, running in the house."""
    stranger = Stranger(tmp_path_factory.mktemp("stranger"))
    stranger.new()
    (stranger.folder / "manifest.toml").write_text(MANIFEST.format(url=provider.url))
    (stranger.folder / "tools.py").write_text(TOOLS)
    stranger.join(stack)
    stranger.run()
    yield stranger
    stranger.stop()


@pytest.fixture(scope="module")
def oa(tmp_path_factory: pytest.TempPathFactory, stack: NearStack, parcels: Stranger) -> Terminal:
    """A terminal that is signed in, where the connector may be used."""
    oa = Terminal(tmp_path_factory.mktemp("terminal"))
    oa.env |= {"NO_PROXY": HOST, "OA_URL": stack.url}
    oa("login", stack.url, "--user", OWNER, piped=f"{OWNER_PASSWORD}\n")
    until(lambda: "parcels" in oa("connectors", "list") or None, seconds=60, what="the connector")
    found = oa("doctor", "--json", code=1)
    [waits] = [each for each in json.loads(found)["found"] if each["what"] == "Service" and "parcels" in each["detail"]]
    assert waits["todo"].endswith("oa connectors approve parcels")
    oa("connectors", "approve", "parcels", "--user", OWNER, "--yes", piped=f"{OWNER_PASSWORD}\n")
    return oa


@pytest.fixture(scope="module")
def secret(oa: Terminal, stack: NearStack, provider: OidcProvider) -> str:
    """The client secret with which the house is registered at the provider, from the terminal."""
    made = provider.register(stack.way_back)
    more = ("--client-id", made["client_id"], "--user", OWNER)
    oa("connectors", "register", "parcels", *more, piped=f"{OWNER_PASSWORD}\n{made['client_secret']}\n")
    return made["client_secret"]


class Asked:
    """`oa accounts add`, up to where it waits for the browser."""

    def __init__(self, oa: Terminal, provider: OidcProvider, *arguments: str) -> None:
        command = oa.command("accounts", "add", "parcels", "--set", f"url={provider.url}", *arguments, "--json")
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=oa.env, text=True)
        assert self.child.stderr is not None
        self.said = ""
        for line in self.child.stderr:
            self.said += line
            if line.startswith(f"{provider.url}/oauth2/authorize?"):
                self.url = line.strip()
            if "begins with" in line or "paste it here" in line:
                break

    def ended(self, typed: str = "") -> tuple[int, str]:
        """The exit code and standard output, once it is over."""
        out, said = self.child.communicate(typed, timeout=60)
        self.said += said
        return self.child.returncode, out


def test_a_house_that_is_not_registered_says_what_to_enter_where(
    oa: Terminal, stack: NearStack, provider: OidcProvider
) -> None:
    asked = Asked(oa, provider)
    assert asked.ended()[0] == 1
    assert f"   {stack.way_back}\n" in asked.said
    assert "This house is not registered with Carrier yet." in asked.said


@pytest.mark.usefixtures("secret")
def test_the_browser_comes_back_to_the_terminal_and_a_page_that_only_pretends_to_does_not(
    oa: Terminal, stack: NearStack, provider: OidcProvider
) -> None:
    asked = Asked(oa, provider, "--allow", "read", "--name", "Parcels at home")
    back = provider.allow(asked.url, subject="ada-at-home")
    for wrong in ("", "?code=x&state=guessed", f"?{urlencode({**back, 'state': 'x'})}"):
        assert httpx.get(f"{stack.way_back}{wrong}", trust_env=False).status_code == 404
    assert httpx.get(f"http://127.0.0.1:{stack.port}/else?{urlencode(back)}", trust_env=False).status_code == 404
    answer = httpx.get(f"{stack.way_back}?{urlencode(back)}", trust_env=False)
    assert (answer.status_code, back["code"] in answer.text) == (200, False)
    code, out = asked.ended()
    assert code == 0, asked.said
    made = json.loads(out)
    assert (made["name"], made["state"], made["capabilities"]) == ("Parcels at home", "connected", ["read"])
    assert back["code"] not in asked.said + out


@pytest.mark.usefixtures("secret")
def test_a_no_at_the_provider_and_an_address_of_something_else_connect_nothing(
    oa: Terminal, stack: NearStack, provider: OidcProvider
) -> None:
    asked = Asked(oa, provider)
    state = httpx.URL(asked.url).params["state"]
    code, _ = asked.ended(f"{stack.way_back}?code=x&state=y\n{stack.way_back}?error=access_denied&state={state}\n")
    assert code == 1
    assert "This is not the address that the provider sent you to." in asked.said
    assert "It was not allowed at Carrier" in asked.said


def test_an_account_is_asked_for_more_by_a_pasted_address_and_the_doctor_tries_it(
    oa: Terminal, stack: NearStack, provider: OidcProvider, secret: str
) -> None:
    asked = Asked(oa, provider, "--again", "Parcels at home", "--allow", "read", "--allow", "send")
    back = provider.allow(asked.url, subject="ada-at-home")
    code, out = asked.ended(f"{stack.way_back}?{urlencode(back)}\n")
    assert code == 0, asked.said
    assert "Not allowed: Redirect parcels" in asked.said
    [account] = oa.json("accounts", "list")
    assert (account["id"], account["capabilities"]) == (json.loads(out)["id"], ["read"])
    found = json.loads(oa("doctor", "--json", code=1))["found"]
    lines = {f"{each['what']}: {each['detail']}": each["ok"] for each in found}
    assert lines["Account: Parcels at home: The carrier answers"] is True
    assert lines["Clock: as on this machine"] is True
    assert [each["what"] for each in found if not each["ok"]] == ["Model"], found
    assert secret not in json.dumps(found) + asked.said + stack.log


@pytest.mark.usefixtures("secret")
def test_a_provider_that_is_away_is_waited_for(oa: Terminal, provider: OidcProvider) -> None:
    provider.stop()
    [found] = [each for each in json.loads(oa("doctor", "--json", code=1))["found"] if each["what"] == "Account"]
    assert found["todo"] == "Wait some minutes, then: oa accounts check 'Parcels at home'"
