"""One adapter for each client protocol: requests in, canonical events out."""
