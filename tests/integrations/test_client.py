"""The process's connections to outside services: shared, verified, and only to addresses that may be called."""

from __future__ import annotations

import asyncio
import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from pytest_httpserver import HTTPServer

from bifrost import IntegrationError
from bifrost.sdk.http.service import Service
from bifrost.sdk.testing_services import MemoryCalls
from bifrost.testing import context
from integrations import client
from integrations.client import service_client
from tests.integrations.vendor import Fault, Vendor, served


async def ask(url: str, **options: Any) -> int:
    service = Service.parse("crm", options)
    calls = MemoryCalls(context()._host)
    return (await service_client(service, calls, None, asyncio.get_running_loop()).get(url)).status_code


@pytest.fixture
def answering(httpserver: HTTPServer) -> str:
    httpserver.expect_request("/ping").respond_with_json({})
    return str(httpserver.url_for("/ping"))


def own_certificate(directory: Path) -> dict[str, str]:
    """One that nobody has signed but its owner."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    unsigned = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    dated = unsigned.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    certificate = dated.sign(key, hashes.SHA256())
    (directory / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (directory / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return {"ssl_certfile": str(directory / "certificate.pem"), "ssl_keyfile": str(directory / "key.pem")}


def parts() -> list[tuple[int, list[bool]]]:
    """Of each part of this loop's connections to public services: the requests under way, which of its are idle."""
    pool = client._pools[asyncio.get_running_loop()][False]
    return [(part.under_way, [each.is_idle() for each in part._pool.connections]) for part in pool._parts]


def allow(settings: Any, *networks: str) -> None:
    settings.PRIVATE_NETWORKS = [ipaddress.ip_network(network) for network in networks]


@pytest.mark.asyncio
async def test_a_private_address_is_not_called(answering: str, httpserver: HTTPServer) -> None:
    with pytest.raises(IntegrationError, match="is not a public one") as raised:
        await ask(answering)

    assert "BIFROST_PRIVATE_NETWORKS" in raised.value.details["hint"]
    assert httpserver.log == []


@pytest.mark.asyncio
async def test_unless_the_integration_says_that_it_may_be_private(answering: str) -> None:
    assert await ask(answering, private_addresses=True) == 200


@pytest.mark.asyncio
async def test_or_the_msp_names_its_network(answering: str, settings: Any) -> None:
    allow(settings, "127.0.0.0/8")

    assert await ask(answering) == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://0.0.0.0/",
        "http://100.100.100.200/",
        "http://2852039166/",
    ],
)
@pytest.mark.asyncio
async def test_what_clouds_tell_their_machines_is_never_asked(url: str) -> None:
    with pytest.raises(IntegrationError, match="is not a public one"):
        await ask(url, private_addresses=True)


@pytest.mark.asyncio
async def test_a_name_is_judged_by_what_it_means_now(answering: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def looked_up(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    monkeypatch.setattr(client, "_looked_up", looked_up)

    with pytest.raises(IntegrationError, match=r"The address of public\.example is not a public one"):
        await ask(answering.replace("127.0.0.1", "public.example").replace("localhost", "public.example"))


@pytest.mark.asyncio
async def test_a_redirect_into_the_own_network_is_not_followed(httpserver: HTTPServer, settings: Any) -> None:
    allow(settings, "127.0.0.0/8")
    httpserver.expect_request("/away").respond_with_data(status=302, headers={"Location": "http://10.0.0.1/"})
    calls = MemoryCalls(context()._host)
    made = service_client(Service("crm"), calls, None, asyncio.get_running_loop())

    with pytest.raises(IntegrationError, match=r"redirects to another host, 10\.0\.0\.1"):
        await made.get(httpserver.url_for("/away"), follow_redirects=True)


@pytest.mark.asyncio
async def test_a_name_that_nobody_knows_cannot_be_reached() -> None:
    with pytest.raises(IntegrationError, match="cannot be reached"):
        await ask("http://nobody.invalid/", retry_policy={"max_attempts": 1})


@pytest.mark.asyncio
async def test_a_service_of_a_strange_certificate_is_not_trusted(tmp_path: Path) -> None:
    with (
        served(Vendor(), **own_certificate(tmp_path)) as url,
        pytest.raises(IntegrationError, match="cannot be reached") as raised,
    ):
        await ask(url, private_addresses=True, retry_policy={"max_attempts": 1})

    assert "CERTIFICATE_VERIFY_FAILED" in str(raised.value.__cause__)


@pytest.mark.asyncio
async def test_connections_are_shared_and_used_again(settings: Any) -> None:
    allow(settings, "127.0.0.0/8")
    vendor = Vendor()
    with served(vendor) as url:
        for _ in range(5):
            await ask(f"{url}/ping")

    assert len(vendor.asked) == 5
    assert len({asked.port for asked in vendor.asked}) == 1


@pytest.mark.asyncio
async def test_many_at_once_are_spread_over_small_pools_and_all_of_them_come_to_an_end(settings: Any) -> None:
    allow(settings, "127.0.0.0/8")
    vendor = Vendor()
    vendor.faults += [Fault(seconds=0.3) for _ in range(20)]
    with served(vendor) as url:
        for _ in range(2):
            assert await asyncio.gather(*(ask(f"{url}/ping") for _ in range(20))) == [200] * 20

    assert len({asked.port for asked in vendor.asked}) == 20
    assert {(under_way, len(connections)) for under_way, connections in parts()} == {(0, 2), (0, 3)}


@pytest.mark.asyncio
async def test_a_body_that_ends_too_early_is_the_service_s_failure() -> None:
    vendor = Vendor()
    vendor.faults.append(Fault(cut=1))
    with served(vendor) as url, pytest.raises(IntegrationError, match="broke off its answer"):
        await ask(f"{url}/ping", private_addresses=True, retry_policy={"max_attempts": 1})


@pytest.mark.asyncio
async def test_a_service_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    vendor = Vendor()
    vendor.faults.append(Fault(seconds=30))
    with served(vendor) as url, pytest.raises(IntegrationError, match="did not answer in time"):
        await ask(f"{url}/ping", private_addresses=True, timeout=0.2, retry_policy={"max_attempts": 1})


@pytest.mark.asyncio
async def test_a_run_that_is_stopped_in_the_middle_of_a_request_leaves_no_connection_behind(settings: Any) -> None:
    allow(settings, "127.0.0.0/8")
    vendor = Vendor()
    vendor.faults.append(Fault(seconds=30))
    with served(vendor) as url:
        task = asyncio.create_task(ask(f"{url}/ping"))
        while not vendor.asked:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await ask(f"{url}/ping") == 200

        assert parts() == [(0, [True]), *[(0, [])] * (client.PARTS - 1)]
