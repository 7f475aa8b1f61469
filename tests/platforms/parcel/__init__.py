"""A small platform of our own: for what delivery promises on any platform, whatever that platform is like."""

from tests.platforms.parcel.adapter import CAPABILITIES, ParcelAdapter, report
from tests.platforms.parcel.server import Delivered, MockParcel

__all__ = ["CAPABILITIES", "Delivered", "MockParcel", "ParcelAdapter", "report"]
