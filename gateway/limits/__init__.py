"""Rate limits: token buckets that all replicas share through Valkey, and that a worker keeps alone while it is away."""
