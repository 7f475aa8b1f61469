-- The statements of delivery and of the sweepers. A worker changes only what it holds the lease of.

-- name: mark_sent
-- $4 and $5 bound the creation times, so that only the partitions concerned are opened. Returns what was the
-- worker's: who finds that a send was not has lost the lane.
WITH done AS (
    DELETE FROM effects e
    USING unnest($1::uuid[]) AS k(id)
    WHERE e.id = k.id AND e.lease_owner = $6::uuid
    RETURNING e.id
), told AS (
    UPDATE messages m
    SET status = 'sent', external_id = nullif(k.external_id, ''),
        metadata = CASE WHEN k.detail = '' THEN m.metadata
                        ELSE m.metadata || jsonb_build_object('delivery', k.detail) END
    FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $7::text[]) AS k(id, created_at, external_id, detail)
    WHERE m.id = k.id AND m.created_at = k.created_at
      AND m.created_at BETWEEN $4::timestamptz AND $5::timestamptz
      AND m.status = 'queued' AND m.id IN (SELECT id FROM done)
)
SELECT id FROM done

-- name: mark_dead
-- The platform will not take it: the effect stays as a dead letter, the message says why. Returns as above.
WITH dead AS (
    UPDATE effects e
    SET status = 'dead', last_error = k.error, attempts = e.attempts + 1, lease_owner = NULL, lease_until = NULL
    FROM unnest($1::uuid[], $3::text[]) AS k(id, error)
    WHERE e.id = k.id AND e.lease_owner = $6::uuid
    RETURNING e.id
), told AS (
    UPDATE messages m
    SET status = 'failed', error = k.error
    FROM unnest($1::uuid[], $2::timestamptz[], $3::text[]) AS k(id, created_at, error)
    WHERE m.id = k.id AND m.created_at = k.created_at
      AND m.created_at BETWEEN $4::timestamptz AND $5::timestamptz
      AND m.id IN (SELECT id FROM dead)
)
SELECT id FROM dead

-- name: postpone
-- Not now: the attempt is counted, the lease stays, the next try is at the given time. Returns what is still
-- the worker's: what another has taken over meanwhile is not the worker's to try. The caller holds the
-- conversations' locks (`lock_lanes`): every change of a lane's lease does, so that no two workers believe in it.
UPDATE effects e
SET attempts = k.attempts, due_at = k.due_at, last_error = k.error, lease_until = k.due_at + $5::interval,
    payload = CASE WHEN k.calls_done = 0 THEN e.payload
                   ELSE e.payload || jsonb_build_object('calls_done', k.calls_done) END
FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $7::int[])
    AS k(id, attempts, due_at, error, calls_done)
WHERE e.id = k.id AND e.lease_owner = $6::uuid AND e.status = 'pending'
RETURNING e.id

-- name: renew
-- $2 is the worker; returns what it still holds, so that it lets go of the rest. A lease that has run out is
-- not renewed: the lane is for whoever claims it. The caller holds the conversations' locks, as above.
UPDATE effects e
SET lease_until = greatest(e.due_at, $3::timestamptz) + $4::interval
FROM unnest($1::uuid[]) AS k(id)
WHERE e.id = k.id AND e.lease_owner = $2 AND e.status = 'pending' AND e.lease_until >= $3::timestamptz
RETURNING e.id

-- name: release
UPDATE effects e
SET lease_owner = NULL, lease_until = NULL
FROM unnest($1::uuid[]) AS k(id)
WHERE e.id = k.id AND e.lease_owner = $2

-- name: find_due
-- Runs as the dispatcher role, before any tenant is known: only ids leave this query.
-- Sends and timers that are due and that nobody holds, oldest first. Calls and e-mails have a query of their
-- own (`find_work`): a bot with many of them must not fill this one's limit.
SELECT e.id, e.organization_id, e.conversation_id, e.lane
FROM effects e
WHERE e.status = 'pending' AND e.due_at <= $1::timestamptz AND (e.lease_until IS NULL OR e.lease_until < $1::timestamptz)
  AND e.lane <> 'work'
ORDER BY e.due_at
LIMIT $2

-- name: queue_ages
-- Runs as the dispatcher role: the age of the oldest overdue work in each lane, for the metrics.
SELECT e.lane, extract(epoch FROM $1::timestamptz - min(e.due_at))::float8 AS seconds, count(*) AS waiting
FROM effects e
WHERE e.status = 'pending' AND e.due_at <= $1::timestamptz
GROUP BY e.lane

-- name: lock_lanes
SELECT c.id FROM conversations c WHERE c.id = ANY ($1::uuid[]) ORDER BY c.id FOR NO KEY UPDATE

-- name: claim_lanes
-- Takes whole lanes: every pending ordered effect of the conversations, unless another worker holds one
-- of them. The caller holds the conversations' locks (`lock_lanes`), so no turn leases in between.
UPDATE effects e
SET lease_owner = $2, lease_until = greatest(e.due_at, $3::timestamptz) + $4::interval
FROM conversations c
WHERE e.conversation_id = ANY ($1::uuid[]) AND e.lane = 'delivery' AND e.status = 'pending'
  AND c.id = e.conversation_id
  AND NOT EXISTS (
      SELECT FROM effects o
      WHERE o.conversation_id = e.conversation_id AND o.lane = 'delivery' AND o.status = 'pending'
        AND o.lease_owner <> $2 AND o.lease_until >= $3
  )
RETURNING e.id, e.organization_id, e.conversation_id, e.channel_id, e.kind, e.position, e.payload,
          e.due_at, e.created_at, e.attempts, e.lease_until, c.contact_key, c.heard_at

-- name: claim_timers
WITH due AS (
    SELECT id FROM effects
    WHERE id = ANY ($1::uuid[]) AND status = 'pending' AND (lease_until IS NULL OR lease_until < $3)
    ORDER BY id
    FOR UPDATE SKIP LOCKED
)
UPDATE effects e
SET lease_owner = $2, lease_until = $3::timestamptz + $4::interval
FROM due, conversations c
WHERE e.id = due.id AND c.id = e.conversation_id
RETURNING e.id, e.organization_id, e.conversation_id, e.channel_id, e.key, e.due_at, c.contact_key

-- name: find_work
-- Runs as the dispatcher role. Due calls and e-mails that nobody holds, the bots taking turns: at most $2 of
-- each, so that one with many, or slow ones, leaves room. A disabled channel's wait until it is back.
SELECT w.id, w.organization_id, w.channel_id
FROM (
    SELECT e.id, e.organization_id, e.channel_id, e.due_at,
           row_number() OVER (PARTITION BY c.chatbot_id ORDER BY e.due_at, e.id) AS place
    FROM effects e
    JOIN channels c ON c.id = e.channel_id AND c.status = 'active'
    WHERE e.status = 'pending' AND e.lane = 'work' AND e.due_at <= $1::timestamptz
      AND (e.lease_until IS NULL OR e.lease_until < $1::timestamptz)
) w
WHERE w.place <= $2
ORDER BY w.place, w.due_at
LIMIT $3

-- name: claim_work
-- Each claim counts as an attempt, so that what ends its worker every time comes to an end, too.
WITH due AS (
    SELECT id FROM effects
    WHERE id = ANY ($1::uuid[]) AND lane = 'work' AND status = 'pending' AND due_at <= $3
      AND (lease_until IS NULL OR lease_until < $3)
    ORDER BY id
    FOR UPDATE SKIP LOCKED
)
UPDATE effects e
SET lease_owner = $2, lease_until = $3::timestamptz + $4::interval, attempts = e.attempts + 1
FROM due, conversations c
WHERE e.id = due.id AND c.id = e.conversation_id
RETURNING e.id, e.organization_id, e.channel_id, e.kind, e.key, e.payload, e.created_at, e.attempts,
          c.contact_key

-- name: finish_work
DELETE FROM effects WHERE id = $1 AND lease_owner = $2

-- name: postpone_work
-- Not now: nobody holds it until it is due again. What $5 says replaces that part of the payload.
UPDATE effects e
SET due_at = $3, last_error = $4, payload = e.payload || $5::jsonb, lease_owner = NULL, lease_until = NULL
WHERE e.id = $1 AND e.lease_owner = $2 AND e.status = 'pending'

-- name: raise_statuses
-- Delivery status only ever rises, and nothing clears `failed`. Ranks: queued, sent, delivered, read.
UPDATE messages m
SET status = k.status,
    delivered_at = CASE WHEN k.status IN ('delivered', 'read') THEN coalesce(m.delivered_at, k.at) ELSE m.delivered_at END,
    read_at = CASE WHEN k.status = 'read' THEN coalesce(m.read_at, k.at) ELSE m.read_at END,
    error = CASE WHEN k.status = 'failed' THEN k.error ELSE m.error END
FROM (
    SELECT DISTINCT ON (channel_id, external_id) *
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[])
        AS k(channel_id, external_id, status, at, error)
    ORDER BY channel_id, external_id,
             array_position(ARRAY['queued', 'sent', 'delivered', 'read', 'failed'], status) DESC
) AS k
WHERE m.channel_id = k.channel_id AND m.external_id = k.external_id AND m.sender_type <> 'customer'
  AND m.status <> 'failed'
  AND array_position(ARRAY['queued', 'sent', 'delivered', 'read', 'failed'], k.status)
    > array_position(ARRAY['queued', 'sent', 'delivered', 'read', 'failed'], m.status)

-- name: raise_up_to
-- The widget's receipts: everything that was said in the conversations up to a sequence number is now $3.
UPDATE messages m
SET status = $3::text, delivered_at = coalesce(m.delivered_at, $4::timestamptz),
    read_at = CASE WHEN $3::text = 'read' THEN coalesce(m.read_at, $4::timestamptz) ELSE m.read_at END
FROM unnest($1::uuid[], $2::int[]) AS k(conversation_id, seq)
WHERE m.conversation_id = k.conversation_id AND m.seq <= k.seq AND m.sender_type <> 'customer'
  AND (m.status = 'sent' OR (m.status = 'delivered' AND $3::text = 'read'))

-- name: expire_inbox
DELETE FROM inbox
WHERE id IN (SELECT id FROM inbox WHERE expires_at < $1 AND status = 'done' LIMIT $2)
