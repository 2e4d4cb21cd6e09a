"""What judges share: features, sets of images, intervals, baselines, detectors, and the sheets that they draw."""
