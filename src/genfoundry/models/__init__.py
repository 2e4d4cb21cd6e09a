"""Every file is a family, or one paper. The promise is in `genfoundry.model`."""
