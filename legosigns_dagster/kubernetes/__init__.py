"""A pod for each step: its size, its GPU, and why it failed. Only this room imports the Kubernetes client.

May import: nothing of ours.
"""
