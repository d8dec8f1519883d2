"""What must not be tried often: guessing passwords, asking for letters. Counted in the database, for all processes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.db.models import F
from django.utils import timezone

from orgs.models import Attempt
from orgs.tenancy import shared_context

# Windows end long before; what nobody tries any more is deleted after this time.
KEPT = timedelta(days=1)

_COUNT = """
INSERT INTO orgs_attempt AS known (key, count, since) VALUES (%(key)s, 1, %(now)s)
ON CONFLICT (key) DO UPDATE SET
    count = CASE WHEN known.since <= %(begin)s THEN 1 ELSE least(known.count + 1, 1000000) END,
    since = CASE WHEN known.since <= %(begin)s THEN excluded.since ELSE known.since END
RETURNING count
"""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many tries within the window that the first one opens."""

    what: str
    most: int
    window: timedelta = timedelta(minutes=15)

    def key(self, who: str) -> str:
        return hashlib.sha256(f"{self.what}\0{who}".encode("utf-8", "surrogatepass")).hexdigest()


def attempt(*limits: tuple[Limit, str]) -> bool:
    """Counts one try for each, and answers whether none of them has had too many. One that is refused counts too."""
    now = timezone.now()
    allowed = True
    with shared_context(), connection.cursor() as cursor:
        for limit, who in limits:
            cursor.execute(_COUNT, {"key": limit.key(who), "now": now, "begin": now - limit.window})
            count = int(cursor.fetchone()[0])
            allowed = allowed and count <= limit.most
            if count == 1:
                Attempt.objects.filter(since__lt=now - KEPT).delete()
    return allowed


def take_back(*limits: tuple[Limit, str]) -> None:
    """The try was a good one and does not count."""
    with shared_context():
        Attempt.objects.filter(key__in=_keys(limits), count__gt=0).update(count=F("count") - 1)


def forget(*limits: tuple[Limit, str]) -> None:
    """Begins anew, as after a success."""
    with shared_context():
        Attempt.objects.filter(key__in=_keys(limits)).delete()


def _keys(limits: Iterable[tuple[Limit, str]]) -> list[str]:
    return [limit.key(who) for limit, who in limits]
