"""The models that a document's flow is compiled with: loaded when the first flow needs them, then shared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from engine.document import DEFINITION
from engine.languages import Detect
from engine.understanding.intents import Embed
from gateway.flows.document import speaks_several, understands_intents


class Models(TypedDict):
    """Keyword arguments of `engine.compile.compile_flow` and `engine.scenarios.run_scenarios`."""

    embed: Embed | None
    detect: Detect | None


def models_of(document: Mapping[str, Any]) -> Models:
    """What the server gives to a flow like this: sentence vectors for intents, detection for several languages."""
    embed, detect = None, None
    if understands_intents(document[DEFINITION]):
        from gateway.embedding import shared_embedder

        embed = shared_embedder()
    if speaks_several(document):
        from gateway.detection import shared_detector

        detect = shared_detector()
    return Models(embed=embed, detect=detect)
