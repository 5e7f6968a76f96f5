"""The assets, in the order of the flow. A body gathers, makes one core call and adds metadata."""
