"""Every file is a metric. The promise is in `genfoundry.metric`."""
