"""Any service from its OpenAPI document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from bifrost import ConfigurationError, IntegrationError, ValidationError
from bifrost.testing import blocking_context
from integrations.generic.client import OpenApi
from tests.integrations.generic.conftest import Make
from tests.integrations.generic.server import PetServer, document
from tests.integrations.vendor import Fault, Reply

pytestmark = pytest.mark.asyncio


async def opened(make: Make, server: PetServer, **arguments: Any) -> Any:
    generic = make().get_integration("generic")
    return await generic.open("pets", document=f"{server.url}/openapi.json", **arguments)


async def test_operations_are_methods_by_their_name_in_snake_case(make: Make, pet_server: PetServer) -> None:
    pets = await opened(make, pet_server)

    made = await pets.create_pet(body={"name": "Tom", "kind": "cat"})

    assert await pets.list_pets(limit=10) == [made]
    assert await pets.pets_get_pet(pet_id=made["id"]) == made
    assert await pets.delete_pets_pet_id(petId=made["id"]) is None
    assert await pets.get_picture(pet_id=1) == "no picture"
    assert await pets.token() == {"token": "of the service"}
    assert dir(pets) == [
        "broken",
        "create_pet",
        "delete_pets_pet_id",
        "get_picture",
        "list_pets",
        "pets_get_pet",
        "put_picture",
        "token",
    ]
    assert pets.list_pets.__doc__ == "Pets, the oldest first"


async def test_an_unknown_operation_names_the_near_ones(make: Make, pet_server: PetServer) -> None:
    pets = await opened(make, pet_server)

    with pytest.raises(AttributeError, match="no operation list_pet; did you mean list_pets"):
        pets.list_pet  # noqa: B018


async def test_parameters_go_where_the_document_says(make: Make, pet_server: PetServer) -> None:
    pets = await opened(make, pet_server)

    await pets.list_pets(limit=3, kind=["cat", "dog"], colours=["red", "blue"], sold=True, x_trace_id="t-1", order=None)

    asked = pet_server.asked[-1]
    assert asked.query == {"limit": "3", "kind": "dog", "colours": "red,blue", "sold": "true"}
    assert asked.headers["x-trace-id"] == "t-1"


@pytest.mark.parametrize(
    ("operation", "arguments", "field", "message"),
    [
        ("list_pets", {"limt": 3}, "limt", "limt is no argument of it"),
        ("list_pets", {"limit": "3"}, "limit", "limit must be of the type integer"),
        ("list_pets", {"limit": True}, "limit", "limit must be of the type integer"),
        ("list_pets", {"kind": ["cat", 3]}, "kind", r"kind\[1\] must be of the type string"),
        ("list_pets", {"order": "size"}, "order", "order must be one of age, name"),
        ("list_pets", {"session": "s"}, "session", "session is no argument of it"),
        ("list_pets", {"body": {}}, "body", "body is no argument of it"),
        ("list_pets", {"x_trace_id": "a\r\nb"}, "x_trace_id", "only printable ASCII"),
        ("pets_get_pet", {}, "pet_id", "pet_id is missing"),
        ("pets_get_pet", {"pet_id": 1.5}, "pet_id", "of the type integer or string"),
        ("pets_get_pet", {"pet_id": ".."}, "pet_id", "pet_id must be an id"),
        ("create_pet", {}, "body", "body is missing"),
        ("create_pet", {"body": []}, "body", "body must be of the type object"),
        ("create_pet", {"body": {"age": 3}}, "body.name", "body.name is missing"),
        ("create_pet", {"body": {"name": "Tom", "size": 3}}, "body", "body has no field size"),
        ("create_pet", {"body": {"name": "Tom", "parents": [{"name": 3}]}}, "body.parents[0].name", "type string"),
    ],
)
async def test_arguments_are_checked_before_anything_is_sent(
    make: Make, pet_server: PetServer, operation: str, arguments: dict[str, Any], field: str, message: str
) -> None:
    pets = await opened(make, pet_server)

    with pytest.raises(ValidationError, match=message) as raised:
        await getattr(pets, operation)(**arguments)

    assert raised.value.field == field
    assert len(pet_server.asked) == 1  # the document


async def test_all_that_is_wrong_is_said_at_once(make: Make, pet_server: PetServer) -> None:
    pets = await opened(make, pet_server)

    with pytest.raises(ValidationError) as raised:
        await pets.list_pets(limit="3", order="size", other=1)

    assert [each["field"] for each in raised.value.details["errors"]] == ["other", "limit", "order"]


async def test_a_null_that_is_allowed_is_sent(make: Make, pet_server: PetServer) -> None:
    pets = await opened(make, pet_server)

    assert (await pets.create_pet(body={"name": "Tom", "age": None}))["age"] is None


async def test_an_id_leads_to_no_other_place(make: Make, pet_server: PetServer) -> None:
    pets = await opened(make, pet_server)

    with pytest.raises(IntegrationError, match="There is no such place"):
        await pets.pets_get_pet(pet_id="../token")

    assert all(asked.path != "/v1/token" for asked in pet_server.asked)


@pytest.mark.parametrize(
    ("closed", "authentication"),
    [
        ("bearer", {"bearer": "pets_token"}),
        ("basic", {"basic": ["pets_user", "pets_password"]}),
        ("header", {"header": {"X-Api-Key": "pets_token"}}),
        ("query", {"query": {"api_key": "pets_token"}}),
    ],
)
async def test_a_service_lets_in_by_secrets_that_are_named(
    make: Make, pet_server: PetServer, closed: str, authentication: dict[str, Any]
) -> None:
    pet_server.closed = closed

    pets = await opened(make, pet_server, authentication=authentication)

    assert await pets.list_pets() == []
    without = await opened(make, pet_server)
    with pytest.raises(IntegrationError, match="Who are you"):
        await without.list_pets()


@pytest.mark.parametrize("authentication", [{"token": "x"}, {"basic": "x"}, {"header": "x"}, {"bearer": ["x"]}])
async def test_another_way_of_letting_in_is_refused(make: Make, pet_server: PetServer, authentication: Any) -> None:
    with pytest.raises(ValidationError, match="authentication must be"):
        await opened(make, pet_server, authentication=authentication)


async def test_a_missing_secret_is_named(make: Make, pet_server: PetServer) -> None:
    pets = await opened(make, pet_server, authentication={"bearer": "nowhere"})

    with pytest.raises(ConfigurationError, match="nowhere"):
        await pets.list_pets()


async def test_the_document_is_read_once_for_an_execution(make: Make, pet_server: PetServer) -> None:
    generic = make().get_integration("generic")

    first = await generic.open("pets", document=f"{pet_server.url}/openapi.json")

    assert await generic.open("pets", document=f"{pet_server.url}/openapi.json") is first
    assert len(pet_server.asked) == 1


@pytest.mark.parametrize("how", ["mapping", "text", "file"])
async def test_the_document_may_be_at_hand(make: Make, pet_server: PetServer, how: str, tmp_path: Path) -> None:
    text = json.dumps(document())
    (tmp_path / "pets.json").write_text(text)
    given = {"mapping": document(), "text": text, "file": tmp_path / "pets.json"}[how]
    generic = make(config={"pets_url": f"{pet_server.url}/v1"}).get_integration("generic")

    pets = await generic.open("pets", document=given)

    assert await pets.list_pets() == []


async def test_where_the_service_is_may_be_said(make: Make, pet_server: PetServer) -> None:
    pets = await make().get_integration("generic").open("pets", document(), base_url=f"{pet_server.url}/v1")
    assert await pets.list_pets() == []

    nowhere = await make().get_integration("generic").open("pets", document())
    with pytest.raises(ConfigurationError, match="set base_url, or the config pets_api_url"):
        await nowhere.list_pets()


async def test_credentials_go_to_no_server_that_only_the_document_names(make: Make, pet_server: PetServer) -> None:
    pet_server.document = document(servers=[{"url": "https://collector.example/v1"}])

    pets = await opened(make, pet_server, authentication={"bearer": "pets_token"})

    with pytest.raises(ConfigurationError, match=r"names another server, collector\.example"):
        await pets.list_pets()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"swagger": "2.0", "paths": {}}, "no OpenAPI 3 document"),
        ({"openapi": "3.1.0"}, "no OpenAPI 3 document"),
        ("openapi: 3.0.3", "is not JSON"),
        ("[]", "no OpenAPI 3 document"),
        (document(paths={"/pets": {"$ref": "other.json#/pets"}}), "only references inside of it"),
        (document(paths={"/pets": {"$ref": "#/components/nothing"}}), "which it does not have"),
        (document(components={"a": {"$ref": "#/components/a"}}, paths={"/p": {"$ref": "#/components/a"}}), "circle"),
    ],
)
async def test_what_is_no_usable_document_says_why(make: Make, given: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        await make().get_integration("generic").open("pets", given)


async def test_a_body_that_is_not_json_is_not_supported(make: Make, pet_server: PetServer) -> None:
    pets = await opened(make, pet_server)

    with pytest.raises(ConfigurationError, match="a body that is not JSON"):
        await pets.put_picture(pet_id=1)


async def test_two_operations_of_one_name_are_both_there(make: Make) -> None:
    paths = {"/a": {"get": {"operationId": "read"}}, "/b": {"get": {"operationId": "Read"}}}

    assert dir(await make().get_integration("generic").open("pets", document(paths=paths))) == ["get_b", "read"]


async def test_a_read_is_tried_again_and_a_write_is_not(make: Make, pet_server: PetServer) -> None:
    pets = await opened(make, pet_server, timeout=0.3)
    pet_server.faults.extend(
        [Fault(Reply(429, headers={"Retry-After": "2"})), Fault(Reply(500)), Fault(cut=1, effect=True)]
    )
    assert await pets.list_pets() == []

    pet_server.faults.append(Fault(effect=True, seconds=1.0, reply=Reply(201, {})))
    with pytest.raises(IntegrationError, match="did not answer in time"):
        await pets.create_pet(body={"name": "Tom"})
    assert [pet["name"] for pet in pet_server.pets] == ["Tom"]


async def test_a_dry_run_answers_writes_with_the_stubs_of_the_author(make: Make, pet_server: PetServer) -> None:
    generic = make(dry_run=True).get_integration("generic")
    url = f"{pet_server.url}/openapi.json"
    pets = await generic.open("pets", document=url, stubs={"DELETE /pets/{id}": {"gone": True}})

    assert await pets.delete_pets_pet_id(pet_id=1) == {"gone": True}
    assert await pets.create_pet(body={"name": "Tom"}) == {}
    assert pet_server.pets == []


async def test_the_record_calls_it_by_its_name_and_path(make: Make, pet_server: PetServer) -> None:
    ctx = make()
    pets = await ctx.get_integration("generic").open("pets", document=f"{pet_server.url}/openapi.json")
    pet = await pets.create_pet(body={"name": "Tom"})
    await pets.pets_get_pet(pet_id=pet["id"])

    calls = [record.data for record in ctx.records if record.kind == "integration_call"]
    assert [(call["integration"], call["endpoint"]) for call in calls] == [
        ("pets", "/openapi.json"),
        ("pets", "/pets"),
        ("pets", "/pets/{id}"),
    ]


async def test_in_a_plain_function_its_operations_block(pet_server: PetServer) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        came = httpx.request(request.method, request.url, headers=request.headers)
        return httpx.Response(came.status_code, json=came.json())

    ctx = blocking_context(integrations={"generic": OpenApi}, http=answer)

    pets = ctx.get_integration("generic").open("pets", document=f"{pet_server.url}/openapi.json")

    assert pets.list_pets(limit=1) == []
