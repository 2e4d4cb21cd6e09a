"""What is written to disk for whoever asks a registered model for something."""
