"""One customer, many channel identities: what turns notice, link codes, and unifying who is one person."""
