"""Sources beyond files on this machine: databases, other ClickHouses, objects in S3, files on the web."""
