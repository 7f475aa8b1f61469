-- How the running server finds channels and flows. The first statements run as the dispatcher role, which
-- sees whose a route is and what changed, and nothing else.

-- name: find_route
SELECT c.id, c.organization_id FROM channels c WHERE c.route = $1 AND c.type = $2 AND c.status = 'active'

-- name: find_changed
-- $1: a little before the last look, since transactions become visible late.
SELECT c.id FROM channels c WHERE c.updated_at > $1
UNION
SELECT c.id FROM channels c JOIN chatbots b ON b.id = c.chatbot_id WHERE b.updated_at > $1

-- name: find_pollable
-- Channels of a platform that want polling (they have an offset) and that nobody polls (polling holds a lease).
SELECT c.id, c.organization_id FROM channels c
WHERE c.type = $1 AND c.status = 'active' AND c.polling_offset IS NOT NULL
  AND (c.lease_until IS NULL OR c.lease_until < $2)

-- name: organizations
SELECT o.id FROM organizations o

-- name: load_channel
SELECT c.id, c.organization_id, c.chatbot_id, c.type, c.route, c.name, c.settings, b.name AS bot_name,
       b.variables AS bot_variables, b.active_flow_id, d.id AS config_id, d.platform_config,
       (SELECT jsonb_agg(jsonb_build_object('name', t.name, 'language', t.language, 'category', t.category,
                                            'status', t.status, 'components', t.components) ORDER BY t.name, t.language)
        FROM message_templates t WHERE t.channel_id = c.id) AS templates
FROM channels c
JOIN chatbots b ON b.id = c.chatbot_id
LEFT JOIN deployment_configs d ON d.channel_id = c.id AND d.is_active
WHERE c.id = $1 AND c.status = 'active'

-- name: load_flow
SELECT f.id, f.flow_id, f.version, f.flow_definition, f.flow_metadata, f.variable_definitions, f.translations,
       f.supported_languages, f.default_language, f.test_scenarios, f.source, b.name
FROM conversation_flows f
JOIN chatbots b ON b.id = f.chatbot_id
WHERE f.id = $1

-- name: lease_polling
UPDATE channels SET lease_owner = $2, lease_until = $4
WHERE id = $1 AND status = 'active' AND (lease_owner = $2 OR lease_until IS NULL OR lease_until < $3)
RETURNING polling_offset

-- name: save_polling
UPDATE channels SET polling_offset = $3, lease_until = $4 WHERE id = $1 AND lease_owner = $2

-- name: release_polling
UPDATE channels SET lease_owner = NULL, lease_until = NULL WHERE id = $1 AND lease_owner = $2

-- name: understands_intents
-- Whether any published flow of the transaction's organizations needs sentence vectors.
SELECT EXISTS (
    SELECT FROM chatbots b JOIN conversation_flows f ON f.id = b.active_flow_id
    WHERE f.flow_definition @? '$.nodes[*] ? (@.type == "ai_intent")'
       OR f.flow_definition @? '$.flows.*.nodes[*] ? (@.type == "ai_intent")'
)
