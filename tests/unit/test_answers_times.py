"""Times of day, as people write them."""

from __future__ import annotations

import pytest

from engine.answers import read_time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("14:30", "14:30"), ("9:05", "09:05"), ("14.30", "14:30"), ("10:15:20", "10:15"), ("1430", "14:30"),
        ("0:15", "00:15"), ("24:00", "00:00"), ("１４：３０", "14:30"), ("٢:٣٠", "02:30"),
        ("2pm", "14:00"), ("2 PM", "14:00"), ("2:30 pm", "14:30"), ("2 p.m.", "14:00"), ("12 am", "00:00"),
        ("12pm", "12:00"), ("12:30 am", "00:30"), ("11:59pm", "23:59"), ("3 in the afternoon", "15:00"),
        ("at 5 o'clock", "05:00"), ("at 5 o’clock", "05:00"), ("3 at night", "03:00"), ("10 at night", "22:00"),
        ("14 Uhr", "14:00"), ("14 Uhr 30", "14:30"), ("um 14:30 Uhr", "14:30"), ("8 Uhr abends", "20:00"),
        ("3 Uhr nachts", "03:00"), ("14h30", "14:30"), ("14h", "14:00"), ("14 h 30 min", "14:30"),
        ("à 14 heures", "14:00"), ("a las 3 de la tarde", "15:00"), ("12 de la noche", "00:00"), ("14 uur", "14:00"),
        ("alle ore 15", None), ("alle 15.30", "15:30"), ("9 утра", "09:00"), ("в 15 часов", "15:00"),
        ("saat 14:30", "14:30"), ("٢:٣٠ م", "14:30"), ("下午2点", "14:00"), ("下午2点半", "14:30"),
        ("14時30分", "14:30"), ("午後2時", "14:00"), ("오후 2시 30분", "14:30"),
        ("noon", "12:00"), ("Midnight!", "00:00"), ("Mitternacht", "00:00"), ("à midi", "12:00"),
        ("medianoche", "00:00"), ("mezzogiorno", "12:00"), ("meia-noite", "00:00"), ("północ", "00:00"),
        ("öğlen", "12:00"), ("полдень", "12:00"), ("正午", "12:00"),
        ("9", None), ("at 5", None), ("14", None), ("25:00", None), ("14:60", None), ("24:01", None), ("13 am", None),
        ("0 pm", None), ("26 pm", None), ("am 3 pm", None), ("2560", None), ("123", None), ("soon", None), ("", None),
        ("1" * 51, None), ("14:30 15:30", None),
    ],
)  # fmt: skip
def test_times(text: str, time: str | None) -> None:
    assert read_time(text) == time
