"""The part that remembers: schema, migrations, named queries, sessions, encryption, embedded servers."""
