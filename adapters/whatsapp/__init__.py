"""WhatsApp by the Cloud API (Graph API), without an on-premises client or a go-between."""
