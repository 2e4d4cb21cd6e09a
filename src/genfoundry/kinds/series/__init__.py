"""Regular time series."""
