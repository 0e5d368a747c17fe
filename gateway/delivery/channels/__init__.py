"""One module for each way to a device."""
