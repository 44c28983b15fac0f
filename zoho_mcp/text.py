"""Texts of others made safe to show, suggestions for misspelt words, placeholders in templates. Pure."""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, cast

LONGEST_VALUE = 80
"""Characters of a value that is quoted: it is written by others and must not crowd out our own words."""
_MOST_MARKS = 2
"""Combining marks on one letter; no language stacks more, and stacks of them cover the lines around."""
_FILLERS = frozenset("\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0\U00013441\U00013442\U0001d159")
"""Look like blanks, or like nothing, without being spaces."""
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_STRAIGHT = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4\u0060", "'"))
"""Apostrophes as phones, word processors and keyboards write them."""
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]|[\u200c\u200d\ufe0e\ufe0f]{2,}"
)
"""Characters that people do not see but models read: tags, selectors, directions, spaces without width. Single joiners
and single style selectors stay, because emoji and some scripts need them."""
_PLACEHOLDER = re.compile(r"{(\w+)}")


def one_line(value: object, longest: int = LONGEST_VALUE) -> str:
    """The value on one line, cut to `longest` characters: no control or invisible characters, no stacks of marks."""
    text = str(value)
    if not (text.isascii() and text.isprintable()):
        text = "".join(_visible(_SELECTORS.sub("", unicodedata.normalize("NFC", text))))
    text = " ".join(text.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _visible(text: str) -> Iterator[str]:
    marks = 0
    for sign in text:
        category = unicodedata.category(sign)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if marks <= _MOST_MARKS and (category != "Cf" or sign in _FILLERS):
            yield " " if category[0] in "CZ" or sign in _FILLERS else sign


def visible(value: Any) -> Any:
    """A text or a JSON value without invisible characters."""
    if isinstance(value, str):
        return value if value.isascii() else _INVISIBLE.sub("", value)
    if isinstance(value, Mapping):
        parts = cast("Mapping[Any, Any]", value)
        return {visible(name): visible(part) for name, part in parts.items()}
    if isinstance(value, list):
        return [visible(part) for part in cast("list[Any]", value)]
    return value


def folded(text: str) -> str:
    """The text as searches compare it: lower case, no accents, straight apostrophes."""
    return _without_accents(text.translate(_STRAIGHT)).casefold()


def spellings(text: str) -> list[str]:
    """Other spellings of a name with apostrophes or accents, the likeliest first: straight, curly, without accents."""
    straight = text.translate(_STRAIGHT)
    found = [straight, straight.replace("'", "\u2019"), _without_accents(straight)]
    return [other for other in dict.fromkeys(found) if other != text]


def _without_accents(text: str) -> str:
    plain = (sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", "".join(plain))


def nearest(word: str, known: Collection[str], cutoff: float = 0.5) -> str:
    """The known word that was probably meant; empty if there is none.

    Ignores case. A single letter is the start of a word (`D` for `desc`, `A` for `ascending`), and a word may be the
    last part of one with a point (`Status.Active` for `active`), or the start of just one.
    """
    folded = {name.casefold(): name for name in reversed(list(known))}
    plain = word.strip().casefold()
    if not plain:
        return ""
    initials = [name for fold, name in folded.items() if len(fold) == 1 and plain.startswith(fold)]
    if plain in folded or len(initials) == 1:
        return folded.get(plain) or initials[0]
    last_parts = {fold.rpartition(".")[2]: name for fold, name in folded.items()}
    begun = [name for fold, name in last_parts.items() if len(plain) > 2 and fold.startswith(plain)]
    if plain in last_parts or len(begun) == 1:
        return last_parts.get(plain) or begun[0]
    near = get_close_matches(plain, folded, 1, cutoff)
    return folded[near[0]] if near else ""


def did_you_mean(word: str, known: Collection[str], cutoff: float = 0.5) -> str:
    """A suggestion such as `Did you mean check?`; empty if no known word is near."""
    near = nearest(word, known, cutoff)
    return f"Did you mean {near}?" if near else ""


def placeholders(template: str) -> list[str]:
    """The names of a template's `{name}` parts, in order."""
    return _PLACEHOLDER.findall(template)


def fill(template: str, value_of: Callable[[str], str]) -> str:
    """The template with each `{name}` replaced by `value_of(name)`."""
    return _PLACEHOLDER.sub(lambda part: value_of(part[1]), template)
