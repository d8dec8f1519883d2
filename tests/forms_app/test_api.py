"""The API's doors to forms and submissions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from uuid6 import uuid7

from forms_app import submitting, versions
from forms_app.models import FormVersion, Submission
from forms_app.retention import forget_before
from orgs.models import User
from orgs.permissions import SUBMIT_FORMS, VIEW_EXECUTIONS, VIEW_OWN_EXECUTIONS
from orgs.records import OrganizationRecord
from orgs.tenancy import org_context
from tests.factories import make_token, make_user
from tests.workflows_app.rest.conftest import Api, refusal
from tests.workflows_app.rest.rows import make_execution
from tests.workflows_app.rest.test_people import Session
from workflows_app.checks.running import Finding

from .conftest import BUILDER, MESSAGE, FormMaker, executions, submissions

HELLO = {"message": "hello"}


def program(organization: OrganizationRecord, *permissions: str) -> Api:
    return Api(Authorization=f"Bearer {make_token(organization, permissions or None)}")


@pytest.fixture
def api(acme: OrganizationRecord) -> Api:
    return program(acme)


class Person(Session):
    """A member of the organization in a browser, whose writes carry the CSRF token."""

    def submit(self, slug: str, values: Any, **headers: str) -> Any:
        return self.post(f"/api/forms/{slug}/submit", values, **{"X-CSRFToken": self.token, **headers})


@pytest.fixture
def person(acme: OrganizationRecord) -> Callable[[str], Person]:
    return lambda role: Person(make_user(acme, role), acme)


# --- forms ------------------------------------------------------------------------------------------------------------


def test_the_list_holds_what_the_caller_may_use(
    acme: OrganizationRecord, msp: OrganizationRecord, make_form: FormMaker, person: Callable[[str], Person]
) -> None:
    own = make_form(acme, slug="own", description="Ours", category="A")
    make_form(msp, slug="shared", shared_all=True, category="B")
    make_form(acme, slug="operators", roles=["operator"])
    answer = person("requester").get("/api/forms")
    assert answer.status_code == 200 and answer.json()["next"] is None
    assert answer.json()["results"][0] == {
        "formId": str(own),
        "slug": "own",
        "name": "Greet",
        "description": "Ours",
        "category": "A",
        "linkedWorkflow": "greet",
        "version": 1,
        "shared": False,
    }
    assert [(each["slug"], each["shared"]) for each in answer.json()["results"]] == [("own", False), ("shared", True)]


def test_a_form_says_what_it_asks_and_not_what_it_hides(
    acme: OrganizationRecord, make_form: FormMaker, api: Api
) -> None:
    whole = {"kind": "number", "rules": {"whole": True}}
    hidden = {"type": "field", "name": "times", **whole, "mode": "hidden", "default": 7}
    make_form(acme, slug="hello", items=[MESSAGE, hidden])
    document = api.get("/api/forms/hello").json()
    assert document["linkedWorkflow"] == "greet"
    assert document["schema"]["required"] == ["message"] and set(document["schema"]["properties"]) == {"message"}
    assert document["items"][0] == MESSAGE
    assert "default" not in document["items"][1] and "7" not in str(document["items"])


@pytest.mark.parametrize("role", ["viewer"])
def test_who_may_not_submit_sees_no_forms(
    acme: OrganizationRecord, make_form: FormMaker, person: Callable[[str], Person], role: str
) -> None:
    make_form(acme, slug="hello")
    session = person(role)
    assert refusal(session.get("/api/forms")) == (403, "PermissionError")
    assert refusal(session.get("/api/forms/hello")) == (403, "PermissionError")
    assert refusal(session.submit("hello", HELLO)) == (403, "PermissionError")


# --- submitting -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("engine_stops")
def test_a_submission_answers_as_the_workflow_does(
    acme: OrganizationRecord, make_form: FormMaker, person: Callable[[str], Person]
) -> None:
    make_form(acme, slug="hello")
    make_form(acme, "later", slug="later")
    requester = person("requester")

    answer = requester.submit("hello", HELLO)
    assert (answer.status_code, answer.json()["status"], answer.json()["result"]) == (200, "Success", {"text": "HELLO"})
    answer = requester.submit("later", HELLO)
    poll = answer.json()["pollUrl"]
    assert (answer.status_code, answer.json()["status"], answer.headers["Location"]) == (202, "Queued", poll)
    assert requester.get(poll).json()["trigger"]["formId"] == str(submissions(acme)[1].form)
    # By the API itself a requester starts nothing.
    direct = requester.post("/api/workflows/greet", HELLO, **{"X-CSRFToken": requester.token})
    assert refusal(direct) == (403, "PermissionError")


@pytest.mark.usefixtures("engine_stops")
def test_the_same_idempotency_key_is_the_same_submission(
    acme: OrganizationRecord, make_form: FormMaker, api: Api
) -> None:
    make_form(acme, slug="hello")
    make_form(acme, slug="other")
    key = {"Idempotency-Key": "order-4711"}
    ids = {api.post("/api/forms/hello/submit", HELLO, **key).json()["executionId"] for _ in range(3)}
    assert len(ids) == 1
    assert refusal(api.post("/api/forms/hello/submit", {"message": "other"}, **key)) == (409, "Conflict")
    # A key is the caller's own, for one form.
    assert api.post("/api/forms/other/submit", HELLO, **key).json()["executionId"] not in ids
    assert program(acme).post("/api/forms/hello/submit", HELLO, **key).json()["executionId"] not in ids
    assert api.post("/api/forms/hello/submit", HELLO).json()["executionId"] not in ids
    assert len(executions(acme)) == 4


def test_bad_values_are_named(acme: OrganizationRecord, make_form: FormMaker, api: Api) -> None:
    make_form(acme, slug="hello")
    answer = api.post("/api/forms/hello/submit", {"times": "x"})
    assert refusal(answer) == (400, "ValidationError")
    assert {each["field"] for each in answer.json()["details"]["errors"]} == {"message", "times"}
    for body in (b"[]", b"{", b"\xff"):
        assert refusal(api.post("/api/forms/hello/submit", body)) == (400, "ValidationError")
    assert refusal(api.post("/api/forms/hello/submit?confirmed=yes", HELLO)) == (400, "ValidationError")
    assert submissions(acme) == []


@pytest.mark.parametrize("workflow", ["internal", "nightly"])
def test_what_is_not_open_to_forms_is_403(
    acme: OrganizationRecord, make_form: FormMaker, api: Api, workflow: str
) -> None:
    make_form(acme, workflow, slug="closed", items=[MESSAGE])
    assert refusal(api.post("/api/forms/closed/submit", HELLO)) == (403, "PermissionError")
    assert submissions(acme) == executions(acme) == []


@pytest.mark.usefixtures("engine_stops")
def test_warnings_are_a_conflict_until_they_are_confirmed(
    acme: OrganizationRecord, make_form: FormMaker, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_form(acme, slug="hello")
    monkeypatch.setattr(submitting, "run_checks", lambda *_: [Finding("warn", "Really?", "really")])
    answer = api.post("/api/forms/hello/submit", HELLO)
    assert refusal(answer) == (409, "Conflict")
    assert answer.json()["details"]["checks"] == [{"level": "warn", "message": "Really?", "check": "really"}]
    assert api.post("/api/forms/hello/submit?confirmed=true", HELLO).status_code == 200


def test_a_write_with_a_session_needs_its_csrf_token(
    acme: OrganizationRecord, make_form: FormMaker, person: Callable[[str], Person]
) -> None:
    make_form(acme, slug="hello")
    assert refusal(person("requester").submit("hello", HELLO, **{"X-CSRFToken": ""})) == (403, "PermissionError")


# --- whose ------------------------------------------------------------------------------------------------------------

DOORS: dict[str, Callable[[Api, str], Any]] = {
    "read": lambda api, slug: api.get(f"/api/forms/{slug}"),
    "submit": lambda api, slug: api.post(f"/api/forms/{slug}/submit", HELLO),
}
HOLDERS = {"globex": {}, "msp": {}, "msp-tag": {"shared_tags": ["gold"]}, "msp-draft": {"shared_all": True}}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("holder", HOLDERS)
def test_what_is_not_the_organization_s_is_unknown_like_what_does_not_exist(
    organizations: dict[str, OrganizationRecord],
    acme: OrganizationRecord,
    make_form: FormMaker,
    api: Api,
    door: str,
    holder: str,
) -> None:
    draft = {"published": False} if holder == "msp-draft" else {}
    make_form(organizations[holder.partition("-")[0]], slug="theirs", **HOLDERS[holder], **draft)
    answer, nothing = DOORS[door](api, "theirs"), DOORS[door](api, "nothing")
    assert refusal(answer) == (404, "NotFound")
    assert answer.content == nothing.content
    assert api.get("/api/forms").json()["results"] == []
    for organization in organizations.values():
        assert submissions(organization) == executions(organization) == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_organization_is_refused_before_a_look_up(
    acme: OrganizationRecord, globex: OrganizationRecord, make_form: FormMaker, api: Api, method: str
) -> None:
    make_form(globex, slug="theirs")
    path = "/api/forms/theirs" + ("/submit" if method == "post" else "")
    call = getattr(api, method)
    for named in ("globex", "nobody"):
        assert refusal(call(path, **{"X-Organization-Id": named})) == (403, "PermissionError")


# --- submissions ------------------------------------------------------------------------------------------------------


def plant(organization: OrganizationRecord, number: int = 1, *, user: User | None = None, **fields: Any) -> list[Any]:
    """Submissions with executions as rows, each a second younger than the one before; their ids, in this order."""
    made = []
    with org_context(organization):
        version = FormVersion.objects.create(form=uuid7(), number=1, items=[], saved_by={})
    for each in range(number):
        facts = {
            "id": uuid7(),
            "version_id": version.id,
            "form": version.form,
            "slug": "hello",
            "name": "Hello",
            "submitted_by": {"kind": "user", "id": str(user.id) if user else "x", "email": "", "name": "Ada"},
            "actor": f"user:{user.id if user else 'x'}",
            "digest": "",
            "execution": make_execution(organization),
            "submitted_at": datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=each),
        }
        with org_context(organization):
            made.append(Submission.objects.create(**{**facts, **fields}).id)
    return made


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [each["submissionId"] for each in answer.json()["results"]]


def test_a_requester_sees_the_own_submissions_and_a_viewer_everybody_s(
    acme: OrganizationRecord, globex: OrganizationRecord, person: Callable[[str], Person]
) -> None:
    ada = make_user(acme, "requester")
    [own], [other], [theirs] = plant(acme, user=ada), plant(acme), plant(globex, user=ada)
    answer = Person(ada, acme).get("/api/submissions")
    assert ids(answer) == [str(own)]
    [document] = answer.json()["results"]
    assert (document["slug"], document["version"], document["status"]) == ("hello", 1, "Success")
    assert document["submittedBy"]["id"] == str(ada.id)
    assert set(ids(person("viewer").get("/api/submissions"))) == {str(own), str(other)}
    assert ids(program(globex).get("/api/submissions")) == [str(theirs)]


def test_nobody_pages_by_another_s_submission(acme: OrganizationRecord, globex: OrganizationRecord) -> None:
    ada = make_user(acme, "requester")
    plant(acme, 2, user=ada)
    [other], [theirs] = plant(acme), plant(globex)
    for cursor in (other, theirs, uuid7()):
        answer = Person(ada, acme).get(f"/api/submissions?cursor={cursor}")
        assert refusal(answer) == (400, "ValidationError")


def test_pages_follow_each_other_newest_first(acme: OrganizationRecord, api: Api) -> None:
    made = [str(each) for each in plant(acme, 5)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = api.get(f"/api/submissions?limit=2{cursor}").json()
        seen += [each["submissionId"] for each in page["results"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == made[::-1]


def test_submissions_of_one_form(acme: OrganizationRecord, api: Api) -> None:
    [one], [_other] = plant(acme), plant(acme)
    form = submissions(acme)[0].form if submissions(acme)[0].id == one else submissions(acme)[1].form
    assert ids(api.get(f"/api/submissions?form={form}")) == [str(one)]
    assert refusal(api.get("/api/submissions?form=hello")) == (400, "ValidationError")


def test_one_that_was_interrupted_shows_no_execution(acme: OrganizationRecord, api: Api) -> None:
    plant(acme, execution=None)
    [document] = api.get("/api/submissions").json()["results"]
    assert (document["executionId"], document["status"]) == (None, None)


def test_it_takes_a_permission(acme: OrganizationRecord) -> None:
    assert refusal(program(acme, SUBMIT_FORMS).get("/api/submissions")) == (403, "PermissionError")
    for permission in (VIEW_OWN_EXECUTIONS, VIEW_EXECUTIONS):
        assert program(acme, permission).get("/api/submissions").status_code == 200


def test_the_number_of_queries_does_not_grow_with_submissions(acme: OrganizationRecord, api: Api) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert api.get("/api/submissions?limit=100").status_code == 200
        return len(captured)

    plant(acme, 2)
    queries()
    few = queries()
    plant(acme, 60)
    assert queries() == few


def test_submissions_go_with_their_executions_and_versions_stay(acme: OrganizationRecord) -> None:
    [gone], [kept], [young] = plant(acme, execution=uuid7()), plant(acme), plant(acme, submitted_at=timezone.now())
    forget_before(acme, timezone.now() - timedelta(days=1))
    assert {each.id for each in submissions(acme)} == {kept, young}
    assert gone not in {kept, young}
    with org_context(acme):
        assert FormVersion.objects.count() == 3


@pytest.mark.usefixtures("engine_stops")
def test_a_submission_outlives_its_form_in_the_list(acme: OrganizationRecord, make_form: FormMaker, api: Api) -> None:
    made = make_form(acme, slug="hello")
    api.post("/api/forms/hello/submit", HELLO)
    versions.delete(acme, made, BUILDER)
    [document] = api.get("/api/submissions").json()["results"]
    assert (document["formId"], document["name"], document["status"]) == (str(made), "Greet", "Success")
