"""What can be ordered in the example `request_equipment`, with prices in euros."""

from __future__ import annotations

from typing import NamedTuple


class Item(NamedTuple):
    number: str
    kind: str
    name: str
    price: float


KINDS = {"laptop": "Laptop", "screen": "Screen", "phone": "Phone", "headset": "Headset"}
ITEMS = (
    Item("L-14", "laptop", 'Office laptop 14"', 890.0),
    Item("L-16", "laptop", 'Engineering laptop 16"', 1_950.0),
    Item("S-24", "screen", 'Screen 24"', 160.0),
    Item("S-32", "screen", 'Screen 32", 4K', 410.0),
    Item("P-1", "phone", "Phone", 330.0),
    Item("P-2", "phone", "Phone, ruggedized", 520.0),
    Item("H-1", "headset", "Headset, wired", 45.0),
    Item("H-2", "headset", "Headset, noise-cancelling", 190.0),
)


def item(number: str) -> Item | None:
    return next((each for each in ITEMS if each.number == number), None)
