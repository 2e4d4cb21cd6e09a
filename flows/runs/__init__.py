"""The flow runs of a project: whose they are, what they share, what they leave behind."""
