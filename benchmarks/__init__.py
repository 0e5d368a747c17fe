"""What Kairos costs and how fast it is, measured. `make bench` runs `benchmarks.run`; docs/performance.md explains the method."""
