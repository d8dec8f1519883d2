"""The part of the benchmark that measures the portal: its pages with many forms and past requests, and options."""

from __future__ import annotations

from contextlib import closing

from bench.figures import Book, Ratio
from bench.options import Options
from bench.portal.visitor import Visitor, together
from bench.stack import Stack

ORGANIZATION = "acme"
BARE = "GET /api/health, by the same client"
FORM = "/forms/desk-0"
CACHED, DEPENDENT = "options from the cache", "options of a field that depends on another"
REPEATS = 40
VALUES = {"v.place": "place-1", "v.desk": "place-1-1"}


def measure(stack: Stack, options: Options, book: Book) -> None:
    """Every figure once in each round, with `options.forms` forms and `options.requests` past requests."""
    stack.run("portal.rows", ORGANIZATION, options.forms)
    stack.start("web")
    known = stack.credentials["organizations"][ORGANIZATION]
    [admin] = [person for person in known["users"] if person["role"] == "admin"]
    person = Visitor(stack.url, Host=f"{ORGANIZATION}.localhost:{stack.port}")
    program = Visitor(stack.url, Authorization=f"Bearer {known['token']}")
    with closing(person) as visitor, closing(program):
        visitor.sign_in(admin["email"], admin["password"])
        request = visitor.submit(FORM, VALUES)
        stack.run("portal.rows", ORGANIZATION, options.requests, "--like", request.rpartition("/")[2])
        for _round in range(options.rounds):
            _measure(visitor, request, book)
            book.add(CACHED, "ms", program.get_milliseconds("/api/data-providers/places", REPEATS), Ratio(BARE))
    book.note(f"The portal had {options.forms} forms and {options.requests} past requests.")


def _measure(visitor: Visitor, request: str, book: Book) -> None:
    book.add(BARE, "ms", visitor.get_milliseconds("/api/health", REPEATS))
    pages = {
        "the portal's home": "/",
        "own requests": "/requests",
        "the organization's requests": "/requests/all",
        "the same, searched": "/requests/all?q=Desk+0",
        "a form": FORM,
        "a request": request,
    }
    for what, path in pages.items():
        book.add(what, "ms", visitor.get_milliseconds(path, REPEATS), Ratio(BARE))
    data = together(visitor.hidden(FORM), VALUES)
    for what, field in ((f"{CACHED}, as a piece of the page", "place"), (f"{DEPENDENT}, the same", "desk")):
        book.add(what, "ms", visitor.post_milliseconds(f"{FORM}/options/{field}", data, REPEATS), Ratio(BARE))
