"""Texts with placeholders: `Hello {{user.first_name | default:"there"}}`.

    template = compile_template('You owe {{total | currency:"EUR"}} by {{items[0].due | date:"long"}}.')
    template.names                  # frozenset({"total", "items", "language", "timezone"})
    template({"total": 12.5, "items": [{"due": "2026-03-05"}], "language": "de"})
                                    # 'You owe 12,50\\xa0€ by 5. März 2026.'

A placeholder is a path of names and indexes (`items[0].name`, `items.0.name`), or a text in quotes, and
filters after pipes, whose arguments are quoted texts and numbers. What it stands for is data: it is never
read as a template again, whatever it contains. What is missing prints as nothing, and what a filter cannot
read prints as it is: data never breaks a message, unless the text becomes too long or is no data at all.

The result is plain text. Nothing is escaped, and no marks of direction are added (those in it are of the
locale's own formats, or of the values): each adapter escapes and isolates as its platform needs it.

Localized filters read two names of the environment: `language`, an IETF tag (English when it is missing or
unknown), and `timezone`, an IANA name (UTC when it is). `engine.templates.plurals` says how forms are chosen,
`engine.templates.moments` what is a date, `engine.templates.decimals` what is a number.
"""

from __future__ import annotations

from engine.templates.compiler import compile_template
from engine.templates.errors import ArgumentError, TemplateError, TemplateSyntaxError
from engine.templates.filters import FILTERS, AnyFilter, Filter, LocalizedFilter, reference
from engine.templates.limits import (
    MAX_DATA_DEPTH,
    MAX_OUTPUT,
    MAX_PATTERN,
    MAX_PLACEHOLDERS,
    MAX_SOURCE,
    MAX_STEPS,
)
from engine.templates.printing import to_json, to_text
from engine.templates.secrets import SecretName, split_secrets
from engine.templates.template import Template

__all__ = [
    "FILTERS",
    "MAX_DATA_DEPTH",
    "MAX_OUTPUT",
    "MAX_PATTERN",
    "MAX_PLACEHOLDERS",
    "MAX_SOURCE",
    "MAX_STEPS",
    "AnyFilter",
    "ArgumentError",
    "Filter",
    "LocalizedFilter",
    "SecretName",
    "Template",
    "TemplateError",
    "TemplateSyntaxError",
    "compile_template",
    "reference",
    "split_secrets",
    "to_json",
    "to_text",
]
