-- Customers, as operators look at them.

-- name: find
-- Customers whose id begins so.
SELECT id FROM customers WHERE id::text LIKE $1 || '%' ORDER BY id LIMIT 2

-- name: list
-- $1 a part of a name, an address, a number or an id on a channel, as a LIKE pattern, or null for all. Whoever was
-- merged into another is found as that one.
WITH RECURSIVE found AS (
    SELECT u.id, u.merged_into
    FROM customers u
    WHERE $1::text IS NULL AND u.merged_into IS NULL
       OR $1::text IS NOT NULL AND (
              concat_ws(' ', u.first_name, u.last_name) ILIKE $1 OR u.email ILIKE $1 OR u.phone ILIKE $1
              OR EXISTS (SELECT FROM customer_identities i WHERE i.customer_id = u.id AND i.external_id ILIKE $1))
    UNION
    SELECT k.id, k.merged_into FROM customers k JOIN found f ON f.merged_into = k.id
)
SELECT u.id, concat_ws(' ', u.first_name, u.last_name) AS name, coalesce(u.email, '') AS email,
       coalesce(u.phone, '') AS phone, u.created_at, coalesce(i.channels, '') AS channels, t.last_message_at
FROM found f
JOIN customers u ON u.id = f.id AND u.merged_into IS NULL
LEFT JOIN LATERAL (
    SELECT string_agg(DISTINCT h.type, ', ' ORDER BY h.type) AS channels
    FROM customer_identities i JOIN channels h ON h.id = i.channel_id
    WHERE i.customer_id = u.id
) i ON true
LEFT JOIN LATERAL (SELECT max(last_message_at) AS last_message_at FROM conversations WHERE customer_id = u.id) t ON true
ORDER BY t.last_message_at DESC NULLS LAST, u.id
LIMIT $2

-- name: profile
SELECT id, external_id, first_name, last_name, email, email_verified_at, phone, phone_verified_at, language, timezone,
       reachable, opted_out_at, merged_into, created_at
FROM customers WHERE id = $1

-- name: identities
SELECT i.external_id, i.is_alias, h.type || ' ' || h.name AS channel, i.created_at
FROM customer_identities i JOIN channels h ON h.id = i.channel_id
WHERE i.customer_id = $1
ORDER BY i.created_at, i.is_alias, i.id

-- name: conversations
SELECT c.id, h.type || ' ' || h.name AS channel, c.status, c.message_count, c.last_message_at
FROM conversations c JOIN channels h ON h.id = c.channel_id
WHERE c.customer_id = $1
ORDER BY c.last_message_at DESC NULLS LAST, c.id
LIMIT $2

-- name: find_merge
SELECT id FROM customer_merges WHERE id::text LIKE $1 || '%' ORDER BY id LIMIT 2

-- name: merges
SELECT id, kept_id, merged_id, reason, merged_at, undone_at
FROM customer_merges
WHERE kept_id = $1 OR merged_id = $1
ORDER BY merged_at, id

-- name: bots
-- The bots that a customer talks to.
SELECT DISTINCT chatbot_id FROM conversations WHERE customer_id = $1
