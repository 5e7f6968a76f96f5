# The image of the code server, of runs and of steps on Kubernetes; the chart brings its own for web server and daemon.
#   docker build -t registry.example.com/legosigns-dagster:1 .
# On nodes without a GPU, or for another CUDA, torch comes from an index of your choice:
#   docker build --build-arg TORCH_INDEX=<address of the index> .
FROM python:3.11-slim-bookworm

# torch alone is most of the image: a layer of its own, that stays when anything else changes.
ARG TORCH_INDEX
RUN PIP_INDEX_URL="$TORCH_INDEX" pip install --no-cache-dir torch==2.14.1 torchvision==0.29.1

# The other dependencies change when setup.py does, the code with every build.
WORKDIR /opt/legosigns
COPY setup.py ./
RUN mkdir legosigns_dagster && pip install --no-cache-dir . && pip uninstall --yes legosigns_dagster
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
