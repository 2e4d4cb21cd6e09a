"""Versions of datasets, which DVC keeps."""
