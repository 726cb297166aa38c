"""The embedded engine: one process that owns chDB and speaks the part of ClickHouse's HTTP interface that clickhouse-connect uses."""
