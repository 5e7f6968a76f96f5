# The image of the code server, of runs and of steps on Kubernetes; the chart brings its own for web server and daemon.
#   docker build -t registry.example.com/legosigns-dagster:1 .
# On nodes without a GPU, or for another CUDA, torch comes from an index of your choice:
#   docker build --build-arg TORCH_INDEX=<address of the index> .
FROM python:3.11-slim-bookworm AS base

# Only torch's lines of constraints.txt. They are picked in a stage of their own: a file that is copied from a stage
# rebuilds what follows only where its bytes changed, so another library's new version leaves torch's layer alone.
FROM base AS versions
WORKDIR /versions
COPY constraints.txt ./
RUN grep -E '^torch(vision)?==' constraints.txt > torch.txt

# torch alone is most of the image: a layer of its own, that stays when anything else changes.
FROM base
WORKDIR /opt/legosigns
COPY --from=versions /versions/torch.txt ./
ARG TORCH_INDEX
RUN PIP_INDEX_URL="$TORCH_INDEX" pip install --no-cache-dir --requirement torch.txt

# The other dependencies change when setup.py or constraints.txt does, the code with every build.
COPY setup.py constraints.txt LICENSE ./
RUN mkdir legosigns_dagster && pip install --no-cache-dir --constraint constraints.txt . \
    && pip uninstall --yes legosigns_dagster
COPY pyproject.toml ./
COPY legosigns_dagster ./legosigns_dagster
RUN pip install --no-cache-dir --no-deps . && rm -rf /opt/legosigns

# Any user may run this, in group 0, as OpenShift chooses one: what is written lies in /tmp or in the home of Dagster.
ENV DAGSTER_HOME=/opt/dagster/dagster_home \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    YOLO_CONFIG_DIR=/tmp/ultralytics \
    PYTHONUNBUFFERED=1
RUN mkdir -p "$DAGSTER_HOME" && chgrp -R 0 /opt/dagster && chmod -R g=u /opt/dagster
WORKDIR /tmp
USER 1001:0
EXPOSE 3030
CMD ["dagster", "api", "grpc", "--module-name", "legosigns_dagster.definitions", "--host", "0.0.0.0", "--port", "3030"]
