-- The statements of a turn, and nothing else. They run in one transaction that names its tenants first.
-- A block begins with its name; `storage.queries.load` reads them by it.

-- name: lock
-- Locks every conversation that the batch touches, in one order for everybody (no deadlock between
-- replicas), and reads the latest committed version of each; in the same round trip, looks up which of
-- the batch's events are known already. The lookup's snapshot may be older than the lock: a duplicate
-- that it misses hits inbox's unique constraint, and the batch runs again.
WITH locked AS MATERIALIZED (
    SELECT c.id, c.channel_id, c.contact_key, c.customer_id, c.state, c.state_version, c.message_count,
           c.status, c.heard_at
    FROM unnest($1::uuid[], $2::text[]) AS k(channel_id, contact_key)
    JOIN conversations c ON c.channel_id = k.channel_id AND c.contact_key = k.contact_key
                        AND c.status <> 'archived'
    ORDER BY c.id
    FOR NO KEY UPDATE OF c
)
SELECT l.id AS conversation_id, l.channel_id, l.contact_key, NULL::text AS external_id, NULL::int AS seq,
       l.state, l.state_version, l.message_count, l.status, l.heard_at,
       u.id AS customer_id, u.first_name, u.last_name, u.email, u.phone, u.language, u.timezone, u.metadata,
       u.variables, u.opted_out_at IS NOT NULL AS opted_out,
       u.email_verified_at IS NOT NULL AS email_verified, u.phone_verified_at IS NOT NULL AS phone_verified
FROM locked l
JOIN customers u ON u.id = l.customer_id
UNION ALL
SELECT i.conversation_id, i.channel_id, NULL, i.external_id, i.seq,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM unnest($3::uuid[], $4::text[]) AS k(channel_id, external_id)
JOIN inbox i ON i.channel_id = k.channel_id AND i.external_id = k.external_id

-- name: serialise_newcomers
-- Two replicas that meet the same customer at the same moment must agree on who creates the rows.
SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS k(key)

-- name: create_conversations
-- First contact: the customer (unless the channel knows the sender already), the identity, the conversation.
WITH k AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::text[],
                         $8::text[], $9::text[], $10::text[], $11::jsonb[], $12::text[], $13::text[], $14::text[])
        AS k(organization_id, channel_id, chatbot_id, contact_key, conversation_id, customer_id, sender,
             first_name, last_name, language, profile, phone, email, timezone)
), people AS (
    SELECT DISTINCT ON (k.channel_id, k.sender) k.*
    FROM k
    WHERE NOT EXISTS (SELECT FROM customer_identities i
                      WHERE i.channel_id = k.channel_id AND i.external_id = k.sender)
), new_customers AS (
    INSERT INTO customers (id, organization_id, first_name, last_name, language, timezone, phone,
                           phone_verified_at, email, email_verified_at, created_at, updated_at, last_active_at)
    SELECT customer_id, organization_id, nullif(first_name, ''), nullif(last_name, ''),
           nullif(language, ''), nullif(timezone, ''),
           nullif(phone, ''), CASE WHEN phone <> '' THEN $15::timestamptz END,
           nullif(email, ''), CASE WHEN email <> '' THEN $15::timestamptz END, $15::timestamptz, $15::timestamptz, $15::timestamptz
    FROM people
), new_identities AS (
    INSERT INTO customer_identities (id, organization_id, customer_id, channel_id, external_id, profile,
                                     created_at)
    SELECT customer_id, organization_id, customer_id, channel_id, sender, profile, $15::timestamptz
    FROM people
)
INSERT INTO conversations (id, organization_id, chatbot_id, channel_id, customer_id, contact_key, status,
                           state, created_at, updated_at, last_message_at)
SELECT k.conversation_id, k.organization_id, k.chatbot_id, k.channel_id,
       coalesce(i.customer_id, k.customer_id), k.contact_key, 'active', '{}', $15::timestamptz, $15::timestamptz, $15::timestamptz
FROM k
LEFT JOIN customer_identities i ON i.channel_id = k.channel_id AND i.external_id = k.sender
ORDER BY k.channel_id, k.contact_key
ON CONFLICT (channel_id, contact_key) WHERE status <> 'archived' DO NOTHING

-- name: write
-- Everything that the batch decided, in one statement. A conversation whose version moved (a worker that
-- was paused and woke) is not updated, which the caller sees by the count and rolls back.
-- An ordered effect is leased to this worker at once, unless the conversation still has ordered effects
-- that somebody else holds or nobody does: then it queues behind them and waits to be claimed.
-- `ahead` are those before it that this worker holds by the table. It may have lost them from its hands
-- (a commit whose answer never came, a lease that it let go), and must not overtake them then.
WITH moved AS (
    UPDATE conversations c
    SET state = k.state, state_version = k.version_after, message_count = k.message_count,
        status = k.status, heard_at = k.heard_at, updated_at = $7::timestamptz, last_message_at = $7::timestamptz,
        escalated_at = CASE WHEN k.status = 'waiting' AND c.status <> 'waiting' THEN $7::timestamptz ELSE c.escalated_at END,
        ended_at = CASE WHEN k.status = 'closed' THEN $7::timestamptz END
    FROM unnest($1::uuid[], $2::jsonb[], $3::bigint[], $4::bigint[], $5::int[], $6::text[], $46::timestamptz[])
        AS k(id, state, version_before, version_after, message_count, status, heard_at)
    WHERE c.id = k.id AND c.state_version = k.version_before
    RETURNING c.id
), arrived AS (
    INSERT INTO inbox (id, organization_id, channel_id, external_id, conversation_id, status, event, raw,
                       error, seq, received_at, expires_at)
    SELECT id, organization_id, channel_id, external_id, conversation_id, status, event, raw, error, seq,
           $7::timestamptz, $7::timestamptz + interval '8 days'
    FROM unnest($8::uuid[], $9::uuid[], $10::uuid[], $11::text[], $12::uuid[], $13::text[], $14::jsonb[],
                $15::bytea[], $16::text[], $17::int[])
        AS k(id, organization_id, channel_id, external_id, conversation_id, status, event, raw, error, seq)
), said AS (
    INSERT INTO messages (id, organization_id, conversation_id, channel_id, seq, sender_type, message_type,
                          content, payload, status, external_id, intent, confidence, created_at)
    SELECT id, organization_id, conversation_id, channel_id, seq, sender_type, message_type, content,
           payload, status, external_id, intent, confidence, $7::timestamptz
    FROM unnest($18::uuid[], $19::uuid[], $20::uuid[], $21::uuid[], $22::int[], $23::text[], $24::text[],
                $25::text[], $26::jsonb[], $27::text[], $28::text[], $44::text[], $45::float8[])
        AS k(id, organization_id, conversation_id, channel_id, seq, sender_type, message_type, content,
             payload, status, external_id, intent, confidence)
), finished AS (
    DELETE FROM effects WHERE id = ANY ($29::uuid[])
), cancelled AS (
    DELETE FROM effects e
    USING unnest($30::uuid[], $31::text[]) AS k(conversation_id, key)
    WHERE e.lane = 'timer' AND e.conversation_id = k.conversation_id AND e.key = k.key
), left_behind AS (
    INSERT INTO effects (id, organization_id, conversation_id, channel_id, lane, kind, position, key,
                         payload, due_at, created_at, lease_owner, lease_until)
    SELECT k.id, k.organization_id, k.conversation_id, k.channel_id, k.lane, k.kind, k.position, k.key,
           k.payload, k.due_at, $7::timestamptz,
           CASE WHEN mine THEN $42::uuid END,
           CASE WHEN mine THEN greatest(k.due_at, $7::timestamptz) + $43::interval END
    FROM unnest($32::uuid[], $33::uuid[], $34::uuid[], $35::uuid[], $36::text[], $37::text[],
                $38::bigint[], $39::text[], $40::jsonb[], $41::timestamptz[])
        AS k(id, organization_id, conversation_id, channel_id, lane, kind, position, key, payload, due_at),
    LATERAL (SELECT k.lane = 'delivery' AND NOT EXISTS (
        SELECT FROM effects e
        WHERE e.conversation_id = k.conversation_id AND e.status = 'pending' AND e.lane = 'delivery'
          AND (e.lease_owner IS DISTINCT FROM $42::uuid OR e.lease_until < $7::timestamptz)
    ) AS mine) AS l
    RETURNING id, lease_owner IS NOT NULL AS mine
), ahead AS (
    SELECT e.id, e.conversation_id
    FROM effects e
    WHERE e.conversation_id = ANY ($34::uuid[]) AND e.status = 'pending' AND e.lane = 'delivery'
      AND e.lease_owner = $42::uuid
)
SELECT (SELECT count(*) FROM moved) AS moved,
       (SELECT coalesce(array_agg(id), '{}') FROM left_behind WHERE mine) AS mine,
       (SELECT coalesce(array_agg(id), '{}') FROM ahead) AS ahead_ids,
       (SELECT coalesce(array_agg(conversation_id), '{}') FROM ahead) AS ahead_conversations

-- name: record_interactions
-- What a flow put on record; a consent is proof besides, in a table that is only ever added to.
WITH k AS MATERIALIZED (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[],
                         $8::text[], $9::jsonb[])
        AS k(id, organization_id, customer_id, conversation_id, channel_id, chatbot_id, kind, name, data)
), proven AS (
    INSERT INTO consents (id, organization_id, customer_id, conversation_id, channel_id, chatbot_id, purpose,
                          granted, text, recorded_at)
    SELECT id, organization_id, customer_id, conversation_id, channel_id, chatbot_id, name,
           coalesce(data -> 'granted' = 'true', false), coalesce(data ->> 'text', ''), $10::timestamptz
    FROM k WHERE kind = 'consent'
)
INSERT INTO user_interactions (id, organization_id, customer_id, conversation_id, channel_id, chatbot_id,
                               interaction_type, name, interaction_data, created_at)
SELECT id, organization_id, customer_id, conversation_id, channel_id, chatbot_id, kind, name, data,
       $10::timestamptz
FROM k

-- name: change_customers
-- A null leaves a column as it is. Variables are merged into those that are there by now, which another worker
-- may have changed since they were read; a null among them forgets one. $7 bounds them, in bytes.
-- Rows are locked in one order for everybody. Returns whose variables became too large and stayed as they were.
WITH locked AS MATERIALIZED (
    SELECT u.id, k.reachable, k.language, k.opted_out, k.phone, k.email, k.patch <> '{}' AS remembers,
           (u.variables || k.patch) - ARRAY(SELECT key FROM jsonb_each(k.patch) WHERE value = 'null') AS variables
    FROM unnest($1::uuid[], $2::boolean[], $3::text[], $4::boolean[], $5::jsonb[], $8::text[], $9::text[])
        AS k(id, reachable, language, opted_out, patch, phone, email)
    JOIN customers u ON u.id = k.id
    ORDER BY u.id
    FOR NO KEY UPDATE OF u
), checked AS MATERIALIZED (
    SELECT *, remembers AND octet_length(variables::text) > $7 AS refused FROM locked
), changed AS (
    UPDATE customers u
    SET reachable = coalesce(k.reachable, u.reachable),
        language = CASE WHEN k.language IS NULL THEN u.language ELSE nullif(k.language, '') END,
        opted_out_at = CASE WHEN k.opted_out THEN coalesce(u.opted_out_at, $6::timestamptz)
                            WHEN k.opted_out IS NULL THEN u.opted_out_at END,
        phone = coalesce(k.phone, u.phone),
        phone_verified_at = CASE WHEN k.phone IS NULL THEN u.phone_verified_at ELSE $6::timestamptz END,
        email = coalesce(k.email, u.email),
        email_verified_at = CASE WHEN k.email IS NULL THEN u.email_verified_at ELSE $6::timestamptz END,
        variables = CASE WHEN k.refused THEN u.variables ELSE k.variables END,
        updated_at = $6::timestamptz
    FROM checked k
    WHERE u.id = k.id
)
SELECT id FROM checked WHERE refused

-- name: change_bots
-- As above, for the variables that a bot's conversations share; `updated_at` tells the other workers. What
-- changes nothing is not written, and wakes nobody. Returns the variables as they are from now on.
WITH locked AS MATERIALIZED (
    SELECT b.id, b.variables AS before,
           (b.variables || k.patch) - ARRAY(SELECT key FROM jsonb_each(k.patch) WHERE value = 'null') AS variables
    FROM unnest($1::uuid[], $2::jsonb[]) AS k(id, patch)
    JOIN chatbots b ON b.id = k.id
    ORDER BY b.id
    FOR NO KEY UPDATE OF b
), checked AS MATERIALIZED (
    SELECT *, octet_length(variables::text) > $4 AS refused FROM locked
), changed AS (
    UPDATE chatbots b
    SET variables = k.variables, updated_at = $3::timestamptz
    FROM checked k
    WHERE b.id = k.id AND NOT k.refused AND k.variables <> k.before
)
SELECT id, CASE WHEN refused THEN before ELSE variables END AS variables, refused FROM checked
