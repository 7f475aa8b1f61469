-- Who a customer is on a channel: ids that stand beside each other, ids that change, customers that were merged.
-- The first three run in a turn's transaction, for strangers of platforms that tell several ids; the caller holds
-- the advisory locks of all these ids (`turn.sql`, serialise_newcomers).

-- name: join_under_aliases
-- A sender who is known under another id gets the new one as a further identity. An id that is already noted as
-- standing beside a third one proves nothing: phone numbers change hands, and the leading id is then another.
WITH k AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[], $6::jsonb[])
        AS k(organization_id, channel_id, sender, alias, rank, profile)
)
INSERT INTO customer_identities (organization_id, customer_id, channel_id, external_id, profile, created_at)
SELECT DISTINCT ON (k.channel_id, k.sender)
       k.organization_id, i.customer_id, k.channel_id, k.sender, k.profile, $7::timestamptz
FROM k
JOIN customer_identities i ON i.channel_id = k.channel_id AND i.external_id = k.alias AND NOT i.is_alias
WHERE NOT EXISTS (SELECT FROM customer_identities s WHERE s.channel_id = k.channel_id AND s.external_id = k.sender)
ORDER BY k.channel_id, k.sender, k.rank
ON CONFLICT (channel_id, external_id) DO NOTHING

-- name: continue_under_aliases
-- An open conversation under one of a sender's other ids goes on under the one that the platform leads with now.
-- Only private conversations: their key is the sender's id. A sender who is known only beside another id goes on with
-- that one's conversation, if there is just one such id ($4 may be empty then).
WITH k AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::int[])
        AS k(organization_id, channel_id, contact_key, alias, rank)
), known AS (
    SELECT k.*, s.customer_id, s.is_alias
    FROM k
    LEFT JOIN customer_identities s ON s.channel_id = k.channel_id AND s.external_id = k.contact_key
), found AS (
    SELECT k.organization_id, k.channel_id, k.contact_key, k.rank, c.id, c.contact_key AS before
    FROM known k
    JOIN conversations c ON c.channel_id = k.channel_id AND c.contact_key = k.alias AND c.status <> 'archived'
    LEFT JOIN customer_identities a ON a.channel_id = k.channel_id AND a.external_id = k.alias
    WHERE a.id IS NULL OR NOT a.is_alias OR a.customer_id = k.customer_id
    UNION ALL
    SELECT k.organization_id, k.channel_id, k.contact_key, 1000, c.id, c.contact_key
    FROM known k
    JOIN LATERAL (
        SELECT min(i.external_id) AS external_id
        FROM customer_identities i
        WHERE i.customer_id = k.customer_id AND i.channel_id = k.channel_id AND NOT i.is_alias
        HAVING count(*) = 1
    ) beside ON k.is_alias
    JOIN conversations c ON c.channel_id = k.channel_id AND c.contact_key = beside.external_id
                        AND c.status <> 'archived'
), chosen AS (
    SELECT DISTINCT ON (channel_id, contact_key) * FROM found ORDER BY channel_id, contact_key, rank
), locked AS MATERIALIZED (
    SELECT c.id FROM conversations c WHERE c.id IN (SELECT id FROM chosen) ORDER BY c.id FOR NO KEY UPDATE
), moved AS (
    UPDATE conversations c
    SET contact_key = k.contact_key
    FROM chosen k, locked l
    WHERE l.id = k.id AND c.id = k.id AND c.status <> 'archived' AND c.contact_key = k.before
      AND NOT EXISTS (SELECT FROM conversations o WHERE o.channel_id = k.channel_id
                      AND o.contact_key = k.contact_key AND o.status <> 'archived')
    RETURNING c.organization_id, c.customer_id, c.channel_id, c.contact_key
)
INSERT INTO customer_identities (organization_id, customer_id, channel_id, external_id, created_at)
SELECT organization_id, customer_id, channel_id, contact_key, $6::timestamptz FROM moved
ON CONFLICT (channel_id, external_id) DO NOTHING

-- name: add_aliases
-- The other ids are noted beside the sender's. One that stood beside another customer's id has changed hands: the
-- platform vouches for it here from now on, and no longer there.
WITH k AS (
    SELECT DISTINCT ON (channel_id, alias) *
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) AS k(organization_id, channel_id, sender, alias)
), beside AS (
    SELECT k.*, i.customer_id, i.id AS sender_id
    FROM k
    JOIN customer_identities i ON i.channel_id = k.channel_id AND i.external_id = k.sender
), lost AS (
    UPDATE customers u
    SET phone_verified_at = NULL
    FROM beside b
    JOIN customer_identities a ON a.channel_id = b.channel_id AND a.external_id = b.alias
    WHERE a.is_alias AND a.customer_id <> b.customer_id AND u.id = a.customer_id AND u.phone = '+' || b.alias
), promoted AS (
    UPDATE customer_identities i SET is_alias = false FROM beside b WHERE i.id = b.sender_id AND i.is_alias
)
INSERT INTO customer_identities AS i (organization_id, customer_id, channel_id, external_id, is_alias, created_at)
SELECT organization_id, customer_id, channel_id, alias, true, $5::timestamptz
FROM beside
ORDER BY channel_id, alias
ON CONFLICT (channel_id, external_id) DO UPDATE
SET customer_id = excluded.customer_id, is_alias = true
WHERE i.is_alias OR i.customer_id = excluded.customer_id

-- name: find_identities
SELECT external_id, id, customer_id FROM customer_identities
WHERE channel_id = $1 AND external_id = ANY ($2::text[])
ORDER BY id
FOR NO KEY UPDATE

-- name: rename_identity
UPDATE customer_identities SET external_id = $2, is_alias = false WHERE id = $1

-- name: forget_identities
-- $2 are ids that are not this customer's any more, whoever gets them.
DELETE FROM customer_identities
WHERE channel_id = $1 AND external_id = ANY ($2::text[]) AND (is_alias OR external_id = $3)

-- name: change_number
-- The phone number went with the id: the new one is the id itself, or not known yet.
UPDATE customers
SET phone = $3, phone_verified_at = CASE WHEN $3::text IS NULL THEN NULL ELSE phone_verified_at END,
    updated_at = $4::timestamptz
WHERE id = $1 AND phone = ANY ($2::text[]) AND phone_verified_at IS NOT NULL

-- name: readdress
-- Where a conversation under the new id is open already, that one stays; this one goes to the archive under the new
-- id too, so that what still waits in it leaves for where the customer is.
UPDATE conversations c
SET contact_key = $3,
    status = CASE WHEN taken THEN 'archived' ELSE c.status END,
    ended_at = CASE WHEN taken THEN coalesce(c.ended_at, $4::timestamptz) ELSE c.ended_at END
FROM (SELECT EXISTS (SELECT FROM conversations o
                     WHERE o.channel_id = $2 AND o.contact_key = $3 AND o.status <> 'archived' AND o.id <> $1)) AS t(taken)
WHERE c.id = $1

-- name: customers_of
SELECT id, customer_id FROM conversations WHERE id = ANY ($1::uuid[])

-- name: consents_of
-- What a customer last said to each purpose, under any id that was merged into this one.
WITH RECURSIVE family AS (
    SELECT $1::uuid AS id
    UNION
    SELECT u.id FROM customers u JOIN family f ON u.merged_into = f.id
)
SELECT DISTINCT ON (c.purpose) c.purpose, c.granted, c.text, c.recorded_at, c.customer_id
FROM consents c
WHERE c.customer_id IN (SELECT id FROM family)
ORDER BY c.purpose, c.recorded_at DESC
