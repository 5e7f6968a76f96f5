"""What is run as one: the job that makes everything."""

import dagster as dg

traffic_signs = dg.define_asset_job(
    "traffic_signs",
    selection=dg.AssetSelection.all(),
    description="Everything: snapshots of the sources, the dataset, synthetic images, new weights, and the comparison "
    "of base and new.",
)
