"""Every file holds what the contract of families needs to know of a kind of data: specs, and what samples must be."""
