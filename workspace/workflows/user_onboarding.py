"""The same workflow under the path by which the documents' tests import it."""

from .user_management.user_onboarding import onboard_user

__all__ = ["onboard_user"]
