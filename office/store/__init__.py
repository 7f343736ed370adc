"""The office's database: engine, tables, migrations, and what leaves a change behind."""
