"""Deployment configs: the documents' own examples are taken whole, and whatever is wrong is said at once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.channel_config import with_approved
from gateway.deployments import PLATFORMS, Deployment, read_deployment
from gateway.errors import ConfigurationError
from gateway.redaction import redact_text

EXAMPLES = Path("tests/data/deployments")
SECRETS = {
    "session_secret": "a session secret that is long enough",
    "access_token": "EAAG-access-token",
    "app_secret": "app-secret-value",
    "verify_token": "verify-token-value",
    "bot_token": "4242:bot-token-value",
    "secret_token": "secret-token-value",
    "signing_secret": "signing-secret-value",
    "app_token": "xapp-token-value",
}


def example(platform: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EXAMPLES / f"{platform}.json").read_text())
    return document


def refused(platform: str, document: dict[str, Any], secrets: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        read_deployment(platform, document, SECRETS if secrets is None else secrets, place="channel.json")
    return [str(problem) for problem in caught.value.problems]


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Every value of a document by its pointer."""
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in leaves(item, f"{path}/{key}").items()}
    if isinstance(value, list):
        return {k: v for index, item in enumerate(value) for k, v in leaves(item, f"{path}/{index}").items()}
    return {path: value}


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_the_documents_example_is_taken_whole(platform: str) -> None:
    deployment = read_deployment(platform, example(platform), SECRETS)
    stored = leaves(deployment.config)
    for path, value in leaves(example(platform)).items():
        if path in deployment.secret_paths:
            assert stored[path] == SECRETS[path.rpartition("/")[2]]
        else:
            assert stored[path] == value, path


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_every_secret_of_the_example_is_known_as_one(platform: str) -> None:
    encrypted = {
        path for path, value in leaves(example(platform)).items() if str(value).startswith("encrypted:")
    }
    deployment = read_deployment(platform, example(platform), SECRETS)
    assert encrypted <= set(deployment.secret_paths)
    assert len(deployment.secret_paths) >= 1


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_an_encrypted_secret_of_another_channel_is_asked_for(platform: str) -> None:
    problems = refused(platform, example(platform), {})
    names = {problem.partition(":")[0].rpartition("/")[2] for problem in problems}
    assert names == set(PLATFORMS[platform].required_secrets)
    assert all("is needed and not there" in problem for problem in problems)


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", "4242:from-the-environment")
    document = {"bot_configuration": {"bot_token": "env:MY_TOKEN"}, "webhook_setup": {"secret_token": "x"}}
    config = read_deployment("telegram", document, {}).config
    assert config["bot_configuration"]["bot_token"] == "4242:from-the-environment"
    assert redact_text("4242:from-the-environment") != "4242:from-the-environment"
    monkeypatch.delenv("MY_TOKEN")
    (first, *_) = refused("telegram", document, {})
    assert first == (
        "channel.json/bot_configuration/bot_token: the variable MY_TOKEN is not set. Set MY_TOKEN."
    )


@pytest.mark.parametrize(
    ("platform", "path", "value", "problem"),
    [
        ("telegram", "bot_fetures", {}, ": there is no such setting. Did you mean bot_features?"),
        ("whatsapp", "compliance/opt_out", [], ": there is no such setting. Did you mean opt_out_keywords?"),
        (
            "whatsapp",
            "media_settings/max_file_size",
            "16 bananas",
            ": is no size; write it as 16MB or 512KB. Correct it.",
        ),
        (
            "whatsapp",
            "authentication",
            [],
            ": input should be a valid dictionary or instance of Authentication.",
        ),
        ("whatsapp", "compliance/rate_limiting/marketing_messages", "lots", "/"),
        ("slack", "event_delivery", "pigeon", ": input should be 'events_api' or 'socket_mode'. Correct it."),
        ("slack", "api_base", "ftp://x", ": is no address; write https://…. Correct it."),
        ("web", "security/allowed_domains", ["https://example.com"], "/0:"),
        (
            "telegram",
            "bot_features/commands",
            [{"command": "Not Good", "description": "x"}],
            "/0/command: string should match pattern",
        ),
        ("telegram", "bot_configuration/about", "x" * 121, ": string should have at most 120 characters."),
    ],
)
def test_what_is_wrong_is_told_with_place_and_mend(
    platform: str, path: str, value: Any, problem: str
) -> None:
    document = value
    for key in reversed(path.split("/")):
        document = {key: document}
    told = refused(platform, document)
    assert any(line.startswith(f"channel.json/{path}{problem}") for line in told), told


def test_everything_that_is_wrong_is_told_at_once() -> None:
    document = {"bot_features": {"group_mode": "maybe", "inline": True}, "nonsense": 1}
    places = [told.partition(":")[0] for told in refused("telegram", document)]
    assert sorted(places) == [
        "channel.json/bot_features/group_mode",
        "channel.json/bot_features/inline",
        "channel.json/nonsense",
    ]


def test_no_message_quotes_a_value() -> None:
    document = {"authentication": {"access_token": ["very", "secret"], "app_secret": {"a": "secret-inside"}}}
    told = "".join(refused("whatsapp", document, {}))
    assert "/authentication/access_token: input should be a valid string" in told
    assert "secret-inside" not in told and "very" not in told
    assert "token-value" not in repr(read_deployment("slack", {}, SECRETS))


def test_the_read_document_is_not_the_one_given() -> None:
    document = example("telegram")
    deployment: Deployment = read_deployment("telegram", document, SECRETS)
    deployment.config["webhook_setup"]["webhook_url"] = "https://changed"
    assert document == example("telegram")


def test_templates_are_as_the_platform_has_them() -> None:
    named: dict[str, Any] = {
        "welcome": {"name": "welcome_v2", "language": "en_US", "status": "PENDING", "components": []},
        "gone": {"name": "gone_v1", "language": "en_US", "status": "APPROVED"},
    }
    approved: list[Any] = [
        {"name": "welcome_v2", "language": "en_US", "status": "APPROVED", "components": [{"type": "BODY"}]},
        {"name": "welcome_v2", "language": "de", "status": "REJECTED", "components": []},
    ]
    known = with_approved(named, approved)
    assert known["welcome"]["status"] == "APPROVED"
    assert known["welcome"]["components"] == [{"type": "BODY"}]
    assert known["gone"]["status"] == "APPROVED"
    assert known["welcome_v2"]["language"] == "en_US"
    assert known["welcome_v2/de"]["status"] == "REJECTED"
