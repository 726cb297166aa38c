"""How many events a second the collector takes and has on disk, over real HTTP: `make bench-collect`."""
