"""What a change of the sources does to quality: `genfoundry ci`."""
