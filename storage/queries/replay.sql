-- What replays read; nothing here writes. Each runs in a transaction that names its tenant. The inbox and the
-- conversations have no index for these questions, which turns would pay for: a replay reads more instead.

-- name: list
-- The newest conversations, of one bot ($1) or of all, with the number of events that were ever turned.
SELECT c.id, b.slug AS bot, h.type AS platform, c.status, c.message_count, c.state_version AS events, c.created_at,
       c.last_message_at
FROM conversations c
JOIN chatbots b ON b.id = c.chatbot_id
JOIN channels h ON h.id = c.channel_id
WHERE ($1::uuid IS NULL OR c.chatbot_id = $1)
ORDER BY c.last_message_at DESC NULLS LAST, c.id DESC
LIMIT $2

-- name: find
-- By id, or by its beginning ($1, a pattern); two rows tell that it is not enough.
SELECT c.id FROM conversations c WHERE c.id::text LIKE $1 LIMIT 2

-- name: transcript
SELECT m.seq, m.sender_type, m.message_type, m.content, m.payload, m.status, m.error, m.intent, m.confidence,
       m.created_at
FROM messages m
WHERE m.conversation_id = $1
ORDER BY m.seq DESC
LIMIT $2

-- name: conversations
-- These conversations ($1), and with them ($2) all others of the same customers: what customers are remembered
-- by is built from all of them.
SELECT c.id, c.chatbot_id, c.channel_id, c.customer_id, h.type AS platform, c.status, c.state, c.state_version,
       c.created_at, c.last_message_at, u.created_at AS customer_since, u.first_name, u.last_name, u.email,
       u.phone, u.language, u.timezone, u.metadata, u.variables, u.opted_out_at IS NOT NULL AS opted_out,
       d.platform_config #> '{compliance,opt_out_keywords}' AS opt_out_words
FROM conversations c
JOIN channels h ON h.id = c.channel_id
JOIN customers u ON u.id = c.customer_id
LEFT JOIN deployment_configs d ON d.channel_id = h.id AND d.is_active
WHERE c.id = ANY ($1::uuid[])
   OR c.customer_id IN (SELECT o.customer_id FROM conversations o WHERE $2 AND o.id = ANY ($1::uuid[]))
ORDER BY c.id = ANY ($1::uuid[]) DESC, c.created_at, c.id
LIMIT $3

-- name: events
-- What was turned, at most $4 of a conversation. A row expires 8 days after it came (turn.sql), so that the index
-- on its end finds it by its beginning.
SELECT k.conversation_id, k.id, k.event, k.received_at, k.expires_at
FROM (
    SELECT i.conversation_id, i.id, i.event, i.received_at, i.expires_at,
           row_number() OVER (PARTITION BY i.conversation_id ORDER BY i.received_at, i.id) AS place
    FROM inbox i
    WHERE i.expires_at BETWEEN $2::timestamptz + interval '8 days' AND $3::timestamptz + interval '8 days'
      AND i.conversation_id = ANY ($1::uuid[]) AND i.status = 'done'
) k
WHERE k.place <= $4
ORDER BY k.received_at, k.id
LIMIT $5

-- name: parked
SELECT i.conversation_id, count(*) AS parked
FROM inbox i
WHERE i.status = 'parked' AND i.conversation_id = ANY ($1::uuid[])
GROUP BY i.conversation_id

-- name: said
-- What bots said, from $2 on; a message's id is derived from that of its event.
SELECT m.conversation_id, m.id, m.seq, m.sender_type = 'bot' AS by_bot, m.content, m.payload
FROM messages m
WHERE m.conversation_id = ANY ($1::uuid[]) AND m.created_at >= $2::timestamptz
  AND m.sender_type IN ('bot', 'customer')
ORDER BY m.conversation_id, m.seq

-- name: publications
-- Which version a bot spoke from when on. `before` of the first is what it spoke until then.
SELECT f.id, f.version, a.created_at AS at, a.details ->> 'before' AS before
FROM conversation_flows f
JOIN audit_log a ON a.resource = 'conversation_flow' AND a.action IN ('published', 'reverted')
                AND a.resource_id = f.id::text
WHERE f.chatbot_id = $1
ORDER BY a.created_at, a.id

-- name: active
SELECT b.active_flow_id AS id FROM chatbots b WHERE b.id = $1

-- name: remembered
-- What a bot remembers for all, and how many conversations may have made it so.
SELECT b.variables, (SELECT count(*) FROM conversations c WHERE c.chatbot_id = b.id) AS conversations
FROM chatbots b
WHERE b.id = $1
