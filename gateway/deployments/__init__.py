"""Deployment configs: what a channel is told about its platform, in the documents' own shape, checked."""

from gateway.deployments.reading import PLATFORMS, Deployment, read_deployment

__all__ = ["PLATFORMS", "Deployment", "read_deployment"]
