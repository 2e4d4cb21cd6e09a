"""What `genfoundry new` begins from, where nothing is named: the smallest entry of each sort that keeps its contract.

These are no entries of the catalogue; `genfoundry new` copies them under the names that it was given.
"""
