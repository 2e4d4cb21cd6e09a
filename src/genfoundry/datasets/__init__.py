"""Every file is a dataset: a card and its examples. The promise is in `genfoundry.dataset`."""
