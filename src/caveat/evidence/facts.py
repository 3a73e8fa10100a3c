"""Facts and readings as people state them, checked and brought into their one spelling.

A fact that nobody knows is a LookupError with what to say and the nearest words; whoever called knows the place.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from caveat.errors import QuestionError, nearest
from caveat.evidence.sentence import Question
from caveat.law.words import COUNTRY_GROUPS, FACTS, PURPOSES

#: Codes that people write though ISO 3166 has another: a wrong one must not lead out of a group of countries.
_COUNTRY_ALSO = {"EL": "GR", "UK": "GB"}
#: Two-letter codes of ISO 3166-1, and XK.
_COUNTRIES = frozenset((
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ "
    "CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR "
    "GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO "
    "JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR "
    "MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO "
    "RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV "
    "TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
).split())
_TOO_MANY = 1e18
_ABOUT_LAW = ("sued", "permission")  # facts that may be said of one licence or family alone


class Words(Protocol):
    """The disputed words and their readings."""

    def readings(self, word: str) -> tuple[str, ...]: ...
    def words(self) -> list[str]: ...
    def law_or_family(self, name: str) -> str | None: ...
    def law_names(self) -> list[str]: ...


def said_facts(question: Question, names: Words) -> tuple[dict[str, str], dict[str, str]]:
    """Facts and readings as said, checked; raises QuestionError with the column."""
    facts: dict[str, str] = {}
    readings: dict[str, str] = {}
    for name, op, value, at in question.facts:
        try:
            word = name.removeprefix("reading.")
            if word != name or (word in names.words() and word not in FACTS):
                _add(readings, word, check_reading(word, value, names))
            else:
                _add(facts, fact_name(name), check_fact(fact_name(name), op, value, names))
        except LookupError as fault:
            what, near = fault.args
            raise QuestionError(question.text, at, what, near) from None
    return facts, readings


def _add(said: dict[str, str], name: str, value: str) -> None:
    """A set grows by what is said again; anything else said twice must be said alike."""
    before = said.get(name, value)
    if before != value and not (name in FACTS and FACTS[name].type == "set"):
        raise LookupError(f"{name} was {before} before: it cannot be {value} too", [])
    said[name] = value if before == value else f"{before},{value}"


def check_reading(word: str, value: str, names: Words) -> str:
    """A reading of a word; LookupError(what, nearest) if either is not known."""
    if word not in names.words():
        raise LookupError(f"no disputed word {word!r}", nearest(word, names.words()))
    if value.lower() not in names.readings(word):
        raise LookupError(f"{word} has no reading {value!r}", list(names.readings(word)))
    return value.lower()


def fact_name(name: str) -> str:
    name = name.strip().lower()
    for spelt in (name, name.replace("-", "_"), name.replace("_", "-")):
        if spelt in FACTS:
            return spelt
    raise LookupError(f"no fact is called {name!r}", nearest(name, FACTS))


def check_fact(name: str, op: str, value: str, names: Words) -> str:
    """The value of a fact in its one spelling; LookupError(what, nearest) if it cannot be that."""
    fact, low = FACTS[name], value.strip().lower()
    if fact.type == "number":
        return _number(name, op, low)
    if op != "=":
        raise LookupError(f"{name} is not a number: write {name} = value", [])
    if fact.type == "yes-no" or name in _ABOUT_LAW:
        low = {"true": "yes", "false": "no", "y": "yes", "n": "no"}.get(low, low)
    if name in _ABOUT_LAW:
        return _about(name, low, names)
    if fact.type == "set":
        return _purposes(low)
    if name == "domicile":
        return _country(value)
    if fact.type == "date":
        return _date(name, low)
    if fact.values and low not in fact.values:
        raise LookupError(f"{name} cannot be {value!r}", nearest(low, fact.values) or list(fact.values))
    return low


def _about(name: str, low: str, names: Words) -> str:
    """Yes, no, a kind of suit, or the one law or family that it is about."""
    plain = FACTS[name].values or ("yes", "no")
    law = low if low in plain else names.law_or_family(low)
    if law is None:
        near = nearest(low, [*plain, *names.law_names()])
        raise LookupError(f"{name} is {', '.join(plain)} or the name of a licence, not {low!r}", near)
    return law


def _number(name: str, op: str, low: str) -> str:
    factor = {"k": 1e3, "m": 1e6, "b": 1e9}.get(low[-1:], 1)
    digits = low.rstrip("kmb").replace("_", "").replace("$", "")
    try:
        number = float(digits) * factor
    except ValueError:
        raise LookupError(f"{name} is a number, not {low!r}", []) from None
    if not 0 <= number < _TOO_MANY:  # infinity and "nan" are no counts either
        raise LookupError(f"{name} is a count of zero or more, not {low!r}", [])
    number += {">": 1, "<": -1}.get(op, 0)
    return str(int(number)) if number == int(number) else repr(number)


def _purposes(low: str) -> str:
    known = {*PURPOSES, *(w for row in PURPOSES.values() for w in row)}
    words = [w.strip() for w in low.replace("+", ",").split(",") if w.strip()]
    for word in words:
        if word not in known:
            raise LookupError(f"no purpose is called {word!r}", nearest(word, known))
    return ",".join(words)


def _country(value: str) -> str:
    upper = value.strip().upper()
    upper = _COUNTRY_ALSO.get(upper, upper)
    if upper in COUNTRY_GROUPS or upper in _COUNTRIES:
        return upper
    raise LookupError(f"domicile is a two-letter country code or {', '.join(COUNTRY_GROUPS)}, not {value!r}", [])


def _date(name: str, low: str) -> str:
    try:
        return date.fromisoformat(low + {4: "-07-01", 7: "-01"}.get(len(low), "")).isoformat()
    except ValueError:
        raise LookupError(f"{name} is a date like 2024-03-31, not {low!r}", []) from None
