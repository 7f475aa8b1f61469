"""The part that translates: one folder a platform, each speaking the protocol in `adapters.protocol`."""
