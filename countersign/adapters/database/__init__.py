"""The product's own database: SQLite by default, PostgreSQL by URL."""
