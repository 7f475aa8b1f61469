"""What is shipped: the wheel works away from the checkout, the container files keep their promises."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-build-isolation"] if importlib.util.find_spec("hatchling") else []
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    done = run(*pip, "wheel", "--quiet", "--no-deps", *options, "--wheel-dir", folder, REPOSITORY, cwd=folder)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment in which only the wheel brings our packages (libraries are borrowed)."""
    environment = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", environment, cwd=environment)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    done = run(
        *pip, "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=environment
    )
    assert done.returncode == 0, done.stderr
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=environment)
    # A .pth file inside a folder that a .pth file adds is not read: the checkout stays out.
    (Path(site.stdout.strip()) / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin"


def test_the_wheel_holds_the_packages_and_their_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {
        "gateway", "adapters", "engine", "storage", "widget",
    }  # fmt: skip
    data = {
        str(path.relative_to(REPOSITORY))
        for package in ("storage", "gateway", "engine", "adapters", "widget/dist")
        for path in (REPOSITORY / package).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", "")
    }
    assert data <= names
    assert not any(name.startswith(("widget/src", "widget/node_modules")) for name in names)


def test_the_installed_command_works_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    done = run(installed / "gateway", "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for command in ("serve", "migrate", "doctor", "keys", "channel", "bot", "inbox"):
        assert re.search(rf"^\s*{command}\b", done.stdout, re.MULTILINE)
    version = run(installed / "python", "-m", "gateway", "--version", cwd=tmp_path)
    assert version.stdout.startswith("channel-gateway ")


@pytest.mark.parametrize("name", ["engine", "adapters", "storage", "widget"])
def test_a_package_that_resolves_elsewhere_is_named(installed: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('the wrong one')\n")
    done = run(installed / "gateway", "doctor", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"Error: package {name}: resolves to {tmp_path.resolve() / name}, not to ")
    assert "virtual environment of its own" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_module_of_our_packages_name_is_named_too(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "engine.py").write_text("")
    done = run(installed / "gateway", "doctor", cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "package engine: resolves to " in done.stderr


def test_the_image_runs_as_an_ordinary_user_without_build_tools() -> None:
    build, runtime = (REPOSITORY / "Dockerfile").read_text().split("\nFROM ")[1:]
    assert re.search(
        r"^ARG PYTHON_IMAGE=python:3\.\d+-slim-\w+$", (REPOSITORY / "Dockerfile").read_text(), re.M
    )
    assert "pip uninstall --yes pip" in build
    assert not re.search(r"apt-get|\bpip\b|gcc", runtime)
    user = re.search(r"^USER (\S+)$", runtime, re.M)
    assert user is not None
    assert user[1].split(":")[0] not in ("root", "0")
    assert "/healthz" in runtime.split("HEALTHCHECK")[1]
    assert runtime.rstrip().endswith('ENTRYPOINT ["gateway"]\nCMD ["serve"]')


def test_the_health_check_of_the_image_is_python_that_compiles() -> None:
    runtime = (REPOSITORY / "Dockerfile").read_text().split("HEALTHCHECK")[1]
    found = re.search(r'CMD \["python", "-c", "(.+)"\]', runtime)
    assert found is not None
    compile(found[1], "Dockerfile", "exec")


def test_everything_that_the_image_copies_is_sent_to_the_builder() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (REPOSITORY / "Dockerfile").read_text(), re.M)
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    assert copied
    for name in " ".join(copied).split():
        assert (REPOSITORY / name).exists(), name
        assert f"!{name}" in ignored


def test_compose_has_no_default_password_and_two_replicas() -> None:
    text = (REPOSITORY / "compose.yaml").read_text()
    secrets = re.findall(r"\$\{(\w*(?:PASSWORD|KEYS|TOKEN|SECRET)\w*)([^}]*)\}", text)
    assert {name for name, _ in secrets} == {
        "POSTGRES_PASSWORD",
        "VALKEY_PASSWORD",
        "GATEWAY_ENCRYPTION_KEYS",
    }
    assert all(rest.startswith(":?") for _, rest in secrets)
    assert re.search(r"replicas: 2$", text, re.M)
    assert {"postgres", "valkey", "migrate", "gateway"} <= set(re.findall(r"^  (\w+):$", text, re.M))
    assert "\t" not in text


def test_variables_of_compose_that_look_like_settings_are_settings() -> None:
    """Compose's .env stands where the gateway looks for its own: it must not find unknown names there."""
    from gateway.settings import Settings, env_name

    known = {env_name(field) for field in Settings.model_fields}
    assert set(re.findall(r"GATEWAY_\w+", (REPOSITORY / "compose.yaml").read_text())) <= known
