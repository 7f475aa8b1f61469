"""Work: HTTP calls and e-mails that turns leave behind. The I/O comes first, with nothing locked; then its event."""
