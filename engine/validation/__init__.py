"""Validation: what a value must be besides its type, and what is wrong with one that is not.

    check = compile_rules(Rules(enum=["Deep Blue", "Red"]))
    check("deep blue", Reading())     # ""
    check.canonical("deep blue")      # "Deep Blue"
    check("green", Reading())         # "not_allowed"

JSON Schema means draft 2020-12. Patterns, a schema's too, take time in proportion to the text and know neither
look-around nor back-references.
"""

from __future__ import annotations

from engine.validation.check import Check, Fault, check_of, compile_rules
from engine.validation.rules import Rules
from engine.validation.schemas import JsonSchema

__all__ = ["Check", "Fault", "JsonSchema", "Rules", "check_of", "compile_rules"]
