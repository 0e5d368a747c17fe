"""What the programs of the edge share: settings, secrets, who may speak, logging, and writing to Kafka with acknowledgement."""
