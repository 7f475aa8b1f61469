"""The statements of revision 0001, in order. Never changed once released."""

from __future__ import annotations

ROLES = """
DO $roles$
DECLARE
    wanted text;
    may_set boolean;
BEGIN
    -- Roles belong to the whole server: another database may be making them at this moment.
    FOREACH wanted IN ARRAY ARRAY['gateway_app', 'gateway_dispatcher'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOINHERIT', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;
            END;
        END IF;
        -- SET lets the gateway become the role; without INHERIT the owner does not fall under its policies.
        IF current_setting('server_version_num')::int >= 160000 THEN
            may_set := pg_has_role(session_user, wanted, 'SET');
        ELSE
            may_set := pg_has_role(session_user, wanted, 'MEMBER');
        END IF;
        IF may_set THEN
            CONTINUE;
        END IF;
        BEGIN
            IF current_setting('server_version_num')::int >= 160000 THEN
                EXECUTE format('GRANT %I TO %I WITH INHERIT FALSE, SET TRUE', wanted, session_user);
            ELSE
                EXECUTE format('GRANT %I TO %I', wanted, session_user);
            END IF;
        EXCEPTION WHEN insufficient_privilege THEN
            RAISE insufficient_privilege USING
                MESSAGE = format('%I may not become %I', session_user, wanted),
                HINT = format('As an administrator: GRANT %I TO %I', wanted, session_user);
        END;
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO gateway_app, gateway_dispatcher', current_schema());
END
$roles$
"""

DROP_ROLES = """
DO $roles$
DECLARE
    unwanted text;
BEGIN
    EXECUTE format('REVOKE USAGE ON SCHEMA %I FROM gateway_app, gateway_dispatcher', current_schema());
    FOREACH unwanted IN ARRAY ARRAY['gateway_app', 'gateway_dispatcher'] LOOP
        BEGIN
            EXECUTE format('DROP ROLE %I', unwanted);
        EXCEPTION WHEN dependent_objects_still_exist OR insufficient_privilege THEN
            NULL;  -- another database uses it, or somebody else made it
        END;
    END LOOP;
END
$roles$
"""

TENANTS = (
    """
CREATE TABLE organizations (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    subscription_tier text NOT NULL DEFAULT 'free',
    subscription_status text NOT NULL DEFAULT 'active',
    max_agents integer NOT NULL DEFAULT 1,
    settings jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
)
""",
    """
CREATE TABLE users (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    email text NOT NULL UNIQUE,
    password_hash text NOT NULL,
    first_name text,
    last_name text,
    role text NOT NULL DEFAULT 'user',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    last_login_at timestamptz
)
""",
    "CREATE INDEX idx_users_organization_id ON users (organization_id)",
)

BOTS = (
    """
CREATE TABLE chatbots (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    active_flow_id uuid,
    settings jsonb NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, slug),
    UNIQUE (organization_id, id)
)
""",
    # The directory of a running server asks for what has changed.
    "CREATE INDEX idx_chatbots_updated ON chatbots (updated_at)",
    """
CREATE TABLE conversation_flows (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    chatbot_id uuid NOT NULL,
    flow_id varchar(50) NOT NULL,
    version varchar(20) NOT NULL DEFAULT '1.0.0',
    status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'testing', 'active', 'archived')),
    flow_definition jsonb NOT NULL,
    flow_metadata jsonb NOT NULL DEFAULT '{}',
    variable_definitions jsonb NOT NULL DEFAULT '{}',
    test_scenarios jsonb NOT NULL DEFAULT '{}',
    supported_languages text[] NOT NULL DEFAULT ARRAY['en'],
    default_language text NOT NULL DEFAULT 'en',
    is_active boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    published_at timestamptz,
    UNIQUE (chatbot_id, flow_id, version),
    UNIQUE (organization_id, chatbot_id, id),
    FOREIGN KEY (organization_id, chatbot_id) REFERENCES chatbots (organization_id, id) ON DELETE CASCADE
)
""",
    "CREATE INDEX idx_conversation_flows_chatbot_active ON conversation_flows (chatbot_id) WHERE is_active",
    # A bot's active flow is one of its own; checked at commit, so that a bot goes together with its flows.
    """
ALTER TABLE chatbots ADD CONSTRAINT chatbots_active_flow_fkey
    FOREIGN KEY (organization_id, id, active_flow_id)
    REFERENCES conversation_flows (organization_id, chatbot_id, id)
    DEFERRABLE INITIALLY DEFERRED
""",
    """
CREATE FUNCTION refuse_change_of_published_flow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status <> 'draft' AND NEW.flow_definition IS DISTINCT FROM OLD.flow_definition THEN
        RAISE check_violation USING MESSAGE = 'the definition of a published flow version never changes',
            HINT = 'Add a new version instead.';
    END IF;
    IF OLD.status <> 'draft' AND NEW.status = 'draft' THEN
        RAISE check_violation USING MESSAGE = 'a published flow version never becomes a draft again';
    END IF;
    RETURN NEW;
END
$$
""",
    """
CREATE TRIGGER published_flow_never_changes BEFORE UPDATE ON conversation_flows
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_published_flow()
""",
    """
CREATE TABLE channels (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    chatbot_id uuid NOT NULL,
    type text NOT NULL CHECK (type IN ('web', 'telegram', 'whatsapp', 'slack')),
    name text NOT NULL,
    route text NOT NULL UNIQUE,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'disabled')),
    settings jsonb NOT NULL DEFAULT '{}',
    lease_owner uuid,
    lease_until timestamptz,
    polling_offset bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    last_activity_at timestamptz,
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, chatbot_id) REFERENCES chatbots (organization_id, id) ON DELETE CASCADE
) WITH (fillfactor = 80)
""",
    "CREATE INDEX idx_channels_chatbot_id ON channels (chatbot_id)",
    "CREATE INDEX idx_channels_updated ON channels (updated_at)",
    """
CREATE TABLE deployment_configs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    chatbot_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    platform text NOT NULL,
    environment text NOT NULL DEFAULT 'production',
    platform_config jsonb NOT NULL DEFAULT '{}',
    deployment_settings jsonb NOT NULL DEFAULT '{}',
    is_active boolean NOT NULL DEFAULT true,
    is_deployed boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (channel_id, environment),
    FOREIGN KEY (organization_id, chatbot_id) REFERENCES chatbots (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id) ON DELETE CASCADE
)
""",
    "CREATE INDEX idx_deployment_configs_chatbot_deployed ON deployment_configs (chatbot_id) WHERE is_deployed",
)

CUSTOMERS = (
    """
CREATE TABLE customers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    external_id text,
    first_name text,
    last_name text,
    email text,
    phone text,
    language text,
    timezone text,
    metadata jsonb NOT NULL DEFAULT '{}',
    reachable boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    last_active_at timestamptz,
    UNIQUE (organization_id, external_id),
    UNIQUE (organization_id, id)
) WITH (fillfactor = 80)
""",
    """
CREATE TABLE customer_identities (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    external_id text NOT NULL,
    profile jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (channel_id, external_id),
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id) ON DELETE CASCADE
)
""",
    "CREATE INDEX idx_customer_identities_customer_id ON customer_identities (customer_id)",
    # Every turn updates its conversation's row. No index may contain a column that turns change (state,
    # state_version, message_count, updated_at, last_message_at): PostgreSQL then rewrites the row within its
    # page (HOT) and touches no index at all. The free fifth of each page is room for that.
    """
CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    chatbot_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    contact_key text NOT NULL,
    status text NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'waiting', 'with_agent', 'closed', 'archived')),
    state jsonb NOT NULL DEFAULT '{}',
    state_version bigint NOT NULL DEFAULT 0,
    message_count integer NOT NULL DEFAULT 0,
    metadata jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    last_message_at timestamptz,
    escalated_at timestamptz,
    ended_at timestamptz,
    FOREIGN KEY (organization_id, chatbot_id) REFERENCES chatbots (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, channel_id) REFERENCES channels (organization_id, id) ON DELETE CASCADE,
    FOREIGN KEY (organization_id, customer_id) REFERENCES customers (organization_id, id) ON DELETE CASCADE
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)
""",
    """
CREATE UNIQUE INDEX idx_conversations_contact ON conversations (channel_id, contact_key)
    WHERE status <> 'archived'
""",
    "CREATE INDEX idx_conversations_customer_id ON conversations (customer_id)",
)

# No foreign keys from here on: each would cost a look-up and a row lock for every message (decision 0002).
HOT = (
    """
CREATE TABLE messages (
    id uuid NOT NULL,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    seq integer NOT NULL,
    sender_type text NOT NULL CHECK (sender_type IN ('customer', 'bot', 'agent', 'system')),
    sender_id uuid,
    message_type text NOT NULL DEFAULT 'text',
    content text NOT NULL DEFAULT '',
    payload jsonb,
    metadata jsonb NOT NULL DEFAULT '{}',
    status text NOT NULL
        CHECK (status IN ('received', 'queued', 'sent', 'delivered', 'read', 'failed')),
    external_id text,
    error text,
    intent text,
    confidence double precision,
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    read_at timestamptz,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at)
""",
    "CREATE INDEX idx_messages_conversation_seq ON messages (conversation_id, seq)",
    # A delivery status names the platform's id of a message that we sent.
    """
CREATE INDEX idx_messages_external ON messages (channel_id, external_id)
    WHERE external_id IS NOT NULL AND sender_type <> 'customer'
""",
    "CREATE TABLE messages_default PARTITION OF messages DEFAULT",
    "ALTER TABLE messages_default ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE messages_default FORCE ROW LEVEL SECURITY",
    """
CREATE TABLE inbox (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    external_id text NOT NULL,
    conversation_id uuid,
    seq integer,
    status text NOT NULL CHECK (status IN ('done', 'parked')),
    event jsonb,
    raw bytea,
    error text,
    received_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    UNIQUE (channel_id, external_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05)
""",
    "CREATE INDEX idx_inbox_expires ON inbox (expires_at)",
    "CREATE INDEX idx_inbox_parked ON inbox (organization_id, received_at) WHERE status = 'parked'",
    # Rows come, are leased once and go: leases stay within the page (HOT), vacuum follows closely.
    """
CREATE TABLE effects (
    id uuid PRIMARY KEY,
    organization_id uuid NOT NULL,
    conversation_id uuid NOT NULL,
    channel_id uuid NOT NULL,
    lane text NOT NULL CHECK (lane IN ('delivery', 'timer', 'work')),
    kind text NOT NULL,
    position bigint NOT NULL,
    key text,
    payload jsonb NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'dead')),
    due_at timestamptz NOT NULL,
    lease_owner uuid,
    lease_until timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0)
""",
    "CREATE INDEX idx_effects_due ON effects (due_at) WHERE status = 'pending'",
    "CREATE INDEX idx_effects_order ON effects (conversation_id, position) WHERE status = 'pending'",
    "CREATE INDEX idx_effects_timer ON effects (conversation_id, key) WHERE lane = 'timer'",
)

RECORD = (
    """
CREATE TABLE audit_log (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    actor text NOT NULL,
    action text NOT NULL,
    resource text NOT NULL,
    resource_id text,
    details jsonb NOT NULL DEFAULT '{}',
    ip_address inet,
    created_at timestamptz NOT NULL DEFAULT now()
)
""",
    "CREATE INDEX idx_audit_log_organization_created ON audit_log (organization_id, created_at)",
)

FIRST_PARTITIONS = """
DO $partitions$
DECLARE
    month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
    partition text;
BEGIN
    FOR ahead IN 0..2 LOOP
        partition := 'messages_' || to_char(month, 'YYYY_MM');
        EXECUTE format('CREATE TABLE %I PARTITION OF messages FOR VALUES FROM (%L) TO (%L)', partition,
            month AT TIME ZONE 'UTC', (month + interval '1 month') AT TIME ZONE 'UTC');
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', partition);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', partition);
        month := month + interval '1 month';
    END LOOP;
END
$partitions$
"""
