"""From a stored channel to what its adapter may know: secrets decrypted and apart, everything else as settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from adapters.protocol import ChannelAccess
from gateway.redaction import redact
from storage.encryption import Binding, decrypt_config, key_id_of
from storage.keyring import Keyring
from storage.routing import StoredChannel


def access_of(stored: StoredChannel, keyring: Keyring, defaults: Mapping[str, Any]) -> ChannelAccess:
    """Every encrypted value becomes a secret named like its key (`bot_token`); the channel's own settings win
    over its platform configuration, and that over `defaults`. Raises `DecryptionFailed`.
    """
    config: dict[str, Any] = msgspec.json.decode(stored.platform_config) if stored.platform_config else {}
    secrets: dict[str, str] = {}
    if stored.config_id is not None:
        binding = Binding(
            organization_id=stored.organization_id,
            table="deployment_configs",
            row_id=stored.config_id,
            column="platform_config",
        )
        _collect(config, decrypt_config(config, keyring, binding), secrets)
    for secret in secrets.values():
        redact(secret)
    settings = {**defaults, **_without_secrets(config), **msgspec.json.decode(stored.settings)}
    if stored.templates is not None:
        settings["message_templates"] = with_approved(
            settings.get("message_templates", {}), msgspec.json.decode(stored.templates)
        )
    return ChannelAccess(channel_id=stored.id, secrets=secrets, settings=settings)


def with_approved(
    named: Mapping[str, Mapping[str, Any]], approved: Sequence[Mapping[str, Any]]
) -> dict[str, Mapping[str, Any]]:
    """The templates that the channel's document names by key, as the platform has them; and all others that the
    platform has, by `name` (the first language) and by `name/language`."""
    by_name: dict[str, Mapping[str, Any]] = {}
    for template in approved:
        by_name.setdefault(template["name"], template)
        by_name[f"{template['name']}/{template['language']}"] = template
    known = {
        key: {**template, **by_name.get(f"{template.get('name')}/{template.get('language')}", {})}
        for key, template in named.items()
    }
    return {**by_name, **known}


def _collect(stored: Any, plain: Any, secrets: dict[str, str]) -> None:
    """Gather what is encrypted in `stored`, from its decrypted twin."""
    items = stored.items() if isinstance(stored, dict) else enumerate(stored)
    for key, value in items:
        if isinstance(value, dict | list):
            _collect(value, plain[key], secrets)
        elif key_id_of(value) is not None:
            secrets[str(key)] = plain[key]


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_secrets(item) for key, item in value.items() if key_id_of(item) is None}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value if key_id_of(item) is None]
    return value
