"""Fine-tuning without forgetting: the training data, the training, and the choice between base and trained weights.

May import: core, core.dataset, core.inference, core.evaluation, core.detector.
"""
