"""The settings: what they are by default, where they come from, and how a wrong one is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.redaction import redact_text
from gateway.settings import Settings, env_name, load_settings
from gateway.settings_docs import settings_markdown

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clean_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and an environment without the gateway's variables."""
    for name in list(os.environ):
        if name.startswith("GATEWAY_") or name in ("DATABASE_URL", "REDIS_URL"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusals(**overrides: object) -> dict[str, str]:
    """What `load_settings` complains about: place → message and mend."""
    with pytest.raises(ConfigurationError) as caught:
        load_settings(**overrides)
    return {problem.place: f"{problem.message} | {problem.mend}" for problem in caught.value.problems}


def test_nothing_set_runs_locally_with_embedded_servers() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 1)
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.max_body_bytes == 4 * 1024 * 1024


def test_sources_win_in_the_documented_order(clean_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (clean_place / "gateway.toml").write_text(
        "port = 1001\nworkers = 2\nturn_lanes = 3\nlog_level = 'debug'\n"
    )
    (clean_place / ".env").write_text("GATEWAY_PORT=1002\nGATEWAY_WORKERS=3\nGATEWAY_TURN_LANES=4\nOTHER=x\n")
    monkeypatch.setenv("GATEWAY_PORT", "1003")
    monkeypatch.setenv("GATEWAY_WORKERS", "4")
    settings = load_settings(port=1004)
    assert (settings.port, settings.workers, settings.turn_lanes, settings.log_level) == (1004, 4, 4, "debug")


def test_an_option_that_was_not_given_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "9000")
    assert load_settings(port=None).port == 9000


def test_another_toml_file_is_named_by_gateway_config(
    clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clean_place / "production.toml"
    path.write_text('database_url = "postgresql://bot:geheim12@db/bot"\n')
    monkeypatch.setenv("GATEWAY_CONFIG", str(path))
    settings = load_settings()
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value() == "postgresql://bot:geheim12@db/bot"
    assert "geheim12" not in repr(settings) + str(settings) + settings.model_dump_json()


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("GATEWAY_PORT", "")
    settings = load_settings()
    assert (settings.database_url, settings.port) == (None, 8080)


def test_every_wrong_setting_is_named_at_once_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "99999")
    monkeypatch.setenv("GATEWAY_METRICS", "perhaps")
    monkeypatch.setenv("GATEWAY_LOG_FORMAT", "xml")
    monkeypatch.setenv("GATEWAY_LEASE_SECONDS", "1")
    found = refusals()
    assert found["GATEWAY_PORT"].endswith("(it is '99999') | Set it to a whole number from 1 to 65535")
    assert found["GATEWAY_METRICS"].endswith("| Set it to true or false")
    assert found["GATEWAY_LOG_FORMAT"].endswith("| Set it to json or console")
    assert found["GATEWAY_LEASE_SECONDS"].endswith("| Set it to a number from 5 to 600")


def test_a_refused_secret_is_not_echoed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://bot:geheim12@db/bot")
    monkeypatch.setenv("REDIS_URL", "redis://:geheim12@host:port/0")
    found = refusals()
    assert "postgresql://user:" in found["DATABASE_URL"]
    assert "redis://host:6379/0" in found["REDIS_URL"]
    assert "geheim12" not in str(found)


def test_wrong_encryption_keys_are_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_ENCRYPTION_KEYS", "k1:Z2VoZWltMTI=")
    found = refusals()["GATEWAY_ENCRYPTION_KEYS"]
    assert "the key k1 has 8 bytes, AES-256 takes 32 | Make a key with: gateway keys generate" in found
    assert "Z2VoZWltMTI" not in found


def test_the_secrets_of_the_settings_are_masked_wherever_they_turn_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://bot:v%C3%A9ry-gehe1m@db/bot")
    monkeypatch.setenv("GATEWAY_ENCRYPTION_KEYS", "k1:" + "QUJD" * 10 + "QUI=")
    assert load_settings().database_url is not None
    assert redact_text("véry-gehe1m") == redact_text("v%C3%A9ry-gehe1m") == "[redacted]"
    assert "QUJD" not in redact_text("key " + "QUJD" * 10 + "QUI=")


@pytest.mark.parametrize(
    ("variable", "nearest"),
    [
        ("GATEWAY_POORT", "GATEWAY_PORT"),
        ("GATEWAY_WORKER_COUNT", "GATEWAY_WORKERS"),
        ("GATEWAY_DATABASE_URL", "DATABASE_URL"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_name(
    variable: str, nearest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    assert f"Did you mean {nearest}?" in refusals()[variable]


def test_an_unknown_name_in_a_file_is_refused(clean_place: Path) -> None:
    (clean_place / ".env").write_text("GATEWAY_POORT=1\n")
    (clean_place / "gateway.toml").write_text("prot = 1\n")
    found = refusals()
    assert "Did you mean GATEWAY_PORT?" in found["GATEWAY_POORT in .env"]
    assert "Did you mean port?" in found["prot in gateway.toml"]


def test_a_wrong_value_in_a_file_is_named_with_the_file(clean_place: Path) -> None:
    (clean_place / ".env").write_text("GATEWAY_WORKERS=0\n")
    (clean_place / "gateway.toml").write_text("port = 'x'\n")
    assert set(refusals()) == {"GATEWAY_WORKERS in .env", "port in gateway.toml (GATEWAY_PORT)"}


def test_a_broken_or_missing_file_is_refused(clean_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (clean_place / "gateway.toml").write_text("port: 8080\n")
    assert "is no TOML" in refusals()["gateway.toml"]
    monkeypatch.setenv("GATEWAY_CONFIG", "absent.toml")
    assert "there is no file absent.toml" in refusals()["GATEWAY_CONFIG"]


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://bot.example.org", "over https only"),
        ("bot.example.org", "no https URL"),
        ("https://bot.example.org/?x=1", "a query"),
        ("https://ana:geheim12@bot.example.org", "a user"),
    ],
)
def test_a_public_url_that_no_platform_can_call_is_refused(url: str, complaint: str) -> None:
    found = refusals(public_url=url)["--public-url (GATEWAY_PUBLIC_URL)"]
    assert complaint in found
    assert "geheim12" not in found


@pytest.mark.parametrize("url", ["https://bot.example.org/", "https://bot.example.org"])
def test_a_public_url_loses_its_last_slash(url: str) -> None:
    assert load_settings(public_url=url).public_url == "https://bot.example.org"


def test_variables_of_kubernetes_are_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("GATEWAY_PORT_8080_TCP_ADDR", "10.0.0.1")
    assert load_settings().port == 8080
    monkeypatch.setenv("GATEWAY_PORT", "tcp://10.0.0.1:8080")
    assert "enableServiceLinks" in refusals()["GATEWAY_PORT"]


def test_every_setting_says_what_it_means() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name


def test_units_stand_in_the_name_or_the_description() -> None:
    numbers = {name for name, field in Settings.model_fields.items() if field.annotation is float}
    assert numbers == {name for name in numbers if name.endswith("_seconds")}
    assert env_name("database_url") == "DATABASE_URL"


def test_the_settings_page_is_fresh() -> None:
    page = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == settings_markdown(), "run: make docs"
