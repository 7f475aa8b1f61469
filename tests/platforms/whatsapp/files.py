"""Media: uploaded by a multipart form, looked up by id, read from an address that lives five minutes."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from tests.platforms.whatsapp.errors import GraphError, no_object, parameter
from tests.platforms.whatsapp.world import JSON, URL_SECONDS, Media, World

MEGABYTE: Final = 1024 * 1024
LIMITS: Final = {
    "image/jpeg": 5 * MEGABYTE,
    "image/png": 5 * MEGABYTE,
    "image/webp": 500 * 1024,
    "video/mp4": 16 * MEGABYTE,
    "video/3gpp": 16 * MEGABYTE,
    "audio/aac": 16 * MEGABYTE,
    "audio/amr": 16 * MEGABYTE,
    "audio/mpeg": 16 * MEGABYTE,
    "audio/mp4": 16 * MEGABYTE,
    "audio/ogg": 16 * MEGABYTE,
    "text/plain": 100 * MEGABYTE,
    "application/pdf": 100 * MEGABYTE,
    "application/msword": 100 * MEGABYTE,
    "application/vnd.ms-excel": 100 * MEGABYTE,
}
"""Types that are taken, and the bytes of each."""


async def upload(world: World, request: web.BaseRequest) -> JSON:
    """POST /<phone number id>/media."""
    if request.headers.get("Content-Type", "").partition(";")[0] != "multipart/form-data":
        raise parameter("The parameter file is required.")
    if "Content-Length" not in request.headers:
        raise GraphError(
            1, status=411, message="An unknown error occurred"
        )  # a chunked body is not promised to work
    form = await request.post()
    if form.get("messaging_product") != "whatsapp":
        raise parameter("The parameter messaging_product is required.")
    file = form.get("file")
    if not isinstance(file, web.FileField):
        raise parameter("The parameter file is required.")
    mime_type = file.content_type.partition(";")[0].strip()
    limit = LIMITS.get(mime_type)
    if limit is None:
        raise parameter(
            f"Param file must be a file with one of the following types: {', '.join(LIMITS)}. Received file of type"
            f" '{mime_type}'."
        )
    content = file.file.read()
    if len(content) > limit:
        raise GraphError(131053, f"File size exceeds the maximum of {limit} bytes for {mime_type}")
    if not content:
        raise GraphError(131053, "File is empty")
    return {"id": world.add_media(content, mime_type, file.filename).id}


def look_up(world: World, media: Media, base: str, number: str | None) -> JSON:
    """GET /<media id>: a new address each time."""
    if number is not None and number not in world.numbers:
        raise no_object(media.id, "GET")
    media.url_expires = world.now() + URL_SECONDS
    return {
        "messaging_product": "whatsapp",
        "url": f"{base}/whatsapp_business/attachments/?mid={media.id}&ext={int(media.url_expires)}",
        "mime_type": media.mime_type,
        "sha256": "0" * 64,
        "file_size": len(media.content),
        "id": media.id,
    }


def download(world: World, request: web.BaseRequest) -> web.Response:
    """The file itself: wants the token, and an address that has not expired."""
    try:
        world.check_token(request.headers.get("Authorization", ""))
    except GraphError:
        return web.Response(status=401)
    media = world.media.get(request.query.get("mid", ""))
    if media is None or world.now() > media.url_expires:
        return web.Response(status=404)
    return web.Response(body=media.content, content_type=media.mime_type)
