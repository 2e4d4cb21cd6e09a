"""The commands of `genfoundry`, a file each. At the top they import click alone, so that `--help` answers at once."""
