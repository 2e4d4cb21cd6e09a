"""genfoundry: a continuous-training factory for generative models."""

__version__ = "0.1.0"
