"""The servers of `genfoundry up`: their processes, deployments, databases, accounts and guard."""
