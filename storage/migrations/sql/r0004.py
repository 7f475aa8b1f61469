"""The statements of revision 0004, in order. Never changed once released."""

from __future__ import annotations

# When the customer last said something: WhatsApp lets a business write freely for a day from then on. No index
# may hold it, for every turn changes it (see r0001).
WINDOW = (
    "ALTER TABLE conversations ADD COLUMN heard_at timestamptz",
    "ALTER TABLE effects DROP CONSTRAINT effects_status_check",
    "ALTER TABLE effects ADD CONSTRAINT effects_status_check CHECK (status IN ('pending', 'held', 'dead'))",
    "CREATE INDEX idx_effects_stuck ON effects (organization_id, created_at) WHERE status <> 'pending'",
    # For operators. Not by status, which changes all the time: only what has gone wrong has an error.
    "CREATE INDEX idx_messages_trouble ON messages (organization_id, created_at) WHERE error IS NOT NULL",
)

DROP_WINDOW = (
    "DROP INDEX idx_messages_trouble",
    "DROP INDEX idx_effects_stuck",
    "DELETE FROM effects WHERE status = 'held'",
    "ALTER TABLE effects DROP CONSTRAINT effects_status_check",
    "ALTER TABLE effects ADD CONSTRAINT effects_status_check CHECK (status IN ('pending', 'dead'))",
    "ALTER TABLE conversations DROP COLUMN heard_at",
)

# A file that a customer or a bot sent. `file` is the platform's reference, `place` the key in our own store.
MEDIA = (
    """
CREATE TABLE media (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    conversation_id uuid,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    kind text NOT NULL,
    file text NOT NULL DEFAULT '',
    name text NOT NULL DEFAULT '',
    mime_type text NOT NULL DEFAULT '',
    size bigint,
    sha256 text,
    width integer,
    height integer,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'stored', 'refused', 'gone')),
    reason text,
    place text,
    created_at timestamptz NOT NULL DEFAULT now(),
    stored_at timestamptz,
    expires_at timestamptz
)
""",
    "CREATE INDEX idx_media_organization_created ON media (organization_id, created_at)",
    "CREATE INDEX idx_media_conversation ON media (conversation_id)",
    "CREATE INDEX idx_media_expires ON media (expires_at) WHERE expires_at IS NOT NULL",
)

# Message templates as WhatsApp approved them, and how many of each category went out on a day.
TEMPLATES = (
    """
CREATE TABLE message_templates (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    category text NOT NULL DEFAULT '',
    status text NOT NULL,
    reason text NOT NULL DEFAULT '',
    components jsonb NOT NULL DEFAULT '[]',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    synced_at timestamptz,
    UNIQUE (channel_id, name, language),
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id) ON DELETE CASCADE
)
""",
    """
CREATE TABLE template_sends (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    category text NOT NULL,
    day date NOT NULL,
    count integer NOT NULL DEFAULT 0,
    UNIQUE (channel_id, category, day),
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id) ON DELETE CASCADE
)
""",
)

# An alias is another id of the same person on the same channel: a phone number beside a business-scoped id.
IDENTITIES = (
    "ALTER TABLE customer_identities ADD COLUMN is_alias boolean NOT NULL DEFAULT false",
    "ALTER TABLE customers ADD COLUMN email_verified_at timestamptz",
    "ALTER TABLE customers ADD COLUMN phone_verified_at timestamptz",
    "ALTER TABLE customers ADD COLUMN merged_into uuid",
    "CREATE INDEX idx_customers_merged_into ON customers (merged_into) WHERE merged_into IS NOT NULL",
    """
CREATE TABLE customer_merges (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kept_id uuid NOT NULL,
    merged_id uuid NOT NULL,
    reason text NOT NULL CHECK (reason IN ('email', 'phone', 'link', 'identity', 'operator')),
    before jsonb NOT NULL,
    merged_at timestamptz NOT NULL DEFAULT now(),
    undone_at timestamptz
)
""",
    "CREATE INDEX idx_customer_merges_kept ON customer_merges (kept_id)",
    "CREATE INDEX idx_customer_merges_merged ON customer_merges (merged_id)",
    """
CREATE INDEX idx_customers_verified_email ON customers (organization_id, lower(email))
    WHERE email_verified_at IS NOT NULL
""",
    """
CREATE INDEX idx_customers_verified_phone ON customers (organization_id, phone)
    WHERE phone_verified_at IS NOT NULL
""",
)

DROP_IDENTITIES = (
    "DROP INDEX idx_customers_verified_phone",
    "DROP INDEX idx_customers_verified_email",
    "DROP TABLE customer_merges",
    "ALTER TABLE customers DROP COLUMN merged_into, DROP COLUMN phone_verified_at, DROP COLUMN email_verified_at",
    "DELETE FROM customer_identities WHERE is_alias",
    "ALTER TABLE customer_identities DROP COLUMN is_alias",
)
