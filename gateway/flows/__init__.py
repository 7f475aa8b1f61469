"""Flow files: reading them, finding places in them, and drawing what they say."""
