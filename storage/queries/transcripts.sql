-- What the widget reads.

-- name: find
SELECT c.id, c.message_count FROM conversations c
WHERE c.channel_id = $1 AND c.contact_key = $2 AND c.status <> 'archived'

-- name: after
-- Visible: what the customer said, and what the bot said and has sent (or given up).
-- A message on its way becomes visible later: readers hold back what is numbered above it.
SELECT m.conversation_id, m.seq, m.id, m.sender_type, m.message_type, m.content, m.payload, m.external_id,
       m.created_at
FROM unnest($1::uuid[], $2::int[]) AS k(conversation_id, seq),
LATERAL (
    SELECT m.* FROM messages m
    WHERE m.conversation_id = k.conversation_id AND m.seq > k.seq AND m.status <> 'queued'
    ORDER BY m.seq
    LIMIT $3
) AS m
ORDER BY m.conversation_id, m.seq
