"""The statements of revision 0003, in order. Never changed once released."""

from __future__ import annotations

TEMPLATES = """
CREATE TABLE chatbot_templates (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    organization_id uuid NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    slug text NOT NULL CHECK (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    category text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    bundle jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (organization_id, slug),
    UNIQUE (organization_id, id)
)
"""

FLOWS = (
    "ALTER TABLE conversation_flows ADD COLUMN translations jsonb NOT NULL DEFAULT '{}'",
    "ALTER TABLE conversation_flows ADD COLUMN source text",
    "ALTER TABLE conversation_flows ADD COLUMN template_id uuid",
    # The tenant stays when the template goes.
    """
ALTER TABLE conversation_flows ADD FOREIGN KEY (organization_id, template_id)
    REFERENCES chatbot_templates (organization_id, id) ON DELETE SET NULL (template_id)
""",
    "CREATE INDEX idx_conversation_flows_template_id ON conversation_flows (template_id)"
    " WHERE template_id IS NOT NULL",
)

IMMUTABILITY = """
CREATE OR REPLACE FUNCTION refuse_change_of_published_flow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NULL AND OLD.status NOT IN ('active', 'archived') THEN
        RETURN NEW;
    END IF;
    IF (NEW.flow_id, NEW.version, NEW.flow_definition, NEW.variable_definitions, NEW.translations,
        NEW.supported_languages, NEW.default_language, NEW.test_scenarios, NEW.source)
        IS DISTINCT FROM
       (OLD.flow_id, OLD.version, OLD.flow_definition, OLD.variable_definitions, OLD.translations,
        OLD.supported_languages, OLD.default_language, OLD.test_scenarios, OLD.source) THEN
        RAISE check_violation USING MESSAGE = 'the content of a published flow version never changes',
            HINT = 'Add a new version instead.';
    END IF;
    IF NEW.status NOT IN ('active', 'archived') THEN
        RAISE check_violation USING MESSAGE = 'a published flow version never becomes a draft again';
    END IF;
    IF OLD.published_at IS NOT NULL AND NEW.published_at IS NULL THEN
        RAISE check_violation USING MESSAGE = 'a published flow version never becomes unpublished';
    END IF;
    RETURN NEW;
END
$$
"""

IMMUTABILITY_BEFORE = """
CREATE OR REPLACE FUNCTION refuse_change_of_published_flow() RETURNS trigger LANGUAGE plpgsql AS $$
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
"""

REMOVE = (
    "ALTER TABLE conversation_flows DROP COLUMN template_id, DROP COLUMN source, DROP COLUMN translations",
    "DROP TABLE chatbot_templates",
)
