"""The website widget's channel: session tokens, socket frames, and what a widget can show."""
