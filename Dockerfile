# One image, three commands: web (the default), worker, migrate.

FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/opt/countersign
WORKDIR /build
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --extra postgres --no-install-project
COPY README.md LICENSE worker.py ./
COPY countersign countersign
COPY workflows workflows
COPY activities activities
COPY api api
COPY templates templates
RUN uv sync --locked --no-dev --extra postgres --no-editable

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /home/countersign countersign \
    && install -d -o countersign -g countersign -m 0700 /data
COPY --from=build /opt/countersign /opt/countersign
ENV PATH=/opt/countersign/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    COUNTERSIGN_DATA_DIR=/data
USER countersign
WORKDIR /home/countersign
VOLUME /data
EXPOSE 8080
# The web process answers here; a worker has no port, so whoever starts one switches this check off.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["tini", "--"]
# The client's address is judged by COUNTERSIGN_TRUSTED_PROXIES alone; access lines would hold link codes.
#   worker:  python -m worker
#   migrate: countersign migrate
CMD ["uvicorn", "api.app:serve_app", "--factory", "--host", "0.0.0.0", "--port", "8080", "--no-access-log", "--no-proxy-headers"]
