"""Delivery: effects leave after their turn's commit, in order for each conversation, with nothing locked."""
