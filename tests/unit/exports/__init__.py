"""Tests of the exports service."""
