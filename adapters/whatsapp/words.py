"""The few words that WhatsApp wants and a flow does not say: what is on the button that opens a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_CHOOSE: Final[Mapping[str, str]] = {
    "ar": "اختر",
    "de": "Auswählen",
    "en": "Choose",
    "es": "Elegir",
    "fr": "Choisir",
    "hi": "चुनें",
    "id": "Pilih",
    "it": "Scegli",
    "ja": "選択",
    "ko": "선택",
    "nl": "Kiezen",
    "pl": "Wybierz",
    "pt": "Escolher",
    "ru": "Выбрать",
    "sv": "Välj",
    "tr": "Seç",
    "uk": "Обрати",
    "zh": "选择",
}


def choose(language: str) -> str:
    """The words on a list's button, in the language of an IETF tag; English for one that is not known."""
    return _CHOOSE.get(language.partition("-")[0].partition("_")[0].lower(), _CHOOSE["en"])
