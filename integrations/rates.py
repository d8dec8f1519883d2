"""Rate limits: at most so many permits under a key within any so many seconds, over all processes.

The times of the last permits lie in one row of the organization's schema. Asking is one statement on the database's
clock. No library fits: limits keeps its counts in Redis, memcached or MongoDB. A token bucket would take less room, and
lets nearly twice the limit through in its first window; the services that are protected here count otherwise.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models.functions import Now
from uuid6 import uuid7

from bifrost.sdk.rate_limit import LONGEST_SECONDS, RateLimit
from integrations import models
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context

# Any permit comes `per` seconds or more after the one that was given `limit` permits before it (NULL, and so ignored,
# where there were fewer), and none before one that was given for a time to come.
_ASK = """
INSERT INTO integrations_ratelimit AS r (id, key, given, asked_at, free_at)
SELECT %(id)s, %(key)s, ARRAY[now], now, now FROM (SELECT clock_timestamp() AS now) clock
ON CONFLICT (key) DO UPDATE SET (given, asked_at, free_at) = (
    SELECT
        CASE WHEN free <= now OR %(reserve)s THEN (r.given || free)[greatest(1, count + 2 - %(limit)s):]
            ELSE r.given END,
        now, free
    FROM (
        SELECT now, count, greatest(
            now, r.given[count], r.given[count + 1 - %(limit)s] + %(per)s * interval '1 s') AS free
        FROM (SELECT clock_timestamp() AS now, cardinality(r.given) AS count) clock) asked)
RETURNING extract(epoch FROM free_at - asked_at)::float8
"""


def take(organization: OrganizationRecord, rate: RateLimit, *, reserve: bool) -> float:
    """Takes a permit and returns 0. Where there is none now, returns the seconds until there is one, which with
    `reserve` is the caller's, in the order of asking, and otherwise anybody's."""
    values: dict[str, Any] = {"id": uuid7(), "key": rate.key, "limit": rate.limit, "per": rate.per, "reserve": reserve}
    with org_context(organization), connection.cursor() as cursor:
        cursor.execute(_ASK, values)
        seconds: float = cursor.fetchone()[0]
    return max(0.0, seconds)


def forget_unused(organization: OrganizationRecord) -> None:
    """Drops the keys whose permits count no more, whatever their limits."""
    unused = Now() - timedelta(seconds=LONGEST_SECONDS)
    with org_context(organization):
        models.RateLimit.objects.filter(free_at__lt=unused).delete()
