"""The statements of revision 0002, in order. Never changed once released."""

from __future__ import annotations

VARIABLES = (
    "ALTER TABLE customers ADD COLUMN variables jsonb NOT NULL DEFAULT '{}', ADD COLUMN opted_out_at timestamptz",
    "ALTER TABLE chatbots ADD COLUMN variables jsonb NOT NULL DEFAULT '{}'",
)

DROP_VARIABLES = (
    "ALTER TABLE chatbots DROP COLUMN variables",
    "ALTER TABLE customers DROP COLUMN opted_out_at, DROP COLUMN variables",
)

# Turns write them, so they carry no foreign keys (decision 0002).
INTERACTIONS = (
    """
CREATE TABLE user_interactions (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    chatbot_id uuid NOT NULL,
    interaction_type text NOT NULL CHECK (interaction_type IN ('track', 'feedback', 'consent', 'priority')),
    name text NOT NULL,
    interaction_data jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at)
""",
    "CREATE INDEX idx_user_interactions_chatbot_created ON user_interactions (chatbot_id, created_at)",
    "CREATE TABLE user_interactions_default PARTITION OF user_interactions DEFAULT",
    "ALTER TABLE user_interactions_default ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE user_interactions_default FORCE ROW LEVEL SECURITY",
)

FIRST_PARTITIONS = """
DO $partitions$
DECLARE
    month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    partition text;
BEGIN
    FOR ahead IN 0..2 LOOP
        partition := 'user_interactions_' || to_char(month, 'YYYY_MM');
        EXECUTE format('CREATE TABLE %I PARTITION OF user_interactions FOR VALUES FROM (%L) TO (%L)', partition,
            month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', partition);
        month := month + interval '1 month';
    END LOOP;
END
$partitions$
"""

# A proof outlives the bot, the channel and the conversation that it names: only the tenant takes it along.
CONSENTS = (
    """
CREATE TABLE consents (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    customer_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    chatbot_id uuid NOT NULL,
    purpose text NOT NULL,
    granted boolean NOT NULL,
    text text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
)
""",
    "CREATE INDEX idx_consents_customer_purpose ON consents (customer_id, purpose, recorded_at)",
)

# `value` is a document of one encrypted field, in the form that the rotation of keys knows.
SECRETS = (
    """
CREATE TABLE secrets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    chatbot_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[A-Za-z_][A-Za-z0-9_]{0,63}$'),
    value jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (chatbot_id, name),
    FOREIGN KEY (organization_id, chatbot_id) REFERENCES chatbots (organization_id, id) ON DELETE CASCADE
)
""",
)

# Calls and e-mails are looked for apart from sends and timers, of which there may be very many more.
WORK = ("CREATE INDEX idx_effects_work ON effects (due_at) WHERE status = 'pending' AND lane = 'work'",)

DROP_WORK = ("DROP INDEX idx_effects_work",)
