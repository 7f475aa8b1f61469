-- Messages that did not go out: dead letters, held ones, those that wait, and those that a platform took and
-- reported as failed later, which have no effect any more. Operators list them, replay them, or drop them.

-- name: list_letters
-- $1 what to show, $2 the channel or null, $3 since when, $4 the beginning of an error or '', $5 ids or null, $6 how
-- many. Newest last.
WITH letters AS (
    SELECT e.id, e.created_at, e.channel_id, e.conversation_id,
           CASE e.status WHEN 'pending' THEN 'waiting' WHEN 'dead' THEN 'failed' ELSE e.status END AS state,
           e.payload ->> 'trouble' AS trouble, coalesce(e.last_error, '') AS error, e.attempts, e.due_at, true AS stored
    FROM effects e
    WHERE e.lane = 'delivery' AND (e.status <> 'pending' OR 'waiting' = ANY ($1::text[])) AND e.created_at >= $3
      AND ($5::uuid[] IS NULL OR e.id = ANY ($5::uuid[]))
    UNION ALL
    SELECT m.id, m.created_at, m.channel_id, m.conversation_id, 'failed', 'reported', coalesce(m.error, ''), 0,
           m.created_at, false
    FROM messages m
    WHERE m.status = 'failed' AND m.error IS NOT NULL AND m.sender_type = 'bot' AND m.created_at >= $3
      AND 'failed' = ANY ($1::text[]) AND NOT m.metadata ? 'dropped'
      AND ($5::uuid[] IS NULL OR m.id = ANY ($5::uuid[]))
      AND NOT EXISTS (SELECT FROM effects e WHERE e.id = m.id)
)
SELECT l.id, l.created_at, l.channel_id, h.type || ' ' || h.name AS channel, c.contact_key AS recipient, l.state,
       coalesce(l.trouble, '') AS trouble, l.error, l.attempts, l.due_at, l.stored
FROM letters l
JOIN channels h ON h.id = l.channel_id
JOIN conversations c ON c.id = l.conversation_id
WHERE l.state = ANY ($1::text[]) AND ($2::uuid IS NULL OR l.channel_id = $2::uuid)
  AND ($4::text = '' OR starts_with(l.error, $4::text) OR l.trouble = $4::text)
ORDER BY l.created_at, l.id
LIMIT $6

-- name: letter_content
SELECT m.content, m.payload, m.status, m.metadata, e.payload AS stored
FROM messages m
LEFT JOIN effects e ON e.id = m.id
WHERE m.id = $1 AND m.created_at = $2

-- name: lock_letters
-- The conversations of letters, locked in one order for everybody, as whoever changes a lane does.
SELECT c.id FROM conversations c
WHERE c.id IN (SELECT conversation_id FROM messages WHERE id = ANY ($1::uuid[]))
   OR c.id IN (SELECT conversation_id FROM effects WHERE id = ANY ($1::uuid[]))
ORDER BY c.id FOR NO KEY UPDATE

-- name: replay_effects
-- Letters that were set aside wait again, at their lane's end: what is behind them by now keeps its order. They keep
-- their id, under which the platform may know their calls. The caller holds the conversations' locks.
WITH k AS (
    SELECT e.id, row_number() OVER (PARTITION BY e.conversation_id ORDER BY e.position) + coalesce(
               (SELECT max(o.position) FROM effects o
                WHERE o.conversation_id = e.conversation_id AND o.lane = 'delivery' AND o.status = 'pending'),
               c.state_version * 4096) AS position
    FROM effects e
    JOIN conversations c ON c.id = e.conversation_id
    WHERE e.id = ANY ($1::uuid[]) AND e.lane = 'delivery' AND e.status <> 'pending'
), waiting AS (
    UPDATE effects e
    SET status = 'pending', position = k.position, due_at = $2::timestamptz, attempts = 0, last_error = NULL,
        lease_owner = NULL, lease_until = NULL,
        payload = e.payload - ARRAY['trouble', 'closed', 'failure'] || jsonb_build_object('since', $2::timestamptz)
    FROM k
    WHERE e.id = k.id
    RETURNING e.id, e.created_at
), told AS (
    UPDATE messages m SET status = 'queued', error = NULL
    FROM waiting w
    WHERE m.id = w.id AND m.created_at = w.created_at
)
SELECT id FROM waiting

-- name: replay_messages
-- Messages that were reported as failed are sent anew, under their own id; reports on the former try (`before`) say
-- nothing of this one. $3: because the customer's window was closed, which happens once to a message.
WITH k AS (
    SELECT m.*, row_number() OVER (PARTITION BY m.conversation_id ORDER BY m.seq) + coalesce(
               (SELECT max(o.position) FROM effects o
                WHERE o.conversation_id = m.conversation_id AND o.lane = 'delivery' AND o.status = 'pending'),
               c.state_version * 4096) AS position
    FROM messages m
    JOIN conversations c ON c.id = m.conversation_id
    WHERE m.id = ANY ($1::uuid[]) AND m.sender_type = 'bot' AND m.status = 'failed'
      AND NOT EXISTS (SELECT FROM effects e WHERE e.id = m.id)
      AND NOT ($3::boolean AND (m.metadata ? 'reopened' OR coalesce(m.payload ? 'template', false)))
), waiting AS (
    INSERT INTO effects (id, organization_id, conversation_id, channel_id, lane, kind, position, payload, due_at,
                         created_at)
    SELECT id, organization_id, conversation_id, channel_id, 'delivery', 'send', position,
           jsonb_build_object(
               'send', jsonb_build_object(
                   'type', 'send',
                   'message', jsonb_build_object('text', content) || (coalesce(payload, '{}') - 'label')),
               'seq', seq, 'since', $2::timestamptz, 'closed', $3::boolean,
               'before', coalesce(metadata -> 'before', '[]') || coalesce(to_jsonb(external_id), '[]')),
           $2::timestamptz, created_at
    FROM k
    RETURNING id
), told AS (
    UPDATE messages m
    SET status = 'queued', error = NULL, external_id = NULL,
        metadata = m.metadata - ARRAY['calls', 'delivery']
            || jsonb_build_object('before', coalesce(m.metadata -> 'before', '[]') || coalesce(to_jsonb(m.external_id), '[]'))
            || CASE WHEN $3::boolean THEN '{"reopened": true}'::jsonb ELSE '{}' END
    FROM k
    WHERE m.id = k.id AND m.created_at = k.created_at
)
SELECT id FROM waiting

-- name: drop_letters
-- Not sent, and not shown any more; the message stays in the transcript as failed.
WITH gone AS (
    DELETE FROM effects WHERE id = ANY ($1::uuid[]) AND lane = 'delivery' AND status <> 'pending' RETURNING id
)
UPDATE messages m
SET status = 'failed', metadata = m.metadata || '{"dropped": true}', error = coalesce(m.error, 'dropped')
WHERE m.id = ANY ($1::uuid[]) AND m.sender_type = 'bot' AND NOT m.metadata ? 'dropped'
  AND (m.id IN (SELECT id FROM gone) OR (m.status = 'failed' AND NOT EXISTS (SELECT FROM effects e WHERE e.id = m.id)))
RETURNING m.id
