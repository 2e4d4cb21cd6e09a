"""Images, labelled or not, and pairs of images."""
