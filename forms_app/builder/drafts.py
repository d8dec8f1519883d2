"""Drafts: what one member of the staff has changed of a form and not saved yet. Nobody else sees it.

Each page says which state it shows; what was changed in a page that shows an older one is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from forms_app.builder.content import Content
from forms_app.models import Form, FormDraft, FormVersion
from orgs.records import Actor, OrganizationRecord
from orgs.tenancy import org_context
from workflows_app.actors import actor_key

#: How many steps can be undone.
MOST_EARLIER = 30
NO_DRAFT = UUID(int=0)


class OutdatedPage(Exception):
    """The draft was changed since the page was made, in another tab."""


@dataclass(frozen=True)
class Built:
    """A form, and what a person works at: the draft, or the version that people fill in now.

    Without a `revision` there is no draft. `base` is the version that the draft began from, `version` the newest.
    """

    id: UUID
    slug: str
    name: str
    workflow: str
    published: bool
    version: int
    saved: Content
    content: Content
    base: int
    revision: UUID | None = None
    changed_at: datetime | None = None
    can_undo: bool = False

    @property
    def is_draft(self) -> bool:
        return self.revision is not None

    @property
    def state(self) -> str:
        """What a page that shows it says when it asks for a change."""
        return str(self.revision or f"version {self.version}")

    @property
    def outdated(self) -> bool:
        return self.base != self.version


def open_form(organization: OrganizationRecord, form_id: UUID, actor: Actor) -> Built | None:
    """The form with the person's draft; None where the organization has no such form."""
    with org_context(organization):
        form = Form.objects.filter(id=form_id).first()
        if form is None:
            return None
        newest = FormVersion.objects.filter(form=form_id, number=form.version).get()
        draft = FormDraft.objects.filter(form=form_id, actor=actor_key(actor)).first()
    saved = Content(tuple(newest.items), newest.submit_label, newest.confirmation)
    facts = (form.id, form.slug, form.name, form.workflow, form.published, form.version, saved)
    if draft is None:
        return Built(*facts, saved, form.version)
    content = Content.from_json(draft.content)
    return Built(*facts, content, draft.base, draft.revision, draft.changed_at, bool(draft.earlier))


def keep(organization: OrganizationRecord, built: Built, actor: Actor, content: Content, step: str = "") -> None:
    """Makes this the draft. Raises OutdatedPage where another change came first.

    Steps in a row that say the same, such as the typing in one item, are undone as one.
    """
    with org_context(organization), transaction.atomic():
        if not built.is_draft:
            earlier = [{"step": step, **built.content.as_json()}]
            facts = {"form": built.id, "actor": actor_key(actor), "base": built.base}
            row = FormDraft(**facts, content=content.as_json(), earlier=earlier)
            FormDraft.objects.bulk_create([row], ignore_conflicts=True)
            if not FormDraft.objects.filter(id=row.id).exists():  # passed over for the sake of another tab's
                raise OutdatedPage
            return
        draft = _shown(built, actor).select_for_update().first()
        if draft is None:
            raise OutdatedPage
        if not (step and draft.earlier and draft.earlier[-1]["step"] == step):
            draft.earlier = [*draft.earlier, {"step": step, **draft.content}][-MOST_EARLIER:]
        _write(draft, content)


def undo(organization: OrganizationRecord, built: Built, actor: Actor) -> None:
    """Takes the last step back. Raises OutdatedPage as `keep` does."""
    with org_context(organization), transaction.atomic():
        draft = _shown(built, actor).select_for_update().first()
        if draft is None or not draft.earlier:
            raise OutdatedPage
        *draft.earlier, last = draft.earlier
        _write(draft, Content.from_json(last))


def discard(organization: OrganizationRecord, built: Built, actor: Actor) -> None:
    """Forgets the draft as the person saw it; what was changed after that stays."""
    with org_context(organization):
        _shown(built, actor).delete()


def rebase(organization: OrganizationRecord, built: Built, actor: Actor) -> None:
    """The draft counts as begun from the newest version: its owner has seen that one. Raises OutdatedPage."""
    with org_context(organization):
        if not _shown(built, actor).update(base=built.version, revision=uuid4()):
            raise OutdatedPage


def _shown(built: Built, actor: Actor) -> QuerySet[FormDraft]:
    """The draft, where it still is as the person saw it."""
    seen = built.revision or NO_DRAFT
    return FormDraft.objects.filter(form=built.id, actor=actor_key(actor), revision=seen)


def _write(draft: FormDraft, content: Content) -> None:
    rows = FormDraft.objects.filter(id=draft.id)
    rows.update(content=content.as_json(), earlier=draft.earlier, revision=uuid4(), changed_at=Now())
