"""What a dry run is answered with, in the place of what is not sent."""

from __future__ import annotations

#: Looks like an id of Graph's, and is nobody's.
NOBODY = "00000000-0000-0000-0000-000000000000"

STUBS = {
    "POST /users": {"id": NOBODY},
    "POST /groups": {"id": NOBODY},
    "POST /users/{id}/assignLicense": {"id": NOBODY},
    "POST /users/{id}/revokeSignInSessions": {"value": True},
    "POST /$batch": {"responses": []},
}
