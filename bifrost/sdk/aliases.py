"""The documents' import paths: thin modules whose names are the SDK's own objects. The one place that knows
them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

#: What each module under `engine.shared` and `shared` stands for; a package stands for nothing.
_MODULES: dict[str, str | None] = {
    "decorators": "bifrost.sdk.decorators",
    "context": "bifrost.sdk.context",
    "error_handling": "bifrost.sdk.errors",
    "integrations": None,
    "integrations.base": "bifrost.sdk.integration",
}
_ALIASES: dict[str, str | None] = {
    "engine": None,
    "engine.shared": None,
    "shared": None,
    **{f"{root}.{name}": target for root in ("engine.shared", "shared") for name, target in _MODULES.items()},
}


class AliasFinder(MetaPathFinder, Loader):
    """Knows the exact names above and no other."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _ALIASES:
            return None
        return ModuleSpec(fullname, self, origin=_ALIASES[fullname], is_package=_ALIASES[fullname] is None)

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        target = _ALIASES[module.__name__]
        if target is None:
            return
        source = import_module(target)
        module.__doc__ = source.__doc__
        module.__dict__["__all__"] = list(source.__all__)
        module.__dict__.update((name, getattr(source, name)) for name in source.__all__)


def install() -> None:
    """Makes the documents' imports work; a second call changes nothing."""
    if not any(isinstance(finder, AliasFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder())
