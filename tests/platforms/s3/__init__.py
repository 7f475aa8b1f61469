"""A mock of an S3-compatible service: strict about signatures, and about what a multipart upload is."""

from tests.platforms.s3.server import KEY_ID, REGION, SECRET, MockS3

__all__ = ["KEY_ID", "REGION", "SECRET", "MockS3"]
