"""Freshly annotated images in, a better traffic-sign detector and an honest comparison out."""
