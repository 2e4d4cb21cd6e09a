"""What families share: networks, layers, losses, and the training steps of whole groups of families."""
