"""What the doctor says of the media store: it is tried, not believed."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from gateway.doctor.finding import FAIL, OK, Finding, Report
from gateway.doctor.media import check_media
from gateway.settings import Settings


async def examine(settings: Settings) -> Finding:
    report = Report()
    with report.guard("media store", "Mend GATEWAY_MEDIA_URL, or the folder's owner"):
        await check_media(report, settings)
    (finding,) = report.findings
    return finding


async def test_a_file_is_written_read_and_removed(tmp_path: Path) -> None:
    finding = await examine(Settings(data_dir=tmp_path))
    assert (finding.state, finding.message) == (OK, "a folder: a file was written, read and removed")
    assert not [path for path in (tmp_path / "media").rglob("*") if path.is_file()]


async def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    finding = await examine(Settings(media_url=SecretStr(f"file://{tmp_path}/file/media")))
    assert finding.state == FAIL


async def test_a_bucket_that_does_not_answer_is_told_without_its_secret(tmp_path: Path) -> None:
    url = "s3://KEY:topsecretvalue@127.0.0.1:9/bucket?region=eu-central-1&tls=off"
    finding = await examine(Settings(media_url=SecretStr(url)))
    assert finding.state == FAIL
    assert "topsecretvalue" not in finding.message + finding.mend
