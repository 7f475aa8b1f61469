"""`gateway doctor`: checks the settings and everything that they lead to, and says how to mend what it finds."""

from gateway.doctor.diagnosis import diagnose
from gateway.doctor.finding import FAIL, OK, WARN, Finding

__all__ = ["FAIL", "OK", "WARN", "Finding", "diagnose"]
