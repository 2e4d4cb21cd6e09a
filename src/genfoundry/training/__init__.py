"""The training process: it imports torch and Lightning, and none of the vendors of the pipeline."""
