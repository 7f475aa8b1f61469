"""Files that customers and bots send: checked by content while they stream, kept in a store, shown by signed links."""
