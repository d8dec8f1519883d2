"""How a service of an OpenAPI document lets in. All of it names secrets, and none holds one."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bifrost.sdk.errors import ValidationError

Secret = Callable[[str], Awaitable[str]]
FORMS = (
    '{"bearer": secret}, {"basic": [secret of the user, secret of the password]}, {"header": {name: secret}}'
    ' or {"query": {name: secret}}'
)


class Authentication:
    """Raises ValidationError for what is none of `FORMS`."""

    def __init__(self, declared: Mapping[str, Any] | None) -> None:
        self._declared = dict(declared or {})
        checks = {
            "bearer": lambda given: isinstance(given, str),
            "basic": lambda given: isinstance(given, list | tuple) and len(given) == 2,
            "header": lambda given: isinstance(given, Mapping),
            "query": lambda given: isinstance(given, Mapping),
        }
        if any(kind not in checks or not checks[kind](given) for kind, given in self._declared.items()):
            raise ValidationError(f"authentication must be {FORMS}", field="authentication")

    def __bool__(self) -> bool:
        return bool(self._declared)

    async def headers(self, secret: Secret) -> dict[str, str]:
        headers = {name: await secret(each) for name, each in self._declared.get("header", {}).items()}
        if "bearer" in self._declared:
            headers["Authorization"] = f"Bearer {await secret(self._declared['bearer'])}"
        if "basic" in self._declared:
            pair = ":".join([await secret(each) for each in self._declared["basic"]])
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers

    async def query(self, secret: Secret) -> dict[str, str]:
        return {name: await secret(each) for name, each in self._declared.get("query", {}).items()}
