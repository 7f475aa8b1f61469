-- What platforms report on sent messages. A status only ever rises, and nothing clears `failed`.
-- Ranks: queued, sent, delivered, read, failed. A message of several calls is as far as its last one.

-- name: raise_statuses
-- By the platform's id. Returns what more there is to do: the reports that made a message fail (with its id), and
-- those that name our key ($6) and a message that is not known by the platform's id (yet).
WITH k AS (
    SELECT DISTINCT ON (channel_id, external_id) *
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::uuid[])
        WITH ORDINALITY AS k(channel_id, external_id, status, at, error, key, number)
    ORDER BY channel_id, external_id,
             array_position(ARRAY['queued', 'sent', 'delivered', 'read', 'failed'], status) DESC
), raised AS (
    UPDATE messages m
    SET status = k.status,
        delivered_at = CASE WHEN k.status IN ('delivered', 'read') THEN coalesce(m.delivered_at, k.at) ELSE m.delivered_at END,
        read_at = CASE WHEN k.status = 'read' THEN coalesce(m.read_at, k.at) ELSE m.read_at END,
        error = CASE WHEN k.status = 'failed' THEN k.error ELSE m.error END
    FROM k
    WHERE m.channel_id = k.channel_id AND m.external_id = k.external_id AND m.sender_type <> 'customer'
      AND m.status <> 'failed'
      AND array_position(ARRAY['queued', 'sent', 'delivered', 'read', 'failed'], k.status)
        > array_position(ARRAY['queued', 'sent', 'delivered', 'read', 'failed'], m.status)
    RETURNING m.id, k.number
)
SELECT (k.number - 1)::int AS number, r.id
FROM k
LEFT JOIN raised r ON r.number = k.number
WHERE (r.id IS NOT NULL AND k.status = 'failed')
   OR (r.id IS NULL AND k.key IS NOT NULL AND NOT EXISTS (
          SELECT FROM messages m
          WHERE m.channel_id = k.channel_id AND m.external_id = k.external_id AND m.sender_type <> 'customer'))

-- name: confirm_effects
-- By our key: the platform has carried out these calls, or taken them and failed. Whoever holds the lane looks here
-- before a call in doubt is made again. A letter that was set aside in doubt, and arrived after all, is done with.
WITH k AS (
    SELECT key, channel_id,
           max(call) FILTER (WHERE status <> 'failed') + 1 AS confirmed,
           (array_agg(external_id ORDER BY call DESC) FILTER (WHERE status <> 'failed'))[1] AS receipt,
           (array_agg(error ORDER BY call DESC) FILTER (WHERE status = 'failed'))[1] AS failure,
           array_agg(external_id) AS external_ids
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[])
        AS k(key, channel_id, call, external_id, status, error)
    GROUP BY key, channel_id
), noted AS (
    UPDATE effects e
    SET payload = e.payload || jsonb_strip_nulls(jsonb_build_object(
            'confirmed', greatest(k.confirmed, (e.payload ->> 'confirmed')::int),
            'receipt', CASE WHEN k.confirmed > coalesce((e.payload ->> 'confirmed')::int, 0) THEN k.receipt END,
            'failure', k.failure))
    FROM k
    WHERE e.id = k.key AND e.channel_id = k.channel_id AND e.lane = 'delivery' AND e.status = 'pending'
      AND NOT coalesce(e.payload -> 'before' ?| k.external_ids, false)
    RETURNING e.id
), arrived AS (
    DELETE FROM effects e
    USING k
    WHERE e.id = k.key AND e.channel_id = k.channel_id AND e.lane = 'delivery' AND e.status <> 'pending'
      AND e.payload -> 'doubt' = 'true' AND k.confirmed >= (e.payload ->> 'calls')::int
      AND NOT coalesce(e.payload -> 'before' ?| k.external_ids, false)
    RETURNING e.id
)
SELECT id, false AS arrived FROM noted
UNION ALL
SELECT id, true FROM arrived

-- name: confirm_messages
-- The same for the messages. The customer has a message when its last call has arrived, whichever try that was;
-- one of its calls that failed makes all of it fail, but not a try that failed beside one that arrived.
-- What becomes of a call in doubt that failed is decided by whoever holds the lane.
-- $8 are the messages that were given up in doubt, and are not lost after all.
WITH k AS (
    SELECT DISTINCT ON (key, call) *
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
        AS k(key, channel_id, call, external_id, status, error, at)
    ORDER BY key, call, array_position(ARRAY['queued', 'sent', 'delivered', 'read', 'failed'], status) DESC
)
UPDATE messages m
SET status = k.status,
    external_id = CASE WHEN k.status <> 'failed' OR k.last THEN coalesce(m.external_id, k.external_id)
                       ELSE m.external_id END,
    delivered_at = CASE WHEN k.status IN ('delivered', 'read') THEN coalesce(m.delivered_at, k.at) ELSE m.delivered_at END,
    read_at = CASE WHEN k.status = 'read' THEN coalesce(m.read_at, k.at) ELSE m.read_at END,
    error = CASE WHEN k.status = 'failed' THEN k.error END
FROM (
    SELECT k.*, f.id, f.created_at, k.call + 1 >= coalesce((f.metadata ->> 'calls')::int, 1) AS last,
           f.external_id <> k.external_id AS beside,
           f.id = ANY ($8::uuid[]) AS given_up,
           EXISTS (SELECT FROM effects e WHERE e.id = k.key AND (
               e.payload -> 'before' ? k.external_id
               OR (k.status = 'failed' AND e.status = 'pending' AND e.payload -> 'doubt' = 'true'))) AS not_ours
    FROM k
    JOIN messages f ON f.id = k.key AND f.channel_id = k.channel_id AND f.sender_type <> 'customer'
) AS k
WHERE m.id = k.id AND m.created_at = k.created_at AND NOT k.not_ours
  AND CASE WHEN k.status = 'failed' THEN m.status <> 'failed' AND NOT coalesce(k.last AND k.beside, false)
           ELSE k.last AND (k.given_up
                OR array_position(ARRAY['queued', 'sent', 'delivered', 'read', 'failed'], k.status)
                 > array_position(ARRAY['queued', 'sent', 'delivered', 'read', 'failed'], m.status)) END
RETURNING m.id, m.status, m.error

-- name: raise_up_to
-- The widget's receipts: everything that was said in the conversations up to a sequence number is now $3.
UPDATE messages m
SET status = $3::text, delivered_at = coalesce(m.delivered_at, $4::timestamptz),
    read_at = CASE WHEN $3::text = 'read' THEN coalesce(m.read_at, $4::timestamptz) ELSE m.read_at END
FROM unnest($1::uuid[], $2::int[]) AS k(conversation_id, seq)
WHERE m.conversation_id = k.conversation_id AND m.seq <= k.seq AND m.sender_type <> 'customer'
  AND (m.status = 'sent' OR (m.status = 'delivered' AND $3::text = 'read'))

-- name: note_calls
-- How many calls a message comes to, before the first one leaves: reports tell them apart by number.
WITH told AS (UPDATE effects SET payload = payload || jsonb_build_object('calls', $3::int) WHERE id = $1)
UPDATE messages SET metadata = metadata || jsonb_build_object('calls', $3::int) WHERE id = $1 AND created_at = $2

-- name: in_doubt
SELECT id, coalesce((payload ->> 'confirmed')::int, 0) AS confirmed, coalesce(payload ->> 'receipt', '') AS receipt,
       coalesce(payload ->> 'failure', '') AS failure
FROM effects
WHERE id = ANY ($1::uuid[])
