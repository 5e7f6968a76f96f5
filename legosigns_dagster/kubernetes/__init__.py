"""A pod for each step: its size, its GPU, and why it died. The only room that imports the Kubernetes client.

May import: nothing of ours.
"""
