"""An organization's colour, made readable: as link and as button, on light and on dark pages (WCAG 2.2, 4.5 to 1)."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass

# The grounds of portal.css that links stand on; readable on the worst of them is readable on all.
LIGHT_GROUND = "#eef1f5"
DARK_GROUND = "#252b34"
BLACK, WHITE = "#10131a", "#ffffff"
ENOUGH = 4.5
STEPS = 100

Rgb = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Shades:
    """The colour on light and on dark pages, and what is written on it there."""

    light: str
    on_light: str
    dark: str
    on_dark: str


def shades(colour: str) -> Shades:
    """Those of `#rrggbb`: as it is where it is readable, otherwise as much darker or lighter as it takes."""
    light, dark = _readable(colour, LIGHT_GROUND, towards=0.0), _readable(colour, DARK_GROUND, towards=1.0)
    return Shades(light, _written_on(light), dark, _written_on(dark))


def contrast(one: str, other: str) -> float:
    """Between two colours, 1 to 21."""
    dim, bright = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))))
    return (bright + 0.05) / (dim + 0.05)


def _readable(colour: str, ground: str, *, towards: float) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(colour))
    for step in range(STEPS):
        changed = lightness + (towards - lightness) * step / STEPS
        found = _hexadecimal(colorsys.hls_to_rgb(hue, changed, saturation)) if step else colour
        if contrast(found, ground) >= ENOUGH:
            return found
    return WHITE if towards else BLACK


def _written_on(colour: str) -> str:
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, colour))


def _rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hexadecimal(rgb: Rgb) -> str:
    return "#" + "".join(f"{round(part * 255):02x}" for part in rgb)


def _luminance(rgb: Rgb) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
