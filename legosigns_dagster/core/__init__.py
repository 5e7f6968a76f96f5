"""What the pipeline knows: no Dagster, no network, no environment. Everything comes in by argument."""
