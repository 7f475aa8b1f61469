"""What an operator does to a gateway, apart from how it is asked for: used by the command line."""
