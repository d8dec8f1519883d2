"""The categories that the guide names, with their labels and their order; others follow by name."""

from __future__ import annotations

LABELS = {
    "user_management": "User management",
    "automation": "Automation",
    "integration": "Integration",
    "reporting": "Reporting",
    "administration": "Administration",
    "examples": "Examples",
}
_ORDER = tuple(LABELS)


def label(category: str) -> str:
    """What people read for it; a category of the author's own is its own label."""
    return LABELS.get(category, category)


def order(category: str) -> tuple[int, str]:
    """A sort key: the guide's categories first."""
    return (_ORDER.index(category) if category in LABELS else len(_ORDER), category.casefold())
