# syntax=docker/dockerfile:1
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY engine engine
COPY adapters adapters
COPY storage storage
COPY gateway gateway
COPY widget widget
# An environment of its own, copied whole into the next stage; pip stays behind.
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/gateway \
    && pip wheel --no-deps --wheel-dir /wheels . \
    && /opt/gateway/bin/pip install /wheels/*.whl \
    && /opt/gateway/bin/pip uninstall --yes pip

FROM ${PYTHON_IMAGE} AS runtime
LABEL org.opencontainers.image.title="channel-gateway" org.opencontainers.image.licenses="MIT"
RUN groupadd --system --gid 10001 gateway \
    && useradd --system --uid 10001 --gid gateway --home-dir /data --shell /usr/sbin/nologin gateway \
    && install --directory --owner gateway --group gateway --mode 0700 /data /media
COPY --from=build /opt/gateway /opt/gateway
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GATEWAY_HOST=0.0.0.0 \
    GATEWAY_DATA_DIR=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
# No proxy for the loopback address, and the port that this container was given.
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + (os.environ.get('GATEWAY_PORT') or '8080') + '/healthz', timeout=2)"]
ENTRYPOINT ["gateway"]
CMD ["serve"]
