"""Pages that stand alone: HTML from templates whose values are escaped, with one small style.

A page asks for nothing: no script, no font, no image from elsewhere (its content security policy
says so). It is readable on a phone and on paper.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from pages.words.translation import translation
from policy.vocabulary.bilingual import Language


class Shape(NamedTuple):
    """One SVG element of a drawing."""

    name: str
    attributes: Mapping[str, object]
    text: str = ""


class Drawing(NamedTuple):
    """Shapes on a field of this size, with what they show for whoever does not see them."""

    label: str
    width: float
    height: float
    shapes: Sequence[Shape]


def page(template: str, language: Language, **values: object) -> str:
    """The whole document; a value that the template needs and does not get is an error."""
    return _environment(language).get_template(template).render(values)


@cache
def _environment(language: Language) -> Environment:
    made = Environment(
        loader=PackageLoader("pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    words = translation(language)
    made.globals.update(language=language, _=words.gettext, pgettext=words.pgettext)
    return made
