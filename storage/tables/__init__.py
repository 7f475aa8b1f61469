"""The schema as SQLAlchemy Core tables, for queries. The migrations make it; a test holds the two together."""

from storage.tables.accounts import audit_log, organizations, users
from storage.tables.base import AnyRow, Json, metadata
from storage.tables.bots import channels, chatbots, conversation_flows, deployment_configs
from storage.tables.conversations import conversations, customer_identities, customers, messages
from storage.tables.work import effects, inbox

__all__ = [
    "AnyRow",
    "Json",
    "audit_log",
    "channels",
    "chatbots",
    "conversation_flows",
    "conversations",
    "customer_identities",
    "customers",
    "deployment_configs",
    "effects",
    "inbox",
    "messages",
    "metadata",
    "organizations",
    "users",
]
