from __future__ import annotations

import asyncio

import httpx
import pytest

from bifrost import BaseIntegration, ConfigurationError, IntegrationError, register_integration
from bifrost.sdk.errors import DeclarationError
from bifrost.testing import blocking_context, context


class Service(BaseIntegration):
    integration_name = "service"

    def __init__(self, context, failures=0):
        super().__init__(context)
        self.authentications = 0
        self.failures = failures

    async def authenticate(self):
        self.authentications += 1
        await asyncio.sleep(0)
        if self.authentications <= self.failures:
            raise IntegrationError("No entry", integration="service")
        self.key = await self.get_secret("service_key")
        self.base = await self.discover()

    async def discover(self):
        return self.get_config("service_url", "https://default")

    async def fetch(self):
        return self.base, self.key

    async def fetch_twice(self):
        return [await self.fetch(), await self.fetch()]


class Impatient(BaseIntegration):
    """Its constructor does not call the base's."""

    def __init__(self, context):
        self.context = context

    async def authenticate(self):
        self.ready = True

    async def fetch(self):
        return self.ready


def made(failures: int = 0) -> Service:
    return Service(context(secrets={"service_key": "s3cret"}, config={"service_url": "https://acme"}), failures)


@pytest.mark.asyncio
async def test_it_authenticates_before_the_first_call_and_once():
    service = made()
    assert await service.fetch() == ("https://acme", "s3cret")
    assert await service.fetch_twice() == [("https://acme", "s3cret")] * 2
    assert service.authentications == 1


@pytest.mark.asyncio
async def test_calls_at_the_same_time_authenticate_once():
    service = made()
    assert await asyncio.gather(*(service.fetch() for _ in range(5))) == [("https://acme", "s3cret")] * 5
    assert service.authentications == 1


@pytest.mark.asyncio
async def test_a_failed_authentication_is_tried_again_by_the_next_call():
    service = made(failures=1)
    with pytest.raises(IntegrationError):
        await service.fetch()
    assert await service.fetch() == ("https://acme", "s3cret")


@pytest.mark.asyncio
async def test_a_constructor_of_its_own_may_forget_the_base_s():
    assert await Impatient(context()).fetch() is True


def test_a_config_that_is_missing_is_the_default():
    assert made().get_config("other", 5) == 5


def test_a_class_without_a_name_gets_one_by_registering():
    class Nameless(BaseIntegration): ...

    register_integration("nameless", Nameless)
    register_integration("nameless", Nameless)
    assert Nameless.integration_name == "nameless"


def test_a_class_cannot_be_registered_under_another_name():
    with pytest.raises(DeclarationError, match='Service is "service", not "other"'):
        register_integration("other", Service)


# --- its client -------------------------------------------------------------------------------------------------------


class Crm(BaseIntegration):
    """Signs in with a key, for a token that the service may refuse later."""

    integration_name = "crm"
    api_url = "https://crm.example"
    service_options = {"stubs": {"POST /users": {"id": "dry"}}}

    async def authenticate(self):
        key = await self.get_secret("crm_key")
        return (await self.http_client.post("/token", json={"key": key})).json()["token"]

    async def get_users(self):
        return (await self.http_client.get("/users")).json()

    async def create_user(self, name):
        return (await self.http_client.post("/users", json={"name": name})).json()

    async def get_users_stream(self):
        for user in await self.get_users():
            yield user


class CrmServer:
    def __init__(self):
        self.valid = "token-1"
        self.made = 0
        self.asked = []

    def __call__(self, request):
        self.asked.append(f"{request.method} {request.url.path}")
        if request.url.path == "/token":
            self.made += 1
            self.valid = f"token-{self.made}"
            return httpx.Response(200, json={"token": self.valid})
        if request.headers.get("Authorization") != f"Bearer {self.valid}":
            return httpx.Response(401, json={"message": "expired"})
        return httpx.Response(200, json=[{"name": "Ann"}] if request.method == "GET" else {"id": 7})


def crm(server, **arguments):
    ctx = context(integrations={"CRM": Crm}, http=server, secrets={"crm_key": "s3cret-key"}, **arguments)
    return ctx, ctx.get_integration("crm")


@pytest.mark.asyncio
async def test_what_authenticate_returns_goes_with_every_request():
    server = CrmServer()
    _, client = crm(server)

    assert await client.get_users() == [{"name": "Ann"}]
    assert await client.create_user("Bob") == {"id": 7}
    assert server.asked == ["POST /token", "GET /users", "POST /users"]


@pytest.mark.asyncio
async def test_a_stream_signs_in_first_as_well():
    _, client = crm(CrmServer())

    assert [user["name"] async for user in client.get_users_stream()] == ["Ann"]


@pytest.mark.asyncio
async def test_signing_in_is_tracked_and_is_no_step():
    ctx, client = crm(CrmServer())
    await client.create_user("Bob")

    assert [record.name for record in ctx.records if record.kind == "step"] == ["crm POST /users"]
    assert [record.data["endpoint"] for record in ctx.records if record.kind == "integration_call"] == [
        "/token",
        "/users",
    ]


@pytest.mark.asyncio
async def test_a_token_that_has_expired_is_replaced_once_for_all_that_were_refused():
    server = CrmServer()
    _, client = crm(server)
    await client.get_users()
    server.valid = "another"

    assert await asyncio.gather(*(client.get_users() for _ in range(5))) == [[{"name": "Ann"}]] * 5
    assert server.made == 2


@pytest.mark.asyncio
async def test_a_service_that_goes_on_refusing_is_asked_twice():
    asked = []

    def refuse(request):
        asked.append(request.url.path)
        return httpx.Response(200, json={"token": f"t{len(asked)}"} if request.url.path == "/token" else {})

    def server(request):
        answer = refuse(request)
        return answer if request.url.path == "/token" else httpx.Response(401)

    with pytest.raises(IntegrationError) as raised:
        await crm(server)[1].get_users()

    assert raised.value.status_code == 401
    assert asked == ["/token", "/users", "/token", "/users"]


@pytest.mark.asyncio
async def test_headers_that_a_method_sets_itself_are_replaced_where_they_were_refused():
    class Own(Crm):
        integration_name = "own"

        async def get_users(self):
            token = await self.authenticate()
            server.valid = "token-of-another"
            return (await self.http_client.get("/users", headers={"Authorization": f"Bearer {token}"})).json()

    server = CrmServer()
    ctx = context(integrations={"own": Own}, http=server, secrets={"crm_key": "s3cret-key"})

    assert await ctx.get_integration("own").get_users() == [{"name": "Ann"}]


@pytest.mark.asyncio
async def test_one_execution_has_one_of_each_whatever_the_case():
    ctx, client = crm(CrmServer())

    assert ctx.get_integration("Crm") is client is ctx.get_integration("CRM")


def test_one_that_is_missing_is_named():
    with pytest.raises(ConfigurationError, match='no integration "nothing"'):
        context().get_integration("nothing")


@pytest.mark.parametrize("key", ["away_api_url", "away_url"])
@pytest.mark.asyncio
async def test_where_the_service_is_may_be_a_config(key):
    class Away(BaseIntegration):
        integration_name = "away"

        async def ping(self):
            return str((await self.http_client.get("/ping")).request.url)

    ctx = context(
        integrations={"away": Away}, http=lambda _: httpx.Response(200), config={key: "https://acme.away/v2/"}
    )
    assert await ctx.get_integration("away").ping() == "https://acme.away/v2/ping"
    assert ctx.get_integration("away").api_url == "https://acme.away/v2/"


def test_one_that_is_nowhere_says_which_config_it_needs():
    class Away(BaseIntegration):
        integration_name = "away"

    with pytest.raises(ConfigurationError, match="needs the config away_api_url"):
        _ = Away(context()).api_url


def test_in_a_plain_function_its_methods_block():
    ctx = blocking_context(integrations={"crm": Crm}, http=CrmServer(), secrets={"crm_key": "s3cret-key"})
    client = ctx.get_integration("crm")

    assert client.get_users() == [{"name": "Ann"}]
    assert [user["name"] for user in client.get_users_stream()] == ["Ann"]
    assert client.integration_name == "crm"


@pytest.mark.asyncio
async def test_a_token_that_is_kept_is_asked_for_anew_where_it_was_refused():
    class Kept(Crm):
        integration_name = "kept"

        async def authenticate(self):
            key = await self.get_secret("crm_key")
            return await self.token(self.make, key)

        async def make(self):
            return (await self.http_client.post("/token", json={})).json()["token"], 3600

    server, refused = CrmServer(), []
    ctx = context(integrations={"kept": Kept}, http=server, secrets={"crm_key": "s3cret-key"})
    ask = ctx._host.token

    async def token(integration, credentials, make, given):
        refused.append(given)
        return await ask(integration, credentials, make, given)

    ctx._host.token = token
    await ctx.get_integration("kept").get_users()
    server.valid = "another"

    assert await ctx.get_integration("kept").get_users() == [{"name": "Ann"}]
    assert refused == [None, "token-1"]
