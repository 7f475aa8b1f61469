"""The HTTP side: webhooks, health, metrics. `aiohttp.web` appears in this package and in `gateway.web` alone."""
