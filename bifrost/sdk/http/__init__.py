"""How workflows ask outside services: a client that tracks, tries again, spares the service, and raises what failed."""
