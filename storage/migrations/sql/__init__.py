"""SQL of the revisions, one module each."""
