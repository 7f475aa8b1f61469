"""Whether the top-level packages are ours. Imports nothing but the standard library, to be able to say so.

The distribution brings packages with ordinary names (`engine`, `storage`, …). Another library of the same
name in the environment, or a folder on PYTHONPATH, would be imported instead and fail somewhere deep inside.
"""

from __future__ import annotations

import importlib.machinery
from importlib.util import find_spec
from pathlib import Path

from gateway.errors import ConfigurationError, Problem

PACKAGES = ("engine", "adapters", "storage", "gateway", "widget")

_MEND = (
    "Install channel-gateway in a virtual environment of its own; keep folders of that name off PYTHONPATH"
)


def check_packages() -> None:
    """Raise ConfigurationError when one of our packages is missing or is imported from somewhere else."""
    home = Path(__file__).resolve().parent.parent
    problems = [problem for name in PACKAGES if (problem := _problem(name, home / name))]
    if problems:
        raise ConfigurationError(problems)


def _problem(name: str, expected: Path) -> Problem | None:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return Problem(place=f"package {name}", message=f"is missing; it belongs at {expected}", mend=_MEND)
    found = _folder(spec)
    if found == expected:
        return None
    return Problem(
        place=f"package {name}", message=f"resolves to {found or 'a module'}, not to {expected}", mend=_MEND
    )


def _folder(spec: importlib.machinery.ModuleSpec) -> Path | None:
    """The package's folder; None for what has none, or several (a namespace package)."""
    folders = list(spec.submodule_search_locations or ())
    return (
        Path(folders[0]).resolve() if len(folders) == 1 else Path(spec.origin or "") if spec.origin else None
    )
