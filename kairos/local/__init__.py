"""The machinery of one machine: where files lie, which Java runs, the JVM artefacts, and the processes made of them."""
