"""Dated tables that ship with the product, each cell with its status and source."""
