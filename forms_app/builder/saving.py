"""What becomes of a draft: a version, which people see where the form is published, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from bifrost.sdk.errors import DeclarationError
from forms_app import versions
from forms_app.builder import checking, drafts
from forms_app.builder.drafts import Built
from forms_app.errors import OutdatedForm
from orgs.records import Actor, OrganizationRecord


@dataclass(frozen=True)
class Ended:
    done: bool
    message: str


def end(what: str, organization: OrganizationRecord, built: Built, actor: Actor) -> Ended:
    """Does what the button says. Raises OutdatedPage."""
    match what:
        case "discard":
            drafts.discard(organization, built, actor)
            return Ended(True, _("Your changes are discarded. This is version %d.") % built.version)
        case "rebase":
            drafts.rebase(organization, built, actor)
            return Ended(True, _("Your changes will be saved on top of version %d.") % built.version)
        case "withdraw":
            versions.withdraw(organization, built.id, actor)
            return Ended(True, _("The form is withdrawn: nobody sees it any more."))
    saved = _save(organization, built, actor) if built.is_draft else Ended(True, "")
    return _publish(organization, built, actor, saved) if what == "publish" and saved.done else saved


def _save(organization: OrganizationRecord, built: Built, actor: Actor) -> Ended:
    if checking.troubles_of(built.content):
        return Ended(False, _("Not saved: something is missing yet. Your changes are kept."))
    content = built.content
    try:
        number = versions.save(
            organization,
            built.id,
            list(content.items),
            submit_label=content.submit_label,
            confirmation=content.confirmation,
            expected=built.base,
            actor=actor,
        )
    except (DeclarationError, OutdatedForm) as refused:
        return Ended(False, _("Not saved, and your changes are kept. %s") % refused)
    drafts.discard(organization, built, actor)
    then = _("People see it now.") if built.published else _("Publish it so that people see it.")
    return Ended(True, " ".join([_("Version %d is saved.") % number, then]))


def _publish(organization: OrganizationRecord, built: Built, actor: Actor, saved: Ended) -> Ended:
    try:
        versions.publish(organization, built.id, actor)
    except DeclarationError as refused:
        return Ended(False, _("Not published. %s") % refused)
    return Ended(True, _("The form is published: people see it now."))
