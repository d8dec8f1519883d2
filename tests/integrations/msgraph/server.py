"""A strict Microsoft Graph on loopback, with its place to sign in; written from Microsoft's public documentation
(docs/msgraph.md says from which pages).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from tests.integrations.msgraph import schema
from tests.integrations.msgraph.directory import Directory, Thing
from tests.integrations.msgraph.querying import Call, Kind, found_by, page_size, selected
from tests.integrations.msgraph.refusals import Refused, bad, missing
from tests.integrations.msgraph.routes import ROUTES, TENANT
from tests.integrations.vendor import Asked, Reply, Vendor, served

CLIENT_ID, CLIENT_SECRET = "the-application", "the-secret-of-msgraph"


@dataclass
class Graph(Vendor):
    """`directory` is what it tells of. `between_pages` is done before each further page; `batch_faults` are the answers
    to the next requests inside batches, None for its own.
    """

    directory: Directory = field(default_factory=Directory)
    tenant: str = TENANT
    page_size: int | None = None
    between_pages: Callable[[], object] | None = None
    batch_faults: deque[Reply | None] = field(default_factory=deque)
    lifetime: int = 3_599

    def __post_init__(self) -> None:
        super().__init__()
        self.tokens: set[str] = set()
        self.made = 0
        self.pages: dict[str, int] = {}
        self.next_host = ""

    def expire_tokens(self) -> None:
        self.tokens.clear()

    def expire_pages(self) -> None:
        self.pages.clear()

    def calls(self) -> list[tuple[str, str]]:
        """What was asked of Graph itself."""
        return [(asked.method, asked.path.removeprefix("/v1.0")) for asked in self.asked if "/v1.0" in asked.path]

    # --- Signing in --------------------------------------------------------------------------------------------

    def reply(self, asked: Asked) -> Reply:
        if found := re.fullmatch(r"/([^/]+)/oauth2/v2\.0/token", asked.path):
            return self._token(found[1], asked)
        try:
            if not asked.path.startswith("/v1.0/"):
                raise Refused(400, "BadRequest", "Invalid version.")
            self._authorize(asked.headers.get("authorization", ""))
            body = self._body(asked)
            call = Call(asked.method, asked.path.removeprefix("/v1.0"), asked.query, asked.headers, body)
            return self._batch(call) if call.path == "/$batch" else self._answer(call)
        except Refused as refused:
            return refused.reply()

    def _token(self, tenant: str, asked: Asked) -> Reply:
        form = asked.form
        if tenant != self.tenant:
            return _not_let_in(400, "invalid_request", f"AADSTS90002: Tenant '{tenant}' not found.")
        if form.get("grant_type") != "client_credentials" or not form.get("scope", "").endswith("/.default"):
            return _not_let_in(400, "invalid_scope", "AADSTS1002012: The provided value for scope is not valid.")
        if form.get("client_id") != CLIENT_ID:
            return _not_let_in(400, "unauthorized_client", "AADSTS700016: Application was not found in the directory.")
        if form.get("client_secret") != CLIENT_SECRET:
            return _not_let_in(401, "invalid_client", "AADSTS7000215: Invalid client secret provided.")
        self.made += 1
        token = f"access-token-of-graph-{self.made}"
        self.tokens.add(token)
        return Reply(json={"token_type": "Bearer", "expires_in": self.lifetime, "access_token": token})

    def _authorize(self, header: str) -> None:
        kind, _, token = header.partition(" ")
        if kind != "Bearer" or not token:
            raise Refused(401, "InvalidAuthenticationToken", "Access token is empty.")
        if token not in self.tokens:
            raise Refused(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.")

    def _body(self, asked: Asked) -> Any:
        if asked.method in ("GET", "DELETE"):
            return None
        if asked.body and not asked.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "Request_BadRequest", "A supported MIME type could not be found.")
        try:
            return asked.json
        except ValueError:
            raise bad("Unable to read JSON request payload.") from None

    # --- What is asked -----------------------------------------------------------------------------------------

    def _answer(self, call: Call) -> Reply:
        methods = set()
        for method, pattern, handler in ROUTES:
            if found := re.fullmatch(pattern, call.path):
                if method == call.method:
                    return handler(self, call, *(unquote(part) for part in found.groups()))
                methods.add(method)
        if methods:
            raise Refused(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
        raise Refused(400, "BadRequest", f"Resource not found for the segment '{call.path}'.")

    def _batch(self, call: Call) -> Reply:
        requests = schema.checked(call.body, {"requests": None}, ("requests",))["requests"]
        if not 0 < len(requests) <= 20 or call.method != "POST":
            raise Refused(400, "BadRequest", "Number of batch request steps exceeds the maximum value of 20.")
        ids = [request.get("id") for request in requests]
        if not all(isinstance(each, str) and each for each in ids) or len(set(ids)) != len(ids):
            raise Refused(400, "BadRequest", "Each request of a batch needs an id of its own.")
        responses = [{"id": request["id"], **self._inner(request)} for request in requests]
        return Reply(json={"responses": responses[::-1]})

    def _inner(self, request: Thing) -> dict[str, Any]:
        try:
            known = {"id": str, "method": str, "url": str, "headers": None, "body": None, "dependsOn": schema.STRINGS}
            schema.checked(request, known, ("method", "url"))
            headers = {name.lower(): value for name, value in request.get("headers", {}).items()}
            if "body" in request and headers.get("content-type") != "application/json":
                raise Refused(400, "BadRequest", "A request with a body needs the header Content-Type.")
            path, _, query = request["url"].partition("?")
            call = Call(request["method"], path, dict(parse_qsl(query)), headers, request.get("body"))
            fault = self.batch_faults.popleft() if self.batch_faults else None
            reply = fault or self._answer(call)
        except Refused as refused:
            reply = refused.reply()
        return {"status": reply.status, "headers": dict(reply.headers), "body": reply.json}

    def tell(self, call: Call, things: Sequence[Thing], kind: Kind) -> Reply:
        """The page of the collection that the query asks for."""
        found = found_by(call, things, kind)
        size = page_size(call, self.page_size)
        start = 0
        if token := call.query.get("$skiptoken"):
            if token not in self.pages:
                message = "The specified page token value has expired and can no longer be included in your request."
                raise Refused(400, "Directory_ExpiredPageToken", message)
            start = self.pages[token]
            if self.between_pages is not None:
                self.between_pages()
                found = found_by(call, things, kind)
        page = [selected(call, each, kind) for each in found[start : start + size]]
        answer: dict[str, Any] = {"@odata.context": f"{self.url}/v1.0/$metadata", "value": page}
        if start + size < len(found):
            token = f"page-{len(self.pages) + 1}"
            self.pages[token] = start + size
            query = urlencode({**call.query, "$skiptoken": token})
            answer["@odata.nextLink"] = f"{self.next_host or self.url}/v1.0{call.path}?{query}"
        return Reply(json=answer)

    def referred(self, body: Any) -> str:
        address = schema.checked(body, schema.REFERENCE, ("@odata.id",))["@odata.id"]
        found = re.fullmatch(re.escape(f"{self.url}/v1.0/") + r"(?:directoryObjects|users)/([^/]+)", address)
        if found is None:
            raise bad("Invalid URL format specified in @odata.id property.")
        if found[1] not in self.directory.users:
            raise missing(found[1])
        return found[1]


def _not_let_in(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"error": code, "error_description": message, "error_codes": [], "trace_id": "t"})


@contextmanager
def graph_served() -> Iterator[Graph]:
    graph = Graph()
    with served(graph):
        yield graph
