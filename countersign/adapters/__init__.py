"""The concrete world: database, SMS, mail, Temporal server, files."""
