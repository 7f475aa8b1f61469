"""The templates that ship with the gateway, each a bot's folder (`gateway.flows.folder`)."""
