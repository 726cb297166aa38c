"""A coverage-guided fuzzer of the collector: `make fuzz ARGS="--protocol sensors --minutes 10"`."""
