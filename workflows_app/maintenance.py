"""What has to be done once a minute for all organizations, whoever's turn it is.

django-q2's one schedule calls `run` in the cluster of ordinary tasks (`workflows_app.dispatch.queue`). It may be called
by several processes at once, late, or twice in a minute: each part has to bear that. The place of the dispatch of
schedules, the expiry of approvals, and retention.
"""

from __future__ import annotations


def run() -> None:
    """One turn of the maintenance. Call in the shared schema."""
