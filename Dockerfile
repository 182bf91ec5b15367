# One image, three commands:
#   web      uvicorn api.app:serve_app --factory --no-access-log --host 0.0.0.0 --port 8080   (the default)
#   worker   python -m worker
#   migrate  countersign migrate
# What COPY does not name stays out of the image: no .env, no data directory, no secrets.

FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON=/usr/local/bin/python3.11 \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /app
# The dependencies are a layer of their own: a change of the code does not fetch them again.
COPY pyproject.toml uv.lock ./
RUN uv sync --locked --no-dev --extra postgres --no-install-project
COPY LICENSE README.md worker.py ./
COPY activities activities
COPY api api
COPY countersign countersign
COPY templates templates
COPY workflows workflows
RUN uv sync --locked --no-dev --extra postgres --no-editable

FROM python:3.11-slim-bookworm
RUN apt-get update \
    && apt-get install -y --no-install-recommends fonts-noto-cjk tini \
    && rm -rf /var/lib/apt/lists/*
# A new named volume on /data takes over this owner, so the process can write without being root.
RUN groupadd --gid 10001 countersign \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin countersign \
    && install -d -o countersign -g countersign -m 700 /data
COPY --from=build /app/.venv /app/.venv
COPY --chmod=755 deploy/entrypoint.sh /usr/local/bin/countersign-entrypoint
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    COUNTERSIGN_DATA_DIR=/data
# An empty folder: the installed package is what runs, and no stray .env is read.
WORKDIR /srv
USER 10001:10001
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["tini", "--", "countersign-entrypoint"]
CMD ["uvicorn", "api.app:serve_app", "--factory", "--no-access-log", "--host", "0.0.0.0", "--port", "8080"]
