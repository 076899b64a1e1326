"""The double of the People API, proven with Google's own client and against Google's own description."""

from collections.abc import Iterator
from typing import Any

import pytest
from googleapiclient import discovery, errors, http

from tests.peers.discovery import Discovery
from tests.peers.people import PeopleServer

FIELDS = "names,emailAddresses,memberships,clientData,metadata"


@pytest.fixture(scope="module")
def server() -> Iterator[PeopleServer]:
    with PeopleServer() as server:
        yield server


@pytest.fixture
def google(server: PeopleServer) -> Iterator[Any]:
    """Google's client, which signs nothing in here: the double takes any token."""
    server.clear()
    with discovery.build(
        "people", "v1", http=http.build_http(), static_discovery=True,
        client_options={"api_endpoint": server.url}, cache_discovery=False,
    ) as client:  # fmt: skip
        yield client


def create(google: Any, name: str, **more: Any) -> dict[str, Any]:
    body = {"names": [{"givenName": name}], "emailAddresses": [{"value": f"{name.lower()}@example.org"}], **more}
    made: dict[str, Any] = google.people().createContact(body=body, personFields=FIELDS).execute()
    return made


def listed(google: Any, **more: Any) -> dict[str, Any]:
    asked = {"resourceName": "people/me", "personFields": FIELDS, "requestSyncToken": True, **more}
    found: dict[str, Any] = google.people().connections().list(**asked).execute()
    return found


def test_a_contact_is_made_read_changed_and_deleted(google: Any) -> None:
    made = create(google, "Carol", clientData=[{"key": "k", "value": "v"}])
    assert google.people().get(resourceName=made["resourceName"], personFields=FIELDS).execute() == made
    assert made["clientData"] == [{"key": "k", "value": "v"}]
    body = {"etag": made["etag"], "metadata": made["metadata"], "names": [{"givenName": "Caro"}]}
    update = google.people().updateContact
    changed = update(resourceName=made["resourceName"], updatePersonFields="names", body=body).execute()
    assert changed["names"][0]["displayName"] == "Caro"
    assert changed["emailAddresses"] == made["emailAddresses"]
    with pytest.raises(errors.HttpError) as refused:
        update(resourceName=made["resourceName"], updatePersonFields="names", body=body).execute()
    assert refused.value.status_code == 400
    google.people().deleteContact(resourceName=made["resourceName"]).execute()
    with pytest.raises(errors.HttpError) as gone:
        google.people().get(resourceName=made["resourceName"], personFields=FIELDS).execute()
    assert gone.value.status_code == 404


def test_pages_and_sync_tokens_lead_on_as_its_client_follows_them(google: Any, server: PeopleServer) -> None:
    server.page_size = 2
    made = [create(google, name) for name in ("Ann", "Bob", "Carol")]
    connections = google.people().connections()
    request = connections.list(resourceName="people/me", personFields=FIELDS, requestSyncToken=True)
    pages = []
    while request is not None:
        pages.append(request.execute())
        request = connections.list_next(request, pages[-1])
    assert [len(page["connections"]) for page in pages] == [2, 1]
    google.people().deleteContact(resourceName=made[0]["resourceName"]).execute()
    since = listed(google, syncToken=pages[-1]["nextSyncToken"])
    assert [(each["resourceName"], each["metadata"]["deleted"]) for each in since["connections"]] == [
        (made[0]["resourceName"], True)
    ]


def test_contacts_come_into_groups_and_go_out_of_them(google: Any) -> None:
    made = create(google, "Carol")["resourceName"]
    modify = google.contactGroups().members().modify
    modify(resourceName="contactGroups/starred", body={"resourceNamesToAdd": [made, "people/c999"]}).execute()
    batch = google.people().getBatchGet(resourceNames=[made], personFields="memberships").execute()
    groups = [
        each["contactGroupMembership"]["contactGroupResourceName"]
        for each in batch["responses"][0]["person"]["memberships"]
    ]
    assert groups == ["contactGroups/myContacts", "contactGroups/starred"]
    names = {each["resourceName"] for each in google.contactGroups().list().execute()["contactGroups"]}
    assert "contactGroups/starred" in names
    answer = modify(resourceName="contactGroups/starred", body={"resourceNamesToRemove": ["people/c999"]}).execute()
    assert answer["notFoundResourceNames"] == ["people/c999"]


def test_a_collected_address_is_found_after_a_warm_up_and_copied(google: Any, server: PeopleServer) -> None:
    server.collect("Dora", "dora@example.org")
    others = google.otherContacts()
    assert others.search(query="dora", readMask="names,emailAddresses").execute() == {}
    others.search(query="", readMask="names,emailAddresses").execute()
    [found] = others.search(query="dora", readMask="names,emailAddresses").execute()["results"]
    copied = others.copyOtherContactToMyContactsGroup(
        resourceName=found["person"]["resourceName"], body={"copyMask": "names,emailAddresses"}
    ).execute()
    assert copied["emailAddresses"] == [{"value": "dora@example.org"}]
    assert len(listed(google)["connections"]) == 1


def test_what_it_answers_is_what_google_describes(google: Any, server: PeopleServer) -> None:
    people = Discovery("people.v1")
    server.collect("Dora", "dora@example.org")
    create(google, "Carol")
    assert people.unlike("ListConnectionsResponse", listed(google)) == []
    others = google.otherContacts().list(readMask="names,metadata", requestSyncToken=True).execute()
    assert people.unlike("ListOtherContactsResponse", others) == []
    assert people.unlike("ListContactGroupsResponse", google.contactGroups().list().execute()) == []
    assert server.misunderstood == []


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/v1/people/me/connections?personFields=nmaes", {}),
        ("GET", "/v1/people/me/connections?personFields=names&query=x", {}),
        ("GET", "/v1/people/me/connections?personFields=names&sources=PROFILE", {}),
        ("GET", "/v1/people/c1/photos", {}),
        ("POST", "/v1/people:createContact", {"nmaes": []}),
        ("POST", "/v1/people:createContact", {"names": [{"givenName": 1}]}),
        ("DELETE", "/v1/people/c1:deleteContact", {"names": []}),
    ],
)
def test_what_google_does_not_describe_is_refused(
    server: PeopleServer, method: str, target: str, body: dict[str, Any]
) -> None:
    assert server.answer(method, target, "Bearer x", body).status == 400
