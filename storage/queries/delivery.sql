-- The statements of delivery and of the sweepers. A worker changes only what it holds the lease of.

-- name: mark_sent
-- $4 and $5 bound the creation times, so that only the partitions concerned are opened. Returns what was the
-- worker's: who finds that a send was not has lost the lane. A report may have been faster than this note, and its
-- status stays.
WITH done AS (
    DELETE FROM effects e
    USING unnest($1::uuid[]) AS k(id)
    WHERE e.id = k.id AND e.lease_owner = $6::uuid
    RETURNING e.id
), told AS (
    UPDATE messages m
    SET status = CASE WHEN m.status = 'queued' THEN 'sent' ELSE m.status END,
        external_id = coalesce(nullif(k.external_id, ''), m.external_id),
        error = CASE WHEN m.status = 'failed' THEN m.error END,
        metadata = CASE WHEN k.detail = '' AND k.calls < 2 THEN m.metadata
                        ELSE m.metadata || jsonb_strip_nulls(jsonb_build_object(
                            'delivery', nullif(k.detail, ''), 'calls', CASE WHEN k.calls > 1 THEN k.calls END)) END
    FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $7::text[], $8::int[])
        AS k(id, created_at, external_id, detail, calls)
    WHERE m.id = k.id AND m.created_at = k.created_at
      AND m.created_at BETWEEN $4::timestamptz AND $5::timestamptz
      AND m.id IN (SELECT id FROM done)
)
SELECT id FROM done

-- name: set_aside
-- The platform will not take it (dead), or it may not go out now (held): the effect stays and says why, and its
-- lane goes on. A held message is still queued, and says why it waits. Returns as above.
WITH aside AS (
    UPDATE effects e
    SET status = k.status, last_error = k.error, lease_owner = NULL, lease_until = NULL,
        attempts = e.attempts + (k.status = 'dead')::int, payload = e.payload || k.progress::jsonb
    FROM unnest($1::uuid[], $3::text[], $7::text[], $8::text[]) AS k(id, error, status, progress)
    WHERE e.id = k.id AND e.lease_owner = $6::uuid
    RETURNING e.id
), told AS (
    UPDATE messages m
    SET status = CASE WHEN k.status = 'dead' THEN 'failed' ELSE m.status END, error = k.error
    FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $7::text[]) AS k(id, created_at, error, status)
    WHERE m.id = k.id AND m.created_at = k.created_at
      AND m.created_at BETWEEN $4::timestamptz AND $5::timestamptz
      AND m.id IN (SELECT id FROM aside)
)
SELECT id FROM aside

-- name: postpone
-- Not now: the attempt is counted, the lease stays, the next try is at the given time. Returns what is still
-- the worker's: what another has taken over meanwhile is not the worker's to try. The caller holds the
-- conversations' locks (`lock_lanes`): every change of a lane's lease does, so that no two workers believe in it.
UPDATE effects e
SET attempts = k.attempts, due_at = k.due_at, last_error = k.error, lease_until = k.due_at + $5::interval,
    payload = e.payload || k.progress::jsonb
FROM unnest($1::uuid[], $2::int[], $3::timestamptz[], $4::text[], $7::text[])
    AS k(id, attempts, due_at, error, progress)
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
-- `held_before` names the worker whose lease has run out: what it was just sending may have arrived.
UPDATE effects e
SET lease_owner = $2, lease_until = greatest(e.due_at, $3::timestamptz) + $4::interval
FROM conversations c, effects before
WHERE e.conversation_id = ANY ($1::uuid[]) AND e.lane = 'delivery' AND e.status = 'pending'
  AND c.id = e.conversation_id AND before.id = e.id
  AND NOT EXISTS (
      SELECT FROM effects o
      WHERE o.conversation_id = e.conversation_id AND o.lane = 'delivery' AND o.status = 'pending'
        AND o.lease_owner <> $2 AND o.lease_until >= $3
  )
RETURNING e.id, e.organization_id, e.conversation_id, e.channel_id, e.kind, e.position, e.payload,
          e.due_at, e.created_at, e.attempts, e.lease_until, before.lease_owner AS held_before, c.contact_key,
          c.heard_at

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

-- name: expire_inbox
DELETE FROM inbox
WHERE id IN (SELECT id FROM inbox WHERE expires_at < $1 AND status = 'done' LIMIT $2)
