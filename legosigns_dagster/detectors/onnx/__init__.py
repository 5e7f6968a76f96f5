"""ONNX files, run on this machine's CPU by the engines that model servers have in them.

May import: core, core.inference.
"""
