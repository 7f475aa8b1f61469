"""Yes and no, in the plain words of many languages and in signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from engine.answers.reading import UNKNOWN, Reading
from engine.folding import fold

MAX_YES_NO = 200
"""Code points of an answer; more is not plain."""

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "en": (
        "yes|y|yeah|yea|yep|yup|sure|ok|okay|of course|correct|right|true|please|yes please|absolutely|definitely|"
        "certainly|indeed|i do|agreed|that's right",
        "no|n|nope|nah|not now|no thanks|no thank you|never|false|not really|i don't|no way|wrong",
    ),
    "de": (
        "ja|jo|jawohl|klar|na klar|gerne|ja gerne|ja bitte|genau|richtig|stimmt|natürlich|sicher|einverstanden",
        "nein|nö|nee|ne|nein danke|nie|niemals|auf keinen fall|falsch|stimmt nicht",
    ),
    "es": ("sí|si|claro|por supuesto|vale|de acuerdo|correcto|sí por favor", "no|no gracias|nunca|para nada"),
    "fr": (
        "oui|ouais|bien sûr|d'accord|oui merci|exact|tout à fait|si|volontiers",
        "non|nan|non merci|jamais|pas du tout|pas maintenant",
    ),
    "it": ("sì|si|certo|certamente|va bene|d'accordo|esatto|sì grazie", "no|no grazie|mai|per niente"),
    "pt": ("sim|claro|com certeza|isso|sim por favor|tá bom", "não|nao|não obrigado|não obrigada|nunca"),
    "ca": ("sí|és clar|d'acord", "no|no gràcies"),
    "nl": ("ja|jawel|zeker|natuurlijk|ja graag|klopt|graag|oké", "nee|neen|nee bedankt|nee dank je|nooit"),
    "sv": ("ja|jo|japp|visst|absolut|ja tack", "nej|nä|nej tack|aldrig"),
    "da": ("ja|jo|jep|selvfølgelig|ja tak", "nej|næ|nej tak|aldrig"),
    "nb": ("ja|jo|jepp|selvfølgelig|ja takk", "nei|nei takk|aldri"),
    "is": ("já|jú", "nei"),
    "fi": ("kyllä|joo|juu|toki", "ei|en|ei kiitos"),
    "et": ("jah|jaa", "ei|ei aitäh"),
    "lv": ("jā", "nē"),
    "lt": ("taip", "ne"),
    "pl": ("tak|jasne|oczywiście|pewnie|zgoda|tak proszę", "nie|nie dziękuję|nigdy"),
    "cs": ("ano|jo|jasně|určitě", "ne|nikdy|ne děkuji"),
    "sk": ("áno|hej|jasné", "nie|nikdy|nie ďakujem"),
    "hu": ("igen|persze|természetesen", "nem|nem köszönöm|soha"),
    "ro": ("da|sigur|desigur", "nu|nu mulțumesc|niciodată"),
    "hr": ("da|naravno|može", "ne|ne hvala|nikad"),
    "sr": ("да|наравно|може", "не|не хвала|никад"),
    "bg": ("да|разбира се", "не|не благодаря"),
    "ru": ("да|ага|конечно|хорошо|верно|да пожалуйста", "нет|неа|нет спасибо|никогда"),
    "uk": ("так|звісно|звичайно|авжеж", "ні|ні дякую"),
    "el": ("ναι|βέβαια|σωστά|μάλιστα", "όχι|οχι|όχι ευχαριστώ|ποτέ"),
    "tr": ("evet|tabii|tamam|elbette|olur|EVET", "hayır|HAYIR|yok|olmaz|hayır teşekkürler"),
    "ar": ("نعم|أجل|ايوه|أيوه|بلى|طبعا|تمام|موافق", "لا|كلا|لا شكرا|أبدا"),
    "fa": ("بله|آره|بلی|حتما", "نه|خیر|نخیر|نه ممنون"),
    "he": ("כן|בטח|בסדר", "לא|לא תודה"),
    "ur": ("ہاں|جی ہاں|جی", "نہیں|جی نہیں"),
    "hi": ("हाँ|हां|जी|जी हाँ|जी हां|ठीक है|बिल्कुल", "नहीं|नही|जी नहीं|ना"),
    "bn": ("হ্যাঁ|হাঁ|জি", "না|জি না"),
    "ta": ("ஆம்|ஆமாம்", "இல்லை|வேண்டாம்"),
    "id": ("ya|iya|tentu|baik|boleh", "tidak|nggak|enggak|bukan|tidak terima kasih"),
    "sw": ("ndiyo|ndio", "hapana|la"),
    "vi": ("có|vâng|dạ|đúng|được", "không|không cảm ơn"),
    "th": ("ใช่|ใช่ครับ|ใช่ค่ะ|ได้|ตกลง", "ไม่|ไม่ใช่|ไม่ครับ|ไม่ค่ะ|ไม่เอา"),
    "ja": (
        "はい|うん|ええ|お願いします|はいお願いします|そうです|了解",
        "いいえ|いや|ううん|違います|結構です|いいえ結構です",
    ),
    "zh": (
        "是|是的|对|對|好|好的|可以|行|没错|當然|当然|要",
        "不|不是|不要|不用|没有|沒有|不行|不对|不對|否|不了|不用了",
    ),
    "ko": ("네|예|응|그래|좋아요|네 맞아요|맞아요", "아니요|아니오|아니|아뇨|싫어요|괜찮아요"),
}
_YES: Final = frozenset(fold(word) for yes, _ in _WORDS.values() for word in yes.split("|"))
_NO: Final = frozenset(fold(word) for _, no in _WORDS.values() for word in no.split("|"))
_YES_SIGNS: Final = frozenset("👍👌✅✔☑🆗🙆💯⭕")
_NO_SIGNS: Final = frozenset("👎❌✖✗✘🚫🙅🛑⛔❎")
_SKIN_TONES: Final = dict.fromkeys(range(0x1F3FB, 0x1F400))


def read_yes_no(text: str, reading: Reading = UNKNOWN) -> bool | None:
    """Yes or no, when the whole answer is a plain word or sign for it."""
    if len(text) > MAX_YES_NO:
        return None
    words = fold(text)
    if words in _YES:
        return True
    if words in _NO:
        return False
    signs = set(words.translate(_SKIN_TONES)) - {" "}
    if signs and signs <= _YES_SIGNS:
        return True
    return False if signs and signs <= _NO_SIGNS else None
