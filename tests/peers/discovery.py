"""Google's own description of an API (a discovery document), to hold requests and answers against.

    people = Discovery("people.v1")
    people.faults("GET", "/v1/people/me/connections?personFields=names", {})   # [] or what is wrong, in words
    people.unlike("Person", {"resourceName": "people/c1", "nmaes": []})        # ["Person has no nmaes"]

The documents come with google-api-python-client.
"""

import importlib.util
import json
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

__all__ = ["Discovery"]

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict,
}  # fmt: skip


class Discovery:
    """The description with a name such as "people.v1"."""

    def __init__(self, name: str) -> None:
        found = importlib.util.find_spec("googleapiclient")
        assert found is not None
        assert found.origin is not None
        document = Path(found.origin).parent / f"discovery_cache/documents/{name}.json"
        self.document: dict[str, Any] = json.loads(document.read_text())

    @cached_property
    def _methods(self) -> list[tuple[re.Pattern[str], dict[str, Any]]]:
        def all_of(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
            yield from node.get("methods", {}).values()
            for child in node.get("resources", {}).values():
                yield from all_of(child)

        return [
            (re.compile(re.sub(r"\{\w+\}", r"[\\w-]+", each["flatPath"])), each) for each in all_of(self.document)
        ]  # fmt: skip

    def method(self, verb: str, target: str) -> dict[str, Any] | None:
        """The method that a request calls."""
        path = urlsplit(target).path.removeprefix("/")
        found = (each for shape, each in self._methods if each["httpMethod"] == verb and shape.fullmatch(path))
        return next(found, None)

    def faults(self, verb: str, target: str, body: dict[str, Any]) -> list[str]:
        """What about a request Google would not understand."""
        if (method := self.method(verb, target)) is None:
            return [f"{verb} {urlsplit(target).path} is no method"]
        known, found = {**self.document["parameters"], **method.get("parameters", {})}, []
        for name, value in parse_qsl(urlsplit(target).query, keep_blank_values=True):
            described = known.get(name)
            if described is None or described["location"] != "query":
                found.append(f"{method['id']} has no {name}")
            elif "enum" in described and value not in described["enum"]:
                found.append(f"{name} has no {value}")
            elif described.get("format") == "google-fieldmask":
                found += [f"{name} has no {each}" for each in value.split(",") if each not in _listed(described)]
        if "request" in method:
            found += self.unlike(method["request"]["$ref"], body)
        return found + ([f"{method['id']} takes no body"] if body and "request" not in method else [])

    def unlike(self, schema: str, value: Any) -> list[str]:
        """What about a value does not fit a schema."""
        return list(self._unlike({"$ref": schema}, value, schema))

    def _unlike(self, described: dict[str, Any], value: Any, where: str) -> Iterator[str]:
        described = self.document["schemas"][described["$ref"]] if "$ref" in described else described
        kind = described.get("type", "object")
        if kind in _TYPES and not isinstance(value, _TYPES[kind]):
            yield f"{where} is no {kind}"
        elif isinstance(value, dict) and "properties" in described:
            for name, each in value.items():
                if name not in described["properties"]:
                    yield f"{where} has no {name}"
                    continue
                yield from self._unlike(described["properties"][name], each, f"{where}.{name}")
        elif isinstance(value, list):
            for each in value:
                yield from self._unlike(described["items"], each, where)
        elif "enum" in described and value not in described["enum"]:
            yield f"{where} is not {value}"
        elif described.get("format") == "google-fieldmask":
            yield from (f"{where} has no {each}" for each in value.split(",") if each not in _listed(described))


def _listed(described: dict[str, Any]) -> set[str]:
    """The fields that the words about a mask name: "Valid values are: * addresses * ageRanges"."""
    return set(re.findall(r"\* (\w+)", described["description"]))
