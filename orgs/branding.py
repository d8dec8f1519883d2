"""How an organization's portal looks: its name, its colour, its logo."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image

from orgs import audit, directory
from orgs.errors import Refused
from orgs.models import Branding
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import shared_context

MOST_LOGO_BYTES = 500_000
MOST_PIXELS = 16_000_000
# As it is stored: twice as high as it is ever shown.
LOGO_SIZE = (640, 160)
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def change_branding(
    organization: OrganizationRecord,
    actor: Actor,
    *,
    name: str,
    colour: str,
    logo: bytes | None = None,
    without_logo: bool = False,
) -> None:
    """Sets the name and the colour ("" for none), and the logo where one is given. Raises Refused for a bad picture."""
    values: dict[str, object] = {"name": name, "colour": colour}
    if logo is not None or without_logo:
        drawn = drawn_logo(logo) if logo is not None else None
        values |= {"logo": drawn, "logo_digest": hashlib.sha256(drawn).hexdigest() if drawn else ""}
    with shared_context(), transaction.atomic():
        row = Branding.objects.select_for_update().filter(organization_id=organization.id).first()
        row = row or Branding(organization_id=organization.id)
        changed = [field for field, value in values.items() if field != "logo" and getattr(row, field) != value]
        if not changed:
            return
        for field, value in values.items():
            setattr(row, field, value)
        row.save()
        target = f"branding:{organization.org_id}"
        facts = {"fields": ["logo" if field == "logo_digest" else field for field in changed]}
        audit.record(actor, "branding.change", organization=organization, target=target, metadata=facts)
    directory.forget()


def logo_of(organization_id: UUID, digest: str) -> bytes | None:
    """The PNG, where the organization's logo is the one with this digest."""
    with shared_context():
        found = Branding.objects.filter(organization_id=organization_id, logo_digest=digest).exclude(logo=None)
        logo = found.values_list("logo", flat=True).first()
    return None if logo is None else bytes(logo)


def drawn_logo(content: bytes) -> bytes:
    """The picture as a PNG of our own, with nothing in it but its pixels. Raises Refused, in words for people."""
    if len(content) > MOST_LOGO_BYTES:
        raise Refused(_("The picture is larger than %(limit)s kB.") % {"limit": MOST_LOGO_BYTES // 1000})
    out = io.BytesIO()
    with _pictures_only():
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
        if picture.width * picture.height > MOST_PIXELS:
            raise Refused(_("The picture has too many pixels."))
        drawn = picture.convert("RGBA")
        drawn.thumbnail(LOGO_SIZE)
        drawn.save(out, "PNG", optimize=True)
    return out.getvalue()


@contextmanager
def _pictures_only() -> Iterator[None]:
    """What cannot be read as a picture, whatever its reader stumbles over, is none."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except Refused:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused(_("This is no picture that can be shown. Choose a PNG, JPEG, WebP or GIF file.")) from None
