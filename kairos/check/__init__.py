"""Whether a configuration, this machine, the brokers and the topics fit together, told before anything is submitted."""
