"""Tests on real container engines, each in a network namespace of its own."""
