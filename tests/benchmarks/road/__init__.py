"""The road under load: the gateway beside hand-written servers that make the same durable writes."""
