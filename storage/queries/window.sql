-- What decides whether a message may go out now: the customer's window, templates and consents. The cold road.

-- name: heard_at
SELECT heard_at FROM conversations WHERE id = $1

-- name: earlier_message
-- The platform's id of the latest message of that label before this one.
SELECT m.external_id
FROM messages m
WHERE m.conversation_id = $1 AND m.seq < $2 AND m.sender_type = 'bot' AND m.payload ->> 'label' = $3
ORDER BY m.seq DESC
LIMIT 1

-- name: template
SELECT category, status, reason FROM message_templates WHERE channel_id = $1 AND name = $2 AND language = $3

-- name: count_template
-- One more of this category today, unless $5 went out already; no row then.
INSERT INTO template_sends AS t (organization_id, channel_id, category, day, count)
SELECT $1, $2, $3, $4::date, 1
WHERE $5::int IS NULL OR $5::int > 0
ON CONFLICT (channel_id, category, day) DO UPDATE SET count = t.count + 1
WHERE $5::int IS NULL OR t.count < $5::int
RETURNING count

-- name: consents
-- What the customer of a conversation last said to each of these purposes, and whether all messages are unwanted. Consents
-- stay with the id that they were given by: those of customers who were merged into this one count, too.
SELECT u.opted_out_at IS NOT NULL AS opted_out, s.purpose, s.granted
FROM conversations c
JOIN customers u ON u.id = c.customer_id
LEFT JOIN LATERAL (
    SELECT DISTINCT ON (purpose) purpose, granted
    FROM consents
    WHERE customer_id IN (
        WITH RECURSIVE family AS (
            SELECT u.id AS id
            UNION
            SELECT m.id FROM customers m JOIN family f ON m.merged_into = f.id
        )
        SELECT id FROM family
    ) AND purpose = ANY ($2::text[])
    ORDER BY purpose, recorded_at DESC
) s ON true
WHERE c.id = $1
