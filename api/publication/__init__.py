"""Figures that are published: stated, served with their bundles, and looked at again."""
