"""Users, as Graph's documentation has them."""

from __future__ import annotations

import pytest

from bifrost import IntegrationError, ValidationError
from integrations.msgraph.client import MicrosoftGraph
from integrations.msgraph.passwords import new_password
from tests.integrations.msgraph.conftest import Connect
from tests.integrations.msgraph.server import Graph

GUEST = "ann_other.example#EXT#@acme.onmicrosoft.com"


@pytest.mark.asyncio
async def test_users_are_told_with_what_an_msp_needs(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_user("Ann Doe", department="IT", usageLocation="NO")

    (user,) = await client.get_users()

    assert (user["displayName"], user.user_principal_name, user.department) == ("Ann Doe", "ann.doe@acme.example", "IT")
    assert (user.account_enabled, user.usage_location, user.assigned_licenses) == (True, "NO", [])


@pytest.mark.asyncio
async def test_a_filter_and_a_selection_are_graph_s_own(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_user("Ann", department="IT")
    graph.directory.add_user("Bob", department="HR")

    found = await client.get_users(filter="department eq 'HR'", select=["display_name", "department"])

    assert found == [{"displayName": "Bob", "department": "HR"}]


@pytest.mark.asyncio
async def test_a_filter_may_be_a_mapping_whose_values_stay_values(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_user("Ann", department="Sales' or accountEnabled eq true or 'a' eq 'a", accountEnabled=False)
    graph.directory.add_user("Bob", department="Sales")

    found = await client.get_users(filter={"department": "Sales' or accountEnabled eq true or 'a' eq 'a"})

    assert [user.display_name for user in found] == ["Ann"]
    assert await client.get_users(filter=f"displayName eq {client.quoted(chr(39))}") == []


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": "endsWith(userPrincipalName,'@acme.example')"},
        {"filter": "displayName ne 'Bob'"},
        {"filter": "not(displayName eq 'Bob')"},
        {"filter": "startsWith(displayName,'A')", "order_by": "displayName desc"},
        {"search": "ann"},
        {"search": "display_name:ann"},
        {"search": '"displayName:ann" OR "mail:ann"'},
    ],
)
@pytest.mark.asyncio
async def test_advanced_queries_say_that_they_are(graph: Graph, client: MicrosoftGraph, asked: dict[str, str]) -> None:
    graph.directory.add_user("Ann")

    assert [user.display_name for user in await client.get_users(**asked)] == ["Ann"]
    assert graph.asked[-1].headers["consistencylevel"] == "eventual"


@pytest.mark.asyncio
async def test_others_get_what_is_true_now(graph: Graph, client: MicrosoftGraph) -> None:
    await client.get_users(filter="displayName eq 'is not, ne and endsWith('")

    assert "consistencylevel" not in graph.asked[-1].headers


@pytest.mark.asyncio
async def test_a_text_with_quotes_is_searched_for_as_it_is(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_user("Ann", displayName='Ann "the \\ IT" Doe')

    assert len(await client.get_users(search='Ann "the \\ IT"')) == 1


@pytest.mark.parametrize("key", ["ann@acme.example", "ANN@acme.example", GUEST])
@pytest.mark.asyncio
async def test_a_user_is_found_by_its_name(graph: Graph, client: MicrosoftGraph, key: str) -> None:
    graph.directory.add_user("Ann", userPrincipalName=GUEST if "#" in key else "ann@acme.example")

    user = await client.get_user(key)

    assert user is not None
    assert await client.get_user(user) == user
    assert await client.get_user(user["id"], select="displayName") == {"displayName": "Ann"}


@pytest.mark.asyncio
async def test_an_unknown_person_is_none(client: MicrosoftGraph) -> None:
    assert await client.get_user("nobody@acme.example") is None


@pytest.mark.parametrize("key", ["", " ", "..", ".", None, 5, {}, {"id": ""}])
@pytest.mark.asyncio
async def test_nobody_at_all_is_an_input_that_is_wrong(graph: Graph, client: MicrosoftGraph, key: object) -> None:
    with pytest.raises(ValidationError, match="This names no user"):
        await client.delete_user(key)

    assert graph.calls() == []


@pytest.mark.asyncio
async def test_a_new_user_has_a_password_that_is_told_once(graph: Graph, client: MicrosoftGraph) -> None:
    user = await client.create_user("ann.doe@acme.example", "Ann Doe", "IT", job_title="Engineer", usageLocation="NO")

    kept = graph.directory.user(user["id"])
    assert graph.directory.passwords[user["id"]] == user["initial_password"]
    assert (kept["displayName"], kept["mailNickname"], kept["department"]) == ("Ann Doe", "ann.doe", "IT")
    assert (kept["jobTitle"], kept["usageLocation"], kept["accountEnabled"]) == ("Engineer", "NO", True)
    assert (user.department, user.user_principal_name) == ("IT", "ann.doe@acme.example")
    assert graph.asked[-1].json["passwordProfile"]["forceChangePasswordNextSignIn"] is True
    assert "initial_password" not in (await client.get_user(user) or {})
    assert "passwordProfile" not in user


@pytest.mark.asyncio
async def test_its_names_may_be_given_apart(graph: Graph, client: MicrosoftGraph) -> None:
    user = await client.create_user("ann@acme.example", first_name="Ann", last_name="Doe")

    kept = graph.directory.user(user["id"])
    assert (kept["displayName"], kept["givenName"], kept["surname"]) == ("Ann Doe", "Ann", "Doe")


@pytest.mark.asyncio
async def test_a_password_of_the_author_s_is_used_and_not_told(graph: Graph, client: MicrosoftGraph) -> None:
    user = await client.create_user("ann@acme.example", password="Correct-Horse-7")
    bob = await client.create_user(
        "bob@acme.example", passwordProfile={"password": "Battery-Staple-8", "forceChangePasswordNextSignIn": False}
    )

    assert list(graph.directory.passwords.values()) == ["Correct-Horse-7", "Battery-Staple-8"]
    assert "Correct-Horse-7" not in str(user)
    assert "Battery-Staple-8" not in str(bob)


@pytest.mark.asyncio
async def test_where_people_work_comes_from_the_config(graph: Graph, connect: Connect) -> None:
    client = connect(config={"msgraph_usage_location": "NO"}).get_integration("msgraph")

    user = await client.create_user("ann@acme.example")

    assert graph.directory.user(user["id"])["usageLocation"] == "NO"


@pytest.mark.parametrize("name", ["jörg.müller", "o'neil", "a,b", "søren"])
@pytest.mark.asyncio
async def test_the_mail_alias_holds_what_microsoft_allows(graph: Graph, client: MicrosoftGraph, name: str) -> None:
    user = await client.create_user(f"{name}@acme.example")

    assert graph.directory.user(user["id"])["mailNickname"].isascii()


@pytest.mark.asyncio
async def test_a_name_that_is_taken_is_refused_with_graph_s_words(graph: Graph, client: MicrosoftGraph) -> None:
    graph.directory.add_user("Ann")

    with pytest.raises(
        IntegrationError, match="Another object with the same value for property userPrincipalName"
    ) as no:
        await client.create_user("ann@acme.example")

    assert (no.value.status_code, no.value.details["code"]) == (400, "Request_BadRequest")


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"shoe_size": 43}, "'shoeSize' does not exist"),
        ({"account_enabled": "yes"}, "Cannot convert 'accountEnabled'"),
        ({"business_phones": "12"}, "Cannot convert 'businessPhones'"),
        ({"password": "short"}, "does not comply with password complexity"),
    ],
)
@pytest.mark.asyncio
async def test_what_graph_does_not_take_is_refused(
    client: MicrosoftGraph, extra: dict[str, object], words: str
) -> None:
    with pytest.raises(IntegrationError, match=words):
        await client.create_user("ann@acme.example", **extra)


@pytest.mark.asyncio
async def test_a_user_of_a_strange_domain_is_refused(client: MicrosoftGraph) -> None:
    with pytest.raises(IntegrationError, match="verified domain"):
        await client.create_user("ann@other.example")


@pytest.mark.asyncio
async def test_properties_are_set_and_removed(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann", department="IT", jobTitle="Engineer")

    await client.update_user(ann["id"], {"department": "HR"}, job_title=None)

    assert (ann["department"], ann["jobTitle"]) == ("HR", None)


@pytest.mark.asyncio
async def test_a_disabled_user_is_signed_out_and_may_come_back(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann")

    await client.disable_user("ann@acme.example")
    assert (ann["accountEnabled"], graph.directory.signed_out) == (False, [ann["id"]])

    await client.enable_user(ann)
    assert ann["accountEnabled"] is True


@pytest.mark.asyncio
async def test_a_user_is_deleted(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann")

    await client.delete_user(ann)

    assert graph.directory.users == {}
    with pytest.raises(IntegrationError) as refused:
        await client.delete_user(ann)
    assert (refused.value.status_code, refused.value.details["code"]) == (404, "Request_ResourceNotFound")


@pytest.mark.asyncio
async def test_a_password_is_reset(graph: Graph, client: MicrosoftGraph) -> None:
    ann = graph.directory.add_user("Ann")

    made = await client.reset_password(ann["id"])
    assert graph.directory.passwords[ann["id"]] == made["initial_password"]
    assert graph.asked[-1].json["passwordProfile"]["forceChangePasswordNextSignIn"] is True

    assert await client.reset_password(ann["id"], "Correct-Horse-7", change=False) == {"id": ann["id"]}
    assert graph.directory.passwords[ann["id"]] == "Correct-Horse-7"
    assert graph.asked[-1].json["passwordProfile"]["forceChangePasswordNextSignIn"] is False


@pytest.mark.asyncio
async def test_a_manager_is_set_by_any_name_and_told(graph: Graph, client: MicrosoftGraph) -> None:
    ann, bob = graph.directory.add_user("Ann"), graph.directory.add_user("Bob")
    assert await client.get_manager(ann) is None

    await client.set_manager(ann, "bob@acme.example")
    manager = await client.get_manager("ann@acme.example")
    assert manager is not None
    assert manager["id"] == bob["id"]

    await client.set_manager(bob, ann["id"])
    assert graph.directory.managers == {ann["id"]: bob["id"], bob["id"]: ann["id"]}


def test_passwords_are_long_and_of_every_kind_and_never_the_same() -> None:
    passwords = {new_password() for _ in range(200)}

    assert len(passwords) == 200
    for password in passwords:
        assert len(password) == 20
        assert any(map(str.islower, password)) and any(map(str.isupper, password)) and any(map(str.isdigit, password))
        assert any(not letter.isalnum() for letter in password)
        assert not set(password) & set("lIO01")
