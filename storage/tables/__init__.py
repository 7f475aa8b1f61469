"""The schema as SQLAlchemy Core tables, for queries. The migrations make it; a test holds the two together."""

from storage.tables.accounts import audit_log, organizations, users
from storage.tables.base import AnyRow, Json, metadata
from storage.tables.bots import (
    channels,
    chatbot_templates,
    chatbots,
    conversation_flows,
    deployment_configs,
    message_templates,
    secrets,
    template_sends,
)
from storage.tables.conversations import (
    conversations,
    customer_identities,
    customer_merges,
    customers,
    messages,
)
from storage.tables.interactions import consents, user_interactions
from storage.tables.media import media
from storage.tables.work import effects, inbox

__all__ = [
    "AnyRow",
    "Json",
    "audit_log",
    "channels",
    "chatbot_templates",
    "chatbots",
    "consents",
    "conversation_flows",
    "conversations",
    "customer_identities",
    "customer_merges",
    "customers",
    "deployment_configs",
    "effects",
    "inbox",
    "media",
    "message_templates",
    "messages",
    "metadata",
    "organizations",
    "secrets",
    "template_sends",
    "user_interactions",
    "users",
]
