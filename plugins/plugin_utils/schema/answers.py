# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers as a survey or a command line gives them: texts that stand for lists and mappings, and what is no answer; pure."""

from __future__ import annotations

import re
import typing as t

import yaml


class WrongAnswer(ValueError):
    """A text that can't be read; the message names the variable, and no value that may be secret."""


def is_unset(value: object) -> bool:
    """True for what stands there where nothing was answered."""
    return value is None or value in ("", [], {})


def document(variable: str, text: str, *, only_text: bool = False) -> t.Any:
    """What a text of YAML or JSON says, its scalars as texts where ``only_text``; WrongAnswer if it is neither."""
    try:
        return yaml.load(text, Loader=yaml.BaseLoader if only_text else yaml.SafeLoader)  # noqa: S506 (both make plain data only)
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        mark: yaml.Mark | None = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        # The parser quotes what it read, which may be secret.
        raise WrongAnswer(f"{variable} is neither YAML nor JSON{where}") from None


def text_of(value: object) -> object:
    """A text without the space around it, or a number as one; anything else as it is."""
    return str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else value


def items(variable: str, value: object, *, only_text: bool = True) -> object:
    """A list of a list, of YAML or JSON, of a text with an item on each line, or of one line with commas; anything else as it is."""
    if not isinstance(value, str):
        return [text_of(item) if only_text else item for item in value] if isinstance(value, list) else value
    text = value.strip()
    if text.startswith(("[", "- ")):
        return document(variable, text, only_text=only_text)
    return [item.strip() for item in (text.splitlines() if "\n" in text else text.split(",")) if item.strip()]


def mapping(variable: str, value: object, *, only_text: bool = False) -> object:
    """A mapping of YAML or JSON, or of a text with a pair ``key=value`` on each line; anything else as it is."""
    if not isinstance(value, str):
        return value
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    if all(re.match(r"[^=:{\"']+=", line) for line in lines):
        return {key.strip(): item.strip() for key, item in (line.split("=", 1) for line in lines)}
    return document(variable, value, only_text=only_text)
