"""The part that runs: settings, composition root, HTTP server, turn loop, delivery and the command line."""

__version__ = "0.1.0"
