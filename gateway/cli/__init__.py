"""The command line: `gateway serve|migrate|doctor|keys|channel|bot|inbox`."""

from gateway.cli.main import main

__all__ = ["main"]
