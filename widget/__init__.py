"""The website's side: TypeScript sources in `src/`, the built and committed files in `dist/`."""

from pathlib import Path

DIST = Path(__file__).parent / "dist"
