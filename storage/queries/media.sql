-- The statements about files that customers and bots sent. The bytes lie in the gateway's media store.

-- name: receive
-- Files that a turn has heard of; a work effect of the same transaction fetches them.
INSERT INTO media (id, organization_id, channel_id, conversation_id, direction, kind, file, name, mime_type,
                   size, created_at, expires_at)
SELECT id, organization_id, channel_id, conversation_id, direction, kind, file, name, mime_type, size,
       $11::timestamptz, $12::timestamptz
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::text[], $10::bigint[])
    AS k(id, organization_id, channel_id, conversation_id, direction, kind, file, name, mime_type, size)

-- name: adopt
-- Files that were stored before their conversation heard of them: a visitor's uploads. Each belongs to the first
-- conversation of its own channel that names it, and is kept as long as any other from then on.
UPDATE media m
SET conversation_id = k.conversation_id, expires_at = $4::timestamptz
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS k(id, channel_id, conversation_id)
WHERE m.id = k.id AND m.channel_id = k.channel_id AND m.conversation_id IS NULL

-- name: upload
-- A visitor begins to upload a file; it is forgotten soon unless a conversation adopts it.
INSERT INTO media (id, organization_id, channel_id, direction, kind, file, name, mime_type, created_at, expires_at)
VALUES ($1, $2, $3, 'in', $4, $5, $6, $7, $8, $9)

-- name: find
SELECT id, organization_id, channel_id, conversation_id, direction, kind, file, name, mime_type, size, sha256, width,
       height, status, reason, place, created_at, stored_at, expires_at
FROM media
WHERE id = $1

-- name: find_upload
SELECT id, organization_id, channel_id, conversation_id, direction, kind, file, name, mime_type, size, sha256, width,
       height, status, reason, place, created_at, stored_at, expires_at
FROM media
WHERE id = $1 AND channel_id = $2 AND file = $3 AND status = 'stored'

-- name: latest
SELECT id, organization_id, channel_id, conversation_id, direction, kind, file, name, mime_type, size, sha256, width,
       height, status, reason, place, created_at, stored_at, expires_at
FROM media
ORDER BY created_at DESC, id DESC
LIMIT $1

-- name: mark_stored
-- The file is in the store. Whoever fetched it a second time meanwhile has written the same place.
UPDATE media
SET status = 'stored', kind = $2, mime_type = $3, size = $4, sha256 = $5, width = $6, height = $7, place = $8,
    name = CASE WHEN name = '' THEN $9 ELSE name END, stored_at = $10, reason = NULL
WHERE id = $1 AND status = 'pending'

-- name: mark_lost
-- `refused`: we do not keep it; `gone`: there is nothing to be had. What is stored stays stored, unless it is lost.
UPDATE media
SET status = $2, reason = $3, place = NULL
WHERE id = $1 AND (status = 'pending' OR ($2 = 'gone' AND status = 'stored'))

-- name: expired
SELECT id, place FROM media WHERE expires_at < $1 ORDER BY expires_at LIMIT $2

-- name: forget
DELETE FROM media WHERE id = ANY ($1::uuid[])
