from __future__ import annotations

import asyncio

import pytest

from bifrost import BaseIntegration, IntegrationError, register_integration
from bifrost.sdk.errors import DeclarationError
from bifrost.testing import context


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
