"""What Graph's documentation says of the properties of its resources: which there are, of which type, and which it
tells unless something else is selected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.integrations.msgraph.refusals import Refused

STRINGS = list[str]
WORDS = {str: "Edm.String", bool: "Edm.Boolean", int: "Edm.Int32", STRINGS: "Collection(Edm.String)", dict: "object"}

USER: dict[str, Any] = {
    **dict.fromkeys(
        (
            *("displayName", "givenName", "surname", "userPrincipalName", "mail", "mailNickname", "jobTitle"),
            *("department", "companyName", "officeLocation", "mobilePhone", "usageLocation", "userType", "employeeId"),
            *("preferredLanguage", "city", "country", "postalCode", "streetAddress", "state"),
        ),
        str,
    ),
    "accountEnabled": bool,
    "businessPhones": STRINGS,
    "otherMails": STRINGS,
    "passwordProfile": {"password": str, "forceChangePasswordNextSignIn": bool},
}
USER_READ_ONLY = {
    "id",
    "createdDateTime",
    "assignedLicenses",
    "onPremisesSyncEnabled",
    "signInSessionsValidFromDateTime",
}
USER_REQUIRED = ("accountEnabled", "displayName", "mailNickname", "userPrincipalName", "passwordProfile")
USER_TOLD = (
    *("businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation"),
    *("preferredLanguage", "surname", "userPrincipalName", "id"),
)
GROUP: dict[str, Any] = {
    **dict.fromkeys(("displayName", "description", "mailNickname", "visibility"), str),
    "mailEnabled": bool,
    "securityEnabled": bool,
    "groupTypes": STRINGS,
}
GROUP_REQUIRED = ("displayName", "mailEnabled", "mailNickname", "securityEnabled")
RECIPIENT = {"emailAddress": {"address": str, "name": str}}
MAIL: dict[str, Any] = {
    "message": {
        "subject": str,
        "body": {"contentType": str, "content": str},
        "toRecipients": [RECIPIENT],
        "ccRecipients": [RECIPIENT],
        "bccRecipients": [RECIPIENT],
        "importance": str,
    },
    "saveToSentItems": bool,
}
LICENSES: dict[str, Any] = {"addLicenses": [{"skuId": str, "disabledPlans": STRINGS}], "removeLicenses": STRINGS}
REFERENCE: dict[str, Any] = {"@odata.id": str}


def checked(body: Any, known: Mapping[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """The body, where its properties are known, of their types, and complete. Raises Refused."""
    if not isinstance(body, dict):
        raise Refused(400, "Request_BadRequest", "A 'StartObject' node was expected when reading from the JSON reader.")
    for name, value in body.items():
        if name not in known:
            raise Refused(400, "Request_BadRequest", f"The property '{name}' does not exist on this type.")
        _check(name, value, known[name])
    for name in required:
        if body.get(name) is None:
            raise Refused(400, "Request_BadRequest", f"A value is required for property '{name}' of resource.")
    return dict(body)


def _check(name: str, value: Any, wanted: Any) -> None:
    if isinstance(wanted, dict) and value is not None:
        checked(value, wanted)
    elif isinstance(wanted, list):
        if not isinstance(value, list):
            raise Refused(400, "Request_BadRequest", f"The property '{name}' takes a collection.")
        for each in value:
            checked(each, wanted[0])
    elif wanted is STRINGS:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise Refused(400, "Request_BadRequest", f"Cannot convert '{name}' to the type '{WORDS[STRINGS]}'.")
    elif wanted in (str, bool, int) and value is not None and type(value) is not wanted:
        raise Refused(400, "Request_BadRequest", f"Cannot convert '{name}' to the type '{WORDS[wanted]}'.")
    elif wanted is bool and value is None:
        raise Refused(400, "Request_BadRequest", f"The property '{name}' cannot be null.")
