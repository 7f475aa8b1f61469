"""English words as data, for the lexical side of understanding: general to commerce and support, tied to no bot.

Four small tables: function words (no topic), question words (a little), concepts (the several words that
customers and bot builders use for one thing) and two-word phrases that mean one word of the concepts. An
ambiguous word stays out ("card", "order", "exchange"): a wrong synonym costs more than a missing one. A word
of another language still matches by itself and by its stem. `docs/decisions/0005-intent-confidence.md` says
what the concepts are worth.
"""

from __future__ import annotations


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split())


FUNCTION_WORDS = _words(
    "a an the this that these those here there i me my mine myself we us our ours you your yours he him his",
    "she her hers it its they them their theirs one ones something anything nothing everything thing things",
    "someone anyone everyone somebody anybody some any all each every both either neither another other such",
    "same own am is are was were be been being do does did done doing have has had having will would shall",
    "should can could may might must ought im ive id ill dont cant wont",
    "and or but if so than then because while as of at by for with about into onto from to in",
    "once twice already still yet just only also too very really quite much many most few little lot bit now",
    "please pls plz kindly want wanna need needs let lets get gets got getting give tell say know see go going",
    "gonna make not good morning afternoon evening night hello hi hey day today",
)

LIGHT_WORDS = _words(
    "what which who whom whose when where why how",
    "problem problems issue issues trouble question questions inquiry inquiries enquiry query request requests",
)

# One line is one thing; its first word stands for all of them. Inflected forms that the stemmer reaches
# ("charged", "items") need no entry. A word stands in one line only.
CONCEPTS: tuple[tuple[str, ...], ...] = tuple(
    tuple(line.split())
    for line in (
        "buy bought purchase sell sold sale shop shopping acquire",
        "products item merchandise catalogue catalog assortment article",
        "help assist assistance support aid",
        "broken broke break fault faulty defect defective damaged crash bug glitch error fail failure"
        " malfunction repair fix mend",
        "payment pay paid bill billing invoice charge debit refund reimburse reimbursement",
        "price pricing cost expensive cheap fee tariff",
        "delivery deliver ship shipping shipment shipped dispatch courier",
        "package parcel",
        "cancel cancelled cancelling cancellation terminate unsubscribe",
        "login logon signin",
        "person human agent representative operator advisor adviser",
        "booking book reserve reservation schedule",
        "appointment meeting visit",
        "location located directions",
    )
)

# Two neighbouring words that stand for one. "not" is any negation: don't, cannot, isn't.
PHRASES: dict[tuple[str, str], str] = {
    ("not", "work"): "broken",
    ("not", "working"): "broken",
    ("stopped", "working"): "broken",
    ("not", "start"): "broken",
    ("not", "load"): "broken",
    ("how", "much"): "price",
    ("money", "back"): "refund",
    ("send", "back"): "return",
    ("give", "back"): "return",
    ("log", "in"): "login",
    ("logged", "in"): "login",
    ("sign", "in"): "login",
}
