-- What the widget reads.

-- name: find
SELECT c.id, c.message_count FROM conversations c
WHERE c.channel_id = $1 AND c.contact_key = $2 AND c.status <> 'archived'

-- name: after
-- Visible: what the customer said, and what the bot said and has sent (or given up).
-- A message on its way becomes visible later: readers hold back what is numbered above it.
-- `edits`: the platform's id of the latest earlier message of the label that this one replaces.
SELECT m.conversation_id, m.seq, m.id, m.sender_type, m.message_type, m.content, m.payload, m.external_id,
       m.created_at,
       CASE WHEN m.payload ? 'replaces' THEN (
           SELECT e.external_id FROM messages e
           WHERE e.conversation_id = m.conversation_id AND e.seq < m.seq AND e.sender_type = 'bot'
             AND e.payload ->> 'label' = m.payload ->> 'replaces' AND e.external_id IS NOT NULL
           ORDER BY e.seq DESC
           LIMIT 1
       ) END AS edits
FROM unnest($1::uuid[], $2::int[]) AS k(conversation_id, seq),
LATERAL (
    SELECT m.* FROM messages m
    WHERE m.conversation_id = k.conversation_id AND m.seq > k.seq AND m.status <> 'queued'
    ORDER BY m.seq
    LIMIT $3
) AS m
ORDER BY m.conversation_id, m.seq
