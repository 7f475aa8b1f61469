"""The circumstances of a WhatsApp message: what it answers, that it was forwarded, which ad led to it."""

from __future__ import annotations

from adapters.reading import Object, string
from engine.events import Context, Referral


def context_of(message: Object) -> Context | None:
    """The context of a message; None when there is nothing to say."""
    given = message.get("context")
    context = given if type(given) is dict else {}
    group = bool(string(message, "group_id"))
    forwarded = context.get("forwarded") is True or context.get("frequently_forwarded") is True
    found = Context(
        reply_to=string(context, "id"),
        forwarded=forwarded,
        place="group" if group else "private",
        referral=_ad(message.get("referral")) or _product(context.get("referred_product")),
    )
    return None if found == _NOTHING else found


_NOTHING = Context()


def _ad(referral: object) -> Referral | None:
    """The ad or post whose button opened the chat."""
    if type(referral) is not dict:
        return None
    return Referral(
        source=string(referral, "source_type") or "ad",
        id=string(referral, "source_id"),
        url=string(referral, "source_url"),
        headline=string(referral, "headline"),
        text=string(referral, "body"),
        payload=string(referral, "ctwa_clid"),
    )


def _product(product: object) -> Referral | None:
    """The product of the catalogue that the customer asks about."""
    if type(product) is not dict:
        return None
    return Referral(
        source="product",
        id=string(product, "product_retailer_id"),
        payload=string(product, "catalog_id"),
    )
