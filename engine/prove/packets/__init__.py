"""Packets of the attempt: filters, captures, their headers, and the leg that each belongs to."""
