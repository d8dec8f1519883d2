"""A person at the portal, without a browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from statistics import median

import httpx

from bench.clients import BenchFailed

_HIDDEN = re.compile(r'<input type="hidden" name="(csrfmiddlewaretoken|-submission|-asked)" value="([^"]*)"')


class Visitor:
    """One connection with cookies, or with a token."""

    def __init__(self, url: str, **headers: str) -> None:
        self._client = httpx.Client(base_url=url, headers=headers)

    def close(self) -> None:
        self._client.close()

    def sign_in(self, email: str, password: str) -> None:
        self.submit("/sign-in", {"username": email, "password": password})

    def submit(self, path: str, values: Mapping[str, str]) -> str:
        """The address that the answer leads to."""
        data = together(self.hidden(path), values)
        return _expect(self._client.post(path, data=data), 302).headers["location"]

    def hidden(self, path: str) -> list[tuple[str, str]]:
        """What a form's page sends by itself."""
        return _HIDDEN.findall(self._get(path).text)

    def get_milliseconds(self, path: str, count: int) -> float:
        return _median(lambda: self._get(path), count)

    def post_milliseconds(self, path: str, data: Mapping[str, object], count: int) -> float:
        return _median(lambda: _expect(self._client.post(path, data=data), 200), count)

    def _get(self, path: str) -> httpx.Response:
        return _expect(self._client.get(path), 200)


def together(hidden: list[tuple[str, str]], values: Mapping[str, str]) -> dict[str, object]:
    names = {name for name, _ in hidden}
    return {**{name: [value for key, value in hidden if key == name] for name in names}, **values}


def _expect(answer: httpx.Response, status: int) -> httpx.Response:
    if answer.status_code != status:
        raise BenchFailed(f"{answer.request.method} {answer.url.path}: {answer.status_code}, not {status}.")
    return answer


def _median(send: Callable[[], object], count: int) -> float:
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        send()
        taken.append((time.perf_counter() - began) * 1000)
    return median(taken)
