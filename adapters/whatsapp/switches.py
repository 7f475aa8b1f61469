"""What a channel's `business_features` switch off, and what its messages become then.

| Setting                                    | then                                                               |
|--------------------------------------------|--------------------------------------------------------------------|
| `interactive_buttons` false                | choices are a list, however few                                     |
| `list_messages` false                      | up to 3 reply buttons; further and long choices are numbered        |
| both false, or `quick_replies` false       | choices are numbered in the text                                    |
| `location_sharing` false                   | places are written out, and asked for in words                      |
| `contact_sharing` false                    | contacts are written out, and asked for in words                    |

`catalog_integration` and `payment_integration` switch nothing: the gateway sends neither products nor payments.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import structs

from adapters.capabilities import Capabilities, Feature, Outbound, fallback, native
from adapters.whatsapp.capabilities import BUTTON_ID, BUTTON_TITLE, BUTTONS, CAPABILITIES

_WRITTEN: Final = fallback("written out")
_ASKED: Final = fallback("asked in words")


class Switches(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Which forms a channel uses."""

    buttons: bool = True
    lists: bool = True
    locations: bool = True
    contacts: bool = True


ALL: Final = Switches()


def switches_of(settings: Mapping[str, Any]) -> Switches:
    """What the settings say; what they do not, is on."""
    features = settings.get("business_features")
    if not isinstance(features, Mapping):
        return ALL
    choices = features.get("quick_replies") is not False
    return Switches(
        buttons=choices and features.get("interactive_buttons") is not False,
        lists=choices and features.get("list_messages") is not False,
        locations=features.get("location_sharing") is not False,
        contacts=features.get("contact_sharing") is not False,
    )


def capabilities_for(settings: Mapping[str, Any]) -> Capabilities:
    """WhatsApp's table, as far as the channel uses it."""
    on = switches_of(settings)
    if on == ALL:
        return CAPABILITIES
    less: dict[Outbound, Feature] = {}
    if not on.buttons:
        less["choices"] = native("a list of 10 rows") if on.lists else fallback("numbered in the text")
    elif not on.lists:
        less["choices"] = native("3 reply buttons; more are numbered in the text")
    if not on.locations:
        less |= {"location": _WRITTEN, "request_location": _ASKED}
    if not on.contacts:
        less |= {"contact": _WRITTEN, "request_contact": _ASKED}
    table = structs.replace(CAPABILITIES, sends={**CAPABILITIES.sends, **less})
    if on.lists or not on.buttons:
        return table
    return structs.replace(
        table, choice_title=BUTTON_TITLE, choice_id=BUTTON_ID, choice_count=BUTTONS, choice_page=BUTTONS
    )
