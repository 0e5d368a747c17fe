"""What one submits to a Flink cluster that does not know Kairos: one zip with the job, what it needs, and how to submit it."""
