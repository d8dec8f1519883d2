"""A service for pets, and the OpenAPI document that describes it. What the document does not allow is refused."""

from __future__ import annotations

import base64
import re
from copy import deepcopy
from typing import Any

from tests.integrations.vendor import Asked, Reply, Vendor

Item = dict[str, Any]
TOKEN, USER, PASSWORD = "t0ken-of-the-pets", "pets-user", "pets-passw0rd"

DOCUMENT: Item = {
    "openapi": "3.0.3",
    "info": {"title": "Pets", "version": "1"},
    "servers": [{"url": "/{version}", "variables": {"version": {"default": "v1"}}}],
    "paths": {
        "/pets": {
            "parameters": [{"$ref": "#/components/parameters/Trace"}],
            "get": {
                "operationId": "listPets",
                "summary": "Pets, the oldest first",
                "parameters": [
                    {"name": "limit", "in": "query", "schema": {"type": "integer"}},
                    {"name": "kind", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {
                        "name": "colours",
                        "in": "query",
                        "explode": False,
                        "schema": {"type": "array", "items": {"type": "string"}},
                    },
                    {"name": "sold", "in": "query", "schema": {"type": "boolean"}},
                    {"name": "order", "in": "query", "schema": {"type": "string", "enum": ["age", "name"]}},
                    {"name": "session", "in": "cookie", "schema": {"type": "string"}},
                ],
            },
            "post": {
                "operationId": "create-pet",
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                },
            },
        },
        "/pets/{petId}": {
            "parameters": [
                {"name": "petId", "in": "path", "required": True, "schema": {"type": ["integer", "string"]}}
            ],
            "get": {"operationId": "pets.getPet"},
            "delete": {"responses": {"204": {"description": "gone"}}},
        },
        "/pets/{petId}/picture": {
            "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "integer"}}],
            "get": {"operationId": "getPicture"},
            "put": {"operationId": "putPicture", "requestBody": {"content": {"image/png": {}}}},
        },
        "/token": {"get": {"operationId": "token"}},
        "/broken": {"get": {"operationId": "broken", "parameters": [{"$ref": "#/components/parameters/Trace"}]}},
    },
    "components": {
        "parameters": {
            "Trace": {"name": "X-Trace-Id", "in": "header", "schema": {"$ref": "#/components/schemas/Trace~1Id"}}
        },
        "schemas": {
            "Trace/Id": {"type": "string"},
            "Pet": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string"},
                    "age": {"type": "number", "nullable": True},
                    "kind": {"type": "string", "enum": ["cat", "dog"]},
                    "parents": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
                },
            },
        },
    },
}


def document(**changes: Any) -> Item:
    return {**deepcopy(DOCUMENT), **changes}


class PetServer(Vendor):
    def __init__(self) -> None:
        super().__init__()
        self.document: Any = document()
        self.pets: list[Item] = []
        self.closed = ""  # "bearer", "basic", "header" or "query": how it lets in

    def reply(self, asked: Asked) -> Reply:
        if asked.path == "/openapi.json":
            return Reply(json=self.document)
        if not self._lets_in(asked):
            return Reply(401, {"message": "Who are you?"})
        if asked.path == "/v1/pets":
            return self._create(asked) if asked.method == "POST" else self._list(asked)
        return self._other(asked)

    def _other(self, asked: Asked) -> Reply:
        match = re.fullmatch(r"/v1/pets/([^/]+)(/picture)?", asked.path)
        if match is None:
            known = asked.path == "/v1/token"
            return (
                Reply(json={"token": "of the service"}) if known else Reply(404, {"message": "There is no such place"})
            )
        if match[2]:
            return Reply(text="no picture", headers={"content-type": "text/plain"})
        return self._pet(match[1], asked)

    def _lets_in(self, asked: Asked) -> bool:
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        return {
            "": True,
            "bearer": asked.headers.get("authorization") == f"Bearer {TOKEN}",
            "basic": asked.headers.get("authorization") == f"Basic {pair}",
            "header": asked.headers.get("x-api-key") == TOKEN,
            "query": asked.query.get("api_key") == TOKEN,
        }[self.closed]

    def _list(self, asked: Asked) -> Reply:
        if unknown := asked.query.keys() - {"limit", "kind", "colours", "sold", "order", "api_key"}:
            return Reply(400, {"message": f"Unknown: {unknown}"})
        if not asked.query.get("limit", "1").isdigit() or asked.query.get("sold", "true") not in {"true", "false"}:
            return Reply(400, {"message": "Wrong type"})
        return Reply(json=self.pets[: int(asked.query.get("limit", "100"))])

    def _create(self, asked: Asked) -> Reply:
        if asked.headers.get("content-type") != "application/json" or not isinstance(asked.json, dict):
            return Reply(415, {"message": "A pet is a JSON object"})
        pet = {"id": len(self.pets) + 1, **asked.json}
        self.pets.append(pet)
        return Reply(201, pet)

    def _pet(self, pet_id: str, asked: Asked) -> Reply:
        found = next((pet for pet in self.pets if str(pet["id"]) == pet_id), None)
        if found is None:
            return Reply(404, {"message": f"There is no pet {pet_id}"})
        if asked.method == "DELETE":
            self.pets.remove(found)
            return Reply(204)
        return Reply(json=found)
