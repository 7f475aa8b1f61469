"""`docs/settings.md`, made from the settings themselves."""

from __future__ import annotations

from pydantic.fields import FieldInfo

from gateway.settings import CONFIG_VARIABLE, DEFAULT_CONFIG, Settings, env_name
from gateway.settings_check import describe_values

_HEAD = f"""# Settings

<!-- Made from gateway/settings.py by `make docs`; change it there. -->

A setting comes from the first of these that names it: the command line, an environment variable, the file
`.env`, the file `{DEFAULT_CONFIG}` (both in the working directory; `{CONFIG_VARIABLE}` names another TOML
file), a file named like the variable under `/run/secrets`. An empty variable counts as unset. In
`{DEFAULT_CONFIG}` a setting goes by its name in the second column:

```toml
port = 8080
log_format = "console"
```

A wrong value, or a name that the gateway does not know, is refused at start with its mend. `gateway doctor`
checks the settings and what they lead to.

| Variable | In {DEFAULT_CONFIG} | Default | Values | Meaning |
|---|---|---|---|---|
"""

_TAIL = """
Variables that are no settings: `GATEWAY_CONFIG` (above), `TELEGRAM_BOT_TOKEN` (read by
`gateway channel connect telegram`), and for crash tests `GATEWAY_CRASH_AT` and `GATEWAY_PAUSE_AT`
(`gateway/checkpoints.py`).
"""


def settings_markdown() -> str:
    """The whole page."""
    rows = [_row(name, field) for name, field in Settings.model_fields.items()]
    return _HEAD + "\n".join(rows) + "\n" + _TAIL


def _row(name: str, field: FieldInfo) -> str:
    default = "" if field.default in (None, "") else f"`{_plain(field.default)}`"
    meaning = " ".join((field.description or "").split())
    return f"| `{env_name(name)}` | `{name}` | {default} | {describe_values(field)} | {meaning} |"


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
