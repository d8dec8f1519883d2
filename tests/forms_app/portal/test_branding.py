"""How an organization looks: who changes it, what is taken for a logo, and that everything stays readable."""

from __future__ import annotations

import io
import zlib
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from orgs.colours import DARK_GROUND, LIGHT_GROUND, contrast, shades
from orgs.models import Branding
from orgs.records import OrganizationRecord
from tests.audit_log import events, log
from tests.forms_app.portal.people import as_role, html, text, visitor

NO_PICTURE = "This is no picture that can be shown."


def picture(kind: str = "PNG", size: tuple[int, int] = (300, 100), **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "#cc3300").save(out, kind, **more)
    return out.getvalue()


def save(client: Client, logo: bytes | None = None, file: str = "logo.png", **values: Any) -> Any:
    given = {"name": "", "colour": "#1d5fbf", **values}
    if logo is not None:
        given["logo"] = SimpleUploadedFile(file, logo, content_type="image/png")
    return client.post("/branding", given)


@pytest.mark.parametrize(("role", "status"), [("owner", 200), ("admin", 200), ("operator", 403), ("requester", 403)])
def test_admins_change_the_branding(acme: OrganizationRecord, role: str, status: int) -> None:
    client, _ = as_role(acme, role)
    assert client.get("/branding").status_code == status
    assert save(client, name="Ours").status_code == (302 if status == 200 else 403)
    assert ("Branding" in text(client.get("/"))) is (status == 200)


def test_name_colour_and_logo_are_on_every_page_and_at_the_sign_in_of_its_host(
    acme: OrganizationRecord, globex: OrganizationRecord
) -> None:
    client, _ = as_role(acme, "admin")
    assert (
        client.post("/branding", {"name": "Acme <Works>", "own_colour": "on", "colour": "#FFDD00"}).status_code == 302
    )
    assert save(client, picture(), name="Acme <Works>", own_colour="on", colour="#ffdd00").status_code == 302
    logo = f"/branding/logo/{Branding.objects.get().logo_digest}.png"
    for page in (client.get("/"), visitor(acme).get("/sign-in")):
        assert "Acme &lt;Works&gt;" in html(page)
        assert f'src="{logo}"' in html(page)
        assert 'href="/branding/colours/ffdd00.css"' in html(page)
    by_path = html(Client().get("/o/acme/sign-in"))
    assert "Works" not in by_path and "/branding/" not in by_path
    assert "Works" not in html(visitor(globex).get("/sign-in"))
    assert [event.metadata for event in events()] == [{"fields": ["name", "colour"]}, {"fields": ["logo"]}]


@pytest.mark.parametrize(("kind", "name"), [("PNG", "a.png"), ("JPEG", "a.JPG"), ("WEBP", "a.webp"), ("GIF", "a.gif")])
def test_a_picture_is_drawn_anew_and_small(acme: OrganizationRecord, kind: str, name: str) -> None:
    client, _ = as_role(acme, "admin")
    hidden = b"<script>alert(1)</script>"
    assert save(client, picture(kind, (2000, 1000)) + hidden, name).status_code == 302
    answer = client.get(f"/branding/logo/{Branding.objects.get().logo_digest}.png")
    assert answer["Content-Type"] == "image/png"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert hidden not in answer.content
    with Image.open(io.BytesIO(answer.content)) as shown:
        assert shown.format == "PNG" and shown.size == (320, 160)


def bomb() -> bytes:
    """A small file of a picture with 400 million pixels."""
    header = b"IHDR" + (20_000).to_bytes(4, "big") * 2 + b"\x08\x02\x00\x00\x00"
    chunk = (13).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\x00" * 64


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "logo.svg", "File extension"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "logo.png", NO_PICTURE),
        (b"<html><script>alert(1)</script>", "logo.png", NO_PICTURE),
        (b"\x89PNG\r\n\x1a\n but no picture", "logo.png", NO_PICTURE),
        (picture()[:100], "logo.png", NO_PICTURE),
        (b"", "logo.png", "empty"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "logo.png", NO_PICTURE),
        (bomb(), "logo.png", NO_PICTURE),
        (picture("BMP", (500, 400)), "logo.png", "larger than 500 kB"),
        (picture("BMP", (50, 40)), "logo.png", NO_PICTURE),
        (picture("PNG", (5000, 4000)), "logo.png", "too many pixels"),
    ],
)
def test_what_is_no_picture_is_refused(acme: OrganizationRecord, content: bytes, name: str, said: str) -> None:
    client, _ = as_role(acme, "admin")
    answer = save(client, content, name)
    assert answer.status_code == 200 and said in text(answer)
    assert not Branding.objects.filter(organization_id=acme.id).exists()
    assert log() == []


def test_the_logo_goes_when_it_is_taken_off_and_stays_otherwise(acme: OrganizationRecord) -> None:
    client, _ = as_role(acme, "admin")
    save(client, picture())
    address = f"/branding/logo/{Branding.objects.get().logo_digest}.png"
    save(client, name="Ours")
    assert client.get(address).status_code == 200
    save(client, name="Ours", without_logo="on")
    assert client.get(address).status_code == 404
    assert address not in html(client.get("/"))


def test_another_organizations_logo_is_not_found(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    client, _ = as_role(acme, "admin")
    save(client, picture())
    digest = Branding.objects.get().logo_digest
    assert visitor(acme).get(f"/branding/logo/{digest}.png").status_code == 200
    for there, path in ((visitor(globex), ""), (Client(), "/o/globex"), (Client(), "/o/nope")):
        assert there.get(f"{path}/branding/logo/{digest}.png").status_code == 404
    for guess in ("", "0" * 64, "..%2f"):
        assert visitor(acme).get(f"/branding/logo/{guess}.png").status_code == 404


@pytest.mark.parametrize("colour", ["red", "#12345", "#1234567", "#gggggg", "}body{", "#fff;}", ""])
def test_what_is_no_colour_is_refused(acme: OrganizationRecord, colour: str) -> None:
    client, _ = as_role(acme, "admin")
    assert save(client, own_colour="on", colour=colour).status_code == 200
    assert not Branding.objects.exists()
    assert client.get(f"/branding/colours/{colour.removeprefix('#')}.css").status_code == 404


def test_the_style_sheet_of_a_colour_holds_readable_shades_alone(acme: OrganizationRecord) -> None:
    answer = visitor(acme).get("/branding/colours/ffdd00.css")
    assert answer["Content-Type"].startswith("text/css")
    assert "immutable" in answer["Cache-Control"]
    assert set(html(answer).split()[0:2]) == {":root", "{"}
    assert "light-dark(" in html(answer)


@pytest.mark.parametrize("red", range(0, 256, 51))
def test_every_colour_becomes_readable_in_light_and_dark_and_so_does_what_stands_on_it(red: int) -> None:
    for green in range(0, 256, 51):
        for blue in range(0, 256, 51):
            found = shades(f"#{red:02x}{green:02x}{blue:02x}")
            assert contrast(found.light, LIGHT_GROUND) >= 4.5
            assert contrast(found.light, "#ffffff") >= 4.5
            assert contrast(found.dark, DARK_GROUND) >= 4.5
            assert contrast(found.on_light, found.light) >= 4.5
            assert contrast(found.on_dark, found.dark) >= 4.5


def test_a_readable_colour_stays_as_it_is() -> None:
    assert shades("#1d5fbf").light == "#1d5fbf"
    assert shades("#7fb0f5").dark == "#7fb0f5"
    assert round(contrast("#000000", "#ffffff")) == 21
