"""People who sign in at an OpenID provider: a real one, and one that forges whatever a test wants."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey
from pydantic import BaseModel
from sqlalchemy import text

from openassistant import subjects
from openassistant.context import CallContext, new_id
from openassistant.errors import (
    DeadlineExceeded,
    Forbidden,
    InvalidRequest,
    NotFound,
    OaError,
    Unavailable,
)
from openassistant.messages import Done, PublicKey
from openassistant.openid import (
    OpenIdBegin,
    OpenIdBegun,
    OpenIdClient,
    OpenIdDraft,
    OpenIdFinish,
    OpenIdList,
    OpenIdQuery,
    OpenIdWho,
    Purpose,
)
from openassistant.seal import seal
from services.vault.oauth import OAuth
from services.vault.openid import OpenId
from services.vault.openidstore import LIFE
from tests.peers.oidc import OidcProvider
from tests.services.vault.forger import ISSUER, OTHER_RSA, RSA, Forger, packed
from tests.services.vault.house import VaultHouse

SECRET = "planted-client-secret-otter"
BACK = "https://house.home.example/login/back"
BINDING = "b" * 43


class Desk:
    """What a gateway asks of the vault."""

    def __init__(self, house: VaultHouse) -> None:
        self.house, self.id = house, new_id()

    async def ask(self, verb: str, body: BaseModel, reply: type[Any]) -> Any:
        subject = subjects.vault_openid(verb)
        return await self.house.bus.room("gateway").request(subject, body, reply, CallContext.within(20))

    async def sealed(self, verb: str, **values: str) -> str:
        public = await self.house.ask(subjects.vault("public"), Done(), PublicKey)
        return seal(json.dumps(values).encode(), public.public_key, context=subjects.vault_openid(verb))

    async def keep(
        self, issuer: str = ISSUER, *, client: str = "house", secret: str | None = SECRET, id_: str | None = None
    ) -> OpenIdClient:
        made = OpenIdClient(id=id_ or self.id, issuer=issuer, client_id=client, scopes=("email", "profile"))
        sealed = None if secret is None else await self.sealed("keep", client_secret=secret)
        kept: OpenIdClient = await self.ask("keep", OpenIdDraft(client=made, sealed=sealed), OpenIdClient)
        return kept

    async def begin(self, purpose: Purpose = "enter", *, binding: str = BINDING, id_: str | None = None) -> str:
        request = OpenIdBegin(client=id_ or self.id, purpose=purpose, binding=binding, redirect_uri=BACK)
        begun: OpenIdBegun = await self.ask("begin", request, OpenIdBegun)
        return begun.url

    async def finish(
        self, back: dict[str, str], *, purpose: Purpose = "enter", binding: str = BINDING, **changes: Any
    ) -> OpenIdWho:
        sealed = await self.sealed("finish", code=back["code"]) if "code" in back else None
        request = OpenIdFinish(
            purpose=purpose, binding=binding, state=back["state"], sealed=sealed, issuer=back.get("iss"),
            error=back.get("error", ""), claims={self.id: ("email", "email_verified", "groups")},
        )  # fmt: skip
        who: OpenIdWho = await self.ask("finish", request.model_copy(update=changes), OpenIdWho)
        return who


@pytest.fixture
def forger(house: VaultHouse) -> Forger:
    found = Forger()
    found.now = lambda: house.now().timestamp()
    oauth = OAuth(house.now, found.transport)
    house.vault._openid = OpenId(
        house.store, house.vault._credentials, oauth, clock=house.now, transport=found.transport
    )
    return found


@pytest.fixture
def desk(house: VaultHouse) -> Desk:
    return Desk(house)


@pytest.fixture(scope="module")
def provider() -> Iterator[OidcProvider]:
    with OidcProvider() as running:
        yield running


# --- a real provider ------------------------------------------------------------------------------------------------


async def registered(desk: Desk, provider: OidcProvider) -> None:
    made = provider.register(BACK)
    await desk.keep(provider.url, client=made["client_id"], secret=made["client_secret"])


async def test_somebody_signs_in_at_a_real_provider_and_is_known_by_its_id_of_him(
    desk: Desk, provider: OidcProvider
) -> None:
    await registered(desk, provider)
    url = await desk.begin()
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert query["redirect_uri"] == BACK
    assert query["code_challenge_method"] == "S256"
    assert set(query["scope"].split()) == {"openid", "email", "profile"}
    assert "prompt" not in query
    who = await desk.finish(provider.allow(url, subject="ada@home.example"))
    assert (who.client, who.issuer, who.subject) == (desk.id, provider.url, "ada@home.example")


async def test_at_a_real_provider_a_code_is_good_once_and_in_its_own_sign_in_alone(
    desk: Desk, provider: OidcProvider
) -> None:
    await registered(desk, provider)
    first, second = await desk.begin(), await desk.begin()
    mine, theirs = provider.allow(first), provider.allow(second, subject="mallory")
    with pytest.raises((InvalidRequest, Forbidden)):
        await desk.finish({**mine, "code": theirs["code"]})
    with pytest.raises(NotFound):
        await desk.finish(mine)
    with pytest.raises(InvalidRequest):
        await desk.finish(theirs)


async def test_a_real_provider_that_says_no_ends_it(desk: Desk, provider: OidcProvider) -> None:
    await registered(desk, provider)
    url = await desk.begin()
    state = dict(parse_qsl(urlsplit(url).query))["state"]
    with pytest.raises(Forbidden, match="did not let you in"):
        await desk.finish({"state": state, **provider.deny(url)})


async def test_a_wrong_secret_is_told_as_such(desk: Desk, provider: OidcProvider) -> None:
    made = provider.register(BACK)
    await desk.keep(provider.url, client=made["client_id"], secret="another-fake-secret")
    with pytest.raises(InvalidRequest, match="does not take the client ID"):
        await desk.finish(provider.allow(await desk.begin()))


# --- what is asked --------------------------------------------------------------------------------------------------


async def test_signing_in_again_asks_for_a_fresh_proof_and_checks_when_it_was(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    url = await desk.begin("again")
    query = dict(parse_qsl(urlsplit(url).query))
    assert (query["prompt"], query["max_age"]) == ("login", "0")
    forger.claims["auth_time"] = int(forger.now())
    who = await desk.finish(forger.allow(url), purpose="again")
    assert who.authenticated is not None


@pytest.mark.parametrize("auth_time", [None, "now", -3600, True])
async def test_an_old_proof_does_not_count_for_signing_in_again(desk: Desk, forger: Forger, auth_time: Any) -> None:
    await desk.keep()
    if auth_time is not None:
        forger.claims["auth_time"] = forger.now() + auth_time if auth_time == -3600 else auth_time
    with pytest.raises(Forbidden, match="just now"):
        await desk.finish(forger.allow(await desk.begin("again")), purpose="again")


async def test_a_sign_in_is_good_for_what_it_was_begun_for_alone(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin("enter"))
    with pytest.raises(Forbidden, match="something else"):
        await desk.finish(back, purpose="again")


async def test_only_the_browser_that_began_can_end_it_and_only_once(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin())
    with pytest.raises(NotFound):
        await desk.finish(back, binding="x" * 43)
    assert (await desk.finish(back)).subject == "ada"
    with pytest.raises(NotFound):
        await desk.finish(back)


async def test_a_replayed_code_in_a_new_sign_in_is_refused(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin())
    await desk.finish(back)
    again = forger.allow(await desk.begin())
    with pytest.raises(InvalidRequest):
        await desk.finish({**again, "code": back["code"]})


async def test_another_sign_ins_token_is_refused_by_its_nonce(desk: Desk, forger: Forger) -> None:
    """A code that was injected, at a provider that does not look at PKCE."""
    await desk.keep()
    stolen, mine = forger.allow(await desk.begin(), subject="victim"), forger.allow(await desk.begin())
    with pytest.raises(Forbidden, match="another sign-in"):
        await desk.finish({**mine, "code": stolen["code"]})


async def test_a_sign_in_that_took_too_long_is_over(house: VaultHouse, desk: Desk, forger: Forger) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin())
    house.later = LIFE + timedelta(seconds=1)
    with pytest.raises(NotFound):
        await desk.finish(back)


async def test_the_verifier_fits_the_challenge_and_the_address_is_exactly_the_same(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin())
    await desk.finish(back)
    [form] = forger.forms
    digest = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
    assert digest.rstrip(b"=").decode() == forger.challenges[back["code"]]
    assert form["redirect_uri"] == BACK


# --- mixed-up providers ---------------------------------------------------------------------------------------------


async def test_an_answer_that_names_another_issuer_is_not_used(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin())
    with pytest.raises(Forbidden, match="another provider"):
        await desk.finish({**back, "iss": "https://evil.example"})
    assert forger.forms == []


async def test_a_provider_that_says_it_names_itself_has_to(desk: Desk, forger: Forger) -> None:
    forger.document["authorization_response_iss_parameter_supported"] = True
    await desk.keep()
    with pytest.raises(Forbidden, match="another provider"):
        await desk.finish(forger.allow(await desk.begin()))
    back = forger.allow(await desk.begin())
    assert (await desk.finish({**back, "iss": ISSUER})).subject == "ada"


async def test_a_document_of_somebody_else_is_refused(desk: Desk, forger: Forger) -> None:
    forger.document["issuer"] = "https://evil.example"
    with pytest.raises(InvalidRequest, match="calls itself otherwise"):
        await desk.keep()
    assert (await desk.ask("list", OpenIdQuery(), OpenIdList)).clients == ()


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri"])
async def test_a_document_that_leads_over_an_open_line_is_refused(desk: Desk, forger: Forger, name: str) -> None:
    forger.document[name] = "http://id.example/x"
    with pytest.raises(InvalidRequest, match="https"):
        await desk.keep()


@pytest.mark.parametrize("issuer", ["http://id.example", "https://id.example?x=1", "ftp://id.example", "no address"])
async def test_an_issuer_that_is_no_safe_address_is_refused(desk: Desk, forger: Forger, issuer: str) -> None:
    with pytest.raises(InvalidRequest):
        await desk.keep(issuer)
    assert forger.asked == []


# --- forged tokens --------------------------------------------------------------------------------------------------


def unsigned(forger: Forger, nonce: str) -> str:
    now = int(forger.now())
    claims = {"iss": ISSUER, "aud": "house", "iat": now, "exp": now + 300, "nonce": nonce, "sub": "ada"}
    return f"{packed({'alg': 'none'})}.{packed(claims)}."


CLAIMS: dict[str, dict[str, Any]] = {
    "of another issuer": {"iss": "https://evil.example"},
    "with a slash more": {"iss": ISSUER + "/"},
    "for another client": {"aud": "another"},
    "for nobody": {"aud": []},
    "given to another": {"aud": ["house", "another"], "azp": "another"},
    "for two, given to nobody": {"aud": ["house", "another"]},
    "over": {"exp": 1},
    "that never ends": {"exp": "never"},
    "of tomorrow": {"iat": 4102444800},
    "of last year": {"iat": 1700000000},
    "not yet good": {"nbf": 4102444800},
    "with another nonce": {"nonce": "guessed"},
    "about nobody": {"sub": ""},
    "about a number": {"sub": 7},
}


@pytest.mark.parametrize("name", CLAIMS)
async def test_a_token_that_is_wrong_in_one_thing_lets_nobody_in(desk: Desk, forger: Forger, name: str) -> None:
    await desk.keep()
    forger.claims = CLAIMS[name]
    with pytest.raises(Forbidden):
        await desk.finish(forger.allow(await desk.begin()))


@pytest.mark.parametrize("name", ["iss", "aud", "exp", "iat", "nonce", "sub"])
async def test_a_token_that_lacks_something_lets_nobody_in(desk: Desk, forger: Forger, name: str) -> None:
    await desk.keep()
    forger.without = (name,)
    with pytest.raises(Forbidden):
        await desk.finish(forger.allow(await desk.begin()))


@pytest.mark.parametrize("seconds", [-50, 50])
async def test_clocks_may_differ_by_less_than_a_minute(desk: Desk, forger: Forger, seconds: int) -> None:
    await desk.keep()
    forger.claims = {"iat": int(forger.now()) + seconds, "exp": int(forger.now()) + min(seconds, 0)}
    assert (await desk.finish(forger.allow(await desk.begin()))).subject == "ada"


async def test_a_token_without_a_signature_lets_nobody_in(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin())
    forger.token = unsigned(forger, forger.nonces[back["code"]])
    with pytest.raises(Forbidden, match="signature"):
        await desk.finish(back)


@pytest.mark.parametrize("secret", ["the client secret", "the public key"])
async def test_a_token_signed_with_what_everybody_knows_lets_nobody_in(desk: Desk, forger: Forger, secret: str) -> None:
    """Confusion of algorithms: a public key, or our secret, used as the key of an HMAC."""
    await desk.keep()
    known = SECRET.encode() if secret == "the client secret" else RSA.as_pem(private=False)
    forger.key, forger.algorithm, forger.header = known, "HS256", {"kid": RSA.kid}
    with pytest.raises(Forbidden, match="signature"):
        await desk.finish(forger.allow(await desk.begin()))


async def test_a_shared_secret_among_the_keys_is_left_out(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    shared = OctKey.generate_key(256)
    shared.ensure_kid()
    forger.keys = [*forger.keys, shared]
    forger.key, forger.algorithm, forger.header = shared.raw_value, "HS256", {"kid": shared.kid}
    with pytest.raises(Forbidden, match="signature"):
        await desk.finish(forger.allow(await desk.begin()))


async def test_a_token_signed_by_somebody_else_lets_nobody_in(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    for header in ({}, {"kid": RSA.kid}, {"kid": None}, {"jwk": OTHER_RSA.as_dict(private=False)}):
        forger.key, forger.header = OTHER_RSA, header
        with pytest.raises(Forbidden, match="signature"):
            await desk.finish(forger.allow(await desk.begin()))


async def test_an_algorithm_that_the_provider_does_not_use_is_refused(desk: Desk, forger: Forger) -> None:
    forger.document["id_token_signing_alg_values_supported"] = ["RS256"]
    await desk.keep()
    forger.algorithm = "PS256"
    with pytest.raises(Forbidden, match="signature"):
        await desk.finish(forger.allow(await desk.begin()))


async def test_a_provider_that_signs_with_shared_secrets_alone_is_not_taken(desk: Desk, forger: Forger) -> None:
    forger.document["id_token_signing_alg_values_supported"] = ["HS256", "none"]
    with pytest.raises(InvalidRequest, match="public keys"):
        await desk.keep()


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [(ECKey.generate_key("P-256"), "ES256"), (OKPKey.generate_key("Ed25519"), "EdDSA"), (RSA, "PS256")],
)
async def test_the_usual_ways_to_sign_are_taken(desk: Desk, forger: Forger, key: Any, algorithm: str) -> None:
    await desk.keep()
    key.ensure_kid()
    forger.key, forger.keys, forger.algorithm = key, [key], algorithm
    assert (await desk.finish(forger.allow(await desk.begin()))).subject == "ada"


async def test_a_token_that_names_no_key_is_held_against_all_of_them(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    forger.keys, forger.header = [OTHER_RSA, RSA], {"kid": None}
    for _ in range(4):
        assert (await desk.finish(forger.allow(await desk.begin()))).subject == "ada"


async def test_new_keys_are_taken_when_a_token_names_one_and_old_ones_no_more(
    house: VaultHouse, desk: Desk, forger: Forger
) -> None:
    await desk.keep()
    await desk.finish(forger.allow(await desk.begin()))
    forger.key, forger.keys = OTHER_RSA, [OTHER_RSA]
    house.later = timedelta(seconds=31)
    assert (await desk.finish(forger.allow(await desk.begin()))).subject == "ada"
    forger.key = RSA
    with pytest.raises(Forbidden, match="signature"):
        await desk.finish(forger.allow(await desk.begin()))


async def test_forged_tokens_do_not_make_the_house_ask_for_keys_all_the_time(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    forger.key = OTHER_RSA
    for _ in range(5):
        with pytest.raises(Forbidden):
            await desk.finish(forger.allow(await desk.begin()))
    assert forger.asked.count("/jwks") <= 2
    assert forger.asked.count("/.well-known/openid-configuration") == 1


# --- claims ---------------------------------------------------------------------------------------------------------


async def test_what_is_told_at_the_userinfo_endpoint_alone_is_taken_from_there(desk: Desk, forger: Forger) -> None:
    forger.userinfo = {"sub": "ada", "groups": ["family"], "email": "ada@home.example", "phone": "1"}
    await desk.keep()
    who = await desk.finish(forger.allow(await desk.begin()))
    assert who.claims == {"groups": ["family"], "email": "ada@home.example"}


async def test_userinfo_about_somebody_else_is_refused(desk: Desk, forger: Forger) -> None:
    forger.userinfo = {"sub": "mallory", "groups": ["family"]}
    await desk.keep()
    with pytest.raises(Forbidden, match="somebody else"):
        await desk.finish(forger.allow(await desk.begin()))


async def test_a_signed_claim_goes_before_one_that_is_not(desk: Desk, forger: Forger) -> None:
    forger.userinfo = {"sub": "ada", "email": "changed@home.example", "groups": []}
    forger.claims = {"email": "ada@home.example"}
    await desk.keep()
    assert (await desk.finish(forger.allow(await desk.begin()))).claims["email"] == "ada@home.example"


# --- what is kept ---------------------------------------------------------------------------------------------------


async def test_the_secret_stays_for_the_same_client_of_the_same_issuer_alone(
    house: VaultHouse, desk: Desk, forger: Forger
) -> None:
    assert (await desk.keep()).has_secret
    assert (await desk.keep(secret=None)).has_secret
    assert not (await desk.keep(secret=None, client="another")).has_secret


async def test_no_secret_lies_open_and_none_is_told(house: VaultHouse, desk: Desk, forger: Forger) -> None:
    kept = await desk.keep()
    back = forger.allow(await desk.begin())
    assert SECRET not in kept.model_dump_json()
    assert SECRET not in (await desk.ask("list", OpenIdQuery(), OpenIdList)).model_dump_json()
    rows = await house.store.read(
        lambda c: str([list(c.execute(text(f"SELECT * FROM {each}"))) for each in ("openid_clients", "openid_flows")])
    )
    for planted in (SECRET, back["state"], forger.nonces[back["code"]], BINDING):
        assert planted not in rows


async def test_a_new_credential_key_ends_no_sign_in_and_loses_no_secret(
    house: VaultHouse, desk: Desk, forger: Forger
) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin())
    assert await house.vault._credentials.rotate(house.now()) == 2
    assert (await desk.finish(back)).subject == "ada"


async def test_a_registration_that_is_removed_ends_what_is_under_way_there(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin())
    await desk.ask("remove", OpenIdQuery(id=desk.id), Done)
    for verb in (desk.begin(), desk.finish(back)):
        with pytest.raises(NotFound):
            await verb


async def test_a_provider_that_is_away_is_told_as_such_and_uses_the_sign_in_up(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    back = forger.allow(await desk.begin())
    forger.down = True
    with pytest.raises((Unavailable, DeadlineExceeded)):
        await desk.finish(back)
    forger.down = False
    with pytest.raises(NotFound):
        await desk.finish(back)


async def test_no_error_repeats_what_came_back(desk: Desk, forger: Forger) -> None:
    await desk.keep()
    planted = "planted-state-otter"
    for back in ({"state": planted, "code": planted}, {"state": planted, "error": planted}):
        with pytest.raises(OaError) as refused:
            await desk.finish(back)
        assert planted not in f"{refused.value.message} {refused.value.details}"
