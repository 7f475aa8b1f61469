"""What a page has to hold for the widget to appear on it: the lines to paste, and what its policy has to allow."""

from __future__ import annotations

from html import escape

from gateway.web.appearance import WebSettings


def embed_lines(base: str, route: str, settings: WebSettings) -> list[str]:
    """The lines for the page of a channel. `base`: the address at which visitors reach the gateway, without a path."""
    embedding = settings.embed_configuration
    src = escape(f"{base}/widget.js")
    lines = [f'<link rel="preload" href="{src}" as="script">'] if embedding.preload else []
    loading = " async" if embedding.async_loading else ""
    return [*lines, f'<script src="{src}" data-bot-id="{escape(route)}"{loading}></script>']


def policy_header(base: str, settings: WebSettings) -> str:
    """The content security policy of a page that shows the widget: the site's directives and what the widget needs."""
    policy = settings.security.policy(base)
    return "Content-Security-Policy: " + "; ".join(f"{name} {sources}" for name, sources in policy.items())
