"""Stand-ins for the outside world, so that a first start needs no provider."""
