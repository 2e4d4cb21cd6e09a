"""The two revisions that `genfoundry ci` holds side by side."""
