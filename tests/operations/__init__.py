"""Tests of what operators do with the installation as a whole."""
