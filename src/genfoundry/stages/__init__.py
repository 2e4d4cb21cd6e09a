"""The five steps from data to a registered model, and the one that brings data in: one plain function a file."""
