"""The table of all processes' counts: each adds what it has counted, and nobody ever subtracts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now
from django.db.utils import DataError
from django.db.utils import Error as DatabaseError

from orgs.tenancy import shared_context
from workflows_app.dispatch.models import Metric
from workflows_app.metrics.recording import OTHER, Amount, Series, recorder

log = structlog.get_logger(__name__)

#: Of one family. What comes later is counted under "other".
MOST_SERIES = 1_000
LONGEST_LABEL = 200

# In one order for all processes, so that none waits for another that waits for it.
_ADD = """
INSERT INTO public.dispatch_metric AS kept (id, family, labels, count, total, buckets, changed_at)
SELECT uuidv7(), family, labels, count, total, buckets, now() FROM jsonb_to_recordset(%s::jsonb)
    AS row(family text, labels text[], count bigint, total float8, buckets bigint[])
ORDER BY family, labels
ON CONFLICT (family, labels) DO UPDATE SET count = kept.count + excluded.count, total = kept.total + excluded.total,
    changed_at = excluded.changed_at,
    buckets = ARRAY(
        SELECT coalesce(old, 0) + coalesce(new, 0)
        FROM unnest(kept.buckets, excluded.buckets) WITH ORDINALITY AS bucket(old, new, place) ORDER BY place)
"""


#: Labels, by family, that this process has seen in the table or has put there itself. Limits how many there are.
_known: dict[str, set[tuple[str, ...]]] = {}


def flush() -> None:
    """Adds what this process has counted to the table. Never raises, and waits for nobody longer than a second.

    What cannot be added now is added the next time. Where the connection breaks just when the addition was made,
    that happens twice; what a killed process had not added yet is not counted.
    """
    taken = recorder.take()
    if not taken:
        return
    try:
        _add(taken)
    except DataError:
        log.exception("what was counted cannot be kept")
    except DatabaseError as error:
        connection.close()
        recorder.put_back(taken)
        log.debug("what was counted is kept later", error=str(error).strip())
    except Exception:
        log.exception("what was counted is lost")


def kept() -> dict[Series, Amount]:
    """What all processes have counted. Raises what Django raises while the database is away."""
    with shared_context():
        rows = Metric.objects.values_list("family", "labels", "count", "total", "buckets")
        return {(name, tuple(labels)): Amount(count, total, buckets) for name, labels, count, total, buckets in rows}


def maintain() -> None:
    """For the maintenance: keeps what its own process has counted, and forgets series in which nothing has been
    counted for long, such as those of workflows that are gone."""
    flush()
    with shared_context():
        Metric.objects.filter(changed_at__lt=Now() - timedelta(days=settings.RETENTION_DAYS)).delete()


def _add(taken: Mapping[Series, Amount]) -> None:
    cleaned: dict[Series, Amount] = {}
    for (name, labels), amount in taken.items():
        cleaned.setdefault((name, tuple(map(_storable, labels))), Amount()).add(amount)
    with shared_context(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        if not all(_is_known(series) for series in cleaned):
            _look()
        rows: dict[Series, Amount] = {}
        for series, amount in cleaned.items():
            rows.setdefault(_admitted(series), Amount()).add(amount)
        cursor.execute(_ADD, [json.dumps([_document(*each) for each in rows.items()])])


def _is_known(series: Series) -> bool:
    return series[1] in _known.get(series[0], ())


def _look() -> None:
    """Learns what others have put into the table."""
    for name, labels in Metric.objects.values_list("family", "labels"):
        _known.setdefault(name, set()).add(tuple(labels))


def _admitted(series: Series) -> Series:
    """The series, or where its family has too many already, the one that stands for the others."""
    name, labels = series
    known = _known.setdefault(name, set())
    if labels not in known and len(known) >= MOST_SERIES:
        return name, (OTHER,) * len(labels)
    known.add(labels)
    return series


def _document(series: Series, amount: Amount) -> dict[str, object]:
    name, labels = series
    values = {"count": amount.count, "total": amount.total, "buckets": amount.buckets}
    return {"family": name, "labels": labels, **values}


def _storable(label: str) -> str:
    """No NUL and no lone surrogates, which the database refuses."""
    return label.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST_LABEL]
