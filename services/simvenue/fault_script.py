"""Fault scripts as text: a TOML file, or one line such as ``seed=7 lost_ack=0.05 reset=0.01:2``."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from services.simvenue.domain.faults import FaultKind, FaultRule, FaultScript

_TIMES: Final = frozenset(each.name for each in fields(FaultScript) if each.name.endswith("_seconds"))

_KINDS: Final = frozenset(kind.value for kind in FaultKind)


class FaultScriptError(ValueError):
    """The script cannot be meant; the message says which part of it."""


def read_script(text: str) -> FaultScript | None:
    """A script from a setting: empty for none, a line of words with ``=``, or the path of a TOML file.

    Raises:
        FaultScriptError: it is neither, or says something unknown.
    """
    if not text.strip():
        return None
    if "=" in text:
        return script_of(dict(_pair(word) for word in text.split()))
    try:
        return script_of(tomllib.loads(Path(text).read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise FaultScriptError(f"fault script {text}: {error}") from error


def script_of(values: Mapping[str, Any]) -> FaultScript:
    """A script from its parts: ``seed``, times, and kinds.

    A kind has a rate (0.05), a rate and the most times it strikes ("0.05:2"), or both as a table
    (``{"rate": 0.05, "limit": 2}``).

    Raises:
        FaultScriptError: a part is unknown, or out of its range.
    """
    rules: dict[FaultKind, FaultRule] = {}
    more: dict[str, Any] = {}
    for name, value in values.items():
        if name == "seed":
            more[name] = int(_number(name, value, math.inf))
        elif name in _TIMES:
            more[name] = _number(name, value, math.inf)
        elif name in _KINDS:
            rules[FaultKind(name)] = _rule(name, value)
        else:
            known = ", ".join(["seed", *sorted(_TIMES), *FaultKind])
            raise FaultScriptError(f"fault script: there is no {name}; known are {known}")
    return FaultScript(rules=rules, **more)


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    if not equals:
        raise FaultScriptError(f"fault script: {word} is no name=value")
    return name, value


def _rule(name: str, value: Any) -> FaultRule:
    if isinstance(value, Mapping):
        if unknown := set(value) - {"rate", "limit"}:
            raise FaultScriptError(f"fault script: {name} has no {', '.join(sorted(unknown))}")
        rate, limit = value.get("rate", 1), value.get("limit", 0)
    else:
        rate, _, limit = str(value).partition(":")
    return FaultRule(_number(name, rate, 1.0), int(_number(name, limit or 0, math.inf)))


def _number(name: str, value: Any, most: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise FaultScriptError(f"fault script: {name}={value} is no number") from error
    if not 0 <= number <= most or not math.isfinite(number):
        raise FaultScriptError(f"fault script: {name}={value} is out of range")
    return number
