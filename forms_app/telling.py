"""What people are told of approvals and of their requests, in words that a customer understands.

`workflows_app.tidings` says what is due and sees to it that it is told once; here it is decided whom it is for, and
what the notice says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models.functions import Now
from django.utils import timezone

from forms_app import wordings
from forms_app.models import Submission
from forms_app.wordings import Said
from orgs import permitted
from orgs.models import User
from orgs.permitted import Person
from orgs.records import OrganizationRecord
from workflows_app.alerts.notices import Note, Recipient, leave
from workflows_app.approvals.done import mark_done
from workflows_app.models import Approval, Execution, Status
from workflows_app.tidings import Due, Kind

Row = Mapping[str, Any]

# Of many who may decide, so many are told; any of them may be the one who decides.
MOST_TOLD = 50
# Whoever asked is still looking at the page; nobody needs an e-mail about what is before one's eyes.
LOOKED_AT = timedelta(minutes=1)
WELL = frozenset({Status.SUCCESS, Status.COMPLETED_WITH_ERRORS, Status.CANCELLED})
_APPROVAL = (
    "id",
    "execution_id",
    "workflow",
    "kind",
    "title",
    "message",
    "state",
    "requested_by",
    "permission",
    "approvers",
    "expires_at",
    "decided_by",
    "comment",
    "execution__trigger",
)


def tell(organization: OrganizationRecord, due: Sequence[Due]) -> list[Due]:
    """A `workflows_app.tidings.Teller`."""
    of: dict[str, list[Due]] = {kind: [each for each in due if each.kind == kind and not each.told] for kind in Kind}
    mark_done(each.execution for each in due if each.told and each.execution)
    with timezone.override(ZoneInfo(organization.timezone)):
        _decided(organization, of[Kind.DECISION])
        return [*_asked(organization, of[Kind.APPROVAL]), *_ended(organization, of[Kind.REQUEST])]


# --- approvals that are asked for -------------------------------------------------------------------------------------


def _asked(organization: OrganizationRecord, due: Sequence[Due]) -> list[Due]:
    """Tells those who are asked. One that was decided meanwhile asks nobody; nor is one decided while this goes on."""
    open_ = Approval.objects.select_for_update(no_key=True).filter(
        id__in=[each.item for each in due], state=Approval.State.PENDING
    )
    ids = list(open_.exclude(expires_at__lte=Now()).order_by("id").values_list("id", flat=True))
    rows = _approvals(ids)
    names = _names(rows)
    asked = _people_asked(organization, rows)
    for row, (people, _number) in zip(rows, asked, strict=True):
        said = wordings.asked(row, names.get(row["id"]))
        note = _note(said, "approval", row["execution_id"], row["workflow"], approval=row["id"])
        leave(organization, f"approval:{row['id']}", note, [_recipient(person, person.email) for person in people])
    told = [
        Approval(id=row["id"], told={"people": len(people), "of": number})
        for row, (people, number) in zip(rows, asked, strict=True)
    ]
    Approval.objects.bulk_update(told, ["told"])
    return [replace(each, told=True) for each in due if each.item in ids]


def _people_asked(organization: OrganizationRecord, rows: Sequence[Row]) -> list[tuple[list[Person], int]]:
    """For each approval those who are told, and how many may decide."""
    addresses = {address for row in rows for address in row["approvers"] or ()}
    named = permitted.among(organization, emails=addresses).values() if addresses else ()
    known: dict[tuple[str, UUID | None, str], tuple[list[Person], int]] = {}
    found = []
    for row in rows:
        requester, email = _user(row["requested_by"]), str(row["requested_by"].get("email") or "").lower()
        if row["approvers"] is not None:
            people = [one for one in named if one.email.lower() in row["approvers"] and one.id != requester]
            people = [one for one in people if one.email.lower() != email]
            found.append((people[:MOST_TOLD], len(people)))
            continue
        key = (row["permission"], requester, email)
        if key not in known:
            known[key] = permitted.who_may(
                organization, row["permission"], without=requester, email=email, most=MOST_TOLD
            )
        found.append(known[key])
    return found


# --- what was decided -------------------------------------------------------------------------------------------------


def _decided(organization: OrganizationRecord, due: Sequence[Due]) -> None:
    """Tells whoever asked. Where the start of a form's run was refused, the end of the request says so."""
    rows = [row for row in _approvals([each.item for each in due]) if not _ends_request(row)]
    names = _names(rows)
    people = _requesters(organization, [row["requested_by"] for row in rows])
    for row in rows:
        person = _person(people, row["requested_by"])
        if person is None or row["decided_by"] is None:
            continue
        said = wordings.decided(row, names.get(row["id"]))
        never = person.request_emails == User.RequestEmails.NEVER
        note = _note(said, "decision", row["execution_id"], row["workflow"])
        leave(organization, f"decision:{row['id']}", note, [_recipient(person, "" if never else person.email)])


def _ends_request(row: Row) -> bool:
    refused = row["kind"] == Approval.Kind.START and row["state"] != Approval.State.APPROVED
    return refused and bool((row["execution__trigger"] or {}).get("submissionId"))


# --- requests that have ended -----------------------------------------------------------------------------------------


def _ended(organization: OrganizationRecord, due: Sequence[Due]) -> list[Due]:
    """Tells whoever filled in the form. Returns those that go on: as another execution, or found only now."""
    submissions = {row.id: row for row in Submission.objects.filter(id__in=[each.item for each in due])}
    staying = _found_late([each for each in due if each.execution is None], submissions)
    runs = {row["id"]: row for row in _executions([each.execution for each in due if each.execution])}
    people = _requesters(organization, [row.submitted_by for row in submissions.values()])
    for each in due:
        run, submission = runs.get(each.execution) if each.execution else None, submissions.get(each.item)
        if run is None or submission is None:
            continue
        if run["continued_as"] is not None:
            staying.append(replace(each, execution=run["continued_as"]))
        elif (person := _person(people, submission.submitted_by)) is not None:
            said = wordings.ended(run, submission.name)
            note = _note(said, "request", run["id"], run["workflow"])
            to = _recipient(person, person.email if _wants_email(person, run) else "")
            leave(organization, f"request:{each.item}", note, [to])
    return staying


def _found_late(due: Sequence[Due], submissions: Mapping[UUID, Submission]) -> list[Due]:
    """Those whose run was started all the same by a process that ended before it could say so."""
    asked = [submissions[each.item] for each in due if each.item in submissions]
    if not asked:
        return []
    keys = {f"form:{row.id}": row for row in asked}
    runs = Execution.objects.filter(actor__in={row.actor for row in asked}, idempotency_key__in=keys)
    found = {keys[key].id: id_ for id_, key in runs.values_list("id", "idempotency_key") if key}
    for row in asked:
        row.execution = row.execution or found.get(row.id)
    Submission.objects.bulk_update(asked, ["execution"])
    return [replace(each, execution=found[each.item]) for each in due if each.item in found]


def _wants_email(person: Person, run: Row) -> bool:
    """By the person's own wish; without one, not about what went well before the person's eyes."""
    if run["status"] not in WELL:
        return person.request_emails != User.RequestEmails.NEVER
    took = run["completed_at"] - run["created_at"] if run["completed_at"] else timedelta()
    return person.request_emails == User.RequestEmails.NEEDED and took > LOOKED_AT


# --- what they have in common -----------------------------------------------------------------------------------------


def _approvals(ids: Sequence[UUID]) -> list[dict[str, Any]]:
    return list(Approval.objects.filter(id__in=ids).order_by("id").values(*_APPROVAL))


def _executions(ids: Sequence[UUID]) -> list[dict[str, Any]]:
    columns = ("id", "workflow", "status", "error", "created_at", "completed_at", "continued_as")
    return list(Execution.objects.filter(id__in=ids).values(*columns))


def _names(approvals: Sequence[Row]) -> dict[UUID, str]:
    """The names of the forms by which these came to be asked for, by the approvals' ids."""
    by = {row["id"]: str((row["execution__trigger"] or {}).get("submissionId") or "") for row in approvals}
    used = Submission.objects.filter(id__in=[each for each in by.values() if each])
    names = {str(id_): name for id_, name in used.values_list("id", "name")}
    return {id_: names[submission] for id_, submission in by.items() if submission in names}


def _requesters(organization: OrganizationRecord, asked_by: Sequence[Row]) -> Mapping[UUID, Person]:
    """Those of them who are still let in."""
    ids = {id_ for each in asked_by if (id_ := _user(each)) is not None}
    return permitted.among(organization, ids=ids) if ids else {}


def _person(people: Mapping[UUID, Person], by: Row) -> Person | None:
    id_ = _user(by)
    return None if id_ is None else people.get(id_)


def _user(by: Row) -> UUID | None:
    """The account of whoever it was; None for a program, a schedule or a stranger."""
    try:
        return UUID(str(by.get("id"))) if by.get("kind") == "user" else None
    except ValueError:
        return None


def _recipient(person: Person, email: str) -> Recipient:
    return Recipient(f"user:{person.id}", email.lower())


def _note(said: Said, about: str, execution: UUID, workflow: str, *, approval: UUID | None = None) -> Note:
    return Note(said.subject, said.message, execution, workflow, about, approval)
