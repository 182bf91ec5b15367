"""Policies that ship with the product: one YAML file per policy, stored at the first start."""
