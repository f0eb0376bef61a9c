"""An AWS on this machine for tests: moto's interfaces, and instances that are real machines."""
